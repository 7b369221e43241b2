"""An import that is killed and started again loses nothing and stores nothing twice."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import orjson
from tests.conftest import Server

from contentql.store.database import Database

COUNT = 1_500


def feed(count: int) -> bytes:
    """A JSON Feed with articles."""
    items = [
        {
            "id": f"urn:x:{n}",
            "title": f"Article {n}",
            "content_html": "<p>One two three.</p>" * 10,
            "date_published": "2026-01-02T03:04:05Z",
            "language": "en",
            "tags": ["Ferries", f"Tag {n % 50}"],
            "authors": [{"name": f"Author {n % 20}"}],
            "image": f"https://example.org/{n}.jpg",
        }
        for n in range(count)
    ]
    return orjson.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "T", "items": items})


async def counts(url: str) -> dict[str, int]:
    async with Database(url).orm() as connection:
        results = {}
        for table in ("article", "article_body", "revision", "external_id", "media", "tag", "author"):
            (row,) = await connection.execute_query_dict(f"SELECT count(*) AS n FROM {table}")
            results[table] = row["n"]
        return results


async def test_killed_imports_can_be_repeated(server: Server, tmp_path: Path) -> None:
    """Killed after its first batches; the batch that was being written is stored whole or not at all."""
    url = await server.migrated()
    file = tmp_path / "feed.json"
    file.write_bytes(feed(COUNT))
    command = [
        sys.executable, "-m", "contentql", "import", str(file), "--create", "--status", "published",
        "--category", "news", "--report", "json", "--database", url,
    ]  # fmt: skip
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    try:
        async with asyncio.timeout(60):
            while process.returncode is None and (await counts(url))["article"] < 200:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    finally:
        process.kill()
        await process.communicate()
    stored = await counts(url)
    assert 0 < stored["article"] < COUNT, "the import was not killed in between"
    assert stored["article"] % 200 == 0
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    totals = orjson.loads(output)["totals"]
    assert totals["unchanged"] == stored["article"]
    expected = dict.fromkeys(("article", "article_body", "revision", "external_id", "media"), COUNT)
    assert await counts(url) == {**expected, "tag": 51, "author": 20}
