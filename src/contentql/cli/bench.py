"""`contentql bench`: speed on this machine, compared with hand-written SQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from contentql.bench import servers
from contentql.bench.databases import PostgresNotFound, Progress, open_databases
from contentql.bench.importing import ImportResult, measure_import
from contentql.bench.live import (
    SUBSCRIBERS,
    LiveEntryResult,
    StreamResult,
    measure_live_entries,
    measure_streams,
)
from contentql.bench.measure import (
    ColdResult,
    GrowthResult,
    HotResult,
    measure_cold,
    measure_growth,
    measure_hot,
)
from contentql.bench.sync import BundleSizes, SyncResult, measure_bundles, measure_sync
from contentql.bench.workloads import SYNC_WORKLOADS, WORKLOADS
from contentql.cli.runtime import exit_with_error, stderr
from contentql.errors import OperatorError
from contentql.store.errors import DatabaseKind

SMALL = 10_000
IMPORT_ARTICLES = 3_000


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
    hot: Annotated[bool, typer.Option("--hot", help="Measure cached responses too.")] = False,
    growth: Annotated[
        bool, typer.Option("--growth", help="Measure W1 and W5 with few and with many articles too.")
    ] = False,
    growth_articles: Annotated[
        int, typer.Option(min=400, help="Number of articles for --growth.")
    ] = 1_000_000,
    sync: Annotated[
        bool, typer.Option("--sync", help="Measure delta sync, bundles, streams and live entries too.")
    ] = False,
    imports: Annotated[
        bool, typer.Option("--import", help="Measure imports too, next to inserts of the same rows.")
    ] = False,
    import_articles: Annotated[
        int, typer.Option(min=100, help="Number of articles for --import.")
    ] = IMPORT_ARTICLES,
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

    def progress(line: str) -> None:
        stderr.print(line, markup=False)

    names = _workload_names(workloads)
    if not servers.has_two_cores():
        progress(
            "There is only one CPU, which server and load generator share: the figures are not reliable."
        )
    results = _Results()
    try:
        for dialect in _dialects(database):
            try:
                with open_databases(
                    dialect, keep=keep, postgres_url=postgres_url, search=search, progress=progress
                ) as databases:
                    results.cold += measure_cold(
                        databases, articles, names, rounds=rounds, seconds=seconds, progress=progress
                    )
                    if hot:
                        results.hot += measure_hot(
                            databases, articles, names, rounds=rounds, seconds=seconds, progress=progress
                        )
                    if sync:
                        results.sync += measure_sync(
                            databases, articles, rounds=rounds, seconds=seconds, progress=progress
                        )
                    if imports:
                        results.imports.append(
                            measure_import(databases, import_articles, rounds=rounds, progress=progress)
                        )
                    if growth:
                        sizes = min(articles, SMALL), growth_articles
                        results.growth += measure_growth(
                            databases, *sizes, rounds=rounds, seconds=seconds, progress=progress
                        )
            except PostgresNotFound as exc:
                if database is not Databases.both:
                    raise
                progress(f"PostgreSQL is not measured. {exc}")
    except OperatorError as exc:
        raise exit_with_error(exc) from None
    others = _measure_others(rounds, progress) if sync else {}
    if as_json:
        typer.echo(orjson.dumps(results.as_json() | _as_json(others), option=orjson.OPT_INDENT_2))
        return
    Console().print(*results.tables(articles), *map(str, others.values()), sep="\n")


@dataclass
class _Results:
    """Results of the measurements with databases of generated articles."""

    cold: list[ColdResult] = field(default_factory=list)
    hot: list[HotResult] = field(default_factory=list)
    growth: list[GrowthResult] = field(default_factory=list)
    sync: list[SyncResult] = field(default_factory=list)
    imports: list[ImportResult] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {
            "cold": [asdict(result) for result in self.cold],
            "hot": [asdict(result) for result in self.hot],
            "growth": [asdict(result) for result in self.growth],
            "sync": [asdict(result) for result in self.sync],
            "import": [asdict(result) for result in self.imports],
        }

    def tables(self, articles: int) -> Iterator[Table]:
        yield _cold_table(self.cold, articles)
        if self.hot:
            yield _hot_table(self.hot)
        if self.growth:
            yield _growth_table(self.growth)
        if self.sync:
            yield _sync_table(self.sync)
        if self.imports:
            yield _import_table(self.imports)


def _as_json(others: Mapping[str, Any]) -> dict[str, Any]:
    return {name: asdict(result) for name, result in others.items()}


def _workload_names(text: str) -> list[str]:
    names = [name.strip().upper() for name in text.split(",") if name.strip()]
    if not names or not WORKLOADS.keys() >= set(names):
        raise typer.BadParameter(f"choose from {', '.join(WORKLOADS)}", param_hint="--workloads")
    return names


def _measure_others(
    rounds: int, progress: Progress
) -> dict[str, BundleSizes | LiveEntryResult | StreamResult]:
    """Measurements that have databases of their own, by name."""
    progress("Bundles, live entries and streams …")
    return {
        "bundles": measure_bundles(),
        "live_entries": measure_live_entries(rounds),
        "streams": measure_streams(SUBSCRIBERS, progress),
    }


def _dialects(database: Databases) -> Iterator[DatabaseKind]:
    if database is not Databases.postgres:
        yield "sqlite"
    if database is not Databases.sqlite:
        yield "postgres"


_LOAD_CAPTION = f"{servers.CONNECTIONS} connections, medians of the rounds"


def _table(title: str, headings: Sequence[str], caption: str | None = None) -> Table:
    """A table with one row per workload and database."""
    table = Table(title=title, caption=caption)
    for heading in ("database", "workload"):
        table.add_column(heading)
    for heading in headings:
        table.add_column(heading, justify="right")
    return table


def _cold_table(results: list[ColdResult], articles: int) -> Table:
    table = _table(
        f"Throughput next to hand-written SQL, {articles:,} articles",
        ("ratio", "requests/s", "baseline/s", "p50 ms", "p99 ms", "statements", "bytes", "same"),
        _LOAD_CAPTION,
    )
    for result in results:
        table.add_row(
            result.database,
            f"{result.workload} {WORKLOADS[result.workload].title}",
            f"{result.ratio:.2f}",
            f"{result.requests_per_second:,.0f}",
            f"{result.limit_requests_per_second:,.0f}",
            f"{result.p50_ms:.2f}",
            f"{result.p99_ms:.2f}",
            f"{result.statements:g}",
            f"{result.bytes:,}",
            "yes" if result.same_bytes else "spaces differ",
        )
    return table


def _hot_table(results: list[HotResult]) -> Table:
    table = _table(
        "Throughput of cached responses next to a static response",
        ("ratio", "requests/s", "static/s", "GET/s", "304/s", "p50 ms", "p99 ms", "bytes"),
        _LOAD_CAPTION,
    )
    for result in results:
        table.add_row(
            result.database,
            f"{result.workload} {WORKLOADS[result.workload].title}",
            f"{result.ratio:.2f}",
            f"{result.requests_per_second:,.0f}",
            f"{result.constant_requests_per_second:,.0f}",
            f"{result.get_requests_per_second:,.0f}",
            f"{result.not_modified_requests_per_second:,.0f}",
            f"{result.p50_ms:.2f}",
            f"{result.p99_ms:.2f}",
            f"{result.bytes:,}",
        )
    return table


def _sync_table(results: list[SyncResult]) -> Table:
    table = _table(
        "Throughput of delta sync next to hand-written SQL",
        ("ratio", "requests/s", "baseline/s", "bytes", "compressed"),
        _LOAD_CAPTION,
    )
    for result in results:
        table.add_row(
            result.database,
            f"{result.workload} {SYNC_WORKLOADS[result.workload].title}",
            f"{result.ratio:.2f}",
            f"{result.requests_per_second:,.0f}",
            f"{result.limit_requests_per_second:,.0f}",
            f"{result.bytes:,}",
            f"{result.compressed_bytes:,}",
        )
    return table


def _import_table(results: list[ImportResult]) -> Table:
    title = f"Imported articles a second next to inserts of the same rows, {results[0].articles:,} articles"
    table = Table(title=title, caption="medians of the rounds")
    table.add_column("database")
    for heading in ("ratio", "created/s", "inserts/s", "updated/s", "unchanged/s"):
        table.add_column(heading, justify="right")
    for result in results:
        table.add_row(
            result.database,
            f"{result.ratio:.2f}",
            f"{result.created_per_second:,.0f}",
            f"{result.raw_per_second:,.0f}",
            f"{result.updated_per_second:,.0f}",
            f"{result.unchanged_per_second:,.0f}",
        )
    return table


def _growth_table(results: list[GrowthResult]) -> Table:
    table = _table(
        "Time of a page in a small and a large database, one connection, p50",
        ("ratio", "small", "ms", "large", "ms"),
    )
    for result in results:
        table.add_row(
            result.database,
            f"{result.workload} {WORKLOADS[result.workload].title}",
            f"{result.ratio:.2f}",
            f"{result.small_articles:,}",
            f"{result.small_ms:.2f}",
            f"{result.large_articles:,}",
            f"{result.large_ms:.2f}",
        )
    return table
