"""What the commands share: the database option, a database that is ready, how a fault ends a command."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console

from contentql.errors import Refused, Unusable
from contentql.settings import Settings, load
from contentql.store.database import Database, refuse_newer
from contentql.store.errors import FAULTS, plain

Result = TypeVar("Result")

DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database",
        envvar="CONTENTQL_DATABASE_URL",
        help="sqlite:///newsroom.sqlite3 (the default) or postgresql://user:password@host/name.",
        show_default=False,
    ),
]

stderr = Console(stderr=True, highlight=False, soft_wrap=True)


def carry_out(work: Coroutine[Any, Any, Result]) -> Result:
    """Runs it. What makes it impossible is one sentence on stderr and exit code 1; no trace."""
    try:
        return asyncio.run(work)
    except (Unusable, Refused) as fault:
        raise stop(fault) from None


async def require_ready(database: Database) -> None:
    """Raises Unusable with the command that helps if the database is not there or not up to date."""
    state = await database.state()
    refuse_newer(state)
    if state.behind:
        raise Unusable("The database is not up to date. Bring it up to date with: contentql migrate")


def with_database(url: str | None, work: Callable[[Settings, Database], Awaitable[Result]]) -> Result:
    """What `work` gives with a database that is up to date; a fault of the database is one sentence."""

    async def whole(settings: Settings) -> Result:
        database = Database(settings.database_url)
        await require_ready(database)
        try:
            return await work(settings, database)
        except FAULTS as fault:
            raise Unusable(plain(database.url, fault)) from fault

    try:
        return carry_out(whole(load(database_url=url)))
    except Unusable as fault:
        raise stop(fault) from None


def stop(fault: Unusable | Refused) -> typer.Exit:
    said = f"{fault.message} {fault.hint or ''}".strip() if isinstance(fault, Refused) else str(fault)
    stderr.print(said, markup=False)
    return typer.Exit(1)
