"""Larger awards: made of own badges and of badges of other issuers, which count once they are checked."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from earning import CONTENT, Campus, publish
from flask import Flask, Response, request
from school import School
from sqlalchemy import select, update

from ltitools.plugin import Conflict, session, utcnow
from ltitools.testing import INSTRUCTOR, PUBLIC_URL, Visit, close_app, make_app, writing
from ltitools_badges import awarding, foreign, plugin, privacy, rules
from ltitools_badges.core import baking, design
from ltitools_badges.models import Achievement, Badge, Foreign, Task
from ltitools_badges.rules import Outside, Terms
from probe import make_probe
from sites import serving
from tls import make_authority


def larger(campus: Campus, terms: Terms) -> Achievement:
    """A micro-credential that is made of others, for all courses of the institution."""
    made = publish(campus.app, "large", replace(CONTENT, name="All of AI"))
    with writing(campus.app):
        rules.save(campus.tenant.id, made.id, None, terms)
    return made


def named(campus: Campus) -> list[str]:
    """What the badges of the institution are called."""
    badges = campus.badges()
    with campus.app.app_context():
        rows = session.scalars(select(Achievement).where(Achievement.tenant_id == campus.tenant.id))
        slugs = {row.id: row.slug for row in rows}
    return sorted(slugs[badge.achievement_id] for badge in badges)


def text_of(visit: Visit, path: str = "") -> str:
    """A page as it is read."""
    answer = visit.get(path)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))).split())


# Own components -----------------------------------------------------------------------------------------------------


def test_a_larger_award_is_given_when_its_components_are_held_and_names_them(campus: Campus) -> None:
    large = larger(campus, Terms(components=(campus.achievement_id,)))
    campus.score("ada", "60")
    assert named(campus) == []
    campus.score("ada", "80")
    assert named(campus) == ["ai", "large"]
    small, big = sorted(campus.badges(), key=lambda badge: badge.achievement_id == large.id)
    evidence = json.loads(big.document or "")["evidence"]
    assert [one["id"].rpartition("/")[2] for one in evidence] == [small.public_id]


def test_an_expired_component_completes_nothing(campus: Campus) -> None:
    campus.score("ada", "80")
    with writing(campus.app):
        session.execute(update(Badge).where(Badge.tenant_id == campus.tenant.id).values(valid_until=utcnow()))
    larger(campus, Terms(components=(campus.achievement_id,)))
    campus.score("ada", "90")
    assert named(campus) == ["ai"]


def test_a_component_that_is_revoked_asks_somebody_and_takes_nothing(campus: Campus) -> None:
    large = larger(campus, Terms(components=(campus.achievement_id,)))
    campus.score("ada", "80")
    small, big = campus.badges()
    with writing(campus.app):
        awarding.revoke(awarding.get(campus.tenant.id, small.id), "Another person did it.")
    campus.work()
    assert next(badge for badge in campus.badges() if badge.id == big.id).revoked_at is None
    with campus.app.app_context():
        ((task, asked),) = awarding.open_tasks(campus.tenant.id, large.id, big.course_id or 0)
        assert (task.cause, asked.id) == ("component", big.id)
    visit = campus.enter("badges:large", as_=INSTRUCTOR, person="grace", name="Grace", link="large", title="Large")
    assert "a badge that it is made of was revoked" in text_of(visit)
    assert "A badge that this one is made of was revoked" in text_of(visit, f"people/{big.person_id}")
    with writing(campus.app):
        awarding.restore(awarding.get(campus.tenant.id, small.id), None, "It was them after all.")
    campus.work()
    with campus.app.app_context():
        assert session.scalars(select(Task.decision)).all() == ["recovered"]


def test_a_component_that_expires_later_does_not_put_the_larger_award_in_doubt(campus: Campus) -> None:
    large = larger(campus, Terms(components=(campus.achievement_id,)))
    campus.score("ada", "80")
    with writing(campus.app):
        session.execute(
            update(Badge)
            .where(Badge.tenant_id == campus.tenant.id, Badge.achievement_id != large.id)
            .values(valid_until=utcnow())
        )
    campus.score("ada", "90")
    with campus.app.app_context():
        assert session.scalars(select(Task)).all() == []


# Components of others ------------------------------------------------------------------------------------------------


def _written(given: object) -> str:
    return given if isinstance(given, str) else json.dumps(given)


class Abroad:
    """Another institution, on a server of its own, and an institution here whose larger award takes its badge."""

    def __init__(self, campus: Campus, school: School, web: dict[str, Any]) -> None:
        self.campus, self.school, self.web = campus, school, web
        self.outside = Outside("Data at the other college", school.did)
        self.large = larger(campus, Terms(components=(campus.achievement_id,), outside=(self.outside,)))

    def learner(self, person: str = "ada", **about: Any) -> Visit:
        """On the page of the larger award."""
        return self.campus.enter(
            "badges:large", person=person, name=about.pop("name", "Ada Lovelace"), link="large", title="Large", **about
        )

    def teacher(self) -> Visit:
        return self.campus.enter(
            "badges:large", as_=INSTRUCTOR, person="grace", name="Grace", link="large", title="Large"
        )

    def badge(self, **changes: Any) -> dict[str, Any]:
        """A badge of the other institution, which its server hands out too."""
        made = self.school.badge(**changes)
        self.web[made["id"]] = made
        return made

    def hand_in(self, visit: Visit, given: object, status: int = 303, **form: Any) -> str:
        """Hand in a document, or what the form says."""
        if given is not None:
            raw = given if isinstance(given, bytes) else _written(given).encode()
            form["file"] = (io.BytesIO(raw), "badge.json")
        answer = visit.post("outside", {"component": self.outside.key, **form})
        page = unescape(answer.get_data(as_text=True))
        assert answer.status_code == status, page
        return page

    def rows(self) -> list[Foreign]:
        with self.campus.app.app_context():
            return list(session.scalars(select(Foreign).where(Foreign.tenant_id == self.campus.tenant.id)))


@pytest.fixture
def other_site(tmp_path: Path) -> Iterator[tuple[Path, School, dict[str, Any]]]:
    """The server of another institution: whom to trust for it, the institution, and what is at its addresses."""
    authority = make_authority(tmp_path)
    other = Flask("other")
    web: dict[str, Any] = {}

    @other.get("/<path:path>")
    def found(path: str) -> Response:
        document = web.get(f"https://{request.host}/{path}")
        return Response(json.dumps(document), 200 if document else 404, mimetype="application/json")

    with serving(other, tls=authority.server) as port:
        school = School(host=f"tool.localhost:{port}")
        web.update(school.web())
        yield authority.ca_file, school, web


@pytest.fixture
def app(make_database: Callable[[], str], other_site: tuple[Path, School, dict[str, Any]]) -> Iterator[Flask]:
    """The application, which trusts the other server."""
    app = make_app(make_database(), plugins=[make_probe(), plugin], ca_file=str(other_site[0]))
    yield app
    close_app(app)


@pytest.fixture
def abroad(campus: Campus, other_site: tuple[Path, School, dict[str, Any]]) -> Abroad:
    """A larger award that takes a badge of the other institution and one of our own."""
    return Abroad(campus, *other_site[1:])


def test_a_genuine_badge_that_names_the_person_counts_and_completes_the_award(abroad: Abroad) -> None:
    abroad.campus.score("ada", "80")
    assert named(abroad.campus) == ["ai"]
    visit = abroad.learner()
    assert "Data at the other college, of another institution – not yet" in text_of(visit)
    given = abroad.badge()
    abroad.hand_in(visit, given)
    assert "Counts" in text_of(visit, "outside")
    abroad.campus.work()
    assert named(abroad.campus) == ["ai", "large"]
    big = next(badge for badge in abroad.campus.badges() if badge.achievement_id == abroad.large.id)
    assert given["id"] in [one["id"] for one in json.loads(big.document or "")["evidence"]]
    assert "You have earned this badge." in text_of(visit)


@pytest.mark.parametrize("how", ["address", "token", "png"])
def test_a_badge_is_taken_in_any_form(abroad: Abroad, how: str) -> None:
    badge = abroad.badge()
    form: dict[str, Any] = {"given": None}
    if how == "address":
        form["url"] = badge["id"]
    elif how == "token":
        form["given"] = abroad.school.token()
    else:
        form["given"] = baking.bake_png(design.png(design.svg(design.default("Data")), 64), json.dumps(badge))
    abroad.hand_in(abroad.learner(), **form)
    assert [row.state for row in abroad.rows()] == ["good"]


def test_an_e_mail_address_in_the_badge_names_the_person_too(abroad: Abroad) -> None:
    visit = abroad.learner(name="A. Lovelace", email="Ada@example.org")
    abroad.hand_in(visit, abroad.badge())
    assert [row.state for row in abroad.rows()] == ["good"]


def test_what_does_not_hold_up_is_refused_with_the_reason(abroad: Abroad) -> None:
    visit = abroad.learner()
    forged = json.dumps(abroad.badge()).replace("Ada Lovelace", "Bob")
    assert "something was changed after it was signed" in abroad.hand_in(visit, forged, 422)
    abroad.school.bits.set(4711)
    abroad.web.update(abroad.school.web())
    page = abroad.hand_in(visit, abroad.badge(), 422)
    assert "This badge does not hold up:" in page
    assert "No badge was found in it." in abroad.hand_in(visit, b"GIF89a", 422)
    assert "Choose the file of the badge" in abroad.hand_in(visit, None, 422)
    assert "Nothing could be read at this address." in abroad.hand_in(
        visit, None, 422, url=f"{abroad.school.base}/credentials/1"
    )
    assert abroad.rows() == []


def test_a_file_that_is_too_large_is_refused(abroad: Abroad) -> None:
    visit = abroad.learner()
    parts = {"_form": visit.form_proof(), "component": abroad.outside.key, 'file"; filename="large.png': "x" * 2**21}
    head = "--x\r\nContent-Disposition: form-data; name="
    body = "".join(f'{head}"{name}"\r\n\r\n{text}\r\n' for name, text in parts.items())
    kind = "multipart/form-data; boundary=x"
    answer = visit.client.post(visit.url("outside"), data=f"{body}--x--\r\n", base_url=PUBLIC_URL, content_type=kind)
    assert answer.status_code == 413
    assert "larger than 1 MB" in answer.get_data(as_text=True)
    assert abroad.rows() == []


def test_a_badge_whose_issuer_cannot_be_asked_does_not_count(abroad: Abroad) -> None:
    badge = abroad.badge()
    abroad.web.clear()
    assert "could not be found out" in abroad.hand_in(abroad.learner(), badge, 422)
    assert abroad.rows() == []


def test_a_genuine_badge_of_another_issuer_or_for_something_else_does_not_count(abroad: Abroad) -> None:
    visit = abroad.learner()
    achievement = f"{abroad.school.base}/achievements/py-data/v/2"
    for outside, text in {
        Outside("Other", f"{abroad.school.did}:more"): "of another issuer",
        Outside("Other", abroad.school.did, f"{achievement}1"): "for something else",
    }.items():
        with writing(abroad.campus.app):
            rules.save(abroad.campus.tenant.id, abroad.large.id, None, Terms(outside=(outside,)))
        assert text in abroad.hand_in(visit, abroad.badge(), 422, component=outside.key)
    right = Outside("Other", abroad.school.did, achievement)
    with writing(abroad.campus.app):
        rules.save(abroad.campus.tenant.id, abroad.large.id, None, Terms(outside=(right,)))
    abroad.hand_in(visit, abroad.badge(), component=right.key)
    abroad.campus.work()
    assert named(abroad.campus) == ["large"]


def test_a_badge_of_somebody_else_waits_until_an_instructor_decides(abroad: Abroad) -> None:
    abroad.campus.score("bob", "80")
    visit = abroad.learner("bob", name="Bob")
    given = abroad.badge()
    abroad.hand_in(visit, given)
    abroad.campus.work()
    assert named(abroad.campus) == ["ai"]
    assert "An instructor looks whether it is yours." in text_of(visit, "outside")
    (row,) = abroad.rows()
    teacher = abroad.teacher()
    assert "has handed in a badge of another institution that does not name them" in text_of(teacher)
    assert "It names Ada Lovelace." in text_of(teacher, f"people/{row.person_id}")
    decision = f"people/{row.person_id}/outside/{row.id}"
    assert visit.post(decision, {"theirs": "yes"}).status_code == 403
    assert teacher.post(decision, {"theirs": "no"}).status_code == 303
    assert "an instructor has decided that it is not yours" in text_of(visit, "outside")
    assert "does not count. Please ask them." in abroad.hand_in(visit, given, 422)
    assert teacher.post(decision, {"theirs": "yes"}).status_code == 303
    abroad.campus.work()
    assert named(abroad.campus) == ["ai", "large"]
    assert teacher.post(decision, {"theirs": "no"}).status_code == 404


def test_nothing_is_given_for_a_badge_that_was_revoked_since_it_was_handed_in(abroad: Abroad) -> None:
    visit = abroad.learner()
    abroad.hand_in(visit, abroad.badge())
    with writing(abroad.campus.app):
        early = utcnow() - 2 * foreign.FRESH
        session.execute(update(Foreign).where(Foreign.tenant_id == abroad.campus.tenant.id).values(checked_at=early))
    abroad.school.bits.set(4711)
    abroad.web.update(abroad.school.web())
    abroad.campus.score("ada", "80")
    assert named(abroad.campus) == ["ai"]
    assert [(row.state, row.detail) for row in abroad.rows()] == [("lost", "revoked")]
    assert "Does not count any more" in text_of(visit, "outside")


def test_a_badge_that_was_handed_in_long_ago_is_checked_again_before_the_award_is_given(abroad: Abroad) -> None:
    abroad.hand_in(abroad.learner(), abroad.badge())
    with writing(abroad.campus.app):
        early = utcnow() - 2 * foreign.FRESH
        session.execute(update(Foreign).where(Foreign.tenant_id == abroad.campus.tenant.id).values(checked_at=early))
    abroad.campus.score("ada", "80")
    assert named(abroad.campus) == ["ai", "large"]
    assert abroad.rows()[0].checked_at > early + foreign.FRESH


def test_one_badge_counts_for_one_component(abroad: Abroad) -> None:
    other = Outside("Also", abroad.school.did, f"{abroad.school.base}/achievements/py-data/v/2")
    with writing(abroad.campus.app):
        rules.save(abroad.campus.tenant.id, abroad.large.id, None, Terms(outside=(abroad.outside, other)))
    visit, badge = abroad.learner(), abroad.badge()
    abroad.hand_in(visit, badge)
    assert "it counts once" in abroad.hand_in(visit, badge, 422, component=other.key)
    abroad.hand_in(visit, abroad.badge(status_index=4712), component=other.key)
    abroad.campus.work()
    assert named(abroad.campus) == ["large"]


def test_what_was_handed_in_is_exported_and_erased(abroad: Abroad) -> None:
    badge = abroad.badge()
    abroad.hand_in(abroad.learner(), badge)
    (row,) = abroad.rows()
    with writing(abroad.campus.app):
        kept = privacy.export_person(abroad.campus.tenant.id, row.person_id)
        assert kept["badges_of_other_issuers"][0]["credential_id"] == badge["id"]
        privacy.erase_person(abroad.campus.tenant.id, row.person_id)
    assert abroad.rows() == []


def test_instructors_hand_in_nothing_and_nothing_is_taken_where_nothing_is_asked_for(abroad: Abroad) -> None:
    assert abroad.teacher().get("outside").status_code == 403
    assert abroad.campus.learner().get("outside").status_code == 404


# The rule ------------------------------------------------------------------------------------------------------------


def test_an_instructor_names_badges_of_other_institutions_in_the_rule(abroad: Abroad) -> None:
    teacher = abroad.teacher()
    form = {
        "threshold": "70",
        "outside-name-0": "Data",
        "outside-issuer-0": "did:web:data.example",
        "outside-name-1": "Ethics",
        "outside-issuer-1": "https://ethics.example/issuer",
        "outside-achievement-1": "urn:uuid:7d3f3f9e-0d0c-4b0b-8f0e-3d7f5f7c9a11",
    }
    assert teacher.post("rule", form).status_code == 303
    with abroad.campus.app.app_context():
        kept = rules.find(abroad.campus.tenant.id, abroad.large.id, 1)
        assert kept is not None
        assert [(one.name, one.issuer) for one in rules.terms_of(kept).outside] == [
            ("Data", "did:web:data.example"),
            ("Ethics", "https://ethics.example/issuer"),
        ]
    assert 'value="did:web:data.example"' in teacher.get("rule").get_data(as_text=True)
    assert "2 badges of other institutions have to be handed in" in text_of(teacher)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"outside-name-0": ""}, "a name of at most 255 characters"),
        ({"outside-issuer-0": "data.example"}, "begins with did: or https://"),
        ({"outside-achievement-0": "everything"}, "an address without spaces"),
        ({"outside-name-1": "Again", "outside-issuer-1": "did:web:data.example"}, "can count once only"),
    ],
)
def test_a_rule_about_others_that_no_badge_could_fit_is_refused(
    abroad: Abroad, changes: dict[str, str], text: str
) -> None:
    form = {"threshold": "70", "outside-name-0": "Data", "outside-issuer-0": "did:web:data.example", **changes}
    answer = abroad.teacher().post("rule", form)
    assert answer.status_code == 422
    assert text in unescape(answer.get_data(as_text=True))


def test_badges_of_others_are_asked_for_besides_the_rest() -> None:
    one = Outside("Data", "did:web:data.example")
    terms = Terms(outside=(one,))
    assert not terms.asks_nothing
    assert rules.standing(terms, {}).open_outside == (one.key,)
    assert rules.standing(terms, {}, outside={one.key}).earned
    assert one.key != replace(one, achievement="https://data.example/a").key
    assert one.key == replace(one, name="Otherwise").key
    with pytest.raises(Conflict):
        Terms(outside=(one, replace(one, name="Twice"))).checked()
