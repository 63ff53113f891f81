"""The public pages: what an employer reads, what a program gets, and what is shown to nobody."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from earning import CONTENT, Campus, publish
from flask import Flask
from PIL import Image
from reading_badges import BASE, LINKS, Reader, change, earned, revoke
from school import EVERYTHING
from sqlalchemy import select

from ltitools.plugin import session
from ltitools.services import tenants
from ltitools.testing import PUBLIC_URL, statements, writing
from ltitools_badges import achievements, awarding, issuers, privacy, published
from ltitools_badges.core import baking, checking
from ltitools_badges.models import Badge, Holder

GENUINE = "Checked just now: this badge is genuine."
DOCUMENT = "application/vc+ld+json"
TOKEN = "text/plain; charset=utf-8"


def web_of(campus: Campus) -> dict[str, Any]:
    """What a checker finds at our addresses."""
    reader = Reader(campus.app)
    return {f"{BASE}/{path}": json.loads(reader.get(path, "*/*").get_data()) for path in ("did.json", "status/1")}


def verdict(campus: Campus, text: str | None) -> str:
    """What a checker says of a copy that somebody has kept."""
    assert text is not None
    return checking.check(text, web_of(campus), datetime.now(UTC) + timedelta(seconds=2)).verdict


# The page of a badge -------------------------------------------------------------------------------------------------


def test_the_page_says_what_was_earned_from_whom_and_that_it_was_checked(reader: Reader, badge: Badge) -> None:
    page = reader.read(f"credentials/{badge.public_id}")
    for text in (
        "Working with AI",
        "Acme College",
        "84.25\N{NO-BREAK SPACE}%",
        "Writes a clear instruction",
        "2.5 hours",
        "Quiz or test",
        GENUINE,
        "nothing was changed since it was signed.",
        "it was not revoked.",
    ):
        assert text in page
    assert 'class="verdict good' in page


def test_nobody_is_named_until_the_holder_wants_it(campus: Campus, reader: Reader, badge: Badge) -> None:
    where = f"credentials/{badge.public_id}"
    assert "Ada" not in reader.read(where)
    with writing(campus.app):
        holder = session.scalars(select(Holder).where(Holder.tenant_id == campus.tenant.id)).one()
        holder.name = "Ada Lovelace"
        awarding.sign_anew(awarding.get(campus.tenant.id, badge.id))
    campus.work()
    assert "Earned by Ada Lovelace" in reader.read(where)


def test_the_verdict_is_made_of_what_is_served_and_not_of_a_flag(campus: Campus, reader: Reader, badge: Badge) -> None:
    assert badge.document is not None
    change(campus, badge, document=badge.document.replace('"84.25"', '"99"'))
    page = reader.read(f"credentials/{badge.public_id}")
    assert GENUINE not in page
    assert 'class="verdict bad' in page
    assert "something was changed after it was signed" in page


def test_the_page_has_what_a_link_preview_shows(reader: Reader, badge: Badge) -> None:
    page = reader.read(f"credentials/{badge.public_id}", Accept="*/*")
    assert f'property="og:image" content="{BASE}/credentials/{badge.public_id}/card.png"' in page
    assert 'property="og:title" content="Working with AI"' in page
    assert f'type="{DOCUMENT}" href="{BASE}/credentials/{badge.public_id}.json"' in page
    card = reader.get(f"credentials/{badge.public_id}/card.png", "*/*")
    assert Image.open(io.BytesIO(card.get_data())).size == (1200, 627)


def test_the_page_is_in_the_language_of_the_browser_or_of_the_link(reader: Reader, badge: Badge) -> None:
    where = f"credentials/{badge.public_id}"
    headers = {"Accept-Language": "fr-CA,fr;q=0.9,en;q=0.5"}
    assert '<html lang="fr">' in reader.read(where, **headers)
    assert '<html lang="en">' in reader.read(f"{where}?lang=en", **headers)
    assert '<h1 lang="en">' in reader.read(f"{where}?lang=fr"), "what it certifies stays in its own language"
    assert reader.get(where, **headers).headers["Content-Language"] == "fr"


def test_every_link_of_a_page_leads_somewhere(reader: Reader, badge: Badge) -> None:
    for page in (f"credentials/{badge.public_id}", "achievements/ai", ""):
        for link in LINKS.findall(reader.read(page)):
            if link.startswith((PUBLIC_URL, "/")):
                path = urlsplit(link).path
                with reader.get(f"{PUBLIC_URL}{path}", "*/*") as answer:
                    assert answer.status_code == 200, link


def test_a_badge_costs_few_queries(campus: Campus, reader: Reader, badge: Badge) -> None:
    with statements(campus.app) as sent:
        reader.read(f"credentials/{badge.public_id}")
    assert len(sent) <= 4, sent


@pytest.mark.usefixtures("badge")
def test_criteria_cannot_bring_markup_or_scripts(campus: Campus, reader: Reader) -> None:
    text = "<script>alert(1)</script> [press](javascript:alert(1)) ![x](https://spy.example/x.png)\n\n# Big\n\n**bold**"
    publish(campus.app, "risky", replace(CONTENT, name="Risky", criteria=text, description=text))
    page = reader.get("achievements/risky").get_data(as_text=True)
    assert "<strong>bold</strong>" in page
    for bad in ("<script>alert", 'href="javascript', 'src="https://spy', "<h1>Big"):
        assert bad not in page


# Forms ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8"),
        ("*/*", "text/html; charset=utf-8"),
        ("", "text/html; charset=utf-8"),
        ("image/webp", "text/html; charset=utf-8"),
        (DOCUMENT, DOCUMENT),
        ("application/vc", "application/vc"),
        ("application/ld+json", "application/ld+json"),
        ("application/json", "application/json"),
        ("application/json, text/plain, */*", "application/json"),
        ("application/json;q=0.5, text/html", "text/html; charset=utf-8"),
        ("text/plain", TOKEN),
        ("application/vc+jwt", "application/vc+jwt"),
        ("application/vc+jwt, application/json;q=0.9", "application/vc+jwt"),
    ],
)
def test_the_address_of_a_badge_answers_in_the_form_that_is_asked_for(
    reader: Reader, badge: Badge, accept: str, content_type: str
) -> None:
    answer = reader.get(f"credentials/{badge.public_id}", accept)
    assert answer.headers["Content-Type"] == content_type
    assert "Accept" in answer.headers["Vary"]
    body = answer.get_data(as_text=True)
    if "html" not in content_type:
        assert body == (badge.jwt if content_type in (TOKEN, "application/vc+jwt") else badge.document)


def test_a_badge_can_be_had_as_every_kind_of_file(reader: Reader, badge: Badge) -> None:
    where = f"credentials/{badge.public_id}"
    assert reader.get(f"{where}.json", "*/*").get_data(as_text=True) == badge.document
    assert reader.get(f"{where}.jwt", "*/*").get_data(as_text=True) == badge.jwt
    for picture in ("png", "svg"):
        answer = reader.get(f"{where}.{picture}", "*/*")
        assert answer.headers["Content-Disposition"] == f'attachment; filename="ai.{picture}"'
        assert baking.unbake(answer.get_data()) == badge.document


def test_older_backpacks_find_the_three_documents_they_follow(reader: Reader, badge: Badge) -> None:
    assertion = json.loads(reader.get(f"credentials/{badge.public_id}.ob2.json", "*/*").get_data())
    assert assertion["id"] == f"{BASE}/credentials/{badge.public_id}.ob2.json"
    badge_class = json.loads(reader.get(assertion["badge"], "*/*").get_data())
    assert badge_class["id"] == assertion["badge"]
    issuer = json.loads(reader.get(badge_class["issuer"], "*/*").get_data())
    assert (issuer["id"], issuer["type"]) == (badge_class["issuer"], "Issuer")


@pytest.mark.parametrize("path", ["did.json", "status/1", "profile.json", "achievements/ai/v/1.json", "badge"])
def test_programs_of_any_site_may_read_and_need_not_read_twice(reader: Reader, badge: Badge, path: str) -> None:
    where = f"credentials/{badge.public_id}.json" if path == "badge" else path
    answer = reader.get(where, "*/*")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    again = reader.get(where, "*/*", **{"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.get_data()) == (304, b"")


def test_only_pictures_of_a_version_are_kept_for_ever(reader: Reader, badge: Badge) -> None:
    def cache(path: str) -> str:
        return reader.get(path, "*/*").headers["Cache-Control"]

    assert "immutable" in cache("achievements/ai/v/1.png")
    assert "immutable" in cache("achievements/ai/v/1.svg")
    assert cache("achievements/ai.png") == "public, max-age=300"
    assert cache("status/1") == "public, max-age=300"
    assert cache(f"credentials/{badge.public_id}.json") == "public, no-cache"
    assert cache(f"credentials/{badge.public_id}") == "no-cache"


def test_search_engines_find_only_what_its_holder_lists(campus: Campus, reader: Reader, badge: Badge) -> None:
    where = f"credentials/{badge.public_id}"
    for path in (where, f"{where}.json", "did.json", "", "achievements/ai"):
        assert reader.get(path).headers["X-Robots-Tag"] == "noindex"
    change(campus, badge, visibility="listed")
    assert "X-Robots-Tag" not in reader.get(where).headers
    assert reader.get(f"{where}.json").headers["X-Robots-Tag"] == "noindex"


def test_no_public_page_sets_a_cookie(reader: Reader, badge: Badge) -> None:
    for path in (f"credentials/{badge.public_id}", "", f"{PUBLIC_URL}/verify"):
        assert "Set-Cookie" not in reader.get(path).headers


# What is not shown ----------------------------------------------------------------------------------------------------


def test_a_private_badge_looks_like_none_and_a_copy_of_it_still_checks(
    campus: Campus, reader: Reader, badge: Badge
) -> None:
    change(campus, badge, visibility="private")
    private = reader.read(f"credentials/{badge.public_id}", 404)
    unknown = reader.read("credentials/00000000-0000-4000-8000-000000000000", 404)
    assert private == unknown
    assert "This badge is not shared" in private
    for form in ("json", "jwt", "png", "svg", "ob2.json"):
        assert reader.get(f"credentials/{badge.public_id}.{form}", "*/*").status_code == 404
    assert reader.get(f"credentials/{badge.public_id}/card.png", "*/*").status_code == 404
    assert verdict(campus, badge.document) == "good"
    revoke(campus, badge)
    assert verdict(campus, badge.document) == "bad", "its place in the status list goes on"


def test_an_erased_badge_is_as_if_there_were_none_and_the_copy_of_its_holder_still_checks(
    campus: Campus, reader: Reader, badge: Badge
) -> None:
    with writing(campus.app):
        privacy.erase_person(campus.tenant.id, badge.person_id)
    page = reader.read(f"credentials/{badge.public_id}", 404)
    assert "its holder does not share it or had it removed" in page
    assert "A file of it that the holder has kept can be checked as before" in page
    assert reader.get(f"credentials/{badge.public_id}.json", "*/*").status_code == 404
    assert verdict(campus, badge.document) == "good"
    handed_in = reader.check(file=(io.BytesIO((badge.document or "").encode()), "mine.json"))
    assert "This badge is genuine and in force." in handed_in.get_data(as_text=True)


def test_a_revoked_badge_is_shown_as_revoked_and_its_files_stay(campus: Campus, reader: Reader, badge: Badge) -> None:
    revoke(campus, badge, "Somebody else's work")
    page = reader.read(f"credentials/{badge.public_id}")
    assert "This badge was revoked on" in page
    assert 'class="verdict bad' in page
    assert GENUINE not in page
    assert "Somebody else" not in page, "the reason is between the institution and the holder"
    assert reader.get(f"credentials/{badge.public_id}.json", "*/*").get_data(as_text=True) == badge.document
    assert verdict(campus, badge.document) == "bad"
    assert verdict(campus, badge.jwt) == "bad"
    old = reader.get(f"credentials/{badge.public_id}.ob2.json", "*/*")
    assert (old.status_code, json.loads(old.get_data())["revoked"]) == (410, True)


def test_a_badge_is_revoked_for_every_reader_before_the_worker_has_signed_the_list(
    campus: Campus, reader: Reader, badge: Badge
) -> None:
    with writing(campus.app):
        awarding.revoke(awarding.get(campus.tenant.id, badge.id), "A mistake")
    assert verdict(campus, badge.document) == "bad"
    assert 'class="verdict bad' in reader.read(f"credentials/{badge.public_id}")


def test_an_expired_badge_is_not_called_genuine(campus: Campus, reader: Reader, badge: Badge) -> None:
    with writing(campus.app):
        row = awarding.get(campus.tenant.id, badge.id)
        row.valid_until = datetime.now(UTC) - timedelta(days=1)
        awarding.sign_anew(row)
    campus.work()
    page = reader.read(f"credentials/{badge.public_id}")
    assert GENUINE not in page
    assert "its time is over." in page


def test_a_badge_that_waits_to_be_signed_asks_for_patience(campus: Campus, reader: Reader, badge: Badge) -> None:
    change(campus, badge, document=None, jwt=None, signed_at=None)
    answer = reader.get(f"credentials/{badge.public_id}")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert "is signed within a minute" in answer.get_data(as_text=True)


def test_a_badge_whose_key_was_withdrawn_is_signed_anew_at_its_address(
    campus: Campus, reader: Reader, badge: Badge
) -> None:
    with writing(campus.app):
        name = issuers.signing_key(campus.tenant.id, issuers.ED25519).name
        issuers.withdraw(campus.tenant, name)
        awarding.ask_to_sign(campus.tenant.id)
    assert reader.get(f"credentials/{badge.public_id}").status_code == 503
    assert reader.get(f"keys/{name}", "*/*").status_code == 404
    assert verdict(campus, badge.document) == "bad"
    campus.work()
    assert GENUINE in reader.read(f"credentials/{badge.public_id}")
    again = json.loads(reader.get(f"credentials/{badge.public_id}.json", "*/*").get_data())
    before = json.loads(badge.document or "")
    assert again["id"] == before["id"]
    assert again["validFrom"] >= before["validFrom"]
    assert again["awardedDate"] == before["awardedDate"]


@pytest.mark.parametrize("path", ["", "did.json", "vocabulary", "status/1", "achievements/ai", "profile.json"])
def test_an_institution_without_badges_has_no_pages(app: Flask, campus: Campus, path: str) -> None:
    assert Reader(app).get(path).status_code == 404


@pytest.mark.parametrize("key", ["nobody", "a%00b", "%F0%9F%98%80", "x" * 300])
def test_an_unknown_institution_is_a_page_that_does_not_exist(reader: Reader, badge: Badge, key: str) -> None:
    for rest in ("", "/did.json", f"/credentials/{badge.public_id}", "/achievements/a%00b"):
        assert reader.client.get(f"/i/{key}{rest}", base_url=PUBLIC_URL).status_code == 404


@pytest.mark.usefixtures("other_platform")
def test_a_badge_is_found_below_its_own_institution_only(campus: Campus, reader: Reader, badge: Badge) -> None:
    with writing(campus.app):
        issuers.of(published.institution("beta"))
    other = f"{PUBLIC_URL}/i/beta"
    assert reader.get(other).status_code == 200
    for path in (
        f"credentials/{badge.public_id}",
        f"credentials/{badge.public_id}.json",
        "achievements/ai",
        "status/1",
    ):
        assert reader.get(f"{other}/{path}", "*/*").status_code == 404


# Keys, lists, micro-credentials --------------------------------------------------------------------------------------


def test_old_keys_stay_and_each_has_an_address(campus: Campus, reader: Reader, badge: Badge) -> None:
    with writing(campus.app):
        issuers.rotate(campus.tenant)
        names = {key.name for key in issuers.keys(campus.tenant.id)}
    document = json.loads(reader.get("did.json").get_data())
    assert {one["id"].rpartition("#")[2] for one in document["verificationMethod"]} == names
    assert len(names) == 4
    for name in names:
        key = json.loads(reader.get(f"keys/{name}", "*/*").get_data())
        assert not {"d", "p", "q", "secretKeyMultibase"} & set(key)
    assert verdict(campus, badge.document) == "good"
    assert verdict(campus, badge.jwt) == "good"


def test_the_status_list_is_to_be_had_as_json_and_as_token(campus: Campus, reader: Reader, badge: Badge) -> None:
    listed = reader.get("status/1", "*/*")
    assert listed.headers["Content-Type"] == DOCUMENT
    assert json.loads(listed.get_data())["id"] == f"{BASE}/status/1"
    token = reader.get("status/1", "application/vc+jwt")
    assert token.get_data().count(b".") == 2
    web = {**web_of(campus), f"{BASE}/status/1": token.get_data(as_text=True)}
    assert checking.check(badge.document or "", web, datetime.now(UTC)).verdict == "good"
    assert reader.get("status/2", "*/*").status_code == 404


def test_every_place_that_a_badge_names_here_is_on_the_page_it_names(campus: Campus, reader: Reader) -> None:
    earned(campus, "ada")
    content = replace(EVERYTHING, quality_url="", level_framework="Acme levels", level_url="", pace="self-paced")
    content = replace(
        content,
        alignments=tuple(replace(one, url="") for one in content.alignments),
        occupations=tuple(replace(one, url="") for one in content.occupations),
        stacks_to=tuple(replace(one, url="") for one in content.stacks_to),
        identity_checked=True,
    )
    publish(campus.app, "everything", content)
    document = json.loads(reader.get("achievements/everything/v/1.json").get_data())
    named = [one["targetUrl"] for one in document["alignment"] if one["targetUrl"].startswith(BASE)]
    assert len(named) > 8
    for address in named:
        page, _, place = address.partition("#")
        assert f'id="{place}"' in reader.read(page), address
    assert document["id"] == f"{BASE}/achievements/everything/v/1"


def test_a_version_stays_as_it_was_when_there_is_a_newer_one(campus: Campus, reader: Reader, badge: Badge) -> None:
    before = reader.get("achievements/ai/v/1.png", "*/*").get_data()
    with writing(campus.app):
        draft = achievements.draft_of(campus.tenant.id, campus.achievement_id)
        achievements.save(draft, replace(CONTENT, name="Working well with AI"))
        achievements.publish(campus.tenant.id, campus.achievement_id)
    assert "Working well with AI" in reader.read("achievements/ai")
    old = reader.read("achievements/ai/v/1")
    assert '<h1 lang="en">Working with AI</h1>' in old
    assert "There is a newer one" in old
    assert reader.get("achievements/ai/v/1.png", "*/*").get_data() == before
    assert '<h1 lang="en">Working with AI</h1>' in reader.read(f"credentials/{badge.public_id}")
    assert reader.get("achievements/ai/v/3").status_code == 404


def test_a_draft_is_not_public(campus: Campus, reader: Reader, badge: Badge) -> None:
    with writing(campus.app):
        achievements.create(campus.tenant.id, "Secret plans", "en", None, "plans")
    assert reader.get("achievements/plans").status_code == 404
    assert "Secret plans" not in reader.read("")


def test_the_issuer_is_a_page_and_a_profile(campus: Campus, reader: Reader, badge: Badge) -> None:
    page = reader.read("")
    assert "Working with AI" in page
    assert "did:web:tool.example.test:i:acme" in page
    profile = json.loads(reader.get("", "application/json").get_data())
    assert (profile["id"], profile["name"]) == ("did:web:tool.example.test:i:acme", "Acme College")


def test_an_institution_that_is_switched_off_still_lets_its_badges_be_checked(
    campus: Campus, reader: Reader, badge: Badge
) -> None:
    with writing(campus.app):
        tenants.set_enabled("acme", False)
        tenants.set_plugin_enabled("acme", "badges", False)
    assert GENUINE in reader.read(f"credentials/{badge.public_id}")
    assert re.search("did:web", reader.get("did.json").get_data(as_text=True))
