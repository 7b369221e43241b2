"""The command `contentql`: doors for the operator.

Exit codes: 0 done, 1 cannot work as it is (one sentence says why), 2 wrong use of the command, 3 done in
part.
"""

from __future__ import annotations

import typer

from contentql.cli.backup import backup, restore
from contentql.cli.bench import bench
from contentql.cli.cache import purge_cache
from contentql.cli.database import check, migrate
from contentql.cli.documents import documents
from contentql.cli.import_export import export, import_
from contentql.cli.schema import explain, schema
from contentql.cli.serve import serve
from contentql.cli.tokens import tokens

app = typer.Typer(
    name="contentql",
    help="A headless content API for newsrooms, on one GraphQL schema.\n\n"
    "Begin with `contentql serve --demo` and open http://127.0.0.1:8000/graphiql.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(serve)
app.command("import")(import_)
app.command()(export)
app.command()(migrate)
app.command()(check)
app.command()(schema)
app.command()(explain)
app.add_typer(documents, name="documents")
app.add_typer(tokens, name="tokens")
app.command()(backup)
app.command()(restore)
app.command()(purge_cache)
app.command()(bench)
