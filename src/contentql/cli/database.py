"""`contentql migrate` and `contentql check`."""

from __future__ import annotations

import typer

from contentql.auth.authenticator import load_oidc_issuer
from contentql.cli.runtime import DatabaseUrl, exit_with_error, run_async, stderr
from contentql.errors import OperatorError
from contentql.settings import load_settings
from contentql.store.database import Database, require_no_unknown_migrations


def migrate(database: DatabaseUrl = None) -> None:
    """Make the database, or bring it up to date. Running it again changes nothing."""
    try:
        settings = load_settings(database_url=database)
    except OperatorError as exc:
        raise exit_with_error(exc) from None

    async def work() -> None:
        done: list[str] = []

        def progress(name: str) -> None:
            done.append(name)
            stderr.print(f"  {name}", markup=False)

        await Database(settings.database_url).migrate(progress)
        typer.echo(f"{len(done)} migrations applied." if done else "The database is up to date.")

    run_async(work())


def check(database: DatabaseUrl = None) -> None:
    """Say whether all is in order: settings, database, schema. Exit code 0 means it is."""
    try:
        settings = load_settings(database_url=database)
        load_oidc_issuer(settings)
    except OperatorError as exc:
        raise exit_with_error(exc) from None
    typer.echo("settings   in order")

    async def work() -> None:
        db = Database(settings.database_url)
        state = await db.migration_state()
        require_no_unknown_migrations(state)
        async with db:
            await db.row("select 1", [])
        typer.echo(f"database   {db.dialect}, answers")
        if state.pending:
            raise OperatorError(
                f"The database is {len(state.pending)} migrations behind."
                " Bring it up to date with: contentql migrate"
            )
        if stale := await db.stale_trigger_tables():
            raise OperatorError(
                f"The change triggers do not match the columns of: {', '.join(stale)}."
                " Recreate them with: contentql migrate"
            )
        typer.echo(f"schema     up to date ({state.applied[-1]})")

    run_async(work())
