"""What can go wrong, as one exception a person can be told about.

Every refusal has a stable `code` (documented in ``docs/refusals.md``), an HTTP status and a text in the reader's
language. Whoever raises it has changed nothing: the web layer rolls the transaction back.
"""

from __future__ import annotations

from ltitools.i18n import LazyText


class Refused(Exception):
    """The request is refused, and the person is told why.

    `detail` is for the log and the administrator: it names the rule and the offending claim, never a person.
    """

    def __init__(self, code: str, text: str | LazyText, status: int = 400, *, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.text = text
        self.status = status
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.code}: {self.text}" + (f" ({self.detail})" if self.detail else "")


class SettingsError(Exception):
    """The configuration cannot be used; the message is one sentence with what to change."""


class PluginError(Exception):
    """An installed plugin breaks the contract; the message is one sentence that names it."""


class Conflict(Exception):
    """A command would overwrite what is there with something else; nothing was changed."""


class NotFound(Exception):
    """A command names something that is not there."""
