"""How public pages write days, numbers, and the Markdown of criteria."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import lru_cache

from babel.dates import format_date
from markdown_it import MarkdownIt
from markupsafe import Markup

from ltitools.plugin import current_locale
from ltitools_badges.texts import _, ngettext


def day(moment: datetime | None) -> str:
    """``22 November 2026``, in the reader's language; times in credentials are in UTC, and so is this."""
    return format_date(moment.date(), "d MMMM y", locale=current_locale()) if moment else ""


def markdown(text: str) -> Markup:
    """`text` as blocks. HTML in it is text, addresses are web pages only, and there are no pictures or headings.

    Headings would break the outline of the page around it.
    """
    return Markup(_parser().render(text))  # noqa: S704  (the parser has escaped every tag of the author's)


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False})
    # The library says to replace this method.
    parser.validateLink = lambda url: url.startswith(("https://", "http://"))  # type: ignore[method-assign]
    return parser.disable(["image", "heading", "lheading", "html_block", "html_inline"])


def number(value: Decimal) -> str:
    """A number as short as it is: ``7.5``, in French ``7,5``."""
    text = format(value.normalize() + 0, "f")
    return text.replace(".", ",") if current_locale() == "fr" else text


def hours(value: Decimal) -> str:
    """A number of hours in words."""
    if value == int(value):
        return ngettext("%(n)s hour", "%(n)s hours", int(value))
    return _("%(number)s hours", number=number(value))
