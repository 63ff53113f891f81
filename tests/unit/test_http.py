"""The one way out: quick, small, public, and never to another origin."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from werkzeug import Response

import ltitools.http
from ltitools import __version__
from ltitools.errors import SettingsError
from ltitools.http import HttpClient, HttpError, origin
from ltitools.settings import Settings
from sites import serving
from tls import make_authority

Answer = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """A server on loopback whose answer a test chooses; remembers the headers of each request."""

    def __init__(self) -> None:
        self.answer: Answer = lambda handler: None
        self.seen: list[dict[str, str]] = []
        self.release = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.seen.append({name.lower(): value for name, value in self.headers.items()})
                outer.answer(self)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *_args: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://tool.localhost:{self.http.server_port}/"


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.release.set()
    server.http.shutdown()
    server.http.server_close()


def client(**changes: Any) -> HttpClient:
    values = {
        "public_url": "https://tool.example.test",
        "secret_key": "",
        "allow_private_network": True,
        "http_max_bytes": 10_000,
        "http_read_timeout": 0.3,
        "http_total_timeout": 0.6,
    }
    return HttpClient(Settings.load({}, **(values | changes)))


def reply(status: int = 200, body: bytes = b"", **headers: str) -> Answer:
    def send(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return send


def test_it_says_who_calls_and_reads_the_whole_answer(server: Server) -> None:
    server.answer = reply(201, b"hello", Extra="yes")
    with_client = client()
    answer = with_client.request("GET", server.url)
    assert (answer.status, answer.text, answer.headers["extra"]) == (201, "hello", "yes")
    assert server.seen[0]["user-agent"].startswith(f"ltitools/{__version__} ")
    with_client.close()


def test_it_keeps_no_cookies(server: Server) -> None:
    server.answer = reply(200, b"", **{"Set-Cookie": "a=b"})
    http = client()
    http.request("GET", server.url)
    http.request("GET", server.url)
    assert "cookie" not in server.seen[1]
    http.close()


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:1/", "http://localhost:1/", "https://10.0.0.1/", "https://169.254.169.254/", "https://[::1]/"],
)
def test_private_addresses_are_not_called_unless_the_operator_allows_it(url: str) -> None:
    http = client(allow_private_network=False)
    with pytest.raises(HttpError, match=r"private address|does not begin with https"):
        http.request("GET", url)
    http.close()


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "fc00::1",
        "fe80::1",
        "fe80::1%1",
        "ff02::1",
        "2001:db8::1",
    ],
)
def test_a_name_that_leads_to_a_private_address_is_not_called(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Also where it leads to a public one as well: which of them is taken is not ours to bet on."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", 443))]
    found.append((family, socket.SOCK_STREAM, 6, "", (address, 443)))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: found)
    monkeypatch.setattr(socket, "create_connection", lambda place, *_args: pytest.fail(f"{place} is called"))
    http = client(allow_private_network=False)
    with pytest.raises(HttpError, match="private address"):
        http.request("GET", "https://lms.example.test/")
    http.close()


def test_a_name_is_looked_up_once_and_the_address_that_was_checked_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that answers otherwise the second time (DNS rebinding) is not asked a second time."""
    answers = ["93.184.215.14", "127.0.0.1"]
    called = []

    def look_up(*_args: Any, **_kwargs: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answers.pop(0), 443))]

    def connect(place: tuple[str, int], *_args: Any) -> socket.socket:
        called.append(place)
        raise OSError("nobody is there")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(socket, "create_connection", connect)
    http = client(allow_private_network=False)
    with pytest.raises(HttpError, match="nobody is there"):
        http.request("GET", "https://lms.example.test/")
    http.close()
    assert called == [("93.184.215.14", 443)]
    assert answers == ["127.0.0.1"]


def test_a_session_of_another_library_is_guarded_too() -> None:
    http = client(allow_private_network=False)
    with requests.Session() as foreign:
        http.guard(foreign)
        with pytest.raises(requests.ConnectionError, match="private address"):
            foreign.get("https://127.0.0.1/", timeout=1)
    http.close()


def test_nothing_goes_out_by_another_way() -> None:
    """Whatever calls others does so through this client, or has its own session guarded by it."""
    ways = re.compile(
        r"^\s*(?:import|from) (?:requests|urllib\.request|urllib3|http\.client|httpx|aiohttp)\b", re.MULTILINE
    )
    package = Path(ltitools.http.__file__).parent
    users = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if "demo_lms" not in path.parts and ways.search(path.read_text("utf-8"))
    }
    assert users == {"http.py", "oidc.py"}, "a module that calls others must be looked at"
    assert "self.http.guard(session)" in (package / "oidc.py").read_text("utf-8")


@pytest.mark.parametrize("url", ["http://lms.example.test/", "file:///etc/passwd", "ftp://lms.example.test/", "x:"])
def test_only_https_is_called_outside_localhost(url: str) -> None:
    with pytest.raises(HttpError, match="does not begin with https"):
        client().request("GET", url)


def test_too_much_is_not_read(server: Server) -> None:
    server.answer = reply(200, b"x" * 10_001)
    http = client()
    with pytest.raises(HttpError, match="more than 10000 bytes"):
        http.request("GET", server.url)
    http.close()


def test_a_server_that_says_nothing_is_given_up_and_may_have_done_it(server: Server) -> None:
    def silent(_handler: BaseHTTPRequestHandler) -> None:
        server.release.wait(20)

    server.answer = silent
    http = client()
    with pytest.raises(HttpError) as caught:
        http.request("POST", server.url, data=b"x")
    assert caught.value.may_have_arrived
    http.close()


def test_a_server_that_drips_is_given_up(server: Server) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not server.release.wait(0.1):
            handler.wfile.write(b"x" * 70)
            handler.wfile.flush()

    server.answer = drip
    http = client(http_max_bytes=10_000_000)
    with pytest.raises(HttpError, match=r"too slowly|in time"):
        http.request("GET", server.url)
    server.release.set()
    http.close()


def test_a_server_that_is_not_there_was_never_reached() -> None:
    with pytest.raises(HttpError) as caught:
        client().request("POST", "http://localhost:1/", data=b"x")
    assert not caught.value.may_have_arrived


def test_a_get_follows_redirects_inside_its_origin_only(server: Server) -> None:
    target = Server()
    target.answer = reply(200, b"secret")
    http = client()
    server.answer = lambda h: reply(302, Location="/there")(h) if h.path == "/" else reply(200, b"here")(h)
    assert http.request("GET", server.url).text == "here"
    server.answer = reply(302, Location=target.url)
    with pytest.raises(HttpError, match="another origin"):
        http.request("GET", server.url, headers={"Authorization": "Bearer token"})
    assert target.seen == []
    server.answer = reply(302, Location="/")
    with pytest.raises(HttpError, match="too often"):
        http.request("GET", server.url)
    http.close()
    target.http.shutdown()
    target.http.server_close()


def test_a_post_is_never_repeated_elsewhere(server: Server) -> None:
    server.answer = reply(307, Location="/again")
    http = client()
    assert http.request("POST", server.url, data=b"x").status == 307
    assert len(server.seen) == 1
    http.close()


def test_an_origin_has_the_port_of_its_scheme() -> None:
    assert origin("https://LMS.example/x") == origin("https://lms.example:443/y") != origin("http://lms.example/")


def test_an_authority_of_the_operator_is_trusted_where_it_is_named(tmp_path: Path) -> None:
    authority = make_authority(tmp_path)
    with serving(Response("hello"), tls=authority.server) as port:
        url = f"https://lms.localhost:{port}/"
        trusting, other = client(ca_file=str(authority.ca_file)), client()
        assert trusting.request("GET", url).text == "hello"
        with pytest.raises(HttpError, match="certificate verify failed"):
            other.request("GET", url)
        trusting.close()
        other.close()


def test_a_file_without_certificates_is_said_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="holds no certificates"):
        client(ca_file=str(tmp_path / "missing.pem"))
