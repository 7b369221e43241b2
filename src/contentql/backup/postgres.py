"""How a PostgreSQL database is dumped and restored, by PostgreSQL's own pg_dump, pg_restore and psql.

Who the user is, and the password, they learn from their environment: nothing of it is on a command line.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qsl, unquote, urlsplit

import asyncpg
from tortoise.models import Model

from contentql.backup.files import (
    SEQUENCE_GAP,
    BackupSummary,
    article_count_sql,
    damaged_error,
    require_compatible,
)
from contentql.errors import OperatorError
from contentql.store.database import MODEL_MODULES, Database
from contentql.store.errors import as_operator_error, postgres_dsn

# What the migrations make. A database may hold other things too: they are nobody's business here.
TABLES = frozenset(
    {"tortoise_migrations", "row_change", "article_search"}
    | {
        str(model._meta.db_table)
        for module in MODEL_MODULES
        for model in vars(import_module(module)).values()
        if isinstance(model, type) and issubclass(model, Model) and model is not Model
    }
)
FUNCTIONS = ("log_row_change", "append_only")

_PATIENCE = 30  # seconds for others to let go of a table


@dataclass(frozen=True)
class PostgresTools:
    """PostgreSQL's programs: in this folder, or else on the PATH."""

    folder: Path | None = None

    def path(self, name: str) -> str:
        """Raises Unusable if it is not there."""
        at = shutil.which(name, path=str(self.folder) if self.folder else None)
        if at is None:
            where = f"in {self.folder}" if self.folder else "on the PATH"
            raise OperatorError(
                f"There is no {name} {where}. Install PostgreSQL's client programs, or name their folder"
                " with --pg-bin or CONTENTQL_PG_BIN."
            )
        return at


async def dump_database(url: str, draft: Path, programs: PostgresTools) -> BackupSummary:
    """An archive of our tables as they are now, checked. Raises Unusable."""
    async with _connected(url) as connection:
        _refuse_older(programs.path("pg_dump"), connection.get_server_version().major)
        # The archive and what is said of it come from one and the same snapshot.
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            schema = await connection.fetchval(
                "SELECT nspname FROM pg_namespace n JOIN pg_class c ON n.oid = relnamespace"
                " WHERE c.oid = 'article'::regclass"
            )
            others = await connection.fetch(_OTHERS, schema, sorted(TABLES))
            snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
            command = (
                programs.path("pg_dump"),
                "--format=custom",
                f"--file={draft}",
                f"--snapshot={snapshot}",
                f"--schema={_name(schema)}",
                *(f"--exclude-table={other}" for other in _all(schema, [name for (name,) in others])),
                f"--lock-wait-timeout={_PATIENCE}s",
                "--no-password",
            )
            try:
                await asyncio.to_thread(_run, url, *command)
            except OperatorError as exc:
                raise OperatorError(f"PostgreSQL's pg_dump made no backup: {exc}") from exc
            articles, newest = await _articles(connection, schema)
    archive = await asyncio.to_thread(_opened, draft, programs)
    return BackupSummary(archive.size, articles, newest)


async def restore_archive(
    database: Database,
    file: Path,
    *,
    replace: bool,
    programs: PostgresTools,
    everything: str,
    progress: Callable[[str], object],
) -> tuple[BackupSummary, tuple[str, ...]]:
    """All in one transaction, only an older backup is migrated after it: what is held, what was migrated."""
    for name in ("pg_restore", "psql"):
        programs.path(name)
    archive = await asyncio.to_thread(_opened, file, programs)
    state = await database.migration_state()
    async with _connected(database.url) as connection:
        present = [
            str(name)
            for (name,) in await connection.fetch(
                "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = $1"
                " AND relkind IN ('r', 'p') AND relname = ANY($2::text[]) ORDER BY relname",
                archive.schema,
                sorted(TABLES),
            )
        ]
        if present and not state.applied:
            raise OperatorError(
                f"The database holds a table {present[0]} that is not ours: choose another database."
            )
        if present and not replace:
            raise OperatorError("The database is not empty. Replace what it holds with --force.")
        if state.unknown:
            raise OperatorError(
                f"The database was made by a newer version of contentql (it has {state.unknown[-1]}): what is"
                " there cannot be cleared by this one. Restore into a new database (createdb)."
            )
        last = await _last_line(connection, archive.schema) if "row_change" in present else 0
        before = _before(archive.schema, present, await _place(connection))
    after = _go_on(archive.schema, last + SEQUENCE_GAP, everything) if "row_change" in archive.tables else ""
    await asyncio.to_thread(_pour, database.url, archive, programs, before, f"{after}COMMIT;\n")
    migrated: list[str] = []

    def applying(name: str) -> None:
        migrated.append(name)
        progress(name)

    try:
        await database.migrate(applying)
        async with _connected(database.url) as connection:
            if migrated:
                await connection.execute(_go_on(archive.schema, last + 2 * SEQUENCE_GAP, everything))
            await connection.execute(f"ANALYZE {', '.join(_all(archive.schema, sorted(TABLES)))}")
            articles, newest = await _articles(connection, archive.schema)
            size = await connection.fetchval(
                "SELECT sum(pg_total_relation_size(name::regclass))::bigint FROM unnest($1::text[]) name",
                _all(archive.schema, sorted(TABLES)),
            )
    except OperatorError as exc:
        raise OperatorError(
            f"{file} is restored as it was made. It could not be brought up to date: {exc} When that is put"
            " right: contentql migrate, contentql purge"
        ) from exc
    return BackupSummary(size, articles, newest), tuple(migrated)


@dataclass(frozen=True)
class _Archive:
    """A dump that was read from end to end."""

    file: Path
    size: int
    schema: str
    tables: frozenset[str]


def _opened(file: Path, programs: PostgresTools) -> _Archive:
    """Raises Unusable if it is damaged, not ours, or newer than ours."""
    pg_restore = programs.path("pg_restore")
    try:
        listed = _run(None, pg_restore, "--list", str(file))
        # The list stands at the front. That the rest is whole shows only when it is read.
        _run(None, pg_restore, f"--file={os.devnull}", str(file))
        rows = _run(None, pg_restore, "--data-only", "--table=tortoise_migrations", "--file=-", str(file))
    except OperatorError as exc:
        if "unsupported version" in str(exc):
            raise OperatorError(
                f"{file} was written by a newer pg_dump than {pg_restore} can read: name the folder of a"
                " newer one with --pg-bin or CONTENTQL_PG_BIN."
            ) from exc
        raise damaged_error(file, str(exc).rstrip(".")) from exc
    tables = re.findall(r"^\d+; \d+ \d+ TABLE (\S+) (\S+) ", listed, re.MULTILINE)
    schema = next((schema for schema, table in tables if table == "tortoise_migrations"), "")
    require_compatible(file, re.findall(r"^\d+\tcontent\t(\S+)\t", rows, re.MULTILINE) if schema else ())
    return _Archive(
        file, file.stat().st_size, schema, frozenset(table for of, table in tables if of == schema)
    )


def _pour(url: str, archive: _Archive, programs: PostgresTools, before: str, after: str) -> None:
    """The archive as a script, between what opens and what ends the transaction, to psql.

    If anything goes wrong on the way, COMMIT is never said.
    """
    reading = [
        programs.path("pg_restore"),
        "--file=-",
        "--no-owner",
        "--no-privileges",
        f"--schema={archive.schema}",
        str(archive.file),
    ]
    writing = [
        programs.path("psql"),
        "--no-psqlrc",
        "--quiet",
        "--no-password",
        "--set=ON_ERROR_STOP=1",
        "--file=-",
    ]
    with tempfile.TemporaryFile() as unread, tempfile.TemporaryFile() as unwritten:
        with (
            subprocess.Popen(reading, stdout=subprocess.PIPE, stderr=unread) as source,
            subprocess.Popen(
                writing,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=unwritten,
                env=_environment(url),
            ) as target,
        ):
            assert source.stdout is not None
            assert target.stdin is not None
            try:
                target.stdin.write(before.encode())
                _script(source.stdout, target.stdin)
                if source.wait() == 0:
                    target.stdin.write(after.encode())
                target.stdin.close()
            except BrokenPipeError:  # psql has said why
                source.kill()
                with contextlib.suppress(BrokenPipeError):
                    target.stdin.close()
        unread.seek(0)
        unwritten.seek(0)
        if target.returncode != 0:
            said = _complaint(target.returncode, unwritten.read())
            raise OperatorError(f"{archive.file} cannot be restored: {said}. The database is as it was.")
        if source.returncode != 0:
            raise damaged_error(archive.file, _complaint(source.returncode, unread.read()))


def _script(source: IO[bytes], target: IO[bytes]) -> None:
    for line in source:
        # A setting that pg_restore says since 17 also to servers that do not know it yet.
        if not line.startswith(b"SET transaction_timeout ="):
            target.write(line)
        if line.startswith(b"COPY "):
            break
    shutil.copyfileobj(source, target, 1 << 20)


# Statements


def _before(schema: str, present: Sequence[str], place: str) -> str:
    """Opens the transaction, in the database that was looked at and no other, and clears what is there."""
    statements = [
        "BEGIN",
        f"DO $$ BEGIN IF {_PLACE} <> {_literal(place)} THEN"
        " RAISE EXCEPTION 'psql reaches another database than the URL names'; END IF; END $$",
    ]
    if present:
        tables = ", ".join(_all(schema, present))
        functions = ", ".join(f"{name}()" for name in _all(schema, FUNCTIONS))
        statements += [
            f"SET LOCAL lock_timeout = '{_PATIENCE}s'",
            # All at once, before anything is dropped: whoever writes has finished, whoever comes waits.
            f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE",
            f"DROP TABLE {tables}",
            f"DROP FUNCTION IF EXISTS {functions}",
        ]
    return ";\n".join(statements) + ";\n"


def _go_on(schema: str, last: int, everything: str) -> str:
    """The journal goes on where nobody has read yet, with a line for all who have read before."""
    (journal,) = _all(schema, ["row_change"])
    sequence = f"pg_get_serial_sequence({_literal(journal)}, 'seq')::regclass"
    return (
        f"SELECT setval({sequence}, greatest(pg_sequence_last_value({sequence}), {last}));\n"
        f"INSERT INTO {journal} (table_name, row_id, changed_text_columns)"
        f" VALUES ({_literal(everything)}, 0, '');\n"
        "NOTIFY contentql_row_change;\n"
    )


def _all(schema: str, names: Sequence[str]) -> list[str]:
    return [f"{_name(schema)}.{_name(name)}" for name in names]


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


# Questions

# Tables, views and the like; a sequence is whose table it counts for.
_OTHERS = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_depend d ON c.relkind = 'S' AND d.classid = 'pg_class'::regclass AND d.objid = c.oid
  AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
LEFT JOIN pg_class counted ON counted.oid = d.refobjid
WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
  AND coalesce(counted.relname, c.relname) <> ALL($2::text[])
ORDER BY c.relname"""

_PLACE = "current_database() || extract(epoch FROM pg_postmaster_start_time())::text"


async def _place(connection: Any) -> str:
    return str(await connection.fetchval(f"SELECT {_PLACE}"))


async def _last_line(connection: Any, schema: str) -> int:
    (journal,) = _all(schema, ["row_change"])
    said = "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence($1, 'seq')::regclass), 0)"
    return int(await connection.fetchval(said, journal))


async def _articles(connection: Any, schema: str) -> tuple[int, dt.datetime | None]:
    columns = await connection.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'article'::regclass AND NOT attisdropped"
    )
    (article,) = _all(schema, ["article"])
    articles, newest = await connection.fetchrow(article_count_sql(article, {name for (name,) in columns}))
    return articles, newest


@contextlib.asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Any]:
    """Turns every fault of PostgreSQL on the way into a sentence."""
    with as_operator_error(url):
        connection = await asyncpg.connect(postgres_dsn(url), timeout=5)
        try:
            yield connection
        finally:
            await connection.close(timeout=5)


# Programs


def _refuse_older(pg_dump: str, server: int) -> None:
    match = re.search(r"\(PostgreSQL\) (\d+)", _run(None, pg_dump, "--version"))
    version = int(match[1]) if match else 0
    if version < server:
        raise OperatorError(
            f"The server is PostgreSQL {server}, and {pg_dump} is of version {version}: it must be {server}"
            " or newer. Name the folder of one with --pg-bin or CONTENTQL_PG_BIN."
        )


def _run(url: str | None, *command: str) -> str:
    """What the program says. Raises Unusable with its complaint."""
    try:
        done = subprocess.run(
            command, capture_output=True, env=_environment(url) if url else None, check=False
        )
    except OSError as exc:
        raise OperatorError(f"{command[0]} cannot be run: {exc.strerror or exc}.") from None
    if done.returncode != 0:
        raise OperatorError(_complaint(done.returncode, done.stderr) + ".")
    return done.stdout.decode(errors="replace")


def _complaint(code: int, stderr: bytes) -> str:
    """The first error that a program of PostgreSQL tells of, without the name of the program."""
    lines = stderr.decode(errors="replace").strip().splitlines()
    errors = [line for line in lines if re.search(r"\b(error|ERROR|FATAL):", line)]
    if not lines:
        return f"ended with code {code}" if code >= 0 else f"ended by {signal.Signals(-code).name}"
    return re.sub(r"^.*?\b(error|ERROR|FATAL):\s*", "", (errors or lines)[0]).rstrip(".")


_VARIABLES: Mapping[str, str] = {
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


def _environment(url: str) -> dict[str, str]:
    """The URL as the variables of PostgreSQL's programs; as asyncpg does, they take the rest as it is."""
    parts = urlsplit(url)
    login, _, hosts = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    places = [re.fullmatch(r"(\[[^]]*\]|[^:]*):?(\d*)", host) for host in hosts.split(",")]
    said = {
        "user": unquote(user),
        "password": unquote(password),
        "dbname": unquote(parts.path[1:]),
        "host": ",".join(unquote(place[1].strip("[]")) for place in places if place),
        "port": ",".join(place[2] for place in places if place).strip(","),
        **dict(parse_qsl(parts.query)),
    }
    named = {_VARIABLES[name]: value for name, value in said.items() if name in _VARIABLES and value}
    return {**os.environ, "PGAPPNAME": "contentql", "PGCLIENTENCODING": "UTF8", **named}
