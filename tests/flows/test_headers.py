"""The headers of every answer of every route."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from ltitools.testing import INSTRUCTOR, PUBLIC_URL, Platform, Visit, attribute
from ltitools.web.headers import FEATURES

OPEN_TO_CACHES = {"static", "tool.static", "lti.jwks", "tool.file"}


@pytest.fixture
def visits(app: Flask, platform: Platform) -> list[Visit]:
    """A visit with a cookie, and one without."""
    teaches = {"roles": [INSTRUCTOR]}
    return [
        platform.visit(app.test_client(), **teaches),
        platform.visit(app.test_client(use_cookies=False), cookie=False, **teaches),
    ]


def answers(app: Flask, visit: Visit) -> Iterator[tuple[Rule, str, TestResponse]]:
    """Each route with each of its methods, asked for inside a visit; whatever it answers."""
    address = app.url_map.bind("tool.example.test")
    values = {"launch_id": visit.launch_id, "tenant_key": "acme", "plugin": "diagnostic", "filename": "ltitools.css"}
    values |= {"kind": "single", "file_id": "x", "state": "approved", "code": "x"}
    values |= {"ending": "png", "form": "png", "key": "acme"}
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.endpoint == "visit.end"):
        path = address.build(rule.endpoint, {name: values.get(name, 1) for name in rule.arguments})
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            with visit.get(path) if method == "GET" else visit.post(path) as answer:
                yield rule, method, answer


def test_every_route_answers_with_the_headers_that_protect_people(app: Flask, visits: list[Visit]) -> None:
    for visit in visits:
        for rule, method, answer in answers(app, visit):
            where = f"{method} {rule}"
            headers = answer.headers
            assert headers["X-Content-Type-Options"] == "nosniff", where
            assert headers["Referrer-Policy"] in ("no-referrer", "same-origin"), where
            assert re.fullmatch(r"max-age=[0-9]{8}", headers["Strict-Transport-Security"]), where
            assert "X-Frame-Options" not in headers, where
            if rule.endpoint in ("static", "tool.static"):
                continue
            policy = headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'"), where
            assert "unsafe" not in policy, where
            assert "*" not in policy, where
            is_public = rule.endpoint.partition(".")[0].endswith("_public")
            if not is_public and (rule.endpoint not in OPEN_TO_CACHES or answer.status_code != 200):
                assert headers["Cache-Control"] == "no-store", where
            if rule.endpoint != "tool.file" or answer.status_code != 200:
                assert "script-src 'self'" in policy, where
                assert all(f"{feature}=()" in headers["Permissions-Policy"] for feature in FEATURES), where


def test_no_page_has_a_script_or_style_of_its_own(app: Flask, visits: list[Visit]) -> None:
    """The policy would forbid it; so would the reader who has to find out why the page is broken."""
    for visit in visits:
        for rule, _, answer in answers(app, visit):
            if answer.mimetype == "text/html":
                page = answer.get_data(as_text=True)
                assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", page), str(rule)


def test_pages_of_a_visit_are_framed_by_its_platform_alone(app: Flask, visits: list[Visit]) -> None:
    for visit in visits:
        for rule, _, answer in answers(app, visit):
            if "launch_id" in rule.arguments and answer.status_code == 200 and rule.endpoint != "visit.end":
                assert answer.headers["Content-Security-Policy"].endswith(
                    "frame-ancestors 'self' https://lms.example.test"
                )


def test_platforms_do_not_frame_the_pages_of_each_other(app: Flask, platform: Platform) -> None:
    other = Platform("https://other.example.test", "client-2")
    other.register(app)
    try:
        policy = other.visit(app.test_client(), roles=[INSTRUCTOR]).get().headers["Content-Security-Policy"]
    finally:
        other.close()
    assert policy.endswith("frame-ancestors 'self' https://other.example.test")


def test_the_host_of_a_school_frames_its_launches(app: Flask, platform: Platform) -> None:
    """Hosted Canvas has one issuer for all, and names the school's own address in the launch."""
    presentation = {"document_target": "iframe", "return_url": "https://school.instructure.com/courses/5/return"}
    for cookie in (True, False):
        client = app.test_client(use_cookies=cookie)
        visit = platform.visit(client, cookie=cookie, roles=[INSTRUCTOR], launch_presentation=presentation)
        policy = visit.get().headers["Content-Security-Policy"]
        assert policy.endswith("frame-ancestors 'self' https://lms.example.test https://school.instructure.com")


def test_only_the_answer_to_the_lms_may_leave_and_only_for_there(app: Flask, platform: Platform) -> None:
    def targets(answer: TestResponse) -> str:
        found = re.search(r"form-action ([^;]*)", answer.headers["Content-Security-Policy"])
        assert found is not None
        return found[1]

    visit = platform.visit(app.test_client(), platform.deep_linking_claims())
    assert targets(visit.get(f"/tools/-/{visit.launch_id}/choose?all=1")) == "'self'"
    assert targets(visit.post(f"/tools/-/{visit.launch_id}/course/place")) == "https://lms.example.test"
    claims = platform.deep_linking_claims()
    shell = platform.launch_without_cookie(app.test_client(use_cookies=False), "storage", claims)
    assert targets(shell) == "'self' https://lms.example.test", "the page around the visit sends the answer"
    plain = platform.launch_without_cookie(app.test_client(use_cookies=False), "storage")
    assert targets(plain) == "'self'"


def test_a_login_page_is_not_kept_and_sends_no_referrer(app: Flask, platform: Platform) -> None:
    login = app.test_client().post("/lti/acme/login", data=platform.login_parameters(), base_url=PUBLIC_URL)
    assert login.headers["Cache-Control"] == "no-store"
    assert login.headers["Referrer-Policy"] == "no-referrer"
    assert attribute(login.get_data(as_text=True), "data-secret")


def test_without_tls_nothing_is_promised_about_it(start_app: Callable[..., Flask]) -> None:
    client = start_app(public_url="http://tool.localhost:8000").test_client()
    assert "Strict-Transport-Security" not in client.get("/").headers
