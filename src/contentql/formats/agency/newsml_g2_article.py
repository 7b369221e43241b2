"""Articles of NewsML-G2 news items: texts, and pictures, recordings and films on their own."""

from __future__ import annotations

import re
from typing import Any, Final
from xml.etree.ElementTree import Element

from contentql.content.blocks import Image
from contentql.content.enums import ContentType, MediaKind, MediaRole
from contentql.content.import_item import ImportItem, SourceStatus
from contentql.content.records import PlacementRecord
from contentql.content.warnings import WarningCode
from contentql.formats.agency.agency_builder import AgencyBuilder, is_kill_note
from contentql.formats.agency.newscodes import SCHEMES, content_type_of
from contentql.formats.agency.newsml_g2_concepts import Concepts
from contentql.formats.agency.newsml_g2_content import (
    RemoteFile,
    Text,
    add_files,
    file_kind,
    read_text,
    remote_files,
)
from contentql.formats.agency.newsml_g2_elements import (
    LANGUAGE,
    LEAD_CLASS,
    MEDIA_CLASS,
    OWN_SCHEMES,
    Catalog,
    child,
    children,
    in_language,
    is_iptc,
    text_lines,
    text_of,
    to_json,
)
from contentql.formats.agency.xml_stream import local_name
from contentql.formats.source_file import ReadOptions

SYSTEM: Final = "newsml-g2"
_STATUSES: Final = {
    "usable": SourceStatus.PUBLIC,
    "withheld": SourceStatus.HIDDEN,
    "canceled": SourceStatus.CANCELED,
    "cancelled": SourceStatus.CANCELED,
}
_MEDIA_CLASSES: Final = {
    "picture": MediaKind.IMAGE,
    "graphic": MediaKind.IMAGE,
    "animated": MediaKind.IMAGE,
    "audio": MediaKind.AUDIO,
    "video": MediaKind.VIDEO,
}
_MEDIA_TYPES: Final = {MediaKind.IMAGE: ContentType.GALLERY, MediaKind.VIDEO: ContentType.VIDEO}
_KICKERS: Final = ("kicker", "overline", "eyebrow", "topline")
_SHORT: Final = ("short", "shortheadline", "push", "mobile", "sms", "alert")
_SUMMARIES: Final = ("summary", "abstract", "", "text", "lead", "caption")
_SLUG: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)+")
# Children of itemMeta and contentMeta that become fields; others are kept.
_READ_MANAGEMENT: Final = {
    "itemClass", "provider", "versionCreated", "firstCreated", "embargoed", "pubStatus", "edNote", "link",
    "expires", "generator", "fileName",
}  # fmt: skip
_READ_CONTENT: Final = {
    "urgency", "creator", "contributor", "language", "genre", "subject", "keyword", "slugline", "headline",
    "by", "dateline", "creditline", "description", "contentCreated",
}  # fmt: skip


def build_article(
    item: Element, source: str, place: str, options: ReadOptions, catalog: Catalog
) -> ImportItem:
    """The import item of a news item. One that is canceled withdraws the article and changes nothing else."""
    management, meta = child(item, "itemMeta"), child(item, "contentMeta")
    guid = (item.get("guid") or "").strip()
    builder = AgencyBuilder(source, place, options, format=SYSTEM, uri=guid)
    if not guid:
        return builder.fail("the item has no guid, which every item must have")
    _set_version(builder, item, management)
    status = _status(management, catalog)
    notes = [note for part in children(management, "edNote") if (note := text_lines(part))]
    if status is SourceStatus.CANCELED or any(map(is_kill_note, notes)):
        return builder.build_withdrawal(text_of(child(meta, "headline")))
    builder.source_status = status or SourceStatus.HIDDEN
    if status is None:
        message = "the pubStatus is none of usable, withheld and canceled: taken as withheld"
        builder.warn(WarningCode.CHANGED, message, "status")
    language = _language(item, meta)
    builder.set_language(language)
    text = read_text(builder, child(item, "contentSet"), language)
    _set_texts(builder, item, catalog, language, text)
    _set_times(builder, management, meta)
    _set_notes(builder, management, [*notes, *(text.nitf.notes if text.nitf else [])], catalog)
    _set_rights(builder, child(item, "rightsInfo"))
    _set_concepts(builder, item, meta, catalog, language)
    builder.set_byline(text_of(child(meta, "by")) or (text.nitf.byline if text.nitf else ""))
    _set_content(builder, item, meta, catalog, text)
    _keep_unstored(builder, item, management, meta, catalog)
    return builder.build()


def _status(management: Element | None, catalog: Catalog) -> SourceStatus | None:
    """The status of an item, PUBLIC if it says nothing; None for one that is unknown."""
    element = child(management, "pubStatus")
    if element is None:
        return SourceStatus.PUBLIC
    uri = catalog.uri(element)
    if not uri.startswith(SCHEMES["stat"]):
        return None
    return _STATUSES.get(uri.removeprefix(SCHEMES["stat"]).lower())


def _language(item: Element, meta: Element | None) -> str:
    tag = next((part.get("tag") for part in children(meta, "language") if part.get("tag")), None)
    return (tag or item.get(LANGUAGE) or "").strip()


def _set_texts(builder: AgencyBuilder, item: Element, catalog: Catalog, language: str, text: Text) -> None:
    """Sets headlines, summary, dateline and slug."""
    meta = child(item, "contentMeta")
    headlines = in_language(children(meta, "headline"), language)
    main = _of_role(headlines, catalog, ("main", "headline", "hl1", ""))
    kicker = _of_role(headlines, catalog, _KICKERS)
    short = _of_role(headlines, catalog, _SHORT)
    if main is None:
        main = next((part for part in headlines if part not in (kicker, short)), None)
    headline = text_of(main) or (text.nitf.headline if text.nitf else "")
    title = text_of(child(item, "itemMeta", "title")) or text_of(child(meta, "slugline"))
    builder.set_text("headline", headline)
    if not headline and title:
        builder.guess("headline", title[:300], "the item has no headline; its title is taken")
    descriptions = in_language(children(meta, "description"), language)
    summary = _of_role(descriptions, catalog, _SUMMARIES)
    if summary is None and _media_kind(item, catalog):
        summary = next(iter(descriptions), None)
    abstract = text.nitf.abstract if text.nitf else ""
    for name, value in (
        ("kicker", text_of(kicker)),
        ("short_headline", text_of(short)),
        ("summary", text_lines(summary).replace("\n", " ") or abstract),
    ):
        builder.set_text(name, value)
    others = [part for part in (*headlines, *descriptions) if part not in (main, kicker, short, summary)]
    builder.keep("descriptions", [to_json(part) for part in others])
    dateline = text_of(child(meta, "dateline")) or (text.nitf.dateline if text.nitf else "")
    located = child(meta, "located")
    names = in_language(children(located, "name"), language)
    place = text_of(names[0]) if names else dateline.partition(",")[0].strip()
    builder.set_text("dateline_place", place)
    builder.set_text("dateline_text", dateline if dateline != place else "")
    slugline = child(meta, "slugline")
    if _SLUG.fullmatch(text_of(slugline)):
        builder.set_slug(text_of(slugline))
    elif slugline is not None:
        builder.keep("slugline", to_json(slugline))


def _of_role(elements: list[Element], catalog: Catalog, roles: tuple[str, ...]) -> Element | None:
    """The first element of the first role that one has."""
    for role in roles:
        for element in elements:
            if catalog.code(element, "role", "roleuri") == role and text_of(element):
                return element
    return None


def _set_version(builder: AgencyBuilder, item: Element, management: Element | None) -> None:
    """Sets number and time of the version."""
    builder.source_modified_at = builder.parse_time(text_of(child(management, "versionCreated")), "updatedAt")
    number = (item.get("version") or "").strip()
    if number.isascii() and number.isdecimal() and len(number) <= 18:
        builder.source_version = int(number)
    elif number:
        builder.warn(WarningCode.DROPPED, f"the version {number[:50]!r} is no number")


def _set_times(builder: AgencyBuilder, management: Element | None, meta: Element | None) -> None:
    """Sets times. An item is published when it was created first; withheld ones are not."""
    first = builder.parse_time(text_of(child(management, "firstCreated")), "publishedAt")
    content = builder.parse_time(text_of(child(meta, "contentCreated")), "publishedAt")
    version = builder.source_modified_at
    published = first or content or version if builder.source_status is SourceStatus.PUBLIC else None
    builder.set("published_at", published)
    builder.set("updated_at", version)
    builder.set_time("expires_at", text_of(child(management, "expires")))
    embargo = child(management, "embargoed")
    until = builder.set_time("embargo_until", text_of(embargo))
    if embargo is not None and until is None and builder.source_status is SourceStatus.PUBLIC:
        builder.source_status = SourceStatus.HIDDEN
        message = "the embargo has no end: the item is taken as withheld"
        builder.warn(WarningCode.CHANGED, message, "status")
    for name, parent, at in (("firstCreated", management, first), ("contentCreated", meta, content)):
        if at and at != published:
            builder.keep(name, text_of(child(parent, name)))


def _set_notes(
    builder: AgencyBuilder, management: Element | None, notes: list[str], catalog: Catalog
) -> None:
    """Sets the notes to editors, and the addresses of the item."""
    builder.set_text("ed_note", "\n".join(notes))
    others = []
    for link in children(management, "link"):
        relation = catalog.code(link, "rel", "reluri")
        href = (link.get("href") or "").strip()
        slug = href.partition("?")[0].rstrip("/").rpartition("/")[2]
        is_page = relation == "seealso" and slug == builder.get("slug")
        if (is_page or relation in ("canonical", "permalink")) and href.startswith(("https://", "http://")):
            builder.add_address(href)
        else:
            others.append(to_json(link))
    builder.keep("links", others)


def _set_rights(builder: AgencyBuilder, rights: Element | None) -> None:
    holder = child(rights, "copyrightHolder")
    name = text_of(child(holder, "name")) or ("" if holder is None else holder.get("literal") or "")
    notice = text_lines(child(rights, "copyrightNotice")).replace("\n", " ")
    builder.set_text("copyright_notice", notice or name)
    builder.set_text("usage_terms", text_lines(child(rights, "usageTerms")))
    if holder is not None and notice:
        builder.keep("copyrightHolder", to_json(holder))


def _set_concepts(
    builder: AgencyBuilder, item: Element, meta: Element | None, catalog: Catalog, language: str
) -> None:
    """Sets tags, sections, authors, urgency and content type."""
    concepts = Concepts(builder, item, catalog, language)
    unnamed = concepts.add_subjects(meta)
    others = concepts.add_authors(meta)
    genres = []
    content_type = None
    for genre in children(meta, "genre"):
        names = (catalog.uri(genre), genre.get("qcode"), genre.get("literal"), concepts.name(genre))
        genre_type = content_type_of(filter(None, names))
        content_type = content_type or genre_type
        if genre_type is None or genre_type is not content_type:
            genres.append(to_json(genre))
    builder.keep("concepts", [*unnamed, *others, *genres])
    kind = _media_kind(item, catalog)
    default = _MEDIA_TYPES.get(kind, ContentType.NEWS) if kind else ContentType.NEWS
    builder.set("content_type", content_type or default)
    urgency = text_of(child(meta, "urgency"))
    is_urgency = re.fullmatch(r"[1-9]", urgency, re.ASCII)
    builder.set("urgency", int(urgency) if is_urgency else 5)
    if urgency and not is_urgency:
        message = f"the urgency {urgency[:20]!r} is no whole number from 1 to 9"
        builder.warn(WarningCode.DROPPED, message, "urgency")


def _media_kind(item: Element, catalog: Catalog) -> MediaKind | None:
    uri = catalog.uri(child(item, "itemMeta", "itemClass"))
    return _MEDIA_CLASSES.get(uri.removeprefix(SCHEMES["ninat"]).lower()) if uri else None


def _set_content(
    builder: AgencyBuilder, item: Element, meta: Element | None, catalog: Catalog, text: Text
) -> None:
    """Sets the body and the media."""
    if text.html:
        builder.set_html(text.html)
    else:
        builder.text_body(text.plain)
    files = remote_files(child(item, "contentSet"), "remoteContent", catalog)
    own_kind = _media_kind(item, catalog)
    facts = _media_facts(builder, meta, catalog)
    if own_kind:
        number = add_files(builder, files, own_kind, facts)
        if number is not None:
            builder.show_media(number, own_kind)
            builder.set("lead_media", number)
            builder.mention("lead_media")
        return
    _add_lead(builder, remote_files(meta, "icon", catalog), text)
    _place_figures(builder, text)
    groups: list[list[RemoteFile]] = []
    named = [file for file in files if file.name and file_kind([file])]
    groups += [named] if named else []
    groups += [[file] for file in files if not file.name and file_kind([file])]
    for group in groups:
        kind = file_kind(group)
        number = add_files(builder, group, kind, {}) if kind else None
        if number is not None:
            builder.place_media(PlacementRecord(media=number, role=MediaRole.INLINE))
    unread = [to_json(file.element) for file in files if not file_kind([file])]
    if unread:
        builder.keep("remoteContent", unread)
        message = f"{len(unread)} files that are no pictures, films or recordings were kept in extra"
        builder.warn(WarningCode.CHANGED, message, "media")


def _add_lead(builder: AgencyBuilder, icons: list[RemoteFile], text: Text) -> None:
    """Takes the icon of a text as its main picture. A figure at the beginning that is marked as that picture
    is not repeated in the body."""
    images = [file for file in icons if file_kind([file]) is MediaKind.IMAGE]
    lead = add_files(builder, images, MediaKind.IMAGE, {}) if images else None
    if lead is None:
        builder.set("lead_media", None)
        return
    builder.set("lead_media", lead)
    builder.mention("lead_media")
    body = builder.get("blocks") or ()
    is_marked = text.html.lstrip().startswith(f'<figure class="{LEAD_CLASS}">')
    if is_marked and body and isinstance(body[0], Image) and body[0].media == lead:
        builder.set_body(body[1:])


def _place_figures(builder: AgencyBuilder, text: Text) -> None:
    """Places the media of figures at the end of a text that are marked as not being part of it."""
    body = list(builder.get("blocks") or ())
    for _ in range(text.html.count(f'<figure class="{MEDIA_CLASS}">')):
        block = body[-1] if body else None
        if not isinstance(block, Image):
            return
        builder.place_media(PlacementRecord(media=block.media, role=MediaRole.INLINE))
        builder.set_body(body := body[:-1])


def _media_facts(builder: AgencyBuilder, meta: Element | None, catalog: Catalog) -> dict[str, Any]:
    credit = text_of(child(meta, "creditline"))
    creators = [text_of(child(part, "name")) for part in children(meta, "creator")]
    alt = _of_role(list(children(meta, "description")), catalog, ("alt", "alttext", "accessibility"))
    return {
        "caption": builder.get("summary") or builder.get("headline"),
        "alt": text_of(alt),
        "credit": credit or builder.get("byline") or ", ".join(filter(None, creators)),
        "creator": ", ".join(filter(None, creators)),
        "copyright": builder.get("copyright_notice"),
        "usage_terms": builder.get("usage_terms"),
        "digital_source_type": catalog.uri(child(meta, "digitalSourceType"))[:200],
    }


def _is_name(concept: Element) -> bool:
    """Whether a concept has a name and no code."""
    inner = [local_name(part) for part in concept]
    return inner in (["name"], []) and not {"qcode", "uri", "type"} & set(concept.attrib)


def _keep_unstored(
    builder: AgencyBuilder, item: Element, management: Element | None, meta: Element | None, catalog: Catalog
) -> None:
    """Keeps what no field has, with the catalogs of its codes."""
    others = [part for part in management if local_name(part)] if management is not None else []
    builder.keep("itemMeta", [to_json(part) for part in others if local_name(part) not in _READ_MANAGEMENT])
    others = [part for part in meta if local_name(part)] if meta is not None else []
    if _media_kind(item, catalog) is None:
        others = [part for part in others if local_name(part) != "icon"]
    # A place with a name only is the place of the dateline.
    others = [part for part in others if local_name(part) != "located" or not _is_name(part)]
    builder.keep("contentMeta", [to_json(part) for part in others if local_name(part) not in _READ_CONTENT])
    if any(local_name(part) == "infoSource" for part in others):
        message = (
            "the information sources were kept in extra: the item does not say which passage is whose claim"
        )
        builder.warn(WarningCode.CHANGED, message, "attributions")
    history = child(item, "hopHistory")
    if history is not None:
        builder.keep("hopHistory", to_json(history))
    for name in ("provider", "fileName"):
        element = child(management, name)
        if element is not None:
            builder.keep(name, to_json(element))
    if builder.extra:
        builder.keep("catalogRef", [reference for reference in catalog.references if not is_iptc(reference)])
        schemes = {alias: uri for alias, uri in catalog.schemes.items() if uri not in OWN_SCHEMES.values()}
        builder.keep("catalog", dict(list(schemes.items())[:200]))
