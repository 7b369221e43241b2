"""Working copies of published articles, which the public does not see before they are published."""

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

# All that the public can see of an article, by every way there is to it.
SHOWN = """
  id uri slug canonicalSlug isRedirect headline kicker shortHeadline lede summary language contentType urgency
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
EVERYWHERE = f"""query($i: ID!, $old: String!, $new: String!) {{
  article(id: $i) {{ {SHOWN} }}
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
ALL_OF_IT: dict[str, Any] = {
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


async def everywhere(
    newsroom: EditorialClient, id: str, old: str, new: str = "zebra", who: Actor = PUBLIC
) -> Any:
    return await newsroom.query(EVERYWHERE, who, i=id, old=old, new=new)


async def attributed(newsroom: EditorialClient, id: str, source: str = "south-korean-intelligence") -> Any:
    created = await newsroom.mutate_ok(
        "addAttribution",
        article=id,
        kind="CITING",
        source=source,
        span={"exact": "citing South Korean intelligence"} if source != "kctv" else None,
        via={"kind": "ACCORDING_TO", "source": "sky-news"},
    )
    return created["attribution"]


async def test_working_copies_are_not_visible_to_the_public(own_desk: EditorialClient) -> None:
    """Every field, list, filter, count, search, slug, attribution, tag and source page stays as it was."""
    newsroom = own_desk
    id = await newsroom.create_draft(headline="Before")
    await attributed(newsroom, id)
    for move in ("submitArticle", "approveArticle", "publishArticle"):
        await newsroom.mutate_ok(move, id=id)
    await newsroom.mutate_ok("pinArticle", id="front-page", article=id)
    before = await everywhere(newsroom, id, "before")
    assert before["article"]["headline"] == "Before"
    assert before["new"] is None
    await newsroom.mutate_ok("updateArticle", id=id, **ALL_OF_IT)
    await attributed(newsroom, id, "kctv")
    assert await everywhere(newsroom, id, "before") == before
    for move in ("submitArticle", "approveArticle"):
        await newsroom.mutate_ok(move, id=id)
        assert await everywhere(newsroom, id, "before") == before
    await newsroom.mutate_ok("publishArticle", id=id)
    after = await everywhere(newsroom, id, "before")
    assert after["article"]["headline"] == "Zebra"
    ways = ("byWord", "byHeadline", "byUrgency", "byType", "byTag", "bySource")
    assert {way: after[way]["totalCount"] for way in ways} == dict.fromkeys(ways, 1)
    assert after["new"] == after["old"] == {"id": id, "headline": "Zebra"}
    assert after["asia"]["articles"]["totalCount"] == 0
    assert after["source"]["attributions"]["totalCount"] == 1


async def test_staff_see_the_working_copy_instead_of_the_article(own_desk: EditorialClient) -> None:
    """Editors see the copy under the article's id, once, in every list; another author sees none of it."""
    newsroom = own_desk
    id = await newsroom.create_published(headline="Before")
    public = await everywhere(newsroom, id, "before", who=BOB)
    await newsroom.mutate_ok("updateArticle", id=id, **ALL_OF_IT)
    assert await everywhere(newsroom, id, "before", who=BOB) == public
    seen = await everywhere(newsroom, id, "before", who=ANNA)
    assert (seen["article"]["headline"], seen["article"]["id"]) == ("Zebra", id)
    assert (seen["article"]["status"], seen["article"]["unpublishedChanges"]) == ("DRAFT", True)
    assert [node["id"] for node in seen["articles"]["nodes"]].count(id) == 1
    assert seen["articles"]["totalCount"] == len(seen["articles"]["nodes"]) == 2
    assert seen["byWord"]["nodes"] == [{"id": id}]
    assert seen["byOldWord"]["nodes"] == []
    assert seen["new"] == {"id": id, "headline": "Zebra"}
    assert seen["asia"]["articles"]["totalCount"] == 0
    assert seen["article"]["edNote"] == "Zebra"


async def test_ids_are_the_same_through_copy_and_publish(newsroom: EditorialClient) -> None:
    """The article, and each hop of its attributions, keep their ids, for editors and for the public."""
    id = await newsroom.create_draft()
    first = await attributed(newsroom, id)
    hops = {first["id"], first["via"]["id"]}
    query = """query($i: ID!, $a: ID!, $v: ID!) {
      article(id: $i) { id attributions { id via { id } } }
      attribution(id: $a) { id article { id } } via: attribution(id: $v) { id hop }
    }"""

    async def seen(who: Actor) -> None:
        data = await newsroom.query(query, who, i=id, a=first["id"], v=first["via"]["id"])
        (head,) = data["article"]["attributions"]
        assert {head["id"], head["via"]["id"]} == hops
        assert data["attribution"] == {"id": first["id"], "article": {"id": id}}
        assert data["via"] == {"id": first["via"]["id"], "hop": 1}

    for move in ("submitArticle", "approveArticle", "publishArticle"):
        await newsroom.mutate_ok(move, id=id)
    for n in range(3):
        await newsroom.mutate_ok("updateArticle", id=id, headline=f"Change {n}")
        await newsroom.mutate_ok("updateArticle", id=id, kicker=f"Change {n}")
        for who in (PUBLIC, ANNA):
            await seen(who)
        await newsroom.republish(id)
        for who in (PUBLIC, ANNA):
            await seen(who)


async def test_old_slugs_lead_on(newsroom: EditorialClient) -> None:
    """Every slug that was ever out leads to the newest; one that was only in a copy never did."""
    id = await newsroom.create_published(headline="Alpha")
    query = "query($s: String!) { article(slug: $s) { id slug canonicalSlug isRedirect } }"
    await newsroom.mutate_ok("updateArticle", id=id, slug="never")
    await newsroom.mutate_ok("updateArticle", id=id, slug="beta")
    for slug in ("never", "beta"):
        assert (await newsroom.query(query, s=slug))["article"] is None
    assert (await newsroom.query(query, s="alpha"))["article"]["isRedirect"] is False
    await newsroom.republish(id)
    await newsroom.mutate_ok("updateArticle", id=id, slug="gamma")
    await newsroom.republish(id)
    for slug, redirected in (("alpha", True), ("beta", True), ("gamma", False)):
        data = (await newsroom.query(query, s=slug))["article"]
        assert (data["id"], data["canonicalSlug"], data["isRedirect"]) == (id, "gamma", redirected)
    assert (await newsroom.query(query, s="never"))["article"] is None


async def test_a_slug_of_a_copy_is_taken(newsroom: EditorialClient) -> None:
    """Two articles never get the same slug: the slug of a working copy is reserved."""
    one, two = await newsroom.create_published(), await newsroom.create_published()
    await newsroom.mutate_ok("updateArticle", id=one, slug="wanted")
    (error,) = await newsroom.mutate_errors("updateArticle", id=two, slug="wanted")
    assert (error["code"], error["field"], error["hint"]) == (
        "TAKEN",
        ["slug"],
        "Use 'wanted-2', which is free.",
    )
    await newsroom.mutate_ok("updateArticle", id=two, slug="wanted-2")
    await newsroom.republish(one)
    assert (await newsroom.republish(two))["slug"] == "wanted-2"


async def test_what_is_out_is_corrected_while_a_copy_is_open(newsroom: EditorialClient) -> None:
    """The correction is public at once, in text and list; the copy takes it in and keeps its own changes."""
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
    mine = (await newsroom.query(query, ANNA, i=id))["article"]
    assert (mine["headline"], mine["kicker"], mine["status"]) == ("After", "Korea", "DRAFT")
    assert "on Tuesday" in mine["body"]["text"]
    assert mine["corrections"] == public["corrections"]
    assert mine["version"] == public["version"] == payload["article"]["version"]
    await newsroom.mutate_ok("updateArticle", id=id, ifVersion=mine["version"], shortHeadline="Short")
    await newsroom.republish(id)
    out = (await newsroom.query(query, i=id))["article"]
    assert (out["headline"], out["corrections"]) == ("After", public["corrections"])
    assert "on Tuesday" in out["body"]["text"]


async def test_a_correction_says_which_words(newsroom: EditorialClient) -> None:
    """Words that do not stand there, or stand there twice, are told; drafts are changed, not corrected."""
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


async def test_a_correction_may_not_empty_what_is_out(newsroom: EditorialClient) -> None:
    """Replacing all the words with none would leave nothing."""
    id = await newsroom.create_published(body={"text": "Wrong."})
    assert await newsroom.mutate_codes(
        "correctArticle", id=id, kind="RETRACTION", text="All wrong.", before="Wrong.", after=""
    ) == {("INVALID", "after")}


async def test_a_revision_comes_back(newsroom: EditorialClient) -> None:
    """As a new version; of what is out, in a copy; by number, and only one that is there."""
    id = await newsroom.create_draft(headline="One")
    await newsroom.mutate_ok("updateArticle", id=id, headline="Two", slug="two", body={"text": "Second."})
    back = await newsroom.mutate_ok("restoreRevision", id=id, version=1)
    assert (back["headline"], back["slug"], back["version"]) == ("One", "one", 3)
    for move in ("submitArticle", "approveArticle", "publishArticle"):
        await newsroom.mutate_ok(move, id=id)
    back = await newsroom.mutate_ok("restoreRevision", id=id, version=2)
    assert (back["headline"], back["status"], back["unpublishedChanges"]) == ("Two", "DRAFT", True)
    query = "query($i: ID!) { article(id: $i) { headline } }"
    assert (await newsroom.query(query, i=id))["article"]["headline"] == "One"
    assert (await newsroom.republish(id))["headline"] == "Two"
    for version in (0, -1, 99, 2**31 - 1):
        assert await newsroom.mutate_codes("restoreRevision", id=id, version=version) == {
            ("NOT_FOUND", "version")
        }


async def test_a_revision_whose_references_are_gone_is_not_brought_back_half(
    newsroom: EditorialClient,
) -> None:
    """What it needs is named, and nothing changes."""
    tag = await newsroom.mutate_ok("createTag", type="TOPIC", name="Fleeting")
    id = await newsroom.create_draft(tags=[{"tag": tag["id"]}])
    await newsroom.mutate_ok("updateArticle", id=id, tags=[])
    await newsroom.mutate_ok("deleteTag", id=tag["id"])
    async with newsroom.unchanged():
        (error,) = await newsroom.mutate_errors("restoreRevision", id=id, version=1)
    assert (error["code"], error["field"]) == ("NOT_FOUND", ["version"])
    assert "fleeting" in error["message"]


async def test_what_came_by_import_can_be_gone_back_to(newsroom: EditorialClient) -> None:
    """The newsdesk's first change keeps what was there before it."""
    await newsroom.mutate_ok("updateArticle", id="art_701", headline="Changed")
    fields = "version savedBy action diff { field before after }"
    query = f'{{ article(id: "art_701") {{ revisions {{ nodes {{ {fields} }} }} }} }}'
    data = (await newsroom.query(query, ANNA))["article"]["revisions"]["nodes"]
    assert [(one["version"], one["savedBy"]) for one in data] == [(2, "Anna"), (1, "Import")]
    assert {"field": "headline", "before": "The first", "after": "Changed"} in data[0]["diff"]
    assert (await newsroom.mutate_ok("restoreRevision", id="art_701", version=1))["headline"] == "The first"


async def test_an_edit_that_only_touches_one_field_changes_no_other(newsroom: EditorialClient) -> None:
    """What is left out stays; null empties; the diff names what changed and nothing else."""
    full = {name: value for name, value in ALL_OF_IT.items() if name not in ("slug", "edNote")}
    id = await newsroom.create_draft(**full, edNote="Call Seoul")
    visible = f"article {{ {SHOWN} }}"
    before = await newsroom.mutate_ok("updateArticle", id=id, selection=visible, kicker="Before")
    after = await newsroom.mutate_ok("updateArticle", id=id, selection=visible, kicker="After")
    assert {name for name in after if after[name] != before[name]} == {"kicker", "version", "revisions"}
    emptied = await newsroom.mutate_ok(
        "updateArticle", id=id, selection=visible, kicker=None, tags=None, dateline=None
    )
    assert (emptied["kicker"], emptied["tags"], emptied["dateline"]) == (None, [], None)
    query = "query($i: ID!) { article(id: $i) { revisions(first: 1) { nodes { diff { field } } } } }"
    data = (await newsroom.query(query, ANNA, i=id))["article"]["revisions"]["nodes"]
    assert {change["field"] for change in data[0]["diff"]} == {"kicker", "tags", "datelinePlace"}


async def test_a_preview_of_a_moment_shows_what_will_be_out_then(newsroom: EditorialClient) -> None:
    """As with X-Preview-At: it sets the time of one request for viewers of drafts, not the public's."""
    id = await newsroom.create_approved(headline="Tomorrow")
    await newsroom.mutate_ok("scheduleArticle", id=id, publishAt="2026-07-01T08:00:00Z")
    query = """query($i: ID!) { article(id: $i) { status }
      articles(filter: {slug: {eq: "tomorrow"}}) { totalCount } }"""

    def at(moment: Any) -> Actor:
        return replace(ANNA, viewer=replace(ANNA.viewer, preview_at=moment))

    nothing = {"article": None, "articles": {"totalCount": 0}}
    assert await newsroom.query(query, at(NOW + DAY - SECOND), i=id) == nothing
    assert await newsroom.query(query, at(NOW + DAY), i=id) == {
        "article": {"status": "PUBLISHED"},
        "articles": {"totalCount": 1},
    }
    assert await newsroom.query(query, i=id) == nothing


async def test_a_preview_link_shows_the_copy_of_one_article(newsroom: EditorialClient) -> None:
    """Its holder sees the current state of that article, and only public content otherwise."""
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


async def exported(newsroom: EditorialClient) -> list[bytes]:
    """All that is written of it, line by line."""
    return list(jsonl.write_records([record async for record in export_records(newsroom.database)]))


async def test_copies_are_no_part_of_an_export(own_desk: EditorialClient) -> None:
    """What is exported is what the articles themselves say, whatever is being changed in copies."""
    newsroom = own_desk
    id = await newsroom.create_published(headline="Before")
    before = await exported(newsroom)
    await newsroom.mutate_ok("updateArticle", id=id, **ALL_OF_IT)
    await attributed(newsroom, id, "kctv")
    assert await exported(newsroom) == before
    async with newsroom.unchanged():
        report = await import_records(
            newsroom.database, jsonl.read_records(io.BytesIO(b"".join(before)), "again")
        )
    assert {outcome.result for outcome in report.outcomes} == {"unchanged"}
    assert TEXT[0] in b"".join(before).decode()
