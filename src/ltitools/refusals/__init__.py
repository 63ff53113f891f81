"""Every reason for which a login, a launch or a page is refused: its code, its status, and what each reader is told.

A code is stable: support pages and logs name it. ``docs/refusals.md`` explains each; a test compares the lists, and
another produces every code.
"""

from __future__ import annotations

from collections.abc import Mapping

from ltitools.errors import Refused
from ltitools.i18n import host
from ltitools.refusals.kinds import AGAIN, IF_SEVERAL, ONLY_LOG, Refusal
from ltitools.refusals.of_console import OF_CONSOLE
from ltitools.refusals.of_launches import OF_LAUNCHES
from ltitools.refusals.of_pages import OF_PAGES

__all__ = ["CODES", "Refusal", "explain", "refused"]

REFUSALS: Mapping[str, Refusal] = OF_LAUNCHES | OF_PAGES | OF_CONSOLE
CODES = frozenset(REFUSALS)
_OF_A_TOOL = Refusal(400, host.lazy("This did not work"), AGAIN, IF_SEVERAL, ONLY_LOG)


def refused(code: str, detail: str = "") -> Refused:
    """The refusal with this code; `detail` names the rule and the claim for the log, never a person."""
    found = REFUSALS[code]
    return Refused(code, found.what, found.status, detail=detail)


def explain(code: str) -> Refusal:
    """What each reader is told; tools have codes of their own, for which there is the general advice."""
    return REFUSALS.get(code, _OF_A_TOOL)
