"""HTTP to names below ``localhost``, which browsers resolve and the system's resolver often does not.

RFC 6761 section 6.3 makes every such name the loopback interface, so that is where the connection goes; the
``Host`` header and the cookies keep the name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

TIMEOUT = (3.0, 10.0)


class LoopbackAdapter(HTTPAdapter):
    """Connects ``//anything.localhost:port`` to ``127.0.0.1:port``; TLS still asks for the name's certificate."""

    def build_connection_pool_key_attributes(self, *args: Any, **kwargs: Any) -> Any:
        """Where to connect to, and as whom the other side has to identify itself."""
        where, how = super().build_connection_pool_key_attributes(*args, **kwargs)
        name = where["host"]
        if not name.endswith(".localhost"):
            return where, how
        identity = {"server_hostname": name, "assert_hostname": name} if where["scheme"] == "https" else {}
        return {**where, "host": "127.0.0.1"}, {**how, **identity}

    def add_headers(self, request: requests.PreparedRequest, **_kwargs: Any) -> None:
        """Name the site, which the connection's address does not."""
        request.headers["Host"] = urlsplit(request.url or "").netloc


def new_session(ca_file: str = "") -> requests.Session:
    """A session that finds ``*.localhost`` and uses no proxy. `ca_file` holds the roots that it trusts, if its own."""
    session = requests.Session()
    session.trust_env = False
    session.verify = ca_file or True
    session.mount("http://", LoopbackAdapter())
    session.mount("https://", LoopbackAdapter())
    return session


def fetch_json(url: str, ca_file: str = "") -> Mapping[str, Any]:
    """The JSON object at `url`. OSError or ValueError if there is none."""
    with new_session(ca_file) as session:
        response = session.get(url, timeout=TIMEOUT, headers={"Accept": "application/json"})
        response.raise_for_status()
        value = response.json()
    if not isinstance(value, dict):
        raise ValueError(f"no JSON object at {url}")
    return value
