"""The command `contentql`, for operators.

Exit codes: 0 success, 1 an error, described in one sentence, 2 wrong usage, 3 partial success.

Each command's module is imported when the command runs: `contentql --help` imports nothing of the rest.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

# name: the module under contentql.cli, the function or Typer in it, the help line.
COMMANDS: Final[dict[str, tuple[str, str, str]]] = {
    "serve": ("serve", "serve", "Run the HTTP server: GraphQL at /graphql, GraphiQL at /graphiql."),
    "import": (
        "importing",
        "import_",
        "Import articles from feeds, exports of other systems and pages.",
    ),
    "export": ("exporting", "export", "Export all content as JSON Lines, or articles in other formats."),
    "migrate": ("database", "migrate", "Create the database or apply pending migrations."),
    "check": ("database", "check", "Check settings, database and migrations."),
    "schema": ("schema", "schema", "Print the GraphQL schema in SDL."),
    "explain": ("schema", "explain", "Print cost, statements and SQL of a GraphQL document."),
    "documents": ("documents", "documents", "List, add and remove trusted documents."),
    "tokens": ("tokens", "tokens", "Create, list and revoke API tokens."),
    "webhooks": ("webhooks", "webhooks", "Create, list and delete webhooks; replay deliveries."),
    "cache": ("cache", "cache", "Manage the response cache."),
    "backup": ("backup", "backup", "Back up the database to one file, while servers run."),
    "restore": ("backup", "restore", "Restore the database from a backup."),
    "bench": ("bench", "bench", "Measure speed against hand-written SQL on generated content."),
}


class _LazyCommand(TyperCommand):
    """A command whose module is imported when it runs; until then it has a name and a help line."""

    def __init__(self, name: str, module: str, attribute: str, help: str) -> None:
        super().__init__(name, callback=None, help=help)
        self._module, self._attribute = f"contentql.cli.{module}", attribute

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        return self._load().make_context(info_name, args, parent, **extra)

    def _load(self) -> Any:
        target = getattr(import_module(self._module), self._attribute)
        if isinstance(target, typer.Typer):
            return typer.main.get_command(target)
        single_app = typer.Typer(add_completion=False)
        single_app.command(self.name)(target)
        return typer.main.get_command(single_app)


class _Commands(TyperGroup):
    """The commands of `COMMANDS`, in that order."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return _LazyCommand(cmd_name, *COMMANDS[cmd_name]) if cmd_name in COMMANDS else None


app = typer.Typer(
    name="contentql",
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def main() -> None:
    """A headless content API for newsrooms, on one GraphQL schema.

    To start, run `contentql serve --demo` and open http://127.0.0.1:8000/graphiql.
    """
