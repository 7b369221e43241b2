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
from contentql.editorial.user_errors import USER_ERROR_DESCRIPTIONS
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
]  # fmt: skip


CODE_WORDS = {code.value: meaning for code, meaning in USER_ERROR_DESCRIPTIONS.items()}


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
    description="Everything that can be done. Each field is done whole or not at all, one after the other."
)
class Mutation:
    create_article: ArticlePayload | None = _mutation_field(
        "Begin an article, as a draft.", "CreateArticleInput", "ArticlePayload", _OWN,
        articles.create_article,
        'headline: "Kim Jong-un Sheds a Tear", body: {markdown: "…"}',
    )  # fmt: skip
    update_article: ArticlePayload | None = _mutation_field(
        "Change what an article says. One that is out is changed in a working copy, which the public does not"
        " see until it is published.",
        "UpdateArticleInput", "ArticlePayload", _OWN, articles.update_article,
        f'{_ID}, ifVersion: 3, headline: "Kim weeps"',
    )  # fmt: skip
    submit_article: ArticlePayload | None = _mutation_field(
        "Send a draft, or the changes of an article that is out, to review.",
        "ArticleTransitionInput", "ArticlePayload", _OWN, workflow.submit_article, _ID,
    )  # fmt: skip
    return_article: ArticlePayload | None = _mutation_field(
        "Send it back to its author.", "ArticleTransitionInput", "ArticlePayload", _REVIEW,
        workflow.return_article,
        f'{_ID}, reason: "Who says so?"',
    )  # fmt: skip
    approve_article: ArticlePayload | None = _mutation_field(
        "Let it pass review.",
        "ArticleTransitionInput",
        "ArticlePayload",
        _REVIEW,
        workflow.approve_article,
        _ID,
    )
    schedule_article: ArticlePayload | None = _mutation_field(
        "Let it come out by itself, at that very second.",
        "ScheduleArticleInput", "ArticlePayload", _PUBLISH, workflow.schedule_article,
        f'{_ID}, publishAt: "2026-06-30T14:00:00Z"',
    )  # fmt: skip
    publish_article: ArticlePayload | None = _mutation_field(
        "Let it, or its changes, come out now.",
        "PublishArticleInput", "ArticlePayload", _PUBLISH, workflow.publish_article, _ID,
    )  # fmt: skip
    unpublish_article: ArticlePayload | None = _mutation_field(
        "Take it off, without a word: it is a draft again.",
        "ArticleTransitionInput", "ArticlePayload", _PUBLISH, workflow.unpublish_article, _ID,
    )  # fmt: skip
    withdraw_article: ArticlePayload | None = _mutation_field(
        "Take it back: a notice stands in its place.",
        "WithdrawArticleInput", "ArticlePayload", _PUBLISH, workflow.withdraw_article,
        f'{_ID}, notice: "This report was wrong."',
    )  # fmt: skip
    correct_article: CorrectArticlePayload | None = _mutation_field(
        "Correct what is out, for everybody to see.",
        "CorrectArticleInput", "CorrectArticlePayload", _PUBLISH, corrections.correct_article,
        f'{_ID}, kind: CORRECTION, text: "It was 2024.", before: "in 2023", after: "in 2024"',
        "correction { id }",
    )  # fmt: skip
    archive_article: ArticlePayload | None = _mutation_field(
        "Put it away.", "ArticleTransitionInput", "ArticlePayload", _PUBLISH, workflow.archive_article, _ID
    )
    delete_article: DeletionPayload | None = _mutation_field(
        "Delete it. Drafts that never were out need no more; for all else PUBLISH is needed.",
        "ArticleTransitionInput", "DeletionPayload", _OWN, workflow.delete_article, _ID, _GONE,
    )  # fmt: skip
    restore_article: ArticlePayload | None = _mutation_field(
        "Bring back what was deleted, put away or taken back: as a draft.",
        "ArticleTransitionInput", "ArticlePayload", _PUBLISH, workflow.restore_article, _ID,
    )  # fmt: skip
    restore_revision: ArticlePayload | None = _mutation_field(
        "Bring back what an article said in an earlier version, as a new one.",
        "RestoreRevisionInput", "ArticlePayload", _OWN, workflow.restore_revision, f"{_ID}, version: 2",
    )  # fmt: skip
    create_preview_link: PreviewLinkPayload | None = _mutation_field(
        "A signed link that shows this one article, as it stands, to people without a token.",
        "CreatePreviewLinkInput", "PreviewLinkPayload", Permission.CREATE_PREVIEW_LINKS,
        tokens.create_preview_link, _ID, "url",
    )  # fmt: skip
    add_attribution: AttributionPayload | None = _mutation_field(
        "Say whose words they are, and by which way they came.",
        "AddAttributionInput", "AttributionPayload", _OWN, attributions.add_attribution,
        'article: "art_90817263545", kind: CITING, source: "south-korean-intelligence",'
        ' via: {kind: ACCORDING_TO, source: "sky-news"}',
    )  # fmt: skip
    update_attribution: AttributionPayload | None = _mutation_field(
        "Change an attribution, or one hop of it.",
        "UpdateAttributionInput", "AttributionPayload", _OWN, attributions.update_attribution,
        'id: "att_1122334455", kind: SAID',
    )  # fmt: skip
    accept_attribution: AttributionPayload | None = _mutation_field(
        "Stand behind a suggestion: it is public with its article.",
        "ArticleTransitionInput", "AttributionPayload", _OWN,
        attributions.accept_attribution, 'id: "att_1122334455"',
    )  # fmt: skip
    reject_attribution: AttributionPayload | None = _mutation_field(
        "Say that a suggestion, or an attribution, is wrong: it is not public.",
        "ArticleTransitionInput", "AttributionPayload", _OWN,
        attributions.reject_attribution, 'id: "att_1122334455"',
    )  # fmt: skip
    delete_attribution: DeletionPayload | None = _mutation_field(
        "Delete an attribution with its whole chain; of a relay, that hop alone.",
        "ArticleTransitionInput", "DeletionPayload", _OWN,
        attributions.delete_attribution, 'id: "att_1122334455"', _GONE,
    )  # fmt: skip
    reorder_attributions: ArticlePayload | None = _mutation_field(
        "Put an article's attributions in order.",
        "ReorderAttributionsInput", "ArticlePayload", _OWN, attributions.reorder_attributions,
        f'{_ID}, attributions: ["att_2", "att_1"]',
    )  # fmt: skip
    create_category: CategoryPayload | None = _mutation_field(
        "Open a section.", "CreateCategoryInput", "CategoryPayload", _ARRANGE, categories.create_category,
        'name: "Asia", parent: "world"',
    )  # fmt: skip
    update_category: CategoryPayload | None = _mutation_field(
        "Change a section.", "UpdateCategoryInput", "CategoryPayload", _ARRANGE, categories.update_category,
        'id: "world/asia", description: "News from Asia"',
    )  # fmt: skip
    move_category: CategoryPayload | None = _mutation_field(
        "Move a section with all that lies below it. Old paths lead to the new ones.",
        "MoveCategoryInput", "CategoryPayload", _ARRANGE, categories.move_category,
        'id: "world/asia", parent: null',
    )  # fmt: skip
    delete_category: DeletionPayload | None = _mutation_field(
        "Close a section in which nothing stands.",
        "UpdateInput", "DeletionPayload", _ARRANGE, categories.delete_category, 'id: "world/asia"', _GONE,
    )  # fmt: skip
    create_media: MediaPayload | None = _mutation_field(
        "Make a media file known that lies elsewhere already.",
        "CreateMediaInput", "MediaPayload", _ADD, media.create_media,
        'kind: IMAGE, url: "https://media.example.org/a.jpg", alt: "Soldiers carry a coffin"',
    )  # fmt: skip
    update_media: MediaPayload | None = _mutation_field(
        "Change what is said of a media file.", "UpdateMediaInput", "MediaPayload", _FILE,
        media.update_media, 'id: "med_5544332211", alt: "Soldiers carry a coffin"',
    )  # fmt: skip
    delete_media: DeletionPayload | None = _mutation_field(
        "Forget a media file that nothing uses.",
        "UpdateInput", "DeletionPayload", _ARRANGE, media.delete_media, 'id: "med_5544332211"', _GONE,
    )  # fmt: skip
    create_source: SourcePayload | None = _mutation_field(
        "Enter a source.", "CreateSourceInput", "SourcePayload", _ADD, sources.create_source,
        'name: "Sky News", kind: BROADCASTER',
    )  # fmt: skip
    update_source: SourcePayload | None = _mutation_field(
        "Change a source.", "UpdateSourceInput", "SourcePayload", _FILE, sources.update_source,
        'id: "sky-news", country: "GB"',
    )  # fmt: skip
    merge_sources: SourcePayload | None = _mutation_field(
        "Make several entries of one source into one.",
        "MergeSourcesInput", "SourcePayload", _ARRANGE, sources.merge_sources,
        'into: "sky-news", sources: ["sky-news-uk"]',
    )  # fmt: skip
    delete_source: DeletionPayload | None = _mutation_field(
        "Delete a source that nothing rests on.",
        "UpdateInput", "DeletionPayload", _ARRANGE, sources.delete_source, 'id: "sky-news"', _GONE,
    )  # fmt: skip
    create_tag: TagPayload | None = _mutation_field(
        "Enter a tag.", "CreateTagInput", "TagPayload", _ADD, tags.create_tag,
        'type: PLACE, name: "Pyongyang"',
    )  # fmt: skip
    update_tag: TagPayload | None = _mutation_field(
        "Change a tag.", "UpdateTagInput", "TagPayload", _FILE, tags.update_tag,
        'id: "PLACE:pyongyang", wikidata: "Q18808"',
    )  # fmt: skip
    delete_tag: DeletionPayload | None = _mutation_field(
        "Delete a tag that nothing has.",
        "UpdateInput", "DeletionPayload", _ARRANGE, tags.delete_tag, 'id: "PLACE:pyongyang"', _GONE,
    )  # fmt: skip
    create_author: AuthorPayload | None = _mutation_field(
        "Enter an author.", "CreateAuthorInput", "AuthorPayload", _FILE, authors.create_author,
        'name: "Jane Doe"',
    )  # fmt: skip
    update_author: AuthorPayload | None = _mutation_field(
        "Change an author.", "UpdateAuthorInput", "AuthorPayload", _FILE, authors.update_author,
        'id: "jane-doe", desk: "World"',
    )  # fmt: skip
    delete_author: DeletionPayload | None = _mutation_field(
        "Delete an author of no article.",
        "UpdateInput", "DeletionPayload", _ARRANGE, authors.delete_author, 'id: "jane-doe"', _GONE,
    )  # fmt: skip
    create_story: StoryPayload | None = _mutation_field(
        "Open a running story.", "CreateStoryInput", "StoryPayload", _FILE, stories.create_story,
        'title: "North Korea and Russia"',
    )  # fmt: skip
    update_story: StoryPayload | None = _mutation_field(
        "Change a story.", "UpdateStoryInput", "StoryPayload", _FILE, stories.update_story,
        'id: "north-korea-russia", description: "Troops, arms and treaties"',
    )  # fmt: skip
    delete_story: DeletionPayload | None = _mutation_field(
        "Delete a story that no article tells.",
        "UpdateInput", "DeletionPayload", _ARRANGE, stories.delete_story, 'id: "north-korea-russia"', _GONE,
    )  # fmt: skip
    create_collection: CollectionPayload | None = _mutation_field(
        "Make a collection.", "CreateCollectionInput", "CollectionPayload", _FILE,
        collections.create_collection, 'title: "Front page"',
    )  # fmt: skip
    update_collection: CollectionPayload | None = _mutation_field(
        "Change a collection, and put its articles in order.",
        "UpdateCollectionInput", "CollectionPayload", _FILE, collections.update_collection,
        'id: "front-page", items: [{article: "art_1"}, {article: "art_2"}]',
    )  # fmt: skip
    pin_article: CollectionPayload | None = _mutation_field(
        "Put an article on top of a collection, until a moment.",
        "PinArticleInput", "CollectionPayload", _FILE, collections.pin_article,
        'id: "front-page", article: "art_1", until: "2026-07-01T00:00:00Z"',
    )  # fmt: skip
    delete_collection: DeletionPayload | None = _mutation_field(
        "Delete a collection; its articles stay.",
        "UpdateInput", "DeletionPayload", _ARRANGE, collections.delete_collection, 'id: "front-page"', _GONE,
    )  # fmt: skip
    create_token: TokenPayload | None = _mutation_field(
        "Make a token. Its secret is told once.",
        "CreateTokenInput", "TokenPayload", _ADMIN, tokens.create_token, 'name: "Jane Doe", role: EDITOR',
        "secret",
    )  # fmt: skip
    revoke_token: TokenPayload | None = _mutation_field(
        "End a token: it is refused from the next request on.",
        "UpdateInput", "TokenPayload", _ADMIN, tokens.revoke_token, 'id: "tok_6677889900"',
    )  # fmt: skip
