"""Which modules close a person's gaps: the smallest set, with what these modules presuppose.

Up to `EXACT_UP_TO` modules the set is the smallest there is: the fewest modules, among equally many those with the
fewest hours, among these the earlier ones. Above that it is found step by step, each time by the module that closes
most for what it adds, and may have a module too many.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ltitools_diagnostic.items import Wording

EXACT_UP_TO = 20


@dataclass(frozen=True)
class Module:
    """A module of the course. `competencies` are those it teaches, `prerequisites` codes of other modules."""

    code: str
    titles: Wording
    hours: Decimal
    url: str = ""
    prerequisites: tuple[str, ...] = ()
    competencies: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """Modules in an order in which they can be taken, their hours, and the gaps that no module teaches."""

    modules: tuple[Module, ...]
    hours: Decimal
    untaught: tuple[str, ...]


def plan(modules: Sequence[Module], gaps: Collection[str], shown: Collection[str]) -> Plan:
    """The smallest set of `modules` that teaches all `gaps`, closed under prerequisites.

    A prerequisite that teaches nothing but what is `shown` already is not needed, nor what it presupposes itself.
    """
    known = {module.code: module for module in modules}
    taught = {code for module in modules for code in module.competencies}
    wanted = frozenset(gaps) & taught
    closures = {code: _closure(code, known, shown) for code in known}
    search = _smallest if len(modules) <= EXACT_UP_TO else _greedy
    chosen = search(modules, wanted, closures)
    ordered = _in_order([module for module in modules if module.code in chosen], known)
    hours = sum((module.hours for module in ordered), Decimal(0))
    return Plan(tuple(ordered), hours, tuple(code for code in gaps if code not in taught))


def _closure(code: str, known: Mapping[str, Module], shown: Collection[str]) -> frozenset[str]:
    """The module and all that has to be taken before it."""
    needed: set[str] = set()
    waiting = [code]
    while waiting:
        now = waiting.pop()
        if now in needed or now not in known or (now != code and _dispensed(known[now], shown)):
            continue
        needed.add(now)
        waiting += known[now].prerequisites
    return frozenset(needed)


def _dispensed(module: Module, shown: Collection[str]) -> bool:
    return bool(module.competencies) and all(code in shown for code in module.competencies)


def _smallest(
    modules: Sequence[Module], wanted: frozenset[str], closures: Mapping[str, frozenset[str]]
) -> frozenset[str]:
    """Branch on who teaches a gap that is still open, and give up what cannot become better than the best so far."""
    teachers = {gap: [module.code for module in modules if gap in module.competencies] for gap in wanted}
    teaches = {module.code: frozenset(module.competencies) for module in modules}
    cost = _Cost(modules)
    best = _greedy(modules, wanted, closures)
    best_cost = cost(best)
    seen: set[frozenset[str]] = set()
    waiting = [frozenset[str]()]
    while waiting:
        taken = waiting.pop()
        if taken in seen or cost(taken) >= best_cost:
            continue
        seen.add(taken)
        open_gaps = wanted - {gap for code in taken for gap in teaches[code]}
        if not open_gaps:
            best, best_cost = taken, cost(taken)
            continue
        hardest = min(open_gaps, key=lambda gap: (len(teachers[gap]), gap))
        waiting += [taken | closures[code] for code in teachers[hardest]]
    return best


def _greedy(
    modules: Sequence[Module], wanted: frozenset[str], closures: Mapping[str, frozenset[str]]
) -> frozenset[str]:
    """Take what closes most gaps for each module it adds, then leave out what has become superfluous."""
    teaches = {module.code: wanted & set(module.competencies) for module in modules}
    hours = {module.code: module.hours for module in modules}
    taken: frozenset[str] = frozenset()
    starts: list[str] = []

    def gain(code: str) -> tuple[float, Decimal]:
        added = closures[code] - taken
        closed = {gap for each in added for gap in teaches[each]} & open_gaps
        return len(closed) / max(len(added), 1), -sum((hours[each] for each in added), Decimal(0))

    while open_gaps := wanted - {gap for code in taken for gap in teaches[code]}:
        useful = [module.code for module in modules if teaches[module.code] & open_gaps]
        chosen = max(useful, key=gain)
        starts.append(chosen)
        taken |= closures[chosen]
    for start in list(starts):
        rest = [code for code in starts if code != start]
        left = frozenset[str]().union(*(closures[code] for code in rest))
        if wanted <= {gap for code in left for gap in teaches[code]}:
            starts, taken = rest, left
    return taken


class _Cost:
    """What a set of modules costs: how many, how many hours, and how late they stand in the course."""

    def __init__(self, modules: Iterable[Module]) -> None:
        self._places = {module.code: (place, module.hours) for place, module in enumerate(modules)}

    def __call__(self, codes: Collection[str]) -> tuple[int, Decimal, list[int]]:
        places = sorted(self._places[code][0] for code in codes)
        return len(codes), sum((self._places[code][1] for code in codes), Decimal(0)), places


def _in_order(chosen: Sequence[Module], known: Mapping[str, Module]) -> list[Module]:
    """In the order of the course, but what a module presupposes before it; a circle is left in that order."""
    codes = {module.code for module in chosen}
    ordered: list[Module] = []
    entered: set[str] = set()

    def enter(module: Module) -> None:
        if module.code in entered:
            return
        entered.add(module.code)
        for code in module.prerequisites:
            if code in codes:
                enter(known[code])
        ordered.append(module)

    for module in chosen:
        enter(module)
    return ordered
