"""Every statement on rows of an institution names the institution: watched in each test, by the SQL that is sent.

A statement is scoped where it compares a ``tenant_id`` or the institution's key with a value. It may also say which row
it is about by a secret that only the row's owner has, or be the session's own statement on a row that it has read
before, by its number alone; that no code of ours asks for a row so is tested where the two institutions are.
What else looks at all institutions is listed here, each with its reason.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from sqlalchemy import Engine, event

from ltitools.db import Base

VALUE = r"(?:\?|%\(|:\w|\d|NULL)"
SCOPE = re.compile(rf'\b(?:tenant_id|tenant\.key)"?(?: =| IN| IS NOT DISTINCT FROM| IS) *\(*{VALUE}')
TABLES = re.compile(r'\b(?:FROM|JOIN|UPDATE|INTO) "?(\w+)"?')
BY_NUMBER = re.compile(rf'^(?:UPDATE|DELETE FROM|SELECT .* FROM) "?(\w+)"?.* WHERE "?\1"?\.id = {VALUE}\S*$')
SECRETS = re.compile(rf"\b(?:launch\.id|browser_hash|state_hash|code_hash|cookie_hash|lease)\b(?: =| IN) *\(*{VALUE}")
OF_ALL = {
    "WITH chosen AS (SELECT": "the worker leases what is due, whosever it is",
    "leased_until IS NULL OR": "the worker asks what is due, whosever it is",
    "diagnostic_attempt.submitted_at IS NULL AND diagnostic_attempt.voided_at IS NULL": "a job looks for overdue work",
    "WHERE job.failures >": "the operator's list of jobs",
    "WHERE job.plugin = ? AND job.name =": "jobs that come at an interval are nobody's",
    "WHERE job.plugin = %(plugin_1)s::VARCHAR AND job.name =": "the same on PostgreSQL",
    "tenant_key.tenant_id, tenant_key.sealed_private_pem FROM": "everything is sealed anew under a new secret key",
    "service_token.tenant_id, service_token.sealed_token FROM": "the same",
    "SELECT file.id, file.tenant_id, file.media_type FROM": "the same",
    "badges_key.tenant_id, badges_key.sealed_private FROM": "the same",
    "WHERE administrator.email =": "who signs in with an account says where only afterwards",
    "event_delivery JOIN event ON": "the worker reads the event whose delivery it has leased",
}
"""Parts of statements that look at all institutions, and why they may."""
AGES = "expires_at|created_at|keep_until|last_at|began_at"
OLD = re.compile(rf"^DELETE \S+ \S+ WHERE \S+\.(?:{AGES}) <=? {VALUE}\S*(?: WITH TIME ZONE)?$")
"""What is too old is deleted, whosever it is."""
PACKAGES = ("ltitools", "ltitools_badges", "ltitools_diagnostic")
OTHERS = ("ltitools.demo_lms", "ltitools.testing", "ltitools.migrations")

_scoped: set[str] = set()


def is_scoped(statement: str) -> bool:
    """Whether a statement stays inside one institution."""
    words = " ".join(statement.split())
    verb = words.split(" ", 1)[0].upper()
    if verb not in ("SELECT", "UPDATE", "DELETE", "WITH", "INSERT"):
        return True
    if verb == "INSERT" and " SELECT " not in words:
        return True
    of_institutions = {name for name, table in Base.metadata.tables.items() if "tenant_id" in table.columns}
    if of_institutions.isdisjoint(TABLES.findall(words)):
        return True
    if any(form.search(words) for form in (SCOPE, SECRETS, BY_NUMBER, OLD)):
        return True
    return any(part in words for part in OF_ALL)


def sender() -> str:
    """The module of ours that sends the statement, empty where a test does."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if name.startswith(OTHERS):
            return ""
        if name.partition(".")[0] in PACKAGES:
            return f"{name}:{frame.f_lineno}"
        if "site-packages" not in frame.f_code.co_filename and name not in ("scoped", "contextlib"):
            return ""
        frame = frame.f_back
    return ""


@contextmanager
def watching() -> Iterator[list[str]]:
    """The statements that are not scoped, as code of ours sends them to any database meanwhile."""
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement in _scoped:
            return
        if is_scoped(statement):
            _scoped.add(statement)
        elif by := sender():
            found.append(f"{by}: {' '.join(statement.split())}")

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)
