"""JSON values in a file one after another: an array, lines, or values in a row, in bounded memory."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, Final, NamedTuple

import orjson

from contentql.content.records import FormatError

MAX_ITEM_BYTES: Final = 16 * 1024 * 1024
_CHUNK_BYTES: Final = 65_536
_SIGN: Final = re.compile(rb'["\[\]{}]')
_STRING_SIGN: Final = re.compile(rb'[\\"]')
_MAX_GAP: Final = 200  # bytes of what is no item that an error shows


class JsonItem(NamedTuple):
    """Number of an item, from 1, and its value, or the error that prevented reading it."""

    number: int
    value: Any = None
    error: str | None = None


def read_json_items(file: BinaryIO) -> Iterator[JsonItem]:
    """Yields the objects of an array at the top of a file, and objects that follow each other.

    What is no object, is larger than MAX_ITEM_BYTES or is not closed at the end is an item with an error.
    """
    file.seek(0)
    scanner = _Scanner()
    number = 0
    while chunk := file.read(_CHUNK_BYTES):
        for part in scanner.feed(chunk):
            number += 1
            yield _parse(part, number)
    for part in scanner.finish():
        yield JsonItem(number + 1, error=part if isinstance(part, str) else "the file ends within an item")


def open_as_utf8(file: BinaryIO, head: bytes) -> BinaryIO:
    """The file; a copy in UTF-8 of one in UTF-16, which has at most MAX_ITEM_BYTES.

    Raises FormatError.
    """
    if not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return file
    file.seek(0)
    content = file.read(MAX_ITEM_BYTES + 1)
    if len(content) > MAX_ITEM_BYTES:
        raise FormatError(f"a file in UTF-16 is larger than {MAX_ITEM_BYTES // 1024 // 1024} MiB")
    return io.BytesIO(content.decode("utf-16", "replace").encode("utf-8", "replace"))


def parse_json(text: bytes) -> Any:
    """The value of a JSON text in UTF-8, else windows-1252. Raises FormatError."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        reason = f"not JSON: {exc.msg} at column {exc.colno} of line {exc.lineno}"
    # Half surrogates in escapes, numbers such as NaN, and other encodings.
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError:
        decoded = text.decode("windows-1252", "replace")
    try:
        return json.loads(decoded)
    except (ValueError, RecursionError):
        raise FormatError(reason) from None


def _parse(part: bytes | str, number: int) -> JsonItem:
    if isinstance(part, str):
        return JsonItem(number, error=part)
    try:
        return JsonItem(number, parse_json(part))
    except FormatError as exc:
        return JsonItem(number, error=str(exc))


class _Scanner:
    """Splits bytes into the texts of objects; yields a text, or a sentence on what is none."""

    def __init__(self) -> None:
        self._depth = self._base = 0  # open brackets; 1 in an array at the top
        self._in_string = self._is_escaped = False
        self._parts: list[bytes] | None = None  # of the item that is open
        self._size = 0
        self._gap = b""  # what is outside of items

    def feed(self, chunk: bytes) -> Iterator[bytes | str]:
        at, start = 0, 0
        if self._is_escaped:
            at, self._is_escaped = 1, False
        while match := (_STRING_SIGN if self._in_string else _SIGN).search(chunk, at):
            at, sign = match.end(), match[0]
            if self._in_string:
                self._in_string = sign != b'"'
                if sign == b"\\":
                    at += 1
                    self._is_escaped = at > len(chunk)
            elif sign == b'"':
                self._in_string = True
            elif sign in b"[{":
                if self._depth == self._base:
                    yield from self._end_gap(chunk[start : match.start()])
                    start = match.start()
                    if sign == b"[" and self._depth == 0:
                        self._base, start = 1, at
                    else:
                        self._parts, self._size = [], 0
                self._depth += 1
            elif self._parts is not None:
                self._depth -= 1
                if self._depth == self._base:
                    self._add(chunk[start:at])
                    start = at
                    yield self._end_item()
            elif self._base:  # the end of the array
                yield from self._end_gap(chunk[start : match.start()])
                start, self._depth, self._base = at, 0, 0
        self._add(chunk[start:])

    def finish(self) -> Iterator[bytes | str]:
        """Yields a sentence for each thing that is left."""
        if self._parts is not None or self._base:
            yield (
                "the file ends within an item" if self._parts is not None else "the file ends within an array"
            )
        else:
            yield from self._end_gap(b"")

    def _add(self, part: bytes) -> None:
        if self._parts is None:
            self._gap = (self._gap + part[:_MAX_GAP])[:_MAX_GAP]
            return
        self._size += len(part)
        if self._size <= MAX_ITEM_BYTES:
            self._parts.append(part)

    def _end_item(self) -> bytes | str:
        parts, self._parts = self._parts or [], None
        if self._size > MAX_ITEM_BYTES:
            return f"the item is larger than {MAX_ITEM_BYTES // 1024 // 1024} MiB"
        return b"".join(parts)

    def _end_gap(self, rest: bytes) -> Iterator[str]:
        self._add(rest)
        gap, self._gap = self._gap.removeprefix(b"\xef\xbb\xbf").strip(b" \t\r\n,"), b""
        if gap:
            yield f"{gap[:50].decode('utf-8', 'replace')!r} is no item: an item is an object"
