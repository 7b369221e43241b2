"""Working copies of published articles, which are not public before they are published."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

from tests.conftest import NOW
from tests.support.editorial_client import ANNA, BOB, DAY, HOUR, PUBLIC, SECOND, TEXT, EditorialClient

from contentql.auth.permissions import ROLE_PERMISSIONS, Role
from contentql.auth.viewer import Actor, Viewer
from contentql.formats import jsonl
from contentql.importing.exporter import export_records
from contentql.importing.importer import import_records

# Every field of an article, and below, every field and list of the schema that can contain it.
ARTICLE_FIELDS = """
  id uri slug canonicalSlug headline kicker shortHeadline lede summary language contentType urgency
  access status publishedAt firstPublishedAt updatedAt expiresAt byline wordCount readingMinutes canonicalUrl
  canonicalElsewhere version unpublishedChanges edNote embargoUntil owner
  revisions(first: 3) { nodes { version } }
  dateline { place text } rights { syndicatable usageTerms copyrightNotice }
  body { text html markdown } category { path } categories { path }
  leadMedia { id } media { role caption alt media { id } }
  attributions { id kind state position claim verification source { slug } via { id source { slug } }
    origin { slug } chain { id } span { blockId start end exact } article { id headline } }
  authors { role author { slug } } tags { slug } entities { relevance entity { slug } } story { slug }
  corrections { id text } translations { id } related { nodes { id } totalCount }
"""
ALL_OCCURRENCES_QUERY = f"""query($i: ID!, $old: String!, $new: String!) {{
  article(id: $i) {{ {ARTICLE_FIELDS} }}
  node(id: $i) {{ id ... on Article {{ headline }} }}
  old: article(slug: $old) {{ id headline }}
  new: article(slug: $new) {{ id headline }}
  articles {{ totalCount nodes {{ id headline slug }} }}
  byWord: articles(search: "zebra") {{ totalCount nodes {{ id }} }}
  byOldWord: articles(search: "coffin") {{ totalCount nodes {{ id headline }} }}
  byHeadline: articles(filter: {{headline: {{contains: "ebra"}}}}) {{ totalCount }}
  byUrgency: articles(filter: {{urgency: {{eq: 1}}}}) {{ totalCount }}
  byType: articles(filter: {{contentType: {{eq: OPINION}}}}) {{ totalCount }}
  byTag: articles(filter: {{tags: {{some: {{slug: {{eq: "tears"}}}}}}}}) {{ totalCount }}
  bySource: articles(filter: {{attributions: {{some: {{source: {{slug: {{eq: "kctv"}}}}}}}}}}) {{ totalCount }}
  bySection: articles(filter: {{category: {{under: "politics"}}}}) {{ totalCount }}
  drafts: articles(filter: {{status: {{in: [DRAFT, IN_REVIEW, APPROVED]}}}}) {{ totalCount }}
  latest: latestNews(section: "politics") {{ nodes {{ id headline }} }}
  asia: category(path: "world/asia") {{ articles {{ totalCount nodes {{ id headline }} }} }}
  politics: category(path: "politics") {{ articles {{ totalCount nodes {{ id }} }} }}
  tag(type: TOPIC, slug: "tears") {{ articles {{ totalCount nodes {{ id }} }} }}
  tags {{ totalCount nodes {{ slug }} }}
  source(slug: "kctv") {{ slug articles {{ totalCount }} attributions {{ totalCount nodes {{ id }} }} }}
  sources {{ totalCount nodes {{ slug }} }}
  author(slug: "jane-doe") {{ slug articles {{ totalCount }} }}
  story(slug: "north-korea-russia") {{ slug articles {{ totalCount }} }}
  mediaItems {{ totalCount nodes {{ id articles {{ totalCount }} }} }}
  attributions {{ totalCount nodes {{ id source {{ slug }} article {{ id headline }} }} }}
  corrections {{ totalCount nodes {{ id article {{ headline }} }} }}
  collection(slug: "front-page") {{ articles {{ totalCount nodes {{ id headline }} }} items {{ article {{ headline }} }} }}
}}"""  # noqa: E501
CHANGED_FIELDS: dict[str, Any] = {
    "headline": "Zebra",
    "slug": "zebra",
    "kicker": "Zebra",
    "shortHeadline": "Zebra",
    "lede": "Zebra",
    "summary": "Zebra",
    "byline": "Zebra",
    "urgency": 1,
    "access": "SUBSCRIBER",
    "contentType": "OPINION",
    "body": {"text": "A zebra, according to Sky News, citing South Korean intelligence."},
    "category": "politics",
    "categories": ["world"],
    "tags": [{"tag": "tears", "relevance": 80}],
    "authors": [{"author": "jane-doe"}],
    "leadMedia": "med_301",
    "story": "north-korea-russia",
    "related": ["art_701"],
    "dateline": {"place": "Seoul"},
    "rights": {"syndicatable": False, "usageTerms": "Zebra"},
    "canonicalUrl": "https://example.org/zebra",
    "edNote": "Zebra",
}


async def query_all_occurrences(
    newsroom: EditorialClient, id: str, old: str, new: str = "zebra", actor: Actor = PUBLIC
) -> Any:
    """The article in every field, list, filter and search, as the actor sees it."""
    return await newsroom.query(ALL_OCCURRENCES_QUERY, actor, i=id, old=old, new=new)


async def add_attribution(
    newsroom: EditorialClient, id: str, source: str = "south-korean-intelligence"
) -> Any:
    """An attribution with a span and a relay, added to the article."""
    created = await newsroom.mutate_ok(
        "addAttribution",
        article=id,
        kind="CITING",
        source=source,
        span={"exact": "citing South Korean intelligence"} if source != "kctv" else None,
        via={"kind": "ACCORDING_TO", "source": "sky-news"},
    )
    return created["attribution"]


async def test_working_copies_are_not_visible_to_the_public(own_newsroom: EditorialClient) -> None:
    """Every field, list, filter, count, search, slug, attribution, tag and source page stays the same."""
    newsroom = own_newsroom
    id = await newsroom.create_draft(headline="Before")
    await add_attribution(newsroom, id)
    for transition in ("submitArticle", "approveArticle", "publishArticle"):
        await newsroom.mutate_ok(transition, id=id)
    await newsroom.mutate_ok("pinArticle", id="front-page", article=id)
    before = await query_all_occurrences(newsroom, id, "before")
    assert before["article"]["headline"] == "Before"
    assert before["new"] is None
    await newsroom.mutate_ok("updateArticle", id=id, **CHANGED_FIELDS)
    await add_attribution(newsroom, id, "kctv")
    assert await query_all_occurrences(newsroom, id, "before") == before
    for transition in ("submitArticle", "approveArticle"):
        await newsroom.mutate_ok(transition, id=id)
        assert await query_all_occurrences(newsroom, id, "before") == before
    await newsroom.mutate_ok("publishArticle", id=id)
    after = await query_all_occurrences(newsroom, id, "before")
    assert after["article"]["headline"] == "Zebra"
    filters = ("byWord", "byHeadline", "byUrgency", "byType", "byTag", "bySource")
    assert {name: after[name]["totalCount"] for name in filters} == dict.fromkeys(filters, 1)
    assert after["new"] == after["old"] == {"id": id, "headline": "Zebra"}
    assert after["asia"]["articles"]["totalCount"] == 0
    assert after["source"]["attributions"]["totalCount"] == 1


async def test_staff_see_the_working_copy_instead_of_the_article(own_newsroom: EditorialClient) -> None:
    """Editors see it under the id of the article, once in every list; other authors do not see it."""
    newsroom = own_newsroom
    id = await newsroom.create_published(headline="Before")
    public = await query_all_occurrences(newsroom, id, "before", actor=BOB)
    await newsroom.mutate_ok("updateArticle", id=id, **CHANGED_FIELDS)
    assert await query_all_occurrences(newsroom, id, "before", actor=BOB) == public
    data = await query_all_occurrences(newsroom, id, "before", actor=ANNA)
    assert (data["article"]["headline"], data["article"]["id"]) == ("Zebra", id)
    assert (data["article"]["status"], data["article"]["unpublishedChanges"]) == ("DRAFT", True)
    assert [node["id"] for node in data["articles"]["nodes"]].count(id) == 1
    assert data["articles"]["totalCount"] == len(data["articles"]["nodes"]) == 2
    assert data["byWord"]["nodes"] == [{"id": id}]
    assert data["byOldWord"]["nodes"] == []
    assert data["new"] == {"id": id, "headline": "Zebra"}
    assert data["asia"]["articles"]["totalCount"] == 0
    assert data["article"]["edNote"] == "Zebra"


async def test_ids_are_stable_through_working_copies_and_publication(newsroom: EditorialClient) -> None:
    """The article and each hop of its attributions keep their ids, for editors and for the public."""
    id = await newsroom.create_draft()
    first = await add_attribution(newsroom, id)
    hops = {first["id"], first["via"]["id"]}
    query = """query($i: ID!, $a: ID!, $v: ID!) {
      article(id: $i) { id attributions { id via { id } } }
      attribution(id: $a) { id article { id } } via: attribution(id: $v) { id hop }
    }"""

    async def assert_same_ids(actor: Actor) -> None:
        data = await newsroom.query(query, actor, i=id, a=first["id"], v=first["via"]["id"])
        (head,) = data["article"]["attributions"]
        assert {head["id"], head["via"]["id"]} == hops
        assert data["attribution"] == {"id": first["id"], "article": {"id": id}}
        assert data["via"] == {"id": first["via"]["id"], "hop": 1}

    for transition in ("submitArticle", "approveArticle", "publishArticle"):
        await newsroom.mutate_ok(transition, id=id)
    for n in range(3):
        await newsroom.mutate_ok("updateArticle", id=id, headline=f"Change {n}")
        await newsroom.mutate_ok("updateArticle", id=id, kicker=f"Change {n}")
        for actor in (PUBLIC, ANNA):
            await assert_same_ids(actor)
        await newsroom.republish(id)
        for actor in (PUBLIC, ANNA):
            await assert_same_ids(actor)


async def test_published_slugs_redirect_to_the_current_slug(newsroom: EditorialClient) -> None:
    """Slugs of working copies that were never published do not redirect."""
    id = await newsroom.create_published(headline="Alpha")
    query = "query($s: String!) { article(slug: $s) { id slug canonicalSlug } }"
    await newsroom.mutate_ok("updateArticle", id=id, slug="never")
    await newsroom.mutate_ok("updateArticle", id=id, slug="beta")
    for slug in ("never", "beta"):
        assert (await newsroom.query(query, s=slug))["article"] is None
    assert (await newsroom.query(query, s="alpha"))["article"]["slug"] == "alpha"
    await newsroom.republish(id)
    await newsroom.mutate_ok("updateArticle", id=id, slug="gamma")
    await newsroom.republish(id)
    for slug in ("alpha", "beta", "gamma"):
        data = (await newsroom.query(query, s=slug))["article"]
        assert (data["id"], data["canonicalSlug"]) == (id, "gamma")
    assert (await newsroom.query(query, s="never"))["article"] is None


async def test_slugs_of_working_copies_are_reserved(newsroom: EditorialClient) -> None:
    """The slug of a working copy cannot be set on another article."""
    first, second = await newsroom.create_published(), await newsroom.create_published()
    await newsroom.mutate_ok("updateArticle", id=first, slug="wanted")
    (error,) = await newsroom.mutate_errors("updateArticle", id=second, slug="wanted")
    assert (error["code"], error["field"], error["hint"]) == (
        "TAKEN",
        ["slug"],
        "Use 'wanted-2', which is free.",
    )
    await newsroom.mutate_ok("updateArticle", id=second, slug="wanted-2")
    await newsroom.republish(first)
    assert (await newsroom.republish(second))["slug"] == "wanted-2"


async def test_corrections_change_the_article_and_its_working_copy(newsroom: EditorialClient) -> None:
    """The correction is public at once, and the working copy keeps its own changes."""
    id = await newsroom.create_published(headline="Before")
    await newsroom.mutate_ok("updateArticle", id=id, headline="After", kicker="Korea")
    newsroom.now = NOW + HOUR
    payload = await newsroom.mutate_ok(
        "correctArticle",
        id=id,
        kind="CORRECTION",
        text="It was Tuesday.",
        before="on Monday",
        after="on Tuesday",
    )
    assert payload["correction"]["correctedAt"] == "2026-06-30T09:00:00Z"
    query = """query($i: ID!) { article(id: $i) { headline kicker updatedAt status version body { text }
      corrections { id text before after } } }"""
    public = (await newsroom.query(query, i=id))["article"]
    assert (public["headline"], public["updatedAt"]) == ("Before", "2026-06-30T09:00:00Z")
    assert "on Tuesday" in public["body"]["text"]
    assert public["corrections"] == [
        {
            "id": payload["correction"]["id"],
            "text": "It was Tuesday.",
            "before": "on Monday",
            "after": "on Tuesday",
        }
    ]
    working_copy = (await newsroom.query(query, ANNA, i=id))["article"]
    assert (working_copy["headline"], working_copy["kicker"], working_copy["status"]) == (
        "After",
        "Korea",
        "DRAFT",
    )
    assert "on Tuesday" in working_copy["body"]["text"]
    assert working_copy["corrections"] == public["corrections"]
    assert working_copy["version"] == public["version"] == payload["article"]["version"]
    await newsroom.mutate_ok("updateArticle", id=id, ifVersion=working_copy["version"], shortHeadline="Short")
    await newsroom.republish(id)
    published = (await newsroom.query(query, i=id))["article"]
    assert (published["headline"], published["corrections"]) == ("After", public["corrections"])
    assert "on Tuesday" in published["body"]["text"]


async def test_correct_article_requires_unambiguous_words(newsroom: EditorialClient) -> None:
    """Missing or repeated words are errors, and drafts cannot be corrected."""
    id = await newsroom.create_published(body={"text": "A tide and a tide."})
    fields = {"kind": "CORRECTION", "text": "Ebb."}
    assert await newsroom.mutate_codes("correctArticle", id=id, **fields, before="flood", after="ebb") == {
        ("NOT_FOUND", "before")
    }
    assert await newsroom.mutate_codes("correctArticle", id=id, **fields, before="tide", after="ebb") == {
        ("INVALID", "before")
    }
    assert await newsroom.mutate_codes("correctArticle", id=id, **fields, before="", after="ebb") == {
        ("NOT_FOUND", "before")
    }
    assert await newsroom.mutate_codes("correctArticle", id=id, **fields, after="ebb") == {
        ("REQUIRED", "before")
    }
    assert await newsroom.mutate_codes("correctArticle", id=id, **fields, block="blk_x") == {
        ("NOT_FOUND", "block")
    }
    assert await newsroom.mutate_codes("correctArticle", id=id, kind="CORRECTION", text="") == {
        ("REQUIRED", "text")
    }
    assert await newsroom.mutate_codes("correctArticle", id=await newsroom.create_draft(), **fields) == {
        ("INVALID_TRANSITION", "id")
    }
    payload = await newsroom.mutate_ok(
        "correctArticle", id=id, kind="CLARIFICATION", text="Tides come and go."
    )
    assert payload["correction"]["kind"] == "CLARIFICATION"


async def test_corrections_must_not_empty_a_block(newsroom: EditorialClient) -> None:
    """Replacing all words with none is INVALID."""
    id = await newsroom.create_published(body={"text": "Wrong."})
    assert await newsroom.mutate_codes(
        "correctArticle", id=id, kind="RETRACTION", text="All wrong.", before="Wrong.", after=""
    ) == {("INVALID", "after")}


async def test_restore_revision_creates_a_new_version(newsroom: EditorialClient) -> None:
    """For a published article it creates a working copy; unknown versions are NOT_FOUND."""
    id = await newsroom.create_draft(headline="One")
    await newsroom.mutate_ok("updateArticle", id=id, headline="Two", slug="two", body={"text": "Second."})
    restored = await newsroom.mutate_ok("restoreRevision", id=id, version=1)
    assert (restored["headline"], restored["slug"], restored["version"]) == ("One", "one", 3)
    for transition in ("submitArticle", "approveArticle", "publishArticle"):
        await newsroom.mutate_ok(transition, id=id)
    restored = await newsroom.mutate_ok("restoreRevision", id=id, version=2)
    assert (restored["headline"], restored["status"], restored["unpublishedChanges"]) == (
        "Two",
        "DRAFT",
        True,
    )
    query = "query($i: ID!) { article(id: $i) { headline } }"
    assert (await newsroom.query(query, i=id))["article"]["headline"] == "One"
    assert (await newsroom.republish(id))["headline"] == "Two"
    for version in (0, -1, 99, 2**31 - 1):
        assert await newsroom.mutate_codes("restoreRevision", id=id, version=version) == {
            ("NOT_FOUND", "version")
        }


async def test_imported_articles_have_a_first_revision(newsroom: EditorialClient) -> None:
    """The first edit stores the imported version as a revision that can be restored."""
    await newsroom.mutate_ok("updateArticle", id="art_701", headline="Changed")
    fields = "version savedBy action diff { field before after }"
    query = f'{{ article(id: "art_701") {{ revisions {{ nodes {{ {fields} }} }} }} }}'
    revisions = (await newsroom.query(query, ANNA))["article"]["revisions"]["nodes"]
    assert [(revision["version"], revision["savedBy"]) for revision in revisions] == [
        (2, "Anna"),
        (1, "Import"),
    ]
    assert {"field": "headline", "before": "The first", "after": "Changed"} in revisions[0]["diff"]
    assert (await newsroom.mutate_ok("restoreRevision", id="art_701", version=1))["headline"] == "The first"


async def test_update_article_changes_only_the_fields_of_its_input(newsroom: EditorialClient) -> None:
    """Null clears a field, and the diff lists only the changed fields."""
    full = {name: value for name, value in CHANGED_FIELDS.items() if name not in ("slug", "edNote")}
    id = await newsroom.create_draft(**full, edNote="Call Seoul")
    selection = f"article {{ {ARTICLE_FIELDS} }}"
    before = await newsroom.mutate_ok("updateArticle", id=id, selection=selection, kicker="Before")
    after = await newsroom.mutate_ok("updateArticle", id=id, selection=selection, kicker="After")
    assert {name for name in after if after[name] != before[name]} == {"kicker", "version", "revisions"}
    cleared = await newsroom.mutate_ok(
        "updateArticle", id=id, selection=selection, kicker=None, tags=None, dateline=None
    )
    assert (cleared["kicker"], cleared["tags"], cleared["dateline"]) == (None, [], None)
    query = "query($i: ID!) { article(id: $i) { revisions(first: 1) { nodes { diff { field } } } } }"
    data = (await newsroom.query(query, ANNA, i=id))["article"]["revisions"]["nodes"]
    assert {change["field"] for change in data[0]["diff"]} == {"kicker", "tags", "datelinePlace"}


async def test_preview_time_shows_what_will_be_public_at_that_time(newsroom: EditorialClient) -> None:
    """It applies to requests of viewers who see drafts, not to the public."""
    id = await newsroom.create_approved(headline="Tomorrow")
    await newsroom.mutate_ok("scheduleArticle", id=id, publishAt="2026-07-01T08:00:00Z")
    query = """query($i: ID!) { article(id: $i) { status }
      articles(filter: {slug: {eq: "tomorrow"}}) { totalCount } }"""

    def previewing_at(time: Any) -> Actor:
        return replace(ANNA, viewer=replace(ANNA.viewer, preview_at=time))

    not_visible = {"article": None, "articles": {"totalCount": 0}}
    assert await newsroom.query(query, previewing_at(NOW + DAY - SECOND), i=id) == not_visible
    assert await newsroom.query(query, previewing_at(NOW + DAY), i=id) == {
        "article": {"status": "PUBLISHED"},
        "articles": {"totalCount": 1},
    }
    assert await newsroom.query(query, i=id) == not_visible


async def test_preview_link_shows_the_working_copy_of_one_article(newsroom: EditorialClient) -> None:
    """Its holder sees that article without internal fields, and otherwise only public content."""
    id, other = (
        await newsroom.create_published(headline="Shared"),
        await newsroom.create_draft(headline="Not shared"),
    )
    await newsroom.mutate_ok("updateArticle", id=id, headline="Shared, changed")
    guest = Actor(
        Viewer(
            "Preview link", Role.READER, None, ROLE_PERMISSIONS[Role.READER], shared_article_id=int(id[4:])
        )
    )
    query = (
        "query($i: ID!, $o: ID!) { article(id: $i) { headline edNote owner } other: article(id: $o) { id } }"
    )
    assert await newsroom.query(query, guest, i=id, o=other) == {
        "article": {"headline": "Shared, changed", "edNote": None, "owner": None},
        "other": None,
    }
    result = await newsroom.execute(
        "mutation($i: ID!) { submitArticle(input: {id: $i}) { userErrors { code } } }", guest, i=id
    )
    assert result["errors"][0]["extensions"]["code"] in ("UNAUTHENTICATED", "FORBIDDEN")


async def export_lines(newsroom: EditorialClient) -> list[bytes]:
    """The lines of an export of the newsroom."""
    return list(jsonl.write_records([record async for record in export_records(newsroom.database)]))


async def test_exports_contain_no_working_copies(own_newsroom: EditorialClient) -> None:
    """An export is the same with and without open working copies."""
    newsroom = own_newsroom
    id = await newsroom.create_published(headline="Before")
    before = await export_lines(newsroom)
    await newsroom.mutate_ok("updateArticle", id=id, **CHANGED_FIELDS)
    await add_attribution(newsroom, id, "kctv")
    assert await export_lines(newsroom) == before
    async with newsroom.unchanged():
        report = await import_records(
            newsroom.database, jsonl.read_records(io.BytesIO(b"".join(before)), "again")
        )
    assert {outcome.result for outcome in report.outcomes} == {"unchanged"}
    assert TEXT[0] in b"".join(before).decode()
