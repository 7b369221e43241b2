"""Public corrections of an article, with replacement of the wrong words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from contentql.content.ids import encode_id, new_id
from contentql.content.records import ArticleRecord, CorrectionRecord
from contentql.content.timestamps import format_timestamp
from contentql.editorial import revisions, validation
from contentql.editorial.articles import (
    ArticleState,
    continue_copy,
    load_for_update,
    save_published,
    save_version,
)
from contentql.editorial.context import EditContext, Input, WriteResult
from contentql.editorial.references import can_see
from contentql.editorial.user_errors import ErrorCollector, UserErrorCode, user_error
from contentql.editorial.warnings import WarningCode
from contentql.editorial.word_replacement import Occurrence, find_words, replace_words, text_at
from contentql.editorial.workflow import PUBLISHED, published_status
from contentql.store.models.articles import Article
from contentql.store.models.history import RevisionAction, ScheduledChange


class _CorrectedChange(NamedTuple):
    """A scheduled change, its corrected record, and the ids of the rows that the record names."""

    change: ScheduledChange
    record: ArticleRecord
    ids: revisions.ReferenceIds


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
    public, record, block, occurrence = _corrected_texts(context, article, input)
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
    scheduled = await _corrected_changes(context, article, input, occurrence) if occurrence else ()
    times = {
        "published_at": public.published_at,
        "first_published_at": public.first_published_at,
        "updated_at": context.now,
    }
    began = article.latest.version
    after = await _save_public(context, article, public, record, times, scheduled)
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
    scheduled: Sequence[_CorrectedChange] = (),
) -> int | None:
    """Saves the published text and, if there is one, the working copy `record`; returns the version.

    `scheduled`: the scheduled changes that are corrected, too, without one that is the working copy.
    """
    alone = ArticleState(article.article_row, None, article.published_record, article.published_record)
    if article.working_copy_row:  # the copy continues from the corrected text, with the article's version
        saved = await save_version(
            context, article, record, RevisionAction.CORRECTED, status=article.working_copy_row.status
        )
        if article.scheduled_copy:
            await ScheduledChange.filter(id=article.scheduled_copy.id).update(version=saved.version_after)
        article.article_row.version = article.working_copy_row.version
    for change, stored, ids in scheduled:
        version = article.article_row.version = article.article_row.version + 1
        stored = stored.model_copy(update={"version": version})
        await revisions.save_revision(context, article.id, stored, RevisionAction.CORRECTED, ids=ids)
        await ScheduledChange.filter(id=change.id).update(version=version)
    done = await save_published(
        context, alone, public, RevisionAction.CORRECTED, status=article.article_row.status, columns=times
    )
    if article.working_copy_row:
        await continue_copy(article, done.version_after)
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


def _corrected_texts(
    context: EditContext, article: ArticleState, input: Input
) -> tuple[ArticleRecord, ArticleRecord, str | None, Occurrence | None]:
    """Returns the published and the latest text with the words replaced, the corrected block's id, and the
    replaced words."""
    public, record, block = article.published_record, article.record, input.get("block")
    if block is not None and block not in {one.id for one in public.blocks}:
        raise user_error(
            UserErrorCode.NOT_FOUND,
            f"The article has no block {block!r}.",
            "block",
            "Send the id of a block of the published text.",
        )
    before, after = input.get("before"), input.get("after")
    if before is None or after is None:
        return public, record, block, None
    occurrence = _only_occurrence(context, public, before, block)
    if not _is_filled(public, occurrence, after):
        raise user_error(
            UserErrorCode.INVALID,
            "The correction would leave the text empty.",
            "after",
            "Remove the text with updateArticle, and send the correction without before and after.",
        )
    if occurrence.is_in_body:
        block = public.blocks[int(occurrence.path[1])].id
    corrected = replace_words(public, occurrence, after)
    if article.working_copy_row is None:
        return corrected, corrected, block, occurrence
    copy = _corrected_copy(context, record, input, occurrence, "The working copy")
    return corrected, copy, block, occurrence


async def _corrected_changes(
    context: EditContext, article: ArticleState, input: Input, occurrence: Occurrence
) -> list[_CorrectedChange]:
    """Returns the scheduled changes with the words replaced, without one that is the working copy."""
    results = []
    for change in article.scheduled_changes:
        if change is not article.scheduled_copy:
            record, ids = await revisions.load_stored_record(article.id, change.version)
            subject = f"The change that is scheduled for {format_timestamp(change.at)}"
            corrected = _corrected_copy(context, record, input, occurrence, subject)
            if corrected is not record:
                results.append(_CorrectedChange(change, corrected, ids))
    return results


def _only_occurrence(
    context: EditContext, record: ArticleRecord, before: str, block: str | None
) -> Occurrence:
    """The occurrence of the words in the body or, if there is none, in another text of the article."""
    matches = find_words(record, before, block)
    in_body = [match for match in matches if match.is_in_body]
    if not matches:
        raise user_error(
            UserErrorCode.NOT_FOUND,
            "The words of before do not occur in the article.",
            "before",
            "Copy the words from the article.",
        )
    chosen = in_body or matches
    if len(chosen) > 1:
        places = " and ".join(dict.fromkeys(match.place for match in chosen))
        raise user_error(
            UserErrorCode.INVALID,
            f"The words of before occur more than once: {places}.",
            "before",
            "Add the words around them, or send block.",
        )
    for place in dict.fromkeys(match.place for match in matches if match not in chosen):
        context.warn(
            WarningCode.GUESSED, f"The words also occur in the {place}, which was not changed.", "before"
        )
    return chosen[0]


def _is_filled(record: ArticleRecord, occurrence: Occurrence, after: str) -> bool:
    """Returns whether a text has content after the replacement; cells of tables may be empty."""
    text = text_at(record, occurrence.path)
    rest = text[: occurrence.start] + after + text[occurrence.end :]
    return bool(rest.strip()) or "rows" in occurrence.path


def _corrected_copy(
    context: EditContext, record: ArticleRecord, input: Input, public: Occurrence, subject: str
) -> ArticleRecord:
    """Returns unpublished changes with the words replaced; the same record, with a warning, if these are not
    unique."""
    matches = find_words(record, input["before"], input.get("block"))
    matches = [match for match in matches if match.place == public.place]
    if len(matches) == 1 and _is_filled(record, matches[0], input["after"]):
        return replace_words(record, matches[0], input["after"])
    context.warn(
        WarningCode.DROPPED,
        f"{subject} was not corrected: the words do not occur in it exactly once.",
        "before",
    )
    return record
