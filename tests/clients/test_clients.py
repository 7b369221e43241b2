"""GraphQL client libraries against a running server.

Each script beside this file is one client; it prints what it was told and what went over the wire.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import brotli
import httpx2
import pytest
import zstandard
from tests.support.http_client import free_port
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

HERE = Path(__file__).parent
SDL = HERE.parents[1] / "schema.graphql"
CLIENTS = HERE / "node_modules"
OLDEST_NODE = 20
ENVIRONMENT = {
    **{
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CONTENTQL_", "NODE_OPTIONS"))
    },
    "NO_COLOR": "1",
}
JSON_TYPES = ("application/graphql-response+json", "application/json")
STATUS_OF = {"MUST": "error", "SHOULD": "warn", "MAY": "notice"}

# The audits follow drafts; the edition of September 2026 says otherwise in these.
OTHERWISE = {
    "86EE": "a variable that cannot be used has status 422 now, not 400",
    "47DE": "who accepts everything gets GraphQL's own media type; the drafts wanted plain JSON until 2025",
    "80D8": "who says nothing gets GraphQL's own media type; the drafts wanted plain JSON until 2025",
}
# A body that is JSON and no request may have 422 now; these want 400. None of them is more than a MAY.
MAY_BE_422 = {
    *("423L", "A5BF", "LKJ0", "LKJ1", "LKJ2", "LKJ3", "6C00", "6C01", "6C02", "6C03"),
    *("4760", "4761", "4762", "4763", "58B0", "58B1", "58B2", "58B3"),
}


@dataclass(frozen=True)
class RunningServer:
    """A newsroom behind a real port."""

    address: str
    port: int
    database: str
    log: Path


@pytest.fixture(scope="session")
def node() -> str:
    """Node.js, with the clients of package-lock.json beside the scripts; the second run installs nothing."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if program is None or npm is None:
        pytest.skip("Node.js and npm are not installed: no JavaScript client was tried.")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version[1:].partition(".")[0]) < OLDEST_NODE:
        pytest.skip(f"Node.js is {version.strip()}, the clients need {OLDEST_NODE}: none was tried.")
    manifest = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    stamp = CLIENTS / ".manifest"
    if not stamp.exists() or stamp.read_text() != manifest:
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        done = subprocess.run(
            command, cwd=HERE, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=300
        )
        if done.returncode and re.search(r"ENOTFOUND|EAI_AGAIN|ECONN\w+|ETIMEDOUT|network", done.stderr):
            pytest.skip("npm reaches no registry and the clients are not installed: none was tried.")
        assert done.returncode == 0, done.stderr
        stamp.write_text(manifest)
    return program


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """The demo newsroom, served by `contentql serve`."""
    home = tmp_path_factory.mktemp("served")
    port = free_port()
    database = f"sqlite:///{home}/newsroom.sqlite3"
    log = home / "log"
    command = ["serve", "--port", str(port), "--database", database, "--demo"]
    with log.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "contentql", *command],
            cwd=home,
            env=ENVIRONMENT,
            stdout=written,
            stderr=subprocess.STDOUT,
        )
    address = f"http://127.0.0.1:{port}/graphql"
    try:
        for _ in range(600):
            assert process.poll() is None, log.read_text()
            try:
                httpx2.get(address, params={"query": "{ viewer { __typename } }"})
                break
            except httpx2.TransportError:
                time.sleep(0.1)
        else:
            pytest.fail(f"The server is not there after a minute: {log.read_text()}")
        yield RunningServer(address, port, database, log)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


@dataclass(frozen=True)
class Scripts:
    """Runs the scripts beside this file against the newsroom."""

    node: str
    served: RunningServer

    def run(self, script: str, *arguments: str) -> Any:
        return json.loads(self.tool(HERE, str(HERE / script), self.served.address, *arguments))

    def tool(self, folder: Path, *arguments: str) -> str:
        """What a program of Node.js prints; it has to succeed."""
        done = subprocess.run(
            [self.node, *arguments],
            cwd=folder,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def project(self, name: str, folder: Path) -> Path:
        """A copy of a project of ours, with our schema in it and the clients within its reach."""
        copied = folder / name
        shutil.copytree(HERE / name, copied)
        shutil.copy(SDL, copied)
        (copied / "node_modules").symlink_to(CLIENTS, target_is_directory=True)
        return copied


@pytest.fixture(scope="module")
def scripts(node: str, served: RunningServer) -> Scripts:
    return Scripts(node, served)


def requests_of(sent: Sequence[Any]) -> list[tuple[str, str, list[str]]]:
    """How a client asked, and which refusals it got: `("GET", "hash", [])`."""
    return [(line["method"], line["by"], line["codes"]) for line in sent]


def trust(served: RunningServer, manifest: Path) -> str:
    """Lets a client's manifest in, while the newsroom is being served."""
    done = subprocess.run(
        [sys.executable, "-m", "contentql", "documents", "add", str(manifest), "--database", served.database],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# Apollo Client


@pytest.fixture(scope="module")
def apollo(scripts: Scripts) -> Any:
    return scripts.run("apollo.mjs")


def test_apollo_registers_a_query_once_and_then_gets_it_by_its_hash(apollo: Any) -> None:
    """The first page load misses and sends the text; the next one, by whomever, is a single GET."""
    miss, registered = apollo["first"]["sent"]
    assert requests_of([miss, registered]) == [
        ("GET", "hash", ["PERSISTED_QUERY_NOT_FOUND"]),
        ("POST", "text and hash", []),
    ]
    assert "no-store" in miss["cache-control"]
    (hit,) = apollo["second"]["sent"]
    assert requests_of([hit]) == [("GET", "hash", [])]
    assert hit["status"] == 200
    assert hit["etag"]
    assert "max-age" in hit["cache-control"]
    assert apollo["second"]["ids"] == apollo["first"]["ids"]


def test_apollo_merges_pages(apollo: Any) -> None:
    """relayStylePagination puts the second page behind the first: the six that one page of six shows."""
    assert len(set(apollo["six"])) == 6
    assert apollo["merged"] == apollo["six"]


def test_apollo_knows_what_implements_what(apollo: Any) -> None:
    """possibleTypes come from introspection, and fragments on interfaces match in the cache."""
    assert set(apollo["possible"]) == {"Node", "Block"}
    assert "Article" in apollo["possible"]["Node"]
    assert "ParagraphBlock" in apollo["possible"]["Block"]
    assert apollo["fromCache"] == 0
    assert apollo["blocks"]
    assert all(block["id"] and block["type"] for block in apollo["blocks"])
    assert apollo["thing"] == {"__typename": "Article", "id": apollo["six"][0]}


def test_apollo_receives_error_codes(apollo: Any) -> None:
    """Status 422 and 294 do not keep Apollo from the code, nor from the data that there is."""
    for name, code in (
        ("unknownField", "GRAPHQL_VALIDATION_FAILED"),
        ("tooMany", "INVALID_PAGE_SIZE"),
        ("wrongVariable", "BAD_USER_INPUT"),
    ):
        assert (apollo[name]["codes"], apollo[name]["sent"][-1]["status"]) == ([code], 422)
    assert apollo["inPart"]["codes"] == ["INVALID_ID"]
    assert apollo["inPart"]["sent"][0]["status"] == 294
    assert apollo["inPart"]["data"]["article"] is None
    assert apollo["inPart"]["data"]["categories"]["nodes"]


def test_apollo_may_leave_before_the_answer(apollo: Any) -> None:
    """An aborted request ends as one, and the next is answered."""
    assert apollo["left"]["name"] == "AbortError"
    assert apollo["left"]["sent"][0]["fault"] == "AbortError"
    assert apollo["after"] == 6


# urql


@pytest.fixture(scope="module")
def urql(scripts: Scripts) -> Any:
    return scripts.run("urql.mjs")


def test_urql_gets_plain_json_although_it_would_take_a_stream(urql: Any) -> None:
    """It accepts event streams and multipart with every request, and means queries."""
    (line,) = urql["introspection"]
    assert "text/event-stream" in line["accept"]
    assert "multipart/mixed" in line["accept"]
    for sent in (line, *urql["first"]["sent"], *urql["second"]["sent"]):
        assert sent["content-type"].partition(";")[0] in JSON_TYPES


def test_urql_gets_large_answers_compressed(urql: Any) -> None:
    """fetch offers gzip, and unpacks what comes."""
    (line,) = urql["introspection"]
    assert line["content-encoding"] in ("gzip", "br", "zstd")
    assert "Accept-Encoding" in line["vary"]


def test_urql_registers_a_query_once(urql: Any) -> None:
    """Its persisted exchange sends the text by GET as well, with a word of its own in the extension."""
    assert "error" not in urql["first"]
    assert requests_of(urql["first"]["sent"]) == [
        ("GET", "hash", ["PERSISTED_QUERY_NOT_FOUND"]),
        ("GET", "text and hash", []),
    ]
    assert "error" not in urql["second"]
    assert requests_of(urql["second"]["sent"]) == [("GET", "hash", [])]


def test_graphcache_keeps_our_things_by_their_ids(urql: Any) -> None:
    """With our schema it merges pages, answers again from what it has, and warns of nothing."""
    assert urql["warnings"] == []
    assert len(urql["page"]) == 3
    assert urql["merged"][:3] == urql["page"]
    assert len(set(urql["merged"])) == 6
    assert "error" not in urql["whole"]
    assert urql["whole"]["data"]["article"]["id"] == urql["page"][0]
    assert urql["again"] == {"same": True, "sent": []}


def test_urql_receives_error_codes(urql: Any) -> None:
    """The code arrives, by POST and by GET."""
    assert urql["tooMany"]["codes"] == ["INVALID_PAGE_SIZE"]
    assert urql["wrongVariable"]["codes"] == ["BAD_USER_INPUT"]
    assert [line["method"] for line in urql["wrongVariable"]["sent"]][-1:] == ["GET"]


# graphql-request


@pytest.fixture(scope="module")
def request_(scripts: Scripts) -> Any:
    return scripts.run("request.mjs")


def test_graphql_request_asks_by_post_and_get(request_: Any) -> None:
    """Both give the same two headlines."""
    assert requests_of(request_["posted"]["sent"]) == [("POST", "text", [])]
    assert requests_of(request_["got"]["sent"]) == [("GET", "text", [])]
    assert len(request_["posted"]["data"]["latestNews"]["nodes"]) == 2
    assert request_["got"]["data"] == request_["posted"]["data"]


def test_graphql_request_receives_error_codes(request_: Any) -> None:
    """Its ClientError carries status and code; partial data comes with its errors; an abort is an abort."""
    refused = request_["refused"]
    assert (refused["own"], refused["status"], refused["codes"]) == (
        True,
        422,
        ["GRAPHQL_VALIDATION_FAILED"],
    )
    assert request_["inPart"]["codes"] == ["INVALID_ID"]
    assert request_["inPart"]["data"]["categories"]["nodes"]
    assert request_["left"]["name"] == "AbortError"


# Relay


@pytest.fixture(scope="module")
def relay(scripts: Scripts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Relay project, compiled."""
    project = scripts.project("relay", tmp_path_factory.mktemp("relay"))
    (project / "artifacts").mkdir()
    result = scripts.tool(project, str(CLIENTS / "relay-compiler/cli.js"))
    assert "Compilation completed" in result
    return project


def test_relay_compiler_takes_our_connections(relay: Path) -> None:
    """@refetchable on Query and on what has an id, @connection forward and backward, persisted by hash."""
    created = {path.name.partition(".")[0] for path in (relay / "artifacts").iterdir()}
    assert {"FrontQuery", "LatestNextQuery", "SectionNextQuery", "TeaserAgainQuery", "ThingQuery"} <= created
    manifest = json.loads((relay / "persisted.json").read_text())
    assert len(manifest) == 5
    assert all(hashlib.sha256(text.encode()).hexdigest() == id for id, text in manifest.items())


@pytest.mark.parametrize("by", ["text", "id"])
def test_relay_shows_pages_that_grow(scripts: Scripts, relay: Path, by: str) -> None:
    """Under the root and under a section found again by its id; whatever is not used is sent as null."""
    if by == "id":
        assert "5 documents" in trust(scripts.served, relay / "persisted.json")
    output = scripts.run("relay.mjs", str(relay), by)
    assert requests_of(output["sent"]) == [("POST", by, [])] * 6
    for name, pages in (("latest", (3, 6)), ("section", (2, 4))):
        first, second = output["first"][name], output["second"][name]
        assert (len(first), len(set(second))) == pages
        assert second[: len(first)] == first
    assert output["again"]
    assert output["thing"]["__typename"] == "Article"
    assert output["thing"]["body"]["blocks"][0]["text"]
    assert output["nothing"] is None


# graphql-codegen


@pytest.fixture(scope="module")
def typed(scripts: Scripts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A typed client, generated and built."""
    project = scripts.project("codegen", tmp_path_factory.mktemp("codegen"))
    scripts.tool(project, str(CLIENTS / "@graphql-codegen/cli/cjs/bin.js"), "--config", "codegen.json")
    return project


def test_codegen_makes_a_client_that_typescript_checks(scripts: Scripts, typed: Path) -> None:
    """What the schema has compiles; each line with what it has not, or may not have, is an error."""
    scripts.tool(typed, str(CLIENTS / "typescript/bin/tsc"), "--noEmit")
    use = typed / "use.ts"
    use.write_text(use.read_text().replace("@ts-expect-error", "not expected:"))
    with pytest.raises(AssertionError) as error:
        scripts.tool(typed, str(CLIENTS / "typescript/bin/tsc"), "--noEmit")
    assert len(re.findall(r"use\.ts\(\d+,\d+\): error", str(error.value))) == 5


def test_a_typed_client_sends_the_hash_of_its_document(scripts: Scripts, typed: Path) -> None:
    """Its manifest is let in; from then on the text never travels."""
    shutil.copy(HERE / "codegen/use.ts", typed)
    scripts.tool(typed, str(CLIENTS / "typescript/bin/tsc"))
    manifest = typed / "generated/persisted-documents.json"
    for id, text in json.loads(manifest.read_text()).items():
        assert id == f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    trust(scripts.served, manifest)
    payload = json.loads(scripts.tool(typed, "built/use.js", scripts.served.address))
    assert payload["errors"] == []
    assert len(payload["said"]) == 2
    assert all(headline.startswith("world") for headline in payload["said"])


# Browsers


def test_a_page_of_another_site_may_ask_with_any_of_them(
    served: RunningServer, apollo: Any, urql: Any, request_: Any
) -> None:
    """The browser asks leave for every header that these clients set, and gets it; scripts see the ETag."""
    safe = {"accept", "accept-language", "content-language"}
    names = {name for client in (apollo, urql, request_) for name in client["named"]} - safe
    assert {"content-type", "apollographql-client-name"} <= names
    origin = {"origin": "https://heron-city.example"}
    leave = {
        "access-control-request-method": "POST",
        "access-control-request-headers": ",".join(sorted(names | {"authorization", "if-none-match"})),
    }
    arguments = httpx2.options(served.address, headers={**origin, **leave})
    assert arguments.status_code in (200, 204)
    assert arguments.headers["access-control-allow-origin"] in ("*", origin["origin"])
    allowed = {name.strip().lower() for name in arguments.headers["access-control-allow-headers"].split(",")}
    assert names | {"authorization", "if-none-match"} <= allowed
    assert "POST" in arguments.headers["access-control-allow-methods"]
    asking = httpx2.get(served.address, params={"query": "{ viewer { role } }"}, headers=origin)
    assert asking.headers["access-control-allow-origin"] in ("*", origin["origin"])
    assert "etag" in asking.headers["access-control-expose-headers"].lower()


# The schema in other people's tools


def test_graphql_js_builds_the_schema_that_introspection_tells(scripts: Scripts) -> None:
    """schema.graphql and what the server says of itself are one schema, for graphql-js 16 and 17."""
    sixteen, seventeen = scripts.run("schema.mjs", str(SDL))
    assert (sixteen["version"][:3], seventeen["version"][:3]) == ("16.", "17.")
    for built in (sixteen, seventeen):
        assert (built["errors"], built["faults"], built["same"]) == ([], [], True)


def test_the_linter_finds_nothing(scripts: Scripts) -> None:
    """Every rule of graphql-schema-linter but the alphabet: our order is the newsroom's."""
    linter = CLIENTS / "graphql-schema-linter"
    rules = {path.stem.replace("_", "-") for path in (linter / "lib/rules").glob("*.js")}
    ours = {rule for rule in rules if not rule.endswith("sorted-alphabetically")}
    assert len(ours) > 10
    scripts.tool(HERE, str(linter / "lib/cli.js"), "--rules", ",".join(sorted(ours)), str(SDL))


# The audits of GraphQL over HTTP


def test_the_audits_pass_but_for_what_the_edition_says_otherwise(
    scripts: Scripts, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every MUST; every SHOULD but those of OTHERWISE; every MAY but that 422 may stand where 400 was."""
    results = scripts.run("audit.mjs")
    assert len(results) > 60
    failed = {result["id"]: result for result in results if result["status"] != "ok"}
    score = Counter(result["status"] for result in results)
    with capsys.disabled():
        words = ", ".join(f"{score[status]} {status}" for status in ("ok", "notice", "warn", "error"))
        print(f"\naudits of GraphQL over HTTP: {words} ({', '.join(sorted(failed)) or 'all passed'})")
    levels: dict[str, set[str]] = {level: set() for level in STATUS_OF}
    for id, result in failed.items():
        level = result["name"].partition(" ")[0]
        assert result["status"] == STATUS_OF[level], result
        levels[level].add(id)
    assert levels["MUST"] == set()
    assert levels["SHOULD"] == set(OTHERWISE)
    assert levels["MAY"] <= MAY_BE_422
    assert all(failed[id]["answered"] == 422 for id in levels["MAY"])


# graphql-ws


def test_graphql_ws_asks_over_one_socket(served: RunningServer, scripts: Scripts) -> None:
    """Several queries at once, a refusal with its code, and a socket that still works after it."""
    try:
        with connect(
            served.address.replace("http", "ws"), subprotocols=[Subprotocol("graphql-transport-ws")]
        ) as probe:
            assert probe.subprotocol == "graphql-transport-ws"
    except InvalidStatus:
        pytest.skip("There is no WebSocket at /graphql: graphql-ws was not tried.")
    output = scripts.run("socket.mjs")
    assert output["protocols"] == ["graphql-transport-ws"]
    assert output["several"] == [1, 2, 3]
    assert output["refused"]["results"] == []
    assert [error["extensions"]["code"] for error in output["refused"]["fault"]] == [
        "GRAPHQL_VALIDATION_FAILED"
    ]
    assert output["after"] == 1
    assert output["pongs"] > 0


# Whatever else speaks HTTP

UNPACK: Mapping[str | None, Callable[[bytes], bytes]] = {
    None: bytes,
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "zstd": zstandard.decompress,
}
PAGE = "{ articles(first: 30) { nodes { headline summary body { text } } } }"


@pytest.fixture(scope="module")
def plainly(served: RunningServer) -> httpx2.Response:
    """A page as one gets it who offers no compression."""
    return httpx2.get(served.address, params={"query": PAGE}, headers={"accept-encoding": "identity"})


@pytest.mark.parametrize(
    ("who", "offered", "accepted"),
    [
        ("curl --compressed", "deflate, gzip, br, zstd", {"br", "zstd"}),
        ("a browser", "gzip, deflate, br, zstd", {"br", "zstd"}),
        ("an older browser", "gzip, deflate, br", {"br"}),
        ("a phone", "gzip", {"gzip"}),
        ("a crawler", "x-gzip, gzip;q=0.9", {"gzip"}),
        ("who will have no gzip", "gzip;q=0, identity", {None}),
        ("who takes anything but zstd", "zstd;q=0, *;q=0.5", {"br", "gzip"}),
        ("wget", "identity", {None}),
        ("an odd one", "snappy", {None}),
    ],
)
def test_compressed_or_not_the_answer_is_the_same(
    served: RunningServer, plainly: httpx2.Response, who: str, offered: str, accepted: set[str | None]
) -> None:
    """What is offered is taken, the better the earlier; what is refused or unknown is not."""
    asking = httpx2.stream(
        "GET", served.address, params={"query": PAGE}, headers={"accept-encoding": offered}
    )
    with asking as answer:
        body = b"".join(answer.iter_raw())
    coding = answer.headers.get("content-encoding")
    assert coding in accepted, who
    assert UNPACK[coding](body) == plainly.content
    assert {"Accept", "Accept-Encoding"} <= set(answer.headers["vary"].replace(" ", "").split(","))
    assert coding is None or len(body) < len(plainly.content) / 2


def test_curl_asks_again_only_for_what_is_new(served: RunningServer, tmp_path: Path) -> None:
    """`curl --etag-compare` gets 304 and no body; with another question the same file is no use."""
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed: its ETag options were not tried.")
    etag = tmp_path / "etag"

    def fetched(query: str, *options: str) -> tuple[str, bytes]:
        named = ["--get", "--data-urlencode", f"query={query}", served.address]
        command = [curl, "-sS", "--compressed", "-w", "%{stderr}%{http_code}", *options, *named]
        done = subprocess.run(command, capture_output=True, check=True, timeout=20)
        return done.stderr.decode(), done.stdout

    status, body = fetched(PAGE, "--etag-save", str(etag))
    assert (status, json.loads(body).keys()) == ("200", {"data"})
    assert etag.read_text().strip()
    assert fetched(PAGE, "--etag-compare", str(etag)) == ("304", b"")
    assert fetched("{ viewer { role } }", "--etag-compare", str(etag))[0] == "200"


def spoken(served: RunningServer, *packets: bytes, pause: float = 0.05) -> bytes:
    """What the server says to these bytes, until it is done with one JSON answer or closes."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=5) as talk:
        for packet in packets:
            talk.sendall(packet)
            time.sleep(pause)
        result = b""
        while not result.rstrip().endswith(b"}"):
            part = talk.recv(65_536)
            if not part:
                break
            result += part
        return result


BODY = b'{"query": "{ viewer { role } }"}'
ANSWER = b'{"data":{"viewer":{"role":"READER"}}}'


def post(*headers: str, body: bytes = b"", version: str = "1.1") -> bytes:
    lines = [f"POST /graphql HTTP/{version}", "Host: newsroom", "Content-Type: application/json", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def test_who_asks_before_sending_is_told_to_go_on(served: RunningServer) -> None:
    """`Expect: 100-continue`, as libraries above curl send it with a body."""
    result = spoken(served, post(f"Content-Length: {len(BODY)}", "Expect: 100-continue"), BODY)
    assert result.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")
    assert result.endswith(ANSWER)


def test_a_body_in_pieces_is_read_as_one(served: RunningServer) -> None:
    """`Transfer-Encoding: chunked`, as Go and Node.js send streams."""
    pieces = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (BODY[:9], BODY[9:])]
    result = spoken(served, post("Transfer-Encoding: chunked"), *pieces, b"0\r\n\r\n")
    assert result.startswith(b"HTTP/1.1 200 OK")
    assert result.endswith(ANSWER)


@pytest.mark.parametrize("packets", [1, 2])
def test_an_offer_of_http_2_is_passed_over(served: RunningServer, packets: int) -> None:
    """Java's HttpClient and `curl --http2` offer h2c with their first request; they want it answered."""
    offer = (
        "Connection: Upgrade, HTTP2-Settings",
        "Upgrade: h2c",
        "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA",
    )
    document = post(f"Content-Length: {len(BODY)}", *offer, body=BODY)
    head = len(document) - len(BODY)
    result = spoken(served, *([document] if packets == 1 else [document[:head], document[head:]]))
    assert result.startswith(b"HTTP/1.1 200 OK")
    assert result.endswith(ANSWER)


def test_one_connection_serves_many_requests(served: RunningServer) -> None:
    """A refusal, a body too large and a reader who left do not cost the others their connection."""
    with httpx2.Client() as client:
        for _ in range(3):
            assert (
                client.post(served.address, content=b"{", headers={"content-type": "x/y"}).status_code == 415
            )
            assert client.post(served.address, json={"query": "{ weather }"}).status_code == 422
            assert client.post(served.address, json={"query": "{ viewer { role } }"}).content == ANSWER


def test_the_server_logged_no_internal_error(served: RunningServer) -> None:
    """After all these clients its log holds no trace."""
    assert "Traceback" not in served.log.read_text()
