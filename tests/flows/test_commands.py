"""The programs that an operator or a newcomer starts, as they start them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask

from ltitools.demo_lms.loopback import new_session
from ltitools.testing import close_app, make_app
from sites import Sites, free_port, register, running_lms, until

SECRET = "only for tests, and long enough to be accepted"


@contextmanager
def program(*arguments: str, cwd: Path, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """``ltitools …`` in a process of its own, ended politely."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LTITOOLS_")}
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "ltitools"), *arguments],
        cwd=cwd,
        env={**environment, "PYTHONUNBUFFERED": "1", **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
        assert "Traceback" not in output, output


def answers(process: subprocess.Popen[Any], url: str) -> bool:
    """Whether the program serves the address."""
    assert process.poll() is None, process.communicate()[0]
    with new_session() as http:
        try:
            return http.get(url, timeout=5).ok
        except (requests.ConnectionError, requests.Timeout):
            return False


@pytest.mark.parametrize("worker", ["in the server", "in a process of its own"])
def test_served_by_gunicorn_a_score_reaches_the_gradebook(database_url: str, tmp_path: Path, worker: str) -> None:
    port = free_port()
    tool_url = f"http://tool.localhost:{port}"
    observer: Flask = make_app(database_url)
    variables = {
        "LTITOOLS_DATABASE_URL": database_url,
        "LTITOOLS_SECRET_KEY": SECRET,
        "LTITOOLS_PUBLIC_URL": tool_url,
        "LTITOOLS_ALLOW_PRIVATE_NETWORK": "1",
        "LTITOOLS_WORKER_POLL_SECONDS": "0.2",
    }
    alone = worker == "in a process of its own"
    with running_lms(tool_url, "canvas") as (lms, lms_url):
        register(observer, lms_url, "canvas")
        sites = Sites(observer, lms, tool_url, lms_url)
        content = Path(__file__).parents[2] / "config" / "demo" / "ai-awareness-taster.csv"
        sites.import_questions(content, "taster", "AI at work: a first look")
        with program(
            "serve", "--port", str(port), cwd=tmp_path, **variables, LTITOOLS_WORKER_THREADS="0" if alone else "1"
        ) as server:
            until(lambda: answers(server, f"{tool_url}/readyz"))
            browser = sites.enter("ben", sites.place("diagnostic:taster"))
            browser.page_with_form = ""
            browser.post("start")
            browser.post("submit")
            if alone:
                assert sites.cell("ben")["posts"] == []
                with program("worker", cwd=tmp_path, **variables):
                    until(lambda: sites.cell("ben")["score"] == 0)
            until(lambda: sites.cell("ben")["score"] == 0)
    close_app(observer)


def test_the_demo_starts_outside_a_clone_and_starts_again_with_the_same_course(tmp_path: Path) -> None:
    port, lms_port = free_port(), free_port()
    arguments = ("demo", "--no-browser", "--port", str(port), "--lms-port", str(lms_port))
    for _ in range(2):
        with program(*arguments, cwd=tmp_path) as demo:
            until(lambda: answers(demo, f"http://lms.localhost:{lms_port}/"))
            until(lambda: answers(demo, f"http://tool.localhost:{port}/readyz"))
    assert {file.name for file in (tmp_path / "var" / "demo").iterdir()} >= {"lms.db", "tools.db", "secret"}
    assert (tmp_path / "var" / "demo" / "secret").stat().st_mode & 0o077 == 0


def test_the_demo_says_which_port_is_taken(tmp_path: Path) -> None:
    port = free_port()
    arguments = ("demo", "--no-browser", "--port", str(port), "--lms-port")
    with program(*arguments, str(free_port()), cwd=tmp_path) as first:
        until(lambda: answers(first, f"http://tool.localhost:{port}/healthz"))
        done = subprocess.run(
            [str(Path(sys.executable).parent / "ltitools"), *arguments, str(free_port())],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.strip().startswith(f"Error: Port {port} is in use.")
