"""Records of a complete export besides the content, such as working copies, revisions and audit entries.

A complete export begins with an `ExportHeader` and is imported only into an empty database.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

from contentql.content.field_types import Language
from contentql.content.id_fields import IdField, Timestamp
from contentql.content.numbers import NonNegativeInt, Version
from contentql.content.records import (
    ArticleRecord,
    FreeJson,
    HistoryRecord,
)
from contentql.content.slugs import ArticleSlug, Path

ArticleId: TypeAlias = Annotated[int, IdField("article")]


class ExportHeader(HistoryRecord):
    content: Literal["all"]


class OwnerRecord(HistoryRecord):
    """Account that created an article."""

    article: ArticleId
    account: str


class WorkingCopyRecord(HistoryRecord):
    """Unpublished changes of the published article `of`."""

    of: ArticleId
    owner: str | None = None
    article: ArticleRecord


class RedirectRecord(HistoryRecord):
    """Former path of the section with the path `category`."""

    category: Path
    path: Path
    until: Timestamp


class SiteRedirectRecord(HistoryRecord):
    """Redirect of a path of the reader's site to the object with an id in a table, or to a URL."""

    id: Annotated[int, IdField("redirect")]
    path: str
    target_table: str | None = None
    target_id: int | None = None
    target_url: str | None = None
    status: int
    created_at: Timestamp
    created_by: str


class NoticeRecord(HistoryRecord):
    """Notice in place of a withdrawn article."""

    article: ArticleId
    language: Language
    slug: ArticleSlug
    notice: str
    at: Timestamp


class RevisionRecord(HistoryRecord):
    """Saved version of an article; `content` is its complete record, `field_texts` each field as text."""

    id: Annotated[int, IdField("revision")]
    article: ArticleId
    version: Version
    at: Timestamp
    account: str
    by: str
    action: str
    minor: bool = False
    reason: str | None = None
    field_texts: FreeJson
    content: FreeJson


class ScheduledChangeRecord(HistoryRecord):
    """Change of a published article that is published at the time `at`.

    `version` is the revision with its content.
    """

    id: Annotated[int, IdField("scheduled_change")]
    article: ArticleId
    at: Timestamp
    version: Version
    copy_version: Version
    minor: bool = False
    reason: str | None = None
    account: str
    by: str
    role: str
    created_at: Timestamp


class AuditRecord(HistoryRecord):
    """Entry of the audit log."""

    id: Annotated[int, IdField("audit_entry")]
    at: Timestamp
    account: str
    by: str
    role: str
    action: str
    target_id: str | None = None
    before: NonNegativeInt | None = None
    after: NonNegativeInt | None = None
    reason: str | None = None
    address: str | None = None
    client: str | None = None
    request_id: str


HISTORY_TYPES: Final[dict[str, type[HistoryRecord]]] = {
    "export": ExportHeader,
    "owner": OwnerRecord,
    "workingCopy": WorkingCopyRecord,
    "redirect": RedirectRecord,
    "siteRedirect": SiteRedirectRecord,
    "notice": NoticeRecord,
    "revision": RevisionRecord,
    "scheduledChange": ScheduledChangeRecord,
    "auditEntry": AuditRecord,
}
