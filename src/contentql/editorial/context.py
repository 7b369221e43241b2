"""Whoever writes, in the transaction that they write in: who, when, why, and how they name things.

Functions of this room get a Desk and an input, change rows, and return a Made. Rights that hang on the
thing itself are asked here; whether the mutation may be called at all was asked before.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tortoise.models import Model

from contentql.auth.permissions import Ability
from contentql.auth.viewer import Viewer
from contentql.content import ids
from contentql.content.ids import spell
from contentql.editorial.user_errors import Amiss, Code, amiss
from contentql.store.models import content
from contentql.store.models.accounts import Token

Input = Mapping[str, Any]

MODELS: Mapping[str, type[Model]] = {
    "category": content.Category,
    "source": content.Source,
    "media": content.Media,
    "tag": content.Tag,
    "author": content.Author,
    "story": content.Story,
    "collection": content.Collection,
    "attribution": content.Attribution,
    "correction": content.Correction,
    "article": content.Article,
    "token": Token,
}
WORDS = {"category": "section"}


@dataclass(frozen=True)
class Made:
    """What came of a write: the thing, by table and id, its version before and after, and what only the
    payload tells. `secret` is told once and kept nowhere."""

    table: str
    number: int
    before: int | None = None
    after: int | None = None
    said: Mapping[str, Any] = field(default_factory=dict)
    also: Mapping[str, str] = field(default_factory=dict)  # ids of what else was made, by a word
    secret: str | None = None

    @property
    def id(self) -> str:
        return spell(self.table, self.number)


@dataclass(frozen=True)
class Desk:
    """`connection` is Tortoise's, inside the transaction; `now` the moment of all that is written."""

    connection: Any
    viewer: Viewer
    now: dt.datetime
    reason: str | None = None
    if_version: int | None = None
    preview_url: str = ""
    sign: Callable[[int, dt.datetime], Awaitable[str]] | None = None

    @property
    def account(self) -> str:
        return self.viewer.account or ""

    @property
    def name(self) -> str:
        return self.viewer.name or self.account

    def may(self, ability: Ability) -> bool:
        return self.viewer.may(ability)

    @property
    def postgres(self) -> bool:
        return bool(self.connection.capabilities.dialect == "postgres")

    def number(self, table: str, text: Any, where: str) -> int:
        """The number of an id that should name a row of `table`. Amiss: WRONG_KIND, NOT_FOUND."""
        found = ids.read(str(text))
        word = WORDS.get(table, table)
        if found is None:
            raise amiss(
                Code.NOT_FOUND,
                f"There is no {word} {str(text)[:80]!r}.",
                where,
                f"An id of this kind looks like {spell(table, 81726354)}.",
            )
        if found[0] != table:
            other = WORDS.get(found[0], found[0])
            raise amiss(
                Code.WRONG_KIND,
                f"{str(text)[:80]} is the id of {_with_article(other)}, not of {_with_article(word)}.",
                where,
            )
        return found[1]

    async def row(self, table: str, text: Any, where: str = "id", *, hold: bool = False) -> Any:
        """The row of an id; to `hold` it keeps others from it until the transaction ends.

        Amiss: WRONG_KIND, NOT_FOUND.
        """
        row = await self.first(MODELS[table].filter(id=self.number(table, text, where)), hold=hold)
        if row is None:
            raise self.missing(table, text, where)
        return row

    async def first(self, rows: Any, *, hold: bool) -> Any:
        return await (rows.select_for_update() if hold and self.postgres else rows).first()

    async def sections_stand(self, *, moving: bool = False) -> None:
        """Articles are not filed while sections move, nor the other way round. To be asked for first."""
        if self.postgres:
            how = "pg_advisory_xact_lock" if moving else "pg_advisory_xact_lock_shared"
            await self.connection.execute_query(f"SELECT {how}(4711, 2)")

    def missing(self, table: str, text: Any, where: str) -> Amiss:
        return amiss(
            Code.NOT_FOUND,
            f"There is no {WORDS.get(table, table)} {str(text)[:80]!r} that you may see.",
            where,
        )


def _with_article(word: str) -> str:
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word.replace('_', ' ')}"
