"""Article revisions and the audit log, both append-only, scheduled changes, and records of idempotent
requests."""

from __future__ import annotations

from enum import Enum
from typing import Any

from tortoise import fields
from tortoise.fields import OnDelete
from tortoise.models import Model

from contentql.store.models.fields import TimestampField, id_field


class RevisionAction(str, Enum):
    CREATED = "CREATED"
    UPDATED = "UPDATED"
    SUBMITTED = "SUBMITTED"
    RETURNED = "RETURNED"
    APPROVED = "APPROVED"
    SCHEDULED = "SCHEDULED"
    PUBLISHED = "PUBLISHED"
    UNPUBLISHED = "UNPUBLISHED"
    WITHDRAWN = "WITHDRAWN"
    CORRECTED = "CORRECTED"
    ARCHIVED = "ARCHIVED"
    DELETED = "DELETED"
    RESTORED = "RESTORED"
    DISCARDED = "DISCARDED"


class Revision(Model):
    """Saved state of an article.

    `field_texts` has each field as text, by API name; `record` is the complete article, from which it can be
    restored. `reference_ids` has the ids of the rows that the record names, by table and name, because names
    change; null in revisions of earlier versions of contentql.
    """

    id = id_field()
    article: Any = fields.ForeignKeyField("content.Article", on_delete=OnDelete.CASCADE, related_name=False)
    version = fields.IntField()
    at = TimestampField()
    account = fields.CharField(max_length=200)
    by = fields.CharField(max_length=200)
    action = fields.CharEnumField(RevisionAction, max_length=16)
    minor = fields.BooleanField(db_default=False)
    reason = fields.TextField(null=True)
    field_texts: Any = fields.JSONField()
    record: Any = fields.JSONField()
    reference_ids: Any = fields.JSONField(null=True)

    class Meta:
        table = "revision"
        unique_together = (("article", "version"),)


class LiveEntryVersion(Model):
    """Saved state of an entry of a live blog: its block, or null of a removed one."""

    id = id_field()
    entry: Any = fields.ForeignKeyField("content.LiveEntry", on_delete=OnDelete.CASCADE, related_name=False)
    version = fields.IntField()
    at = TimestampField()
    account = fields.CharField(max_length=200)
    by = fields.CharField(max_length=200)
    reason = fields.TextField(null=True)
    block: Any = fields.JSONField(null=True)

    class Meta:
        table = "live_entry_version"
        unique_together = (("entry", "version"),)


class ScheduledChange(Model):
    """Change of a published article that is published at the time `at`.

    `version` is the revision with its content. While the article's working copy is this change, without later
    edits, `copy_version` is the version of the copy. The row is deleted when the change is published or
    cancelled. `account`, `by` and `role` are those of who scheduled it.
    """

    id = id_field()
    article: Any = fields.ForeignKeyField("content.Article", on_delete=OnDelete.CASCADE, related_name=False)
    at = TimestampField()
    version = fields.IntField()
    copy_version = fields.IntField()
    minor = fields.BooleanField(db_default=False)
    reason = fields.TextField(null=True)
    account = fields.CharField(max_length=200)
    by = fields.CharField(max_length=200)
    role = fields.CharField(max_length=20)
    created_at = TimestampField()

    class Meta:
        table = "scheduled_change"


class AuditEntry(Model):
    """Entry of the audit log: who did what to which object, and from where.

    Triggers in the database reject updates and deletes.
    """

    id = id_field()
    at = TimestampField()
    account = fields.CharField(max_length=200)
    by = fields.CharField(max_length=200)
    role = fields.CharField(max_length=20)
    action = fields.CharField(max_length=60)
    target_id = fields.CharField(max_length=40, null=True)
    before = fields.IntField(null=True)
    after = fields.IntField(null=True)
    reason = fields.TextField(null=True)
    address = fields.CharField(max_length=64, null=True)
    client = fields.CharField(max_length=200, null=True)
    request_id = fields.CharField(max_length=64)

    class Meta:
        table = "audit_entry"


class IdempotencyRecord(Model):
    """Response to a mutation sent with an idempotency key, returned again when the request is repeated."""

    id = id_field()
    account = fields.CharField(max_length=200)
    key = fields.CharField(max_length=200)
    request_hash = fields.CharField(max_length=64)
    selection_hash = fields.CharField(max_length=64)
    response = fields.TextField()
    at = TimestampField()

    class Meta:
        table = "idempotency_record"
        unique_together = (("account", "key"),)
