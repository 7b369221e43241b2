"""Import and export of records on both databases: atomicity, idempotency and error reports."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterable
from typing import Any

import orjson
import pytest

from contentql.content.enums import Status
from contentql.content.records import ArticleRecord, ImportItem, Record
from contentql.errors import OperatorError
from contentql.fixtures import DEMO_CONTENT, SEED_PAGE
from contentql.formats import jsonl, text
from contentql.importing.exporter import export_records
from contentql.importing.importer import ImportOptions, import_file, import_records
from contentql.importing.report import ImportReport, RecordOutcome
from contentql.store.database import Database
from contentql.store.models.articles import Article, SlugHistory

NOON = "2024-05-01T12:00:00Z"
WORLD = {"record": "category", "path": "world", "name": "World"}
SOURCE = {"record": "source", "slug": "wire", "name": "Wire", "kind": "AGENCY"}


@pytest.fixture
def database(database_url: str) -> Database:
    return Database(database_url)


def lines(*records: dict[str, Any]) -> list[ImportItem]:
    return list(jsonl.read_records(io.BytesIO(b"\n".join(map(orjson.dumps, records))), "file"))


def article(slug: str, **fields: Any) -> dict[str, Any]:
    input = {"record": "article", "slug": slug, "language": "en", "headline": slug.title(), **fields}
    return {"blocks": [{"type": "PARAGRAPH", "text": f"Text of {slug}."}], **input}


def public(slug: str, **fields: Any) -> dict[str, Any]:
    return article(slug, **{"status": "PUBLISHED", "publishedAt": NOON, "category": "world", **fields})


def outcomes_of(report: ImportReport) -> list[tuple[str, str]]:
    return [(outcome.result, outcome.reason) for outcome in report.outcomes]


async def stored_articles(database: Database) -> list[Record]:
    return [record async for record in export_records(database)]


async def the(database: Database, slug: str) -> ArticleRecord:
    (results,) = [
        record
        for record in await stored_articles(database)
        if isinstance(record, ArticleRecord) and record.slug == slug
    ]
    return results


async def written(database: Database) -> bytes:
    return b"".join(jsonl.write_records(await stored_articles(database)))


async def test_export_and_import_lose_nothing(database: Database) -> None:
    """The demo newsroom goes in, comes out as the same bytes, and going in again changes nothing."""
    first = await import_file(database, DEMO_CONTENT)
    assert [outcome for outcome in first.outcomes if outcome.result != "created"] == []
    assert await written(database) == DEMO_CONTENT.read_bytes()
    again = await import_file(database, DEMO_CONTENT)
    assert [outcome for outcome in again.outcomes if outcome.result != "unchanged"] == []
    assert await written(database) == DEMO_CONTENT.read_bytes()


async def test_the_demo_holds_the_seed_page(database: Database) -> None:
    """Taking in the page itself finds the article, and its attributions stay: it says the same."""
    await import_file(database, DEMO_CONTENT)
    report = await import_records(database, [text.read_page(SEED_PAGE.read_bytes(), "page.txt")])
    assert outcomes_of(report) == [("unchanged", "")]


async def test_a_page_is_a_draft_until_it_has_a_date_and_a_section(database: Database) -> None:
    """What it lacks is named; with both it is published, and the page alone changes nothing then."""

    async def page(**wishes: Any) -> RecordOutcome:
        item = text.read_page(SEED_PAGE.read_bytes(), "page.txt")
        return (await import_records(database, [item], wishes=ImportOptions(**wishes))).outcomes[-1]

    lacks = (
        "the article is a draft and not public: it has no date (publishedAt, or --publish-at)"
        " and no section (category, or --category)"
    )
    result = await page()
    assert (result.result, result.reason, result.status) == ("created", lacks, Status.DRAFT)
    result = await page()
    assert (result.result, result.reason) == ("unchanged", lacks)
    at = dt.datetime(2024, 5, 1, 12, tzinfo=dt.UTC)
    result = await page(publish_at=at)
    assert (result.result, result.reason) == (
        "failed",
        "the article cannot be published without a section (category, or --category)",
    )
    result = await page(publish_at=at, category="world/asia")
    assert (result.result, result.status) == ("updated", Status.PUBLISHED)
    for wishes in ({"publish_at": at, "category": "world/asia"}, {}):
        result = await page(**wishes)
        assert (result.result, result.reason, result.status) == ("unchanged", "", Status.PUBLISHED)
    slug = "kim-jong-un-sheds-a-tear-before-coffin-of-north-korean-soldier-killed-in-russia"
    record = await the(database, slug)
    assert (record.category, record.published_at, record.first_published_at) == ("world/asia", at, at)


async def test_a_section_is_made_but_not_of_a_slip(database: Database) -> None:
    """A new path is made with those above it, and told; what is nearly a known one is asked back."""
    page = text.read_page(b"Head\nText.", "page.txt")
    report = await import_records(database, [page], wishes=ImportOptions(category="world/middle-east"))
    assert [outcome.label for outcome in report.outcomes] == [
        "category world",
        "category world/middle-east",
        "article head",
    ]
    with pytest.raises(OperatorError, match="did you mean 'world/middle-east'"):
        await import_records(database, [page], wishes=ImportOptions(category="world/midle-east"))


async def test_what_is_published_in_the_future_is_scheduled(database: Database) -> None:
    """It needs no other word, and a first publication that was only planned may move."""
    page = text.read_page(b"Head\nText.", "page.txt")
    for year in (2098, 2097):
        at = dt.datetime(year, 1, 1, tzinfo=dt.UTC)
        report = await import_records(database, [page], wishes=ImportOptions(category="world", publish_at=at))
        assert report.outcomes[-1].status is Status.SCHEDULED
        assert (await the(database, "head")).first_published_at == at


async def test_one_broken_line_of_many(database: Database) -> None:
    """The others go in, the report names the line and why, and a second run changes nothing."""
    records = [orjson.dumps(article(f"a-{n}")) for n in range(100)]
    records[49] = b'{"record": "article", "slug": '
    file = b"\n".join(records)
    for what in ("created", "unchanged"):
        report = await import_records(database, jsonl.read_records(io.BytesIO(file), "file.jsonl"))
        assert (report.count(what), report.count("failed")) == (99, 1)
        (failed,) = [outcome for outcome in report.outcomes if outcome.result == "failed"]
        assert failed.location == "file.jsonl:50"
        assert failed.reason.startswith("not JSON: ")


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (article("a", status="PUBLISHED", category="world"), "without a date (publishedAt, or --publish-at)"),
        (article("a", status="SCHEDULED", publishedAt=NOON), "without a section (category, or --category)"),
        (public("a", blocks=[]), "without a text (blocks)"),
        (article("a", category="nowhere"), "there is no category 'nowhere'"),
        (article("a", story="none"), "there is no story 'none'"),
        (article("a", leadMedia="med_5"), "there is no media med_5"),
        (article("a", tags=[{"tag": "TOPIC:none"}]), "there is no tag 'TOPIC:none'"),
        (article("a", authors=[{"author": "nobody"}]), "there is no author 'nobody'"),
        (article("a", attributions=[{"kind": "SAID", "source": "none"}]), "there is no source 'none'"),
        (
            article("a", embargoUntil="2030-01-02T00:00:00Z", expiresAt="2030-01-01T00:00:00Z"),
            "the record violates the constraint: article embargo before expiry",
        ),
        ({"record": "category", "path": "a/b", "name": "B"}, "there is no category 'a'"),
        (
            {"record": "collection", "slug": "c", "title": "C", "items": [{"article": "urn:none"}]},
            "there is no article 'urn:none'",
        ),
        (
            article("a", slugHistory=[{"language": "en", "slug": "old", "until": NOON}]),
            "another row has the same language, slug",
        ),
        (article("taken"), ""),
    ],
)
async def test_records_that_cannot_be_imported(database: Database, record: dict[str, Any], why: str) -> None:
    """Nothing of it is kept, the reason is one plain sentence, and what follows goes in."""
    history = [{"language": "en", "slug": "old", "until": NOON}]
    await import_records(
        database, lines(WORLD, SOURCE, article("taken", uri="urn:taken", slugHistory=history))
    )
    before = await written(database)
    used = {**record, "uri": "urn:other"} if record.get("slug") == "taken" else record
    report = await import_records(database, lines(used))
    assert report.count("failed") == 1
    failed = report.outcomes[0].reason
    assert (why or "another article has the slug 'taken'") in failed
    assert "\n" not in failed
    assert await written(database) == before
    assert (await import_records(database, lines(used, article("next")))).outcomes[1].result == "created"


async def test_a_dry_run_leaves_no_trace(database: Database) -> None:
    """It tells what would happen, failures included, and takes it all back."""
    await import_records(database, lines(WORLD))
    before = await written(database)
    records = lines(SOURCE, public("a", id="art_7"), article("b", story="none"), public("a", uri="urn:c"))
    dry = await import_records(database, records, dry_run=True)
    assert [outcome.result for outcome in dry.outcomes] == ["created", "created", "failed", "failed"]
    assert await written(database) == before
    assert outcomes_of(await import_records(database, records)) == outcomes_of(dry)


async def test_a_slug_that_changes_is_remembered(database: Database) -> None:
    """The old slug stays in the history, with the time it ended, and goes when it is taken back."""
    await import_records(database, lines(WORLD, public("old", id="art_5", uri="urn:5")))
    await import_records(database, lines(public("new", id="art_5", uri="urn:5")))
    record = await the(database, "new")
    assert [value.slug for value in record.slug_history] == ["old"]
    assert record.version == 2
    async with database.orm():
        assert await SlugHistory.filter(slug="old", article_id=5).count() == 1
    assert outcomes_of(await import_records(database, lines(public("new", id="art_5", uri="urn:5")))) == [
        ("unchanged", "")
    ]
    await import_records(database, lines(public("old", id="art_5", uri="urn:5")))
    assert [change.slug for change in (await the(database, "old")).slug_history] == ["new"]


async def test_an_article_is_known_by_what_it_says(database: Database) -> None:
    """By its id, its uri or another system's id; by its slug only if it says none of these."""
    wire = [{"system": "wire", "value": "77"}]
    await import_records(database, lines(article("a", id="art_5", uri="urn:5", externalIds=wire)))
    for record in (
        article("a", headline="1", id="art_5"),
        article("b", headline="2", uri="urn:5"),
        article("c", headline="3", externalIds=wire),
        article("c", headline="4"),
    ):
        assert outcomes_of(await import_records(database, lines(record)))[0][0] == "updated"
    async with database.orm():
        assert await Article.all().values_list("id", "headline") == [(5, "4")]


async def test_an_older_version_never_overwrites(database: Database) -> None:
    """Versions are compared as numbers: 9 is older than 10."""
    await import_records(database, lines(article("a", version=10)))
    report = await import_records(database, lines(article("a", version=9, headline="Stale")))
    assert outcomes_of(report) == [("skipped", "the stored version 10 is newer than version 9 of the record")]
    report = await import_records(database, lines(article("a", version=11, headline="Fresh")))
    assert (await the(database, "a")).version == 11
    assert outcomes_of(report)[0][0] == "updated"


async def test_articles_may_stand_beside_each_other(database: Database) -> None:
    """Whichever comes first; one that never comes is named."""
    records = lines(
        article("a", uri="urn:a", related=["urn:b"]),
        article("b", uri="urn:b", related=["urn:a", "urn:none"]),
    )
    report = await import_records(database, records)
    assert outcomes_of(report)[2:] == [("failed", "the related article urn:none does not exist")]
    assert (await the(database, "a")).related == ("urn:b",)
    assert (await the(database, "b")).related == ("urn:a",)


async def test_attributions_keep_their_ids(database: Database) -> None:
    """One that says the same is the same, with its whole chain; its words and those around are noted."""
    hop = {"kind": "REPORTED_BY", "source": "wire"}
    fields = {
        "kind": "REPORTED_BY",
        "via": {**hop, "via": hop},
        "span": {"blockId": "blk_1", "start": 5, "end": 7},
    }
    block = {"id": "blk_1", "type": "PARAGRAPH", "text": "Text of 🛶."}
    await import_records(database, lines(SOURCE, article("a", blocks=[block], attributions=[fields])))
    (before,) = (await the(database, "a")).attributions
    assert before.span is not None
    assert (before.span.prefix, before.span.exact, before.span.suffix) == ("Text ", "of", " 🛶.")
    ids = [match.id for match in before.hops()]
    assert len({*ids, None}) == 4
    again = lines(article("a", blocks=[block], attributions=[{"kind": "REPORTED_BY"}, fields]))
    assert outcomes_of(await import_records(database, again)) == [
        ("updated", "attributions; the article is a draft and not public:"
         " it has no date (publishedAt, or --publish-at) and no section (category, or --category)")
    ]  # fmt: skip
    assert (await the(database, "a")).attributions[1] == before


async def test_a_page_does_not_pull_words_from_under_an_attribution(database: Database) -> None:
    """If the words an attribution rests on are gone from the page, the page fails and nothing changes."""
    await import_records(database, [text.read_page(b"Head\nOne said.\nTwo.", "page.txt")])
    record = await the(database, "head")
    fields = {
        "kind": "REPORTED_BY",
        "span": {"blockId": record.blocks[0].id, "start": 0, "end": 3},
    }
    out = record.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    await import_records(database, lines({"record": "article", **out, "attributions": [fields]}))
    before = await written(database)
    moved = await import_records(database, [text.read_page(b"Head\nNew.\nOne said.\nTwo.", "page.txt")])
    assert moved.count("updated") == 1
    removed = await import_records(database, [text.read_page(b"Head\nNew.\nTwo.", "page.txt")])
    assert removed.count("failed") == 1
    assert "which the article does not have" in removed.outcomes[0].reason
    assert before != await written(database)


async def test_a_book_can_be_searched_and_kept(database: Database) -> None:
    """More words than either index holds are no reason to refuse a text."""
    book = " ".join(f"word{n}" for n in range(120_000))
    fields = {"type": "PARAGRAPH", "text": book}
    report = await import_records(database, lines(article("book", language="und", blocks=[fields])))
    assert report.count("created") == 1


async def test_free_fields_are_the_same_on_both_databases(database: Database) -> None:
    """Order, numbers and odd characters of `extra` survive either database's JSON."""
    extra = {"z": 1, "a": [1.0, 1e22, -3, True, None, "\u2028 🛶 \"'\\"], "": {"b": {}, "a": []}}
    await import_records(database, lines(article("a", extra=extra)))
    result = (await the(database, "a")).extra
    assert orjson.dumps(result) == orjson.dumps(extra, option=orjson.OPT_SORT_KEYS)


async def test_progress_is_reported_during_the_import(database: Database) -> None:
    """Every outcome is passed on when it is known, before the next record is read."""
    seen: list[RecordOutcome] = []

    def records() -> Iterable[ImportItem]:
        for number, item in enumerate(lines(WORLD, SOURCE)):
            assert len(seen) == number
            yield item

    report = await import_records(database, records(), progress=seen.append)
    assert seen == list(report.outcomes)
    assert str(report) == "2 records: 2 created, 0 updated, 0 unchanged, 0 skipped, 0 failed"
