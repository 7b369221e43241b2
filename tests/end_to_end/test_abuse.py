"""A server under attack: SQL injection, hostile requests and service for other clients."""

# ruff: noqa: E501 - lists of odd things read best in rows

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

# None of these is in the data. Each has broken something somewhere.
PROBES = [
    "zq",  # harmless: what the others are compared with
    "zq'", "zq''", 'zq"', "zq`", "zq\\", "zq\\'", "zq\\\\'", "zq;", "zq--", "zq/*", "zq#", "zq)", "zq'))",
    "zq' or '1'='1", "zq' or 1=1--", 'zq" or ""="', "zq') or ('1'='1", "zq' union select null--",
    "zq'; drop table article;--", "zq' and sleep(9)--", "zq'; select pg_sleep(9)--", "zq'||(select 1)||'",
    "zq' and randomblob(1e9) and '", "zq$$", "$1", "?1", ":zq", "@zq", "%(zq)s", "{zq}", "${zq}", "{{zq*7}}",
    "zq%", "zq_", "%zq%", "_zq", "zq[a-z]", "zq*", "zq?", "zq\0", "zq\n", "zq\r\nX-Zq: 1", "zq\u2028", "zqʼ",
    "zq＇", "\ufeffzq", "zq\x1a", "zq\x7f", "<zq>", "<script>zq</script>", "../../zq", "file:///zq", "zq\udbff"[:-1],
    "NULL zq", "zq:*", "zq & !zq", "zq <-> zq", '"zq', "zq NEAR zq", "zq^2", "headline:zq", "-zq zq", "(zq", "zq AND",
]  # fmt: skip

# What can be asked of whom: every argument and every filter field that takes a text or an id


def places(of: GraphQLInputType, deep: int = 2) -> Iterator[tuple[str, str]]:
    """Where a text or id may stand in a value of this type: GraphQL with `$p` there, and its kind."""
    if isinstance(of, GraphQLNonNull):
        yield from places(of.of_type, deep)
    elif isinstance(of, GraphQLList):
        yield from ((f"[{text}]", kind) for text, kind in places(of.of_type, deep))
    elif isinstance(of, GraphQLInputObjectType):
        for name, field in of.fields.items():
            leafy = all(is_leaf_type(get_named_type(f.type)) for f in _fields(field.type))
            if deep or leafy:
                for text, kind in places(field.type, deep - (not leafy)):
                    yield f"{{{name}: {text}}}", kind
    elif of.name in ("String", "ID"):
        yield "$p", of.name


def _fields(of: Any) -> list[Any]:
    named = get_named_type(of)
    return list(named.fields.values()) if isinstance(named, GraphQLInputObjectType) else []


def selection(field: GraphQLField) -> str:
    of = get_named_type(field.type)
    if isinstance(of, GraphQLObjectType) and of.name.endswith("Connection"):
        return "{ totalCount nodes { id } }"
    return "{ __typename }"


def questions() -> Iterator[tuple[str, str]]:
    """A document for every place of every root field, and of every field with arguments right below."""
    query: Any = get_schema()._schema.query_type
    for name, field in query.fields.items():
        for argument, arguments in field.args.items():
            for text, kind in places(arguments.type):
                yield f"query($p: {kind}!) {{ {name}({argument}: {text}) {selection(field)} }}", kind
        connection: Any = get_named_type(field.type)
        if not connection.name.endswith("Connection"):
            continue
        node: Any = get_named_type(connection.fields["nodes"].type)
        for edge, inner in node.fields.items():
            for argument, arguments in inner.args.items():
                for text, kind in places(arguments.type, 0):
                    request = f"{edge}({argument}: {text}) {selection(inner)}"
                    yield f"query($p: {kind}!) {{ {name}(first: 2) {{ nodes {{ id {request} }} }} }}", kind


QUESTIONS = list(questions())


async def message_of(executor: Executor, query: str, probe: str) -> Any:
    """The answer without what a refusal repeats of the probe."""
    response = await executor.execute(GraphQLRequest(query, None, {"p": probe}))
    assert_no_server_error(response)
    payload = orjson.loads(response.body)
    for error in payload.get("errors", ()):
        error["message"] = re.sub(
            r"^'.*' is not|^\".*\" is not", "… is not", error["message"], flags=re.DOTALL
        )
        del error["extensions"]["requestId"]
    return payload


def test_every_text_and_id_of_the_schema_is_probed() -> None:
    """The probes reach roots, edges, filters, quantifiers, lists, cursors and search."""
    assert len(QUESTIONS) > 400
    request = " ".join(query for query, _ in QUESTIONS)
    words = ("slug:", "path:", "section:", "excludeIds:", "after:", "before:", "search:", "under:", "notIn:",
             "startsWith:", "contains:", "some:", "none:", "every:", "not:", "or:", "language:", "ids:")  # fmt: skip
    assert [word for word in words if word not in request] == []


async def test_no_value_becomes_sql(demo_executor: Executor) -> None:
    """Promise 7: some sixty probes in the texts and ids of the schema all mean what a harmless word means."""
    # Every tenth place on one database, others on the other: all of it takes minutes.
    offset = 0 if demo_executor.dialect.name == "sqlite" else 5
    for i, (query, _) in enumerate(QUESTIONS[offset::10]):
        harmless = await message_of(demo_executor, query, PROBES[0])
        for probe in PROBES[1 + i % 20 :: 20]:
            message = await message_of(demo_executor, query, probe)
            # What is compared letter by letter comes before or after; a search may look for the "1" of "$1".
            if not re.search(r"\b[lg]te?:", query) and ("search:" not in query or "zq" in probe):
                assert message == harmless, (query, probe)


async def test_wildcards_are_letters(demo_executor: Executor) -> None:
    """`%`, `_`, `*`, `?` and brackets match themselves in contains and startsWith, and nothing else."""
    query = """query($p: String!) {
      a: articles(filter: {headline: {contains: $p}}) { totalCount }
      b: articles(filter: {headline: {startsWith: $p}}) { totalCount }
      c: categories(filter: {path: {startsWith: $p}}) { totalCount }
      d: articles(filter: {category: {under: $p}}) { totalCount }
    }"""
    for wild in (
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
        payload = orjson.loads((await demo_executor.execute(GraphQLRequest(query, None, {"p": wild}))).body)[
            "data"
        ]
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
async def test_search_is_never_broken_by_its_text(demo_executor: Executor, seed: int) -> None:
    """Operators, quotation marks, stars and all of Unicode in any mixture: an answer, never an error."""
    random = Random(seed)
    pieces = [
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
        text = random.choice(["", " "]).join(random.choices(pieces, k=random.randint(1, 12)))[:500]
        response = await demo_executor.execute(GraphQLRequest(query, None, {"s": text}))
        assert response.status == 200, (text, response.body)


# Promise 8: mutations of good documents

SEEDS = list(query_examples().values())
MORE = [
    'query A($n: Int = 3, $f: ArticleFilter) { articles(first: $n, filter: $f) { nodes { id headline } } }',
    'query B($id: ID = "art_701") { node(id: $id) { __typename id ... on Article { slug } } }',
    "{ categories(first: 3, orderBy: [NAME_ASC]) { edges { cursor node { path articles(last: 2) { nodes { id } } } } } }",
    '{ a: article(slug: "x") { ...F } b: latestNews { nodes { ...F } } } fragment F on Article { id attributions { claim } }',
    "{ __schema { types { name } } __typename }",
]  # fmt: skip
JUNK = [
    "{", "}", "(", ")", "[", "]", ":", "!", "$", "@", "...", '"', '"""', "\\", "\0", "\ufeff", "#", ",", "-", "=", "|", "&",
    "null", "true", "-1", "0", "1e400", "9" * 400, "$n", "$undeclared", "on", "fragment", "query", "mutation",
    "@include(if: $b)", "@skip(if: true)", "__typename", "__schema { types { name } }", "id", "nodes", "first: 1",
    'filter: {id: {in: ["art_1", "x"]}}', "filter: {or: []}", "filter: {and: [{}]}", "filter: null", "orderBy: []",
    'after: "x"', '"\\ud800"', '"\\u0000"', "😀", "{not: {not: {}}}", "... on Article", "... on Node", "...F",
]  # fmt: skip
VALUES: list[Any] = [
    None, True, 0, -1, 1.5, 2**31, 2**53, 10**15, "", "x", "\0", "art_1", "art_701", "src_1", [], [None], [[]], {}, {"a": 1},
    {"not": {}}, {"or": []}, {"and": [{}, {"urgency": {"lt": 3}}]}, {"id": {"in": ["art_1"]}}, {"slug": {"eq": None}},
    {"category": {"under": "world"}}, {"attributions": {"some": {"source": {"slug": {"eq": "x"}}}}},
    {"publishedAt": {"gt": "2026-01-01T00:00:00Z"}}, {"publishedAt": {"gt": "0001-01-01T00:00:00Z"}},
    {"publishedAt": {"lt": "9999-12-31T23:59:59Z"}}, {"publishedAt": {"eq": "9999-12-31T23:59:59-23:59"}},
]  # fmt: skip


def mutated(text: str, random: Random) -> str:
    """A few words of the document cut, doubled, swapped or replaced by something odd."""
    tokens = re.findall(r'"[^"]*"|\.\.\.|\w+|\S|\s+', text)
    for _ in range(random.randint(0, 2)):
        place = random.randrange(len(tokens))
        match random.randrange(5):
            case 0:
                del tokens[place]
            case 1:
                tokens.insert(place, random.choice(JUNK))
            case 2:
                tokens[place] = random.choice(JUNK)
            case 3:
                other = random.randrange(len(tokens))
                tokens[place], tokens[other] = tokens[other], tokens[place]
            case _:
                end = min(len(tokens), place + random.randint(1, 12))
                tokens[place:place] = tokens[place:end] * random.choice([1, 2, 30])
        if not tokens:
            return ""
    return "".join(tokens)


@pytest.mark.parametrize("seed", range(2))
async def test_no_mutation_of_a_good_document_is_a_fault(demo_executor: Executor, seed: int) -> None:
    """Promise 8: of thousands of spoiled requests each is answered, or refused with codes and nothing inside."""
    random = Random(seed)
    documents = SEEDS + MORE
    codes: Counter[str] = Counter()
    async with make_client(demo_executor) as http:
        for _ in range(900):
            body: dict[str, Any] = {"query": mutated(random.choice(documents), random)}
            if random.random() < 0.6:
                body["variables"] = {name: random.choice(VALUES) for name in ("n", "f", "id", "b", "section")}
            if random.random() < 0.1:
                body[random.choice(["query", "variables", "operationName", "extensions"])] = random.choice(
                    VALUES
                )
            raw = orjson.dumps(body)
            if random.random() < 0.05:
                place = random.randrange(len(raw))
                raw = raw[:place] + bytes([random.randrange(256)]) + raw[place + random.randint(0, 1) :]
            response = await http.post("/graphql", content=raw, headers={"content-type": "application/json"})
            if "errors" in response.json():
                codes.update(error_codes(response.status_code, response.content))
            else:
                assert response.status_code == 200
    assert len(codes) >= 5, "the mutations are worth something"
    assert codes.keys() <= ERROR_CODES.keys() - {"INTERNAL_SERVER_ERROR"}


# Promise 9: the innocent


HEAVY = [
    "{" + " ".join(f"a{i}: viewer {{ __typename }}" for i in range(3_000)) + "}",
    "{ articles { nodes { " + "id " * 1_900 + "} } }",
    "{ articles(first: 100) { nodes { category { articles(first: 100) { nodes { id } } } } } }",
    "{ articles { nodes { ...F0 } } }"
    + "".join(
        f" fragment F{i} on Article {{ ...F{i + 1} related {{ nodes {{ ...F{i + 1} }} }} }}"
        for i in range(40)
    )
    + " fragment F40 on Article { id }",
    "{ articles(first: 100) { nodes { headline body { html text markdown } sources { name } tags { name } } } }",
    '{ articles(filter: {headline: {contains: "a"}, not: {headline: {contains: "%"}}}) { totalCount } }',
    "{" + "[" * 1_000,
]


async def test_an_innocent_reader_is_served_among_the_hostile(demo_executor: Executor) -> None:
    """While dozens of heavy requests run, a small one that came after them is answered before the last of them."""
    small = "{ categories(first: 1) { nodes { path } } }"
    finished: list[str] = []

    async def ask(who: str, query: str) -> None:
        assert_no_server_error(await demo_executor.execute(GraphQLRequest(query)))
        finished.append(who)

    assert (await demo_executor.execute(GraphQLRequest(small))).status == 200
    async with asyncio.timeout(30):
        async with asyncio.TaskGroup() as group:
            for i in range(10):
                for query in HEAVY:
                    group.create_task(ask("hostile", query))
                if i == 4:
                    group.create_task(ask("innocent", small))
    assert finished.index("innocent") < len(finished) - 1


# A real server


@contextlib.contextmanager
def served(folder: Path, url: str, log: Path) -> Iterator[int]:
    """A server process of our own, on a port of its own; it must have nothing to say on its standard error."""
    port = free_port()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CONTENTQL_")}
    with log.open("wb") as result:
        process = subprocess.Popen(
            [sys.executable, "-m", "contentql", "serve", "--port", str(port), "--database", url],
            cwd=folder, env=environment, stdout=result, stderr=result,
        )  # fmt: skip
        try:
            yield port
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


async def answers_soon(http: httpx2.AsyncClient) -> None:
    for _ in range(300):
        with contextlib.suppress(httpx2.TransportError):
            await http.get("/graphql", params={"query": "{ __typename }"})
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the server does not start")


RAW = [
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


async def test_a_real_server_stays_whole(demo_url: str, server: Any, tmp_path: Path) -> None:
    """Over a socket: broken HTTP, broken bodies, unknown paths and doubled slashes, and then a decent answer."""
    url = await server.copy(demo_url) if server.dialect == "sqlite" else demo_url
    log = tmp_path / "log"
    with served(tmp_path, url, log) as port:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as http:
            await answers_soon(http)
            for raw in RAW:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(raw)
                writer.write_eof()
                async with asyncio.timeout(20):
                    heard = await reader.read()
                writer.close()
                assert not re.match(rb"HTTP/1\.\d 5", heard), (raw, heard)
                assert b"Traceback" not in heard
            for path in (
                "//graphql",
                "/graphql/",
                "/%2e%2e/etc/passwd",
                "/graphiql/../../pyproject.toml",
                "/x" * 500,
            ):
                response = await http.get(path)
                assert response.status_code in (307, 400, 404), (path, response.status_code)
            response = await http.post("/graphql", json={"query": SEEDS[0]})
            assert response.status_code == 200
            assert response.json()["data"]["latestNews"]["nodes"]
            assert "server" not in response.headers
    assert b"Traceback" not in log.read_bytes()
