"""Privacy as people meet it: in the console, on the command line, on the page for everybody, and in the logs."""

from __future__ import annotations

import importlib.util
import io
import json
import logging
import os
import re
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from flask import Flask
from gunicorn.config import Config
from sqlalchemy import select, update

from flows.desk import ADMINISTRATOR, Desk, add, add_known, log_of
from joining import Joining, heading_of
from ltitools.cli import main
from ltitools.db import session, utcnow
from ltitools.models import Administrator, Enrolment, Grade, Launch, Person, Registration, Tenant
from ltitools.plugin import Plugin
from ltitools.services import activities, invitations, tenants, tokens
from ltitools.services.privacy import erasing
from ltitools.settings import CONFIG_FOLDER
from ltitools.testing import INSTRUCTOR, Platform, ags_claim, error_code, writing
from ltitools.worker import outbox
from probe import make_probe
from sites import TENANT, running

PRIVACY = "/console/acme/privacy/"
ADA, MAIL, SUB = "Ada Lovelace", "ada@example.test", "person-1"


@pytest.fixture
def plugins() -> list[Plugin]:
    return [make_probe()]


@pytest.fixture
def acme(app: Flask, platform: Platform) -> Desk:
    """An administrator of an institution in which Ada has been, and has a score that waits."""
    with writing(app):
        activities.create(tenants.by_key("acme").id, "probe", "quiz", "Quiz")
    endpoint = ags_claim("https://lms.example.test/items/1")
    visit = platform.visit(app.test_client(), custom={"activity": "probe:quiz"}, endpoint=endpoint)
    assert visit.post("score", {"given": "70"}).status_code == 200
    desk = Desk(app)
    desk.sign_in(add_known(app, "acme", "Grace"))
    return desk


@pytest.fixture
def operator(app: Flask) -> Desk:
    desk = Desk(app)
    desk.sign_in(add(app, None, "Olga"))
    return desk


def number_of(app: Flask, sub: str = SUB) -> int:
    with app.app_context():
        return session.scalars(select(Person.id).where(Person.sub == sub)).one()


def test_somebody_is_found_exported_and_erased_in_the_console(app: Flask, acme: Desk) -> None:
    page = acme.post(f"{PRIVACY}find", PRIVACY, text="lovelace").text
    for part in (ADA, MAIL, SUB, "https://lms.example.test", "Course One"):
        assert part in page
    assert "Nobody was found." in acme.post(f"{PRIVACY}find", PRIVACY, text="nobody").text
    person = f"{PRIVACY}person/{number_of(app)}"
    assert person in page
    answer = acme.post(f"{person}/export", person)
    assert answer.headers["Content-Disposition"] == f"attachment; filename=person-{number_of(app)}.json"
    document = json.loads(answer.data)
    assert document["host"]["person"][0]["name"] == ADA
    assert document["host"]["grade"][0]["given"] == "70"
    assert set(document["tools"]) == {"probe"}
    page = acme.read(person)
    assert "1 grade waits for the platform and will not be sent any more." in page
    assert "Places in courses" in page
    answer = acme.post(f"{person}/erase", person)
    assert (answer.status_code, "Tick the box" in answer.text) == (422, True)
    assert "The person is erased." in acme.do(f"{person}/erase", person, sure="on")
    assert error_code(acme.get(person)) == "page-unknown"
    assert "Nobody was found." in acme.post(f"{PRIVACY}find", PRIVACY, text="lovelace").text
    with app.app_context():
        assert session.scalars(select(Grade)).all() == []
        assert session.scalars(select(Launch)).all() == []
    assert log_of(app, "acme")[-2:] == ["person.export", "person.erase"]
    for text in (ADA, MAIL, SUB):
        assert text not in acme.read("/console/acme/log")


def test_a_visit_that_is_open_ends_with_the_erasure(app: Flask, platform: Platform) -> None:
    with writing(app):
        activities.create(tenants.by_key("acme").id, "probe", "quiz", "Quiz")
    visit = platform.visit(app.test_client(), custom={"activity": "probe:quiz"})
    assert visit.get().status_code == 200
    with writing(app):
        erasing.erase(session.scalars(select(Person)).one())
    assert error_code(visit.get()) == "launch-unknown"


def test_an_administrator_from_the_lms_who_is_erased_is_out_at_once(app: Flask, platform: Platform) -> None:
    visit = platform.visit(app.test_client(), roles=[INSTRUCTOR, ADMINISTRATOR], name="Noor Admin", sub="admin-1")
    page = visit.post(f"/tools/-/{visit.launch_id}/console").get_data(as_text=True)
    code = re.search(r'name="code" value="([^"]+)"', page)
    assert code is not None
    desk = Desk(app)
    desk.sign_in(code[1])
    person = f"{PRIVACY}person/{number_of(app, 'admin-1')}"
    assert "Sign-ins" in desk.read(person)
    assert desk.post(f"{person}/erase", person, sure="on").status_code == 303
    assert desk.get("/console/").headers["Location"] == "/console/-/sign-in"
    with app.app_context():
        assert session.scalars(select(Administrator.name)).all() == [""]


def test_people_of_another_institution_are_not_there(app: Flask, acme: Desk) -> None:
    other = Platform("https://other.example.test", "client-2")
    other.register(app, "beta")
    other.launch(app.test_client(), sub="u-2", name="Bob Lovelace")
    other.close()
    assert "Bob" not in acme.post(f"{PRIVACY}find", PRIVACY, text="lovelace").text
    number = number_of(app, "u-2")
    assert error_code(acme.get(f"{PRIVACY}person/{number}")) == "page-unknown"
    for action in ("export", "erase"):
        answer = acme.post(f"{PRIVACY}person/{number}/{action}", PRIVACY, sure="on")
        assert error_code(answer) == "page-unknown"
    assert number_of(app, "u-2") == number


def test_how_long_people_are_kept_is_tried_out_first(app: Flask, acme: Desk) -> None:
    with writing(app):
        session.execute(update(Grade).values(state="sent"))
        long_ago = utcnow() - timedelta(days=400)
        session.execute(update(Person).values(seen_at=long_ago))
        session.execute(update(Enrolment).values(seen_at=long_ago))
    path = f"{PRIVACY}retention"
    page = acme.post(path, PRIVACY, days="365", check="yes").text
    assert "1 person would be erased now." in page
    assert 'value="365"' in page
    for days in ("7", "x"):
        answer = acme.post(path, PRIVACY, days=days)
        assert (answer.status_code, 'role="alert"' in answer.text) == (422, True)
    assert 'value="365"' not in acme.read(PRIVACY), "nothing was changed"
    page = acme.do(path, PRIVACY, days="365", contact="privacy@acme.example")
    assert 'value="365"' in page
    assert log_of(app, "acme")[-2:] == ["retention.change", "tenant.change"]
    with app.app_context():
        assert session.scalars(select(Tenant.retention_days)).one() == 365
    public = acme.read("/lti/acme/privacy")
    assert "365 days after you were last here" in public
    assert 'href="mailto:privacy@acme.example"' in public
    acme.do(path, PRIVACY, days="", contact="")
    assert "until your institution removes it" in acme.read("/lti/acme/privacy")


def test_an_institution_is_exported_and_removed_by_operators_only(app: Flask, acme: Desk, operator: Desk) -> None:
    assert "Remove the institution" not in acme.read(PRIVACY)
    assert error_code(acme.get(f"{PRIVACY}removal")) == "page-unknown"
    for path in ("export", "removal", "removal/keep"):
        assert error_code(acme.post(f"{PRIVACY}{path}", PRIVACY, key="acme", days="7")) == "page-unknown"
    answer = operator.post(f"{PRIVACY}export", PRIVACY)
    with zipfile.ZipFile(io.BytesIO(answer.data)) as package:
        assert ADA in package.read("tables/person.jsonl").decode()
    answer.close()
    removal = f"{PRIVACY}removal"
    assert "<code>person</code>" in operator.read(removal)
    for key, days in (("beta", "7"), ("acme", "0"), ("acme", "x")):
        answer = operator.post(removal, key=key, days=days)
        assert (answer.status_code, 'role="alert"' in answer.text) == (422, True)
    assert app.test_client().get("/lti/acme/jwks.json").status_code == 200
    assert "Keep the institution" in operator.do(removal, key="acme", days="7")
    assert error_code(app.test_client().get("/lti/acme/jwks.json")) == "tenant-disabled"
    assert operator.post(removal, f"{PRIVACY}", key="acme", days="7").status_code == 422, "once is enough"
    operator.do(f"{removal}/keep", removal)
    assert app.test_client().get("/lti/acme/jwks.json").status_code == 200
    assert log_of(app, "acme")[-3:] == ["tenant.export", "tenant.removal", "tenant.keep"]


Run = Callable[..., str]


@pytest.fixture
def run(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs ``ltitools …`` on the test's database."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("LTITOOLS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LTITOOLS_DATABASE_URL", database_url)
    monkeypatch.setenv("LTITOOLS_SECRET_KEY", "only for tests, and long enough to be accepted")

    def call(*arguments: str, status: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["ltitools", *arguments])
        ended: Any = 0
        try:
            main()
        except SystemExit as end:
            ended = end.code or 0
        printed = capsys.readouterr()
        assert ended == status, printed.out + printed.err
        return printed.out + printed.err

    return call


def test_the_same_on_the_command_line(app: Flask, acme: Desk, run: Run, tmp_path: Path) -> None:
    of_acme = ("--tenant", "acme")
    found = json.loads(run("person", "find", "Lovelace", *of_acme, "--json"))
    assert [(one["sub"], one["courses"]) for one in found] == [(SUB, ["Course One"])]
    number = str(found[0]["number"])
    assert "Wrote" in run("person", "export", number, "ada.json", *of_acme)
    assert json.loads((tmp_path / "ada.json").read_text("utf-8"))["host"]["person"][0]["email"] == MAIL
    planned = run("person", "erase", number, *of_acme)
    assert "Nothing was changed" in planned
    assert "1 grades wait" in planned
    assert "is erased" in run("person", "erase", number, "--yes", *of_acme)
    assert "Nobody was found" in run("person", "find", "Lovelace", *of_acme)
    assert "There is no person" in run("person", "erase", number, *of_acme, status=1)
    assert "without end" in run("tenant", "retention", "acme")
    assert "0 people are due" in run("tenant", "retention", "acme", "--days", "90", "--check")
    assert "without end" in run("tenant", "retention", "acme")
    assert "Kept for 90 days" in run("tenant", "retention", "acme", "--days", "90")
    assert "30" in run("tenant", "retention", "acme", "--days", "29", status=1)
    assert "either" in run("tenant", "retention", "acme", "--days", "90", "--off", status=2)
    assert "without end" in run("tenant", "retention", "acme", "--off")


def test_an_institution_goes_on_the_command_line(app: Flask, acme: Desk, run: Run, tmp_path: Path) -> None:
    assert "tables to acme.zip" in run("tenant", "export", "acme", "acme.zip")
    with zipfile.ZipFile(tmp_path / "acme.zip") as package:
        assert json.loads(package.read("institution.json"))["rows"]["person"] == 1
    assert "Nothing was changed" in run("tenant", "remove", "acme")
    assert "Announce" in run("tenant", "remove", "acme", "--now", status=1)
    assert "is off" in run("tenant", "remove", "acme", "--announce", "--days", "3")
    assert "is kept" in run("tenant", "keep", "acme")
    run("tenant", "remove", "acme", "--announce")
    assert "Removed tenant acme" in run("tenant", "remove", "acme", "--now")
    assert "There is no tenant" in run("tenant", "show", "acme", status=1)
    assert log_of(app, None) == ["tenant.remove"]


def test_the_page_for_everybody_is_linked_from_every_page_of_a_tool(start_app: Any) -> None:
    app = start_app()
    platform = Platform()
    platform.register(app)
    visit = platform.visit(app.test_client(), roles=[INSTRUCTOR])
    assert 'href="/lti/acme/privacy" target="_blank"' in visit.get(f"/tools/diagnostic/{visit.launch_id}/").text
    page = app.test_client().get("/lti/acme/privacy").text
    for part in ("<h1>", "__Host-ltitools", "12 hours", "30 days", "Acme College", "nobody can connect with you"):
        assert part in page
    platform.close()


@contextmanager
def logged(*names: str) -> Iterator[list[str]]:
    """What these loggers say: ours at DEBUG, those of the database at INFO.

    What the demo LMS says is its own affair, and what the tests' own HTTP client does.
    """
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if not record.name.startswith(("ltitools.demo_lms", "urllib3")):
                lines.append(f"{record.name}: {self.format(record)}")

    handler, root = Keep(), logging.getLogger()
    before = {name: logging.getLogger(name).level for name in names}
    root.addHandler(handler)
    for name in names:
        logging.getLogger(name).setLevel(logging.INFO if name.startswith("sqlalchemy") else logging.DEBUG)
    try:
        yield lines
    finally:
        root.removeHandler(handler)
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


FORBIDDEN = re.compile(r"eyJ[\w-]{8}|Bearer |Authorization|id_token=|access_token|login_hint|BEGIN PRIVATE")


def assert_silent(lines: list[str], secrets: dict[str, str]) -> None:
    """Nothing of the secrets is in the lines, by the name of what is there."""
    text = "\n".join(lines)
    for name, secret in secrets.items():
        assert secret, name
        # As a word: an LMS may call a person "6", and the random number of a launch has that digit somewhere.
        known = re.compile(rf"(?<![\w-]){re.escape(secret)}(?![\w-])")
        line = next((line for line in lines if known.search(line)), "")
        assert not line, f"{name} is logged: {line}"
    assert not FORBIDDEN.search(text), FORBIDDEN.search(text)


def test_no_log_has_a_person_or_what_lets_somebody_in(start_app: Any) -> None:
    """Launches, refusals, a page that crashes, the console and an erasure, with the statements of the database."""
    with logged("ltitools", "sqlalchemy") as lines:
        app = start_app([make_probe()])
        platform = Platform()
        platform.register(app)
        with writing(app):
            activities.create(tenants.by_key("acme").id, "probe", "quiz", "Quiz")
            _invitation, invite = invitations.add(tenants.by_key("acme"))
        secrets = {"name": "Lovelace", "mail": MAIL, "sub": SUB, "hint": "hint-1", "invitation": invite}
        client = app.test_client()
        asked = platform.begin(client)
        token = platform.sign(platform.claims(nonce=asked["nonce"]))
        secrets |= {"state": asked["state"], "nonce": asked["nonce"], "id_token": token}
        assert platform.post(client, id_token=token, state=asked["state"]).status_code == 303
        assert error_code(platform.post(client, id_token=token, state=asked["state"])) == "state-used"
        assert error_code(platform.launch(client, sub=SUB, deployment_id="other")) == "deployment-unknown"
        assert platform.launch(client, nonce="wrong").status_code == 400
        visit = platform.visit(app.test_client(use_cookies=False), cookie=False, custom={"activity": "probe:quiz"})
        secrets["token of a visit"] = visit.token
        assert visit.post("score", {"given": "70", "comment": f"to {ADA}"}).status_code == 200
        app.testing = False
        assert error_code(visit.post("score", {"given": f"nonsense of {ADA}"})) == "server-error"
        assert client.get(f"/lti/acme/register?invite={invite}").status_code == 200
        assert client.get(f"/lti/acme/register?invite=x{invite}").status_code >= 400
        code = add_known(app, "acme", "Grace Hopper")
        secrets |= {"sign-in code": code, "administrator": "Hopper"}
        desk = Desk(app)
        desk.read(f"/console/-/enter/{code}")
        answer = desk.sign_in(code)
        secrets["console cookie"] = answer.headers["Set-Cookie"].partition("=")[2].partition(";")[0]
        assert error_code(desk.sign_in(code)) == "console-code"
        desk.post(f"{PRIVACY}find", PRIVACY, text="lovelace")
        person = f"{PRIVACY}person/{number_of(app)}"
        desk.post(f"{person}/export", person)
        desk.do(f"{person}/erase", person, sure="on")
        platform.close()
    assert any("INSERT INTO person" in line for line in lines), "the statements are there, without their values"
    assert any("refused state-used" in line for line in lines)
    assert_silent(lines, secrets)


def test_no_log_has_what_passes_between_the_tool_and_an_lms(database_url: str) -> None:
    """A platform registers itself, somebody works, and a score is refused in words that name the person."""
    with running(database_url, "moodle", plugins=[make_probe()]) as sites, logged("ltitools") as lines:
        joining = Joining(sites)
        link = joining.link()
        begun = joining.begin(link)
        page = joining.get(begun["url"])
        assert heading_of(joining.press(page)) == "Registered"
        assert joining.get(begun["url"] + "x").status_code >= 400
        with writing(sites.tool):
            activities.create(tenants.by_key(TENANT).id, "probe", "quiz", "Quiz")
        browser = sites.enter("ben", sites.place("probe:quiz"))
        browser.post("score", given="70")
        with sites.tool.app_context():
            ben = session.scalars(select(Person)).one()
        refusal = {"error": f"{ben.sub} ({ben.email}) is not gradable"}
        sites.fail("scores", status=404, body=json.dumps(refusal), times=1)
        sites.deliver()
        with writing(sites.tool):
            session.execute(update(Grade).values(due_at=utcnow(), state="waiting"))
        sites.deliver()
        assert sites.cell("ben")["score"] == 70
        with writing(sites.tool):
            kept = session.scalars(select(Person)).one()
            registration = session.get_one(Registration, kept.registration_id)
            token = tokens.access_token(registration, outbox.SCOPES)
        secrets = {
            "name": "Carter", "sub": ben.sub, "mail": ben.email or "ben", "access token": token,
            "invitation": link.partition("invite=")[2], "registration token": begun["registration_token"],
            **{f"cookie {name}": value for name, value in browser.cookies.items() if value},
        }  # fmt: skip
    assert any("grade" in line and "ltitools.worker.outbox" in line for line in lines), "the refusal is there"
    assert_silent([line for line in lines if line.startswith("ltitools")], secrets)


@pytest.fixture
def gunicorn() -> ModuleType:
    """The configuration of the server."""
    spec = importlib.util.spec_from_file_location("gunicorn_settings", CONFIG_FOLDER / "gunicorn.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_server_logs_no_query_and_no_code(gunicorn: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Config()
    settings.set("logger_class", gunicorn.logger_class)
    settings.set("accesslog", "-")
    settings.set("access_log_format", '%(t)s "%(r)s" %(U)s %(q)s %(f)s %({referer}i)s')
    log = settings.logger_class(settings)
    whole = "/console/-/enter/a-Code_1?invite=a-Code_2"

    class Asked:
        headers = (("REFERER", f"https://tool.example{whole}"),)
        status = "200 OK"
        sent = 1

    environ = {
        "REQUEST_METHOD": "GET", "RAW_URI": whole, "PATH_INFO": whole.partition("?")[0],
        "QUERY_STRING": "invite=a-Code_2", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_REFERER": f"https://tool.example{whole}",
    }  # fmt: skip
    log.access(Asked, Asked, environ, timedelta())
    log.exception("Error handling request %s", whole)
    for handler in (*log.access_log.handlers, *log.error_log.handlers):
        handler.flush()
    printed = "".join(capsys.readouterr())
    assert "/console/-/enter/…" in printed
    assert "a-Code" not in printed
    assert "q" not in re.findall(r"%\((\w)\)", gunicorn.access_log_format)
    assert gunicorn.accesslog is None
