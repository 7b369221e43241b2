"""Visibility and status in SQL, compared with Python on rows of every state, for every kind of viewer."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from tests.conftest import Server

from contentql.auth.viewer import PUBLIC_VISIBILITY, Visibility
from contentql.content.enums import AttributionKind, AttributionState, Status
from contentql.planner.sql import dialect_for
from contentql.planner.sql.nodes import Dialect, ParamKind
from contentql.planner.visibility import (
    ARTICLE_STATUS_SQL,
    PUBLIC_ARTICLE_STATUS_SQL,
    article_status_at,
    is_publicly_visible,
    own_visibility_sql,
    visibility_sql,
)
from contentql.store.database import Database, decode_text
from contentql.store.models.articles import Article
from contentql.store.models.attributions import Attribution
from contentql.store.models.taxonomy import Category, Media

Row = Mapping[str, Any]

NOW = dt.datetime(2026, 6, 30, 8, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(hours=2)
SECOND = dt.timedelta(seconds=1)
# Around both moments, because a rule that holds at the preview time need not hold at the request time.
TIMES = (None, NOW - SECOND, NOW, NOW + SECOND, LATER, LATER + SECOND)
STORED_STATUSES = [status for status in Status if status is not Status.EXPIRED]
SHARED = 101


@dataclass
class StatementParams:
    """The parameters of one statement: only those that its rules mention, in the order of mention."""

    dialect: Dialect
    time: dt.datetime
    values: dict[tuple[ParamKind, Any], None] = field(default_factory=dict)

    def _param(self, kind: ParamKind, value: Any) -> str:
        self.values.setdefault((kind, value))
        return self.dialect.param(list(self.values).index((kind, value)) + 1, kind)

    def now(self) -> str:
        return self._param("time", self.time)

    def request_time(self) -> str:
        return self._param("time", NOW)

    def viewer_account(self) -> str:
        return self._param("text", "jane")

    def shared_article(self) -> str:
        return self._param("id", SHARED)

    def bound(self) -> list[Any]:
        return [self.dialect.bind(kind, value) for kind, value in self.values]


def article_rows() -> list[Row]:
    """Every combination of states that the constraints allow; some with an owner or a working copy."""
    random = Random(10)
    rows: list[Row] = []
    states = itertools.product(STORED_STATUSES, TIMES, TIMES, TIMES, (None, NOW))
    for status, published_at, embargo_until, expires_at, deleted_at in states:
        needs_time = status in (Status.PUBLISHED, Status.SCHEDULED)
        if needs_time and published_at is None:
            continue
        if embargo_until is not None and expires_at is not None and expires_at <= embargo_until:
            continue
        if not needs_time and random.random() < 0.7:  # these outnumber the others
            continue
        row = {
            **_article(len(rows) + 1),
            "status": status,
            "published_at": published_at,
            "first_published_at": published_at,
            "updated_at": published_at,
            "embargo_until": embargo_until,
            "expires_at": expires_at,
            "deleted_at": deleted_at,
            "owner": random.choice([None, "jane", "amir"]),
        }
        rows.append(row)
        if random.random() < 0.2 or row["id"] == SHARED:
            copy = {
                **row,
                **_article(len(rows) + 1),
                "status": random.choice([Status.DRAFT, Status.IN_REVIEW]),
            }
            rows.append({**copy, "working_of": row["id"], "deleted_at": None})
    return rows


def _article(id: int) -> Row:
    return {
        "id": id,
        "uri": f"tag:example.org,2026:{id}",
        "slug": f"article-{id}",
        "language": "en",
        "headline": "Harbour reopens",
        "modified_at": NOW,
        "category_id": 1,
        "working_of": 0,
    }


def is_visible(row: Row, copied: frozenset[int], visibility: Visibility, now: dt.datetime) -> bool:
    """The visibility rule for articles, implemented independently of the planner's SQL."""
    public = is_publicly_visible("article", row, now)
    latest = row["deleted_at"] is None and row["id"] not in copied
    if visibility.at_preview_time:
        # A preview time shows no articles of others that are not public at the request time.
        public = public and is_publicly_visible("article", row, NOW)
        latest = (
            latest
            and row["status"] not in ("WITHDRAWN", "ARCHIVED")
            and (row["published_at"] is None or row["published_at"] <= now)
            and (row["embargo_until"] is None or row["embargo_until"] <= now)
            and (row["expires_at"] is None or row["expires_at"] > now)
        )
    match visibility.articles:
        case "all":
            return latest
        case "own":
            return latest if row["owner"] == "jane" else public
        case "linked":
            return latest if SHARED in (row["id"], row["working_of"]) else public
        case _:
            return public


VISIBILITIES = [
    PUBLIC_VISIBILITY,
    Visibility(admin=True),
    *(
        Visibility(articles, internal_fields=internal, at_preview_time=preview)
        for articles in ("linked", "own", "all")
        for internal in (False, True)
        for preview in (False, True)
    ),
]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return article_rows()


@pytest.fixture(scope="module")
async def database(server: Server, rows: list[Row]) -> AsyncIterator[Database]:
    """Articles of every state, media with every expiry time and attributions of every state."""
    url = await server.migrated()
    async with Database(url) as database:
        async with database.orm():
            await Category.create(id=1, slug="world", path="world", name="World", sort_name="world")
            await Article.bulk_create([Article(**row) for row in rows], batch_size=500)
            for id, expires_at in enumerate(TIMES, 1):
                await Media.create(
                    id=id, kind="IMAGE", url="x", mime="image/jpeg", created_at=NOW, expires_at=expires_at
                )
            for id, state in enumerate(AttributionState, 1):
                await Attribution.create(
                    id=id, article_id=1, head_id=id, kind=AttributionKind.REPORTED_BY, state=state
                )
        yield database
    await server.drop(url)


async def select(database: Database, params: StatementParams, columns: str, table: str) -> dict[int, Any]:
    result = await database.rows(f"SELECT id, {columns} FROM {table} a", params.bound())
    return {row[0]: decode_text(row[1]) for row in result}


@pytest.mark.parametrize("visibility", VISIBILITIES, ids=str)
async def test_article_visibility_sql_agrees_with_python(
    database: Database, rows: list[Row], visibility: Visibility
) -> None:
    """Exactly the rows that the Python rule shows to a viewer satisfy the SQL rule."""
    copied = frozenset(row["working_of"] for row in rows)
    for now in (NOW, LATER) if visibility.at_preview_time else (NOW,):
        params = StatementParams(dialect_for(database), now)
        conditions = visibility_sql("article", "a", params, via_visible=False, visibility=visibility)
        sql = f"case when {' and '.join(f'({c})' for c in conditions)} then 1 else 0 end"
        actual = {id for id, visible in (await select(database, params, sql, "article")).items() if visible}
        assert actual == {row["id"] for row in rows if is_visible(row, copied, visibility, now)}
        assert 0 < len(actual) < len(rows)


@pytest.mark.parametrize("now", [NOW, LATER], ids=str)
async def test_article_status_sql_agrees_with_python(
    database: Database, rows: list[Row], now: dt.datetime
) -> None:
    """The status at a time is computed in SQL for queries and in Python for transitions."""
    params = StatementParams(dialect_for(database), now)
    sql = ARTICLE_STATUS_SQL.replace("{row}", "a").replace("{now}", params.now())
    actual = await select(database, params, sql, "article")
    assert actual == {row["id"]: article_status_at(row, now).value for row in rows}
    assert set(actual.values()) == {status.value for status in Status}


async def test_public_status_sql_agrees_with_full_status(database: Database, rows: list[Row]) -> None:
    """The shorter SQL for anonymous viewers returns the same status for every public article."""
    params = StatementParams(dialect_for(database), NOW)
    actual = await select(database, params, PUBLIC_ARTICLE_STATUS_SQL.replace("{row}", "a"), "article")
    public = [row for row in rows if is_publicly_visible("article", row, NOW)]
    assert public
    for row in public:
        assert actual[row["id"]] == article_status_at(row, NOW).value == "PUBLISHED"


@pytest.mark.parametrize("table", ["article", "media", "attribution"])
async def test_public_row_visibility_sql_agrees_with_python(
    database: Database, rows: list[Row], table: str
) -> None:
    """Cache invalidation evaluates rows in Python with the result of the SQL rule."""
    expected: dict[str, list[Row]] = {
        "article": rows,
        "media": [{"id": id, "expires_at": time} for id, time in enumerate(TIMES, 1)],
        "attribution": [{"id": id, "state": state} for id, state in enumerate(AttributionState, 1)],
    }
    params = StatementParams(dialect_for(database), NOW)
    rule = own_visibility_sql(table, "a", "{now}")
    rule = rule.replace("{now}", params.now()) if "{now}" in rule else rule
    actual = await select(database, params, f"case when {rule} then 1 else 0 end", table)
    assert actual == {row["id"]: int(is_publicly_visible(table, row, NOW)) for row in expected[table]}
    assert set(actual.values()) == {0, 1}
