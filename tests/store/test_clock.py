"""Timestamps come from the database's clock."""

from __future__ import annotations

import datetime as dt
import time
import types

import pytest
from tests.conftest import Server

from contentql.store.clock import DatabaseClock
from contentql.store.database import Database


class FastClock(dt.datetime):
    """A `datetime` whose current time is an hour ahead."""

    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> FastClock:
        return super().now(tz) + dt.timedelta(hours=1)


async def test_time_of_postgres_replaces_a_wrong_machine_clock(
    monkeypatch: pytest.MonkeyPatch, postgres_server: Server
) -> None:
    """The time is never after the clock of PostgreSQL, and less than two seconds before it."""
    database = Database(await postgres_server.migrated())
    wrong_datetime = types.SimpleNamespace(datetime=FastClock, timedelta=dt.timedelta, UTC=dt.UTC)
    monkeypatch.setattr("contentql.store.clock.dt", wrong_datetime)
    async with database:
        clock = DatabaseClock(database)
        async with clock.running():
            for _ in range(50):
                local_time = clock.now()
                ((server_time,),) = await database.rows("SELECT clock_timestamp()")
                assert dt.timedelta(0) <= server_time - local_time < dt.timedelta(seconds=2)


async def test_time_advances_without_the_database(database_url: str) -> None:
    """Between two synchronisations the elapsed time is measured locally."""
    database = Database(database_url)
    async with database:
        clock = DatabaseClock(database)
        await clock.sync()
    before = clock.now()
    time.sleep(0.05)  # noqa: ASYNC251 - blocks on purpose
    assert clock.now() - before >= dt.timedelta(seconds=0.04)
