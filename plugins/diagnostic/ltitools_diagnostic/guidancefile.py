"""Modules and job roles as CSV files; what is written can be read back. Nothing here touches the database."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from ltitools.plugin import LOCALES
from ltitools_diagnostic.csvfile import Findings, Problem, Row, read_rows, shorten, write_rows
from ltitools_diagnostic.guidance import Role
from ltitools_diagnostic.guidancecheck import (
    Flaw,
    Known,
    WrittenModule,
    WrittenRole,
    WrittenTask,
    check_modules,
    check_roles,
    one_line,
)
from ltitools_diagnostic.items import Wording
from ltitools_diagnostic.planning import Module
from ltitools_diagnostic.texts import lazy

MODULE_COLUMNS = ("module", "title_en", "title_fr", "hours", "link", "competencies", "prerequisites")
ROLE_COLUMNS = ("role", "role_en", "role_fr", "task_en", "task_fr", "competencies")
_BY_LANGUAGE = ("title", "task")
_SEPARATOR = re.compile(r"[;\n]")

Meant = TypeVar("Meant", Module, Role)
Cells = Mapping[str, str]


@dataclass(frozen=True)
class FromFile(Generic[Meant]):
    """What a file holds; with an error in it nothing of it is to be used."""

    found: Sequence[Meant]
    errors: Sequence[Problem]
    warnings: Sequence[Problem]


def read_modules(data: bytes, known: Known, language: str) -> FromFile[Module]:
    """The modules of a file, one in a row. `language` is that of a column that does not say its own."""
    findings = Findings()
    rows = _table(data, MODULE_COLUMNS, ("title", "hours"), language, findings)
    written = [
        WrittenModule(
            cells["module"],
            _wording(cells, "title"),
            cells["hours"],
            cells["link"],
            _parts(cells["competencies"]),
            _parts(cells["prerequisites"]),
        )
        for _number, cells in rows
    ]
    modules, flaws = check_modules(written, known)
    return _from_file(modules, [_problem(flaw, [[number] for number, _cells in rows]) for flaw in flaws], findings)


def read_roles(data: bytes, known: Known, asked: Collection[str], language: str) -> FromFile[Role]:
    """The job roles of a file, one task in a row; rows with the same role belong together."""
    findings = Findings()
    written: dict[str, WrittenRole] = {}
    numbers: dict[str, list[int]] = {}
    for number, cells in _table(data, ROLE_COLUMNS, ("role", "task", "competencies"), language, findings):
        code = " ".join(cells["role"].split())
        if not code:
            text = lazy("The job role is empty. Write a short code, the same in all its rows.")
            findings.errors.append(Problem(text, number, "role"))
            continue
        role = written.get(code.casefold(), WrittenRole(code))
        task = WrittenTask(_wording(cells, "task"), _parts(cells["competencies"]))
        titles = _joined(role.titles, _wording(cells, "role"), number, findings)
        written[code.casefold()] = WrittenRole(role.code, titles, (*role.tasks, task))
        numbers.setdefault(code.casefold(), []).append(number)
    named = [WrittenRole(each.code, each.titles or {language: each.code}, each.tasks) for each in written.values()]
    roles, flaws = check_roles(named, known, asked)
    return _from_file(roles, [_problem(flaw, list(numbers.values())) for flaw in flaws], findings)


def modules_csv(modules: Iterable[Module]) -> bytes:
    """Modules as a file that `read_modules` reads back."""
    rows = [
        (
            module.code,
            *(module.titles.get(locale, "") for locale in LOCALES),
            f"{module.hours.normalize():f}",
            module.url,
            ";".join(module.competencies),
            ";".join(module.prerequisites),
        )
        for module in modules
    ]
    return write_rows([MODULE_COLUMNS, *rows])


def roles_csv(roles: Iterable[Role]) -> bytes:
    """Job roles as a file that `read_roles` reads back."""
    rows = [
        (
            role.code,
            *(role.titles.get(locale, "") for locale in LOCALES),
            *(task.titles.get(locale, "") for locale in LOCALES),
            ";".join(task.competencies),
        )
        for role in roles
        for task in role.tasks
    ]
    return write_rows([ROLE_COLUMNS, *rows])


def _from_file(found: Sequence[Meant], problems: Iterable[Problem], findings: Findings) -> FromFile[Meant]:
    errors = sorted([*findings.errors, *problems], key=lambda problem: problem.row or 0)
    if not found and not errors:
        errors.append(Problem(lazy("There is nothing below the row with the names of the columns.")))
    return FromFile(found, errors, findings.warnings)


def _table(
    data: bytes, columns: Sequence[str], needed: Sequence[str], language: str, findings: Findings
) -> Sequence[tuple[int, Cells]]:
    """The rows below the first as cells by column, with the numbers that a spreadsheet gives them."""
    if not data.strip():
        findings.errors.append(Problem(lazy("The file is empty.")))
        return []
    header, *rows = read_rows(data, findings) or [Row(0, ())]
    names = [_column_name(title, language) for title in header.cells]
    if findings.errors or not _is_readable(header, names, columns, needed, findings):
        return []
    found = []
    for row in rows:
        surplus = [cell for cell in row.cells[len(names) :] if cell]
        if surplus:
            text = lazy(
                "This row has more values than there are columns. Put a text that contains the separator "
                "in quotation marks."
            )
            findings.errors.append(Problem(text, row.number, "", shorten(surplus[0])))
        cells = dict.fromkeys(columns, "") | dict(zip(names, row.cells, strict=False))
        found.append((row.number, cells))
    return found


def _is_readable(
    header: Row, names: Sequence[str], columns: Sequence[str], needed: Sequence[str], findings: Findings
) -> bool:
    unknown = [title for title, name in zip(header.cells, names, strict=True) if title and name not in columns]
    if unknown:
        text = lazy("Columns that this tool does not know were left out. Check their spelling if you need them.")
        findings.warnings.append(Problem(text, header.number, "", shorten(", ".join(unknown))))
    text = lazy("This column is there twice. Keep one of them.")
    twice = [Problem(text, header.number, name) for name in columns if names.count(name) > 1]
    text = lazy("This column is missing. The first row of the file must hold the names of the columns.")
    missing = [
        Problem(text, header.number, name)
        for name in needed
        if not {name, *(f"{name}_{locale}" for locale in LOCALES)} & set(names)
    ]
    findings.errors += twice + missing
    return not (twice or missing)


def _column_name(title: str, language: str) -> str:
    name = re.sub(r"[\s_-]+", "_", title.strip().lower())
    return f"{name}_{language}" if name in _BY_LANGUAGE else name


def _wording(cells: Cells, name: str) -> dict[str, str]:
    return {locale: text for locale in LOCALES if (text := one_line(cells[f"{name}_{locale}"]))}


def _parts(cell: str) -> tuple[str, ...]:
    return tuple(part for text in _SEPARATOR.split(cell) if (part := " ".join(text.split())))


def _joined(known: Wording, more: Wording, number: int, findings: Findings) -> Wording:
    """The titles of a job role after one more of its rows; the first row that gives one counts."""
    for locale, title in more.items():
        if locale in known and known[locale] != title:
            text = lazy(
                "An earlier row gives this job role another title, which is used: “%(title)s”.",
                title=shorten(known[locale]),
            )
            findings.warnings.append(Problem(text, number, f"role_{locale}", shorten(title)))
    return {**more, **known}


def _problem(flaw: Flaw, numbers: Sequence[Sequence[int]]) -> Problem:
    own = numbers[min(flaw.place, len(numbers) - 1)]
    return Problem(flaw.text, own[flaw.task or 0], flaw.column, shorten(flaw.value))
