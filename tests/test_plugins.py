"""The contract of plugins: what start-up refuses, what is exported, and that one plugin does not hang on another."""

from __future__ import annotations

import inspect
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, cast

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from click.testing import CliRunner
from flask import Blueprint, Flask, render_template, url_for
from sqlalchemy import Table, select, text
from sqlalchemy import inspect as inspect_database
from sqlalchemy.orm import Mapped, mapped_column

import ltitools.plugin
from hello import write_hello
from ltitools import scaffold
from ltitools.cli import cli
from ltitools.db import Base, db, session
from ltitools.errors import Conflict, PluginError
from ltitools.i18n import Domain
from ltitools.migrations import pending, upgrade
from ltitools.models import EventDelivery
from ltitools.plugin import audit, console
from ltitools.plugins import GROUP, arrange, check, discover
from ltitools.services import activities, administrators, tenants
from ltitools.testing import PUBLIC_URL, Platform, deliver, error_code, hidden_fields, writing
from probe import make_probe

ROOT = Path(__file__).parent.parent


def test_the_installed_tools_keep_the_contract() -> None:
    assert list(discover()) == sorted(entry.name for entry in entry_points(group=GROUP))


class Stray(Base):
    """A table without the prefix of its plugin."""

    __tablename__ = "stray"

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int]


class Shared(Base):
    """A table that belongs to no institution."""

    __tablename__ = "probe_shared"

    id: Mapped[int] = mapped_column(primary_key=True)


# Tables of this test are no tables of ours.
for model in (Stray, Shared):
    Base.metadata.remove(cast(Table, model.__table__))


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


@pytest.mark.parametrize("key", ["tool", "lti", "page", "Ünï", "a-b", "", "ltitools"])
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


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[Path]:
    """The folder of a tool by a stranger, as an installer leaves it: with tables, a listener, and its entry point.

    Put it on the path, and the tool is installed. Its tables leave this process again.
    """
    package = write_hello(tmp_path / "site") / "ltitools_hello"
    (package / "whole.py").write_text(
        "from dataclasses import replace\n"
        "from ltitools.plugin import ScoreRecorded\n"
        "from ltitools_hello import plugin\n"
        "from ltitools_hello.listening import on_score\n"
        "plugin = replace(plugin, listens={ScoreRecorded: on_score})\n"
    )
    about = package.parent / "ltitools_hello-0.1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: ltitools-hello\nVersion: 0.1.0\n")
    (about / "entry_points.txt").write_text(f"[{GROUP}]\nhello = ltitools_hello.whole:plugin\n")
    yield package.parent
    for name in [name for name in sys.modules if name.startswith("ltitools_hello")]:
        del sys.modules[name]
    if "hello_reading" in Base.metadata.tables:
        Base.metadata.remove(Base.metadata.tables["hello_reading"])


def test_a_tool_by_a_stranger_is_removed_and_comes_back(
    stranger: Path, start_app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Installed, migrated, used, removed, and installed again: nothing is lost, and nobody else notices."""
    platform = Platform()
    opens = {"custom": {"activity": "hello:welcome"}, "resource_link": {"id": "link-1", "title": "Read me first"}}
    course = {"custom": {"activity": "course"}, "resource_link": {"id": "link-2", "title": "All of it"}}

    with monkeypatch.context() as installed:
        installed.syspath_prepend(str(stranger))
        app = start_app()
        assert "hello" in app.extensions["ltitools.plugins"]
        platform.register(app)
        with writing(app):
            activities.create(tenants.by_key("acme").id, "hello", "welcome", "Welcome")
        assert platform.visit(app.test_client(), **opens).post("confirm").status_code == 303
        assert "hello" in waiting_events(app)

    without = start_app()
    assert "hello" not in without.extensions["ltitools.plugins"]
    client = without.test_client()
    assert client.get("/readyz").status_code == 200
    with without.app_context(), db.engine.begin() as connection:
        assert upgrade(connection) == []
        assert connection.scalar(text("SELECT count(*) FROM hello_reading")) == 1
    answer = platform.visit(client, **opens).get()
    assert (answer.status_code, error_code(answer)) == (404, "tool-unknown")
    visit = platform.visit(client, **course)
    page = visit.get(f"/tools/-/{visit.launch_id}/course").get_data(as_text=True)
    assert "Read me first" in page.partition("Not available")[2]
    deliver(without)
    assert waiting_events(without) == ["hello"], "what is meant for it waits"

    with monkeypatch.context() as installed:
        installed.syspath_prepend(str(stranger))
        again = start_app()
        assert "You have read this." in platform.visit(again.test_client(), **opens).get().get_data(as_text=True)
        deliver(again)
        assert waiting_events(again) == []
    platform.close()


def waiting_events(app: Flask) -> list[str]:
    with app.app_context():
        return list(session.scalars(select(EventDelivery.plugin).where(EventDelivery.state == "waiting")))


@pytest.fixture(scope="module")
def scaffolded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``ltitools new-plugin first_steps`` writes."""
    folder = tmp_path_factory.mktemp("new")
    done = CliRunner().invoke(cli, ["new-plugin", "first_steps", "--folder", str(folder)])
    assert done.exit_code == 0, done.output
    written = folder / "ltitools-first-steps"
    for step in (f"pip install --editable {written}", f"pytest {written}", "ltitools demo"):
        assert step in done.output, "it says what comes next"
    return written


def run(*command: str, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=cwd,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_new_tool_is_short_and_passes_its_own_tests(scaffolded: Path) -> None:
    tool = scaffolded / "ltitools_first_steps" / "__init__.py"
    assert len(tool.read_text("utf-8").splitlines()) < 60
    said = run("pytest", "-q", "-W", "error", "-p", "no:cacheprovider", cwd=scaffolded, PYTHONPATH=str(scaffolded))
    assert "3 passed" in said


def test_a_new_tool_has_our_style_and_types(scaffolded: Path, tmp_path: Path) -> None:
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["ruff"]["lint"]
    rules = (f"--select={','.join(ours['select'])}", f"--ignore={','.join(ours['ignore'])}")
    for which in ((), rules):
        run("ruff", "check", "--no-cache", *which, ".", cwd=scaffolded)
    run("ruff", "format", "--no-cache", "--check", ".", cwd=scaffolded)
    path = os.pathsep.join((str(ROOT / "src"), str(scaffolded)))
    own = ("ltitools_first_steps", "tests")
    run("mypy", "--strict", f"--cache-dir={tmp_path}", *own, cwd=scaffolded, MYPYPATH=path)


def test_a_new_tool_can_be_installed_and_keeps_the_contract(scaffolded: Path, tmp_path: Path) -> None:
    source, site = tmp_path / "source", tmp_path / "site"
    shutil.copytree(scaffolded, source)
    quiet = ("--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check")
    run("pip", "install", *quiet, "--target", str(site), str(source), cwd=tmp_path)
    listing = "from ltitools.plugins import discover; print(*discover())"
    path = os.pathsep.join((str(site), *filter(None, [os.environ.get("PYTHONPATH")])))
    done = subprocess.run(
        [sys.executable, "-c", listing],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "first_steps" in done.stdout.split()


def test_every_text_of_a_new_tool_is_there_in_french(scaffolded: Path) -> None:
    package = scaffolded / "ltitools_first_steps"
    methods = [("**/templates/**.html", "jinja2"), ("**.py", "python")]
    found = extract_from_dir(str(package), methods, keywords={"_": None, "lazy": None})
    wanted = {message for _file, _line, message, _comments, _context in found}
    with (package / "translations" / "fr" / "first_steps.po").open("rb") as file:
        translated = {message.id for message in read_po(file) if message.id and message.string}
    assert translated == wanted


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a-b", "'a-b' is not"),
        ("Hello", "'Hello' is not"),
        ("1st", "'1st' is not"),
        ("", "'' is not"),
        ("tool", "belongs to ltitools itself"),
        ("diagnostic", "is installed already"),
        ("diagnostic_two", "would share table names"),
    ],
)
def test_a_name_that_no_tool_can_have_is_refused_in_one_sentence(name: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match=said) as caught:
        scaffold.write(name, tmp_path)
    assert str(caught.value).count(".") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_empty_is_left_as_it_is(tmp_path: Path) -> None:
    own = tmp_path / "ltitools-mine" / "notes.txt"
    own.parent.mkdir()
    own.write_text("mine")
    with pytest.raises(Conflict, match="is there and not empty"):
        scaffold.write("mine", tmp_path)
    assert [each.name for each in own.parent.iterdir()] == ["notes.txt"]


# Pages without a launch ---------------------------------------------------------------------------------------------


def public_pages(*rules: str) -> Blueprint:
    """A blueprint that answers these addresses with its language."""
    pages = Blueprint("probe_public", __name__)
    for number, rule in enumerate(rules):
        pages.add_url_rule(rule, f"page_{number}", lambda **_: render_template("public.html"))
    return pages


def console_pages() -> Blueprint:
    """A page in the console that says whose it is, and a form that changes something."""
    pages = Blueprint("probe_console", __name__)

    @pages.get("/")
    def index() -> str:
        return f"{console.tenant().key} {url_for('probe_console.save')}"

    @pages.post("/save")
    def save() -> Any:
        audit.record("probe.save", "something", console.tenant().id)
        return console.saved("probe_console.index", "It was saved.")

    return pages


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"public": Blueprint("other", __name__)}, "must be named 'probe_public'"),
        ({"console": Blueprint("probe_public", __name__)}, "must be named 'probe_console'"),
        ({"public_paths": ("/a/b",)}, "must be one part"),
        ({"public_paths": ("verify",)}, "must be one part"),
        ({"actions": {"other.save": "Saved"}}, "must begin with 'probe.'"),
    ],
)
def test_pages_that_break_the_contract_are_refused_in_one_sentence(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(PluginError, match=said):
        check("probe", make_probe(**changes))


@pytest.mark.parametrize(
    ("paths", "rules", "said"),
    [
        (("/tools",), ("/tools/mine",), "is taken: '/tools"),
        (("/lti",), (), "is taken: '/lti"),
        (("/healthz",), ("/healthz/mine",), "is taken: '/healthz'"),
        (("/mine",), ("/yours",), "is below none of its public paths"),
        (("/mine",), ("/mineral",), "is below none of its public paths"),
    ],
)
def test_an_address_that_is_taken_or_elsewhere_is_refused_at_start_up(
    start_app: Any, paths: tuple[str, ...], rules: tuple[str, ...], said: str
) -> None:
    with pytest.raises(PluginError, match=said):
        start_app([make_probe(public=public_pages(*rules), public_paths=paths)])


def test_a_page_for_everybody_needs_no_launch_and_speaks_the_language_asked_for(start_app: Any) -> None:
    app = start_app([make_probe(public=public_pages("/mine/<key>"), public_paths=("/mine",))])
    client = app.test_client()
    assert '<html lang="en">' in client.get("/mine/acme").get_data(as_text=True)
    assert '<html lang="fr">' in client.get("/mine/acme?lang=fr").get_data(as_text=True)
    assert '<html lang="fr">' in client.get("/mine/acme", headers={"Accept-Language": "fr"}).get_data(as_text=True)
    assert client.get("/mine/acme?lang=xx").status_code == 200
    assert "Set-Cookie" not in client.get("/mine/acme").headers


def test_pages_of_a_tool_in_the_console_are_for_the_administrators_of_their_institution(start_app: Any) -> None:
    texts = make_probe().texts or Domain("probe", Path(__file__).parent)
    app = start_app([make_probe(console=console_pages(), actions={"probe.save": texts.lazy("Something saved")})])
    platform = Platform()
    platform.register(app)
    platform.close()
    with writing(app):
        tenants.add("beta", "Beta College")
        code = administrators.link_code(administrators.add(tenants.by_key("acme"), "Noor")[0])
    client = app.test_client()
    assert client.get("/console/acme/probe/", base_url=PUBLIC_URL).status_code == 303
    origin = {"Origin": PUBLIC_URL}
    client.post("/console/-/enter", data={"code": code}, base_url=PUBLIC_URL, headers=origin)
    page = client.get("/console/acme/probe/", base_url=PUBLIC_URL).get_data(as_text=True)
    assert page == "acme /console/acme/probe/save"
    assert client.get("/console/beta/probe/", base_url=PUBLIC_URL).status_code == 404
    assert client.post("/console/acme/probe/save", base_url=PUBLIC_URL).status_code == 403, "without a proof"
    overview = client.get("/console/acme/", base_url=PUBLIC_URL).get_data(as_text=True)
    assert '<a href="/console/acme/probe/">Probe</a>' in overview
    form = {"_form": hidden_fields(overview)["_form"]}
    assert client.post("/console/acme/probe/save", data=form, base_url=PUBLIC_URL).status_code == 303
    assert "Something saved" in client.get("/console/acme/log", base_url=PUBLIC_URL).get_data(as_text=True)
    with writing(app):
        tenants.set_plugin_enabled("acme", "probe", False)
    assert client.get("/console/acme/probe/", base_url=PUBLIC_URL).status_code == 404
    assert "/console/acme/probe/" not in client.get("/console/acme/", base_url=PUBLIC_URL).get_data(as_text=True)
