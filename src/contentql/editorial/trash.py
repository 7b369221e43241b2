"""Deleted articles: delete, restore, and remove them for ever.

A deleted article keeps its rows until it is purged, but others may take its slug and delete what it uses.
"""

from __future__ import annotations

from contentql.auth.permissions import Permission
from contentql.content.enums import Status
from contentql.editorial import revisions, translations
from contentql.editorial.articles import load_for_update, save_published
from contentql.editorial.context import EditContext, Input, WriteResult
from contentql.editorial.user_errors import UserErrorCode, user_error
from contentql.editorial.workflow import (
    DRAFT,
    PUBLISHED,
    SCHEDULED,
    check_transition,
    cleared_times,
    with_content_of,
)
from contentql.store.models.articles import (
    Article,
    ArticleAuthor,
    ArticleMedia,
    ArticleSection,
    ArticleTag,
    Withdrawal,
)
from contentql.store.models.attributions import Attribution
from contentql.store.models.collections import CollectionItem
from contentql.store.models.history import Revision, RevisionAction

# Condition of rows that belong to an article which is not deleted.
OF_LIVE_ARTICLE = {"article__deleted_at__isnull": True}


async def delete_article(context: EditContext, input: Input) -> WriteResult:
    """Deletes an article until restoreArticle. Without PUBLISH only drafts that were never published."""
    article = await load_for_update(context, input["id"])
    untouched = (
        article.status_at(context) is DRAFT
        and article.published_record.first_published_at is None
        and not article.working_copy_row
    )
    if not context.has_permission(Permission.PUBLISH) and not untouched:
        raise user_error(
            UserErrorCode.NOT_OWNER,
            "Only a draft that was never published can be deleted without the permission to publish.",
            "id",
            "Ask a publisher to delete the article.",
        )
    status = article.article_row.status if article.article_row.status not in (PUBLISHED, SCHEDULED) else DRAFT
    off = cleared_times(context, article) if status is not article.article_row.status else {}
    columns = {"deleted_at": context.now, **off}
    return await save_published(
        context, article, article.record, RevisionAction.DELETED, status=status, columns=columns
    )


async def restore_article(context: EditContext, input: Input) -> WriteResult:
    """Makes an archived, withdrawn or deleted article a draft again."""
    article = await load_for_update(context, input["id"], deleted=True)
    record = article.record
    if article.article_row.deleted_at is None:
        check_transition(context, article, "restoreArticle")
    elif await Revision.exists(article_id=article.id, version=article.article_row.version):
        # While the article was deleted, others may have taken its slug or deleted its tags.
        stored = await revisions.load_revision(context, article.id, article.article_row.version)
        record = await with_content_of(context, article, stored)
    if article.article_row.deleted_at is not None:
        await translations.require_free_language(
            context, article.id, record.translation_group, record.language, "id"
        )
    await Withdrawal.filter(article_id=article.id).delete()
    return await save_published(
        context,
        article,
        record,
        RevisionAction.RESTORED,
        status=DRAFT,
        columns={"deleted_at": None, **cleared_times(context, article)},
    )


async def purge_article(context: EditContext, input: Input) -> WriteResult:
    """Removes a deleted article with all its revisions for ever."""
    article = await load_for_update(context, input["id"], deleted=True)
    if article.article_row.deleted_at is None:
        raise user_error(
            UserErrorCode.INVALID_TRANSITION,
            "Only a deleted article can be purged.",
            "id",
            "Delete the article first: deleteArticle.",
        )
    await article.article_row.delete()
    return WriteResult("article", article.id, article.article_row.version)


async def release_section(category: int) -> None:
    """Removes a section, which no other article uses, from the deleted ones."""
    await ArticleSection.filter(category_id=category).delete()
    # A public status would require a section; the status of a deleted article has no effect.
    await Article.filter(category_id=category).update(category_id=None, status=Status.DRAFT)


async def release_media(media: int) -> None:
    """Removes a media file, which no other article uses, from the deleted ones."""
    await ArticleMedia.filter(media_id=media).delete()
    await Article.filter(lead_media_id=media).update(lead_media_id=None)
    await Attribution.filter(media_id=media).update(media_id=None)
    await CollectionItem.filter(media_id=media).update(media_id=None)


async def release_source(source: int) -> None:
    """Removes the attributions to a source, which no other article has, from the deleted articles."""
    heads = await Attribution.filter(source_id=source).values_list("head_id", flat=True)
    await Attribution.filter(head_id__in=heads).delete()


async def release_tag(tag: int) -> None:
    await ArticleTag.filter(tag_id=tag).delete()


async def release_author(author: int) -> None:
    await ArticleAuthor.filter(author_id=author).delete()


async def release_story(story: int) -> None:
    await Article.filter(story_id=story).update(story_id=None)
