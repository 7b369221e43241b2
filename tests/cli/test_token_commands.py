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
    result = CliRunner().invoke(app, ["tokens", *arguments])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


async def output_of(*arguments: str, code: int = 0) -> Result:
    return await asyncio.to_thread(run, *arguments, code=code)


async def listed() -> list[dict[str, Any]]:
    output: list[dict[str, Any]] = orjson.loads((await output_of("list", "--json")).stdout)
    return output


async def role_of(url: str, secret: str) -> Viewer:
    async with Database(url) as database:
        authenticator = Authenticator(database, Settings())
        viewer = await authenticator.authenticate(f"Bearer {secret}", None, "127.0.0.1")
        await authenticator.flush_last_used()
        return viewer


async def test_tokens_are_printed_once(database: str) -> None:
    """On standard output, for a file or a pipe; what is to be said of it goes to standard error."""
    output = await output_of(*JANE)
    secret = output.stdout.strip()
    assert output.stdout == f"{secret}\n"
    assert api_tokens.has_valid_checksum(secret)
    (row,) = await listed()
    assert output.stderr.splitlines() == [
        f"{row['id']}: Jane Doe (jane-doe) may come in as EDITOR, until it is revoked.",
        "This is the only time that the token is shown. Send it as: Authorization: Bearer …",
    ]
    assert (await role_of(database, secret)).name == "Jane Doe"


async def test_tokens_are_listed_without_their_secret(database: str) -> None:
    """How they end, role, account, last use, end, state; those that are good first."""
    assert (await output_of("list")).stdout.startswith(
        "There are no tokens. Create one with: contentql tokens"
    )
    revoked = (await output_of(*JANE)).stdout.strip()
    await output_of("revoke", (await listed())[0]["id"])
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
    good = (await output_of("create", "--name", "Wires", "--role", "Author", *options)).stdout.strip()
    await role_of(database, good)
    first, second = await listed()
    assert (first["name"], first["account"], first["role"]) == ("Wires", "wires", "AUTHOR")
    assert (first["scopes"], first["state"], first["hint"]) == (
        ["CREATE_TAXONOMY", "EDIT_OWN"],
        "active",
        good[-4:],
    )
    assert (first["expiresAt"], first["createdBy"]) == ("2099-01-01T00:00:00Z", "operator")
    assert first["lastUsedAt"]
    assert (second["name"], second["state"], second["expiresAt"]) == ("Jane Doe", "revoked", None)
    table = (await output_of("list")).stdout
    assert re.split(r" {2,}", table.splitlines()[0])[:5] == ["id", "name", "account", "role", "ends"]
    assert table.splitlines()[1].split()[:3] == [first["id"], "Wires", "wires"]
    for secret in (good, revoked):
        for text in (table, (await output_of("list", "--json")).stdout):
            assert secret[4:-4] not in text
            assert api_tokens.hash_token(secret) not in text


async def test_a_revoked_token_is_refused(database: str) -> None:
    """Said of each; what is not known is named, and the others are revoked all the same."""
    secret = (await output_of(*JANE)).stdout.strip()
    id = (await listed())[0]["id"]
    assert (await output_of("revoke", "tok_17", id, code=3)).stdout.splitlines() == [
        "tok_17: there is no such token",
        f"{id}: revoked",
    ]
    with pytest.raises(ApiError, match="revoked"):
        await role_of(database, secret)
    assert (await output_of("revoke", id)).stdout == f"{id}: was revoked before\n"
    await output_of("revoke", "tok_17", code=1)
    for wrong in ("17", "art_17", secret):
        refused = await output_of("revoke", wrong, code=2)
        assert secret not in refused.output


@pytest.mark.parametrize("span", ["90d", "12h", "8w", "8W"])
async def test_a_token_ends_after_a_while(database: str, span: str) -> None:
    """Hours, days, weeks."""
    await output_of(*JANE, "--expires", span)
    hours = int(span[:-1]) * {"d": 24, "h": 1, "w": 168}[span[-1].lower()]
    async with Database(database).orm():
        row = await ApiToken.get()
    assert row.expires_at is not None
    assert (row.expires_at - row.created_at).total_seconds() == hours * 3_600


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (("--role", "king"), "'king' is none; there are reader, previewer"),
        (
            ("--scope", "fly"),
            "'fly' is nothing that EDITOR may do. There are: READ_OWN_DRAFTS (read own drafts",
        ),
        (("--scope", "PUBLISH"), "'PUBLISH' is nothing that EDITOR may do"),
        (("--expires", "soon"), "'soon' is no time; write 90d"),
        (("--expires", "0d"), "'0d' is no time"),
        (("--expires", "2099-01-01T00:00:00"), "is no time"),
        (("--expires", "2020-01-01T00:00:00Z"), "is in the past"),
    ],
    ids=str,
)
async def test_what_cannot_be_meant_is_wrong_use(wrong: tuple[str, ...], message: str) -> None:
    """Named with what could have been; nothing is made."""
    output = re.sub(r"[│\s]+", " ", (await output_of(*JANE, *wrong, code=2)).output)
    assert message in output
    assert await listed() == []


async def test_what_was_done_is_in_the_audit_log(database: str) -> None:
    """Made and revoked, by the operator; never what is secret about it."""
    secret = (await output_of(*JANE)).stdout.strip()
    id = (await listed())[0]["id"]
    await output_of("revoke", id)
    async with Database(database).orm():
        result = await AuditEntry.all().order_by("id")
    assert [(entry.action, entry.target_id, entry.by) for entry in result] == [
        ("createToken", id, "operator"),
        ("revokeToken", id, "operator"),
    ]
    assert all(secret not in str(vars(entry)) for entry in result)


def test_help_teaches() -> None:
    """Each command with examples; the group alone is its help."""
    assert "Examples" in run(code=2).output
    for command in ("create", "list", "revoke"):
        assert "contentql tokens" in run(command, "--help").output


def test_a_set_up_that_cannot_work_is_named_before_serving(monkeypatch: pytest.MonkeyPatch) -> None:
    """An issuer without keys stops `serve` and `check` with one sentence."""
    monkeypatch.setenv("CONTENTQL_OIDC_ISSUER", "https://id.example.org/")
    for command in ("serve", "check"):
        result = CliRunner().invoke(app, [command])
        assert result.exit_code == 1
        assert result.stderr == (
            "CONTENTQL_OIDC_AUDIENCE is missing: issuer, audience and keys go together.\n"
        )
