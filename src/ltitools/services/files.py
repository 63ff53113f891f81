"""Files that tools keep: sealed in the database, the same bytes once, never more than the settings allow."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete as delete_rows
from sqlalchemy import func, or_, select, update

from ltitools.context import current_host
from ltitools.db import new_public_id, session, upsert, utcnow
from ltitools.models import File
from ltitools.refusals import refused

SHOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""The kinds of file that have an address on our pages: pictures in which no script can run."""
_MAX_NAME = 255


@dataclass(frozen=True)
class FileRef:
    """A file by its id, which nobody can guess and which always means the same bytes."""

    id: str


@dataclass(frozen=True)
class StoredFile:
    """A file as it was put. `name` is what it was called, for people."""

    id: str
    media_type: str
    name: str
    content: bytes


def put(
    tenant_id: int, plugin: str, content: bytes, media_type: str, *, name: str = "", keep_until: datetime | None = None
) -> FileRef:
    """Keep a file of a tool, until `keep_until` or for good, in your transaction; the same bytes have one id.

    Refuses one that is larger than `limit`, and one for which the institution has no room left.
    """
    host = current_host()
    if len(content) > limit():
        raise refused("request-too-large", f"a file of {len(content)} bytes")
    digest = digest_of(tenant_id, media_type, content)
    same = select(File.id).where(File.tenant_id == tenant_id, File.plugin == plugin, File.digest == digest)
    if session.scalar(same) is None:
        taken = session.scalar(select(func.coalesce(func.sum(File.size), 0)).where(File.tenant_id == tenant_id)) or 0
        if taken + len(content) > host.settings.max_files_bytes:
            raise refused("files-full", f"{taken} bytes are taken")
        row = {"tenant_id": tenant_id, "plugin": plugin, "digest": digest, "media_type": media_type}
        row |= {"id": new_public_id(), "name": name[:_MAX_NAME], "size": len(content), "keep_until": keep_until}
        row |= {"content": host.sealer.seal_bytes(purpose_of(tenant_id), content), "created_at": utcnow()}
        session.execute(upsert(File).values(row).on_conflict_do_nothing())
    file_id = session.scalars(same).one()
    _keep_longer(tenant_id, file_id, keep_until)
    return FileRef(file_id)


def get(tenant_id: int, file_id: str) -> StoredFile | None:
    """A file of the institution; None where it has none with this id, or no longer."""
    row = session.scalar(
        select(File).where(
            File.tenant_id == tenant_id,
            File.id == file_id,
            or_(File.keep_until.is_(None), File.keep_until > utcnow()),
        )
    )
    if row is None:
        return None
    content = current_host().sealer.open_bytes(purpose_of(tenant_id), row.content)
    return StoredFile(row.id, row.media_type, row.name, content)


def known(tenant_id: int, file_ids: Collection[str]) -> set[str]:
    """Those of `file_ids` that the institution has, in one query."""
    return set(session.scalars(select(File.id).where(File.tenant_id == tenant_id, File.id.in_(file_ids))))


def delete(tenant_id: int, file_id: str) -> None:
    """Forget a file. Whoever refers to it finds nothing then."""
    session.execute(delete_rows(File).where(File.tenant_id == tenant_id, File.id == file_id))


def limit() -> int:
    """How many bytes a file may have."""
    return current_host().settings.max_file_bytes


def forget_expired() -> None:
    """Remove the files whose time is over; the worker does it every hour."""
    session.execute(delete_rows(File).where(File.keep_until <= utcnow()))


def _keep_longer(tenant_id: int, file_id: str, keep_until: datetime | None) -> None:
    """Keep a file that is there until the later of both times."""
    shorter = File.keep_until.is_not(None) if keep_until is None else File.keep_until < keep_until
    session.execute(
        update(File).where(File.tenant_id == tenant_id, File.id == file_id, shorter).values(keep_until=keep_until)
    )


def purpose_of(tenant_id: int) -> str:
    """What the files of an institution are sealed for: those of another cannot be opened in their place."""
    return f"file:{tenant_id}"


def digest_of(tenant_id: int, media_type: str, content: bytes) -> str:
    """By what the same bytes of an institution are found again; nobody else can tell from it what they are."""
    text = f"{media_type}:{hashlib.sha256(content).hexdigest()}"
    return current_host().sealer.sign(purpose_of(tenant_id), text)
