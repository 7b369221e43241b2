"""Load generator: sends prepared requests over persistent connections, one at a time per connection.

Runs as a process of its own, on another CPU than the server: `python -m contentql.bench.load` reads a JSON
object (`LoadSpec`) from standard input and writes one (`LoadResult`) to standard output. A status other than
200 or 304 ends the run.
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
    """Requests and target. `core`: CPU to run on. `warm_up_seconds`: time before `seconds`, not measured."""

    port: int
    path: str
    headers: Mapping[str, str]
    bodies: Sequence[str]
    seconds: float
    warm_up_seconds: float
    connections: int
    core: int | None


@dataclass(frozen=True)
class LoadResult:
    """`busy`: CPU time of this process divided by the duration; near 1, this process was the bottleneck."""

    requests: int
    per_second: float
    p50_ms: float
    p99_ms: float
    bytes: int
    busy: float


class LoadFailed(Exception):
    """A response has a status other than 200 or 304, or there is no response."""


async def generate_load(spec: LoadSpec) -> LoadResult:
    """Generates load for the specified time. Raises LoadFailed."""
    header_lines = "".join(f"{name}: {value}\r\n" for name, value in spec.headers.items())
    head = (
        f" {spec.path} HTTP/1.1\r\nHost: 127.0.0.1:{spec.port}\r\nAccept: application/json\r\n{header_lines}"
    )
    post = f"POST{head}Content-Type: application/json\r\nContent-Length: "
    requests = [f"{post}{len(body.encode())}\r\n\r\n{body}".encode() for body in spec.bodies]
    requests = requests or [f"GET{head}\r\n".encode()]
    loop = asyncio.get_running_loop()
    run = _Run(requests, loop.create_future())
    transports = []
    for _ in range(spec.connections):
        transport, connection = await loop.create_connection(lambda: _Connection(run), "127.0.0.1", spec.port)
        connection.start(transport)
        transports.append(transport)
    await asyncio.wait([run.failure], timeout=spec.warm_up_seconds)
    run.durations.clear()
    run.bytes_received = 0
    started_at, cpu_seconds = time.perf_counter(), time.process_time()
    await asyncio.wait([run.failure], timeout=spec.seconds)
    durations, bytes_received = run.durations[:], run.bytes_received
    seconds, cpu_seconds = time.perf_counter() - started_at, time.process_time() - cpu_seconds
    run.is_over = True
    for transport in transports:
        transport.close()
    if run.failure.done():
        run.failure.result()
    if not durations:
        raise LoadFailed(f"no response within {spec.seconds:g} seconds")
    durations.sort()
    return LoadResult(
        len(durations),
        len(durations) / seconds,
        durations[(len(durations) - 1) // 2] * 1_000,
        durations[ceil(len(durations) * 0.99) - 1] * 1_000,
        bytes_received // len(durations),
        cpu_seconds / seconds,
    )


class _Run:
    """State that all connections of a run share."""

    def __init__(self, requests: Sequence[bytes], failure: asyncio.Future[None]) -> None:
        self.requests = requests
        self.failure = failure
        self.request_numbers = count()
        self.durations: list[float] = []
        self.bytes_received = 0
        self.is_over = False

    def fail(self, reason: str) -> None:
        if not self.is_over and not self.failure.done():
            self.failure.set_exception(LoadFailed(reason))


class _Connection(asyncio.Protocol):
    """Reads responses by Content-Length; bytes are counted, not stored."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._transport: asyncio.WriteTransport | None = None
        self._header_start = b""
        self._remaining = 0
        self._sent_at = 0.0

    def start(self, transport: asyncio.WriteTransport) -> None:
        """Sends requests over this transport until the run ends."""
        self._transport = transport
        self._send_request()

    def _send_request(self) -> None:
        run = self._run
        if self._transport is not None and not run.is_over:
            self._sent_at = time.perf_counter()
            self._transport.write(run.requests[next(run.request_numbers) % len(run.requests)])

    def data_received(self, data: bytes) -> None:
        if not self._remaining:
            data = self._header_start + data if self._header_start else data
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._header_start = data
                return
            self._header_start = b""
            header = data[:end].lower()
            field_start = header.find(b"\r\ncontent-length:")
            field_end = header.find(b"\r\n", field_start + 2)
            if header.startswith(b"http/1.1 304"):
                length = 0
            elif header.startswith(b"http/1.1 200") and field_start >= 0:
                length = int(header[field_start + 17 : field_end if field_end > 0 else end])
            else:
                self._run.fail(data[:2_000].decode(errors="replace"))
                return
            self._run.bytes_received += length
            self._remaining = length - (len(data) - end - 4)
        else:
            self._remaining -= len(data)
        if self._remaining == 0:
            self._run.durations.append(time.perf_counter() - self._sent_at)
            self._send_request()

    def connection_lost(self, _: Exception | None) -> None:
        self._run.fail("the server closed the connection")


def main() -> None:
    spec = LoadSpec(**orjson.loads(sys.stdin.buffer.read()))
    if spec.core is not None:
        os.sched_setaffinity(0, {spec.core})
    try:
        result = uvloop.run(generate_load(spec))
    except (LoadFailed, OSError) as exc:
        sys.exit(f"The load could not be sent: {exc}")
    sys.stdout.buffer.write(orjson.dumps(asdict(result)))


if __name__ == "__main__":
    main()
