"""A bank of questions as the CSV file that `importing` reads back to the same bank."""

from __future__ import annotations

import re
from decimal import Decimal

from ltitools_diagnostic.columns import ALWAYS, COLUMNS, LETTERS, lettered_answers
from ltitools_diagnostic.csvfile import write_rows
from ltitools_diagnostic.importing import wordings_of
from ltitools_diagnostic.items import CHOICES, FULL, TRUE, Bank, Between, Item, Kind, Near, NumberAnswer, Wording


def to_csv(bank: Bank) -> bytes:
    """`bank` as a file to download, edit and upload again, with the columns that it uses."""
    titles = {competency.code: competency.titles for competency in bank.competencies}
    rows = [_row(item, titles[item.competency]) for item in bank.items]
    used = ALWAYS | {name for row in rows for name, text in row.items() if text}
    columns = [name for name in COLUMNS if name in used]
    return write_rows([columns, *([row.get(name, "") for name in columns] for row in rows)])


def _row(item: Item, titles: Wording) -> dict[str, str]:
    row = {"id": item.code, "competency": item.competency, "type": item.kind.value, **_answer(item), **_weights(item)}
    wordings = {"competency": titles, **wordings_of(item)}
    for name, wording in wordings.items():
        row |= {f"{name}_{locale}": text for locale, text in wording.items()}
    return row | ({"retired": "yes"} if item.retired else {})


def _weights(item: Item) -> dict[str, str]:
    weights: dict[str, Decimal | None] = {
        letter: option.weight for letter, option in zip(LETTERS, item.options, strict=False)
    }
    weights |= {
        letter: None if answer.weight == FULL else answer.weight for letter, answer in lettered_answers(item).items()
    }
    return {f"weight_{letter}": f"{weight:f}" for letter, weight in weights.items() if weight is not None}


def _answer(item: Item) -> dict[str, str]:
    if item.kind is Kind.TRUEFALSE:
        return {"answer": "true" if item.keys == (TRUE,) else "false"}
    if item.kind is Kind.NUMERIC:
        return _numbers(item)
    if item.kind is Kind.TEXT:
        cells = {
            locale: "|".join(escaped_part(answer.text) for answer in answers) for locale, answers in item.texts.items()
        }
        return {"answer": cells.get("en", ""), "answer_fr": cells.get("fr", "")}
    return {"answer": ";".join(LETTERS[key] for key in item.keys)} if item.kind in CHOICES else {}


def _numbers(item: Item) -> dict[str, str]:
    tolerances = {str(answer.accepts.tolerance) for answer in item.numbers if isinstance(answer.accepts, Near)}
    common = tolerances.pop() if len(tolerances) == 1 else ""
    return {"answer": "|".join(_number(answer, common) for answer in item.numbers), "tolerance": common}


def _number(answer: NumberAnswer, common: str) -> str:
    accepts = answer.accepts
    if accepts is None:
        return "*"
    if isinstance(accepts, Between):
        return f"{accepts.low:f}..{accepts.high:f}"
    return f"{accepts.value:f}" if common else f"{accepts.value:f}:{accepts.tolerance}"


def escaped_part(text: str) -> str:
    """An answer among others in a cell: see how `csvreader` takes them apart."""
    return re.sub(r"\\(?=[\\|]|$)|(?=\|)", lambda _found: "\\\\" if _found[0] else "\\", text)
