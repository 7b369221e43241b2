"""The audit log: entries, immutability, and cache invalidation by mutations."""

# ruff: noqa: E501 - documents read best in one line

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from typing import Any

import asyncpg
import pytest
from tests.conftest import Server
from tests.editorial.test_workflow import furnished, rehearsals
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

from contentql.execution.executor import Executor
from contentql.schema.build import get_catalog

LOG = """query($t: String) { auditLog(first: 100, filter: {targetId: {eq: $t}}) { totalCount nodes {
  id occurredAt actorName account role action targetId versionBefore versionAfter reason ipAddress client requestId } } }"""


async def entries(newsroom: EditorialClient, thing: str) -> list[dict[str, Any]]:
    """The log of one thing, the oldest first."""
    data = (await newsroom.query(LOG, ROOT, t=thing))["auditLog"]
    assert data["totalCount"] == len(data["nodes"])
    return list(reversed(data["nodes"]))


async def count(newsroom: EditorialClient, table: str = "audit_entry") -> int:
    return int((await newsroom.table(f"SELECT count(*) FROM {table}"))[0][0])


def last_what_ends(mutation: str) -> tuple[bool, bool, bool, str]:
    return "Category" in mutation, mutation == "mergeSources", mutation.startswith("delete"), mutation


async def test_every_mutation_is_written_down_once(own_desk: EditorialClient) -> None:
    """All that there are: who, as what, from where, to what, why; and of a rehearsal nothing."""
    newsroom = own_desk
    inputs = rehearsals(await furnished(newsroom))
    for mutation in sorted(MUTATIONS, key=last_what_ends):
        before = await count(newsroom)
        tried = await newsroom.mutate(mutation, ROOT, **inputs[mutation], validateOnly=True)
        assert await count(newsroom) == before, mutation
        if tried["userErrors"]:  # what was done so far is in the way
            inputs = rehearsals(await furnished(newsroom))
            before = await count(newsroom)
        await newsroom.mutate_ok(mutation, ROOT, **inputs[mutation], reason=f"Because of {mutation}")
        assert await count(newsroom) == before + 1, mutation
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


async def test_what_is_not_done_is_not_written_down(newsroom: EditorialClient) -> None:
    """Refused for rights, for what was said, for what is not there, or told again by its key."""
    id = await newsroom.create_draft()
    await newsroom.mutate_ok("createStory", title="Once", idempotencyKey="audit")
    before = await count(newsroom)
    await newsroom.mutate_ok("createStory", title="Once", idempotencyKey="audit")
    await newsroom.mutate_errors("publishArticle", id=id)
    await newsroom.mutate_errors("updateArticle", id=id, slug="/")
    await newsroom.mutate_errors("updateArticle", id="art_1", headline="x")
    for who in (BOB, PUBLIC):
        result = await newsroom.execute(mutation_document("publishArticle"), who, input={"id": id})
        assert result["errors"][0]["extensions"]["code"] in ("FORBIDDEN", "UNAUTHENTICATED")
    assert await count(newsroom) == before


async def test_rejected_mutations_leave_no_audit_entry(newsroom: EditorialClient) -> None:
    """Fields of one request are done one after the other, each with its own entry or none."""
    id = await newsroom.create_draft()
    before = await count(newsroom)
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
    assert await count(newsroom) == before + 2


async def test_the_log_of_an_article_is_its_revisions(newsroom: EditorialClient) -> None:
    """One to one: every version once, who made it, and from which to which."""
    id = await newsroom.create_draft()
    await newsroom.mutate_ok("updateArticle", id=id, headline="Log", reason="A better word")
    for move in ("submitArticle", "returnArticle", "submitArticle", "approveArticle", "publishArticle"):
        await newsroom.mutate_ok(move, id=id)
    await newsroom.mutate_ok("updateArticle", id=id, headline="Log again")
    await newsroom.mutate_ok(
        "correctArticle", id=id, kind="CORRECTION", text="x", before="Monday", after="Tuesday"
    )
    await newsroom.republish(id, minor=True)
    for move, more in (
        ("withdrawArticle", {"notice": "Wrong."}),
        ("restoreArticle", {}),
        ("deleteArticle", {}),
        ("restoreArticle", {}),
    ):
        await newsroom.mutate_ok(move, id=id, **more)
    query = """query($i: ID!) { article(id: $i) {
      version revisions(first: 100) { nodes { version savedBy action reason minor savedAt } } } }"""
    article = (await newsroom.query(query, ANNA, i=id))["article"]
    revisions = list(reversed(article["revisions"]["nodes"]))
    log = await entries(newsroom, id)
    existing = {revision["version"]: revision for revision in revisions}
    assert [entry["versionAfter"] for entry in log] == sorted(entry["versionAfter"] for entry in log)
    assert log[0]["versionBefore"] is None
    for entry, following in pairwise(log):
        assert following["versionBefore"] == entry["versionAfter"]
    for entry in log:
        revision = existing[entry["versionAfter"]]
        assert (revision["savedBy"], revision["reason"]) == (entry["actorName"], entry["reason"])
        verb = entry["action"].removesuffix("Article").upper()
        assert revision["action"].startswith(verb[:5]) or verb in ("SUBMIT", "CREATE", "RETURN"), entry
    assert article["version"] == log[-1]["versionAfter"]
    corrected = [entry for entry in log if entry["action"] == "correctArticle"]
    assert len(corrected) == 1
    assert len(revisions) == len(log) + 1, "a correction is of the article and of its open working copy"
    assert [revision["minor"] for revision in revisions].count(True) == 1


async def test_the_database_keeps_the_log(own_desk: EditorialClient) -> None:
    """The database itself rejects every UPDATE or DELETE."""
    newsroom = own_desk
    await newsroom.create_draft()
    statements = ["UPDATE audit_entry SET by = 'nobody'", "DELETE FROM audit_entry"]
    if newsroom.server.dialect == "postgres":
        statements.append("TRUNCATE audit_entry")
    async with newsroom.unchanged():
        for statement in statements:
            with pytest.raises((sqlite3.IntegrityError, asyncpg.PostgresError), match="only ever added to"):
                await forced(newsroom, statement)


async def forced(newsroom: EditorialClient, statement: str) -> None:
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


async def test_no_secret_is_in_the_log(own_desk: EditorialClient) -> None:
    """Neither in it nor in any other table: of a token there is a hash, of a link nothing."""
    newsroom = own_desk
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


async def test_only_administrators_read_the_log(newsroom: EditorialClient) -> None:
    """For all others it is refused, not empty; and its entries cannot be had by id."""
    await newsroom.create_draft()
    (entry, *_) = (await newsroom.query("{ auditLog(first: 1) { nodes { id } } }", ROOT))["auditLog"]["nodes"]
    for who in (PUBLIC, BOB, ANNA):
        result = await newsroom.execute("{ auditLog(first: 1) { totalCount } }", who)
        assert result["errors"][0]["extensions"]["code"] in ("FORBIDDEN", "UNAUTHENTICATED")
        assert (await newsroom.query("query($i: ID!) { node(id: $i) { id } }", who, i=entry["id"]))[
            "node"
        ] is None


# What is remembered


@pytest.fixture(scope="module")
async def remembering(server: Server, small_url: str) -> AsyncIterator[EditorialClient]:
    """A desk whose answers are remembered, as a server's are."""
    async with open_editorial_client(server, template=small_url, followed=True) as newsroom:
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


async def test_an_answer_is_fresh_right_after_each_mutation(remembering: EditorialClient) -> None:
    """Every page that was remembered says what a question without memory says, as soon as the write is answered."""
    newsroom = remembering
    assert newsroom.executor.responses is not None
    forgetful = Executor(newsroom.database, get_catalog(), now=newsroom.executor.now)
    fresh = replace(newsroom, executor=forgetful)
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
    seen = set()
    for mutation, value in steps:
        remembered = [await newsroom.query(page) for page in PAGES]
        lines = await count(newsroom, "row_change")
        await newsroom.mutate_ok(mutation, **value)
        assert await count(newsroom, "row_change") > lines, mutation
        now = [await newsroom.query(page) for page in PAGES]
        computed = [await fresh.query(page) for page in PAGES]
        assert now == computed, mutation
        if now != remembered:
            seen.add(mutation)
    assert len(seen) >= 12, "the pages are worth something"
