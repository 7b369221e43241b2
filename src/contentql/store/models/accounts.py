"""API tokens, of which only a hash is stored, and signing keys."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.fields.base import OnDelete
from tortoise.models import Model

from contentql.store.models.fields import (
    TimestampField,
    foreign_key_field,
    id_field,
    optional_foreign_key_field,
)


class ApiToken(Model):
    """API token, of which only the hash is stored.

    `account` is the owner of the drafts written with the token; several tokens may share it. An empty
    `scopes` does not restrict the role. `hint` is the end of the token, by which people can recognise it.
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


class PreviewLink(Model):
    """Preview link of one article, which its signed token names by id.

    `token` is the API token that created it, null for other viewers. A link is valid until it expires or is
    revoked, and only as long as that token is.
    """

    id = id_field()
    article = foreign_key_field("Article", OnDelete.CASCADE)
    token = optional_foreign_key_field("ApiToken", OnDelete.CASCADE)
    account = fields.CharField(max_length=200)
    created_at = TimestampField()
    created_by = fields.CharField(max_length=200)
    expires_at = TimestampField()
    revoked_at = TimestampField(null=True)

    class Meta:
        table = "preview_link"


class SigningKey(Model):
    """Signing key shared by all workers. `id` names its purpose."""

    id = fields.CharField(max_length=40, primary_key=True)
    value = fields.CharField(max_length=200)
    created_at = TimestampField()

    class Meta:
        table = "signing_key"
