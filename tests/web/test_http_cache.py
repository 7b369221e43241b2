"""HTTP caching headers of responses: Cache-Control, ETag and conditional requests."""

from __future__ import annotations

import asyncio
import datetime as dt
import gzip
from collections.abc import AsyncIterator
from typing import Any

import brotli
import httpx2
import pytest
import zstandard
from tests.conftest import NOW
from tests.support.http_client import error_code, make_client

from contentql.app import build_executor
from contentql.execution.executor import Executor
from contentql.settings import Settings
from contentql.store.database import Database

LATEST = '{ latestNews(section: "world/asia", first: 3) { nodes { id headline category { id } } } }'
LONG = "{ latestNews(first: 20) { nodes { id headline summary } } }"


@pytest.fixture(scope="module")
async def remembering(demo_url: str) -> AsyncIterator[Executor]:
    """The demo newsroom, its answers remembered."""
    async with Database(demo_url) as database:
        executor = build_executor(Settings(), database)
        executor.now = lambda: NOW
        assert executor.responses is not None
        await executor.responses.open()
        yield executor
        await executor.responses.close()


@pytest.fixture
async def http(remembering: Executor) -> AsyncIterator[httpx2.AsyncClient]:
    async with make_client(remembering) as http:
        yield http


async def get(http: httpx2.AsyncClient, query: str, **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await http.get("/graphql", params={"query": query}, headers={"accept-encoding": "", **named})


async def test_what_a_client_has_already_is_not_sent_again(http: httpx2.AsyncClient) -> None:
    """304 by a strong tag, a weak one, one of a list, any; with the same headers, and without a body."""
    first = await get(http, LATEST)
    tag = first.headers["etag"]
    assert (first.status_code, tag[0], tag[-1]) == (200, '"', '"')
    for value in (tag, f"W/{tag}", f'"other", {tag}', f'W/"other" , W/{tag}', "*"):
        again = await get(http, LATEST, if_none_match=value)
        assert (again.status_code, again.content) == (304, b""), value
        for name in ("etag", "cache-control", "vary", "cache-tag"):
            assert again.headers[name] == first.headers[name]
        assert "content-type" not in again.headers
    for value in ('"other"', tag[:-2] + '"', "nonsense", '"', "W/"):
        assert (await get(http, LATEST, if_none_match=value)).status_code == 200, value


async def test_another_form_is_another_representation(http: httpx2.AsyncClient) -> None:
    """A strong tag names bytes: other codings and types have other tags, and each is known again."""
    tags = []
    for coding in ("", "gzip", "br", "zstd"):
        for accept in ("application/json", "application/graphql-response+json"):
            answer = await get(http, LONG, accept_encoding=coding, accept=accept)
            tags.append(answer.headers["etag"])
            again = await get(
                http, LONG, accept_encoding=coding, accept=accept, if_none_match=answer.headers["etag"]
            )
            assert again.status_code == 304
    assert len(set(tags)) == len(tags)


async def test_head_returns_the_headers_of_get(http: httpx2.AsyncClient) -> None:
    """The same headers, no body."""
    got = await get(http, LATEST)
    head = await http.head("/graphql", params={"query": LATEST}, headers={"accept-encoding": ""})
    assert (head.status_code, head.content) == (200, b"")
    for name in ("etag", "cache-control", "content-length", "content-type", "vary"):
        assert head.headers[name] == got.headers[name]


@pytest.mark.parametrize(
    ("query", "control"),
    [
        ("{ categories { nodes { name } } }", "public, max-age=300, must-revalidate"),
        (LATEST, "public, max-age=60, must-revalidate"),
        (
            "{ collections { nodes { title items { article { id } } } } }",
            "public, max-age=30, must-revalidate",
        ),
        ("{ __schema { queryType { name } } }", "public, max-age=3600, must-revalidate"),
        ("{ viewer { role } categories { nodes { name } } }", "private, max-age=0, must-revalidate"),
    ],
)
async def test_the_least_of_the_hints_holds(http: httpx2.AsyncClient, query: str, control: str) -> None:
    """Cache-Control is the minimum over what was selected, and private where it tells of the viewer."""
    assert (await get(http, query)).headers["cache-control"] == control


async def test_a_shared_cache_is_told_that_tokens_matter(http: httpx2.AsyncClient) -> None:
    """What those with a token are told is in `test_callers.py`."""
    assert "Authorization" in (await get(http, LATEST)).headers["vary"]


@pytest.mark.parametrize("query", ["{ nonsense }", "{", '{ node(id: "nonsense") { id } }'])
async def test_errors_are_not_stored(http: httpx2.AsyncClient, query: str) -> None:
    """Nor is an answer with an error in it."""
    answer = await get(http, query)
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers


async def test_a_lifetime_ends_on_the_grid_before_the_next_moment(remembering: Executor) -> None:
    """What may come out at 08:00:37 is kept until 08:00:30; which second it is shows nowhere."""
    clock = remembering.responses._clock  # type: ignore[union-attr]
    before = clock.next_transition
    try:
        for second in (31, 37, 39):
            clock.next_transition = NOW + dt.timedelta(seconds=second)
            async with make_client(remembering) as http:
                assert (
                    "max-age=30,"
                    in (await get(http, f"{{ latestNews(first: {second}) {{ nodes {{ id }} }} }}")).headers[
                        "cache-control"
                    ]
                )
        clock.next_transition = NOW + dt.timedelta(seconds=7)
        async with make_client(remembering) as http:
            assert (
                "max-age=0,"
                in (await get(http, "{ latestNews(first: 9) { nodes { id } } }")).headers["cache-control"]
            )
    finally:
        clock.next_transition = before


async def test_tags_name_what_was_shown_and_which_lists_were_read(http: httpx2.AsyncClient) -> None:
    """In readable words, for both kinds of CDN; few enough for a header whatever was asked."""
    answer = await get(http, LATEST)
    tags = answer.headers["cache-tag"].split(",")
    nodes = [node["id"] for node in answer.json()["data"]["latestNews"]["nodes"]]
    assert set(nodes) < set(tags)
    assert {"section:world/asia", "article", "cat_104"} <= set(tags)
    assert answer.headers["surrogate-key"].split(" ") == tags
    much = await get(
        http, "{ articles(first: 100) { nodes { attributions { id } tags { id } media { media { id } } } } }"
    )
    assert "any-att" in much.headers["cache-tag"].split(",")
    assert len(much.headers["cache-tag"]) < 3_000


async def test_tags_hold_no_line_of_a_client(http: httpx2.AsyncClient) -> None:
    """A section's path is a client's text: what could break a header is taken out."""
    answer = await http.post(
        "/graphql",
        json={
            "query": "query Q($s: String) { latestNews(section: $s) { nodes { id } } }",
            "variables": {"s": "a\r\nx: y,z"},
        },
    )
    assert answer.status_code == 200
    answer = await http.get(
        "/graphql",
        params={"query": 'query { latestNews(section: "a\\r\\nx: y,z w") { nodes { id } } }'},
    )
    assert "section:a__x:_y_z_w" in answer.headers["cache-tag"].split(",")


@pytest.mark.parametrize(
    ("accepts", "coding"),
    [
        ("gzip", "gzip"),
        ("br", "br"),
        ("zstd", "zstd"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip;q=1, br;q=0.5", "gzip"),
        ("br;q=0, gzip;q=0.1", "gzip"),
        ("*", "zstd"),
        ("*;q=0.5, zstd;q=0", "br"),
        ("gzip;q=0.5, identity", None),
        ("gzip;q=0", None),
        ("identity", None),
        ("deflate", None),
        ("gzip;q=nonsense", None),
        ("", None),
    ],
)
async def test_bodies_are_packed_as_the_client_likes(
    http: httpx2.AsyncClient, accepts: str, coding: str | None
) -> None:
    """By q-values, zero among them; unpacked it is the same body, and caches are told that it varies."""
    plain = await get(http, LONG)
    async with http.stream(
        "GET", "/graphql", params={"query": LONG}, headers={"accept-encoding": accepts}
    ) as answer:
        raw = b"".join([piece async for piece in answer.aiter_raw()])
    assert answer.headers.get("content-encoding") == coding
    assert int(answer.headers["content-length"]) == len(raw)
    assert "Accept-Encoding" in answer.headers["vary"]
    unpack: dict[str | None, Any] = {
        "gzip": gzip.decompress,
        "br": brotli.decompress,
        "zstd": lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body),
        None: bytes,
    }
    assert unpack[coding](raw) == plain.content
    assert coding is None or len(raw) < len(plain.content)


async def test_small_answers_and_refusals_are_right_too(http: httpx2.AsyncClient) -> None:
    """Less than a kilobyte goes out as it is; a long refusal may be packed."""
    small = await get(http, "{ viewer { role } }", accept_encoding="gzip")
    assert "content-encoding" not in small.headers
    many = " ".join(f"nonsense{n}" for n in range(40))
    answer = await http.post(
        "/graphql",
        json={"query": f"{{ articles {{ nodes {{ {many} }} }} }}"},
        headers={"accept-encoding": "gzip"},
    )
    assert answer.headers["content-encoding"] == "gzip"
    assert error_code(answer) == "GRAPHQL_VALIDATION_FAILED"


async def test_a_stampede_is_computed_once(remembering: Executor) -> None:
    """Thirty equal questions at once, one statement, thirty equal answers."""
    assert remembering.responses is not None
    counts = remembering.responses.counts
    before = counts.misses
    query = "{ latestNews(first: 17) { nodes { id slug kicker headline } } }"
    async with make_client(remembering) as http:
        answers = await asyncio.gather(*(http.post("/graphql", json={"query": query}) for _ in range(30)))
    assert len({answer.content for answer in answers}) == 1
    assert counts.misses == before + 1


async def test_repeated_requests_are_cache_hits(http: httpx2.AsyncClient) -> None:
    """By POST and by GET, in the same words or with the variables in another order: one answer is kept."""
    query = "query Q($n: Int, $s: String) { latestNews(first: $n, section: $s) { nodes { slug } } }"
    first = await http.post("/graphql", json={"query": query, "variables": {"n": 4, "s": "world"}})
    assert "cache;desc=miss" in first.headers["server-timing"]
    for variables in ({"n": 4, "s": "world"}, {"s": "world", "n": 4}):
        again = await http.post("/graphql", json={"query": query, "variables": variables})
        assert again.headers["server-timing"].startswith("cache;desc=hit")
        assert again.content == first.content
    got = await http.get("/graphql", params={"query": query, "variables": '{"n": 4, "s": "world"}'})
    assert got.headers["server-timing"].startswith("cache;desc=hit")
    other = await http.post("/graphql", json={"query": query, "variables": {"n": 3, "s": "world"}})
    assert "cache;desc=miss" in other.headers["server-timing"]
