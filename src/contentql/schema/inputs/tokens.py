"""API tokens."""

from __future__ import annotations

import strawberry

from contentql.auth.permissions import Permission, Role
from contentql.schema.inputs.base import MutationInput, optional, required
from contentql.schema.scalars import DateTime


@strawberry.input(description="A new token.")
class CreateTokenInput(MutationInput):
    name: str = required("Whom or what it is for.", '"Jane Doe"')
    role: Role = required("What its holder is.", "EDITOR")
    account: str | None = optional("Whose work is done with it; made of the name unless told.", '"jane-doe"')
    scopes: list[Permission] | None = optional("Only these of the role's abilities.", "[READ_ALL_DRAFTS]")
    expires_at: DateTime | None = optional("When it ends.", '"2027-01-01T00:00:00Z"')
