"""Worker that derives events and sends them: one at a time for a database, however many servers run.

Each server tries to get the lock of the worker. A worker that ends without notice leaves deliveries that were
sent and not recorded: the next worker sends them again with the same id.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from contentql.auth.webhook_secrets import sign
from contentql.background import running_in_background
from contentql.content.cache_tags import object_tags, section_tag
from contentql.content.derive import ancestor_paths
from contentql.content.timestamps import format_timestamp
from contentql.errors import ApiError
from contentql.events.cdn import Cdn
from contentql.events.delivery_queue import Delivery, DeliveryQueue
from contentql.events.http_client import AttemptResult, ReceiverClient
from contentql.events.outbox import CLOCK_MARGIN, Outbox
from contentql.events.retries import pause_after, requested_delay
from contentql.public_addresses import Network
from contentql.store.change_log import ChangeLog
from contentql.store.database import Database, decode_text
from contentql.store.models.webhooks import Webhook, WebhookKind
from contentql.store.webhook_position import skip_to_present
from contentql.store.worker_lock import WorkerLock, worker_lock

log = logging.getLogger("contentql")

LOCK_NUMBER: Final = 14
_LOCK_INTERVAL: Final = 1.0  # seconds between two attempts to get the lock
_CHECK_INTERVAL: Final = 5.0  # seconds between two checks that the lock is held
_COUNT_INTERVAL: Final = 10.0
_PRUNE_INTERVAL: Final = 600.0
_MAX_WAIT: Final = 1.0  # seconds between two looks at the queue
_RETRY_INTERVAL: Final = 1.0  # after the database has failed
_NEW_AGE: Final = dt.timedelta(seconds=1.5)  # of times in whole seconds
_SETTLE_SECONDS: Final = 0.2
_GRACE_SECONDS: Final = 3.0  # for running requests, when the server stops
CONCURRENT_PER_WEBHOOK: Final = 4  # a failing one has one request at a time
USER_AGENT: Final = "contentql-webhooks/1"

# Returns what the public sees of an article now, None if nothing.
ReadPublicArticle = Callable[[int], Awaitable[Mapping[str, Any] | None]]


@dataclass
class WebhookStats:
    """Counts of attempts of this process; `pending` and `dead` are 0 unless it is the one that sends."""

    delivered: int = 0
    failed: int = 0
    pending: int = 0
    dead: int = 0


@dataclass
class _Receiver:
    """Running requests to a webhook, and failures since the last success."""

    running: set[int] = field(default_factory=set)
    articles: set[int] = field(default_factory=set)
    failures: int = 0
    paused_until: float = 0.0

    def may_send(self, delivery: Delivery) -> bool:
        is_failing = self.failures or delivery.failing_since is not None
        return (
            len(self.running) < (1 if is_failing else CONCURRENT_PER_WEBHOOK)
            and delivery.id not in self.running
            and delivery.article_id not in self.articles
            and time.monotonic() >= self.paused_until
        )


class WebhookWorker:
    """Sends the events of one database. `cdns`: CDNs of the settings, which are purged like webhooks."""

    def __init__(
        self,
        database: Database,
        now: Callable[[], dt.datetime],
        read_article: ReadPublicArticle,
        *,
        networks: tuple[Network, ...] = (),
        cdns: tuple[Cdn, ...] = (),
        lock: WorkerLock | None = None,
    ) -> None:
        """`networks`: private networks that requests may go to."""
        self._database, self._now, self._read_article = database, now, read_article
        self._networks, self._cdns = networks, {cdn.address: cdn for cdn in cdns}
        self._lock = lock or worker_lock(database, "webhooks", LOCK_NUMBER)
        size = min((cdn.tags_per_purge for cdn in cdns), default=1)
        self._outbox, self._queue = Outbox(database, now, size), DeliveryQueue(database, now)
        self._receivers: dict[int, _Receiver] = {}
        self._finished: set[int] = set()  # deliveries that ended while the queue was read
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self.stats = WebhookStats()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Works within the block whenever this process has the lock."""
        async with running_in_background(self._run()):
            yield

    async def _run(self) -> None:
        problem = ""  # the last one, which is logged once
        while True:
            try:
                if await self._lock.acquire():
                    await self._work_while_locked()
                problem = ""
            except (ApiError, OSError) as exc:
                message = exc.message if isinstance(exc, ApiError) else str(exc)
                if message != problem:
                    log.warning("Webhooks are not sent at the moment: %s", message)
                problem = message
            except Exception:
                log.exception("Webhooks are not sent at the moment")
            finally:
                await self._lock.release()
                self.stats.pending = self.stats.dead = 0
            await asyncio.sleep(_LOCK_INTERVAL)

    async def _work_while_locked(self) -> None:
        """Works until the lock is lost. Raises ApiError and OSError when the database fails."""
        self._receivers.clear()
        async with contextlib.AsyncExitStack() as stack:
            client = await stack.enter_async_context(ReceiverClient(self._networks))
            stack.push_async_callback(self._finish_tasks)
            changes = ChangeLog(self._database)
            await changes.start()
            stack.push_async_callback(changes.close)
            listening = asyncio.create_task(self._listen(changes))
            stack.callback(listening.cancel)
            await self._synchronize_cdns()
            checked = pruned = time.monotonic()
            counted = checked - _COUNT_INTERVAL
            while True:
                self._wake.clear()
                started = time.monotonic()
                if started - checked >= _CHECK_INTERVAL:
                    if not await self._lock.is_held():
                        raise OSError("the lock of the worker is lost")
                    checked = started
                more = not await self._outbox.is_current() and await self._outbox.advance()
                await self._start_due(client)
                if started - counted >= _COUNT_INTERVAL:
                    await self._count()
                    counted = started
                if started - pruned >= _PRUNE_INTERVAL:
                    await self._queue.prune()
                    pruned = started
                if listening.done():
                    listening.result()
                if not more:
                    await self._wait()

    async def _listen(self, changes: ChangeLog) -> None:
        while True:
            await changes.wait()
            self._wake.set()

    async def _wait(self) -> None:
        """Waits for a change, the end of a request, or the next look at the clock and the queue."""
        due_at = await self._queue.next_due_at()
        left = (due_at - self._now()).total_seconds() if due_at else _MAX_WAIT
        # What the clock changes at full seconds has its events CLOCK_MARGIN later.
        to_second = (CLOCK_MARGIN.total_seconds() - self._now().microsecond / 1e6) % 1
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.02, min(left, _MAX_WAIT, to_second))):
                await self._wake.wait()

    async def _count(self) -> None:
        self.stats.pending, self.stats.dead = await self._queue.counts()

    async def _start_due(self, client: ReceiverClient) -> None:
        self._finished.clear()
        for delivery in await self._queue.due():
            receiver = self._receivers.setdefault(delivery.webhook_id, _Receiver())
            if delivery.id in self._finished or not receiver.may_send(delivery):
                continue
            receiver.running.add(delivery.id)
            if delivery.article_id is not None:
                receiver.articles.add(delivery.article_id)
            task = asyncio.create_task(self._deliver(client, receiver, delivery))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _deliver(self, client: ReceiverClient, receiver: _Receiver, delivery: Delivery) -> None:
        try:
            result = await self._send(client, delivery)
            self._count_result(receiver, result)
            await self._record(delivery, result)
        except Exception:
            log.exception("The delivery %s could not be recorded", delivery.message_id)
            receiver.paused_until = time.monotonic() + _RETRY_INTERVAL
        finally:
            self._finished.add(delivery.id)
            receiver.running.discard(delivery.id)
            if delivery.article_id is not None:
                receiver.articles.discard(delivery.article_id)
            self._wake.set()

    def _count_result(self, receiver: _Receiver, result: AttemptResult) -> None:
        if result.is_success:
            self.stats.delivered += 1
            receiver.failures = 0
            return
        self.stats.failed += 1
        receiver.failures += 1
        pause = max(pause_after(receiver.failures), requested_delay(result, self._now()))
        receiver.paused_until = time.monotonic() + pause

    async def _record(self, delivery: Delivery, result: AttemptResult) -> None:
        """Stores the result. An unavailable database is tried again, so that nothing is sent twice."""
        for _ in range(30):
            try:
                await self._queue.record(delivery, result)
                return
            except ApiError as exc:
                log.warning("The delivery %s is not recorded yet: %s", delivery.message_id, exc.message)
                await asyncio.sleep(_RETRY_INTERVAL)
        raise OSError("the database does not accept writes")

    async def _send(self, client: ReceiverClient, delivery: Delivery) -> AttemptResult:
        if self._now() - delivery.queued_at < _NEW_AGE:
            # Other servers read a change within 50 ms: a receiver that asks them must not get the old state.
            await asyncio.sleep(_SETTLE_SECONDS)
        if delivery.kind == WebhookKind.CDN.value:
            cdn = self._cdns.get(delivery.url)
            if cdn is None:
                return AttemptResult(None, "The settings have no CDN with this URL.")
            purge = cdn.purge_request(delivery.data["tags"])
            headers = {"user-agent": USER_AGENT, **purge.headers}
            return await client.send(purge.url, headers, purge.body, purge.method)
        body = orjson.dumps(await self._payload(delivery))
        timestamp = int(self._now().timestamp())
        headers = {
            "content-type": "application/json",
            "user-agent": USER_AGENT,
            "webhook-id": delivery.message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(delivery.message_id, timestamp, body, delivery.secrets),
        }
        return await client.send(delivery.url, headers, body)

    async def _payload(self, delivery: Delivery) -> dict[str, Any]:
        """The body: of the article, only what the public sees at this moment."""
        at = format_timestamp(delivery.at)
        data: dict[str, Any] = {**delivery.data, "at": at}
        if delivery.article_id is not None:
            article = await self._read_article(delivery.article_id)
            sections = (article or {}).get("sections", ())
            paths = dict.fromkeys(
                path for section in sections for path in (section, *ancestor_paths(section))
            )
            data["article"] = article
            data["tags"] = [*object_tags("article", delivery.article_id), *map(section_tag, paths)]
        return {"type": delivery.event_type, "timestamp": at, "data": data}

    async def _synchronize_cdns(self) -> None:
        """Makes the webhooks of CDNs those of the settings; the purges of removed ones are removed, too."""
        rows = await self._database.rows("SELECT url FROM webhook WHERE kind = 'CDN'")
        if {decode_text(url) for (url,) in rows} == self._cdns.keys():
            return
        async with self._database.transaction() as connection:
            stored = {row.url: row for row in await Webhook.filter(kind=WebhookKind.CDN)}
            for url in stored.keys() - self._cdns.keys():
                await stored[url].delete()
            for url in self._cdns.keys() - stored.keys():
                await skip_to_present(connection)
                cdn = self._cdns[url]
                await Webhook.create(
                    kind=WebhookKind.CDN,
                    name=f"CDN ({cdn.kind})",
                    url=url,
                    secret="",
                    enabled=True,
                    created_at=self._now().replace(microsecond=0),
                    created_by="settings",
                )

    async def _finish_tasks(self) -> None:
        """Gives running requests some time to end, so that they need not be sent again."""
        tasks = list(self._tasks)
        if tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait(tasks, timeout=_GRACE_SECONDS)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
