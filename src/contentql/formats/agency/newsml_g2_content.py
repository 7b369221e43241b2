"""Content sets of NewsML-G2 items: texts in XHTML, NITF and plain text, and files in several renditions."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from xml.etree.ElementTree import Element

from contentql.content.enums import MediaKind
from contentql.content.media_types import guess_media_type, kind_of_media_type, media_type_of_kind
from contentql.content.records import FormatError, RenditionRecord
from contentql.content.warnings import WarningCode
from contentql.formats.agency.agency_builder import MAX_TEXT, AgencyBuilder
from contentql.formats.agency.newsml_g2_elements import Catalog, child, children, in_language, text_of
from contentql.formats.agency.nitf import NitfDocument, inner_html, read_nitf, to_html
from contentql.formats.agency.xml_stream import local_name, parse_xml

MAX_FILES: Final = 200
MAIN: Final = "main"  # name that the writer gives to the file itself among its renditions
# Renditions of the IPTC that are smaller than the others, whatever their size says.
_SMALL: Final = {"thumbnail", "thumb", "preview", "web", "icon", "sidebar"}


@dataclass
class Text:
    """The text of an item: HTML or plain text; `nitf` is the document that the HTML is from."""

    html: str = ""
    plain: str = ""
    nitf: NitfDocument | None = None


def read_text(builder: AgencyBuilder, content: Element | None, language: str) -> Text:
    """The text of a content set, in the language of the item if there are several: XHTML before NITF before
    plain text."""
    texts: list[tuple[int, int, Text]] = []
    unread: list[str] = []
    parts = in_language(children(content, "inlineXML", "inlineData"), language)
    best_language = parts[0].get("{http://www.w3.org/XML/1998/namespace}lang") if parts else None
    for position, part in enumerate(parts[:MAX_FILES]):
        is_other = part.get("{http://www.w3.org/XML/1998/namespace}lang") != best_language
        text = _inline_xml(part) if local_name(part) == "inlineXML" else _inline_data(builder, part)
        if text:
            rank = 0 if text.html and not text.nitf else 1 if text.html else 2
            texts.append((is_other * 10 + rank, position, text))
        elif len(part) or text_of(part):
            unread.append(part.get("contenttype") or "XML of another kind")
    if not texts:
        for type_ in unread:
            builder.warn(WarningCode.DROPPED, f"the content in {type_[:100]} cannot be read", "blocks")
        return Text()
    return min(texts, key=lambda text: text[:2])[2]


def _inline_xml(part: Element) -> Text | None:
    root = next((inner for inner in part if local_name(inner)), None)
    if root is None:
        return None
    if local_name(root) == "nitf" or child(root, "body", "body.content") is not None:
        document = read_nitf(root)
        return Text(document.html, nitf=document) if document.html or document.headline else None
    if local_name(root) in ("html", "body", "div", "p", "article", "section"):
        body = child(root, "body") if local_name(root) == "html" else None
        if body is not None:
            return Text(inner_html(body))
        return Text("".join(to_html(inner) for inner in part if local_name(inner)))
    return None


def _inline_data(builder: AgencyBuilder, part: Element) -> Text | None:
    data = "".join(part.itertext())[:MAX_TEXT]
    if "base64" in (part.get("encoding") or part.get("encodinguri") or "").lower():
        try:
            data = base64.b64decode("".join(data.split()), validate=True).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            builder.warn(WarningCode.DROPPED, "the content in base64 cannot be read", "blocks")
            return None
    type_ = (part.get("contenttype") or "").lower()
    if not data.strip():
        return None
    if "nitf" in type_ or data.lstrip()[:200].lower().startswith("<nitf"):
        try:
            document = read_nitf(parse_xml(data))
        except FormatError as exc:
            builder.warn(WarningCode.DROPPED, f"the text in NITF cannot be read: {exc}", "blocks")
            return None
        return Text(document.html, nitf=document)
    is_html = "html" in type_ or (not type_ and data.lstrip().startswith("<"))
    if type_ and not is_html and not type_.startswith("text/plain"):
        return None
    return Text(html=data) if is_html else Text(plain=data)


@dataclass(frozen=True)
class RemoteFile:
    """A file of `remoteContent`, with the name of its rendition; "" for none."""

    href: str
    type_: str
    name: str
    element: Element

    def number(self, name: str) -> int | None:
        value = (self.element.get(name) or "").strip()
        return int(value) if value.isascii() and value.isdecimal() and len(value) < 16 else None


def remote_files(parent: Element | None, name: str, catalog: Catalog) -> list[RemoteFile]:
    """The files of the elements of a name, such as `icon`, that have an address; at most MAX_FILES."""
    return list(_remote_files(parent, name, catalog))[:MAX_FILES]


def _remote_files(parent: Element | None, name: str, catalog: Catalog) -> Iterator[RemoteFile]:
    for element in children(parent, name):
        if href := (element.get("href") or "").strip():
            type_ = (element.get("contenttype") or "").partition(";")[0].strip().lower()
            type_ = type_.replace("image/jpg", "image/jpeg")
            is_type = len(type_) <= 100 and type_.isascii() and type_.count("/") == 1 and " " not in type_
            type_ = type_ if is_type else guess_media_type(href) or ""
            yield RemoteFile(href, type_, catalog.name(element, "rendition", "renditionuri"), element)


def file_kind(files: list[RemoteFile]) -> MediaKind | None:
    """The kind of the first of several files that is a picture, film or recording."""
    kinds = (kind_of_media_type(file.type_) for file in files)
    return next((kind for kind in kinds if kind not in (None, MediaKind.DOCUMENT)), None)


def add_files(
    builder: AgencyBuilder, files: list[RemoteFile], kind: MediaKind, facts: dict[str, Any]
) -> int | None:
    """Adds the renditions of one media file. Returns its placeholder; None if none has a usable address.

    The one that is named `main` is the file itself, else the largest one.
    """

    def rank(file: RemoteFile) -> tuple[bool, bool, bool, int]:
        size = (file.number("width") or 0) * (file.number("height") or 0)
        is_of_kind = kind_of_media_type(file.type_) in (kind, None)
        return is_of_kind, file.name == MAIN, file.name.lower() not in _SMALL, size

    usable = [file for file in files if builder.media_address(file.href)]
    for file in files:
        if file not in usable:
            message = f"the file {file.href[:200]!r} has no address on the web"
            builder.warn(WarningCode.DROPPED, message, "media")
    if not usable:
        return None
    best = max(usable, key=rank)
    builder.name_renditions(best.href, [file.href for file in usable])
    others = [file for file in usable if file.name != MAIN]
    records = [record for file in others if (record := _record(builder, file, kind))]
    width, height = best.number("width") or 0, best.number("height") or 0
    size, duration = best.number("size"), best.number("duration")
    return builder.add_media(
        best.href,
        kind,
        mime=best.type_ or None,
        width=width if 0 < width < 1 << 31 else None,
        height=height if 0 < height < 1 << 31 else None,
        bytes=size if size is not None and size < 1 << 53 else None,
        duration=float(duration) if duration else None,
        renditions=tuple(records),
        **facts,
    )


def _record(builder: AgencyBuilder, file: RemoteFile, kind: MediaKind) -> RenditionRecord | None:
    return builder.rendition(
        {
            "name": file.name[:100] or None,
            "url": file.href,
            "mime": file.type_ or media_type_of_kind(file.href, kind),
            "width": file.number("width") or None,
            "height": file.number("height") or None,
            "bytes": file.number("size"),
        }
    )
