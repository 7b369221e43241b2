"""Subscriptions: each is a live query, which all clients with equal visibility, document and variables share.

Public lists depend on what their response shows, as a cached response does, and are executed through the
response cache. Others, and all without a response cache, are executed after every change, at most once a
second.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import orjson

from contentql.auth.viewer import Actor
from contentql.cache.dependencies import is_invalidated_by
from contentql.cache.entry import content_hash
from contentql.errors import ERROR_CODES, ApiError
from contentql.events.event import Event, make_event
from contentql.events.live_queries import (
    LiveQueries,
    LiveResult,
    RunFailed,
    Subscriber,
    Subscription,
)
from contentql.execution.article_changes import (
    MAX_CATCH_UP_PAGES,
    ChangesPage,
    ChangesRequest,
    page_events,
    read_page,
    resync_event,
)
from contentql.execution.executor import Executor
from contentql.execution.live_entries import LiveEntriesRequest
from contentql.execution.request import ChargeCost, GraphQLRequest, GraphQLResponse
from contentql.telemetry.trace import RequestTrace

_SHORT_INTERVAL: Final = 0.1  # least time between two executions, in seconds
_INTERVAL: Final = 1.0  # of lists that are executed after every change


@dataclass(frozen=True, slots=True)
class Subscribed:
    """An open subscription with its first events."""

    subscription: Subscription
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class _Client:
    """Who opens a subscription: `owner` is the address that a new live query is counted for."""

    subscriber: Subscriber
    trace: RequestTrace
    charge: ChargeCost
    actor: Actor
    owner: str
    last_event_id: str | None


class SubscriptionExecutor:
    """Executes the subscriptions of one process."""

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
        client = _Client(subscriber, trace, charge, actor, owner, last_event_id)
        try:
            query = self._executor.subscription_query(request)
            if query is None:
                return await self._subscribe_to_list(request, client, None)
            try:
                if isinstance(query, ChangesRequest):
                    return await self._subscribe_to_changes(query, client)
                return await self._subscribe_to_list(query.request, client, query)
            except ApiError as exc:
                exc.path = query.path(exc.path)
                raise
        except RunFailed as failure:
            response: GraphQLResponse = failure.response
            return response
        except ApiError as exc:
            return self._executor.failure(request, exc, trace.request_id)

    def _is_current(self) -> bool:
        follower = self._executor.follower
        return follower is not None and follower.is_current(self._executor.now())

    # Lists

    async def _subscribe_to_list(
        self, request: GraphQLRequest, client: _Client, query: LiveEntriesRequest | None
    ) -> Subscribed:
        key, is_public = await self._executor.prepare_subscription(
            request, client.trace, client.charge, client.actor
        )
        by_dependencies = is_public and self._executor.responses is not None
        subscription, result = await self.live.subscribe(
            (key, query.key) if query else key,
            partial(self._run_list, request, client.trace.request_id, client.actor, by_dependencies, query),
            client.subscriber,
            owner=client.owner,
            cost=client.trace.cost,
            interval=_SHORT_INTERVAL if by_dependencies else _INTERVAL,
        )
        event = result.present
        assert event is not None
        if client.last_event_id is None:
            return Subscribed(subscription, (event,))
        is_known = client.last_event_id == event.id
        return Subscribed(subscription, () if is_known else (event.resynchronizing(),))

    async def _run_list(
        self,
        request: GraphQLRequest,
        request_id: str,
        actor: Actor,
        by_dependencies: bool,
        query: LiveEntriesRequest | None,
    ) -> LiveResult:
        response = await self._executor.execute(request, RequestTrace(request_id), actor=actor)
        if query is not None and response.codes:
            raise RunFailed(_with_paths(response, query))
        if not response.body.startswith(b'{"data":'):
            raise RunFailed(response)
        dependencies = response.cached.dependencies if by_dependencies and response.cached else None
        body = query.result(response) if query else response.body
        event = make_event(content_hash(body), body)
        is_affected = _always if dependencies is None else partial(is_invalidated_by, dependencies)
        return LiveResult(event.id, (event,), is_affected, event)

    # Changes of articles

    async def _subscribe_to_changes(self, changes: ChangesRequest, client: _Client) -> Subscribed:
        key: Hashable
        key, _ = await self._executor.prepare_subscription(
            changes.at(None), client.trace, client.charge, client.actor
        )
        reader = _ChangesReader(self._executor, changes, client.trace.request_id, client.actor)
        # Changes that come while earlier ones are read wait until those are sent.
        buffer = _Buffer(client.subscriber)
        subscription, result = await self.live.subscribe(
            (key, changes.key),
            reader.run,
            buffer,
            owner=client.owner,
            cost=client.trace.cost,
            interval=_SHORT_INTERVAL,
        )
        try:
            events = await self._catch_up(reader, client.last_event_id, result.state)
        except BaseException:
            subscription.cancel()
            raise
        return Subscribed(subscription, (*events, *buffer.release()))

    async def _catch_up(
        self, reader: _ChangesReader, last_event_id: str | None, present: str
    ) -> tuple[Event, ...]:
        """The events since the last one that the client has, or since the token that it names. `present`: the
        token that the live query has reached."""
        token = last_event_id or reader.changes.since
        if token is None or token == present:
            return ()
        events: list[Event] = []
        for _ in range(MAX_CATCH_UP_PAGES):
            try:
                page = await reader.read(token)
            except RunFailed as failure:
                if last_event_id is None or "INVALID_SYNC_TOKEN" not in failure.response.codes:
                    raise
                break
            if page.is_unknown:
                break
            events += page_events(reader.changes.key, token, page)
            token = page.next_token
            if not page.has_more:
                return tuple(events)
        return (resync_event(reader.changes.key, present),)


class _ChangesReader:
    """Reads the pages of changes of one live query, or of one client."""

    def __init__(self, executor: Executor, changes: ChangesRequest, request_id: str, actor: Actor) -> None:
        self.changes = changes
        self._executor, self._request_id, self._actor = executor, request_id, actor
        self._token: str | None = None

    async def read(self, token: str | None) -> ChangesPage:
        """The page after a token. Raises RunFailed."""
        trace = RequestTrace(self._request_id)
        response = await self._executor.execute(self.changes.at(token), trace, actor=self._actor)
        page = read_page(response)
        if page is None:
            raise RunFailed(_with_paths(response, self.changes))
        return page

    async def run(self) -> LiveResult:
        """The changes since the last run; the first one only finds the present token."""
        if self._token is None:
            self._token = await self._present_token()
            return LiveResult(self._token, (), _always)
        page = await self.read(self._token)
        if page.is_unknown:  # the database was replaced
            self._token = await self._present_token()
            return LiveResult(self._token, (resync_event(self.changes.key, self._token),), _always)
        events = tuple(page_events(self.changes.key, self._token, page))
        self._token = page.next_token
        return LiveResult(self._token, events, _always, has_more=page.has_more)

    async def _present_token(self) -> str:
        page = await self.read(None)
        return self._executor.skip_listing(self.changes.at(None), page.next_token, self._actor)


class _Buffer:
    """Keeps the events of a subscriber until they are released."""

    def __init__(self, subscriber: Subscriber) -> None:
        self._subscriber = subscriber
        self._events: list[Event] | None = []

    def receive(self, event: Event) -> None:
        if self._events is None:
            self._subscriber.receive(event)
        else:
            self._events.append(event)

    def release(self) -> tuple[Event, ...]:
        """The events so far; later ones go to the subscriber."""
        events, self._events = self._events or [], None
        return tuple(events)


def _with_paths(response: GraphQLResponse, query: ChangesRequest | LiveEntriesRequest) -> GraphQLResponse:
    """The errors of the response of a query as those of its subscription."""
    errors = orjson.loads(response.body)["errors"]
    for error in errors:
        error.pop("locations", None)  # in the document of the query
        if "path" in error:
            error["path"] = query.path(error["path"])
    status = ERROR_CODES[response.codes[0]][0]
    return response._replace(status=status, body=orjson.dumps({"errors": errors}))


def _always(_: Any) -> bool:
    return True
