"""Every code of the doctor, over real HTTP and TLS; and that the documentation has them all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from flows.clinic import Clinic, Open, in_seconds
from ltitools.db import session
from ltitools.models import Deployment, Registration, TenantKey
from ltitools.secrets import Sealer
from ltitools.services import registrations, tenants
from ltitools.services.doctor import CHECKS, CODES, Level
from ltitools.testing import writing
from sites import TENANT, free_port

DOCS = Path(__file__).parent.parent.parent / "docs" / "doctor.md"


@pytest.fixture
def open_clinic(database_url: str, tmp_path: Path) -> Iterator[Open]:
    with ExitStack() as stack:
        yield Open(database_url, tmp_path, stack)


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
        session.execute(delete(Deployment))
        session.execute(delete(Registration))
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


def test_every_code_has_one_section_and_every_check_one_row() -> None:
    text = DOCS.read_text("utf-8")
    sections = [line.removeprefix("### ") for line in text.splitlines() if line.startswith("### ")]
    rows = [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")]
    assert sorted(sections) == sorted(CODES)
    assert sorted(rows) == sorted(CHECKS)
    for section in text.split("\n### ")[1:]:
        assert "turn" in section, section
