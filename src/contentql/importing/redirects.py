"""Redirects from the former addresses of imported articles."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from contentql.content.ids import encode_id
from contentql.content.records import ArticleRecord
from contentql.content.warnings import Warning, WarningCode
from contentql.editorial.revisions import IMPORT_ACCOUNT
from contentql.store.models.redirects import Redirect
from contentql.url_patterns import Site

_PERMANENT = 301
_PATHS_AT_ONCE = 500  # in one statement


@dataclass(frozen=True)
class FormerAddresses:
    """Addresses that an imported article had elsewhere."""

    addresses: Sequence[str]
    record: ArticleRecord


async def save_redirects(
    site: Site, articles: Sequence[FormerAddresses], now: dt.datetime
) -> dict[int, list[Warning]]:
    """Creates redirects from former addresses to articles; returns warnings by the id of the article.

    The host of an address does not matter: the site that readers know moves here. An article's own address
    needs no redirect, and one that leads to something else already stays.
    """
    targets: dict[str, int] = {}
    warnings: dict[int, list[Warning]] = {}

    def warn(path: str, article_id: int) -> None:
        message = f"the address {path[:200]} leads to something else already"
        warning = Warning(WarningCode.DROPPED, message, ("addresses",), path[:200])
        warnings.setdefault(article_id, []).append(warning)

    for article in articles:
        article_id = article.record.id or 0
        own = canonical_path(site, article_id, article.record)
        for path in dict.fromkeys(_path(site, address) for address in article.addresses):
            if path and path != own and targets.setdefault(path, article_id) != article_id:
                warn(path, article_id)
    existing = await _existing(list(targets))
    for path, target in existing.items():
        if target != targets[path]:
            warn(path, targets[path])
    await Redirect.bulk_create(
        Redirect(
            path=path,
            target_table="article",
            target_id=article_id,
            status=_PERMANENT,
            created_at=now,
            created_by=IMPORT_ACCOUNT,
        )
        for path, article_id in targets.items()
        if path not in existing
    )
    return warnings


async def _existing(paths: Sequence[str]) -> dict[str, int | None]:
    """The articles that paths lead to; None for something else."""
    results = {}
    for start in range(0, len(paths), _PATHS_AT_ONCE):
        for row in await Redirect.filter(path__in=paths[start : start + _PATHS_AT_ONCE]):
            results[row.path] = row.target_id if row.target_table == "article" else None
    return results


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
