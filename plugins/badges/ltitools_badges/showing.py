"""The public pages as HTML: for whoever asks the server, and for the copy that outlives it.

A page of the copy is `frozen` at a time: it has nothing that only a running server can say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from flask import render_template

from ltitools_badges import issuers, prose, verdicts
from ltitools_badges.core import checking, content, documents
from ltitools_badges.models import Issuer
from ltitools_badges.published import Credential, Edition
from ltitools_badges.texts import _

IDENTITY_CHECKED: Mapping[str, Mapping[str, str]] = {
    "identity-checked": {"en": "The learner’s identity was checked", "fr": "L’identité de l’apprenant a été vérifiée"}
}


@dataclass(frozen=True)
class Result:
    """What was measured, and how much of it."""

    name: str
    value: str


def credential_page(shown: Credential, report: checking.Report | None, frozen: datetime | None = None) -> str:
    """What an employer sees: who has earned what, from whom, and whether that is so."""
    document = shown.document
    subject = document["credentialSubject"]
    edition = Edition(shown.issuer, shown.achievement, shown.version)
    return _page(
        "public_credential",
        frozen,
        issuer=shown.issuer,
        badge=shown.badge,
        content=shown.content,
        address=shown.address,
        picture=f"{edition.path}.png",
        picture_address=f"{edition.address}.png",
        has_svg=bool(shown.version.image_svg),
        status_address=document["credentialStatus"]["statusListCredential"],
        only_here=issuers.is_only_here(shown.issuer.base),
        holder=holder_of(document),
        issued_by=document["issuer"]["name"],
        threshold=prose.number(Decimal(shown.badge.threshold)),
        results=list(_results(subject)),
        evidence=[
            {
                "url": "",
                "name": "",
                "description": "",
                "genre": "",
                **one,
                **({"url": one["id"]} if "id" in one else {}),
            }
            for one in document.get("evidence", ())
        ],
        twins=[(one.get("inLanguage", ""), one["id"]) for one in subject["achievement"].get("related", ())],
        verdict=verdicts.of(report, own=True) if report else None,
    )


def gone_page(state: str, issuer: Issuer, frozen: datetime | None = None) -> str:
    """Why there is no badge to be seen. One that is private or was erased, and none at all, look the same."""
    return _page("public_gone", frozen, state=state, issuer=issuer)


def achievement_page(edition: Edition, latest: int, frozen: datetime | None = None) -> str:
    """What a micro-credential certifies, whoever has earned it."""
    return _page(
        "public_achievement",
        frozen,
        issuer=edition.issuer,
        content=edition.content,
        address=edition.address,
        picture=f"{edition.path}.png",
        number=edition.version.number,
        slug=edition.achievement.slug,
        is_old=edition.version.number < latest,
    )


def issuer_page(issuer: Issuer, editions: Sequence[Edition], frozen: datetime | None = None) -> str:
    """Who gives the badges, and what can be earned."""
    return _page("public_issuer", frozen, issuer=issuer, editions=editions)


def vocabulary_page(issuer: Issuer, frozen: datetime | None = None) -> str:
    """The words of our forms, each at an address that credentials name."""
    groups = [
        (_("Assessment"), "assessment-", content.ASSESSMENTS),
        (_("Form of participation"), "delivery-", content.DELIVERY),
        (_("Pace"), "pace-", content.PACES),
        (_("Supervision"), "supervision-", content.SUPERVISION),
        (_("Identity"), "", IDENTITY_CHECKED),
    ]
    return _page("public_vocabulary", frozen, issuer=issuer, groups=groups)


def holder_of(document: Mapping[str, Any]) -> str:
    """The name that the holder has put into a badge, empty where they have not."""
    for one in document["credentialSubject"].get("identifier", ()):
        if one.get("identityType") == "name" and not one.get("hashed"):
            return str(one["identityHash"])
    return ""


def award_of(shown: Credential) -> documents.Award:
    """The award as it was signed, for the view of older backpacks."""
    document = shown.document
    subject = document["credentialSubject"]
    hashed = next((one for one in subject.get("identifier", ()) if one.get("hashed")), None)
    return documents.Award(
        public_id=shown.badge.public_id,
        version=shown.version.number,
        achievement_id=shown.achievement.slug,
        subject=subject["id"],
        awarded_at=shown.badge.awarded_at,
        valid_from=shown.badge.valid_from,
        valid_until=shown.badge.valid_until,
        threshold=Decimal(shown.badge.threshold),
        status_list=shown.badge.status_list,
        status_index=shown.badge.status_index,
        email_hash=(hashed["salt"], hashed["identityHash"]) if hashed else None,
        evidence=tuple(
            documents.Evidence(one.get("id", ""), one.get("name", ""), one.get("description", ""), one.get("genre", ""))
            for one in document.get("evidence", ())
        ),
    )


def _results(subject: Mapping[str, Any]) -> Iterable[Result]:
    """The results with the words of their descriptions. Hours of work are told among the other elements."""
    described = {one["id"]: one for one in subject["achievement"].get("resultDescription", ())}
    for result in subject.get("result", ()):
        kind = described[result["resultDescription"]]
        if kind["resultType"] != "ext:WorkloadHours":
            percent = kind["resultType"] == "Percent"
            yield Result(kind["name"], f"{result['value']}\N{NO-BREAK SPACE}%" if percent else result["value"])


def _page(template: str, frozen: datetime | None, **values: Any) -> str:
    return render_template(
        f"badges/{template}.html",
        frozen=frozen,
        words=content,
        day=prose.day,
        hours=prose.hours,
        number_text=prose.number,
        markdown=prose.markdown,
        **values,
    )
