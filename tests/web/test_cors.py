"""CORS headers: all origins by default, or the configured ones."""

from __future__ import annotations

import httpx2
import pytest
from tests.support.http_client import error_code, make_client

from contentql.errors import OperatorError
from contentql.execution.executor import Executor
from contentql.settings import load_settings

QUERY = {"query": "{ viewer { role } }"}
ORIGIN_HEADER = {"origin": "https://news.example.org"}
CLIENT_HEADERS = (
    "content-type", "authorization", "apollo-require-preflight", "apollographql-client-name",
    "apollographql-client-version", "graphql-require-preflight", "x-apollo-operation-name", "if-none-match",
    "traceparent", "tracestate", "baggage", "sentry-trace",
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


async def test_further_request_headers_can_be_allowed(demo_executor: Executor) -> None:
    """Those of CONTENTQL_CORS_HEADERS, besides the headers of common clients."""
    async with make_client(demo_executor, cors_headers="X-Datadog-Trace-Id, x-b3-sampled") as http:
        preflight = await http.options("/graphql", headers=ORIGIN_HEADER)
    allowed = preflight.headers["access-control-allow-headers"].split(", ")
    assert {*CLIENT_HEADERS, "x-datadog-trace-id", "x-b3-sampled"} <= set(allowed)
    for name in ("x y", "x:", "x\r\ny", "é"):
        with pytest.raises(OperatorError, match="CONTENTQL_CORS_HEADERS"):
            load_settings(cors_headers=name)


@pytest.mark.parametrize("origin", [{}, ORIGIN_HEADER])
async def test_responses_that_caches_share_have_cors_headers(
    demo_executor: Executor, origin: dict[str, str]
) -> None:
    """Also without an Origin, so that a cache filled by a phone serves browsers; 304 and HEAD too."""
    async with make_client(demo_executor) as http:
        first = await http.get("/graphql", params=QUERY, headers=origin)
        again = await http.get(
            "/graphql", params=QUERY, headers={**origin, "if-none-match": first.headers["etag"]}
        )
        responses = [
            first,
            again,
            await http.head("/graphql", params=QUERY, headers=origin),
            await http.post("/graphql", json=QUERY, headers=origin),
            await http.get("/graphql", params={"query": "{ nonsense }"}, headers=origin),
            await http.get("/graphql", headers=origin),
        ]
    assert [response.status_code for response in responses] == [200, 304, 200, 200, 422, 422]
    for response in responses:
        assert response.headers["access-control-allow-origin"] == "*"
        assert "etag" in response.headers["access-control-expose-headers"]
        assert "origin" not in response.headers["vary"].lower()


async def test_only_configured_origins_are_allowed(demo_executor: Executor) -> None:
    """Responses to other origins have no CORS header, and Vary contains Origin."""
    async with make_client(demo_executor, cors_origins="https://a.example, https://b.example") as http:
        for origin, expected in (("https://b.example", "https://b.example"), ("https://c.example", None)):
            for response in (
                await http.post("/graphql", json=QUERY, headers={"origin": origin}),
                await http.get("/graphql", params=QUERY, headers={"origin": origin}),
                await http.options("/graphql", headers={"origin": origin}),
                await http.post("/graphql", json={"query": "{"}, headers={"origin": origin}),
            ):
                assert response.headers.get("access-control-allow-origin") == expected
                assert "Origin" in response.headers["vary"]
                assert "access-control-allow-credentials" not in response.headers
        for response in (await http.get("/graphql", params=QUERY), await http.post("/graphql", json=QUERY)):
            assert "access-control-allow-origin" not in response.headers
            assert "Origin" in response.headers["vary"]


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
