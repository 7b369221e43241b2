"""Measurements: compares the responses of both servers, then measures the servers alternately.

The speed of a machine varies, so both servers run next to each other on the same rows, a ratio is computed in
every round, and the median of the rounds is reported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from statistics import median
from typing import Any

import orjson

from contentql.bench import servers
from contentql.bench.databases import BenchDatabases, Progress
from contentql.bench.dataset import published_count
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
STRIDE = 100  # articles per page on the way to a deep page
GROWTH_WORKLOADS = ("W1", "W5")


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
    databases: BenchDatabases,
    articles: int,
    names: Sequence[str],
    *,
    rounds: int,
    seconds: float,
    progress: Progress,
) -> list[ColdResult]:
    """Measures workloads without response cache, next to the baseline.

    Raises OperatorError with the difference if a response differs from the baseline's.
    """
    url = databases.url_for(articles)
    with servers.baseline_server(url) as baseline, servers.contentql_server(url) as contentql:
        page = deepest_page(published_count(articles))
        requests = _build_requests(contentql, names, articles, page)
        if "W5" in names and page < deepest_page(10**9):
            progress(f"W5 requests page {page}, the last one of {articles:,} articles.")
        same_bytes = {name: compare_responses(baseline, contentql, name, requests[name]) for name in names}
        progress(f"All responses equal the baseline's ({', '.join(names)}; {databases.dialect}).")
        statements = count_statements(url, {name: requests[name].timed for name in names})
        timings: dict[str, list[tuple[LoadResult, LoadResult]]] = {name: [] for name in names}
        for round_index in range(rounds):
            progress(f"Round {round_index + 1} of {rounds} …")
            for name in names:
                bodies = requests[name].timed
                first = servers.run_load(baseline, bodies, seconds)
                timings[name].append((first, servers.run_load(contentql, bodies, seconds)))
    return [
        ColdResult(
            databases.dialect,
            name,
            round(median(b.per_second / a.per_second for a, b in timings[name]), 3),
            round(median(b.per_second for _, b in timings[name]), 1),
            round(median(a.per_second for a, _ in timings[name]), 1),
            round(median(b.p50_ms for _, b in timings[name]), 3),
            round(median(b.p99_ms for _, b in timings[name]), 3),
            statements[name],
            round(median(b.bytes for _, b in timings[name])),
            same_bytes[name],
        )
        for name in names
    ]


def measure_hot(
    databases: BenchDatabases,
    articles: int,
    names: Sequence[str],
    *,
    rounds: int,
    seconds: float,
    progress: Progress,
) -> list[HotResult]:
    """Measures repeated requests with response cache, next to a static response of the same server."""
    url = databases.url_for(articles)
    results = []
    with servers.contentql_server(url, response_cache=True) as contentql:
        requests = _build_requests(contentql, names, articles, deepest_page(published_count(articles)))
        for name in names:
            body = requests[name].timed[0]
            path = as_get_path(body)
            with servers.open_client(contentql) as client:
                client.post(body)
                response, headers = client.post(body), client.headers
                get_response, if_none_match = (
                    client.get(path),
                    {"If-None-Match": dict(client.headers)["etag"]},
                )
            if response != get_response:
                raise OperatorError(f"The responses of {name} to GET and to POST differ.")
            progress(f"{name}, hot: {rounds} rounds …")
            with servers.static_server(headers, response) as static:
                by_round = [
                    (
                        servers.run_load(static, [body], seconds),
                        servers.run_load(contentql, [body], seconds),
                        servers.run_load(contentql, [], seconds, path=path),
                        servers.run_load(contentql, [], seconds, path=path, headers=if_none_match),
                    )
                    for _ in range(rounds)
                ]
            static_rate, post_rate, get_rate, not_modified_rate = (
                round(median(loads[i].per_second for loads in by_round), 1) for i in range(4)
            )
            results.append(
                HotResult(
                    databases.dialect,
                    name,
                    round(median(b.per_second / a.per_second for a, b, _, _ in by_round), 3),
                    post_rate,
                    static_rate,
                    get_rate,
                    not_modified_rate,
                    round(median(loads[1].p50_ms for loads in by_round), 3),
                    round(median(loads[1].p99_ms for loads in by_round), 3),
                    len(response),
                )
            )
    return results


def measure_growth(
    databases: BenchDatabases, small: int, large: int, *, rounds: int, seconds: float, progress: Progress
) -> list[GrowthResult]:
    """Measures the same pages of both databases alternately, over one connection, so that nothing queues."""
    urls = databases.url_for(small), databases.url_for(large)
    page = deepest_page(published_count(small))
    with ExitStack() as stack:
        running = [stack.enter_context(servers.contentql_server(url)) for url in urls]
        requests = [
            _build_requests(server, GROWTH_WORKLOADS, articles, page)
            for server, articles in zip(running, (small, large), strict=True)
        ]
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in GROWTH_WORKLOADS}
        for round_index in range(rounds):
            progress(f"Round {round_index + 1} of {rounds} …")
            for name in GROWTH_WORKLOADS:
                first, second = (
                    servers.run_load(server, request[name].timed, seconds, connections=1).p50_ms
                    for server, request in zip(running, requests, strict=True)
                )
                times[name].append((first, second))
    return [
        GrowthResult(
            databases.dialect,
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


def compare_responses(baseline: Server, contentql: Server, name: str, requests: Requests) -> bool:
    """True if the bytes are equal. Raises OperatorError if the JSON or the order of its keys differs."""
    same_bytes = True
    with servers.open_client(baseline) as first, servers.open_client(contentql) as second:
        for body in requests.compared:
            expected, actual = first.post(body), second.post(body)
            if expected != actual:
                same_bytes = False
                mismatch = difference(orjson.loads(expected), orjson.loads(actual))
                if mismatch:
                    raise OperatorError(
                        f"The response of {name} differs from the baseline's.\n{body.decode()}\n{mismatch}"
                    )
    return same_bytes


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
        is_equal = type(expected) is type(actual) and expected == actual
        return None if is_equal else f"at {path}: expected {_short(expected)}, got {_short(actual)}"
    return next(
        (
            result
            for item_path, expected_item, actual_item in pairs
            if (result := difference(expected_item, actual_item, item_path))
        ),
        None,
    )


def _short(value: Any) -> str:
    return orjson.dumps(value).decode()[:300]


def _build_requests(
    contentql: Server, names: Sequence[str], articles: int, page: int
) -> Mapping[str, Requests]:
    results = {}
    for name in names:
        document = WORKLOADS[name].document
        if name == "W5":
            with servers.open_client(contentql) as client:
                pages = [
                    as_post_body(document, {"after": cursor})
                    for cursor in cursor_at_page(client, (page - 1) * PAGE_SIZE)
                ]
            results[name] = Requests(pages, pages[-1:])
        else:
            bodies = [as_post_body(document, values) for values in workload_variables(name, articles)]
            results[name] = Requests(list(islice(bodies, COMPARED_REQUESTS)), bodies)
    return results


def cursor_at_page(client: BenchClient, articles: int) -> list[str]:
    """Cursors on the way to that many articles; the last one points exactly after them."""
    first = articles % STRIDE or STRIDE
    cursors: list[str] = []
    for size in (first, *[STRIDE] * ((articles - first) // STRIDE)):
        after = {"after": cursors[-1]} if cursors else {}
        response = orjson.loads(client.post(as_post_body(PAGINATE_DOCUMENT, {"first": size, **after})))
        cursors.append(response["data"]["latestNews"]["pageInfo"]["endCursor"])
    return cursors
