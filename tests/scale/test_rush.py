"""Many launches at once from browsers that cannot be told apart: no error, and nobody arrives as somebody else."""

from __future__ import annotations

from sqlalchemy import select

from ltitools.models import Launch, Person
from ltitools.plugin import session
from scale.crowd import served
from scale.rush import problems, rush

LAUNCHES = 100
WHO = Launch.id, Person.sub, Launch.binding, Launch.browser_hash


def test_a_rush_of_identical_browsers_meets_no_error_and_no_mix_up(database_url: str) -> None:
    with served(database_url) as (observer, platform, tool_url):
        arrivals = rush(platform, tool_url, LAUNCHES, 0.0)
        assert problems(arrivals) == []
        with observer.app_context():
            rows = session.execute(select(*WHO).join(Person, Person.id == Launch.person_id)).all()
    assert {(row.id, row.sub) for row in rows} == {(each.launch_id, each.person) for each in arrivals}
    assert len({row.browser_hash for row in rows}) == LAUNCHES
    assert sorted(row.binding for row in rows) == ["cookie"] * (LAUNCHES // 2) + ["storage"] * (LAUNCHES // 2)
