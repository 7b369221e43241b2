"""`articleBundle` and `editionBundle`: everything once, the fitting files, version, size and expiry."""

from __future__ import annotations

import datetime as dt
import gzip
import re
import statistics
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conftest import NOW, Server
from tests.planner.test_goldens import VIEWERS
from tests.support.cached_newsroom import CachedNewsroom, open_cached_newsroom
from tests.support.graphql_client import execute, execute_with_graphql_core, query_data, query_json
from tests.support.noninterference import make_viewer, preview_viewer

from contentql.auth.permissions import Role
from contentql.execution.executor import Executor
from contentql.execution.request import GraphQLRequest

SECOND = dt.timedelta(seconds=1)

PHONE = """
query Phone($slug: String, $id: ID, $device: DeviceClass, $widths: [Int!]) {
  articleBundle(slug: $slug, id: $id, device: $device, widths: $widths) {
    schemaVersion version bytes expiresAt
    article {
      id slug headline kicker lede language publishedAt updatedAt byline readingMinutes
      category { id name path parent { id name path } }
      leadMedia { id }
      media { media { id } }
      authors { role author { id } }
      tags { id }
      attributions {
        id kind claim quote verification
        chain { kind source { id } media { id } }
        span { blockId start end }
      }
      corrections { kind correctedAt text }
      body {
        blocks {
          id
          type
          fallbackText(knownTypes: ["PARAGRAPH", "HEADING", "QUOTE", "LIST", "IMAGE"])
          ... on ParagraphBlock { runs { text marks href } }
          ... on HeadingBlock { level text }
          ... on QuoteBlock { runs { text marks href } attribution { id } }
          ... on ListBlock { items { level number runs { text marks href } } }
          ... on ImageBlock { caption image: media { id } }
          ... on GalleryBlock { pictures: media { id } }
        }
      }
    }
    related { id slug headline leadMedia { id } }
    sources { id name kind }
    authors { id name image { id } }
    tags { id name type }
    media { media { id alt caption credit } renditions { name url width height bytes } }
  }
}
"""
EDITION = """
query Edition($collection: String!) {
  editionBundle(collection: $collection) {
    schemaVersion version bytes expiresAt
    collection { id title }
    items {
      headline
      media { id }
      article {
        id headline leadMedia { id }
        authors { author { id image { id } } }
        tags { id }
        attributions { chain { source { id } media { id } } }
        media { media { id } }
        related { nodes { id leadMedia { id } } }
      }
    }
    related { id headline leadMedia { id } }
    sources { id name }
    authors { id name }
    tags { id name }
    media { media { id } renditions { url width } }
  }
}
"""
BRIDGES = "heron-city-council-shuts-two-bridges-after-crack-is-found"  # art_714
RELATE = (
    "INSERT INTO article_related (id, position, article_id, related_id)"
    " VALUES (9001, 0, 714, 715), (9002, 1, 714, 733), (9003, 2, 714, 736)"
)


@pytest.fixture(scope="module")
async def template(server: Server) -> str:
    return await server.demo()


@pytest.fixture
async def newsroom(server: Server, template: str) -> AsyncIterator[CachedNewsroom]:
    """The demo newsroom with articles related to BRIDGES, of which 733 and 736 are hidden."""
    async with open_cached_newsroom(server, template) as newsroom:
        await newsroom.write(RELATE)
        yield newsroom


async def article_bundle(executor: Executor, slug: str = BRIDGES, **variables: Any) -> Any:
    variables = variables if "id" in variables else {"slug": slug, **variables}
    return (await query_data(executor, PHONE, variables))["articleBundle"]


async def edition(executor: Executor, collection: str = "front-page") -> Any:
    return (await query_data(executor, EDITION, {"collection": collection}))["editionBundle"]


def ids(objects: Sequence[Any]) -> list[str]:
    return [item["id"] for item in objects]


def named(value: Any, prefix: str) -> Iterator[str]:
    """The ids with the prefix that occur anywhere in a part of a response."""
    if isinstance(value, dict):
        if str(value.get("id", "")).startswith(prefix):
            yield value["id"]
        for inner in value.values():
            yield from named(inner, prefix)
    elif isinstance(value, list):
        for inner in value:
            yield from named(inner, prefix)


# Everything once


@pytest.mark.parametrize("slug", [BRIDGES, "warhol-s-photo-legacy-spread-by-university-exhibits"])
async def test_all_that_an_article_shows_is_in_its_bundle_once(newsroom: CachedNewsroom, slug: str) -> None:
    """Every id in the article, its authors and the cards leads to one object in the lists of the bundle."""
    bundle = await article_bundle(newsroom.uncached_executor, slug)
    article, media = bundle["article"], [item["media"] for item in bundle["media"]]
    assert ids(bundle["sources"]) == sorted(set(named(article["attributions"], "src_")))
    assert ids(bundle["authors"]) == sorted(set(named(article["authors"], "aut_")))
    assert ids(bundle["tags"]) == sorted(set(named(article["tags"], "tag_")))
    shown = [article, bundle["authors"], bundle["related"]]
    assert ids(media) == sorted(set(named(shown, "med_")))
    assert len(bundle["sources"]) > 1
    assert len(media) > 2


@pytest.mark.parametrize("collection", ["front-page", "editors-picks"])
async def test_all_that_an_edition_shows_is_in_it_once(newsroom: CachedNewsroom, collection: str) -> None:
    """The articles are those that readers see, in order; what several of them show is there once."""
    await newsroom.write("UPDATE collection_item SET media_id = 341 WHERE position = 2")
    bundle = await edition(newsroom.uncached_executor, collection)
    items = await query_data(
        newsroom.uncached_executor,
        "query ($slug: String!) { collection(slug: $slug) { items { article { id } } } }",
        {"slug": collection},
    )
    present = [item["article"]["id"] for item in items["collection"]["items"]]
    assert [item["article"]["id"] for item in bundle["items"]] == present
    assert len(present) > 2
    related = set(named([item["article"]["related"] for item in bundle["items"]], "art_"))
    assert ids(bundle["related"]) == sorted(related - set(present))
    assert ids(bundle["sources"]) == sorted(set(named(bundle["items"], "src_")))
    assert ids(bundle["authors"]) == sorted(set(named(bundle["items"], "aut_")))
    assert ids(bundle["tags"]) == sorted(set(named(bundle["items"], "tag_")))
    media = [item["media"]["id"] for item in bundle["media"]]
    assert media == sorted(set(named(bundle["items"], "med_")))


async def test_hidden_objects_are_in_no_bundle(newsroom: CachedNewsroom) -> None:
    """Drafts, articles under embargo, suggested attributions, and media whose licence has ended."""
    before = await article_bundle(newsroom.uncached_executor)
    assert ids(before["related"]) == ["art_715"]
    await newsroom.write(
        "UPDATE attribution SET state = 'SUGGESTED' WHERE article_id = 714",
        "UPDATE media SET expires_at = '2020-01-01T00:00:00Z' WHERE id IN (301, 341, 342)",
        "UPDATE article SET status = 'DRAFT' WHERE id = 715",
    )
    after = await article_bundle(newsroom.uncached_executor)
    assert after["sources"] == after["related"] == []
    assert [item["media"]["id"] for item in after["media"]] == ["med_302"]


async def test_editors_see_what_the_article_shows_them(newsroom: CachedNewsroom) -> None:
    """The bundle of an editor has drafts among the cards, and the sources of suggestions."""
    await newsroom.write("UPDATE attribution SET state = 'SUGGESTED' WHERE article_id = 714")
    executor, editor = newsroom.uncached_executor, make_viewer(Role.PUBLISHER)
    response = await query_json(executor, PHONE, {"slug": BRIDGES}, editor)
    bundle = response["data"]["articleBundle"]
    assert ids(bundle["related"]) == ["art_715", "art_733", "art_736"]
    assert ids(bundle["sources"]) == sorted(set(named(bundle["article"]["attributions"], "src_")))
    assert len(bundle["sources"]) > 1
    response = await query_json(executor, EDITION, {"collection": "front-page"}, editor)
    items = response["data"]["editionBundle"]["items"]
    assert "art_736" in [item["article"]["id"] for item in items]


async def test_a_preview_link_shows_the_bundle_of_its_article(newsroom: CachedNewsroom) -> None:
    """And that of no other hidden article."""
    executor, viewer = newsroom.uncached_executor, preview_viewer(735)
    shown, hidden = [
        (await query_json(executor, PHONE, {"id": number}, viewer))["data"]["articleBundle"]
        for number in ("art_735", "art_736")
    ]
    assert shown["article"]["slug"] == "hidden-scheduled"
    assert hidden is None


@pytest.mark.parametrize("name", VIEWERS)
async def test_every_viewer_gets_bundles(newsroom: CachedNewsroom, name: str) -> None:
    """SQLite before 3.46 can parse the statements with the rules of visibility of any viewer."""
    executor, viewer = newsroom.uncached_executor, VIEWERS[name]
    for query, variables in ((PHONE, {"slug": BRIDGES}), (EDITION, {"collection": "front-page"})):
        response = await query_json(executor, query, variables, viewer)
        assert "errors" not in response
        for bundle in response["data"].values():
            assert bundle["version"]
            assert bundle["sources"]


async def test_an_article_bundle_is_one_statement(newsroom: CachedNewsroom) -> None:
    plan, _ = newsroom.uncached_executor.explain(GraphQLRequest(PHONE, None, {"slug": BRIDGES}))
    assert plan.statements == 1


async def test_a_bundle_is_found_as_the_article_is(newsroom: CachedNewsroom) -> None:
    """By id, slug or former slug; null for what the viewer may not see."""
    executor = newsroom.uncached_executor
    fees = "port-alder-raises-harbour-fees-by-a-tenth"
    assert (await article_bundle(executor, "port-alder-fees"))["article"]["slug"] == fees
    assert (await article_bundle(executor, id="art_721"))["article"]["slug"] == fees
    for hidden in ("hidden-draft", "hidden-embargo", "nowhere"):
        assert await article_bundle(executor, hidden) is None
    assert await edition(executor, "nowhere") is None


# Version and size


VISIBLE_EDITS = {
    "headline": "UPDATE article SET headline = 'Another' WHERE id = 714",
    "body": "UPDATE article_body SET blocks = '[]' WHERE article_id = 714",
    "correction": "UPDATE correction SET text = 'Another' WHERE article_id = 714",
    "section": "UPDATE category SET name = 'Another'",
    "source": "UPDATE source SET name = 'Another' WHERE id IN"
    " (SELECT source_id FROM attribution WHERE article_id = 714)",
    "attribution": "UPDATE attribution SET state = 'REJECTED' WHERE article_id = 714 AND position = 0",
    "author": "UPDATE author SET name = 'Another' WHERE image_id = 301",
    "portrait": "UPDATE author SET image_id = NULL WHERE image_id = 301",
    "tag": "UPDATE tag SET name = 'Another' WHERE id IN"
    " (SELECT tag_id FROM article_tag WHERE article_id = 714)",
    "picture": "UPDATE media SET alt = 'Another' WHERE id = 341",
    "renditions": 'UPDATE media SET renditions = \'[{"url": "a.jpg", "width": 800}]\' WHERE id = 341',
    "licence": "UPDATE media SET expires_at = '2020-01-01T00:00:00Z' WHERE id = 302",
    "card": "UPDATE article SET headline = 'Another' WHERE id = 715",
    "thumbnail": "UPDATE article SET lead_media_id = 355 WHERE id = 715",
    "card removed": "DELETE FROM article_related WHERE id = 9001",
    "card published": "UPDATE article SET embargo_until = NULL WHERE id = 736",
}
INVISIBLE_EDITS = {
    "note": "UPDATE article SET ed_note = 'Another' WHERE id = 714",
    "hidden card": "UPDATE article SET headline = 'Another' WHERE id IN (733, 736)",
    "other article": "UPDATE article SET headline = 'Another' WHERE id = 701",
    "other source": "UPDATE source SET name = 'Another' WHERE slug = 'sky-news'",
    "other picture": "UPDATE media SET alt = 'Another' WHERE id = 303",
    "other licence": "UPDATE media SET alt = NULL WHERE id = 353",
    "homepage": "UPDATE source SET homepage = 'https://example.org'",
    "biography": "UPDATE author SET bio = 'Another'",
    "draft related": "UPDATE article_related SET related_id = 734 WHERE id = 9002",
}


@pytest.mark.parametrize("name", VISIBLE_EDITS)
async def test_visible_edits_change_the_version(newsroom: CachedNewsroom, name: str) -> None:
    """And invalidate the cached response."""
    assert not await newsroom.is_hit(PHONE, {"slug": BRIDGES})
    assert await newsroom.is_hit(PHONE, {"slug": BRIDGES})
    before = await article_bundle(newsroom.cached_executor)
    await newsroom.write(VISIBLE_EDITS[name])
    assert not await newsroom.is_hit(PHONE, {"slug": BRIDGES})
    after = await article_bundle(newsroom.cached_executor)
    assert after["version"] != before["version"]


@pytest.mark.parametrize("name", INVISIBLE_EDITS)
async def test_invisible_edits_change_neither_version_nor_response(
    newsroom: CachedNewsroom, name: str
) -> None:
    """The response is the same, byte by byte."""
    before = (await execute(newsroom.uncached_executor, PHONE, {"slug": BRIDGES})).body
    assert not await newsroom.is_hit(PHONE, {"slug": BRIDGES})
    await newsroom.write(INVISIBLE_EDITS[name])
    assert (await execute(newsroom.uncached_executor, PHONE, {"slug": BRIDGES})).body == before
    await newsroom.is_hit(PHONE, {"slug": BRIDGES})


async def test_edits_of_other_articles_keep_the_cached_bundle(newsroom: CachedNewsroom) -> None:
    """What the bundle does not show does not invalidate it."""
    assert not await newsroom.is_hit(PHONE, {"slug": BRIDGES})
    for name in ("hidden card", "other article", "other source", "other picture", "draft related"):
        await newsroom.write(INVISIBLE_EDITS[name])
        assert await newsroom.is_hit(PHONE, {"slug": BRIDGES}), name


EDITION_EDITS = {
    "item removed": "DELETE FROM collection_item WHERE article_id = 724",
    "item hidden": "UPDATE article SET status = 'DRAFT' WHERE id = 724",
    "item published": "UPDATE article SET embargo_until = NULL WHERE id = 736",
    "item headline": "UPDATE collection_item SET headline = 'Another' WHERE article_id = 724",
    "item media": "UPDATE collection_item SET media_id = 352 WHERE article_id = 724",
    "order": "UPDATE collection_item SET position = 9 WHERE article_id = 724",
    "limit": "UPDATE collection SET max_items = 2 WHERE slug = 'front-page'",
    "article": "UPDATE article SET headline = 'Another' WHERE id = 724",
    "source": "UPDATE source SET name = 'Another' WHERE id = 284",
    "author": "UPDATE author SET name = 'Another' WHERE id = 503",
    "tag": "UPDATE tag SET name = 'Another' WHERE id = 518",
    "card": "UPDATE article SET headline = 'Another' WHERE id = 726",
    "card added": "INSERT INTO article_related (id, position, article_id, related_id)"
    " VALUES (9009, 0, 724, 725)",
    "portrait": "UPDATE author SET image_id = 345 WHERE id = 503",
    "thumbnail": "UPDATE article SET lead_media_id = 349 WHERE id = 726",
    "new source": "UPDATE attribution SET source_id = 220 WHERE article_id = 724",
    "attribution media": "UPDATE attribution SET media_id = 352 WHERE article_id = 732",
    "picture placed": "INSERT INTO article_media (id, position, role, article_id, media_id)"
    " VALUES (9010, 5, 'INLINE', 724, 354)",
    "licence": "UPDATE media SET expires_at = '2020-01-01T00:00:00Z' WHERE id = 350",
    "expiry": "UPDATE article SET expires_at = '2027-01-01T00:00:00Z' WHERE id = 724",
}
# The lists alone, without the articles and their relations.
PARTS = """
{ editionBundle(collection: "front-page") {
    version expiresAt related { id headline } sources { id name } authors { id name } tags { id name }
    media { media { id } } items { headline media { id } article { headline } }
} }
"""
LISTS = {
    name: f'{{ editionBundle(collection: "front-page") {{ {name} {selection} }} }}'
    for name, selection in {
        "version": "related { id headline leadMedia { id } }",
        "sources": "{ name }",
        "authors": "{ name }",
        "tags": "{ name }",
        "media": "{ media { id } }",
        "expiresAt": "",
    }.items()
}


@pytest.mark.parametrize("name", EDITION_EDITS)
async def test_edits_invalidate_the_cached_edition(newsroom: CachedNewsroom, name: str) -> None:
    """Also of a client that selects one of its lists only; `is_hit` compares with a new response."""
    queries = [PARTS, *LISTS.values()]
    for query in queries:
        assert not await newsroom.is_hit(query)
        assert await newsroom.is_hit(query)
    before = (await execute(newsroom.cached_executor, PARTS)).body
    await newsroom.write(EDITION_EDITS[name])
    assert not await newsroom.is_hit(PARTS)
    assert (await execute(newsroom.cached_executor, PARTS)).body != before, "the case changes nothing"
    for query in queries:
        await newsroom.is_hit(query)


async def test_edits_elsewhere_keep_the_cached_edition(newsroom: CachedNewsroom) -> None:
    """An article outside the collection, its sources and its hidden parts."""
    assert not await newsroom.is_hit(PARTS)
    await newsroom.write(
        "UPDATE article SET headline = 'Another' WHERE id = 702",
        "UPDATE source SET name = 'Another' WHERE slug = 'nobody'",
        "UPDATE attribution SET source_id = 201, origin_id = 201 WHERE article_id = 702",
        "UPDATE article SET headline = 'Another' WHERE id = 736",
        "DELETE FROM article_related WHERE article_id = 702",
    )
    assert await newsroom.is_hit(PARTS)


async def test_version_and_bytes_are_those_of_the_response(newsroom: CachedNewsroom) -> None:
    """`bytes` is the length of the JSON without the computed fields, which the version does not depend on."""
    executor = newsroom.uncached_executor
    text = 'articleBundle(id: "art_714") { %s article { headline } media { media { alt } } %s }'
    plain = (await execute(executor, f"{{ bundle: {text % ('', '')} }}")).body
    size = len(plain) - len(b'{"data":{"bundle":}}')
    both = f"{{ a: {text % ('version size: bytes', '')} b: {text % ('', 'expiresAt v: version bytes')} }}"
    data = await query_data(executor, both)
    assert data["a"]["size"] == data["b"]["bytes"] == size
    assert data["a"]["version"] == data["b"]["v"]
    assert re.fullmatch("[0-9a-f]{32}", data["a"]["version"])
    assert list(data["b"]) == ["article", "media", "expiresAt", "v", "bytes"]
    other = await query_data(executor, '{ articleBundle(id: "art_714") { version article { slug } } }')
    assert other["articleBundle"]["version"] != data["a"]["version"]


async def test_texts_that_look_like_placeholders_stay(newsroom: CachedNewsroom) -> None:
    """Content with the form of a placeholder or marker is content."""
    texts = ['"version":{"bundle version":0},', '"":"art.701",', '"__is":"Article",', '{"bundle bytes":0}']
    query = '{ articleBundle(id: "art_714") { version bytes article { headline } } }'
    versions = set()
    for text in texts:
        await newsroom.write(f"UPDATE article SET headline = '{text}' WHERE id = 714")
        assert not await newsroom.is_hit(query)
        data = await query_data(newsroom.cached_executor, query)
        assert data["articleBundle"]["article"]["headline"] == text
        versions.add(data["articleBundle"]["version"])
    assert len(versions) == len(texts)


async def test_reference_execution_returns_the_same(newsroom: CachedNewsroom) -> None:
    """Versions and sizes too, of aliases in one operation and of only computed fields."""
    query = (
        '{ a: articleBundle(id: "art_714") { version bytes expiresAt }'
        ' b: articleBundle(id: "art_714") { bytes article { body { blocks { type fallbackText } } } version }'
        ' c: articleBundle(slug: "nowhere") { version } d: editionBundle(collection: "front-page") {'
        " v: version w: version related { __typename id } } }"
    )
    executor = newsroom.uncached_executor
    assert await execute_with_graphql_core(executor, query) == await query_json(executor, query)


# Expiry


async def test_a_bundle_expires_with_the_first_of_its_parts(newsroom: CachedNewsroom) -> None:
    """Articles, related articles, media and, in an edition, pins; selected or not. Hidden ones never."""
    query = '{ articleBundle(id: "art_714") { version expiresAt } }'

    async def expiry() -> Any:
        return (await query_data(newsroom.uncached_executor, query))["articleBundle"]["expiresAt"]

    versions = {(await query_data(newsroom.uncached_executor, query))["articleBundle"]["version"]}
    assert await expiry() is None
    times = [
        ("media", "expires_at", 341, "2027-05-05T00:00:00Z"),
        ("article", "expires_at", 714, "2027-04-04T00:00:00Z"),
        ("media", "expires_at", 302, "2027-03-03T00:00:00Z"),  # a portrait
        ("article", "expires_at", 715, "2027-02-02T00:00:00Z"),
        ("media", "expires_at", 342, "2027-01-01T00:00:00Z"),  # of the related article
    ]
    for table, column, number, time in times:
        await newsroom.write(f"UPDATE {table} SET {column} = '{time}' WHERE id = {number}")
        assert not await newsroom.is_hit(query)
        assert await expiry() == time
        versions.add((await query_data(newsroom.uncached_executor, query))["articleBundle"]["version"])
    assert len(versions) == 1
    await newsroom.write(
        "UPDATE article SET embargo_until = '2026-11-01T00:00:00Z' WHERE id = 736",
        "UPDATE article SET expires_at = '2026-12-01T00:00:00Z' WHERE id IN (733, 736)",
        "UPDATE media SET expires_at = '2026-12-01T00:00:00Z' WHERE id = 303",
    )
    assert await expiry() == "2027-01-01T00:00:00Z"


async def test_editions_expire_when_a_pin_ends(newsroom: CachedNewsroom) -> None:
    """Not by the pin of an item that readers do not see."""
    query = '{ editionBundle(collection: "front-page") { expiresAt } }'
    pins = "UPDATE collection_item SET pinned_until = '{}' WHERE article_id = {}"
    await newsroom.write(pins.format("2026-07-02T00:00:00Z", 724), pins.format("2026-07-01T00:00:00Z", 736))
    data = await query_data(newsroom.uncached_executor, query)
    assert data["editionBundle"]["expiresAt"] == "2026-07-02T00:00:00Z"


@pytest.mark.parametrize("query", ['articleBundle(id: "art_714")', 'editionBundle(collection: "front-page")'])
async def test_cached_bundles_change_when_they_expire(newsroom: CachedNewsroom, query: str) -> None:
    """At the time in `expiresAt` and not a second before, the content is another."""
    end = NOW + 30 * SECOND
    await newsroom.write(f"UPDATE media SET expires_at = '{end:%Y-%m-%dT%H:%M:%SZ}' WHERE id = 341")
    query = f"{{ {query} {{ version expiresAt media {{ media {{ id }} }} }} }}"
    before = await execute(newsroom.cached_executor, query)
    assert f'"{end:%Y-%m-%dT%H:%M:%SZ}"'.encode() in before.body
    newsroom.now = end - SECOND
    assert await newsroom.is_hit(query)
    newsroom.now = end
    assert not await newsroom.is_hit(query)
    assert b"med_341" not in (await execute(newsroom.cached_executor, query)).body


# Files that fit


def fitting(files: list[dict[str, Any]], widths: Sequence[int]) -> list[int | None]:
    """The widths of the files that `renditions` has, by the description of the field."""
    chosen = set()
    for width in widths:
        wide = [file["width"] for file in files if file["width"] and file["width"] >= width]
        original = files[-1]["width"]
        known = [file["width"] for file in files if file["width"]]
        chosen.add(min(wide) if wide else original if original is None else max(known))
    return sorted(chosen, key=lambda width: (width is None, width or 0))


WIDTHS = st.integers(1, 3_000)
FILES = st.tuples(st.lists(WIDTHS | st.none(), max_size=5), WIDTHS | st.none())


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=FILES, widths=st.lists(WIDTHS, min_size=1, max_size=4))
async def test_the_smallest_files_that_are_wide_enough(
    newsroom: CachedNewsroom, files: tuple[list[int | None], int | None], widths: list[int]
) -> None:
    """For any stored files and widths; each file once."""
    stored, original = files
    renditions = [
        {"url": f"https://media.example.org/{n}.webp", "width": width} for n, width in enumerate(stored)
    ]
    await newsroom.write(
        f"UPDATE media SET renditions = '{orjson.dumps(renditions).decode()}',"
        f" width = {original or 'NULL'} WHERE id = 341"
    )
    query = (
        'query ($widths: [Int!]) { articleBundle(id: "art_714", widths: $widths)'
        " { media { media { id } renditions { width url } } } }"
    )
    data = await query_data(newsroom.uncached_executor, query, {"widths": widths})
    (picture,) = [item for item in data["articleBundle"]["media"] if item["media"]["id"] == "med_341"]
    expected = fitting([*renditions, {"width": original}], widths)
    assert [file["width"] for file in picture["renditions"]] in (expected, expected[-1:] + expected[:-1])
    assert len({file["url"] for file in picture["renditions"]}) == len(picture["renditions"])


@pytest.mark.parametrize(
    ("device", "width"),
    [(None, 750), ("PHONE", 750), ("TABLET", 1480), ("TABLET_LARGE", 1960), ("TABLET_XLARGE", 2280)],
)
async def test_devices_have_widths(newsroom: CachedNewsroom, device: str | None, width: int) -> None:
    """`widths` is used instead of `device` if both are there."""
    executor = newsroom.uncached_executor
    assert (await article_bundle(executor, device=device))["media"] == (
        await article_bundle(executor, widths=[width], device="TABLET")
    )["media"]
    stored = [
        {"url": f"https://media.example.org/{w}.webp", "width": w} for w in (width - 1, width, width + 1)
    ]
    await newsroom.write(f"UPDATE media SET renditions = '{orjson.dumps(stored).decode()}' WHERE id = 341")
    media = (await article_bundle(executor, device=device))["media"]
    (picture,) = [item for item in media if item["media"]["id"] == "med_341"]
    assert [file["width"] for file in picture["renditions"]] == [width]


@pytest.mark.parametrize(
    ("widths", "code"),
    [
        ([], "BAD_USER_INPUT"),
        ([0], "BAD_USER_INPUT"),
        ([750, -1], "BAD_USER_INPUT"),
        ([10_001], "BAD_USER_INPUT"),
        (list(range(1, 12)), "INPUT_LIMIT_EXCEEDED"),
    ],
)
@pytest.mark.parametrize("selection", ["version", "media { renditions { url } }"])
async def test_unusable_widths_are_errors(
    newsroom: CachedNewsroom, widths: list[int], code: str, selection: str
) -> None:
    """In variables and in the document, whatever is selected; other root fields have their values."""
    executor = newsroom.uncached_executor
    for query, variables in (
        (f'{{ b: articleBundle(id: "art_714", widths: {widths}) {{ {selection} }} site {{ name }} }}', {}),
        (
            'query ($w: [Int!]) { b: articleBundle(id: "art_714", widths: $w)'
            f" {{ {selection} }} site {{ name }} }}",
            {"w": widths},
        ),
    ):
        response = await query_json(executor, query, variables)
        assert response["data"]["b"] is None
        assert response["data"]["site"] is not None
        (error,) = response["errors"]
        assert (error["path"], error["extensions"]["code"]) == (["b"], code)
        assert error["extensions"]["hint"]


@pytest.mark.parametrize("arguments", ["", '(id: "art_714", slug: "x")', "(device: PHONE)", "(id: $id)"])
async def test_a_bundle_needs_one_article(newsroom: CachedNewsroom, arguments: str) -> None:
    """One of id, slug and externalId, with the name of the field in the message."""
    declared = "($id: ID)" if "$" in arguments else ""
    query = f"query {declared} {{ articleBundle{arguments} {{ version }} }}"
    (error,) = (await query_json(newsroom.uncached_executor, query))["errors"]
    assert "articleBundle" in error["message"]
    assert "id, slug, externalId" in error["message"]


async def test_foreign_ids_are_errors(newsroom: CachedNewsroom) -> None:
    response = await query_json(newsroom.uncached_executor, '{ articleBundle(id: "src_206") { version } }')
    assert [error["extensions"]["code"] for error in response["errors"]] == ["INVALID_ID"]


# Size


async def test_text_bundles_of_the_demo_are_small(newsroom: CachedNewsroom) -> None:
    """The median of all articles, with blocks, attributions and cards, is under 6 KB of JSON."""
    executor = newsroom.uncached_executor
    listed = await query_data(executor, "{ articles(first: 100) { nodes { id } } }")
    sizes, compressed = [], []
    for number in ids(listed["articles"]["nodes"]):
        body = (await execute(executor, PHONE, {"id": number})).body
        sizes.append(len(body))
        compressed.append(len(gzip.compress(body)))
    assert len(sizes) > 30
    assert statistics.median(sizes) < 6_000
    assert statistics.median(compressed) < 2_300
