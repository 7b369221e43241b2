"""Items of formats of others: status, references, repetition, conflicts, withdrawals and former addresses.

Looked at from outside: what the public sees by GraphQL after each import.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from tests.support.editorial_client import ANNA, PUBLIC, ROOT, EditorialClient

from contentql.content.enums import MediaKind, Status
from contentql.content.import_item import ImportItem, SourceStatus
from contentql.formats.article_builder import ArticleBuilder
from contentql.formats.source_file import ReadOptions
from contentql.importing.importer import import_records
from contentql.importing.report import ImportReport, ItemOutcome
from contentql.importing.statuses import ImportOptions

PUBLISH: dict[str, Any] = {"status": Status.PUBLISHED, "create": True}
ARTICLES = """{ articles(first: 50, filter: {slug: {startsWith: "imported"}}) { nodes {
  id slug headline status byline category { path name } tags { type slug name }
  authors { author { name } } leadMedia { url alt } body { text } } } }"""


def item(
    name: str = "imported",
    *,
    headline: str = "Imported",
    text: str = "A text.",
    status: SourceStatus = SourceStatus.PUBLIC,
    published: str | None = "2024-01-02T03:04:05Z",
    version: int | None = None,
    modified: str | None = None,
    section: tuple[str, ...] = ("Far Away", "Islands"),
    **fields: Any,
) -> ImportItem:
    """An item as a reader builds it."""
    builder = ArticleBuilder("file.xml", f"item {name}", ReadOptions(), system="test", external_id=name)
    builder.set_text("headline", headline)
    builder.set_slug(fields.pop("slug", name))
    builder.set_language("en")
    builder.set_time("published_at", published)
    builder.text_body(text)
    builder.source_status, builder.source_version = status, version
    builder.source_modified_at = builder.parse_time(modified, "updatedAt")
    if section:
        builder.add_section(*section)
    for tag in fields.pop("tags", ("Ferries",)):
        builder.add_tag(tag)
    for author in fields.pop("authors", ("Lena Voss",)):
        builder.add_author(author)
    for address in fields.pop("addresses", ()):
        builder.add_address(address)
    if picture := fields.pop("picture", None):
        builder.set("lead_media", builder.add_media(picture, MediaKind.IMAGE, alt="A ferry"))
    for field, value in fields.items():
        builder.set(field, value)
    return builder.build()


async def load(newsroom: EditorialClient, *items: ImportItem, **options: Any) -> ImportReport:
    return await import_records(newsroom.database, items, options=ImportOptions(**options), now=newsroom.now)


async def load_one(newsroom: EditorialClient, one: ImportItem, **options: Any) -> ItemOutcome:
    """The outcome of an import of one item, without those of rows that were made for it."""
    return (await load(newsroom, one, **options)).outcomes[-1]


async def articles(newsroom: EditorialClient, actor: Any = PUBLIC) -> list[dict[str, Any]]:
    data = (await newsroom.query(ARTICLES, actor))["articles"]["nodes"]
    assert isinstance(data, list)
    return data


async def desk_edit(newsroom: EditorialClient, id: str) -> None:
    """A published change of the desk."""
    await newsroom.mutate_ok("updateArticle", ROOT, id=id, kicker="As the desk sees it")
    await newsroom.republish(id)


async def test_articles_are_drafts_unless_requested(own_newsroom: EditorialClient) -> None:
    """And published only if they can be: later, by importing them again with the option."""
    newsroom = own_newsroom
    assert (await load_one(newsroom, item(), create=True)).status is Status.DRAFT
    assert await articles(newsroom) == []
    outcome = await load_one(newsroom, item(), **PUBLISH)
    assert (outcome.result, outcome.status) == ("updated", Status.PUBLISHED)
    (article,) = await articles(newsroom)
    assert article["category"] == {"path": "far-away/islands", "name": "Islands"}
    # An import without the option does not unpublish it.
    assert (await load_one(newsroom, item(text="New."), create=True)).status is Status.PUBLISHED
    assert (await articles(newsroom))[0]["body"]["text"] == "New."


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"published": None}, "it has no date; --publish-at gives one"),
        ({"published": "2999-01-01T00:00:00Z"}, "its source publishes it only at 2999-01-01T00:00:00Z"),
        ({"section": ()}, "it has no section; --category gives one"),
        ({"text": ""}, "it has no text"),
        ({"status": SourceStatus.HIDDEN}, "its source does not show it to its readers"),
    ],
)
async def test_what_cannot_be_published_stays_a_draft(
    own_newsroom: EditorialClient, changes: dict[str, Any], message: str
) -> None:
    """With a warning that says why; also when the publication time of the source has come."""
    newsroom = own_newsroom
    outcome = await load_one(newsroom, item(**changes), **PUBLISH)
    assert (outcome.result, outcome.status) == ("created", Status.DRAFT)
    assert any(message in warning.message for warning in outcome.warnings)
    newsroom.now += dt.timedelta(days=400_000)
    assert await articles(newsroom) == []


async def test_options_give_what_the_source_lacks(own_newsroom: EditorialClient) -> None:
    """A section and a date; the section of the source is used where it has one."""
    newsroom = own_newsroom
    at = dt.datetime(2023, 5, 6, tzinfo=dt.UTC)
    lacking = item("imported-1", published=None, section=())
    options: dict[str, Any] = {"publish_at": at, "category": "world", "create": True}
    await load(newsroom, lacking, item("imported-2"), **options)
    paths = {one["slug"]: one["category"]["path"] for one in await articles(newsroom)}
    assert paths == {"imported-1": "world", "imported-2": "far-away/islands"}


async def test_hidden_articles_are_not_public_any_more(own_newsroom: EditorialClient) -> None:
    """A source that withholds an article that was imported as a public one unpublishes it here, too."""
    newsroom = own_newsroom
    await load(newsroom, item(), **PUBLISH)
    assert len(await articles(newsroom)) == 1
    await load(newsroom, item(status=SourceStatus.HIDDEN))
    assert await articles(newsroom) == []


async def test_withdrawn_articles_leave_a_notice(own_newsroom: EditorialClient) -> None:
    """Whatever the desk has changed; one that was never imported is skipped; a newer one stays withdrawn."""
    newsroom = own_newsroom
    killed = item(status=SourceStatus.CANCELED, version=3, text="Kill.")
    assert (await load_one(newsroom, killed)).result == "skipped"
    await load(newsroom, item(version=2), **PUBLISH)
    (article,) = await articles(newsroom)
    await desk_edit(newsroom, article["id"])
    assert (await load_one(newsroom, killed)).status is Status.WITHDRAWN
    assert await articles(newsroom) == []
    path = "/far-away/islands/imported"
    gone = await newsroom.query(
        "query ($p: String!) { resolve(path: $p) { gone { notice } } }", PUBLIC, p=path
    )
    assert gone["resolve"]["gone"]["notice"] == "The source of this article has withdrawn it."
    assert (await load_one(newsroom, item(version=2), **PUBLISH)).result == "skipped"
    again = await load_one(newsroom, item(version=4, text="Again."), **PUBLISH)
    assert again.status is not Status.PUBLISHED
    assert await articles(newsroom) == []


async def test_repeated_imports_change_nothing(own_newsroom: EditorialClient) -> None:
    """Also of an article that the desk has changed, deleted or renamed since."""
    newsroom = own_newsroom
    items = [item(f"imported-{n}", picture=f"https://example.org/{n % 3}.jpg") for n in range(30)]
    first = await load(newsroom, *items, **PUBLISH)
    assert first.count("created") == 30 + 4  # two sections, a tag and an author
    assert first.external_media == 3
    stored = await articles(newsroom)
    await desk_edit(newsroom, stored[0]["id"])
    await newsroom.mutate_ok("deleteArticle", ROOT, id=stored[1]["id"])
    async with newsroom.unchanged():
        again = await load(newsroom, *items, **PUBLISH)
    assert again.counts()["unchanged"] == again.total == 30
    changed = await load(newsroom, *(item(one.record.slug, text="New.") for one in items), **PUBLISH)  # type: ignore[union-attr]
    assert changed.count("conflict") == 2
    assert changed.count("updated") == 28


async def test_older_items_do_not_overwrite_newer_ones(own_newsroom: EditorialClient) -> None:
    """By version, else by time; also within one file, in any order."""
    newsroom = own_newsroom
    newer = item(text="Newer.", modified="2024-02-02T00:00:00Z")
    older = item(text="Older.", modified="2024-02-01T00:00:00Z")
    report = await load(newsroom, newer, older, **PUBLISH)
    assert report.outcomes[-1].result == "skipped"
    report = await load(newsroom, older, newer, item(text="Tenth.", version=10), **PUBLISH)
    assert [each.result for each in report.outcomes] == ["skipped", "unchanged", "updated"]
    report = await load(
        newsroom, item(text="Ninth.", version=9), item(text="Eleventh.", version=11), **PUBLISH
    )
    assert [each.result for each in report.outcomes] == ["skipped", "updated"]
    (article,) = await articles(newsroom)
    assert article["body"]["text"] == "Eleventh."


async def test_missing_references_are_created_only_if_requested(own_newsroom: EditorialClient) -> None:
    """Without the option, names of authors are the byline, and all names are in a warning; with it, a later
    import adds them."""
    newsroom = own_newsroom
    outcome = await load_one(newsroom, item(), status=Status.PUBLISHED, category="world")
    messages = [warning.message for warning in outcome.warnings]
    assert "there are no tags Ferries; --create creates them" in messages
    assert "there are no authors Lena Voss; --create creates them" in messages
    (article,) = await articles(newsroom)
    assert (article["byline"], article["tags"], article["category"]["path"]) == ("Lena Voss", [], "world")
    await load(newsroom, item(), **PUBLISH)
    (article,) = await articles(newsroom)
    assert [tag["name"] for tag in article["tags"]] == ["Ferries"]
    assert article["authors"] == [{"author": {"name": "Lena Voss"}}]
    assert article["byline"] is None
    assert article["category"]["path"] == "far-away/islands"


async def test_tags_of_another_type_are_recognised(own_newsroom: EditorialClient) -> None:
    """A source that knows no types of tags means the only tag of the name."""
    newsroom = own_newsroom
    await newsroom.mutate_ok("createTag", ROOT, type="PLACE", name="Ferries")
    await load(newsroom, item(), **PUBLISH)
    (article,) = await articles(newsroom)
    assert [(tag["type"], tag["name"]) for tag in article["tags"]] == [("PLACE", "Ferries")]


async def test_slugs_of_other_articles_are_not_taken(own_newsroom: EditorialClient) -> None:
    """An item gets another slug, with a warning, and keeps it in later imports."""
    newsroom = own_newsroom
    items = [item(f"imported-{n}", slug="imported") for n in range(3)]
    report = await load(newsroom, *items, **PUBLISH)
    assert [each.key for each in report.outcomes if each.kind == "article"] == [
        "imported",
        "imported-2",
        "imported-3",
    ]
    assert any("another article has the slug 'imported'" in w.message for w in report.outcomes[-1].warnings)
    changed = [item(f"imported-{n}", slug="imported", text="New.") for n in range(3)]
    assert (await load(newsroom, *changed, **PUBLISH)).count("updated") == 3
    assert {one["slug"] for one in await articles(newsroom)} == {"imported", "imported-2", "imported-3"}


async def test_former_addresses_lead_to_the_article(own_newsroom: EditorialClient) -> None:
    """With and without a query; its own address needs no redirect; that of a draft reveals nothing."""
    newsroom = own_newsroom
    addresses = (
        "https://old.example.org/2019/05/ferries/",
        "https://old.example.org/?p=12",
        "https://old.example.org/far-away/islands/imported",
    )
    await load(newsroom, item(addresses=addresses), create=True)
    resolve = "query ($p: String!) { resolve(path: $p) { node { id } redirect { to } } }"
    for path in ("/2019/05/ferries", "/?p=12"):
        assert (await newsroom.query(resolve, PUBLIC, p=path))["resolve"] is None
    await load(newsroom, item(addresses=addresses), **PUBLISH)
    for path in ("/2019/05/ferries", "/2019/05/ferries/", "/?p=12"):
        result = (await newsroom.query(resolve, PUBLIC, p=path))["resolve"]
        assert result["redirect"]["to"].endswith("/far-away/islands/imported"), path
    assert (await newsroom.query(resolve, PUBLIC, p="/?p=13"))["resolve"] is None
    assert len((await newsroom.query("{ redirects { nodes { id } } }", ANNA))["redirects"]["nodes"]) == 2
    outcome = await load_one(newsroom, item("imported-2", addresses=addresses[:1]), **PUBLISH)
    assert any("leads to something else already" in warning.message for warning in outcome.warnings)


async def test_pictures_are_media_by_their_address(own_newsroom: EditorialClient) -> None:
    newsroom = own_newsroom
    await load(newsroom, item(picture="https://example.org/ferry.jpg"), **PUBLISH)
    (article,) = await articles(newsroom)
    assert article["leadMedia"] == {"url": "https://example.org/ferry.jpg", "alt": "A ferry"}


async def test_failed_items_leave_nothing_behind(own_newsroom: EditorialClient) -> None:
    """The others of the batch are imported."""
    newsroom = own_newsroom
    bad = item("imported-bad", lead_media=12345)
    report = await load(newsroom, item("imported-1"), bad, item("imported-2"), **PUBLISH)
    assert report.count("failed") == 1
    assert {one["slug"] for one in await articles(newsroom)} == {"imported-1", "imported-2"}


async def test_dry_run_reports_the_same_and_writes_nothing(own_newsroom: EditorialClient) -> None:
    newsroom = own_newsroom
    items = [item(f"imported-{n}") for n in range(25)]
    async with newsroom.unchanged():
        simulated = await import_records(
            newsroom.database, items, options=ImportOptions(**PUBLISH), now=newsroom.now, dry_run=True
        )
    report = await load(newsroom, *items, **PUBLISH)
    assert [(one.key, one.result) for one in simulated.outcomes] == [
        (one.key, one.result) for one in report.outcomes
    ]
