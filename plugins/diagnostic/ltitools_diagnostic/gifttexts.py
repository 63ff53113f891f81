"""The texts of a GIFT file: escapes, and the formats ``[html]``, ``[markdown]``, ``[moodle]`` and ``[plain]``."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ltitools_diagnostic import richtext
from ltitools_diagnostic.fromhtml import from_html

_ESCAPED = "\\~=#{}:n"
_MASKS = {sign: chr(0xE010 + at) for at, sign in enumerate(_ESCAPED)}
_UNMASKED = {ord(mask): "\n" if sign == "n" else sign for sign, mask in _MASKS.items()}
_ESCAPE = re.compile(r"\\([\\~=#{}:n])")
_PRIVATE = re.compile("[\ue000-\ue0ff]")
_FORMAT = re.compile(r"\s*\[(html|markdown|moodle|plain)\]", re.IGNORECASE)
_LIKE_HTML = re.compile(r"</?[a-z][^<>]*>|&(#\d+|#x[0-9a-f]+|\w+);", re.IGNORECASE)


def masked(text: str) -> str:
    """`text` with a private sign for each escaped one, so that all others mean what GIFT says they mean."""
    return _ESCAPE.sub(lambda found: _MASKS[found[1]], _PRIVATE.sub("", text))


def unmasked(text: str) -> str:
    """What a person reads of a masked text."""
    return text.translate(_UNMASKED).strip()


class Texts:
    """Turns the texts of one question into wordings; `lost` are the HTML elements that did not come along."""

    def __init__(self, language: str) -> None:
        self.lost: set[str] = set()
        self._language = language
        self._format = "moodle"

    def question(self, text: str) -> Mapping[str, str]:
        """The question, whose format its answers have too unless they name their own."""
        found = _FORMAT.match(text)
        self._format = found[1].lower() if found else "moodle"
        return self.wording(text)

    def wording(self, text: str) -> Mapping[str, str]:
        """A text of the question, empty where there is none."""
        markdown = self._markdown(text).strip()
        return {self._language: markdown} if markdown else {}

    def plain(self, text: str) -> Mapping[str, str]:
        """A text that is never formatted, such as the answers of a matching question."""
        markdown = richtext.escaped(unmasked(text))
        return {self._language: markdown} if markdown else {}

    def typed(self, text: str) -> str:
        """An answer that people type."""
        return " ".join(unmasked(text).split())

    def _markdown(self, text: str) -> str:
        found = _FORMAT.match(text)
        form = found[1].lower() if found else self._format
        bare = unmasked(text[found.end() :] if found else text)
        if form == "markdown":
            return bare
        if form == "html" or (form == "moodle" and _LIKE_HTML.search(bare)):
            # Moodle's own format keeps the lines of a text that has markup in it.
            markdown, lost = from_html(bare if form == "html" else bare.replace("\n", "<br>"))
            self.lost |= set(lost)
            return markdown
        return richtext.escaped(bare)
