"""Body of a Ghost post: its HTML, else the document of the editor, with cards in the form of blocks."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from html import escape
from typing import Any, Final

import orjson

from contentql.content.enums import MediaKind
from contentql.content.warnings import WarningCode
from contentql.formats.article_builder import MAX_TAGS, ArticleBuilder
from contentql.formats.ghost.ghost_cards import lexical_html, mobiledoc_html
from contentql.formats.pages.html_repairs import FigureFiles, repair_pictures
from contentql.formats.pages.html_tree import Element, parse_tree

_KINDS: Final = {"img": MediaKind.IMAGE, "video": MediaKind.VIDEO, "audio": MediaKind.AUDIO}
MAX_TEXT: Final = 16 * 1024 * 1024  # characters of a body


def read_body(builder: ArticleBuilder, row: Mapping[str, Any], locate: Callable[[str], str]) -> None:
    """Sets the body of a post: of the first of HTML, Lexical, Mobiledoc, Markdown and text that it has.

    `locate` puts the address of the site into a text.
    """

    def warn(code: WarningCode, message: str) -> None:
        builder.warn(code, message, "blocks")

    def text(name: str) -> str:
        value = row.get(name)
        if not isinstance(value, str) or not value.strip():
            return ""
        if len(value) > MAX_TEXT:
            warn(WarningCode.DROPPED, f"{name} has more than {MAX_TEXT:,} characters and was left out")
            return ""
        return locate(value)

    html = text("html")
    html = html or lexical_html(_document(text("lexical"), warn), warn)
    html = html or mobiledoc_html(_document(text("mobiledoc"), warn), warn)
    if html:
        _Body(builder).read(html)
    elif markdown := text("markdown"):
        builder.markdown_body(markdown)
    else:
        builder.text_body(text("plaintext"))


def _document(text: str, warn: Callable[[WarningCode, str], None]) -> Any:
    if not text:
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        warn(WarningCode.DROPPED, "the document of the editor is not JSON and was left out")
        return None


class _Body:
    def __init__(self, builder: ArticleBuilder) -> None:
        self._builder = builder
        self._files = FigureFiles(builder)

    def read(self, html: str) -> None:
        if html.count("<") > MAX_TAGS:
            self._builder.html_body(html)
            return
        root = parse_tree(html)
        if root.is_cut:
            message = "a tag or comment has no end; what follows it was left out"
            self._builder.warn(WarningCode.DROPPED, message, "blocks")
        repair_pictures(root)
        for element in root.elements():
            self._repair(element, set(element.classes))
        callbacks = dataclasses.replace(self._builder.callbacks, media=self._files.media)
        self._builder.html_body(root.html(), callbacks)

    def _repair(self, element: Element, classes: set[str]) -> None:
        if "kg-gallery-card" in classes:
            self._files.make_gallery(element)
        elif "kg-bookmark-card" in classes:
            _bookmark(element)
        elif "kg-file-card" in classes:
            _file(element)
        elif "kg-audio-card" in classes or "kg-video-card" in classes:
            _player(element)
        elif "kg-callout-card" in classes:
            for child in element.elements("div"):
                child.tag = "span"
                child.append(" ")
            element.tag = "p"
        elif "kg-toggle-card" in classes or "kg-product-card" in classes or "kg-header-card" in classes:
            for drawing in element.elements("svg", "button"):
                drawing.remove()
        elif element.tag in _KINDS and element.get("src").startswith("/"):
            name = self._files.add(element.get("src"), _KINDS[element.tag], alt=element.get("alt"))
            element.attributes.update({"data-media": name} if name else {})
        elif classes & {"kg-signup-card", "kg-email-card", "kg-email-cta-card"}:
            message = "a card for signing up or for newsletters was left out"
            self._builder.warn(WarningCode.DROPPED, message, "blocks", element.text()[:100] or None)
            element.remove()


def _by_class(element: Element, name: str) -> str:
    """The text of the first element of a class within another."""
    return next((child.text() for child in element.elements() if name in child.classes), "")


def _bookmark(card: Element) -> None:
    link = card.first("a")
    if link is None or not link.get("href"):
        return
    title = _by_class(card, "kg-bookmark-title") or link.text() or link.get("href")
    caption = card.first("figcaption")
    text = caption.text() if caption else ""
    shown = parse_tree(
        f'<p data-type="related_link"><a href="{escape(link.get("href"))}">{escape(title)}</a></p>'
    )
    card.replace(shown, *(parse_tree(f"<p>{escape(text)}</p>").children if text else ()))


def _file(card: Element) -> None:
    link = card.first("a")
    if link is None:
        return
    names = ("kg-file-card-title", "kg-file-card-filename")
    title = next((text for name in names if (text := _by_class(card, name))), link.get("href"))
    caption = _by_class(card, "kg-file-card-caption")
    html = f'<p><a href="{escape(link.get("href"))}">{escape(title)}</a></p>'
    card.replace(parse_tree(html + (f"<p>{escape(caption)}</p>" if caption else "")))


def _player(card: Element) -> None:
    """Leaves the recording of a player, without its buttons and pictures."""
    media = card.first("audio", "video")
    if media is None:
        return
    source = media.get("src") or next((s.get("src") for s in media.elements("source") if s.get("src")), "")
    caption = card.first("figcaption")
    text = caption.text() if caption else _by_class(card, "kg-audio-title")
    shown = f"<figcaption>{escape(text)}</figcaption>" if text else ""
    card.replace(parse_tree(f'<figure><{media.tag} src="{escape(source)}"></{media.tag}>{shown}</figure>'))
