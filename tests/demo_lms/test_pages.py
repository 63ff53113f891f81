"""The pages: each one in both languages, and what they promise to people and to browsers."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.demo_lms.conftest import MakeRig, Rig

PAGES = [
    ("", "/", "Who would you like to be?", "Qui voulez-vous être ?"),
    ("therese", "/courses", "Your courses", "Vos cours"),
    ("therese", "/courses/1", "More for teachers", "Plus d’options"),
    ("therese", "/courses/2", "This course is still empty", "Ce cours est encore vide"),
    ("therese", "/courses/1/add", "Choose below what to add.", "Choisissez ci-dessous"),
    ("therese", "/courses/1/add-by-hand", "Custom parameters (optional)", "Paramètres personnalisés"),
    ("therese", "/activities/1/edit", "Edit Activity", "Modifier Activity"),
    ("therese", "/activities/1/delete", "This cannot be undone.", "irréversible"),
    ("therese", "/courses/1/copy", "Copy into", "Copier dans"),
    ("therese", "/courses/1/gradebook", "Test student", "Compte d’essai"),
    ("therese", "/courses/2/gradebook", "There are no columns yet", "Il n’y a pas encore de colonnes"),
    ("therese", "/courses/1/gradebook/1/6", "What the tool has sent", "Ce que l’outil a envoyé"),
    ("therese", "/courses/1/members", "E-mail", "Courriel"),
    ("ben", "/courses/1", "Activities", "Activités"),
    ("ben", "/courses/1/grades", "My grades", "Mes notes"),
    ("ben", "/courses/1/returned", "Back from the tool", "De retour de l’outil"),
    ("ben", "/activities/1", "Open in a new window", "Ouvrir dans une nouvelle fenêtre"),
    ("ben", "/activities/2", "a window of its own", "sa propre fenêtre"),
    ("ben", "/activities/3", "Not open now", "Fermée pour le moment"),
    ("ben", "/activities/1/launch", "One moment", "Un instant"),
    ("noor", "/keys", "What this campus knows of the tool", "Ce que ce campus sait de l’outil"),
    ("", "/courses", "You are not signed in", "Vous n’avez pas ouvert de session"),
    ("", "/nowhere", "There is no such page", "Cette page n’existe pas"),
]


@pytest.fixture
def campus(make_rig: MakeRig) -> Rig:
    rig = make_rig("moodle")
    column = rig.add_activity(due_at="2026-12-01T12:00:00Z", text="Before <b>we</b> start")["line_item"]
    rig.add_activity(title="In a window", target="window", graded=False)
    rig.add_activity(title="Later", opens_at="2027-01-01T00:00:00Z")
    rig.send_score(column, comment="Well done")
    return rig


@pytest.mark.parametrize(("person", "path", "english", "french"), PAGES, ids=[f"{p[0]}{p[1]}" for p in PAGES])
def test_every_page_speaks_english_and_french(campus: Rig, person: str, path: str, english: str, french: str) -> None:
    if person:
        campus.sign_in(person)
    for locale, sentence in (("en", english), ("fr", french)):
        campus.post("/language", locale=locale, next="/")
        page = campus.browser.get(path).text.replace("\u00a0", " ").replace("\u202f", " ")
        assert f'<html lang="{locale}">' in page
        assert sentence in page


@pytest.mark.parametrize(("person", "path"), [(p[0], p[1]) for p in PAGES], ids=[f"{p[0]}{p[1]}" for p in PAGES])
def test_every_page_is_whole_without_scripts_and_styles_in_it(campus: Rig, person: str, path: str) -> None:
    if person:
        campus.sign_in(person)
    response = campus.browser.get(path)
    page = response.text
    assert len(re.findall(r"<h1[ >]", page)) == 1
    assert not re.search(r"<style|style=|<script(?! src=)| on[a-z]+=", page)
    levels = [int(level) for level in re.findall(r"<h([1-6])[ >]", page)]
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    policy = response.headers["Content-Security-Policy"]
    assert "frame-src 'self' http://tool.localhost:8200;" in policy
    assert "frame-ancestors 'self'" in policy
    assert "unsafe" not in policy


def test_a_person_is_greeted_in_their_own_language(campus: Rig) -> None:
    campus.sign_in("amelie")
    assert "Mes notes" in campus.page("/courses/1")
    campus.sign_in("ben")
    assert "My grades" in campus.page("/courses/1")


def test_a_visitor_is_greeted_in_the_browsers_language(campus: Rig) -> None:
    page = campus.browser.get("/", headers={"Accept-Language": "fr-CA,en;q=0.5"}).text
    assert '<html lang="fr">' in page


def test_the_language_switch_leads_back_to_the_page_and_nowhere_else(campus: Rig) -> None:
    campus.sign_in("ben")
    assert campus.post("/language", locale="fr", next="/courses/1").headers["Location"] == "/courses/1"
    for elsewhere in ("//evil.example", "http://evil.example", "/\\evil.example", ""):
        assert campus.post("/language", locale="fr", next=elsewhere).headers["Location"] == "/"


def test_a_learner_sees_a_grade_with_its_comment(campus: Rig) -> None:
    campus.sign_in("ben")
    page = campus.page("/courses/1/grades")
    assert "<strong>80</strong> / 100" in page
    assert "Well done" in page
    assert "Your grade: 80 out of 100" in campus.page("/activities/1")


def test_numbers_are_written_as_the_language_does(campus: Rig) -> None:
    campus.sign_in("therese")
    campus.post("/courses/1/gradebook/1/6", score="82,5")
    assert "82,5" in campus.page("/courses/1/gradebook")
    campus.post("/language", locale="en", next="/")
    assert "82.5" in campus.page("/courses/1/gradebook")


def test_an_activity_is_framed_in_the_page_with_a_name_and_the_tools_origin(campus: Rig) -> None:
    campus.sign_in("ben")
    page = campus.page("/activities/1")
    frame = re.search(r"<iframe [^>]*>", page)
    assert frame is not None
    assert 'title="Activity"' in frame[0]
    assert 'src="/activities/1/launch"' in frame[0]
    assert 'data-tool-origin="http://tool.localhost:8200"' in frame[0]
    assert "microphone http://tool.localhost:8200" in frame[0]


def test_an_activity_that_is_not_open_opens_for_teachers_only(campus: Rig) -> None:
    campus.sign_in("ben")
    assert campus.browser.get("/activities/3/launch").status_code == 403
    campus.sign_in("arun")
    assert campus.browser.get("/activities/3/launch").status_code == 200


def test_an_activity_in_a_window_says_so_to_the_tool(campus: Rig) -> None:
    campus.sign_in("ben")
    page = campus.page("/activities/2")
    assert "<iframe" not in page
    assert 'href="/activities/2/launch?target=window"' in page
    form = campus.form(campus.browser.get("/activities/2/launch?target=window"))
    claims = campus.claims(form)
    presentation = claims["https://purl.imsglobal.org/spec/lti/claim/launch_presentation"]
    assert presentation["document_target"] == "window"


def test_text_of_the_tool_is_shown_as_text(campus: Rig) -> None:
    campus.sign_in("ben")
    assert "Before we start" in campus.page("/activities/1")
    page = campus.page("/courses/1/returned?lti_errormsg=%3Cb%3EOops%3C/b%3E")
    assert "The tool says: &lt;b&gt;Oops&lt;/b&gt;" in page


def test_somebody_of_another_course_is_told_so(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.sign_in("dana")
    response = rig.browser.get("/courses/2")
    assert response.status_code == 403
    assert "You are not in this course" in response.text


def test_the_keys_page_is_for_the_administrator(campus: Rig) -> None:
    campus.sign_in("ben")
    assert campus.browser.get("/keys").status_code == 403
    campus.sign_in("noor")
    page = campus.page("/keys")
    for value in ("client-1", "http://lms.localhost:8100/lti/token", "http://tool.localhost:8200/lti/jwks"):
        assert value in page
    assert '"d":' not in page


def test_an_lms_without_a_tool_says_what_is_missing(make_rig: MakeRig) -> None:
    rig = make_rig(tool=None)
    assert "No tool is registered yet" in rig.page("/")
    rig.sign_in("arun")
    assert rig.browser.get("/courses/1/add").status_code == 409
    rig.add_activity()
    assert "The tool of this activity is not here" in rig.page("/activities/1")


def test_the_cookie_is_ours_alone_and_signing_out_ends_the_session(campus: Rig) -> None:
    campus.sign_in("ben")
    cookie = campus.browser.get_cookie("campus_demo", domain="localhost")
    assert cookie is not None
    assert (cookie.http_only, cookie.same_site) == (True, "Lax")
    campus.post("/sign-out")
    assert campus.browser.get("/courses").status_code == 403


def test_there_are_no_levers_unless_asked_for(make_rig: MakeRig) -> None:
    rig = make_rig(control=False)
    for path in ("/control/state", "/control/launch"):
        assert rig.service.get(path).status_code == 404


def test_a_page_inside_a_page_goes_without_the_header(campus: Rig) -> None:
    campus.sign_in("ben")
    framed = campus.browser.get("/activities/3/launch", headers={"Sec-Fetch-Dest": "iframe"}).text
    assert "This activity is not open" in framed
    assert '<header class="top">' not in framed
    assert 'target="_top"' in framed
