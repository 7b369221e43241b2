"""API tokens."""

from __future__ import annotations

import strawberry

from contentql.auth.permissions import Permission, Role
from contentql.schema.inputs.base import MutationInput, optional, required
from contentql.schema.scalars import DateTime


@strawberry.input(description="A new API token.")
class CreateTokenInput(MutationInput):
    name: str = required("Person or program that the token is for.", '"Jane Doe"')
    role: Role = required("Role of the token.", "EDITOR")
    account: str | None = optional(
        "Account that owns articles created with the token; derived from the name by default.", '"jane-doe"'
    )
    scopes: list[Permission] | None = optional(
        "Permissions to limit the token to; by default all permissions of the role.", "[READ_ALL_DRAFTS]"
    )
    expires_at: DateTime | None = optional(
        "Time at which the token expires; null if without expiry.", '"2027-01-01T00:00:00Z"'
    )
