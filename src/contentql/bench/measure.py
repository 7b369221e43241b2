"""The measurement: the same answers first, then both servers in turn, then the ratio of the two.

Ratios, because machines are noisy: contentql and the limit run next to each other on the same rows, a
ratio is taken in every round, and the median of the rounds is what is said.
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
from contentql.bench.databases import Newsrooms
from contentql.bench.dataset import visible
from contentql.bench.load import Timing
from contentql.bench.servers import Asker, Server
from contentql.bench.statements import counted
from contentql.bench.workloads import PAGE, WALK, WORKLOADS, address, deepest, request, variables
from contentql.errors import Unusable

COMPARED = 200
STRIDE = 100
GROWING = ("W1", "W5")

Tell = Callable[[str], object]


@dataclass(frozen=True)
class Cold:
    """One workload without any cache: `ratio` is contentql's throughput as a part of the limit's."""

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
class Hot:
    """The same question again, by POST unless told: `ratio` is to a route that says the same bytes."""

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
class Growth:
    """The cost of one page, asked alone, in a small and in a large newsroom."""

    database: str
    workload: str
    small_articles: int
    large_articles: int
    small_ms: float
    large_ms: float
    ratio: float


def cold(
    newsrooms: Newsrooms, articles: int, names: Sequence[str], *, rounds: int, seconds: float, tell: Tell
) -> list[Cold]:
    """Raises Unusable when an answer differs from the limit's, and shows the difference."""
    url = newsrooms.of(articles)
    with servers.limit(url) as limit, servers.ours(url) as ours:
        page = deepest(visible(articles))
        requests = _requests(ours, names, articles, page)
        if "W5" in names and page < deepest(10**9):
            tell(f"W5 asks for page {page}: {articles:,} articles have no page further back.")
        same = {name: compare(limit, ours, name, requests[name]) for name in names}
        tell(f"Every answer is the limit's ({', '.join(names)}; {newsrooms.dialect}).")
        statements = counted(url, {name: requests[name].timed for name in names})
        timings: dict[str, list[tuple[Timing, Timing]]] = {name: [] for name in names}
        for turn in range(rounds):
            tell(f"Round {turn + 1} of {rounds} …")
            for name in names:
                bodies = requests[name].timed
                first = servers.load(limit, bodies, seconds)
                timings[name].append((first, servers.load(ours, bodies, seconds)))
    return [
        Cold(
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


def hot(
    newsrooms: Newsrooms, articles: int, names: Sequence[str], *, rounds: int, seconds: float, tell: Tell
) -> list[Hot]:
    """With the answer cache on, next to a constant on the same server."""
    url = newsrooms.of(articles)
    found = []
    with servers.ours(url, remembers=True) as ours:
        requests = _requests(ours, names, articles, deepest(visible(articles)))
        for name in names:
            body = requests[name].timed[0]
            path = address(body)
            with servers.asking(ours) as asker:
                asker.ask(body)
                answer, headers = asker.ask(body), asker.headers
                got, tag = asker.get(path), {"If-None-Match": dict(asker.headers)["etag"]}
            if answer != got:
                raise Unusable(f"{name} is answered differently by GET and by POST.")
            tell(f"{name}, hot: {rounds} rounds …")
            with servers.constant(headers, answer) as constant:
                turns = [
                    (
                        servers.load(constant, [body], seconds),
                        servers.load(ours, [body], seconds),
                        servers.load(ours, [], seconds, path=path),
                        servers.load(ours, [], seconds, path=path, headers=tag),
                    )
                    for _ in range(rounds)
                ]
            against, own, got_again, unchanged = (
                round(median(turn[i].per_second for turn in turns), 1) for i in range(4)
            )
            found.append(
                Hot(
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
    return found


def growth(
    newsrooms: Newsrooms, small: int, large: int, *, rounds: int, seconds: float, tell: Tell
) -> list[Growth]:
    """The same pages of both newsrooms in turn, over one connection: what is timed is a page, not a queue."""
    urls = newsrooms.of(small), newsrooms.of(large)
    page = deepest(visible(small))
    with ExitStack() as stack:
        pair = [stack.enter_context(servers.ours(url)) for url in urls]
        requests = [
            _requests(server, GROWING, articles, page)
            for server, articles in zip(pair, (small, large), strict=True)
        ]
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in GROWING}
        for turn in range(rounds):
            tell(f"Round {turn + 1} of {rounds} …")
            for name in GROWING:
                first, second = (
                    servers.load(server, asked[name].timed, seconds, connections=1).p50_ms
                    for server, asked in zip(pair, requests, strict=True)
                )
                times[name].append((first, second))
    return [
        Growth(
            newsrooms.dialect,
            name,
            small,
            large,
            round(median(first for first, _ in times[name]), 3),
            round(median(second for _, second in times[name]), 3),
            round(median(second / first for first, second in times[name]), 3),
        )
        for name in GROWING
    ]


@dataclass(frozen=True)
class Requests:
    """The bodies to compare, and those to time."""

    compared: Sequence[bytes]
    timed: Sequence[bytes]


def compare(limit: Server, ours: Server, name: str, requests: Requests) -> bool:
    """Whether the bytes are the same too. Raises Unusable when the JSON or the order of its keys differs."""
    same = True
    with servers.asking(limit) as first, servers.asking(ours) as second:
        for body in requests.compared:
            expected, actual = first.ask(body), second.ask(body)
            if expected != actual:
                same = False
                where = difference(orjson.loads(expected), orjson.loads(actual))
                if where:
                    raise Unusable(
                        f"{name} is not answered like the limit answers it.\n{body.decode()}\n{where}"
                    )
    return same


def difference(expected: Any, actual: Any, path: str = "") -> str | None:
    """The first place where two answers differ, or None; keys must come in the same order."""
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
    return next((found for at, one, other in pairs if (found := difference(one, other, at))), None)


def _short(value: Any) -> str:
    return orjson.dumps(value).decode()[:300]


def _requests(ours: Server, names: Sequence[str], articles: int, page: int) -> Mapping[str, Requests]:
    found = {}
    for name in names:
        document = WORKLOADS[name].document
        if name == "W5":
            with servers.asking(ours) as asker:
                walked = [request(document, {"after": cursor}) for cursor in walk(asker, (page - 1) * PAGE)]
            found[name] = Requests(walked, walked[-1:])
        else:
            bodies = [request(document, values) for values in variables(name, articles)]
            found[name] = Requests(list(islice(bodies, COMPARED)), bodies)
    return found


def walk(asker: Asker, articles: int) -> list[str]:
    """The cursors on the way past that many articles, the last one exactly behind them."""
    first = articles % STRIDE or STRIDE
    cursors: list[str] = []
    for size in (first, *[STRIDE] * ((articles - first) // STRIDE)):
        after = {"after": cursors[-1]} if cursors else {}
        answer = orjson.loads(asker.ask(request(WALK, {"first": size, **after})))
        cursors.append(answer["data"]["latestNews"]["pageInfo"]["endCursor"])
    return cursors
