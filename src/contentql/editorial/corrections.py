"""Public corrections of an article, with replacement of the wrong words."""

from __future__ import annotations

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
from contentql.editorial.text_anchors import reanchor_attributions
from contentql.editorial.user_errors import UserErrorCode, user_error
from contentql.editorial.workflow import PUBLISHED, published_status
from contentql.store.models.articles import Article
from contentql.store.models.history import RevisionAction


async def correct_article(context: EditContext, input: Input) -> WriteResult:
    """A public correction: of the text too, if it says which words are replaced."""
    if not input["text"].strip():
        raise user_error(UserErrorCode.REQUIRED, "Readers must be told what was wrong.", "text")
    article = await load_for_update(context, input["id"])
    if published_status(context, article) is not PUBLISHED:
        raise user_error(
            UserErrorCode.INVALID_TRANSITION,
            "Only what is out can be corrected.",
            "id",
            "Change it: updateArticle.",
        )
    public, record = article.published_record, article.record
    if input.get("after") is not None and input.get("before") is None:
        raise user_error(UserErrorCode.REQUIRED, "Say which words are replaced.", "before")
    block = input.get("block")
    if input.get("before") is not None and input.get("after") is not None:
        public, block = _replaced(public, input)
        record = _replaced(record, input, elsewhere=True)[0] if article.working_copy_row else public
    elif block is not None and block not in {one.id for one in public.blocks}:
        raise user_error(UserErrorCode.NOT_FOUND, f"There is no block {block!r} in it.", "block")
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
    alone = ArticleState(article.article_row, None, article.published_record, article.published_record)
    began = article.latest.version
    if article.working_copy_row:  # it goes on from the corrected text, under one number with the article
        await save_version(
            context, article, record, RevisionAction.CORRECTED, status=article.working_copy_row.status
        )
        article.article_row.version = article.working_copy_row.version
    done = await save_published(
        context, alone, public, RevisionAction.CORRECTED, status=article.article_row.status, columns=times
    )
    if article.working_copy_row:
        await Article.filter(id=article.working_copy_row.id).update(version=done.version_after)
    return WriteResult(
        "article",
        article.id,
        began,
        done.version_after,
        related_ids={"correction": encode_id("correction", created.id or 0)},
    )


def _replaced(
    record: ArticleRecord, input: Input, *, elsewhere: bool = False
) -> tuple[ArticleRecord, str | None]:
    """The record with those words in place of the others, and the block that they stand in.

    With `elsewhere`, a text in which they do not stand is left as it is.
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
            UserErrorCode.NOT_FOUND, "Those words do not stand in the text.", "before", "Copy them from it."
        )
    if len(results) > 1 or results[0].text.count(before) > 1:
        if elsewhere:
            return record, None
        raise user_error(
            UserErrorCode.INVALID,
            "Those words stand in the text more than once.",
            "before",
            "Give more of what stands around them, or the block.",
        )
    if not results[0].text.replace(before, after).strip():
        raise user_error(
            UserErrorCode.INVALID,
            "Nothing would be left of that paragraph.",
            "after",
            "Take it out with updateArticle, and correct without `before` and `after`.",
        )
    changed = tuple(_reworded(one, before, after) if one is results[0] else one for one in record.blocks)
    update = {
        "blocks": changed,
        "attributions": reanchor_attributions(record.attributions, record.blocks, changed),
    }
    return record.model_copy(update=update), results[0].id


def _reworded(block: blocks.Block, before: str, after: str) -> blocks.Block:
    """The block with the words replaced; marks behind them move along, marks across them grow or shrink."""
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
