"""Events: results of subscriptions, with the id from which a client resumes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson

_EXTENSIONS = b',"extensions":{'


@dataclass(frozen=True)
class Event:
    """`id`: identifies the state that the result shows; `body`: the execution result as JSON, with the id in
    `extensions.eventId`."""

    id: str
    body: bytes

    @cached_property
    def text(self) -> str:
        """The body as text, for transports of text."""
        return self.body.decode()

    def resynchronizing(self) -> Event:
        """The event for a client whose last event is not known: `extensions.resync` is true."""
        return Event(self.id, with_extensions(self.body, {"resync": True}))


def make_event(event_id: str, result: bytes) -> Event:
    """The event of an execution result."""
    return Event(event_id, with_extensions(result, {"eventId": event_id}))


def with_extensions(result: bytes, values: dict[str, Any]) -> bytes:
    """An execution result, JSON of an object that is not empty, with further extensions."""
    if _EXTENSIONS not in result:
        return b"%b%b%b}" % (result[:-1], _EXTENSIONS, orjson.dumps(values)[1:])
    # The text may as well be an alias in the data.
    decoded = orjson.loads(result)
    decoded["extensions"] = {**decoded.get("extensions", {}), **values}
    return orjson.dumps(decoded)
