"""Schema migrations: Alembic through its API, on the app's own connection, one version table for each plugin.

Each set of migrations sees only its own tables, so a removed plugin leaves the host and the others able to
start and migrate. On PostgreSQL an advisory lock keeps two servers from migrating at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import text
from sqlalchemy.engine import Connection

ADVISORY_LOCK = 7_301_842_155
HOST = "ltitools"


@dataclass(frozen=True)
class MigrationSet:
    """The migrations of the host or of one plugin: a package with a ``versions`` folder."""

    name: str
    package: str

    @property
    def version_table(self) -> str:
        """Where the applied version is kept."""
        return "alembic_version" if self.name == HOST else f"{self.name}_alembic_version"

    def scripts(self) -> ScriptDirectory:
        """The scripts in order."""
        config = Config()
        config.set_main_option("script_location", str(files(self.package)))
        config.set_main_option("path_separator", "os")
        return ScriptDirectory.from_config(config)

    def context(self, connection: Connection) -> MigrationContext:
        """Where this set stands in the database."""
        return MigrationContext.configure(connection, opts={"version_table": self.version_table})

    def waiting(self, connection: Connection) -> list[str]:
        """The revisions that are not applied yet, oldest first."""
        scripts = self.scripts()
        current = self.context(connection).get_current_revision()
        steps = scripts.iterate_revisions("heads", current or "base")
        return [step.revision for step in reversed(list(steps)) if step.revision != current]


def migration_sets() -> Iterable[MigrationSet]:
    """The host's migrations, then those of each plugin."""
    yield MigrationSet(HOST, "ltitools.migrations")
    for plugin in current_app.extensions["ltitools.plugins"].values():
        if plugin.migrations:
            yield MigrationSet(plugin.key, plugin.migrations)


def pending(connection: Connection) -> list[str]:
    """What `upgrade` would apply, as ``<set>:<revision>``."""
    return [f"{one.name}:{revision}" for one in migration_sets() for revision in one.waiting(connection)]


def upgrade(connection: Connection) -> list[str]:
    """Apply what is waiting, in the caller's transaction. Returns what was applied."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
    applied = []
    for one in migration_sets():
        scripts = one.scripts()
        waiting = one.waiting(connection)
        context = one.context(connection)
        with Operations.context(context):
            for revision in waiting:
                scripts.get_revision(revision).module.upgrade()
                context.stamp(scripts, revision)
                applied.append(f"{one.name}:{revision}")
    return applied
