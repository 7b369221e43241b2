"""Root fields of subscriptions: lists that are executed again when they have changed."""

from __future__ import annotations

import strawberry

from contentql.planner.field_plans import RootField
from contentql.schema.connections import Connection
from contentql.schema.content import Article
from contentql.schema.fields import EXACT_ARGUMENT, FIRST, argument_field, filter_argument
from contentql.schema.queries import EXCLUDED_ARGUMENT, ONE_PER_STORY_ARGUMENT, SECTION_ARGUMENT


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
        ],
    )
