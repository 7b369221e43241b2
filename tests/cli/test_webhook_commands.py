"""The command `contentql webhooks`."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner, Result

from contentql.cli import app
from contentql.content.ids import decode_id
from contentql.store.database import Database
from contentql.store.models.history import AuditEntry
from contentql.store.models.webhooks import DeliveryState, WebhookDelivery

URL = "https://example.org/hook"
NOW = dt.datetime(2026, 6, 30, 8, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The database that all commands of a test work on."""
    monkeypatch.setenv("CONTENTQL_DATABASE_URL", database_url)
    return database_url


async def run(*arguments: str, code: int = 0) -> Result:
    """The result of `contentql webhooks` with the arguments, which must have the exit code."""
    result = await asyncio.to_thread(CliRunner().invoke, app, ["webhooks", *arguments])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


async def list_webhooks() -> list[dict[str, Any]]:
    output: list[dict[str, Any]] = orjson.loads((await run("list", "--json")).stdout)
    return output


async def test_a_webhook_from_its_creation_to_its_deletion(database: str) -> None:
    """Its secret is shown once; the audit log has neither secret."""
    assert "There are no webhooks" in (await run("list")).stdout
    created = await run("create", URL, "--event", "article-unpublished")
    secret = created.stdout.strip()
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    (webhook,) = await list_webhooks()
    assert {name: webhook[name] for name in ("url", "name", "eventTypes", "enabled", "dead")} == {
        "url": URL, "name": "example.org", "eventTypes": ["ARTICLE_UNPUBLISHED"], "enabled": True, "dead": 0,
    }  # fmt: skip
    id = webhook["id"]
    assert id in created.stderr
    rotated = (await run("rotate", id)).stdout.strip()
    assert rotated != secret
    shown = "".join([(await run("list")).output, (await run("list", "--json")).output])
    assert id in shown
    assert "whsec" not in shown
    await run("delete", id)
    assert await list_webhooks() == []
    async with Database(database).orm():
        entries = await AuditEntry.all().order_by("id").values("action", "target_id", "reason")
    actions = ["createWebhook", "rotateWebhookSecret", "deleteWebhook"]
    assert entries == [{"action": action, "target_id": id, "reason": None} for action in actions]


async def test_dead_deliveries_are_listed_and_replayed(database: str) -> None:
    await run("create", URL)
    (webhook,) = await list_webhooks()
    assert "No delivery has failed" in (await run("dead", webhook["id"])).stdout
    decoded = decode_id(webhook["id"])
    assert decoded
    async with Database(database).orm():
        for n in range(3):
            await WebhookDelivery.create(
                webhook_id=decoded[1], message_id=f"msg_{n}", event_type="article.updated", article_id=701,
                at=NOW, state=DeliveryState.DEAD, attempts=12, queued_at=NOW, last_error="No response.",
            )  # fmt: skip
    dead = orjson.loads((await run("dead", webhook["id"], "--json")).stdout)
    assert [row["messageId"] for row in dead] == ["msg_2", "msg_1", "msg_0"]
    assert "No response." in (await run("dead", webhook["id"])).stdout
    one = await run("replay", webhook["id"], "--delivery", dead[0]["id"])
    assert one.stdout == "1 deliveries are queued again.\n"
    assert (await run("replay", webhook["id"])).stdout == "2 deliveries are queued again.\n"
    (webhook,) = await list_webhooks()
    assert (webhook["pending"], webhook["dead"]) == (3, 0)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["create", "http://example.org/"], 1, "the URL must begin with https://"),
        (["create", "https://127.0.0.1/"], 1, "must not lead to a private address"),
        (["create", "https://user:secret@example.org/"], 1, "must not contain credentials"),
        (["create", URL, "--event", "deleted"], 2, "is not a type"),
        (["rotate", "whk_1"], 1, "There is no webhook"),
        (["delete", "art_1"], 1, "not of a webhook"),
        (["dead", "whk_1"], 1, "There is no webhook"),
        (["dead", "1"], 2, "begins with whk_"),
    ],
)
async def test_wrong_arguments(arguments: list[str], code: int, message: str) -> None:
    result = await run(*arguments, code=code)
    assert message in " ".join(result.output.split())
    assert await list_webhooks() == []
