"""Report of an import: the outcome of every record."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal, get_args

from contentql.content.enums import Status
from contentql.content.warnings import Warning

ImportResult = Literal["created", "updated", "unchanged", "skipped", "conflict", "failed"]


@dataclass(frozen=True)
class RecordOutcome:
    """Outcome of the record at `location` and its reason; `status` is the current status of an article.

    `conflict`: the record was not stored, since the desk has changed the object since the last import.
    """

    location: str
    label: str
    result: ImportResult
    reason: str = ""
    status: Status | None = None
    warnings: tuple[Warning, ...] = ()


@dataclass(frozen=True)
class ImportReport:
    """Outcomes of all records, in the order of the import."""

    outcomes: tuple[RecordOutcome, ...]

    def count(self, result: ImportResult) -> int:
        return self.counts()[result]

    def counts(self) -> dict[ImportResult, int]:
        numbers = Counter(outcome.result for outcome in self.outcomes)
        return {result: numbers[result] for result in get_args(ImportResult)}

    def __str__(self) -> str:
        text = ", ".join(f"{count} {result}" for result, count in self.counts().items())
        return f"{len(self.outcomes)} records: {text}"
