"""The formats in which questions are uploaded, and which of them a file is in."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ltitools.plugin import LazyText
from ltitools_diagnostic import gift, importing
from ltitools_diagnostic.csvfile import Findings, decode
from ltitools_diagnostic.importing import Imported
from ltitools_diagnostic.texts import lazy

CSV, GIFT = "csv", "gift"
NAMES: Mapping[str, LazyText] = {CSV: lazy("table (CSV)"), GIFT: lazy("GIFT")}
SUFFIXES = (".csv", ".txt", ".tsv", ".gift")
_GIFT = re.compile(r"^[ \t]*(\$CATEGORY:|::)|(?<!\\)\{[^{}]*(?<!\\)\}", re.MULTILINE)


def format_of(data: bytes, filename: str) -> str:
    """The format of a file: what its text looks like, and where that leaves a doubt, what its name says."""
    text = decode(data, Findings())
    first = next((line for line in (text or "").splitlines() if line.strip()), "")
    if text is None or importing.is_header(first):
        return CSV
    return GIFT if _GIFT.search(text) or filename.lower().endswith(".gift") else CSV


def read(data: bytes, filename: str, language: str = "en") -> Imported:
    """The questions of an uploaded file, whatever its format; see `importing.read` and `gift.read`."""
    return gift.read(data, language) if format_of(data, filename) == GIFT else importing.read(data, language)
