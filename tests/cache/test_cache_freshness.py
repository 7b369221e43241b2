"""Cached responses equal fresh ones after random writes and queries."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.conftest import Server
from tests.end_to_end.test_visibility import pool
from tests.support.random_content import HOUR, NOW, PATHS, WORDS, key, random_newsroom
from tests.support.random_documents import Document, RandomDocuments

from contentql.app import build_executor
from contentql.cache.response_cache import ResponseCache
from contentql.content.blocks import Paragraph
from contentql.content.enums import AttributionState, SourceKind, Status
from contentql.content.records import (
    ArticleRecord,
    AuthorRecord,
    CategoryRecord,
    CollectionRecord,
    ImportItem,
    MediaRecord,
    MentionRecord,
    Record,
    SourceRecord,
    TagRecord,
)
from contentql.execution.executor import Executor
from contentql.execution.request import GraphQLRequest, GraphQLResponse
from contentql.importing.importer import import_records
from contentql.schema.build import get_schema
from contentql.settings import Settings
from contentql.store.database import Database

pytestmark = pytest.mark.slow

DOCUMENTS = 60
WRITES = 25
ORDINARY = (
    "{ latestNews(first: 5) { nodes { headline slug category { path } leadMedia { url } } } }",
    '{ latestNews(section: "world", first: 5) { nodes { headline urgency } } }',
    '{ latestNews(section: "politics", exact: true, first: 5) { totalCount nodes { headline } } }',
    "{ categories(filter: {parent: {isNull: true}})"
    " { nodes { name articles(first: 3) { nodes { headline } } } } }",
    "{ articles(filter: {urgency: {lte: 4}}, first: 5) { nodes { headline tags { name } } } }",
    '{ articles(filter: {language: {eq: "de"}}, first: 5)'
    " { nodes { headline authors { author { name } } } } }",
    '{ category(path: "world/asia") { name articles(first: 3) { nodes { headline summary } } } }',
)


@dataclass
class Newsroom:
    """A newsroom that is written to and asked, remembering and not."""

    url: str
    remembers: Executor
    fresh: Executor
    now: dt.datetime = NOW
    records: list[Record] = field(default_factory=list)

    @property
    def responses(self) -> ResponseCache:
        assert self.remembers.responses is not None
        return self.remembers.responses

    async def write(self, *records: Record) -> None:
        """What cannot be kept (a slug that is taken) changes nothing, here as elsewhere."""
        await import_records(
            Database(self.url), [ImportItem(str(n), record) for n, record in enumerate(records)]
        )
        await self.responses.apply_pending_changes()

    async def ask(self, text: str, **variables: Any) -> GraphQLResponse:
        return await self.remembers.execute(GraphQLRequest(text, None, variables))

    async def holds(self, documents: Sequence[Document]) -> None:
        for document in documents:
            remembered = await self.remembers.execute(GraphQLRequest(document.text, None, document.variables))
            computed = await self.fresh.execute(GraphQLRequest(document.text, None, document.variables))
            if not computed.codes:
                assert remembered.body == computed.body, document


@asynccontextmanager
async def opened(server: Server, records: Sequence[Record] = ()) -> AsyncIterator[Newsroom]:
    url = await server.migrated()
    async with Database(url) as database:
        remembers = build_executor(Settings(response_cache_bytes=50_000_000), database)
        fresh = build_executor(Settings(response_cache_bytes=0), database)
        result = Newsroom(url, remembers, fresh, records=list(records))
        remembers.now = fresh.now = lambda: result.now
        await result.responses.open()
        await result.write(*records)
        try:
            yield result
        finally:
            await result.responses.close()
    await server.drop(url)


class Writer:
    """An editor at random: each call gives the records of one write, over what was written before."""

    def __init__(self, records: Sequence[Record], random: Random) -> None:
        self.records = list(records)
        self.random = random
        self.numbers = iter(range(500_000, 600_000))

    def of(self, kind: type[Any]) -> list[Any]:
        return [record for record in self.records if isinstance(record, kind)]

    def write(self) -> Record:
        kind = self.random.choices(
            [self.article, self.another, self.media, self.source, self.tag, self.category, self.collection,
             self.author],
            [12, 4, 1, 1, 1, 1, 1, 1],
        )[0]  # fmt: skip
        record = kind()
        self.records = [r for r in self.records if r.id != record.id] + [record]
        return record

    def words(self) -> str:
        return " ".join(self.random.choice(WORDS) for _ in range(4))

    def article(self) -> Record:
        old: ArticleRecord = self.random.choice(self.of(ArticleRecord))
        published = old.published_at or NOW
        change: dict[str, Any] = self.random.choice(
            [
                {"headline": self.words()},
                {"summary": self.words()},
                {"urgency": self.random.randint(1, 9)},
                {"status": self.random.choice(list(Status))},
                {"embargo_until": self.random.choice([None, NOW + HOUR, NOW - HOUR]), "expires_at": None},
                {"embargo_until": None, "expires_at": self.random.choice([None, NOW + HOUR, NOW - HOUR])},
                {"published_at": published + self.random.choice([-1, 1]) * HOUR},
                {"category": self.random.choice(PATHS), "sections": ()},
                {"tags": tuple(MentionRecord(tag=key(t)) for t in self.random.sample(self.of(TagRecord), 2))},
                {"lead_media": self.random.choice(self.of(MediaRecord)).id},
                {"blocks": (Paragraph(id=f"blk_{old.id}_0", text=self.words()),), "attributions": ()},
                {"attributions": tuple(self.stated(head) for head in old.attributions)},
                {"related": tuple(r.uri for r in self.random.sample(self.of(ArticleRecord), 2))},
                {"slug": f"renamed-{next(self.numbers)}"},
                {"deleted_at": self.random.choice([None, NOW - HOUR])},
                {"language": self.random.choice(["en", "de"])},
            ]
        )
        return old.model_copy(update=change)

    def stated(self, head: Any) -> Any:
        return head.model_copy(update={"state": self.random.choice(list(AttributionState))})

    def another(self) -> Record:
        old: ArticleRecord = self.random.choice(self.of(ArticleRecord))
        number = next(self.numbers)
        return old.model_copy(
            update={
                "id": number, "uri": f"tag:example.org,2026:new-{number}", "slug": f"new-{number}",
                "attributions": (), "corrections": (), "slug_history": (), "headline": self.words(),
                "blocks": (Paragraph(id=f"blk_{number}_0", text=self.words()),),
            }
        )  # fmt: skip

    def media(self) -> Record:
        old: MediaRecord = self.random.choice(self.of(MediaRecord))
        expiry: dict[str, Any] = {"expires_at": self.random.choice([None, NOW - HOUR, NOW + HOUR])}
        return old.model_copy(update=self.random.choice([{"alt": self.words()}, expiry]))

    def source(self) -> Record:
        old: SourceRecord = self.random.choice(self.of(SourceRecord))
        return old.model_copy(update={"name": self.words(), "kind": self.random.choice(list(SourceKind))})

    def tag(self) -> Record:
        old: TagRecord = self.random.choice(self.of(TagRecord))
        return old.model_copy(update={"name": self.words()})

    def author(self) -> Record:
        old: AuthorRecord = self.random.choice(self.of(AuthorRecord))
        return old.model_copy(update={"name": self.words()})

    def category(self) -> Record:
        old: CategoryRecord = self.random.choice(self.of(CategoryRecord))
        return old.model_copy(update={"name": self.words(), "position": self.random.randint(0, 9)})

    def collection(self) -> Record:
        old: CollectionRecord = self.random.choice(self.of(CollectionRecord))
        items = list(old.items)
        self.random.shuffle(items)
        return old.model_copy(update={"items": tuple(items[: self.random.randint(0, len(items))])})


@settings(max_examples=1, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(seed=st.integers(0, 1 << 32))
async def test_cached_equals_fresh_always(server: Server, seed: int) -> None:
    """Random writes and the passing of time, random questions: both ways say the same."""
    random = Random(seed)
    records = random_newsroom(random)
    drawn = RandomDocuments(get_schema()._schema, pool(records), random)
    documents = [drawn.document() for _ in range(DOCUMENTS)]
    documents += [Document(text, {}) for text in ORDINARY]
    writer = Writer(records, random)
    async with opened(server, records) as newsroom_:
        await newsroom_.holds(documents)
        for _ in range(WRITES):
            if random.random() < 0.15:
                newsroom_.now += random.choice([dt.timedelta(seconds=1), HOUR / 2, HOUR])
            else:
                await newsroom_.write(writer.write())
            await newsroom_.holds(documents)
        counts = newsroom_.responses.counts
        assert counts.hits > counts.misses
