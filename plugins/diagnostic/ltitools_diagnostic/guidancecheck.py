"""Modules and job roles as people write them, in a form or in a file: what they mean, and what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from urllib.parse import urlsplit

from ltitools.plugin import LazyText
from ltitools_diagnostic.csvfile import shorten
from ltitools_diagnostic.guidance import Role, Task
from ltitools_diagnostic.items import Wording
from ltitools_diagnostic.planning import Module
from ltitools_diagnostic.scoring import normalise, parse_number
from ltitools_diagnostic.texts import lazy

MAX_CODE = 128
MAX_TITLE = 200
MAX_LINK = 2048
MAX_HOURS = 999
MAX_MODULES = 60
MAX_ROLES = 30
MAX_TASKS = 30
_MADE_CODE = 40
_NAMED = 40
_SPACE = re.compile(r"[^\S\u00a0\u202f]+")

Known = Mapping[str, Wording]
"""The competencies that may be named: titles by code, in their order."""


@dataclass(frozen=True)
class WrittenModule:
    """A module as it was written: `hours` may be no number, the codes may be of nothing."""

    code: str = ""
    titles: Wording = field(default_factory=dict)
    hours: str = ""
    link: str = ""
    competencies: Sequence[str] = ()
    prerequisites: Sequence[str] = ()


@dataclass(frozen=True)
class WrittenTask:
    """A task of a job role as it was written."""

    titles: Wording = field(default_factory=dict)
    competencies: Sequence[str] = ()


@dataclass(frozen=True)
class WrittenRole:
    """A job role as it was written."""

    code: str = ""
    titles: Wording = field(default_factory=dict)
    tasks: Sequence[WrittenTask] = ()


@dataclass(frozen=True)
class Flaw:
    """Something wrong: in which module or role, of a role in which task, and in what, by the name of its column."""

    place: int
    column: str
    text: LazyText
    value: str = ""
    task: int | None = None


@dataclass(frozen=True)
class Cautions:
    """What is odd about modules and stops nobody: codes of competencies and of modules."""

    untaught: Sequence[str] = ()
    circle: Sequence[str] = ()
    useless: Sequence[str] = ()


def one_line(text: str) -> str:
    """`text` without line breaks and surplus spaces. The spaces of French typography, which do not break, stay."""
    return _SPACE.sub(" ", text).strip()


def with_codes(modules: Sequence[WrittenModule]) -> list[WrittenModule]:
    """The modules, those without a code with one made of their title."""
    codes = _codes([(each.code, each.titles) for each in modules], "module")
    return [replace(each, code=code) for each, code in zip(modules, codes, strict=True)]


def check_modules(written: Sequence[WrittenModule], known: Known) -> tuple[list[Module], list[Flaw]]:
    """The modules that are meant, and all that is wrong; with a flaw they are not to be used."""
    written = with_codes(written)
    flaws = _numbered_wrongly([each.code for each in written], "module", MAX_MODULES)
    competencies = _by_any_case(known)
    codes = _by_any_case(each.code for each in written)
    modules = []
    for place, each in enumerate(written):
        flaws += _title_flaws(place, "title", each.titles)
        hours = parse_number(each.hours)
        if hours is None or not 0 <= hours <= MAX_HOURS:
            text = lazy("Write the hours as a number from 0 to %(limit)s, such as 1.5.", limit=MAX_HOURS)
            flaws.append(Flaw(place, "hours", text, each.hours))
            hours = Decimal(0)
        if each.link and not _is_address(each.link):
            text = lazy("Write a whole address that begins with https:// or http://, or leave it empty.")
            flaws.append(Flaw(place, "link", text, each.link))
        others = {fold: code for fold, code in codes.items() if fold != each.code.casefold()}
        module = Module(
            each.code,
            each.titles,
            round(hours, 2),
            each.link,
            _found(place, "prerequisites", each.prerequisites, others, _no_such_module(others), flaws),
            _found(place, "competencies", each.competencies, competencies, _no_such_competency(known), flaws),
        )
        modules.append(module)
    return modules, flaws


def check_roles(written: Sequence[WrittenRole], known: Known, asked: Collection[str]) -> tuple[list[Role], list[Flaw]]:
    """The job roles that are meant, and all that is wrong. `asked` are the competencies that learners are asked."""
    codes = _codes([(each.code, each.titles) for each in written], "role")
    flaws = _numbered_wrongly(codes, "role", MAX_ROLES)
    competencies = _by_any_case(known)
    roles = []
    for place, (each, code) in enumerate(zip(written, codes, strict=True)):
        flaws += _title_flaws(place, "role", each.titles)
        before = len(flaws)
        tasks = tuple(_task(place, at, task, competencies, known, flaws) for at, task in enumerate(each.tasks))
        role = Role(code, each.titles, tasks)
        if len(tasks) > MAX_TASKS:
            text = lazy("A job role can have at most %(limit)s tasks.", limit=MAX_TASKS)
            flaws.append(Flaw(place, "role", text))
        if not tasks:
            text = lazy("Add at least one task, with the competencies that it takes.")
            flaws.append(Flaw(place, "task", text, task=0))
        elif len(flaws) == before and not role.scope & set(asked):
            text = lazy("None of these competencies is asked now, so nobody with this job would get a question.")
            flaws.append(Flaw(place, "competencies", text, task=0))
        roles.append(role)
    return roles, flaws


def cautions(modules: Sequence[Module], known: Known) -> Cautions:
    """What is odd about `modules`: gaps that nobody closes, circles, and what leads nowhere."""
    taught = {code for module in modules for code in module.competencies}
    needed = {code for module in modules for code in module.prerequisites}
    return Cautions(
        [code for code in known if code not in taught],
        [module.code for module in modules if _returns(module.code, modules)],
        [module.code for module in modules if not module.competencies and module.code not in needed],
    )


def _returns(code: str, modules: Sequence[Module]) -> bool:
    """Whether the prerequisites of a module lead back to it."""
    before = {module.code: module.prerequisites for module in modules}
    seen: set[str] = set()
    waiting = list(before[code])
    while waiting:
        now = waiting.pop()
        if now not in seen:
            seen.add(now)
            waiting += before.get(now, ())
    return code in seen


def _task(
    place: int, at: int, task: WrittenTask, competencies: Mapping[str, str], known: Known, flaws: list[Flaw]
) -> Task:
    flaws += [replace(flaw, task=at) for flaw in _title_flaws(place, "task", task.titles)]
    found: list[Flaw] = []
    codes = _found(place, "competencies", task.competencies, competencies, _no_such_competency(known), found)
    if not task.competencies:
        found.append(Flaw(place, "competencies", lazy("Choose at least one competency that this task takes.")))
    flaws += [replace(flaw, task=at) for flaw in found]
    return Task(task.titles, codes)


def _codes(written: Iterable[tuple[str, Wording]], otherwise: str) -> list[str]:
    """The code of each: the one that was written, or one of its title that nobody else has."""
    pairs = [(" ".join(code.split()), titles) for code, titles in written]
    taken = {code.casefold() for code, _titles in pairs if code}
    codes = []
    for code, titles in pairs:
        if not code:
            title = next((text for text in titles.values() if text), "")
            base = re.sub(r"[^a-z0-9]+", "-", normalise(title))[:_MADE_CODE].strip("-") or otherwise
            free = (base if n == 1 else f"{base}-{n}" for n in range(1, len(pairs) + len(taken) + 2))
            code = next(each for each in free if each not in taken)
            taken.add(code)
        codes.append(code)
    return codes


def _numbered_wrongly(codes: Sequence[str], column: str, limit: int) -> list[Flaw]:
    """What is wrong with the codes, and with how many there are."""
    flaws = []
    seen: set[str] = set()
    for place, code in enumerate(codes):
        if len(code) > MAX_CODE:
            text = lazy("This is longer than %(limit)s characters. Shorten it.", limit=MAX_CODE)
            flaws.append(Flaw(place, column, text, code))
        if ";" in code:
            flaws.append(Flaw(place, column, lazy("A code has no semicolon, because that stands between codes."), code))
        if code.casefold() in seen:
            flaws.append(Flaw(place, column, lazy("Another one has this code already. Give each its own."), code))
        seen.add(code.casefold())
    if len(codes) > limit:
        flaws.append(Flaw(limit, column, lazy("There can be at most %(limit)s of them.", limit=limit)))
    return flaws


def _title_flaws(place: int, column: str, titles: Wording) -> list[Flaw]:
    if not titles:
        return [Flaw(place, f"{column}_en", lazy("Write the title in at least one language."))]
    text = lazy("This is longer than %(limit)s characters. Shorten it.", limit=MAX_TITLE)
    return [
        Flaw(place, f"{column}_{locale}", text, title) for locale, title in titles.items() if len(title) > MAX_TITLE
    ]


def _found(
    place: int,
    column: str,
    written: Iterable[str],
    codes: Mapping[str, str],
    unknown: LazyText,
    flaws: list[Flaw],
) -> tuple[str, ...]:
    """The codes that are meant, each once; one that is not among `codes` is a flaw."""
    found: list[str] = []
    for code in written:
        meant = codes.get(code.casefold())
        if meant is None:
            flaws.append(Flaw(place, column, unknown, code))
        elif meant not in found:
            found.append(meant)
    return tuple(found)


def _by_any_case(codes: Iterable[str]) -> dict[str, str]:
    return {code.casefold(): code for code in codes}


def _listed(codes: Iterable[str]) -> str:
    listed = [shorten(code) for code in codes]
    return ", ".join(listed[:_NAMED]) + (" …" if len(listed) > _NAMED else "")


def _no_such_competency(known: Known) -> LazyText:
    return lazy("The questions have no such competency. They have: %(known)s.", known=_listed(known))


def _no_such_module(others: Mapping[str, str]) -> LazyText:
    if not others:
        return lazy("There is no other module that could be needed first.")
    return lazy("There is no other module with this code. There are: %(known)s.", known=_listed(others.values()))


def _is_address(text: str) -> bool:
    """Whether `text` is an address that a link may lead to; ``javascript:`` and the like are not."""
    if len(text) > MAX_LINK or any(sign.isspace() or not sign.isprintable() for sign in text):
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
