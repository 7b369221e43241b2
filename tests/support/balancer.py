"""A client that shares requests out among servers by their readiness, as a load balancer does."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import Counter
from collections.abc import Sequence
from typing import Any, Self

import httpx2
from tests.support.durability import TIMEOUT_SECONDS, ServerProcess

_CHECK_INTERVAL = 0.05  # seconds


class Balancer:
    """Sends each request to the next server that is ready. Connections are kept open.

    `failures` counts requests that got no response, by exception; a refused connection is no failure, because
    the request goes to the next server. `refused` counts those.
    """

    def __init__(self, servers: Sequence[ServerProcess], headers: dict[str, str] | None = None) -> None:
        self.failures: Counter[str] = Counter()
        self.requests: Counter[str] = Counter()  # by URL of the server that responded
        self.refused = 0
        self._servers = servers
        self._ready = {server.url for server in servers}
        self._turns = itertools.cycle(servers)
        self._http = httpx2.AsyncClient(timeout=TIMEOUT_SECONDS, headers=headers)
        self._checks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._checks = [asyncio.create_task(self._check(server)) for server in self._servers]
        return self

    async def __aexit__(self, *_: object) -> None:
        for check in self._checks:
            check.cancel()
        await asyncio.gather(*self._checks, return_exceptions=True)
        await self._http.aclose()

    async def post(self, body: dict[str, Any]) -> httpx2.Response | None:
        """The response of a server that is ready; None if the connection was lost."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while True:
                server = next(self._turns)
                if server.url not in self._ready:
                    await asyncio.sleep(0)
                    continue
                try:
                    response = await self._http.post(f"{server.url}/graphql", json=body)
                except httpx2.ConnectError:
                    self.refused += 1
                    await asyncio.sleep(_CHECK_INTERVAL)
                except httpx2.TransportError as exc:
                    self.failures[repr(exc)] += 1
                    return None
                else:
                    self.requests[server.url] += 1
                    return response

    async def _check(self, server: ServerProcess) -> None:
        async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS) as http:
            while True:
                ready = False
                with contextlib.suppress(httpx2.TransportError):
                    ready = (await http.get(f"{server.url}/health/ready")).status_code == 200
                (self._ready.add if ready else self._ready.discard)(server.url)
                await asyncio.sleep(_CHECK_INTERVAL)
