"""Reasons to refuse a login or a launch."""

from __future__ import annotations

from ltitools.i18n import host
from ltitools.refusals.kinds import (
    AGAIN,
    CLOCKS,
    ENABLE,
    IF_SEVERAL,
    KEEPS_NOTHING,
    LAUNCH_ADDRESS,
    MAKER,
    NOT_IN_COURSE,
    READ_LOG,
    TELL_ADMINISTRATOR,
    Refusal,
)

lazy = host.lazy

LOGIN = {
    "tenant-unknown": Refusal(
        404,
        lazy("This address belongs to no institution that is set up here."),
        TELL_ADMINISTRATOR,
        NOT_IN_COURSE,
        lazy("Compare the addresses in the LMS with `ltitools registration show`; `ltitools tenant list` names all."),
    ),
    "tenant-disabled": Refusal(
        403,
        lazy("These tools are switched off for your institution."),
        TELL_ADMINISTRATOR,
        NOT_IN_COURSE,
        lazy("`ltitools tenant enable KEY` switches the institution on again; its data was kept."),
    ),
    "login-incomplete": Refusal(
        400,
        lazy("Your learning platform opened this tool without the information that a login needs."),
        TELL_ADMINISTRATOR,
        NOT_IN_COURSE,
        lazy(
            "Put the `our login url` of `ltitools registration show` into the LMS's own field for it (Moodle:"
            " Initiate login URL; Canvas: OpenID Connect Initiation URL), and into no other."
        ),
    ),
    "platform-unknown": Refusal(
        400,
        lazy("Your learning platform is not registered here."),
        TELL_ADMINISTRATOR,
        NOT_IN_COURSE,
        lazy(
            "Compare the issuer that `ltitools launches --tenant KEY --refused` names letter by letter with"
            " `ltitools registration list`, and register the LMS if it is not there."
        ),
    ),
    "client-unknown": Refusal(
        400,
        lazy("Your learning platform is known here, but not under the client ID that it sent."),
        TELL_ADMINISTRATOR,
        NOT_IN_COURSE,
        lazy(
            "Register the client ID that `ltitools launches --tenant KEY --refused` names as well: the tool was"
            " probably made in the LMS once more."
        ),
    ),
    "client-ambiguous": Refusal(
        400,
        lazy("Your learning platform is registered here more than once and did not say which one is meant."),
        TELL_ADMINISTRATOR,
        NOT_IN_COURSE,
        lazy("Let the LMS send its client ID, or give each registration of this issuer a tenant of its own."),
    ),
    "target-foreign": Refusal(
        400,
        lazy("The requested page is not part of this tool."),
        TELL_ADMINISTRATOR,
        lazy("If only this link fails, add the activity to the course again; otherwise tell the administrator."),
        LAUNCH_ADDRESS,
    ),
    "registration-disabled": Refusal(
        403,
        lazy("The link to your learning platform is switched off."),
        TELL_ADMINISTRATOR,
        NOT_IN_COURSE,
        ENABLE,
    ),
}

ANSWER = {
    "state-missing": Refusal(
        400,
        lazy("The answer of your learning platform belongs to no login."),
        AGAIN,
        IF_SEVERAL,
        lazy("If it happens every time, the login address and the launch address are exchanged in the LMS."),
    ),
    "state-unknown": Refusal(
        400,
        lazy("This login is not known here, or was forgotten in the meantime."),
        AGAIN,
        IF_SEVERAL,
        lazy("If it happens every time, see that all server processes use the same `database_url`."),
    ),
    "state-expired": Refusal(
        400,
        lazy("This login took too long."),
        AGAIN,
        IF_SEVERAL,
        lazy("If it happens to many, see why the LMS answers so late; `login_lifetime` is what a login may take."),
    ),
    "state-used": Refusal(
        400,
        lazy("This login was already used. It works once only."),
        AGAIN,
        IF_SEVERAL,
        lazy("If it happens every time, look for a proxy or a browser extension that sends forms twice."),
    ),
    "browser-other": Refusal(
        400,
        lazy("This login was begun in another browser, or this browser keeps nothing for this tool."),
        lazy("Open the activity again. If that does not help, allow cookies for this site, or use another browser."),
        lazy("If it happens to several people, let the activity open in a new window, in the settings of its link."),
        KEEPS_NOTHING,
    ),
    "binding-origin": Refusal(
        400,
        lazy(
            "The launch came from another address than those of your learning platform, so it cannot be told whether"
            " it belongs to this browser."
        ),
        AGAIN,
        IF_SEVERAL,
        lazy(
            "Compare the Origin that `ltitools launches --tenant KEY --refused` names with the issuer and the `auth"
            " url` of `ltitools registration show`: the LMS must send its answer from one of the two."
        ),
    ),
    "platform-signed-out": Refusal(
        400,
        lazy("Your learning platform says that you are not signed in there."),
        lazy("Sign in to your learning platform, then open the activity from your course."),
        IF_SEVERAL,
        lazy(
            "If people are signed in nevertheless, see that the `auth url` of `ltitools registration show` is on the"
            " address at which they sign in, and that their browsers let the LMS use its own cookies."
        ),
    ),
    "platform-launch-used": Refusal(
        400,
        lazy("Your learning platform lets a launch be used once and for a short time, and this one was used or late."),
        AGAIN,
        IF_SEVERAL,
        lazy(
            "If it happens every time, look for something that opens login addresses before people do, such as a"
            " scanner of links, and see that the cache of the LMS works (Canvas: Redis)."
        ),
    ),
    "platform-client-refused": Refusal(
        400,
        lazy("Your learning platform does not let this tool in here."),
        TELL_ADMINISTRATOR,
        lazy("Ask the administrator of your learning platform to switch this tool on for your course."),
        lazy(
            "See that the tool is on in the LMS for this account or course (Canvas: state of the developer key), and"
            " that it has the client ID of `ltitools registration list`."
        ),
    ),
    "platform-access-denied": Refusal(
        400,
        lazy("Somebody else is signed in to your learning platform now, or you may not open this activity there."),
        lazy("Sign out of your learning platform, sign in again, and open the activity from your course."),
        lazy("See that the person is enrolled in the course, and that the activity is open to them."),
        lazy(
            "In Moodle somebody else was signed in when the launch was made, for example by its Log in as; other LMSs"
            " mean that the person's role may not open external tools."
        ),
    ),
    "platform-request-refused": Refusal(
        400,
        lazy("Your learning platform did not accept the way in which this tool asked for the launch."),
        TELL_ADMINISTRATOR,
        NOT_IN_COURSE,
        lazy(
            "Read the words of the LMS on this page, and compare the client ID and all addresses in the LMS with"
            " `ltitools registration show`; a proxy may also shorten addresses."
        ),
    ),
    "platform-unavailable": Refusal(
        400,
        lazy("Your learning platform cannot answer at the moment."),
        lazy("Try again in a few minutes. If it goes on, tell the administrator of your learning platform."),
        IF_SEVERAL,
        lazy("Look into the log of the LMS at the time of this page: the fault is there, and not in the request."),
    ),
    "platform-refused": Refusal(
        400,
        lazy("Your learning platform did not let the login go through."),
        AGAIN,
        IF_SEVERAL,
        lazy("Look up the words of the LMS on this page in its documentation, and look into its log."),
    ),
    "token-missing": Refusal(
        400,
        lazy("Your learning platform sent no launch."),
        AGAIN,
        IF_SEVERAL,
        lazy("If it happens every time, look for a proxy that shortens forms."),
    ),
    "token-too-large": Refusal(
        413,
        lazy("Your learning platform sent more than a launch may hold."),
        TELL_ADMINISTRATOR,
        NOT_IN_COURSE,
        lazy("Send fewer or shorter custom parameters: a launch may have 64,000 characters."),
    ),
}

TOKEN = {
    "token-malformed": Refusal(400, lazy("The launch cannot be read."), TELL_ADMINISTRATOR, NOT_IN_COURSE, MAKER),
    "token-key-unnamed": Refusal(
        400,
        lazy("The launch does not say with which key it is signed."),
        TELL_ADMINISTRATOR,
        NOT_IN_COURSE,
        MAKER,
    ),
    "token-algorithm": Refusal(
        400,
        lazy("The launch is signed in a way that is not accepted."),
        TELL_ADMINISTRATOR,
        NOT_IN_COURSE,
        lazy("Choose RS256 in the LMS; `ltitools launches --tenant KEY --refused` names what was used."),
    ),
    "token-key-unknown": Refusal(
        400,
        lazy("The launch is signed with a key that your learning platform does not publish."),
        TELL_ADMINISTRATOR,
        NOT_IN_COURSE,
        lazy(
            "Wait a minute if the LMS has just changed its keys; otherwise compare the `jwks url` of `ltitools"
            " registration show` with that of the LMS."
        ),
    ),
    "platform-keys-unreachable": Refusal(
        400,
        lazy("The keys of your learning platform cannot be read at the moment, so the launch cannot be checked."),
        lazy("Try again in a few minutes. If it goes on, tell the administrator of your learning platform."),
        IF_SEVERAL,
        lazy(
            "`ltitools doctor --tenant KEY` asks for the keys from this server; private addresses need"
            " `allow_private_network`."
        ),
    ),
    "token-signature": Refusal(
        400,
        lazy("The signature of the launch is not right."),
        TELL_ADMINISTRATOR,
        NOT_IN_COURSE,
        lazy("See whether two LMSs use the same issuer; if nobody changed anything, somebody may be forging launches."),
    ),
    "token-issuer": Refusal(
        400,
        lazy("The launch was made by another platform than the login."),
        TELL_ADMINISTRATOR,
        NOT_IN_COURSE,
        lazy(
            "Let the platform ID in the LMS be the issuer of `ltitools registration show`; `ltitools launches --tenant"
            " KEY --refused` names what was sent."
        ),
    ),
    "token-audience": Refusal(
        400,
        lazy("The launch is meant for another tool."),
        TELL_ADMINISTRATOR,
        NOT_IN_COURSE,
        lazy("Compare the client ID in the LMS with `ltitools registration list`."),
    ),
    "token-times-missing": Refusal(
        400,
        lazy("The launch does not say when it was made and how long it is valid."),
        TELL_ADMINISTRATOR,
        NOT_IN_COURSE,
        MAKER,
    ),
    "token-expired": Refusal(400, lazy("The launch is no longer valid."), AGAIN, IF_SEVERAL, CLOCKS),
    "token-too-old": Refusal(400, lazy("The launch was made too long ago."), AGAIN, IF_SEVERAL, CLOCKS),
    "token-from-future": Refusal(
        400,
        lazy("The launch is dated in the future: the clocks of your learning platform and of this tool differ."),
        TELL_ADMINISTRATOR,
        NOT_IN_COURSE,
        CLOCKS,
    ),
    "nonce-missing": Refusal(
        400,
        lazy("The launch does not say to which login it belongs."),
        TELL_ADMINISTRATOR,
        NOT_IN_COURSE,
        MAKER,
    ),
    "nonce-mismatch": Refusal(
        400,
        lazy("The launch belongs to another login."),
        AGAIN,
        IF_SEVERAL,
        lazy("If it happens every time, look for something before the LMS that keeps old answers."),
    ),
}

MESSAGE = {
    "message-version": Refusal(
        400,
        lazy("The launch is not an LTI 1.3 launch."),
        TELL_ADMINISTRATOR,
        NOT_IN_COURSE,
        lazy("Choose LTI 1.3 as the version of the tool in the LMS."),
    ),
    "message-type": Refusal(
        400,
        lazy("The launch is of a kind that this tool does not know."),
        TELL_ADMINISTRATOR,
        lazy("Open the tool from an activity of the course instead of from here."),
        lazy("Take the tool out of this place in the LMS; it knows resource links, deep linking and reviews."),
    ),
    "message-incomplete": Refusal(
        400,
        lazy("The launch lacks information that LTI requires."),
        TELL_ADMINISTRATOR,
        NOT_IN_COURSE,
        READ_LOG,
    ),
    "message-user": Refusal(
        400,
        lazy("Your learning platform did not say who you are. You may not be signed in there."),
        lazy("Sign in to your learning platform and open the activity again."),
        lazy("Let people sign in before they open the activity: visitors of a public course are not known here."),
        lazy("See that the LMS sends a number for the person (`sub`); names and addresses are not needed."),
    ),
    "message-target": Refusal(
        400,
        lazy("The launch asks for another page than the login."),
        TELL_ADMINISTRATOR,
        NOT_IN_COURSE,
        LAUNCH_ADDRESS,
    ),
}

PLACE = {
    "deployment-unknown": Refusal(
        403,
        lazy("This tool is not released for the part of the platform that your course is in."),
        TELL_ADMINISTRATOR,
        NOT_IN_COURSE,
        lazy(
            "`ltitools deployment add ID --tenant KEY --registration NUMBER` lists the deployment that `ltitools"
            " launches --tenant KEY --refused` names."
        ),
    ),
    "deployment-pending": Refusal(
        403,
        lazy("This tool was added to your platform but is waiting for approval."),
        lazy("The person who runs this tool has to approve it. Tell them, with the code below."),
        NOT_IN_COURSE,
        lazy("`ltitools deployment list --tenant KEY` shows what waits, and `ltitools deployment approve` lets it in."),
    ),
    "deployment-rejected": Refusal(
        403,
        lazy("This tool is not approved for your part of the platform."),
        TELL_ADMINISTRATOR,
        NOT_IN_COURSE,
        lazy("Somebody refused this deployment; `ltitools deployment approve NUMBER --tenant KEY` changes that."),
    ),
    "activity-unknown": Refusal(
        404,
        lazy("This link names an activity that does not exist here."),
        lazy("Please tell your instructor: the link has to be added to the course again."),
        lazy("Delete the link and add the activity to the course again; it may be copied from another institution."),
        lazy("`ltitools launches --tenant KEY --refused` names the activity in the custom parameter of the link."),
    ),
}

OF_LAUNCHES = LOGIN | ANSWER | TOKEN | MESSAGE | PLACE
