"""Many badges at once, on the server as it is run in production: everybody gets one, once, and pages are there."""

from __future__ import annotations

from sqlalchemy import func, select

from ltitools.plugin import session
from ltitools_badges.models import Badge, Place
from scale.awards import SETTINGS, enrol, first_badge, give_all, page_of, prepare
from scale.crowd import attend, served

LEARNERS = 40


def test_a_class_that_has_passed_has_its_badges_and_employers_can_look_at_them(database_url: str) -> None:
    with served(database_url, **SETTINGS) as (observer, platform, tool_url):
        achievement_id = prepare(observer)
        assert attend(platform, tool_url, 1).errors == []
        badge = first_badge(observer)
        course_id = enrol(observer, LEARNERS)
        found = give_all(observer, achievement_id, course_id, page_of(tool_url, badge), LEARNERS)
        with observer.app_context():
            everybody = session.scalar(select(func.count(Badge.person_id.distinct())))
            places = session.scalar(select(func.count()).select_from(Place))
    assert found.seen.errors == []
    assert found.seen.times
    assert (found.signed, everybody, places) == (LEARNERS, LEARNERS + 1, LEARNERS + 1)
