"""Operations of all transports: authentication, admission, the document, execution, subscriptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.types import Scope

from contentql.auth.authenticator import Authenticator, Credentials
from contentql.auth.viewer import ANONYMOUS, Actor
from contentql.errors import ApiError
from contentql.events.event import Event
from contentql.events.live_queries import Subscriber, Subscription
from contentql.execution.errors import error_response
from contentql.execution.executor import Executor
from contentql.execution.request import GraphQLRequest, GraphQLResponse
from contentql.execution.subscriptions import SubscriptionExecutor
from contentql.server.client_address import ClientAddressResolver
from contentql.server.request_url import request_base_url
from contentql.store.trusted_documents import TrustedDocumentStore
from contentql.telemetry.observer import RequestObserver
from contentql.telemetry.request_id import new_request_id
from contentql.telemetry.trace import RequestTrace, StreamTrace
from contentql.web import requests
from contentql.web.admission import Admission, AdmissionControl
from contentql.web.persisted_queries import PersistedQueries
from contentql.web.requests import GraphQLRequestData
from contentql.web.streams import OpenStreams

_DATA = (200, 294)


@dataclass(frozen=True, slots=True)
class Client:
    """The client of a request; `credentials` is None for anonymous ones."""

    address: str
    actor: Actor | None = None
    credentials: Credentials | None = None


@dataclass(frozen=True, slots=True)
class OpenSubscription:
    """A subscription of a client, and its first events."""

    subscription: Subscription
    events: Sequence[Event]
    trace: StreamTrace
    client: Client


def has_credentials(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a request has a token or a preview time; such a request never uses a shared cache."""
    return b"authorization" in headers or b"x-preview-at" in headers


def credentials_of(headers: Mapping[bytes, bytes]) -> Credentials:
    return Credentials(_header_text(headers, b"authorization"), _header_text(headers, b"x-preview-at"))


def _header_text(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    return headers[name].decode("latin-1") if name in headers else None


class Operations:
    """Executes the operations of one process."""

    def __init__(
        self,
        executor: Executor,
        *,
        authenticator: Authenticator,
        documents: TrustedDocumentStore,
        observer: RequestObserver,
        admission: AdmissionControl,
        addresses: ClientAddressResolver,
        streams: OpenStreams,
        only_trusted: bool,
    ) -> None:
        self.executor, self.authenticator = executor, authenticator
        self.subscriptions = SubscriptionExecutor(executor)
        self.streams = streams
        self.persisted = PersistedQueries(documents, only_trusted=only_trusted)
        self._observer, self._admission, self._addresses = observer, admission, addresses

    async def authenticate(
        self, scope: Scope, headers: Mapping[bytes, bytes], trace: RequestTrace, admission: Admission
    ) -> tuple[Client, Admission]:
        """The client of a request with credentials, and the admission under its account. A failed one is
        counted for the address. Raises ApiError."""
        address, credentials = self._admission.address(scope), credentials_of(headers)
        try:
            viewer = await self.authenticator.authenticate(
                credentials.authorization, credentials.preview_at, address
            )
        except ApiError:
            await admission.admit()
            raise
        client = Client(address, self._actor(viewer, scope, trace, address), credentials)
        return client, self._admission.admit_request(scope, viewer.account)

    async def authenticate_ticket(
        self, ticket: str, scope: Scope, trace: RequestTrace, admission: Admission
    ) -> tuple[Client, Admission]:
        """As `authenticate`, for the ticket of an event stream."""
        address = self._admission.address(scope)
        try:
            viewer, credentials = await self.authenticator.authenticate_ticket(ticket, address)
        except ApiError:
            await admission.admit()
            raise
        client = Client(address, self._actor(viewer, scope, trace, address), credentials)
        return client, self._admission.admit_request(scope, viewer.account)

    def _actor(self, viewer: Any, scope: Scope, trace: RequestTrace, address: str) -> Actor:
        program = f"{trace.client_name} {trace.client_version}".strip()
        return Actor(viewer, address, program or None, request_base_url(scope, self._addresses))

    async def prepare(
        self, data: GraphQLRequestData, *, read_only: bool = False, streamed: bool = False
    ) -> tuple[GraphQLRequest, str | None]:
        """The request with its document, and the id of a trusted document. Raises ApiError."""
        text, trusted = await self.persisted.resolve(data)
        request = GraphQLRequest(
            text, data.operation_name, data.variables, data.extensions, read_only, streamed
        )
        return request, trusted

    async def execute(
        self,
        data: GraphQLRequestData,
        request: GraphQLRequest,
        trusted: str | None,
        trace: RequestTrace,
        admission: Admission,
        actor: Actor | None,
    ) -> GraphQLResponse:
        response = await self.executor.execute(request, trace, admission.charge, actor or ANONYMOUS)
        valid = request.prepared is not None or response.status in _DATA
        self.persisted.remember(data, trusted, trace.cost, valid=valid)
        return response

    async def subscribe(
        self,
        subscriber: Subscriber,
        data: GraphQLRequestData,
        request: GraphQLRequest,
        trusted: str | None,
        trace: RequestTrace,
        admission: Admission,
        client: Client,
        last_event_id: str | None,
    ) -> GraphQLResponse | OpenSubscription:
        """Opens a subscription, which the caller must cancel and finish; an error response if that fails."""
        opened = await self.subscriptions.subscribe(
            request,
            subscriber,
            trace,
            admission.charge,
            client.actor or ANONYMOUS,
            owner=client.address,
            last_event_id=last_event_id,
        )
        if isinstance(opened, GraphQLResponse):
            return opened
        self.persisted.remember(data, trusted, trace.cost, valid=True)
        stream_trace = self.streams.start_subscription(trace)
        return OpenSubscription(opened.subscription, opened.events, stream_trace, client)

    # WebSocket

    async def execute_over_websocket(
        self, payload: Mapping[str, Any], scope: Scope, subscriber: Subscriber
    ) -> GraphQLResponse | OpenSubscription:
        """Executes an operation that arrived over a WebSocket. Raises nothing but CancelledError."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        trace, client = self._observer.start(new_request_id(), headers), None
        admission = self._admission.admit_request(scope)
        response: GraphQLResponse | OpenSubscription
        try:
            try:
                if has_credentials(headers):  # each time: a token may be revoked meanwhile
                    client, admission = await self.authenticate(scope, headers, trace, admission)
                await admission.admit()
                data = requests.validate_request_data(payload)
                request, trusted = await self.prepare(data, streamed=True)
                if self.subscriptions.is_subscription(request):
                    client = client or Client(self._admission.address(scope))
                    last_event_id = requests.last_event_id(data)
                    response = await self.subscribe(
                        subscriber, data, request, trusted, trace, admission, client, last_event_id
                    )
                else:
                    actor = client.actor if client else None
                    response = await self.execute(data, request, trusted, trace, admission, actor)
            except ApiError as error:
                response = error_response(error, trace.request_id)
            if isinstance(response, GraphQLResponse):
                trace.status, trace.codes = response.status, response.codes
                trace.response_bytes = len(response.body)
            else:
                trace.status = 200
            return response
        finally:
            admission.release()
            self._observer.finish(trace)

    async def authenticate_websocket(self, scope: Scope) -> None:
        """Authenticates the client that opens a WebSocket. Raises ApiError."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if has_credentials(headers):
            credentials = credentials_of(headers)
            await self.authenticator.authenticate(
                credentials.authorization, credentials.preview_at, self._admission.address(scope)
            )
