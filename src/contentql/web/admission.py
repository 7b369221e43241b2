"""What a client may ask for in a minute, and how much runs at once.

Knows clients by name, costs and places. Does not know operations, addresses or Redis.

A client is an address until its token has been checked, and then the account of the token, wherever it asks
from: a token that nobody has checked would be a fresh budget for whoever makes one up.
"""

from __future__ import annotations

from math import ceil
from typing import Final

from starlette.types import Scope

from contentql.errors import ApiError
from contentql.server.client_address import ClientAddressResolver, is_global_address
from contentql.web.concurrency import ConcurrencyLimiter
from contentql.web.rate_limit.window import RateLimit, RateLimitStore, RateLimitUsage

Headers = tuple[tuple[bytes, bytes], ...]


_NOBODY: Final = ""


class AdmissionControl:
    """A budget of cost for each client. Whatever is asked costs a point, and more if more is read.

    An operation runs while anything is left. So the last one of a window may use more than is left, an
    operation that costs more than the whole budget can still be asked, and a client that has used all is
    refused before anything is planned for it.
    """

    def __init__(
        self,
        rate_limit: RateLimit,
        store: RateLimitStore | None,
        addresses: ClientAddressResolver,
        gate: ConcurrencyLimiter,
        *,
        public_only: bool,
    ) -> None:
        """Without `rates` nothing is counted; with `public_only` nothing of one's own network.

        A front end, a proxy that nobody named, a load test: from one's own network one address often asks
        for many readers.
        """
        self._rate_limit = rate_limit
        self._store = store
        self._addresses = addresses
        self.gate = gate
        self._public_only = public_only
        self._policy = (
            b"ratelimit-policy",
            b'"cost";q=%d;w=%d' % (rate_limit.limit, rate_limit.window_seconds),
        )

    def admit_request(self, scope: Scope, account: str | None = None) -> Admission:
        return Admission(self, self.rate_limit_key(scope, account))

    def address(self, scope: Scope) -> str:
        """Where this request comes from, as far as those who are trusted say."""
        return self._addresses.resolve(scope)

    def rate_limit_key(self, scope: Scope, account: str | None = None) -> str:
        """Whom this request counts for: its address or, known by a good token, its account; empty if for
        nobody."""
        if self._store is None:
            return _NOBODY
        client = self._addresses.resolve(scope)
        if self._public_only and not is_global_address(client):
            return _NOBODY
        return client if account is None else f"account {account}"

    async def admit(self, client: str) -> None:
        """The first point of a request, before anything is done for it. Raises RATE_LIMITED."""
        if client and self._store is not None:
            used = self._store.peek(client)
            if used.points >= self._rate_limit.limit:
                raise self._refused(used)
            await self._store.hit(client, 1)

    async def charge(self, client: str, cost: int) -> None:
        """All further points of a request, before the database reads for it. Raises RATE_LIMITED."""
        if client and self._store is not None and cost > 1:
            used = await self._store.hit(client, cost - 1)
            # Its own first point is not what refuses it.
            if used.points - cost >= self._rate_limit.limit:
                raise self._refused(used)

    def headers(self, client: str) -> Headers:
        """What is left, as draft-ietf-httpapi-ratelimit-headers words it.

        Not for a shared cache: they are one client's.
        """
        if not client or self._store is None:
            return ()
        used = self._store.peek(client)
        left = max(0, self._rate_limit.limit - used.points)
        return self._policy, (b"ratelimit", b'"cost";r=%d;t=%d' % (left, ceil(used.seconds)))

    async def close(self) -> None:
        if self._store is not None:
            await self._store.close()

    def _refused(self, used: RateLimitUsage) -> ApiError:
        seconds = max(1, ceil(used.seconds))
        return ApiError(
            "RATE_LIMITED",
            f"Of {self._rate_limit.limit:,} points of cost in {self._rate_limit.window_seconds} seconds"
            " none is left.",
            f"Try again in {seconds} s. Ask for fewer rows, and by GET, so that caches can answer.",
            limit=self._rate_limit.limit,
            used=used.points,
            retryAfter=seconds,
        )


class Admission:
    """One request's way past the guards."""

    __slots__ = ("_admission", "_client", "_inside")

    def __init__(self, admission: AdmissionControl, client: str) -> None:
        self._admission = admission
        self._client = client
        self._inside = False

    @property
    def is_rate_limited(self) -> bool:
        """Whether anybody's budget is concerned."""
        return bool(self._client)

    async def admit(self) -> None:
        """Before anything is done for it. Raises RATE_LIMITED."""
        await self._admission.admit(self._client)

    async def charge(self, cost: int) -> None:
        """Before the database reads for it. Raises RATE_LIMITED, SERVICE_OVERLOADED.

        What costs a point comes from memory or is a row: it needs no place.
        """
        if cost > 1:
            await self._admission.charge(self._client, cost)
            if not self._inside:
                if not self._admission.gate.try_acquire():
                    await self._admission.gate.acquire()
                self._inside = True

    def release(self) -> None:
        """To be called once the answer is there, whatever happened; not when it has been read."""
        if self._inside:
            self._inside = False
            self._admission.gate.release()

    def headers(self) -> Headers:
        return self._admission.headers(self._client)
