"""The console: what an institution says about itself as an issuer, its keys, and badges that are found and revoked."""

from __future__ import annotations

import json
import re

import pytest
from earning import Campus
from reading_badges import BASE, Desk, Reader, change, earned
from sqlalchemy import select

from ltitools.models import AuditEntry
from ltitools.plugin import session
from ltitools.testing import PUBLIC_URL, Platform, writing
from ltitools_badges import awarding, issuers, views_console
from ltitools_badges.models import Issuer

DETAILS = {
    "name": "Acme College of Technology",
    "parent_name": "University of Acme",
    "url": "https://acme.example.edu/",
    "email": "badges@acme.example.edu",
    "country": "ca",
    "locality": "Montréal",
    "ror": "https://ror.org/03yrm5c26",
    "description": "A college.",
}


@pytest.fixture
def desk(campus: Campus) -> Desk:
    """An administrator of the institution, signed in."""
    return Desk(campus.app)


def logged(campus: Campus) -> list[str]:
    """What the audit log has of badges."""
    with campus.app.app_context():
        rows = select(AuditEntry.action).where(AuditEntry.tenant_id == campus.tenant.id).order_by(AuditEntry.id)
        return [action for action in session.scalars(rows) if action.startswith("badges.")]


def shown(page: str) -> list[str]:
    """The people whose badges a page lists."""
    return re.findall(r"<p><strong>([^<]+)</strong>", page)


def test_the_page_is_for_administrators_of_the_institution_only(
    campus: Campus, desk: Desk, other_platform: Platform
) -> None:
    where = "/console/acme/badges/"
    assert campus.app.test_client().get(where, base_url=PUBLIC_URL).status_code == 303
    assert Desk(campus.app, "beta").get(where).status_code == 404
    assert desk.get(where).status_code == 200
    assert Desk(campus.app, "beta").get("/console/acme/badges/badges").status_code == 404


def test_before_the_first_badge_the_page_says_what_will_come(desk: Desk) -> None:
    page = desk.read()
    assert "No badge was given yet." in page
    assert "Make new keys" not in page
    assert desk.get("export.zip").status_code == 404


def test_what_is_said_about_the_institution_is_in_badges_from_then_on(campus: Campus, desk: Desk) -> None:
    (before,) = earned(campus, "ada")
    answer = desk.post(**DETAILS)
    assert answer.status_code == 303
    assert "Saved." in desk.read()
    campus.score("bob", "90")
    old, new = campus.badges()
    issuer = json.loads(new.document or "")["issuer"]
    assert issuer["name"] == "Acme College of Technology"
    assert issuer["address"] == {"type": ["Address"], "addressCountryCode": "CA", "addressLocality": "Montréal"}
    assert issuer["otherIdentifier"][0]["identifier"] == "https://ror.org/03yrm5c26"
    assert issuer["parentOrg"]["name"] == "University of Acme"
    assert old.document == before.document
    assert "badges.issuer" in logged(campus)
    assert "Acme College of Technology" in Reader(campus.app).read("")


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("name", "", "The issuer needs a name."),
        ("url", "javascript:alert(1)", "The website must be an address"),
        ("country", "Canada", "The country is two letters"),
        ("ror", "https://ror.example/1", "A ROR identifier looks like"),
        ("email", "nobody", "This is no e-mail address: nobody"),
        ("locality", "x" * 300, "One of the texts is too long."),
    ],
)
def test_a_detail_that_cannot_be_is_refused_and_the_form_kept(
    campus: Campus, desk: Desk, field: str, value: str, text: str
) -> None:
    answer = desk.post(**{**DETAILS, field: value})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert text in page
    assert 'value="University of Acme"' in page
    with campus.app.app_context():
        assert session.scalar(select(Issuer).where(Issuer.tenant_id == campus.tenant.id)) is None


def test_a_server_whose_badges_verify_nowhere_else_says_so(campus: Campus, desk: Desk) -> None:
    earned(campus, "ada")
    with writing(campus.app):
        issuer = issuers.of(campus.tenant)
        issuer.base = "http://localhost:8000/i/acme"
        issuer.kept_for = PUBLIC_URL
    assert "its badges can be checked here, and nowhere" in desk.read()


def test_new_keys_sign_and_old_ones_stay(campus: Campus, desk: Desk) -> None:
    (badge,) = earned(campus, "ada")
    assert desk.post("keys").status_code == 303
    page = desk.read()
    assert page.count('<span class="pill good">listed</span>') == 4
    assert "badges.key" in logged(campus)
    assert "this badge is genuine" in Reader(campus.app).read(f"credentials/{badge.public_id}")


def test_a_key_that_is_withdrawn_is_gone_and_its_badges_are_signed_anew(campus: Campus, desk: Desk) -> None:
    (badge,) = earned(campus, "ada")
    with campus.app.app_context():
        name = issuers.signing_key(campus.tenant.id, issuers.ED25519).name
    assert desk.post(f"keys/{name}").status_code == 303
    assert "withdrawn on" in desk.read()
    campus.work()
    (again,) = campus.badges()
    assert name not in again.keys
    assert again.document != badge.document
    assert "badges.withdraw" in logged(campus)
    assert desk.post("keys/key-1999-01").status_code == 404


def test_the_page_counts_what_was_given_and_revoked(campus: Campus, desk: Desk) -> None:
    badges = earned(campus, "ada", "bob")
    with writing(campus.app):
        awarding.revoke(awarding.get(campus.tenant.id, badges[0].id), "A mistake")
    page = " ".join(desk.read().split())
    assert '<td class="number">2</td><td class="number">1</td>' in page


def test_badges_are_found_by_person_by_number_and_by_state(campus: Campus, desk: Desk) -> None:
    ada, bob, cleo = earned(campus, "ada", "bob", "cleo")
    assert shown(desk.read("badges")) == ["Cleo", "Bob", "Ada"]
    assert shown(desk.read("badges?find=BO")) == ["Bob"]
    assert shown(desk.read("badges?find=ada%40example.test")) == ["Cleo", "Bob", "Ada"], "all have this address here"
    assert shown(desk.read(f"badges?find={BASE}/credentials/{cleo.public_id}.png")) == ["Cleo"]
    assert shown(desk.read("badges?find=nobody")) == []
    with writing(campus.app):
        awarding.revoke(awarding.get(campus.tenant.id, ada.id), "A mistake")
    assert shown(desk.read("badges?state=revoked")) == ["Ada"]
    assert shown(desk.read("badges?state=valid")) == ["Cleo", "Bob"]
    assert shown(desk.read(f"badges?achievement={campus.achievement_id}&before={bob.id}")) == ["Ada"]
    assert shown(desk.read("badges?achievement=999")) == []


def test_a_badge_is_revoked_with_a_reason(campus: Campus, desk: Desk) -> None:
    (badge,) = earned(campus, "ada")
    where = f"badges/{badge.id}/revoke"
    refused = desk.post(where, "badges", reason="  ")
    assert refused.status_code == 422
    assert "Say why" in refused.get_data(as_text=True)
    answer = desk.post(where, "badges", reason="Handed in somebody else's work")
    assert answer.status_code == 303
    page = desk.read(answer.headers["Location"])
    assert "The badge is revoked." in page
    assert "Reason: Handed in somebody else's work" in page
    campus.work()
    public = Reader(campus.app).read(f"credentials/{badge.public_id}")
    assert "This badge was revoked on" in public
    assert "somebody else's work" not in public
    assert logged(campus).count("badges.revoke") == 1


def test_a_badge_of_another_institution_cannot_be_revoked(campus: Campus, desk: Desk, other_platform: Platform) -> None:
    (badge,) = earned(campus, "ada")
    other = Desk(campus.app, "beta")
    proof = re.search(r'name="_form" value="([^"]+)"', other.read("/console/beta/badges/"))
    assert proof is not None
    for tenant in ("beta", "acme"):
        answer = other.client.post(
            f"/console/{tenant}/badges/badges/{badge.id}/revoke",
            data={"_form": proof[1], "reason": "Because"},
            base_url=PUBLIC_URL,
        )
        assert answer.status_code == 404
    assert campus.badges()[0].revoked_at is None


def test_a_badge_that_is_not_shared_has_no_link(campus: Campus, desk: Desk) -> None:
    (badge,) = earned(campus, "ada")
    link = f"{BASE}/credentials/{badge.public_id}"
    assert link in desk.read("badges")
    change(campus, badge, visibility="private")
    page = desk.read("badges")
    assert link not in page
    assert "not shared by its holder" in page


def test_a_long_list_has_older_ones(campus: Campus, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views_console, "SHOWN", 2)
    earned(campus, "ada", "bob", "cleo")
    page = desk.read("badges?find=example.test")
    assert shown(page) == ["Cleo", "Bob"]
    older = re.search(r'href="([^"]+before=\d+)"', page)
    assert older is not None
    assert shown(desk.read(older[1])) == ["Ada"]
