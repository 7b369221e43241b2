"""A newsroom whose events are sent to a receiver in the test process."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_network
from typing import Any

import pytest
from tests.conftest import Server
from tests.support.editorial_client import ROOT, EditorialClient, open_editorial_client
from tests.support.webhook_receiver import WebhookReceiver, open_receiver

from contentql.events.cdn import Cdn
from contentql.events.worker import WebhookWorker
from contentql.execution.public_articles import read_public_article

LOCAL = (ip_network("127.0.0.0/8"),)


@dataclass
class Hooks:
    """A newsroom with a receiver. `now`: the time of the newsroom and of workers is that of the system, plus
    `ahead`."""

    newsroom: EditorialClient
    receiver: WebhookReceiver
    ahead: dt.timedelta = dt.timedelta(0)

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + self.ahead

    def worker(self, *cdns: Cdn, allowed: Any = LOCAL) -> WebhookWorker:
        read_article = partial(read_public_article, self.newsroom.executor)
        return WebhookWorker(self.newsroom.database, self.now, read_article, networks=allowed, cdns=cdns)

    async def create(self, path: str = "/hook", **input: Any) -> Any:
        """The payload of a new webhook: `webhook` and `secret`."""
        return await self.newsroom.mutate_ok("createWebhook", ROOT, url=self.receiver.url(path), **input)

    async def deliveries(self, webhook: str, fields: str = "state lastStatus lastError attempts") -> Any:
        """The deliveries, the oldest first."""
        query = f"query($id: ID!) {{ webhook(id: $id) {{ deliveries {{ nodes {{ {fields} }} }} }} }}"
        data = await self.newsroom.query(query, ROOT, id=webhook)
        return data["webhook"]["deliveries"]["nodes"][::-1]

    async def wait_for_states(self, webhook: str, *states: str) -> Any:
        """The deliveries, the oldest first, when they have these states."""
        return await self._wait(webhook, lambda rows: [row["state"] for row in rows] == list(states))

    async def wait_for_attempts(self, webhook: str, count: int = 1) -> Any:
        """The deliveries, when that many attempts are recorded."""
        return await self._wait(webhook, lambda rows: sum(row["attempts"] for row in rows) >= count)

    async def _wait(self, webhook: str, condition: Callable[[Any], bool]) -> Any:
        async with asyncio.timeout(30):
            while not condition(deliveries := await self.deliveries(webhook)):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        return deliveries

    async def retry_now(self) -> None:
        """Makes the pending deliveries due."""
        async with self.newsroom.database.transaction() as connection:
            await connection.execute_query(
                "UPDATE webhook_delivery SET next_attempt_at = queued_at WHERE state = 'PENDING'"
            )


@contextlib.asynccontextmanager
async def open_hooks(server: Server) -> AsyncIterator[Hooks]:
    async with open_editorial_client(server, with_cache=True) as newsroom, open_receiver() as receiver:
        newsroom.executor.mutations._webhook_networks = LOCAL
        hooks = Hooks(newsroom, receiver)
        newsroom.executor.now = hooks.now
        yield hooks


@pytest.fixture
async def hooks(server: Server) -> AsyncIterator[Hooks]:
    async with open_hooks(server) as result:
        yield result
