"""Paths of feeds, sitemaps and documents on the reader's site, below the paths of its pages.

`/{page}/feed.rss`, `feed.atom` and `feed.json` are the feeds of a page, `/{article}.md` and
`/{article}.jsonld` documents of an article, which its own path also has for the media types of these.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Final, Literal

from contentql.web.compression import parse_qvalues

NEWS_SITEMAP_PATH: Final = "/news-sitemap.xml"
SITEMAP_INDEX_PATH: Final = "/sitemap.xml"
ROBOTS_PATH: Final = "/robots.txt"
_FEED: Final = re.compile(r"(?P<page>|/.+)/feed\.(?P<format>rss|atom|json)")
_DOCUMENT: Final = re.compile(r"(?P<page>/.+)\.(?P<format>md|jsonld)")
_SITEMAP: Final = re.compile(
    r"/sitemaps/(?P<year>\d{4})-(?P<month>\d\d)(?:-(?P<day>\d\d))?(?:\.(?P<part>[2-9]|10))?\.xml"
)
_MEDIA_TYPES: Final = {"text/markdown": "md", "application/ld+json": "jsonld"}


@dataclass(frozen=True)
class SitePath:
    """A document of the site. `page`: path of the page that it is of, "" for the site itself; `suffix`: what
    follows it in the path. `period` and `part` are those of a sitemap. `is_negotiated`: the format follows
    from the header Accept."""

    kind: Literal["feed", "document", "news", "sitemap", "index", "robots"]
    page: str = ""
    format: str = ""
    suffix: str = ""
    period: tuple[dt.datetime, dt.datetime] | None = None
    part: int = 1
    is_negotiated: bool = False


_FIXED: Final = {
    ROBOTS_PATH: SitePath("robots"),
    SITEMAP_INDEX_PATH: SitePath("index"),
    NEWS_SITEMAP_PATH: SitePath("news"),
}


def parse_site_path(path: str, accept: bytes) -> SitePath | None:
    """The document that a path and the header Accept name; None if they name none."""
    if path in _FIXED:
        return _FIXED[path]
    if match := _FEED.fullmatch(path):
        format = match["format"]
        return SitePath("feed", match["page"], format, f"/feed.{format}")
    if match := _SITEMAP.fullmatch(path):
        period = _period(match["year"], match["month"], match["day"])
        return SitePath("sitemap", period=period, part=int(match["part"] or 1)) if period else None
    if match := _DOCUMENT.fullmatch(path):
        return SitePath("document", match["page"], match["format"], f".{match['format']}")
    if path != "/" and (format := accepted_format(accept)):
        return SitePath("document", path, format, is_negotiated=True)
    return None


def accepted_format(accept: bytes) -> str:
    """The format of a document that a client prefers to an HTML page; "" if it does not name one."""
    weights = parse_qvalues(accept)
    best = max(_MEDIA_TYPES, key=lambda name: weights.get(name, 0.0))
    weight = weights.get(best, 0.0)
    return _MEDIA_TYPES[best] if weight and weight >= weights.get("text/html", 0.0) else ""


def sitemap_path(start: dt.datetime, *, of_day: bool, part: int) -> str:
    """The path of the sitemap of a month or a day."""
    name = f"{start.year:04}-{start.month:02}" + (f"-{start.day:02}" if of_day else "")
    return f"/sitemaps/{name}{f'.{part}' if part > 1 else ''}.xml"


def month_period(year: int, month: int) -> tuple[dt.datetime, dt.datetime]:
    """The first moment of a month and that of the next one, in UTC."""
    start = dt.datetime(year, month, 1, tzinfo=dt.UTC)
    if (year, month) == (dt.MAXYEAR, 12):
        return start, dt.datetime.max.replace(tzinfo=dt.UTC)
    return start, dt.datetime(year + month // 12, month % 12 + 1, 1, tzinfo=dt.UTC)


def _period(year: str, month: str, day: str | None) -> tuple[dt.datetime, dt.datetime] | None:
    try:
        if day is None:
            return month_period(int(year), int(month))
        start = dt.datetime(int(year), int(month), int(day), tzinfo=dt.UTC)
        return start, start + dt.timedelta(days=1)
    except (ValueError, OverflowError):
        return None
