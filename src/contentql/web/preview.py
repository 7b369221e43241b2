"""/preview/{token}: an article as plain HTML, for people with a preview link and no token.

One GraphQL operation with the link's permissions. The page has no script, is not cached, and sends no Referer
to the hosts of its images.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from contentql.auth import preview_tokens
from contentql.auth.authenticator import Authenticator
from contentql.auth.viewer import Actor
from contentql.content import ids
from contentql.errors import ERROR_CODES, ApiError
from contentql.execution.executor import Executor
from contentql.execution.request import GraphQLRequest
from contentql.telemetry.observer import RequestObserver
from contentql.telemetry.request_id import new_request_id
from contentql.telemetry.trace import RequestTrace
from contentql.web.admission import AdmissionControl
from contentql.web.preview_page import PREVIEW_HEADERS, PictureSources, render_article, render_error
from contentql.web.request_headers import combine_headers

PREVIEW_PATH: Final = "/preview/{token}"

PREVIEW_QUERY: Final = """
query Preview($id: ID!) {
  article(id: $id) {
    kicker headline lede byline language status publishedAt updatedAt version unpublishedChanges
    category { name parent { name parent { name parent { name parent { name } } } } }
    tags(first: 100) { name }
    leadMedia { ...File caption credit }
    body {
      html
      text
      blocks {
        ... on ImageBlock { media { ...File } }
        ... on GalleryBlock { items: media { ...File } }
        ... on VideoBlock { media { ...File } }
        ... on AudioBlock { media { ...File } }
      }
    }
    attributions { claim quote chain { kind source { name describedAs } } }
    corrections { kind correctedAt text }
  }
}
fragment File on Media { id kind url alt width height }
"""


def preview_routes(
    executor: Executor,
    authenticator: Authenticator,
    admission: AdmissionControl,
    observer: RequestObserver,
    *,
    demo: bool = False,
) -> list[BaseRoute]:
    """The routes of the page, with and without a slash at the end. `demo`: this server has the pictures of
    the demo newsroom."""
    page = _Preview(executor, authenticator, admission, observer, demo=demo)
    return [Route(PREVIEW_PATH, page.get), Route(f"{PREVIEW_PATH}/", page.get)]


class _Preview:
    def __init__(
        self,
        executor: Executor,
        authenticator: Authenticator,
        admission: AdmissionControl,
        observer: RequestObserver,
        *,
        demo: bool,
    ) -> None:
        self._executor = executor
        self._authenticator = authenticator
        self._admission = admission
        self._observer = observer
        self._demo = demo

    async def get(self, request: Request) -> Response:
        journey = self._observer.start(new_request_id(), combine_headers(request.scope["headers"]))
        try:
            token: str = request.path_params["token"]
            try:
                article = await self._article(token, request, journey)
                expiry = preview_tokens.preview_token_expiry(token)
                journey.status, page = 200, render_article(article, expiry, self._pictures(request))
            except ApiError as refusal:
                journey.codes = (refusal.code,)
                journey.status, page = render_error(refusal)
            body = page.encode()
            journey.response_bytes = len(body)
            return Response(body, journey.status, {**PREVIEW_HEADERS, "x-request-id": journey.request_id})
        finally:
            self._observer.finish(journey)

    def _pictures(self, request: Request) -> PictureSources:
        to_root = "../.." if request.url.path.endswith("/") else ".."
        return PictureSources(request.headers.get("host", ""), to_root if self._demo else None)

    async def _article(self, token: str, request: Request, trace: RequestTrace) -> Mapping[str, Any]:
        """The article of the link. Raises ApiError."""
        visit = self._admission.admit_request(request.scope)
        try:
            await visit.admit()
            # No other token belongs into an address.
            if not token.startswith(preview_tokens.PREVIEW_TOKEN_PREFIX) or not token.isascii():
                raise _nothing()
            address = self._admission.address(request.scope)
            viewer = await self._authenticator.authenticate(f"Bearer {token}", None, address)
            if viewer.shared_article_id is None:
                raise _nothing()
            graphql_request = GraphQLRequest(
                PREVIEW_QUERY, None, {"id": ids.encode_id("article", viewer.shared_article_id)}
            )
            response = await self._executor.execute(
                graphql_request, trace, visit.charge, Actor(viewer, address)
            )
        finally:
            visit.release()
        if response.codes:
            raise ApiError(response.codes[0], ERROR_CODES[response.codes[0]][1])
        article: Mapping[str, Any] | None = orjson.loads(response.body)["data"]["article"]
        if article is None:
            raise _nothing()
        return article


def _nothing() -> ApiError:
    return ApiError("UNAUTHENTICATED", "No preview link of ours.")
