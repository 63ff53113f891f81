"""What is told to a person about a framework that they bring: what, how bad, and where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ltitools.i18n import LazyText

ERROR, WARNING, NOTE = "error", "warning", "note"


@dataclass(frozen=True)
class Finding:
    """One remark, with all the places it is about.

    An error keeps the framework from being taken. A warning is something that was changed or left out, a note
    something that was kept as it is.
    """

    severity: str
    text: LazyText
    places: tuple[str, ...]


@dataclass
class Findings:
    """Remarks in the order in which they were first made; the same remark is one, with several places."""

    _places: dict[tuple[str, str], tuple[LazyText, list[str]]] = field(default_factory=dict)

    def add(self, severity: str, text: LazyText, place: str = "") -> None:
        """Remark something."""
        _, places = self._places.setdefault((severity, str(text)), (text, []))
        if place and place not in places[-1:]:
            places.append(place)

    def error(self, text: LazyText, place: str = "") -> None:
        """Remark what keeps the framework from being taken."""
        self.add(ERROR, text, place)

    def warn(self, text: LazyText, place: str = "") -> None:
        """Remark what was changed or left out."""
        self.add(WARNING, text, place)

    def note(self, text: LazyText, place: str = "") -> None:
        """Remark what is unusual and was kept."""
        self.add(NOTE, text, place)

    def __iter__(self) -> Iterator[Finding]:
        """The remarks, the worst first."""
        order = (ERROR, WARNING, NOTE)
        for (severity, _), (text, places) in sorted(self._places.items(), key=lambda one: order.index(one[0][0])):
            yield Finding(severity, text, tuple(places))

    @property
    def errors(self) -> list[Finding]:
        """Those that keep the framework from being taken."""
        return [one for one in self if one.severity == ERROR]


class Unusable(Exception):
    """A framework cannot be taken as it is; nothing was changed. `findings` say why."""

    def __init__(self, findings: Findings) -> None:
        super().__init__("; ".join(f"{one.text} ({', '.join(one.places[:3])})" for one in findings.errors))
        self.findings = findings
