"""A server under attack: injection, malformed requests, and service for other clients."""

# ruff: noqa: E501 - one case per line

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import httpx2
import orjson
import pytest
from graphql import (
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
)
from tests.support.http_client import assert_no_server_error, error_codes, free_port, make_client

from contentql.errors import ERROR_CODES
from contentql.execution.executor import Executor
from contentql.execution.request import GraphQLRequest
from contentql.schema.build import get_schema
from contentql.web.graphiql import query_examples

pytestmark = pytest.mark.slow

# None of these is in the data. Each has caused errors in other software.
PROBES = [
    "zq",  # harmless: the others are compared with it
    "zq'", "zq''", 'zq"', "zq`", "zq\\", "zq\\'", "zq\\\\'", "zq;", "zq--", "zq/*", "zq#", "zq)", "zq'))",
    "zq' or '1'='1", "zq' or 1=1--", 'zq" or ""="', "zq') or ('1'='1", "zq' union select null--",
    "zq'; drop table article;--", "zq' and sleep(9)--", "zq'; select pg_sleep(9)--", "zq'||(select 1)||'",
    "zq' and randomblob(1e9) and '", "zq$$", "$1", "?1", ":zq", "@zq", "%(zq)s", "{zq}", "${zq}", "{{zq*7}}",
    "zq%", "zq_", "%zq%", "_zq", "zq[a-z]", "zq*", "zq?", "zq\0", "zq\n", "zq\r\nX-Zq: 1", "zq\u2028", "zqʼ",
    "zq＇", "\ufeffzq", "zq\x1a", "zq\x7f", "<zq>", "<script>zq</script>", "../../zq", "file:///zq", "zq\udbff"[:-1],
    "NULL zq", "zq:*", "zq & !zq", "zq <-> zq", '"zq', "zq NEAR zq", "zq^2", "headline:zq", "-zq zq", "(zq", "zq AND",
]  # fmt: skip

# Injection: every argument and every filter field with a text or an id


def text_positions(type_: GraphQLInputType, max_depth: int = 2) -> Iterator[tuple[str, str]]:
    """GraphQL literals with `$p` at each text or id of an input type, and the type of `$p`."""
    if isinstance(type_, GraphQLNonNull):
        yield from text_positions(type_.of_type, max_depth)
    elif isinstance(type_, GraphQLList):
        yield from ((f"[{text}]", kind) for text, kind in text_positions(type_.of_type, max_depth))
    elif isinstance(type_, GraphQLInputObjectType):
        for name, field in type_.fields.items():
            has_only_leaves = all(is_leaf_type(get_named_type(f.type)) for f in _fields(field.type))
            if max_depth or has_only_leaves:
                for text, kind in text_positions(field.type, max_depth - (not has_only_leaves)):
                    yield f"{{{name}: {text}}}", kind
    elif type_.name in ("String", "ID"):
        yield "$p", type_.name


def _fields(type_: Any) -> list[Any]:
    named_type = get_named_type(type_)
    return list(named_type.fields.values()) if isinstance(named_type, GraphQLInputObjectType) else []


def selection(field: GraphQLField) -> str:
    type_ = get_named_type(field.type)
    if isinstance(type_, GraphQLObjectType) and type_.name.endswith("Connection"):
        return "{ totalCount nodes { id } }"
    return "{ __typename }"


def probe_documents() -> Iterator[tuple[str, str]]:
    """A document for each text position of root fields, and of fields with arguments right below."""
    query: Any = get_schema()._schema.query_type
    for name, field in query.fields.items():
        for argument, definition in field.args.items():
            for text, kind in text_positions(definition.type):
                yield f"query($p: {kind}!) {{ {name}({argument}: {text}) {selection(field)} }}", kind
        connection: Any = get_named_type(field.type)
        if not connection.name.endswith("Connection"):
            continue
        node: Any = get_named_type(connection.fields["nodes"].type)
        for field_name, inner_field in node.fields.items():
            for argument, definition in inner_field.args.items():
                for text, kind in text_positions(definition.type, 0):
                    inner_text = f"{field_name}({argument}: {text}) {selection(inner_field)}"
                    yield f"query($p: {kind}!) {{ {name}(first: 2) {{ nodes {{ id {inner_text} }} }} }}", kind


PROBE_DOCUMENTS = list(probe_documents())


async def normalized_response(executor: Executor, query: str, probe: str) -> Any:
    """The response without the parts of messages that quote the probe."""
    response = await executor.execute(GraphQLRequest(query, None, {"p": probe}))
    assert_no_server_error(response)
    payload = orjson.loads(response.body)
    for error in payload.get("errors", ()):
        error["message"] = re.sub(
            r"^'.*' is not|^\".*\" is not|(?<=or zh-Hans; ).*", "… is not", error["message"], flags=re.DOTALL
        )
        del error["extensions"]["requestId"]
    for warning in payload.get("extensions", {}).get("warnings", ()):
        warning["message"] = warning["message"].partition('"')[0]
    return payload


def test_probe_documents_cover_texts_and_ids_of_the_schema() -> None:
    """Root fields, related lists, filters, quantifiers, lists, cursors and search."""
    assert len(PROBE_DOCUMENTS) > 400
    all_documents = " ".join(query for query, _ in PROBE_DOCUMENTS)
    words = ("slug:", "path:", "section:", "excludeIds:", "after:", "before:", "search:", "under:", "notIn:",
             "startsWith:", "contains:", "some:", "none:", "every:", "not:", "or:", "language:", "ids:")  # fmt: skip
    assert [word for word in words if word not in all_documents] == []


async def test_values_are_never_interpreted_as_sql(demo_executor: Executor) -> None:
    """Some sixty probes have the response of a harmless word at every text position."""
    # Every tenth position, different ones on each database: all of them take minutes.
    offset = 0 if demo_executor.dialect.name == "sqlite" else 5
    for i, (query, _) in enumerate(PROBE_DOCUMENTS[offset::10]):
        harmless = await normalized_response(demo_executor, query, PROBES[0])
        for probe in PROBES[1 + i % 20 :: 20]:
            response = await normalized_response(demo_executor, query, probe)
            # Comparisons by order differ between texts; a search may match the "1" of "$1".
            if not re.search(r"\b[lg]te?:", query) and ("search:" not in query or "zq" in probe):
                assert response == harmless, (query, probe)


async def test_wildcards_are_matched_literally(demo_executor: Executor) -> None:
    """`%`, `_`, `*`, `?` and brackets match only themselves in contains and startsWith."""
    query = """query($p: String!) {
      a: articles(filter: {headline: {contains: $p}}) { totalCount }
      b: articles(filter: {headline: {startsWith: $p}}) { totalCount }
      c: categories(filter: {path: {startsWith: $p}}) { totalCount }
      d: articles(filter: {category: {under: $p}}) { totalCount }
    }"""
    for wildcard in (
        "%",
        "_",
        "%%",
        "a%",
        "_i%",
        "[A-Z]",
        "*",
        "?",
        "^",
        "\\",
        "\\%",
        "world/as_a",
        "worl%",
        "WORLD",
    ):
        payload = orjson.loads(
            (await demo_executor.execute(GraphQLRequest(query, None, {"p": wildcard}))).body
        )["data"]
        assert {key: page["totalCount"] for key, page in payload.items() if key != "a"} == {
            "b": 0,
            "c": 0,
            "d": 0,
        }
    payload = orjson.loads((await demo_executor.execute(GraphQLRequest(query, None, {"p": "world"}))).body)[
        "data"
    ]
    assert payload["c"]["totalCount"] > 1 < payload["d"]["totalCount"]


@pytest.mark.parametrize("seed", range(3))
async def test_search_accepts_any_text(demo_executor: Executor, seed: int) -> None:
    """Operators, quotation marks, wildcards and Unicode in any combination cause no error."""
    random = Random(seed)
    parts = [
        *(
            "kim",
            "or",
            "OR",
            "and",
            "not",
            "near",
            "-",
            "--",
            '"',
            "'",
            "*",
            ":",
            "&",
            "|",
            "!",
            "(",
            ")",
            "<->",
            "<2>",
        ),
        *(
            "\\",
            "\0",
            "^",
            "+",
            "{",
            "}",
            "[",
            "headline:",
            ":A",
            ":*",
            "NEAR/2",
            "a" * 300,
            "ﷺ",
            "한국",
            "😀",
            "é",
            "%",
        ),
        *(
            "\u200b",
            "\u202e",
            "\u0301",
            ";",
            "$1",
            "?1",
            "0",
            "1e9",
            "-putin",
            "north*",
            '"south korea"',
            "\ud7ff",
        ),
    ]
    query = "query($s: String) { articles(search: $s, first: 3) { totalCount edges { cursor node { id } } } }"
    for _ in range(200):
        text = random.choice(["", " "]).join(random.choices(parts, k=random.randint(1, 12)))[:500]
        response = await demo_executor.execute(GraphQLRequest(query, None, {"s": text}))
        assert response.status == 200, (text, response.body)


# Fuzzing

VALID_DOCUMENTS = list(query_examples().values())
MORE_VALID_DOCUMENTS = [
    'query A($n: Int = 3, $f: ArticleFilter) { articles(first: $n, filter: $f) { nodes { id headline } } }',
    'query B($id: ID = "art_701") { node(id: $id) { __typename id ... on Article { slug } } }',
    "{ categories(first: 3, orderBy: [NAME_ASC]) { edges { cursor node { path articles(last: 2) { nodes { id } } } } } }",
    '{ a: article(slug: "x") { ...F } b: latestNews { nodes { ...F } } } fragment F on Article { id attributions { claim } }',
    "{ __schema { types { name } } __typename }",
]  # fmt: skip
INSERTED_TOKENS = [
    "{", "}", "(", ")", "[", "]", ":", "!", "$", "@", "...", '"', '"""', "\\", "\0", "\ufeff", "#", ",", "-", "=", "|", "&",
    "null", "true", "-1", "0", "1e400", "9" * 400, "$n", "$undeclared", "on", "fragment", "query", "mutation",
    "@include(if: $b)", "@skip(if: true)", "__typename", "__schema { types { name } }", "id", "nodes", "first: 1",
    'filter: {id: {in: ["art_1", "x"]}}', "filter: {or: []}", "filter: {and: [{}]}", "filter: null", "orderBy: []",
    'after: "x"', '"\\ud800"', '"\\u0000"', "😀", "{not: {not: {}}}", "... on Article", "... on Node", "...F",
]  # fmt: skip
VARIABLE_VALUES: list[Any] = [
    None, True, 0, -1, 1.5, 2**31, 2**53, 10**15, "", "x", "\0", "art_1", "art_701", "src_1", [], [None], [[]], {}, {"a": 1},
    {"not": {}}, {"or": []}, {"and": [{}, {"urgency": {"lt": 3}}]}, {"id": {"in": ["art_1"]}}, {"slug": {"eq": None}},
    {"category": {"under": "world"}}, {"attributions": {"some": {"source": {"slug": {"eq": "x"}}}}},
    {"publishedAt": {"gt": "2026-01-01T00:00:00Z"}}, {"publishedAt": {"gt": "0001-01-01T00:00:00Z"}},
    {"publishedAt": {"lt": "9999-12-31T23:59:59Z"}}, {"publishedAt": {"eq": "9999-12-31T23:59:59-23:59"}},
]  # fmt: skip


def mutate_text(text: str, random: Random) -> str:
    """Deletes, duplicates, swaps or replaces a few tokens of the document."""
    tokens = re.findall(r'"[^"]*"|\.\.\.|\w+|\S|\s+', text)
    for _ in range(random.randint(0, 2)):
        index = random.randrange(len(tokens))
        match random.randrange(5):
            case 0:
                del tokens[index]
            case 1:
                tokens.insert(index, random.choice(INSERTED_TOKENS))
            case 2:
                tokens[index] = random.choice(INSERTED_TOKENS)
            case 3:
                other = random.randrange(len(tokens))
                tokens[index], tokens[other] = tokens[other], tokens[index]
            case _:
                end = min(len(tokens), index + random.randint(1, 12))
                tokens[index:index] = tokens[index:end] * random.choice([1, 2, 30])
        if not tokens:
            return ""
    return "".join(tokens)


@pytest.mark.parametrize("seed", range(2))
async def test_mutated_requests_cause_no_internal_errors(demo_executor: Executor, seed: int) -> None:
    """Each is executed or rejected with error codes that show nothing internal."""
    random = Random(seed)
    documents = VALID_DOCUMENTS + MORE_VALID_DOCUMENTS
    codes: Counter[str] = Counter()
    async with make_client(demo_executor) as http:
        for _ in range(900):
            body: dict[str, Any] = {"query": mutate_text(random.choice(documents), random)}
            if random.random() < 0.6:
                body["variables"] = {
                    name: random.choice(VARIABLE_VALUES) for name in ("n", "f", "id", "b", "section")
                }
            if random.random() < 0.1:
                body[random.choice(["query", "variables", "operationName", "extensions"])] = random.choice(
                    VARIABLE_VALUES
                )
            raw = orjson.dumps(body)
            if random.random() < 0.05:
                index = random.randrange(len(raw))
                raw = raw[:index] + bytes([random.randrange(256)]) + raw[index + random.randint(0, 1) :]
            response = await http.post("/graphql", content=raw, headers={"content-type": "application/json"})
            if "errors" in response.json():
                codes.update(error_codes(response.status_code, response.content))
            else:
                assert response.status_code == 200
    assert len(codes) >= 5, "the mutations cause several kinds of errors"
    assert codes.keys() <= ERROR_CODES.keys() - {"INTERNAL_SERVER_ERROR"}


# Fairness


EXECUTED_QUERY = "{ articles(first: 100) { nodes { headline body { html text markdown } sources { name } tags { name } } } }"
EXPENSIVE_QUERIES = [
    "{" + " ".join(f"a{i}: viewer {{ __typename }}" for i in range(3_000)) + "}",
    "{ articles { nodes { " + "id " * 1_900 + "} } }",
    "{ articles(first: 100) { nodes { category { articles(first: 100) { nodes { id } } } } } }",
    "{ articles { nodes { ...F0 } } }"
    + "".join(
        f" fragment F{i} on Article {{ ...F{i + 1} related {{ nodes {{ ...F{i + 1} }} }} }}"
        for i in range(40)
    )
    + " fragment F40 on Article { id }",
    EXECUTED_QUERY,
    '{ articles(filter: {headline: {contains: "a"}, not: {headline: {contains: "%"}}}) { totalCount } }',
    "{" + "[" * 1_000,
]


async def test_small_requests_are_executed_among_expensive_ones(demo_executor: Executor) -> None:
    """A small request that was sent later finishes before the last expensive one."""
    small = "{ categories(first: 1) { nodes { path } } }"
    finished: list[str] = []

    async def execute(label: str, query: str) -> None:
        assert_no_server_error(await demo_executor.execute(GraphQLRequest(query)))
        finished.append(label)

    assert (await demo_executor.execute(GraphQLRequest(small))).status == 200
    async with asyncio.timeout(30):
        async with asyncio.TaskGroup() as group:
            # Several times as many as connections: most of the first ones are refused before they are read.
            for i in range(60):
                for query in EXPENSIVE_QUERIES if i < 10 else [EXECUTED_QUERY]:
                    # Other text, because equal requests share one execution.
                    group.create_task(execute("hostile", f"# {i}\n{query}"))
                if i == 1:
                    group.create_task(execute("innocent", small))
    assert finished.index("innocent") < len(finished) - 1


# Server process


@contextlib.contextmanager
def run_server(folder: Path, url: str, log: Path) -> Iterator[int]:
    """The port of a server process, whose output is written to the log."""
    port = free_port()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CONTENTQL_")}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "contentql", "serve", "--port", str(port), "--database", url],
            cwd=folder, env=environment, stdout=output, stderr=output,
        )  # fmt: skip
        try:
            yield port
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


async def wait_until_ready(http: httpx2.AsyncClient) -> None:
    """Waits until the server responds."""
    for _ in range(300):
        with contextlib.suppress(httpx2.TransportError):
            await http.get("/graphql", params={"query": "{ __typename }"})
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the server does not start")


MALFORMED_REQUESTS = [
    b"GET /graphql?query={__typename} HTTP/1.1\r\n\r\n",
    b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\n[]{}1",
    b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: " + b"9" * 4_400 + b"\r\n\r\n",
    b"POST /graphql HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: \xff\xfe\r\nAccept: \xff\r\nContent-Length: 2\r\n\r\n{}",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\0" * 1_000,
]


async def test_server_survives_malformed_http(demo_url: str, server: Any, tmp_path: Path) -> None:
    """Malformed HTTP, malformed bodies and unknown paths cause no 5xx and no traceback."""
    url = await server.copy(demo_url) if server.dialect == "sqlite" else demo_url
    log = tmp_path / "log"
    with run_server(tmp_path, url, log) as port:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as http:
            await wait_until_ready(http)
            for raw in MALFORMED_REQUESTS:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(raw)
                writer.write_eof()
                async with asyncio.timeout(20):
                    received = await reader.read()
                writer.close()
                assert not re.match(rb"HTTP/1\.\d 5", received), (raw, received)
                assert b"Traceback" not in received
            for path in (
                "//graphql",
                "/graphql/",
                "/%2e%2e/etc/passwd",
                "/graphiql/../../pyproject.toml",
                "/x" * 500,
            ):
                response = await http.get(path)
                assert response.status_code in (307, 400, 404, 422), (path, response.status_code)
            response = await http.post("/graphql", json={"query": VALID_DOCUMENTS[0]})
            assert response.status_code == 200
            assert response.json()["data"]["latestNews"]["nodes"]
            assert "server" not in response.headers
    assert b"Traceback" not in log.read_bytes()
