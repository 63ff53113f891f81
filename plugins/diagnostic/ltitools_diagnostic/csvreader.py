"""Turns the rows of a CSV file into questions, and says what is wrong with a row, column by column."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from ltitools.plugin import LOCALES, LazyText
from ltitools_diagnostic.columns import LETTERS, MAX_NAME, MAX_TEXT, lettered_answers
from ltitools_diagnostic.csvfile import Findings, Problem, Row, shorten
from ltitools_diagnostic.items import (
    CHOICES,
    EXACT,
    FALSE,
    FULL,
    TRUE,
    Bank,
    Between,
    CompetencyTitles,
    Item,
    Kind,
    Near,
    NumberAnswer,
    Option,
    TextAnswer,
    Tolerance,
    right_by_weight,
)
from ltitools_diagnostic.scoring import normalise, parse_number
from ltitools_diagnostic.texts import lazy

_KINDS = {kind.value: kind for kind in Kind}
_TRUTHS = {"true": TRUE, "vrai": TRUE, "false": FALSE, "faux": FALSE}
_YES = {"yes": True, "oui": True, "true": True, "x": True, "1": True, "no": False, "non": False, "": False}
_YES |= {"false": False, "0": False}
_WITH_OPTIONS = frozenset({Kind.SINGLE, Kind.MULTIPLE, Kind.MATCHING, Kind.ORDERING})


class Reader:
    """Turns rows into items, one after the other: ids must differ, titles of a competency must agree."""

    def __init__(self, findings: Findings, columns: Mapping[int, str], language: str, width: int) -> None:
        self.items: list[tuple[int, Item]] = []
        self._findings = findings
        self._columns = columns
        self._width = width
        self._language = language
        self._answer_language = "en" if "answer_fr" in columns.values() else language
        self._codes: dict[str, str] = {}
        self._titles: dict[str, dict[str, str]] = {}
        self._rows_by_id: dict[str, int] = {}
        self._without_id: dict[str, int] = {}
        self._row = Row(0, ())
        self._cells: dict[str, str] = {}

    def bank(self) -> Bank:
        """The questions without an error, and the competencies that these belong to."""
        used = {item.competency for _number, item in self.items}
        competencies = [
            CompetencyTitles(code, titles or {self._language: code})
            for code, titles in self._titles.items()
            if code in used
        ]
        return Bank(tuple(competencies), tuple(item for _number, item in self.items))

    def take(self, row: Row) -> None:
        """Read one row: an item more, or errors more."""
        self._row = row
        self._cells = {name: row.cells[at] if at < len(row.cells) else "" for at, name in self._columns.items()}
        before = len(self._findings.errors)
        self._check_shape()
        competency = self._competency()
        code = self._id(competency)
        question = self._wording("question")
        if not question:
            self._error("question", lazy("The question is empty. Write it in at least one language."))
        options = self._options()
        kind = self._kind(options)
        if kind is None:
            return
        item = Item(code, competency, kind, question, self._wording("outcome"), feedback=self._wording("feedback"))
        item = replace(self._with_key(item, options), retired=self._retired())
        if len(self._findings.errors) == before:
            self.items.append((row.number, item))

    def _cell(self, name: str) -> str:
        return self._cells.get(name, "")

    def _wording(self, name: str) -> dict[str, str]:
        found = {locale: self._cell(f"{name}_{locale}") for locale in LOCALES}
        return {locale: text for locale, text in found.items() if text}

    def _error(self, column: str, text: LazyText, value: str = "") -> None:
        self._findings.errors.append(Problem(text, self._row.number, column, shorten(value)))

    def _warn(self, column: str, text: LazyText, value: str = "") -> None:
        self._findings.warnings.append(Problem(text, self._row.number, column, shorten(value)))

    def _check_shape(self) -> None:
        surplus = [cell for cell in self._row.cells[self._width :] if cell]
        if surplus:
            self._error(
                "",
                lazy(
                    "This row has more values than there are columns. Put a text that contains the separator "
                    "in quotation marks."
                ),
                surplus[0],
            )
        for name, text in self._cells.items():
            limit = MAX_NAME if name in ("id", "competency") else MAX_TEXT
            if len(text) > limit:
                self._error(name, lazy("This is longer than %(limit)s characters. Shorten it.", limit=limit), text)

    def _retired(self) -> bool:
        typed = self._cell("retired")
        if typed.casefold() not in _YES:
            text = lazy("Write yes for a question that is not to be asked any more; else leave this empty.")
            self._error("retired", text, typed)
        return _YES.get(typed.casefold(), False)

    def _competency(self) -> str:
        typed = " ".join(self._cell("competency").split())
        if not typed:
            self._error("competency", lazy("The competency is empty. Write a short code, the same in all its rows."))
            return ""
        code = self._codes.setdefault(typed.casefold(), typed)
        known = self._titles.setdefault(code, {})
        for locale, title in self._wording("competency").items():
            if known.setdefault(locale, title) != title:
                self._warn(
                    f"competency_{locale}",
                    lazy("An earlier row gives this competency another title, which is used: “%(title)s”.",
                         title=shorten(known[locale])),
                    title,
                )  # fmt: skip
        return code

    def _id(self, competency: str) -> str:
        code = self._cell("id")
        if not code:
            self._without_id[competency] = self._without_id.get(competency, 0) + 1
            code = f"{competency}-{self._without_id[competency]}"
        first = self._rows_by_id.setdefault(code, self._row.number)
        if first != self._row.number:
            self._error("id", lazy("Row %(row)s already has this id. Give each question its own.", row=first), code)
        return code

    def _options(self) -> dict[str, Option]:
        options: dict[str, Option] = {}
        for letter in LETTERS:
            weight = self._weight(letter)
            text, reason, match = (self._wording(f"{name}_{letter}") for name in ("option", "reason", "match"))
            if text or reason or match or weight is not None:
                options[letter] = Option(text, reason, weight, match)
        return options

    def _weight(self, letter: str) -> Decimal | None:
        typed = self._cell(f"weight_{letter}")
        weight = parse_number(typed.removesuffix("%"))
        if typed and (weight is None or abs(weight) > FULL):
            text = lazy("The weight must be a percentage from -100 to 100, such as 50 or -25.")
            self._error(f"weight_{letter}", text, typed)
            return FULL
        return weight

    def _kind(self, options: Mapping[str, Option]) -> Kind | None:
        typed = re.sub(r"[^a-z]", "", self._cell("type").casefold())
        if typed in _KINDS:
            return _KINDS[typed]
        if self._cell("type"):
            text = lazy("The type must be single, multiple, truefalse, numeric, text, matching or ordering.")
            self._error("type", text, self._cell("type"))
            return None
        answer = self._cell("answer") or self._cell("answer_fr")
        if any(option.match for option in options.values()):
            return Kind.MATCHING
        if any(option.text for option in options.values()):
            all_or_nothing = answer or any(option.weight == FULL for option in options.values())
            return Kind.SINGLE if all_or_nothing and len(_letters(answer)) < 2 else Kind.MULTIPLE
        if answer.casefold() in _TRUTHS:
            return Kind.TRUEFALSE
        first = _parts(answer)[0].partition("..")[0].partition(":")[0]
        return Kind.TEXT if parse_number(first) is None else Kind.NUMERIC

    def _with_key(self, item: Item, options: dict[str, Option]) -> Item:
        written = {letter: each for letter, each in options.items() if each.text}
        if item.kind is Kind.MATCHING:
            item = self._with_matches(item, options)
        elif item.kind is Kind.ORDERING:
            self._check_options(written)
            item = replace(item, options=tuple(Option(each.text, {}) for each in written.values()))
        elif item.kind in CHOICES and any(each.weight is not None for each in written.values()):
            item = self._with_weights(item, written)
        elif not (self._cell("answer") or (item.kind is Kind.TEXT and self._cell("answer_fr"))):
            self._error("answer", lazy("The answer is empty. Write the right answer here."))
        elif item.kind is Kind.TRUEFALSE:
            item = self._with_truth(item, options)
        elif item.kind is Kind.NUMERIC:
            item = self._with_numbers(item, options)
        elif item.kind is Kind.TEXT:
            item = self._with_texts(item, options)
        else:
            item = self._with_choices(item, written)
        self._tell_unused(item, options)
        return item

    def _check_options(self, options: Mapping[str, Option]) -> None:
        if len(options) < 2:
            self._error("option_b", lazy("A question of this type needs at least two options."))
        for locale in LOCALES:
            self._check_different(locale, options)

    def _named(self, item: Item, options: Mapping[str, Option]) -> tuple[int, ...]:
        """The options that the answer names."""
        answer = self._cell("answer")
        letters = _letters(answer)
        if any(letter not in options for letter in letters):
            text = lazy("The answer must be the letter of an option of this row, such as b; several as a;c.")
            self._error("answer", text, answer)
        elif item.kind is Kind.SINGLE and len(letters) != 1:
            text = lazy("This question has one right option. Write one letter, or make the type multiple.")
            self._error("answer", text, answer)
        return tuple(sorted({position for position, letter in enumerate(options) if letter in letters}))

    def _with_choices(self, item: Item, options: Mapping[str, Option]) -> Item:
        self._check_options(options)
        return replace(item, options=tuple(options.values()), keys=self._named(item, options))

    def _with_weights(self, item: Item, options: Mapping[str, Option]) -> Item:
        """Options that say what they earn: those that do not earn nothing, and the answer may be left empty."""
        self._check_options(options)
        weights = [option.weight or Decimal(0) for option in options.values()]
        keys = right_by_weight(item.kind, weights)
        if not keys:
            self._error("weight_a", lazy("At least one option must have a weight above 0."))
        named = {position for position, letter in enumerate(options) if letter in _letters(self._cell("answer"))}
        if self._cell("answer") and named != set(keys):
            text = lazy("The weights make other options right than the answer does. Correct one, or leave it empty.")
            self._error("answer", text, self._cell("answer"))
        weighted = zip(options.values(), weights, strict=True)
        return replace(item, options=tuple(replace(each, weight=weight) for each, weight in weighted), keys=keys)

    def _with_matches(self, item: Item, options: Mapping[str, Option]) -> Item:
        prompts = {letter: each for letter, each in options.items() if each.text}
        self._check_options(prompts)
        for letter in (letter for letter, each in prompts.items() if not each.match):
            text = lazy("Write the right answer to option %(letter)s here.", letter=letter)
            self._error(f"match_{letter}_{self._language}", text)
        extra = tuple(each.match for each in options.values() if each.match and not each.text)
        lines = tuple(Option(each.text, {}, match=each.match) for each in prompts.values())
        item = replace(item, options=lines, extra=extra)
        if len(prompts) > 1 and len(item.answers) < 2:
            self._error("match_b", lazy("There must be at least two different answers to choose from."))
        return item

    def _check_different(self, locale: str, options: Mapping[str, Option]) -> None:
        seen: dict[str, str] = {}
        for letter, option in options.items():
            text = " ".join(option.text.get(locale, "").casefold().split())
            if text and seen.setdefault(text, letter) != letter:
                self._error(
                    f"option_{letter}_{locale}",
                    lazy("This option says the same as option %(other)s. Change one of them.", other=seen[text]),
                    option.text[locale],
                )

    def _with_truth(self, item: Item, options: Mapping[str, Option]) -> Item:
        key = _TRUTHS.get(self._cell("answer").casefold())
        if key is None:
            self._error("answer", lazy("The answer must be true or false."), self._cell("answer"))
            return item
        reasons = [options[letter].reason if letter in options else {} for letter in LETTERS[:2]]
        return replace(item, options=tuple(Option({}, reason) for reason in reasons), keys=(key,))

    def _with_numbers(self, item: Item, options: Mapping[str, Option]) -> Item:
        tolerance = self._tolerance("tolerance", self._cell("tolerance")) or EXACT
        numbers, letters = [], iter(LETTERS)
        for part in _parts(self._cell("answer")):
            weight, feedback = _said_of(next(letters, ""), options)
            numbers.append(NumberAnswer(self._accepted(part, tolerance), weight, feedback))
        self._check_earning([answer.weight for answer in numbers])
        return replace(item, numbers=tuple(numbers))

    def _accepted(self, part: str, tolerance: Tolerance) -> Near | Between | None:
        """The numbers that a part of the answer means: ``12.5``, ``12.5:0.1``, ``12..13`` or ``*``."""
        low, is_range, high = (each.strip() for each in part.partition(".."))
        first, last = parse_number(low), parse_number(high)
        if is_range and first is not None and last is not None and first <= last:
            return Between(first, last)
        value, has_own, own = (each.strip() for each in part.partition(":"))
        number = parse_number(value)
        if number is not None:
            return Near(number, (self._tolerance("answer", own) or EXACT) if has_own else tolerance)
        if part != "*":
            text = lazy("The answer must be a number such as 12.5, without a unit, or a range such as 12..13.")
            self._error("answer", text, self._cell("answer"))
        return None

    def _tolerance(self, column: str, typed: str) -> Tolerance | None:
        amount = parse_number(typed.removesuffix("%")) if typed else Decimal(0)
        if amount is None or amount < 0:
            text = lazy("The tolerance must be a number from 0, or a percentage of the answer such as 5%%.")
            self._error(column, text, typed)
            return None
        return Tolerance(amount, typed.endswith("%"))

    def _with_texts(self, item: Item, options: Mapping[str, Option]) -> Item:
        cells = {self._answer_language: self._cell("answer")}
        if self._cell("answer_fr"):
            cells["fr"] = self._cell("answer_fr")
        letters = iter(LETTERS)
        texts: dict[str, tuple[TextAnswer, ...]] = {}
        for locale in LOCALES:
            written = [part for part in _parts(cells.get(locale, "")) if normalise(part)]
            answers = tuple(TextAnswer(part, *_said_of(next(letters, ""), options)) for part in written)
            if answers:
                texts[locale] = answers
        if not texts:
            text = lazy("No answer is left here that a person could type. Write at least one word.")
            self._error("answer", text, self._cell("answer"))
        else:
            self._check_earning([answer.weight for answers in texts.values() for answer in answers])
        return replace(item, texts=texts)

    def _check_earning(self, weights: list[Decimal]) -> None:
        if max(weights) <= 0:
            self._error("weight_a", lazy("At least one answer must have a weight above 0."))

    def _tell_unused(self, item: Item, options: Mapping[str, Option]) -> None:
        kind = item.kind
        typed = lettered_answers(item)
        unused = []
        for letter, option in options.items():
            choice = bool(option.text) and kind in (Kind.SINGLE, Kind.MULTIPLE)
            used = {
                "option": kind in _WITH_OPTIONS,
                "match": kind is Kind.MATCHING,
                "reason": choice or letter in typed or (kind is Kind.TRUEFALSE and letter in LETTERS[:2]),
                "weight": choice or letter in typed,
            }
            there = {"option": option.text, "match": option.match, "reason": option.reason, "weight": option.weight}
            unused += [
                f"{name}_{letter}" for name, value in there.items() if value not in (None, {}) and not used[name]
            ]
        if self._cell("tolerance") and kind is not Kind.NUMERIC:
            unused.append("tolerance")
        if unused:
            text = lazy("A question of this type does not use these columns; they were left out.")
            self._warn("", text, ", ".join(unused))


def _said_of(letter: str, options: Mapping[str, Option]) -> tuple[Decimal, Mapping[str, str]]:
    """What an answer earns, and what is told to people who give it."""
    option = options.get(letter, Option({}, {}))
    return (FULL if option.weight is None else option.weight), option.reason


_PART = re.compile(r"\\([\\|])|(\|)")


def _parts(cell: str) -> list[str]:
    """The answers of a cell, which vertical bars separate; one that belongs to an answer has a backslash in front."""
    parts, at = [""], 0
    for found in _PART.finditer(cell):
        parts[-1] += cell[at : found.start()] + (found[1] or "")
        parts += [""] if found[2] else []
        at = found.end()
    parts[-1] += cell[at:]
    return [part.strip() for part in parts]


def _letters(answer: str) -> list[str]:
    return [letter for letter in re.split(r"[;,|/\s]+", answer.casefold()) if letter]
