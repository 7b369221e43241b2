"""Cost of an operation: an estimate of the number of objects that it reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    OperationDefinitionNode,
    SelectionSetNode,
)

from contentql.errors import LimitError
from contentql.planner.catalog import Catalog, is_list
from contentql.planner.field_plans import JsonElements, RootField, ToMany
from contentql.planner.json_ld import JSON_LD_COST
from contentql.planner.limits import Limits

ASSUMED_LIST_SIZE = 10  # of a list without a limit
_COUNTED_LEAVES = {"totalCount": ASSUMED_LIST_SIZE, "jsonLd": JSON_LD_COST}


def operation_cost(
    catalog: Catalog,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    size: Callable[[FieldNode, GraphQLField], int],
    included: Callable[[Any], bool],
) -> int:
    """Returns the cost: each object counts 1, multiplied by the sizes of the lists that contain it.

    `size` returns the number of items of a list or connection, see `list_size`; each `totalCount` counts as
    ASSUMED_LIST_SIZE. The
    JSON-LD of an article counts as JSON_LD_COST. `included` evaluates @skip and @include.
    """
    existing: dict[tuple[str, str, int], int] = {}

    def of_selection(selections: SelectionSetNode, type_name: str, rows: int) -> int:
        total = 0
        for node in selections.selections:
            if node.directives and not included(node):
                continue
            if isinstance(node, FieldNode):
                if node.selection_set is None and node.name.value not in _COUNTED_LEAVES:
                    continue
                total += of_field(node, type_name, rows)
            elif isinstance(node, FragmentSpreadNode):
                key = (node.name.value, type_name, rows)
                if key not in existing:
                    existing[key] = 0
                    fragment = fragments[node.name.value]
                    existing[key] = of_selection(
                        fragment.selection_set, fragment.type_condition.name.value, rows
                    )
                total += existing[key]
            else:
                condition = node.type_condition  # type: ignore[attr-defined]
                inner = condition.name.value if condition else type_name
                total += of_selection(node.selection_set, inner, rows)  # type: ignore[attr-defined]
        return total

    def of_field(node: FieldNode, type_name: str, rows: int) -> int:
        name = node.name.value
        if name.startswith("__") or node.selection_set is None:
            return _COUNTED_LEAVES.get(name, 0)
        field = catalog.field(type_name, name)
        if field.is_leaf:
            return 0
        if is_page(field.target) and isinstance(field.plan, ToMany | RootField):
            return 1 + of_selection(node.selection_set, field.target, size(node, field.definition))
        times = 1
        if field.is_list:  # nodes and edges of a connection have one item per row
            times = rows if is_page(type_name) else size(node, field.definition)
        if isinstance(field.plan, JsonElements) and field.plan.parts_of_text:
            times = 1
        return times * (1 + of_selection(node.selection_set, field.target, rows))

    return of_selection(operation.selection_set, operation.operation.value.capitalize(), 1)


def is_page(type_name: str) -> bool:
    """True for types with a page of items: the size of their lists is an argument of the field before."""
    return type_name.endswith("Connection") or type_name == "ChangePage"


def list_size(field: GraphQLField, first: Any, last: Any, ids: int | None, limits: Limits) -> int:
    """Returns the maximum number of items of a list or connection, given the values of its arguments.

    `ids` is the number of items of the argument `ids`. The size of a list that has no limit is unknown before
    it is read, and assumed.
    """
    if ids is not None:
        return ids
    requested = first if last is None else last
    if isinstance(requested, int) and 0 <= requested <= limits.page:  # others are refused later
        return requested
    return ASSUMED_LIST_SIZE if is_list(field.type) else limits.default_page


def rounded_count(items: Any) -> int:
    """Returns the number of items, rounded up to a power of two: few sizes mean few plans."""
    return rounded(len(items) if isinstance(items, list) else 1)


def rounded(count: int) -> int:
    return 1 << max(0, count - 1).bit_length()


def check_scan_cost(cost: int, limits: Limits) -> None:
    """Raises ApiError COST_LIMIT_EXCEEDED if the cost is too high with the rows that conditions read."""
    if cost > limits.cost:
        raise LimitError(
            "COST_LIMIT_EXCEEDED",
            f"The operation has a cost of {cost:,}, most of it for rows that its conditions compare;"
            f" {limits.cost:,} are allowed.",
            "Use conditions that an index serves, such as `search`, `section`, a slug or a time.",
            cost=cost,
            limit=limits.cost,
        )


def check_cost_limit(cost: int, limits: Limits) -> None:
    """Raises ApiError COST_LIMIT_EXCEEDED."""
    if cost > limits.cost:
        raise LimitError(
            "COST_LIMIT_EXCEEDED",
            f"The operation has {cost:,} objects; {limits.cost:,} are allowed.",
            "Ask for fewer per page (`first`), or nest less.",
            cost=cost,
            limit=limits.cost,
        )
