"""Trusted documents: GraphQL texts that the operator has registered, looked up by id.

Invariant: knows ids, texts and counts; does not know GraphQL, manifests or HTTP.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import re
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import asyncpg
from tortoise.expressions import F
from tortoise.transactions import in_transaction

from contentql.lru import LRUCache
from contentql.store.database import Database, decode_text
from contentql.store.errors import DRIVER_ERRORS
from contentql.store.models.documents import TrustedDocument

log = logging.getLogger("contentql")


AddResult = Literal["added", "unchanged", "taken"]


@dataclass(frozen=True)
class NewTrustedDocument:
    """Trusted document to be added."""

    id: str
    text: str
    name: str | None = None
    client: str | None = None
    cost: int | None = None


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def normalize_document_id(id: str) -> str | None:
    """The id in its stored form, without the prefix `sha256:`; None if it is not a valid id."""
    stored_id = id.removeprefix(_PREFIX)
    return stored_id if _ID.fullmatch(stored_id) else None


def claims_sha256(id: str) -> bool:
    """Whether an id from a client or a manifest has the form of a SHA-256 of its text."""
    return id.startswith(_PREFIX) or _SHA256.fullmatch(id) is not None


_PREFIX = "sha256:"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_ID = re.compile(r"[A-Za-z0-9._:~-]{1,128}")


async def add_documents(
    database: Database, documents: Sequence[NewTrustedDocument], *, dry_run: bool = False
) -> list[AddResult]:
    """Adds documents in one transaction and returns the result for each.

    The text of an id never changes: an id that already has another text is "taken", and is not changed.
    """
    async with database.orm(), in_transaction():
        existing = {row.id: row.sha256 for row in await TrustedDocument.all().only("id", "sha256")}
        now = dt.datetime.now(dt.UTC)
        results: list[AddResult] = []
        rows = []
        for document in documents:
            text_hash = sha256(document.text)
            existing_hash = existing.get(document.id)
            if existing_hash is None:
                existing[document.id] = text_hash
                rows.append(TrustedDocument(sha256=text_hash, added_at=now, **vars(document)))
            results.append(
                "added" if existing_hash is None else "unchanged" if existing_hash == text_hash else "taken"
            )
        if not dry_run:
            await TrustedDocument.bulk_create(rows, ignore_conflicts=True)
        return results


async def list_documents(database: Database) -> list[TrustedDocument]:
    """All trusted documents, ordered by client, name and id."""
    async with database.orm():
        rows = await TrustedDocument.all()
    return sorted(rows, key=lambda row: (row.client or "", row.name or "", row.id))


async def remove_documents(database: Database, ids: Sequence[str]) -> int:
    """Removes documents and returns how many there were.

    Servers drop a removed document seconds after its next use.
    """
    async with database.orm(), in_transaction():
        return await TrustedDocument.filter(id__in=list(ids)).delete()


class _CachedDocument(NamedTuple):
    id: str
    text: str


@dataclass
class _UsageCount:
    count: int = 0
    cost: int | None = None


class TrustedDocumentStore:
    """Cached look-up of trusted documents by id, for the server.

    Documents are cached up to a total size. Unknown ids are cached for a second, so that a new document is
    served soon and a wrong id does not cause a statement each time. Uses are counted in memory until
    `flush_last_used`; a removed document is served until the flush that finds its row missing.
    """

    def __init__(
        self,
        database: Database,
        *,
        characters: int = 8_000_000,
        unknown: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`characters`: maximum total length of cached texts; `unknown`: maximum number of unknown ids."""
        self._database = database
        self._clock = clock
        self._documents: LRUCache[str, _CachedDocument] = LRUCache(max(characters, 1), characters)
        self._unknown: LRUCache[str, float] = LRUCache(unknown, 0)
        self._uses: dict[str, _UsageCount] = {}

    async def text(self, id: str) -> str | None:
        """The text of the document with this id or this SHA-256; None if there is none.

        Raises ApiError (DATABASE_UNAVAILABLE, TIMEOUT) if the document has to be read and cannot be.
        """
        key = normalize_document_id(id)
        if key is None:
            return None
        entry = self._documents.get(key)
        if entry is not None:
            return entry.text
        if (self._unknown.get(key) or 0.0) > self._clock():
            return None
        entry = await self._read(key)
        if entry is None:
            self._unknown.set(key, self._clock() + _UNKNOWN_TTL_SECONDS, 0)
            return None
        self._documents.set(key, entry, len(entry.text))
        return entry.text

    def count_use(self, id: str, cost: int | None = None) -> None:
        """Counts one use of a document that `text` has returned. `cost` is the cost of its plan, if known."""
        key = normalize_document_id(id)
        entry = self._documents.get(key) if key else None
        if entry is not None:
            use = self._uses.get(entry.id)
            if use is None:
                use = self._uses[entry.id] = _UsageCount()
            use.count += 1
            if cost is not None:
                use.cost = cost

    async def flush_last_used(self) -> None:
        """Writes counts, costs and the time of the last use. The counts remain if that fails."""
        uses, self._uses = self._uses, {}
        if not uses:
            return
        try:
            removed = await self._write(uses)
        except DRIVER_ERRORS:
            log.warning("the uses of trusted documents could not be written; they are kept", exc_info=True)
            for id, use in self._uses.items():
                before = uses.setdefault(id, _UsageCount())
                before.count += use.count
                before.cost = before.cost if use.cost is None else use.cost
            self._uses = uses
            return
        for key in [key for key, document in self._documents.items() if document.id in removed]:
            self._documents.remove(key)

    async def _read(self, key: str) -> _CachedDocument | None:
        try:
            row = await self._database.row(_SELECT_SQL[self._database.dialect], [key])
        except asyncpg.UndefinedTableError:
            row = None  # not migrated yet: no trusted documents, everything else works
        except sqlite3.OperationalError as exc:
            if "no such table" not in str(exc):
                raise
            row = None
        if row is None:
            return None
        id, text = map(decode_text, row)
        return _CachedDocument(id, text)

    async def _write(self, uses: dict[str, _UsageCount]) -> set[str]:
        """Updates the rows of the used documents and returns the ids whose rows no longer exist."""
        now = dt.datetime.now(dt.UTC)
        removed = set()
        async with self._database.orm(), in_transaction():
            for id in sorted(uses):  # in a fixed order, so that two servers cannot deadlock
                use = uses[id]
                cost = {} if use.cost is None else {"cost": use.cost}
                changed = {"uses": F("uses") + use.count, "last_used_at": now, **cost}
                if not await TrustedDocument.filter(id=id).update(**changed):
                    removed.add(id)
        return removed


_UNKNOWN_TTL_SECONDS = 1.0


# A row with this id first: rows with other ids may have a text with this SHA-256.
_SELECT_SQL = {
    "postgres": "SELECT id::text, text FROM trusted_document WHERE id = $1::text OR sha256 = $1::text"
    " ORDER BY id <> $1::text, id LIMIT 1",
    "sqlite": "SELECT id, text FROM trusted_document WHERE id = ?1 OR sha256 = ?1"
    " ORDER BY id <> ?1, id LIMIT 1",
}
