"""Articles of ninjs items: texts, and pictures, recordings and films on their own.

An item that is partial changes only what it has; one that is canceled withdraws the article and changes
nothing else.
"""

from __future__ import annotations

import re
from typing import Final

from contentql.content.enums import ContentType, MediaKind
from contentql.content.import_item import ImportItem, SourceStatus
from contentql.content.warnings import WarningCode
from contentql.formats.agency.agency_builder import AgencyBuilder, is_kill_note
from contentql.formats.agency.newscodes import content_type_of
from contentql.formats.agency.ninjs_associations import MAX_ASSOCIATIONS, Associations
from contentql.formats.agency.ninjs_concepts import add_authors, add_concepts, add_sections
from contentql.formats.agency.ninjs_content import set_content
from contentql.formats.agency.ninjs_media import media_kind
from contentql.formats.agency.ninjs_properties import NinjsItem, as_generation_3, inner_integer, inner_text
from contentql.formats.agency.ninjs_texts import TextPart, choose_text, plain, text_parts
from contentql.formats.source_file import ReadOptions

SYSTEM: Final = "ninjs"
_NO_ARTICLES: Final = {"event": "an event, not an article", "planning": "a plan of coverage, not an article"}
_STATUSES: Final = {
    "": SourceStatus.PUBLIC,
    "usable": SourceStatus.PUBLIC,
    "withheld": SourceStatus.HIDDEN,
    "canceled": SourceStatus.CANCELED,
    "cancelled": SourceStatus.CANCELED,
    "killed": SourceStatus.CANCELED,
    "withdrawn": SourceStatus.CANCELED,
}
_MEDIA_TYPES: Final = {MediaKind.IMAGE: ContentType.GALLERY, MediaKind.VIDEO: ContentType.VIDEO}
_HEADLINES: Final = ("main", "", "simple", "headline")
_KICKERS: Final = ("kicker", "overline", "eyebrow", "topline", "vignette")
_SHORT: Final = ("short", "shortheadline", "push", "mobile", "sms", "alert")
_SUMMARIES: Final = ("summary", "abstract", "main", "text", "lead", "", "caption", "richtext")
_PERMALINKS: Final = ("canonical", "permalink", "url", "web", "link")
_IDENTIFIER: Final = re.compile(
    r"guid|uuid|urn|(?:item|article|content|news|source|internal|object|asset)?[-_]?id"
)
_SLUG: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)+")
# Known properties that no field has.
_UNSTORED_TEXTS: Final = ("profile", "copyrightHolder")
_UNSTORED_OBJECTS: Final = ("rightsInfo", "digitalSourceType", "eventDetails")
_UNSTORED_ARRAYS: Final = ("infoSources", "trustIndicators", "plannedCoverage")


def build_article(
    item: NinjsItem, associations: Associations, source: str, place: str, options: ReadOptions
) -> ImportItem:
    """The import item of a ninjs item."""
    is_partial = item.text("representationType").lower() in ("partial", "incomplete")
    builder = AgencyBuilder(source, place, options, format=SYSTEM, uri=item.text("uri"), partial=is_partial)
    type_ = item.text("type").lower()
    if type_ in _NO_ARTICLES and not text_parts(item, "bodies"):
        return builder.skip(_NO_ARTICLES[type_])
    if not item.text("uri"):
        return builder.fail("the item has no uri, which every item must have")
    if associations.texts and not text_parts(item, "bodies") and not associations.media:
        return builder.skip(f"a package of {len(associations.texts)} items, which are read by themselves")
    _set_version(builder, item)
    status = _STATUSES.get(item.text("pubStatus").lower(), SourceStatus.HIDDEN)
    if status is SourceStatus.CANCELED or is_kill_note(item.text("edNote")):
        headline = plain(choose_text(item, "headlines", _HEADLINES)) or item.text("title")
        return builder.build_withdrawal(headline)
    builder.source_status = status
    if builder.partial and not item.has("pubStatus"):
        builder.leave_stored("status")
    _set_texts(builder, item)
    _set_times(builder, item)
    _set_management(builder, item)
    add_sections(builder, item)
    add_authors(builder, item)
    if item.has("by") or not builder.partial:
        builder.set_byline(item.text("by"))
    add_concepts(builder, item)
    set_content(builder, item, associations)
    _keep_unstored(builder, item, associations)
    for name, part in item.wrong.items():
        builder.warn(WarningCode.DROPPED, f"left out of {name}: {part}", place=name)
    return builder.build()


def _set_texts(builder: AgencyBuilder, item: NinjsItem) -> None:
    """Sets headlines, summary and slug."""
    if item.has("headlines") or not builder.partial:
        headline = choose_text(item, "headlines", _HEADLINES)
        kicker = _of_role(item, "headlines", _KICKERS)
        short = _of_role(item, "headlines", _SHORT)
        if headline in (kicker, short):
            headline = None
        title = item.text("title")
        if headline:
            builder.set_text("headline", " ".join(plain(headline).split()))
        elif title:
            message = "the item has no headline; its title is taken"
            builder.guess("headline", " ".join(title.split())[:300], message)
        builder.set_text("kicker", plain(kicker))
        builder.set_text("short_headline", plain(short))
        _keep_texts(builder, item, "headlines", (headline, kicker, short))
        if title and title != builder.get("headline"):
            builder.keep("title", title)
    if item.has("descriptions") or not builder.partial:
        summary = choose_text(item, "descriptions", _SUMMARIES, strict=True)
        builder.set_text("summary", plain(summary))
        _keep_texts(builder, item, "descriptions", (summary,))
    slug = next((value for role, value in _alt_ids(item) if role == "slug"), "")
    slugline = item.text("slugline")
    if slug or _SLUG.fullmatch(slugline):
        builder.set_slug(slug or slugline)
    if slugline and slugline != builder.get("slug"):
        builder.keep("slugline", slugline)


def _of_role(item: NinjsItem, name: str, roles: tuple[str, ...]) -> TextPart | None:
    return choose_text(item, name, roles, strict=True)


def _keep_texts(
    builder: AgencyBuilder, item: NinjsItem, name: str, used: tuple[TextPart | None, ...]
) -> None:
    """Keeps the texts that no field has, but not the same texts as HTML."""
    roles = {part.role for part in used if part}
    texts = {" ".join(plain(part).split()) for part in used if part}
    others = [
        part
        for part in text_parts(item, name)
        if part not in used and part.role not in roles and " ".join(plain(part).split()) not in texts
    ]
    objects = item.objects(name)
    builder.keep(name, [as_generation_3(objects[part.position]) for part in others])


def _set_version(builder: AgencyBuilder, item: NinjsItem) -> None:
    """Sets number and time of the version."""
    builder.source_modified_at = builder.parse_time(item.text("versionCreated"), "updatedAt")
    if match := re.match(r"\s*[vV]?(\d{1,18})(?:\.\d+)*\s*$", item.text("version"), re.ASCII):
        builder.source_version = int(match[1])
    elif item.text("version"):
        message = f"the version {item.text('version')[:50]!r} is no number"
        builder.warn(WarningCode.DROPPED, message)


def _set_times(builder: AgencyBuilder, item: NinjsItem) -> None:
    """Sets times. An item is published when it was created first; withheld ones are not."""
    version = builder.source_modified_at
    first = builder.parse_time(item.text("firstCreated"), "publishedAt")
    content = builder.parse_time(item.text("contentCreated"), "publishedAt")
    published = first or content or (None if builder.partial else version)
    published = published if builder.source_status is SourceStatus.PUBLIC else None
    for name, value in (("published_at", published), ("updated_at", version)):
        if value or not builder.partial:
            builder.set(name, value)
    for name, at in (("firstCreated", first), ("contentCreated", content)):
        if at and at != published:
            builder.keep(name, item.text(name))
    if item.has("embargoedUntil") or not builder.partial:
        embargo = builder.set_time("embargo_until", item.text("embargoedUntil"))
        if item.has("embargoedUntil") and embargo is None and builder.source_status is SourceStatus.PUBLIC:
            builder.source_status = SourceStatus.HIDDEN
            message = "the end of the embargo cannot be read: the item is taken as withheld"
            builder.warn(WarningCode.CHANGED, message, "status")
    if item.has("expires") or not builder.partial:
        builder.set_time("expires_at", item.text("expires"))


def _set_management(builder: AgencyBuilder, item: NinjsItem) -> None:
    """Sets language, urgency, genre, rights, place, notes and other ids."""
    status = item.text("pubStatus").lower()
    if status not in _STATUSES or "pubStatus" in item.wrong:
        builder.source_status = SourceStatus.HIDDEN
        message = f"the pubStatus {status[:50]!r} is none of usable, withheld and canceled: taken as withheld"
        builder.warn(WarningCode.CHANGED, message, "status")
    if item.has("language") or not builder.partial:
        builder.set_language(item.text("language"))
    for field, name in (
        ("usage_terms", "usageTerms"),
        ("dateline_place", "located"),
    ):
        if item.has(name) or not builder.partial:
            builder.set_text(field, item.text(name))
    if item.has("copyrightNotice") or item.has("copyrightHolder") or not builder.partial:
        builder.set_text("copyright_notice", item.text("copyrightNotice") or item.text("copyrightHolder"))
    if item.has("edNote") or not builder.partial:
        builder.set_text("ed_note", item.text("edNote"))
    urgency = inner_integer(item.known, "urgency")
    if urgency is not None and 1 <= urgency <= 9:
        builder.set("urgency", urgency)
    else:
        builder.set_default("urgency", 5)
        if item.has("urgency"):
            message = "the urgency is no whole number from 1 to 9"
            builder.warn(WarningCode.DROPPED, message, "urgency")
    _set_content_type(builder, item)
    others = []
    for role, value in _alt_ids(item):
        if role in _PERMALINKS and value.startswith(("https://", "http://")):
            builder.add_address(value)
        elif _IDENTIFIER.fullmatch(role):
            builder.add_external_id(f"{SYSTEM}:{role}", value)
        elif role != "slug":
            others.append({"role": role, "value": value})
    builder.keep("altIds", others)


def _alt_ids(item: NinjsItem) -> list[tuple[str, str]]:
    ids = [(inner_text(part, "role").lower(), inner_text(part, "value")) for part in item.objects("altIds")]
    return [(role, value) for role, value in ids if value]


def _set_content_type(builder: AgencyBuilder, item: NinjsItem) -> None:
    content_type, others = None, []
    for genre in item.objects("genres"):
        names = [inner_text(genre, part) for part in ("uri", "name", "literal", "code")]
        found_type = content_type_of(names)
        content_type = content_type or found_type
        if found_type is None or found_type is not content_type:
            others.append(as_generation_3(genre))
    builder.keep("genres", others)
    kind = media_kind(item)
    default = _MEDIA_TYPES.get(kind, ContentType.NEWS) if kind else ContentType.NEWS
    if content_type or not builder.partial:
        builder.set("content_type", content_type or default)


def _keep_unstored(builder: AgencyBuilder, item: NinjsItem, associations: Associations) -> None:
    """Keeps the properties that no field has."""
    for name in _UNSTORED_TEXTS:
        if name != "copyrightHolder" or item.text("copyrightNotice"):
            builder.keep(name, item.text(name))
    for name in _UNSTORED_OBJECTS:
        builder.keep(name, as_generation_3(item.object(name)))
    for name in _UNSTORED_ARRAYS:
        builder.keep(name, as_generation_3(item.objects(name)))
    for name, value in item.unknown.items():
        builder.keep(name, value)
    if item.objects("infoSources"):
        message = "the information sources were kept in extra: the item does not say what each has said"
        builder.warn(WarningCode.CHANGED, message, "attributions")
    builder.keep("associations", as_generation_3(associations.references))
    if associations.references:
        message = (
            f"{len(associations.references)} associated items without a text or a file were kept in extra"
        )
        builder.warn(WarningCode.CHANGED, message, "related")
    if associations.omitted:
        message = f"{associations.omitted:,} associations after the first {MAX_ASSOCIATIONS:,} were left out"
        builder.warn(WarningCode.DROPPED, message, "media")
