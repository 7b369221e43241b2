"""Deriving events: in parts, from several writes at once, and what it keeps secret."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import pytest
from tests.events.conftest import Hooks
from tests.support.editorial_client import ROOT

from contentql.events import outbox
from contentql.events.delivery_queue import DeliveryQueue
from contentql.events.outbox import Outbox


async def queued_events(hooks: Hooks, webhook: str) -> dict[str, list[str]]:
    """The types of all queued events, by article and in their order."""
    events: dict[str, list[str]] = {}
    cursor = None
    while True:
        data = await hooks.newsroom.query(
            "query($id: ID!, $after: String) { webhook(id: $id) { deliveries(first: 100, after: $after) {"
            " nodes { eventType articleId } pageInfo { hasNextPage endCursor } } } }",
            ROOT,
            id=webhook,
            after=cursor,
        )
        page = data["webhook"]["deliveries"]
        for delivery in page["nodes"]:
            events.setdefault(delivery["articleId"], []).insert(0, delivery["eventType"].partition(".")[2])
        if not page["pageInfo"]["hasNextPage"]:
            return events
        cursor = page["pageInfo"]["endCursor"]


async def advance(hooks: Hooks) -> int:
    """Derives all events; returns the number of transactions."""
    derived, count = Outbox(hooks.newsroom.database, hooks.now), 0
    while not await derived.is_current():
        await derived.advance()
        count += 1
    return count


async def test_many_changes_are_read_in_parts(hooks: Hooks, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events lead from one state of each article to the next, and to what the public sees at the end."""
    monkeypatch.setattr(outbox, "_MAX_DELIVERIES", 1)
    monkeypatch.setattr(outbox, "_MIN_CHANGES", 3)
    newsroom, chance = hooks.newsroom, random.Random(7)
    id = (await hooks.create())["webhook"]["id"]
    articles = [await newsroom.create_published() for _ in range(4)]
    steps: list[int] = []
    for _ in range(20):
        article = chance.choice(articles)
        match chance.randrange(3):
            case 0:
                await newsroom.mutate("unpublishArticle", id=article)
            case 1:
                for transition in ("submitArticle", "approveArticle", "publishArticle"):
                    await newsroom.mutate(transition, id=article)
            case 2:
                until = hooks.now() + dt.timedelta(seconds=chance.randrange(1, 3))
                async with newsroom.database.transaction() as connection:
                    value = until if newsroom.server.dialect == "postgres" else f"{until:%Y-%m-%dT%H:%M:%SZ}"
                    mark = "$1" if newsroom.server.dialect == "postgres" else "?"
                    number = int(article.partition("_")[2])
                    await connection.execute_query(
                        f"UPDATE article SET expires_at = {mark} WHERE id = {number}", [value]
                    )
        if chance.random() < 0.2:
            steps.append(await advance(hooks))
    hooks.ahead = dt.timedelta(seconds=30)
    steps.append(await advance(hooks))
    assert max(steps) > 1
    visible = {
        article["id"]
        for article in (await newsroom.query("{ articles { nodes { id } } }"))["articles"]["nodes"]
    }
    events = await queued_events(hooks, id)
    assert events.keys() <= set(articles)
    for article in articles:
        types = events.get(article, [])  # none if it came and went in one part
        is_visible = False
        for type in types:
            assert (type == "published") == (not is_visible), types
            is_visible = type != "unpublished"
        assert is_visible == (article in visible)


async def test_a_step_that_fails_is_repeated_as_a_whole(
    hooks: Hooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deliveries and the position are one transaction."""
    id = (await hooks.create())["webhook"]["id"]
    await hooks.newsroom.create_published()

    def fail(*_: Any) -> Any:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(Outbox, "_purges", fail)
        with pytest.raises(RuntimeError):
            await advance(hooks)
    assert await queued_events(hooks, id) == {}
    await advance(hooks)
    assert [*(await queued_events(hooks, id)).values()] == [["published"]]


async def test_changes_of_one_transaction_are_one_event(hooks: Hooks) -> None:
    """Of the article, its body, tags, authors and attributions."""
    id = (await hooks.create())["webhook"]["id"]
    article = await hooks.newsroom.create_published(tags=[{"tag": "tears"}], authors=[{"author": "jane-doe"}])
    await advance(hooks)
    await hooks.newsroom.mutate_ok(
        "updateArticle", id=article, tags=[{"tag": "tears"}, {"tag": "PLACE:pyongyang"}], body={"text": "x"}
    )
    await advance(hooks)
    assert await queued_events(hooks, id) == {article: ["published"]}
    await hooks.newsroom.republish(article)
    await advance(hooks)
    assert await queued_events(hooks, id) == {article: ["published", "updated"]}


async def test_changed_taxonomy_updates_the_articles_that_show_it(hooks: Hooks) -> None:
    id = (await hooks.create())["webhook"]["id"]
    article = await hooks.newsroom.create_published(tags=[{"tag": "tears"}])
    await hooks.newsroom.create_draft(tags=[{"tag": "tears"}])
    await hooks.newsroom.mutate_ok("updateTag", id="tears", name="Weeping")
    await advance(hooks)
    assert await queued_events(hooks, id) == {article: ["published", "updated"]}


async def test_media_whose_licence_ends_update_their_articles(hooks: Hooks) -> None:
    id = (await hooks.create())["webhook"]["id"]
    soon = hooks.now().replace(microsecond=0) + dt.timedelta(hours=1)
    await hooks.newsroom.mutate_ok("updateMedia", id="med_301", expiresAt=soon.isoformat())
    article = await hooks.newsroom.create_published(leadMedia="med_301")
    await advance(hooks)
    hooks.ahead = dt.timedelta(hours=2)
    await advance(hooks)
    assert await queued_events(hooks, id) == {article: ["published", "updated"]}


async def test_licences_of_pictures_of_live_entries_update_their_articles(hooks: Hooks) -> None:
    id = (await hooks.create())["webhook"]["id"]
    soon = hooks.now().replace(microsecond=0) + dt.timedelta(hours=1)
    await hooks.newsroom.mutate_ok("updateMedia", id="med_301", expiresAt=soon.isoformat())
    article = await hooks.newsroom.create_published(contentType="LIVE")
    await hooks.newsroom.mutate_ok(
        "addLiveEntry", article=article, body={"text": "The bridge is open."}, picture="med_301"
    )
    await advance(hooks)
    hooks.ahead = dt.timedelta(hours=2)
    await advance(hooks)
    assert (await queued_events(hooks, id))[article][-1] == "updated"
    assert len((await queued_events(hooks, id))[article]) == 3


async def test_old_deliveries_are_deleted(hooks: Hooks) -> None:
    """Delivered ones after a week, others after a month; pending ones end first."""
    id = (await hooks.create())["webhook"]["id"]
    await hooks.newsroom.create_published()
    await advance(hooks)
    queue = DeliveryQueue(hooks.newsroom.database, hooks.now)
    await queue.prune()
    assert [row["state"] for row in await hooks.deliveries(id)] == ["PENDING"]
    hooks.ahead = dt.timedelta(days=3)
    await queue.prune()
    assert [row["state"] for row in await hooks.deliveries(id)] == ["DEAD"]
    hooks.ahead = dt.timedelta(days=31)
    await queue.prune()
    assert await hooks.deliveries(id) == []


async def test_secrets_are_returned_once(hooks: Hooks) -> None:
    """No other response, row of the audit log, or stored result has one."""
    newsroom = hooks.newsroom
    created = await hooks.create(idempotencyKey="one")
    again = await hooks.create(idempotencyKey="one")
    assert created["secret"].startswith("whsec_")
    assert again == {**created, "secret": ""}
    id = created["webhook"]["id"]
    rotated = await newsroom.mutate_ok("rotateWebhookSecret", ROOT, id=id)
    secrets = [payload["secret"].removeprefix("whsec_") for payload in (created, rotated)]
    assert secrets[0] != secrets[1]
    tables = [name for name in await newsroom.rows() if name not in ("webhook", "sqlite_sequence")]
    for table in tables:
        text = repr(await newsroom.table(f'SELECT * FROM "{table}"'))
        assert not any(secret in text for secret in secrets), table


@pytest.mark.parametrize(
    ("input", "expected"),
    [
        ({"url": "http://example.org/"}, {("INVALID", "url")}),
        ({"url": "https://10.0.0.1/"}, {("INVALID", "url")}),
        ({"url": "https://[::ffff:10.0.0.1]/"}, {("INVALID", "url")}),
        ({"url": "https://169.254.169.254/latest/meta-data"}, {("INVALID", "url")}),
        ({"url": "https://0xa000001/"}, {("INVALID", "url")}),
        ({"url": "https://localhost/"}, {("INVALID", "url")}),
        ({"url": "https://api.internal/"}, {("INVALID", "url")}),
        ({"url": "https://user:password@example.org/"}, {("INVALID", "url")}),
        ({"url": "https://example.org:99999/"}, {("INVALID", "url")}),
        ({"url": "https://example.org/#x"}, {("INVALID", "url")}),
        ({"url": "https://example.org/ x"}, {("INVALID", "url")}),
        ({"url": "file:///etc/passwd"}, {("INVALID", "url")}),
        ({"url": ""}, {("INVALID", "url")}),
        ({"url": "https://example.org/" + "x" * 2_000}, {("INVALID", "url")}),
        (
            {"url": "http://x/", "name": " ", "eventTypes": []},
            {("INVALID", "url"), ("REQUIRED", "name"), ("REQUIRED", "eventTypes")},
        ),
        ({"url": "https://example.org/", "name": "x" * 201}, {("TOO_LONG", "name")}),
    ],
)  # fmt: skip
async def test_invalid_webhooks_are_refused(hooks: Hooks, input: dict[str, Any], expected: Any) -> None:
    hooks.newsroom.executor.mutations._webhook_networks = ()
    async with hooks.newsroom.unchanged():
        assert await hooks.newsroom.mutate_codes("createWebhook", ROOT, **input) == expected


async def test_limits_and_states_of_webhooks(hooks: Hooks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contentql.editorial.webhooks.MAX_WEBHOOKS", 2)
    await hooks.create()
    id = (await hooks.create())["webhook"]["id"]
    codes = await hooks.newsroom.mutate_codes("createWebhook", ROOT, url=hooks.receiver.url())
    assert codes == {("INVALID", "url")}
    for deliveries, error in (
        (["whd_1"], ("NOT_FOUND", "deliveries.0")),
        (["art_1"], ("WRONG_TYPE", "deliveries.0")),
        ([], ("REQUIRED", "deliveries")),
        (["whd_1"] * 501, ("TOO_LONG", "deliveries")),
    ):
        input = {"id": id, "deliveries": deliveries}
        assert await hooks.newsroom.mutate_codes("replayWebhookDeliveries", ROOT, **input) == {error}
    await hooks.newsroom.mutate_ok("updateWebhook", ROOT, id=id, enabled=False)
    for mutation in ("testWebhook", "replayWebhookDeliveries"):
        assert await hooks.newsroom.mutate_codes(mutation, ROOT, id=id) == {("INVALID_TRANSITION", "id")}
