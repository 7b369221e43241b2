"""Workers that are killed, and several servers: each event is delivered, with one id, in the order of its
article."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

from tests.conftest import Server
from tests.events.conftest import Hooks, open_hooks
from tests.support.durability import ServerProcess
from tests.support.editorial_client import EditorialClient
from tests.support.webhook_receiver import ReceivedRequest, response

PUBLISHED, UNPUBLISHED = "article.published", "article.unpublished"


async def _slow(request: ReceivedRequest, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(random.uniform(0, 0.05))
    await response(204)(request, writer)


async def _publish_and_unpublish(newsroom: EditorialClient, articles: int) -> dict[str, list[str]]:
    """Publishes articles, unpublishes each and publishes it again; the types of events, by article."""
    expected: dict[str, list[str]] = {}
    for _ in range(articles):
        id = await newsroom.create_published()
        await newsroom.mutate_ok("unpublishArticle", id=id)
        for transition in ("submitArticle", "approveArticle", "publishArticle"):
            await newsroom.mutate_ok(transition, id=id)
        expected[id] = [PUBLISHED, UNPUBLISHED, PUBLISHED]
    return expected


def _first_of_each_id(hooks: Hooks) -> dict[str, list[str]]:
    """The types of the events of each article, by the first request of each id."""
    by_id: dict[str, ReceivedRequest] = {}
    for request in hooks.receiver.requests:
        first = by_id.setdefault(request.id, request)
        assert (first.type, first.article) == (request.type, request.article)
    types: dict[str, list[str]] = {}
    for request in by_id.values():
        types.setdefault(request.article, []).append(request.type)
    return types


def _processes(folder: Path, hooks: Hooks, count: int) -> list[ServerProcess]:
    url = hooks.newsroom.url
    settings: dict[str, Any] = {"CONTENTQL_WEBHOOK_NETWORKS": "127.0.0.0/8"}
    return [ServerProcess(folder, url, **settings) for _ in range(count)]


async def test_killed_workers_lose_and_double_nothing(server: Server, tmp_path: Path) -> None:
    async with open_hooks(server) as hooks:
        hooks.receiver.behaviour["/hook"] = _slow
        await hooks.create()
        (process,) = _processes(tmp_path, hooks, 1)
        writing = asyncio.create_task(_publish_and_unpublish(hooks.newsroom, 12))
        for _ in range(4):
            await process.start()
            await asyncio.sleep(random.uniform(0, 0.8))
            await process.kill()
        expected = await writing
        await process.start()
        try:
            await hooks.receiver.wait_until(lambda: _first_of_each_id(hooks) == expected, 60)
        finally:
            await process.kill()


async def test_two_servers_send_each_event_once(server: Server, tmp_path: Path) -> None:
    """One of them sends; when it is killed, the other one does."""
    async with open_hooks(server) as hooks:
        await hooks.create()
        first, second = _processes(tmp_path, hooks, 2)
        await asyncio.gather(first.start(), second.start())
        try:
            expected = await _publish_and_unpublish(hooks.newsroom, 5)
            await hooks.receiver.wait_until(lambda: _first_of_each_id(hooks) == expected)
            assert len(hooks.receiver.requests) == 15
            await first.kill()
            more = await _publish_and_unpublish(hooks.newsroom, 2)
            await hooks.receiver.wait_until(lambda: _first_of_each_id(hooks) == {**expected, **more}, 60)
        finally:
            for process in (first, second):
                if process.process is not None and process.process.poll() is None:
                    await process.kill()
