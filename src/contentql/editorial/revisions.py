"""Revisions of an article: save, compare, load."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from typing import Any, TypeAlias

from pydantic.alias_generators import to_camel

from contentql.content.field_types import STORED
from contentql.content.records import ArticleRecord
from contentql.content.render_markdown import render_markdown
from contentql.content.timestamps import format_timestamp
from contentql.editorial import record_references
from contentql.editorial.context import EditContext
from contentql.editorial.user_errors import UserErrorCode, user_error
from contentql.store.models.history import Revision, RevisionAction

IMPORT_ACCOUNT = "import"  # the account of all imports

# Ids by table and name.
ReferenceIds: TypeAlias = Mapping[str, Mapping[str, int]]

# Fields that are no content or are stored elsewhere; `body` replaces the blocks.
_EXCLUDED_FIELDS = {
    "id",
    "uri",
    "version",
    "modified_at",
    "external_ids",
    "extra",
    "slug_history",
    "blocks",
    "deleted_at",
}


async def save_revision(
    context: EditContext,
    article: int,
    record: ArticleRecord,
    action: RevisionAction,
    *,
    minor: bool = False,
    ids: ReferenceIds | None = None,
) -> None:
    """Saves a version of an article. `ids`: those of the rows that the record names, if it names them by
    earlier names."""
    by = context.account, context.name
    await _create(context, article, record, action, *by, minor=minor, reason=context.reason, ids=ids)


async def ensure_base_revision(context: EditContext, article: int, record: ArticleRecord) -> None:
    """Saves the imported state as a revision before the first edit, unless there is one."""
    if not await Revision.filter(article_id=article, version=record.version).exists():
        await _create(context, article, record, RevisionAction.CREATED, IMPORT_ACCOUNT, "Import")


async def _create(
    context: EditContext,
    article: int,
    record: ArticleRecord,
    action: RevisionAction,
    account: str,
    by: str,
    *,
    minor: bool = False,
    reason: str | None = None,
    ids: ReferenceIds | None = None,
) -> None:
    # In a thread: rendering a long text would block the event loop.
    values = await asyncio.to_thread(revision_values, record, action, reason=reason)
    await Revision.create(
        article_id=article,
        at=context.now if account != IMPORT_ACCOUNT else record.modified_at or context.now,
        account=account,
        by=by,
        minor=minor,
        reference_ids=ids or await record_references.reference_ids(record),
        **values,
    )


def revision_values(
    record: ArticleRecord, action: RevisionAction, *, reason: str | None, markdown: str | None = None
) -> dict[str, Any]:
    """The column values of a revision that the record and the action determine.

    `markdown`: that of all blocks of the record, if it is known.
    """
    return {
        "version": record.version,
        "action": action,
        "reason": reason,
        "field_texts": comparable_fields(record, markdown),
        "record": dump_record(record),
    }


def dump_record(record: ArticleRecord) -> str:
    """The JSON of a record for `Revision.record`, from which ArticleRecord is loaded as STORED."""
    return record.model_dump_json(by_alias=True, exclude_none=True)


def comparable_fields(record: ArticleRecord, markdown: str | None = None) -> dict[str, str | None]:
    """Every content field of a record as text, for the comparison of revisions.

    `markdown`: that of all its blocks, if it is known.
    """
    result = record.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=_EXCLUDED_FIELDS)
    results = {name: _text(result.get(name, default)) for name, default in _fields().items()}
    return {**results, "body": render_markdown(record.blocks) if markdown is None else markdown}


@cache
def _fields() -> dict[str, Any]:
    """The compared fields with the default of an omitted one, None for lists and dictionaries."""
    fields = {}
    for name, field in ArticleRecord.model_fields.items():
        if name not in _EXCLUDED_FIELDS:
            value = field.get_default(call_default_factory=True)
            fields[to_camel(name)] = None if isinstance(value, tuple | dict) else value
    return fields


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))


def changed_fields(before: dict[str, str | None], after: dict[str, str | None]) -> list[str]:
    return sorted(name for name, value in after.items() if before.get(name) != value)


async def load_stored_record(article: int, version: int) -> tuple[ArticleRecord, ReferenceIds]:
    """Loads the record of an existing version as it was saved, and the ids of the rows that it names."""
    row = await Revision.get(article_id=article, version=version)
    return ArticleRecord.model_validate(row.record, context=STORED), row.reference_ids or {}


async def load_revision(context: EditContext, article: int, version: int) -> ArticleRecord:
    """Loads the record of an article at a version, with the present names of the rows that it refers to.

    What no longer exists is left out, with a warning. Raises UserErrors: NOT_FOUND.
    """
    row = await Revision.get_or_none(article_id=article, version=version)
    if row is None:
        raise user_error(
            UserErrorCode.NOT_FOUND,
            f"The article has no version {version}.",
            "version",
            "Send a version of Article.revisions.",
        )
    record = ArticleRecord.model_validate(row.record, context=STORED)
    return await record_references.with_present_references(context, record, row.reference_ids or {})


async def describe_changes_since(article: int, version: int) -> str:
    """Description of the last five changes after a version: actor, action, time and fields."""
    rows = await Revision.filter(article_id=article, version__gte=version).order_by("version")
    values = []
    for before, after in pairwise(rows):
        fields = ", ".join(changed_fields(before.field_texts, after.field_texts)) or "nothing of its content"
        values.append(
            f"{after.by} {after.action.value.lower()} the article at {format_timestamp(after.at)} ({fields})"
        )
    return "; ".join(values[-5:])
