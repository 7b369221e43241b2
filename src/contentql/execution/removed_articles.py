"""Articles that were public until a short time ago, for the tombstones of Atom feeds.

Only what the public could read before is named: an article of which a row in the article log ended an
interval of visibility that had begun, or that has expired by the clock.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from contentql.content.ids import decode_id
from contentql.execution.executor import Executor
from contentql.formats.article_document import RemovedArticle
from contentql.lru import LRUCache
from contentql.planner.visibility import own_visibility_sql, visible_so_far_sql
from contentql.store.database import decode_text

REMOVED_DAYS: Final = 7
MAX_REMOVED: Final = 100  # of a feed
_MAX_OF_SITE: Final = 1_000
_TIMEOUT: Final = 5.0  # seconds
_MAX_CACHED: Final = 256  # feeds
# Conditions on the article `a` that it was in the feed of an object, by the object's table.
_SCOPES: Final = {
    "author": "exists (select 1 from article_author s where s.article_id = a.id and s.author_id = {id})",
    "category": "exists (select 1 from article_section s join category c on c.id = s.category_id"
    " join category r on r.id = {id} where s.article_id = a.id"
    " and (c.id = r.id or substr(c.path, 1, length(r.path) + 1) = r.path || '/'))",
    "collection": "exists (select 1 from collection_item s where s.article_id = a.id"
    " and s.collection_id = {id})",
    "source": "exists (select 1 from attribution s where s.article_id = a.id and s.source_id = {id}"
    " and s.state in ('ACCEPTED', 'EDITED'))",
    "story": "a.story_id = {id}",
    "tag": "exists (select 1 from article_tag s where s.article_id = a.id and s.tag_id = {id})",
}


@dataclass(frozen=True)
class _Removals:
    """The articles of the site that ceased to be public, by id, the last removed first.

    `state`: that of the change log and the clock in which they were read.
    """

    state: Any
    articles: Mapping[int, RemovedArticle]


class RemovedArticles:
    """Reads the articles that ceased to be public, and remembers them while nothing changes."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._removals: _Removals | None = None  # those of the site, which all feeds share
        self._cached: LRUCache[str, tuple[Any, tuple[RemovedArticle, ...]]] = LRUCache(
            _MAX_CACHED, _MAX_CACHED
        )

    async def read(self, global_id: str, feed_key: tuple[str, ...]) -> tuple[RemovedArticle, ...]:
        """Those of the feed of an object, or of the whole site with "", the last removed first.

        `feed_key` changes when the feed does. What the clock changes elsewhere is seen within a minute.
        """
        now = self._executor.now()
        responses = self._executor.responses
        log_position = responses.applied_batches if responses else None
        state = (log_position, now.replace(second=0, microsecond=0))
        cached = self._cached.get(global_id)
        if responses and cached and cached[0] == (feed_key, state):
            return cached[1]
        removals = self._removals
        by_clock = cached is not None and cached[0][1] == state  # then only the feed has changed
        if not responses or removals is None or removals.state != state or by_clock:
            removals = self._removals = _Removals(state, await self._read_site(now))
        articles = await self._in_feed(global_id, removals.articles)
        self._cached.set(global_id, ((feed_key, state), articles), 1)
        return articles

    async def _in_feed(
        self, global_id: str, removed: Mapping[int, RemovedArticle]
    ) -> tuple[RemovedArticle, ...]:
        """Those of the articles that were in the feed of an object."""
        if global_id and removed:
            decoded = decode_id(global_id)
            assert decoded is not None
            scope = _SCOPES[decoded[0]].format(id=int(decoded[1]))
            listed = ", ".join(map(str, removed))
            sql = f"select a.id from article a where a.id in ({listed}) and {scope}"
            ids = {id_ for (id_,) in await self._executor.database.rows(sql, (), _TIMEOUT)}
            removed = {id_: article for id_, article in removed.items() if id_ in ids}
        return tuple(removed.values())[:MAX_REMOVED]

    async def _read_site(self, now: dt.datetime) -> dict[int, RemovedArticle]:
        dialect = self._executor.dialect
        since, at = dialect.param(1, "time"), dialect.param(2, "time")
        visible = own_visibility_sql("article", "a", at)
        was = "l.was_from <= l.at and (l.was_until is null or l.was_until > l.at)"
        is_ = "l.is_from is not null and l.is_from <= l.at and (l.is_until is null or l.is_until > l.at)"
        removals = (
            f"select l.article_id as id, l.at as at from article_log l where l.at >= {since} and l.public"
            f" and {was} and not ({is_})"
            f" union all select e.id, e.expires_at from article e where e.expires_at >= {since}"
            f" and e.expires_at <= {at} and e.working_of = 0 and {visible_so_far_sql('e', at)}"
        )
        rows = await self._executor.database.rows(
            f"select a.id, a.uri, max(r.at) from ({removals}) r join article a on a.id = r.id"
            f" where a.working_of = 0 and case when {visible} then 1 else 0 end = 0"
            f" group by a.id, a.uri order by 3 desc, 1 limit {_MAX_OF_SITE}",
            [dialect.bind("time", now - dt.timedelta(days=REMOVED_DAYS)), dialect.bind("time", now)],
            _TIMEOUT,
        )
        return {id_: RemovedArticle(decode_text(uri), _time(time)) for id_, uri, time in rows}


def _time(value: Any) -> dt.datetime:
    """A time as either database returns it."""
    value = decode_text(value)
    return dt.datetime.fromisoformat(value) if isinstance(value, str) else value
