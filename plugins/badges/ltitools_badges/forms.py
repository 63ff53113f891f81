"""The form in which a micro-credential is described: what a browser sent, what is wrong with it, and its words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from typing import Any

from werkzeug.datastructures import MultiDict

from ltitools.plugin import LazyText, competencies
from ltitools_badges.core import content as contents
from ltitools_badges.core.content import Alignment, MicroCredential, Reference
from ltitools_badges.texts import lazy
from ltitools_badges.views import Mistake

LABELS: Mapping[str, LazyText] = {
    "language": lazy("Language of this edition"),
    "name": lazy("Title"),
    "description": lazy("What it certifies"),
    "outcomes": lazy("Learning outcomes"),
    "hours": lazy("Learner’s workload, in hours"),
    "credits": lazy("Credits"),
    "credit_system": lazy("Credit system"),
    "criteria": lazy("What has to be done"),
    "assessment": lazy("Type of assessment"),
    "assessment_note": lazy("More about the assessment"),
    "shows_grade": lazy("Write the score into each badge"),
    "supervision": lazy("Supervision of the assessment"),
    "identity_checked": lazy("The identity of learners is checked"),
    "delivery": lazy("Mode of delivery"),
    "pace": lazy("Pace"),
    "prerequisites": lazy("Prerequisites"),
    "field": lazy("Field of study"),
    "tags": lazy("Keywords"),
    "quality": lazy("Quality assurance"),
    "quality_url": lazy("Where that can be read"),
    "level_framework": lazy("Qualifications framework"),
    "level": lazy("Level"),
    "level_url": lazy("Address of the level"),
    "stacks_to": lazy("Larger awards that it counts towards"),
    "occupations": lazy("Occupations"),
    "alignments": lazy("Skills and competencies"),
    "valid_months": lazy("Validity, in months"),
}
ELEMENTS: Mapping[str, LazyText] = {
    "title": lazy("Title"),
    "description": lazy("Description"),
    "outcomes": lazy("Learning outcomes"),
    "workload": lazy("Workload"),
    "assessment": lazy("Type of assessment"),
    "criteria": lazy("Criteria"),
    "delivery": lazy("Mode of delivery"),
    "quality": lazy("Quality assurance"),
    "level": lazy("Level"),
    "prerequisites": lazy("Prerequisites"),
    "supervision": lazy("Supervision and identity check"),
    "grade": lazy("Grade achieved"),
    "stackability": lazy("Stackability"),
    "occupation": lazy("Occupations"),
    "skills": lazy("Skills from a framework"),
    "country": lazy("Country of the institution"),
    "recipient": lazy("Who has earned it"),
    "provider": lazy("Awarding institution"),
    "date": lazy("Date of issue"),
    "verification": lazy("How it is checked"),
    "language": lazy("Language"),
}
BODIES: Mapping[str, LazyText] = {
    "eu": lazy("European Union"),
    "au": lazy("Australia"),
    "ictc": lazy("ICTC (Canada)"),
    "ob": lazy("Open Badges"),
}
GROUPS: Mapping[str, tuple[str, ...]] = {
    "what": ("language", "name", "description", "outcomes", "hours", "credits", "credit_system"),
    "how": ("criteria", "assessment", "assessment_note", "shows_grade", "supervision", "identity_checked"),
    "teaching": ("delivery", "pace", "prerequisites", "field", "tags"),
    "quality": ("quality", "quality_url", "level_framework", "level", "level_url", "no_level"),
    "onwards": ("stacks_to", "occupations", "alignments", "valid_months"),
}
FRAMEWORKS = ("EQF", "CQF", "AQF", "QF-EHEA", "NQF", "RQF")
CREDIT_SYSTEMS = ("ECTS", "US credits", "CATS")
SKILL_FRAMEWORKS = ("ESCO", "NOC", "OaSIS", "O*NET", "SFIA", "DigComp", "ANZSCO")
ROWS: Mapping[str, tuple[str, ...]] = {
    "stacks_to": ("name", "url"),
    "occupations": ("framework", "version", "code", "name", "url"),
    "alignments": ("kind", "framework", "version", "code", "name", "url", "description"),
}
MAX_OUTCOME = 1000

_LONG = ("description", "criteria", "assessment_note", "quality", "prerequisites", "outcomes")
_NUMBERS = ("hours", "credits", "valid_months")
_FLAGS = ("shows_grade", "identity_checked", "no_level")
_ADDRESSES = ("quality_url", "level_url")

Row = dict[str, str]


@dataclass(frozen=True)
class Sheet:
    """The form as it was typed. Lists are texts with a line for each, rows are texts by the names of their columns."""

    texts: Mapping[str, str]
    flags: frozenset[str] = frozenset()
    assessment: tuple[str, ...] = ()
    rows: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)


def sheet_of(content: MicroCredential) -> Sheet:
    """The form with what a micro-credential says."""
    texts: dict[str, str] = {}
    for each in fields(content):
        value = getattr(content, each.name)
        if isinstance(value, str):
            texts[each.name] = value
        elif each.name in _NUMBERS:
            texts[each.name] = "" if value is None else _plain(value)
    texts["outcomes"] = "\n".join(content.outcomes)
    texts["tags"] = ", ".join(content.tags)
    flags = {name for name in ("shows_grade", "identity_checked") if getattr(content, name)}
    if content.level_framework == contents.NO_LEVEL:
        flags.add("no_level")
        texts["level_framework"] = ""
    rows = {
        name: tuple({column: getattr(one, column) for column in columns} for one in getattr(content, name))
        for name, columns in ROWS.items()
    }
    return Sheet(texts, frozenset(flags), content.assessment, rows)


def read(form: MultiDict[str, str]) -> Sheet:
    """What a browser sent, with white space put in order. Rows in which nothing stands are left out."""
    texts = {}
    for name in (*LABELS, "valid_months"):
        value = form.get(name, "").replace("\0", "")
        texts[name] = _lines(value) if name in _LONG else " ".join(value.split())
    rows = {name: tuple(_rows(form, name, columns)) for name, columns in ROWS.items()}
    flags = frozenset(name for name in _FLAGS if form.get(name))
    chosen = tuple(key for key in contents.ASSESSMENTS if key in form.getlist("assessment"))
    return Sheet(texts, flags, chosen, rows)


def check(sheet: Sheet) -> tuple[MicroCredential | None, list[Mistake]]:
    """The micro-credential that the form describes, or what is wrong with it."""
    mistakes: list[Mistake] = []
    texts = sheet.texts
    if not texts["name"]:
        mistakes.append(Mistake("name", lazy("Write the title.")))
    mistakes += _too_long(texts)
    mistakes += [_no_address(name) for name in _ADDRESSES if texts[name] and not contents.is_address(texts[name])]
    outcomes = tuple(line for line in texts["outcomes"].split("\n") if line.strip())
    if len(outcomes) > contents.MAX_ROWS or any(len(line) > MAX_OUTCOME for line in outcomes):
        text = lazy("Write at most %(n)s outcomes of %(limit)s characters.", n=contents.MAX_ROWS, limit=MAX_OUTCOME)
        mistakes.append(Mistake("outcomes", text))
    tags = tuple(dict.fromkeys(tag.strip() for tag in texts["tags"].split(",") if tag.strip()))
    hours, credit = _amount("hours", texts, mistakes), _amount("credits", texts, mistakes)
    months = _months(texts["valid_months"], mistakes)
    if "no_level" in sheet.flags and (texts["level"] or texts["level_framework"]):
        mistakes.append(Mistake("level", lazy("Either name the level, or say that there is none.")))
    for name in ROWS:
        mistakes += _row_mistakes(name, sheet.rows[name])
    if mistakes:
        return None, mistakes
    direct: dict[str, Any] = {name: texts[name] for name in _DIRECT} | {
        name: name in sheet.flags for name in _FLAGS[:2]
    }
    if "no_level" in sheet.flags:
        direct["level_framework"] = contents.NO_LEVEL
    made = MicroCredential(
        **direct,
        outcomes=outcomes,
        hours=hours,
        credits=credit,
        assessment=sheet.assessment,
        tags=tags[: contents.MAX_ROWS],
        valid_months=months,
        stacks_to=tuple(Reference(**row) for row in sheet.rows["stacks_to"]),
        occupations=tuple(Alignment(**row, kind="ext:Occupation") for row in sheet.rows["occupations"]),
        alignments=tuple(Alignment(**row) for row in sheet.rows["alignments"]),
    )
    # A choice that the page does not offer was made up by whoever sent the form.
    return MicroCredential.from_json(made.to_json()), []


def with_competencies(sheet: Sheet, chosen: Sequence[competencies.Framed]) -> Sheet:
    """The form with competencies of the institution among the skills; those that are there already stay as they are."""
    language = sheet.texts.get("language", "en")
    there = {(row["framework"], row["code"]) for row in sheet.rows["alignments"]}
    added = []
    for one in chosen:
        framework = one.framework(language)
        if (framework, one.competency.code) in there:
            continue
        row = {"kind": "CFItem", "framework": framework, "version": str(one.number), "code": one.competency.code}
        address = one.uri if contents.is_address(one.uri) else ""
        added.append({**row, "name": one.competency.title(language), "url": address, "description": ""})
    rows = {**sheet.rows, "alignments": (*sheet.rows["alignments"], *added)}
    return replace(sheet, rows=rows)


def changes(before: MicroCredential | None, after: MicroCredential) -> list[LazyText]:
    """The names of the fields in which two descriptions differ; all that are filled in where there was none before."""
    first = before or MicroCredential(language=after.language, name="")
    return [label for name, label in LABELS.items() if getattr(first, name) != getattr(after, name)]


def _rows(form: MultiDict[str, str], name: str, columns: Sequence[str]) -> list[Row]:
    found = []
    for number in range(contents.MAX_ROWS + 5):
        row = {
            column: " ".join(form.get(f"{name}-{number}-{column}", "").replace("\0", "").split()) for column in columns
        }
        if any(value for column, value in row.items() if column != "kind"):
            found.append(row)
    return found


def _row_mistakes(name: str, rows: Sequence[Row]) -> list[Mistake]:
    """Mistakes in rows, at the field of each. Rows are numbered as the page that shows the mistakes numbers them."""
    mistakes = []
    if len(rows) > contents.MAX_ROWS:
        mistakes.append(Mistake(f"{name}-0-name", lazy("There can be %(n)s rows at most.", n=contents.MAX_ROWS)))
    for number, row in enumerate(rows):
        at = f"{name}-{number}-"
        if not row["name"]:
            mistakes.append(Mistake(f"{at}name", lazy("Write the name, or empty the row.")))
        if row["url"] and not contents.is_address(row["url"]):
            mistakes.append(_no_address(f"{at}url"))
        if not contents.is_alignment_kind(row.get("kind", "")):
            mistakes.append(Mistake(f"{at}kind", lazy("Choose one of the list.")))
        for column, value in row.items():
            limit = contents.MAX_TEXT if column == "description" else contents.MAX_NAME
            if column != "url" and len(value) > limit:
                mistakes.append(_longer(f"{at}{column}", limit))
    return mistakes


def _too_long(texts: Mapping[str, str]) -> list[Mistake]:
    limits = {name: contents.MAX_TEXT if name in _LONG else contents.MAX_NAME for name in texts}
    del limits["outcomes"]
    for name in _ADDRESSES:
        del limits[name]
    return [_longer(name, limit) for name, limit in limits.items() if len(texts[name]) > limit]


def _longer(field_name: str, limit: int) -> Mistake:
    return Mistake(field_name, lazy("This is longer than %(limit)s characters. Shorten it.", limit=limit))


def _no_address(field_name: str) -> Mistake:
    return Mistake(field_name, lazy("Write a whole address, such as https://www.example.org/page."))


def _amount(name: str, texts: Mapping[str, str], mistakes: list[Mistake]) -> Decimal | None:
    typed = texts[name].replace(",", ".")
    if not typed:
        return None
    try:
        return contents.amount(typed)
    except ValueError:
        text = lazy("Write a number from 0 to %(limit)s with two decimal places at most.", limit=contents.MAX_AMOUNT)
        mistakes.append(Mistake(name, text))
        return None


def _months(typed: str, mistakes: list[Mistake]) -> int | None:
    if not typed:
        return None
    if typed.isascii() and typed.isdecimal() and len(typed) < 5 and 0 < int(typed) <= contents.MAX_MONTHS:
        return int(typed)
    text = lazy("Write a whole number of months from 1 to %(limit)s, or nothing.", limit=contents.MAX_MONTHS)
    mistakes.append(Mistake("valid_months", text))
    return None


def _lines(text: str) -> str:
    """A text of several lines as browsers send it, without white space at the ends of its lines."""
    return "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").split("\n")).strip()


def _plain(value: Any) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)


_DIRECT = tuple(name for name in LABELS if name not in (*_NUMBERS, *_FLAGS, *ROWS, "outcomes", "tags", "assessment"))
