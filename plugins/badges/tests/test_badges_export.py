"""The copy of an institution's badges as files: served by any web server, it lets them go on checking."""

from __future__ import annotations

import functools
import io
import json
import threading
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from earning import Campus, publish
from outside import verifiers
from reading_badges import BASE, LINKS, Desk, change, earned, revoke
from sqlalchemy import select

from ltitools.plugin import session
from ltitools.testing import writing
from ltitools_badges import awarding, exporting, issuers, privacy
from ltitools_badges.checking_process import check_apart
from ltitools_badges.core import checking
from ltitools_badges.models import Badge, Holder

PEOPLE = ("ada", "bob", "cleo", "dan")


@dataclass
class Left:
    """What is left of the institution: files, and whoever serves them. `badges` are those of PEOPLE."""

    folder: Path
    counts: exporting.Exported
    badges: dict[str, Badge]
    address: str

    def fetch(self, url: str) -> bytes | None:
        """What the other web server has at an address that used to be ours."""
        if not url.startswith(BASE):
            return None
        answer = requests.get(f"{self.address}{urlsplit(url).path}", timeout=60)
        return answer.content if answer.ok else None

    def file(self, person: str, form: str) -> Path:
        """The file of a badge."""
        return self.folder / f"i/acme/credentials/{self.badges[person].public_id}.{form}"

    def check(self, given: bytes) -> checking.Report:
        """Judge a badge with nothing but these files."""
        return check_apart(given, self.fetch)


@pytest.fixture
def left(campus: Campus, tmp_path: Path) -> Iterator[Left]:
    """Ada's badge is of an older key, Bob's is revoked, Cleo shares hers not, and Dan had his record removed."""
    earned(campus, "ada")
    with writing(campus.app):
        issuers.rotate(campus.tenant)
        holder = session.scalars(select(Holder).where(Holder.tenant_id == campus.tenant.id)).one()
    badges = dict(zip(PEOPLE, earned(campus, *PEOPLE[1:]), strict=True))
    assert holder.person_id == badges["ada"].person_id
    revoke(campus, badges["bob"])
    change(campus, badges["cleo"], visibility="private")
    with writing(campus.app):
        privacy.erase_person(campus.tenant.id, badges["dan"].person_id)
    file = io.BytesIO()
    with campus.app.app_context():
        counts = exporting.in_a_request(campus.tenant, file)
    with zipfile.ZipFile(file) as archive:
        archive.extractall(tmp_path)
    handler = functools.partial(_Quiet, directory=str(tmp_path))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield Left(tmp_path, counts, badges, f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    server.server_close()
    thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_args: Any) -> None:
        pass


def web_of(left: Left) -> Mapping[str, Any]:
    """What outside verifiers find."""
    return {f"{BASE}/{path}": json.loads(left.fetch(f"{BASE}/{path}") or b"") for path in ("did.json", "status/1")}


@pytest.mark.parametrize("form", ["json", "jwt", "png", "svg"])
def test_badges_check_with_the_files_alone(left: Left, form: str) -> None:
    assert left.check(left.file("ada", form).read_bytes()).verdict == "good"
    revoked = left.check(left.file("bob", form).read_bytes())
    assert (revoked.verdict, revoked.revoked) == ("bad", True)


def test_outside_verifiers_say_the_same_of_the_files(left: Left) -> None:
    web = web_of(left)
    good, bad = (json.loads(left.file(person, "json").read_text()) for person in ("ada", "bob"))
    for verify in (verifiers().digital_bazaar, verifiers().digital_credentials):
        assert verify(good, web).verified
        assert not verify(good, web).revoked
        assert verify(bad, web).revoked
    assert verifiers().jose(left.file("ada", "jwt").read_text(), web).verified


def test_what_nobody_may_see_is_left_out_and_its_copies_still_check(left: Left) -> None:
    for person in ("cleo", "dan"):
        badge = left.badges[person]
        assert not list(left.folder.rglob(f"{badge.public_id}*"))
        assert left.check((badge.document or "").encode()).verdict == "good"
    assert (left.counts.badges, left.counts.hidden, left.counts.waiting) == (2, 1, 0)


def test_a_private_badge_that_was_revoked_stays_revoked(campus: Campus, tmp_path: Path) -> None:
    (badge,) = earned(campus, "ada")
    change(campus, badge, visibility="private")
    revoke(campus, badge)
    file = io.BytesIO()
    with campus.app.app_context():
        exporting.in_a_request(campus.tenant, file)
    with zipfile.ZipFile(file) as archive:
        files = {f"/{name}": archive.read(name) for name in archive.namelist()}
    report = check_apart((badge.document or "").encode(), lambda url: files.get(urlsplit(url).path))
    assert report.revoked


def test_every_file_that_a_page_names_is_there(left: Left) -> None:
    pages = list(left.folder.rglob("index.html"))
    assert len(pages) >= 6
    for page in pages:
        for link in LINKS.findall(page.read_text()):
            path = urlsplit(link).path
            if link.startswith((BASE, "/")):
                there = left.folder / path.lstrip("/")
                assert there.is_file() or (there / "index.html").is_file(), (page, link)


def test_a_page_of_the_copy_promises_nothing_that_only_a_server_can_do(left: Left) -> None:
    page = (left.folder / f"i/acme/credentials/{left.badges['ada'].public_id}/index.html").read_text()
    assert "Working with AI" in page
    assert "This is a copy of the page that was made on" in page
    for absent in ("Checked just now", "/verify", "?lang="):
        assert absent not in page
    revoked = (left.folder / f"i/acme/credentials/{left.badges['bob'].public_id}/index.html").read_text()
    assert "This badge was revoked on" in revoked


def test_no_private_key_leaves_the_server(left: Left) -> None:
    for file in left.folder.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert b"PRIVATE KEY" not in content
    for key in (left.folder / "i/acme/keys").iterdir():
        assert not {"d", "p", "q", "secretKeyMultibase"} & set(json.loads(key.read_text()))
    assert left.counts.keys == 4


def test_whoever_serves_it_is_told_how(left: Left) -> None:
    text = (left.folder / "README.txt").read_text()
    assert "https://tool.example.test/i/acme/did.json must answer" in text
    assert "2 badges" in text
    assert "application/did+json" in (left.folder / "nginx.conf").read_text()
    assert "application/vc+ld+json" in (left.folder / "i/acme/.htaccess").read_text()


def test_the_copy_has_every_version_that_badges_name(campus: Campus, left: Left) -> None:
    document = json.loads(left.file("ada", "json").read_text())
    achievement = document["credentialSubject"]["achievement"]
    assert (left.folder / urlsplit(achievement["id"]).path.lstrip("/") / "index.html").is_file()
    assert (left.folder / urlsplit(achievement["image"]["id"]).path.lstrip("/")).read_bytes().startswith(b"\x89PNG")


def test_a_badge_that_waits_to_be_signed_is_counted_and_left_out(campus: Campus) -> None:
    (badge,) = earned(campus, "ada")
    change(campus, badge, document=None, jwt=None, signed_at=None)
    with campus.app.app_context():
        counts = exporting.in_a_request(campus.tenant, io.BytesIO())
    assert (counts.badges, counts.waiting) == (0, 1)


def test_the_console_gives_the_same_copy(campus: Campus) -> None:
    earned(campus, "ada")
    publish(campus.app, "other")
    answer = Desk(campus.app).get("export.zip")
    with zipfile.ZipFile(io.BytesIO(answer.get_data())) as archive:
        names = set(archive.namelist())
    answer.close()
    assert {"README.txt", "i/acme/did.json", "i/acme/status/1", "i/acme/achievements/other/v/1.png"} <= names
    with campus.app.app_context():
        assert awarding.counts(campus.tenant.id)[campus.achievement_id] == (1, 0)
