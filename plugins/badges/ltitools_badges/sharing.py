"""What a holder does with a badge: its addresses, and adding it to a profile elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from ltitools_badges.core.content import MicroCredential
from ltitools_badges.models import Badge, Issuer

LINKEDIN = "https://www.linkedin.com/profile/add"


@dataclass(frozen=True)
class Addresses:
    """Where a badge is, and its files."""

    page: str

    @classmethod
    def of(cls, issuer: Issuer, badge: Badge) -> Addresses:
        """Those of a badge of the issuer."""
        return cls(f"{issuer.base}/credentials/{badge.public_id}")

    def file(self, ending: str) -> str:
        """The badge as a file: png, svg, json, jwt or ob2.json."""
        return f"{self.page}.{ending}"


def linkedin(issuer: Issuer, badge: Badge, content: MicroCredential) -> str:
    """The address that opens LinkedIn's form with the badge filled in.

    It names no end where the badge has none: LinkedIn shows a badge without these fields as one that does not expire.
    https://addtoprofile.linkedin.com/
    """
    fields: dict[str, str | int] = {
        "startTask": "CERTIFICATION_NAME",
        "name": content.name,
        "organizationName": issuer.name,
        "issueYear": badge.awarded_at.year,
        "issueMonth": badge.awarded_at.month,
        "certUrl": Addresses.of(issuer, badge).page,
        "certId": badge.public_id,
    }
    if badge.valid_until is not None:
        fields |= {"expirationYear": badge.valid_until.year, "expirationMonth": badge.valid_until.month}
    return f"{LINKEDIN}?{urlencode(fields)}"
