"""What stands around the questions of an activity: modules that teach, and job roles that need, its competencies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, or_, select

from ltitools.plugin import Activity, session
from ltitools_diagnostic.items import Wording
from ltitools_diagnostic.models import JobRole
from ltitools_diagnostic.models import Module as ModuleRow
from ltitools_diagnostic.planning import Module


@dataclass(frozen=True)
class Task:
    """Something that a job role has to do, and the codes of the competencies that it takes."""

    titles: Wording
    competencies: tuple[str, ...]


@dataclass(frozen=True)
class Role:
    """A job role: a learner who chooses it is asked about the competencies of its tasks."""

    code: str
    titles: Wording
    tasks: tuple[Task, ...]

    @property
    def scope(self) -> frozenset[str]:
        """The codes of all competencies that the role needs."""
        return frozenset(code for task in self.tasks for code in task.competencies)


def roles_of(tenant_id: int, activity_id: int) -> list[Role]:
    """The job roles of an activity, in their order."""
    rows = session.scalars(
        select(JobRole)
        .where(JobRole.tenant_id == tenant_id, JobRole.activity_id == activity_id)
        .order_by(JobRole.position)
    )
    return [
        Role(row.code, row.titles, tuple(Task(task["titles"], tuple(task["competencies"])) for task in row.tasks))
        for row in rows
    ]


def save_roles(tenant_id: int, activity_id: int, roles: Sequence[Role]) -> None:
    """Put `roles` in the place of those that are there. Sittings keep the code of the role they were begun with."""
    session.execute(delete(JobRole).where(JobRole.tenant_id == tenant_id, JobRole.activity_id == activity_id))
    session.add_all(
        JobRole(
            tenant_id=tenant_id,
            activity_id=activity_id,
            position=position,
            code=role.code,
            titles=dict(role.titles),
            tasks=[{"titles": dict(task.titles), "competencies": list(task.competencies)} for task in role.tasks],
        )
        for position, role in enumerate(roles)
    )
    session.flush()


def modules_of(tenant_id: int, activity: Activity, course_id: int | None) -> tuple[list[Module], bool]:
    """The modules of the course, and whether they are its own.

    A course without any uses those of the course that owns the activity, or those that the institution gave.
    """
    rows = session.scalars(
        select(ModuleRow)
        .where(
            ModuleRow.tenant_id == tenant_id,
            ModuleRow.activity_id == activity.id,
            or_(
                ModuleRow.course_id.is_(None),
                ModuleRow.course_id == course_id,
                ModuleRow.course_id == activity.owner_course_id,
            ),
        )
        .order_by(ModuleRow.position)
    ).all()
    for owner in (course_id, activity.owner_course_id, None):
        own = [_module(row) for row in rows if row.course_id == owner]
        if own:
            return own, owner == course_id
    return [], True


def has_modules(tenant_id: int, activity_id: int) -> bool:
    """Whether the institution has given the activity modules, for courses without any of their own."""
    row = select(ModuleRow.id).where(
        ModuleRow.tenant_id == tenant_id, ModuleRow.activity_id == activity_id, ModuleRow.course_id.is_(None)
    )
    return session.scalar(row.limit(1)) is not None


def save_modules(tenant_id: int, activity_id: int, course_id: int | None, modules: Sequence[Module]) -> None:
    """Put `modules` in the place of those that the course has."""
    of_course = ModuleRow.course_id.is_(None) if course_id is None else ModuleRow.course_id == course_id
    session.execute(
        delete(ModuleRow).where(ModuleRow.tenant_id == tenant_id, ModuleRow.activity_id == activity_id, of_course)
    )
    session.add_all(
        ModuleRow(
            tenant_id=tenant_id,
            activity_id=activity_id,
            course_id=course_id,
            position=position,
            code=module.code,
            titles=dict(module.titles),
            hours=module.hours,
            url=module.url,
            prerequisites=list(module.prerequisites),
            competencies=list(module.competencies),
        )
        for position, module in enumerate(modules)
    )
    session.flush()


def _module(row: ModuleRow) -> Module:
    return Module(row.code, row.titles, row.hours, row.url, tuple(row.prerequisites), tuple(row.competencies))
