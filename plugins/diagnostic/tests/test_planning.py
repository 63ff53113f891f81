"""The smallest set of modules that closes the gaps."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from ltitools_diagnostic.planning import EXACT_UP_TO, Module, Plan, plan


def module(code: str, teaches: str, hours: int = 1, after: str = "") -> Module:
    return Module(code, {"en": code}, Decimal(hours), "", tuple(after.split()), tuple(teaches.split()))


def codes(found: Plan) -> list[str]:
    return [each.code for each in found.modules]


def test_one_module_that_teaches_two_gaps_is_preferred_to_two_that_teach_one_each() -> None:
    found = plan([module("m1", "a"), module("m2", "b"), module("m3", "a b", 9)], ["a", "b"], [])
    assert codes(found) == ["m3"]
    assert found.hours == 9


def test_among_equally_many_modules_the_fewest_hours_count() -> None:
    assert codes(plan([module("m1", "a", 5), module("m2", "a", 3)], ["a"], [])) == ["m2"]


def test_what_a_module_presupposes_comes_before_it_and_counts() -> None:
    modules = [module("m1", "a", 2, after="m3"), module("m2", "b"), module("m3", "", 4)]
    found = plan(modules, ["a"], [])
    assert codes(found) == ["m3", "m1"]
    assert found.hours == 6


def test_a_prerequisite_that_teaches_only_what_is_shown_is_not_needed() -> None:
    modules = [module("m0", "z"), module("m1", "b", after="m0"), module("m2", "a", after="m1")]
    assert codes(plan(modules, ["a"], ["b"])) == ["m2"]
    assert codes(plan(modules, ["a"], [])) == ["m0", "m1", "m2"]


def test_a_gap_that_no_module_teaches_is_named() -> None:
    found = plan([module("m1", "a")], ["a", "x"], [])
    assert (codes(found), found.untaught) == (["m1"], ("x",))


def test_a_circle_of_prerequisites_ends() -> None:
    assert set(codes(plan([module("m1", "a", after="m2"), module("m2", "", after="m1")], ["a"], []))) == {"m1", "m2"}


def test_nothing_lacking_needs_nothing() -> None:
    assert plan([module("m1", "a")], [], ["a"]) == Plan((), Decimal(0), ())


COMPETENCIES = "abcde"


@st.composite
def courses(draw: st.DrawFn, most: int = 7) -> list[Module]:
    count = draw(st.integers(1, most))
    names = [f"m{number}" for number in range(count)]
    return [
        Module(
            name,
            {"en": name},
            Decimal(draw(st.integers(0, 9))),
            "",
            tuple(draw(st.sets(st.sampled_from(names), max_size=2)) - {name}),
            tuple(draw(st.sets(st.sampled_from(COMPETENCIES), max_size=3))),
        )
        for name in names
    ]


def is_closed(chosen: Sequence[Module], modules: Sequence[Module], shown: Collection[str]) -> bool:
    known, taken = {each.code: each for each in modules}, {each.code for each in chosen}
    return all(
        code in taken or (known[code].competencies and set(known[code].competencies) <= set(shown))
        for each in chosen
        for code in each.prerequisites
    )


@given(courses(), st.sets(st.sampled_from(COMPETENCIES)), st.sets(st.sampled_from(COMPETENCIES)))
def test_no_closed_set_of_modules_is_smaller(modules: list[Module], gaps: set[str], shown: set[str]) -> None:
    shown -= gaps
    found = plan(modules, sorted(gaps), shown)
    wanted = gaps & {code for each in modules for code in each.competencies}

    def fits(chosen: Sequence[Module]) -> bool:
        return wanted <= {code for each in chosen for code in each.competencies} and is_closed(chosen, modules, shown)

    assert fits(found.modules)
    sizes = [
        (size, sum((each.hours for each in chosen), Decimal(0)))
        for size in range(len(modules) + 1)
        for chosen in combinations(modules, size)
        if fits(chosen)
    ]
    assert (len(found.modules), found.hours) == min(sizes)


@given(courses(most=40), st.sets(st.sampled_from(COMPETENCIES)))
def test_many_modules_are_covered_too(modules: list[Module], gaps: set[str]) -> None:
    found = plan(modules, sorted(gaps), [])
    taught = {code for each in modules for code in each.competencies}
    assert gaps & taught <= {code for each in found.modules for code in each.competencies}
    assert is_closed(found.modules, modules, [])


def test_twenty_modules_are_searched_through() -> None:
    """Greedily the wide module is taken first, and then three are needed; two others do it."""
    modules = [module("wide", "a b c d"), module("left", "a b e"), module("right", "c d f")]
    modules += [module(f"other{number}", "a") for number in range(EXACT_UP_TO - len(modules))]
    assert codes(plan(modules, list("abcdef"), [])) == ["left", "right"]
