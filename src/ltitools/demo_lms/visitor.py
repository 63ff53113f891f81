"""A person at the LMS without a browser, over HTTP: what tests of whole launches are made of.

```python
ben = Visitor("http://lms.localhost:8100", "ben")
login = ben.begin(activity=1)                       # the login initiation: login.action, login.fields
redirect = tool.post(login.action, login.fields)    # the tool's answer leads to the LMS
answer = ben.authorize(redirect.headers["Location"])
tool.post(answer.action, answer.fields)             # id_token and state
```
"""

from __future__ import annotations

from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import requests

from ltitools.demo_lms.loopback import TIMEOUT, new_session
from ltitools.demo_lms.oidc import FormPost


class Visitor:
    """One person of an LMS that was made with ``control=True``, with cookies of their own.

    `ca_file` holds the roots that they trust where the LMS has an authority of its own."""

    def __init__(self, base_url: str, person: str, ca_file: str = "") -> None:
        self.base_url = base_url.rstrip("/")
        self.person = person
        self.http = new_session(ca_file)

    def begin(
        self,
        activity: int | None = None,
        *,
        course: int = 1,
        target: str = "iframe",
        tampering: Mapping[str, Any] | None = None,
    ) -> FormPost:
        """Begin a launch of `activity`, or the choosing of content for `course`: the form to post to the tool.

        `tampering` spoils the token that `authorize` will give; see `control`.
        """
        asked: dict[str, Any] = {"person": self.person, "target": target, "tampering": dict(tampering or {})}
        if activity is None:
            asked |= {"message": "deep_linking", "course": course}
        else:
            asked["activity"] = activity
        answer = self._send("POST", f"{self.base_url}/control/launch", json=asked)
        answer.raise_for_status()
        return FormPost(answer.json()["action"], answer.json()["fields"])

    def authorize(self, url: str, data: Mapping[str, str] | None = None) -> FormPost:
        """Follow the tool's authentication request (a GET, or a POST of `data`): the form for the tool, with an
        ``id_token`` or an ``error``. LookupError with the page's text if the LMS shows a page instead."""
        answer = self._send("POST" if data is not None else "GET", url, data=data)
        return form_on(answer.text, answer.url)

    def answer_deep_linking(self, form: FormPost) -> requests.Response:
        """Bring the tool's deep linking response back to the LMS."""
        return self._send("POST", form.action, data=dict(form.fields))

    def get(self, path: str) -> requests.Response:
        """A page of the LMS."""
        return self._send("GET", urljoin(self.base_url + "/", path))

    def close(self) -> None:
        """Let go of the connections."""
        self.http.close()

    def _send(self, method: str, url: str, **values: Any) -> requests.Response:
        return self.http.request(method, url, timeout=TIMEOUT, allow_redirects=False, **values)


def form_on(html: str, base_url: str) -> FormPost:
    """The self-submitting form of a page of the LMS, or LookupError with the page's text."""
    reader = _FormReader()
    reader.feed(html)
    if reader.action is None:
        raise LookupError(" ".join(" ".join(reader.text).split()))
    return FormPost(urljoin(base_url, reader.action), reader.fields)


class _FormReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "form" and "data-submit" in values:
            self.action = values.get("action") or ""
        elif tag == "input" and values.get("name") and self.action is not None:
            self.fields[str(values["name"])] = values.get("value") or ""

    def handle_data(self, data: str) -> None:
        self.text.append(data)
