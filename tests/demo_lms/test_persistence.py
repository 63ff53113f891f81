"""A file keeps the campus over restarts; memory is one campus for all threads."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Column, MetaData, Table, create_engine, select

from demo_lms.conftest import REGISTRATION
from ltitools.demo_lms.lms import db
from ltitools.demo_lms.models import AccessToken, Base, Launch, UsedOnce

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
    first.add_activity(url=REGISTRATION.launch_url + "?item=1")
    assert make_rig(database=database, tool=None).state()["tools"] == first.state()["tools"]
    moved = dataclasses.replace(REGISTRATION, launch_url="http://tool.localhost:9999/lti/launch", client_id="client-2")
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


def test_a_campus_from_before_there_were_several_tools_is_taken_over(make_rig: MakeRig, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'campus.db'}"
    write_former_campus(database)
    rig = make_rig("moodle", database=database, tool=None)
    tool, activity = rig.state()["tools"][0], rig.state()["activities"][0]
    assert (tool["client_id"], tool["state"], activity["title"]) == ("client-1", "active", "Kept")
    assert rig.claims(rig.begin("ben", activity["id"]))["aud"] == "client-1"
    assert rig.send_score(activity["line_item"]).status_code == 200


def write_former_campus(database: str) -> None:
    """An activity and its column in the tables of a time when the one tool was a setting."""
    former = MetaData()
    for name in ("setting", "activity", "line_item", "launch", "access_token"):
        added = ("tool_id", "person_id") if name == "access_token" else ("tool_id",)
        columns = [each for each in Base.metadata.tables[name].columns if each.name not in added]
        Table(name, former, *(Column(each.name, each.type, primary_key=each.primary_key) for each in columns))
    engine = create_engine(database)
    former.create_all(engine)
    activity = {"title": "Kept", "course_id": 1, "resource_link_id": "1", "text": "", "custom": {}, "target": "iframe"}
    column = {"label": "Kept", "course_id": 1, "activity_id": 1, "score_maximum": 100, "tag": "", "resource_id": ""}
    setting = {"key": "tool", "value": dataclasses.asdict(REGISTRATION)}
    with engine.begin() as connection:
        for name, values in (("activity", activity), ("line_item", column), ("setting", setting)):
            connection.execute(former.tables[name].insert().values(values))
    engine.dispose()
