"""Registry of file formats: how each is recognised, read and written.

A format is a module of this package with a value FORMAT; a new one is a line in `_MODULES`. Modules are
imported when they are needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Final

from contentql.content.import_item import ImportItem
from contentql.content.records import FormatError
from contentql.formats.source_file import ReadOptions, SourceFile

# In the order in which files are tried: formats that cannot be mistaken for another come first.
_MODULES: Final[dict[str, str]] = {
    "wxr": "wxr_reader",
    "ghost": "ghost_reader",
    "newsml-g2": "newsml_g2_reader",
    "ninjs": "ninjs_reader",
    "html": "html_reader",
    "jsonl": "jsonl",
    "text": "text",
}


@dataclass(frozen=True)
class Format:
    """A format of files.

    `sniff` tells by the beginning and the name of a file whether it is in the format; `read` yields its items
    in their order, those that cannot be read with an error, and raises FormatError if nothing in the file can
    be read.
    """

    name: str
    sniff: Callable[[bytes, str], bool]
    read: Callable[[SourceFile, ReadOptions], Iterator[ImportItem]]


FORMAT_NAMES: Final = tuple(_MODULES)


def load_format(name: str) -> Format:
    """The format of a name. Raises KeyError."""
    format: Format = import_module(f"contentql.formats.{_MODULES[name]}").FORMAT
    return format


def detect_format(head: bytes, name: str) -> Format:
    """The format of a file by its content, and its name where that cannot tell. Raises FormatError."""
    for format_name in _MODULES:
        format = load_format(format_name)
        if format.sniff(head, name):
            return format
    raise FormatError("the file is in none of the formats that can be imported")
