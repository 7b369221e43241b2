"""Workflow of an article: the transitions between its statuses."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from contentql.content.enums import Status
from contentql.content.records import ArticleRecord
from contentql.content.timestamps import format_timestamp
from contentql.editorial import four_eyes, revisions, slugs, translations
from contentql.editorial.articles import (
    ArticleState,
    load_for_update,
    save_published,
    save_version,
    status_after_edit,
)
from contentql.editorial.context import EditContext, Input, WriteResult
from contentql.editorial.live_bodies import with_entries_of
from contentql.editorial.publishing_checks import require_publishable
from contentql.editorial.user_errors import STATUS_WORDS, UserErrorCode, user_error
from contentql.editorial.warnings import WarningCode
from contentql.store.models.history import RevisionAction

DRAFT, IN_REVIEW, APPROVED = Status.DRAFT, Status.IN_REVIEW, Status.APPROVED


SCHEDULED, PUBLISHED, EXPIRED = Status.SCHEDULED, Status.PUBLISHED, Status.EXPIRED


WITHDRAWN, ARCHIVED = Status.WITHDRAWN, Status.ARCHIVED


@dataclass(frozen=True)
class Transition:
    """Statuses from which a mutation may start, and the status after it."""

    from_statuses: frozenset[Status]
    to_status: Status
    action: RevisionAction


TRANSITIONS: Final[Mapping[str, Transition]] = {
    "submitArticle": Transition(frozenset({DRAFT}), IN_REVIEW, RevisionAction.SUBMITTED),
    "returnArticle": Transition(frozenset({IN_REVIEW, APPROVED}), DRAFT, RevisionAction.RETURNED),
    "approveArticle": Transition(frozenset({IN_REVIEW}), APPROVED, RevisionAction.APPROVED),
    "scheduleArticle": Transition(frozenset({APPROVED, SCHEDULED}), SCHEDULED, RevisionAction.SCHEDULED),
    "publishArticle": Transition(frozenset({APPROVED, SCHEDULED}), PUBLISHED, RevisionAction.PUBLISHED),
    "unpublishArticle": Transition(
        frozenset({SCHEDULED, PUBLISHED, EXPIRED}), DRAFT, RevisionAction.UNPUBLISHED
    ),
    "withdrawArticle": Transition(frozenset({PUBLISHED, EXPIRED}), WITHDRAWN, RevisionAction.WITHDRAWN),
    "archiveArticle": Transition(
        frozenset({DRAFT, IN_REVIEW, APPROVED, PUBLISHED, EXPIRED, WITHDRAWN}),
        ARCHIVED,
        RevisionAction.ARCHIVED,
    ),
    "restoreArticle": Transition(frozenset({WITHDRAWN, ARCHIVED}), DRAFT, RevisionAction.RESTORED),
}


_HINTS: Final[Mapping[Status, str]] = {
    DRAFT: "Submit the article for review first: submitArticle.",
    IN_REVIEW: "Approve the article first: approveArticle.",
    APPROVED: "Publish or schedule the article: publishArticle, scheduleArticle.",
    SCHEDULED: "Make the article a draft again first: unpublishArticle.",
    PUBLISHED: "Change the article with updateArticle, or make it a draft with unpublishArticle.",
    EXPIRED: "Make the article a draft again first: unpublishArticle.",
    WITHDRAWN: "Restore the article first: restoreArticle.",
    ARCHIVED: "Restore the article first: restoreArticle.",
}


def check_transition(
    context: EditContext, article: ArticleState, name: str, standing: Status | None = None
) -> Transition:
    """The transition of a mutation. Raises UserErrors (INVALID_TRANSITION) if the status forbids it."""
    move = TRANSITIONS[name]
    stands = standing or article.status_at(context)
    if stands not in move.from_statuses:
        required = " or ".join(STATUS_WORDS[status] for status in Status if status in move.from_statuses)
        subject = "The working copy of the article" if article.working_copy_row else "The article"
        raise user_error(
            UserErrorCode.INVALID_TRANSITION,
            f"{subject} is {STATUS_WORDS[stands]}; {name} requires an article that is {required}.",
            "id",
            _HINTS[stands],
        )
    return move


def published_status(context: EditContext, article: ArticleState) -> Status:
    """Status of the article itself, without its working copy."""
    return ArticleState(
        article.article_row, None, article.published_record, article.published_record
    ).status_at(context)


async def submit_article(context: EditContext, input: Input) -> WriteResult:
    return await _transition(context, input, "submitArticle")


async def return_article(context: EditContext, input: Input) -> WriteResult:
    return await _transition(context, input, "returnArticle")


async def approve_article(context: EditContext, input: Input) -> WriteResult:
    return await _transition(context, input, "approveArticle")


async def _transition(context: EditContext, input: Input, name: str) -> WriteResult:
    article = await load_for_update(context, input["id"])
    move = check_transition(context, article, name)
    if name == "returnArticle" and article.scheduled_copy:
        raise user_error(
            UserErrorCode.INVALID_TRANSITION,
            f"The working copy is scheduled for {format_timestamp(article.scheduled_copy.at)}.",
            "id",
            "Cancel the scheduled change first: cancelScheduledChange.",
        )
    if name == "approveArticle":
        await four_eyes.require_other_reviewer(context, article)
    return await save_version(context, article, article.record, move.action, status=move.to_status)


async def publish_article(context: EditContext, input: Input) -> WriteResult:
    """Publishes an approved article now. A published article keeps its time and gets its changes."""
    article = await load_for_update(context, input["id"])
    move = check_transition(context, article, "publishArticle")
    await four_eyes.require_approval(context, article)
    _require_nothing_early(article)
    await require_publishable(article.record, context.now)
    again = article.working_copy_row is not None
    requested: dt.datetime | None = input.get("publishedAt")
    if requested and requested > context.now:
        raise user_error(
            UserErrorCode.INVALID_TIME,
            "publishedAt must not be in the future.",
            "publishedAt",
            "To publish the article later, use scheduleArticle.",
        )
    at = requested or (article.published_record.published_at if again else context.now)
    first = article.published_record.first_published_at
    columns = {
        "published_at": at,
        "first_published_at": first if first and first <= context.now else at,
        "updated_at": article.published_record.updated_at
        if again and input.get("minor")
        else (context.now if again else at),
    }
    minor = bool(input.get("minor"))
    return await save_published(
        context, article, article.record, move.action, status=move.to_status, minor=minor, columns=columns
    )


def _require_nothing_early(article: ArticleState) -> None:
    """Raises UserErrors if the working copy contains a scheduled change and is more than this change."""
    changes = article.scheduled_changes
    if not changes or changes == (article.scheduled_copy,):
        return
    raise user_error(
        UserErrorCode.INVALID_TRANSITION,
        f"The working copy contains the change that is scheduled for {format_timestamp(changes[-1].at)};"
        " publishing it now would publish that change early.",
        "id",
        "Schedule the working copy for a later time, or cancel the change first: cancelScheduledChange. To"
        " correct only the published text: correctArticle.",
    )


async def unpublish_article(context: EditContext, input: Input) -> WriteResult:
    """Makes an article a draft again, with its unpublished changes."""
    article = await load_for_update(context, input["id"])
    move = check_transition(context, article, "unpublishArticle", published_status(context, article))
    return await save_published(
        context,
        article,
        article.record,
        move.action,
        status=move.to_status,
        columns=cleared_times(context, article),
    )


def cleared_times(context: EditContext, article: ArticleState) -> dict[str, dt.datetime | None]:
    """Publication times of an article that is no longer public; the first publication is retained."""
    first = article.published_record.first_published_at
    stays = first if first and first <= context.now else None
    return {
        "published_at": None,
        "first_published_at": stays,
        "updated_at": article.published_record.updated_at if stays else None,
    }


async def archive_article(context: EditContext, input: Input) -> WriteResult:
    article = await load_for_update(context, input["id"])
    move = check_transition(context, article, "archiveArticle", published_status(context, article))
    return await save_published(context, article, article.record, move.action, status=move.to_status)


async def restore_revision(context: EditContext, input: Input) -> WriteResult:
    """Saves the content of an earlier version as a new one; in a working copy if the article is published."""
    article = await load_for_update(context, input["id"])
    status = status_after_edit(context, article)
    earlier = await revisions.load_revision(context, article.id, input["version"])
    record = await with_content_of(context, article, earlier)
    group, language = record.translation_group, record.language
    if (group, language) != (article.record.translation_group, article.record.language):
        await translations.require_free_language(context, article.id, group, language, "version")
    if status is SCHEDULED:
        await require_publishable(record, record.published_at or context.now)
    return await save_version(context, article, record, RevisionAction.RESTORED, status=status)


# Fields of a record that are not content: an earlier version does not bring them back.
_NO_CONTENT = (
    "id", "uri", "external_ids", "corrections", "slug_history", "status", "published_at",
    "first_published_at", "updated_at", "modified_at", "version", "deleted_at",
)  # fmt: skip


async def with_content_of(
    context: EditContext, article: ArticleState, earlier: ArticleRecord
) -> ArticleRecord:
    """Returns the article's record with the content of an earlier one; its live entries stay.

    It gets another slug, with a warning, if another article has taken the earlier one's.
    """
    record = earlier.model_copy(update={name: getattr(article.record, name) for name in _NO_CONTENT})
    record = with_entries_of(record, article.record)
    used = slugs.slug_taken_by_other_article(record.language, article.id)
    if not await used(record.slug):
        return record
    slug = await slugs.available_slug(None, record.slug, used, 200)
    context.warn(
        WarningCode.CHANGED,
        f"The slug {record.slug!r} is taken; the article has the slug {slug!r} instead.",
        "slug",
    )
    return record.model_copy(update={"slug": slug})
