"""What is done is written down, once and for good; and whoever reads is told of it at once."""

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
from tests.support.editorial_client import ANNA, BOB, MUTATIONS, PUBLIC, ROOT, Newsdesk, document, newsdesk

from contentql.execution.executor import Executor
from contentql.schema.build import get_catalog

LOG = """query($t: String) { auditLog(first: 100, filter: {thing: {eq: $t}}) { totalCount nodes {
  id at by account role action thing versionBefore versionAfter reason address client requestId } } }"""


async def entries(desk: Newsdesk, thing: str) -> list[dict[str, Any]]:
    """The log of one thing, the oldest first."""
    found = (await desk.asks(LOG, ROOT, t=thing))["auditLog"]
    assert found["totalCount"] == len(found["nodes"])
    return list(reversed(found["nodes"]))


async def count(desk: Newsdesk, table: str = "audit_entry") -> int:
    return int((await desk.table(f"SELECT count(*) FROM {table}"))[0][0])


def last_what_ends(mutation: str) -> tuple[bool, bool, bool, str]:
    return "Category" in mutation, mutation == "mergeSources", mutation.startswith("delete"), mutation


async def test_every_mutation_is_written_down_once(own_desk: Newsdesk) -> None:
    """All that there are: who, as what, from where, to what, why; and of a rehearsal nothing."""
    desk = own_desk
    inputs = rehearsals(await furnished(desk))
    for mutation in sorted(MUTATIONS, key=last_what_ends):
        before = await count(desk)
        tried = await desk.tries(mutation, ROOT, **inputs[mutation], validateOnly=True)
        assert await count(desk) == before, mutation
        if tried["userErrors"]:  # what was done so far is in the way
            inputs = rehearsals(await furnished(desk))
            before = await count(desk)
        await desk.does(mutation, ROOT, **inputs[mutation], reason=f"Because of {mutation}")
        assert await count(desk) == before + 1, mutation
        query = "{ auditLog(first: 1) { nodes { action by account role reason address client requestId thing } } }"
        (entry,) = (await desk.asks(query, ROOT))["auditLog"]["nodes"]
        assert entry.pop("requestId")
        assert entry.pop("thing")
        assert entry == {
            "action": mutation,
            "by": "Root",
            "account": "root",
            "role": "ADMIN",
            "reason": f"Because of {mutation}",
            "address": "192.0.2.7",
            "client": "newsdesk/1",
        }


async def test_what_is_not_done_is_not_written_down(desk: Newsdesk) -> None:
    """Refused for rights, for what was said, for what is not there, or told again by its key."""
    id = await desk.draft()
    await desk.does("createStory", title="Once", idempotencyKey="audit")
    before = await count(desk)
    await desk.does("createStory", title="Once", idempotencyKey="audit")
    await desk.refused("publishArticle", id=id)
    await desk.refused("updateArticle", id=id, slug="/")
    await desk.refused("updateArticle", id="art_1", headline="x")
    for who in (BOB, PUBLIC):
        said = await desk.says(document("publishArticle"), who, input={"id": id})
        assert said["errors"][0]["extensions"]["code"] in ("FORBIDDEN", "UNAUTHENTICATED")
    assert await count(desk) == before


async def test_of_several_mutations_the_refused_one_leaves_no_trace(desk: Newsdesk) -> None:
    """Fields of one request are done one after the other, each with its own entry or none."""
    id = await desk.draft()
    before = await count(desk)
    said = await desk.asks(
        """mutation($i: ID!) {
          a: updateArticle(input: {id: $i, kicker: "One"}) { userErrors { code } }
          b: publishArticle(input: {id: $i}) { userErrors { code } }
          c: submitArticle(input: {id: $i}) { article { status kicker } userErrors { code } }
        }""",
        ANNA,
        i=id,
    )
    assert said["b"]["userErrors"] == [{"code": "INVALID_TRANSITION"}]
    assert said["c"]["article"] == {"status": "IN_REVIEW", "kicker": "One"}
    assert await count(desk) == before + 2


async def test_the_log_of_an_article_is_its_revisions(desk: Newsdesk) -> None:
    """One to one: every version once, who made it, and from which to which."""
    id = await desk.draft()
    await desk.does("updateArticle", id=id, headline="Log", reason="A better word")
    for move in ("submitArticle", "returnArticle", "submitArticle", "approveArticle", "publishArticle"):
        await desk.does(move, id=id)
    await desk.does("updateArticle", id=id, headline="Log again")
    await desk.does("correctArticle", id=id, kind="CORRECTION", text="x", before="Monday", after="Tuesday")
    await desk.again(id, minor=True)
    for move, more in (
        ("withdrawArticle", {"notice": "Wrong."}),
        ("restoreArticle", {}),
        ("deleteArticle", {}),
        ("restoreArticle", {}),
    ):
        await desk.does(move, id=id, **more)
    query = """query($i: ID!) { article(id: $i) {
      version revisions(first: 100) { nodes { version by action reason minor at } } } }"""
    article = (await desk.asks(query, ANNA, i=id))["article"]
    revisions = list(reversed(article["revisions"]["nodes"]))
    log = await entries(desk, id)
    known = {revision["version"]: revision for revision in revisions}
    assert [entry["versionAfter"] for entry in log] == sorted(entry["versionAfter"] for entry in log)
    assert log[0]["versionBefore"] is None
    for entry, following in pairwise(log):
        assert following["versionBefore"] == entry["versionAfter"]
    for entry in log:
        revision = known[entry["versionAfter"]]
        assert (revision["by"], revision["reason"]) == (entry["by"], entry["reason"])
        verb = entry["action"].removesuffix("Article").upper()
        assert revision["action"].startswith(verb[:5]) or verb in ("SUBMIT", "CREATE", "RETURN"), entry
    assert article["version"] == log[-1]["versionAfter"]
    corrected = [entry for entry in log if entry["action"] == "correctArticle"]
    assert len(corrected) == 1
    assert len(revisions) == len(log) + 1, "a correction is of the article and of its open working copy"
    assert [revision["minor"] for revision in revisions].count(True) == 1


async def test_the_database_keeps_the_log(own_desk: Newsdesk) -> None:
    """An UPDATE or DELETE is refused by the database itself, whoever sends it."""
    desk = own_desk
    await desk.draft()
    statements = ["UPDATE audit_entry SET by = 'nobody'", "DELETE FROM audit_entry"]
    if desk.server.dialect == "postgres":
        statements.append("TRUNCATE audit_entry")
    async with desk.unchanged():
        for statement in statements:
            with pytest.raises((sqlite3.IntegrityError, asyncpg.PostgresError), match="only ever added to"):
                await forced(desk, statement)


async def forced(desk: Newsdesk, statement: str) -> None:
    if desk.server.dialect == "sqlite":
        with closing(sqlite3.connect(desk.url.removeprefix("sqlite:///"))) as connection:
            connection.execute(statement)
            connection.commit()
        return
    connection = await asyncpg.connect(desk.url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def test_no_secret_is_in_the_log(own_desk: Newsdesk) -> None:
    """Neither in it nor in any other table: of a token there is a hash, of a link nothing."""
    desk = own_desk
    token = await desk.does("createToken", ROOT, name="Machine", role="READER", idempotencyKey="t")
    link = await desk.does("createPreviewLink", id=await desk.draft(), idempotencyKey="l")
    await desk.does("revokeToken", ROOT, id=token["token"]["id"])
    secrets = (token["secret"], link["token"])
    assert [entry["action"] for entry in await entries(desk, token["token"]["id"])] == [
        "createToken",
        "revokeToken",
    ]
    for table in await desk.rows():
        for row in await desk.table(f'SELECT * FROM "{table}"'):
            assert not any(secret in str(row) for secret in secrets), table


async def test_only_administrators_read_the_log(desk: Newsdesk) -> None:
    """For all others it is refused, not empty; and its entries cannot be had by id."""
    await desk.draft()
    (entry, *_) = (await desk.asks("{ auditLog(first: 1) { nodes { id } } }", ROOT))["auditLog"]["nodes"]
    for who in (PUBLIC, BOB, ANNA):
        said = await desk.says("{ auditLog(first: 1) { totalCount } }", who)
        assert said["errors"][0]["extensions"]["code"] in ("FORBIDDEN", "UNAUTHENTICATED")
        assert (await desk.asks("query($i: ID!) { node(id: $i) { id } }", who, i=entry["id"]))["node"] is None


# What is remembered


@pytest.fixture(scope="module")
async def remembering(server: Server, small_url: str) -> AsyncIterator[Newsdesk]:
    """A desk whose answers are remembered, as a server's are."""
    async with newsdesk(server, template=small_url, followed=True) as desk:
        yield desk


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


async def test_an_answer_is_fresh_right_after_each_mutation(remembering: Newsdesk) -> None:
    """Every page that was remembered says what a question without memory says, as soon as the write is answered."""
    desk = remembering
    assert desk.executor.responses is not None
    forgetful = Executor(desk.database, get_catalog(), now=desk.executor.now)
    fresh = replace(desk, executor=forgetful)
    steps: list[tuple[str, dict[str, Any]]] = []
    id = await desk.draft(
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
    for mutation, said in steps:
        remembered = [await desk.asks(page) for page in PAGES]
        lines = await count(desk, "row_change")
        await desk.does(mutation, **said)
        assert await count(desk, "row_change") > lines, mutation
        now = [await desk.asks(page) for page in PAGES]
        computed = [await fresh.asks(page) for page in PAGES]
        assert now == computed, mutation
        if now != remembered:
            seen.add(mutation)
    assert len(seen) >= 12, "the pages are worth something"
