"""Executes GraphQL requests: parse, plan, read or compute the response.

`Executor.execute` reads in the order of the stages in Server-Timing. Documents are cached by text, plans by
the shape of their variables, responses by `cache/`.

Invariant: knows no transport. web/ brings requests and sends responses; tests call it directly.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from graphql import GraphQLResolveInfo, OperationType

from contentql.auth.viewer import ANONYMOUS, ANONYMOUS_VIEWER, Actor, Viewer
from contentql.cache.change_follower import ChangeFollower
from contentql.cache.entry import CachedResponse
from contentql.cache.response_cache import ResponseCache
from contentql.errors import ApiError
from contentql.execution import reference
from contentql.execution.article_changes import ChangesRequest, changes_request
from contentql.execution.article_count import ArticleCount
from contentql.execution.concurrency import ConcurrencyLimiter
from contentql.execution.documents import DocumentCache
from contentql.execution.due_changes import DueChanges
from contentql.execution.errors import GraphQLErrors, error_response, graphql_errors_response
from contentql.execution.json_ld import with_json_ld
from contentql.execution.live_entries import LiveEntriesRequest, live_entries_request
from contentql.execution.mutations import MutationExecutor, SignPreviewToken
from contentql.execution.planning import Planner, PreparedRequest, response_key, with_viewer_variables
from contentql.execution.request import ChargeCost, GraphQLRequest, GraphQLResponse
from contentql.execution.responses import NO_MARKERS, build_response, cache_entry, response_cost
from contentql.execution.warnings import section_warnings
from contentql.lru import SegmentedCache
from contentql.planner.catalog import Catalog
from contentql.planner.execute import PlanResult, SnapshotReader, execute_plan
from contentql.planner.limits import Limits
from contentql.planner.params import BoundParams, RootFieldError
from contentql.planner.plan import Plan
from contentql.planner.read_set import strip_markers
from contentql.planner.sql import dialect_for
from contentql.planner.variables import Variables
from contentql.public_addresses import Network
from contentql.store.database import Database
from contentql.telemetry.request_id import new_request_id
from contentql.telemetry.trace import RequestTrace
from contentql.url_patterns import Site

log = logging.getLogger("contentql")


# Operations whose scans cost more than this have few places, so that they cannot occupy all connections.
_SCAN_COST = 50
_MIN_PUBLISHING_SECONDS = 5.0  # limit of the publication of scheduled changes, also with a lower one of reads
_SCAN_TIME_SHARE = 0.5  # their share of the time limit of operations


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, slots=True)
class _Execution:
    """A query that is executed at a time."""

    request: GraphQLRequest
    ready: PreparedRequest
    plan: Plan
    now: dt.datetime
    trace: RequestTrace


class Executor:
    """Executes operations on one database."""

    def __init__(
        self,
        database: Database,
        catalog: Catalog,
        *,
        limits: Limits | None = None,
        seconds: float = 5.0,
        now: Callable[[], dt.datetime] = utc_now,
        memory_bytes: int = 33_554_432,
        responses: ResponseCache | None = None,
        follower: ChangeFollower | None = None,
        sign_preview_token: SignPreviewToken | None = None,
        preview_url: str = "",
        four_eyes: bool = False,
        site: Site | None = None,
        webhook_networks: Sequence[Network] = (),
    ) -> None:
        """`seconds`: time limit of an operation. `now`: read once per operation. `memory_bytes` bounds
        what is remembered of documents, plans and requests. `follower`: follows the changes for
        subscriptions, also without a response cache. `sign_preview_token` and `preview_url` are for
        preview links; to a path the URL of the request's host is added. `four_eyes`: whether the writers of
        an article may not approve it. `webhook_networks`: private networks that webhooks may be sent to."""
        self.database, self.catalog = database, catalog
        self.dialect = dialect_for(database)
        self.limits = limits or Limits()
        self.seconds, self.now, self.responses = seconds, now, responses
        self.follower = follower
        self.articles = ArticleCount(database, lambda: self.now())
        self._scan_places = ConcurrencyLimiter(
            max(1, database.readers // (2 if database.dialect == "sqlite" else 5)),
            what="operations that scan many rows",
        )
        self.memory = SegmentedCache(memory_bytes)
        self._documents = DocumentCache(catalog.schema, self.limits, self.memory)
        self._planner = Planner(
            catalog,
            self.dialect,
            self.limits,
            with_markers=responses is not None,
            memory=self.memory,
            articles=self.articles,
            site=site or Site(),
        )
        self.due_changes = DueChanges(
            database,
            lambda: self.now(),
            max(seconds, _MIN_PUBLISHING_SECONDS),
            responses.apply_pending_changes if responses else None,
        )
        self.mutations = MutationExecutor(
            database,
            catalog,
            self._planner,
            self.dialect,
            seconds,
            responses,
            sign_preview_token=sign_preview_token,
            preview_url=preview_url,
            four_eyes=four_eyes,
            site=site or Site(),
            webhook_networks=webhook_networks,
        )

    async def execute(
        self,
        request: GraphQLRequest,
        trace: RequestTrace | None = None,
        charge: ChargeCost | None = None,
        actor: Actor = ANONYMOUS,
    ) -> GraphQLResponse:
        """The response; errors are responses too, this never raises. Responses to viewers with access to
        more than the public are stored nowhere."""
        trace = trace or RequestTrace(new_request_id())
        try:
            return await self._execute(request, trace, charge, actor)
        except GraphQLErrors as exc:
            return graphql_errors_response(exc.errors, exc.code, trace.request_id)
        except ApiError as exc:
            return self.failure(request, exc, trace.request_id)
        except Exception:
            log.exception("request %s failed", trace.request_id, extra={"request_id": trace.request_id})
            error = ApiError("INTERNAL_SERVER_ERROR", "Something went wrong on our side.")
            return error_response(error, trace.request_id)

    def failure(self, request: GraphQLRequest, error: ApiError, request_id: str) -> GraphQLResponse:
        """The response of a request that failed, with the place in its document."""
        (locations,) = self._documents.locate(request, [error.path])
        return error_response(error, request_id, locations)

    def operation_type(self, request: GraphQLRequest) -> str:
        """query, mutation or subscription; empty for a request that `execute` refuses."""
        try:
            return self._documents.prepare(request)[1].operation_type
        except (ApiError, GraphQLErrors):
            return ""

    def subscription_query(self, request: GraphQLRequest) -> ChangesRequest | LiveEntriesRequest | None:
        """The query that a subscription is executed as; None if it is executed as it is."""
        document, prepared, variables = self._documents.prepare(request)
        operation = self._planner.operation(prepared, document, variables)
        return changes_request(operation, request) or live_entries_request(operation, request)

    def skip_listing(self, request: GraphQLRequest, token: str, actor: Actor) -> str:
        """The sync token of a client that has what was listed when the token of a listing began."""
        document, operation, variables = self._documents.prepare(request)
        viewer = _viewer_of(actor)
        ready, plan, _ = self._planner.prepare(document, operation, variables, viewer, self.now())
        (page,) = plan.sync_pages
        return page.skip_listing(token, ready.variables)

    async def prepare_subscription(
        self, request: GraphQLRequest, trace: RequestTrace, charge: ChargeCost | None, actor: Actor
    ) -> tuple[Hashable, bool]:
        """Plans a subscription and charges its cost. Returns its key, which is the same for all that have the
        same results, and whether it shows what is public. Raises ApiError."""
        trace.start_stage("plan")
        document, operation, variables = self._documents.prepare(request)
        viewer = _viewer_of(actor)
        ready, plan, is_new = self._planner.prepare(document, operation, variables, viewer, self.now())
        _describe(ready, trace)
        trace.operation_type, trace.cost = "subscription", plan.cost
        if charge:
            await charge(plan.cost + (document.planning_cost if is_new else 0))
        own = viewer.account if viewer.visibility.articles == "own" or plan.private else None
        shown = viewer.visibility, own, viewer.shared_article_id, viewer.preview_at
        with_cost = request.extensions.get("cost") is True
        key = response_key(document, operation, variables), with_cost, shown
        return key, viewer is ANONYMOUS_VIEWER and not with_cost

    async def _publish_due_changes(self, at: dt.datetime) -> None:
        """Publishes the scheduled changes that are due, before anything is read."""
        if not self.due_changes.is_current(at):
            await self.due_changes.publish()

    async def _execute(
        self, request: GraphQLRequest, trace: RequestTrace, charge: ChargeCost | None, actor: Actor
    ) -> GraphQLResponse:
        at = self.now()
        viewer = _viewer_of(actor)
        anonymous = viewer is ANONYMOUS_VIEWER
        ready: PreparedRequest | None = request.prepared if anonymous else None
        plan = self._planner.get_plan(ready) if ready else None
        if ready is None or plan is None:
            trace.start_stage("parse")
            document, operation, variables = self._documents.prepare(request)
            if operation.node.operation is OperationType.MUTATION:
                await self._publish_due_changes(at)
                now = at.replace(microsecond=0)
                locate = partial(self._documents.locate, request)
                return await self.mutations.execute(
                    document, operation, variables, actor, now, trace, charge, locate
                )
            trace.start_stage("plan")
            ready, plan, is_new = self._planner.prepare(document, operation, variables, viewer, at)
            if anonymous:
                request.prepared = ready
            if is_new and charge:
                await charge(document.planning_cost)
        if plan.statement is not None:
            await self._publish_due_changes(at)
        if plan.sync_pages:
            await self._planner.load_sync_key(self.database)
        _describe(ready, trace)
        # Viewers who see no more than the public have no preview time.
        preview_at = viewer.preview_at if viewer.visibility.at_preview_time else None
        now = (preview_at or at).replace(microsecond=0)
        with_cost = request.extensions.get("cost") is True
        cache = self.responses if anonymous else None
        execution = _Execution(request, ready, plan, now, trace)
        has_errors = plan.root_errors or plan.item_errors(ready.variables)
        if cache is None or has_errors or with_cost or plan.sync_pages:
            trace.cache = "off" if cache is None else "bypass"
            storable = anonymous and (request.queries_only or cache is not None)
            if charge:
                await charge(plan.cost)
            response = await self._compute(execution, storable=storable, with_cost=with_cost)
        else:
            # If pending changes and the passage of time left an entry valid, it is a hit like any other, so
            # that neither Server-Timing nor the rate limit shows that something hidden was written.
            cached = cache.get(ready.key, at) or await cache.get_current(ready.key, now)
            if cached is not None:
                self.record_cache_hit(request, cached, trace)
                return GraphQLResponse(200, cached.body, (), cached)
            trace.cache = "miss"
            trace.start_stage("cache")
            if charge:
                await charge(plan.cost)
            response = await self._compute_once(execution, cache)
        if charge and trace.cost > plan.cost:  # lists without a limit were larger than assumed
            with contextlib.suppress(ApiError):
                await charge(trace.cost - plan.cost)
        return response

    async def _compute_once(self, execution: _Execution, cache: ResponseCache) -> GraphQLResponse:
        """The response, computed once for all concurrent requests with the same key, and stored."""
        key, now = execution.ready.key, execution.now
        if not cache.can_store(now):
            return await self._compute(execution)
        since = cache.applied_batches

        async def compute() -> GraphQLResponse:
            shared = await cache.get_shared(key, since)
            if shared is not None:
                return GraphQLResponse(200, shared.body, (), shared)
            response = await self._compute(execution)
            if response.cached is not None:
                await cache.store(key, response.cached, since)
            return response

        return await cache.flights.run((key, since), compute)

    async def _compute(
        self, execution: _Execution, *, storable: bool = True, with_cost: bool = False
    ) -> GraphQLResponse:
        """Executes the plan. `storable`: a cache may store the response, so it gets a cache entry."""
        ready, trace = execution.ready, execution.trace
        trace.cost, trace.statements = execution.plan.cost, execution.plan.statements
        trace.start_stage("execute")
        viewer = ready.viewer
        if viewer.visibility.at_preview_time:
            read = partial(self._run, execution)
            plan, result = await self.due_changes.read_at(viewer, execution.now, read)
        else:
            plan, result = await self._run(execution, self.database)
        trace.start_stage("response")
        has_markers = self.responses is not None and ready.viewer is ANONYMOUS_VIEWER
        body, markers = strip_markers(result.data) if has_markers else (result.data, NO_MARKERS)
        trace.rows = markers.rows
        trace.cost = response_cost(body, plan.cost)
        body = with_json_ld(body, plan, self._planner.site)
        errors = [*plan.root_errors, *plan.item_errors(ready.variables)]
        warnings = section_warnings(plan, result.sections, ready.variables)
        extensions: dict[str, object] = {"warnings": warnings} if warnings else {}
        if with_cost:
            cost = {"requested": trace.cost, "limit": self.limits.cost, "statements": plan.statements}
            extensions["cost"] = cost
        locations = self._documents.locate(execution.request, [error.path for error in errors])
        response = build_response(body, errors, trace.request_id, locations, extensions)
        if errors or with_cost or not storable:
            return response
        reads = plan.read_set.with_all_sections() if warnings else plan.read_set
        entry = cache_entry(response.body, plan, reads, ready.variables, markers, trace.cost)
        return GraphQLResponse(200, response.body, (), entry)

    async def _run(self, execution: _Execution, database: SnapshotReader) -> tuple[Plan, PlanResult]:
        """The plan and its result. A root field whose parameters cannot be bound is null, with an error."""
        ready, plan, failed_roots = execution.ready, execution.plan, dict[int, ApiError]()
        while True:
            try:
                if ready.bound is None and plan.statement is not None and not failed_roots:
                    ready.bound = BoundParams(plan.statement.params, self.dialect, ready.variables)
                bound = None if failed_roots else ready.bound
                return plan, await self._read(plan, database, ready.variables, execution.now, bound)
            except RootFieldError as exc:
                failed_roots[exc.root] = exc.refusal
                document, operation, _ = self._documents.prepare(execution.request)
                plan = self._planner.replan(document, operation, ready, failed_roots)

    async def _read(
        self,
        plan: Plan,
        database: SnapshotReader,
        variables: Variables,
        now: dt.datetime,
        bound: BoundParams | None,
    ) -> PlanResult:
        if plan.scan_cost < _SCAN_COST:
            return await execute_plan(plan, self.dialect, database, variables, now, self.seconds, bound)
        async with self._scan_places.place():
            seconds = self.seconds * _SCAN_TIME_SHARE
            return await execute_plan(plan, self.dialect, database, variables, now, seconds, bound)

    # Cached responses

    def lookup_cached(self, request: GraphQLRequest) -> CachedResponse | None:
        """The cached response for a request executed before, or None if it is missing or stale. Does not
        count a hit."""
        ready, responses = request.prepared, self.responses
        if ready is None or responses is None or request.extensions.get("cost") is True:
            return None
        now = self.now()
        return responses.get(ready.key, now) if self.due_changes.is_current(now) else None

    def record_cache_hit(self, request: GraphQLRequest, entry: CachedResponse, trace: RequestTrace) -> None:
        """Records a cache hit in the request trace and the cache statistics."""
        if self.responses is not None:
            self.responses.counts.hits += 1
        if request.prepared is not None:
            _describe(request.prepared, trace)
        trace.cache, trace.cost, trace.rows = "hit", 1, entry.rows

    def get_cached(self, request: GraphQLRequest, trace: RequestTrace) -> CachedResponse | None:
        entry = self.lookup_cached(request)
        if entry is not None:
            self.record_cache_hit(request, entry, trace)
        return entry

    def cache_entry_resized(self, entry: CachedResponse) -> None:
        """Accounts for a compressed body that was added to an entry."""
        if self.responses:
            self.responses.memory.entry_resized(entry)

    # Tools

    def explain(self, request: GraphQLRequest, viewer: Viewer = ANONYMOUS_VIEWER) -> tuple[Plan, Variables]:
        """The plan of a request, without executing it; of a mutation only its cost. Raises ApiError."""
        try:
            document, prepared, variables = self._documents.prepare(request)
            if prepared.node.operation is OperationType.MUTATION:
                operation = self._planner.operation(prepared, document, variables)
                return Plan((), None, self._planner.mutation_cost(operation)), variables
            ready, plan, _ = self._planner.prepare(document, prepared, variables, viewer, self.now())
        except GraphQLErrors as exc:
            raise ApiError(exc.code, exc.errors[0].message) from None
        return plan, ready.variables

    async def resolve_root_field(
        self,
        info: GraphQLResolveInfo[Any],
        variables: Variables,
        now: dt.datetime,
        viewer: Viewer = ANONYMOUS_VIEWER,
    ) -> Any:
        """One root field for graphql-core; see `execution.reference`."""
        variables = with_viewer_variables(variables, viewer, self.now())
        await self._planner.load_sync_key(self.database)
        return await reference.resolve_root_field(
            self._planner, self.dialect, self.database, info, variables, now, self.seconds, viewer
        )


def _viewer_of(actor: Actor) -> Viewer:
    """The viewer, the same object for all who see no more than the public, so that they share plans."""
    return ANONYMOUS_VIEWER if actor.viewer.is_public else actor.viewer


def _describe(ready: PreparedRequest, trace: RequestTrace) -> None:
    trace.operation, trace.document = ready.operation_name, ready.document_hash
    trace.operation_type = ready.operation_type
