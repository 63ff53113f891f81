"""A computer lab: five hundred launches in ten seconds, from identical browsers behind one address.

``python tests/scale/rush.py [launches] [seconds]`` prints how long they took; ``make bench`` calls it. Every second
browser keeps no cookie. Each launch is a login, the check of its page for what the browser keeps, the launch, and the
page on which the person arrives.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import click

sys.path.insert(0, str(Path(__file__).parent.parent))

from ltitools.lti import claims as names
from ltitools.testing import Platform, attribute, authorization_url, databases, hidden_fields
from scale.crowd import ACTIVITY, TENANT, served

BROWSERS_AT_ONCE = 40


@dataclass(frozen=True)
class Arrival:
    """One launch: whose it was, what it is called here, the seconds it took, and what went wrong."""

    person: str
    launch_id: str
    seconds: float
    problem: str = ""


class Browser:
    """One of many that look the same: a connection of its own, with cookies or without."""

    def __init__(self, tool_url: str, *, keeps_cookies: bool) -> None:
        parts = urlsplit(tool_url)
        self._origin, self._host = tool_url, parts.netloc
        self._connection = HTTPConnection("127.0.0.1", parts.port or 80, timeout=60)
        self._keeps_cookies = keeps_cookies
        self._cookies: dict[str, str] = {}

    def send(
        self, method: str, path: str, form: dict[str, str] | None = None, **headers: str
    ) -> tuple[HTTPResponse, str]:
        """One request and its whole answer."""
        headers = {"Host": self._host, "Accept-Language": "en", **headers}
        if self._cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self._connection.request(method, path, urlencode(form) if form is not None else None, headers)
        answer = self._connection.getresponse()
        text = answer.read().decode()
        if self._keeps_cookies:
            for line in answer.headers.get_all("Set-Cookie", []):
                name, _, rest = line.partition("=")
                self._cookies[name] = rest.partition(";")[0]
        return answer, text

    def launch(self, platform: Platform, person: str) -> str:
        """From the login to the page of the activity; gives the launch's id. AssertionError where it fails."""
        target = f"{self._origin}/lti/{TENANT}/launch"
        login, page = self.send("POST", f"/lti/{TENANT}/login", platform.login_parameters(target_link_uri=target))
        where = authorization_url(login.headers.get("Location", ""), page)
        asked = {name: values[0] for name, values in parse_qs(urlsplit(where).query).items()}
        _, kept = self.send("POST", f"/lti/{TENANT}/login/kept", {"state": asked["state"]})
        assert ("true" in kept) == self._keeps_cookies, kept
        claims = platform.claims(sub=person, name=person, nonce=asked["nonce"], custom={"activity": ACTIVITY})
        claims[names.TARGET_LINK_URI] = target
        form = {"id_token": platform.sign(claims), "state": asked["state"]}
        arrived, text = self.send("POST", f"/lti/{TENANT}/launch", form, Origin=platform.issuer)
        if self._keeps_cookies:
            assert arrived.status == 303, text
            home, shown = arrived.headers["Location"], {}
        else:
            form = {**hidden_fields(text), "layer": "storage", "secret": attribute(page, "data-secret")}
            arrived, text = self.send("POST", f"/lti/{TENANT}/launch", form, Origin=self._origin)
            assert arrived.status == 200, text
            home, shown = attribute(text, "data-home"), {"Authorization": f"Bearer {attribute(text, 'data-token')}"}
        answer, text = self.send("GET", home, None, **shown)
        assert answer.status == 200, text
        return home.rstrip("/").split("/")[3]

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


def rush(platform: Platform, tool_url: str, launches: int, seconds: float) -> list[Arrival]:
    """So many launches, begun evenly over so many seconds."""
    begun = time.monotonic()

    def arrive(number: int) -> Arrival:
        time.sleep(max(0.0, begun + number * seconds / launches - time.monotonic()))
        person, own = f"learner-{number}", time.monotonic()
        browser = Browser(tool_url, keeps_cookies=number % 2 == 0)
        try:
            return Arrival(person, browser.launch(platform, person), time.monotonic() - own)
        except (AssertionError, OSError, KeyError) as error:
            return Arrival(person, "", time.monotonic() - own, f"{type(error).__name__}: {str(error)[:200]}")
        finally:
            browser.close()

    with ThreadPoolExecutor(BROWSERS_AT_ONCE) as threads:
        return list(threads.map(arrive, range(launches)))


def problems(arrivals: Iterable[Arrival]) -> list[str]:
    """What went wrong, by person."""
    return [f"{each.person}: {each.problem}" for each in arrivals if each.problem]


def main() -> None:
    """Print the latencies; fail where anything went wrong."""
    launches = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 10.0
    with tempfile.TemporaryDirectory() as folder, databases(Path(folder)) as make, served(make()) as (_, platform, url):
        begun = time.monotonic()
        arrivals = rush(platform, url, launches, seconds)
        took = time.monotonic() - begun
    wrong = problems(arrivals)
    shares = statistics.quantiles([each.seconds for each in arrivals], n=20)
    row = f"median {shares[9] * 1000:.0f} ms, 95 % {shares[18] * 1000:.0f} ms"
    click.echo(f"{launches} launches in {took:.1f} s, {len(wrong)} errors; one launch: {row}")
    sys.exit("\n".join(wrong[:20]) if wrong else 0)


if __name__ == "__main__":
    main()
