"""Every reason for which a login or a launch is refused: its code, its status, and what the person reads.

A code is stable: support pages and logs name it. ``docs/refusals.md`` explains each; a test compares the lists.
"""

from __future__ import annotations

from ltitools.errors import Refused
from ltitools.i18n import LazyText, host

lazy = host.lazy

_AGAIN = lazy("Go back to your course and open the activity again.")
_ADMINISTRATOR = lazy("Please tell the administrator of your learning platform, with the code below.")

_REFUSALS: dict[str, tuple[int, LazyText, LazyText]] = {
    # Login initiation
    "tenant-unknown": (404, lazy("This address belongs to no institution that is set up here."), _ADMINISTRATOR),
    "tenant-disabled": (403, lazy("These tools are switched off for your institution."), _ADMINISTRATOR),
    "login-incomplete": (
        400,
        lazy("Your learning platform opened this tool without the information that a login needs."),
        _ADMINISTRATOR,
    ),
    "platform-unknown": (400, lazy("Your learning platform is not registered here."), _ADMINISTRATOR),
    "client-unknown": (
        400,
        lazy("Your learning platform is known here, but not under the client ID that it sent."),
        _ADMINISTRATOR,
    ),
    "client-ambiguous": (
        400,
        lazy("Your learning platform is registered here more than once and did not say which one is meant."),
        _ADMINISTRATOR,
    ),
    "target-foreign": (400, lazy("The requested page is not part of this tool."), _ADMINISTRATOR),
    "registration-disabled": (403, lazy("The link to your learning platform is switched off."), _ADMINISTRATOR),
    # The way back
    "state-missing": (400, lazy("The answer of your learning platform belongs to no login."), _AGAIN),
    "state-unknown": (400, lazy("This login is not known here, or was forgotten in the meantime."), _AGAIN),
    "state-expired": (400, lazy("This login took too long."), _AGAIN),
    "state-used": (400, lazy("This login was already used. It works once only."), _AGAIN),
    "browser-other": (
        400,
        lazy("This login was begun in another browser, or your browser keeps no cookies for this tool."),
        lazy("Open the activity again. If that does not help, open it in a new window or in another browser."),
    ),
    "platform-refused": (400, lazy("Your learning platform did not let the login go through."), _AGAIN),
    "token-missing": (400, lazy("Your learning platform sent no launch."), _AGAIN),
    "token-too-large": (413, lazy("Your learning platform sent more than a launch may hold."), _ADMINISTRATOR),
    # The token
    "token-malformed": (400, lazy("The launch cannot be read."), _ADMINISTRATOR),
    "token-key-unnamed": (400, lazy("The launch does not say with which key it is signed."), _ADMINISTRATOR),
    "token-algorithm": (400, lazy("The launch is signed in a way that is not accepted."), _ADMINISTRATOR),
    "token-key-unknown": (
        400,
        lazy("The launch is signed with a key that your learning platform does not publish."),
        _ADMINISTRATOR,
    ),
    "platform-keys-unreachable": (
        400,
        lazy("The keys of your learning platform cannot be read at the moment, so the launch cannot be checked."),
        lazy("Try again in a few minutes. If it goes on, tell the administrator of your learning platform."),
    ),
    "token-signature": (400, lazy("The signature of the launch is not right."), _ADMINISTRATOR),
    "token-issuer": (400, lazy("The launch was made by another platform than the login."), _ADMINISTRATOR),
    "token-audience": (400, lazy("The launch is meant for another tool."), _ADMINISTRATOR),
    "token-times-missing": (
        400,
        lazy("The launch does not say when it was made and how long it is valid."),
        _ADMINISTRATOR,
    ),
    "token-expired": (400, lazy("The launch is no longer valid."), _AGAIN),
    "token-too-old": (400, lazy("The launch was made too long ago."), _AGAIN),
    "token-from-future": (
        400,
        lazy("The launch is dated in the future: the clocks of your learning platform and of this tool differ."),
        _ADMINISTRATOR,
    ),
    "nonce-missing": (400, lazy("The launch does not say to which login it belongs."), _ADMINISTRATOR),
    "nonce-mismatch": (400, lazy("The launch belongs to another login."), _AGAIN),
    # The message
    "message-version": (400, lazy("The launch is not an LTI 1.3 launch."), _ADMINISTRATOR),
    "message-type": (400, lazy("The launch is of a kind that this tool does not know."), _ADMINISTRATOR),
    "message-incomplete": (400, lazy("The launch lacks information that LTI requires."), _ADMINISTRATOR),
    "message-user": (
        400,
        lazy("Your learning platform did not say who you are. You may not be signed in there."),
        lazy("Sign in to your learning platform and open the activity again."),
    ),
    "message-target": (400, lazy("The launch asks for another page than the login."), _ADMINISTRATOR),
    # After the token
    "deployment-unknown": (
        403,
        lazy("This tool is not released for the part of the platform that your course is in."),
        _ADMINISTRATOR,
    ),
    "deployment-pending": (
        403,
        lazy("This tool was added to your platform but is waiting for approval."),
        lazy("The person who runs this tool has to approve it. Tell them, with the code below."),
    ),
    "deployment-rejected": (403, lazy("This tool is not approved for your part of the platform."), _ADMINISTRATOR),
    "activity-unknown": (
        404,
        lazy("This link names an activity that does not exist here."),
        lazy("Please tell your instructor: the link has to be added to the course again."),
    ),
    "activity-not-set-up": (
        404,
        lazy("Your instructor has not chosen yet what this link opens."),
        lazy("Nothing is wrong on your side. Come back later, or tell your instructor."),
    ),
    "tool-unknown": (404, lazy("This tool is not available at your institution."), _ADMINISTRATOR),
    "role-forbidden": (403, lazy("Your role in this course does not open this page."), lazy("Ask your instructor.")),
    "review-forbidden": (
        403,
        lazy("This page shows the work of somebody else, and your role in this course does not allow that."),
        lazy("Open the activity from your course to see your own work."),
    ),
    # A launch in use
    "launch-unknown": (404, lazy("This page belongs to a visit that is not known here."), _AGAIN),
    "launch-expired": (403, lazy("This visit has ended. What you saved is kept."), _AGAIN),
    "launch-other-browser": (
        403,
        lazy("This page belongs to a visit in another browser, or your browser keeps no cookies for this tool."),
        lazy("Open the activity again. If that does not help, open it in a new window or in another browser."),
    ),
    "form-stale": (
        403,
        lazy("This form was not sent from a page of this visit, so it was not accepted."),
        lazy("Go back, reload the page, and send it again."),
    ),
    "selection-used": (409, lazy("This selection was already sent to your course."), _AGAIN),
    "column-refused": (
        409,
        lazy("Your learning platform did not add a gradebook column for this activity."),
        lazy("Scores are kept here. Ask the administrator of your platform whether this tool may manage columns."),
    ),
    # Any page
    "page-unknown": (404, lazy("There is no such page."), _AGAIN),
    "method-wrong": (405, lazy("This page cannot be used that way."), _AGAIN),
    "request-malformed": (400, lazy("This request cannot be read."), _AGAIN),
    "request-too-large": (413, lazy("What you sent is too large."), lazy("Send a smaller file.")),
    "files-full": (
        413,
        lazy("Your institution has no room left for files here."),
        lazy("What you wrote is not lost yet: save it without the file. Then tell the administrator of these tools."),
    ),
    "server-error": (
        500,
        lazy("Something went wrong on our side. What you saved is kept."),
        lazy("Try again in a moment. If it goes on, tell your instructor, with the code below."),
    ),
}

CODES = frozenset(_REFUSALS)


def refused(code: str, detail: str = "") -> Refused:
    """The refusal with this code; `detail` names the rule and the claim for the log, never a person."""
    status, what, _next = _REFUSALS[code]
    return Refused(code, what, status, detail=detail)


def next_step(code: str) -> LazyText:
    """What the person should do now."""
    return _REFUSALS[code][2] if code in _REFUSALS else _AGAIN
