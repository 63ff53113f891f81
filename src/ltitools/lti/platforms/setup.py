"""What the administrators of a platform call what they have to set, for advice in their own words.

Canvas: Developer Keys of an account. Moodle: *Site administration → Plugins → External tool → Manage tools*.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Setup:
    """The names of fields, and advice for where no token for the services is given.

    `causes` has an advice for words of the platform that tell why, as regular expressions; `services_refused` is for
    all others.
    """

    login_url: str = "the login initiation URL"
    redirect_uri: str = "the redirect URI (and the target link URI)"
    jwks_url: str = "the public key set URL (JWKS)"
    grade_service: str = "the Assignment and Grade Services of the tool in the LMS"
    member_service: str = "the Names and Role Provisioning Services of the tool in the LMS"
    services_refused: str = (
        "Compare the client ID and the token URL with those that the LMS shows, and make sure that its server can"
        " read our key set"
    )
    causes: tuple[tuple[str, str], ...] = ()

    def why_refused(self, words: str) -> str:
        """What to do about the platform's refusal of a token."""
        return next((advice for pattern, advice in self.causes if re.search(pattern, words)), self.services_refused)


KEYS_NOT_READ = (
    "Moodle's server cannot read our key set: compare Public keyset with our address, and let Moodle call it"
    " (HTTP security: cURL blocked hosts list, cURL allowed ports list)"
)

_SETUPS = {
    "canvas": Setup(
        login_url="OpenID Connect Initiation Url",
        redirect_uri="Redirect URIs and Target Link URI",
        jwks_url="Public JWK URL",
        grade_service="LTI Advantage Services of the developer key in Canvas (assignment and submission data)",
        member_service="LTI Advantage Services of the developer key in Canvas (user data of the context)",
        services_refused=(
            "Switch the developer key's State to On, compare its client ID and Public JWK URL with ours, and use the"
            " token URL of the school's own Canvas"
        ),
    ),
    "moodle": Setup(
        login_url="Initiate login URL",
        redirect_uri="Tool URL, Redirection URI(s) and Content Selection URL",
        jwks_url="Public keyset",
        grade_service="Services, IMS LTI Assignment and Grade Services (grade sync and column management) in Moodle",
        member_service="Services, IMS LTI Names and Role Provisioning in Moodle",
        services_refused="Compare the client ID, the token URL and Public keyset in Moodle with ours",
        causes=(
            # Moodle 4.5 stumbles over the first of these where it got nothing for our key set.
            (r"fix_jwks_alg|keyset", KEYS_NOT_READ),
            (r"\bkid\b", "Moodle reads another key set than ours: compare Public keyset with our address"),
            (r"invalid_client", "Compare the client ID with the one in the tool's configuration details in Moodle"),
            (r"prior to|[Ee]xpired", "Set the clocks of both servers right"),
        ),
    ),
}


def setup_of(family: str) -> Setup:
    """The names that a platform family has for what has to be set: ``canvas``, ``moodle`` or anything else."""
    return _SETUPS.get(family, Setup())
