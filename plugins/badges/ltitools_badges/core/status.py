"""Revocation: a long list of bits, published as a signed credential: https://www.w3.org/TR/vc-bitstring-status-list/"""

import base64
import binascii
import secrets
import zlib
from collections.abc import Container
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ltitools_badges.core import contexts, instants

if TYPE_CHECKING:
    from ltitools_badges.core.documents import Issuer

#: The least that the specification allows, so that an index tells nobody which badge it is (section 6.1).
LENGTH = 131_072
PURPOSE = "revocation"

_MAX_BYTES = 4 * 1024 * 1024
_GZIP = 16 + zlib.MAX_WBITS


class StatusList:
    """Bits, of which the first is the highest of the first byte (section 3.3). All are 0 to begin with."""

    def __init__(self, bits: bytes | None = None) -> None:
        self._bits = bytearray(LENGTH // 8) if bits is None else bytearray(bits)

    def __len__(self) -> int:
        return 8 * len(self._bits)

    def get(self, index: int) -> bool:
        """Whether a bit is set. IndexError outside the list."""
        byte, mask = self._place(index)
        return bool(self._bits[byte] & mask)

    def set(self, index: int) -> None:
        """Set a bit. There is no way back: a revoked badge is issued anew."""
        byte, mask = self._place(index)
        self._bits[byte] |= mask

    def random_free(self, taken: Container[int]) -> int:
        """A random index that is not taken: one that follows another would tell who was awarded after whom."""
        for _ in range(64):
            index = secrets.randbelow(len(self))
            if index not in taken:
                return index
        free = [index for index in range(len(self)) if index not in taken]
        if not free:
            raise ValueError("the list is full")
        return secrets.choice(free)

    def to_text(self) -> str:
        """`u` + base64url of the gzipped bits; the same bits always give the same text."""
        packer = zlib.compressobj(9, zlib.DEFLATED, _GZIP)
        packed = packer.compress(bytes(self._bits)) + packer.flush()
        return "u" + base64.urlsafe_b64encode(packed).rstrip(b"=").decode("ascii")

    @classmethod
    def from_text(cls, text: str) -> "StatusList":
        """The list of a text, also somebody else's. ValueError where it is none, too short, or too long."""
        if not text.startswith("u"):
            raise ValueError("not base64url")
        try:
            packed = base64.b64decode(text[1:] + "=" * (-len(text[1:]) % 4), altchars=b"-_", validate=True)
            unpacker = zlib.decompressobj(_GZIP)
            bits = unpacker.decompress(packed, _MAX_BYTES)
        except (binascii.Error, zlib.error) as cause:
            raise ValueError("not a gzipped list") from cause
        if not unpacker.eof or len(bits) * 8 < LENGTH:
            raise ValueError("not a whole list")
        return cls(bits)

    def _place(self, index: int) -> tuple[int, int]:
        if not 0 <= index < len(self):
            raise IndexError(index)
        return index // 8, 0x80 >> index % 8


def credential(issuer: "Issuer", number: int, bits: StatusList, now: datetime) -> dict[str, Any]:
    """The list as an unsigned BitstringStatusListCredential (section 2.2).

    It has no `validUntil`: a list that expires makes every badge uncertain when the server is away.
    """
    address = f"{issuer.base}/status/{number}"
    return {
        "@context": [contexts.CREDENTIALS],
        "id": address,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": issuer.did,
        "validFrom": instants.text(now),
        "credentialSubject": {
            "id": f"{address}#list",
            "type": "BitstringStatusList",
            "statusPurpose": PURPOSE,
            "encodedList": bits.to_text(),
        },
    }


def entry(issuer: "Issuer", number: int, index: int) -> dict[str, Any]:
    """What a badge says about its place in a list (section 2.1): one object, as the schema of Open Badges asks."""
    address = f"{issuer.base}/status/{number}"
    return {
        "id": f"{address}#{index}",
        "type": "BitstringStatusListEntry",
        "statusPurpose": PURPOSE,
        "statusListIndex": str(index),
        "statusListCredential": address,
    }
