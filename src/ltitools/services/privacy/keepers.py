"""The installed tools, as far as they keep something of people."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from flask import current_app


class Keeper(Protocol):
    """What this package uses of a tool."""

    @property
    def models(self) -> Sequence[Any]:
        """Its tables."""

    @property
    def export_person(self) -> Callable[[int, int], Mapping[str, Any]] | None:
        """Gives what it keeps of a person."""

    @property
    def erase_person(self) -> Callable[[int, int], None] | None:
        """Removes that, or makes it anonymous."""


def keepers() -> Mapping[str, Keeper]:
    """The tools by key."""
    found: Mapping[str, Keeper] = current_app.extensions["ltitools.plugins"]
    return found


def tables_of(keeper: Keeper) -> frozenset[str]:
    """The names of a tool's tables."""
    return frozenset(str(model.__tablename__) for model in keeper.models)
