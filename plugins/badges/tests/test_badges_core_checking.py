"""What a check says of badges that are genuine, are not, or of which nobody can tell."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey
from school import EVERYTHING, KEY, NOW, PLAIN, RSA_KEY, School, rsa_key, sign_carelessly

from ltitools_badges import checking_process
from ltitools_badges.core import baking, canonical, checking, data_integrity, did, jose, status

MILLION = 1_000_000


@pytest.fixture
def school() -> School:
    return School()


def lines(given: Any, web: Mapping[str, object], **more: Any) -> dict[str, tuple[str, str]]:
    report = checking.check(given, web, more.pop("now", NOW), **more)
    return {line.what: (line.outcome, line.detail) for line in report.lines}


def token(payload: Mapping[str, Any], header: Mapping[str, Any], key: Any) -> str:
    algorithm = {"alg": "RS256", "typ": "JWT", **header}
    return jws.serialize_compact(algorithm, canonical.text(payload).encode(), key, algorithms=[algorithm["alg"]])


# --- badges of ours ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [EVERYTHING, PLAIN], ids=["everything", "plain"])
def test_each_question_has_a_good_answer(school: School, content: Any) -> None:
    assert lines(school.badge(content), school.web(), recipient="Ada@Example.org ") == {
        "signature": ("good", "signed"),
        "issuer": ("good", "proven"),
        "status": ("good", "not-revoked"),
        "dates": ("good", "in-force"),
        "recipient": ("good", "recipient-matches"),
        "schema": ("good", "complete"),
    }


def test_what_has_to_be_fetched_is_told(school: School) -> None:
    addresses = {f"https://{school.host}/i/acme/did.json", f"{school.base}/status/1"}
    for badge in (school.badge(), canonical.text(school.badge()), school.token()):
        assert set(checking.needs(badge)) == addresses
    assert list(checking.needs("nothing")) == []


def test_the_report_says_what_the_badge_says(school: School) -> None:
    badge = school.badge(valid_until=NOW + timedelta(days=365))
    report = checking.check(badge, school.web(), NOW)
    assert report.verdict == "good"
    assert report.id == badge["id"]
    assert report.name == "Applied data analysis with Python"
    assert (report.issuer_name, report.issuer_id) == ("Acme College", school.did)
    assert report.issuer_host == school.host
    assert report.recipient == "Ada Lovelace"
    assert report.score == "84.11"
    assert report.valid_from == NOW
    assert report.valid_until == NOW + timedelta(days=365)
    assert report.achievement == f"{school.base}/achievements/py-data/v/2"
    assert report.image == f"{report.achievement}.png"
    assert report.evidence[0] == ("Portfolio", "https://github.com/ada/portfolio/tree/4f2c0de")
    assert checking.Report.from_json(json.loads(json.dumps(report.to_json()))) == report


def test_addresses_that_are_no_web_pages_are_not_told(school: School) -> None:
    badge = school.badge()
    badge["evidence"][0]["id"] = "javascript:alert(1)"
    badge["credentialSubject"]["achievement"]["image"]["id"] = "data:image/png;base64,AAAA"
    report = checking.check(badge, school.web(), NOW)
    assert (report.evidence[0], report.image) == (("Portfolio", ""), "")


def test_dates_decide(school: School) -> None:
    badge = school.badge(valid_until=NOW + timedelta(days=10))
    web = school.web()
    assert lines(badge, web, now=NOW - timedelta(seconds=61))["dates"] == ("bad", "not-yet-valid")
    assert lines(badge, web, now=NOW - timedelta(seconds=59))["dates"] == ("good", "in-force"), "clocks differ"
    assert lines(badge, web, now=NOW + timedelta(days=10))["dates"] == ("good", "in-force")
    assert lines(badge, web, now=NOW + timedelta(days=11))["dates"] == ("bad", "expired")
    assert checking.check(badge, web, NOW + timedelta(days=11)).verdict == "bad"
    assert lines({**badge, "validFrom": "today"}, web)["dates"] == ("bad", "dates-unreadable")


@pytest.mark.parametrize(
    ("wanted", "answer"),
    [
        ("ada@example.org", ("good", "recipient-matches")),
        ("ADA  lovelace", ("good", "recipient-matches")),
        ("charles@example.org", ("bad", "recipient-differs")),
        ("Charles Babbage", ("bad", "recipient-differs")),
        ("", ("unknown", "recipient-not-asked")),
    ],
)
def test_the_recipient_is_compared_when_somebody_asks(school: School, wanted: str, answer: tuple[str, str]) -> None:
    assert lines(school.badge(), school.web(), recipient=wanted)["recipient"] == answer


def test_a_badge_without_a_person_cannot_be_compared(school: School) -> None:
    unnamed = school.badge(name="", email_hash=None)
    assert lines(unnamed, school.web(), recipient="Ada")["recipient"] == ("unknown", "recipient-not-in-badge")
    named = school.badge(email_hash=None)
    assert lines(named, school.web(), recipient="a@b.c")["recipient"] == ("unknown", "recipient-not-in-badge")


# --- status -----------------------------------------------------------------------------------------------------


def test_a_list_of_somebody_else_proves_nothing(school: School) -> None:
    other, web = School(), school.web()
    address = f"{school.base}/status/1"
    listing = status.credential(school.issuer, 1, status.StatusList(), NOW)
    forgeries = [
        {**school.listing(), "credentialSubject": other.listing()["credentialSubject"]},
        other.sign({**listing, "issuer": other.did}),
        sign_carelessly(listing, other.keys[KEY], f"{school.did}#{KEY}"),
        school.sign({**listing, "id": f"{school.base}/status/2"}),
        school.sign({**listing, "validUntil": "2026-11-01T00:00:00Z"}),
        school.sign({**listing, "credentialSubject": {**listing["credentialSubject"], "statusPurpose": "suspension"}}),
        school.sign({**listing, "credentialSubject": {**listing["credentialSubject"], "encodedList": "uH4sI"}}),
        listing,
        "eyJ.eyJ.x",
    ]
    for forged in forgeries:
        found = {**other.web(), **web, address: forged}
        assert lines(school.badge(), found)["status"] == ("unknown", "status-not-proven")
        assert checking.check(school.badge(), found, NOW).verdict == "unknown"


def test_a_list_in_a_token_is_read(school: School) -> None:
    school.bits.set(1)
    listing = status.credential(school.issuer, 1, school.bits, NOW)
    signed = jose.to_jwt(listing, rsa_key(), f"{school.did}#{RSA_KEY}")
    found = {**school.web(), f"{school.base}/status/1": signed}
    assert lines(school.badge(), found)["status"] == ("good", "not-revoked")
    assert lines(school.badge(status_index=1), found)["status"] == ("bad", "revoked")


def test_other_kinds_of_status_are_told_apart(school: School) -> None:
    document = school.credential()
    del document["credentialStatus"]
    assert lines(school.sign(document), school.web())["status"] == ("good", "no-status")
    document["credentialStatus"] = {"id": f"{school.base}/revoked.json", "type": "1EdTechRevocationList"}
    assert lines(school.sign(document), school.web())["status"] == ("unknown", "status-unsupported")


def test_an_index_beyond_the_list_is_not_found(school: School) -> None:
    for index in ("131072", "-1", "seven"):
        document = school.credential()
        document["credentialStatus"]["statusListIndex"] = index
        assert lines(school.sign(document), school.web())["status"] == ("unknown", "status-not-proven")


# --- badges of others -------------------------------------------------------------------------------------------


def test_an_issuer_that_cannot_be_reached_is_not_judged(school: School) -> None:
    found = lines(school.badge(), {})
    assert found["signature"] == ("unknown", "issuer-unreachable")
    assert found["issuer"] == ("unknown", "not-checked")
    assert checking.check(school.badge(), {}, NOW).verdict == "unknown"


def test_a_document_that_is_another_issuers_vouches_for_nobody(school: School) -> None:
    web = {**school.web(), did.address(school.did): School().did_document()}
    assert lines(school.badge(), web)["signature"] == ("bad", "key-unknown")


def test_a_key_of_another_controller_vouches_for_nobody(school: School) -> None:
    web = school.web()
    web[did.address(school.did)]["verificationMethod"][0]["controller"] = School().did
    assert lines(school.badge(), web)["signature"] == ("bad", "key-unknown")


def test_a_key_that_is_marked_as_revoked_signs_nothing(school: School) -> None:
    web = school.web()
    web[did.address(school.did)]["verificationMethod"][0]["revoked"] = "2026-11-21T00:00:00Z"
    assert lines(school.badge(), web)["signature"] == ("bad", "key-not-allowed")


def test_did_key_proves_nobody(school: School) -> None:
    key = Ed25519PrivateKey.generate()
    name = f"did:key:{did.multibase(key.public_key())}"
    document = school.credential()
    document["issuer"]["id"] = name
    badge = data_integrity.sign(document, key, f"{name}#{name.removeprefix('did:key:')}", NOW)
    found = lines(badge, school.web())
    assert (found["signature"], found["issuer"]) == (("good", "signed"), ("unknown", "issuer-not-proven"))
    badge["name"] = "Another"
    assert lines(badge, school.web())["signature"] == ("bad", "tampered")


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_a_key_at_an_address_proves_nobody(school: School, algorithm: str) -> None:
    key = RSAKey.import_key(rsa_key()) if algorithm == "RS256" else ECKey.generate_key("P-256")
    document = school.credential()
    document["issuer"]["id"] = "https://school.example.org/issuer"
    address = "https://school.example.org/keys/1"
    signed = token(document, {"alg": algorithm, "kid": address}, key)
    assert checking.needs(signed).key_url == address
    found = lines(signed, {address: key.as_dict(private=False)})
    assert (found["signature"], found["issuer"]) == (("good", "signed"), ("unknown", "issuer-not-proven"))
    assert lines(signed, {})["signature"] == ("unknown", "key-unreachable")


def test_a_token_of_p256_by_a_did_is_genuine(school: School) -> None:
    key = ECKey.generate_key("P-256")
    web = school.web()
    method = {"id": f"{school.did}#ec-1", "controller": school.did, "type": "JsonWebKey"}
    document = web[did.address(school.did)]
    document["verificationMethod"].append({**method, "publicKeyJwk": key.as_dict(private=False)})
    document["assertionMethod"].append("#ec-1")
    signed = token(school.credential(), {"alg": "ES256", "kid": f"{school.did}#ec-1"}, key)
    assert checking.check(signed, web, NOW).verdict == "good"


def test_claims_that_say_something_else_are_noticed(school: School) -> None:
    payload = {**school.credential(), "sub": "urn:uuid:somebody-else"}
    signed = token(payload, {"kid": f"{school.did}#{RSA_KEY}"}, RSAKey.import_key(rsa_key()))
    assert lines(signed, school.web())["signature"] == ("bad", "claims-differ")


def test_a_header_that_asks_for_more_is_not_judged(school: School) -> None:
    header = {"kid": f"{school.did}#{RSA_KEY}", "x5u": "https://x.example.org"}
    signed = token(school.credential(), header, RSAKey.import_key(rsa_key()))
    assert lines(signed, school.web())["signature"] == ("unknown", "proof-unsupported")


def changed_proof(**changes: Any) -> Callable[[dict[str, Any]], None]:
    def change(badge: dict[str, Any]) -> None:
        badge["proof"][0].update(changes)

    return change


def without_proof(badge: dict[str, Any]) -> None:
    del badge["proof"]


def own_context(badge: dict[str, Any]) -> None:
    badge["@context"].append({"honours": "https://x.example.org/honours"})


CHANGES: dict[str, tuple[Callable[[dict[str, Any]], None], tuple[str, str]]] = {
    "no proof": (without_proof, ("bad", "unsigned")),
    "another suite": (changed_proof(cryptosuite="eddsa-jcs-2022"), ("unknown", "proof-unsupported")),
    "a chain": (changed_proof(previousProof="urn:uuid:1"), ("unknown", "proof-unsupported")),
    "another purpose": (changed_proof(proofPurpose="authentication"), ("bad", "key-not-allowed")),
    "another value": (changed_proof(proofValue="z" + "1" * 64), ("bad", "tampered")),
    "no base58": (changed_proof(proofValue="z0OIl"), ("bad", "tampered")),
    "an unsigned member of the proof": (changed_proof(trusted="yes"), ("bad", "unsigned-terms")),
    "a context of its own": (own_context, ("unknown", "context-unknown")),
}


@pytest.mark.parametrize(("change", "answer"), CHANGES.values(), ids=CHANGES)
def test_what_is_wrong_with_a_proof_is_told(
    school: School, change: Callable[[dict[str, Any]], None], answer: tuple[str, str]
) -> None:
    badge = school.badge()
    change(badge)
    assert lines(badge, school.web())["signature"] == answer
    assert checking.check(badge, school.web(), NOW).verdict != "good"


def test_a_status_spelled_by_its_address_does_not_hide(school: School) -> None:
    """The same statements in other words: the signature would hold, and no status would be found."""
    badge = school.badge()
    school.bits.set(4711)
    badge["https://www.w3.org/2018/credentials#credentialStatus"] = badge.pop("credentialStatus")
    assert checking.check(badge, school.web(), NOW).verdict == "bad"


def test_a_status_that_was_moved_does_not_hide(school: School) -> None:
    """A part with the badge's own id is the badge: what it says is signed, wherever it stands."""
    document = school.credential()
    document["evidence"] = [{"id": document["id"], "type": ["Evidence"]}]
    badge = sign_carelessly(document, school.keys[KEY], f"{school.did}#{KEY}")
    badge["evidence"][0]["credentialStatus"] = badge.pop("credentialStatus")
    assert lines(badge, school.web())["signature"] == ("bad", "unsigned-terms")


def test_one_proof_of_several_is_enough(school: School) -> None:
    badge = school.badge()
    badge["proof"] = [{**badge["proof"][0], "cryptosuite": "eddsa-jcs-2022", "proofValue": "z1"}, *badge["proof"]]
    assert checking.check(badge, school.web(), NOW).verdict == "good"
    badge["proof"] = badge["proof"][1]
    assert checking.check(badge, school.web(), NOW).verdict == "good"


def test_something_signed_that_is_no_badge_is_not_good(school: School) -> None:
    document = school.credential()
    del document["credentialSubject"]["achievement"]["criteria"]
    report = checking.check(school.sign(document), school.web(), NOW)
    assert (report.line("schema").detail, report.verdict) == ("incomplete", "unknown")


@pytest.mark.parametrize(
    "old",
    [
        {"@context": "https://w3id.org/openbadges/v2", "type": "Assertion", "id": "https://x.example.org/1"},
        "https://x.example.org/assertions/1",
    ],
    ids=["assertion", "address"],
)
def test_badges_of_open_badges_2_are_too_old(old: Any) -> None:
    report = checking.check(old, {}, NOW)
    assert {line.detail for line in report.lines} == {"too-old"}
    assert report.verdict == "unknown"
    assert report.id.startswith("https://x.example.org/")


# --- limits -----------------------------------------------------------------------------------------------------


def nested(depth: int) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for _ in range(depth):
        document = {"issuer": document}
    return document


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ('{"name": "' + "x" * 300_000 + '"}', "too-complex"),
        (json.dumps(nested(40)), "too-complex"),
        ("[" * 100_000, "too-complex"),
        (json.dumps({"evidence": [{"name": "x"}] * 2000}), "too-complex"),
        ('{"id": 1, "id": 2}', "unreadable"),
        ('{"score": NaN}', "unreadable"),
        ('{"name": "\\ud800"}', "unreadable"),
        ('{"\\ud800": "name"}', "unreadable"),
        ("[]", "unreadable"),
        ("eyJ.eyJ", "unreadable"),
        ("ey.ey.ey", "unreadable"),
        ("", "unreadable"),
    ],
)
def test_what_no_badge_needs_is_not_read(text: str, detail: str) -> None:
    assert {line.detail for line in checking.check(text, {}, NOW).lines} == {detail}


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["OpenBadgeCredential", "did:web:x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "type", "name", "achievement", "identifier", "identityHash", "hashed", "proof"]),
            inner,
        )
    ),
    max_leaves=12,
)
NAMES = ("@context", "id", "type", "issuer", "credentialSubject", "credentialStatus", "evidence", "proof", "validFrom")


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, values)))
def test_nonsense_gives_a_report_and_never_a_good_one(document: dict[str, Any]) -> None:
    report = checking.check(document, {}, NOW, recipient="Ada")
    assert report.verdict != "good"
    assert checking.Report.from_json(report.to_json()) == report


SCHOOL = School()
GENUINE = canonical.text(SCHOOL.badge())


@given(st.lists(st.integers(0, 30), min_size=1, max_size=6), values)
def test_a_badge_with_nonsense_anywhere_gives_a_report(steps: list[int], nonsense: Any) -> None:
    """Also where a library reads it that expects sense."""
    badge = inside = json.loads(GENUINE)
    place: Any = "name"
    for step in steps:
        places = list(inside) if isinstance(inside, dict) else list(range(len(inside)))
        place = places[step % len(places)]
        if not isinstance(inside[place], dict | list) or not inside[place] or step == steps[-1]:
            break
        inside = inside[place]
    inside[place] = nonsense
    assert checking.check(badge, SCHOOL.web(), NOW).verdict in ("good", "bad", "unknown")


# --- in a process of its own ------------------------------------------------------------------------------------


def reading(web: Mapping[str, Any]) -> Callable[[str], bytes | None]:
    return lambda address: json.dumps(web[address]).encode() if address in web else None


def test_a_strangers_badge_gets_the_same_report(school: School) -> None:
    badge, web = school.badge(), school.web()
    expected = checking.check(badge, web, NOW, recipient="Ada Lovelace")
    assert expected.verdict == "good"
    given = {
        "JSON": canonical.text(badge).encode(),
        "SVG": baking.bake_svg('<svg xmlns="http://www.w3.org/2000/svg"/>', canonical.text(badge)),
    }
    for raw in given.values():
        assert checking_process.check_apart(raw, reading(web), recipient="Ada Lovelace", now=NOW) == expected


def test_a_token_and_its_list_are_fetched_and_judged(school: School) -> None:
    listing = status.credential(school.issuer, 1, school.bits, NOW)
    web = {
        did.address(school.did): json.dumps(school.did_document()).encode(),
        f"{school.base}/status/1": jose.to_jwt(listing, rsa_key(), f"{school.did}#{RSA_KEY}").encode(),
    }
    report = checking_process.check_apart(school.token().encode(), web.get, now=NOW)
    assert report.verdict == "good"


def test_a_poisoned_badge_is_given_up(school: School) -> None:
    """Two parts that look alike, each of nine that do: canonicalising tries every order of each."""
    document = school.credential()
    twin = {"type": ["Evidence"], "endorsement": [{"type": ["Evidence"], "name": "x"}] * 9}
    document["evidence"] = [twin, twin]
    document["proof"] = school.badge()["proof"]
    report = checking_process.check_apart(json.dumps(document).encode(), reading(school.web()), now=NOW)
    assert {line.detail for line in report.lines} == {"too-complex"}
    assert report.verdict == "unknown"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"GIF89a",
        b"\x89PNG\r\n\x1a\n",
        b"<html>",
        b"\xff\xfe",
        b'<!DOCTYPE svg><svg xmlns="http://www.w3.org/2000/svg"/>',
    ],
)
def test_a_file_without_a_badge_is_unreadable(raw: bytes) -> None:
    report = checking_process.check_apart(raw, lambda _address: None)
    assert {line.detail for line in report.lines} == {"unreadable"}


def test_what_cannot_be_fetched_or_read_is_unknown(school: School) -> None:
    raw = canonical.text(school.badge()).encode()
    for answer in (None, b"<html>", b"\xff", b"x" * MILLION):
        report = checking_process.check_apart(raw, dict.fromkeys(checking.needs(raw.decode()), answer).get, now=NOW)
        assert report.line("signature").detail == "issuer-unreachable"
        assert report.line("status").detail == "status-unreachable"
