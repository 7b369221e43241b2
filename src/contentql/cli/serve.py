"""`contentql serve`: the HTTP server."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import Annotated

import typer
import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from contentql.auth.authenticator import load_oidc_issuer
from contentql.cli.demo import load_demo
from contentql.cli.runtime import DatabaseUrl, exit_with_error, exposed_files_warning, run_async, stderr
from contentql.errors import OperatorError
from contentql.events.cdn import load_cdns
from contentql.server.options import uvicorn_options
from contentql.settings import Settings, load_settings
from contentql.store.database import Database
from contentql.store.errors import sqlite_path
from contentql.telemetry.logs import log_config
from contentql.telemetry.observer import check_telemetry, metrics_directory

DEMO_URL = "sqlite:///demo.sqlite3"


def serve(
    host: Annotated[str | None, typer.Option(envvar="CONTENTQL_HOST", help="Address to listen on.")] = None,
    port: Annotated[
        int | None, typer.Option(envvar=["CONTENTQL_PORT", "PORT"], help="Port to listen on.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(envvar="CONTENTQL_WORKERS", help="Number of worker processes.")
    ] = None,
    database: DatabaseUrl = None,
    demo: Annotated[
        bool,
        typer.Option(
            "--demo", envvar="CONTENTQL_DEMO", help="Serve the demo newsroom, loaded at the first start."
        ),
    ] = False,
) -> None:
    """Run the HTTP server: GraphQL at /graphql, GraphiQL at /graphiql."""
    try:
        if demo and database is None:
            database = DEMO_URL
        settings = load_settings(host=host, port=port, workers=workers, database_url=database, demo=demo)
        check_telemetry(settings)
        load_cdns(settings)
        load_oidc_issuer(settings)
    except OperatorError as exc:
        raise exit_with_error(exc) from None
    run_async(_prepare_database(settings))
    # Worker processes read their settings from the environment.
    for name in ("host", "port", "workers", "database_url", "demo"):
        os.environ[f"CONTENTQL_{name.upper()}"] = str(getattr(settings, name))
    stderr.print(f"Listening on http://{settings.host}:{settings.port}/graphql", markup=False)
    if settings.graphiql:
        stderr.print(f"GraphiQL at   http://{settings.host}:{settings.port}/graphiql", markup=False)
    if demo:
        command = f"contentql tokens create --database {settings.database_url} --name You --role publisher"
        stderr.print(f"To edit content, create a token: {command}", markup=False, soft_wrap=True)
    # After its shutdown uvicorn raises the signal that caused it again: exit with code 0 on SIGTERM.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with metrics_directory(settings) as folder, contextlib.suppress(KeyboardInterrupt):
        os.environ["CONTENTQL_METRICS_DIR"] = folder
        config = uvicorn.Config(
            "contentql.app:create_app",
            factory=True,
            workers=settings.workers,
            log_config=log_config(settings),
            **uvicorn_options(settings),
        )
        if not _run_server(config):
            raise typer.Exit(1)


class _Workers(Multiprocess):
    """uvicorn's supervisor, which closes its sockets as soon as it stops the workers: new connections must
    not be queued for processes that have ended."""

    def terminate_all(self) -> None:
        super().terminate_all()
        for listener in self.sockets:
            listener.close()


def _run_server(config: uvicorn.Config) -> bool:
    """True if the server started; otherwise the error was printed."""
    if config.workers == 1:
        server = uvicorn.Server(config)
        server.run()
        return server.started
    workers = _Workers(config, [config.bind_socket()])
    workers.run()
    return all(worker.process.exitcode != STARTUP_FAILURE for worker in workers.processes)


async def _prepare_database(settings: Settings) -> None:
    """Checks that the database can be served; with the setting `demo`, loads the demo newsroom."""
    database = Database(settings.database_url)
    is_new = database.dialect == "sqlite" and not sqlite_path(settings.database_url).exists()
    if settings.demo or is_new:
        await database.migrate()
    if settings.demo:
        await load_demo(database, settings.base_url or _own_url(settings))
    state = await database.migration_state()
    if state.pending:
        raise OperatorError("The database has unapplied migrations. Run: contentql migrate")
    if warning := exposed_files_warning(settings.database_url):
        stderr.print(warning, markup=False)


def _own_url(settings: Settings) -> str:
    """URL of the server for clients on this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
