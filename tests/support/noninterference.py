"""Viewers of a newsroom, and pairs of newsrooms that differ only in what one viewer may not see.

The first of a pair is what an onlooker may know, and nothing else. The second is a copy of it to which all
that is hidden was added: by import, and through the mutations that people use.
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
from tests.support.random_content import NOW, is_nowhere_shown, is_public, random_newsroom, without_hidden

from contentql.auth.permissions import ROLE_PERMISSIONS, Role
from contentql.auth.viewer import ANONYMOUS_VIEWER, Actor, Viewer
from contentql.content.enums import Status
from contentql.content.ids import PREFIXES, encode_id
from contentql.content.records import (
    ArticleRecord,
    CategoryRecord,
    CollectionRecord,
    ImportItem,
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
SECRET = "quicksilver"  # a word of which only what is hidden knows


def make_viewer(role: Role, account: str = "jane") -> Viewer:
    return Viewer(f"{account} {role.value}", role, account, ROLE_PERMISSIONS[role])


def preview_viewer(article: int) -> Viewer:
    return Viewer("Preview link", shared_article_id=article)


JANE, AMIR = make_viewer(Role.AUTHOR), make_viewer(Role.AUTHOR, "amir")
CHIEF = make_viewer(Role.ADMIN, "chief")


@dataclass(frozen=True)
class ViewerCase:
    """`sees` says which articles, `whole` of which also notes, revisions and suggestions; `registers` whether
    tags, sources and the like are seen that no such article uses; `chooses` of which the working copies."""

    viewers: tuple[Viewer, ...]
    sees: Callable[[ArticleRecord], bool]
    sees_all_of: Callable[[ArticleRecord], bool] = is_nowhere_shown
    registers: bool = True
    chooses: Callable[[ArticleRecord], bool] = is_nowhere_shown


def viewer_case(name: str, records: Sequence[Record]) -> ViewerCase:
    articles = [record for record in records if isinstance(record, ArticleRecord)]
    if name == "outside":
        return ViewerCase((ANONYMOUS_VIEWER, make_viewer(Role.READER)), is_public, registers=False)
    if name == "guest":
        shared = next(a for a in (*articles[len(articles) // 2 :], *articles) if a.deleted_at is None)

        def is_shared(article: ArticleRecord) -> bool:
            return article.id == shared.id

        viewer = preview_viewer(shared.id or 0)
        return ViewerCase(
            at_other_times(viewer),
            lambda article: is_public(article) or is_shared(article),
            registers=False,
            chooses=is_shared,
        )
    if name == "author":
        return ViewerCase(
            at_other_times(JANE),
            lambda a: is_public(a) or (is_janes(a) and is_visible_draft(a)),
            is_janes,
            chooses=is_janes,
        )
    if name == "previewer":
        return ViewerCase((make_viewer(Role.PREVIEWER),), is_visible_draft, chooses=is_visible_draft)
    roles = (Role.EDITOR, Role.PUBLISHER) if name == "editors" else (Role.ADMIN,)
    return ViewerCase(
        tuple(make_viewer(role) for role in roles),
        is_visible_draft,
        is_visible_draft,
        chooses=is_visible_draft,
    )


ONLOOKERS = ("outside", "guest", "author", "previewer", "editors", "admin")


def at_other_times(viewer: Viewer) -> tuple[Viewer, ...]:
    return viewer, replace(viewer, preview_at=NOW + 2 * HOUR), replace(viewer, preview_at=NOW - 60 * HOUR)


def is_janes(article: ArticleRecord) -> bool:
    return (article.id or 0) % 3 == 0


def is_visible_draft(article: ArticleRecord) -> bool:
    return article.deleted_at is None


@dataclass
class DatabasePair:
    """`known` answers for what `looks` may know, `whole` for that and all that is hidden."""

    looks: ViewerCase
    records: Sequence[Record]
    visible_only: Executor
    everything: Executor
    ids: list[str] = field(default_factory=list)  # of everything, by every kind
    hidden: list[str] = field(default_factory=list)  # of what only the whole newsroom has
    names: list[str] = field(default_factory=list)


@asynccontextmanager
async def open_database_pair(server: Server, name: str, seed: int) -> AsyncIterator[DatabasePair]:
    random = Random(seed)
    records = random_newsroom(random)
    looks = viewer_case(name, records)
    url = await server.migrated()
    visible = without_hidden(records, looks.sees, looks.sees_all_of, registers=looks.registers)
    await import_into(url, visible)
    async with open_executor(url) as answers:
        touched = await assert_same_for_all(answers, looks, records, random)
    other = await server.copy(url)
    await import_into(other, _again(records, visible, touched))
    async with open_executor(url) as first, open_executor(other) as second:
        await _noted(second, looks, records)
        await assert_hidden_from(second, name, looks, records, touched, random)
        for answers in (first, second) if name != "admin" else ():  # whose log would have it twice
            moved = {"id": "world/asia/east", "slug": "far-east"}
            await mutate_as(answers, CHIEF, "updateCategory", moved)
        few, many = await ids_of(first), await ids_of(second)
        hidden = [one for one in many if one not in set(few)]
        yield DatabasePair(looks, records, first, second, many, hidden, await names_of(second))
    await server.drop(url)
    await server.drop(other)


@asynccontextmanager
async def open_executor(url: str) -> AsyncIterator[Executor]:
    limits = Limits(cost=1_000_000, root_fields=400, aliases=400)
    async with Database(url) as database:
        executor = Executor(database, get_catalog(), limits=limits, now=lambda: NOW)
        executor.mutations.sign_preview_token = _signed
        yield executor


async def _signed(article: int, until: dt.datetime) -> str:
    return f"cqlp_{article}"


async def import_into(url: str, records: Sequence[Record]) -> None:
    """Imported, with an owner each."""
    database = Database(url)
    report = await import_records(database, [ImportItem(str(n), record) for n, record in enumerate(records)])
    failed = [outcome for outcome in report.outcomes if outcome.result == "failed"]
    assert not failed, failed[:3]
    articles = [record for record in records if isinstance(record, ArticleRecord)]
    async with database.orm():
        mine = [article.id for article in articles if is_janes(article)]
        await Article.filter(owner=None, id__in=mine).update(owner="jane")
        await Article.filter(owner=None).update(owner="amir")


def _again(records: Sequence[Record], visible: Sequence[Record], touched: set[int]) -> list[Record]:
    """What the import of the whole newsroom adds to what is there."""
    same = {jsonless(record) for record in visible}
    return [
        record
        for record in records
        if jsonless(record) not in same
        and not isinstance(record, CategoryRecord)
        and not (isinstance(record, ArticleRecord) and record.id in touched)
    ]


def jsonless(record: Record) -> str:
    return f"{type(record).__name__} {record.model_dump_json()}"


# What everybody may know


async def assert_same_for_all(
    executor: Executor, looks: ViewerCase, records: Sequence[Record], random: Random
) -> set[int]:
    """Corrections of what is out, and working copies that the onlooker sees; the ids of all these."""
    articles = [r for r in records if isinstance(r, ArticleRecord)]
    out = [article for article in articles if is_public(article)]
    corrected = random.sample(out, min(2, len(out)))
    chosen = [a for a in out if looks.chooses(a)]
    changing = random.sample(chosen, min(3, len(chosen)))
    for article in corrected:
        input = {
            "id": encode_id("article", article.id or 0),
            "kind": "CORRECTION",
            "text": "It was another day.",
        }
        await mutate_as(executor, CHIEF, "correctArticle", input)
    for article in changing:
        await change_records(executor, article, records, "tide", random)
    return {article.id or 0 for article in (*corrected, *changing)}


async def change_records(
    executor: Executor, article: ArticleRecord, records: Sequence[Record], word: str, random: Random
) -> None:
    """A working copy that differs in everything from what is out."""
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
    here = await executor.database.rows("SELECT type, slug FROM tag")
    there_are = {f"{_text(kind)}:{_text(slug)}" for kind, slug in here}
    usable = [tag for tag in tags if tag in there_are]
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


# What the onlooker may not know


async def _noted(executor: Executor, looks: ViewerCase, records: Sequence[Record]) -> None:
    """Owners, notes and embargoes of drafts, where they are none of the onlooker's business."""
    articles = [r for r in records if isinstance(r, ArticleRecord) and not looks.sees_all_of(r)]
    draft = (Status.DRAFT, Status.IN_REVIEW, Status.APPROVED)
    async with executor.database.orm():
        rows = Article.filter(id__in=[article.id for article in articles])
        await rows.update(owner="zoe", ed_note=f"a {SECRET} note")
        await rows.filter(status__in=draft).update(embargo_until=NOW + HOUR)


async def assert_hidden_from(
    executor: Executor,
    name: str,
    looks: ViewerCase,
    records: Sequence[Record],
    touched: set[int],
    random: Random,
) -> None:
    if name == "admin":  # who knows of everything that anybody does
        return
    await mutate_as(executor, CHIEF, "createToken", {"name": f"{SECRET} robot", "role": "EDITOR"})
    token = await mutate_as(executor, CHIEF, "createToken", {"name": SECRET, "role": "ADMIN"})
    await mutate_as(executor, CHIEF, "revokeToken", {"id": token})
    for viewer, last in ((JANE, "approveArticle"), (CHIEF, "publishArticle"), (AMIR, "submitArticle")):
        deleted_id = await _draft(executor, viewer, f"gone {last}")
        for step in ("submitArticle", "approveArticle", "publishArticle"):
            await mutate_as(executor, CHIEF, step, {"id": deleted_id})
            if step == last:
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
    beside = [encode_id("article", a.id or 0) for a in articles if is_public(a)][:2]
    more: dict[str, Any] = {"related": beside, "edNote": SECRET}
    # The first translation of an article creates a translation group: there must be none yet.
    groups = {a.translation_group for a in articles}
    if alone := [a for a in articles if is_public(a) and not a.translation_group and a.id not in groups]:
        more["translationOf"] = encode_id("article", alone[0].id or 0)
    if not looks.registers:
        more |= await _registers(executor)
    drafts = [await _draft(executor, AMIR, f"draft {n}", more) for n in range(3)]
    await mutate_as(
        executor, AMIR, "addAttribution", {"article": drafts[0], "kind": "CITING", "source": "source-0"}
    )
    await mutate_as(executor, AMIR, "createPreviewLink", {"id": drafts[0]})
    await mutate_as(executor, CHIEF, "archiveArticle", {"id": drafts[1]})
    for step in ("submitArticle", "approveArticle"):
        await mutate_as(executor, CHIEF, step, {"id": drafts[2]})
    later = {"id": drafts[2], "publishAt": "2026-06-30T09:00:00Z"}
    await mutate_as(executor, CHIEF, "scheduleArticle", later)
    for collection in (r for r in records if isinstance(r, CollectionRecord)):
        if await executor.database.rows(f"SELECT 1 FROM collection WHERE slug = '{collection.slug}'"):
            await mutate_as(executor, CHIEF, "pinArticle", {"id": collection.slug, "article": drafts[0]})
    if not looks.registers:
        front = {"title": f"{SECRET} page", "items": [{"article": one} for one in drafts]}
        await mutate_as(executor, CHIEF, "createCollection", front)
    others = [a for a in articles if is_public(a) and a.id not in touched and not looks.chooses(a)]
    for article in random.sample(others, min(3, len(others))):
        await change_records(executor, article, records, SECRET, random)
    for article in others[:1]:
        await mutate_as(
            executor, CHIEF, "updateArticle", {"id": encode_id("article", article.id or 0), "urgency": 1}
        )


async def _draft(executor: Executor, viewer: Viewer, word: str, more: Mapping[str, Any] = {}) -> str:
    input = {
        "headline": f"{SECRET} {word} coffin",
        "body": {"markdown": f"Of {SECRET}, the coffin and the tide."},
        "category": "world/asia",
        "expiresAt": "2026-07-30T20:00:00Z",
        **more,
    }
    return await mutate_as(executor, viewer, "createArticle", input)


async def _registers(executor: Executor) -> dict[str, Any]:
    """A tag, a story, an author, a picture of which only drafts know."""
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


# Asking


async def execute_as(
    executor: Executor, viewer: Viewer, query: str, variables: Mapping[str, Any] | None = None
) -> bytes:
    """The answer to the byte, but for the request's id."""
    response = await executor.execute(GraphQLRequest(query, None, variables or {}), actor=Actor(viewer))
    for code in (b"INTERNAL_SERVER_ERROR", b"GRAPHQL_VALIDATION_FAILED"):
        assert code not in response.body, (query, variables, response.body)
    return re.sub(rb'"requestId":"[^"]*"', b'"requestId":""', response.body)


async def mutate_as(executor: Executor, viewer: Viewer, name: str, input: Mapping[str, Any]) -> str:
    """The id of what a mutation made, which must have done it."""
    answer = orjson.loads(await execute_as(executor, viewer, mutation_document(name), {"input": input}))
    payload = answer.get("data") and answer["data"][name]
    assert payload, (name, input, answer)
    assert not payload["userErrors"], (name, input, payload)
    result = next(value for key, value in payload.items() if key != "userErrors")
    id_: str = result["id"] if isinstance(result, dict) else result
    return id_


def mutation_document(name: str) -> str:
    """The mutation by its name, asking for the id of what it makes and for what is amiss."""
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
    """The id of every row that can have one outside, working copies' own ones as well."""
    ids = []
    for table in PREFIXES:
        rows = await executor.database.rows(f"SELECT id FROM {table} ORDER BY id")
        ids += [encode_id(table, row[0]) for row in rows]
    return ids


async def names_of(executor: Executor) -> list[str]:
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
