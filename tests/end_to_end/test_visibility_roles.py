"""Visibility and permissions per role: hidden content changes no response, denied mutations no row."""

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
from tests.end_to_end.test_visibility import make_pool
from tests.support.noninterference import (
    AMIR,
    CHIEF,
    HOUR,
    JANE,
    SECRET,
    VIEWER_CASES,
    DatabasePair,
    execute_as,
    import_into,
    input_type_of,
    is_owned_by_jane,
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
from tests.support.random_documents import Pool, RandomDocuments, without_sync_tokens

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

NODES_QUERY = """query Q($ids: [ID!]!) { nodes(ids: $ids) { __typename id
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
SINGLE_FIELDS = (
    'category(path: "world/asia/east") { id path articles { totalCount } }',
    'category(path: "far-east") { id }',
    "viewer { name role accessDescription permissions }",
    'withdrawal(id: "art_1") { __typename }',
)


@pytest.mark.parametrize("name", VIEWER_CASES)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.generate],  # a smaller seed does not make a smaller newsroom
    suppress_health_check=list(HealthCheck),
)
@given(seed=st.integers(0, 1 << 32))
async def test_hidden_content_does_not_change_responses_of_any_viewer(
    server: Server, name: str, seed: int
) -> None:
    """Lists, counts, cursors, nodes, searches, revisions and logs are those without hidden content."""
    async with open_database_pair(server, name, seed) as pair:
        assert pair.hidden
        random_documents = RandomDocuments(
            get_schema()._schema,
            _make_pool(pair),
            Random(seed),
            excluded_roots=frozenset(("deletedArticles",)),  # lists a part of the hidden content
        )
        for viewer in pair.case.viewers:
            for start in range(0, len(pair.ids), 60):
                await _assert_same_response(pair, viewer, NODES_QUERY, {"ids": pair.ids[start : start + 60]})
            await _assert_same_response(pair, viewer, _lists_query("first: 100"))
            await _assert_same_response(pair, viewer, _lists_query("first: 2"))
            await _assert_same_response(pair, viewer, _lists_query("last: 2"))
            await _assert_same_response(pair, viewer, _slugs_query(pair.names))
            for _ in range(DOCUMENTS):
                document = random_documents.document()
                await _assert_same_response(pair, viewer, document.text, document.variables)


async def _assert_same_response(
    pair: DatabasePair, viewer: Viewer, query: str, variables: Any = None
) -> None:
    """Both newsrooms return the same response to the viewer."""
    expected = await execute_as(pair.visible_only, viewer, query, variables)
    actual = await execute_as(pair.everything, viewer, query, variables)
    assert without_sync_tokens(actual) == without_sync_tokens(expected), (viewer, query, variables)


def _lists_query(size: str) -> str:
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


def _slugs_query(slugs: list[str]) -> str:
    fields = [f'a{n}: article(slug: "{slug}") {{ id slug headline }}' for n, slug in enumerate(slugs)]
    fields += [f'w{n}: withdrawal(slug: "{slug}") {{ id notice }}' for n, slug in enumerate(slugs)]
    fields += [f"n{n}: {value}" for n, value in enumerate(SINGLE_FIELDS)]
    return f"{{ {' '.join(fields)} }}"


def _make_pool(pair: DatabasePair) -> Pool:
    """Every id, slug and word of the whole newsroom, with a higher weight for hidden ones."""
    base = make_pool(pair.records)
    accounts = ["jane", "amir", "zoe", "chief"]
    texts = {
        **base.texts,
        "slug": [*base.texts["slug"], *pair.names],
        "account": accounts,
        "action": ["createArticle", "deleteArticle"],
        "targetId": pair.hidden,
    }
    return Pool([*base.ids, *pair.hidden, *pair.hidden], texts, (*WORDS, SECRET, "note"))


async def test_hidden_content_is_visible_to_permitted_viewers(server: Server) -> None:
    """The same queries return it to a viewer with the permission."""
    async with open_database_pair(server, "author", 4) as pair:
        for query, variables in (
            (_lists_query("first: 100"), None),
            (NODES_QUERY, {"ids": pair.hidden[:60]}),
        ):
            expected = await execute_as(pair.visible_only, CHIEF, query, variables)
            assert await execute_as(pair.everything, CHIEF, query, variables) != expected
        assert SECRET.encode() in await execute_as(
            pair.everything, CHIEF, NODES_QUERY, {"ids": pair.hidden[:60]}
        )
        assert {id.partition("_")[0] for id in pair.hidden} >= {"art", "att", "rev", "aud", "tok"}


@pytest.mark.parametrize("preview_at", [NOW + 2 * HOUR, NOW - 60 * HOUR], ids=["ahead", "back"])
async def test_preview_time_shows_no_hidden_articles_of_others(server: Server, preview_at: Any) -> None:
    """It applies to own and shared articles; articles of others must be public now."""
    records = random_newsroom(Random(9), articles=40)
    articles = [r for r in records if isinstance(r, ArticleRecord)]
    shared = next(
        a for a in articles if not is_public(a) and a.deleted_at is None and not is_owned_by_jane(a)
    )
    url = await server.migrated()
    await import_into(url, records)
    query = "{ articles(first: 100) { nodes { id } } mediaItems(first: 100) { nodes { id } } }"
    async with open_executor(url) as executor:
        public = orjson.loads(await execute_as(executor, ANONYMOUS_VIEWER, query))["data"]
        for viewer, own_ids in (
            (JANE, {a.id for a in articles if is_owned_by_jane(a)}),
            (preview_viewer(shared.id or 0), {shared.id}),
        ):
            payload = orjson.loads(await execute_as(executor, replace(viewer, preview_at=preview_at), query))[
                "data"
            ]
            others = _ids(payload["articles"]) - {encode_id("article", id or 0) for id in own_ids}
            assert others <= _ids(public["articles"])
            if viewer is not JANE:  # Jane sees all media
                shared_media = {encode_id("media", n or 0) for n in _media_ids(shared)}
                assert _ids(payload["mediaItems"]) - shared_media <= _ids(public["mediaItems"])
        reader = replace(make_viewer(Role.READER), preview_at=preview_at)
        assert orjson.loads(await execute_as(executor, reader, query))["data"] == public
        scheduled = [
            a
            for a in articles
            if is_owned_by_jane(a) and a.published_at and NOW < a.published_at <= NOW + HOUR
        ]
        assert scheduled, "Jane has no scheduled article"
        visible_ids = _ids(
            orjson.loads(await execute_as(executor, replace(JANE, preview_at=preview_at), query))["data"][
                "articles"
            ]
        )
        assert {encode_id("article", a.id or 0) in visible_ids for a in scheduled} == {preview_at > NOW}
    await server.drop(url)


def _ids(page: Any) -> set[str]:
    return {node["id"] for node in page["nodes"]}


def _media_ids(article: ArticleRecord) -> list[Any]:
    return [article.lead_media, *(placed.media for placed in article.media)]


async def test_revisions_of_deleted_articles_are_not_visible(server: Server) -> None:
    """Neither to the author nor to viewers of all drafts."""
    url = await server.migrated()
    await import_into(url, random_newsroom(Random(2), articles=3))
    async with open_executor(url) as executor:
        draft = await mutate_as(executor, JANE, "createArticle", {"headline": SECRET, "category": "world"})
        rows = await executor.database.rows("SELECT id FROM revision ORDER BY id")
        query = f'{{ node(id: "{encode_id("revision", rows[-1][0])}") {{ id }} }}'
        assert b"rev_" in await execute_as(executor, JANE, query)
        await mutate_as(executor, CHIEF, "deleteArticle", {"id": draft})
        for viewer in (JANE, AMIR, make_viewer(Role.EDITOR), CHIEF):
            assert await execute_as(executor, viewer, query) == b'{"data":{"node":null}}'
    await server.drop(url)


async def test_updated_relays_stay_in_their_chain(server: Server) -> None:
    """Holds for a relay that is updated twice."""
    url = await server.migrated()
    await import_into(url, random_newsroom(Random(2), articles=3))
    async with open_executor(url) as executor:
        draft = await mutate_as(executor, JANE, "createArticle", {"headline": SECRET, "category": "world"})
        for slug in ("first", "second", "third"):
            await mutate_as(executor, JANE, "createSource", {"name": slug, "kind": "PERSON"})
        via = {"kind": "CITING", "source": "second", "via": {"kind": "CITING", "source": "third"}}
        fields = {"article": draft, "kind": "SAID", "source": "first", "via": via}
        head = await mutate_as(executor, JANE, "addAttribution", fields)
        query = f'{{ attribution(id: "{head}") {{ chain {{ id source {{ slug }} via {{ id }} }} }} }}'
        for claim in ("One", "Another"):
            chain = orjson.loads(await execute_as(executor, JANE, query))["data"]["attribution"]["chain"]
            assert [hop["source"]["slug"] for hop in chain] == ["first", "second", "third"]
            assert [hop["via"] and hop["via"]["id"] for hop in chain] == [
                chain[1]["id"],
                chain[2]["id"],
                None,
            ]
            await mutate_as(executor, JANE, "updateAttribution", {"id": chain[2]["id"], "claim": claim})
        chain = orjson.loads(await execute_as(executor, JANE, query))["data"]["attribution"]["chain"]
        assert [hop["via"] and hop["via"]["id"] for hop in chain] == [chain[1]["id"], chain[2]["id"], None]
    await server.drop(url)


async def test_relations_of_an_article_lead_to_its_working_copy(server: Server) -> None:
    """With a preview link, collections and translations show the working copy."""
    url = await server.migrated()
    query = "{ collections { nodes { articles { nodes { headline translations { headline } } } } } }"
    async with open_executor(url) as executor:
        await mutate_as(executor, CHIEF, "createCategory", {"name": "World"})
        required = {"category": "world", "body": {"text": "x"}}
        first = await mutate_as(executor, CHIEF, "createArticle", {"headline": "Tide", **required})
        await _publish(executor, first)
        await mutate_as(
            executor, CHIEF, "createCollection", {"title": "Front", "items": [{"article": first}]}
        )
        await mutate_as(executor, CHIEF, "updateArticle", {"id": first, "headline": "High tide"})
        translation = {"headline": "Flut", "language": "de", "translationOf": first}
        await _publish(
            executor, await mutate_as(executor, CHIEF, "createArticle", {**translation, **required})
        )
        viewer = preview_viewer(int(first.removeprefix("art_")))
        collections = orjson.loads(await execute_as(executor, viewer, query))["data"]["collections"]["nodes"]
        visible = {"headline": "High tide", "translations": [{"headline": "Flut"}]}
        assert collections == [{"articles": {"nodes": [visible]}}]
        await _publish(executor, first)
        assert (
            orjson.loads(await execute_as(executor, ANONYMOUS_VIEWER, query))["data"]["collections"]["nodes"]
            == collections
        )
    await server.drop(url)


async def _publish(executor: Executor, article: str) -> None:
    """Submits, approves and publishes the article."""
    for step in ("submitArticle", "approveArticle", "publishArticle"):
        await mutate_as(executor, CHIEF, step, {"id": article})


# Mutations with hidden ids


ARTICLE_MUTATIONS: dict[str, dict[str, Any]] = {
    "updateArticle": {"headline": "Mine"},
    "submitArticle": {},
    "deleteArticle": {},
    "discardWorkingCopy": {},
    "restoreRevision": {"version": 1},
    "createPreviewLink": {},
    "reorderAttributions": {"attributions": []},
}
ATTRIBUTION_MUTATIONS: dict[str, dict[str, Any]] = {
    "updateAttribution": {"claim": "Mine"},
    "acceptAttribution": {},
    "rejectAttribution": {},
    "deleteAttribution": {},
}
UNKNOWN_ID = 4_242_424_242_424_242


async def test_mutations_report_hidden_objects_like_missing_ones(server: Server) -> None:
    """Every mutation with a hidden id has the response for an unknown id, and changes no row."""
    async with open_database_pair(server, "author", 11) as pair:
        first_own = await mutate_as(
            pair.visible_only, JANE, "createArticle", {"headline": "Mine", "category": "world"}
        )
        second_own = await mutate_as(
            pair.everything, JANE, "createArticle", {"headline": "Mine", "category": "world"}
        )
        before = await tables_of(pair.visible_only), await tables_of(pair.everything)
        cases_to_send: list[tuple[str, dict[str, Any]]] = []
        for hidden in (*_ids_of_kind(pair.hidden, "art", 7), *_ids_of_kind(pair.hidden, "att", 9)):
            kind, _, _ = hidden.partition("_")
            cases = {"art": ARTICLE_MUTATIONS, "att": ATTRIBUTION_MUTATIONS}.get(kind, {})
            for name, fields in cases.items():
                cases_to_send.append((name, {"id": hidden, **fields}))
                cases_to_send.append((name, {"id": hidden, "ifVersion": 1, "validateOnly": True, **fields}))
            if kind == "art":
                cases_to_send.append(("addAttribution", {"article": hidden, "kind": "REPORTED_BY"}))
                cases_to_send.append(("addLiveEntry", {"article": hidden, "body": {"text": "Mine"}}))
                for reference in ({"related": [hidden]}, {"translationOf": hidden}):
                    cases_to_send.append(("updateArticle", {"id": "OWN", **reference}))
                    cases_to_send.append(("createArticle", {"headline": "Mine", **reference}))
            if kind == "att":
                cases_to_send.append(("reorderAttributions", {"id": "OWN", "attributions": [hidden]}))
        for name, value in cases_to_send:
            if name == "createPreviewLink":
                value.pop("ifVersion", None)
            text = orjson.dumps(value).decode()
            hidden = next(id for id in pair.hidden if f'"{id}"' in text)
            unknown = f"{hidden.partition('_')[0]}_{UNKNOWN_ID}"
            result = await _rejected_response(pair.everything, name, text.replace("OWN", second_own))
            response_for_unknown = await _rejected_response(
                pair.everything, name, text.replace("OWN", second_own).replace(hidden, unknown)
            )
            assert result == response_for_unknown.replace(unknown, hidden), (name, value)
            assert result == await _rejected_response(
                pair.visible_only, name, text.replace("OWN", first_own)
            ), (
                name,
                value,
            )
        assert (
            await tables_of(pair.visible_only),
            await tables_of(pair.everything),
        ) == before
        assert len(cases_to_send) > 100


def _ids_of_kind(ids: list[str], kind: str, max_count: int) -> list[str]:
    """At most `max_count` ids of a type, evenly from the oldest to the newest."""
    matching = [id for id in ids if id.startswith(f"{kind}_")]
    return matching[:: max(1, len(matching) // max_count)][-max_count:]


async def _rejected_response(executor: Executor, name: str, text: str) -> str:
    """The response to Jane, which must have an error code."""
    response = (
        await execute_as(executor, JANE, mutation_document(name), {"input": orjson.loads(text)})
    ).decode()
    assert '"code":' in response, (name, text, response)
    return response


async def test_mutation_tables_cover_every_mutation_of_an_author_by_id(server: Server) -> None:
    permitted = {name for name in mutations() if REQUIRED_PERMISSIONS[name] in ROLE_PERMISSIONS[Role.AUTHOR]}
    # Links of hidden articles: tests/editorial/test_rights.py; entries: tests/editorial/test_live_entries.py.
    entries = {f"{verb}LiveEntry" for verb in ("add", "edit", "pin", "remove", "restore")}
    covered = {*ARTICLE_MUTATIONS, *ATTRIBUTION_MUTATIONS, *entries, "addAttribution", "revokePreviewLink"}
    assert {name for name in permitted if {"id", "article"} & input_type_of(name).fields.keys()} == covered


async def test_unavailable_slugs_have_the_same_error_whatever_has_them(server: Server) -> None:
    """A public or hidden article, a working copy, or an article of the same author."""
    url = await server.migrated()
    await import_into(url, random_newsroom(Random(2), articles=3))
    async with open_executor(url) as executor:
        for word in ("public", "hidden", "copied", "own"):
            viewer = JANE if word == "own" else AMIR
            draft = {"headline": f"The {word} plan", "category": "world", "body": {"text": "x"}}
            id = await mutate_as(executor, viewer, "createArticle", draft)
            if word in ("public", "copied"):
                await _publish(executor, id)
            if word == "copied":
                await mutate_as(executor, CHIEF, "updateArticle", {"id": id, "slug": "the-copy"})
        own_id = await mutate_as(executor, JANE, "createArticle", {"headline": "Another"})
        slugs = ["the-public-plan", "the-hidden-plan", "the-copy", "the-own-plan"]
        for slug in slugs:
            expected = {
                "code": "TAKEN",
                "message": f"The slug '{slug}' is not available.",
                "field": ["slug"],
                "hint": f"Use '{slug}-2', which is free.",
            }
            for name, fields in (
                ("createArticle", {"headline": "Mine", "slug": slug}),
                ("createArticle", {"headline": "Mine", "slug": slug, "validateOnly": True}),
                ("createArticle", {"headline": "Mine", "slug": slug, "idempotencyKey": slug}),
                ("updateArticle", {"id": own_id, "slug": slug}),
            ):
                response = orjson.loads(
                    await execute_as(executor, JANE, mutation_document(name), {"input": fields})
                )
                assert response["data"][name]["userErrors"] == [expected], (name, slug)
            query = f'{{ article(slug: "{slug}") {{ id }} }}'
            visible = orjson.loads(await execute_as(executor, JANE, query))["data"]["article"] is not None
            assert visible == (slug in ("the-public-plan", "the-own-plan")), slug
        new_id = await mutate_as(executor, JANE, "createArticle", {"headline": "The hidden plan"})
        query = f'{{ article(id: "{new_id}") {{ slug }} }}'
        assert b'"the-hidden-plan-2"' in await execute_as(executor, JANE, query)
    await server.drop(url)


# Permissions

REQUIRED_PERMISSIONS: dict[str, Permission] = {
    **dict.fromkeys(
        [
            "createArticle", "updateArticle", "submitArticle", "deleteArticle", "restoreRevision",
            "discardWorkingCopy",
            "addAttribution", "updateAttribution", "acceptAttribution", "rejectAttribution",
            "deleteAttribution", "reorderAttributions",
        ],
        Permission.EDIT_OWN,
    ),
    **dict.fromkeys(
        ["addLiveEntry", "editLiveEntry", "pinLiveEntry", "removeLiveEntry", "restoreLiveEntry"],
        Permission.LIVE_BLOG,
    ),
    "changeOwner": Permission.EDIT_ALL,
    **dict.fromkeys(["createPreviewLink", "revokePreviewLink"], Permission.CREATE_PREVIEW_LINKS),
    **dict.fromkeys(["returnArticle", "approveArticle"], Permission.REVIEW),
    **dict.fromkeys(
        [
            "scheduleArticle", "publishArticle", "unpublishArticle", "withdrawArticle", "correctArticle",
            "cancelScheduledChange", "archiveArticle", "restoreArticle", "updateWithdrawal",
            "updateCorrection", "deleteCorrection",
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
            "createRedirect", "deleteRedirect",
        ],
        Permission.MANAGE_TAXONOMY,
    ),
    **dict.fromkeys(
        [
            "createToken", "revokeToken", "purgeArticle", "createWebhook", "updateWebhook",
            "rotateWebhookSecret", "deleteWebhook", "testWebhook", "replayWebhookDeliveries",
        ],
        Permission.ADMIN,
    ),
}  # fmt: skip


def test_mutations_require_the_listed_permission() -> None:
    """The table above lists every mutation."""
    plans: Any = get_catalog().types["Mutation"].fields
    assert {name: Permission(plans[name].permission) for name in mutations()} == REQUIRED_PERMISSIONS


async def test_mutations_are_permitted_only_to_roles_with_the_permission(server: Server) -> None:
    """UNAUTHENTICATED without a token, FORBIDDEN without the permission."""
    url = await server.migrated()
    await import_into(url, random_newsroom(Random(2), articles=3))
    async with open_executor(url) as executor:
        before = await tables_of(executor)
        viewers = [ANONYMOUS_VIEWER, preview_viewer(1), *(make_viewer(role) for role in Role)]
        for name in mutations():
            fields = {**_minimal_input(input_type_of(name)), "validateOnly": True}
            for viewer in viewers:
                response = await execute_as(executor, viewer, mutation_document(name), {"input": fields})
                is_permitted = (
                    viewer is not ANONYMOUS_VIEWER
                    and REQUIRED_PERMISSIONS[name] in ROLE_PERMISSIONS[viewer.role]
                )
                code = (
                    None if is_permitted else "UNAUTHENTICATED" if viewer is ANONYMOUS_VIEWER else "FORBIDDEN"
                )
                assert _error_code(response) == code, (name, viewer, response)
        assert await tables_of(executor) == before
    await server.drop(url)


def _minimal_input(type_: GraphQLInputObjectType) -> dict[str, Any]:
    """Values for all required fields."""
    return {
        name: _value(field.type) for name, field in type_.fields.items() if is_required_input_field(field)
    }


def _value(type_: Any) -> Any:
    type_ = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
    if isinstance(type_, GraphQLInputObjectType) and type_.is_one_of:
        name, field = next(iter(type_.fields.items()))
        return {name: _value(field.type)}
    if isinstance(type_, GraphQLList):
        return []
    if isinstance(type_, GraphQLInputObjectType):
        return _minimal_input(type_)
    if isinstance(type_, GraphQLEnumType):
        return next(iter(type_.values))
    type_name = get_named_type(type_).name
    return {"Int": 1, "DateTime": "2099-01-01T00:00:00Z", "ID": "art_1"}.get(type_name, "x")


def _error_code(response: bytes) -> str | None:
    errors: list[dict[str, Any]] = orjson.loads(response).get("errors") or [{"extensions": {"code": None}}]
    code: str | None = errors[0]["extensions"]["code"]
    return code


async def test_requests_with_a_forbidden_field_execute_nothing(server: Server) -> None:
    """Scopes do not grant permissions that they leave out."""
    url = await server.migrated()
    await import_into(url, random_newsroom(Random(2), articles=3))
    two_mutations = """mutation { createArticle(input: {headline: "x"}) { article { id } }
        createToken(input: {name: "x", role: ADMIN}) { secret } }"""
    one_mutation = '{ createArticle(input: {headline: "x"}) { article { id } } }'
    scoped = replace(CHIEF, permissions=frozenset({Permission.READ_ALL_DRAFTS}))
    async with open_executor(url) as executor:
        before = await tables_of(executor)
        assert (
            _error_code(await execute_as(executor, make_viewer(Role.PUBLISHER), two_mutations)) == "FORBIDDEN"
        )
        assert _error_code(await execute_as(executor, scoped, f"mutation {one_mutation}")) == "FORBIDDEN"
        assert _error_code(await execute_as(executor, scoped, "{ tokens { totalCount } }")) == "FORBIDDEN"
        assert await tables_of(executor) == before
    await server.drop(url)


# Caching


async def test_cached_responses_are_not_shared_between_viewers(server: Server) -> None:
    """Viewers get their own responses in any order, and only public responses are cached."""
    url = await server.migrated()
    await import_into(url, random_newsroom(Random(3)))
    query = "{ articles(first: 100) { totalCount nodes { id headline edNote status } } }"
    editor, reader = make_viewer(Role.EDITOR), make_viewer(Role.READER)
    previewing = replace(editor, preview_at=NOW + HOUR)
    for order in (
        (editor, reader, JANE, ANONYMOUS_VIEWER, previewing),
        (ANONYMOUS_VIEWER, reader, editor, JANE, previewing),
    ):
        async with Database(url) as database, open_executor(url) as uncached:
            executor = build_executor(Settings(), database)
            executor.now = lambda: NOW
            responses = executor.responses
            assert responses is not None
            await responses.open()
            shared = GraphQLRequest(query)  # endpoints may reuse the object for equal requests
            for _ in range(2):
                for viewer in order:
                    hits = responses.counts.hits
                    response = await executor.execute(shared, actor=Actor(viewer))
                    assert response.body == await execute_as(uncached, viewer, query)
                    assert (response.cached is None) == (viewer is not ANONYMOUS_VIEWER)
                    if viewer is not ANONYMOUS_VIEWER:
                        assert responses.counts.hits == hits
            assert responses.counts.hits == 1  # the second anonymous request
            await responses.close()
    await server.drop(url)


async def test_viewers_with_the_same_visibility_share_plans_but_no_rows(server: Server) -> None:
    """Two authors, and two preview links, send equal documents and get their own rows."""
    records = random_newsroom(Random(6), articles=30)
    hidden = [
        r for r in records if isinstance(r, ArticleRecord) and not is_public(r) and r.deleted_at is None
    ]
    url = await server.migrated()
    await import_into(url, records)
    with_viewer = "{ viewer { name role } articles(first: 100) { nodes { id owner edNote } } }"
    plain = "{ articles(first: 100) { nodes { id owner edNote } } }"
    async with open_executor(url) as executor:
        for _ in range(2):
            for viewer, is_jane in ((JANE, True), (AMIR, False), (replace(JANE, name="Jane's robot"), True)):
                payload = orjson.loads(await execute_as(executor, viewer, with_viewer))["data"]
                assert payload["viewer"]["name"] == viewer.name
                assert (
                    payload["articles"]
                    == orjson.loads(await execute_as(executor, viewer, plain))["data"]["articles"]
                )
                expected = {encode_id("article", a.id or 0) for a in hidden if is_owned_by_jane(a) is is_jane}
                assert (
                    _ids(payload["articles"]) & {encode_id("article", a.id or 0) for a in hidden} == expected
                )
                owners = {node["owner"] for node in payload["articles"]["nodes"]}
                assert owners <= {viewer.account, None}
            for shared in hidden[:2]:
                response = _ids(
                    orjson.loads(await execute_as(executor, preview_viewer(shared.id or 0), plain))["data"][
                        "articles"
                    ]
                )
                assert response & {encode_id("article", a.id or 0) for a in hidden} == {
                    encode_id("article", shared.id or 0)
                }
    await server.drop(url)
