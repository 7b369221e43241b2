"""The fields of Query: where every question begins."""

from __future__ import annotations

from typing import Any

import strawberry

from contentql.planner.catalog import Root
from contentql.schema.content import (
    EXACT,
    SEARCH,
    Article,
    Attribution,
    AuditEntry,
    Author,
    Category,
    Collection,
    Connection,
    Correction,
    Media,
    Node,
    Source,
    Story,
    Tag,
    Token,
    Viewer,
    Withdrawal,
)
from contentql.schema.fields import AFTER, FIRST, Argument, filter_of, page, with_arguments

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
    name, _, told = more[0]
    value = told.rpartition("Example: `")[2].removesuffix("`.")
    words += f" Example: `{table}({name}: {value}) {{ id }}`."
    return with_arguments(words, f"Optional[{node}]", Root("one", table), [_id(table, prefix), *more])


def _by_id(table: str, node: str, prefix: str) -> Any:
    words = f"One {table} by its id; null when there is none that may be seen."
    words += f' Example: `{table}(id: "{prefix}_81726354") {{ id }}`.'
    name, _, told = _id(table, prefix)
    return with_arguments(words, f"Optional[{node}]", Root("one", table), [(name, "ID!", told)])


def _slug(example: str) -> Argument:
    return ("slug", "String", f'Its slug. Example: `"{example}"`.')


@strawberry.type(description="Everything that can be asked.")
class Query:
    node: Node | None = with_arguments(
        "Anything by its id; null when there is no such thing that may be seen."
        " Example: `node(id: \"art_90817263545\") { id }`.",
        "Optional[Node]", Root("node"),
        [("id", "ID!", "An id from an earlier answer. Example: `\"art_90817263545\"`.")],
    )  # fmt: skip
    nodes: list[Node | None] = with_arguments(
        "Several things by their ids, in the order of the ids; null for each that may not be seen."
        " Example: `nodes(ids: [\"art_90817263545\"]) { id }`.",
        "list[Optional[Node]]", Root("nodes"),
        [("ids", "[ID!]!", "At most 100 ids. Example: `[\"art_90817263545\", \"src_6677889900\"]`.")],
    )  # fmt: skip
    article: Article | None = _one(
        "article", "Article", "art",
        ("slug", "String", "Its slug, or one it had before. Example: `\"kim-jong-un-sheds-a-tear\"`."),
        ("language", "String", "Which edition, where several languages share a slug. Example: `\"en\"`."),
    )  # fmt: skip
    articles: Connection[Article] = page(
        "Articles, newest first unless told otherwise.",
        "Article",
        Root("page", "article"),
        "PUBLISHED_AT_DESC",
        SEARCH,
    )
    latest_news: Connection[Article] = with_arguments(
        "The newest articles: of everything, or of a section with all that lies below it.",
        "Connection[Article]", Root("latest", "article"),
        [
            ("section", "String", "The path of the section; all unless told. Example: `\"world/asia\"`."),
            EXACT, filter_of("Article"), _EXCLUDED, _ONE_PER_STORY, FIRST, AFTER,
        ],
    )  # fmt: skip
    category: Category | None = _one(
        "category",
        "Category",
        "cat",
        ("path", "String", 'Its path. Example: `"world/asia"`.'),
        by="its id or its path",
    )
    categories: Connection[Category] = page(
        "Sections, in the order of the tree unless told otherwise.",
        "Category",
        Root("page", "category"),
        "POSITION_ASC",
    )
    media: Media | None = _by_id("media", "Media", "med")
    media_items: Connection[Media] = page(
        "Media that public articles use, last added first.", "Media", Root("page", "media"), "ID_DESC"
    )
    attribution: Attribution | None = _by_id("attribution", "Attribution", "att")
    attributions: Connection[Attribution] = page(
        "Attributions of all articles, hops of chains included, last entered first.",
        "Attribution", Root("page", "attribution"), "ID_DESC",
    )  # fmt: skip
    source: Source | None = _one("source", "Source", "src", _slug("sky-news"))
    sources: Connection[Source] = page("Sources, by name.", "Source", Root("page", "source"), "NAME_ASC")
    tag: Tag | None = _one(
        "tag", "Tag", "tag", _slug("north-korea"),
        ("type", "TagType", "Which of them, where tags of several types share a slug. Example: `PLACE`."),
    )  # fmt: skip
    tags: Connection[Tag] = page("Tags, by name.", "Tag", Root("page", "tag"), "NAME_ASC")
    author: Author | None = _one("author", "Author", "aut", _slug("jane-doe"))
    authors: Connection[Author] = page("Authors, by name.", "Author", Root("page", "author"), "NAME_ASC")
    story: Story | None = _one("story", "Story", "sto", _slug("north-korea-russia"))
    stories: Connection[Story] = page(
        "Running stories, by title.", "Story", Root("page", "story"), "NAME_ASC"
    )
    collection: Collection | None = _one("collection", "Collection", "col", _slug("front-page"))
    collections: Connection[Collection] = page(
        "Collections, by title.", "Collection", Root("page", "collection"), "NAME_ASC"
    )
    corrections: Connection[Correction] = page(
        "Public corrections of all articles, newest first.",
        "Correction",
        Root("page", "correction"),
        "AT_DESC",
    )
    withdrawal: Withdrawal | None = _one(
        "withdrawal", "Withdrawal", "art",
        ("slug", "String", "The slug of the article that is gone. Example: `\"a-report-that-was-wrong\"`."),
        ("language", "String", "Which edition, where several languages share a slug. Example: `\"en\"`."),
    )  # fmt: skip
    audit_log: Connection[AuditEntry] = page(
        "Who did what, newest first. For administrators.",
        "AuditEntry", Root("page", "audit_entry", audit=True), "AT_DESC",
    )  # fmt: skip
    tokens: Connection[Token] = page(
        "The tokens there are, newest first; never their secrets. For administrators.",
        "Token", Root("page", "token", audit=True), "CREATED_AT_DESC",
    )  # fmt: skip
    viewer: Viewer = with_arguments("Who is asking, and what they see.", "Viewer", Root("viewer"), [])
