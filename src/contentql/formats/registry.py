"""Registry of file formats: how each is recognised, read and written.

A format that is read is a module of this package with a value FORMAT, one that is written a module with a
function `write`; a new one is a line in `_MODULES` or `_WRITERS`. Modules are imported when they are needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Final

from contentql.content.import_item import ImportItem
from contentql.content.records import FormatError
from contentql.formats.article_document import ArticleDocument, FeedInfo
from contentql.formats.source_file import ReadOptions, SourceFile

# In the order in which files are tried: formats that cannot be mistaken for another come first.
_MODULES: Final[dict[str, str]] = {
    "wxr": "wordpress.wxr_reader",
    "ghost": "ghost.ghost_reader",
    "newsml-g2": "agency.newsml_g2_reader",
    "ninjs": "agency.ninjs_reader",
    "rss": "feeds.rss_reader",
    "atom": "feeds.atom_reader",
    "jsonfeed": "feeds.jsonfeed_reader",
    "html": "pages.html_reader",
    "jsonl": "jsonl",
    "jsonld": "pages.jsonld_reader",
    "markdown": "markdown_reader",
    "text": "text",
}

# Formats that can be written: modules with `write(articles, feed)`, see `formats.article_document`.
_WRITERS: Final[dict[str, str]] = {
    "atom": "feeds.atom_writer",
    "html": "pages.html_writer",
    "jsonfeed": "feeds.jsonfeed_writer",
    "jsonld": "pages.jsonld",
    "markdown": "markdown_writer",
    "news-sitemap": "feeds.sitemap",
    "newsml-g2": "agency.newsml_g2_writer",
    "ninjs": "agency.ninjs_writer",
    "rss": "feeds.rss_writer",
}


_BLANK: Final = b"\xef\xbb\xbf \t\r\n"


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


@dataclass(frozen=True)
class Writer:
    """Writes the documents of articles in a format. `file_suffix`: that of the files if each article has one
    of its own, else ""."""

    name: str
    write: Callable[[Iterable[ArticleDocument], FeedInfo], Iterator[bytes]]
    file_suffix: str = ""


FORMAT_NAMES: Final = tuple(_MODULES)
WRITER_NAMES: Final = tuple(_WRITERS)


def load_format(name: str) -> Format:
    """The format of a name. Raises KeyError."""
    format: Format = import_module(f"contentql.formats.{_MODULES[name]}").FORMAT
    return format


def load_writer(name: str) -> Writer:
    """The writer of a format. Raises KeyError."""
    module = import_module(f"contentql.formats.{_WRITERS[name]}")
    return Writer(name, module.write, getattr(module, "FILE_SUFFIX", ""))


def detect_format(head: bytes, name: str) -> Format:
    """The format of a file by its content, and its name where that cannot tell. Raises FormatError."""
    for format_name in _MODULES:
        format = load_format(format_name)
        if format.sniff(head, name):
            if format_name == "text" and head.lstrip(_BLANK).startswith((b"{", b"[")):
                raise FormatError("the file is JSON, but in none of the formats that can be imported")
            return format
    raise FormatError("the file is in none of the formats that can be imported")
