"""Reads the changes of articles and of other rows for events, in one transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

import orjson

from contentql.content.cache_tags import object_tags, section_tag
from contentql.content.ids import PREFIXES
from contentql.events.article_events import ArticleChange, ArticleEvent, EventType, Interval
from contentql.planner.sql.nodes import Dialect
from contentql.planner.visibility import TABLES_VISIBLE_BY_USE
from contentql.store.article_log_triggers import SHOWN_BY
from contentql.store.change_log import ANY_TABLE

OPEN_ARTICLE: Final = "status IN ('PUBLISHED', 'SCHEDULED') AND deleted_at IS NULL AND working_of = 0"
# The condition of the partial indexes on these columns.
_TIME_COLUMNS: Final = ("published_at", "embargo_until", "expires_at")
_MAX_IDS: Final = 500
_INTERVAL: Final = "id, published_at, embargo_until, expires_at"
# Tables of which each row has cache tags of its own. Articles and their parts have events.
_TAGGED: Final = frozenset(PREFIXES) & {
    "category", "media", "source", "tag", "author", "story", "collection", "redirect",
}  # fmt: skip
# Columns by which rows of other tables change a row that has tags.
_PARTS: Final[Mapping[str, tuple[str, str]]] = {
    "collection_item": ("collection_id", "collection"),
}


class ChangeReader:
    """Reads through the connection of a transaction."""

    def __init__(self, connection: Any, dialect: Dialect) -> None:
        self._connection, self._dialect = connection, dialect

    async def _rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        """`?1`, `?2` … stand for the values; times are `datetime`."""
        bound = [
            self._dialect.bind("time", value) if isinstance(value, dt.datetime) else value for value in values
        ]
        for n, value in enumerate(values, 1):
            kind: Any = "time" if isinstance(value, dt.datetime) else "int"
            sql = sql.replace(f"?{n}", self._dialect.param(n, kind))
        return [dict(row) for row in await self._connection.execute_query_dict(sql, bound)]

    async def article_changes(self, after: int, limit: int) -> tuple[list[ArticleChange], int]:
        """Public changes after a position of the article log, and the position of the last row.

        `limit`: the number of changes at most; if there are as many, more may follow.
        """
        rows = await self._rows(
            "SELECT seq, article_id, at, source, was_from, was_until, is_from, is_until, status"
            " FROM article_log WHERE seq > ?1 AND public AND article_id > 0 ORDER BY seq LIMIT ?2",
            after,
            limit,
        )
        if len(rows) == limit:
            position = int(rows[-1]["seq"])
        else:
            ((row),) = await self._rows("SELECT max(seq) AS seq FROM article_log")
            position = max(after, int(row["seq"] or 0))
        return [_article_change(row) for row in rows], position

    async def boundary(self, after: dt.datetime, until: dt.datetime, number: int) -> dt.datetime | None:
        """Time of the change by the clock with this number, from 0, after a time; None if there is none."""
        times = " UNION ALL ".join(
            f"SELECT {column} AS at FROM article WHERE {column} > ?1 AND {column} <= ?2 AND {OPEN_ARTICLE}"
            for column in _TIME_COLUMNS
        )
        rows = await self._rows(
            f"SELECT at FROM ({times}) times ORDER BY at LIMIT 1 OFFSET ?3", after, until, number
        )
        return _time(rows[0]["at"]) if rows else None

    async def intervals(self, after: dt.datetime, until: dt.datetime) -> dict[int, Interval]:
        """The intervals of visibility, by article, of which one may begin or end in a time."""
        sql = " UNION ".join(
            f"SELECT {_INTERVAL} FROM article WHERE {column} > ?1 AND {column} <= ?2 AND {OPEN_ARTICLE}"
            for column in _TIME_COLUMNS
        )
        return {row["id"]: _interval(row) for row in await self._rows(sql, after, until)}

    async def expired_media(self, after: dt.datetime, until: dt.datetime) -> list[ArticleEvent]:
        """Updates of visible articles with media whose licence ends in a time."""
        media = await self._rows(
            "SELECT id, expires_at AS at FROM media WHERE expires_at > ?1 AND expires_at <= ?2", after, until
        )
        events = []
        for row in media:
            at = _time(row["at"])
            assert at is not None
            shown = SHOWN_BY["media"].format(id=int(row["id"]))
            articles = await self._rows(
                f"SELECT {_INTERVAL} FROM article WHERE id IN ({shown}) AND {OPEN_ARTICLE}"
            )
            events += [
                ArticleEvent(EventType.ARTICLE_UPDATED, article["id"], at, changed=("media",))
                for article in articles
                if _interval(article).contains(at)
            ]
        return events

    async def changed_tags(self, after: int, events: Sequence[ArticleEvent]) -> tuple[list[str], int]:
        """Cache tags of events and of changed rows, and the position of the last row of the change log.

        All tags if rows of the change log were deleted before they were read.
        """
        rows = await self._rows(
            "SELECT seq, table_name, row_id, before, after FROM row_change WHERE seq > ?1 ORDER BY seq", after
        )
        position = int(rows[-1]["seq"]) if rows else after
        is_truncated = bool(rows) and int(rows[0]["seq"]) > after + 1
        if is_truncated or any(row["table_name"] == ANY_TABLE for row in rows):
            every = [tag for table in PREFIXES for tag in object_tags(table, 0)[1:]]
            return [*every, *await self._section_tags("SELECT path FROM category")], position
        tags = [tag for event in events for tag in _event_tags(event)]
        article_ids = {event.article_id for event in events}
        for part in _parts(sorted(article_ids)):
            tags += await self._section_tags(
                "SELECT DISTINCT c.path FROM article_section s JOIN category c ON c.id = s.category_id"
                f" WHERE s.article_id IN ({part})"
            )
        left = [id_ for row in rows for id_ in _left_sections(row, article_ids)]
        for part in _parts(sorted(set(left))):
            tags += await self._section_tags(f"SELECT path FROM category WHERE id IN ({part})")
        tags += [tag for row in rows for tag in _row_tags(row)]
        return list(dict.fromkeys(tags)), position

    async def _section_tags(self, sql: str) -> list[str]:
        return [section_tag(row["path"]) for row in await self._rows(sql)]


def _parts(ids: Sequence[int]) -> Iterator[str]:
    """The ids as lists in SQL, of a length that both databases accept."""
    for start in range(0, len(ids), _MAX_IDS):
        yield ", ".join(map(str, ids[start : start + _MAX_IDS]))


def _event_tags(event: ArticleEvent) -> Iterator[str]:
    yield from object_tags("article", event.article_id)
    # What an article uses is visible with it: lists of tags, authors and so on may change.
    if event.type is not EventType.ARTICLE_UPDATED or event.changed != ("article_body",):
        yield from sorted(TABLES_VISIBLE_BY_USE)


def _versions(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [orjson.loads(row[name]) for name in ("before", "after") if row[name]]


def _left_sections(row: Mapping[str, Any], article_ids: Collection[int]) -> Iterator[int]:
    """The sections that an article was or is in, if the row is of one of these articles."""
    if row["table_name"] == "article_section":
        yield from (v["category_id"] for v in _versions(row) if v["article_id"] in article_ids)


def _row_tags(row: Mapping[str, Any]) -> Iterator[str]:
    table = row["table_name"]
    if table in _TAGGED:
        yield from object_tags(table, row["row_id"])
        if table == "category":
            yield from (section_tag(version["path"]) for version in _versions(row))
    elif table in _PARTS:
        column, owner = _PARTS[table]
        for version in _versions(row):
            if version.get(column):
                yield from object_tags(owner, version[column])


def _article_change(row: Mapping[str, Any]) -> ArticleChange:
    at = _time(row["at"])
    assert at is not None
    return ArticleChange(
        row["article_id"],
        at,
        tuple(row["source"].split()),
        Interval(_time(row["was_from"]), _time(row["was_until"])),
        Interval(_time(row["is_from"]), _time(row["is_until"])),
        row["status"],
    )


def _interval(row: Mapping[str, Any]) -> Interval:
    published_at, embargo_until = _time(row["published_at"]), _time(row["embargo_until"])
    start = max(published_at, embargo_until) if published_at and embargo_until else published_at
    return Interval(start, _time(row["expires_at"]))


def _time(value: Any) -> dt.datetime | None:
    """A time as either database returns it."""
    return dt.datetime.fromisoformat(value) if isinstance(value, str) else value
