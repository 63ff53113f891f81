"""D1: login initiation and the authentication request (Security Framework 1.0 section 5.1.1, LTI 1.3 core 4.1)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from sqlalchemy import select

from certification.helpers import assert_refused
from ltitools.db import session
from ltitools.lti.login import read_login
from ltitools.models import PendingLogin
from ltitools.testing import PUBLIC_URL, attribute, error_code

if TYPE_CHECKING:
    from certification.helpers import Lti

HOSTILE = '"><script>alert(1)</script>'
HINT = '{"cmid":3,"launchid":"ltilaunch1_9"}&a=b+c %2B;é漢字#?\'"'


def test_d1_1_a_login_may_come_by_get_or_by_post(lti: Lti) -> None:
    """A browser that comes for the first time gets a page that sees what it keeps; one that is known goes on."""
    for method in ("GET", "POST"):
        lti.client = lti.app.test_client()
        first = lti.login(method)
        assert first.status_code == 200
        assert attribute(first.get_data(as_text=True), "data-login").startswith("https://lms.example.test/auth?")
        lti.answers(lti.authentication_request(method))
        known = lti.login(method)
        assert known.status_code == 302
        assert known.headers["Location"].startswith("https://lms.example.test/auth?")


def test_d1_2_a_login_without_issuer_is_refused(lti: Lti) -> None:
    for missing in (None, ""):
        assert_refused(lti.login(iss=missing), "login-incomplete")


def test_d1_3_a_login_without_login_hint_is_refused(lti: Lti) -> None:
    for missing in (None, ""):
        assert_refused(lti.login(login_hint=missing), "login-incomplete")


def test_d1_4_a_login_without_target_is_refused(lti: Lti) -> None:
    for missing in (None, ""):
        assert_refused(lti.login(target_link_uri=missing), "login-incomplete")


def test_d1_5_an_unknown_issuer_is_refused_and_not_repeated_on_the_page(lti: Lti) -> None:
    for issuer in ("https://lms.example.test/", "https://LMS.example.test", f"https://other.test/{HOSTILE}"):
        answer = lti.login(iss=issuer)
        assert_refused(answer, "platform-unknown", hidden=(issuer, "alert(1)"))
    assert_refused(lti.login(iss="https://lms.example.test\0"), "login-incomplete")
    unknown_tenant = lti.client.post(
        "/lti/%00%3Cscript%3E/login", data=lti.platform.login_parameters(), base_url=PUBLIC_URL
    )
    assert_refused(unknown_tenant, "tenant-unknown", hidden=("<script>",))


def test_d1_6_an_unknown_client_of_a_known_issuer_is_refused(lti: Lti) -> None:
    for client_id in ("client-2", "CLIENT-1", HOSTILE):
        assert_refused(lti.login(client_id=client_id), "client-unknown", hidden=(client_id,))


def test_d1_7_a_login_without_client_is_refused_where_the_issuer_has_several(lti: Lti) -> None:
    """With one client of the issuer it is no question; another institution's client of that issuer is not one."""
    lti.another_platform("beta", client_id="client-2")
    assert lti.authentication_request(client_id=None)["client_id"] == "client-1"
    lti.another_platform("acme", client_id="client-3")
    assert_refused(lti.login(client_id=None), "client-ambiguous")
    assert lti.authentication_request(client_id="client-3")["client_id"] == "client-3"


def test_d1_8_the_message_hint_goes_back_unaltered(lti: Lti) -> None:
    for method in ("GET", "POST"):
        for hint in (HINT, "", " "):
            assert lti.authentication_request(method, lti_message_hint=hint)["lti_message_hint"] == hint


def test_d1_9_the_login_hint_goes_back_unaltered(lti: Lti) -> None:
    for method in ("GET", "POST"):
        for hint in (HINT, "Ab12", " "):
            assert lti.authentication_request(method, login_hint=hint)["login_hint"] == hint


def test_d1_10_the_authentication_request_has_exactly_the_parameters_it_should(lti: Lti) -> None:
    request = lti.authentication_request()
    assert request == {
        "scope": "openid",
        "response_type": "id_token",
        "response_mode": "form_post",
        "prompt": "none",
        "client_id": "client-1",
        "redirect_uri": f"{PUBLIC_URL}/lti/acme/launch",
        "login_hint": "hint-1",
        "lti_message_hint": "message-hint-1",
        "state": request["state"],
        "nonce": request["nonce"],
    }
    deep = lti.authentication_request(target_link_uri=f"{PUBLIC_URL}/lti/acme/launch?item=42", lti_message_hint=None)
    assert deep["redirect_uri"] == f"{PUBLIC_URL}/lti/acme/launch"
    assert "lti_message_hint" not in deep


def test_d1_11_an_authorization_address_keeps_its_own_query(lti: Lti) -> None:
    auth_url = "https://lms.example.test/auth?tenant=7&empty=&odd=%26%3D%20x"
    lti.platform = lti.another_platform(client_id="client-2", auth_url=auth_url)
    address = urlsplit(attribute(lti.login().get_data(as_text=True), "data-login"))
    assert f"{address.scheme}://{address.netloc}{address.path}" == "https://lms.example.test/auth"
    query = parse_qsl(address.query, keep_blank_values=True)
    assert query[:3] == [("tenant", "7"), ("empty", ""), ("odd", "&= x")]
    assert dict(query)["client_id"] == "client-2"


def test_d1_12_state_and_nonce_are_new_long_and_random_for_each_login(lti: Lti) -> None:
    """22 characters of base64url hold 132 bits; each place of them varies."""
    requests = [lti.authentication_request() for _ in range(30)]
    values = [request[name] for request in requests for name in ("state", "nonce")]
    assert len(set(values)) == 60
    assert min(map(len, values)) >= 22
    assert all(len(set(place)) > 4 for place in zip(*values, strict=False))
    with lti.app.app_context():
        rows = session.scalars(select(PendingLogin)).all()
    kept = {text for row in rows for text in (row.state_hash, row.nonce_hash, row.browser_hash)}
    assert kept.isdisjoint(values)


def test_d1_13_a_target_outside_this_server_is_refused(lti: Lti) -> None:
    foreign = (
        "https://evil.example/lti/acme/launch",
        "//evil.example/",
        "/lti/acme/launch",
        "javascript:alert(1)",
        "http://tool.example.test/lti/acme/launch",
        "https://tool.example.test.evil.example/",
        "https://tool.example.test@evil.example/",
        "https://tool.example.test:8443/lti/acme/launch",
        "https://tool.example.test\\@evil.example/",
        "https://[",
        "https://tool.example.test\u2100/",
    )
    for target in foreign:
        assert_refused(lti.login(target_link_uri=target), "target-foreign", hidden=(target,))
    assert_refused(lti.login(target_link_uri=f"{lti.platform.target}?\0"), "login-incomplete")


def test_d1_14_the_deployment_is_read_under_both_names_and_needed_under_none(lti: Lti) -> None:
    """Canvas's documentation and Canvas itself disagree about the name."""
    for fields in ({"lti_deployment_id": "1"}, {"deployment_id": "1"}, {}):
        names = {"lti_deployment_id": None, "deployment_id": None, **fields}
        lti.answers(lti.authentication_request(**names))
        asked = read_login(lti.platform.login_parameters(**names))
        assert asked.deployment_id == ("1" if fields else None)


def test_d1_15_two_logins_of_one_browser_at_once_both_succeed(lti: Lti) -> None:
    """A browser without any cookie of ours starts both, and each answer finds its own."""
    requests = [lti.authentication_request() for _ in range(2)]
    for request in requests:
        answer = lti.send(request, custom={"activity": "probe:quiz"})
        assert answer.status_code == 303, error_code(answer)
        assert lti.client.get(answer.headers["Location"], base_url=PUBLIC_URL).status_code == 200


def test_d1_16_a_login_waits_ten_minutes_at_most(lti: Lti) -> None:
    request = lti.authentication_request()
    with lti.app.app_context():
        login = session.scalars(select(PendingLogin)).one()
    assert login.expires_at - login.created_at <= timedelta(minutes=10, seconds=1)
    lti.age_logins(601)
    with lti.nothing_stored():
        assert_refused(lti.send(request), "state-expired")


def test_d1_17_nothing_of_a_login_is_kept_or_leaks_by_referrer(lti: Lti) -> None:
    request = lti.platform.begin(lti.client)
    for answer in (lti.login("GET"), lti.login(iss=None), lti.send(request)):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
