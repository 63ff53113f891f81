"""An instructor's pages: making a pre-assessment, placing it, and following what comes of it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from ltitools.plugin import session
from ltitools.testing import INSTRUCTOR, Platform, Visit, ags_claim, error_code, writing

EXAMPLE = Path(__file__).parents[1] / "ltitools_diagnostic" / "static" / "example.csv"
COLUMN = ags_claim("https://lms.example.test/lineitems/1", "https://lms.example.test/lineitems")
LEARNER = "http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"
TEST_USER = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"

Enter = Callable[..., Visit]
Choose = Callable[..., Visit]
Publish = Callable[..., str]
Rows = Callable[..., list[Any]]
MakeBank = Callable[..., bytes]


def of(visit: Visit, path: str = "") -> str:
    return unescape(visit.get(path).get_data(as_text=True))


def upload(visit: Visit, content: bytes, title: str = "Before you begin", name: str = "bank.csv") -> str:
    """Upload a file; returns the address of its report."""
    form = {"title": title, "language": "en", "file": (io.BytesIO(content), name)}
    response = visit.post("new", form)
    assert response.status_code == 303, response.get_data(as_text=True)
    return response.headers["Location"]


def draft_of(visit: Visit, content: bytes) -> str:
    """Upload a file and make the draft; returns the address of the draft."""
    return visit.post(upload(visit, content), {"rows": "all"}).headers["Location"]


def finish(visit: Visit) -> None:
    visit.post("start")
    visit.post("submit")


def test_the_first_choice_explains_that_there_is_nothing_yet(choose: Choose) -> None:
    page = of(choose())
    assert "no published pre-assessment yet" in page
    assert "Upload questions" in page
    assert "Cancel" in page


def test_the_example_to_download_is_imported_without_a_word(choose: Choose) -> None:
    visit = choose()
    path = re.search(r'href="([^"]*example\.csv)"', of(visit, "new"))
    assert path
    response = visit.get(path[1])
    page = of(visit, upload(visit, response.get_data()))
    response.close()
    assert "12 questions can be imported." in page
    assert "Worth knowing" not in page
    assert "Too few" not in page


def test_choose_upload_preview_publish_and_add_to_the_course(choose: Choose, rows: Rows) -> None:
    visit = choose()
    draft = draft_of(visit, EXAMPLE.read_bytes())
    settings = {"title": "What do you know?", "per_competency": "4"}
    preview = visit.post(draft, {**settings, "go": "preview"}).headers["Location"]
    page = of(visit, preview)
    assert "Nothing you do here counts" in page
    assert "8 questions on 2 competencies" in page
    page = of(visit, draft)
    assert "A competency needs at least 6 questions" in page
    answer = visit.post(draft, {**settings, "per_competency": "", "go": "publish"}).get_data(as_text=True)
    assert 'action="https://lms.example.test/return?course=1"' in answer
    [activity] = rows("SELECT slug, title, owner_course_id FROM activity")
    assert (activity["slug"], activity["title"]) == ("before-you-begin", "What do you know?")
    assert activity["owner_course_id"] is not None
    [version] = rows("SELECT number, state, per_competency FROM diagnostic_version")
    assert dict(version) == {"number": 1, "state": "published", "per_competency": None}


def test_a_published_one_can_be_taken_by_another_course_and_is_not_its_own(
    choose: Choose, publish: Publish, enter: Enter
) -> None:
    activity = publish(course="course-1")
    visit = choose(course="course-2")
    page = of(visit)
    assert "Before you begin" in page
    assert "12 questions" in page
    assert "belongs to the course “Title of course-1”" in page
    assert "Passwords; Suspicious messages" in page
    chosen = re.search(r'name="activity" value="(\d+)"', page)
    assert chosen
    assert 'name="JWT"' in visit.post("place", {"activity": chosen[1]}).get_data(as_text=True)
    board = enter(activity, as_=INSTRUCTOR, course="course-2", link="link-2")
    assert "belongs to the course “Title of course-1” and can be changed there only" in of(board)
    assert "Upload a new version" not in of(board)
    assert error_code(board.get("new")) == "diagnostic-other-course"
    assert error_code(board.post("revise")) == "diagnostic-other-course"
    assert "belongs to this course" in of(choose(course="course-1"))


def test_nothing_chosen_is_told_and_nothing_is_placed(choose: Choose, publish: Publish) -> None:
    publish()
    response = choose().post("place", {"activity": "999"})
    assert response.status_code == 422
    assert '<a href="#activity">Choose one of the pre-assessments.</a>' in response.get_data(as_text=True)


def test_cancel_returns_to_the_lms_with_nothing(choose: Choose) -> None:
    assert "https://lms.example.test/return" in choose().post("cancel").get_data(as_text=True)


def test_a_link_without_an_activity_is_set_up_by_its_first_instructor(enter: Enter, choose: Choose) -> None:
    visit = enter(as_=INSTRUCTOR)
    visit.path = visit.get().headers["Location"]
    assert "Cancel" not in of(visit)
    draft = draft_of(visit, EXAMPLE.read_bytes())
    response = visit.post(draft, {"title": "Set up", "per_competency": "", "go": "publish"})
    assert response.status_code == 303
    assert "Nobody has begun yet." in of(visit, response.headers["Location"])
    assert "12 questions on 2 competencies" in of(enter())


def test_a_draft_that_was_left_is_offered_again_to_its_course_only(choose: Choose) -> None:
    left = choose()
    draft_of(left, EXAMPLE.read_bytes())
    page = of(choose())
    assert "Drafts of this course" in page
    address = re.search(r'href="[^"]*/(draft/\d+)"', page)
    assert address
    assert choose().get(address[1]).status_code == 200
    stranger = choose(course="course-2")
    assert "Drafts of this course" not in of(stranger)
    assert error_code(stranger.get(address[1])) == "diagnostic-version-gone"
    assert error_code(stranger.post(address[1], {"title": "x"})) == "diagnostic-version-gone"


def test_what_is_missing_in_the_upload_form_is_listed_with_links_to_the_fields(choose: Choose) -> None:
    response = choose().post("new", {"title": " ", "language": "fr"})
    page = response.get_data(as_text=True)
    assert response.status_code == 422
    assert '<a href="#title">' in page
    assert '<a href="#file">' in page
    assert page.count('aria-invalid="true"') == 2
    assert re.search(r'value="fr" checked', page)


def test_errors_store_nothing_unless_the_good_rows_are_wanted(choose: Choose, bank: MakeBank, rows: Rows) -> None:
    content = bank(
        {"competency": "one", "question": "Good?", "answer": "x"},
        {"competency": "one", "question": "", "answer": "y"},
    )
    visit = choose()
    report = upload(visit, content)
    page = of(visit, report)
    assert "1 thing has to be corrected." in page
    assert "The question is empty." in page
    assert "Import the 1 good question" in page
    visit.post(report, {"rows": "all"})
    assert rows("SELECT id FROM activity") == []
    draft = visit.post(report, {"rows": "good"}).headers["Location"]
    assert "Draft: settings and publication" in of(visit, draft)
    assert len(rows("SELECT id FROM diagnostic_item")) == 1
    assert rows("SELECT id FROM diagnostic_upload") == []
    assert error_code(visit.get(report)) == "diagnostic-upload-gone"


def test_a_spreadsheet_by_mistake_is_told_how_to_save_it(choose: Choose) -> None:
    visit = choose()
    page = of(visit, upload(visit, b"PK\x03\x04 and so on", name="bank.xlsx"))
    assert "choose “Save as” and the type “CSV UTF-8”" in page
    assert "good row" not in page


def test_a_later_upload_replaces_the_earlier_file_and_the_draft(
    choose: Choose, publish: Publish, enter: Enter, rows: Rows
) -> None:
    activity = publish()
    visit = enter(activity, as_=INSTRUCTOR, person="grace")
    upload(visit, EXAMPLE.read_bytes())
    first = draft_of(visit, EXAMPLE.read_bytes())
    preview = visit.post(first, {"title": "T", "go": "preview"}).headers["Location"]
    finish_preview(visit, preview)
    draft_of(visit, EXAMPLE.read_bytes())
    states = rows("SELECT number, state FROM diagnostic_version ORDER BY number")
    assert [tuple(row.values()) for row in states] == [(1, "published"), (2, "draft")]
    assert len(rows("SELECT id FROM diagnostic_item")) == 24
    assert rows("SELECT id FROM diagnostic_attempt") == []


def finish_preview(visit: Visit, preview: str) -> None:
    visit.post(preview + "start")
    visit.post(preview + "q/1", {"answer-1": "0"})
    visit.post(preview + "submit")


def test_a_preview_counts_nowhere_and_can_be_begun_again(enter: Enter, publish: Publish, rows: Rows) -> None:
    visit = enter(publish(), as_=INSTRUCTOR, endpoint=COLUMN)
    preview = re.search(r'href="[^"]*/(preview/\d+/)"', of(visit))
    assert preview
    finish_preview(visit, preview[1])
    assert "Your results" in of(visit, preview[1])
    assert rows("SELECT id FROM grade") == []
    assert rows("SELECT id FROM evidence") == []
    assert rows("SELECT id FROM competency_result") == []
    assert "Nobody has begun yet." in of(visit)
    assert visit.post(preview[1] + "start").headers["Location"].endswith("/q/1")
    [attempt] = rows("SELECT preview, submitted_at, link_id FROM diagnostic_attempt")
    assert (bool(attempt["preview"]), attempt["submitted_at"], attempt["link_id"]) == (True, None, None)


def test_a_new_version_counts_for_those_who_begin_after_it(
    enter: Enter, publish: Publish, bank: MakeBank, rows: Rows
) -> None:
    activity = publish()
    early = enter(activity, person="early")
    early.post("start")
    visit = enter(activity, as_=INSTRUCTOR)
    draft = draft_of(visit, bank({"competency": "new", "question": "New?", "answer": "x"}))
    assert "A draft, version 2, waits for publication." in of(visit)
    assert "12 questions" in of(enter(activity, person="meanwhile"))
    assert visit.post(draft, {"title": "Renamed", "go": "publish"}).status_code == 303
    assert "1 question on 1 competency" in of(enter(activity, person="late"))
    assert "Question 12 of 12" in of(early, "q/12")
    early.post("submit")
    assert len(rows("SELECT id FROM diagnostic_result")) == 2
    board = of(visit)
    assert "Version 2" in board
    assert ">Suspicious messages</th>" in board
    assert ">new</th>" in board


def test_a_published_version_is_never_changed(enter: Enter, publish: Publish) -> None:
    visit = enter(publish(), as_=INSTRUCTOR)
    response = visit.post("draft/1", {"title": "x", "go": "stay"})
    assert (response.status_code, error_code(response)) == (409, "diagnostic-version-published")


def test_settings_change_by_a_new_version_with_the_same_questions(enter: Enter, publish: Publish) -> None:
    activity = publish()
    visit = enter(activity, as_=INSTRUCTOR)
    draft = visit.post("revise").headers["Location"]
    visit.post(draft, {"title": "Shorter", "per_competency": "3", "go": "publish"})
    page = of(visit)
    assert "6 questions for each person" in page
    assert "Too few questions to show these competencies (6 are needed): Passwords; Suspicious messages" in page
    learner = enter(activity)
    learner.post("start")
    assert "Question 1 of 6" in of(learner, "q/1")


@pytest.mark.parametrize("number", ["0", "-1", "many", "1.5", "201", "9999999"])
def test_a_number_of_questions_that_makes_no_sense_is_told(choose: Choose, number: str) -> None:
    visit = choose()
    draft = draft_of(visit, EXAMPLE.read_bytes())
    response = visit.post(draft, {"title": "", "per_competency": number, "go": "publish"})
    page = response.get_data(as_text=True)
    assert response.status_code == 422
    assert '<a href="#per_competency">' in page
    assert '<a href="#title">' in page


def test_the_dashboard_shows_everybody_and_counts_no_test_people(enter: Enter, publish: Publish) -> None:
    activity = publish()
    finish(enter(activity, person="ada", name="Ada", endpoint=COLUMN))
    halfway = enter(activity, person="ben", name="Ben")
    halfway.post("start")
    halfway.post("q/1", {"answer-1": "0"})
    enter(activity, person="cleo", name=None).post("start")
    finish(enter(activity, person="test", name="Test Student", as_=[LEARNER, TEST_USER], endpoint=COLUMN))
    page = of(enter(activity, as_=INSTRUCTOR))
    assert "3 people have begun, 1 has submitted." in page
    names = re.findall(r'<th scope="row"><a [^>]*>(Ada|Ben|Name not given by the LMS|Test Student)', page)
    assert names == ["Ada", "Ben", "Name not given by the LMS", "Test Student"]
    assert "(test person, not counted)" in page
    assert "In progress: " in page
    assert " of 12" in page
    assert "Opened, nothing answered" in page
    assert "Waiting for the LMS" in page
    summary = page.partition("Where people stood at their first attempt")[2].partition("</table>")[0]
    assert re.findall(r'<td class="number">(\d+)</td>', summary) == ["1", "0", "0", "1"] * 2


def test_results_of_another_link_are_not_shown(enter: Enter, publish: Publish) -> None:
    activity = publish()
    finish(enter(activity, link="link-2", course="course-2"))
    assert "Nobody has begun yet." in of(enter(activity, as_=INSTRUCTOR))


def test_what_the_lms_said_when_it_refused_a_grade_is_shown(enter: Enter, publish: Publish, app: Flask) -> None:
    activity = publish()
    finish(enter(activity, endpoint=COLUMN))
    with writing(app):
        session.execute(text("UPDATE grade SET state = 'parked', problem = 'User not enrolled'"))
    assert "The LMS refused: User not enrolled" in of(enter(activity, as_=INSTRUCTOR))


def test_the_results_can_be_downloaded_and_opened_safely(enter: Enter, publish: Publish) -> None:
    activity = publish()
    finish(enter(activity, person="ada", name="=1+1", endpoint=COLUMN))
    response = enter(activity, as_=INSTRUCTOR).get("results.csv")
    assert response.headers["Content-Disposition"] == 'attachment; filename="before-you-begin-results.csv"'
    assert response.get_data().startswith(b"\xef\xbb\xbf")
    [row] = csv.DictReader(io.StringIO(response.get_data().decode("utf-8-sig"), newline=""))
    assert row["Name"] == "'=1+1"
    assert (row["State"], row["Answered"], row["Questions"], row["Score"]) == ("Submitted", "0", "12", "0.00000")
    assert (row["Counted"], row["Attempts"]) == ("yes", "1")
    assert (row["Passwords: level at first"], row["Passwords: level"]) == ("Gap", "Gap")
    assert float(row["Passwords: best share"]) == 0
    assert float(row["Passwords: probability"]) < 0.001
    assert row["Grade in the LMS"] == "Waiting for the LMS"


def test_the_questions_can_be_downloaded_and_uploaded_again(enter: Enter, publish: Publish, rows: Rows) -> None:
    visit = enter(publish(), as_=INSTRUCTOR)
    response = visit.get("bank/1.csv")
    assert response.headers["Content-Disposition"] == 'attachment; filename="before-you-begin-v1.csv"'
    draft_of(visit, response.get_data())
    assert len({row["digest"] for row in rows("SELECT digest FROM diagnostic_version")}) == 1


def test_another_institution_sees_nothing_of_it(
    enter: Enter, choose: Choose, publish: Publish, other_platform: Platform
) -> None:
    activity = publish()
    stranger = choose(through=other_platform)
    assert "no published pre-assessment yet" in of(stranger)
    assert stranger.post("place", {"activity": "1"}).status_code == 422
    for path in ("preview/1/", "preview/1/q/1", "bank/1.csv", "draft/1"):
        assert error_code(stranger.get(path)) == "diagnostic-version-gone"
    publish(through=other_platform)
    learner = enter(activity, through=other_platform)
    learner.post("start")
    learner.post("submit")
    assert "Nobody has begun yet." in of(enter(activity, as_=INSTRUCTOR))


def test_a_learner_waits_for_the_publication_without_blame(enter: Enter, choose: Choose) -> None:
    draft_of(choose(), EXAMPLE.read_bytes())
    page = of(enter("diagnostic:before-you-begin"))
    assert "Not ready yet" in page
    assert "Nothing is wrong on your side" in page
    board = of(enter("diagnostic:before-you-begin", as_=INSTRUCTOR))
    assert "Nothing is published yet" in board
    assert "Open the draft" in board


def test_every_page_of_an_instructor_speaks_french(enter: Enter, publish: Publish) -> None:
    visit = enter(publish(), as_=INSTRUCTOR)
    visit.post(f"/tools/-/{visit.launch_id}/language", {"locale": "fr", "back": visit.path})
    assert "Mots de passe" in of(visit, "preview/1/")
    assert "Personne n’a encore commencé." in of(visit)
    assert "Téléverser une nouvelle version" in of(visit, "new")
    report = upload(visit, b"competency,question\nx,y")
    assert "Cette colonne manque." in of(visit, report)
    header = visit.get("results.csv").get_data().decode("utf-8-sig").splitlines()[0]
    assert header.startswith("Nom,Courriel,Compté,État,Tentatives,")
