"""Withdrawal of articles, with a public notice that can be changed."""

from __future__ import annotations

from contentql.editorial.articles import ArticleState, load_for_update, save_published
from contentql.editorial.context import EditContext, Input, WriteResult
from contentql.editorial.user_errors import ErrorCollector, UserErrorCode, user_error
from contentql.editorial.workflow import (
    APPROVED,
    DRAFT,
    IN_REVIEW,
    TRANSITIONS,
    WITHDRAWN,
    check_transition,
    published_status,
)
from contentql.store.models.articles import Withdrawal
from contentql.store.models.history import RevisionAction


async def withdraw_article(context: EditContext, input: Input) -> WriteResult:
    """Withdraws an article: its text leaves all responses, and a notice takes its place at the slug.

    An article that was unpublished can be withdrawn, too: readers may have seen it.
    """
    errors = ErrorCollector()
    _check_notice(input["notice"], errors)
    article: ArticleState = await errors.run(load_for_update(context, input["id"]))
    errors.raise_if_any()
    move = TRANSITIONS["withdrawArticle"]
    if not _was_unpublished(context, article):
        check_transition(context, article, "withdrawArticle", published_status(context, article))
    await _save_notice(context, article, input["notice"])
    return await save_published(context, article, article.record, move.action, status=move.to_status)


async def update_withdrawal(context: EditContext, input: Input) -> WriteResult:
    """Changes the notice of a withdrawn article; null removes it, and the article stays withdrawn."""
    errors = ErrorCollector()
    if input.get("notice") is not None:
        _check_notice(input["notice"], errors)
    article: ArticleState = await errors.run(load_for_update(context, input["id"]))
    errors.raise_if_any()
    if published_status(context, article) is not WITHDRAWN:
        raise user_error(
            UserErrorCode.INVALID_TRANSITION,
            "Only the notice of a withdrawn article can be changed.",
            "id",
            "Withdraw the article first: withdrawArticle.",
        )
    if input.get("notice") is None:
        await Withdrawal.filter(article_id=article.id).delete()
    else:
        await _save_notice(context, article, input["notice"])
    return await save_published(context, article, article.record, RevisionAction.UPDATED, status=WITHDRAWN)


def _check_notice(notice: str, errors: ErrorCollector) -> None:
    if not notice.strip():
        errors.add(
            UserErrorCode.REQUIRED,
            "notice must not be empty.",
            "notice",
            "State why the article is withdrawn; readers see the notice in its place.",
        )


def _was_unpublished(context: EditContext, article: ArticleState) -> bool:
    first = article.published_record.first_published_at
    status = published_status(context, article)
    return first is not None and first <= context.now and status in (DRAFT, IN_REVIEW, APPROVED)


async def _save_notice(context: EditContext, article: ArticleState, notice: str) -> None:
    """Saves the notice; a changed one keeps the time of the withdrawal."""
    row = await Withdrawal.get_or_none(article_id=article.id)
    if row is not None:
        row.notice = notice.strip()
        await row.save(update_fields=["notice"])
        return
    await Withdrawal.create(
        article_id=article.id,
        language=article.published_record.language,
        slug=article.published_record.slug,
        notice=notice.strip(),
        at=context.now,
    )
