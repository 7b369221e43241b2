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

DELETE = "deleteArticle"
STATUSES = list(Status)
REQUIRED_FIELDS: dict[str, Any] = {
    "scheduleArticle": {"publishAt": "2026-07-01T08:00:00Z"},
    "withdrawArticle": {"notice": "This report was wrong."},
}


def article_with_status(id: int, status: Status) -> ArticleRecord:
    """An article with the status and everything that a publication requires."""
    published_at = {
        Status.PUBLISHED: NOW - DAY,
        Status.EXPIRED: NOW - DAY,
        Status.WITHDRAWN: NOW - DAY,
        Status.SCHEDULED: NOW + DAY,
    }.get(status)
    expired = status is Status.EXPIRED
    return ArticleRecord(
        id=id,
        slug=f"article-{id}",
        language="en",
        headline=f"Article {id}",
        status=Status.PUBLISHED if expired else status,
        published_at=published_at,
        expires_at=NOW - HOUR if expired else None,
        category="politics",
        blocks=(Paragraph(text=TEXT[0]),),
    )


def transition_cases() -> Iterator[tuple[str, Status, int]]:
    """Each transition with each status, and the id of the article for the case."""
    for m, transition in enumerate(TRANSITIONS):
        for s, status in enumerate(STATUSES):
            yield transition, status, 10_000 + 100 * m + s


@pytest.fixture(scope="module")
async def newsroom_of_all_statuses(server: Server) -> AsyncIterator[EditorialClient]:
    """A newsroom with an article in each status for each transition."""
    async with open_editorial_client(
        server, *(article_with_status(id, status) for _, status, id in transition_cases())
    ) as newsroom:
        yield newsroom


@pytest.mark.parametrize("transition", TRANSITIONS)
async def test_transitions_are_permitted_only_from_their_statuses(
    newsroom_of_all_statuses: EditorialClient, transition: str
) -> None:
    """From other statuses a transition is INVALID_TRANSITION and changes nothing."""
    newsroom = newsroom_of_all_statuses
    rejected = []
    for name, status, id in transition_cases():
        if name != transition:
            continue
        fields = {"id": encode_id("article", id), **REQUIRED_FIELDS.get(transition, {})}
        if status in TRANSITIONS[transition].from_statuses:
            payload = await newsroom.mutate_ok(transition, **fields)
            assert payload["status"] == TRANSITIONS[transition].to_status.value, (transition, status)
        else:
            rejected.append((fields, status))
    async with newsroom.unchanged():
        for fields, status in rejected:
            (error,) = await newsroom.mutate_errors(transition, **fields)
            assert (error["code"], error["field"]) == ("INVALID_TRANSITION", ["id"]), (status, error)
            assert STATUS_WORDS[status] in error["message"]
            assert error["hint"], error


@pytest.mark.parametrize(
    "steps",
    [(), ("submitArticle",), ("submitArticle", "approveArticle")],
    ids=["draft", "in review", "approved"],
)
async def test_working_copies_have_the_transitions_of_drafts(
    newsroom: EditorialClient, steps: tuple[str, ...]
) -> None:
    """Unpublishing, withdrawing and archiving apply to the article with its working copy."""
    status = ["DRAFT", "IN_REVIEW", "APPROVED"][len(steps)]
    for transition, rule in TRANSITIONS.items():
        id = await newsroom.create_published()
        await newsroom.mutate_ok("updateArticle", id=id, headline="Changed")
        for step in steps:
            await newsroom.mutate_ok(step, id=id)
        takes_off = transition in ("unpublishArticle", "withdrawArticle", "archiveArticle")
        if takes_off or Status(status) in rule.from_statuses:
            payload = await newsroom.mutate_ok(transition, id=id, **REQUIRED_FIELDS.get(transition, {}))
            # A scheduled working copy stays approved, and the article published.
            after = "APPROVED" if transition == "scheduleArticle" else rule.to_status.value
            assert payload["status"] == after, (transition, status)
            assert payload["headline"] == "Changed"
        else:
            assert await newsroom.mutate_codes(transition, id=id, **REQUIRED_FIELDS.get(transition, {})) == {
                ("INVALID_TRANSITION", "id")
            }
            payload = await newsroom.query("query($i: ID!) { article(id: $i) { status } }", ANNA, i=id)
            assert payload["article"]["status"] == status


async def test_publish_article_reports_all_missing_requirements(newsroom: EditorialClient) -> None:
    """Section, body, alt text and embargo are reported together, each with its field and a hint."""
    id = await newsroom.create_draft(
        category=None,
        body=None,
        leadMedia="med_302",
        embargoUntil="2026-07-02T00:00:00Z",
        expiresAt="2026-07-03T00:00:00Z",
    )
    for transition in ("submitArticle", "approveArticle"):
        await newsroom.mutate_ok(transition, id=id)
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


async def test_alt_text_is_required_unless_set_in_place_or_decorative(newsroom: EditorialClient) -> None:
    """An alt text on the article's media entry is enough; a decorative picture needs none."""
    id = await newsroom.create_approved(media=[{"media": "med_302", "alt": "Soldiers"}])
    assert (await newsroom.mutate_ok("publishArticle", id=id))["status"] == "PUBLISHED"
    screenshot = await newsroom.mutate_ok(
        "createMedia", kind="IMAGE", url="https://media.example.org/rule.png"
    )
    id = await newsroom.create_approved(leadMedia=screenshot["id"])
    assert await newsroom.mutate_codes("publishArticle", id=id) == {("REQUIRED", "leadMedia")}
    await newsroom.mutate_ok("updateMedia", id=screenshot["id"], decorative=True)
    assert (await newsroom.mutate_ok("publishArticle", id=id))["status"] == "PUBLISHED"


async def test_updates_of_scheduled_articles_must_keep_them_publishable(newsroom: EditorialClient) -> None:
    """An edit that would prevent the publication is rejected."""
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


# Dry runs


def dry_run_inputs(created: dict[str, str]) -> dict[str, dict[str, Any]]:
    """A valid input for every mutation."""
    draft, published, second, third, removed = (
        created[n] for n in ("draft", "published", "second", "third", "deleted")
    )
    return {
        "createArticle": {"headline": "Rehearsed", "body": {"text": "One."}},
        "updateArticle": {"id": published, "headline": "Rehearsed", "slug": "new",
                          "tags": [{"tag": "tears"}]},
        "addLiveEntry": {"article": created["live"], "body": {"text": "Rehearsed"}},
        "editLiveEntry": {"id": created["entry"], "title": "Rehearsed"},
        "pinLiveEntry": {"id": created["entry"]},
        "removeLiveEntry": {"id": created["entry"]},
        "restoreLiveEntry": {"id": created["removedEntry"]},
        "submitArticle": {"id": draft},
        "returnArticle": {"id": created["reviewed"]},
        "approveArticle": {"id": created["reviewed"]},
        "scheduleArticle": {"id": created["approved"], "publishAt": "2026-07-01T08:00:00Z"},
        "cancelScheduledChange": {"id": created["scheduledChange"]},
        "publishArticle": {"id": created["approved"]},
        "unpublishArticle": {"id": published},
        "withdrawArticle": {"id": published, "notice": "Wrong."},
        "correctArticle": {"id": published, "kind": "CORRECTION", "text": "On Tuesday.", "before": "Monday",
                           "after": "Tuesday"},
        "updateWithdrawal": {"id": created["withdrawn"], "notice": "Rehearsed"},
        "changeOwner": {"id": draft, "owner": "bob"},
        "updateCorrection": {"id": created["correction"], "text": "Rehearsed"},
        "deleteCorrection": {"id": created["correction"]},
        "archiveArticle": {"id": published},
        "deleteArticle": {"id": draft},
        "restoreArticle": {"id": removed},
        "purgeArticle": {"id": removed},
        "restoreRevision": {"id": published, "version": 1},
        "discardWorkingCopy": {"id": created["edited"]},
        "createPreviewLink": {"id": draft},
        "revokePreviewLink": {"id": created["link"]},
        "addAttribution": {"article": draft, "kind": "CITING", "source": "kctv"},
        "updateAttribution": {"id": second, "kind": "SAID"},
        "acceptAttribution": {"id": third},
        "rejectAttribution": {"id": second},
        "deleteAttribution": {"id": second},
        "reorderAttributions": {"id": draft, "attributions": [third, second]},
        "createRedirect": {"path": f"/new/{draft}", "target": published},
        "deleteRedirect": {"id": created["redirect"]},
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
        "createCollection": {"title": "Rehearsed", "items": [{"article": published}]},
        "updateCollection": {"id": "front-page", "items": [{"article": published}, {"article": "art_701"}]},
        "pinArticle": {"id": "front-page", "article": published},
        "deleteCollection": {"id": "front-page"},
        "createToken": {"name": "Rehearsed", "role": "EDITOR"},
        "revokeToken": {"id": created["token"]},
        "createWebhook": {"url": "https://example.org/hook", "name": "Rehearsed"},
        "updateWebhook": {"id": created["webhook"], "name": "Rehearsed"},
        "rotateWebhookSecret": {"id": created["webhook"]},
        "deleteWebhook": {"id": created["webhook"]},
        "testWebhook": {"id": created["webhook"]},
        "replayWebhookDeliveries": {"id": created["webhook"]},
    }  # fmt: skip


async def create_mutation_targets(newsroom: EditorialClient) -> dict[str, str]:
    """Ids of newly created objects that the inputs of all mutations refer to."""
    created = {"draft": await newsroom.create_draft(), "reviewed": await newsroom.create_draft()}
    await newsroom.mutate_ok("submitArticle", id=created["reviewed"])
    created["approved"] = await newsroom.create_approved()
    created["published"] = await newsroom.create_published()
    created["deleted"] = await newsroom.create_draft()
    created["live"] = await newsroom.create_published(contentType="LIVE")
    for name in ("entry", "removedEntry"):
        entry = await newsroom.mutate_ok("addLiveEntry", article=created["live"], body={"text": "One."})
        created[name] = entry["liveEntry"]["id"]
    await newsroom.mutate_ok("removeLiveEntry", id=created["removedEntry"])
    created["withdrawn"] = await newsroom.create_published(headline="Rehearsed")
    await newsroom.mutate_ok("withdrawArticle", id=created["withdrawn"], notice="Wrong.")
    corrected = await newsroom.create_published()
    correction = await newsroom.mutate_ok("correctArticle", id=corrected, kind="UPDATE", text="More.")
    created["correction"] = correction["correction"]["id"]
    changed = await newsroom.create_published()
    await newsroom.mutate_ok("updateArticle", id=changed, headline="Rehearsed")
    for transition in ("submitArticle", "approveArticle"):
        await newsroom.mutate_ok(transition, id=changed)
    scheduled = await newsroom.mutate_ok(
        "scheduleArticle",
        id=changed,
        publishAt="2026-07-01T08:00:00Z",
        selection="article { scheduledChanges { id } }",
    )
    created["scheduledChange"] = scheduled["scheduledChanges"][0]["id"]
    created["edited"] = await newsroom.create_published()
    await newsroom.mutate_ok("updateArticle", id=created["edited"], headline="Edited")
    await newsroom.mutate_ok(DELETE, id=created["deleted"])
    for name, source in (("second", "kctv"), ("third", "joongang")):
        attribution_payload = await newsroom.mutate_ok(
            "addAttribution", article=created["draft"], kind="CITING", source=source
        )
        created[name] = attribution_payload["attribution"]["id"]
    await newsroom.mutate_ok("rejectAttribution", id=created["third"])
    created["category"] = (await newsroom.mutate_ok("createCategory", name="Closing"))["id"]
    created["token"] = (await newsroom.mutate_ok("createToken", ROOT, name="Old", role="READER"))["token"][
        "id"
    ]
    webhook = await newsroom.mutate_ok("createWebhook", ROOT, url="https://example.org/hook")
    created["webhook"] = webhook["webhook"]["id"]
    redirect = await newsroom.mutate_ok("createRedirect", path=f"/old/{created['draft']}", url="/about")
    created["redirect"] = redirect["id"]
    created["link"] = await newsroom.mutate_ok("createPreviewLink", selection="linkId", id=created["draft"])
    return created


async def test_dry_runs_return_the_payload_and_change_no_row(own_newsroom: EditorialClient) -> None:
    """Holds for `validateOnly` of every mutation."""
    newsroom = own_newsroom
    inputs = dry_run_inputs(await create_mutation_targets(newsroom))
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


async def test_dry_runs_return_no_secrets(newsroom: EditorialClient) -> None:
    """A preview token would be valid although nothing is stored."""
    id = await newsroom.create_draft()
    link = await newsroom.mutate_ok("createPreviewLink", id=id, validateOnly=True)
    assert (link["token"], "cqlp_" in link["url"]) == ("", False)
    token = await newsroom.mutate_ok("createToken", ROOT, name="Machine", role="READER", validateOnly=True)
    assert (token["secret"], token["token"]["name"]) == ("", "Machine")


async def test_dry_runs_return_the_same_errors(newsroom: EditorialClient) -> None:
    """They need the same permissions as well."""
    id = await newsroom.create_draft()
    assert await newsroom.mutate_codes("publishArticle", id=id, validateOnly=True) == {
        ("INVALID_TRANSITION", "id")
    }
    result = await newsroom.execute(
        mutation_document("publishArticle"), BOB, input={"id": id, "validateOnly": True}
    )
    assert result["errors"][0]["extensions"]["code"] == "FORBIDDEN"


# Concurrent edits


async def test_version_conflicts_name_the_other_editor(newsroom: EditorialClient) -> None:
    """The error has the editor, the time and the changed fields; its hint has the current version."""
    id = await newsroom.create_draft()
    await newsroom.mutate_ok("updateArticle", ERIC, id=id, headline="By Eric", kicker="Korea")
    async with newsroom.unchanged():
        (error,) = await newsroom.mutate_errors("updateArticle", id=id, ifVersion=1, headline="By Anna")
    assert (error["code"], error["field"]) == ("VERSION_CONFLICT", ["ifVersion"])
    assert "Eric updated the article at 2026-06-30T08:00:00Z (headline, kicker)" in error["message"]
    assert error["hint"] == "Read the article again and send ifVersion: 2."
    assert (await newsroom.mutate_ok("updateArticle", id=id, ifVersion=2, headline="By Anna"))["version"] == 3


VERSIONED_MUTATIONS = [
    name
    for name, of in MUTATIONS.items()
    if "ifVersion" in CORE.type_map[str(of.args["input"].type).rstrip("!")].fields  # type: ignore[attr-defined]
]


async def test_article_mutations_reject_outdated_versions(own_newsroom: EditorialClient) -> None:
    """No mutation of an article or its parts overwrites changes of another editor."""
    inputs = dry_run_inputs(await create_mutation_targets(own_newsroom))
    assert len(VERSIONED_MUTATIONS) >= 19
    async with own_newsroom.unchanged():
        for mutation in VERSIONED_MUTATIONS:
            fields = {**inputs[mutation], "ifVersion": 99}
            codes = await own_newsroom.mutate_codes(mutation, ROOT, **fields)
            assert ("VERSION_CONFLICT", "ifVersion") in codes, mutation


async def test_one_of_two_concurrent_saves_gets_a_conflict(newsroom: EditorialClient) -> None:
    """Of several saves based on the same version, one is stored and the others are VERSION_CONFLICT."""
    id = await newsroom.create_draft()
    payloads = await asyncio.gather(
        *(newsroom.mutate("updateArticle", id=id, ifVersion=1, headline=f"Version {n}") for n in range(4))
    )
    saved = [payload for payload in payloads if payload["article"]]
    codes = [error["code"] for payload in payloads for error in payload["userErrors"]]
    assert (len(saved), codes) == (1, ["VERSION_CONFLICT"] * 3)
    query = "query($i: ID!) { article(id: $i) { headline version revisions { nodes { version } } } }"
    data = (await newsroom.query(query, ANNA, i=id))["article"]
    assert data == {
        "headline": saved[0]["article"]["headline"],
        "version": 2,
        "revisions": {"nodes": [{"version": 2}, {"version": 1}]},
    }


async def test_concurrent_transitions_are_executed_once(newsroom: EditorialClient) -> None:
    """Of five concurrent publications, one succeeds."""
    id = await newsroom.create_approved()
    payloads = await asyncio.gather(*(newsroom.mutate("publishArticle", id=id) for _ in range(5)))
    assert sum(bool(payload["article"]) for payload in payloads) == 1


# Idempotency


async def test_idempotency_key_sent_twice_executes_the_mutation_once(newsroom: EditorialClient) -> None:
    """The second response equals the first; there is one article, one revision and one audit entry."""
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


async def test_idempotency_key_sent_concurrently_executes_the_mutation_once(
    newsroom: EditorialClient,
) -> None:
    """Ten concurrent requests create one article and get equal responses."""
    request = GraphQLRequest(
        mutation_document("createArticle"),
        None,
        {"input": {"headline": "At once", "idempotencyKey": "at once"}},
    )
    results = await asyncio.gather(*(newsroom.executor.execute(request, None, None, ANNA) for _ in range(10)))
    assert len({response.body for response in results}) == 1
    assert orjson.loads(results[0].body)["data"]["createArticle"]["userErrors"] == []
    assert len(await newsroom.table("SELECT id FROM article WHERE slug LIKE 'at-once%'")) == 1


async def test_idempotency_key_belongs_to_one_input_of_one_account_for_a_day(
    newsroom: EditorialClient,
) -> None:
    """A different input is IDEMPOTENCY_KEY_REUSED; another account may use the same key."""
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


async def test_idempotency_key_may_be_sent_with_another_selection(newsroom: EditorialClient) -> None:
    """The stored result is returned with the fields of the new selection."""
    first = await newsroom.mutate_ok("createStory", title="Shown", idempotencyKey="shown")
    again = await newsroom.mutate_ok(
        "createStory", selection="story { id slug }", title="Shown", idempotencyKey="shown"
    )
    assert again == {"id": first["id"], "slug": "shown"}


async def test_rejected_and_dry_runs_do_not_use_the_idempotency_key(newsroom: EditorialClient) -> None:
    """Only an executed mutation uses the key up."""
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
    """Secrets and preview tokens are returned once; a repeated idempotency key returns them empty."""
    fields = {"name": "Machine", "role": "READER", "idempotencyKey": "secret"}
    first = await newsroom.mutate_ok("createToken", ROOT, **fields)
    again = await newsroom.mutate_ok("createToken", ROOT, **fields)
    assert first["secret"].startswith("cql_")
    assert again == {**first, "secret": ""}
    id = await newsroom.create_draft()
    link = await newsroom.mutate_ok("createPreviewLink", id=id, idempotencyKey="link")
    assert link["token"].startswith("cqlp_")
    for (response,) in await newsroom.table("SELECT response FROM idempotency_record"):
        assert first["secret"] not in response
        assert link["token"] not in response
        assert first["secret"][4:] not in response


# Times


VISIBILITY_QUERY = """query($i: ID!, $s: String!, $h: String!) {
  article(id: $i) { headline }
  slug: article(slug: $s) { headline }
  node(id: $i) { id }
  articles(filter: {slug: {eq: $s}}) { totalCount nodes { headline } }
  latestNews(section: "world", filter: {slug: {eq: $s}}) { nodes { headline } }
  search: articles(search: $h, filter: {slug: {eq: $s}}) { totalCount }
  category(path: "world/asia") { articles(filter: {slug: {eq: $s}}) { totalCount } }
}"""


async def is_public(newsroom: EditorialClient, id: str, slug: str, search: str) -> bool:
    """Whether the public sees the article; all lists, fields and counts must agree."""
    data = await newsroom.query(VISIBILITY_QUERY, i=id, s=slug, h=search)
    results = {
        "article": data["article"] is not None,
        "slug": data["slug"] is not None,
        "node": data["node"] is not None,
        "list": bool(data["articles"]["nodes"]),
        "count": data["articles"]["totalCount"] == 1,
        "latest": bool(data["latestNews"]["nodes"]),
        "search": data["search"]["totalCount"] == 1,
        "section": data["category"]["articles"]["totalCount"] == 1,
    }
    assert len(set(results.values())) == 1, results
    return True in results.values()


async def test_scheduled_articles_are_public_from_their_time_on(newsroom: EditorialClient) -> None:
    """Visible at the second of publication and until the expiry, without any request."""
    id = await newsroom.create_approved(headline="Zugzwang today", expiresAt="2026-07-02T00:00:00Z")
    payload = await newsroom.mutate_ok("scheduleArticle", id=id, publishAt="2026-07-01T00:00:00+00:00")
    assert (payload["status"], payload["publishedAt"]) == ("SCHEDULED", "2026-07-01T00:00:00Z")
    publish_at = NOW + 16 * HOUR
    for time, expected in (
        (NOW, False),
        (publish_at - SECOND, False),
        (publish_at, True),
        (publish_at + DAY - SECOND, True),
        (publish_at + DAY, False),
        (publish_at + 9 * DAY, False),
    ):
        newsroom.now = time
        assert await is_public(newsroom, id, "zugzwang-today", "zugzwang") is expected, time
    newsroom.now = publish_at + HOUR
    query = "query($i: ID!) { article(id: $i) { status publishedAt firstPublishedAt } }"
    assert (await newsroom.query(query, i=id))["article"] == {
        "status": "PUBLISHED",
        "publishedAt": "2026-07-01T00:00:00Z",
        "firstPublishedAt": "2026-07-01T00:00:00Z",
    }
    newsroom.now = publish_at + 2 * DAY
    assert (await newsroom.query(query, ANNA, i=id))["article"]["status"] == "EXPIRED"
    assert (await newsroom.mutate_ok("unpublishArticle", id=id))["status"] == "DRAFT"


async def test_edits_after_the_scheduled_time_create_a_working_copy(newsroom: EditorialClient) -> None:
    """From its time on a scheduled article has the status PUBLISHED for editors too."""
    id = await newsroom.create_approved()
    await newsroom.mutate_ok("scheduleArticle", id=id, publishAt="2026-07-01T00:00:00Z")
    newsroom.now = NOW + 2 * DAY
    payload = await newsroom.mutate_ok("updateArticle", id=id, headline="Later")
    assert (payload["status"], payload["unpublishedChanges"]) == ("DRAFT", True)
    query = "query($i: ID!) { article(id: $i) { headline } }"
    assert (await newsroom.query(query, i=id))["article"]["headline"] != "Later"
    await newsroom.republish(id)
    assert (await newsroom.query(query, i=id))["article"]["headline"] == "Later"


async def test_embargo_prevents_publication_until_its_second(newsroom: EditorialClient) -> None:
    """Publishing and scheduling before the embargo are rejected."""
    id = await newsroom.create_published(headline="Quagmire ahead")
    await newsroom.mutate_ok("updateArticle", id=id, embargoUntil="2026-07-01T00:00:00Z")
    for transition in ("submitArticle", "approveArticle"):
        await newsroom.mutate_ok(transition, id=id)
    assert await newsroom.mutate_codes("publishArticle", id=id) == {("EMBARGOED", "embargoUntil")}
    fresh = await newsroom.create_approved(headline="Quixotic plan", embargoUntil="2026-07-01T00:00:00Z")
    assert await newsroom.mutate_codes("scheduleArticle", id=fresh, publishAt="2026-06-30T23:59:59Z") == {
        ("EMBARGOED", "embargoUntil")
    }
    await newsroom.mutate_ok("scheduleArticle", id=fresh, publishAt="2026-07-01T00:00:00Z")
    newsroom.now = NOW + 16 * HOUR - SECOND
    assert not await is_public(newsroom, fresh, "quixotic-plan", "quixotic")
    newsroom.now += SECOND
    assert await is_public(newsroom, fresh, "quixotic-plan", "quixotic")


async def test_past_times_are_rejected(newsroom: EditorialClient) -> None:
    """Articles are not scheduled in the past, and not published in the future."""
    id = await newsroom.create_approved()
    assert await newsroom.mutate_codes("scheduleArticle", id=id, publishAt="2026-06-30T08:00:00Z") == {
        ("INVALID_TIME", "publishAt")
    }
    assert await newsroom.mutate_codes("publishArticle", id=id, publishedAt="2026-06-30T08:00:01Z") == {
        ("INVALID_TIME", "publishedAt")
    }
    payload = await newsroom.mutate_ok("publishArticle", id=id, publishedAt="2025-01-01T00:00:00Z")
    assert (payload["publishedAt"], payload["firstPublishedAt"]) == ("2025-01-01T00:00:00Z",) * 2


# Withdrawal and deletion


async def test_withdrawn_articles_are_replaced_by_a_public_notice(newsroom: EditorialClient) -> None:
    """The notice is returned for the slug of the article until the article is restored."""
    id = await newsroom.create_published(headline="Vortex of lies")
    assert await is_public(newsroom, id, "vortex-of-lies", "vortex")
    assert await newsroom.mutate_codes("withdrawArticle", id=id, notice=" ") == {("REQUIRED", "notice")}
    await newsroom.mutate_ok("withdrawArticle", id=id, notice="This report was wrong.")
    assert not await is_public(newsroom, id, "vortex-of-lies", "vortex")
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
    assert not await is_public(newsroom, id, "vortex-of-lies", "vortex")


async def test_republishing_keeps_the_first_publication_time(newsroom: EditorialClient) -> None:
    """Holds after unpublishing, archiving and restoring."""
    id = await newsroom.create_published(headline="Yardstick")
    newsroom.now = NOW + HOUR
    assert (await newsroom.mutate_ok("unpublishArticle", id=id))["status"] == "DRAFT"
    assert not await is_public(newsroom, id, "yardstick", "yardstick")
    assert (await newsroom.mutate_ok("archiveArticle", id=id))["status"] == "ARCHIVED"
    payload = await newsroom.mutate_ok("restoreArticle", id=id)
    assert (payload["status"], payload["firstPublishedAt"]) == ("DRAFT", "2026-06-30T08:00:00Z")
    for transition in ("submitArticle", "approveArticle"):
        await newsroom.mutate_ok(transition, id=id)
    payload = await newsroom.mutate_ok("publishArticle", id=id)
    assert (payload["publishedAt"], payload["firstPublishedAt"]) == (
        "2026-06-30T09:00:00Z",
        "2026-06-30T08:00:00Z",
    )
    assert await is_public(newsroom, id, "yardstick", "yardstick")


async def test_deleted_articles_are_not_visible_to_any_viewer(newsroom: EditorialClient) -> None:
    """Only restoreArticle restores the article, with another slug if its own was taken."""
    id = await newsroom.create_published(headline="Xylophone")
    await newsroom.mutate_ok(DELETE, id=id)
    for actor in (PUBLIC, ANNA):
        query = 'query($i: ID!) { node(id: $i) { id } article(slug: "xylophone") { id } }'
        assert await newsroom.query(query, actor, i=id) == {"article": None, "node": None}
    assert not await is_public(newsroom, id, "xylophone", "xylophone")
    for mutation in ("updateArticle", "submitArticle", "publishArticle", DELETE):
        assert await newsroom.mutate_codes(mutation, id=id) == {("NOT_FOUND", "id")}
    await newsroom.mutate_ok("createArticle", headline="Xylophone", slug="xylophone")
    payload = await newsroom.mutate_ok("restoreArticle", id=id)
    assert (payload["status"], payload["slug"]) == ("DRAFT", "xylophone-2")


async def test_authors_delete_only_their_own_unpublished_drafts(newsroom: EditorialClient) -> None:
    """Drafts in review, published articles and articles of others are NOT_OWNER or NOT_FOUND."""
    draft, submitted, published = [await newsroom.create_draft(BOB) for _ in range(3)]
    assert (await newsroom.mutate_ok(DELETE, BOB, id=draft)) == draft
    await newsroom.mutate_ok("submitArticle", BOB, id=submitted)
    assert await newsroom.mutate_codes(DELETE, BOB, id=submitted) == {("NOT_OWNER", "id")}
    for transition in ("submitArticle", "approveArticle", "publishArticle", "unpublishArticle"):
        await newsroom.mutate_ok(transition, id=published)
    assert await newsroom.mutate_codes(DELETE, BOB, id=published) == {("NOT_OWNER", "id")}
    published_by_other = await newsroom.create_published()
    assert await newsroom.mutate_codes("updateArticle", BOB, id=published_by_other, headline="Mine") == {
        ("NOT_OWNER", "id")
    }
    draft_by_other = await newsroom.create_draft()
    assert await newsroom.mutate_codes("updateArticle", BOB, id=draft_by_other, headline="Mine") == {
        ("NOT_FOUND", "id")
    }


async def test_articles_in_review_cannot_be_changed_by_their_author(newsroom: EditorialClient) -> None:
    """An editor with permission to approve may change an approved article."""
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
