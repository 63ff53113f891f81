"""The launch as a tool sees it: who came, from where, to what, and what may be done."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import g, redirect, render_template, url_for
from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import aliased
from werkzeug.wrappers import Response

from ltitools.context import current_host
from ltitools.db import session, utcnow
from ltitools.http import HttpError
from ltitools.i18n import host
from ltitools.lti import deep_linking as answers
from ltitools.lti.claims import INSTRUCTORS, DeepLinkingSettings, Role
from ltitools.lti.services import ServiceRefused
from ltitools.models import Activity as ActivityRow
from ltitools.models import Course as CourseRow
from ltitools.models import Deployment, Registration
from ltitools.models import Launch as LaunchRow
from ltitools.models import Link as LinkRow
from ltitools.models import Person as PersonRow
from ltitools.models import Tenant as TenantRow
from ltitools.plugin.contract import Placed
from ltitools.refusals import refused
from ltitools.services import columns, courses, grades, launches, tenants

_ = host.gettext
Reviewed = aliased(PersonRow)
LAUNCH_ID = re.compile(r"[A-Za-z0-9_-]{16,32}")
# Made once: every page asks for it, and putting it together takes longer than the database does.
_EVERYTHING = (
    select(LaunchRow, TenantRow, Registration, PersonRow, CourseRow, LinkRow, ActivityRow, Reviewed)
    .join(TenantRow, TenantRow.id == LaunchRow.tenant_id)
    .join(Registration, Registration.id == LaunchRow.registration_id)
    .join(PersonRow, PersonRow.id == LaunchRow.person_id)
    .outerjoin(Reviewed, Reviewed.id == LaunchRow.for_person_id)
    .outerjoin(CourseRow, CourseRow.id == LaunchRow.course_id)
    .outerjoin(LinkRow, LinkRow.id == LaunchRow.link_id)
    .outerjoin(ActivityRow, ActivityRow.id == LinkRow.activity_id)
    .where(LaunchRow.id == bindparam("launch_id"))
)


@dataclass(frozen=True)
class Tenant:
    """The institution."""

    id: int
    key: str
    name: str
    locale: str


@dataclass(frozen=True)
class Person:
    """Who came. `name` and `email` are empty where the LMS keeps them back; a test person is in no statistic."""

    id: int
    name: str
    email: str
    is_test: bool


@dataclass(frozen=True)
class Course:
    """The course of the launch."""

    id: int
    title: str


@dataclass(frozen=True)
class Activity:
    """What the link opens."""

    id: int
    plugin: str
    slug: str
    title: str
    settings: Mapping[str, Any]
    owner_course_id: int | None


@dataclass(frozen=True)
class Link:
    """The activity's place in the course. `graded` says that the LMS gave it a column we may write to."""

    id: int
    title: str
    graded: bool
    activity_id: int | None = None


@dataclass(frozen=True)
class Launch:
    """One visit of a person. Results belong to `link`, and so to the course of the launch.

    `review_of` is the person whose work the LMS asks to show, where somebody came from a grade in the gradebook: an
    instructor, or a learner who looks at their own. It is None in every other launch.
    """

    id: str
    tenant: Tenant
    person: Person
    roles: frozenset[Role]
    course: Course | None
    activity: Activity | None
    link: Link | None
    custom: Mapping[str, str]
    locale: str
    placement: str
    deep_linking: DeepLinkingSettings | None
    can_grade: bool
    can_create_columns: bool
    can_read_roster: bool
    frame_origins: tuple[str, ...] = ()
    in_window: bool = False
    review_of: Person | None = None

    @property
    def is_instructor(self) -> bool:
        """Whether the person teaches, assists, designs or administers in this course."""
        return not self.roles.isdisjoint(INSTRUCTORS)

    @property
    def is_learner(self) -> bool:
        """Whether the person learns in this course (and does nothing that an instructor does)."""
        return Role.LEARNER in self.roles and not self.is_instructor

    @property
    def owns_activity(self) -> bool:
        """Whether this course may edit the activity: it owns it, or there is none yet."""
        if self.activity is None:
            return True
        return self.course is not None and self.activity.owner_course_id == self.course.id

    def require(self, *roles: Role) -> None:
        """Refuse the page, with an explanation, to a person who has none of `roles`."""
        if self.roles.isdisjoint(roles):
            raise refused("role-forbidden", f"needs one of {', '.join(roles)}")

    def grade(self, score: grades.Score) -> grades.GradeStatus:
        """Record a score for the person of this launch, in your transaction; it is delivered after the commit."""
        if self.link is None:
            return grades.NOTHING
        return grades.record(self.tenant.id, self.link.id, self.person.id, score)

    def add_column(self) -> None:
        """Give this link a gradebook column, found in the LMS or made there. Asks the LMS, and commits.

        Refuses with the LMS's words where it does not work.
        """
        self.require(*INSTRUCTORS)
        if self.link is None or not self.can_create_columns:
            raise refused("column-refused", "the launch does not allow it")
        try:
            columns.ensure(self.tenant.id, self.link.id)
        except (HttpError, ServiceRefused) as error:
            raise refused("column-refused", str(error)) from error

    def place(self, items: Sequence[Placed]) -> Response:
        """Finish choosing: answer the deep linking request, or set this link up with the first item. Commits."""
        self.require(*INSTRUCTORS)
        if self.deep_linking is not None:
            return self._answer(items)
        if self.link is None or not items:
            raise refused("activity-not-set-up")
        activity = items[0].activity
        session.execute(
            update(LinkRow)
            .where(LinkRow.tenant_id == self.tenant.id, LinkRow.id == self.link.id)
            .values(activity_id=activity.id)
        )
        session.execute(
            update(LaunchRow)
            .where(LaunchRow.tenant_id == self.tenant.id, LaunchRow.id == self.id)
            .values(plugin=activity.plugin)
        )
        session.commit()
        return redirect(url_for("tool.home", plugin=activity.plugin, launch_id=self.id), 303)

    def cancel(self) -> Response:
        """Go back to the LMS with nothing chosen. Commits."""
        self.require(*INSTRUCTORS)
        return self._answer([])

    def _answer(self, items: Sequence[Placed]) -> Response:
        """The page that takes the answer to the LMS. It works once: the launch is closed with it."""
        settings = self.deep_linking
        if settings is None:
            raise refused("activity-not-set-up")
        accepted = items if settings.accept_multiple else items[:1]
        row = session.execute(
            select(Registration, Deployment.deployment_id)
            .join(Deployment, Deployment.registration_id == Registration.id)
            .join(LaunchRow, LaunchRow.deployment_pk == Deployment.id)
            .where(LaunchRow.tenant_id == self.tenant.id, LaunchRow.id == self.id)
        ).one()
        closed = session.execute(
            update(LaunchRow)
            .where(LaunchRow.tenant_id == self.tenant.id, LaunchRow.id == self.id, LaunchRow.closed_at.is_(None))
            .values(closed_at=utcnow())
            .returning(LaunchRow.id)
        ).first()
        if closed is None:
            raise refused("selection-used")
        answer = answers.response(
            row.Registration,
            tenants.signing_key(self.tenant.id),
            row.deployment_id,
            settings,
            [self._item(placed) for placed in accepted],
            now=int(time.time()),
            message="" if accepted else _("Nothing was added."),
        )
        session.commit()
        g.form_targets = (settings.return_url,)
        page = render_template(
            "deep_linking_return.html", answer=answer, return_url=settings.return_url, items=accepted
        )
        return Response(page, mimetype="text/html")

    def _item(self, placed: Placed) -> answers.Item:
        name = courses.name_of(placed.activity)
        return answers.Item(
            title=placed.title,
            url=f"{current_host().settings.public_url}/lti/{self.tenant.key}/launch",
            text=placed.text,
            custom={"activity": name},
            target=placed.target,
            score_maximum=placed.score_maximum if placed.graded else None,
            resource_id=name,
            tag="overall",
            opens_at=placed.opens_at,
            closes_at=placed.closes_at,
            due_at=placed.due_at,
        )


def current_launch() -> Launch:
    """The launch of the page that is being served."""
    launch: Launch | None = g.get("launch")
    if launch is None:
        raise RuntimeError("this page belongs to no launch")
    return launch


@dataclass(frozen=True)
class Opened:
    """A launch with what only the host needs of it."""

    launch: Launch
    row: LaunchRow
    disabled_plugins: frozenset[str]
    may_open_console: bool


def open_launch(launch_id: str) -> Opened:
    """Read a launch by its public id, in one query. Refuses one that is unknown, over or switched off."""
    if not LAUNCH_ID.fullmatch(launch_id):
        raise refused("launch-unknown")
    found = session.execute(_EVERYTHING, {"launch_id": launch_id}).first()
    if found is None:
        raise refused("launch-unknown")
    row, tenant, registration, person, course, link, activity, reviewed = found
    if not tenant.enabled:
        raise refused("tenant-disabled")
    if not registration.enabled:
        raise refused("registration-disabled")
    if row.expires_at <= utcnow():
        raise refused("launch-expired")
    launch = Launch(
        id=row.id,
        tenant=Tenant(tenant.id, tenant.key, tenant.name, tenant.locale),
        person=_person(person),
        roles=frozenset(map(Role, row.roles)),
        course=Course(course.id, course.title) if course else None,
        activity=activity_of(activity) if activity else None,
        link=link_of(link) if link else None,
        custom=row.custom,
        locale=row.locale,
        placement=row.placement,
        deep_linking=launches.deep_linking_settings(row),
        can_grade=bool(link) and grades.takes_scores(link),
        can_create_columns=bool(link) and columns.can_create(link),
        can_read_roster=bool(row.services.get("memberships_url")),
        frame_origins=launches.platform_origins(
            registration, row.return_url, link.line_items_url if link else None, _answer_url(row)
        ),
        in_window=row.in_window,
        review_of=_person(reviewed) if reviewed else None,
    )
    may_open_console = row.is_administrator and tenant.lms_administrators
    return Opened(launch, row, frozenset(tenant.disabled_plugins), may_open_console)


def link_of(row: LinkRow) -> Link:
    """A link as tools see it."""
    return Link(row.id, row.title, grades.takes_scores(row), row.activity_id)


def _person(row: PersonRow) -> Person:
    return Person(row.id, row.name, row.email, row.is_test)


def activity_of(row: ActivityRow) -> Activity:
    """An activity as tools see it."""
    return Activity(row.id, row.plugin, row.slug, row.title, dict(row.settings), row.owner_course_id)


def _answer_url(row: LaunchRow) -> str | None:
    """Where the answer to a deep linking request goes."""
    return row.deep_linking["return_url"] if row.deep_linking else None
