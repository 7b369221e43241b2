"""Articles as the writers of formats get them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.graphql_client import query_data

from contentql.content.blocks import block_media
from contentql.content.import_item import ImportItem, SourceStatus
from contentql.content.media_placeholders import FIRST_PLACEHOLDER
from contentql.content.records import (
    ArticleRecord,
    AuthorRecord,
    CategoryRecord,
    MediaRecord,
    Record,
    TagRecord,
)
from contentql.content.render import render_html
from contentql.execution.executor import Executor
from contentql.formats.article_document import ARTICLE_FIELDS

_QUERY = (
    """
query Articles($after: String) {
  articles(first: 4, after: $after) {
    nodes { ...ArticleDocument }
    pageInfo { hasNextPage endCursor }
  }
}"""
    + ARTICLE_FIELDS
)
_STATUSES = {
    SourceStatus.PUBLIC: "PUBLISHED",
    SourceStatus.HIDDEN: "DRAFT",
    SourceStatus.CANCELED: "WITHDRAWN",
}


async def public_documents(executor: Executor) -> list[dict[str, Any]]:
    """The documents of all articles that the public sees."""
    documents: list[dict[str, Any]] = []
    after = None
    while True:
        page = (await query_data(executor, _QUERY, {"after": after}))["articles"]
        documents += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return documents
        after = page["pageInfo"]["endCursor"]


def document_of(item: ImportItem) -> dict[str, Any]:
    """The document of an imported article, as an export gives it."""
    record = item.record
    assert isinstance(record, ArticleRecord), item
    values = record.model_dump(mode="json", by_alias=True)
    references = {_key(reference): reference for reference in item.references}
    media = {FIRST_PLACEHOLDER + number: _media(each, number) for number, each in enumerate(item.media)}
    tags = [_tag(mention.tag, references) for mention in record.tags]
    return {
        **values,
        "status": _STATUSES[item.source_status or SourceStatus.PUBLIC],
        "dateline": {"place": record.dateline_place, "text": record.dateline_text},
        "rights": {"usageTerms": record.usage_terms, "copyrightNotice": record.copyright_notice},
        "category": _category(record.category, references),
        "categories": [_category(path, references) for path in (record.category, *record.sections) if path],
        "authors": [
            {"role": credit.role.value, "author": _author(credit.author, references)}
            for credit in record.authors
        ],
        "tags": tags,
        "entities": [
            {
                "relevance": mention.relevance,
                "confidence": mention.confidence,
                "entity": {"id": f"tag_{mention.tag}"},
            }
            for mention in record.tags
        ],
        "leadMedia": media.get(record.lead_media or 0),
        "media": [
            *({"role": "INLINE", "media": media[number]} for number in _shown(record)),
            *({"role": placement.role.value, "media": media[placement.media]} for placement in record.media),
        ],
        "body": {"html": render_html(record.blocks)},
        "attributions": [],
        "version": item.source_version,
        "canonicalUrl": next(iter(item.addresses), None),
    }


def _shown(record: ArticleRecord) -> list[int]:
    return [number for block in record.blocks for number in block_media(block)]


def _key(record: Record) -> str:
    match record:
        case CategoryRecord():
            return record.path
        case TagRecord():
            return f"{record.type.value}:{record.slug}"
        case AuthorRecord():
            return f"author:{record.slug}"
    raise AssertionError(record)


def _category(path: str | None, references: Mapping[str, Record]) -> dict[str, Any] | None:
    if not path:
        return None
    record = references[path]
    assert isinstance(record, CategoryRecord)
    parent = _category(path.rpartition("/")[0], references)
    return {"path": path, "name": record.name, "parent": parent}


def _tag(key: str, references: Mapping[str, Record]) -> dict[str, Any]:
    values = references[key].model_dump(mode="json", by_alias=True)
    has_position = values["latitude"] is not None
    position = {"latitude": values["latitude"], "longitude": values["longitude"]}
    return {**values, "id": f"tag_{key}", "position": position if has_position else None}


def _author(slug: str, references: Mapping[str, Record]) -> dict[str, Any]:
    return references[f"author:{slug}"].model_dump(mode="json", by_alias=True)


def _media(record: MediaRecord, number: int) -> dict[str, Any]:
    values = record.model_dump(mode="json", by_alias=True)
    focus = {"x": record.focal_x, "y": record.focal_y}
    point = focus if record.focal_x is not None else None
    return {**values, "id": f"med_{FIRST_PLACEHOLDER + number}", "focalPoint": point}
