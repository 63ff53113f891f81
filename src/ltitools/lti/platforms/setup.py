"""What the administrators of a platform call what they have to set, for advice in their own words.

Canvas: Developer Keys of an account. Moodle: *Site administration → Plugins → External tool → Manage tools*.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ltitools.http import Response


@dataclass(frozen=True)
class Setup:
    """The names of fields, and two peculiarities.

    `bare_login` matches the platform's own page where its authorization endpoint answers 404 to a request without
    parameters; a page of a web server that has no such address does not match. `no_token` is why tokens are mostly
    refused.
    """

    login_url: str = "the login initiation URL"
    redirect_uri: str = "the redirect URI (and the target link URI)"
    jwks_url: str = "the public key set URL (JWKS)"
    tool: str = "the tool's settings in the LMS"
    grade_service: str = "the Assignment and Grade Services of the tool in the LMS"
    member_service: str = "the Names and Role Provisioning Services of the tool in the LMS"
    no_token: str = (
        "Compare the client ID and the token URL with those that the LMS shows, and make sure that its server can"
        " read our key set"
    )
    bare_login: re.Pattern[str] | None = None

    def is_login_missing(self, answer: Response) -> bool:
        """Whether the answer to a bare authorization request shows that there is no such endpoint."""
        if answer.status != 404:
            return False
        seen = answer.headers.get("set-cookie", "") + answer.text
        return self.bare_login is None or not self.bare_login.search(seen)


_SETUPS = {
    "canvas": Setup(
        login_url="OpenID Connect Initiation Url",
        redirect_uri="Redirect URIs and Target Link URI",
        jwks_url="Public JWK URL",
        tool="the developer key in Canvas",
        grade_service="LTI Advantage Services of the developer key in Canvas (assignment and submission data)",
        member_service="LTI Advantage Services of the developer key in Canvas (user data of the context)",
        no_token=(
            "Switch the developer key's State to On, compare its client ID and Public JWK URL with ours, and use the"
            " token URL of the school's own Canvas"
        ),
    ),
    "moodle": Setup(
        login_url="Initiate login URL",
        redirect_uri="Tool URL, Redirection URI(s) and Content Selection URL",
        jwks_url="Public keyset",
        tool="the tool's configuration in Moodle",
        grade_service="Services, IMS LTI Assignment and Grade Services (grade sync and column management) in Moodle",
        member_service="Services, IMS LTI Names and Role Provisioning in Moodle",
        no_token=(
            "Compare the client ID and Public keyset in Moodle with ours; Moodle's server must be able to read that"
            " address (HTTP security: cURL blocked hosts, cURL allowed ports), and its clock must be right"
        ),
        bare_login=re.compile(r"moodle", re.IGNORECASE),
    ),
}


def setup_of(family: str) -> Setup:
    """The names that a platform family has for what has to be set: ``canvas``, ``moodle`` or anything else."""
    return _SETUPS.get(family, Setup())
