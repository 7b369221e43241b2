"""Body of a WordPress post: classic paragraphs, blocks of the editor, shortcodes and attachments."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any, Final

import orjson

from contentql.content.blocks import CodeText
from contentql.content.enums import MediaKind
from contentql.content.field_types import MAX_ITEMS
from contentql.content.warnings import WarningCode
from contentql.formats.article_builder import MAX_TAGS, ArticleBuilder
from contentql.formats.body_callbacks import ExternalMedia
from contentql.formats.pages.html_repairs import FigureFiles, repair_pictures
from contentql.formats.pages.html_tree import Element, parse_tree
from contentql.formats.plain_text import html_to_text
from contentql.formats.wordpress.gutenberg import has_blocks, render_blocks
from contentql.formats.wordpress.shortcodes import Shortcode, find_shortcodes, replace_shortcodes
from contentql.formats.wordpress.wpautop import add_paragraphs
from contentql.formats.wordpress.wxr_site import Attachment, Site, is_number, url_stem, urlsplit_path

MAX_CONTENT: Final = 16 * 1024 * 1024  # characters
# Page builders put every element into shortcodes that only lay out what is in them.
_LAYOUT: Final = re.compile(
    r"(?:vc|et_pb|fusion|av|fl|tatsu|mk|cs|x|su)_\w+|row|column|one_half|one_third|two_third"
)
_EMBEDS: Final = {
    "embed", "youtube", "vimeo", "tweet", "twitter", "instagram", "soundcloud", "facebook", "tiktok",
    "dailymotion", "ted", "spotify",
}  # fmt: skip
_CODE: Final = {"sourcecode", "code"}
_GALLERIES: Final = {"wp-block-gallery", "gallery", "blocks-gallery-grid"}
_FILES: Final = {
    "audio": ("src", "mp3", "m4a", "ogg", "wav", "flac", "wma"),
    "video": ("src", "mp4", "m4v", "webm", "ogv", "flv", "wmv", "mov"),
}
_NEEDS_REPAIR: Final = re.compile(
    r"wp-block-(?:pullquote|file|verse)|gallery|data-media|<(?:img|picture|video|audio|cite|sup)\b",
    re.IGNORECASE,
)
_PICTURE: Final = re.compile(r"\s*(?:<a\b[^<>]*>\s*)?<img\b[^<>]*>(?:\s*</a>)?", re.IGNORECASE)
_PAGE_BREAK: Final = re.compile(r"<!--\s*(?:more\b[^<>]{0,200}|nextpage)\s*-->")
_NUMBER_IN_CLASS: Final = re.compile(r"\bwp-image-(\d{1,18})\b")


class PostBody:
    """Makes the blocks of a post. `number` is the id of the post, to which attachments belong."""

    def __init__(self, builder: ArticleBuilder, site: Site, number: int | None) -> None:
        self._builder, self._site, self._number = builder, site, number
        self.used: set[int] = set()  # ids of the attachments that the post shows
        self._files = FigureFiles(builder, self._add_file)
        self._known: dict[tuple[str, MediaKind], int] = {}  # attachments by the stem of their address
        self._pages: set[str] = set()  # of attachments
        self._notes: Sequence[Mapping[str, Any]] = ()

    def read(self, content: str, footnotes: str = "") -> None:
        """Sets the body of the builder. `footnotes`: those of the post, as JSON."""
        self._notes = _footnotes(footnotes)
        html = self._rendered(content.replace("\r\n", "\n").replace("\r", "\n"), 0)
        html = self._without_shortcodes(html)
        if not has_blocks(content):
            html = add_paragraphs(_PAGE_BREAK.sub("\n\n", html))
        if html.count("<") > MAX_TAGS or not _NEEDS_REPAIR.search(html):
            self._builder.html_body(html)
            self._report_shortcodes()
            return
        root = parse_tree(html)
        if root.is_cut:
            message = "a tag or comment has no end; what follows it was left out"
            self._builder.warn(WarningCode.DROPPED, message, "blocks")
        self._index_attachments(html)
        repair_pictures(root)
        for element in root.elements():
            self._repair(element)
        callbacks = dataclasses.replace(
            self._builder.callbacks, media=self._files.media, external=self._external
        )
        self._builder.html_body(root.html(), callbacks)
        self._report_shortcodes()

    def _report_shortcodes(self) -> None:
        """Warns of what is left of shortcodes in the text."""
        rest = {
            name
            for block in self._builder.get("blocks")
            if not isinstance(block, CodeText)
            for text in (getattr(block, "text", ""),)
            for name in find_shortcodes(text or "")
        }
        for name in sorted(rest)[:20]:
            message = f"the shortcode [{name}] is not known; it is in the text as it was written"
            self._builder.warn(WarningCode.CHANGED, message, "blocks", f"[{name}]")

    def add_attachment(self, number: int, caption: str = "") -> int | None:
        """Adds an attachment as a media file. Returns its placeholder; None if the export lacks it."""
        attachment = self._site.attachment(number)
        if attachment is None:
            return None
        self.used.add(number)
        return self._add(attachment, caption=caption)

    def _add(self, attachment: Attachment, **fields: Any) -> int | None:
        known = {
            "alt": attachment.alt, "caption": attachment.caption, "credit": attachment.credit,
            "copyright": attachment.copyright,
            "width": int(attachment.width) if attachment.width else None,
            "height": int(attachment.height) if attachment.height else None,
        }  # fmt: skip
        own = {name: value for name, value in fields.items() if value}
        return self._builder.add_media(attachment.url, attachment.kind, **{**known, **own})

    # Blocks of the editor

    def _rendered(self, content: str, depth: int) -> str:
        if not has_blocks(content):
            return content

        def render(name: str, attributes: Mapping[str, Any]) -> str:
            return self._dynamic(name, attributes, depth)

        def hide(name: str, html: str) -> None:
            text = html_to_text(html)[:100]
            message = f"a block that is hidden from readers was left out: {name}"
            self._builder.warn(WarningCode.DROPPED, message, "blocks", text or None)

        return render_blocks(content, render, hide)

    def _dynamic(self, name: str, attributes: Mapping[str, Any], depth: int) -> str:
        """The HTML of a block that is made when the page is shown."""
        reference, url = attributes.get("ref"), attributes.get("url")
        if name == "block" and isinstance(reference, int) and reference in self._site.blocks and depth < 3:
            return self._rendered(self._site.blocks[reference], depth + 1)
        if name == "footnotes" and self._notes:
            notes = "".join(f"<li>{note.get('content', '')}</li>" for note in self._notes)
            return f"<ol>{notes}</ol>"
        if name in ("embed",) or name.startswith("core-embed/"):
            return _embed(str(url)) if url else ""
        message = f"the block {name!r} has no text of its own and was left out"
        if name == "block":
            message = f"the reusable block {reference} is not in the export and was left out"
        self._builder.warn(WarningCode.DROPPED, message, "blocks", name)
        return ""

    # Shortcodes

    def _without_shortcodes(self, html: str) -> str:
        if "[" not in html:
            return html
        layout = {name for name in find_shortcodes(html) if _LAYOUT.fullmatch(name)}
        handlers: dict[str, Callable[[Shortcode], str]] = {
            "caption": self._captioned, "wp_caption": self._captioned, "gallery": self._gallery,
            "audio": self._played, "video": self._played, "playlist": self._playlist,
            **dict.fromkeys(_EMBEDS, self._embedded), **dict.fromkeys(_CODE, self._code),
        }  # fmt: skip

        def replace(shortcode: Shortcode) -> str:
            handler = handlers.get(shortcode.name)
            return handler(shortcode) if handler else shortcode.content or ""

        for name in sorted(layout)[:20]:
            message = f"the shortcode [{name}] of a page builder was removed, its text stays"
            self._builder.warn(WarningCode.CHANGED, message, "blocks", f"[{name}]")
        return replace_shortcodes(html, {*handlers, *(name.lower() for name in layout)}, replace)

    def _captioned(self, shortcode: Shortcode) -> str:
        content = shortcode.content or ""
        picture = _PICTURE.match(content)
        caption = shortcode.get("caption") or (content[picture.end() :] if picture else "")
        shown = picture[0] if picture else content
        if not shown.strip():
            return ""
        return f"\n\n<figure>{shown.strip()}<figcaption>{caption.strip()}</figcaption></figure>\n\n"

    def _gallery(self, shortcode: Shortcode) -> str:
        names = shortcode.get("ids", "include")
        excluded = set(re.split(r"[\s,]+", shortcode.get("exclude")))
        if names:
            numbers = [int(name) for name in re.split(r"[\s,]+", names) if is_number(name)]
        else:
            attached = self._site.attached.get(self._number or 0, [])
            numbers = [number for number in attached if str(number) not in excluded]
        shown = self._attachments(numbers, MediaKind.IMAGE, explicit=bool(names))
        if not shown:
            message = "a gallery has no pictures that are in the export and was left out"
            self._builder.warn(WarningCode.DROPPED, message, "blocks", shortcode.source[:200])
            return ""
        return self._figure("gallery", shown)

    def _attachments(self, numbers: Sequence[int], kind: MediaKind, *, explicit: bool) -> list[Attachment]:
        shown = []
        for number in numbers[:MAX_ITEMS]:
            attachment = self._site.attachment(number)
            if attachment is not None and attachment.kind is kind:
                self._note(attachment, number)
                shown.append(attachment)
            elif explicit:
                reason = "is not in the export" if attachment is None else f"is no {kind.value.lower()}"
                message = f"the attachment {number} {reason} and was left out"
                self._builder.warn(WarningCode.DROPPED, message, "media", str(number))
        if len(numbers) > MAX_ITEMS:
            message = f"of {len(numbers):,} files, those after the first {MAX_ITEMS:,} were left out"
            self._builder.warn(WarningCode.DROPPED, message, "media")
        return shown

    def _playlist(self, shortcode: Shortcode) -> str:
        kind = MediaKind.VIDEO if shortcode.get("type") == "video" else MediaKind.AUDIO
        names = shortcode.get("ids", "include")
        numbers = [int(name) for name in re.split(r"[\s,]+", names) if is_number(name)]
        shown = self._attachments(
            numbers or self._site.attached.get(self._number or 0, []), kind, explicit=bool(names)
        )
        if not shown:
            message = "a playlist has no files that are in the export and was left out"
            self._builder.warn(WarningCode.DROPPED, message, "blocks", shortcode.source[:200])
        name = kind.value.lower()
        return "".join(self._figure(name, [file], file.caption or file.title) for file in shown)

    def _played(self, shortcode: Shortcode) -> str:
        values = shortcode.values[0] if shortcode.values else ""
        url = shortcode.get(*_FILES[shortcode.name]) or values or (shortcode.content or "").strip()
        if not url or "<" in url:
            return shortcode.content or ""
        address = self._builder.resolve(url)
        if not self._builder.media_address(address) or not re.search(r"\.\w{2,5}$", urlsplit_path(address)):
            return _embed(address)
        kind = MediaKind.AUDIO if shortcode.name == "audio" else MediaKind.VIDEO
        return self._figure(shortcode.name, [Attachment(address)], kind=kind)

    def _embedded(self, shortcode: Shortcode) -> str:
        content = html_to_text(shortcode.content or "")
        words = [*shortcode.values, shortcode.get("url", "src", "href", "id"), content]
        value = next((word.lstrip("=") for word in words if word), "")
        if not value.startswith(("http:", "https:", "//")):
            form = {"youtube": "https://www.youtube.com/watch?v=", "vimeo": "https://vimeo.com/"}
            if shortcode.name not in form or not re.fullmatch(r"[\w-]{1,40}", value):
                return shortcode.source + (shortcode.content or "")
            value = form[shortcode.name] + value
        return _embed(f"https:{value}" if value.startswith("//") else value)

    def _code(self, shortcode: Shortcode) -> str:
        if shortcode.content is None:
            return shortcode.source
        language = re.sub(r"[^\w+#-]", "", shortcode.get("language", "lang"))[:40].lower()
        attribute = f' class="language-{language}"' if language else ""
        text = shortcode.content.strip("\n")
        text = text if "&lt;" in text else escape(text, quote=False)
        return f"\n\n<pre><code{attribute}>{text}</code></pre>\n\n"

    def _figure(
        self, name: str, files: Sequence[Attachment], caption: str = "", kind: MediaKind | None = None
    ) -> str:
        names = (self._files.add(file.url, kind or file.kind) for file in files)
        text = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
        media = escape(" ".join(filter(None, names)))
        return f'\n\n<figure data-type="{name}" data-media="{media}">{text}</figure>\n\n'

    # Elements

    def _repair(self, element: Element) -> None:
        """Gives an element of WordPress the form that blocks are made of."""
        classes = set(element.classes)
        if element.tag in ("figure", "ul", "div") and classes & _GALLERIES:
            self._files.make_gallery(element)
        elif element.tag in ("figure", "blockquote") and "wp-block-pullquote" in classes:
            quote = element.first("blockquote") if element.tag == "figure" else element
            if quote is not None and quote is not element:
                quote.unwrap()
            _sign(element)
            element.tag, element.attributes = "aside", {}
        elif element.tag == "blockquote":
            _sign(element)
        elif element.tag == "div" and "wp-block-file" in classes:
            for link in element.elements("a", "object"):
                if "wp-block-file__button" in link.classes or link.tag == "object":
                    link.remove()
            element.tag = "p"
        elif element.tag == "pre" and "wp-block-verse" in classes:
            lines = add_paragraphs("".join(c if isinstance(c, str) else c.html() for c in element.children))
            verse = parse_tree(lines)
            element.replace(verse)
        elif element.tag == "sup" and "fn" in classes and (link_element := element.first("a")):
            link_element.unwrap()
        elif element.tag == "a":
            self._linked_picture(element)

    def _linked_picture(self, link: Element) -> None:
        """Warns of the link of a picture, unless it leads to the picture itself or its page."""
        picture = link.first("img")
        if picture is None or link.text():
            return
        target, source = link.get("href"), picture.get("src")
        if target and url_stem(target) != url_stem(source) and target not in self._pages:
            message = "a picture was a link, which no block can hold"
            self._builder.warn(WarningCode.DROPPED, message, "blocks", target[:200])

    # Media

    def _index_attachments(self, html: str) -> None:
        """Notes the attachments that the post may show, so that addresses lead to what is known of them."""
        numbers = {int(number) for number in _NUMBER_IN_CLASS.findall(html)}
        for number in (*self._site.attached.get(self._number or 0, ()), *sorted(numbers)):
            if attachment := self._site.attachment(number):
                self._note(attachment, number)

    def _note(self, attachment: Attachment, number: int) -> None:
        self._known[url_stem(attachment.url), attachment.kind] = number
        self._pages.add(attachment.link)

    def _external(self, media: ExternalMedia) -> int | None:
        """The placeholder of a media file: of the original, where the address is that of a smaller copy."""
        return self._add_file(media.url, media.kind, alt=media.alt or "")

    def _add_file(self, url: str, kind: MediaKind, **fields: Any) -> int | None:
        number = self._known.get((url_stem(url), kind))
        if number is not None and (attachment := self._site.attachment(number)):
            self.used.add(number)
            return self._add(attachment, **fields)
        return self._builder.add_media(url, kind, **fields)


def _sign(quote: Element) -> None:
    """Puts the name below a quotation on a line of its own."""
    for cite in quote.elements("cite"):
        text = cite.text().lstrip("—–- ")
        line = Element("p")
        line.append(f"— {text}")
        cite.replace(*([line] if text else []))


def _embed(url: str) -> str:
    return f'\n\n<figure class="wp-block-embed">{escape(url)}</figure>\n\n'


def _footnotes(text: str) -> list[Mapping[str, Any]]:
    if not text.startswith("["):
        return []
    try:
        values = orjson.loads(text)
    except orjson.JSONDecodeError:
        return []
    return [value for value in values if isinstance(value, dict) and isinstance(value.get("content"), str)]
