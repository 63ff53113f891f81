"""A crowd of learners at a server as it is run in production (gunicorn): everybody at once, from launch to results.

``python tests/scale/crowd.py [learners]`` prints how long each kind of request took; ``make bench`` calls it.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import click
import requests
from flask import Flask

sys.path.insert(0, str(Path(__file__).parent.parent))

from ltitools.demo_lms.loopback import new_session
from ltitools.lti import claims as names
from ltitools.testing import Platform, ags_claim, authorization_url, close_app, databases, make_app, writing
from sites import ToolBrowser, free_port, until

TENANT = "crowd"
SECRET = "only for benchmarks, and long enough to be accepted"
CONTENT = Path(__file__).parents[2] / "config" / "demo" / "ai-awareness-taster.csv"
ACTIVITY = "diagnostic:taster"


@dataclass
class Crowd:
    """What the learners met: seconds by kind of request, and everything that went wrong."""

    times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, kind: str, seconds: float, problem: str) -> None:
        """One request is answered."""
        with self._lock:
            self.times[kind].append(seconds)
            if problem:
                self.errors.append(f"{kind}: {problem}")

    @property
    def requests(self) -> int:
        """How many requests were answered."""
        return sum(map(len, self.times.values()))


class Learner:
    """One learner with a browser of their own."""

    def __init__(self, crowd: Crowd, platform: Platform, tool_url: str, number: int) -> None:
        self._crowd, self._platform, self._number = crowd, platform, number
        self._browser = ToolBrowser(tool_url)
        self._tool_url = tool_url
        self._proof = ""

    def attend(self, ready: threading.Barrier) -> None:
        """Launch when all are there, answer every question, submit, and read the results."""
        try:
            ready.wait()
            self._launch()
            self._read("start page", "")
            where = self._send("start", "start")
            while "/q/" in where:
                number = where.rpartition("/")[2]
                page = self._read("question", where).text
                typed = re.search(rf'<input type="text" id="answer-{number}"', page)
                where = self._send("answer", where, **{f"answer-{number}": "7" if typed else "0"})
            self._read("overview", where)
            self._send("submit", "submit")
            assert "Overall score" in self._read("results", "").text
        except Exception as error:
            self._crowd.note("visit", 0.0, f"learner {self._number}: {type(error).__name__}: {error}")
        finally:
            self._browser.http.close()

    def _launch(self) -> None:
        base = f"{self._tool_url}/lti/{TENANT}"
        target = {"target_link_uri": f"{base}/launch"}
        begun = time.monotonic()
        login = self._browser.send("POST", f"{base}/login", self._platform.login_parameters(**target))
        where = authorization_url(login.headers.get("Location", ""), login.text)
        asked = {key: value[0] for key, value in parse_qs(urlsplit(where).query).items()}
        claims = self._platform.claims(
            sub=f"learner-{self._number}",
            name=f"Learner {self._number}",
            nonce=asked["nonce"],
            custom={"activity": ACTIVITY},
            endpoint=ags_claim("http://localhost:9/items/1", "http://localhost:9/items"),
        )
        claims[names.TARGET_LINK_URI] = target["target_link_uri"]
        form = {"id_token": self._platform.sign(claims), "state": asked["state"]}
        arrived = self._browser.send("POST", f"{base}/launch", form)
        self._note("launch", begun, arrived, 303)
        self._browser.home = arrived.headers["Location"]

    def _read(self, kind: str, path: str) -> requests.Response:
        begun = time.monotonic()
        answer = self._browser.get(path)
        self._note(kind, begun, answer, 200)
        proof = re.search(r'name="_form" value="([^"]+)"', answer.text)
        self._proof = proof[1] if proof else self._proof
        return answer

    def _send(self, kind: str, path: str, **form: str) -> str:
        self._browser.proof = self._proof
        begun = time.monotonic()
        answer = self._browser.post(path, **form)
        self._note(kind, begun, answer, 303)
        return answer.headers.get("Location", "")

    def _note(self, kind: str, begun: float, answer: requests.Response, expected: int) -> None:
        wrong = "" if answer.status_code == expected else f"status {answer.status_code}"
        self._crowd.note(kind, time.monotonic() - begun, wrong)


@contextmanager
def served(database_url: str, **settings: str) -> Iterator[tuple[Flask, Platform, str]]:
    """The tool under gunicorn on the database, an application to look into it with, and a platform known to it.

    Nothing is delivered in the background unless `settings` say so.
    """
    port = free_port()
    tool_url = f"http://tool.localhost:{port}"
    observer = make_app(database_url, secret_key=SECRET, public_url=tool_url)
    platform = Platform()
    platform.register(observer, TENANT)
    arguments = ["import", str(CONTENT), "--tenant", TENANT, "--slug", "taster", "--title", "First look", "--json"]
    with writing(observer), redirect_stdout(StringIO()):
        observer.extensions["ltitools.plugins"]["diagnostic"].cli.main(arguments, standalone_mode=False)
    variables = {
        "LTITOOLS_DATABASE_URL": database_url,
        "LTITOOLS_SECRET_KEY": SECRET,
        "LTITOOLS_PUBLIC_URL": tool_url,
        "LTITOOLS_ALLOW_PRIVATE_NETWORK": "1",
        "LTITOOLS_WORKER_THREADS": "0",
        **{f"LTITOOLS_{name.upper()}": value for name, value in settings.items()},
    }
    command = [str(Path(sys.executable).parent / "ltitools"), "serve", "--port", str(port)]
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(command, env={**os.environ, **variables}, stdout=log, stderr=log)
        try:
            until(lambda: _answers(server, f"{tool_url}/readyz"))
            yield observer, platform, tool_url
        finally:
            server.terminate()
            server.wait(60)
            platform.close()
            close_app(observer)


def attend(platform: Platform, tool_url: str, learners: int) -> Crowd:
    """So many learners at once; returns what they met."""
    crowd = Crowd()
    ready = threading.Barrier(learners)
    everybody = [Learner(crowd, platform, tool_url, number) for number in range(learners)]
    with ThreadPoolExecutor(learners) as threads:
        list(threads.map(lambda learner: learner.attend(ready), everybody))
    return crowd


def _answers(server: subprocess.Popen[bytes], url: str) -> bool:
    assert server.poll() is None, "the server ended by itself"
    with new_session() as http:
        try:
            return bool(http.get(url, timeout=5).ok)
        except (requests.ConnectionError, requests.Timeout):
            return False


def main() -> None:
    """Print the latencies; fail where anything went wrong."""
    learners = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    with tempfile.TemporaryDirectory() as folder, databases(Path(folder)) as make, served(make()) as (_, platform, url):
        begun = time.monotonic()
        crowd = attend(platform, url, learners)
        seconds = time.monotonic() - begun
    click.echo(f"{learners} learners, {crowd.requests} requests in {seconds:.1f} s, {len(crowd.errors)} errors")
    click.echo(f"{'':12} {'n':>6} {'median':>9} {'95 %':>9} {'longest':>9}  (milliseconds)")
    for kind, times in crowd.times.items():
        shares = statistics.quantiles(times, n=20) if len(times) > 1 else times * 19
        row = f"{kind:12} {len(times):6} {shares[9] * 1000:9.0f} {shares[18] * 1000:9.0f} {max(times) * 1000:9.0f}"
        click.echo(row)
    sys.exit("\n".join(crowd.errors[:20]) if crowd.errors else 0)


if __name__ == "__main__":
    main()
