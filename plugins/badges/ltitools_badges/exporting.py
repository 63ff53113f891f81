"""An institution's badges as files: what any web server has to serve at the same address so that they go on checking.

The files stand where this server has the same things. What only a server can do is left out: choosing a form by what a
program asks for, and checking while somebody looks.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from flask import current_app, g
from sqlalchemy import select
from sqlalchemy.orm import undefer

from ltitools.plugin import Tenant, session, use_locale, utcnow
from ltitools_badges import issuers, published, showing, views_public
from ltitools_badges.core import ob2
from ltitools_badges.models import PUBLISHED, Achievement, Badge, Issuer, Version
from ltitools_badges.published import Credential, Edition

BATCH = 200
PACKED = (".png", ".zip")
OWN_FILES = ("public.css",)
HOST_FILES = ("ltitools.css", "icon.svg", "frame.js")

README = """{name}: badges, as files
Made {day} (UTC).

These files let the badges of this institution go on checking without the server that gave them.

1. Serve the content of this archive at {origin}, at the same paths: {origin}{root}/did.json must answer.
   HTTPS is needed, without a redirect for the .json files and those below {root}/status and {root}/keys.
2. Let programs of other sites read them (Access-Control-Allow-Origin: *), and say the right content types:
   {root}/did.json application/did+json, {root}/status/* and *.json of credentials application/vc+ld+json.
   For Apache see {root}/.htaccess (AllowOverride FileInfo is needed); for nginx see nginx.conf.
3. Keep the domain: the badges name it. Whoever owns it speaks for them.

What is in it: {badges} badges, {versions} descriptions of micro-credentials, {lists} status lists, {keys} keys.
Left out: badges that their holders do not share or had removed. Their files, where holders have them, still check.
The private keys are not in it. Nothing can be given or revoked with these files.
"""
NGINX = """# Inside the server block of {host}:
location = {root}/did.json {{
  default_type application/did+json; types {{ }} add_header Access-Control-Allow-Origin *;
}}
location {root}/status/ {{ default_type application/vc+ld+json; types {{ }} add_header Access-Control-Allow-Origin *; }}
location {root}/keys/ {{ default_type application/json; types {{ }} add_header Access-Control-Allow-Origin *; }}
location ~ ^{root}/credentials/[0-9a-f-]+\\.json$ {{
  default_type application/vc+ld+json; types {{ }} add_header Access-Control-Allow-Origin *;
}}
location ~ ^{root}/credentials/[0-9a-f-]+\\.jwt$ {{
  default_type text/plain; types {{ }} add_header Access-Control-Allow-Origin *;
}}
location {root}/ {{ index index.html; add_header Access-Control-Allow-Origin *; }}
"""
HTACCESS = """DirectoryIndex index.html
Header set Access-Control-Allow-Origin "*"
<Files "did.json">
  ForceType application/did+json
</Files>
<FilesMatch "^[0-9]+$">
  ForceType application/vc+ld+json
</FilesMatch>
<FilesMatch "^[0-9a-f-]{36}\\.json$">
  ForceType application/vc+ld+json
</FilesMatch>
<FilesMatch "^[0-9a-f-]{36}\\.jwt$">
  ForceType text/plain
</FilesMatch>
<FilesMatch "^(key|rsa)-[0-9-]+$">
  ForceType application/json
</FilesMatch>
"""


@dataclass
class Exported:
    """How much went into an export. `hidden` are not shared by their holders, `waiting` were never signed."""

    badges: int = 0
    versions: int = 0
    lists: int = 0
    keys: int = 0
    hidden: int = 0
    waiting: int = 0


def write(tenant: Tenant, file: IO[bytes]) -> Exported:
    """Write the archive. Needs a request, as pages do: see `in_a_request`. Raises NotFound without an issuer."""
    issuer = published.issuer(tenant)
    counts = Exported()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, use_locale(tenant.locale):
        for path, content in _files(tenant, issuer, utcnow(), counts):
            packed = zipfile.ZIP_STORED if path.endswith(PACKED) else zipfile.ZIP_DEFLATED
            archive.writestr(path.lstrip("/"), content, packed)
    return counts


def in_a_request(tenant: Tenant, file: IO[bytes]) -> Exported:
    """`write` for a command, which has no request of its own."""
    base = urlsplit(published.issuer(tenant).base)
    with current_app.test_request_context(base_url=f"{base.scheme}://{base.netloc}"):
        g.plugin = "badges"
        return write(tenant, file)


def _files(tenant: Tenant, issuer: Issuer, now: datetime, counts: Exported) -> Iterator[tuple[str, str | bytes]]:
    root = urlsplit(issuer.base).path
    yield from _of_issuer(tenant, issuer, root, now, counts)
    for number in _versions(tenant.id):
        edition, newest = number
        yield from _of_edition(edition, newest, now)
        yield from _of_badges(tenant.id, edition, root, now, counts)
        counts.versions += 1
    yield from _around(issuer, root, now, counts)


def _of_issuer(
    tenant: Tenant, issuer: Issuer, root: str, now: datetime, counts: Exported
) -> Iterator[tuple[str, str | bytes]]:
    yield f"{root}/index.html", showing.issuer_page(issuer, published.editions(tenant.id, issuer), now)
    yield f"{root}/vocabulary/index.html", showing.vocabulary_page(issuer, now)
    yield f"{root}/profile.json", _json(views_public.profile_of(issuer))
    yield f"{root}/issuer.ob2.json", _json(ob2.issuer(issuers.described(issuer)))
    yield f"{root}/did.json", _json(issuers.did_document(issuer))
    for key in issuers.keys(tenant.id):
        if key.withdrawn_at is None:
            counts.keys += 1
            yield f"{root}/keys/{key.name}", _json(views_public.key_document(issuer, key))
    for row in published.status_lists(tenant.id):
        both = published.status(issuer, row.number)
        assert both is not None
        counts.lists += 1
        yield f"{root}/status/{row.number}", both[0]
        yield f"{root}/status/{row.number}.jwt", both[1]


def _versions(tenant_id: int) -> list[tuple[Edition, int]]:
    """Every published version with the number of the newest, without pictures: those are read one at a time."""
    rows = session.execute(
        select(Issuer, Achievement, Version)
        .join(Achievement, Achievement.tenant_id == Issuer.tenant_id)
        .join(Version, Version.achievement_id == Achievement.id)
        .where(Issuer.tenant_id == tenant_id, Version.state == PUBLISHED)
        .order_by(Achievement.id, Version.number)
    )
    found = [Edition(*row) for row in rows]
    newest = {edition.achievement.id: edition.version.number for edition in found}
    return [(edition, newest[edition.achievement.id]) for edition in found]


def _of_edition(edition: Edition, newest: int, now: datetime) -> Iterator[tuple[str, str | bytes]]:
    page = showing.achievement_page(edition, newest, now)
    paths = [edition.path]
    if edition.version.number == newest:
        paths.append(edition.path.rpartition("/v/")[0])
    picture = _picture(edition)
    for path in paths:
        yield f"{path}/index.html", page
        yield f"{path}.json", _json(views_public.edition_document(edition))
        yield f"{path}.png", picture
        if edition.version.image_svg:
            yield f"{path}.svg", edition.version.image_svg
    yield f"{edition.path}.ob2.json", _json(views_public.edition_as_ob2(edition))


def _of_badges(
    tenant_id: int, edition: Edition, root: str, now: datetime, counts: Exported
) -> Iterator[tuple[str, str | bytes]]:
    after = 0
    while batch := _badges(tenant_id, edition.version.id, after):
        after = batch[-1].id
        for badge in batch:
            shown = Credential(edition.issuer, badge, edition.achievement, edition.version)
            if shown.state == "shown":
                counts.badges += 1
                yield from _of_badge(shown, root, now)
            elif shown.state == "preparing":
                counts.waiting += 1
            else:
                counts.hidden += 1
            session.expunge(badge)


def _badges(tenant_id: int, version_id: int, after: int) -> list[Badge]:
    rows = select(Badge).where(Badge.tenant_id == tenant_id, Badge.version_id == version_id, Badge.id > after)
    return list(session.scalars(rows.order_by(Badge.id).limit(BATCH)))


def _of_badge(shown: Credential, root: str, now: datetime) -> Iterator[tuple[str, str | bytes]]:
    path = f"{root}/credentials/{shown.badge.public_id}"
    yield f"{path}/index.html", showing.credential_page(shown, None, now)
    yield f"{path}.json", shown.badge.document or ""
    yield f"{path}.jwt", shown.badge.jwt or ""
    yield f"{path}.png", views_public.baked(shown, "png")
    if shown.version.image_svg:
        yield f"{path}.svg", views_public.baked(shown, "svg")
    status, as_ob2 = views_public.as_ob2(shown)
    if status == 200:
        yield f"{path}.ob2.json", _json(as_ob2)


def _around(issuer: Issuer, root: str, now: datetime, counts: Exported) -> Iterator[tuple[str, str | bytes]]:
    """What makes the pages look as they do, and what whoever serves them has to know."""
    for name in HOST_FILES:
        yield f"/static/{name}", (Path(current_app.static_folder or "") / name).read_bytes()
    for name in OWN_FILES:
        yield f"/tools/badges/-/static/{name}", (Path(__file__).parent / "static" / name).read_bytes()
    where = urlsplit(issuer.base)
    values = {
        "root": root,
        "host": where.netloc,
        "origin": f"{where.scheme}://{where.netloc}",
        "name": issuer.name,
        "day": f"{now:%Y-%m-%d %H:%M}",
        **vars(counts),
    }
    yield "README.txt", README.format(**values)
    yield "nginx.conf", NGINX.format(**values)
    yield f"{root}/.htaccess", HTACCESS


def _picture(edition: Edition) -> bytes:
    """Loaded with the version, which then has it for its badges too."""
    row = session.scalars(
        select(Version)
        .where(Version.tenant_id == edition.version.tenant_id, Version.id == edition.version.id)
        .options(undefer(Version.image_png))
        .execution_options(populate_existing=True)
    ).one()
    return row.image_png


def _json(document: Mapping[str, object]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1)
