"""Authors: create, update, delete."""

from __future__ import annotations

from typing import Any

from contentql.content.records import (
    AuthorRecord,
)
from contentql.editorial import references, trash, validation
from contentql.editorial.context import EditContext, Input, WriteResult
from contentql.editorial.rows import require_unused, required, row_slug, save_row
from contentql.store.models.articles import ArticleAuthor
from contentql.store.models.live_entries import LiveEntryUse
from contentql.store.models.taxonomy import Author


async def create_author(context: EditContext, input: Input) -> WriteResult:
    return await _author(context, input, None)


async def update_author(context: EditContext, input: Input) -> WriteResult:
    return await _author(
        context, input, await references.find_by_reference(context, "author", input["id"], "id", hold=True)
    )


async def _author(context: EditContext, input: Input, row: Any) -> WriteResult:
    required(input, "name", row)
    slug = await row_slug(input, row, Author, input.get("name", ""))
    values = {**validation.record_values(AuthorRecord, input, "id", "image", "slug"), "slug": slug}
    foreign_keys = {}
    if "image" in input:
        image = (
            None
            if input["image"] is None
            else await references.find_media_id(context, input["image"], "image")
        )
        foreign_keys = {"image_id": image}
    row = await save_row(context, AuthorRecord, Author, row, values, foreign_keys=foreign_keys, name="name")
    return WriteResult("author", row.id)


async def delete_author(context: EditContext, input: Input) -> WriteResult:
    row = await references.find_by_reference(context, "author", input["id"], "id", hold=True)
    await require_unused(
        row.slug,
        articles=ArticleAuthor.filter(author_id=row.id, **trash.OF_LIVE_ARTICLE),
        live_blogs=LiveEntryUse.filter(author_id=row.id, **trash.OF_LIVE_ARTICLE),
    )
    await trash.release_author(row.id)
    await row.delete()
    return WriteResult("author", row.id)
