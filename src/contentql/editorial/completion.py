"""Completion of an article's record before it is saved: ids, times, history, corrections."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from pydantic.alias_generators import to_camel

from contentql.content import blocks, derive
from contentql.content.enums import PUBLIC_ATTRIBUTION_STATES, Status
from contentql.content.ids import new_id
from contentql.content.records import (
    ArticleRecord,
    AttributionRecord,
    CorrectionRecord,
    PlacementRecord,
    SlugRecord,
)
from contentql.editorial.text_anchors import make_span


def complete_record(record: ArticleRecord, kept: ArticleRecord | None, now: dt.datetime) -> ArticleRecord:
    """The record with all that it may leave out, ids, times, placements: as `kept` has them, or new."""
    number = kept.id if kept else record.id or new_id()
    body = derive.assign_block_ids(record.blocks, kept.blocks if kept else ())
    public = record.status in (Status.PUBLISHED, Status.SCHEDULED)
    times = derive.publication_times(
        record.published_at,
        public=public,
        first=record.first_published_at or (_past(kept.first_published_at, now) if kept else None),
        updated=record.updated_at or (_past(kept.updated_at, now) if kept else None),
    )
    placed = derive.media_placements(
        record.lead_media,
        body,
        [derive.Placement(said.media, said.role, said.caption, said.alt) for said in record.media],
    )
    external = {*record.external_ids, *(kept.external_ids if kept else ())}
    return record.model_copy(
        update={
            "id": number,
            "uri": record.uri or (kept.uri if kept else f"urn:contentql:article:{number}"),
            "external_ids": tuple(sorted(external, key=lambda known: (known.system, known.value))),
            "first_published_at": times.first_published,
            "updated_at": times.updated,
            "modified_at": record.modified_at or (kept.modified_at if kept else now),
            "version": record.version or (kept.version if kept else 1),
            "sections": tuple(path for path in dict.fromkeys(record.sections) if path != record.category),
            "lede": None if record.lede == derive.lede(body) else record.lede,
            "blocks": body,
            "media": tuple(
                PlacementRecord(media=said.media, role=said.role, caption=said.caption, alt=said.alt)
                for said in placed
            ),
            "authors": tuple(dict.fromkeys(record.authors)),
            "tags": tuple({said.tag: said for said in record.tags}.values()),
            "related": tuple(dict.fromkeys(record.related)),
            "attributions": _numbered(record, body, kept.attributions if kept else ()),
            "corrections": _dated(record.corrections, kept.corrections if kept else ()),
            "slug_history": _history(record, kept, now),
        }
    )


def _past(at: dt.datetime | None, now: dt.datetime) -> dt.datetime | None:
    """What was only planned may still move."""
    return at if at and at <= now else None


def _numbered(
    record: ArticleRecord, body: Sequence[blocks.Block], before: Sequence[AttributionRecord]
) -> tuple[AttributionRecord, ...]:
    texts = {block.id: blocks.block_text(block) for block in body}
    known: dict[AttributionRecord, list[AttributionRecord]] = {}
    for old in before:
        known.setdefault(_nameless(old), []).append(old)
    found = []
    for said in record.attributions:
        said = _quoted(said, texts)
        same = known.get(_nameless(said), [])
        found.append(same.pop(0) if same and said.id in (None, same[0].id) else assign_attribution_ids(said))
    # First what is public, so that the places of the public ones never betray a suggestion among them.
    return tuple(sorted(found, key=lambda said: said.state not in PUBLIC_ATTRIBUTION_STATES))


def _nameless(said: AttributionRecord) -> AttributionRecord:
    return said.model_copy(update={"id": None, "via": said.via and _nameless(said.via)})


def assign_attribution_ids(said: AttributionRecord) -> AttributionRecord:
    """The chain, each hop with an id: its own or a new one."""
    return said.model_copy(
        update={"id": said.id or new_id(), "via": said.via and assign_attribution_ids(said.via)}
    )


def _quoted(said: AttributionRecord, texts: dict[str | None, str]) -> AttributionRecord:
    """With the words of its span and those around it, by which it is found again after an edit."""
    via = said.via and _quoted(said.via, texts)
    span = said.span
    if span is not None and span.exact is None:
        text = texts[span.block_id]
        span = make_span(span.block_id, text, span.start, text[span.start : span.end])
    return said.model_copy(update={"span": span, "via": via})


def _dated(
    said: Sequence[CorrectionRecord], before: Sequence[CorrectionRecord]
) -> tuple[CorrectionRecord, ...]:
    known = {old.model_copy(update={"id": None}): old for old in before}
    named = [new if new.id else known.get(new) or new.model_copy(update={"id": new_id()}) for new in said]
    return tuple(sorted(named, key=lambda correction: (correction.at, correction.id or 0)))


def _history(record: ArticleRecord, kept: ArticleRecord | None, now: dt.datetime) -> tuple[SlugRecord, ...]:
    """The slugs the article had, with the one that it has just given up."""
    old = {
        (said.language, said.slug): said
        for said in (*(kept.slug_history if kept else ()), *record.slug_history)
    }
    if kept:
        left = SlugRecord(language=kept.language, slug=kept.slug, until=now)
        old.setdefault((kept.language, kept.slug), left)
    old.pop((record.language, record.slug), None)
    return tuple(sorted(old.values(), key=lambda said: (said.until, said.language, said.slug)))


def changed_field_names(kept: ArticleRecord, whole: ArticleRecord) -> list[str]:
    names = ArticleRecord.model_fields.keys() - {"modified_at"}
    return sorted(to_camel(name) for name in names if getattr(kept, name) != getattr(whole, name))


def require_publishable(record: ArticleRecord) -> None:
    lacks = _lacks(record)
    if lacks and record.status in (Status.PUBLISHED, Status.SCHEDULED):
        raise RecordRejected(f"it cannot be published without {' and '.join(lacks)}")


def _lacks(record: ArticleRecord) -> list[str]:
    """What an article must have before it may be public."""
    needed = (
        ("a date (publishedAt, or --publish-at)", record.published_at),
        ("a section (category, or --category)", record.category),
        ("a text (blocks)", record.blocks),
    )
    return [word for word, there in needed if not there]


def draft(record: ArticleRecord) -> str:
    if record.status is not Status.DRAFT:
        return ""
    lacks = [f"no {word.partition(' ')[2]}" for word in _lacks(record)]
    return f"a draft, so not public{': it has ' if lacks else ''}{' and '.join(lacks)}"


class RecordRejected(Exception):
    """A record that cannot be kept: one plain sentence."""
