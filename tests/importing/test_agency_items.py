"""Items of ninjs and NewsML-G2 in a database: versions, partial items, kills and embargoes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.support.source_files import read_items

from contentql.content.enums import Status
from contentql.content.records import ArticleRecord
from contentql.importing.exporter import export_records
from contentql.importing.importer import import_records
from contentql.importing.statuses import ImportOptions
from contentql.store.database import Database

OPTIONS = ImportOptions(category="news", status=Status.PUBLISHED, create=True)
NAMESPACE = "http://iptc.org/std/nar/2006-10-01/"


@pytest.fixture
def database(database_url: str) -> Database:
    return Database(database_url)


async def import_content(database: Database, content: bytes) -> list[str]:
    """Imports a file; the results of its articles."""
    report = await import_records(database, read_items("file", content, language="en"), options=OPTIONS)
    return [outcome.result for outcome in report.outcomes if outcome.kind in ("article", "")]


async def stored_article(database: Database) -> ArticleRecord:
    """The only stored article."""
    (article,) = [record async for record in export_records(database) if isinstance(record, ArticleRecord)]
    return article


def ninjs(**properties: Any) -> bytes:
    """A ninjs item; with a headline and a text unless it is partial or canceled."""
    return json.dumps({"uri": "urn:a:1", **properties}).encode()


def g2(status: str, version: int, content: str = "") -> bytes:
    """A news item of NewsML-G2."""
    return (
        f'<newsItem xmlns="{NAMESPACE}" guid="urn:a:1" version="{version}" xml:lang="en"><itemMeta>'
        f"<versionCreated>2026-01-0{version}T00:00:00Z</versionCreated>"
        f'<pubStatus qcode="stat:{status}"/></itemMeta>{content}</newsItem>'
    ).encode()


FULL = {
    "headline": "Main",
    "body_html": "<p>One.</p>",
    "versioncreated": "2026-01-01T00:00:00Z",
    "subjects": [{"name": "Trams"}],
    "urgency": 3,
}
G2_CONTENT = (
    "<contentMeta><urgency>3</urgency><subject><name>Trams</name></subject>"
    "<headline>Main</headline></contentMeta>"
    '<contentSet><inlineData contenttype="text/plain">One.</inlineData></contentSet>'
)

EMBARGO = b"<embargoed>2099-01-01T00:00:00Z</embargoed>"
# An item with version 2, a newer one without its text, and its kill, in both formats.
VERSIONS = {
    "ninjs": (
        ninjs(version="2", **FULL),
        ninjs(version="10", **{**FULL, "headline": "Newer"}),
        ninjs(version="11", pubstatus="canceled"),
    ),
    "newsml-g2": (
        g2("usable", 2, G2_CONTENT),
        g2("usable", 10, G2_CONTENT.replace("Main", "Newer")).replace(b"2026-01-010", b"2026-01-10"),
        g2("canceled", 11).replace(b"2026-01-011", b"2026-01-11"),
    ),
}


@pytest.mark.parametrize("format", list(VERSIONS))
async def test_versions_are_compared_as_numbers(database: Database, format: str) -> None:
    """Version 10 is newer than version 2; an older one is skipped, the same one changes nothing."""
    old, new, _ = VERSIONS[format]
    assert await import_content(database, old) == ["created"]
    assert await import_content(database, old) == ["unchanged"]
    assert await import_content(database, new) == ["updated"]
    assert await import_content(database, old) == ["skipped"]
    assert (await stored_article(database)).headline == "Newer"


@pytest.mark.parametrize("format", list(VERSIONS))
async def test_kill_withdraws_the_article_and_keeps_its_content(database: Database, format: str) -> None:
    """It has no more than an id, a version and a status; without an article there is nothing to withdraw."""
    old, _, kill = VERSIONS[format]
    assert await import_content(database, kill) == ["skipped"]
    assert await import_content(database, old) == ["created"]
    assert (await stored_article(database)).status is Status.PUBLISHED
    assert await import_content(database, kill) == ["updated"]
    article = await stored_article(database)
    assert article.status is Status.WITHDRAWN
    assert (article.headline, article.urgency, len(article.blocks)) == ("Main", 3, 1)
    assert [mention.tag for mention in article.tags] == ["TOPIC:trams"]
    assert await import_content(database, old) == ["skipped"]
    assert (await stored_article(database)).status is Status.WITHDRAWN


async def test_kill_with_a_text_changes_no_more_than_the_status(database: Database) -> None:
    """The stored text remains as it was published, for those who look into the case."""
    await import_content(database, ninjs(version="2", **FULL))
    kill = ninjs(
        version="3", headline="Kill", body_html="<p>Kill.</p>", edNote="KILL: wrong person", subjects=[]
    )
    assert await import_content(database, kill) == ["updated"]
    article = await stored_article(database)
    assert (article.status, article.headline) == (Status.WITHDRAWN, "Main")
    assert (len(article.blocks), len(article.tags)) == (1, 1)


@pytest.mark.parametrize(("status", "expected"), [("withheld", Status.DRAFT), ("usable", Status.PUBLISHED)])
async def test_partial_item_without_a_status_keeps_that_of_the_article(
    database: Database, status: str, expected: Status
) -> None:
    """An article that is withheld does not become public by a small change; times stay, too."""
    await import_content(database, ninjs(version="2", pubstatus=status, **FULL))
    before = await stored_article(database)
    partial = {"representationType": "partial", "versionCreated": "2026-02-01T00:00:00Z"}
    assert await import_content(database, ninjs(version="3", type="text", urgency=1, **partial)) == [
        "updated"
    ]
    article = await stored_article(database)
    assert (article.status, article.urgency) == (expected, 1)
    assert article.published_at == before.published_at


async def test_partial_item_is_merged(database: Database) -> None:
    """What it does not have stays; what it has, also if it is empty, replaces the stored value."""
    await import_content(database, ninjs(version="2", **FULL))
    partial = ninjs(version="3", representationType="partial", urgency=1, subjects=[])
    assert await import_content(database, partial) == ["updated"]
    article = await stored_article(database)
    assert (article.headline, article.urgency, article.tags) == ("Main", 1, ())
    assert (len(article.blocks), article.status) == (1, Status.PUBLISHED)


@pytest.mark.parametrize(
    "content",
    [
        ninjs(**FULL, embargoed="2099-01-01T00:00:00Z"),
        ninjs(**FULL, pubstatus="withheld"),
        ninjs(**FULL, pubstatus="unknown"),
        g2("withheld", 1, G2_CONTENT),
        g2("usable", 1, G2_CONTENT).replace(b"<pubStatus", b"<embargoed/><pubStatus"),
        g2("usable", 1, G2_CONTENT).replace(
            b"<pubStatus", b"<embargoed>2099-01-01T00:00:00Z</embargoed><pubStatus"
        ),
    ],
)
async def test_what_readers_may_not_see_is_not_public(database: Database, content: bytes) -> None:
    """Although published articles are asked for."""
    assert await import_content(database, content) == ["created"]
    article = await stored_article(database)
    assert article.status is Status.DRAFT or article.embargo_until
