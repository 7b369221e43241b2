"""Live blogs and streams: the time of an entry in a short and a long blog, and many idle subscribers."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import orjson

from contentql.app import build_executor
from contentql.auth.permissions import ROLE_PERMISSIONS, Role
from contentql.auth.viewer import Actor, Viewer
from contentql.bench import servers
from contentql.bench.databases import Progress
from contentql.errors import OperatorError
from contentql.execution.executor import Executor
from contentql.execution.request import GraphQLRequest
from contentql.fixtures import DEMO_CONTENT
from contentql.importing.importer import import_file
from contentql.settings import Settings
from contentql.store.database import Database

_ACTOR = Actor(Viewer("Bench", Role.ADMIN, "bench", ROLE_PERMISSIONS[Role.ADMIN]), None, "bench")
_LENGTHS = (10, 2_000)  # entries
_SUBSCRIPTION = "subscription { latestNews(first: 10) { nodes { headline } } }"
_OPENED_AT_ONCE = 50
_EVENTS = 3


SUBSCRIBERS = 2_000


@dataclass(frozen=True)
class LiveEntryResult:
    """Median time of `addLiveEntry` in a blog of 10 and of 2,000 entries, and the ratio."""

    short_ms: float
    long_ms: float
    ratio: float

    def __str__(self) -> str:
        return (
            f"A live entry in a blog of {_LENGTHS[0]}: {self.short_ms:.1f} ms, of {_LENGTHS[1]:,}:"
            f" {self.long_ms:.1f} ms, ratio {self.ratio:.2f}."
        )


@dataclass(frozen=True)
class StreamResult:
    """Event streams of idle subscribers: memory of the server for each, and the time from a write to the last
    of them. `kilobytes_each` is None where the system does not tell the memory of a process."""

    subscribers: int
    kilobytes_each: float | None
    last_event_ms: float

    def __str__(self) -> str:
        memory = "" if self.kilobytes_each is None else f" {self.kilobytes_each:g} KB each,"
        return (
            f"{self.subscribers:,} idle subscribers:{memory} {self.last_event_ms:,.0f} ms from a write to the"
            " last of them."
        )


def measure_live_entries(rounds: int) -> LiveEntryResult:
    """Appends entries to both blogs alternately, `rounds` times 20, on SQLite."""
    with tempfile.TemporaryDirectory(prefix="contentql-bench-") as folder:
        times = asyncio.run(_append_entries(f"sqlite:///{folder}/live.sqlite3", 20 * rounds))
    short, long = (median(own) * 1_000 for own in times)
    return LiveEntryResult(round(short, 3), round(long, 3), round(long / short, 3))


async def _append_entries(url: str, count: int) -> list[list[float]]:
    await _load_demo(url)
    async with Database(url) as database:
        executor = build_executor(Settings(database_url=url, response_cache_bytes=0), database)
        articles = [await _create_blog(executor, length) for length in _LENGTHS]
        times: list[list[float]] = [[], []]
        for number in range(count):
            for article, own in zip(articles, times, strict=True):
                start = time.perf_counter()
                body = {"text": f"Entry {number}: the bridge is open again."}
                await _mutate(executor, "addLiveEntry", "AddLiveEntryInput", article=article, body=body)
                own.append(time.perf_counter() - start)
    return times


async def _create_blog(executor: Executor, length: int) -> str:
    """The id of a published live blog with that many entries."""
    blocks = [
        {"liveEntry": {"at": "2026-06-30T08:00:00Z", "text": f"Entry {number}."}} for number in range(length)
    ]
    payload = await _mutate(
        executor,
        "createArticle",
        "CreateArticleInput",
        headline=f"A blog of {length} entries",
        category="world/asia",
        contentType="LIVE",
        body={"blocks": [{"paragraph": {"text": "It begins."}}, *blocks]},
    )
    id = payload["article"]["id"]
    await _mutate(executor, "submitArticle", "ArticleTransitionInput", id=id)
    await _mutate(executor, "approveArticle", "ArticleTransitionInput", id=id)
    await _mutate(executor, "publishArticle", "PublishArticleInput", id=id)
    return str(id)


async def _mutate(executor: Executor, name: str, input_type: str, **input: Any) -> Any:
    selection = "liveEntry { id }" if name == "addLiveEntry" else "article { id }"
    document = (
        f"mutation ($input: {input_type}!) {{ {name}(input: $input)"
        f" {{ {selection} userErrors {{ message }} }} }}"
    )
    request = GraphQLRequest(document, None, {"input": input})
    response = orjson.loads((await executor.execute(request, None, None, _ACTOR)).body)
    payload = (response.get("data") or {}).get(name)
    if not payload or payload["userErrors"]:
        raise OperatorError(f"{name} has failed: {response}")
    return payload


def measure_streams(subscribers: int, progress: Progress) -> StreamResult:
    """Opens event streams to a server of its own with the demo newsroom, and writes to it."""
    with tempfile.TemporaryDirectory(prefix="contentql-bench-") as folder:
        url = f"sqlite:///{folder}/streams.sqlite3"
        asyncio.run(_load_demo(url))
        limits = {
            "CONTENTQL_MAX_WEBSOCKETS_PER_ADDRESS": str(subscribers + 100),
            "CONTENTQL_MAX_CONNECTIONS_PER_ADDRESS": str(subscribers + 100),
        }
        with servers.contentql_server(url, response_cache=True, settings=limits) as server:
            progress(f"{subscribers:,} subscribers …")
            return asyncio.run(_measure_streams(url, server, subscribers))


async def _measure_streams(url: str, server: servers.Server, subscribers: int) -> StreamResult:
    streams = [await _open_stream(server.port) for _ in range(20)]
    await asyncio.sleep(1)
    before = _memory_kilobytes(server.pid)
    while len(streams) < subscribers:
        new = min(_OPENED_AT_ONCE, subscribers - len(streams))
        streams += await asyncio.gather(*(_open_stream(server.port) for _ in range(new)))
    await asyncio.sleep(1)
    after = _memory_kilobytes(server.pid)
    last = [await _time_to_last(url, streams, number) for number in range(_EVENTS)]
    for _, writer in streams:
        writer.close()
    each = None if before is None or after is None else round((after - before) / (subscribers - 20), 1)
    return StreamResult(subscribers, each, round(median(last) * 1_000, 1))


async def _open_stream(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """An event stream after its first result."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = orjson.dumps({"query": _SUBSCRIPTION})
    head = (
        f"POST /graphql HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\naccept: text/event-stream\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await reader.readuntil(b"event: next")
    await reader.readuntil(b"\n\n")
    return reader, writer


async def _time_to_last(
    url: str, streams: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]], number: int
) -> float:
    """Seconds from a write until all streams have its event."""
    headline = f"Breaking {number}"
    start = time.perf_counter()
    async with Database(url) as database, database.transaction() as connection:
        newest = "SELECT id FROM article WHERE status = 'PUBLISHED' ORDER BY published_at DESC LIMIT 1"
        await connection.execute_query(f"UPDATE article SET headline = '{headline}' WHERE id = ({newest})")
    async with asyncio.timeout(30):
        await asyncio.gather(*(reader.readuntil(headline.encode()) for reader, _ in streams))
    seconds = time.perf_counter() - start
    await asyncio.sleep(1.2)  # the next result is not sent together with this one
    return seconds


async def _load_demo(url: str) -> None:
    database = Database(url)
    await database.migrate()
    await import_file(database, DEMO_CONTENT)


def _memory_kilobytes(pid: int) -> int | None:
    """Resident memory of a process, with its children not counted; None if the system does not tell it."""
    if not sys.platform.startswith("linux"):
        return None
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS:")))
