"""`contentql migrate` and `contentql check`."""

from __future__ import annotations

import typer

from contentql.auth.authenticator import open_issuer
from contentql.cli.runtime import DatabaseUrl, carry_out, stderr, stop
from contentql.errors import Unusable
from contentql.settings import load
from contentql.store.database import Database, refuse_newer


def migrate(database: DatabaseUrl = None) -> None:
    """Make the database, or bring it up to date. Running it again changes nothing."""
    try:
        settings = load(database_url=database)
    except Unusable as fault:
        raise stop(fault) from None

    async def work() -> None:
        done: list[str] = []

        def progress(name: str) -> None:
            done.append(name)
            stderr.print(f"  {name}", markup=False)

        await Database(settings.database_url).migrate(progress)
        typer.echo(f"{len(done)} migrations applied." if done else "The database is up to date.")

    carry_out(work())


def check(database: DatabaseUrl = None) -> None:
    """Say whether all is in order: settings, database, schema. Exit code 0 means it is."""
    try:
        settings = load(database_url=database)
        open_issuer(settings)
    except Unusable as fault:
        raise stop(fault) from None
    typer.echo("settings   in order")

    async def work() -> None:
        found = Database(settings.database_url)
        state = await found.state()
        refuse_newer(state)
        async with found:
            await found.row("select 1", [])
        typer.echo(f"database   {found.dialect}, answers")
        if state.behind:
            raise Unusable(
                f"The database is {len(state.behind)} migrations behind."
                " Bring it up to date with: contentql migrate"
            )
        typer.echo(f"schema     up to date ({state.applied[-1]})")

    carry_out(work())
