"""Trusted documents."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model

from contentql.store.models.fields import TimestampField


class TrustedDocument(Model):
    """Trusted document: a GraphQL text with the `id` that clients send.

    The `id` is the text's SHA-256 in hex, or any other id from the manifest. Every document is also found by
    its `sha256`.
    """

    id = fields.CharField(max_length=128, primary_key=True)
    sha256 = fields.CharField(max_length=64)
    name = fields.TextField(null=True)
    text = fields.TextField()
    client = fields.TextField(null=True)
    cost = fields.IntField(null=True)
    uses = fields.BigIntField(db_default=0)
    added_at = TimestampField()
    last_used_at = TimestampField(null=True)

    class Meta:
        table = "trusted_document"
