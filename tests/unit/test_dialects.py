"""What a platform wants differently, rule by rule."""

from __future__ import annotations

import pytest

from ltitools.lti.platforms import dialect_of
from ltitools.lti.platforms.addresses import addresses_of


@pytest.mark.parametrize(
    ("held", "sent"),
    [
        ("<p>Good start, <strong>Ana</strong> &amp; all.</p><p>See page 3.</p>", "Good start, Ana & all.\nSee page 3."),
        ("One<br>Two<br />Three", "One\nTwo\nThree"),
        ("<ul><li>first</li><li>second</li></ul>", "- first\n- second"),
        ("<p>Two things:</p>\n<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n", "Two things:\n- a\n- b"),
        ("Use a < b and b > c, not &lt;", "Use a < b and b > c, not &lt;"),
        ("Plain words.", "Plain words."),
    ],
)
def test_moodle_gets_a_teachers_feedback_back_as_readable_text(held: str, sent: str) -> None:
    moodle = dialect_of("moodle")
    assert moodle.kept_comment(held) == sent
    assert moodle.kept_comment(sent) == sent, "a second score changes nothing"


def test_other_platforms_get_it_back_as_it_is() -> None:
    assert dialect_of("generic").kept_comment("<p>As it is</p>") == "<p>As it is</p>"


@pytest.mark.parametrize(
    ("kind", "copied", "site"),
    [
        ("moodle", "https://moodle.example.edu", "https://moodle.example.edu"),
        ("moodle", "https://moodle.example.edu/", "https://moodle.example.edu"),
        ("moodle", "https://moodle.example.edu/login/index.php", "https://moodle.example.edu"),
        ("moodle", "https://www.example.edu/moodle/my/", "https://www.example.edu/moodle"),
        ("moodle", "https://www.example.edu/moodle/course/view.php?id=2", "https://www.example.edu/moodle"),
        ("moodle", "https://moodle.example.edu/index.php?redirect=0", "https://moodle.example.edu"),
        ("moodle", "https://my.example.edu", "https://my.example.edu"),
        ("canvas", "https://canvas.example.edu/accounts/1/settings", "https://canvas.example.edu"),
    ],
)
def test_the_address_of_a_page_leads_to_its_platform(kind: str, copied: str, site: str) -> None:
    found = addresses_of(kind, copied)
    assert found is not None
    assert found.jwks_url.startswith(f"{site}/{'mod' if kind == 'moodle' else 'api'}/")
    assert kind == "canvas" or found.issuer == site
