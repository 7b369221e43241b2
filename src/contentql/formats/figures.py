"""Pictures in HTML with what stands beside them and no block has: size, credit, reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from contentql.content.blocks import Audio, Image, Video
from contentql.formats.html_safety import UnsafeContentError
from contentql.formats.html_tokenizer import Tag, tokenize_html

MAX_FIGURES: Final = 500
_CREDIT_CLASSES: Final = {"credit", "creditline", "image-credit", "photo-credit"}


@dataclass
class Figure:
    """A picture in HTML. `reference`: the name or URI of the item that it is, "" for none."""

    address: str
    alt: str = ""
    credit: str = ""
    reference: str = ""
    width: int | None = None
    height: int | None = None


def read_figures(html: str) -> list[Figure]:
    """The pictures in HTML in their order, at most MAX_FIGURES."""
    figures: list[Figure] = []
    credit: list[str] | None = None
    depth = 0  # of the elements in that of the credit
    in_figure = False
    try:
        for piece in tokenize_html(html):
            if isinstance(piece, str):
                if credit is not None:
                    credit.append(piece)
            elif piece.name == "figure":
                in_figure = not piece.closes
            elif piece.name == "img" and not piece.closes:
                figures.append(_figure(piece))
                if len(figures) == MAX_FIGURES:
                    break
            elif credit is not None and piece.name in ("span", "cite", "small"):
                depth += -1 if piece.closes else 1
                if depth == 0:
                    figures[-1].credit = figures[-1].credit or " ".join("".join(credit).split())
                    credit = None
            elif in_figure and figures and _is_credit(piece):
                credit, depth = [], 1
    except UnsafeContentError:
        pass  # a tag without an end, which the parser of the body reports
    return figures


def without_credit(block: Image | Video | Audio, credit: str) -> Image | Video | Audio:
    """A media block without the credit of its file at the end of its caption."""
    if not credit or not (block.caption or "").endswith(credit):
        return block
    caption = (block.caption or "").removesuffix(credit).rstrip(" \n|(–—-") or None
    marks = tuple(mark for mark in block.caption_marks if caption and mark.end <= len(caption))
    return block.model_copy(update={"caption": caption, "caption_marks": marks})


def _figure(tag: Tag) -> Figure:
    names = tag.attributes
    return Figure(
        names.get("src", ""),
        " ".join(names.get("alt", "").split()),
        reference=names.get("data-assoc-ref") or names.get("data-uri") or "",
        width=_size(names.get("width", "")),
        height=_size(names.get("height", "")),
    )


def _is_credit(tag: Tag) -> bool:
    classes = set(tag.attributes.get("class", "").lower().split())
    return not tag.closes and tag.name in ("span", "cite", "small") and bool(classes & _CREDIT_CLASSES)


def _size(text: str) -> int | None:
    text = text.strip().removesuffix("px")
    return int(text) or None if text.isascii() and text.isdecimal() and len(text) < 6 else None
