"""Workflow transitions of articles: permitted statuses, requirements and scheduled times."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import orjson
import pytest
from tests.conftest import NOW, Server
from tests.support.editorial_client import (
    ANNA,
    BOB,
    CORE,
    DAY,
    ERIC,
    HOUR,
    MUTATIONS,
    PUBLIC,
    ROOT,
    SECOND,
    TEXT,
    EditorialClient,
    mutation_document,
    open_editorial_client,
)

from contentql.content.blocks import Paragraph
from contentql.content.enums import Status
from contentql.content.ids import encode_id
from contentql.content.records import ArticleRecord
from contentql.editorial.user_errors import STATUS_WORDS
from contentql.editorial.workflow import TRANSITIONS
from contentql.execution.request import GraphQLRequest

GONE = "deleteArticle"
STATUSES = list(Status)
NEEDED: dict[str, Any] = {
    "scheduleArticle": {"publishAt": "2026-07-01T08:00:00Z"},
    "withdrawArticle": {"notice": "This report was wrong."},
}


def standing(number: int, status: Status) -> ArticleRecord:
    """An article that stands there, and lacks nothing."""
    out = {
        Status.PUBLISHED: NOW - DAY,
        Status.EXPIRED: NOW - DAY,
        Status.WITHDRAWN: NOW - DAY,
        Status.SCHEDULED: NOW + DAY,
    }.get(status)
    expired = status is Status.EXPIRED
    return ArticleRecord(
        id=number,
        slug=f"article-{number}",
        language="en",
        headline=f"Article {number}",
        status=Status.PUBLISHED if expired else status,
        published_at=out,
        expires_at=NOW - HOUR if expired else None,
        category="politics",
        blocks=(Paragraph(text=TEXT[0]),),
    )


def everywhere() -> Iterator[tuple[str, Status, int]]:
    """Each move, each status, and the number of the article that stands there for it."""
    for m, move in enumerate(TRANSITIONS):
        for s, status in enumerate(STATUSES):
            yield move, status, 10_000 + 100 * m + s


@pytest.fixture(scope="module")
async def all_over(server: Server) -> AsyncIterator[EditorialClient]:
    """A desk with an article in each status for each move."""
    async with open_editorial_client(
        server, *(standing(number, status) for _, status, number in everywhere())
    ) as newsroom:
        yield newsroom


@pytest.mark.parametrize("move", TRANSITIONS)
async def test_only_legal_moves_move(all_over: EditorialClient, move: str) -> None:
    """From where a move begins it leads where it should; from all else it is refused, and nothing changes."""
    newsroom = all_over
    refused = []
    for name, status, number in everywhere():
        if name != move:
            continue
        fields = {"id": encode_id("article", number), **NEEDED.get(move, {})}
        if status in TRANSITIONS[move].from_statuses:
            payload = await newsroom.mutate_ok(move, **fields)
            assert payload["status"] == TRANSITIONS[move].to_status.value, (move, status)
        else:
            refused.append((fields, status))
    async with newsroom.unchanged():
        for fields, status in refused:
            (error,) = await newsroom.mutate_errors(move, **fields)
            assert (error["code"], error["field"]) == ("INVALID_TRANSITION", ["id"]), (status, error)
            assert STATUS_WORDS[status] in error["message"]
            assert error["hint"], error


@pytest.mark.parametrize(
    "steps",
    [(), ("submitArticle",), ("submitArticle", "approveArticle")],
    ids=["draft", "in review", "approved"],
)
async def test_changes_of_what_is_out_move_likewise(
    newsroom: EditorialClient, steps: tuple[str, ...]
) -> None:
    """A working copy goes the way of a draft; what takes an article off takes it off with its copy."""
    stands = ["DRAFT", "IN_REVIEW", "APPROVED"][len(steps)]
    for move, rule in TRANSITIONS.items():
        id = await newsroom.create_published()
        await newsroom.mutate_ok("updateArticle", id=id, headline="Changed")
        for step in steps:
            await newsroom.mutate_ok(step, id=id)
        document = move in ("unpublishArticle", "withdrawArticle", "archiveArticle")
        if document or (Status(stands) in rule.from_statuses and move != "scheduleArticle"):
            payload = await newsroom.mutate_ok(move, id=id, **NEEDED.get(move, {}))
            assert payload["status"] == rule.to_status.value, (move, stands)
            assert payload["headline"] == "Changed"
        else:
            assert await newsroom.mutate_codes(move, id=id, **NEEDED.get(move, {})) == {
                ("INVALID_TRANSITION", "id")
            }
            payload = await newsroom.query("query($i: ID!) { article(id: $i) { status } }", ANNA, i=id)
            assert payload["article"]["status"] == stands


async def test_publish_names_all_that_is_missing_at_once(newsroom: EditorialClient) -> None:
    """No section, no text, a picture that says nothing, an open embargo: one refusal, each with its field."""
    id = await newsroom.create_draft(
        category=None,
        body=None,
        leadMedia="med_302",
        embargoUntil="2026-07-02T00:00:00Z",
        expiresAt="2026-07-03T00:00:00Z",
    )
    for move in ("submitArticle", "approveArticle"):
        await newsroom.mutate_ok(move, id=id)
    errors = await newsroom.mutate_errors("publishArticle", id=id)
    assert {(error["code"], *error["field"]) for error in errors} == {
        ("REQUIRED", "category"),
        ("REQUIRED", "body"),
        ("REQUIRED", "leadMedia"),
        ("EMBARGOED", "embargoUntil"),
    }
    assert all(error["hint"] for error in errors)
    hint = next(error["hint"] for error in errors if error["code"] == "EMBARGOED")
    assert "2026-07-02T00:00:00Z" in hint
    assert await newsroom.mutate_codes("scheduleArticle", id=id, publishAt="2026-07-04T00:00:00Z") == {
        ("REQUIRED", "category"),
        ("REQUIRED", "body"),
        ("REQUIRED", "leadMedia"),
        ("INVALID_TIME", "expiresAt"),
    }


async def test_a_picture_may_say_what_it_shows_in_its_place(newsroom: EditorialClient) -> None:
    """An alt text of its own place is enough; so is a picture that is there for decoration."""
    id = await newsroom.create_approved(media=[{"media": "med_302", "alt": "Soldiers"}])
    assert (await newsroom.mutate_ok("publishArticle", id=id))["status"] == "PUBLISHED"
    plain = await newsroom.mutate_ok("createMedia", kind="IMAGE", url="https://media.example.org/rule.png")
    id = await newsroom.create_approved(leadMedia=plain["id"])
    assert await newsroom.mutate_codes("publishArticle", id=id) == {("REQUIRED", "leadMedia")}
    await newsroom.mutate_ok("updateMedia", id=plain["id"], decorative=True)
    assert (await newsroom.mutate_ok("publishArticle", id=id))["status"] == "PUBLISHED"


async def test_what_is_scheduled_cannot_be_spoiled(newsroom: EditorialClient) -> None:
    """An edit of a scheduled article may not take away what it needs to come out."""
    id = await newsroom.create_approved()
    await newsroom.mutate_ok("scheduleArticle", id=id, publishAt="2026-07-01T08:00:00Z")
    assert await newsroom.mutate_codes("updateArticle", id=id, body=None) == {("REQUIRED", "body")}
    assert await newsroom.mutate_codes("updateArticle", id=id, embargoUntil="2026-07-05T00:00:00Z") == {
        ("EMBARGOED", "embargoUntil")
    }
    payload = await newsroom.mutate_ok("updateArticle", id=id, headline="Better")
    assert (payload["status"], payload["unpublishedChanges"]) == ("SCHEDULED", False)
    assert await newsroom.mutate_codes("updateArticle", ERIC, id=id, headline="Worse") == {
        ("INVALID_TRANSITION", "id")
    }


# Rehearsals


def rehearsals(created: dict[str, str]) -> dict[str, dict[str, Any]]:
    """An input for every mutation with which it would succeed."""
    draft, out, second, third, removed = (created[n] for n in ("draft", "out", "second", "third", "gone"))
    return {
        "createArticle": {"headline": "Rehearsed", "body": {"text": "One."}},
        "updateArticle": {"id": out, "headline": "Rehearsed", "slug": "new", "tags": [{"tag": "tears"}]},
        "submitArticle": {"id": draft},
        "returnArticle": {"id": created["reviewed"]},
        "approveArticle": {"id": created["reviewed"]},
        "scheduleArticle": {"id": created["passed"], "publishAt": "2026-07-01T08:00:00Z"},
        "publishArticle": {"id": created["passed"]},
        "unpublishArticle": {"id": out},
        "withdrawArticle": {"id": out, "notice": "Wrong."},
        "correctArticle": {"id": out, "kind": "CORRECTION", "text": "On Tuesday.", "before": "Monday",
                           "after": "Tuesday"},
        "archiveArticle": {"id": out},
        "deleteArticle": {"id": draft},
        "restoreArticle": {"id": removed},
        "restoreRevision": {"id": out, "version": 1},
        "createPreviewLink": {"id": draft},
        "addAttribution": {"article": draft, "kind": "CITING", "source": "kctv"},
        "updateAttribution": {"id": second, "kind": "SAID"},
        "acceptAttribution": {"id": third},
        "rejectAttribution": {"id": second},
        "deleteAttribution": {"id": second},
        "reorderAttributions": {"id": draft, "attributions": [third, second]},
        "createCategory": {"name": "Africa", "parent": "world"},
        "updateCategory": {"id": "cat_102", "slug": "far-east", "description": "Rehearsed"},
        "moveCategory": {"id": "cat_102", "parent": None, "position": 4},
        "deleteCategory": {"id": created["category"]},
        "createMedia": {"kind": "IMAGE", "url": "https://media.example.org/new.png"},
        "updateMedia": {"id": "med_301", "alt": "Rehearsed"},
        "deleteMedia": {"id": "med_302"},
        "createSource": {"name": "Rehearsed", "kind": "OTHER"},
        "updateSource": {"id": "kctv", "name": "Rehearsed", "parent": "sky-news"},
        "mergeSources": {"into": "sky-news", "sources": ["kctv", "joongang"]},
        "deleteSource": {"id": "agency-7"},
        "createTag": {"type": "PLACE", "name": "Rehearsed"},
        "updateTag": {"id": "tears", "name": "Rehearsed"},
        "deleteTag": {"id": "PLACE:pyongyang"},
        "createAuthor": {"name": "Rehearsed"},
        "updateAuthor": {"id": "jane-doe", "desk": "Rehearsed"},
        "deleteAuthor": {"id": "jane-doe"},
        "createStory": {"title": "Rehearsed"},
        "updateStory": {"id": "north-korea-russia", "title": "Rehearsed"},
        "deleteStory": {"id": "north-korea-russia"},
        "createCollection": {"title": "Rehearsed", "items": [{"article": out}]},
        "updateCollection": {"id": "front-page", "items": [{"article": out}, {"article": "art_701"}]},
        "pinArticle": {"id": "front-page", "article": out},
        "deleteCollection": {"id": "front-page"},
        "createToken": {"name": "Rehearsed", "role": "EDITOR"},
        "revokeToken": {"id": created["token"]},
    }  # fmt: skip


async def furnished(newsroom: EditorialClient) -> dict[str, str]:
    """One of everything that can be done something with."""
    created = {"draft": await newsroom.create_draft(), "reviewed": await newsroom.create_draft()}
    await newsroom.mutate_ok("submitArticle", id=created["reviewed"])
    created["passed"] = await newsroom.create_approved()
    created["out"] = await newsroom.create_published()
    created["gone"] = await newsroom.create_draft()
    await newsroom.mutate_ok(GONE, id=created["gone"])
    for name, source in (("second", "kctv"), ("third", "joongang")):
        added = await newsroom.mutate_ok(
            "addAttribution", article=created["draft"], kind="CITING", source=source
        )
        created[name] = added["attribution"]["id"]
    await newsroom.mutate_ok("rejectAttribution", id=created["third"])
    created["category"] = (await newsroom.mutate_ok("createCategory", name="Closing"))["id"]
    created["token"] = (await newsroom.mutate_ok("createToken", ROOT, name="Old", role="READER"))["token"][
        "id"
    ]
    return created


async def test_a_rehearsal_shows_what_would_be_and_changes_nothing(own_desk: EditorialClient) -> None:
    """`validateOnly` of every mutation there is: the payload of the real thing, and every table as it was."""
    newsroom = own_desk
    inputs = rehearsals(await furnished(newsroom))
    assert inputs.keys() == MUTATIONS.keys()
    async with newsroom.unchanged():
        for mutation, value in inputs.items():
            payload = await newsroom.mutate(mutation, ROOT, **value, validateOnly=True)
            assert payload.pop("userErrors") == [], (mutation, payload)
            assert any(payload.values()), (mutation, payload)
            text = str(payload)
            if "Rehearsed" in str(value):
                assert "ehearsed" in text, (mutation, payload)
            if mutation in TRANSITIONS:
                assert TRANSITIONS[mutation].to_status.value in text, (mutation, payload)


async def test_a_rehearsal_gives_no_secret_away(newsroom: EditorialClient) -> None:
    """A link would open the article though nothing was written down of it."""
    id = await newsroom.create_draft()
    link = await newsroom.mutate_ok("createPreviewLink", id=id, validateOnly=True)
    assert (link["token"], "cqlp_" in link["url"]) == ("", False)
    token = await newsroom.mutate_ok("createToken", ROOT, name="Machine", role="READER", validateOnly=True)
    assert (token["secret"], token["token"]["name"]) == ("", "Machine")


async def test_dry_runs_return_the_same_errors(newsroom: EditorialClient) -> None:
    """And it needs the same rights."""
    id = await newsroom.create_draft()
    assert await newsroom.mutate_codes("publishArticle", id=id, validateOnly=True) == {
        ("INVALID_TRANSITION", "id")
    }
    result = await newsroom.execute(
        mutation_document("publishArticle"), BOB, input={"id": id, "validateOnly": True}
    )
    assert result["errors"][0]["extensions"]["code"] == "FORBIDDEN"


# Two at once


async def test_version_conflicts_name_the_other_editor(newsroom: EditorialClient) -> None:
    """An old `ifVersion` is VERSION_CONFLICT, with the editor, the changed fields and the current version."""
    id = await newsroom.create_draft()
    await newsroom.mutate_ok("updateArticle", ERIC, id=id, headline="By Eric", kicker="Korea")
    async with newsroom.unchanged():
        (error,) = await newsroom.mutate_errors("updateArticle", id=id, ifVersion=1, headline="By Anna")
    assert (error["code"], error["field"]) == ("VERSION_CONFLICT", ["ifVersion"])
    assert "Eric updated the article at 2026-06-30 08:00:00Z (headline, kicker)" in error["message"]
    assert error["hint"] == "Read the article again and send ifVersion: 2."
    assert (await newsroom.mutate_ok("updateArticle", id=id, ifVersion=2, headline="By Anna"))["version"] == 3


MOVABLE = [
    name
    for name, of in MUTATIONS.items()
    if "ifVersion" in CORE.type_map[str(of.args["input"].type).rstrip("!")].fields  # type: ignore[attr-defined]
]


async def test_every_write_to_an_article_takes_the_version_that_was_read(own_desk: EditorialClient) -> None:
    """No mutation of an article or its parts overwrites another editor's changes."""
    inputs = rehearsals(await furnished(own_desk))
    assert len(MOVABLE) >= 19
    async with own_desk.unchanged():
        for mutation in MOVABLE:
            fields = {**inputs[mutation], "ifVersion": 99}
            assert ("VERSION_CONFLICT", "ifVersion") in await own_desk.mutate_codes(mutation, **fields), (
                mutation
            )


async def test_one_of_two_concurrent_saves_gets_a_conflict(newsroom: EditorialClient) -> None:
    """Two editors who have read the same version: one saves it, the other is told, and nothing is lost."""
    id = await newsroom.create_draft()
    both_executors = await asyncio.gather(
        *(newsroom.mutate("updateArticle", id=id, ifVersion=1, headline=f"Version {n}") for n in range(4))
    )
    done = [payload for payload in both_executors if payload["article"]]
    messages = [error["code"] for payload in both_executors for error in payload["userErrors"]]
    assert (len(done), messages) == (1, ["VERSION_CONFLICT"] * 3)
    query = "query($i: ID!) { article(id: $i) { headline version revisions { nodes { version } } } }"
    data = (await newsroom.query(query, ANNA, i=id))["article"]
    assert data == {
        "headline": done[0]["article"]["headline"],
        "version": 2,
        "revisions": {"nodes": [{"version": 2}, {"version": 1}]},
    }


async def test_many_moves_at_once_move_once(newsroom: EditorialClient) -> None:
    """Five who press the button together publish it once."""
    id = await newsroom.create_approved()
    all_told = await asyncio.gather(*(newsroom.mutate("publishArticle", id=id) for _ in range(5)))
    assert sum(bool(payload["article"]) for payload in all_told) == 1


# Idempotency


async def test_a_key_sent_twice_does_it_once(newsroom: EditorialClient) -> None:
    """The same bytes both times, whatever happened between; one article, one revision, one audit entry."""
    request = GraphQLRequest(
        mutation_document("createArticle"),
        None,
        {"input": {"headline": "Only once", "idempotencyKey": "one"}},
    )
    first = await newsroom.executor.execute(request, None, None, ANNA)
    id = orjson.loads(first.body)["data"]["createArticle"]["article"]["id"]
    await newsroom.mutate_ok("updateArticle", id=id, headline="Not any more")
    newsroom.now = NOW + 20 * HOUR
    again = await newsroom.executor.execute(request, None, None, ANNA)
    assert again.body == first.body
    assert len(await newsroom.table("SELECT id FROM article WHERE slug = 'only-once'")) == 1
    assert len(await newsroom.table(f"SELECT id FROM audit_entry WHERE target_id = '{id}'")) == 2


async def test_a_key_sent_at_the_same_time_does_it_once(newsroom: EditorialClient) -> None:
    """Ten at once with one key: one article, and ten equal answers."""
    request = GraphQLRequest(
        mutation_document("createArticle"),
        None,
        {"input": {"headline": "At once", "idempotencyKey": "at once"}},
    )
    results = await asyncio.gather(*(newsroom.executor.execute(request, None, None, ANNA) for _ in range(10)))
    assert len({response.body for response in results}) == 1
    assert orjson.loads(results[0].body)["data"]["createArticle"]["userErrors"] == []
    assert len(await newsroom.table("SELECT id FROM article WHERE slug LIKE 'at-once%'")) == 1


async def test_a_key_belongs_to_one_request_of_one_account(newsroom: EditorialClient) -> None:
    """Another input with it is IDEMPOTENCY_KEY_REUSED; another account has its own; it lasts a day."""
    await newsroom.mutate_ok("createStory", title="One", idempotencyKey="mine")
    assert await newsroom.mutate_codes("createStory", title="Two", idempotencyKey="mine") == {
        ("IDEMPOTENCY_KEY_REUSED", "idempotencyKey")
    }
    assert await newsroom.mutate_codes("createTag", type="TOPIC", name="One", idempotencyKey="mine") == {
        ("IDEMPOTENCY_KEY_REUSED", "idempotencyKey")
    }
    assert (await newsroom.mutate_ok("createStory", ERIC, title="Two", idempotencyKey="mine"))[
        "title"
    ] == "Two"
    newsroom.now = NOW + DAY + SECOND
    assert (await newsroom.mutate_ok("createStory", title="Three", idempotencyKey="mine"))["title"] == "Three"


async def test_a_key_asked_for_other_fields_is_told_of_the_same_thing(newsroom: EditorialClient) -> None:
    """Done once, shown as is asked for now."""
    first = await newsroom.mutate_ok("createStory", title="Shown", idempotencyKey="shown")
    again = await newsroom.mutate_ok(
        "createStory", selection="story { id slug }", title="Shown", idempotencyKey="shown"
    )
    assert again == {"id": first["id"], "slug": "shown"}


async def test_rejected_and_dry_runs_do_not_use_the_idempotency_key(newsroom: EditorialClient) -> None:
    """A key is spent by what is done, and by nothing else."""
    id = await newsroom.create_draft()
    await newsroom.mutate_ok("createStory", title="Later", idempotencyKey="free", validateOnly=True)
    await newsroom.mutate_errors("publishArticle", id=id, idempotencyKey="free")
    assert (await newsroom.mutate_ok("createStory", title="Now", idempotencyKey="free"))["title"] == "Now"
    assert await newsroom.mutate_codes("createStory", title="Now", idempotencyKey="") == {
        ("INVALID", "idempotencyKey")
    }
    assert await newsroom.mutate_codes("createStory", title="Now", idempotencyKey="k" * 201) == {
        ("INVALID", "idempotencyKey")
    }


async def test_secrets_are_not_stored(newsroom: EditorialClient) -> None:
    """Secrets and preview tokens are returned once: a repeated idempotency key returns them empty."""
    fields = {"name": "Machine", "role": "READER", "idempotencyKey": "secret"}
    first = await newsroom.mutate_ok("createToken", ROOT, **fields)
    again = await newsroom.mutate_ok("createToken", ROOT, **fields)
    assert first["secret"].startswith("cql_")
    assert again == {**first, "secret": ""}
    id = await newsroom.create_draft()
    link = await newsroom.mutate_ok("createPreviewLink", id=id, idempotencyKey="link")
    assert link["token"].startswith("cqlp_")
    for (answer,) in await newsroom.table("SELECT response FROM idempotency_record"):
        assert first["secret"] not in answer
        assert link["token"] not in answer
        assert first["secret"][4:] not in answer


# The clock alone


SEEN = """query($i: ID!, $s: String!, $h: String!) {
  article(id: $i) { headline }
  slug: article(slug: $s) { headline }
  node(id: $i) { id }
  articles(filter: {slug: {eq: $s}}) { totalCount nodes { headline } }
  latestNews(section: "world", filter: {slug: {eq: $s}}) { nodes { headline } }
  search: articles(search: $h, filter: {slug: {eq: $s}}) { totalCount }
  category(path: "world/asia") { articles(filter: {slug: {eq: $s}}) { totalCount } }
}"""


async def seen(newsroom: EditorialClient, id: str, slug: str, word: str) -> bool:
    """Whether the public sees it: everywhere or nowhere."""
    data = await newsroom.query(SEEN, i=id, s=slug, h=word)
    ways = {
        "article": data["article"] is not None,
        "slug": data["slug"] is not None,
        "node": data["node"] is not None,
        "list": bool(data["articles"]["nodes"]),
        "count": data["articles"]["totalCount"] == 1,
        "latest": bool(data["latestNews"]["nodes"]),
        "search": data["search"]["totalCount"] == 1,
        "section": data["category"]["articles"]["totalCount"] == 1,
    }
    assert len(set(ways.values())) == 1, ways
    return True in ways.values()


async def test_a_scheduled_article_comes_out_by_itself(newsroom: EditorialClient) -> None:
    """Not visible a second before, visible at that second, without any request."""
    id = await newsroom.create_approved(headline="Zugzwang today", expiresAt="2026-07-02T00:00:00Z")
    payload = await newsroom.mutate_ok("scheduleArticle", id=id, publishAt="2026-07-01T00:00:00+00:00")
    assert (payload["status"], payload["publishedAt"]) == ("SCHEDULED", "2026-07-01T00:00:00Z")
    at = NOW + 16 * HOUR
    for moment, expected in (
        (NOW, False),
        (at - SECOND, False),
        (at, True),
        (at + DAY - SECOND, True),
        (at + DAY, False),
        (at + 9 * DAY, False),
    ):
        newsroom.now = moment
        assert await seen(newsroom, id, "zugzwang-today", "zugzwang") is expected, moment
    newsroom.now = at + HOUR
    query = "query($i: ID!) { article(id: $i) { status publishedAt firstPublishedAt } }"
    assert (await newsroom.query(query, i=id))["article"] == {
        "status": "PUBLISHED",
        "publishedAt": "2026-07-01T00:00:00Z",
        "firstPublishedAt": "2026-07-01T00:00:00Z",
    }
    newsroom.now = at + 2 * DAY
    assert (await newsroom.query(query, ANNA, i=id))["article"]["status"] == "EXPIRED"
    assert (await newsroom.mutate_ok("unpublishArticle", id=id))["status"] == "DRAFT"


async def test_what_comes_out_by_itself_is_edited_in_a_copy_from_then_on(newsroom: EditorialClient) -> None:
    """The clock makes it PUBLISHED for editors too: an edit begins a working copy."""
    id = await newsroom.create_approved()
    await newsroom.mutate_ok("scheduleArticle", id=id, publishAt="2026-07-01T00:00:00Z")
    newsroom.now = NOW + 2 * DAY
    payload = await newsroom.mutate_ok("updateArticle", id=id, headline="Later")
    assert (payload["status"], payload["unpublishedChanges"]) == ("DRAFT", True)
    query = "query($i: ID!) { article(id: $i) { headline } }"
    assert (await newsroom.query(query, i=id))["article"]["headline"] != "Later"
    await newsroom.republish(id)
    assert (await newsroom.query(query, i=id))["article"]["headline"] == "Later"


async def test_an_embargo_holds_to_the_second(newsroom: EditorialClient) -> None:
    """Set on what is out, it hides it; it opens by itself; and nothing is published against it."""
    id = await newsroom.create_published(headline="Quagmire ahead")
    await newsroom.mutate_ok("updateArticle", id=id, embargoUntil="2026-07-01T00:00:00Z")
    for move in ("submitArticle", "approveArticle"):
        await newsroom.mutate_ok(move, id=id)
    assert await newsroom.mutate_codes("publishArticle", id=id) == {("EMBARGOED", "embargoUntil")}
    fresh = await newsroom.create_approved(headline="Quixotic plan", embargoUntil="2026-07-01T00:00:00Z")
    assert await newsroom.mutate_codes("scheduleArticle", id=fresh, publishAt="2026-06-30T23:59:59Z") == {
        ("EMBARGOED", "embargoUntil")
    }
    await newsroom.mutate_ok("scheduleArticle", id=fresh, publishAt="2026-07-01T00:00:00Z")
    newsroom.now = NOW + 16 * HOUR - SECOND
    assert not await seen(newsroom, fresh, "quixotic-plan", "quixotic")
    newsroom.now += SECOND
    assert await seen(newsroom, fresh, "quixotic-plan", "quixotic")


async def test_past_times_are_rejected(newsroom: EditorialClient) -> None:
    """Nothing is scheduled into the past, or published into the future."""
    id = await newsroom.create_approved()
    assert await newsroom.mutate_codes("scheduleArticle", id=id, publishAt="2026-06-30T08:00:00Z") == {
        ("INVALID_TIME", "publishAt")
    }
    assert await newsroom.mutate_codes("publishArticle", id=id, publishedAt="2026-06-30T08:00:01Z") == {
        ("INVALID_TIME", "publishedAt")
    }
    payload = await newsroom.mutate_ok("publishArticle", id=id, publishedAt="2025-01-01T00:00:00Z")
    assert (payload["publishedAt"], payload["firstPublishedAt"]) == ("2025-01-01T00:00:00Z",) * 2


# Off again


async def test_a_notice_stands_where_an_article_was_taken_back(newsroom: EditorialClient) -> None:
    """The text is gone from every answer; its slugs tell why; brought back, the notice is gone."""
    id = await newsroom.create_published(headline="Vortex of lies")
    assert await seen(newsroom, id, "vortex-of-lies", "vortex")
    assert await newsroom.mutate_codes("withdrawArticle", id=id, notice=" ") == {("REQUIRED", "notice")}
    await newsroom.mutate_ok("withdrawArticle", id=id, notice="This report was wrong.")
    assert not await seen(newsroom, id, "vortex-of-lies", "vortex")
    query = '{ withdrawal(slug: "vortex-of-lies") { id slug language notice withdrawnAt } }'
    assert (await newsroom.query(query))["withdrawal"] == {
        "id": id,
        "slug": "vortex-of-lies",
        "language": "en",
        "notice": "This report was wrong.",
        "withdrawnAt": "2026-06-30T08:00:00Z",
    }
    assert await newsroom.mutate_codes("updateArticle", id=id, headline="x") == {("INVALID_TRANSITION", "id")}
    payload = await newsroom.mutate_ok("restoreArticle", id=id)
    assert (payload["status"], payload["publishedAt"]) == ("DRAFT", None)
    assert (await newsroom.query(query))["withdrawal"] is None
    assert not await seen(newsroom, id, "vortex-of-lies", "vortex")


async def test_taken_off_and_out_again(newsroom: EditorialClient) -> None:
    """Unpublished, archived, restored, published again: when it first was out stays known."""
    id = await newsroom.create_published(headline="Yardstick")
    newsroom.now = NOW + HOUR
    assert (await newsroom.mutate_ok("unpublishArticle", id=id))["status"] == "DRAFT"
    assert not await seen(newsroom, id, "yardstick", "yardstick")
    assert (await newsroom.mutate_ok("archiveArticle", id=id))["status"] == "ARCHIVED"
    payload = await newsroom.mutate_ok("restoreArticle", id=id)
    assert (payload["status"], payload["firstPublishedAt"]) == ("DRAFT", "2026-06-30T08:00:00Z")
    for move in ("submitArticle", "approveArticle"):
        await newsroom.mutate_ok(move, id=id)
    payload = await newsroom.mutate_ok("publishArticle", id=id)
    assert (payload["publishedAt"], payload["firstPublishedAt"]) == (
        "2026-06-30T09:00:00Z",
        "2026-06-30T08:00:00Z",
    )
    assert await seen(newsroom, id, "yardstick", "yardstick")


async def test_deleted_articles_are_not_visible_to_any_viewer(newsroom: EditorialClient) -> None:
    """Not to editors either; its slug stays reserved, and only restoreArticle restores it."""
    id = await newsroom.create_published(headline="Xylophone")
    await newsroom.mutate_ok(GONE, id=id)
    for who in (PUBLIC, ANNA):
        query = 'query($i: ID!) { node(id: $i) { id } article(slug: "xylophone") { id } }'
        assert await newsroom.query(query, who, i=id) == {"article": None, "node": None}
    assert not await seen(newsroom, id, "xylophone", "xylophone")
    for mutation in ("updateArticle", "submitArticle", "publishArticle", GONE):
        assert await newsroom.mutate_codes(mutation, id=id) == {("NOT_FOUND", "id")}
    (error,) = await newsroom.mutate_errors("createArticle", headline="Xylophone", slug="xylophone")
    assert (error["code"], error["hint"]) == ("TAKEN", "Use 'xylophone-2', which is free.")
    payload = await newsroom.mutate_ok("restoreArticle", id=id)
    assert (payload["status"], payload["slug"]) == ("DRAFT", "xylophone")


async def test_who_may_delete_what(newsroom: EditorialClient) -> None:
    """Authors delete drafts of their own that never were out; the rest is for publishers."""
    own, sent, out = [await newsroom.create_draft(BOB) for _ in range(3)]
    assert (await newsroom.mutate_ok(GONE, BOB, id=own)) == own
    await newsroom.mutate_ok("submitArticle", BOB, id=sent)
    assert await newsroom.mutate_codes(GONE, BOB, id=sent) == {("NOT_OWNER", "id")}
    for move in ("submitArticle", "approveArticle", "publishArticle", "unpublishArticle"):
        await newsroom.mutate_ok(move, id=out)
    assert await newsroom.mutate_codes(GONE, BOB, id=out) == {("NOT_OWNER", "id")}
    theirs = await newsroom.create_published()
    assert await newsroom.mutate_codes("updateArticle", BOB, id=theirs, headline="Mine") == {
        ("NOT_OWNER", "id")
    }
    hidden = await newsroom.create_draft()
    assert await newsroom.mutate_codes("updateArticle", BOB, id=hidden, headline="Mine") == {
        ("NOT_FOUND", "id")
    }


async def test_what_an_author_has_sent_is_with_the_reviewer(newsroom: EditorialClient) -> None:
    """An author does not change what is in review; an editor who may approve changes what is approved."""
    id = await newsroom.create_draft(BOB)
    await newsroom.mutate_ok("submitArticle", BOB, id=id)
    assert await newsroom.mutate_codes("updateArticle", BOB, id=id, headline="x") == {
        ("INVALID_TRANSITION", "id")
    }
    await newsroom.mutate_ok("returnArticle", ERIC, id=id, reason="Who says so?")
    assert (await newsroom.mutate_ok("updateArticle", BOB, id=id, headline="Kim says so"))[
        "status"
    ] == "DRAFT"
    await newsroom.mutate_ok("submitArticle", BOB, id=id)
    await newsroom.mutate_ok("approveArticle", ERIC, id=id)
    assert (await newsroom.mutate_ok("updateArticle", ERIC, id=id, headline="Better"))["status"] == "APPROVED"
