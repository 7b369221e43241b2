"""Mutations of categories, media, sources, tags, authors, stories and collections."""

from __future__ import annotations

import strawberry

from contentql.auth.permissions import Permission
from contentql.editorial import (
    authors,
    categories,
    collections,
    media,
    redirects,
    sources,
    stories,
    tags,
)
from contentql.schema.inputs.base import UpdateInput
from contentql.schema.inputs.taxonomy import (
    CreateAuthorInput,
    CreateCategoryInput,
    CreateCollectionInput,
    CreateMediaInput,
    CreateRedirectInput,
    CreateSourceInput,
    CreateStoryInput,
    CreateTagInput,
    MergeSourcesInput,
    MoveCategoryInput,
    PinArticleInput,
    UpdateAuthorInput,
    UpdateCategoryInput,
    UpdateCollectionInput,
    UpdateMediaInput,
    UpdateSourceInput,
    UpdateStoryInput,
    UpdateTagInput,
)
from contentql.schema.mutation_field import DELETED_ID, mutation_field
from contentql.schema.payloads import (
    AuthorPayload,
    CategoryPayload,
    CollectionPayload,
    DeletionPayload,
    MediaPayload,
    RedirectPayload,
    SourcePayload,
    StoryPayload,
    TagPayload,
)


@strawberry.type
class TaxonomyMutations:
    create_redirect: RedirectPayload | None = mutation_field(
        "Redirects a path of the reader's site to an object, or to another path or URL.",
        input=CreateRedirectInput,
        payload=RedirectPayload,
        permission=Permission.MANAGE_TAXONOMY,
        resolver=redirects.create_redirect,
        example='path: "/2019/05/an-old-page", target: "art_90817263545"',
    )
    delete_redirect: DeletionPayload | None = mutation_field(
        "Deletes a redirect.",
        input=UpdateInput,
        payload=DeletionPayload,
        permission=Permission.MANAGE_TAXONOMY,
        resolver=redirects.delete_redirect,
        example='id: "rdr_6677889900"',
        selection=DELETED_ID,
    )
    create_category: CategoryPayload | None = mutation_field(
        "Creates a section.",
        input=CreateCategoryInput,
        payload=CategoryPayload,
        permission=Permission.MANAGE_TAXONOMY,
        resolver=categories.create_category,
        example='name: "Asia", parent: "world"',
    )
    update_category: CategoryPayload | None = mutation_field(
        "Updates a section.",
        input=UpdateCategoryInput,
        payload=CategoryPayload,
        permission=Permission.MANAGE_TAXONOMY,
        resolver=categories.update_category,
        example='id: "world/asia", description: "News from Asia"',
    )
    move_category: CategoryPayload | None = mutation_field(
        "Moves a section with its descendants. Former paths redirect to the new ones.",
        input=MoveCategoryInput,
        payload=CategoryPayload,
        permission=Permission.MANAGE_TAXONOMY,
        resolver=categories.move_category,
        example='id: "world/asia", parent: null',
    )
    delete_category: DeletionPayload | None = mutation_field(
        "Deletes a section that is not used.",
        input=UpdateInput,
        payload=DeletionPayload,
        permission=Permission.MANAGE_TAXONOMY,
        resolver=categories.delete_category,
        example='id: "world/asia"',
        selection=DELETED_ID,
    )
    create_media: MediaPayload | None = mutation_field(
        "Creates a media file from the URL of a file that is hosted elsewhere.",
        input=CreateMediaInput,
        payload=MediaPayload,
        permission=Permission.CREATE_TAXONOMY,
        resolver=media.create_media,
        example='kind: IMAGE, url: "https://media.example.org/a.jpg", alt: "Soldiers carry a coffin"',
    )
    update_media: MediaPayload | None = mutation_field(
        "Updates the metadata of a media file.",
        input=UpdateMediaInput,
        payload=MediaPayload,
        permission=Permission.EDIT_TAXONOMY,
        resolver=media.update_media,
        example='id: "med_5544332211", alt: "Soldiers carry a coffin"',
    )
    delete_media: DeletionPayload | None = mutation_field(
        "Deletes a media file that is not used.",
        input=UpdateInput,
        payload=DeletionPayload,
        permission=Permission.MANAGE_TAXONOMY,
        resolver=media.delete_media,
        example='id: "med_5544332211"',
        selection=DELETED_ID,
    )
    create_source: SourcePayload | None = mutation_field(
        "Creates a source.",
        input=CreateSourceInput,
        payload=SourcePayload,
        permission=Permission.CREATE_TAXONOMY,
        resolver=sources.create_source,
        example='name: "Sky News", kind: BROADCASTER',
    )
    update_source: SourcePayload | None = mutation_field(
        "Updates a source.",
        input=UpdateSourceInput,
        payload=SourcePayload,
        permission=Permission.EDIT_TAXONOMY,
        resolver=sources.update_source,
        example='id: "sky-news", country: "GB"',
    )
    merge_sources: SourcePayload | None = mutation_field(
        "Merges several sources into one.",
        input=MergeSourcesInput,
        payload=SourcePayload,
        permission=Permission.MANAGE_TAXONOMY,
        resolver=sources.merge_sources,
        example='into: "sky-news", sources: ["sky-news-uk"]',
    )
    delete_source: DeletionPayload | None = mutation_field(
        "Deletes a source that is not used.",
        input=UpdateInput,
        payload=DeletionPayload,
        permission=Permission.MANAGE_TAXONOMY,
        resolver=sources.delete_source,
        example='id: "sky-news"',
        selection=DELETED_ID,
    )
    create_tag: TagPayload | None = mutation_field(
        "Creates a tag.",
        input=CreateTagInput,
        payload=TagPayload,
        permission=Permission.CREATE_TAXONOMY,
        resolver=tags.create_tag,
        example='type: PLACE, name: "Pyongyang"',
    )
    update_tag: TagPayload | None = mutation_field(
        "Updates a tag.",
        input=UpdateTagInput,
        payload=TagPayload,
        permission=Permission.EDIT_TAXONOMY,
        resolver=tags.update_tag,
        example='id: "PLACE:pyongyang", wikidata: "Q18808"',
    )
    delete_tag: DeletionPayload | None = mutation_field(
        "Deletes a tag that is not used.",
        input=UpdateInput,
        payload=DeletionPayload,
        permission=Permission.MANAGE_TAXONOMY,
        resolver=tags.delete_tag,
        example='id: "PLACE:pyongyang"',
        selection=DELETED_ID,
    )
    create_author: AuthorPayload | None = mutation_field(
        "Creates an author.",
        input=CreateAuthorInput,
        payload=AuthorPayload,
        permission=Permission.EDIT_TAXONOMY,
        resolver=authors.create_author,
        example='name: "Jane Doe"',
    )
    update_author: AuthorPayload | None = mutation_field(
        "Updates an author.",
        input=UpdateAuthorInput,
        payload=AuthorPayload,
        permission=Permission.EDIT_TAXONOMY,
        resolver=authors.update_author,
        example='id: "jane-doe", desk: "World"',
    )
    delete_author: DeletionPayload | None = mutation_field(
        "Deletes an author without articles.",
        input=UpdateInput,
        payload=DeletionPayload,
        permission=Permission.MANAGE_TAXONOMY,
        resolver=authors.delete_author,
        example='id: "jane-doe"',
        selection=DELETED_ID,
    )
    create_story: StoryPayload | None = mutation_field(
        "Creates a running story.",
        input=CreateStoryInput,
        payload=StoryPayload,
        permission=Permission.EDIT_TAXONOMY,
        resolver=stories.create_story,
        example='title: "North Korea and Russia"',
    )
    update_story: StoryPayload | None = mutation_field(
        "Updates a running story.",
        input=UpdateStoryInput,
        payload=StoryPayload,
        permission=Permission.EDIT_TAXONOMY,
        resolver=stories.update_story,
        example='id: "north-korea-russia", description: "Troops, arms and treaties"',
    )
    delete_story: DeletionPayload | None = mutation_field(
        "Deletes a running story without articles.",
        input=UpdateInput,
        payload=DeletionPayload,
        permission=Permission.MANAGE_TAXONOMY,
        resolver=stories.delete_story,
        example='id: "north-korea-russia"',
        selection=DELETED_ID,
    )
    create_collection: CollectionPayload | None = mutation_field(
        "Creates a collection.",
        input=CreateCollectionInput,
        payload=CollectionPayload,
        permission=Permission.EDIT_TAXONOMY,
        resolver=collections.create_collection,
        example='title: "Front page"',
    )
    update_collection: CollectionPayload | None = mutation_field(
        "Updates a collection and the order of its items.",
        input=UpdateCollectionInput,
        payload=CollectionPayload,
        permission=Permission.EDIT_TAXONOMY,
        resolver=collections.update_collection,
        example='id: "front-page", items: [{article: "art_1"}, {article: "art_2"}]',
    )
    pin_article: CollectionPayload | None = mutation_field(
        "Pins an article in a collection, optionally until a given time. No item is deleted: readers see the"
        " first `maxItems` published articles, and `surplusArticleIds` names the articles beyond them.",
        input=PinArticleInput,
        payload=CollectionPayload,
        permission=Permission.EDIT_TAXONOMY,
        resolver=collections.pin_article,
        example='id: "front-page", article: "art_1", until: "2026-07-01T00:00:00Z"',
    )
    delete_collection: DeletionPayload | None = mutation_field(
        "Deletes a collection; its articles are kept.",
        input=UpdateInput,
        payload=DeletionPayload,
        permission=Permission.MANAGE_TAXONOMY,
        resolver=collections.delete_collection,
        example='id: "front-page"',
        selection=DELETED_ID,
    )
