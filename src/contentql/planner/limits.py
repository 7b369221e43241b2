"""Limits on documents and filters: depth, aliases, fields and conditions.

Counts are memoized by fragment, so the time depends on the length of the document, not on its size after
expansion of fragments that spread one another.

Invariant: calls no resolvers and builds no SQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from contentql.errors import LimitError
from contentql.planner.operation import ArgumentValue


@dataclass(frozen=True)
class Limits:
    """Limits of an operation; a newsroom's usual operations stay far below the defaults.

    `characters` and `tokens` of the document; `fields` after expansion of fragments; `page` is the maximum
    page size; `input_items` of a list value; `input_depth` and `conditions` of filters; `scans`: conditions
    that no index serves; `text` is the maximum length of a text value in characters.
    """

    characters: int = 65_536
    tokens: int = 2_000
    depth: int = 15
    aliases: int = 50
    root_fields: int = 20
    fields: int = 5_000
    cost: int = 10_000
    page: int = 100
    default_page: int = 20
    input_items: int = 250
    input_depth: int = 12
    conditions: int = 500
    scans: int = 20
    text: int = 10_000


@dataclass(frozen=True)
class _Size:
    depth: int = 0
    aliases: int = 0
    fields: int = 0


def check_document_limits(document: DocumentNode, limits: Limits) -> None:
    """Checks depth, aliases, root fields and expanded fields of all operations; needs no schema.

    Raises ApiError DEPTH_LIMIT_EXCEEDED, ALIAS_LIMIT_EXCEEDED or DOCUMENT_TOO_LARGE.
    """
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    existing: dict[str, _Size] = {}

    def size(selections: SelectionSetNode | None) -> _Size:
        depth = aliases = fields = 0
        for node in selections.selections if selections else ():
            if isinstance(node, FieldNode):
                inner = size(node.selection_set)
                inner = _Size(inner.depth + 1, inner.aliases + (node.alias is not None), inner.fields + 1)
            elif isinstance(node, FragmentSpreadNode):
                inner = of_fragment(node.name.value)
            else:
                inner = size(node.selection_set)  # type: ignore[attr-defined]
            depth, aliases, fields = max(depth, inner.depth), aliases + inner.aliases, fields + inner.fields
        return _Size(depth, aliases, fields)

    def of_fragment(name: str) -> _Size:
        if name not in existing:
            existing[name] = _Size()  # ends cycles of fragments; validation reports them
            if name in fragments:
                existing[name] = size(fragments[name].selection_set)
        return existing[name]

    for operation in document.definitions:
        if not isinstance(operation, OperationDefinitionNode):
            continue
        complete = size(operation.selection_set)
        _check_count(
            complete.depth,
            limits.depth,
            "DEPTH_LIMIT_EXCEEDED",
            "levels of nesting",
            "Ask in two smaller queries.",
        )
        _check_count(
            complete.aliases,
            limits.aliases,
            "ALIAS_LIMIT_EXCEEDED",
            "aliases",
            "Use one list with a filter instead.",
        )
        roots = _roots(operation.selection_set, fragments)
        _check_count(
            roots, limits.root_fields, "ALIAS_LIMIT_EXCEEDED", "root fields", "Send several operations."
        )
        _check_count(
            complete.fields,
            limits.fields,
            "DOCUMENT_TOO_LARGE",
            "fields, fragments unfolded",
            "Ask for less.",
        )


def check_filter_limits(value: ArgumentValue, limits: Limits, before: int) -> int:
    """Returns the number of filter conditions: `before`, those of earlier filters, plus those of this one.

    The limits stay below what the parsers of the databases can nest. Raises ApiError INPUT_LIMIT_EXCEEDED.
    """
    depth, conditions = _measure(value)
    if depth > limits.input_depth:
        raise LimitError(
            "INPUT_LIMIT_EXCEEDED",
            f"A filter is nested {depth} levels deep; {limits.input_depth} are allowed.",
            "Say it with fewer conditions inside one another.",
            count=depth,
            limit=limits.input_depth,
        )
    if before + conditions > limits.conditions:
        raise LimitError(
            "INPUT_LIMIT_EXCEEDED",
            f"The filters of the operation have more than {limits.conditions:,} conditions.",
            "Use `in` instead of `or`, or ask in several operations.",
            count=before + conditions,
            limit=limits.conditions,
        )
    return before + conditions


def check_scan_limit(scans: int, limits: Limits) -> None:
    """Raises ApiError INPUT_LIMIT_EXCEEDED for too many conditions that are evaluated for every row."""
    if scans > limits.scans:
        raise LimitError(
            "INPUT_LIMIT_EXCEEDED",
            f"The operation has more than {limits.scans} conditions that no index serves: `contains`,"
            " `startsWith`, those that end in Fold, `every`, related rows without an id or slug, phrases and"
            " prefixes of a search.",
            "Use `search` instead of `contains`, or ask in several operations.",
            count=scans,
            limit=limits.scans,
        )


def _measure(value: ArgumentValue) -> tuple[int, int]:
    """Returns the depth of nested input objects and the number of their fields and list items."""
    if isinstance(value, Mapping):
        inner = [_measure(one) for one in value.values()]
        return 1 + max((depth for depth, _ in inner), default=0), sum(1 + count for _, count in inner)
    if isinstance(value, list | tuple):
        inner = [_measure(one) for one in value]
        return max((depth for depth, _ in inner), default=0), sum(1 + count for _, count in inner)
    return 0, 0


def _check_count(count: int, limit: int, code: str, what: str, hint: str) -> None:
    if count > limit:
        message = f"The operation has {count:,} {what}; {limit:,} are allowed."
        raise LimitError(code, message, hint, count=count, limit=limit)


def _roots(selections: SelectionSetNode, fragments: Mapping[str, Any]) -> int:
    seen: set[str] = set()

    def count(selection_set: SelectionSetNode) -> int:
        total = 0
        for node in selection_set.selections:
            if isinstance(node, FieldNode):
                total += 1
            elif isinstance(node, FragmentSpreadNode):
                if node.name.value not in seen and node.name.value in fragments:
                    seen.add(node.name.value)
                    total += count(fragments[node.name.value].selection_set)
            else:
                total += count(node.selection_set)  # type: ignore[attr-defined]
        return total

    return count(selections)
