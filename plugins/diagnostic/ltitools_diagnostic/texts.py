"""The translation domain of this tool, and how a question's wording is shown in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from markupsafe import Markup, escape

from ltitools.plugin import LOCALES, Domain, current_locale

texts = Domain("diagnostic", Path(__file__).parent / "translations")
_ = texts.gettext
lazy = texts.lazy
ngettext = texts.ngettext


def language_shown(wording: Mapping[str, str]) -> str:
    """The language in which `wording` is shown now: the reader's, or else the one that there is."""
    wanted = current_locale()
    return next((locale for locale in (wanted, *LOCALES) if wording.get(locale)), wanted)


def say(wording: Mapping[str, str]) -> str:
    """`wording` in the reader's language, in another one if need be, or nothing."""
    return wording.get(language_shown(wording), "")


def said(wording: Mapping[str, str]) -> Markup:
    """`say` for a page: a text in another language than the page carries its ``lang`` (WCAG 2.2, 3.1.2)."""
    language, text = language_shown(wording), escape(say(wording))
    return text if language == current_locale() else Markup('<span lang="{}">{}</span>').format(language, text)
