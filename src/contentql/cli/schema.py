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
        answers = build_executor(settings, Database(settings.database_url))
        plan, _ = answers.explain(GraphQLRequest(text, operation, values))
    except (OperatorError, ApiError) as exc:
        raise exit_with_error(exc) from None
    except OSError as exc:
        raise exit_with_error(OperatorError(f"{document} cannot be read: {exc.strerror}.")) from None
    except UnicodeDecodeError:
        raise exit_with_error(OperatorError(f"{document} is not UTF-8 text.")) from None
    except ValueError:
        raise exit_with_error(OperatorError("--variables must be a JSON object.")) from None
    result = _statements(plan.statement)
    facts = {
        "dialect": answers.dialect.name,
        "cost": plan.cost,
        "limit": answers.limits.cost,
        "statements": [{"sql": s.sql, "parameters": [_parameter(p) for p in s.params]} for s in result],
    }
    if json:
        typer.echo(orjson.dumps(facts, option=orjson.OPT_INDENT_2).decode())
        return
    typer.echo(f"cost        {plan.cost} of {answers.limits.cost} objects")
    typer.echo(f"statements  {len(result)}, one snapshot")
    for statement in result:
        typer.echo(f"\n-- {answers.dialect.name}\n{statement.sql}")
        for number, param in enumerate(statement.params, 1):
            typer.echo(f"--   {number}: {_parameter(param)}")


def _statements(statement: Statement | None) -> list[Statement]:
    if statement is None:
        return []
    return [statement, *(inner for cut in statement.sub_statements for inner in _statements(cut))]


def _parameter(param: Any) -> str:
    source = param.source
    text = (
        source
        if isinstance(source, str)
        else ".".join(map(str, source.path))
        if hasattr(source, "path")
        else ""
    )
    return f"{param.kind} {'$' if hasattr(source, 'path') else ''}{text or type(source).__name__.lower()}"
