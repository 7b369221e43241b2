"""The four-eyes rule, CONTENTQL_FOUR_EYES: who wrote an article may not approve it.

Writers are the accounts that created or edited it since its public state was published. The rule holds for
every role. Imports, corrections and what was scheduled before it was set are not subject to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from contentql.content.enums import Status
from contentql.editorial.articles import ArticleState
from contentql.editorial.context import EditContext
from contentql.editorial.user_errors import UserErrorCode, user_error
from contentql.store.models.history import Revision, RevisionAction

_WRITING = (RevisionAction.CREATED, RevisionAction.UPDATED, RevisionAction.RESTORED)
_NO_CONTENT = frozenset({"status", "publishedAt", "firstPublishedAt", "updatedAt"})


@dataclass(frozen=True)
class _Review:
    """Accounts that wrote the latest state of an article, and that approved it after the last edit."""

    writers: frozenset[str]
    approvers: frozenset[str]


async def require_other_reviewer(context: EditContext, article: ArticleState) -> None:
    """Raises UserErrors (SECOND_PERSON_REQUIRED) if the viewer wrote what is to be approved."""
    if context.four_eyes and context.account in (await _review(article)).writers:
        raise user_error(
            UserErrorCode.SECOND_PERSON_REQUIRED,
            "Another person must approve the article: your account has written or edited it.",
            "id",
            "Ask another reviewer to approve it: approveArticle.",
        )


async def require_approval(context: EditContext, article: ArticleState) -> None:
    """Raises UserErrors (SECOND_PERSON_REQUIRED) unless a person who is no writer approved the article."""
    if not context.four_eyes:
        return
    review = await _review(article)
    if not review.approvers - review.writers:
        raise user_error(
            UserErrorCode.SECOND_PERSON_REQUIRED,
            "No person other than its writers has approved the article in its present state.",
            "id",
            "Return the article, and ask another reviewer to approve it: returnArticle, submitArticle,"
            " approveArticle.",
        )


async def _review(article: ArticleState) -> _Review:
    rows = await Revision.filter(article_id=article.id).order_by("version")
    writers, approvers = set[str](), set[str]()
    for before, row in zip([None, *rows], rows, strict=False):
        if _is_public_state(article, before, row):
            writers, approvers = set(), set()
        elif _is_writing(before, row):
            writers.add(row.account)
            approvers = set()
        elif row.action is RevisionAction.APPROVED:
            approvers.add(row.account)
    return _Review(frozenset(writers), frozenset(approvers))


def _is_public_state(article: ArticleState, before: Revision | None, row: Revision) -> bool:
    """True if all that had been written until this version became public with it, or was discarded."""
    match row.action:
        case RevisionAction.PUBLISHED:  # differs if edits after a scheduled change stay unpublished
            return before is None or _content(before) == _content(row)
        case RevisionAction.DISCARDED:
            return bool(row.field_texts["status"] == Status.PUBLISHED.value)
        case RevisionAction.SCHEDULED:  # public by the clock
            return article.working_copy_row is not None and row.version == article.article_row.version
    return False


def _is_writing(before: Revision | None, row: Revision) -> bool:
    if row.action is RevisionAction.RESTORED and before is not None:
        return _content(before) != _content(row)  # an article was restored, or an earlier version of it
    return row.action in _WRITING


def _content(row: Revision) -> Mapping[str, str | None]:
    return {name: text for name, text in row.field_texts.items() if name not in _NO_CONTENT}
