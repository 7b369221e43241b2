"""Who is asking, what they may do, and what of the newsroom they see."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from contentql.auth.permissions import ABILITIES, SEES, Ability, Role


@dataclass(frozen=True)
class Sight:
    """What can be seen, as far as plans depend on it: two viewers of the same sight share their plans.

    `articles`: `public` ones; also one that was shared (`linked`); also one's `own`, or `all`. `desk`: with
    the notes, revisions and suggestions of those. `clock`: as at a moment that was chosen.
    """

    articles: Literal["public", "linked", "own", "all"] = "public"
    desk: bool = False
    clock: bool = False
    audit: bool = False

    @property
    def is_public(self) -> bool:
        return self == PUBLIC_SIGHT


PUBLIC_SIGHT = Sight()


@dataclass(frozen=True)
class Viewer:
    """`name` is what a token was given to; the public has none. `account` is whose work is whose.

    `article` is the one that a preview link opens; `at` the moment that a preview is asked for.
    """

    name: str | None = None
    role: Role = Role.READER
    account: str | None = None
    abilities: frozenset[Ability] = ABILITIES[Role.READER]
    article: int | None = None
    at: dt.datetime | None = None

    def may(self, ability: Ability) -> bool:
        return ability in self.abilities

    @property
    def is_public(self) -> bool:
        """Whether nobody in particular is asking: no token was shown."""
        return self.account is None and self.article is None

    @property
    def sight(self) -> Sight:
        clock, desk = self.at is not None, self.may(Ability.SEE_DESK)
        audit = self.may(Ability.ADMINISTER)
        if self.may(Ability.SEE_ALL):
            return Sight("all", desk=desk, clock=clock, audit=audit)
        if self.may(Ability.SEE_OWN):
            return Sight("own", desk=desk, clock=clock, audit=audit)
        if self.article is not None:
            return Sight("linked", clock=clock)
        return Sight(audit=audit)

    @property
    def sees(self) -> str:
        """In a sentence: what the sight is, which scopes may have narrowed."""
        sight = self.sight
        if sight.articles == "linked":
            return "What is published, and the one article that was shared."
        if sight.articles == "own":
            return SEES[Role.AUTHOR]
        if sight.articles == "all":
            return SEES[Role.ADMIN if sight.audit else Role.EDITOR if sight.desk else Role.PREVIEWER]
        return SEES[Role.READER]

    @property
    def facts(self) -> dict[str, object]:
        """The viewer as the API shows it."""
        may = [ability.value for ability in Ability if ability in self.abilities]
        return {"name": self.name, "role": self.role.value, "sees": self.sees, "may": may}


PUBLIC = Viewer()


@dataclass(frozen=True)
class Caller:
    """A viewer at a door: `address` and `client` (the program's own name for itself) are for the record."""

    viewer: Viewer = PUBLIC
    address: str | None = None
    client: str | None = None


ANYBODY = Caller()
