"""How the LMS answers beyond its personality: page sizes, people who left, storage that fails, launches refused.

Only tests pull these; see `control`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

NEXT_PAGES = ("", "elsewhere", "circle")
STATUSES = ("Active", "Inactive", "Deleted")
STORAGE = ("", "silent", "hostile", "full", "absent")
SIGN_INS = ("", "unverified", "nonce", "issuer", "denied")


@dataclass
class Levers:
    """`page_size` is how much a list gives at once where the tool does not ask (0: as this LMS does).

    `next_page` leads the tool to the same page at another site (elsewhere) or to the first one again (circle).
    `statuses` are people, by key, who are not active members of their courses any more. With `scores_hidden` the
    gradebook takes scores and shows none, as a Moodle activity does whose grade type is *None*.

    `storage` is what the storage for tools does (see `storage`), also in an LMS that has none by itself: it never
    answers (silent), answers everything with lies (hostile), takes nothing (full); or no tool is told of one
    (absent), as in Canvas's mobile app. `refuse` is the error that the authorization endpoint posts to the tool
    instead of every id_token: ``login_required``, ``launch_no_longer_valid``, ``access_denied``, …
    `scopes_withheld` are those that the tool is not granted, by their last word (``score``). A token is then for the
    others, or with `all_scopes_or_none` there is none.

    Of dynamic registration: the configuration names another `issuer`, or does without the scopes (last words again)
    of `scopes_unsupported`; `padding` is so many bytes of nonsense in the configuration and in the answer; in the
    answer there is no client id with `client_id_withheld`. Canvas makes and tells the deployment at once with
    `deployment_in_answer`, and lets a tool change its own registration with `registration_updates`. Statuses, bodies,
    redirects, delays and lost answers are faults of the kinds ``configuration`` and ``registration``.

    `sign_in` is what is wrong with whoever signs in to a console: their address is not verified (unverified), the
    nonce or the issuer of their token is another, or they said no (denied).
    """

    page_size: int = 0
    next_page: str = ""
    statuses: dict[str, str] = field(default_factory=dict)
    scores_hidden: bool = False
    storage: str = ""
    refuse: str = ""
    scopes_withheld: list[str] = field(default_factory=list)
    all_scopes_or_none: bool = False
    issuer: str = ""
    scopes_unsupported: list[str] = field(default_factory=list)
    padding: int = 0
    client_id_withheld: bool = False
    deployment_in_answer: bool = False
    registration_updates: bool = False
    sign_in: str = ""

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Levers:
        """Levers as a test writes them; what is left out is as usual. ValueError names what is wrong."""
        unknown = set(value) - {each.name for each in fields(cls)}
        if unknown:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        levers = cls(**value)
        if levers.next_page not in NEXT_PAGES or not set(levers.statuses.values()) <= set(STATUSES):
            raise ValueError(f"'next_page' is one of {NEXT_PAGES}, a status one of {STATUSES}")
        if levers.storage not in STORAGE:
            raise ValueError(f"'storage' is one of {STORAGE}")
        if levers.sign_in not in SIGN_INS:
            raise ValueError(f"'sign_in' is one of {SIGN_INS}")
        return levers
