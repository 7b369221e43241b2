"""Report of an import: the outcome of every item."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from contentql.content.enums import Status
from contentql.content.history_records import HISTORY_TYPES
from contentql.content.ids import encode_id
from contentql.content.import_item import ImportItem
from contentql.content.records import CategoryRecord, HistoryRecord, MediaRecord, Record, TagRecord
from contentql.content.warnings import Warning

ImportResult = Literal["created", "updated", "unchanged", "skipped", "conflict", "failed"]


_NAMES = {type_: kind for kind, type_ in HISTORY_TYPES.items()}


@dataclass(frozen=True)
class WrittenRow:
    """A row that an import has created or changed: its global id, and the versions of an article."""

    target_id: str
    version_before: int | None = None
    version_after: int | None = None


@dataclass(frozen=True)
class SaveResult:
    """Result of saving one record; `written` is the row that was created or changed, `article_id` the article
    that was created, changed or found."""

    result: ImportResult
    reason: str = ""
    status: Status | None = None
    written: WrittenRow | None = None
    warnings: tuple[Warning, ...] = ()
    article_id: int | None = None


@dataclass(frozen=True)
class ItemOutcome:
    """Outcome of the item at `place` of the file `source`, and its reason.

    `kind` is the type of the record, such as `article`, "" if none was read; `key` names it: the slug, path
    or URL. `id`: the global id of an article. `status`: the current status of an article. `conflict`: the
    record was not stored, since the desk has changed the object since the last import.
    """

    source: str
    place: str
    kind: str
    key: str
    result: ImportResult
    reason: str = ""
    status: Status | None = None
    warnings: tuple[Warning, ...] = ()
    id: str | None = None

    @property
    def location(self) -> str:
        return f"{self.source}:{self.place}" if self.place else self.source

    @property
    def label(self) -> str:
        return f"{self.kind} {self.key}".strip()

    def as_json(self) -> dict[str, Any]:
        """The item of the report as JSON."""
        return {
            "source": self.source,
            "place": self.place,
            "kind": self.kind,
            "id": self.id,
            "slug": self.key,
            "status": self.result,
            "reason": self.reason,
            "articleStatus": self.status,
            "warnings": [
                {
                    "code": each.code,
                    "message": each.message,
                    "field": ".".join(each.field),
                    "place": each.place,
                }
                for each in self.warnings
            ],
        }


def _warning_as_json(warning: Warning) -> dict[str, str | None]:
    return {
        "code": warning.code,
        "message": warning.message,
        "field": ".".join(warning.field),
        "place": warning.place,
    }


@dataclass
class ImportReport:
    """Totals of an import, and the outcomes of its items in their order, unless they are not collected.

    `external_media` counts the files that were added by their address and still live elsewhere.
    """

    outcomes: list[ItemOutcome] = field(default_factory=list)
    external_media: int = 0
    drafts: int = 0
    _counts: Counter[ImportResult] = field(default_factory=Counter)

    def add(self, outcome: ItemOutcome, *, collect: bool = True) -> None:
        self._counts[outcome.result] += 1
        self.drafts += outcome.status is Status.DRAFT
        if collect:
            self.outcomes.append(outcome)

    @property
    def total(self) -> int:
        return sum(self._counts.values())

    def count(self, result: ImportResult) -> int:
        return self._counts[result]

    def counts(self) -> dict[ImportResult, int]:
        return {result: self._counts[result] for result in get_args(ImportResult)}

    def totals(self) -> dict[str, int]:
        """The totals of the report as JSON."""
        counts = {str(result): count for result, count in self.counts().items()}
        return {"items": self.total, **counts, "externalMedia": self.external_media}

    def __str__(self) -> str:
        text = ", ".join(f"{count} {result}" for result, count in self.counts().items())
        return f"{self.total} records: {text}"


def outcome_of(
    item: ImportItem,
    record: Record | HistoryRecord | None,
    saved: SaveResult,
    *,
    with_item_warnings: bool = True,
) -> ItemOutcome:
    """The outcome of saving a record of an item."""
    target = saved.written.target_id if saved.written else None
    if target is None and saved.article_id:
        target = encode_id("article", saved.article_id)
    return ItemOutcome(
        item.source,
        item.place,
        kind_of(record) if record else "",
        key_of(record) if record else "",
        saved.result,
        saved.reason,
        saved.status,
        (*(item.warnings if with_item_warnings else ()), *saved.warnings),
        target,
    )


def key_of(record: Record | HistoryRecord) -> str:
    """The natural key by which reports name a record."""
    match record:
        case HistoryRecord():
            return ""
        case CategoryRecord():
            return record.path
        case MediaRecord():
            return record.url
        case TagRecord():
            return f"{record.type.value}:{record.slug}"
        case _:
            return record.slug


def kind_of(record: Record | HistoryRecord) -> str:
    if isinstance(record, HistoryRecord):
        return _NAMES[type(record)]
    return type(record).__name__.removesuffix("Record").lower()
