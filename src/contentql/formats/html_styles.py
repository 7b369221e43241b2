"""What styles and classes of HTML mean for a body, as word processors and web pages write them.

Word, Outlook, Google Docs and Apple Notes put on the clipboard what they show: bold text as a style, list
items as paragraphs, comments and deleted text beside the text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from contentql.formats.text_buffer import OpenMark

_DECLARATION: Final = re.compile(r"([\w-]+)\s*:\s*([^;]*)")
_LIST_LEVEL: Final = re.compile(r"level(\d+)")

STRONG, EM, STRIKE = OpenMark("strong"), OpenMark("em"), OpenMark("strike")
SUB, SUP, CODE = OpenMark("sub"), OpenMark("sup"), OpenMark("code")

TAG_MARKS: Final[Mapping[str, OpenMark]] = {
    "strong": STRONG, "b": STRONG, "em": EM, "i": EM, "s": STRIKE, "strike": STRIKE, "sub": SUB, "sup": SUP,
    "code": CODE, "kbd": CODE, "samp": CODE, "tt": CODE,
}  # fmt: skip

# Elements that readers do not see; their text is left out without a word.
_NOT_TEXT: Final = {
    "style", "title", "xml", "noscript", "noembed", "noframes", "xmp", "template", "meta", "link", "base",
}  # fmt: skip
# Others are left out with a warning, which begins with these words.
_LEFT_OUT: Final = {
    "del": "Deleted text",
    "svg": "A drawing",
    "math": "A formula",
    "canvas": "A drawing",
}
VOID: Final = {"meta", "link", "base", "br", "hr", "img", "image", "source", "input", "wbr", "col", "embed"}


@dataclass(frozen=True)
class ElementStyle:
    """Meaning of an element's tag, style and class.

    `marks`: those of its text. `hidden`: what it is, if readers do not see it; empty if that is no loss.
    `list_level`: of a paragraph that is an item of a list, from 0. `is_list_marker`: the text is the bullet
    or number of such a paragraph.
    """

    marks: tuple[OpenMark, ...] = ()
    hidden: str | None = None
    list_level: int | None = None
    is_list_marker: bool = False


def read_style(tag: str, attributes: Mapping[str, str]) -> ElementStyle:
    """Reads the meaning of an element."""
    marks = {TAG_MARKS[tag]} if tag in TAG_MARKS else set()
    hidden = "" if tag in _NOT_TEXT else _LEFT_OUT.get(tag)
    names, text = attributes.get("class", ""), attributes.get("style", "")
    if "hidden" in attributes and hidden is None:
        hidden = "Hidden text"
    if not names and not text:
        return ElementStyle(tuple(marks), hidden)
    style = {name.lower(): value.strip().lower() for name, value in _DECLARATION.findall(text)}
    marks = _styled_marks(marks, style)
    classes = names.lower().split()
    comment = any(name.startswith(("msocomment", "msocom")) for name in classes)
    if comment or style.get("mso-element") in ("comment", "comment-list") or "mso-comment-reference" in style:
        hidden = "A comment"
    elif hidden is None and _is_invisible(style):
        hidden = "Hidden text"
    mso_list = style.get("mso-list", "")
    level = None
    if tag in ("p", "li") and mso_list not in ("", "none", "ignore"):
        match = _LIST_LEVEL.search(mso_list)
        level = max(0, int(match[1][:2]) - 1) if match else 0
    elif tag == "p" and not mso_list and any(name.startswith("msolistparagraph") for name in classes):
        level = 0
    return ElementStyle(tuple(marks), hidden, level if tag == "p" else None, mso_list == "ignore")


def _styled_marks(marks: set[OpenMark], style: Mapping[str, str]) -> set[OpenMark]:
    weight, slant = style.get("font-weight", ""), style.get("font-style", "")
    if weight in ("bold", "bolder") or (weight.isdecimal() and int(weight[:4]) >= 600):
        marks |= {STRONG}
    elif weight:  # Google Docs wraps everything in a `b` of normal weight
        marks -= {STRONG}
    if slant in ("italic", "oblique"):
        marks |= {EM}
    elif slant:
        marks -= {EM}
    if "line-through" in style.get("text-decoration", "") + style.get("text-decoration-line", ""):
        marks |= {STRIKE}
    position = style.get("vertical-align", "")
    if position in ("super", "sub"):
        marks |= {SUP if position == "super" else SUB}
    elif position == "baseline":
        marks -= {SUB, SUP}
    return marks


def _is_invisible(style: Mapping[str, str]) -> bool:
    return (
        style.get("display", "").startswith("none")
        or style.get("visibility", "").startswith("hidden")
        or style.get("mso-hide", "") == "all"
    )


# A bullet, or a number or letter with a full stop or bracket.
_MARKER: Final = re.compile(
    r"\s*(?:(?P<number>\(?(?:\d{1,9}|[a-zA-Z]|[ivxlcIVXLC]{1,7})[.)])|[·•o§‣▪●○■–*-])(?=\s|\Z)\s*"
)


def split_list_marker(text: str) -> tuple[bool | None, int | None, int]:
    """The marker at the start of a text: whether it is a number (None: no marker), the number, its length."""
    match = _MARKER.match(text)
    if not match:
        return None, None, 0
    if not match["number"]:
        return False, None, match.end()
    digits = match["number"].strip("().")
    return True, int(digits) if digits.isdecimal() else None, match.end()
