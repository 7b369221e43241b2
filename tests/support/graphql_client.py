"""Two ways to one answer: the planner's bytes, and graphql-core walking what the planner read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import orjson
from graphql import OperationDefinitionNode, parse

from contentql.execution.executor import Executor, GraphQLRequest, GraphQLResponse
from contentql.planner.operation import coerce_variables, variable_definitions
from contentql.schema.build import get_schema


async def ask(executor: Executor, query: str, variables: Mapping[str, Any] | None = None) -> Any:
    """The data of an answer that must have no errors."""
    said = await whole(executor, query, variables)
    assert "errors" not in said, said["errors"]
    return said["data"]


async def whole(executor: Executor, query: str, variables: Mapping[str, Any] | None = None) -> Any:
    """The answer as JSON, request ids left out."""
    found = orjson.loads((await answered(executor, query, variables)).body)
    for error in found.get("errors", ()):
        del error["extensions"]["requestId"]
    return found


async def answered(
    executor: Executor, query: str, variables: Mapping[str, Any] | None = None
) -> GraphQLResponse:
    return await executor.execute(GraphQLRequest(query, None, variables or {}))


async def walked(executor: Executor, query: str, variables: Mapping[str, Any] | None = None) -> Any:
    """The same operation through `schema.execute`: data, and the codes of errors by path."""
    (node,) = (d for d in parse(query).definitions if isinstance(d, OperationDefinitionNode))
    core = get_schema()._schema
    values, errors = coerce_variables(core, variable_definitions(core, node), variables or {})
    assert not errors, errors
    now: dt.datetime = executor.now().replace(microsecond=0)
    result = await get_schema().execute(
        query,
        variable_values=dict(variables or {}),
        context_value=lambda info: executor.resolve_root_field(info, values, now),
    )
    found: dict[str, Any] = {"data": result.data}
    if result.errors:
        found["errors"] = [(error.path, (error.extensions or {}).get("code")) for error in result.errors]
    return found


def codes(said: Mapping[str, Any]) -> dict[str, Any]:
    """What `walked` says, of an answer of `whole`: data, and the codes of errors by path."""
    found: dict[str, Any] = {"data": said.get("data")}
    if "errors" in said:
        found["errors"] = [(error.get("path"), error["extensions"]["code"]) for error in said["errors"]]
    return found
