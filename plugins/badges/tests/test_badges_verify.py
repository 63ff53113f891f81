"""``/verify``: what somebody hands in, what they read of it, and that nothing of it harms the server."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from earning import Campus
from flask import Flask, Response, request
from reading_badges import BASE, Reader, change, revoke
from school import School
from sqlalchemy import select

from ltitools.plugin import session
from ltitools.testing import PUBLIC_URL, KeySetServer, close_app, make_app, writing
from ltitools_badges import awarding, plugin, verdicts, views_verify
from ltitools_badges.checking_process import check_apart
from ltitools_badges.core import baking, checking
from ltitools_badges.models import Badge, Holder
from sites import serving
from tls import make_authority

GENUINE = "This badge is genuine and in force."
JSON = "application/json"


def report_of(reader: Reader, **form: Any) -> dict[str, Any]:
    """What a program is told of what is handed in."""
    answer = reader.check(JSON, **form)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    found: dict[str, Any] = json.loads(answer.get_data())
    return found


def line(report: dict[str, Any], what: str) -> tuple[str, str]:
    """The answer to one question."""
    return next((one["outcome"], one["detail"]) for one in report["lines"] if one["what"] == what)


def handed_in(reader: Reader, badge: Badge, how: str) -> dict[str, Any]:
    """A badge as somebody may hand it in."""
    where = f"credentials/{badge.public_id}"
    if how == "address":
        return {"url": f"{BASE}/{where}"}
    if how == "text":
        return {"text": f"\n{badge.document}\n"}
    return {"file": (io.BytesIO(reader.get(f"{where}.{how}", "*/*").get_data()), f"badge.{how}")}


@pytest.mark.parametrize("how", ["address", "text", "json", "jwt", "png", "svg"])
def test_a_genuine_badge_is_genuine_however_it_is_handed_in(reader: Reader, badge: Badge, how: str) -> None:
    page = reader.check(**handed_in(reader, badge, how)).get_data(as_text=True)
    assert GENUINE in page
    assert 'class="verdict good' in page
    assert "<code>tool.example.test</code>" in page, "who says so is named"
    assert f'href="{BASE}/credentials/{badge.public_id}"' in page


def test_each_question_has_an_answer_of_its_own(reader: Reader, badge: Badge) -> None:
    report = report_of(reader, text=badge.document)
    assert report["verdict"] == "good"
    assert [one["what"] for one in report["lines"]] == ["signature", "issuer", "status", "dates", "recipient", "schema"]
    assert report["issuer_host"] == "tool.example.test"
    assert report["name"] == "Working with AI"


def test_a_changed_score_is_found(reader: Reader, badge: Badge) -> None:
    forged = (badge.document or "").replace('"84.25"', '"99"')
    page = reader.check(text=forged).get_data(as_text=True)
    assert "Do not rely on this badge." in page
    assert "something was changed after it was signed" in page
    assert "What the badge claims" in page
    assert 'class="verdict good' not in page
    assert line(report_of(reader, text=forged), "signature") == ("bad", "tampered")


def test_a_revoked_badge_is_told_as_revoked(campus: Campus, reader: Reader, badge: Badge) -> None:
    revoke(campus, badge)
    for given in (badge.document, badge.jwt):
        page = reader.check(text=given).get_data(as_text=True)
        assert "This badge was revoked." in page
        assert 'class="verdict bad' in page


def test_a_person_can_be_compared_with_whom_the_badge_names(campus: Campus, reader: Reader, badge: Badge) -> None:
    assert line(report_of(reader, text=badge.document, recipient="Ada"), "recipient")[1] == "recipient-not-in-badge"
    with writing(campus.app):
        holder = session.scalars(select(Holder).where(Holder.tenant_id == campus.tenant.id)).one()
        holder.name, holder.email, holder.salt = "Ada Lovelace", "ada@example.test", "s4lt"
        awarding.get(campus.tenant.id, badge.id).signed_at = None
        awarding.ask_to_sign(campus.tenant.id)
    campus.work()
    (named,) = campus.badges()
    for recipient, outcome in {
        "ada  LOVELACE": "good",
        "Ada@Example.test": "good",
        "bob@example.test": "bad",
        "Bob": "bad",
        "": "unknown",
    }.items():
        report = report_of(reader, text=named.document, recipient=recipient)
        assert line(report, "recipient")[0] == outcome, recipient
    page = reader.check(text=named.document, recipient="Bob").get_data(as_text=True)
    assert "This badge was given to somebody else." in page


# Others' badges -------------------------------------------------------------------------------------------------------


def test_a_badge_whose_issuer_cannot_be_reached_is_never_green(reader: Reader) -> None:
    school = School(host="localhost:1")
    page = reader.check(text=json.dumps(school.badge())).get_data(as_text=True)
    assert "It could not be found out whether this badge is genuine." in page
    assert 'class="verdict unknown' in page
    assert "did not hand out its keys" in page
    assert "Who says so" not in page
    report = report_of(reader, text=json.dumps(school.badge()))
    assert (report["verdict"], line(report, "issuer")[0]) == ("unknown", "unknown")


@pytest.fixture
def abroad(make_database: Callable[[], str], tmp_path: Path) -> Iterator[tuple[Flask, School, list[str]]]:
    """A server that trusts the authority of another institution's; gives also what that one was asked for."""
    authority = make_authority(tmp_path)
    other = Flask("other")
    asked: list[str] = []
    web: dict[str, Any] = {}

    @other.get("/<path:path>")
    def found(path: str) -> Response:
        asked.append(path)
        document = web.get(f"https://{request.host}/{path}")
        return Response(json.dumps(document), 200 if document else 404, mimetype="application/json")

    app = make_app(make_database(), plugins=[plugin], ca_file=str(authority.ca_file))
    with serving(other, tls=authority.server) as port:
        school = School(host=f"tool.localhost:{port}")
        web.update(school.web())
        badge = school.badge()
        web[badge["id"]] = badge
        web["badge"] = badge
        yield app, school, asked
    close_app(app)


def test_a_badge_of_another_server_is_checked_with_what_that_server_says(
    abroad: tuple[Flask, School, list[str]],
) -> None:
    app, school, asked = abroad
    report = report_of(Reader(app), text=json.dumps(school.badge()))
    assert report["verdict"] == "good"
    assert report["issuer_host"] == school.host
    assert asked == ["i/acme/did.json", "i/acme/status/1"]


def test_the_address_in_a_link_is_asked_only_after_somebody_has_pressed_the_button(
    abroad: tuple[Flask, School, list[str]],
) -> None:
    app, school, asked = abroad
    reader = Reader(app)
    address = f"{school.base}/credentials/1"
    page = reader.read(f"{PUBLIC_URL}/verify?url={address}")
    assert f'value="{address}"' in page
    assert asked == []
    answer = reader.check(url=address)
    assert answer.status_code == 422
    assert "Nothing could be read at this address." in answer.get_data(as_text=True)
    assert asked == ["i/acme/credentials/1"]


def test_a_badge_of_this_server_in_a_link_is_checked_at_once(campus: Campus, reader: Reader, badge: Badge) -> None:
    link = f"{PUBLIC_URL}/verify?url={BASE}/credentials/{badge.public_id}"
    assert GENUINE in reader.read(link)
    change(campus, badge, visibility="private")
    page = reader.read(link)
    assert GENUINE not in page
    assert "Check a badge" in page


def test_addresses_inside_the_network_are_not_asked(make_database: Callable[[], str]) -> None:
    inside = KeySetServer({"keys": []})
    app = make_app(make_database(), plugins=[plugin], allow_private_network=False)
    assert Reader(app).check(url=inside.url).status_code == 422
    assert inside.requests == 0
    inside.close()
    close_app(app)


def test_a_badge_of_an_older_kind_is_told_as_that(reader: Reader) -> None:
    old = {"@context": "https://w3id.org/openbadges/v2", "type": "Assertion", "id": "https://old.example.org/1"}
    page = reader.check(text=json.dumps(old)).get_data(as_text=True)
    assert "This badge is of a kind that cannot be checked here." in page
    assert 'class="verdict unknown' in page


def test_what_a_stranger_writes_is_shown_as_text(reader: Reader) -> None:
    school = School(host="localhost:1")
    document = school.credential()
    document["credentialSubject"]["achievement"]["name"] = "<script>alert(1)</script>"
    document["id"] = "javascript:alert(1)"
    page = reader.check(text=json.dumps(school.sign(document))).get_data(as_text=True)
    assert "&lt;script&gt;alert" in page
    assert "<script>alert" not in page
    assert "javascript:" not in page


# What cannot be checked ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "status", "text"),
    [
        ({}, 422, "Give the address, the file or the text of a badge."),
        ({"url": "not an address"}, 422, "Nothing could be read at this address."),
        ({"url": "https://["}, 422, "Nothing could be read at this address."),
        ({"url": "https://localhost:99999/x"}, 422, "Nothing could be read at this address."),
        ({"url": "ftp://localhost/x"}, 422, "Nothing could be read at this address."),
        ({"url": f"{PUBLIC_URL}/i/nobody/did.json"}, 422, "Nothing could be read at this address."),
        ({"url": f"{PUBLIC_URL}/console/"}, 422, "Nothing could be read at this address."),
    ],
)
def test_what_is_missing_is_said(reader: Reader, form: dict[str, str], status: int, text: str) -> None:
    answer = reader.check(**form)
    assert answer.status_code == status
    assert text in answer.get_data(as_text=True)
    assert json.loads(reader.check(JSON, **form).get_data())["error"].startswith(text)


@pytest.mark.parametrize("size", [1024 * 1024 + 1, 3 * 1024 * 1024])
def test_a_file_that_is_too_large_is_refused(reader: Reader, size: int) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="large.png"\r\n\r\n'
    answer = reader.client.post(
        "/verify",
        data=head + b"x" * size + b"\r\n--x--\r\n",
        base_url=PUBLIC_URL,
        content_type="multipart/form-data; boundary=x",
    )
    assert answer.status_code == 413
    assert "larger than 1 MB" in answer.get_data(as_text=True)


def test_a_file_without_a_badge_says_what_to_ask_for(reader: Reader) -> None:
    page = reader.check(file=(io.BytesIO(b"GIF89a"), "photo.gif")).get_data(as_text=True)
    assert "No badge was found in it." in page
    assert "screenshots carry no badge" in page


def test_a_third_check_at_once_is_asked_to_wait(reader: Reader, badge: Badge) -> None:
    turns = views_verify.turns
    assert turns.acquire(blocking=False)
    assert turns.acquire(blocking=False)
    try:
        answer = reader.check(text=badge.document)
    finally:
        turns.release(2)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    assert "Please try again in a moment." in answer.get_data(as_text=True)
    assert GENUINE in reader.check(text=badge.document).get_data(as_text=True)


@pytest.mark.parametrize("form", ["json", "jwt", "png"])
def test_a_badge_of_ours_is_told_alike_by_the_server_and_by_a_process_of_its_own(
    campus: Campus, reader: Reader, badge: Badge, form: str
) -> None:
    given = reader.get(f"credentials/{badge.public_id}.{form}", "*/*").get_data()
    for _ in range(2):
        told = report_of(reader, file=(io.BytesIO(given), "badge"))
        with campus.app.test_request_context(base_url=PUBLIC_URL):
            apart = json.loads(json.dumps(verdicts.as_json(check_apart(given, views_verify.fetch))))
        assert told == apart
        revoke(campus, badge)
    assert told["verdict"] == "bad"


def test_a_check_writes_nothing(campus: Campus, reader: Reader, badge: Badge) -> None:
    before = (badge.signed_at, badge.valid_from)
    reader.check(url=f"{BASE}/credentials/{badge.public_id}")
    (after,) = campus.badges()
    assert (after.signed_at, after.valid_from) == before


# Words ----------------------------------------------------------------------------------------------------------------


def test_every_answer_that_a_check_can_give_has_words() -> None:
    source = "".join((Path(checking.__file__).parent / name).read_text() for name in ("checking.py", "proving.py"))
    said = set(re.findall(r'(?:_Stop|Proven)\("\w+", "([a-z-]+)"', source))
    said |= set(re.findall(r'Line\("\w+", "\w+", "([a-z-]+)"\)', source))
    said |= set(re.findall(r'unjudged\("([a-z-]+)"', source))
    said |= set(re.findall(r'"(status-[a-z]+(?:-[a-z]+)*|not-revoked|revoked|complete|incomplete)"', source))
    known = {code for _what, code in verdicts.TEXTS}
    assert len(said) > 25
    assert said <= known


def test_each_verdict_is_told_by_the_one_thing_that_is_wrong() -> None:
    school = School()
    badge = school.badge(valid_until=datetime(2026, 11, 21, tzinfo=UTC))
    report = checking.check(badge, school.web(), datetime(2026, 11, 22, tzinfo=UTC))
    assert verdicts.of(report).headline == "This badge is no longer in force."
    wrong = replace(report, lines=(replace(report.lines[0], outcome="bad", detail="tampered"), *report.lines[1:]))
    assert verdicts.of(wrong).headline == "Do not rely on this badge."


def test_a_picture_without_its_badge_is_told_from_one_with_it(campus: Campus, reader: Reader, badge: Badge) -> None:
    bare = reader.get("achievements/ai/v/1.png", "*/*").get_data()
    with pytest.raises(baking.NotBaked):
        baking.unbake(bare)
    assert "No badge was found in it." in reader.check(file=(io.BytesIO(bare), "bare.png")).get_data(as_text=True)


def test_the_language_that_an_address_says_is_kept_by_forms_and_links(app: Flask) -> None:
    page = app.test_client().get("/verify?lang=fr", base_url=PUBLIC_URL).get_data(as_text=True)
    assert 'action="/verify?lang=fr"' in page
    answer = app.test_client().post("/verify?lang=fr", data={"text": "no badge"}, base_url=PUBLIC_URL)
    shown = answer.get_data(as_text=True)
    assert '<html lang="fr">' in shown
    assert 'href="/verify?lang=fr"' in shown
