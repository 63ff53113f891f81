"""From an uploaded CSV file to questions, with every problem in it told at once.

The columns are documented in the README of this tool. Nothing here touches the database.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from ltitools.plugin import LOCALES, LazyText
from ltitools_diagnostic.csvfile import Findings, Problem, Row, read_rows
from ltitools_diagnostic.items import (
    CHOICES,
    FALSE,
    TRUE,
    Bank,
    CompetencyTitles,
    Item,
    Kind,
    Option,
    Tolerance,
)
from ltitools_diagnostic.scoring import normalise, parse_number
from ltitools_diagnostic.texts import lazy

LETTERS = "abcdef"
MAX_TEXT = 4000
MAX_NAME = 128
_BY_LANGUAGE = (
    "outcome",
    "question",
    "feedback",
    *(f"option_{letter}" for letter in LETTERS),
    *(f"reason_{letter}" for letter in LETTERS),
)
COLUMNS = (
    "id",
    "competency",
    *(f"competency_{locale}" for locale in LOCALES),
    *(f"outcome_{locale}" for locale in LOCALES),
    "type",
    *(f"question_{locale}" for locale in LOCALES),
    *(f"{name}_{letter}_{locale}" for letter in LETTERS for name in ("option", "reason") for locale in LOCALES),
    "answer",
    "answer_fr",
    "tolerance",
    *(f"feedback_{locale}" for locale in LOCALES),
)
"""Every column, in the order in which a bank is written."""

_NEEDED = {
    "competency": {"competency"},
    "question": {f"question_{locale}" for locale in LOCALES},
    "answer": {"answer", "answer_fr"},
}
_KINDS = {kind.value: kind for kind in Kind}
_TRUTHS = {"true": TRUE, "vrai": TRUE, "false": FALSE, "faux": FALSE}
_SHOWN_LENGTH = 60


@dataclass(frozen=True)
class Imported:
    """What a file holds: the questions without an error, and what there is to say about the others."""

    bank: Bank
    errors: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def read(data: bytes, language: str = "en") -> Imported:
    """Read an uploaded file. `language` is that of columns which do not say theirs (``question``)."""
    findings = Findings()
    rows = read_rows(data, findings)
    columns = _columns(rows[0], language, findings) if rows else None
    reader = _Reader(findings, columns or {}, language, len(rows[0].cells) if rows else 0)
    if columns is not None:
        for row in rows[1:]:
            reader.take(row)
        if len(rows) == 1 and not findings.errors:
            findings.errors.append(Problem(_no_questions()))
        _tell_missing_languages(reader, findings)
    errors = sorted(findings.errors, key=lambda problem: problem.row or 0)
    return Imported(reader.bank(), tuple(errors), tuple(findings.warnings))


def _columns(header: Row, language: str, findings: Findings) -> dict[int, str] | None:
    """Position to column name; None when the file cannot be read with these columns."""
    columns: dict[int, str] = {}
    unknown: list[str] = []
    twice: list[str] = []
    for position, title in enumerate(header.cells):
        name = _column_name(title, language)
        if name not in COLUMNS:
            unknown += [title] if title else []
        elif name in columns.values():
            twice.append(name)
        else:
            columns[position] = name
    if unknown:
        text = lazy("Columns that this tool does not know were left out. Check their spelling if you need them.")
        findings.warnings.append(Problem(text, header.number, "", shorten(", ".join(unknown))))
    text = lazy("This column is there twice. Keep one of them.")
    findings.errors += [Problem(text, header.number, name) for name in twice]
    text = lazy("This column is missing. The first row of the file must hold the names of the columns.")
    missing = [name for name, any_of in _NEEDED.items() if not any_of & set(columns.values())]
    findings.errors += [Problem(text, header.number, name) for name in missing]
    return None if twice or missing else columns


def _column_name(title: str, language: str) -> str:
    name = re.sub(r"[\s_-]+", "_", title.strip().lower())
    if name == "answer_en":
        return "answer"
    return f"{name}_{language}" if name in _BY_LANGUAGE else name


class _Reader:
    """Turns rows into items, one after the other: ids must differ, titles of a competency must agree."""

    def __init__(self, findings: Findings, columns: Mapping[int, str], language: str, width: int) -> None:
        self.items: list[tuple[int, Item]] = []
        self._findings = findings
        self._columns = columns
        self._width = width
        self._language = language
        self._answer_language = "en" if "answer_fr" in columns.values() else language
        self._codes: dict[str, str] = {}
        self._titles: dict[str, dict[str, str]] = {}
        self._rows_by_id: dict[str, int] = {}
        self._without_id: dict[str, int] = {}
        self._row = Row(0, ())
        self._cells: dict[str, str] = {}

    def bank(self) -> Bank:
        """The questions without an error, and the competencies that these belong to."""
        used = {item.competency for _number, item in self.items}
        competencies = [
            CompetencyTitles(code, titles or {self._language: code})
            for code, titles in self._titles.items()
            if code in used
        ]
        return Bank(tuple(competencies), tuple(item for _number, item in self.items))

    def take(self, row: Row) -> None:
        """Read one row: an item more, or errors more."""
        self._row = row
        self._cells = {name: row.cells[at] if at < len(row.cells) else "" for at, name in self._columns.items()}
        before = len(self._findings.errors)
        self._check_shape()
        competency = self._competency()
        code = self._id(competency)
        question = self._wording("question")
        if not question:
            self._error("question", lazy("The question is empty. Write it in at least one language."))
        options = self._options()
        kind = self._kind(options)
        if kind is None:
            return
        item = Item(code, competency, kind, question, self._wording("outcome"), feedback=self._wording("feedback"))
        item = self._with_key(item, options)
        if len(self._findings.errors) == before:
            self.items.append((row.number, item))

    def _cell(self, name: str) -> str:
        return self._cells.get(name, "")

    def _wording(self, name: str) -> dict[str, str]:
        found = {locale: self._cell(f"{name}_{locale}") for locale in LOCALES}
        return {locale: text for locale, text in found.items() if text}

    def _error(self, column: str, text: LazyText, value: str = "") -> None:
        self._findings.errors.append(Problem(text, self._row.number, column, shorten(value)))

    def _warn(self, column: str, text: LazyText, value: str = "") -> None:
        self._findings.warnings.append(Problem(text, self._row.number, column, shorten(value)))

    def _check_shape(self) -> None:
        surplus = [cell for cell in self._row.cells[self._width :] if cell]
        if surplus:
            self._error(
                "",
                lazy(
                    "This row has more values than there are columns. Put a text that contains the separator "
                    "in quotation marks."
                ),
                surplus[0],
            )
        for name, text in self._cells.items():
            limit = MAX_NAME if name in ("id", "competency") else MAX_TEXT
            if len(text) > limit:
                self._error(name, lazy("This is longer than %(limit)s characters. Shorten it.", limit=limit), text)

    def _competency(self) -> str:
        typed = " ".join(self._cell("competency").split())
        if not typed:
            self._error("competency", lazy("The competency is empty. Write a short code, the same in all its rows."))
            return ""
        code = self._codes.setdefault(typed.casefold(), typed)
        known = self._titles.setdefault(code, {})
        for locale, title in self._wording("competency").items():
            if known.setdefault(locale, title) != title:
                self._warn(
                    f"competency_{locale}",
                    lazy("An earlier row gives this competency another title, which is used: “%(title)s”.",
                         title=shorten(known[locale])),
                    title,
                )  # fmt: skip
        return code

    def _id(self, competency: str) -> str:
        code = self._cell("id")
        if not code:
            self._without_id[competency] = self._without_id.get(competency, 0) + 1
            code = f"{competency}-{self._without_id[competency]}"
        first = self._rows_by_id.setdefault(code, self._row.number)
        if first != self._row.number:
            self._error("id", lazy("Row %(row)s already has this id. Give each question its own.", row=first), code)
        return code

    def _options(self) -> dict[str, Option]:
        options: dict[str, Option] = {}
        for letter in LETTERS:
            text, reason = self._wording(f"option_{letter}"), self._wording(f"reason_{letter}")
            if text or reason:
                options[letter] = Option(text, reason)
        return options

    def _kind(self, options: Mapping[str, Option]) -> Kind | None:
        typed = re.sub(r"[^a-z]", "", self._cell("type").casefold())
        if typed in _KINDS:
            return _KINDS[typed]
        if self._cell("type"):
            text = lazy("The type must be single, multiple, truefalse, numeric or text.")
            self._error("type", text, self._cell("type"))
            return None
        answer = self._cell("answer") or self._cell("answer_fr")
        if any(option.text for option in options.values()):
            return Kind.MULTIPLE if len(_letters(answer)) > 1 else Kind.SINGLE
        if answer.casefold() in _TRUTHS:
            return Kind.TRUEFALSE
        return Kind.TEXT if parse_number(answer) is None else Kind.NUMERIC

    def _with_key(self, item: Item, options: Mapping[str, Option]) -> Item:
        self._tell_unused(item.kind, options)
        if not (self._cell("answer") or (item.kind is Kind.TEXT and self._cell("answer_fr"))):
            self._error("answer", lazy("The answer is empty. Write the right answer here."))
            return item
        if item.kind is Kind.TRUEFALSE:
            return self._with_truth(item, options)
        if item.kind is Kind.NUMERIC:
            return self._with_number(item)
        if item.kind is Kind.TEXT:
            return self._with_texts(item)
        return self._with_choices(item, {letter: each for letter, each in options.items() if each.text})

    def _with_choices(self, item: Item, options: Mapping[str, Option]) -> Item:
        answer = self._cell("answer")
        letters = _letters(answer)
        if len(options) < 2:
            self._error("option_b", lazy("A question of this type needs at least two options."))
        for locale in LOCALES:
            self._check_different(locale, options)
        if unknown := [letter for letter in letters if letter not in options]:
            text = lazy("The answer must be the letter of an option of this row, such as b; several as a;c.")
            self._error("answer", text, answer if unknown else "")
        elif item.kind is Kind.SINGLE and len(letters) != 1:
            text = lazy("This question has one right option. Write one letter, or make the type multiple.")
            self._error("answer", text, answer)
        positions = {letter: position for position, letter in enumerate(options)}
        keys = sorted({positions[letter] for letter in letters if letter in positions})
        return replace(item, options=tuple(options.values()), keys=tuple(keys))

    def _check_different(self, locale: str, options: Mapping[str, Option]) -> None:
        seen: dict[str, str] = {}
        for letter, option in options.items():
            text = " ".join(option.text.get(locale, "").casefold().split())
            if text and seen.setdefault(text, letter) != letter:
                self._error(
                    f"option_{letter}_{locale}",
                    lazy("This option says the same as option %(other)s. Change one of them.", other=seen[text]),
                    option.text[locale],
                )

    def _with_truth(self, item: Item, options: Mapping[str, Option]) -> Item:
        key = _TRUTHS.get(self._cell("answer").casefold())
        if key is None:
            self._error("answer", lazy("The answer must be true or false."), self._cell("answer"))
            return item
        reasons = [options[letter].reason if letter in options else {} for letter in LETTERS[:2]]
        return replace(item, options=tuple(Option({}, reason) for reason in reasons), keys=(key,))

    def _with_number(self, item: Item) -> Item:
        number = parse_number(self._cell("answer"))
        if number is None:
            text = lazy("The answer must be a number such as 12.5, without a unit.")
            self._error("answer", text, self._cell("answer"))
        typed = self._cell("tolerance")
        amount = parse_number(typed.removesuffix("%")) if typed else Decimal(0)
        if amount is None or amount < 0:
            text = lazy("The tolerance must be a number from 0, or a percentage of the answer such as 5%%.")
            self._error("tolerance", text, typed)
            return item
        return replace(item, number=number, tolerance=Tolerance(amount, typed.endswith("%")))

    def _with_texts(self, item: Item) -> Item:
        cells = {self._answer_language: self._cell("answer")}
        if self._cell("answer_fr"):
            cells["fr"] = self._cell("answer_fr")
        accepted: dict[str, tuple[str, ...]] = {}
        for locale, cell in cells.items():
            answers = tuple(text for text in (part.strip() for part in cell.split("|")) if normalise(text))
            if answers:
                accepted[locale] = answers
        if not accepted:
            text = lazy("No answer is left here that a person could type. Write at least one word.")
            self._error("answer", text, self._cell("answer"))
        return replace(item, accepted=accepted)

    def _tell_unused(self, kind: Kind, options: Mapping[str, Option]) -> None:
        unused = [
            f"option_{letter}"
            for letter, option in options.items()
            if option.text and kind not in (Kind.SINGLE, Kind.MULTIPLE)
        ]
        for letter, option in options.items():
            has_place = letter in LETTERS[:2] if kind is Kind.TRUEFALSE else kind in CHOICES and option.text
            if option.reason and not has_place:
                unused.append(f"reason_{letter}")
        if self._cell("tolerance") and kind is not Kind.NUMERIC:
            unused.append("tolerance")
        if unused:
            text = lazy("A question of this type does not use these columns; they were left out.")
            self._warn("", text, ", ".join(unused))


def _letters(answer: str) -> list[str]:
    return [letter for letter in re.split(r"[;,|/\s]+", answer.casefold()) if letter]


def _tell_missing_languages(reader: _Reader, findings: Findings) -> None:
    """Warn of texts that people of the other language will see untranslated."""
    bank = reader.bank()
    if len(bank.languages) == 1:
        texts = {
            "en": lazy("All questions are in English only. People who use French see them in English."),
            "fr": lazy("All questions are in French only. People who use English see them in French."),
        }
        findings.warnings.append(Problem(texts[bank.languages[0]]))
        return
    text = lazy("These texts are missing in one language; the other language is shown in their place.")
    for competency in bank.competencies:
        if missing := _missing({"competency": competency.titles}):
            findings.warnings.append(Problem(text, None, missing, competency.code))
    for number, item in reader.items:
        wordings = {"question": item.question, "outcome": item.outcome, "feedback": item.feedback}
        for letter, option in zip(LETTERS, item.options, strict=False):
            wordings |= {f"option_{letter}": option.text, f"reason_{letter}": option.reason}
        if missing := _missing(wordings):
            findings.warnings.append(Problem(text, number, missing, item.code))


def _missing(wordings: Mapping[str, Mapping[str, str]]) -> str:
    names = [
        f"{name}_{locale}"
        for name, wording in wordings.items()
        for locale in LOCALES
        if wording and locale not in wording
    ]
    return ", ".join(names)


def shorten(value: str) -> str:
    """`value` as a report shows it."""
    return value if len(value) <= _SHOWN_LENGTH else value[: _SHOWN_LENGTH - 1].rstrip() + "…"


def _no_questions() -> LazyText:
    return lazy("There is no question below the header row. Add one row per question.")
