"""The status of an imported article: what its source says, the options of the import, and what is stored."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from contentql.content.enums import Status
from contentql.content.import_item import ImportItem, SourceStatus
from contentql.content.records import ArticleRecord
from contentql.content.timestamps import format_timestamp
from contentql.content.warnings import Warning, WarningCode
from contentql.editorial.publishing_checks import missing_requirements

_SHOWN = (Status.PUBLISHED, Status.SCHEDULED)


@dataclass(frozen=True)
class ImportOptions:
    """Options of a run: what to do with what its sources do not tell.

    `category`: path of the section of articles without one; of a file of this package, of all articles. It is
    created if it does not exist, unless its name is close to an existing one. `publish_at`: publication time
    of articles without one. `status`: that of articles which their source shows to its readers; None for
    drafts, or for PUBLISHED if `publish_at` is set. `create`: create missing sections, tags, authors and
    sources. `update` is the slug of the stored article that the only item of the run updates, also if the
    desk has changed it.
    """

    category: str | None = None
    publish_at: dt.datetime | None = None
    update: str | None = None
    status: Status | None = None
    create: bool = False


@dataclass(frozen=True)
class StatusChoice:
    """The record with its status, the fields that do not replace a stored value, and warnings."""

    record: ArticleRecord
    derived: frozenset[str]
    warnings: tuple[Warning, ...] = ()


def choose_status(
    item: ImportItem,
    record: ArticleRecord,
    options: ImportOptions,
    now: dt.datetime,
    stored: ArticleRecord | None,
) -> StatusChoice:
    """Sets the status of a record, and section and date from the options where the source has none.

    What its source does not show to its readers never becomes public.
    """
    if item.source_status is None:
        return StatusChoice(_with_options(record, options, now, stored), item.derived)
    values: dict[str, Any] = {}
    if record.category is None and options.category:
        values["category"] = options.category
    if record.published_at is None and options.publish_at:
        values["published_at"] = options.publish_at
    record = record.model_copy(update=values)
    wanted = options.status or (Status.PUBLISHED if options.publish_at else Status.DRAFT)
    before = stored.status if stored else None
    if item.source_status is not SourceStatus.PUBLIC:
        # An article that was public here is not public any more.
        derived = item.derived if before in _SHOWN else item.derived | {"status"}
        chosen = Status.DRAFT if wanted is Status.PUBLISHED else wanted
        return StatusChoice(record.model_copy(update={"status": chosen}), derived, _hidden(wanted))
    if wanted is not Status.PUBLISHED:
        return StatusChoice(record.model_copy(update={"status": wanted}), item.derived | {"status"})
    if before in (Status.WITHDRAWN, Status.ARCHIVED):
        message = f"the article stays {before.value.lower()}; restore it before it can be published"
        draft = record.model_copy(update={"status": before})
        return StatusChoice(draft, item.derived, (Warning(WarningCode.CHANGED, message, ("status",)),))
    reason = _reason_for_draft(record, now)
    if reason:
        message = f"the article stays a draft: {reason}"
        draft = record.model_copy(update={"status": Status.DRAFT})
        warning = Warning(WarningCode.CHANGED, message, ("status",))
        return StatusChoice(draft, item.derived | {"status"}, (warning,))
    # A scheduled article becomes public without a write, so its stored status remains SCHEDULED.
    status = before if before in _SHOWN else Status.PUBLISHED
    return StatusChoice(record.model_copy(update={"status": status}), item.derived)


def _with_options(
    record: ArticleRecord, options: ImportOptions, now: dt.datetime, stored: ArticleRecord | None
) -> ArticleRecord:
    """The record of a file that has statuses of its own, with the section and time of the options."""
    values: dict[str, Any] = {}
    if options.category:
        values["category"] = options.category
    publish_at = options.publish_at
    if publish_at is not None:
        status = Status.PUBLISHED if publish_at <= now else Status.SCHEDULED
        if stored and stored.published_at == publish_at and stored.status is Status.SCHEDULED:
            status = stored.status
        values |= {"published_at": publish_at, "status": status}
    return record.model_copy(update=values) if values else record


def _hidden(wanted: Status) -> tuple[Warning, ...]:
    if wanted is not Status.PUBLISHED:
        return ()
    message = "the article is a draft: its source does not show it to its readers"
    return (Warning(WarningCode.CHANGED, message, ("status",)),)


def _reason_for_draft(record: ArticleRecord, now: dt.datetime) -> str:
    """Why an article cannot be published, as the end of a sentence; empty if it can."""
    if record.published_at is None:
        return "it has no date; --publish-at gives one"
    if record.published_at > now:
        return f"its source publishes it only at {format_timestamp(record.published_at)}"
    names = {"section": "section; --category gives one, --create creates that of the source"}
    missing = [names.get(needed.noun, needed.noun) for needed in missing_requirements(record)]
    return f"it has no {' and no '.join(missing)}" if missing else ""
