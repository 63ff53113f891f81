"""Keys of both sides: the tool's own, and a platform's published set, kept as loaded objects.

Loading a key costs a hundred times more than using it, so neither is loaded for each launch or service call.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

ALGORITHM = "RS256"
MINIMUM_BITS = 2048
DEFAULT_MAX_AGE = 3600
LONGEST_MAX_AGE = 24 * 3600


@dataclass(frozen=True)
class ToolKey:
    """An RSA key of ours that signs client assertions and deep linking responses."""

    kid: str
    key: RSAKey

    @classmethod
    def generate(cls) -> ToolKey:
        """A new key of 2048 bits; its kid is its RFC 7638 thumbprint."""
        key = RSAKey.generate_key(MINIMUM_BITS, private=True)
        return cls(key.thumbprint(), key)

    @classmethod
    def from_pem(cls, kid: str, pem: str) -> ToolKey:
        """The key from its private PEM."""
        return cls(kid, RSAKey.import_key(pem))

    def private_pem(self) -> str:
        """The private half (PKCS #8), to be sealed and stored."""
        return self.key.as_pem(private=True).decode()

    def public_jwk(self) -> dict[str, Any]:
        """The public half as it is published: no private member is ever in it."""
        public = self.key.as_dict(private=False)
        return {"kty": "RSA", "kid": self.kid, "use": "sig", "alg": ALGORITHM, "n": public["n"], "e": public["e"]}

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A compact JWS of `claims` (RS256, with our kid)."""
        header = {"alg": ALGORITHM, "kid": self.kid, "typ": "JWT"}
        return jws.serialize_compact(header, json.dumps(claims).encode(), self.key, algorithms=[ALGORITHM])


def platform_keys(document: Any) -> dict[str, RSAKey]:
    """The usable keys of a platform's JWKS document by kid. Raises ValueError for what is no key set.

    Keys of other kinds, for other uses or algorithms, or too short are passed over: a platform may publish
    them for others. Some platforms publish no ``alg``; their keys count as RS256.
    """
    if not isinstance(document, dict) or not isinstance(document.get("keys"), list):
        raise ValueError("not a JSON Web Key Set")
    keys: dict[str, RSAKey] = {}
    for entry in document["keys"]:
        if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str):
            continue
        if entry.get("kty") != "RSA" or entry.get("use", "sig") != "sig" or entry.get("alg", ALGORITHM) != ALGORITHM:
            continue
        try:
            # Asked first, because loading a short key would write a warning for every launch.
            if _bits(entry["n"]) >= MINIMUM_BITS:
                keys[entry["kid"]] = RSAKey.import_key({"kty": "RSA", "n": entry["n"], "e": entry["e"]})
        except (JoseError, KeyError, ValueError, TypeError):
            continue
    return keys


def _bits(modulus: str) -> int:
    """The length of a key by its modulus, as a JWK holds it."""
    return int.from_bytes(urlsafe_b64decode(modulus + "=" * (-len(modulus) % 4))).bit_length()


def max_age(headers: Mapping[str, str]) -> int:
    """Seconds for which an answer may be kept by its ``Cache-Control``, within bounds of ours."""
    control = headers.get("cache-control", "")
    if re.search(r"\bno-store\b|\bno-cache\b", control):
        return 0
    found = re.search(r"\bmax-age=\"?(\d{1,9})", control)
    return min(int(found[1]), LONGEST_MAX_AGE) if found else DEFAULT_MAX_AGE
