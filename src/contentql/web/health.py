"""/health/live, /health/ready and /metrics, for operators.

States what is not ready, without texts of database drivers. The database is queried at most once a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import cache
from hmac import compare_digest
from importlib.resources import files
from time import monotonic
from typing import Final

import orjson
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from contentql.server.client_address import parse_address
from contentql.settings import Settings
from contentql.store.database import Database, decode_text
from contentql.telemetry.observer import RequestObserver
from contentql.web.request_headers import HostPolicy, host_name, is_local_name

NO_STORE_HEADERS: Final = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
# Load balancers name addresses; /metrics checks the host itself.
ANY_HOST_PATHS: Final = ("/health/live", "/health/ready", "/metrics")
_PROXIED: Final = ("forwarded", "via", "x-real-ip")


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


def health_routes(readiness: Readiness, observer: RequestObserver, settings: Settings) -> list[BaseRoute]:
    """The routes of the health checks, and of /metrics if the settings allow it."""
    access = MetricsAccess(settings)

    async def live(request: Request) -> Response:
        return _json_response(request, 200, {"status": "live"})

    async def ready(request: Request) -> Response:
        lacks = await readiness.problems()
        if lacks:
            return _json_response(request, 503, {"status": "not ready", "reasons": lacks})
        return _json_response(request, 200, {"status": "ready"})

    async def numbers(request: Request) -> Response:
        if not access.allows_client(request):
            return Response(status_code=404, headers=NO_STORE_HEADERS)
        if not access.allows_token(request):
            return Response(status_code=401, headers={**NO_STORE_HEADERS, "www-authenticate": "Bearer"})
        return _reply(request, 200, await observer.render_metrics(), CONTENT_TYPE_LATEST)

    results: list[BaseRoute] = [Route("/health/live", live), Route("/health/ready", ready)]
    return [*results, Route("/metrics", numbers)] if settings.metrics_access != "off" else results


class MetricsAccess:
    """Which requests may read /metrics: by the client's address and host, and by a token."""

    def __init__(self, settings: Settings) -> None:
        self._everywhere = settings.metrics_access == "all"
        self._networks = settings.metrics_network_list
        self._hosts = HostPolicy(settings.allowed_host_list)
        self._token = settings.metrics_token.encode()

    def allows_client(self, request: Request) -> bool:
        """Whether the request comes from this machine or an allowed network, and from no proxy there.

        A proxy need not add a header: nginx sends its own address as Host, but HTTP/1.0, and others pass the
        client's Host on. A browser that was led here by DNS rebinding sends the name of another site.
        """
        host = host_name(request.headers.get("host", ""))
        if self._everywhere:
            return is_local_name(host) or self._hosts.allows(host)
        if request.scope["http_version"] == "1.0" or any(map(_is_proxy_header, request.headers)):
            return False
        address = parse_address(request.client.host) if request.client else None
        if address is None:
            return False
        if address.is_loopback:
            return is_local_name(host)
        return any(address in network for network in self._networks) and self._hosts.allows(host)

    def allows_token(self, request: Request) -> bool:
        """Whether the request has the token, if one is set."""
        sent = request.headers.get("authorization", "").encode("latin-1")
        scheme, _, token = sent.partition(b" ")
        return not self._token or (scheme.lower() == b"bearer" and compare_digest(token.strip(), self._token))


def _is_proxy_header(name: str) -> bool:
    return name in _PROXIED or name.startswith("x-forwarded-")


_APPLIED: Final = {
    "sqlite": "SELECT group_concat(name, ' ') FROM tortoise_migrations WHERE app = 'content'",
    "postgres": "SELECT string_agg(name, ' ') FROM tortoise_migrations WHERE app = 'content'",
}


@cache
def _migrations() -> set[str]:
    folder = files("contentql.store.migrations")
    return {file.name.removesuffix(".py") for file in folder.iterdir() if file.name[:1].isdigit()}


def _json_response(request: Request, status: int, values: Mapping[str, object]) -> Response:
    return _reply(request, status, orjson.dumps(values) + b"\n", "application/json")


def _reply(request: Request, status: int, body: bytes, media_type: str) -> Response:
    headers = {**NO_STORE_HEADERS, "content-type": media_type, "content-length": str(len(body))}
    if status == 503:
        headers["retry-after"] = "1"
    return Response(b"" if request.method == "HEAD" else body, status, headers)
