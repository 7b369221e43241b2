"""Import and export of records on both databases: atomicity, idempotency and error reports."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterable
from typing import Any

import orjson
import pytest

from contentql.content.enums import Status
from contentql.content.import_item import ImportItem
from contentql.content.records import (
    ArticleRecord,
    Record,
)
from contentql.errors import OperatorError
from contentql.fixtures import DEMO_CONTENT, SEED_PAGE
from contentql.formats import jsonl, text
from contentql.importing.exporter import export_records
from contentql.importing.importer import BATCH_SIZE, import_file, import_records
from contentql.importing.report import ImportReport, ItemOutcome
from contentql.importing.statuses import ImportOptions
from contentql.store.database import Database
from contentql.store.models.articles import Article, SlugHistory

NOON = "2024-05-01T12:00:00Z"
WORLD = {"record": "category", "path": "world", "name": "World"}
SOURCE = {"record": "source", "slug": "wire", "name": "Wire", "kind": "AGENCY"}


@pytest.fixture
def database(database_url: str) -> Database:
    return Database(database_url)


def import_items(*records: dict[str, Any]) -> list[ImportItem]:
    """The records as they are read from a JSON Lines file."""
    return list(jsonl.read_records(io.BytesIO(b"\n".join(map(orjson.dumps, records))), "file"))


def article(slug: str, **fields: Any) -> dict[str, Any]:
    """A record of an article with a text."""
    fields_ = {"record": "article", "slug": slug, "language": "en", "headline": slug.title(), **fields}
    return {"blocks": [{"type": "PARAGRAPH", "text": f"Text of {slug}."}], **fields_}


def public_article(slug: str, **fields: Any) -> dict[str, Any]:
    """A record of a published article."""
    return article(slug, **{"status": "PUBLISHED", "publishedAt": NOON, "category": "world", **fields})


def outcomes_of(report: ImportReport) -> list[tuple[str, str]]:
    """Result and reason of each record."""
    return [(outcome.result, outcome.reason) for outcome in report.outcomes]


async def stored_records(database: Database) -> list[Record]:
    return [record async for record in export_records(database)]


async def stored_article(database: Database, slug: str) -> ArticleRecord:
    """The stored article with the slug."""
    (match,) = [
        record
        for record in await stored_records(database)
        if isinstance(record, ArticleRecord) and record.slug == slug
    ]
    return match


async def export_bytes(database: Database) -> bytes:
    """The bytes of an export."""
    return b"".join(jsonl.write_records(await stored_records(database)))


async def test_import_and_export_round_trip(database: Database) -> None:
    """The demo newsroom is exported with the same bytes, and a second import changes nothing."""
    first = await import_file(database, DEMO_CONTENT)
    assert [outcome for outcome in first.outcomes if outcome.result != "created"] == []
    assert await export_bytes(database) == DEMO_CONTENT.read_bytes()
    again = await import_file(database, DEMO_CONTENT)
    assert [outcome for outcome in again.outcomes if outcome.result != "unchanged"] == []
    assert await export_bytes(database) == DEMO_CONTENT.read_bytes()


async def test_demo_newsroom_contains_the_seed_page(database: Database) -> None:
    """Importing the page as an update adds its external id and changes nothing else."""
    await import_file(database, DEMO_CONTENT)
    page = text.read_page(SEED_PAGE.read_bytes(), "page.txt")
    assert page.record is not None
    slug = page.record.slug  # type: ignore[union-attr]
    for reason in ("externalIds", ""):
        report = await import_records(database, [page], options=ImportOptions(update=slug))
        assert report.outcomes[0].reason == reason


async def test_page_is_a_draft_until_it_has_a_date_and_a_section(database: Database) -> None:
    """The outcome names what is missing; importing the page alone again leaves it published."""

    async def import_page(**options: Any) -> ItemOutcome:
        item = text.read_page(SEED_PAGE.read_bytes(), "page.txt")
        return (await import_records(database, [item], options=ImportOptions(**options))).outcomes[-1]

    missing = (
        "the article is a draft and not public: it has no date (publishedAt, or --publish-at)"
        " and no section (category, or --category)"
    )
    result = await import_page()
    assert (result.result, result.reason, result.status) == ("created", missing, Status.DRAFT)
    result = await import_page()
    assert (result.result, result.reason) == ("unchanged", missing)
    publish_at = dt.datetime(2024, 5, 1, 12, tzinfo=dt.UTC)
    result = await import_page(publish_at=publish_at)
    assert (result.result, result.reason) == (
        "failed",
        "the article cannot be published without a section (category, or --category)",
    )
    result = await import_page(publish_at=publish_at, category="world/asia")
    assert (result.result, result.status) == ("updated", Status.PUBLISHED)
    for options in ({"publish_at": publish_at, "category": "world/asia"}, {}):
        result = await import_page(**options)
        assert (result.result, result.reason, result.status) == ("unchanged", "", Status.PUBLISHED)
    slug = "kim-jong-un-sheds-a-tear-before-coffin-of-north-korean-soldier-killed-in-russia"
    record = await stored_article(database, slug)
    assert (record.category, record.published_at, record.first_published_at) == (
        "world/asia",
        publish_at,
        publish_at,
    )


async def test_missing_sections_are_created_unless_similar_to_existing_ones(database: Database) -> None:
    """With their ancestors; a similar path is probably mistyped and is an error."""
    page = text.read_page(b"Head\nText.", "page.txt")
    report = await import_records(database, [page], options=ImportOptions(category="world/middle-east"))
    assert [outcome.label for outcome in report.outcomes] == [
        "category world",
        "category world/middle-east",
        "article head",
    ]
    with pytest.raises(OperatorError, match="did you mean 'world/middle-east'"):
        await import_records(database, [page], options=ImportOptions(category="world/midle-east"))


async def test_future_publication_times_schedule_the_article(database: Database) -> None:
    """A first publication time in the future may be changed."""
    page = text.read_page(b"Head\nText.", "page.txt")
    for year in (2098, 2097):
        at = dt.datetime(year, 1, 1, tzinfo=dt.UTC)
        report = await import_records(
            database, [page], options=ImportOptions(category="world", publish_at=at)
        )
        assert report.outcomes[-1].status is Status.SCHEDULED
        assert (await stored_article(database, "head")).first_published_at == at


async def test_invalid_lines_are_reported_and_others_imported(database: Database) -> None:
    """With line and reason; a second import changes nothing."""
    records = [orjson.dumps(article(f"a-{n}")) for n in range(100)]
    records[49] = b'{"record": "article", "slug": '
    file = b"\n".join(records)
    for result in ("created", "unchanged"):
        report = await import_records(database, jsonl.read_records(io.BytesIO(file), "file.jsonl"))
        assert (report.count(result), report.count("failed")) == (99, 1)
        (failed,) = [outcome for outcome in report.outcomes if outcome.result == "failed"]
        assert failed.location == "file.jsonl:50"
        assert failed.reason.startswith("not JSON: ")


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (article("a", status="PUBLISHED", category="world"), "without a date (publishedAt, or --publish-at)"),
        (article("a", status="SCHEDULED", publishedAt=NOON), "without a section (category, or --category)"),
        (public_article("a", blocks=[]), "without a text (blocks)"),
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
async def test_invalid_records_are_reported_and_others_imported(
    database: Database, record: dict[str, Any], reason: str
) -> None:
    """Nothing of the record is stored, and the reason is one sentence."""
    history = [{"language": "en", "slug": "old", "until": NOON}]
    await import_records(
        database, import_items(WORLD, SOURCE, article("taken", uri="urn:taken", slugHistory=history))
    )
    before = await export_bytes(database)
    imported = {**record, "uri": "urn:other"} if record.get("slug") == "taken" else record
    report = await import_records(database, import_items(imported))
    assert report.count("failed") == 1
    failed = report.outcomes[0].reason
    assert (reason or "another article has the slug 'taken'") in failed
    assert "\n" not in failed
    assert await export_bytes(database) == before
    assert (await import_records(database, import_items(imported, article("next")))).outcomes[
        1
    ].result == "created"


async def test_dry_run_stores_nothing(database: Database) -> None:
    """The outcomes are those of the import, including failures."""
    await import_records(database, import_items(WORLD))
    before = await export_bytes(database)
    records = import_items(
        SOURCE, public_article("a", id="art_7"), article("b", story="none"), public_article("a", uri="urn:c")
    )
    dry_run_report = await import_records(database, records, dry_run=True)
    assert [outcome.result for outcome in dry_run_report.outcomes] == [
        "created",
        "created",
        "failed",
        "failed",
    ]
    assert await export_bytes(database) == before
    assert outcomes_of(await import_records(database, records)) == outcomes_of(dry_run_report)


async def test_changed_slugs_are_in_the_slug_history(database: Database) -> None:
    """A slug that is used again is removed from the history."""
    await import_records(database, import_items(WORLD, public_article("old", id="art_5", uri="urn:5")))
    await import_records(database, import_items(public_article("new", id="art_5", uri="urn:5")))
    record = await stored_article(database, "new")
    assert [value.slug for value in record.slug_history] == ["old"]
    assert record.version == 2
    async with database.orm():
        assert await SlugHistory.filter(slug="old", article_id=5).count() == 1
    assert outcomes_of(
        await import_records(database, import_items(public_article("new", id="art_5", uri="urn:5")))
    ) == [("unchanged", "")]
    await import_records(database, import_items(public_article("old", id="art_5", uri="urn:5")))
    assert [former.slug for former in (await stored_article(database, "old")).slug_history] == ["new"]


async def test_articles_are_matched_by_id_uri_or_external_id(database: Database) -> None:
    """Never by the slug."""
    wire = [{"system": "wire", "value": "77"}]
    await import_records(database, import_items(article("a", id="art_5", uri="urn:5", externalIds=wire)))
    for record in (
        article("a", headline="1", id="art_5"),
        article("b", headline="2", uri="urn:5"),
        article("c", headline="3", externalIds=wire),
    ):
        assert outcomes_of(await import_records(database, import_items(record)))[0][0] == "updated"
    report = await import_records(database, import_items(article("c", headline="4")))
    assert outcomes_of(report) == [
        (
            "failed",
            "another article has the slug 'c' (art_5);"
            ' "id": "art_5" changes that article, another slug makes a new one',
        )
    ]
    async with database.orm():
        assert await Article.all().values_list("id", "headline") == [(5, "3")]


async def test_records_without_ids_are_recognised_in_later_imports(database: Database) -> None:
    """By an external id that has their language and slug, which an export contains."""
    await import_records(database, import_items(article("a")))
    assert outcomes_of(await import_records(database, import_items(article("a"))))[0][0] == "unchanged"
    report = await import_records(database, import_items(article("a", headline="New")))
    assert outcomes_of(report)[0][0] == "updated"
    (external_id,) = (await stored_article(database, "a")).external_ids
    assert (external_id.system, external_id.value) == ("json-lines", "en/a")


async def test_pages_are_recognised_by_their_path(database: Database) -> None:
    """A new headline changes the article, but not its slug; another page with its headline does not."""
    await import_records(database, [text.read_page(b"Head\nText.", "one.txt", external_id="/a/one.txt")])
    report = await import_records(
        database, [text.read_page(b"New head\nText.", "one.txt", external_id="/a/one.txt")]
    )
    assert report.outcomes[0].result == "updated"
    assert (await stored_article(database, "head")).headline == "New head"
    other = text.read_page(b"Head\nOther text.", "one.txt", external_id="/b/one.txt")
    report = await import_records(database, [other])
    assert report.outcomes[0].result == "failed"
    assert "--update head changes that article, --slug names a new one" in report.outcomes[0].reason
    report = await import_records(database, [other], options=ImportOptions(update="head"))
    assert report.outcomes[0].result == "updated"
    assert (await stored_article(database, "head")).headline == "Head"
    report = await import_records(database, [other], options=ImportOptions(update="none"))
    assert outcomes_of(report) == [("failed", "there is no article with the slug 'none' to update")]


async def test_repeated_entries_are_reported(database: Database) -> None:
    """With the name of the list."""
    tag = {"record": "tag", "type": "TOPIC", "slug": "t", "name": "T"}
    tagged = article("a", tags=[{"tag": "TOPIC:t", "relevance": 1}, {"tag": "TOPIC:t", "relevance": 2}])
    report = await import_records(database, import_items(tag, tagged))
    (warning,) = report.outcomes[1].warnings
    assert (warning.code, warning.field) == ("DROPPED", ("tags",))


async def test_older_versions_are_skipped(database: Database) -> None:
    """Versions are compared as numbers: 9 is older than 10."""
    await import_records(database, import_items(article("a", version=10)))
    report = await import_records(database, import_items(article("a", version=9, headline="Stale")))
    assert outcomes_of(report) == [("skipped", "the stored version 10 is newer than version 9 of the record")]
    report = await import_records(database, import_items(article("a", version=11, headline="Fresh")))
    assert (await stored_article(database, "a")).version == 11
    assert outcomes_of(report)[0][0] == "updated"


async def test_related_articles_may_be_imported_in_any_order(database: Database) -> None:
    """A related article that does not exist is reported."""
    records = import_items(
        article("a", uri="urn:a", related=["urn:b"]),
        article("b", uri="urn:b", related=["urn:a", "urn:none"]),
    )
    report = await import_records(database, records)
    assert outcomes_of(report)[2:] == [("failed", "the related article urn:none does not exist")]
    assert (await stored_article(database, "a")).related == ("urn:b",)
    assert (await stored_article(database, "b")).related == ("urn:a",)


async def test_unchanged_attributions_keep_their_ids(database: Database) -> None:
    """With their whole chain; spans are stored with the words around them."""
    hop = {"kind": "REPORTED_BY", "source": "wire"}
    fields = {
        "kind": "REPORTED_BY",
        "via": {**hop, "via": hop},
        "span": {"blockId": "blk_1", "start": 5, "end": 7},
    }
    block = {"id": "blk_1", "type": "PARAGRAPH", "text": "Text of 🛶."}
    await import_records(database, import_items(SOURCE, article("a", blocks=[block], attributions=[fields])))
    (before,) = (await stored_article(database, "a")).attributions
    assert before.span is not None
    assert (before.span.prefix, before.span.exact, before.span.suffix) == ("Text ", "of", " 🛶.")
    ids = [match.id for match in before.hops()]
    assert len({*ids, None}) == 4
    again = import_items(article("a", blocks=[block], attributions=[{"kind": "REPORTED_BY"}, fields]))
    assert outcomes_of(await import_records(database, again)) == [
        ("updated", "attributions; the article is a draft and not public:"
         " it has no date (publishedAt, or --publish-at) and no section (category, or --category)")
    ]  # fmt: skip
    assert (await stored_article(database, "a")).attributions[1] == before


async def test_page_that_removes_attributed_words_is_rejected(database: Database) -> None:
    """The import of the page fails, and nothing changes."""
    await import_records(database, [text.read_page(b"Head\nOne said.\nTwo.", "page.txt")])
    record = await stored_article(database, "head")
    fields = {
        "kind": "REPORTED_BY",
        "span": {"blockId": record.blocks[0].id, "start": 0, "end": 3},
    }
    record_fields = record.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    await import_records(
        database, import_items({"record": "article", **record_fields, "attributions": [fields]})
    )
    before = await export_bytes(database)
    moved = await import_records(database, [text.read_page(b"Head\nNew.\nOne said.\nTwo.", "page.txt")])
    assert moved.count("updated") == 1
    removed = await import_records(database, [text.read_page(b"Head\nNew.\nTwo.", "page.txt")])
    assert removed.count("failed") == 1
    assert "which the article does not have" in removed.outcomes[0].reason
    assert before != await export_bytes(database)


async def test_very_long_texts_can_be_imported(database: Database) -> None:
    """Even with more words than the search index holds."""
    long_text = " ".join(f"word{n}" for n in range(120_000))
    fields = {"type": "PARAGRAPH", "text": long_text}
    report = await import_records(database, import_items(article("book", language="und", blocks=[fields])))
    assert report.count("created") == 1


async def test_extra_fields_round_trip_on_both_databases(database: Database) -> None:
    """Numbers and unusual characters are kept by the JSON of either database."""
    extra = {"z": 1, "a": [1.0, 1e22, -3, True, None, "\u2028 🛶 \"'\\"], "": {"b": {}, "a": []}}
    await import_records(database, import_items(article("a", extra=extra)))
    result = (await stored_article(database, "a")).extra
    assert orjson.dumps(result) == orjson.dumps(extra, option=orjson.OPT_SORT_KEYS)


async def test_progress_is_reported_during_the_import(database: Database) -> None:
    """The outcomes of a batch are reported before the next batch is read."""
    reported: list[ItemOutcome] = []
    batches = (BATCH_SIZE, 2)

    def records() -> Iterable[ImportItem]:
        for number, count in enumerate(batches):
            assert len(reported) == sum(batches[:number])
            yield from import_items(WORLD, SOURCE, *[WORLD] * (count - 2))

    report = await import_records(database, records(), progress=reported.append)
    assert reported == list(report.outcomes)
    total = sum(batches)
    assert report.counts()["unchanged"] == total - 2
    assert str(report).startswith(f"{total} records: 2 created, 0 updated, ")


REFUSED: list[tuple[dict[str, Any], str]] = [
    (
        {"type": "CODE", "text": "x", "language": "js\n```\n<img onerror=alert(1)>"},
        "blocks[0].CODE.language: has a line break at character 3",
    ),
    (
        {"type": "RELATED_LINK", "title": "x", "url": "https://x\n\n[click](javascript:alert(1))"},
        "blocks[0].RELATED_LINK.url: a link must not have white space or control characters (character 10)",
    ),
    (
        {"type": "EMBED", "url": "https://x", "html": "x" * 20_001},
        "blocks[0].EMBED.html: must have at most 20,000 characters, not 20,001",
    ),
    (
        {"type": "UNKNOWN", "originalType": "a\u2028b"},
        "blocks[0].UNKNOWN.originalType: has a line break at character 2",
    ),
]


@pytest.mark.parametrize(("block", "reason"), REFUSED, ids=[reason for _, reason in REFUSED])
async def test_values_that_would_become_markup_are_not_imported(
    database: Database, block: dict[str, Any], reason: str
) -> None:
    """The record is reported with the place of the value, the others are imported."""
    report = await import_records(database, import_items(article("bad", blocks=[block]), article("good")))
    assert outcomes_of(report)[0] == ("failed", reason)
    assert [outcome.result for outcome in report.outcomes] == ["failed", "created"]


async def test_bodies_of_files_are_limited(database: Database) -> None:
    """In blocks and in characters, with the number and the limit."""
    rules = [{"type": "RULE"}] * 400_000
    long = [{"type": "PARAGRAPH", "text": "x" * 2_100_000}] * 2
    report = await import_records(
        database, import_items(article("rules", blocks=rules), article("long", blocks=long))
    )
    assert outcomes_of(report) == [
        ("failed", "blocks: must have at most 5,000 blocks, not 400,000"),
        ("failed", "blocks: must have at most 4,000,000 characters, not 4,200,000"),
    ]


async def test_one_line_fields_of_files_follow_the_rule_of_inputs(database: Database) -> None:
    """A byline, a name or a title with a line end is not imported."""
    values = [
        article("a", byline="By\nJane"),
        article("b", kicker="a\u2029b"),
        article("c", copyrightNotice="a\tb"),
        {"record": "media", "kind": "IMAGE", "url": "https://x/a.png", "mime": "image/png", "credit": "a\nb"},
        {"record": "media", "kind": "IMAGE", "url": "mailto:a@b", "mime": "image/png"},
        {**SOURCE, "homepage": "https://user@wire.example.org/"},
    ]
    assert outcomes_of(await import_records(database, import_items(*values))) == [
        ("failed", "byline: has a line break at character 3"),
        ("failed", "kicker: has a line break at character 2"),
        ("failed", "copyrightNotice: has a control character at character 2"),
        ("failed", "credit: has a line break at character 2"),
        ("failed", "url: a link must begin with http:, https: or be relative"),
        ("failed", "homepage: a link must not have a user name or password"),
    ]
