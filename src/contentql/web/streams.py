"""Open streams of a process: their number per address, their credentials, keep-alives and slow readers.

One task looks at all of them, once a second, while there are any.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from dataclasses import dataclass
from typing import Final, Protocol

from contentql.auth.authenticator import Authenticator, Credentials
from contentql.auth.viewer import Viewer
from contentql.errors import ApiError, LimitError
from contentql.telemetry.observer import RequestObserver
from contentql.telemetry.trace import RequestTrace, StreamTrace
from contentql.web.send_queue import SendQueue

log = logging.getLogger("contentql")

KEEP_ALIVE_SECONDS: Final = 15.0
_CHECK_SECONDS: Final = 1.0
_MAX_CHECK_SHARE: Final = 0.1  # of the time that checks of credentials may take
_SLICE: Final = 200  # streams that are looked at before other work gets a turn

SLOW_READER: Final = ApiError(
    "SERVICE_OVERLOADED",
    "The client reads too slowly.",
    "Connect again with the id of the last event.",
)
PERMISSIONS_CHANGED: Final = ApiError(
    "FORBIDDEN",
    "The permissions of the token have changed.",
    "Connect again, with the permissions that the token has now.",
)


class Stream(Protocol):
    """A connection with open subscriptions. `viewer` is None for streams without credentials."""

    send_queue: SendQueue
    credentials: Credentials | None
    viewer: Viewer | None

    def keep_alive(self) -> None: ...
    def end(self, error: ApiError) -> None: ...
    def shut_down(self) -> None: ...


@dataclass
class StreamStats:
    """Statistics of subscriptions; all but `open` are counters."""

    open: int = 0
    events: int = 0
    slow: int = 0
    revoked: int = 0


class ConnectionCount:
    """Numbers of WebSocket connections and event streams by address."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._open: Counter[str] = Counter()

    def check(self, address: str) -> None:
        """Raises TOO_MANY_CONNECTIONS if the address has as many as it may have."""
        if self._open[address] >= self.limit:
            raise LimitError(
                "TOO_MANY_CONNECTIONS",
                f"{self.limit:,} sockets and event streams are open from this address, as many as may be.",
                "Send several operations through one socket.",
                limit=self.limit,
            )

    def add(self, address: str) -> None:
        self._open[address] += 1

    def remove(self, address: str) -> None:
        self._open[address] -= 1
        if not self._open[address]:
            del self._open[address]


class OpenStreams:
    """The open streams of a process. Each is added once and removed once."""

    def __init__(self, authenticator: Authenticator, observer: RequestObserver, max_per_address: int) -> None:
        self.connections = ConnectionCount(max_per_address)
        self.stats = observer.streams = StreamStats()
        self._authenticator, self._observer = authenticator, observer
        self._streams: set[Stream] = set()
        self._watching: asyncio.Task[None] | None = None

    def add(self, stream: Stream) -> None:
        self._streams.add(stream)
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch())

    def remove(self, stream: Stream) -> None:
        self._streams.discard(stream)

    async def close(self) -> None:
        """Ends the task. The streams must have ended."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait([self._watching])

    def shut_down(self) -> None:
        """Ends the event streams because the server stops; connections end when the server closes them."""
        for stream in tuple(self._streams):
            stream.shut_down()

    # Subscriptions

    def start_subscription(self, trace: RequestTrace) -> StreamTrace:
        """Counts a subscription; it must be finished."""
        self.stats.open += 1
        return StreamTrace(trace)

    def finish_subscription(self, trace: StreamTrace) -> None:
        self.stats.open -= 1
        self._observer.finish_stream(trace)

    def count_event(self, trace: StreamTrace, size: int) -> None:
        """Counts an event of about `size` bytes that was given to the connection."""
        trace.events += 1
        trace.response_bytes += size
        self.stats.events += 1

    def drop_slow_reader(self, stream: Stream) -> None:
        self.stats.slow += 1
        stream.end(SLOW_READER)

    # Checks

    async def _watch(self) -> None:
        try:
            kept_alive = checked = time.monotonic()
            pause = 0.0  # until the next check of credentials
            while self._streams:
                await asyncio.sleep(_CHECK_SECONDS)
                now = time.monotonic()
                keep_alive = now - kept_alive >= KEEP_ALIVE_SECONDS
                if keep_alive:
                    kept_alive = now
                await self._look_at_all(now, keep_alive=keep_alive)
                if now - checked >= pause:
                    await self._check_credentials()
                    checked = time.monotonic()
                    pause = (checked - now) / _MAX_CHECK_SHARE
        finally:
            self._watching = None

    async def _look_at_all(self, now: float, *, keep_alive: bool) -> None:
        for number, stream in enumerate(tuple(self._streams), 1):
            if stream.send_queue.is_stuck(now):
                self.drop_slow_reader(stream)
            elif keep_alive:
                stream.keep_alive()
            if number % _SLICE == 0:
                await asyncio.sleep(0)

    async def _check_credentials(self) -> None:
        """Ends the streams whose credentials are not valid any more, or give other permissions."""
        by_credentials: dict[Credentials, list[Stream]] = {}
        for stream in self._streams:
            if stream.credentials is not None:
                by_credentials.setdefault(stream.credentials, []).append(stream)
        for credentials, streams in by_credentials.items():
            try:
                viewer = await self._authenticator.verify_again(credentials)
            except ApiError as exc:
                if exc.status >= 500:
                    return  # the database or the identity provider is away; the next check may succeed
                self._end(streams, exc)
            except Exception:
                log.exception("The credentials of streams could not be checked")
                return
            else:
                self._end([stream for stream in streams if stream.viewer != viewer], PERMISSIONS_CHANGED)

    def _end(self, streams: list[Stream], error: ApiError) -> None:
        for stream in streams:
            if stream in self._streams:
                self.stats.revoked += 1
                stream.end(error)
