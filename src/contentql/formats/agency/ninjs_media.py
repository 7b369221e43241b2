"""Media of ninjs items: associated pictures, recordings and films with their renditions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from contentql.content.enums import MediaKind
from contentql.content.media_types import guess_media_type, kind_of_media_type, media_type_of_kind
from contentql.content.records import RenditionRecord
from contentql.content.warnings import WarningCode
from contentql.formats.agency.agency_builder import AgencyBuilder
from contentql.formats.agency.ninjs_properties import NinjsItem, inner_integer, inner_number, inner_text
from contentql.formats.agency.ninjs_texts import choose_text, plain
from contentql.formats.figures import Figure

MAX_RENDITIONS: Final = 100
ORIGINAL: Final = "original"  # name that the writer gives to the rendition that is the file itself
_MEDIA_TYPE: Final = re.compile(r"[\w-]{1,20}/[\w.+-]{1,79}", re.ASCII)
KINDS: Final = {
    "picture": MediaKind.IMAGE,
    "graphic": MediaKind.IMAGE,
    "audio": MediaKind.AUDIO,
    "video": MediaKind.VIDEO,
}
# Renditions that are not the best one, whatever their size, and those that are.
_SMALL: Final = re.compile(r"thumb|preview|watermark|small|low|square|icon", re.IGNORECASE)
_LARGE: Final = re.compile(r"hi(?:gh)?[-_ ]?res|original|supplied|base|full|main", re.IGNORECASE)


def media_kind(item: NinjsItem) -> MediaKind | None:
    """The kind of media that an item is, by its type, else by its renditions; None for texts and others."""
    type_ = item.text("type").lower()
    if type_ in KINDS:
        return KINDS[type_]
    if type_ not in ("", "component") or item.has("bodies"):
        return None
    for rendition in flat_renditions(item):
        if kind := kind_of_media_type(rendition["contenttype"]):
            return kind
    return None


def add_media_item(
    builder: AgencyBuilder, item: NinjsItem, kind: MediaKind, images: list[Figure]
) -> int | None:
    """Adds the media file that an item is. Returns its placeholder; None, with a warning, without an address.

    `images`: those of the body. One that the item is gives the media file its address.
    """
    renditions = flat_renditions(item)
    best = _best_rendition(renditions, kind)
    caption = choose_text(item, "descriptions", ("caption", "text", "main", "", "richtext"))
    caption_text = plain(caption) or plain(choose_text(item, "headlines", ("main", "")))
    alt = plain(choose_text(item, "descriptions", ("alt", "alttext", "alt_text"), strict=True))
    addresses = [rendition["href"] for rendition in renditions]
    best_address = (best or {}).get("href") or ""
    shown = _address_in_body(item, images, builder, addresses, (alt, caption_text))
    if shown and best_address and _SMALL.search(shown):
        builder.name_renditions(best_address, [shown])
        shown = ""
    url = shown or best_address
    if (
        not url
        and item.text("uri").startswith(("http://", "https://"))
        and kind_of_media_type(guess_media_type(item.text("uri")) or "")
    ):
        url = item.text("uri")
    if not url:
        name = caption_text or item.text("uri")
        builder.warn(WarningCode.DROPPED, f"the media file {name[:100]!r} has no address", "media")
        return None
    builder.name_renditions(url, addresses)
    main = builder.media_address(url)
    facts = _facts(builder, item, best or {})
    records = [
        record
        for rendition in renditions
        if (record := _record(builder, rendition, kind)) and (record.name, record.url) != (ORIGINAL, main)
    ]
    credit = plain(choose_text(item, "descriptions", ("creditline", "credit"), strict=True))
    return builder.add_media(
        url,
        kind,
        alt=alt,
        caption=caption_text,
        credit=credit or item.text("by"),
        creator=item.text("by") if credit else None,
        renditions=tuple(records),
        **facts,
    )


def flat_renditions(item: NinjsItem) -> list[dict[str, Any]]:
    """The renditions that have an address, at most MAX_RENDITIONS; since 3.2 a rendition has resources."""
    return list(_renditions(item))[:MAX_RENDITIONS]


def _renditions(item: NinjsItem) -> Iterator[dict[str, Any]]:
    for rendition in item.objects("renditions"):
        resources = rendition.get("resources")
        parts = [part for part in resources if isinstance(part, dict)] if isinstance(resources, list) else []
        for part in parts[:MAX_RENDITIONS] or [{}]:
            values = {**rendition, **{name.lower(): value for name, value in part.items()}}
            href = inner_text(values, "href")
            type_ = inner_text(values, "contenttype") or inner_text(values, "mimetype")
            type_ = type_.partition(";")[0].strip().lower().replace("image/jpg", "image/jpeg")
            if not _MEDIA_TYPE.fullmatch(type_):
                type_ = guess_media_type(href) or ""
            if href:
                yield {**values, "href": href, "contenttype": type_}


def _best_rendition(renditions: list[dict[str, Any]], kind: MediaKind) -> dict[str, Any] | None:
    def rank(rendition: dict[str, Any]) -> tuple[bool, bool, float, bool]:
        name = f"{inner_text(rendition, 'name')} {inner_text(rendition, 'title')}"
        size = (inner_number(rendition, "width") or 0) * (inner_number(rendition, "height") or 0)
        type_ = rendition["contenttype"]
        is_of_kind = not type_ or kind_of_media_type(type_) in (kind, MediaKind.DOCUMENT)
        return is_of_kind, not _SMALL.search(name), size, bool(_LARGE.search(name))

    return max(renditions, key=rank, default=None)


def _address_in_body(
    item: NinjsItem,
    images: list[Figure],
    builder: AgencyBuilder,
    addresses: list[str],
    texts: tuple[str, str],
) -> str:
    """The address of the picture in the body that an item is; "" if there is none but its renditions."""
    own = {builder.media_address(address) for address in addresses}
    names = {item.text("uri"), inner_text(item.unknown, "name")} - {""}
    for image in images:
        is_item = image.reference in names or (image.alt and image.alt in texts)
        if is_item and (address := builder.media_address(image.address)) and address not in own:
            return image.address
    return ""


def _record(builder: AgencyBuilder, rendition: dict[str, Any], kind: MediaKind) -> RenditionRecord | None:
    bitrate = inner_number(rendition, "bitrate")
    return builder.rendition(
        {
            "name": inner_text(rendition, "name")[:100] or None,
            "url": rendition["href"],
            "mime": rendition["contenttype"] or media_type_of_kind(rendition["href"], kind),
            "width": inner_integer(rendition, "width") or None,
            "height": inner_integer(rendition, "height") or None,
            "bytes": inner_integer(rendition, "sizeinbytes"),
            "bitrate": None if bitrate is None else round(bitrate),
        }
    )


def _facts(builder: AgencyBuilder, item: NinjsItem, best: dict[str, Any]) -> dict[str, Any]:
    """Fields of the media record that are those of the best rendition or of the item."""
    width, height = inner_integer(best, "width") or 0, inner_integer(best, "height") or 0
    duration = inner_number(best, "duration")
    facts: dict[str, Any] = {
        "mime": best.get("contenttype") or None,
        "width": width if 0 < width < 1 << 31 else None,
        "height": height if 0 < height < 1 << 31 else None,
        "duration": duration if duration and duration > 0 else None,
        "copyright": item.text("copyrightNotice") or item.text("copyrightHolder"),
        "usage_terms": item.text("usageTerms"),
        "expires_at": builder.parse_time(item.text("expires"), "media.expiresAt"),
        "digital_source_type": _source_type(item),
    }
    size = inner_integer(best, "sizeinbytes")
    facts["bytes"] = size if size is not None and 0 <= size < 1 << 53 else None
    rights = inner_text(item.object("rightsInfo"), "linkedrights")
    facts["licence_url"] = builder.link(rights, "media.licenceUrl") if rights else None
    if focus := _focus(best, item.object("poi"), width, height):
        facts["focal_x"], facts["focal_y"] = focus
    return {name: value for name, value in facts.items() if value is not None}


def _source_type(item: NinjsItem) -> str | None:
    value = item.object("digitalSourceType") if isinstance(item.known.get("digitalSourceType"), dict) else {}
    text = inner_text(value, "uri") or inner_text(value, "literal") or inner_text(value, "name")
    return " ".join(text.split())[:200] or None


def _focus(
    rendition: dict[str, Any], poi: dict[str, Any], width: int, height: int
) -> tuple[float, float] | None:
    """The point of interest in fractions of the size. It is in pixels, or in fractions if it has decimals."""
    value = rendition.get("poi")
    point = {name.lower(): part for name, part in value.items()} if isinstance(value, dict) else poi
    x, y = inner_number(point, "x"), inner_number(point, "y")
    if x is None or y is None or x < 0 or y < 0:
        return None
    if x <= 1 and y <= 1 and not (x.is_integer() and y.is_integer()):
        return x, y
    if not width or not height or x > width or y > height:
        return None
    return x / width, y / height
