"""Live blogs: add, edit, pin, remove and restore an entry.

A change is public at once if the article is, without a new version of the article or of its body. Its cost
does not depend on the number of entries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contentql.auth.permissions import Permission
from contentql.content import blocks, derive
from contentql.content.blocks import EntryCorrection, LiveEntry
from contentql.content.entries import complete_entries, dump_entry, entry_columns
from contentql.content.enums import ContentType, CorrectionKind, Status
from contentql.content.ids import encode_id, new_id
from contentql.editorial import live_bodies, references, validation
from contentql.editorial.context import EditContext, Input, WriteResult
from contentql.editorial.publishing_checks import require_usable_media
from contentql.editorial.references import can_see, is_owner
from contentql.editorial.user_errors import STATUS_WORDS, ErrorCollector, UserErrorCode, user_error
from contentql.planner.visibility import VISIBILITY_COLUMNS, article_status_at
from contentql.store import article_writer, live_entries, search_index
from contentql.store.models import live_entries as models
from contentql.store.models.articles import Article
from contentql.store.models.history import LiveEntryVersion

_TABLE = "live_entry"
_INPUT_NAMES = {"blocks": "body", "media": "picture"}


@dataclass(frozen=True)
class _Change:
    """An entry that is changed: its article, its row, and its content; None of a removed or new one."""

    article: Article
    row: Any = None
    before: LiveEntry | None = None


async def add_live_entry(context: EditContext, input: Input) -> WriteResult:
    """Adds an entry to the live blog of an article."""
    article = await _article(context, context.decode_id("article", input["article"], "article"), "article")
    if article is None:
        raise context.not_found("article", input["article"], "article")
    if article.content_type is not ContentType.LIVE:
        raise user_error(
            UserErrorCode.INVALID,
            f"The article has the type {article.content_type.value}; only articles of the type LIVE get new"
            " entries.",
            "article",
            "Set its type first: updateArticle(input: {id: …, contentType: LIVE}), and publish the change.",
        )
    number = new_id()
    entry = await _entry(context, article, input, None, {"entry": number, "id": derive.new_block_id()})
    await models.LiveEntry.create(
        id=number,
        article_id=article.id,
        created_at=context.now,
        changed_at=context.now,
        **entry_columns(entry),
    )
    return await _saved(context, _Change(article), number, 1, entry)


async def edit_live_entry(context: EditContext, input: Input) -> WriteResult:
    """Changes the given fields of an entry, and may add a correction that readers see."""
    change = await _load(context, input)
    assert change.before
    correction = input.get("correction")
    corrections = change.before.corrections
    if correction is not None:
        if not correction["text"].strip():
            raise user_error(
                UserErrorCode.REQUIRED,
                "text must not be empty.",
                "correction.text",
                "State what was wrong; readers see this text.",
            )
        created = EntryCorrection(
            kind=correction.get("kind") or CorrectionKind.CORRECTION,
            text=correction["text"].strip(),
            corrected_at=context.now,
        )
        corrections = (*corrections, created)
    entry = await _entry(context, change.article, input, change.before, {"corrections": corrections})
    return await _change(context, change, entry)


async def pin_live_entry(context: EditContext, input: Input) -> WriteResult:
    """Pins an entry to the top of its live blog, or unpins it."""
    change = await _load(context, input)
    assert change.before
    pinned = input.get("pinned")
    entry = change.before.model_copy(update={"pinned": True if pinned is None else pinned})
    return await _change(context, change, entry)


async def remove_live_entry(context: EditContext, input: Input) -> WriteResult:
    """Removes an entry until restoreLiveEntry."""
    return await _change(context, await _load(context, input), None)


async def restore_live_entry(context: EditContext, input: Input) -> WriteResult:
    """Restores a removed entry, or an earlier version of an entry."""
    change = await _load(context, input, removed=True)
    version = input.get("version")
    if version is None and change.row.removed_at is None:
        raise user_error(
            UserErrorCode.INVALID_TRANSITION,
            "The entry is not removed.",
            "id",
            "Send the version to restore, such as version: 1.",
        )
    block = change.row.block
    if version is not None:
        saved = await LiveEntryVersion.get_or_none(entry_id=change.row.id, version=version)
        current = change.row.removed_at is None and version == change.row.version
        block = saved.block if saved else block if current else None
    if block is None:
        raise user_error(
            UserErrorCode.NOT_FOUND,
            f"The entry has no version {version} that can be restored.",
            "version",
            f"Send a version from 1 to {change.row.version} in which the entry was not removed.",
        )
    entry = await live_bodies.present_entry(context, block, change.row.id)
    await _require_usable(context, change.article, entry)
    return await _change(context, change, entry)


async def _load(context: EditContext, input: Input, *, removed: bool = False) -> _Change:
    """Loads an entry and locks its article. Raises UserErrors, also for an entry that is removed."""
    row = await context.get_row(_TABLE, input["id"])
    article = await _article(context, row.article_id, "id")
    if article is None:
        raise context.not_found(_TABLE, input["id"], "id")
    row = await context.get_row(_TABLE, input["id"])  # as it is since the lock
    if row.removed_at is not None and not removed:
        raise user_error(
            UserErrorCode.INVALID_TRANSITION,
            "The entry is removed.",
            "id",
            "Restore the entry first: restoreLiveEntry.",
        )
    if context.expected_version is not None and context.expected_version != row.version:
        raise user_error(
            UserErrorCode.VERSION_CONFLICT,
            f"The entry has version {row.version}, not ifVersion {context.expected_version}.",
            "ifVersion",
            f"Read the entry again and send ifVersion: {row.version}.",
        )
    values = {"id": row.id, "block": row.block, "author_id": row.author_id, "media_id": row.media_id}
    return _Change(article, row, None if row.removed_at else live_entries.block_of(values))


async def _article(context: EditContext, number: int, where: str) -> Article | None:
    """Loads and locks an article; None if the viewer may not see it. Raises UserErrors: NOT_OWNER,
    INVALID_TRANSITION."""
    row: Article | None = await context.first(
        Article.filter(id=number, working_of=0, deleted_at=None), hold=True
    )
    if row is None or not can_see(context, row):
        return None
    if not context.has_permission(Permission.EDIT_ALL) and not is_owner(context, row):
        raise user_error(
            UserErrorCode.NOT_OWNER,
            "The article belongs to another account.",
            where,
            "Ask an editor for the change.",
        )
    if row.status in (Status.WITHDRAWN, Status.ARCHIVED):
        raise user_error(
            UserErrorCode.INVALID_TRANSITION,
            f"The article is {STATUS_WORDS[row.status]} and cannot be changed.",
            where,
            "Restore the article first: restoreArticle.",
        )
    return row


async def _entry(
    context: EditContext,
    article: Article,
    input: Input,
    before: LiveEntry | None,
    values: Mapping[str, Any],
) -> LiveEntry:
    """Returns the entry of an input, whose missing fields are those of `before`. Raises UserErrors."""
    errors = ErrorCollector()
    started: dict[str, Any] = {"at": context.now} if before is None else dict(before)
    values_of_entry = {**started, **values, **_plain_values(input, errors)}
    if "body" in input:
        body = await errors.run(live_bodies.entry_blocks(context, article.id, input["body"], before), ())
        values_of_entry |= {"blocks": body, "text": "", "marks": ()}
    if "author" in input:
        author = input["author"] and await errors.run(
            references.find_by_reference(context, "author", input["author"], "author")
        )
        values_of_entry["author"] = author.id if author else None
    if "picture" in input:
        values_of_entry["media"] = input["picture"] and await errors.run(
            references.find_media_id(context, input["picture"], "picture")
        )
    errors.raise_if_any()
    entry = validation.build_record(LiveEntry, {**values_of_entry, "runs": None}, _INPUT_NAMES)
    if not entry.title and not any(map(blocks.has_content, entry.content)) and not entry.media:
        raise user_error(
            UserErrorCode.REQUIRED, "body must have a text, a picture or an embed.", "body", "Send a text."
        )
    (entry,) = blocks.live_entries(complete_entries([entry], [before] if before else ()))
    await _require_usable(context, article, entry)
    return entry


def _plain_values(input: Input, errors: ErrorCollector) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, field in (("keyEvent", "key_event"), ("summary", "summary"), ("pinned", "pinned")):
        if name in input:
            values[field] = bool(input[name])
    if "title" in input:
        values["title"] = (input["title"] or "").strip() or None
    if input.get("at") is not None:
        values["at"] = input["at"]
    for name in ("at", "body"):
        if name in input and input[name] is None:
            hint = "Omit the field to keep its value."
            errors.add(UserErrorCode.REQUIRED, f"{name} must not be null.", name, hint)
    return values


async def _require_usable(context: EditContext, article: Article, entry: LiveEntry) -> None:
    """Raises UserErrors if readers would see a picture without alternative text, or one whose licence has
    ended."""
    if _status(context, article) is Status.PUBLISHED:
        errors = ErrorCollector()
        requested = blocks.block_media(entry)
        fields = {media: "picture" if media == entry.media else "body" for media in requested}
        await require_usable_media(fields, (), context.now, errors)
        errors.raise_if_any()


def _status(context: EditContext, article: Article) -> Status:
    return article_status_at(
        {name: getattr(article, name) for name in VISIBILITY_COLUMNS["article"]}, context.now
    )


async def _change(context: EditContext, change: _Change, entry: LiveEntry | None) -> WriteResult:
    """Saves the new content of a stored entry, or removes it if it is None."""
    row = change.row
    if entry is not None and change.before == entry:
        return _result(change.article, row.id, row.version, row.version)
    if not await LiveEntryVersion.exists(entry_id=row.id, version=row.version):
        block = row.block if row.removed_at is None else None
        await LiveEntryVersion.create(
            entry_id=row.id,
            version=row.version,
            at=row.changed_at,
            account=context.account,
            by=context.name,
            block=block,
        )
    values = entry_columns(entry) if entry else {}
    version = row.version + 1
    await models.LiveEntry.filter(id=row.id).update(
        **values,
        version=version,
        changed_at=context.now,
        removed_at=None if entry else context.now,
    )
    return await _saved(context, change, row.id, version, entry)


async def _saved(
    context: EditContext, change: _Change, number: int, version: int, entry: LiveEntry | None
) -> WriteResult:
    """Updates what depends on an entry that was saved: index, uses, spans, and the times of the article."""
    article, before = change.article, change.before
    await LiveEntryVersion.create(
        entry_id=number,
        version=version,
        at=context.now,
        account=context.account,
        by=context.name,
        reason=context.reason,
        block=dump_entry(entry) if entry else None,
    )
    await live_entries.change_uses(article.id, [before] if before else [], [entry] if entry else [])
    if entry is None:
        await search_index.delete_entry_rows(context.connection, [number])
    else:
        leads = await article_writer.lead_terms(article)
        await live_entries.write_search_rows(context.connection, article.id, [entry], article.language, leads)
    if change.row is not None:
        await live_bodies.move_spans(article.id, change.row.block_id, before, entry)
    times: dict[str, Any] = {"modified_at": context.now}
    if _status(context, article) is Status.PUBLISHED:
        times["updated_at"] = context.now
    await Article.filter(id=article.id).update(**times)
    return _result(article, number, version - 1 or None, version)


def _result(article: Article, number: int, before: int | None, after: int) -> WriteResult:
    related = {"article": encode_id("article", article.id)}
    return WriteResult(_TABLE, number, before, after, related_ids=related)
