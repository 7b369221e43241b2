"""Viewers: role, permissions and visibility of the sender of a request."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from contentql.auth.permissions import ROLE_DESCRIPTIONS, ROLE_PERMISSIONS, Permission, Role


@dataclass(frozen=True)
class Visibility:
    """What a viewer can see; viewers with equal visibility share their plans.

    `articles`: `public` ones, also one shared article (`linked`), also `own` ones, or `all`.
    `internal_fields`: includes notes, revisions and suggestions. `at_preview_time`: evaluated at a chosen
    time.
    """

    articles: Literal["public", "linked", "own", "all"] = "public"
    internal_fields: bool = False
    at_preview_time: bool = False
    admin: bool = False

    @property
    def is_public(self) -> bool:
        return self == PUBLIC_VISIBILITY

    @property
    def includes_surplus_items(self) -> bool:
        """True for editors: they see the items of a collection beyond `max_items`, too.

        Previewers, and everyone at a preview time, see the collection as readers will.
        """
        return self.articles == "all" and self.internal_fields and not self.at_preview_time


PUBLIC_VISIBILITY = Visibility()


@dataclass(frozen=True)
class Viewer:
    """`name` of the token's holder, None for anonymous viewers; `account` that owns its articles.

    `shared_article_id` is the article of a preview token, `preview_at` the requested preview time. `token_id`
    and `token_expires_at` describe the API token; they are None for other viewers and without expiry.
    """

    name: str | None = None
    role: Role = Role.READER
    account: str | None = None
    permissions: frozenset[Permission] = ROLE_PERMISSIONS[Role.READER]
    shared_article_id: int | None = None
    preview_at: dt.datetime | None = None
    token_id: int | None = None
    token_expires_at: dt.datetime | None = None

    def has_permission(self, permission: Permission) -> bool:
        return permission in self.permissions

    @property
    def is_public(self) -> bool:
        """True for viewers without a token."""
        return self.account is None and self.shared_article_id is None

    @property
    def visibility(self) -> Visibility:
        at_preview_time, internal_fields = (
            self.preview_at is not None,
            self.has_permission(Permission.READ_INTERNAL_FIELDS),
        )
        admin = self.has_permission(Permission.ADMIN)
        if self.has_permission(Permission.READ_ALL_DRAFTS):
            return Visibility(
                "all", internal_fields=internal_fields, at_preview_time=at_preview_time, admin=admin
            )
        if self.has_permission(Permission.READ_OWN_DRAFTS):
            return Visibility(
                "own", internal_fields=internal_fields, at_preview_time=at_preview_time, admin=admin
            )
        if self.shared_article_id is not None:
            return Visibility("linked", at_preview_time=at_preview_time)
        return Visibility(admin=admin)

    @property
    def access_description(self) -> str:
        """A sentence about the visible content, which the scopes of the token may limit."""
        visibility = self.visibility
        if visibility.articles == "linked":
            return "What is published, and the one article that was shared."
        if visibility.articles == "own":
            return ROLE_DESCRIPTIONS[Role.AUTHOR]
        if visibility.articles == "all":
            return ROLE_DESCRIPTIONS[
                Role.ADMIN
                if visibility.admin
                else Role.EDITOR
                if visibility.internal_fields
                else Role.PREVIEWER
            ]
        return ROLE_DESCRIPTIONS[Role.READER]

    @property
    def as_graphql(self) -> dict[str, object]:
        """Values of the GraphQL type Viewer."""
        return {
            "name": self.name,
            "role": self.role.value,
            "accessDescription": self.access_description,
            "permissions": [permission.value for permission in Permission if permission in self.permissions],
        }


ANONYMOUS_VIEWER = Viewer()


@dataclass(frozen=True)
class Actor:
    """A viewer with `address` and `client` (the program's own name for itself), for the audit log.

    `base_url`: URL of this server as the client knows it, for links; empty without a request.
    """

    viewer: Viewer = ANONYMOUS_VIEWER
    address: str | None = None
    client: str | None = None
    base_url: str = ""


ANONYMOUS = Actor()
