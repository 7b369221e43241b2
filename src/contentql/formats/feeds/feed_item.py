"""What the readers of all feeds have in common: identity, body, categories, media of an item."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from html import unescape
from html.entities import html5
from typing import Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit

import orjson

from contentql.content import blocks
from contentql.content.blocks import Block
from contentql.content.enums import MediaKind, MediaRole
from contentql.content.records import PlacementRecord
from contentql.content.warnings import WarningCode
from contentql.formats.article_builder import ArticleBuilder
from contentql.formats.figures import read_figures, without_credit
from contentql.formats.html_embeds import make_embed
from contentql.formats.plain_text import html_to_text, without_email

SYSTEM: Final = "feed"  # of the external ids
MAX_TEXT: Final = 4 << 20  # characters of a body
MAX_SUMMARY: Final = 1_000
MAX_TAGS: Final = 500
MAX_MEDIA: Final = 200
MAX_EXTRA: Final = 65_536  # bytes

_GLOBAL_ID: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ENDING: Final = re.compile(r"\.(html?|php|aspx?|jsp|shtml|xml|cfm)$", re.IGNORECASE)
_GENERIC_SLUG: Final = re.compile(r"(?:index|default|article|story|item|post|news|node|page|view|detail)s?")
_MARKUP: Final = re.compile(r"<[a-zA-Z/!]")
_ESCAPED_MARKUP: Final = re.compile(
    r"&lt;/?(?:p|br|div|a|b|i|em|strong|img|ul|ol|li|h[1-6]|blockquote|figure|span|table)\b[^<>]{0,2000}?&gt;",
    re.IGNORECASE,
)
_DOUBLE: Final = re.compile(r"&amp;(#[0-9]{1,7};|#[xX][0-9a-fA-F]{1,6};|[a-zA-Z][a-zA-Z0-9]{1,31};)")
_SECTION_SCHEME: Final = re.compile(r"categor|section|rubri|ressort|channel", re.IGNORECASE)
_UNSTORABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_EMAIL: Final = re.compile(r"(?:mailto:)?[^\s<>()@\"',;:]+@[^\s<>()@\"',;:]+\.[^\s<>()@\"',;:]+")


class Term(NamedTuple):
    """A category of a feed: `term` is its key, `scheme` names the vocabulary, `label` is what readers see."""

    term: str
    scheme: str = ""
    label: str = ""


def identity(guid: str, link: str, feed: str, facts: str) -> str:
    """The id of an item in later imports: its guid, with the feed's address if it is not globally unique,
    else its link, else a digest of `facts`."""
    if guid and not _GLOBAL_ID.fullmatch(guid):
        guid = f"{feed} {guid}".strip()
    value = guid or link or f"{feed} {hashlib.sha256(facts.encode(errors='replace')).hexdigest()}"
    if len(value) > 500:
        value = f"{value[:400]} {hashlib.sha256(value.encode(errors='replace')).hexdigest()}"
    return " ".join(_UNSTORABLE.sub(" ", value).split())


def slug_of_address(address: str) -> str:
    """The slug in the address of an article, "" if its last part names no article."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    last = _ENDING.sub("", unquote(parts.path.rstrip("/").rpartition("/")[2]))
    is_name = len(last) > 2 and any(map(str.isalpha, last)) and not _GENERIC_SLUG.fullmatch(last.lower())
    return (
        last if parts.scheme in ("http", "https") and is_name and not (parts.query or parts.fragment) else ""
    )


def resolve_double_escapes(html: str) -> tuple[str, bool]:
    """HTML of which the markup or the entities were escaped twice, and whether they were."""
    if not _MARKUP.search(html) and _ESCAPED_MARKUP.search(html):
        html = unescape(html)
        return _DOUBLE.sub(_once, html), True
    if "&amp;" in html and "<code" not in html and "<pre" not in html:
        once = _DOUBLE.sub(_once, html)
        return once, once != html
    return html, False


def _once(match: re.Match[str]) -> str:
    name = match[1]
    return f"&{name}" if name.startswith("#") or name in html5 else match[0]


def set_html_body(builder: ArticleBuilder, html: str) -> tuple[Block, ...]:
    """Sets the body of HTML, in which the credits of pictures stand in their captions."""
    html, is_changed = resolve_double_escapes(html)
    if is_changed:
        message = "characters that were escaped twice were resolved"
        builder.warn(WarningCode.CHANGED, message, "blocks")
    if not _MARKUP.search(html):
        return builder.text_body(unescape(html))
    credits: dict[int, str] = {}
    for figure in read_figures(html) if "<figure" in html else ():
        if builder.media_address(figure.address) and len(credits) < MAX_MEDIA:
            facts = {"credit": figure.credit, "width": figure.width, "height": figure.height}
            number = builder.add_media(figure.address, MediaKind.IMAGE, alt=figure.alt, **facts)
            if number is not None:
                credits[number] = figure.credit
    body = builder.html_body(html)
    return builder.set_body(
        [
            without_credit(block, credits.get(block.media, "")) if isinstance(block, blocks.Image) else block
            for block in body
        ]
    )


def set_content(builder: ArticleBuilder, content: str, summary: str, *, is_text: bool = False) -> None:
    """Sets body and summary from the HTML of both; a summary alone becomes the body.

    `is_text`: the content is plain text.
    """
    if is_text and content.strip():
        builder.text_body(content)
    else:
        set_html_body(builder, content or summary)
    text = " ".join(html_to_text(summary).split())
    if not content.strip():
        body = builder.get("blocks")
        if len(body) == 1 and isinstance(body[0], blocks.Paragraph) and len(text) <= MAX_SUMMARY:
            message = "the item has no text but a summary, which became the body too"
            builder.warn(WarningCode.GUESSED, message, "blocks")
        else:
            text = ""
    builder.set_text("summary", text)


def add_terms(builder: ArticleBuilder, terms: Sequence[Term]) -> None:
    """Adds categories: those of a vocabulary of sections as sections, the others as tags."""
    if len(terms) > MAX_TAGS:
        message = f"the item has {len(terms):,} categories, {MAX_TAGS} were read"
        builder.warn(WarningCode.DROPPED, message, "tags")
    terms = terms[:MAX_TAGS]
    sections = [term for term in terms if _SECTION_SCHEME.search(term.scheme)]
    names = {term.term: term.label for term in sections if term.label}
    paths = {tuple(part for part in term.term.split("/") if part.strip()): term for term in sections}
    for path, term in paths.items():
        if any(len(other) > len(path) and other[: len(path)] == path for other in paths):
            continue  # a section above another one
        if term.label:
            labels = [names.get("/".join(path[: n + 1]), part) for n, part in enumerate(path)]
            builder.add_section(*labels, slugs=path)
        elif path:
            builder.add_section(*path)
    for term in terms:
        if term not in sections and (term.label or term.term).strip():
            # The key of a category that has a label too.
            is_code = term.label and 0 < len(term.scheme) <= 100 and 0 < len(term.term) <= 100
            codes = ({"scheme": term.scheme, "code": term.term},) if is_code else ()
            builder.add_tag(term.label or term.term, codes=codes)


def place_media(builder: ArticleBuilder, media: Mapping[int, MediaKind]) -> None:
    """Shows the media of an item: the first picture as the lead, others beside the body, recordings in it.

    `media`: kinds by placeholder, in the order of the item.
    """
    body = list(builder.get("blocks") or ())
    shown = {number for block in body for number in blocks.block_media(block)}
    pictures = [number for number, kind in media.items() if kind is MediaKind.IMAGE]
    builder.set("lead_media", pictures[0] if pictures else None)
    placements = []
    for number, kind in media.items():
        if number in shown or number in pictures[:1]:
            continue
        if kind is MediaKind.VIDEO:
            body.append(blocks.Video(media=number))
        elif kind is MediaKind.AUDIO:
            body.append(blocks.Audio(media=number))
        else:
            role = MediaRole.GALLERY if kind is MediaKind.IMAGE else MediaRole.INLINE
            placements.append(PlacementRecord(media=number, role=role))
    builder.set("media", tuple(placements))
    builder.set_body(body)


def add_embed(builder: ArticleBuilder, address: str) -> bool:
    """Adds the embed of a video or post of a known site to the body; False for other addresses."""
    embed = make_embed(address)
    if embed and all(getattr(block, "url", None) != embed.url for block in builder.get("blocks") or ()):
        builder.set_body((*(builder.get("blocks") or ()), embed))
    return embed is not None


def set_extra(builder: ArticleBuilder, format: str, values: Mapping[str, Any]) -> None:
    """Stores what no field of an article has, without e-mail addresses."""
    cleaned = {name: _public(value) for name, value in values.items() if value not in (None, "", [], {})}
    try:
        size = len(orjson.dumps(cleaned))
    except orjson.JSONEncodeError:
        size = MAX_EXTRA + 1
    if size > MAX_EXTRA:
        message = "the fields that an article does not have are too large, they were left out"
        builder.warn(WarningCode.DROPPED, message, "extra")
    elif cleaned:
        builder.extra[format] = cleaned


def _public(value: Any) -> Any:
    """A JSON value without e-mail addresses and without characters that cannot be stored."""
    if isinstance(value, str):
        text = _UNSTORABLE.sub("", value)
        return _EMAIL.sub("", text).strip() if "@" in text and not text.startswith("tag:") else text
    if isinstance(value, Mapping):
        return {str(_public(str(name))): _public(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_public(part) for part in value]
    return value


def add_authors(builder: ArticleBuilder, names: Iterable[str]) -> None:
    """Adds authors by name; e-mail addresses in the names are left out."""
    for name in list(dict.fromkeys(names))[:50]:
        text = html_to_text(name)
        if without_email(text):
            builder.add_author(text)
