"""Files of an institution, such as pictures: sealed in the database, counted, and shown by an address of a launch."""

from __future__ import annotations

from flask import url_for

from ltitools.services.files import FileRef, StoredFile, delete, get, known, limit, put

__all__ = ["FileRef", "StoredFile", "delete", "get", "known", "limit", "put", "url"]


def url(file_id: str) -> str:
    """The address of a picture for the pages of the present launch, and for no other."""
    return url_for("tool.file", file_id=file_id)
