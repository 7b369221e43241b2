"""Cached responses: bodies with their dependencies, and the values that their HTTP headers need."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Any, Protocol

import orjson

from contentql.cache.dependencies import ChangeBatch, Dependencies, deserialize_dependencies

_ENTRY_OVERHEAD = 2_500  # approximate size of an entry in bytes, without its bodies and rows


def content_hash(text: bytes) -> str:
    """Hash of a text in hex. It must resist collisions, because clients choose the texts of cache keys."""
    return blake2b(text, digest_size=16).hexdigest()


@dataclass(eq=False)
class CachedResponse:
    """A response body with its dependencies. `max_age` in seconds; `list_tags` name the lists in it, for
    HTTP caches."""

    body: bytes
    dependencies: Dependencies
    shown_ids: tuple[str, ...] = ()  # global ids of the displayed rows
    list_tags: tuple[str, ...] = ()
    cost: int = 0
    statements: int = 0
    rows: int = 0
    max_age: int = 0
    private: bool = False
    compressed: dict[str, bytes] = field(default_factory=dict)  # the body by content coding
    header_variants: dict[Any, Any] = field(default_factory=dict)  # rendered headers, set by the endpoint
    accounted_size: int = 0

    @property
    def size(self) -> int:
        return _ENTRY_OVERHEAD + len(self.body) + sum(map(len, self.compressed.values())) + 40 * self.rows

    @cached_property
    def etag(self) -> str:
        """Hash of the body, the same in every process."""
        return content_hash(self.body)

    def serialize(self) -> bytes:
        """The entry for a cache outside this process, without compressed bodies."""
        metadata = [
            self.shown_ids,
            self.list_tags,
            self.cost,
            self.statements,
            self.rows,
            self.max_age,
            self.private,
        ]
        header = orjson.dumps(metadata)
        dependencies = self.dependencies.serialize()
        return b"%d %d\n" % (len(header), len(dependencies)) + header + dependencies + self.body


def deserialize(text: bytes) -> CachedResponse:
    """Raises ValueError for data that `serialize` did not write."""
    sizes, _, content = text.partition(b"\n")
    metadata_size, _, dependencies_size = sizes.partition(b" ")
    metadata_end, body_start = int(metadata_size), int(metadata_size) + int(dependencies_size)
    shown_ids, list_tags, cost, statements, rows, max_age, private = orjson.loads(content[:metadata_end])
    return CachedResponse(
        content[body_start:],
        deserialize_dependencies(content[metadata_end:body_start]),
        tuple(shown_ids),
        tuple(list_tags),
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
