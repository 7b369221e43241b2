"""Times of the attempts to deliver an event, and when a webhook is disabled."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final

from contentql.events.http_client import AttemptResult

_MINUTE, _HOUR = 60, 3_600
# Seconds between two attempts, 36 hours in all.
RETRY_DELAYS: Final = (
    5, 30, 2 * _MINUTE, 10 * _MINUTE, 30 * _MINUTE,
    _HOUR, 2 * _HOUR, 4 * _HOUR, 8 * _HOUR, 8 * _HOUR, 12 * _HOUR,
)  # fmt: skip
MAX_AGE: Final = dt.timedelta(hours=36)  # after which a failed attempt is the last one
DISABLED_AFTER: Final = dt.timedelta(days=5)  # without a successful attempt
_MAX_RETRY_AFTER: Final = 24 * _HOUR
_JITTER: Final = 0.1
_GONE: Final = 410
_RETRY_AFTER_STATUSES: Final = (429, 503)
_FREE_FAILURES: Final = 2  # in a row, after which the webhook has a pause
_MAX_PAUSE: Final = 60.0


@dataclass(frozen=True)
class NextStep:
    """What follows an attempt. `delay`: seconds until the next one; None: there is none."""

    delivered: bool
    delay: float | None
    disable_reason: str = ""


def next_step(
    result: AttemptResult,
    *,
    attempts: int,
    queued_at: dt.datetime,
    failing_since: dt.datetime | None,
    now: dt.datetime,
) -> NextStep:
    """Returns what follows an attempt. `attempts`: with this one. `failing_since`: before this one."""
    if result.is_success:
        return NextStep(True, None)
    if result.status == _GONE:
        return NextStep(False, None, "The receiver responded with status 410: it wants no more events.")
    reason = ""
    if failing_since is not None and now - failing_since >= DISABLED_AFTER:
        reason = f"No attempt has succeeded for {DISABLED_AFTER.days} days."
    if attempts > len(RETRY_DELAYS) or now - queued_at >= MAX_AGE:
        return NextStep(False, None, reason)
    delay = RETRY_DELAYS[attempts - 1] * random.uniform(1 - _JITTER, 1 + _JITTER)
    return NextStep(False, max(delay, requested_delay(result, now)), reason)


def requested_delay(result: AttemptResult, now: dt.datetime) -> float:
    """Seconds that the receiver asks to wait with Retry-After, at most a day; 0 if it does not."""
    text = result.retry_after.strip()
    if result.status not in _RETRY_AFTER_STATUSES or not text:
        return 0.0
    if text.isascii() and text.isdecimal():
        return float(min(int(text[:9]), _MAX_RETRY_AFTER))
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    at = at if at.tzinfo else at.replace(tzinfo=dt.UTC)
    return min(max((at - now).total_seconds(), 0.0), _MAX_RETRY_AFTER)


def pause_after(failures: int) -> float:
    """Seconds without attempts after that many failures in a row, whatever the events."""
    return 0.0 if failures <= _FREE_FAILURES else min(2.0 ** (failures - _FREE_FAILURES - 1), _MAX_PAUSE)
