"""The command line: ``ltitools …``. Every command that lists or shows has ``--json``."""

from __future__ import annotations

import os
import sys
from copy import copy
from typing import Any

import click
from sqlalchemy.exc import ArgumentError, DBAPIError

from ltitools import __version__
from ltitools.app import create_app, set_up_logging
from ltitools.cli_console import administrator, console
from ltitools.cli_doctor import doctor
from ltitools.cli_frameworks import framework
from ltitools.cli_jobs import jobs_group
from ltitools.cli_keys import keys, secret
from ltitools.cli_launches import launches
from ltitools.cli_privacy import person, tenant_privacy
from ltitools.commands import as_json, check_migrated, make_app, print_one, print_rows, public_url, with_app
from ltitools.db import db
from ltitools.errors import Conflict, NotFound, PluginError, Refused, SettingsError
from ltitools.lti.platforms import FAMILIES
from ltitools.migrations import upgrade
from ltitools.models import Deployment, Registration, Tenant
from ltitools.plugins import discover
from ltitools.scaffold import new_plugin
from ltitools.services import grades, invitations, registrations, tenants
from ltitools.settings import CONFIG_FOLDER, Settings


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


@click.group(
    cls=_Commands,
    commands=[administrator, console, doctor, framework, jobs_group, keys, secret, launches, person, new_plugin],
)
@click.version_option(__version__, prog_name="ltitools")
def cli() -> None:
    """LTI 1.3 tools for micro-credentials."""


@cli.group(commands=tenant_privacy)
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
    print_rows(rows, as_json, empty="There is no tenant yet. `ltitools tenant add KEY --name NAME` adds one.")


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
    print_one(row, as_json)


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
    print_rows(rows, as_json, empty="There is no registration yet. `ltitools registration add` adds one.")


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
    print_one(row, as_json)


@registration.command("invite")
@click.option("--tenant", "tenant_key", required=True, metavar="KEY")
@click.option("--note", default="", help="What or whom the link is for.")
@click.option("--days", default=invitations.DAYS, show_default=True, help="How long it is good.")
@as_json
@with_app
def registration_invite(tenant_key: str, note: str, days: int, as_json: bool) -> None:
    """Make a link with which one platform registers itself. It is shown once."""
    owner = tenants.by_key(tenant_key)
    invitation, code = invitations.add(owner, note, days)
    link = f"{public_url()}/lti/{owner.key}/register?invite={code}"
    if as_json:
        print_one({"number": invitation.id, "link": link, "expires_at": invitation.expires_at.isoformat()}, as_json)
        return
    click.echo(f"{link}\n\nPaste it into the platform; it registers one, once, until {invitation.expires_at:%Y-%m-%d}.")
    click.echo("Moodle: External tool, Manage tools, Tool URL. Canvas: Developer Keys, + LTI Registration.")


@registration.command("links")
@click.option("--tenant", "tenant_key", required=True, metavar="KEY")
@as_json
@with_app
def registration_links(tenant_key: str, as_json: bool) -> None:
    """List the registration links and what came of them."""
    rows = [
        {
            "number": one.id,
            "note": one.note,
            "state": invitations.state(one),
            "registration": found.id if found else None,
            "made": one.created_at.isoformat(timespec="seconds"),
            "expires": one.expires_at.isoformat(timespec="seconds"),
        }
        for one, found in invitations.of_tenant(tenants.by_key(tenant_key).id)
    ]
    print_rows(rows, as_json, empty="There is no registration link. `ltitools registration invite` makes one.")


@registration.command("revoke")
@click.argument("number", type=int)
@click.option("--tenant", "tenant_key", required=True, metavar="KEY")
@with_app
def registration_revoke(number: int, tenant_key: str) -> None:
    """Let the registration link with this NUMBER lead nowhere any more."""
    invitations.revoke(tenants.by_key(tenant_key).id, number)
    click.echo(f"Registration link {number} is revoked.")


@registration.command("change")
@click.argument("number", type=int)
@click.option("--tenant", "tenant_key", required=True, metavar="KEY")
@click.option("--title", help="What people call the platform.")
@click.option("--auth-url", metavar="URL")
@click.option("--token-url", metavar="URL")
@click.option("--jwks-url", metavar="URL")
@click.option("--deployments", "deployments_policy", type=click.Choice(registrations.POLICIES))
@click.option("--platform", type=click.Choice(FAMILIES))
@with_app
def registration_change(number: int, tenant_key: str, **values: str | None) -> None:
    """Change what is known of a platform. Its issuer and client ID stay."""
    found = registrations.get(tenants.by_key(tenant_key).id, number)
    registrations.change(found, **{name: value for name, value in values.items() if value is not None})
    click.echo(f"Registration {number} is saved.")


@registration.command("disable")
@click.argument("number", type=int)
@click.option("--tenant", "tenant_key", required=True, metavar="KEY")
@with_app
def registration_disable(number: int, tenant_key: str) -> None:
    """Switch a registration off: its platform can launch nothing."""
    registrations.set_enabled(registrations.get(tenants.by_key(tenant_key).id, number), False)
    click.echo(f"Registration {number} is disabled.")


@registration.command("enable")
@click.argument("number", type=int)
@click.option("--tenant", "tenant_key", required=True, metavar="KEY")
@with_app
def registration_enable(number: int, tenant_key: str) -> None:
    """Switch a registration on again."""
    registrations.set_enabled(registrations.get(tenants.by_key(tenant_key).id, number), True)
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
    print_rows(rows, as_json, empty="No deployment has launched yet, and none was listed.")


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
            "score": f"{grade.given.normalize():f}/{grade.maximum.normalize():f}" if grade.given is not None else "",
            "recorded_at": grade.recorded_at.isoformat(timespec="seconds"),
            "failures": grade.failures,
            "problem": grade.problem,
        }
        for grade, link, person in grades.undelivered(tenants.by_key(tenant_key).id)
    ]
    print_rows(rows, as_json, empty="Every score has reached its LMS.")


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
    print_rows(rows, as_json, empty="No tool is installed.")


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
def serve(host: str, port: int) -> None:
    """Serve with gunicorn (config/gunicorn.py); grades are delivered in its workers."""
    settings = Settings.load()
    settings.check_for_serving()
    app = create_app(settings)
    with app.app_context():
        check_migrated()
    program = [sys.executable, "-m", "gunicorn", "-c", str(CONFIG_FOLDER / "gunicorn.py")]
    os.execv(sys.executable, [*program, "--bind", f"{host}:{port}", "ltitools.wsgi:app"])  # noqa: S606  (our own program)


@cli.command()
def worker() -> None:
    """Deliver grades and events, where the servers do not (worker_threads = 0) or need help."""
    app = make_app()
    with app.app_context():
        check_migrated()
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
