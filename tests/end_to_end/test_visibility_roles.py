"""Visibility and permissions per role: hidden content changes no response, denied mutations change no row."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import orjson
import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    get_named_type,
    is_required_input_field,
)
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.conftest import Server
from tests.end_to_end.test_visibility import pool
from tests.support.noninterference import (
    AMIR,
    CHIEF,
    HOUR,
    JANE,
    ONLOOKERS,
    SECRET,
    DatabasePair,
    execute_as,
    import_into,
    input_type_of,
    is_janes,
    make_viewer,
    mutate_as,
    mutation_document,
    mutations,
    open_database_pair,
    open_executor,
    preview_viewer,
    tables_of,
)
from tests.support.random_content import NOW, WORDS, is_public, random_newsroom
from tests.support.random_documents import Pool, RandomDocuments

from contentql.app import build_executor
from contentql.auth.permissions import ROLE_PERMISSIONS, Permission, Role
from contentql.auth.viewer import ANONYMOUS_VIEWER, Actor, Viewer
from contentql.content.enums import Status
from contentql.content.ids import encode_id
from contentql.content.records import ArticleRecord
from contentql.execution.executor import Executor
from contentql.execution.request import GraphQLRequest
from contentql.schema.build import get_catalog, get_schema
from contentql.settings import Settings
from contentql.store.database import Database

pytestmark = pytest.mark.slow

EXAMPLES = 1
DOCUMENTS = 8  # for each viewer

EVERYTHING = """query Q($ids: [ID!]!) { nodes(ids: $ids) { __typename id
    ... on Article { slug headline status version edNote owner embargoUntil expiresAt unpublishedChanges
        revisions(first: 5) { totalCount nodes { id version savedBy action reason headline
            diff { field before after } } }
        attributions { id state position claim chain { id source { slug } media { id } } }
        tags { slug } categories { path } corrections { id text } related { totalCount nodes { id } }
        translations { id headline } media { position media { id } }
        body { text blocks { ... on QuoteBlock { attribution { id } } } } }
    ... on Tag { slug tagged: articles { totalCount nodes { id } } broader { id } }
    ... on Source { slug named: articles { totalCount nodes { id } } parent { id }
        cited: attributions { totalCount nodes { id state position article { id headline } } } }
    ... on Media { url used: articles { totalCount nodes { id } } }
    ... on Author { slug wrote: articles { totalCount nodes { id } } image { id } }
    ... on Story { slug told: articles { totalCount nodes { id } } }
    ... on Category { path filed: articles { totalCount nodes { id } } }
    ... on Collection { slug listed: articles { totalCount edges { cursor node { id } } }
        items { headline article { id headline } } }
    ... on Attribution { state claim hop article { id headline } via { id } }
    ... on Correction { text article { id headline } }
    ... on Revision { version had: headline diff(against: 1) { field before after } }
    ... on AuditEntry { action targetId actorName }
    ... on Token { name hint account }
} }"""
LISTS = (
    "articles", "articles(orderBy: [HEADLINE_ASC])", "articles(orderBy: [UPDATED_AT_ASC])", "latestNews",
    "latestNews(onePerStory: true)", 'latestNews(section: "world")', "categories", "mediaItems",
    "attributions", "sources", "tags", "authors", "stories", "collections", "corrections",
    "auditLog", "tokens",
    f'articles(search: "{SECRET}")', 'articles(search: "coffin or tide")', 'articles(search: "note")',
    f'articles(filter: {{slug: {{contains: "{SECRET}"}}}})',
    *(f"articles(filter: {{status: {{eq: {status.value}}}}})" for status in Status),
    f'tags(filter: {{articles: {{some: {{search: "{SECRET}"}}}}}})',
    f'sources(filter: {{articles: {{some: {{search: "{SECRET}"}}}}}})',
    'auditLog(filter: {action: {eq: "deleteArticle"}})',
    f'attributions(filter: {{claim: {{contains: "{SECRET}"}}}})',
)  # fmt: skip
NAMED = (
    'category(path: "world/asia/east") { id path isRedirect articles { totalCount } }',
    'category(path: "far-east") { id }',
    "viewer { name role accessDescription permissions }",
    'withdrawal(id: "art_1") { __typename }',
)


@pytest.mark.parametrize("name", ONLOOKERS)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.generate],  # a smaller seed is no smaller newsroom
    suppress_health_check=list(HealthCheck),
)
@given(seed=st.integers(0, 1 << 32))
async def test_what_one_may_not_know_changes_no_answer(server: Server, name: str, seed: int) -> None:
    """Lists, counts, cursors, nodes, searches, revisions, logs: all as if nothing hidden had ever been."""
    async with open_database_pair(server, name, seed) as both_executors:
        assert both_executors.hidden
        drawn = RandomDocuments(get_schema()._schema, _pool(both_executors), Random(seed))
        for viewer in both_executors.looks.viewers:
            for some in range(0, len(both_executors.ids), 60):
                await _same(both_executors, viewer, EVERYTHING, {"ids": both_executors.ids[some : some + 60]})
            await _same(both_executors, viewer, _lists("first: 100"))
            await _same(both_executors, viewer, _lists("first: 2"))
            await _same(both_executors, viewer, _lists("last: 2"))
            await _same(both_executors, viewer, _by_name(both_executors.names))
            for _ in range(DOCUMENTS):
                document = drawn.document()
                await _same(both_executors, viewer, document.text, document.variables)


async def _same(both_executors: DatabasePair, viewer: Viewer, query: str, variables: Any = None) -> None:
    expected = await execute_as(both_executors.visible_only, viewer, query, variables)
    assert await execute_as(both_executors.everything, viewer, query, variables) == expected, (
        viewer,
        query,
        variables,
    )


def _lists(size: str) -> str:
    fields = []
    for n, value in enumerate(LISTS):
        name, _, arguments = value.rstrip(")").partition("(")
        if name == "latestNews" and size.startswith("last"):
            continue
        values = ", ".join(filter(None, [arguments, size]))
        fields.append(
            f"l{n}: {name}({values}) {{ totalCount edges {{ cursor node {{ id }} }}"
            " pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }"
        )
    return f"{{ {' '.join(fields)} }}"


def _by_name(names: list[str]) -> str:
    fields = [
        f'a{n}: article(slug: "{name}") {{ id slug isRedirect headline }}' for n, name in enumerate(names)
    ]
    fields += [f'w{n}: withdrawal(slug: "{name}") {{ id notice }}' for n, name in enumerate(names)]
    fields += [f"n{n}: {value}" for n, value in enumerate(NAMED)]
    return f"{{ {' '.join(fields)} }}"


def _pool(both_executors: DatabasePair) -> Pool:
    """Every id, name and word of the whole newsroom, the hidden ones above all."""
    existing = pool(both_executors.records)
    accounts = ["jane", "amir", "zoe", "chief"]
    texts = {
        **existing.texts,
        "slug": [*existing.texts["slug"], *both_executors.names],
        "account": accounts,
        "action": ["createArticle", "deleteArticle"],
        "targetId": both_executors.hidden,
    }
    return Pool(
        [*existing.ids, *both_executors.hidden, *both_executors.hidden], texts, (*WORDS, SECRET, "note")
    )


async def test_hidden_content_is_visible_to_permitted_viewers(server: Server) -> None:
    """Hidden content exists: some viewer reads it with the same queries."""
    async with open_database_pair(server, "author", 4) as both_executors:
        for query, variables in (
            (_lists("first: 100"), None),
            (EVERYTHING, {"ids": both_executors.hidden[:60]}),
        ):
            expected = await execute_as(both_executors.visible_only, CHIEF, query, variables)
            assert await execute_as(both_executors.everything, CHIEF, query, variables) != expected
        assert SECRET.encode() in await execute_as(
            both_executors.everything, CHIEF, EVERYTHING, {"ids": both_executors.hidden[:60]}
        )
        assert {one.partition("_")[0] for one in both_executors.hidden} >= {"art", "att", "rev", "aud", "tok"}


@pytest.mark.parametrize("at", [NOW + 2 * HOUR, NOW - 60 * HOUR], ids=["ahead", "back"])
async def test_another_moment_opens_only_what_one_sees_anyway(server: Server, at: Any) -> None:
    """X-Preview-At shows one's own and shared work as of then; what is others' must be out now."""
    records = random_newsroom(Random(9), articles=40)
    articles = [r for r in records if isinstance(r, ArticleRecord)]
    shared = next(a for a in articles if not is_public(a) and a.deleted_at is None and not is_janes(a))
    url = await server.migrated()
    await import_into(url, records)
    query = "{ articles(first: 100) { nodes { id } } mediaItems(first: 100) { nodes { id } } }"
    async with open_executor(url) as answers:
        public = orjson.loads(await execute_as(answers, ANONYMOUS_VIEWER, query))["data"]
        for viewer, own in (
            (JANE, {a.id for a in articles if is_janes(a)}),
            (preview_viewer(shared.id or 0), {shared.id}),
        ):
            payload = orjson.loads(await execute_as(answers, replace(viewer, preview_at=at), query))["data"]
            others = _ids(payload["articles"]) - {encode_id("article", number or 0) for number in own}
            assert others <= _ids(public["articles"])
            if viewer is not JANE:  # who sees all media
                lone = {encode_id("media", n or 0) for n in _media(shared)}
                assert _ids(payload["mediaItems"]) - lone <= _ids(public["mediaItems"])
        reader = replace(make_viewer(Role.READER), preview_at=at)
        assert orjson.loads(await execute_as(answers, reader, query))["data"] == public
        coming = [
            a for a in articles if is_janes(a) and a.published_at and NOW < a.published_at <= NOW + HOUR
        ]
        assert coming, "nothing of Jane's is to come"
        seen = _ids(
            orjson.loads(await execute_as(answers, replace(JANE, preview_at=at), query))["data"]["articles"]
        )
        assert {encode_id("article", a.id or 0) in seen for a in coming} == {at > NOW}
    await server.drop(url)


def _ids(page: Any) -> set[str]:
    return {node["id"] for node in page["nodes"]}


def _media(article: ArticleRecord) -> list[Any]:
    return [article.lead_media, *(placed.media for placed in article.media)]


async def test_a_deleted_article_takes_its_revisions_with_it(server: Server) -> None:
    """Neither its author nor a viewer of all drafts can read an earlier state of it by any id."""
    url = await server.migrated()
    await import_into(url, random_newsroom(Random(2), articles=3))
    async with open_executor(url) as answers:
        draft = await mutate_as(answers, JANE, "createArticle", {"headline": SECRET, "category": "world"})
        rows = await answers.database.rows("SELECT id FROM revision ORDER BY id")
        query = f'{{ node(id: "{encode_id("revision", rows[-1][0])}") {{ id }} }}'
        assert b"rev_" in await execute_as(answers, JANE, query)
        await mutate_as(answers, CHIEF, "deleteArticle", {"id": draft})
        for viewer in (JANE, AMIR, make_viewer(Role.EDITOR), CHIEF):
            assert await execute_as(answers, viewer, query) == b'{"data":{"node":null}}'
    await server.drop(url)


async def test_a_relay_that_is_changed_stays_in_its_chain(server: Server) -> None:
    """Changing one hop, twice, leaves the way from the source to the reader as it was."""
    url = await server.migrated()
    await import_into(url, random_newsroom(Random(2), articles=3))
    async with open_executor(url) as answers:
        draft = await mutate_as(answers, JANE, "createArticle", {"headline": SECRET, "category": "world"})
        for slug in ("first", "second", "third"):
            await mutate_as(answers, JANE, "createSource", {"name": slug, "kind": "PERSON"})
        far = {"kind": "CITING", "source": "second", "via": {"kind": "CITING", "source": "third"}}
        fields = {"article": draft, "kind": "SAID", "source": "first", "via": far}
        head = await mutate_as(answers, JANE, "addAttribution", fields)
        query = f'{{ attribution(id: "{head}") {{ chain {{ id source {{ slug }} via {{ id }} }} }} }}'
        for claim in ("One", "Another"):
            chain = orjson.loads(await execute_as(answers, JANE, query))["data"]["attribution"]["chain"]
            assert [hop["source"]["slug"] for hop in chain] == ["first", "second", "third"]
            assert [hop["via"] and hop["via"]["id"] for hop in chain] == [
                chain[1]["id"],
                chain[2]["id"],
                None,
            ]
            await mutate_as(answers, JANE, "updateAttribution", {"id": chain[2]["id"], "claim": claim})
        chain = orjson.loads(await execute_as(answers, JANE, query))["data"]["attribution"]["chain"]
        assert [hop["via"] and hop["via"]["id"] for hop in chain] == [chain[1]["id"], chain[2]["id"], None]
    await server.drop(url)


async def test_what_leads_to_an_article_leads_to_its_working_copy(server: Server) -> None:
    """Holders of a preview link can read the collection and translation of its article, before and after."""
    url = await server.migrated()
    query = "{ collections { nodes { articles { nodes { headline translations { headline } } } } } }"
    async with open_executor(url) as answers:
        await mutate_as(answers, CHIEF, "createCategory", {"name": "World"})
        text = {"category": "world", "body": {"text": "x"}}
        first = await mutate_as(answers, CHIEF, "createArticle", {"headline": "Tide", **text})
        await _out(answers, first)
        await mutate_as(answers, CHIEF, "createCollection", {"title": "Front", "items": [{"article": first}]})
        await mutate_as(answers, CHIEF, "updateArticle", {"id": first, "headline": "High tide"})
        more = {"headline": "Flut", "language": "de", "translationOf": first}
        await _out(answers, await mutate_as(answers, CHIEF, "createArticle", {**more, **text}))
        viewer = preview_viewer(int(first.removeprefix("art_")))
        told_of = orjson.loads(await execute_as(answers, viewer, query))["data"]["collections"]["nodes"]
        visible = {"headline": "High tide", "translations": [{"headline": "Flut"}]}
        assert told_of == [{"articles": {"nodes": [visible]}}]
        await _out(answers, first)
        assert (
            orjson.loads(await execute_as(answers, ANONYMOUS_VIEWER, query))["data"]["collections"]["nodes"]
            == told_of
        )
    await server.drop(url)


async def _out(executor: Executor, article: str) -> None:
    for step in ("submitArticle", "approveArticle", "publishArticle"):
        await mutate_as(executor, CHIEF, step, {"id": article})


# What is refused


ARTICLE_ID: dict[str, dict[str, Any]] = {
    "updateArticle": {"headline": "Mine"},
    "submitArticle": {},
    "deleteArticle": {},
    "restoreRevision": {"version": 1},
    "createPreviewLink": {},
    "reorderAttributions": {"attributions": []},
}
ATTRIBUTION_ID: dict[str, dict[str, Any]] = {
    "updateAttribution": {"claim": "Mine"},
    "acceptAttribution": {},
    "rejectAttribution": {},
    "deleteAttribution": {},
}
NEVER = 4_242_424_242_424_242


async def test_an_author_is_told_the_same_of_hidden_things_as_of_none(server: Server) -> None:
    """Every mutation, by every hidden id: the answer for an id that never was, and no row is another."""
    async with open_database_pair(server, "author", 11) as both_executors:
        own = await mutate_as(
            both_executors.visible_only, JANE, "createArticle", {"headline": "Mine", "category": "world"}
        )
        owns = await mutate_as(
            both_executors.everything, JANE, "createArticle", {"headline": "Mine", "category": "world"}
        )
        before = await tables_of(both_executors.visible_only), await tables_of(both_executors.everything)
        request: list[tuple[str, dict[str, Any]]] = []
        for hidden in (*_some(both_executors.hidden, "art", 7), *_some(both_executors.hidden, "att", 9)):
            kind, _, _ = hidden.partition("_")
            cases = {"art": ARTICLE_ID, "att": ATTRIBUTION_ID}.get(kind, {})
            for name, more in cases.items():
                request.append((name, {"id": hidden, **more}))
                request.append((name, {"id": hidden, "ifVersion": 1, "validateOnly": True, **more}))
            if kind == "art":
                request.append(("addAttribution", {"article": hidden, "kind": "REPORTED_BY"}))
                for reference in ({"related": [hidden]}, {"translationOf": hidden}):
                    request.append(("updateArticle", {"id": "OWN", **reference}))
                    request.append(("createArticle", {"headline": "Mine", **reference}))
            if kind == "att":
                request.append(("reorderAttributions", {"id": "OWN", "attributions": [hidden]}))
        for name, value in request:
            if name == "createPreviewLink":
                value.pop("ifVersion", None)
            text = orjson.dumps(value).decode()
            hidden = next(one for one in both_executors.hidden if f'"{one}"' in text)
            never = f"{hidden.partition('_')[0]}_{NEVER}"
            result = await _refused(both_executors.everything, name, text.replace("OWN", owns))
            none = await _refused(
                both_executors.everything, name, text.replace("OWN", owns).replace(hidden, never)
            )
            assert result == none.replace(never, hidden), (name, value)
            assert result == await _refused(both_executors.visible_only, name, text.replace("OWN", own)), (
                name,
                value,
            )
        assert (
            await tables_of(both_executors.visible_only),
            await tables_of(both_executors.everything),
        ) == before
        assert len(request) > 100


def _some(ids: list[str], kind: str, most: int) -> list[str]:
    """So many of a kind, from the oldest to the newest: imported ones, drafts, working copies."""
    results = [one for one in ids if one.startswith(f"{kind}_")]
    return results[:: max(1, len(results) // most)][-most:]


async def _refused(executor: Executor, name: str, text: str) -> str:
    answer = (
        await execute_as(executor, JANE, mutation_document(name), {"input": orjson.loads(text)})
    ).decode()
    assert '"code":' in answer, (name, text, answer)
    return answer


async def test_every_mutation_of_an_author_by_an_id_is_tried(server: Server) -> None:
    """The lists above are whole: all that an author may call and that takes one of these ids is in them."""
    mine = {name for name in mutations() if RIGHTS[name] in ROLE_PERMISSIONS[Role.AUTHOR]}
    tried = {*ARTICLE_ID, *ATTRIBUTION_ID, "addAttribution"}
    assert {name for name in mine if {"id", "article"} & input_type_of(name).fields.keys()} == tried


async def test_a_slug_that_a_hidden_draft_has_is_taken_and_no_more_is_told(server: Server) -> None:
    """The one thing an author may learn of hidden work: that a name is not free. Not whose, nor where."""
    url = await server.migrated()
    await import_into(url, random_newsroom(Random(2), articles=3))
    async with open_executor(url) as answers:
        await mutate_as(answers, AMIR, "createArticle", {"headline": "A quiet plan", "category": "world"})
        fields = {"headline": "Mine", "slug": "a-quiet-plan"}
        answer = orjson.loads(
            await execute_as(answers, JANE, mutation_document("createArticle"), {"input": fields})
        )
        assert answer["data"]["createArticle"]["userErrors"] == [
            {
                "code": "TAKEN",
                "message": "The slug 'a-quiet-plan' is taken.",
                "field": ["slug"],
                "hint": "Use 'a-quiet-plan-2', which is free.",
            }
        ]
        mine = await mutate_as(answers, JANE, "createArticle", {"headline": "A quiet plan"})
        fields = {"id": mine, "slug": "a-quiet-plan"}
        answer = orjson.loads(
            await execute_as(answers, JANE, mutation_document("updateArticle"), {"input": fields})
        )
        assert [e["code"] for e in answer["data"]["updateArticle"]["userErrors"]] == ["TAKEN"]
        assert (
            await execute_as(answers, JANE, '{ article(slug: "a-quiet-plan") { id } }')
            == b'{"data":{"article":null}}'
        )
    await server.drop(url)


# Who may do what

RIGHTS: dict[str, Permission] = {
    **dict.fromkeys(
        [
            "createArticle", "updateArticle", "submitArticle", "deleteArticle", "restoreRevision",
            "addAttribution", "updateAttribution", "acceptAttribution", "rejectAttribution",
            "deleteAttribution", "reorderAttributions",
        ],
        Permission.EDIT_OWN,
    ),
    "createPreviewLink": Permission.CREATE_PREVIEW_LINKS,
    **dict.fromkeys(["returnArticle", "approveArticle"], Permission.REVIEW),
    **dict.fromkeys(
        [
            "scheduleArticle", "publishArticle", "unpublishArticle", "withdrawArticle", "correctArticle",
            "archiveArticle", "restoreArticle",
        ],
        Permission.PUBLISH,
    ),
    **dict.fromkeys(["createMedia", "createSource", "createTag"], Permission.CREATE_TAXONOMY),
    **dict.fromkeys(
        [
            "updateMedia", "updateSource", "updateTag", "createAuthor", "updateAuthor", "createStory",
            "updateStory", "createCollection", "updateCollection", "pinArticle",
        ],
        Permission.EDIT_TAXONOMY,
    ),
    **dict.fromkeys(
        [
            "createCategory", "updateCategory", "moveCategory", "deleteCategory", "deleteMedia",
            "mergeSources", "deleteSource", "deleteTag", "deleteAuthor", "deleteStory", "deleteCollection",
        ],
        Permission.MANAGE_TAXONOMY,
    ),
    **dict.fromkeys(["createToken", "revokeToken"], Permission.ADMIN),
}  # fmt: skip


def test_every_mutation_is_listed_with_its_right() -> None:
    """A mutation that is not in the table above, or asks for another right, does not pass."""
    plans: Any = get_catalog().types["Mutation"].fields
    assert {name: Permission(plans[name].permission) for name in mutations()} == RIGHTS


async def test_each_role_may_do_what_the_table_of_roles_says_and_nothing_else(server: Server) -> None:
    """Every mutation by everybody: UNAUTHENTICATED without a token, FORBIDDEN without the right."""
    url = await server.migrated()
    await import_into(url, random_newsroom(Random(2), articles=3))
    async with open_executor(url) as answers:
        before = await tables_of(answers)
        callers = [ANONYMOUS_VIEWER, preview_viewer(1), *(make_viewer(role) for role in Role)]
        for name in mutations():
            fields = {**_least(input_type_of(name)), "validateOnly": True}
            for viewer in callers:
                answer = await execute_as(answers, viewer, mutation_document(name), {"input": fields})
                granted = viewer is not ANONYMOUS_VIEWER and RIGHTS[name] in ROLE_PERMISSIONS[viewer.role]
                code = None if granted else "UNAUTHENTICATED" if viewer is ANONYMOUS_VIEWER else "FORBIDDEN"
                assert _code(answer) == code, (name, viewer, answer)
        assert await tables_of(answers) == before
    await server.drop(url)


def _least(of: GraphQLInputObjectType) -> dict[str, Any]:
    """Values for all that must be said."""
    return {name: _value(one.type) for name, one in of.fields.items() if is_required_input_field(one)}


def _value(of: Any) -> Any:
    of = of.of_type if isinstance(of, GraphQLNonNull) else of
    if isinstance(of, GraphQLList):
        return []
    if isinstance(of, GraphQLInputObjectType):
        return _least(of)
    if isinstance(of, GraphQLEnumType):
        return next(iter(of.values))
    named = get_named_type(of).name
    return {"Int": 1, "DateTime": "2099-01-01T00:00:00Z", "ID": "art_1"}.get(named, "x")


def _code(answer: bytes) -> str | None:
    payload: list[dict[str, Any]] = orjson.loads(answer).get("errors") or [{"extensions": {"code": None}}]
    code: str | None = payload[0]["extensions"]["code"]
    return code


async def test_a_request_with_one_forbidden_field_does_none(server: Server) -> None:
    """What may be done beside what may not is not done either; nor does a scope grant what it leaves out."""
    url = await server.migrated()
    await import_into(url, random_newsroom(Random(2), articles=3))
    two = """mutation { createArticle(input: {headline: "x"}) { article { id } }
        createToken(input: {name: "x", role: ADMIN}) { secret } }"""
    one = '{ createArticle(input: {headline: "x"}) { article { id } } }'
    scoped = replace(CHIEF, permissions=frozenset({Permission.READ_ALL_DRAFTS}))
    async with open_executor(url) as answers:
        before = await tables_of(answers)
        assert _code(await execute_as(answers, make_viewer(Role.PUBLISHER), two)) == "FORBIDDEN"
        assert _code(await execute_as(answers, scoped, f"mutation {one}")) == "FORBIDDEN"
        assert _code(await execute_as(answers, scoped, "{ tokens { totalCount } }")) == "FORBIDDEN"
        assert await tables_of(answers) == before
    await server.drop(url)


# What is remembered


async def test_no_answer_goes_from_a_token_to_the_public_or_back(server: Server) -> None:
    """With a response cache, viewers get their own responses in any order; only public ones are cached."""
    url = await server.migrated()
    await import_into(url, random_newsroom(Random(3)))
    query = "{ articles(first: 100) { totalCount nodes { id headline edNote status } } }"
    editor, reader = make_viewer(Role.EDITOR), make_viewer(Role.READER)
    ahead = replace(editor, preview_at=NOW + HOUR)
    for order in (
        (editor, reader, JANE, ANONYMOUS_VIEWER, ahead),
        (ANONYMOUS_VIEWER, reader, editor, JANE, ahead),
    ):
        async with Database(url) as database, open_executor(url) as fresh:
            executor = build_executor(Settings(), database)
            executor.now = lambda: NOW
            responses = executor.responses
            assert responses is not None
            await responses.open()
            shared = GraphQLRequest(query)  # a door may keep it for the next one who asks the same
            for _ in range(2):
                for viewer in order:
                    hits = responses.counts.hits
                    response = await executor.execute(shared, actor=Actor(viewer))
                    assert response.body == await execute_as(fresh, viewer, query)
                    assert (response.cached is None) == (viewer is not ANONYMOUS_VIEWER)
                    if viewer is not ANONYMOUS_VIEWER:
                        assert responses.counts.hits == hits
            assert responses.counts.hits == 1  # the public, the second time
            await responses.close()
    await server.drop(url)


async def test_viewers_of_one_sight_share_plans_but_no_rows(server: Server) -> None:
    """Two authors, and two links, by the same text: each their own name, drafts and article."""
    records = random_newsroom(Random(6), articles=30)
    hidden = [
        r for r in records if isinstance(r, ArticleRecord) and not is_public(r) and r.deleted_at is None
    ]
    url = await server.migrated()
    await import_into(url, records)
    named = "{ viewer { name role } articles(first: 100) { nodes { id owner edNote } } }"
    plain = "{ articles(first: 100) { nodes { id owner edNote } } }"
    async with open_executor(url) as answers:
        for _ in range(2):
            for viewer, own in ((JANE, True), (AMIR, False), (replace(JANE, name="Jane's robot"), True)):
                payload = orjson.loads(await execute_as(answers, viewer, named))["data"]
                assert payload["viewer"]["name"] == viewer.name
                assert (
                    payload["articles"]
                    == orjson.loads(await execute_as(answers, viewer, plain))["data"]["articles"]
                )
                expected = {encode_id("article", a.id or 0) for a in hidden if is_janes(a) is own}
                assert (
                    _ids(payload["articles"]) & {encode_id("article", a.id or 0) for a in hidden} == expected
                )
                owners = {node["owner"] for node in payload["articles"]["nodes"]}
                assert owners <= {viewer.account, None}
            for one in hidden[:2]:
                response = _ids(
                    orjson.loads(await execute_as(answers, preview_viewer(one.id or 0), plain))["data"][
                        "articles"
                    ]
                )
                assert response & {encode_id("article", a.id or 0) for a in hidden} == {
                    encode_id("article", one.id or 0)
                }
    await server.drop(url)
