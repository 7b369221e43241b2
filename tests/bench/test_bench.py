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


async def make(path: Path) -> str:
    url = f"sqlite:///{path}"
    await Database(url).migrate()
    await dataset.load_dataset(url, ARTICLES)
    return url


@pytest.fixture(scope="module")
async def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return await make(tmp_path_factory.mktemp("bench") / "newsroom.sqlite3")


@pytest.fixture
def rows(url: str) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        yield connection


def one(connection: sqlite3.Connection, sql: str) -> Any:
    return connection.execute(sql).fetchone()[0]


def test_the_newsroom_has_the_size_it_was_asked_for(rows: sqlite3.Connection) -> None:
    """Articles, drafts, sections, sources, tags and media come in the numbers that are promised."""
    counts = {table: one(rows, f"SELECT count(*) FROM {table}") for table in dataset.TABLE_COLUMNS}
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
    assert one(rows, "SELECT count(*) FROM article WHERE status = 'DRAFT'") == ARTICLES // 20
    assert one(rows, "SELECT count(*) FROM article WHERE status = 'PUBLISHED'") == dataset.visible(ARTICLES)
    assert [
        path for (path,) in rows.execute("SELECT path FROM category ORDER BY id")
    ] == dataset.section_paths()


def test_every_shown_article_is_whole(rows: sqlite3.Connection) -> None:
    """Each stands in its section and the one above, with distinct times, its body, and one relayed claim."""
    visible = dataset.visible(ARTICLES)
    assert one(rows, "SELECT count(DISTINCT published_at) FROM article") == visible
    assert visible == one(
        rows,
        "SELECT count(*) FROM article a JOIN article_section s ON s.article_id = a.id AND s.direct"
        " AND s.category_id = a.category_id AND s.published_at = a.published_at",
    )
    assert (
        one(
            rows,
            "SELECT count(*) FROM article a JOIN category c ON c.id = a.category_id"
            " WHERE c.parent_id IS NOT NULL AND NOT EXISTS ("
            "SELECT 1 FROM article_section s WHERE s.article_id = a.id AND NOT s.direct"
            " AND s.category_id = c.parent_id AND s.published_at IS a.published_at)",
        )
        == 0
    )
    assert (
        one(
            rows,
            "SELECT count(*) FROM attribution h JOIN attribution v ON v.id = h.via_id AND v.head_id = h.id"
            " AND v.hop = 1 AND v.origin_id = h.origin_id AND v.article_id = h.article_id WHERE h.hop = 0",
        )
        == ARTICLES
    )
    assert 2_500 < one(rows, "SELECT avg(length(html)) FROM article_body") < 4_000
    assert rows.execute("PRAGMA foreign_key_check").fetchall() == []
    assert one(rows, "SELECT count(*) FROM sqlite_master WHERE name = 'article_latest'") == 1


async def test_the_newsroom_is_the_same_every_time(rows: sqlite3.Connection, tmp_path: Path) -> None:
    """Made again, every table holds the same rows."""
    again = await make(tmp_path / "again.sqlite3")
    with closing(sqlite3.connect(again.removeprefix("sqlite:///"))) as other:
        for table in dataset.TABLE_COLUMNS:
            everything = f"SELECT * FROM {table} ORDER BY 1"
            assert rows.execute(everything).fetchall() == other.execute(everything).fetchall()


def test_what_varies_is_in_the_newsroom(rows: sqlite3.Connection) -> None:
    """Slugs and sections that are asked for name shown articles and sections, each once."""
    slugs = [values["slug"] for values in workload_variables("W2", ARTICLES)]
    assert len(slugs) == len(set(slugs)) == dataset.visible(ARTICLES)
    existing = {slug for (slug,) in rows.execute("SELECT slug FROM article WHERE status = 'PUBLISHED'")}
    assert set(slugs) == existing
    assert len(workload_variables("W1", ARTICLES)) == 64
    assert (deepest_page(30), deepest_page(9_500), deepest_page(950_000)) == (2, 475, 500)


@pytest.mark.parametrize(
    "document", [*(workload.document for workload in WORKLOADS.values()), PAGINATE_DOCUMENT]
)
def test_the_documents_are_graphql(document: str) -> None:
    """Every document of the bench can be parsed."""
    assert len(parse(document).definitions) == 1


async def ask(app: baseline.BaselineApp, name: str, values: dict[str, str]) -> Any:
    """The limit's answer, through the front door."""
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


async def test_the_limit_answers_every_workload(url: str, rows: sqlite3.Connection) -> None:
    """Each answer has the shape its document asks for, newest first, and nothing that may not be shown."""
    async with baseline.open_baseline(url) as app:
        latest = (await ask(app, "W1", {"section": "politics"}))["latestNews"]["nodes"]
        assert {node["category"]["slug"] for node in latest} == {"politics"}

        slug = dataset.slug(ARTICLES - 1)
        article = (await ask(app, "W2", {"slug": slug}))["article"]
        assert article["slug"] == slug
        assert [claim["position"] for claim in article["attributions"]] == [0, 1, 2]
        assert [claim["via"] is None for claim in article["attributions"]] == [True, False, True]
        assert len(article["tags"]) == 4
        draft = next(number for number in range(ARTICLES) if dataset.is_draft(number))
        assert (await ask(app, "W2", {"slug": dataset.slug(draft)}))["article"] is None

        home = (await ask(app, "W3", {}))["categories"]["nodes"]
        assert [category["name"] for category in home] == list(dataset.ROOTS)
        assert {len(category["articles"]["nodes"]) for category in home} == {5}

        offline = (await ask(app, "W4", {}))["latestNews"]["nodes"]
        times = [node["publishedAt"] for node in offline]
        assert times == sorted(times, reverse=True)
        assert len(times) == 50
        assert article in offline

        number = offline[19]["id"].removeprefix("art_")
        after = {"after": f"fingerprint.{offline[19]['publishedAt']}.{number}"}
        deep = (await ask(app, "W5", after))["latestNews"]["nodes"]
        assert [node["id"] for node in offline[20:40]] == [node["id"] for node in deep]

        expired = {url for (url,) in rows.execute("SELECT url FROM media WHERE expires_at IS NOT NULL")}
        visible = {item["media"]["url"] for node in offline for item in node["media"]}
        assert expired
        assert not expired & visible


def test_a_difference_is_named() -> None:
    """Two answers differ when a value, its type, a list's length or the order of keys does; spaces do not."""
    assert difference({"a": [1, 2]}, {"a": [1, 2]}) is None
    assert difference({"a": [1, 2]}, {"a": [1, 3]}) == "at .a[1]: expected 2, got 3"
    assert difference({"a": 1}, {"a": 1.0}) == "at .a: expected 1, got 1.0"
    assert difference({"a": [1]}, {"a": [1, 2]}) == "at .a: expected 1 items, got 2"
    assert (
        difference({"a": 1, "b": 2}, {"b": 2, "a": 1})
        == "at the top: expected keys ['a', 'b'], got ['b', 'a']"
    )
