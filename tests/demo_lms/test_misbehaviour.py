"""Faults on demand, over a real connection, and the visitor that walks through launches without a browser."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
import requests
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from ltitools.demo_lms import Fault, Faults, Visitor
from ltitools.demo_lms.loopback import fetch_json

if TYPE_CHECKING:
    from tests.demo_lms.conftest import MakeRig, Rig


class Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing of each request."""


@pytest.fixture
def served(make_rig: MakeRig) -> Iterator[tuple[Rig, str]]:
    """An LMS at a real port."""
    rig = make_rig()
    server: BaseWSGIServer = make_server("127.0.0.1", 0, rig.app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield rig, f"http://lms.localhost:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


def add(rig: Rig, **fault: Any) -> None:
    assert rig.service.post("/control/faults", json=[fault]).status_code == 204


def test_the_next_requests_of_a_kind_go_wrong_and_then_all_is_well(make_rig: MakeRig) -> None:
    rig = make_rig()
    column = rig.add_activity()["line_item"]
    add(rig, on="scores", status=503, body="busy", headers={"Retry-After": "7"}, times=2)
    for _ in range(2):
        response = rig.send_score(column)
        assert (response.status_code, response.text, response.headers["Retry-After"]) == (503, "busy", "7")
    assert rig.cell() == {}
    assert rig.send_score(column).status_code == 200
    assert rig.state()["requests"]["scores"] == 3


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("jwks", "/lti/jwks"),
        ("auth", "/lti/authorize"),
        ("lineitems", "/lti/services/1/lineitems"),
        ("lineitems", "/lti/services/1/lineitems/1/lineitem"),
        ("results", "/lti/services/1/lineitems/1/lineitem/results"),
        ("members", "/lti/services/1/memberships"),
    ],
)
def test_each_service_can_fail(make_rig: MakeRig, kind: str, path: str) -> None:
    rig = make_rig()
    add(rig, on=kind, status=502)
    assert rig.service.get("/courses").status_code == 403
    assert rig.service.get(path).status_code == 502
    assert rig.service.get(path).status_code != 502


def test_the_token_endpoint_can_fail_and_redirect(make_rig: MakeRig) -> None:
    rig = make_rig()
    add(rig, on="token", redirect_to="http://lms.localhost:8100/elsewhere")
    response = rig.ask_token(rig.assertion())
    assert (response.status_code, response.headers["Location"]) == (307, "http://lms.localhost:8100/elsewhere")


def test_a_score_can_be_stored_and_the_answer_be_an_error(make_rig: MakeRig) -> None:
    rig = make_rig()
    column = rig.add_activity()["line_item"]
    add(rig, on="scores", status=504, after_storing=True)
    assert rig.send_score(column).status_code == 504
    assert rig.cell()["score"] == 80


def test_a_fault_that_makes_no_sense_is_refused(make_rig: MakeRig) -> None:
    rig = make_rig()
    for wrong in ({"on": "everything"}, {"on": "token", "statsu": 500}, {}):
        assert rig.service.post("/control/faults", json=[wrong]).status_code == 400


def test_faults_are_at_hand_in_the_same_process(make_rig: MakeRig) -> None:
    faults = Faults()
    rig = make_rig(faults=faults)
    faults.add(Fault("jwks", status=500))
    assert rig.service.get("/lti/jwks").status_code == 500
    assert faults.requests["jwks"] == 1


def test_the_connection_can_be_cut_in_the_middle_of_the_answer(served: tuple[Rig, str]) -> None:
    rig, base = served
    add(rig, on="jwks", cut=True)
    visitor = Visitor(base, "ben")
    with pytest.raises(requests.exceptions.RequestException):
        visitor.get("/lti/jwks")
    assert visitor.get("/lti/jwks").status_code == 200
    visitor.close()


def test_a_request_can_hang_until_the_faults_are_cleared_and_nobody_else_waits(served: tuple[Rig, str]) -> None:
    rig, base = served
    add(rig, on="jwks", status=503, hang_seconds=60, after_storing=True)
    statuses: list[int] = []

    def ask() -> None:
        visitor = Visitor(base, "ben")
        statuses.append(visitor.get("/lti/jwks").status_code)
        visitor.close()

    waiting = threading.Thread(target=ask)
    waiting.start()
    while rig.state()["requests"].get("jwks") != 1:
        pass
    assert statuses == []
    rig.service.post("/control/reset")
    waiting.join(timeout=30)
    assert statuses == [503]


def test_starting_over_brings_the_first_state_back(make_rig: MakeRig) -> None:
    rig = make_rig()
    before = rig.state()
    activity = rig.add_activity()
    rig.send_score(activity["line_item"])
    rig.sign_in("arun")
    rig.post("/courses/1/copy", into="new", title="New")
    add(rig, on="jwks", times=5)
    assert rig.service.post("/control/reset").status_code == 204
    after = rig.state()
    for name in ("activities", "gradebook", "people", "requests"):
        assert after[name] == before[name]
    assert rig.add_activity()["id"] == activity["id"]
    assert rig.service.get("/lti/jwks").status_code == 200


def test_a_visitor_walks_through_a_launch_over_http(served: tuple[Rig, str]) -> None:
    rig, base = served
    number = rig.add_activity()["id"]
    visitor = Visitor(base, "amelie")
    login = visitor.begin(number, tampering={"claims": {"email": "other@campus.example"}})
    assert login.action == "http://tool.localhost:8200/lti/login"
    request = rig.request_of(login)
    answer = visitor.authorize(f"{base}/lti/authorize", request)
    assert answer.action == "http://tool.localhost:8200/lti/launch"
    claims = rig.decode(answer.fields["id_token"])
    assert (claims["given_name"], claims["email"]) == ("Amélie", "other@campus.example")
    assert "Mes notes" in visitor.get("/courses/1").text
    visitor.close()


def test_a_visitor_brings_the_tools_choice_back(served: tuple[Rig, str]) -> None:
    rig, base = served
    visitor = Visitor(base, "therese")
    answer = visitor.authorize(f"{base}/lti/authorize", rig.request_of(visitor.begin(course=1)))
    settings = rig.decode(answer.fields["id_token"])[
        "https://purl.imsglobal.org/spec/lti-dl/claim/deep_linking_settings"
    ]
    token = rig.response_jwt(settings, [{"type": "ltiResourceLink", "title": "Chosen"}])
    path = settings["deep_link_return_url"].removeprefix("http://lms.localhost:8100")
    response = visitor.answer_deep_linking(type(answer)(base + path, {"JWT": token}))
    assert response.status_code == 200
    assert "Chosen" in visitor.get("/courses/1").text
    visitor.close()


def test_a_visitor_is_told_what_a_page_of_the_lms_says(served: tuple[Rig, str]) -> None:
    rig, base = served
    visitor = Visitor(base, "ben")
    login = visitor.begin(rig.add_activity()["id"])
    with pytest.raises(LookupError, match="address that is not registered"):
        visitor.authorize(f"{base}/lti/authorize", rig.request_of(login, redirect_uri="http://evil.localhost/"))
    visitor.close()


def test_keys_are_fetched_from_names_below_localhost(served: tuple[Rig, str]) -> None:
    _rig, base = served
    assert "keys" in fetch_json(f"{base}/lti/jwks")
    for wrong in (f"{base}/nowhere", f"{base}/static/campus.css", "http://127.0.0.1:1/jwks"):
        with pytest.raises((OSError, ValueError)):
            fetch_json(wrong)
