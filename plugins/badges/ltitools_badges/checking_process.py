"""Checking badges of strangers, in a process that is ended when one takes too long."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from ltitools_badges.core import baking, checking, instants, jose, reading

log = logging.getLogger(__name__)

WALL_SECONDS = 5

# The package itself is not imported by the process: it brings the whole host along, of which the check has no use.
_PROGRAM = """
import sys, types
package = types.ModuleType("ltitools_badges")
package.__path__ = [sys.argv[1]]
sys.modules["ltitools_badges"] = package
from ltitools_badges.core import judge
judge.main()
"""


def check_apart(
    raw: bytes, fetch: Callable[[str], bytes | None], *, recipient: str = "", now: datetime | None = None
) -> checking.Report:
    """The report on a file that anybody may have handed in: PNG, SVG, JSON or a token.

    `fetch` answers with what is at an address, or None; it guards against addresses that strangers must not reach. What
    takes more than two seconds of computing or too much memory is reported as `too-complex`.
    """
    try:
        text = baking.unbake(raw)
    except baking.NotBaked:
        return checking.unjudged("unreadable")
    fetched = {address: _read(fetch(address)) for address in checking.needs(text)}
    at = now or datetime.now(UTC)
    question = {"given": text, "fetched": fetched, "now": instants.text(at), "recipient": recipient}
    try:
        answer = subprocess.run(  # noqa: S603 - the interpreter that runs this, and a program that is written above
            [sys.executable, "-I", "-c", _PROGRAM, str(Path(__file__).parent)],
            input=json.dumps(question).encode("ascii"),
            capture_output=True,
            timeout=WALL_SECONDS,
            env={},
            check=False,
        )
    except subprocess.TimeoutExpired:
        return checking.unjudged("too-complex")
    if answer.returncode < 0 or b"MemoryError" in answer.stderr[-200:]:
        return checking.unjudged("too-complex")
    if answer.returncode:
        log.warning("A badge could not be judged: %s", answer.stderr[-2000:].decode("utf-8", "replace"))
        return checking.unjudged("unreadable")
    return checking.Report.from_json(json.loads(answer.stdout))


def _read(found: bytes | None) -> object:
    """What was fetched, as a document or the text of a token; None where it is neither."""
    if found is None or len(found) > reading.MAX_BYTES:
        return None
    try:
        text = found.decode("utf-8-sig").strip()
        return text if jose.is_token(text) else reading.json_object(text)
    except (UnicodeDecodeError, reading.Unreadable, reading.TooComplex):
        return None
