"""The rules for active content in HTML: tags, attributes, links and characters that a body may not have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple


class Problem(NamedTuple):
    """A sentence on unsafe content, with its place, and a hint."""

    message: str
    hint: str


class UnsafeContentError(Exception):
    """Raised for a text with unsafe content: everything that is unsafe, in the order of the text."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems[0].message)
        self.problems = tuple(problems)

    @property
    def message(self) -> str:
        return self.problems[0].message


class OversizedContentError(UnsafeContentError):
    """Raised for a text with more blocks, items, rows, cells or marks than a body may have."""


def require_count(subject: str, count: int, noun: str, limit: int) -> None:
    """Raises OversizedContentError if a subject, such as "A list", has more than `limit` parts."""
    if count > limit:
        message = f"{subject} has {count:,} {noun}; at most {limit:,} are allowed."
        raise OversizedContentError([Problem(message, "Split the text into several articles.")])


_ACTIVE: Final = {
    "script", "frame", "frameset", "iframe", "object", "embed", "applet", "form", "input", "button", "select",
    "option", "optgroup", "textarea", "fieldset", "datalist", "keygen", "isindex", "plaintext",
}  # fmt: skip
# Active elements whose text is the label of a control.
CONTROLS: Final = frozenset(("button", "select", "textarea", "datalist", "keygen", "isindex"))
_ADDRESSES: Final = {
    "href", "src", "srcset", "action", "formaction", "poster", "background", "cite", "longdesc", "data",
    "xlink:href", "ping", "lowsrc", "dynsrc", "codebase", "manifest", "usemap",
}  # fmt: skip
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
# Browsers ignore white space and control characters before and within the scheme of a URL.
_BLANK: Final = r"[\x00-\x20\x7f-\xa0]*+"
_SCHEME: Final = re.compile(
    "|".join(f"(?P<{name}>{_BLANK}{_BLANK.join(f'{name}:')})" for name in ("javascript", "vbscript", "data")),
    re.IGNORECASE,
)


def remove_controls(text: str) -> tuple[str, Problem | None]:
    """The text without control characters and halves of surrogate pairs, and a problem if it has any."""
    match = _CONTROL.search(text)
    if match is None:
        return text, None
    message = f"The text contains the control character U+{ord(match[0]):04X}."
    problem = Problem(message, "Remove the character; lines end with a newline.")
    return _CONTROL.sub("", text), problem


def active_content(tag: str, attributes: Mapping[str, str]) -> Iterator[Problem]:
    """Every problem of a tag that could run code or ask readers for input: its name, handlers and links."""
    if tag in _ACTIVE:
        yield Problem(
            f"The text contains {'an' if tag[0] in 'aeio' else 'a'} <{tag}> tag.",
            "Remove the tag: a body may have text, links, lists, tables, pictures and embeds.",
        )
    for name, value in attributes.items():
        if name.startswith("on") and len(name) > 2:
            yield Problem(
                f"The text contains an event handler: {shorten(name)} on <{shorten(tag)}>.",
                "Remove the attribute: scripts are not allowed in a body.",
            )
        elif name == "srcdoc":
            yield Problem("The text contains a document in an attribute: srcdoc.", "Remove the attribute.")
        elif name in _ADDRESSES and (scheme := _SCHEME.match(value)):
            if scheme.lastgroup == "data" and name in ("src", "srcset"):
                continue  # a picture, which is left out
            yield Problem(
                f"The text contains a {scheme.lastgroup}: link.",
                "A link must begin with https:, http:, mailto: or tel:, or be relative.",
            )


def is_active(tag: str) -> bool:
    """Whether a tag itself is active content, whatever its attributes."""
    return tag in _ACTIVE


def safe_attributes(attributes: Mapping[str, str]) -> dict[str, str]:
    """The attributes without those that `active_content` has problems with."""
    return {
        name: value
        for name, value in attributes.items()
        if name != "srcdoc"
        and not (name.startswith("on") and len(name) > 2)
        and not (name in _ADDRESSES and _SCHEME.match(value))
    }


def shorten(text: str) -> str:
    """The first 40 characters, with an ellipsis where more follow."""
    return text if len(text) <= 40 else f"{text[:40]}…"
