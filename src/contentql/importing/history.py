"""Revisions and audit entries of imports, and the changes of the desk that an import must not overwrite."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from contentql.auth.permissions import Role
from contentql.auth.viewer import Viewer
from contentql.content.enums import Status
from contentql.content.field_types import STORED
from contentql.content.import_item import ImportItem
from contentql.content.records import ArticleRecord
from contentql.editorial import record_references, revisions
from contentql.editorial.context import EditContext
from contentql.editorial.revisions import IMPORT_ACCOUNT
from contentql.importing.report import WrittenRow
from contentql.store.models.history import AuditEntry, Revision, RevisionAction

_VIEWER = Viewer(name="Import", role=Role.ADMIN, account=IMPORT_ACCOUNT)


def reason_of(item: ImportItem) -> str:
    """The reason of the revisions and audit entries of an item."""
    return f"Imported from {item.location}"


async def save_imported_version(
    connection: Any,
    stored: ArticleRecord | None,
    record: ArticleRecord,
    now: dt.datetime,
    reason: str,
) -> None:
    """Adds the revision of an imported article, and one of its state before unless there is one."""
    assert record.id is not None
    context = EditContext(connection, _VIEWER, now, reason=reason)
    if stored:
        await revisions.ensure_base_revision(context, record.id, stored)
    await revisions.save_revision(context, record.id, record, _action(stored, record))


def _action(stored: ArticleRecord | None, record: ArticleRecord) -> RevisionAction:
    if stored is None:
        return RevisionAction.CREATED
    if stored.status is not record.status and record.status in (Status.PUBLISHED, Status.SCHEDULED):
        return RevisionAction(record.status.value)
    return RevisionAction.UPDATED


def imported_revision(
    stored: ArticleRecord | None,
    record: ArticleRecord,
    now: dt.datetime,
    reason: str,
    ids: Mapping[str, Mapping[str, int]],
    markdown: str | None = None,
) -> dict[str, Any]:
    """The column values of the revision of an imported article, as `save_imported_version` stores it.

    `stored`: its state before, None of a new article. `ids`: those of the rows that the record names, by
    table and name. `markdown`: that of all blocks, if it is known.
    """
    return {
        "article_id": record.id,
        "at": record.modified_at or now,
        "account": IMPORT_ACCOUNT,
        "by": _VIEWER.name,
        "minor": False,
        "reference_ids": record_references.reference_ids_of(record, ids),
        **revisions.revision_values(record, _action(stored, record), reason=reason, markdown=markdown),
    }


async def write_audit_entry(
    row: WrittenRow, kind: str, now: dt.datetime, reason: str, request_id: str
) -> None:
    await AuditEntry.create(**audit_values(row, kind, now, reason, request_id))


def audit_values(
    row: WrittenRow, kind: str, now: dt.datetime, reason: str, request_id: str
) -> dict[str, Any]:
    """The column values of the audit entry of a row."""
    return {
        "at": now,
        "account": IMPORT_ACCOUNT,
        "by": _VIEWER.name,
        "role": _VIEWER.role.value,
        "action": f"import{kind.title()}",
        "target_id": row.target_id,
        "before": row.version_before,
        "after": row.version_after,
        "reason": reason,
        "client": "contentql import",
        "request_id": request_id,
    }


async def find_desk_revision(article_id: int) -> Revision | None:
    """Returns the newest revision of an article if the desk has saved it, after the last import."""
    newest = await Revision.filter(article_id=article_id).order_by("-version").first()
    return newest if newest and newest.account != IMPORT_ACCOUNT else None


async def load_last_import(article_id: int) -> ArticleRecord | None:
    """Loads the state that the last import gave an article."""
    rows = Revision.filter(article_id=article_id, account=IMPORT_ACCOUNT)
    row = await rows.order_by("-version").first()
    return ArticleRecord.model_validate(row.record, context=STORED) if row else None


async def describe_desk_changes(article_id: int, newest: Revision, imported: ArticleRecord | None) -> str:
    """Description of what the desk has done since the last import."""
    since = imported.version if imported and imported.version else newest.version - 1
    changes = await revisions.describe_changes_since(article_id, since)
    return changes or f"{newest.by} saved version {newest.version} at {newest.at:%Y-%m-%d %H:%M:%S}Z"


async def find_desk_entry(target_id: str) -> AuditEntry | None:
    """Returns the newest audit entry of a row if it is one of the desk, after the last import."""
    newest = await AuditEntry.filter(target_id=target_id).order_by("-id").first()
    return newest if newest and newest.account != IMPORT_ACCOUNT else None
