"""Context of one mutation: viewer, transaction, time, reason, and helpers to resolve ids.

The functions of this package take an EditContext and an input, change rows and return a WriteResult. They
check the permissions that depend on the object; the permission for the mutation was checked before.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tortoise.models import Model

from contentql.auth.permissions import Permission
from contentql.auth.viewer import Viewer
from contentql.content import ids
from contentql.content.ids import encode_id
from contentql.editorial.user_errors import UserErrorCode, UserErrors, user_error
from contentql.editorial.warnings import Warning, WarningCode
from contentql.public_addresses import Network
from contentql.store.models import articles, attributions, collections, live_entries, taxonomy
from contentql.store.models.accounts import ApiToken, PreviewLink
from contentql.store.models.history import ScheduledChange
from contentql.store.models.redirects import Redirect
from contentql.store.models.webhooks import Webhook, WebhookDelivery
from contentql.url_patterns import Site

Input = Mapping[str, Any]

MODELS_BY_TABLE: Mapping[str, type[Model]] = {
    "category": taxonomy.Category,
    "source": taxonomy.Source,
    "media": taxonomy.Media,
    "tag": taxonomy.Tag,
    "author": taxonomy.Author,
    "story": taxonomy.Story,
    "collection": collections.Collection,
    "attribution": attributions.Attribution,
    "correction": attributions.Correction,
    "article": articles.Article,
    "live_entry": live_entries.LiveEntry,
    "scheduled_change": ScheduledChange,
    "token": ApiToken,
    "preview_link": PreviewLink,
    "redirect": Redirect,
    "webhook": Webhook,
    "webhook_delivery": WebhookDelivery,
}
DISPLAY_NAMES = {
    "category": "section",
    "live_entry": "live entry",
    "preview_link": "preview link",
    "scheduled_change": "scheduled change",
    "webhook_delivery": "delivery",
}


@dataclass(frozen=True)
class WriteResult:
    """Result of a write: table and id of the object, its version before and after, extra payload values.

    `secret` is returned once and stored nowhere.
    """

    table: str
    row_id: int
    version_before: int | None = None
    version_after: int | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)
    related_ids: Mapping[str, str] = field(default_factory=dict)  # ids of other created objects, by name
    warnings: Sequence[Warning] = ()
    secret: str | None = None

    @property
    def id(self) -> str:
        return encode_id(self.table, self.row_id)


@dataclass(frozen=True)
class EditContext:
    """Viewer, time and Tortoise connection of one mutation; all rows are written with the time `now`."""

    connection: Any
    viewer: Viewer
    now: dt.datetime
    reason: str | None = None
    expected_version: int | None = None
    four_eyes: bool = False  # see `editorial/four_eyes.py`
    preview_url: str = ""
    site: Site = field(default_factory=Site)
    webhook_networks: Sequence[Network] = ()  # private networks that webhooks may be sent to
    sign_preview_token: Callable[[int, dt.datetime], Awaitable[str]] | None = None
    warnings: list[Warning] = field(default_factory=list)

    def warn(self, code: WarningCode, message: str, field: str = "", place: str | None = None) -> None:
        """Adds a warning to the payload; `field` is a path such as "body.html"."""
        self.warnings.append(Warning(code, message, tuple(field.split(".")) if field else (), place))

    @property
    def account(self) -> str:
        return self.viewer.account or ""

    @property
    def name(self) -> str:
        return self.viewer.name or self.account

    def has_permission(self, ability: Permission) -> bool:
        return self.viewer.has_permission(ability)

    @property
    def is_postgres(self) -> bool:
        return bool(self.connection.capabilities.dialect == "postgres")

    def decode_id(self, table: str, text: Any, where: str) -> int:
        """Decodes a global id of a row of `table`. Raises UserErrors: WRONG_TYPE, NOT_FOUND."""
        result = ids.decode_id(str(text))
        word = DISPLAY_NAMES.get(table, table)
        if result is None:
            raise user_error(
                UserErrorCode.NOT_FOUND,
                f"There is no {word} {str(text)[:80]!r}.",
                where,
                f"The id of {_with_article(word)} looks like {encode_id(table, 81726354)}.",
            )
        if result[0] != table:
            other = DISPLAY_NAMES.get(result[0], result[0])
            raise user_error(
                UserErrorCode.WRONG_TYPE,
                f"{str(text)[:80]} is the id of {_with_article(other)}, not of {_with_article(word)}.",
                where,
                f"The id of {_with_article(word)} looks like {encode_id(table, 81726354)}.",
            )
        return result[1]

    async def get_row(self, table: str, text: Any, where: str = "id", *, hold: bool = False) -> Any:
        """Loads the row of an id; `hold` locks it until the transaction ends.

        Raises UserErrors: WRONG_TYPE, NOT_FOUND.
        """
        row = await self.first(
            MODELS_BY_TABLE[table].filter(id=self.decode_id(table, text, where)), hold=hold
        )
        if row is None:
            raise self.not_found(table, text, where)
        return row

    async def first(self, rows: Any, *, hold: bool) -> Any:
        return await (rows.select_for_update() if hold and self.is_postgres else rows).first()

    async def lock_sections(self, *, moving: bool = False) -> None:
        """Locks sections, shared to file articles, exclusive to move sections; called before row locks."""
        if self.is_postgres:
            how = "pg_advisory_xact_lock" if moving else "pg_advisory_xact_lock_shared"
            await self.connection.execute_query(f"SELECT {how}(4711, 2)")

    def not_found(self, table: str, text: Any, where: str) -> UserErrors:
        return user_error(
            UserErrorCode.NOT_FOUND,
            f"There is no {DISPLAY_NAMES.get(table, table)} {str(text)[:80]!r} that you may see.",
            where,
            "Check the value and the permissions of your token.",
        )


def _with_article(word: str) -> str:
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word.replace('_', ' ')}"
