"""Status lists: what the specification says of their bits, and that nobody's list can do harm."""

import base64
import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from school import NOW, School

from ltitools_badges.core import status
from ltitools_badges.core.status import LENGTH, StatusList

indices = st.integers(0, LENGTH - 1)


@given(st.sets(indices, max_size=40))
def test_a_list_comes_back_from_its_text(revoked: set[int]) -> None:
    bits = StatusList()
    for index in revoked:
        bits.set(index)
    again = StatusList.from_text(bits.to_text())
    assert len(again) == LENGTH
    assert all(again.get(index) for index in revoked)
    assert not any(again.get((index + 1) % LENGTH) for index in revoked if (index + 1) % LENGTH not in revoked)
    assert again.to_text() == bits.to_text()


def test_the_first_bit_is_the_highest_of_the_first_byte() -> None:
    bits = StatusList()
    bits.set(0)
    bits.set(9)
    text = bits.to_text()
    assert text[0] == "u"
    raw = gzip.decompress(base64.urlsafe_b64decode(text[1:] + "=="))
    assert (len(raw), raw[:2]) == (LENGTH // 8, b"\x80\x40")


@given(st.integers())
def test_an_index_outside_is_refused(index: int) -> None:
    if not 0 <= index < LENGTH:
        with pytest.raises(IndexError):
            StatusList().get(index)
        with pytest.raises(IndexError):
            StatusList().set(index)


def test_a_free_index_is_found_to_the_last_one() -> None:
    bits = StatusList()
    assert 0 <= bits.random_free(()) < LENGTH
    assert bits.random_free(set(range(LENGTH)) - {4711}) == 4711
    with pytest.raises(ValueError, match="full"):
        bits.random_free(range(LENGTH))


def text_of(raw: bytes) -> str:
    return "u" + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "u",
        "z123",
        "u!!!!",
        text_of(b"no gzip"),
        text_of(zlib.compress(bytes(LENGTH // 8))),
        text_of(gzip.compress(bytes(LENGTH // 8 - 1))),
        text_of(gzip.compress(bytes(LENGTH // 8))[:-9]),
        text_of(gzip.compress(bytes(8 * 1024 * 1024))),
    ],
    ids=["empty", "nothing", "base58", "no base64", "no gzip", "zlib", "too short", "cut off", "a bomb"],
)
def test_what_is_no_list_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not"):
        StatusList.from_text(text)


def test_a_longer_list_of_others_is_read() -> None:
    assert len(StatusList.from_text(text_of(gzip.compress(bytes(LENGTH))))) == 8 * LENGTH


def test_the_list_is_a_credential_and_a_badge_points_into_it() -> None:
    school = School()
    listing = status.credential(school.issuer, 3, school.bits, NOW)
    entry = status.entry(school.issuer, 3, 7)
    assert listing["id"] == entry["statusListCredential"] == f"{school.base}/status/3"
    assert listing["type"] == ["VerifiableCredential", "BitstringStatusListCredential"]
    assert listing["issuer"] == school.did
    assert "validUntil" not in listing
    assert entry["statusListIndex"] == "7"
    assert entry["statusPurpose"] == listing["credentialSubject"]["statusPurpose"] == "revocation"
    assert len(listing["credentialSubject"]["encodedList"]) < 100
