"""CSV as spreadsheets write and read it: encodings, separators, row numbers, formulas that must not run."""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ltitools.plugin import LazyText
from ltitools_diagnostic.texts import lazy

MAX_BYTES = 5 * 1024 * 1024
MAX_ROWS = 5000
MAX_COLUMNS = 500
_SHOWN_LENGTH = 60
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")


@dataclass(frozen=True)
class Problem:
    """Something about a file that a person should know: where it is and what to do."""

    text: LazyText
    row: int | None = None
    column: str = ""
    value: str = ""


@dataclass
class Findings:
    """What is wrong with a file, and what is only worth knowing."""

    errors: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)


@dataclass(frozen=True)
class Row:
    """One record; `number` is the row in which a spreadsheet shows it."""

    number: int
    cells: Sequence[str]


def read_rows(data: bytes, findings: Findings) -> list[Row]:
    """The records of a CSV file, empty ones left out; what cannot be read becomes errors in `findings`."""
    text = decode(data, findings)
    if text is None:
        return []
    rows: list[Row] = []
    number = 0
    records = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text), strict=True)
    try:
        for number, record in enumerate(records, start=1):
            if len(record) > MAX_COLUMNS:
                findings.errors.append(Problem(_too_wide(), number))
                return []
            cells = [_clean(cell) if cell else "" for cell in record]
            if any(cells):
                rows.append(Row(number, cells))
            if len(rows) > MAX_ROWS + 1:
                findings.errors.append(Problem(_too_many(), number))
                return []
    except csv.Error:
        findings.errors.append(Problem(_quotation(), number + 1))
    if not rows and not findings.errors:
        findings.errors.append(Problem(_empty()))
    return rows


def write_rows(rows: Iterable[Sequence[str]]) -> bytes:
    """A CSV file that spreadsheets open with the right accents and without running any text as a formula."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows([guard(cell) for cell in row] for row in rows)
    return codecs.BOM_UTF8 + out.getvalue().encode()


def guard(text: str) -> str:
    """`text` for a spreadsheet cell: an apostrophe before what would be taken for a formula."""
    return "'" + text if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def unguard(text: str) -> str:
    """What `guard` was given."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def _clean(cell: str) -> str:
    composed = unicodedata.normalize("NFC", cell).replace("\r\n", "\n").replace("\r", "\n")
    return unguard(composed.strip()).strip()


def shorten(value: str) -> str:
    """`value` as a report shows it."""
    return value if len(value) <= _SHOWN_LENGTH else value[: _SHOWN_LENGTH - 1].rstrip() + "…"


def decode(data: bytes, findings: Findings) -> str | None:
    """The text of an uploaded file; what is in the way becomes an error, a guess a warning."""
    if len(data) > MAX_BYTES:
        findings.errors.append(Problem(_too_large()))
    elif data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        findings.errors.append(Problem(_spreadsheet()))
    else:
        text = _first_decoding(data, findings)
        if text is None or "\0" in text:
            findings.errors.append(Problem(_not_text()))
        else:
            return text
    return None


def _first_decoding(data: bytes, findings: Findings) -> str | None:
    try:
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return data.decode("utf-16")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        return None
    findings.warnings.append(Problem(_windows_text()))
    return text


def _separator(text: str) -> str:
    header = next((line for line in text.splitlines() if line.strip()), "")
    outside_quotes = re.sub(r'"[^"]*"', "", header)
    return max(",;\t", key=outside_quotes.count)


def _empty() -> LazyText:
    return lazy("The file is empty. Choose the file with your questions.")


def _too_large() -> LazyText:
    return lazy("The file is larger than %(limit)s MB. Split it into several pre-assessments.", limit=MAX_BYTES >> 20)


def _too_many() -> LazyText:
    return lazy("There are more than %(limit)s rows. Split the file into several ones.", limit=MAX_ROWS)


def _too_wide() -> LazyText:
    return lazy("This row has more than %(limit)s columns. Check the separator of the file.", limit=MAX_COLUMNS)


def _spreadsheet() -> LazyText:
    return lazy(
        "This is a spreadsheet, not a CSV file. Open it in Excel or LibreOffice, choose “Save as” and the "
        "type “CSV UTF-8”, then upload the new file."
    )


def _not_text() -> LazyText:
    return lazy("This file is not plain text. Save your table as “CSV UTF-8” in Excel or LibreOffice and upload that.")


def _windows_text() -> LazyText:
    return lazy(
        "The file is not in UTF-8 and was read as Windows text. Check the accents; saving it as “CSV UTF-8” "
        "makes this certain."
    )


def _quotation() -> LazyText:
    return lazy(
        "A quotation mark in or near this row is not closed, or is not doubled inside a text. Correct it: "
        "the rows from here on could not be read."
    )
