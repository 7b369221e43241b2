"""Entries of live blogs."""

from __future__ import annotations

import strawberry

from contentql.content.enums import CorrectionKind
from contentql.schema.inputs.base import MutationInput, UpdateInput, optional, required
from contentql.schema.inputs.body import BodyInput
from contentql.schema.scalars import DateTime


@strawberry.input(description="Fields of an entry of a live blog.")
class LiveEntryFields(MutationInput):
    title: str | None = optional("Title of the entry, in one line.", '"Convoy leaves"')
    key_event: bool | None = optional("True if the entry is a key event.", "true")
    summary: bool | None = optional("True if the entry summarises the events so far.", "false")
    author: strawberry.ID | None = optional("Author of the entry: id or slug.", '"jane-doe"')
    picture: strawberry.ID | None = optional("Picture or video of the entry.", '"med_5544332211"')


@strawberry.input(description="A new entry of a live blog.")
class AddLiveEntryInput(LiveEntryFields):
    article: strawberry.ID = required("Id of the article, whose type is LIVE.", '"art_90817263545"')
    body: BodyInput = required(
        "Content of the entry, at most 100 blocks.", '{text: "The lorries are moving."}'
    )
    at: DateTime | None = optional("Time of the event; the present by default.", '"2026-06-30T14:05:00Z"')
    pinned: bool | None = optional("True if the entry is pinned to the top.", "false")


@strawberry.input(description="A correction of an entry, which readers see with it.")
class LiveEntryCorrectionInput:
    kind: CorrectionKind | None = optional("Kind of correction; CORRECTION by default.", "CLARIFICATION")
    text: str = required("What was wrong and what is right.", '"The convoy has ten lorries, not two."')


@strawberry.input(description="Fields that the inputs of all changes of an entry have.")
class LiveEntryUpdateInput(UpdateInput):
    if_version: int | None = optional(
        "Expected `version` of the entry; the mutation fails with VERSION_CONFLICT if it has another one.",
        "3",
    )


@strawberry.input(description="Change of an entry; fields that are omitted stay as they are.")
class EditLiveEntryInput(LiveEntryFields, LiveEntryUpdateInput):
    body: BodyInput | None = optional(
        "Content of the entry, at most 100 blocks.", '{text: "They have left."}'
    )
    at: DateTime | None = optional("Time of the event.", '"2026-06-30T14:05:00Z"')
    correction: LiveEntryCorrectionInput | None = optional(
        "A correction that readers see with the entry.", '{text: "The convoy has ten lorries, not two."}'
    )


@strawberry.input(description="Whether an entry is pinned to the top of its live blog.")
class PinLiveEntryInput(LiveEntryUpdateInput):
    pinned: bool | None = optional("False to unpin the entry; true by default.", "true")


@strawberry.input(description="An entry to restore.")
class RestoreLiveEntryInput(LiveEntryUpdateInput):
    version: int | None = optional(
        "Version to restore; by default the last one before the entry was removed.", "1"
    )
