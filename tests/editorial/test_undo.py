"""Undo: discarded working copies, restored revisions, the trash, corrected notices."""

from __future__ import annotations

from tests.support.editorial_client import ANNA, BOB, PUBLIC, EditorialClient

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
