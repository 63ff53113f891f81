"""The database: our declarative base, column types, the session, and how transactions begin.

SQLite by default (WAL; a transaction that may write begins with ``BEGIN IMMEDIATE``, so it never fails half-way
because another writer came first), PostgreSQL in production.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, cast

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import JSON, DateTime, Dialect, Engine, FromClause, MetaData, Table, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Connection
from sqlalchemy.orm import DeclarativeBase, Session, scoped_session
from sqlalchemy.types import TypeDecorator

Json = JSON().with_variant(JSONB(), "postgresql")


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime in UTC. SQLite keeps no zone, so it is put back on reading; a naive value is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("times are stored aware and in UTC")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The base of every table, of the host and of the plugins. Constraints have names, so migrations can."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


# Rows stay as they are after a commit: reading each again would double the statements of most pages.
db = SQLAlchemy(model_class=Base, disable_autonaming=True, session_options={"expire_on_commit": False})
session = cast("scoped_session[Session]", db.session)


def utcnow() -> datetime:
    """Now, aware and in UTC."""
    return datetime.now(UTC)


def new_public_id() -> str:
    """A random identifier of 128 bits for URLs: it selects, it is no credential."""
    return secrets.token_urlsafe(16)


def dialect_name() -> str:
    """``postgresql`` or ``sqlite``: the database that is connected."""
    return session.get_bind().dialect.name


def upsert(table: type[Base] | FromClause, dialect: str = "") -> postgresql.Insert:
    """``INSERT`` of the connected database's own dialect, which has ``on_conflict_do_update``; or of `dialect`.

    SQLite's has the same methods; the type is PostgreSQL's for both.
    """
    made_by = postgresql if (dialect or dialect_name()) == "postgresql" else sqlite
    return cast(postgresql.Insert, made_by.insert(cast(Table, table)))


def announce_work() -> None:
    """Say that this transaction leaves something to deliver: the worker is woken when it is committed."""
    session.info["work"] = True


def take_announcement(finished: Session) -> bool:
    """Whether the session announced work since the last time this was asked."""
    return bool(finished.info.pop("work", False))


_read_only: ContextVar[bool] = ContextVar("ltitools_read_only", default=False)


@contextmanager
def reading() -> Iterator[None]:
    """Transactions begun inside only read. On SQLite a write in one fails at once, in tests as in production."""
    token = _read_only.set(True)
    try:
        yield
    finally:
        _read_only.reset(token)


def set_read_only(value: bool) -> None:
    """The same for the rest of this context: the web layer sets it for GET and HEAD."""
    _read_only.set(value)


def prepare_engine(engine: Engine) -> None:
    """Install what SQLite needs on an engine; PostgreSQL needs nothing."""
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        # The driver's own implicit BEGIN is always deferred; transactions are begun below instead.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "foreign_keys=ON", "busy_timeout=15000", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        only_read = _read_only.get()
        connection.exec_driver_sql(f"PRAGMA query_only={int(only_read)}")
        connection.exec_driver_sql("BEGIN" if only_read else "BEGIN IMMEDIATE")
