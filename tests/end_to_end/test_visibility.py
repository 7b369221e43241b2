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
from tests.support.random_documents import Pool, RandomDocuments, without_sync_tokens

from contentql.content.blocks import BLOCK_TYPES
from contentql.content.ids import PREFIXES
from contentql.content.import_item import ImportItem
from contentql.content.records import (
    ArticleRecord,
    CollectionRecord,
    MediaRecord,
    Record,
)
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
async def open_executor(server: Server, records: Sequence[Record]) -> AsyncIterator[Executor]:
    """An executor of a newsroom with the records, in a database of its own."""
    url = await server.migrated()
    report = await import_records(
        Database(url), [ImportItem(str(n), record) for n, record in enumerate(records)]
    )
    failed = [outcome for outcome in report.outcomes if outcome.result == "failed"]
    assert not failed, failed[:3]
    async with Database(url) as database:
        yield Executor(database, get_catalog(), limits=Limits(), now=lambda: NOW)
    await server.drop(url)


def make_pool(records: Sequence[Record]) -> Pool:
    """Every id, slug and word of the newsroom, including the hidden ones."""
    texts: dict[str, list[str]] = {}
    ids: list[str] = ["art_1", "nonsense"]
    for line in jsonl.write_records(records):
        _collect(orjson.loads(line), "", ids, texts)
    texts["section"] = texts["under"] = texts["path"]
    texts["collection"] = [record.slug for record in records if isinstance(record, CollectionRecord)]
    texts["knownTypes"] = sorted(BLOCK_TYPES)
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
async def test_hidden_content_does_not_change_responses(server: Server, seed: int) -> None:
    """Data and errors of any document are those of a newsroom without hidden content."""
    records = random_newsroom(Random(seed))
    random_documents = RandomDocuments(get_schema()._schema, make_pool(records), Random(seed))
    async with (
        open_executor(server, records) as with_hidden,
        open_executor(server, without_hidden(records)) as without_hidden_content,
    ):
        for _ in range(DOCUMENTS):
            document = random_documents.document()
            expected = await query_json(without_hidden_content, document.text, document.variables)
            actual = await query_json(with_hidden, document.text, document.variables)
            compared = [without_sync_tokens(orjson.dumps(response)) for response in (actual, expected)]
            assert compared[0] == compared[1], document


@settings(max_examples=1, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 1 << 32))
async def test_hidden_content_does_not_change_pagination(server: Server, seed: int) -> None:
    """Pages, cursors, totals and order of every list are equal, forwards and backwards."""
    records = random_newsroom(Random(seed))
    async with (
        open_executor(server, records) as with_hidden,
        open_executor(server, without_hidden(records)) as without_hidden_content,
    ):
        for name, cases in LISTS.items():
            for arguments in cases:
                pages = await read_all_pages(without_hidden_content, name, arguments)
                assert await read_all_pages(with_hidden, name, arguments) == pages, (name, arguments)
                assert [node for page in pages for node in page["nodes"]] == await read_in_one_page(
                    without_hidden_content, name, arguments
                )
                if name != "latestNews":
                    assert await read_all_pages(
                        with_hidden, name, arguments, "last", "before"
                    ) == await read_all_pages(without_hidden_content, name, arguments, "last", "before")
        for nested_list in (
            "collections { nodes { articles",
            "articles { nodes { related",
            "tags { nodes { articles",
        ):
            query = f"{{ {nested_list}(first: 2) {{ totalCount edges {{ cursor node {{ id }} }} }} }} }} }}"
            assert await query_data(with_hidden, query) == await query_data(without_hidden_content, query)


FILTERED_LISTS = (
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


async def test_filters_on_related_objects_do_not_reveal_hidden_ones(server: Server) -> None:
    """Holds for every relation and every slug of the newsroom."""
    records = random_newsroom(Random(1))
    slugs = [slug for record in records if (slug := getattr(record, "slug", None))]
    async with (
        open_executor(server, records) as with_hidden,
        open_executor(server, without_hidden(records)) as without_hidden_content,
    ):
        for filtered_list in FILTERED_LISTS:
            for start in range(0, len(slugs), 15):
                fields = "".join(
                    f" p{n}: {filtered_list.replace('SLUG', slug)} {{ totalCount nodes {{ id }} }}"
                    for n, slug in enumerate(slugs[start : start + 15])
                )
                query = f"{{{fields} }}"
                assert await query_data(with_hidden, query) == await query_data(without_hidden_content, query)


async def read_all_pages(
    executor: Executor,
    name: str,
    arguments: str,
    size_argument: str = "first",
    cursor_argument: str = "after",
) -> list[Any]:
    """The pages of a list with three items each, forwards or backwards."""
    pages: list[Any] = []
    cursor = ""
    while len(pages) < 40:
        values = ", ".join(
            filter(
                None, [arguments, f"{size_argument}: 3", f'{cursor_argument}: "{cursor}"' if cursor else ""]
            )
        )
        query = f"""{{ {name}({values}) {{ totalCount nodes {{ id }} edges {{ cursor }}
            pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"""
        page = (await query_data(executor, query))[name]
        pages.append(page)
        info = page["pageInfo"]
        if not info["hasNextPage" if size_argument == "first" else "hasPreviousPage"]:
            return pages
        cursor = info["endCursor" if size_argument == "first" else "startCursor"]
    raise AssertionError(f"{name}({arguments}) never ends")


async def read_in_one_page(executor: Executor, name: str, arguments: str) -> list[Any]:
    """The items of a list, read as one page."""
    values = ", ".join(filter(None, [arguments, "first: 100"]))
    data: list[Any] = (await query_data(executor, f"{{ {name}({values}) {{ nodes {{ id }} }} }}"))[name][
        "nodes"
    ]
    return data


async def test_expired_media_are_not_visible(server: Server) -> None:
    """Neither in fields of articles nor in lists or by id."""
    records = random_newsroom(Random(7), articles=30)
    expired = [
        r for r in records if isinstance(r, MediaRecord) and r.expires_at is not None and r.expires_at <= NOW
    ]
    assert expired
    query = """{
        articles(first: 40) { nodes {
            leadMedia { url } media { media { url } } attributions { media { url } }
            authors { author { image { url } } }
            body { blocks { ... on ImageBlock { media { url } } ... on GalleryBlock { all: media { url } } } }
        } }
        mediaItems(first: 40) { nodes { url } }
        collections { nodes { items { media { url } } } }
    }"""
    async with open_executor(server, records) as executor:
        data = orjson.dumps(await query_data(executor, query)).decode()
        assert "https://media.example.org/" in data
        for media in expired:
            assert f'"{media.url}"' not in data
            assert (await query_data(executor, f'{{ node(id: "med_{media.id}") {{ id }} }}'))["node"] is None


async def test_positions_have_no_gaps(server: Server) -> None:
    """Expired media and unaccepted attributions leave no gap that reveals them."""
    records = random_newsroom(Random(11), articles=30)
    query = "{ articles(first: 100) { nodes { media { position } attributions { position } } } }"
    async with open_executor(server, records) as executor:
        counts = set()
        for article in (await query_data(executor, query))["articles"]["nodes"]:
            for items in article.values():
                assert [item["position"] for item in items] == list(range(len(items)))
                counts.add(len(items))
        assert {2, 3} <= counts


@pytest.mark.parametrize("argument", ["slug", "id"])
async def test_hidden_articles_are_returned_like_missing_ones(server: Server, argument: str) -> None:
    """By slug, by former slug and by id."""
    records = random_newsroom(Random(3), articles=30)
    articles = [record for record in records if isinstance(record, ArticleRecord)]
    expected: dict[str, Any] = {}
    for article in articles:
        names = [former.slug for former in article.slug_history] if argument == "slug" else []
        expected.update(dict.fromkeys(names))
    for article in filter(is_public, articles):
        expected.update(
            {former.slug: article.id for former in article.slug_history} if argument == "slug" else {}
        )
    for article in articles:
        name = article.slug if argument == "slug" else f"art_{article.id}"
        expected[name] = article.id if is_public(article) else expected.get(name)
    async with open_executor(server, records) as executor:
        for name, id in expected.items():
            data = await query_data(executor, f'{{ article({argument}: "{name}") {{ id }} }}')
            assert data == {"article": id and {"id": f"art_{id}"}}, name
    assert None in expected.values()
