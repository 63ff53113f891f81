"""What a badge says: every element in its place, and the shape that the schema of Open Badges asks for."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from school import EVERYTHING, KEY, PLAIN, PYTHON, RSA_KEY, School, rsa_key

from ltitools_badges.core import contexts, did, documents, ob2
from ltitools_badges.core.content import NO_LEVEL
from ltitools_badges.core.documents import Evidence, Measured

# https://www.imsglobal.org/spec/ob/v3p0/#data-models: what is always a list
LISTS = {
    "@context", "type", "evidence", "credentialSchema", "identifier", "result", "alignment", "tag", "related",
    "resultDescription", "otherIdentifier", "proof",
}  # fmt: skip
ONE_TYPE = {"IdentityObject", "IdentifierEntry", "Image", "BitstringStatusListEntry", "1EdTechJsonSchemaValidator2019"}


def parts(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every member of a document, at any depth."""
    if isinstance(value, dict):
        for inner, content in value.items():
            yield inner, content
            yield from parts(content, inner)
    elif isinstance(value, list):
        for content in value:
            yield from parts(content, name)


@pytest.fixture
def school() -> School:
    return School()


def alignments(credential: dict[str, Any]) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for one in credential["credentialSubject"]["achievement"].get("alignment", []):
        found.setdefault(one["targetType"], []).append((one["targetName"], one["targetUrl"]))
    return found


@pytest.mark.parametrize("content", [EVERYTHING, PLAIN], ids=["everything", "plain"])
def test_members_have_the_shape_of_the_schema(school: School, content: Any) -> None:
    for name, value in parts(school.sign(school.credential(content))):
        assert value not in (None, "", [], {})
        if name == "type":
            assert isinstance(value, list) or value in {*ONE_TYPE, "DataIntegrityProof"}
        elif name in ("identifier", "resultDescription") and isinstance(value, str):
            # The name of an identifier and the address of a description, in IdentifierEntry and Result.
            assert value.startswith("https://")
        else:
            assert isinstance(value, list) == (name in LISTS), name


def test_the_credential_names_itself_its_contexts_and_its_times(school: School) -> None:
    credential = school.credential(public_id="b7f1", valid_until=datetime(2030, 1, 1, tzinfo=UTC))
    assert credential["@context"] == [contexts.CREDENTIALS, contexts.OPEN_BADGES, contexts.EXTENSIONS]
    assert credential["type"] == ["VerifiableCredential", "OpenBadgeCredential"]
    assert credential["id"] == f"{school.base}/credentials/b7f1"
    assert credential["validFrom"] == credential["awardedDate"] == "2026-11-20T15:04:05Z"
    assert credential["validUntil"] == "2030-01-01T00:00:00Z"
    assert "validUntil" not in school.credential()
    assert credential["credentialStatus"]["statusListIndex"] == "4711"


def test_the_issuer_is_described(school: School) -> None:
    issuer = school.credential()["issuer"]
    assert issuer == documents.profile(school.issuer)
    assert issuer["id"] == school.did
    assert issuer["address"] == {"type": ["Address"], "addressCountryCode": "CA", "addressLocality": "Montréal"}
    assert issuer["parentOrg"]["name"] == "University of Acme"
    assert issuer["otherIdentifier"][0]["identifierType"] == "ext:ROR"
    bare = documents.profile(documents.Issuer(school.did, school.base, "Acme", "https://acme.example.org/"))
    assert set(bare) == {"id", "type", "name", "url"}


def test_every_element_of_a_micro_credential_has_its_place(school: School) -> None:
    credential = school.credential()
    subject = credential["credentialSubject"]
    achievement = subject["achievement"]
    page, vocabulary = achievement["id"], f"{school.base}/vocabulary"
    assert page == f"{school.base}/achievements/py-data/v/2"
    assert alignments(credential) == {
        "ext:LearningOutcome": [
            ("Cleans a table of 10,000 rows", f"{page}#outcome-1"),
            ("Says what a mean hides", f"{page}#outcome-2"),
        ],
        "ext:AssessmentType": [
            ("Examination", f"{vocabulary}#assessment-exam"),
            ("Project", f"{vocabulary}#assessment-project"),
        ],
        "ext:DeliveryMode": [("Online", f"{vocabulary}#delivery-online")],
        "ext:Pace": [("At the learner’s own pace", f"{vocabulary}#pace-self-paced")],
        "ext:SupervisionType": [("Supervised online", f"{vocabulary}#supervision-supervised-online")],
        "ext:IdentityVerification": [("The learner’s identity was checked", f"{vocabulary}#identity-checked")],
        "ext:QualityAssurance": [
            ("Reviewed every third year by the Council for Quality", "https://quality.example.org/acme")
        ],
        "ext:Prerequisite": [("Secondary school mathematics", f"{page}#prerequisites")],
        "ext:EQF": [("EQF 5", "http://data.europa.eu/snb/eqf/5")],
        "ext:StacksTo": [
            ("Certificate in data science", "https://acme.example.org/data-science"),
            ("Diploma", f"{page}#stacks-to-2"),
        ],
        "ext:Occupation": [("Database analysts", "https://noc.esdc.gc.ca/21223")],
        "ceasn:Competency": [("Python", "http://data.europa.eu/esco/skill/ccd0a1d9")],
        "CFItem": [("Honesty", f"{page}#skill-2")],
    }
    assert achievement["achievementType"] == "MicroCredential"
    assert (achievement["creditsAvailable"], subject["creditsEarned"]) == (2.5, 2.5)
    assert (achievement["inLanguage"], achievement["fieldOfStudy"]) == ("en", "Data science")
    assert achievement["version"] == "2"
    assert achievement["related"][0]["inLanguage"] == "fr"
    assert achievement["description"].endswith(
        "Learning outcomes:\n1. Cleans a table of 10,000 rows\n2. Says what a mean hides"
    )
    assert achievement["criteria"]["narrative"] == (
        "A project, and an examination.\n\nThe examination lasts two hours.\n\nSecondary school mathematics\n\n"
        "A final score of at least 70 %."
    )


def test_a_framework_is_named_with_its_version(school: School) -> None:
    places = school.credential()["credentialSubject"]["achievement"]["alignment"]
    assert next(place for place in places if place["targetName"] == "Python") == {
        "type": ["Alignment"],
        "targetType": "ceasn:Competency",
        "targetName": "Python",
        "targetUrl": PYTHON.url,
        "targetCode": "S1.2",
        "targetFramework": "ESCO 1.2.0",
    }


def test_results_point_to_what_describes_them(school: School) -> None:
    subject = school.credential()["credentialSubject"]
    page = subject["achievement"]["id"]
    described = {one["id"]: one for one in subject["achievement"]["resultDescription"]}
    values = {one["resultDescription"]: one["value"] for one in subject["result"]}
    assert values == {
        f"{page}#score": "84.11",
        f"{page}#workload": "50",
        f"{page}#result-1": "90",
        f"{page}#result-2": "Proficient",
    }
    assert set(values) == set(described)
    assert described[f"{page}#score"]["requiredValue"] == "70"
    assert described[f"{page}#workload"]["resultType"] == "ext:WorkloadHours"
    assert subject["result"][2]["alignment"][0]["targetCode"] == "S1.2"


def test_a_grade_is_shown_only_where_the_description_says_so(school: School) -> None:
    hidden = school.credential(replace(EVERYTHING, shows_grade=False), measured=())
    assert [one["value"] for one in hidden["credentialSubject"]["result"]] == ["50"]
    assert "84" not in str(hidden["credentialSubject"]["result"])


@pytest.mark.parametrize(
    ("score", "shown"), [("99.999", "99.99"), ("70", "70"), ("69.995", "69.99"), ("100.00", "100"), ("7E+1", "70")]
)
def test_nobody_is_shown_more_than_was_reached(school: School, score: str, shown: str) -> None:
    subject = school.credential(score=Decimal(score))["credentialSubject"]
    assert subject["result"][0]["value"] == shown


@pytest.mark.parametrize(("credits", "number"), [("2", 2), ("2.50", 2.5), ("0", 0), ("1000", 1000), ("0.25", 0.25)])
def test_credits_are_numbers_that_everybody_writes_alike(school: School, credits: str, number: float) -> None:
    subject = school.credential(replace(EVERYTHING, credits=Decimal(credits)))["credentialSubject"]
    assert subject["creditsEarned"] == subject["achievement"]["creditsAvailable"] == number
    assert isinstance(subject["creditsEarned"], type(number))


def test_a_person_is_named_only_as_far_as_agreed(school: School) -> None:
    assert "identifier" not in school.credential(name="", email_hash=None)["credentialSubject"]
    named, hashed = school.credential()["credentialSubject"]["identifier"]
    assert (named["identityHash"], named["hashed"]) == ("Ada Lovelace", False)
    assert re.fullmatch(r"sha256\$[0-9a-f]{64}", hashed["identityHash"])
    assert hashed["identityHash"] == documents.hashed_email(" ADA@example.org", "s4lt")
    assert "ada@example.org" not in str(school.credential())


def test_what_an_award_stacks_is_listed_as_evidence(school: School) -> None:
    portfolio, component = school.credential()["evidence"]
    assert portfolio["genre"] == "Portfolio"
    assert component == {
        "id": "https://other.example.org/credentials/1",
        "type": ["Evidence"],
        "name": "Tables",
        "genre": "Component credential",
    }
    assert "id" not in school.credential(evidence=(Evidence("", "Seen at work"),), components=())["evidence"][0]


def test_a_long_text_is_whole_in_the_description(school: School) -> None:
    long = "Knows " + "a lot " * 100
    outcome = school.credential(replace(EVERYTHING, outcomes=(long,)))["credentialSubject"]["achievement"]["alignment"][
        0
    ]
    assert outcome["targetDescription"] == long
    assert len(outcome["targetName"]) <= 250
    assert outcome["targetName"].endswith("…")


def test_levels_of_other_frameworks_and_none(school: School) -> None:
    other = replace(EVERYTHING, level="7", level_framework="AQF")
    page = f"{school.base}/achievements/py-data/v/2"
    assert alignments(school.credential(other))["ext:QualificationLevel"] == [("AQF 7", f"{page}#level")]
    none = alignments(school.credential(replace(EVERYTHING, level="", level_framework=NO_LEVEL)))
    assert not {"ext:EQF", "ext:QualificationLevel"} & set(none)


def test_the_public_achievement_is_the_one_in_the_badge(school: School) -> None:
    award = school.award(measured=())
    embedded = documents.credential(school.issuer, EVERYTHING, award)["credentialSubject"]["achievement"]
    alone = documents.achievement(school.issuer, EVERYTHING, "py-data", 2, Decimal(70), award.related)
    assert alone == embedded


def test_a_badge_in_french_is_french_throughout(school: School) -> None:
    credential = school.credential(replace(EVERYTHING, language="fr"))
    achievement = credential["credentialSubject"]["achievement"]
    assert "\n\nAcquis d’apprentissage\N{NO-BREAK SPACE}:\n1. " in achievement["description"]
    assert achievement["criteria"]["narrative"].endswith("Une note finale d’au moins 70\N{NO-BREAK SPACE}%.")
    names = [one["name"] for one in achievement["resultDescription"]]
    assert names[:2] == ["Note finale", "Charge de travail de l’apprenant (heures)"]
    found = alignments(credential)
    assert [name for name, _url in found["ext:AssessmentType"] + found["ext:DeliveryMode"]] == [
        "Examen",
        "Projet",
        "En ligne",
    ]
    assert credential["evidence"][1]["genre"] == "Titre composant"


def test_a_level_that_was_measured_is_named(school: School) -> None:
    measured = (Measured("Writing", "Proficient", "level", PYTHON),)
    subject = school.credential(measured=measured)["credentialSubject"]
    assert subject["achievement"]["resultDescription"][-1]["resultType"] == "PerformanceLevel"


# --- the issuer's DID -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "name", "address"),
    [
        ("https://b.example.org/i/acme", "did:web:b.example.org:i:acme", "https://b.example.org/i/acme/did.json"),
        (
            "https://b.example.org:8443/i/a",
            "did:web:b.example.org%3A8443:i:a",
            "https://b.example.org:8443/i/a/did.json",
        ),
        ("https://b.example.org", "did:web:b.example.org", "https://b.example.org/.well-known/did.json"),
    ],
)
def test_an_address_and_its_did_lead_to_each_other(base: str, name: str, address: str) -> None:
    assert did.of(base) == name
    assert did.address(name) == address
    assert did.host(name) == base.removeprefix("https://").split("/")[0]


@pytest.mark.parametrize(
    "name",
    [
        "did:key:z6Mk",
        "did:web:",
        "did:web:x.org:..",
        "did:web:x.org%2Fa",
        "did:web:x.org:a%2Fb",
        "did:web:user@x.org",
        "did:web:x.org:a?b",
        "did:web:[::1]",
        "",
    ],
)
def test_what_is_no_did_web_leads_nowhere(name: str) -> None:
    with pytest.raises(ValueError, match="did:web"):
        did.address(name)


def test_the_did_document_is_what_strict_readers_expect(school: School) -> None:
    document = school.did_document()
    methods = [f"{school.did}#{KEY}", f"{school.did}#{RSA_KEY}"]
    assert document["id"] == school.did
    assert document["alsoKnownAs"] == [school.base]
    assert document["assertionMethod"] == [method["id"] for method in document["verificationMethod"]] == methods
    assert {method["controller"] for method in document["verificationMethod"]} == {school.did}
    assert [method["type"] for method in document["verificationMethod"]] == ["Multikey", "JsonWebKey"]
    assert "d" not in document["verificationMethod"][1]["publicKeyJwk"]
    # A fragment that could be a key would be taken for one.
    assert all("-" in method.split("#")[1] for method in methods)


def test_a_key_has_a_document_of_its_own(school: School) -> None:
    rsa = did.key_document(school.did, did.PublicKey(RSA_KEY, did.jwk(rsa_key().public_key())))
    assert set(rsa) == {"kty", "n", "e", "alg", "use", "kid"}
    assert rsa["kid"] == f"{school.did}#{RSA_KEY}"
    text = did.multibase(school.keys[KEY].public_key())
    assert did.key_document(school.did, did.PublicKey(KEY, text))["publicKeyMultibase"] == text
    assert did.multibase(did.from_multibase(text)) == text
    for wrong in ("", "z", "zzzz", "m" + text, "z0", text * 3):
        with pytest.raises(ValueError, match=r"not|Invalid"):
            did.from_multibase(wrong)


# --- Open Badges 2.0 --------------------------------------------------------------------------------------------


def test_the_hosted_badge_of_version_2_refers_to_its_parts(school: School) -> None:
    award = school.award(public_id="b7f1", valid_until=datetime(2030, 1, 1, tzinfo=UTC))
    assertion = ob2.assertion(school.issuer, award)
    badge = ob2.badge_class(school.issuer, EVERYTHING, "py-data", 2, Decimal(70))
    issuer = ob2.issuer(school.issuer)
    assert assertion["id"] == f"{school.base}/credentials/b7f1.ob2.json"
    assert assertion["verification"] == {"type": "HostedBadge"}
    assert (assertion["badge"], badge["issuer"]) == (badge["id"], issuer["id"])
    assert assertion["recipient"] == {
        "type": "email",
        "hashed": True,
        "salt": "s4lt",
        "identity": documents.hashed_email("ada@example.org", "s4lt"),
    }
    assert (assertion["issuedOn"], assertion["expires"]) == ("2026-11-20T15:04:05Z", "2030-01-01T00:00:00Z")
    assert assertion["evidence"][0]["id"].startswith("https://github.com/")
    assert badge["image"].endswith(".png")
    assert {place["targetName"] for place in badge["alignment"]} == {"Database analysts", "Python", "Honesty"}
    assert {document["@context"] for document in (assertion, badge, issuer)} == {"https://w3id.org/openbadges/v2"}


def test_a_revoked_hosted_badge_says_so(school: School) -> None:
    assert ob2.revoked(school.issuer, "b7f1", "Given by mistake") == {
        "@context": "https://w3id.org/openbadges/v2",
        "type": "Assertion",
        "id": f"{school.base}/credentials/b7f1.ob2.json",
        "revoked": True,
        "revocationReason": "Given by mistake",
    }
    unnamed = ob2.assertion(school.issuer, school.award(email_hash=None, subject="urn:uuid:1"))
    assert unnamed["recipient"] == {"type": "url", "hashed": False, "identity": "urn:uuid:1"}
