"""All outgoing HTTP. An address that others chose is only called if it is public, quick and small.

No cookies, no redirect to another origin, no private or loopback address unless the operator allows it. The
addresses that a name resolves to are checked where the connection is made, so the check and the connection
cannot see different answers of a name server.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError as Urllib3Error
from urllib3.exceptions import NewConnectionError
from urllib3.util.ssl_ import create_urllib3_context

from ltitools import __version__
from ltitools.errors import SettingsError
from ltitools.settings import Settings, is_localhost

MAX_REDIRECTS = 3
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""What a translating network takes for the IPv4 address in the last 32 bits: RFC 6052 section 2.1."""


class HttpError(Exception):
    """No usable answer. `may_have_arrived` is true where the request could have taken effect all the same."""

    def __init__(self, message: str, *, may_have_arrived: bool = False) -> None:
        super().__init__(message)
        self.may_have_arrived = may_have_arrived


@dataclass(frozen=True)
class Response:
    """An answer, read whole: status, headers with lower-case names, body, and the address that gave it."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str

    @property
    def text(self) -> str:
        """The body as text, for people and logs."""
        return self.body.decode("utf-8", "replace")


class HttpClient:
    """The one way out. Thread-safe; one for each process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._session = requests.Session()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers["User-Agent"] = f"ltitools/{__version__} (+{settings.public_url})"
        self._adapter = _GuardedAdapter(settings.allow_private_network, settings.ca_file)
        self.guard(self._session)

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        data: bytes | Mapping[str, str] | None = None,
        max_bytes: int | None = None,
        total_timeout: float | None = None,
    ) -> Response:
        """Send one request and read the whole answer. Raises HttpError; any status is an answer.

        A GET follows redirects inside its origin; anything else follows none. `max_bytes` and `total_timeout` (in
        seconds) are narrower limits than those of the settings.
        """
        limits = self._settings.http_max_bytes, self._settings.http_total_timeout
        limit = min(limits[0], max_bytes or limits[0])
        seconds = min(limits[1], total_timeout or limits[1])
        deadline = time.monotonic() + seconds
        for _ in range(MAX_REDIRECTS + 1):
            self._check_scheme(url)
            response = self._send(method, url, headers, data, deadline, limit, seconds)
            location = response.headers.get("location")
            if method != "GET" or response.status not in (301, 302, 303, 307, 308) or not location:
                return response
            target = urljoin(url, location)
            if origin(target) != origin(url):
                raise HttpError(f"{shown(url)} redirects to another origin")
            url = target
        raise HttpError(f"{shown(url)} redirects too often")

    def certificate_end(self, url: str) -> datetime:
        """When the certificate at the host of `url` (https) ends.

        Raises ssl.SSLCertVerificationError where it is not to be trusted, OSError where there is no TLS.
        """
        _, host, port = origin(url)
        context = ssl.create_default_context(cafile=DEFAULT_CA_BUNDLE_PATH)
        if self._settings.ca_file:
            context.load_verify_locations(self._settings.ca_file)
        timeout = self._settings.http_connect_timeout
        with (
            _connect(host, port, timeout, self._settings.allow_private_network) as plain,
            context.wrap_socket(plain, server_hostname=host) as secure,
        ):
            certificate = secure.getpeercert() or {}
        return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)

    def guard(self, session: requests.Session) -> None:
        """Have another library's session connect as this client does: to addresses that are allowed only."""
        session.trust_env = False
        session.mount("https://", self._adapter)
        session.mount("http://", self._adapter)

    def close(self) -> None:
        """Let go of the connections that are kept for the next request."""
        self._session.close()

    def _check_scheme(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme == "https":
            return
        local = is_localhost(parts.hostname) or parts.hostname in ("127.0.0.1", "::1")
        if parts.scheme != "http" or not (local and self._settings.allow_private_network):
            raise HttpError(f"{shown(url)} does not begin with https://")

    def _send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        data: bytes | Mapping[str, str] | None,
        deadline: float,
        limit: int,
        seconds: float,
    ) -> Response:
        try:
            with self._session.request(
                method,
                url,
                headers=dict(headers or {}),
                data=data,
                timeout=(
                    min(self._settings.http_connect_timeout, seconds),
                    min(self._settings.http_read_timeout, seconds),
                ),
                allow_redirects=False,
                stream=True,
            ) as answer:
                body = bytearray()
                # One piece as it arrives at a time: a full block of a dripping server would never come.
                while piece := answer.raw.read1(65536, decode_content=True):
                    body += piece
                    if len(body) > limit:
                        raise HttpError(f"{shown(url)} answers with more than {limit} bytes", may_have_arrived=True)
                    if time.monotonic() > deadline:
                        raise HttpError(f"{shown(url)} answers too slowly", may_have_arrived=True)
                lower = {name.lower(): value for name, value in answer.headers.items()}
                return Response(answer.status_code, lower, bytes(body), url)
        except requests.ConnectionError as error:
            reason = getattr(error.args[0] if error.args else None, "reason", None)
            arrived = not isinstance(reason, NewConnectionError)
            raise HttpError(f"{shown(url)} cannot be reached: {_cause(error)}", may_have_arrived=arrived) from error
        except requests.Timeout as error:
            raise HttpError(f"{shown(url)} does not answer in time", may_have_arrived=True) from error
        except (requests.RequestException, Urllib3Error, ValueError) as error:
            raise HttpError(f"{shown(url)} cannot be reached: {_cause(error)}", may_have_arrived=True) from error


def shown(url: str) -> str:
    """`url` for messages and logs: without its query, which may name a person."""
    return urlsplit(url)._replace(query="", fragment="").geturl()


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of `url`, with the scheme's own port where none is named."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").lower(), parts.port or {"http": 80, "https": 443}.get(scheme, 0)


def _cause(error: BaseException) -> str:
    while cause := error.__cause__ or error.__context__:
        error = cause
    return str(error) or type(error).__name__


def _connect(host: str, port: int, timeout: Any, allow_private: bool) -> socket.socket:
    """A socket to the first allowed address of `host`."""
    if is_localhost(host):
        # Not every system resolver knows that names below localhost are loopback (RFC 6761 section 6.3).
        addresses = ["127.0.0.1"]
    else:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [str(entry[4][0]) for entry in found]
    if not allow_private and not all(_is_public(address) for address in addresses):
        raise OSError(f"{host} is a private address, which only LTITOOLS_ALLOW_PRIVATE_NETWORK=1 permits")
    problem = OSError(f"{host} has no address")
    for address in addresses:
        try:
            return socket.create_connection((address, port), timeout)
        except OSError as error:
            problem = error
    raise problem


def _is_public(text: str) -> bool:
    """Whether an address is one of the internet: also what it stands for, where it carries another in it."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in NAT64:
            inner = ipaddress.IPv4Address(address.packed[-4:])
        if inner is not None:
            return _is_public(str(inner))
    return address.is_global and not address.is_multicast


def _open(connection: Any, allow_private: bool) -> socket.socket:
    """`_connect`, with its failure as the one that urllib3 knows to mean "nothing was sent"."""
    try:
        return _connect(connection._dns_host, connection.port, connection.timeout, allow_private)
    except OSError as error:
        raise NewConnectionError(connection, str(error)) from error


def _context_trusting(ca_file: str) -> ssl.SSLContext:
    context = create_urllib3_context()
    try:
        context.load_verify_locations(ca_file)
    except OSError as error:
        raise SettingsError(f"The file {ca_file} of the setting ca_file holds no certificates: {error}.") from error
    return context


class _GuardedAdapter(HTTPAdapter):
    """An adapter whose connections go through `_connect`."""

    def __init__(self, allow_private: bool, ca_file: str) -> None:
        class GuardedHTTP(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                return _open(self, allow_private)

        class GuardedHTTPS(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                return _open(self, allow_private)

        class HttpPool(HTTPConnectionPool):
            ConnectionCls = GuardedHTTP

        class HttpsPool(HTTPSConnectionPool):
            ConnectionCls = GuardedHTTPS

        self._pools = {"http": HttpPool, "https": HttpsPool}
        self._trust: dict[str, Any] = {}
        if ca_file:
            # requests adds the usual authorities to those that are in here.
            self._trust["ssl_context"] = _context_trusting(ca_file)
        super().__init__(pool_connections=32, pool_maxsize=16)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **{**kwargs, **self._trust})
        self.poolmanager.pool_classes_by_scheme = self._pools
