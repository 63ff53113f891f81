"""Giving and revoking badges with a file: first what would happen, then, if somebody says so, it happens."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ltitools.plugin import Conflict, LazyText, Tenant, roster, session
from ltitools_badges import achievements, awarding
from ltitools_badges.awarding import Gift
from ltitools_badges.models import Achievement
from ltitools_badges.texts import _, lazy

MAX_ROWS = 2000
MAX_BYTES = 500_000
GIVE, REVOKE = "give", "revoke"
TOO_LARGE = lazy("The file is too large: at most %(n)s lines can be carried out at once.", n=MAX_ROWS)
COLUMNS = {"email": ("email", "e-mail", "courriel"), "name": ("name", "nom"), "reason": ("reason", "motif", "raison")}


@dataclass(frozen=True)
class Line:
    """A line of the file: whom it names, and what would come of it. `problem` is None where it can be done."""

    number: int
    who: str
    reason: str
    person_id: int | None
    problem: LazyText | str | None


@dataclass(frozen=True)
class Report:
    """What a file says, or `problem` where it cannot be read at all."""

    lines: tuple[Line, ...] = ()
    problem: LazyText | None = None

    @property
    def good(self) -> Sequence[Line]:
        """The lines that can be carried out."""
        return [line for line in self.lines if line.problem is None]

    @property
    def bad(self) -> Sequence[Line]:
        """The lines that cannot."""
        return [line for line in self.lines if line.problem is not None]


def text_of(data: bytes) -> str:
    """The text of a file that a spreadsheet wrote."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def read(tenant: Tenant, achievement: Achievement, course_id: int, action: str, text: str) -> Report:
    """What the file would do. Each line names somebody of the course by e-mail address or by name, and a reason."""
    if len(text) > MAX_BYTES:
        return Report(
            problem=lazy("The file is too large: at most %(n)s lines can be carried out at once.", n=MAX_ROWS)
        )
    rows = _rows(text)
    if not rows:
        return Report(problem=lazy("The file has no lines below its header."))
    if not {"email", "name"} & set(rows[0]):
        return Report(problem=lazy("The first line has to name the columns: email or name, and reason."))
    if len(rows) > MAX_ROWS:
        return Report(
            problem=lazy("The file is too large: at most %(n)s lines can be carried out at once.", n=MAX_ROWS)
        )
    people = _People.of(tenant.id, course_id)
    held = awarding.in_course(tenant.id, achievement.id, course_id)
    lines: list[Line] = []
    named: set[int] = set()
    for number, row in enumerate(rows, 2):
        person_id, problem = people.find(row)
        if person_id is not None and problem is None:
            badge = held.get(person_id)
            has = badge is not None and badge.revoked_at is None
            problem = _refusal(action, has, row, person_id in named, person_id in people.test)
            named.add(person_id)
        who = row.get("email") or row.get("name") or ""
        lines.append(Line(number, who, row.get("reason", ""), person_id, problem))
    return Report(tuple(lines))


def carry_out(
    tenant: Tenant, achievement: Achievement, course_id: int, action: str, report: Report, by_person: int | None
) -> int:
    """Do what the report says can be done, in the caller's transaction; returns how many."""
    held = awarding.in_course(tenant.id, achievement.id, course_id)
    reasons = {line.person_id: line.reason for line in report.good if line.person_id is not None}
    if action == REVOKE:
        awarding.revoke_all(tenant.id, [(held[who], reason) for who, reason in reasons.items()], by_person)
        return len(reasons)
    version = achievements.latest(tenant.id, achievement.id)
    if version is None:
        raise Conflict(_("This micro-credential is not published yet."))
    new = [who for who in reasons if who not in held]
    gifts = [Gift(who, by_person=by_person, reason=reasons[who], by_hand=True) for who in new]
    awarding.look_at_stacks(tenant.id, awarding.give(tenant, version, course_id, gifts))
    for who, reason in reasons.items():
        if who in held:
            awarding.give_by_hand(tenant, achievement, course_id, who, by_person=by_person, reason=reason)
    session.flush()
    return len(reasons)


@dataclass(frozen=True)
class _People:
    """The people of a course, by what a file may call them."""

    by_email: Mapping[str, list[int]]
    by_name: Mapping[str, list[int]]
    test: frozenset[int]

    @classmethod
    def of(cls, tenant_id: int, course_id: int) -> _People:
        by_email: dict[str, list[int]] = {}
        by_name: dict[str, list[int]] = {}
        members = roster.members(tenant_id, course_id)
        for member in members:
            by_email.setdefault(member.person.email.casefold(), []).append(member.person.id)
            by_name.setdefault(_name(member.person.name), []).append(member.person.id)
        return cls(by_email, by_name, frozenset(one.person.id for one in members if one.person.is_test))

    def find(self, row: Mapping[str, str]) -> tuple[int | None, LazyText | None]:
        """Who is meant; None and why where that is nobody, or more than one."""
        email, name = row.get("email", "").casefold(), _name(row.get("name", ""))
        found = self.by_email.get(email, []) if email else self.by_name.get(name, []) if name else []
        if len(found) == 1:
            return found[0], None
        if not found:
            return None, lazy("Nobody of this course is called so.")
        return None, lazy("Several people of this course are called so: use the e-mail address.")


def _refusal(action: str, has: bool, row: Mapping[str, str], twice: bool, is_test: bool) -> LazyText | None:
    if twice:
        return lazy("The file names this person twice.")
    if not row.get("reason", "").strip():
        return lazy("The reason is missing.")
    if action == REVOKE:
        return None if has else lazy("This person has no badge to revoke.")
    if is_test:
        return lazy("A test student cannot have a badge.")
    return lazy("This person has the badge already.") if has else None


def _rows(text: str) -> list[dict[str, str]]:
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    try:
        lines = [line for line in reader if any(cell.strip() for cell in line)]
    except csv.Error:
        return []
    if not lines:
        return []
    known = {alias: column for column, aliases in COLUMNS.items() for alias in aliases}
    header = [known.get(cell.strip().casefold(), cell.strip().casefold()) for cell in lines[0]]
    return [dict(zip(header, (cell.strip() for cell in line), strict=False)) for line in lines[1:]]


def _name(name: str) -> str:
    return " ".join(name.casefold().split())
