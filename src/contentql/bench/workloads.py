"""Workloads: five documents of a news site and the variables that differ between requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import filterfalse, islice
from urllib.parse import urlencode

import orjson

from contentql.bench.dataset import article_slug, is_draft, section_paths

WorkloadVariables = Mapping[str, str]

_CARD = """
    id slug headline summary publishedAt
    category { slug name }
    leadMedia { url alt width height }"""

_BUNDLE = """
    id slug headline summary body { html } publishedAt
    category { slug name parent { slug name } }
    leadMedia { url alt width height credit }
    media { position media { url alt mime width height credit } }
    attributions { kind claim position source { name slug kind homepage } via { kind source { name } } }
    tags { slug name }"""


@dataclass(frozen=True)
class Workload:
    """A kind of request: its purpose and its document."""

    name: str
    title: str
    document: str


WORKLOADS: Mapping[str, Workload] = {
    workload.name: workload
    for workload in (
        Workload(
            "W1",
            "latest of a section",
            "query Latest($section: String!) {\n"
            f"  latestNews(section: $section, exact: true, first: 20) {{ nodes {{{_CARD} }} }}\n}}",
        ),
        Workload(
            "W2",
            "one article, whole",
            f"query Bundle($slug: String!) {{\n  article(slug: $slug) {{{_BUNDLE} }}\n}}",
        ),
        Workload(
            "W3",
            "home page",
            "{\n  categories(filter: {parent: {isNull: true}}, first: 8, orderBy: [POSITION_ASC]) {\n"
            "    nodes { slug name articles(first: 5) { nodes {\n"
            "      slug headline summary publishedAt leadMedia { url alt }"
            " attributions { kind source { name } }\n    } } }\n  }\n}",
        ),
        Workload("W4", "50 whole articles", f"{{\n  latestNews(first: 50) {{ nodes {{{_BUNDLE} }} }}\n}}"),
        Workload(
            "W5",
            "deep page",
            "query Deep($after: String!) {\n"
            f"  latestNews(first: 20, after: $after) {{ nodes {{{_CARD} }} }}\n}}",
        ),
    )
}

# Delta sync: the first page, and a page of articles that have changed since a position.
SYNC_WORKLOADS: Mapping[str, Workload] = {
    workload.name: workload
    for workload in (
        Workload(
            "S1",
            "first page of 50 articles",
            "query FirstPage {\n"
            f"  changes(first: 50) {{ changes {{ __typename ... on Upserted {{ article {{{_BUNDLE} }} }} }}"
            " nextToken hasMore }\n}",
        ),
        Workload(
            "S2",
            "50 changed articles",
            "query Delta($since: String) {\n"
            "  changes(since: $since, first: 50) { changes { __typename"
            f" ... on Upserted {{ article {{{_BUNDLE} }} }} ... on Removed {{ id reason }} }}"
            " nextToken hasMore }\n}",
        ),
    )
}
# What a phone stores of an article: blocks with marks, attributions with chains, cards of related articles.
BUNDLE_DOCUMENT = """
query Phone($id: ID!) {
  articleBundle(id: $id, device: PHONE) {
    schemaVersion version bytes expiresAt
    article {
      id slug headline kicker lede language publishedAt updatedAt byline readingMinutes
      category { id name path parent { id name path } }
      leadMedia { id }
      media { media { id } }
      authors { role author { id } }
      tags { id }
      attributions { id kind claim quote chain { kind source { id } } span { blockId start end } }
      corrections { kind correctedAt text }
      body {
        blocks {
          id
          type
          fallbackText(knownTypes: ["PARAGRAPH", "HEADING", "QUOTE", "LIST", "IMAGE"])
          ... on ParagraphBlock { runs { text marks href } }
          ... on HeadingBlock { level text }
          ... on QuoteBlock { runs { text marks href } attribution { id } }
          ... on ListBlock { items { level number runs { text marks href } } }
          ... on ImageBlock { caption image: media { id } }
        }
      }
    }
    related { id slug headline leadMedia { id } }
    sources { id name kind }
    authors { id name image { id } }
    tags { id name type }
    media { media { id alt caption credit } renditions { url width height bytes } }
  }
}
"""
ALL_WORKLOADS: Mapping[str, Workload] = {**WORKLOADS, **SYNC_WORKLOADS}

# Paginates to the deep page, because only the server can create its cursor.
PAGINATE_DOCUMENT = (
    "query Walk($first: Int!, $after: String) {\n"
    "  latestNews(first: $first, after: $after) { pageInfo { endCursor } }\n}"
)
PAGE_SIZE = 20
DEEP_PAGE = 500


def workload_variables(name: str, articles: int, max_count: int = 1_000) -> list[WorkloadVariables]:
    """Variables of a workload's requests, in order; not W5's, whose cursors come from a server."""
    if name == "W1":
        return [{"section": path} for path in section_paths()]
    if name == "W2":
        # The stride is coprime to the number of articles, so that old and new articles alternate.
        indexes = (index * 7_919 % articles for index in range(articles))
        return [{"slug": article_slug(index)} for index in islice(filterfalse(is_draft, indexes), max_count)]
    return [{}]


def deepest_page(count: int) -> int:
    """Number of the deep page for that many published articles: 500, or the last full page."""
    return max(2, min(DEEP_PAGE, count // PAGE_SIZE))


def as_get_path(body: bytes) -> str:
    """The request as path and query string of a GET."""
    payload = orjson.loads(body)
    query = {"query": payload["query"], "variables": orjson.dumps(payload.get("variables") or {})}
    return f"/graphql?{urlencode(query)}"


def as_post_body(document: str, values: Mapping[str, object]) -> bytes:
    """The request as body of a POST."""
    return orjson.dumps({"query": document, "variables": values})
