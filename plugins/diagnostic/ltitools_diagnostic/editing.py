"""A question as a form holds it: read from a question and from a posted form, and checked by the rules of the table.

The fields are named as the columns of a CSV file, so that a mistake which the reader of files finds in a column is told
at the field. Where a row of a form is more than a column (right or not, one answer of several), `cells` puts it
together as an author would write it in the table.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from werkzeug.datastructures import MultiDict

from ltitools.plugin import LOCALES
from ltitools_diagnostic.columns import LETTERS
from ltitools_diagnostic.csvfile import Findings, Problem, Row
from ltitools_diagnostic.csvreader import Reader
from ltitools_diagnostic.exporting import escaped_part
from ltitools_diagnostic.importing import wordings_of
from ltitools_diagnostic.items import CHOICES, FULL, TRUE, Between, Item, Kind, Near, NumberAnswer, Wording
from ltitools_diagnostic.review import number_text
from ltitools_diagnostic.scoring import normalise
from ltitools_diagnostic.texts import lazy
from ltitools_diagnostic.views import Mistake

FormRow = Mapping[str, str]
"""A row by ``<name>`` or ``<name>_<language>``; ``right`` is not empty where it is a right one."""

TEXTS = ("question", "feedback", "outcome")
MORE_ROWS = 4
FRENCH = "fr"


@dataclass(frozen=True)
class Shape:
    """What a row of a kind of question has: texts in each language and single values; how many rows are offered."""

    texts: tuple[str, ...]
    values: tuple[str, ...] = ()
    least: int = 4


SHAPES = {
    Kind.SINGLE: Shape(("option", "reason"), ("weight",)),
    Kind.MULTIPLE: Shape(("option", "reason"), ("weight",)),
    Kind.TRUEFALSE: Shape(("reason",), least=2),
    Kind.NUMERIC: Shape(("reason",), ("number", "tolerance", "weight"), 2),
    Kind.TEXT: Shape(("reason",), ("text", "language", "weight")),
    Kind.MATCHING: Shape(("option", "match")),
    Kind.ORDERING: Shape(("option",)),
}


@dataclass(frozen=True)
class Sheet:
    """A question as it is typed, right or wrong: nothing of it is lost by a mistake."""

    kind: Kind
    competency: str
    texts: Mapping[str, str]
    rows: tuple[FormRow, ...] = ()

    def shown(self, more: bool = False) -> list[tuple[str, FormRow]]:
        """The rows by letter, with empty ones to fill in; true/false has its two."""
        size = SHAPES[self.kind].least
        if self.kind is not Kind.TRUEFALSE:
            size = max(size, len(self.rows) + (MORE_ROWS if more else 1))
        empty: list[FormRow] = [{}] * (size - len(self.rows))
        return list(zip(LETTERS, (*self.rows, *empty), strict=False))


@dataclass(frozen=True)
class Checked:
    """What became of a sheet: the question, or the mistakes that are in its way."""

    item: Item | None
    mistakes: tuple[Mistake, ...]


def blank(kind: Kind, competency: str) -> Sheet:
    """The sheet of a question that is yet to be written."""
    return Sheet(kind, competency, _by_language({name: {} for name in TEXTS}))


def sheet_of(item: Item) -> Sheet:
    """The sheet that holds a question which is there."""
    said: dict[str, Wording] = {"question": item.question, "feedback": item.feedback, "outcome": item.outcome}
    return Sheet(item.kind, item.competency, _by_language(said), tuple(_rows_of(item)))


def read(form: MultiDict[str, str], kind: Kind, up: str = "") -> Sheet:
    """The sheet of a posted form, its empty rows left out. `up` is the letter of a row that moves up."""
    shape, right = SHAPES[kind], form.getlist("right")
    rows: list[dict[str, str]] = []
    for letter in LETTERS:
        row = {name: _clean(form.get(f"{name}_{letter}", "")) for name in shape.values}
        for name in shape.texts:
            row |= {f"{name}_{each}": _clean(form.get(f"{name}_{letter}_{each}", "")) for each in LOCALES}
        row["right"] = "yes" if letter in right else ""
        rows.append(row)
    if (place := LETTERS.find(up or LETTERS[0])) > 0:
        rows[place - 1], rows[place] = rows[place], rows[place - 1]
    texts = {f"{name}_{each}": _clean(form.get(f"{name}_{each}", "")) for name in TEXTS for each in LOCALES}
    return Sheet(kind, form.get("competency", ""), texts, tuple(_arranged(kind, rows)))


def check(sheet: Sheet, code: str, *, retired: bool = False) -> Checked:
    """The question on a sheet, by the same rules as in a file."""
    item, problems = _read_row(cells(sheet, code))
    mistakes = [Mistake(_field(problem.column), problem.text) for problem in problems]
    mistakes = [*_half_rows(sheet), *_at_their_numbers(sheet, mistakes, code)]
    if mistakes or item is None:
        return Checked(None, tuple(mistakes))
    return Checked(replace(item, retired=retired), ())


def cells(sheet: Sheet, code: str) -> dict[str, str]:
    """A sheet as a row of a file, by column."""
    row = {"id": code, "competency": sheet.competency, "type": sheet.kind.value, **sheet.texts, "answer_fr": ""}
    for letter, typed in zip(LETTERS, sheet.rows, strict=False):
        for name in SHAPES[sheet.kind].texts:
            row |= {f"{name}_{letter}_{each}": typed.get(f"{name}_{each}", "") for each in LOCALES}
        row[f"weight_{letter}"] = typed.get("weight", "")
    return row | _answer(sheet)


def languages(item: Item) -> dict[str, bool]:
    """The languages in which the question is asked, and whether every other text of it is there in them as well."""
    wordings = [wording for wording in wordings_of(item).values() if wording]
    return {each: all(each in wording for wording in wordings) for each in LOCALES if each in item.question}


def _clean(text: str) -> str:
    composed = unicodedata.normalize("NFC", text.replace("\0", ""))
    return composed.replace("\r\n", "\n").replace("\r", "\n").strip()


def _by_language(wordings: Mapping[str, Wording]) -> dict[str, str]:
    return {f"{name}_{each}": wording.get(each, "") for name, wording in wordings.items() for each in LOCALES}


def _rows_of(item: Item) -> list[FormRow]:
    if item.kind is Kind.NUMERIC:
        return [{**_number(answer), **_by_language({"reason": answer.feedback})} for answer in item.numbers]
    if item.kind is Kind.TEXT:
        return [
            {"text": answer.text, "language": each, "weight": _weight(answer.weight)}
            | _by_language({"reason": answer.feedback})
            for each in LOCALES
            for answer in item.texts.get(each, ())
        ]
    rows: list[FormRow] = [
        {
            **_by_language({"option": option.text, "reason": option.reason, "match": option.match}),
            "weight": "" if option.weight is None else number_text(option.weight),
            "right": "yes" if place in item.keys else "",
        }
        for place, option in enumerate(item.options)
    ]
    return [*rows, *(_by_language({"match": wording}) for wording in item.extra)]


def _number(answer: NumberAnswer) -> dict[str, str]:
    accepts = answer.accepts
    typed = {"number": "*", "tolerance": "", "weight": _weight(answer.weight)}
    if isinstance(accepts, Between):
        typed["number"] = f"{number_text(accepts.low)}..{number_text(accepts.high)}"
    elif isinstance(accepts, Near):
        typed["number"] = number_text(accepts.value)
        typed["tolerance"] = str(accepts.tolerance) if accepts.tolerance.amount else ""
    return typed


def _weight(weight: Decimal) -> str:
    return "" if weight == FULL else number_text(weight)


def _arranged(kind: Kind, rows: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """The rows with something in them, in the order in which a file has them."""
    if kind is Kind.TRUEFALSE:
        return list(rows[: SHAPES[kind].least])
    filled = [row for row in rows if any(text for name, text in row.items() if name not in ("right", "language"))]
    if kind is Kind.TEXT:
        filled.sort(key=lambda row: row["language"] == FRENCH)
    if kind is Kind.MATCHING:
        filled.sort(key=lambda row: not _is_written(row, "option"))
    return filled


def _is_written(row: FormRow, name: str) -> bool:
    return any(row.get(f"{name}_{each}") for each in LOCALES)


def _answer(sheet: Sheet) -> dict[str, str]:
    right = [letter for letter, row in zip(LETTERS, sheet.rows, strict=False) if row.get("right")]
    if sheet.kind is Kind.TRUEFALSE:
        return {"answer": ("true" if right[0] == LETTERS[TRUE] else "false") if right else ""}
    if sheet.kind is Kind.NUMERIC:
        return {"answer": "|".join(_number_cell(row) for row in sheet.rows)}
    if sheet.kind is Kind.TEXT:
        typed = [(escaped_part(row["text"]), row.get("language") == FRENCH) for row in sheet.rows]
        return {
            "answer": "|".join(text for text, french in typed if not french),
            "answer_fr": "|".join(text for text, french in typed if french),
        }
    return {"answer": ";".join(right)} if sheet.kind in CHOICES else {}


def _number_cell(row: FormRow) -> str:
    number = escaped_part(row["number"])
    return f"{number}:{escaped_part(row['tolerance'])}" if row["tolerance"] else number


def _read_row(row: Mapping[str, str]) -> tuple[Item | None, list[Problem]]:
    findings = Findings()
    language = FRENCH if row["question_fr"] and not row["question_en"] else LOCALES[0]
    reader = Reader(findings, dict(enumerate(row)), language, len(row))
    reader.take(Row(0, tuple(row.values())))
    return next((item for _number, item in reader.items), None), findings.errors


def _field(column: str) -> str:
    """The id of the field, or of the group of fields, that holds a column of the table."""
    if column in ("question", "", "id"):
        return f"question_{LOCALES[0]}"
    if column in ("option_b", "match_b"):
        return f"{column}_{LOCALES[0]}"
    return "answer" if column == "answer_fr" else column


def _half_rows(sheet: Sheet) -> list[Mistake]:
    """Rows that say something about an answer or option which is not there: a file would leave that out."""
    mistakes = []
    for letter, row in zip(LETTERS, sheet.rows, strict=False):
        if sheet.kind in (Kind.SINGLE, Kind.MULTIPLE) and not _is_written(row, "option"):
            text = lazy("Write the option, or empty all fields of its row.")
            mistakes.append(Mistake(f"option_{letter}_{LOCALES[0]}", text))
        if sheet.kind is Kind.TEXT and not normalise(row["text"]):
            text = lazy("Write an answer that a person could type, or empty all fields of its row.")
            mistakes.append(Mistake(f"text_{letter}", text))
    return mistakes


def _at_their_numbers(sheet: Sheet, mistakes: list[Mistake], code: str) -> list[Mistake]:
    """The mistakes of a sheet; those in one of several numbers, which a file has in one column, at their own field."""
    if sheet.kind is not Kind.NUMERIC or not sheet.rows:
        return mistakes
    found = [mistake for mistake in mistakes if mistake.field != "answer"]
    for letter, row in zip(LETTERS, sheet.rows, strict=False):
        _item, problems = _read_row(cells(replace(sheet, rows=(row,)), code))
        found += [Mistake(f"number_{letter}", each.text) for each in problems if each.column == "answer"]
    return found
