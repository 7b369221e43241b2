"""Entries of live blogs, and what they use."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.fields import OnDelete
from tortoise.models import Model

from contentql.store.models.fields import TimestampField, foreign_key_field, id_field


class LiveEntry(Model):
    """Entry of a live blog.

    `block` is the whole entry, of which the other columns are derived: `blocks` and `html`, `markdown`,
    `text` are its content, and the columns `body_...` its part of the article's body. `position` is 1 if it
    is pinned, else 0. A removed entry keeps its row.
    """

    id = id_field()
    article = foreign_key_field("Article", OnDelete.CASCADE)
    block_id = fields.CharField(max_length=40)
    at = TimestampField()
    position = fields.SmallIntField(db_default=0)
    title = fields.TextField(null=True)
    key_event = fields.BooleanField(db_default=False)
    summary = fields.BooleanField(db_default=False)
    author = foreign_key_field("Author", OnDelete.SET_NULL, null=True)
    media = foreign_key_field("Media", OnDelete.SET_NULL, null=True)
    block: Any = fields.JSONField()
    blocks: Any = fields.JSONField()
    corrections: Any = fields.JSONField(default=list)
    html = fields.TextField()
    markdown = fields.TextField()
    text = fields.TextField()
    body_html = fields.TextField()
    body_markdown = fields.TextField()
    body_text = fields.TextField()
    version = fields.IntField(db_default=1)
    created_at = TimestampField()
    changed_at = TimestampField()
    removed_at = TimestampField(null=True)

    class Meta:
        table = "live_entry"
        unique_together = (("article", "block_id"),)


class LiveEntryUse(Model):
    """Author or media file that entries of an article use, with the number of these entries."""

    id = id_field()
    article = foreign_key_field("Article", OnDelete.CASCADE)
    author = foreign_key_field("Author", OnDelete.CASCADE, null=True)
    media = foreign_key_field("Media", OnDelete.CASCADE, null=True)
    entries = fields.IntField()

    class Meta:
        table = "live_entry_use"
        unique_together = (("article", "author"), ("article", "media"))
