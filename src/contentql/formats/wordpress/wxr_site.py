"""What a WordPress export says of the whole site: authors, sections, tags, attachments, reusable blocks.

Items refer to all of these, also to those that come later in the file, so a first pass collects them.
Invariant: serialised PHP is never unserialised; strings are read from it by their length.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from contentql.content.enums import MediaKind
from contentql.content.media_types import guess_media_type, kind_of_media_type
from contentql.content.records import FormatError
from contentql.formats.pages.credits import is_credit
from contentql.formats.plain_text import html_to_text, without_email
from contentql.formats.wordpress.wxr_items import WxrPart, child_texts

MAX_BLOCK_TEXT: Final = 16 * 1024 * 1024  # characters of all reusable blocks
MAX_DEPTH: Final = 6  # of sections
_SEPARATOR: Final = "\x1f"  # no text of an export has it
_SIZE_IN_NAME: Final = re.compile(r"(?:-\d{1,5}x\d{1,5}|-scaled|-rotated|-e\d{10,13}(?:-\d{1,5}x\d{1,5})?)$")
_CREDIT_KEYS: Final = (
    "_media_credit", "media_credit", "_credit", "credit", "photo_credit", "_photo_credit", "image_credit",
    "_image_credit", "credits", "isc_image_source", "_navis_media_credit_org", "photographer",
)  # fmt: skip


class Attachment(NamedTuple):
    """A file of the media library."""

    url: str
    title: str = ""
    alt: str = ""
    caption: str = ""
    description: str = ""
    credit: str = ""
    copyright: str = ""
    width: str = ""
    height: str = ""
    link: str = ""

    @property
    def kind(self) -> MediaKind:
        mime = guess_media_type(self.url)
        return MediaKind.IMAGE if mime is None else kind_of_media_type(mime) or MediaKind.DOCUMENT


class Term(NamedTuple):
    """A section of the export; `parent` is the slug of the one above."""

    name: str
    slug: str
    parent: str = ""
    number: str = ""


@dataclass
class Site:
    """`attachments` are those of the export by id, as one text each; `attached` their ids by that of the post
    to which they were uploaded."""

    address: str = ""
    language: str = ""
    authors: dict[str, str] = field(default_factory=dict)
    sections: dict[str, Term] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    attachments: dict[int, str] = field(default_factory=dict)
    attached: dict[int, list[int]] = field(default_factory=dict)
    blocks: dict[int, str] = field(default_factory=dict)
    blocks_length: int = 0

    def attachment(self, number: int) -> Attachment | None:
        text = self.attachments.get(number)
        return Attachment(*text.split(_SEPARATOR)) if text else None

    def section_path(self, slug: str, name: str) -> list[Term]:
        """The sections from the top down to the one of a slug; a circle of parents is cut."""
        path: list[Term] = []
        term: Term | None = self.sections.get(slug) or Term(name or slug, slug)
        while term and term not in path and len(path) < MAX_DEPTH:
            path.append(term)
            term = self.sections.get(term.parent)
        return path[::-1]


def read_site(parts: Iterable[WxrPart]) -> Site:
    """Collects the site from a pass over all parts of an export; of a file that is cut off, what there is."""
    site = Site()
    try:
        for part in parts:
            if part.number == 0:
                _read_head(site, part)
            elif part.error is None:
                _read_item(site, part)
    except FormatError:
        pass  # reported in the second pass
    return site


def url_stem(url: str) -> str:
    """The path of a file without its ending and the size that WordPress adds to the names of copies."""
    path = urlsplit_path(url)
    return _SIZE_IN_NAME.sub("", path.rpartition(".")[0] or path)


def urlsplit_path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return ""


def post_meta(part: WxrPart) -> Iterator[tuple[str, str]]:
    """Keys and values of the fields of an item, as text."""
    for element in part.children("wp:postmeta"):
        texts = child_texts(element)
        if key := texts.get("wp:meta_key"):
            yield key, texts.get("wp:meta_value", "")


def is_number(text: str) -> bool:
    """Whether a text is an id of WordPress."""
    return text.isascii() and text.isdecimal() and len(text) <= 18


def _read_head(site: Site, part: WxrPart) -> None:
    site.address = (part.get("wp:base_blog_url") or part.get("link") or part.get("wp:base_site_url")).rstrip(
        "/"
    )
    site.language = part.get("language")
    for element in part.children("wp:author"):
        texts = child_texts(element)
        full = f"{texts.get('wp:author_first_name', '')} {texts.get('wp:author_last_name', '')}".strip()
        shown = without_email(texts.get("wp:author_display_name", ""))
        site.authors[texts.get("wp:author_login", "")] = html_to_text(shown or full)
    for element in part.children("wp:category"):
        texts = child_texts(element)
        slug = texts.get("wp:category_nicename", "")
        name, number = texts.get("wp:cat_name") or slug, texts.get("wp:term_id", "")
        site.sections[slug] = Term(name, slug, texts.get("wp:category_parent", ""), number)
    for element in part.children("wp:tag"):
        texts = child_texts(element)
        site.tags[texts.get("wp:tag_slug", "")] = texts.get("wp:tag_name", "")
    for element in part.children("wp:term"):
        texts = child_texts(element)
        slug = texts.get("wp:term_slug", "")
        name, number = texts.get("wp:term_name") or slug, texts.get("wp:term_id", "")
        if texts.get("wp:term_taxonomy") == "category":
            site.sections.setdefault(slug, Term(name, slug, texts.get("wp:term_parent", ""), number))
        elif texts.get("wp:term_taxonomy") == "post_tag":
            site.tags.setdefault(slug, name)


def _read_item(site: Site, part: WxrPart) -> None:
    number, kind = part.get("wp:post_id"), part.get("wp:post_type")
    if not is_number(number):
        return
    if kind == "attachment":
        site.attachments[int(number)] = _SEPARATOR.join(_attachment(part))
        parent = part.get("wp:post_parent")
        if is_number(parent) and int(parent):
            site.attached.setdefault(int(parent), []).append(int(number))
    elif kind == "wp_block" and part.get("wp:status") == "publish" and not part.get("wp:post_password"):
        content = part.get("content:encoded")
        site.blocks_length += len(content)
        if site.blocks_length <= MAX_BLOCK_TEXT:
            site.blocks[int(number)] = content
    elif kind == "guest-author":  # Co-Authors Plus
        meta = dict(post_meta(part))
        name = meta.get("cap-display_name") or part.get("title")
        for login in filter(None, (meta.get("cap-user_login"), part.get("wp:post_name"))):
            site.authors.setdefault(login.removeprefix("cap-"), html_to_text(name))


def _attachment(part: WxrPart) -> Attachment:
    meta = dict(post_meta(part))
    details = meta.get("_wp_attachment_metadata", "")[:100_000]
    caption = html_to_text(part.get("excerpt:encoded"))
    description = html_to_text(part.get("content:encoded"))[:2_000]
    written = (html_to_text(meta[key]) for key in _CREDIT_KEYS if meta.get(key, "").strip())
    credit = next((text for text in written if not text.startswith(("a:", "{", "["))), "")
    credit = credit or _php_string(details, "credit")
    if not credit and description and description != caption and is_credit(description):
        credit, description = description, ""
    size = re.search(r's:5:"width";(?:i:|s:\d+:")(\d{1,6})"?;s:6:"height";(?:i:|s:\d+:")(\d{1,6})', details)
    return Attachment(
        part.get("wp:attachment_url") or part.get("guid"),
        html_to_text(part.get("title"))[:300],
        html_to_text(meta.get("_wp_attachment_image_alt", "")),
        caption,
        description,
        without_email(credit)[:300],
        _php_string(details, "copyright"),
        size[1] if size else "",
        size[2] if size else "",
        part.get("link"),
    )


def _php_string(serialized: str, name: str) -> str:
    """The string of a name in serialised PHP, by its length in bytes; "" if there is none."""
    match = re.search(rf's:{len(name)}:"{name}";s:(\d{{1,4}}):"', serialized)
    if match is None:
        return ""
    value = serialized[match.end() :].encode()[: int(match[1])].decode("utf-8", "ignore")
    return html_to_text(value)
