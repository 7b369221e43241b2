"""Load generator: sends prepared requests over persistent connections, one at a time per connection.

A process of its own, so that its work is not the server's: `python -m contentql.bench.load` reads a JSON
object (`LoadSpec`) from standard input and writes one (`LoadResult`) to standard output. Any status other
than 200 or 304 ends the run.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from math import ceil

import orjson
import uvloop


@dataclass(frozen=True)
class LoadSpec:
    """Requests and target; `core` is the CPU to run on, `warm` the seconds that are not counted."""

    port: int
    path: str
    headers: Mapping[str, str]
    bodies: Sequence[str]
    seconds: float
    warm: float
    connections: int
    core: int | None


@dataclass(frozen=True)
class LoadResult:
    """`busy`: fraction of the time in which this process worked; near 1, it was the bottleneck."""

    requests: int
    per_second: float
    p50_ms: float
    p99_ms: float
    bytes: int
    busy: float


class LoadFailed(Exception):
    """A response with a status other than 200 or 304, or none."""


async def generate_load(order: LoadSpec) -> LoadResult:
    """Generates load for the specified time. Raises LoadFailed."""
    more = "".join(f"{name}: {value}\r\n" for name, value in order.headers.items())
    head = f" {order.path} HTTP/1.1\r\nHost: 127.0.0.1:{order.port}\r\nAccept: application/json\r\n{more}"
    post = f"POST{head}Content-Type: application/json\r\nContent-Length: "
    requests = [f"{post}{len(body.encode())}\r\n\r\n{body}".encode() for body in order.bodies]
    requests = requests or [f"GET{head}\r\n".encode()]
    loop = asyncio.get_running_loop()
    run = _Run(requests, loop.create_future())
    transports = []
    for _ in range(order.connections):
        transport, connection = await loop.create_connection(
            lambda: _Connection(run), "127.0.0.1", order.port
        )
        connection.use(transport)
        transports.append(transport)
    await asyncio.wait([run.broken], timeout=order.warm)
    run.took.clear()
    run.received = 0
    began, worked = time.perf_counter(), time.process_time()
    await asyncio.wait([run.broken], timeout=order.seconds)
    took, received = run.took[:], run.received
    seconds, worked = time.perf_counter() - began, time.process_time() - worked
    run.over = True
    for transport in transports:
        transport.close()
    if run.broken.done():
        run.broken.result()
    if not took:
        raise LoadFailed(f"no answer within {order.seconds:g} seconds")
    took.sort()
    return LoadResult(
        len(took),
        len(took) / seconds,
        took[(len(took) - 1) // 2] * 1_000,
        took[ceil(len(took) * 0.99) - 1] * 1_000,
        received // len(took),
        worked / seconds,
    )


class _Run:
    """State that all connections of a run share."""

    def __init__(self, requests: Sequence[bytes], broken: asyncio.Future[None]) -> None:
        self.requests = requests
        self.broken = broken
        self.turn = count()
        self.took: list[float] = []
        self.received = 0
        self.over = False

    def fail(self, why: str) -> None:
        if not self.over and not self.broken.done():
            self.broken.set_exception(LoadFailed(why))


class _Connection(asyncio.Protocol):
    """Reads responses by Content-Length; bytes are counted, not stored."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._transport: asyncio.WriteTransport | None = None
        self._head = b""
        self._left = 0
        self._sent_at = 0.0

    def use(self, transport: asyncio.WriteTransport) -> None:
        """Sends requests over this transport until the run ends."""
        self._transport = transport
        self._send_request()

    def _send_request(self) -> None:
        run = self._run
        if self._transport is not None and not run.over:
            self._sent_at = time.perf_counter()
            self._transport.write(run.requests[next(run.turn) % len(run.requests)])

    def data_received(self, data: bytes) -> None:
        if not self._left:
            data = self._head + data if self._head else data
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._head = data
                return
            self._head = b""
            head = data[:end].lower()
            at = head.find(b"\r\ncontent-length:")
            line = head.find(b"\r\n", at + 2)
            if head.startswith(b"http/1.1 304"):
                length = 0
            elif head.startswith(b"http/1.1 200") and at >= 0:
                length = int(head[at + 17 : line if line > 0 else end])
            else:
                self._run.fail(data[:2_000].decode(errors="replace"))
                return
            self._run.received += length
            self._left = length - (len(data) - end - 4)
        else:
            self._left -= len(data)
        if self._left == 0:
            self._run.took.append(time.perf_counter() - self._sent_at)
            self._send_request()

    def connection_lost(self, _: Exception | None) -> None:
        self._run.fail("the server closed the connection")


def main() -> None:
    order = LoadSpec(**orjson.loads(sys.stdin.buffer.read()))
    if order.core is not None:
        os.sched_setaffinity(0, {order.core})
    try:
        timing = uvloop.run(generate_load(order))
    except (LoadFailed, OSError) as exc:
        sys.exit(f"The load could not be sent: {exc}")
    sys.stdout.buffer.write(orjson.dumps(asdict(timing)))


if __name__ == "__main__":
    main()
