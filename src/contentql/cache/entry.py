"""An answer that is remembered, and what may be said of it without reading it again."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Any, Protocol

import orjson

from contentql.cache.dependencies import Batch, Rests, read

_OVERHEAD = 2_500  # bytes that an entry takes besides its texts, about


def digest(text: bytes) -> str:
    """A fingerprint that nobody can make two texts for: clients choose the texts that answers are kept by."""
    return blake2b(text, digest_size=16).hexdigest()


@dataclass(eq=False)
class Entry:
    """`max_age` in seconds, as the schema hints; `words` name what was listed, for caches in between."""

    body: bytes
    rests: Rests
    shown: tuple[str, ...] = ()  # ids of the rows that can be seen in it
    words: tuple[str, ...] = ()
    cost: int = 0
    statements: int = 0
    rows: int = 0
    max_age: int = 0
    private: bool = False
    packed: dict[str, bytes] = field(default_factory=dict)  # the body by content coding
    notes: dict[Any, Any] = field(default_factory=dict)  # what a door has worked out for it already
    counted: int = 0

    @property
    def size(self) -> int:
        return _OVERHEAD + len(self.body) + sum(map(len, self.packed.values())) + 40 * self.rows

    @cached_property
    def tag(self) -> str:
        """The body's fingerprint, the same in every process."""
        return digest(self.body)

    def written(self) -> bytes:
        """For a cache outside this process; without the compressed forms."""
        facts = [self.shown, self.words, self.cost, self.statements, self.rows, self.max_age, self.private]
        head = orjson.dumps(facts)
        rests = self.rests.written()
        return b"%d %d\n" % (len(head), len(rests)) + head + rests + self.body


def entry_of(text: bytes) -> Entry:
    """Raises ValueError if it is not what `written` wrote."""
    sizes, _, rest = text.partition(b"\n")
    one, _, other = sizes.partition(b" ")
    head, middle = int(one), int(one) + int(other)
    shown, words, cost, statements, rows, max_age, private = orjson.loads(rest[:head])
    return Entry(
        rest[middle:],
        read(rest[head:middle]),
        tuple(shown),
        tuple(words),
        cost,
        statements,
        rows,
        max_age,
        private,
    )


class Backend(Protocol):
    """Where answers are kept. What is purged is not found again; what is put may be gone at any time."""

    async def get(self, key: str) -> Entry | None: ...
    async def put(self, key: str, entry: Entry) -> None: ...
    async def purge(self, batch: Batch) -> list[tuple[str, Entry]]:
        """Drops what the changes touch, and says what that was."""

    async def clear(self) -> list[tuple[str, Entry]]: ...
    async def close(self) -> None: ...
