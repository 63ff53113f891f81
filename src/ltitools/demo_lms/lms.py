"""What a running demo LMS knows of itself: its address, its tool, its habits, its database, its clock."""

from __future__ import annotations

import json
import secrets
import threading
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from flask import Flask, current_app, g, url_for
from joserfc.jwk import KeySet, RSAKey
from sqlalchemy import Engine, Table, create_engine, event, inspect, select, text
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import StaticPool

from ltitools.demo_lms.addresses import domain_of
from ltitools.demo_lms.faults import Faults
from ltitools.demo_lms.levers import Levers
from ltitools.demo_lms.models import Activity, Base, Course, Deployment, LineItem, Setting, SigningKey, Tool
from ltitools.demo_lms.personalities import STORAGE_FRAME, Personality
from ltitools.i18n import Domain

texts = Domain("demo_lms", Path(__file__).parent / "translations")
FetchKeys = Callable[[str], Mapping[str, Any]]


AGS_SCOPES = (
    "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem",
    "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem.readonly",
    "https://purl.imsglobal.org/spec/lti-ags/scope/result.readonly",
    "https://purl.imsglobal.org/spec/lti-ags/scope/score",
)
NRPS_SCOPE = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"


@dataclass(frozen=True)
class ToolRegistration:
    """A tool of this LMS as its administrator would have entered it, with all rights and active at once.

    `launch_url` is the only redirect URI, compared exactly.
    """

    client_id: str
    deployment_id: str
    login_url: str
    launch_url: str
    jwks_url: str
    title: str
    icon_url: str | None = None


@dataclass(frozen=True)
class SignInClient:
    """A site whose people may sign in with this LMS: see `sign_in`."""

    client_id: str
    client_secret: str
    redirect_uris: tuple[str, ...]


@dataclass
class Lms:
    """The state of one LMS.

    One request at a time works with the database. That keeps the database in memory honest, whose one connection
    all threads share, and makes "the second score of the same second" mean the same in every run.
    """

    public_url: str
    personality: Personality
    now: Callable[[], datetime]
    fetch_keys: FetchKeys
    faults: Faults
    engine: Engine
    lock: threading.RLock
    levers: Levers = field(default_factory=Levers)
    sign_in_clients: dict[str, SignInClient] = field(default_factory=dict)

    @property
    def storage_target(self) -> str:
        """What tools are told as ``lti_storage_target``: a frame's name, ``_parent``, or nothing."""
        if self.levers.storage == "absent":
            return ""
        return self.personality.storage_target or (STORAGE_FRAME if self.levers.storage else "")

    def url(self, endpoint: str, **values: Any) -> str:
        """The public address of an endpoint. A value named ``query`` is put behind the question mark as it is."""
        query = values.pop("query", "")
        path = url_for(endpoint, **values)
        return self.public_url + path + (f"?{query}" if query else "")


def open_database(database: str) -> Engine:
    """The engine for `database`, with the tables there. In memory all threads share one connection."""
    in_memory = database in ("sqlite://", "sqlite:///:memory:")
    options: dict[str, Any] = {"connect_args": {"check_same_thread": False}}
    if in_memory:
        options["poolclass"] = StaticPool
    engine = create_engine(database, **options)

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        for pragma in ("journal_mode=WAL", "foreign_keys=ON", "busy_timeout=15000"):
            connection.execute(f"PRAGMA {pragma}")

    for table in Base.metadata.sorted_tables:
        _bring_up_to_date(engine, table)
    return engine


def _bring_up_to_date(engine: Engine, table: Table) -> None:
    """Make `table`, or add the columns that it has got since the file was written; such a column may be empty."""
    if not inspect(engine).has_table(table.name):
        table.create(engine)
        return
    there = {column["name"] for column in inspect(engine).get_columns(table.name)}
    for column in table.columns:
        if column.name not in there:
            kind = column.type.compile(engine.dialect)
            links = " ".join(f"REFERENCES {k.column.table.name} ON DELETE {k.ondelete}" for k in column.foreign_keys)
            with engine.begin() as connection:
                connection.execute(text(f"ALTER TABLE {table.name} ADD COLUMN {column.name} {kind} {links}"))


def close_with(app: Flask, engine: Engine) -> None:
    """Close the database's connections once `app` is gone."""
    weakref.finalize(app, engine.dispose)


def lms() -> Lms:
    """The LMS of the current application."""
    return cast(Lms, current_app.extensions["demo_lms"])


def db() -> Session:
    """The database session of this request; it holds the LMS's lock until the request ends."""
    if "demo_lms_session" not in g:
        lms().lock.acquire()
        g.demo_lms_session = sessionmaker(lms().engine, expire_on_commit=False)()
    return cast(Session, g.demo_lms_session)


def close_db(_error: BaseException | None = None) -> None:
    """End the session of this request, whatever became of it, and let the next one in."""
    session: Session | None = g.pop("demo_lms_session", None)
    if session is not None:
        session.close()
        lms().lock.release()


def session_secret(session: Session) -> str:
    """The secret of the session cookie: made once, kept, so that a restart signs nobody out."""
    row = session.get(Setting, "session_secret")
    if row is None:
        row = Setting(key="session_secret", value={"secret": secrets.token_urlsafe(32)})
        session.add(row)
    return str(row.value["secret"])


def place_activity(app: Flask, title: str, custom: Mapping[str, str], *, graded: bool) -> None:
    """Put an activity of the tool of whoever starts the LMS into the first course, without asking the tool."""
    with app.app_context():
        session = db()
        course = session.scalars(select(Course).order_by(Course.id)).first()
        tool = session.scalar(select(Tool).where(Tool.given))
        activity = Activity(course=course, tool=tool, title=title, custom=dict(custom))
        if graded:
            activity.line_items.append(LineItem(course=course, label=title, score_maximum=100.0, tool=tool))
        session.add(activity)
        session.commit()


def register_tool(app: Flask, registration: ToolRegistration) -> None:
    """Enter the tool of whoever starts the LMS, or change it. Activities follow it when its launch URL has moved. The
    activities and columns from before it was there become its."""
    with app.app_context():
        session = db()
        tool = session.scalar(select(Tool).where(Tool.given)) or Tool(given=True)
        known_as: str | None = tool.launch_url
        tool.state = "active"
        tool.client_id, tool.title, tool.icon_url = registration.client_id, registration.title, registration.icon_url
        tool.login_url, tool.jwks_url = registration.login_url, registration.jwks_url
        tool.launch_url = tool.deep_linking_url = registration.launch_url
        tool.redirect_uris, tool.domain = [registration.launch_url], domain_of(registration.launch_url)
        tool.scopes, tool.shares = [*AGS_SCOPES, NRPS_SCOPE], ["name", "email"]
        everywhere = [each for each in tool.deployments if each.course_id is None] or [Deployment(tool=tool)]
        everywhere[0].deployment_id = registration.deployment_id
        session.add(tool)
        for activity in session.scalars(select(Activity)):
            if known_as is None:
                activity.tool = activity.tool or tool
            elif activity.tool is tool and (activity.url or "").startswith(known_as):
                activity.url = tool.launch_url + (activity.url or "").removeprefix(known_as)
        if known_as is None:
            for item in session.scalars(select(LineItem).where(LineItem.tool_id.is_(None))):
                item.tool = tool
        session.commit()


def remembered_tool(session: Session) -> ToolRegistration | None:
    """The tool of an LMS from before there could be several; it is kept as one of them from then on."""
    row = session.get(Setting, "tool")
    if row is None:
        return None
    session.delete(row)
    return ToolRegistration(**row.value)


def new_signing_key(session: Session) -> None:
    """Make a key that signs from now on."""
    key = RSAKey.generate_key(2048, {"kid": secrets.token_hex(10), "use": "sig", "alg": "RS256"})
    session.add(SigningKey(jwk=json.loads(json.dumps(key.as_dict(private=True)))))


def signing_keys(session: Session) -> KeySet:
    """All keys that are kept, the one that signs first."""
    rows = session.scalars(select(SigningKey).order_by(SigningKey.id.desc()))
    return KeySet([RSAKey.import_key(row.jwk) for row in rows])
