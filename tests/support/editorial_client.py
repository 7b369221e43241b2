"""A client for mutations on a small newsroom, with access to its tables.

Operations go through `Executor.execute`, like those of a client with a token. Only the rows of tables are
read directly.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import orjson
from tests.conftest import NOW, Server

from contentql.app import build_executor
from contentql.auth.permissions import ROLE_PERMISSIONS, Role
from contentql.auth.viewer import ANONYMOUS, Actor, Viewer
from contentql.content.blocks import Paragraph
from contentql.content.enums import MediaKind, SourceKind, Status, TagType
from contentql.content.import_item import ImportItem
from contentql.content.records import (
    ArticleRecord,
    AuthorRecord,
    CategoryRecord,
    CollectionItemRecord,
    CollectionRecord,
    MediaRecord,
    Record,
    SourceRecord,
    StoryRecord,
    TagRecord,
)
from contentql.execution.executor import Executor
from contentql.execution.request import GraphQLRequest
from contentql.importing.importer import import_records
from contentql.schema.build import get_schema
from contentql.settings import Settings
from contentql.store.database import Database

CORE = get_schema()._schema
MUTATIONS: Mapping[str, Any] = CORE.mutation_type.fields  # type: ignore[union-attr]
SECOND, HOUR, DAY = dt.timedelta(seconds=1), dt.timedelta(hours=1), dt.timedelta(days=1)
TEXT = (
    "Kim wept before a coffin on Monday.",
    "The footage aired twice, according to Sky News, citing South Korean intelligence.",
)


def make_actor(role: Role, account: str) -> Actor:
    return Actor(Viewer(account.title(), role, account, ROLE_PERMISSIONS[role]), "192.0.2.7", "newsdesk/1")


ANNA = make_actor(Role.PUBLISHER, "anna")
ERIC = make_actor(Role.EDITOR, "eric")
ROOT = make_actor(Role.ADMIN, "root")
BOB = make_actor(Role.AUTHOR, "bob")
PUBLIC = ANONYMOUS

# The selection of each payload unless a test passes another one.
_ARTICLE = (
    "article { id slug headline status version unpublishedChanges publishedAt firstPublishedAt updatedAt }"
)
SELECTIONS = {
    "ArticlePayload": _ARTICLE,
    "CorrectArticlePayload": f"{_ARTICLE} correction {{ id kind correctedAt text blockId before after }}",
    "AttributionPayload": "attribution { id kind state source { slug } via { id kind source { slug } } "
    f"span {{ blockId start end exact orphaned }} }} {_ARTICLE}",
    "LiveEntryPayload": "liveEntry { id version at title text keyEvent summary pinned author { slug }"
    " picture { id } corrections { kind text correctedAt } } article { id version updatedAt }",
    "DeletionPayload": "deletedId",
    "RedirectPayload": "redirect { id path targetId targetUrl status }",
    "PreviewLinkPayload": "url token expiresAt",
    "TokenPayload": "token { id name role account scopes hint expiresAt revokedAt } secret",
    "WebhookPayload": "webhook { id kind name url eventTypes enabled disabledReason formerSecretUntil }",
    "WebhookSecretPayload": "webhook { id name url eventTypes enabled formerSecretUntil } secret",
    "ReplayPayload": "webhook { id } replayed",
    "CategoryPayload": "category { id slug path name depth position description hidden }",
    "MediaPayload": "media { id url mime alt width kind decorative }",
    "SourcePayload": "source { id slug name kind aliases country parent { slug } }",
    "TagPayload": "tag { id type slug name wikidata aliases broader { slug } }",
    "AuthorPayload": "author { id slug name desk bio image { id } }",
    "StoryPayload": "story { id slug title description }",
    "CollectionPayload": "collection { id slug title maxItems "
    "items { headline pinnedUntil article { slug } } }",
}


def payload_type(mutation: str) -> str:
    return str(MUTATIONS[mutation].type)


def mutation_document(mutation: str, selection: str | None = None) -> str:
    """The mutation with its whole input in the variable `input`."""
    input_type = MUTATIONS[mutation].args["input"].type
    fields = SELECTIONS[payload_type(mutation)] if selection is None else selection
    return (
        f"mutation($input: {input_type}) {{ {mutation}(input: $input)"
        f" {{ {fields} userErrors {{ code message field hint }} }} }}"
    )


@dataclass
class EditorialClient:
    """A client of one newsroom; `now` is the time of its operations."""

    executor: Executor
    server: Server
    url: str
    now: dt.datetime = NOW
    _keys: int = field(default=0, repr=False)

    @property
    def database(self) -> Database:
        return self.executor.database

    async def execute(self, query: str, actor: Actor = PUBLIC, **variables: Any) -> Any:
        """The whole response."""
        response = await self.executor.execute(GraphQLRequest(query, None, variables), None, None, actor)
        return orjson.loads(response.body)

    async def query(self, document: str, actor: Actor = PUBLIC, **variables: Any) -> Any:
        """The data of a response that must have no errors."""
        response = await self.execute(document, actor, **variables)
        assert "errors" not in response, response["errors"]
        return response["data"]

    async def mutate(
        self, mutation: str, actor: Actor = ANNA, /, *, selection: str | None = None, **input: Any
    ) -> Any:
        """The payload, with its user errors if any."""
        return (await self.query(mutation_document(mutation, selection), actor, input=input))[mutation]

    async def mutate_ok(
        self, mutation: str, actor: Actor = ANNA, /, *, selection: str | None = None, **input: Any
    ) -> Any:
        """The payload of a mutation that must succeed: its only field, or all fields if it has several."""
        payload = await self.mutate(mutation, actor, selection=selection, **input)
        assert payload.pop("userErrors") == [], (mutation, input, payload)
        return next(iter(payload.values())) if len(payload) == 1 else payload

    async def mutate_errors(
        self, mutation: str, actor: Actor = ANNA, /, **input: Any
    ) -> list[dict[str, Any]]:
        """The user errors of a mutation that must fail, each with a plain message."""
        payload = await self.mutate(mutation, actor, **input)
        errors: list[dict[str, Any]] = payload.pop("userErrors")
        assert errors, (mutation, input, payload)
        assert set(payload.values()) == {None}, payload
        for error in errors:
            assert_plain_message(error)
        return errors

    async def mutate_codes(self, mutation: str, actor: Actor = ANNA, /, **input: Any) -> set[tuple[str, str]]:
        """The codes and fields of the user errors of a mutation that must fail."""
        errors = await self.mutate_errors(mutation, actor, **input)
        return {(error["code"], ".".join(error["field"] or ())) for error in errors}

    async def create_draft(self, actor: Actor = ANNA, **input: Any) -> str:
        """The id of a new draft that could be published."""
        self._keys += 1
        fields = {
            "headline": f"Kim weeps, part {self._keys}",
            "category": "world/asia",
            "body": {"text": "\n".join(TEXT)},
            **input,
        }
        payload = await self.mutate_ok("createArticle", actor, selection="article { id }", **fields)
        return str(payload["id"])

    async def create_approved(self, **input: Any) -> str:
        id = await self.create_draft(**input)
        for transition in ("submitArticle", "approveArticle"):
            await self.mutate_ok(transition, id=id)
        return id

    async def create_published(self, **input: Any) -> str:
        id = await self.create_approved(**input)
        await self.mutate_ok("publishArticle", id=id)
        return id

    async def republish(self, id: str, **input: Any) -> Any:
        """Submits, approves and publishes the changes of a published article."""
        for transition in ("submitArticle", "approveArticle"):
            await self.mutate_ok(transition, id=id)
        return await self.mutate_ok("publishArticle", id=id, **input)

    async def rows(self) -> dict[str, tuple[int, str]]:
        """The number of rows of each table, and a hash of their content."""
        if self.server.dialect == "sqlite":
            return _sqlite_rows(self.url)
        return await _postgres_rows(self.url)

    @asynccontextmanager
    async def unchanged(self) -> AsyncIterator[None]:
        """No row of any table changes within the context."""
        before = await self.rows()
        yield
        after = await self.rows()
        assert {name for name in after if after[name] != before[name]} == set()

    async def table(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows that the query returns on a connection of its own."""
        if self.server.dialect == "sqlite":
            with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"))) as connection:
                return connection.execute(sql).fetchall()
        connection = await asyncpg.connect(self.url)
        try:
            return [tuple(row) for row in await connection.fetch(sql)]
        finally:
            await connection.close()


def assert_plain_message(error: Mapping[str, Any]) -> None:
    """The message is a sentence for journalists, without words of a library."""
    message = error["message"]
    names_field = message.partition(" ")[0].rpartition(".")[2] in (error["field"] or ())
    starts_sentence = message[0].isupper() or message[0] in "'\"0123456789"
    assert names_field or starts_sentence or re.match(r"[a-z]{3}_\d", message), error
    assert not re.match(r"(It|That|This|Those|These|They) ", message), error
    assert message.endswith((".", "!", "…")), error
    for word in ("Input should", "Value error", "valid integer", "pydantic", "Traceback", "SQL", "NoneType"):
        assert word not in message, error


def _sqlite_rows(url: str) -> dict[str, tuple[int, str]]:
    counts = {}
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in names:
            rows = sorted(map(repr, connection.execute(f'SELECT * FROM "{name}"')))
            counts[str(name)] = len(rows), hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return counts


async def _postgres_rows(url: str) -> dict[str, tuple[int, str]]:
    connection = await asyncpg.connect(url)
    try:
        names = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        query = " UNION ALL ".join(
            f"SELECT '{name}' AS name, count(*) AS n,"
            f" md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '')) AS print FROM \"{name}\" t"
            for (name,) in names
        )
        return {row["name"]: (row["n"], row["print"]) for row in await connection.fetch(query)}
    finally:
        await connection.close()


def small_newsroom() -> list[Record]:
    """A few records of each type that articles refer to, and one imported published article."""
    published_at = NOW - 30 * DAY
    return [
        CategoryRecord(id=101, path="world", name="World"),
        CategoryRecord(id=102, path="world/asia", name="Asia", position=1),
        CategoryRecord(id=103, path="politics", name="Politics", position=2),
        SourceRecord(id=201, slug="sky-news", name="Sky News", kind=SourceKind.BROADCASTER, country="GB"),
        SourceRecord(
            id=202,
            slug="south-korean-intelligence",
            name="South Korean intelligence",
            kind=SourceKind.INTELLIGENCE,
        ),
        SourceRecord(id=203, slug="joongang", name="JoongAng Daily", kind=SourceKind.NEWSPAPER),
        SourceRecord(id=204, slug="kctv", name="Korea Central Television", kind=SourceKind.BROADCASTER),
        *(
            SourceRecord(id=210 + n, slug=f"agency-{n}", name=f"Agency {n}", kind=SourceKind.AGENCY)
            for n in range(8)
        ),
        MediaRecord(
            id=301,
            kind=MediaKind.IMAGE,
            url="https://media.example.org/a.jpg",
            mime="image/jpeg",
            alt="A coffin",
        ),
        MediaRecord(id=302, kind=MediaKind.IMAGE, url="https://media.example.org/b.jpg", mime="image/jpeg"),
        AuthorRecord(id=401, slug="jane-doe", name="Jane Doe"),
        TagRecord(id=501, type=TagType.PLACE, slug="pyongyang", name="Pyongyang"),
        TagRecord(id=502, type=TagType.TOPIC, slug="tears", name="Tears"),
        StoryRecord(id=601, slug="north-korea-russia", title="North Korea and Russia"),
        ArticleRecord(
            id=701,
            slug="the-first",
            language="en",
            headline="The first",
            status=Status.PUBLISHED,
            published_at=published_at,
            first_published_at=published_at,
            category="politics",
            blocks=(Paragraph(id="blk_1", text="It came by import."),),
        ),
        CollectionRecord(
            id=801,
            slug="front-page",
            title="Front page",
            items=(CollectionItemRecord(article="urn:contentql:article:701"),),
        ),
    ]


@asynccontextmanager
async def open_editorial_client(
    server: Server,
    *more: Record,
    template: str | None = None,
    with_cache: bool = False,
    four_eyes: bool = False,
    **values: Any,
) -> AsyncIterator[EditorialClient]:
    """A client of a new newsroom, optionally with a response cache; `values` are further settings."""
    url = await (server.copy(template) if template else server.migrated())
    if not template:
        await load_small_newsroom(url, *more)
    async with Database(url) as database:
        settings = Settings(database_url=url, max_root_fields=50, four_eyes=four_eyes, **values)
        if not with_cache:
            settings.response_cache_bytes = 0
        executor = build_executor(settings, database)
        newsroom = EditorialClient(executor, server, url)
        executor.now = lambda: newsroom.now
        if executor.responses:
            await executor.responses.open()
        yield newsroom
        if executor.responses:
            await executor.responses.close()
    await server.drop(url)


async def load_small_newsroom(url: str, *more: Record) -> None:
    records = [*small_newsroom(), *more]
    report = await import_records(
        Database(url), [ImportItem(str(n), record) for n, record in enumerate(records)], now=NOW
    )
    failed = [outcome for outcome in report.outcomes if outcome.result == "failed"]
    assert not failed, failed[:3]
