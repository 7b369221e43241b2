"""A small newsroom whose desk tests work at: mutations in, payloads out, and what its tables hold.

Everything goes through `Answers.answer`, as whoever holds a token would ask; only what no answer tells (all
rows of all tables) is looked at from inside.
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
from contentql.content.records import (
    ArticleRecord,
    AuthorRecord,
    CategoryRecord,
    CollectionItemRecord,
    CollectionRecord,
    ImportItem,
    MediaRecord,
    Record,
    SourceRecord,
    StoryRecord,
    TagRecord,
)
from contentql.execution.executor import Executor, GraphQLRequest
from contentql.importing.importer import import_records
from contentql.schema.build import get_schema
from contentql.settings import Settings
from contentql.store.database import Database
from contentql.store.models.content import MediaKind, SourceKind, Status, TagType

CORE = get_schema()._schema
MUTATIONS: Mapping[str, Any] = CORE.mutation_type.fields  # type: ignore[union-attr]
SECOND, HOUR, DAY = dt.timedelta(seconds=1), dt.timedelta(hours=1), dt.timedelta(days=1)
TEXT = (
    "Kim wept before a coffin on Monday.",
    "The footage aired twice, according to Sky News, citing South Korean intelligence.",
)


def caller(role: Role, account: str) -> Actor:
    return Actor(Viewer(account.title(), role, account, ROLE_PERMISSIONS[role]), "192.0.2.7", "newsdesk/1")


ANNA = caller(Role.PUBLISHER, "anna")
ERIC = caller(Role.EDITOR, "eric")
ROOT = caller(Role.ADMIN, "root")
BOB = caller(Role.AUTHOR, "bob")
PUBLIC = ANONYMOUS

# What is shown of each payload unless a test wants to see something else.
_ARTICLE = (
    "article { id slug headline status version unpublishedChanges publishedAt firstPublishedAt updatedAt }"
)
SHOWN = {
    "ArticlePayload": _ARTICLE,
    "CorrectArticlePayload": f"{_ARTICLE} correction {{ id kind at text blockId before after }}",
    "AttributionPayload": "attribution { id kind state source { slug } via { id kind source { slug } } "
    f"span {{ blockId start end exact orphaned }} }} {_ARTICLE}",
    "DeletionPayload": "deletedId",
    "PreviewLinkPayload": "url token expiresAt",
    "TokenPayload": "token { id name role account scopes hint expiresAt revokedAt } secret",
    "CategoryPayload": "category { id slug path name depth position description hidden }",
    "MediaPayload": "media { id url mime alt width kind decorative }",
    "SourcePayload": "source { id slug name kind aliases country parent { slug } }",
    "TagPayload": "tag { id type slug name wikidata aliases broader { slug } }",
    "AuthorPayload": "author { id slug name desk bio image { id } }",
    "StoryPayload": "story { id slug title description }",
    "CollectionPayload": "collection { id slug title maxItems "
    "items { headline pinnedUntil article { slug } } }",
}


def payload_of(mutation: str) -> str:
    return str(MUTATIONS[mutation].type)


def document(mutation: str, shown: str | None = None) -> str:
    """The mutation with its whole input in the variable `input`."""
    taken = MUTATIONS[mutation].args["input"].type
    what = SHOWN[payload_of(mutation)] if shown is None else shown
    return (
        f"mutation($input: {taken}) {{ {mutation}(input: $input)"
        f" {{ {what} userErrors {{ code message field hint }} }} }}"
    )


@dataclass
class Newsdesk:
    """One newsroom. `now` is the clock of all that is asked."""

    executor: Executor
    server: Server
    url: str
    now: dt.datetime = NOW
    _keys: int = field(default=0, repr=False)

    @property
    def database(self) -> Database:
        return self.executor.database

    async def says(self, query: str, who: Actor = PUBLIC, **variables: Any) -> Any:
        """The whole answer."""
        answered = await self.executor.execute(GraphQLRequest(query, None, variables), None, None, who)
        return orjson.loads(answered.body)

    async def asks(self, query: str, who: Actor = PUBLIC, **variables: Any) -> Any:
        """The data of an answer that must have no errors."""
        said = await self.says(query, who, **variables)
        assert "errors" not in said, said["errors"]
        return said["data"]

    async def tries(
        self, mutation: str, who: Actor = ANNA, /, *, shown: str | None = None, **said: Any
    ) -> Any:
        """The payload, with whatever user errors it has."""
        return (await self.asks(document(mutation, shown), who, input=said))[mutation]

    async def does(
        self, mutation: str, who: Actor = ANNA, /, *, shown: str | None = None, **said: Any
    ) -> Any:
        """What the payload shows of what was done: the one thing, or all of it if it shows several."""
        payload = await self.tries(mutation, who, shown=shown, **said)
        assert payload.pop("userErrors") == [], (mutation, said, payload)
        return next(iter(payload.values())) if len(payload) == 1 else payload

    async def refused(self, mutation: str, who: Actor = ANNA, /, **said: Any) -> list[dict[str, Any]]:
        """The user errors of what is not done: each a sentence, none of them naked, and nothing to show."""
        payload = await self.tries(mutation, who, **said)
        errors: list[dict[str, Any]] = payload.pop("userErrors")
        assert errors, (mutation, said, payload)
        assert set(payload.values()) == {None}, payload
        for error in errors:
            plain(error)
        return errors

    async def codes(self, mutation: str, who: Actor = ANNA, /, **said: Any) -> set[tuple[str, str]]:
        """The codes and fields of the user errors of what is not done."""
        errors = await self.refused(mutation, who, **said)
        return {(error["code"], ".".join(error["field"] or ())) for error in errors}

    async def draft(self, who: Actor = ANNA, **said: Any) -> str:
        """The id of a new draft that could be published."""
        self._keys += 1
        whole = {
            "headline": f"Kim weeps, part {self._keys}",
            "category": "world/asia",
            "body": {"text": "\n".join(TEXT)},
            **said,
        }
        payload = await self.does("createArticle", who, shown="article { id }", **whole)
        return str(payload["id"])

    async def approved(self, **said: Any) -> str:
        id = await self.draft(**said)
        for move in ("submitArticle", "approveArticle"):
            await self.does(move, id=id)
        return id

    async def published(self, **said: Any) -> str:
        id = await self.approved(**said)
        await self.does("publishArticle", id=id)
        return id

    async def again(self, id: str, **said: Any) -> Any:
        """The changes of an article that is out, through review and out."""
        for move in ("submitArticle", "approveArticle"):
            await self.does(move, id=id)
        return await self.does("publishArticle", id=id, **said)

    async def rows(self) -> dict[str, tuple[int, str]]:
        """How many rows each table has, and a fingerprint of what stands in them."""
        if self.server.dialect == "sqlite":
            return _sqlite_rows(self.url)
        return await _postgres_rows(self.url)

    @asynccontextmanager
    async def unchanged(self) -> AsyncIterator[None]:
        """What is done within changes no row of any table."""
        before = await self.rows()
        yield
        after = await self.rows()
        assert {name for name in after if after[name] != before[name]} == set()

    async def table(self, sql: str) -> list[tuple[Any, ...]]:
        """What a statement reads, past the door."""
        if self.server.dialect == "sqlite":
            with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"))) as connection:
                return connection.execute(sql).fetchall()
        connection = await asyncpg.connect(self.url)
        try:
            return [tuple(row) for row in await connection.fetch(sql)]
        finally:
            await connection.close()


def plain(error: Mapping[str, Any]) -> None:
    """A user error as a journalist can read it: a sentence of ours, not a program's."""
    message = error["message"]
    assert message[0].isupper() or message[0] in "'\"0123456789" or re.match(r"[a-z]{3}_\d", message), error
    assert message.endswith((".", "!", "…")), error
    for word in ("Input should", "Value error", "valid integer", "pydantic", "Traceback", "SQL", "NoneType"):
        assert word not in message, error


def _sqlite_rows(url: str) -> dict[str, tuple[int, str]]:
    found = {}
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in names:
            rows = sorted(map(repr, connection.execute(f'SELECT * FROM "{name}"')))
            found[str(name)] = len(rows), hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return found


async def _postgres_rows(url: str) -> dict[str, tuple[int, str]]:
    connection = await asyncpg.connect(url)
    try:
        names = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        each = " UNION ALL ".join(
            f"SELECT '{name}' AS name, count(*) AS n,"
            f" md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '')) AS print FROM \"{name}\" t"
            for (name,) in names
        )
        return {row["name"]: (row["n"], row["print"]) for row in await connection.fetch(each)}
    finally:
        await connection.close()


def small_newsroom() -> list[Record]:
    """A few of everything that articles lean on, and one article that came by import and is out."""
    out = NOW - 30 * DAY
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
            published_at=out,
            first_published_at=out,
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
async def newsdesk(
    server: Server, *more: Record, template: str | None = None, followed: bool = False
) -> AsyncIterator[Newsdesk]:
    """A desk of its own. `followed`: with remembered answers, as a server has them."""
    url = await (server.copy(template) if template else server.migrated())
    if not template:
        await fill(url, *more)
    async with Database(url) as database:
        executor = build_executor(Settings(database_url=url, max_root_fields=50), database)
        if not followed:
            executor.responses = None
        desk = Newsdesk(executor, server, url)
        executor.now = lambda: desk.now
        if executor.responses:
            await executor.responses.open()
        yield desk
        if executor.responses:
            await executor.responses.close()
    await server.drop(url)


async def fill(url: str, *more: Record) -> None:
    records = [*small_newsroom(), *more]
    report = await import_records(
        Database(url), [ImportItem(str(n), record) for n, record in enumerate(records)]
    )
    failed = [outcome for outcome in report.outcomes if outcome.result == "failed"]
    assert not failed, failed[:3]
