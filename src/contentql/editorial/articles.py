"""Articles: create, update, save; every save adds a revision.

A published article is edited in a working copy, which is not public until it is published in turn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from contentql.auth.permissions import Permission
from contentql.content.enums import Status
from contentql.content.ids import encode_id, new_id
from contentql.content.records import ArticleRecord, AttributionRecord
from contentql.content.timestamps import format_timestamp
from contentql.editorial import live_bodies, revisions, slugs
from contentql.editorial.article_input import DEFAULT_LANGUAGE, article_values, checked
from contentql.editorial.completion import complete_record
from contentql.editorial.context import EditContext, Input, WriteResult
from contentql.editorial.publishing_checks import require_publishable
from contentql.editorial.references import can_see, is_owner
from contentql.editorial.user_errors import STATUS_WORDS, ErrorCollector, UserErrorCode, user_error
from contentql.editorial.warnings import WarningCode
from contentql.language_tags import normal_form
from contentql.planner.visibility import VISIBILITY_COLUMNS, article_status_at
from contentql.store import article_records, article_writer
from contentql.store.models.articles import Article, SlugHistory
from contentql.store.models.attributions import Attribution
from contentql.store.models.history import RevisionAction, ScheduledChange


@dataclass(frozen=True)
class ArticleState:
    """Article during a mutation: `record` is its latest state, `published_record` that of its own row.

    `scheduled_changes` are in the order of their times; without a working copy there are none.
    `scheduled_copy` is the last of them if the working copy was not edited since it was scheduled.
    """

    article_row: Article
    working_copy_row: Article | None
    record: ArticleRecord
    published_record: ArticleRecord
    scheduled_changes: tuple[ScheduledChange, ...] = ()
    scheduled_copy: ScheduledChange | None = None

    @property
    def id(self) -> int:
        number: int = self.article_row.id
        return number

    @property
    def latest(self) -> Article:
        return self.working_copy_row or self.article_row

    def status_at(self, context: EditContext) -> Status:
        """Status at this time, of the working copy if there is one."""
        row = {name: getattr(self.latest, name) for name in VISIBILITY_COLUMNS["article"]}
        return article_status_at(row, context.now)


async def load_for_update(
    context: EditContext, text: Any, where: str = "id", *, deleted: bool = False
) -> ArticleState:
    """Loads an article by id, locks its row until the transaction ends and checks `ifVersion`.

    Raises UserErrors: NOT_FOUND, WRONG_TYPE, NOT_OWNER, VERSION_CONFLICT.
    """
    number = context.decode_id("article", text, where)
    await context.lock_sections()
    live = await context.first(Article.filter(id=number, working_of=0), hold=True)
    if live is None or not can_see(context, live) or (live.deleted_at is not None and not deleted):
        raise context.not_found("article", text, where)
    if not context.has_permission(Permission.EDIT_ALL) and not is_owner(context, live):
        raise user_error(
            UserErrorCode.NOT_OWNER,
            "The article belongs to another account.",
            where,
            "Ask an editor for the change.",
        )
    copy = await Article.get_or_none(working_of=number)
    result = await article_records.load_articles([live, copy] if copy else [live])
    public = result[0]
    article = ArticleState(live, copy, _of_copy(result[1], public) if copy else public, public)
    if copy:
        article = await _with_scheduled_changes(article)
    version = article.latest.version
    if context.expected_version is not None and context.expected_version != version:
        value = await revisions.describe_changes_since(number, context.expected_version)
        raise user_error(
            UserErrorCode.VERSION_CONFLICT,
            f"The article has version {version}, not ifVersion {context.expected_version}."
            + (f" {value}." if value else ""),
            "ifVersion",
            f"Read the article again and send ifVersion: {version}.",
        )
    return article


async def _with_scheduled_changes(article: ArticleState) -> ArticleState:
    changes = tuple(await ScheduledChange.filter(article_id=article.id).order_by("at", "id"))
    last = changes[-1] if changes and changes[-1].copy_version == article.latest.version else None
    return replace(article, scheduled_changes=changes, scheduled_copy=last)


def _of_copy(copy: ArticleRecord, public: ArticleRecord) -> ArticleRecord:
    """Returns the record of a working copy, with the fields that only the article's own row has."""
    own = ("id", "uri", "external_ids", "corrections", "slug_history")
    return copy.model_copy(update={name: getattr(public, name) for name in own})


async def create_article(context: EditContext, input: Input) -> WriteResult:
    await context.lock_sections()
    number = new_id()
    language = normal_form(input.get("language") or DEFAULT_LANGUAGE)
    errors = ErrorCollector()
    slug = await errors.run(
        slugs.available_slug(
            input.get("slug"),
            input["headline"],
            slugs.slug_taken_by_other_article(language, number),
            200,
        ),
        "x",
    )
    started = {"id": number, "slug": slug, "language": language, "headline": "x"}
    values = await article_values(context, input, None, errors)
    record = checked(errors, {**started, **values})
    record = complete_record(record, None, context.now).model_copy(update={"version": 1})
    missing = await article_writer.save_article(
        context.connection, record, None, extra_columns={"owner": context.account}
    )
    assert not missing, missing
    await revisions.save_revision(context, number, record, RevisionAction.CREATED)
    return WriteResult("article", number, None, 1)


async def update_article(context: EditContext, input: Input) -> WriteResult:
    article = await load_for_update(context, input["id"])
    status = status_after_edit(context, article)
    errors = ErrorCollector()
    values = await article_values(context, input, article.record, errors)
    if "blocks" in values:
        out = article.working_copy_row is not None or article.status_at(context) in (
            Status.PUBLISHED,
            Status.EXPIRED,
        )
        with errors.collecting():
            values["blocks"] = live_bodies.replaced_body(
                context, values["blocks"], article.record.blocks, published=out
            )
    language = values.get("language", article.record.language)
    if "slug" in input or language != article.record.language:
        requested = article.record.slug if input.get("slug") is None else input["slug"]
        used = slugs.slug_taken_by_other_article(language, article.id)
        values["slug"] = await errors.run(
            slugs.available_slug(requested, requested, used, 200), article.record.slug
        )
    stored = {name: getattr(article.record, name) for name in ArticleRecord.model_fields}
    record = checked(errors, {**stored, **values}, article.record)
    if article.status_at(context) is Status.SCHEDULED:
        await require_publishable(record, record.published_at or context.now)
    return await save_version(context, article, record, RevisionAction.UPDATED, status=status)


def status_after_edit(context: EditContext, article: ArticleState) -> Status:
    """Status of the article after an edit. Raises UserErrors if its current status does not allow edits."""
    standing = article.status_at(context)
    if article.scheduled_copy:
        return Status.DRAFT  # further changes, which are published after the scheduled one
    if not context.has_permission(Permission.EDIT_ALL) and standing in (Status.IN_REVIEW, Status.APPROVED):
        raise user_error(
            UserErrorCode.INVALID_TRANSITION,
            f"The article is {STATUS_WORDS[standing]}; only an editor can change it now.",
            "id",
            "Ask a reviewer to return the article: returnArticle.",
        )
    match standing:
        case Status.PUBLISHED | Status.EXPIRED:
            return Status.DRAFT  # a working copy begins
        case Status.SCHEDULED:
            if context.four_eyes:
                raise user_error(
                    UserErrorCode.SECOND_PERSON_REQUIRED,
                    "The article is scheduled; a change needs another review.",
                    "id",
                    "Make the article a draft again first: unpublishArticle.",
                )
            if not context.has_permission(Permission.PUBLISH):
                raise user_error(
                    UserErrorCode.INVALID_TRANSITION,
                    "The article is scheduled; a change without review needs the permission to publish.",
                    "id",
                    "Ask a publisher for the change, or to unschedule the article first: unpublishArticle.",
                )
            return Status.SCHEDULED
        case Status.WITHDRAWN | Status.ARCHIVED:
            raise user_error(
                UserErrorCode.INVALID_TRANSITION,
                f"The article is {STATUS_WORDS[standing]} and cannot be changed.",
                "id",
                "Restore the article first: restoreArticle.",
            )
        case Status.APPROVED:  # the approval does not cover the edit
            is_reviewed = context.has_permission(Permission.REVIEW) and not context.four_eyes
            return Status.APPROVED if is_reviewed else Status.IN_REVIEW
    return standing


async def save_version(
    context: EditContext,
    article: ArticleState,
    record: ArticleRecord,
    action: RevisionAction,
    *,
    status: Status,
    minor: bool = False,
) -> WriteResult:
    """Saves a new version: of the working copy if the published state stays, else of the article itself."""
    out = (
        article.article_row.status in (Status.PUBLISHED, Status.SCHEDULED)
        and article.status_at(context) is not Status.SCHEDULED
    )
    if article.working_copy_row or (out and status not in (Status.PUBLISHED, Status.SCHEDULED)):
        return await _save_copy(context, article, record, action, status=status, minor=minor)
    return await save_published(context, article, record, action, status=status, minor=minor)


async def _save_copy(
    context: EditContext,
    article: ArticleState,
    record: ArticleRecord,
    action: RevisionAction,
    *,
    status: Status,
    minor: bool,
) -> WriteResult:
    record = _next(context, article, record, status)
    number: int = article.working_copy_row.id if article.working_copy_row else new_id()
    rows = await Attribution.filter(article_id=number).values_list("working_of", "id")
    existing: dict[int, int] = dict(rows)
    stable: dict[int, int] = {}

    def renumbered(attribution: AttributionRecord) -> AttributionRecord:
        assert attribution.id is not None
        own = existing.get(attribution.id) or new_id()
        stable[own] = attribution.id
        return attribution.model_copy(
            update={"id": own, "via": attribution.via and renumbered(attribution.via)}
        )

    apart = record.model_copy(
        update={
            "id": number,
            "attributions": tuple(map(renumbered, record.attributions)),
            "corrections": (),
            "slug_history": (),
            "external_ids": (),
        }
    )
    more = {"owner": article.article_row.owner, "working_of": article.id}
    await article_writer.save_article(
        context.connection, apart, article.working_copy_row, extra_columns=more, published_ids=stable
    )
    return await _save_result(context, article, record, action, minor)


async def save_published(
    context: EditContext,
    article: ArticleState,
    record: ArticleRecord,
    action: RevisionAction,
    *,
    status: Status,
    minor: bool = False,
    columns: Mapping[str, Any] | None = None,
) -> WriteResult:
    """Saves a new version of the article itself and deletes its working copy, whose content it takes over.

    The scheduled changes of the article are cancelled, with a warning: the working copy contains them.
    """
    record = _next(context, article, record, status, base=article.published_record, columns=columns)
    if article.working_copy_row:
        await article.working_copy_row.delete()
        await _cancel_scheduled_changes(context, article)
    await _take_former_slugs(record)
    more = {"deleted_at": record.deleted_at}
    await article_writer.save_article(context.connection, record, article.article_row, extra_columns=more)
    return await _save_result(context, article, record, action, minor)


async def continue_copy(article: ArticleState, version: int | None) -> None:
    """Gives the working copy the version of the article, which was saved; its content is unchanged.

    A working copy that is a scheduled change remains this change.
    """
    copy = article.working_copy_row
    assert copy is not None
    await Article.filter(id=copy.id).update(version=version)
    if article.scheduled_copy:
        await ScheduledChange.filter(id=article.scheduled_copy.id).update(copy_version=version)


async def _cancel_scheduled_changes(context: EditContext, article: ArticleState) -> None:
    for change in article.scheduled_changes:
        context.warn(
            WarningCode.CHANGED,
            f"The change that was scheduled for {format_timestamp(change.at)} is no longer scheduled.",
            "id",
            encode_id("scheduled_change", change.id),
        )
    if article.scheduled_changes:
        await ScheduledChange.filter(article_id=article.id).delete()


async def _take_former_slugs(record: ArticleRecord) -> None:
    """Makes the former slugs of an article lead to it alone: a slug leads to the article that had it last."""
    names = {(old.language, old.slug) for old in record.slug_history}
    rows = SlugHistory.filter(slug__in=[slug for _, slug in names]).exclude(article_id=record.id)
    others = await rows.values_list("id", "language", "slug") if names else []
    if taken := [number for number, *name in others if tuple(name) in names]:
        await SlugHistory.filter(id__in=taken).delete()


def _next(
    context: EditContext,
    article: ArticleState,
    record: ArticleRecord,
    status: Status,
    *,
    base: ArticleRecord | None = None,
    columns: Mapping[str, Any] | None = None,
) -> ArticleRecord:
    times = {name: getattr(record, name) for name in ("published_at", "first_published_at", "updated_at")}
    record = record.model_copy(update={"status": status, "modified_at": context.now})
    before = base or article.record
    record = complete_record(record, before.model_copy(update={"blocks": article.record.blocks}), context.now)
    version = max(article.article_row.version, article.latest.version) + 1
    return record.model_copy(
        update={**times, "version": version, "modified_at": context.now, **(columns or {})}
    )


async def _save_result(
    context: EditContext, article: ArticleState, record: ArticleRecord, action: RevisionAction, minor: bool
) -> WriteResult:
    before = article.record.version  # the row has the new one already
    await revisions.ensure_base_revision(context, article.id, article.record)
    await revisions.save_revision(context, article.id, record, action, minor=minor)
    return WriteResult("article", article.id, before, record.version)
