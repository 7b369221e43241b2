"""Payloads of mutations: user errors, and the selection of the saved object."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    ArgumentNode,
    FieldNode,
    InlineFragmentNode,
    NamedTypeNode,
    NameNode,
    SelectionSetNode,
    StringValueNode,
)

from contentql.editorial.context import WriteResult
from contentql.editorial.user_errors import UserError
from contentql.editorial.warnings import Warning
from contentql.planner import field_plans
from contentql.planner.catalog import Catalog, named_type
from contentql.planner.operation import Operation, resolve_value

_MESSAGE_TYPES = {"userErrors": "UserError", "warnings": "Warning"}


@dataclass(frozen=True)
class MutationFieldCall:
    """One mutation field: its response key, its input and the selection of its payload."""

    key: str
    name: str
    field_plan: field_plans.MutationField
    payload: str
    input: Mapping[str, Any]
    selected: Mapping[str, list[FieldNode]]
    # By each key that shows userErrors or warnings: the selected fields of one.
    message_fields: Mapping[str, Sequence[FieldNode]]


def collect_mutation_fields(
    operation: Operation, catalog: Catalog, included: Callable[[Any], bool]
) -> list[MutationFieldCall]:
    """The fields of the mutation, in order."""
    results = []
    fields = operation.collect_fields([operation.node.selection_set], frozenset({"Mutation"}), included)
    for key, group in fields.items():
        name = group[0].name.value
        if name.startswith("__"):
            continue
        of = catalog.field_type("Mutation", name)
        plan = catalog.types["Mutation"].fields[name]
        assert isinstance(plan, field_plans.MutationField), name
        payload = named_type(of.type)
        arguments = resolve_value(operation.arguments(group[0], of), operation.variables)
        selections = [node.selection_set for node in group if node.selection_set]
        selected = operation.collect_fields(selections, frozenset({payload}), included)
        messages = {}
        for visible, nodes in selected.items():
            inner = [node.selection_set for node in nodes if node.selection_set]
            if message_type := _MESSAGE_TYPES.get(nodes[0].name.value):
                each = operation.collect_fields(inner, frozenset({message_type}), included)
                messages[visible] = [some[0] for some in each.values()]
        results.append(
            MutationFieldCall(
                key, name, plan, payload, _whole_seconds(arguments.get("input") or {}), selected, messages
            )
        )
    return results


def _whole_seconds(value: Any) -> Any:
    """Returns an input whose times have no fractions of a second, as they are stored."""
    if isinstance(value, Mapping):
        return {name: _whole_seconds(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_whole_seconds(inner) for inner in value]
    return value.replace(microsecond=0) if isinstance(value, dt.datetime) else value


def payload_value(result: WriteResult, name: str) -> Any:
    if name == "secret":
        return result.secret
    return result.id if name == "deletedId" else result.payload.get(name)


def payload_node_field(key: str, group: Sequence[FieldNode], thing: str, kind: str) -> FieldNode:
    """The field `node(id: …)` under the payload's response key, with the selection of the object."""
    selections = [
        InlineFragmentNode(
            type_condition=NamedTypeNode(name=NameNode(value=kind)),
            directives=(),
            selection_set=node.selection_set,
        )
        for node in group
        if node.selection_set
    ]
    return FieldNode(
        name=NameNode(value="node"),
        alias=NameNode(value=key),
        arguments=(ArgumentNode(name=NameNode(value="id"), value=StringValueNode(value=thing)),),
        directives=(),
        selection_set=SelectionSetNode(selections=tuple(selections)),
    )


def message_value(message: UserError | Warning, selected_fields: Sequence[FieldNode]) -> dict[str, Any]:
    """The selected fields of a user error or a warning."""
    values = {
        "__typename": "Warning" if isinstance(message, Warning) else "UserError",
        "code": message.code.value,
        "message": message.message,
        "field": list(message.field) or None,
        "hint": getattr(message, "hint", None),
        "place": getattr(message, "place", None),
    }
    return {(node.alias or node.name).value: values[node.name.value] for node in selected_fields}
