"""What each role may do: one table, read by everybody who must decide. What it does not grant is refused."""

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
    """What a mutation or a field asks for; a token's scopes name some of these."""

    READ_OWN_DRAFTS = "READ_OWN_DRAFTS"
    READ_ALL_DRAFTS = "READ_ALL_DRAFTS"
    READ_INTERNAL_FIELDS = "READ_INTERNAL_FIELDS"
    EDIT_OWN = "EDIT_OWN"
    EDIT_ALL = "EDIT_ALL"
    CREATE_PREVIEW_LINKS = "CREATE_PREVIEW_LINKS"
    REVIEW = "REVIEW"
    PUBLISH = "PUBLISH"
    CREATE_TAXONOMY = "CREATE_TAXONOMY"
    EDIT_TAXONOMY = "EDIT_TAXONOMY"
    MANAGE_TAXONOMY = "MANAGE_TAXONOMY"
    ADMIN = "ADMIN"


PERMISSION_DESCRIPTIONS: Final[Mapping[Permission, str]] = {
    Permission.READ_OWN_DRAFTS: "see one's own drafts and working copies",
    Permission.READ_ALL_DRAFTS: "see all drafts and working copies",
    Permission.READ_INTERNAL_FIELDS: "see, of those, notes, revisions and suggestions as well",
    Permission.EDIT_OWN: "begin articles; edit, attribute, submit and drop one's own",
    Permission.EDIT_ALL: "do the same with everybody's",
    Permission.CREATE_PREVIEW_LINKS: "make preview links",
    Permission.REVIEW: "approve and send back",
    Permission.PUBLISH: "schedule, publish, correct, take back, archive, delete, restore",
    Permission.CREATE_TAXONOMY: "add sources, tags and media",
    Permission.EDIT_TAXONOMY: "change those, and authors, stories and collections",
    Permission.MANAGE_TAXONOMY: "change sections, merge sources, delete what is unused",
    Permission.ADMIN: "manage tokens, read the audit log",
}

_AUTHOR = frozenset(
    {
        Permission.READ_OWN_DRAFTS,
        Permission.READ_INTERNAL_FIELDS,
        Permission.EDIT_OWN,
        Permission.CREATE_PREVIEW_LINKS,
        Permission.CREATE_TAXONOMY,
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
    """What a role may do, narrowed to `scopes` where there are any."""
    requested = frozenset(scopes)
    return frozenset(a for a in ROLE_PERMISSIONS[role] if not requested or a.value in requested)
