"""Pages of learners and instructors: the way to the badge, the badge, the rule, the board, and decisions by hand."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from html import unescape

import pytest
from earning import CONTENT, Campus, publish
from sqlalchemy import select

from ltitools.plugin import session
from ltitools.testing import INSTRUCTOR, LEARNER, Visit, statements, writing
from ltitools_badges import awarding, privacy, rules
from ltitools_badges.models import Badge, Holder, Place


def text_of(visit: Visit, path: str = "") -> str:
    """A page as it is read."""
    answer = visit.get(path)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return plain(answer.get_data(as_text=True))


def plain(page: str) -> str:
    """The text of a page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def only(pattern: str, page: str) -> str:
    """What the group of the pattern matches on a page, which must have it."""
    found = re.search(pattern, page)
    assert found is not None, pattern
    return found[1]


def person_id_of(campus: Campus, name: str) -> int:
    """The number of somebody who has a badge."""
    return next(badge.person_id for badge in campus.badges() if campus.person(badge).name == name)


# Learners -----------------------------------------------------------------------------------------------------------


def test_a_learner_reads_what_it_takes_and_how_far_they_are(campus: Campus) -> None:
    campus.score("ada", "62.5")
    page = text_of(campus.learner())
    assert "What it takes" in page
    assert "62.5 % of the 70 % that it takes" in page
    assert "Writes a clear instruction" in page


def test_a_learner_has_the_badge_with_its_files_and_its_address(campus: Campus) -> None:
    campus.score("ada", "70")
    visit = campus.learner()
    page = visit.get().get_data(as_text=True)
    (badge,) = campus.badges()
    assert "You have earned this badge." in page
    assert f"/i/acme/credentials/{badge.public_id}" in page
    linkedin = unescape(only(r'href="(https://www\.linkedin\.com/[^"]*)"', page))
    assert "startTask=CERTIFICATION_NAME" in linkedin
    assert "expiration" not in linkedin
    assert json.loads(visit.get("own-badge.json").get_data())["id"].endswith(badge.public_id)
    assert visit.get("own-badge.jwt").get_data(as_text=True) == badge.jwt
    assert visit.get("own-badge.png").get_data().startswith(b"\x89PNG")


def test_nothing_about_a_learner_is_in_the_badge_until_they_want_it(campus: Campus) -> None:
    campus.score("ada", "70")
    (before,) = campus.badges()
    assert before.document is not None
    assert "Ada" not in before.document
    visit = campus.learner(email="ada@example.test")
    answer = visit.post("choices", {"visibility": "listed", "name": "yes", "email": "yes"})
    assert answer.status_code == 303
    campus.work()
    (after,) = campus.badges()
    assert after.document is not None
    assert '"identityHash":"Ada"' in after.document
    assert "ada@example.test" not in after.document
    assert '"identityType":"emailAddress"' in after.document
    assert after.visibility == "listed"
    assert after.public_id == before.public_id
    visit.post("choices", {"visibility": "private"})
    campus.work()
    (without,) = campus.badges()
    assert without.document is not None
    assert "Ada" not in without.document


def test_a_private_badge_can_still_be_downloaded_by_its_holder(campus: Campus) -> None:
    campus.score("ada", "70")
    visit = campus.learner()
    visit.post("choices", {"visibility": "private"})
    (badge,) = campus.badges()
    assert campus.app.test_client().get(f"/i/acme/credentials/{badge.public_id}").status_code == 404
    assert visit.get("own-badge.png").status_code == 200
    assert "Nobody sees this badge now" in text_of(visit)


def test_a_choice_that_is_none_of_those_offered_changes_nothing(campus: Campus) -> None:
    campus.score("ada", "70")
    assert campus.learner().post("choices", {"visibility": "everywhere"}).status_code >= 400
    assert campus.badges()[0].visibility == "unlisted"


def test_nobody_decides_about_the_badge_of_somebody_else(campus: Campus) -> None:
    campus.score("ada", "70")
    assert campus.learner("bob").post("choices", {"visibility": "private"}).status_code == 404
    assert campus.badges()[0].visibility == "unlisted"


def test_a_learner_cannot_open_the_pages_of_instructors(campus: Campus) -> None:
    campus.score("ada", "70")
    visit = campus.learner("bob")
    person = person_id_of(campus, "Ada")
    for path in ("rule", "file", "people.csv", f"people/{person}"):
        assert visit.get(path).status_code == 403, path
    for path in (f"people/{person}/revoke", f"people/{person}/give", "rule", "file", "look-again"):
        assert visit.post(path, {"reason": "Because."}).status_code == 403, path


def test_another_role_reads_that_there_is_nothing_to_do(campus: Campus) -> None:
    visit = campus.enter(
        "badges:ai", as_=LEARNER.replace("Learner", "Mentor"), person="max", link="badge", title="My badge"
    )
    assert "nothing for you to do here" in text_of(visit)


# Instructors --------------------------------------------------------------------------------------------------------


def test_an_instructor_sees_who_has_it_who_is_close_and_why_somebody_has_not(campus: Campus) -> None:
    campus.score("ada", "90")
    campus.score("bob", "65")
    campus.score("cleo", "20")
    page = text_of(campus.teacher())
    assert "Has the badge: 1 · Close: 1 · Under way: 1" in page
    assert "Quiz (65 %)" in page or "(65 %)" in page
    rows = list(csv.DictReader(io.StringIO(campus.teacher().get("people.csv").get_data().decode("utf-8-sig"))))
    assert [(row["name"], row["state"]) for row in rows] == [("Ada", "has"), ("Bob", "close"), ("Cleo", "begun")]
    assert rows[0]["url"].endswith(campus.badges()[0].public_id)


def test_a_name_that_is_a_formula_is_none_in_the_file(campus: Campus) -> None:
    visit = campus.enter("probe:quiz", person="eve", name="=1+1", link="quiz")
    visit.post("score", {"given": "90"})
    campus.work()
    assert "'=1+1" in campus.teacher().get("people.csv").get_data(as_text=True)


def test_what_counts_is_chosen_in_the_course_and_looked_at_again(campus: Campus) -> None:
    campus.score("ada", "60")
    assert campus.badges() == []
    visit = campus.teacher()
    assert "the rule of your institution holds here" in text_of(visit, "rule")
    answer = visit.post("rule", {"activity": str(campus.quiz_id), "threshold": "55,5", "kind": "average"})
    assert answer.status_code == 303
    campus.work()
    (badge,) = campus.badges()
    assert (badge.score, badge.threshold) == (60, rules.Decimal("55.5"))


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"threshold": "70"}, "activities"),
        ({"activity": "QUIZ", "threshold": "abc"}, "threshold"),
        ({"activity": "QUIZ", "threshold": "101"}, "threshold"),
        ({"activity": "QUIZ", "threshold": "NaN"}, "threshold"),
        ({"activity": "QUIZ", "threshold": "70", "weight-QUIZ": "-1"}, "weight-QUIZ"),
    ],
)
def test_a_mistake_in_the_rule_is_told_at_its_field(campus: Campus, form: dict[str, str], field: str) -> None:
    campus.score("ada", "60")
    number = str(campus.quiz_id)
    typed = {name.replace("QUIZ", number): value.replace("QUIZ", number) for name, value in form.items()}
    answer = campus.teacher().post("rule", typed)
    assert answer.status_code == 422
    assert f'id="{field.replace("QUIZ", number)}-error"' in answer.get_data(as_text=True)


def test_what_is_placed_and_was_not_opened_yet_can_count_too(campus: Campus) -> None:
    page = text_of(campus.teacher(), "rule")
    assert "Quiz (nobody has opened it in this course yet)" in page
    form = {"activity": str(campus.quiz_id), "threshold": "50", "kind": "all"}
    assert campus.teacher().post("rule", form).status_code == 303
    campus.score("ada", "50")
    assert len(campus.badges()) == 1


def test_an_activity_of_another_institution_cannot_count(campus: Campus) -> None:
    campus.score("ada", "60")
    assert campus.teacher().post("rule", {"activity": "999", "threshold": "70"}).status_code == 404


def test_a_badge_is_revoked_by_hand_with_a_reason_and_given_again(campus: Campus) -> None:
    campus.score("ada", "90")
    person = person_id_of(campus, "Ada")
    visit = campus.teacher()
    assert visit.post(f"people/{person}/revoke", {"reason": " "}).status_code == 422
    assert visit.post(f"people/{person}/revoke", {"reason": "Somebody else did it."}).status_code == 303
    campus.work()
    (revoked,) = campus.badges()
    assert revoked.revoked_reason == "Somebody else did it."
    assert "This badge was revoked" in text_of(campus.learner())
    assert visit.post(f"people/{person}/give", {"reason": "It was Ada after all."}).status_code == 303
    campus.work()
    (again,) = campus.badges()
    assert again.revoked_at is None
    assert (again.public_id, again.status_index) != (revoked.public_id, revoked.status_index)
    assert again.public_id == revoked.public_id


def test_a_badge_is_given_by_hand_to_somebody_without_a_score(campus: Campus) -> None:
    campus.learner("bob")
    with campus.app.app_context():
        shown = campus.teacher().get().get_data(as_text=True)
    person = int(only(r"/people/(\d+)", shown))
    assert campus.teacher().post(f"people/{person}/give", {"reason": "Work on paper."}).status_code == 303
    campus.work()
    (badge,) = campus.badges()
    assert (badge.by_hand, badge.reason, badge.score) == (True, "Work on paper.", None)
    campus.score("bob", "10")
    (kept,) = campus.badges()
    assert kept.revoked_at is None


def test_a_task_is_shown_and_settled(campus: Campus) -> None:
    campus.score("ada", "90")
    campus.score("ada", "10")
    visit = campus.teacher()
    assert "Decide whether they keep it" in text_of(visit)
    person = person_id_of(campus, "Ada")
    assert visit.post(f"people/{person}/keep").status_code == 303
    assert "Decide whether they keep it" not in text_of(visit)
    campus.score("ada", "5")
    assert "Decide whether they keep it" not in text_of(visit)


def test_badges_are_given_and_revoked_with_a_file_after_a_look(campus: Campus) -> None:
    campus.learner("bob")
    campus.learner("cleo")
    visit = campus.teacher()
    file = "name;reason\nBob;Passed on paper\nCLEO ;Passed on paper\nNobody;x\nBob;again\n"
    page = visit.post("file", {"action": "give", "file": (io.BytesIO(file.encode()), "list.csv")})
    assert page.status_code == 200
    shown = plain(page.get_data(as_text=True))
    assert "2 badges would be given. 2 lines cannot be carried out:" in shown
    assert "Line 4, Nobody: Nobody of this course is called so." in shown
    assert "Line 5, Bob: The file names this person twice." in shown
    assert campus.badges() == []
    assert visit.post("file", {"action": "give", "text": file, "go": "do"}).status_code == 303
    campus.work()
    assert [campus.person(badge).name for badge in campus.badges()] == ["Bob", "Cleo"]
    gone = visit.post("file", {"action": "revoke", "text": "name,reason\nBob,Mistaken", "go": "do"})
    assert gone.headers["Location"].endswith("?done=1&action=revoke")
    assert [badge.revoked_reason for badge in campus.badges()] == ["Mistaken", ""]


@pytest.mark.parametrize("content", [b"", b"\x00\x01", b"first,last\nA,B", b"name,reason\n" + b"A,b\n" * 2001])
def test_a_file_that_cannot_be_used_says_why(campus: Campus, content: bytes) -> None:
    answer = campus.teacher().post("file", {"action": "give", "file": (io.BytesIO(content), "list.csv")})
    assert answer.status_code == 422
    assert 'id="file-error"' in answer.get_data(as_text=True)


def test_a_new_badge_is_made_while_choosing_and_is_described_in_the_course(campus: Campus) -> None:
    visit = campus.teacher()
    claims = campus.platform.deep_linking_claims(
        sub=f"grace@{campus.platform.issuer}", context={"id": "course-1", "title": "Title of course-1"}
    )
    choosing = campus.platform.visit(campus.app.test_client(), claims)
    choosing.path = f"/tools/badges/{choosing.launch_id}/"
    assert "Working with AI" in text_of(choosing)
    assert choosing.post("new", {"name": " ", "language": "en"}).status_code == 422
    placed = choosing.post("new", {"name": "Prompting", "language": "fr"}).get_data(as_text=True)
    assert 'name="JWT"' in placed
    visit = campus.enter("badges:prompting", as_=INSTRUCTOR,
                         person="grace", link="badge-2")  # fmt: skip
    assert "not published yet" in text_of(visit)
    assert visit.get("rule").status_code == 200


def test_pages_ask_the_database_as_often_for_many_people_as_for_one(campus: Campus) -> None:
    def asked(visit: Visit) -> int:
        with statements(campus.app) as sent:
            assert visit.get().status_code == 200
        return len(sent)

    campus.score("ada", "90")
    visit = campus.teacher()
    one = asked(visit)
    for person in ("bob", "cleo", "dan", "eve"):
        campus.score(person, "75")
    assert asked(visit) == one <= 16
    assert asked(campus.learner()) <= 16


def test_a_person_is_exported_and_erased_and_the_place_in_the_list_stays(campus: Campus) -> None:
    campus.score("ada", "90")
    (badge,) = campus.badges()
    person = badge.person_id
    with writing(campus.app):
        kept = privacy.export_person(campus.tenant.id, person)
        assert kept["badges"][0]["credential"]["id"].endswith(badge.public_id)
        assert kept["scores"][0]["given"] == "90"
        privacy.erase_person(campus.tenant.id, person)
        assert session.scalars(select(Badge)).all() == []
        assert session.scalars(select(Holder)).all() == []
        assert session.scalars(select(Place.status_index)).all() == [badge.status_index]
    client = campus.app.test_client()
    assert client.get(f"/i/acme/credentials/{badge.public_id}").status_code == 404
    assert client.get(f"/i/acme/status/{badge.status_list}").status_code == 200


def test_every_page_is_there_in_french(campus: Campus, enter: Callable[..., Visit]) -> None:
    campus.score("ada", "90")
    presentation = {"launch_presentation": {"locale": "fr-CA"}}
    learner = campus.learner(**presentation)
    assert "Vous avez obtenu ce badge" in text_of(learner)
    teacher = campus.teacher(**presentation)
    for path in ("", "rule", "file"):
        assert '<html lang="fr">' in teacher.get(path).get_data(as_text=True)


def test_a_larger_award_is_given_when_its_components_are_held(campus: Campus) -> None:
    larger = publish(campus.app, "larger", CONTENT)
    with writing(campus.app):
        rules.save(campus.tenant.id, larger.id, None, rules.Terms(components=(campus.achievement_id,)))
    campus.score("ada", "90")
    small, large = campus.badges()
    assert (small.achievement_id, large.achievement_id) == (campus.achievement_id, larger.id)
    assert large.document is not None
    assert f"/i/acme/credentials/{small.public_id}" in large.document
    campus.score("ada", "95")
    assert len(campus.badges()) == 2
    with campus.app.app_context():
        assert len(awarding.of_person(campus.tenant.id, small.person_id or 0)) == 2
