"""Every text that a person can read is there in French, with the same values in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from ltitools.i18n import Domain, match_locale, use_locale

ROOT = Path(__file__).parent.parent.parent
SOURCE = ROOT / "src" / "ltitools"
BADGES = ROOT / "plugins" / "badges" / "ltitools_badges"
DIAGNOSTIC = ROOT / "plugins" / "diagnostic" / "ltitools_diagnostic"
KEYWORDS = {"_": None, "lazy": None, "ngettext": (1, 2)}
METHODS = [("**/templates/**.html", "jinja2"), ("**.py", "python")]
DOMAINS = {
    "ltitools": (SOURCE, SOURCE / "translations"),
    "demo_lms": (SOURCE / "demo_lms", SOURCE / "demo_lms" / "translations"),
    "badges": (BADGES, BADGES / "translations"),
    "diagnostic": (DIAGNOSTIC, DIAGNOSTIC / "translations"),
}


def texts_in(folder: Path, left_out: Path | None = None) -> set[str | tuple[str, ...]]:
    found = extract_from_dir(str(folder), METHODS, keywords=KEYWORDS)
    return {
        message
        for file, _line, message, _comments, _context in found
        if left_out is None or not (folder / file).is_relative_to(left_out)
    }


def catalogue_of(domain: str) -> dict[str | tuple[str, ...], Message]:
    path = DOMAINS[domain][1] / "fr" / f"{domain}.po"
    with path.open("rb") as file:
        return {message.id: message for message in read_po(file) if message.id}


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_text_has_a_french_one_and_none_is_left_over(domain: str) -> None:
    source = DOMAINS[domain][0]
    wanted = texts_in(source, SOURCE / "demo_lms" if domain == "ltitools" else None)
    assert wanted, "no text was found: the extraction is broken"
    catalogue = catalogue_of(domain)
    translated = {key for key, message in catalogue.items() if all(strings(message)) and not message.fuzzy}
    assert wanted - translated == set(), "not translated"
    assert set(catalogue) - wanted == set(), "translated, but nowhere used"


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_french_text_has_the_same_values_in_it(domain: str) -> None:
    for key, message in catalogue_of(domain).items():
        originals = key if isinstance(key, tuple) else (key,)
        names = {name for original in originals for name in re.findall(r"%\((\w+)\)", original)}
        for text in strings(message):
            assert set(re.findall(r"%\((\w+)\)", text)) <= names, text
            if not isinstance(key, tuple):
                assert set(re.findall(r"%\((\w+)\)", text)) == names, text


@pytest.mark.parametrize("domain", DOMAINS)
def test_french_typography_is_kept(domain: str) -> None:
    """A space that must not break before ``? ! : ;`` and inside guillemets, and a curved apostrophe."""
    for message in catalogue_of(domain).values():
        for text in strings(message):
            assert not re.search(r"(?<=[\w)»]) [?!:;](?:\s|$)", text), text
            assert not re.search(r"« | »", text), text
            assert "'" not in text, text


def strings(message: Message) -> Iterator[str]:
    yield from message.string if isinstance(message.string, tuple) else (message.string,)


def test_a_text_is_translated_when_it_is_shown() -> None:
    host = Domain("ltitools", SOURCE / "translations")
    text = host.lazy("Choose a tool")
    assert str(text) == "Choose a tool"
    with use_locale("fr_CA"):
        assert str(text) == "Choisir un outil"
    assert str(text) == "Choose a tool"


@pytest.mark.parametrize(
    ("wanted", "locale"),
    [("fr", "fr"), ("fr_ca", "fr"), ("FR-CA", "fr"), ("pt_br", "en"), ("", "en"), (None, "en"), ("zh_cn", "en")],
)
def test_a_platforms_idea_of_a_locale_is_understood(wanted: str | None, locale: str) -> None:
    assert match_locale(wanted) == locale
