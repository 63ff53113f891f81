"""Links: set up, copied, duplicated, moved between courses; and who may open what."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ltitools.lti import claims as names
from ltitools.plugin import Plugin
from ltitools.services import activities, registrations, tenants
from ltitools.testing import INSTRUCTOR, PUBLIC_URL, Platform, Visit, ags_claim, error_code, statements, writing
from probe import make_probe
from sites import TENANT, Sites, running


@pytest.fixture
def plugins() -> list[Plugin]:
    return [make_probe()]


@pytest.fixture
def sites(database_url: str) -> Iterator[Sites]:
    with running(database_url, "moodle", plugins=[make_probe()]) as both:
        with writing(both.tool):
            activities.create(tenants.by_key(TENANT).id, "probe", "quiz", "Quiz")
        yield both


def test_a_copied_and_a_duplicated_link_open_the_same_activity_with_results_and_columns_of_their_own(
    sites: Sites,
) -> None:
    original = sites.place("probe:quiz")
    sites.enter("ben", original).post("score", given="50")
    duplicate = sites.place("probe:quiz", title="Quiz (copy)")
    elsewhere = sites.place("probe:quiz", course=2)
    opened = [sites.enter("ben", link).get().json() for link in (original, duplicate, elsewhere)]
    assert [one["activity"] for one in opened] == ["quiz", "quiz", "quiz"]
    assert [one["grade"] for one in opened] == ["waiting", "none", "none"]
    assert opened[0]["course"] == opened[1]["course"] != opened[2]["course"]
    sites.enter("ben", duplicate).post("score", given="60")
    sites.enter("ben", elsewhere).post("score", given="70")
    while sites.deliver():
        pass
    assert [sites.cell("ben", column)["score"] for column in range(3)] == [50, 60, 70]


def test_an_instructor_sets_a_bare_link_up_and_learners_find_the_activity(app: Flask, platform: Platform) -> None:
    learner, teacher = app.test_client(), app.test_client()
    visit = platform.visit(learner)
    early = visit.get()
    assert (early.status_code, error_code(early)) == (404, "activity-not-set-up")
    set_up = platform.visit(teacher, roles=[INSTRUCTOR], sub="teacher-1")
    assert set_up.get().headers["Location"].endswith(f"/tools/probe/{set_up.launch_id}/")
    home = f"/tools/probe/{set_up.launch_id}/"
    assert set_up.get(home).json == {"picking": []}
    placed = set_up.post(f"{home}place", {"slug": "essay"})
    assert placed.status_code == 303
    assert set_up.get(home).json["activity"] == "essay"
    assert platform.visit(learner).get().json["activity"] == "essay"


def test_a_learner_cannot_set_a_link_up(app: Flask, platform: Platform, client: FlaskClient) -> None:
    visit = platform.visit(client)
    answer = visit.post(f"/tools/probe/{visit.launch_id}/place", {"slug": "essay"})
    assert (answer.status_code, error_code(answer)) == (403, "role-forbidden")
    with app.app_context():
        assert activities.all_of(tenants.by_key("acme").id, "probe") == []


def test_the_link_of_a_whole_course_is_never_bound_to_one_activity(app: Flask) -> None:
    """Canvas's course navigation launches with the course's own id as the link's."""
    platform = Platform("https://canvas.example.test")
    tenant, _ = platform.register(app, family="canvas")
    with writing(app):
        activities.create(tenant.id, "probe", "quiz", "Quiz")
    link = {"id": "course-1", "title": "Course One"}
    platform.visit(app.test_client(), resource_link=link, custom={"activity": "probe:quiz"})
    visit = platform.visit(app.test_client(), resource_link=link)
    assert visit.get().headers["Location"] == f"/tools/-/{visit.launch_id}/course"
    platform.close()


def test_two_parallel_logins_of_one_browser_both_succeed(app: Flask, platform: Platform, client: FlaskClient) -> None:
    first, second = platform.begin(client), platform.begin(client)
    for request in (second, first):
        token = platform.sign(platform.claims(nonce=request["nonce"]))
        assert platform.post(client, id_token=token, state=request["state"]).status_code == 303


def test_the_very_first_two_logins_of_a_browser_may_even_overlap(app: Flask, platform: Platform) -> None:
    """Neither request carries a cookie, and the later answer overwrites the earlier one's browser id."""
    browser, other_tab = app.test_client(), app.test_client()
    first, second = platform.begin(browser), platform.begin(other_tab)
    for cookie in other_tab._cookies.values():  # the second answer arrives in the same browser
        browser._cookies[cookie._storage_key] = cookie
    visits = []
    for request in (first, second):
        token = platform.sign(platform.claims(nonce=request["nonce"]))
        answer = platform.post(browser, id_token=token, state=request["state"])
        visits.append(Visit.of(browser, answer))
    assert [visit.get().status_code for visit in visits] == [404, 404], "both arrive at the kind page"
    names_left = {cookie.key for cookie in browser._cookies.values()}
    assert names_left == {"__Host-ltitools"}


def test_a_visit_belongs_to_its_browser(app: Flask, platform: Platform, client: FlaskClient) -> None:
    visit = platform.visit(client)
    stranger = app.test_client()
    assert error_code(stranger.get(visit.path, base_url=PUBLIC_URL)) == "launch-other-browser"
    platform.visit(stranger, sub="person-2")
    assert error_code(stranger.get(visit.path, base_url=PUBLIC_URL)) == "launch-other-browser"


def test_a_form_from_elsewhere_is_not_accepted(app: Flask, platform: Platform, client: FlaskClient) -> None:
    with writing(app):
        activities.create(tenants.by_key("acme").id, "probe", "quiz", "Quiz")
    visit = platform.visit(client, custom={"activity": "probe:quiz"})
    other = platform.visit(client, custom={"activity": "probe:quiz"}, resource_link={"id": "link-2"})
    for proof in ("", "forged", other.form_proof()):
        answer = client.post(visit.url("score"), data={"_form": proof, "given": "50"}, base_url=PUBLIC_URL)
        assert (answer.status_code, error_code(answer)) == (403, "form-stale")
    assert visit.post("score", {"given": "50"}).status_code == 200


def test_the_proof_is_put_into_our_own_forms_only(app: Flask, platform: Platform, client: FlaskClient) -> None:
    with writing(app):
        activities.create(tenants.by_key("acme").id, "probe", "quiz", "Quiz")
    page = platform.visit(client, custom={"activity": "probe:quiz"}).get("form").get_data(as_text=True)
    own, _, foreign = page.partition("</form>")
    assert 'name="_form"' in own
    assert "_form" not in foreign


def test_an_activity_of_one_tool_is_not_opened_by_another(start_app: Callable[..., Flask], platform: Platform) -> None:
    other = make_probe(key="other", blueprint=None, listens={})
    app = start_app([make_probe(), other])
    with writing(app):
        activities.create(tenants.by_key("acme").id, "probe", "quiz", "Quiz")
    browser = app.test_client()
    visit = platform.visit(browser, custom={"activity": "probe:quiz"})
    assert visit.get().status_code == 200
    answer = visit.get(f"/tools/other/{visit.launch_id}/")
    assert (answer.status_code, error_code(answer)) == (404, "tool-unknown")


def test_a_tool_that_is_switched_off_opens_nothing(app: Flask, platform: Platform, client: FlaskClient) -> None:
    with writing(app):
        activities.create(tenants.by_key("acme").id, "probe", "quiz", "Quiz")
        tenants.set_plugin_enabled("acme", "probe", False)
    visit = platform.visit(client, custom={"activity": "probe:quiz"})
    assert error_code(visit.get()) == "tool-unknown"


def test_a_pending_deployment_can_be_approved(app: Flask, client: FlaskClient) -> None:
    platform = Platform(client_id="client-2", deployment_id="known")
    tenant, registration = platform.register(app, policy="pending")
    for _ in range(2):
        answer = platform.launch(client, deployment_id="new")
        assert (answer.status_code, error_code(answer)) == (403, "deployment-pending")
    with writing(app):
        waiting = [one for one in registrations.deployments(registration) if one.state == "pending"]
        assert [one.deployment_id for one in waiting] == ["new"]
        registrations.set_deployment_state(tenant.id, waiting[0].id, "approved")
    assert platform.launch(client, deployment_id="new").status_code == 303
    platform.close()


def test_a_person_keeps_the_language_they_chose(app: Flask, platform: Platform, client: FlaskClient) -> None:
    french = {"launch_presentation": {"locale": "fr_ca"}}
    visit = platform.visit(client, **french)
    assert 'lang="fr"' in visit.get().get_data(as_text=True)
    back = visit.post(f"/tools/-/{visit.launch_id}/language", {"locale": "en", "back": visit.path})
    assert back.headers["Location"] == visit.path
    assert 'lang="en"' in platform.visit(client, **french).get().get_data(as_text=True)


@pytest.mark.parametrize("back", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_the_language_switch_sends_nobody_elsewhere(
    app: Flask, platform: Platform, client: FlaskClient, back: str
) -> None:
    visit = platform.visit(client)
    answer = visit.post(f"/tools/-/{visit.launch_id}/language", {"locale": "fr", "back": back})
    assert answer.headers["Location"].startswith("/tools/-/")


def test_what_a_launch_does_not_say_about_its_column_is_kept(app: Flask, platform: Platform) -> None:
    """Moodle leaves the line item out of later launches once a link has a second one."""
    with writing(app):
        activities.create(tenants.by_key("acme").id, "probe", "quiz", "Quiz")
    opens = {"custom": {"activity": "probe:quiz"}}
    first = platform.visit(app.test_client(), endpoint=ags_claim("https://lms.example.test/items/1"), **opens)
    assert first.get().json["can_grade"] is True
    second = platform.visit(app.test_client(), endpoint=ags_claim(None, "https://lms.example.test/items"), **opens)
    assert second.get().json["can_grade"] is True


def test_the_same_launch_page_counts_its_queries(app: Flask, platform: Platform, client: FlaskClient) -> None:
    """A launch and its page take few statements, however many rows there are."""
    with writing(app):
        activities.create(tenants.by_key("acme").id, "probe", "quiz", "Quiz")
    opens = {"custom": {"activity": "probe:quiz"}, "endpoint": ags_claim("https://lms.example.test/items/1")}
    platform.visit(client, **opens)
    request = platform.begin(client)
    token = platform.sign(platform.claims(nonce=request["nonce"], **opens))
    with statements(app) as launch_statements:
        answer = platform.post(client, id_token=token, state=request["state"])
    assert len(launch_statements) <= 9, "\n".join(launch_statements)
    visit = Visit.of(client, answer)
    with statements(app) as page_statements:
        visit.get()
    assert len(page_statements) <= 2, "\n".join(page_statements)
    with statements(app) as login_statements:
        platform.begin(client)
    assert len(login_statements) <= 3, "\n".join(login_statements)


def test_deep_linking_settings_survive_being_stored(app: Flask, platform: Platform, client: FlaskClient) -> None:
    claims = platform.deep_linking_claims({"data": {"x": [1, "é\u0000"]}, "accept_multiple": "false"})
    assert claims[names.MESSAGE_TYPE] == names.DEEP_LINKING_REQUEST
    visit = platform.visit(client, claims)
    assert visit.get(f"/tools/probe/{visit.launch_id}/").json == {"picking": []}


@pytest.mark.parametrize("launch_id", ["%00", "a" * 22, "a" * 400, "%2e%2e", "é" * 22])
def test_a_visit_that_never_was_is_unknown(client: FlaskClient, launch_id: str) -> None:
    for path in (f"/tools/probe/{launch_id}/", f"/tools/-/{launch_id}/choose", f"/tools/probe/{launch_id}/form"):
        answer = client.get(path, base_url=PUBLIC_URL)
        assert answer.status_code == 404
        assert error_code(answer) in ("launch-unknown", "page-unknown")
