"""D7: columns, scores and results (Certification Guide 6.4, https://www.imsglobal.org/spec/lti-ags/v2p0/)."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from certification.helpers import assert_refused
from certification.served import Served, answer
from ltitools.db import session, utcnow
from ltitools.lti import ags
from ltitools.lti import claims as names
from ltitools.lti.services import ServiceRefused
from ltitools.models import Grade, Link, Person
from ltitools.services import activities, columns, competencies, grades
from ltitools.services.grades import Score
from ltitools.testing import AGS_SCOPES, INSTRUCTOR, LEARNER, ags_claim, deliver, writing

if TYPE_CHECKING:
    from certification.helpers import Lti

LINE_ITEM_TYPE = "application/vnd.ims.lis.v2.lineitem+json"
LINE_ITEMS_TYPE = "application/vnd.ims.lis.v2.lineitemcontainer+json"
SCORE_TYPE = "application/vnd.ims.lis.v1.score+json"
RESULTS_TYPE = "application/vnd.ims.lis.v2.resultcontainer+json"
ITEM = {
    "id": "https://lms.example.test/items/9/lineitem",
    "label": "Quiz",
    "scoreMaximum": 100,
    "resourceId": "probe:quiz",
    "tag": "overall",
    "resourceLinkId": "link-1",
}


def items(*changes: dict[str, Any]) -> Any:
    """A list of line items, each `ITEM` with changes; None leaves a member out."""
    return answer([{name: value for name, value in {**ITEM, **one}.items() if value is not None} for one in changes])


def test_d7_116_a_column_is_made_for_a_link_and_for_a_competency_without_one(lti: Lti) -> None:
    """A second line item on a link would cost Moodle's links their first one, and Canvas shows none."""
    served = Served(lti, line_item=None)
    teacher = served.teacher()
    served.services.answers["/Items"] = [answer([]), answer(ITEM, 201)]
    assert teacher.post("column").status_code == 200
    made = served.services.on("/Items")[1]
    assert (made.method, made.path) == ("POST", "/Items?type_id=1")
    assert (made.headers["content-type"], made.headers["accept"]) == (LINE_ITEM_TYPE, LINE_ITEM_TYPE)
    assert json.loads(made.body) == {
        "label": "Pre-assessment",
        "scoreMaximum": 100.0,
        "resourceLinkId": "link-1",
        "resourceId": "probe:quiz",
        "tag": "overall",
    }
    assert served.link().line_item_url == ITEM["id"]

    served.services.answers["/Items"] = [answer([]), answer({**ITEM, "id": "https://lms.example.test/c/1"}, 201)]
    with writing(lti.app):
        link = session.scalars(select(Link)).one()
        competency = competencies.ensure(link.tenant_id, "ictc", "verify", {"en": "Checking AI output"})
        quiz = activities.find(link.tenant_id, "probe", "quiz")
        assert quiz is not None
        session.commit()
        url = columns.ensure_for_competency(link.tenant_id, link.id, quiz, competency)
        assert columns.ensure_for_competency(link.tenant_id, link.id, quiz, competency) == url
    assert url == "https://lms.example.test/c/1"
    asked, made = served.services.on("/Items")[2:]
    assert parse_qs(urlsplit(asked.path).query) == {
        "type_id": ["1"],
        "resource_id": ["probe:quiz"],
        "tag": ["competency:verify"],
    }
    body = json.loads(made.body)
    assert (body["resourceId"], body["tag"]) == ("probe:quiz", "competency:verify")
    assert "resourceLinkId" not in body
    assert "Checking AI output" in body["label"]


def test_d7_117_columns_are_found_by_address_tag_resource_and_link(lti: Lti) -> None:
    """From all pages, and rightly even where the platform passes over a filter."""
    served = Served(lti)
    url = f"{served.services.url}/Items?type_id=1"
    others: tuple[dict[str, Any], ...] = ({"tag": "b"}, {"resourceId": None}, {"resourceLinkId": "link-2"})
    for filters in ({"tag": "overall"}, {"resource_id": "probe:quiz"}, {"resource_link_id": "link-1"}):
        served.services.received.clear()
        curly = f"<{url}&amp;From=2>; rel=“next”".encode().decode("latin-1")
        status, headers, body = items({"id": "other", "tag": "", "resourceId": "", "resourceLinkId": ""})
        served.services.answers["/Items"] = [(status, {**headers, "Link": curly}, body), items({}, *others)]
        found = ags.list_line_items(served.http, "token-1", url, **filters)
        assert [one.url for one in found] == [ITEM["id"]] * 3
        first, second = served.services.on("/Items")
        ((name, value),) = filters.items()
        assert parse_qs(urlsplit(first.path).query) == {"type_id": ["1"], name: [value]}
        assert second.path == "/Items?type_id=1&From=2"
        assert first.headers["accept"] == second.headers["accept"] == LINE_ITEMS_TYPE
    served.services.answers["/lineitem"] = [answer(ITEM), answer({}, 404)]
    one = ags.read_line_item(served.http, "token-1", f"{served.services.url}/Items/9/lineitem?type_id=1")
    assert (one.label, one.score_maximum, one.tag) == ("Quiz", 100.0, "overall")
    assert served.services.on("/lineitem")[0].headers["accept"] == LINE_ITEM_TYPE
    with pytest.raises(ServiceRefused) as caught:
        ags.read_line_item(served.http, "token-1", f"{served.services.url}/Items/9/lineitem?type_id=1")
    assert caught.value.status == 404


def test_d7_118_a_changed_column_keeps_all_that_is_not_ours(lti: Lti) -> None:
    """Moodle forgets tag and resourceId that a PUT leaves out; others have dates and members of their own."""
    served = Served(lti)
    there = {
        **ITEM,
        "startDateTime": "2026-01-06T09:00:00Z",
        "https://lms.example.test/colour": {"of": ["the", "column"]},
        "submissionReview": {"reviewableStatus": ["Submitted"]},
    }
    served.services.answers["/lineitem"] = [answer(there), answer({**there, "label": "Quiz 2"})]
    url = f"{served.services.url}/Items/9/lineitem?type_id=1"
    assert ags.change_line_item(served.http, "token-1", url, label="Quiz 2", score_maximum=50).label == "Quiz 2"
    read, put = served.services.on("/lineitem")
    assert (read.method, put.method, put.path) == ("GET", "PUT", "/Items/9/lineitem?type_id=1")
    assert put.headers["content-type"] == LINE_ITEM_TYPE
    assert json.loads(put.body) == {**there, "label": "Quiz 2", "scoreMaximum": 50}


def test_d7_119_a_column_is_deleted_and_one_that_is_gone_is_deleted(lti: Lti) -> None:
    served = Served(lti)
    url = f"{served.services.url}/Items/9/lineitem?type_id=1"
    for status in (204, 200, 404):
        served.services.answers["/lineitem"] = [answer({}, status)]
        ags.delete_line_item(served.http, "token-1", url)
    assert [(got.method, got.path) for got in served.services.received] == [
        ("DELETE", "/Items/9/lineitem?type_id=1")
    ] * 3
    served.services.answers["/lineitem"] = [answer({"errors": "coupled"}, 401)]
    with pytest.raises(ServiceRefused, match="coupled"):
        ags.delete_line_item(served.http, "token-1", url)


def test_d7_120_a_score_has_the_media_type_of_scores(lti: Lti) -> None:
    served = Served(lti)
    served.score(served.learner())
    (got,) = served.services.on("/scores")
    assert (got.method, got.headers["content-type"]) == ("POST", SCORE_TYPE)


def test_d7_121_the_address_for_scores_is_made_before_the_query(lti: Lti) -> None:
    served = Served(lti)
    served.score(served.learner())
    assert [got.path for got in served.services.on("/scores")] == ["/Items/7/lineitem/scores?type_id=1"]
    assert [got.path for got in served.services.on("/results")] == [
        "/Items/7/lineitem/results?type_id=1&user_id=person-1"
    ]


def test_d7_122_a_score_has_a_maximum_above_zero(lti: Lti) -> None:
    served = Served(lti)
    visit = served.learner()
    served.score(visit, "0")
    (sent,) = served.posted()
    assert (sent["scoreGiven"], sent["scoreMaximum"]) == (0, 100)
    grade = served.grade()
    with writing(lti.app):
        for maximum in ("0", "-1"):
            with pytest.raises(ValueError, match="maximum"):
                grades.record(
                    grade.tenant_id, grade.link_id, grade.person_id, Score(Decimal(1), Decimal(maximum), utcnow())
                )


def test_d7_123_more_than_the_maximum_can_be_given(lti: Lti) -> None:
    served = Served(lti)
    served.score(served.learner(), "112.5")
    (sent,) = served.posted()
    assert (sent["scoreGiven"], sent["scoreMaximum"]) == (112.5, 100)


def test_d7_124_timestamps_have_milliseconds_and_a_zone_and_grow_by_a_second(lti: Lti) -> None:
    """For the pair of column and person, because Moodle compares whole seconds."""
    served = Served(lti)
    visit = served.learner()
    for given in ("50", "60", "60"):
        served.score(visit, given)
    sent = [one["timestamp"] for one in served.posted()]
    assert len(sent) == 3
    for text in sent:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d\d:\d\d)", text)
    times = [datetime.fromisoformat(text) for text in sent]
    assert all(later - earlier >= timedelta(seconds=1) for earlier, later in pairwise(times))


def test_d7_125_a_score_says_that_the_work_is_complete_and_graded(lti: Lti) -> None:
    """Anything less erases the grade on Canvas and Moodle."""
    for family in ("generic", "canvas", "moodle"):
        served = Served(lti, family=family, client_id=f"client-of-{family}")
        served.score(served.learner())
        (sent,) = served.posted()
        assert (sent["activityProgress"], sent["gradingProgress"]) == ("Completed", "FullyGraded")


def test_d7_126_a_grade_is_cleared_by_an_explicit_call_only(lti: Lti) -> None:
    served = Served(lti)
    visit = served.learner()
    served.score(visit)
    for _ in range(2):
        visit.get()
        served.learner()
        served.send()
    assert len(served.posted()) == 1, "opening the activity again sends nothing"
    grade = served.grade()
    with writing(lti.app):
        assert grades.clear(grade.tenant_id, grade.link_id, grade.person_id).state == "waiting"
    served.send()
    first, cleared = served.posted()
    assert "scoreGiven" not in cleared
    assert "scoreMaximum" not in cleared
    assert cleared["gradingProgress"] == "FullyGraded"
    assert cleared["userId"] == first["userId"]
    assert datetime.fromisoformat(cleared["timestamp"]) > datetime.fromisoformat(first["timestamp"])
    assert served.grade().state == "cleared"


def test_d7_127_a_score_names_the_person_as_the_launch_did(lti: Lti) -> None:
    served = Served(lti)
    served.score(served.learner("Sub-ÜÄ/7 x"))
    assert [one["userId"] for one in served.posted()] == ["Sub-ÜÄ/7 x"]


def test_d7_128_results_are_read_from_all_pages_and_no_page_size_is_asked_for(lti: Lti) -> None:
    """Moodle crashes when it is."""
    served = Served(lti)
    url = f"{served.services.url}/Items/9/lineitem?type_id=1"
    following = f'<{served.services.url}/Items/9/lineitem/results?Page=2>; rel="next"'
    served.services.answers["/results"] = [
        answer([{"userId": "ada", "resultScore": 0, "resultMaximum": 100}, {"userId": 7}], Link=following),
        answer([{"userId": "ben", "resultScore": None, "comment": "See me"}, None, "x", {"resultScore": 3}]),
    ]
    found = ags.read_results(served.http, "token-1", url)
    assert [(one.user_id, one.score, one.comment) for one in found] == [
        ("ada", 0.0, ""),
        ("7", None, ""),
        ("ben", None, "See me"),
    ]
    served.services.answers["/results"] = [answer([{"userId": "ada"}, {"userId": "ben", "resultScore": 1}])]
    assert [one.user_id for one in ags.read_results(served.http, "token-1", url, "ben")] == ["ben"]
    asked = served.services.on("/results")
    assert [got.path for got in asked] == [
        "/Items/9/lineitem/results?type_id=1",
        "/Items/9/lineitem/results?Page=2",
        "/Items/9/lineitem/results?type_id=1&user_id=ben",
    ]
    assert {got.headers["accept"] for got in asked} == {RESULTS_TYPE}


def test_d7_129_who_may_only_read_columns_makes_none(lti: Lti) -> None:
    scopes = [scope for scope in AGS_SCOPES if not scope.endswith("/lineitem")]
    served = Served(lti, line_item=None, scopes=scopes)
    assert_refused(served.teacher().post("column"), "column-refused")
    link = served.link()
    with writing(lti.app):
        with pytest.raises(ServiceRefused):
            columns.ensure(link.tenant_id, link.id)
        competency = competencies.ensure(link.tenant_id, "ictc", "verify", {"en": "Verify"})
        quiz = activities.find(link.tenant_id, "probe", "quiz")
        assert quiz is not None
        session.commit()
        with pytest.raises(ServiceRefused):
            columns.ensure_for_competency(link.tenant_id, link.id, quiz, competency)
    assert served.services.on("/Items") == []


def test_d7_130_without_grade_services_the_tool_works_and_says_that_it_is_ungraded(lti: Lti) -> None:
    served = Served(lti)
    visit = served.learner(endpoint=None)
    told = visit.get().get_json()
    assert (told["activity"], told["can_grade"]) == ("quiz", False)
    assert visit.post("score", {"given": "70"}).get_json() == {"state": "ungraded"}
    deliver(lti.app)
    assert visit.get().get_json()["grade"] == "ungraded"
    assert served.services.received == []


def review_claims(served: Served, for_user: str | None, **changes: Any) -> dict[str, Any]:
    """The claims of a click on a grade in the gradebook, by somebody who teaches."""
    return served.claims(
        **{
            "message_type": names.SUBMISSION_REVIEW_REQUEST,
            "for_user": None if for_user is None else {"user_id": for_user, "name": "Ben Carter"},
            "sub": "teacher-1",
            "roles": [INSTRUCTOR],
            **changes,
        }
    )


def test_d7_131_a_review_is_for_those_who_teach_and_for_oneself_and_changes_no_column(lti: Lti) -> None:
    """https://www.imsglobal.org/spec/lti-sr/v1p0: who is meant is known in this registration, and the line item
    that somebody clicked on need not be the one of the link.
    """
    served = Served(lti)
    served.learner("ben")
    column = served.link().line_item_url

    def told(claims: dict[str, Any]) -> str:
        number = served.platform.visit(served.browser(), claims).get().get_json()["review_of"]
        with lti.app.app_context():
            return session.scalars(select(Person.sub).where(Person.id == number)).one()

    assert told(review_claims(served, "ben")) == "ben"
    assert told(review_claims(served, "nobody-yet")) == "nobody-yet"
    own = {"sub": "ben", "roles": [LEARNER]}
    assert told(review_claims(served, "ben", **own)) == "ben"
    second = ags_claim(f"{served.services.url}/Items/99/lineitem", f"{served.services.url}/Items")
    assert told(review_claims(served, "ben", endpoint=second)) == "ben"
    assert served.link().line_item_url == column
    with lti.nothing_stored():
        for refusal, claims in (
            ("review-forbidden", review_claims(served, "ada", **own)),
            ("review-forbidden", review_claims(served, "ada", sub="ben", roles=[])),
            ("message-incomplete", review_claims(served, None)),
            ("message-incomplete", review_claims(served, "")),
            ("message-incomplete", review_claims(served, "ben", endpoint={"scope": AGS_SCOPES})),
        ):
            assert_refused(served.platform.launch(served.browser(), claims), refusal)
    assert served.learner("ben").get().get_json()["review_of"] is None
    with lti.app.app_context():
        assert session.scalars(select(Grade)).all() == []
