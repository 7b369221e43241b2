"""The rules for harmful HTML: tags, attributes, links and characters that a body may not have."""

from __future__ import annotations

import re
from collections.abc import Mapping


class UnsafeContentError(Exception):
    """Raised for a text with unsafe content, with a sentence on the content and a hint."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class OversizedContentError(UnsafeContentError):
    """Raised for a text with more blocks, items, rows, cells or marks than a body may have."""


def require_count(subject: str, count: int, noun: str, limit: int) -> None:
    """Raises OversizedContentError if a subject, such as "A list", has more than `limit` parts."""
    if count > limit:
        raise OversizedContentError(
            f"{subject} has {count:,} {noun}; at most {limit:,} are allowed.",
            "Split the text into several articles.",
        )


_HOSTILE = {
    "script", "style", "iframe", "frame", "frameset", "object", "embed", "applet", "svg", "math", "link",
    "meta", "base", "title", "template", "form", "input", "button", "select", "option", "optgroup",
    "textarea", "fieldset", "datalist", "keygen", "isindex",
    # Browsers parse the content of these as text, other parsers as tags.
    "noscript", "noembed", "noframes", "xmp", "plaintext",
}  # fmt: skip
_ADDRESSES = {
    "href", "src", "srcset", "action", "formaction", "poster", "background", "cite", "longdesc", "data",
    "xlink:href", "ping", "lowsrc", "dynsrc", "codebase", "manifest", "usemap",
}  # fmt: skip
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
# Browsers ignore white space and control characters before and within the scheme of a URL.
_BLANK = r"[\x00-\x20\x7f-\xa0]*+"
_SCHEME = re.compile(
    "|".join(f"(?P<{name}>{_BLANK}{_BLANK.join(f'{name}:')})" for name in ("javascript", "vbscript", "data")),
    re.IGNORECASE,
)


def refuse_controls(text: str) -> None:
    """Raises UnsafeContentError if the text has a control character or half a surrogate pair."""
    if match := _CONTROL.search(text):
        raise UnsafeContentError(
            f"The text contains the control character U+{ord(match[0]):04X}.",
            "Remove the character; lines end with a newline.",
        )


def reject_unsafe(tag: str, attributes: Mapping[str, str]) -> None:
    """Raises UnsafeContentError for a tag, an event handler or a link that could run code."""
    if tag in _HOSTILE:
        raise UnsafeContentError(
            f"The text contains {'an' if tag[0] in 'aeio' else 'a'} <{tag}> tag.",
            "Remove the tag: a body may have text, links, lists, tables and pictures.",
        )
    for name, value in attributes.items():
        if name.startswith("on") and len(name) > 2:
            raise UnsafeContentError(
                f"The text contains an event handler: {shorten(name)} on <{shorten(tag)}>.",
                "Remove the attribute: scripts are not allowed in a body.",
            )
        if name in _ADDRESSES and (scheme := _SCHEME.match(value)):
            raise UnsafeContentError(
                f"The text contains a {scheme.lastgroup}: link.",
                "A link must begin with https:, http:, mailto: or tel:, or be relative.",
            )


def shorten(text: str) -> str:
    """The first 40 characters, with an ellipsis where more follow."""
    return text if len(text) <= 40 else f"{text[:40]}…"
