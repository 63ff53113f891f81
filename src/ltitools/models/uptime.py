"""When the server answered and when it did not, so that nobody pays with their time for what it missed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from ltitools.db import Base, UtcDateTime


class Heartbeat(Base):
    """The last sign of life of any server process: one row."""

    __tablename__ = "heartbeat"

    id: Mapped[int] = mapped_column(primary_key=True)
    beaten_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Outage(Base):
    """A time in which no server process gave a sign of life."""

    __tablename__ = "outage"

    id: Mapped[int] = mapped_column(primary_key=True)
    began_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
