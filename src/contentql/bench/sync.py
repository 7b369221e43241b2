"""Delta sync next to hand-written SQL: pages of 50 articles, from the start and since a position; bundles."""

from __future__ import annotations

import asyncio
import gzip
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import orjson

from contentql.app import build_executor
from contentql.bench import servers
from contentql.bench.databases import BenchDatabases, Progress
from contentql.bench.load import LoadResult
from contentql.bench.measure import difference
from contentql.bench.servers import BenchClient, Server
from contentql.bench.workloads import BUNDLE_DOCUMENT, SYNC_WORKLOADS, as_post_body
from contentql.errors import OperatorError
from contentql.execution.request import GraphQLRequest
from contentql.fixtures import DEMO_CONTENT
from contentql.importing.importer import import_file
from contentql.settings import Settings
from contentql.store.database import Database

_CHANGED = 400  # articles that are changed for S2


@dataclass(frozen=True)
class SyncResult:
    """Pages of delta sync: `ratio` is contentql's throughput divided by the baseline's; bytes of one page,
    as JSON and compressed by gzip."""

    database: str
    workload: str
    ratio: float
    requests_per_second: float
    limit_requests_per_second: float
    bytes: int
    compressed_bytes: int


def measure_sync(
    databases: BenchDatabases, articles: int, *, rounds: int, seconds: float, progress: Progress
) -> list[SyncResult]:
    """Measures pages of delta sync. Raises OperatorError if a page differs from the baseline's."""
    url = databases.url_for(articles)
    with servers.baseline_server(url) as baseline, servers.contentql_server(url) as contentql:
        bodies = _request_bodies(url, contentql)
        sizes: dict[str, tuple[int, int]] = {}
        for name, (own, limit) in bodies.items():
            sizes[name] = _compare(baseline, contentql, name, limit, own)
        timings: dict[str, list[tuple[LoadResult, LoadResult]]] = {name: [] for name in bodies}
        for round_index in range(rounds):
            progress(f"Sync, round {round_index + 1} of {rounds} …")
            for name, (own, limit) in bodies.items():
                first = servers.run_load(baseline, [limit], seconds)
                timings[name].append((first, servers.run_load(contentql, [own], seconds)))
    return [
        SyncResult(
            databases.dialect,
            name,
            round(median(b.per_second / a.per_second for a, b in timings[name]), 3),
            round(median(b.per_second for _, b in timings[name]), 1),
            round(median(a.per_second for a, _ in timings[name]), 1),
            *sizes[name],
        )
        for name in bodies
    ]


@dataclass(frozen=True)
class BundleSizes:
    """Responses with the bundle of one article of the demo newsroom each, in bytes."""

    articles: int
    median_bytes: int
    median_compressed_bytes: int
    max_bytes: int

    def __str__(self) -> str:
        return (
            f"Bundles of the {self.articles} articles of the demo newsroom: median {self.median_bytes:,}"
            f" bytes, {self.median_compressed_bytes:,} compressed; the largest has {self.max_bytes:,}."
        )


def measure_bundles() -> BundleSizes:
    """Measures the bundles of the demo newsroom, in a database of its own."""
    with tempfile.TemporaryDirectory(prefix="contentql-bench-") as folder:
        bodies = asyncio.run(_read_bundles(f"sqlite:///{folder}/demo.sqlite3"))
    return BundleSizes(
        len(bodies),
        round(median(map(len, bodies))),
        round(median(len(gzip.compress(body)) for body in bodies)),
        max(map(len, bodies)),
    )


async def _read_bundles(url: str) -> list[bytes]:
    database = Database(url)
    await database.migrate()
    await import_file(database, DEMO_CONTENT)
    async with database:
        executor = build_executor(Settings(database_url=url, response_cache_bytes=0), database)
        document = "{ articles(first: 100) { nodes { id } } }"
        listed = orjson.loads((await executor.execute(GraphQLRequest(document))).body)
        requests = [
            GraphQLRequest(BUNDLE_DOCUMENT, None, {"id": node["id"]})
            for node in listed["data"]["articles"]["nodes"]
        ]
        return [(await executor.execute(request)).body for request in requests]


def _request_bodies(url: str, contentql: Server) -> Mapping[str, tuple[bytes, bytes]]:
    """By workload the requests to contentql and to the baseline, after some articles were changed."""
    with servers.open_client(contentql) as client:
        token = _last_token(client)
    position = asyncio.run(_change_articles(url))
    first, delta = (SYNC_WORKLOADS[name].document for name in ("S1", "S2"))
    return {
        "S1": (as_post_body(first, {}), as_post_body(first, {})),
        "S2": (as_post_body(delta, {"since": token}), as_post_body(delta, {"since": str(position)})),
    }


def _last_token(client: BenchClient) -> str:
    """The token of a client that has all articles."""
    document = "query ($since: String) { changes(since: $since, first: 100) { nextToken hasMore } }"
    page: dict[str, Any] = {"nextToken": None, "hasMore": True}
    while page["hasMore"]:
        body = as_post_body(document, {"since": page["nextToken"]})
        page = orjson.loads(client.post(body))["data"]["changes"]
    return str(page["nextToken"])


async def _change_articles(url: str) -> int:
    """Changes some articles. Returns the position of the log before."""
    async with Database(url) as database:
        (position,) = await database.row("SELECT max(seq) FROM article_log", ())
        async with database.transaction(60) as connection:
            await connection.execute_query(
                "UPDATE article SET urgency = CASE urgency WHEN 5 THEN 4 ELSE 5 END WHERE id IN ("
                "SELECT id FROM article WHERE status = 'PUBLISHED' AND expires_at IS NULL"
                f" AND embargo_until IS NULL ORDER BY published_at LIMIT {_CHANGED})"
            )
    return int(position)


def _compare(baseline: Server, contentql: Server, name: str, limit: bytes, own: bytes) -> tuple[int, int]:
    """The sizes of contentql's page. Raises OperatorError if its changes are not those of the baseline."""
    pages: list[Sequence[Any]] = []
    body = b""
    for server, request in ((baseline, limit), (contentql, own)):
        with servers.open_client(server) as client:
            body = client.post(request)
            pages.append(orjson.loads(body)["data"]["changes"]["changes"])
    text = difference(pages[0], pages[1])
    if text or len(pages[1]) != 50:
        raise OperatorError(f"{name}: the pages differ, or are not full: {text}")
    return len(body), len(gzip.compress(body))
