"""Mutations of live blogs."""

from __future__ import annotations

from typing import Final

import strawberry

from contentql.auth.permissions import Permission
from contentql.editorial import live_entries
from contentql.schema.inputs.live_entries import (
    AddLiveEntryInput,
    EditLiveEntryInput,
    LiveEntryUpdateInput,
    PinLiveEntryInput,
    RestoreLiveEntryInput,
)
from contentql.schema.mutation_field import DELETED_ID, mutation_field
from contentql.schema.payloads import DeletionPayload, LiveEntryPayload

_ENTRY_ID: Final = 'id: "liv_7788990011"'


@strawberry.type
class LiveMutations:
    add_live_entry: LiveEntryPayload | None = mutation_field(
        "Adds an entry to the live blog of an article; public at once if the article is.",
        input=AddLiveEntryInput,
        payload=LiveEntryPayload,
        permission=Permission.LIVE_BLOG,
        resolver=live_entries.add_live_entry,
        example='article: "art_90817263545", title: "Convoy leaves", body: {text: "The lorries are moving."}',
    )
    edit_live_entry: LiveEntryPayload | None = mutation_field(
        "Changes an entry of a live blog, with or without a correction that readers see.",
        input=EditLiveEntryInput,
        payload=LiveEntryPayload,
        permission=Permission.LIVE_BLOG,
        resolver=live_entries.edit_live_entry,
        example=f'{_ENTRY_ID}, body: {{text: "Ten lorries."}}, correction: {{text: "Not two, but ten."}}',
    )
    pin_live_entry: LiveEntryPayload | None = mutation_field(
        "Pins an entry to the top of its live blog, or unpins it.",
        input=PinLiveEntryInput,
        payload=LiveEntryPayload,
        permission=Permission.LIVE_BLOG,
        resolver=live_entries.pin_live_entry,
        example=f"{_ENTRY_ID}, pinned: true",
    )
    remove_live_entry: DeletionPayload | None = mutation_field(
        "Removes an entry from its live blog, until `restoreLiveEntry`.",
        input=LiveEntryUpdateInput,
        payload=DeletionPayload,
        permission=Permission.LIVE_BLOG,
        resolver=live_entries.remove_live_entry,
        example=_ENTRY_ID,
        selection=DELETED_ID,
    )
    restore_live_entry: LiveEntryPayload | None = mutation_field(
        "Restores a removed entry, or an earlier version of an entry.",
        input=RestoreLiveEntryInput,
        payload=LiveEntryPayload,
        permission=Permission.LIVE_BLOG,
        resolver=live_entries.restore_live_entry,
        example=_ENTRY_ID,
    )
