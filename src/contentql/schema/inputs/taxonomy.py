"""Categories, media, sources, tags, authors, stories and collections."""

from __future__ import annotations

import strawberry

from contentql.content.enums import (
    MediaKind,
    SourceKind,
    TagType,
)
from contentql.schema.inputs.base import MutationInput, UpdateInput, optional, required
from contentql.schema.scalars import DateTime


@strawberry.input(description="A name in one language.")
class LocalNameInput:
    language: str = required("Language, BCP 47.", '"de"')
    name: str = required("Full name.", '"Asien"')


@strawberry.input(description="Fields of a section.")
class CategoryFields(MutationInput):
    names: list[LocalNameInput] | None = optional(
        "Names in other languages.", '[{language: "de", name: "Asien"}]'
    )
    description: str | None = optional("Summary of the story.", '"News from Asia"')
    position: int | None = optional("Position among the sections with the same parent, from 0.", "2")
    hidden: bool | None = optional("True to leave the section out of menus.", "false")
    slug: str | None = optional("Last part of the path; derived from the name by default.", '"asia"')


@strawberry.input(description="A new section.")
class CreateCategoryInput(CategoryFields):
    name: str = required("Display name.", '"Asia"')
    parent: strawberry.ID | None = optional(
        "Parent section: path or id; a root section if omitted.", '"world"'
    )


@strawberry.input(
    description="Update of a section. A new slug changes its path and those of its descendants."
)
class UpdateCategoryInput(CategoryFields):
    id: strawberry.ID = required("Section: path or id.", '"world/asia"')
    name: str | None = optional("Display name.", '"Asia"')


@strawberry.input(description="Move of a section with its descendants.")
class MoveCategoryInput(UpdateInput):
    parent: strawberry.ID | None = optional(
        "New parent section; null makes the section a root section.", '"world"'
    )
    position: int | None = optional("Position among the sections with the same parent.", "2")


@strawberry.input(description="Metadata of a media file.")
class MediaFields(MutationInput):
    width: int | None = optional("Width in pixels.", "1600")
    height: int | None = optional("Height in pixels.", "1067")
    duration: float | None = optional("Duration in seconds; null for pictures and documents.", "93.5")
    bytes: int | None = optional("Size in bytes.", "182044")
    alt: str | None = optional(
        "Alternative text for readers who cannot see the picture.", '"Soldiers carry a coffin"'
    )
    decorative: bool | None = optional(
        "True if the picture is decorative and needs no alternative text.", "false"
    )
    caption: str | None = optional("Caption.", '"The ceremony in Pyongyang"')
    credit: str | None = optional("Credit line, to be shown beside the media file.", '"KCTV"')
    creator: str | None = optional("Name of the creator.", '"Jane Doe"')
    copyright: str | None = optional("Copyright notice.", '"© 2026 Example Agency"')
    licence: str | None = optional("Code of the licence.", '"CC BY 2.5"')
    licence_url: str | None = optional(
        "URL of the statement.", '"https://creativecommons.org/licenses/by/2.5/"'
    )
    usage_terms: str | None = optional("Further terms of use.", '"Editorial use only"')
    expires_at: DateTime | None = optional("Time at which the licence expires.", '"2027-01-01T00:00:00Z"')
    focal_x: float | None = optional("Focal point: distance from the left edge, 0 to 1.", "0.5")
    focal_y: float | None = optional("Focal point: distance from the top edge, 0 to 1.", "0.33")
    blurhash: str | None = optional("BlurHash placeholder.", '"LEHV6nWB2yk8"')
    colour: str | None = optional("Dominant colour as #rrggbb.", '"#7a6f5d"')
    digital_source_type: str | None = optional(
        "IPTC digital source type, for example whether the picture is generated.", '"digitalCapture"'
    )
    sensitive: bool | None = optional(
        "True if the content may be disturbing; clients should ask before showing it.", "false"
    )


@strawberry.input(description="A new media file, hosted elsewhere.")
class CreateMediaInput(MediaFields):
    kind: MediaKind = required("Kind of media.", "IMAGE")
    url: str = required("URL of the file.", '"https://media.example.org/a.jpg"')
    mime: str | None = optional("Media type (MIME); derived from the URL by default.", '"image/jpeg"')


@strawberry.input(description="Update of the metadata of a media file.")
class UpdateMediaInput(MediaFields):
    id: strawberry.ID = required("Which.", '"med_5544332211"')
    url: str | None = optional("URL of the file.", '"https://media.example.org/a.jpg"')
    mime: str | None = optional("Media type (MIME).", '"image/jpeg"')


@strawberry.input(description="Fields of a source.")
class SourceFields(MutationInput):
    slug: str | None = optional("Short name for URLs; derived from the name by default.", '"sky-news"')
    aliases: list[str] | None = optional("Other names of the source.", '["Sky"]')
    state_controlled: bool | None = optional("True if the source is controlled by a state.", "false")
    country: str | None = optional("Country, ISO 3166 alpha-2.", '"GB"')
    homepage: str | None = optional("URL of the home page.", '"https://news.sky.com"')
    wikidata: str | None = optional("Wikidata item id.", '"Q1026995"')
    described_as: str | None = optional("Description of an unnamed source.", '"a senior aide"')
    parent: strawberry.ID | None = optional("Parent organisation: slug or id.", '"sky-group"')


@strawberry.input(description="A new source.")
class CreateSourceInput(SourceFields):
    name: str = required("Display name.", '"Sky News"')
    kind: SourceKind = required("Kind of media.", "BROADCASTER")


@strawberry.input(description="Update of a source.")
class UpdateSourceInput(SourceFields):
    id: strawberry.ID = required("Source: slug or id.", '"sky-news"')
    name: str | None = optional("Display name.", '"Sky News"')
    kind: SourceKind | None = optional("Kind of media.", "BROADCASTER")


@strawberry.input(description="Merge of several sources into one.")
class MergeSourcesInput(MutationInput):
    into: strawberry.ID = required("Source to keep: slug or id.", '"sky-news"')
    sources: list[strawberry.ID] = required("Sources to merge into it.", '["sky-news-uk"]')


@strawberry.input(description="A code of the tag in another vocabulary.")
class VocabularyCodeInput:
    scheme: str = required("Name of the vocabulary.", '"medtop"')
    code: str = required("Code in that vocabulary.", '"20000056"')


@strawberry.input(description="Fields of a tag.")
class TagFields(MutationInput):
    slug: str | None = optional("Short name for URLs; derived from the name by default.", '"north-korea"')
    names: list[LocalNameInput] | None = optional(
        "Names in other languages.", '[{language: "de", name: "Nordkorea"}]'
    )
    description: str | None = optional("Description of the subject.", '"The state in East Asia"')
    aliases: list[str] | None = optional("Other names of the source.", '["DPRK"]')
    wikidata: str | None = optional("Wikidata item id.", '"Q423"')
    latitude: float | None = optional("Latitude in degrees north.", "39.03")
    longitude: float | None = optional("Longitude in degrees east.", "125.75")
    codes: list[VocabularyCodeInput] | None = optional(
        "Codes in other vocabularies.", '[{scheme: "medtop", code: "1"}]'
    )
    broader: strawberry.ID | None = optional("Broader tag that contains this one.", '"PLACE:east-asia"')


@strawberry.input(
    description="A new redirect of a path of the reader's site. Either `target` or `url` is required."
)
class CreateRedirectInput(MutationInput):
    path: str = required("Path, with the query if that is part of the old address.", '"/2019/05/an-old-page"')
    target: strawberry.ID | None = optional(
        "Global id of the object whose page it leads to.", '"art_90817263545"'
    )
    url: str | None = optional("URL or path that it leads to.", '"https://example.org/about"')
    status: int | None = optional("HTTP status: 301 (the default), 302, 307 or 308.", "302")


@strawberry.input(description="A new tag.")
class CreateTagInput(TagFields):
    type: TagType = required("Type of the tag.", "PLACE")
    name: str = required("Display name.", '"North Korea"')


@strawberry.input(description="Update of a tag.")
class UpdateTagInput(TagFields):
    id: strawberry.ID = required("Tag: id, `TYPE:slug` or slug.", '"PLACE:north-korea"')
    name: str | None = optional("Display name.", '"North Korea"')


@strawberry.input(description="Fields of an author.")
class AuthorFields(MutationInput):
    slug: str | None = optional("Short name for URLs; derived from the name by default.", '"jane-doe"')
    bio: str | None = optional("Short biography.", '"Reports on East Asia."')
    desk: str | None = optional("Desk of the newsroom that the author belongs to.", '"World"')
    image: strawberry.ID | None = optional("Portrait.", '"med_5544332211"')
    same_as: list[str] | None = optional(
        "URLs of the author's profiles elsewhere.", '["https://example.org/@jane"]'
    )
    pseudonym: bool | None = optional("True if the name is a pseudonym.", "false")


@strawberry.input(description="A new author.")
class CreateAuthorInput(AuthorFields):
    name: str = required("Full name.", '"Jane Doe"')


@strawberry.input(description="Update of an author.")
class UpdateAuthorInput(AuthorFields):
    id: strawberry.ID = required("Source: slug or id.", '"jane-doe"')
    name: str | None = optional("Full name.", '"Jane Doe"')


@strawberry.input(description="A new running story.")
class CreateStoryInput(MutationInput):
    title: str = required("Name of the rendition.", '"North Korea and Russia"')
    slug: str | None = optional(
        "Short name for URLs; derived from the title by default.", '"north-korea-russia"'
    )
    description: str | None = optional("Summary of the story.", '"Troops, arms and treaties"')


@strawberry.input(description="Update of a running story.")
class UpdateStoryInput(MutationInput):
    id: strawberry.ID = required("Source: slug or id.", '"north-korea-russia"')
    title: str | None = optional("Name of the rendition.", '"North Korea and Russia"')
    slug: str | None = optional("Short name for URLs.", '"north-korea-russia"')
    description: str | None = optional("Summary of the story.", '"Troops, arms and treaties"')


@strawberry.input(description="An article in a collection.")
class CollectionItemInput:
    article: strawberry.ID = required("Article of the item.", '"art_90817263545"')
    pinned_until: DateTime | None = optional(
        "Time until which the item keeps its position.", '"2026-07-01T00:00:00Z"'
    )
    headline: str | None = optional("Headline for this collection.", '"Kim weeps"')
    media: strawberry.ID | None = optional("Picture for this collection.", '"med_5544332211"')


@strawberry.input(description="Fields of a collection.")
class CollectionFields(MutationInput):
    slug: str | None = optional("Short name for URLs; derived from the title by default.", '"front-page"')
    description: str | None = optional("Purpose of the collection.", '"The top of the home page"')
    max_items: int | None = optional(
        "Number of items that readers see at most; null for no limit. Further items are kept.", "12"
    )
    items: list[CollectionItemInput] | None = optional("Items, in order.", '[{article: "art_1"}]')


@strawberry.input(description="A new collection.")
class CreateCollectionInput(CollectionFields):
    title: str = required("Name of the rendition.", '"Front page"')


@strawberry.input(description="Update of a collection; `items` replaces the whole list.")
class UpdateCollectionInput(CollectionFields):
    id: strawberry.ID = required("Source: slug or id.", '"front-page"')
    title: str | None = optional("Name of the rendition.", '"Front page"')


@strawberry.input(description="Pin of an article in a collection.")
class PinArticleInput(UpdateInput):
    article: strawberry.ID = required("Article of the item.", '"art_90817263545"')
    position: int | None = optional("Position in the collection, from 0.", "0")
    until: DateTime | None = optional("End of the pin; no end if omitted.", '"2026-07-01T00:00:00Z"')
