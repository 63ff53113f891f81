"""What a learner is told to learn: from gaps to modules, and from what is shown to fewer of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from html import unescape

import pytest
from flask import Flask
from sqlalchemy import select

from ltitools.plugin import session
from ltitools.testing import Visit, writing
from ltitools_diagnostic.guidance import save_modules
from ltitools_diagnostic.models import Version
from ltitools_diagnostic.planning import Module

Enter = Callable[..., Visit]
Publish = Callable[..., str]
MakeBank = Callable[..., bytes]


def module(code: str, hours: str, teaches: str, after: str = "", link: str = "") -> Module:
    return Module(code, {"en": code}, Decimal(hours), link, tuple(after.split()), tuple(teaches.split()))


COURSE = (
    module("basics", "0.5", ""),
    module("alpha alone", "2", "alpha", after="basics"),
    module("beta alone", "2", "beta", after="basics"),
    module("both", "3", "alpha beta", after="basics"),
)


@pytest.fixture
def activity(publish: Publish, bank: MakeBank) -> str:
    """A published pre-assessment with the competencies alpha, beta and gamma."""
    rows = [
        {"id": f"{code}{n}", "competency": code, "type": "text", "question": f"{code} number {n}?", "answer": "yes"}
        for code in ("alpha", "beta", "gamma")
        for n in range(12)
    ]
    return publish(bank(*rows), per="6")


def of(visit: Visit) -> str:
    return unescape(visit.get().get_data(as_text=True))


def teach(app: Flask, *modules: Module) -> None:
    """Give the activity modules for all courses."""
    with writing(app):
        version = session.scalars(select(Version)).one()
        save_modules(version.tenant_id, version.activity_id, None, modules)


def sit(visit: Visit, know: Callable[[str], bool]) -> None:
    """One sitting from its start to its results."""
    where = visit.post("start").headers["Location"]
    while "/q/" in where:
        page, number = unescape(visit.get(where).get_data(as_text=True)), where.rpartition("/")[2]
        question = re.search(r"(alpha|beta|gamma) number", page)
        assert question is not None
        where = visit.post(where, {f"answer-{number}": "yes" if know(question[1]) else "no"}).headers["Location"]
    visit.post("submit")


def plan_on(page: str) -> list[str]:
    """The titles of the modules that a page of results tells to learn, in their order."""
    section = page.partition('id="plan"')[2].partition("</section>")[0].partition("<h3>")[0]
    return [re.sub(r"<[^>]+>|\(opens.*", "", title).strip() for title in re.findall(r"<strong>(.*?)</strong>", section)]


def test_gaps_lead_to_the_smallest_set_which_shrinks_with_what_is_shown(
    app: Flask, enter: Enter, activity: str
) -> None:
    teach(app, *COURSE)
    learner = enter(activity)
    sit(learner, lambda question: False)
    page = of(learner)
    assert plan_on(page) == ["basics", "both"]
    assert "2 modules close your gaps: 3.5 h in all." in page
    assert "needed before the others" in page
    assert re.search(r"No module of this course teaches:\s+gamma", page)
    assert "Worth a look" not in page
    sit(learner, lambda question: "alpha" in question)
    page = of(learner)
    assert plan_on(page) == ["basics", "beta alone"]
    assert "2 modules close your gaps: 2.5 h in all." in page
    sit(learner, lambda question: "gamma" not in question)
    page = of(learner)
    assert plan_on(page) == []
    assert re.search(r"No module of this course teaches:\s+gamma", page)
    assert "You need none of the modules" not in page
    sit(learner, lambda question: True)
    assert "You need none of the modules of this course." in of(learner)


def test_what_the_answers_do_not_settle_is_worth_a_look(app: Flask, enter: Enter, activity: str) -> None:
    teach(app, *COURSE)
    learner = enter(activity)
    right = iter([True, True, True, True, False, False])
    sit(learner, lambda question: "gamma" in question or ("beta" in question and next(right)))
    page = of(learner)
    assert plan_on(page) == ["basics", "alpha alone"]
    more = page.partition("Worth a look")[2].partition("</section>")[0]
    assert "beta alone" in more
    assert "basics" not in more


def test_a_link_of_a_module_opens_in_a_new_window(app: Flask, enter: Enter, activity: str) -> None:
    teach(app, module("go", "1", "alpha", link='https://x.org/?q="a"&b'))
    learner = enter(activity)
    sit(learner, lambda question: False)
    page = learner.get().get_data(as_text=True)
    assert 'href="https://x.org/?q=&#34;a&#34;&amp;b" target="_blank" rel="noopener"' in page
