"""Redirects from the former addresses of imported articles."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from urllib.parse import urlsplit

from contentql.content.ids import encode_id
from contentql.content.records import ArticleRecord
from contentql.content.warnings import Warning, WarningCode
from contentql.editorial.revisions import IMPORT_ACCOUNT
from contentql.store.models.redirects import Redirect
from contentql.url_patterns import Site

_PERMANENT = 301


async def save_redirects(
    site: Site, addresses: Sequence[str], article_id: int, record: ArticleRecord, now: dt.datetime
) -> list[Warning]:
    """Creates redirects from former addresses to an article; returns warnings for those that lead elsewhere.

    The host of an address does not matter: the site that readers know moves here. The article's own address
    needs none.
    """
    own = canonical_path(site, article_id, record)
    paths = {path for address in addresses if (path := _path(site, address)) and path != own}
    warnings = []
    existing = {row.path: row for row in await Redirect.filter(path__in=list(paths))} if paths else {}
    for path in sorted(paths):
        row = existing.get(path)
        if row is None:
            await Redirect.create(
                path=path,
                target_table="article",
                target_id=article_id,
                status=_PERMANENT,
                created_at=now,
                created_by=IMPORT_ACCOUNT,
            )
        elif (row.target_table, row.target_id) != ("article", article_id):
            message = f"the address {path[:200]} leads to something else already"
            warnings.append(Warning(WarningCode.DROPPED, message, ("addresses",), path[:200]))
    return warnings


def canonical_path(site: Site, article_id: int, record: ArticleRecord) -> str:
    """The path of an article's page by the pattern of the site; "" if articles have no page."""
    pattern = site.pattern("article")
    if pattern is None or (not record.category and "section" in pattern.placeholders):
        return ""
    values = {
        "slug": record.slug,
        "id": encode_id("article", article_id),
        "section": record.category or "",
        "language": record.language,
    }
    return "".join(text + values.get(name, "") for text, name in pattern.pieces)


def _path(site: Site, address: str) -> str:
    """The path of an address in normal form, with its query; "" for the front page."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    relative = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path
    path = site.split_address(relative)[1] if relative else ""
    return "" if path in ("", "/") else path
