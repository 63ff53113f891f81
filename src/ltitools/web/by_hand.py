"""Registering a platform by hand: every address to paste into it, and a form for its own values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from urllib.parse import urlsplit

from flask import render_template, url_for

from ltitools.context import current_host
from ltitools.errors import Conflict
from ltitools.i18n import LazyText, host
from ltitools.lti.claims import text_of
from ltitools.lti.platforms.addresses import addresses_of
from ltitools.lti.registration import LONGEST_ADDRESS, LONGEST_ID, LONGEST_ISSUER, secure_address
from ltitools.models import Tenant
from ltitools.services.registrations import NewRegistration

_ = host.gettext
lazy = host.lazy

KINDS: Mapping[str, LazyText] = {
    "canvas-production": lazy("Canvas, run by Instructure"),
    "canvas-beta": lazy("Canvas, run by Instructure: the beta environment"),
    "canvas-test": lazy("Canvas, run by Instructure: the test environment"),
    "canvas": lazy("Canvas on a server of your own"),
    "moodle": lazy("Moodle"),
    "generic": lazy("Another platform"),
}


@dataclass(frozen=True)
class Form:
    """What somebody typed in. `site` is the platform's own address, which is enough for Canvas and Moodle."""

    kind: str = "moodle"
    title: str = ""
    site: str = ""
    client_id: str = ""
    deployment_id: str = ""
    issuer: str = ""
    auth_url: str = ""
    token_url: str = ""
    jwks_url: str = ""

    @classmethod
    def read(cls, sent: Mapping[str, str]) -> Form:
        """The form as it was sent."""
        return cls(**{field.name: text_of(sent.get(field.name, "")).strip() for field in fields(cls)})

    def registration(self) -> NewRegistration:
        """The registration that it asks for. What is typed in wins over what is known of the kind. Raises Conflict."""
        if self.kind not in KINDS:
            raise Conflict(_("Choose the platform."))
        if not self.client_id:
            raise Conflict(_("The client ID is missing: the platform shows it once the tool is stored there."))
        if max(len(self.client_id), len(self.deployment_id)) > LONGEST_ID:
            raise Conflict(_("A client ID and a deployment ID have at most %(n)s characters.", n=LONGEST_ID))
        known = addresses_of(self.kind, self.site)
        values = asdict(known) if known else {"platform": self.kind}
        values |= {
            name: getattr(self, name) for name in ("issuer", "auth_url", "token_url", "jwks_url") if getattr(self, name)
        }
        missing = [name for name in ("issuer", "auth_url", "token_url", "jwks_url") if not values.get(name)]
        if missing and self.kind in ("canvas", "moodle"):
            raise Conflict(_("The address of the platform is missing."))
        if missing:
            raise Conflict(_("Fill in all four addresses of the platform."))
        for name in ("issuer", "auth_url", "token_url", "jwks_url"):
            if not secure_address(values[name], LONGEST_ISSUER if name == "issuer" else LONGEST_ADDRESS):
                raise Conflict(_("%(address)s is no address: it must begin with https://.", address=values[name]))
        return NewRegistration(
            client_id=self.client_id,
            deployment_ids=(self.deployment_id,) if self.deployment_id else (),
            deployments_policy="auto" if values["platform"] == "canvas" and not self.deployment_id else "pending",
            **values,
        )


def page(tenant: Tenant, invite: str, form: Form, problem: str = "") -> str:
    """The page, for whoever has a registration link of the institution."""
    return render_template("registration/by_hand.html", invite=invite, **values(tenant, form, problem))


def values(tenant: Tenant, form: Form, problem: str = "") -> dict[str, object]:
    """What the page and its part in the console show."""
    base = current_host().settings.public_url

    def address(endpoint: str) -> str:
        return base + url_for(endpoint, tenant_key=tenant.key)

    ours = {name: address(f"lti.{name}") for name in ("login", "launch", "jwks")}
    return {
        "tenant": tenant,
        "form": replace(form, kind=form.kind if form.kind in KINDS else "moodle"),
        "problem": problem,
        "kinds": KINDS,
        "ours": ours,
        "canvas_url": address("registration.canvas_configuration"),
        "domain": urlsplit(base).netloc,
        "icon_url": base + url_for("static", filename="icon.svg"),
    }
