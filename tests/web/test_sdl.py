"""/schema.graphql: the schema for code generators, public as introspection is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest
import zstandard
from graphql import build_schema

from contentql.app import create_app
from contentql.schema.build import sdl
from contentql.settings import Settings


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/newsroom.sqlite3"


def make_client(database_url: str, **settings: Any) -> httpx2.AsyncClient:
    """An HTTP client of the whole application, which is not started: the schema needs no database."""
    app = create_app(Settings(database_url=database_url, **settings))
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app),
        base_url="http://newsroom.test",
        headers={"accept-encoding": "identity"},
    )


async def test_schema_is_served_with_caching_headers(database_url: str) -> None:
    """Its text is that of `contentql schema`, and clients may cache it as long as introspection."""
    async with make_client(database_url) as http:
        response = await http.get("/schema.graphql")
    assert response.status_code == 200
    assert response.text == sdl()
    assert build_schema(response.text).description
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.headers["cache-control"] == "public, max-age=3600, must-revalidate"
    assert response.headers["vary"] == "Accept-Encoding"
    assert response.headers["access-control-allow-origin"] == "*"
    assert int(response.headers["content-length"]) == len(response.content)


@pytest.mark.parametrize("coding", ["identity", "gzip", "br", "zstd"])
async def test_each_coding_has_its_etag_and_304(database_url: str, coding: str) -> None:
    async with make_client(database_url) as http:
        response = await http.get("/schema.graphql", headers={"accept-encoding": coding})
        assert response.headers.get("content-encoding", "identity") == coding
        body = zstandard.decompress(response.content) if coding == "zstd" else response.content
        assert body.decode() == sdl()
        etag = response.headers["etag"]
        assert etag.startswith('"')
        assert coding in etag or coding == "identity"
        for value in (etag, f"W/{etag}", f'"other", {etag}', "*"):
            again = await http.get(
                "/schema.graphql", headers={"accept-encoding": coding, "if-none-match": value}
            )
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["cache-control"] == response.headers["cache-control"]
            assert again.headers["access-control-allow-origin"] == "*"
        other = await http.get("/schema.graphql", headers={"if-none-match": '"other"'})
        assert other.status_code == 200


async def test_head_has_the_headers_of_get(database_url: str) -> None:
    async with make_client(database_url) as http:
        fetched = await http.get("/schema.graphql", headers={"accept-encoding": "gzip"})
        head = await http.head("/schema.graphql", headers={"accept-encoding": "gzip"})
        posted = await http.post("/schema.graphql")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers == fetched.headers
    assert posted.status_code == 405


async def test_pages_of_other_sites_read_the_schema(database_url: str) -> None:
    """From the allowed origins, with If-None-Match, which needs a preflight."""
    async with make_client(database_url, cors_origins="https://a.example") as http:
        for origin, expected in (("https://a.example", "https://a.example"), ("https://b.example", None)):
            preflight = await http.options("/schema.graphql", headers={"origin": origin})
            response = await http.get("/schema.graphql", headers={"origin": origin})
            for answer in (preflight, response):
                assert answer.headers.get("access-control-allow-origin") == expected
                assert "Origin" in answer.headers["vary"]
    assert preflight.status_code == 204


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_schema_is_hidden_where_introspection_is(database_url: str, method: str) -> None:
    """A server that executes only trusted documents refuses introspection as well."""
    async with make_client(database_url, trusted_documents="required") as http:
        response = await http.request(method, "/schema.graphql")
    assert response.status_code == 403
    assert response.headers["cache-control"] == "no-store"
    assert "etag" not in response.headers
    if method == "GET":
        error = response.json()["errors"][0]
        assert error["extensions"]["code"] == "DOCUMENT_NOT_TRUSTED"
        assert error["extensions"]["requestId"] == response.headers["x-request-id"]
