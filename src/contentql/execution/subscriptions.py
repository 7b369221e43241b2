"""Subscriptions: each is a live query, which all clients with equal visibility, document and variables share.

Public ones depend on what their response shows, as a cached response does, and are executed through the
response cache. Others, and all without a response cache, are executed after every change, at most once a
second.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from contentql.auth.viewer import Actor
from contentql.cache.dependencies import ChangeBatch, Dependencies, is_invalidated_by
from contentql.cache.entry import content_hash
from contentql.errors import ApiError
from contentql.events.event import Event, make_event
from contentql.events.live_queries import (
    LiveQueries,
    LiveResult,
    RunFailed,
    Subscriber,
    Subscription,
)
from contentql.execution.executor import Executor
from contentql.execution.request import ChargeCost, GraphQLRequest, GraphQLResponse
from contentql.telemetry.trace import RequestTrace

_PUBLIC_INTERVAL: Final = 0.1  # least time between two executions, in seconds
_INTERVAL: Final = 1.0  # of those that are executed after every change
MAX_EVENT_ID: Final = 2_048  # characters


@dataclass(frozen=True, slots=True)
class Subscribed:
    """An open subscription; `event` is None if the client has the present result already."""

    subscription: Subscription
    event: Event | None


class SubscriptionExecutor:
    """Executes the subscriptions of one process. `live` must be told of the changes."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self.live = LiveQueries(self._is_current)
        if executor.follower is not None:
            executor.follower.listeners.append(self.live.on_change)

    def is_subscription(self, request: GraphQLRequest) -> bool:
        """False also for documents that are not valid, whose errors `Executor.execute` returns."""
        return self._executor.operation_type(request) == "subscription"

    async def subscribe(
        self,
        request: GraphQLRequest,
        subscriber: Subscriber,
        trace: RequestTrace,
        charge: ChargeCost,
        actor: Actor,
        *,
        owner: str,
        last_event_id: str | None,
    ) -> Subscribed | GraphQLResponse:
        """Opens a subscription; an error response if that fails. Raises nothing but CancelledError.

        `owner`: the address that a new live query is counted for.
        """
        try:
            key, is_public = await self._executor.prepare_subscription(request, trace, charge, actor)
            by_dependencies = is_public and self._executor.responses is not None
            subscription, event = await self.live.subscribe(
                key,
                partial(self._run, request, trace.request_id, actor, by_dependencies),
                subscriber,
                owner=owner,
                interval=_PUBLIC_INTERVAL if by_dependencies else _INTERVAL,
                last_event_id=None if last_event_id is None else last_event_id[:MAX_EVENT_ID],
            )
        except RunFailed as failure:
            response: GraphQLResponse = failure.response
            return response
        except ApiError as exc:
            return self._executor.failure(request, exc, trace.request_id)
        return Subscribed(subscription, event)

    def _is_current(self) -> bool:
        follower = self._executor.follower
        return follower is not None and follower.is_current(self._executor.now())

    async def _run(
        self, request: GraphQLRequest, request_id: str, actor: Actor, by_dependencies: bool
    ) -> LiveResult:
        response = await self._executor.execute(request, RequestTrace(request_id), actor=actor)
        if not response.body.startswith(b'{"data":'):
            raise RunFailed(response)
        dependencies = response.cached.dependencies if by_dependencies and response.cached else None
        return LiveResult(
            make_event(content_hash(response.body), response.body),
            partial(_is_affected, dependencies) if dependencies is not None else _is_always_affected,
        )


def _is_affected(dependencies: Dependencies, change: ChangeBatch) -> bool:
    return is_invalidated_by(dependencies, change)


def _is_always_affected(_: Any) -> bool:
    return True
