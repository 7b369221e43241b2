"""Insertion of the rows of many new articles, with one statement for each table.

The change log gets one row, which means that any row may have changed, and the article log the row of each
new article that the triggers would have written.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import sqlite3
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

import asyncpg
import orjson
from tortoise.exceptions import IntegrityError
from tortoise.models import Model

from contentql.content import blocks
from contentql.content.entries import count_uses
from contentql.content.enums import PUBLIC_ATTRIBUTION_STATES, Status
from contentql.content.records import ArticleRecord
from contentql.content.timestamps import format_timestamp
from contentql.store import article_log, live_entries, search_index
from contentql.store.article_log_triggers import PART_TABLES
from contentql.store.article_rows import ArticleRows, Row
from contentql.store.change_log import invalidate_everything
from contentql.store.change_triggers import unlogged_inserts
from contentql.store.errors import DatabaseKind
from contentql.store.models.articles import (
    Article,
    ArticleAuthor,
    ArticleBody,
    ArticleMedia,
    ArticleRelated,
    ArticleSection,
    ArticleTag,
    SlugHistory,
)
from contentql.store.models.attributions import Attribution, Correction
from contentql.store.models.history import AuditEntry, Revision
from contentql.store.models.live_entries import LiveEntry, LiveEntryUse
from contentql.store.models.taxonomy import ExternalId

# In the order in which rows are inserted: after those that they refer to.
_MODELS: Final[Sequence[type[Model]]] = (
    Article, ArticleBody, ArticleSection, ArticleTag, ArticleAuthor, ArticleMedia, Correction, SlugHistory,
    ExternalId, Attribution, LiveEntry, LiveEntryUse, ArticleRelated, Revision, AuditEntry,
)  # fmt: skip
_RELATED: Final = "article_related"
_ARTICLE_SEARCH: Final = "article_search"
_ENTRY_SEARCH: Final = "live_entry_search"
_PLAIN_TYPES: Final = frozenset({str, int, bool, float, bytes, type(None)})
_CACHE_KIB: Final = 65_536  # of SQLite's pages, so that a transaction is written once

Values = tuple[Any, ...]


@dataclass(frozen=True)
class RowEncoder:
    """Converts rows to the values that the driver of a database takes.

    `columns`: names of the columns with the values that they have by default, by table. Can be pickled.
    """

    dialect: DatabaseKind
    columns: Mapping[str, Mapping[str, Any]]

    def encode(self, model: type[Model], row: Row, ids: Iterator[int]) -> Values:
        """Returns the values of a row in the order of the columns; a missing id is taken from `ids`."""
        columns = self.columns[str(model._meta.db_table)]
        if "id" in columns and row.get("id") is None:
            row["id"] = next(ids)
        return tuple(
            value if type(value) in _PLAIN_TYPES else self._convert(value)
            for value in [row.get(name, default) for name, default in columns.items()]
        )

    def value(self, value: Any) -> Any:
        """Returns one value as the driver takes it."""
        return value if type(value) in _PLAIN_TYPES else self._convert(value)

    def _convert(self, value: Any) -> Any:
        if isinstance(value, Enum):
            return value.value
        if isinstance(value, dt.datetime):
            return value.replace(microsecond=0) if self.dialect == "postgres" else format_timestamp(value)
        if isinstance(value, dt.date):
            return value if self.dialect == "postgres" else value.isoformat()
        return orjson.dumps(value).decode()


def row_encoder(dialect: DatabaseKind) -> RowEncoder:
    """Creates the encoder of a database, to which Tortoise's models are bound."""
    return RowEncoder(dialect, {str(model._meta.db_table): _column_defaults(model) for model in _MODELS})


def _column_defaults(model: type[Model]) -> dict[str, Any]:
    defaults = {}
    for name, column in model._meta.fields_db_projection.items():
        column_field = model._meta.fields_map[name]
        value = column_field.default
        if value is None and column_field.has_db_default():
            value = column_field.db_default
        defaults[column] = value() if callable(value) and name != "id" else value
    return defaults


@dataclass
class PreparedRows:
    """Rows of new articles as the driver takes them, by table, and their rows of the article log.

    `groups`: translation groups of the articles, and whether one of those in it is public.
    """

    tables: dict[str, list[Values]] = field(default_factory=dict)
    log: list[Values] = field(default_factory=list)
    groups: dict[int, bool] = field(default_factory=dict)

    def add(self, table: str, rows: Iterable[Values]) -> None:
        self.tables.setdefault(table, []).extend(rows)

    def extend(self, other: PreparedRows) -> None:
        """Adds the rows of other articles."""
        for table, rows in other.tables.items():
            self.add(table, rows)
        self.log += other.log
        for group, is_public in other.groups.items():
            self.groups[group] = self.groups.get(group, False) or is_public


class RowCollector:
    """Collects the rows of new articles; rows without an id get one of `ids`."""

    def __init__(self, encoder: RowEncoder, ids: Iterator[int]) -> None:
        self.prepared = PreparedRows()
        self._encoder, self._ids = encoder, ids

    def add_rows(self, model: type[Model], rows: Iterable[Row]) -> None:
        values = [self._encoder.encode(model, row, self._ids) for row in rows]
        if values:
            self.prepared.add(str(model._meta.db_table), values)

    def add_article(self, record: ArticleRecord, rows: ArticleRows, now: dt.datetime) -> None:
        """Adds the rows that `article_writer.save_article` writes for a new article at a time."""
        assert record.id is not None
        owner = {"article_id": record.id}
        entries = blocks.live_entries(record.blocks)
        parts: dict[type[Model], list[Row]] = {
            **rows.parts,
            LiveEntry: live_entries.entry_rows(record.id, entries, now),
            LiveEntryUse: live_entries.use_rows(record.id, count_uses(entries)),
            ArticleRelated: rows.related,
        }
        self.add_rows(Article, [{"id": record.id, **rows.article}])
        self.add_rows(ArticleBody, [{**owner, **rows.body}])
        for model, part_rows in parts.items():
            self.add_rows(model, ({**owner, **row} for row in part_rows))
        self._add_search_rows(record, rows, entries)
        self._add_log_row(record, rows.article, parts)

    def _add_search_rows(
        self, record: ArticleRecord, rows: ArticleRows, entries: Sequence[blocks.LiveEntry]
    ) -> None:
        assert record.id is not None
        postgres = self._encoder.dialect == "postgres"
        row_of = search_index.postgres_row if postgres else search_index.sqlite_row
        self.prepared.add(_ARTICLE_SEARCH, [row_of(record.id, rows.terms)])
        entry_row_of = search_index.postgres_entry_row if postgres else search_index.sqlite_entry_row
        terms = live_entries.entry_terms(entries, record.language, rows.terms)
        if terms:
            values = [entry_row_of(entry, record.id, words) for entry, words in terms.items()]
            self.prepared.add(_ENTRY_SEARCH, values)

    def _add_log_row(
        self, record: ArticleRecord, article: Row, parts: Mapping[type[Model], Sequence[Row]]
    ) -> None:
        """Adds the row of the article log that the triggers would write, see `article_log_triggers`."""
        is_public = record.status in (Status.PUBLISHED, Status.SCHEDULED) and record.deleted_at is None
        causes = ["article", "article_body"]
        for model, rows in parts.items():
            table = str(model._meta.db_table)
            if table == "attribution":
                causes += [
                    table if row["state"] in PUBLIC_ATTRIBUTION_STATES else "suggestion" for row in rows
                ]
            elif rows and table in PART_TABLES:
                causes.append(table)
        times = [time for time in (record.published_at, record.embargo_until) if time]
        self.prepared.log.append(
            (
                record.id,
                " ".join(dict.fromkeys(causes)),
                is_public,
                article.get("owner"),
                self._encoder.value(max(times)) if is_public else None,
                self._encoder.value(record.expires_at) if is_public else None,
                record.status.value if record.deleted_at is None else None,
            )
        )
        if record.translation_group is not None:
            self.prepared.extend(PreparedRows(groups={record.translation_group: is_public}))


async def insert_rows(
    connection: Any, encoder: RowEncoder, parts: AsyncIterator[PreparedRows], *, logged: bool
) -> None:
    """Inserts the rows in the open transaction, as the last of its writes, each part as soon as it is there.

    `logged`: the triggers log each row. Otherwise the change log says that any row may have changed, which
    removes every cached response: only for articles of which the public sees one, since a response that is
    computed again would tell it of the others.
    On PostgreSQL other transactions with changes wait for this one from the last part on. Raises
    IntegrityError if a row violates a constraint; the transaction must be rolled back then.
    """
    rest = PreparedRows()  # what may refer to the articles of any part, and the log
    try:
        if encoder.dialect == "sqlite":
            await connection.execute_query(f"PRAGMA cache_size = -{_CACHE_KIB}")
        async with contextlib.nullcontext() if logged else unlogged_inserts(connection):
            async for part in parts:
                related = part.tables.pop(_RELATED, [])
                await _insert_tables(connection, encoder, part)
                rest.extend(PreparedRows({_RELATED: related}, part.log, part.groups))
            await _insert_tables(connection, encoder, rest)
    except (sqlite3.IntegrityError, asyncpg.IntegrityConstraintViolationError) as exc:
        raise IntegrityError(exc) from exc
    if not logged:
        await invalidate_everything(connection)
        await article_log.insert_new_articles(connection, rest.log, rest.groups)


async def _insert_tables(connection: Any, encoder: RowEncoder, prepared: PreparedRows) -> None:
    for model in _MODELS:
        table = str(model._meta.db_table)
        if rows := prepared.tables.get(table):
            await _insert(connection, encoder, table, rows)
    for table, sql in _search_statements(encoder.dialect).items():
        if rows := prepared.tables.get(table):
            await connection.execute_many(sql, rows)


async def insert_history(connection: Any, encoder: RowEncoder, prepared: PreparedRows) -> None:
    """Inserts revisions and audit entries, of which the change log knows nothing."""
    for model in (Revision, AuditEntry):
        table = str(model._meta.db_table)
        if rows := prepared.tables.get(table):
            await _insert(connection, encoder, table, rows)


async def _insert(connection: Any, encoder: RowEncoder, table: str, rows: Sequence[Values]) -> None:
    columns = list(encoder.columns[table])
    if encoder.dialect == "postgres":
        await connection._connection.copy_records_to_table(table, records=rows, columns=columns)
        return
    names = ", ".join(f'"{column}"' for column in columns)
    placeholders = ", ".join("?" * len(columns))
    await connection.execute_many(f"INSERT INTO {table} ({names}) VALUES ({placeholders})", rows)


def _search_statements(dialect: DatabaseKind) -> dict[str, str]:
    if dialect == "postgres":
        return {
            _ARTICLE_SEARCH: search_index.INSERT_POSTGRES,
            _ENTRY_SEARCH: search_index.INSERT_ENTRY_POSTGRES,
        }
    return {_ARTICLE_SEARCH: search_index.INSERT_SQLITE, _ENTRY_SEARCH: search_index.INSERT_ENTRY_SQLITE}
