"""Repairs of the HTML of web pages before it becomes blocks: pictures that load late, faces, figures."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from contentql.content.enums import MediaKind
from contentql.formats.article_builder import ArticleBuilder
from contentql.formats.pages.html_tree import Element

_LATE: Final = ("data-src", "data-lazy-src", "data-original", "data-orig-file", "data-full-url", "data-url")
_LATE_SETS: Final = ("srcset", "data-srcset", "data-lazy-srcset")
_FACES: Final = {"emoji", "wp-smiley"}
_BLANK_PICTURE: Final = re.compile(
    r"data:|.*(?:blank|placeholder|spacer|pixel|1x1|lazy)[\w-]*\.(?:gif|png|svg)", re.I
)
_DESCRIPTOR: Final = re.compile(r"\s*([^\s,]\S*[^\s,])(?:\s+([\d.]{1,8})[wx])?\s*(?:,|$)")


class FigureFiles:
    """The files of figures that a reader makes, by address; `media` is a callback of the parser of bodies.

    `add_media` adds a file by address, kind and facts, by default to the builder.
    """

    def __init__(self, builder: ArticleBuilder, add_media: Callable[..., int | None] | None = None) -> None:
        self._builder, self._add_media = builder, add_media or builder.add_media
        self._files: dict[str, tuple[MediaKind, dict[str, str]]] = {}

    def add(self, address: str, kind: MediaKind, **facts: str) -> str:
        """The name of a file in `data-media`; "" if its address cannot be used."""
        name = "".join(self._builder.resolve(address).split())
        if not self._builder.media_address(name):
            return ""
        self._files[name] = kind, facts
        return name

    def media(self, name: str) -> int | None:
        if name not in self._files:
            return None
        kind, facts = self._files[name]
        return self._add_media(name, kind, **facts)

    def make_gallery(self, element: Element) -> None:
        """Replaces an element by the gallery of its pictures, with the caption of the whole below it."""
        captions = {id(caption.parent): caption for caption in element.elements("figcaption")}
        names = []
        for picture in element.elements("img"):
            caption = _caption_beside(picture, element, captions)
            text = caption.text() if caption else ""
            names.append(self.add(picture.get("src"), MediaKind.IMAGE, alt=picture.get("alt"), caption=text))
        if not any(names):
            return
        gallery = Element("figure", {"data-type": "gallery", "data-media": " ".join(filter(None, names))})
        own = captions.get(id(element))
        paragraph = Element("p")
        paragraph.append(own.text() if own else "")
        element.replace(gallery, paragraph)


def _caption_beside(picture: Element, within: Element, captions: Mapping[int, Element]) -> Element | None:
    """The caption of a picture, by the identities of the elements that have one."""
    node = picture.parent
    while node is not None and node is not within:
        if id(node) in captions:
            return captions[id(node)]
        if node.tag in ("figure", "li"):
            break
        node = node.parent
    return None


def repair_pictures(root: Element) -> None:
    """Gives pictures that a script would load their addresses; faces become their characters."""
    for picture in root.elements("img", "picture", "source", "audio", "video"):
        if picture.tag in ("audio", "video"):
            for child in picture.children:  # else a text for browsers that cannot play the file
                if isinstance(child, Element) and child.tag != "source":
                    child.remove()
        elif picture.tag == "img":
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
