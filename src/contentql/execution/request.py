"""Requests to and responses of the executor."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from contentql.cache.entry import CachedResponse
from contentql.execution.documents import PreparedRequest


@dataclass(eq=False)
class GraphQLRequest:
    """A GraphQL request as its transport understood it; the same one may be asked again and again."""

    query: str
    operation_name: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    extensions: Mapping[str, Any] = field(default_factory=dict)
    queries_only: bool = False  # asked by GET: only a query may be
    prepared: PreparedRequest | None = field(default=None, repr=False)


class GraphQLResponse(NamedTuple):
    """`status` is HTTP's for application/graphql-response+json; `body` is the whole JSON answer.

    `entry` tells what may be told to caches; an answer without one is not for them. `retry_after` in seconds
    where the same may be asked again later.
    """

    status: int
    body: bytes
    codes: tuple[str, ...] = ()
    cached: CachedResponse | None = None
    retry_after: int = 0


# Told what an operation costs before it runs; raises Refused for whoever has nothing left to pay with.
ChargeCost = Callable[[int], Awaitable[None]]
