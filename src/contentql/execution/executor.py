"""The journey of one operation: parse, limit, remember, plan, run, reply.

Text and values in, status and bytes out. Knows no transport: web/ brings requests here, tests come
directly. Documents and plans are remembered by text, within bounds; whole answers by `cache/`.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLResolveInfo,
    GraphQLSyntaxError,
    NameNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    execute_sync,
    parse,
    specified_rules,
    validate,
)
from graphql.validation import MaxIntrospectionDepthRule
from graphql.validation.rules import overlapping_fields_can_be_merged as overlapping

from contentql.auth.viewer import ANONYMOUS, ANONYMOUS_VIEWER, Actor, Viewer
from contentql.cache.dependencies import Dependencies, bind_dependencies
from contentql.cache.entry import CachedResponse, content_hash
from contentql.cache.response_cache import ResponseCache
from contentql.content import ids
from contentql.errors import ApiError
from contentql.execution.documents import ParsedDocument, PreparedOperation, PreparedRequest
from contentql.execution.errors import (
    MAX_ERRORS,
    GraphQLErrors,
    error_response,
    format_error,
    graphql_error,
    graphql_errors_response,
)
from contentql.execution.mutations import MutationExecutor, authorize
from contentql.execution.payloads import collect_mutation_fields
from contentql.execution.request import ChargeCost, GraphQLRequest, GraphQLResponse
from contentql.lru import LRUCache
from contentql.planner.builder import build_plan
from contentql.planner.builder.context import (
    REQUEST_TIME_VARIABLE,
    SHARED_ARTICLE_VARIABLE,
    VIEWER_ACCOUNT_VARIABLE,
)
from contentql.planner.catalog import Catalog
from contentql.planner.constraints import ValueConstraint
from contentql.planner.cost import check_cost_limit, operation_cost
from contentql.planner.execute import SnapshotReader, execute_plan
from contentql.planner.limits import Limits, check_document_limits
from contentql.planner.operation import Operation, resolve_value
from contentql.planner.params import BoundParams, RootFieldError
from contentql.planner.plan import Plan
from contentql.planner.read_set import RowMarkers, strip_markers
from contentql.planner.sql import dialect_for
from contentql.planner.variables import (
    Variables,
    coerce_variables,
    variable_definitions,
)
from contentql.store.database import Database
from contentql.telemetry.request_id import new_request_id
from contentql.telemetry.trace import RequestTrace

log = logging.getLogger("contentql")


MUTATION_FIELD_COST = 10  # of each field of a mutation, besides what it shows


_RULES = (*specified_rules, MaxIntrospectionDepthRule)


# graphql-core compares fields of one name pair by pair; its own budget would hold a server for 0.7 s.
overlapping.MAX_COMPLEXITY_BUDGET = 50_000


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Executor:
    """Answers operations from one database. `now` is read once an operation and can be set in tests."""

    def __init__(
        self,
        database: Database,
        catalog: Catalog,
        *,
        limits: Limits | None = None,
        languages: tuple[str, ...] = ("en",),
        seconds: float = 5.0,
        now: Callable[[], dt.datetime] = _utc_now,
        documents: int = 1_000,
        characters: int = 8_000_000,
        plans: int = 4_000,
        responses: ResponseCache | None = None,
    ) -> None:
        """`seconds`: how long an operation may run. `documents` to `plans` bound what is remembered of
        requests; `responses` remembers answers."""
        self.database = database
        self.catalog = catalog
        self.dialect = dialect_for(database)
        self.limits = limits or Limits()
        self.languages = languages
        self.seconds = seconds
        self.now = now
        self.responses = responses
        self.mutations = MutationExecutor(database, catalog)
        self._documents: LRUCache[str, ParsedDocument] = LRUCache(documents, characters)
        self._plans: LRUCache[Any, Plan] = LRUCache(plans, 4 * characters)

    async def execute(
        self,
        request: GraphQLRequest,
        trace: RequestTrace | None = None,
        spend: ChargeCost | None = None,
        actor: Actor = ANONYMOUS,
    ) -> GraphQLResponse:
        """Never raises: what cannot be answered is said in the answer, with a code.

        What a caller with a token is told is remembered nowhere.
        """
        trace = trace or RequestTrace(new_request_id())
        try:
            return await self._execute(request, trace, spend, actor)
        except GraphQLErrors as failed:
            return graphql_errors_response(failed.errors, failed.code, trace.request_id)
        except ApiError as refusal:
            return error_response(refusal, trace.request_id)
        except Exception:
            log.exception("request %s failed", trace.request_id, extra={"request_id": trace.request_id})
            return error_response(
                ApiError("INTERNAL_SERVER_ERROR", "Something went wrong on our side."), trace.request_id
            )

    async def _execute(
        self, request: GraphQLRequest, trace: RequestTrace, spend: ChargeCost | None, actor: Actor
    ) -> GraphQLResponse:
        viewer = ANONYMOUS_VIEWER if actor.viewer.is_public else actor.viewer
        shared = viewer is ANONYMOUS_VIEWER  # what somebody in particular is told is for nobody to keep
        ready = request.prepared if shared else None
        if ready is None:
            trace.start_stage("parse")
            document, prepared, variables = self._prepare_operation(request)
            if prepared.node.operation is OperationType.MUTATION:
                return await self._execute_mutation(document, prepared, variables, actor, trace, spend)
            ready = self._prepare_request(document, prepared, variables, viewer, trace)
            if shared:
                request.prepared = ready
        plan = ready.plan
        trace.operation, trace.document = ready.prepared.name, ready.document.hash
        trace.operation_type = ready.prepared.operation_type
        # Whoever sees no more than the public sees it as it is now.
        chosen = viewer.preview_at if viewer.visibility.at_preview_time else None
        now = (chosen or self.now()).replace(microsecond=0)
        wants_cost = request.extensions.get("cost") is True
        responses = self.responses if shared else None
        if responses is None or plan.root_errors or wants_cost:
            trace.cache = "off" if responses is None else "bypass"
            existing = shared and (request.queries_only or responses is not None)
            return await self._execute_plan(
                ready, now, trace, spend, existing=existing, wants_cost=wants_cost
            )
        entry = self.get_cached(request, trace)
        if entry is not None:
            return GraphQLResponse(200, entry.body, (), entry)
        trace.cache = "miss"
        trace.start_stage("cache")
        if spend:
            await spend(plan.cost)

        async def compute() -> tuple[GraphQLResponse, CachedResponse | None]:
            response = await self._execute_plan(ready, now, trace, None)
            return response, response.cached

        result = await responses.get_or_compute(ready.key, now, compute)
        return GraphQLResponse(200, result.body, (), result) if isinstance(result, CachedResponse) else result

    async def _execute_mutation(
        self,
        document: ParsedDocument,
        prepared: PreparedOperation,
        variables: Variables,
        actor: Actor,
        trace: RequestTrace,
        spend: ChargeCost | None,
    ) -> GraphQLResponse:
        """A mutation's answer: its fields one after the other, each done or not at all."""
        trace.operation, trace.document, trace.cache = prepared.name, document.hash, "off"
        trace.operation_type = prepared.operation_type
        operation = Operation(self.catalog.schema, prepared.node, document.fragments, variables)
        included = operation.included
        cost = self._cost_of(operation)
        changes = collect_mutation_fields(operation, self.catalog, included)
        authorize(changes, actor)
        trace.cost = cost
        if spend:
            await spend(trace.cost)
        trace.start_stage("execute")
        now = self.now().replace(microsecond=0)

        async def read(node: FieldNode, within: SnapshotReader) -> bytes:
            return await self._read_payload_object(operation, node, actor.viewer, now, within)

        parts: list[bytes] = []
        errors: list[dict[str, Any]] = []
        codes: list[str] = []
        for key, name in operation.typenames(included):
            parts.append(orjson.dumps(key) + b":" + orjson.dumps(name))
        until = time.monotonic() + self.seconds  # for all of them together
        for change in changes:
            left = max(0.0, until - time.monotonic())
            try:
                payload = await self.mutations.execute_field(change, actor, now, trace.request_id, read, left)
            except ApiError as refusal:
                if len(changes) == 1:
                    raise
                errors.append(format_error(refusal, trace.request_id, path=[change.key]))
                codes.append(refusal.code)
                payload = b"null"
            parts.append(orjson.dumps(change.key) + b":" + payload)
        if self.responses:  # whoever wrote finds it written
            # It is, even if the database goes away just now; then nothing is found until it was caught up.
            with contextlib.suppress(ApiError):
                await self.responses.apply_pending_changes()
        trace.start_stage("response")
        body = b'{"data":{' + b",".join(parts) + b"}"
        if errors:
            body += b',"errors":' + orjson.dumps(errors)
        return GraphQLResponse(294 if errors else 200, body + b"}", tuple(codes))

    async def _read_payload_object(
        self, operation: Operation, node: FieldNode, viewer: Viewer, now: dt.datetime, within: SnapshotReader
    ) -> bytes:
        """What a payload shows of a thing, before the transaction ends."""
        alone = OperationDefinitionNode(
            operation=OperationType.QUERY,
            variable_definitions=operation.node.variable_definitions,
            selection_set=SelectionSetNode(selections=(node,)),
            directives=(),
        )
        variables = _with_viewer_variables(operation.variables, viewer, now)
        question = Operation(self.catalog.schema, alone, operation.fragments, variables)
        plan, _ = self._build_plan(question, {}, viewer=viewer, stored=False)
        data = await execute_plan(plan, self.dialect, within, variables, now, self.seconds)
        return data[data.index(b":") + 1 : -1]

    async def _execute_plan(
        self,
        ready: PreparedRequest,
        now: dt.datetime,
        trace: RequestTrace,
        spend: ChargeCost | None,
        *,
        existing: bool = True,
        wants_cost: bool = False,
    ) -> GraphQLResponse:
        """`known`: whether somebody may keep the answer, and must know what it is."""
        plan = ready.plan
        trace.cost, trace.statements = plan.cost, plan.statements
        if spend:
            await spend(plan.cost)
        trace.start_stage("execute")
        without: dict[int, ApiError] = {}
        while True:
            try:
                if ready.bound is None and plan.statement is not None and not without:
                    ready.bound = BoundParams(plan.statement.params, self.dialect, ready.variables)
                bound = None if without else ready.bound
                data = await execute_plan(
                    plan, self.dialect, self.database, ready.variables, now, self.seconds, bound
                )
                break
            except RootFieldError as exc:
                without[exc.root] = exc.refusal
                plan, _ = self._build_plan(self._operation(ready), without, viewer=ready.viewer)
        trace.start_stage("response")
        marks = self.responses is not None and ready.viewer is ANONYMOUS_VIEWER
        body, marked = strip_markers(data) if marks else (data, _UNMARKED)
        trace.rows = marked.rows
        if not plan.root_errors and not wants_cost:
            body = b'{"data":' + body + b"}"
            return GraphQLResponse(200, body, (), _cache_entry(body, ready, marked) if existing else None)
        body = b'{"data":' + body
        if plan.root_errors:
            errors = [format_error(r, trace.request_id, path=[key]) for key, r in plan.root_errors]
            body += b',"errors":' + orjson.dumps(errors)
        if wants_cost:
            fields = {"requested": plan.cost, "limit": self.limits.cost, "statements": plan.statements}
            body += b',"extensions":' + orjson.dumps({"cost": fields})
        status = 294 if plan.root_errors else 200  # data and errors together, by the 2026 edition
        return GraphQLResponse(status, body + b"}", tuple(r.code for _, r in plan.root_errors))

    def lookup_cached(self, request: GraphQLRequest) -> CachedResponse | None:
        """The answer to what was asked before, if it still holds: the short way of `answer`."""
        ready, responses = request.prepared, self.responses
        if ready is None or responses is None or request.extensions.get("cost") is True:
            return None
        return responses.get(ready.key, self.now())

    def record_cache_hit(self, request: GraphQLRequest, entry: CachedResponse, trace: RequestTrace) -> None:
        """The journey hears of an answer that was held, and it is counted."""
        if self.responses is not None:
            self.responses.counts.hits += 1
        if request.prepared is not None:
            prepared = request.prepared.prepared
            trace.operation, trace.document = prepared.name, request.prepared.document.hash
            trace.operation_type = prepared.operation_type
        trace.cache, trace.cost, trace.rows = "hit", 1, entry.rows

    def get_cached(self, request: GraphQLRequest, trace: RequestTrace) -> CachedResponse | None:
        entry = self.lookup_cached(request)
        if entry is not None:
            self.record_cache_hit(request, entry, trace)
        return entry

    def seconds_until_expiry(self, now: dt.datetime) -> float:
        """Until time may change what can be seen; 0 where nobody keeps watch."""
        return self.responses.seconds_left(now) if self.responses else 0.0

    def cache_entry_resized(self, entry: CachedResponse) -> None:
        """A compressed form was added to an answer that may be remembered."""
        if self.responses:
            self.responses.memory.entry_resized(entry)

    def explain(self, request: GraphQLRequest) -> tuple[Plan, Variables]:
        """The plan that would answer, without running it; of a mutation only its cost. Raises Refused."""
        try:
            document, prepared, variables = self._prepare_operation(request)
            if prepared.node.operation is OperationType.MUTATION:
                operation = Operation(self.catalog.schema, prepared.node, document.fragments, variables)
                return Plan((), None, self._cost_of(operation)), variables
            ready = self._prepare_request(
                document, prepared, variables, ANONYMOUS_VIEWER, RequestTrace(new_request_id())
            )
        except GraphQLErrors as failed:
            raise ApiError(failed.code, failed.errors[0].message) from None
        return ready.plan, ready.variables

    async def resolve_root_field(
        self, info: GraphQLResolveInfo[Any], variables: Variables, now: dt.datetime
    ) -> Any:
        """One root field for graphql-core: the planner's answer to it, as Python values to walk."""
        node = OperationDefinitionNode(
            operation=OperationType.QUERY,
            variable_definitions=info.operation.variable_definitions,
            selection_set=SelectionSetNode(selections=tuple(info.field_nodes)),
            directives=(),
        )
        operation = Operation(self.catalog.schema, node, info.fragments, variables)
        try:
            plan, _ = self._build_plan(operation, {}, typed=True)
            data = await execute_plan(plan, self.dialect, self.database, variables, now, self.seconds)
        except RootFieldError as exc:
            raise graphql_error(exc.refusal) from None
        except ApiError as refusal:
            raise graphql_error(refusal) from None
        if plan.root_errors:
            raise graphql_error(plan.root_errors[0][1])
        return orjson.loads(data)[info.path.key]

    # Stages

    def _prepare_operation(
        self, request: GraphQLRequest
    ) -> tuple[ParsedDocument, PreparedOperation, Variables]:
        document = self._documents.get(request.query)
        if document is None:
            document = self._parse_document(request)
            self._documents.set(request.query, document, len(request.query))
        prepared = _select_operation(document, request)
        if request.queries_only and prepared.node.operation is not OperationType.QUERY:
            raise ApiError("METHOD_NOT_ALLOWED", "Only a query may be sent by GET.", "Send it by POST.")
        lenient = prepared.node.operation is OperationType.MUTATION
        variables, errors = coerce_variables(
            self.catalog.schema, prepared.declared, request.variables, lenient=lenient
        )
        if errors:
            raise GraphQLErrors(errors, "BAD_USER_INPUT")
        return document, prepared, variables

    def _prepare_request(
        self,
        document: ParsedDocument,
        prepared: PreparedOperation,
        variables: Variables,
        viewer: Viewer,
        trace: RequestTrace,
    ) -> PreparedRequest:
        trace.start_stage("plan")
        variables = _with_viewer_variables(variables, viewer, self.now())
        plan = self._get_or_build_plan(document, prepared, variables, viewer)
        return PreparedRequest(
            plan, prepared, document, variables, _cache_key(document, prepared, variables), viewer
        )

    def _cost_of(self, operation: Operation) -> int:
        """What a mutation shows of what it made. Refused above the limit."""

        def size(node: FieldNode, of: Any) -> int:
            result = resolve_value(operation.arguments(node, of), operation.variables)
            requested = result.get("last") or result.get("first")
            return requested if isinstance(requested, int) else self.limits.default_page

        cost = operation_cost(self.catalog, operation.node, operation.fragments, size, operation.included)
        check_cost_limit(cost, self.limits)
        return cost + MUTATION_FIELD_COST * len(operation.node.selection_set.selections)

    def _operation(self, ready: PreparedRequest) -> Operation:
        return Operation(self.catalog.schema, ready.prepared.node, ready.document.fragments, ready.variables)

    def _parse_document(self, request: GraphQLRequest) -> ParsedDocument:
        text = request.query
        if len(text) > self.limits.characters:
            raise ApiError(
                "DOCUMENT_TOO_LARGE",
                f"The document has {len(text):,} characters; {self.limits.characters:,} are allowed.",
                "Ask for less in one operation.",
                limit=self.limits.characters,
            )
        try:
            node = parse(text, max_tokens=self.limits.tokens, allow_empty_selection_sets=False)
            check_document_limits(node, self.limits)
        except GraphQLSyntaxError as error:
            if error.message.endswith("tokens. Parsing aborted."):
                raise ApiError(
                    "DOCUMENT_TOO_LARGE",
                    f"The document has more than {self.limits.tokens:,} tokens.",
                    "Ask for less in one operation.",
                    limit=self.limits.tokens,
                ) from None
            if error.message.endswith("nested too deeply. Parsing aborted."):
                raise self._too_deep() from None
            raise GraphQLErrors([error], "GRAPHQL_PARSE_FAILED") from None
        except RecursionError:
            raise self._too_deep() from None
        errors = validate(self.catalog.schema, node, _RULES, max_errors=MAX_ERRORS)
        if any(error.message == "Validation aborted." for error in errors):
            raise ApiError(
                "DOCUMENT_TOO_LARGE",
                "The document asks for the same fields too many times.",
                "Ask for each field once, and spread each fragment once.",
            )
        if errors:
            raise GraphQLErrors(errors, "GRAPHQL_VALIDATION_FAILED")
        return self._index_definitions(node, text)

    def _too_deep(self) -> ApiError:
        return ApiError(
            "DEPTH_LIMIT_EXCEEDED",
            f"The document is nested deeper than {self.limits.depth} levels.",
            limit=self.limits.depth,
        )

    def _index_definitions(self, node: DocumentNode, text: str) -> ParsedDocument:
        fragments = {d.name.value: d for d in node.definitions if isinstance(d, FragmentDefinitionNode)}
        operations = {
            d.name.value if d.name else None: PreparedOperation(
                d, d.name.value if d.name else "", variable_definitions(self.catalog.schema, d)
            )
            for d in node.definitions
            if isinstance(d, OperationDefinitionNode)
        }
        return ParsedDocument(content_hash(text.encode("utf-8", "surrogatepass")), fragments, operations)

    def _get_or_build_plan(
        self, document: ParsedDocument, prepared: PreparedOperation, variables: Variables, viewer: Viewer
    ) -> Plan:
        shape = prepared.shape(variables)

        def key() -> Any:
            return (
                shape.key(variables)
                if viewer is ANONYMOUS_VIEWER
                else (viewer.visibility, shape.key(variables))
            )

        plan = self._plans.get(key())
        if plan is None:
            operation = Operation(self.catalog.schema, prepared.node, document.fragments, variables)
            plan, settled_by = self._build_plan(operation, {}, viewer=viewer)
            shape.constraints.update(dict.fromkeys(settled_by))
            if viewer is ANONYMOUS_VIEWER or not plan.private:  # who else has this sight is somebody else
                self._plans.set(key(), plan, plan.size)
        return plan

    def _build_plan(
        self,
        operation: Operation,
        without: Mapping[int, ApiError],
        *,
        typed: bool = False,
        viewer: Viewer = ANONYMOUS_VIEWER,
        stored: bool = True,
    ) -> tuple[Plan, set[ValueConstraint]]:
        def constants(group: list[FieldNode]) -> bytes:
            return self._execute_introspection(operation, group)

        return build_plan(
            operation,
            self.catalog,
            self.dialect,
            limits=self.limits,
            languages=self.languages,
            virtual_objects={"viewer": viewer.as_graphql},
            introspect=constants,
            failed_roots=without,
            with_typename=typed,
            with_markers=self.responses is not None and not typed and stored and viewer is ANONYMOUS_VIEWER,
            visibility=viewer.visibility,
        )

    def _execute_introspection(self, operation: Operation, group: list[FieldNode]) -> bytes:
        alone = OperationDefinitionNode(
            operation=OperationType.QUERY,
            name=NameNode(value="Introspection"),
            variable_definitions=operation.node.variable_definitions,
            selection_set=SelectionSetNode(selections=tuple(group)),
            directives=(),
        )
        document = DocumentNode(definitions=(alone, *operation.fragments.values()))
        result = execute_sync(operation.schema, document, variable_values=dict(operation.variables))
        assert result.data is not None, result.errors
        return orjson.dumps(next(iter(result.data.values())))


_UNMARKED = RowMarkers({}, {})


def _with_viewer_variables(variables: Variables, viewer: Viewer, now: dt.datetime) -> Variables:
    """With what plans for others than the public ask of whoever asks."""
    if viewer.visibility.is_public:
        return variables
    asking = {
        VIEWER_ACCOUNT_VARIABLE: viewer.account or "",
        SHARED_ARTICLE_VARIABLE: viewer.shared_article_id or 0,
        REQUEST_TIME_VARIABLE: now.replace(microsecond=0),
    }
    return {**variables, **asking}


def _cache_key(document: ParsedDocument, prepared: PreparedOperation, variables: Variables) -> str:
    """One for all requests that are answered alike: whoever asks is the public, so far."""
    result = orjson.dumps(variables, default=str, option=orjson.OPT_SORT_KEYS)
    return f"{document.hash}:{prepared.name}:{content_hash(result)}"


def _cache_entry(body: bytes, ready: PreparedRequest, markers: RowMarkers) -> CachedResponse:
    plan = ready.plan
    words = [
        word if slot is None else f"{word}:{slot.value(ready.variables)}"
        for word, slot in plan.read_set.listed
    ]
    visible = [
        ids.encode_id(table, number)
        for table, numbers in markers.displayed_ids.items()
        if table in ids.PREFIXES
        for number in sorted(numbers)
    ]
    on = (
        bind_dependencies(plan.read_set, ready.variables, markers)
        if markers is not _UNMARKED
        else _RESTS_ON_NOTHING
    )
    return CachedResponse(
        body,
        on,
        tuple(visible),
        tuple(words),
        plan.cost,
        plan.statements,
        markers.rows,
        plan.max_age,
        plan.private,
    )


_RESTS_ON_NOTHING = Dependencies((), {}, {}, {})


def _select_operation(document: ParsedDocument, request: GraphQLRequest) -> PreparedOperation:
    operations = document.operations
    name = request.operation_name or None
    if name is None and len(operations) == 1:
        return next(iter(operations.values()))
    result = operations.get(name)
    if result is not None:
        return result
    text = ", ".join(str(n) for n in operations if n)
    if name is None:
        message = "The document has several operations." if operations else "The document has no operation."
    else:
        message = f"The document has no operation named {name[:100]!r}."
    hint = f"Set operationName to one of: {text}." if text else None
    raise ApiError("OPERATION_RESOLUTION_FAILURE", message, hint)
