"""Where platforms have their endpoints, for those who register one by hand and know no more than its address."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ltitools.lti.platforms.canvas import HOSTED

PAGE = re.compile(r"(?<=[^/])(?:/(?:login|admin|my|course|mod|accounts|courses)(?:/.*)?|/index\.php.*|[?#].*)$")
HOSTED_CANVAS = tuple(f"canvas-{environment}" for environment in HOSTED)
KINDS = (*HOSTED_CANVAS, "canvas", "moodle", "generic")
"""What a person chooses from: the Canvas that Instructure runs, one of their own, Moodle, and all others."""


@dataclass(frozen=True)
class Addresses:
    """The issuer and the endpoints of a platform, and its family."""

    platform: str
    issuer: str
    auth_url: str
    token_url: str
    jwks_url: str


def addresses_of(kind: str, site: str) -> Addresses | None:
    """The addresses of a platform of this kind whose pages are at `site`; None where they cannot be known."""
    if kind in HOSTED_CANVAS:
        issuer, host = HOSTED[kind.removeprefix("canvas-")]
        return _canvas(issuer, host)
    # Whoever copies it from the browser copies the address of a page.
    base = PAGE.sub("", site).rstrip("/")
    if not base:
        return None
    if kind == "canvas":
        # A Canvas of one's own names Instructure's issuer, unless its configuration has another.
        return _canvas(HOSTED["production"][0], base)
    if kind == "moodle":
        return Addresses(
            "moodle",
            issuer=base,
            auth_url=f"{base}/mod/lti/auth.php",
            token_url=f"{base}/mod/lti/token.php",
            jwks_url=f"{base}/mod/lti/certs.php",
        )
    return None


def _canvas(issuer: str, host: str) -> Addresses:
    return Addresses(
        "canvas",
        issuer=issuer,
        auth_url=f"{host}/api/lti/authorize_redirect",
        token_url=f"{host}/login/oauth2/token",
        jwks_url=f"{host}/api/lti/security/jwks",
    )
