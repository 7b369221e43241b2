"""GraphQL client libraries against a running server.

Each script in this folder uses one client; it prints its results and the requests that it sent, as JSON.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import brotli
import httpx2
import pytest
import zstandard
from tests.clients.conftest import CLIENTS, HERE, SDL, RunningServer, Scripts, add_trusted_documents
from tests.support.stream_client import issue
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

JSON_TYPES = ("application/graphql-response+json", "application/json")
STATUS_OF = {"MUST": "error", "SHOULD": "warn", "MAY": "notice"}

# The audits follow drafts; the edition of September 2026 differs in these.
CHANGED_SHOULDS = {
    "86EE": "an invalid variable has status 422 now, not 400",
    "47DE": "Accept: */* selects GraphQL's own media type; the drafts required plain JSON until 2025",
    "80D8": "no Accept header selects GraphQL's own media type; the drafts required plain JSON until 2025",
}
# A JSON body that is no request may have 422 now; these MAY audits expect 400.
MAY_BE_422 = {
    *("3E3A", "423L", "A5BF", "LKJ0", "LKJ1", "LKJ2", "LKJ3", "6C00", "6C01", "6C02", "6C03"),
    *("4760", "4761", "4762", "4763", "58B0", "58B1", "58B2", "58B3"),
}


def sent_requests(sent: Sequence[Any]) -> list[tuple[str, str, list[str]]]:
    """Method, kind of document and error codes of each request: `("GET", "hash", [])`."""
    return [(line["method"], line["by"], line["codes"]) for line in sent]


# Apollo Client


@pytest.fixture(scope="module")
def apollo(scripts: Scripts) -> Any:
    return scripts.run("apollo.mjs")


def test_apollo_registers_a_query_and_sends_its_hash(apollo: Any) -> None:
    """The first request misses and sends the text; the next one is a single GET."""
    miss, registered = apollo["first"]["sent"]
    assert sent_requests([miss, registered]) == [
        ("GET", "hash", ["PERSISTED_QUERY_NOT_FOUND"]),
        ("POST", "text and hash", []),
    ]
    assert "no-store" in miss["cache-control"]
    (hit,) = apollo["second"]["sent"]
    assert sent_requests([hit]) == [("GET", "hash", [])]
    assert hit["status"] == 200
    assert hit["etag"]
    assert "max-age" in hit["cache-control"]
    assert apollo["second"]["ids"] == apollo["first"]["ids"]


def test_apollo_merges_pages(apollo: Any) -> None:
    """relayStylePagination appends the second page; the result is that of one page of six."""
    assert len(set(apollo["six"])) == 6
    assert apollo["merged"] == apollo["six"]


def test_apollo_matches_fragments_on_interfaces(apollo: Any) -> None:
    """With possibleTypes from introspection, also for cached data."""
    assert set(apollo["possible"]) == {"ArticleChange", "Block", "Bundle", "Node"}
    assert "Article" in apollo["possible"]["Node"]
    assert "ParagraphBlock" in apollo["possible"]["Block"]
    assert apollo["fromCache"] == 0
    assert apollo["blocks"]
    assert all(block["id"] and block["type"] for block in apollo["blocks"])
    assert apollo["thing"] == {"__typename": "Article", "id": apollo["six"][0]}


def test_apollo_receives_error_codes(apollo: Any) -> None:
    """With the statuses 422 and 294, and with partial data."""
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


def test_apollo_can_abort_a_request(apollo: Any) -> None:
    """The request fails with AbortError, and the next one succeeds."""
    assert apollo["left"]["name"] == "AbortError"
    assert apollo["left"]["sent"][0]["fault"] == "AbortError"
    assert apollo["after"] == 6


# urql


@pytest.fixture(scope="module")
def urql(scripts: Scripts) -> Any:
    return scripts.run("urql.mjs")


def test_urql_receives_json_instead_of_a_stream(urql: Any) -> None:
    """It accepts event streams and multipart with every request."""
    (line,) = urql["introspection"]
    assert "text/event-stream" in line["accept"]
    assert "multipart/mixed" in line["accept"]
    for sent in (line, *urql["first"]["sent"], *urql["second"]["sent"]):
        assert sent["content-type"].partition(";")[0] in JSON_TYPES


def test_urql_receives_compressed_responses(urql: Any) -> None:
    (line,) = urql["introspection"]
    assert line["content-encoding"] in ("gzip", "br", "zstd")
    assert "Accept-Encoding" in line["vary"]


def test_urql_registers_a_query_by_get(urql: Any) -> None:
    """Its persisted exchange sends the text by GET, with an additional field in the extension."""
    assert "error" not in urql["first"]
    assert sent_requests(urql["first"]["sent"]) == [
        ("GET", "hash", ["PERSISTED_QUERY_NOT_FOUND"]),
        ("GET", "text and hash", []),
    ]
    assert "error" not in urql["second"]
    assert sent_requests(urql["second"]["sent"]) == [("GET", "hash", [])]


def test_graphcache_normalizes_objects_by_id(urql: Any) -> None:
    """With our schema it merges pages and reads from its cache without warnings."""
    assert urql["warnings"] == []
    assert len(urql["page"]) == 3
    assert urql["merged"][:3] == urql["page"]
    assert len(set(urql["merged"])) == 6
    assert "error" not in urql["whole"]
    assert urql["whole"]["data"]["article"]["id"] == urql["page"][0]
    assert urql["again"] == {"same": True, "sent": []}


def test_urql_receives_error_codes(urql: Any) -> None:
    """By POST and by GET."""
    assert urql["tooMany"]["codes"] == ["INVALID_PAGE_SIZE"]
    assert urql["wrongVariable"]["codes"] == ["BAD_USER_INPUT"]
    assert [line["method"] for line in urql["wrongVariable"]["sent"]][-1:] == ["GET"]


# graphql-request


@pytest.fixture(scope="module")
def request_(scripts: Scripts) -> Any:
    return scripts.run("request.mjs")


def test_graphql_request_sends_post_and_get(request_: Any) -> None:
    """Both return the same headlines."""
    assert sent_requests(request_["posted"]["sent"]) == [("POST", "text", [])]
    assert sent_requests(request_["got"]["sent"]) == [("GET", "text", [])]
    assert len(request_["posted"]["data"]["latestNews"]["nodes"]) == 2
    assert request_["got"]["data"] == request_["posted"]["data"]


def test_graphql_request_receives_error_codes(request_: Any) -> None:
    """ClientError has status and code; partial data comes with its errors; an abort is an AbortError."""
    rejected = request_["refused"]
    assert (rejected["own"], rejected["status"], rejected["codes"]) == (
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
    """A compiled Relay project."""
    copy_project = scripts.copy_project("relay", tmp_path_factory.mktemp("relay"))
    (copy_project / "artifacts").mkdir()
    result = scripts.run_node(copy_project, str(CLIENTS / "relay-compiler/cli.js"))
    assert "Compilation completed" in result
    return copy_project


def test_relay_compiler_accepts_our_connections(relay: Path) -> None:
    """@refetchable on Query and on types with an id, @connection in both directions, persisted queries."""
    created = {path.name.partition(".")[0] for path in (relay / "artifacts").iterdir()}
    assert {"FrontQuery", "LatestNextQuery", "SectionNextQuery", "TeaserAgainQuery", "ThingQuery"} <= created
    manifest = json.loads((relay / "persisted.json").read_text())
    assert len(manifest) == 5
    assert all(hashlib.sha256(text.encode()).hexdigest() == id for id, text in manifest.items())


@pytest.mark.parametrize("by", ["text", "id"])
def test_relay_appends_pages(scripts: Scripts, relay: Path, by: str) -> None:
    """Below the root and below a section that is refetched by id; unused arguments are sent as null."""
    if by == "id":
        assert "5 documents" in add_trusted_documents(scripts.running, relay / "persisted.json")
    output = scripts.run("relay.mjs", str(relay), by)
    assert sent_requests(output["sent"]) == [("POST", by, [])] * 6
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
    """A generated and compiled TypeScript client."""
    copy_project = scripts.copy_project("codegen", tmp_path_factory.mktemp("codegen"))
    scripts.run_node(
        copy_project, str(CLIENTS / "@graphql-codegen/cli/cjs/bin.js"), "--config", "codegen.json"
    )
    return copy_project


def test_generated_client_is_type_checked(scripts: Scripts, typed: Path) -> None:
    """Valid uses compile; each line with an unknown or unchecked nullable field is an error."""
    scripts.run_node(typed, str(CLIENTS / "typescript/bin/tsc"), "--noEmit")
    use = typed / "use.ts"
    use.write_text(use.read_text().replace("@ts-expect-error", "not expected:"))
    with pytest.raises(AssertionError) as error:
        scripts.run_node(typed, str(CLIENTS / "typescript/bin/tsc"), "--noEmit")
    assert len(re.findall(r"use\.ts\(\d+,\d+\): error", str(error.value))) == 5


@pytest.mark.parametrize("path", ["/graphql", "/schema.graphql"])
def test_codegen_reads_the_schema_by_url(scripts: Scripts, tmp_path: Path, path: str) -> None:
    """By introspection and as SDL; the types are those that the committed schema gives."""
    project = scripts.copy_project("codegen", tmp_path)
    codegen = str(CLIENTS / "@graphql-codegen/cli/cjs/bin.js")
    scripts.run_node(project, codegen, "--config", "codegen.json")
    expected = (project / "generated/graphql.ts").read_text()
    config = project / "codegen.json"
    url = scripts.running.address.removesuffix("/graphql") + path
    config.write_text(config.read_text().replace('"schema.graphql"', json.dumps(url)))
    shutil.rmtree(project / "generated")
    scripts.run_node(project, codegen, "--config", "codegen.json")
    assert (project / "generated/graphql.ts").read_text() == expected


def test_typed_client_sends_only_document_hashes(scripts: Scripts, typed: Path) -> None:
    """After its manifest is added to the trusted documents."""
    shutil.copy(HERE / "codegen/use.ts", typed)
    scripts.run_node(typed, str(CLIENTS / "typescript/bin/tsc"))
    manifest = typed / "generated/persisted-documents.json"
    for id, text in json.loads(manifest.read_text()).items():
        assert id == f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    add_trusted_documents(scripts.running, manifest)
    payload = json.loads(scripts.run_node(typed, "built/use.js", scripts.running.address))
    assert payload["errors"] == []
    assert len(payload["lines"]) == 2
    assert all(headline.startswith("world") for headline in payload["lines"])


# Browsers


def test_cors_allows_the_headers_of_all_clients(
    running: RunningServer, apollo: Any, urql: Any, request_: Any
) -> None:
    """The preflight succeeds for pages of other sites, and scripts can read the ETag."""
    safe = {"accept", "accept-language", "content-language"}
    names = {name for client in (apollo, urql, request_) for name in client["named"]} - safe
    assert {"content-type", "apollographql-client-name"} <= names
    origin = {"origin": "https://heron-city.example"}
    preflight_headers = {
        "access-control-request-method": "POST",
        "access-control-request-headers": ",".join(sorted(names | {"authorization", "if-none-match"})),
    }
    preflight = httpx2.options(running.address, headers={**origin, **preflight_headers})
    assert preflight.status_code in (200, 204)
    assert preflight.headers["access-control-allow-origin"] in ("*", origin["origin"])
    allowed = {name.strip().lower() for name in preflight.headers["access-control-allow-headers"].split(",")}
    assert names | {"authorization", "if-none-match"} <= allowed
    assert "POST" in preflight.headers["access-control-allow-methods"]
    response = httpx2.get(running.address, params={"query": "{ viewer { role } }"}, headers=origin)
    assert response.headers["access-control-allow-origin"] in ("*", origin["origin"])
    assert "etag" in response.headers["access-control-expose-headers"].lower()


# The schema in other tools


def test_graphql_js_builds_equal_schemas_from_sdl_and_introspection(scripts: Scripts) -> None:
    """With graphql-js 16 and 17."""
    sixteen, seventeen = scripts.run("schema.mjs", str(SDL))
    assert (sixteen["version"][:3], seventeen["version"][:3]) == ("16.", "17.")
    for built in (sixteen, seventeen):
        assert (built["errors"], built["faults"], built["same"]) == ([], [], True)


def test_schema_linter_reports_nothing(scripts: Scripts) -> None:
    """With all rules of graphql-schema-linter except those for alphabetical order."""
    linter = CLIENTS / "graphql-schema-linter"
    rules = {path.stem.replace("_", "-") for path in (linter / "lib/rules").glob("*.js")}
    enabled = {rule for rule in rules if not rule.endswith("sorted-alphabetically")}
    assert len(enabled) > 10
    scripts.run_node(HERE, str(linter / "lib/cli.js"), "--rules", ",".join(sorted(enabled)), str(SDL))


def test_graphql_eslint_reports_nothing(scripts: Scripts, tmp_path: Path) -> None:
    """With its rules for schemas and for Relay; the exceptions in eslint.config.js have a reason each."""
    project = scripts.copy_project("eslint", tmp_path)
    eslint = str(CLIENTS / "eslint/bin/eslint.js")
    scripts.run_node(project, eslint, "--max-warnings", "0", "schema.graphql")
    schema = project / "schema.graphql"
    schema.write_text(schema.read_text().replace("  latestNews(", "  getLatest_news("))
    with pytest.raises(AssertionError, match="@graphql-eslint/naming-convention"):
        scripts.run_node(project, eslint, "schema.graphql")


# The audits of GraphQL over HTTP


def test_graphql_over_http_audits_pass_except_changed_ones(
    scripts: Scripts, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every MUST, and every SHOULD and MAY that the current edition has not changed."""
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
    assert levels["SHOULD"] == set(CHANGED_SHOULDS)
    assert levels["MAY"] <= MAY_BE_422
    assert all(failed[id]["answered"] == 422 for id in levels["MAY"])


# graphql-ws


def test_graphql_ws_runs_queries_over_one_connection(running: RunningServer, scripts: Scripts) -> None:
    """Concurrent queries and an error with its code; the connection works afterwards."""
    try:
        with connect(
            running.address.replace("http", "ws"), subprotocols=[Subprotocol("graphql-transport-ws")]
        ) as probe:
            assert probe.subprotocol == "graphql-transport-ws"
    except InvalidStatus:
        pytest.skip("There is no WebSocket at /graphql: graphql-ws was not tested.")
    output = scripts.run("socket.mjs")
    assert output["protocols"] == ["graphql-transport-ws"]
    assert output["several"] == [1, 2, 3]
    assert output["refused"]["results"] == []
    assert [error["extensions"]["code"] for error in output["refused"]["fault"]] == [
        "GRAPHQL_VALIDATION_FAILED"
    ]
    assert output["after"] == 1
    assert output["pongs"] > 0


# Subscriptions


@pytest.fixture(scope="module")
async def subscriptions(running: RunningServer, scripts: Scripts) -> Any:
    _, secret = await issue(running.database)
    return scripts.run("subscriptions.mjs", secret)


@pytest.mark.parametrize("client", ["ws", "sse", "urql"])
def test_clients_of_subscriptions(subscriptions: Any, client: str) -> None:
    """Each change is a result; a client resumes by the id of its last event, and learns if it is unknown."""
    result = subscriptions[client]
    assert result["names"] == result["expected"]
    assert result["resumed"] == "Two"
    assert result["resync"] is True


@pytest.mark.parametrize("client", ["ws", "sse"])
def test_clients_of_subscriptions_receive_error_codes(subscriptions: Any, client: str) -> None:
    errors = subscriptions[f"{client}Invalid"]
    assert [error["extensions"]["code"] for error in errors] == ["GRAPHQL_VALIDATION_FAILED"]


# Other HTTP clients

DECOMPRESS: Mapping[str | None, Callable[[bytes], bytes]] = {
    None: bytes,
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "zstd": zstandard.decompress,
}
PAGE = "{ articles(first: 30) { nodes { headline summary body { text } } } }"


@pytest.fixture(scope="module")
def uncompressed(running: RunningServer) -> httpx2.Response:
    """A response to a client that does not accept compression."""
    return httpx2.get(running.address, params={"query": PAGE}, headers={"accept-encoding": "identity"})


@pytest.mark.parametrize(
    ("client", "offered", "expected"),
    [
        ("curl --compressed", "deflate, gzip, br, zstd", {"br"}),
        ("a browser", "gzip, deflate, br, zstd", {"br"}),
        ("an older browser", "gzip, deflate, br", {"br"}),
        ("a phone", "gzip", {"gzip"}),
        ("a client that names zstd without support", "gzip, deflate, zstd", {"gzip"}),
        ("a client of anything", "*", {"gzip"}),
        ("a crawler", "x-gzip, gzip;q=0.9", {"gzip"}),
        ("a client without gzip", "gzip;q=0, identity", {None}),
        ("a client of anything but zstd", "zstd;q=0, *;q=0.5", {"gzip"}),
        ("wget", "identity", {None}),
        ("an unknown coding", "snappy", {None}),
    ],
)
def test_compressed_responses_equal_the_uncompressed_one(
    running: RunningServer,
    uncompressed: httpx2.Response,
    client: str,
    offered: str,
    expected: set[str | None],
) -> None:
    """The best offered coding is used; rejected and unknown codings are not."""
    stream = httpx2.stream(
        "GET", running.address, params={"query": PAGE}, headers={"accept-encoding": offered}
    )
    with stream as response:
        body = b"".join(response.iter_raw())
    coding = response.headers.get("content-encoding")
    assert coding in expected, client
    assert DECOMPRESS[coding](body) == uncompressed.content
    assert {"Accept", "Accept-Encoding"} <= set(response.headers["vary"].replace(" ", "").split(","))
    assert coding is None or len(body) < len(uncompressed.content) / 2


def test_curl_etag_options_work(running: RunningServer, tmp_path: Path) -> None:
    """`curl --etag-compare` gets 304 without a body, and 200 for another query."""
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed: its ETag options were not tested.")
    etag = tmp_path / "etag"

    def fetch(query: str, *options: str) -> tuple[str, bytes]:
        target = ["--get", "--data-urlencode", f"query={query}", running.address]
        command = [curl, "-sS", "--compressed", "-w", "%{stderr}%{http_code}", *options, *target]
        result = subprocess.run(command, capture_output=True, check=True, timeout=20)
        return result.stderr.decode(), result.stdout

    status, body = fetch(PAGE, "--etag-save", str(etag))
    assert (status, json.loads(body).keys()) == ("200", {"data"})
    assert etag.read_text().strip()
    assert fetch(PAGE, "--etag-compare", str(etag)) == ("304", b"")
    assert fetch("{ viewer { role } }", "--etag-compare", str(etag))[0] == "200"


def send_packets(running: RunningServer, *packets: bytes, pause: float = 0.05) -> bytes:
    """The bytes that the server sends, up to the end of one JSON response or of the connection."""
    with socket.create_connection(("127.0.0.1", running.port), timeout=5) as connection:
        for packet in packets:
            connection.sendall(packet)
            time.sleep(pause)
        received = b""
        while not received.rstrip().endswith(b"}"):
            part = connection.recv(65_536)
            if not part:
                break
            received += part
        return received


BODY = b'{"query": "{ viewer { role } }"}'
RESPONSE_BODY = b'{"data":{"viewer":{"role":"READER"}}}'


def post(*headers: str, body: bytes = b"", version: str = "1.1") -> bytes:
    """A POST request with the headers."""
    lines = [f"POST /graphql HTTP/{version}", "Host: newsroom", "Content-Type: application/json", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def test_expect_100_continue_is_supported(running: RunningServer) -> None:
    """Libraries based on curl send it with a body."""
    result = send_packets(running, post(f"Content-Length: {len(BODY)}", "Expect: 100-continue"), BODY)
    assert result.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")
    assert result.endswith(RESPONSE_BODY)


def test_chunked_request_bodies_are_supported(running: RunningServer) -> None:
    """Go and Node.js send streams with `Transfer-Encoding: chunked`."""
    chunks = [b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in (BODY[:9], BODY[9:])]
    result = send_packets(running, post("Transfer-Encoding: chunked"), *chunks, b"0\r\n\r\n")
    assert result.startswith(b"HTTP/1.1 200 OK")
    assert result.endswith(RESPONSE_BODY)


@pytest.mark.parametrize("packets", [1, 2])
def test_offers_of_http_2_are_ignored(running: RunningServer, packets: int) -> None:
    """HttpClient of Java and `curl --http2` offer h2c with their first request."""
    offer = (
        "Connection: Upgrade, HTTP2-Settings",
        "Upgrade: h2c",
        "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA",
    )
    request = post(f"Content-Length: {len(BODY)}", *offer, body=BODY)
    head = len(request) - len(BODY)
    result = send_packets(running, *([request] if packets == 1 else [request[:head], request[head:]]))
    assert result.startswith(b"HTTP/1.1 200 OK")
    assert result.endswith(RESPONSE_BODY)


def test_connections_stay_open_after_errors(running: RunningServer) -> None:
    """Further requests on the same connection succeed."""
    with httpx2.Client() as client:
        for _ in range(3):
            assert (
                client.post(running.address, content=b"{", headers={"content-type": "x/y"}).status_code == 415
            )
            assert client.post(running.address, json={"query": "{ weather }"}).status_code == 422
            assert (
                client.post(running.address, json={"query": "{ viewer { role } }"}).content == RESPONSE_BODY
            )


def test_server_logs_no_traceback(running: RunningServer) -> None:
    """After the requests of all clients."""
    assert "Traceback" not in running.log.read_text()
