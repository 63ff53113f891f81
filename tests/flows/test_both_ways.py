"""Every page of every tool, shown to a cookie and to a token: tools know nothing of the difference."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import asdict
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import pytest
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from ltitools.plugin import files
from ltitools.testing import INSTRUCTOR, PUBLIC_URL, Platform, Visit, deliver, error_code, writing
from ltitools.web.sessions import COOKIE
from ltitools_badges import achievements, designing, rules
from ltitools_badges.core import design
from ltitools_badges.core.content import MicroCredential
from ltitools_badges.rules import Outside, Terms

CONTENT = Path(__file__).parents[2] / "config" / "demo" / "ai-awareness-taster.csv"
OPENS = {"custom": {"activity": "diagnostic:taster"}, "resource_link": {"id": "link-1", "title": "Taster"}}
TEACHES = {"roles": [INSTRUCTOR], "sub": "teacher-1", "name": "Thea Teacher"}
RULES = {"paging": "question", "review": "answers", "zone": "UTC", "time_limit": "30", "self_rating": "yes"}
DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
ADMINISTRATOR = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Administrator"
FIELD = re.compile(r'<input type="(?:radio|text)"[^>]*name="([^"]+)"')
CLOCK = re.compile(r'data-seconds="[0-9]+"|>[0-9]+:[0-9]{2}<')


@pytest.fixture
def app(start_app: Callable[..., Flask], platform_before: Platform) -> Flask:
    """The installed tools."""
    app = start_app()
    platform_before.register(app)
    return app


@pytest.fixture
def platform_before() -> Iterator[Platform]:
    platform = Platform()
    yield platform
    platform.close()


class Walk:
    """A visit whose every page is read twice: by the token without cookies, and by a cookie that holds the same."""

    def __init__(self, app: Flask, visit: Visit) -> None:
        self.app, self.visit = app, visit
        self.with_cookie = app.test_client()
        self.with_cookie.set_cookie(COOKIE, visit.token, domain="tool.example.test", secure=True)
        self.endpoints: set[str] = set()
        self.seen: set[str] = set()

    def read(self, path: str) -> TestResponse:
        """A page both ways: the same status, and the same page."""
        by_token = self.visit.get(path)
        by_cookie = self.with_cookie.get(urljoin(self.visit.path, path), base_url=PUBLIC_URL)
        assert by_token.status_code == by_cookie.status_code, path
        assert by_token.headers.get("Location") == by_cookie.headers.get("Location")
        for name in ("Content-Type", "Content-Disposition", "Content-Security-Policy"):
            assert by_token.headers.get(name) == by_cookie.headers.get(name), f"{name} of {path}"
        if by_token.mimetype != "text/html":
            assert by_token.data == by_cookie.data
        else:
            shown = by_token.get_data(as_text=True)
            assert CLOCK.sub("", by_cookie.get_data(as_text=True)) == CLOCK.sub("", shown), path
            posts = re.findall(r'<form[^>]* method="post"[^>]*>', shown)
            assert shown.count('name="_form"') == sum('action="http' not in form for form in posts), path
        if by_token.status_code < 400:
            self.endpoints.add(self._endpoint(urljoin(self.visit.path, path)))
        return by_token

    def wander(self, *paths: str) -> None:
        """Read these pages, and all that they link to."""
        waiting = list(paths)
        while waiting:
            path = urljoin(self.visit.path, waiting.pop())
            if path in self.seen:
                continue
            self.seen.add(path)
            answer = self.read(path)
            links = [answer.headers["Location"]] if "Location" in answer.headers else []
            if answer.mimetype == "text/html":
                links += map(unescape, re.findall(r'<(?:a|img)\b[^>]*\b(?:href|src)="(/tools/[^"#]*)', answer.text))
            waiting += [link for link in links if "/-/static/" not in link]

    def do(self, path: str, data: dict[str, object] | None = None) -> str:
        """Send a form; where it leads is returned."""
        answer = self.visit.post(path, data)
        assert answer.status_code == 303, f"{path}: {answer.status_code} {error_code(answer)}"
        return urlsplit(answer.headers["Location"]).path

    def _endpoint(self, path: str) -> str:
        return str(self.app.url_map.bind("tool.example.test").match(urlsplit(path).path)[0])


def test_every_page_of_every_tool_is_the_same_by_cookie_and_by_token(app: Flask, platform_before: Platform) -> None:
    def walk(claims: dict[str, Any]) -> Walk:
        return Walk(app, platform_before.visit(app.test_client(use_cookies=False), claims, cookie=False))

    choosing = walk(platform_before.deep_linking_claims())
    choosing.wander("")
    choosing.visit.path = f"/tools/diagnostic/{choosing.visit.launch_id}/"
    report = upload(choosing)
    choosing.wander(report)
    draft = choosing.do(report, {"rows": "all"})
    choosing.wander(draft)
    published = choosing.visit.post(draft, {"title": "Taster", "go": "publish"})
    assert 'name="JWT"' in published.get_data(as_text=True)

    teacher = walk(platform_before.claims(**OPENS, **TEACHES))
    teacher.do("settings", RULES)
    learner = walk(platform_before.claims(**OPENS))
    learner.wander("")
    where = learner.do("start")
    while where.endswith("/rating") or "/q/" in where:
        page = learner.read(where).get_data(as_text=True)
        learner.wander("more-time")
        where = learner.do(where, dict.fromkeys(FIELD.findall(page), "1"))
    learner.wander(where)
    learner.do("submit")
    learner.wander("", "sitting/1")

    teacher.wander("")
    revised = teacher.do("revise")
    teacher.wander(revised)
    previews = [path for path in teacher.seen if re.search(r"/preview/[0-9]+/$", path)]
    teacher.wander(teacher.do(f"{previews[0]}start"))
    competencies = [path for path in teacher.seen if re.search(r"/editor/[0-9]+/competencies/[0-9]+$", path)]
    editor, _, row = competencies[0].partition("/competencies/")
    teacher.wander(f"{editor}/new?competency={row}&kind=single")
    with writing(app):
        picture = files.put(1, "diagnostic", b64decode(DOT), media_type="image/png", name="dot.png")
    teacher.read(f"/tools/-/{teacher.visit.launch_id}/files/{picture.id}")
    of_course = {"resource_link": {"id": "course-1", "title": "Course One"}}
    course = walk(platform_before.claims(**TEACHES | of_course | {"roles": [INSTRUCTOR, ADMINISTRATOR]}))
    course.wander("")

    offered, giver, holder = badge_pages(app, platform_before, walk)

    every = {rule.endpoint for rule in launch_pages(app) if "GET" in (rule.methods or ())}
    seen = set().union(*(each.endpoints for each in (choosing, teacher, learner, course, offered, giver, holder)))
    assert every - seen == {"badges.static", "diagnostic.static"}, "pages that this test has not seen"


def badge_pages(app: Flask, platform: Platform, walk: Callable[[dict[str, Any]], Walk]) -> tuple[Walk, Walk, Walk]:
    """A badge is made while choosing, described, published, and given to a learner."""
    choosing = walk(platform.deep_linking_claims())
    choosing.visit.path = f"/tools/badges/{choosing.visit.launch_id}/"
    choosing.wander("")
    assert 'name="JWT"' in choosing.visit.post("new", {"name": "Care", "language": "en"}).get_data(as_text=True)
    with writing(app):
        made = achievements.find(1, "care")
        assert made is not None
        content = MicroCredential(language="en", name="Care", description="Takes care.", outcomes=("Cares",))
        achievements.save(achievements.draft_of(1, made.id), content)
        achievements.publish(1, made.id)
        rules.save(1, made.id, None, Terms(outside=(Outside("First aid", "did:web:aid.example", ""),)))
    opens: dict[str, Any] = {"custom": {"activity": "badges:care"}, "resource_link": {"id": "link-9", "title": "Care"}}
    learner = walk(platform.claims(**opens))
    learner.wander("")
    teacher = walk(platform.claims(**opens, **TEACHES))
    teacher.wander("")
    person = next(path for path in teacher.seen if re.search(r"/people/[0-9]+$", path))
    teacher.do(f"{person}/give", {"reason": "Work on paper."})
    while deliver(app):
        pass
    learner.read("")
    for path in ("own-badge.png", "own-badge.json"):
        learner.read(path)
    teacher.read("")
    teacher.read(f"design.svg?{urlencode(asdict(designing.drawn_of(design.default('Care'))))}")
    return choosing, teacher, learner


def upload(teacher: Walk) -> str:
    """A question file that waits for a decision; where that is made."""
    return teacher.do("new", {"title": "Taster", "language": "en", "file": (BytesIO(CONTENT.read_bytes()), "new.csv")})


def launch_pages(app: Flask) -> list[Rule]:
    """The addresses that belong to a launch."""
    return [rule for rule in app.url_map.iter_rules() if "launch_id" in rule.arguments]


def test_every_form_is_taken_with_the_token_or_with_the_proof_and_never_without(
    app: Flask, platform_before: Platform
) -> None:
    """What becomes of an empty form is the tool's affair; that it gets there is the host's."""
    visit = platform_before.visit(
        app.test_client(use_cookies=False), platform_before.deep_linking_claims(), cookie=False
    )
    with_cookie = app.test_client()
    with_cookie.set_cookie(COOKIE, visit.token, domain="tool.example.test", secure=True)
    foreign = {"launch-other-browser", "form-stale"}
    posts = [rule for rule in launch_pages(app) if "POST" in (rule.methods or ())]
    assert len(posts) > 20
    for rule in sorted(posts, key=lambda rule: rule.endpoint == "visit.end"):
        values = dict.fromkeys(rule.arguments, 1) | {"launch_id": visit.launch_id, "kind": "single", "ending": "png"}
        path = app.url_map.bind("tool.example.test").build(rule.endpoint, values, method="POST")
        assert error_code(with_cookie.post(path, base_url=PUBLIC_URL)) == "form-stale", path
        assert error_code(app.test_client().post(path, base_url=PUBLIC_URL)) == "launch-other-browser", path
        assert error_code(visit.post(path)) not in foreign, path
