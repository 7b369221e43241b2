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
    """A record of a scheduled article."""
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


def run_command(*arguments: str) -> None:
    """Runs `contentql` with the arguments, which must succeed."""
    result = subprocess.run(
        [sys.executable, "-m", "contentql", *arguments],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


async def query_worker(url: str, query: str) -> tuple[str, list[str], bool]:
    """The worker that responded, the headlines, and whether the response was cached."""
    async with httpx2.AsyncClient(base_url=url, timeout=TIMEOUT_SECONDS) as http:
        response = await http.post("/graphql", json={"query": query})
    nodes = response.json()["data"]["latestNews"]["nodes"]
    worker = response.headers["x-request-id"].partition("-")[0]
    return worker, [node["headline"] for node in nodes], "desc=hit" in response.headers["server-timing"]


async def wait_until_cached(url: str, query: str, workers: int) -> None:
    """Queries until every worker has cached the response."""
    cached_workers: set[str] = set()
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while len(cached_workers) < workers:
            worker, _, hit = await query_worker(url, query)
            cached_workers |= {worker} if hit else set()


async def test_imports_invalidate_responses_of_every_worker(server: Server, tmp_path: Path) -> None:
    """Within seconds, and without invalidating unrelated responses; scheduled articles appear in time."""
    url = await server.demo()
    lines = tmp_path / "news.jsonl"
    async with running_server(tmp_path, url, "--workers", "2") as running:
        for query in (QUERY, OTHER):
            await wait_until_cached(running.url, query, 2)
        now = dt.datetime.now(dt.UTC)
        lines.write_bytes(orjson.dumps(article("spring-tide", "Spring tide", now - dt.timedelta(minutes=1))))
        run_command("import", str(lines), "--database", url)
        imported_at = time.monotonic()
        updated_workers: set[str] = set()
        while len(updated_workers) < 2:
            assert time.monotonic() - imported_at < 10
            worker, headlines, _ = await query_worker(running.url, QUERY)
            if headlines[0] == "Spring tide":
                updated_workers.add(worker)
        assert all([(await query_worker(running.url, OTHER))[2] for _ in range(10)]), (
            "another section was invalidated too"
        )
        # Publication by time alone, without a write.
        publish_at = (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=7)).replace(microsecond=0)
        lines.write_bytes(orjson.dumps(article("neap-tide", "Neap tide", publish_at)))
        run_command("import", str(lines), "--database", url)
        early = late = 0
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while late < 20:
                requested_at = dt.datetime.now(dt.UTC)
                _, headlines, _ = await query_worker(running.url, QUERY)
                responded_at = dt.datetime.now(dt.UTC)
                visible = headlines[0] == "Neap tide"
                assert not (visible and responded_at < publish_at), "an embargo opened early"
                assert visible or requested_at < publish_at, (
                    "the first response after the publication did not have it"
                )
                early, late = early + (not visible), late + visible
        assert early
    await server.drop(url)


async def test_purge_command_empties_the_cache_of_every_worker(server: Server, tmp_path: Path) -> None:
    url = await server.demo()
    async with running_server(tmp_path, url, "--workers", "2") as running:
        await wait_until_cached(running.url, QUERY, 2)
        run_command("cache", "purge", "--database", url)
        purged_workers: set[str] = set()
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while len(purged_workers) < 2:
                worker, _, hit = await query_worker(running.url, QUERY)
                purged_workers |= set() if hit else {worker}
    await server.drop(url)
