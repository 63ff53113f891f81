"""What earns a badge, and what does not: scores, people, courses, regrades, and events that come again."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from earning import Campus
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from ltitools.plugin import Conflict, grades, session
from ltitools.testing import INSTRUCTOR, LEARNER, writing
from ltitools_badges import awarding, considering, issuers, rules
from ltitools_badges.models import Issuer, Score, Task
from ltitools_badges.rules import ALL, AVERAGE, Part, Terms


def test_seventy_percent_earns_the_badge_and_a_little_less_does_not(campus: Campus) -> None:
    campus.score("ada", "70")
    campus.score("bob", "69.99999")
    (badge,) = campus.badges()
    assert campus.person(badge).name == "Ada"
    assert badge.document is not None
    assert badge.jwt is not None


def test_a_score_that_would_be_rounded_up_to_seventy_earns_nothing(campus: Campus) -> None:
    """The gradebook keeps five places; what counts is what was reported."""
    campus.score("bob", "69.999999999")
    assert campus.badges() == []


TEST_USER = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"


@pytest.mark.parametrize("roles", [[INSTRUCTOR], [INSTRUCTOR, LEARNER], [LEARNER, TEST_USER]])
def test_who_teaches_or_only_tests_earns_nothing(campus: Campus, roles: list[str]) -> None:
    campus.score("ada", "100", as_=roles)
    assert campus.badges() == []


def test_the_same_score_again_gives_no_second_badge(campus: Campus) -> None:
    campus.score("ada", "80")
    campus.score("ada", "80")
    assert len(campus.badges()) == 1


def test_each_course_is_earned_by_itself(campus: Campus) -> None:
    campus.score("ada", "80")
    campus.score("ada", "30", course="course-2", link="other")
    assert len(campus.badges()) == 1
    campus.score("ada", "90", course="course-2", link="other")
    assert [badge.score for badge in campus.badges()] == [80, 90]


def test_the_better_of_two_places_of_an_activity_counts(campus: Campus) -> None:
    campus.score("ada", "80")
    campus.score("ada", "20", link="quiz-again")
    (badge,) = campus.badges()
    assert badge.score == 80
    with campus.app.app_context():
        assert session.scalars(select(Task)).all() == []


def test_a_better_score_is_written_into_the_same_badge(campus: Campus) -> None:
    campus.score("ada", "70")
    (before,) = campus.badges()
    campus.score("ada", "95.5")
    (after,) = campus.badges()
    assert after.public_id == before.public_id
    assert after.awarded_at == before.awarded_at
    assert after.valid_from > before.valid_from
    assert after.document is not None
    assert '"value":"95.5"' in after.document


def test_a_regrade_below_the_line_takes_nothing_and_asks_somebody_once(campus: Campus) -> None:
    campus.score("ada", "80")
    campus.score("ada", "40")
    campus.score("ada", "30")
    (badge,) = campus.badges()
    assert badge.revoked_at is None
    with campus.app.app_context():
        ((task, asked),) = awarding.open_tasks(campus.tenant.id, campus.achievement_id, badge.course_id or 0)
        assert (task.score, asked.id) == (40, badge.id)
    campus.score("ada", "75")
    with campus.app.app_context():
        assert session.scalars(select(Task.decision)).all() == ["recovered"]


def test_a_score_that_is_taken_back_takes_nothing_and_asks_somebody(campus: Campus) -> None:
    campus.score("ada", "80")
    (badge,) = campus.badges()
    with writing(campus.app):
        link_id = session.scalars(select(Score.link_id)).one()
        grades.clear(campus.tenant.id, link_id, badge.person_id)
    campus.work()
    with campus.app.app_context():
        assert session.scalars(select(Score)).all() == []
        ((task, _badge),) = awarding.open_tasks(campus.tenant.id, campus.achievement_id, badge.course_id or 0)
        assert task.score is None
    assert campus.badges()[0].revoked_at is None


def test_a_revoked_badge_does_not_come_back_by_itself(campus: Campus) -> None:
    campus.score("ada", "80")
    with writing(campus.app):
        (badge,) = awarding.of_person(campus.tenant.id, campus.badges()[0].person_id)
        awarding.revoke(badge, "Another person did it.")
    campus.score("ada", "100")
    (badge,) = campus.badges()
    assert badge.revoked_at is not None


def test_an_old_event_that_comes_late_changes_no_newer_score(campus: Campus) -> None:
    campus.score("ada", "80")
    with writing(campus.app):
        score = session.scalars(select(Score)).one()
        considering.note_score(
            campus.tenant.id, score.person_id, score.course_id, score.link_id, "1", "100", score.event_id - 1
        )
        session.expire_all()
        assert session.scalars(select(Score.given)).one() == "80"


def test_scores_from_before_the_rule_count_when_somebody_asks(campus: Campus) -> None:
    with writing(campus.app):
        rules.save(campus.tenant.id, campus.achievement_id, None, Terms())
    campus.score("ada", "80")
    campus.score("bob", "50")
    with writing(campus.app):
        session.query(Score).filter(Score.tenant_id == campus.tenant.id).delete()
        rules.save(campus.tenant.id, campus.achievement_id, None, Terms(parts=(Part(campus.quiz_id),)))
        course_id = 1
        assert considering.consider_all(campus.tenant, course_id) == 1
        assert considering.consider_all(campus.tenant, course_id) == 0
    assert [campus.person(badge).name for badge in campus.badges()] == ["Ada"]


def test_what_is_earned_while_the_address_is_in_doubt_is_given_once_somebody_has_decided(campus: Campus) -> None:
    campus.score("ada", "80")
    with writing(campus.app):
        session.scalars(
            select(Issuer).where(Issuer.tenant_id == campus.tenant.id)
        ).one().base = "https://old.test/i/acme"
    campus.score("bob", "90")
    assert len(campus.badges()) == 1
    with writing(campus.app):
        issuers.keep_address(campus.tenant)
        considering.ask_everywhere(campus.tenant.id)
    campus.work()
    assert [campus.person(badge).name for badge in campus.badges()] == ["Ada", "Bob"]


# The rule itself ----------------------------------------------------------------------------------------------------

WEIGHTS = st.decimals("0.01", "1000", places=2)
FRACTIONS = st.fractions(0, 1)


@given(st.lists(st.tuples(WEIGHTS, FRACTIONS), min_size=1, max_size=6), st.decimals("0.01", "100", places=2))
def test_all_means_each_and_a_mean_is_exact(parts: list[tuple[Decimal, Fraction]], threshold: Decimal) -> None:
    terms = Terms(tuple(Part(number, weight) for number, (weight, _) in enumerate(parts)), ALL, threshold)
    fractions = {number: fraction for number, (_, fraction) in enumerate(parts)}
    line = Fraction(threshold) / 100
    assert rules.standing(terms, fractions).earned == all(fraction >= line for fraction in fractions.values())
    mean = sum(Fraction(weight) * fraction for weight, fraction in parts) / sum(Fraction(weight) for weight, _ in parts)
    weighted = rules.standing(Terms(terms.parts, AVERAGE, threshold), fractions)
    assert weighted.score == mean * 100
    assert weighted.earned == (mean >= line)


@given(st.fractions(0, 2))
def test_what_is_not_reached_never_reads_as_reached(fraction: Fraction) -> None:
    shown = Decimal(rules.shown_percent(fraction) or "-1")
    assert 0 <= fraction * 100 - Fraction(shown) < Fraction(1, 100)


def test_what_was_not_done_is_not_left_out_of_a_mean() -> None:
    terms = Terms((Part(1), Part(2)), AVERAGE)
    assert not rules.standing(terms, {1: Fraction(1)}).earned
    assert rules.standing(terms, {1: Fraction(1), 2: Fraction(2, 5)}).earned


def test_competencies_and_components_are_asked_for_besides_the_score() -> None:
    terms = Terms((Part(1),), competencies=(7,), components=(9,))
    done = {1: Fraction(1)}
    assert rules.standing(terms, done, {7: "developing"}, {9}).open_competencies == (7,)
    assert rules.standing(terms, done, {7: "shown"}, ()).open_components == (9,)
    assert rules.standing(terms, done, {7: "shown"}, {9}).earned


def test_a_rule_that_asks_nothing_gives_nothing() -> None:
    assert not rules.standing(Terms(), {}).earned


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "any"},
        {"threshold": Decimal(0)},
        {"threshold": Decimal("100.01")},
        {"parts": (Part(1, Decimal(0)),)},
        {"parts": (Part(1), Part(1))},
    ],
)
def test_a_rule_that_nobody_can_mean_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Conflict):
        Terms(**changes).checked()
