"""Stories: create, update, delete."""

from __future__ import annotations

from typing import Any

from contentql.content.records import (
    StoryRecord,
)
from contentql.editorial import references, trash, validation
from contentql.editorial.context import EditContext, Input, WriteResult
from contentql.editorial.rows import require_unused, required, row_slug, save_row
from contentql.store.models.articles import Article
from contentql.store.models.taxonomy import Story


async def create_story(context: EditContext, input: Input) -> WriteResult:
    return await _story(context, input, None)


async def update_story(context: EditContext, input: Input) -> WriteResult:
    return await _story(
        context, input, await references.find_by_reference(context, "story", input["id"], "id", hold=True)
    )


async def _story(context: EditContext, input: Input, row: Any) -> WriteResult:
    required(input, "title", row)
    slug = await row_slug(input, row, Story, input.get("title", ""))
    values = {**validation.record_values(StoryRecord, input, "id", "slug"), "slug": slug}
    row = await save_row(context, StoryRecord, Story, row, values, foreign_keys={}, name="title")
    return WriteResult("story", row.id)


async def delete_story(context: EditContext, input: Input) -> WriteResult:
    row = await references.find_by_reference(context, "story", input["id"], "id", hold=True)
    await require_unused(row.slug, articles=Article.filter(story_id=row.id, deleted_at__isnull=True))
    await trash.release_story(row.id)
    await row.delete()
    return WriteResult("story", row.id)
