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

    SEE_OWN = "SEE_OWN"
    SEE_ALL = "SEE_ALL"
    SEE_DESK = "SEE_DESK"
    WRITE_OWN = "WRITE_OWN"
    WRITE_ALL = "WRITE_ALL"
    SHARE = "SHARE"
    REVIEW = "REVIEW"
    PUBLISH = "PUBLISH"
    ADD = "ADD"
    FILE = "FILE"
    ARRANGE = "ARRANGE"
    ADMINISTER = "ADMINISTER"


PERMISSION_DESCRIPTIONS: Final[Mapping[Permission, str]] = {
    Permission.SEE_OWN: "see one's own drafts and working copies",
    Permission.SEE_ALL: "see all drafts and working copies",
    Permission.SEE_DESK: "see, of those, notes, revisions and suggestions as well",
    Permission.WRITE_OWN: "begin articles; edit, attribute, submit and drop one's own",
    Permission.WRITE_ALL: "do the same with everybody's",
    Permission.SHARE: "make preview links",
    Permission.REVIEW: "approve and send back",
    Permission.PUBLISH: "schedule, publish, correct, take back, archive, delete, restore",
    Permission.ADD: "add sources, tags and media",
    Permission.FILE: "change those, and authors, stories and collections",
    Permission.ARRANGE: "change sections, merge sources, delete what is unused",
    Permission.ADMINISTER: "manage tokens, read the audit log",
}

_AUTHOR = frozenset(
    {Permission.SEE_OWN, Permission.SEE_DESK, Permission.WRITE_OWN, Permission.SHARE, Permission.ADD}
)
_EDITOR = _AUTHOR | {Permission.SEE_ALL, Permission.WRITE_ALL, Permission.REVIEW, Permission.FILE}
_PUBLISHER = _EDITOR | {Permission.PUBLISH, Permission.ARRANGE}

ROLE_PERMISSIONS: Final[Mapping[Role, frozenset[Permission]]] = {
    Role.READER: frozenset(),
    Role.PREVIEWER: frozenset({Permission.SEE_ALL}),
    Role.AUTHOR: _AUTHOR,
    Role.EDITOR: _EDITOR,
    Role.PUBLISHER: _PUBLISHER,
    Role.ADMIN: _PUBLISHER | {Permission.ADMINISTER},
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
    wanted = frozenset(scopes)
    return frozenset(a for a in ROLE_PERMISSIONS[role] if not wanted or a.value in wanted)
