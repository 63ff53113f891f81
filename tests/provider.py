"""An OpenID Connect provider on loopback that says of people what a test wants it to say."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.test import TestResponse

from ltitools.testing import PUBLIC_URL

CLIENT_ID, CLIENT_SECRET = "console", "a secret of the client"


class Provider:
    """It knows one client, and checks the code, the client's secret and the proof of the code (PKCE)."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "of-the-provider"}, private=True)
        self.given: dict[str, dict[str, Any]] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._say(200, provider.document(urlsplit(self.path).path))

            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                given = provider.given.pop(form["code"][0], None)
                verifier = hashlib.sha256(form["code_verifier"][0].encode()).digest()
                client = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
                challenge = base64.urlsafe_b64encode(verifier).decode().rstrip("=")
                fits = given and given["challenge"] == challenge
                if not fits or self.headers["Authorization"] != f"Basic {client}":
                    self._say(400, {"error": "invalid_grant"})
                    return
                token = jwt.encode({"alg": "RS256", "kid": "of-the-provider"}, given["claims"], provider.key)
                self._say(200, {"access_token": "x", "token_type": "Bearer", "id_token": token})

            def _say(self, status: int, document: dict[str, Any]) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(document).encode())

            def log_message(self, *_args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    @property
    def issuer(self) -> str:
        """Its name and address."""
        return f"http://localhost:{self._server.server_port}"

    def settings(self) -> dict[str, Any]:
        """What the tool has to be told of it."""
        return {"oidc_issuer": self.issuer, "oidc_client_id": CLIENT_ID, "oidc_client_secret": CLIENT_SECRET}

    def document(self, path: str) -> dict[str, Any]:
        """Its configuration or its keys."""
        if path.endswith("openid-configuration"):
            places = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "jwks"}
            return {"issuer": self.issuer, **{name: f"{self.issuer}/{place}" for name, place in places.items()}}
        return {"keys": [self.key.as_dict(private=False)]}

    def begin(self, browser: FlaskClient) -> dict[str, str]:
        """The browser asks to sign in; what it is sent here with."""
        answer = browser.get("/console/-/account", base_url=PUBLIC_URL)
        assert answer.status_code == 303, answer.text
        asked = urlsplit(answer.headers["Location"])
        assert f"{asked.scheme}://{asked.netloc}{asked.path}" == f"{self.issuer}/authorize"
        return {name: values[0] for name, values in parse_qs(asked.query).items()}

    def send_back(self, browser: FlaskClient, asked: dict[str, str] | None = None, **said: Any) -> TestResponse:
        """The person signs in here, and the browser goes back with a code for what is `said` of them."""
        asked = asked or self.begin(browser)
        assert (asked["client_id"], asked["response_type"]) == (CLIENT_ID, "code")
        assert asked["code_challenge_method"] == "S256"
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "sub": "subject-1",
            "nonce": asked["nonce"],
            "iat": now,
            "exp": now + 300,
            "email_verified": True,
            **said,
        }
        code = secrets.token_urlsafe()
        self.given[code] = {"claims": claims, "challenge": asked["code_challenge"]}
        return browser.get("/console/-/oidc", query_string={"code": code, "state": asked["state"]}, base_url=PUBLIC_URL)

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
