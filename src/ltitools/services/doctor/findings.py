"""What the doctor may find: one line each, with a stable code that ``docs/doctor.md`` explains."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is. A warning is something that works today, or that nobody can judge from here."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


CHECKS = frozenset(
    {
        "addresses",
        "clock",
        "cookie",
        "deployments",
        "headers",
        "own-address",
        "own-keys",
        "own-launch",
        "platform-keys",
        "platform-login",
        "public-url",
        "registration",
        "secret-key",
        "signing-key",
        "tenant",
        "tls",
        "token",
    }
)
"""What is examined. A check that finds nothing wrong says so under its own name."""

CODES = frozenset(
    {
        # The settings and the rows
        "public-url-wrong",
        "public-url-insecure",
        "secret-key-weak",
        "signing-key-unreadable",
        "tenant-disabled",
        "registration-missing",
        "registration-disabled",
        "deployment-missing",
        "deployment-pending",
        # Our own address, from outside
        "own-address-unreachable",
        "own-address-foreign",
        "own-keys-wrong",
        "own-keys-private",
        "own-launch-blocked",
        "own-login-blocked",
        "header-frame-options",
        "header-policy-foreign",
        "header-policy-missing",
        "header-hsts-missing",
        "cookie-missing",
        "cookie-changed",
        # TLS and clocks, ours and the platform's
        "tls-name",
        "tls-expired",
        "tls-expires-soon",
        "tls-untrusted",
        "tls-failed",
        "clock-differs",
        "clock-unknown",
        # The platform
        "platform-keys-unreachable",
        "platform-keys-wrong",
        "platform-keys-unusable",
        "platform-login-unreachable",
        "platform-login-missing",
        "token-unreachable",
        "token-refused",
        "scope-refused",
    }
)
"""What can be wrong."""


@dataclass(frozen=True)
class Finding:
    """One line: what was measured, and what to change where. `registration` is the number of the one it is about."""

    level: Level
    code: str
    what: str
    change: str = ""
    registration: int | None = None

    def __post_init__(self) -> None:
        """A code that nobody documents would help nobody."""
        assert self.code in (CHECKS if self.level is Level.OK else CODES), self.code


def ok(check: str, what: str) -> Finding:
    """Nothing is wrong with `check`."""
    return Finding(Level.OK, check, what)


def warning(code: str, what: str, change: str) -> Finding:
    """Something that works, but not for long or not for all."""
    return Finding(Level.WARNING, code, what, change)


def problem(code: str, what: str, change: str) -> Finding:
    """Something that makes launches or grades fail."""
    return Finding(Level.PROBLEM, code, what, change)
