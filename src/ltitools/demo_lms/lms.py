"""What a running demo LMS knows of itself: its address, its tool, its habits, its database, its clock."""

from __future__ import annotations

import json
import secrets
import threading
import weakref
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from flask import Flask, current_app, g, url_for
from joserfc.jwk import KeySet, RSAKey
from sqlalchemy import Engine, create_engine, event, select
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import StaticPool

from ltitools.demo_lms.faults import Faults
from ltitools.demo_lms.levers import Levers
from ltitools.demo_lms.models import Activity, Base, Setting, SigningKey
from ltitools.demo_lms.personalities import STORAGE_FRAME, Personality
from ltitools.i18n import Domain

texts = Domain("demo_lms", Path(__file__).parent / "translations")
FetchKeys = Callable[[str], Mapping[str, Any]]


@dataclass(frozen=True)
class ToolRegistration:
    """The one tool of this LMS, as its administrator would have entered it.

    `launch_url` is the only redirect URI, compared exactly.
    """

    client_id: str
    deployment_id: str
    login_url: str
    launch_url: str
    jwks_url: str
    title: str
    icon_url: str | None = None

    @property
    def origin(self) -> str:
        """Where the tool's pages come from: the only origin that may be framed or heard."""
        return origin_of(self.launch_url)


def origin_of(url: str) -> str:
    """Scheme, host and port of `url`."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


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
    tool: ToolRegistration | None = None

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

    Base.metadata.create_all(engine)
    return engine


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


def register_tool(app: Flask, tool: ToolRegistration) -> None:
    """Make `tool` the one tool of the LMS. Activities follow it when its launch URL has moved."""
    with app.app_context():
        session = db()
        row = session.get(Setting, "tool") or Setting(key="tool", value={})
        known_as = row.value.get("launch_url")
        if known_as and known_as != tool.launch_url:
            for activity in session.scalars(select(Activity).where(Activity.url.startswith(known_as))):
                assert activity.url is not None
                activity.url = tool.launch_url + activity.url.removeprefix(known_as)
        row.value = asdict(tool)
        session.add(row)
        session.commit()
        lms().tool = tool


def registered_tool(session: Session) -> ToolRegistration | None:
    """The tool that was registered before a restart."""
    row = session.get(Setting, "tool")
    return ToolRegistration(**row.value) if row else None


def new_signing_key(session: Session) -> None:
    """Make a key that signs from now on."""
    key = RSAKey.generate_key(2048, {"kid": secrets.token_hex(10), "use": "sig", "alg": "RS256"})
    session.add(SigningKey(jwk=json.loads(json.dumps(key.as_dict(private=True)))))


def signing_keys(session: Session) -> KeySet:
    """All keys that are kept, the one that signs first."""
    rows = session.scalars(select(SigningKey).order_by(SigningKey.id.desc()))
    return KeySet([RSAKey.import_key(row.jwk) for row in rows])
