"""Declared relations, and the tables by which cache invalidation and read sets know them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from contentql.cache import change_batches
from contentql.cache.change_batches import check_relations
from contentql.planner.catalog import Catalog, TypePlan, check_tables
from contentql.planner.field_plans import JunctionTable, ToMany, ToOne
from contentql.planner.read_set import PRIMARY_KEYS, SEARCH_COLUMNS
from contentql.planner.visibility import TABLES_VISIBLE_BY_USE
from contentql.schema.build import get_catalog
from contentql.store.models.articles import Article


def catalog_with(table: str, relation: ToOne | ToMany) -> Catalog:
    """The catalog with one more type, Extra, which has one relation."""
    catalog = get_catalog()
    extra = TypePlan("Extra", table, None, {"link": relation})
    return replace(catalog, types={**catalog.types, "Extra": extra})


def test_the_catalog_of_the_schema_is_complete() -> None:
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
def test_a_table_without_a_marker_code_is_named(table: str, relation: Any, missing: str) -> None:
    """A type whose rows could not be marked in responses stops the catalog."""
    with pytest.raises(LookupError, match=missing):
        check_tables(catalog_with(table, relation))


@pytest.mark.parametrize(
    ("table", "relation", "missing"),
    [
        (
            "story",
            ToMany("article", link=JunctionTable("article_story", "story_id", "article_id")),
            "Extra.link: _LINKS .* article through article_story from story_id to article_id",
        ),
        (
            "media",
            ToMany("article", link=JunctionTable("article_tag", "media_id", "article_id")),
            "Extra.link: _LINKS .* article through article_tag from media_id to article_id",
        ),
        (
            "article",
            ToOne("author", "editor_id", visible_with_source=True),
            "Extra.link: _USES .* author used by article.editor_id",
        ),
    ],
)
def test_a_relation_without_an_entry_is_named(table: str, relation: Any, missing: str) -> None:
    """A relation of which cache invalidation knows nothing stops the catalog."""
    with pytest.raises(LookupError, match=missing):
        check_relations(catalog_with(table, relation))


@pytest.mark.parametrize(
    ("name", "table"),
    [
        *(("_LINKS", table) for table in change_batches._LINKS),
        *(("_USES", table) for table in change_batches._USES if table != "collection_item"),
    ],
)
def test_each_entry_is_required_by_a_declared_relation(
    monkeypatch: pytest.MonkeyPatch, name: str, table: str
) -> None:
    """Without any one entry the check fails, so none is left over and none can be lost."""
    tables = {key: value for key, value in getattr(change_batches, name).items() if key != table}
    monkeypatch.setattr(change_batches, name, tables)
    with pytest.raises(LookupError, match=name):
        check_relations(get_catalog())


@pytest.mark.parametrize("part", change_batches._PARTS)
def test_parts_of_articles_are_required(monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    """A part of articles that is missing is named."""
    monkeypatch.setattr(change_batches, "_PARTS", tuple(p for p in change_batches._PARTS if p != part))
    with pytest.raises(LookupError, match=f"has no entry for {part}"):
        check_relations(get_catalog())


def test_links_read_every_column_that_uses_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """A link table whose used column is not read with it is named."""
    links = tuple(
        (table, far, tuple(column for column in near if (table, column) != ("collection_item", "media_id")))
        for table, far, near in change_batches._LINKS["article"]
    )
    monkeypatch.setattr(change_batches, "_LINKS", {**change_batches._LINKS, "article": links})
    with pytest.raises(LookupError, match=r"collection_item\.media_id"):
        check_relations(get_catalog())


def test_a_table_visible_by_use_needs_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table whose rows need a visible user, and have none, is named."""
    monkeypatch.setattr(change_batches, "TABLES_VISIBLE_BY_USE", TABLES_VISIBLE_BY_USE | {"poll"})
    with pytest.raises(LookupError, match="poll"):
        check_relations(get_catalog())


def test_primary_keys_follow_the_models() -> None:
    """Only bodies and withdrawals are known by the id of their article."""
    assert PRIMARY_KEYS == {"article_body": "article_id", "withdrawal": "article_id"}


def test_search_columns_are_columns_of_articles() -> None:
    """Every search column exists."""
    assert set(Article._meta.fields_db_projection.values()) >= SEARCH_COLUMNS
