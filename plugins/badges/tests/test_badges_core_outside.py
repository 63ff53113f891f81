"""What verifiers say that nobody of the project wrote, and that ours says the same.

Digital Bazaar's and the Digital Credentials Consortium's libraries judge the documents, `jose` the tokens, `png-itxt`
the pictures, and openbadgeslib all of them. They run offline: each question brings all that is to be found on the web.
"""

import copy
import io
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jws
from joserfc.jwk import RSAKey
from openbadgeslib.baking import extract_png, extract_svg
from outside import FILES, Verdict, openbadgeslib, verifiers
from PIL import Image
from school import EVERYTHING, KEY, NOW, PLAIN, School, rsa_key, sign_carelessly

from ltitools_badges.core import baking, canonical, checking, contexts, did

GENUINE = Verdict(verified=True, revoked=False, error="")


@pytest.fixture
def school() -> School:
    return School()


def detail(document: Any, school: School, what: checking.What = "signature") -> str:
    return checking.check(document, school.web(), NOW).line(what).detail


@pytest.mark.parametrize("content", [EVERYTHING, PLAIN], ids=["everything", "plain"])
def test_everybody_accepts_a_badge_of_ours(school: School, content: Any) -> None:
    badge = school.badge(content)
    assert verifiers().digital_bazaar(badge, school.web()) == GENUINE
    assert verifiers().digital_credentials(badge, school.web()) == GENUINE
    assert openbadgeslib(badge, school.web()) == GENUINE
    assert checking.check(badge, school.web(), NOW).verdict == "good"


def test_everybody_accepts_the_token_of_the_same_badge(school: School) -> None:
    assert verifiers().jose(school.token(), school.web()).verified
    assert openbadgeslib(school.token(), school.web()) == GENUINE
    assert checking.check(school.token(), school.web(), NOW).verdict == "good"


def test_everybody_accepts_the_status_list(school: School) -> None:
    for verify in (verifiers().digital_bazaar, verifiers().digital_credentials):
        assert verify(school.listing(), school.web()).verified


def test_an_issuer_with_a_port_is_accepted() -> None:
    school = School(host="badges.example.test:8443")
    assert school.did == "did:web:badges.example.test%3A8443:i:acme"
    assert verifiers().digital_bazaar(school.badge(), school.web()) == GENUINE
    assert checking.check(school.badge(), school.web(), NOW).verdict == "good"


def test_everybody_finds_a_badge_revoked(school: School) -> None:
    badge = school.badge()
    school.bits.set(4711)
    # The signature stays what it was; the list says that the badge counts no more.
    for verify in (verifiers().digital_bazaar, verifiers().digital_credentials, openbadgeslib):
        assert verify(badge, school.web()) == Verdict(verified=True, revoked=True, error="")
    report = checking.check(badge, school.web(), NOW)
    assert (report.verdict, report.revoked, report.line("status").detail) == ("bad", True, "revoked")


# --- badges that are not what they say --------------------------------------------------------------------------


def refused(badge: dict[str, Any], school: School) -> None:
    """Every verifier refuses it, and does so because it looked."""
    for verify in (verifiers().digital_bazaar, verifiers().digital_credentials, openbadgeslib):
        said = verify(badge, school.web())
        assert not said.verified
        assert said.error
    assert checking.check(badge, school.web(), NOW).verdict == "bad"


def test_a_better_grade_is_noticed(school: School) -> None:
    badge = school.badge()
    badge["credentialSubject"]["result"][0]["value"] = "100"
    refused(badge, school)
    assert detail(badge, school) == "tampered"


def test_another_name_is_noticed(school: School) -> None:
    badge = school.badge()
    badge["credentialSubject"]["identifier"][0]["identityHash"] = "Charles Babbage"
    refused(badge, school)
    assert detail(badge, school) == "tampered"


def test_a_status_that_was_taken_out_is_noticed(school: School) -> None:
    badge = school.badge()
    del badge["credentialStatus"]
    refused(badge, school)
    assert detail(badge, school) == "tampered"


def test_another_time_of_the_proof_is_noticed(school: School) -> None:
    badge = school.badge()
    badge["proof"][0]["created"] = "2025-01-01T00:00:00Z"
    refused(badge, school)
    assert detail(badge, school) == "tampered"


def test_a_term_that_was_added_and_is_undefined_is_noticed(school: School) -> None:
    badge = school.badge()
    badge["credentialSubject"]["achievement"]["honours"] = "summa cum laude"
    refused(badge, school)
    assert detail(badge, school) == "unsigned-terms"


def test_a_term_that_was_undefined_when_it_was_signed_is_noticed(school: School) -> None:
    document = school.credential()
    document["credentialSubject"]["achievement"]["honours"] = "summa cum laude"
    badge = sign_carelessly(document, school.keys[KEY], f"{school.did}#{KEY}")
    refused(badge, school)
    assert detail(badge, school) == "unsigned-terms"
    with pytest.raises(canonical.Lossy):
        school.sign(document)


def test_a_schema_whose_type_no_context_defines_is_noticed(school: School) -> None:
    document = school.credential()
    document["@context"].remove(contexts.EXTENSIONS)
    refused(sign_carelessly(document, school.keys[KEY], f"{school.did}#{KEY}"), school)


def test_a_key_that_only_claims_to_be_ours_is_noticed(school: School) -> None:
    attacker = School(host=school.host, keys={KEY: Ed25519PrivateKey.generate()})
    refused(attacker.badge(), school)
    assert detail(attacker.badge(), school) == "tampered"
    # Some take a fragment that is a key for the key itself.
    fragment = did.multibase(attacker.keys[KEY].public_key())
    badge = sign_carelessly(attacker.credential(), attacker.keys[KEY], f"{school.did}#{fragment}")
    refused(badge, school)
    assert detail(badge, school) == "key-unknown"


def test_the_key_of_another_issuer_is_noticed(school: School) -> None:
    other = School()
    badge = sign_carelessly(school.credential(), other.keys[KEY], f"{other.did}#{KEY}")
    web = {**other.web(), **school.web()}
    for verify in (verifiers().digital_bazaar, verifiers().digital_credentials, openbadgeslib):
        assert not verify(badge, web).verified
    report = checking.check(badge, web, NOW)
    assert (report.verdict, report.line("issuer").detail) == ("bad", "issuer-mismatch")


def test_a_token_that_brings_its_key_along_proves_nobody(school: School) -> None:
    """Every mere look at the signature passes it, so that it is the issuer's line that has to tell."""
    forger = RSAKey.import_key(rsa_key(1))
    header = {"alg": "RS256", "typ": "JWT", "jwk": forger.as_dict(private=False)}
    forged = jws.serialize_compact(header, canonical.text(school.credential()).encode(), forger, algorithms=["RS256"])
    assert verifiers().jose(forged, school.web()).verified
    report = checking.check(forged, school.web(), NOW)
    assert (report.line("signature").outcome, report.line("issuer").detail) == ("good", "issuer-not-proven")
    assert report.verdict == "unknown"


def test_a_token_of_another_key_is_noticed(school: School) -> None:
    header = {"alg": "RS256", "typ": "JWT", "kid": f"{school.did}#rsa-2026-11"}
    body = canonical.text(school.credential()).encode()
    forged = jws.serialize_compact(header, body, RSAKey.import_key(rsa_key(1)), algorithms=["RS256"])
    assert not verifiers().jose(forged, school.web()).verified
    assert checking.check(forged, school.web(), NOW).verdict == "bad"


# --- keys over the years ----------------------------------------------------------------------------------------


def rotated(school: School) -> dict[str, Any]:
    """A badge of last year's key, and what is on the web now that there is another."""
    school.keys = {"key-2025-11": Ed25519PrivateKey.generate(), **school.keys}
    return school.sign(school.credential(), "key-2025-11")


def verdicts(badge: dict[str, Any], web: dict[str, Any]) -> set[bool]:
    said = [verify(badge, web).verified for verify in (verifiers().digital_bazaar, verifiers().digital_credentials)]
    return {*said, checking.check(badge, web, NOW).verdict == "good"}


def test_an_old_key_that_is_still_listed_verifies(school: School) -> None:
    badge = rotated(school)
    assert verdicts(badge, school.web()) == {True}


def test_an_old_key_that_may_sign_no_more_fails(school: School) -> None:
    badge, web = rotated(school), school.web()
    web[did.address(school.did)]["assertionMethod"].remove(f"{school.did}#key-2025-11")
    assert verdicts(badge, web) == {False}
    assert checking.check(badge, web, NOW).line("signature").detail == "key-not-allowed"


def test_an_old_key_that_is_gone_fails_until_the_badge_is_signed_again(school: School) -> None:
    badge = rotated(school)
    del school.keys["key-2025-11"]
    web = school.web()
    assert verdicts(badge, web) == {False}
    assert checking.check(badge, web, NOW).line("signature").detail == "key-unknown"
    # Verifiers that remember DID documents remember the same one here.
    assert verdicts(school.sign(badge), web) == {True}


# --- pictures ---------------------------------------------------------------------------------------------------


def test_others_read_what_was_baked(school: School) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(picture, "PNG")
    text = canonical.text(school.badge())
    baked = baking.bake_png(picture.getvalue(), text)
    assert verifiers().png_itxt(baked) == text
    assert extract_png(baked, keyword=b"openbadgecredential") == text
    with Image.open(io.BytesIO(baked)) as opened:
        assert opened.info["openbadgecredential"] == text
    svg = baking.bake_svg('<svg xmlns="http://www.w3.org/2000/svg"><circle r="4"/></svg>', text)
    assert extract_svg(svg, element="openbadges:credential", text_fallback=True) == text


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((FILES / "package-lock.json").read_text())
    assert lock["packages"][""]["dependencies"] == json.loads((FILES / "package.json").read_text())["dependencies"]
    packages = [package for name, package in lock["packages"].items() if name]
    assert all("integrity" in package and "resolved" not in package for package in packages)


def test_a_verifier_sees_only_what_it_is_given(school: School) -> None:
    web = school.web()
    assert not verifiers().digital_bazaar(school.badge(), {}).verified
    unlisted = copy.deepcopy(web)
    del unlisted[f"{school.base}/status/1"]
    assert verifiers().digital_bazaar(school.badge(), unlisted).revoked is None
    assert checking.check(school.badge(), unlisted, NOW).line("status").detail == "status-unreachable"
