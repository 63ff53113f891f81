"""What the templates share: numbers and times in the reader's language, the hidden field of forms, the headers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from babel.dates import format_datetime
from babel.numbers import format_decimal
from flask import Flask, request, url_for
from markupsafe import Markup

from ltitools.demo_lms.access import csrf_token, person_here
from ltitools.demo_lms.addresses import origin_of
from ltitools.demo_lms.lms import lms, texts
from ltitools.demo_lms.models import Activity, Tool
from ltitools.demo_lms.tools import active_tools, menu_tools
from ltitools.i18n import LOCALE_NAMES, LOCALES, current_locale

_ = texts.gettext

# What a tool in a frame may ask the browser for; the same list as Moodle's, and full screen.
FRAME_FEATURES = ("autoplay", "camera", "encrypted-media", "fullscreen", "geolocation", "microphone", "midi")


def install(app: Flask) -> None:
    """Give the templates of `app` what they use."""
    app.jinja_env.filters.update(number=number, moment=moment)
    app.jinja_env.globals.update(
        csrf_field=csrf_field,
        icon_of=icon_of,
        kind_name=kind_name,
        frame_features=frame_features,
        state_name=state_name,
    )
    app.context_processor(_about_this_request)


def _about_this_request() -> dict[str, Any]:
    locale = current_locale()
    other = next(each for each in LOCALES if each != locale)
    is_page = request.method == "GET" and request.blueprint in ("pages", "teaching", "administration")
    return {
        "person_here": person_here(),
        "locale": locale,
        "other_locale": other,
        "other_locale_name": LOCALE_NAMES[other],
        "here": request.full_path.rstrip("?") if is_page else "/",
        "menu_tools": menu_tools(),
        "storage_target": lms().storage_target,
        "storage_manner": lms().levers.storage,
        # A page of ours inside a page of ours, such as a launch that was refused, goes without the header.
        "framed": request.headers.get("Sec-Fetch-Dest") == "iframe",
    }


def frame_features(tool: Tool) -> str:
    """What the tool's frame is allowed to ask the browser for."""
    return "; ".join(f"{each} {tool.origin}" for each in FRAME_FEATURES)


def number(value: float | None) -> str:
    """A score as people write it: 82.5, or 82,5 in French; nothing for None."""
    return "" if value is None else format_decimal(round(value, 2), format="#,##0.##", locale=current_locale())


def moment(value: datetime) -> Markup:
    """A ``<time>`` with date and time as the clock on this machine shows them."""
    local = value.astimezone()
    text = format_datetime(local, "d MMM y, HH:mm", locale=current_locale())
    return Markup('<time datetime="{}">{}</time>').format(local.isoformat(timespec="minutes"), text)


def csrf_field() -> Markup:
    """The hidden field that shows a form to be ours."""
    return Markup('<input type="hidden" name="csrf" value="{}">').format(csrf_token())


def icon_of(activity: Activity) -> str:
    """The address of an activity's picture: its own or the tool's if that comes from the tool, else ours."""
    tool = activity.tool
    for icon in (activity.icon_url, tool.icon_url if tool else None):
        if icon and tool and origin_of(icon) == tool.origin:
            return icon
    return url_for("static", filename="activity.svg")


def kind_name(kind: str) -> str:
    """What a person is, in words."""
    names = {
        "teacher": _("Teacher"),
        "learner": _("Learner"),
        "test": _("Test student"),
        "admin": _("Administrator"),
    }
    return names[kind]


def state_name(state: str) -> str:
    """What a tool is, in words."""
    return {"active": _("Active"), "pending": _("Pending"), "inactive": _("Switched off")}[state]


def content_security_policy(*more_frames: str) -> str:
    """Only files of our own; frames and form posts of the tools, and `more_frames`; nobody but us may frame us.

    Signing in can lead on to a site whose people sign in here, which browsers count as part of the form.
    """
    addresses = [url for tool in active_tools() for url in (tool.launch_url, tool.login_url, *tool.redirect_uris)]
    callbacks = [url for client in lms().sign_in_clients.values() for url in client.redirect_uris]
    theirs = "".join(f" {origin}" for origin in sorted({origin_of(url) for url in addresses}))
    framed = "".join(f" {origin}" for origin in sorted({origin_of(url) for url in [*addresses, *more_frames]}))
    posted = "".join(f" {origin}" for origin in sorted({origin_of(url) for url in [*addresses, *callbacks]}))
    return "; ".join(
        (
            "default-src 'none'",
            "style-src 'self'",
            "script-src 'self'",
            f"img-src 'self'{theirs}",
            f"frame-src 'self'{framed}",
            f"form-action 'self'{posted}",
            "frame-ancestors 'self'",
            "base-uri 'none'",
        )
    )
