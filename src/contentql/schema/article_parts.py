"""Parts of an article that refer to other objects: credits, mentions, media, corrections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry

from contentql.content.enums import (
    AuthorRole,
    CorrectionKind,
    MediaRole,
)
from contentql.planner.field_plans import (
    Column,
    ListPosition,
)
from contentql.schema import relations
from contentql.schema.fields import (
    column_field,
    computed,
    object_field,
    table_type,
)
from contentql.schema.scalars import DateTime
from contentql.schema.values import (
    Node,
)

if TYPE_CHECKING:
    from contentql.schema.content import Article, Author, Media, Tag

_CONTENT = strawberry.lazy("contentql.schema.content")  # content.Article consists of these parts


@table_type("external_id", "Id of an article in another system, such as that which it was imported from.")
class ExternalId:
    system: str = column_field("Name of the system.", '"wordpress"')
    value: str = column_field("Id in that system, unique there.", '"4711"')


@strawberry.input(description="Id of an article in another system.")
class ExternalIdInput:
    system: str = strawberry.field(description='Name of the system. Example: `"wordpress"`.')
    value: str = strawberry.field(description='Id in that system. Example: `"4711"`.')


@table_type("article_author", "Contribution of an author to an article.")
class AuthorCredit:
    role: AuthorRole = column_field("Role of the author in this article.", "WRITER")
    author: Annotated[Author, _CONTENT] = object_field("Author.", relations.CREDIT_AUTHOR)


@table_type("article_tag", "A person, organisation, place, event or work mentioned in an article.")
class EntityMention:
    relevance: int | None = column_field("Relevance of the entity for the article, 0 to 100.", "80")
    confidence: int | None = column_field("Confidence that the entity is meant, 0 to 100.", "95")
    entity: Annotated[Tag, _CONTENT] = object_field("Tag of the mentioned entity.", relations.MENTION_TAG)


@table_type("article_media", "Use of a media file in an article.")
class MediaPlacement:
    position: int = computed("Position among the media of the article, from 0.", "1", ListPosition())
    role: MediaRole = column_field("Role of the media file in the article.", "LEAD")
    caption: str | None = column_field(
        "Caption for this use; null if the media file's own is used.", '"The ceremony"'
    )
    alt: str | None = column_field(
        "Alternative text for this use; null if the media file's own is used.", '"A coffin"'
    )
    media: Annotated[Media, _CONTENT] = object_field("Media file that is used.", relations.PLACEMENT_MEDIA)


@table_type("correction", "A public correction of an article.")
class Correction(Node):
    id: strawberry.ID = column_field("Global id of the correction.", '"cor_6677889900"')
    kind: CorrectionKind = column_field("Kind of correction.", "CORRECTION")
    corrected_at: DateTime = column_field("Time of the correction.", '"2026-07-02T09:00:00Z"', Column("at"))
    text: str = column_field(
        "Explanation for readers: what was wrong and what is right.", '"The treaty was signed in 2024."'
    )
    block_id: str | None = column_field(
        "Id of the corrected block; null if the correction is about the whole article.",
        '"blk_4f2a"',
        Column("block"),
    )
    before: str | None = column_field(
        "Text before the correction; null if no text was replaced.", '"in 2023"'
    )
    after: str | None = column_field("Text after the correction; null if no text was replaced.", '"in 2024"')
    article: Annotated[Article, _CONTENT] = object_field("Corrected article.", relations.CORRECTION_ARTICLE)
