"""Revisions, scheduled changes, withdrawals, audit log, tokens and the viewer."""

from __future__ import annotations

import strawberry

from contentql.auth.permissions import Permission, Role
from contentql.planner.field_plans import (
    Column,
    Computed,
    TextDiff,
)
from contentql.schema.fields import (
    CacheControl,
    CacheControlScope,
    argument_field,
    column_field,
    computed,
    envelope_field,
    table_type,
)
from contentql.schema.scalars import DateTime
from contentql.schema.values import FieldChange, Node
from contentql.store.models.history import RevisionAction


@table_type("revision", "A saved version of an article.")
class Revision(Node):
    id: strawberry.ID = column_field("Global id of the revision.", '"rev_6677889900"')
    version: int = column_field("Version number of the article that this revision holds.", "3")
    saved_at: DateTime = column_field("Time of the save.", '"2026-06-30T08:00:00Z"', Column("at"))
    saved_by: str = column_field("Name of the account that saved the version.", '"Jane Doe"', Column("by"))
    action: RevisionAction = column_field("Action that created the version.", "UPDATED")
    minor: bool = column_field("True if the change is minor and not announced to readers.", "false")
    reason: str | None = column_field("Reason given by the editor.", '"Spelling of a name"')
    headline: str | None = computed(
        "Headline in this version.",
        '"Kim weeps"',
        Computed("{row}.field_texts ->> 'headline'", ("field_texts",), "text"),
    )
    diff: list[FieldChange] = argument_field(
        "Changed fields compared with an earlier version; by default the previous one.",
        "list[FieldChange]",
        TextDiff("field_texts", "article_id", "version"),
        [("against", "Int", "Version number to compare with. Example: `1`.")],
        module=__name__,
    )


@table_type("scheduled_change", "A change of a published article that is published at a time.")
class ScheduledChange(Node):
    id: strawberry.ID = column_field("Global id of the scheduled change.", '"sch_6677889900"')
    publish_at: DateTime = column_field(
        "Time of the publication, to the second.", '"2026-06-30T14:00:00Z"', Column("at")
    )
    version: int = column_field(
        "Version of the article with the content of the change, as in `Article.revisions`.", "4"
    )
    minor: bool = column_field("True for a minor change, which leaves `updatedAt` as it is.", "false")
    scheduled_at: DateTime = column_field(
        "Time at which the change was scheduled.", '"2026-06-30T08:00:00Z"', Column("created_at")
    )
    scheduled_by: str = column_field(
        "Name of the account that scheduled the change.", '"Jane Doe"', Column("by")
    )
    reason: str | None = column_field("Reason given by the account.", '"Embargo of the ministry"')


@table_type("withdrawal", "Notice in place of a withdrawn article.", max_age=60)
class Withdrawal:
    id: strawberry.ID = column_field(
        "Global id of the withdrawn article.", '"art_90817263545"', Column("article_id", "id", "article")
    )
    slug: str = column_field("Slug of the withdrawn article.", '"kim-jong-un-sheds-a-tear"')
    language: str = column_field("Language, BCP 47.", '"en"')
    notice: str = column_field(
        "Reason for the withdrawal, for readers.", '"This report was wrong and has been withdrawn."'
    )
    withdrawn_at: DateTime = column_field("Time of the withdrawal.", '"2026-07-02T09:00:00Z"', Column("at"))


@table_type("article", "A deleted article.")
class DeletedArticle:
    id: strawberry.ID = column_field("Global id of the article.", '"art_90817263545"')
    slug: str = column_field("Slug of the article, which other articles may take.", '"kim-weeps"')
    language: str = column_field("Language, BCP 47.", '"en"')
    headline: str = column_field("Headline.", '"Kim weeps"')
    version: int = column_field("Version number.", "3")
    owner: str | None = column_field("Account that created the article.", '"jane-doe"')
    deleted_at: DateTime = column_field("Time of the deletion.", '"2026-07-02T09:00:00Z"')


@table_type("audit_entry", "An entry of the audit log.")
class AuditEntry(Node):
    id: strawberry.ID = column_field("Global id of the entry.", '"aud_6677889900"')
    occurred_at: DateTime = column_field("Time of the mutation.", '"2026-06-30T08:00:00Z"', Column("at"))
    actor_name: str = column_field("Name of the account.", '"Jane Doe"', Column("by"))
    account: str = column_field("Account that sent the mutation.", '"jane-doe"')
    role: Role = column_field("Role of the account at that time.", "EDITOR")
    action: str = column_field("Name of the mutation.", '"publishArticle"')
    target_id: str | None = column_field("Global id of the changed object.", '"art_90817263545"')
    version_before: int | None = column_field(
        "Version of the article before the mutation; null for other objects.", "2", Column("before")
    )
    version_after: int | None = column_field(
        "Version of the article after the mutation; null for other objects.", "3", Column("after")
    )
    reason: str | None = column_field("Reason given by the account.", '"Spelling of a name"')
    ip_address: str | None = column_field("IP address of the client.", '"203.0.113.7"', Column("address"))
    client: str | None = column_field("Name of the client program as it identifies itself.", '"newsdesk 2.1"')
    request_id: str = column_field("Request id, as in the server log.", '"5f0c9a61b2d4-1"')


@table_type("token", "An API token. Its secret is returned only once, when the token is created.")
class Token(Node):
    id: strawberry.ID = column_field("Global id of the token.", '"tok_6677889900"')
    name: str = column_field("Person or program that the token was created for.", '"Jane Doe"')
    account: str = column_field("Account that owns articles created with the token.", '"jane-doe"')
    role: Role = column_field("Role of the token.", "EDITOR")
    scopes: list[Permission] = column_field(
        "Permissions that the token is limited to; empty for all permissions of its role.",
        "[READ_ALL_DRAFTS]",
    )
    hint: str = column_field("Last characters of the token, to recognise it.", '"x7Qa"')
    created_at: DateTime = column_field("Time at which the token was created.", '"2026-06-30T08:00:00Z"')
    created_by: str = column_field("Name of the creator.", '"Operator"')
    expires_at: DateTime | None = column_field(
        "Time at which the token expires; null if without expiry.", '"2027-01-01T00:00:00Z"'
    )
    last_used_at: DateTime | None = column_field(
        "Time of the last use, to the minute; null if never used.", '"2026-07-01T09:00:00Z"'
    )
    revoked_at: DateTime | None = column_field("Time at which the token was revoked; null if active.", "null")


@strawberry.type(
    description="The authenticated viewer, with role and permissions.",
    directives=[CacheControl(max_age=0, scope=CacheControlScope.PRIVATE)],
)
class Viewer:
    name: str | None = envelope_field("Name of the token's holder; null for anonymous viewers.", "null")
    role: Role = envelope_field("Role of the authenticated viewer; READER when anonymous.", "READER")
    access_description: str = envelope_field(
        "Description of the content that the viewer can see.", '"What is published, and nothing else."'
    )
    permissions: list[Permission] = envelope_field(
        "Permissions of the viewer.", "[READ_ALL_DRAFTS, EDIT_ALL]"
    )
