"""Sources: create, update, merge, delete."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tortoise.models import Model

from contentql.content.ids import encode_id
from contentql.content.records import (
    SourceRecord,
)
from contentql.editorial import references, trash, validation
from contentql.editorial.context import EditContext, Input, WriteResult
from contentql.editorial.former_names import record_merge
from contentql.editorial.rows import require_unused, required, row_slug, save_row
from contentql.editorial.user_errors import ErrorCollector, UserErrorCode, user_error
from contentql.store.models.attributions import Attribution
from contentql.store.models.taxonomy import Source


async def create_source(context: EditContext, input: Input) -> WriteResult:
    return await _source(context, input, None)


async def update_source(context: EditContext, input: Input) -> WriteResult:
    return await _source(
        context, input, await references.find_by_reference(context, "source", input["id"], "id", hold=True)
    )


async def _source(context: EditContext, input: Input, row: Any) -> WriteResult:
    required(input, "name", row)
    slug = await row_slug(input, row, Source, input.get("name", ""))
    foreign_keys = {}
    if "parent" in input:
        parent = (
            None
            if input["parent"] is None
            else await references.find_by_reference(context, "source", input["parent"], "parent")
        )
        await require_no_cycle(Source, "parent_id", row, parent, "parent")
        foreign_keys = {"parent_id": parent.id if parent else None}
    values = {**validation.record_values(SourceRecord, input, "id", "parent", "slug"), "slug": slug}
    row = await save_row(context, SourceRecord, Source, row, values, foreign_keys=foreign_keys, name="name")
    return WriteResult("source", row.id)


async def require_no_cycle(model: type[Model], column: str, row: Any, above: Any, field: str) -> None:
    seen = 0
    while row is not None and above is not None and seen < 100:
        if above.id == row.id:
            raise user_error(
                UserErrorCode.INVALID, f"A {model.__name__.lower()} cannot be its own ancestor.", field
            )
        number = getattr(above, column)
        above = await model.get_or_none(id=number) if number else None
        seen += 1


async def merge_sources(context: EditContext, input: Input) -> WriteResult:
    """Merges sources into one, which takes over their attributions and, as aliases, their names."""
    errors = ErrorCollector()
    into = await errors.run(references.find_by_reference(context, "source", input["into"], "into", hold=True))
    others = [
        await errors.run(references.find_by_reference(context, "source", one, f"sources.{n}"))
        for n, one in enumerate(input["sources"])
    ]
    errors.raise_if_any()
    if not others:
        raise user_error(UserErrorCode.REQUIRED, "sources must name at least one source to merge.", "sources")
    numbers = sorted({one.id for one in others})
    if into.id in numbers:
        raise user_error(UserErrorCode.INVALID, "A source cannot be merged into itself.", "sources")
    if any(one.described_as for one in (into, *others)):
        raise user_error(
            UserErrorCode.INVALID,
            "Unnamed sources cannot be merged: they may be different people.",
            "sources",
        )
    await require_mergeable(into.id, numbers)
    await Attribution.filter(source_id__in=numbers).update(source_id=into.id)
    await Attribution.filter(origin_id__in=numbers).update(origin_id=into.id)
    await Source.filter(parent_id__in=numbers).exclude(id=into.id).update(parent_id=into.id)
    if into.parent_id in numbers:
        into.parent_id = None
    names = [name for one in others for name in (one.name, *one.aliases)]
    into.aliases = [name for name in dict.fromkeys([*into.aliases, *names]) if name != into.name]
    await into.save()
    await record_merge(into, await Source.filter(id__in=numbers), context.now)
    await Source.filter(id__in=numbers).delete()
    return WriteResult("source", into.id)


async def require_mergeable(into: int, others: Sequence[int]) -> None:
    """Raises UserErrors if a chain of attributions would name the merged source twice."""
    rows: Any = Attribution.filter(source_id__in=[into, *others]).values_list("head_id", flat=True)
    twice = [head for head, count in Counter(await rows).items() if count > 1]
    if twice:
        row = await Attribution.get(id=twice[0])
        name = encode_id("attribution", row.working_of or row.id)
        raise user_error(
            UserErrorCode.INVALID_ATTRIBUTION_CHAIN,
            f"The attribution {name} names two of the merged sources in one chain.",
            "sources",
            "Change or delete the attribution first.",
        )


async def delete_source(context: EditContext, input: Input) -> WriteResult:
    row = await references.find_by_reference(context, "source", input["id"], "id", hold=True)
    await require_unused(
        row.slug,
        attributions=Attribution.filter(source_id=row.id, **trash.OF_LIVE_ARTICLE),
        sources=Source.filter(parent_id=row.id),
    )
    await trash.release_source(row.id)
    await row.delete()
    return WriteResult("source", row.id)
