"""Who may come in: tokens, of which only a hash is kept, and the secrets that are signed with."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.models import Model

from contentql.store.models.fields import TimestampField, id_field


class ApiToken(Model):
    """`account` is whose work is whose, beyond the token. `scopes` narrow the role, and none is all.

    `hint` is how the token ends, so that people can tell theirs apart.
    """

    id = id_field()
    account = fields.CharField(max_length=200)
    name = fields.CharField(max_length=200)
    role = fields.CharField(max_length=20)
    scopes: Any = fields.JSONField(default=list)
    hash = fields.CharField(max_length=64, unique=True)
    hint = fields.CharField(max_length=8)
    created_at = TimestampField()
    created_by = fields.CharField(max_length=200)
    expires_at = TimestampField(null=True)
    last_used_at = TimestampField(null=True)
    revoked_at = TimestampField(null=True)

    class Meta:
        table = "token"


class SigningKey(Model):
    """A key that signs, made once for all workers. `id` says what for."""

    id = fields.CharField(max_length=40, primary_key=True)
    value = fields.CharField(max_length=200)
    created_at = TimestampField()

    class Meta:
        table = "signing_key"
