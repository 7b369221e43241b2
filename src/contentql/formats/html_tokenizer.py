"""Tokenizer of HTML into text and tags by the rules of browsers, in linear time.

No library is used: `html.parser` takes quadratic time for unclosed tags; selectolax takes quadratic time for
nested blocks and returns a repaired tree, which lacks the unfinished tags that must be rejected and the lone
end tags of which inline HTML in Markdown consists. Invariant: independent of blocks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import unescape
from typing import NamedTuple

from contentql.formats.html_safety import Problem, UnsafeContentError, shorten


class Tag(NamedTuple):
    """A start or end tag, its name and attribute names in lower case, and its position in the text."""

    name: str
    closes: bool
    attributes: Mapping[str, str]
    position: int


class LiteralSpace(str):
    """White space written as a character reference, which does not collapse."""


# Elements whose content is not markup. It is skipped: a body has none of them, or only their attributes.
_RAW_TEXT = frozenset(
    ("script", "style", "title", "xml", "textarea", "iframe", "noembed", "noframes", "noscript", "xmp")
)


# As in https://html.spec.whatwg.org/multipage/parsing.html#tokenization; all patterns take linear time.
_MARKUP = re.compile(r"<(?:(?P<comment>!--)|[!?]|/(?![a-zA-Z])|(?P<closes>/?)(?P<name>[a-zA-Z][^ \t\n/>]*))")
_COMMENT_END = re.compile("--!?>")
_ATTRIBUTE = re.compile(
    r"""[\ \t\n/]*+ (?: (?P<end>>) | (?P<name>[^\ \t\n/>][^\ \t\n/>=]*+)
    (?: [\ \t\n]*+ = [\ \t\n]*+
        (?: "(?P<double>[^"]*+)(?:"|\Z) | '(?P<single>[^']*+)(?:'|\Z) | (?P<bare>[^\ \t\n>]*+) ) )? )""",
    re.VERBOSE,
)
_SPACE_REFERENCE = re.compile("&#(?:9|10|32);")
_ZEROS = re.compile(r"(?<=&#)0+(?=[0-9])|(?<=&#[xX])0+(?=[0-9a-fA-F])")
_HUGE = re.compile(r"&#(?:[0-9]{8,}|[xX][0-9a-fA-F]{7,});?")
# In an attribute value, `&copy=1` is no character reference but part of a URL's query.
_REFERENCE = re.compile(r"&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[a-zA-Z][a-zA-Z0-9]*+(?:;|(?!=)))")


def tokenize_html(html: str) -> Iterator[str | Tag]:
    """Yields the texts and tags of an HTML text, without comments.

    The content of scripts, styles and other elements without markup is left out. Raises UnsafeContentError
    where a tag or a comment never ends.
    """
    at = 0
    unclosed: set[str] = set()  # names without an end tag in the rest of the text
    while match := _MARKUP.search(html, at):
        if at < match.start():
            yield from _texts(html[at : match.start()])
        if match["name"]:
            attributes, at = _attributes(html, match.end())
            name = match["name"].lower()
            yield Tag(name, bool(match["closes"]), attributes, match.start())
            if match["closes"]:
                pass
            elif name == "pre" and html.startswith("\n", at):
                at += 1
            elif name in _RAW_TEXT and name not in unclosed:
                end_tag = re.compile(f"</{name}(?=[ \t\n/>])", re.IGNORECASE).search(html, at or len(html))
                at = end_tag.start() if end_tag else at
                unclosed |= set() if end_tag else {name}
        elif match["comment"]:
            # `<!-->` is a complete comment.
            end = _COMMENT_END.search(html, match.start() + 2)
            at = end.end() if end else 0
        else:
            at = html.find(">", match.end()) + 1
        if not at:
            message = f"The text contains a tag or a comment without an end: {shorten(html[match.start() :])}"
            raise UnsafeContentError(
                [Problem(message, "End the tag with >, or write the character < as &lt;.")]
            )
    if at < len(html):
        yield from _texts(html[at:])


def _texts(html: str) -> Iterator[str]:
    """The text between two tags, in pieces where it has references to white space."""
    if "&" not in html:
        yield html
        return
    at = 0
    for space in _SPACE_REFERENCE.finditer(html):
        if at < space.start():
            yield unescape(_numbered(html[at : space.start()]))
        yield LiteralSpace(unescape(space[0]))
        at = space.end()
    if at < len(html):
        yield unescape(_numbered(html[at:]))


def _attributes(html: str, at: int) -> tuple[dict[str, str], int]:
    """Attributes of a tag, the first of each name, and the end of the tag; 0 if it has no end."""
    attributes: dict[str, str] = {}
    while match := _ATTRIBUTE.match(html, at):
        at = match.end()
        if match["end"]:
            return attributes, at
        value = match["double"] or match["single"] or match["bare"] or ""
        if "&" in value:
            value = _REFERENCE.sub(lambda sign: unescape(sign[0]), _numbered(value))
        attributes.setdefault(match["name"].lower(), value)
    return attributes, 0


def _numbered(text: str) -> str:
    """The text with its numeric character references cut to what `unescape` accepts."""
    return _HUGE.sub("\ufffd", _ZEROS.sub("", text)) if "&#" in text else text
