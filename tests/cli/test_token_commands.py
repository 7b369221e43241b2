"""The command `contentql tokens`."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner, Result

from contentql.auth import api_tokens
from contentql.auth.authenticator import Authenticator
from contentql.auth.viewer import Viewer
from contentql.cli import app
from contentql.errors import ApiError
from contentql.settings import Settings
from contentql.store.database import Database
from contentql.store.models.accounts import ApiToken
from contentql.store.models.history import AuditEntry

JANE = ("create", "--name", "Jane Doe", "--role", "editor")


@pytest.fixture(autouse=True)
def database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The database that all commands of a test work on."""
    monkeypatch.setenv("CONTENTQL_DATABASE_URL", database_url)
    return database_url


def run(*arguments: str, code: int = 0) -> Result:
    """The result of `contentql tokens` with the arguments, which must have the exit code."""
    result = CliRunner().invoke(app, ["tokens", *arguments])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


async def run_async(*arguments: str, code: int = 0) -> Result:
    """The result of the command, run in a thread."""
    return await asyncio.to_thread(run, *arguments, code=code)


async def list_tokens() -> list[dict[str, Any]]:
    """The tokens of the JSON list."""
    output: list[dict[str, Any]] = orjson.loads((await run_async("list", "--json")).stdout)
    return output


async def authenticate(url: str, secret: str) -> Viewer:
    """The viewer of the token, whose use is recorded."""
    async with Database(url) as database:
        authenticator = Authenticator(database, Settings())
        viewer = await authenticator.authenticate(f"Bearer {secret}", None, "127.0.0.1")
        await authenticator.flush_last_used()
        return viewer


async def test_tokens_are_printed_once(database: str) -> None:
    """On stdout, for files and pipes; explanations go to stderr."""
    result = await run_async(*JANE)
    secret = result.stdout.strip()
    assert result.stdout == f"{secret}\n"
    assert api_tokens.has_valid_checksum(secret)
    (row,) = await list_tokens()
    assert result.stderr.splitlines() == [
        f"{row['id']}: Jane Doe (jane-doe) has the role EDITOR until it is revoked.",
        "This is the only time that the token is shown. Send it as: Authorization: Bearer …",
    ]
    assert (await authenticate(database, secret)).name == "Jane Doe"


async def test_tokens_are_listed_without_their_secret(database: str) -> None:
    """With name, role, account, last use, expiry and state; active tokens first."""
    assert (await run_async("list")).stdout.startswith(
        "There are no tokens. Create one with: contentql tokens"
    )
    revoked = (await run_async(*JANE)).stdout.strip()
    await run_async("revoke", (await list_tokens())[0]["id"])
    options = (
        "--account",
        "wires",
        "--scope",
        "edit-own",
        "--scope",
        "CREATE_TAXONOMY",
        "--expires",
        "2099-01-01T00:00:00Z",
    )
    active = (await run_async("create", "--name", "Wires", "--role", "Author", *options)).stdout.strip()
    await authenticate(database, active)
    first, second = await list_tokens()
    assert (first["name"], first["account"], first["role"]) == ("Wires", "wires", "AUTHOR")
    assert (first["scopes"], first["state"], first["hint"]) == (
        ["CREATE_TAXONOMY", "EDIT_OWN"],
        "active",
        active[-4:],
    )
    assert (first["expiresAt"], first["createdBy"]) == ("2099-01-01T00:00:00Z", "operator")
    assert first["lastUsedAt"]
    assert (second["name"], second["state"], second["expiresAt"]) == ("Jane Doe", "revoked", None)
    table = (await run_async("list")).stdout
    assert re.split(r" {2,}", table.splitlines()[0])[:5] == ["id", "name", "account", "role", "ends"]
    assert table.splitlines()[1].split()[:3] == [first["id"], "Wires", "wires"]
    for secret in (active, revoked):
        for text in (table, (await run_async("list", "--json")).stdout):
            assert secret[4:-4] not in text
            assert api_tokens.hash_token(secret) not in text


async def test_revoked_tokens_are_rejected(database: str) -> None:
    """Unknown ids are reported, and the other tokens are revoked."""
    secret = (await run_async(*JANE)).stdout.strip()
    id = (await list_tokens())[0]["id"]
    assert (await run_async("revoke", "tok_17", id, code=3)).stdout.splitlines() == [
        "tok_17: there is no such token",
        f"{id}: revoked",
    ]
    with pytest.raises(ApiError, match="revoked"):
        await authenticate(database, secret)
    assert (await run_async("revoke", id)).stdout == f"{id}: was already revoked\n"
    await run_async("revoke", "tok_17", code=1)
    for wrong in ("17", "art_17", secret):
        result = await run_async("revoke", wrong, code=2)
        assert secret not in result.output


@pytest.mark.parametrize("duration", ["90d", "12h", "8w", "8W"])
async def test_expiry_accepts_hours_days_and_weeks(database: str, duration: str) -> None:
    await run_async(*JANE, "--expires", duration)
    hours = int(duration[:-1]) * {"d": 24, "h": 1, "w": 168}[duration[-1].lower()]
    async with Database(database).orm():
        row = await ApiToken.get()
    assert row.expires_at is not None
    assert (row.expires_at - row.created_at).total_seconds() == hours * 3_600


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (("--role", "king"), "'king' is not a role; choose from reader, previewer"),
        (
            ("--scope", "fly"),
            "'fly' is not a permission of EDITOR; choose from READ_OWN_DRAFTS (read own drafts",
        ),
        (("--scope", "PUBLISH"), "'PUBLISH' is not a permission of EDITOR"),
        (("--expires", "soon"), "'soon' is not a time; write 90d"),
        (("--expires", "0d"), "'0d' is not a time"),
        (("--expires", "2099-01-01T00:00:00"), "is not a time"),
        (("--expires", "2020-01-01T00:00:00Z"), "is in the past"),
    ],
    ids=str,
)
async def test_invalid_options_are_exit_code_2(wrong: tuple[str, ...], message: str) -> None:
    """The message lists the valid values, and no token is created."""
    output = re.sub(r"[│\s]+", " ", (await run_async(*JANE, *wrong, code=2)).output)
    assert message in output
    assert await list_tokens() == []


async def test_created_and_revoked_tokens_are_in_the_audit_log(database: str) -> None:
    """With the operator as actor, and without the secret."""
    secret = (await run_async(*JANE)).stdout.strip()
    id = (await list_tokens())[0]["id"]
    await run_async("revoke", id)
    async with Database(database).orm():
        entries = await AuditEntry.all().order_by("id")
    assert [(entry.action, entry.target_id, entry.by) for entry in entries] == [
        ("createToken", id, "operator"),
        ("revokeToken", id, "operator"),
    ]
    assert all(secret not in str(vars(entry)) for entry in entries)


def test_help_has_examples() -> None:
    """The group without a command prints its help."""
    assert "Examples" in run(code=2).output
    for command in ("create", "list", "revoke"):
        assert "contentql tokens" in run(command, "--help").output


def test_incomplete_oidc_settings_stop_serve_and_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """An issuer without keys is reported in one sentence."""
    monkeypatch.setenv("CONTENTQL_OIDC_ISSUER", "https://id.example.org/")
    for command in ("serve", "check"):
        result = CliRunner().invoke(app, [command])
        assert result.exit_code == 1
        assert result.stderr == (
            "CONTENTQL_OIDC_AUDIENCE is missing: issuer, audience and keys go together.\n"
        )
