"""Report of an import: the outcome of every item."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from contentql.content.enums import Status
from contentql.content.warnings import Warning

ImportResult = Literal["created", "updated", "unchanged", "skipped", "conflict", "failed"]


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
