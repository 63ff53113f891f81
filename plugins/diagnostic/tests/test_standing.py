"""What several sittings show together: nothing is ever taken away by a later one."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from ltitools_diagnostic.scoring import level, probability
from ltitools_diagnostic.standing import CompetencyOutcome, best, score_of, standings


def outcome(code: str, points: float, items: int, weight: str = "1") -> CompetencyOutcome:
    chance = probability(points, items)
    return CompetencyOutcome(code, {"en": code}, points, items, chance, level(chance).value, Decimal(weight))


def sitting(*outcomes: CompetencyOutcome) -> dict[str, CompetencyOutcome]:
    return {each.code: each for each in outcomes}


def test_the_best_of_each_competency_counts_over_sittings() -> None:
    first = sitting(outcome("a", 6, 6), outcome("b", 1, 6))
    second = sitting(outcome("b", 5, 6))
    assert standings([first, second]) == [Decimal("58.33333"), Decimal("91.66667")]
    found = best([first, second])
    assert (found["a"].level, found["b"].level) == ("shown", "developing")
    assert found["b"].sittings == 2


def test_a_worse_reassessment_changes_nothing() -> None:
    first, worse = sitting(outcome("a", 5, 6)), sitting(outcome("a", 1, 6))
    assert standings([first, worse]) == [Decimal("83.33333")] * 2
    assert best([first, worse])["a"].share == Fraction(5, 6)


def test_a_surer_conclusion_with_a_smaller_share_raises_the_level_and_keeps_the_share() -> None:
    found = best([sitting(outcome("a", 3, 3)), sitting(outcome("a", 19, 20))])["a"]
    assert (found.level, found.share) == ("shown", Fraction(1))


def test_a_competency_that_a_new_version_adds_does_not_pull_the_score_down() -> None:
    assert standings([sitting(outcome("a", 8, 10)), sitting(outcome("new", 0, 10))]) == [Decimal(80), Decimal(80)]


def test_weights_are_shares_of_the_score() -> None:
    assert score_of(sitting(outcome("a", 6, 6, "3"), outcome("b", 0, 6, "1"))) == 75
    assert score_of(sitting(outcome("a", 6, 6, "0"), outcome("b", 3, 6, "1"))) == 50
    assert score_of(sitting(outcome("a", 6, 6, "0"))) == 0
    assert score_of({}) == 0


def test_the_score_is_the_mean_over_competencies_whatever_their_size_to_five_decimals() -> None:
    assert score_of(sitting(outcome("a", 10, 10), outcome("b", 0, 2))) == Decimal("50.00000")
    assert score_of(sitting(outcome("a", 2, 3))) == Decimal("66.66667")


def test_the_line_of_seventy_percent_is_met_exactly() -> None:
    """No rounding on the way lifts 69.995 to 70, or keeps 70 below it."""
    assert score_of(sitting(outcome("a", 7, 10))) == Decimal(70)
    assert score_of(sitting(outcome("a", 13999 / 100, 200))) == Decimal("69.995")


outcomes = st.builds(
    lambda code, items, share, weight: outcome(code, items * share / 4, items, str(weight)),
    st.sampled_from("abc"),
    st.integers(1, 20),
    st.integers(0, 4),
    st.integers(0, 3),
)


@given(st.lists(st.lists(outcomes, min_size=1, max_size=3), min_size=1, max_size=5))
def test_the_score_never_falls_and_stays_between_0_and_100(drawn: list[list[CompetencyOutcome]]) -> None:
    counted = standings([sitting(*each) for each in drawn])
    assert counted == sorted(counted)
    assert all(0 <= each <= 100 for each in counted)


@given(st.lists(st.lists(outcomes, min_size=1, max_size=3), min_size=1, max_size=5))
def test_a_competency_that_was_shown_once_stays_shown(drawn: list[list[CompetencyOutcome]]) -> None:
    sittings = [sitting(*each) for each in drawn]
    shown: set[str] = set()
    for number in range(1, len(sittings) + 1):
        now = {code for code, each in best(sittings[:number]).items() if each.shown}
        assert shown <= now
        shown = now
