"""Reasons to refuse a platform that registers itself, and people at the console."""

from __future__ import annotations

from ltitools.i18n import host
from ltitools.refusals.kinds import NOT_IN_COURSE, ONLY_LOG, Refusal

lazy = host.lazy

NEW_LINK = lazy("Ask whoever sent you the link for a new one.")
MAKE_LINK = lazy(
    "Make a new link in the console (Platforms, “New registration link”) or with"
    " `ltitools registration invite --tenant KEY`."
)
RETRY = lazy(
    "Press “Try again”. If it stays like this, send the code and the time on this page to whoever sent you the link."
)

REGISTRATION = {
    "invitation-unknown": Refusal(
        403,
        lazy("This registration link is not known here."),
        lazy("See that the whole link was copied. Otherwise ask whoever sent it for a new one."),
        NOT_IN_COURSE,
        MAKE_LINK,
    ),
    "invitation-used": Refusal(
        403,
        lazy("This registration link has been used already. Each registers one platform, once."),
        NEW_LINK,
        NOT_IN_COURSE,
        lazy(
            "`ltitools registration links --tenant KEY` shows which registration came of it. To update that one from"
            " the LMS, make a new link: the registration and all that hangs on it stay."
        ),
    ),
    "invitation-expired": Refusal(
        403,
        lazy("This registration link is too old."),
        NEW_LINK,
        NOT_IN_COURSE,
        MAKE_LINK,
    ),
    "invitation-revoked": Refusal(
        403,
        lazy("This registration link was revoked."),
        NEW_LINK,
        NOT_IN_COURSE,
        MAKE_LINK,
    ),
    "invitation-busy": Refusal(
        409,
        lazy("This registration link is being used at this moment."),
        lazy("Wait a minute, then press “Try again”."),
        NOT_IN_COURSE,
        lazy("Each link registers one platform: send a link of its own to each."),
    ),
    "registration-unreachable": Refusal(
        502,
        lazy("The platform's configuration could not be read."),
        RETRY,
        NOT_IN_COURSE,
        lazy(
            "The log of the server names the address and the reason. The server must be able to call the LMS over"
            " https; private addresses are only allowed with `allow_private_network`."
        ),
    ),
    "registration-incomplete": Refusal(
        502,
        lazy("The platform's configuration lacks what a registration needs."),
        lazy("Register the platform by hand: the link without anything added to it opens a page that shows how."),
        NOT_IN_COURSE,
        lazy("The log of the server names what is missing. `ltitools registration add` registers it by hand."),
    ),
    "registration-issuer": Refusal(
        403,
        lazy("The platform's configuration comes from another server than the platform that it names."),
        lazy("Begin the registration in your learning platform itself, with the link that you were sent."),
        NOT_IN_COURSE,
        lazy(
            "The log of the server names both. Where the LMS has several names, set it to use one of them everywhere"
            " (Moodle: `wwwroot`)."
        ),
    ),
    "registration-refused": Refusal(
        502,
        lazy("The platform refused the registration."),
        lazy(
            "Begin again in your learning platform with the same link: the platform's permission for this page may have"
            " been used up or be too old."
        ),
        NOT_IN_COURSE,
        lazy("What the platform said stands on this page and in the log of the server."),
    ),
    "registration-unclear": Refusal(
        502,
        lazy("The platform gave no usable answer, so it is not known here. It may have stored the tool all the same."),
        lazy(
            "Look in your learning platform whether there is a new tool that waits, and delete it. Then begin again"
            " with the same link."
        ),
        NOT_IN_COURSE,
        lazy(
            "The log of the server names what happened. What the LMS stored without us cannot be used and does no harm."
        ),
    ),
}

CONSOLE = {
    "console-code": Refusal(
        403,
        lazy("This sign-in link was used already, or is too old."),
        lazy("Make a new one, or open the console once more from your learning platform."),
        NOT_IN_COURSE,
        lazy(
            "`ltitools console link --tenant KEY --name NAME` makes a link that is good for one sign-in within a day."
        ),
    ),
    "console-forbidden": Refusal(
        403,
        lazy("You are not among those who administer this institution here."),
        lazy("Ask one of its administrators to add you."),
        NOT_IN_COURSE,
        lazy(
            "The console lists who may come in (People), and whether the administrators of the LMS may (Institution)."
            " `ltitools administrator list --tenant KEY` shows the same."
        ),
    ),
    "console-provider": Refusal(
        502,
        lazy("Signing in with your institution's account did not work."),
        lazy("Try again, or use a sign-in link."),
        NOT_IN_COURSE,
        lazy(
            "The log of the server names what was wrong with the provider's answer. Compare `oidc_issuer`,"
            " `oidc_client_id` and the redirect URI with what the provider has, and see that it says that e-mail"
            " addresses are verified."
        ),
    ),
    "console-unknown-person": Refusal(
        403,
        lazy("Your account is not among those who administer an institution here."),
        lazy("Ask an administrator to add your e-mail address."),
        NOT_IN_COURSE,
        lazy(
            "In the console under People, or with `ltitools administrator add --tenant KEY --name NAME --email MAIL`."
        ),
    ),
    "too-many-attempts": Refusal(
        429,
        lazy("There were too many attempts in a short time."),
        lazy("Wait a few minutes, then try again."),
        NOT_IN_COURSE,
        ONLY_LOG,
    ),
}

OF_CONSOLE = REGISTRATION | CONSOLE
