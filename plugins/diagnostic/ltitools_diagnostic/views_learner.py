"""What a learner finds at the activity: the start, the results, what to learn, and the way to a reassessment."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from flask import abort, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ltitools.plugin import Launch, activities, current_launch, grades, session
from ltitools_diagnostic import delivery, guidance, moments, pictures, planning, report, sitting, standing, versions
from ltitools_diagnostic.delivery import Review, Window
from ltitools_diagnostic.models import Attempt
from ltitools_diagnostic.review import reviewed
from ltitools_diagnostic.scoring import Level
from ltitools_diagnostic.seats import Seat, seat_of
from ltitools_diagnostic.standing import Best
from ltitools_diagnostic.texts import lazy
from ltitools_diagnostic.views import Mistake, page, pages
from ltitools_diagnostic.views_sitting import first_page, time_left

MAX_REASON = 500


def learner_home(launch: Launch) -> ResponseReturnValue:
    """The launch of a learner: the start, the way back into the sitting, or the results."""
    return _home(seat_of(launch, None))


@pages.get("/preview/<int:version_id>/")
def preview(version_id: int) -> ResponseReturnValue:
    """The start of an instructor's preview, or its results."""
    return _home(seat_of(current_launch(), version_id))


@pages.post("/start")
@pages.post("/preview/<int:version_id>/start")
def start(version_id: int | None = None) -> ResponseReturnValue:
    """Begin a sitting, or a preview again, and go to its first page."""
    seat = seat_of(current_launch(), version_id)
    if seat.live is None:
        return redirect(seat.home, 303)
    course_id = seat.launch.course.id if seat.launch.course else None
    if seat.preview_of is not None:
        person_id = seat.launch.person.id
        attempt = sitting.begin_preview(seat.live, person_id=person_id, course_id=course_id, grouped=seat.grouped)
    elif seat.attempt is None:
        mistakes = _in_the_way(seat)
        if mistakes:
            return _home(seat, mistakes), 422
        try:
            attempt = sitting.begin(seat.live, seat.who, _asked_for(seat, course_id))
        except sitting.NothingLeft:
            return redirect(seat.home, 303)
    else:
        attempt = seat.attempt
    session.commit()
    return redirect(first_page(seat, attempt), 303)


@pages.get("/sitting/<int:number>")
def own_sitting(number: int) -> ResponseReturnValue:
    """An earlier sitting of the learner, question by question where the rules allow it."""
    seat = seat_of(current_launch(), None)
    attempt = next((each for each in seat.past if each.number == number), None)
    if attempt is None:
        abort(404)
    return page(
        "own_sitting",
        seat=seat,
        attempt=attempt,
        outcomes=list(sitting.in_order([attempt])[0].values()),
        questions=_reviewed(seat, attempt),
        score=report.decimal_text(attempt.score or sitting.NOTHING),
        **_common(seat),
    )


@pages.get("/more-time")
def more_time() -> ResponseReturnValue:
    """The form with which a learner asks for more time."""
    return _more_time(seat_of(current_launch(), None), ())


@pages.post("/more-time")
def ask_for_more_time() -> ResponseReturnValue:
    """Pass the request on to the instructors."""
    seat = seat_of(current_launch(), None)
    reason = request.form.get("reason", "").replace("\0", "").strip()
    if len(reason) > MAX_REASON:
        text = lazy("Shorten this to %(limit)s characters.", limit=MAX_REASON)
        return _more_time(seat, [Mistake("reason", text)]), 422
    own = seat.who
    delivery.ask_for_time(own.tenant_id, own.link_id, own.activity_id, own.person_id, reason)
    session.commit()
    return redirect(url_for("diagnostic.more_time"), 303)


def _home(seat: Seat, mistakes: Sequence[Mistake] = ()) -> str:
    if seat.live is None and not seat.attempts:
        return page("not_ready")
    if seat.preview_of is not None and seat.attempt is not None and seat.attempt.submitted_at is not None:
        return _results(seat, [seat.attempt], mistakes)
    if seat.overdue:
        return page("time_over", seat=seat, answered=_answered(seat), common=_common(seat))
    if seat.past and seat.attempt is None:
        return _results(seat, seat.past, mistakes)
    return _start(seat, mistakes)


def _start(seat: Seat, mistakes: Sequence[Mistake]) -> str:
    """Before the first sitting, or in the middle of one."""
    assert seat.live is not None or seat.attempt is not None
    version_id = seat.attempt.version_id if seat.attempt else seat.live.id if seat.live else 0
    version = versions.get(seat.launch.tenant.id, version_id)
    assert version is not None
    sections = versions.sections(seat.launch.tenant.id, [version])[version.id]
    form = seat.attempt.form if seat.attempt else []
    about = versions.asked_sections(version.tenant_id, version.id, [item_id for item_id, _order in form])
    return page(
        "start",
        seat=seat,
        title=activities.get(seat.launch.tenant.id, version.activity_id).title,
        sections=about if seat.attempt else sections,
        total=len(form) if seat.attempt else sum(section.drawn for section in sections),
        answered=_answered(seat),
        continue_url=first_page(seat, seat.attempt) if seat.attempt else "",
        mistakes=mistakes,
        chosen_role=request.form.get("role", ""),
        **_common(seat),
        **time_left(seat),
    )


def _results(seat: Seat, past: Sequence[Attempt], mistakes: Sequence[Mistake]) -> str:
    results = sitting.in_order(past)
    bests = standing.best(results)
    latest = past[-1]
    grade = None
    if seat.launch.link is not None and seat.preview_of is None:
        grade = grades.status(seat.launch.tenant.id, seat.launch.link.id, seat.launch.person.id)
    open_codes = [code for code, each in bests.items() if not each.shown]
    again = _asked_again(seat, bests) if open_codes else frozenset()
    return page(
        "results",
        seat=seat,
        bests=list(bests.values()),
        changed={code for code in results[-1] if len(past) > 1},
        everything_at_once=len(past) == 1 and not open_codes,
        open_count=len(open_codes),
        score=report.decimal_text(latest.standing or sitting.NOTHING),
        latest=latest,
        earlier=past[:-1],
        grade=grade,
        grade_text=report.grade_text(grade) if grade else "",
        advice=_advice(seat, bests),
        may_sit_again=bool(again) and _may_sit_again(seat),
        again_count=len(again),
        questions=_reviewed(seat, latest),
        own_ratings=_own_ratings(past),
        rating_texts=report.RATINGS,
        mistakes=mistakes,
        **_common(seat),
    )


def _own_ratings(past: Sequence[Attempt]) -> dict[str, int]:
    """What the person thought of themselves, by competency; it is asked before the first sitting."""
    rated = sitting.ratings(past[0].tenant_id, [each.id for each in past])
    return {code: rating for own in rated.values() for code, rating in own.items()}


def _common(seat: Seat) -> dict[str, object]:
    """What several pages of a learner say: levels in words, the cut, and how times are written."""
    return {
        "levels": report.LEVELS,
        "sentences": report.SENTENCES,
        "cut": report.cut_percent(),
        "decimal_text": report.decimal_text,
        "percent_text": report.percent_text,
        "moment": lambda moment: moments.shown(moment, seat.rules.zone),
        "minutes_text": moments.minutes_text,
        "time_allowed": delivery.time_allowed(seat.rules, seat.extra),
        "closing": delivery.closing(seat.rules, seat.extra),
    }


def _answered(seat: Seat) -> int:
    return len(sitting.answered(seat.attempt)) if seat.attempt else 0


def _advice(seat: Seat, bests: dict[str, Best]) -> report.Advice | None:
    """What to learn: the modules for the gaps, and those for what the answers do not settle."""
    activity, course = seat.launch.activity, seat.launch.course
    if activity is None or seat.preview_of is not None:
        return None
    modules, _own = guidance.modules_of(seat.launch.tenant.id, activity, course.id if course else None)
    if not modules:
        return None
    shown = [code for code, each in bests.items() if each.shown]
    gaps = [code for code, each in bests.items() if each.level == Level.GAP]
    unsettled = [code for code, each in bests.items() if each.level == Level.DEVELOPING]
    needed = planning.plan(modules, gaps, shown)
    known = {code for module in needed.modules for code in module.competencies}
    more = planning.plan(modules, [code for code in unsettled if code not in known], [*shown, *known])
    own = {module.code for module in needed.modules}
    return report.Advice(needed, [module for module in more.modules if module.code not in own], bests)


def _asked_again(seat: Seat, bests: dict[str, Best]) -> frozenset[str]:
    """What a reassessment would ask about: what is published, in the scope of the job role, and not shown."""
    scope = seat.role.scope if seat.role else seat.asked
    return (seat.asked & scope) - {code for code, each in bests.items() if each.shown}


def _may_sit_again(seat: Seat) -> bool:
    """Whether neither dates nor sittings are used up."""
    if seat.preview_of is not None or seat.live is None:
        return False
    return seat.window is Window.OPEN and seat.sittings_left != 0


def _reviewed(seat: Seat, attempt: Attempt) -> list[object]:
    """The questions with their right answers, empty where the rules keep these back."""
    rule = seat.rules.review
    over = seat.window is Window.OVER
    if seat.preview_of is None and (rule == Review.RESULTS or (rule == Review.CLOSED and not over)):
        return []
    return [reviewed(each, pictures.address) for each in sitting.questions(attempt)]


def _in_the_way(seat: Seat) -> list[Mistake]:
    """What keeps a person from beginning now, in words."""
    if seat.window is Window.EARLY:
        return [Mistake("begin", lazy("This activity is not open yet."))]
    if seat.window is Window.OVER:
        return [Mistake("begin", lazy("This activity is closed."))]
    if seat.sittings_left == 0:
        return [Mistake("begin", lazy("You have used all your attempts."))]
    mistakes = []
    given = request.form.get("password", "").strip()
    if seat.rules.password and not hmac.compare_digest(given.encode(), seat.rules.password.encode()):
        mistakes.append(Mistake("password", lazy("This is not the password. Your instructor tells it to you.")))
    if not seat.past and seat.roles and request.form.get("role") not in {role.code for role in seat.roles}:
        mistakes.append(Mistake("role", lazy("Choose a job role.")))
    return mistakes


def _asked_for(seat: Seat, course_id: int | None) -> sitting.Request:
    """What the new sitting is to be: that of the chosen job role, which the person keeps in later ones."""
    role = seat.role
    if not seat.past:
        role = next((each for each in seat.roles if each.code == request.form.get("role")), None)
    return sitting.Request(course_id, role.code if role else None, role.scope if role else None, seat.grouped)


def _more_time(seat: Seat, mistakes: Sequence[Mistake]) -> str:
    back = first_page(seat, seat.attempt) if seat.attempt and not seat.overdue else seat.home
    return page("more_time", seat=seat, back=back, mistakes=mistakes, max_reason=MAX_REASON, **_common(seat))
