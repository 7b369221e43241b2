"""Text of a block while it is parsed, with the positions where marks begin and end."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from contentql.content.field_types import MAX_ITEMS
from contentql.content.rich_text import Mark, MarkKind, normal_marks
from contentql.formats.html_safety import require_count

_SPACE = re.compile(r"[ \t\n]+")
# Characters that show nothing: zero-width characters and the soft hyphen.
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")


class OpenMark(NamedTuple):
    """A mark without its range."""

    kind: MarkKind
    value: str | None = None


class ParsedText(NamedTuple):
    """A text with its marks."""

    text: str = ""
    marks: tuple[Mark, ...] = ()

    def __bool__(self) -> bool:
        """Whether it shows anything."""
        return bool(_INVISIBLE.sub("", self.text).strip())


class TextBuffer:
    """Text buffer with white space collapsed as in browsers."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0
        self._literal_length = 0  # where the last literal white space ends
        self._starts: dict[OpenMark, int] = {}
        self._ranges: list[tuple[OpenMark, int, int]] = []

    def __bool__(self) -> bool:
        return bool(self._length)

    def append_literal(self, text: str) -> None:
        """Appends text without collapsing its white space."""
        self._append(text)
        self._literal_length = self._length

    def append(self, text: str) -> None:
        text = _SPACE.sub(" ", text)
        self._append(text.removeprefix(" ") if self._last() in ("", " ", "\n") else text)

    def break_line(self) -> None:
        """Begins a new line, except before the first text."""
        if self._last() == " " and self._literal_length < self._length:
            self._pieces[-1] = self._pieces[-1][:-1] + "\n"
        elif self._pieces:
            self._append("\n")

    def end_line(self) -> None:
        """Begins a new line, unless at the beginning of one."""
        if self._last() != "\n":
            self.break_line()

    def begin(self, mark: OpenMark) -> None:
        self._starts.setdefault(mark, self._length)

    def end(self, mark: OpenMark) -> None:
        self._ranges.append((mark, self._starts.pop(mark, self._length), self._length))

    def open_marks(self) -> Sequence[OpenMark]:
        return tuple(self._starts)

    def take(self, *, stripped: bool = True) -> ParsedText:
        """The text so far with its marks; `stripped`: without white space at its end."""
        for mark in self.open_marks():
            self.end(mark)
        text = "".join(self._pieces)
        if stripped:
            text = text[: max(len(text.rstrip(" \n")), self._literal_length)]
        marks = [
            Mark.model_construct(start=start, end=min(end, len(text)), kind=mark.kind, value=mark.value)
            for mark, start, end in self._ranges
            if start < min(end, len(text))
        ]
        if not marks:
            return ParsedText(text)
        merged = normal_marks(marks, strict=False)
        require_count("A paragraph", len(merged), "marks", MAX_ITEMS)
        return ParsedText(text, merged)

    def _append(self, text: str) -> None:
        if text:
            self._pieces.append(text)
            self._length += len(text)

    def _last(self) -> str:
        return self._pieces[-1][-1] if self._pieces else ""
