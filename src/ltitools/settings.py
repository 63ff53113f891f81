"""What can be configured: ``config/default.toml``, then the file named by ``LTITOOLS_CONFIG``, then variables."""

from __future__ import annotations

import dataclasses
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ltitools.errors import SettingsError

CONFIG_FOLDER = Path(__file__).parent / "config"
PREFIX = "LTITOOLS_"
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
LAYERS = ("cookie", "storage", "platform", "name", "window")
"""What may tie a launch to the browser in which its login began, in the order in which it is tried."""


@dataclass(frozen=True)
class Settings:
    """The settings, by the names and with the meanings of ``config/default.toml``."""

    database_url: str
    secret_key: str = dataclasses.field(repr=False)
    former_secret_keys: str = dataclasses.field(repr=False)
    public_url: str
    allow_private_network: bool
    ca_file: str
    http_connect_timeout: float
    http_read_timeout: float
    http_total_timeout: float
    http_max_bytes: int
    clock_tolerance: int
    login_lifetime: int
    launch_hours: int
    launch_layers: str
    launch_log_days: int
    console_hours: int
    oidc_issuer: str
    oidc_client_id: str
    oidc_client_secret: str = dataclasses.field(repr=False)
    max_request_bytes: int
    max_file_bytes: int
    max_files_bytes: int
    worker_threads: int
    worker_poll_seconds: float
    log_level: str

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None, **changes: Any) -> Settings:
        """Read the settings; `changes` win over everything. Raises SettingsError with one sentence."""
        environ = os.environ if environ is None else environ
        values = _read(CONFIG_FOLDER / "default.toml")
        known = set(values)
        if own := environ.get(PREFIX + "CONFIG"):
            own_values = _read(Path(own))
            if unknown := set(own_values) - known:
                raise SettingsError(f"{own} sets {', '.join(sorted(unknown))}, which ltitools does not know.")
            values |= own_values
        for name in known:
            if (text := environ.get(PREFIX + name.upper())) is not None:
                values[name] = _convert(name, text, values[name])
        settings = cls(**{**values, **changes})
        if settings.log_level not in LOG_LEVELS:
            raise SettingsError(f"The log level must be one of {', '.join(LOG_LEVELS)}; it is {settings.log_level!r}.")
        if not settings.layers or settings.layers - set(LAYERS):
            raise SettingsError(
                f"launch_layers must name some of {', '.join(LAYERS)}; it is {settings.launch_layers!r}."
            )
        return dataclasses.replace(settings, public_url=settings.public_url.rstrip("/"))

    @cached_property
    def layers(self) -> frozenset[str]:
        """The names in `launch_layers`."""
        return frozenset(self.launch_layers.replace(",", " ").split())

    def check_for_serving(self) -> None:
        """Refuse to serve with a configuration that would lose keys or send people to nowhere."""
        if len(self.secret_key) < 32:
            raise SettingsError(
                "LTITOOLS_SECRET_KEY is missing or shorter than 32 characters: make one with"
                " `python3 -c 'import secrets; print(secrets.token_urlsafe(48))'` and keep it with the data."
            )
        parts = urlsplit(self.public_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path:
            raise SettingsError(
                "LTITOOLS_PUBLIC_URL must be the address of this server without a path,"
                f" such as https://tools.example.edu; it is {self.public_url!r}."
            )
        if parts.scheme == "http" and not is_localhost(parts.hostname):
            raise SettingsError("LTITOOLS_PUBLIC_URL must begin with https:// outside localhost.")


def is_localhost(host: str | None) -> bool:
    """Whether `host` is loopback by name (RFC 6761): ``localhost`` and everything below it."""
    name = (host or "").lower().rstrip(".")
    return name == "localhost" or name.endswith(".localhost")


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"The configuration file {path} cannot be read: {error.strerror}.") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"The configuration file {path} is not valid TOML: {error}.") from error


def _convert(name: str, text: str, default: Any) -> Any:
    """`text` as the type of the setting's default."""
    if isinstance(default, bool):
        if text.lower() in ("1", "true", "yes", "on"):
            return True
        if text.lower() in ("0", "false", "no", "off", ""):
            return False
        raise SettingsError(f"{PREFIX}{name.upper()} must be 1 or 0; it is {text!r}.")
    try:
        return type(default)(text)
    except ValueError as error:
        raise SettingsError(f"{PREFIX}{name.upper()} must be a number; it is {text!r}.") from error
