"""Measurement of imports: articles created and updated a second, next to what the driver alone inserts.

The driver inserts the same rows with `executemany`, in transactions of as many articles, with the same
constraints and indexes, but without triggers.
"""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, cast

import asyncpg

from contentql.bench.databases import BenchDatabases, Progress
from contentql.bench.import_records import article_lines, reference_lines
from contentql.formats import jsonl
from contentql.importing.importer import import_records
from contentql.store.database import Database
from contentql.store.errors import DatabaseKind, postgres_dsn, sqlite_path
from contentql.store.postgres_times import set_time_codecs
from contentql.store.sqlite_functions import register_functions

BATCH: Final = 500  # articles of a transaction of the driver

_REFERENCED: Final = ("category", "source", "tag", "author")
# Tables that an import of these articles fills, and their columns with the article.
_TABLES: Final[Mapping[str, str]] = {
    "article": "id",
    "article_body": "article_id",
    "article_section": "article_id",
    "article_tag": "article_id",
    "article_author": "article_id",
    "external_id": "article_id",
    "attribution": "article_id",
    "revision": "article_id",
    "article_search": "article_id",
}

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class ImportResult:
    """Medians of the rounds; `ratio` is that of created to raw articles a second."""

    database: DatabaseKind
    articles: int
    created_per_second: float
    updated_per_second: float
    unchanged_per_second: float
    raw_per_second: float
    ratio: float


@dataclass(frozen=True)
class _Round:
    created: float
    updated: float
    unchanged: float
    raw: float


def measure_import(
    databases: BenchDatabases, articles: int, *, rounds: int, progress: Progress
) -> ImportResult:
    """Imports that many articles of 5 KB with three attributions into new databases, in each round."""
    progress(f"Importing {articles:,} articles on {databases.dialect} …")
    results = [
        asyncio.run(_measure_round(databases, f"contentql_bench_import_{n}", articles)) for n in range(rounds)
    ]
    raw = statistics.median(result.raw for result in results)
    created = statistics.median(result.created for result in results)
    return ImportResult(
        databases.dialect,
        articles,
        round(created, 1),
        round(statistics.median(result.updated for result in results), 1),
        round(statistics.median(result.unchanged for result in results), 1),
        round(raw, 1),
        round(created / raw, 3),
    )


async def _measure_round(databases: BenchDatabases, name: str, articles: int) -> _Round:
    url, raw_url = await databases.migrated(name), await databases.migrated(f"{name}_raw")
    try:
        await _import(url, reference_lines())
        created = await _import(url, article_lines(articles))
        unchanged = await _import(url, article_lines(articles))
        # Rows are read before articles are updated, so that each has one revision.
        insert = _insert_sqlite if databases.dialect == "sqlite" else _insert_postgres
        raw = await insert(url, raw_url)
        updated = await _import(url, article_lines(articles, changed=True))
    finally:
        await databases.drop(name)
        await databases.drop(f"{name}_raw")
    return _Round(articles / created, articles / updated, articles / unchanged, articles / raw)


async def _import(url: str, lines: Iterable[bytes]) -> float:
    """Seconds that the import of a file with these lines takes."""
    with tempfile.TemporaryFile() as file:
        file.writelines(lines)
        file.seek(0)
        return await _import_file(url, cast(BinaryIO, file))


async def _import_file(url: str, file: BinaryIO) -> float:
    async with Database(url) as database:
        start = time.perf_counter()
        report = await import_records(database, jsonl.read_records(file, "bench"), collect=False)
        seconds = time.perf_counter() - start
    assert not report.count("failed"), str(report)
    return seconds


def _batches(rows: Mapping[str, Sequence[Any]], keys: Mapping[str, int]) -> list[dict[str, Rows]]:
    """The rows of each BATCH of articles, by table; `keys`: the index of the column with the article."""
    numbers = {row[keys["article"]]: n // BATCH for n, row in enumerate(rows["article"])}
    batches: list[dict[str, Rows]] = [{} for _ in range(max(numbers.values()) + 1)]
    for table, table_rows in rows.items():
        for row in table_rows:
            batches[numbers[row[keys[table]]]].setdefault(table, []).append(tuple(row))
    return batches


async def _insert_sqlite(url: str, raw_url: str) -> float:
    return await asyncio.to_thread(_insert_sqlite_rows, url, raw_url)


def _insert_sqlite_rows(url: str, raw_url: str) -> float:
    with (
        closing(sqlite3.connect(sqlite_path(url))) as source,
        closing(sqlite3.connect(sqlite_path(raw_url), isolation_level=None)) as target,
    ):
        register_functions(target)
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "cache_size = -65536",
        ):
            target.execute(f"PRAGMA {pragma}")
        triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        for (trigger,) in target.execute(triggers).fetchall():
            target.execute(f'DROP TRIGGER "{trigger}"')
        columns, rows, keys = {}, {}, {}
        for table in (*_REFERENCED, *_TABLES):
            names = [row[1] for row in source.execute(f"PRAGMA table_info({table})")]
            if table == "article_search":
                names.insert(0, "rowid")
            columns[table] = names
            rows[table] = source.execute(f"SELECT {', '.join(names)} FROM {table} ORDER BY 1").fetchall()
            keys[table] = 0 if table in ("article_search", *_REFERENCED) else names.index(_TABLES[table])
        statements = {
            table: f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
            for table, names in columns.items()
        }
        for table in _REFERENCED:
            target.executemany(statements[table], rows.pop(table))
        batches = _batches(rows, keys)
        start = time.perf_counter()
        for batch in batches:
            target.execute("BEGIN IMMEDIATE")
            for table, table_rows in batch.items():
                target.executemany(statements[table], table_rows)
            target.execute("COMMIT")
        return time.perf_counter() - start


async def _insert_postgres(url: str, raw_url: str) -> float:
    source, target = await asyncpg.connect(postgres_dsn(url)), await asyncpg.connect(postgres_dsn(raw_url))
    try:
        for connection in (source, target):
            await set_time_codecs(connection)
        rows: dict[str, list[Any]] = {}
        keys: dict[str, int] = {}
        statements = {}
        for table in (*_REFERENCED, *_TABLES):
            fetched = await source.fetch(f"SELECT * FROM {table} ORDER BY 1")
            names = list(fetched[0].keys())
            keys[table] = 0 if table in _REFERENCED else names.index(_TABLES[table])
            rows[table] = [tuple(row) for row in fetched]
            casts = {"document": "::text::tsvector", "lead": "::text::tsvector"}
            values = [f"${n}{casts.get(name, '')}" for n, name in enumerate(names, 1)]
            statements[table] = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(values)})"
            triggers = (
                f"SELECT tgname FROM pg_trigger WHERE tgrelid = '{table}'::regclass AND NOT tgisinternal"
            )
            for (trigger,) in await target.fetch(triggers):
                await target.execute(f'DROP TRIGGER "{trigger}" ON {table}')
        for table in _REFERENCED:
            await target.executemany(statements[table], rows.pop(table))
        batches = _batches(rows, keys)
        start = time.perf_counter()
        for batch in batches:
            async with target.transaction():
                for table, table_rows in batch.items():
                    await target.executemany(statements[table], table_rows)
        return time.perf_counter() - start
    finally:
        await source.close()
        await target.close()
