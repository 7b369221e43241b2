"""Article log: one row for each article and change, in the order of the commits, kept for RETENTION_DAYS.

Triggers fill it, see `article_log_triggers`. A row has the interval in which the public sees the
article, as it was before the change (`was_from`, `was_until`) and as it is after it. What becomes visible or
invisible by the clock is not in the log: its readers compare the times of the articles with the present one.
`source` names the tables whose rows have changed, `columns` the changed columns of the article itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contentql.content.ids import new_id
from contentql.store.article_log_triggers import translation_statements

RETENTION_DAYS = 35

_PRUNED_AT_ONCE = 5_000
_COLUMNS = (
    "article_id", "at", "source", "public", "owner", "was_from", "was_until", "is_from", "is_until", "status",
    "columns",
)  # fmt: skip
_OWN = "article"  # `source` of a change of the article itself
_COPY = "copy"  # that of a change of a working copy, which has no interval


def first_row_sql(table: str, dialect: str) -> str:
    """SQL that inserts the first row of a log, with a random negative number in place of an article's id.

    A position in another log is not valid in this one.
    """
    now = "date_trunc('second', now())" if dialect == "postgres" else _sqlite_time("now")
    return f"INSERT INTO {table} (article_id, at, source, public) VALUES ({-new_id()}, {now}, 'log', true)"


async def insert_new_articles(
    connection: Any, rows: Sequence[Sequence[Any]], groups: Mapping[int, bool]
) -> None:
    """Inserts the rows of new articles, whose own rows were inserted without the triggers.

    A row: the id, the sources, whether the public sees a change, the owner, the interval after it, and the
    status. `groups`: the translation groups of the articles, and whether one of the new ones is public: their
    other articles have changed too. On PostgreSQL the lock of the change log must be held.
    """
    columns = "article_id, source, public, owner, is_from, is_until, status, at"
    if connection.capabilities.dialect == "postgres":
        values = "$1, $2, $3, $4, $5, $6, $7, date_trunc('second', clock_timestamp())"
    else:
        values = f"?, ?, ?, ?, ?, ?, ?, {_sqlite_time('now')}"
    await connection.execute_many(f"INSERT INTO article_log ({columns}) VALUES ({values})", rows)
    if not groups:
        return
    members = await connection.execute_query_dict(
        "SELECT id, translation_group FROM article"
        f" WHERE translation_group IN ({', '.join(map(str, groups))})"
    )
    new = {row[0] for row in rows}
    for is_public in (True, False):
        others = [
            row["id"]
            for row in members
            if row["id"] not in new and groups[row["translation_group"]] is is_public
        ]
        for statement in translation_statements(connection.capabilities.dialect, others, is_public):
            await connection.execute_query(statement)


async def last_position(connection: Any) -> int:
    """The position of the last row that was ever inserted; SQLite only."""
    rows = await connection.execute_query_dict("SELECT seq FROM sqlite_sequence WHERE name = 'article_log'")
    return int(rows[0]["seq"]) if rows else 0


async def compact(connection: Any, position: int) -> None:
    """Merges the rows after `position`, those of the open transaction, into one for each article.

    SQLite only: on PostgreSQL the trigger does so.
    """
    sql = f"SELECT {', '.join(_COLUMNS)} FROM article_log WHERE seq > ? ORDER BY seq"
    rows = [dict(row) for row in await connection.execute_query_dict(sql, [position])]
    merged: dict[int, dict[str, Any]] = {}
    for row in rows:
        earlier = merged.pop(row["article_id"], None)
        merged[row["article_id"]] = _merge(earlier, row) if earlier else row
    if len(merged) == len(rows):
        return
    await connection.execute_query("DELETE FROM article_log WHERE seq > ?", [position])
    placeholders = ", ".join("?" * len(_COLUMNS))
    await connection.execute_many(
        f"INSERT INTO article_log ({', '.join(_COLUMNS)}) VALUES ({placeholders})",
        [[row[column] for column in _COLUMNS] for row in merged.values()],
    )


def _merge(earlier: dict[str, Any], later: dict[str, Any]) -> dict[str, Any]:
    """One row of two changes: as it was before the first one, and as it is after the second one."""
    first, second = earlier["source"].split(), later["source"].split()
    # Only a change of the article itself has the interval before it; others have the present one twice.
    before = later if first == [_COPY] or (_OWN not in first and _OWN in second) else earlier
    after = earlier if second == [_COPY] else later
    sources = dict.fromkeys([*first, *second])
    return {
        **after,
        "at": later["at"],
        "source": " ".join(sources),
        "columns": f"{earlier['columns']} {later['columns']}".strip(),
        "public": earlier["public"] or later["public"],
        "was_from": before["was_from"],
        "was_until": before["was_until"],
    }


async def prune(connection: Any) -> None:
    """Deletes some of the rows that are older than RETENTION_DAYS; called regularly by writers.

    Keeps the last public row, the position of a client that has all changes.
    """
    postgres = connection.capabilities.dialect == "postgres"
    age = f"{RETENTION_DAYS} days"
    end = f"now() - interval '{age}'" if postgres else _sqlite_time("now", f"-{age}")
    await connection.execute_query(
        "DELETE FROM article_log WHERE seq IN (SELECT o.seq FROM (SELECT seq, at FROM article_log"
        f" ORDER BY seq LIMIT {_PRUNED_AT_ONCE}) o WHERE o.at < {end})"
        " AND seq < (SELECT max(seq) FROM article_log WHERE public)"
    )


def _sqlite_time(*modifiers: str) -> str:
    return f"strftime('%Y-%m-%dT%H:%M:%SZ', {', '.join(repr(m) for m in modifiers)})"
