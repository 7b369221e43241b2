"""Undo: discarded working copies, restored revisions, the trash, corrected notices."""

from __future__ import annotations

from typing import Any

from tests.conftest import Server
from tests.support.editorial_client import (
    ANNA,
    BOB,
    HOUR,
    PUBLIC,
    ROOT,
    EditorialClient,
    mutation_document,
    open_editorial_client,
)

from contentql.auth.viewer import Actor

HEADLINE = "query($i: ID!) { article(id: $i) { headline version unpublishedChanges } }"


async def test_discarding_a_working_copy_leaves_the_published_text(newsroom: EditorialClient) -> None:
    """The discarded text can be restored from its revision, and a second discard is rejected."""
    id = await newsroom.create_published(headline="Public")
    await newsroom.mutate_ok("updateArticle", id=id, headline="Discarded", slug="discarded")
    public = (await newsroom.query(HEADLINE, PUBLIC, i=id))["article"]
    article = await newsroom.mutate_ok("discardWorkingCopy", id=id)
    assert (article["headline"], article["status"], article["unpublishedChanges"]) == (
        "Public",
        "PUBLISHED",
        False,
    )
    after = (await newsroom.query(HEADLINE, PUBLIC, i=id))["article"]
    assert after["headline"] == public["headline"]
    assert await newsroom.mutate_codes("discardWorkingCopy", id=id) == {("INVALID_TRANSITION", "id")}
    await newsroom.mutate_ok("createArticle", headline="Another", slug="discarded")
    edited = await newsroom.mutate_ok("updateArticle", id=id, ifVersion=article["version"], kicker="Again")
    assert edited["version"] == article["version"] + 1
    query = "query($i: ID!) { article(id: $i) { revisions { nodes { version action headline } } } }"
    revisions = (await newsroom.query(query, ANNA, i=id))["article"]["revisions"]["nodes"]
    version = next(one["version"] for one in revisions if one["headline"] == "Discarded")
    assert "DISCARDED" in {one["action"] for one in revisions}
    assert (await newsroom.mutate_ok("restoreRevision", id=id, version=version))["headline"] == "Discarded"


async def test_authors_discard_only_their_own_working_copies(newsroom: EditorialClient) -> None:
    """Not while the changes are in review."""
    id = await newsroom.create_published()
    await newsroom.mutate_ok("updateArticle", id=id, headline="Changed")
    assert await newsroom.mutate_codes("discardWorkingCopy", BOB, id=id) == {("NOT_OWNER", "id")}
    own = await newsroom.create_draft(BOB)
    for transition in ("submitArticle", "approveArticle", "publishArticle"):
        await newsroom.mutate_ok(transition, id=own)
    await newsroom.mutate_ok("updateArticle", BOB, id=own, headline="Changed")
    await newsroom.mutate_ok("submitArticle", BOB, id=own)
    assert await newsroom.mutate_codes("discardWorkingCopy", BOB, id=own) == {("INVALID_TRANSITION", "id")}
    await newsroom.mutate_ok("returnArticle", id=own)
    await newsroom.mutate_ok("discardWorkingCopy", BOB, id=own)


# Revisions after renames, merges and deletions

PARTS = """{ slug category { path } categories { path } tags { id slug } authors { author { id slug } }
  story { slug } leadMedia { id } media { media { id } } body { markdown }
  attributions { source { slug } via { source { slug } } } related { nodes { id } } }"""
RESTORED = f"article {PARTS} warnings {{ code message field place }}"


async def restore(newsroom: EditorialClient, id: str, version: int = 1) -> tuple[Any, list[Any]]:
    """The restored article and the warnings."""
    payload = await newsroom.mutate_ok("restoreRevision", id=id, version=version, selection=RESTORED)
    return payload["article"], payload["warnings"]


async def make_taxonomy(newsroom: EditorialClient, name: str) -> dict[str, str]:
    """Ids of a new section, tag, author, story and two sources."""
    inputs: dict[str, dict[str, Any]] = {
        "category": {"name": name},
        "tag": {"type": "TOPIC", "name": name},
        "author": {"name": name},
        "story": {"title": name},
        "source": {"name": name, "kind": "OTHER"},
    }
    created = {}
    for noun, input in inputs.items():
        created[noun] = (await newsroom.mutate_ok(f"create{noun.title()}", **input))["id"]
    other = await newsroom.mutate_ok("createSource", name=f"{name} relay", kind="OTHER")
    return {**created, "relay": other["id"]}


async def make_article_with(newsroom: EditorialClient, created: dict[str, str]) -> str:
    id = await newsroom.create_draft(
        category=created["category"],
        categories=["politics"],
        tags=[{"tag": created["tag"]}, {"tag": "tears"}],
        authors=[{"author": created["author"]}, {"author": "jane-doe"}],
        story=created["story"],
    )
    await newsroom.mutate_ok(
        "addAttribution",
        article=id,
        kind="CITING",
        source=created["source"],
        via={"kind": "ACCORDING_TO", "source": created["relay"]},
    )
    return id


async def clear_article(newsroom: EditorialClient, id: str) -> None:
    query = "query($i: ID!) { article(id: $i) { attributions { id } } }"
    for attribution in (await newsroom.query(query, ANNA, i=id))["article"]["attributions"]:
        await newsroom.mutate_ok("deleteAttribution", id=attribution["id"])
    await newsroom.mutate_ok(
        "updateArticle", id=id, category="world/asia", categories=[], tags=[], authors=[], story=None
    )


async def test_revisions_follow_renamed_and_moved_rows(newsroom: EditorialClient) -> None:
    """Although others have taken their names."""
    created = await make_taxonomy(newsroom, "Renamed")
    id = await make_article_with(newsroom, created)
    await clear_article(newsroom, id)
    for noun in ("tag", "author", "story", "source"):
        await newsroom.mutate_ok(f"update{noun.title()}", id=created[noun], slug="moved-on")
    await newsroom.mutate_ok("moveCategory", id=created["category"], parent="world")
    await make_taxonomy(newsroom, "Renamed")
    article, warnings = await restore(newsroom, id, 2)
    assert warnings == []
    assert article["category"] == {"path": "world/renamed"}
    assert [tag["slug"] for tag in article["tags"]] == ["moved-on", "tears"]
    assert [one["author"]["slug"] for one in article["authors"]] == ["moved-on", "jane-doe"]
    assert article["authors"][0]["author"]["id"] == created["author"]
    assert article["story"] == {"slug": "moved-on"}
    assert [one["source"]["slug"] for one in article["attributions"]] == ["moved-on"]


async def test_revisions_drop_only_what_no_longer_exists(newsroom: EditorialClient) -> None:
    """With a warning for each, and never in favour of a namesake."""
    created = await make_taxonomy(newsroom, "Deleted")
    media = await newsroom.mutate_ok("createMedia", kind="IMAGE", url="https://media.example.org/gone.jpg")
    id = await make_article_with(newsroom, created)
    await newsroom.mutate_ok(
        "updateArticle",
        id=id,
        leadMedia=media["id"],
        body={
            "blocks": [
                {"paragraph": {"text": "One."}},
                {"image": {"media": media["id"]}},
                {"gallery": {"media": [media["id"], "med_301"]}},
            ]
        },
    )
    await clear_article(newsroom, id)
    await newsroom.mutate_ok("updateArticle", id=id, leadMedia=None, media=[], body={"text": "Two."})
    for noun in ("category", "tag", "author", "story", "source", "media"):
        await newsroom.mutate_ok(f"delete{noun.title()}", id={**created, "media": media["id"]}[noun])
    await make_taxonomy(newsroom, "Deleted")
    article, warnings = await restore(newsroom, id, 3)
    assert {warning["code"] for warning in warnings} == {"DROPPED"}
    assert {warning["place"].partition("_")[0] for warning in warnings} == {
        "category", "tag", "author", "story", "source", "media", "att",
    }  # fmt: skip
    assert article["category"] is None
    assert article["categories"] == [{"path": "politics"}]
    assert [tag["slug"] for tag in article["tags"]] == ["tears"]
    assert [one["author"]["slug"] for one in article["authors"]] == ["jane-doe"]
    assert (article["story"], article["leadMedia"], article["attributions"]) == (None, None, [])
    assert [one["media"]["id"] for one in article["media"]] == ["med_301"]


async def test_revisions_follow_merged_sources(newsroom: EditorialClient) -> None:
    """A chain that would name one source twice is dropped with a warning."""
    created = await make_taxonomy(newsroom, "Merged")
    id = await make_article_with(newsroom, created)
    await clear_article(newsroom, id)
    await newsroom.mutate_ok("mergeSources", into="joongang", sources=[created["source"]])
    article, warnings = await restore(newsroom, id, 2)
    assert warnings == []
    (attribution,) = article["attributions"]
    assert attribution == {"source": {"slug": "joongang"}, "via": {"source": {"slug": "merged-relay"}}}
    await clear_article(newsroom, id)
    await newsroom.mutate_ok("mergeSources", into="joongang", sources=[created["relay"]])
    article, warnings = await restore(newsroom, id, 2)
    assert (article["attributions"], [one["code"] for one in warnings]) == ([], ["DROPPED"])


async def test_restored_slugs_that_are_taken_are_reported(newsroom: EditorialClient) -> None:
    id = await newsroom.create_draft(slug="contested")
    await newsroom.mutate_ok("updateArticle", id=id, slug="given-up")
    await newsroom.mutate_ok("createArticle", headline="Other", slug="contested")
    article, warnings = await restore(newsroom, id)
    assert article["slug"] == "contested-2"
    assert [(one["code"], one["field"]) for one in warnings] == [("CHANGED", ["slug"])]


# Former slugs and paths


async def test_former_slugs_of_taxonomy_redirect(newsroom: EditorialClient) -> None:
    """Until another row takes the slug, and again to the row that had it last."""
    created = await make_taxonomy(newsroom, "Redirected")
    created["collection"] = (await newsroom.mutate_ok("createCollection", title="Redirected"))["id"]
    for noun in ("tag", "author", "story", "source", "collection"):
        query = f'{{ {noun}(slug: "redirected") {{ id slug }} }}'
        await newsroom.mutate_ok(f"update{noun.title()}", id=created[noun], slug="target")
        row = (await newsroom.query(query, ANNA))[noun]
        assert row == {"id": created[noun], "slug": "target"}
        name = "title" if noun in ("story", "collection") else "name"
        more = {"tag": {"type": "TOPIC"}, "source": {"kind": "OTHER"}}.get(noun, {})
        other = await newsroom.mutate_ok(f"create{noun.title()}", **{name: "Redirected"}, **more)
        row = (await newsroom.query(query, ANNA))[noun]
        assert row == {"id": other["id"], "slug": "redirected"}
        await newsroom.mutate_ok(f"update{noun.title()}", id=other["id"], slug="second")
        assert (await newsroom.query(query, ANNA))[noun]["id"] == other["id"]
        await newsroom.mutate_ok(f"delete{noun.title()}", id=other["id"])
        assert (await newsroom.query(query, ANNA))[noun] is None
        await newsroom.mutate_ok(f"update{noun.title()}", id=created[noun], slug="redirected")
        row = (await newsroom.query(query, ANNA))[noun]
        assert row == {"id": created[noun], "slug": "redirected"}


async def test_former_tag_slugs_are_told_apart_by_type(newsroom: EditorialClient) -> None:
    place = await newsroom.mutate_ok("createTag", type="PLACE", name="Ambiguous")
    topic = await newsroom.mutate_ok("createTag", type="TOPIC", name="Ambiguous")
    for tag in (place, topic):
        await newsroom.mutate_ok("updateTag", id=tag["id"], slug="unambiguous")
    query = 'query($t: TagType) { tag(slug: "ambiguous", type: $t) { id } }'
    for tag in (place, topic):
        assert (await newsroom.query(query, ANNA, t=tag["type"]))["tag"] == {"id": tag["id"]}


async def test_ids_and_slugs_of_merged_sources_lead_to_the_remaining_one(
    newsroom: EditorialClient,
) -> None:
    """Also after a second merge, and in the inputs of mutations, with a warning."""
    names = ("First merged", "Second merged", "Remaining")
    first, second, remaining = [
        (await newsroom.mutate_ok("createSource", name=name, kind="OTHER"))["id"] for name in names
    ]
    await newsroom.mutate_ok("mergeSources", into=second, sources=[first])
    await newsroom.mutate_ok("mergeSources", into=remaining, sources=[second])
    query = """query($i: ID!, $s: String!) { source(id: $i) { id } node(id: $i) { id }
      nodes(ids: [$i, "src_201"]) { id } bySlug: source(slug: $s) { id } }"""
    for id, slug in ((first, "first-merged"), (second, "second-merged")):
        data = await newsroom.query(query, ANNA, i=id, s=slug)
        assert data == {
            "source": {"id": remaining},
            "node": {"id": remaining},
            "nodes": [{"id": remaining}, {"id": "src_201"}],
            "bySlug": {"id": remaining},
        }
        article = await newsroom.create_draft()
        for name in (id, slug):
            payload = await newsroom.mutate_ok(
                "addAttribution",
                article=article,
                kind="SAID",
                source=name,
                selection="attribution { source { id } } warnings { code field }",
            )
            assert payload["attribution"]["source"]["id"] == remaining
            assert payload["warnings"] == [{"code": "CHANGED", "field": ["source"]}]


async def test_former_paths_hold_in_lists_and_filters(newsroom: EditorialClient) -> None:
    await newsroom.mutate_ok("createCategory", name="Old section")
    await newsroom.mutate_ok("createCategory", name="Part", parent="old-section")
    id = await newsroom.create_published(category="old-section/part")
    query = """query($p: String!) {
      latestNews(section: $p) { nodes { id } }
      under: articles(filter: {category: {under: $p}}) { nodes { id } }
      equal: categories(filter: {path: {eq: $p}}) { nodes { path } }
      articles(filter: {categories: {some: {path: {eq: $p}}}}) { totalCount } }"""
    await newsroom.mutate_ok("moveCategory", id="old-section", parent="world")
    for path, count in (("old-section", 0), ("old-section/part", 1), ("world/old-section/part", 1)):
        data = await newsroom.query(query, p=path)
        assert [one["id"] for one in data["latestNews"]["nodes"]] == [id], path
        assert [one["id"] for one in data["under"]["nodes"]] == [id], path
        assert [one["path"] for one in data["equal"]["nodes"]] == [f"world/{path.removeprefix('world/')}"], (
            path
        )
        assert data["articles"]["totalCount"] == count, path
    await newsroom.mutate_ok("createCategory", name="Old section")
    data = await newsroom.query(query, p="old-section")
    assert data["latestNews"]["nodes"] == data["under"]["nodes"] == []
    assert data["equal"]["nodes"] == [{"path": "old-section"}]


# Media of replaced and removed pictures


async def make_picture(newsroom: EditorialClient, name: str) -> str:
    url = f"https://media.example.org/{name}.jpg"
    return str((await newsroom.mutate_ok("createMedia", kind="IMAGE", url=url, alt=name))["id"])


async def test_replaced_and_removed_pictures_leave_the_article(newsroom: EditorialClient) -> None:
    """After the publication they are no longer public and can be deleted."""
    lead, new_lead, inline, placed = [
        await make_picture(newsroom, name) for name in ("lead", "new-lead", "inline", "placed")
    ]
    text, image = {"paragraph": {"text": "One."}}, {"image": {"media": inline}}
    id = await newsroom.create_published(
        leadMedia=lead, body={"blocks": [text, image]}, media=[{"media": placed, "caption": "Own"}]
    )
    query = "query($i: ID!) { article(id: $i) { media { role caption media { id } } } }"

    async def media(actor: Actor) -> list[tuple[str, str]]:
        rows = (await newsroom.query(query, actor, i=id))["article"]["media"]
        return [(row["media"]["id"], row["role"]) for row in rows]

    before = [(lead, "LEAD"), (placed, "INLINE"), (inline, "INLINE")]
    assert await media(PUBLIC) == before
    await newsroom.mutate_ok("updateArticle", id=id, leadMedia=new_lead)
    await newsroom.mutate_ok("updateArticle", id=id, body={"blocks": [text]})
    assert await media(ANNA) == [(new_lead, "LEAD"), (placed, "INLINE")]
    assert await media(PUBLIC) == before
    for picture in (lead, inline):
        assert await newsroom.mutate_codes("deleteMedia", id=picture) == {("IN_USE", "id")}
    await newsroom.republish(id)
    assert await media(PUBLIC) == [(new_lead, "LEAD"), (placed, "INLINE")]
    for picture in (lead, inline):
        await newsroom.mutate_ok("deleteMedia", id=picture)
    await newsroom.mutate_ok("updateArticle", id=id, leadMedia=None)
    assert await media(ANNA) == [(placed, "INLINE")]


async def test_a_former_lead_picture_stays_in_the_body(newsroom: EditorialClient) -> None:
    """And placements that the same change sets are left as they are."""
    blocks = [{"paragraph": {"text": "One."}}, {"image": {"media": "med_301"}}]
    id = await newsroom.create_draft(leadMedia="med_301", body={"blocks": blocks})
    selection = "article { media { role media { id } } }"
    article = await newsroom.mutate_ok("updateArticle", id=id, leadMedia="med_302", selection=selection)
    assert [(one["role"], one["media"]["id"]) for one in article["media"]] == [
        ("LEAD", "med_302"),
        ("INLINE", "med_301"),
    ]
    article = await newsroom.mutate_ok(
        "updateArticle",
        id=id,
        leadMedia=None,
        body={"text": "Two."},
        media=[{"media": "med_302", "role": "GALLERY"}],
        selection=selection,
    )
    assert [(one["role"], one["media"]["id"]) for one in article["media"]] == [("GALLERY", "med_302")]


# The trash

TRASH = "{ deletedArticles(first: 100) { nodes { id slug headline owner deletedAt } totalCount } }"


async def test_deleted_articles_are_listed_for_viewers_of_drafts(own_newsroom: EditorialClient) -> None:
    """Authors see their own, the last deleted first; others get FORBIDDEN."""
    newsroom = own_newsroom
    ids = [await newsroom.create_draft(actor) for actor in (ANNA, BOB)]
    for id in ids:
        await newsroom.mutate_ok("deleteArticle", id=id)
        newsroom.now += HOUR
    trash = (await newsroom.query(TRASH, ANNA))["deletedArticles"]
    assert [one["id"] for one in trash["nodes"]] == ids[::-1]
    assert trash["totalCount"] == 2
    assert trash["nodes"][1]["deletedAt"] == "2026-06-30T08:00:00Z"
    page = "query($c: String) { deletedArticles(first: 1, after: $c) { nodes { id } pageInfo { endCursor } }}"
    first = (await newsroom.query(page, ANNA))["deletedArticles"]
    second = (await newsroom.query(page, ANNA, c=first["pageInfo"]["endCursor"]))["deletedArticles"]
    assert [first["nodes"], second["nodes"]] == [[{"id": ids[1]}], [{"id": ids[0]}]]
    assert [one["id"] for one in (await newsroom.query(TRASH, BOB))["deletedArticles"]["nodes"]] == [ids[1]]
    response = await newsroom.execute(TRASH, PUBLIC)
    assert response["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_deleted_articles_free_their_slug_and_what_they_use(newsroom: EditorialClient) -> None:
    """Restored, they have another slug, and warnings name what was deleted in the meantime."""
    created = await make_taxonomy(newsroom, "Trash")
    picture = await make_picture(newsroom, "trash")
    id = await make_article_with(newsroom, created)
    await newsroom.mutate_ok("updateArticle", id=id, slug="trashed", leadMedia=picture)
    for nouns in (("tag", "author", "story", "source", "category"),):
        for noun in nouns:
            assert ("IN_USE", "id") in await newsroom.mutate_codes(
                f"delete{noun.title()}", id=created[noun]
            ), noun
    await newsroom.mutate_ok("deleteArticle", id=id)
    other = await newsroom.create_draft(slug="trashed")
    await newsroom.mutate_ok("deleteArticle", id=other)
    await newsroom.create_draft(slug="trashed")
    for noun in ("tag", "story", "source", "category"):
        await newsroom.mutate_ok(f"delete{noun.title()}", id=created[noun])
    await newsroom.mutate_ok("deleteMedia", id=picture)
    payload = await newsroom.mutate_ok("restoreArticle", id=id, selection=RESTORED)
    article, warnings = payload["article"], payload["warnings"]
    assert article["slug"] == "trashed-2"
    assert [tag["slug"] for tag in article["tags"]] == ["tears"]
    assert [one["author"]["slug"] for one in article["authors"]] == ["trash", "jane-doe"]
    assert (article["leadMedia"], article["attributions"], article["category"]) == (None, [], None)
    assert article["body"]["markdown"].startswith("Kim wept")
    assert sorted(one["code"] for one in warnings) == ["CHANGED"] + ["DROPPED"] * 6
    assert {one["id"] for one in (await newsroom.query(TRASH, ANNA))["deletedArticles"]["nodes"]} >= {other}


async def test_restored_articles_have_all_that_still_exists(newsroom: EditorialClient) -> None:
    created = await make_taxonomy(newsroom, "Complete")
    id = await make_article_with(newsroom, created)
    query = f"query($i: ID!) {{ article(id: $i) {PARTS} }}"
    before = (await newsroom.query(query, ANNA, i=id))["article"]
    await newsroom.mutate_ok("deleteArticle", id=id)
    payload = await newsroom.mutate_ok("restoreArticle", id=id, selection=RESTORED)
    assert payload == {"article": before, "warnings": []}


async def test_only_administrators_purge_deleted_articles(newsroom: EditorialClient) -> None:
    id = await newsroom.create_draft(slug="purged")
    assert await newsroom.mutate_codes("purgeArticle", ROOT, id=id) == {("INVALID_TRANSITION", "id")}
    await newsroom.mutate_ok("deleteArticle", id=id)
    response = await newsroom.execute(mutation_document("purgeArticle"), ANNA, input={"id": id})
    assert response["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert await newsroom.mutate_ok("purgeArticle", ROOT, id=id) == id
    assert await newsroom.mutate_codes("restoreArticle", ROOT, id=id) == {("NOT_FOUND", "id")}
    number = id.removeprefix("art_")
    for table in ("article_body", "revision", "article_section"):
        assert await newsroom.table(f"SELECT 1 FROM {table} WHERE article_id = {number}") == []


async def test_former_slugs_lead_to_the_article_that_had_them_last(newsroom: EditorialClient) -> None:
    """A second article may take a slug and leave it, too."""
    ids = []
    for _ in range(2):
        ids.append(await newsroom.create_published(slug="passed-on"))
        await newsroom.mutate_ok("updateArticle", id=ids[-1], slug=f"left-{ids[-1]}")
        await newsroom.republish(ids[-1])
    query = '{ article(slug: "passed-on") { id } }'
    assert (await newsroom.query(query))["article"] == {"id": ids[1]}


# Notices, corrections, owners


async def test_notices_of_withdrawals_can_be_changed_and_removed(server: Server) -> None:
    """Also of articles that were unpublished before, in cached responses, and by former slugs."""
    async with open_editorial_client(server, with_cache=True) as newsroom:
        id = await newsroom.create_published(slug="before")
        await newsroom.mutate_ok("updateArticle", id=id, slug="after")
        await newsroom.republish(id)
        query = """{ old: withdrawal(slug: "before") { id notice withdrawnAt }
          withdrawal(slug: "after", language: "en") { id notice withdrawnAt }
          other: withdrawal(slug: "after", language: "de") { id } }"""

        async def notices() -> Any:
            data = await newsroom.query(query)
            assert data["old"] == data["withdrawal"]
            assert data["other"] is None
            return data["withdrawal"]

        assert await notices() is None
        await newsroom.mutate_ok("unpublishArticle", id=id)
        assert await notices() is None
        await newsroom.mutate_ok("withdrawArticle", id=id, notice="Wrong.")
        first = await notices()
        assert (first["id"], first["notice"]) == (id, "Wrong.")
        newsroom.now += HOUR
        await newsroom.mutate_ok("updateWithdrawal", id=id, notice="It named the wrong person.")
        assert await notices() == {**first, "notice": "It named the wrong person."}
        await newsroom.mutate_ok("updateWithdrawal", id=id, notice=None)
        assert await notices() is None
        assert await newsroom.mutate_codes("updateWithdrawal", id=id, notice=" ") == {("REQUIRED", "notice")}
        draft = await newsroom.create_draft()
        for mutation in ("updateWithdrawal", "withdrawArticle"):
            assert await newsroom.mutate_codes(mutation, id=draft, notice="Wrong.") == {
                ("INVALID_TRANSITION", "id")
            }


async def test_corrections_can_be_changed_and_deleted(newsroom: EditorialClient) -> None:
    """The corrected text and a working copy stay."""
    id = await newsroom.create_published()
    await newsroom.mutate_ok("updateArticle", id=id, kicker="Unpublished")
    payload = await newsroom.mutate_ok(
        "correctArticle", id=id, kind="CORRECTION", text="It was Tusday.", before="Monday", after="Tuesday"
    )
    correction = payload["correction"]
    newsroom.now += HOUR
    changed = await newsroom.mutate_ok("updateCorrection", id=correction["id"], text="It was Tuesday.")
    assert changed["correction"] == {**correction, "text": "It was Tuesday."}
    query = "query($i: ID!) { article(id: $i) { kicker updatedAt body { text } corrections { id text } } }"
    public = (await newsroom.query(query, PUBLIC, i=id))["article"]
    assert public["corrections"] == [{"id": correction["id"], "text": "It was Tuesday."}]
    assert "Tuesday" in public["body"]["text"]
    assert public["updatedAt"] == correction["correctedAt"]
    assert (await newsroom.query(query, ANNA, i=id))["article"]["kicker"] == "Unpublished"
    assert await newsroom.mutate_codes("updateCorrection", id=correction["id"], text="") == {
        ("REQUIRED", "text")
    }
    assert await newsroom.mutate_ok("deleteCorrection", id=correction["id"]) == correction["id"]
    public = (await newsroom.query(query, PUBLIC, i=id))["article"]
    assert (public["corrections"], "Tuesday" in public["body"]["text"]) == ([], True)
    assert await newsroom.mutate_codes("deleteCorrection", id=correction["id"]) == {("NOT_FOUND", "id")}
    assert (await newsroom.republish(id))["status"] == "PUBLISHED"
    assert (await newsroom.query(query, PUBLIC, i=id))["article"]["corrections"] == []


async def test_owners_can_be_changed(newsroom: EditorialClient) -> None:
    """The new owner may edit the article; an unknown account gives a warning."""
    id = await newsroom.create_draft()
    assert await newsroom.mutate_codes("updateArticle", BOB, id=id, headline="Mine") == {("NOT_FOUND", "id")}
    await newsroom.create_draft(BOB)
    selection = "article { owner version } warnings { code field }"
    payload = await newsroom.mutate_ok("changeOwner", id=id, owner=" bob", selection=selection)
    assert payload == {"article": {"owner": "bob", "version": 1}, "warnings": []}
    await newsroom.mutate_ok("updateArticle", BOB, id=id, headline="Mine")
    payload = await newsroom.mutate_ok("changeOwner", id=id, owner="nobdy", selection=selection)
    assert payload["warnings"] == [{"code": "GUESSED", "field": ["owner"]}]
    for owner, code in ((" ", "REQUIRED"), ("x" * 201, "TOO_LONG")):
        assert await newsroom.mutate_codes("changeOwner", id=id, owner=owner) == {(code, "owner")}


# Filters


async def test_filters_see_published_articles_with_a_working_copy(own_newsroom: EditorialClient) -> None:
    """By their own status and by that of the working copy; ne and notIn must hold for both."""
    newsroom = own_newsroom
    draft, public, copied = (
        await newsroom.create_draft(),
        await newsroom.create_published(),
        await newsroom.create_published(),
    )
    await newsroom.mutate_ok("updateArticle", id=copied, headline="Changed")
    await newsroom.mutate_ok("submitArticle", id=copied)
    query = """query($f: ArticleFilter) { articles(filter: $f) { totalCount nodes { id } } }"""

    async def matches(filter: dict[str, Any], actor: Actor = ANNA) -> set[str]:
        data = (await newsroom.query(query, actor, f=filter))["articles"]
        assert data["totalCount"] == len(data["nodes"])
        return {one["id"] for one in data["nodes"]} - {"art_701"}

    status = [
        ({"eq": "PUBLISHED"}, {public, copied}),
        ({"eq": "IN_REVIEW"}, {copied}),
        ({"in": ["DRAFT", "IN_REVIEW"]}, {draft, copied}),
        ({"ne": "PUBLISHED"}, {draft}),
        ({"notIn": ["IN_REVIEW", "DRAFT"]}, {public}),
        ({"in": ["PUBLISHED"], "ne": "IN_REVIEW"}, {public}),
    ]
    for condition, ids in status:
        assert await matches({"status": condition}) == ids, condition
    assert await matches({"not": {"status": {"eq": "PUBLISHED"}}}) == {draft}
    assert await matches({"hasUnpublishedChanges": {"eq": True}}) == {copied}
    assert await matches({"hasUnpublishedChanges": {"eq": False}}) == {draft, public}
    both = {"status": {"eq": "PUBLISHED"}, "hasUnpublishedChanges": {"eq": True}}
    assert await matches(both) == {copied}
    assert await matches({"status": {"eq": "PUBLISHED"}}, PUBLIC) == {public, copied}
    assert await matches({"status": {"eq": "IN_REVIEW"}}, PUBLIC) == set()
    assert await matches({"hasUnpublishedChanges": {"eq": True}}, PUBLIC) == set()


# Corrected words


async def test_corrections_replace_words_in_every_text(newsroom: EditorialClient) -> None:
    """Also words with other spaces, quotation marks and accents than those of the text."""
    blocks = [
        {"paragraph": {"text": "The \u201cCaf\u00e9\u201d of\u00a0Seoul is open."}},
        {"list": {"items": [{"text": "One item"}, {"text": "A second entry"}]}},
        {
            "table": {
                "rows": [
                    {"cells": [{"text": cell} for cell in row]} for row in (["Name", "Age"], ["Kim", "forty"])
                ]
            }
        },
        {"image": {"media": "med_301", "caption": "A wooden coffin"}},
    ]
    id = await newsroom.create_published(
        headline="Kim wheeps", summary="He wept on Tuesday\u2019s show.", body={"blocks": blocks}
    )
    await newsroom.mutate_ok("updateArticle", id=id, kicker="Unpublished")
    cases = {
        '"Cafe\u0301" of Seoul': "Restaurant",
        "second entry": "third entry",
        "forty": "fourty",
        "wooden coffin": "oak coffin",
        "Kim wheeps": "Kim weeps",
        "Tuesday's show": "Monday's show",
    }
    selection = "article { headline summary body { markdown } } correction { blockId } warnings { message }"
    for before, after in cases.items():
        payload = await newsroom.mutate_ok(
            "correctArticle",
            id=id,
            kind="CORRECTION",
            text="Wrong.",
            before=before,
            after=after,
            selection=selection,
        )
        assert payload["warnings"] == [], before
    for actor in (PUBLIC, ANNA):
        query = "query($i: ID!) { article(id: $i) { headline summary body { markdown } } }"
        article = (await newsroom.query(query, actor, i=id))["article"]
        for after in cases.values():
            assert after in f"{article['headline']} {article['summary']} {article['body']['markdown']}"


async def test_corrections_of_words_in_several_texts(newsroom: EditorialClient) -> None:
    """The body is preferred, with a warning; an accent is part of its letter; titles keep their rules."""
    id = await newsroom.create_published(
        headline="Kim of Pyongyang",
        kicker="Zeta",
        summary="Zeta",
        body={"text": "In Pyongyang, reopene\u0301."},
    )
    fields = {"id": id, "kind": "CORRECTION", "text": "Wrong."}
    payload = await newsroom.mutate_ok(
        "correctArticle",
        **fields,
        before="Pyongyang",
        after="Seoul",
        selection="article { headline body { text } } warnings { code field }",
    )
    assert payload["article"] == {
        "headline": "Kim of Pyongyang",
        "body": {"text": "In Seoul, reopene\u0301."},
    }
    assert payload["warnings"] == [{"code": "GUESSED", "field": ["before"]}]
    for before, after, error in (
        ("Zeta", "Eta", ("INVALID", "before")),
        ("none of these", "x", ("NOT_FOUND", "before")),
        ("Kim of Pyongyang", "", ("INVALID", "after")),
        ("Kim of Pyongyang", "x" * 301, ("TOO_LONG", "headline")),
    ):
        assert await newsroom.mutate_codes("correctArticle", **fields, before=before, after=after) == {error}
    codes = await newsroom.mutate_codes("correctArticle", **fields, before="In Seoul, reopene", after="x")
    assert codes == {("NOT_FOUND", "before")}


async def test_cached_responses_follow_former_names(server: Server) -> None:
    """Renames, merges, and the visibility of the renamed row, invalidate what was found by a former name."""
    async with open_editorial_client(server, with_cache=True) as newsroom:
        id = await newsroom.create_published(tags=[{"tag": "tears"}])
        await newsroom.mutate_ok("addAttribution", article=id, kind="SAID", source="kctv")
        await newsroom.republish(id)
        query = """{ tag(slug: "tears") { slug } tag2: tag(slug: "sobs") { slug }
          source(slug: "kctv") { slug } byId: node(id: "src_204") { id }
          latestNews(section: "world/asia") { nodes { id } }
          articles(filter: {category: {path: {eq: "world/asia"}}}) { nodes { id } } }"""

        async def data() -> Any:
            first = await newsroom.query(query)
            assert await newsroom.query(query) == first
            return first

        assert (await data())["tag"] == {"slug": "tears"}
        await newsroom.mutate_ok("updateTag", id="tears", slug="sobs")
        assert (await data())["tag"] == {"slug": "sobs"}
        assert (await data())["tag2"] == {"slug": "sobs"}
        await newsroom.mutate_ok("unpublishArticle", id=id)
        hidden = await data()
        assert (hidden["tag"], hidden["source"], hidden["latestNews"]["nodes"]) == (None, None, [])
        for transition in ("submitArticle", "approveArticle", "publishArticle"):
            await newsroom.mutate_ok(transition, id=id)
        assert (await data())["tag"] == {"slug": "sobs"}
        await newsroom.mutate_ok("mergeSources", into="joongang", sources=["kctv"])
        after = await data()
        assert (after["source"], after["byId"]) == ({"slug": "joongang"}, {"id": "src_203"})
        await newsroom.mutate_ok("moveCategory", id="world/asia", parent="politics")
        after = await data()
        assert after["latestNews"]["nodes"] == after["articles"]["nodes"] == [{"id": id}]
        await newsroom.mutate_ok("unpublishArticle", id=id)
        assert (await data())["source"] is None
