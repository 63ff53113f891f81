"""An institution that issues badges with the core alone: keys, a DID document and a status list, and no database."""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import base58
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from pyld import jsonld

from ltitools_badges.core import contexts, data_integrity, did, documents, jose, status
from ltitools_badges.core.content import Alignment, MicroCredential, Reference
from ltitools_badges.core.documents import Award, Evidence, Issuer, Measured

NOW = datetime(2026, 11, 20, 15, 4, 5, tzinfo=UTC)
KEY, RSA_KEY = "key-2026-11", "rsa-2026-11"

PYTHON = Alignment(
    "ESCO", "1.2.0", "S1.2", "Python", "http://data.europa.eu/esco/skill/ccd0a1d9", kind="ceasn:Competency"
)

#: A description that says everything that can be said.
EVERYTHING = MicroCredential(
    "en",
    "Applied data analysis with Python",
    "Reads, cleans and describes tables.",
    criteria="A project, and an examination.",
    outcomes=("Cleans a table of 10,000 rows", "Says what a mean hides"),
    hours=Decimal(50),
    credits=Decimal("2.5"),
    credit_system="ECTS",
    assessment=("exam", "project"),
    assessment_note="The examination lasts two hours.",
    delivery="online",
    pace="self-paced",
    quality="Reviewed every third year by the Council for Quality",
    quality_url="https://quality.example.org/acme",
    level="5",
    level_framework="EQF",
    prerequisites="Secondary school mathematics",
    supervision="supervised-online",
    identity_checked=True,
    stacks_to=(Reference("Certificate in data science", "https://acme.example.org/data-science"), Reference("Diploma")),
    occupations=(Alignment("NOC", "2021", "21223", "Database analysts", "https://noc.esdc.gc.ca/21223"),),
    alignments=(PYTHON, Alignment("House rules", "", "H-1", "Honesty", "")),
    field="Data science",
    tags=("python", "data"),
    shows_grade=True,
)
PLAIN = MicroCredential("fr", "Bases de l’analyse", "Savoir lire un tableau.")


@cache
def rsa_key(number: int = 0) -> RSAPrivateKey:
    """Keys for tokens take long to make; tests that need different ones give numbers."""
    return generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class School:
    """Its host is one of its own, as some verifiers remember what they once fetched."""

    host: str = field(default_factory=lambda: f"badges-{uuid.uuid4().hex[:12]}.example.test")
    keys: dict[str, Ed25519PrivateKey] = field(default_factory=lambda: {KEY: Ed25519PrivateKey.generate()})
    bits: status.StatusList = field(default_factory=status.StatusList)

    @property
    def base(self) -> str:
        return f"https://{self.host}/i/acme"

    @property
    def did(self) -> str:
        return did.of(self.base)

    @property
    def issuer(self) -> Issuer:
        return Issuer(
            self.did,
            self.base,
            "Acme College",
            "https://acme.example.org/",
            email="badges@acme.example.org",
            country="CA",
            locality="Montréal",
            description="A college.",
            identifiers=(("ext:ROR", "https://ror.org/00x0x0x00"),),
            parent_name="University of Acme",
            image_url="https://acme.example.org/logo.png",
        )

    def award(self, **changes: Any) -> Award:
        """An award with everything in it."""
        said: dict[str, Any] = {
            "public_id": str(uuid.uuid4()),
            "version": 2,
            "achievement_id": "py-data",
            "subject": f"urn:uuid:{uuid.uuid4()}",
            "awarded_at": NOW,
            "valid_from": NOW,
            "threshold": Decimal(70),
            "status_list": 1,
            "status_index": 4711,
            "name": "Ada Lovelace",
            "email_hash": ("s4lt", documents.hashed_email("ada@example.org", "s4lt")),
            "score": Decimal("84.119"),
            "measured": (
                Measured("Python", Decimal(90), "percent", PYTHON),
                Measured("Writing", "Proficient", "level"),
            ),
            "evidence": (
                Evidence("https://github.com/ada/portfolio/tree/4f2c0de", "Portfolio", "All work", "Portfolio"),
            ),
            "source_name": "Moodle of Acme College",
            "source_url": "https://moodle.acme.example.org/",
            "components": (("Tables", "https://other.example.org/credentials/1"),),
            "related": (("fr", f"{self.base}/achievements/analyse/v/1"),),
            **changes,
        }
        return Award(**said)

    def credential(self, content: MicroCredential = EVERYTHING, **changes: Any) -> dict[str, Any]:
        return documents.credential(self.issuer, content, self.award(**changes))

    def sign(self, document: Mapping[str, Any], key: str = KEY) -> dict[str, Any]:
        return data_integrity.sign(document, self.keys[key], f"{self.did}#{key}", NOW)

    def badge(self, content: MicroCredential = EVERYTHING, **changes: Any) -> dict[str, Any]:
        return self.sign(self.credential(content, **changes))

    def token(self, **changes: Any) -> str:
        return jose.to_jwt(self.credential(**changes), rsa_key(), f"{self.did}#{RSA_KEY}")

    def listing(self, key: str = KEY) -> dict[str, Any]:
        """The signed status list."""
        return self.sign(status.credential(self.issuer, 1, self.bits, NOW), key)

    def did_document(self) -> dict[str, Any]:
        listed = [did.PublicKey(name, did.multibase(key.public_key())) for name, key in self.keys.items()]
        return did.document(self.did, self.base, [*listed, did.PublicKey(RSA_KEY, did.jwk(rsa_key().public_key()))])

    def web(self) -> dict[str, Any]:
        """What is to be found at its addresses."""
        return {did.address(self.did): self.did_document(), f"{self.base}/status/1": self.listing()}


def sign_carelessly(document: Mapping[str, Any], key: Ed25519PrivateKey, method: str) -> dict[str, Any]:
    """A proof as a library makes it that leaves undefined terms out of what it signs."""
    proof = {
        "type": "DataIntegrityProof",
        "cryptosuite": data_integrity.SUITE,
        "created": "2026-11-20T15:04:05Z",
        "verificationMethod": method,
        "proofPurpose": "assertionMethod",
    }
    hashed = [
        hashlib.sha256(normalized(part).encode()).digest()
        for part in ({**proof, "@context": document["@context"]}, document)
    ]
    value = "z" + base58.b58encode(key.sign(b"".join(hashed))).decode()
    return {**document, "proof": [{**proof, "proofValue": value}]}


def normalized(document: Mapping[str, Any]) -> str:
    """The canonical form as PyLD makes it from whatever it understands."""
    options = {"algorithm": "URDNA2015", "format": "application/n-quads", "documentLoader": contexts.loader}
    written: str = jsonld.normalize(dict(document), options)
    return written
