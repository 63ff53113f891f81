"""The form in which the picture of a badge is designed or uploaded, and its words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ltitools.plugin import LazyText
from ltitools_badges.core import design, lettering, pictures
from ltitools_badges.core.design import Design
from ltitools_badges.texts import lazy
from ltitools_badges.views import Mistake

SHAPES: Mapping[str, LazyText] = {
    "circle": lazy("Circle"),
    "rosette": lazy("Rosette"),
    "burst": lazy("Sunburst"),
    "hexagon": lazy("Hexagon"),
    "octagon": lazy("Octagon"),
    "shield": lazy("Shield"),
    "square": lazy("Square"),
    "diamond": lazy("Diamond"),
}
RIBBONS: Mapping[str, LazyText] = {
    "none": lazy("No ribbon"),
    "tails": lazy("Two ends below"),
    "banner": lazy("A band with the small text"),
}
ICONS: Mapping[str, LazyText] = {
    "star": lazy("Star"),
    "check": lazy("Check mark"),
    "cap": lazy("Graduation cap"),
    "book": lazy("Book"),
    "code": lazy("Code"),
    "chart": lazy("Chart"),
    "database": lazy("Data"),
    "gear": lazy("Gear"),
    "bulb": lazy("Light bulb"),
    "flask": lazy("Flask"),
    "pencil": lazy("Pencil"),
    "compass": lazy("Compass"),
    "globe": lazy("Globe"),
    "leaf": lazy("Leaf"),
    "heart": lazy("Heart"),
    "people": lazy("People"),
    "speech": lazy("Speech bubble"),
    "trophy": lazy("Trophy"),
    "rocket": lazy("Rocket"),
    "shield": lazy("Shield with a check mark"),
    "wrench": lazy("Wrench"),
    "plus": lazy("Cross"),
    "scales": lazy("Scales"),
    "flag": lazy("Flag"),
    "mountain": lazy("Mountains"),
    "lock": lazy("Lock"),
    design.NO_ICON: lazy("No icon"),
}
PAIRS: Mapping[str, LazyText] = {
    "0": lazy("Teal and gold"),
    "1": lazy("Navy and orange"),
    "2": lazy("Plum and pink"),
    "3": lazy("Burgundy and cream"),
    "4": lazy("Green and mint"),
    "5": lazy("Slate and sky blue"),
    "6": lazy("Ivory and bronze"),
    "7": lazy("Pale blue and teal"),
}
OWN = "own"
"""The choice of colours where the two fields for colours count."""

_UNUSABLE: Mapping[str, LazyText] = {
    "empty": lazy("Choose a file."),
    "too-large": lazy("The file is too large. A picture may have 4 MB, an SVG file 1 MB."),
    "too-many-pixels": lazy("The picture is larger than %(limit)s pixels. Make it smaller.", limit=pictures.MAX_SIDE),
    "too-small": lazy(
        "The picture is smaller than %(least)s pixels. It would look blurred: choose a larger one.",
        least=pictures.MIN_SIDE,
    ),
    "unknown-kind": lazy("This file is neither a PNG, a JPEG nor an SVG file."),
    "broken": lazy("This file is damaged: it cannot be shown."),
    "blank": lazy("There is nothing to be seen on this picture."),
    "doctype": lazy("This SVG file defines entities. Save it as plain SVG and upload it again."),
    "too-complex": lazy("This SVG file takes too long to draw. Simplify it, or upload it as PNG."),
    "no-size": lazy("This SVG file does not say how large it is. Save it with a viewBox, or upload it as PNG."),
}


@dataclass(frozen=True)
class Drawn:
    """The form of the designer as it was typed. `pair` is the number of a pair of colours, or `OWN`."""

    shape: str
    pair: str
    primary: str
    secondary: str
    text_top: str
    text_main: str
    icon: str
    ribbon: str


def drawn_of(made: Design) -> Drawn:
    """The form with a design."""
    colours = (made.primary, made.secondary)
    pair = str(design.COLOURS.index(colours)) if colours in design.COLOURS else OWN
    return Drawn(pair=pair, **made.to_json())


def read(form: Mapping[str, str]) -> Drawn:
    """What a browser sent; what is missing is as in a design to begin with."""
    first = drawn_of(Design())
    typed = {name: form.get(name, getattr(first, name)) for name in first.__dataclass_fields__}
    for name in ("text_top", "text_main"):
        typed[name] = " ".join(typed[name].replace("\0", "").split())
    typed["primary"], typed["secondary"] = typed["primary"].lower(), typed["secondary"].lower()
    return Drawn(**typed)


def check(drawn: Drawn) -> tuple[Design | None, list[Mistake]]:
    """The design that the form describes, or what is wrong with it. ValueError where no page offers the choice."""
    mistakes = []
    for name, limit in (("text_top", design.MAX_TOP), ("text_main", design.MAX_MAIN)):
        text = getattr(drawn, name)
        if len(text) > limit:
            said = lazy("This is longer than %(limit)s characters. Shorten it.", limit=limit)
            mistakes.append(Mistake(name, said))
        elif signs := lettering.undrawable(text):
            mistakes.append(Mistake(name, lazy("These signs cannot be drawn: %(signs)s", signs=signs)))
    if mistakes:
        return None, mistakes
    primary, secondary = drawn.primary, drawn.secondary
    if drawn.pair != OWN:
        if drawn.pair not in PAIRS:
            raise ValueError("no such pair of colours")
        primary, secondary = design.COLOURS[int(drawn.pair)]
    made = Design(drawn.shape, primary, secondary, drawn.text_top, drawn.text_main, drawn.icon, drawn.ribbon)
    return made, []


def why_unusable(problem: pictures.Unusable) -> LazyText:
    """Why an uploaded file is no picture for a badge, and what to do."""
    if problem.code == "cannot-draw":
        return lazy(
            "This SVG file contains “%(what)s”, which would not look the same everywhere. Convert texts to paths, save"
            " the picture as plain SVG, or upload it as PNG.",
            what=problem.detail,
        )
    return _UNUSABLE[problem.code]
