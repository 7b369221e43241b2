"""HTTP caching headers of responses: Cache-Control, ETag and conditional requests."""

from __future__ import annotations

import asyncio
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
from contentql.planner.visibility import TIME_DEPENDENT_TABLES
from contentql.schema.build import get_catalog
from contentql.settings import Settings
from contentql.store.database import Database

LATEST = '{ latestNews(section: "world/asia", first: 3) { nodes { id headline category { id } } } }'
LONG_RESPONSE = "{ latestNews(first: 20) { nodes { id headline summary } } }"


@pytest.fixture(scope="module")
async def cached_executor(demo_url: str) -> AsyncIterator[Executor]:
    """The demo newsroom with a response cache."""
    async with Database(demo_url) as database:
        executor = build_executor(Settings(), database)
        executor.now = lambda: NOW
        assert executor.responses is not None
        await executor.responses.open()
        yield executor
        await executor.responses.close()


@pytest.fixture
async def http(cached_executor: Executor) -> AsyncIterator[httpx2.AsyncClient]:
    async with make_client(cached_executor) as http:
        yield http


async def get(http: httpx2.AsyncClient, query: str, **headers: str) -> httpx2.Response:
    """A GET request; header names have underscores instead of hyphens."""
    header_fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return await http.get(
        "/graphql", params={"query": query}, headers={"accept-encoding": "", **header_fields}
    )


async def test_matching_if_none_match_is_304(http: httpx2.AsyncClient) -> None:
    """Holds for a strong, a weak or a listed ETag and for `*`; 304 has the caching headers and no body."""
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


async def test_each_encoding_and_media_type_has_its_own_etag(http: httpx2.AsyncClient) -> None:
    """A strong ETag identifies bytes, and each of them gets 304."""
    tags = []
    for coding in ("", "gzip", "br", "zstd"):
        for accept in ("application/json", "application/graphql-response+json"):
            response = await get(http, LONG_RESPONSE, accept_encoding=coding, accept=accept)
            tags.append(response.headers["etag"])
            again = await get(
                http,
                LONG_RESPONSE,
                accept_encoding=coding,
                accept=accept,
                if_none_match=response.headers["etag"],
            )
            assert again.status_code == 304
    assert len(set(tags)) == len(tags)


async def test_head_returns_the_headers_of_get(http: httpx2.AsyncClient) -> None:
    """HEAD has no body."""
    fetched = await get(http, LATEST)
    head = await http.head("/graphql", params={"query": LATEST}, headers={"accept-encoding": ""})
    assert (head.status_code, head.content) == (200, b"")
    for name in ("etag", "cache-control", "content-length", "content-type", "vary"):
        assert head.headers[name] == fetched.headers[name]


@pytest.mark.parametrize(
    ("query", "control"),
    [
        ("{ categories { nodes { name } } }", "public, max-age=300, must-revalidate"),
        ('{ withdrawal(slug: "x") { notice } }', "public, max-age=60, must-revalidate"),
        (
            '{ a: category(path: "world") { name } b: withdrawal(slug: "x") { notice } }',
            "public, max-age=60, must-revalidate",
        ),
        (LATEST, "public, max-age=0, must-revalidate"),
        ("{ articles { totalCount } }", "public, max-age=0, must-revalidate"),
        ('{ tag(slug: "x") { name } }', "public, max-age=0, must-revalidate"),
        (
            "{ categories { nodes { name } } collections { nodes { title } } }",
            "public, max-age=0, must-revalidate",
        ),
        (
            "{ categories(filter: {articles: {some: {}}}) { nodes { name } } }",
            "public, max-age=0, must-revalidate",
        ),
        ("{ __schema { queryType { name } } }", "public, max-age=3600, must-revalidate"),
        ("{ viewer { role } categories { nodes { name } } }", "private, max-age=0, must-revalidate"),
    ],
)
async def test_cache_control_is_the_minimum_of_the_selected_fields(
    http: httpx2.AsyncClient, query: str, control: str
) -> None:
    """It is private when a field depends on the viewer, and 0 when time can change the response."""
    assert (await get(http, query)).headers["cache-control"] == control


async def test_vary_contains_authorization(http: httpx2.AsyncClient) -> None:
    assert "Authorization" in (await get(http, LATEST)).headers["vary"]


@pytest.mark.parametrize("query", ["{ nonsense }", "{", '{ node(id: "nonsense") { id } }'])
async def test_errors_are_not_stored(http: httpx2.AsyncClient, query: str) -> None:
    """Responses with an error have `no-store` and no ETag."""
    response = await get(http, query)
    assert response.headers["cache-control"] == "no-store"
    assert "etag" not in response.headers


def test_types_that_time_changes_have_no_max_age() -> None:
    """The hint in the schema equals the one in the header."""
    for type_plan in get_catalog().types.values():
        if type_plan.table in TIME_DEPENDENT_TABLES:
            assert type_plan.max_age == 0, type_plan.name


async def test_cache_tags_name_the_objects_and_lists_of_a_response(http: httpx2.AsyncClient) -> None:
    """Both CDN headers have the same tags, and large responses fit into a header."""
    response = await get(http, LATEST)
    tags = response.headers["cache-tag"].split(",")
    nodes = [node["id"] for node in response.json()["data"]["latestNews"]["nodes"]]
    assert set(nodes) < set(tags)
    assert {"section:world/asia", "article", "cat_104"} <= set(tags)
    assert response.headers["surrogate-key"].split(" ") == tags
    large = await get(
        http, "{ articles(first: 100) { nodes { attributions { id } tags { id } media { media { id } } } } }"
    )
    assert "any-att" in large.headers["cache-tag"].split(",")
    assert len(large.headers["cache-tag"]) < 3_000


async def test_cache_tags_replace_characters_that_break_headers(http: httpx2.AsyncClient) -> None:
    """A section path is a text of the client."""
    response = await http.post(
        "/graphql",
        json={
            "query": "query Q($s: String) { latestNews(section: $s) { nodes { id } } }",
            "variables": {"s": "a\r\nx: y,z"},
        },
    )
    assert response.status_code == 200
    response = await http.get(
        "/graphql",
        params={"query": 'query { latestNews(section: "a\\r\\nx: y,z w") { nodes { id } } }'},
    )
    assert "section:a__x:_y_z_w" in response.headers["cache-tag"].split(",")


@pytest.mark.parametrize(
    ("accepts", "coding"),
    [
        ("gzip", "gzip"),
        ("br", "br"),
        ("zstd", "zstd"),
        ("gzip, deflate, br, zstd", "br"),
        ("zstd, br", "br"),
        ("zstd;q=0.5, br;q=0.5", "br"),
        ("gzip, deflate, zstd", "gzip"),
        ("br;q=0.9, zstd", "zstd"),
        ("*, br;q=0.5", "gzip"),
        ("br, *", "br"),
        ("gzip;q=0, *", "br"),
        ("gzip;q=1, br;q=0.5", "gzip"),
        ("br;q=0, gzip;q=0.1", "gzip"),
        ("*", "gzip"),
        ("*;q=0.5, zstd;q=0", "gzip"),
        ("identity;q=0.5, *;q=0.1", None),
        ("gzip;q=0.5, identity", None),
        ("gzip;q=0", None),
        ("identity", None),
        ("deflate", None),
        ("gzip;q=nonsense", None),
        ("", None),
    ],
)
async def test_accept_encoding_selects_the_compression(
    http: httpx2.AsyncClient, accepts: str, coding: str | None
) -> None:
    """q-values count, also zero; the decompressed body is the same, and Vary contains Accept-Encoding."""
    plain = await get(http, LONG_RESPONSE)
    async with http.stream(
        "GET", "/graphql", params={"query": LONG_RESPONSE}, headers={"accept-encoding": accepts}
    ) as response:
        raw = b"".join([chunk async for chunk in response.aiter_raw()])
    assert response.headers.get("content-encoding") == coding
    assert int(response.headers["content-length"]) == len(raw)
    assert "Accept-Encoding" in response.headers["vary"]
    decompress: dict[str | None, Any] = {
        "gzip": gzip.decompress,
        "br": brotli.decompress,
        "zstd": lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body),
        None: bytes,
    }
    assert decompress[coding](raw) == plain.content
    assert coding is None or len(raw) < len(plain.content)


async def test_small_responses_are_not_compressed(http: httpx2.AsyncClient) -> None:
    """The threshold is one kilobyte; long error responses are compressed."""
    small = await get(http, "{ viewer { role } }", accept_encoding="gzip")
    assert "content-encoding" not in small.headers
    unknown_fields = " ".join(f"nonsense{n}" for n in range(40))
    response = await http.post(
        "/graphql",
        json={"query": f"{{ articles {{ nodes {{ {unknown_fields} }} }} }}"},
        headers={"accept-encoding": "gzip"},
    )
    assert response.headers["content-encoding"] == "gzip"
    assert error_code(response) == "GRAPHQL_VALIDATION_FAILED"


async def test_concurrent_equal_requests_run_one_statement(cached_executor: Executor) -> None:
    """Thirty concurrent requests get equal responses from one execution."""
    assert cached_executor.responses is not None
    counts = cached_executor.responses.counts
    before = counts.misses
    query = "{ latestNews(first: 17) { nodes { id slug kicker headline } } }"
    async with make_client(cached_executor) as http:
        responses = await asyncio.gather(*(http.post("/graphql", json={"query": query}) for _ in range(30)))
    assert len({response.content for response in responses}) == 1
    assert counts.misses == before + 1


async def test_repeated_requests_are_cache_hits(http: httpx2.AsyncClient) -> None:
    """POST and GET with the same variables in any order share one entry."""
    query = "query Q($n: Int, $s: String) { latestNews(first: $n, section: $s) { nodes { slug } } }"
    first = await http.post("/graphql", json={"query": query, "variables": {"n": 4, "s": "world"}})
    assert "cache;desc=miss" in first.headers["server-timing"]
    for variables in ({"n": 4, "s": "world"}, {"s": "world", "n": 4}):
        again = await http.post("/graphql", json={"query": query, "variables": variables})
        assert again.headers["server-timing"].startswith("cache;desc=hit")
        assert again.content == first.content
    fetched = await http.get("/graphql", params={"query": query, "variables": '{"n": 4, "s": "world"}'})
    assert fetched.headers["server-timing"].startswith("cache;desc=hit")
    other = await http.post("/graphql", json={"query": query, "variables": {"n": 3, "s": "world"}})
    assert "cache;desc=miss" in other.headers["server-timing"]
