"""Entries of live blogs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from contentql.content.enums import CorrectionKind
from contentql.planner.field_plans import Column, JsonElements
from contentql.schema import relations
from contentql.schema.blocks import Block
from contentql.schema.connections import Connection
from contentql.schema.fields import (
    PAGE_ARGUMENTS,
    Argument,
    argument_field,
    column_field,
    computed,
    object_field,
    table_type,
)
from contentql.schema.scalars import DateTime
from contentql.schema.values import Node

if TYPE_CHECKING:
    from contentql.schema.content import Article, Author, Media

__all__ = ["Connection", "LiveEntry", "LiveEntryCorrection", "live_entries_field"]

_CONTENT = strawberry.lazy("contentql.schema.content")  # content.Article has live entries

SINCE_ARGUMENT: Argument = (
    "since",
    "DateTime",
    "Only entries that were added or changed at or after this time. Entries removed since are not among them."
    ' Example: `"2026-06-30T14:05:00Z"`.',
)
KEY_EVENTS_ARGUMENT: Argument = ("key_events", "Boolean", "If true, only the key events. Example: `true`.")


@strawberry.type(description="Correction of an entry of a live blog.")
class LiveEntryCorrection:
    kind: CorrectionKind = column_field("Kind of correction.", "CORRECTION")
    text: str = column_field(
        "Explanation for readers: what was wrong and what is right.", '"The convoy has ten lorries, not two."'
    )
    corrected_at: DateTime = column_field(
        "Time of the correction.", '"2026-06-30T15:00:00Z"', Column("correctedAt")
    )


@table_type("live_entry", "An entry of a live blog.")
class LiveEntry(Node):
    id: strawberry.ID = column_field("Global id of the entry.", '"liv_7788990011"')
    block_id: str = column_field("Id of its block in the body of the article.", '"blk_4f2a"')
    at: DateTime = column_field("Time of the event, by which entries are ordered.", '"2026-06-30T14:05:00Z"')
    title: str | None = column_field("Title of the entry.", '"Convoy leaves"')
    key_event: bool = column_field("True if the entry is a key event.", "true")
    summary: bool = column_field("True if the entry summarises the events so far.", "false")
    pinned: bool = computed("True if the entry is pinned to the top.", "false", relations.ENTRY_PINNED)
    html: str = column_field("Content as HTML, without the title.", '"<p>The first lorries are moving.</p>"')
    markdown: str = column_field("Content as Markdown, without the title.", '"The first lorries are moving."')
    text: str = column_field("Content as plain text, without the title.", '"The first lorries are moving."')
    blocks: list[Block] = object_field("Content as typed blocks, in order.", JsonElements("blocks"))
    corrections: list[LiveEntryCorrection] = object_field(
        "Corrections of the entry, newest first.", JsonElements("corrections")
    )
    version: int = column_field("Number of the current version, from 1.", "2")
    created_at: DateTime = column_field("Time at which the entry was added.", '"2026-06-30T14:06:00Z"')
    updated_at: DateTime = column_field(
        "Time of the last change.", '"2026-06-30T14:06:00Z"', Column("changed_at")
    )
    author: Annotated[Author, _CONTENT] | None = object_field("Author of the entry.", relations.ENTRY_AUTHOR)
    picture: Annotated[Media, _CONTENT] | None = object_field(
        "Picture or video of the entry; null if there is none, or if its licence has ended.",
        relations.ENTRY_PICTURE,
    )
    article: Annotated[Article, _CONTENT] = object_field(
        "Article with the live blog.", relations.ENTRY_ARTICLE
    )


def live_entries_field() -> Any:
    """The field with the entries of an article."""
    return argument_field(
        "Entries of the live blog: pinned ones first, then newest first.",
        "Connection[LiveEntry]",
        relations.ARTICLE_LIVE_ENTRIES,
        [SINCE_ARGUMENT, KEY_EVENTS_ARGUMENT, *PAGE_ARGUMENTS],
        module=__name__,
    )
