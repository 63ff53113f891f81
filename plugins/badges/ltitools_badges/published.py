"""What everybody may read of an institution's badges, by its address. Pages, checks and the export take it from here.

Addresses are those below ``/i/<institution>``; they outlive the courses and people that they came from.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from sqlalchemy import func, select
from sqlalchemy.orm import undefer

from ltitools.plugin import NotFound, Tenant, session, tenants, utcnow, web
from ltitools_badges import achievements, issuers, signing
from ltitools_badges.core import checking, did, documents
from ltitools_badges.core.content import MicroCredential
from ltitools_badges.models import PUBLISHED, Achievement, Badge, Issuer, Key, StatusList, Version
from ltitools_badges.rules import PASS

PLAIN = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,126}[a-z0-9])?")
"""How keys of institutions, short names of micro-credentials and names of keys are written."""
PLACE = re.compile(r"/i/(?P<tenant>[^/]+)/(?P<rest>.+)")
CREDENTIAL = re.compile(r"credentials/(?P<id>[0-9a-f-]{36})(?P<form>\.json|\.jwt)?")
STATUS = re.compile(r"status/(?P<number>[0-9]{1,9})")

State = Literal["shown", "preparing", "private"]


@dataclass(frozen=True)
class Credential:
    """A badge with what it is of and from. `state` says whether its page is shown, and why not."""

    issuer: Issuer
    badge: Badge
    achievement: Achievement
    version: Version

    @property
    def state(self) -> State:
        """``preparing`` as long as it was never signed."""
        if self.badge.visibility == "private":
            return "private"
        return "shown" if self.badge.document and self.badge.jwt else "preparing"

    @property
    def address(self) -> str:
        """Where its page is, and its id."""
        return f"{self.issuer.base}/credentials/{self.badge.public_id}"

    @property
    def content(self) -> MicroCredential:
        """What it certifies."""
        return achievements.content_of(self.version)

    @property
    def document(self) -> dict[str, Any]:
        """The credential as it was signed."""
        assert self.badge.document is not None
        read: dict[str, Any] = json.loads(self.badge.document)
        return read


@dataclass(frozen=True)
class Edition:
    """One version of a micro-credential."""

    issuer: Issuer
    achievement: Achievement
    version: Version

    @property
    def address(self) -> str:
        """Where this version is, for ever: its id in credentials."""
        return f"{self.issuer.base}/achievements/{self.achievement.slug}/v/{self.version.number}"

    @property
    def path(self) -> str:
        """The same on this server, by whatever name it is reached."""
        return urlsplit(self.address).path

    @property
    def content(self) -> MicroCredential:
        """What it certifies."""
        return achievements.content_of(self.version)

    def document(self) -> dict[str, Any]:
        """The Achievement of Open Badges, as credentials embed it."""
        described = issuers.described(self.issuer)
        return documents.achievement(described, self.content, self.achievement.slug, self.version.number, PASS)


def institution(key: str) -> Tenant:
    """The institution of an address. One that is switched off is still shown: its badges stay true."""
    if not PLAIN.fullmatch(key):
        raise NotFound("There is no such institution.")
    return tenants.by_key(key)


def issuer(tenant: Tenant) -> Issuer:
    """The institution as an issuer; raises NotFound where it has given no badge."""
    found = issuers.find(tenant.id)
    if found is None:
        raise NotFound("This institution has given no badge.")
    return found


def credential(tenant_id: int, public_id: str, *, picture: bool = False) -> Credential | None:
    """A badge by the id in its address; `picture` reads the picture with it."""
    query = (
        select(Issuer, Badge, Achievement, Version)
        .join(Badge, Badge.tenant_id == Issuer.tenant_id)
        .join(Achievement, Achievement.id == Badge.achievement_id)
        .join(Version, Version.id == Badge.version_id)
        .where(Issuer.tenant_id == tenant_id, Badge.public_id == public_id)
    )
    row = session.execute(query.options(undefer(Version.image_png)) if picture else query).first()
    return Credential(*row) if row else None


def edition(tenant_id: int, slug: str, number: int | None = None, *, picture: bool = False) -> Edition | None:
    """A published version of a micro-credential: this one, or the latest."""
    if not PLAIN.fullmatch(slug):
        return None
    query = (
        select(Issuer, Achievement, Version)
        .join(Achievement, Achievement.tenant_id == Issuer.tenant_id)
        .join(Version, Version.achievement_id == Achievement.id)
        .where(Issuer.tenant_id == tenant_id, Achievement.slug == slug, Version.state == PUBLISHED)
        .order_by(Version.number.desc())
        .limit(1)
    )
    if number is not None:
        query = query.where(Version.number == number)
    row = session.execute(query.options(undefer(Version.image_png)) if picture else query).first()
    return Edition(*row) if row else None


def latest_number(edition: Edition) -> int:
    """The number of the newest published version."""
    newest = session.scalar(
        select(func.max(Version.number)).where(
            Version.tenant_id == edition.version.tenant_id,
            Version.achievement_id == edition.achievement.id,
            Version.state == PUBLISHED,
        )
    )
    return newest or edition.version.number


def editions(tenant_id: int, issuer: Issuer) -> list[Edition]:
    """The latest published version of every micro-credential, by name."""
    return [
        Edition(issuer, achievement, version)
        for achievement, version in achievements.all_of(tenant_id)
        if version.state == PUBLISHED
    ]


def key(tenant_id: int, name: str) -> Key | None:
    """A key that the issuer vouches for; one that was withdrawn is not there."""
    if not PLAIN.fullmatch(name):
        return None
    return session.scalar(select(Key).where(Key.tenant_id == tenant_id, Key.name == name, Key.withdrawn_at.is_(None)))


def status_list(tenant_id: int, number: int) -> StatusList | None:
    """A status list by its number."""
    return session.scalar(select(StatusList).where(StatusList.tenant_id == tenant_id, StatusList.number == number))


def status(issuer: Issuer, number: int) -> tuple[str, str] | None:
    """A status list as JSON and as a token; one that the worker has not signed yet is signed here and not kept."""
    row = status_list(issuer.tenant_id, number)
    if row is None:
        return None
    if row.document is not None and row.jwt is not None:
        return row.document, row.jwt
    return signing.sign_list(signing.Signer.of(issuer), row)


def status_lists(tenant_id: int) -> Sequence[StatusList]:
    """Every status list."""
    return session.scalars(
        select(StatusList).where(StatusList.tenant_id == tenant_id).order_by(StatusList.number)
    ).all()


def checked(shown: Credential, *, text: str | None = None, recipient: str = "") -> checking.Report:
    """What anybody finds who checks a badge of ours now: by its signature, our keys and our status list.

    `text` is the JSON or JWT that somebody was handed; by default what this server would hand out.
    """
    listed = status(shown.issuer, shown.badge.status_list)
    fetched = {
        did.address(shown.issuer.did): issuers.did_document(shown.issuer),
        f"{shown.issuer.base}/status/{shown.badge.status_list}": listed[0] if listed else None,
    }
    # One that was signed anew begins a second after the one before it, which may be a moment ahead.
    now = max(utcnow(), shown.badge.valid_from)
    return checking.check(text or shown.badge.document or "", fetched, now, recipient=recipient)


def is_own(url: str) -> bool:
    """Whether an address is one of this server."""
    try:
        own, asked = urlsplit(web.public_url()), urlsplit(url)
    except ValueError:
        return False
    return asked.scheme in ("http", "https") and asked.netloc.lower() == own.netloc.lower()


def credential_at(url: str) -> Credential | None:
    """The badge of an address of this server, in whichever form the address asks for it."""
    place = PLACE.fullmatch(urlsplit(url).path)
    named = re.match(r"credentials/([0-9a-f-]{36})(?:[./].*)?$", place["rest"]) if place else None
    if place is None or named is None:
        return None
    try:
        return credential(institution(place["tenant"]).id, named[1])
    except NotFound:
        return None


def read(url: str) -> bytes | None:
    """The document that this server has at an address of its own, read from the database; None where there is none."""
    place = PLACE.fullmatch(urlsplit(url).path)
    if place is None:
        return None
    try:
        tenant = institution(place["tenant"])
    except NotFound:
        return None
    rest = place["rest"]
    text: str | None = None
    if rest == "did.json":
        found = issuers.find(tenant.id)
        text = json.dumps(issuers.did_document(found)) if found else None
    elif named := STATUS.fullmatch(rest):
        issuing = issuers.find(tenant.id)
        both = status(issuing, int(named["number"])) if issuing else None
        text = both[0] if both else None
    elif named := CREDENTIAL.fullmatch(rest):
        shown = credential(tenant.id, named["id"])
        if shown is not None and shown.state == "shown":
            text = shown.badge.jwt if named["form"] == ".jwt" else shown.badge.document
    return text.encode() if text else None
