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
    language: str = required("The language, BCP 47.", '"de"')
    name: str = required("The name.", '"Asien"')


@strawberry.input(description="What is said of a section.")
class CategoryFields(MutationInput):
    names: list[LocalNameInput] | None = optional(
        "Its name in other languages.", '[{language: "de", name: "Asien"}]'
    )
    description: str | None = optional("What it is about.", '"News from Asia"')
    position: int | None = optional("Its place among its siblings.", "2")
    hidden: bool | None = optional("Leave it out of menus.", "false")
    slug: str | None = optional("Its part of the path; made of the name unless told.", '"asia"')


@strawberry.input(description="A new section.")
class CreateCategoryInput(CategoryFields):
    name: str = required("Its name.", '"Asia"')
    parent: strawberry.ID | None = optional("The section above: path or id; none makes it a root.", '"world"')


@strawberry.input(description="A change of a section. A new slug moves its path, and all below it.")
class UpdateCategoryInput(CategoryFields):
    id: strawberry.ID = required("Which: path or id.", '"world/asia"')
    name: str | None = optional("Its name.", '"Asia"')


@strawberry.input(description="Moving a section with all that lies below it.")
class MoveCategoryInput(UpdateInput):
    parent: strawberry.ID | None = optional("The section to put it under; null makes it a root.", '"world"')
    position: int | None = optional("Its place among its new siblings.", "2")


@strawberry.input(description="What is said of a media file.")
class MediaFields(MutationInput):
    width: int | None = optional("Width in pixels.", "1600")
    height: int | None = optional("Height in pixels.", "1067")
    duration: float | None = optional("Length in seconds.", "93.5")
    bytes: int | None = optional("Size in bytes.", "182044")
    alt: str | None = optional("What it shows, for those who cannot see it.", '"Soldiers carry a coffin"')
    decorative: bool | None = optional("It shows nothing that matters, and needs no alt text.", "false")
    caption: str | None = optional("The line below it.", '"The ceremony in Pyongyang"')
    credit: str | None = optional("Whom to name beside it.", '"KCTV"')
    creator: str | None = optional("Who made it.", '"Jane Doe"')
    copyright: str | None = optional("The copyright line.", '"© 2026 Example Agency"')
    licence: str | None = optional("The licence's code.", '"CC BY 2.5"')
    licence_url: str | None = optional(
        "Where it can be read.", '"https://creativecommons.org/licenses/by/2.5/"'
    )
    usage_terms: str | None = optional("What else its use is bound to.", '"Editorial use only"')
    expires_at: DateTime | None = optional("When its licence ends.", '"2027-01-01T00:00:00Z"')
    focal_x: float | None = optional("What must stay in view, from the left, 0 to 1.", "0.5")
    focal_y: float | None = optional("What must stay in view, from the top, 0 to 1.", "0.33")
    blurhash: str | None = optional("A placeholder.", '"LEHV6nWB2yk8"')
    colour: str | None = optional("Its main colour.", '"#7a6f5d"')
    digital_source_type: str | None = optional("How it came about, IPTC code.", '"digitalCapture"')
    sensitive: bool | None = optional("Better asked before it is shown.", "false")


@strawberry.input(description="A new media file, which lies elsewhere already.")
class CreateMediaInput(MediaFields):
    kind: MediaKind = required("What it is.", "IMAGE")
    url: str = required("Where it lies.", '"https://media.example.org/a.jpg"')
    mime: str | None = optional("Its media type; told by the url unless told.", '"image/jpeg"')


@strawberry.input(description="A change of what is said of a media file.")
class UpdateMediaInput(MediaFields):
    id: strawberry.ID = required("Which.", '"med_5544332211"')
    url: str | None = optional("Where it lies.", '"https://media.example.org/a.jpg"')
    mime: str | None = optional("Its media type.", '"image/jpeg"')


@strawberry.input(description="What is said of a source.")
class SourceFields(MutationInput):
    slug: str | None = optional("Its short name; made of the name unless told.", '"sky-news"')
    aliases: list[str] | None = optional("Other names it goes by.", '["Sky"]')
    state_controlled: bool | None = optional("Whether a state controls it.", "false")
    country: str | None = optional("Its country, ISO 3166.", '"GB"')
    homepage: str | None = optional("Its own page.", '"https://news.sky.com"')
    wikidata: str | None = optional("Its Wikidata item.", '"Q1026995"')
    described_as: str | None = optional("How an unnamed source is described.", '"a senior aide"')
    parent: strawberry.ID | None = optional("What it belongs to: slug or id.", '"sky-group"')


@strawberry.input(description="A new source.")
class CreateSourceInput(SourceFields):
    name: str = required("Its name.", '"Sky News"')
    kind: SourceKind = required("What it is.", "BROADCASTER")


@strawberry.input(description="A change of a source.")
class UpdateSourceInput(SourceFields):
    id: strawberry.ID = required("Which: slug or id.", '"sky-news"')
    name: str | None = optional("Its name.", '"Sky News"')
    kind: SourceKind | None = optional("What it is.", "BROADCASTER")


@strawberry.input(description="Making two entries of one source into one.")
class MergeSourcesInput(MutationInput):
    into: strawberry.ID = required("The one that stays: slug or id.", '"sky-news"')
    sources: list[strawberry.ID] = required("Those that go into it.", '["sky-news-uk"]')


@strawberry.input(description="A code of another vocabulary.")
class VocabularyCodeInput:
    scheme: str = required("The vocabulary.", '"medtop"')
    code: str = required("The code in it.", '"20000056"')


@strawberry.input(description="What is said of a tag.")
class TagFields(MutationInput):
    slug: str | None = optional("Its short name; made of the name unless told.", '"north-korea"')
    names: list[LocalNameInput] | None = optional(
        "Its name in other languages.", '[{language: "de", name: "Nordkorea"}]'
    )
    description: str | None = optional("What it means.", '"The state in East Asia"')
    aliases: list[str] | None = optional("Other names it goes by.", '["DPRK"]')
    wikidata: str | None = optional("Its Wikidata item.", '"Q423"')
    latitude: float | None = optional("Degrees north.", "39.03")
    longitude: float | None = optional("Degrees east.", "125.75")
    codes: list[VocabularyCodeInput] | None = optional(
        "Its codes elsewhere.", '[{scheme: "medtop", code: "1"}]'
    )
    broader: strawberry.ID | None = optional("The tag that contains it.", '"PLACE:east-asia"')


@strawberry.input(description="A new tag.")
class CreateTagInput(TagFields):
    type: TagType = required("What it stands for.", "PLACE")
    name: str = required("Its name.", '"North Korea"')


@strawberry.input(description="A change of a tag.")
class UpdateTagInput(TagFields):
    id: strawberry.ID = required("Which: id, `TYPE:slug` or slug.", '"PLACE:north-korea"')
    name: str | None = optional("Its name.", '"North Korea"')


@strawberry.input(description="What is said of an author.")
class AuthorFields(MutationInput):
    slug: str | None = optional("The short name; made of the name unless told.", '"jane-doe"')
    bio: str | None = optional("Who they are.", '"Reports on East Asia."')
    desk: str | None = optional("Where they work.", '"World"')
    image: strawberry.ID | None = optional("Their picture.", '"med_5544332211"')
    same_as: list[str] | None = optional("Their pages elsewhere.", '["https://example.org/@jane"]')
    pseudonym: bool | None = optional("Whether the name is assumed.", "false")


@strawberry.input(description="A new author.")
class CreateAuthorInput(AuthorFields):
    name: str = required("The name.", '"Jane Doe"')


@strawberry.input(description="A change of an author.")
class UpdateAuthorInput(AuthorFields):
    id: strawberry.ID = required("Who: slug or id.", '"jane-doe"')
    name: str | None = optional("The name.", '"Jane Doe"')


@strawberry.input(description="A new story.")
class CreateStoryInput(MutationInput):
    title: str = required("What it is called.", '"North Korea and Russia"')
    slug: str | None = optional("Its short name; made of the title unless told.", '"north-korea-russia"')
    description: str | None = optional("What it is about.", '"Troops, arms and treaties"')


@strawberry.input(description="A change of a story.")
class UpdateStoryInput(MutationInput):
    id: strawberry.ID = required("Which: slug or id.", '"north-korea-russia"')
    title: str | None = optional("What it is called.", '"North Korea and Russia"')
    slug: str | None = optional("Its short name.", '"north-korea-russia"')
    description: str | None = optional("What it is about.", '"Troops, arms and treaties"')


@strawberry.input(description="An article in a collection.")
class CollectionItemInput:
    article: strawberry.ID = required("The article.", '"art_90817263545"')
    pinned_until: DateTime | None = optional("Until when it stays on top.", '"2026-07-01T00:00:00Z"')
    headline: str | None = optional("A headline for this place.", '"Kim weeps"')
    media: strawberry.ID | None = optional("A picture for this place.", '"med_5544332211"')


@strawberry.input(description="What is said of a collection.")
class CollectionFields(MutationInput):
    slug: str | None = optional("Its short name; made of the title unless told.", '"front-page"')
    description: str | None = optional("What it is for.", '"The top of the home page"')
    max_items: int | None = optional("How many it holds.", "12")
    items: list[CollectionItemInput] | None = optional("Its articles, in order.", '[{article: "art_1"}]')


@strawberry.input(description="A new collection.")
class CreateCollectionInput(CollectionFields):
    title: str = required("What it is called.", '"Front page"')


@strawberry.input(description="A change of a collection; `items` is its whole list in its new order.")
class UpdateCollectionInput(CollectionFields):
    id: strawberry.ID = required("Which: slug or id.", '"front-page"')
    title: str | None = optional("What it is called.", '"Front page"')


@strawberry.input(description="Pinning an article to the top of a collection.")
class PinArticleInput(UpdateInput):
    article: strawberry.ID = required("The article.", '"art_90817263545"')
    position: int | None = optional("Its place, from 0.", "0")
    until: DateTime | None = optional("Until when; for good unless told.", '"2026-07-01T00:00:00Z"')
