"""The ``Link`` header as platforms write it, and lists that do not end."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltitools.http import Response
from ltitools.lti.paging import MAX_PAGES, ForeignPage, next_page, read_pages

HERE = "https://lms.example.test/Services/members?Page=1"
NEXT = "https://lms.example.test/Services/members?Page=2&Limit=50"


def answered(link: str, url: str = HERE) -> Response:
    return Response(200, {"link": link}, b"", url)


@pytest.mark.parametrize(
    "header",
    [
        f'<{NEXT}>; rel="next"',
        f"<{NEXT}>;rel=next",
        f"<{NEXT}>; rel='next'",
        f"<{NEXT}>; REL=“Next”",
        f"<{NEXT}>; rel=“next”".encode().decode("latin-1"),
        f"<{NEXT}>; rel=‘next’".encode().decode("latin-1"),
        f"<{NEXT}>; rel=”next”",
        f'<{NEXT.replace("&", "&amp;")}>; rel="next"',
        f'<{HERE}>; rel="current",<{NEXT}>; rel="next",<{HERE}>; rel="first",<{NEXT}>; rel="last"',
        f'<{NEXT}>; title="the, next; page"; rel="last next"',
        f'< {NEXT} > ; rel = "next"',
        '<?Page=2&Limit=50>; rel="next"',
        '</Services/members?Page=2&Limit=50>; rel="next"',
    ],
)
def test_the_next_page_is_found_however_it_is_written(header: str) -> None:
    assert next_page(answered(header)) == NEXT


@pytest.mark.parametrize(
    "header",
    [
        "",
        f"<{NEXT}>",
        f'<{NEXT}>; rel="prev"',
        f'<{NEXT}>; rel="nextish"',
        f'<{NEXT}>; crel="next"',
        f"{NEXT}; rel=next",
        f'<{HERE}>; rel="prev"; title="rel next"',
        '<https://[>; rel="next"',
    ],
)
def test_no_next_page_is_found_where_there_is_none(header: str) -> None:
    assert next_page(answered(header)) == ""


@given(st.text())
def test_no_header_whatever_breaks_the_reader(header: str) -> None:
    assert isinstance(next_page(answered(header)), str)


addresses = st.from_regex(r"[A-Za-z0-9_.~/-]{0,20}(\?[A-Za-z0-9_.~/=&%-]{1,30})?", fullmatch=True).map(
    lambda rest: f"https://LMS.example.test/{rest}"
)
relations = st.sampled_from(["prev", "first", "last", "current"])
quotes = st.sampled_from(['""', "''", "“”", "””", "‘’", ("", "")])


@given(addresses, st.lists(st.tuples(addresses, relations, quotes), max_size=4), quotes, st.booleans(), st.booleans())
def test_an_address_comes_out_as_it_went_in_among_any_others(
    target: str, others: list[tuple[str, str, Any]], quote: Any, escaped: bool, raw: bool
) -> None:
    """In every mixture of quotes, whether or not the header arrives as the single bytes of its UTF-8."""
    links = [f"<{address}>; rel={q[0]}{relation}{q[1]}" for address, relation, q in others]
    shown = target.replace("&", "&amp;") if escaped else target.replace("&amp;", "&")
    links.insert(len(links) // 2, f"<{shown}>; rel={quote[0]}next{quote[1]}")
    header = ", ".join(links)
    header = header.encode().decode("latin-1") if raw else header
    assert next_page(answered(header)) == target.replace("&amp;", "&")


def pages(following: dict[str, str]) -> tuple[list[str], Any]:
    """What is asked for, and a way to ask for pages of which each names the next."""
    asked: list[str] = []

    def get(url: str) -> tuple[Response, Any]:
        asked.append(url)
        link = f'<{following[url]}>; rel="next"' if url in following else ""
        return answered(link, url), url

    return asked, get


def test_pages_are_read_in_order_to_the_last() -> None:
    asked, get = pages({HERE: NEXT, NEXT: f"{HERE}&x"})
    found = read_pages(HERE, get)
    assert (found.documents, found.complete) == ([HERE, NEXT, f"{HERE}&x"], True)
    assert asked == found.documents


def test_a_circle_is_left_where_it_closes() -> None:
    asked, get = pages({HERE: NEXT, NEXT: HERE})
    found = read_pages(HERE, get)
    assert (asked, found.complete) == ([HERE, NEXT], False)


def test_a_list_that_goes_on_and_on_is_given_up() -> None:
    asked, get = pages({f"{HERE}{number}": f"{HERE}{number + 1}" for number in range(MAX_PAGES * 2)})
    found = read_pages(f"{HERE}0", get)
    assert (len(asked), len(found.documents), found.complete) == (MAX_PAGES, MAX_PAGES, False)


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example.test/Services/members",
        "http://lms.example.test/Services/members",
        "https://lms.example.test:8443/Services/members",
        "//evil.example.test/Services/members",
        "https://lms.example.test@evil.example.test/",
        "https://lms.example.test.evil.example.test/",
        "ftp://lms.example.test/",
    ],
)
def test_another_origin_is_not_asked(elsewhere: str) -> None:
    asked, get = pages({HERE: elsewhere})
    with pytest.raises(ForeignPage):
        read_pages(HERE, get)
    assert asked == [HERE]
