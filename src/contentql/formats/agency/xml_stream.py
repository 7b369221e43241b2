"""XML read piece by piece: no DTD, no entities, no network, bounded memory."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO, Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from contentql.content.records import FormatError

MAX_DEPTH: Final = 150
MAX_ELEMENTS: Final = 200_000  # of one item
MAX_ITEM_BYTES: Final = 32 * 1024 * 1024


class XmlStream:
    """Events of the elements of a file. A reader calls `restart` when it has removed an item."""

    def __init__(self, file: BinaryIO) -> None:
        file.seek(0)
        self._file = file
        self._bytes = self._elements = 0

    def restart(self) -> None:
        """Begins to count bytes and elements again."""
        self._bytes = self._elements = 0

    def read(self, size: int = -1) -> bytes:
        """Reads the next bytes of the file, for the parser."""
        chunk = self._file.read(min(size, 65_536) if size > 0 else 65_536)
        self._bytes += len(chunk)
        if self._bytes > MAX_ITEM_BYTES + 65_536:
            raise FormatError(f"an item is larger than {MAX_ITEM_BYTES // 1024 // 1024} MiB")
        return chunk

    def events(self) -> Iterator[tuple[str, Element]]:
        """Yields `start` and `end` with each element. Raises FormatError for what is no XML, a DOCTYPE, and
        elements that are nested too deep or too many."""
        depth = 0
        try:
            for event, element in iterparse(self, ("start", "end"), forbid_dtd=True):
                if event == "start":
                    depth += 1
                    self._elements += 1
                    if depth > MAX_DEPTH:
                        raise FormatError(f"elements are nested more than {MAX_DEPTH} levels deep")
                    if self._elements > MAX_ELEMENTS:
                        raise FormatError(f"an item has more than {MAX_ELEMENTS:,} elements")
                else:
                    depth -= 1
                yield event, element
        except ParseError as exc:
            raise FormatError(f"not well-formed XML: {exc}") from None
        except DefusedXmlException:
            raise FormatError(
                "the file has a DOCTYPE or entities of its own, which are not allowed"
            ) from None
        except (LookupError, ValueError) as exc:  # an encoding that is none
            raise FormatError(f"the XML cannot be read: {exc}") from None


def parse_xml(text: str) -> Element:
    """The root element of a small XML document. Raises FormatError."""
    encoded = text.encode("utf-8", "replace")
    root: Element | None = None
    declaration, separator, rest = encoded.partition(b"?>")
    if separator and declaration.lstrip().startswith(b"<?xml"):
        encoded = rest  # its encoding is that of the text no more
    for _, element in XmlStream(io.BytesIO(encoded.lstrip())).events():
        root = element if root is None else root
    if root is None:
        raise FormatError("the XML has no element")
    return root


def local_name(element: Element) -> str:
    """The name of an element without its namespace; "" of a comment."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
