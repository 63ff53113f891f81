"""Keeping secrets: sealing what the database stores, and hashing random tokens we hand out."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ltitools.errors import SettingsError


class Sealer:
    """Authenticated encryption under ``LTITOOLS_SECRET_KEY``, one derived key for each purpose.

    What was sealed or signed under one of `former` secret keys is still read; nothing new is made with them.
    """

    def __init__(self, secret_key: str, former: Sequence[str] = ()) -> None:
        self._secrets = [secret_key.encode(), *(key.encode() for key in former)]
        self._fernets: dict[str, MultiFernet] = {}

    def _derive(self, purpose: str) -> list[bytes]:
        """The keys for a purpose, the current one first."""
        info = b"ltitools:" + purpose.encode()
        return [HKDF(SHA256(), length=32, salt=None, info=info).derive(secret) for secret in self._secrets]

    def _fernet(self, purpose: str) -> MultiFernet:
        if purpose not in self._fernets:
            fernets = [Fernet(base64.urlsafe_b64encode(key)) for key in self._derive(purpose)]
            self._fernets[purpose] = MultiFernet(fernets)
        return self._fernets[purpose]

    def seal(self, purpose: str, text: str) -> str:
        """`text` encrypted; only `open` with the same purpose and secret key reads it."""
        return self._fernet(purpose).encrypt(text.encode()).decode()

    def open(self, purpose: str, sealed: str) -> str:
        """What was sealed. Raises SettingsError where it was sealed under another secret key."""
        return self._decrypted(purpose, sealed.encode()).decode()

    def seal_bytes(self, purpose: str, content: bytes) -> bytes:
        """The same for bytes, without the third that a token in text would add."""
        return base64.urlsafe_b64decode(self._fernet(purpose).encrypt(content))

    def open_bytes(self, purpose: str, sealed: bytes) -> bytes:
        """What `seal_bytes` was given. Raises SettingsError as `open` does."""
        return self._decrypted(purpose, base64.urlsafe_b64encode(sealed))

    def _decrypted(self, purpose: str, token: bytes) -> bytes:
        try:
            return self._fernet(purpose).decrypt(token)
        except InvalidToken as error:
            raise SettingsError("LTITOOLS_SECRET_KEY is not the one that this database was sealed with.") from error

    def sign(self, purpose: str, text: str) -> str:
        """A short authentication code for `text` (URL-safe)."""
        return _code(self._derive(purpose)[0], text)

    def signature_fits(self, purpose: str, text: str, code: str) -> bool:
        """Whether `code` is `sign(purpose, text)`, compared in constant time."""
        return any(hmac.compare_digest(_code(key, text).encode(), code.encode()) for key in self._derive(purpose))


def _code(key: bytes, text: str) -> str:
    code = hmac.new(key, text.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(code).decode().rstrip("=")


def new_secret() -> str:
    """256 random bits (URL-safe)."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """The form in which a random token of ours is stored: 64 hexadecimal digits."""
    return hashlib.sha256(token.encode()).hexdigest()
