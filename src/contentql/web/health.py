"""/health/live, /health/ready and /metrics, for operators.

States what is not ready, without texts of database drivers. The database is queried at most once a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from ipaddress import ip_address
from time import monotonic
from typing import Final, Literal

import orjson
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from contentql.store.database import Database, decode_text
from contentql.telemetry.observer import RequestObserver

NO_STORE_HEADERS: Final = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
_PROXIED: Final = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


class Readiness:
    """Whether this process is ready; checked at most once in `every` seconds, with the same timeout."""

    def __init__(self, database: Database, *, every: float = 1.0) -> None:
        self.stopping = False
        self._database = database
        self._every = every
        self._look: asyncio.Task[Mapping[str, str]] | None = None
        self._until = 0.0

    def start_draining(self) -> None:
        """Report from now on that the process is not ready."""
        self.stopping = True

    async def problems(self) -> Mapping[str, str]:
        """What is not ready, and why; empty if all is ready."""
        if self.stopping:
            return {"server": "shuts down"}
        if self._look is None or (self._look.done() and monotonic() >= self._until):
            self._until = monotonic() + self._every
            self._look = asyncio.create_task(self._looked())
        # Shared: one who stops asking does not stop the look for the others.
        return await asyncio.shield(self._look)

    async def _looked(self) -> Mapping[str, str]:
        try:
            async with asyncio.timeout(self._every):
                await self._database.row("SELECT 1", (), self._every)
        except Exception:
            return {"database": "does not answer"}
        try:
            async with asyncio.timeout(self._every):
                row = await self._database.row(_APPLIED[self._database.dialect], (), self._every)
        except Exception:  # no table of migrations
            return {"schema": "is not there"}
        result = row[0] or ""
        applied = set(decode_text(result).split())
        existing = _migrations()
        if existing - applied:
            return {"schema": "is not up to date"}
        return {"schema": "is of a newer version"} if applied - existing else {}


def health_routes(
    readiness: Readiness, observer: RequestObserver, metrics: Literal["local", "all", "off"]
) -> list[BaseRoute]:
    """`metrics`: who may read /metrics; others get 404."""

    async def live(request: Request) -> Response:
        return _json_response(request, 200, {"status": "live"})

    async def ready(request: Request) -> Response:
        lacks = await readiness.problems()
        if lacks:
            return _json_response(request, 503, {"status": "not ready", "reasons": lacks})
        return _json_response(request, 200, {"status": "ready"})

    async def numbers(request: Request) -> Response:
        if metrics == "local" and not _is_local(request):
            return Response(status_code=404, headers=NO_STORE_HEADERS)
        return _reply(request, 200, await observer.render_metrics(), CONTENT_TYPE_LATEST)

    results: list[BaseRoute] = [Route("/health/live", live), Route("/health/ready", ready)]
    return [*results, Route("/metrics", numbers)] if metrics != "off" else results


_APPLIED: Final = {
    "sqlite": "SELECT group_concat(name, ' ') FROM tortoise_migrations WHERE app = 'content'",
    "postgres": "SELECT string_agg(name, ' ') FROM tortoise_migrations WHERE app = 'content'",
}


@cache
def _migrations() -> set[str]:
    folder = files("contentql.store.migrations")
    return {file.name.removesuffix(".py") for file in folder.iterdir() if file.name[:1].isdigit()}


def _is_local(request: Request) -> bool:
    """Whether the request comes from this machine, and not from a proxy on it."""
    try:
        near = request.client is not None and ip_address(request.client.host).is_loopback
    except ValueError:
        near = False
    return near and not any(name in request.headers for name in _PROXIED)


def _json_response(request: Request, status: int, values: Mapping[str, object]) -> Response:
    return _reply(request, status, orjson.dumps(values) + b"\n", "application/json")


def _reply(request: Request, status: int, body: bytes, media_type: str) -> Response:
    headers = {**NO_STORE_HEADERS, "content-type": media_type, "content-length": str(len(body))}
    if status == 503:
        headers["retry-after"] = "1"
    return Response(b"" if request.method == "HEAD" else body, status, headers)
