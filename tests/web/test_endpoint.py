"""The /graphql endpoint: GraphQL over HTTP, invalid requests and content negotiation."""

from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote, urljoin

import httpx2
import orjson
import pytest
from tests.support.http_client import error_code, error_codes, make_client, make_endpoint

from contentql.execution.executor import Executor

RESPONSE_TYPE = "application/graphql-response+json"
JSON_TYPE = "application/json"
NAMES = "{ categories(first: 2) { nodes { path } } }"
INVALID_QUERY = "{ weather }"


@pytest.fixture
async def http(demo_executor: Executor) -> AsyncIterator[httpx2.AsyncClient]:
    async with make_client(demo_executor) as result:
        yield result


def category_nodes(response: httpx2.Response) -> Any:
    """The nodes of a successful response to NAMES."""
    assert response.status_code == 200, response.text
    return response.json()["data"]["categories"]["nodes"]


# Requests


async def test_post_and_get_return_the_same_response(http: httpx2.AsyncClient) -> None:
    """The bodies are equal; HEAD returns the headers of GET without a body."""
    posted = await http.post("/graphql", json={"query": NAMES})
    fetched = await http.get("/graphql", params={"query": NAMES})
    head = await http.head("/graphql", params={"query": NAMES})
    assert len(category_nodes(posted)) == 2
    assert fetched.content == posted.content
    assert (head.status_code, head.content) == (200, b"")
    expected = {"content-type", "content-length", "vary", "x-content-type-options"}
    assert {name: head.headers[name] for name in expected} == {
        name: fetched.headers[name] for name in expected
    }


async def test_body_and_query_string_accept_all_parameters(http: httpx2.AsyncClient) -> None:
    """`variables`, `operationName` and `extensions` have the same meaning in both."""
    document = (
        "query A($n: Int) { categories(first: $n) { nodes { path } } } query B { viewer { __typename } }"
    )
    posted = await http.post(
        "/graphql",
        json={
            "query": document,
            "operationName": "A",
            "variables": {"n": 1},
            "extensions": {"cost": True},
        },
    )
    fetched = await http.get(
        "/graphql",
        params={
            "query": document,
            "operationName": "A",
            "variables": '{"n": 1}',
            "extensions": '{"cost": true}',
        },
    )
    assert len(category_nodes(posted)) == 1
    assert posted.json()["extensions"]["cost"]["limit"] == 10_000
    assert fetched.content == posted.content


async def test_null_parameters_are_the_same_as_missing_ones(http: httpx2.AsyncClient) -> None:
    """An empty operation name is a missing one too."""
    for parameters in (
        {"variables": None},
        {"operationName": None},
        {"extensions": None},
        {"operationName": ""},
    ):
        assert len(category_nodes(await http.post("/graphql", json={"query": NAMES, **parameters}))) == 2


async def test_failed_root_fields_return_null_and_leave_the_others(http: httpx2.AsyncClient) -> None:
    """The response has status 294, the error with its path and the data of the other fields."""
    response = await http.post(
        "/graphql", json={"query": '{ article(id: "nonsense") { id } categories { totalCount } }'}
    )
    assert (response.status_code, error_code(response)) == (294, "INVALID_ID")
    assert response.json()["data"]["article"] is None
    assert response.json()["data"]["categories"]["totalCount"] > 0
    assert response.json()["errors"][0]["path"] == ["article"]


async def test_request_id_of_the_client_is_returned(http: httpx2.AsyncClient) -> None:
    """An X-Request-ID with other characters is replaced."""
    response = await http.post(
        "/graphql", json={"query": INVALID_QUERY}, headers={"x-request-id": "edge-17.a"}
    )
    assert response.headers["x-request-id"] == "edge-17.a"
    assert error_code(response) == "GRAPHQL_VALIDATION_FAILED"
    replaced = await http.post(
        "/graphql", json={"query": INVALID_QUERY}, headers={"x-request-id": "a b\t<script>"}
    )
    assert replaced.headers["x-request-id"] != "a b\t<script>"
    assert error_code(replaced) == "GRAPHQL_VALIDATION_FAILED"


# Statuses and media types


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("{", 400, "GRAPHQL_PARSE_FAILED"),
        ("", 400, "GRAPHQL_PARSE_FAILED"),
        (INVALID_QUERY, 422, "GRAPHQL_VALIDATION_FAILED"),
        (
            "query A { viewer { __typename } } query B { viewer { __typename } }",
            422,
            "OPERATION_RESOLUTION_FAILURE",
        ),
        ("fragment F on Article { id }", 422, "GRAPHQL_VALIDATION_FAILED"),
        ("query($n: Int!) { categories(first: $n) { totalCount } }", 422, "BAD_USER_INPUT"),
        ("{ categories(first: 101) { totalCount } }", 422, "INVALID_PAGE_SIZE"),
    ],
)
async def test_status_codes_of_errors(http: httpx2.AsyncClient, query: str, status: int, code: str) -> None:
    """400 for unreadable requests, 422 for invalid ones; with application/json, 200 as in older clients."""
    new = await http.post("/graphql", json={"query": query}, headers={"accept": RESPONSE_TYPE})
    old = await http.post("/graphql", json={"query": query}, headers={"accept": JSON_TYPE})
    assert (new.status_code, error_code(new)) == (status, code)
    assert "data" not in new.json()
    assert (old.status_code, error_code(old)) == (200, code)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, RESPONSE_TYPE),
        ("*/*", RESPONSE_TYPE),
        (RESPONSE_TYPE, RESPONSE_TYPE),
        ("application/*", RESPONSE_TYPE),
        (f"{RESPONSE_TYPE}; charset=utf-8, {JSON_TYPE}; q=0.9", RESPONSE_TYPE),
        (f"{JSON_TYPE}, {RESPONSE_TYPE}", RESPONSE_TYPE),
        (JSON_TYPE, JSON_TYPE),
        ("application/json; charset=utf-8", JSON_TYPE),
        ("APPLICATION/JSON", JSON_TYPE),
        (f"text/html, {JSON_TYPE}", JSON_TYPE),
    ],
)
async def test_accept_header_selects_the_media_type(
    http: httpx2.AsyncClient, accept: str | None, media_type: str
) -> None:
    """graphql-response+json unless only application/json is accepted; Vary contains Accept."""
    http.headers.pop("accept")
    response = await http.post(
        "/graphql", json={"query": NAMES}, headers={"accept": accept} if accept else {}
    )
    assert response.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert response.headers["vary"] == "Accept, Accept-Encoding, Authorization"
    assert len(category_nodes(response)) == 2


@pytest.mark.parametrize("accept", ["text/html", "image/avif,text/plain;q=0.5", "application/xml"])
async def test_unsupported_accept_headers_are_406(http: httpx2.AsyncClient, accept: str) -> None:
    response = await http.post("/graphql", json={"query": NAMES}, headers={"accept": accept})
    assert (response.status_code, error_code(response)) == (406, "NOT_ACCEPTABLE")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "BREW"])
async def test_other_methods_are_405(http: httpx2.AsyncClient, method: str) -> None:
    """The Allow header lists the permitted methods and only those."""
    response = await http.request(method, "/graphql", json={"query": NAMES})
    assert (response.status_code, error_code(response)) == (405, "METHOD_NOT_ALLOWED")
    allowed = response.headers["allow"].split(", ")
    assert method not in allowed
    for permitted in allowed:
        assert (await http.request(permitted, "/graphql", params={"query": NAMES})).status_code != 405


async def test_mutations_by_get_are_405(http: httpx2.AsyncClient) -> None:
    """Also among queries, before any permission is checked: a link or a picture can change nothing."""
    mutation = 'mutation M { createTag(input: {name: "x", type: TOPIC}) { tag { id } } }'
    for query in (mutation, f"query Q {NAMES} {mutation}"):
        parameters = {"query": query, "operationName": "M"}
        response = await http.get("/graphql", params=parameters)
        assert (response.status_code, error_code(response)) == (405, "METHOD_NOT_ALLOWED")
        assert (await http.head("/graphql", params=parameters)).status_code == 405
        assert error_code(await http.post("/graphql", json=parameters)) == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "application/json; charset=utf-16",
        "application/json; charset=latin-1",
        "application/jsonx",
    ],
)
async def test_other_content_types_are_415(http: httpx2.AsyncClient, content_type: str | None) -> None:
    """Every other media type and charset is rejected, so that no form of another site can send a request."""
    response = await http.post(
        "/graphql",
        content=orjson.dumps({"query": NAMES}),
        headers={"content-type": content_type} if content_type else {},
    )
    assert (response.status_code, error_code(response)) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize(
    "content_type",
    ["application/json;charset=UTF-8", 'Application/JSON; charset="utf-8"', " application/json "],
)
async def test_content_type_is_parsed_leniently(http: httpx2.AsyncClient, content_type: str) -> None:
    """Case, quotation marks and spaces do not matter."""
    body = orjson.dumps({"query": NAMES})
    assert (
        len(category_nodes(await http.post("/graphql", content=body, headers={"content-type": content_type})))
        == 2
    )


async def test_compressed_bodies_are_rejected(http: httpx2.AsyncClient) -> None:
    """Declared gzip is 415, undeclared gzip is 400; bodies are never decompressed."""
    packed = gzip.compress(orjson.dumps({"query": NAMES}))
    headers = {"content-type": "application/json"}
    response = await http.post("/graphql", content=packed, headers={**headers, "content-encoding": "gzip"})
    assert (response.status_code, error_code(response)) == (415, "UNSUPPORTED_MEDIA_TYPE")
    undeclared = await http.post("/graphql", content=packed, headers=headers)
    assert (undeclared.status_code, error_code(undeclared)) == (400, "BAD_REQUEST")


# Invalid requests

UNREADABLE_BODIES: dict[str, bytes] = {
    "nothing": b"",
    "a space": b" ",
    "half an object": b'{"query": "{',
    "two objects": b'{"query": "x"}{"query": "y"}',
    "a trailing comma": b'{"query": "{ viewer { __typename } }",}',
    "NaN": b'{"query": NaN}',
    "single quotes": b"{'query': 'x'}",
    "invalid UTF-8": b'{"query": "\xff\xfe"}',
    "overlong UTF-8": b'{"query": "\xc0\xaf"}',
    "half a surrogate pair in UTF-8": b'{"query": "\xed\xa0\x80"}',
    "half a surrogate pair, escaped": b'{"query": "\\ud800"}',
    "UTF-16": '{"query": "{ viewer { __typename } }"}'.encode("utf-16"),
    "UTF-16 without a mark": '{"query": "{ viewer { __typename } }"}'.encode("utf-16-le"),
    "UTF-32": '{"query": "{ viewer { __typename } }"}'.encode("utf-32"),
    "a byte order mark": b'\xef\xbb\xbf{"query": "{ viewer { __typename } }"}',
    "gzip": gzip.compress(b'{"query": "{ viewer { __typename } }"}'),
    "a form": b"query={viewer{__typename}}",
    "JSON 50,000 deep": b'{"query":' * 50_000 + b"1" + b"}" * 50_000,
    "lists 50,000 deep": b"[" * 50_000 + b"]" * 50_000,
    "variables 2,000 deep": b'{"query": "{ viewer { __typename } }", "variables": '
    + b'{"not":' * 2_000 + b"1" + b"}" * 2_001,
    "a raw NUL": b'{"query": "\0"}',
}  # fmt: skip

# JSON, with parameters that are missing or have the wrong type.
MALFORMED_BODIES: dict[str, bytes] = {
    "a misspelt name": b'{"qeury": "{ viewer { __typename } }"}',
    "only variables": b'{"variables": {"n": 1}}',
    "a document id that is a number": b'{"documentId": 7}',
    "a query and a document id": b'{"query": "{ viewer { __typename } }", "documentId": "x"}',
    "half a hash": b'{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "ab"}}}',
    "a text": b'"x"',
    "a number": b"1",
    "null": b"null",
    "true": b"true",
    "an empty list": b"[]",
    "a batch": b'[{"query": "{ viewer { __typename } }"}]',
    "a list of texts": b'["x", 1, null]',
    "an empty object": b"{}",
    "a query that is a number": b'{"query": 1}',
    "a query that is a list": b'{"query": ["x"]}',
    "a query that is null": b'{"query": null}',
    "a name that is a number": b'{"query": "{ viewer { __typename } }", "operationName": 1}',
    "a name that is an object": b'{"query": "{ viewer { __typename } }", "operationName": {}}',
    "variables that are a list": b'{"query": "{ viewer { __typename } }", "variables": []}',
    "variables that are a text": b'{"query": "{ viewer { __typename } }", "variables": "{}"}',
    "variables that are a number": b'{"query": "{ viewer { __typename } }", "variables": 1}',
    "extensions that are a list": b'{"query": "{ viewer { __typename } }", "extensions": [1]}',
}  # fmt: skip


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        *(pytest.param(body, 400, "BAD_REQUEST", id=name) for name, body in UNREADABLE_BODIES.items()),
        *(pytest.param(body, 422, "INVALID_REQUEST", id=name) for name, body in MALFORMED_BODIES.items()),
    ],
)
async def test_invalid_request_bodies_are_rejected(
    http: httpx2.AsyncClient, body: bytes, status: int, code: str
) -> None:
    """400 for what is not JSON, 422 for JSON that is no GraphQL request; also for older clients."""
    for accept in (RESPONSE_TYPE, JSON_TYPE):
        response = await http.post(
            "/graphql", content=body, headers={"content-type": "application/json", "accept": accept}
        )
        assert (response.status_code, error_code(response)) == (status, code)


async def test_misspelt_query_is_named_in_the_hint(http: httpx2.AsyncClient) -> None:
    response = await http.post("/graphql", json={"qeury": NAMES})
    assert response.json()["errors"][0]["extensions"]["hint"] == "Did you mean `query` instead of `qeury`?"


@pytest.mark.parametrize(
    ("query_string", "status", "code"),
    [
        (b"", 422, "INVALID_REQUEST"),
        (b"utm_source=x", 422, "INVALID_REQUEST"),
        (b"variables={}", 422, "INVALID_REQUEST"),
        (b"query={}&variables=[]", 422, "INVALID_REQUEST"),
        (b"query={}&extensions=1", 422, "INVALID_REQUEST"),
        (b"query=", 400, "GRAPHQL_PARSE_FAILED"),
        (b"query=%FF%FE", 400, "BAD_REQUEST"),
        (b"query=%ED%A0%80", 400, "BAD_REQUEST"),
        (b"query={}&variables={", 400, "BAD_REQUEST"),
        (b"query={}&variables=%00", 400, "BAD_REQUEST"),
        (b"query={}&variables=" + b"[" * 3_000, 400, "BAD_REQUEST"),
        (b"&".join(b"query=x" for _ in range(50)), 400, "BAD_REQUEST"),
    ],
)
async def test_invalid_query_strings_are_rejected(
    http: httpx2.AsyncClient, query_string: bytes, status: int, code: str
) -> None:
    """400 for what cannot be read, 422 for parameters that are missing or have the wrong type."""
    response = await http.get(httpx2.URL("http://newsroom.test/graphql", query=query_string))
    assert (response.status_code, error_code(response)) == (status, code)


async def test_parameters_without_a_value_are_missing_ones(http: httpx2.AsyncClient) -> None:
    """The specification allows an empty `variables` and `extensions` in a query string."""
    parameters = {"query": NAMES, "variables": "", "extensions": "", "operationName": ""}
    assert len(category_nodes(await http.get("/graphql", params=parameters))) == 2


@pytest.mark.parametrize(
    "body",
    [
        rb'{"query": "{ \ud83d }"}',
        rb'{"query": "{ viewer { role } }", "variables": {"input": {"headline": "caf\u00e9 \ud83d"}}}',
        rb'{"query": "{ viewer { role } }", "variables": {"list": ["\ude00\ud83d"]}}',
        rb'{"query": "{ viewer { role } }", "variables": {"\uDBFF": 1}}',
        b'{"query": "{ viewer { role } }", "operationName": "\xed\xa0\xbd"}',
    ],
)
async def test_half_of_a_surrogate_pair_is_named(http: httpx2.AsyncClient, body: bytes) -> None:
    """Wherever it is in the body or the address, the error says so and has a hint."""
    address = b"query={viewer{role}}&variables=" + quote(body).encode()
    responses = [
        await http.post("/graphql", content=body, headers={"content-type": "application/json"}),
        await http.get(httpx2.URL("http://newsroom.test/graphql", query=address)),
    ]
    for response in responses:
        assert (response.status_code, error_code(response)) == (400, "BAD_REQUEST")
        error = response.json()["errors"][0]
        assert "half of a surrogate pair" in error["message"]
        assert re.search(r"\\ud[89a-f][0-9a-f]{2}", error["message"])
        assert "toWellFormed" in error["extensions"]["hint"]


@pytest.mark.parametrize("escape", [r"\ud83d", r"\uDE00", r"\u{D83D}"])
async def test_half_of_a_surrogate_pair_in_a_document_is_named(http: httpx2.AsyncClient, escape: str) -> None:
    """As an escape of GraphQL, in a string of the document."""
    response = await http.post("/graphql", json={"query": f'{{ tag(slug: "{escape}") {{ name }} }}'})
    assert (response.status_code, error_code(response)) == (400, "GRAPHQL_PARSE_FAILED")
    assert "half of a surrogate pair" in response.json()["errors"][0]["message"]


async def test_whole_surrogate_pairs_are_characters(http: httpx2.AsyncClient) -> None:
    body = rb'{"query": "query Q($s: String) { tag(slug: $s) { name } }", "variables": {"s": "\ud83d\ude00"}}'
    response = await http.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert response.json() == {"data": {"tag": None}}


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.mark.parametrize("path", ["/graphql", "/graphql/"])
@pytest.mark.parametrize("query", [{}, {"utm_source": "mail"}])
async def test_browsers_are_led_to_graphiql(
    http: httpx2.AsyncClient, path: str, query: dict[str, str]
) -> None:
    """By a relative address, which stays right behind a proxy that adds a prefix; caches do not store it."""
    for method in ("GET", "HEAD"):
        response = await http.request(method, path, params=query, headers={"accept": BROWSER})
        assert (response.status_code, response.content) == (307, b"")
        assert urljoin(f"https://example.org/cms{path}", response.headers["location"]) == (
            "https://example.org/cms/graphiql"
        )
        assert response.headers["cache-control"] == "no-store"
        assert "Accept" in response.headers["vary"]


async def test_browsers_receive_the_response_of_a_query(http: httpx2.AsyncClient) -> None:
    """A link to a query shows its JSON; other clients, and POST, are never led to a page."""
    response = await http.get("/graphql", params={"query": NAMES}, headers={"accept": BROWSER})
    assert len(category_nodes(response)) == 2
    for accept in ("*/*", JSON_TYPE, f"{JSON_TYPE}, text/html;q=0.5", f"text/html;q=0, {JSON_TYPE}"):
        response = await http.get("/graphql", headers={"accept": accept})
        assert (response.status_code, error_code(response)) == (422, "INVALID_REQUEST")
    response = await http.post("/graphql", json={"query": NAMES}, headers={"accept": BROWSER})
    assert len(category_nodes(response)) == 2


async def test_browsers_are_not_led_to_a_page_that_is_off(demo_executor: Executor) -> None:
    async with make_client(demo_executor, graphiql=False) as http:
        response = await http.get("/graphql", headers={"accept": BROWSER})
        assert (response.status_code, error_code(response)) == (422, "INVALID_REQUEST")


# Invalid values


LONG_NUMBER = "9" * 5_000


@pytest.mark.parametrize(
    ("declared", "argument", "value"),
    [
        ("Int", "first", b"2147483648"),
        ("Int", "first", b"-2147483649"),
        ("Int", "first", b"1e300"),
        ("Int", "first", b"1.5"),
        ("Int", "first", b'"1"'),
        ("Int", "first", b"true"),
        ("Int", "first", b"[1, 2]"),
        ("Int", "first", b'{"a": 1}'),
        ("Int", "first", LONG_NUMBER.encode()),
        ("String", "after", b"1"),
        ("String", "after", b"{}"),
        ("String", "search", b"[1]"),
        ("String", "search", b"true"),
        ("[ArticleOrder!]", "orderBy", b'"id; drop table article"'),
        ("[ArticleOrder!]", "orderBy", b"[null]"),
        ("[ArticleOrder!]", "orderBy", b"[[]]"),
        ("ArticleFilter", "filter", b'"x"'),
        ("ArticleFilter", "filter", b"[[]]"),
        ("ArticleFilter", "filter", b'{"nonsense": 1}'),
        ("ArticleFilter", "filter", b'{"__proto__": {}}'),
        ("ArticleFilter", "filter", b'{"slug": "x"}'),
        ("ArticleFilter", "filter", b'{"slug": {"eq": 1}}'),
        ("ArticleFilter", "filter", b'{"urgency": {"eq": 9999999999}}'),
        ("ArticleFilter", "filter", b'{"contentType": {"eq": "nonsense"}}'),
        ("ArticleFilter", "filter", b'{"publishedAt": {"gt": "yesterday"}}'),
        ("ArticleFilter", "filter", b'{"publishedAt": {"gt": "2026-13-45T99:00:00Z"}}'),
        ("ArticleFilter", "filter", b'{"publishedAt": {"gt": "2026-06-30T08:00:00"}}'),
        ("ArticleFilter", "filter", b'{"publishedAt": {"gt": 17}}'),
        ("ArticleFilter", "filter", b'{"id": {"in": [null]}}'),
    ],
)
async def test_variables_of_the_wrong_type_are_rejected(
    http: httpx2.AsyncClient, declared: str, argument: str, value: bytes
) -> None:
    """The error is BAD_USER_INPUT, or BAD_REQUEST for invalid JSON; values are not converted."""
    query = f"query($v: {declared}) {{ articles({argument}: $v) {{ nodes {{ id }} }} }}"
    body = b'{"query": ' + orjson.dumps(query) + b', "variables": {"v": ' + value + b"}}"
    response = await http.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert error_code(response) in ("BAD_USER_INPUT", "BAD_REQUEST")


@pytest.mark.parametrize(
    "query",
    [
        "{ articles(first: 99999999999) { nodes { id } } }",
        '{ articles(first: "1") { nodes { id } } }',
        "{ articles(first: 1.0) { nodes { id } } }",
        "{ articles(orderBy: NONSENSE) { nodes { id } } }",
        "{ articles(filter: {nonsense: 1}) { nodes { id } } }",
        "{ articles(filter: {urgency: {eq: 1e3}}) { nodes { id } } }",
        "{ articles(filter: {publishedAt: {gt: 17}}) { nodes { id } } }",
        "{ articles(filter: $undeclared) { nodes { id } } }",
        "query($a: Int, $a: Int) { articles(first: $a) { nodes { id } } }",
        "query($a: Nonsense) { articles(first: $a) { nodes { id } } }",
        "query($unused: Int) { articles { nodes { id } } }",
        "{ articles @nonsense { nodes { id } } }",
        "{ articles { nodes } }",
        "{ articles { nodes { id { deeper } } } }",
        "{ articles { nodes { ...Missing } } }",
        "{ articles { nodes { ...F } } } fragment F on Article { ...F }",
        "mutation { publish }",
        "subscription { nothing { id } }",
    ],
)
async def test_documents_that_do_not_match_the_schema_are_422(http: httpx2.AsyncClient, query: str) -> None:
    """Every validation error has the code GRAPHQL_VALIDATION_FAILED."""
    response = await http.post("/graphql", json={"query": query})
    assert response.status_code == 422
    assert set(error_codes(response.status_code, response.content)) == {"GRAPHQL_VALIDATION_FAILED"}


async def test_invalid_times_are_reported_with_the_format(http: httpx2.AsyncClient) -> None:
    """As a literal and as a variable, with the code BAD_USER_INPUT."""
    literal = '{ articles(filter: {publishedAt: {gt: "yesterday"}}) { nodes { id } } }'
    with_variable = "query($t: DateTime) { articles(filter: {publishedAt: {gt: $t}}) { nodes { id } } }"
    for body in ({"query": literal}, {"query": with_variable, "variables": {"t": "yesterday"}}):
        response = await http.post("/graphql", json=body)
        assert response.status_code == 422
        (error,) = response.json()["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert "as in 2026-06-30T08:00:00Z" in error["message"]


async def test_integers_of_thousands_of_digits_are_client_errors(
    http: httpx2.AsyncClient,
) -> None:
    """Integers of 5,000 digits in ids, filters and unused variables cause no internal error."""
    for value in (f'"{LONG_NUMBER}"', f'"art_{LONG_NUMBER}"', LONG_NUMBER):
        for query in (
            f"{{ article(id: {value}) {{ id }} }}",
            f"{{ node(id: {value}) {{ id }} }}",
            f"{{ nodes(ids: [{value}]) {{ id }} }}",
            f"{{ articles(filter: {{id: {{in: [{value}]}}}}) {{ nodes {{ id }} }} }}",
            f"{{ latestNews(excludeIds: [{value}]) {{ nodes {{ id }} }} }}",
        ):
            code = error_code(await http.post("/graphql", json={"query": query}))
            assert code == ("INPUT_LIMIT_EXCEEDED" if value == LONG_NUMBER else "INVALID_ID")
    for value in (LONG_NUMBER, f"-{LONG_NUMBER}"):
        query = f"{{ articles(first: {value}) {{ nodes {{ id }} }} }}"
        assert error_code(await http.post("/graphql", json={"query": query})) == "INPUT_LIMIT_EXCEEDED"
    body = b'{"query": "{ viewer { __typename } }", "variables": {"n": ' + LONG_NUMBER.encode() + b"}}"
    response = await http.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert response.status_code in (200, 400)


@pytest.mark.parametrize("text", ["\0", "a\0b", "\ufffe\uffff", "\u202e", "😀" * 100, "﷽" * 200, "\r\n"])
async def test_unusual_characters_are_ordinary_text(http: httpx2.AsyncClient, text: str) -> None:
    """NUL, non-characters and emoji in any text argument match nothing and cause no error."""
    query = """query($s: String!) {
      article(slug: $s) { id } category(path: $s) { id } source(slug: $s) { id }
      latestNews(section: $s) { nodes { id } } articles(search: $s, first: 1) { totalCount }
      filtered: articles(filter: {slug: {contains: $s}, headline: {startsWith: $s}}) { nodes { id } }
    }"""
    response = await http.post("/graphql", json={"query": query, "variables": {"s": text}})
    assert response.status_code == 200, response.text
    data = response.json()["data"]
    assert (data["article"], data["category"], data["source"]) == (None, None, None)
    assert (data["latestNews"]["nodes"], data["filtered"]["nodes"]) == ([], [])


async def test_lone_surrogates_in_a_document_are_syntax_errors(http: httpx2.AsyncClient) -> None:
    r"""A GraphQL escape such as `\\ud800` is not checked by the JSON parser."""
    for escape in (r"\ud800", r"\u{d800}", r"\udfff\ud800"):
        response = await http.post("/graphql", json={"query": f'{{ article(slug: "{escape}") {{ id }} }}'})
        assert error_code(response) == "GRAPHQL_PARSE_FAILED"


# Size and time limits


async def test_too_large_bodies_are_413(http: httpx2.AsyncClient) -> None:
    """Holds for 20 MB with and without Content-Length."""
    body = b'{"query": "' + b" " * 20_000_000 + b'{ viewer { __typename } }"}'

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    for content in (body, chunks()):
        response = await http.post("/graphql", content=content, headers={"content-type": "application/json"})
        assert (response.status_code, error_code(response)) == (413, "PAYLOAD_TOO_LARGE")
        assert response.json()["errors"][0]["extensions"]["limit"] == 1_048_576


class RequestConnection:
    """One request to the endpoint: the queue of incoming messages, and the messages sent."""

    def __init__(self, executor: Executor, headers: dict[str, str], **options: Any) -> None:
        self.endpoint = make_endpoint(executor, **options)
        self.incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.messages: list[Any] = []
        self.is_receiving = asyncio.Event()
        self.headers = {"content-type": "application/json", **headers}

    async def _receive(self) -> Any:
        self.is_receiving.set()
        return await self.incoming.get()

    async def _send(self, message: Any) -> None:
        self.messages.append(message)

    async def serve(self) -> int:
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/graphql",
            "query_string": b"",
            "headers": [(k.encode(), v.encode()) for k, v in self.headers.items()],
        }
        await self.endpoint(scope, self._receive, self._send)
        status: int = self.messages[0]["status"]
        return status

    def code(self) -> str:
        (code,) = error_codes(self.messages[0]["status"], self.messages[1]["body"])
        return code


async def test_missing_bodies_time_out(demo_executor: Executor) -> None:
    """A request whose announced body is not sent is rejected after the timeout."""
    connection = RequestConnection(demo_executor, {"content-length": "100"}, body_seconds=0.05)
    async with asyncio.timeout(10):
        assert (await connection.serve(), connection.code()) == (400, "BAD_REQUEST")


async def test_slow_bodies_time_out(demo_executor: Executor) -> None:
    """The timeout is for the whole body: single bytes do not extend it."""
    connection = RequestConnection(demo_executor, {}, body_seconds=0.2)

    async def send_slowly() -> None:
        while True:
            await connection.is_receiving.wait()
            connection.is_receiving.clear()
            await asyncio.sleep(0.02)
            connection.incoming.put_nowait({"type": "http.request", "body": b" ", "more_body": True})

    sender = asyncio.create_task(send_slowly())
    try:
        async with asyncio.timeout(10):
            assert (await connection.serve(), connection.code()) == (400, "BAD_REQUEST")
    finally:
        sender.cancel()


@pytest.mark.parametrize("length", ["-1", "1e3", "", "x", "1048577", "9" * 5_000])
async def test_invalid_content_lengths_are_413(demo_executor: Executor, length: str) -> None:
    """A Content-Length that is no number, or too large, is rejected before the body is read."""
    connection = RequestConnection(demo_executor, {"content-length": length})
    async with asyncio.timeout(10):
        assert (await connection.serve(), connection.code()) == (413, "PAYLOAD_TOO_LARGE")


async def test_client_disconnects_are_not_errors(demo_executor: Executor) -> None:
    """A connection that closes within the body ends the request without an exception."""
    connection = RequestConnection(demo_executor, {})
    connection.incoming.put_nowait({"type": "http.request", "body": b'{"query', "more_body": True})
    connection.incoming.put_nowait({"type": "http.disconnect"})
    async with asyncio.timeout(10):
        assert (await connection.serve(), connection.code()) == (400, "BAD_REQUEST")
