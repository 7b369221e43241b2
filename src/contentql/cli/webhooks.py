"""`contentql webhooks`: receivers of events."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Final

import orjson
import typer
from rich.table import Table

from contentql.auth.permissions import Permission, Role
from contentql.auth.viewer import Viewer
from contentql.cli.runtime import DatabaseUrl, parse_id, plain_table, print_table, stderr, with_database
from contentql.content import ids
from contentql.content.timestamps import format_timestamp
from contentql.editorial import webhooks as editorial
from contentql.editorial.context import EditContext, Input, WriteResult
from contentql.editorial.user_errors import UserErrors
from contentql.errors import OperatorError
from contentql.settings import Settings
from contentql.store.database import Database
from contentql.store.models.history import AuditEntry
from contentql.store.models.webhooks import DeliveryState, Webhook, WebhookDelivery, WebhookEventType
from contentql.telemetry.request_id import new_request_id

_OPERATOR: Final = "operator"
_LISTED_DEAD: Final = 100

webhooks = typer.Typer(add_completion=False, no_args_is_help=True)

WebhookId = Annotated[
    str, typer.Argument(metavar="WEBHOOK", help="Id, as listed by `contentql webhooks list`: whk_…")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@webhooks.callback()
def callback() -> None:
    """Send events to other systems: when an article is published, changes, or is no longer public.

    Requests are signed by Standard Webhooks, repeated over 36 hours, and sent by a running server.

    Examples:

      contentql webhooks create https://example.org/hooks/contentql
      contentql webhooks list
      contentql webhooks dead whk_6677889900
      contentql webhooks replay whk_6677889900
    """


@webhooks.command()
def create(
    url: Annotated[str, typer.Argument(metavar="URL", help="Address that events are sent to.")],
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="System that receives the events; the host by default."),
    ] = None,
    event: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TYPE",
            help=f"Send only this type: {', '.join(type.value.lower() for type in WebhookEventType)};"
            " may be repeated.",
        ),
    ] = None,
    database: DatabaseUrl = None,
) -> None:
    """Create a webhook. Its secret is printed once, alone on standard output, and cannot be read again.

    Examples:

      contentql webhooks create https://example.org/hooks/contentql --name "Public site"
      contentql webhooks create https://example.org/gone --event article_unpublished > secret.txt
    """
    values: dict[str, Any] = {"url": url, "name": name}
    if event:
        values["eventTypes"] = [_parse_type(text) for text in event]
    result = _write(database, "createWebhook", editorial.create_webhook, values)
    _print_secret(result)


@webhooks.command("list")
def list_(database: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """List all webhooks, and the CDNs of the settings, with the numbers of pending and dead deliveries.

    Examples:

      contentql webhooks list
      contentql webhooks list --json
    """

    async def work(_: Settings, db: Database) -> list[dict[str, Any]]:
        async with db.orm():
            return [await _webhook_fields(row) for row in await Webhook.all().order_by("id")]

    rows = with_database(database, work)
    if as_json:
        typer.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2))
    elif rows:
        print_table(_webhook_table(rows))
    else:
        typer.echo("There are no webhooks. Create one with: contentql webhooks create https://…")


@webhooks.command()
def rotate(
    webhook: WebhookId,
    immediately: Annotated[
        bool, typer.Option("--immediately", help="End the former secret now, and not after 24 hours.")
    ] = False,
    database: DatabaseUrl = None,
) -> None:
    """Replace the secret of a webhook. The new one is printed once, alone on standard output.

    Examples:

      contentql webhooks rotate whk_6677889900
    """
    values = {"id": webhook, "immediately": immediately}
    _print_secret(_write(database, "rotateWebhookSecret", editorial.rotate_webhook_secret, values))


@webhooks.command()
def delete(webhook: WebhookId, database: DatabaseUrl = None) -> None:
    """Delete a webhook with all of its deliveries.

    Examples:

      contentql webhooks delete whk_6677889900
    """
    result = _write(database, "deleteWebhook", editorial.delete_webhook, {"id": webhook})
    typer.echo(f"{result.id}: deleted")


@webhooks.command()
def dead(webhook: WebhookId, database: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """List the newest 100 deliveries of a webhook that have failed for good.

    Examples:

      contentql webhooks dead whk_6677889900
    """
    webhook_id = parse_id(webhook, "webhook")

    async def work(_: Settings, db: Database) -> list[dict[str, Any]]:
        async with db.orm():
            if not await Webhook.exists(id=webhook_id):
                raise OperatorError(f"There is no webhook {webhook!r}.")
            rows = WebhookDelivery.filter(webhook_id=webhook_id, state=DeliveryState.DEAD)
            return [_delivery_fields(row) for row in await rows.order_by("-id").limit(_LISTED_DEAD)]

    rows = with_database(database, work)
    if as_json:
        typer.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2))
    elif rows:
        print_table(_delivery_table(rows))
    else:
        typer.echo("No delivery has failed for good.")


@webhooks.command()
def replay(
    webhook: WebhookId,
    delivery: Annotated[
        list[str] | None,
        typer.Option(metavar="DELIVERY", help="Repeat only this delivery (whd_…); may be repeated."),
    ] = None,
    database: DatabaseUrl = None,
) -> None:
    """Queue the dead deliveries of a webhook again, with the same ids.

    Examples:

      contentql webhooks replay whk_6677889900
      contentql webhooks replay whk_6677889900 --delivery whd_4711
    """
    values: dict[str, Any] = {"id": webhook}
    if delivery:
        values["deliveries"] = delivery
    result = _write(database, "replayWebhookDeliveries", editorial.replay_webhook_deliveries, values)
    typer.echo(f"{result.payload['replayed']} deliveries are queued again.")


def _write(
    url: str | None,
    action: str,
    mutation: Callable[[EditContext, Input], Awaitable[WriteResult]],
    values: Input,
) -> WriteResult:
    """Executes a mutation as the operator, with an entry in the audit log."""

    async def work(settings: Settings, database: Database) -> WriteResult:
        now = dt.datetime.now(dt.UTC).replace(microsecond=0)
        viewer = Viewer(_OPERATOR, Role.ADMIN, _OPERATOR, frozenset(Permission))
        try:
            async with database.transaction() as connection:
                context = EditContext(connection, viewer, now, webhook_networks=settings.webhook_network_list)
                result = await mutation(context, values)
                await AuditEntry.create(
                    at=now,
                    account=_OPERATOR,
                    by=_OPERATOR,
                    role=Role.ADMIN.value,
                    action=action,
                    target_id=result.id,
                    client="contentql webhooks",
                    request_id=new_request_id(),
                )
                return result
        except UserErrors as exc:
            first = exc.errors[0]
            raise OperatorError(f"{first.message} {first.hint or ''}".strip()) from None
        finally:
            await database.close()

    return with_database(url, work)


def _print_secret(result: WriteResult) -> None:
    stderr.print(
        f"{result.id}: this is the only time that the secret is shown. The receiver verifies signatures with"
        " it.",
        markup=False,
    )
    typer.echo(result.secret)


def _parse_type(text: str) -> str:
    name = text.upper().replace("-", "_").replace(".", "_")
    if name not in WebhookEventType.__members__:
        choices = ", ".join(type.value.lower() for type in WebhookEventType)
        raise typer.BadParameter(f"{text!r} is not a type; choose from {choices}", param_hint="--event")
    return name


def _time(at: Any) -> str | None:
    return format_timestamp(at) if at else None


async def _webhook_fields(row: Webhook) -> dict[str, Any]:
    deliveries = WebhookDelivery.filter(webhook_id=row.id)
    return {
        "id": ids.encode_id("webhook", row.id),
        "kind": row.kind.value,
        "name": row.name,
        "url": row.url,
        "eventTypes": row.event_types,
        "enabled": row.enabled,
        "disabledReason": row.disabled_reason,
        "failingSince": _time(row.failing_since),
        "createdAt": _time(row.created_at),
        "createdBy": row.created_by,
        "pending": await deliveries.filter(state=DeliveryState.PENDING).count(),
        "dead": await deliveries.filter(state=DeliveryState.DEAD).count(),
    }


def _webhook_table(rows: Sequence[dict[str, Any]]) -> Table:
    table = plain_table("id", "name", "url", "pending", "dead", "state")
    for row in rows:
        state = f"failing since {row['failingSince']}" if row["failingSince"] else "active"
        if not row["enabled"]:
            state = f"disabled {row['disabledReason'] or ''}".strip()
        table.add_row(row["id"], row["name"], row["url"], str(row["pending"]), str(row["dead"]), state)
    return table


def _delivery_fields(row: WebhookDelivery) -> dict[str, Any]:
    return {
        "id": ids.encode_id("webhook_delivery", row.id),
        "messageId": row.message_id,
        "eventType": row.event_type,
        "articleId": ids.encode_id("article", row.article_id) if row.article_id else None,
        "occurredAt": _time(row.at),
        "attempts": row.attempts,
        "lastAttemptAt": _time(row.last_attempt_at),
        "lastStatus": row.last_status,
        "lastError": row.last_error,
    }


def _delivery_table(rows: Sequence[dict[str, Any]]) -> Table:
    table = plain_table("id", "event", "article", "time", "attempts", "last error")
    for row in rows:
        table.add_row(
            row["id"],
            row["eventType"],
            row["articleId"] or "",
            row["occurredAt"],
            str(row["attempts"]),
            row["lastError"] or "",
        )
    return table
