"""D10, rows 155 to 161 and 163 to 165: launches between two sites over TLS, by what each browser keeps."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chromium import ChromiumWindow
from d10 import Wire, expire, last_launch, pulled, refusal_of, short_activity
from engines import CHROMIUM, FIREFOX, NO_COOKIES, NO_COOKIES_IN_FRAMES, WEBKIT, Engines
from windows import Reader

from sites import Sites

pytestmark = pytest.mark.browser
Campus = Callable[..., Sites]
Arrive = Callable[..., Reader]
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 800},
    "is_mobile": True,
    "has_touch": True,
    "user_agent": "Mozilla/5.0 (Linux; Android 15; wv) AppleWebKit/537.36 Chrome/156.0 Mobile Safari/537.36",
}
LEARNERS_PAGE = "main[data-tool=diagnostic]"
TELL_WAITS = """{
    const later = setTimeout;
    window.setTimeout = (act, wait, ...values) => later(() => { waited(wait ?? 0); act(...values); }, wait);
}"""
"""Each page says how long it has waited, whenever it has; a clock would also count what a busy machine takes."""


def begin(reader: Reader, number: int) -> str:
    """Open an activity, begin it, and see a question; gives the layer that tied the launch to the browser."""
    reader.open_activity(number)
    reader.press("button", "Start")
    reader.see("main", "Question 1 of")
    return str(last_launch(reader.sites).binding)


def test_d10_155_chromium_blocks_third_party_cookies_and_the_platform_has_storage(
    campus: Campus, arrive: Arrive, tmp_path: Path
) -> None:
    sites = campus("canvas")
    assert begin(arrive(CHROMIUM, sites), short_activity(sites, tmp_path)) == "cookie"
    only_storage = campus("canvas", launch_layers="platform")
    assert begin(arrive(CHROMIUM, only_storage), short_activity(only_storage, tmp_path)) == "platform"


def test_d10_156_chromium_blocks_third_party_cookies_and_the_platform_has_no_storage(
    campus: Campus, arrive: Arrive, tmp_path: Path
) -> None:
    sites = campus("moodle")
    learner = arrive(CHROMIUM, sites)
    assert begin(learner, short_activity(sites, tmp_path)) == "cookie"
    assert isinstance(learner.window, ChromiumWindow)
    cookies = [cookie for cookie in learner.window.context.cookies() if cookie["domain"] == "tool.localhost"]
    assert [(cookie["name"], cookie["partitionKey"]) for cookie in cookies] == [
        ("__Host-ltitools", "https://lms.localhost")
    ]


@pytest.mark.parametrize("personality", ["moodle", "canvas"])
def test_d10_157_webkit(campus: Campus, arrive: Arrive, tmp_path: Path, personality: str) -> None:
    sites = campus(personality)
    assert begin(arrive(WEBKIT, sites), short_activity(sites, tmp_path)) == "storage"


@pytest.mark.parametrize("personality", ["moodle", "canvas"])
def test_d10_158_firefox_with_strict_protection(
    campus: Campus, arrive: Arrive, tmp_path: Path, personality: str
) -> None:
    sites = campus(personality)
    assert begin(arrive(FIREFOX, sites), short_activity(sites, tmp_path)) == "cookie"


def test_d10_159_a_storage_frame_that_never_answers_costs_less_than_three_seconds(
    campus: Campus, arrive: Arrive, tmp_path: Path
) -> None:
    sites = campus("canvas", launch_layers="platform name")
    learner = arrive(CHROMIUM, sites)
    assert isinstance(learner.window, ChromiumWindow)
    waits: list[int] = []
    learner.window.context.expose_function("waited", lambda wait: waits.append(wait))
    learner.window.context.add_init_script(TELL_WAITS)
    with pulled(sites, storage="silent"):
        assert begin(learner, short_activity(sites, tmp_path)) == "name"
    assert 0 < sum(waits) < 3000


def test_d10_160_a_storage_frame_that_lies_is_not_believed(campus: Campus, arrive: Arrive, tmp_path: Path) -> None:
    sites = campus("canvas", launch_layers="platform name")
    with pulled(sites, storage="hostile"):
        assert begin(arrive(CHROMIUM, sites), short_activity(sites, tmp_path)) == "name"
    only_storage = campus("canvas", launch_layers="platform")
    number = short_activity(only_storage, tmp_path)
    with pulled(only_storage, storage="hostile"):
        learner = arrive(CHROMIUM, only_storage)
        learner.open_activity(number)
        learner.see("h1", "Your browser keeps nothing for this site")


def test_d10_161_where_nothing_works_in_the_frame_a_window_finishes_the_launch(
    campus: Campus, arrive: Arrive, tmp_path: Path
) -> None:
    sites = campus("moodle", launch_layers="cookie storage platform window")
    learner = arrive(NO_COOKIES_IN_FRAMES, sites)
    learner.open_activity(short_activity(sites, tmp_path))
    learner.press("button", "Open in a new window")
    window = learner.wait_for(learner.window.others, "no window was opened")[0]
    own = Reader(window, sites)
    own.press("button", "Start")
    own.see("main", "Question 1 of")
    launch = last_launch(sites)
    assert (launch.binding, launch.in_window) == ("cookie", True)


@pytest.mark.parametrize(("engine", "tokens"), [(NO_COOKIES, 2), (WEBKIT, 1)])
def test_d10_163_the_token_is_in_no_address_no_referrer_no_log_and_no_history(
    campus: Campus, arrive: Arrive, tmp_path: Path, caplog: pytest.LogCaptureFixture, engine: str, tokens: int
) -> None:
    sites = campus("moodle")
    number = short_activity(sites, tmp_path)
    with caplog.at_level(logging.DEBUG, "ltitools"), Wire.watching(sites) as wire:
        learner = arrive(engine, sites)
        begin(learner, number)
        learner.reload()
        learner.press("main form input[type=radio]")
        learner.press("button", "Save and continue")
        learner.see("main", "Question 2 of")
        learner.press("header button", "Open in a new window")
        learner.press("main button", "Open in a new window")
        own = Reader(learner.wait_for(learner.window.others, "no window was opened")[0], sites)
        own.see(LEARNERS_PAGE)
        shown = [learner.history(), own.history()]
    # The window of its own has a cookie in WebKit, where the site is no third party.
    assert len(wire.tokens) == tokens
    read = "\n".join([*wire.lines, caplog.text, json.dumps(shown)])
    assert "/tools/diagnostic/" in read
    assert [token for token in wire.tokens if token in read] == []


def test_d10_164_a_token_opens_its_own_launch_only_and_that_only_while_the_visit_lasts(
    campus: Campus, arrive: Arrive, tmp_path: Path
) -> None:
    sites = campus("moodle")
    number = short_activity(sites, tmp_path)
    homes: list[str] = []
    tokens: list[str] = []
    learner = arrive(NO_COOKIES, sites)
    for _ in range(2):
        with Wire.watching(sites) as wire:
            learner.open_activity(number)
            learner.see(LEARNERS_PAGE)
            homes.append(f"{sites.tool_url}/tools/diagnostic/{last_launch(sites).id}/")
        tokens.extend(wire.tokens)
    other = "launch-other-browser"
    assert [[refusal_of(sites, home, token) for token in tokens] for home in homes] == [["", other], [other, ""]]

    stranger = arrive(NO_COOKIES, sites, "Dana Flores")
    stranger.window.open(homes[1])
    assert stranger.see(".error-code") == other

    learner.press("button", "End this visit")
    learner.see("h1", "Your visit has ended")
    expire(sites, homes[0])
    assert [refusal_of(sites, *pair) for pair in zip(homes, tokens, strict=True)] == ["launch-expired"] * 2


@pytest.mark.parametrize("storage", ["absent", "silent"])
def test_d10_165_in_the_platforms_mobile_app_nobody_answers_and_nobody_is_waited_for(
    campus: Campus, engines: Engines, tmp_path: Path, storage: str
) -> None:
    sites = campus("canvas")
    number = short_activity(sites, tmp_path)
    window = ChromiumWindow(engines.chromium().new_context(**PHONE))
    learner = Reader(window, sites)
    learner.sign_in("Ben Carter")
    with pulled(sites, storage=storage):
        window.open(f"{sites.lms_url}/activities/{number}/launch?target=window")
        learner.press("button", "Start")
        learner.see("main", "Question 1 of")
    window.leave()
    assert last_launch(sites).binding == "cookie"


def test_d10_165_an_app_that_keeps_nothing_opens_a_window(campus: Campus, arrive: Arrive, tmp_path: Path) -> None:
    sites = campus("canvas")
    number = short_activity(sites, tmp_path)
    learner = arrive(NO_COOKIES, sites)
    with pulled(sites, storage="absent"):
        learner.window.open(f"{sites.lms_url}/activities/{number}/launch?target=window")
        learner.press("main button", "Open in a new window")
        own = Reader(learner.wait_for(learner.window.others, "no window was opened")[0], sites)
        own.see(LEARNERS_PAGE)
    launch = last_launch(sites)
    assert (launch.binding, launch.in_window) == ("name", True)
