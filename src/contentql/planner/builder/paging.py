"""Page arguments of a list: `first`, `last`, `after`, `before`."""

from __future__ import annotations

from graphql import FieldNode, GraphQLField

from contentql.errors import ApiError, LimitError
from contentql.planner.builder.context import BuildContext
from contentql.planner.cost import list_size, rounded_count
from contentql.planner.operation import ArgumentValue


def page_arguments(context: BuildContext, arguments: dict[str, ArgumentValue]) -> tuple[int, bool]:
    first, last = arguments.get("first"), arguments.get("last")
    if first is not None and last is not None:
        raise ApiError("INVALID_PAGE_SIZE", "A page has either `first` or `last`, not both.")
    if last is None and arguments.get("before") is not None:
        raise ApiError("INVALID_PAGE_SIZE", "`before` goes with `last`, `after` with `first`.")
    if last is not None and arguments.get("after") is not None:
        raise ApiError("INVALID_PAGE_SIZE", "`before` goes with `last`, `after` with `first`.")
    size = _page_size(context, last if last is not None else first, "last" if last is not None else "first")
    return size, last is not None


def first_argument(context: BuildContext, arguments: dict[str, ArgumentValue]) -> int:
    return _page_size(context, arguments.get("first"), "first")


def _page_size(context: BuildContext, value: ArgumentValue, name: str) -> int:
    if value is None:
        return context.limits.default_page
    size = int(context.constrain(value))
    if not 1 <= size <= context.limits.page:
        raise LimitError(
            "INVALID_PAGE_SIZE", f"`{name}` is {size}; a page has 1 to {context.limits.page}.",
            f"Ask for {context.limits.page} at most and go on with `after`.",
            count=size, limit=context.limits.page,
        )  # fmt: skip
    return size


def list_size_of(context: BuildContext, node: FieldNode, field: GraphQLField) -> int:
    """Returns the maximum number of items of a list or connection, as far as its arguments tell."""
    names = ("first", "last", "ids")
    arguments = context.operation.arguments(node, field, names)
    first, last, ids = (arguments.get(name) for name in names)
    count = None if ids is None else context.constrain(ids, rounded_count)
    return list_size(field, context.constrain(first), context.constrain(last), count, context.limits)
