"""Tags: create, update, delete."""

from __future__ import annotations

from typing import Any

from contentql.content.records import (
    TagRecord,
)
from contentql.editorial import references, trash, validation
from contentql.editorial.context import EditContext, Input, WriteResult
from contentql.editorial.rows import require_unused, required, row_slug, save_row
from contentql.editorial.sources import require_no_cycle
from contentql.editorial.user_errors import UserErrorCode, user_error
from contentql.store.models.articles import ArticleTag
from contentql.store.models.taxonomy import Tag


async def create_tag(context: EditContext, input: Input) -> WriteResult:
    return await _tag(context, input, None)


async def update_tag(context: EditContext, input: Input) -> WriteResult:
    return await _tag(context, input, await references.find_tag(context, input["id"], "id"))


async def _tag(context: EditContext, input: Input, row: Any) -> WriteResult:
    required(input, "name", row)
    kind = row.type if row else input["type"]
    slug = await row_slug(input, row, Tag, input.get("name", ""), type=kind)
    foreign_keys = {}
    if "broader" in input:
        broader = (
            None
            if input["broader"] is None
            else await references.find_tag(context, input["broader"], "broader")
        )
        await require_no_cycle(Tag, "broader_id", row, broader, "broader")
        foreign_keys = {"broader_id": broader.id if broader else None}
    values = {**validation.record_values(TagRecord, input, "id", "broader", "slug"), "slug": slug}
    wikidata = values.get("wikidata")
    others = Tag.filter(wikidata=wikidata).exclude(id=row.id if row else 0)
    if wikidata and (other := await others.first()):
        raise user_error(
            UserErrorCode.TAKEN,
            f"The Wikidata item {wikidata} belongs to another tag.",
            "wikidata",
            f"Use the tag {other.type.value}:{other.slug}.",
        )
    row = await save_row(context, TagRecord, Tag, row, values, foreign_keys=foreign_keys, name="name")
    return WriteResult("tag", row.id)


async def delete_tag(context: EditContext, input: Input) -> WriteResult:
    row = await references.find_tag(context, input["id"], "id")
    await require_unused(
        f"{row.type.value}:{row.slug}",
        articles=ArticleTag.filter(tag_id=row.id, **trash.OF_LIVE_ARTICLE),
        tags=Tag.filter(broader_id=row.id),
    )
    await trash.release_tag(row.id)
    await row.delete()
    return WriteResult("tag", row.id)
