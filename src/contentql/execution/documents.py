"""GraphQL documents: parsed, validated and cached by text; operations with their coerced variables."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    Visitor,
    get_location,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
    visit,
)
from graphql.validation import MaxIntrospectionDepthRule
from graphql.validation.rules import max_introspection_depth_rule as introspection_depth
from graphql.validation.rules import overlapping_fields_can_be_merged as overlapping

from contentql.cache.entry import content_hash
from contentql.errors import ApiError, LimitError
from contentql.execution.errors import MAX_ERRORS, GraphQLErrors
from contentql.execution.lookups import SingleLookupRule, misuses_lookups
from contentql.execution.null_variables import NonNullUses, non_null_uses, null_variable_errors
from contentql.execution.parsing import parse_executable
from contentql.execution.request import GraphQLRequest
from contentql.execution.selections import Fragments, fields_of, fragments_of
from contentql.execution.validation import MAX_DIGITS, accepts
from contentql.lru import LRUCache, SegmentedCache
from contentql.planner.constraints import ValueConstraint
from contentql.planner.limits import Limits, check_document_limits
from contentql.planner.variables import (
    VariableDefinition,
    Variables,
    coerce_variables,
    variable_definitions,
    variable_shape,
)

_SHAPES = 32  # shapes of variables per operation
_DOCUMENT_BYTES = 30  # that a document takes per character, about
_BYTES_PER_POINT = 1_000  # of a document, whose planning takes as much time as reading one object
_HALF_PAIR = re.compile(r"Unicode escape sequence: '\\u\{?0*d[89a-f]", re.IGNORECASE)
_RULES = (*specified_rules, MaxIntrospectionDepthRule, SingleLookupRule)

# graphql-core compares fields of one name pair by pair; its own budget would hold a server for 0.7 s.
overlapping.MAX_COMPLEXITY_BUDGET = 50_000


@dataclass(eq=False)
class _VariableShape:
    """Variables of one shape, and the constraints of their plans. Constraints are only ever added."""

    constraints: dict[ValueConstraint, None] = field(default_factory=dict)

    def key(self, variables: Variables) -> Any:
        return (self, *(constraint.evaluate(variables) for constraint in self.constraints))


@dataclass
class PreparedOperation:
    """An operation of a document, with the shapes of variables that it was requested with."""

    node: OperationDefinitionNode
    name: str
    declared: Sequence[VariableDefinition]
    operation_type: str = field(init=False)
    non_null_uses: NonNullUses | None = None  # computed for the first request with null
    shapes: LRUCache[Any, _VariableShape] = field(default_factory=lambda: LRUCache(_SHAPES, _SHAPES))

    def __post_init__(self) -> None:
        self.operation_type = self.node.operation.value

    def shape(self, variables: Variables) -> _VariableShape:
        form = variable_shape(variables) if variables else ()
        entry = self.shapes.get(form)
        if entry is None:
            entry = _VariableShape()
            self.shapes.set(form, entry, 1)
        return entry


@dataclass(frozen=True)
class ParsedDocument:
    """A valid document: hash of its text, fragments and operations by name. `size` in bytes, about."""

    hash: str
    size: int
    fragments: Mapping[str, FragmentDefinitionNode]
    operations: Mapping[str | None, PreparedOperation]

    @property
    def planning_cost(self) -> int:
        """Cost of planning an operation of the document for the first time, in points."""
        return self.size // _BYTES_PER_POINT


class _NumberLengths(Visitor):
    """Raises INPUT_LIMIT_EXCEEDED for long numbers, which Python refuses to convert with a message of its
    own."""

    def enter_int_value(self, node: IntValueNode, *_: Any) -> None:
        digits = len(node.value.removeprefix("-"))
        if digits > MAX_DIGITS:
            raise LimitError(
                "INPUT_LIMIT_EXCEEDED",
                f"A number has {digits:,} digits; {MAX_DIGITS} are allowed.",
                "Send a shorter number.",
                count=digits,
                limit=MAX_DIGITS,
            )


class DocumentCache:
    """Parses and validates documents; keeps the most recently used ones by text."""

    def __init__(self, schema: GraphQLSchema, limits: Limits, memory: SegmentedCache) -> None:
        """`memory` stores the documents."""
        self._schema, self._limits, self._memory = schema, limits, memory

    def prepare(self, request: GraphQLRequest) -> tuple[ParsedDocument, PreparedOperation, Variables]:
        """The requested operation and its variables. Raises ApiError and GraphQLErrors."""
        document: ParsedDocument | None = self._memory.get(request.query)
        if document is None:
            document = self._parse(request.query)
            self._memory.set(request.query, document, document.size)
        operation = _select_operation(document, request)
        lenient = operation.node.operation is OperationType.MUTATION
        if request.queries_only and lenient:
            raise ApiError("METHOD_NOT_ALLOWED", "GET requests may only contain queries.", "Use POST.")
        if operation.node.operation is OperationType.SUBSCRIPTION and not request.streamed:
            raise ApiError(
                "STREAM_REQUIRED",
                "The operation is a subscription, which has several results.",
                "Send it with `Accept: text/event-stream`, or over WebSocket with graphql-transport-ws.",
            )
        variables, errors = coerce_variables(
            self._schema, operation.declared, request.variables, lenient=lenient
        )
        if errors:
            raise GraphQLErrors(self._locate(errors, request, operation.name), "BAD_USER_INPUT")
        if None in variables.values():
            self._check_nulls(document, operation, request, variables)
        return document, operation, variables

    def _check_nulls(
        self,
        document: ParsedDocument,
        operation: PreparedOperation,
        request: GraphQLRequest,
        variables: Variables,
    ) -> None:
        """Raises GraphQLErrors BAD_USER_INPUT for variables that are null where a value is needed."""
        if operation.non_null_uses is None:
            operation.non_null_uses = non_null_uses(
                self._schema, operation.node, document.fragments, operation.declared
            )
        if not null_variable_errors(operation.non_null_uses, variables):
            return
        located = self._parse_with_locations(request.query)
        node = get_operation_ast(located, operation.name or None)
        assert node is not None
        uses = non_null_uses(self._schema, node, fragments_of(located), operation.declared)
        raise GraphQLErrors(null_variable_errors(uses, variables), "BAD_USER_INPUT")

    def _locate(
        self, errors: list[GraphQLError], request: GraphQLRequest, operation_name: str
    ) -> list[GraphQLError]:
        """The errors of variables, with the locations of their definitions."""
        node = get_operation_ast(self._parse_with_locations(request.query), operation_name or None)
        if node is None:
            return errors
        declared = variable_definitions(self._schema, node)
        return coerce_variables(self._schema, declared, request.variables)[1] or errors

    def locate(
        self, request: GraphQLRequest, paths: Sequence[Sequence[str | int]]
    ) -> list[list[dict[str, int]]]:
        """The locations in the document of the fields with these paths; [] where there is no such field."""
        if not any(paths):
            return [[] for _ in paths]
        document = self._parse_with_locations(request.query)
        operation = get_operation_ast(document, request.operation_name or None)
        fragments = fragments_of(document)
        return [_locations(operation, fragments, path) if operation else [] for path in paths]

    def _parse(self, text: str) -> ParsedDocument:
        limits = self._limits
        if len(text) > limits.characters:
            raise _too_large(f"The document has {len(text):,} characters", limits.characters, len(text))
        try:
            node = parse_executable(text, limits.tokens) or self._parse_with_locations(text)
            check_document_limits(node, limits)
        except GraphQLSyntaxError as error:
            if error.message.endswith("tokens. Parsing aborted."):
                raise _too_large(
                    f"The document has more than {limits.tokens:,} tokens", limits.tokens
                ) from None
            if error.message.endswith("nested too deeply. Parsing aborted."):
                raise _too_deep(limits.depth) from None
            if _HALF_PAIR.search(error.message):
                error.message += " It is half of a surrogate pair, without its other half."
            raise GraphQLErrors([error], "GRAPHQL_PARSE_FAILED") from None
        except RecursionError:
            raise _too_deep(limits.depth) from None
        if not accepts(self._schema, node) or misuses_lookups(self._schema, node):
            self._validate(self._parse_with_locations(text))
        return self._index(node, text)

    def _parse_with_locations(self, text: str) -> DocumentNode:
        return parse(text, max_tokens=self._limits.tokens, allow_empty_selection_sets=False)

    def _validate(self, node: DocumentNode) -> None:
        """Raises ApiError or GraphQLErrors if the document is not valid."""
        visit(node, _NumberLengths())
        errors = validate(self._schema, node, _RULES, max_errors=MAX_ERRORS)
        messages = {error.message for error in errors}
        if "Validation aborted." in messages:
            raise LimitError(
                "DOCUMENT_TOO_LARGE",
                "The document selects the same fields too many times: it has more than"
                f" {overlapping.MAX_COMPLEXITY_BUDGET:,} pairs of fields with one name.",
                "Select each field once, and spread each fragment once.",
                limit=overlapping.MAX_COMPLEXITY_BUDGET,
            )
        if messages == {"Maximum introspection depth exceeded"}:
            limit = introspection_depth.MAX_LIST_DEPTH - 1
            raise LimitError(
                "DEPTH_LIMIT_EXCEEDED",
                f"The introspection has lists of types nested more than {limit} levels deep.",
                "Select the names of types, and read them one by one with `__type`.",
                limit=limit,
            )
        if errors:
            raise GraphQLErrors(errors, "GRAPHQL_VALIDATION_FAILED")

    def _index(self, node: DocumentNode, text: str) -> ParsedDocument:
        fragments = fragments_of(node)
        operations = {
            d.name.value if d.name else None: PreparedOperation(
                d, d.name.value if d.name else "", variable_definitions(self._schema, d)
            )
            for d in node.definitions
            if isinstance(d, OperationDefinitionNode)
        }
        hash = content_hash(text.encode("utf-8", "surrogatepass"))
        return ParsedDocument(hash, _DOCUMENT_BYTES * len(text), fragments, operations)


def _too_large(fact: str, limit: int, count: int | None = None) -> ApiError:
    return LimitError(
        "DOCUMENT_TOO_LARGE",
        f"{fact}; the limit is {limit:,}.",
        "Select less in one operation.",
        count=count,
        limit=limit,
    )


def _too_deep(limit: int) -> ApiError:
    return LimitError(
        "DEPTH_LIMIT_EXCEEDED",
        f"The document is nested deeper than {limit} levels.",
        "Ask in two smaller queries.",
        limit=limit,
    )


def _locations(
    operation: OperationDefinitionNode, fragments: Fragments, path: Sequence[str | int]
) -> list[dict[str, int]]:
    nodes: list[FieldNode] = []
    selections = [operation.selection_set]
    for key in path:
        if isinstance(key, str):
            fields = fields_of(selections, fragments)
            nodes = [node for node in fields if (node.alias or node.name).value == key]
            selections = [node.selection_set for node in nodes if node.selection_set]
    starts = [get_location(node.loc.source, node.loc.start) for node in nodes if node.loc]
    return [{"line": at.line, "column": at.column} for at in starts]


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
