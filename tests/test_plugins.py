"""The contract of plugins: what start-up refuses, what is exported, and that one plugin does not hang on another."""

from __future__ import annotations

import inspect
from importlib.metadata import entry_points
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import inspect as inspect_database
from sqlalchemy.orm import Mapped, mapped_column

import ltitools.plugin
from ltitools.db import Base, db
from ltitools.errors import PluginError
from ltitools.migrations import pending, upgrade
from ltitools.plugins import GROUP, arrange, check, discover
from probe import make_probe


def test_the_installed_tools_keep_the_contract() -> None:
    assert list(discover()) == sorted(entry.name for entry in entry_points(group=GROUP))


class Stray(Base):
    """A table without the prefix of its plugin."""

    __tablename__ = "stray"
    __table_args__ = {"info": {"of_tests": True}}  # noqa: RUF012  (SQLAlchemy's own form)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int]


class Shared(Base):
    """A table that belongs to no institution."""

    __tablename__ = "probe_shared"
    __table_args__ = {"info": {"of_tests": True}}  # noqa: RUF012  (SQLAlchemy's own form)

    id: Mapped[int] = mapped_column(primary_key=True)


Base.metadata.remove(Stray.__table__)  # type: ignore[arg-type]  # tables of this test are no tables of ours
Base.metadata.remove(Shared.__table__)  # type: ignore[arg-type]  # the same


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"api": 2}, "is made for API 2; this host has API 1"),
        ({"key": "other"}, "says that its key is 'other'"),
        ({"models": (Stray,)}, "has a table 'stray', which does not begin with 'probe_'"),
        ({"models": (Shared,)}, "'probe_shared' of plugin 'probe' has no tenant_id"),
        ({"listens": {str: print}}, "listens to 'str', which is no event"),
    ],
)
def test_a_plugin_that_breaks_the_contract_is_refused_in_one_sentence(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(PluginError, match=said) as caught:
        check("probe", make_probe(**changes))
    assert str(caught.value).count(".") <= 2


@pytest.mark.parametrize("key", ["tool", "lti", "Ünï", "a-b", "", "ltitools"])
def test_a_key_that_is_taken_or_no_word_is_refused(key: str) -> None:
    with pytest.raises(PluginError, match="cannot be used"):
        check(key, make_probe(key=key, blueprint=None))


def test_something_else_than_a_plugin_is_refused() -> None:
    with pytest.raises(PluginError, match=r"is no ltitools\.plugin\.Plugin"):
        check("probe", object())


def test_two_plugins_cannot_share_a_key_or_their_tables() -> None:
    with pytest.raises(PluginError, match="Two plugins have the key 'probe'"):
        arrange([("probe", make_probe()), ("probe", make_probe())])
    with pytest.raises(PluginError, match="would share table names"):
        arrange([("probe", make_probe()), ("probe_two", make_probe(key="probe_two", blueprint=None))])


def test_a_blueprint_has_the_name_of_its_plugin() -> None:
    with pytest.raises(PluginError, match="must have the plugin's name"):
        check("other", make_probe(key="other"))


@pytest.mark.parametrize("name", ltitools.plugin.__all__)
def test_every_export_says_what_it_is(name: str) -> None:
    exported = getattr(ltitools.plugin, name)
    if inspect.isclass(exported) or inspect.ismodule(exported) or inspect.isfunction(exported):
        assert inspect.getdoc(exported), f"{name} has no docstring"


def test_a_removed_plugin_leaves_the_host_and_its_own_tables_alone(app: Flask, start_app: Any) -> None:
    """The installed tools have migrated; without them everything still starts, and their rows stay."""
    without = start_app([make_probe()])
    with without.app_context(), db.engine.begin() as connection:
        assert upgrade(connection) == []
        assert pending(connection) == []
        assert inspect_database(connection).has_table("diagnostic_attempt")
    assert without.test_client().get("/readyz").status_code == 200
    with app.app_context(), db.engine.begin() as connection:
        assert pending(connection) == []
