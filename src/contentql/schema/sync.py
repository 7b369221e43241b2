"""Delta sync: pages of changes of articles."""

from __future__ import annotations

import strawberry

from contentql.content.enums import RemovalReason
from contentql.schema.content import Article
from contentql.schema.fields import envelope_field
from contentql.schema.scalars import DateTime


@strawberry.interface(description="A change of one article that a client has to store or to remove.")
class ArticleChange:
    id: strawberry.ID = envelope_field("Global id of the article.", '"art_90817263545"')


@strawberry.type(description="An article to be stored: new, changed, or sent again.")
class Upserted(ArticleChange):
    article: Article = envelope_field("The article in its present state.")


@strawberry.type(description="An article to be removed from the client's store, if it is there.")
class Removed(ArticleChange):
    reason: RemovalReason = envelope_field("Reason of the removal.")
    at: DateTime = envelope_field("Time of the change.", '"2026-06-30T08:00:00Z"')


@strawberry.type(description="A page of changes, in the order in which they have to be applied.")
class ChangePage:
    changes: list[ArticleChange] = envelope_field("Changes, each of another article.")
    next_token: str = envelope_field(
        "Position after these changes: `since` of the next request. The same as `since` if nothing has"
        " changed.",
        '"cqld_k3…"',
    )
    has_more: bool = envelope_field("True if the next request may be sent at once.", "false")
    resync_required: bool = envelope_field(
        "True if the token is too old or from another database: the client has to mark all articles that it"
        " stores, go on with `nextToken`, which begins anew, and remove those that were not sent again.",
        "false",
    )
