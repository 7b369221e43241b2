"""Completion of an article's record before it is saved: ids, times, history, corrections."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from pydantic.alias_generators import to_camel

from contentql.content import blocks, derive
from contentql.content.entries import complete_entries
from contentql.content.enums import PUBLIC_ATTRIBUTION_STATES, MediaRole, Status
from contentql.content.field_types import STORED
from contentql.content.ids import new_id
from contentql.content.records import (
    ArticleRecord,
    AttributionRecord,
    CorrectionRecord,
    PlacementRecord,
    SlugRecord,
)
from contentql.editorial.text_anchors import make_span
from contentql.language_tags import normal_form


def complete_record(record: ArticleRecord, stored: ArticleRecord | None, now: dt.datetime) -> ArticleRecord:
    """Fills in what a record may omit (ids, times, placements) from the stored record, or with new values."""
    number = stored.id if stored else record.id or new_id()
    before = stored.blocks if stored else ()
    body = complete_entries(derive.assign_block_ids(record.blocks, before), before)
    public = record.status in (Status.PUBLISHED, Status.SCHEDULED)
    times = derive.publication_times(
        record.published_at,
        public=public,
        first=record.first_published_at or (_past(stored.first_published_at, now) if stored else None),
        updated=record.updated_at or (_past(stored.updated_at, now) if stored else None),
    )
    placed = derive.media_placements(
        record.lead_media,
        body,
        [
            derive.Placement(value.media, value.role, value.caption, value.alt)
            for value in _remaining_placements(record, body, stored)
        ],
    )
    external = {*record.external_ids, *(stored.external_ids if stored else ())}
    return record.model_copy(
        update={
            "id": number,
            "uri": record.uri or (stored.uri if stored else f"urn:contentql:article:{number}"),
            "external_ids": tuple(
                sorted(external, key=lambda external_id: (external_id.system, external_id.value))
            ),
            "first_published_at": times.first_published,
            "updated_at": times.updated,
            "modified_at": record.modified_at or (stored.modified_at if stored else now),
            "version": record.version or (stored.version if stored else 1),
            "sections": tuple(path for path in dict.fromkeys(record.sections) if path != record.category),
            "lede": None if record.lede == derive.lede(body) else record.lede,
            "blocks": body,
            "media": tuple(
                PlacementRecord(media=item.media, role=item.role, caption=item.caption, alt=item.alt)
                for item in placed
            ),
            "authors": tuple(dict.fromkeys(record.authors)),
            "tags": tuple({mention.tag: mention for mention in record.tags}.values()),
            "related": tuple(dict.fromkeys(record.related)),
            "attributions": _numbered(record, body, stored.attributions if stored else ()),
            "corrections": _dated(record.corrections, stored.corrections if stored else ()),
            "slug_history": _history(record, stored, now),
        }
    )


def _remaining_placements(
    record: ArticleRecord, body: Sequence[blocks.Block], stored: ArticleRecord | None
) -> list[PlacementRecord]:
    """Returns the placements without those of pictures that a change takes out of the lead and the body.

    All of them if the change sets the placements themselves. A former lead picture that is still in the body
    loses the role of the lead only.
    """
    if stored is None or record.media != stored.media:
        return list(record.media)
    before = derive.lead_and_body_media(stored.lead_media, stored.blocks)
    after = derive.lead_and_body_media(record.lead_media, body)
    remaining = [placed for placed in record.media if placed.media not in before - after]
    return [
        placed.model_copy(update={"role": MediaRole.INLINE})
        if placed.role is MediaRole.LEAD and placed.media == stored.lead_media != record.lead_media
        else placed
        for placed in remaining
    ]


def _past(at: dt.datetime | None, now: dt.datetime) -> dt.datetime | None:
    """Returns the time if it has passed, else None: a planned time may still change."""
    return at if at and at <= now else None


def _numbered(
    record: ArticleRecord, body: Sequence[blocks.Block], before: Sequence[AttributionRecord]
) -> tuple[AttributionRecord, ...]:
    texts = {block.id: blocks.block_text(block) for block in body}
    existing: dict[AttributionRecord, list[AttributionRecord]] = {}
    for old in before:
        existing.setdefault(_nameless(old), []).append(old)
    results = []
    for value in record.attributions:
        value = _quoted(value, texts)
        same = existing.get(_nameless(value), [])
        results.append(
            same.pop(0) if same and value.id in (None, same[0].id) else assign_attribution_ids(value)
        )
    # Public ones first, so that their positions never reveal a suggestion among them.
    return tuple(sorted(results, key=lambda attribution: attribution.state not in PUBLIC_ATTRIBUTION_STATES))


def _nameless(attribution: AttributionRecord) -> AttributionRecord:
    return attribution.model_copy(update={"id": None, "via": attribution.via and _nameless(attribution.via)})


def assign_attribution_ids(attribution: AttributionRecord) -> AttributionRecord:
    """Returns the chain with an id for every hop: its own or a new one."""
    return attribution.model_copy(
        update={
            "id": attribution.id or new_id(),
            "via": attribution.via and assign_attribution_ids(attribution.via),
        }
    )


def _quoted(attribution: AttributionRecord, texts: dict[str | None, str]) -> AttributionRecord:
    """Returns the attribution with the words of its span and their context, which locate it after an edit."""
    via = attribution.via and _quoted(attribution.via, texts)
    span = attribution.span
    if span is not None and span.exact is None:
        text = texts[span.block_id]
        span = make_span(span.block_id, text, span.start, text[span.start : span.end])
    return attribution.model_copy(update={"span": span, "via": via})


def _dated(
    items: Sequence[CorrectionRecord], before: Sequence[CorrectionRecord]
) -> tuple[CorrectionRecord, ...]:
    existing = {old.model_copy(update={"id": None}): old for old in before}
    named = [new if new.id else existing.get(new) or new.model_copy(update={"id": new_id()}) for new in items]
    return tuple(sorted(named, key=lambda correction: (correction.at, correction.id or 0)))


def _history(record: ArticleRecord, stored: ArticleRecord | None, now: dt.datetime) -> tuple[SlugRecord, ...]:
    """Returns the former slugs of the article, including the one that this change replaces."""
    old = {
        (normal_form(value.language), value.slug): value
        for value in (*(stored.slug_history if stored else ()), *record.slug_history)
    }
    if stored:
        left = {"language": stored.language, "slug": stored.slug, "until": now}
        former = SlugRecord.model_validate(left, context=STORED)
        old.setdefault((normal_form(stored.language), stored.slug), former)
    old.pop((normal_form(record.language), record.slug), None)
    return tuple(sorted(old.values(), key=lambda entry: (entry.until, entry.language, entry.slug)))


def changed_field_names(stored: ArticleRecord, record: ArticleRecord) -> list[str]:
    names = ArticleRecord.model_fields.keys() - {"modified_at"}
    return sorted(to_camel(name) for name in names if getattr(stored, name) != getattr(record, name))
