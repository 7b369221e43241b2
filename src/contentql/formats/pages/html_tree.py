"""Tree of the elements of an HTML text, for readers that change or choose parts before it becomes blocks.

Built on `html_tokenizer` in linear time, without recursion. Invariant: what is
written again has the same texts and tags, but for comments and the content of scripts and styles.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from html import escape
from typing import Final

from contentql.formats.html_safety import UnsafeContentError
from contentql.formats.html_styles import VOID
from contentql.formats.html_tokenizer import LiteralSpace, tokenize_html

_SPACE: Final = re.compile(r"\s+")
# Elements that end at the beginning of another one of their kind.
_ENDS_ITSELF: Final = {"p", "li", "dt", "dd", "option", "tr", "td", "th"}
_KEEPS_OPEN: Final = {
    "li": ("ul", "ol"), "tr": ("table",), "td": ("tr", "table"), "th": ("tr", "table"),
    "dt": ("dl",), "dd": ("dl",),
}  # fmt: skip
# The start tags before which browsers end a paragraph.
_ENDS_PARAGRAPH: Final = {
    "address", "article", "aside", "blockquote", "center", "details", "dialog", "div", "dl", "fieldset",
    "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "main",
    "nav", "ol", "p", "pre", "section", "table", "ul",
}  # fmt: skip


MAX_DEPTH: Final = 128  # of open elements; those within the deepest stand beside it, as in browsers


class Element:
    """An element with its attributes, and its texts and elements in their order.

    An element without a tag, such as the root, stands for what is in it. `is_cut`, of a root: the text ends
    in a tag or comment that never ends.
    """

    __slots__ = ("attributes", "children", "is_cut", "parent", "tag")

    def __init__(self, tag: str, attributes: dict[str, str] | None = None) -> None:
        self.tag = tag
        self.attributes = attributes or {}
        self.children: list[Element | str] = []
        self.parent: Element | None = None
        self.is_cut = False

    def get(self, name: str) -> str:
        """An attribute, "" if it is missing."""
        return self.attributes.get(name, "")

    @property
    def classes(self) -> list[str]:
        return self.get("class").split()

    def append(self, child: Element | str) -> None:
        if isinstance(child, Element):
            child.parent = self
        self.children.append(child)

    def elements(self, *tags: str) -> Iterator[Element]:
        """The elements within it, those of the tags if some are named, in the order of the text."""
        stack: list[Element | str] = list(reversed(self.children))
        while stack:
            node = stack.pop()
            if isinstance(node, Element):
                if node.tag in tags if tags else node.tag:
                    yield node
                stack.extend(reversed(node.children))

    def first(self, *tags: str) -> Element | None:
        """The first element of the tags within it."""
        return next(self.elements(*tags), None)

    def outermost(self, choose: Callable[[Element], bool | None]) -> Iterator[Element]:
        """The elements that are chosen, none of them within another; None leaves out what is within one."""
        stack: list[Element | str] = list(reversed(self.children))
        while stack:
            node = stack.pop()
            if isinstance(node, Element):
                is_chosen = choose(node) if node.tag else False
                if is_chosen:
                    yield node
                elif is_chosen is not None:
                    stack.extend(reversed(node.children))

    def text(self) -> str:
        """The text of all elements within it, with single spaces."""
        pieces: list[str] = []
        stack: list[Element | str] = [self]
        while stack:
            node = stack.pop()
            if isinstance(node, str):
                pieces.append(node)
                continue
            if node.tag in _ENDS_PARAGRAPH or node.tag == "br":
                pieces.append(" ")
            stack.extend(reversed(node.children))
        return _SPACE.sub(" ", "".join(pieces)).strip()

    def remove(self) -> None:
        """Removes the element with everything in it."""
        self.replace()

    def unwrap(self) -> None:
        """Puts what is in the element in its place."""
        self.replace(*self.children)

    def replace(self, *nodes: Element | str) -> None:
        """Puts other nodes in the place of the element, in constant time: it becomes one without a tag."""
        self.tag, self.attributes, self.children = "", {}, []
        for node in nodes:
            self.append(node)

    def html(self) -> str:
        """The HTML of what is in the element, and of the element itself."""
        pieces: list[str] = []
        stack: list[Element | str] = [self]
        while stack:
            node = stack.pop()
            if isinstance(node, _EndTag):
                pieces.append(f"</{node}>")
            elif isinstance(node, str):
                pieces.append(_written(node))
            else:
                if node.tag:
                    attributes = "".join(
                        f' {name}="{escape(value)}"' for name, value in node.attributes.items()
                    )
                    pieces.append(f"<{node.tag}{attributes}>")
                if node.tag and node.tag not in VOID:
                    stack.append(_EndTag(node.tag))
                if node.tag == "pre":
                    pieces.append("\n")  # the first line end in a `pre` is not part of it
                stack.extend(reversed(node.children))
        return "".join(pieces)


class _EndTag(str):
    """The name of an end tag."""


def parse_tree(html: str) -> Element:
    """The root of the tree of a text. Where a tag never ends, the tree ends before it."""
    root = Element("")
    current = root
    depths: Counter[str] = Counter()  # open elements by tag
    depth = 0

    def leave(tag: str) -> None:
        nonlocal current, depth
        while current.parent is not None:
            closed, current = current, current.parent
            depths[closed.tag] -= 1
            depth -= 1
            if closed.tag == tag:
                return

    try:
        for piece in tokenize_html(html.replace("\r\n", "\n").replace("\r", "\n")):
            if isinstance(piece, str):
                current.append(piece)
            elif piece.closes:
                if depths[piece.name]:
                    leave(piece.name)
            else:
                if piece.name in _ENDS_PARAGRAPH and current.tag == "p":
                    leave("p")
                if piece.name in _ENDS_ITSELF and _ends(current, piece.name):
                    leave(piece.name)
                element = Element(piece.name, dict(piece.attributes))
                current.append(element)
                if piece.name not in VOID and depth < MAX_DEPTH:
                    current = element
                    depths[piece.name] += 1
                    depth += 1
    except UnsafeContentError:
        root.is_cut = True
    return root


def _ends(current: Element, tag: str) -> bool:
    """Whether a start tag ends an open element of its kind, with nothing between them but inline elements."""
    node: Element | None = current
    for _ in range(8):
        if node is None or node.tag in _KEEPS_OPEN.get(tag, ()):
            return False
        if node.tag == tag:
            return True
        if node.tag in _ENDS_PARAGRAPH and node.tag != "p":
            return False
        node = node.parent
    return False


def _written(text: str) -> str:
    if isinstance(text, LiteralSpace):
        return f"&#{ord(text)};"
    return escape(text, quote=False)
