"""Bodies and media of ninjs items."""

from __future__ import annotations

import re
from typing import Final

from contentql.content import blocks
from contentql.content.enums import MediaKind, MediaRole
from contentql.content.records import FormatError, PlacementRecord
from contentql.content.warnings import WarningCode
from contentql.formats.agency.agency_builder import AgencyBuilder
from contentql.formats.agency.ninjs_associations import AssociatedMedia, Associations
from contentql.formats.agency.ninjs_media import add_media_item, flat_renditions, media_kind
from contentql.formats.agency.ninjs_properties import NinjsItem, as_generation_3
from contentql.formats.agency.ninjs_texts import TextPart, body_kind, choose_body, other_bodies
from contentql.formats.agency.nitf import read_nitf
from contentql.formats.agency.xml_stream import parse_xml
from contentql.formats.figures import read_figures

MEDIA_NAMES: Final = "_media"  # in extra: URIs, names and relations of media by their addresses
_FILES: Final = {"image": MediaKind.IMAGE, "video": MediaKind.VIDEO, "audio": MediaKind.AUDIO}
_MAIN: Final = re.compile(r"main|lead|feature|hero|cover", re.IGNORECASE)
_PLACED: Final = ("inline", "gallery")  # relations of media that are not the main ones
_GALLERY: Final = re.compile(r"galler|slideshow", re.IGNORECASE)


def set_content(builder: AgencyBuilder, item: NinjsItem, associations: Associations) -> None:
    """Sets the body and the media."""
    body = choose_body(item)
    html, text = _body_text(builder, body)
    objects = item.objects("bodies")
    builder.keep("bodies", [as_generation_3(objects[part.position]) for part in other_bodies(item, body)])
    images = read_figures(html)
    own_kind = media_kind(item)
    own_kind = None if own_kind is MediaKind.DOCUMENT else own_kind
    own = add_media_item(builder, item, own_kind, images) if own_kind else None
    media = [
        (number, part)
        for part in associations.media
        if (number := add_media_item(builder, part.item, part.kind, images)) is not None
    ]
    names = [
        {
            "href": builder.media_url(number),
            "uri": part.item.text("uri"),
            "name": part.name,
            "rel": part.relation,
        }
        for number, part in media
    ]
    builder.keep(MEDIA_NAMES, names)
    if html:
        builder.set_html(html)
    elif text:
        builder.text_body(text)
    elif own is None and not builder.partial:
        builder.set_body(())
    shown = {number for block in builder.get("blocks") or () for number in blocks.block_media(block)}
    if own is not None and own_kind and own not in shown:
        builder.show_media(own, own_kind)
        shown.add(own)
    elif own is None and item.objects("renditions"):
        _add_files(builder, item)
    if item.has("associations") or own is not None or not builder.partial:
        _place_media(builder, media, shown, own)


def _body_text(builder: AgencyBuilder, body: TextPart | None) -> tuple[str, str]:
    """The HTML of a body, or its plain text."""
    if body is None:
        return "", ""
    kind = body_kind(body)
    if kind == "nitf":
        try:
            document = read_nitf(parse_xml(body.value))
        except FormatError as exc:
            builder.warn(WarningCode.DROPPED, f"the body in NITF cannot be read: {exc}", "blocks")
            return "", ""
        if document.notes:
            notes = [builder.get("ed_note"), *document.notes]
            builder.set_text("ed_note", "\n".join(filter(None, notes)))
        if not builder.get("headline") and document.headline:
            builder.set_text("headline", document.headline)
        return document.html, ""
    return (body.value, "") if kind == "html" else ("", body.value)


def _add_files(builder: AgencyBuilder, item: NinjsItem) -> None:
    """Places the files of a text, such as its pictures in several sizes."""
    renditions = flat_renditions(item)
    types = [rendition["contenttype"].partition("/")[0] for rendition in renditions]
    kind = next((kind for name, kind in _FILES.items() if name in types), None)
    if kind and (number := add_media_item(builder, item, kind, [])) is not None:
        builder.place_media(PlacementRecord(media=number, role=MediaRole.INLINE))
    elif renditions:
        builder.keep("renditions", [as_generation_3(rendition) for rendition in item.objects("renditions")])


def _place_media(
    builder: AgencyBuilder, media: list[tuple[int, AssociatedMedia]], shown: set[int], own: int | None
) -> None:
    """Chooses the main picture, and places the media that the body does not show."""
    main = [number for number, part in media if _MAIN.search(f"{part.relation} {part.name}")]
    pictures = [
        number
        for number, part in media
        if part.kind is MediaKind.IMAGE and part.relation.lower() not in _PLACED
    ]
    lead = own or next(iter([*main, *pictures]), None)
    builder.set("lead_media", lead)
    builder.mention("lead_media", "media")
    for number, part in media:
        if number not in shown and number != lead:
            is_gallery = _GALLERY.match(part.name) or _GALLERY.match(part.relation)
            role = MediaRole.GALLERY if is_gallery else MediaRole.INLINE
            builder.place_media(PlacementRecord(media=number, role=role))
