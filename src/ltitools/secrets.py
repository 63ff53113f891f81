"""Keeping secrets: sealing what the database stores, and hashing random tokens we hand out."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ltitools.errors import SettingsError


class Sealer:
    """Authenticated encryption under ``LTITOOLS_SECRET_KEY``, one derived key for each purpose."""

    def __init__(self, secret_key: str) -> None:
        self._secret = secret_key.encode()
        self._fernets: dict[str, Fernet] = {}

    def _derive(self, purpose: str) -> bytes:
        return HKDF(SHA256(), length=32, salt=None, info=b"ltitools:" + purpose.encode()).derive(self._secret)

    def _fernet(self, purpose: str) -> Fernet:
        if purpose not in self._fernets:
            self._fernets[purpose] = Fernet(base64.urlsafe_b64encode(self._derive(purpose)))
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
        code = hmac.new(self._derive(purpose), text.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(code).decode().rstrip("=")

    def signature_fits(self, purpose: str, text: str, code: str) -> bool:
        """Whether `code` is `sign(purpose, text)`, compared in constant time."""
        return hmac.compare_digest(self.sign(purpose, text).encode(), code.encode())


def new_secret() -> str:
    """256 random bits (URL-safe)."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """The form in which a random token of ours is stored: 64 hexadecimal digits."""
    return hashlib.sha256(token.encode()).hexdigest()
