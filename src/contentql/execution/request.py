"""Requests to and responses of the executor."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from contentql.cache.entry import CachedResponse

# Charges the cost of an operation before it runs; raises RATE_LIMITED if the client has none left.
ChargeCost = Callable[[int], Awaitable[None]]


@dataclass(eq=False)
class GraphQLRequest:
    """A GraphQL request, independent of its transport. Transports may execute the same object repeatedly."""

    query: str
    operation_name: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    extensions: Mapping[str, Any] = field(default_factory=dict)
    queries_only: bool = False  # sent by GET, which may carry no mutation
    streamed: bool = False  # the transport can send several results: subscriptions may be executed
    prepared: Any = field(default=None, repr=False)  # planning.PreparedRequest, set by the executor


class GraphQLResponse(NamedTuple):
    """`status` is the HTTP status for application/graphql-response+json, `body` the JSON.

    `cached` describes the response for caches; None if it must not be stored. `retry_after` in seconds, for
    requests that may succeed later.
    """

    status: int
    body: bytes
    codes: tuple[str, ...] = ()
    cached: CachedResponse | None = None
    retry_after: int = 0
