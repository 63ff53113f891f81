"""A framework as a CSV file that spreadsheets open: a row for each competency.

The columns are ``code``, ``parent`` (the code of the one above), ``title_en``, ``title_fr``, ``description_en``,
``description_fr`` and ``guid``; only ``code`` and one title are needed. What `write` makes, `read` reads back the same.
"""

from __future__ import annotations

import csv
import io
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace

from ltitools.i18n import LOCALES, host
from ltitools.services.frameworks.content import MAX_ITEMS, Content, Item, by_locale, clean, new_guid, with_items
from ltitools.services.frameworks.content import problems as problems_of
from ltitools.services.frameworks.findings import Findings, Unusable

lazy = host.lazy
COLUMNS = (
    "code",
    "parent",
    *(f"title_{locale}" for locale in LOCALES),
    *(f"description_{locale}" for locale in LOCALES),
    "guid",
)
SEPARATORS = ",;\t"
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def write(content: Content) -> bytes:
    """The file, with the mark by which spreadsheets know UTF-8, and without any text that would run as a formula."""
    codes = {item.guid: item.code for item in content.items}
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for item in content.items:
        texts = [*(item.titles.get(one, "") for one in LOCALES), *(item.descriptions.get(one, "") for one in LOCALES)]
        cells = [item.code, codes[item.parent] if item.parent else "", *texts, item.guid]
        writer.writerow(["'" + cell if _FORMULA.match(cell) else cell for cell in cells])
    return file.getvalue().encode("utf-8-sig")


def read(data: bytes, before: Content) -> tuple[Content, Findings]:
    """The framework `before` with the competencies of the file, and what there is to say about it.

    A row without a guid is the competency that has its code already, or else a new one. Raises Unusable.
    """
    findings = Findings()
    rows = list(_rows(data, findings))
    by_code = {item.code: item for item in before.items}
    by_guid = {item.guid: item for item in before.items}
    guids: dict[str, str] = {}
    first: list[tuple[str, dict[str, str]]] = []
    for place, row in rows:
        if row["code"] in guids:
            findings.error(lazy("Two competencies have the same code."), f"{place}, {row['code']}")
            continue
        known = by_code.get(row["code"])
        guids[row["code"]] = _guid(row["guid"], place, findings) or (known.guid if known else new_guid())
        first.append((place, row))
    items: list[Item] = []
    for place, row in first:
        if row["parent"] and row["parent"] not in guids:
            findings.error(lazy("The code of the parent is in no row."), f"{place}, {row['parent']}")
        guid, parent = guids[row["code"]], guids.get(row["parent"]) if row["parent"] else None
        items.append(_item(row, guid, parent, by_guid.get(guid)))
    problems_of(replace(before, items=tuple(items)), findings)
    if findings.errors:
        raise Unusable(findings)
    _tell_what_goes(before, items, findings)
    return with_items(before, items), findings


def _item(row: Mapping[str, str], guid: str, parent: str | None, before: Item | None) -> Item:
    """The competency of a row; what a table does not hold is as it was."""
    known = before or Item(guid, row["code"], {})
    item = replace(
        known,
        code=row["code"],
        parent=parent,
        titles=by_locale(**{locale: row[f"title_{locale}"] for locale in LOCALES}),
        descriptions=by_locale(**{locale: row[f"description_{locale}"] for locale in LOCALES}),
    )
    return item if item == before else replace(item, changed_at=None)


def _tell_what_goes(before: Content, items: list[Item], findings: Findings) -> None:
    stay = {item.guid for item in items}
    for item in before.items:
        if item.guid not in stay:
            findings.warn(lazy("A competency is not in the file, and goes."), item.code)


def _guid(text: str, place: str, findings: Findings) -> str:
    if not text:
        return ""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        findings.error(lazy("An identifier is no GUID. Leave the cell empty for a new competency."), place)
        return ""


def _rows(data: bytes, findings: Findings) -> Iterator[tuple[str, dict[str, str]]]:
    """The place and the cells of each row that is not empty; a column that the file does not have is empty."""
    text = _decoded(data, findings)
    separator = max(SEPARATORS, key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        header = [re.sub(r"[\s-]+", "_", clean(name).lower()) for name in next(reader, [])]
        if not _header_is_fine(header, findings):
            return
        count = 0
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            place = str(lazy("line %(number)s", number=reader.line_num))
            if any(cell.strip() for cell in cells[len(header) :]):
                findings.error(lazy("A row has more cells than the header. Put texts with commas in quotes."), place)
            filled = dict(zip(header, (_text(cell) for cell in cells), strict=False))
            yield place, {column: filled.get(column, "") for column in COLUMNS}
            if (count := count + 1) > MAX_ITEMS:
                return
    except csv.Error as error:
        findings.error(lazy("The file is no valid CSV: %(why)s.", why=str(error)), f"{reader.line_num}")


def _header_is_fine(header: list[str], findings: Findings) -> bool:
    for name in header:
        if name and name not in COLUMNS:
            findings.warn(lazy("A column is not known and was left out."), name[:60])
    for name in {one for one in header if one in COLUMNS and header.count(one) > 1}:
        findings.error(lazy("Two columns have the same name."), name)
    if "code" not in header or not {f"title_{locale}" for locale in LOCALES} & set(header):
        findings.error(
            lazy("The first row must name the columns, at least code and title_en or title_fr."),
            ", ".join(header)[:100],
        )
    return not findings.errors


def _decoded(data: bytes, findings: Findings) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        findings.note(lazy("The file is not in UTF-8. It was read as Windows text; look at the accents."))
        return data.decode("cp1252", errors="replace")


def _text(cell: str) -> str:
    """What `write` would make this cell of."""
    return clean(cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell)
