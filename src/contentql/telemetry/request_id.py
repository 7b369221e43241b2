"""Request ids: unique among the processes of all servers."""

from __future__ import annotations

import itertools
import secrets


def new_request_id() -> str:
    return f"{_STARTED}-{next(_requests):x}"


_STARTED = secrets.token_hex(6)


_requests = itertools.count(1)
