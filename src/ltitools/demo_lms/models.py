"""What the demo LMS keeps: people, courses, activities, the gradebook, and the short-lived marks of the protocol.

Its own tables in its own database. Nothing here is shared with the tool: an LMS and a tool only know what they
tell each other.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, DateTime, Dialect, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator

from ltitools.demo_lms.addresses import origin_of


class AwareDateTime(TypeDecorator[datetime]):
    """A time in UTC. SQLite forgets the zone, so it is put back on reading."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """The base of the LMS's own tables."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: AwareDateTime,
        dict[str, Any]: JSON,
        dict[str, str]: JSON,
        list[str]: JSON,
    }


class Setting(Base):
    """One value that outlives a restart: the secret of the session cookie."""

    __tablename__ = "setting"
    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[dict[str, Any]]


class SigningKey(Base):
    """A key that id_tokens are signed with. The newest signs; all that are kept are published."""

    __tablename__ = "signing_key"
    id: Mapped[int] = mapped_column(primary_key=True)
    jwk: Mapped[dict[str, Any]]


class Tool(Base):
    """A tool that this LMS knows. Only an active one is launched, heard and framed.

    `given` is the one that whoever starts the LMS has entered. The others have registered themselves: `asked` is
    their request as it came, `update` one that waits for the administrator, `registration_url` where it began and
    `registered_with` the name in the token that it came with. What they were granted is in `scopes`, `shares` (of
    name and email), and `placements`: per place the message, its address and its label, Canvas's way. Without
    `deep_linking_url` the tool does not offer to choose from its content.
    """

    __tablename__ = "tool"
    # Moodle's deployments are known by this number.
    __table_args__ = ({"sqlite_autoincrement": True},)
    id: Mapped[int] = mapped_column(primary_key=True)
    client_id: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    login_url: Mapped[str]
    launch_url: Mapped[str]
    jwks_url: Mapped[str]
    icon_url: Mapped[str | None]
    redirect_uris: Mapped[list[str]]
    deep_linking_url: Mapped[str | None]
    state: Mapped[str]
    given: Mapped[bool] = mapped_column(default=False)
    domain: Mapped[str] = mapped_column(default="")
    scopes: Mapped[list[str]]
    shares: Mapped[list[str]]
    placements: Mapped[dict[str, Any]] = mapped_column(default=dict)
    custom: Mapped[dict[str, str]] = mapped_column(default=dict)
    asked: Mapped[dict[str, Any]] = mapped_column(default=dict)
    update: Mapped[dict[str, Any] | None]
    registration_url: Mapped[str | None]
    registered_with: Mapped[str | None] = mapped_column(unique=True)
    deployments: Mapped[list[Deployment]] = relationship(
        back_populates="tool", order_by="Deployment.id", passive_deletes="all"
    )

    @property
    def origin(self) -> str:
        """Where the tool's pages come from: the only origin that may be framed or heard."""
        return origin_of(self.launch_url)

    def deployment_in(self, course: Course) -> str:
        """The deployment id that the tool is told in `course`: the course's own, or the one for all."""
        found = {each.course_id: each.deployment_id for each in self.deployments}
        return found.get(course.id) or found.get(None) or ""


class Deployment(Base):
    """A tool, made available to all courses or to one."""

    __tablename__ = "deployment"
    __table_args__ = (UniqueConstraint("tool_id", "deployment_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    tool_id: Mapped[int] = mapped_column(ForeignKey("tool.id", ondelete="CASCADE"))
    course_id: Mapped[int | None] = mapped_column(ForeignKey("course.id", ondelete="CASCADE"))
    deployment_id: Mapped[str]
    tool: Mapped[Tool] = relationship(back_populates="deployments")
    course: Mapped[Course | None] = relationship()


class RegistrationStart(Base):
    """Where a registration began: what its token is called, and the address that the administrator entered."""

    __tablename__ = "registration_start"
    name: Mapped[str] = mapped_column(primary_key=True)
    url: Mapped[str]
    started_at: Mapped[datetime]


class Person(Base):
    """Somebody who can sign in. `kind` is teacher, learner, test or admin; `subject` is what tools see as ``sub``."""

    __tablename__ = "person"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    given_name: Mapped[str]
    family_name: Mapped[str]
    email: Mapped[str]
    locale: Mapped[str]
    kind: Mapped[str]
    subject: Mapped[str] = mapped_column(unique=True)

    @property
    def name(self) -> str:
        """The full name, given name first."""
        return f"{self.given_name} {self.family_name}"

    @property
    def initials(self) -> str:
        """Two letters for the round sign beside a name."""
        return self.given_name[:1] + self.family_name[:1]


class Course(Base):
    """A course: an LTI context. `context_id` is what tools see."""

    __tablename__ = "course"
    id: Mapped[int] = mapped_column(primary_key=True)
    context_id: Mapped[str] = mapped_column(unique=True, default=lambda: secrets.token_hex(20))
    label: Mapped[str]
    title: Mapped[str]
    title_fr: Mapped[str | None]
    copied_from_id: Mapped[int | None] = mapped_column(ForeignKey("course.id"))
    copied_from: Mapped[Course | None] = relationship(remote_side=[id])
    enrolments: Mapped[list[Enrolment]] = relationship(
        back_populates="course", order_by="Enrolment.person_id", passive_deletes="all"
    )
    activities: Mapped[list[Activity]] = relationship(
        back_populates="course", order_by="Activity.id", passive_deletes="all"
    )
    line_items: Mapped[list[LineItem]] = relationship(
        back_populates="course", order_by="LineItem.id", passive_deletes="all"
    )

    def title_in(self, locale: str) -> str:
        """The title for a reader of `locale`. Tools are always told the one title, as any LMS does."""
        return self.title_fr if locale == "fr" and self.title_fr else self.title


class Enrolment(Base):
    """A person in a course, as teacher or learner."""

    __tablename__ = "enrolment"
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[str]
    course: Mapped[Course] = relationship(back_populates="enrolments")
    person: Mapped[Person] = relationship()


class Activity(Base):
    """A resource link: something of a tool, placed in a course. Without `url` it opens the tool's launch URL."""

    __tablename__ = "activity"
    # As with columns: Moodle's links are known by this number, so none is used twice.
    __table_args__ = ({"sqlite_autoincrement": True},)
    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id", ondelete="CASCADE"))
    tool_id: Mapped[int | None] = mapped_column(ForeignKey("tool.id", ondelete="SET NULL"))
    resource_link_id: Mapped[str] = mapped_column(unique=True, default=lambda: secrets.token_hex(20))
    title: Mapped[str]
    text: Mapped[str] = mapped_column(default="")
    url: Mapped[str | None]
    custom: Mapped[dict[str, str]] = mapped_column(default=dict)
    target: Mapped[str] = mapped_column(default="iframe")
    icon_url: Mapped[str | None]
    opens_at: Mapped[datetime | None]
    closes_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    copied_from_id: Mapped[int | None] = mapped_column(ForeignKey("activity.id", ondelete="SET NULL"))
    course: Mapped[Course] = relationship(back_populates="activities")
    tool: Mapped[Tool | None] = relationship()
    copied_from: Mapped[Activity | None] = relationship(remote_side=[id])
    line_items: Mapped[list[LineItem]] = relationship(
        back_populates="activity", order_by="LineItem.id", passive_deletes="all"
    )

    @property
    def line_item(self) -> LineItem | None:
        """Its column, where it has exactly one: only then a launch names one."""
        return self.line_items[0] if len(self.line_items) == 1 else None


class LineItem(Base):
    """A column of the gradebook. One without an activity was made by `tool` for itself."""

    __tablename__ = "line_item"
    # The number of a deleted column is never given to another: its address would lead there.
    __table_args__ = ({"sqlite_autoincrement": True},)
    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id", ondelete="CASCADE"))
    activity_id: Mapped[int | None] = mapped_column(ForeignKey("activity.id", ondelete="CASCADE"))
    tool_id: Mapped[int | None] = mapped_column(ForeignKey("tool.id", ondelete="SET NULL"))
    label: Mapped[str]
    score_maximum: Mapped[float]
    tag: Mapped[str] = mapped_column(default="")
    resource_id: Mapped[str] = mapped_column(default="")
    course: Mapped[Course] = relationship(back_populates="line_items")
    activity: Mapped[Activity | None] = relationship(back_populates="line_items")
    tool: Mapped[Tool | None] = relationship()
    grades: Mapped[list[Grade]] = relationship(back_populates="line_item", passive_deletes="all")


class Grade(Base):
    """A cell of the gradebook. `overridden`: a teacher has typed the score, and tools no longer change it."""

    __tablename__ = "grade"
    line_item_id: Mapped[int] = mapped_column(ForeignKey("line_item.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), primary_key=True)
    score: Mapped[float | None]
    comments: Mapped[list[str]] = mapped_column(default=list)
    updated_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    overridden: Mapped[bool] = mapped_column(default=False)
    line_item: Mapped[LineItem] = relationship(back_populates="grades")
    person: Mapped[Person] = relationship()


class ScorePost(Base):
    """One score that the tool has sent, taken or refused, in the tool's own words."""

    __tablename__ = "score_post"
    id: Mapped[int] = mapped_column(primary_key=True)
    line_item_id: Mapped[int] = mapped_column(ForeignKey("line_item.id", ondelete="CASCADE"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    received_at: Mapped[datetime]
    body: Mapped[dict[str, Any]]
    status: Mapped[int]
    outcome: Mapped[str]


class Launch(Base):
    """A launch that was begun: what ``lti_message_hint`` stands for until the tool asks for the id_token.

    It belongs to the browser session it was begun in. `answer_key` binds a deep linking response to its request.
    `tampering` is how a test wants the token spoiled, and empty outside tests.
    """

    __tablename__ = "launch"
    id: Mapped[int] = mapped_column(primary_key=True)
    hint: Mapped[str] = mapped_column(String(2000), unique=True)
    session_key: Mapped[str]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id", ondelete="CASCADE"))
    activity_id: Mapped[int | None] = mapped_column(ForeignKey("activity.id", ondelete="CASCADE"))
    tool_id: Mapped[int | None] = mapped_column(ForeignKey("tool.id", ondelete="CASCADE"))
    target: Mapped[str]
    locale: Mapped[str]
    answer_key: Mapped[str | None] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    tampering: Mapped[dict[str, Any]] = mapped_column(default=dict)
    person: Mapped[Person] = relationship()
    course: Mapped[Course] = relationship()
    activity: Mapped[Activity | None] = relationship()
    tool: Mapped[Tool | None] = relationship()


class UsedOnce(Base):
    """A ``jti`` or a nonce that has been seen. The unique pair is what makes the second use fail."""

    __tablename__ = "used_once"
    __table_args__ = (UniqueConstraint("kind", "value"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    value: Mapped[str]
    seen_at: Mapped[datetime]


class AccessToken(Base):
    """A token of the services, as a hash: what `tool` may do, or what a console may learn of `person`."""

    __tablename__ = "access_token"
    digest: Mapped[str] = mapped_column(primary_key=True)
    tool_id: Mapped[int | None] = mapped_column(ForeignKey("tool.id", ondelete="CASCADE"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    scope: Mapped[str]
    expires_at: Mapped[datetime]
    tool: Mapped[Tool | None] = relationship()
    person: Mapped[Person | None] = relationship()


class SignInCode(Base):
    """An authorization code of the sign-in service, as a hash, with the request that it answers."""

    __tablename__ = "sign_in_code"
    digest: Mapped[str] = mapped_column(primary_key=True)
    client_id: Mapped[str]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    redirect_uri: Mapped[str]
    scope: Mapped[str]
    nonce: Mapped[str]
    challenge: Mapped[str]
    issued_at: Mapped[datetime]
    person: Mapped[Person] = relationship()
