"""What a refusal says to each reader, and the sentences that many refusals share.

What stands between backticks is shown as code.
"""

from __future__ import annotations

from dataclasses import dataclass

from ltitools.i18n import LazyText, host

lazy = host.lazy


@dataclass(frozen=True)
class Refusal:
    """A reason to refuse: the HTTP status, and the texts of the page.

    `what` happened and the one `next_step` are for everybody; `instructor` says what to do or to ask for, and
    `administrator` where to look in the LMS, in our settings or with our commands.
    """

    status: int
    what: LazyText
    next_step: LazyText
    instructor: LazyText
    administrator: LazyText


AGAIN = lazy("Go back to your course and open the activity again.")
TELL_ADMINISTRATOR = lazy("Please tell the administrator of your learning platform, with the code below.")

NOT_IN_COURSE = lazy(
    "This cannot be repaired in the course: send the administrator of your learning platform the code and the time on"
    " this page."
)
IF_SEVERAL = lazy(
    "If it happens to several people, send the administrator of your learning platform the code and the time on this"
    " page."
)
OPEN_FROM_COURSE = lazy("Let people open the activity from the course; addresses of pages in here are no bookmarks.")

READ_LOG = lazy("`ltitools launches --tenant KEY --refused` names what was wrong with the launch.")
MAKER = lazy(
    "Report it to the maker of the LMS, with the rule that `ltitools launches --tenant KEY --refused` names, or look"
    " for something that changes launches on their way."
)
CLOCKS = lazy(
    "Compare the clocks of both servers: `ltitools launches --tenant KEY --refused` names the difference in seconds,"
    " and `clock_tolerance` how much is allowed."
)
ENABLE = lazy("`ltitools registration enable NUMBER --tenant KEY` switches it on again.")
LAUNCH_ADDRESS = lazy(
    "Let all addresses of the tool in the LMS begin with the `public_url` of this server; those for launching and"
    " for choosing content are the `our redirect uri` of `ltitools registration show`."
)
KEEPS_NOTHING = lazy(
    "Let the LMS open the tool in a new window, where browsers block less than in a frame, and see that"
    " `launch_layers` switches nothing off that people need."
)
ROLES = lazy("Look in the LMS which role the person has in this course; roles elsewhere do not count here.")
ONLY_LOG = lazy("Look for the time of this page in the log of the server.")
