"""Repairs of the HTML of web pages before it becomes blocks: pictures that load late, faces, figures."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from contentql.formats.html_tree import Element

_LATE: Final = ("data-src", "data-lazy-src", "data-original", "data-orig-file", "data-full-url", "data-url")
_LATE_SETS: Final = ("srcset", "data-srcset", "data-lazy-srcset")
_FACES: Final = {"emoji", "wp-smiley"}
_BLANK_PICTURE: Final = re.compile(
    r"data:|.*(?:blank|placeholder|spacer|pixel|1x1|lazy)[\w-]*\.(?:gif|png|svg)", re.I
)
_DESCRIPTOR: Final = re.compile(r"\s*([^\s,]\S*[^\s,])(?:\s+([\d.]{1,8})[wx])?\s*(?:,|$)")


def repair_pictures(root: Element) -> None:
    """Gives pictures that a script would load their addresses; faces become their characters."""
    for picture in root.elements("img", "picture", "source"):
        if picture.tag == "img":
            _repair_picture(picture)
        elif picture.tag == "picture":
            picture.unwrap()
        elif not picture.get("src"):
            picture.remove()  # another size of a picture


def _repair_picture(picture: Element) -> None:
    if _FACES & set(picture.classes):
        picture.replace(picture.get("alt"))
        return
    source = picture.get("src").strip()
    if source and not _BLANK_PICTURE.match(source[:300]):
        return
    for name in _LATE:
        if picture.get(name).strip():
            picture.attributes["src"] = picture.get(name)
            return
    sets = (picture.get(name) for name in _LATE_SETS if picture.get(name))
    if largest := next((url for text in sets if (url := largest_of_set(text))), ""):
        picture.attributes["src"] = largest


def largest_of_set(text: str) -> str:
    """The address of the largest picture of a `srcset`."""
    sizes = [
        (float(size) if size.count(".") <= 1 and size.strip(".") else 0.0, url)
        for url, size in _DESCRIPTOR.findall(text[:20_000])
    ]
    return max(sizes, key=lambda size: size[0])[1] if sizes else ""


def make_gallery(element: Element, show: Callable[[Sequence[Element]], Element]) -> None:
    """Replaces an element by the gallery of its pictures, with the caption of the whole below it."""
    captions = [
        child for child in element.children if isinstance(child, Element) and child.tag == "figcaption"
    ]
    text = " ".join(filter(None, (caption.text() for caption in captions)))
    pictures = list(element.elements("img"))
    if not pictures:
        return
    gallery = show(pictures)
    paragraph = Element("p")
    paragraph.append(text)
    element.replace(gallery, *([paragraph] if text else []))


def caption_of(picture: Element, within: Element) -> str:
    """The text of the `figcaption` beside a picture, within another element."""
    node = picture.parent
    while node is not None and node is not within:
        caption = node.first("figcaption")
        if caption is not None:
            return caption.text()
        if node.tag in ("figure", "li"):
            break
        node = node.parent
    return ""
