"""HTTP to names below ``localhost``, which browsers resolve and the system's resolver often does not.

RFC 6761 section 6.3 makes every such name the loopback interface, so that is where the connection goes; the
``Host`` header and the cookies keep the name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter

TIMEOUT = (3.0, 10.0)


class LoopbackAdapter(HTTPAdapter):
    """Connects ``http://anything.localhost:port`` to ``127.0.0.1:port``."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a copy of the request that names the address instead of the host."""
        parts = urlsplit(request.url or "")
        if not (parts.hostname or "").endswith(".localhost"):
            return super().send(request, *args, **kwargs)
        direct = request.copy()
        address = f"127.0.0.1:{parts.port}" if parts.port else "127.0.0.1"
        direct.url = urlunsplit(parts._replace(netloc=address))
        direct.headers["Host"] = parts.netloc
        response = super().send(direct, *args, **kwargs)
        response.url, response.request = request.url or "", request
        return response


def new_session() -> requests.Session:
    """A session that finds ``*.localhost`` and uses no proxy."""
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", LoopbackAdapter())
    return session


def fetch_json(url: str) -> Mapping[str, Any]:
    """The JSON object at `url`. OSError or ValueError if there is none."""
    with new_session() as session:
        response = session.get(url, timeout=TIMEOUT, headers={"Accept": "application/json"})
        response.raise_for_status()
        value = response.json()
    if not isinstance(value, dict):
        raise ValueError(f"no JSON object at {url}")
    return value
