"""Versions of frameworks: listing, loading, keeping what was edited or uploaded, publishing.

A version is frozen once something refers to one of its competencies: evidence, a conclusion, a column, a question of
a tool. From then on nothing in it changes, and what is edited goes into a draft that keeps the identifiers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Column, ColumnElement, FromClause, Table, delete, exists, func, or_, select

from ltitools.db import Base, session, utcnow
from ltitools.errors import Conflict, NotFound
from ltitools.i18n import host
from ltitools.models import Competency, Framework
from ltitools.services import audit
from ltitools.services.frameworks.content import KEY_FORM, Content, Item, arranged, problems
from ltitools.services.frameworks.findings import Findings, Unusable

DRAFT, PUBLISHED, REPLACED = "draft", "published", "replaced"
_, lazy = host.gettext, host.lazy


@dataclass(frozen=True)
class Listed:
    """A version of a framework, how many competencies it has, and whether it is frozen."""

    framework: Framework
    items: int
    frozen: bool


def listed(tenant_id: int, key: str | None = None) -> list[Listed]:
    """Every version of the institution's frameworks, or of one; by key, the newest first."""
    count = (
        select(func.count(Competency.id))
        .where(Competency.tenant_id == tenant_id, Competency.framework_id == Framework.id)
        .correlate(Framework)
        .scalar_subquery()
    )
    found = select(Framework, count, _used()).where(Framework.tenant_id == tenant_id)
    if key is not None:
        found = found.where(Framework.key == key)
    rows = session.execute(found.order_by(Framework.key, Framework.number.desc()))
    return [Listed(row, items, used or row.state == REPLACED) for row, items, used in rows]


def get(tenant_id: int, key: str, number: int | None = None) -> Framework:
    """A version of a framework: that with the number, else the draft, else the newest. Raises NotFound."""
    found = select(Framework).where(Framework.tenant_id == tenant_id, Framework.key == key)
    if number is not None:
        found = found.where(Framework.number == number)
    framework = session.scalar(found.order_by(Framework.number.desc()).limit(1))
    if framework is None:
        raise NotFound(f"There is no framework {key!r}" + (f" with a version {number}." if number else "."))
    return framework


def in_force(tenant_id: int, key: str) -> Framework | None:
    """The published version of a framework."""
    return session.scalar(
        select(Framework).where(Framework.tenant_id == tenant_id, Framework.key == key, Framework.state == PUBLISHED)
    )


def is_frozen(framework: Framework) -> bool:
    """Whether nothing in the version may change any more: it was replaced, or something refers to it."""
    if framework.state == REPLACED:
        return True
    return bool(
        session.scalar(select(_used()).where(Framework.tenant_id == framework.tenant_id, Framework.id == framework.id))
    )


def _used() -> ColumnElement[bool]:
    """Whether any row of any table, the host's or a tool's, refers to the version or one of its competencies."""
    return or_(*_uses_of(Framework), *_uses_of(Competency))


def _uses_of(target: type[Framework] | type[Competency]) -> list[ColumnElement[bool]]:
    own: set[FromClause] = {Framework.__table__, Competency.__table__}
    return [
        _use(table, key.parent, target)
        for table in Base.metadata.sorted_tables
        for key in table.foreign_keys
        if table not in own and key.column is target.__table__.c.id
    ]


def _use(table: Table, column: Column[int], target: type[Framework] | type[Competency]) -> ColumnElement[bool]:
    found = select(table.c.tenant_id).where(table.c.tenant_id == Framework.tenant_id)
    if target is Framework:
        found = found.where(column == Framework.id)
    else:
        below = Competency.__table__.alias()
        found = found.join(below, below.c.id == column).where(
            below.c.tenant_id == Framework.tenant_id, below.c.framework_id == Framework.id
        )
    return exists(found.correlate(Framework.__table__))


def load(framework: Framework) -> Content:
    """What the version says."""
    rows = _rows(framework)
    guids = {row.id: row.guid for row in rows}
    return Content(
        guid=framework.guid,
        titles=framework.titles,
        descriptions=framework.descriptions,
        creator=framework.creator,
        uri=framework.uri,
        case=framework.case,
        changed_at=framework.changed_at,
        items=arranged(
            Item(
                guid=row.guid,
                code=row.code,
                titles=row.titles,
                descriptions=row.descriptions,
                parent=guids[row.parent_id] if row.parent_id else None,
                uri=row.uri,
                case=row.case,
                changed_at=row.changed_at,
            )
            for row in rows
        ),
    )


def _rows(framework: Framework) -> Sequence[Competency]:
    return session.scalars(
        select(Competency)
        .where(Competency.tenant_id == framework.tenant_id, Competency.framework_id == framework.id)
        .order_by(Competency.position, Competency.id)
    ).all()


def keep(tenant_id: int, key: str, content: Content, action: str = "framework.change") -> Framework:
    """Store `content` as the framework `key`, and say in which version it is now.

    That is the draft, or the newest version as long as it is not frozen or says the same already, or else a new
    draft. Raises Unusable where the content has problems, or is another framework than the one with this key.
    """
    findings = Findings()
    problems(content, findings)
    versions = _locked(tenant_id, key)
    if versions and not findings.errors and _timeless(load(versions[0])) == _timeless(content):
        return versions[0]
    target, action = _target(tenant_id, key, content, versions, action, findings)
    origin = next((one for one in versions if one.id == target.origin_id), None)
    if origin is not None and not findings.errors:
        _check_codes(load(origin), content, findings)
    if findings.errors:
        raise Unusable(findings)
    _write(target, content)
    audit.record(action, f"framework {key}", tenant_id, version=target.number, competencies=len(content.items))
    return target


def _timeless(content: Content) -> Content:
    """The content without the times of changes."""
    items = (replace(item, changed_at=None) for item in arranged(content.items))
    return replace(content, changed_at=None, items=tuple(items))


def change(tenant_id: int, key: str, changed: Callable[[Content], Content]) -> Framework:
    """Keep what `changed` makes of the newest version, or of the draft; nobody else changes it meanwhile."""
    _locked(tenant_id, key)
    return keep(tenant_id, key, changed(load(get(tenant_id, key))))


def _target(
    tenant_id: int, key: str, content: Content, versions: Sequence[Framework], action: str, findings: Findings
) -> tuple[Framework, str]:
    """The version that takes the content, and what that is called in the audit log."""
    if not versions:
        _check_new(tenant_id, key, content, findings)
        return Framework(tenant_id=tenant_id, key=key, number=1, state=DRAFT, guid=content.guid), "framework.add"
    newest = versions[0]
    if newest.guid != content.guid:
        findings.error(lazy("This is another framework than the one with this key: its identifier differs."), key)
    return (_next(newest), "framework.version") if is_frozen(newest) else (newest, action)


def _locked(tenant_id: int, key: str) -> Sequence[Framework]:
    """The versions, the newest first; nobody else changes them until this transaction ends."""
    return session.scalars(
        select(Framework)
        .where(Framework.tenant_id == tenant_id, Framework.key == key)
        .order_by(Framework.number.desc())
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def _check_new(tenant_id: int, key: str, content: Content, findings: Findings) -> None:
    if not KEY_FORM.fullmatch(key):
        findings.error(
            lazy("A key is made of letters without accents, digits and inner dots, hyphens and underscores."), key[:128]
        )
    twin = session.scalar(
        select(Framework.key).where(Framework.tenant_id == tenant_id, Framework.guid == content.guid).limit(1)
    )
    if twin is not None:
        findings.error(lazy("The same framework is there with another key. Use that key."), twin)


def _check_codes(before: Content, after: Content, findings: Findings) -> None:
    """Tools find competencies by their codes, so one that is known by its code keeps it."""
    codes = {item.guid: item.code for item in before.items}
    guids = {item.code: item.guid for item in before.items}
    for item in after.items:
        if codes.get(item.guid, item.code) != item.code:
            findings.error(
                lazy("The code of a competency that was used stays as it is."), f"{codes[item.guid]} → {item.code}"
            )
        elif guids.get(item.code, item.guid) != item.guid:
            findings.error(lazy("A code that was used is not given to another competency."), item.code)


def _next(newest: Framework) -> Framework:
    return Framework(
        tenant_id=newest.tenant_id,
        key=newest.key,
        number=newest.number + 1,
        state=DRAFT,
        guid=newest.guid,
        origin_id=newest.id,
    )


def _write(framework: Framework, content: Content) -> None:
    """Make the version say `content`. Rows are told apart by guid, so a competency that stays keeps its number."""
    now = utcnow()
    framework.titles, framework.descriptions = dict(content.titles), dict(content.descriptions)
    framework.creator, framework.uri, framework.case = content.creator, content.uri, dict(content.case)
    framework.changed_at = content.changed_at or now
    session.add(framework)
    session.flush()
    items = arranged(content.items)
    rows = {row.guid: row for row in _rows(framework)}
    _make_room(rows, {item.guid: item for item in items})
    for position, item in enumerate(items):
        row = rows.get(item.guid)
        if row is None:
            row = rows[item.guid] = Competency(tenant_id=framework.tenant_id, framework_id=framework.id, guid=item.guid)
            session.add(row)
        row.code, row.uri, row.position = item.code, item.uri, position
        row.titles, row.descriptions, row.case = dict(item.titles), dict(item.descriptions), dict(item.case)
        row.changed_at = item.changed_at or now
    session.flush()
    for item in items:
        rows[item.guid].parent_id = rows[item.parent].id if item.parent else None
    session.flush()


def _make_room(rows: dict[str, Competency], items: Mapping[str, Item]) -> None:
    """Delete the rows that are in `items` no more; two that stay may take each other's code or place afterwards."""
    guids = {row.id: guid for guid, row in rows.items()}
    for guid, row in rows.items():
        item = items.get(guid)
        if item is None or item.code != row.code:
            row.code = f"\n{guid}"
        if item is None or (row.parent_id and guids[row.parent_id] != item.parent):
            row.parent_id = None
    session.flush()
    for guid in set(rows) - set(items):
        session.delete(rows.pop(guid))
    session.flush()


def publish(tenant_id: int, key: str) -> Framework:
    """Put the draft in force, in place of the version that is. Raises NotFound where there is no draft."""
    versions = _locked(tenant_id, key)
    draft = next((one for one in versions if one.state == DRAFT), None)
    if draft is None:
        raise NotFound(f"The framework {key!r} has no draft.")
    for one in versions:
        if one.state == PUBLISHED:
            one.state = REPLACED
    session.flush()
    draft.state, draft.published_at = PUBLISHED, utcnow()
    audit.record("framework.publish", f"framework {key}", tenant_id, version=draft.number)
    session.flush()
    return draft


def drop_draft(tenant_id: int, key: str) -> int:
    """Delete the draft, and say its number. Raises NotFound where there is none, Conflict where it is in use."""
    draft = next((one for one in _locked(tenant_id, key) if one.state == DRAFT), None)
    if draft is None:
        raise NotFound(f"The framework {key!r} has no draft.")
    if is_frozen(draft):
        raise Conflict(_("The draft of the framework “%(key)s” is in use.", key=key))
    session.execute(delete(Competency).where(Competency.tenant_id == tenant_id, Competency.framework_id == draft.id))
    number = draft.number
    session.delete(draft)
    audit.record("framework.remove", f"framework {key}", tenant_id, version=number)
    session.flush()
    return number
