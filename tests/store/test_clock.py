"""Timestamps come from the database's clock."""

from __future__ import annotations

import datetime as dt
import time
import types

import pytest
from tests.conftest import Server

from contentql.store.clock import DatabaseClock
from contentql.store.database import Database


class Ahead(dt.datetime):
    """A machine whose clock is an hour ahead."""

    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> Ahead:
        return super().now(tz) + dt.timedelta(hours=1)


async def test_a_machine_with_a_wrong_clock_goes_by_the_server(
    monkeypatch: pytest.MonkeyPatch, postgres_server: Server
) -> None:
    """Never ahead of PostgreSQL's own clock, and hardly behind it."""
    database = Database(await postgres_server.migrated())
    ours_is_wrong = types.SimpleNamespace(datetime=Ahead, timedelta=dt.timedelta, UTC=dt.UTC)
    monkeypatch.setattr("contentql.store.clock.dt", ours_is_wrong)
    async with database:
        expected = DatabaseClock(database)
        async with expected.running():
            for _ in range(50):
                ours = expected.now()
                ((theirs,),) = await database.rows("SELECT clock_timestamp()")
                assert dt.timedelta(0) <= theirs - ours < dt.timedelta(seconds=2)


async def test_seconds_go_on_while_the_server_is_away(database_url: str) -> None:
    """Between two answers, and without any, time passes."""
    database = Database(database_url)
    async with database:
        expected = DatabaseClock(database)
        await expected.sync()
    before = expected.now()
    time.sleep(0.05)  # noqa: ASYNC251 - nothing else is to run
    assert expected.now() - before >= dt.timedelta(seconds=0.04)
