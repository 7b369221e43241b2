"""The demo newsroom with a response cache, changed by SQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.conftest import NOW, Server

from contentql.app import build_executor
from contentql.cache.response_cache import ResponseCache
from contentql.execution.executor import Executor
from contentql.execution.request import GraphQLRequest
from contentql.settings import Settings
from contentql.store.database import Database


@dataclass
class CachedNewsroom:
    """The demo newsroom, changed by SQL, with a cached and an uncached executor."""

    url: str
    cached_executor: Executor
    uncached_executor: Executor
    now: dt.datetime = NOW

    @property
    def responses(self) -> ResponseCache:
        assert self.cached_executor.responses is not None
        return self.cached_executor.responses

    async def write(self, *statements: str) -> None:
        async with Database(self.url).orm() as connection:
            for statement in statements:
                await connection.execute_query(statement)
        await self.responses.apply_pending_changes()

    async def is_hit(self, query: str, variables: Mapping[str, Any] | None = None) -> bool:
        """Whether the response is cached; it must equal the uncached response."""
        hits, request = self.responses.counts.hits, GraphQLRequest(query, None, variables or {})
        response = await self.cached_executor.execute(request)
        uncached = GraphQLRequest(query, None, variables or {})
        assert response.body == (await self.uncached_executor.execute(uncached)).body
        return self.responses.counts.hits > hits


@asynccontextmanager
async def open_cached_newsroom(server: Server, template: str) -> AsyncIterator[CachedNewsroom]:
    """A copy of the template, a database with the demo newsroom."""
    url = await server.copy(template)
    async with Database(url) as database:
        newsroom = CachedNewsroom(
            url,
            build_executor(Settings(), database),
            build_executor(Settings(response_cache_bytes=0), database),
        )
        newsroom.cached_executor.now = newsroom.uncached_executor.now = lambda: newsroom.now
        await newsroom.responses.open()
        yield newsroom
        await newsroom.responses.close()
    await server.drop(url)
