"""GraphiQL: offline use, example queries and authentication."""

from __future__ import annotations

import hashlib
import re
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
from tests.support.graphiql import (
    BADGE_TEXT_JS,
    EDITOR_JS,
    PUBLIC_BADGE,
    RESULT_JS,
    SESSION_STORAGE_JS,
    TAB_TITLES_JS,
    enter_token,
    run_in_editor,
    wait_for_badge,
)

from contentql.app import build_executor
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
VENDORED_FILES = STATIC / GRAPHIQL_VERSION
EXAMPLES = query_examples()
EDITORIAL_EXAMPLES = editorial_examples()
PUBLISHER = Viewer("Jane Doe", Role.PUBLISHER, "jane", ROLE_PERMISSIONS[Role.PUBLISHER])


@pytest.fixture
def client() -> TestClient:
    return TestClient(Starlette(routes=graphiql_routes()), headers={"accept-encoding": "identity"})


class PageContents(HTMLParser):
    """The URLs that a page refers to, and its inline scripts and styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.urls: list[str] = []
        self.inline: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("src", "href") and value and not value.startswith("data:"):
                self.urls.append(value)
            if name.startswith("on") or name == "style":
                self.inline.append(f"{tag} {name}")
        if tag == "style" or (tag == "script" and "src" not in dict(attrs)):
            self.inline.append(tag)


# The page and its files


@pytest.mark.parametrize("path", ["/graphiql", "/graphiql/", "/cms/graphiql", "/cms/graphiql/"])
def test_page_refers_to_its_files_by_relative_urls(path: str) -> None:
    """The page and its files are served with and without a slash, and below a prefix, without redirects."""
    client = TestClient(Starlette(routes=[*graphiql_routes(), Mount("/cms", routes=graphiql_routes())]))
    response = client.get(path, follow_redirects=False)
    assert response.status_code == 200
    urls = PageContents(response.text).urls
    assert len(urls) == 9
    for url in urls:
        assert not re.match(r"[a-z]+:|/", url), "the URL must be relative"
        assert client.get(urljoin(path, url), follow_redirects=False).status_code == 200


def test_page_has_no_inline_scripts(client: TestClient) -> None:
    """The security policy forbids them; examples are template elements, which do not run."""
    response = client.get("/graphiql")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert PageContents(response.text).inline == []
    assert response.text.count('<template class="example"') == len(EXAMPLES) + len(EDITORIAL_EXAMPLES)
    assert response.text.count(" data-tab>") == len(EXAMPLES)


@pytest.mark.parametrize(
    "path", ["/graphiql", "/graphiql/", "/graphiql/static/start.js", "/graphiql/static/nothing.js"]
)
def test_responses_have_security_headers(client: TestClient, path: str) -> None:
    """Own scripts only, no frames, no guessing of media types and no referrer."""
    response = client.get(path)
    assert GRAPHIQL_HEADERS.items() <= dict(response.headers).items()
    policy = dict(part.split(" ", 1) for part in response.headers["content-security-policy"].split("; "))
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
    ("path", "media_type", "caching"),
    [
        ("/graphiql", "text/html", "no-cache"),
        ("/graphiql/static/start.js", "text/javascript", "no-cache"),
        ("/graphiql/static/style.css", "text/css", "no-cache"),
        (f"/graphiql/static/{GRAPHIQL_VERSION}/graphiql.min.js", "text/javascript", "immutable"),
        (f"/graphiql/static/{GRAPHIQL_VERSION}/graphiql.min.css", "text/css", "immutable"),
        (f"/graphiql/static/{GRAPHIQL_VERSION}/licences/react.txt", "text/plain", "immutable"),
    ],
)
def test_versioned_files_are_immutable_and_others_revalidated(
    client: TestClient, path: str, media_type: str, caching: str
) -> None:
    """A matching If-None-Match is 304, for each encoding."""
    plain = client.get(path)
    assert plain.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert caching in plain.headers["cache-control"]
    assert plain.headers["vary"] == "Accept-Encoding"
    compressed = client.get(path, headers={"accept-encoding": "gzip, br"})
    assert compressed.headers["content-encoding"] == "gzip"
    assert compressed.content == plain.content
    assert compressed.headers["etag"] != plain.headers["etag"]
    for response, encoding in ((plain, "identity"), (compressed, "gzip")):
        again = client.get(
            path,
            headers={"if-none-match": f'"x", W/{response.headers["etag"]}', "accept-encoding": encoding},
        )
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == response.headers["etag"]
    head = client.head(path)
    assert head.headers["content-length"] == plain.headers["content-length"]
    assert client.post(path).status_code == 405


@pytest.mark.parametrize(
    "path",
    ["", "/", "4.1.2", "4.1.2/", "../graphiql.py", "%2e%2e/%2e%2e/graphiql.py", "..%2fgraphql.py",
     "/etc/passwd", "%2fetc%2fpasswd", "4.1.2\\README.md"],
)  # fmt: skip
def test_only_static_files_are_served(client: TestClient, path: str) -> None:
    """No folder and no file outside, in any spelling of the path."""
    assert client.get(f"/graphiql/static/{path}", follow_redirects=False).status_code == 404


# Vendored files


def test_vendored_files_match_their_checksums() -> None:
    """SHA256SUMS lists every script, style and licence."""
    lines = (VENDORED_FILES / "SHA256SUMS").read_text().splitlines()
    sums = {name: digest for digest, name in (line.split("  ") for line in lines)}
    files = {
        str(file.relative_to(VENDORED_FILES).as_posix())
        for file in VENDORED_FILES.rglob("*")
        if file.is_file()
    }
    assert files - {"README.md", "SHA256SUMS"} == sums.keys()
    assert {name: hashlib.sha256((VENDORED_FILES / name).read_bytes()).hexdigest() for name in sums} == sums


def test_vendored_packages_have_their_licences() -> None:
    """The README lists each file with package, version and licence."""
    readme = (VENDORED_FILES / "README.md").read_text()
    for file in (
        *VENDORED_FILES.glob("*.js"),
        *VENDORED_FILES.glob("*.css"),
        *VENDORED_FILES.glob("licences/*"),
    ):
        if file.name != "apache-2.0.txt":  # named by the licences it belongs to
            assert file.name in readme
    for package in ("graphiql 4.1.2", "react 18.3.1", "react-dom 18.3.1", "@graphiql/plugin-explorer 4.0.6"):
        assert package in readme
    sentences = {
        "graphiql.txt": "Copyright (c) 2021 GraphQL Contributors",
        "react.txt": "Copyright (c) Facebook, Inc. and its affiliates.",
        "plugin-explorer.txt": "graphiql-explorer",
        "roboto.txt": "apache-2.0.txt",
        "fira-code.txt": "SIL OPEN FONT LICENSE Version 1.1",
        "apache-2.0.txt": "Apache License",
        "bundled.txt": "codemirror (MIT)",
    }
    assert {file.name for file in VENDORED_FILES.glob("licences/*")} == sentences.keys()
    for name, sentence in sentences.items():
        assert sentence in (VENDORED_FILES / "licences" / name).read_text()


def test_static_files_load_no_external_files() -> None:
    """Styles embed fonts and pictures, and source maps are relative."""
    for file in STATIC.rglob("*.css"):
        text = file.read_text()
        assert "@import" not in text
        assert {match[:5] for match in re.findall(r"url\(\s*[\"']?([^)]{5})", text)} <= {"data:"}
    for file in STATIC.rglob("*.js"):
        for url in re.findall(r"sourceMappingURL=(\S+)", file.read_text()):
            assert "/" not in url


# Examples


@pytest.mark.parametrize("name", EXAMPLES)
def test_query_examples_are_valid_and_commented(name: str) -> None:
    """An example begins with a comment in lines that fit, and has one named operation."""
    text = EXAMPLES[name]
    assert text.startswith("# ")
    comments = [line for line in text.splitlines() if line.startswith("#")]
    assert max(map(len, comments)) <= 52
    document = parse(text)
    assert validate(get_schema()._schema, document) == []
    operations = [part for part in document.definitions if isinstance(part, OperationDefinitionNode)]
    assert len(operations) == 1
    assert operations[0].name is not None


def test_query_examples_have_unique_names() -> None:
    """There are six to ten, in a fixed order."""
    titles = [re.findall(r"^query (\w+)", text, re.M)[0] for text in EXAMPLES.values()]
    assert titles[0] == "LatestInAsia"
    assert 6 <= len(set(titles)) == len(titles) <= 10


@pytest.mark.parametrize("name", EXAMPLES)
async def test_query_examples_return_data_of_the_demo_newsroom(demo_executor: Executor, name: str) -> None:
    """Each returns at least one object and no error."""
    response = await demo_executor.execute(GraphQLRequest(EXAMPLES[name]))
    body = orjson.loads(response.body)
    assert (response.status, body.keys()) == (200, {"data"}), body
    for value in body["data"].values():
        assert value
        assert value.get("nodes") != []


@pytest.mark.parametrize("name", EDITORIAL_EXAMPLES)
def test_editorial_examples_are_valid_and_commented(name: str) -> None:
    """Lines fit, and the only required variable is the article of the first example."""
    text = EDITORIAL_EXAMPLES[name]
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


def test_examples_are_numbered_consecutively() -> None:
    """The editorial examples continue the numbers of the query examples."""
    numbers = [int(name.partition("-")[0]) for name in (*EXAMPLES, *EDITORIAL_EXAMPLES)]
    assert numbers == list(range(1, 18))


async def test_editorial_examples_run_in_order(database_url: str) -> None:
    """With a token of a publisher in the demo newsroom, from a draft to a correction."""
    await import_file(Database(database_url), DEMO_CONTENT)
    async with Database(database_url) as database:
        executor = build_executor(Settings(response_cache_bytes=0), database)
        article = None

        async def run(number: int, name: str, viewer: Viewer = PUBLISHER) -> Any:
            (text,) = (text for file, text in EDITORIAL_EXAMPLES.items() if file.startswith(f"{number}-"))
            assert f" {name}" in text
            request = GraphQLRequest(text, name, {"article": article} if "$article" in text else {})
            payload = orjson.loads((await executor.execute(request, actor=Actor(viewer))).body)
            assert payload.keys() == {"data"}, payload
            (result,) = payload["data"].values()
            assert result.get("userErrors", []) == [], result
            return result

        article = (await run(9, "WriteAnArticle"))["article"]["id"]
        desk_list = await run(16, "DeskList")
        assert (desk_list["nodes"][0]["id"], desk_list["nodes"][0]["edNote"]) == (
            article,
            "Waiting for a picture.",
        )
        assert (await run(16, "DeskList", ANONYMOUS_VIEWER))["nodes"] == []
        chain = (await run(10, "WhoSaidIt"))["attribution"]["chain"]
        assert [hop["source"]["name"] for hop in chain] == ["South Korean intelligence", "Sky News"]
        for name, status in (
            ("SendToReview", "IN_REVIEW"), ("SendBack", "DRAFT"), ("SendToReview", "IN_REVIEW"),
            ("Approve", "APPROVED"),
        ):  # fmt: skip
            assert (await run(11, name))["article"]["status"] == status
        assert (await run(12, "Schedule"))["article"]["publishedAt"] == "2035-01-01T06:00:00Z"
        assert (await run(12, "PublishNow"))["article"]["status"] == "PUBLISHED"
        corrected = await run(13, "Correct")
        assert corrected["correction"]["kind"] == "CORRECTION"
        assert "Only four or five coffins were shown." in corrected["article"]["body"]["text"]
        revisions = (await run(14, "WhatChanged"))["revisions"]["nodes"]
        assert [item["action"] for item in revisions[:2]] == ["CORRECTED", "PUBLISHED"]
        assert "body" in {item["field"].partition(".")[0] for item in revisions[0]["diff"]}
        assert (await run(14, "BringBack"))["article"]["unpublishedChanges"]
        assert (await run(15, "PreviewLink"))["url"].startswith("/preview/cqlp_")
        entry = (await run(17, "LiveBlog"))["liveEntry"]
        assert (entry["version"], "<strong>first</strong>" in entry["html"]) == (1, True)


# Browser


async def test_first_visit_shows_the_examples_as_tabs(page: Page) -> None:
    """Each tab has the name of its operation and runs without an error."""
    titles = [re.findall(r"^query (\w+)", text, re.M)[0] for text in EXAMPLES.values()]
    assert await page.evaluate(TAB_TITLES_JS) == titles
    assert await page.evaluate(f"{EDITOR_JS}.getValue()") == next(iter(EXAMPLES.values()))
    for number, title in enumerate(titles, 1):
        await page.click(f".graphiql-tabs > :nth-child({number}) .graphiql-tab-button")
        # GraphiQL selects the operation of the button a moment after the text changes.
        await page.wait_for(f"{EDITOR_JS}.operationName === '{title}'")
        await page.click(".graphiql-execute-button")
        await page.wait_for(f"{RESULT_JS} !== ''")
        response = orjson.loads(await page.evaluate(RESULT_JS))
        assert response.keys() == {"data"}, response
        if title == "LatestInAsia":
            assert "Kim Jong-un" in response["data"]["latestNews"]["nodes"][0]["headline"]
    # The editor underlines no unknown word.
    assert await page.evaluate("document.querySelectorAll('.CodeMirror-lint-mark-error').length") == 0


async def test_documentation_pane_shows_the_schema_descriptions(page: Page) -> None:
    """From the root type to a field."""
    await page.click('button[aria-label="Show Documentation Explorer"]')
    await page.wait_for("document.querySelector('.graphiql-doc-explorer-root-type')")
    await page.click(".graphiql-doc-explorer-content a[href='#']")
    await page.wait_for(
        "document.querySelector('.graphiql-doc-explorer').innerText.includes('Root fields for reading.')"
    )
    text = await page.evaluate("document.querySelector('.graphiql-doc-explorer').innerText")
    assert "Newest articles of all sections, or of one section and its descendants." in text


async def test_editor_completes_field_names(page: Page) -> None:
    """Ctrl-Space inside an article lists its fields."""
    await page.click(".graphiql-query-editor .CodeMirror-lines")
    await page.evaluate(f"{EDITOR_JS}.setValue('{{ latestNews {{ nodes {{ \\n\\n }} }} }}')")
    await page.evaluate(f"({EDITOR_JS}.focus(), {EDITOR_JS}.setCursor(1, 0))")
    await page.type_text("head")
    await page.press(" ", "Space", 32, ctrl=True)
    await page.wait_for("document.querySelector('.CodeMirror-hints .CodeMirror-hint')")
    hints = await page.evaluate(
        "[...document.querySelectorAll('.CodeMirror-hints .CodeMirror-hint')].map(hint => hint.innerText)"
    )
    assert any(word.startswith("headline") for word in hints)
    await page.press("Enter", "Enter", 13)
    await page.wait_for(f"{EDITOR_JS}.getLine(1) === 'headline'")


async def test_explorer_shows_the_fields_of_the_schema(page: Page) -> None:
    await page.click('button[aria-label="Show GraphiQL Explorer"]')
    await page.wait_for("document.querySelector('.graphiql-explorer-root')?.innerText.includes('latestNews')")


async def test_second_visit_restores_tabs_but_no_headers(page: Page, server_url: str) -> None:
    """Headers contain tokens and are stored only when the user enables it."""
    tabs = await page.evaluate(TAB_TITLES_JS)
    await page.evaluate(f"{EDITOR_JS}.setValue({EDITOR_JS}.getValue().replace('first: 10', 'first: 37'))")
    await page.click('button[data-name="headers"]')
    await page.wait_for("document.querySelector('.graphiql-editor-tool .graphiql-editor:not(.hidden)')")
    await page.evaluate(
        "[...document.querySelectorAll('.graphiql-editor-tool .CodeMirror')].pop()"
        """.CodeMirror.setValue('{"Authorization": "Bearer secret"}')"""
    )
    # GraphiQL stores the text at once and the tabs half a second later; leaving in between adds a tab.
    tab_state = "Object.entries(localStorage).find(([name]) => name.endsWith('tabState'))[1]"
    await page.wait_for(f"{tab_state}.includes('first: 37')")
    await page.open(f"{server_url}/graphiql/")
    await page.wait_for(f"{EDITOR_JS}.getValue().includes('first: 37')")
    assert await page.evaluate(TAB_TITLES_JS) == tabs
    assert "secret" not in await page.evaluate("JSON.stringify(localStorage)")
    stored = await page.evaluate(
        "Object.entries(localStorage).find(([name]) => name.endsWith('PersistHeaders'))"
    )
    assert stored[1] == "false"


# The bar above GraphiQL

CREATE_DRAFT = 'mutation Write { createArticle(input: {headline: "Not out yet"}) { article { id } } }'
COUNT_DRAFTS = '{ articles(filter: {status: {eq: DRAFT}, headline: {eq: "Not out yet"}}) { totalCount } }'


async def test_token_shows_drafts_until_it_is_removed(page: Page, server_url: str, token: str) -> None:
    """A token is accepted with its header name, and is stored only for the tab."""
    await wait_for_badge(page, PUBLIC_BADGE)
    assert (await run_in_editor(page, CREATE_DRAFT))["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    page.console_errors.clear()  # Chromium logs every 401
    await enter_token(page, f"  Authorization: Bearer {token}\n")
    badge = "Jane Doe · Editor · All drafts and unpublished changes, with notes, revisions and suggestions."
    await wait_for_badge(page, badge)
    assert await page.evaluate("document.getElementById('token').value") == ""
    assert (await run_in_editor(page, CREATE_DRAFT))["data"]["createArticle"]["article"]["id"].startswith(
        "art_"
    )
    assert await run_in_editor(page, COUNT_DRAFTS) == {"data": {"articles": {"totalCount": 1}}}
    await page.open(f"{server_url}/graphiql/")  # another page of the same tab
    await wait_for_badge(page, badge)
    assert token in await page.evaluate(SESSION_STORAGE_JS)
    assert token not in await page.evaluate("JSON.stringify(localStorage) + location.href + document.cookie")
    await page.click("#forget")
    await wait_for_badge(page, PUBLIC_BADGE)
    assert await page.evaluate(SESSION_STORAGE_JS) == "{}"
    assert await run_in_editor(page, COUNT_DRAFTS) == {"data": {"articles": {"totalCount": 0}}}
    assert not any(token in url for url in page.requested_urls)


PASTE_JS = """((html, text) => {
  const data = new DataTransfer()
  data.setData("text/html", html)
  data.setData("text/plain", text)
  const options = {clipboardData: data, bubbles: true, cancelable: true}
  document.querySelector(".query-editor textarea, .graphiql-editor textarea")
    .dispatchEvent(new ClipboardEvent("paste", options))
})"""


async def test_html_is_pasted_into_the_value_of_html(page: Page, token: str) -> None:
    """As a string, also with quotation marks and line ends; elsewhere the text is pasted."""
    html = "<meta charset='utf-8'>\n<p class=MsoNormal>He said \"<b>no</b>\".\\</p>\r\n<!--EndFragment-->"
    await enter_token(page, token)
    mutation = 'mutation Paste { createArticle(input: {headline: "x", validateOnly: true, body: {html: ""}})'
    query = mutation + " { article { body { markdown } } userErrors { message } } }"
    await page.evaluate(f"{EDITOR_JS}.setValue({orjson.dumps(query).decode()})")
    await page.evaluate(f"{EDITOR_JS}.focus()")
    place = mutation.index('""') + 1
    await page.evaluate(f"{EDITOR_JS}.setCursor({{line: 0, ch: {place}}})")
    await page.evaluate(f"{PASTE_JS}({orjson.dumps(html).decode()}, 'He said no')")
    pasted = await page.evaluate(f"{EDITOR_JS}.getValue()")
    assert pasted == query.replace('html: ""', f"html: {orjson.dumps(html).decode()}")
    payload = (await run_in_editor(page, pasted))["data"]["createArticle"]
    assert payload["article"]["body"]["markdown"] == 'He said "**no**".\\\\'
    await page.evaluate(f"{EDITOR_JS}.setValue('# ')")
    await page.evaluate(f"{EDITOR_JS}.setCursor({{line: 0, ch: 2}})")
    await page.evaluate(f"{PASTE_JS}({orjson.dumps(html).decode()}, 'He said no')")
    assert "meta" not in await page.evaluate(f"{EDITOR_JS}.getValue()")


async def test_websocket_sends_the_token_in_connection_init(
    browser: str, server_url: str, token: str
) -> None:
    """Browsers cannot send headers with a WebSocket."""
    async with open_page(browser) as page:  # GraphiQL logs the rejected subscription
        await page.open(f"{server_url}/graphiql")
        await page.evaluate(
            "window.sent = [], WebSocket.prototype.send = new Proxy(WebSocket.prototype.send,"
            " {apply: (send, socket, [text]) => { sent.push(text); return send.call(socket, text); }}), 0"
        )
        await enter_token(page, token)
        await page.wait_for(f"{BADGE_TEXT_JS}.startsWith('Jane Doe')")
        await page.evaluate(f"{EDITOR_JS}.setValue('subscription Later {{ nothing }}')")
        await page.wait_for(f"{EDITOR_JS}.operationName === 'Later'")
        await page.click(".graphiql-execute-button")
        await page.wait_for("sent.length > 0")
        fields = {"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}}
        assert orjson.loads(await page.evaluate("sent[0]")) == fields


async def test_rejected_token_shows_the_error(browser: str, server_url: str) -> None:
    """The badge shows the message in red; the schema is loaded once the token is removed."""
    async with open_page(browser) as page:
        await page.open(f"{server_url}/graphiql")
        await enter_token(page, "cql_nonsense")
        message = (
            "The token is not valid, has expired or was revoked. Ask your administrator for a new token."
        )
        await wait_for_badge(page, message)
        assert await page.evaluate("document.getElementById('who').className") == "refused"
        await page.open(f"{server_url}/graphiql/")
        await wait_for_badge(page, message)
        await page.wait_for(f"{EDITOR_JS}.getValue() !== ''")
        assert not await page.evaluate(f"Boolean({EDITOR_JS}.options.hintOptions.schema)")
        await page.click("#forget")
        await wait_for_badge(page, PUBLIC_BADGE)
        assert await page.evaluate("document.getElementById('who').className") == ""
        await page.wait_for(f"{EDITOR_JS}.options.hintOptions.schema")
        assert all("401 (Unauthorized)" in error for error in page.console_errors)
        assert page.external_requests(server_url) == []


async def test_preview_time_is_sent_with_every_request(page: Page, token: str) -> None:
    """It is entered in local time, sent in UTC, and available only with a token."""
    box = "document.getElementById('as-of')"
    assert await page.evaluate(f"{box}.disabled")
    await enter_token(page, token)
    await page.wait_for(f"{BADGE_TEXT_JS}.startsWith('Jane Doe')")
    count_published = "{ articles(filter: {status: {eq: PUBLISHED}}) { totalCount } }"
    assert (await run_in_editor(page, count_published))["data"]["articles"]["totalCount"] > 20
    await page.evaluate(f"({box}.value = '1901-02-03T04:05', {box}.dispatchEvent(new Event('change')))")
    assert (await run_in_editor(page, count_published))["data"]["articles"]["totalCount"] == 0
    await page.click("#forget")
    await wait_for_badge(page, PUBLIC_BADGE)
    assert await page.evaluate(f"{box}.value") == ""


async def test_menu_opens_editorial_examples_without_running_them(page: Page, token: str) -> None:
    """Each opens in one tab, with the article of the first example in its variables."""
    tabs = await page.evaluate(TAB_TITLES_JS)
    await enter_token(page, token)
    await page.wait_for(f"{BADGE_TEXT_JS}.startsWith('Jane Doe')")
    for _ in range(2):
        await page.click("#examples summary")
        await page.click("#examples button[value^='9-']")
        await page.wait_for(f"{EDITOR_JS}.operationName === 'WriteAnArticle'")
        assert await page.evaluate(TAB_TITLES_JS) == [*tabs, "WriteAnArticle"]
    assert not await page.evaluate("document.getElementById('examples').open")
    assert await page.evaluate(RESULT_JS) == ""
    await page.click(".graphiql-execute-button")
    await page.wait_for(f"{RESULT_JS} !== ''")
    article_id = orjson.loads(await page.evaluate(RESULT_JS))["data"]["createArticle"]["article"]["id"]
    await page.click("#examples summary")
    await page.click("#examples button[value^='10-']")
    await page.wait_for(f"{EDITOR_JS}.operationName === 'WhoSaidIt'")
    variables = "document.querySelector('.graphiql-editor-tool .CodeMirror').CodeMirror.getValue()"
    assert orjson.loads(await page.evaluate(variables)) == {"article": article_id}
    assert await page.evaluate("document.querySelectorAll('.CodeMirror-lint-mark-error').length") == 0


async def test_bar_is_accessible(page: Page) -> None:
    """Inputs have labels, and the badge is a live region."""
    labels = await page.evaluate(
        "[...document.querySelectorAll('#bar input')].map(input => input.labels[0].innerText.trim())"
    )
    assert labels == ["Token", "As of"]
    assert await page.evaluate("document.getElementById('who').ariaLive") == "polite"
    await page.click("#examples summary")
    await page.press("Escape", "Escape", 27)
    assert not await page.evaluate("document.getElementById('examples').open")


async def test_security_policy_blocks_external_content(browser: str, server_url: str) -> None:
    """Inline scripts, external pictures and external requests are blocked and logged."""
    async with open_page(browser) as page:
        await page.open(f"{server_url}/graphiql")
        await page.evaluate(
            "fetch('https://elsewhere.example/').catch(() => 0),"
            " new Image().src = 'https://elsewhere.example/picture.png',"
            " document.body.appendChild(document.createElement('script')).append('window.ran = true')"
        )
        await page.wait_for("new Promise(done => setTimeout(done, 300, true))")
        assert await page.evaluate("window.ran") is None
        violations = " ".join(page.console_errors)
        assert all(rule in violations for rule in ("connect-src", "img-src", "script-src"))
