"""The elements of a micro-credential for which Open Badges have no member, written as Alignments.

https://www.imsglobal.org/spec/ob/v3p0/#alignment: each needs a name and an address. Where the content has no address,
it is a place on our own pages: the vocabulary for the words that we offer, the achievement's page for the rest.
"""

from collections.abc import Mapping
from typing import Any

from ltitools_badges.core.content import (
    ASSESSMENTS,
    DELIVERY,
    NO_LEVEL,
    PACES,
    SUPERVISION,
    Alignment,
    MicroCredential,
    Words,
)

#: The kinds of Alignment that stand for elements.
OUTCOME = "ext:LearningOutcome"
ASSESSMENT = "ext:AssessmentType"
DELIVERY_MODE = "ext:DeliveryMode"
PACE = "ext:Pace"
QUALITY = "ext:QualityAssurance"
EQF = "ext:EQF"
LEVEL = "ext:QualificationLevel"
PREREQUISITE = "ext:Prerequisite"
SUPERVISED = "ext:SupervisionType"
IDENTITY = "ext:IdentityVerification"
STACKS_TO = "ext:StacksTo"
OCCUPATION = "ext:Occupation"
SKILL = "CFItem"

_EQF_LEVELS = "http://data.europa.eu/snb/eqf/"
_IDENTITY_CHECKED = {"en": "The learner’s identity was checked", "fr": "L’identité de l’apprenant a été vérifiée"}
_LONG = 250


def of(content: MicroCredential, page: str, vocabulary: str) -> list[dict[str, Any]]:
    """Every Alignment of a micro-credential whose page is at `page`."""
    outcomes = [
        _alignment(OUTCOME, outcome, f"{page}#outcome-{number}") for number, outcome in enumerate(content.outcomes, 1)
    ]
    stacks = [
        _alignment(STACKS_TO, larger.name, larger.url or f"{page}#stacks-to-{number}")
        for number, larger in enumerate(content.stacks_to, 1)
    ]
    occupations = [
        skill(occupation, f"{page}#occupation-{number}", OCCUPATION)
        for number, occupation in enumerate(content.occupations, 1)
    ]
    skills = [skill(one, f"{page}#skill-{number}", SKILL) for number, one in enumerate(content.alignments, 1)]
    return [
        *outcomes,
        *_vocabulary_terms(content, vocabulary),
        *_conditions(content, page),
        *stacks,
        *occupations,
        *skills,
    ]


def skill(target: Alignment, page: str, kind: str) -> dict[str, Any]:
    """A place in a framework. The version belongs to the framework's name, for a code can mean another thing later."""
    written = {
        "targetCode": target.code,
        "targetFramework": " ".join(filter(None, (target.framework, target.version))),
        "targetDescription": target.description,
    }
    return _alignment(target.kind or kind, target.name or target.code, target.url or page, written)


def _vocabulary_terms(content: MicroCredential, vocabulary: str) -> list[dict[str, Any]]:
    def term(kind: str, element: str, key: str, words: Mapping[str, Words]) -> dict[str, Any]:
        return _alignment(kind, words[key][content.language], f"{vocabulary}#{element}-{key}", {"targetCode": key})

    found = [term(ASSESSMENT, "assessment", key, ASSESSMENTS) for key in content.assessment]
    if content.delivery:
        found.append(term(DELIVERY_MODE, "delivery", content.delivery, DELIVERY))
    if content.pace:
        found.append(term(PACE, "pace", content.pace, PACES))
    if content.supervision:
        found.append(term(SUPERVISED, "supervision", content.supervision, SUPERVISION))
    if content.identity_checked:
        found.append(_alignment(IDENTITY, _IDENTITY_CHECKED[content.language], f"{vocabulary}#identity-checked"))
    return found


def _conditions(content: MicroCredential, page: str) -> list[dict[str, Any]]:
    found = []
    if content.quality:
        found.append(_alignment(QUALITY, content.quality, content.quality_url or f"{page}#quality"))
    if content.prerequisites:
        found.append(_alignment(PREREQUISITE, content.prerequisites, f"{page}#prerequisites"))
    if content.level and content.level_framework != NO_LEVEL:
        framework = content.level_framework
        european = framework.upper() == "EQF"
        fallback = f"{_EQF_LEVELS}{content.level}" if european and content.level in "12345678" else f"{page}#level"
        name = " ".join(filter(None, (framework, content.level)))
        written = {"targetCode": content.level, "targetFramework": framework}
        found.append(_alignment(EQF if european else LEVEL, name, content.level_url or fallback, written))
    return found


def _alignment(kind: str, name: str, url: str, more: Mapping[str, str] | None = None) -> dict[str, Any]:
    """A long text goes into the description as a whole, and its beginning into the name."""
    found = {"type": ["Alignment"], "targetType": kind, "targetName": name, "targetUrl": url, **(more or {})}
    if len(name) > _LONG:
        found["targetName"] = name[: _LONG - 1].rstrip() + "…"
        found["targetDescription"] = name
    return found
