"""Shape of the documents that the writers of all formats take: the JSON of one GraphQL fragment.

A writer is called as `write(articles, feed)` and yields bytes. Each article is a mapping with the fields of
ARTICLE_FIELDS; an export adds `extra`, the fields that an import could not store, by the name of their
format. Fields that are missing are as null.
Invariant: writers know neither the database nor HTTP.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

ArticleDocument = Mapping[str, Any]

# Parts that both selections share.
_SHARED_FRAGMENTS: Final = """
fragment MediaFacts on Media {
  id kind url mime width height duration bytes alt decorative caption credit creator copyright licence
  licenceUrl usageTerms expiresAt focalPoint { x y } digitalSourceType sensitive
  renditions { name url mime width height bytes }
}
fragment CategoryFacts on Category {
  id path name description canonicalUrl names { language name }
  parent { path name parent { path name parent { path name parent { path name } } } }
}
fragment AuthorFacts on AuthorCredit {
  role author { id slug name bio pseudonym canonicalUrl sameAs }
}
fragment TagFacts on Tag {
  id type slug name description aliases wikidata canonicalUrl
  names { language name } position { latitude longitude } codes { scheme code }
}
fragment HopFacts on Attribution {
  id kind claim quote position stance saidOn url accessedAt archivedUrl hop state verification
  source {
    id slug name kind aliases country homepage wikidata describedAs stateControlled canonicalUrl
  }
}
"""

# A complete article, for exports and pages of one article: `...ArticleDocument`.
ARTICLE_FIELDS: Final = (
    """
fragment ArticleDocument on Article {
  id uri slug canonicalSlug headline kicker shortHeadline summary lede language contentType access urgency
  status version publishedAt firstPublishedAt updatedAt expiresAt embargoUntil edNote byline wordCount
  readingMinutes canonicalUrl canonicalElsewhere
  externalIds { system value }
  dateline { place text }
  rights { syndicatable usageTerms copyrightNotice }
  category { ...CategoryFacts }
  categories { ...CategoryFacts }
  authors { ...AuthorFacts }
  tags { ...TagFacts }
  entities { relevance confidence entity { id } }
  leadMedia { ...MediaFacts }
  media { position role caption alt media { ...MediaFacts } }
  body { html markdown text }
  attributions {
    ...HopFacts
    span { blockId start end exact prefix suffix }
    media { id url }
    chain { ...HopFacts }
  }
  corrections { id kind correctedAt text blockId before after }
  story { id slug title description canonicalUrl }
  liveEntries(first: 100) {
    nodes {
      id blockId at title keyEvent summary pinned html markdown text createdAt updatedAt
      author { id slug name canonicalUrl }
      picture { ...MediaFacts }
    }
  }
  translations { id uri language canonicalUrl headline }
}"""
    + _SHARED_FRAGMENTS
)

# What feeds show of an article: `...FeedArticle`. A feed has up to 100 articles, so it selects less.
FEED_FIELDS: Final = """
fragment FeedArticle on Article {
  id uri headline summary lede language access publishedAt updatedAt byline canonicalUrl canonicalElsewhere
  rights { copyrightNotice }
  categories { name path parent { name path parent { name path } } }
  authors { role author { name canonicalUrl sameAs } }
  tags { name slug }
  leadMedia { ...FeedMedia renditions { url mime width height bytes } }
  media { position role caption alt media { ...FeedMedia } }
  body { html }
  attributions @include(if: $withSources) {
    ...FeedHop via { ...FeedHop via { ...FeedHop via { ...FeedHop } } }
  }
}
fragment FeedMedia on Media {
  id kind url mime width height duration bytes alt caption credit creator copyright licence licenceUrl
  sensitive
}
fragment FeedHop on Attribution {
  kind url source { name describedAs homepage }
}
"""
# What an article of a feed adds to the cost of an operation, without and with its sources.
FEED_ARTICLE_COSTS: Final = (95, 175)


@dataclass(frozen=True)
class FeedInfo:
    """What a feed or an export says of itself; "" for what is unknown.

    `home_url` and `feed_url`: absolute URLs of the page that the feed is of, and of the feed. `updated`: time
    of the last change; None for that of the articles. `site` and `site_url`: name and address of the
    publisher; `logo`: URL of its logo. `removed`: articles that were in the feed and are no longer public,
    for Atom's tombstones. `with_sources`: whether the HTML of each article ends with a list of its sources.
    """

    title: str = ""
    description: str = ""
    home_url: str = ""
    feed_url: str = ""
    language: str = ""
    updated: dt.datetime | None = None
    site: str = ""
    site_url: str = ""
    logo: str = ""
    removed: tuple[RemovedArticle, ...] = ()
    with_sources: bool = False


@dataclass(frozen=True)
class RemovedArticle:
    """An article that is no longer public: its URI, and the time at which it ceased to be."""

    uri: str
    removed_at: dt.datetime
