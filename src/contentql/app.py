"""The only place that builds rooms and connects them."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from contentql.answer import Answers
from contentql.planner.limits import Limits
from contentql.schema.build import catalog
from contentql.settings import Settings, load
from contentql.store.database import Database, refuse_newer
from contentql.web.graphiql import routes as graphiql_routes
from contentql.web.graphql import GraphQL


def answers_of(settings: Settings, database: Database) -> Answers:
    limits = Limits(
        tokens=settings.max_tokens,
        depth=settings.max_depth,
        aliases=settings.max_aliases,
        root_fields=settings.max_root_fields,
        cost=settings.max_cost,
    )
    return Answers(
        database, catalog(), limits=limits, languages=settings.languages, seconds=settings.max_seconds
    )


def create_app(settings: Settings | None = None) -> ASGIApp:
    """The ASGI application. The database is opened when the server starts, and must be up to date by then."""
    settings = settings or load()
    database = Database(settings.database_url, readers=settings.readers)
    graphql = GraphQL(answers_of(settings, database), max_body=settings.max_body_bytes)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        refuse_newer(await database.state())
        async with database:
            # What is here now stays for ever: the collector need not look at it again and again.
            gc.collect()
            gc.freeze()
            # A request makes some hundred objects and no rings of them: looking every 700 is looking in vain.
            gc.set_threshold(20_000, 20, 50)
            yield

    routes: list[BaseRoute] = [Route("/", _home if settings.graphiql else _nothing)]
    if settings.graphiql:
        routes += graphiql_routes()
    return _Door(graphql, Starlette(routes=routes, lifespan=lifespan))


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
