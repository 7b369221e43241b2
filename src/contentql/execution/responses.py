"""Responses of executed plans, and their entries in the response cache."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import orjson

from contentql.cache.dependencies import Dependencies, bind_dependencies
from contentql.cache.entry import CachedResponse
from contentql.content import ids
from contentql.errors import ApiError, format_error
from contentql.execution.request import GraphQLResponse
from contentql.planner.plan import Plan
from contentql.planner.read_set import ReadSet, RowMarkers
from contentql.planner.variables import Variables

NO_MARKERS: Final = RowMarkers({}, {})
_NO_DEPENDENCIES: Final = Dependencies((), {}, {}, {})


def build_response(
    data: bytes,
    errors: Sequence[ApiError],
    request_id: str,
    locations: Sequence[Sequence[Mapping[str, int]]],
    extensions: Mapping[str, object] | None,
) -> GraphQLResponse:
    """The response: data, the errors of fields and items with their locations, extensions."""
    body = b'{"data":' + data
    if errors:
        formatted = [
            format_error(error, request_id, places) for error, places in zip(errors, locations, strict=True)
        ]
        body += b',"errors":' + orjson.dumps(formatted)
    if extensions:
        body += b',"extensions":' + orjson.dumps(extensions)
    # 294: data and errors in one response, by the GraphQL over HTTP specification of 2026.
    status = 294 if errors else 200
    return GraphQLResponse(status, body + b"}", tuple(error.code for error in errors))


def response_cost(data: bytes, plan_cost: int) -> int:
    """The number of objects in `data`, itself not counted, or the cost of the plan if that is higher.

    It may be a few more: `{"` in strings counts too. In most responses one character is counted, which takes
    a tenth of the time: there are no more objects than braces.
    """
    if data.count(b"{") - 1 <= plan_cost:
        return plan_cost
    return max(plan_cost, data.count(b'{"') + data.count(b"{}") - 1)


def cache_entry(
    body: bytes, plan: Plan, reads: ReadSet, variables: Variables, markers: RowMarkers, cost: int
) -> CachedResponse:
    """The response with what HTTP caches and the response cache must know of it; it depends on `reads`."""
    tags = [tag if leaf is None else f"{tag}:{leaf.value(variables)}" for tag, leaf in reads.listed]
    shown = [
        ids.encode_id(table, id_)
        for table, row_ids in markers.displayed_ids.items()
        if table in ids.PREFIXES
        for id_ in sorted(row_ids)
    ]
    dependencies = _NO_DEPENDENCIES if markers is NO_MARKERS else bind_dependencies(reads, variables, markers)
    return CachedResponse(
        body,
        dependencies,
        tuple(shown),
        tuple(tags),
        cost,
        plan.statements,
        markers.rows,
        plan.max_age,
        plan.private,
    )
