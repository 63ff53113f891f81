"""RSA keys for tests from a small stock: making one takes longer than most tests do.

A plugin of pytest (see ``addopts``). Whoever makes keys one after the other gets different ones.
"""

from __future__ import annotations

from itertools import cycle

from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc._rfc7518 import rsa_key

KEYS = 16
BITS = 2048
_make = rsa.generate_private_key
_stock: list[rsa.RSAPrivateKey] = []
_turns = cycle(range(KEYS))


def _take(public_exponent: int, key_size: int, backend: object = None) -> rsa.RSAPrivateKey:
    if key_size != BITS:
        return _make(public_exponent, key_size)
    turn = next(_turns)
    if turn == len(_stock):
        _stock.append(_make(public_exponent, key_size))
    return _stock[turn]


def pytest_configure() -> None:
    """Let joserfc take its new keys from the stock."""
    rsa_key.generate_private_key = _take
