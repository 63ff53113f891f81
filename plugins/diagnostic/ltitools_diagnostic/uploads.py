"""Uploaded files between their report and the decision to use them."""

from __future__ import annotations

from sqlalchemy import delete, select

from ltitools.plugin import session
from ltitools_diagnostic.models import Upload


def keep(upload: Upload) -> Upload:
    """Keep `upload`, in place of an older one of the same person."""
    session.execute(delete(Upload).where(Upload.tenant_id == upload.tenant_id, Upload.person_id == upload.person_id))
    session.add(upload)
    session.flush()
    return upload


def get(tenant_id: int, person_id: int, upload_id: int) -> Upload | None:
    """The person's own upload, None when it was used or replaced."""
    return session.scalar(
        select(Upload).where(Upload.tenant_id == tenant_id, Upload.person_id == person_id, Upload.id == upload_id)
    )


def drop(upload: Upload) -> None:
    """Forget the file."""
    session.delete(upload)
    session.flush()
