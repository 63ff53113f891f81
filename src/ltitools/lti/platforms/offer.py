"""What a platform is told of the tools when they are registered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class ToolSite:
    """The tools of one institution as one tool of the platform. `names` are those in other locales, by locale."""

    name: str
    description: str
    url: str
    login_url: str
    launch_url: str
    jwks_url: str
    icon_url: str
    privacy_url: str
    tool_id: str
    names: Mapping[str, str]

    @property
    def domain(self) -> str:
        """The host, with its port if it has an unusual one."""
        return urlsplit(self.url).netloc


@dataclass(frozen=True)
class Offer:
    """What is to be set up: where the tools appear besides the choice of content, and what they are told of people."""

    course_page: bool = True
    console: bool = True
    names: bool = True
    emails: bool = False

    @property
    def claims(self) -> tuple[str, ...]:
        """The claims about people to ask for."""
        named = ("name", "given_name", "family_name") if self.names else ()
        return ("iss", "sub", *named, *(("email",) if self.emails else ()), "locale")
