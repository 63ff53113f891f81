"""Reasons to refuse a page: of a visit, or any other."""

from __future__ import annotations

from ltitools.i18n import host
from ltitools.refusals.kinds import (
    AGAIN,
    IF_SEVERAL,
    KEEPS_NOTHING,
    NOT_IN_COURSE,
    ONLY_LOG,
    OPEN_FROM_COURSE,
    ROLES,
    TELL_ADMINISTRATOR,
    Refusal,
)

lazy = host.lazy

VISIT = {
    "activity-not-set-up": Refusal(
        404,
        lazy("Your instructor has not chosen yet what this link opens."),
        lazy("Nothing is wrong on your side. Come back later, or tell your instructor."),
        lazy("Open this link once yourself, and choose the activity."),
        lazy("If instructors come here too, see that the LMS sends their role in the course."),
    ),
    "tool-unknown": Refusal(
        404,
        lazy("This tool is not available at your institution."),
        TELL_ADMINISTRATOR,
        NOT_IN_COURSE,
        lazy(
            "`ltitools plugins` lists what is installed, and `ltitools tenant tool KEY TOOL --on` switches a tool on"
            " for the institution."
        ),
    ),
    "role-forbidden": Refusal(
        403,
        lazy("Your role in this course does not open this page."),
        lazy("Ask your instructor."),
        lazy("Give the person the role in the course that the page needs, or open it yourself."),
        ROLES,
    ),
    "review-forbidden": Refusal(
        403,
        lazy("This page shows the work of somebody else, and your role in this course does not allow that."),
        lazy("Open the activity from your course to see your own work."),
        lazy("If you teach this course, ask the administrator to look at your role in it."),
        ROLES,
    ),
    "launch-unknown": Refusal(
        404,
        lazy("This page belongs to a visit that is not known here."),
        AGAIN,
        OPEN_FROM_COURSE,
        lazy("If it happens every time, see that all server processes use the same `database_url`."),
    ),
    "launch-expired": Refusal(
        403,
        lazy("This visit has ended. What you saved is kept."),
        AGAIN,
        OPEN_FROM_COURSE,
        lazy("`launch_hours` says how long a visit may last."),
    ),
    "launch-other-browser": Refusal(
        403,
        lazy("This page belongs to a visit in another browser, or this browser keeps nothing for this tool."),
        lazy("Open the activity again. If that does not help, allow cookies for this site, or use another browser."),
        lazy("If it happens to several people, let the activity open in a new window, in the settings of its link."),
        KEEPS_NOTHING,
    ),
    "window-code": Refusal(
        410,
        lazy("The way into this window works once and for a minute, and it was used or is too old."),
        lazy("Go back to the first window and choose “Open in a new window” at the top of its page again."),
        IF_SEVERAL,
        lazy("If it happens every time, look for a browser extension or a proxy that sends forms twice."),
    ),
    "form-stale": Refusal(
        403,
        lazy("This form was not sent from a page of this visit, so it was not accepted."),
        lazy("Go back, reload the page, and send it again."),
        IF_SEVERAL,
        lazy("If it happens every time, see that all server processes have the same `secret_key`."),
    ),
    "selection-used": Refusal(
        409,
        lazy("This selection was already sent to your course."),
        AGAIN,
        lazy("Look into the course first: if the activity is not there, add it from the course once more."),
        lazy("If nothing arrives in courses, look into the log of the LMS for the answer to deep linking."),
    ),
    "column-refused": Refusal(
        409,
        lazy("Your learning platform did not add a gradebook column for this activity."),
        lazy("Scores are kept here. Ask the administrator of your platform whether this tool may manage columns."),
        lazy("Ask the administrator to let this tool manage columns; scores are sent when there is one."),
        lazy(
            "Let the tool manage columns in the LMS (Moodle: grade sync and column management; Canvas: the scopes of"
            " the developer key)."
        ),
    ),
}

ANY_PAGE = {
    "page-unknown": Refusal(404, lazy("There is no such page."), AGAIN, OPEN_FROM_COURSE, ONLY_LOG),
    "method-wrong": Refusal(405, lazy("This page cannot be used that way."), AGAIN, OPEN_FROM_COURSE, ONLY_LOG),
    "request-malformed": Refusal(
        400,
        lazy("This request cannot be read."),
        AGAIN,
        IF_SEVERAL,
        lazy("If it goes on, look for a proxy that changes requests."),
    ),
    "request-too-large": Refusal(
        413,
        lazy("What you sent is too large."),
        lazy("Send a smaller file."),
        lazy("Make the file smaller, or ask the administrator of these tools for a higher limit."),
        lazy("`max_request_bytes` and `max_file_bytes` are the limits here; the web server in front has its own."),
    ),
    "files-full": Refusal(
        413,
        lazy("Your institution has no room left for files here."),
        lazy("What you wrote is not lost yet: save it without the file. Then tell the administrator of these tools."),
        lazy("Save without the file, and ask the administrator of these tools for more room."),
        lazy("Raise `max_files_bytes`, and see that the disk of the database has room."),
    ),
    "server-error": Refusal(
        500,
        lazy("Something went wrong on our side. What you saved is kept."),
        lazy("Try again in a moment. If it goes on, tell your instructor, with the code below."),
        lazy("If it goes on, send the administrator of these tools the code and the time on this page."),
        lazy("The log of the server has the whole error under the time of this page."),
    ),
}

OF_PAGES = VISIT | ANY_PAGE
