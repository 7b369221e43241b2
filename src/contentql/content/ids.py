"""Generation of permanent ids without a database, and their text form (global ids).

An id is a positive 63-bit integer: milliseconds since 2024 and twenty bits that start at random within each
millisecond, so ids are roughly in order of creation and do not reveal the number of rows. The text form is
the table's prefix and the integer: `art_90817263…`.
"""

from __future__ import annotations

import secrets
import threading
import time

EPOCH_MS = 1_704_067_200_000  # 2024-01-01T00:00:00Z
_SPREAD = 1 << 20

PREFIXES = {
    "article": "art",
    "category": "cat",
    "media": "med",
    "attribution": "att",
    "source": "src",
    "tag": "tag",
    "author": "aut",
    "story": "sto",
    "collection": "col",
    "correction": "cor",
    "live_entry": "liv",
    "revision": "rev",
    "scheduled_change": "sch",
    "token": "tok",
    "preview_link": "prv",
    "audit_entry": "aud",
    "redirect": "rdr",
    "webhook": "whk",
    "webhook_delivery": "whd",
}

_lock = threading.Lock()
_last = 0


def new_id() -> int:
    """Returns a new id, unique within the process."""
    global _last
    with _lock:
        fresh = (int(time.time() * 1000) - EPOCH_MS) * _SPREAD + secrets.randbelow(_SPREAD // 2)
        _last = fresh if fresh > _last else _last + 1 + secrets.randbelow(64)
        return _last


def reserve_ids(count: int) -> range:
    """Returns consecutive new ids, for rows whose ids are not published."""
    global _last
    with _lock:
        fresh = (int(time.time() * 1000) - EPOCH_MS) * _SPREAD + secrets.randbelow(_SPREAD // 2)
        first = fresh if fresh > _last else _last + 1
        _last = first + count - 1
        return range(first, first + count)


def encode_id(table: str, number: int) -> str:
    """Returns the global id of a row: `encode_id("article", 17)` is `"art_17"`."""
    return f"{PREFIXES[table]}_{number}"


def decode_id(text: str) -> tuple[str, int] | None:
    """Returns the table and id of a global id, or None if it is not valid."""
    prefix, mark, digits = text.partition("_")
    table = _TABLES.get(prefix)
    # isdecimal alone accepts digits of other scripts, and so does int().
    if not mark or table is None or not digits.isascii() or not digits.isdecimal() or len(digits) > 19:
        return None
    number = int(digits)
    return (table, number) if number < 1 << 63 and str(number) == digits else None


_TABLES = {prefix: table for table, prefix in PREFIXES.items()}
