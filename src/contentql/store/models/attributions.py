"""Attributions and corrections."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.fields import OnDelete
from tortoise.models import Model

from contentql.content.enums import AttributionKind, AttributionState, CorrectionKind, Stance, Verification
from contentql.store.models.fields import (
    TimestampField,
    check_constraint,
    enum_constraint,
    foreign_key_field,
    id_field,
    optional_foreign_key_field,
)


class Attribution(Model):
    """One hop in the attribution chain of a claim.

    The head row (`hop` 0) holds the claim and its origin; `via` refers to the next hop towards the reader.
    All rows of one chain share `head_id`, `origin` and state, so the whole chain, its origin and its relays
    are each one index look-up, however long the chain is. In a working copy of an article, `working_of` is
    the id by which the API shows the row, before and after publishing.
    """

    id = id_field()
    article = foreign_key_field("Article", OnDelete.CASCADE)
    kind = fields.CharEnumField(AttributionKind, max_length=16)
    source = optional_foreign_key_field("Source")
    via: Any = fields.OneToOneField(
        "content.Attribution", on_delete=OnDelete.SET_NULL, related_name=False, null=True
    )
    head_id = fields.BigIntField()
    hop = fields.SmallIntField(db_default=0)
    origin = optional_foreign_key_field("Source")
    position = fields.IntField(db_default=0)
    claim = fields.TextField(null=True)
    quote = fields.TextField(null=True)
    stance = fields.CharEnumField(Stance, max_length=16, null=True)
    said_on = fields.DateField(null=True)
    url = fields.TextField(null=True)
    accessed_at = TimestampField(null=True)
    archived_url = fields.TextField(null=True)
    media = optional_foreign_key_field("Media")
    span_block = fields.CharField(max_length=40, null=True)
    span_start = fields.IntField(null=True)
    span_end = fields.IntField(null=True)
    span_exact = fields.TextField(null=True)
    span_prefix = fields.TextField(null=True)
    span_suffix = fields.TextField(null=True)
    span_orphaned = fields.BooleanField(db_default=False)
    cue_span: Any = fields.JSONField(null=True)
    source_span: Any = fields.JSONField(null=True)
    made_by = fields.CharField(max_length=100, default="editor")
    state = fields.CharEnumField(AttributionState, max_length=16, default=AttributionState.SUGGESTED)
    score = fields.FloatField(null=True)
    verification = fields.CharEnumField(Verification, max_length=16, default=Verification.UNVERIFIED)
    verification_note = fields.TextField(null=True)
    verified_by = fields.CharField(max_length=200, null=True)
    verified_at = TimestampField(null=True)
    working_of = fields.BigIntField(db_default=0)

    class Meta:
        table = "attribution"
        constraints = (
            enum_constraint("kind", AttributionKind),
            enum_constraint("state", AttributionState),
            enum_constraint("verification", Verification),
            enum_constraint("stance", Stance),
            check_constraint("hop", "hop between 0 and 5"),
            check_constraint("via_not_itself", "via_id <> id"),
            check_constraint("names_a_source", "source_id is not null or kind = 'REPORTED_BY'"),
            check_constraint("span", "span_start >= 0 and span_end > span_start"),
            check_constraint("score", "score between 0 and 1"),
        )


class Correction(Model):
    id = id_field()
    article = foreign_key_field("Article", OnDelete.CASCADE)
    kind = fields.CharEnumField(CorrectionKind, max_length=16)
    at = TimestampField()
    text = fields.TextField()
    block = fields.CharField(max_length=40, null=True)
    before = fields.TextField(null=True)
    after = fields.TextField(null=True)

    class Meta:
        table = "correction"
        constraints = (enum_constraint("kind", CorrectionKind),)
