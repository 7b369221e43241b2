"""Hidden content does not affect public responses: they equal those of a newsroom without it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conftest import Server
from tests.support.graphql_client import query_data, query_json
from tests.support.random_content import NOW, WORDS, is_public, random_newsroom, without_hidden
from tests.support.random_documents import Pool, RandomDocuments

from contentql.content.ids import PREFIXES
from contentql.content.records import ArticleRecord, ImportItem, MediaRecord, Record
from contentql.execution.executor import Executor
from contentql.formats import jsonl
from contentql.importing.importer import import_records
from contentql.planner.limits import Limits
from contentql.schema.build import get_catalog, get_schema
from contentql.store.database import Database

pytestmark = pytest.mark.slow

DOCUMENTS = 40
LISTS = {
    "articles": ["", "orderBy: [URGENCY_ASC]", "orderBy: [HEADLINE_DESC]", 'search: "coffin or tide"'],
    "latestNews": ["", 'section: "world"', 'section: "world/asia", exact: true', "onePerStory: true"],
    "sources": ["", "filter: {articles: {some: {}}}"],
    "tags": [""],
    "authors": ["orderBy: [NAME_DESC]"],
    "mediaItems": [""],
    "attributions": [""],
    "stories": [""],
    "collections": [""],
    "categories": ["orderBy: [POSITION_ASC]"],
}


@asynccontextmanager
async def answering(server: Server, records: Sequence[Record]) -> AsyncIterator[Executor]:
    url = await server.migrated()
    report = await import_records(
        Database(url), [ImportItem(str(n), record) for n, record in enumerate(records)]
    )
    failed = [outcome for outcome in report.outcomes if outcome.result == "failed"]
    assert not failed, failed[:3]
    async with Database(url) as database:
        yield Executor(database, get_catalog(), limits=Limits(), now=lambda: NOW)
    await server.drop(url)


def pool(records: Sequence[Record]) -> Pool:
    """Every id, slug and word of the newsroom, the hidden ones above all."""
    texts: dict[str, list[str]] = {}
    ids: list[str] = ["art_1", "nonsense"]
    for line in jsonl.write_records(records):
        _collect(orjson.loads(line), "", ids, texts)
    texts["section"] = texts["under"] = texts["path"]
    return Pool(ids, texts, WORDS)


def _collect(value: Any, name: str, ids: list[str], texts: dict[str, list[str]]) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            _collect(inner, key, ids, texts)
    elif isinstance(value, list):
        for inner in value:
            _collect(inner, name, ids, texts)
    elif isinstance(value, str):
        texts.setdefault(name, []).append(value)
        if value.partition("_")[0] in PREFIXES.values():
            ids.append(value)


@settings(max_examples=1, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 1 << 32))
async def test_hidden_things_change_no_answer(server: Server, seed: int) -> None:
    """Any document at all is answered as if nothing hidden had ever existed, in data and errors alike."""
    records = random_newsroom(Random(seed))
    drawn = RandomDocuments(get_schema()._schema, pool(records), Random(seed))
    async with answering(server, records) as all_of_it, answering(server, without_hidden(records)) as public:
        for _ in range(DOCUMENTS):
            document = drawn.document()
            expected = await query_json(public, document.text, document.variables)
            assert await query_json(all_of_it, document.text, document.variables) == expected, document


@settings(max_examples=1, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 1 << 32))
async def test_hidden_things_move_no_cursor(server: Server, seed: int) -> None:
    """Every list is walked in the same pages, cursors, totals and order, forwards and backwards."""
    records = random_newsroom(Random(seed))
    async with answering(server, records) as all_of_it, answering(server, without_hidden(records)) as public:
        for name, cases in LISTS.items():
            for arguments in cases:
                forwards = await walk(public, name, arguments)
                assert await walk(all_of_it, name, arguments) == forwards, (name, arguments)
                assert [node for page in forwards for node in page["nodes"]] == await at_once(
                    public, name, arguments
                )
                if name != "latestNews":
                    assert await walk(all_of_it, name, arguments, "last", "before") == await walk(
                        public, name, arguments, "last", "before"
                    )
        for edge in (
            "collections { nodes { articles",
            "articles { nodes { related",
            "tags { nodes { articles",
        ):
            query = f"{{ {edge}(first: 2) {{ totalCount edges {{ cursor node {{ id }} }} }} }} }} }}"
            assert await query_data(all_of_it, query) == await query_data(public, query)


PROBES = (
    'sources(filter: {parent: {slug: {eq: "SLUG"}}})',
    "sources(filter: {parent: {isNull: true}})",
    'tags(filter: {broader: {slug: {eq: "SLUG"}}})',
    'tags(filter: {broader: {articles: {some: {slug: {eq: "SLUG"}}}}})',
    'attributions(filter: {article: {slug: {eq: "SLUG"}}})',
    'attributions(filter: {source: {slug: {eq: "SLUG"}}})',
    'attributions(filter: {via: {slug: {eq: "SLUG"}}})',
    'authors(filter: {articles: {every: {slug: {ne: "SLUG"}}}})',
    'stories(filter: {articles: {none: {slug: {eq: "SLUG"}}}})',
    'collections(filter: {articles: {some: {slug: {eq: "SLUG"}}}})',
    'mediaItems(filter: {articles: {some: {slug: {eq: "SLUG"}}}})',
    'categories(filter: {articles: {some: {slug: {eq: "SLUG"}}}})',
    'articles(filter: {related: {some: {slug: {eq: "SLUG"}}}})',
    'articles(filter: {translations: {every: {slug: {ne: "SLUG"}}}})',
    'articles(filter: {source: {slug: {eq: "SLUG"}}})',
    'articles(filter: {tags: {none: {slug: {eq: "SLUG"}}}})',
)


async def test_filters_reach_nothing_hidden(server: Server) -> None:
    """No condition on a neighbour tells of one that is hidden, whichever slug is tried."""
    records = random_newsroom(Random(1))
    slugs = [slug for record in records if (slug := getattr(record, "slug", None))]
    async with (
        answering(server, records) as all_of_it,
        answering(server, without_hidden(records)) as public,
    ):
        for probe in PROBES:
            for some in range(0, len(slugs), 15):
                fields = "".join(
                    f" p{n}: {probe.replace('SLUG', slug)} {{ totalCount nodes {{ id }} }}"
                    for n, slug in enumerate(slugs[some : some + 15])
                )
                query = f"{{{fields} }}"
                assert await query_data(all_of_it, query) == await query_data(public, query)


async def walk(
    executor: Executor, name: str, arguments: str, size: str = "first", cursor: str = "after"
) -> list[Any]:
    pages: list[Any] = []
    at = ""
    while len(pages) < 40:
        values = ", ".join(filter(None, [arguments, f"{size}: 3", f'{cursor}: "{at}"' if at else ""]))
        query = f"""{{ {name}({values}) {{ totalCount nodes {{ id }} edges {{ cursor }}
            pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"""
        page = (await query_data(executor, query))[name]
        pages.append(page)
        info = page["pageInfo"]
        if not info["hasNextPage" if size == "first" else "hasPreviousPage"]:
            return pages
        at = info["endCursor" if size == "first" else "startCursor"]
    raise AssertionError(f"{name}({arguments}) never ends")


async def at_once(executor: Executor, name: str, arguments: str) -> list[Any]:
    values = ", ".join(filter(None, [arguments, "first: 100"]))
    data: list[Any] = (await query_data(executor, f"{{ {name}({values}) {{ nodes {{ id }} }} }}"))[name][
        "nodes"
    ]
    return data


async def test_expired_pictures_are_gone_everywhere(server: Server) -> None:
    """A picture whose licence has ended shows in no field of any article, list or node."""
    records = random_newsroom(Random(7), articles=30)
    ended = [
        r for r in records if isinstance(r, MediaRecord) and r.expires_at is not None and r.expires_at <= NOW
    ]
    assert ended
    query = """{
        articles(first: 40) { nodes {
            leadMedia { url } media { media { url } } attributions { media { url } }
            authors { author { image { url } } }
            body { blocks { ... on ImageBlock { media { url } } ... on GalleryBlock { all: media { url } } } }
        } }
        mediaItems(first: 40) { nodes { url } }
        collections { nodes { items { media { url } } } }
    }"""
    async with answering(server, records) as answers:
        data = orjson.dumps(await query_data(answers, query)).decode()
        assert "https://media.example.org/" in data
        for media in ended:
            assert f'"{media.url}"' not in data
            assert (await query_data(answers, f'{{ node(id: "med_{media.id}") {{ id }} }}'))["node"] is None


async def test_places_have_no_gaps(server: Server) -> None:
    """Where a picture has gone, or a suggestion is not accepted, the others' places do not tell."""
    records = random_newsroom(Random(11), articles=30)
    query = "{ articles(first: 100) { nodes { media { position } attributions { position } } } }"
    async with answering(server, records) as answers:
        counts = set()
        for article in (await query_data(answers, query))["articles"]["nodes"]:
            for listed in article.values():
                assert [one["position"] for one in listed] == list(range(len(listed)))
                counts.add(len(listed))
        assert {2, 3} <= counts


@pytest.mark.parametrize("door", ["slug", "id"])
async def test_hidden_articles_answer_like_missing_ones(server: Server, door: str) -> None:
    """By slug, by former slug and by id, what is hidden cannot be told from what never was."""
    records = random_newsroom(Random(3), articles=30)
    articles = [record for record in records if isinstance(record, ArticleRecord)]
    expected: dict[str, Any] = {}
    for article in articles:
        names = [old.slug for old in article.slug_history] if door == "slug" else []
        expected.update(dict.fromkeys(names))
    for article in filter(is_public, articles):
        expected.update({old.slug: article.id for old in article.slug_history} if door == "slug" else {})
    for article in articles:
        name = article.slug if door == "slug" else f"art_{article.id}"
        expected[name] = article.id if is_public(article) else expected.get(name)
    async with answering(server, records) as answers:
        for name, number in expected.items():
            data = await query_data(answers, f'{{ article({door}: "{name}") {{ id }} }}')
            assert data == {"article": number and {"id": f"art_{number}"}}, name
    assert None in expected.values()
