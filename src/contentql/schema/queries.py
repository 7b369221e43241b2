"""Root fields of queries."""

from __future__ import annotations

from typing import Any, Optional

import strawberry

from contentql.planner.field_plans import RootField
from contentql.schema.administration import AuditEntry, DeletedArticle, Token, Viewer, Withdrawal
from contentql.schema.article_parts import Correction, ExternalIdInput
from contentql.schema.bundles import ArticleBundle, DeviceClass, EditionBundle
from contentql.schema.collections import Collection
from contentql.schema.connections import Connection
from contentql.schema.content import Article, Attribution, Author, Category, Media, Source, Story, Tag
from contentql.schema.fields import (
    EXACT_ARGUMENT,
    NAME_SEARCH_ARGUMENT,
    PAGE_ARGUMENTS,
    SEARCH_ARGUMENT,
    Argument,
    argument_field,
    connection_field,
    filter_argument,
)
from contentql.schema.filters import ArticleFilter
from contentql.schema.site import Redirect, Resolved, Site
from contentql.schema.sync import ChangePage
from contentql.schema.values import Node
from contentql.schema.webhooks import Webhook

SECTION_ARGUMENT: Argument = (
    "section",
    "String",
    'Path of the section; all sections by default. Example: `"world/asia"`.',
)
EXCLUDED_ARGUMENT: Argument = (
    "exclude_ids",
    "[ID!]",
    'Ids to leave out, for example those already on the page; at most 250. Example: `["art_701"]`.',
)
ONE_PER_STORY_ARGUMENT: Argument = (
    "one_per_story",
    "Boolean",
    "Return only the newest article of each running story in this list. Example: `true`.",
)


_LANGUAGE: Argument = (
    "language",
    "String",
    "Language of the article, BCP 47; needed only if articles in several languages share the slug. `de` also"
    ' finds `de-CH`, if there is none in `de` itself. Example: `"en"`.',
)


# Objects of the demo newsroom: each example gives a response there.
_EXAMPLE_IDS = {
    "art": "art_701",
    "cat": "cat_104",
    "med": "med_303",
    "att": "att_2001",
    "src": "src_206",
    "tag": "tag_401",
    "aut": "aut_501",
    "sto": "sto_601",
    "col": "col_901",
}


def _id(table: str, prefix: str) -> Argument:
    return ("id", "ID", f'Global id of the {table}. Example: `"{_EXAMPLE_IDS[prefix]}"`.')


def _one(table: str, node: str, prefix: str, *more: Argument, by: str = "") -> Any:
    by = by or "id or slug"
    words = f"The {table} with this {by}; null if not found or not visible."
    name, _, result = more[0]
    value = result.rpartition("Example: `")[2].removesuffix("`.")
    words += f" Example: `{table}({name}: {value}) {{ id }}`."
    return argument_field(words, f"Optional[{node}]", RootField("one", table), [_id(table, prefix), *more])


def _by_id(table: str, node: str, prefix: str) -> Any:
    words = f"The {table} with this id; null if not found or not visible."
    words += f' Example: `{table}(id: "{_EXAMPLE_IDS[prefix]}") {{ id }}`.'
    name, _, value = _id(table, prefix)
    return argument_field(words, f"Optional[{node}]", RootField("one", table), [(name, "ID!", value)])


def _slug(example: str) -> Argument:
    return ("slug", "String", f'Slug. Example: `"{example}"`.')


_ARTICLE_LOOKUP: tuple[Argument, ...] = (
    (
        "slug",
        "String",
        'Current or former slug of the article. Example: `"we-train-when-the-tide-lets-us"`.',
    ),
    (
        "external_id",
        "ExternalIdInput",
        'Id of the article in another system. Example: `{system: "demo-pages", value: "kim-coffin-page"}`.',
    ),
    _LANGUAGE,
    (
        "languages",
        "[String!]",
        "Languages in the order of preference, at most 20; instead of `language`. The result is the best"
        " available translation of the article that the id or slug leads to: the article itself or"
        " another of its translations, in the first language that there is one in. As in `language`,"
        ' `"de"` also finds `de-CH`, and `"*"` any language. Null if there is none in these languages.'
        ' Example: `["fr", "de", "en"]`.',
    ),
)
_FITTING: tuple[Argument, ...] = (
    (
        "device",
        "DeviceClass",
        "Class of the device that the media are for; PHONE by default. Example: `TABLET`.",
    ),
    (
        "widths",
        "[Int!]",
        "Widths of the media in pixels instead of that of the device, 1 to 10 of them, each 1 to 10,000."
        " Example: `[320, 750]`.",
    ),
)


@strawberry.type(description="Root fields for reading.")
class Query:
    node: Node | None = argument_field(
        "Object with this global id; null if it does not exist or is not visible. Example:"
        ' `node(id: "art_701") { id }`.',
        "Optional[Node]",
        RootField("node"),
        [("id", "ID!", 'Global id from an earlier response. Example: `"art_701"`.')],
    )
    nodes: list[Node | None] = argument_field(
        "Objects with these global ids, in the order of the ids; null for each that does not exist"
        ' or is not visible. Example: `nodes(ids: ["art_701"]) { id }`.',
        "list[Optional[Node]]",
        RootField("nodes"),
        [("ids", "[ID!]!", 'Global ids, at most 100. Example: `["art_701", "src_206"]`.')],
    )
    article: Article | None = _one(
        "article",
        "Article",
        "art",
        *_ARTICLE_LOOKUP,
    )
    article_bundle: ArticleBundle | None = argument_field(
        "All that a client shows of the article with this id or slug, each object once, to be stored for"
        " reading without a connection; null if not found or not visible. Example: `articleBundle(slug:"
        ' "we-train-when-the-tide-lets-us") { version bytes article { headline } media { renditions { url } }'
        " }`.",
        "Optional[ArticleBundle]",
        RootField("bundle", "article"),
        [_id("article", "art"), *_ARTICLE_LOOKUP, *_FITTING],
        module=__name__,
    )
    articles: Connection[Article] = connection_field(
        "Articles. Default order: newest first.",
        "Article",
        RootField("page", "article"),
        "PUBLISHED_AT_DESC",
        SEARCH_ARGUMENT,
    )
    latest_news: Connection[Article] = argument_field(
        "Newest articles of all sections, or of one section and its descendants.",
        "Connection[Article]",
        RootField("latest", "article"),
        [
            SECTION_ARGUMENT,
            EXACT_ARGUMENT,
            filter_argument("Article"),
            EXCLUDED_ARGUMENT,
            ONE_PER_STORY_ARGUMENT,
            *PAGE_ARGUMENTS,
        ],
    )
    category: Category | None = _one(
        "category",
        "Category",
        "cat",
        ("path", "String", 'Path of the section. Example: `"world/asia"`.'),
        by="id or path",
    )
    categories: Connection[Category] = connection_field(
        "Sections. Default order: by path, each section before its children.",
        "Category",
        RootField("page", "category"),
        "POSITION_ASC",
    )
    media: Media | None = _by_id("media", "Media", "med")
    media_items: Connection[Media] = connection_field(
        "Media files used by visible articles, newest first.", "Media", RootField("page", "media"), "ID_DESC"
    )
    attribution: Attribution | None = _by_id("attribution", "Attribution", "att")
    attributions: Connection[Attribution] = connection_field(
        "Attributions of all articles, including the hops of chains, newest first.",
        "Attribution",
        RootField("page", "attribution"),
        "ID_DESC",
    )
    source: Source | None = _one("source", "Source", "src", _slug("sky-news"))
    sources: Connection[Source] = connection_field(
        "Sources, by name.", "Source", RootField("page", "source"), "NAME_ASC", NAME_SEARCH_ARGUMENT
    )
    tag: Tag | None = _one(
        "tag",
        "Tag",
        "tag",
        _slug("north-korea"),
        (
            "type",
            "TagType",
            "Type of the tag; needed only if tags of several types share the slug. Example: `PLACE`.",
        ),
    )
    tags: Connection[Tag] = connection_field(
        "Tags, by name.", "Tag", RootField("page", "tag"), "NAME_ASC", NAME_SEARCH_ARGUMENT
    )
    author: Author | None = _one("author", "Author", "aut", _slug("lena-voss"))
    authors: Connection[Author] = connection_field(
        "Authors, by name.", "Author", RootField("page", "author"), "NAME_ASC", NAME_SEARCH_ARGUMENT
    )
    story: Story | None = _one("story", "Story", "sto", _slug("kursk-front"))
    stories: Connection[Story] = connection_field(
        "Running stories, by title.", "Story", RootField("page", "story"), "NAME_ASC"
    )
    collection: Collection | None = _one("collection", "Collection", "col", _slug("front-page"))
    edition_bundle: EditionBundle | None = argument_field(
        "All that a client shows of a collection and of its articles, each object once, to be downloaded in"
        ' the background; null if not found or not visible. Example: `editionBundle(collection: "front-page")'
        " { version bytes items { article { headline } } media { renditions { url } } }`.",
        "Optional[EditionBundle]",
        RootField("bundle", "collection"),
        [
            ("collection", "String!", 'Current or former slug of the collection. Example: `"front-page"`.'),
            *_FITTING,
        ],
        module=__name__,
    )
    collections: Connection[Collection] = connection_field(
        "Collections, by title.", "Collection", RootField("page", "collection"), "NAME_ASC"
    )
    corrections: Connection[Correction] = connection_field(
        "Public corrections of all articles, newest first.",
        "Correction",
        RootField("page", "correction"),
        "AT_DESC",
    )
    withdrawal: Withdrawal | None = _one(
        "withdrawal",
        "Withdrawal",
        "art",
        ("slug", "String", 'Slug of the withdrawn article. Example: `"a-report-that-was-wrong"`.'),
        _LANGUAGE,
    )
    deleted_articles: Connection[DeletedArticle] = argument_field(
        "Deleted articles, the last deleted first, until `restoreArticle` or `purgeArticle`. Requires the"
        " permission READ_ALL_DRAFTS, or READ_OWN_DRAFTS for one's own articles.",
        "Connection[DeletedArticle]",
        RootField("page", "article", deleted=True),
        [*PAGE_ARGUMENTS],
        module=__name__,
    )
    audit_log: Connection[AuditEntry] = connection_field(
        "Log of all mutations, newest first. Requires the permission ADMIN.",
        "AuditEntry",
        RootField("page", "audit_entry", admin_only=True),
        "AT_DESC",
    )
    tokens: Connection[Token] = connection_field(
        "API tokens without their secrets, newest first. Requires the permission ADMIN.",
        "Token",
        RootField("page", "token", admin_only=True),
        "CREATED_AT_DESC",
    )
    webhook: Webhook | None = argument_field(
        "The webhook with this id; null if not found. Requires the permission ADMIN. Example:"
        ' `webhook(id: "whk_6677889900") { deliveries(filter: {state: {eq: DEAD}}) { totalCount } }`.',
        "Optional[Webhook]",
        RootField("one", "webhook", admin_only=True),
        [("id", "ID!", 'Global id of the webhook. Example: `"whk_6677889900"`.')],
        module=__name__,
    )
    webhooks: Connection[Webhook] = argument_field(
        "Webhooks and CDNs that are purged, the newest first. Requires the permission ADMIN.",
        "Connection[Webhook]",
        RootField("page", "webhook", admin_only=True),
        [*PAGE_ARGUMENTS],
        module=__name__,
    )
    redirects: Connection[Redirect] = argument_field(
        "Redirects that editors or imports have created, the newest first. Requires the permission"
        " READ_ALL_DRAFTS.",
        "Connection[Redirect]",
        RootField("page", "redirect"),
        [*PAGE_ARGUMENTS],
        module=__name__,
    )
    site: Site = argument_field(
        "The reader's site, for which the canonical URLs are.", "Site", RootField("site"), [], module=__name__
    )
    resolve: Resolved | None = argument_field(
        "What a path of the reader's site leads to, for the catch-all route of a frontend; null if it leads"
        ' to nothing. Example: `resolve(path: "/world/asia") { node { id } redirect { to status } }`.',
        "Optional[Resolved]",
        RootField("resolve"),
        [
            (
                "path",
                "String!",
                "Path, with or without its query, or URL on the site; at most 1,000 characters. Example:"
                ' `"/world/asia"`.',
            )
        ],
        module=__name__,
    )
    changes: ChangePage = argument_field(
        "Articles that have changed since an earlier response, for clients that store articles: each with the"
        " client's own selection, or with the reason why it must be removed. Without `since`, all visible"
        " articles that match the filter, the newest first. An article may come more often than it changes.",
        "ChangePage",
        RootField("changes", "article"),
        [
            (
                "since",
                "String",
                "`nextToken` of the previous response; null or absent at first. Valid for 30 days, for the"
                " same filter and viewer. Example: `null`.",
            ),
            filter_argument("Article"),
            (
                "first",
                "Int",
                "Maximum number of changes: 1 to 100, 20 by default. Example: `50`.",
            ),
        ],
        module=__name__,
    )
    viewer: Viewer = argument_field(
        "The authenticated viewer, with role and permissions. Example: `viewer { role }`.",
        "Viewer",
        RootField("viewer"),
        [],
    )
