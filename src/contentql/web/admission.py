"""Admission control: rate limit by cost for each client, and the limit of concurrent operations.

A client is an address until its token is verified, and then the token's account at any address. A token that
is not verified must not give a new budget.
"""

from __future__ import annotations

from math import ceil
from typing import Final

from starlette.types import Scope

from contentql.errors import ApiError, LimitError
from contentql.execution.concurrency import ConcurrencyLimiter
from contentql.server.client_address import ClientAddressResolver
from contentql.web.rate_limit.window import RateLimit, RateLimitStore, RateLimitUsage

Headers = tuple[tuple[bytes, bytes], ...]


_NOT_COUNTED: Final = ""


class AdmissionControl:
    """A budget of cost for each client. Every request costs one point, and the cost of its operation.

    An operation runs while any points are left. So the last one of a window may exceed the budget, an
    operation that costs more than the whole budget can still run, and a client without points is refused
    before its operation is planned.
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
        """Without `store` nothing is counted; with `public_only` no address of a private network is.

        From a private network one address often sends the requests of many readers: a front end, or a proxy
        that is not configured as trusted. A client whose address is not certain is counted in any case.
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
        """The client's address of a request, as the trusted proxies report it."""
        return self._addresses.resolve(scope).name

    def rate_limit_key(self, scope: Scope, account: str | None = None) -> str:
        """The key that a request is counted under: its account, else its address; empty if it is not
        counted."""
        if self._store is None:
            return _NOT_COUNTED
        client = self._addresses.resolve(scope)
        if self._public_only and client.is_private:
            return _NOT_COUNTED
        return client.name if account is None else f"account {account}"

    async def admit(self, client: str) -> None:
        """Count the first point of a request, before any work. Raises ApiError RATE_LIMITED."""
        if client and self._store is not None:
            used = self._store.peek(client)
            if used.points >= self._rate_limit.limit:
                raise self._refused(used)
            await self._store.hit(client, 1)

    async def charge(self, client: str, cost: int) -> None:
        """Count the cost of an operation, before its SQL runs. Raises ApiError RATE_LIMITED."""
        if client and self._store is not None and cost > 1:
            used = await self._store.hit(client, cost - 1)
            # Its own first point is not what refuses it.
            if used.points - cost >= self._rate_limit.limit:
                raise self._refused(used)

    def headers(self, client: str) -> Headers:
        """The rate limit headers (draft-ietf-httpapi-ratelimit-headers).

        Not for responses in a shared cache: they are one client's.
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
        return LimitError(
            "RATE_LIMITED",
            f"Of {self._rate_limit.limit:,} points of cost in {self._rate_limit.window_seconds} seconds"
            " none is left.",
            f"Try again in {seconds} s. Ask for fewer rows, and by GET, so that caches can answer.",
            limit=self._rate_limit.limit,
            used=used.points,
            retryAfter=seconds,
        )


class Admission:
    """Admission of one request."""

    __slots__ = ("_admission", "_client", "_inside")

    def __init__(self, admission: AdmissionControl, client: str) -> None:
        self._admission = admission
        self._client = client
        self._inside = False

    @property
    def is_rate_limited(self) -> bool:
        """Whether the request is counted."""
        return bool(self._client)

    async def admit(self) -> None:
        """Count the first point, before any work. Raises ApiError RATE_LIMITED."""
        await self._admission.admit(self._client)

    async def charge(self, cost: int) -> None:
        """Count the cost and wait for a place, before any SQL runs. Raises RATE_LIMITED, SERVICE_OVERLOADED.

        An operation of one point is a cache hit or reads one row: it needs no place.
        """
        if cost > 1:
            await self._admission.charge(self._client, cost)
            if not self._inside:
                if not self._admission.gate.try_acquire():
                    await self._admission.gate.acquire()
                self._inside = True

    def release(self) -> None:
        """Release the place, in any case, once the response is complete; not when it has been sent."""
        if self._inside:
            self._inside = False
            self._admission.gate.release()

    def headers(self) -> Headers:
        return self._admission.headers(self._client)
