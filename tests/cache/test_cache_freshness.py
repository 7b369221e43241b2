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
from tests.end_to_end.test_visibility import make_pool
from tests.support.random_content import HOUR, NOW, PATHS, WORDS, random_newsroom, tag_key
from tests.support.random_documents import Document, RandomDocuments

from contentql.app import build_executor
from contentql.cache.response_cache import ResponseCache
from contentql.content.blocks import Paragraph
from contentql.content.enums import AttributionState, SourceKind, Status
from contentql.content.import_item import ImportItem
from contentql.content.records import (
    ArticleRecord,
    AuthorRecord,
    CategoryRecord,
    CollectionItemRecord,
    CollectionRecord,
    MediaRecord,
    MentionRecord,
    Record,
    SourceRecord,
    TagRecord,
)
from contentql.execution.executor import Executor
from contentql.execution.request import GraphQLRequest
from contentql.importing.importer import import_records
from contentql.schema.build import get_schema
from contentql.settings import Settings
from contentql.store.database import Database

pytestmark = pytest.mark.slow

DOCUMENTS = 60
WRITES = 25
COMMON_QUERIES = (
    "{ latestNews(first: 5) { nodes { headline slug category { path } leadMedia { url } } } }",
    '{ latestNews(section: "world", first: 5) { nodes { headline urgency } } }',
    '{ latestNews(section: "politics", exact: true, first: 5) { totalCount nodes { headline } } }',
    "{ categories(filter: {parent: {isNull: true}})"
    " { nodes { name articles(first: 3) { nodes { headline } } } } }",
    "{ articles(filter: {urgency: {lte: 4}}, first: 5) { nodes { headline tags { name } } } }",
    '{ articles(filter: {language: {eq: "de"}}, first: 5)'
    " { nodes { headline authors { author { name } } } } }",
    '{ category(path: "world/asia") { name articles(first: 3) { nodes { headline summary } } } }',
    "{ collections { nodes { slug items { headline media { url } article { slug } } } } }",
    "{ collections { nodes { articles(first: 2) { totalCount nodes { headline } } } } }",
    '{ collections { nodes { articles(filter: {language: {eq: "de"}}) { nodes { id } } } } }',
    '{ collections(filter: {articles: {some: {language: {eq: "de"}}}}) { nodes { slug } } }',
    "{ mediaItems(first: 20) { totalCount nodes { id } } }",
    '{ articles(search: "coffin or source") { totalCount nodes { headline } } }',
    '{ articles(search: "harbour author", first: 3) { nodes { slug } } }',
    '{ articles(search: "-tide", orderBy: [HEADLINE_ASC], first: 5) { nodes { headline } } }',
    '{ sources(search: "source or plan") { nodes { name } } tags(search: "tag -1") { nodes { name } } }',
    '{ authors(search: "author or tide") { nodes { name } } }',
    '{ articles(filter: {inLanguages: ["de", "fr"]}) { totalCount } }',
    *(
        f'{{ article(slug: "{slug}-{n}", languages: {languages}) {{ slug language }} }}'
        for slug, n in (("article", 1), ("article", 5), ("article", 9), ("former", 3), ("former", 8))
        for languages in ('["de", "fr", "en"]', '["fr"]', '["de-CH", "en"]')
    ),
)


@dataclass
class CachedNewsroom:
    """A newsroom that is written to and queried, with and without a response cache."""

    url: str
    cached_executor: Executor
    uncached_executor: Executor
    now: dt.datetime = NOW
    records: list[Record] = field(default_factory=list)

    @property
    def responses(self) -> ResponseCache:
        assert self.cached_executor.responses is not None
        return self.cached_executor.responses

    async def write(self, *records: Record) -> None:
        """Imports the records; a record with a user error changes nothing."""
        await import_records(
            Database(self.url), [ImportItem(str(n), record) for n, record in enumerate(records)]
        )
        await self.responses.apply_pending_changes()

    async def assert_fresh(self, documents: Sequence[Document]) -> None:
        """Cached and uncached responses of the documents are equal."""
        for document in documents:
            cached = await self.cached_executor.execute(
                GraphQLRequest(document.text, None, document.variables)
            )
            expected = await self.uncached_executor.execute(
                GraphQLRequest(document.text, None, document.variables)
            )
            if not expected.codes:
                assert cached.body == expected.body, document


@asynccontextmanager
async def open_newsroom(server: Server, records: Sequence[Record] = ()) -> AsyncIterator[CachedNewsroom]:
    """A newsroom with the records, in a database of its own."""
    url = await server.migrated()
    async with Database(url) as database:
        cached_executor = build_executor(Settings(response_cache_bytes=50_000_000), database)
        uncached_executor = build_executor(Settings(response_cache_bytes=0), database)
        newsroom = CachedNewsroom(url, cached_executor, uncached_executor, records=list(records))
        cached_executor.now = uncached_executor.now = lambda: newsroom.now
        await newsroom.responses.open()
        await newsroom.write(*records)
        try:
            yield newsroom
        finally:
            await newsroom.responses.close()
    await server.drop(url)


class RandomWriter:
    """Produces random records: each changes or adds to what was written before."""

    def __init__(self, records: Sequence[Record], random: Random) -> None:
        self.records = list(records)
        self.random = random
        self.ids = iter(range(500_000, 600_000))

    def records_of(self, type_: type[Any]) -> list[Any]:
        return [record for record in self.records if isinstance(record, type_)]

    def write(self) -> Record:
        make_record = self.random.choices(
            [self.article, self.new_article, self.media, self.source, self.tag, self.category,
             self.collection, self.author],
            [12, 4, 1, 1, 1, 1, 3, 1],
        )[0]  # fmt: skip
        record = make_record()
        self.records = [r for r in self.records if r.id != record.id] + [record]
        return record

    def random_words(self) -> str:
        return " ".join(self.random.choice(WORDS) for _ in range(4))

    def article(self) -> Record:
        old: ArticleRecord = self.random.choice(self.records_of(ArticleRecord))
        published = old.published_at or NOW
        change: dict[str, Any] = self.random.choice(
            [
                {"headline": self.random_words()},
                {"summary": self.random_words()},
                {"urgency": self.random.randint(1, 9)},
                {"status": self.random.choice(list(Status))},
                {"embargo_until": self.random.choice([None, NOW + HOUR, NOW - HOUR]), "expires_at": None},
                {"embargo_until": None, "expires_at": self.random.choice([None, NOW + HOUR, NOW - HOUR])},
                {"published_at": published + self.random.choice([-1, 1]) * HOUR},
                {"category": self.random.choice(PATHS), "sections": ()},
                {
                    "tags": tuple(
                        MentionRecord(tag=tag_key(t))
                        for t in self.random.sample(self.records_of(TagRecord), 2)
                    )
                },
                {"lead_media": self.random.choice(self.records_of(MediaRecord)).id},
                {"blocks": (Paragraph(id=f"blk_{old.id}_0", text=self.random_words()),), "attributions": ()},
                {"attributions": tuple(self.with_random_state(head) for head in old.attributions)},
                {"related": tuple(r.uri for r in self.random.sample(self.records_of(ArticleRecord), 2))},
                {"slug": f"renamed-{next(self.ids)}"},
                {"deleted_at": self.random.choice([None, NOW - HOUR])},
                {"language": self.random.choice(["en", "de", "de-CH", "fr"])},
                {"translation_group": self.random.choice(self.records_of(ArticleRecord)).id},
                {"translation_group": self.random.choice([old.id, None])},
            ]
        )
        return old.model_copy(update=change)

    def with_random_state(self, head: Any) -> Any:
        return head.model_copy(update={"state": self.random.choice(list(AttributionState))})

    def new_article(self) -> Record:
        old: ArticleRecord = self.random.choice(self.records_of(ArticleRecord))
        id = next(self.ids)
        return old.model_copy(
            update={
                "id": id, "uri": f"tag:example.org,2026:new-{id}", "slug": f"new-{id}",
                "language": self.random.choice(["en", "de", "de-CH", "fr"]),
                "attributions": (), "corrections": (), "slug_history": (), "headline": self.random_words(),
                "blocks": (Paragraph(id=f"blk_{id}_0", text=self.random_words()),),
            }
        )  # fmt: skip

    def media(self) -> Record:
        old: MediaRecord = self.random.choice(self.records_of(MediaRecord))
        expiry: dict[str, Any] = {"expires_at": self.random.choice([None, NOW - HOUR, NOW + HOUR])}
        return old.model_copy(update=self.random.choice([{"alt": self.random_words()}, expiry]))

    def source(self) -> Record:
        old: SourceRecord = self.random.choice(self.records_of(SourceRecord))
        return old.model_copy(
            update={"name": self.random_words(), "kind": self.random.choice(list(SourceKind))}
        )

    def tag(self) -> Record:
        old: TagRecord = self.random.choice(self.records_of(TagRecord))
        return old.model_copy(update={"name": self.random_words()})

    def author(self) -> Record:
        old: AuthorRecord = self.random.choice(self.records_of(AuthorRecord))
        return old.model_copy(update={"name": self.random_words()})

    def category(self) -> Record:
        old: CategoryRecord = self.random.choice(self.records_of(CategoryRecord))
        return old.model_copy(update={"name": self.random_words(), "position": self.random.randint(0, 9)})

    def collection(self) -> Record:
        old: CollectionRecord = self.random.choice(self.records_of(CollectionRecord))
        items = list(old.items)
        self.random.shuffle(items)
        media = self.random.choice([None, *self.records_of(MediaRecord)])
        added = CollectionItemRecord(
            article=self.random.choice(self.records_of(ArticleRecord)).uri,
            pinned_until=self.random.choice([None, NOW + HOUR]),
            media=media and media.id,
        )
        items = [item for item in items if item.article != added.article]
        change: dict[str, Any] = self.random.choice(
            [
                {"items": tuple(items[: self.random.randint(0, len(items))])},
                {"items": (added, *items)},
                {"items": (*items, added)},
                {"max_items": self.random.choice([None, 1, 2, 3])},
            ]
        )
        return old.model_copy(update=change)


@settings(max_examples=1, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(seed=st.integers(0, 1 << 32))
async def test_cached_responses_equal_uncached_ones(server: Server, seed: int) -> None:
    """Random writes and times, random documents: responses with and without the cache are equal."""
    random = Random(seed)
    records = random_newsroom(random)
    random_documents = RandomDocuments(get_schema()._schema, make_pool(records), random)
    documents = [random_documents.document() for _ in range(DOCUMENTS)]
    documents += [Document(text, {}) for text in COMMON_QUERIES]
    writer = RandomWriter(records, random)
    async with open_newsroom(server, records) as newsroom:
        await newsroom.assert_fresh(documents)
        for _ in range(WRITES):
            if random.random() < 0.15:
                newsroom.now += random.choice([dt.timedelta(seconds=1), HOUR / 2, HOUR])
            else:
                await newsroom.write(writer.write())
            await newsroom.assert_fresh(documents)
        counts = newsroom.responses.counts
        assert counts.hits > counts.misses
