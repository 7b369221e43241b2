"""Revisions, withdrawals, audit log, tokens and the viewer."""

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


@table_type("revision", "An article as it was saved once.", max_age=0)
class Revision(Node):
    id: strawberry.ID = column_field("The id of the revision.", '"rev_6677889900"')
    version: int = column_field("The version that it made.", "3")
    saved_at: DateTime = column_field("When it was saved.", '"2026-06-30T08:00:00Z"', Column("at"))
    saved_by: str = column_field("Who saved it.", '"Jane Doe"', Column("by"))
    action: RevisionAction = column_field("What was done.", "UPDATED")
    minor: bool = column_field("Whether readers need not hear of it.", "false")
    reason: str | None = column_field("Why, in the editor's words.", '"Spelling of a name"')
    headline: str | None = computed(
        "The headline it had.",
        '"Kim weeps"',
        Computed("{row}.field_texts ->> 'headline'", ("field_texts",), "text"),
    )
    diff: list[FieldChange] = argument_field(
        "What it changed against an earlier version: the one right before it, unless told.",
        "list[FieldChange]",
        TextDiff("field_texts", "article_id", "version"),
        [("against", "Int", "The number of the version to compare with. Example: `1`.")],
        module=__name__,
    )


@table_type("withdrawal", "What stands at the slug of an article that was taken back.", max_age=60)
class Withdrawal:
    id: strawberry.ID = column_field(
        "The id that the article had.", '"art_90817263545"', Column("article_id", "id", "article")
    )
    slug: str = column_field("Its slug.", '"kim-jong-un-sheds-a-tear"')
    language: str = column_field("Its language, BCP 47.", '"en"')
    notice: str = column_field(
        "Why it is gone, for readers.", '"This report was wrong and has been withdrawn."'
    )
    withdrawn_at: DateTime = column_field("When it was taken back.", '"2026-07-02T09:00:00Z"', Column("at"))


@table_type("audit_entry", "Who did what, when and from where.", max_age=0)
class AuditEntry(Node):
    id: strawberry.ID = column_field("The id of the entry.", '"aud_6677889900"')
    occurred_at: DateTime = column_field("When.", '"2026-06-30T08:00:00Z"', Column("at"))
    actor_name: str = column_field("Who.", '"Jane Doe"', Column("by"))
    account: str = column_field("The account that did it.", '"jane-doe"')
    role: Role = column_field("What they were.", "EDITOR")
    action: str = column_field("The mutation.", '"publishArticle"')
    target_id: str | None = column_field("The id of what it was done to.", '"art_90817263545"')
    version_before: int | None = column_field("The article's version before.", "2", Column("before"))
    version_after: int | None = column_field("The article's version after.", "3", Column("after"))
    reason: str | None = column_field("Why, in their words.", '"Spelling of a name"')
    ip_address: str | None = column_field("The network address.", '"203.0.113.7"', Column("address"))
    client: str | None = column_field("What the client calls itself.", '"newsdesk 2.1"')
    request_id: str = column_field("The request, as in the log.", '"5f0c9a61b2d4-1"')


@table_type(
    "token",
    "A token that lets someone or something in. Its secret is shown once, when it is made.",
    max_age=0,
)
class Token(Node):
    id: strawberry.ID = column_field("The id of the token.", '"tok_6677889900"')
    name: str = column_field("Whom or what it was made for.", '"Jane Doe"')
    account: str = column_field("Whose work is done with it.", '"jane-doe"')
    role: Role = column_field("What its holder is.", "EDITOR")
    scopes: list[Permission] = column_field(
        "What of that role it is good for; all, where there are none.", "[READ_ALL_DRAFTS]"
    )
    hint: str = column_field("How it ends.", '"x7Qa"')
    created_at: DateTime = column_field("When it was made.", '"2026-06-30T08:00:00Z"')
    created_by: str = column_field("Who made it.", '"Operator"')
    expires_at: DateTime | None = column_field("When it ends.", '"2027-01-01T00:00:00Z"')
    last_used_at: DateTime | None = column_field(
        "When it was last used, to the minute.", '"2026-07-01T09:00:00Z"'
    )
    revoked_at: DateTime | None = column_field("When it was revoked.", "null")


@strawberry.type(
    description="Who is asking, and what they see.",
    directives=[CacheControl(max_age=0, scope=CacheControlScope.PRIVATE)],
)
class Viewer:
    name: str | None = envelope_field("The name the token was given to; null for the public.", "null")
    role: Role = envelope_field("What the caller is.", "READER")
    access_description: str = envelope_field(
        "What that lets one see, in a sentence.", '"What is published, and nothing else."'
    )
    permissions: list[Permission] = envelope_field("What that lets one do.", "[READ_ALL_DRAFTS, EDIT_ALL]")
