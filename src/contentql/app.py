"""The only place that builds rooms and connects them."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from contentql.auth.authenticator import Callers
from contentql.auth.preview_tokens import sign_within
from contentql.cache.change_batches import Neighbours
from contentql.cache.entry import Backend
from contentql.cache.memory import Memory
from contentql.cache.response_cache import Responses
from contentql.cache.visibility_timer import Clock
from contentql.errors import Unusable
from contentql.execution.executor import Answers
from contentql.planner.limits import Limits
from contentql.schema.build import catalog
from contentql.server.shutdown import leaving
from contentql.settings import Settings, load
from contentql.store.change_log import Journal
from contentql.store.clock import DatabaseClock
from contentql.store.database import Database, refuse_newer
from contentql.store.trusted_documents import Documents
from contentql.telemetry.observer import Watch
from contentql.web.admission import Gate, Guard
from contentql.web.client_address import Peers
from contentql.web.endpoint import GraphQL
from contentql.web.graphiql import routes as graphiql_routes
from contentql.web.health import Readiness
from contentql.web.health import routes as health_routes
from contentql.web.preview import OWN_PAGE
from contentql.web.preview import routes as preview_routes
from contentql.web.rate_limit.memory import Memory as RatesInMemory
from contentql.web.rate_limit.window import Budget, Rates
from contentql.web.websocket import Sockets


def answers_of(settings: Settings, database: Database) -> Answers:
    """Who answers from this database. What is remembered is followed once `responses` is opened."""
    limits = Limits(
        tokens=settings.max_tokens,
        depth=settings.max_depth,
        aliases=settings.max_aliases,
        root_fields=settings.max_root_fields,
        cost=settings.max_cost,
    )
    answers = Answers(
        database, catalog(), limits=limits, languages=settings.languages, seconds=settings.max_seconds
    )
    answers.changing.sign = partial(sign_within, database)
    answers.changing.preview_url = settings.preview_url or OWN_PAGE
    if settings.cache_bytes:
        clock = Clock(database, lambda: answers.now())
        memory = Memory(settings.cache_bytes)
        answers.responses = Responses(
            memory, Journal(database), clock, Neighbours(database), _shared(settings)
        )
    return answers


def _shared(settings: Settings) -> Backend | None:
    if not settings.redis_url:
        return None
    shared: Backend = _extra("contentql.cache.redis").Redis(settings.redis_url)
    return shared


def create_app(settings: Settings | None = None) -> ASGIApp:
    """The ASGI application. The database is opened when the server starts, and must be up to date by then."""
    settings = settings or load()
    database = Database(settings.database_url, readers=settings.readers)
    answers = answers_of(settings, database)
    documents = Documents(database)
    time = DatabaseClock(database)
    answers.now = time.now
    callers = Callers(database, settings, now=time.now)
    watch = Watch(settings, cache=answers.responses.counts if answers.responses else None)
    readiness = Readiness(database)
    guard = guard_of(settings)
    graphql = GraphQL(answers, settings, callers=callers, documents=documents, watch=watch, guard=guard)
    sockets = Sockets(
        graphql.over_socket,
        greet=graphql.greet,
        origins=settings.origins,
        peers=Peers(settings.proxies),
        max_sockets=settings.max_sockets,
    )

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        refuse_newer(await database.state())
        async with database, time.followed(), watch, _followed(answers), _counted(documents, callers):
            # What is here now stays for ever: the collector need not look at it again and again.
            gc.collect()
            gc.freeze()
            # A request makes some hundred objects and no rings of them: looking every 700 is looking in vain.
            gc.set_threshold(20_000, 20, 50)
            with leaving(settings.drain_seconds, readiness.stop):
                yield
            readiness.stop()
            await guard.close()

    routes: list[BaseRoute] = [Route("/", _home if settings.graphiql else _nothing)]
    routes += health_routes(readiness, watch, settings.metrics)
    routes += preview_routes(answers, callers, guard, watch)
    if settings.graphiql:
        routes += graphiql_routes()
    return _Door(graphql, sockets, Starlette(routes=routes, lifespan=lifespan))


def guard_of(settings: Settings) -> Guard:
    """Counts by cost and address in this process or, with Redis, in all; lets so many run at once."""
    budget = Budget(settings.rate_cost)
    rates: Rates | None = None
    if settings.rate_cost and settings.redis_url:
        rates = _extra("contentql.web.rate_limit.redis").Redis(settings.redis_url, budget)
    elif settings.rate_cost:
        rates = RatesInMemory(budget)
    unset = "rate_cost" not in settings.model_fields_set
    gate = Gate(settings.max_concurrent)
    return Guard(budget, rates, Peers(settings.proxies), gate, public_only=unset)


def _extra(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise Unusable("CONTENTQL_REDIS_URL needs the extra: pip install 'contentql[redis]'.") from None


@contextlib.asynccontextmanager
async def _followed(answers: Answers) -> AsyncIterator[None]:
    if answers.responses is None:
        yield
        return
    await answers.responses.open()
    try:
        yield
    finally:
        await answers.responses.close()


@contextlib.asynccontextmanager
async def _counted(*used: Documents | Callers) -> AsyncIterator[None]:
    """What is used of trusted documents and tokens is written every ten seconds, and at the end."""

    async def flush() -> None:
        for one in used:
            await one.flush()

    async def now_and_then() -> None:
        while True:
            await asyncio.sleep(10)
            await flush()

    writing = asyncio.create_task(now_and_then())
    try:
        yield
    finally:
        writing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await writing
        await flush()


class _Door:
    """/graphql goes straight to its endpoint: a router's layers would cost as much as a small answer."""

    def __init__(self, graphql: GraphQL, sockets: Sockets, others: ASGIApp) -> None:
        self.graphql = graphql
        self.doors: dict[str, ASGIApp] = {"http": graphql, "websocket": sockets}
        self.others = others

    def at_once(self, scope: Scope, sent: bytes) -> tuple[int, bytes, bytes] | None:
        """For `web/protocol.py`: an answer that is there already."""
        return self.graphql.at_once(scope, sent) if scope["path"] == "/graphql" else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan" and scope["path"] in ("/graphql", "/graphql/"):
            await self.doors[scope["type"]](scope, receive, send)
        else:
            await self.others(scope, receive, send)


async def _home(_: Request) -> Response:
    return RedirectResponse("graphiql")


async def _nothing(_: Request) -> Response:
    return Response(status_code=404)
