"""Mapping of an article's input to the values of its record."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from tortoise.expressions import Q

from contentql.content import blocks, derive
from contentql.content.names import to_snake
from contentql.content.records import ArticleRecord
from contentql.editorial import body_input, references, validation
from contentql.editorial.context import EditContext, Input
from contentql.editorial.publishing_checks import require_media
from contentql.editorial.text_anchors import reanchor_attributions
from contentql.editorial.user_errors import ErrorCollector, UserErrorCode
from contentql.store.models.articles import Article

# API names of record fields, where they differ.
API_FIELD_NAMES = {
    "blocks": "body",
    "sections": "categories",
    "dateline_place": "dateline",
    "translation_group": "translationOf",
}


_REFERRED = (
    "category",
    "categories",
    "tags",
    "authors",
    "leadMedia",
    "media",
    "story",
    "related",
    "translationOf",
)


_SPECIAL = (*_REFERRED, "body", "slug", "dateline", "rights", "id")


async def article_values(
    context: EditContext, input: Input, before: ArticleRecord | None, errors: ErrorCollector
) -> dict[str, Any]:
    values = validation.record_values(ArticleRecord, input, *_SPECIAL)
    if values.get("language", "") is None:
        values["language"] = DEFAULT_LANGUAGE
    if "headline" in input and not (input["headline"] or "").strip():
        errors.add(UserErrorCode.REQUIRED, "headline must not be empty.", "headline")
        del values["headline"]
    for name, columns in (
        ("dateline", ("place", "text")),
        ("rights", ("syndicatable", "usageTerms", "copyrightNotice")),
    ):
        if name in input:
            inner = input[name] or {}
            for column in columns:
                key = f"dateline_{column}" if name == "dateline" else to_snake(column)
                if name == "dateline" or column in inner or input[name] is None:
                    values[key] = inner.get(column)
    if values.get("syndicatable", "") is None:
        values["syndicatable"] = True
    if "body" in input:
        values["blocks"] = await errors.run(_body(input["body"]), ())
        await require_media(input["body"], values["blocks"], errors)
    values |= await _references(context, input, errors)
    if before is not None and "blocks" in values:
        values["blocks"] = derive.assign_block_ids(values["blocks"], before.blocks)
        values["attributions"] = reanchor_attributions(before.attributions, before.blocks, values["blocks"])
    if "blocks" in values:
        existing = {hop.id for head in (before.attributions if before else ()) for hop in head.hops()}
        values["blocks"] = tuple(detach_unknown_attribution(block, existing) for block in values["blocks"])
    return values


async def _body(values: Mapping[str, Any] | None) -> tuple[blocks.Block, ...]:
    # In a thread: parsing a long text would block the event loop.
    return await asyncio.to_thread(body_input.parse_article_body, values) if values else ()


def detach_unknown_attribution(block: blocks.Block, existing_ids: set[int | None]) -> blocks.Block:
    """The block without its reference to an attribution that does not exist."""
    if isinstance(block, blocks.Quote) and block.attribution not in existing_ids:
        return block.model_copy(update={"attribution": None})
    return block


async def _references(context: EditContext, input: Input, errors: ErrorCollector) -> dict[str, Any]:
    values: dict[str, Any] = {}

    async def path(text: Any, where: str) -> str:
        return str((await references.find_by_reference(context, "category", text, where)).path)

    if "category" in input:
        main = input["category"]
        values["category"] = None if main is None else await errors.run(path(main, "category"))
    if "categories" in input:
        output = [
            await errors.run(path(one, f"categories.{n}")) for n, one in enumerate(input["categories"] or ())
        ]
        values["sections"] = tuple(filter(None, output))
    if "story" in input:
        result = input["story"]
        story = (
            None
            if result is None
            else await errors.run(references.find_by_reference(context, "story", result, "story"))
        )
        values["story"] = story.slug if story else None
    if "leadMedia" in input:
        lead = input["leadMedia"]
        values["lead_media"] = (
            None if lead is None else await errors.run(references.find_media_id(context, lead, "leadMedia"))
        )
    if "media" in input:
        placed = []
        for n, one in enumerate(input["media"] or ()):
            place = {name: value for name, value in one.items() if value is not None}
            place["media"] = await errors.run(
                references.find_media_id(context, one["media"], f"media.{n}.media"), 1
            )
            placed.append(place)
        values["media"] = tuple(placed)
    if "tags" in input:
        mentions = []
        for n, one in enumerate(input["tags"] or ()):
            found_tag = await errors.run(references.find_tag(context, one["tag"], f"tags.{n}.tag"))
            if found_tag:
                key = f"{found_tag.type.value}:{found_tag.slug}"
                mentions.append({**one, "tag": key})
        values["tags"] = tuple(mentions)
    if "authors" in input:
        credits = []
        for n, one in enumerate(input["authors"] or ()):
            author = await errors.run(
                references.find_by_reference(context, "author", one["author"], f"authors.{n}.author")
            )
            if author:
                credits.append({"author": author.slug, **({"role": one["role"]} if one.get("role") else {})})
        values["authors"] = tuple(credits)
    if "related" in input:
        beside = [
            await errors.run(references.find_article(context, one, f"related.{n}"))
            for n, one in enumerate(input["related"] or ())
        ]
        values["related"] = tuple(row.uri for row in beside if row)
    if "translationOf" in input:
        first = input["translationOf"]
        values["translation_group"] = (
            None if first is None else await errors.run(_translation_group(context, first))
        )
    return values


async def _translation_group(context: EditContext, text: Any) -> int:
    row = await references.find_article(context, text, "translationOf")
    if row.translation_group is None:
        # In its working copy as well, which would else take it away when it is published.
        rows = Article.filter(Q(id=row.id) | Q(working_of=row.id), translation_group=None)
        await rows.update(translation_group=row.id)
    group: int = row.translation_group or row.id
    return group


def checked(errors: ErrorCollector, values: dict[str, Any]) -> ArticleRecord:
    record: ArticleRecord | None = None
    with errors.collecting():
        record = validation.build_record(ArticleRecord, values, API_FIELD_NAMES)
    if record and record.embargo_until and record.expires_at and record.embargo_until >= record.expires_at:
        errors.add(UserErrorCode.INVALID_TIME, "embargoUntil must be before expiresAt.", "embargoUntil")
    errors.raise_if_any()
    assert record is not None
    return record


DEFAULT_LANGUAGE = "en"  # of an article whose input has no language
