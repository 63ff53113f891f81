"""The translation domain of this tool."""

from __future__ import annotations

from pathlib import Path

from ltitools.plugin import Domain

texts = Domain("badges", Path(__file__).parent / "translations")
_ = texts.gettext
lazy = texts.lazy
ngettext = texts.ngettext
