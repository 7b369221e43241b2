"""`contentql bench`: speed on this machine, compared with hand-written SQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from enum import Enum
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Table

from contentql.bench import servers
from contentql.bench.databases import PostgresNotFound, open_databases
from contentql.bench.measure import (
    ColdResult,
    GrowthResult,
    HotResult,
    measure_cold,
    measure_growth,
    measure_hot,
)
from contentql.bench.workloads import WORKLOADS
from contentql.cli.runtime import exit_with_error, stderr
from contentql.errors import OperatorError
from contentql.store.errors import DatabaseKind

SMALL = 10_000


class Databases(str, Enum):
    """Databases to measure on."""

    sqlite = "sqlite"
    postgres = "postgres"
    both = "both"


def bench(
    articles: Annotated[
        int, typer.Option(min=200, max=20_000_000, help="Number of generated articles.")
    ] = SMALL,
    database: Annotated[Databases, typer.Option(help="Databases to measure on.")] = Databases.both,
    postgres_url: Annotated[
        str | None,
        typer.Option(help="URL of any database of a PostgreSQL server; new databases are created on it."),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; medians are reported.")] = 5,
    seconds: Annotated[float, typer.Option(min=0.2, help="Seconds of load per measurement.")] = 2.0,
    workloads: Annotated[str, typer.Option(help="Workloads, separated by commas.")] = ",".join(WORKLOADS),
    heating: Annotated[bool, typer.Option("--hot", help="Measure cached responses too.")] = False,
    growing: Annotated[
        bool, typer.Option("--growth", help="Measure W1 and W5 with few and with many articles too.")
    ] = False,
    growth_articles: Annotated[
        int, typer.Option(min=400, help="Number of articles for --growth.")
    ] = 1_000_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    keep: Annotated[
        Path | None,
        typer.Option(help="Folder for the databases, to be reused by later runs.", file_okay=False),
    ] = None,
    search: Annotated[
        bool, typer.Option("--search", help="Generate search terms too: slow, and not used by any workload.")
    ] = False,
) -> None:
    """Measure speed against hand-written SQL on generated content."""

    def tell(line: str) -> None:
        stderr.print(line, markup=False)

    names = [name.strip().upper() for name in workloads.split(",") if name.strip()]
    unknown = [name for name in names if name not in WORKLOADS]
    if unknown or not names:
        raise typer.BadParameter(f"choose from {', '.join(WORKLOADS)}", param_hint="--workloads")
    if not servers.has_two_cores():
        tell("One processor only: server and load share it, so the figures say little.")
    colds: list[ColdResult] = []
    hots: list[HotResult] = []
    growths: list[GrowthResult] = []
    try:
        for dialect in _dialects(database):
            try:
                with open_databases(
                    dialect, keep=keep, postgres_url=postgres_url, search=search, tell=tell
                ) as created:
                    colds += measure_cold(created, articles, names, rounds=rounds, seconds=seconds, tell=tell)
                    if heating:
                        hots += measure_hot(
                            created, articles, names, rounds=rounds, seconds=seconds, tell=tell
                        )
                    if growing:
                        sizes = min(articles, SMALL), growth_articles
                        growths += measure_growth(created, *sizes, rounds=rounds, seconds=seconds, tell=tell)
            except PostgresNotFound as exc:
                if database is not Databases.both:
                    raise
                tell(f"PostgreSQL is left out. {exc}")
    except OperatorError as exc:
        raise exit_with_error(exc) from None
    if as_json:
        figures = {
            "cold": [asdict(one) for one in colds],
            "hot": [asdict(one) for one in hots],
            "growth": [asdict(one) for one in growths],
        }
        typer.echo(orjson.dumps(figures, option=orjson.OPT_INDENT_2))
    else:
        console = Console()
        console.print(_cold_table(colds, articles))
        if hots:
            console.print(_hot_table(hots))
        if growths:
            console.print(_growth_table(growths))


def _dialects(database: Databases) -> Iterator[DatabaseKind]:
    if database is not Databases.postgres:
        yield "sqlite"
    if database is not Databases.sqlite:
        yield "postgres"


_LOADED = f"{servers.CONNECTIONS} connections, medians of the rounds"


def _table(title: str, figures: Sequence[str], caption: str | None = None) -> Table:
    """A table with one row per workload and database."""
    table = Table(title=title, caption=caption)
    for heading in ("database", "workload"):
        table.add_column(heading)
    for heading in figures:
        table.add_column(heading, justify="right")
    return table


def _cold_table(colds: list[ColdResult], articles: int) -> Table:
    table = _table(
        f"Throughput next to hand-written SQL, {articles:,} articles",
        ("ratio", "requests/s", "limit/s", "p50 ms", "p99 ms", "statements", "bytes", "same"),
        _LOADED,
    )
    for one in colds:
        table.add_row(
            one.database,
            f"{one.workload} {WORKLOADS[one.workload].title}",
            f"{one.ratio:.2f}",
            f"{one.requests_per_second:,.0f}",
            f"{one.limit_requests_per_second:,.0f}",
            f"{one.p50_ms:.2f}",
            f"{one.p99_ms:.2f}",
            f"{one.statements:g}",
            f"{one.bytes:,}",
            "yes" if one.same_bytes else "spaces differ",
        )
    return table


def _hot_table(hots: list[HotResult]) -> Table:
    table = _table(
        "Throughput of remembered answers next to a constant",
        ("ratio", "requests/s", "constant/s", "GET/s", "304/s", "p50 ms", "p99 ms", "bytes"),
        _LOADED,
    )
    for one in hots:
        table.add_row(
            one.database,
            f"{one.workload} {WORKLOADS[one.workload].title}",
            f"{one.ratio:.2f}",
            f"{one.requests_per_second:,.0f}",
            f"{one.constant_requests_per_second:,.0f}",
            f"{one.get_requests_per_second:,.0f}",
            f"{one.not_modified_requests_per_second:,.0f}",
            f"{one.p50_ms:.2f}",
            f"{one.p99_ms:.2f}",
            f"{one.bytes:,}",
        )
    return table


def _growth_table(growths: list[GrowthResult]) -> Table:
    table = _table(
        "Cost of a page as the newsroom grows, one connection, p50", ("ratio", "small", "ms", "large", "ms")
    )
    for one in growths:
        table.add_row(
            one.database,
            f"{one.workload} {WORKLOADS[one.workload].title}",
            f"{one.ratio:.2f}",
            f"{one.small_articles:,}",
            f"{one.small_ms:.2f}",
            f"{one.large_articles:,}",
            f"{one.large_ms:.2f}",
        )
    return table
