"""Item statistics against published numbers, and what they make of few or uneven answers."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltitools_diagnostic.statistics import ENOUGH, alpha, correlation, of_items

# Section 7 of the Law School Admission Test, 1000 people, five questions: how many gave each pattern of right (1) and
# wrong (0) answers. Bock and Lieberman 1970, Psychometrika 35, 179-197.
LSAT7 = """00000:12 00001:19 00010:1 00011:7 00100:3 00101:19 00110:3 00111:17 01000:10 01001:5 01010:3 01011:7 01100:7
01101:23 01110:8 01111:28 10000:7 10001:39 10010:11 10011:34 10100:14 10101:51 10110:15 10111:90 11000:6 11001:25
11010:7 11011:35 11100:18 11101:136 11110:32 11111:308"""
LSAT6 = """00000:3 00001:6 00010:2 00011:11 00100:1 00101:1 00110:3 00111:4 01000:1 01001:8 01011:16 01101:3 01110:2
01111:15 10000:10 10001:29 10010:14 10011:81 10100:3 10101:28 10110:15 10111:80 11000:16 11001:56 11010:21 11011:173
11100:11 11101:61 11110:28 11111:298"""
TOLERANCE = 0.0005


def people_of(patterns: str) -> list[dict[int, float]]:
    return [
        {item: float(sign) for item, sign in enumerate(pattern)}
        for pattern, count in (entry.split(":") for entry in patterns.split())
        for _ in range(int(count))
    ]


def test_the_published_statistics_of_lsat7_come_out() -> None:
    """As mirt::itemstats and psych::alpha print them."""
    found = of_items(people_of(LSAT7)).values()
    assert [each.n for each in found] == [1000] * 5
    assert [round(each.facility, 3) for each in found] == [0.828, 0.658, 0.772, 0.606, 0.843]
    assert [each.total for each in found] == pytest.approx([0.52999, 0.59968, 0.61121, 0.59203, 0.46119], abs=TOLERANCE)
    assert [each.rest for each in found] == pytest.approx([0.2457, 0.2467, 0.3132, 0.2228, 0.1748], abs=TOLERANCE)


def test_the_published_alphas_come_out() -> None:
    assert alpha(people_of(LSAT7)) == pytest.approx(0.4534088, abs=1e-6)
    assert alpha(people_of(LSAT6)) == pytest.approx(0.2949972, abs=1e-6)


def test_the_published_corrected_correlations_of_lsat6_come_out() -> None:
    found = of_items(people_of(LSAT6)).values()
    assert [each.rest for each in found] == pytest.approx([0.1128, 0.1532, 0.1728, 0.1444, 0.1216], abs=TOLERANCE)


def test_people_who_were_asked_other_questions_are_compared_by_what_they_were_asked() -> None:
    """Everybody answers question 1 as well as the rest of theirs, whatever that is."""
    people = [{1: 1.0, 2: 1.0}, {1: 0.0, 3: 0.0}, {1: 1.0, 3: 1.0, 4: 1.0}, {1: 0.0, 2: 0.0, 4: 0.0}]
    assert of_items(people)[1].rest == pytest.approx(1.0)
    assert alpha(people) is None


def test_a_question_that_everybody_knows_correlates_with_nothing() -> None:
    statistics = of_items([{1: 1.0, 2: 0.0}, {1: 1.0, 2: 1.0}])[1]
    assert (statistics.facility, statistics.rest) == (1.0, None)


def test_a_single_person_or_question_gives_a_facility_and_nothing_else() -> None:
    assert of_items([{1: 0.5, 2: 1.0}])[1].rest is None
    assert of_items([{1: 0.5}, {1: 1.0}])[1].rest is None
    assert (of_items([]), alpha([])) == ({}, None)


def test_a_question_is_judged_only_with_enough_answers() -> None:
    people = [{1: 0.0, 2: float(number % 2)} for number in range(ENOUGH)]
    assert of_items(people)[1].flags == ("hard",)
    assert of_items(people[:-1])[1].flags == ()
    assert of_items([{1: 1.0, 2: float(number % 2)} for number in range(ENOUGH)])[1].flags == ("easy",)
    assert of_items([{1: float(n % 2), 2: float(n % 2 == 0)} for n in range(ENOUGH)])[1].flags == ("weak",)


@given(st.lists(st.tuples(*[st.floats(0, 1)] * 3), min_size=2, max_size=30))
def test_a_correlation_lies_between_minus_one_and_one(rows: list[tuple[float, ...]]) -> None:
    for statistics in of_items([dict(enumerate(row)) for row in rows]).values():
        for value in (statistics.total, statistics.rest):
            assert value is None or -1 - 1e-9 <= value <= 1 + 1e-9
        assert 0 <= statistics.facility <= 1 + 1e-12


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=20), st.floats(0.5, 10), st.floats(-5, 5))
def test_a_correlation_does_not_depend_on_the_scale(xs: list[float], factor: float, shift: float) -> None:
    straight = correlation(xs, [factor * x + shift for x in xs])
    assert straight is None or math.isclose(straight, 1.0, abs_tol=1e-6)
