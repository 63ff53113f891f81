"""D3: authentication response validation (Security Framework 1.0 section 5.1.3) and what protects it further."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey
from sqlalchemy import select

from certification.helpers import assert_refused, post_at_once, raw_token, segment, services_of, silent_server
from ltitools.db import session, utcnow
from ltitools.lti.launch import MAX_TOKEN_BYTES
from ltitools.lti.platform_errors import code_of
from ltitools.models import Deployment, PlatformKeys, Registration, Tenant
from ltitools.services import registrations
from ltitools.testing import PUBLIC_URL, writing
from ltitools.web.sessions import login_cookie

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Flask

    from certification.helpers import Lti

HOSTILE = '"><script>alert(1)</script>'


def test_d3_30_a_bad_signature_and_a_changed_payload_are_refused(lti: Lti) -> None:
    own = RSAKey.generate_key(2048, private=True)
    sign = lti.platform.sign

    def with_payload(claims: Mapping[str, Any]) -> str:
        head, _, signature = sign(claims).split(".")
        return f"{head}.{segment({**claims, 'sub': 'somebody-else'})}.{signature}"

    lti.refuses("token-signature", sign=lambda claims: sign(claims, key=own))
    lti.refuses("token-signature", sign=with_payload)
    lti.refuses("token-signature", sign=lambda claims: sign(claims)[:-8])
    lti.refuses("token-signature", sign=lambda claims: sign(claims).rpartition(".")[0] + ".")
    lti.refuses("token-signature", sign=lambda claims: sign(claims).rpartition(".")[0] + ".AAAA")


def test_d3_31_a_token_without_signature_is_refused(lti: Lti) -> None:
    for name in ("none", "None", "NONE"):
        head = {"alg": name, "kid": lti.platform.kid, "typ": "JWT"}
        lti.refuses("token-algorithm", sign=partial(_unsigned, head))


def _unsigned(head: Any, claims: Mapping[str, Any]) -> str:
    return f"{segment(head)}.{segment(claims)}."


def test_d3_32_a_token_signed_with_the_public_key_as_a_secret_is_refused(lti: Lti) -> None:
    public = RSAKey.import_key(lti.public_key())
    secrets = (public.as_pem(private=False), json.dumps(lti.public_key()).encode(), lti.public_key()["n"].encode())
    head = {"alg": "HS256", "kid": lti.platform.kid, "typ": "JWT"}
    for secret in secrets:

        def sign(claims: Mapping[str, Any], secret: bytes = secret) -> str:
            signed = f"{segment(head)}.{segment(claims)}"
            return f"{signed}.{segment(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"

        lti.refuses("token-algorithm", sign=sign)


def test_d3_33_an_algorithm_that_is_not_registered_is_refused_although_the_signature_is_right(lti: Lti) -> None:
    elliptic = ECKey.generate_key("P-256", private=True)
    lti.publish(lti.public_key(), {**elliptic.as_dict(private=False), "kid": "elliptic", "use": "sig", "alg": "ES256"})
    key = lti.platform.key
    probabilistic = PSS(MGF1(SHA256()), 32)
    for name, digest, padding in (("RS384", SHA384(), None), ("RS512", SHA512(), None), ("PS256", None, probabilistic)):
        head = {"alg": name, "kid": lti.platform.kid, "typ": "JWT"}
        lti.refuses("token-algorithm", sign=partial(raw_token, head, key=key, algorithm=digest, padding=padding))
    head = {"alg": "ES256", "kid": "elliptic", "typ": "JWT"}
    lti.refuses(
        "token-algorithm", sign=lambda claims: jws.serialize_compact(head, json.dumps(claims).encode(), elliptic)
    )


def test_d3_34_a_key_of_another_kind_or_for_another_use_is_not_taken(lti: Lti) -> None:
    """Nor one of 1024 bits, which is shorter than the specification allows."""
    short = generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505  (too short, to be refused)
    modulus = segment(short.public_key().public_numbers().n.to_bytes(128))
    for published in (
        lti.public_key(use="enc"),
        lti.public_key(alg="RS512"),
        lti.public_key(kty="EC"),
        lti.public_key(kty="oct"),
    ):
        lti.publish(published)
        lti.refuses("token-key-unknown")
    lti.publish(lti.public_key(n=modulus))
    head = {"alg": "RS256", "kid": lti.platform.kid, "typ": "JWT"}
    lti.refuses("token-key-unknown", sign=lambda claims: raw_token(head, claims, short))


def test_d3_35_the_issuer_must_be_the_registered_one_to_the_letter(lti: Lti) -> None:
    for issuer in (
        "https://lms.example.test/",
        "https://LMS.example.test",
        "http://lms.example.test",
        "https://evil.test",
        ["https://lms.example.test"],
        None,
    ):
        lti.refuses("token-issuer", iss=issuer)


def test_d3_36_an_audience_that_is_a_text_must_be_our_client(lti: Lti) -> None:
    for audience in ("client-2", "client-1 ", "client-1 client-2", "client-11", "", None, {"client-1": 1}):
        lti.refuses("token-audience", aud=audience)
    lti.arrive(aud="client-1")


def test_d3_37_an_audience_list_may_name_nobody_who_is_not_trusted(lti: Lti) -> None:
    """Trusted besides ourselves is the platform alone."""
    for audience in (["client-1", "client-2"], ["client-1", 7], ["client-2"], []):
        lti.refuses("token-audience", aud=audience, azp="client-1")
    lti.arrive(aud=["client-1"])
    lti.arrive(aud=["client-1", lti.platform.issuer], azp="client-1")


def test_d3_38_several_audiences_need_an_authorized_party(lti: Lti) -> None:
    """Security Framework 5.1.3 says SHOULD; it is done."""
    lti.refuses("token-audience", aud=["client-1", lti.platform.issuer])


def test_d3_39_an_authorized_party_that_is_not_our_client_is_refused(lti: Lti) -> None:
    lti.refuses("token-audience", azp="client-2")
    lti.refuses("token-audience", aud=["client-1", lti.platform.issuer], azp=lti.platform.issuer)
    lti.refuses("token-audience", azp="")
    lti.arrive(azp="client-1")


def test_d3_40_a_token_for_another_tenants_client_of_the_same_issuer_is_refused(lti: Lti) -> None:
    other = lti.another_platform("beta", client_id="client-2")
    request = lti.refuses("token-audience", aud="client-2")
    lti.refuses("token-audience", aud="client-2", azp="client-2")
    with lti.nothing_stored():
        token = other.sign({**other.claims(), "nonce": request["nonce"]})
        answer = other.post(lti.client, id_token=token, state=request["state"])
        assert_refused(answer, "state-unknown", hidden=(token, request["state"]))
    lti.answers(request)


def test_d3_41_a_token_without_expiry_is_refused(lti: Lti) -> None:
    lti.refuses("token-times-missing", exp=None)


def test_d3_42_a_token_without_time_of_issue_is_refused(lti: Lti) -> None:
    lti.refuses("token-times-missing", iat=None)


def test_d3_43_a_token_that_expired_longer_ago_than_clocks_differ_is_refused(lti: Lti) -> None:
    now = int(time.time())
    lti.refuses("token-expired", iat=now - 400, exp=now - 130)


def test_d3_44_clocks_may_differ_by_a_minute(lti: Lti) -> None:
    now = int(time.time())
    lti.arrive(iat=now - 120, exp=now - 60)
    lti.arrive(iat=now + 60, exp=now + 120)
    lti.arrive(iat=now, exp=now + 60, nbf=now + 60)


def test_d3_45_a_token_that_was_made_more_than_an_hour_ago_is_refused(lti: Lti) -> None:
    now = int(time.time())
    lti.refuses("token-too-old", iat=now - 3600 - 130, exp=now + 300)
    lti.arrive(iat=now - 3600, exp=now + 300)


def test_d3_46_a_token_without_nonce_is_refused(lti: Lti) -> None:
    for nonce in (None, "", 7):
        lti.refuses("nonce-missing", nonce=nonce)


def test_d3_47_a_nonce_that_is_not_ours_is_refused(lti: Lti) -> None:
    lti.refuses("nonce-mismatch", nonce="of-the-attacker")


def test_d3_48_the_nonce_of_another_login_is_refused(lti: Lti) -> None:
    first, second = lti.authentication_request(), lti.authentication_request()
    with lti.nothing_stored():
        for nonce, state in ((first["nonce"], second["state"]), (second["nonce"], first["state"])):
            assert_refused(lti.send({"nonce": nonce, "state": state}), "nonce-mismatch")
    lti.answers(first)
    lti.answers(second)


def test_d3_49_a_launch_that_is_posted_again_is_refused(lti: Lti) -> None:
    request = lti.authentication_request()
    form = {"id_token": lti.platform.sign({**lti.platform.claims(), "nonce": request["nonce"]})}
    assert lti.platform.post(lti.client, state=request["state"], **form).status_code == 303
    again = lti.authentication_request()
    with lti.nothing_stored():
        assert_refused(lti.platform.post(lti.client, state=request["state"], **form), "state-used")
        assert_refused(lti.platform.post(lti.client, state=again["state"], **form), "nonce-mismatch")


def test_d3_50_twenty_concurrent_posts_of_one_launch_have_one_winner(lti: Lti) -> None:
    """All of them find their login unused before the first one is decided."""
    with services_of(lti) as services:
        lti.platform = lti.another_platform(client_id="client-2", jwks_url=f"{services.url}/jwks")
        request = lti.authentication_request()
        token = lti.platform.sign({**lti.platform.claims(), "nonce": request["nonce"]})
        answers = post_at_once(lti, services, [{"id_token": token, "state": request["state"]}] * 20)
    assert sorted(status for status, _ in answers) == [303] + [400] * 19
    assert all("state-used" in page for status, page in answers if status == 400)
    assert lti.stored()["launch"] == 1


def test_d3_51_a_badly_signed_token_uses_nothing_up(lti: Lti) -> None:
    own = RSAKey.generate_key(2048, private=True)
    request = lti.refuses("token-signature", sign=lambda claims: lti.platform.sign(claims, key=own))
    lti.answers(request)
    for changes in ({"aud": "client-2"}, {"exp": 1}, {"nonce": "other"}, {"version": "1.1"}, {"roles": None}):
        lti.answers(
            lti.refuses(
                "token-audience", "token-expired", "nonce-mismatch", "message-version", "message-incomplete", **changes
            )
        )


def test_d3_52_a_state_that_is_missing_unknown_expired_or_used_is_refused(lti: Lti) -> None:
    request = lti.authentication_request()
    with lti.nothing_stored():
        assert_refused(lti.send({**request, "state": ""}), "state-missing")
        for state in ("of-the-attacker", request["state"] + "x", request["nonce"], "\0", HOSTILE):
            assert_refused(lti.send({**request, "state": state}), "state-unknown", hidden=(state,))
    lti.answers(request)
    with lti.nothing_stored():
        assert_refused(lti.send(request), "state-used")
    late = lti.authentication_request()
    lti.age_logins(601)
    with lti.nothing_stored():
        assert_refused(lti.send(late), "state-expired")


def test_d3_53_a_login_that_another_browser_began_is_refused(lti: Lti) -> None:
    """Otherwise an attacker could sign somebody in as himself (login CSRF): by a cookie, or by nothing at all."""
    request = lti.authentication_request()
    victim, attacker = lti.app.test_client(), lti.client
    lti.client = victim
    with lti.nothing_stored():
        assert_refused(lti.found_nothing(lti.send(request)), "browser-other")
        own = lti.authentication_request()
        assert_refused(lti.found_nothing(lti.send(request)), "browser-other")
        victim.set_cookie(login_cookie(request["state"]), "guess", domain="tool.example.test", secure=True)
        assert_refused(lti.found_nothing(lti.send(request)), "browser-other")
    lti.answers(own)
    lti.client = attacker
    lti.answers(request)


def test_d3_54_an_error_of_the_platform_is_explained_and_ends_the_login(lti: Lti) -> None:
    """https://openid.net/specs/openid-connect-core-1_0.html#AuthError"""
    for error in ("login_required", "launch_no_longer_valid", "unauthorized_client", "invalid_request_object", HOSTILE):
        request = lti.authentication_request()
        with lti.nothing_stored():
            answer = lti.platform.post(
                lti.client, error=error, error_description=f"Reason {error}", state=request["state"]
            )
            assert_refused(answer, code_of(error, ""), hidden=(request["state"], HOSTILE))
            assert "Reason " in answer.get_data(as_text=True)
            assert_refused(lti.send(request), "state-used")
    assert_refused(lti.platform.post(lti.client, error="login_required", state="unknown"), "state-unknown")
    request = lti.authentication_request()
    assert_refused(lti.platform.post(lti.client, state=request["state"]), "token-missing")


def test_d3_55_an_unknown_deployment_is_treated_as_the_registration_says(lti: Lti) -> None:
    """A waiting one is remembered, although nothing else of the launch is, so that somebody can approve it. A new
    one may come with several people at once.
    """
    listed, elsewhere = lti.platform, lti.another_platform("beta", client_id="client-1", deployment_id="other")
    assert elsewhere.deployment_id == "other"
    lti.refuses("deployment-unknown", deployment_id="other")

    lti.platform = lti.another_platform(client_id="waiting", policy="pending")
    before = lti.stored()
    for _ in range(2):
        assert_refused(lti.send(lti.authentication_request(), deployment_id="new"), "deployment-pending")
        assert lti.stored() == {**before, "deployment": before["deployment"] + 1}
    _approve(lti.app, "new")
    lti.arrive(deployment_id="new")

    with services_of(lti) as services:
        lti.platform = lti.another_platform(client_id="open", policy="auto", jwks_url=f"{services.url}/jwks")
        requests = [lti.authentication_request() for _ in range(4)]
        claims = lti.platform.claims(deployment_id="another")
        tokens = [lti.platform.sign({**claims, "nonce": request["nonce"]}) for request in requests]
        states = [request["state"] for request in requests]
        forms = [{"id_token": token, "state": state} for token, state in zip(tokens, states, strict=True)]
        assert [status for status, _ in post_at_once(lti, services, forms)] == [303] * 4
    _approve(lti.app, "another", "rejected")
    lti.refuses("deployment-rejected", deployment_id="another")
    lti.platform = listed
    lti.refuses("deployment-unknown", deployment_id="new")


def _approve(app: Flask, deployment_id: str, state: str = "approved") -> None:
    with writing(app):
        found = session.scalars(select(Deployment).where(Deployment.deployment_id == deployment_id)).one()
        registrations.set_deployment_state(found.tenant_id, found.id, state)


def test_d3_56_a_target_that_is_missing_foreign_or_not_the_logins_is_refused(lti: Lti) -> None:
    lti.another_platform("beta", client_id="client-2")
    lti.refuses("message-incomplete", target_link_uri=None)
    for target in ("https://evil.example/lti/acme/launch", "https://[", "//evil.example", f"javascript:{HOSTILE}"):
        lti.refuses("target-foreign", target_link_uri=target)
    for target in (f"{PUBLIC_URL}/lti/beta/launch", f"{PUBLIC_URL}/tools/probe/", PUBLIC_URL):
        lti.refuses("message-target", target_link_uri=target)
    lti.arrive(target_link_uri=f"{lti.platform.target}?item=42")


def test_d3_57_keys_are_kept_and_the_platform_is_asked_again_at_most_once_a_minute(lti: Lti) -> None:
    keys = lti.platform.keys
    keys.headers["Cache-Control"] = "public, max-age=600"
    began = utcnow()
    for _ in range(3):
        lti.arrive()
    assert keys.requests == 1
    with lti.app.app_context():
        row = session.scalars(select(PlatformKeys)).one()
    assert row.fresh_until is not None
    assert began + timedelta(seconds=600) <= row.fresh_until <= utcnow() + timedelta(seconds=600)

    lti.age_keys(fresh=timedelta(seconds=601), tried=timedelta(seconds=601))
    lti.arrive()
    assert keys.requests == 2

    lti.platform.kid, keys.document = "platform-key-2", {"keys": [lti.public_key(kid="platform-key-2")]}
    lti.age_keys(tried=timedelta(seconds=61))
    lti.arrive()
    assert keys.requests == 3
    for number in range(20):
        lti.refuses("token-key-unknown", header={"kid": f"random-{number}"})
    assert keys.requests == 3
    lti.age_keys(tried=timedelta(seconds=61))
    for number in range(5):
        lti.refuses("token-key-unknown", header={"kid": f"random-{number}"})
    assert keys.requests == 4

    lti.age_keys(fresh=timedelta(seconds=601), tried=timedelta(seconds=61))
    keys.status = 503
    lti.arrive()
    lti.arrive()
    assert keys.requests == 5


def test_d3_58_keys_without_algorithm_are_rs256_and_unknown_kinds_are_passed_over(lti: Lti) -> None:
    """Brightspace publishes no ``alg``."""
    lti.publish(lti.public_key(alg=None))
    lti.arrive()
    odd: list[dict[str, Any]] = [
        {"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "AAAA"},
        {"kty": "XYZ", "kid": "b"},
        {},
        {"kid": 7},
    ]
    lti.publish(*odd, {"kty": "RSA", "kid": "c", "n": "*", "e": 3}, lti.public_key(alg=None, use=None))
    lti.arrive()


def test_d3_59_keys_that_cannot_be_had_properly_are_not_used(lti: Lti) -> None:
    """Each of the answers holds the right keys, so that only the way in which they come can be why they are refused."""
    keys, good = lti.platform.keys, json.dumps({"keys": [lti.public_key()]}).encode()
    for status in (500, 503, 404, 204):
        keys.status, keys.body = status, good
        lti.forget_keys()
        lti.refuses("platform-keys-unreachable")
    keys.status = 200
    for body in (good + b" " * 1_000_000, b"<html>", b"[]", b"{}", b"[" * 100_000):
        keys.body = body
        lti.forget_keys()
        lti.refuses("platform-keys-unreachable")
    with services_of(lti) as elsewhere:
        keys.status, keys.body, keys.headers = 302, good, {"Location": f"{elsewhere.url}/jwks"}
        lti.forget_keys()
        lti.refuses("platform-keys-unreachable")
        assert elsewhere.received == []
    lti.client = lti.start_app([], http_read_timeout=0.2).test_client()
    with silent_server() as port:
        lti.platform = lti.another_platform(client_id="silent", jwks_url=f"http://localhost:{port}/jwks")
        lti.refuses("platform-keys-unreachable")
    for number, url in enumerate((keys.url, "https://127.0.0.1:9/jwks", "https://10.0.0.1/jwks", "https://[::1]/jwks")):
        lti.client = lti.start_app([], allow_private_network=False).test_client()
        lti.platform = lti.another_platform(client_id=f"private-{number}", jwks_url=url)
        asked = keys.requests
        lti.refuses("platform-keys-unreachable")
        assert keys.requests == asked


def test_d3_60_unknown_claims_and_nulls_are_tolerated(lti: Lti) -> None:
    nothing = [
        "https://purl.imsglobal.org/spec/lti/claim/launch_presentation",
        "https://purl.imsglobal.org/spec/lti/claim/tool_platform",
        "https://purl.imsglobal.org/spec/lti/claim/lis",
        "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint",
        "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice",
        "https://www.instructure.com/placement",
        "name",
        "email",
        "locale",
        "nbf",
    ]
    extra = {
        "https://vendor.example/claim": {"deep": [{"er": None}]},
        "errors": {"errors": {}},
        "validation_context": None,
    }
    claims = lti.platform.claims(
        custom={"activity": "probe:quiz", "nothing": None, "number": 5, "list": [1], "text\0": "with\0NUL"},
        context={"id": "course-1", "title": None, "type": None, "validation_context": None, "errors": {"errors": {}}},
        resource_link={"id": "link-1", "title": None, "description": None, "errors": {}},
    )
    lti.arrive({**claims, **dict.fromkeys(nothing), **extra})
    lti.arrive({**claims, "https://purl.imsglobal.org/spec/lti/claim/context": None, "name": "A\0da \ud800"})


def test_d3_61_a_token_that_is_too_large_is_refused_before_anything_is_looked_up(lti: Lti) -> None:
    request = lti.authentication_request()
    claims = {**lti.platform.claims(), "nonce": request["nonce"], "padding": "x" * MAX_TOKEN_BYTES}
    token = lti.platform.sign(claims)
    with lti.nothing_stored():
        for state in (request["state"], "unknown"):
            answer = lti.platform.post(lti.client, id_token=token, state=state)
            assert_refused(answer, "token-too-large")
            assert answer.status_code == 413
    lti.answers(request)


def test_d3_62_nothing_is_launched_while_the_registration_or_the_institution_is_switched_off(lti: Lti) -> None:
    visit = lti.platform.visit(lti.client, custom={"activity": "probe:quiz"})
    for table, code in ((Registration, "registration-disabled"), (Tenant, "tenant-disabled")):
        request = lti.authentication_request()
        lti.switch(table, enabled=False)
        with lti.nothing_stored():
            assert_refused(lti.send(request), code)
            assert_refused(lti.login(), code)
            assert_refused(visit.get(), code)
        lti.switch(table, enabled=True)
        lti.answers(request)


def test_d3_63_no_page_of_an_error_repeats_input_as_markup(lti: Lti) -> None:
    for fields in ({"iss": HOSTILE}, {"client_id": HOSTILE}, {"target_link_uri": HOSTILE}, {"login_hint": ""}):
        assert_refused(
            lti.login(**fields),
            "platform-unknown",
            "client-unknown",
            "target-foreign",
            "login-incomplete",
            hidden=(HOSTILE,),
        )
    request = lti.authentication_request()
    answer = lti.platform.post(lti.client, error=HOSTILE, error_description=HOSTILE, state=request["state"])
    assert_refused(answer, "platform-refused", hidden=(HOSTILE, "<script>alert"))
    assert "&lt;script&gt;" in answer.get_data(as_text=True)
    for changes in ({"version": HOSTILE}, {"message_type": HOSTILE}, {"deployment_id": HOSTILE}, {"iss": HOSTILE}):
        request = lti.authentication_request()
        answer = lti.send(request, **changes)
        assert_refused(
            answer, "message-version", "message-type", "deployment-unknown", "token-issuer", hidden=("<script>alert",)
        )
    answer = lti.send(lti.authentication_request(), custom={"activity": HOSTILE})
    assert_refused(answer, "activity-unknown", hidden=("<script>alert",))
