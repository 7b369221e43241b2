"""Permissions of each role: one table for every authorization decision. What it does not grant is denied."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    READER = "READER"
    PREVIEWER = "PREVIEWER"
    AUTHOR = "AUTHOR"
    EDITOR = "EDITOR"
    PUBLISHER = "PUBLISHER"
    ADMIN = "ADMIN"


class Permission(StrEnum):
    """A permission that mutations and fields require; the scopes of a token are permissions."""

    READ_OWN_DRAFTS = "READ_OWN_DRAFTS"
    READ_ALL_DRAFTS = "READ_ALL_DRAFTS"
    READ_INTERNAL_FIELDS = "READ_INTERNAL_FIELDS"
    EDIT_OWN = "EDIT_OWN"
    EDIT_ALL = "EDIT_ALL"
    CREATE_PREVIEW_LINKS = "CREATE_PREVIEW_LINKS"
    REVIEW = "REVIEW"
    LIVE_BLOG = "LIVE_BLOG"
    PUBLISH = "PUBLISH"
    CREATE_TAXONOMY = "CREATE_TAXONOMY"
    EDIT_TAXONOMY = "EDIT_TAXONOMY"
    MANAGE_TAXONOMY = "MANAGE_TAXONOMY"
    ADMIN = "ADMIN"


PERMISSION_DESCRIPTIONS: Final[Mapping[Permission, str]] = {
    Permission.READ_OWN_DRAFTS: "read own drafts and working copies",
    Permission.READ_ALL_DRAFTS: "read all drafts and working copies",
    Permission.READ_INTERNAL_FIELDS: "read internal notes, revisions and suggestions of readable drafts",
    Permission.EDIT_OWN: "create articles; edit, attribute, submit and delete own drafts",
    Permission.EDIT_ALL: "edit, attribute, submit and delete all drafts",
    Permission.CREATE_PREVIEW_LINKS: "create preview links",
    Permission.REVIEW: "approve articles in review or return them",
    Permission.LIVE_BLOG: (
        "add, edit, pin, remove and restore entries of live blogs, public at once; without EDIT_ALL in own"
        " articles only"
    ),
    Permission.PUBLISH: (
        "schedule, publish, correct, unpublish, withdraw, archive, delete and restore articles"
    ),
    Permission.CREATE_TAXONOMY: "create sources, tags and media",
    Permission.EDIT_TAXONOMY: (
        "update sources, tags and media; create and update authors, stories and collections"
    ),
    Permission.MANAGE_TAXONOMY: (
        "create, update, move and delete sections; merge sources; delete unused objects"
    ),
    Permission.ADMIN: "manage API tokens and webhooks, and read the audit log",
}

_AUTHOR = frozenset(
    {
        Permission.READ_OWN_DRAFTS,
        Permission.READ_INTERNAL_FIELDS,
        Permission.EDIT_OWN,
        Permission.CREATE_PREVIEW_LINKS,
        Permission.CREATE_TAXONOMY,
        Permission.LIVE_BLOG,
    }
)
_EDITOR = _AUTHOR | {
    Permission.READ_ALL_DRAFTS,
    Permission.EDIT_ALL,
    Permission.REVIEW,
    Permission.EDIT_TAXONOMY,
}
_PUBLISHER = _EDITOR | {Permission.PUBLISH, Permission.MANAGE_TAXONOMY}

ROLE_PERMISSIONS: Final[Mapping[Role, frozenset[Permission]]] = {
    Role.READER: frozenset(),
    Role.PREVIEWER: frozenset({Permission.READ_ALL_DRAFTS}),
    Role.AUTHOR: _AUTHOR,
    Role.EDITOR: _EDITOR,
    Role.PUBLISHER: _PUBLISHER,
    Role.ADMIN: _PUBLISHER | {Permission.ADMIN},
}

ROLE_DESCRIPTIONS: Final[Mapping[Role, str]] = {
    Role.READER: "What is published, and nothing else.",
    Role.PREVIEWER: "Drafts and unpublished changes of all articles, as readers would see them.",
    Role.AUTHOR: "What is published, and one's own drafts with all that belongs to them.",
    Role.EDITOR: "All drafts and unpublished changes, with notes, revisions and suggestions.",
    Role.PUBLISHER: "All drafts and unpublished changes, with notes, revisions and suggestions.",
    Role.ADMIN: "All drafts and unpublished changes, with notes, revisions, suggestions and the audit log.",
}


def effective_permissions(role: Role, scopes: Iterable[str] = ()) -> frozenset[Permission]:
    """The permissions of a role, limited to `scopes` if there are any."""
    requested = frozenset(scopes)
    return frozenset(
        permission for permission in ROLE_PERMISSIONS[role] if not requested or permission.value in requested
    )
