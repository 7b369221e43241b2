"""Webhooks: which events are sent, signed, ordered and repeated."""

from __future__ import annotations

import datetime as dt

import pytest
from standardwebhooks import Webhook, WebhookVerificationError
from tests.events.conftest import Hooks
from tests.support.editorial_client import ROOT
from tests.support.webhook_receiver import hang, response


async def test_events_of_an_article(hooks: Hooks) -> None:
    """Published, updated and unpublished, each with what the public sees."""
    await hooks.create()
    newsroom = hooks.newsroom
    async with hooks.worker().running():
        draft = await newsroom.create_draft()
        id = await newsroom.create_published(headline="Kim weeps")
        await hooks.receiver.wait_for(1)
        await newsroom.mutate_ok("updateArticle", id=id, headline="Kim weeps again")
        await newsroom.republish(id)
        await hooks.receiver.wait_for(2)
        await newsroom.mutate_ok("withdrawArticle", id=id, notice="It was wrong.")
        requests = await hooks.receiver.wait_for(3)
    published, updated, unpublished = (request.json for request in requests)
    assert {request.article for request in requests} == {id} != {draft}
    assert published["type"] == "article.published"
    assert published["data"]["article"]["headline"] == "Kim weeps"
    assert published["data"]["article"]["sections"] == ["world/asia"]
    assert {id, "article", "section:world", "section:world/asia"} <= set(published["data"]["tags"])
    assert (updated["type"], updated["data"]["article"]["headline"]) == ("article.updated", "Kim weeps again")
    assert unpublished["type"] == "article.unpublished"
    assert (unpublished["data"]["reason"], unpublished["data"]["article"]) == ("WITHDRAWN", None)


async def test_signatures_are_those_of_standard_webhooks(hooks: Hooks) -> None:
    """Also with the former secret for a day after a rotation, and not with another one."""
    created = await hooks.create()
    id = created["webhook"]["id"]
    async with hooks.worker().running():
        await hooks.newsroom.mutate_ok("testWebhook", ROOT, id=id)
        (first,) = await hooks.receiver.wait_for(1)
        rotated = await hooks.newsroom.mutate_ok("rotateWebhookSecret", ROOT, id=id)
        await hooks.newsroom.mutate_ok("testWebhook", ROOT, id=id)
        second = (await hooks.receiver.wait_for(2))[1]
        replaced = await hooks.newsroom.mutate_ok("rotateWebhookSecret", ROOT, id=id, immediately=True)
        await hooks.newsroom.mutate_ok("testWebhook", ROOT, id=id)
        third = (await hooks.receiver.wait_for(3))[2]
    old, new, last = (Webhook(payload["secret"]) for payload in (created, rotated, replaced))
    assert old.verify(first.body, dict(first.headers))["type"] == "webhook.test"
    for secret in (old, new):
        assert secret.verify(second.body, dict(second.headers))
    assert last.verify(third.body, dict(third.headers))
    for secret, request in ((new, first), (old, third), (new, third)):
        with pytest.raises(WebhookVerificationError):
            secret.verify(request.body, dict(request.headers))


async def test_a_former_secret_ends_after_a_day(hooks: Hooks) -> None:
    created = await hooks.create()
    id = created["webhook"]["id"]
    await hooks.newsroom.mutate_ok("rotateWebhookSecret", ROOT, id=id)
    hooks.ahead = dt.timedelta(hours=25)
    async with hooks.worker().running():
        await hooks.newsroom.mutate_ok("testWebhook", ROOT, id=id)
        (request,) = await hooks.receiver.wait_for(1)
    assert len(request.headers["webhook-signature"].split()) == 1


async def test_the_clock_makes_events(hooks: Hooks) -> None:
    """A scheduled article is announced when it becomes visible, and when it expires; not before."""
    await hooks.create()
    newsroom = hooks.newsroom
    id = await newsroom.create_approved()
    soon = hooks.now().replace(microsecond=0) + dt.timedelta(seconds=3)
    times = [(soon + dt.timedelta(seconds=n)).isoformat() for n in range(0, 3, 2)]
    await newsroom.mutate_ok("updateArticle", id=id, expiresAt=times[1])
    for transition in ("submitArticle", "approveArticle"):
        await newsroom.mutate(transition, id=id)
    await newsroom.mutate_ok("scheduleArticle", id=id, publishAt=times[0])
    async with hooks.worker().running():
        (first,) = await hooks.receiver.wait_for(1)
        assert hooks.now() >= soon
        second = (await hooks.receiver.wait_for(2))[1]
    assert (first.type, first.article) == ("article.published", id)
    assert first.json["data"]["article"]["headline"]
    assert dt.datetime.fromisoformat(first.json["timestamp"]) == soon
    assert (second.type, second.json["data"]["reason"]) == ("article.unpublished", "EXPIRED")
    assert second.json["data"]["article"] is None


async def test_changes_without_a_worker_are_sent_later(hooks: Hooks) -> None:
    """Those since the webhook was created, not earlier ones."""
    newsroom = hooks.newsroom
    await newsroom.create_published()
    await hooks.create()
    ids = [await newsroom.create_published() for _ in range(3)]
    await newsroom.mutate_ok("deleteArticle", id=ids[0])
    async with hooks.worker().running():
        requests = await hooks.receiver.wait_for(4)
    sent = [(request.type, request.article, request.json["data"]["reason"]) for request in requests]
    assert sorted(sent, key=str) == sorted(
        [*(("article.published", id, None) for id in ids), ("article.unpublished", ids[0], "DELETED")],
        key=str,
    )
    own = [request for request in requests if request.article == ids[0]]
    assert [request.type for request in own] == ["article.published", "article.unpublished"]
    assert own[0].json["data"]["article"] is None, "the public no longer sees it"


async def test_a_webhook_receives_the_types_that_it_asks_for(hooks: Hooks) -> None:
    await hooks.create("/all")
    await hooks.create("/gone", eventTypes=["ARTICLE_UNPUBLISHED"])
    async with hooks.worker().running():
        id = await hooks.newsroom.create_published()
        await hooks.newsroom.mutate_ok("unpublishArticle", id=id)
        await hooks.receiver.wait_for(2, "/all")
        (request,) = await hooks.receiver.wait_for(1, "/gone")
    assert (request.type, request.json["data"]["reason"]) == ("article.unpublished", "UNPUBLISHED")
    assert request.id in {other.id for other in hooks.receiver.at("/all")}, "one id for an event"


async def test_a_hanging_receiver_delays_no_other(hooks: Hooks) -> None:
    hooks.receiver.behaviour["/hang"] = hang
    await hooks.create("/hang")
    await hooks.create("/hook")
    async with hooks.worker().running():
        ids = [await hooks.newsroom.create_published() for _ in range(6)]
        requests = await hooks.receiver.wait_for(6)
        assert {request.article for request in requests} == set(ids)
        assert len(hooks.receiver.at("/hang")) <= 4


async def test_events_of_an_article_wait_for_earlier_ones(hooks: Hooks) -> None:
    """While one fails, those of other articles are sent."""
    hooks.receiver.behaviour["/hook"] = response(500)
    payload = await hooks.create()
    newsroom = hooks.newsroom
    async with hooks.worker().running():
        id = await newsroom.create_published()
        await hooks.receiver.wait_for(1)
        await newsroom.mutate_ok("unpublishArticle", id=id)
        other = await newsroom.create_published()
        await hooks.receiver.wait_until(lambda: any(r.article == other for r in hooks.receiver.requests))
        assert {(r.article, r.type) for r in hooks.receiver.requests} == {
            (id, "article.published"),
            (other, "article.published"),
        }
        del hooks.receiver.behaviour["/hook"]
        await hooks.retry_now()
        await hooks.receiver.wait_until(
            lambda: any(r.type == "article.unpublished" for r in hooks.receiver.requests)
        )
        await hooks.wait_for_states(payload["webhook"]["id"], *["DELIVERED"] * 3)
    own = [r for r in hooks.receiver.requests if r.article == id]
    assert own[0].id == own[-2].id != own[-1].id
    assert [r.type for r in own] == ["article.published"] * (len(own) - 1) + ["article.unpublished"]
