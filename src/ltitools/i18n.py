"""What people read, in their language: message catalogues, one domain for the host and one for each plugin.

The English text is the message id. Other languages are ``translations/<locale>/<domain>.po`` files, read when
the domain is made; there is no compiled catalogue that could be older than its source. The current locale is a
context variable, so translation works without a request (worker, command line).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from jinja2 import Environment, pass_context
from jinja2.runtime import Context

LOCALES = ("en", "fr")
LOCALE_NAMES = {"en": "English", "fr": "Français"}
_locale: ContextVar[str] = ContextVar("ltitools_locale", default="en")


def current_locale() -> str:
    """The locale that texts are translated to now: one of `LOCALES`."""
    return _locale.get()


def set_locale(locale: str) -> None:
    """Translate to `locale` from now on in this context; the web layer calls it at the start of a request."""
    _locale.set(match_locale(locale))


@contextmanager
def use_locale(locale: str) -> Iterator[None]:
    """Translate to `locale` inside the block."""
    token = _locale.set(match_locale(locale))
    try:
        yield
    finally:
        _locale.reset(token)


def match_locale(*wanted: str | None) -> str:
    """The first of `wanted` that we speak, by language: ``fr_ca``, ``fr-CA`` and ``FR`` are French.

    Moodle sends ``pt_br`` where Canvas sends ``pt-BR``; neither is trusted to be well formed. English else.
    """
    for tag in wanted:
        language = (tag or "").replace("_", "-").split("-")[0].strip().lower()
        if language in LOCALES:
            return language
    return LOCALES[0]


class LazyText:
    """A text that is translated when it is shown, for constants made before anyone's language is known."""

    def __init__(self, translate: Callable[..., str], message: str, values: Mapping[str, Any]) -> None:
        self._translate, self._message, self._values = translate, message, values

    def __str__(self) -> str:
        return self._translate(self._message, **self._values)

    def __html__(self) -> str:
        from markupsafe import escape

        return str(escape(str(self)))

    def __repr__(self) -> str:
        return f"LazyText({self._message!r})"


class Domain:
    """The catalogue of the host or of one plugin: ``<folder>/<locale>/<name>.po``."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self._catalogues: dict[str, Translations] = {}
        self._known: dict[str, frozenset[str]] = {}
        for locale in LOCALES:
            self._catalogues[locale], self._known[locale] = _read(folder / locale / f"{name}.po", locale)

    def has(self, message: str) -> bool:
        """Whether the current locale's catalogue holds the message."""
        return message in self._known[_locale.get()]

    def gettext(self, message: str, /, **values: Any) -> str:
        """`message` in the current locale, with ``%(name)s`` filled in from `values`."""
        text: str = self._catalogues[_locale.get()].ugettext(message)
        return text % values if values else text.replace("%%", "%")

    def ngettext(self, singular: str, plural: str, n: int, /, **values: Any) -> str:
        """The form of the message for `n`, which is available as ``%(n)s``."""
        text: str = self._catalogues[_locale.get()].ungettext(singular, plural, n)
        return text % {"n": n, **values}

    def lazy(self, message: str, /, **values: Any) -> LazyText:
        """`message`, translated when it is shown."""
        return LazyText(self.gettext, message, values)


def _read(path: Path, locale: str) -> tuple[Translations, frozenset[str]]:
    """The catalogue in a file, and the messages (singular forms) that it knows; empty ones where there is no file."""
    if not path.exists():
        return Translations(), frozenset()
    with path.open("rb") as file:
        catalogue = read_po(file, locale=locale)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    known = frozenset(message.id if isinstance(message.id, str) else message.id[0] for message in catalogue)
    return Translations(compiled), known


def install_jinja(env: Environment, default: Domain, prefixes: Mapping[str, Domain]) -> None:
    """Give the templates of `env` the functions ``_`` and ``ngettext``.

    The domain follows from the page's folder: ``diagnostic/start.html`` speaks with ``diagnostic``. What that does
    not know is a text of the layout around it, which is the host's.
    """

    def domain_of(context: Context, message: str) -> Domain:
        own = prefixes.get((context.name or "").partition("/")[0], default)
        return own if own.has(message) else default

    @pass_context
    def gettext(context: Context, message: str, /, **values: Any) -> str:
        return domain_of(context, message).gettext(message, **values)

    @pass_context
    def ngettext(context: Context, singular: str, plural: str, n: int, /, **values: Any) -> str:
        return domain_of(context, singular).ngettext(singular, plural, n, **values)

    env.globals.update(_=gettext, ngettext=ngettext)


host = Domain("ltitools", Path(__file__).parent / "translations")
"""The texts of the host itself."""
