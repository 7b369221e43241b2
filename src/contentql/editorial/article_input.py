"""Mapping of an article's input to the values of its record."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from tortoise.expressions import Q

from contentql.content import blocks, derive
from contentql.content.names import to_snake
from contentql.content.records import ArticleRecord
from contentql.content.render import anonymous
from contentql.editorial import body_input, references, translations, validation
from contentql.editorial.context import EditContext, Input
from contentql.editorial.external_media import ExternalMediaCollector
from contentql.editorial.publishing_checks import require_references
from contentql.editorial.text_anchors import reanchor_attributions
from contentql.editorial.user_errors import ErrorCollector, UserErrorCode
from contentql.editorial.warnings import WarningCode
from contentql.formats.body_callbacks import BodyCallbacks
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
    if "language" in values:
        values["language"] = translations.normalize_language(context, values["language"], "language")
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
        values["blocks"] = await errors.run(parse_body(context, input["body"]), ())
        former = before.blocks if before else ()
        await require_references(input["body"], values["blocks"], former, errors)
    values |= await _references(context, input, errors)
    await _check_translations(context, values, before, errors)
    if "blocks" in values and "html" in (input["body"] or ()):
        values["blocks"] = _without_foreign_ids(values["blocks"], before)
    if before is not None and "blocks" in values:
        values["blocks"] = derive.assign_block_ids(values["blocks"], before.blocks)
        if "blocks" not in (input["body"] or ()):
            values["blocks"] = derive.keep_attributions(values["blocks"], before.blocks)
        values["attributions"] = reanchor_attributions(before.attributions, before.blocks, values["blocks"])
    if "blocks" in values:
        existing = {hop.id for head in (before.attributions if before else ()) for hop in head.hops()}
        values["blocks"] = tuple(
            detach_unknown_attribution(context, number, block, existing)
            for number, block in enumerate(values["blocks"])
        )
    return values


async def _check_translations(
    context: EditContext, values: Mapping[str, Any], before: ArticleRecord | None, errors: ErrorCollector
) -> None:
    """Adds an error if another article of the article's translation group has its new language."""
    former = (before.translation_group, before.language) if before else (None, DEFAULT_LANGUAGE)
    group, language = values.get("translation_group", former[0]), values.get("language", former[1])
    own_id = before.id if before else None
    if (group, language) != former or (group and not before):
        await errors.run(translations.require_free_language(context, own_id, group, language, "language"))


async def parse_body(context: EditContext, values: Mapping[str, Any] | None) -> tuple[blocks.Block, ...]:
    """Returns the blocks of the input field `body`; creates media files that it names by address."""
    if not values:
        return ()
    media = ExternalMediaCollector()

    def callbacks(where: str) -> BodyCallbacks:
        def warn(code: WarningCode, message: str, place: str) -> None:
            context.warn(code, message, where, place)

        return BodyCallbacks(external=media.add, warn=warn)

    # In a thread: parsing a long text would block the event loop.
    body = await asyncio.to_thread(body_input.parse_article_body, values, "body", callbacks)
    return await media.create(context, body, f"body.{next(iter(values))}")


def _without_foreign_ids(
    body: Sequence[blocks.Block], before: ArticleRecord | None
) -> tuple[blocks.Block, ...]:
    """The blocks without ids that are not of the article: HTML may be copied from another one."""
    own = {block.id for block in before.blocks} if before else set()
    return tuple(block if block.id in own else anonymous(block) for block in body)


def detach_unknown_attribution(
    context: EditContext, number: int, block: blocks.Block, existing_ids: set[int | None]
) -> blocks.Block:
    """Returns the block without its reference to an attribution that the article does not have."""
    if isinstance(block, blocks.Quote) and block.attribution and block.attribution not in existing_ids:
        context.warn(
            WarningCode.DROPPED,
            "The attribution of a quotation does not belong to the article; the quotation stays without it.",
            "body",
            f"block {number + 1}",
        )
        return block.model_copy(update={"attribution": None})
    return block


async def _references(context: EditContext, input: Input, errors: ErrorCollector) -> dict[str, Any]:
    """The record values of all fields that refer to other objects; references not found become errors."""
    values: dict[str, Any] = {}
    if "category" in input:
        values["category"] = await errors.run(_category_path(context, input["category"], "category"))
    if "categories" in input:
        paths = [
            await errors.run(_category_path(context, one, f"categories.{n}"))
            for n, one in enumerate(input["categories"] or ())
        ]
        values["sections"] = tuple(filter(None, paths))
    if "story" in input:
        values["story"] = await errors.run(_story_slug(context, input["story"]))
    if "leadMedia" in input:
        lead = input["leadMedia"]
        values["lead_media"] = (
            None if lead is None else await errors.run(references.find_media_id(context, lead, "leadMedia"))
        )
    if "media" in input:
        values["media"] = await _media(context, input["media"] or (), errors)
    if "tags" in input:
        values["tags"] = await _tags(context, input["tags"] or (), errors)
    if "authors" in input:
        values["authors"] = await _authors(context, input["authors"] or (), errors)
    if "related" in input:
        articles = [
            await errors.run(references.find_article(context, one, f"related.{n}"))
            for n, one in enumerate(input["related"] or ())
        ]
        values["related"] = tuple(row.uri for row in articles if row)
    if "translationOf" in input:
        values["translation_group"] = await errors.run(_translation_group(context, input["translationOf"]))
    return values


async def _category_path(context: EditContext, text: Any, field: str) -> str | None:
    if text is None:
        return None
    return str((await references.find_by_reference(context, "category", text, field)).path)


async def _story_slug(context: EditContext, text: Any) -> str | None:
    if text is None:
        return None
    return str((await references.find_by_reference(context, "story", text, "story")).slug)


async def _media(
    context: EditContext, placements: Sequence[Input], errors: ErrorCollector
) -> tuple[dict[str, Any], ...]:
    values = []
    for n, placement in enumerate(placements):
        value = {name: part for name, part in placement.items() if part is not None}
        value["media"] = await errors.run(
            references.find_media_id(context, placement["media"], f"media.{n}.media"), 1
        )
        values.append(value)
    return tuple(values)


async def _tags(
    context: EditContext, mentions: Sequence[Input], errors: ErrorCollector
) -> tuple[dict[str, Any], ...]:
    values = []
    for n, mention in enumerate(mentions):
        tag = await errors.run(references.find_tag(context, mention["tag"], f"tags.{n}.tag"))
        if tag:
            values.append({**mention, "tag": f"{tag.type.value}:{tag.slug}"})
    return tuple(values)


async def _authors(
    context: EditContext, credits: Sequence[Input], errors: ErrorCollector
) -> tuple[dict[str, Any], ...]:
    values = []
    for n, credit in enumerate(credits):
        author = await errors.run(
            references.find_by_reference(context, "author", credit["author"], f"authors.{n}.author")
        )
        if author:
            role = {"role": credit["role"]} if credit.get("role") else {}
            values.append({"author": author.slug, **role})
    return tuple(values)


async def _translation_group(context: EditContext, text: Any) -> int | None:
    if text is None:
        return None
    row = await references.find_article(context, text, "translationOf")
    if row.translation_group is None:
        # In its working copy as well, which would otherwise reset it when published.
        rows = Article.filter(Q(id=row.id) | Q(working_of=row.id), translation_group=None)
        await rows.update(translation_group=row.id)
    group: int = row.translation_group or row.id
    return group


def checked(
    errors: ErrorCollector, values: dict[str, Any], before: ArticleRecord | None = None
) -> ArticleRecord:
    """Builds the record of an article. Raises UserErrors with these and the collected errors.

    The language of `before`, which an earlier version may have stored, is valid if it does not change.
    """
    unchanged = {"language": before.language} if before and values["language"] == before.language else {}
    placeholder = dict.fromkeys(unchanged, DEFAULT_LANGUAGE)
    record: ArticleRecord | None = None
    with errors.collecting():
        record = validation.build_record(ArticleRecord, {**values, **placeholder}, API_FIELD_NAMES)
        record = record.model_copy(update=unchanged)
    if record and record.embargo_until and record.expires_at and record.embargo_until >= record.expires_at:
        errors.add(UserErrorCode.INVALID_TIME, "embargoUntil must be before expiresAt.", "embargoUntil")
    errors.raise_if_any()
    assert record is not None
    return record


DEFAULT_LANGUAGE = "en"  # of an article whose input has no language
