"""Servers pick up changes written by other processes and changes due by time."""

from __future__ import annotations

import asyncio
import datetime as dt
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
from tests.cli.test_serving import TIMEOUT_SECONDS, running_server
from tests.conftest import Server

pytestmark = pytest.mark.slow

QUERY = '{ latestNews(section: "science", first: 3) { nodes { slug headline } } }'
OTHER = '{ latestNews(section: "world/asia", first: 3) { nodes { slug headline } } }'


def article(slug: str, headline: str, published: dt.datetime) -> dict[str, Any]:
    return {
        "record": "article",
        "uri": f"tag:example.org,2026:{slug}",
        "slug": slug,
        "language": "en",
        "headline": headline,
        "status": "SCHEDULED",
        "publishedAt": published.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "category": "science",
        "blocks": [{"type": "PARAGRAPH", "text": "The tide came in."}],
    }


def contentql(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "contentql", *arguments],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


async def ask(url: str, query: str) -> tuple[str, list[str], bool]:
    """Which worker answered, the headlines, and whether it remembered them."""
    async with httpx2.AsyncClient(base_url=url, timeout=TIMEOUT_SECONDS) as http:
        answer = await http.post("/graphql", json={"query": query})
    nodes = answer.json()["data"]["latestNews"]["nodes"]
    worker = answer.headers["x-request-id"].partition("-")[0]
    return worker, [node["headline"] for node in nodes], "desc=hit" in answer.headers["server-timing"]


async def remembered(url: str, query: str, workers: int) -> None:
    """Asks until every worker remembers its answer."""
    sure: set[str] = set()
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while len(sure) < workers:
            worker, _, hit = await ask(url, query)
            sure |= {worker} if hit else set()


async def test_an_import_reaches_every_worker(server: Server, tmp_path: Path) -> None:
    """What another process wrote is in the answers of all workers within two seconds; other answers stay."""
    url = await server.demo()
    lines = tmp_path / "news.jsonl"
    async with running_server(tmp_path, url, "--workers", "2") as served:
        for query in (QUERY, OTHER):
            await remembered(served.url, query, 2)
        now = dt.datetime.now(dt.UTC)
        lines.write_bytes(orjson.dumps(article("spring-tide", "Spring tide", now - dt.timedelta(minutes=1))))
        contentql("import", str(lines), "--database", url)
        written = time.monotonic()
        seen: set[str] = set()
        while len(seen) < 2:
            assert time.monotonic() - written < 10
            worker, headlines, _ = await ask(served.url, QUERY)
            if headlines[0] == "Spring tide":
                seen.add(worker)
        assert all([(await ask(served.url, OTHER))[2] for _ in range(10)]), (
            "another section was forgotten too"
        )
        # By time alone: no write happens when it is published.
        moment = (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=7)).replace(microsecond=0)
        lines.write_bytes(orjson.dumps(article("neap-tide", "Neap tide", moment)))
        contentql("import", str(lines), "--database", url)
        early = late = 0
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while late < 20:
                request = dt.datetime.now(dt.UTC)
                _, headlines, _ = await ask(served.url, QUERY)
                response = dt.datetime.now(dt.UTC)
                visible = headlines[0] == "Neap tide"
                assert not (visible and response < moment), "an embargo opened early"
                assert visible or request < moment, "the first answer at the moment did not have it"
                early, late = early + (not visible), late + visible
        assert early
    await server.drop(url)


async def test_a_purge_makes_every_worker_forget(server: Server, tmp_path: Path) -> None:
    """`contentql purge` is heard by all of them."""
    url = await server.demo()
    async with running_server(tmp_path, url, "--workers", "2") as served:
        await remembered(served.url, QUERY, 2)
        contentql("cache", "purge", "--database", url)
        forgot: set[str] = set()
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while len(forgot) < 2:
                worker, _, hit = await ask(served.url, QUERY)
                forgot |= set() if hit else {worker}
    await server.drop(url)
