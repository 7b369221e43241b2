"""Checks that an article must pass before it is published."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from contentql.content import blocks
from contentql.content.ids import encode_id
from contentql.content.records import ArticleRecord
from contentql.editorial.user_errors import ErrorCollector, UserErrorCode
from contentql.store.models.taxonomy import Media


async def require_media(
    values: Mapping[str, Any] | None, body: Sequence[blocks.Block], errors: ErrorCollector
) -> None:
    """That all that the body shows is here."""
    requested = {number for block in body for number in blocks.block_media(block)}
    rows: Any = await Media.filter(id__in=requested).values_list("id", flat=True) if requested else []
    here = set(rows)
    for n, block in enumerate(body):
        for number in blocks.block_media(block):
            if number not in here:
                (form,) = values or ("",)
                where = f"body.blocks.{n}" if form == "blocks" else f"body.{form}"
                errors.add(
                    UserErrorCode.NOT_FOUND, f"There is no media {encode_id('media', number)!r}.", where
                )


async def require_publishable(record: ArticleRecord, at: dt.datetime) -> None:
    """Raises Amiss with everything that keeps it from coming out `at` that moment."""
    errors = ErrorCollector()
    needed = (
        ("slug", record.slug, "It has no slug."),
        ("headline", record.headline, "It has no headline."),
        ("language", record.language, "It has no language."),
        ("category", record.category, "It stands in no section."),
        ("body", record.blocks, "It has no text."),
    )
    for field, there, message in needed:
        if not there:
            errors.add(UserErrorCode.REQUIRED, message, field, f"updateArticle(input: {{id: …, {field}: …}})")
    await _require_described(record, errors)
    if record.embargo_until and record.embargo_until > at:
        until = blocks.format_timestamp(record.embargo_until)
        errors.add(
            UserErrorCode.EMBARGOED,
            f"An embargo is open until {until}.",
            "embargoUntil",
            f'Schedule it for then: scheduleArticle(input: {{publishAt: "{until}"}}).',
        )
    if record.expires_at and record.expires_at <= at:
        errors.add(UserErrorCode.INVALID_TIME, "It would be gone before it came out.", "expiresAt")
    errors.raise_if_any()


async def _require_described(record: ArticleRecord, errors: ErrorCollector) -> None:
    """Every picture says what it shows, or that it need not; and its licence has not ended."""
    from_text = {number for block in record.blocks for number in blocks.block_media(block)}
    own = {placed.media: placed.alt for placed in record.media if placed.alt}
    requested = {*from_text, *(placed.media for placed in record.media)}
    if record.lead_media:
        requested.add(record.lead_media)
    for row in await Media.filter(id__in=sorted(requested)).order_by("id"):
        field = "leadMedia" if row.id == record.lead_media else "body" if row.id in from_text else "media"
        name = encode_id("media", row.id)
        if row.kind.value == "IMAGE" and not row.decorative and not row.alt and row.id not in own:
            errors.add(
                UserErrorCode.REQUIRED,
                f"The picture {name} does not say what it shows.",
                field,
                f'updateMedia(input: {{id: "{name}", alt: "…"}}), or decorative: true.',
            )
