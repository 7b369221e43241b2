"""Publishes scheduled changes before the first response at or after their time.

Every operation passes here before it reads. Usually two times are compared; once in MAX_CHECK_AGE the next
due time is read from the database. A change that is due is published by the first server that comes, under a
lock of the database, while the others wait. A change that cannot be published stays in the working copy, and
the audit log has the reason.

A change is scheduled at least `scheduling.MIN_LEAD` ahead, so that every server reads its time before it is
due, without any notification.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from contentql.auth.permissions import Permission, Role
from contentql.auth.viewer import Viewer
from contentql.background import running_in_background
from contentql.backoff import Backoff
from contentql.content.ids import encode_id
from contentql.content.timestamps import format_timestamp
from contentql.editorial.context import EditContext, WriteResult
from contentql.editorial.scheduling import apply_scheduled_change
from contentql.errors import ApiError
from contentql.execution.mutation_errors import USER_ERROR_EXCEPTIONS, user_errors_from
from contentql.planner.execute import SnapshotReader
from contentql.store.article_records import foreign_key
from contentql.store.database import Database, TransactionReader, decode_text
from contentql.store.models.articles import Article
from contentql.store.models.history import AuditEntry, ScheduledChange
from contentql.telemetry.request_id import new_request_id

log = logging.getLogger("contentql")

NEVER = dt.datetime.max.replace(tzinfo=dt.UTC)
MAX_CHECK_AGE = dt.timedelta(seconds=2)  # less than MIN_LEAD by more than the usual limit of a transaction
_CHECK_INTERVAL = 1.0  # seconds between two checks without requests
_BACKOFF_SECONDS = 1.0  # after the database has failed
_CLIENT = "contentql scheduler"

T = TypeVar("T")


@dataclass
class DueChangeStats:
    """Counts of scheduled changes of this process. `failures`: attempts after which a change is still due."""

    published: int = 0
    rejected: int = 0
    failures: int = 0
    is_overdue: bool = False


class _RollBack(Exception):
    """Ends a transaction of which nothing is saved."""


class DueChanges:
    """Publishes the scheduled changes of one database that are due.

    `on_check` is awaited after each check, before anything is read: other servers may have published changes.
    """

    def __init__(
        self,
        database: Database,
        now: Callable[[], dt.datetime],
        seconds: float,
        on_check: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`seconds`: time limit of a transaction."""
        self._database, self._now, self._seconds, self._on_check = database, now, seconds, on_check
        self._checked_at, self._current_until, self._due_at = NEVER, NEVER, NEVER
        self._checking = asyncio.Lock()
        self._backoff = Backoff(_BACKOFF_SECONDS)
        self.stats = DueChangeStats()

    def is_current(self, now: dt.datetime) -> bool:
        """True if all changes that are due at `now` are published, as far as this process can tell."""
        return self._checked_at <= now < self._current_until

    async def publish(self) -> None:
        """Publishes the changes that are due now. Does nothing for a second after the database has failed.

        If it fails, the error is logged, and the published content stays as it is.
        """
        if self.is_current(self._now()) or self._backoff.is_active:
            return
        async with self._checking:
            if not (self.is_current(self._now()) or self._backoff.is_active):
                await self._try_to_check()

    async def publish_or_fail(self) -> None:
        """Publishes the changes that are due now, for commands. Raises ApiError as `Database.transaction`
        does."""
        await self._check()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Publishes changes when they are due within the block, also without requests."""
        async with running_in_background(self._check_periodically()):
            yield

    async def _check_periodically(self) -> None:
        while True:
            async with self._checking:
                await self._try_to_check()
            left = (self._current_until - self._now()).total_seconds()
            await asyncio.sleep(min(max(left, 0.01), _CHECK_INTERVAL) if left > 0 else _BACKOFF_SECONDS)

    async def _try_to_check(self) -> None:
        try:
            await self._check()
        except Exception as error:
            exc = error if isinstance(error, ApiError) else ApiError("INTERNAL_SERVER_ERROR", str(error))
            self._backoff.start()
            self.stats.failures += 1
            self.stats.is_overdue = self._now() >= self._due_at
            if self.stats.is_overdue:
                log.error("Scheduled changes are due and could not be published: %s", exc.message)
            else:
                log.warning("The times of scheduled changes could not be read: %s", exc.message)

    async def _check(self) -> None:
        now = self._now()
        self._due_at = await self._read_next_due()
        while self._due_at <= now:
            await self._publish_first(now)
            self._due_at = await self._read_next_due()
        if self._on_check:
            await self._on_check()
        self.stats.is_overdue = False
        self._checked_at, self._current_until = now, min(self._due_at, now + MAX_CHECK_AGE)

    async def _read_next_due(self) -> dt.datetime:
        (value,) = await self._database.row("SELECT min(at) FROM scheduled_change", (), self._seconds)
        at = decode_text(value)
        return dt.datetime.fromisoformat(at) if isinstance(at, str) else at or NEVER

    async def _publish_first(self, now: dt.datetime) -> None:
        """Publishes the first change that is due, or removes it from the schedule if it cannot be
        published. Does nothing if another server did so meanwhile."""
        change: ScheduledChange | None = None
        try:
            async with self._database.transaction(self._seconds) as connection:
                change = await _lock_first(connection, now)
                if change is None:
                    return
                result = await apply_scheduled_change(edit_context(connection, change), change)
                if result is not None:
                    await _write_audit_entry(change, "publishArticle", change.reason, result)
        except USER_ERROR_EXCEPTIONS as exc:
            await self._reject(change, " ".join(error.message for error in user_errors_from(exc)))
        except ApiError:
            raise
        except Exception:
            log.exception("A scheduled change could not be published")
            await self._reject(change, "Something went wrong on our side.")
        else:
            self.stats.published += result is not None

    async def _reject(self, change: ScheduledChange | None, reasons: str) -> None:
        """Removes a change from the schedule; its content stays in the working copy and the revisions."""
        assert change is not None, "only a change can be invalid"
        async with self._database.transaction(self._seconds):
            if await ScheduledChange.filter(id=change.id).delete():
                reason = f"Not published at {format_timestamp(change.at)}: {reasons}"
                await _write_audit_entry(change, "cancelScheduledChange", reason)
                self.stats.rejected += 1
                log.warning(
                    "A scheduled change of %s was not published: %s",
                    encode_id("article", foreign_key(change, "article")),
                    reasons,
                )

    # Previews

    async def read_at(
        self, viewer: Viewer, at: dt.datetime, read: Callable[[SnapshotReader], Awaitable[T]]
    ) -> T:
        """The result of `read`, of the content as it will be at a time.

        In a transaction that is rolled back, the changes that are due until then are published, and working
        copies that are scheduled for a later time deleted: of all articles that the viewer sees unpublished.
        """
        skipped = set[int]()
        while await self._has_changes(viewer, len(skipped)):
            results: list[T] = []
            try:
                async with self._database.transaction(self._seconds) as connection:
                    failed = await _publish_until(connection, viewer, at, skipped)
                    if failed is None:
                        reader = TransactionReader(connection, self._database.dialect)
                        results.append(await read(reader))
                    else:
                        skipped.add(failed)
                    raise _RollBack
            except _RollBack:
                if results:
                    return results[0]
        return await read(self._database)

    async def _has_changes(self, viewer: Viewer, besides: int) -> bool:
        """True if more than `besides` changes of articles are scheduled that the viewer sees unpublished."""
        placeholder = "?" if self._database.dialect == "sqlite" else "$1"
        column, value = {
            "linked": ("a.id", viewer.shared_article_id),
            "own": ("a.owner", viewer.account),
        }.get(viewer.visibility.articles, ("", None))
        (count,) = await self._database.row(
            "SELECT count(*) FROM scheduled_change s JOIN article a ON a.id = s.article_id"
            + (f" WHERE {column} = {placeholder}" if column else ""),
            (value,) if column else (),
            self._seconds,
        )
        return bool(count > besides)


async def _lock_first(connection: Any, now: dt.datetime) -> ScheduledChange | None:
    """The first change that is due, under the lock that one server at a time has until its transaction
    ends."""
    if connection.capabilities.dialect == "postgres":
        await connection.execute_query("SELECT pg_advisory_xact_lock(4711, 3)")
    return await ScheduledChange.filter(at__lte=now).order_by("at", "id").first()


def edit_context(connection: Any, change: ScheduledChange) -> EditContext:
    """The context of a change at its time, for the account that scheduled it and was permitted to."""
    viewer = Viewer(change.by, Role(change.role), change.account, frozenset(Permission))
    return EditContext(connection, viewer, change.at, reason=change.reason)


async def _write_audit_entry(
    change: ScheduledChange, action: str, reason: str | None, result: WriteResult | None = None
) -> None:
    await AuditEntry.create(
        at=change.at,
        account=change.account,
        by=change.by,
        role=change.role,
        action=action,
        target_id=encode_id("article", foreign_key(change, "article")),
        before=result.version_before if result else None,
        after=result.version_after if result else None,
        reason=reason,
        client=_CLIENT,
        request_id=new_request_id(),
    )


async def _publish_until(connection: Any, viewer: Viewer, at: dt.datetime, skipped: set[int]) -> int | None:
    """Publishes changes for a preview. Returns the id of one that cannot be published, or None."""
    rows = ScheduledChange.exclude(id__in=skipped).order_by("at", "id")
    articles = viewer.visibility.articles
    if articles == "linked":
        rows = rows.filter(article_id=viewer.shared_article_id)
    elif articles == "own":
        rows = rows.filter(article__owner=viewer.account)
    for change in await rows:
        await change.refresh_from_db()  # the publication of an earlier one may have changed `copy_version`
        if change.at > at:
            copy = Article.filter(working_of=foreign_key(change, "article"), version=change.copy_version)
            await copy.delete()
            continue
        try:
            await apply_scheduled_change(edit_context(connection, change), change)
        except USER_ERROR_EXCEPTIONS:
            return int(change.id)
    return None
