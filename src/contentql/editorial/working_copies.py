"""Working copies: discard the unpublished changes of an article."""

from __future__ import annotations

from dataclasses import replace

from contentql.auth.permissions import Permission
from contentql.content.ids import encode_id
from contentql.content.timestamps import format_timestamp
from contentql.editorial import revisions
from contentql.editorial.articles import (
    ArticleState,
    load_for_update,
    save_published,
    save_version,
    status_after_edit,
)
from contentql.editorial.context import EditContext, Input, WriteResult
from contentql.editorial.user_errors import UserErrorCode, user_error
from contentql.editorial.warnings import WarningCode
from contentql.editorial.workflow import APPROVED, with_content_of
from contentql.store.models.history import RevisionAction, ScheduledChange


async def discard_working_copy(context: EditContext, input: Input) -> WriteResult:
    """Deletes the working copy of an article, whose published text stays as it is.

    If the working copy is a scheduled change, this is cancelled. If there is another scheduled change, the
    working copy has the content of the last one afterwards. The discarded text remains in the revisions.
    Raises UserErrors (INVALID_TRANSITION) if there is no working copy.
    """
    article = await load_for_update(context, input["id"])
    if article.working_copy_row is None:
        raise user_error(
            UserErrorCode.INVALID_TRANSITION,
            "The article has no working copy.",
            "id",
            "Only unpublished changes of a published article can be discarded.",
        )
    status_after_edit(context, article)  # refuses authors while the changes are in review
    if article.scheduled_copy:
        await _cancel(context, article.scheduled_copy)
    remaining = [change for change in article.scheduled_changes if change is not article.scheduled_copy]
    if remaining:
        return await _restore_scheduled(context, article, remaining[-1])
    before = article.record.version
    public = replace(article, record=article.published_record, scheduled_changes=())
    result = await save_published(
        context, public, public.record, RevisionAction.DISCARDED, status=article.article_row.status
    )
    return replace(result, version_before=before)


async def _cancel(context: EditContext, change: ScheduledChange) -> None:
    if not context.has_permission(Permission.PUBLISH):
        raise user_error(
            UserErrorCode.INVALID_TRANSITION,
            f"The working copy is scheduled for {format_timestamp(change.at)}; discarding it needs the"
            " permission to publish.",
            "id",
            "Ask a publisher to cancel the scheduled change: cancelScheduledChange.",
        )
    context.warn(
        WarningCode.CHANGED,
        f"The change that was scheduled for {format_timestamp(change.at)} is no longer scheduled.",
        "id",
        encode_id("scheduled_change", change.id),
    )
    await ScheduledChange.filter(id=change.id).delete()


async def _restore_scheduled(
    context: EditContext, article: ArticleState, change: ScheduledChange
) -> WriteResult:
    """Gives the working copy the content of a scheduled change, which later changes continue from."""
    earlier = await revisions.load_revision(context, article.id, change.version)
    record = await with_content_of(context, article, earlier)
    result = await save_version(context, article, record, RevisionAction.DISCARDED, status=APPROVED)
    await ScheduledChange.filter(id=change.id).update(copy_version=result.version_after)
    return result
