"""What the readers of files return for each record or article in them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import Enum

from contentql.content.records import HistoryRecord, MediaRecord, Record
from contentql.content.warnings import Warning


class SourceStatus(str, Enum):
    """What the source of an import says of an article: whether its readers see it."""

    PUBLIC = "PUBLIC"
    HIDDEN = "HIDDEN"  # draft, scheduled, private, protected by a password, withheld, in the bin
    CANCELED = "CANCELED"  # withdrawn for good: must not be shown any more


@dataclass(frozen=True)
class ImportItem:
    """Item read from a file: a record, or the error that prevented reading one.

    `source` is the name of the file, `place` where in it. Fields missing from a `partial` record stay
    unchanged, else they are cleared. `derived` fields are guessed: they apply only where the stored article
    has no value.

    `references`: records of the sections, tags, authors and sources that the record names, which exist or
    may be created; parents before children. `media`: the files that it shows; the blocks and fields of the
    record refer to the first one by the id FIRST_PLACEHOLDER, and so on. `addresses`: former addresses of
    the article, which become redirects. `source_status`: None if the record has the status itself.
    `source_version`, `source_modified_at`: an item with a lower one than that of the last import is older.
    """

    source: str
    record: Record | HistoryRecord | None = None
    error: str | None = None
    warnings: tuple[Warning, ...] = ()
    partial: bool = False
    derived: frozenset[str] = frozenset()
    place: str = ""
    references: tuple[Record, ...] = ()
    media: tuple[MediaRecord, ...] = ()
    addresses: tuple[str, ...] = ()
    source_status: SourceStatus | None = None
    source_version: int | None = None
    source_modified_at: dt.datetime | None = None
    fingerprint: str | None = None  # a hash of the content of the item, if the reader has one
    skipped: str | None = None  # the reason why the item is no content, such as a revision or a menu entry

    @property
    def location(self) -> str:
        return f"{self.source}:{self.place}" if self.place else self.source
