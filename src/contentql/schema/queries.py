"""The fields of Query: where every question begins."""

from __future__ import annotations

from typing import Any

import strawberry

from contentql.planner.field_plans import RootField
from contentql.schema.administration import AuditEntry, Token, Viewer, Withdrawal
from contentql.schema.content import (
    EXACT_ARGUMENT,
    SEARCH_ARGUMENT,
    Article,
    Attribution,
    Author,
    Category,
    Collection,
    Connection,
    Correction,
    Media,
    Source,
    Story,
    Tag,
)
from contentql.schema.fields import AFTER, FIRST, Argument, argument_field, connection_field, filter_argument
from contentql.schema.values import Node

_EXCLUDED: Argument = (
    "exclude_ids", "[ID!]",
    "Leave these out: what the page shows already, 250 at most. Example: `[\"art_1\"]`.",
)  # fmt: skip
_ONE_PER_STORY: Argument = (
    "one_per_story", "Boolean",
    "Of each running story only the newest article of this list. Example: `true`.",
)  # fmt: skip


def _id(table: str, prefix: str) -> Argument:
    return ("id", "ID", f'The id of the {table}. Example: `"{prefix}_81726354"`.')


def _one(table: str, node: str, prefix: str, *more: Argument, by: str = "") -> Any:
    by = by or "its id or its slug"
    words = f"One {table} by {by}; null when there is none that may be seen."
    name, _, result = more[0]
    value = result.rpartition("Example: `")[2].removesuffix("`.")
    words += f" Example: `{table}({name}: {value}) {{ id }}`."
    return argument_field(words, f"Optional[{node}]", RootField("one", table), [_id(table, prefix), *more])


def _by_id(table: str, node: str, prefix: str) -> Any:
    words = f"One {table} by its id; null when there is none that may be seen."
    words += f' Example: `{table}(id: "{prefix}_81726354") {{ id }}`.'
    name, _, value = _id(table, prefix)
    return argument_field(words, f"Optional[{node}]", RootField("one", table), [(name, "ID!", value)])


def _slug(example: str) -> Argument:
    return ("slug", "String", f'Its slug. Example: `"{example}"`.')


@strawberry.type(description="Everything that can be asked.")
class Query:
    node: Node | None = argument_field(
        "Anything by its id; null when there is no such thing that may be seen."
        " Example: `node(id: \"art_90817263545\") { id }`.",
        "Optional[Node]", RootField("node"),
        [("id", "ID!", "An id from an earlier answer. Example: `\"art_90817263545\"`.")],
    )  # fmt: skip
    nodes: list[Node | None] = argument_field(
        "Several things by their ids, in the order of the ids; null for each that may not be seen."
        " Example: `nodes(ids: [\"art_90817263545\"]) { id }`.",
        "list[Optional[Node]]", RootField("nodes"),
        [("ids", "[ID!]!", "At most 100 ids. Example: `[\"art_90817263545\", \"src_6677889900\"]`.")],
    )  # fmt: skip
    article: Article | None = _one(
        "article", "Article", "art",
        ("slug", "String", "Its slug, or one it had before. Example: `\"kim-jong-un-sheds-a-tear\"`."),
        ("language", "String", "Which edition, where several languages share a slug. Example: `\"en\"`."),
    )  # fmt: skip
    articles: Connection[Article] = connection_field(
        "Articles, newest first unless told otherwise.",
        "Article",
        RootField("page", "article"),
        "PUBLISHED_AT_DESC",
        SEARCH_ARGUMENT,
    )
    latest_news: Connection[Article] = argument_field(
        "The newest articles: of everything, or of a section with all that lies below it.",
        "Connection[Article]", RootField("latest", "article"),
        [
            ("section", "String", "The path of the section; all unless told. Example: `\"world/asia\"`."),
            EXACT_ARGUMENT, filter_argument("Article"), _EXCLUDED, _ONE_PER_STORY, FIRST, AFTER,
        ],
    )  # fmt: skip
    category: Category | None = _one(
        "category",
        "Category",
        "cat",
        ("path", "String", 'Its path. Example: `"world/asia"`.'),
        by="its id or its path",
    )
    categories: Connection[Category] = connection_field(
        "Sections, in the order of the tree unless told otherwise.",
        "Category",
        RootField("page", "category"),
        "POSITION_ASC",
    )
    media: Media | None = _by_id("media", "Media", "med")
    media_items: Connection[Media] = connection_field(
        "Media that public articles use, last added first.", "Media", RootField("page", "media"), "ID_DESC"
    )
    attribution: Attribution | None = _by_id("attribution", "Attribution", "att")
    attributions: Connection[Attribution] = connection_field(
        "Attributions of all articles, hops of chains included, last entered first.",
        "Attribution", RootField("page", "attribution"), "ID_DESC",
    )  # fmt: skip
    source: Source | None = _one("source", "Source", "src", _slug("sky-news"))
    sources: Connection[Source] = connection_field(
        "Sources, by name.", "Source", RootField("page", "source"), "NAME_ASC"
    )
    tag: Tag | None = _one(
        "tag", "Tag", "tag", _slug("north-korea"),
        ("type", "TagType", "Which of them, where tags of several types share a slug. Example: `PLACE`."),
    )  # fmt: skip
    tags: Connection[Tag] = connection_field("Tags, by name.", "Tag", RootField("page", "tag"), "NAME_ASC")
    author: Author | None = _one("author", "Author", "aut", _slug("jane-doe"))
    authors: Connection[Author] = connection_field(
        "Authors, by name.", "Author", RootField("page", "author"), "NAME_ASC"
    )
    story: Story | None = _one("story", "Story", "sto", _slug("north-korea-russia"))
    stories: Connection[Story] = connection_field(
        "Running stories, by title.", "Story", RootField("page", "story"), "NAME_ASC"
    )
    collection: Collection | None = _one("collection", "Collection", "col", _slug("front-page"))
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
        "withdrawal", "Withdrawal", "art",
        ("slug", "String", "The slug of the article that is gone. Example: `\"a-report-that-was-wrong\"`."),
        ("language", "String", "Which edition, where several languages share a slug. Example: `\"en\"`."),
    )  # fmt: skip
    audit_log: Connection[AuditEntry] = connection_field(
        "Who did what, newest first. For administrators.",
        "AuditEntry", RootField("page", "audit_entry", admin_only=True), "AT_DESC",
    )  # fmt: skip
    tokens: Connection[Token] = connection_field(
        "The tokens there are, newest first; never their secrets. For administrators.",
        "Token", RootField("page", "token", admin_only=True), "CREATED_AT_DESC",
    )  # fmt: skip
    viewer: Viewer = argument_field("Who is asking, and what they see.", "Viewer", RootField("viewer"), [])
