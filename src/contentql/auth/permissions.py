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


class Ability(StrEnum):
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


MEANING: Final[Mapping[Ability, str]] = {
    Ability.SEE_OWN: "see one's own drafts and working copies",
    Ability.SEE_ALL: "see all drafts and working copies",
    Ability.SEE_DESK: "see, of those, notes, revisions and suggestions as well",
    Ability.WRITE_OWN: "begin articles; edit, attribute, submit and drop one's own",
    Ability.WRITE_ALL: "do the same with everybody's",
    Ability.SHARE: "make preview links",
    Ability.REVIEW: "approve and send back",
    Ability.PUBLISH: "schedule, publish, correct, take back, archive, delete, restore",
    Ability.ADD: "add sources, tags and media",
    Ability.FILE: "change those, and authors, stories and collections",
    Ability.ARRANGE: "change sections, merge sources, delete what is unused",
    Ability.ADMINISTER: "manage tokens, read the audit log",
}

_AUTHOR = frozenset({Ability.SEE_OWN, Ability.SEE_DESK, Ability.WRITE_OWN, Ability.SHARE, Ability.ADD})
_EDITOR = _AUTHOR | {Ability.SEE_ALL, Ability.WRITE_ALL, Ability.REVIEW, Ability.FILE}
_PUBLISHER = _EDITOR | {Ability.PUBLISH, Ability.ARRANGE}

ABILITIES: Final[Mapping[Role, frozenset[Ability]]] = {
    Role.READER: frozenset(),
    Role.PREVIEWER: frozenset({Ability.SEE_ALL}),
    Role.AUTHOR: _AUTHOR,
    Role.EDITOR: _EDITOR,
    Role.PUBLISHER: _PUBLISHER,
    Role.ADMIN: _PUBLISHER | {Ability.ADMINISTER},
}

SEES: Final[Mapping[Role, str]] = {
    Role.READER: "What is published, and nothing else.",
    Role.PREVIEWER: "Drafts and unpublished changes of all articles, as readers would see them.",
    Role.AUTHOR: "What is published, and one's own drafts with all that belongs to them.",
    Role.EDITOR: "All drafts and unpublished changes, with notes, revisions and suggestions.",
    Role.PUBLISHER: "All drafts and unpublished changes, with notes, revisions and suggestions.",
    Role.ADMIN: "All drafts and unpublished changes, with notes, revisions, suggestions and the audit log.",
}


def abilities(role: Role, scopes: Iterable[str] = ()) -> frozenset[Ability]:
    """What a role may do, narrowed to `scopes` where there are any."""
    wanted = frozenset(scopes)
    return frozenset(a for a in ABILITIES[role] if not wanted or a.value in wanted)
