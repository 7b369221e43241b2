"""contentql on SQLite with one byte per statement on a file descriptor.

SQLite's trace callback reports the statements. Run as a process by `bench.servers`, which does not time it.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
from typing import Any

import uvicorn


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m contentql.bench.statement_tracer", description=__doc__)
    parser.add_argument("--database", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pipe", type=int, required=True)
    options = parser.parse_args()
    connect = sqlite3.connect

    def traced_factory(*arguments: Any, **keywords: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **keywords)
        connection.set_trace_callback(lambda _: os.write(options.pipe, b"."))
        return connection

    sqlite3.connect = traced_factory  # type: ignore[assignment]
    os.environ["CONTENTQL_DATABASE_URL"] = options.database
    uvicorn.run(
        "contentql.app:create_app",
        factory=True,
        host="127.0.0.1",
        port=options.port,
        access_log=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
