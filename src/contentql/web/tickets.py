"""POST /graphql/ticket: a ticket, with which a page opens event streams by a browser's EventSource.

The response is `{"ticket": "cqlt_…", "expiresAt": "…"}`. Errors are those of /graphql.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import orjson
from starlette.types import Receive, Scope, Send

from contentql.content.timestamps import format_timestamp
from contentql.errors import ApiError
from contentql.execution.errors import error_response
from contentql.execution.request import GraphQLResponse
from contentql.telemetry.request_id import new_request_id
from contentql.telemetry.trace import RequestTrace
from contentql.web.endpoint import GraphQLEndpoint
from contentql.web.headers import HeaderBlock, encode_headers
from contentql.web.http_responses import PRIVATE
from contentql.web.operations import credentials_of, has_credentials
from contentql.web.request_headers import combine_headers

TICKET_PATH: Final = "/graphql/ticket"


class TicketEndpoint:
    """The ASGI endpoint of `TICKET_PATH`."""

    def __init__(self, graphql: GraphQLEndpoint) -> None:
        """`graphql`: the endpoint whose clients get tickets."""
        self._graphql = graphql

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        trace = self._graphql.observer.start(new_request_id(), headers)
        try:
            block, body = await self._handle(scope, headers, trace)
            pairs = [*block.headers, (b"x-request-id", trace.request_id.encode())]
            await send({"type": "http.response.start", "status": trace.status, "headers": pairs})
            await send({"type": "http.response.body", "body": body})
        finally:
            self._graphql.observer.finish(trace)

    async def _handle(
        self, scope: Scope, headers: Mapping[bytes, bytes], trace: RequestTrace
    ) -> tuple[HeaderBlock, bytes]:
        """Headers and body of the response; its status is set in `trace`."""
        if scope["method"] == "OPTIONS":
            trace.status = 204
            return encode_headers([*self._graphql.cors.preflight(headers), (b"content-length", b"0")]), b""
        admission = self._graphql.admission.admit_request(scope)
        try:
            headers = combine_headers(scope["headers"])
            self._graphql.hosts.check(headers)
            if scope["method"] != "POST":
                raise ApiError(
                    "METHOD_NOT_ALLOWED", f"{scope['method']} is not served here.", "Send a POST request."
                )
            response = await self._create(scope, headers, trace)
        except ApiError as error:
            response = error_response(error, trace.request_id)
        return await self._graphql.responses.uncached(
            response, headers, trace, admission, PRIVATE, legacy=True
        )

    async def _create(
        self, scope: Scope, headers: Mapping[bytes, bytes], trace: RequestTrace
    ) -> GraphQLResponse:
        operations = self._graphql.operations
        admission = self._graphql.admission.admit_request(scope)
        if not has_credentials(headers):
            raise ApiError(
                "UNAUTHENTICATED",
                "A ticket is for clients with a token.",
                "Send `Authorization: Bearer cql_…`, or open the stream without a ticket.",
            )
        client, admission = await operations.authenticate(scope, headers, trace, admission)
        await admission.admit()
        assert client.actor is not None
        ticket, expires_at = await operations.authenticator.create_ticket(
            client.actor.viewer, credentials_of(headers)
        )
        body = {"ticket": ticket, "expiresAt": format_timestamp(expires_at)}
        return GraphQLResponse(200, orjson.dumps(body))
