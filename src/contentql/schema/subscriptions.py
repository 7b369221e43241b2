"""Root fields of subscriptions: lists that are executed again when they have changed."""

from __future__ import annotations

import strawberry

from contentql.planner.field_plans import RootField
from contentql.schema.connections import Connection
from contentql.schema.content import Article
from contentql.schema.fields import AFTER, EXACT_ARGUMENT, FIRST, argument_field, filter_argument
from contentql.schema.filters import ArticleFilter  # noqa: F401 - resolved by name
from contentql.schema.live_entries import KEY_EVENTS_ARGUMENT, SINCE_ARGUMENT, LiveEntry
from contentql.schema.queries import EXCLUDED_ARGUMENT, ONE_PER_STORY_ARGUMENT, SECTION_ARGUMENT
from contentql.schema.scalars import DateTime  # noqa: F401 - resolved by name
from contentql.schema.sync import ArticleChange


@strawberry.type(
    description="Root fields for live results, over WebSocket or as an event stream. Each result has its"
    " event id in `extensions.eventId`, from which a client that was disconnected resumes."
)
class Subscription:
    latest_news: Connection[Article] = argument_field(
        "The newest articles of all sections, or of one section and its descendants, as `latestNews` of a"
        " query returns them: at once, and again whenever the selected data have changed. Example:"
        ' `latestNews(section: "world/asia", first: 5) { nodes { headline } }`.',
        "Connection[Article]",
        RootField("latest", "article"),
        [
            SECTION_ARGUMENT,
            EXACT_ARGUMENT,
            filter_argument("Article"),
            EXCLUDED_ARGUMENT,
            ONE_PER_STORY_ARGUMENT,
            FIRST,
            AFTER,
        ],
    )
    live_entries: Connection[LiveEntry] | None = argument_field(
        "Entries of the live blog of an article, as `liveEntries` of the article returns them: at once, and"
        " again whenever the selected data have changed. Null while the article is not visible. Example:"
        ' `liveEntries(article: "art_701", first: 5) { nodes { text } }`.',
        "Optional[Connection[LiveEntry]]",
        RootField("page", "live_entry"),
        [
            ("article", "ID!", 'Global id of the article. Example: `"art_701"`.'),
            SINCE_ARGUMENT,
            KEY_EVENTS_ARGUMENT,
            FIRST,
            AFTER,
        ],
        module=__name__,
    )
    article_changed: ArticleChange | None = argument_field(
        "Each article that has changed since the subscription began, or since a token: as `changes` of a"
        " query lists it, in the order in which changes have to be applied. The id of each event is a sync"
        " token, from which `changes(since:)` goes on, too. Null in the one event for a client whose token is"
        " too old or whose last event is not known: it has `extensions.resync`, and the client has to read"
        " everything with `changes`. Example:"
        ' `articleChanged(filter: {category: {under: "world"}}) { __typename id }`.',
        "Optional[ArticleChange]",
        RootField("changes", "article"),
        [
            filter_argument("Article"),
            (
                "since",
                "String",
                "Sync token: `nextToken` of `changes` with the same filter, or the id of an event. By default"
                " the present time. Example: `null`.",
            ),
        ],
        module=__name__,
    )
