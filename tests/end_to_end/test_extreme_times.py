"""The first and the last years of RFC 3339, over HTTP on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from tests.cli.test_serving import TIMEOUT_SECONDS, RunningServer, running_server
from tests.conftest import NOW, Server
from tests.support.editorial_client import mutation_document
from typer.testing import CliRunner

from contentql.auth import api_tokens
from contentql.auth.permissions import Role
from contentql.cli import app
from contentql.store.database import Database

pytestmark = pytest.mark.slow

FIRST, EARLY, LAST = "0001-01-01T00:00:00Z", "0999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"
# Other spellings of the first and the last second; beyond them there are no times of RFC 3339 in UTC.
SAME = {
    FIRST: ["0001-01-01T00:00:00.000Z", "0001-01-01T09:00:00+09:00", "0001-01-01 00:00z"],
    LAST: ["9999-12-31T12:59:59-11:00", "9999-12-31t23:59:59.0Z"],
}
BEYOND = [
    "0001-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59-00:01",
    "0000-12-31T23:59:59Z",
    "10000-01-01T00:00:00Z",
]


class Newsroom:
    """A server with an article published in each of the first years."""

    def __init__(self, url: str, running: RunningServer, token: str) -> None:
        self.url = url
        self.http = httpx2.AsyncClient(
            base_url=running.url, timeout=TIMEOUT_SECONDS, headers={"authorization": f"Bearer {token}"}
        )
        self.ids: dict[str, str] = {}

    async def query(self, query: str, headers: dict[str, str] | None = None, /, **variables: Any) -> Any:
        body = {"query": query, "variables": variables}
        response = await self.http.post("/graphql", json=body, headers=headers)
        assert response.status_code == 200, response.text
        assert "errors" not in response.json(), response.text
        return response.json()["data"]

    async def error_code(self, query: str, **variables: Any) -> str:
        response = await self.http.post("/graphql", json={"query": query, "variables": variables})
        assert response.status_code == 422, response.text
        return str(response.json()["errors"][0]["extensions"]["code"])

    async def mutate(self, mutation: str, selection: str, **input: Any) -> Any:
        payload = (await self.query(mutation_document(mutation, selection), input=input))[mutation]
        assert payload.pop("userErrors") == [], payload
        return next(iter(payload.values()))

    async def approve(self, id: str) -> None:
        for step in ("submitArticle", "approveArticle"):
            await self.mutate(step, "article { id }", id=id)

    async def publish(self, at: str, **input: Any) -> str:
        draft = await self.mutate(
            "createArticle",
            "article { id }",
            headline=f"News of {at[:4]}",
            category="world",
            body={"markdown": "Text."},
            **input,
        )
        await self.approve(draft["id"])
        fields = "article { publishedAt firstPublishedAt updatedAt }"
        article = await self.mutate("publishArticle", fields, id=draft["id"], publishedAt=at)
        assert article["publishedAt"] == at
        assert article["firstPublishedAt"] == at
        return str(draft["id"])


@pytest.fixture(scope="module")
async def newsroom(server: Server, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    """On PostgreSQL with a time zone in which the first second is of the year before."""
    url = await server.copy(await server.demo())
    if server.dialect == "postgres":
        await server.run(f"ALTER DATABASE \"{urlsplit(url).path[1:]}\" SET timezone = 'America/New_York'")
    database = Database(url)
    async with database.orm():
        _, token = await api_tokens.issue_token(name="Root", role=Role.ADMIN, created_by="tests", now=NOW)
    async with running_server(tmp_path_factory.mktemp("running"), url) as running:
        result = Newsroom(url, running, token)
        async with result.http:
            for at in (FIRST, EARLY):
                result.ids[at] = await result.publish(at)
            yield result
    await server.drop(url)


PUBLISHED = """query($f: ArticleFilter, $o: [ArticleOrder!], $n: Int, $after: String) {
  articles(filter: $f, orderBy: $o, first: $n, after: $after) {
    nodes { publishedAt firstPublishedAt updatedAt } pageInfo { endCursor } } }"""


async def publication_times(newsroom: Newsroom, **filter: Any) -> list[str]:
    page = await newsroom.query(PUBLISHED, f={"publishedAt": filter}, n=5, o="PUBLISHED_AT_ASC")
    return [node["publishedAt"] for node in page["articles"]["nodes"]]


async def test_times_are_written_with_four_digits_of_year(newsroom: Newsroom) -> None:
    """In lists, by id, in the preview page and in the record of changes."""
    page = await newsroom.query(PUBLISHED, f=None, n=3, o="PUBLISHED_AT_ASC")
    nodes = page["articles"]["nodes"]
    assert [node["publishedAt"] for node in nodes[:2]] == [FIRST, EARLY]
    assert [node["firstPublishedAt"] for node in nodes[:2]] == [FIRST, EARLY]
    link = await newsroom.mutate("createPreviewLink", "url", id=newsroom.ids[FIRST])
    assert (await newsroom.http.get(link)).status_code == 200


@pytest.mark.parametrize("at", [FIRST, LAST])
async def test_any_spelling_of_a_time_is_the_same_time(newsroom: Newsroom, at: str) -> None:
    """As a variable and in the document."""
    expected = [FIRST] if at == FIRST else []
    for text in (at, *SAME[at]):
        assert await publication_times(newsroom, eq=text) == expected
        assert await publication_times(newsroom, **{"in": [text]}) == expected
        literal = f'{{ articles(filter: {{publishedAt: {{eq: "{text}"}}}}) {{ nodes {{ publishedAt }} }} }}'
        nodes = (await newsroom.query(literal))["articles"]["nodes"]
        assert nodes == [{"publishedAt": one} for one in expected]


async def test_ranges_and_pages_reach_the_first_year(newsroom: Newsroom) -> None:
    """Comparisons and cursors order the years as numbers."""
    assert await publication_times(newsroom, lt=EARLY) == [FIRST]
    assert await publication_times(newsroom, lte=EARLY) == [FIRST, EARLY]
    assert await publication_times(newsroom, lt=FIRST) == []
    assert await publication_times(newsroom, gt=FIRST, lt="1000-01-01T00:00:00Z") == [EARLY]
    assert (await publication_times(newsroom, gte=FIRST, lte=LAST))[:2] == [FIRST, EARLY]
    assert await publication_times(newsroom, gt=LAST) == []
    after, times = None, []
    for _ in range(3):
        page = (await newsroom.query(PUBLISHED, f=None, n=1, o="PUBLISHED_AT_ASC", after=after))["articles"]
        after = page["pageInfo"]["endCursor"]
        times.append(page["nodes"][0]["publishedAt"])
    assert times[:2] == [FIRST, EARLY]
    assert times[2] > EARLY


@pytest.mark.parametrize("text", BEYOND)
async def test_times_beyond_are_bad_input(newsroom: Newsroom, text: str) -> None:
    """As a variable, in the document, and as a user error of a mutation; never a server error."""
    literal = f'{{ articles(filter: {{publishedAt: {{eq: "{text}"}}}}) {{ nodes {{ id }} }} }}'
    assert await newsroom.error_code(PUBLISHED, f={"publishedAt": {"eq": text}}) == "BAD_USER_INPUT"
    assert await newsroom.error_code(literal) == "BAD_USER_INPUT"
    document = mutation_document("updateArticle", "article { id }")
    fields = {"id": newsroom.ids[FIRST], "expiresAt": text}
    payload = (await newsroom.query(document, input=fields))["updateArticle"]
    assert [error["field"] for error in payload["userErrors"]] == [["expiresAt"]]
    response = await newsroom.http.post(
        "/graphql", json={"query": "{ __typename }"}, headers={"x-preview-at": text}
    )
    assert response.status_code == 422


async def test_every_time_that_can_be_set_is_returned_as_it_was(newsroom: Newsroom) -> None:
    """Embargo and expiry, in a draft, as changes of a published article, in its revisions and the log."""
    draft = await newsroom.mutate(
        "createArticle",
        "article { id embargoUntil expiresAt }",
        headline="Draft",
        embargoUntil=FIRST,
        expiresAt=LAST,
    )
    assert (draft["embargoUntil"], draft["expiresAt"]) == (FIRST, LAST)
    for name, at in (("embargoUntil", EARLY), ("embargoUntil", FIRST), ("expiresAt", LAST)):
        article = await newsroom.mutate(
            "updateArticle", f"article {{ {name} }}", id=draft["id"], **{name: at}
        )
        assert article[name] == at
    id = newsroom.ids[EARLY]
    changed = await newsroom.mutate("updateArticle", "article { expiresAt }", id=id, expiresAt=LAST)
    assert changed["expiresAt"] == LAST
    await newsroom.approve(id)
    republished = await newsroom.mutate(
        "publishArticle", "article { expiresAt publishedAt }", id=id, minor=True
    )
    assert republished == {"expiresAt": LAST, "publishedAt": EARLY}
    revisions = "query($i: ID!) { article(id: $i) { expiresAt revisions(first: 9) { nodes { savedAt } } } }"
    assert (await newsroom.query(revisions, i=id))["article"]["expiresAt"] == LAST
    log = "query($f: AuditEntryFilter) { auditLog(first: 5, filter: $f) { totalCount } }"
    entries = await newsroom.query(log, f={"occurredAt": {"gt": FIRST, "lt": LAST}})
    assert entries["auditLog"]["totalCount"] > 5


async def test_a_change_of_the_first_year_is_seen_by_the_public(newsroom: Newsroom) -> None:
    """Cached responses are invalidated by changes of such rows, too."""
    query = "{ articles(first: 2, orderBy: PUBLISHED_AT_ASC) { nodes { headline publishedAt } } }"
    async with httpx2.AsyncClient(base_url=newsroom.http.base_url, timeout=TIMEOUT_SECONDS) as public:
        for word in ("One", "Two"):
            await newsroom.mutate("updateArticle", "article { id }", id=newsroom.ids[FIRST], headline=word)
            await newsroom.approve(newsroom.ids[FIRST])
            await newsroom.mutate("publishArticle", "article { id }", id=newsroom.ids[FIRST], minor=True)
            for _ in range(3):
                response = await public.post("/graphql", json={"query": query})
            assert response.json()["data"]["articles"]["nodes"][0] == {"headline": word, "publishedAt": FIRST}


@pytest.mark.parametrize("at", [FIRST, EARLY, LAST, *SAME[FIRST][:2], *SAME[LAST][:1]])
async def test_a_preview_at_the_ends_of_time_is_a_preview(newsroom: Newsroom, at: str) -> None:
    """What was published at that time, and nothing else."""
    query = """{ articles(first: 3, orderBy: PUBLISHED_AT_ASC, filter: {status: {eq: PUBLISHED}}) {
      nodes { publishedAt } } }"""
    nodes = (await newsroom.query(query, {"x-preview-at": at}))["articles"]["nodes"]
    assert nodes[0]["publishedAt"] == FIRST


async def test_records_of_the_first_year_survive_export_and_import(
    newsroom: Newsroom, server: Server, tmp_path: Path
) -> None:
    """The export of either database, imported into either, is the same export again."""
    token = await newsroom.mutate(
        "createToken", "token { expiresAt }", name="Machine", role="READER", expiresAt=LAST
    )
    assert token == {"expiresAt": LAST}
    exports: list[bytes] = []
    for url in (newsroom.url, await server.migrated()):
        if exports:
            await asyncio.to_thread(run, "import", str(tmp_path / "0.jsonl"), "--database", url)
        file = tmp_path / f"{len(exports)}.jsonl"
        await asyncio.to_thread(run, "export", "--output", str(file), "--database", url)
        exports.append(file.read_bytes())
    assert FIRST.encode() in exports[0]
    assert exports[0] == exports[1]


async def test_dates_of_the_first_and_last_day_are_dates(newsroom: Newsroom) -> None:
    """`saidOn` of an attribution, which has no time of day."""
    id = await newsroom.publish("2025-01-01T00:00:00Z")
    for day in ("0001-01-01", "9999-12-31"):
        attribution = await newsroom.mutate(
            "addAttribution",
            "attribution { saidOn }",
            article=id,
            kind="SAID",
            source="sky-news",
            saidOn=day,
        )
        assert attribution == {"saidOn": day}


def run(*arguments: str) -> None:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
