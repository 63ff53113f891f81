"""Sealing what the database keeps for you, under the server's secret key.

A column of sealed texts has ``info={"sealed": <purpose>}``, so that `ltitools secret rotate` finds it.
"""

from ltitools.context import current_host


def seal(purpose: str, text: str) -> str:
    """`text` encrypted; only `open_sealed` with the same purpose reads it."""
    return current_host().sealer.seal(purpose, text)


def open_sealed(purpose: str, sealed: str) -> str:
    """What was sealed."""
    return current_host().sealer.open(purpose, sealed)


__all__ = ["open_sealed", "seal"]
