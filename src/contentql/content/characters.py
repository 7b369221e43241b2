"""Characters that texts and one-line values may contain, one rule for every input.

A text may contain tabs and line ends. A one-line value (a headline, a language, a URL) may not: in
Markdown, a line end would end the heading, code fence or link that contains the value. Invariant:
independent of any format.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

# The mandatory breaks of https://www.unicode.org/reports/tr14/: BK, CR, LF and NL.
_LINE_ENDS = frozenset("\n\v\f\r\x85\u2028\u2029")
_CONTROL_IN_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_CONTROL_IN_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


# Zero-width characters and the soft hyphen.
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")


def is_visible(text: str) -> bool:
    """Whether a text shows anything: more than spaces of any kind and invisible characters."""
    return bool(_INVISIBLE.sub("", text).strip())


class ForbiddenCharacter(NamedTuple):
    """The first character that a value may not contain; `position` counts code points from 1."""

    name: Literal["a line break", "a control character"]
    position: int


def find_forbidden_character(value: str, *, multiline: bool) -> ForbiddenCharacter | None:
    """Finds the first control character, surrogate or, unless `multiline`, line end of a value."""
    match = (_CONTROL_IN_TEXT if multiline else _CONTROL_IN_LINE).search(value)
    if match is None:
        return None
    line_end = match[0] in _LINE_ENDS and not multiline
    return ForbiddenCharacter("a line break" if line_end else "a control character", match.start() + 1)


def replace_control_characters(text: str) -> str:
    """Replaces control characters of a stored text for display, one for one, so that offsets stay valid.

    Other line ends become newlines, all other control characters U+FFFD.
    """
    if not _CONTROL_IN_TEXT.search(text) and "\r" not in text:
        return text
    text = text.replace("\r\n", " \n").replace("\r", "\n").replace("\v", "\n").replace("\f", "\n")
    return _CONTROL_IN_TEXT.sub("\ufffd", text.replace("\x85", "\n"))
