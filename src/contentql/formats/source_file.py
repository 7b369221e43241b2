"""A file that is imported, and what the command says of everything in it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import BinaryIO, Final, Literal

from contentql.content.records import FormatError

Paragraphs = Literal["line", "blank"]

HEAD_BYTES: Final = 65_536


@dataclass(frozen=True)
class ReadOptions:
    """What sources do not tell: language (BCP 47) and time zone; slug and paragraphs of a plain page.

    `base_url`: address of the site of an export that does not name it.
    `markup`: import a page as plain text although it looks like another format.
    """

    language: str | None = None
    timezone: dt.tzinfo = dt.UTC
    slug: str | None = None
    paragraphs: Paragraphs = "line"
    markup: bool = False
    base_url: str | None = None

    @property
    def timezone_name(self) -> str:
        return str(getattr(self.timezone, "key", self.timezone))


@dataclass(frozen=True)
class SourceFile:
    """An open, seekable file. `name` is shown in reports; `identity` is that of a page without an id of its
    own: the absolute path, or that of an archive and the path in it. `head`: the first HEAD_BYTES."""

    name: str
    identity: str
    file: BinaryIO
    head: bytes

    def read(self, limit: int) -> bytes:
        """The content. Raises FormatError if it is larger than `limit` bytes."""
        self.file.seek(0)
        content = self.file.read(limit + 1)
        if len(content) > limit:
            raise FormatError(f"the file is larger than {limit // 1024 // 1024} MiB")
        return content
