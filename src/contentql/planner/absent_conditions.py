"""Removal of the conditions of a filter whose values are absent, before anything else reads the filter.

Clients write one operation with an optional variable for each condition. A condition whose variable is absent
is left out, together with the relation, the `not` or the item of `and` and `or` that holds nothing else: with
`$s` absent, `{story: {slug: {eq: $s}}}` is no condition, and neither is `{story: {}}`. The quantifiers
`some`, `every` and `none` can have `{}`, which any item meets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import GraphQLInputObjectType, GraphQLList, Undefined, get_named_type, get_nullable_type

from contentql.planner.operation import EMPTIED, ArgumentValue

_MAY_BE_EMPTY = {"some", "every", "none", "not", "and", "or"}


def without_absent_conditions(value: ArgumentValue, filter_type: GraphQLInputObjectType) -> ArgumentValue:
    """Returns a filter without its absent conditions; None if no condition remains."""
    result = _present(value, filter_type, may_be_empty=False)
    return None if result is Undefined else result


def _present(value: Any, of_type: Any, *, may_be_empty: bool) -> Any:
    """Returns the value without absent conditions; `Undefined` if it has no others."""
    if value is None:
        return Undefined
    of_type = get_nullable_type(of_type)
    named = get_named_type(of_type)
    if not isinstance(named, GraphQLInputObjectType):
        return value
    if isinstance(of_type, GraphQLList):
        items = [_present(item, of_type.of_type, may_be_empty=may_be_empty) for item in value]
        present = [item for item in items if item is not Undefined]
        return present if present or not items else Undefined
    assert isinstance(value, Mapping)
    if _is_comparison(named):
        compared = {name: inner for name, inner in value.items() if inner is not None or name != "isNull"}
        return compared or Undefined
    if not value and may_be_empty and value is not EMPTIED:
        return value
    members = {
        name: _present(inner, named.fields[name].type, may_be_empty=name in _MAY_BE_EMPTY)
        for name, inner in value.items()
    }
    return {name: inner for name, inner in members.items() if inner is not Undefined} or Undefined


def _is_comparison(of_type: GraphQLInputObjectType) -> bool:
    """True for operators on a value, where null is a value: `{eq: null}`."""
    return "eq" in of_type.fields
