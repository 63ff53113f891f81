"""A file keeps the campus over restarts; memory is one campus for all threads."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select

from ltitools.demo_lms.lms import db
from ltitools.demo_lms.models import AccessToken, Launch, UsedOnce

if TYPE_CHECKING:
    from tests.demo_lms.conftest import MakeRig


def test_keys_activities_grades_and_sessions_survive_a_restart(make_rig: MakeRig, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'campus.db'}"
    first = make_rig("moodle", database=database)
    first.send_score(first.add_activity(title="Kept", custom={"a": "b"})["line_item"])
    first.sign_in("ben")
    cookie = first.browser.get_cookie("campus_demo", domain="localhost")
    assert cookie is not None
    second = make_rig("moodle", database=database)
    assert second.service.get("/lti/jwks").get_json() == first.service.get("/lti/jwks").get_json()
    for name in ("activities", "gradebook", "people", "courses"):
        assert second.state()[name] == first.state()[name]
    second.browser.set_cookie("campus_demo", cookie.value, domain="localhost")
    assert "Ben Carter" in second.page("/courses/1")


def test_the_tool_is_remembered_and_activities_follow_it(make_rig: MakeRig, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'campus.db'}"
    first = make_rig(database=database)
    tool = first.app.extensions["demo_lms"].tool
    first.add_activity(url=tool.launch_url + "?item=1")
    assert make_rig(database=database, tool=None).app.extensions["demo_lms"].tool == tool
    moved = dataclasses.replace(tool, launch_url="http://tool.localhost:9999/lti/launch", client_id="client-2")
    third = make_rig(database=database, tool=moved)
    assert third.state()["activities"][0]["url"] == "http://tool.localhost:9999/lti/launch?item=1"
    assert third.begin("ben", 1).fields["client_id"] == "client-2"


def test_two_campuses_in_memory_share_nothing(make_rig: MakeRig) -> None:
    one, other = make_rig(), make_rig()
    one.add_activity()
    assert other.state()["activities"] == []


def test_many_threads_write_to_one_campus_in_memory(make_rig: MakeRig) -> None:
    rig = make_rig("generic")
    column = rig.add_activity()["line_item"]
    token = rig.token()
    users = [rig.user(person) for person in ("amelie", "ben", "chidi", "dana", "emile")]
    statuses: list[int] = []

    def send(user: str) -> None:
        body = {
            "userId": user,
            "timestamp": rig.clock().isoformat(),
            "scoreGiven": 50,
            "scoreMaximum": 100,
            "activityProgress": "Completed",
            "gradingProgress": "FullyGraded",
        }
        for _ in range(4):
            answer = rig.call(
                "POST", column + "/scores", body, token=token, content_type="application/vnd.ims.lis.v1.score+json"
            )
            statuses.append(answer.status_code)

    threads = [threading.Thread(target=send, args=(user,)) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 20
    cells = rig.state()["gradebook"][0]["cells"]
    assert [(cell["score"], len(cell["posts"])) for cell in cells] == [(50, 4)] * 5


def test_what_the_protocol_no_longer_needs_is_forgotten_at_the_next_start(make_rig: MakeRig, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'campus.db'}"
    first = make_rig("moodle", database=database)
    login = first.begin("ben", first.add_activity()["id"])
    first.token()
    first.clock.forward(days=2)
    make_rig("moodle", database=database, clock=first.clock)
    with first.app.app_context():
        for table in (Launch, UsedOnce, AccessToken):
            assert db().scalars(select(table)).all() == []
    assert first.authorize(login).status_code == 404
