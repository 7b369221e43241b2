"""Public corrections of an article, with replacement of the wrong words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contentql.content import blocks
from contentql.content.ids import encode_id, new_id
from contentql.content.records import ArticleRecord, CorrectionRecord
from contentql.editorial import validation
from contentql.editorial.articles import (
    ArticleState,
    load_for_update,
    save_published,
    save_version,
)
from contentql.editorial.context import EditContext, Input, WriteResult
from contentql.editorial.references import can_see
from contentql.editorial.text_anchors import reanchor_attributions
from contentql.editorial.user_errors import ErrorCollector, UserErrorCode, user_error
from contentql.editorial.workflow import PUBLISHED, published_status
from contentql.store.models.articles import Article
from contentql.store.models.history import RevisionAction


async def correct_article(context: EditContext, input: Input) -> WriteResult:
    """Adds a public correction; with `before` and `after` also replaces these words in the text."""
    errors = ErrorCollector()
    _check_texts(input, errors)
    article: ArticleState = await errors.run(load_for_update(context, input["id"]))
    errors.raise_if_any()
    if published_status(context, article) is not PUBLISHED:
        raise user_error(
            UserErrorCode.INVALID_TRANSITION,
            "Only a published article can be corrected.",
            "id",
            "Change the article with updateArticle.",
        )
    public, record, block = _corrected_texts(article, input)
    created = validation.build_record(
        CorrectionRecord,
        {
            "id": new_id(),
            "kind": input["kind"],
            "at": context.now,
            "text": input["text"].strip(),
            "block": block,
            "before": input.get("before"),
            "after": input.get("after"),
        },
    )
    public = public.model_copy(update={"corrections": (*public.corrections, created)})
    times = {
        "published_at": public.published_at,
        "first_published_at": public.first_published_at,
        "updated_at": context.now,
    }
    began = article.latest.version
    after = await _save_public(context, article, public, record, times)
    return WriteResult(
        "article",
        article.id,
        began,
        after,
        related_ids={"correction": encode_id("correction", created.id or 0)},
    )


async def _save_public(
    context: EditContext,
    article: ArticleState,
    public: ArticleRecord,
    record: ArticleRecord,
    times: Mapping[str, Any],
) -> int | None:
    """Saves the published text and, if there is one, the working copy `record`; returns the version."""
    alone = ArticleState(article.article_row, None, article.published_record, article.published_record)
    if article.working_copy_row:  # the copy continues from the corrected text, with the article's version
        await save_version(
            context, article, record, RevisionAction.CORRECTED, status=article.working_copy_row.status
        )
        article.article_row.version = article.working_copy_row.version
    done = await save_published(
        context, alone, public, RevisionAction.CORRECTED, status=article.article_row.status, columns=times
    )
    if article.working_copy_row:
        await Article.filter(id=article.working_copy_row.id).update(version=done.version_after)
    return done.version_after


async def update_correction(context: EditContext, input: Input) -> WriteResult:
    """Changes the kind and the text of a public correction; the time of the correction stays."""
    errors = ErrorCollector()
    if "text" in input and not (input["text"] or "").strip():
        errors.add(
            UserErrorCode.REQUIRED, "text must not be empty.", "text", "To remove it: deleteCorrection."
        )
    if "kind" in input and input["kind"] is None:
        errors.add(UserErrorCode.REQUIRED, "kind must not be null.", "kind")
    number = await errors.run(_correction_article(context, input["id"]))
    errors.raise_if_any()
    article = await load_for_update(context, encode_id("article", number))
    id = context.decode_id("correction", input["id"], "id")
    values = {name: input[name] for name in ("kind", "text") if name in input}
    changed = tuple(
        validation.build_record(CorrectionRecord, {**dict(one), **values}) if one.id == id else one
        for one in article.published_record.corrections
    )
    return await _save_corrections(context, article, changed, id)


async def delete_correction(context: EditContext, input: Input) -> WriteResult:
    """Deletes a public correction; the corrected text stays."""
    number = await _correction_article(context, input["id"])
    article = await load_for_update(context, encode_id("article", number))
    id = context.decode_id("correction", input["id"], "id")
    remaining = tuple(one for one in article.published_record.corrections if one.id != id)
    result = await _save_corrections(context, article, remaining, id)
    return WriteResult("correction", id, result.version_before, result.version_after)


async def _correction_article(context: EditContext, text: Any) -> int:
    """The id of the article of a correction. Raises UserErrors: NOT_FOUND, WRONG_TYPE."""
    row = await context.get_row("correction", text)
    article = await Article.get_or_none(id=row.article_id, working_of=0, deleted_at__isnull=True)
    if article is None or not can_see(context, article):
        raise context.not_found("correction", text, "id")
    return int(article.id)


async def _save_corrections(
    context: EditContext, article: ArticleState, corrections: tuple[CorrectionRecord, ...], id: int
) -> WriteResult:
    began = article.latest.version
    public = article.published_record.model_copy(update={"corrections": corrections})
    record = article.record.model_copy(update={"corrections": corrections})
    after = await _save_public(context, article, public, record, {})
    related = {"correction": encode_id("correction", id)}
    return WriteResult("article", article.id, began, after, related_ids=related)


def _check_texts(input: Input, errors: ErrorCollector) -> None:
    """Collects the errors that can be detected without loading the article."""
    if not input["text"].strip():
        errors.add(
            UserErrorCode.REQUIRED,
            "text must not be empty.",
            "text",
            "State what was wrong; readers see this text.",
        )
    if input.get("after") is not None and input.get("before") is None:
        errors.add(
            UserErrorCode.REQUIRED,
            "before is required together with after.",
            "before",
            "Send the words that are replaced.",
        )


def _corrected_texts(article: ArticleState, input: Input) -> tuple[ArticleRecord, ArticleRecord, str | None]:
    """Returns the published and the latest text with the words replaced, and the corrected block's id."""
    public, record = article.published_record, article.record
    block = input.get("block")
    if input.get("before") is not None and input.get("after") is not None:
        public, block = _replaced(public, input)
        record = _replaced(record, input, elsewhere=True)[0] if article.working_copy_row else public
    elif block is not None and block not in {one.id for one in public.blocks}:
        raise user_error(
            UserErrorCode.NOT_FOUND,
            f"The article has no block {block!r}.",
            "block",
            "Send the id of a block of the published text.",
        )
    return public, record, block


def _replaced(
    record: ArticleRecord, input: Input, *, elsewhere: bool = False
) -> tuple[ArticleRecord, str | None]:
    """Returns the record with the words replaced, and the id of their block.

    With `elsewhere`, a text without these words is returned unchanged.
    """
    before, after, block = input["before"], input["after"], input.get("block")
    results = [
        one
        for one in record.blocks
        if isinstance(one, blocks.Paragraph | blocks.Heading | blocks.Quote | blocks.Pullquote)
        and before
        and before in one.text
        and block in (None, one.id)
    ]
    if not results and elsewhere:
        return record, None
    if not results:
        raise user_error(
            UserErrorCode.NOT_FOUND,
            "The words of before do not occur in the text.",
            "before",
            "Copy the words from the text.",
        )
    if len(results) > 1 or results[0].text.count(before) > 1:
        if elsewhere:
            return record, None
        raise user_error(
            UserErrorCode.INVALID,
            "The words of before occur in the text more than once.",
            "before",
            "Add the words around them, or send block.",
        )
    if not results[0].text.replace(before, after).strip():
        raise user_error(
            UserErrorCode.INVALID,
            "The correction would leave the paragraph empty.",
            "after",
            "Remove the paragraph with updateArticle, and send the correction without before and after.",
        )
    changed = tuple(_reworded(one, before, after) if one is results[0] else one for one in record.blocks)
    if blocks.body_length(changed) > blocks.MAX_BODY_LENGTH:
        raise user_error(
            UserErrorCode.TOO_LONG,
            f"The text must have at most {blocks.MAX_BODY_LENGTH:,} characters.",
            "after",
            "Send a shorter text.",
        )
    update = {
        "blocks": changed,
        "attributions": reanchor_attributions(record.attributions, record.blocks, changed),
    }
    return record.model_copy(update=update), results[0].id


def _reworded(block: blocks.Block, before: str, after: str) -> blocks.Block:
    """Returns the block with the words replaced and its marks shifted or resized to match."""
    assert isinstance(block, blocks.Paragraph | blocks.Heading | blocks.Quote | blocks.Pullquote)
    at = block.text.index(before)
    end, grown = at + len(before), len(after) - len(before)
    text = block.text[:at] + after + block.text[end:]
    if not isinstance(block, blocks.Paragraph):
        return block.model_copy(update={"text": text})
    marks = []
    for mark in block.marks:
        start = mark.start if mark.start <= at else max(at, mark.start + grown if mark.start >= end else at)
        stop = mark.end if mark.end <= at else max(at, mark.end + grown) if mark.end >= end else at
        if start < stop <= len(text):
            marks.append(mark.model_copy(update={"start": start, "end": stop}))
    return block.model_copy(update={"text": text, "marks": tuple(marks)})
