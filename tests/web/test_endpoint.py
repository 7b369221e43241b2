"""The /graphql endpoint: GraphQL over HTTP, invalid requests and content negotiation."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import orjson
import pytest
from tests.support.http_client import error_code, error_codes, make_client, make_endpoint

from contentql.execution.executor import Executor

NEW = "application/graphql-response+json"
OLD = "application/json"
NAMES = "{ categories(first: 2) { nodes { path } } }"
UNKNOWN = "{ weather }"


@pytest.fixture
async def http(demo_executor: Executor) -> AsyncIterator[httpx2.AsyncClient]:
    async with make_client(demo_executor) as result:
        yield result


def named(response: httpx2.Response) -> Any:
    assert response.status_code == 200, response.text
    return response.json()["data"]["categories"]["nodes"]


# What is asked is answered


async def test_one_operation_is_answered_alike_by_post_and_get(http: httpx2.AsyncClient) -> None:
    """POST and GET give the same bytes; HEAD gives GET's headers and nothing else."""
    posted = await http.post("/graphql", json={"query": NAMES})
    got = await http.get("/graphql", params={"query": NAMES})
    head = await http.head("/graphql", params={"query": NAMES})
    assert len(named(posted)) == 2
    assert got.content == posted.content
    assert (head.status_code, head.content) == (200, b"")
    expected = {"content-type", "content-length", "vary", "x-content-type-options"}
    assert {name: head.headers[name] for name in expected} == {name: got.headers[name] for name in expected}


async def test_variables_and_names_travel_in_body_and_address(http: httpx2.AsyncClient) -> None:
    """`variables`, `operationName` and `extensions` mean the same in a body and in an address."""
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
    got = await http.get(
        "/graphql",
        params={
            "query": document,
            "operationName": "A",
            "variables": '{"n": 1}',
            "extensions": '{"cost": true}',
        },
    )
    assert len(named(posted)) == 1
    assert posted.json()["extensions"]["cost"]["limit"] == 10_000
    assert got.content == posted.content


async def test_null_for_an_optional_part_is_the_same_as_leaving_it_out(http: httpx2.AsyncClient) -> None:
    """Clients that send `variables: null`, `operationName: null` or an empty name are served."""
    for more in ({"variables": None}, {"operationName": None}, {"extensions": None}, {"operationName": ""}):
        assert len(named(await http.post("/graphql", json={"query": NAMES, **more}))) == 2


async def test_a_part_that_fails_leaves_the_rest(http: httpx2.AsyncClient) -> None:
    """A root field that cannot be answered is null, with an error, status 294 and the others' data."""
    response = await http.post(
        "/graphql", json={"query": '{ article(id: "nonsense") { id } categories { totalCount } }'}
    )
    assert (response.status_code, error_code(response)) == (294, "INVALID_ID")
    assert response.json()["data"]["article"] is None
    assert response.json()["data"]["categories"]["totalCount"] > 0
    assert response.json()["errors"][0]["path"] == ["article"]


async def test_a_request_keeps_the_id_it_came_with(http: httpx2.AsyncClient) -> None:
    """A decent X-Request-ID comes back in the header and in every error; an odd one is replaced."""
    response = await http.post("/graphql", json={"query": UNKNOWN}, headers={"x-request-id": "edge-17.a"})
    assert response.headers["x-request-id"] == "edge-17.a"
    assert error_code(response) == "GRAPHQL_VALIDATION_FAILED"
    odd = await http.post("/graphql", json={"query": UNKNOWN}, headers={"x-request-id": "a b\t<script>"})
    assert odd.headers["x-request-id"] != "a b\t<script>"
    assert error_code(odd) == "GRAPHQL_VALIDATION_FAILED"


# Statuses and media types


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("{", 400, "GRAPHQL_PARSE_FAILED"),
        ("", 400, "BAD_REQUEST"),
        (UNKNOWN, 422, "GRAPHQL_VALIDATION_FAILED"),
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
    """400 when the request cannot be read, 422 when it is refused; 200 for clients of the old kind."""
    new = await http.post("/graphql", json={"query": query}, headers={"accept": NEW})
    old = await http.post("/graphql", json={"query": query}, headers={"accept": OLD})
    assert (new.status_code, error_code(new)) == (status, code)
    assert "data" not in new.json()
    assert (old.status_code, error_code(old)) == (400 if code == "BAD_REQUEST" else 200, code)


@pytest.mark.parametrize(
    ("accept", "served"),
    [
        (None, NEW),
        ("*/*", NEW),
        (NEW, NEW),
        ("application/*", NEW),
        (f"{NEW}; charset=utf-8, {OLD}; q=0.9", NEW),
        (f"{OLD}, {NEW}", NEW),
        (OLD, OLD),
        ("application/json; charset=utf-8", OLD),
        ("APPLICATION/JSON", OLD),
        (f"text/html, {OLD}", OLD),
    ],
)
async def test_the_client_chooses_the_media_type(
    http: httpx2.AsyncClient, accept: str | None, served: str
) -> None:
    """graphql-response+json unless only plain JSON is accepted; caches are told that Accept matters."""
    http.headers.pop("accept")
    response = await http.post(
        "/graphql", json={"query": NAMES}, headers={"accept": accept} if accept else {}
    )
    assert response.headers["content-type"] == f"{served}; charset=utf-8"
    assert response.headers["vary"] == "Accept, Accept-Encoding, Authorization"
    assert len(named(response)) == 2


@pytest.mark.parametrize("accept", ["text/html", "image/avif,text/plain;q=0.5", "application/xml"])
async def test_what_cannot_be_served_is_not_acceptable(http: httpx2.AsyncClient, accept: str) -> None:
    """A client that takes neither JSON type is told so with 406."""
    response = await http.post("/graphql", json={"query": NAMES}, headers={"accept": accept})
    assert (response.status_code, error_code(response)) == (406, "NOT_ACCEPTABLE")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "BREW"])
async def test_other_methods_are_not_allowed(http: httpx2.AsyncClient, method: str) -> None:
    """405, with the methods that are, and only those."""
    response = await http.request(method, "/graphql", json={"query": NAMES})
    assert (response.status_code, error_code(response)) == (405, "METHOD_NOT_ALLOWED")
    allowed = response.headers["allow"].split(", ")
    assert method not in allowed
    for good in allowed:
        assert (await http.request(good, "/graphql", params={"query": NAMES})).status_code != 405


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
async def test_a_body_that_is_not_json_in_utf8_is_not_read(
    http: httpx2.AsyncClient, content_type: str | None
) -> None:
    """415 for every other media type and charset, so that no form of another site can ask."""
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
async def test_json_may_be_announced_in_any_decent_way(http: httpx2.AsyncClient, content_type: str) -> None:
    """Case, quotation marks and spaces around the media type do not matter."""
    body = orjson.dumps({"query": NAMES})
    assert len(named(await http.post("/graphql", content=body, headers={"content-type": content_type}))) == 2


async def test_a_compressed_body_is_refused(http: httpx2.AsyncClient) -> None:
    """Declared gzip is 415, undeclared gzip is 400: compressed bodies are never unpacked."""
    packed = gzip.compress(orjson.dumps({"query": NAMES}))
    headers = {"content-type": "application/json"}
    response = await http.post("/graphql", content=packed, headers={**headers, "content-encoding": "gzip"})
    assert (response.status_code, error_code(response)) == (415, "UNSUPPORTED_MEDIA_TYPE")
    untold = await http.post("/graphql", content=packed, headers=headers)
    assert (untold.status_code, error_code(untold)) == (400, "BAD_REQUEST")


# Bodies that are not requests

NOT_REQUESTS: dict[str, bytes] = {
    "nothing": b"",
    "a space": b" ",
    "a text": b'"x"',
    "a number": b"1",
    "null": b"null",
    "true": b"true",
    "an empty list": b"[]",
    "a batch": b'[{"query": "{ viewer { __typename } }"}]',
    "a list of texts": b'["x", 1, null]',
    "an empty object": b"{}",
    "half an object": b'{"query": "{',
    "two objects": b'{"query": "x"}{"query": "y"}',
    "a trailing comma": b'{"query": "{ viewer { __typename } }",}',
    "NaN": b'{"query": NaN}',
    "single quotes": b"{'query': 'x'}",
    "a query that is a number": b'{"query": 1}',
    "a query that is a list": b'{"query": ["x"]}',
    "a query that is null": b'{"query": null}',
    "an empty query": b'{"query": ""}',
    "a name that is a number": b'{"query": "{ viewer { __typename } }", "operationName": 1}',
    "a name that is an object": b'{"query": "{ viewer { __typename } }", "operationName": {}}',
    "variables that are a list": b'{"query": "{ viewer { __typename } }", "variables": []}',
    "variables that are a text": b'{"query": "{ viewer { __typename } }", "variables": "{}"}',
    "variables that are a number": b'{"query": "{ viewer { __typename } }", "variables": 1}',
    "extensions that are a list": b'{"query": "{ viewer { __typename } }", "extensions": [1]}',
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


@pytest.mark.parametrize("what", NOT_REQUESTS)
async def test_invalid_request_bodies_are_rejected(http: httpx2.AsyncClient, what: str) -> None:
    """400 and one coded error, whatever the bytes are, and also for a client of the old kind."""
    for accept in (NEW, OLD):
        response = await http.post(
            "/graphql",
            content=NOT_REQUESTS[what],
            headers={"content-type": "application/json", "accept": accept},
        )
        assert (response.status_code, error_code(response)) == (400, "BAD_REQUEST")


@pytest.mark.parametrize(
    "address",
    [
        b"",
        b"query=",
        b"query=%FF%FE",
        b"query=%ED%A0%80",
        b"query={}&variables={",
        b"query={}&variables=[]",
        b"query={}&variables=%00",
        b"query={}&variables=" + b"[" * 3_000,
        b"query={}&extensions=1",
        b"&".join(b"query=x" for _ in range(50)),
        b"variables={}",
    ],
)
async def test_invalid_query_strings_are_rejected(http: httpx2.AsyncClient, address: bytes) -> None:
    """GET with a broken address is 400 with one coded error."""
    response = await http.get(httpx2.URL("http://newsroom.test/graphql", query=address))
    assert (response.status_code, error_code(response)) == (400, "BAD_REQUEST")


# Values that cannot be used


BIG = "9" * 5_000


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
        ("Int", "first", BIG.encode()),
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
async def test_a_value_of_the_wrong_kind_is_a_client_error(
    http: httpx2.AsyncClient, declared: str, argument: str, value: bytes
) -> None:
    """A variable that does not fit its type is BAD_USER_INPUT, or no JSON at all; nothing is guessed."""
    query = f"query($v: {declared}) {{ articles({argument}: $v) {{ nodes {{ id }} }} }}"
    body = b'{"query": ' + orjson.dumps(query) + b', "variables": {"v": ' + value + b"}}"
    response = await http.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert error_code(response) in ("BAD_USER_INPUT", "BAD_REQUEST")


@pytest.mark.parametrize(
    "query",
    [
        "{ articles(first: 99999999999) { nodes { id } } }",
        f"{{ articles(first: {BIG}) {{ nodes {{ id }} }} }}",
        f"{{ articles(first: -{BIG}) {{ nodes {{ id }} }} }}",
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
        "subscription { articleChanged { id } }",
    ],
)
async def test_a_document_that_does_not_fit_the_schema_is_refused(
    http: httpx2.AsyncClient, query: str
) -> None:
    """422 with a code for every mistake that validation knows."""
    response = await http.post("/graphql", json={"query": query})
    assert response.status_code == 422
    assert set(error_codes(response.status_code, response.content)) == {"GRAPHQL_VALIDATION_FAILED"}


async def test_a_time_that_is_none_is_told_as_such(http: httpx2.AsyncClient) -> None:
    """In the document as in a variable: what a time looks like, under the code of a bad value."""
    written = '{ articles(filter: {publishedAt: {gt: "yesterday"}}) { nodes { id } } }'
    arguments = "query($t: DateTime) { articles(filter: {publishedAt: {gt: $t}}) { nodes { id } } }"
    for body in ({"query": written}, {"query": arguments, "variables": {"t": "yesterday"}}):
        response = await http.post("/graphql", json=body)
        assert response.status_code == 422
        (error,) = response.json()["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert "as in 2026-06-30T08:00:00Z" in error["message"]


async def test_a_number_of_thousands_of_digits_is_refused_wherever_it_stands(
    http: httpx2.AsyncClient,
) -> None:
    """Integers of 5,000 digits in ids, cursors, filters and unused variables are never a fault."""
    for value in (f'"{BIG}"', f'"art_{BIG}"', BIG):
        for query in (
            f"{{ article(id: {value}) {{ id }} }}",
            f"{{ node(id: {value}) {{ id }} }}",
            f"{{ nodes(ids: [{value}]) {{ id }} }}",
            f"{{ articles(filter: {{id: {{in: [{value}]}}}}) {{ nodes {{ id }} }} }}",
            f"{{ latestNews(excludeIds: [{value}]) {{ nodes {{ id }} }} }}",
        ):
            code = error_code(await http.post("/graphql", json={"query": query}))
            assert code == ("BAD_USER_INPUT" if value == BIG else "INVALID_ID")
    body = b'{"query": "{ viewer { __typename } }", "variables": {"n": ' + BIG.encode() + b"}}"
    response = await http.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert response.status_code in (200, 400)


@pytest.mark.parametrize("text", ["\0", "a\0b", "\ufffe\uffff", "\u202e", "😀" * 100, "﷽" * 200, "\r\n"])
async def test_odd_characters_are_texts_like_others(http: httpx2.AsyncClient, text: str) -> None:
    """NUL, non-characters and emoji in any text argument find nothing and break nothing."""
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


async def test_a_lone_surrogate_in_a_document_is_refused_or_found_nowhere(http: httpx2.AsyncClient) -> None:
    """`\\ud800` written as an escape of GraphQL, where JSON cannot see it, is a syntax error."""
    for escape in (r"\ud800", r"\u{d800}", r"\udfff\ud800"):
        response = await http.post("/graphql", json={"query": f'{{ article(slug: "{escape}") {{ id }} }}'})
        assert error_code(response) == "GRAPHQL_PARSE_FAILED"


# Sizes and slowness


async def test_a_large_body_is_cut(http: httpx2.AsyncClient) -> None:
    """20 MB are 413, whether the length is announced or not."""
    body = b'{"query": "' + b" " * 20_000_000 + b'{ viewer { __typename } }"}'

    async def drops() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    for content in (body, drops()):
        response = await http.post("/graphql", content=content, headers={"content-type": "application/json"})
        assert (response.status_code, error_code(response)) == (413, "PAYLOAD_TOO_LARGE")
        assert response.json()["errors"][0]["extensions"]["limit"] == 1_048_576


class Wire:
    """What one request hears from its client, message by message, and what it says."""

    def __init__(self, executor: Executor, headers: dict[str, str], **options: Any) -> None:
        self.endpoint = make_endpoint(executor, **options)
        self.heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.messages: list[Any] = []
        self.asks = asyncio.Event()
        self.headers = {"content-type": "application/json", **headers}

    async def _receive(self) -> Any:
        self.asks.set()
        return await self.heard.get()

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


async def test_a_body_that_never_comes_is_cut(demo_executor: Executor) -> None:
    """A client that announces a body and sends none is refused when its time is over."""
    wire = Wire(demo_executor, {"content-length": "100"}, body_seconds=0.05)
    async with asyncio.timeout(10):
        assert (await wire.serve(), wire.code()) == (400, "BAD_REQUEST")


async def test_a_body_that_drips_is_cut(demo_executor: Executor) -> None:
    """The time is for the whole body: a byte now and then does not earn more of it."""
    wire = Wire(demo_executor, {}, body_seconds=0.2)

    async def drip() -> None:
        while True:
            await wire.asks.wait()
            wire.asks.clear()
            await asyncio.sleep(0.02)
            wire.heard.put_nowait({"type": "http.request", "body": b" ", "more_body": True})

    dripping = asyncio.create_task(drip())
    try:
        async with asyncio.timeout(10):
            assert (await wire.serve(), wire.code()) == (400, "BAD_REQUEST")
    finally:
        dripping.cancel()


@pytest.mark.parametrize("length", ["-1", "1e3", "", "x", "1048577", "9" * 5_000])
async def test_an_odd_announcement_of_the_length_is_refused(demo_executor: Executor, length: str) -> None:
    """A Content-Length that is no number, or too large a one, is refused before anything is read."""
    wire = Wire(demo_executor, {"content-length": length})
    async with asyncio.timeout(10):
        assert (await wire.serve(), wire.code()) == (413, "PAYLOAD_TOO_LARGE")


async def test_client_disconnects_are_not_errors(demo_executor: Executor) -> None:
    """A connection that closes in the middle of a body ends the request without noise."""
    wire = Wire(demo_executor, {})
    wire.heard.put_nowait({"type": "http.request", "body": b'{"query', "more_body": True})
    wire.heard.put_nowait({"type": "http.disconnect"})
    async with asyncio.timeout(10):
        assert (await wire.serve(), wire.code()) == (400, "BAD_REQUEST")
