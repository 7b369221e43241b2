"""The schema executed by graphql-core, with the planner behind its root fields: the reference for tests."""

from __future__ import annotations

import datetime as dt
from typing import Any

import orjson
from graphql import GraphQLResolveInfo, OperationDefinitionNode, OperationType, SelectionSetNode

from contentql.auth.viewer import ANONYMOUS_VIEWER, Viewer
from contentql.errors import ApiError
from contentql.execution.errors import graphql_error
from contentql.execution.json_ld import with_json_ld
from contentql.execution.planning import Planner
from contentql.planner.execute import SnapshotReader, execute_plan
from contentql.planner.operation import Operation
from contentql.planner.params import RootFieldError
from contentql.planner.sql.nodes import Dialect
from contentql.planner.variables import Variables


async def resolve_root_field(
    planner: Planner,
    dialect: Dialect,
    reader: SnapshotReader,
    info: GraphQLResolveInfo[Any],
    variables: Variables,
    now: dt.datetime,
    seconds: float,
    viewer: Viewer = ANONYMOUS_VIEWER,
) -> Any:
    """One root field as Python values, which graphql-core then resolves field by field."""
    node = OperationDefinitionNode(
        operation=OperationType.QUERY,
        variable_definitions=info.operation.variable_definitions,
        selection_set=SelectionSetNode(selections=tuple(info.field_nodes)),
        directives=(),
    )
    operation = Operation(planner.catalog.schema, node, info.fragments, variables)
    try:
        plan, _ = planner.build(operation, {}, with_typename=True, viewer=viewer)
        response = await execute_plan(plan, dialect, reader, variables, now, seconds)
    except RootFieldError as exc:
        raise graphql_error(exc.refusal) from None
    except ApiError as exc:
        raise graphql_error(exc) from None
    if plan.root_errors:
        raise graphql_error(plan.root_errors[0])
    result = orjson.loads(with_json_ld(response.data, plan, planner.site))[info.path.key]
    for error in plan.item_errors(variables):
        result[error.path[-1]] = graphql_error(error)
    return result
