"""PostgreSQL client programs: lookup, execution, environment variables, and archive verification."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import re
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import asyncpg

from contentql.backup.files import (
    article_count_sql,
    damaged_error,
    require_compatible,
)
from contentql.errors import OperatorError
from contentql.store.errors import as_operator_error, postgres_dsn
from contentql.store.models import models_of


@dataclass(frozen=True)
class PostgresTools:
    """PostgreSQL's client programs, in `folder` or else on the PATH."""

    folder: Path | None = None

    def path(self, name: str) -> str:
        """Returns the path of a program. Raises `OperatorError` if it is not installed."""
        path = shutil.which(name, path=str(self.folder) if self.folder else None)
        if path is None:
            searched = f"in {self.folder}" if self.folder else "on the PATH"
            raise OperatorError(
                f"There is no {name} {searched}. Install PostgreSQL's client programs, or name their folder"
                " with --pg-bin or CONTENTQL_PG_BIN."
            )
        return path


@contextlib.asynccontextmanager
async def open_connection(url: str) -> AsyncIterator[Any]:
    """Opens a connection and raises PostgreSQL errors as `OperatorError`."""
    with as_operator_error(url):
        connection = await asyncpg.connect(postgres_dsn(url), timeout=5)
        try:
            yield connection
        finally:
            await connection.close(timeout=5)


def run_tool(url: str | None, *command: str) -> str:
    """Runs a program and returns its standard output. Raises `OperatorError` with its error message."""
    try:
        process = subprocess.run(
            command, capture_output=True, env=libpq_environment(url) if url else None, check=False
        )
    except OSError as exc:
        raise OperatorError(f"{command[0]} cannot be run: {exc.strerror or exc}.") from None
    if process.returncode != 0:
        raise OperatorError(tool_error(process.returncode, process.stderr) + ".")
    return process.stdout.decode(errors="replace")


def tool_error(code: int, stderr: bytes) -> str:
    """Returns the first error in a PostgreSQL program's output, without the program's name."""
    lines = stderr.decode(errors="replace").strip().splitlines()
    errors = [line for line in lines if re.search(r"\b(error|ERROR|FATAL):", line)]
    if not lines:
        return f"ended with code {code}" if code >= 0 else f"ended by {signal.Signals(-code).name}"
    return re.sub(r"^.*?\b(error|ERROR|FATAL):\s*", "", (errors or lines)[0]).rstrip(".")


_LIBPQ_VARIABLES: Mapping[str, str] = {
    "host": "PGHOST",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "database": "PGDATABASE",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "passfile": "PGPASSFILE",
    "service": "PGSERVICE",
    "sslmode": "PGSSLMODE",
    "sslnegotiation": "PGSSLNEGOTIATION",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcrl": "PGSSLCRL",
    "ssl_min_protocol_version": "PGSSLMINPROTOCOLVERSION",
    "ssl_max_protocol_version": "PGSSLMAXPROTOCOLVERSION",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
    "krbsrvname": "PGKRBSRVNAME",
    "gsslib": "PGGSSLIB",
}


def libpq_environment(url: str) -> dict[str, str]:
    """Returns the environment for PostgreSQL's programs, with the URL's parts as libpq variables.

    Variables that the URL does not set keep their value, as with asyncpg.
    """
    parts = urlsplit(url)
    login, _, hosts = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    addresses = [re.fullmatch(r"(\[[^]]*\]|[^:]*):?(\d*)", host) for host in hosts.split(",")]
    parameters = {
        "user": unquote(user),
        "password": unquote(password),
        "dbname": unquote(parts.path[1:]),
        "host": ",".join(unquote(address[1].strip("[]")) for address in addresses if address),
        "port": ",".join(address[2] for address in addresses if address).strip(","),
        **dict(parse_qsl(parts.query)),
    }
    variables = {
        _LIBPQ_VARIABLES[name]: value
        for name, value in parameters.items()
        if name in _LIBPQ_VARIABLES and value
    }
    return {**os.environ, "PGAPPNAME": "contentql", "PGCLIENTENCODING": "UTF8", **variables}


SERVER_IDENTITY_SQL = "current_database() || extract(epoch FROM pg_postmaster_start_time())::text"


async def server_identity(connection: Any) -> str:
    """Returns the name of the database with the start time of its server."""
    return str(await connection.fetchval(f"SELECT {SERVER_IDENTITY_SQL}"))


async def last_change_seq(connection: Any, schema: str) -> int:
    """Returns the last number assigned to a row of the change log; 0 if there was none."""
    (change_log,) = quoted_tables(schema, ["row_change"])
    sql = "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence($1, 'seq')::regclass), 0)"
    return int(await connection.fetchval(sql, change_log))


async def count_articles(connection: Any, schema: str) -> tuple[int, dt.datetime | None]:
    """Returns the number of articles and the time of the latest change of one."""
    columns = await connection.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'article'::regclass AND NOT attisdropped"
    )
    (article,) = quoted_tables(schema, ["article"])
    articles, last_modified = await connection.fetchrow(
        article_count_sql(article, {name for (name,) in columns})
    )
    return articles, last_modified


# The tables that migrations create. Other tables of the database are neither backed up nor changed.
TABLES = frozenset(
    {"tortoise_migrations", "row_change", "article_log", "article_search", "live_entry_search"}
    | {str(model._meta.db_table) for model in models_of()}
)


LOCK_TIMEOUT_SECONDS = 30  # seconds to wait for a table lock


@dataclass(frozen=True)
class Archive:
    """A verified pg_dump archive: `size` in bytes, the schema, and the names of its tables."""

    file: Path
    size: int
    schema: str
    tables: frozenset[str]


def read_archive(file: Path, tools: PostgresTools) -> Archive:
    """Reads an archive completely and returns its description.

    Raises `OperatorError` if it is damaged, not a backup of contentql, or made by a newer version.
    """
    pg_restore = tools.path("pg_restore")
    try:
        contents = run_tool(None, pg_restore, "--list", str(file))
        # --list reads only the table of contents at the start, so the whole file is read too.
        run_tool(None, pg_restore, f"--file={os.devnull}", str(file))
        rows = run_tool(None, pg_restore, "--data-only", "--table=tortoise_migrations", "--file=-", str(file))
    except OperatorError as exc:
        if "unsupported version" in str(exc):
            raise OperatorError(
                f"{file} was written by a pg_dump that is newer than {pg_restore}. Set --pg-bin or"
                " CONTENTQL_PG_BIN to the folder of a newer one."
            ) from exc
        raise damaged_error(file, str(exc).rstrip(".")) from exc
    tables = re.findall(r"^\d+; \d+ \d+ TABLE (\S+) (\S+) ", contents, re.MULTILINE)
    schema = next((schema for schema, table in tables if table == "tortoise_migrations"), "")
    require_compatible(file, re.findall(r"^\d+\tcontent\t(\S+)\t", rows, re.MULTILINE) if schema else ())
    return Archive(
        file,
        file.stat().st_size,
        schema,
        frozenset(table for table_schema, table in tables if table_schema == schema),
    )


def quoted_tables(schema: str, names: Sequence[str]) -> list[str]:
    return [f"{quote_identifier(schema)}.{quote_identifier(name)}" for name in names]


def quote_identifier(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def require_pg_dump_version(pg_dump: str, server_version: int) -> None:
    """Raises `OperatorError` if pg_dump is older than the server."""
    match = re.search(r"\(PostgreSQL\) (\d+)", run_tool(None, pg_dump, "--version"))
    version = int(match[1]) if match else 0
    if version < server_version:
        raise OperatorError(
            f"The server is PostgreSQL {server_version}, and {pg_dump} is of version {version}: it must be"
            f" {server_version} or newer. Set --pg-bin or CONTENTQL_PG_BIN to the folder of a newer one."
        )
