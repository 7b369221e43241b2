"""What browsers, phones and CDNs are told of an answer: how long it may be kept, which it is, what it shows.

Knows entries and headers; does not know how answers are remembered here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from contentql.cache.entry import Entry

GRID = 10  # seconds: every lifetime ends on a multiple of it, so none tells when something will come out
MOST_TAGS = 60
MOST_TAG_BYTES = 3_000
_TAGS = re.compile(rb'\s*(?:W/)?"([\x21\x23-\x7e]*)"\s*(?:,|$)')
_UNFIT = re.compile(r"[^A-Za-z0-9_:/.-]")

Headers = list[tuple[bytes, bytes]]


def lifetime(entry: Entry, now: int, left: float) -> int:
    """Seconds for which others may keep the answer. `left`: until time may change it."""
    until = now + min(entry.max_age, max(0, int(left)))
    return max(0, until // GRID * GRID - now)


def cache_control(entry: Entry, now: int, left: float) -> bytes:
    if entry.private:
        return b"private, max-age=0, must-revalidate"
    return b"public, max-age=%d, must-revalidate" % lifetime(entry, now, left)


def entity_tag(entry: Entry, coding: str | None, *, legacy: bool) -> bytes:
    """Strong: the same body in another coding or of another type is another representation."""
    parts = [entry.tag, *(["json"] if legacy else []), *([coding] if coding else [])]
    return f'"{"-".join(parts)}"'.encode()


def not_modified(if_none_match: bytes, entry: Entry) -> bool:
    """By weak comparison, as RFC 9110 asks for: the same body in whatever coding."""
    if if_none_match.strip() == b"*":
        return True
    tag = entry.tag.encode()
    return any(found.partition(b"-")[0] == tag for found in _TAGS.findall(if_none_match[:8_000]))


def cache_tags(entry: Entry) -> Headers:
    """What was shown and which lists were read, for those that purge by tag; fewer words where it is much."""
    words = [_UNFIT.sub("_", word)[:100] for word in (*entry.words, *entry.shown)]
    if len(words) > MOST_TAGS or sum(map(len, words)) + len(words) > MOST_TAG_BYTES:
        kinds = dict.fromkeys(f"any-{id.partition('_')[0]}" for id in entry.shown)
        words = [*words[: min(len(entry.words), MOST_TAGS)], *kinds]
    return [(b"cache-tag", _joined(words, ",")), (b"surrogate-key", _joined(words, " "))] if words else []


def _joined(words: Sequence[str], by: str) -> bytes:
    return by.join(words).encode()
