"""Where settings come from, and which a server refuses to start with."""

from __future__ import annotations

from pathlib import Path

import pytest

from ltitools.errors import SettingsError
from ltitools.secrets import Sealer
from ltitools.settings import Settings, is_localhost

GOOD = {"LTITOOLS_SECRET_KEY": "k" * 40, "LTITOOLS_PUBLIC_URL": "https://tools.example.edu/"}


def test_a_variable_wins_over_the_file_and_the_file_over_the_default(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('clock_tolerance = 30\nworker_threads = 4\nlog_level = "DEBUG"\n')
    settings = Settings.load({"LTITOOLS_CONFIG": str(own), "LTITOOLS_WORKER_THREADS": "2", **GOOD})
    assert (settings.clock_tolerance, settings.worker_threads, settings.log_level) == (30, 2, "DEBUG")
    assert settings.login_lifetime == 600
    assert settings.public_url == "https://tools.example.edu"


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"LTITOOLS_WORKER_THREADS": "many"}, "LTITOOLS_WORKER_THREADS must be a number"),
        ({"LTITOOLS_ALLOW_PRIVATE_NETWORK": "maybe"}, "must be 1 or 0"),
        ({"LTITOOLS_CONFIG": "/nowhere/at/all.toml"}, "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_sentence(environ: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        Settings.load(environ)


def test_an_unknown_setting_is_named(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text("clok_tolerance = 30\n")
    with pytest.raises(SettingsError, match="clok_tolerance"):
        Settings.load({"LTITOOLS_CONFIG": str(own)})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"LTITOOLS_SECRET_KEY": ""}, "LTITOOLS_SECRET_KEY is missing"),
        ({"LTITOOLS_SECRET_KEY": "short"}, "LTITOOLS_SECRET_KEY is missing or shorter"),
        ({"LTITOOLS_PUBLIC_URL": ""}, "must be the address of this server"),
        ({"LTITOOLS_PUBLIC_URL": "https://tools.example.edu/path"}, "without a path"),
        ({"LTITOOLS_PUBLIC_URL": "http://tools.example.edu"}, "must begin with https"),
    ],
)
def test_a_server_does_not_start_with_what_would_lose_keys_or_people(changes: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        Settings.load({**GOOD, **changes}).check_for_serving()


def test_localhost_may_be_served_without_tls() -> None:
    Settings.load({**GOOD, "LTITOOLS_PUBLIC_URL": "http://tool.localhost:8000"}).check_for_serving()
    assert is_localhost("TOOL.localhost.")
    assert not is_localhost("localhost.example")


def test_the_secret_key_is_in_no_representation() -> None:
    assert "kkkk" not in repr(Settings.load(GOOD))


def test_what_is_sealed_opens_with_its_own_key_and_purpose_only() -> None:
    sealed = Sealer("a" * 40).seal("one", "secret")
    assert Sealer("a" * 40).open("one", sealed) == "secret"
    assert "secret" not in sealed
    for other in (Sealer("a" * 40), Sealer("b" * 40)):
        with pytest.raises(SettingsError):
            other.open("two", sealed)


def test_a_signature_fits_its_text_and_purpose_only() -> None:
    sealer = Sealer("a" * 40)
    code = sealer.sign("form", "text")
    assert sealer.signature_fits("form", "text", code)
    assert not sealer.signature_fits("form", "other", code)
    assert not sealer.signature_fits("link", "text", code)
    assert not sealer.signature_fits("form", "text", "é")
