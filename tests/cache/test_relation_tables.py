"""Declared relations, and the tables that cache invalidation and read sets have for them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from contentql.cache import relation_tables
from contentql.cache.relation_tables import check_relations
from contentql.planner.catalog import Catalog, TypePlan, check_tables
from contentql.planner.field_plans import JunctionTable, ToMany, ToOne
from contentql.planner.read_set import PRIMARY_KEYS, SEARCH_COLUMNS
from contentql.planner.visibility import TABLES_VISIBLE_BY_USE
from contentql.schema.build import get_catalog
from contentql.store.models.articles import Article


def catalog_with(table: str, relation: ToOne | ToMany) -> Catalog:
    """The catalog with an additional type Extra, which has one relation."""
    catalog = get_catalog()
    extra = TypePlan("Extra", table, None, {"link": relation})
    return replace(catalog, types={**catalog.types, "Extra": extra})


def test_schema_catalog_is_complete() -> None:
    """Every declared relation has its entries."""
    check_tables(get_catalog())
    check_relations(get_catalog())


@pytest.mark.parametrize(
    ("table", "relation", "missing"),
    [
        ("poll", ToOne("article", "article_id"), "Extra: MARKER_CODES .* the table poll;"),
        ("article", ToMany("poll", "article_id"), "Extra.link: MARKER_CODES .* the table poll."),
    ],
)
def test_check_tables_reports_tables_without_marker_code(table: str, relation: Any, missing: str) -> None:
    """Rows of such a type could not be marked in responses."""
    with pytest.raises(LookupError, match=missing):
        check_tables(catalog_with(table, relation))


@pytest.mark.parametrize(
    ("table", "relation", "missing"),
    [
        (
            "story",
            ToMany("article", link=JunctionTable("article_story", "story_id", "article_id")),
            "Extra.link: LINKS .* article through article_story from story_id to article_id",
        ),
        (
            "media",
            ToMany("article", link=JunctionTable("article_tag", "media_id", "article_id")),
            "Extra.link: LINKS .* article through article_tag from media_id to article_id",
        ),
        (
            "article",
            ToOne("author", "editor_id", visible_with_source=True),
            "Extra.link: USES .* author used by article.editor_id",
        ),
    ],
)
def test_check_relations_reports_relations_without_entry(table: str, relation: Any, missing: str) -> None:
    """Cache invalidation would not follow such a relation."""
    with pytest.raises(LookupError, match=missing):
        check_relations(catalog_with(table, relation))


@pytest.mark.parametrize(
    ("name", "table"),
    [
        *(("LINKS", table) for table in relation_tables.LINKS),
        *(
            ("USES", table)
            for table in relation_tables.USES
            if table not in ("collection_item", "live_entry_use")
        ),
    ],
)
def test_check_relations_requires_each_entry(monkeypatch: pytest.MonkeyPatch, name: str, table: str) -> None:
    """Removing any entry fails the check, so that no entry is superfluous."""
    remaining = {key: value for key, value in getattr(relation_tables, name).items() if key != table}
    monkeypatch.setattr(relation_tables, name, remaining)
    with pytest.raises(LookupError, match=name):
        check_relations(get_catalog())


@pytest.mark.parametrize("part", relation_tables.PARTS)
def test_check_relations_requires_each_part_of_articles(monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    monkeypatch.setattr(relation_tables, "PARTS", tuple(p for p in relation_tables.PARTS if p != part))
    with pytest.raises(LookupError, match=f"has no entry for {part}"):
        check_relations(get_catalog())


def test_check_relations_requires_each_column_of_a_link_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """A link table must be read with every column that refers to another row."""
    links = tuple(
        (
            table,
            target_column,
            tuple(column for column in columns if (table, column) != ("collection_item", "media_id")),
        )
        for table, target_column, columns in relation_tables.LINKS["article"]
    )
    monkeypatch.setattr(relation_tables, "LINKS", {**relation_tables.LINKS, "article": links})
    with pytest.raises(LookupError, match=r"collection_item\.media_id"):
        check_relations(get_catalog())


def test_check_relations_requires_a_user_of_tables_visible_by_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relation_tables, "TABLES_VISIBLE_BY_USE", TABLES_VISIBLE_BY_USE | {"poll"})
    with pytest.raises(LookupError, match="poll"):
        check_relations(get_catalog())


def test_primary_keys_other_than_id_follow_the_models() -> None:
    """Bodies and withdrawals have the id of their article."""
    assert PRIMARY_KEYS == {"article_body": "article_id", "withdrawal": "article_id"}


def test_search_columns_exist_in_the_article_table() -> None:
    assert set(Article._meta.fields_db_projection.values()) >= SEARCH_COLUMNS
