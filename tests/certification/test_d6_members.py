"""D6: who is in a course (Certification Guide 6.3, https://www.imsglobal.org/spec/lti-nrps/v2p0/)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from certification.helpers import Services
from certification.served import Served, answer, listing, member
from ltitools.lti import paging
from ltitools.lti.claims import Role
from ltitools.lti.nrps import memberships
from ltitools.testing import deliver

if TYPE_CHECKING:
    from certification.helpers import Lti

SCOPE = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
MEMBERS_TYPE = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
VOCABULARY = "http://purl.imsglobal.org/vocab/lis/v2/membership"


def test_d6_107_the_members_are_asked_for_at_the_address_of_the_claim(lti: Lti) -> None:
    """As it is, with its query; where a later launch names another, there."""
    served = Served(lti)
    served.teacher()
    deliver(lti.app)
    served.members = "/Elsewhere/memberships"
    served.learner()
    served.ask(listing())
    assert [got.path for got in served.services.on("/memberships")] == [
        "/Courses/7/memberships?ctx=aB",
        "/Elsewhere/memberships",
    ]
    assert {got.method for got in served.services.on("/memberships")} == {"GET"}


def test_d6_108_the_media_type_of_the_service_is_asked_for(lti: Lti) -> None:
    """Moodle refuses any other, and wildcards."""
    served = Served(lti)
    served.teacher()
    served.ask(listing(member("ada")))
    (got,) = served.services.on("/memberships")
    assert got.headers["accept"] == MEMBERS_TYPE
    assert "ada" in served.roster()


def test_d6_109_the_call_carries_a_valid_token(lti: Lti) -> None:
    """One that is refused is replaced, once."""
    served = Served(lti)
    served.teacher()
    served.ask(answer({}, 401), listing(member("ada")))
    assert [got.bearer for got in served.services.on("/memberships")] == served.services.tokens
    assert len(served.services.tokens) == 2
    assert "ada" in served.roster()
    served.ask(answer({}, 401), answer({}, 401), listing())
    assert len(served.services.on("/memberships")) == 4
    assert served.roster_state().problem.startswith("401")


def test_d6_110_the_token_is_for_reading_members_and_for_nothing_else(lti: Lti) -> None:
    served = Served(lti)
    served.teacher()
    served.ask(listing())
    assert [got.form["scope"] for got in served.services.on("/token")] == [SCOPE]


def test_d6_111_every_page_is_read_however_the_next_one_is_named(lti: Lti) -> None:
    """Moodle writes the header with typographic quotes and ``&amp;``; the case of an address is kept."""
    served = Served(lti)
    served.teacher()
    base = f"{served.services.url}/Courses/7/memberships"
    curly = f"<{base}?Page=Three&amp;x=1>; rel=“next”".encode().decode("latin-1")
    served.ask(
        listing(member("ada"), Link=f'<{base}?Page=1>; rel="first", <{base}?Page=Two>; rel="next"'),
        listing(member("ben"), lInK=curly),
        listing(member("cleo"), Link="<?Page=Four>; rel=next"),
        listing(member("dan"), Link=f'<{base}?Page=Three>; rel="prev"'),
    )
    assert [urlsplit(got.path).query for got in served.services.on("/memberships")] == [
        "ctx=aB",
        "Page=Two",
        "Page=Three&x=1",
        "Page=Four",
    ]
    assert {"ada", "ben", "cleo", "dan"} <= set(served.roster())
    assert served.roster_state().problem == ""


def test_d6_112_a_next_page_at_another_origin_is_refused(lti: Lti) -> None:
    """The token would go there."""
    elsewhere = Services()
    lti.stack.callback(elsewhere.close)
    served = Served(lti)
    served.teacher()
    for address in (f"{elsewhere.url}/steal/memberships", elsewhere.url.replace("http:", "") + "/steal/memberships"):
        served.ask(listing(member("ada"), Link=f'<{address}>; rel="next"'), listing(member("ben")))
        state = served.roster_state()
        assert "at another address" in state.problem
        assert state.listed_at is None
        assert set(served.roster()) == {"teacher-1"}, "half a list is none"
    assert elsewhere.received == []


def test_d6_113_a_list_without_an_end_is_given_up_and_nobody_is_missing_from_it(lti: Lti) -> None:
    served = Served(lti)
    served.teacher()
    base = f"{served.services.url}/Courses/7/memberships"
    served.ask(listing(member("ada"), member("ben")))
    complete = served.roster_state().listed_at
    served.ask(
        listing(member("ada"), Link=f'<{base}?page=2>; rel="next"'),
        *[listing(Link=f'<{base}?page=2>; rel="next"')] * 5,
    )
    assert len(served.services.on("/memberships")) == 3
    assert served.roster()["ben"][0] == "active"
    state = served.roster_state()
    assert (state.listed_at, bool(state.problem)) == (complete, True)

    pages = [listing(Link=f'<{base}?page={number}>; rel="next"') for number in range(paging.MAX_PAGES + 9)]
    served.ask(*pages)
    assert len(served.services.on("/memberships")) == 3 + paging.MAX_PAGES


def test_d6_114_the_members_of_a_role_or_of_a_link_can_be_asked_for(lti: Lti) -> None:
    """A platform that passes over a filter is filtered here."""
    served = Served(lti)
    served.services.answers["/memberships"] = [
        listing(member("ada"), member("arun", roles=[f"{VOCABULARY}#Instructor"])),
        listing(member("ada")),
    ]
    url = served.url(served.members) or ""
    teachers = memberships(served.http, "token-1", url, role=Role.INSTRUCTOR)
    assert [one.user_id for one in teachers.members] == ["arun"]
    everybody = memberships(served.http, "token-1", url, resource_link_id="link 1&2")
    assert [one.user_id for one in everybody.members] == ["ada"]
    asked = [parse_qs(urlsplit(got.path).query) for got in served.services.on("/memberships")]
    assert asked == [
        {"ctx": ["aB"], "role": [f"{VOCABULARY}#Instructor"]},
        {"ctx": ["aB"], "rlid": ["link 1&2"]},
    ]


def test_d6_115_who_is_inactive_or_deleted_is_known_as_that(lti: Lti) -> None:
    """And who has no status is active. Nobody is forgotten."""
    served = Served(lti)
    served.teacher()
    served.ask(listing(member("ada"), member("ben"), member("cleo", status=None), member("dan")))
    assert {status for status, _ in served.roster().values()} == {"active"}
    assert len(served.roster()) == 5
    served.ask(listing(member("ada", status="Inactive"), member("ben", status="Deleted"), member("cleo", status=None)))
    assert {one: status for one, (status, _) in served.roster().items()} == {
        "teacher-1": "active",
        "ada": "inactive",
        "ben": "deleted",
        "cleo": "active",
        "dan": "inactive",
    }
