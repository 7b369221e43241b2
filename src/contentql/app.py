"""Composition root: builds every service and injects it; lifespan of the application."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import gc
import importlib
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from contentql.auth.authenticator import Authenticator
from contentql.auth.preview_tokens import sign_preview_token_in_transaction
from contentql.background import running_in_background
from contentql.cache.change_batches import ChangeBatchLoader
from contentql.cache.change_follower import ChangeFollower
from contentql.cache.entry import SharedBackend
from contentql.cache.memory import MemoryBackend
from contentql.cache.response_cache import ResponseCache
from contentql.cache.visibility_timer import VisibilityTimer
from contentql.errors import OperatorError
from contentql.events.cdn import load_cdns
from contentql.events.worker import WebhookWorker
from contentql.execution.concurrency import ConcurrencyLimiter
from contentql.execution.executor import Executor, utc_now
from contentql.execution.public_articles import read_public_article
from contentql.planner.limits import Limits
from contentql.schema.build import get_catalog
from contentql.server.client_address import ClientAddressResolver
from contentql.server.extensions import RAW_RESPONSE_EXTENSION
from contentql.server.shutdown import drain_on_sigterm
from contentql.settings import Settings, load_settings
from contentql.store.change_log import ChangeLog
from contentql.store.clock import DatabaseClock
from contentql.store.database import Database, require_no_unknown_migrations
from contentql.store.trusted_documents import TrustedDocumentStore
from contentql.telemetry.observer import RequestObserver
from contentql.web.admission import AdmissionControl
from contentql.web.demo_media import demo_media_routes
from contentql.web.endpoint import GraphQLEndpoint
from contentql.web.feeds import FeedEndpoint
from contentql.web.graphiql import graphiql_routes
from contentql.web.health import ANY_HOST_PATHS, Readiness, health_routes
from contentql.web.lingering import LingeringApp
from contentql.web.preview import PREVIEW_PATH, preview_routes
from contentql.web.rate_limit.memory import MemoryRateLimitStore
from contentql.web.rate_limit.window import RateLimit, RateLimitStore
from contentql.web.request_headers import CheckedApp
from contentql.web.sdl import sdl_routes
from contentql.web.tickets import TICKET_PATH, TicketEndpoint
from contentql.web.websocket import WebSocketEndpoint


def build_executor(
    settings: Settings, database: Database, now: Callable[[], dt.datetime] = utc_now
) -> Executor:
    """The executor for a database. `responses` must be opened before it caches anything, or `follower` before
    subscriptions see changes."""

    def current_time() -> dt.datetime:
        return executor.now()

    follower = ChangeFollower(
        ChangeLog(database), VisibilityTimer(database, current_time), ChangeBatchLoader(database)
    )
    responses = None
    if settings.response_cache_bytes:
        memory = MemoryBackend(settings.response_cache_bytes)
        responses = ResponseCache(memory, follower, _shared(settings))
    executor = Executor(
        database,
        get_catalog(),
        limits=Limits(
            tokens=settings.max_document_tokens,
            depth=settings.max_query_depth,
            aliases=settings.max_aliases,
            root_fields=settings.max_root_fields,
            cost=settings.max_query_cost,
        ),
        seconds=settings.operation_timeout_seconds,
        responses=responses,
        follower=follower,
        sign_preview_token=partial(sign_preview_token_in_transaction, database),
        preview_url=_preview_url(settings),
        four_eyes=settings.four_eyes,
        site=settings.site,
        webhook_networks=settings.webhook_network_list,
        now=now,
    )
    return executor


def build_webhook_worker(settings: Settings, executor: Executor) -> WebhookWorker:
    """The worker that sends webhooks and purges, while this process has its lock."""
    return WebhookWorker(
        executor.database,
        lambda: executor.now(),
        partial(read_public_article, executor),
        networks=settings.webhook_network_list,
        cdns=load_cdns(settings),
    )


def _preview_url(settings: Settings) -> str:
    """The template of preview links; a path if they begin with the host of the request."""
    template = settings.preview_url_template or PREVIEW_PATH
    return f"{settings.base_url or ''}{template}" if template.startswith("/") else template


def _shared(settings: Settings) -> SharedBackend | None:
    if not settings.redis_url:
        return None
    shared: SharedBackend = _import_extra("contentql.cache.redis").RedisBackend(settings.redis_url)
    return shared


def create_app(settings: Settings | None = None) -> ASGIApp:
    """Creates the ASGI application. At start-up the database must have no pending migrations."""
    settings = settings or load_settings()
    database = Database(settings.database_url, readers=settings.read_pool_size)
    clock = DatabaseClock(database)
    executor = build_executor(settings, database, clock.now)
    documents = TrustedDocumentStore(database)
    authenticator = Authenticator(database, settings, now=clock.now)
    webhooks = build_webhook_worker(settings, executor)
    observer = _build_observer(settings, executor, webhooks)
    readiness = Readiness(database)
    admission = build_admission_control(settings)
    graphql = GraphQLEndpoint(
        executor,
        settings,
        authenticator=authenticator,
        documents=documents,
        observer=observer,
        admission=admission,
    )

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        require_no_unknown_migrations(await database.migration_state())
        async with (
            database,
            clock.running(),
            observer,
            _following_changes(executor),
            executor.due_changes.running(),
            executor.articles.updating(),
            webhooks.running(),
            _usage_flush_lifespan(documents, authenticator),
        ):
            _tune_garbage_collector()
            with drain_on_sigterm(
                settings.drain_seconds, readiness.start_draining, graphql.streams.shut_down
            ):
                yield
            readiness.start_draining()
            await graphql.streams.close()
            await admission.close()

    routes: list[BaseRoute] = [Route("/", _redirect_to_graphiql if settings.graphiql else _not_found)]
    routes += health_routes(readiness, observer, settings)
    routes += sdl_routes(settings, graphql.cors)
    routes += preview_routes(executor, authenticator, admission, observer, demo=settings.demo)
    if settings.demo:
        routes += demo_media_routes()
    if settings.graphiql:
        routes += graphiql_routes()
    others = Starlette(routes=routes, lifespan=lifespan)
    if settings.feeds:
        others.router.default = feed_endpoint(graphql, settings)
    # A redirect would repeat a preview token, and name whichever host the client sent.
    others.router.redirect_slashes = False
    return _RootApp(
        graphql,
        _websocket_endpoint(graphql, settings),
        TicketEndpoint(graphql),
        CheckedApp(others, graphql.hosts, any_host=ANY_HOST_PATHS),
    )


def feed_endpoint(graphql: GraphQLEndpoint, settings: Settings) -> FeedEndpoint:
    """The endpoint of feeds and documents, with the services of that of GraphQL."""
    return FeedEndpoint(
        graphql.executor,
        settings,
        admission=graphql.admission,
        observer=graphql.observer,
        cors=graphql.cors,
        addresses=graphql.addresses,
    )


def _websocket_endpoint(graphql: GraphQLEndpoint, settings: Settings) -> WebSocketEndpoint:
    return WebSocketEndpoint(
        graphql.operations.execute_over_websocket,
        greet=graphql.operations.authenticate_websocket,
        origins=settings.cors_origin_list,
        hosts=graphql.hosts,
        addresses=graphql.addresses,
        streams=graphql.streams,
    )


def _build_observer(settings: Settings, executor: Executor, webhooks: WebhookWorker) -> RequestObserver:
    cache = executor.responses.counts if executor.responses else None
    due_changes = executor.due_changes.stats
    return RequestObserver(settings, cache=cache, due_changes=due_changes, webhooks=webhooks.stats)


def _tune_garbage_collector() -> None:
    # All objects made so far live as long as the process: the collector need not scan them again.
    gc.collect()
    gc.freeze()
    # A request makes some hundred objects without reference cycles, so collections can be rare.
    gc.set_threshold(20_000, 20, 50)


def build_admission_control(settings: Settings) -> AdmissionControl:
    """Admission control: a rate limit by cost, counted in this process or in Redis, and a limit of
    concurrency."""
    rate_limit = RateLimit(settings.rate_limit_cost_per_minute)
    rates: RateLimitStore | None = None
    if settings.rate_limit_cost_per_minute and settings.redis_url:
        rates = _import_extra("contentql.web.rate_limit.redis").RedisRateLimitStore(
            settings.redis_url, rate_limit
        )
    elif settings.rate_limit_cost_per_minute:
        rates = MemoryRateLimitStore(rate_limit)
    unset = "rate_limit_cost_per_minute" not in settings.model_fields_set
    concurrency = ConcurrencyLimiter(settings.max_concurrent_operations)
    return AdmissionControl(
        rate_limit,
        rates,
        ClientAddressResolver(settings.trusted_proxy_networks),
        concurrency,
        public_only=unset,
    )


def _import_extra(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise OperatorError("CONTENTQL_REDIS_URL needs the extra: pip install 'contentql[redis]'.") from None


@contextlib.asynccontextmanager
async def _following_changes(executor: Executor) -> AsyncIterator[None]:
    follower, opened = executor.follower, executor.responses or executor.follower
    assert follower is not None
    assert opened is not None
    await opened.open()
    try:
        async with follower.following_clock():
            yield
    finally:
        await opened.close()


@contextlib.asynccontextmanager
async def _usage_flush_lifespan(*services: TrustedDocumentStore | Authenticator) -> AsyncIterator[None]:
    """Saves the use of trusted documents and tokens every ten seconds, and at shutdown."""

    async def flush() -> None:
        for service in services:
            await service.flush_last_used()

    async def flush_periodically() -> None:
        while True:
            await asyncio.sleep(10)
            await flush()

    try:
        async with running_in_background(flush_periodically()):
            yield
    finally:
        await flush()


class _RootApp:
    """Dispatches /graphql to its endpoint without a router, whose layers would cost as much as a small
    response."""

    def __init__(
        self,
        graphql: GraphQLEndpoint,
        websockets: WebSocketEndpoint,
        tickets: TicketEndpoint,
        others: ASGIApp,
    ) -> None:
        self.graphql = graphql
        self.endpoints: dict[str, ASGIApp] = {"http": graphql, "websocket": websockets}
        self.tickets = tickets
        self.others = others

    def try_cached_response(self, scope: Scope, body: bytes) -> tuple[int, bytes, bytes] | None:
        """The cached response for a request, or None. Called by the HTTP protocol before the application."""
        return self.graphql.try_cached_response(scope, body) if scope["path"] == "/graphql" else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind != "lifespan" and scope["path"] in ("/graphql", "/graphql/"):
            app = self.endpoints[kind]
        elif kind == "http" and scope["path"] == TICKET_PATH:
            app = self.tickets
        else:
            app = self.others
        if kind == "http" and RAW_RESPONSE_EXTENSION not in scope.get("extensions", ()):
            app = LingeringApp(app)  # the server is not ours
        await app(scope, receive, send)


async def _redirect_to_graphiql(_: Request) -> Response:
    return RedirectResponse("graphiql")


async def _not_found(_: Request) -> Response:
    return Response(status_code=404)
