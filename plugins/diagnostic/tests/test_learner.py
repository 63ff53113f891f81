"""A learner's way through a pre-assessment, page by page."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest

from ltitools.testing import INSTRUCTOR, Visit, ags_claim, error_code

MENTOR = "http://purl.imsglobal.org/vocab/lis/v2/membership#Mentor"
TEST_USER = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"
LEARNER = "http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"
COLUMN = ags_claim("https://lms.example.test/lineitems/1", "https://lms.example.test/lineitems")

Enter = Callable[..., Visit]
Publish = Callable[..., str]
Sit = Callable[..., list[str]]
Rows = Callable[..., list[Any]]
MakeBank = Callable[..., bytes]


def secret_bank(make: MakeBank) -> bytes:
    """Seven questions of two competencies, one of each kind among them, with keys that can be searched for."""
    common = {"reason_a": "SECRET-reason-a", "reason_b": "SECRET-reason-b", "feedback": "SECRET-feedback"}
    choices = {"option_a": "wrong one", "option_b": "right one", "option_c": "right two"}
    return make(
        {"competency": "one", "type": "single", "question": "Single?", **choices, "answer": "b", **common},
        {"competency": "one", "type": "multiple", "question": "Multiple?", **choices, "answer": "b;c", **common},
        {"competency": "one", "type": "truefalse", "question": "Truth?", "answer": "false", **common},
        {"competency": "two", "type": "numeric", "question": "Number?", "answer": "48151.5", "tolerance": "0.0623"},
        {"competency": "two", "type": "text", "question": "Word?", "answer": "SECRET-word", "feedback": "SECRET-f"},
    )


def right(page: str) -> Any:
    """The right answer to the question on a page of `secret_bank`."""
    if "Number?" in page:
        return "48 151,5"
    if "Word?" in page:
        return "secret-WORD"
    if "Truth?" in page:
        return "1"
    places = [value for value, label in options(page) if label.startswith("right")]
    return places if "Multiple?" in page else next(v for v, label in options(page) if label == "right one")


def options(page: str) -> list[tuple[str, str]]:
    """Value and text of the options of a question page."""
    option = r'<input type="(?:radio|checkbox)"[^>]*value="(\d+)"[^>]*>\s*<span class="rich">(.*?)</span>'
    found = re.findall(option, page, re.S)
    return [(value, unescape(label)) for value, label in found]


def responses(rows: Rows) -> list[Any]:
    """The answers that are stored; SQLite hands JSON over as text."""
    stored = [one["response"] for one in rows("SELECT response FROM diagnostic_answer")]
    return [json.loads(one) if isinstance(one, str) else one for one in stored]


def of(visit: Visit, path: str = "") -> str:
    return unescape(visit.get(path).get_data(as_text=True))


def test_a_whole_sitting_with_every_answer_right(
    enter: Enter, publish: Publish, sit: Sit, rows: Rows, bank: MakeBank
) -> None:
    visit = enter(publish(secret_bank(bank)), endpoint=COLUMN)
    pages = sit(visit, right)
    assert "5 questions on 2 competencies" in pages[0]
    assert "Your score goes to the gradebook" in pages[0]
    assert "Question 3 of 5" in pages[3]
    assert "All questions are answered." in pages[-1]
    assert visit.post("submit").status_code == 303
    results = of(visit)
    assert "Overall score: 100 out of 100" in results
    assert "Grade in the course: Waiting for the LMS" in results
    assert "SECRET-reason-a" in results
    [grade] = rows("SELECT given, maximum, state, version FROM grade")
    assert (float(grade["given"]), float(grade["maximum"]), grade["state"]) == (100, 100, "waiting")
    evidence = rows("SELECT fraction, source, activity_id, link_id, course_id FROM evidence")
    assert [one["fraction"] for one in evidence] == [1.0] * 5
    assert len({one["source"] for one in evidence}) == 5
    assert all(one["activity_id"] and one["link_id"] and one["course_id"] for one in evidence)
    concluded = rows(
        "SELECT code, level FROM competency_result JOIN competency ON competency.id = competency_id ORDER BY code"
    )
    assert [(one["code"], one["level"]) for one in concluded] == [("one", "developing"), ("two", "developing")]


def test_twelve_right_answers_show_both_competencies(enter: Enter, publish: Publish, rows: Rows) -> None:
    visit = enter(publish(), endpoint=COLUMN)
    keys = {
        "long one that you": ["A long one that you use nowhere else"],
        "get access of": ["Help them to get access of their own"],
        "password be kept": ["In a password manager", "In your memory"],
        "leaked once": ["False"],
        "your bank asks": ["Open the bank’s site as you always do"],
        "opened an attachment": ["Tell the IT service now"],
        "signs of a suspicious": ["It puts you under time pressure", "Its link leads to an unknown address"],
        "can be forged": ["True"],
    }
    typed = {"lock screen": "20", "leave your desk": "Verrouiller", "200 people": "6,0", "pretends": "hameconnage"}

    def answer(page: str) -> Any:
        for words, text in typed.items():
            if words in page:
                return text
        wanted = next(labels for words, labels in keys.items() if words in page)
        return [value for value, label in options(page) if label in wanted]

    where = visit.post("start").headers["Location"]
    while "/q/" in where:
        page = unescape(visit.get(where).get_data(as_text=True))
        where = visit.post(where, {f"answer-{where.rpartition('/')[2]}": answer(page)}).headers["Location"]
    visit.post("submit")
    page = of(visit)
    assert page.count('<span class="level shown">Shown</span>') == 2
    assert page.count("Your answers show that you can already do this.") == 2
    assert {one["level"] for one in rows("SELECT level FROM competency_result")} == {"shown"}


def test_nothing_of_the_keys_is_on_any_page_before_submission(
    enter: Enter, publish: Publish, sit: Sit, bank: MakeBank
) -> None:
    visit = enter(publish(secret_bank(bank)))
    pages = sit(visit, right)
    for number in range(1, 6):
        pages.append(of(visit, f"q/{number}"))
        pages.append(visit.post(f"q/{number}", {f"answer-{number}": "nothing like a number"}).get_data(as_text=True))
    pages.append(of(visit))
    for page in pages:
        own_words = re.sub(r'value="[^"]*"', "", page)
        assert "SECRET" not in own_words
        assert "48151" not in own_words
        assert "0.0623" not in page


def test_the_value_of_an_option_is_its_place_on_the_page_and_not_its_column(
    enter: Enter, publish: Publish, sit: Sit, bank: MakeBank
) -> None:
    activity = publish(secret_bank(bank))
    orders = set()
    for number in range(8):
        pages = sit(enter(activity, person=f"p{number}"), right)
        shown = next(options(page) for page in pages if "Single?" in page)
        assert [value for value, _label in shown] == ["0", "1", "2"]
        orders.add(tuple(label for _value, label in shown))
    assert len(orders) > 1


def test_unanswered_questions_count_as_nothing_and_are_counted_before_submission(
    enter: Enter, publish: Publish, rows: Rows, bank: MakeBank
) -> None:
    visit = enter(publish(secret_bank(bank)), endpoint=COLUMN)
    visit.post("start")
    page = of(visit, "overview")
    assert "5 questions have no answer. They count as not known." in page
    visit.post("submit")
    [grade] = rows("SELECT given FROM grade")
    assert float(grade["given"]) == 0
    assert [one["fraction"] for one in rows("SELECT fraction FROM evidence")] == [0.0] * 5
    assert of(visit).count('<span class="verdict none">Not answered</span>') == 5


def test_partial_credit_reaches_the_grade_with_five_decimals(
    enter: Enter, publish: Publish, bank: MakeBank, rows: Rows
) -> None:
    columns = {f"option_{letter}": letter for letter in "abcd"}
    content = bank({"competency": "one", "question": "Which?", **columns, "answer": "a;b;c"})
    visit = enter(publish(content), endpoint=COLUMN)
    visit.post("start")
    chosen = [value for value, label in options(of(visit, "q/1")) if label in "ab"]
    visit.post("q/1", {"answer-1": chosen})
    visit.post("submit")
    [grade] = rows("SELECT given FROM grade")
    assert str(grade["given"]).startswith("66.66667")
    assert '<span class="verdict partly">Partly right</span>' in of(visit)


def test_an_abandoned_sitting_sends_nothing_and_goes_on_in_another_browser(
    enter: Enter, publish: Publish, rows: Rows, bank: MakeBank
) -> None:
    choices = {"competency": "one", "option_a": "x", "option_b": "y", "answer": "a"}
    activity = publish(bank({**choices, "question": "Which?"}, {**choices, "question": "Who?"}))
    first = enter(activity, endpoint=COLUMN)
    first.post("start")
    first.post("q/1", {"answer-1": "1"})
    second = enter(activity, endpoint=COLUMN)
    page = of(second)
    assert "You have answered 1 of 2 questions." in page
    assert re.search(r'<a class="button" href="[^"]*/q/2">Continue</a>', page)
    second.post("start")
    assert len(rows("SELECT id FROM diagnostic_attempt")) == 1
    assert 'value="1" checked>' in of(second, "q/1")
    assert rows("SELECT id FROM grade") == []
    assert rows("SELECT id FROM evidence") == []


def test_an_answer_can_be_changed_and_cleared(enter: Enter, publish: Publish, rows: Rows, bank: MakeBank) -> None:
    content = bank({"competency": "one", "question": "Which?", "option_a": "x", "option_b": "y", "answer": "a"})
    visit = enter(publish(content))
    visit.post("start")
    for place, label in options(of(visit, "q/1")):
        visit.post("q/1", {"answer-1": place})
        assert responses(rows) == [[0] if label == "x" else [1]]
    assert visit.post("q/1", {"go": "clear-1"}).headers["Location"].endswith("/q/1")
    assert responses(rows) == [None]
    assert "1 question has no answer." in of(visit, "overview")


def test_buttons_lead_back_on_and_to_the_overview_and_all_of_them_save(
    enter: Enter, publish: Publish, rows: Rows
) -> None:
    visit = enter(publish())
    visit.post("start")
    for go, ending in (("next", "/q/3"), ("back", "/q/1"), ("overview", "/overview")):
        assert visit.post("q/2", {"answer-2": "0", "go": go}).headers["Location"].endswith(ending)
    assert len(rows("SELECT id FROM diagnostic_answer")) == 1
    assert 'value="back"' not in of(visit, "q/1")
    assert visit.post("q/12", {"answer-12": "0"}).headers["Location"].endswith("/overview")


def test_what_is_no_number_is_told_next_to_the_field_and_kept_in_it(
    enter: Enter, publish: Publish, rows: Rows, bank: MakeBank
) -> None:
    visit = enter(publish(bank({"competency": "one", "question": "How many?", "answer": "3"})))
    visit.post("start")
    response = visit.post("q/1", {"answer-1": "about three"})
    page = response.get_data(as_text=True)
    assert response.status_code == 422
    assert 'role="alert"' in page
    assert '<a href="#answer-1">Question 1: Write the answer as a number only' in page
    assert 'value="about three"' in page
    assert 'aria-invalid="true"' in page
    assert rows("SELECT id FROM diagnostic_answer") == []


def test_an_endless_answer_is_refused(enter: Enter, publish: Publish, bank: MakeBank) -> None:
    visit = enter(publish(bank({"competency": "one", "question": "What?", "answer": "word"})))
    visit.post("start")
    assert visit.post("q/1", {"answer-1": "x" * 201}).status_code == 422


@pytest.mark.parametrize("answer", ["7", "99999999999999999999", "-1", "x", "²"])
def test_a_forged_option_is_no_answer(enter: Enter, publish: Publish, bank: MakeBank, rows: Rows, answer: str) -> None:
    content = bank({"competency": "one", "question": "Which?", "option_a": "x", "option_b": "y", "answer": "a"})
    visit = enter(publish(content))
    visit.post("start")
    assert visit.post("q/1", {"answer-1": answer}).status_code == 303
    assert responses(rows) == [None]


def test_a_question_that_the_form_does_not_have_is_not_found(enter: Enter, publish: Publish) -> None:
    visit = enter(publish())
    visit.post("start")
    assert [visit.get(f"q/{number}").status_code for number in (0, 13)] == [404, 404]


def test_submitting_twice_changes_nothing(enter: Enter, publish: Publish, rows: Rows) -> None:
    visit = enter(publish(), endpoint=COLUMN)
    visit.post("start")
    before = [visit.post("submit").status_code, rows("SELECT * FROM grade"), rows("SELECT id FROM evidence")]
    after = [visit.post("submit").status_code, rows("SELECT * FROM grade"), rows("SELECT id FROM evidence")]
    assert before == after


def test_an_answer_after_submission_is_refused_kindly_and_not_stored(
    enter: Enter, publish: Publish, rows: Rows
) -> None:
    visit = enter(publish())
    visit.post("start")
    visit.post("submit")
    stored = rows("SELECT * FROM diagnostic_answer")
    response = visit.post("q/1", {"answer-1": "0"})
    assert response.status_code == 409
    assert "Already submitted" in response.get_data(as_text=True)
    assert rows("SELECT * FROM diagnostic_answer") == stored


def test_pages_of_a_sitting_lead_to_its_start_or_its_results(enter: Enter, publish: Publish) -> None:
    visit = enter(publish())
    assert [visit.get(path).status_code for path in ("q/1", "overview")] == [303, 303]
    assert [visit.post(path).status_code for path in ("q/1", "submit")] == [303, 303]
    visit.post("start")
    visit.post("submit")
    assert [visit.get(path).status_code for path in ("q/1", "overview")] == [303, 303]
    assert "Your results" in of(visit)


def test_the_reader_chooses_the_language_and_a_missing_one_is_marked(
    enter: Enter, publish: Publish, bank: MakeBank
) -> None:
    names = {"competency": "one", "competency_en": "One", "competency_fr": "Une"}
    content = bank(
        {**names, "question_en": "Both?", "question_fr": "Les deux ?", "answer": "x"},
        {**names, "question_en": "Only English?", "question_fr": "", "answer": "x"},
    )
    visit = enter(publish(content))
    visit.post(f"/tools/-/{visit.launch_id}/language", {"locale": "fr", "back": visit.path})
    start = of(visit)
    assert '<html lang="fr">' in start
    assert "Une" in start
    assert "2 questions sur 1 compétence" in start
    visit.post("start")
    pages = "".join(of(visit, f"q/{number}") for number in (1, 2))
    assert re.search(r'id="asked-\d"><p>Les deux\s\?</p>', pages)
    assert re.search(r'<div lang="en">\s*<p>Only English\?</p>', pages)
    visit.post("submit")
    assert "Résultat global\u00a0: 0 sur 100" in of(visit)


def test_markup_in_questions_and_answers_is_shown_as_text(enter: Enter, publish: Publish, bank: MakeBank) -> None:
    harmful = "<script>alert(1)</script>"
    content = bank({"competency": harmful, "question": harmful, "answer": "x", "feedback": harmful})
    visit = enter(publish(content))
    visit.post("start")
    pages = visit.get("q/1").get_data(as_text=True)
    visit.post("q/1", {"answer-1": harmful})
    visit.post("submit")
    pages += visit.get().get_data(as_text=True)
    assert "<script>alert" not in pages
    assert pages.count("&lt;script&gt;alert") >= 4


def test_a_test_person_is_graded_but_is_no_evidence(enter: Enter, publish: Publish, rows: Rows) -> None:
    visit = enter(publish(), as_=[LEARNER, TEST_USER], endpoint=COLUMN)
    visit.post("start")
    visit.post("submit")
    assert len(rows("SELECT id FROM grade")) == 1
    assert rows("SELECT id FROM evidence") == []
    assert rows("SELECT id FROM competency_result") == []


def test_a_copied_link_has_its_own_sitting(enter: Enter, publish: Publish) -> None:
    activity = publish()
    first = enter(activity)
    first.post("start")
    first.post("submit")
    assert "Your results" in of(first)
    assert "Start" in of(enter(activity, link="link-2"))
    assert "Start" in of(enter(activity, link="link-3", course="course-2"))


def test_a_link_that_comes_to_open_another_activity_does_not_show_the_results_of_the_first(
    enter: Enter, publish: Publish
) -> None:
    first, second = publish(title="First"), publish(title="Second")
    visit = enter(first)
    visit.post("start")
    visit.post("submit")
    assert "Your results" in of(visit)
    assert "Start" in of(enter(second))
    assert "Nobody has begun yet" in of(enter(second, as_=INSTRUCTOR))
    assert "Your results" in of(enter(first))


def test_a_mentor_reads_why_there_is_nothing_to_do(enter: Enter, publish: Publish) -> None:
    visit = enter(publish(), as_=MENTOR)
    assert "neither answers the questions nor sees the results" in of(visit)
    assert visit.post("start").status_code == 403


@pytest.mark.parametrize("path", ["new", "draft/1", "upload/1", "preview/1/", "bank/1.csv", "results.csv"])
def test_a_learner_opens_no_page_of_instructors(enter: Enter, publish: Publish, path: str) -> None:
    response = enter(publish()).get(path)
    assert (response.status_code, error_code(response)) == (403, "role-forbidden")


@pytest.mark.parametrize("path", ["new", "place", "cancel", "draft/1", "upload/1", "revise", "preview/1/start"])
def test_a_learner_sends_no_form_of_instructors(enter: Enter, publish: Publish, path: str) -> None:
    response = enter(publish()).post(path)
    assert (response.status_code, error_code(response)) == (403, "role-forbidden")


def test_an_instructor_cannot_sit_for_the_record(enter: Enter, publish: Publish, rows: Rows) -> None:
    visit = enter(publish(), as_=[INSTRUCTOR, LEARNER])
    assert [visit.post(path).status_code for path in ("start", "q/1", "submit")] == [403, 403, 403]
    assert rows("SELECT id FROM diagnostic_attempt") == []
