"""The doctor, over real HTTP and TLS, between a tool behind a web server that may spoil things, and an LMS."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import func, select, update
from tls import Authority

from ltitools.cli import cli
from ltitools.db import Base, session
from ltitools.errors import NotFound
from ltitools.models import Deployment, Registration, TenantKey
from ltitools.secrets import Sealer
from ltitools.services import doctor, registrations, tenants
from ltitools.services.doctor import CHECKS, CODES, Finding, Level
from ltitools.testing import writing
from sites import TENANT, Sites, free_port, running

DOCS = Path(__file__).parent.parent.parent / "docs" / "doctor.md"
TABLES = Base.metadata.tables
Headers = list[tuple[str, str]]


@dataclass
class Front:
    """A web server in front of an application: answers some requests itself, and edits the headers of the others."""

    app: Any
    answers: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    edit: Callable[[Headers], Headers] = lambda headers: headers

    @classmethod
    def of(cls, app: Flask) -> Front:
        front = cls(app.wsgi_app)
        app.wsgi_app = front  # type: ignore[method-assign]
        return front

    def answer(self, method: str, end: str, status: int, body: object = "") -> None:
        self.answers[method, end] = (status, body if isinstance(body, str) else json.dumps(body))

    def add(self, name: str, value: str) -> None:
        self.edit = lambda headers: [*headers, (name, value)]

    def remove(self, name: str) -> None:
        self.edit = lambda headers: [each for each in headers if each[0] != name]

    def replace(self, *pairs: tuple[str, str]) -> None:
        def edited(value: str) -> str:
            for old, new in pairs:
                value = value.replace(old, new)
            return value

        self.edit = lambda headers: [(name, edited(value)) for name, value in headers]

    def __call__(self, environ: Any, start_response: Any) -> Any:
        for (method, end), (status, body) in self.answers.items():
            if environ["REQUEST_METHOD"] == method and environ["PATH_INFO"].endswith(end):
                start_response(f"{status} Answered", [("Content-Type", "text/html")])
                return [body.encode()]
        return self.app(environ, lambda status, headers, *rest: start_response(status, self.edit(headers), *rest))


@dataclass
class Clinic:
    """The two sites, each behind a web server of its own."""

    sites: Sites
    tool: Front
    lms: Front

    def findings(self, tenant: str = TENANT, number: int | None = None) -> list[Finding]:
        with self.sites.tool.app_context():
            return doctor.examine(tenant, number)

    def found(self, code: str) -> list[Finding]:
        return [each for each in self.findings() if each.code == code]

    def wrong(self) -> dict[str, Level]:
        return {each.code: each.level for each in self.findings() if each.level is not Level.OK}

    def change(self, **values: Any) -> None:
        """Register the platform with other values."""
        with writing(self.sites.tool):
            session.execute(update(Registration).values(**values))


class Open:
    """Opens clinics."""

    def __init__(self, database_url: str, folder: Path, stack: ExitStack) -> None:
        self.database_url = database_url
        self.folder = folder
        self.stack = stack

    def __call__(self, personality: str = "generic", **options: Any) -> Clinic:
        sites = self.stack.enter_context(running(self.database_url, personality, **options))
        return Clinic(sites, Front.of(sites.tool), Front.of(sites.lms))

    def with_tls(
        self, *names: str, personality: str = "generic", trusted: bool = True, not_after: datetime | None = None
    ) -> Clinic:
        """The same over TLS, with a certificate for these names."""
        root = trustme.CA()
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate = root.issue_cert(*(names or ("tool.localhost", "lms.localhost")), not_after=not_after)
        certificate.configure_cert(server)
        file = self.folder / "roots.pem"
        (root if trusted else trustme.CA()).cert_pem.write_to_path(file)
        return self(personality, authority=Authority(file, server, key_digest=""))

    def serve_keys(self, **headers: str) -> str:
        """The address of a key set whose server says nothing more than these headers, not even the time."""

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response_only(200)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(b'{"keys": []}')

            def log_message(self, *_args: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        for stop in (thread.join, server.server_close, server.shutdown):
            self.stack.callback(stop)
        return f"http://lms.localhost:{server.server_port}/jwks"


@pytest.fixture
def open_clinic(database_url: str, tmp_path: Path) -> Iterator[Open]:
    with ExitStack() as stack:
        yield Open(database_url, tmp_path, stack)


def in_seconds(number: int) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=number), usegmt=True)


# What is wrong, by code -------------------------------------------------------------------------------------

Case = Callable[[Open], tuple[Clinic, str]]
CASES: dict[str, Case] = {}


def case(code: str) -> Callable[[Case], Case]:
    """Gives a clinic where `code` is found, and what its finding has to say."""

    def note(made: Case) -> Case:
        CASES[code] = made
        return made

    return note


@case("public-url-wrong")
def _(open_clinic: Open) -> tuple[Clinic, str]:
    return open_clinic(public_url="https://tool.localhost/below"), "it is 'https://tool.localhost/below'"


@case("public-url-insecure")
def _(open_clinic: Open) -> tuple[Clinic, str]:
    return open_clinic(), "http://tool.localhost:"


@case("secret-key-weak")
def _(open_clinic: Open) -> tuple[Clinic, str]:
    return open_clinic(secret_key="abc" * 20), "60 characters, of which only 3 are different"


@case("signing-key-unreadable")
def _(open_clinic: Open) -> tuple[Clinic, str]:
    clinic = open_clinic()
    with writing(clinic.sites.tool):
        other = Sealer("another secret key, also long enough to be accepted").seal(tenants.SEAL, "a key")
        session.execute(update(TenantKey).values(sealed_private_pem=other))
    return clinic, "LTITOOLS_SECRET_KEY is not the one"


@case("tenant-disabled")
def _(open_clinic: Open) -> tuple[Clinic, str]:
    clinic = open_clinic()
    with writing(clinic.sites.tool):
        tenants.set_enabled(TENANT, False)
    return clinic, "Acme College (acme) is disabled"


@case("registration-missing")
def _(open_clinic: Open) -> tuple[Clinic, str]:
    clinic = open_clinic()
    with writing(clinic.sites.tool):
        session.execute(Deployment.__table__.delete())
        session.execute(Registration.__table__.delete())
    return clinic, "Acme College has no registration"


@case("registration-disabled")
def _(open_clinic: Open) -> tuple[Clinic, str]:
    clinic = open_clinic()
    clinic.change(enabled=False)
    return clinic, f"The registration of {clinic.sites.lms_url} is disabled"


@case("deployment-missing")
def _(open_clinic: Open) -> tuple[Clinic, str]:
    clinic = open_clinic()
    with writing(clinic.sites.tool):
        session.execute(update(Deployment).values(state="rejected"))
    return clinic, "No deployment of this registration is approved"


@case("deployment-pending")
def _(open_clinic: Open) -> tuple[Clinic, str]:
    clinic = open_clinic()
    with writing(clinic.sites.tool):
        registration = session.scalars(select(Registration)).one()
        registrations.add_deployment(registration, "106:8865", "pending")
    return clinic, "The deployment 106:8865 waits for approval"


@case("own-address-unreachable")
def _(open_clinic: Open) -> tuple[Clinic, str]:
    return open_clinic(public_url=f"http://tool.localhost:{free_port()}"), "Connection refused"


@case("own-address-foreign")
def _(open_clinic: Open) -> tuple[Clinic, str]:
    clinic = open_clinic()
    clinic.tool.answer("GET", "/healthz", 200, "<h1>Welcome to nginx</h1>")
    return clinic, "/healthz answers 200, and not as ltitools does"


@case("own-keys-wrong")
def _(open_clinic: Open) -> tuple[Clinic, str]:
    clinic = open_clinic()
    clinic.tool.answer("GET", "/jwks.json", 200, {"keys": [{"kid": "kept-too-long"}]})
    return clinic, "; it has kept-too-long"


@case("own-keys-private")
def _(open_clinic: Open) -> tuple[Clinic, str]:
    clinic = open_clinic()
    clinic.tool.answer("GET", "/jwks.json", 200, {"keys": [{"kid": "k", "d": "secret"}]})
    return clinic, "/jwks.json shows a private key"


@case("own-launch-blocked")
def _(open_clinic: Open) -> tuple[Clinic, str]:
    clinic = open_clinic()
    clinic.tool.answer("POST", "/launch", 403, "Request blocked")
    return clinic, "/lti/acme/launch is answered with 403."


@case("own-login-blocked")
def _(open_clinic: Open) -> tuple[Clinic, str]:
    clinic = open_clinic()
    refusal = '<code class="error-code">platform-unknown</code>'
    clinic.tool.answer("POST", "/login", 400, refusal)
    return clinic, "/lti/acme/login is answered with 400 and the code platform-unknown"


@case("header-frame-options")
def _(open_clinic: Open) -> tuple[Clinic, str]:
    clinic = open_clinic()
    clinic.tool.add("X-Frame-Options", "SAMEORIGIN")
    return clinic, "X-Frame-Options: SAMEORIGIN"


@case("header-policy-foreign")
def _(open_clinic: Open) -> tuple[Clinic, str]:
    clinic = open_clinic()
    clinic.tool.add("Content-Security-Policy", "frame-ancestors 'self'")
    return clinic, "not ours arrives: frame-ancestors 'self'"


@case("header-policy-missing")
def _(open_clinic: Open) -> tuple[Clinic, str]:
    clinic = open_clinic()
    clinic.tool.remove("Content-Security-Policy")
    return clinic, "Our Content-Security-Policy does not arrive"


@case("header-hsts-missing")
def _(open_clinic: Open) -> tuple[Clinic, str]:
    clinic = open_clinic.with_tls()
    clinic.tool.remove("Strict-Transport-Security")
    return clinic, "Strict-Transport-Security does not arrive"


@case("cookie-missing")
def _(open_clinic: Open) -> tuple[Clinic, str]:
    clinic = open_clinic()
    clinic.tool.replace(("__Host-", ""))
    return clinic, "arrives under another name"


@case("cookie-changed")
def _(open_clinic: Open) -> tuple[Clinic, str]:
    clinic = open_clinic()
    clinic.tool.replace(("; Partitioned", ""), ("SameSite=None", "SameSite=Lax; Domain=tool.localhost"))
    return clinic, "without SameSite=None, without Partitioned, with domain=tool.localhost"


@case("tls-name")
def _(open_clinic: Open) -> tuple[Clinic, str]:
    clinic = open_clinic.with_tls("tool.localhost")
    return clinic, "is for another name: Hostname mismatch, certificate is not valid for 'lms.localhost'"


@case("tls-expired")
def _(open_clinic: Open) -> tuple[Clinic, str]:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    return open_clinic.with_tls(not_after=yesterday), "certificate has expired"


@case("tls-expires-soon")
def _(open_clinic: Open) -> tuple[Clinic, str]:
    end = datetime.now(UTC) + timedelta(days=9, hours=1)
    clinic = open_clinic.with_tls(not_after=end)
    return clinic, f"ends in 9 days, on {end:%Y-%m-%d}"


@case("tls-untrusted")
def _(open_clinic: Open) -> tuple[Clinic, str]:
    return open_clinic.with_tls(trusted=False), "is not trusted here: unable to get local issuer certificate"


@case("tls-failed")
def _(open_clinic: Open) -> tuple[Clinic, str]:
    clinic = open_clinic()
    clinic.change(token_url=clinic.sites.lms_url.replace("http:", "https:") + "/lti/token")
    return clinic, "gives no certificate"


@case("clock-differs")
def _(open_clinic: Open) -> tuple[Clinic, str]:
    clinic = open_clinic(clock_tolerance=90)
    clinic.change(jwks_url=open_clinic.serve_keys(Date=in_seconds(3600)))
    return clinic, "s behind that of the platform; launches are refused above 90 s"


@case("clock-unknown")
def _(open_clinic: Open) -> tuple[Clinic, str]:
    clinic = open_clinic()
    clinic.change(jwks_url=open_clinic.serve_keys())
    return clinic, "The answer of the platform does not say what time it is there"


@case("platform-keys-unreachable")
def _(open_clinic: Open) -> tuple[Clinic, str]:
    clinic = open_clinic()
    clinic.change(jwks_url=f"http://lms.localhost:{free_port()}/lti/jwks")
    return clinic, "Connection refused"


@case("platform-keys-wrong")
def _(open_clinic: Open) -> tuple[Clinic, str]:
    clinic = open_clinic()
    clinic.change(jwks_url=f"{clinic.sites.lms_url}/courses?person=5")
    return clinic, "/courses answers 403 and holds no key set"


@case("platform-keys-unusable")
def _(open_clinic: Open) -> tuple[Clinic, str]:
    clinic = open_clinic()
    clinic.lms.answer("GET", "/lti/jwks", 200, {"keys": [{"kty": "EC", "kid": "1"}]})
    return clinic, "/lti/jwks has no RSA key"


@case("platform-login-unreachable")
def _(open_clinic: Open) -> tuple[Clinic, str]:
    clinic = open_clinic()
    clinic.lms.answer("GET", "/lti/authorize", 502, "Bad Gateway")
    return clinic, "/lti/authorize answers 502"


@case("platform-login-missing")
def _(open_clinic: Open) -> tuple[Clinic, str]:
    clinic = open_clinic()
    clinic.lms.answer("GET", "/lti/authorize", 404, "<h1>Not Found</h1>")
    return clinic, "/lti/authorize answers 404"


@case("token-unreachable")
def _(open_clinic: Open) -> tuple[Clinic, str]:
    clinic = open_clinic()
    clinic.change(token_url=f"http://lms.localhost:{free_port()}/lti/token")
    return clinic, "/lti/token gives no token"


@case("token-refused")
def _(open_clinic: Open) -> tuple[Clinic, str]:
    clinic = open_clinic("canvas")
    clinic.change(client_id="a-key-that-is-off")
    return clinic, 'refuses every token: 400 {"error": "invalid_client"'


@case("scope-refused")
def _(open_clinic: Open) -> tuple[Clinic, str]:
    clinic = open_clinic("moodle")
    clinic.sites.control("levers", {"scopes_withheld": ["score"]})
    return clinic, "does not grant score: grades cannot be sent to the gradebook"


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_is_found_with_what_was_measured_and_what_to_change(open_clinic: Open, code: str) -> None:
    clinic, words = CASES[code](open_clinic)
    found = {each.what: each for each in clinic.findings() if each.code == code}
    what = next((each for each in found if words in each), "")
    assert what, f"not found: {list(found)}"
    assert found[what].level is not Level.OK
    assert found[what].change.endswith(".")


def test_a_clock_that_is_a_little_off_is_a_warning_and_a_kept_answer_is_as_old_as_it_says(open_clinic: Open) -> None:
    clinic = open_clinic()
    clinic.change(jwks_url=open_clinic.serve_keys(Date=in_seconds(-30)))
    (found,) = clinic.found("clock-differs")
    assert (found.level, found.what[-30:]) == (Level.WARNING, "ahead of that of the platform.")
    clinic.change(jwks_url=open_clinic.serve_keys(Date=in_seconds(-3600), Age="3600"))
    assert clinic.found("clock-differs") == []


@pytest.mark.parametrize("personality", ["canvas", "moodle", "generic"])
def test_nothing_is_wrong_where_nothing_is_wrong(open_clinic: Open, personality: str) -> None:
    clinic = open_clinic.with_tls(personality=personality)
    assert clinic.wrong() == {}
    findings = clinic.findings()
    assert {each.code for each in findings if each.level is Level.OK} == CHECKS
    assert f"must be {clinic.sites.tool_url}/lti/acme/launch" in " ".join(each.what for each in findings)
    assert {each.registration for each in findings} == {None, 1}


def test_scopes_are_judged_one_by_one_where_the_platform_gives_all_or_nothing(open_clinic: Open) -> None:
    clinic = open_clinic("canvas")
    withheld = ["lineitem", "lineitem.readonly", "contextmembership.readonly"]
    clinic.sites.control("levers", {"scopes_withheld": withheld})
    assert [each.level for each in clinic.found("scope-refused")] == [Level.WARNING] * 3
    assert "invalid_scope" in clinic.found("scope-refused")[0].what
    clinic.sites.control("levers", {"scopes_withheld": ["lineitem.readonly"]})
    assert clinic.found("scope-refused") == []


def test_a_platform_that_cannot_read_our_keys_gives_its_own_words(open_clinic: Open) -> None:
    clinic = open_clinic("moodle")
    clinic.tool.answer("GET", "/jwks.json", 503)
    (found,) = clinic.found("token-refused")
    assert "no usable keys at" in found.what
    assert "Public keyset in Moodle" in found.change


def test_one_registration_can_be_chosen_and_its_login_is_the_one_that_is_tried(open_clinic: Open) -> None:
    clinic = open_clinic()
    with writing(clinic.sites.tool):
        other = registrations.NewRegistration("https://other.example.test", "c", *["https://other.example.test/x"] * 3)
        registrations.add(tenants.by_key(TENANT), other)
    assert {each.registration for each in clinic.findings(number=1)} == {None, 1}
    with pytest.raises(NotFound, match="no registration 3"):
        clinic.findings(number=3)


def rows_of(app: Flask) -> dict[str, int]:
    with app.app_context():
        counted = {name: session.scalar(select(func.count()).select_from(table)) or 0 for name, table in TABLES.items()}
        session.rollback()
        return counted


def test_nothing_is_changed_but_a_login_that_waits_and_nothing_secret_is_said(open_clinic: Open) -> None:
    clinic = open_clinic()
    before = rows_of(clinic.sites.tool)
    said = " ".join(f"{each.what} {each.change}" for each in clinic.findings())
    after = rows_of(clinic.sites.tool)
    assert {name for name in after if after[name] != before[name]} <= {"pending_login", "launch_log"}
    assert clinic.sites.tool.extensions["ltitools"].settings.secret_key not in said
    assert "eyJ" not in said
    assert "PRIVATE" not in said


def test_the_command_prints_a_line_each_and_ends_with_1_where_there_is_a_problem(open_clinic: Open) -> None:
    clinic = open_clinic()

    def command(*more: str) -> Result:
        settings = clinic.sites.tool.extensions["ltitools"].settings
        names = ("database_url", "secret_key", "public_url")
        env = {f"LTITOOLS_{name.upper()}": str(getattr(settings, name)) for name in names}
        env["LTITOOLS_ALLOW_PRIVATE_NETWORK"] = "1"
        return CliRunner().invoke(cli, ["doctor", "--tenant", TENANT, *more], env=env)

    fine = command()
    assert (fine.exit_code, fine.exception) == (0, None)
    assert "\nok       own-launch: A form posted to" in fine.output
    assert "\nWARNING  public-url-insecure: " in fine.output
    assert "\n         → Set LTITOOLS_PUBLIC_URL to an https address" in fine.output
    assert fine.output.endswith("Problems: 0, warnings: 1.\ndocs/doctor.md explains each code.\n")
    clinic.change(enabled=False)
    broken = command("--json", "--registration", "1")
    assert broken.exit_code == 1
    (found,) = [each for each in json.loads(broken.output) if each["level"] == "problem"]
    assert (found["code"], found["registration"]) == ("registration-disabled", 1)
    assert "ltitools registration enable 1 --tenant acme" in found["change"]


def test_every_code_has_one_section_and_every_check_one_row() -> None:
    text = DOCS.read_text("utf-8")
    sections = [line.removeprefix("### ") for line in text.splitlines() if line.startswith("### ")]
    rows = [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")]
    assert sorted(sections) == sorted(CODES)
    assert sorted(rows) == sorted(CHECKS)
    for section in text.split("\n### ")[1:]:
        assert "turn" in section, section
