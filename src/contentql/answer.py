"""The journey of one operation: parse, limit, remember, plan, run, reply.

Text and values in, status and bytes out. Knows no transport: web/ brings requests here, tests come
directly. Documents and plans are remembered by text, within bounds.
"""

from __future__ import annotations

import datetime as dt
import itertools
import logging
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, TypeVar

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

from contentql.access.viewer import Viewer
from contentql.errors import Refused
from contentql.planner.build import build
from contentql.planner.catalog import Catalog
from contentql.planner.limits import Limits, check_size
from contentql.planner.operation import Declared, Operation, Variables, coerce, declared, outline
from contentql.planner.params import RootRefused
from contentql.planner.plan import Plan
from contentql.planner.postgres import Postgres
from contentql.planner.run import run
from contentql.planner.sql import Dialect
from contentql.planner.sqlite import Sqlite
from contentql.store.database import Database

log = logging.getLogger("contentql")

MAX_ERRORS = 20
_SHAPES = 32
_RULES = (*specified_rules, MaxIntrospectionDepthRule)
# graphql-core compares fields of one name pair by pair; its own budget would hold a server for 0.7 s.
overlapping.MAX_COMPLEXITY_BUDGET = 50_000
_DID_YOU_MEAN = "Did you mean "
_NONE: Mapping[str, Any] = MappingProxyType({})


class Asked(NamedTuple):
    """A GraphQL request as its transport understood it."""

    query: str
    operation_name: str | None = None
    variables: Mapping[str, Any] = _NONE
    extensions: Mapping[str, Any] = _NONE
    request_id: str = ""
    read_only: bool = False  # asked by GET: only a query may be


class Answered(NamedTuple):
    """`status` is HTTP's for application/graphql-response+json; `body` is the whole JSON answer."""

    status: int
    body: bytes
    codes: tuple[str, ...] = ()


Key = TypeVar("Key")
Kept = TypeVar("Kept")


class _Remembered(Generic[Key, Kept]):
    """What was used last, within bounds of number and of size."""

    def __init__(self, most: int, size: int) -> None:
        self._kept: OrderedDict[Key, tuple[Kept, int]] = OrderedDict()
        self._most, self._room = most, size

    def get(self, key: Key) -> Kept | None:
        found = self._kept.get(key)
        if found is None:
            return None
        self._kept.move_to_end(key)
        return found[0]

    def put(self, key: Key, value: Kept, size: int) -> None:
        """Anew or over what is there already."""
        self._room += self._kept.pop(key, (None, 0))[1] - size
        self._kept[key] = value, size
        while len(self._kept) > self._most or (self._room < 0 and len(self._kept) > 1):
            self._room += self._kept.popitem(last=False)[1][1]


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
    declared: Sequence[Declared]
    shapes: _Remembered[Any, _Shape] = field(default_factory=lambda: _Remembered(_SHAPES, _SHAPES))

    def shape(self, variables: Variables) -> _Shape:
        form = outline(variables) if variables else ()
        found = self.shapes.get(form)
        if found is None:
            found = _Shape()
            self.shapes.put(form, found, 1)
        return found


@dataclass(frozen=True)
class _Document:
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
    ) -> None:
        """`seconds`: how long an operation may run. The last three bound what is remembered."""
        self.database = database
        self.catalog = catalog
        self.dialect: Dialect = Postgres() if database.dialect == "postgres" else Sqlite()
        self.limits = limits or Limits()
        self.languages = languages
        self.seconds = seconds
        self.now = now
        self._documents: _Remembered[str, _Document] = _Remembered(documents, characters)
        self._plans: _Remembered[Any, Plan] = _Remembered(plans, 4 * characters)

    async def answer(self, asked: Asked) -> Answered:
        """Never raises: what cannot be answered is said in the answer, with a code."""
        try:
            return await self._answer(asked)
        except _Failed as failed:
            return failed.answered
        except Refused as refusal:
            return refused(refusal, asked.request_id)
        except Exception:
            log.exception(
                "request %s failed", asked.request_id or "-", extra={"request_id": asked.request_id}
            )
            return refused(
                Refused("INTERNAL_SERVER_ERROR", "Something went wrong on our side."), asked.request_id
            )

    async def _answer(self, asked: Asked) -> Answered:
        document, prepared, variables = self._read(asked)
        plan = self._planned(document, prepared, variables)
        now = self.now().replace(microsecond=0)
        without: dict[int, Refused] = {}
        while True:
            try:
                data = await run(plan, self.dialect, self.database, variables, now, self.seconds)
                break
            except RootRefused as fault:
                without[fault.root] = fault.refusal
                plan, _ = self._built(
                    Operation(self.catalog.schema, prepared.node, document.fragments, variables), without
                )
        wants_cost = asked.extensions.get("cost") is True
        if not plan.refused and not wants_cost:
            return Answered(200, b'{"data":' + data + b"}")
        body = b'{"data":' + data
        if plan.refused:
            errors = [_error(r, asked.request_id, path=[key]) for key, r in plan.refused]
            body += b',"errors":' + orjson.dumps(errors)
        if wants_cost:
            said = {"requested": plan.cost, "limit": self.limits.cost, "statements": plan.statements}
            body += b',"extensions":' + orjson.dumps({"cost": said})
        status = 294 if plan.refused else 200  # data and errors together, by the 2026 edition
        return Answered(status, body + b"}", tuple(r.code for _, r in plan.refused))

    def explain(self, asked: Asked) -> tuple[Plan, Variables]:
        """The plan that would answer, without running it. Raises Refused."""
        try:
            document, prepared, variables = self._read(asked)
        except _Failed as failed:
            first = orjson.loads(failed.answered.body)["errors"][0]
            raise Refused(first["extensions"]["code"], first["message"]) from None
        return self._planned(document, prepared, variables), variables

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

    def _read(self, asked: Asked) -> tuple[_Document, _Prepared, Variables]:
        document = self._documents.get(asked.query)
        if document is None:
            document = self._parsed(asked)
            self._documents.put(asked.query, document, len(asked.query))
        prepared = _chosen(document, asked)
        if asked.read_only and prepared.node.operation is not OperationType.QUERY:
            raise Refused("METHOD_NOT_ALLOWED", "Only a query may be sent by GET.", "Send it by POST.")
        variables, errors = coerce(self.catalog.schema, prepared.declared, asked.variables)
        if errors:
            raise _Failed(_answered(errors, "BAD_USER_INPUT", asked.request_id))
        return document, prepared, variables

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
            raise _Failed(_answered([error], "GRAPHQL_PARSE_FAILED", asked.request_id)) from None
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
            raise _Failed(_answered(errors, "GRAPHQL_VALIDATION_FAILED", asked.request_id))
        return self._sorted_out(node)

    def _too_deep(self) -> Refused:
        return Refused(
            "DEPTH_LIMIT",
            f"The document is nested deeper than {self.limits.depth} levels.",
            limit=self.limits.depth,
        )

    def _sorted_out(self, node: DocumentNode) -> _Document:
        fragments = {d.name.value: d for d in node.definitions if isinstance(d, FragmentDefinitionNode)}
        operations = {
            d.name.value if d.name else None: _Prepared(d, declared(self.catalog.schema, d))
            for d in node.definitions
            if isinstance(d, OperationDefinitionNode)
        }
        return _Document(fragments, operations)

    def _planned(self, document: _Document, prepared: _Prepared, variables: Variables) -> Plan:
        shape = prepared.shape(variables)
        plan = self._plans.get(shape.key(variables))
        if plan is None:
            operation = Operation(self.catalog.schema, prepared.node, document.fragments, variables)
            plan, settled_by = self._built(operation, {})
            shape.settled_by.update(dict.fromkeys(settled_by))
            self._plans.put(shape.key(variables), plan, plan.size)
        return plan

    def _built(
        self, operation: Operation, without: Mapping[int, Refused], *, typed: bool = False
    ) -> tuple[Plan, set[tuple[Any, Callable[[Any], Any]]]]:
        def constants(group: list[FieldNode]) -> bytes:
            return self._introspected(operation, group)

        return build(
            operation,
            self.catalog,
            self.dialect,
            limits=self.limits,
            languages=self.languages,
            facts={"viewer": Viewer().facts},
            constants=constants,
            without=without,
            typed=typed,
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
    """A request that graphql-core refuses, with the answer that says so."""

    def __init__(self, answered: Answered) -> None:
        super().__init__()
        self.answered = answered


def refused(refusal: Refused, request_id: str) -> Answered:
    """The answer that carries a refusal: errors and no data."""
    body = orjson.dumps({"errors": [_error(refusal, request_id)]})
    return Answered(refusal.status, body, (refusal.code,))


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
        "extensions": {**refusal.extensions, "requestId": request_id or new_request_id()},
    }


def _answered(errors: list[GraphQLError], code: str, request_id: str) -> Answered:
    found = []
    for error in errors[:MAX_ERRORS]:
        message, _, guess = error.message.partition(_DID_YOU_MEAN)
        said: dict[str, Any] = {"message": message.strip()}
        if error.locations:
            said["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
        hint = {"hint": _DID_YOU_MEAN + guess} if guess else {}
        said["extensions"] = {"code": code, **hint, "requestId": request_id or new_request_id()}
        found.append(said)
    status = 400 if code == "GRAPHQL_PARSE_FAILED" else 422
    return Answered(status, orjson.dumps({"errors": found}), (code,))


def _graphql_error(refusal: Refused) -> GraphQLError:
    return GraphQLError(refusal.message, extensions=refusal.extensions)


def new_request_id() -> str:
    return f"{_STARTED}-{next(_requests):x}"


_STARTED = secrets.token_hex(6)
_requests = itertools.count(1)
