"""Storage for tools whose browser keeps them no cookie: a frame beside the tool's, or the page around it.

The tool sends the frame that ``lti_storage_target`` names a message, and the frame's script answers it. Values are
kept in the memory of that page, apart for each origin: at most 500 keys, and 4096 characters in all.
https://www.imsglobal.org/spec/lti-pm-s/v0p1 and https://www.imsglobal.org/spec/lti-cs-pm/v0p1

What each LMS does: Canvas has a frame called ``post_message_forwarding``, the generic one answers in the page
itself (``_parent``), Moodle neither announces nor answers anything. The lever ``storage`` changes that; where the
frame is silent the page still says that there is one, which is the harder case for a tool.
"""

from __future__ import annotations

from flask import Blueprint, abort, render_template
from flask.typing import ResponseReturnValue

from ltitools.demo_lms.lms import lms

storage = Blueprint("storage", __name__)


@storage.get("/lti/storage")
def frame() -> ResponseReturnValue:
    """The page in the frame: at the origin of the authorization endpoint, which is the one that tools write to."""
    if lms().storage_target in ("", "_parent"):
        abort(404)
    return render_template("lms/storage.html")
