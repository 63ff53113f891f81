"""Reading what strangers hand in, within limits: no document may cost more than it is worth before it is checked."""

import json
from collections.abc import Mapping
from typing import Any

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32
MAX_OBJECTS = 1000


class Unreadable(ValueError):
    """Not a JSON object, or not one that means the same to everybody."""


class TooComplex(ValueError):
    """Larger, deeper or with more parts than any badge has a reason to be."""


def json_object(text: str) -> dict[str, Any]:
    """The object that a text holds. A member that comes twice is refused, as it is read differently elsewhere."""
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError as cause:
        raise Unreadable("not Unicode") from cause
    if size > MAX_BYTES:
        raise TooComplex("bytes")
    try:
        found = json.loads(text, object_pairs_hook=_once, parse_constant=_refused)
    except RecursionError as cause:
        raise TooComplex("depth") from cause
    except ValueError as cause:
        raise Unreadable(str(cause)) from cause
    if not isinstance(found, dict):
        raise Unreadable("not an object")
    limited(found)
    return found


def limited(document: Mapping[str, Any]) -> None:
    """Raise TooComplex or Unreadable where a document that was parsed elsewhere is over the limits."""
    level: list[Any] = [document]
    objects = 0
    for _ in range(MAX_DEPTH):
        objects += sum(isinstance(value, Mapping) for value in level)
        if objects > MAX_OBJECTS:
            raise TooComplex("objects")
        level = [inner for value in level for inner in _inside(value)]
        if not level:
            return
    raise TooComplex("depth")


def _inside(value: Any) -> list[Any]:
    """The values within a value, names included. A text that has no UTF-8 form can be neither signed nor shown."""
    if isinstance(value, Mapping):
        return [*value, *value.values()]
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as cause:
            raise Unreadable("half of a character") from cause
    return []


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unreadable("a member twice")
    return found


def _refused(name: str) -> None:
    raise Unreadable(name)
