"""CORS headers: all origins by default, or the configured ones."""

from __future__ import annotations

import httpx2
import pytest
from tests.support.http_client import error_code, make_client

from contentql.execution.executor import Executor

QUERY = {"query": "{ viewer { role } }"}
PAGE = {"origin": "https://news.example.org"}
NAMED = (
    "content-type", "authorization", "apollo-require-preflight", "apollographql-client-name",
    "apollographql-client-version", "graphql-require-preflight", "x-apollo-operation-name", "if-none-match",
)  # fmt: skip


async def test_a_browser_may_ask_from_anywhere(demo_executor: Executor) -> None:
    """The preflight allows what real clients send; the answer may be read, its tag and id too."""
    async with make_client(demo_executor) as http:
        request = {
            **PAGE,
            "access-control-request-method": "POST",
            "access-control-request-headers": "content-type",
        }
        preflight = await http.options("/graphql", headers=request)
        assert (preflight.status_code, preflight.content) == (204, b"")
        assert preflight.headers["access-control-allow-origin"] == "*"
        assert "POST" in preflight.headers["access-control-allow-methods"]
        allowed = preflight.headers["access-control-allow-headers"].split(", ")
        assert set(NAMED) <= set(allowed)
        assert int(preflight.headers["access-control-max-age"]) > 0
        answer = await http.post("/graphql", json=QUERY, headers=PAGE)
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "etag" in answer.headers["access-control-expose-headers"]
        assert "access-control-allow-credentials" not in answer.headers
        refused = await http.post("/graphql", json={"query": "{"}, headers=PAGE)
        assert refused.headers["access-control-allow-origin"] == "*"


async def test_only_named_sites_where_they_are_named(demo_executor: Executor) -> None:
    """The others' pages cannot read an answer, and caches are told that it depends."""
    async with make_client(demo_executor, cors_origins="https://a.example, https://b.example") as http:
        for origin, expected in (("https://b.example", "https://b.example"), ("https://c.example", None)):
            for answer in (
                await http.post("/graphql", json=QUERY, headers={"origin": origin}),
                await http.get("/graphql", params=QUERY, headers={"origin": origin}),
                await http.options("/graphql", headers={"origin": origin}),
            ):
                assert answer.headers.get("access-control-allow-origin") == expected
        assert "Origin" in answer.headers.get("vary", "Origin")


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""],
)
async def test_no_form_reaches_us(demo_executor: Executor, content_type: str) -> None:
    """What another site's page could post without asking first is refused, preflight header or not."""
    async with make_client(demo_executor) as http:
        for more in ({}, {"apollo-require-preflight": "true"}):
            answer = await http.post(
                "/graphql",
                content=b'{"query": "{ viewer { role } }"}',
                headers={"content-type": content_type, **PAGE, **more},
            )
            assert (answer.status_code, error_code(answer)) == (415, "UNSUPPORTED_MEDIA_TYPE")


async def test_nothing_is_kept_in_a_browser_for_us(demo_executor: Executor) -> None:
    """No cookie is set, and none is read."""
    async with make_client(demo_executor) as http:
        answer: httpx2.Response = await http.post("/graphql", json=QUERY, headers={"cookie": "a=b"})
        assert "set-cookie" not in answer.headers
