"""The journey of one operation: parse, limit, remember, plan, run, reply.

Text and values in, status and bytes out. Knows no transport: web/ brings requests here, tests come
directly. Documents and plans are remembered by text, within bounds; whole answers by `cache/`.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
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

from contentql.auth.viewer import ANYBODY, PUBLIC, Caller, Viewer
from contentql.cache.dependencies import Rests, rests
from contentql.cache.entry import Entry, digest
from contentql.cache.response_cache import Responses
from contentql.content import ids
from contentql.errors import Refused
from contentql.execution.mutations import Changing, check_rights, fields_of
from contentql.lru import Remembered
from contentql.planner import limits as limit_rules
from contentql.planner.builder import LINKED, ME, PRESENT, build
from contentql.planner.catalog import Catalog
from contentql.planner.execute import Reads, run
from contentql.planner.limits import Limits, check_size
from contentql.planner.operation import Declared, Operation, Variables, coerce, declared, outline
from contentql.planner.params import Bound, RootRefused, given
from contentql.planner.plan import Plan
from contentql.planner.read_set import Marked, taken_out
from contentql.planner.sql import dialect_of
from contentql.store.database import Database
from contentql.telemetry.trace import Journey

log = logging.getLogger("contentql")

MAX_ERRORS = 20
CHANGE_COST = 10  # of each field of a mutation, besides what it shows
_SHAPES = 32
_RULES = (*specified_rules, MaxIntrospectionDepthRule)
# graphql-core compares fields of one name pair by pair; its own budget would hold a server for 0.7 s.
overlapping.MAX_COMPLEXITY_BUDGET = 50_000
_DID_YOU_MEAN = "Did you mean "


@dataclass(eq=False)
class Asked:
    """A GraphQL request as its transport understood it; the same one may be asked again and again."""

    query: str
    operation_name: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    extensions: Mapping[str, Any] = field(default_factory=dict)
    read_only: bool = False  # asked by GET: only a query may be
    ready: _Ready | None = field(default=None, repr=False)


class Answered(NamedTuple):
    """`status` is HTTP's for application/graphql-response+json; `body` is the whole JSON answer.

    `entry` tells what may be told to caches; an answer without one is not for them. `retry_after` in seconds
    where the same may be asked again later.
    """

    status: int
    body: bytes
    codes: tuple[str, ...] = ()
    entry: Entry | None = None
    retry_after: int = 0


# Told what an operation costs before it runs; raises Refused for whoever has nothing left to pay with.
Spend = Callable[[int], Awaitable[None]]


@dataclass(eq=False)
class _Shape:
    """Variables of one form, and the values that plans for them depend on: those only become more."""

    settled_by: dict[tuple[Any, Callable[[Any], Any]], None] = field(default_factory=dict)

    def key(self, variables: Variables) -> Any:
        return (self, *(read(slot.value(variables)) for slot, read in self.settled_by))


@dataclass
class _Prepared:
    """One operation of a document, and the shapes its variables have come in."""

    node: OperationDefinitionNode
    name: str
    declared: Sequence[Declared]
    shapes: Remembered[Any, _Shape] = field(default_factory=lambda: Remembered(_SHAPES, _SHAPES))

    def shape(self, variables: Variables) -> _Shape:
        form = outline(variables) if variables else ()
        found = self.shapes.get(form)
        if found is None:
            found = _Shape()
            self.shapes.put(form, found, 1)
        return found


@dataclass(eq=False)
class _Ready:
    """All that can be known of a request before its answer. `key` is under which that is remembered."""

    plan: Plan
    prepared: _Prepared
    document: _Document
    variables: Variables
    key: str
    viewer: Viewer
    bound: Bound | None = None


@dataclass(frozen=True)
class _Document:
    hash: str
    fragments: Mapping[str, FragmentDefinitionNode]
    operations: Mapping[str | None, _Prepared]


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Answers:
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
        responses: Responses | None = None,
    ) -> None:
        """`seconds`: how long an operation may run. `documents` to `plans` bound what is remembered of
        requests; `responses` remembers answers."""
        self.database = database
        self.catalog = catalog
        self.dialect = dialect_of(database)
        self.limits = limits or Limits()
        self.languages = languages
        self.seconds = seconds
        self.now = now
        self.responses = responses
        self.changing = Changing(database, catalog)
        self._documents: Remembered[str, _Document] = Remembered(documents, characters)
        self._plans: Remembered[Any, Plan] = Remembered(plans, 4 * characters)

    async def answer(
        self,
        asked: Asked,
        journey: Journey | None = None,
        spend: Spend | None = None,
        caller: Caller = ANYBODY,
    ) -> Answered:
        """Never raises: what cannot be answered is said in the answer, with a code.

        What a caller with a token is told is remembered nowhere.
        """
        journey = journey or Journey(new_request_id())
        try:
            return await self._answer(asked, journey, spend, caller)
        except _Failed as failed:
            return _answered(failed.errors, failed.code, journey.request_id)
        except Refused as refusal:
            return refused(refusal, journey.request_id)
        except Exception:
            log.exception("request %s failed", journey.request_id, extra={"request_id": journey.request_id})
            return refused(
                Refused("INTERNAL_SERVER_ERROR", "Something went wrong on our side."), journey.request_id
            )

    async def _answer(self, asked: Asked, journey: Journey, spend: Spend | None, caller: Caller) -> Answered:
        viewer = PUBLIC if caller.viewer.is_public else caller.viewer
        shared = viewer is PUBLIC  # what somebody in particular is told is for nobody to keep
        ready = asked.ready if shared else None
        if ready is None:
            journey.stage("parse")
            document, prepared, variables = self._understood(asked)
            if prepared.node.operation is OperationType.MUTATION:
                return await self._changed(document, prepared, variables, caller, journey, spend)
            ready = self._ready(document, prepared, variables, viewer, journey)
            if shared:
                asked.ready = ready
        plan = ready.plan
        journey.operation, journey.document = ready.prepared.name, ready.document.hash
        # Whoever sees no more than the public sees it as it is now.
        chosen = viewer.at if viewer.sight.clock else None
        now = (chosen or self.now()).replace(microsecond=0)
        wants_cost = asked.extensions.get("cost") is True
        responses = self.responses if shared else None
        if responses is None or plan.refused or wants_cost:
            journey.cache = "off" if responses is None else "bypass"
            known = shared and (asked.read_only or responses is not None)
            return await self._computed(ready, now, journey, spend, known=known, wants_cost=wants_cost)
        entry = self.remembered(asked, journey)
        if entry is not None:
            return Answered(200, entry.body, (), entry)
        journey.cache = "miss"
        journey.stage("cache")
        if spend:
            await spend(plan.cost)

        async def compute() -> tuple[Answered, Entry | None]:
            answered = await self._computed(ready, now, journey, None)
            return answered, answered.entry

        found = await responses.answer(ready.key, now, compute)
        return Answered(200, found.body, (), found) if isinstance(found, Entry) else found

    async def _changed(
        self,
        document: _Document,
        prepared: _Prepared,
        variables: Variables,
        caller: Caller,
        journey: Journey,
        spend: Spend | None,
    ) -> Answered:
        """A mutation's answer: its fields one after the other, each done or not at all."""
        journey.operation, journey.document, journey.cache = prepared.name, document.hash, "off"
        operation = Operation(self.catalog.schema, prepared.node, document.fragments, variables)
        included = operation.included
        cost = self._cost_of(operation)
        changes = fields_of(operation, self.catalog, included)
        check_rights(changes, caller)
        journey.cost = cost
        if spend:
            await spend(journey.cost)
        journey.stage("run")
        now = self.now().replace(microsecond=0)

        async def read(node: FieldNode, within: Reads) -> bytes:
            return await self._shown(operation, node, caller.viewer, now, within)

        parts: list[bytes] = []
        errors: list[dict[str, Any]] = []
        codes: list[str] = []
        for key, name in operation.typenames(included):
            parts.append(orjson.dumps(key) + b":" + orjson.dumps(name))
        until = time.monotonic() + self.seconds  # for all of them together
        for change in changes:
            left = max(0.0, until - time.monotonic())
            try:
                payload = await self.changing.carry_out(change, caller, now, journey.request_id, read, left)
            except Refused as refusal:
                if len(changes) == 1:
                    raise
                errors.append(_error(refusal, journey.request_id, path=[change.key]))
                codes.append(refusal.code)
                payload = b"null"
            parts.append(orjson.dumps(change.key) + b":" + payload)
        if self.responses:  # whoever wrote finds it written
            # It is, even if the database goes away just now; then nothing is found until it was caught up.
            with contextlib.suppress(Refused):
                await self.responses.catch_up()
        journey.stage("reply")
        body = b'{"data":{' + b",".join(parts) + b"}"
        if errors:
            body += b',"errors":' + orjson.dumps(errors)
        return Answered(294 if errors else 200, body + b"}", tuple(codes))

    async def _shown(
        self, operation: Operation, node: FieldNode, viewer: Viewer, now: dt.datetime, within: Reads
    ) -> bytes:
        """What a payload shows of a thing, before the transaction ends."""
        alone = OperationDefinitionNode(
            operation=OperationType.QUERY,
            variable_definitions=operation.node.variable_definitions,
            selection_set=SelectionSetNode(selections=(node,)),
            directives=(),
        )
        variables = _with_viewer(operation.variables, viewer, now)
        question = Operation(self.catalog.schema, alone, operation.fragments, variables)
        plan, _ = self._built(question, {}, viewer=viewer, kept=False)
        data = await run(plan, self.dialect, within, variables, now, self.seconds)
        return data[data.index(b":") + 1 : -1]

    async def _computed(
        self,
        ready: _Ready,
        now: dt.datetime,
        journey: Journey,
        spend: Spend | None,
        *,
        known: bool = True,
        wants_cost: bool = False,
    ) -> Answered:
        """`known`: whether somebody may keep the answer, and must know what it is."""
        plan = ready.plan
        journey.cost, journey.statements = plan.cost, plan.statements
        if spend:
            await spend(plan.cost)
        journey.stage("run")
        without: dict[int, Refused] = {}
        while True:
            try:
                if ready.bound is None and plan.statement is not None and not without:
                    ready.bound = Bound(plan.statement.params, self.dialect, ready.variables)
                bound = None if without else ready.bound
                data = await run(plan, self.dialect, self.database, ready.variables, now, self.seconds, bound)
                break
            except RootRefused as fault:
                without[fault.root] = fault.refusal
                plan, _ = self._built(self._operation(ready), without, viewer=ready.viewer)
        journey.stage("reply")
        marks = self.responses is not None and ready.viewer is PUBLIC
        body, marked = taken_out(data) if marks else (data, _UNMARKED)
        journey.rows = marked.rows
        if not plan.refused and not wants_cost:
            body = b'{"data":' + body + b"}"
            return Answered(200, body, (), _entry(body, ready, marked) if known else None)
        body = b'{"data":' + body
        if plan.refused:
            errors = [_error(r, journey.request_id, path=[key]) for key, r in plan.refused]
            body += b',"errors":' + orjson.dumps(errors)
        if wants_cost:
            said = {"requested": plan.cost, "limit": self.limits.cost, "statements": plan.statements}
            body += b',"extensions":' + orjson.dumps({"cost": said})
        status = 294 if plan.refused else 200  # data and errors together, by the 2026 edition
        return Answered(status, body + b"}", tuple(r.code for _, r in plan.refused))

    def held(self, asked: Asked) -> Entry | None:
        """The answer to what was asked before, if it still holds: the short way of `answer`."""
        ready, responses = asked.ready, self.responses
        if ready is None or responses is None or asked.extensions.get("cost") is True:
            return None
        return responses.find(ready.key, self.now())

    def told(self, asked: Asked, entry: Entry, journey: Journey) -> None:
        """The journey hears of an answer that was held, and it is counted."""
        if self.responses is not None:
            self.responses.counts.hits += 1
        if asked.ready is not None:
            journey.operation, journey.document = asked.ready.prepared.name, asked.ready.document.hash
        journey.cache, journey.cost, journey.rows = "hit", 1, entry.rows

    def remembered(self, asked: Asked, journey: Journey) -> Entry | None:
        entry = self.held(asked)
        if entry is not None:
            self.told(asked, entry, journey)
        return entry

    def seconds_left(self, now: dt.datetime) -> float:
        """Until time may change what can be seen; 0 where nobody keeps watch."""
        return self.responses.seconds_left(now) if self.responses else 0.0

    def grown(self, entry: Entry) -> None:
        """A compressed form was added to an answer that may be remembered."""
        if self.responses:
            self.responses.memory.grown(entry)

    def explain(self, asked: Asked) -> tuple[Plan, Variables]:
        """The plan that would answer, without running it; of a mutation only its cost. Raises Refused."""
        try:
            document, prepared, variables = self._understood(asked)
            if prepared.node.operation is OperationType.MUTATION:
                operation = Operation(self.catalog.schema, prepared.node, document.fragments, variables)
                return Plan((), None, self._cost_of(operation)), variables
            ready = self._ready(document, prepared, variables, PUBLIC, Journey(new_request_id()))
        except _Failed as failed:
            raise Refused(failed.code, failed.errors[0].message) from None
        return ready.plan, ready.variables

    async def resolve(self, info: GraphQLResolveInfo[Any], variables: Variables, now: dt.datetime) -> Any:
        """One root field for graphql-core: the planner's answer to it, as Python values to walk."""
        node = OperationDefinitionNode(
            operation=OperationType.QUERY,
            variable_definitions=info.operation.variable_definitions,
            selection_set=SelectionSetNode(selections=tuple(info.field_nodes)),
            directives=(),
        )
        operation = Operation(self.catalog.schema, node, info.fragments, variables)
        try:
            plan, _ = self._built(operation, {}, typed=True)
            data = await run(plan, self.dialect, self.database, variables, now, self.seconds)
        except RootRefused as fault:
            raise _graphql_error(fault.refusal) from None
        except Refused as refusal:
            raise _graphql_error(refusal) from None
        if plan.refused:
            raise _graphql_error(plan.refused[0][1])
        return orjson.loads(data)[info.path.key]

    # Stages

    def _understood(self, asked: Asked) -> tuple[_Document, _Prepared, Variables]:
        document = self._documents.get(asked.query)
        if document is None:
            document = self._parsed(asked)
            self._documents.put(asked.query, document, len(asked.query))
        prepared = _chosen(document, asked)
        if asked.read_only and prepared.node.operation is not OperationType.QUERY:
            raise Refused("METHOD_NOT_ALLOWED", "Only a query may be sent by GET.", "Send it by POST.")
        lenient = prepared.node.operation is OperationType.MUTATION
        variables, errors = coerce(self.catalog.schema, prepared.declared, asked.variables, lenient=lenient)
        if errors:
            raise _Failed(errors, "BAD_USER_INPUT")
        return document, prepared, variables

    def _ready(
        self,
        document: _Document,
        prepared: _Prepared,
        variables: Variables,
        viewer: Viewer,
        journey: Journey,
    ) -> _Ready:
        journey.stage("plan")
        variables = _with_viewer(variables, viewer, self.now())
        plan = self._planned(document, prepared, variables, viewer)
        return _Ready(plan, prepared, document, variables, _key(document, prepared, variables), viewer)

    def _cost_of(self, operation: Operation) -> int:
        """What a mutation shows of what it made. Refused above the limit."""

        def size(node: FieldNode, of: Any) -> int:
            said = given(operation.arguments(node, of), operation.variables)
            wanted = said.get("last") or said.get("first")
            return wanted if isinstance(wanted, int) else self.limits.default_page

        cost = limit_rules.cost(self.catalog, operation.node, operation.fragments, size, operation.included)
        limit_rules.too_costly(cost, self.limits)
        return cost + CHANGE_COST * len(operation.node.selection_set.selections)

    def _operation(self, ready: _Ready) -> Operation:
        return Operation(self.catalog.schema, ready.prepared.node, ready.document.fragments, ready.variables)

    def _parsed(self, asked: Asked) -> _Document:
        text = asked.query
        if len(text) > self.limits.characters:
            raise Refused(
                "DOCUMENT_TOO_LARGE",
                f"The document has {len(text):,} characters; {self.limits.characters:,} are allowed.",
                "Ask for less in one operation.",
                limit=self.limits.characters,
            )
        try:
            node = parse(text, max_tokens=self.limits.tokens, allow_empty_selection_sets=False)
            check_size(node, self.limits)
        except GraphQLSyntaxError as error:
            if error.message.endswith("tokens. Parsing aborted."):
                raise Refused(
                    "DOCUMENT_TOO_LARGE",
                    f"The document has more than {self.limits.tokens:,} tokens.",
                    "Ask for less in one operation.",
                    limit=self.limits.tokens,
                ) from None
            if error.message.endswith("nested too deeply. Parsing aborted."):
                raise self._too_deep() from None
            raise _Failed([error], "GRAPHQL_PARSE_FAILED") from None
        except RecursionError:
            raise self._too_deep() from None
        errors = validate(self.catalog.schema, node, _RULES, max_errors=MAX_ERRORS)
        if any(error.message == "Validation aborted." for error in errors):
            raise Refused(
                "DOCUMENT_TOO_LARGE",
                "The document asks for the same fields too many times.",
                "Ask for each field once, and spread each fragment once.",
            )
        if errors:
            raise _Failed(errors, "GRAPHQL_VALIDATION_FAILED")
        return self._sorted_out(node, text)

    def _too_deep(self) -> Refused:
        return Refused(
            "DEPTH_LIMIT",
            f"The document is nested deeper than {self.limits.depth} levels.",
            limit=self.limits.depth,
        )

    def _sorted_out(self, node: DocumentNode, text: str) -> _Document:
        fragments = {d.name.value: d for d in node.definitions if isinstance(d, FragmentDefinitionNode)}
        operations = {
            d.name.value if d.name else None: _Prepared(
                d, d.name.value if d.name else "", declared(self.catalog.schema, d)
            )
            for d in node.definitions
            if isinstance(d, OperationDefinitionNode)
        }
        return _Document(digest(text.encode("utf-8", "surrogatepass")), fragments, operations)

    def _planned(
        self, document: _Document, prepared: _Prepared, variables: Variables, viewer: Viewer
    ) -> Plan:
        shape = prepared.shape(variables)

        def key() -> Any:
            return shape.key(variables) if viewer is PUBLIC else (viewer.sight, shape.key(variables))

        plan = self._plans.get(key())
        if plan is None:
            operation = Operation(self.catalog.schema, prepared.node, document.fragments, variables)
            plan, settled_by = self._built(operation, {}, viewer=viewer)
            shape.settled_by.update(dict.fromkeys(settled_by))
            if viewer is PUBLIC or not plan.private:  # who else has this sight is somebody else
                self._plans.put(key(), plan, plan.size)
        return plan

    def _built(
        self,
        operation: Operation,
        without: Mapping[int, Refused],
        *,
        typed: bool = False,
        viewer: Viewer = PUBLIC,
        kept: bool = True,
    ) -> tuple[Plan, set[tuple[Any, Callable[[Any], Any]]]]:
        def constants(group: list[FieldNode]) -> bytes:
            return self._introspected(operation, group)

        return build(
            operation,
            self.catalog,
            self.dialect,
            limits=self.limits,
            languages=self.languages,
            facts={"viewer": viewer.facts},
            constants=constants,
            without=without,
            typed=typed,
            marked=self.responses is not None and not typed and kept and viewer is PUBLIC,
            sight=viewer.sight,
        )

    def _introspected(self, operation: Operation, group: list[FieldNode]) -> bytes:
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


class _Failed(Exception):
    """A request that graphql-core refuses, and what it says."""

    def __init__(self, errors: Sequence[GraphQLError], code: str) -> None:
        super().__init__()
        self.errors = errors
        self.code = code


_UNMARKED = Marked({}, {})


def _with_viewer(variables: Variables, viewer: Viewer, now: dt.datetime) -> Variables:
    """With what plans for others than the public ask of whoever asks."""
    if viewer.sight.is_public:
        return variables
    asking = {ME: viewer.account or "", LINKED: viewer.article or 0, PRESENT: now.replace(microsecond=0)}
    return {**variables, **asking}


def _key(document: _Document, prepared: _Prepared, variables: Variables) -> str:
    """One for all requests that are answered alike: whoever asks is the public, so far."""
    said = orjson.dumps(variables, default=str, option=orjson.OPT_SORT_KEYS)
    return f"{document.hash}:{prepared.name}:{digest(said)}"


def _entry(body: bytes, ready: _Ready, marked: Marked) -> Entry:
    plan = ready.plan
    words = [
        word if slot is None else f"{word}:{slot.value(ready.variables)}" for word, slot in plan.reads.lists
    ]
    shown = [
        ids.spell(table, number)
        for table, numbers in marked.shown.items()
        if table in ids.PREFIXES
        for number in sorted(numbers)
    ]
    on = rests(plan.reads, ready.variables, marked) if marked is not _UNMARKED else _RESTS_ON_NOTHING
    return Entry(
        body,
        on,
        tuple(shown),
        tuple(words),
        plan.cost,
        plan.statements,
        marked.rows,
        plan.max_age,
        plan.private,
    )


_RESTS_ON_NOTHING = Rests((), {}, {}, {})


def refused(refusal: Refused, request_id: str) -> Answered:
    """The answer that carries a refusal: errors and no data."""
    body = orjson.dumps({"errors": [_error(refusal, request_id)]})
    later = refusal.facts.get("retryAfter", 1) if refusal.status in (429, 503) else 0
    return Answered(refusal.status, body, (refusal.code,), None, later)


def _chosen(document: _Document, asked: Asked) -> _Prepared:
    operations = document.operations
    name = asked.operation_name or None
    if name is None and len(operations) == 1:
        return next(iter(operations.values()))
    found = operations.get(name)
    if found is not None:
        return found
    known = ", ".join(str(n) for n in operations if n)
    if name is None:
        message = "The document has several operations." if operations else "The document has no operation."
    else:
        message = f"The document has no operation named {name[:100]!r}."
    hint = f"Set operationName to one of: {known}." if known else None
    raise Refused("OPERATION_RESOLUTION_FAILURE", message, hint)


def _error(refusal: Refused, request_id: str, path: list[str] | None = None) -> dict[str, Any]:
    where = {"path": path} if path else {}
    return {
        "message": refusal.message,
        **where,
        "extensions": {**refusal.extensions, "requestId": request_id},
    }


def _answered(errors: Sequence[GraphQLError], code: str, request_id: str) -> Answered:
    found = []
    for error in errors[:MAX_ERRORS]:
        message, _, guess = error.message.partition(_DID_YOU_MEAN)
        said: dict[str, Any] = {"message": message.strip()}
        if error.locations:
            said["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
        hint = {"hint": _DID_YOU_MEAN + guess} if guess else {}
        said["extensions"] = {"code": code, **hint, "requestId": request_id}
        found.append(said)
    status = 400 if code == "GRAPHQL_PARSE_FAILED" else 422
    return Answered(status, orjson.dumps({"errors": found}), (code,))


def _graphql_error(refusal: Refused) -> GraphQLError:
    return GraphQLError(refusal.message, extensions=refusal.extensions)


def new_request_id() -> str:
    return f"{_STARTED}-{next(_requests):x}"


_STARTED = secrets.token_hex(6)
_requests = itertools.count(1)
