"""Pages on which instructors write questions: the questions of a draft, a single one, and its competencies."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from flask import abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from ltitools.plugin import LOCALES, Launch, LazyText, Refused, current_locale, session, use_locale
from ltitools_diagnostic import asking, drafts, editing, pictures, review, versions
from ltitools_diagnostic.columns import MAX_NAME, MAX_TEXT
from ltitools_diagnostic.drafts import Entry, Group
from ltitools_diagnostic.editing import Sheet
from ltitools_diagnostic.items import Bank, Item, Kind
from ltitools_diagnostic.models import Version
from ltitools_diagnostic.sitting import Question
from ltitools_diagnostic.texts import _, lazy
from ltitools_diagnostic.views import Mistake, page, pages
from ltitools_diagnostic.views_instructor import LANGUAGES, MAX_TITLE, editing_launch, new_activity, own_draft

KINDS: dict[Kind, LazyText] = {
    Kind.SINGLE: lazy("One right option"),
    Kind.MULTIPLE: lazy("Several right options"),
    Kind.TRUEFALSE: lazy("True or false"),
    Kind.NUMERIC: lazy("A number"),
    Kind.TEXT: lazy("A word or a few"),
    Kind.MATCHING: lazy("Matching"),
    Kind.ORDERING: lazy("Ordering"),
}
SAVING = ("save", "next")
_ACTION = re.compile(r"(up|down|copy|retire|back)-([0-9]{1,12})")


@dataclass(frozen=True)
class Preview:
    """A question as people who use one language see it, and its solution."""

    language: LazyText
    locale: str
    html: Markup


@pages.get("/write")
def write() -> ResponseReturnValue:
    """The title of a pre-assessment whose questions are going to be written here."""
    launch = _picking_launch()
    return page("editor_new", title="", mistakes=(), max_title=MAX_TITLE, picking=launch.activity is None)


@pages.post("/write")
def begin_writing() -> ResponseReturnValue:
    """Make a pre-assessment with a draft that has no questions yet."""
    launch = _picking_launch()
    title = _typed("title")
    if not 0 < len(title) <= MAX_TITLE:
        mistakes = [Mistake("title", lazy("Write a title of 1 to %(limit)s characters.", limit=MAX_TITLE))]
        return page("editor_new", title=title, mistakes=mistakes, max_title=MAX_TITLE), 422
    draft = versions.keep_draft(launch.tenant.id, new_activity(launch, title), Bank())
    session.commit()
    return redirect(url_for("diagnostic.questions", version_id=draft.id), 303)


@pages.get("/editor/<int:version_id>")
def questions(version_id: int) -> ResponseReturnValue:
    """All questions of a draft by competency, with what can be done with each."""
    version = own_draft(editing_launch(), version_id)
    return _questions_page(version, {}, ())


@pages.post("/editor/<int:version_id>")
def change_questions(version_id: int) -> ResponseReturnValue:
    """Move, copy, retire or bring back one question; the page comes back where that question is."""
    version = _held_draft(editing_launch(), version_id)
    action = _ACTION.fullmatch(request.form.get("do", ""))
    if action is None:
        abort(400)
    shown: int | None = int(action[2])
    assert shown is not None
    if action[1] in ("up", "down"):
        drafts.move(version, shown, -1 if action[1] == "up" else 1)
    elif action[1] == "copy":
        shown = drafts.duplicate(version, shown)
    else:
        drafts.retire(version, shown, action[1] == "retire")
    session.commit()
    return redirect(url_for("diagnostic.questions", version_id=version.id, _anchor=f"question-{shown}"), 303)


@pages.post("/editor/<int:version_id>/competencies")
def add_competency(version_id: int) -> ResponseReturnValue:
    """A new competency."""
    version = _held_draft(editing_launch(), version_id)
    titles, mistakes = _read_titles()
    code = _typed("code") or _code_of(titles)
    if code.casefold() in {group.code.casefold() for group in drafts.groups(version)}:
        mistakes.append(Mistake("code", lazy("Another competency has this code. Write a different one.")))
    if len(code) > MAX_NAME:
        mistakes.append(Mistake("code", lazy("This is longer than %(limit)s characters. Shorten it.", limit=MAX_NAME)))
    if mistakes:
        return _questions_page(version, request.form, mistakes), 422
    drafts.add_competency(version, code, titles)
    session.commit()
    return redirect(url_for("diagnostic.questions", version_id=version.id, _anchor=_anchor_of(code)), 303)


@pages.get("/editor/<int:version_id>/competencies/<int:row_id>")
def competency(version_id: int, row_id: int) -> ResponseReturnValue:
    """The titles of a competency, and the button that removes one without questions."""
    version = own_draft(editing_launch(), version_id)
    group = _group(version, row_id)
    typed = {f"title_{each}": group.titles.get(each, "") for each in LOCALES}
    return _competency_page(version, group, typed, ())


@pages.post("/editor/<int:version_id>/competencies/<int:row_id>")
def change_competency(version_id: int, row_id: int) -> ResponseReturnValue:
    """Give a competency other titles, or remove it."""
    version = _held_draft(editing_launch(), version_id)
    group = _group(version, row_id)
    if request.form.get("go") == "remove":
        drafts.remove_competency(version, row_id)
        session.commit()
        return redirect(url_for("diagnostic.questions", version_id=version.id), 303)
    titles, mistakes = _read_titles()
    if mistakes:
        return _competency_page(version, group, request.form, mistakes), 422
    drafts.rename_competency(version, row_id, titles)
    session.commit()
    return redirect(url_for("diagnostic.questions", version_id=version.id, _anchor=_anchor_of(group.code)), 303)


@pages.get("/editor/<int:version_id>/new")
def choose_kind(version_id: int) -> ResponseReturnValue:
    """From the choice of a kind to the empty question, whose address says which kind it is."""
    row_id, kind = request.args.get("competency", ""), _kind(request.args.get("kind", ""))
    if not (row_id.isdecimal() and len(row_id) < 12):
        abort(400)
    return redirect(url_for("diagnostic.new_question", version_id=version_id, row_id=int(row_id), kind=kind.value), 303)


@pages.get("/editor/<int:version_id>/new/<int:row_id>/<kind>")
def new_question(version_id: int, row_id: int, kind: str) -> ResponseReturnValue:
    """An empty question of the kind that was chosen."""
    version = own_draft(editing_launch(), version_id)
    group = _group(version, row_id)
    return _question_page(version, drafts.groups(version), None, editing.blank(_kind(kind), group.code))


@pages.get("/editor/<int:version_id>/questions/<int:item_id>")
def edit_question(version_id: int, item_id: int) -> ResponseReturnValue:
    """One question, in both languages, and how it looks to learners."""
    version = own_draft(editing_launch(), version_id)
    found = drafts.groups(version)
    entry = _entry(found, item_id)
    if entry is None:
        raise Refused("diagnostic-question-gone", lazy("This question was deleted in the meantime."), 404)
    saved = "saved" in request.args
    return _question_page(version, found, entry, editing.sheet_of(entry.item), shown=entry.item, saved=saved)


@pages.post("/editor/<int:version_id>/new/<int:row_id>/<kind>")
def save_new_question(version_id: int, row_id: int, kind: str) -> ResponseReturnValue:
    """Save a new question; see `save_question`."""
    version = _held_draft(editing_launch(), version_id)
    _group(version, row_id)
    return _take_question(version, None, _kind(kind))


@pages.post("/editor/<int:version_id>/questions/<int:item_id>")
def save_question(version_id: int, item_id: int) -> ResponseReturnValue:
    """Save a question, or show the form again with what the button asked for: more rows, a picture, a preview."""
    version = _held_draft(editing_launch(), version_id)
    return _take_question(version, item_id, _kind(request.form.get("kind", "")))


@pages.get("/editor/<int:version_id>/questions/<int:item_id>/delete")
def ask_to_delete(version_id: int, item_id: int) -> ResponseReturnValue:
    """Whether the question is really to be deleted."""
    version = own_draft(editing_launch(), version_id)
    entry = _entry(drafts.groups(version), item_id)
    if entry is None:
        return redirect(url_for("diagnostic.questions", version_id=version.id), 303)
    return page("editor_delete", version=version, entry=entry)


@pages.post("/editor/<int:version_id>/questions/<int:item_id>/delete")
def delete_question(version_id: int, item_id: int) -> ResponseReturnValue:
    """Delete the question from the draft."""
    version = _held_draft(editing_launch(), version_id)
    drafts.remove(version, item_id)
    session.commit()
    return redirect(url_for("diagnostic.questions", version_id=version.id), 303)


def _picking_launch() -> Launch:
    """A launch that may make a pre-assessment: an activity that is open has its own questions."""
    launch = editing_launch()
    if launch.activity is not None:
        raise Refused("diagnostic-activity-open", lazy("This link opens a pre-assessment already."), 409)
    return launch


def _held_draft(launch: Launch, version_id: int) -> Version:
    """The draft, which nobody else changes before this request is over."""
    version = own_draft(launch, version_id)
    if not drafts.hold(version):
        own_draft(launch, version_id)
    return version


def _kind(name: str) -> Kind:
    if name not in KINDS:
        abort(400)
    return Kind(name)


def _entry(found: Sequence[Group], item_id: int | None) -> Entry | None:
    return next((entry for group in found for entry in group.entries if entry.item_id == item_id), None)


def _group(version: Version, row_id: int) -> Group:
    group = next((group for group in drafts.groups(version) if group.row_id == row_id), None)
    if group is None:
        raise Refused("diagnostic-competency-gone", lazy("This competency was removed in the meantime."), 404)
    return group


def _typed(name: str) -> str:
    """A field of one line, without signs that a database does not keep."""
    return " ".join(request.form.get(name, "").replace("\0", "").split())


def _read_titles() -> tuple[dict[str, str], list[Mistake]]:
    typed = {each: _typed(f"title_{each}") for each in LOCALES}
    mistakes = []
    if not any(typed.values()):
        mistakes.append(Mistake("title_en", lazy("Write the title in at least one language.")))
    mistakes += [
        Mistake(f"title_{each}", lazy("This is longer than %(limit)s characters. Shorten it.", limit=MAX_TEXT))
        for each, title in typed.items()
        if len(title) > MAX_TEXT
    ]
    return {each: title for each, title in typed.items() if title}, mistakes


def _code_of(titles: dict[str, str]) -> str:
    """A short code made of a title."""
    title = next(iter(titles.values()), "")
    return re.sub(r"[\W_]+", "-", title.casefold()).strip("-")[: MAX_NAME // 2] or "competency"


def _anchor_of(code: str) -> str:
    return "competency-" + quote(code, safe="")


def _after_saving(version: Version, item_id: int, go: str) -> str:
    if go == "save":
        return url_for("diagnostic.edit_question", version_id=version.id, item_id=item_id, saved=1)
    ids = [entry.item_id for group in drafts.groups(version) for entry in group.entries]
    following = ids[ids.index(item_id) + 1 :]
    if following:
        return url_for("diagnostic.edit_question", version_id=version.id, item_id=following[0])
    return url_for("diagnostic.questions", version_id=version.id, _anchor=f"question-{item_id}")


def _take_question(version: Version, item_id: int | None, kind: Kind) -> ResponseReturnValue:
    """What the button says: save, or show the form again with a preview, more rows, a row moved up, or a picture.

    A question that somebody else has changed or deleted since the form was opened is not saved: both are shown.
    """
    found, go = drafts.groups(version), request.form.get("go", "save")
    entry = _entry(found, item_id)
    sheet = _read_sheet(found, entry, entry.item.kind if entry else kind, go)
    file = request.files.get("picture")
    # A picture that was chosen and not uploaded yet would be lost by saving, and nobody would be told.
    if go == "picture" or (go in SAVING and file is not None and file.filename):
        return _with_picture(version, found, entry, sheet)
    code = entry.item.code if entry else drafts.free_code(version, sheet.competency)
    checked = editing.check(sheet, code, retired=entry.item.retired if entry else False)
    if go not in (*SAVING, "preview"):
        return _question_page(version, found, entry, sheet, shown=checked.item, more=go == "more")
    if go == "preview" or checked.item is None:
        told = _question_page(version, found, entry, sheet, checked.mistakes, shown=checked.item)
        return told, 422 if checked.mistakes else 200
    if item_id is not None and entry is None and request.form.get("seen"):
        return _question_page(version, found, entry, sheet, shown=checked.item, gone=True), 409
    if entry is not None and request.form.get("seen") != drafts.digest(entry.item):
        return _question_page(version, found, entry, sheet, shown=checked.item, theirs=entry.item), 409
    saved_id = drafts.save(version, checked.item, item_id)
    session.commit()
    return redirect(_after_saving(version, saved_id, go), 303)


def _read_sheet(found: Sequence[Group], entry: Entry | None, kind: Kind, go: str) -> Sheet:
    sheet = editing.read(request.form, kind, go.removeprefix("up-") if go.startswith("up-") else "")
    if any(group.code == sheet.competency for group in found):
        return sheet
    return replace(sheet, competency=entry.item.competency if entry else found[0].code)


def _with_picture(version: Version, found: Sequence[Group], entry: Entry | None, sheet: Sheet) -> ResponseReturnValue:
    """Keep the picture of the form, and write it behind the question in each language that describes it."""
    file = request.files.get("picture")
    said = {each: _typed(f"description_{each}") for each in LOCALES}
    mistakes = []
    if file is None or not file.filename:
        mistakes.append(Mistake("picture", lazy("Choose the picture.")))
    needed = [each for each in LOCALES if sheet.texts[f"question_{each}"]] or [current_locale()]
    text = lazy("Describe the picture for people who cannot see it, in each language of the question.")
    mistakes += [Mistake(f"description_{each}", text) for each in needed if not said[each]]
    if not mistakes and file is not None:
        try:
            file_id = pictures.keep(version.tenant_id, file.read())
        except pictures.NotKept as problem:
            mistakes.append(Mistake("picture", problem.text))
    if mistakes:
        return _question_page(version, found, entry, sheet, mistakes, descriptions=said), 422
    session.commit()
    texts = dict(sheet.texts)
    for each in LOCALES:
        if said[each]:
            before = texts[f"question_{each}"]
            texts[f"question_{each}"] = (before + "\n\n" if before else "") + pictures.markdown(file_id, said[each])
    sheet = replace(sheet, texts=texts)
    shown = editing.check(sheet, entry.item.code if entry else "new").item
    return _question_page(version, found, entry, sheet, shown=shown, added=True)


def _competency_page(version: Version, group: Group, typed: Mapping[str, str], mistakes: Sequence[Mistake]) -> str:
    return page("editor_competency", version=version, group=group, typed=typed, mistakes=mistakes, languages=LANGUAGES)


def _questions_page(version: Version, typed: Mapping[str, str], mistakes: Sequence[Mistake]) -> str:
    found = drafts.groups(version)
    return page(
        "editor",
        version=version,
        groups=found,
        kinds=KINDS,
        languages=LANGUAGES,
        languages_of=editing.languages,
        anchor_of=_anchor_of,
        typed=typed,
        mistakes=mistakes,
        max_name=MAX_NAME,
    )


def _question_page(
    version: Version,
    found: Sequence[Group],
    entry: Entry | None,
    sheet: Sheet,
    mistakes: Sequence[Mistake] = (),
    *,
    shown: Item | None = None,
    theirs: Item | None = None,
    descriptions: dict[str, str] | None = None,
    more: bool = False,
    saved: bool = False,
    added: bool = False,
    gone: bool = False,
) -> str:
    return page(
        "editor_question",
        version=version,
        groups=found,
        entry=entry,
        sheet=sheet,
        rows=sheet.shown(more),
        kind_name=KINDS[sheet.kind],
        seen=drafts.digest(entry.item) if entry else "",
        mistakes=mistakes,
        previews=_previews(shown) if shown else (),
        theirs=_previews(theirs, first=1 + len(LOCALES)) if theirs else (),
        descriptions=descriptions or {},
        saved=saved,
        added=added,
        gone=gone,
        languages=LANGUAGES,
        truths=(_("True"), _("False")),
        max_text=MAX_TEXT,
        accepted=pictures.ACCEPTED,
        max_megabytes=pictures.max_megabytes(),
        max_side=pictures.MAX_SIDE,
    )


def _previews(item: Item, first: int = 1) -> list[Preview]:
    """The question in each language, unanswered, with its solution below. Numbers keep the ids on the page apart."""
    made = []
    for number, locale in enumerate(LOCALES, start=first):
        with use_locale(locale):
            question = Question(number, 0, 0, item, (), None)
            html = render_template(
                "diagnostic/editor_preview.html",
                view=asking.view(question, images=pictures.address),
                solution=review.reviewed(question, pictures.address),
            )
        made.append(Preview(LANGUAGES[locale], locale, Markup(html)))  # noqa: S704  (Jinja has escaped it)
    return made
