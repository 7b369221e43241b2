"""Working copies: discard the unpublished changes of an article."""

from __future__ import annotations

from dataclasses import replace

from contentql.editorial.articles import load_for_update, save_published, status_after_edit
from contentql.editorial.context import EditContext, Input, WriteResult
from contentql.editorial.user_errors import UserErrorCode, user_error
from contentql.store.models.history import RevisionAction


async def discard_working_copy(context: EditContext, input: Input) -> WriteResult:
    """Deletes the working copy of an article, whose published text stays as it is.

    The discarded text remains in the revisions. Raises UserErrors (INVALID_TRANSITION) if there is none.
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
    before = article.record.version
    public = replace(article, record=article.published_record)
    result = await save_published(
        context, public, public.record, RevisionAction.DISCARDED, status=article.article_row.status
    )
    return replace(result, version_before=before)
