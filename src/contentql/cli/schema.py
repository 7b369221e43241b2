"""`contentql schema` and `contentql explain`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from contentql.app import build_executor
from contentql.cli.runtime import DatabaseUrl, exit_with_error
from contentql.errors import ApiError, OperatorError
from contentql.execution.request import GraphQLRequest
from contentql.planner.plan import Statement
from contentql.schema.build import sdl
from contentql.settings import load_settings
from contentql.store.database import Database


def schema() -> None:
    """Print the GraphQL schema in SDL, with all descriptions."""
    typer.echo(sdl(), nl=False)


def explain(
    document: Annotated[str, typer.Argument(help="File with a GraphQL document, or - for standard input.")],
    variables: Annotated[
        str, typer.Option(help='Variables as JSON, for example \'{"section": "world"}\'.')
    ] = "{}",
    operation: Annotated[
        str | None, typer.Option(help="Operation name, if the document has several operations.")
    ] = None,
    database: DatabaseUrl = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Print cost, statements and SQL of a GraphQL document. Reads no data and needs no database."""
    try:
        settings = load_settings(database_url=database)
        text = sys.stdin.read() if document == "-" else Path(document).read_text("utf-8")
        values: Any = orjson.loads(variables)
        if not isinstance(values, dict):
            raise ValueError("object")
        executor = build_executor(settings, Database(settings.database_url))
        plan, _ = executor.explain(GraphQLRequest(text, operation, values))
    except (OperatorError, ApiError) as exc:
        raise exit_with_error(exc) from None
    except OSError as exc:
        raise exit_with_error(OperatorError(f"{document} cannot be read: {exc.strerror}.")) from None
    except UnicodeDecodeError:
        raise exit_with_error(OperatorError(f"{document} is not UTF-8 text.")) from None
    except ValueError:
        raise exit_with_error(OperatorError("--variables must be a JSON object.")) from None
    statements = _statements(plan.statement)
    explanation = {
        "dialect": executor.dialect.name,
        "cost": plan.cost,
        "limit": executor.limits.cost,
        "statements": [
            {"sql": statement.sql, "parameters": [_parameter(param) for param in statement.params]}
            for statement in statements
        ],
    }
    if json:
        typer.echo(orjson.dumps(explanation, option=orjson.OPT_INDENT_2).decode())
        return
    typer.echo(f"cost        {plan.cost} of {executor.limits.cost} objects")
    typer.echo(f"statements  {len(statements)}, one snapshot")
    for statement in statements:
        typer.echo(f"\n-- {executor.dialect.name}\n{statement.sql}")
        for number, param in enumerate(statement.params, 1):
            typer.echo(f"--   {number}: {_parameter(param)}")


def _statements(statement: Statement | None) -> list[Statement]:
    """The statement and its sub-statements, in the order of their execution."""
    if statement is None:
        return []
    return [statement, *(nested for sub in statement.sub_statements for nested in _statements(sub))]


def _parameter(param: Any) -> str:
    """The kind and the source of a parameter, for example `text $section`."""
    source = param.source
    text = (
        source
        if isinstance(source, str)
        else ".".join(map(str, source.path))
        if hasattr(source, "path")
        else ""
    )
    return f"{param.kind} {'$' if hasattr(source, 'path') else ''}{text or type(source).__name__.lower()}"
