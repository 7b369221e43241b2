"""Cached responses: bodies with their dependencies, and the values that their HTTP headers need."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Any, Protocol
from zlib import crc32

import orjson

from contentql.cache.dependencies import Dependencies, deserialize_dependencies

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


@dataclass(frozen=True, slots=True)
class SharedEntry:
    """A response for other workers, and the state of the database that it agrees with.

    `position`: the change log was applied up to here. `valid_until`: time of the next change of what is
    visible, as far as it was known at that position.
    """

    response: CachedResponse
    position: int
    valid_until: dt.datetime

    def serialize(self, key: str) -> bytes:
        """The entry with its key and a checksum, without compressed bodies."""
        response = self.response
        facts = orjson.dumps(
            [
                key,
                self.position,
                self.valid_until.isoformat(),
                response.shown_ids,
                response.list_tags,
                response.cost,
                response.statements,
                response.rows,
                response.max_age,
                response.private,
            ]
        )
        dependencies = response.dependencies.serialize()
        data = b"%d %d\n" % (len(facts), len(dependencies)) + facts + dependencies + response.body
        return b"%08x " % crc32(data) + data


def deserialize_entry(text: bytes, key: str) -> SharedEntry:
    """The entry with this key. Raises an exception for anything that `serialize` did not write for it."""
    checksum, _, data = text.partition(b" ")
    if int(checksum, 16) != crc32(data):
        raise ValueError("wrong checksum")
    sizes, _, rest = data.partition(b"\n")
    facts_end, dependencies_size = map(int, sizes.split())
    own_key, position, valid_until, shown_ids, list_tags, cost, statements, rows, max_age, private = (
        orjson.loads(rest[:facts_end])
    )
    if own_key != key:
        raise ValueError("an entry of another key")
    body_start = facts_end + dependencies_size
    response = CachedResponse(
        rest[body_start:],
        deserialize_dependencies(rest[facts_end:body_start]),
        tuple(shown_ids),
        tuple(list_tags),
        cost,
        statements,
        rows,
        max_age,
        private,
    )
    return SharedEntry(response, position, dt.datetime.fromisoformat(valid_until))


class SharedBackend(Protocol):
    """Storage of responses outside the process. Raises nothing; may lose entries, or return old ones."""

    async def get(self, key: str) -> SharedEntry | None: ...
    async def put(self, key: str, entry: SharedEntry) -> None: ...
    async def close(self) -> None: ...
