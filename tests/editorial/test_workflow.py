"""From draft to archive: every move from every status, what a move needs, and what the clock does alone."""

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
    Newsdesk,
    document,
    newsdesk,
)

from contentql.content.blocks import Paragraph
from contentql.content.ids import encode_id
from contentql.content.records import ArticleRecord
from contentql.editorial.workflow import TRANSITIONS
from contentql.execution.executor import GraphQLRequest
from contentql.store.models.content import Status

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
async def all_over(server: Server) -> AsyncIterator[Newsdesk]:
    """A desk with an article in each status for each move."""
    async with newsdesk(server, *(standing(number, status) for _, status, number in everywhere())) as desk:
        yield desk


@pytest.mark.parametrize("move", TRANSITIONS)
async def test_only_legal_moves_move(all_over: Newsdesk, move: str) -> None:
    """From where a move begins it leads where it should; from all else it is refused, and nothing changes."""
    desk = all_over
    refused = []
    for name, status, number in everywhere():
        if name != move:
            continue
        said = {"id": encode_id("article", number), **NEEDED.get(move, {})}
        if status in TRANSITIONS[move].from_statuses:
            shown = await desk.does(move, **said)
            assert shown["status"] == TRANSITIONS[move].to_status.value, (move, status)
        else:
            refused.append((said, status))
    async with desk.unchanged():
        for said, status in refused:
            (error,) = await desk.refused(move, **said)
            assert (error["code"], error["field"]) == ("INVALID_TRANSITION", ["id"]), (status, error)
            assert status.value in error["message"]
            assert error["hint"], error


@pytest.mark.parametrize(
    "steps",
    [(), ("submitArticle",), ("submitArticle", "approveArticle")],
    ids=["draft", "in review", "approved"],
)
async def test_changes_of_what_is_out_move_likewise(desk: Newsdesk, steps: tuple[str, ...]) -> None:
    """A working copy goes the way of a draft; what takes an article off takes it off with its copy."""
    stands = ["DRAFT", "IN_REVIEW", "APPROVED"][len(steps)]
    for move, rule in TRANSITIONS.items():
        id = await desk.published()
        await desk.does("updateArticle", id=id, headline="Changed")
        for step in steps:
            await desk.does(step, id=id)
        whole = move in ("unpublishArticle", "withdrawArticle", "archiveArticle")
        if whole or (Status(stands) in rule.from_statuses and move != "scheduleArticle"):
            shown = await desk.does(move, id=id, **NEEDED.get(move, {}))
            assert shown["status"] == rule.to_status.value, (move, stands)
            assert shown["headline"] == "Changed"
        else:
            assert await desk.codes(move, id=id, **NEEDED.get(move, {})) == {("INVALID_TRANSITION", "id")}
            shown = await desk.asks("query($i: ID!) { article(id: $i) { status } }", ANNA, i=id)
            assert shown["article"]["status"] == stands


async def test_publish_names_all_that_is_missing_at_once(desk: Newsdesk) -> None:
    """No section, no text, a picture that says nothing, an open embargo: one refusal, each with its field."""
    id = await desk.draft(
        category=None,
        body=None,
        leadMedia="med_302",
        embargoUntil="2026-07-02T00:00:00Z",
        expiresAt="2026-07-03T00:00:00Z",
    )
    for move in ("submitArticle", "approveArticle"):
        await desk.does(move, id=id)
    errors = await desk.refused("publishArticle", id=id)
    assert {(error["code"], *error["field"]) for error in errors} == {
        ("REQUIRED", "category"),
        ("REQUIRED", "body"),
        ("REQUIRED", "leadMedia"),
        ("EMBARGOED", "embargoUntil"),
    }
    assert all(error["hint"] for error in errors)
    hint = next(error["hint"] for error in errors if error["code"] == "EMBARGOED")
    assert "2026-07-02T00:00:00Z" in hint
    assert await desk.codes("scheduleArticle", id=id, publishAt="2026-07-04T00:00:00Z") == {
        ("REQUIRED", "category"),
        ("REQUIRED", "body"),
        ("REQUIRED", "leadMedia"),
        ("INVALID_TIME", "expiresAt"),
    }


async def test_a_picture_may_say_what_it_shows_in_its_place(desk: Newsdesk) -> None:
    """An alt text of its own place is enough; so is a picture that is there for decoration."""
    id = await desk.approved(media=[{"media": "med_302", "alt": "Soldiers"}])
    assert (await desk.does("publishArticle", id=id))["status"] == "PUBLISHED"
    plain = await desk.does("createMedia", kind="IMAGE", url="https://media.example.org/rule.png")
    id = await desk.approved(leadMedia=plain["id"])
    assert await desk.codes("publishArticle", id=id) == {("REQUIRED", "leadMedia")}
    await desk.does("updateMedia", id=plain["id"], decorative=True)
    assert (await desk.does("publishArticle", id=id))["status"] == "PUBLISHED"


async def test_what_is_scheduled_cannot_be_spoiled(desk: Newsdesk) -> None:
    """An edit of a scheduled article may not take away what it needs to come out."""
    id = await desk.approved()
    await desk.does("scheduleArticle", id=id, publishAt="2026-07-01T08:00:00Z")
    assert await desk.codes("updateArticle", id=id, body=None) == {("REQUIRED", "body")}
    assert await desk.codes("updateArticle", id=id, embargoUntil="2026-07-05T00:00:00Z") == {
        ("EMBARGOED", "embargoUntil")
    }
    shown = await desk.does("updateArticle", id=id, headline="Better")
    assert (shown["status"], shown["unpublishedChanges"]) == ("SCHEDULED", False)
    assert await desk.codes("updateArticle", ERIC, id=id, headline="Worse") == {("INVALID_TRANSITION", "id")}


# Rehearsals


def rehearsals(made: dict[str, str]) -> dict[str, dict[str, Any]]:
    """An input for every mutation with which it would succeed."""
    draft, out, second, third, gone = (made[n] for n in ("draft", "out", "second", "third", "gone"))
    return {
        "createArticle": {"headline": "Rehearsed", "body": {"text": "One."}},
        "updateArticle": {"id": out, "headline": "Rehearsed", "slug": "new", "tags": [{"tag": "tears"}]},
        "submitArticle": {"id": draft},
        "returnArticle": {"id": made["reviewed"]},
        "approveArticle": {"id": made["reviewed"]},
        "scheduleArticle": {"id": made["passed"], "publishAt": "2026-07-01T08:00:00Z"},
        "publishArticle": {"id": made["passed"]},
        "unpublishArticle": {"id": out},
        "withdrawArticle": {"id": out, "notice": "Wrong."},
        "correctArticle": {"id": out, "kind": "CORRECTION", "text": "On Tuesday.", "before": "Monday",
                           "after": "Tuesday"},
        "archiveArticle": {"id": out},
        "deleteArticle": {"id": draft},
        "restoreArticle": {"id": gone},
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
        "deleteCategory": {"id": made["category"]},
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
        "revokeToken": {"id": made["token"]},
    }  # fmt: skip


async def furnished(desk: Newsdesk) -> dict[str, str]:
    """One of everything that can be done something with."""
    made = {"draft": await desk.draft(), "reviewed": await desk.draft()}
    await desk.does("submitArticle", id=made["reviewed"])
    made["passed"] = await desk.approved()
    made["out"] = await desk.published()
    made["gone"] = await desk.draft()
    await desk.does(GONE, id=made["gone"])
    for name, source in (("second", "kctv"), ("third", "joongang")):
        added = await desk.does("addAttribution", article=made["draft"], kind="CITING", source=source)
        made[name] = added["attribution"]["id"]
    await desk.does("rejectAttribution", id=made["third"])
    made["category"] = (await desk.does("createCategory", name="Closing"))["id"]
    made["token"] = (await desk.does("createToken", ROOT, name="Old", role="READER"))["token"]["id"]
    return made


async def test_a_rehearsal_shows_what_would_be_and_changes_nothing(own_desk: Newsdesk) -> None:
    """`validateOnly` of every mutation there is: the payload of the real thing, and every table as it was."""
    desk = own_desk
    inputs = rehearsals(await furnished(desk))
    assert inputs.keys() == MUTATIONS.keys()
    async with desk.unchanged():
        for mutation, said in inputs.items():
            payload = await desk.tries(mutation, ROOT, **said, validateOnly=True)
            assert payload.pop("userErrors") == [], (mutation, payload)
            assert any(payload.values()), (mutation, payload)
            text = str(payload)
            if "Rehearsed" in str(said):
                assert "ehearsed" in text, (mutation, payload)
            if mutation in TRANSITIONS:
                assert TRANSITIONS[mutation].to_status.value in text, (mutation, payload)


async def test_a_rehearsal_gives_no_secret_away(desk: Newsdesk) -> None:
    """A link would open the article though nothing was written down of it."""
    id = await desk.draft()
    link = await desk.does("createPreviewLink", id=id, validateOnly=True)
    assert (link["token"], "cqlp_" in link["url"]) == ("", False)
    token = await desk.does("createToken", ROOT, name="Machine", role="READER", validateOnly=True)
    assert (token["secret"], token["token"]["name"]) == ("", "Machine")


async def test_a_rehearsal_is_refused_as_the_real_thing_would_be(desk: Newsdesk) -> None:
    """And it needs the same rights."""
    id = await desk.draft()
    assert await desk.codes("publishArticle", id=id, validateOnly=True) == {("INVALID_TRANSITION", "id")}
    said = await desk.says(document("publishArticle"), BOB, input={"id": id, "validateOnly": True})
    assert said["errors"][0]["extensions"]["code"] == "FORBIDDEN"


# Two at once


async def test_who_changed_it_meanwhile_is_said(desk: Newsdesk) -> None:
    """`ifVersion` of an old version: CONFLICT, with who changed which fields, and the version to read."""
    id = await desk.draft()
    await desk.does("updateArticle", ERIC, id=id, headline="By Eric", kicker="Korea")
    async with desk.unchanged():
        (error,) = await desk.refused("updateArticle", id=id, ifVersion=1, headline="By Anna")
    assert (error["code"], error["field"]) == ("VERSION_CONFLICT", ["ifVersion"])
    assert "Eric updated it at 2026-06-30 08:00:00Z (headline, kicker)" in error["message"]
    assert error["hint"] == "Read it again, and send ifVersion: 2."
    assert (await desk.does("updateArticle", id=id, ifVersion=2, headline="By Anna"))["version"] == 3


MOVABLE = [
    name
    for name, of in MUTATIONS.items()
    if "ifVersion" in CORE.type_map[str(of.args["input"].type).rstrip("!")].fields  # type: ignore[attr-defined]
]


async def test_every_write_to_an_article_takes_the_version_that_was_read(own_desk: Newsdesk) -> None:
    """No mutation of an article, or of what is part of one, goes over what somebody else has saved."""
    inputs = rehearsals(await furnished(own_desk))
    assert len(MOVABLE) >= 19
    async with own_desk.unchanged():
        for mutation in MOVABLE:
            said = {**inputs[mutation], "ifVersion": 99}
            assert ("VERSION_CONFLICT", "ifVersion") in await own_desk.codes(mutation, **said), mutation


async def test_of_two_that_save_at_once_one_is_told(desk: Newsdesk) -> None:
    """Two editors who have read the same version: one saves it, the other is told, and nothing is lost."""
    id = await desk.draft()
    both = await asyncio.gather(
        *(desk.tries("updateArticle", id=id, ifVersion=1, headline=f"Version {n}") for n in range(4))
    )
    done = [payload for payload in both if payload["article"]]
    told = [error["code"] for payload in both for error in payload["userErrors"]]
    assert (len(done), told) == (1, ["VERSION_CONFLICT"] * 3)
    query = "query($i: ID!) { article(id: $i) { headline version revisions { nodes { version } } } }"
    found = (await desk.asks(query, ANNA, i=id))["article"]
    assert found == {
        "headline": done[0]["article"]["headline"],
        "version": 2,
        "revisions": {"nodes": [{"version": 2}, {"version": 1}]},
    }


async def test_many_moves_at_once_move_once(desk: Newsdesk) -> None:
    """Five who press the button together publish it once."""
    id = await desk.approved()
    all_told = await asyncio.gather(*(desk.tries("publishArticle", id=id) for _ in range(5)))
    assert sum(bool(payload["article"]) for payload in all_told) == 1


# Idempotency


async def test_a_key_sent_twice_does_it_once(desk: Newsdesk) -> None:
    """The same bytes both times, whatever happened between; one article, one revision, one audit entry."""
    request = GraphQLRequest(
        document("createArticle"), None, {"input": {"headline": "Only once", "idempotencyKey": "one"}}
    )
    first = await desk.executor.execute(request, None, None, ANNA)
    id = orjson.loads(first.body)["data"]["createArticle"]["article"]["id"]
    await desk.does("updateArticle", id=id, headline="Not any more")
    desk.now = NOW + 20 * HOUR
    again = await desk.executor.execute(request, None, None, ANNA)
    assert again.body == first.body
    assert len(await desk.table("SELECT id FROM article WHERE slug = 'only-once'")) == 1
    assert len(await desk.table(f"SELECT id FROM audit_entry WHERE thing = '{id}'")) == 2


async def test_a_key_sent_at_the_same_time_does_it_once(desk: Newsdesk) -> None:
    """Ten at once with one key: one article, and ten equal answers."""
    request = GraphQLRequest(
        document("createArticle"), None, {"input": {"headline": "At once", "idempotencyKey": "at once"}}
    )
    told = await asyncio.gather(*(desk.executor.execute(request, None, None, ANNA) for _ in range(10)))
    assert len({answered.body for answered in told}) == 1
    assert orjson.loads(told[0].body)["data"]["createArticle"]["userErrors"] == []
    assert len(await desk.table("SELECT id FROM article WHERE slug LIKE 'at-once%'")) == 1


async def test_a_key_belongs_to_one_request_of_one_account(desk: Newsdesk) -> None:
    """Another input with it is IDEMPOTENCY_KEY_REUSED; another account has its own; it lasts a day."""
    await desk.does("createStory", title="One", idempotencyKey="mine")
    assert await desk.codes("createStory", title="Two", idempotencyKey="mine") == {
        ("IDEMPOTENCY_KEY_REUSED", "idempotencyKey")
    }
    assert await desk.codes("createTag", type="TOPIC", name="One", idempotencyKey="mine") == {
        ("IDEMPOTENCY_KEY_REUSED", "idempotencyKey")
    }
    assert (await desk.does("createStory", ERIC, title="Two", idempotencyKey="mine"))["title"] == "Two"
    desk.now = NOW + DAY + SECOND
    assert (await desk.does("createStory", title="Three", idempotencyKey="mine"))["title"] == "Three"


async def test_a_key_asked_for_other_fields_is_told_of_the_same_thing(desk: Newsdesk) -> None:
    """Done once, shown as is asked for now."""
    first = await desk.does("createStory", title="Shown", idempotencyKey="shown")
    again = await desk.does("createStory", shown="story { id slug }", title="Shown", idempotencyKey="shown")
    assert again == {"id": first["id"], "slug": "shown"}


async def test_what_was_refused_or_rehearsed_leaves_its_key_free(desk: Newsdesk) -> None:
    """A key is spent by what is done, and by nothing else."""
    id = await desk.draft()
    await desk.does("createStory", title="Later", idempotencyKey="free", validateOnly=True)
    await desk.refused("publishArticle", id=id, idempotencyKey="free")
    assert (await desk.does("createStory", title="Now", idempotencyKey="free"))["title"] == "Now"
    assert await desk.codes("createStory", title="Now", idempotencyKey="") == {("INVALID", "idempotencyKey")}
    assert await desk.codes("createStory", title="Now", idempotencyKey="k" * 201) == {
        ("INVALID", "idempotencyKey")
    }


async def test_secrets_are_kept_nowhere(desk: Newsdesk) -> None:
    """A token's secret and a preview link are told once: with the key again they are empty."""
    said = {"name": "Machine", "role": "READER", "idempotencyKey": "secret"}
    first = await desk.does("createToken", ROOT, **said)
    again = await desk.does("createToken", ROOT, **said)
    assert first["secret"].startswith("cql_")
    assert again == {**first, "secret": ""}
    id = await desk.draft()
    link = await desk.does("createPreviewLink", id=id, idempotencyKey="link")
    assert link["token"].startswith("cqlp_")
    for (answer,) in await desk.table("SELECT answer FROM done"):
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


async def seen(desk: Newsdesk, id: str, slug: str, word: str) -> bool:
    """Whether the public sees it: everywhere or nowhere."""
    found = await desk.asks(SEEN, i=id, s=slug, h=word)
    ways = {
        "article": found["article"] is not None,
        "slug": found["slug"] is not None,
        "node": found["node"] is not None,
        "list": bool(found["articles"]["nodes"]),
        "count": found["articles"]["totalCount"] == 1,
        "latest": bool(found["latestNews"]["nodes"]),
        "search": found["search"]["totalCount"] == 1,
        "section": found["category"]["articles"]["totalCount"] == 1,
    }
    assert len(set(ways.values())) == 1, ways
    return True in ways.values()


async def test_a_scheduled_article_comes_out_by_itself(desk: Newsdesk) -> None:
    """Nothing a second before, all of it at that very second, and nobody has to do anything."""
    id = await desk.approved(headline="Zugzwang today", expiresAt="2026-07-02T00:00:00Z")
    shown = await desk.does("scheduleArticle", id=id, publishAt="2026-07-01T00:00:00+00:00")
    assert (shown["status"], shown["publishedAt"]) == ("SCHEDULED", "2026-07-01T00:00:00Z")
    at = NOW + 16 * HOUR
    for moment, expected in (
        (NOW, False),
        (at - SECOND, False),
        (at, True),
        (at + DAY - SECOND, True),
        (at + DAY, False),
        (at + 9 * DAY, False),
    ):
        desk.now = moment
        assert await seen(desk, id, "zugzwang-today", "zugzwang") is expected, moment
    desk.now = at + HOUR
    query = "query($i: ID!) { article(id: $i) { status publishedAt firstPublishedAt } }"
    assert (await desk.asks(query, i=id))["article"] == {
        "status": "PUBLISHED",
        "publishedAt": "2026-07-01T00:00:00Z",
        "firstPublishedAt": "2026-07-01T00:00:00Z",
    }
    desk.now = at + 2 * DAY
    assert (await desk.asks(query, ANNA, i=id))["article"]["status"] == "EXPIRED"
    assert (await desk.does("unpublishArticle", id=id))["status"] == "DRAFT"


async def test_what_comes_out_by_itself_is_edited_in_a_copy_from_then_on(desk: Newsdesk) -> None:
    """The clock makes it PUBLISHED for editors too: an edit begins a working copy."""
    id = await desk.approved()
    await desk.does("scheduleArticle", id=id, publishAt="2026-07-01T00:00:00Z")
    desk.now = NOW + 2 * DAY
    shown = await desk.does("updateArticle", id=id, headline="Later")
    assert (shown["status"], shown["unpublishedChanges"]) == ("DRAFT", True)
    query = "query($i: ID!) { article(id: $i) { headline } }"
    assert (await desk.asks(query, i=id))["article"]["headline"] != "Later"
    await desk.again(id)
    assert (await desk.asks(query, i=id))["article"]["headline"] == "Later"


async def test_an_embargo_holds_to_the_second(desk: Newsdesk) -> None:
    """Set on what is out, it hides it; it opens by itself; and nothing is published against it."""
    id = await desk.published(headline="Quagmire ahead")
    await desk.does("updateArticle", id=id, embargoUntil="2026-07-01T00:00:00Z")
    for move in ("submitArticle", "approveArticle"):
        await desk.does(move, id=id)
    assert await desk.codes("publishArticle", id=id) == {("EMBARGOED", "embargoUntil")}
    fresh = await desk.approved(headline="Quixotic plan", embargoUntil="2026-07-01T00:00:00Z")
    assert await desk.codes("scheduleArticle", id=fresh, publishAt="2026-06-30T23:59:59Z") == {
        ("EMBARGOED", "embargoUntil")
    }
    await desk.does("scheduleArticle", id=fresh, publishAt="2026-07-01T00:00:00Z")
    desk.now = NOW + 16 * HOUR - SECOND
    assert not await seen(desk, fresh, "quixotic-plan", "quixotic")
    desk.now += SECOND
    assert await seen(desk, fresh, "quixotic-plan", "quixotic")


async def test_times_that_have_passed_are_refused(desk: Newsdesk) -> None:
    """Nothing is scheduled into the past, or published into the future."""
    id = await desk.approved()
    assert await desk.codes("scheduleArticle", id=id, publishAt="2026-06-30T08:00:00Z") == {
        ("INVALID_TIME", "publishAt")
    }
    assert await desk.codes("publishArticle", id=id, publishedAt="2026-06-30T08:00:01Z") == {
        ("INVALID_TIME", "publishedAt")
    }
    shown = await desk.does("publishArticle", id=id, publishedAt="2025-01-01T00:00:00Z")
    assert (shown["publishedAt"], shown["firstPublishedAt"]) == ("2025-01-01T00:00:00Z",) * 2


# Off again


async def test_a_notice_stands_where_an_article_was_taken_back(desk: Newsdesk) -> None:
    """The text is gone from every answer; its slugs tell why; brought back, the notice is gone."""
    id = await desk.published(headline="Vortex of lies")
    assert await seen(desk, id, "vortex-of-lies", "vortex")
    assert await desk.codes("withdrawArticle", id=id, notice=" ") == {("REQUIRED", "notice")}
    await desk.does("withdrawArticle", id=id, notice="This report was wrong.")
    assert not await seen(desk, id, "vortex-of-lies", "vortex")
    query = '{ withdrawal(slug: "vortex-of-lies") { id slug language notice at } }'
    assert (await desk.asks(query))["withdrawal"] == {
        "id": id,
        "slug": "vortex-of-lies",
        "language": "en",
        "notice": "This report was wrong.",
        "at": "2026-06-30T08:00:00Z",
    }
    assert await desk.codes("updateArticle", id=id, headline="x") == {("INVALID_TRANSITION", "id")}
    shown = await desk.does("restoreArticle", id=id)
    assert (shown["status"], shown["publishedAt"]) == ("DRAFT", None)
    assert (await desk.asks(query))["withdrawal"] is None
    assert not await seen(desk, id, "vortex-of-lies", "vortex")


async def test_taken_off_and_out_again(desk: Newsdesk) -> None:
    """Unpublished, archived, restored, published again: when it first was out stays known."""
    id = await desk.published(headline="Yardstick")
    desk.now = NOW + HOUR
    assert (await desk.does("unpublishArticle", id=id))["status"] == "DRAFT"
    assert not await seen(desk, id, "yardstick", "yardstick")
    assert (await desk.does("archiveArticle", id=id))["status"] == "ARCHIVED"
    shown = await desk.does("restoreArticle", id=id)
    assert (shown["status"], shown["firstPublishedAt"]) == ("DRAFT", "2026-06-30T08:00:00Z")
    for move in ("submitArticle", "approveArticle"):
        await desk.does(move, id=id)
    shown = await desk.does("publishArticle", id=id)
    assert (shown["publishedAt"], shown["firstPublishedAt"]) == (
        "2026-06-30T09:00:00Z",
        "2026-06-30T08:00:00Z",
    )
    assert await seen(desk, id, "yardstick", "yardstick")


async def test_deleted_is_gone_for_everybody(desk: Newsdesk) -> None:
    """Editors find it no more either, its slug stays its own, and only restoreArticle brings it back."""
    id = await desk.published(headline="Xylophone")
    await desk.does(GONE, id=id)
    for who in (PUBLIC, ANNA):
        query = 'query($i: ID!) { node(id: $i) { id } article(slug: "xylophone") { id } }'
        assert await desk.asks(query, who, i=id) == {"article": None, "node": None}
    assert not await seen(desk, id, "xylophone", "xylophone")
    for mutation in ("updateArticle", "submitArticle", "publishArticle", GONE):
        assert await desk.codes(mutation, id=id) == {("NOT_FOUND", "id")}
    (error,) = await desk.refused("createArticle", headline="Xylophone", slug="xylophone")
    assert (error["code"], error["hint"]) == ("TAKEN", "'xylophone-2' is free.")
    shown = await desk.does("restoreArticle", id=id)
    assert (shown["status"], shown["slug"]) == ("DRAFT", "xylophone")


async def test_who_may_delete_what(desk: Newsdesk) -> None:
    """Authors delete drafts of their own that never were out; the rest is for publishers."""
    own, sent, out = [await desk.draft(BOB) for _ in range(3)]
    assert (await desk.does(GONE, BOB, id=own)) == own
    await desk.does("submitArticle", BOB, id=sent)
    assert await desk.codes(GONE, BOB, id=sent) == {("NOT_OWNER", "id")}
    for move in ("submitArticle", "approveArticle", "publishArticle", "unpublishArticle"):
        await desk.does(move, id=out)
    assert await desk.codes(GONE, BOB, id=out) == {("NOT_OWNER", "id")}
    theirs = await desk.published()
    assert await desk.codes("updateArticle", BOB, id=theirs, headline="Mine") == {("NOT_OWNER", "id")}
    hidden = await desk.draft()
    assert await desk.codes("updateArticle", BOB, id=hidden, headline="Mine") == {("NOT_FOUND", "id")}


async def test_what_an_author_has_sent_is_with_the_reviewer(desk: Newsdesk) -> None:
    """An author does not change what is in review; an editor who may approve changes what is approved."""
    id = await desk.draft(BOB)
    await desk.does("submitArticle", BOB, id=id)
    assert await desk.codes("updateArticle", BOB, id=id, headline="x") == {("INVALID_TRANSITION", "id")}
    await desk.does("returnArticle", ERIC, id=id, reason="Who says so?")
    assert (await desk.does("updateArticle", BOB, id=id, headline="Kim says so"))["status"] == "DRAFT"
    await desk.does("submitArticle", BOB, id=id)
    await desk.does("approveArticle", ERIC, id=id)
    assert (await desk.does("updateArticle", ERIC, id=id, headline="Better"))["status"] == "APPROVED"
