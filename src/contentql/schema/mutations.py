"""The fields of Mutation: what editors do, each with the right that it needs and what carries it out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import strawberry

from contentql.auth.permissions import Permission
from contentql.editorial import (
    articles,
    attributions,
    authors,
    categories,
    collections,
    corrections,
    media,
    sources,
    stories,
    tags,
    tokens,
    workflow,
)
from contentql.planner.field_plans import MutationField
from contentql.schema.fields import argument_field
from contentql.schema.inputs.articles import (
    CorrectArticleInput,
    CreateArticleInput,
    CreatePreviewLinkInput,
    PublishArticleInput,
    RestoreRevisionInput,
    ScheduleArticleInput,
    UpdateArticleInput,
    WithdrawArticleInput,
)
from contentql.schema.inputs.attributions import (
    AddAttributionInput,
    ReorderAttributionsInput,
    UpdateAttributionInput,
)
from contentql.schema.inputs.base import ArticleTransitionInput, UpdateInput
from contentql.schema.inputs.taxonomy import (
    CreateAuthorInput,
    CreateCategoryInput,
    CreateCollectionInput,
    CreateMediaInput,
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
from contentql.schema.inputs.tokens import CreateTokenInput
from contentql.schema.payloads import (
    ArticlePayload,
    AttributionPayload,
    AuthorPayload,
    CategoryPayload,
    CollectionPayload,
    CorrectArticlePayload,
    DeletionPayload,
    MediaPayload,
    PreviewLinkPayload,
    SourcePayload,
    StoryPayload,
    TagPayload,
    TokenPayload,
)

# Named here because signatures are resolved in this module.
__all__ = [
    "AddAttributionInput",
    "ArticleTransitionInput",
    "CorrectArticleInput",
    "CreateArticleInput",
    "CreateAuthorInput",
    "CreateCategoryInput",
    "CreateCollectionInput",
    "CreateMediaInput",
    "CreatePreviewLinkInput",
    "CreateSourceInput",
    "CreateStoryInput",
    "CreateTagInput",
    "CreateTokenInput",
    "MergeSourcesInput",
    "MoveCategoryInput",
    "PinArticleInput",
    "PublishArticleInput",
    "ReorderAttributionsInput",
    "RestoreRevisionInput",
    "ScheduleArticleInput",
    "UpdateArticleInput",
    "UpdateAttributionInput",
    "UpdateAuthorInput",
    "UpdateCategoryInput",
    "UpdateCollectionInput",
    "UpdateInput",
    "UpdateMediaInput",
    "UpdateSourceInput",
    "UpdateStoryInput",
    "UpdateTagInput",
    "WithdrawArticleInput",
]


FIELD_NAME_PLACEHOLDER = "\N{PLACE OF INTEREST SIGN}"  # stands for a field's own name in its example


def _mutation_field(
    description: str,
    text: str,
    payload: str,
    needs: Permission,
    does: Callable[..., Awaitable[Any]],
    example: str,
    value: str = "",
) -> Any:
    thing = payload.removesuffix("Payload")
    what = value or f"{thing[0].lower()}{thing[1:]} {{ id }}"
    call = f"(input: {{{example}}}) {{ {what} userErrors {{ message field hint }} }}"
    return argument_field(
        f"{description} Needs {needs.value}. Example: `{FIELD_NAME_PLACEHOLDER}{call}`.",
        f"Optional[{payload}]",
        MutationField(needs.value, does),
        [("input", f"{text}!", f"What to do it with. Example: `{{{example}}}`.")],
        __name__,
    )


_ID = 'id: "art_90817263545"'


_OWN, _REVIEW, _PUBLISH = Permission.EDIT_OWN, Permission.REVIEW, Permission.PUBLISH


_ADD, _FILE, _ARRANGE, _ADMIN = (
    Permission.CREATE_TAXONOMY,
    Permission.EDIT_TAXONOMY,
    Permission.MANAGE_TAXONOMY,
    Permission.ADMIN,
)


_GONE = "deletedId"


@strawberry.type(
    description="Root fields for writing. Each field is one transaction; fields are executed one after the"
    " other."
)
class Mutation:
    create_article: ArticlePayload | None = _mutation_field(
        "Creates an article as a draft.",
        "CreateArticleInput",
        "ArticlePayload",
        _OWN,
        articles.create_article,
        'headline: "Kim Jong-un Sheds a Tear", body: {markdown: "…"}',
    )
    update_article: ArticlePayload | None = _mutation_field(
        "Updates an article. The changes of a published article go to a working copy, which is not"
        " public until it is published.",
        "UpdateArticleInput",
        "ArticlePayload",
        _OWN,
        articles.update_article,
        f'{_ID}, ifVersion: 3, headline: "Kim weeps"',
    )
    submit_article: ArticlePayload | None = _mutation_field(
        "Submits a draft, or the changes of a published article, for review.",
        "ArticleTransitionInput",
        "ArticlePayload",
        _OWN,
        workflow.submit_article,
        _ID,
    )
    return_article: ArticlePayload | None = _mutation_field(
        "Returns an article in review to its author.",
        "ArticleTransitionInput",
        "ArticlePayload",
        _REVIEW,
        workflow.return_article,
        f'{_ID}, reason: "Who says so?"',
    )
    approve_article: ArticlePayload | None = _mutation_field(
        "Approves an article in review.",
        "ArticleTransitionInput",
        "ArticlePayload",
        _REVIEW,
        workflow.approve_article,
        _ID,
    )
    schedule_article: ArticlePayload | None = _mutation_field(
        "Schedules the publication of an approved article.",
        "ScheduleArticleInput",
        "ArticlePayload",
        _PUBLISH,
        workflow.schedule_article,
        f'{_ID}, publishAt: "2026-06-30T14:00:00Z"',
    )
    publish_article: ArticlePayload | None = _mutation_field(
        "Publishes an article, or its changes, immediately.",
        "PublishArticleInput",
        "ArticlePayload",
        _PUBLISH,
        workflow.publish_article,
        _ID,
    )
    unpublish_article: ArticlePayload | None = _mutation_field(
        "Unpublishes an article without a notice; the article becomes a draft.",
        "ArticleTransitionInput",
        "ArticlePayload",
        _PUBLISH,
        workflow.unpublish_article,
        _ID,
    )
    withdraw_article: ArticlePayload | None = _mutation_field(
        "Withdraws an article and leaves a public notice in its place.",
        "WithdrawArticleInput",
        "ArticlePayload",
        _PUBLISH,
        workflow.withdraw_article,
        f'{_ID}, notice: "This report was wrong."',
    )
    correct_article: CorrectArticlePayload | None = _mutation_field(
        "Publishes a correction of a published article.",
        "CorrectArticleInput",
        "CorrectArticlePayload",
        _PUBLISH,
        corrections.correct_article,
        f'{_ID}, kind: CORRECTION, text: "It was 2024.", before: "in 2023", after: "in 2024"',
        "correction { id }",
    )
    archive_article: ArticlePayload | None = _mutation_field(
        "Archives an article.",
        "ArticleTransitionInput",
        "ArticlePayload",
        _PUBLISH,
        workflow.archive_article,
        _ID,
    )
    delete_article: DeletionPayload | None = _mutation_field(
        "Deletes an article. Drafts that were never published require EDIT_OWN or EDIT_ALL, all"
        " other articles PUBLISH.",
        "ArticleTransitionInput",
        "DeletionPayload",
        _OWN,
        workflow.delete_article,
        _ID,
        _GONE,
    )
    restore_article: ArticlePayload | None = _mutation_field(
        "Restores a deleted, archived or withdrawn article as a draft.",
        "ArticleTransitionInput",
        "ArticlePayload",
        _PUBLISH,
        workflow.restore_article,
        _ID,
    )
    restore_revision: ArticlePayload | None = _mutation_field(
        "Restores the content of an earlier version as a new version.",
        "RestoreRevisionInput",
        "ArticlePayload",
        _OWN,
        workflow.restore_revision,
        f"{_ID}, version: 2",
    )
    create_preview_link: PreviewLinkPayload | None = _mutation_field(
        "Creates a signed link that shows the current state of one article to readers without a token.",
        "CreatePreviewLinkInput",
        "PreviewLinkPayload",
        Permission.CREATE_PREVIEW_LINKS,
        tokens.create_preview_link,
        _ID,
        "url",
    )
    add_attribution: AttributionPayload | None = _mutation_field(
        "Adds an attribution, with the chain of sources that relayed the claim.",
        "AddAttributionInput",
        "AttributionPayload",
        _OWN,
        attributions.add_attribution,
        'article: "art_90817263545", kind: CITING, source: "south-korean-intelligence",'
        ' via: {kind: ACCORDING_TO, source: "sky-news"}',
    )
    update_attribution: AttributionPayload | None = _mutation_field(
        "Updates an attribution, or one hop of its chain.",
        "UpdateAttributionInput",
        "AttributionPayload",
        _OWN,
        attributions.update_attribution,
        'id: "att_1122334455", kind: SAID',
    )
    accept_attribution: AttributionPayload | None = _mutation_field(
        "Accepts a suggested attribution; it becomes public with its article.",
        "ArticleTransitionInput",
        "AttributionPayload",
        _OWN,
        attributions.accept_attribution,
        'id: "att_1122334455"',
    )
    reject_attribution: AttributionPayload | None = _mutation_field(
        "Rejects an attribution or a suggestion; it is not public.",
        "ArticleTransitionInput",
        "AttributionPayload",
        _OWN,
        attributions.reject_attribution,
        'id: "att_1122334455"',
    )
    delete_attribution: DeletionPayload | None = _mutation_field(
        "Deletes an attribution with its chain, or one relay of a chain.",
        "ArticleTransitionInput",
        "DeletionPayload",
        _OWN,
        attributions.delete_attribution,
        'id: "att_1122334455"',
        _GONE,
    )
    reorder_attributions: ArticlePayload | None = _mutation_field(
        "Reorders the attributions of an article.",
        "ReorderAttributionsInput",
        "ArticlePayload",
        _OWN,
        attributions.reorder_attributions,
        f'{_ID}, attributions: ["att_2", "att_1"]',
    )
    create_category: CategoryPayload | None = _mutation_field(
        "Creates a section.",
        "CreateCategoryInput",
        "CategoryPayload",
        _ARRANGE,
        categories.create_category,
        'name: "Asia", parent: "world"',
    )
    update_category: CategoryPayload | None = _mutation_field(
        "Updates a section.",
        "UpdateCategoryInput",
        "CategoryPayload",
        _ARRANGE,
        categories.update_category,
        'id: "world/asia", description: "News from Asia"',
    )
    move_category: CategoryPayload | None = _mutation_field(
        "Moves a section with its descendants. Former paths redirect to the new ones.",
        "MoveCategoryInput",
        "CategoryPayload",
        _ARRANGE,
        categories.move_category,
        'id: "world/asia", parent: null',
    )
    delete_category: DeletionPayload | None = _mutation_field(
        "Deletes a section that is not used.",
        "UpdateInput",
        "DeletionPayload",
        _ARRANGE,
        categories.delete_category,
        'id: "world/asia"',
        _GONE,
    )
    create_media: MediaPayload | None = _mutation_field(
        "Creates a media file from the URL of a file that is hosted elsewhere.",
        "CreateMediaInput",
        "MediaPayload",
        _ADD,
        media.create_media,
        'kind: IMAGE, url: "https://media.example.org/a.jpg", alt: "Soldiers carry a coffin"',
    )
    update_media: MediaPayload | None = _mutation_field(
        "Updates the metadata of a media file.",
        "UpdateMediaInput",
        "MediaPayload",
        _FILE,
        media.update_media,
        'id: "med_5544332211", alt: "Soldiers carry a coffin"',
    )
    delete_media: DeletionPayload | None = _mutation_field(
        "Deletes a media file that is not used.",
        "UpdateInput",
        "DeletionPayload",
        _ARRANGE,
        media.delete_media,
        'id: "med_5544332211"',
        _GONE,
    )
    create_source: SourcePayload | None = _mutation_field(
        "Creates a source.",
        "CreateSourceInput",
        "SourcePayload",
        _ADD,
        sources.create_source,
        'name: "Sky News", kind: BROADCASTER',
    )
    update_source: SourcePayload | None = _mutation_field(
        "Updates a source.",
        "UpdateSourceInput",
        "SourcePayload",
        _FILE,
        sources.update_source,
        'id: "sky-news", country: "GB"',
    )
    merge_sources: SourcePayload | None = _mutation_field(
        "Merges several sources into one.",
        "MergeSourcesInput",
        "SourcePayload",
        _ARRANGE,
        sources.merge_sources,
        'into: "sky-news", sources: ["sky-news-uk"]',
    )
    delete_source: DeletionPayload | None = _mutation_field(
        "Deletes a source that is not used.",
        "UpdateInput",
        "DeletionPayload",
        _ARRANGE,
        sources.delete_source,
        'id: "sky-news"',
        _GONE,
    )
    create_tag: TagPayload | None = _mutation_field(
        "Creates a tag.",
        "CreateTagInput",
        "TagPayload",
        _ADD,
        tags.create_tag,
        'type: PLACE, name: "Pyongyang"',
    )
    update_tag: TagPayload | None = _mutation_field(
        "Updates a tag.",
        "UpdateTagInput",
        "TagPayload",
        _FILE,
        tags.update_tag,
        'id: "PLACE:pyongyang", wikidata: "Q18808"',
    )
    delete_tag: DeletionPayload | None = _mutation_field(
        "Deletes a tag that is not used.",
        "UpdateInput",
        "DeletionPayload",
        _ARRANGE,
        tags.delete_tag,
        'id: "PLACE:pyongyang"',
        _GONE,
    )
    create_author: AuthorPayload | None = _mutation_field(
        "Creates an author.",
        "CreateAuthorInput",
        "AuthorPayload",
        _FILE,
        authors.create_author,
        'name: "Jane Doe"',
    )
    update_author: AuthorPayload | None = _mutation_field(
        "Updates an author.",
        "UpdateAuthorInput",
        "AuthorPayload",
        _FILE,
        authors.update_author,
        'id: "jane-doe", desk: "World"',
    )
    delete_author: DeletionPayload | None = _mutation_field(
        "Deletes an author without articles.",
        "UpdateInput",
        "DeletionPayload",
        _ARRANGE,
        authors.delete_author,
        'id: "jane-doe"',
        _GONE,
    )
    create_story: StoryPayload | None = _mutation_field(
        "Creates a running story.",
        "CreateStoryInput",
        "StoryPayload",
        _FILE,
        stories.create_story,
        'title: "North Korea and Russia"',
    )
    update_story: StoryPayload | None = _mutation_field(
        "Updates a running story.",
        "UpdateStoryInput",
        "StoryPayload",
        _FILE,
        stories.update_story,
        'id: "north-korea-russia", description: "Troops, arms and treaties"',
    )
    delete_story: DeletionPayload | None = _mutation_field(
        "Deletes a running story without articles.",
        "UpdateInput",
        "DeletionPayload",
        _ARRANGE,
        stories.delete_story,
        'id: "north-korea-russia"',
        _GONE,
    )
    create_collection: CollectionPayload | None = _mutation_field(
        "Creates a collection.",
        "CreateCollectionInput",
        "CollectionPayload",
        _FILE,
        collections.create_collection,
        'title: "Front page"',
    )
    update_collection: CollectionPayload | None = _mutation_field(
        "Updates a collection and the order of its items.",
        "UpdateCollectionInput",
        "CollectionPayload",
        _FILE,
        collections.update_collection,
        'id: "front-page", items: [{article: "art_1"}, {article: "art_2"}]',
    )
    pin_article: CollectionPayload | None = _mutation_field(
        "Pins an article in a collection, optionally until a given time.",
        "PinArticleInput",
        "CollectionPayload",
        _FILE,
        collections.pin_article,
        'id: "front-page", article: "art_1", until: "2026-07-01T00:00:00Z"',
    )
    delete_collection: DeletionPayload | None = _mutation_field(
        "Deletes a collection; its articles are kept.",
        "UpdateInput",
        "DeletionPayload",
        _ARRANGE,
        collections.delete_collection,
        'id: "front-page"',
        _GONE,
    )
    create_token: TokenPayload | None = _mutation_field(
        "Creates an API token. The secret is returned only once.",
        "CreateTokenInput",
        "TokenPayload",
        _ADMIN,
        tokens.create_token,
        'name: "Jane Doe", role: EDITOR',
        "secret",
    )
    revoke_token: TokenPayload | None = _mutation_field(
        "Revokes an API token with immediate effect.",
        "UpdateInput",
        "TokenPayload",
        _ADMIN,
        tokens.revoke_token,
        'id: "tok_6677889900"',
    )
