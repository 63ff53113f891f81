"""A bank of questions as the CSV file that `importing` reads back to the same bank."""

from __future__ import annotations

from collections.abc import Mapping

from ltitools_diagnostic.csvfile import write_rows
from ltitools_diagnostic.importing import COLUMNS, LETTERS
from ltitools_diagnostic.items import TRUE, Bank, Item, Kind, Wording


def to_csv(bank: Bank) -> bytes:
    """`bank` as a file to download, edit and upload again."""
    titles = {competency.code: competency.titles for competency in bank.competencies}
    rows = [_row(item, titles[item.competency]) for item in bank.items]
    return write_rows([COLUMNS, *([row.get(name, "") for name in COLUMNS] for row in rows)])


def _row(item: Item, titles: Wording) -> dict[str, str]:
    row = {"id": item.code, "competency": item.competency, "type": item.kind.value, **_answer(item)}
    wordings: dict[str, Mapping[str, str]] = {
        "competency": titles,
        "outcome": item.outcome,
        "question": item.question,
        "feedback": item.feedback,
    }
    for letter, option in zip(LETTERS, item.options, strict=False):
        wordings |= {f"option_{letter}": option.text, f"reason_{letter}": option.reason}
    for name, wording in wordings.items():
        row |= {f"{name}_{locale}": text for locale, text in wording.items()}
    return row


def _answer(item: Item) -> dict[str, str]:
    if item.kind is Kind.TRUEFALSE:
        return {"answer": "true" if item.keys == (TRUE,) else "false"}
    if item.kind is Kind.NUMERIC:
        return {"answer": f"{item.number:f}", "tolerance": str(item.tolerance)}
    if item.kind is Kind.TEXT:
        return {
            "answer": "|".join(item.accepted.get("en", ())),
            "answer_fr": "|".join(item.accepted.get("fr", ())),
        }
    return {"answer": ";".join(LETTERS[key] for key in item.keys)}
