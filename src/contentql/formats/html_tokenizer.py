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

from contentql.formats.html_safety import UnsafeContentError, shorten


class Tag(NamedTuple):
    """A start or end tag, its name and attribute names in lower case."""

    name: str
    closes: bool
    attributes: Mapping[str, str]


# As in https://html.spec.whatwg.org/multipage/parsing.html#tokenization; all patterns take linear time.
_MARKUP = re.compile(r"<(?:(?P<comment>!--)|[!?]|/(?![a-zA-Z])|(?P<closes>/?)(?P<name>[a-zA-Z][^ \t\n/>]*))")
_COMMENT_END = re.compile("--!?>")
_ATTRIBUTE = re.compile(
    r"""[\ \t\n/]*+ (?: (?P<end>>) | (?P<name>[^\ \t\n/>][^\ \t\n/>=]*+)
    (?: [\ \t\n]*+ = [\ \t\n]*+
        (?: "(?P<double>[^"]*+)(?:"|\Z) | '(?P<single>[^']*+)(?:'|\Z) | (?P<bare>[^\ \t\n>]*+) ) )? )""",
    re.VERBOSE,
)
_ZEROS = re.compile(r"(?<=&#)0+(?=[0-9])|(?<=&#[xX])0+(?=[0-9a-fA-F])")
_HUGE = re.compile(r"&#(?:[0-9]{8,}|[xX][0-9a-fA-F]{7,});?")
# In an attribute value, `&copy=1` is no character reference but part of a URL's query.
_REFERENCE = re.compile(r"&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[a-zA-Z][a-zA-Z0-9]*+(?:;|(?!=)))")


def tokenize_html(html: str) -> Iterator[str | Tag]:
    """Yields the texts and tags of an HTML text, without comments.

    Raises UnsafeContentError where a tag or a comment never ends.
    """
    at = 0
    while match := _MARKUP.search(html, at):
        if at < match.start():
            yield unescape(_numbered(html[at : match.start()]))
        if match["name"]:
            attributes, at = _attributes(html, match.end())
            name = match["name"].lower()
            yield Tag(name, bool(match["closes"]), attributes)
            if name == "pre" and not match["closes"] and html.startswith("\n", at):
                at += 1
        elif match["comment"]:
            # `<!-->` is a complete comment.
            end = _COMMENT_END.search(html, match.start() + 2)
            at = end.end() if end else 0
        else:
            at = html.find(">", match.end()) + 1
        if not at:
            raise UnsafeContentError(
                f"The text contains a tag or a comment without an end: {shorten(html[match.start() :])}",
                "End the tag with >, or write the character < as &lt;.",
            )
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
