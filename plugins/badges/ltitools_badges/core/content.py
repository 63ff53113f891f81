"""What an institution says about a micro-credential, as it is kept and as it is written into badges.

The elements are those that the Council of the European Union (Recommendation of 16 June 2022 on micro-credentials,
annex I), Australia's National Microcredentials Framework and Canada's ICTC ask for. How they are written into an Open
Badge is the business of `documents`.

Vocabularies carry their words in both languages, because a credential is written in the language of its content,
whatever the language of the person who reads the page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Words = Mapping[str, str]

LANGUAGES = ("en", "fr")
MAX_AMOUNT = Decimal(1000)
MAX_NAME = 255
MAX_URL = 2000
MAX_TEXT = 20_000
MAX_ROWS = 50
MAX_MONTHS = 600

NO_LEVEL = "none"
"""The `level_framework` of a micro-credential that has no level, which somebody has said on purpose."""

ASSESSMENTS: Mapping[str, Words] = {
    "exam": {"en": "Examination", "fr": "Examen"},
    "quiz": {"en": "Quiz or test", "fr": "Questionnaire ou test"},
    "project": {"en": "Project", "fr": "Projet"},
    "portfolio": {"en": "Portfolio", "fr": "Portfolio"},
    "written": {"en": "Written work", "fr": "Travail écrit"},
    "presentation": {"en": "Presentation", "fr": "Présentation"},
    "oral": {"en": "Oral examination", "fr": "Examen oral"},
    "practical": {"en": "Practical test", "fr": "Épreuve pratique"},
    "observation": {"en": "Observation at work or in practice", "fr": "Observation en situation de travail"},
    "case": {"en": "Case study", "fr": "Étude de cas"},
    "self": {"en": "Self-assessment", "fr": "Autoévaluation"},
    "peer": {"en": "Assessment by peers", "fr": "Évaluation par les pairs"},
}
DELIVERY: Mapping[str, Words] = {
    "online": {"en": "Online", "fr": "En ligne"},
    "in-person": {"en": "In person", "fr": "En présence"},
    "blended": {"en": "Blended", "fr": "Hybride"},
}
PACES: Mapping[str, Words] = {
    "self-paced": {"en": "At the learner’s own pace", "fr": "Au rythme de l’apprenant"},
    "instructor-led": {"en": "Led by an instructor", "fr": "Dirigé par un formateur"},
}
SUPERVISION: Mapping[str, Words] = {
    "unsupervised": {"en": "Assessed without supervision", "fr": "Évaluation sans surveillance"},
    "supervised-online": {"en": "Supervised online", "fr": "Évaluation surveillée en ligne"},
    "supervised-onsite": {"en": "Supervised on site", "fr": "Évaluation surveillée sur place"},
}
ALIGNMENT_KINDS: Mapping[str, Words] = {
    "CFItem": {"en": "Competency", "fr": "Compétence"},
    "ceasn:Competency": {"en": "Skill (ESCO, CTDL)", "fr": "Aptitude (ESCO, CTDL)"},
    "ext:Occupation": {"en": "Occupation", "fr": "Profession"},
    "ceterms:Credential": {"en": "Credential", "fr": "Titre ou certification"},
    "CFRubric": {"en": "Rubric", "fr": "Grille d’évaluation"},
}
"""The target types that the editor offers; others that begin with ``ext:`` are kept too."""

_Kept = TypeVar("_Kept", bound="DataclassInstance")
_TARGET_TYPE = re.compile(r"ext:[A-Za-z0-9_.-]{1,60}")


@dataclass(frozen=True)
class Reference:
    """Something else that has a name and an address, such as a larger award. `url` may be empty."""

    name: str
    url: str = ""


@dataclass(frozen=True)
class Alignment:
    """A place in a framework of skills or occupations. `kind` is empty or an Open Badges ``targetType``.

    `url` may be empty: a credential then names a page of this server.
    """

    framework: str
    version: str
    code: str
    name: str
    url: str
    description: str = ""
    kind: str = ""


@dataclass(frozen=True)
class MicroCredential:
    """A micro-credential as its instructors describe it; texts are empty and numbers None where nothing is said.

    `hours` is the learner's whole workload, `criteria` Markdown. A level that does not apply is `NO_LEVEL` as
    `level_framework` with an empty `level`.
    """

    language: str
    name: str
    description: str = ""
    criteria: str = ""
    outcomes: tuple[str, ...] = ()
    hours: Decimal | None = None
    credits: Decimal | None = None
    credit_system: str = ""
    assessment: tuple[str, ...] = ()
    assessment_note: str = ""
    delivery: str = ""
    pace: str = ""
    quality: str = ""
    quality_url: str = ""
    level: str = ""
    level_framework: str = ""
    level_url: str = ""
    prerequisites: str = ""
    supervision: str = ""
    identity_checked: bool = False
    stacks_to: tuple[Reference, ...] = ()
    occupations: tuple[Alignment, ...] = ()
    alignments: tuple[Alignment, ...] = ()
    field: str = ""
    tags: tuple[str, ...] = ()
    shows_grade: bool = False
    valid_months: int | None = None

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> MicroCredential:
        """The micro-credential that `to_json` wrote. ValueError: a member is unknown, missing or not of its shape."""
        return _built(cls, given, _MEMBERS)

    def to_json(self) -> dict[str, Any]:
        """Numbers as decimal texts, so that no database or browser rounds them."""
        return {name: _plain(value) for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Element:
    """Something that descriptions of micro-credentials are asked to say.

    `fields` are the members of `MicroCredential` that say it, the first being the one to fill in; none where it comes
    from elsewhere. `mandatory` and `optional` name who asks: eu, au, ictc, and ob for Open Badges themselves.
    """

    key: str
    fields: tuple[str, ...]
    mandatory: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


@dataclass(frozen=True)
class Completeness:
    """How much of what is asked for is said. `percent` counts mandatory elements only, rounded down."""

    met: tuple[Element, ...]
    missing: tuple[Element, ...]
    optional_met: tuple[Element, ...]
    optional_missing: tuple[Element, ...]
    percent: int


EVERYBODY = ("eu", "au", "ictc")
ELEMENTS = (
    Element("title", ("name",), (*EVERYBODY, "ob")),
    Element("description", ("description",), ("ob",)),
    Element("outcomes", ("outcomes",), EVERYBODY),
    Element("workload", ("hours", "credits"), EVERYBODY),
    Element("assessment", ("assessment",), EVERYBODY),
    Element("criteria", ("criteria",), ("ictc", "ob")),
    Element("delivery", ("delivery",), EVERYBODY),
    Element("quality", ("quality",), EVERYBODY),
    Element("level", ("level", "level_framework"), ("eu",), ("au", "ictc")),
    Element("prerequisites", ("prerequisites",), (), EVERYBODY),
    Element("supervision", ("supervision",), (), ("eu", "au")),
    Element("grade", ("shows_grade",), (), ("eu", "ictc")),
    Element("stackability", ("stacks_to",), (), EVERYBODY),
    Element("occupation", ("occupations",), (), ("au", "ictc")),
    Element("skills", ("alignments",), (), ("ictc",)),
)
COUNTRY = Element("country", (), ("eu",))
"""Where the issuer is: said once for an institution, not for each micro-credential."""
AUTOMATIC = (
    Element("recipient", (), ("eu", "au", "ictc")),
    Element("provider", (), ("eu", "au", "ictc")),
    Element("date", (), ("eu", "au", "ictc")),
    Element("verification", (), ("ictc", "ob")),
    Element("language", ("language",), (), ("eu", "ictc")),
)
"""What every badge says without anybody's doing."""


def completeness(content: MicroCredential, country: str | None = None) -> Completeness:
    """What `content` says of the elements, and what it does not. `country` is the issuer's; None leaves it out."""
    said = {element: _says(content, element) for element in ELEMENTS}
    if country is not None:
        said[COUNTRY] = bool(country)
    met = tuple(element for element, there in said.items() if there and element.mandatory)
    missing = tuple(element for element, there in said.items() if not there and element.mandatory)
    return Completeness(
        met,
        missing,
        tuple(element for element, there in said.items() if there and not element.mandatory),
        tuple(element for element, there in said.items() if not there and not element.mandatory),
        100 * len(met) // (len(met) + len(missing)),
    )


def is_address(text: str) -> bool:
    """Whether `text` is the address of a web page, as far as its form goes."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    plain = text.isprintable() and not any(sign in text for sign in ' "<>\\^`{|}')
    return plain and len(text) <= MAX_URL and parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0


def amount(text: str) -> Decimal:
    """A number of hours or credits: 0 to 1000, at most two places. ValueError otherwise.

    More places are refused because JSON-LD processors write small numbers differently, which breaks signatures.
    """
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,2})?", text):
        raise ValueError(f"{text!r} is not a number with at most two places")
    number = Decimal(text)
    if number > MAX_AMOUNT:
        raise ValueError(f"{text} is more than {MAX_AMOUNT}")
    return number


def is_alignment_kind(kind: str) -> bool:
    """Whether Open Badges know `kind` as the ``targetType`` of an alignment."""
    return kind == "" or kind in ALIGNMENT_KINDS or _TARGET_TYPE.fullmatch(kind) is not None


def _says(content: MicroCredential, element: Element) -> bool:
    for name in element.fields:
        value = getattr(content, name)
        if name == "level_framework":
            if value == NO_LEVEL:
                return True
        elif isinstance(value, str):
            if value.strip():
                return True
        elif value is not None and value is not False and value != ():
            return True
    return False


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value


def _built(kind: type[_Kept], given: Any, readers: Mapping[str, Callable[[Any], Any]]) -> _Kept:
    """An object of the dataclass `kind` from its JSON, each member read by its reader."""
    if not isinstance(given, Mapping):
        raise ValueError(f"{kind.__name__} is an object")
    unknown = set(given) - set(readers)
    required = {each.name for each in fields(kind) if each.default is MISSING}
    if unknown or required - set(given):
        raise ValueError(f"{kind.__name__}: unknown {sorted(unknown)}, missing {sorted(required - set(given))}")
    values = {}
    for name, value in given.items():
        try:
            values[name] = readers[name](value)
        except ValueError as problem:
            raise ValueError(f"{name}: {problem}") from problem
    return kind(**values)


def _text(limit: int) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if not isinstance(value, str) or len(value) > limit or "\0" in value:
            raise ValueError(f"not a text of at most {limit} characters")
        return value

    return read


def _url(value: Any) -> str:
    if value != "" and not (isinstance(value, str) and is_address(value)):
        raise ValueError("not the address of a web page")
    return str(value)


def _choice(keys: Mapping[str, Words] | tuple[str, ...], *, empty: bool = False) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if not isinstance(value, str) or not (value in keys or (empty and value == "")):
            raise ValueError(f"not one of {', '.join(keys)}")
        return value

    return read


def _kind(value: Any) -> str:
    if not isinstance(value, str) or not is_alignment_kind(value):
        raise ValueError("not a target type of an alignment")
    return value


def _amount(value: Any) -> Decimal | None:
    if value is not None and not isinstance(value, str):
        raise ValueError("not a number as text")
    return None if value is None else amount(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("neither true nor false")
    return value


def _months(value: Any) -> int | None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= MAX_MONTHS):
        raise ValueError(f"not a number of months from 1 to {MAX_MONTHS}")
    return value


def _several(read: Callable[[Any], _Kept]) -> Callable[[Any], tuple[_Kept, ...]]:
    def read_all(value: Any) -> tuple[_Kept, ...]:
        if not isinstance(value, (list, tuple)) or len(value) > MAX_ROWS:
            raise ValueError(f"not a list of at most {MAX_ROWS}")
        return tuple(read(each) for each in value)

    return read_all


def _reference(value: Any) -> Reference:
    return _built(Reference, value, {"name": _text(MAX_NAME), "url": _url})


def _alignment(value: Any) -> Alignment:
    short = _text(MAX_NAME)
    members = {"framework": short, "version": short, "code": short, "name": short}
    return _built(Alignment, value, {**members, "url": _url, "description": _text(MAX_TEXT), "kind": _kind})


_MEMBERS: Mapping[str, Callable[[Any], Any]] = {
    "language": _choice(LANGUAGES),
    "name": _text(MAX_NAME),
    "description": _text(MAX_TEXT),
    "criteria": _text(MAX_TEXT),
    "outcomes": _several(_text(MAX_TEXT)),
    "hours": _amount,
    "credits": _amount,
    "credit_system": _text(MAX_NAME),
    "assessment": _several(_choice(ASSESSMENTS)),
    "assessment_note": _text(MAX_TEXT),
    "delivery": _choice(DELIVERY, empty=True),
    "pace": _choice(PACES, empty=True),
    "quality": _text(MAX_TEXT),
    "quality_url": _url,
    "level": _text(MAX_NAME),
    "level_framework": _text(MAX_NAME),
    "level_url": _url,
    "prerequisites": _text(MAX_TEXT),
    "supervision": _choice(SUPERVISION, empty=True),
    "identity_checked": _flag,
    "stacks_to": _several(_reference),
    "occupations": _several(_alignment),
    "alignments": _several(_alignment),
    "field": _text(MAX_NAME),
    "tags": _several(_text(MAX_NAME)),
    "shows_grade": _flag,
    "valid_months": _months,
}
