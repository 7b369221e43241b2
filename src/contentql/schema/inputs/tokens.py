"""API tokens and preview links."""

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
        "Permissions to limit the token to; by default all permissions of the role. An empty list is an"
        " error. A permission that the requesting token does not have cannot be passed on.",
        "[READ_ALL_DRAFTS]",
    )
    expires_at: DateTime | None = optional(
        "Time at which the token expires, not after that of the requesting token; by default the same as"
        " that, or none.",
        '"2027-01-01T00:00:00Z"',
    )


@strawberry.input(description="Revocation of a preview link.")
class RevokePreviewLinkInput(MutationInput):
    id: strawberry.ID = required("Id of the link, or its token.", '"prv_6677889900"')
