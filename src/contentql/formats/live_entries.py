"""Entries of a live blog within HTML: a section with a time, a title and any blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import TypeAdapter, ValidationError

from contentql.content.blocks import MAX_ENTRY_BLOCKS, Block, LiveEntry, block_text
from contentql.content.warnings import WarningCode
from contentql.formats.body_callbacks import BodyCallbacks
from contentql.formats.html_safety import require_count
from contentql.formats.text_buffer import ParsedText

_LIVE_ENTRY: Final[TypeAdapter[LiveEntry]] = TypeAdapter(LiveEntry)
_FLAGS: Final = {"key_event": "data-key-event", "summary": "data-summary", "pinned": "data-pinned"}


class EntryBuilder:
    """An open entry; `before` are the blocks before it, `block_id` the id of its element."""

    def __init__(self, attributes: Mapping[str, str], block_id: str | None, before: list[Block]) -> None:
        self._flags = {name: attributes.get(key) == "true" for name, key in _FLAGS.items()}
        self.block_id, self.before = block_id, before
        self.time = ""
        self.sections = 0  # open sections within the entry
        self._title: str | None = None

    def close_section(self) -> bool:
        """Returns whether the end of a section ends the entry."""
        self.sections -= 1
        return self.sections < 0

    def take_title(self, heading: ParsedText, attributes: Mapping[str, str], *, first: bool) -> bool:
        """Returns whether a heading is the title: the first one, unless it is marked as a heading."""
        if self._title is not None or not first or attributes.get("data-type") == "heading":
            return False
        self._title = heading.text.replace("\n", " ")
        return True

    def build(self, content: Sequence[Block], callbacks: BodyCallbacks) -> LiveEntry | None:
        """Returns the entry; None, with a warning, if its time is not valid, or if it is empty."""
        require_count("An entry of a live blog", len(content), "blocks", MAX_ENTRY_BLOCKS)
        if not content and not self._title:
            return None
        values = {**self._flags, "at": self.time, "title": self._title, "text": "", "blocks": content}
        try:
            return _LIVE_ENTRY.validate_python(values)
        except ValidationError:
            text = " ".join(filter(None, (self._title, *map(block_text, content))))
            message = "A live entry has no valid time; its text became a part of the body."
            callbacks.warn(WarningCode.CHANGED, message, text[:100])
            return None
