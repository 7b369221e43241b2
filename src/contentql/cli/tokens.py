"""`contentql tokens`: API tokens."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from typing import Annotated, Any

import orjson
import typer
from rich.table import Table
from tortoise.transactions import in_transaction

from contentql.auth.api_tokens import issue_token, mark_token_revoked
from contentql.auth.permissions import PERMISSION_DESCRIPTIONS, ROLE_PERMISSIONS, Permission, Role
from contentql.cli.runtime import (
    EXIT_PARTIAL,
    DatabaseUrl,
    parse_id,
    plain_table,
    print_table,
    stderr,
    with_database,
)
from contentql.content import ids
from contentql.content.timestamps import format_timestamp
from contentql.settings import Settings
from contentql.store.database import Database
from contentql.store.models.accounts import ApiToken
from contentql.store.models.history import AuditEntry
from contentql.telemetry.request_id import new_request_id

_OPERATOR = "operator"
_DURATION = re.compile(r"([1-9][0-9]{0,4})([hdw])")
_HOURS_BY_UNIT = {"h": 1, "d": 24, "w": 7 * 24}

tokens = typer.Typer(add_completion=False, no_args_is_help=True)


@tokens.callback()
def callback() -> None:
    """Create, list and revoke API tokens: access to drafts, editing and publishing.

    Clients send the token with each request: `Authorization: Bearer cql_…`. Only its hash is stored.

    Examples:

      contentql tokens create --name "Jane Doe" --role editor
      contentql tokens list
      contentql tokens revoke tok_6677889900
    """


@tokens.command()
def create(
    name: Annotated[str, typer.Option(metavar="NAME", help="Person or program that the token is for.")],
    role: Annotated[
        str, typer.Option(metavar="ROLE", help=f"One of {', '.join(role.value.lower() for role in Role)}.")
    ],
    account: Annotated[
        str | None,
        typer.Option(
            metavar="ACCOUNT",
            help="Account that owns articles created with the token; by default the slug of the name.",
        ),
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PERMISSION", help="Limit the token to this permission of its role; may be repeated."
        ),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(
            metavar="WHEN",
            help="Lifetime (90d, 12h, 8w) or expiry time (2027-01-01T00:00:00Z); by default none.",
        ),
    ] = None,
    database: DatabaseUrl = None,
) -> None:
    """Create a token. The token is printed once, alone on standard output, and cannot be read again.

    Exit codes: 0 success, 1 error, 2 wrong usage.

    Examples:

      contentql tokens create --name "Jane Doe" --role editor --expires 90d
      contentql tokens create --name "Preview site" --role previewer > token.txt
      contentql tokens create --name "Wire import" --role author --scope EDIT_OWN --scope CREATE_TAXONOMY
    """
    token_role = _parse_role(role)
    scopes = [_parse_permission(text, token_role) for text in scope or ()]
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    expires_at = None if expires is None else _parse_expiry(expires, now)

    async def work(_: Settings, db: Database) -> tuple[ApiToken, str]:
        async with db.orm(), in_transaction():
            token, secret = await issue_token(
                name=name,
                role=token_role,
                account=account,
                scopes=scopes,
                expires_at=expires_at,
                created_by=_OPERATOR,
                now=now,
            )
            await _write_audit("createToken", token.id, now)
        return token, secret

    token, secret = with_database(database, work)
    until = f"until {_time(token.expires_at)}" if token.expires_at else "until it is revoked"
    stderr.print(
        f"{_encoded_id(token)}: {token.name} ({token.account}) has the role {token.role} {until}.\n"
        "This is the only time that the token is shown. Send it as: Authorization: Bearer …",
        markup=False,
    )
    typer.echo(secret)


@tokens.command("list")
def list_(
    database: DatabaseUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List all tokens, active ones first: last characters, role, account, last use, state.

    The last use is accurate to a minute. Tokens themselves are never shown.

    Examples:

      contentql tokens list
      contentql tokens list --json
    """

    async def work(_: Settings, db: Database) -> list[ApiToken]:
        async with db.orm():
            return await ApiToken.all().order_by("id")

    rows = with_database(database, work)
    now = dt.datetime.now(dt.UTC)
    rows.sort(key=lambda row: _state(row, now) != "active")
    if as_json:
        typer.echo(orjson.dumps([_token_fields(row, now) for row in rows], option=orjson.OPT_INDENT_2))
        return
    if rows:
        print_table(_table(rows, now))
    else:
        typer.echo(
            'There are no tokens. Create one with: contentql tokens create --name "Jane" --role editor'
        )


@tokens.command()
def revoke(
    tokens: Annotated[
        list[str],
        typer.Argument(metavar="TOKEN...", help="Ids of tokens, as listed by `contentql tokens list`: tok_…"),
    ],
    database: DatabaseUrl = None,
) -> None:
    """Revoke tokens. Every worker rejects them from the next request on and closes their WebSockets.

    Articles and accounts of the token stay.

    Exit codes: 0 all tokens are revoked, 1 none is, 2 wrong usage, 3 some ids are unknown.

    Examples:

      contentql tokens revoke tok_6677889900
    """
    token_ids = dict.fromkeys(parse_id(text, "token") for text in tokens)
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)

    async def work(_: Settings, db: Database) -> dict[int, str]:
        results = {}
        async with db.orm(), in_transaction():
            for token_id in token_ids:
                if await mark_token_revoked(token_id, now):
                    await _write_audit("revokeToken", token_id, now)
                    results[token_id] = "revoked"
                else:
                    existing = await ApiToken.exists(id=token_id)
                    results[token_id] = "was already revoked" if existing else "there is no such token"
        return results

    results = with_database(database, work)
    for token_id, result in results.items():
        typer.echo(f"{ids.encode_id('token', token_id)}: {result}")
    unknown = sum(result.startswith("there is no") for result in results.values())
    if unknown:
        raise typer.Exit(1 if unknown == len(results) else EXIT_PARTIAL)


def _parse_role(text: str) -> Role:
    try:
        return Role(text.upper())
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is not a role; choose from {', '.join(role.value.lower() for role in Role)}",
            param_hint="--role",
        ) from None


def _parse_permission(text: str, role: Role) -> Permission:
    """The permission of a scope: `EDIT_OWN` or, as usual on a command line, `edit-own`."""
    name = text.upper().replace("-", "_")
    permissions = [permission for permission in Permission if permission in ROLE_PERMISSIONS[role]]
    if name not in [permission.value for permission in permissions]:
        choices = (
            "; ".join(
                f"{permission.value} ({PERMISSION_DESCRIPTIONS[permission]})" for permission in permissions
            )
            or "none"
        )
        raise typer.BadParameter(
            f"{text!r} is not a permission of {role.value}; choose from {choices}", param_hint="--scope"
        )
    return Permission(name)


def _parse_expiry(text: str, now: dt.datetime) -> dt.datetime:
    duration = _DURATION.fullmatch(text.strip().lower())
    expires_at: dt.datetime | None = None
    try:
        expires_at = (
            now + dt.timedelta(hours=int(duration[1]) * _HOURS_BY_UNIT[duration[2]])
            if duration
            else dt.datetime.fromisoformat(text)
        )
    except (ValueError, OverflowError):
        expires_at = None
    if expires_at is None or expires_at.tzinfo is None:
        raise typer.BadParameter(
            f"{text!r} is not a time; write 90d, 12h, 8w or 2027-01-01T00:00:00Z", param_hint="--expires"
        )
    if expires_at <= now:
        raise typer.BadParameter(f"{text} is in the past", param_hint="--expires")
    return expires_at


async def _write_audit(action: str, token: int, now: dt.datetime) -> None:
    await AuditEntry.create(
        at=now,
        account=_OPERATOR,
        by=_OPERATOR,
        role=Role.ADMIN.value,
        action=action,
        target_id=ids.encode_id("token", token),
        client="contentql tokens",
        request_id=new_request_id(),
    )


def _encoded_id(row: ApiToken) -> str:
    return ids.encode_id("token", row.id)


def _state(row: ApiToken, now: dt.datetime) -> str:
    if row.revoked_at is not None:
        return "revoked"
    return "expired" if row.expires_at is not None and row.expires_at <= now else "active"


def _time(at: Any) -> str | None:
    return format_timestamp(at) if at else None


def _token_fields(row: ApiToken, now: dt.datetime) -> dict[str, Any]:
    return {
        "id": _encoded_id(row),
        "name": row.name,
        "account": row.account,
        "role": row.role,
        "scopes": row.scopes,
        "hint": row.hint,
        "state": _state(row, now),
        "createdAt": _time(row.created_at),
        "createdBy": row.created_by,
        "expiresAt": _time(row.expires_at),
        "lastUsedAt": _time(row.last_used_at),
        "revokedAt": _time(row.revoked_at),
    }


def _table(rows: Sequence[ApiToken], now: dt.datetime) -> Table:
    table = plain_table("id", "name", "account", "role", "ends", "last used", "expires", "state")
    for row in rows:
        role = f"{row.role} ({', '.join(row.scopes)})" if row.scopes else row.role
        used, expires = _time(row.last_used_at) or "never", _time(row.expires_at) or "never"
        table.add_row(
            _encoded_id(row), row.name, row.account, role, f"…{row.hint}", used, expires, _state(row, now)
        )
    return table
