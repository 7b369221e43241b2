"""Media of a feed's item: Media RSS, enclosures and pictures of podcasts, as media files with renditions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple
from xml.etree.ElementTree import Element

from contentql.content.embeds import embed_provider
from contentql.content.enums import MediaKind
from contentql.content.media_types import guess_media_type, kind_of_media_type, media_type_of_kind
from contentql.content.warnings import WarningCode
from contentql.formats.article_builder import ArticleBuilder
from contentql.formats.feeds.feed_item import MAX_MEDIA
from contentql.formats.feeds.feed_xml import children, first_text, text_of
from contentql.formats.plain_text import html_to_text

# Portraits of authors, which some programs add to every item.
_PORTRAIT: Final = re.compile(r"https?://[\w.]*gravatar\.com/avatar/", re.IGNORECASE)
_KINDS: Final = {kind.value.lower(): kind for kind in MediaKind}


class FeedMedia(NamedTuple):
    """The media of an item: their kinds by placeholder, and the addresses of videos on other sites."""

    kinds: dict[int, MediaKind]
    embeds: list[str]


class _File(NamedTuple):
    url: str
    kind: MediaKind
    facts: dict[str, Any]
    is_default: bool = False


def add_media(builder: ArticleBuilder, item: Element) -> FeedMedia:
    """Adds the media of an item of a feed in XML."""
    media = FeedMedia({}, [])
    shared = _facts([item])
    for group in children(item, "media:group"):
        facts = {**shared, **_facts([group])}
        contents = children(group, "media:content")
        files = [file for content in contents if (file := _content(builder, content, media))]
        for kind in dict.fromkeys(file.kind for file in files):
            _add_group(builder, media, [file for file in files if file.kind is kind], facts, group)
        if not files:
            _add_thumbnails(builder, media, group, facts)
    contents = children(item, "media:content")
    for content in contents:
        if file := _content(builder, content, media):
            facts = {**shared, **_facts([content])}
            source = content if children(content, "media:thumbnail") or len(contents) > 1 else item
            _add_group(builder, media, [file], facts, source)
    duration = _duration(item)
    for enclosure in _enclosures(item):
        url, mime, size = enclosure.get("url", ""), enclosure.get("type", ""), enclosure.get("length")
        if embed_provider(url):
            media.embeds.append(url)
        elif url:
            kind = _kind(url, mime, "")
            facts = {"mime": _mime(mime, kind), "bytes": _number(size), "duration": duration}
            facts["caption"] = html_to_text(enclosure.get("title", ""))
            _add(builder, media, _File(url, kind, facts if kind in _TIMED else {**facts, "duration": None}))
    if not contents and not children(item, "media:group"):
        _add_thumbnails(builder, media, item, shared)
    for picture in children(item, "itunes:image", "image"):
        url = picture.get("href") or picture.get("url") or first_text(picture, "url") or text_of(picture)
        if url:
            _add(builder, media, _File(url, MediaKind.IMAGE, {}))
    return media


_TIMED: Final = (MediaKind.AUDIO, MediaKind.VIDEO)


def _enclosures(item: Element) -> Iterator[Mapping[str, str]]:
    for enclosure in children(item, "enclosure"):
        yield enclosure.attrib
    for link in children(item, "atom:link"):
        if link.get("rel") == "enclosure":
            yield {**link.attrib, "url": link.get("href", "")}


def _content(builder: ArticleBuilder, content: Element, media: FeedMedia) -> _File | None:
    """The file of a `media:content`; None, with its address as an embed, for a video of a known site."""
    players = [player.get("url", "") for player in children(content, "media:player")]
    url = content.get("url", "").strip()
    for address in (url, *players):
        if embed_provider(builder.resolve(address)):
            media.embeds.append(builder.resolve(address))
            return None
    if not url or _PORTRAIT.match(url):
        return None
    mime = content.get("type", "")
    kind = _kind(url, mime, content.get("medium", ""))
    facts = {
        "mime": _mime(mime, kind),
        "width": _number(content.get("width")),
        "height": _number(content.get("height")),
        "bytes": _number(content.get("fileSize")),
        "duration": _seconds(content.get("duration", "")) if kind in _TIMED else None,
        "bitrate": _number(content.get("bitrate")),
    }
    return _File(url, kind, facts, content.get("isDefault") == "true")


def _add_group(
    builder: ArticleBuilder,
    media: FeedMedia,
    files: Sequence[_File],
    facts: Mapping[str, Any],
    source: Element,
) -> None:
    """Adds the files of one kind with the same content: the default or largest one, the others as
    renditions; thumbnails of pictures too."""
    default = next((file for file in files if file.is_default), None)
    main = default or max(files, key=_size)
    renditions = [_rendition(builder, file) for file in files if file is not main]
    thumbnails = [
        _File(thumbnail.get("url", ""), MediaKind.IMAGE, _dimensions(thumbnail))
        for thumbnail in children(source, "media:thumbnail")
    ]
    if main.kind is MediaKind.IMAGE:
        renditions += [_rendition(builder, file, "thumbnail") for file in thumbnails if file.url != main.url]
    values = {name: value for name, value in main.facts.items() if name != "bitrate"}
    values |= {"renditions": tuple(rendition for rendition in renditions if rendition)[:50]}
    _add(builder, media, _File(main.url, main.kind, {**facts, **values}))
    if main.kind is not MediaKind.IMAGE:
        for file in thumbnails[:1]:
            _add(builder, media, file)


def _add_thumbnails(
    builder: ArticleBuilder, media: FeedMedia, source: Element, facts: Mapping[str, Any]
) -> None:
    thumbnails = [
        _File(thumbnail.get("url", ""), MediaKind.IMAGE, _dimensions(thumbnail))
        for thumbnail in children(source, "media:thumbnail")
        if thumbnail.get("url")
    ]
    if thumbnails:
        main = max(thumbnails, key=_size)
        renditions = [_rendition(builder, file) for file in thumbnails if file is not main]
        values = {**facts, **main.facts, "renditions": tuple(file for file in renditions if file)[:50]}
        _add(builder, media, _File(main.url, MediaKind.IMAGE, values))


def _add(builder: ArticleBuilder, media: FeedMedia, file: _File) -> None:
    if len(media.kinds) >= MAX_MEDIA:
        message = f"an item may have at most {MAX_MEDIA} media files, others were left out"
        builder.warn(WarningCode.DROPPED, message, "media")
        return
    number = builder.add_media(file.url, file.kind, **file.facts)
    if number is not None:
        media.kinds.setdefault(number, file.kind)


def _rendition(builder: ArticleBuilder, file: _File, name: str | None = None) -> dict[str, Any] | None:
    url = builder.media_address(file.url)
    if url is None:
        return None
    mime = file.facts.get("mime") or media_type_of_kind(url, file.kind)
    names = ("width", "height", "bytes", "bitrate")
    return {"name": name, "url": url, "mime": mime, **{key: file.facts.get(key) for key in names}}


def _facts(elements: Sequence[Element]) -> dict[str, Any]:
    """Caption, credit and rights at one level of Media RSS."""
    facts: dict[str, Any] = {}
    for element in elements:
        title, caption = (
            html_to_text(first_text(element, name)) for name in ("media:title", "media:description")
        )
        credits = dict.fromkeys(html_to_text(text_of(part)) for part in children(element, "media:credit"))
        licence = next(iter(children(element, "media:license")), None)
        rating = first_text(element, "media:rating").lower()
        facts = {
            "caption": caption,
            "alt": title if title != caption else "",
            "credit": ", ".join(filter(None, credits))[:1_000],
            "copyright": html_to_text(first_text(element, "media:copyright")),
            "licence": text_of(licence)[:100] if licence is not None else "",
            "sensitive": rating in ("adult", "nonadult") and rating == "adult",
        }
    return {name: value for name, value in facts.items() if value}


def _dimensions(element: Element) -> dict[str, Any]:
    return {name: _number(element.get(name)) for name in ("width", "height")}


def _kind(url: str, mime: str, medium: str) -> MediaKind:
    guess = kind_of_media_type(guess_media_type(url) or "")
    return kind_of_media_type(mime) or _KINDS.get(medium.lower()) or guess or MediaKind.DOCUMENT


def _mime(mime: str, kind: MediaKind) -> str | None:
    mime = mime.partition(";")[0].strip().lower()
    return mime if re.fullmatch(r"\w+/[\w.+-]{1,90}", mime) and kind_of_media_type(mime) is kind else None


def _size(file: _File) -> tuple[int, int]:
    facts = file.facts
    area = (facts.get("width") or 0) * (facts.get("height") or 0)
    return area, facts.get("bytes") or facts.get("bitrate") or 0


def _number(text: str | None) -> int | None:
    match = re.fullmatch(r"\s*(\d{1,9})(?:\.\d+)?\s*(?:px)?", text or "")
    return int(match[1]) or None if match else None


def _duration(item: Element) -> float | None:
    return _seconds(first_text(item, "itunes:duration"))


def _seconds(text: str) -> float | None:
    """Seconds of `95`, `95.5`, `1:35` or `0:01:35`."""
    if not re.fullmatch(r"\d{1,6}(:\d{1,2}){0,2}(\.\d{1,6})?", text.strip()):
        return None
    seconds = 0.0
    for part in text.strip().split(":"):
        seconds = seconds * 60 + float(part)
    return seconds or None
