"""Reader of a JSON object member by member, for files that are larger than the memory.

The elements of one array are read one by one; the file need not be whole. Invariant: time is linear in the
document, memory in its largest member, which has a limit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

MAX_VALUE: Final = 16 << 20  # characters
MAX_DEPTH: Final = 100

_TOKEN: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{},:]|[^\s"\[\]{},:]++', re.DOTALL)
_BLANK: Final = re.compile(r"\s*+")


class JsonError(Exception):
    """Raised where the rest of a document cannot be read; the message is one sentence."""


class Member(NamedTuple):
    """A member of the object, or an element of the array with the name `name`; then `position` is its
    place, from 1. `error`: why the value could not be read."""

    name: str
    value: Any = None
    position: int | None = None
    error: str | None = None


def read_members(chunks: Iterable[str], array: str) -> Iterator[Member]:
    """Yields the members of a JSON object, those of its array `array` one by one.

    Raises JsonError if the document is no object or ends too early.
    """
    reader = _Reader(iter(chunks))
    if reader.token() != "{":
        raise JsonError("the file is no JSON object")
    while (token := reader.token()) != "}":
        if token == ",":
            continue
        name = _loads(token)[0]
        if not isinstance(name, str) or reader.token() != ":":
            raise JsonError(f"the file is no JSON: a member must have a name, not {token[:40]!r}")
        first = reader.token()
        if name == array and first == "[":
            yield from _elements(reader, name)
        else:
            value, error = reader.value(first)
            yield Member(name, value, error=error)


def _elements(reader: _Reader, name: str) -> Iterator[Member]:
    index = 0
    while (token := reader.token()) != "]":
        if token == ",":
            continue
        index += 1
        value, error = reader.value(token)
        yield Member(name, value, index, error)


class _Reader:
    def __init__(self, chunks: Iterator[str]) -> None:
        self._chunks = chunks
        self._text = ""
        self._at = 0

    def token(self) -> str:
        """The next token. Raises JsonError at the end of the document."""
        while True:
            start = _BLANK.match(self._text, self._at).end()  # type: ignore[union-attr]
            match = _TOKEN.match(self._text, start)
            # A word or a text may go on in the next chunk.
            if match and (match.end() < len(self._text) or match[0] in "[]{},:"):
                self._at = match.end()
                return match[0]
            if len(self._text) - start > 2 * MAX_VALUE:
                raise JsonError(f"the file has a text that is larger than {MAX_VALUE >> 20} MiB")
            if not self._refill(start):
                raise JsonError("the file ends in the middle, more may be missing")

    def value(self, token: str) -> tuple[Any, str | None]:
        """The value that begins with a token, and why it cannot be read."""
        pieces, size, depth = [token], len(token), 0
        too_deep = False
        while True:
            if token in ("{", "["):
                depth += 1
                too_deep |= depth > MAX_DEPTH
            elif token in ("}", "]"):
                depth -= 1
            if depth <= 0:
                break
            token = self.token()
            size += len(token)
            if size <= MAX_VALUE and not too_deep:
                pieces.append(token)
        if size > MAX_VALUE:
            return None, f"it is larger than {MAX_VALUE >> 20} MiB"
        if too_deep:
            return None, f"it is nested more than {MAX_DEPTH} levels deep"
        # Words that stand beside each other are an error, which must not become one word.
        return _loads(" ".join(pieces))

    def _refill(self, start: int) -> bool:
        more = next(self._chunks, None)
        if more is None:
            return False
        # Twice as much each time, so that a long text is not read again for every chunk.
        pieces, wanted = [more], len(self._text) - start
        while sum(map(len, pieces)) < wanted and (more := next(self._chunks, None)) is not None:
            pieces.append(more)
        self._text = self._text[start:] + "".join(pieces)
        self._at = 0
        return True


def _loads(text: str) -> tuple[Any, str | None]:
    try:
        return json.loads(text, strict=False, parse_constant=lambda name: None), None
    except (ValueError, RecursionError) as exc:
        return None, f"it is no JSON: {str(exc)[:200]}"
