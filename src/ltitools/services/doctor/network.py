"""What our own address and a platform's have in common: the certificate, and the clock."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from ltitools.db import utcnow
from ltitools.http import HttpClient, Response, origin
from ltitools.services.doctor.findings import Finding, ok, problem, warning

DAYS_TO_RENEW = 21
UNEVEN_SECONDS = 5
NAME_DIFFERS = (62, 64)
"""OpenSSL's numbers for a certificate of another host and of another IP address; 9 and 10 are times."""
OUT_OF_TIME = (9, 10)


@dataclass(frozen=True)
class Asked:
    """An answer, and our own time in the middle of waiting for it."""

    answer: Response
    at: datetime


def ask(
    http: HttpClient,
    method: str,
    url: str,
    *,
    data: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
) -> Asked:
    """Send a request. Raises HttpError."""
    begin = utcnow()
    answer = http.request(method, url, data=data, headers=headers)
    return Asked(answer, begin + (utcnow() - begin) / 2)


def examine_tls(http: HttpClient, url: str, whose: str) -> Finding | None:
    """The certificate at `url`, None where that is not https. `whose` says who has to change it."""
    scheme, host, port = origin(url)
    if scheme != "https":
        return None
    name = f"{host}:{port}"
    try:
        end = http.certificate_end(url)
    except ssl.SSLCertVerificationError as error:
        return _distrusted(error, name, whose)
    except OSError as error:
        return problem(
            "tls-failed",
            f"{name} gives no certificate: {error}.",
            f"Let {whose} check that the server runs, and speaks TLS at this port.",
        )
    days = (end - utcnow()).days
    if days < DAYS_TO_RENEW:
        return warning(
            "tls-expires-soon",
            f"The certificate of {name} ends in {days} days, on {end:%Y-%m-%d}.",
            f"Let {whose} renew it, and check that it renews itself.",
        )
    return ok("tls", f"The certificate of {name} is trusted and valid for {days} more days.")


def _distrusted(error: ssl.SSLCertVerificationError, name: str, whose: str) -> Finding:
    if error.verify_code in NAME_DIFFERS:
        return problem(
            "tls-name",
            f"The certificate at {name} is for another name: {error.verify_message}.",
            f"Let {whose} install a certificate for this name, or correct the address.",
        )
    if error.verify_code in OUT_OF_TIME:
        return problem(
            "tls-expired",
            f"The certificate of {name} is out of date: {error.verify_message}.",
            f"Let {whose} renew it. If it is valid, the clock of this server is wrong.",
        )
    return problem(
        "tls-untrusted",
        f"The certificate of {name} is not trusted here: {error.verify_message}.",
        f"Let {whose} serve the whole chain (ssl_certificate with the intermediate certificates); for an authority of"
        " your own, name its certificate in the setting ca_file.",
    )


def examine_clock(asked: Asked, whose: str, tolerance: int) -> Finding:
    """Our clock against the ``Date`` of an answer, which knows whole seconds only."""
    try:
        there = parsedate_to_datetime(asked.answer.headers.get("date", "")).astimezone(UTC)
        age = int(asked.answer.headers.get("age", "0"))
    except ValueError:
        return warning(
            "clock-unknown",
            f"The answer of {whose} does not say what time it is there.",
            f"Compare the clock of {whose} with this server's, which says {asked.at:%H:%M:%S} UTC.",
        )
    # A kept answer is as old as its Age says; and the time there was cut to the second.
    there += timedelta(seconds=age + 0.5)
    seconds = round((asked.at - there).total_seconds())
    if abs(seconds) <= UNEVEN_SECONDS:
        return ok("clock", f"Our clock and that of {whose} agree to {abs(seconds)} s.")
    what = f"Our clock is {abs(seconds)} s {'ahead of' if seconds > 0 else 'behind'} that of {whose}"
    change = f"Synchronise both with a time server (timedatectl on this server says whether it is); {whose} if we are."
    if abs(seconds) > tolerance:
        return problem("clock-differs", f"{what}; launches are refused above {tolerance} s.", change)
    return warning("clock-differs", f"{what}.", change)
