"""The command line: ``ltitools …``. Every command that lists or shows has ``--json``."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import click
from flask import Flask
from sqlalchemy.exc import ArgumentError, DBAPIError

from ltitools import __version__
from ltitools.app import create_app, set_up_logging
from ltitools.db import db, session, set_read_only
from ltitools.errors import Conflict, NotFound, PluginError, Refused, SettingsError
from ltitools.lti.platforms import FAMILIES
from ltitools.migrations import pending, upgrade
from ltitools.models import Deployment, Registration, Tenant
from ltitools.plugins import discover
from ltitools.services import grades, registrations, tenants
from ltitools.settings import CONFIG_FOLDER, Settings

P = ParamSpec("P")
R = TypeVar("R")
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def with_app(command: Callable[P, R]) -> Callable[P, R]:
    """Run a command inside the application, its changes as one transaction."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        app = make_app()
        with app.app_context():
            set_read_only(False)
            try:
                _check_migrated()
                result = command(*args, **kwargs)
                session.commit()
            finally:
                session.remove()
                db.engine.dispose()
            return result

    return run


def make_app() -> Flask:
    """The application for a command: it needs a secret key, no public address."""
    settings = Settings.load()
    if len(settings.secret_key) < 32:
        raise SettingsError("LTITOOLS_SECRET_KEY is missing or shorter than 32 characters.")
    return create_app(settings)


def _check_migrated() -> None:
    waiting = pending(session.connection())
    session.rollback()
    if waiting:
        raise SettingsError(f"The database lacks {len(waiting)} migration(s). Run `ltitools db upgrade` first.")


class _Commands(click.Group):
    """The host's commands, and a group for each plugin that has one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *self._of_plugins()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, cmd_name) or self._of_plugins().get(cmd_name)

    def _of_plugins(self) -> dict[str, click.Command]:
        return {plugin.key: _PluginCommands(plugin.cli) for plugin in discover().values() if plugin.cli is not None}


class _PluginCommands(click.Group):
    """The command group of a plugin; its commands run inside the application."""

    def __init__(self, group: click.Group) -> None:
        super().__init__(group.name, commands=group.commands, help=group.help, short_help=group.short_help)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        command = super().get_command(ctx, cmd_name)
        if command is None or command.callback is None:
            return command
        inside = copy(command)
        inside.callback = with_app(command.callback)
        return inside


@click.group(cls=_Commands)
@click.version_option(__version__, prog_name="ltitools")
def cli() -> None:
    """LTI 1.3 tools for micro-credentials."""


@cli.group()
def tenant() -> None:
    """Institutions."""


@tenant.command("add")
@click.argument("key")
@click.option("--name", required=True, help="The institution's name, as people read it.")
@click.option("--locale", type=click.Choice(["en", "fr"]), default="en", show_default=True)
@with_app
def tenant_add(key: str, name: str, locale: str) -> None:
    """Add an institution, with a signing key of its own."""
    found, new = tenants.add(key, name, locale)
    click.echo(f"Added tenant {found.key}." if new else f"Tenant {found.key} is there already, with these values.")


@tenant.command("list")
@as_json
@with_app
def tenant_list(as_json: bool) -> None:
    """List the institutions."""
    rows = [
        {"key": one.key, "name": one.name, "locale": one.locale, "enabled": one.enabled}
        for one in tenants.all_tenants()
    ]
    _print(rows, as_json, empty="There is no tenant yet. `ltitools tenant add KEY --name NAME` adds one.")


@tenant.command("show")
@click.argument("key")
@as_json
@with_app
def tenant_show(key: str, as_json: bool) -> None:
    """Show an institution, its tools, and the addresses to give to its platforms."""
    found = tenants.by_key(key)
    row = {
        "key": found.key,
        "name": found.name,
        "locale": found.locale,
        "enabled": found.enabled,
        "tools": [name for name in discover() if name not in found.disabled_plugins],
        **_our_addresses(found),
    }
    _print_one(row, as_json)


@tenant.command("tool")
@click.argument("key")
@click.argument("tool")
@click.option("--on/--off", "enabled", required=True, help="Whether the institution has the tool.")
@with_app
def tenant_tool(key: str, tool: str, enabled: bool) -> None:
    """Switch a TOOL on or off for an institution."""
    if tool not in discover():
        raise NotFound(f"There is no tool {tool!r}. `ltitools plugins` lists those there are.")
    tenants.set_plugin_enabled(key, tool, enabled)
    click.echo(f"Tool {tool} is {'on' if enabled else 'off'} for tenant {key}.")


@tenant.command("disable")
@click.argument("key")
@with_app
def tenant_disable(key: str) -> None:
    """Switch an institution off: nothing of it can be launched."""
    tenants.set_enabled(key, False)
    click.echo(f"Tenant {key} is disabled.")


@tenant.command("enable")
@click.argument("key")
@with_app
def tenant_enable(key: str) -> None:
    """Switch an institution on again."""
    tenants.set_enabled(key, True)
    click.echo(f"Tenant {key} is enabled.")


@cli.group()
def registration() -> None:
    """Platforms registered with an institution."""


@registration.command("add")
@click.option("--tenant", "tenant_key", required=True, metavar="KEY")
@click.option("--issuer", required=True, metavar="URL")
@click.option("--client-id", required=True, metavar="ID")
@click.option("--auth-url", required=True, metavar="URL", help="The platform's authorization endpoint.")
@click.option("--token-url", required=True, metavar="URL", help="The platform's access token endpoint.")
@click.option("--jwks-url", required=True, metavar="URL", help="The platform's public key set.")
@click.option("--deployment", "deployment_ids", multiple=True, metavar="ID", help="An approved deployment.")
@click.option(
    "--deployments",
    "policy",
    type=click.Choice(registrations.POLICIES),
    default="pending",
    show_default=True,
    help="What happens to a deployment that is not listed yet.",
)
@click.option("--platform", type=click.Choice(FAMILIES), default="generic", show_default=True)
@with_app
def registration_add(tenant_key: str, policy: str, **values: Any) -> None:
    """Register a platform with an institution."""
    found, new = registrations.add(
        tenants.by_key(tenant_key), registrations.NewRegistration(deployments_policy=policy, **values)
    )
    click.echo(
        f"Added registration {found.id}." if new else f"Registration {found.id} is there already, with these values."
    )


@registration.command("list")
@click.option("--tenant", "tenant_key", metavar="KEY", help="Only this institution's.")
@as_json
@with_app
def registration_list(tenant_key: str | None, as_json: bool) -> None:
    """List the registrations."""
    chosen = [tenants.by_key(tenant_key)] if tenant_key else tenants.all_tenants()
    rows = [_registration_row(one, found) for one in chosen for found in registrations.of_tenant(one.id)]
    _print(rows, as_json, empty="There is no registration yet. `ltitools registration add` adds one.")


@registration.command("show")
@click.argument("number", type=int)
@click.option("--tenant", "tenant_key", required=True, metavar="KEY")
@as_json
@with_app
def registration_show(number: int, tenant_key: str, as_json: bool) -> None:
    """Show a registration, and the addresses to give to the platform."""
    owner = tenants.by_key(tenant_key)
    found = registrations.get(owner.id, number)
    row = _registration_row(owner, found) | {
        "auth_url": found.auth_url,
        "token_url": found.token_url,
        "jwks_url": found.jwks_url,
        "deployments": [_deployment_row(one) for one in registrations.deployments(found)],
        **_our_addresses(owner),
    }
    _print_one(row, as_json)


@registration.command("disable")
@click.argument("number", type=int)
@click.option("--tenant", "tenant_key", required=True, metavar="KEY")
@with_app
def registration_disable(number: int, tenant_key: str) -> None:
    """Switch a registration off: its platform can launch nothing."""
    registrations.get(tenants.by_key(tenant_key).id, number).enabled = False
    click.echo(f"Registration {number} is disabled.")


@registration.command("enable")
@click.argument("number", type=int)
@click.option("--tenant", "tenant_key", required=True, metavar="KEY")
@with_app
def registration_enable(number: int, tenant_key: str) -> None:
    """Switch a registration on again."""
    registrations.get(tenants.by_key(tenant_key).id, number).enabled = True
    click.echo(f"Registration {number} is enabled.")


@cli.group()
def deployment() -> None:
    """Deployments of registered platforms."""


@deployment.command("list")
@click.option("--tenant", "tenant_key", required=True, metavar="KEY")
@as_json
@with_app
def deployment_list(tenant_key: str, as_json: bool) -> None:
    """List the deployments that were listed, or have launched."""
    owner = tenants.by_key(tenant_key)
    rows = [
        _deployment_row(one) | {"registration": found.id, "issuer": found.issuer}
        for found in registrations.of_tenant(owner.id)
        for one in registrations.deployments(found)
    ]
    _print(rows, as_json, empty="No deployment has launched yet, and none was listed.")


@deployment.command("add")
@click.argument("deployment_id")
@click.option("--tenant", "tenant_key", required=True, metavar="KEY")
@click.option("--registration", "number", type=int, required=True, metavar="NUMBER")
@with_app
def deployment_add(deployment_id: str, tenant_key: str, number: int) -> None:
    """List a deployment before it launches, approved."""
    found = registrations.get(tenants.by_key(tenant_key).id, number)
    if any(one.deployment_id == deployment_id for one in registrations.deployments(found)):
        click.echo(f"Deployment {deployment_id} is there already.")
        return
    added = registrations.add_deployment(found, deployment_id, "approved")
    click.echo(f"Added deployment {added.id}.")


@deployment.command("approve")
@click.argument("number", type=int)
@click.option("--tenant", "tenant_key", required=True, metavar="KEY")
@with_app
def deployment_approve(number: int, tenant_key: str) -> None:
    """Let a deployment launch."""
    registrations.set_deployment_state(tenants.by_key(tenant_key).id, number, "approved")
    click.echo(f"Deployment {number} is approved.")


@deployment.command("reject")
@click.argument("number", type=int)
@click.option("--tenant", "tenant_key", required=True, metavar="KEY")
@with_app
def deployment_reject(number: int, tenant_key: str) -> None:
    """Refuse the launches of a deployment."""
    registrations.set_deployment_state(tenants.by_key(tenant_key).id, number, "rejected")
    click.echo(f"Deployment {number} is rejected.")


@cli.group("grades")
def grades_group() -> None:
    """Scores on their way to the LMS."""


@grades_group.command("list")
@click.option("--tenant", "tenant_key", required=True, metavar="KEY")
@as_json
@with_app
def grades_list(tenant_key: str, as_json: bool) -> None:
    """List the scores that the LMS has not taken; people by the LMS's own id."""
    rows = [
        {
            "number": grade.id,
            "state": grade.state,
            "person": person.sub,
            "link": link.title or link.resource_link_id,
            "score": f"{grade.given.normalize():f}/{grade.maximum.normalize():f}",
            "recorded_at": grade.recorded_at.isoformat(timespec="seconds"),
            "failures": grade.failures,
            "problem": grade.problem,
        }
        for grade, link, person in grades.undelivered(tenants.by_key(tenant_key).id)
    ]
    _print(rows, as_json, empty="Every score has reached its LMS.")


@grades_group.command("send")
@click.argument("number", type=int, required=False)
@click.option("--tenant", "tenant_key", required=True, metavar="KEY")
@with_app
def grades_send(number: int | None, tenant_key: str) -> None:
    """Send what is parked or waiting again: the grade with this NUMBER, or all. A running server does it."""
    count = grades.send_again(tenants.by_key(tenant_key).id, number)
    click.echo(f"{count} to be sent again." if count else "Nothing is parked or waiting.")


@cli.group("db")
def database() -> None:
    """The database."""


@database.command("upgrade")
def db_upgrade() -> None:
    """Apply the migrations that are waiting, all or none."""
    app = make_app()
    with app.app_context():
        with db.engine.begin() as connection:
            applied = upgrade(connection)
        db.engine.dispose()
    for step in applied:
        click.echo(f"Applied {step}.")
    click.echo("The database is up to date.")


@cli.command("plugins")
@as_json
def plugins_list(as_json: bool) -> None:
    """List the installed tools, after checking them."""
    rows = [
        {
            "key": plugin.key,
            "title": str(plugin.title),
            "api": plugin.api,
            "tables": [str(model.__tablename__) for model in plugin.models],
            "listens": sorted(event.__name__ for event in plugin.listens),
            "offers": plugin.pick is not None,
        }
        for plugin in discover().values()
    ]
    _print(rows, as_json, empty="No tool is installed.")


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
def serve(host: str, port: int) -> None:
    """Serve with gunicorn (config/gunicorn.py); grades are delivered in its workers."""
    settings = Settings.load()
    settings.check_for_serving()
    app = create_app(settings)
    with app.app_context():
        _check_migrated()
    program = [sys.executable, "-m", "gunicorn", "-c", str(CONFIG_FOLDER / "gunicorn.py")]
    os.execv(sys.executable, [*program, "--bind", f"{host}:{port}", "ltitools.wsgi:app"])  # noqa: S606  (our own program)


@cli.command()
def worker() -> None:
    """Deliver grades and events, where the servers do not (worker_threads = 0) or need help."""
    app = make_app()
    with app.app_context():
        _check_migrated()
    set_up_logging(app.extensions["ltitools"].settings)
    running = app.extensions["ltitools.worker"]
    click.echo("Delivering grades and events. Stop with Ctrl-C.")
    try:
        running.run_forever()
    except KeyboardInterrupt:
        running.stop()


@cli.command()
@click.option("--port", default=8000, show_default=True, help="The tools' port.")
@click.option("--lms-port", default=8100, show_default=True, help="The demo LMS's port.")
@click.option("--no-browser", is_flag=True, help="Do not open the browser.")
def demo(port: int, lms_port: int, no_browser: bool) -> None:
    """Show everything: a small LMS with a course, and the tools, on this machine."""
    from ltitools.demo import run

    run(port, lms_port, open_browser=not no_browser)


def _our_addresses(owner: Tenant) -> dict[str, str]:
    base = f"{Settings.load().public_url or '<LTITOOLS_PUBLIC_URL>'}/lti/{owner.key}"
    return {
        "our_login_url": f"{base}/login",
        "our_redirect_uri": f"{base}/launch",
        "our_jwks_url": f"{base}/jwks.json",
    }


def _registration_row(owner: Tenant, found: Registration) -> dict[str, Any]:
    return {
        "number": found.id,
        "tenant": owner.key,
        "issuer": found.issuer,
        "client_id": found.client_id,
        "platform": found.platform,
        "deployments_policy": found.deployments_policy,
        "enabled": found.enabled,
    }


def _deployment_row(found: Deployment) -> dict[str, Any]:
    return {"number": found.id, "deployment_id": found.deployment_id, "state": found.state}


def _print(rows: Sequence[Mapping[str, Any]], as_json: bool, *, empty: str) -> None:
    """Rows as JSON or as a table."""
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    if not rows:
        click.echo(empty)
        return
    names = list(rows[0])
    cells = [[name.replace("_", " ") for name in names], *([_cell(row[name]) for name in names] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
    for line in cells:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _print_one(row: Mapping[str, Any], as_json: bool) -> None:
    """One thing as JSON (a list of one, as `list` prints) or as lines."""
    if as_json:
        _print([row], True, empty="")
        return
    for name, value in row.items():
        click.echo(f"{name.replace('_', ' '):<20} {_cell(value)}")


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(" ".join(map(str, one.values())) if isinstance(one, dict) else str(one) for one in value)
    return str(value)


def main() -> None:
    """Run the command line; what is wrong is one sentence and exit status 1."""
    try:
        cli(prog_name="ltitools")
    except (Conflict, NotFound, PluginError, SettingsError, Refused) as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)
    except (ArgumentError, DBAPIError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        click.echo(f"Error: The database cannot be used: {' '.join(str(cause).split())}", err=True)
        sys.exit(1)
