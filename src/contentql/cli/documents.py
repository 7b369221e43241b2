"""`contentql documents`: trusted documents."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from graphql import OperationDefinitionNode, parse
from rich.table import Table

from contentql.app import build_executor
from contentql.cli.runtime import EXIT_PARTIAL, DatabaseUrl, plain_table, print_table, with_database
from contentql.content.timestamps import format_timestamp
from contentql.errors import ApiError
from contentql.execution.executor import Executor
from contentql.execution.request import GraphQLRequest
from contentql.formats.manifests import ManifestEntry, read_manifest
from contentql.settings import Settings
from contentql.store.database import Database
from contentql.store.models.documents import TrustedDocument
from contentql.store.trusted_documents import (
    NewTrustedDocument,
    add_documents,
    list_documents,
    normalize_document_id,
    remove_documents,
)

documents = typer.Typer(add_completion=False)


@documents.callback(invoke_without_command=True)
def list_(
    context: typer.Context,
    database: DatabaseUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with full ids and texts.")] = False,
) -> None:
    """List, add and remove trusted documents: operations that clients send by id.

    Without a subcommand, lists all documents with cost and use. With CONTENTQL_TRUSTED_DOCUMENTS=required,
    the server executes no other operations.

    Exit codes: 0 success, 1 nothing was changed, 2 wrong usage, 3 partial success.

    Examples:

      contentql documents list
      contentql documents add persisted-query-manifest.json --client web
      contentql documents remove --client web
    """
    if context.invoked_subcommand is None:
        _print_documents(database, as_json)


@documents.command("list")
def list_command(
    database: DatabaseUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with full ids and texts.")] = False,
) -> None:
    """List all trusted documents with cost and use."""
    _print_documents(database, as_json)


def _print_documents(database: str | None, as_json: bool) -> None:
    rows = with_database(database, lambda _, db: list_documents(db))
    if as_json:
        typer.echo(orjson.dumps([_document_fields(row) for row in rows], option=orjson.OPT_INDENT_2))
    elif rows:
        print_table(_table(rows))
    else:
        typer.echo("There are no trusted documents. Add some with: contentql documents add MANIFEST")


@documents.command()
def add(
    manifests: Annotated[
        list[str], typer.Argument(metavar="MANIFEST...", help="Manifest files, or - for standard input.")
    ],
    client: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Client that uses the documents, for example web or ios."),
    ] = None,
    database: DatabaseUrl = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Report what would happen; change nothing.")
    ] = False,
) -> None:
    """Add the documents of manifests. Documents that are not valid for the schema are reported; the others
    are added.

    A manifest is the output of Apollo's generate-persisted-query-manifest, Relay's persistConfig,
    graphql-codegen's persistedDocuments or gql.tada's generate-persisted, or a file with one GraphQL
    document. Adding the same manifest again changes nothing. A document that exists already stays with its
    client.

    Exit codes: 0 all documents are stored, 1 none is, 2 wrong usage, 3 some failed.

    Examples:

      contentql documents add persisted-query-manifest.json --client web
      contentql documents add persisted.json latest.graphql --dry-run
    """
    if client is not None and not (client.isprintable() and 0 < len(client) <= _MAX_CLIENT_LENGTH):
        raise typer.BadParameter(
            f"a client name has 1 to {_MAX_CLIENT_LENGTH} printable characters", param_hint="--client"
        )

    async def work(settings: Settings, db: Database) -> list[_Outcome]:
        executor = build_executor(settings, db)
        checked = [
            _check_entry(executor, entry, client) for name in manifests for entry in _read_entries(name)
        ]
        valid = [document for _, document in checked if isinstance(document, NewTrustedDocument)]
        results = iter(await add_documents(db, valid, dry_run=dry_run))
        return [
            _outcome(entry, document, next(results)) if isinstance(document, NewTrustedDocument)
            else _Outcome(entry.where, _short_label(entry.name, entry.id), "failed", document)
            for entry, document in checked
        ]  # fmt: skip

    outcomes = with_database(database, work)
    for outcome in outcomes:
        if outcome.result == "failed" or len(outcomes) <= _MAX_LISTED:
            typer.echo(str(outcome))
    results = Counter(outcome.result for outcome in outcomes)
    counts = {result: results[result] for result in ("added", "unchanged", "failed")}
    text = ", ".join(f"{count} {result}" for result, count in counts.items())
    typer.echo(f"{len(outcomes)} documents: {text}.{' Dry run: nothing was changed.' if dry_run else ''}")
    if counts["failed"]:
        raise typer.Exit(1 if counts["failed"] == len(outcomes) else EXIT_PARTIAL)


@documents.command()
def remove(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Ids, or at least their first 8 characters.")
    ] = None,
    client: Annotated[
        str | None, typer.Option(metavar="NAME", help="Remove all documents of this client.")
    ] = None,
    database: DatabaseUrl = None,
) -> None:
    """Remove trusted documents by id, or all documents of a client. Running servers notice within seconds.

    Exit codes: 0 all documents are removed, 1 none was, 2 wrong usage, 3 some ids are unknown.

    Examples:

      contentql documents remove 8b43f1c29d07
      contentql documents remove --client web
    """
    if bool(ids) == (client is not None):
        raise typer.BadParameter("use either ids or --client", param_hint="ID")

    async def work(_: Settings, db: Database) -> tuple[int, list[str]]:
        rows = await list_documents(db)
        if client is not None:
            return await remove_documents(db, [row.id for row in rows if row.client == client]), []
        selected: set[str] = set()
        problems: list[str] = []
        for id in ids or ():
            matches = _matching_ids(rows, id)
            selected.update(matches if len(matches) == 1 else ())
            if len(matches) != 1:
                reason = "several document ids begin with this" if matches else "no document has this id"
                problems.append(f"{id}: {reason}")
        return await remove_documents(db, sorted(selected)), problems

    removed, problems = with_database(database, work)
    for line in problems:
        typer.echo(line)
    typer.echo(f"{removed} documents removed.")
    if problems or not removed:
        raise typer.Exit(EXIT_PARTIAL if removed else 1)


@dataclass(frozen=True)
class _Outcome:
    """Outcome of the manifest entry at `location`."""

    location: str
    label: str
    result: str
    reason: str = ""

    def __str__(self) -> str:
        text = f"{self.location}: {self.result} {self.label}".rstrip()
        return f"{text}: {self.reason}" if self.reason else text


_MAX_LISTED = 20  # with more documents, only failed ones are listed
_MAX_CLIENT_LENGTH = 100
_SHORT_ID_LENGTH = 12
_MIN_ID_PREFIX = 8
# Codes of errors that do not depend on the variables.
_FATAL_CODES = {
    "GRAPHQL_PARSE_FAILED",
    "GRAPHQL_VALIDATION_FAILED",
    "DOCUMENT_TOO_LARGE",
    "DEPTH_LIMIT_EXCEEDED",
    "ALIAS_LIMIT_EXCEEDED",
}


def _read_entries(name: str) -> Iterator[ManifestEntry]:
    try:
        content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as exc:
        yield ManifestEntry(name, error=f"cannot be read: {exc.strerror or exc}")
        return
    yield from read_manifest(content, "standard input" if name == "-" else name)


def _check_entry(
    executor: Executor, entry: ManifestEntry, client: str | None
) -> tuple[ManifestEntry, NewTrustedDocument | str]:
    """The document as it would be stored, or the reason for its rejection."""
    if entry.error:
        return entry, entry.error
    try:
        name, cost = _name_and_cost(executor, entry)
    except ApiError as exc:
        return entry, f"{exc.message} {exc.hint or ''}".rstrip()
    return entry, NewTrustedDocument(entry.id, entry.text, name, client, cost)


def _name_and_cost(executor: Executor, entry: ManifestEntry) -> tuple[str | None, int | None]:
    """Raises ApiError if the document can never be executed. The cost is None if it depends on variables."""
    error: ApiError | None = None
    cost: int | None = None
    try:
        plan, _ = executor.explain(GraphQLRequest(entry.text, entry.name))
        cost = plan.cost
        error = next(iter(plan.root_errors), None)
    except ApiError as exc:
        if exc.code in _FATAL_CODES:
            raise
        error = exc
    operations = [
        definition
        for definition in parse(entry.text).definitions
        if isinstance(definition, OperationDefinitionNode)
    ]
    is_ambiguous = entry.name is None and len(operations) > 1
    if error and not is_ambiguous and not any(operation.variable_definitions for operation in operations):
        raise error
    name = operations[0].name.value if len(operations) == 1 and operations[0].name else entry.name
    return name, None if error else cost


def _outcome(entry: ManifestEntry, document: NewTrustedDocument, result: str) -> _Outcome:
    label = _short_label(document.name, document.id)
    if result == "taken":
        return _Outcome(entry.where, label, "failed", "another document has this id; remove it first")
    return _Outcome(entry.where, label, result)


def _matching_ids(rows: Sequence[TrustedDocument], id: str) -> list[str]:
    """The ids that equal `id`, or else begin with it if it is long enough."""
    ids = [row.id for row in rows]
    prefix = normalize_document_id(id)
    if prefix in ids:
        return [prefix]
    return [
        document_id
        for document_id in ids
        if prefix and len(prefix) >= _MIN_ID_PREFIX and document_id.startswith(prefix)
    ]


def _short_label(name: str | None, id: str) -> str:
    return " ".join(filter(None, (name, id[:_SHORT_ID_LENGTH])))


def _document_fields(row: TrustedDocument) -> dict[str, Any]:
    return {
        "id": row.id,
        "sha256": row.sha256,
        "name": row.name,
        "client": row.client,
        "cost": row.cost,
        "uses": row.uses,
        "addedAt": _time(row.added_at),
        "lastUsedAt": _time(row.last_used_at),
        "text": row.text,
    }


def _time(at: Any) -> str | None:
    return format_timestamp(at) if at else None


def _table(rows: Sequence[TrustedDocument]) -> Table:
    table = plain_table("id", "name", "client", "cost", "uses", "last used")
    for column in (3, 4):
        table.columns[column].justify = "right"
    for row in rows:
        cost = "" if row.cost is None else f"{row.cost:,}"
        used = _time(row.last_used_at) or "never"
        table.add_row(
            row.id[:_SHORT_ID_LENGTH], row.name or "", row.client or "", cost, f"{row.uses:,}", used
        )
    return table
