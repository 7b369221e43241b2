"""Hidden content does not affect feeds, sitemaps and documents: they equal those of a newsroom without it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conftest import Server
from tests.end_to_end.test_visibility import open_executor
from tests.support.http_client import make_endpoint
from tests.support.random_content import NOW, random_newsroom, without_hidden

from contentql.app import feed_endpoint
from contentql.content.records import (
    ArticleRecord,
    AuthorRecord,
    CategoryRecord,
    CollectionRecord,
    Record,
    SourceRecord,
    StoryRecord,
    TagRecord,
)
from contentql.execution.executor import Executor
from contentql.settings import Settings

pytestmark = pytest.mark.slow

FOLDERS: dict[type[Record], str] = {
    AuthorRecord: "authors",
    TagRecord: "tags",
    SourceRecord: "sources",
    StoryRecord: "stories",
}
TOMBSTONE = re.compile(rb'<at:deleted-entry ref="([^"]*)"[^>]*/>\n?')


def make_client(executor: Executor) -> httpx2.AsyncClient:
    endpoint = feed_endpoint(make_endpoint(executor), Settings())
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(endpoint),
        base_url="http://news.test",
        headers={"accept-encoding": "identity"},
    )


def paths(records: Sequence[Record]) -> Iterator[str]:
    """The paths of everything that the site may have for the records."""
    pages = [""]
    for record in records:
        match record:
            case CategoryRecord():
                pages.append(f"/{record.path}")
            case CollectionRecord():
                pages.append(f"/collections/{record.slug}")
            case ArticleRecord():
                yield f"/{record.category}/{record.slug}.md"
                yield f"/{record.category}/{record.slug}.jsonld"
            case AuthorRecord() | TagRecord() | SourceRecord() | StoryRecord():
                pages.append(f"/{FOLDERS[type(record)]}/{record.slug}")
    for page in pages:
        yield from (f"{page}/feed.{format}" for format in ("rss", "atom", "json"))
    yield from ("/sitemap.xml", "/news-sitemap.xml")
    yield from (f"/sitemaps/{NOW.year}-{month:02}.xml" for month in range(1, 13))


def visible_part(response: httpx2.Response) -> tuple[int, bytes]:
    """Status and body, without tombstones, of which the other newsroom has none."""
    return response.status_code, re.sub(
        rb"<updated>[^<]*</updated>", b"", TOMBSTONE.sub(b"", response.content), count=1
    )


@settings(max_examples=1, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 1 << 32))
async def test_hidden_content_does_not_change_documents(server: Server, seed: int) -> None:
    """Tombstones name only articles that were public until their expiry."""
    records = random_newsroom(Random(seed))
    expired = {
        record.uri: record
        for record in records
        if isinstance(record, ArticleRecord) and record.expires_at and record.expires_at <= NOW
    }
    count = 0
    async with (
        open_executor(server, records) as with_hidden,
        open_executor(server, without_hidden(records)) as without_hidden_content,
        make_client(with_hidden) as http,
        make_client(without_hidden_content) as other,
    ):
        for path in paths(records):
            actual, expected = await http.get(path), await other.get(path)
            assert visible_part(actual) == visible_part(expected), path
            count += actual.status_code == 200
            refs: list[Any] = TOMBSTONE.findall(actual.content)
            assert {ref.decode() for ref in refs} <= set(map(str, expired)), path
    assert count > 20
