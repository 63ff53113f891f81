"""Misbehaviour on demand: what an LMS under load, in maintenance or behind a bad proxy does to a tool.

Only tests ask for it. Every service of the LMS passes through `before` and `after`, and is counted.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from flask import Response, current_app, g, request

KINDS = {
    "oauth.token": "token",
    "ags.line_items": "lineitems",
    "ags.create_line_item": "lineitems",
    "ags.line_item": "lineitems",
    "ags.change_line_item": "lineitems",
    "ags.delete_line_item": "lineitems",
    "ags.scores": "scores",
    "ags.results": "results",
    "nrps.members": "members",
    "oidc.jwks": "jwks",
    "oidc.authorize": "auth",
    "deep_linking.receive": "deep_linking",
    "registration.configuration": "configuration",
    "registration.register": "registration",
}
MAX_HANG_SECONDS = 120.0


@dataclass
class Fault:
    """How the next `times` requests of kind `on` go wrong.

    `after_storing` does the work first, `hang_seconds` waits before the answer, `redirect_to` answers a redirect,
    and `cut` breaks the connection off in the middle of the answer.
    """

    on: str
    status: int = 503
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1
    after_storing: bool = False
    hang_seconds: float = 0
    redirect_to: str | None = None
    cut: bool = False

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Fault:
        """A fault as a test writes it. ValueError names what is wrong."""
        unknown = set(value) - {each.name for each in fields(cls)}
        if unknown:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        if value.get("on") not in KINDS.values():
            raise ValueError(f"'on' is one of {', '.join(sorted(set(KINDS.values())))}")
        return cls(**value)


@dataclass(frozen=True)
class Met:
    """A fault that a request has met, and what lets go of the request when the faults are cleared."""

    fault: Fault
    released: threading.Event

    def answer(self) -> Response:
        """Wait, at most until the faults are cleared, and answer as the fault says."""
        self.released.wait(min(self.fault.hang_seconds, MAX_HANG_SECONDS))
        return _answer(self.fault)


class Faults:
    """The faults that wait for their requests, and how many requests of each kind there were."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []
        self._released = threading.Event()
        self.requests: Counter[str] = Counter()

    def add(self, *faults: Fault) -> None:
        """Let the next requests go wrong, in this order."""
        with self._lock:
            self._waiting.extend(faults)

    def clear(self) -> None:
        """Forget all faults and counts, and let go of the requests that hang."""
        with self._lock:
            self._waiting.clear()
            self.requests.clear()
            self._released.set()
            self._released = threading.Event()

    def meet(self, kind: str) -> Met | None:
        """Count a request of `kind`, and take the fault that is meant for it."""
        with self._lock:
            self.requests[kind] += 1
            for fault in self._waiting:
                if fault.on == kind and fault.times > 0:
                    fault.times -= 1
                    return Met(fault, self._released)
        return None


def before(faults: Faults) -> Response | None:
    """Count the request; answer it at once when its fault is not to do the work."""
    kind = KINDS.get(request.endpoint or "")
    met = faults.meet(kind) if kind else None
    if met is None:
        return None
    if met.fault.after_storing:
        g.fault_after_storing = met
        return None
    return met.answer()


def after(response: Response) -> Response:
    """Replace the answer to a request whose work is done. The caller has let go of the database before."""
    met: Met | None = g.pop("fault_after_storing", None)
    return met.answer() if met else response


def _answer(fault: Fault) -> Response:
    if fault.cut:
        return _cut_off()
    headers = dict(fault.headers)
    status = fault.status
    if fault.redirect_to:
        headers["Location"] = fault.redirect_to
        status = status if 300 <= status < 400 else 307
    return current_app.response_class(fault.body, status=status, headers=headers)


def _cut_off() -> Response:
    """An answer that promises more bytes than come: the server can only close the connection."""

    def too_little() -> Iterator[bytes]:
        yield b"{"

    response = current_app.response_class(too_little(), status=200, mimetype="application/json")
    response.headers["Content-Length"] = "4096"
    return response
