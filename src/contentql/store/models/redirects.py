"""Redirects of the reader's site that people or imports have created."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model

from contentql.store.models.fields import TimestampField, id_field


class Redirect(Model):
    """Redirect of a path of the site to an object or to another path or URL.

    `path` is in normal form. Either `target_table` and `target_id`, the public id of the object, are set, or
    `target_url`.
    """

    id = id_field()
    path = fields.CharField(max_length=1000, unique=True)
    target_table = fields.CharField(max_length=40, null=True)
    target_id = fields.BigIntField(null=True)
    target_url = fields.CharField(max_length=2000, null=True)
    status = fields.SmallIntField()
    created_at = TimestampField()
    created_by = fields.CharField(max_length=200)

    class Meta:
        table = "redirect"
