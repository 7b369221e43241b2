"""Stream of the items of a WordPress export, each parsed by itself.

An item that is no XML does not stop those after it, and the memory is that of one item. Characters that XML
forbids and references that it does not know, which real exports have, are repaired before an item is parsed.
Invariant: no DTD, no entities, no network.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.entities import html5
from typing import BinaryIO, Final, cast
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from contentql.content.records import FormatError

MAX_ITEM: Final = 24 * 1024 * 1024  # characters of an item with its comments
MAX_HEAD: Final = 64 * 1024 * 1024  # characters before the first item: authors, categories, tags
MAX_TAGS: Final = 1_000_000  # start and end tags of an item with its comments
CHUNK_BYTES: Final = 1024 * 1024

_ENCODING: Final = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{1,40})["']""")
_MARK: Final = re.compile(r"<!\[CDATA\[|<!--|<(?P<closes>/?)item(?=[\s>])[^<>]*>")
_SECTION: Final = re.compile(r"<!\[CDATA\[.*?\]\]>", re.DOTALL)
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_REFERENCE: Final = re.compile(
    r"&(?:(?P<name>[a-zA-Z][a-zA-Z0-9]{1,31});|#(?P<number>x[0-9a-fA-F]{1,8}|[0-9]{1,9});)?"
)
_XML_NAMES: Final = {"amp", "lt", "gt", "quot", "apos"}
_PREFIX: Final = re.compile(r"</?([A-Za-z_][\w.-]{0,40}):|\s([A-Za-z_][\w.-]{0,40}):[\w-]+\s*=")
_ROOT: Final = re.compile(r"<rss\b[^<>]*>")
_WORDPRESS: Final = re.compile(r"\{https?://wordpress\.org/export/[\d.]*/(excerpt/)?\}")
_PREFIXES: Final = {
    "{http://purl.org/rss/1.0/modules/content/}": "content:",
    "{http://purl.org/dc/elements/1.1/}": "dc:",
}
_NAMESPACES: Final = {
    "excerpt": "http://wordpress.org/export/1.2/excerpt/",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "wp": "http://wordpress.org/export/1.2/",
}


@dataclass(frozen=True)
class WxrPart:
    """The head of the channel (`number` 0), or an item (from 1).

    `values` are the texts of its elements by name with the usual prefixes, the first of each name. `error`:
    the part cannot be read. `is_repaired`: characters that XML forbids were removed.
    """

    number: int
    values: dict[str, str] = field(default_factory=dict)
    element: Element | None = None
    error: str | None = None
    is_repaired: bool = False

    def get(self, name: str) -> str:
        return self.values.get(name, "")

    def children(self, name: str) -> Iterator[Element]:
        """The elements of a name, such as `wp:postmeta`."""
        for child in self.element if self.element is not None else ():
            if element_name(child) == name:
                yield child


def element_name(element: Element) -> str:
    """The name of an element with its usual prefix, whatever the version of the export."""
    tag = element.tag
    if not isinstance(tag, str):
        return ""
    if not tag.startswith("{"):
        return tag
    if match := _WORDPRESS.match(tag):
        return f"{'excerpt' if match[1] else 'wp'}:{tag[match.end() :]}"
    uri, _, name = tag.rpartition("}")
    return _PREFIXES.get(f"{uri}}}", "") + name


def child_texts(element: Element) -> dict[str, str]:
    """The texts of the children of an element by name, the first of each name."""
    texts: dict[str, str] = {}
    for child in element:
        texts.setdefault(element_name(child), (child.text or "").strip())
    return texts


def read_parts(file: BinaryIO) -> Iterator[WxrPart]:
    """Yields the head and the items of a file. Raises FormatError where the file breaks, after its items."""
    root = ""
    for number, text in enumerate(_texts(_decoded(file))):
        if isinstance(text, _BrokenItem):
            yield WxrPart(number, error=text.message)
        elif number == 0:
            match = _ROOT.search(text)
            root = match[0].removesuffix("/>").removesuffix(">") if match else "<rss"
            yield _head(text)
        else:
            yield _parsed(number, root, text)


def _decoded(file: BinaryIO) -> Iterator[str]:
    """The text of the file in chunks; bytes that are no UTF-8 are read as windows-1252."""
    file.seek(0)
    head = file.read(512)
    file.seek(0)
    name = "utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    if match := _ENCODING.search(head):
        declared = match[1].decode("ascii").lower()
        try:
            is_utf8 = codecs.lookup(declared).name in ("utf-8", "ascii", "utf-16")
        except LookupError:
            is_utf8 = True
        name = name if is_utf8 else "cp1252" if declared in ("iso-8859-1", "latin1") else declared
    try:
        decoder = codecs.getincrementaldecoder(name)("windows-1252-bytes" if "utf-8" in name else "replace")
        while chunk := file.read(CHUNK_BYTES):
            yield decoder.decode(chunk)
        yield decoder.decode(b"", final=True)
    except (UnicodeError, LookupError) as exc:
        raise FormatError(f"the file is not in the encoding that it names, {name}: {exc}"[:300]) from None


def _as_windows_1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error("windows-1252-bytes", _as_windows_1252)


@dataclass(frozen=True)
class _BrokenItem:
    message: str


class _Splitter:
    """The text of the file from the beginning of the current part; `at` is where the search goes on."""

    def __init__(self, chunks: Iterator[str]) -> None:
        self._chunks = chunks
        self.text = ""
        self.at = 0
        self.is_oversized = False

    def more(self, limit: int) -> bool:
        """Appends the next chunk. What exceeds the limit is dropped, and the part is oversized."""
        chunk = next(self._chunks, None)
        if chunk is None:
            return False
        if len(self.text) > limit:
            self.is_oversized = True
            self.text = self.text[: limit // 64] + self.text[max(self.at, limit // 64) :]
            self.at = min(self.at, limit // 64)
        self.text += chunk
        return True

    def find(self, mark: str, limit: int) -> bool:
        """Goes behind the next occurrence of a mark; False if the file ends before it."""
        while (at := self.text.find(mark, self.at)) < 0:
            self.at = max(self.at, len(self.text) - len(mark))
            if not self.more(limit):
                return False
        self.at = at + len(mark)
        return True

    def search(self, limit: int) -> re.Match[str] | None:
        """Goes behind the next mark of structure; None at the end of the file."""
        while not (match := _MARK.search(self.text, self.at)):
            self.at = max(
                self.at, self.text.rfind("<", max(0, len(self.text) - 2_000)), len(self.text) - 2_000
            )
            if not self.more(limit):
                return None
        self.at = match.end()
        return match

    def cut(self, start: int, end: int) -> str:
        """The text of a part, which is dropped with what is before it."""
        text, self.text, self.at = self.text[start:end], self.text[max(end, 0) :], max(self.at - end, 0)
        self.is_oversized = False
        return text


def _texts(chunks: Iterator[str]) -> Iterator[str | _BrokenItem]:
    """The text before the first item, then those of the items. Raises FormatError where the file breaks."""
    splitter = _Splitter(chunks)
    is_open, is_head = False, True
    while True:
        limit = MAX_HEAD if is_head else MAX_ITEM
        match = splitter.search(limit)
        if match is None:
            break
        if match[0].startswith("<!"):
            if not splitter.find("]]>" if match[0].endswith("[") else "-->", limit):
                break
            continue
        if match["closes"]:
            if is_open:
                is_oversized = splitter.is_oversized
                text = splitter.cut(0, match.end())
                yield _BrokenItem(_OVERSIZED) if is_oversized else text
            is_open = False
            continue
        if is_head:
            if splitter.is_oversized:
                raise FormatError("the list of authors, categories and tags is larger than 64 MiB")
            yield splitter.cut(0, match.start())
            is_head = False
        elif is_open:
            splitter.cut(0, match.start())
            yield _BrokenItem("the item has no end; the next one begins within it")
        else:
            splitter.cut(0, match.start())
        is_open = True
    rest = splitter.text
    if is_head:
        yield rest
    if is_open:
        raise FormatError("the file ends within an item: it was cut off")
    if "</channel>" not in rest and "</rss>" not in rest:
        raise FormatError("the file has no end, </rss>: it was cut off")


_OVERSIZED: Final = f"the item is larger than {MAX_ITEM // 1024 // 1024} MiB"


def _head(text: str) -> WxrPart:
    """The part before the items. Raises FormatError for a DOCTYPE, and for a file without a channel."""
    match = _ROOT.search(text)
    if "<!DOCTYPE" in text[: match.start() if match else None].upper():
        raise FormatError("the file has a DOCTYPE, which no WordPress export has; it is not read")
    start = text.find("<channel", match.end() if match else 0)
    if match is None or start < 0:
        raise FormatError("the file is no WordPress export: it has no channel")
    body = text[text.find(">", start) + 1 :].removesuffix("</rss>").rstrip()
    root = match[0].removesuffix("/>").removesuffix(">")
    body = body.removesuffix("</rss>").rstrip().removesuffix("</channel>")
    return _parsed(0, root, f"<channel>{body}</channel>")


class _TooManyTagsError(Exception):
    pass


def _parsed(number: int, root: str, text: str) -> WxrPart:
    cleaned = _FORBIDDEN.sub("", text)
    try:
        element = _element(root, _outside_sections(cleaned))
    except ParseError as exc:
        line, column = exc.position
        message = (
            f"the item is no XML: {str(exc).partition(':')[0]}, in its line {line - 1}, column {column + 1}"
        )
        return WxrPart(number, error=message)
    except DefusedXmlException:
        return WxrPart(number, error="the item declares entities or a DTD; it is not read")
    except _TooManyTagsError:
        return WxrPart(number, error=f"the item has more than {MAX_TAGS:,} tags")
    return WxrPart(number, child_texts(element), element, is_repaired=cleaned != text)


def _element(root: str, text: str) -> Element:
    """Parses a part within its root element, with the namespaces that the root does not declare."""
    markup = _SECTION.sub("", text)
    if markup.count("<") > MAX_TAGS:
        raise _TooManyTagsError
    prefixes = {one or two for one, two in _PREFIX.findall(markup)} - {"xml", "xmlns"}
    declared = {
        prefix: _NAMESPACES.get(prefix, f"urn:undeclared:{prefix}")
        for prefix in sorted(prefixes)
        if f"xmlns:{prefix}=" not in root and f"xmlns:{prefix}=" not in text
    }
    names = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in declared.items())
    # The line of an error is that within the item.
    parsed = fromstring(f"{' '.join(root.split())}{names}>\n{text}</rss>", forbid_dtd=True)
    return cast(Element, parsed)[0]


def _outside_sections(text: str) -> str:
    """The text with its references repaired where they are markup."""
    if "&" not in text:
        return text
    pieces, at = [], 0
    for section in _SECTION.finditer(text):
        pieces.append(_REFERENCE.sub(_reference, text[at : section.start()]))
        pieces.append(section[0])
        at = section.end()
    pieces.append(_REFERENCE.sub(_reference, text[at:]))
    return "".join(pieces)


def _reference(match: re.Match[str]) -> str:
    """A reference as XML knows it: a character for a name of HTML, `&amp;` for an ampersand."""
    if name := match["name"]:
        if name in _XML_NAMES:
            return match[0]
        text = html5.get(f"{name};")
        return text if text and text not in "<>&" else f"&amp;{name};"
    if number := match["number"]:
        code = int(number[1:], 16) if number[0] == "x" else int(number)
        is_valid = code in (9, 10, 13) or 32 <= code < 0x110000
        return match[0] if is_valid and not _FORBIDDEN.match(chr(code)) else ""
    return "&amp;"
