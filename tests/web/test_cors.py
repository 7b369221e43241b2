"""CORS headers: all origins by default, or the configured ones."""

from __future__ import annotations

import httpx2
import pytest
from tests.support.http_client import error_code, make_client

from contentql.execution.executor import Executor

QUERY = {"query": "{ viewer { role } }"}
ORIGIN_HEADER = {"origin": "https://news.example.org"}
CLIENT_HEADERS = (
    "content-type", "authorization", "apollo-require-preflight", "apollographql-client-name",
    "apollographql-client-version", "graphql-require-preflight", "x-apollo-operation-name", "if-none-match",
)  # fmt: skip


async def test_all_origins_are_allowed_by_default(demo_executor: Executor) -> None:
    """The preflight allows the headers of common clients, and responses expose ETag and request id."""
    async with make_client(demo_executor) as http:
        request = {
            **ORIGIN_HEADER,
            "access-control-request-method": "POST",
            "access-control-request-headers": "content-type",
        }
        preflight = await http.options("/graphql", headers=request)
        assert (preflight.status_code, preflight.content) == (204, b"")
        assert preflight.headers["access-control-allow-origin"] == "*"
        assert "POST" in preflight.headers["access-control-allow-methods"]
        allowed = preflight.headers["access-control-allow-headers"].split(", ")
        assert set(CLIENT_HEADERS) <= set(allowed)
        assert int(preflight.headers["access-control-max-age"]) > 0
        response = await http.post("/graphql", json=QUERY, headers=ORIGIN_HEADER)
        assert response.headers["access-control-allow-origin"] == "*"
        assert "etag" in response.headers["access-control-expose-headers"]
        assert "access-control-allow-credentials" not in response.headers
        rejected = await http.post("/graphql", json={"query": "{"}, headers=ORIGIN_HEADER)
        assert rejected.headers["access-control-allow-origin"] == "*"


async def test_only_configured_origins_are_allowed(demo_executor: Executor) -> None:
    """Responses to other origins have no CORS header, and Vary contains Origin."""
    async with make_client(demo_executor, cors_origins="https://a.example, https://b.example") as http:
        for origin, expected in (("https://b.example", "https://b.example"), ("https://c.example", None)):
            for response in (
                await http.post("/graphql", json=QUERY, headers={"origin": origin}),
                await http.get("/graphql", params=QUERY, headers={"origin": origin}),
                await http.options("/graphql", headers={"origin": origin}),
            ):
                assert response.headers.get("access-control-allow-origin") == expected
        assert "Origin" in response.headers.get("vary", "Origin")


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""],
)
async def test_form_content_types_are_rejected(demo_executor: Executor, content_type: str) -> None:
    """Requests that a page of another site can send without a preflight are 415."""
    async with make_client(demo_executor) as http:
        for headers in ({}, {"apollo-require-preflight": "true"}):
            response = await http.post(
                "/graphql",
                content=b'{"query": "{ viewer { role } }"}',
                headers={"content-type": content_type, **ORIGIN_HEADER, **headers},
            )
            assert (response.status_code, error_code(response)) == (415, "UNSUPPORTED_MEDIA_TYPE")


async def test_no_cookies_are_set(demo_executor: Executor) -> None:
    async with make_client(demo_executor) as http:
        response: httpx2.Response = await http.post("/graphql", json=QUERY, headers={"cookie": "a=b"})
        assert "set-cookie" not in response.headers
