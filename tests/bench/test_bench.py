"""The benchmark: its generated dataset, measurements and baseline comparison."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest
from graphql import parse

from contentql.bench import baseline, dataset
from contentql.bench.measure import difference
from contentql.bench.workloads import (
    PAGINATE_DOCUMENT,
    WORKLOADS,
    as_post_body,
    deepest_page,
    workload_variables,
)
from contentql.store.database import Database

pytestmark = pytest.mark.slow

ARTICLES = 200


async def make_dataset(path: Path) -> str:
    """URL of a new SQLite database with the generated dataset."""
    url = f"sqlite:///{path}"
    await Database(url).migrate()
    await dataset.load_dataset(url, ARTICLES)
    return url


@pytest.fixture(scope="module")
async def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return await make_dataset(tmp_path_factory.mktemp("bench") / "newsroom.sqlite3")


@pytest.fixture
def connection(url: str) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        yield connection


def scalar(connection: sqlite3.Connection, sql: str) -> Any:
    """The only value that the query returns."""
    return connection.execute(sql).fetchone()[0]


def test_dataset_has_the_requested_size(connection: sqlite3.Connection) -> None:
    """Numbers of articles, drafts, sections, sources, tags and media."""
    counts = {table: scalar(connection, f"SELECT count(*) FROM {table}") for table in dataset.TABLE_COLUMNS}
    assert counts == {
        "category": 64,
        "source": 500,
        "tag": 2_000,
        "media": ARTICLES // 2,
        "article": ARTICLES,
        "article_body": ARTICLES,
        "article_section": counts["article_section"],
        "article_tag": ARTICLES * 4,
        "article_media": ARTICLES * 2,
        "attribution": ARTICLES * 4,
    }
    assert scalar(connection, "SELECT count(*) FROM article WHERE status = 'DRAFT'") == ARTICLES // 20
    assert scalar(
        connection, "SELECT count(*) FROM article WHERE status = 'PUBLISHED'"
    ) == dataset.published_count(ARTICLES)
    assert [
        path for (path,) in connection.execute("SELECT path FROM category ORDER BY id")
    ] == dataset.section_paths()


def test_published_articles_have_all_related_rows(connection: sqlite3.Connection) -> None:
    """Section rows with ancestors, distinct times, a body and one attribution with a relay."""
    visible = dataset.published_count(ARTICLES)
    assert scalar(connection, "SELECT count(DISTINCT published_at) FROM article") == visible
    assert visible == scalar(
        connection,
        "SELECT count(*) FROM article a JOIN article_section s ON s.article_id = a.id AND s.direct"
        " AND s.category_id = a.category_id AND s.published_at = a.published_at",
    )
    assert (
        scalar(
            connection,
            "SELECT count(*) FROM article a JOIN category c ON c.id = a.category_id"
            " WHERE c.parent_id IS NOT NULL AND NOT EXISTS ("
            "SELECT 1 FROM article_section s WHERE s.article_id = a.id AND NOT s.direct"
            " AND s.category_id = c.parent_id AND s.published_at IS a.published_at)",
        )
        == 0
    )
    assert (
        scalar(
            connection,
            "SELECT count(*) FROM attribution h JOIN attribution v ON v.id = h.via_id AND v.head_id = h.id"
            " AND v.hop = 1 AND v.origin_id = h.origin_id AND v.article_id = h.article_id WHERE h.hop = 0",
        )
        == ARTICLES
    )
    assert 2_500 < scalar(connection, "SELECT avg(length(html)) FROM article_body") < 4_000
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert scalar(connection, "SELECT count(*) FROM sqlite_master WHERE name = 'article_latest'") == 1


async def test_dataset_is_deterministic(connection: sqlite3.Connection, tmp_path: Path) -> None:
    """A second dataset has the same rows in every table."""
    again = await make_dataset(tmp_path / "again.sqlite3")
    with closing(sqlite3.connect(again.removeprefix("sqlite:///"))) as other:
        for table in dataset.TABLE_COLUMNS:
            query = f"SELECT * FROM {table} ORDER BY 1"
            assert connection.execute(query).fetchall() == other.execute(query).fetchall()


def test_workload_variables_refer_to_the_dataset(connection: sqlite3.Connection) -> None:
    """Slugs are those of the published articles, each once."""
    slugs = [values["slug"] for values in workload_variables("W2", ARTICLES)]
    assert len(slugs) == len(set(slugs)) == dataset.published_count(ARTICLES)
    existing = {slug for (slug,) in connection.execute("SELECT slug FROM article WHERE status = 'PUBLISHED'")}
    assert set(slugs) == existing
    assert len(workload_variables("W1", ARTICLES)) == 64
    assert (deepest_page(30), deepest_page(9_500), deepest_page(950_000)) == (2, 475, 500)


@pytest.mark.parametrize(
    "document", [*(workload.document for workload in WORKLOADS.values()), PAGINATE_DOCUMENT]
)
def test_workload_documents_are_valid_graphql(document: str) -> None:
    assert len(parse(document).definitions) == 1


async def query_baseline(app: baseline.BaselineApp, name: str, values: dict[str, str]) -> Any:
    """The data of the baseline's response over ASGI."""
    sent: list[baseline.Message] = []

    async def receive() -> baseline.Message:
        body = as_post_body(WORKLOADS[name].document, values)
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: baseline.Message) -> None:
        sent.append(message)

    await app({"type": "http", "method": "POST", "path": "/graphql"}, receive, send)
    assert sent[0]["status"] == 200
    assert (b"content-length", b"%d" % len(sent[1]["body"])) in sent[0]["headers"]
    return orjson.loads(sent[1]["body"])["data"]


async def test_baseline_supports_every_workload(url: str, connection: sqlite3.Connection) -> None:
    """Responses have the shape of the document, newest first, without hidden rows."""
    async with baseline.open_baseline(url) as app:
        latest = (await query_baseline(app, "W1", {"section": "politics"}))["latestNews"]["nodes"]
        assert {node["category"]["slug"] for node in latest} == {"politics"}

        slug = dataset.article_slug(ARTICLES - 1)
        article = (await query_baseline(app, "W2", {"slug": slug}))["article"]
        assert article["slug"] == slug
        assert [claim["position"] for claim in article["attributions"]] == [0, 1, 2]
        assert [claim["via"] is None for claim in article["attributions"]] == [True, False, True]
        assert len(article["tags"]) == 4
        draft = next(number for number in range(ARTICLES) if dataset.is_draft(number))
        assert (await query_baseline(app, "W2", {"slug": dataset.article_slug(draft)}))["article"] is None

        home = (await query_baseline(app, "W3", {}))["categories"]["nodes"]
        assert [category["name"] for category in home] == list(dataset.ROOTS)
        assert {len(category["articles"]["nodes"]) for category in home} == {5}

        offline = (await query_baseline(app, "W4", {}))["latestNews"]["nodes"]
        times = [node["publishedAt"] for node in offline]
        assert times == sorted(times, reverse=True)
        assert len(times) == 50
        assert article in offline

        number = offline[19]["id"].removeprefix("art_")
        after = {"after": f"fingerprint.{offline[19]['publishedAt']}.{number}"}
        deep = (await query_baseline(app, "W5", after))["latestNews"]["nodes"]
        assert [node["id"] for node in offline[20:40]] == [node["id"] for node in deep]

        expired = {url for (url,) in connection.execute("SELECT url FROM media WHERE expires_at IS NOT NULL")}
        visible = {item["media"]["url"] for node in offline for item in node["media"]}
        assert expired
        assert not expired & visible


def test_difference_reports_the_first_difference() -> None:
    """Values, types, lengths of lists and the order of keys are compared."""
    assert difference({"a": [1, 2]}, {"a": [1, 2]}) is None
    assert difference({"a": [1, 2]}, {"a": [1, 3]}) == "at .a[1]: expected 2, got 3"
    assert difference({"a": 1}, {"a": 1.0}) == "at .a: expected 1, got 1.0"
    assert difference({"a": [1]}, {"a": [1, 2]}) == "at .a: expected 1 items, got 2"
    assert (
        difference({"a": 1, "b": 2}, {"b": 2, "a": 1})
        == "at the top: expected keys ['a', 'b'], got ['b', 'a']"
    )
