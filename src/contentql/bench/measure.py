"""Measurements: first the responses are compared, then both servers are measured in turns.

Machines are noisy, so both servers run next to each other on the same rows, a ratio is taken in every round,
and the median of the rounds is reported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from statistics import median
from typing import Any

import orjson

from contentql.bench import servers
from contentql.bench.databases import BenchDatabases
from contentql.bench.dataset import visible
from contentql.bench.load import LoadResult
from contentql.bench.servers import BenchClient, Server
from contentql.bench.statements import count_statements
from contentql.bench.workloads import (
    PAGE_SIZE,
    PAGINATE_DOCUMENT,
    WORKLOADS,
    as_get_path,
    as_post_body,
    deepest_page,
    workload_variables,
)
from contentql.errors import OperatorError

COMPARED_REQUESTS = 200
STRIDE = 100
GROWTH_WORKLOADS = ("W1", "W5")

Tell = Callable[[str], object]


@dataclass(frozen=True)
class ColdResult:
    """A workload without response cache: `ratio` is contentql's throughput divided by the baseline's."""

    database: str
    workload: str
    ratio: float
    requests_per_second: float
    limit_requests_per_second: float
    p50_ms: float
    p99_ms: float
    statements: float
    bytes: int
    same_bytes: bool


@dataclass(frozen=True)
class HotResult:
    """A repeated request with response cache: `ratio` is to a static route with the same bytes, by POST
    unless stated."""

    database: str
    workload: str
    ratio: float
    requests_per_second: float
    constant_requests_per_second: float
    get_requests_per_second: float
    not_modified_requests_per_second: float
    p50_ms: float
    p99_ms: float
    bytes: int


@dataclass(frozen=True)
class GrowthResult:
    """Time of one page, requested alone, in a small and in a large database."""

    database: str
    workload: str
    small_articles: int
    large_articles: int
    small_ms: float
    large_ms: float
    ratio: float


def measure_cold(
    newsrooms: BenchDatabases, articles: int, names: Sequence[str], *, rounds: int, seconds: float, tell: Tell
) -> list[ColdResult]:
    """Raises OperatorError with the difference if a response differs from the baseline's."""
    url = newsrooms.of(articles)
    with servers.baseline_server(url) as limit, servers.contentql_server(url) as ours:
        page = deepest_page(visible(articles))
        requests = _requests(ours, names, articles, page)
        if "W5" in names and page < deepest_page(10**9):
            tell(f"W5 asks for page {page}: {articles:,} articles have no page further back.")
        same = {name: compare_responses(limit, ours, name, requests[name]) for name in names}
        tell(f"Every answer is the limit's ({', '.join(names)}; {newsrooms.dialect}).")
        statements = count_statements(url, {name: requests[name].timed for name in names})
        timings: dict[str, list[tuple[LoadResult, LoadResult]]] = {name: [] for name in names}
        for turn in range(rounds):
            tell(f"Round {turn + 1} of {rounds} …")
            for name in names:
                bodies = requests[name].timed
                first = servers.run_load(limit, bodies, seconds)
                timings[name].append((first, servers.run_load(ours, bodies, seconds)))
    return [
        ColdResult(
            newsrooms.dialect,
            name,
            round(median(b.per_second / a.per_second for a, b in timings[name]), 3),
            round(median(b.per_second for _, b in timings[name]), 1),
            round(median(a.per_second for a, _ in timings[name]), 1),
            round(median(b.p50_ms for _, b in timings[name]), 3),
            round(median(b.p99_ms for _, b in timings[name]), 3),
            statements[name],
            round(median(b.bytes for _, b in timings[name])),
            same[name],
        )
        for name in names
    ]


def measure_hot(
    newsrooms: BenchDatabases, articles: int, names: Sequence[str], *, rounds: int, seconds: float, tell: Tell
) -> list[HotResult]:
    """With the response cache on, next to a static response of the same server."""
    url = newsrooms.of(articles)
    results = []
    with servers.contentql_server(url, remembers=True) as ours:
        requests = _requests(ours, names, articles, deepest_page(visible(articles)))
        for name in names:
            body = requests[name].timed[0]
            path = as_get_path(body)
            with servers.open_client(ours) as asker:
                asker.ask(body)
                answer, headers = asker.ask(body), asker.headers
                got, tag = asker.get(path), {"If-None-Match": dict(asker.headers)["etag"]}
            if answer != got:
                raise OperatorError(f"{name} is answered differently by GET and by POST.")
            tell(f"{name}, hot: {rounds} rounds …")
            with servers.static_server(headers, answer) as constant:
                turns = [
                    (
                        servers.run_load(constant, [body], seconds),
                        servers.run_load(ours, [body], seconds),
                        servers.run_load(ours, [], seconds, path=path),
                        servers.run_load(ours, [], seconds, path=path, headers=tag),
                    )
                    for _ in range(rounds)
                ]
            against, own, got_again, unchanged = (
                round(median(turn[i].per_second for turn in turns), 1) for i in range(4)
            )
            results.append(
                HotResult(
                    newsrooms.dialect,
                    name,
                    round(median(b.per_second / a.per_second for a, b, _, _ in turns), 3),
                    own,
                    against,
                    got_again,
                    unchanged,
                    round(median(turn[1].p50_ms for turn in turns), 3),
                    round(median(turn[1].p99_ms for turn in turns), 3),
                    len(answer),
                )
            )
    return results


def measure_growth(
    newsrooms: BenchDatabases, small: int, large: int, *, rounds: int, seconds: float, tell: Tell
) -> list[GrowthResult]:
    """Measures the same pages of both databases in turns over one connection, so that no queue is timed."""
    urls = newsrooms.of(small), newsrooms.of(large)
    page = deepest_page(visible(small))
    with ExitStack() as stack:
        pair = [stack.enter_context(servers.contentql_server(url)) for url in urls]
        requests = [
            _requests(server, GROWTH_WORKLOADS, articles, page)
            for server, articles in zip(pair, (small, large), strict=True)
        ]
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in GROWTH_WORKLOADS}
        for turn in range(rounds):
            tell(f"Round {turn + 1} of {rounds} …")
            for name in GROWTH_WORKLOADS:
                first, second = (
                    servers.run_load(server, request[name].timed, seconds, connections=1).p50_ms
                    for server, request in zip(pair, requests, strict=True)
                )
                times[name].append((first, second))
    return [
        GrowthResult(
            newsrooms.dialect,
            name,
            small,
            large,
            round(median(first for first, _ in times[name]), 3),
            round(median(second for _, second in times[name]), 3),
            round(median(second / first for first, second in times[name]), 3),
        )
        for name in GROWTH_WORKLOADS
    ]


@dataclass(frozen=True)
class Requests:
    """Request bodies to compare, and those to measure."""

    compared: Sequence[bytes]
    timed: Sequence[bytes]


def compare_responses(limit: Server, ours: Server, name: str, requests: Requests) -> bool:
    """True if the bytes are equal. Raises OperatorError if the JSON or the order of its keys differs."""
    same = True
    with servers.open_client(limit) as first, servers.open_client(ours) as second:
        for body in requests.compared:
            expected, actual = first.ask(body), second.ask(body)
            if expected != actual:
                same = False
                where = difference(orjson.loads(expected), orjson.loads(actual))
                if where:
                    raise OperatorError(
                        f"{name} is not answered like the limit answers it.\n{body.decode()}\n{where}"
                    )
    return same


def difference(expected: Any, actual: Any, path: str = "") -> str | None:
    """Path of the first difference of two responses, or None; keys must have the same order."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        if list(expected) != list(actual):
            return f"at {path or 'the top'}: expected keys {list(expected)}, got {list(actual)}"
        pairs = ((f"{path}.{key}", expected[key], actual[key]) for key in expected)
    elif isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            return f"at {path}: expected {len(expected)} items, got {len(actual)}"
        pairs = ((f"{path}[{i}]", *both) for i, both in enumerate(zip(expected, actual, strict=True)))
    else:
        alike = type(expected) is type(actual) and expected == actual
        return None if alike else f"at {path}: expected {_short(expected)}, got {_short(actual)}"
    return next((result for at, one, other in pairs if (result := difference(one, other, at))), None)


def _short(value: Any) -> str:
    return orjson.dumps(value).decode()[:300]


def _requests(ours: Server, names: Sequence[str], articles: int, page: int) -> Mapping[str, Requests]:
    results = {}
    for name in names:
        document = WORKLOADS[name].document
        if name == "W5":
            with servers.open_client(ours) as asker:
                walked = [
                    as_post_body(document, {"after": cursor})
                    for cursor in cursor_at_page(asker, (page - 1) * PAGE_SIZE)
                ]
            results[name] = Requests(walked, walked[-1:])
        else:
            bodies = [as_post_body(document, values) for values in workload_variables(name, articles)]
            results[name] = Requests(list(islice(bodies, COMPARED_REQUESTS)), bodies)
    return results


def cursor_at_page(asker: BenchClient, articles: int) -> list[str]:
    """Cursors on the way to that many articles; the last one points exactly after them."""
    first = articles % STRIDE or STRIDE
    cursors: list[str] = []
    for size in (first, *[STRIDE] * ((articles - first) // STRIDE)):
        after = {"after": cursors[-1]} if cursors else {}
        answer = orjson.loads(asker.ask(as_post_body(PAGINATE_DOCUMENT, {"first": size, **after})))
        cursors.append(answer["data"]["latestNews"]["pageInfo"]["endCursor"])
    return cursors
