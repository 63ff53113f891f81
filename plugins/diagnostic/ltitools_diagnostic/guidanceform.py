"""The forms of modules and job roles: what their fields hold, filled from what is stored or read from what was sent.

Field names are column names of `guidancefile` with the place in the form: ``hours-0``, ``task_en-0-2``. Nothing of
what a person wrote is lost where something else has to be corrected.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TypeVar

from flask import request

from ltitools.plugin import LOCALES
from ltitools_diagnostic import report
from ltitools_diagnostic.guidance import Role
from ltitools_diagnostic.guidancecheck import Flaw, WrittenModule, WrittenRole, WrittenTask, one_line, with_codes
from ltitools_diagnostic.items import Wording
from ltitools_diagnostic.planning import Module
from ltitools_diagnostic.scoring import parse_number
from ltitools_diagnostic.texts import lazy
from ltitools_diagnostic.views import Mistake

SPARE = 3
"""Empty places at the end of a form, for what is new."""

MOST = 100
"""How many places of a form are looked at."""

Meant = TypeVar("Meant")


@dataclass(frozen=True)
class TaskFields:
    """A task of a job role as the form holds it."""

    place: int
    titles: Wording = field(default_factory=dict)
    competencies: frozenset[str] = frozenset()

    @property
    def is_blank(self) -> bool:
        """Whether nothing was written here."""
        return not (self.titles or self.competencies)


@dataclass(frozen=True)
class Fields:
    """A module or a job role as the form holds it. `after` are the places of the modules that come first."""

    place: int
    code: str = ""
    titles: Wording = field(default_factory=dict)
    order: str = ""
    removed: bool = False
    hours: str = ""
    link: str = ""
    competencies: frozenset[str] = frozenset()
    after: frozenset[int] = frozenset()
    tasks: Sequence[TaskFields] = ()

    @property
    def is_blank(self) -> bool:
        """Whether nothing was written here."""
        written = self.code or self.titles or self.hours or self.link or self.competencies or self.after
        return not written and all(task.is_blank for task in self.tasks)


def fields_of_modules(modules: Sequence[Module]) -> list[Fields]:
    """The form with `modules`, and empty places after them."""
    places = {module.code: place for place, module in enumerate(modules)}
    rows = [
        Fields(
            place,
            module.code,
            module.titles,
            str(place + 1),
            hours=report.decimal_text(module.hours),
            link=module.url,
            competencies=frozenset(module.competencies),
            after=frozenset(places[code] for code in module.prerequisites if code in places),
        )
        for place, module in enumerate(modules)
    ]
    return rows + [Fields(len(rows) + more) for more in range(SPARE)]


def fields_of_roles(roles: Sequence[Role]) -> list[Fields]:
    """The form with `roles`, each with empty places for tasks, and an empty place for one more role."""
    rows = []
    for place, role in enumerate(roles):
        tasks = [TaskFields(at, task.titles, frozenset(task.competencies)) for at, task in enumerate(role.tasks)]
        rows.append(Fields(place, role.code, role.titles, str(place + 1), tasks=[*tasks, *_spare_tasks(len(tasks))]))
    return [*rows, Fields(len(rows), tasks=_spare_tasks(0))]


def typed_modules() -> list[Fields]:
    """What was sent of modules, place by place, also what is to be removed."""
    return [
        Fields(
            place,
            _typed(f"module-{place}"),
            _titles("title", place),
            _typed(f"order-{place}"),
            bool(_typed(f"remove-{place}")),
            hours=_typed(f"hours-{place}"),
            link=_typed(f"link-{place}"),
            competencies=_chosen(f"competencies-{place}"),
            after=frozenset(int(at) for at in _chosen(f"prerequisites-{place}") if at.isdecimal()),
        )
        for place in _places("module-{}")
    ]


def typed_roles() -> list[Fields]:
    """What was sent of job roles, place by place, also what is to be removed."""
    return [
        Fields(
            place,
            _typed(f"role-{place}"),
            _titles("role", place),
            _typed(f"order-{place}"),
            bool(_typed(f"remove-{place}")),
            tasks=[
                TaskFields(at, _titles("task", f"{place}-{at}"), _chosen(f"competencies-{place}-{at}"))
                for at in _places(f"task_{LOCALES[0]}-{place}-{{}}")
            ],
        )
        for place in _places("role-{}")
    ]


def written_modules(kept: Sequence[Fields], known: Sequence[str]) -> list[WrittenModule]:
    """The modules that the form says; those that come first are named by their codes, also new ones."""
    written = with_codes([WrittenModule(row.code, row.titles, row.hours, row.link) for row in kept])
    codes = {row.place: each.code for row, each in zip(kept, written, strict=True)}
    return [
        replace(
            each,
            competencies=_in_order(row.competencies, known),
            prerequisites=[codes[place] for place in sorted(row.after) if place in codes and place != row.place],
        )
        for row, each in zip(kept, written, strict=True)
    ]


def written_roles(kept: Sequence[Fields], known: Sequence[str]) -> list[WrittenRole]:
    """The job roles that the form says."""
    return [
        WrittenRole(
            row.code,
            row.titles,
            [WrittenTask(task.titles, _in_order(task.competencies, known)) for task in _written_tasks(row)],
        )
        for row in kept
    ]


def kept(rows: Sequence[Fields]) -> list[Fields]:
    """The places in which there is something that stays."""
    return [row for row in rows if not (row.is_blank or row.removed)]


def mistakes_of(flaws: Sequence[Flaw], rows: Sequence[Fields]) -> list[Mistake]:
    """Flaws of what the form says as mistakes at its fields, and orders that are no numbers."""
    mistakes = []
    for flaw in flaws:
        row = rows[flaw.place]
        name = f"{flaw.column}-{row.place}"
        if flaw.task is not None:
            written = _written_tasks(row)
            name += f"-{written[flaw.task].place if written else 0}"
        mistakes.append(Mistake(name, flaw.text))
    text = lazy("Write the place in the order as a number.")
    mistakes += [Mistake(f"order-{row.place}", text) for row in rows if row.order and parse_number(row.order) is None]
    return mistakes


def in_order(found: Sequence[Meant], rows: Sequence[Fields]) -> list[Meant]:
    """`found` in the order that was typed: what moved up comes before what stood there, what moved down after it."""

    def place(pair: tuple[Meant, Fields]) -> tuple[Decimal, Decimal]:
        typed = parse_number(pair[1].order)
        wanted = Decimal(len(rows) + pair[1].place + 1) if typed is None else typed
        return wanted, wanted - (pair[1].place + 1)

    return [each for each, _row in sorted(zip(found, rows, strict=True), key=place)]


def _written_tasks(row: Fields) -> list[TaskFields]:
    return [task for task in row.tasks if not task.is_blank]


def _spare_tasks(first: int) -> list[TaskFields]:
    return [TaskFields(first + more) for more in range(1 if first else 2)]


def _in_order(chosen: frozenset[str], known: Sequence[str]) -> list[str]:
    order = {code: place for place, code in enumerate(known)}
    return sorted(chosen, key=lambda code: (order.get(code, len(order)), code))


def _places(name: str) -> Iterator[int]:
    """The places of the form that were sent, up to the first that was not."""
    for place in range(MOST):
        if name.format(place) not in request.form:
            return
        yield place


def _clean(text: str) -> str:
    return one_line(text.replace("\0", ""))


def _typed(name: str) -> str:
    return _clean(request.form.get(name, ""))


def _titles(name: str, place: int | str) -> dict[str, str]:
    return {locale: text for locale in LOCALES if (text := _typed(f"{name}_{locale}-{place}"))}


def _chosen(name: str) -> frozenset[str]:
    return frozenset(_clean(code) for code in request.form.getlist(name))
