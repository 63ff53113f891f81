"""A tool made for tests, in which things go wrong that do not in the probe."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from ltitools.plugin import Domain, Launch, Plugin, current_launch, files, session

pages = Blueprint("mishaps", __name__)


@pages.post("/keep")
def keep() -> ResponseReturnValue:
    """Keep what the form holds, as a picture."""
    kept = files.put(current_launch().tenant.id, "mishaps", request.form["content"].encode(), "image/png")
    session.commit()
    return kept.id


@pages.get("/crash")
def crash() -> ResponseReturnValue:
    """A fault of the tool."""
    raise RuntimeError("a fault of the tool")


def show(_launch: Launch) -> ResponseReturnValue:
    """The activity."""
    return "Nothing has gone wrong yet."


def make_mishaps() -> Plugin:
    """The tool."""
    texts = Domain("mishaps", Path(__file__).parent / "translations")
    return Plugin(key="mishaps", title=texts.lazy("Mishaps"), on_launch=show, blueprint=pages)
