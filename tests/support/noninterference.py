"""Viewers of a newsroom, and pairs of newsrooms that differ only in content hidden from one viewer.

The first of a pair has only the content that the viewer may see. The second is a copy with hidden content,
added by import and by mutations.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import orjson
from graphql import GraphQLInputObjectType, GraphQLObjectType, get_named_type, is_leaf_type
from tests.conftest import Server
from tests.support.random_content import NOW, is_never_visible, is_public, random_newsroom, without_hidden

from contentql.auth.permissions import ROLE_PERMISSIONS, Role
from contentql.auth.viewer import ANONYMOUS_VIEWER, Actor, Viewer
from contentql.content.enums import Status
from contentql.content.ids import PREFIXES, encode_id
from contentql.content.import_item import ImportItem
from contentql.content.records import (
    ArticleRecord,
    CategoryRecord,
    CollectionRecord,
    Record,
    TagRecord,
)
from contentql.execution.executor import Executor
from contentql.execution.request import GraphQLRequest
from contentql.importing.importer import import_records
from contentql.planner.limits import Limits
from contentql.schema.build import get_catalog, get_schema
from contentql.store.database import Database
from contentql.store.models.articles import Article

HOUR = dt.timedelta(hours=1)
SECRET = "quicksilver"  # occurs only in hidden content


def make_viewer(role: Role, account: str = "jane") -> Viewer:
    return Viewer(f"{account} {role.value}", role, account, ROLE_PERMISSIONS[role])


def preview_viewer(article: int) -> Viewer:
    return Viewer("Preview link", shared_article_id=article)


JANE, AMIR = make_viewer(Role.AUTHOR), make_viewer(Role.AUTHOR, "amir")
CHIEF = make_viewer(Role.ADMIN, "chief")


@dataclass(frozen=True)
class ViewerCase:
    """Viewers, and the content that they see.

    `is_visible` selects articles, `sees_internals` those with notes, revisions and suggestions,
    `sees_working_copy` those with working copies. `sees_unused_taxonomy`: whether tags, sources and the like
    are visible that no visible article uses.
    """

    viewers: tuple[Viewer, ...]
    is_visible: Callable[[ArticleRecord], bool]
    sees_internals: Callable[[ArticleRecord], bool] = is_never_visible
    sees_unused_taxonomy: bool = True
    sees_working_copy: Callable[[ArticleRecord], bool] = is_never_visible


def viewer_case(name: str, records: Sequence[Record]) -> ViewerCase:
    """The case with the name, for a newsroom with the records."""
    articles = [record for record in records if isinstance(record, ArticleRecord)]
    if name == "outside":
        return ViewerCase((ANONYMOUS_VIEWER, make_viewer(Role.READER)), is_public, sees_unused_taxonomy=False)
    if name == "guest":
        shared = next(a for a in (*articles[len(articles) // 2 :], *articles) if a.deleted_at is None)

        def is_shared(article: ArticleRecord) -> bool:
            return article.id == shared.id

        viewer = preview_viewer(shared.id or 0)
        return ViewerCase(
            with_preview_times(viewer),
            lambda article: is_public(article) or is_shared(article),
            sees_unused_taxonomy=False,
            sees_working_copy=is_shared,
        )
    if name == "author":
        return ViewerCase(
            with_preview_times(JANE),
            lambda a: is_public(a) or (is_owned_by_jane(a) and is_not_deleted(a)),
            is_owned_by_jane,
            sees_working_copy=is_owned_by_jane,
        )
    if name == "previewer":
        return ViewerCase((make_viewer(Role.PREVIEWER),), is_not_deleted, sees_working_copy=is_not_deleted)
    roles = (Role.EDITOR, Role.PUBLISHER) if name == "editors" else (Role.ADMIN,)
    return ViewerCase(
        tuple(make_viewer(role) for role in roles),
        is_not_deleted,
        is_not_deleted,
        sees_working_copy=is_not_deleted,
    )


VIEWER_CASES = ("outside", "guest", "author", "previewer", "editors", "admin")


def with_preview_times(viewer: Viewer) -> tuple[Viewer, ...]:
    """The viewer without a preview time, and with one after and one before NOW."""
    return viewer, replace(viewer, preview_at=NOW + 2 * HOUR), replace(viewer, preview_at=NOW - 60 * HOUR)


def is_owned_by_jane(article: ArticleRecord) -> bool:
    """Whether the article is one of Jane's, which are a third of all."""
    return (article.id or 0) % 3 == 0


def is_not_deleted(article: ArticleRecord) -> bool:
    return article.deleted_at is None


@dataclass
class DatabasePair:
    """A newsroom with only the visible content, and a newsroom with the hidden content too."""

    case: ViewerCase
    records: Sequence[Record]
    visible_only: Executor
    everything: Executor
    ids: list[str] = field(default_factory=list)  # of all rows of the second newsroom
    hidden: list[str] = field(default_factory=list)  # of rows that only the second newsroom has
    names: list[str] = field(default_factory=list)


@asynccontextmanager
async def open_database_pair(server: Server, name: str, seed: int) -> AsyncIterator[DatabasePair]:
    random = Random(seed)
    records = random_newsroom(random)
    case = viewer_case(name, records)
    url = await server.migrated()
    visible = without_hidden(
        records, case.is_visible, case.sees_internals, keep_unused_taxonomy=case.sees_unused_taxonomy
    )
    await import_into(url, visible)
    async with open_executor(url) as executor:
        changed_ids = await make_visible_changes(executor, case, records, random)
    other = await server.copy(url)
    await import_into(other, _remaining_records(records, visible, changed_ids))
    async with open_executor(url) as first, open_executor(other) as second:
        await _set_internal_fields(second, case, records)
        await make_hidden_changes(second, name, case, records, changed_ids, random)
        # For an admin, the audit log would contain the change twice.
        for executor in (first, second) if name != "admin" else ():
            moved = {"id": "world/asia/east", "slug": "far-east"}
            await mutate_as(executor, CHIEF, "updateCategory", moved)
        visible_ids, all_ids = await ids_of(first), await ids_of(second)
        hidden = [id for id in all_ids if id not in set(visible_ids)]
        yield DatabasePair(case, records, first, second, all_ids, hidden, await slugs_of(second))
    await server.drop(url)
    await server.drop(other)


@asynccontextmanager
async def open_executor(url: str) -> AsyncIterator[Executor]:
    limits = Limits(cost=1_000_000, root_fields=400, aliases=400)
    async with Database(url) as database:
        executor = Executor(database, get_catalog(), limits=limits, now=lambda: NOW)
        executor.mutations.sign_preview_token = _sign_preview_token
        yield executor


async def _sign_preview_token(article: int, until: dt.datetime) -> str:
    return f"cqlp_{article}"


async def import_into(url: str, records: Sequence[Record]) -> None:
    """Imports the records and sets an owner on each article."""
    database = Database(url)
    items = [ImportItem(str(n), record) for n, record in enumerate(records)]
    report = await import_records(database, items, with_history=False)
    failed = [outcome for outcome in report.outcomes if outcome.result == "failed"]
    assert not failed, failed[:3]
    articles = [record for record in records if isinstance(record, ArticleRecord)]
    async with database.orm():
        ids = [article.id for article in articles if is_owned_by_jane(article)]
        await Article.filter(owner=None, id__in=ids).update(owner="jane")
        await Article.filter(owner=None).update(owner="amir")


def _remaining_records(
    records: Sequence[Record], visible: Sequence[Record], changed_ids: set[int]
) -> list[Record]:
    """The records that an import of the whole newsroom adds."""
    visible_keys = {record_key(record) for record in visible}
    return [
        record
        for record in records
        if record_key(record) not in visible_keys
        and not isinstance(record, CategoryRecord)
        and not (isinstance(record, ArticleRecord) and record.id in changed_ids)
    ]


def record_key(record: Record) -> str:
    """The type and content of a record as text."""
    return f"{type(record).__name__} {record.model_dump_json()}"


# Visible changes


async def make_visible_changes(
    executor: Executor, case: ViewerCase, records: Sequence[Record], random: Random
) -> set[int]:
    """Corrects public articles and creates working copies that the viewer sees; returns their ids."""
    articles = [r for r in records if isinstance(r, ArticleRecord)]
    public_articles = [article for article in articles if is_public(article)]
    corrected = random.sample(public_articles, min(2, len(public_articles)))
    chosen = [a for a in public_articles if case.sees_working_copy(a)]
    changed = random.sample(chosen, min(3, len(chosen)))
    for article in corrected:
        input = {
            "id": encode_id("article", article.id or 0),
            "kind": "CORRECTION",
            "text": "It was another day.",
        }
        await mutate_as(executor, CHIEF, "correctArticle", input)
    for article in changed:
        await create_working_copy(executor, article, records, "tide", random)
    return {article.id or 0 for article in (*corrected, *changed)}


async def create_working_copy(
    executor: Executor, article: ArticleRecord, records: Sequence[Record], word: str, random: Random
) -> None:
    """Creates a working copy that differs from the article in every field."""
    name = encode_id("article", article.id or 0)
    tags = [f"{r.type.value}:{r.slug}" for r in records if isinstance(r, TagRecord)]
    input: dict[str, Any] = {
        "id": name,
        "headline": f"The {word} changed",
        "slug": f"{article.slug}-{word}",
        "edNote": f"A {word} note",
        "category": "sport",
        "body": {"markdown": f"Now of the {word} and the coffin."},
        "embargoUntil": "2026-06-30T08:30:00Z",
    }
    tag_rows = await executor.database.rows("SELECT type, slug FROM tag")
    existing_tags = {f"{_text(kind)}:{_text(slug)}" for kind, slug in tag_rows}
    usable = [tag for tag in tags if tag in existing_tags]
    if usable:
        input["tags"] = [{"tag": random.choice(usable)}]
    await mutate_as(executor, CHIEF, "updateArticle", input)
    rows = await executor.database.rows("SELECT slug FROM source ORDER BY slug LIMIT 1")
    for row in rows:
        chain = {"article": name, "kind": "SAID", "source": _text(row[0]), "claim": f"the {word} rises"}
        await mutate_as(executor, CHIEF, "addAttribution", chain)
    accepted = [head for head in article.attributions if head.state.value in ("ACCEPTED", "EDITED")]
    for head in accepted[:1]:
        await mutate_as(executor, CHIEF, "rejectAttribution", {"id": encode_id("attribution", head.id or 0)})


# Hidden changes


async def _set_internal_fields(executor: Executor, case: ViewerCase, records: Sequence[Record]) -> None:
    """Sets owners, notes and embargoes of drafts whose internals the viewer does not see."""
    articles = [r for r in records if isinstance(r, ArticleRecord) and not case.sees_internals(r)]
    draft = (Status.DRAFT, Status.IN_REVIEW, Status.APPROVED)
    async with executor.database.orm():
        rows = Article.filter(id__in=[article.id for article in articles])
        await rows.update(owner="zoe", ed_note=f"a {SECRET} note")
        await rows.filter(status__in=draft).update(embargo_until=NOW + HOUR)


async def make_hidden_changes(
    executor: Executor,
    name: str,
    case: ViewerCase,
    records: Sequence[Record],
    changed_ids: set[int],
    random: Random,
) -> None:
    """Creates tokens, drafts, working copies and collections that the viewer does not see."""
    if name == "admin":  # sees all content and the audit log
        return
    await mutate_as(executor, CHIEF, "createToken", {"name": f"{SECRET} robot", "role": "EDITOR"})
    token = await mutate_as(executor, CHIEF, "createToken", {"name": SECRET, "role": "ADMIN"})
    await mutate_as(executor, CHIEF, "revokeToken", {"id": token})
    for viewer, last_transition in (
        (JANE, "approveArticle"),
        (CHIEF, "publishArticle"),
        (AMIR, "submitArticle"),
    ):
        deleted_id = await _create_draft(executor, viewer, f"gone {last_transition}")
        for step in ("submitArticle", "approveArticle", "publishArticle"):
            await mutate_as(executor, CHIEF, step, {"id": deleted_id})
            if step == last_transition:
                break
        await mutate_as(
            executor,
            CHIEF,
            "deleteArticle",
            {"id": deleted_id, "reason": SECRET, "idempotencyKey": deleted_id},
        )
    if name in ("previewer", "editors"):
        return
    articles = [r for r in records if isinstance(r, ArticleRecord)]
    public_ids = [encode_id("article", a.id or 0) for a in articles if is_public(a)][:2]
    fields: dict[str, Any] = {"related": public_ids, "edNote": SECRET}
    # The first translation of an article creates a translation group: there must be none yet.
    groups = {a.translation_group for a in articles}
    if untranslated := [
        a for a in articles if is_public(a) and not a.translation_group and a.id not in groups
    ]:
        fields["translationOf"] = encode_id("article", untranslated[0].id or 0)
    if not case.sees_unused_taxonomy:
        fields |= await _create_taxonomy(executor)
    drafts = [
        await _create_draft(executor, AMIR, f"draft {n}", {**fields, "language": language})
        for n, language in enumerate(("nl", "it", "pl"))
    ]
    await mutate_as(
        executor, AMIR, "addAttribution", {"article": drafts[0], "kind": "CITING", "source": "source-0"}
    )
    link = await mutate_as(executor, AMIR, "createPreviewLink", {"id": drafts[0]})
    await mutate_as(executor, AMIR, "revokePreviewLink", {"id": link})
    await mutate_as(executor, CHIEF, "archiveArticle", {"id": drafts[1]})
    for step in ("submitArticle", "approveArticle"):
        await mutate_as(executor, CHIEF, step, {"id": drafts[2]})
    later = {"id": drafts[2], "publishAt": "2026-06-30T09:00:00Z"}
    await mutate_as(executor, CHIEF, "scheduleArticle", later)
    for collection in (r for r in records if isinstance(r, CollectionRecord)):
        if await executor.database.rows(f"SELECT 1 FROM collection WHERE slug = '{collection.slug}'"):
            await mutate_as(executor, CHIEF, "pinArticle", {"id": collection.slug, "article": drafts[0]})
    if not case.sees_unused_taxonomy:
        collection_input = {"title": f"{SECRET} page", "items": [{"article": draft} for draft in drafts]}
        await mutate_as(executor, CHIEF, "createCollection", collection_input)
    unchanged_articles = [
        a for a in articles if is_public(a) and a.id not in changed_ids and not case.sees_working_copy(a)
    ]
    for article in random.sample(unchanged_articles, min(3, len(unchanged_articles))):
        await create_working_copy(executor, article, records, SECRET, random)
    for article in unchanged_articles[:1]:
        await mutate_as(
            executor, CHIEF, "updateArticle", {"id": encode_id("article", article.id or 0), "urgency": 1}
        )


async def _create_draft(
    executor: Executor, viewer: Viewer, label: str, fields: Mapping[str, Any] = {}
) -> str:
    input = {
        "headline": f"{SECRET} {label} coffin",
        "body": {"markdown": f"Of {SECRET}, the coffin and the tide."},
        "category": "world/asia",
        "expiresAt": "2026-07-30T20:00:00Z",
        **fields,
    }
    return await mutate_as(executor, viewer, "createArticle", input)


async def _create_taxonomy(executor: Executor) -> dict[str, Any]:
    """Creates a tag, a story, an author and a picture that only drafts use."""
    url = f"https://media.example.org/{SECRET}.jpg"
    screenshot = {"kind": "IMAGE", "url": url, "mime": "image/jpeg", "alt": SECRET}
    media = await mutate_as(executor, CHIEF, "createMedia", screenshot)
    tag = await mutate_as(executor, AMIR, "createTag", {"type": "TOPIC", "name": f"{SECRET} tag"})
    story = await mutate_as(executor, CHIEF, "createStory", {"title": f"{SECRET} story"})
    author = await mutate_as(executor, CHIEF, "createAuthor", {"name": f"{SECRET} author", "image": media})
    source = {"name": "A Source 0", "slug": "source-0", "kind": "PERSON"}
    if not await executor.database.rows("SELECT 1 FROM source WHERE slug = 'source-0'"):
        await mutate_as(executor, CHIEF, "createSource", source)
    return {"leadMedia": media, "tags": [{"tag": tag}], "story": story, "authors": [{"author": author}]}


# Execution


async def execute_as(
    executor: Executor, viewer: Viewer, query: str, variables: Mapping[str, Any] | None = None
) -> bytes:
    """The body of the response to the viewer, without the request id."""
    response = await executor.execute(GraphQLRequest(query, None, variables or {}), actor=Actor(viewer))
    for code in (b"INTERNAL_SERVER_ERROR", b"GRAPHQL_VALIDATION_FAILED"):
        assert code not in response.body, (query, variables, response.body)
    return re.sub(rb'"requestId":"[^"]*"', b'"requestId":""', response.body)


async def mutate_as(executor: Executor, viewer: Viewer, name: str, input: Mapping[str, Any]) -> str:
    """The id in the payload of the mutation, which must succeed."""
    response = orjson.loads(await execute_as(executor, viewer, mutation_document(name), {"input": input}))
    payload = response.get("data") and response["data"][name]
    assert payload, (name, input, response)
    assert not payload["userErrors"], (name, input, payload)
    result = next(value for key, value in payload.items() if key != "userErrors")
    id_: str = result["id"] if isinstance(result, dict) else result
    return id_


def mutation_document(name: str) -> str:
    """The document of the mutation, with the id of its result and its user errors."""
    field_of = _mutations()[name]
    payload = get_named_type(field_of.type)
    assert isinstance(payload, GraphQLObjectType)
    field = next(iter(payload.fields))
    inner = "" if is_leaf_type(get_named_type(payload.fields[field].type)) else " { id }"
    return (
        f"mutation M($input: {field_of.args['input'].type}) {{ {name}(input: $input)"
        f" {{ {field}{inner} userErrors {{ code message field hint }} }} }}"
    )


def _mutations() -> Any:
    mutation_type = get_schema()._schema.mutation_type
    assert mutation_type is not None
    return mutation_type.fields


def input_type_of(name: str) -> GraphQLInputObjectType:
    """The input of a mutation."""
    input_type = get_named_type(_mutations()[name].args["input"].type)
    assert isinstance(input_type, GraphQLInputObjectType)
    return input_type


def mutations() -> list[str]:
    return list(_mutations())


async def ids_of(executor: Executor) -> list[str]:
    """The global ids of all rows, including those of working copies."""
    ids = []
    for table in PREFIXES:
        rows = await executor.database.rows(f"SELECT id FROM {table} ORDER BY id")
        ids += [encode_id(table, row[0]) for row in rows]
    return ids


async def slugs_of(executor: Executor) -> list[str]:
    """Current and former slugs of all articles."""
    sql = "SELECT slug FROM article UNION SELECT slug FROM slug_history ORDER BY 1"
    return [_text(row[0]) for row in await executor.database.rows(sql)]


async def tables_of(executor: Executor) -> dict[str, list[str]]:
    """Every row of every table."""
    database = executor.database
    names = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'search%'",
        "postgres": "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'",
    }[database.dialect]
    tables = sorted(_text(row[0]) for row in await database.rows(names))
    return {
        name: sorted(str(tuple(r)) for r in await database.rows(f'SELECT * FROM "{name}"')) for name in tables
    }


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
