"""Imports and the desk: what the desk has changed is not overwritten, and every import leaves its traces."""

from __future__ import annotations

import io
from typing import Any

import orjson
import pytest
from tests.support.editorial_client import ROOT, EditorialClient

from contentql.content.import_item import ImportItem
from contentql.errors import OperatorError
from contentql.formats import jsonl, text
from contentql.importing.exporter import export_everything
from contentql.importing.importer import import_records
from contentql.importing.report import ItemOutcome
from contentql.importing.statuses import ImportOptions
from contentql.store.database import Database

PAGE = b"Flood in the valley\nThe river rose."
CHANGED_PAGE = b"Flood in the valley\nThe river fell."
SLUG = "flood-in-the-valley"


async def import_page(newsroom: EditorialClient, page: bytes, **options: Any) -> ItemOutcome:
    """The outcome of importing the page."""
    item = text.read_page(page, "page.txt")
    report = await import_records(newsroom.database, [item], options=ImportOptions(**options))
    return report.outcomes[0]


async def import_record(newsroom: EditorialClient, **record: Any) -> ItemOutcome:
    """The outcome of importing the record."""
    items = list(jsonl.read_records(io.BytesIO(orjson.dumps(record)), "file.jsonl"))
    return (await import_records(newsroom.database, items)).outcomes[0]


HISTORY = """query ($slug: String!) { article(slug: $slug) {
  id headline version revisions(first: 9) { nodes { version savedBy action reason } } } }"""


async def read_history(newsroom: EditorialClient, slug: str = SLUG) -> dict[str, Any]:
    """The article with its revisions, newest first."""
    article = (await newsroom.query(HISTORY, ROOT, slug=slug))["article"]
    assert isinstance(article, dict)
    return article


AUDIT_LOG = """{ auditLog(first: 9) {
  nodes { account action targetId versionBefore versionAfter reason client } } }"""


async def test_page_does_not_overwrite_an_article_with_its_headline(own_newsroom: EditorialClient) -> None:
    """The option `update` names the article explicitly, and its earlier version stays a revision."""
    newsroom = own_newsroom
    published = await newsroom.create_published(headline="Flood in the valley")
    async with newsroom.unchanged():
        outcome = await import_page(newsroom, PAGE)
    assert outcome.result == "failed"
    assert f"another article has the slug '{SLUG}' ({published}); --update {SLUG}" in outcome.reason
    outcome = await import_page(newsroom, PAGE, update=SLUG)
    assert outcome.result == "updated"
    history = await read_history(newsroom)
    assert history["id"] == published
    newest, before = history["revisions"]["nodes"][:2]
    assert newest["savedBy"] == "Import"
    assert newest["version"] == before["version"] + 1 == history["version"]
    assert before["savedBy"] != "Import"


async def test_changes_of_the_desk_are_conflicts(own_newsroom: EditorialClient) -> None:
    """The page of the last import changes nothing, another page is a conflict, until it is an update."""
    newsroom = own_newsroom
    assert (await import_page(newsroom, PAGE)).result == "created"
    article = await read_history(newsroom)
    await newsroom.mutate_ok("updateArticle", id=article["id"], headline="Flood, as the desk sees it")
    async with newsroom.unchanged():
        outcome = await import_page(newsroom, PAGE)
        assert outcome.result == "unchanged"
        assert "since which the desk has changed the article" in outcome.reason
        outcome = await import_page(newsroom, CHANGED_PAGE)
    assert outcome.result == "conflict"
    assert "updated the article at" in outcome.reason
    assert "the record differs from it in blocks, headline" in outcome.reason
    assert outcome.reason.endswith(f"--update {SLUG}")
    assert (await import_page(newsroom, CHANGED_PAGE, update=SLUG)).result == "updated"
    assert (await import_page(newsroom, PAGE)).result == "updated"


async def test_working_copies_are_conflicts(own_newsroom: EditorialClient) -> None:
    """Also with an explicit update, which would not be visible in the working copy."""
    newsroom = own_newsroom
    id = await newsroom.create_published(headline="Flood in the valley")
    await newsroom.mutate_ok("updateArticle", id=id, kicker="Weather")
    async with newsroom.unchanged():
        outcome = await import_page(newsroom, PAGE, update=SLUG)
    assert outcome.result == "conflict"
    assert outcome.reason.startswith("the article has unpublished changes of the desk")


async def test_records_do_not_overwrite_changes_of_the_desk(own_newsroom: EditorialClient) -> None:
    """An edited export of an article that was never imported must have the current version."""
    newsroom = own_newsroom
    id = await newsroom.create_published(headline="Before")
    version = (await read_history(newsroom, "before"))["version"]
    record = {"record": "article", "id": id, "slug": "before", "language": "en", "headline": "After"}
    for stale in ({}, {"version": version + 5}):
        async with newsroom.unchanged():
            assert (await import_record(newsroom, **record, **stale)).result == "conflict"
    assert (await import_record(newsroom, **record, version=version)).result == "updated"
    history = await read_history(newsroom, "before")
    assert history["revisions"]["nodes"][0]["savedBy"] == "Import"


async def test_changes_of_the_desk_to_other_objects_are_conflicts(own_newsroom: EditorialClient) -> None:
    """For example to an author; an equal record changes nothing."""
    newsroom = own_newsroom
    record = {"record": "author", "slug": "jane", "name": "Jane"}
    assert (await import_record(newsroom, **record)).result == "created"
    assert (await import_record(newsroom, **record, bio="Reporter.")).result == "updated"
    author = await newsroom.query('{ author(slug: "jane") { id } }', ROOT)
    await newsroom.mutate_ok("updateAuthor", id=author["author"]["id"], bio="Editor.")
    async with newsroom.unchanged():
        outcome = await import_record(newsroom, **record, bio="Reporter.")
        assert outcome.result == "conflict"
        assert "updateAuthor" in outcome.reason
        assert outcome.reason.endswith("the record differs from it in bio")
        assert (await import_record(newsroom, **record, bio="Editor.")).result == "unchanged"


async def test_imports_write_revisions_and_audit_entries(own_newsroom: EditorialClient) -> None:
    """Under the account `import`, with the file; an unchanged or refused record writes none."""
    newsroom = own_newsroom
    for page in (PAGE, PAGE, CHANGED_PAGE, b""):
        await import_page(newsroom, page)
    history = await read_history(newsroom)
    assert [
        (revision["version"], revision["savedBy"], revision["action"], revision["reason"])
        for revision in history["revisions"]["nodes"]
    ] == [
        (2, "Import", "UPDATED", "Imported from page.txt"),
        (1, "Import", "CREATED", "Imported from page.txt"),
    ]
    entries = (await newsroom.query(AUDIT_LOG, ROOT))["auditLog"]["nodes"][:2]
    assert [(entry["versionBefore"], entry["versionAfter"]) for entry in entries] == [(1, 2), (None, 1)]
    assert entries[0] == {
        "account": "import",
        "action": "importArticle",
        "targetId": history["id"],
        "versionBefore": 1,
        "versionAfter": 2,
        "reason": "Imported from page.txt",
        "client": "contentql import",
    }


async def export_all(database: Database) -> bytes:
    """The bytes of a complete export."""
    return b"".join(jsonl.write_records([record async for record in export_everything(database)]))


async def test_complete_exports_round_trip(own_newsroom: EditorialClient) -> None:
    """With working copies, owners, revisions, redirects, notices and the audit log."""
    newsroom = own_newsroom
    id = await newsroom.create_published(headline="Before")
    await newsroom.mutate_ok("updateArticle", id=id, headline="After", slug="after")
    await newsroom.mutate_ok(
        "addAttribution",
        article=id,
        kind="CITING",
        source="south-korean-intelligence",
        span={"exact": "citing South Korean intelligence"},
        via={"kind": "ACCORDING_TO", "source": "sky-news"},
    )
    withdrawn = await newsroom.create_published(headline="Wrong")
    await newsroom.mutate_ok("withdrawArticle", id=withdrawn, notice="It was wrong.")
    asia = (await newsroom.query('{ category(path: "world/asia") { id } }'))["category"]["id"]
    await newsroom.mutate_ok("moveCategory", ROOT, id=asia, parent=None)
    await newsroom.mutate_ok("createRedirect", path="/old", target=id)
    await newsroom.mutate_ok("createRedirect", path="/?p=1", url="https://elsewhere.example/", status=302)
    before = await export_all(newsroom.database)
    kinds = {orjson.loads(line)["record"] for line in before.splitlines()}
    assert kinds >= {
        "export", "owner", "workingCopy", "redirect", "siteRedirect", "notice", "revision", "auditEntry",
        "article",
    }  # fmt: skip
    url = await newsroom.server.migrated()
    copy = Database(url)
    report = await import_records(copy, jsonl.read_records(io.BytesIO(before), "all.jsonl"))
    assert [outcome for outcome in report.outcomes if outcome.result != "created"] == []
    assert await export_all(copy) == before
    with pytest.raises(OperatorError, match="only into an empty database"):
        await import_records(copy, jsonl.read_records(io.BytesIO(before), "all.jsonl"))
    with pytest.raises(OperatorError, match="is imported alone"):
        await import_records(
            copy,
            jsonl.read_records(io.BytesIO(before), "all.jsonl"),
            options=ImportOptions(category="world"),
        )
    assert await export_all(copy) == before
    await newsroom.server.drop(url)


async def test_history_records_need_the_header_of_a_complete_export(own_newsroom: EditorialClient) -> None:
    """Otherwise an import could write the audit log."""
    async with own_newsroom.unchanged():
        outcome = await import_record(own_newsroom, record="owner", article="art_5", account="bob")
    assert outcome.result == "failed"
    assert outcome.reason.startswith("the record is only for complete exports")


async def test_dry_runs_write_no_audit_entries(own_newsroom: EditorialClient) -> None:
    item = ImportItem("page.txt", text.read_page(PAGE, "page.txt").record)
    async with own_newsroom.unchanged():
        report = await import_records(own_newsroom.database, [item], dry_run=True)
    assert report.count("created") == 1
