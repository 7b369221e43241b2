"""HTTP caching headers of a response: Cache-Control, ETag and cache tags."""

from __future__ import annotations

import re
from collections.abc import Sequence

from contentql.cache.entry import CachedResponse
from contentql.content.cache_tags import clean_tag, summary_tag

MAX_TAGS = 60
MAX_TAG_BYTES = 3_000
_TAGS = re.compile(rb'\s*(?:W/)?"([\x21\x23-\x7e]*)"\s*(?:,|$)')

HeaderList = list[tuple[bytes, bytes]]


def cache_control(entry: CachedResponse) -> bytes:
    """Cache-Control of a response. It depends on the operation alone, never on the time or on stored rows."""
    if entry.private:
        return b"private, max-age=0, must-revalidate"
    return b"public, max-age=%d, must-revalidate" % entry.max_age


def etag(entry: CachedResponse, coding: str | None, *, legacy: bool) -> bytes:
    """Strong ETag of one representation: media type and coding are part of it."""
    parts = [entry.etag, *(["json"] if legacy else []), *([coding] if coding else [])]
    return f'"{"-".join(parts)}"'.encode()


def matches_etag(if_none_match: bytes, tag: str) -> bool:
    """Whether If-None-Match has the ETag of a representation, by weak comparison (RFC 9110, section 13.1.2).

    `tag`: what the ETags of all representations begin with.
    """
    if if_none_match.strip() == b"*":
        return True
    return any(match.partition(b"-")[0] == tag.encode() for match in _TAGS.findall(if_none_match[:8_000]))


def cache_tag_headers(entry: CachedResponse) -> HeaderList:
    """Headers that name the objects and lists of a response, for purging a CDN by tag; coarser if there are
    many."""
    words = list(map(clean_tag, (*entry.list_tags, *entry.shown_ids)))
    if len(words) > MAX_TAGS or sum(map(len, words)) + len(words) > MAX_TAG_BYTES:
        kinds = dict.fromkeys(summary_tag(id.partition("_")[0]) for id in entry.shown_ids)
        words = [*words[: min(len(entry.list_tags), MAX_TAGS)], *kinds]
    return [(b"cache-tag", _joined(words, ",")), (b"surrogate-key", _joined(words, " "))] if words else []


def _joined(words: Sequence[str], by: str) -> bytes:
    return by.join(words).encode()
