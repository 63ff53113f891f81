"""What a badge says, as documents of Open Badges 3.0: https://www.imsglobal.org/spec/ob/v3p0/#data-model

Every element that the European Union, Australia and ICTC ask of a micro-credential is written in members that the
standard has, with target types of its extension form `ext:…` where it has no word: a context of our own would keep
strict verifiers from reading the badge. Members without a value are left out, for the schema knows neither null nor
empty arrays.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from typing import Any, Literal

from ltitools_badges.core import alignments, contexts, instants, status
from ltitools_badges.core.content import Alignment, MicroCredential

SCHEMA = "https://purl.imsglobal.org/spec/ob/v3p0/schema/json/ob_v3p0_achievementcredential_schema.json"

_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "outcomes": "Learning outcomes:",
        "threshold": "A final score of at least {threshold} %.",
        "score": "Final score",
        "workload": "Learner workload (hours)",
        "component": "Component credential",
    },
    "fr": {
        "outcomes": "Acquis d’apprentissage\N{NO-BREAK SPACE}:",
        "threshold": "Une note finale d’au moins {threshold}\N{NO-BREAK SPACE}%.",
        "score": "Note finale",
        "workload": "Charge de travail de l’apprenant (heures)",
        "component": "Titre composant",
    },
}


@dataclass(frozen=True)
class Issuer:
    """Who awards. `base` is the public address of the issuer, `https://host/i/acme`, without a slash at its end."""

    did: str
    base: str
    name: str
    url: str
    email: str = ""
    country: str = ""
    locality: str = ""
    description: str = ""
    identifiers: tuple[tuple[str, str], ...] = ()
    parent_name: str = ""
    image_url: str = ""


@dataclass(frozen=True)
class Measured:
    """A result besides the final score: a percentage, or the name of a level that was reached."""

    name: str
    value: Decimal | str
    kind: Literal["percent", "level"]
    competency: Alignment | None = None


@dataclass(frozen=True)
class Evidence:
    """Where the work can be seen. Without an address it is only told about."""

    url: str
    name: str
    description: str = ""
    genre: str = ""


@dataclass(frozen=True)
class Award:
    """One micro-credential for one person.

    `achievement_id` is the public slug, `subject` a `urn:uuid:` of the person at this issuer, `email_hash` a salt and
    `sha256$…`, `components` the names and addresses of the badges that this one stacks, `related` the other editions.
    """

    public_id: str
    version: int
    achievement_id: str
    subject: str
    awarded_at: datetime
    valid_from: datetime
    threshold: Decimal
    status_list: int
    status_index: int
    name: str = ""
    email_hash: tuple[str, str] | None = None
    valid_until: datetime | None = None
    score: Decimal | None = None
    measured: tuple[Measured, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    source_name: str = ""
    source_url: str = ""
    components: tuple[tuple[str, str], ...] = ()
    related: tuple[tuple[str, str], ...] = ()


def credential(issuer: Issuer, content: MicroCredential, award: Award) -> dict[str, Any]:
    """The unsigned OpenBadgeCredential: https://www.imsglobal.org/spec/ob/v3p0/#achievementcredential"""
    return _said(
        {
            "@context": list(contexts.BADGE),
            "id": credential_address(issuer, award.public_id),
            "type": ["VerifiableCredential", "OpenBadgeCredential"],
            "name": content.name,
            "issuer": profile(issuer),
            "validFrom": instants.text(award.valid_from),
            "validUntil": instants.text(award.valid_until) if award.valid_until else None,
            "awardedDate": instants.text(award.awarded_at),
            "credentialSubject": _subject(issuer, content, award),
            "evidence": _evidence(content, award),
            "credentialSchema": [{"id": SCHEMA, "type": "1EdTechJsonSchemaValidator2019"}],
            "credentialStatus": status.entry(issuer, award.status_list, award.status_index),
        }
    )


def achievement(
    issuer: Issuer,
    content: MicroCredential,
    slug: str,
    version: int,
    threshold: Decimal,
    related: Sequence[tuple[str, str]] = (),
    measured: Sequence[Measured] = (),
) -> dict[str, Any]:
    """The Achievement, alone, and inside a badge, where it describes the measured results as well.

    https://www.imsglobal.org/spec/ob/v3p0/#achievement
    """
    address = achievement_address(issuer, slug, version)
    words = _WORDS[content.language]
    outcomes = [f"{number}. {outcome}" for number, outcome in enumerate(content.outcomes, 1)]
    required = words["threshold"].format(threshold=_percent(threshold))
    return _said(
        {
            "id": address,
            "type": ["Achievement"],
            "achievementType": "MicroCredential",
            "name": content.name,
            "description": _paragraphs(
                content.description, "\n".join([words["outcomes"], *outcomes] if outcomes else [])
            ),
            "criteria": {
                "id": address,
                "narrative": _paragraphs(content.criteria, content.assessment_note, content.prerequisites, required),
            },
            "image": {"id": f"{address}.png", "type": "Image"},
            "version": str(version),
            "inLanguage": content.language,
            "fieldOfStudy": content.field,
            "creditsAvailable": _number(content.credits),
            "tag": list(content.tags),
            "alignment": alignments.of(content, address, f"{issuer.base}/vocabulary"),
            "related": [{"id": url, "type": ["Related"], "inLanguage": language} for language, url in related],
            "resultDescription": _result_descriptions(content, address, threshold, measured),
        }
    )


def profile(issuer: Issuer) -> dict[str, Any]:
    """The Profile as it is embedded and as it is served: https://www.imsglobal.org/spec/ob/v3p0/#profile"""
    address = {"addressCountryCode": issuer.country, "addressLocality": issuer.locality}
    parent = {"id": f"{issuer.base}#parent", "type": ["Profile"], "name": issuer.parent_name}
    return _said(
        {
            "id": issuer.did,
            "type": ["Profile"],
            "name": issuer.name,
            "url": issuer.url,
            "email": issuer.email,
            "description": issuer.description,
            "image": {"id": issuer.image_url, "type": "Image"} if issuer.image_url else None,
            "address": {"type": ["Address"], **address} if any(address.values()) else None,
            "otherIdentifier": [
                {"type": "IdentifierEntry", "identifier": value, "identifierType": kind}
                for kind, value in issuer.identifiers
            ],
            "parentOrg": parent if issuer.parent_name else None,
        }
    )


def credential_address(issuer: Issuer, public_id: str) -> str:
    """The id of a badge, where its page is too."""
    return f"{issuer.base}/credentials/{public_id}"


def achievement_address(issuer: Issuer, slug: str, version: int) -> str:
    """The id of an achievement. Each version has its own, so that a later change rewrites no badge."""
    return f"{issuer.base}/achievements/{slug}/v/{version}"


def hashed_email(email: str, salt: str) -> str:
    """`sha256$…` of an address. It helps to compare and hides nothing: whoever has a list of addresses can guess.

    https://www.imsglobal.org/spec/ob/v3p0/#identityhash
    """
    return "sha256$" + hashlib.sha256((email.strip().lower() + salt).encode("utf-8")).hexdigest()


def _subject(issuer: Issuer, content: MicroCredential, award: Award) -> dict[str, Any]:
    made_of = achievement_address(issuer, award.achievement_id, award.version)
    source = {"id": award.source_url, "type": ["Profile"], "name": award.source_name, "url": award.source_url}
    return {
        "id": award.subject,
        "type": ["AchievementSubject"],
        "identifier": _identifiers(award),
        "creditsEarned": _number(content.credits),
        "result": _results(content, award, made_of),
        "source": source if award.source_url else None,
        "achievement": achievement(
            issuer, content, award.achievement_id, award.version, award.threshold, award.related, award.measured
        ),
    }


def _identifiers(award: Award) -> list[dict[str, Any]]:
    """Who it is for, as far as the person has agreed: https://www.imsglobal.org/spec/ob/v3p0/#identityobject"""
    found: list[dict[str, Any]] = []
    if award.name:
        found.append({"type": "IdentityObject", "hashed": False, "identityHash": award.name, "identityType": "name"})
    if award.email_hash:
        salt, hashed = award.email_hash
        entry = {"type": "IdentityObject", "hashed": True, "identityHash": hashed, "identityType": "emailAddress"}
        found.append({**entry, "salt": salt})
    return found


def _result_descriptions(
    content: MicroCredential, address: str, threshold: Decimal, measured: Sequence[Measured]
) -> list[dict[str, Any]]:
    words = _WORDS[content.language]
    percent = {"resultType": "Percent", "valueMin": "0", "valueMax": "100"}
    found: list[dict[str, Any]] = [
        {"id": f"{address}#score", "name": words["score"], **percent, "requiredValue": _percent(threshold)}
    ]
    if content.hours is not None:
        found.append({"id": f"{address}#workload", "name": words["workload"], "resultType": "ext:WorkloadHours"})
    for number, result in enumerate(measured, 1):
        kind = percent if result.kind == "percent" else {"resultType": "PerformanceLevel"}
        found.append(
            {
                "id": f"{address}#result-{number}",
                "name": result.name,
                **kind,
                **_measures(result, f"{address}#result-{number}"),
            }
        )
    return [{"type": ["ResultDescription"], **one} for one in found]


def _results(content: MicroCredential, award: Award, address: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if content.shows_grade and award.score is not None:
        found.append({"resultDescription": f"{address}#score", "value": _percent(award.score)})
    if content.hours is not None:
        found.append({"resultDescription": f"{address}#workload", "value": _plain(content.hours)})
    for number, result in enumerate(award.measured, 1):
        value = result.value if isinstance(result.value, str) else _percent(result.value)
        described = {"resultDescription": f"{address}#result-{number}", "value": value}
        found.append({**described, **_measures(result, f"{address}#result-{number}")})
    return [{"type": ["Result"], **one} for one in found]


def _measures(result: Measured, page: str) -> dict[str, Any]:
    if result.competency is None:
        return {}
    return {"alignment": [alignments.skill(result.competency, page, alignments.SKILL)]}


def _evidence(content: MicroCredential, award: Award) -> list[dict[str, Any]]:
    genre = _WORDS[content.language]["component"]
    components = [Evidence(url, name, genre=genre) for name, url in award.components]
    return [
        {
            "id": one.url,
            "type": ["Evidence"],
            "name": one.name,
            "description": one.description,
            "genre": one.genre,
        }
        for one in (*award.evidence, *components)
    ]


def _said(document: dict[str, Any]) -> dict[str, Any]:
    """Without the members that say nothing."""
    return {name: _inner(value) for name, value in document.items() if value not in (None, "", [])}


def _inner(value: Any) -> Any:
    if isinstance(value, dict):
        return _said(value)
    return [_inner(one) for one in value] if isinstance(value, list) else value


def _paragraphs(*texts: str) -> str:
    return "\n\n".join(text.strip() for text in texts if text.strip())


def _number(value: Decimal | None) -> int | float | None:
    """Credits as a JSON number. At most two places and 1000, where all JSON-LD processors write a number alike."""
    if value is None:
        return None
    assert 0 <= value <= 1000
    rounded = round(value, 2)
    return int(rounded) if rounded == int(rounded) else float(rounded)


def _percent(value: Decimal) -> str:
    """At most two places, cut and not rounded: nobody is shown a score that was not reached."""
    return _plain(value.quantize(Decimal("0.01"), ROUND_DOWN))


def _plain(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
