"""The mutation type."""

from __future__ import annotations

import strawberry
from strawberry.directive import DirectiveLocation

from contentql.auth.permissions import Permission
from contentql.editorial import (
    tokens,
)
from contentql.schema.article_mutations import ArticleMutations
from contentql.schema.inputs.base import UpdateInput
from contentql.schema.inputs.tokens import CreateTokenInput
from contentql.schema.live_mutations import LiveMutations
from contentql.schema.mutation_field import mutation_field
from contentql.schema.payloads import (
    TokenPayload,
)
from contentql.schema.taxonomy_mutations import TaxonomyMutations
from contentql.schema.webhook_mutations import WebhookMutations


@strawberry.directive(
    locations=[DirectiveLocation.MUTATION],
    description="Makes all fields of a mutation one transaction: all are saved, or none. Later fields see"
    " what earlier ones changed. Example: `mutation @atomic { … }`.",
)
def atomic() -> None: ...


@strawberry.type(
    description="Root fields for writing. Fields are executed in order; each is one transaction unless the"
    " operation has the directive `@atomic`."
)
class Mutation(WebhookMutations, TaxonomyMutations, LiveMutations, ArticleMutations):
    create_token: TokenPayload | None = mutation_field(
        "Creates an API token. The secret is returned only once.",
        input=CreateTokenInput,
        payload=TokenPayload,
        permission=Permission.ADMIN,
        resolver=tokens.create_token,
        example='name: "Jane Doe", role: EDITOR',
        selection="secret",
    )
    revoke_token: TokenPayload | None = mutation_field(
        "Revokes an API token with immediate effect.",
        input=UpdateInput,
        payload=TokenPayload,
        permission=Permission.ADMIN,
        resolver=tokens.revoke_token,
        example='id: "tok_6677889900"',
    )
