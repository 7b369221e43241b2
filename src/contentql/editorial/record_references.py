"""Rows that a stored record of an article names: their ids, and their present names when it is restored.

Names change and may come to belong to other rows, ids do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tortoise.models import Model

from contentql.content import blocks
from contentql.content.ids import encode_id
from contentql.content.records import ArticleRecord, AttributionRecord
from contentql.editorial.context import DISPLAY_NAMES, EditContext
from contentql.editorial.former_names import find_merged
from contentql.editorial.text_anchors import reanchor_attributions
from contentql.editorial.warnings import WarningCode
from contentql.store.models.articles import Article
from contentql.store.models.taxonomy import Author, Category, Media, Source, Story, Tag

_MODELS: Mapping[str, tuple[type[Model], str]] = {
    "category": (Category, "path"),
    "tag": (Tag, "slug"),
    "author": (Author, "slug"),
    "source": (Source, "slug"),
    "story": (Story, "slug"),
}


async def reference_ids(record: ArticleRecord) -> dict[str, dict[str, int]]:
    """The ids of the rows that a record names, by table and name."""
    return {
        table: await _ids_by_name(table, names) for table, names in _referenced_names(record).items() if names
    }


def reference_ids_of(
    record: ArticleRecord, ids: Mapping[str, Mapping[str, int]]
) -> dict[str, dict[str, int]]:
    """The ids of the rows that a record names, as `reference_ids`, from known ids by table and name."""
    return {
        table: {name: ids[table][name] for name in names}
        for table, names in _referenced_names(record).items()
        if names
    }


def _referenced_names(record: ArticleRecord) -> dict[str, list[str]]:
    sources = (hop.source for head in record.attributions for hop in head.hops())
    names: dict[str, Iterable[str | None]] = {
        "category": (record.category, *record.sections),
        "tag": (mention.tag for mention in record.tags),
        "author": (credit.author for credit in record.authors),
        "source": sources,
        "story": (record.story,),
    }
    return {table: list(dict.fromkeys(filter(None, values))) for table, values in names.items()}


async def _ids_by_name(table: str, names: Iterable[str]) -> dict[str, int]:
    model, column = _MODELS[table]
    if table == "tag":
        slugs = [name.partition(":")[2] for name in names]
        rows = await Tag.filter(slug__in=slugs).values_list("type", "slug", "id")
        numbers = {f"{kind.value}:{slug}": number for kind, slug, number in rows}
        return {name: numbers[name] for name in names if name in numbers}
    values: Any = await model.filter(**{f"{column}__in": list(names)}).values_list(column, "id")
    return dict(values)


async def _names_by_id(table: str, numbers: Iterable[int]) -> dict[int, str]:
    model, column = _MODELS[table]
    rows: Any = model.filter(id__in=list(numbers))
    if table == "tag":
        values = await rows.values_list("id", "type", "slug")
        return {number: f"{kind.value}:{slug}" for number, kind, slug in values}
    return dict(await rows.values_list("id", column))


async def _present_names(table: str, names: list[str], ids: Mapping[str, int]) -> dict[str, str]:
    """The present names of rows by the names that a record has; rows that no longer exist are missing."""
    unknown = [name for name in names if name not in ids]
    numbers = {**await _ids_by_name(table, unknown), **{name: ids[name] for name in names if name in ids}}
    merged = await find_merged(_MODELS[table][0], set(numbers.values()))
    present = {name: merged.get(number, number) for name, number in numbers.items()}
    here = await _names_by_id(table, set(present.values()))
    return {name: here[number] for name, number in present.items() if number in here}


@dataclass(frozen=True)
class _PresentRows:
    """Present names by table and stored name, and the ids of the media files that exist."""

    names: Mapping[str, Mapping[str, str]]
    media: frozenset[int]


async def with_present_references(
    context: EditContext, record: ArticleRecord, ids: Mapping[str, Mapping[str, int]]
) -> ArticleRecord:
    """Returns the record with the present names of the rows whose ids were stored with it.

    Names without a stored id lead to the row that has them now. What no longer exists is left out, with a
    warning.
    """
    named = _referenced_names(record)
    names = {
        table: await _present_names(table, values, ids.get(table, {})) for table, values in named.items()
    }
    for table, values in named.items():
        for name in values:
            if name not in names[table]:
                _warn_dropped(context, f"The {DISPLAY_NAMES.get(table, table)} {name!r}", table)
    media = await _existing_media(context, record)
    here = _PresentRows(names, media)
    present = [_with_media(block, media) for block in record.blocks]
    body: tuple[blocks.Block, ...] = tuple(block for block in present if block is not None)
    heads = reanchor_attributions(record.attributions, record.blocks, body)
    attributions = tuple(filter(None, (_attribution(context, head, here) for head in heads)))
    hops = {hop.id for head in attributions for hop in head.hops()}
    tags, authors, category = names["tag"], names["author"], names["category"]
    return record.model_copy(
        update={
            "category": category.get(record.category or ""),
            "sections": tuple(category[path] for path in record.sections if path in category),
            "story": names["story"].get(record.story or ""),
            "tags": tuple(
                mention.model_copy(update={"tag": tags[mention.tag]})
                for mention in record.tags
                if mention.tag in tags
            ),
            "authors": tuple(
                credit.model_copy(update={"author": authors[credit.author]})
                for credit in record.authors
                if credit.author in authors
            ),
            "lead_media": record.lead_media if record.lead_media in media else None,
            "media": tuple(placed for placed in record.media if placed.media in media),
            "blocks": tuple(_without_lost_attribution(block, hops) for block in body),
            "attributions": attributions,
            "related": await _existing_related(context, record),
        }
    )


def _warn_dropped(context: EditContext, subject: str, place: str) -> None:
    context.warn(WarningCode.DROPPED, f"{subject} no longer exists and was left out.", "version", place)


async def _existing_media(context: EditContext, record: ArticleRecord) -> frozenset[int]:
    """Ids of the media files of the record that exist; warns of the others."""
    requested = {placed.media for placed in record.media}
    requested |= {number for block in record.blocks for number in blocks.block_media(block)}
    requested |= {hop.media for head in record.attributions for hop in head.hops() if hop.media}
    if record.lead_media:
        requested.add(record.lead_media)
    rows: Any = await Media.filter(id__in=requested).values_list("id", flat=True) if requested else []
    here = frozenset(rows)
    for number in sorted(requested - here):
        _warn_dropped(context, f"The media file {encode_id('media', number)!r}", "media")
    return here


async def _existing_related(context: EditContext, record: ArticleRecord) -> tuple[str, ...]:
    rows: Any = Article.filter(uri__in=record.related, working_of=0).values_list("uri", flat=True)
    here = set(await rows) if record.related else set()
    for uri in record.related:
        if uri not in here:
            _warn_dropped(context, f"The related article {uri!r}", "related")
    return tuple(uri for uri in record.related if uri in here)


def _with_media(block: blocks.Block, here: frozenset[int]) -> blocks.Block | None:
    """Returns the block without media files that do not exist; None if nothing of it is left."""
    media = blocks.block_media(block)
    present = tuple(number for number in media if number in here)
    if present == media:
        return block
    if isinstance(block, blocks.Gallery) and present:
        return block.model_copy(update={"media": present})
    return None


def _attribution(
    context: EditContext, head: AttributionRecord, here: _PresentRows
) -> AttributionRecord | None:
    """Returns the chain with present sources; None, with a warning, if one is missing or occurs twice."""
    sources = [hop.source and here.names["source"].get(hop.source) for hop in head.hops() if hop.source]
    if None in sources or len(set(sources)) < len(sources):
        where = "that no longer exists" if None in sources else "twice since sources were merged"
        context.warn(
            WarningCode.DROPPED,
            f"An attribution names a source {where} and was left out.",
            "version",
            encode_id("attribution", head.id) if head.id else "attributions",
        )
        return None
    return _hop(head, here)


def _hop(hop: AttributionRecord, here: _PresentRows) -> AttributionRecord:
    return hop.model_copy(
        update={
            "source": here.names["source"][hop.source] if hop.source else None,
            "media": hop.media if hop.media in here.media else None,
            "via": hop.via and _hop(hop.via, here),
        }
    )


def _without_lost_attribution(block: blocks.Block, hops: set[int | None]) -> blocks.Block:
    if isinstance(block, blocks.Quote) and block.attribution and block.attribution not in hops:
        return block.model_copy(update={"attribution": None})
    return block
