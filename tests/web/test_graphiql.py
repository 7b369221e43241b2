"""GraphiQL: offline use, example queries and authentication."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import orjson
import pytest
from graphql import OperationDefinitionNode, parse, validate
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient
from tests.support.browser import Page, open_page
from tests.support.http_client import free_port

from contentql.app import build_executor
from contentql.auth import api_tokens
from contentql.auth.permissions import ROLE_PERMISSIONS, Role
from contentql.auth.viewer import ANONYMOUS_VIEWER, Actor, Viewer
from contentql.execution.executor import Executor
from contentql.execution.request import GraphQLRequest
from contentql.fixtures import DEMO_CONTENT
from contentql.importing.importer import import_file
from contentql.schema.build import get_schema
from contentql.settings import Settings
from contentql.store.database import Database
from contentql.web.graphiql import (
    GRAPHIQL_HEADERS,
    GRAPHIQL_VERSION,
    editorial_examples,
    graphiql_routes,
    query_examples,
)

STATIC = Path(__file__).parents[2] / "src/contentql/web/static/graphiql"
PUBLISHED = STATIC / GRAPHIQL_VERSION
EXAMPLES = query_examples()
STEPS = editorial_examples()
PUBLISHER = Viewer("Jane Doe", Role.PUBLISHER, "jane", ROLE_PERMISSIONS[Role.PUBLISHER])

TABS = "[...document.querySelectorAll('.graphiql-tab-button')].map(tab => tab.innerText.trim())"
EDITOR = "document.querySelector('.graphiql-query-editor .CodeMirror').CodeMirror"
RESULT = "document.querySelector('.result-window .CodeMirror').CodeMirror.getValue()"


@pytest.fixture
def client() -> TestClient:
    return TestClient(Starlette(routes=graphiql_routes()), headers={"accept-encoding": "identity"})


class Names(HTMLParser):
    """What a page points at, and whether it brings script of its own."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.inline: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("src", "href") and value and not value.startswith("data:"):
                self.addresses.append(value)
            if name.startswith("on") or name == "style":
                self.inline.append(f"{tag} {name}")
        if tag == "style" or (tag == "script" and "src" not in dict(attrs)):
            self.inline.append(tag)


# The page and its files


@pytest.mark.parametrize("address", ["/graphiql", "/graphiql/", "/cms/graphiql", "/cms/graphiql/"])
def test_the_page_finds_its_files_wherever_it_is(address: str) -> None:
    """With and without a slash, under a path of the proxy or not: no redirect, and every file is there."""
    client = TestClient(Starlette(routes=[*graphiql_routes(), Mount("/cms", routes=graphiql_routes())]))
    opened = client.get(address, follow_redirects=False)
    assert opened.status_code == 200
    addresses = Names(opened.text).addresses
    assert len(addresses) == 8
    for name in addresses:
        assert not re.match(r"[a-z]+:|/", name), "the address must be relative"
        assert client.get(urljoin(address, name), follow_redirects=False).status_code == 200


def test_the_page_brings_no_script_of_its_own(client: TestClient) -> None:
    """All script comes from files, as the policy demands; examples are templates, which do not run."""
    opened = client.get("/graphiql")
    assert opened.headers["content-type"] == "text/html; charset=utf-8"
    assert Names(opened.text).inline == []
    assert opened.text.count('<template class="example"') == len(EXAMPLES) + len(STEPS)
    assert opened.text.count(" data-tab>") == len(EXAMPLES)


@pytest.mark.parametrize(
    "address", ["/graphiql", "/graphiql/", "/graphiql/static/start.js", "/graphiql/static/nothing.js"]
)
def test_every_answer_is_guarded(client: TestClient, address: str) -> None:
    """Scripts from here only, no frame around it, no guessing of types, no address told to others."""
    answer = client.get(address)
    assert GRAPHIQL_HEADERS.items() <= dict(answer.headers).items()
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert policy == {
        "default-src": "'self'",
        "script-src": "'self'",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data:",
        "font-src": "'self' data:",
        "connect-src": "'self' ws: wss:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }


@pytest.mark.parametrize(
    ("address", "kind", "keep"),
    [
        ("/graphiql", "text/html", "no-cache"),
        ("/graphiql/static/start.js", "text/javascript", "no-cache"),
        ("/graphiql/static/style.css", "text/css", "no-cache"),
        (f"/graphiql/static/{GRAPHIQL_VERSION}/graphiql.min.js", "text/javascript", "immutable"),
        (f"/graphiql/static/{GRAPHIQL_VERSION}/graphiql.min.css", "text/css", "immutable"),
        (f"/graphiql/static/{GRAPHIQL_VERSION}/licences/react.txt", "text/plain", "immutable"),
    ],
)
def test_files_are_kept_as_long_as_they_hold(client: TestClient, address: str, kind: str, keep: str) -> None:
    """Versioned files for ever, the others until they change; who has one already gets no second copy."""
    plain = client.get(address)
    assert plain.headers["content-type"] == f"{kind}; charset=utf-8"
    assert keep in plain.headers["cache-control"]
    assert plain.headers["vary"] == "Accept-Encoding"
    packed = client.get(address, headers={"accept-encoding": "gzip, br"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content
    assert packed.headers["etag"] != plain.headers["etag"]
    for answer, encoding in ((plain, "identity"), (packed, "gzip")):
        again = client.get(
            address,
            headers={"if-none-match": f'"x", W/{answer.headers["etag"]}', "accept-encoding": encoding},
        )
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == answer.headers["etag"]
    head = client.head(address)
    assert head.headers["content-length"] == plain.headers["content-length"]
    assert client.post(address).status_code == 405


@pytest.mark.parametrize(
    "path",
    ["", "/", "4.1.2", "4.1.2/", "../graphiql.py", "%2e%2e/%2e%2e/graphiql.py", "..%2fgraphql.py",
     "/etc/passwd", "%2fetc%2fpasswd", "4.1.2\\README.md"],
)  # fmt: skip
def test_nothing_but_its_files_can_be_had(client: TestClient, path: str) -> None:
    """No folder and nothing outside, however the address is spelled."""
    assert client.get(f"/graphiql/static/{path}", follow_redirects=False).status_code == 404


# What is shipped


def test_published_files_are_as_published() -> None:
    """SHA256SUMS names every script, style and licence, and each is what it was."""
    lines = (PUBLISHED / "SHA256SUMS").read_text().splitlines()
    sums = {name: digest for digest, name in (line.split("  ") for line in lines)}
    here = {str(file.relative_to(PUBLISHED).as_posix()) for file in PUBLISHED.rglob("*") if file.is_file()}
    assert here - {"README.md", "SHA256SUMS"} == sums.keys()
    assert {name: hashlib.sha256((PUBLISHED / name).read_bytes()).hexdigest() for name in sums} == sums


def test_every_package_has_its_licence() -> None:
    """The README names each file with package, version and licence; the texts are there."""
    readme = (PUBLISHED / "README.md").read_text()
    for file in (*PUBLISHED.glob("*.js"), *PUBLISHED.glob("*.css"), *PUBLISHED.glob("licences/*")):
        if file.name != "apache-2.0.txt":  # named by the licences it belongs to
            assert file.name in readme
    for package in ("graphiql 4.1.2", "react 18.3.1", "react-dom 18.3.1", "@graphiql/plugin-explorer 4.0.6"):
        assert package in readme
    words = {
        "graphiql.txt": "Copyright (c) 2021 GraphQL Contributors",
        "react.txt": "Copyright (c) Facebook, Inc. and its affiliates.",
        "plugin-explorer.txt": "graphiql-explorer",
        "roboto.txt": "apache-2.0.txt",
        "fira-code.txt": "SIL OPEN FONT LICENSE Version 1.1",
        "apache-2.0.txt": "Apache License",
        "bundled.txt": "codemirror (MIT)",
    }
    assert {file.name for file in PUBLISHED.glob("licences/*")} == words.keys()
    for name, sentence in words.items():
        assert sentence in (PUBLISHED / "licences" / name).read_text()


def test_no_file_fetches_from_elsewhere() -> None:
    """Styles carry their fonts and pictures inside, and maps of sources lie beside, if anywhere."""
    for file in STATIC.rglob("*.css"):
        text = file.read_text()
        assert "@import" not in text
        assert {match[:5] for match in re.findall(r"url\(\s*[\"']?([^)]{5})", text)} <= {"data:"}
    for file in STATIC.rglob("*.js"):
        for url in re.findall(r"sourceMappingURL=(\S+)", file.read_text()):
            assert "/" not in url


# The examples


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_can_be_read_and_asked(name: str) -> None:
    """It begins with what it asks in plain words, in lines that fit; it is valid; it has the tab's name."""
    text = EXAMPLES[name]
    assert text.startswith("# ")
    comments = [line for line in text.splitlines() if line.startswith("#")]
    assert max(map(len, comments)) <= 52
    document = parse(text)
    assert validate(get_schema()._schema, document) == []
    operations = [part for part in document.definitions if isinstance(part, OperationDefinitionNode)]
    assert len(operations) == 1
    assert operations[0].name is not None


def test_there_is_a_handful_of_examples() -> None:
    """About eight, in their order, each with a name of its own."""
    titles = [re.findall(r"^query (\w+)", text, re.M)[0] for text in EXAMPLES.values()]
    assert titles[0] == "LatestInAsia"
    assert 6 <= len(set(titles)) == len(titles) <= 10


@pytest.mark.parametrize("name", EXAMPLES)
async def test_an_example_is_answered(demo_executor: Executor, name: str) -> None:
    """The demo newsroom answers it without an error, and has something to show."""
    response = await demo_executor.execute(GraphQLRequest(EXAMPLES[name]))
    answer = orjson.loads(response.body)
    assert (response.status, answer.keys()) == (200, {"data"}), answer
    for match in answer["data"].values():
        assert match
        assert match.get("nodes") != []


@pytest.mark.parametrize("name", STEPS)
def test_a_step_can_be_read_and_done(name: str) -> None:
    """It says what it does in lines that fit, is valid, and goes on from the article of the step before."""
    text = STEPS[name]
    assert text.startswith("# ")
    assert max(map(len, text.splitlines())) <= 54
    document = parse(text)
    assert validate(get_schema()._schema, document) == []
    operations = [part for part in document.definitions if isinstance(part, OperationDefinitionNode)]
    for operation in operations:
        assert operation.name is not None
        required = [
            v.variable.name.value for v in operation.variable_definitions or () if not v.default_value
        ]
        assert required in ([], ["article"])
        assert (
            not required or "# Variables, below: `article` is the id that\n# WriteAnArticle answered" in text
        )


def test_the_steps_go_on_where_the_examples_end() -> None:
    """One number after the other, in the order of the work."""
    numbers = [int(name.partition("-")[0]) for name in (*EXAMPLES, *STEPS)]
    assert numbers == list(range(1, 17))


async def test_the_steps_lead_from_a_draft_to_a_correction(database_url: str) -> None:
    """With a publisher's token, in the demo newsroom: each is done, and each sees what the others did."""
    await import_file(Database(database_url), DEMO_CONTENT)
    async with Database(database_url) as database:
        executor = build_executor(Settings(response_cache_bytes=0), database)
        article = None

        async def does(number: int, name: str, who: Viewer = PUBLISHER) -> Any:
            (text,) = (text for file, text in STEPS.items() if file.startswith(f"{number}-"))
            assert f" {name}" in text
            request = GraphQLRequest(text, name, {"article": article} if "$article" in text else {})
            payload = orjson.loads((await executor.execute(request, actor=Actor(who))).body)
            assert payload.keys() == {"data"}, payload
            (result,) = payload["data"].values()
            assert result.get("userErrors", []) == [], result
            return result

        article = (await does(9, "WriteAnArticle"))["article"]["id"]
        listed = await does(16, "DeskList")
        assert (listed["nodes"][0]["id"], listed["nodes"][0]["edNote"]) == (article, "Waiting for a picture.")
        assert (await does(16, "DeskList", ANONYMOUS_VIEWER))["nodes"] == []
        chain = (await does(10, "WhoSaidIt"))["attribution"]["chain"]
        assert [hop["source"]["name"] for hop in chain] == ["South Korean intelligence", "Sky News"]
        for name, status in (
            ("SendToReview", "IN_REVIEW"), ("SendBack", "DRAFT"), ("SendToReview", "IN_REVIEW"),
            ("Approve", "APPROVED"),
        ):  # fmt: skip
            assert (await does(11, name))["article"]["status"] == status
        assert (await does(12, "Schedule"))["article"]["publishedAt"] == "2035-01-01T06:00:00Z"
        assert (await does(12, "PublishNow"))["article"]["status"] == "PUBLISHED"
        corrected = await does(13, "Correct")
        assert corrected["correction"]["kind"] == "CORRECTION"
        assert "Only four or five coffins were shown." in corrected["article"]["body"]["text"]
        changed = (await does(14, "WhatChanged"))["revisions"]["nodes"]
        assert [one["action"] for one in changed[:2]] == ["CORRECTED", "PUBLISHED"]
        assert "body" in {one["field"].partition(".")[0] for one in changed[0]["diff"]}
        assert (await does(14, "BringBack"))["article"]["unpublishedChanges"]
        assert (await does(15, "PreviewLink"))["url"].startswith("/preview/cqlp_")


# The browser


@pytest.fixture(scope="module")
def newsroom(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of the database that the server makes."""
    return f"sqlite:///{tmp_path_factory.mktemp('graphiql') / 'newsroom.sqlite3'}"


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory, newsroom: str) -> Iterator[str]:
    """Where `contentql serve --demo` serves the demo newsroom."""
    folder, url = tmp_path_factory.mktemp("served"), newsroom
    port = free_port()
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "contentql", "serve", "--demo", "--port", str(port), "--database", url],
            stdout=log,
            stderr=log,
        )
        try:
            _await_port(server, port, folder / "log")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(20)


@pytest.fixture(scope="module")
async def token(origin: str, newsroom: str) -> str:
    """Of an editor."""
    async with Database(newsroom).orm():
        now = dt.datetime.now(dt.UTC)
        _, secret = await api_tokens.issue_token(
            name="Jane Doe", role=Role.EDITOR, created_by="tests", now=now
        )
    return secret


@pytest.fixture
async def reader(browser: str, origin: str) -> AsyncIterator[Page]:
    """A first-time user of GraphiQL; no action causes an error or an external request."""
    async with open_page(browser) as opened:
        await opened.open(f"{origin}/graphiql")
        # The schema is there when the editor marks no word as unknown and knows its types.
        await opened.until(f"{EDITOR}.getValue() !== '' && {EDITOR}.options.hintOptions.schema")
        yield opened
        assert opened.complaints == []
        assert opened.elsewhere(origin) == []


async def test_a_first_visit_shows_the_examples_and_answers_them(reader: Page) -> None:
    """Every example is a tab by its name; each is asked with the button and answered without an error."""
    titles = [re.findall(r"^query (\w+)", text, re.M)[0] for text in EXAMPLES.values()]
    assert await reader.read(TABS) == titles
    assert await reader.read(f"{EDITOR}.getValue()") == next(iter(EXAMPLES.values()))
    for number, title in enumerate(titles, 1):
        await reader.click(f".graphiql-tabs > :nth-child({number}) .graphiql-tab-button")
        # GraphiQL learns a moment after the text which operation the button asks.
        await reader.until(f"{EDITOR}.operationName === '{title}'")
        await reader.click(".graphiql-execute-button")
        await reader.until(f"{RESULT} !== ''")
        answer = orjson.loads(await reader.read(RESULT))
        assert answer.keys() == {"data"}, answer
        if title == "LatestInAsia":
            assert "Kim Jong-un" in answer["data"]["latestNews"]["nodes"][0]["headline"]
    # No example has an unknown word: the editor underlines none.
    assert await reader.read("document.querySelectorAll('.CodeMirror-lint-mark-error').length") == 0


async def test_the_documentation_explains_itself(reader: Page) -> None:
    """The schema's own sentences stand in the pane, from the root to an argument."""
    await reader.click('button[aria-label="Show Documentation Explorer"]')
    await reader.until("document.querySelector('.graphiql-doc-explorer-root-type')")
    await reader.click(".graphiql-doc-explorer-content a[href='#']")
    await reader.until(
        "document.querySelector('.graphiql-doc-explorer').innerText.includes('Root fields for reading.')"
    )
    text = await reader.read("document.querySelector('.graphiql-doc-explorer').innerText")
    assert "Newest articles of all sections, or of one section and its descendants." in text


async def test_the_editor_proposes_what_fits(reader: Page) -> None:
    """Ctrl-Space inside an article lists its fields, with what they mean."""
    await reader.click(".graphiql-query-editor .CodeMirror-lines")
    await reader.read(f"{EDITOR}.setValue('{{ latestNews {{ nodes {{ \\n\\n }} }} }}')")
    await reader.read(f"({EDITOR}.focus(), {EDITOR}.setCursor(1, 0))")
    await reader.write("head")
    await reader.press(" ", "Space", 32, ctrl=True)
    await reader.until("document.querySelector('.CodeMirror-hints .CodeMirror-hint')")
    proposed = await reader.read(
        "[...document.querySelectorAll('.CodeMirror-hints .CodeMirror-hint')].map(hint => hint.innerText)"
    )
    assert any(word.startswith("headline") for word in proposed)
    await reader.press("Enter", "Enter", 13)
    await reader.until(f"{EDITOR}.getLine(1) === 'headline'")


async def test_the_explorer_builds_a_question(reader: Page) -> None:
    """The third pane shows the schema as boxes to tick, those of the open question ticked."""
    await reader.click('button[aria-label="Show GraphiQL Explorer"]')
    await reader.until("document.querySelector('.graphiql-explorer-root')?.innerText.includes('latestNews')")


async def test_a_second_visit_brings_back_the_tabs_and_no_token(reader: Page, origin: str) -> None:
    """What was written stays in its tab; headers, which carry tokens, are not kept unless switched on."""
    tabs = await reader.read(TABS)
    await reader.read(f"{EDITOR}.setValue({EDITOR}.getValue().replace('first: 10', 'first: 37'))")
    await reader.click('button[data-name="headers"]')
    await reader.until("document.querySelector('.graphiql-editor-tool .graphiql-editor:not(.hidden)')")
    await reader.read(
        "[...document.querySelectorAll('.graphiql-editor-tool .CodeMirror')].pop()"
        """.CodeMirror.setValue('{"Authorization": "Bearer secret"}')"""
    )
    # GraphiQL keeps the text at once and its tabs half a second later: leaving in between makes one more tab.
    tab_state = "Object.entries(localStorage).find(([name]) => name.endsWith('tabState'))[1]"
    await reader.until(f"{tab_state}.includes('first: 37')")
    await reader.open(f"{origin}/graphiql/")
    await reader.until(f"{EDITOR}.getValue().includes('first: 37')")
    assert await reader.read(TABS) == tabs
    assert "secret" not in await reader.read("JSON.stringify(localStorage)")
    stored = await reader.read(
        "Object.entries(localStorage).find(([name]) => name.endsWith('PersistHeaders'))"
    )
    assert stored[1] == "false"


# The bar above GraphiQL

WHO = "document.getElementById('who').innerText"
STORED = "JSON.stringify(sessionStorage)"
PUBLIC_BADGE = "Public · What is published, and nothing else."
DRAFT = 'mutation Write { createArticle(input: {headline: "Not out yet"}) { article { id } } }'
DRAFTS = '{ articles(filter: {status: {eq: DRAFT}, headline: {eq: "Not out yet"}}) { totalCount } }'


async def wait_for_text(reader: Page, words: str) -> None:
    """Waits until the badge says so."""
    await reader.until(f"{WHO} === {orjson.dumps(words).decode()}")


async def use(reader: Page, token: str) -> None:
    await reader.click("#token")
    await reader.write(token)
    await reader.click("#bar button")


async def asks(reader: Page, query: str) -> Any:
    """What GraphiQL shows as the answer, written into the open tab and asked with the button."""
    await reader.read(f"{EDITOR}.setValue({orjson.dumps(query).decode()})")
    await reader.read("document.querySelector('.result-window .CodeMirror').CodeMirror.setValue('')")
    # The button asks what GraphiQL has heard of, a moment after it was written.
    name = query.split()[1] if query.startswith("mutation") else ""
    await reader.until(f"({EDITOR}.operationName ?? '') === '{name}'")
    await reader.click(".graphiql-execute-button")
    await reader.until(f"{RESULT} !== ''")
    return orjson.loads(await reader.read(RESULT))


async def test_a_token_shows_what_the_newsroom_sees(reader: Page, origin: str, token: str) -> None:
    """Pasted as copied from a header, it shows drafts; forgotten, it is gone, and so are they."""
    await wait_for_text(reader, PUBLIC_BADGE)
    assert (await asks(reader, DRAFT))["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    reader.complaints.clear()  # Chromium tells of every 401
    await use(reader, f"  Authorization: Bearer {token}\n")
    badge = "Jane Doe · Editor · All drafts and unpublished changes, with notes, revisions and suggestions."
    await wait_for_text(reader, badge)
    assert await reader.read("document.getElementById('token').value") == ""
    assert (await asks(reader, DRAFT))["data"]["createArticle"]["article"]["id"].startswith("art_")
    assert await asks(reader, DRAFTS) == {"data": {"articles": {"totalCount": 1}}}
    await reader.open(f"{origin}/graphiql/")  # another page of the same tab
    await wait_for_text(reader, badge)
    assert token in await reader.read(STORED)
    assert token not in await reader.read("JSON.stringify(localStorage) + location.href + document.cookie")
    await reader.click("#forget")
    await wait_for_text(reader, PUBLIC_BADGE)
    assert await reader.read(STORED) == "{}"
    assert await asks(reader, DRAFTS) == {"data": {"articles": {"totalCount": 0}}}
    assert not any(token in address for address in reader.requested_urls)


async def test_a_socket_is_opened_with_the_token(browser: str, origin: str, token: str) -> None:
    """Browsers send no headers of a page's own with a socket: the first message says it."""
    async with open_page(browser) as reader:  # GraphiQL complains of a refused subscription, as it may
        await reader.open(f"{origin}/graphiql")
        await reader.read(
            "window.sent = [], WebSocket.prototype.send = new Proxy(WebSocket.prototype.send,"
            " {apply: (send, socket, [text]) => { sent.push(text); return send.call(socket, text); }}), 0"
        )
        await use(reader, token)
        await reader.until(f"{WHO}.startsWith('Jane Doe')")
        await reader.read(f"{EDITOR}.setValue('subscription Later {{ nothing }}')")
        await reader.until(f"{EDITOR}.operationName === 'Later'")
        await reader.click(".graphiql-execute-button")
        await reader.until("sent.length > 0")
        fields = {"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}}
        assert orjson.loads(await reader.read("sent[0]")) == fields


async def test_a_refused_token_says_why(browser: str, origin: str) -> None:
    """In red, with what would help; GraphiQL opened with it learns the schema once it is forgotten."""
    async with open_page(browser) as reader:
        await reader.open(f"{origin}/graphiql")
        await use(reader, "cql_nonsense")
        why = "The token is not valid, has expired or was revoked. Ask your administrator for a new token."
        await wait_for_text(reader, why)
        assert await reader.read("document.getElementById('who').className") == "refused"
        await reader.open(f"{origin}/graphiql/")
        await wait_for_text(reader, why)
        await reader.until(f"{EDITOR}.getValue() !== ''")
        assert not await reader.read(f"Boolean({EDITOR}.options.hintOptions.schema)")
        await reader.click("#forget")
        await wait_for_text(reader, PUBLIC_BADGE)
        assert await reader.read("document.getElementById('who').className") == ""
        await reader.until(f"{EDITOR}.options.hintOptions.schema")
        assert all("401 (Unauthorized)" in complaint for complaint in reader.complaints)
        assert reader.elsewhere(origin) == []


async def test_one_looks_as_at_a_moment(reader: Page, token: str) -> None:
    """Chosen in local time, sent with every request in UTC; only with a token, which it goes with."""
    box = "document.getElementById('as-of')"
    assert await reader.read(f"{box}.disabled")
    await use(reader, token)
    await reader.until(f"{WHO}.startsWith('Jane Doe')")
    out = "{ articles(filter: {status: {eq: PUBLISHED}}) { totalCount } }"
    assert (await asks(reader, out))["data"]["articles"]["totalCount"] > 20
    await reader.read(f"({box}.value = '1901-02-03T04:05', {box}.dispatchEvent(new Event('change')))")
    assert (await asks(reader, out))["data"]["articles"]["totalCount"] == 0
    await reader.click("#forget")
    await wait_for_text(reader, PUBLIC_BADGE)
    assert await reader.read(f"{box}.value") == ""


async def test_a_step_opens_from_the_menu_and_does_nothing_yet(reader: Page, token: str) -> None:
    """In a tab of its own, once; the step after it is about the article that it made."""
    tabs = await reader.read(TABS)
    await use(reader, token)
    await reader.until(f"{WHO}.startsWith('Jane Doe')")
    for _ in range(2):
        await reader.click("#examples summary")
        await reader.click("#examples button[value^='9-']")
        await reader.until(f"{EDITOR}.operationName === 'WriteAnArticle'")
        assert await reader.read(TABS) == [*tabs, "WriteAnArticle"]
    assert not await reader.read("document.getElementById('examples').open")
    assert await reader.read(RESULT) == ""
    await reader.click(".graphiql-execute-button")
    await reader.until(f"{RESULT} !== ''")
    payload = orjson.loads(await reader.read(RESULT))["data"]["createArticle"]["article"]["id"]
    await reader.click("#examples summary")
    await reader.click("#examples button[value^='10-']")
    await reader.until(f"{EDITOR}.operationName === 'WhoSaidIt'")
    variables = "document.querySelector('.graphiql-editor-tool .CodeMirror').CodeMirror.getValue()"
    assert orjson.loads(await reader.read(variables)) == {"article": payload}
    assert await reader.read("document.querySelectorAll('.CodeMirror-lint-mark-error').length") == 0


async def test_the_bar_is_for_everybody(reader: Page) -> None:
    """What can be filled in has a name, the badge is read out, and a phone has room for it."""
    named = await reader.read(
        "[...document.querySelectorAll('#bar input')].map(input => input.labels[0].innerText.trim())"
    )
    assert named == ["Token", "As of"]
    assert await reader.read("document.getElementById('who').ariaLive") == "polite"
    await reader.resize(375, 700)
    assert await reader.read("document.documentElement.scrollWidth") == 375
    boxes = await reader.read(
        "[...document.querySelectorAll('#bar input, #bar button, #bar summary, #who')]"
        ".filter(part => part.checkVisibility()).map(part => part.getBoundingClientRect())"
        ".map(box => [box.left, box.right])"
    )
    assert len(boxes) == 6
    assert all(0 <= left < right <= 375 for left, right in boxes)
    widths = await reader.read("[...document.querySelectorAll('#bar input')].map(box => box.offsetWidth)")
    assert min(widths) > 120
    await reader.click("#examples summary")
    await reader.press("Escape", "Escape", 27)
    assert not await reader.read("document.getElementById('examples').open")


async def test_the_policy_keeps_everything_here(browser: str, origin: str) -> None:
    """Script put into the page, a picture and a request from elsewhere are stopped, and each is heard of."""
    async with open_page(browser) as opened:
        await opened.open(f"{origin}/graphiql")
        await opened.read(
            "fetch('https://elsewhere.example/').catch(() => 0),"
            " new Image().src = 'https://elsewhere.example/picture.png',"
            " document.body.appendChild(document.createElement('script')).append('window.ran = true')"
        )
        await opened.until("new Promise(done => setTimeout(done, 300, true))")
        assert await opened.read("window.ran") is None
        heard = " ".join(opened.complaints)
        assert all(rule in heard for rule in ("connect-src", "img-src", "script-src"))


def _await_port(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"the server does not serve: {log.read_text()}")
