"""Time, dates and sittings: the rules, computed without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltitools.plugin import uptime
from ltitools_diagnostic.delivery import (
    FACTORS,
    NO_LIMIT,
    Extra,
    Rules,
    Window,
    closing,
    deadline,
    default_rules,
    sittings_left,
    time_allowed,
    window,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
factors = st.sampled_from(FACTORS)


@pytest.mark.parametrize(("factor", "minutes"), [("1", 60), ("1.25", 75), ("1.5", 90), ("2", 120)])
def test_extra_time_is_a_multiple_of_the_limit(factor: str, minutes: int) -> None:
    assert time_allowed(Rules(time_limit=60), Extra(factor)) == minutes * MINUTE


def test_nobody_has_a_limit_where_there_is_none_or_none_for_them() -> None:
    assert time_allowed(Rules(), Extra("2")) is None
    assert time_allowed(Rules(time_limit=60), Extra(NO_LIMIT)) is None
    assert deadline(Rules(time_limit=60), Extra(NO_LIMIT), NOW) is None


def test_a_sitting_ends_with_its_time_or_with_the_window_whichever_is_first() -> None:
    rules = Rules(time_limit=60, closes_at=NOW + HOUR)
    assert deadline(rules, Extra(), NOW - 10 * MINUTE) == NOW + 50 * MINUTE
    assert deadline(rules, Extra(), NOW + 30 * MINUTE) == NOW + HOUR


def test_extra_time_extends_the_window_by_what_it_adds() -> None:
    """So nobody who begins late loses the time that was granted to them."""
    rules = Rules(time_limit=60, closes_at=NOW)
    assert closing(rules, Extra("1.5")) == NOW + 30 * MINUTE
    assert window(rules, Extra("1.5"), NOW + 10 * MINUTE) is Window.OPEN
    assert window(rules, Extra(), NOW + 10 * MINUTE) is Window.OVER
    assert deadline(rules, Extra("1.5"), NOW - HOUR) == NOW + 30 * MINUTE


def test_a_person_without_a_limit_begins_in_the_window_and_may_finish_after_it() -> None:
    rules = Rules(time_limit=60, closes_at=NOW)
    assert window(rules, Extra(NO_LIMIT), NOW) is Window.OVER
    assert deadline(rules, Extra(NO_LIMIT), NOW - MINUTE) is None


def test_before_and_after_the_dates() -> None:
    rules = Rules(opens_at=NOW, closes_at=NOW + HOUR)
    times = [NOW - MINUTE, NOW, NOW + HOUR - MINUTE, NOW + HOUR]
    assert [window(rules, Extra(), time) for time in times] == [Window.EARLY, Window.OPEN, Window.OPEN, Window.OVER]


def test_the_time_in_which_the_server_was_away_is_given_back() -> None:
    rules = Rules(time_limit=60)
    before = uptime.Outage(NOW - 2 * HOUR, NOW - HOUR)
    around = uptime.Outage(NOW - 5 * MINUTE, NOW + 5 * MINUTE)
    during = uptime.Outage(NOW + 30 * MINUTE, NOW + 50 * MINUTE)
    after = uptime.Outage(NOW + 3 * HOUR, NOW + 4 * HOUR)
    end = deadline(rules, Extra(), NOW, [before, around, during, after])
    assert end == NOW + 60 * MINUTE + 5 * MINUTE + 20 * MINUTE


def test_an_outage_that_began_in_time_which_an_earlier_one_gave_back_counts() -> None:
    first = uptime.Outage(NOW + 30 * MINUTE, NOW + 50 * MINUTE)
    second = uptime.Outage(NOW + 70 * MINUTE, NOW + 80 * MINUTE)
    assert deadline(Rules(time_limit=60), Extra(), NOW, [first, second]) == NOW + 90 * MINUTE


def test_extra_sittings_are_added_to_those_of_everybody() -> None:
    assert sittings_left(Rules(), Extra(), 7) is None
    assert sittings_left(Rules(attempts=2), Extra(), 1) == 1
    assert sittings_left(Rules(attempts=2), Extra(extra_attempts=1), 2) == 1
    assert sittings_left(Rules(attempts=1), Extra(), 3) == 0


def test_copies_begin_with_everything_but_the_dates() -> None:
    kept = Rules(time_limit=30, attempts=2, password="open", zone="America/Toronto")
    rules = replace(kept, opens_at=NOW, closes_at=NOW + HOUR)
    again = default_rules({"delivery": {**rules.defaults, "of_a_newer_version": 1}})
    assert again == kept


@given(st.integers(1, 1440), factors, factors, st.integers(-600, 600))
def test_more_time_never_ends_a_sitting_earlier(limit: int, one: str, other: str, closes: int) -> None:
    less, more = sorted((one, other), key=lambda factor: Decimal("Infinity" if factor == NO_LIMIT else factor))
    rules = Rules(time_limit=limit, closes_at=NOW + closes * MINUTE)
    ends = [deadline(rules, Extra(factor), NOW) for factor in (less, more)]
    assert ends[1] is None or (ends[0] is not None and ends[0] <= ends[1])


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 60)), max_size=5))
def test_an_outage_never_takes_time_away(away: list[tuple[int, int]]) -> None:
    outages = [uptime.Outage(NOW + s * MINUTE, NOW + (s + d) * MINUTE) for s, d in sorted(away)]
    end = uptime.postponed(NOW, NOW + HOUR, outages)
    assert NOW + HOUR <= end <= NOW + HOUR + sum((o.ended_at - o.began_at for o in outages), timedelta())
