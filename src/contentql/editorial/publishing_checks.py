"""Checks that an article must pass before it is published."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from contentql.content import blocks
from contentql.content.ids import decode_id, encode_id
from contentql.content.records import ArticleRecord
from contentql.content.timestamps import format_timestamp
from contentql.editorial.context import MODELS_BY_TABLE
from contentql.editorial.user_errors import ErrorCollector, UserErrorCode
from contentql.store.models.taxonomy import Media


@dataclass(frozen=True)
class PublishingRequirement:
    """Field of a record without which an article is not published. `noun` names the field in a sentence."""

    field: str
    input_field: str
    noun: str


PUBLISHING_REQUIREMENTS: Final = (
    PublishingRequirement("slug", "slug", "slug"),
    PublishingRequirement("headline", "headline", "headline"),
    PublishingRequirement("language", "language", "language"),
    PublishingRequirement("category", "category", "section"),
    PublishingRequirement("blocks", "body", "text"),
)


def missing_requirements(record: ArticleRecord) -> list[PublishingRequirement]:
    """Requirements for publishing that the record does not meet; the date is left to the caller."""
    shown = tuple(filter(blocks.has_content, record.blocks))
    values = record.model_copy(update={"blocks": shown})
    return [needed for needed in PUBLISHING_REQUIREMENTS if not getattr(values, needed.field)]


async def require_references(
    values: Mapping[str, Any] | None,
    body: Sequence[blocks.Block],
    before: Sequence[blocks.Block],
    errors: ErrorCollector,
) -> None:
    """Adds an error for every media file and mentioned object of the body that does not exist.

    Mentions that are in the body `before` stay: their objects may have been deleted since.
    """
    known = {mention for block in before for mention in blocks.block_mentions(block)}
    references = [
        (n, name)
        for n, block in enumerate(body)
        for name in (
            *(encode_id("media", number) for number in blocks.block_media(block)),
            *(mention for mention in blocks.block_mentions(block) if mention not in known),
        )
    ]
    existing = await _existing_ids({name for _, name in references})
    for n, name in references:
        if name not in existing:
            (form,) = values or ("",)
            errors.add(
                UserErrorCode.NOT_FOUND,
                f"There is no media file {name!r}." if name.startswith("med_") else f"There is no {name!r}.",
                f"body.blocks.{n}" if form == "blocks" else f"body.{form}",
                "Create the media file first, or remove its block."
                if name.startswith("med_")
                else "Create the object first, or remove the mention.",
            )


async def _existing_ids(names: Collection[str]) -> set[str]:
    """Those of the global ids that are in the database."""
    by_table: dict[str, list[int]] = {}
    for table, number in filter(None, map(decode_id, names)):
        by_table.setdefault(table, []).append(number)
    existing: set[str] = set()
    for table, numbers in by_table.items():
        rows: Any = await MODELS_BY_TABLE[table].filter(id__in=numbers).values_list("id", flat=True)
        existing |= {encode_id(table, number) for number in rows}
    return existing


async def require_publishable(record: ArticleRecord, at: dt.datetime) -> None:
    """Raises UserErrors with every reason for which the article cannot be published at a time."""
    errors = ErrorCollector()
    for missing in missing_requirements(record):
        errors.add(
            UserErrorCode.REQUIRED,
            f"The article has no {missing.noun}.",
            missing.input_field,
            f"updateArticle(input: {{id: …, {missing.input_field}: …}})",
        )
    await _require_usable_media(record, at, errors)
    if record.embargo_until and record.embargo_until > at:
        until = format_timestamp(record.embargo_until)
        errors.add(
            UserErrorCode.EMBARGOED,
            f"The article is under embargo until {until}.",
            "embargoUntil",
            f'Schedule the article for that time: scheduleArticle(input: {{publishAt: "{until}"}}).',
        )
    if record.expires_at and record.expires_at <= at:
        errors.add(
            UserErrorCode.INVALID_TIME,
            f"expiresAt must be after the time of publishing, {format_timestamp(at)}, but is"
            f" {format_timestamp(record.expires_at)}.",
            "expiresAt",
            "updateArticle(input: {id: …, expiresAt: null}), or a later time.",
        )
    errors.raise_if_any()


async def _require_usable_media(record: ArticleRecord, at: dt.datetime, errors: ErrorCollector) -> None:
    """Adds an error for every picture without alternative text that is not decorative, and for every media
    file whose licence has ended at the time of publishing.
    """
    from_text = {number for block in record.blocks for number in blocks.block_media(block)}
    own = {placed.media: placed.alt for placed in record.media if placed.alt}
    requested = {*from_text, *(placed.media for placed in record.media)}
    if record.lead_media:
        requested.add(record.lead_media)
    fields = {
        media: "leadMedia" if media == record.lead_media else "body" if media in from_text else "media"
        for media in requested
    }
    await require_usable_media(fields, own, at, errors)


async def require_usable_media(
    fields: Mapping[int, str], described: Collection[int], at: dt.datetime, errors: ErrorCollector
) -> None:
    """Adds an error for every picture without alternative text that is not decorative, and for every media
    file whose licence has ended at a time.

    `fields`: the input field of each media file; `described`: those that have an alternative text elsewhere.
    """
    for row in await Media.filter(id__in=sorted(fields)).order_by("id"):
        field, name = fields[row.id], encode_id("media", row.id)
        if row.expires_at and row.expires_at <= at:
            errors.add(
                UserErrorCode.LICENCE_EXPIRED,
                f"The licence of the media file {name} ended at {format_timestamp(row.expires_at)}.",
                field,
                f'Use another file, or updateMedia(input: {{id: "{name}", expiresAt: …}}).',
            )
        if row.kind.value == "IMAGE" and not row.decorative and not row.alt and row.id not in described:
            errors.add(
                UserErrorCode.REQUIRED,
                f"The picture {name} has no alternative text.",
                field,
                f'updateMedia(input: {{id: "{name}", alt: "…"}}), or decorative: true.',
            )
