"""Cached responses, and what HTTP needs to know of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Any, Protocol

import orjson

from contentql.cache.dependencies import ChangeBatch, Dependencies, deserialize_dependencies

_OVERHEAD = 2_500  # bytes that an entry takes besides its texts, about


def content_hash(text: bytes) -> str:
    """Collision-resistant hash: clients choose the texts that responses are stored under."""
    return blake2b(text, digest_size=16).hexdigest()


@dataclass(eq=False)
class CachedResponse:
    """A response body with its dependencies. `max_age` in seconds; `list_tags` name the lists in it, for
    HTTP caches."""

    body: bytes
    dependencies: Dependencies
    shown_ids: tuple[str, ...] = ()  # ids of the rows that can be seen in it
    list_tags: tuple[str, ...] = ()
    cost: int = 0
    statements: int = 0
    rows: int = 0
    max_age: int = 0
    private: bool = False
    compressed: dict[str, bytes] = field(default_factory=dict)  # the body by content coding
    header_variants: dict[Any, Any] = field(default_factory=dict)  # what a door has worked out for it already
    accounted_size: int = 0

    @property
    def size(self) -> int:
        return _OVERHEAD + len(self.body) + sum(map(len, self.compressed.values())) + 40 * self.rows

    @cached_property
    def etag(self) -> str:
        """Hash of the body, the same in every process."""
        return content_hash(self.body)

    def serialize(self) -> bytes:
        """The entry for a cache outside this process, without compressed bodies."""
        facts = [
            self.shown_ids,
            self.list_tags,
            self.cost,
            self.statements,
            self.rows,
            self.max_age,
            self.private,
        ]
        head = orjson.dumps(facts)
        rests = self.dependencies.serialize()
        return b"%d %d\n" % (len(head), len(rests)) + head + rests + self.body


def deserialize(text: bytes) -> CachedResponse:
    """Raises ValueError for data that `serialize` did not write."""
    sizes, _, rest = text.partition(b"\n")
    one, _, other = sizes.partition(b" ")
    head, middle = int(one), int(one) + int(other)
    payload, words, cost, statements, rows, max_age, private = orjson.loads(rest[:head])
    return CachedResponse(
        rest[middle:],
        deserialize_dependencies(rest[head:middle]),
        tuple(payload),
        tuple(words),
        cost,
        statements,
        rows,
        max_age,
        private,
    )


class CacheBackend(Protocol):
    """Storage of responses. Purged entries are not returned again; stored entries may be evicted at any
    time."""

    async def get(self, key: str) -> CachedResponse | None: ...
    async def put(self, key: str, entry: CachedResponse) -> None: ...
    async def purge(self, batch: ChangeBatch) -> list[tuple[str, CachedResponse]]:
        """Removes and returns the entries that the changes invalidate."""

    async def clear(self) -> list[tuple[str, CachedResponse]]: ...
    async def close(self) -> None: ...
