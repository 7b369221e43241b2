"""Reader of XML that is read part by part and need not be well-formed, for feeds.

No library is used: feedparser needs several times the memory of the whole feed, and loses which caption and
size belong to which picture; expat stops at the first error, and errors are common in feeds: an `&`, a `<`,
an entity of HTML, an end tag too many. What is well-formed becomes the same tree as with expat, but entities
that a document declares are never resolved, and nothing outside of it is read.
Invariant: time is linear in the document, memory in its largest part, which has a limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from html import unescape
from html.entities import html5
from typing import Final, NamedTuple
from urllib.parse import urljoin
from xml.etree.ElementTree import Element

XML_BASE: Final = "{http://www.w3.org/XML/1998/namespace}base"
XML_LANG: Final = "{http://www.w3.org/XML/1998/namespace}lang"
MAX_PART: Final = 16 << 20  # characters
MAX_DEPTH: Final = 200  # of elements in a part
_NEVER_NESTED: Final = ("item", "entry")
_MAX_CONTAINERS: Final = 3
_MAX_TAG: Final = 4 << 20
_MAX_REFERENCE: Final = 40

# A value has no `<`, so that no pattern reads beyond the next tag.
_START: Final = re.compile(
    r"""<([A-Za-z_][^\s/<>=]*+)
    ((?:\s++[^\s/<>="']++\s*+=\s*+(?:"[^"<]*+"|'[^'<]*+'))*+)\s*+(/?)>""",
    re.VERBOSE,
)
_LOOSE_START: Final = re.compile(r"<([A-Za-z_][^\s/<>=]*+)([^<>]*+)>")
_ATTRIBUTE: Final = re.compile(r"""([^\s/<>="']++)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'<>]++))""")
_END: Final = re.compile(r"</\s*+([^\s<>]++)[^<>]*+>")
_DOCTYPE_END: Final = re.compile(r"\]\s*+>")
_REFERENCE: Final = re.compile(r"&(?:#[0-9]{1,8}|#[xX][0-9a-fA-F]{1,7}|[A-Za-z][A-Za-z0-9]{1,31});")
_BLANK: Final = re.compile(r"[\t\n]")


class XmlError(Exception):
    """Raised where the rest of a document cannot be read; the message is one sentence."""


class Part(NamedTuple):
    """An element with the base address and the language that it inherits.

    `error`: why the element could not be read; it then has no content.
    """

    element: Element
    base: str = ""
    language: str | None = None
    error: str | None = None


def resolve_references(text: str) -> str:
    """The text with its character references and the entities of HTML resolved; others stay as they are."""
    return _REFERENCE.sub(_character, text) if "&" in text else text


def read_parts(chunks: Iterable[str], containers: frozenset[str]) -> Iterator[Part]:
    """Yields every container, without content when it begins, and every child of one when it ends.

    Containers are the root element, and within it elements with these local names at most three levels deep.
    A root element with another name is a part itself. Raises XmlError if the document ends too early.
    """
    scopes = [_Scope({"": "", "xml": XML_BASE[1:-5]}, "", None)]
    names: list[str] = []  # of open containers
    part: _PartBuilder | None = None
    for token in _tokens(_normalize(chunks)):
        if isinstance(token, str):
            if part:
                part.text(token)
            continue
        if part and part.ends_at(token, names):
            yield part.finish()
            part = None
        if token.closes and part:
            if part.end(token.name):
                yield part.finish()
                part = None
        elif token.closes:
            if token.name in names:
                del names[names.index(token.name) :]
                del scopes[len(names) + 1 :]
        elif part:
            part.start(token)
        else:
            element, scope = scopes[-1].enter(token)
            if _local(element.tag) in containers and len(names) < _MAX_CONTAINERS:
                yield Part(element, scopes[-1].base, scopes[-1].language)
                names.append(token.name)
                scopes.append(scope)
                if token.is_empty:
                    names.pop()
                    scopes.pop()
            else:
                part = _PartBuilder(token.name, element, scopes[-1], scope)
                if token.is_empty:
                    yield part.finish()
                    part = None
        if not names and not part:
            return
    if part:
        raise XmlError(f"the file ends in the middle of an element <{part.name[:50]}>")
    raise XmlError("the file ends before its last end tag, more may be missing" if names else "no XML")


class _Tag(NamedTuple):
    name: str
    attributes: Mapping[str, str]
    closes: bool = False
    is_empty: bool = False


class _Scope(NamedTuple):
    """What elements inherit: namespaces by prefix, base address, language."""

    namespaces: Mapping[str, str]
    base: str
    language: str | None

    def enter(self, tag: _Tag) -> tuple[Element, _Scope]:
        """The element of a tag, and the scope of its children."""
        namespaces = {
            name.partition(":")[2]: value
            for name, value in tag.attributes.items()
            if name == "xmlns" or name.startswith("xmlns:")
        }
        scope = self._replace(namespaces={**self.namespaces, **namespaces}) if namespaces else self
        attributes = {
            scope._name(name, "") if ":" in name else name: value
            for name, value in tag.attributes.items()
            if not name.startswith("xmlns")
        }
        if XML_BASE in attributes:
            scope = scope._replace(base=join_address(scope.base, attributes[XML_BASE]))
        if XML_LANG in attributes:
            scope = scope._replace(language=attributes[XML_LANG])
        return Element(scope._name(tag.name, scope.namespaces[""]), attributes), scope

    def _name(self, name: str, default: str) -> str:
        prefix, colon, local = name.partition(":")
        if not colon:
            return f"{{{default}}}{name}" if default else name
        # A prefix without a declaration stands for itself.
        return f"{{{self.namespaces.get(prefix, prefix)}}}{local}"


def join_address(base: str, address: str) -> str:
    """The address, absolute if the base is."""
    try:
        return urljoin(base, address.strip())
    except ValueError:
        return base


class _PartBuilder:
    """Builds the tree of a part. `name`: of its tag, as written."""

    def __init__(self, name: str, element: Element, outer: _Scope, scope: _Scope) -> None:
        self.name = name
        self._outer = outer
        self._element = element
        self._open = [(name, element, scope)]
        self._deeper = 0  # open elements below the deepest one that is stored
        self._pieces: list[str] = []
        self._size = 0
        self._error: str | None = None

    def text(self, text: str) -> None:
        if self._grow(len(text)):
            self._pieces.append(text)

    def ends_at(self, tag: _Tag, containers: list[str]) -> bool:
        """Whether a tag ends the part, the end tag of which is missing."""
        if tag.closes:
            return tag.name in containers and all(name != tag.name for name, _, _ in self._open)
        is_item = tag.name == self.name and self.name.rpartition(":")[2] in _NEVER_NESTED
        return is_item and len(self._open) == 1

    def start(self, tag: _Tag) -> None:
        if self._deeper or len(self._open) >= MAX_DEPTH:
            self._fail(f"it is nested more than {MAX_DEPTH} levels deep")
            self._deeper += not tag.is_empty
            return
        _, parent, scope = self._open[-1]
        element, scope = scope.enter(tag)
        # The memory of an element without content.
        if self._grow(100 + sum(map(len, tag.attributes.values()))):
            self._end_text()
            parent.append(element)
        if not tag.is_empty:
            self._open.append((tag.name, element, scope))

    def end(self, name: str) -> bool:
        """Handles an end tag; returns whether it is that of the part. One without a start tag is ignored."""
        if self._deeper:
            self._deeper -= 1
            return False
        for index in range(len(self._open) - 1, -1, -1):
            if self._open[index][0] == name:
                self._end_text()
                del self._open[index:]
                break
        return not self._open

    def finish(self) -> Part:
        self._end_text()
        return Part(self._element, self._outer.base, self._outer.language, self._error)

    def _end_text(self) -> None:
        if not self._pieces:
            return
        text, self._pieces = "".join(self._pieces), []
        parent = self._open[-1][1] if self._open else self._element
        if len(parent):
            parent[-1].tail = (parent[-1].tail or "") + text
        else:
            parent.text = (parent.text or "") + text

    def _grow(self, size: int) -> bool:
        self._size += size
        if self._size > MAX_PART:
            self._fail(f"it is larger than {MAX_PART >> 20} MiB")
        return self._error is None

    def _fail(self, reason: str) -> None:
        if self._error is None:
            self._error = reason
            self._pieces = []
            self._element.clear()


def _normalize(chunks: Iterable[str]) -> Iterator[str]:
    """The text with newlines as its line ends."""
    carry = ""
    for chunk in chunks:
        text = carry + chunk
        carry = "\r" if text.endswith("\r") else ""
        yield text.removesuffix(carry).replace("\r\n", "\n").replace("\r", "\n")
    if carry:
        yield "\n"


class _Buffer:
    """The text that is being read: `text` from `at`. More of it is added by `refill`."""

    def __init__(self, chunks: Iterator[str]) -> None:
        self._chunks = chunks
        self.text = ""
        self.at = 0

    def refill(self) -> bool:
        """Adds a chunk; returns False at the end of the document."""
        for chunk in self._chunks:
            self.text = self.text[self.at :] + chunk
            self.at = 0
            return True
        return False

    def until(self, end: re.Pattern[str] | str) -> Iterator[str]:
        """Yields the text up to an end mark of at most three characters, and passes the mark."""
        pattern = re.compile(re.escape(end)) if isinstance(end, str) else end
        while not (match := pattern.search(self.text, self.at)):
            stop = max(self.at, len(self.text) - 3)
            yield self.text[self.at : stop]
            self.at = stop
            if not self.refill():
                yield self.text[self.at :]
                self.at = len(self.text)
                return
        yield self.text[self.at : match.start()]
        self.at = match.end()


def _tokens(chunks: Iterator[str]) -> Iterator[str | _Tag]:
    """Yields texts, with references resolved, and tags."""
    buffer = _Buffer(chunks)
    has_more = True
    while True:
        at = buffer.text.find("<", buffer.at)
        if at < 0:
            stop = len(buffer.text)
            if has_more and (reference := buffer.text.rfind("&", max(buffer.at, stop - _MAX_REFERENCE))) >= 0:
                stop = reference
            yield resolve_references(buffer.text[buffer.at : stop])
            buffer.at = stop
            if not has_more:
                return
            has_more = buffer.refill()
            continue
        if at > buffer.at:
            yield resolve_references(buffer.text[buffer.at : at])
            buffer.at = at
        while has_more and len(buffer.text) - buffer.at < 9:
            has_more = buffer.refill()
        yield from _markup(buffer)


def _markup(buffer: _Buffer) -> Iterator[str | _Tag]:
    """Yields what a `<` begins."""
    text, at = buffer.text, buffer.at
    if text.startswith("<![CDATA[", at):
        buffer.at += 9
        yield from buffer.until("]]>")
    elif text.startswith("<!--", at):
        buffer.at += 4
        _skip(buffer.until("-->"))
    elif text.startswith("<?", at):
        _skip(buffer.until("?>"))
    elif text[at : at + 9].upper() == "<!DOCTYPE":
        # Declarations are not read; the entities that they declare stay as they are written.
        declaration = "".join(part[:1_000] for part in buffer.until(re.compile(r"[\[>]")))
        if buffer.text[buffer.at - 1] == "[" and declaration:
            _skip(buffer.until(_DOCTYPE_END))
    elif text.startswith("</", at) and (match := _match(buffer, _END)):
        yield _Tag(match[1], {}, closes=True)
    elif match := _match(buffer, _START):
        yield _Tag(match[1], _attributes(match[2]), is_empty=bool(match[3]))
    elif match := _match(buffer, _LOOSE_START):
        yield _Tag(match[1], _attributes(match[2]), is_empty=match[2].endswith("/"))
    else:
        buffer.at += 1
        yield "<"


def _match(buffer: _Buffer, pattern: re.Pattern[str]) -> re.Match[str] | None:
    """Passes a tag, which may end in a later chunk."""
    while not (match := pattern.match(buffer.text, buffer.at)):
        is_whole = buffer.text.find("<", buffer.at + 1) >= 0
        if is_whole or len(buffer.text) - buffer.at > _MAX_TAG or not buffer.refill():
            return None
    buffer.at = match.end()
    return match


def _skip(pieces: Iterable[str]) -> None:
    for _ in pieces:
        pass


def _attributes(text: str) -> dict[str, str]:
    attributes: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(text):
        value = next((value for value in match.groups()[1:] if value is not None), "")
        attributes.setdefault(match[1], resolve_references(_BLANK.sub(" ", value)))
    return attributes


def _character(reference: re.Match[str]) -> str:
    name = reference[0][1:]
    return unescape(reference[0]) if name.startswith("#") or name in html5 else reference[0]


def _local(name: str) -> str:
    return name.rpartition("}")[2]
