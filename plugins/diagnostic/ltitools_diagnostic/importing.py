"""From an uploaded CSV file to questions, with every problem in it told at once.

The columns are documented in the README of this tool. Nothing here touches the database.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ltitools.plugin import LOCALES, LazyText
from ltitools_diagnostic.columns import BY_LANGUAGE, COLUMNS, LETTERS, lettered_answers
from ltitools_diagnostic.csvfile import Findings, Problem, Row, read_rows, shorten
from ltitools_diagnostic.csvreader import Reader
from ltitools_diagnostic.items import Bank, Item
from ltitools_diagnostic.texts import lazy

_NEEDED = {
    "competency": {"competency"},
    "question": {f"question_{locale}" for locale in LOCALES},
    "answer": {"answer", "answer_fr", "type"},
}
"""What a file cannot do without. Where there are types, some questions need no answer column."""


@dataclass(frozen=True)
class Imported:
    """What a file holds: the questions without an error, and what there is to say about the others.

    `skipped` are questions of kinds that this tool does not ask; they do not stop the import of the others.
    """

    bank: Bank
    errors: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    skipped: tuple[Problem, ...] = ()


def read(data: bytes, language: str = "en") -> Imported:
    """Read a CSV file. `language` is that of columns which do not say theirs (``question``)."""
    findings = Findings()
    rows = read_rows(data, findings)
    columns = _columns(rows[0], language, findings) if rows else None
    reader = Reader(findings, columns or {}, language, len(rows[0].cells) if rows else 0)
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


def is_header(line: str) -> bool:
    """Whether a line names columns of this tool, whatever stands between them."""
    names = [_column_name(title.strip("\"' "), LOCALES[0]) for title in re.split(r"[,;\t]", line)]
    return sum(name in COLUMNS for name in names) > 1


def _column_name(title: str, language: str) -> str:
    name = re.sub(r"[\s_-]+", "_", title.strip().lower())
    if name == "answer_en":
        return "answer"
    return f"{name}_{language}" if name in BY_LANGUAGE else name


def _tell_missing_languages(reader: Reader, findings: Findings) -> None:
    """Warn of texts that people of the other language will see untranslated."""
    bank = reader.bank()
    if len(bank.languages) == 1:
        findings.warnings.append(Problem(only_language(bank.languages[0])))
        return
    text = lazy("These texts are missing in one language; the other language is shown in their place.")
    for competency in bank.competencies:
        if missing := _missing({"competency": competency.titles}):
            findings.warnings.append(Problem(text, None, missing, competency.code))
    for number, item in reader.items:
        if missing := _missing(wordings_of(item)):
            findings.warnings.append(Problem(text, number, missing, item.code))


def only_language(language: str) -> LazyText:
    """What people are told whose file is in one language."""
    texts = {
        "en": lazy("All questions are in English only. People who use French see them in English."),
        "fr": lazy("All questions are in French only. People who use English see them in French."),
    }
    return texts[language]


def wordings_of(item: Item) -> dict[str, Mapping[str, str]]:
    """The texts of a question by the names of their columns."""
    wordings = {"question": item.question, "outcome": item.outcome, "feedback": item.feedback}
    for letter, option in zip(LETTERS, item.options, strict=False):
        wordings |= {
            f"option_{letter}": option.text,
            f"reason_{letter}": option.reason,
            f"match_{letter}": option.match,
        }
    for letter, wording in zip(LETTERS[len(item.options) :], item.extra, strict=False):
        wordings[f"match_{letter}"] = wording
    for letter, answer in lettered_answers(item).items():
        wordings[f"reason_{letter}"] = answer.feedback
    return wordings


def _missing(wordings: Mapping[str, Mapping[str, str]]) -> str:
    names = [
        f"{name}_{locale}"
        for name, wording in wordings.items()
        for locale in LOCALES
        if wording and locale not in wording
    ]
    return ", ".join(names)


def _no_questions() -> LazyText:
    return lazy("There is no question below the header row. Add one row per question.")
