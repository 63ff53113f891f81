"""What a badge says, for people to read. It is read from anything, so that each value may be missing or of any kind."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from ltitools_badges.core import did, instants

_MAX_TEXT = 20_000
_MAX_EVIDENCE = 50


@dataclass(frozen=True)
class Facts:
    """Texts are empty and times None where the badge does not say. Addresses are http or https, or left out.

    All of it is what the badge claims, the host that stands behind its issuer included.
    `recipient` is the name in the badge, `achievement` the achievement's address, `score` in percent, `evidence` pairs
    of name and address.
    """

    id: str = ""
    name: str = ""
    description: str = ""
    criteria: str = ""
    achievement: str = ""
    image: str = ""
    issuer_id: str = ""
    issuer_name: str = ""
    issuer_host: str = ""
    recipient: str = ""
    score: str = ""
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    evidence: tuple[tuple[str, str], ...] = ()


def of(document: Mapping[str, Any]) -> Facts:
    """What a badge of Open Badges 3.0 says."""
    issuer = document.get("issuer")
    subject = _object(document.get("credentialSubject"))
    achievement = _object(subject.get("achievement"))
    evidence = [_object(one) for one in several(document.get("evidence"))[:_MAX_EVIDENCE]]
    return Facts(
        id=web_address(document.get("id")),
        name=_text(achievement.get("name")) or _text(document.get("name")),
        description=_text(achievement.get("description")) or _text(document.get("description")),
        criteria=_text(_object(achievement.get("criteria")).get("narrative")),
        achievement=web_address(achievement.get("id")),
        image=_image(achievement.get("image")) or _image(document.get("image")),
        issuer_id=identifier(issuer),
        issuer_name=_text(_object(issuer).get("name")),
        issuer_host=_host(identifier(issuer)),
        recipient=_named(subject),
        score=_score(subject, achievement),
        valid_from=_instant(document.get("validFrom")),
        valid_until=_instant(document.get("validUntil")),
        evidence=tuple((_text(one.get("name")), web_address(one.get("id"))) for one in evidence),
    )


def of_old(assertion: Mapping[str, Any]) -> Facts:
    """What an assertion of Open Badges 2.0 says by itself."""
    badge = assertion.get("badge")
    return Facts(
        id=web_address(assertion.get("id")),
        name=_text(_object(badge).get("name")),
        achievement=web_address(identifier(badge)),
        issuer_host=_host(web_address(assertion.get("id"))),
        valid_from=_instant(assertion.get("issuedOn")),
        valid_until=_instant(assertion.get("expires")),
    )


def is_badge(document: Mapping[str, Any]) -> bool:
    """Whether everything is there that makes a badge: https://www.imsglobal.org/spec/ob/v3p0/#achievementcredential"""
    subject = _object(document.get("credentialSubject"))
    achievement = _object(subject.get("achievement"))
    criteria = _object(achievement.get("criteria"))
    kinds = [kind for kind in several(document.get("type")) if kind in ("OpenBadgeCredential", "AchievementCredential")]
    present = (document.get("id"), identifier(document.get("issuer")), document.get("validFrom"))
    told = (achievement.get("id"), achievement.get("name"), achievement.get("description"), criteria)
    known = subject.get("id") or subject.get("identifier")
    return bool(kinds and known) and all(present) and all(told)


def to_json(facts: Facts) -> dict[str, Any]:
    """The facts with times as texts."""
    found = {name: getattr(facts, name) for name in Facts.__dataclass_fields__}
    return {name: instants.text(value) if isinstance(value, datetime) else value for name, value in found.items()}


def from_json(written: Mapping[str, Any]) -> Facts:
    """What `to_json` wrote, with or without other members."""
    found = {name: written[name] for name in Facts.__dataclass_fields__}
    for name in ("valid_from", "valid_until"):
        found[name] = _instant(found[name])
    found["evidence"] = tuple((name, address) for name, address in found["evidence"])
    return Facts(**found)


def several(value: Any) -> list[Any]:
    """The values of a member that may have one, many or none."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def identifier(value: Any) -> str:
    """The id of something that is an object or only its id."""
    found = value.get("id") if isinstance(value, Mapping) else value
    return found if isinstance(found, str) else ""


def web_address(value: Any) -> str:
    """An address that may become a link; empty for all others, such as `javascript:`."""
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        return ""
    try:
        parts = urlsplit(value)
    except ValueError:
        return ""
    return value if parts.scheme in ("http", "https") and parts.netloc else ""


def _named(subject: Mapping[str, Any]) -> str:
    for identity in map(_object, several(subject.get("identifier"))):
        if identity.get("identityType") == "name" and identity.get("hashed") in (False, "false"):
            return _text(identity.get("identityHash"))
    return ""


def _score(subject: Mapping[str, Any], achievement: Mapping[str, Any]) -> str:
    """The first result that is a percentage."""
    described = [_object(one) for one in several(achievement.get("resultDescription"))]
    percents = [one.get("id") for one in described if one.get("resultType") == "Percent"]
    for result in map(_object, several(subject.get("result"))):
        if result.get("resultDescription") in percents[:1]:
            return _text(result.get("value"))
    return ""


def _host(identity: str) -> str:
    try:
        return did.host(identity) if identity.startswith("did:") else urlsplit(identity).netloc
    except ValueError:
        return ""


def _image(value: Any) -> str:
    return web_address(identifier(value))


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    """A text, also one that says its language."""
    found = value.get("@value") if isinstance(value, Mapping) else value
    return found[:_MAX_TEXT] if isinstance(found, str) else ""


def _instant(value: Any) -> datetime | None:
    try:
        return instants.read(value)
    except ValueError:
        return None
