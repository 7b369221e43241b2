"""The subscription `articleChanged`: the field `changes` of a query, read page by page as articles change.

A subscription is rewritten as a query of `changes` with its own filter and selection. Each change is an event
whose id is a sync token: from there a client resumes, here or with `changes(since:)`. A change of a page that
is not its last has the token before the page, so a client may receive changes twice, and misses none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from graphql import (
    ArgumentNode,
    FieldNode,
    IntValueNode,
    NamedTypeNode,
    VariableDefinitionNode,
    VariableNode,
)

from contentql.events.event import Event, make_event
from contentql.execution.query_documents import make_field, make_name, query_request, selections_of
from contentql.execution.request import GraphQLRequest, GraphQLResponse
from contentql.planner.operation import Operation, resolve_value

ARTICLE_CHANGED: Final = "articleChanged"
PAGE_SIZE: Final = 20  # changes that are read and sent together
MAX_CATCH_UP_PAGES: Final = 10  # a client that is further behind has to use `changes`
_FIELD = "changes"


@dataclass(frozen=True)
class ChangesRequest:
    """A subscription of changes as a query. `key`: the response key of `articleChanged`; `since`: the value
    of its argument; `token_variable`: the variable of the query for a sync token."""

    key: str
    since: str | None
    token_variable: str
    request: GraphQLRequest

    def at(self, token: str | None) -> GraphQLRequest:
        """The query of the page after a token."""
        request = self.request
        variables = {**request.variables, self.token_variable: token}
        return GraphQLRequest(request.query, request.operation_name, variables)

    def path(self, path: Sequence[str | int]) -> tuple[str | int, ...]:
        """The path in the subscription's result of a path in the result of the query."""
        rest = path[3:] if list(path[:2]) == [_FIELD, _FIELD] else path[1:]
        return (self.key, *rest) if path else ()


@dataclass(frozen=True, slots=True)
class ChangesPage:
    """A page of changes as JSON objects. `is_unknown`: the token is too old, or of another database."""

    changes: Sequence[Any]
    next_token: str
    has_more: bool
    is_unknown: bool


def changes_request(operation: Operation, request: GraphQLRequest) -> ChangesRequest | None:
    """The query for a subscription of `articleChanged`; None for other subscriptions."""
    root_types = frozenset({operation.root_type})
    fields = operation.collect_fields([operation.node.selection_set], root_types, operation.included)
    for key, group in fields.items():
        if group[0].name.value == ARTICLE_CHANGED:
            field = operation.schema.subscription_type.fields[ARTICLE_CHANGED]  # type: ignore[union-attr]
            arguments = resolve_value(operation.arguments(group[0], field), operation.variables)
            query, variable = _rewrite(operation, request, group)
            return ChangesRequest(key, arguments.get("since"), variable, query)
    return None


def read_page(response: GraphQLResponse) -> ChangesPage | None:
    """The page in a response; None if it has errors only."""
    data = orjson.loads(response.body).get("data")
    if data is None:
        return None
    page = data[_FIELD]
    return ChangesPage(page["changes"], page["nextToken"], page["hasMore"], page["resyncRequired"])


def page_events(key: str, token: str, page: ChangesPage) -> Iterator[Event]:
    """The events of a page; `token` is the one that it was read with."""
    last = len(page.changes) - 1
    for number, change in enumerate(page.changes):
        yield make_event(page.next_token if number == last else token, orjson.dumps({"data": {key: change}}))


def resync_event(key: str, token: str) -> Event:
    """The event for a client that has to read everything with `changes`; `token`: the present one."""
    return make_event(token, orjson.dumps({"data": {key: None}})).resynchronizing()


def _rewrite(
    operation: Operation, request: GraphQLRequest, group: Sequence[FieldNode]
) -> tuple[GraphQLRequest, str]:
    """The query, and the name of its variable for the token."""
    declared = {each.variable.name.value for each in operation.node.variable_definitions or ()}
    token = "token"
    while token in declared:
        token += "_"
    variable = VariableNode(name=make_name(token))
    arguments = [
        *(argument for argument in group[0].arguments or () if argument.name.value == "filter"),
        ArgumentNode(name=make_name("since"), value=variable),
        ArgumentNode(name=make_name("first"), value=IntValueNode(value=str(PAGE_SIZE))),
    ]
    changes = make_field(_FIELD, selections=selections_of(group))
    page = [changes, *map(make_field, ("nextToken", "hasMore", "resyncRequired"))]
    definition = VariableDefinitionNode(
        variable=variable, type=NamedTypeNode(name=make_name("String")), directives=()
    )
    root = make_field(_FIELD, selections=page, arguments=arguments)
    return query_request(operation, request, root, [definition]), token
