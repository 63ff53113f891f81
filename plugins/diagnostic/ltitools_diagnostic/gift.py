"""Questions in GIFT, the text format of Moodle (https://docs.moodle.org/en/GIFT_format): file, blocks, categories.

Blank lines separate questions, so what is wrong with one of them does not reach the next. How the answer part of a
question is read is in `giftanswers`, how its texts become Markdown in `gifttexts`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ltitools.plugin import LazyText
from ltitools_diagnostic import gifttexts
from ltitools_diagnostic.columns import MAX_NAME
from ltitools_diagnostic.csvfile import MAX_ROWS, Findings, Problem, decode, shorten
from ltitools_diagnostic.giftanswers import Mistake, too_long, with_answers
from ltitools_diagnostic.importing import Imported, only_language
from ltitools_diagnostic.items import Bank, CompetencyTitles, Item, Kind
from ltitools_diagnostic.texts import lazy

GENERAL = "general"
_CATEGORY = "$CATEGORY:"
_ID = re.compile(r"\[id:((?:\\.|[^\]\\])+)\]")
_NOT_ONE_OF_MOODLES = re.compile(r"\$(course|system|cat\w*|module|user)\$|top", re.IGNORECASE)
_NAME_IN_COMMENT = re.compile(r"//\s*question:\s*\d+\s+name:")
_GAP = "_____"
_MAX_BLOCK = 200_000
"""So long may a question be before its HTML is read; what remains of it has the limits of all questions."""


@dataclass(frozen=True)
class _Block:
    """The lines of one question or category without the comments; `line` is the first one, `code` a comment's id."""

    line: int
    text: str
    code: str = ""


def read(data: bytes, language: str = "en") -> Imported:
    """Read a GIFT file; `language` is that of its texts. The `row` of a problem is the first line of its question."""
    findings = Findings()
    text = decode(data, findings)
    reader = _Reader(findings, language)
    for number, block in enumerate(_blocks(unicodedata.normalize("NFC", text or ""))):
        if number > MAX_ROWS:
            findings.errors.append(Problem(_too_many(), block.line))
            break
        reader.take(block)
    if text is not None and not (reader.items or findings.errors or reader.skipped):
        findings.errors.append(Problem(lazy("There is no question in this file.")))
    if reader.items:
        findings.warnings.append(Problem(only_language(language)))
    return Imported(reader.bank(), tuple(findings.errors), tuple(findings.warnings), tuple(reader.skipped))


def _blocks(text: str) -> Iterator[_Block]:
    """The questions and categories of a file. A question with a blank line between its braces stays one."""
    waiting: _Block | None = None
    for block in _paragraphs(text):
        if waiting is not None:
            before, brace, _after = gifttexts.masked(block.text).partition("}")
            if brace and "{" not in before and not block.text.startswith(_CATEGORY):
                yield _Block(waiting.line, f"{waiting.text}\n\n{block.text}", waiting.code or block.code)
                waiting = None
                continue
            yield waiting
        waiting = block if _is_open(block) else None
        if waiting is None:
            yield block
    if waiting is not None:
        yield waiting


def _is_open(block: _Block) -> bool:
    masked = gifttexts.masked(block.text)
    return "{" in masked and "}" not in masked


def _paragraphs(text: str) -> Iterator[_Block]:
    first, lines, code, named = 0, list[str](), "", False
    for number, line in enumerate([*text.splitlines(), ""], start=1):
        bare = line.strip()
        if bare.startswith("//"):
            found = _ID.search(bare)
            code = re.sub(r"\\(.)", r"\1", found[1]).strip() if found else code
            named = named or bool(_NAME_IN_COMMENT.match(bare))
            continue
        if lines and (not bare or bare.startswith(_CATEGORY)):
            yield _Block(first, "\n".join(_without_name(lines) if named else lines), code)
            lines, code, named = [], "", False
        if bare.startswith(_CATEGORY):
            yield _Block(number, bare)
        elif bare:
            first = first if lines else number
            lines.append(bare)
        else:
            code, named = "", False


def _without_name(lines: list[str]) -> list[str]:
    """The lines of a question without the rest of its name: Moodle writes one with line breaks into a comment too,
    of which only the first line is marked as one. The question itself begins with its title.
    """
    title = next((place for place, line in enumerate(lines) if line.startswith("::")), 0)
    return lines[title:]


class _Reader:
    """Turns blocks into items, one after the other."""

    def __init__(self, findings: Findings, language: str) -> None:
        self.items: list[Item] = []
        self.skipped: list[Problem] = []
        self._findings = findings
        self._language = language
        self._titles: dict[str, str] = {}
        self._codes: dict[str, str] = {}
        self._used: set[str] = set()
        self._competency = ""
        self._count = 0

    def bank(self) -> Bank:
        """The questions without an error, and the competencies that these belong to."""
        used = {item.competency for item in self.items}
        competencies = [
            CompetencyTitles(code, {self._language: title}) for code, title in self._titles.items() if code in used
        ]
        return Bank(tuple(competencies), tuple(self.items))

    def take(self, block: _Block) -> None:
        """Read one block: a category, an item more, an error more, or a question that is left out."""
        if block.text.startswith(_CATEGORY):
            self._open_category(block.text.removeprefix(_CATEGORY).strip())
            return
        self._count += 1
        text = gifttexts.masked(block.text)
        title, text = _titled(text)
        shown = shorten(gifttexts.unmasked(title or text).replace("\n", " "))
        try:
            self._take_question(block, title, text, shown)
        except Mistake as mistake:
            self._findings.errors.append(Problem(mistake.text, block.line, "", shown))

    def _take_question(self, block: _Block, title: str, text: str, shown: str) -> None:
        before, opening, rest = text.partition("{")
        answers, closing, after = rest.partition("}")
        reason = _left_out(answers) if closing else None if opening else _no_question()
        if reason is not None and "}" not in before:
            self.skipped.append(Problem(reason, block.line, "", shown))
            return
        if not opening or not closing:
            raise Mistake(
                lazy(r"A brace of this question has no partner. Write braces that belong to a text as \{ and \}.")
            )
        if "{" in after or "}" in before + after:
            raise Mistake(lazy(
                r"This question has more than one part in braces. Leave an empty line between questions, and write "
                r"braces that belong to a text as \{ and \}."
            ))  # fmt: skip
        if len(text) > _MAX_BLOCK:
            raise too_long()
        reader = gifttexts.Texts(self._language)
        gap = f"{before}{_GAP}{after}" if after.strip() else before
        question = reader.question(gap)
        if not question:
            raise Mistake(lazy("The question is empty. Write it before the braces."))
        answers, _mark, feedback = answers.partition("####")
        item = Item("", "", Kind.SINGLE, question, feedback=reader.wording(feedback))
        item = with_answers(item, answers.strip(), reader, lambda text: self._warn(block, shown, text))
        if reader.lost:
            lost = ", ".join(sorted(reader.lost))
            text_lost = lazy(
                "Formatting that is not kept here was left out: %(elements)s. Check the text.", elements=lost
            )
            self._warn(block, shown, text_lost)
        self.items.append(self._placed(item, block, title))

    def _warn(self, block: _Block, shown: str, text: LazyText) -> None:
        self._findings.warnings.append(Problem(text, block.line, "", shown))

    def _placed(self, item: Item, block: _Block, title: str) -> Item:
        """The question with its own code, in the competency of the category that is open."""
        if not self._competency:
            self._competency = self._codes[GENERAL] = GENERAL
            self._titles[GENERAL] = {"en": "General", "fr": "Général"}[self._language]
            text = lazy("Questions before the first category belong to the competency “general”.")
            self._findings.warnings.append(Problem(text, block.line))
        wanted = block.code or _slug(gifttexts.unmasked(title)) or f"gift-{self._count}"
        return replace(item, code=_free(wanted, self._used), competency=self._competency)

    def _open_category(self, path: str) -> None:
        """Questions from here on belong to the competency of this category; its last part is the title."""
        parts = [part.replace("\0", "/").strip() for part in path.replace("//", "\0").split("/")]
        parts = [part for part in parts if part and not _NOT_ONE_OF_MOODLES.fullmatch(part)]
        if not parts:
            self._competency = ""
            return
        key = "/".join(parts)
        if key not in self._codes:
            self._codes[key] = _free("-".join(filter(None, map(_slug, parts))) or "category", set(self._codes.values()))
            self._titles[self._codes[key]] = parts[-1]
        self._competency = self._codes[key]


def _titled(text: str) -> tuple[str, str]:
    """The name of a question between two pairs of colons, and the rest."""
    if not text.startswith("::"):
        return "", text
    title, colons, rest = text[2:].partition("::")
    return (title.strip(), rest) if colons else ("", text)


def _left_out(answers: str) -> LazyText | None:
    if answers.partition("####")[0].strip():
        return None
    return lazy("This is an essay question. An essay cannot be scored here.")


def _no_question() -> LazyText:
    return lazy("This is a text without a question. Put it into the question that it belongs to.")


def _slug(text: str) -> str:
    bare = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", bare).strip("-")[: MAX_NAME - 8].strip("-")


def _free(wanted: str, used: set[str]) -> str:
    """`wanted`, or the first of ``wanted-2``, ``wanted-3`` … that is not used; it is used from now on."""
    code, number = wanted[: MAX_NAME - 8], 1
    while code in used:
        number += 1
        code = f"{wanted[: MAX_NAME - 8]}-{number}"
    used.add(code)
    return code


def _too_many() -> LazyText:
    return lazy("There are more than %(limit)s questions. Split the file into several ones.", limit=MAX_ROWS)
