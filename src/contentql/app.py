"""The only place that builds rooms and connects them."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from contentql.answer import Answers
from contentql.cache.clock import Clock
from contentql.cache.entry import Backend
from contentql.cache.memory import Memory
from contentql.cache.neighbours import Neighbours
from contentql.cache.responses import Responses
from contentql.changes.journal import Journal
from contentql.errors import Unusable
from contentql.planner.limits import Limits
from contentql.schema.build import catalog
from contentql.settings import Settings, load
from contentql.store.database import Database, refuse_newer
from contentql.store.documents import Documents
from contentql.telemetry.watch import Watch
from contentql.web.graphiql import routes as graphiql_routes
from contentql.web.graphql import GraphQL
from contentql.web.health import Readiness
from contentql.web.health import routes as health_routes


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
    try:
        from contentql.cache.redis import Redis
    except ImportError:
        raise Unusable("CONTENTQL_REDIS_URL needs the extra: pip install 'contentql[redis]'.") from None
    return Redis(settings.redis_url)


def create_app(settings: Settings | None = None) -> ASGIApp:
    """The ASGI application. The database is opened when the server starts, and must be up to date by then."""
    settings = settings or load()
    database = Database(settings.database_url, readers=settings.readers)
    answers = answers_of(settings, database)
    documents = Documents(database)
    watch = Watch(settings, cache=answers.responses.counts if answers.responses else None)
    readiness = Readiness(database)
    graphql = GraphQL(answers, settings, documents=documents, watch=watch)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        refuse_newer(await database.state())
        async with database, watch, _followed(answers), _counted(documents):
            # What is here now stays for ever: the collector need not look at it again and again.
            gc.collect()
            gc.freeze()
            # A request makes some hundred objects and no rings of them: looking every 700 is looking in vain.
            gc.set_threshold(20_000, 20, 50)
            yield
            readiness.stopping = True

    routes: list[BaseRoute] = [Route("/", _home if settings.graphiql else _nothing)]
    routes += health_routes(readiness, watch, settings.metrics)
    if settings.graphiql:
        routes += graphiql_routes()
    return _Door(graphql, Starlette(routes=routes, lifespan=lifespan))


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
async def _counted(documents: Documents) -> AsyncIterator[None]:
    """What is used of trusted documents is written every ten seconds, and at the end."""

    async def now_and_then() -> None:
        while True:
            await asyncio.sleep(10)
            await documents.flush()

    writing = asyncio.create_task(now_and_then())
    try:
        yield
    finally:
        writing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await writing
        await documents.flush()


class _Door:
    """/graphql goes straight to its endpoint: a router's layers would cost as much as a small answer."""

    def __init__(self, graphql: GraphQL, others: ASGIApp) -> None:
        self.graphql = graphql
        self.others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/graphql":
            await self.graphql(scope, receive, send)
        else:
            await self.others(scope, receive, send)


async def _home(_: Request) -> Response:
    return RedirectResponse("graphiql")


async def _nothing(_: Request) -> Response:
    return Response(status_code=404)
