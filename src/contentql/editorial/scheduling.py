"""Scheduled publication: of articles, by the clock alone, and of changes of published articles.

A scheduled change is a stored version of the article (`ScheduledChange.version`). The working copy continues
from it, so that later changes contain it and are published after it. `apply_scheduled_change` publishes it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from contentql.content.ids import encode_id
from contentql.content.timestamps import format_timestamp
from contentql.editorial import four_eyes, revisions, slugs
from contentql.editorial.articles import (
    ArticleState,
    continue_copy,
    load_for_update,
    save_published,
    save_version,
)
from contentql.editorial.context import EditContext, Input, WriteResult
from contentql.editorial.publishing_checks import require_publishable
from contentql.editorial.user_errors import (
    STATUS_WORDS,
    UserError,
    UserErrorCode,
    UserErrors,
    user_error,
)
from contentql.editorial.warnings import WarningCode
from contentql.editorial.workflow import (
    APPROVED,
    EXPIRED,
    PUBLISHED,
    check_transition,
    published_status,
    with_content_of,
)
from contentql.store.article_records import foreign_key
from contentql.store.models.history import RevisionAction, ScheduledChange

# A server learns of a new scheduled change within a part of this time, before the change is due.
MIN_LEAD = dt.timedelta(seconds=10)


async def schedule_article(context: EditContext, input: Input) -> WriteResult:
    """Schedules the publication of an approved article, or of the approved changes of a published one."""
    article = await load_for_update(context, input["id"])
    move = check_transition(context, article, "scheduleArticle")
    await four_eyes.require_approval(context, article)
    at: dt.datetime = input["publishAt"].replace(microsecond=0)
    if at <= context.now:
        raise user_error(
            UserErrorCode.INVALID_TIME,
            "publishAt must be in the future.",
            "publishAt",
            "To publish the article now, use publishArticle.",
        )
    if article.working_copy_row:
        return await _schedule_change(context, article, at, minor=bool(input.get("minor")))
    await require_publishable(article.record, at)
    first = article.record.first_published_at
    columns = {
        "published_at": at,
        "first_published_at": first if first and first <= context.now else at,
        "updated_at": at,
    }
    return await save_published(
        context, article, article.record, move.action, status=move.to_status, columns=columns
    )


async def _schedule_change(
    context: EditContext, article: ArticleState, at: dt.datetime, *, minor: bool
) -> WriteResult:
    """Schedules the working copy; if it is a scheduled change already, at another time."""
    _check_published(context, article)
    same = article.scheduled_copy
    earlier = [change for change in article.scheduled_changes if change is not same]
    if at < context.now + MIN_LEAD:
        raise user_error(
            UserErrorCode.INVALID_TIME,
            f"publishAt must be at least {MIN_LEAD.seconds} seconds in the future.",
            "publishAt",
            "To publish the changes now, use publishArticle.",
        )
    if earlier and at < earlier[-1].at:
        raise user_error(
            UserErrorCode.INVALID_TIME,
            f"publishAt must not be before {format_timestamp(earlier[-1].at)}: the working copy contains the"
            " change that is scheduled for that time.",
            "publishAt",
            "Choose a later time, or cancel that change first: cancelScheduledChange.",
        )
    await require_publishable(article.record, at)
    result = await save_version(context, article, article.record, RevisionAction.SCHEDULED, status=APPROVED)
    if same:
        await ScheduledChange.filter(id=same.id).delete()
    await ScheduledChange.create(
        article_id=article.id,
        at=at,
        version=result.version_after,
        copy_version=result.version_after,
        minor=minor,
        reason=context.reason,
        account=context.account,
        by=context.name,
        role=context.viewer.role.value,
        created_at=context.now,
    )
    return result


async def cancel_scheduled_change(context: EditContext, input: Input) -> WriteResult:
    """Cancels a scheduled change. Its content remains in the working copy."""
    change = await context.get_row("scheduled_change", input["id"])
    try:
        article = await load_for_update(context, encode_id("article", change.article_id))
    except UserErrors as exc:
        if exc.errors[0].code is UserErrorCode.NOT_FOUND:
            raise context.not_found("scheduled_change", input["id"], "id") from None
        raise
    pending = [one for one in article.scheduled_changes if one.id == change.id]
    if not pending:  # published or cancelled since
        raise context.not_found("scheduled_change", input["id"], "id")
    for later in article.scheduled_changes[article.scheduled_changes.index(pending[0]) + 1 :]:
        context.warn(
            WarningCode.CHANGED,
            f"The change that is scheduled for {format_timestamp(later.at)} contains this one, and stays"
            " scheduled.",
            "id",
            encode_id("scheduled_change", later.id),
        )
    await ScheduledChange.filter(id=change.id).delete()
    version = article.latest.version
    return WriteResult("article", article.id, version, version)


async def apply_scheduled_change(context: EditContext, change: ScheduledChange) -> WriteResult | None:
    """Publishes a scheduled change at its time, `context.now`, as `publish_article` does.

    A working copy with later changes stays. Returns None if the change was cancelled meanwhile. Raises
    UserErrors with every reason for which it cannot be published.
    """
    article = await load_for_update(context, encode_id("article", foreign_key(change, "article")))
    if not await ScheduledChange.exists(id=change.id):
        return None
    _check_published(context, article)
    public = ArticleState(article.article_row, None, article.published_record, article.published_record)
    record = await revisions.load_revision(context, article.id, change.version)
    await _check_references(context, article, record.language, record.slug)
    record = await with_content_of(context, public, record)
    await require_publishable(record, context.now)
    await ScheduledChange.filter(id=change.id).delete()
    copy = article.working_copy_row
    is_copy = copy is not None and copy.version == change.copy_version
    version = article.latest.version
    if copy is not None:
        public.article_row.version = version  # the next version is also after that of the copy
    times = {
        "published_at": public.published_record.published_at,
        "first_published_at": public.published_record.first_published_at,
        "updated_at": public.published_record.updated_at if change.minor else context.now,
    }
    result = await save_published(
        context,
        replace(public, working_copy_row=copy if is_copy else None, record=record),
        record,
        RevisionAction.PUBLISHED,
        status=PUBLISHED,
        minor=change.minor,
        columns=times,
    )
    if copy is not None and not is_copy:
        await continue_copy(article, result.version_after)
    return replace(result, version_before=version)


def _check_published(context: EditContext, article: ArticleState) -> None:
    status = published_status(context, article)
    if status not in (PUBLISHED, EXPIRED):
        raise user_error(
            UserErrorCode.INVALID_TRANSITION,
            f"The article is {STATUS_WORDS[status]}; only changes of a published article can be scheduled.",
            "id",
            "Publish the article first: publishArticle.",
        )


async def _check_references(context: EditContext, article: ArticleState, language: str, slug: str) -> None:
    """Raises UserErrors if the version lost something that it refers to, except a related article, or its
    slug is taken."""
    errors = [
        UserError(UserErrorCode.NOT_FOUND, warning.message, warning.field)
        for warning in context.warnings
        if warning.place != "related"
    ]
    if await slugs.slug_taken_by_other_article(language, article.id)(slug):
        errors.append(
            UserError(
                UserErrorCode.TAKEN, f"The slug {slug!r} is not available.", ("slug",), "Choose another slug."
            )
        )
    if errors:
        raise UserErrors(*errors)
