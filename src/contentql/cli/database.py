"""`contentql migrate` and `contentql check`."""

from __future__ import annotations

import typer

from contentql.auth.authenticator import load_oidc_issuer
from contentql.cli.runtime import DatabaseUrl, exit_with_error, exposed_files_warning, run_async, stderr
from contentql.errors import OperatorError
from contentql.events.cdn import load_cdns
from contentql.settings import load_settings
from contentql.store.database import Database, require_no_unknown_migrations


def migrate(database: DatabaseUrl = None) -> None:
    """Create the database or apply pending migrations. Without pending migrations, nothing is changed."""
    try:
        settings = load_settings(database_url=database)
    except OperatorError as exc:
        raise exit_with_error(exc) from None

    async def work() -> None:
        applied: list[str] = []

        def progress(name: str) -> None:
            applied.append(name)
            stderr.print(f"  {name}", markup=False)

        await Database(settings.database_url).migrate(progress)
        typer.echo(f"{len(applied)} migrations applied." if applied else "The database is up to date.")

    run_async(work())


def check(database: DatabaseUrl = None) -> None:
    """Check settings, database and migrations. Exit code 0 if there is no problem."""
    try:
        settings = load_settings(database_url=database)
        load_oidc_issuer(settings)
        load_cdns(settings)
    except OperatorError as exc:
        raise exit_with_error(exc) from None
    typer.echo("settings   valid")

    async def work() -> None:
        db = Database(settings.database_url)
        state = await db.migration_state()
        require_no_unknown_migrations(state)
        async with db:
            await db.row("select 1", [])
        typer.echo(f"database   {db.dialect}, reachable")
        if state.pending:
            raise OperatorError(
                f"The database has {len(state.pending)} unapplied migrations. Run: contentql migrate"
            )
        if stale := await db.stale_trigger_tables():
            raise OperatorError(
                f"The change triggers do not match the columns of: {', '.join(stale)}. Run: contentql migrate"
            )
        if unprotected := await db.unprotected_tables():
            raise OperatorError(
                f"The triggers that reject changes of stored rows are missing or disabled in:"
                f" {', '.join(unprotected)}. Rows may have been changed. Run: contentql migrate"
            )
        typer.echo(f"schema     up to date ({state.applied[-1]})")
        if exposed := exposed_files_warning(settings.database_url):
            raise OperatorError(exposed)

    run_async(work())
