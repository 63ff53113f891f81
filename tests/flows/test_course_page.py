"""The page of a course: which launches open it, what it says to whom, and the way into an activity and back."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template
from flask.testing import FlaskClient
from sqlalchemy import select

from ltitools.db import session
from ltitools.models import Launch as LaunchRow
from ltitools.models import Link as LinkRow
from ltitools.plugin import Launch, Link, Plugin, Progress
from ltitools.services import activities, tenants
from ltitools.testing import (
    INSTRUCTOR,
    LEARNER,
    PUBLIC_URL,
    Platform,
    Visit,
    ags_claim,
    error_code,
    statements,
    writing,
)
from probe import make_probe

CONTENT = Path(__file__).parent.parent.parent / "config" / "demo" / "ai-awareness-taster.csv"
MENTOR = "http://purl.imsglobal.org/vocab/lis/v2/membership#Mentor"
PAGE = {"custom": {"activity": "course"}, "resource_link": {"id": "page", "title": "All of it"}}
asked: list[tuple[bool, list[str]]] = []


def progress(launch: Launch, links: Sequence[Link]) -> Mapping[int, Progress]:
    """What a tool says of its activities, by the beginning of their titles."""
    asked.append((launch.is_instructor, [link.title for link in links]))
    if launch.is_instructor:
        return {link.id: Progress("", f"3 people have begun {link.title}.") for link in links}
    said = {
        "Essay": Progress("open", "Not begun yet.", datetime(2027, 3, 2, 14, tzinfo=UTC)),
        "Quiz": Progress("done", "Submitted."),
        "Exam": Progress("waiting", "Opens in May."),
    }
    return {link.id: said[word] for link in links if (word := link.title.split()[0]) in said}


def bare_page(_launch: Launch) -> str:
    """A page of a tool with nothing on it but what the host puts there."""
    return render_template("tool.html")


@pytest.fixture
def plugins() -> list[Plugin]:
    asked.clear()
    return [
        make_probe(progress=progress, pick=bare_page),
        make_probe(key="plain", blueprint=None, pick=None, on_launch=bare_page),
    ]


@pytest.fixture
def placed(app: Flask, platform: Platform) -> list[str]:
    """Activities in Course One, each opened once by the teacher and by a learner."""
    titles = ["Quiz", "Essay", "Exam"]
    with writing(app):
        tenant_id = tenants.by_key("acme").id
        for title in titles:
            activities.create(tenant_id, "probe", title.lower(), title)
    for title in titles:
        open_in_lms(app, platform, title)
        open_in_lms(app, platform, title, sub="learner-9", roles=[LEARNER])
    return titles


def open_in_lms(app: Flask, platform: Platform, title: str, **changes: Any) -> Visit:
    values = {
        "sub": "teacher-1",
        "roles": [INSTRUCTOR],
        "resource_link": {"id": f"link-{title}", "title": title},
        "custom": {"activity": f"probe:{title.lower()}"},
        **changes,
    }
    return platform.visit(app.test_client(), **values)


def text_of(visit: Visit) -> str:
    page = visit.get(course_of(visit))
    assert page.status_code == 200, error_code(page)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.get_data(as_text=True))))


def course_of(visit: Visit) -> str:
    return f"/tools/-/{visit.launch_id}/course"


def link_id(app: Flask, title: str) -> int:
    with app.app_context():
        return session.scalars(select(LinkRow.id).where(LinkRow.title == title)).one()


def enter(app: Flask, visit: Visit, title: str) -> Visit:
    """Press the button of an entry."""
    return Visit.of(visit.client, visit.post(f"{course_of(visit)}/open", {"link": str(link_id(app, title))}))


def test_what_only_instructors_have_opened_is_not_there_for_learners(
    app: Flask, platform: Platform, placed: list[str]
) -> None:
    """An exam that is still hidden in the LMS was tried by its teacher only."""
    with writing(app):
        activities.create(tenants.by_key("acme").id, "probe", "hidden", "Hidden")
    open_in_lms(app, platform, "Hidden", roles=[INSTRUCTOR, LEARNER])
    learner = platform.visit(app.test_client(), **PAGE)
    assert "Quiz" in text_of(learner)
    assert "Hidden" not in text_of(learner)
    refused = learner.post(f"{course_of(learner)}/open", {"link": str(link_id(app, "Hidden"))})
    assert error_code(refused) == "activity-unknown"
    assert "Hidden" in text_of(platform.visit(app.test_client(), **{**PAGE, "sub": "teacher-1", "roles": [INSTRUCTOR]}))
    open_in_lms(app, platform, "Hidden", sub="learner-9", roles=[LEARNER])
    assert "Hidden" in text_of(learner)


def test_a_link_with_the_custom_value_course_opens_the_page(app: Flask, platform: Platform) -> None:
    visit = platform.visit(app.test_client(), **PAGE)
    assert visit.get().headers["Location"] == course_of(visit)
    assert "All activities of this course" in text_of(visit)
    assert "Course One" in text_of(visit)


@pytest.mark.parametrize(
    "changes",
    [
        {"resource_link": {"id": "course-1", "title": "Course One"}},
        {"resource_link": {"id": "course-1", "title": "Course One"}, "custom": {"activity": "probe:quiz"}},
        {"https://www.instructure.com/placement": "course_navigation"},
    ],
    ids=["the course's own id", "a custom value is no binding", "the menu of the course"],
)
@pytest.mark.parametrize("role", [LEARNER, INSTRUCTOR])
def test_a_launch_from_course_navigation_opens_it_and_is_bound_to_no_activity(
    app: Flask, changes: dict[str, Any], role: str
) -> None:
    canvas = Platform("https://canvas.example.test")
    tenant, _ = canvas.register(app, family="canvas")
    with writing(app):
        activities.create(tenant.id, "probe", "quiz", "Quiz")
    for _ in range(2):
        visit = canvas.visit(app.test_client(), roles=[role], **changes)
        assert visit.get().headers["Location"] == course_of(visit)
        assert "There is no activity here yet." in text_of(visit)
        bind = visit.post(f"/tools/probe/{visit.launch_id}/place", {"slug": "quiz"})
        assert error_code(bind) in ("tool-unknown", "role-forbidden")
    with app.app_context():
        assert session.scalars(select(LinkRow)).one().activity_id is None
    canvas.close()


def test_a_link_that_was_made_by_hand_keeps_the_page_that_sets_it_up(app: Flask, platform: Platform) -> None:
    visit = platform.visit(app.test_client(), roles=[INSTRUCTOR])
    assert visit.get().headers["Location"].endswith(f"/tools/probe/{visit.launch_id}/")
    assert error_code(visit.get(course_of(visit))) == "page-unknown"


def test_a_learner_reads_what_is_open_and_what_is_done(app: Flask, platform: Platform, placed: list[str]) -> None:
    said = text_of(platform.visit(app.test_client(), **PAGE))
    groups = ["To do now", "Essay", "Not begun yet.", "Begin or continue", "Not open now", "Exam", "Done", "Quiz"]
    places = [said.index(words) for words in groups]
    assert places == sorted(places), "in this order"
    assert "March 2, 2027, 2:00" in said
    assert "Add an activity" not in said
    assert asked == [(False, placed)], "each tool is asked once, for all of its links"


def test_a_french_learner_reads_french(app: Flask, platform: Platform, placed: list[str]) -> None:
    visit = platform.visit(app.test_client(), launch_presentation={"locale": "fr"}, **PAGE)
    said = text_of(visit)
    assert "Toutes les activités de ce cours" in said
    assert "2 mars 2027" in said


def test_an_instructor_reads_how_far_people_are_and_how_to_add(
    app: Flask, platform: Platform, placed: list[str]
) -> None:
    said = text_of(platform.visit(app.test_client(), roles=[INSTRUCTOR], **PAGE))
    assert all(f"3 people have begun {title}." in said for title in placed)
    assert "Add an activity" in said
    assert "To do now" not in said
    assert asked == [(True, placed)]


def test_who_neither_learns_nor_teaches_reads_titles_only(app: Flask, platform: Platform, placed: list[str]) -> None:
    visit = platform.visit(app.test_client(), roles=[MENTOR], **PAGE)
    said = text_of(visit)
    assert all(title in said for title in placed)
    assert asked == []
    assert f'action="{course_of(visit)}/open"' not in visit.get(course_of(visit)).get_data(as_text=True)
    answer = visit.post(f"{course_of(visit)}/open", {"link": str(link_id(app, "Quiz"))})
    assert (answer.status_code, error_code(answer)) == (403, "role-forbidden")


@pytest.mark.parametrize(
    ("role", "help_text"), [(LEARNER, "Your instructor adds"), (INSTRUCTOR, "as it is described below")]
)
def test_an_empty_course_is_explained(app: Flask, platform: Platform, role: str, help_text: str) -> None:
    assert help_text in text_of(platform.visit(app.test_client(), roles=[role], **PAGE))


def test_the_page_leads_into_an_activity_and_back(app: Flask, platform: Platform, placed: list[str]) -> None:
    column = {"endpoint": ags_claim("https://lms.example.test/items/1")}
    open_in_lms(app, platform, "Quiz", **column)
    page = platform.visit(app.test_client(), **PAGE)
    visit = enter(app, page, "Quiz")
    told = visit.get().json
    assert (told["activity"], told["can_grade"], told["is_learner"]) == ("quiz", True, True)
    assert visit.post("score", {"given": "40"}).json == {"state": "waiting"}
    assert "Quiz" in text_of(visit), "the page belongs to this visit too"
    further = enter(app, visit, "Essay")
    assert further.get().json["activity"] == "essay"


def test_the_header_of_an_activity_has_the_way_back_for_those_who_came_from_the_page(
    app: Flask, platform: Platform
) -> None:
    with writing(app):
        activities.create(tenants.by_key("acme").id, "plain", "notes", "Notes")
    notes = {"custom": {"activity": "plain:notes"}}
    open_in_lms(app, platform, "Notes", **notes, sub="learner-9", roles=[LEARNER])
    alone = open_in_lms(app, platform, "Notes", **notes)
    assert f'href="{course_of(alone)}"' not in alone.get().get_data(as_text=True)
    visit = enter(app, platform.visit(app.test_client(), **PAGE), "Notes")
    assert f'href="{course_of(visit)}"' in visit.get().get_data(as_text=True)
    assert f'href="{course_of(visit)}"' not in visit.get(course_of(visit)).get_data(as_text=True)


def test_a_visit_from_the_page_is_the_same_persons_and_ends_with_it(
    app: Flask, platform: Platform, placed: list[str]
) -> None:
    page = platform.visit(app.test_client(), **PAGE)
    visit = enter(app, page, "Quiz")
    with app.app_context():
        first, second = (session.get_one(LaunchRow, each.launch_id) for each in (page, visit))
        same = ("person_id", "course_id", "roles", "browser_hash", "expires_at", "registration_id", "locale")
        assert [getattr(first, name) for name in same] == [getattr(second, name) for name in same]
        assert (second.placement, second.plugin) == ("course_page", "probe")
    stranger = app.test_client()
    assert error_code(stranger.get(visit.path, base_url=PUBLIC_URL)) == "launch-other-browser"


def test_a_link_of_another_course_or_institution_is_refused(app: Flask, platform: Platform, placed: list[str]) -> None:
    other_course = {"context": {"id": "course-2", "title": "Course Two"}}
    open_in_lms(app, platform, "Quiz", **other_course, resource_link={"id": "elsewhere", "title": "Elsewhere"})
    neighbour = Platform("https://other.example.test")
    tenant, _ = neighbour.register(app, "beta")
    with writing(app):
        activities.create(tenant.id, "probe", "quiz", "Quiz")
    open_in_lms(app, neighbour, "Quiz", resource_link={"id": "theirs", "title": "Theirs"})
    page = platform.visit(app.test_client(), **PAGE)
    said = text_of(page)
    numbers = [str(link_id(app, title)) for title in ("Elsewhere", "Theirs", "All of it")]
    for number in (*numbers, "99999", "x", "", "-1", "9" * 30):
        answer = page.post(f"{course_of(page)}/open", {"link": number})
        assert (answer.status_code, error_code(answer)) == (404, "activity-unknown")
    assert "Elsewhere" not in said
    assert "Theirs" not in said
    neighbour.close()


def test_a_launch_of_one_activity_opens_no_other_one(app: Flask, platform: Platform, placed: list[str]) -> None:
    visit = open_in_lms(app, platform, "Quiz")
    answer = visit.post(f"{course_of(visit)}/open", {"link": str(link_id(app, "Essay"))})
    assert (answer.status_code, error_code(answer)) == (404, "page-unknown")


def test_a_tool_that_is_switched_off_is_listed_but_not_opened(
    app: Flask, platform: Platform, placed: list[str]
) -> None:
    page = platform.visit(app.test_client(), **PAGE)
    with writing(app):
        tenants.set_plugin_enabled("acme", "probe", False)
    said = text_of(page)
    assert "Not available" in said
    assert all(title in said for title in placed)
    answer = page.post(f"{course_of(page)}/open", {"link": str(link_id(app, "Quiz"))})
    assert (answer.status_code, error_code(answer)) == (404, "tool-unknown")
    with app.app_context():
        assert session.scalars(select(LaunchRow).where(LaunchRow.placement == "course_page")).all() == []


def test_a_tool_that_fails_does_not_take_the_page_with_it(start_app: Callable[..., Flask], platform: Platform) -> None:
    def broken(_launch: Launch, _links: Sequence[Link]) -> Mapping[int, Progress]:
        raise ZeroDivisionError

    app = start_app([make_probe(progress=broken)])
    with writing(app):
        activities.create(tenants.by_key("acme").id, "probe", "quiz", "Quiz")
    open_in_lms(app, platform, "Quiz", sub="learner-9", roles=[LEARNER])
    assert "Quiz" in text_of(platform.visit(app.test_client(), **PAGE))


def test_the_page_takes_the_same_number_of_queries_for_any_number_of_links(app: Flask, platform: Platform) -> None:
    with writing(app):
        activities.create(tenants.by_key("acme").id, "probe", "quiz", "Quiz")

    def count() -> int:
        visit = platform.visit(app.test_client(), **PAGE)
        with statements(app) as sent:
            visit.get(course_of(visit))
        return len(sent)

    open_in_lms(app, platform, "Quiz")
    few = count()
    for number in range(12):
        link = {"id": f"more-{number}", "title": f"Quiz {number}"}
        open_in_lms(app, platform, "Quiz", resource_link=link)
    assert count() == few <= 2


def test_the_page_is_placed_by_deep_linking_without_a_column(
    app: Flask, platform: Platform, client: FlaskClient
) -> None:
    visit = platform.visit(client, platform.deep_linking_claims())
    picking = visit.get(visit.get().headers["Location"]).get_data(as_text=True)
    assert f'href="/tools/-/{visit.launch_id}/choose?all=1"' in picking
    assert "Or the whole course" in visit.get(f"{visit.path}?all=1").get_data(as_text=True)
    answer = visit.post(f"{course_of(visit)}/place").get_data(as_text=True)
    assert "All activities of this course" in answer
    token = answer.partition('name="JWT" value="')[2].partition('"')[0]
    item = only_item(token)
    assert item["custom"] == {"activity": "course"}
    assert "lineItem" not in item
    again = visit.post(f"{course_of(visit)}/place")
    assert error_code(again) == "selection-used"


def only_item(token: str) -> dict[str, Any]:
    """The content item of a deep linking answer."""
    part = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    (item,) = claims["https://purl.imsglobal.org/spec/lti-dl/claim/content_items"]
    return dict(item)


def test_a_link_that_was_made_by_hand_can_become_the_page(app: Flask, platform: Platform) -> None:
    visit = platform.visit(app.test_client(), roles=[INSTRUCTOR])
    assert "Or the whole course" in visit.get(f"/tools/-/{visit.launch_id}/choose?all=1").get_data(as_text=True)
    placed = visit.post(f"{course_of(visit)}/place")
    assert placed.status_code == 303
    assert "All activities of this course" in text_of(visit)
    learner = platform.visit(app.test_client())
    assert "There is no activity here yet." in text_of(learner)


def test_only_an_instructor_places_the_page_and_never_over_an_activity(
    app: Flask, platform: Platform, placed: list[str]
) -> None:
    learner = platform.visit(app.test_client(), resource_link={"id": "bare", "title": "Bare"})
    assert error_code(learner.post(f"{course_of(learner)}/place")) == "role-forbidden"
    teacher = open_in_lms(app, platform, "Quiz")
    assert error_code(teacher.post(f"{course_of(teacher)}/place")) == "selection-used"
    assert open_in_lms(app, platform, "Quiz").get().json["activity"] == "quiz"


def test_forms_of_the_page_carry_their_proof(app: Flask, platform: Platform, placed: list[str]) -> None:
    page = platform.visit(app.test_client(), **PAGE)
    forged = page.client.post(f"{course_of(page)}/open", data={"link": str(link_id(app, "Quiz"))}, base_url=PUBLIC_URL)
    assert error_code(forged) == "form-stale"
    shown = page.get(course_of(page)).get_data(as_text=True)
    forms, proofs = re.findall(r"<form[^>]*>", shown), shown.count('name="_form"')
    assert proofs == len(forms) == len(placed) + 3, "one for each entry, the window, the language, the end"


@pytest.fixture
def assessed(start_app: Callable[..., Flask], platform: Platform) -> Flask:
    """The installed tools, with a pre-assessment that is published."""
    app = start_app()
    command = app.extensions["ltitools.plugins"]["diagnostic"].cli
    arguments = ["import", str(CONTENT), "--tenant", "acme", "--slug", "taster", "--title", "Taster", "--json"]
    with writing(app):
        command.main(arguments, standalone_mode=False)
    return app


def test_a_pre_assessment_says_how_far_people_are(assessed: Flask, platform: Platform) -> None:
    opens = {"custom": {"activity": "diagnostic:taster"}, "resource_link": {"id": "link-1", "title": "Taster"}}
    learner, teacher = assessed.test_client(), assessed.test_client()
    teaches = {"roles": [INSTRUCTOR], "sub": "teacher-1"}
    platform.visit(teacher, **opens, **teaches)
    platform.visit(learner, **opens)
    assert "You have not begun yet." in text_of(platform.visit(learner, **PAGE))
    assert "Nobody has begun yet." in text_of(platform.visit(teacher, **PAGE, **teaches))
    assert platform.visit(learner, **opens).post("start").status_code == 303
    assert "Answered: 0 of 12." in text_of(platform.visit(learner, **PAGE))
    assert "Begun by 1 person, submitted by 0." in text_of(platform.visit(teacher, **PAGE, **teaches))
    assert platform.visit(learner, **opens).post("submit").status_code == 303
    assert "Submitted. You can read your results." in text_of(platform.visit(learner, **PAGE))
    assert "Begun by 1 person, submitted by 1." in text_of(platform.visit(teacher, **PAGE, **teaches))


@pytest.mark.parametrize("role", [LEARNER, INSTRUCTOR])
def test_a_pre_assessment_is_asked_in_a_fixed_number_of_queries(assessed: Flask, platform: Platform, role: str) -> None:
    counts = []
    for number in (1, 2, 9):
        for each in range(number):
            link = {"id": f"link-{number}-{each}", "title": f"Taster {number}.{each}"}
            opened = platform.visit(
                assessed.test_client(), custom={"activity": "diagnostic:taster"}, resource_link=link
            )
            opened.post("start")
        visit = platform.visit(assessed.test_client(), roles=[role], **PAGE)
        with statements(assessed) as sent:
            visit.get(course_of(visit))
        counts.append(len(sent))
    assert counts[0] == counts[1] == counts[2] <= 6
