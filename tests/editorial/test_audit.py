"""The audit log: entries, immutability, and cache invalidation by mutations."""

# ruff: noqa: E501 - one GraphQL document per line

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from typing import Any

import asyncpg
import pytest
from tests.conftest import Server
from tests.editorial.test_workflow import create_mutation_targets, dry_run_inputs
from tests.support.editorial_client import (
    ANNA,
    BOB,
    MUTATIONS,
    PUBLIC,
    ROOT,
    EditorialClient,
    mutation_document,
    open_editorial_client,
)
from typer.testing import CliRunner

from contentql.cli import app
from contentql.execution.executor import Executor
from contentql.schema.build import get_catalog
from contentql.store.database import Database

AUDIT_LOG_QUERY = """query($t: String) { auditLog(first: 100, filter: {targetId: {eq: $t}}) { totalCount nodes {
  id occurredAt actorName account role action targetId versionBefore versionAfter reason ipAddress client requestId } } }"""


async def entries(newsroom: EditorialClient, target_id: str) -> list[dict[str, Any]]:
    """The audit entries of one object, the oldest first."""
    data = (await newsroom.query(AUDIT_LOG_QUERY, ROOT, t=target_id))["auditLog"]
    assert data["totalCount"] == len(data["nodes"])
    return list(reversed(data["nodes"]))


async def count_rows(newsroom: EditorialClient, table: str = "audit_entry") -> int:
    return int((await newsroom.table(f"SELECT count(*) FROM {table}"))[0][0])


def deletions_last(mutation: str) -> tuple[bool, bool, bool, str]:
    """Sort key: mutations that delete, merge or change sections come last."""
    return "Category" in mutation, mutation == "mergeSources", mutation.startswith("delete"), mutation


async def test_every_mutation_writes_one_audit_entry(own_newsroom: EditorialClient) -> None:
    """The entry has actor, role, client, target and reason; a dry run writes none."""
    newsroom = own_newsroom
    inputs = dry_run_inputs(await create_mutation_targets(newsroom))
    for mutation in sorted(MUTATIONS, key=deletions_last):
        before = await count_rows(newsroom)
        payload = await newsroom.mutate(mutation, ROOT, **inputs[mutation], validateOnly=True)
        assert await count_rows(newsroom) == before, mutation
        if payload["userErrors"]:  # an earlier mutation has changed the object
            inputs = dry_run_inputs(await create_mutation_targets(newsroom))
            before = await count_rows(newsroom)
        await newsroom.mutate_ok(mutation, ROOT, **inputs[mutation], reason=f"Because of {mutation}")
        assert await count_rows(newsroom) == before + 1, mutation
        fields = "action actorName account role reason ipAddress client requestId targetId"
        query = f"{{ auditLog(first: 1) {{ nodes {{ {fields} }} }} }}"
        (entry,) = (await newsroom.query(query, ROOT))["auditLog"]["nodes"]
        assert entry.pop("requestId")
        assert entry.pop("targetId")
        assert entry == {
            "action": mutation,
            "actorName": "Root",
            "account": "root",
            "role": "ADMIN",
            "reason": f"Because of {mutation}",
            "ipAddress": "192.0.2.7",
            "client": "newsdesk/1",
        }


async def test_mutations_without_effect_write_no_audit_entry(newsroom: EditorialClient) -> None:
    """Repeated idempotency keys, invalid input, unknown ids and missing permissions."""
    id = await newsroom.create_draft()
    await newsroom.mutate_ok("createStory", title="Once", idempotencyKey="audit")
    before = await count_rows(newsroom)
    await newsroom.mutate_ok("createStory", title="Once", idempotencyKey="audit")
    await newsroom.mutate_errors("publishArticle", id=id)
    await newsroom.mutate_errors("updateArticle", id=id, slug="/")
    await newsroom.mutate_errors("updateArticle", id="art_1", headline="x")
    for actor in (BOB, PUBLIC):
        result = await newsroom.execute(mutation_document("publishArticle"), actor, input={"id": id})
        assert result["errors"][0]["extensions"]["code"] in ("FORBIDDEN", "UNAUTHENTICATED")
    assert await count_rows(newsroom) == before


async def test_rejected_mutations_leave_no_audit_entry(newsroom: EditorialClient) -> None:
    """The mutations of one request are executed in order, each with its own entry or none."""
    id = await newsroom.create_draft()
    before = await count_rows(newsroom)
    data = await newsroom.query(
        """mutation($i: ID!) {
          a: updateArticle(input: {id: $i, kicker: "One"}) { userErrors { code } }
          b: publishArticle(input: {id: $i}) { userErrors { code } }
          c: submitArticle(input: {id: $i}) { article { status kicker } userErrors { code } }
        }""",
        ANNA,
        i=id,
    )
    assert data["b"]["userErrors"] == [{"code": "INVALID_TRANSITION"}]
    assert data["c"]["article"] == {"status": "IN_REVIEW", "kicker": "One"}
    assert await count_rows(newsroom) == before + 2


async def test_audit_entries_of_an_article_match_its_revisions(newsroom: EditorialClient) -> None:
    """Each version has one entry with its actor, its reason and the version before."""
    id = await newsroom.create_draft()
    await newsroom.mutate_ok("updateArticle", id=id, headline="Log", reason="A better word")
    for transition in ("submitArticle", "returnArticle", "submitArticle", "approveArticle", "publishArticle"):
        await newsroom.mutate_ok(transition, id=id)
    await newsroom.mutate_ok("updateArticle", id=id, headline="Log again")
    await newsroom.mutate_ok(
        "correctArticle", id=id, kind="CORRECTION", text="x", before="Monday", after="Tuesday"
    )
    await newsroom.republish(id, minor=True)
    for transition, fields in (
        ("withdrawArticle", {"notice": "Wrong."}),
        ("restoreArticle", {}),
        ("deleteArticle", {}),
        ("restoreArticle", {}),
    ):
        await newsroom.mutate_ok(transition, id=id, **fields)
    query = """query($i: ID!) { article(id: $i) {
      version revisions(first: 100) { nodes { version savedBy action reason minor savedAt } } } }"""
    article = (await newsroom.query(query, ANNA, i=id))["article"]
    revisions = list(reversed(article["revisions"]["nodes"]))
    log = await entries(newsroom, id)
    by_version = {revision["version"]: revision for revision in revisions}
    assert [entry["versionAfter"] for entry in log] == sorted(entry["versionAfter"] for entry in log)
    assert log[0]["versionBefore"] is None
    for entry, following in pairwise(log):
        assert following["versionBefore"] == entry["versionAfter"]
    for entry in log:
        revision = by_version[entry["versionAfter"]]
        assert (revision["savedBy"], revision["reason"]) == (entry["actorName"], entry["reason"])
        verb = entry["action"].removesuffix("Article").upper()
        assert revision["action"].startswith(verb[:5]) or verb in ("SUBMIT", "CREATE", "RETURN"), entry
    assert article["version"] == log[-1]["versionAfter"]
    corrected = [entry for entry in log if entry["action"] == "correctArticle"]
    assert len(corrected) == 1
    assert len(revisions) == len(log) + 1, (
        "a correction has a revision of the article and one of its working copy"
    )
    assert [revision["minor"] for revision in revisions].count(True) == 1


@pytest.mark.parametrize("table", ["audit_entry", "revision"])
async def test_stored_rows_are_never_changed(own_newsroom: EditorialClient, table: str) -> None:
    """The database itself rejects every statement that changes, replaces or deletes a row."""
    newsroom = own_newsroom
    await newsroom.mutate_ok("updateArticle", id=await newsroom.create_draft(), headline="Later")
    upsert = f"INSERT INTO {table} SELECT * FROM {table} WHERE true ON CONFLICT (id) DO UPDATE SET by = 'x'"
    statements = [f"UPDATE {table} SET by = 'x'", f"DELETE FROM {table}", upsert]
    if newsroom.server.dialect == "postgres":
        statements.append(f"TRUNCATE {table}")
    else:
        copy = f"INTO {table} SELECT * FROM {table}"
        statements += [f"INSERT OR REPLACE {copy}", f"REPLACE {copy}", f"INSERT OR IGNORE {copy}"]
        statements.append(f"UPDATE OR REPLACE {table} SET id = (SELECT max(id) FROM {table})")
    async with newsroom.unchanged():
        for statement in statements:
            with pytest.raises((sqlite3.IntegrityError, asyncpg.PostgresError), match="append-only"):
                await execute_sql(newsroom, statement)


async def test_revisions_are_not_replaced_by_others_of_their_version(own_newsroom: EditorialClient) -> None:
    """With an id of its own it would be a second row of the same version."""
    newsroom = own_newsroom
    await newsroom.create_draft()
    columns = 'article_id, version, at, account, "by", action, minor, reason, field_texts, record'
    insert = "INSERT OR REPLACE" if newsroom.server.dialect == "sqlite" else "INSERT"
    async with newsroom.unchanged():
        with pytest.raises((sqlite3.IntegrityError, asyncpg.UniqueViolationError)):
            await execute_sql(
                newsroom, f"{insert} INTO revision (id, {columns}) SELECT 1, {columns} FROM revision"
            )


@pytest.mark.parametrize("table", ["audit_entry", "revision"])
async def test_missing_triggers_are_reported_and_recreated(server: Server, table: str) -> None:
    """`check` names the table, `migrate` protects it again."""
    url = await server.migrated()
    database = Database(url)
    assert await database.unprotected_tables() == []
    event = "insert" if server.dialect == "sqlite" else "rows"
    drop = f"DROP TRIGGER {table}_append_only_{event}"
    statements = [drop if server.dialect == "sqlite" else f"{drop} ON {table}"]
    if server.dialect == "postgres":
        statements.append(f"ALTER TABLE {table} DISABLE TRIGGER {table}_append_only_truncate")
    for statement in statements:
        async with database.orm() as connection:
            await connection.execute_query(statement)
        result = await asyncio.to_thread(CliRunner().invoke, app, ["check", "--database", url])
        assert (result.exit_code, table in result.output) == (1, True)
        await database.migrate()
        assert await database.unprotected_tables() == []
    if server.dialect == "postgres":
        async with database.orm() as connection:
            await connection.execute_query(
                "CREATE OR REPLACE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql"
                " AS 'BEGIN RETURN NEW; END'"
            )
        assert await database.unprotected_tables() == ["audit_entry", "revision"]
    await server.drop(url)


async def execute_sql(newsroom: EditorialClient, statement: str) -> None:
    """Executes the statement on a connection of its own."""
    if newsroom.server.dialect == "sqlite":
        with closing(sqlite3.connect(newsroom.url.removeprefix("sqlite:///"))) as connection:
            connection.execute(statement)
            connection.commit()
        return
    connection = await asyncpg.connect(newsroom.url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def test_secrets_are_stored_in_no_table(own_newsroom: EditorialClient) -> None:
    """A token is stored as a hash, a preview link not at all."""
    newsroom = own_newsroom
    token = await newsroom.mutate_ok("createToken", ROOT, name="Machine", role="READER", idempotencyKey="t")
    link = await newsroom.mutate_ok("createPreviewLink", id=await newsroom.create_draft(), idempotencyKey="l")
    await newsroom.mutate_ok("revokeToken", ROOT, id=token["token"]["id"])
    secrets = (token["secret"], link["token"])
    assert [entry["action"] for entry in await entries(newsroom, token["token"]["id"])] == [
        "createToken",
        "revokeToken",
    ]
    for table in await newsroom.rows():
        for row in await newsroom.table(f'SELECT * FROM "{table}"'):
            assert not any(secret in str(row) for secret in secrets), table


async def test_audit_log_is_readable_only_by_administrators(newsroom: EditorialClient) -> None:
    """Other viewers get an error, not an empty list, and cannot read an entry by its id."""
    await newsroom.create_draft()
    (entry, *_) = (await newsroom.query("{ auditLog(first: 1) { nodes { id } } }", ROOT))["auditLog"]["nodes"]
    for actor in (PUBLIC, BOB, ANNA):
        result = await newsroom.execute("{ auditLog(first: 1) { totalCount } }", actor)
        assert result["errors"][0]["extensions"]["code"] in ("FORBIDDEN", "UNAUTHENTICATED")
        assert (await newsroom.query("query($i: ID!) { node(id: $i) { id } }", actor, i=entry["id"]))[
            "node"
        ] is None


# Caching


@pytest.fixture(scope="module")
async def cached_newsroom(server: Server, small_newsroom_url: str) -> AsyncIterator[EditorialClient]:
    """A newsroom with a response cache, as a server has it."""
    async with open_editorial_client(server, template=small_newsroom_url, with_cache=True) as newsroom:
        yield newsroom


PAGES = (
    "{ articles(first: 50) { totalCount nodes { headline slug tags { name } category { path } } } }",
    '{ latestNews(section: "world") { nodes { headline authors { author { name } } leadMedia { alt } } } }',
    "{ categories { nodes { path name articles { totalCount nodes { headline } } } } }",
    "{ sources { nodes { name aliases attributions { totalCount } } } tags { nodes { name articles { totalCount } } } }",
    '{ collection(slug: "front-page") { title items { headline article { headline } } } }',
    "{ stories { nodes { title articles { totalCount } } } authors { nodes { name desk } } }",
    "{ corrections { totalCount nodes { text article { headline } } } mediaItems { nodes { alt url } } }",
    '{ old: article(slug: "fresh") { headline slug } withdrawal(slug: "fresh") { notice } w: article(slug: "fresher") { slug } }',
    '{ a: category(path: "world/asia") { path } b: category(path: "politics/asia") { path name } }',
)


async def test_cached_responses_are_fresh_after_each_mutation(cached_newsroom: EditorialClient) -> None:
    """Every page equals the response of an executor without a cache, directly after the mutation."""
    newsroom = cached_newsroom
    assert newsroom.executor.responses is not None
    uncached_executor = Executor(newsroom.database, get_catalog(), now=newsroom.executor.now)
    uncached = replace(newsroom, executor=uncached_executor)
    steps: list[tuple[str, dict[str, Any]]] = []
    id = await newsroom.create_draft(
        headline="Fresh",
        tags=[{"tag": "tears"}],
        authors=[{"author": "jane-doe"}],
        story="north-korea-russia",
        leadMedia="med_301",
    )
    steps += [
        ("addAttribution", {"article": id, "kind": "SAID", "source": "kctv"}),
        ("submitArticle", {"id": id}),
        ("approveArticle", {"id": id}),
        ("publishArticle", {"id": id}),
        ("pinArticle", {"id": "front-page", "article": id}),
        ("updateArticle", {"id": id, "headline": "Fresher", "slug": "fresher", "tags": []}),
        ("submitArticle", {"id": id}),
        ("approveArticle", {"id": id}),
        ("publishArticle", {"id": id}),
        (
            "correctArticle",
            {"id": id, "kind": "CORRECTION", "text": "x", "before": "Monday", "after": "Tuesday"},
        ),
        ("updateSource", {"id": "kctv", "name": "KCTV"}),
        ("mergeSources", {"into": "sky-news", "sources": ["kctv"]}),
        ("updateTag", {"id": "tears", "name": "Weeping"}),
        ("updateAuthor", {"id": "jane-doe", "desk": "World"}),
        ("updateStory", {"id": "north-korea-russia", "title": "A treaty"}),
        ("updateMedia", {"id": "med_301", "alt": "A flag"}),
        ("updateCollection", {"id": "front-page", "title": "Top"}),
        ("updateCategory", {"id": "politics", "name": "Power"}),
        ("moveCategory", {"id": "world/asia", "parent": "politics"}),
        ("createCategory", {"name": "Africa", "parent": "world"}),
        ("withdrawArticle", {"id": id, "notice": "Wrong."}),
        ("restoreArticle", {"id": id}),
        ("deleteArticle", {"id": id}),
    ]
    changed = set()
    for mutation, input in steps:
        before = [await newsroom.query(page) for page in PAGES]
        row_changes = await count_rows(newsroom, "row_change")
        await newsroom.mutate_ok(mutation, **input)
        assert await count_rows(newsroom, "row_change") > row_changes, mutation
        after = [await newsroom.query(page) for page in PAGES]
        expected = [await uncached.query(page) for page in PAGES]
        assert after == expected, mutation
        if after != before:
            changed.add(mutation)
    assert len(changed) >= 12, "most mutations change one of the pages"
