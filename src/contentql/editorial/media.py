"""Media files: create, update, delete."""

from __future__ import annotations

import re
from typing import Any

from contentql.content.ids import encode_id
from contentql.content.media_types import EXECUTABLE_MEDIA_TYPE, guess_media_type
from contentql.content.records import (
    MediaRecord,
)
from contentql.editorial import trash, validation
from contentql.editorial.context import EditContext, Input, WriteResult
from contentql.editorial.rows import require_unused, save_row
from contentql.editorial.user_errors import ErrorCollector, UserErrorCode, user_error
from contentql.store.models.articles import Article, ArticleMedia
from contentql.store.models.attributions import Attribution
from contentql.store.models.collections import CollectionItem
from contentql.store.models.live_entries import LiveEntryUse
from contentql.store.models.taxonomy import Author, Media

_MIME = re.compile(r"[\w.+-]+/[\w.+-]+(\s*;\s*[\w.+-]+=[\w.+-]+)*", re.ASCII)


async def create_media(context: EditContext, input: Input) -> WriteResult:
    if existing := await Media.filter(url=input["url"]).first():
        number = encode_id("media", existing.id)
        raise user_error(
            UserErrorCode.TAKEN, "The url belongs to another media file.", "url", f"Use {number}."
        )
    mime = input.get("mime") or guess_media_type(input["url"])
    if mime is None:
        raise user_error(
            UserErrorCode.REQUIRED,
            "The media type cannot be derived from the url.",
            "mime",
            "Send mime, as in image/jpeg.",
        )
    return await _media(context, {**input, "mime": mime}, None)


async def update_media(context: EditContext, input: Input) -> WriteResult:
    return await _media(context, input, await context.get_row("media", input["id"], hold=True))


async def _media(context: EditContext, input: Input, row: Any) -> WriteResult:
    values = validation.record_values(MediaRecord, input, "id")
    errors = ErrorCollector()
    for name in ("url", "mime"):
        if name in values and values[name] is None:
            errors.add(UserErrorCode.REQUIRED, f"{name} must not be null.", name)
    errors.raise_if_any()
    mime = values.get("mime", row.mime if row else "").strip()
    if EXECUTABLE_MEDIA_TYPE.match(mime):
        raise user_error(
            UserErrorCode.UNSAFE_CONTENT,
            f"Files of the type {mime[:60]} can run code and are not allowed.",
            "mime",
            "Use PNG, JPEG or WebP.",
        )
    if not _MIME.fullmatch(mime):
        raise user_error(UserErrorCode.INVALID, "mime must be a media type.", "mime", "Example: image/jpeg.")
    values["mime"] = mime
    row = await save_row(
        context, MediaRecord, Media, row, values, foreign_keys={}, defaults={"created_at": context.now}
    )
    return WriteResult("media", row.id)


async def delete_media(context: EditContext, input: Input) -> WriteResult:
    row = await context.get_row("media", input["id"], hold=True)
    placed = ArticleMedia.filter(media_id=row.id, **trash.OF_LIVE_ARTICLE)
    await require_unused(
        encode_id("media", row.id),
        articles=placed,
        lead_pictures=Article.filter(lead_media_id=row.id, deleted_at__isnull=True),
        attributions=Attribution.filter(media_id=row.id, **trash.OF_LIVE_ARTICLE),
        authors=Author.filter(image_id=row.id),
        live_blogs=LiveEntryUse.filter(media_id=row.id, **trash.OF_LIVE_ARTICLE),
        collections=CollectionItem.filter(media_id=row.id, **trash.OF_LIVE_ARTICLE),
    )
    await trash.release_media(row.id)
    await row.delete()
    return WriteResult("media", row.id)
