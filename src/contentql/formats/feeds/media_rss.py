"""Media of an article as elements of Media RSS, for RSS and Atom: all renditions with their sizes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from contentql.formats.article_document import ArticleDocument
from contentql.formats.article_html import article_media
from contentql.formats.xml_text import element, empty_element, open_tag

MEDIA_NAMESPACE: Final = "http://search.yahoo.com/mrss/"
_THUMBNAIL_WIDTH: Final = 400  # pixels; the smallest rendition is a thumbnail if it is not wider


def media_elements(article: ArticleDocument) -> Iterator[str]:
    """Yields a `media:group` for each media file with renditions, and a `media:content` for each other."""
    for index, (media, caption, alt) in enumerate(article_media(article)):
        facts = "".join(_facts(media, caption, alt))
        renditions = [rendition for rendition in media.get("renditions") or () if rendition["url"]]
        if not renditions:
            yield open_tag("media:content", **_content(media, media, index == 0)) + facts + "</media:content>"
            continue
        files = [empty_element("media:content", **_content(media, media, True))]
        files += [empty_element("media:content", **_content(media, file)) for file in renditions]
        yield f"<media:group>{''.join(files)}{facts}</media:group>"


def _content(media: Mapping[str, Any], file: Mapping[str, Any], default: bool = False) -> dict[str, object]:
    return {
        "url": file["url"],
        "type": file.get("mime"),
        "medium": (media.get("kind") or "").lower(),
        "fileSize": file.get("bytes"),
        "width": file.get("width"),
        "height": file.get("height"),
        "duration": round(media["duration"]) if media.get("duration") else None,
        "isDefault": "true" if default else None,
    }


def _facts(media: Mapping[str, Any], caption: str, alt: str) -> Iterator[str]:
    yield element("media:title", alt, type="plain")
    yield element("media:description", caption, type="plain")
    yield element("media:credit", media.get("credit") or media.get("creator"), role="author")
    yield element("media:copyright", media.get("copyright"))
    if media.get("licenceUrl") or media.get("licence"):
        yield element("media:license", media.get("licence") or "licence", href=media.get("licenceUrl"))
    if media.get("sensitive"):
        yield element("media:rating", "adult", scheme="urn:simple")
    sized = [file for file in media.get("renditions") or () if file.get("width")]
    smallest = min(sized, key=lambda file: int(file["width"]), default=None)
    if media.get("kind") == "IMAGE" and smallest and smallest["width"] <= _THUMBNAIL_WIDTH:
        size = {name: smallest.get(name) for name in ("width", "height")}
        yield empty_element("media:thumbnail", url=smallest["url"], **size)
