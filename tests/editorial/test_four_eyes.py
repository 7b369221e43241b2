"""CONTENTQL_FOUR_EYES: who wrote an article may not approve it, and an approval is required."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conftest import Server
from tests.support.editorial_client import (
    ANNA,
    ERIC,
    HOUR,
    ROOT,
    EditorialClient,
    make_actor,
    open_editorial_client,
)

from contentql.auth.permissions import Role
from contentql.auth.viewer import Actor

CARL = make_actor(Role.PUBLISHER, "carl")
REFUSED = {("SECOND_PERSON_REQUIRED", "id")}
LATER = "2026-07-01T08:00:00Z"


@pytest.fixture(scope="module")
async def newsroom(server: Server, small_newsroom_url: str) -> AsyncIterator[EditorialClient]:
    async with open_editorial_client(server, template=small_newsroom_url, four_eyes=True) as newsroom:
        yield newsroom


async def in_review(newsroom: EditorialClient, actor: Actor) -> str:
    id = await newsroom.create_draft(actor)
    await newsroom.mutate_ok("submitArticle", actor, id=id)
    return id


async def published(newsroom: EditorialClient, actor: Actor) -> str:
    id = await in_review(newsroom, actor)
    await newsroom.mutate_ok("approveArticle", CARL, id=id)
    await newsroom.mutate_ok("publishArticle", actor, id=id)
    return id


@pytest.mark.parametrize("writer", [ANNA, ROOT])
async def test_who_created_an_article_does_not_approve_it(newsroom: EditorialClient, writer: Actor) -> None:
    id = await in_review(newsroom, writer)
    assert await newsroom.mutate_codes("approveArticle", writer, id=id) == REFUSED
    assert (await newsroom.mutate_ok("approveArticle", CARL, id=id))["status"] == "APPROVED"
    assert (await newsroom.mutate_ok("publishArticle", writer, id=id))["status"] == "PUBLISHED"


async def test_every_editor_of_an_article_is_a_writer(newsroom: EditorialClient) -> None:
    id = await in_review(newsroom, ANNA)
    await newsroom.mutate_ok("updateArticle", CARL, id=id, summary="Shorter.")
    for writer in (ANNA, CARL):
        assert await newsroom.mutate_codes("approveArticle", writer, id=id) == REFUSED
    await newsroom.mutate_ok("approveArticle", ERIC, id=id)


async def test_sending_an_article_back_and_forth_is_not_writing(newsroom: EditorialClient) -> None:
    id = await in_review(newsroom, ANNA)
    await newsroom.mutate_ok("returnArticle", CARL, id=id)
    await newsroom.mutate_ok("submitArticle", CARL, id=id)
    await newsroom.mutate_ok("approveArticle", CARL, id=id)


async def test_an_edit_of_an_approved_article_needs_another_approval(newsroom: EditorialClient) -> None:
    id = await in_review(newsroom, ANNA)
    await newsroom.mutate_ok("approveArticle", CARL, id=id)
    assert (await newsroom.mutate_ok("updateArticle", CARL, id=id, summary="New."))["status"] == "IN_REVIEW"
    assert await newsroom.mutate_codes("approveArticle", CARL, id=id) == REFUSED
    await newsroom.mutate_ok("approveArticle", ERIC, id=id)
    await newsroom.mutate_ok("publishArticle", CARL, id=id)


async def test_a_scheduled_article_is_not_edited(newsroom: EditorialClient) -> None:
    id = await in_review(newsroom, ANNA)
    await newsroom.mutate_ok("approveArticle", CARL, id=id)
    await newsroom.mutate_ok("scheduleArticle", ANNA, id=id, publishAt=LATER)
    assert await newsroom.mutate_codes("updateArticle", CARL, id=id, summary="New.") == REFUSED
    await newsroom.mutate_ok("unpublishArticle", ANNA, id=id)
    await newsroom.mutate_ok("updateArticle", CARL, id=id, summary="New.")


@pytest.mark.parametrize("how", ["publishArticle", "scheduleArticle"])
async def test_working_copies_are_approved_by_another_person(newsroom: EditorialClient, how: str) -> None:
    """Of a published article, only the changes count: who wrote the public text may approve them."""
    id = await published(newsroom, ANNA)
    await newsroom.mutate_ok("updateArticle", CARL, id=id, summary="New.")
    await newsroom.mutate_ok("submitArticle", CARL, id=id)
    assert await newsroom.mutate_codes("approveArticle", CARL, id=id) == REFUSED
    await newsroom.mutate_ok("approveArticle", ANNA, id=id)
    input = {"publishAt": LATER} if how == "scheduleArticle" else {}
    await newsroom.mutate_ok(how, CARL, id=id, **input)


async def test_changes_after_a_publication_by_the_clock_have_their_own_writers(
    newsroom: EditorialClient,
) -> None:
    id = await in_review(newsroom, ANNA)
    await newsroom.mutate_ok("approveArticle", CARL, id=id)
    await newsroom.mutate_ok("scheduleArticle", CARL, id=id, publishAt=LATER)
    newsroom.now = dt.datetime.fromisoformat(LATER) + HOUR
    await newsroom.mutate_ok("updateArticle", CARL, id=id, summary="New.")
    await newsroom.mutate_ok("submitArticle", CARL, id=id)
    assert await newsroom.mutate_codes("approveArticle", CARL, id=id) == REFUSED
    await newsroom.mutate_ok("approveArticle", ANNA, id=id)


async def test_edits_after_a_scheduled_change_stay_unapproved_when_it_is_published(
    newsroom: EditorialClient,
) -> None:
    id = await published(newsroom, ANNA)
    await newsroom.mutate_ok("updateArticle", ANNA, id=id, summary="First.")
    await newsroom.mutate_ok("submitArticle", ANNA, id=id)
    await newsroom.mutate_ok("approveArticle", CARL, id=id)
    await newsroom.mutate_ok("scheduleArticle", ANNA, id=id, publishAt=LATER)
    await newsroom.mutate_ok("updateArticle", CARL, id=id, summary="Second.")
    newsroom.now = dt.datetime.fromisoformat(LATER) + HOUR
    await newsroom.mutate_ok("submitArticle", CARL, id=id)
    assert await newsroom.mutate_codes("approveArticle", CARL, id=id) == REFUSED


async def test_discarded_changes_have_no_writers(newsroom: EditorialClient) -> None:
    id = await published(newsroom, ANNA)
    await newsroom.mutate_ok("updateArticle", CARL, id=id, summary="Discarded.")
    await newsroom.mutate_ok("discardWorkingCopy", CARL, id=id)
    await newsroom.mutate_ok("updateArticle", ANNA, id=id, summary="New.")
    await newsroom.mutate_ok("submitArticle", ANNA, id=id)
    await newsroom.mutate_ok("approveArticle", CARL, id=id)


async def test_restoring_an_earlier_version_is_writing(newsroom: EditorialClient) -> None:
    id = await in_review(newsroom, ANNA)
    await newsroom.mutate_ok("updateArticle", ANNA, id=id, summary="New.")
    await newsroom.mutate_ok("restoreRevision", CARL, id=id, version=1)
    assert await newsroom.mutate_codes("approveArticle", CARL, id=id) == REFUSED


@pytest.mark.parametrize("how", ["publishArticle", "scheduleArticle"])
async def test_own_approvals_from_before_the_rule_do_not_count(
    server: Server, small_newsroom_url: str, how: str
) -> None:
    input: dict[str, Any] = {"publishAt": LATER} if how == "scheduleArticle" else {}
    async with open_editorial_client(server, template=small_newsroom_url) as newsroom:
        alone, edited = [await newsroom.create_approved() for _ in range(2)]
        newsroom.executor.mutations._four_eyes = True
        assert await newsroom.mutate_codes(how, ANNA, id=alone, **input) == REFUSED
        assert await newsroom.mutate_codes(how, ROOT, id=edited, **input) == REFUSED
        for transition, actor in (("returnArticle", ANNA), ("submitArticle", ANNA), ("approveArticle", CARL)):
            await newsroom.mutate_ok(transition, actor, id=alone)
        await newsroom.mutate_ok(how, ANNA, id=alone, **input)


async def test_without_the_setting_one_person_does_everything(
    server: Server, small_newsroom_url: str
) -> None:
    async with open_editorial_client(server, template=small_newsroom_url) as newsroom:
        await newsroom.create_published()


STEPS = ["updateArticle", "submitArticle", "returnArticle", "approveArticle", "publishArticle"]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 1 << 32))
async def test_what_is_published_was_approved_by_somebody_who_did_not_write_it(
    newsroom: EditorialClient, seed: int
) -> None:
    """Whatever three people do in whatever order."""
    random = Random(seed)
    id = await newsroom.create_draft(ANNA)
    writers, approvers = {"anna"}, set[str]()
    for n in range(14):
        step, actor = random.choice(STEPS), random.choice([ANNA, CARL, ROOT])
        more = {"summary": f"Summary {n}"} if step == "updateArticle" else {}
        payload = await newsroom.mutate(step, actor, id=id, **more)
        if payload["userErrors"]:
            continue
        account = str(actor.viewer.account)
        if step == "updateArticle":
            writers.add(account)
            approvers = set()
        elif step == "approveArticle":
            assert account not in writers
            approvers.add(account)
        elif step == "publishArticle":
            assert approvers - writers
            writers, approvers = set(), set()
