"""Execution of a query by the planner and by graphql-core."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import orjson
from graphql import OperationDefinitionNode, parse

from contentql.auth.viewer import ANONYMOUS_VIEWER, Actor, Viewer
from contentql.execution.executor import Executor
from contentql.execution.request import GraphQLRequest, GraphQLResponse
from contentql.planner.variables import coerce_variables, variable_definitions
from contentql.schema.build import get_schema


async def query_data(executor: Executor, query: str, variables: Mapping[str, Any] | None = None) -> Any:
    """The data of a response that must have no errors."""
    response = await query_json(executor, query, variables)
    assert "errors" not in response, response["errors"]
    return response["data"]


async def query_json(
    executor: Executor,
    query: str,
    variables: Mapping[str, Any] | None = None,
    viewer: Viewer = ANONYMOUS_VIEWER,
) -> Any:
    """The response as JSON, without request ids."""
    response = orjson.loads((await execute(executor, query, variables, viewer)).body)
    for error in response.get("errors", ()):
        del error["extensions"]["requestId"]
    return response


async def execute(
    executor: Executor,
    query: str,
    variables: Mapping[str, Any] | None = None,
    viewer: Viewer = ANONYMOUS_VIEWER,
) -> GraphQLResponse:
    return await executor.execute(GraphQLRequest(query, None, variables or {}), actor=Actor(viewer))


async def execute_with_graphql_core(
    executor: Executor,
    query: str,
    variables: Mapping[str, Any] | None = None,
    viewer: Viewer = ANONYMOUS_VIEWER,
) -> Any:
    """The result of `schema.execute`: data, and error codes by path."""
    (node,) = (d for d in parse(query).definitions if isinstance(d, OperationDefinitionNode))
    core = get_schema()._schema
    values, errors = coerce_variables(core, variable_definitions(core, node), variables or {})
    assert not errors, errors
    now: dt.datetime = (viewer.preview_at or executor.now()).replace(microsecond=0)
    result = await get_schema().execute(
        query,
        variable_values=dict(variables or {}),
        context_value=lambda info: executor.resolve_root_field(info, values, now, viewer),
    )
    response: dict[str, Any] = {"data": result.data}
    if result.errors:
        response["errors"] = [(error.path, (error.extensions or {}).get("code")) for error in result.errors]
    return response


def codes_by_path(response: Mapping[str, Any]) -> dict[str, Any]:
    """Data and error codes by path of a response, in the form of `execute_with_graphql_core`."""
    result: dict[str, Any] = {"data": response.get("data")}
    if "errors" in response:
        result["errors"] = [(error.get("path"), error["extensions"]["code"]) for error in response["errors"]]
    return result
