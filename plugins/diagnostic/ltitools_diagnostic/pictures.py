"""Pictures in questions: uploaded in the editor, kept by the host, named in texts as ``![description](file:ID)``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from ltitools.plugin import LazyText, Refused, files
from ltitools_diagnostic import imagefiles
from ltitools_diagnostic.csvfile import Problem
from ltitools_diagnostic.importing import Imported, wordings_of
from ltitools_diagnostic.items import Item
from ltitools_diagnostic.texts import lazy
from ltitools_diagnostic.versions import KEY

MAX_SIDE = 4000
"""Pixels of a side that a page shows; more is a photograph as the camera made it, far too large for a question."""
ACCEPTED = ("image/png", "image/jpeg", "image/gif", "image/webp")
_SOURCE = re.compile(r"file:([A-Za-z0-9_-]{16,32})")
_IN_TEXT = re.compile(r"\]\(" + _SOURCE.pattern)
_SIGNS = re.compile(r"[\\`*_\[\]<>!~|]")


class NotKept(Exception):
    """The picture was not kept; `text` says why."""

    def __init__(self, text: str | LazyText) -> None:
        super().__init__(str(text))
        self.text = text


def address(source: str) -> str | None:
    """The address of a picture on the pages of the present launch; None where `source` names no file of ours."""
    found = _SOURCE.fullmatch(source)
    return files.url(found[1]) if found else None


def keep(tenant_id: int, data: bytes) -> str:
    """Keep an uploaded picture, without its metadata and its name, and return its id. Raises NotKept."""
    picture = imagefiles.read(data)
    if picture is None or not (picture.width and picture.height):
        raise NotKept(lazy("This file is no picture that browsers show. Choose a PNG, JPEG, GIF or WebP file."))
    if max(picture.width, picture.height) > MAX_SIDE:
        raise NotKept(lazy("The picture is larger than %(limit)s pixels. Make it smaller.", limit=MAX_SIDE))
    if len(picture.content) > files.limit():
        raise NotKept(lazy("The picture is larger than %(limit)s MB. Make it smaller.", limit=max_megabytes()))
    try:
        return files.put(tenant_id, KEY, picture.content, picture.media_type).id
    except Refused as refusal:
        # The question that the person is writing must not be lost for a picture.
        raise NotKept(refusal.text) from refusal


def max_megabytes() -> str:
    """How large a file may be, as people read it."""
    return f"{files.limit() / 1_000_000:g}"


def markdown(file_id: str, description: str) -> str:
    """A picture in a text."""
    escaped = _SIGNS.sub(r"\\\g<0>", " ".join(description.split()))
    return f"![{escaped}](file:{file_id})"


def used(item: Item) -> set[str]:
    """The ids of the pictures that a question shows."""
    wordings: Mapping[str, Mapping[str, str]] = wordings_of(item)
    return {found for wording in wordings.values() for text in wording.values() for found in _IN_TEXT.findall(text)}


def with_missing(tenant_id: int, imported: Imported) -> Imported:
    """What was read from a file, with a warning for each question with a picture that this institution has not."""
    wanted = {item.code: ids for item in imported.bank.items if (ids := used(item))}
    known = files.known(tenant_id, set().union(*wanted.values())) if wanted else set()
    text = lazy("A picture of this question is not at your institution; its description is shown in its place.")
    told = tuple(Problem(text, value=code) for code, ids in wanted.items() if not ids <= known)
    return replace(imported, warnings=imported.warnings + told)
