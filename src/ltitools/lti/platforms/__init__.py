"""What platforms do differently. One class each; nothing else in the project asks which LMS it is."""

from __future__ import annotations

from ltitools.lti.platforms.base import Dialect, Outcome, Score, Verdict, words
from ltitools.lti.platforms.canvas import Canvas
from ltitools.lti.platforms.moodle import Moodle
from ltitools.lti.platforms.offer import Offer, ToolSite

_DIALECTS: dict[str, Dialect] = {"generic": Dialect(), "canvas": Canvas(), "moodle": Moodle()}
FAMILIES = tuple(_DIALECTS)


def dialect_of(family: str) -> Dialect:
    """The dialect of a platform family: ``canvas``, ``moodle`` or anything else."""
    return _DIALECTS.get(family, _DIALECTS["generic"])


__all__ = ["FAMILIES", "Dialect", "Offer", "Outcome", "Score", "ToolSite", "Verdict", "dialect_of", "words"]
