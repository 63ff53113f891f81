"""``ltitools demo``: a small LMS with a course, and the tools registered with it, on this machine alone.

The LMS and the tools are two sites (``lms.localhost`` and ``tool.localhost``), as in real life, so what a
browser does to frames of another site can be seen here too. The data stays in ``var/demo`` for the next time.
"""

from __future__ import annotations

import secrets
import socket
import threading
import webbrowser
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import click
from flask import Flask
from waitress.server import create_server

from ltitools.app import create_app, set_up_logging
from ltitools.context import EXTENSION
from ltitools.db import db, session, set_read_only
from ltitools.demo_lms import ToolRegistration, create_lms, place_activity
from ltitools.errors import SettingsError
from ltitools.migrations import upgrade
from ltitools.services import administrators, registrations, tenants
from ltitools.settings import CONFIG_FOLDER, Settings

FOLDER = Path("var/demo")
TENANT = "demo"
CLIENT_ID = "ltitools-demo"
DEPLOYMENT_ID = "1"
CONTENT_FOLDER = CONFIG_FOLDER / "demo"
BADGE = "ai-safety-badge"
CONTENT = (
    ("ai-awareness-taster", "AI at work: a first look"),
    ("ai-awareness", "AI at work: the whole pre-assessment"),
)


def run(port: int, lms_port: int, *, open_browser: bool) -> None:
    """Serve both until Ctrl-C. Raises SettingsError where a port is taken."""
    for number in (port, lms_port):
        _check_free(number)
    FOLDER.mkdir(parents=True, exist_ok=True)
    tool_url, lms_url = f"http://tool.localhost:{port}", f"http://lms.localhost:{lms_port}"
    settings = _settings(tool_url)
    set_up_logging(settings)
    tool = create_app(settings)
    _prepare(tool, lms_url)
    is_new = not (FOLDER / "lms.db").exists()
    lms = create_lms(f"sqlite:///{(FOLDER / 'lms.db').resolve()}", lms_url, _registration(tool_url))
    servers = [
        create_server(application, host="127.0.0.1", port=number, threads=8, ident=None)
        for application, number in ((tool, port), (lms, lms_port))
    ]
    for server in servers:
        threading.Thread(target=server.run, daemon=True).start()
    if is_new:
        _place(tool, lms)
    worker = tool.extensions["ltitools.worker"]
    worker.start()
    click.echo(f"\nThe demo runs. Open {lms_url} and sign in as a teacher, a learner or an administrator.")
    click.echo(f"The console of the tools, for one sign-in: {_console_link(tool)}\nStop it with Ctrl-C.")
    if open_browser:
        webbrowser.open(lms_url)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        click.echo("\nStopped. The next start continues with the same course.")
    finally:
        worker.stop(timeout=5)


def _settings(tool_url: str) -> Settings:
    return Settings.load(
        {},
        database_url=f"sqlite:///{(FOLDER / 'tools.db').resolve()}",
        secret_key=_secret_key(),
        public_url=tool_url,
        allow_private_network=True,
        log_level="WARNING",
        worker_poll_seconds=2.0,
    )


def _console_link(tool: Flask) -> str:
    """A link that signs an operator of the tools in."""
    with tool.app_context():
        set_read_only(False)
        code = administrators.link_code(administrators.add(None, "Operator of the demo")[0])
        session.commit()
        session.remove()
    return f"{tool.extensions[EXTENSION].settings.public_url}/console/-/enter/{code}"


def _secret_key() -> str:
    """The demo's own secret, made at the first start and kept beside its data."""
    path = FOLDER / "secret"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48), "utf-8")
    return path.read_text("utf-8")


def _prepare(tool: Flask, lms_url: str) -> None:
    """Migrate, register the LMS, and publish the sample content. All of it may have been done before."""
    with tool.app_context():
        set_read_only(False)
        with db.engine.begin() as connection:
            upgrade(connection)
        tenant, _ = tenants.add(TENANT, "Campus demo")
        known = {registration.issuer for registration in registrations.of_tenant(tenant.id)}
        if lms_url not in known:
            registrations.add(
                tenant,
                registrations.NewRegistration(
                    issuer=lms_url,
                    client_id=CLIENT_ID,
                    auth_url=f"{lms_url}/lti/authorize",
                    token_url=f"{lms_url}/lti/token",
                    jwks_url=f"{lms_url}/lti/jwks",
                    platform="moodle",
                    deployment_ids=(DEPLOYMENT_ID,),
                ),
            )
        session.commit()
        for slug, title in CONTENT:
            arguments = ["import", str(CONTENT_FOLDER / f"{slug}.csv")]
            arguments += ["--tenant", TENANT, "--slug", slug, "--title", title, "--only-missing", "--json"]
            for more in ("modules", "roles"):
                file = CONTENT_FOLDER / f"{slug}-{more}.csv"
                arguments += [f"--{more}", str(file)] if file.exists() else []
            _run(tool, "diagnostic", arguments)
        badge = str(CONTENT_FOLDER / f"{BADGE}.json")
        _run(tool, "badges", ["import", badge, "--tenant", TENANT, "--slug", BADGE, "--only-missing"])
        session.commit()


def _run(tool: Flask, key: str, arguments: list[str]) -> None:
    """A command of a tool, where it is installed."""
    plugin = tool.extensions["ltitools.plugins"].get(key)
    if plugin is not None:
        with redirect_stdout(StringIO()):
            plugin.cli.main(arguments, standalone_mode=False)


def _place(tool: Flask, lms: Flask) -> None:
    """Put the first pre-assessment and the badge that it earns into the course, so that there is something to open."""
    placed = [("diagnostic", CONTENT[0][1], f"diagnostic:{CONTENT[0][0]}", True)]
    placed += [("badges", "Your badge: AI at work", f"badges:{BADGE}", False)]
    for key, title, name, graded in placed:
        if key in tool.extensions["ltitools.plugins"]:
            place_activity(lms, title, {"activity": name}, graded=graded)


def _registration(tool_url: str) -> ToolRegistration:
    base = f"{tool_url}/lti/{TENANT}"
    return ToolRegistration(
        client_id=CLIENT_ID,
        deployment_id=DEPLOYMENT_ID,
        login_url=f"{base}/login",
        launch_url=f"{base}/launch",
        jwks_url=f"{base}/jwks.json",
        title="ltitools",
        icon_url=f"{tool_url}/static/icon.svg",
    )


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise SettingsError(
                f"Port {port} is in use. Stop what uses it, or choose others: `ltitools demo --port P --lms-port P`."
            ) from error
