"""For every row of D10, a fault in the tool that breaks its rule: by it, the row's test shows that it can fail.

A fault replaces one piece of a script as it is sent to the browser, or one line of a function of the server.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import test_d10_cookies
import test_d10_visits
from engines import NO_COOKIES
from flask import Flask, Response

import ltitools
from certification.faults import Fault, applied
from sites import Sites

pytestmark = pytest.mark.browser
Campus = Callable[..., Sites]
STATIC = Path(ltitools.__file__).parent / "static"
SESSIONS = "ltitools.web.sessions:set_cookie"
COOKIE = 'name, value, max_age=max_age, path="/", secure=True, httponly=True, samesite="None", partitioned=True'
PATIENCE = 5.0
"""Seconds that a test waits for what will not happen."""


@dataclass(frozen=True)
class ScriptFault:
    """In the script `file`, the piece `old` is `new` instead."""

    row: int
    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Case:
    """A fault, and what the parametrized test of its row is to be called with."""

    fault: Fault | ScriptFault
    given: dict[str, Any] = field(default_factory=dict)


ASKED = "return Boolean(storage) && (await storage.put(key, secret)) && (await storage.get(key)) === secret;"
MOODLE = {"personality": "moodle"}
CASES = (
    Case(ScriptFault(155, "platform-storage.js", "...fields }, origin);", "...fields }, location.origin);")),
    Case(Fault(156, SESSIONS, COOKIE, COOKIE.replace("partitioned=True", "partitioned=False"))),
    Case(ScriptFault(157, "login.js", "sessionStorage.setItem(key, secret);", ""), MOODLE),
    Case(Fault(158, SESSIONS, COOKIE, COOKIE.replace('"None"', '"Lax"')), MOODLE),
    Case(ScriptFault(159, "platform-storage.js", "const PATIENCE = 700;", "const PATIENCE = 7000;")),
    Case(ScriptFault(160, "login.js", ASKED, "return true;")),
    Case(ScriptFault(161, "login.js", 'allowed.includes("window") ?', "false ?")),
    Case(
        ScriptFault(162, "visit.js", 'else if (record === "push") history.pushState(null, "", url);', ""),
        {"engine": NO_COOKIES, "personality": "moodle", "layer": "name"},
    ),
    Case(
        ScriptFault(163, "visit.js", "await fetch(url, withToken({", "await fetch(`${url}?${token}`, withToken({"),
        {"engine": NO_COOKIES, "tokens": 2},
    ),
    Case(Fault(164, "ltitools.plugin.launch:open_launch", 'raise refused("launch-expired")', "pass")),
    Case(Fault(165, SESSIONS, COOKIE, COOKIE.replace('"/"', '"/tools"')), {"storage": "absent"}),
)


def rows() -> dict[int, Callable[..., None]]:
    """The first test of each row."""
    found: dict[int, Callable[..., None]] = {}
    for module in (test_d10_cookies, test_d10_visits):
        for name, function in vars(module).items():
            if numbered := re.match(r"test_d10_(\d+)_", name):
                found.setdefault(int(numbered[1]), function)
    return found


def spoiled(app: Any, fault: ScriptFault) -> Any:
    """The application, whose script has the fault in it."""
    text = (STATIC / fault.file).read_text("utf-8")
    assert text.count(fault.old) == 1, f"row {fault.row}: {fault.old!r} stands {text.count(fault.old)} times"
    script = Response(text.replace(fault.old, fault.new), mimetype="text/javascript")

    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        wanted = environ["PATH_INFO"] == f"/static/{fault.file}"
        return (script if wanted else app)(environ, start_response)

    return answer


@contextmanager
def faulty(fault: Fault | ScriptFault, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """The tool with the fault in it, whichever sites a test uses."""
    if isinstance(fault, Fault):
        with applied(fault):
            yield
        return
    whole = Flask.wsgi_app

    def wsgi_app(self: Flask, environ: dict[str, Any], start_response: Any) -> Any:
        own = partial(whole, self)
        return (spoiled(own, fault) if self.name == "ltitools" else own)(environ, start_response)

    with patch.context() as here:
        here.setattr(Flask, "wsgi_app", wsgi_app)
        yield


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.fault.row}")
def test_a_fault_in_the_tool_makes_the_test_of_its_row_fail(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, case: Case
) -> None:
    test = rows()[case.fault.row]
    names = inspect.signature(test).parameters
    values = {name: case.given[name] if name in case.given else request.getfixturevalue(name) for name in names}
    monkeypatch.setattr("sites.PATIENCE", PATIENCE)
    with faulty(case.fault, monkeypatch), pytest.raises(AssertionError):
        test(**values)


def test_every_row_has_a_test_and_a_fault() -> None:
    assert sorted(rows()) == [case.fault.row for case in CASES] == list(range(155, 166))
