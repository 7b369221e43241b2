"""Page arguments of a list: `first`, `last`, `after`, `before`, `page`."""

from __future__ import annotations

from dataclasses import dataclass

from graphql import FieldNode, GraphQLField

from contentql.errors import ApiError, LimitError
from contentql.planner.builder.context import BuildContext
from contentql.planner.cost import list_size, rounded, rounded_count
from contentql.planner.operation import ArgumentValue

MAX_SKIPPED = 10_000  # items before a numbered page
PAGE_ARGUMENTS = ("first", "last", "after", "before", "page")
_EXCLUSIVE = (
    ("page", "after"), ("page", "before"), ("page", "last"), ("first", "last"), ("first", "before"),
    ("last", "after"),
)  # fmt: skip


@dataclass(frozen=True)
class Page:
    """A page of at most `size` items; `cursor` is None on the first page.

    `backward`: the last items before the cursor. `offset`: SQL of the number of items before a numbered page,
    or "".
    """

    size: int
    backward: bool
    cursor: ArgumentValue
    offset: str


@dataclass(frozen=True)
class PageOffset:
    """Conversion of a page number to the number of items before the page. Raises INVALID_PAGE_SIZE."""

    size: int

    def __call__(self, number: int) -> int:
        most = 1 + MAX_SKIPPED // max(self.size, 1)
        if not 1 <= number <= most:
            raise LimitError(
                "INVALID_PAGE_SIZE",
                f"`page` is {number}; pages of {self.size} items have the numbers 1 to {most}.",
                "Go on with `after`, which has no limit, or use a filter.",
                count=number,
                limit=most,
            )
        return (number - 1) * self.size


def page_arguments(context: BuildContext, arguments: dict[str, ArgumentValue]) -> Page:
    """Returns the requested page. Raises ApiError INVALID_PAGE_SIZE."""
    present = [name for name in PAGE_ARGUMENTS if arguments.get(name) is not None]
    for name, other in _EXCLUSIVE:
        if name in present and other in present:
            raise ApiError(
                "INVALID_PAGE_SIZE",
                f"`{name}` and `{other}` exclude one another.",
                "Use `first` with `after` or `page`, or `last` with `before`.",
            )
    if "before" in present and "last" not in present:
        raise ApiError("INVALID_PAGE_SIZE", "`before` needs `last`.", "Send `last` as well.")
    backward = "last" in present
    name = "last" if backward else "first"
    size = _page_size(context, arguments.get(name), name)
    offset = ""
    if "page" in present:
        number = arguments["page"]
        offset = context.param(number, "int", PageOffset(size))
        context.charge_skipped_rows(size * (context.constrain(number, _rounded_page) - 1))
    return Page(size, backward, arguments.get("before" if backward else "after"), offset)


def first_argument(context: BuildContext, arguments: dict[str, ArgumentValue]) -> int:
    return _page_size(context, arguments.get("first"), "first")


def _rounded_page(number: int) -> int:
    """Returns the number rounded up to a power of two, so that few plans serve all pages."""
    return rounded(min(max(number, 1), MAX_SKIPPED))


def _page_size(context: BuildContext, value: ArgumentValue, name: str) -> int:
    if value is None:
        return context.limits.default_page
    size = int(context.constrain(value))
    if not 0 <= size <= context.limits.page:
        raise LimitError(
            "INVALID_PAGE_SIZE", f"`{name}` is {size}; a page has 0 to {context.limits.page} items.",
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
