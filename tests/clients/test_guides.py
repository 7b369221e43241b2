"""Pages for web sites and apps: their files, compiled and run with the real packages."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest
from graphql import OperationDefinitionNode, build_schema, parse, validate
from tests.clients.conftest import CLIENTS, ENVIRONMENT, SDL, RunningServer, Scripts, add_trusted_documents

DOCS = SDL.parent / "docs"
CODEGEN = str(CLIENTS / "@graphql-codegen/cli/cjs/bin.js")
TSC = str(CLIENTS / "typescript/bin/tsc")
MANIFEST = str(CLIENTS / "@apollo/generate-persisted-query-manifest/cli.js")

# What Apollo Kotlin's compiler defines itself, from https://specs.apollo.dev.
KOTLIN_DIRECTIVES = """
directive @link(url: String!, import: [String]) repeatable on SCHEMA
directive @typePolicy(keyFields: String! = "") on OBJECT | INTERFACE | UNION
directive @fieldPolicy(forField: String!, keyArgs: String! = "") repeatable on OBJECT
"""


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)


def files(page: str, language: str) -> dict[str, str]:
    """The blocks of a page whose first line is a comment with the name of a file."""
    texts = {}
    for block in blocks(page, language):
        if match := re.match(r"(?://|#) ([\w./-]+)\n", block):
            texts[match[1]] = block
    return texts


# docs/frontend.md


@pytest.fixture(scope="module")
def site(scripts: Scripts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of docs/frontend.md with a script that uses both clients; generated from the server's SDL."""
    project = scripts.copy_project("frontend", tmp_path_factory.mktemp("site"))
    texts = files("frontend.md", "ts")
    assert set(texts) == {"codegen.ts", "src/queries.ts", "src/apollo.ts", "src/urql.ts"}
    origin = scripts.running.address.removesuffix("/graphql")
    for name, text in texts.items():
        (project / name).write_text(text.replace("http://localhost:8000", origin))
    scripts.run_node(project, CODEGEN, "--config", "codegen.ts")
    return project


@pytest.fixture(scope="module")
def visit(scripts: Scripts, site: Path) -> Any:
    """What the clients did, after the site's manifest was added to the trusted documents."""
    scripts.run_node(site, TSC)
    assert "2 documents" in add_trusted_documents(
        scripts.running, site / "src/generated/persisted-documents.json"
    )
    return json.loads(scripts.run_node(site, "built/main.js", scripts.running.address))


def test_custom_scalars_are_mapped(site: Path) -> None:
    """strictScalars makes an unmapped one an error; none is `any`."""
    generated = (site / "src/generated/graphql.ts").read_text()
    scalars = re.findall(r"^scalar (\w+)", SDL.read_text(), re.MULTILINE)
    assert {"Date", "DateTime"} <= set(scalars)
    assert set(re.findall(r"publishedAt: (\w+)", generated)) == {"string"}
    page = (DOCS / "frontend.md").read_text()
    assert all(f"`{name}`" in page and f"{name}: " in page for name in scalars)


def test_possible_types_are_those_of_the_schema(site: Path) -> None:
    """Those of Node and Block, for fragments on interfaces."""
    generated = (site / "src/generated/possible-types.ts").read_text()
    schema = build_schema(SDL.read_text())
    for name in ("Node", "Block"):
        possible: Any = schema.get_type(name)
        for type_ in schema.get_possible_types(possible):
            assert f'"{type_.name}"' in generated


def test_files_with_mistakes_do_not_compile(scripts: Scripts, site: Path, tmp_path: Path) -> None:
    """The types are checked: a nullable field must be, and an argument has its type."""
    broken = tmp_path / "broken"
    shutil.copytree(site, broken, symlinks=True)
    main = broken / "src/main.ts"
    main.write_text(main.read_text().replace('section: "world"', "section: 7"))
    with pytest.raises(AssertionError, match="error TS"):
        scripts.run_node(broken, TSC, "--noEmit")


@pytest.mark.parametrize("client", ["apollo", "urql"])
def test_clients_of_the_page_send_hashes_and_merge_pages(visit: Any, client: str) -> None:
    """By GET and without the text; pages are appended; an article that was read is not fetched again."""
    result = visit[client]
    assert result.get("error") is None
    assert len(set(result["ids"])) == 6
    for sent in (*result["listSent"], *result["pageSent"]):
        assert (sent["method"], sent["hash"], sent["text"], sent["status"]) == ("GET", True, False, 200)
        assert sent["etag"]
    assert len(result["listSent"]) == 2
    assert len(result["pageSent"]) == 1
    assert result["headline"]
    assert result["cached"] == {"headline": result["headline"], "sent": []}


def test_apollo_of_the_page_normalises_by_id(visit: Any) -> None:
    """Articles, sections and blocks are stored once; with `possibleTypes` blocks of a fragment are read."""
    kinds = {key.partition(":")[0] for key in visit["apollo"]["keys"]}
    assert {"Article", "Category", "ParagraphBlock", "ROOT_QUERY"} <= kinds
    assert visit["apollo"]["blocks"] > 1


# docs/mobile.md


@pytest.fixture(scope="module")
def manifest(scripts: Scripts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The manifest of the page's operations, by Apollo's generator."""
    folder = tmp_path_factory.mktemp("app")
    (folder / "node_modules").symlink_to(CLIENTS, target_is_directory=True)
    (folder / "package.json").write_text("{}")
    (folder / "src").mkdir()
    for name, text in files("mobile.md", "graphql").items():
        (folder / "src" / name).write_text(text)
    scripts.run_node(folder, MANIFEST)
    return folder / "persisted-query-manifest.json"


def get_by_hash(
    running: RunningServer, hash: str, variables: Mapping[str, Any], **headers: str
) -> httpx2.Response:
    """A GET request as Apollo Kotlin and Apollo iOS send it."""
    parameters = {
        "variables": json.dumps(variables),
        "extensions": json.dumps({"persistedQuery": {"version": 1, "sha256Hash": hash}}),
    }
    header_fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.get(running.address, params=parameters, headers=header_fields)


def test_app_sends_the_hashes_of_its_manifest(running: RunningServer, manifest: Path) -> None:
    """The manifest has the format of the page, ids are SHA-256, responses are compressed; 304 is empty."""
    written = json.loads(manifest.read_text())
    examples = map(json.loads, blocks("mobile.md", "json"))
    shown = next(example for example in examples if "format" in example)
    assert {**written, "operations": []} == {**shown, "operations": []}
    assert shown["operations"][0].keys() == written["operations"][0].keys()
    assert "4 documents" in add_trusted_documents(running, manifest)
    hashes = {operation["name"]: operation["id"] for operation in written["operations"]}
    for operation in written["operations"]:
        assert operation["id"] == hashlib.sha256(operation["body"].encode()).hexdigest()
    page = {"section": "world", "first": 20}
    response = get_by_hash(running, hashes["FrontPage"], page, accept_encoding="br, gzip")
    assert response.status_code == 200
    assert response.headers["content-encoding"] == "br"
    edges = response.json()["data"]["latestNews"]["edges"]
    again = get_by_hash(
        running,
        hashes["FrontPage"],
        page,
        accept_encoding="br, gzip",
        if_none_match=response.headers["etag"],
    )
    assert (again.status_code, again.content) == (304, b"")
    ids = [edge["node"]["id"] for edge in reversed(edges)]
    bookmarks = get_by_hash(running, hashes["Bookmarks"], {"ids": [ids[0], "art_99999999", ids[1]]})
    nodes = bookmarks.json()["data"]["nodes"]
    assert [node and node["id"] for node in nodes] == [ids[0], None, ids[1]]


def test_ids_are_unique_without_their_type(running: RunningServer) -> None:
    """The prefix of an id is that of its type, as the section about offline use says."""
    roots = ("articles", "categories", "sources", "tags", "mediaItems", "collections")
    query = " ".join(f"{root}(first: 5) {{ nodes {{ __typename id }} }}" for root in roots)
    data = httpx2.get(running.address, params={"query": f"{{ {query} }}"}).json()["data"]
    prefixes: dict[str, set[str]] = {}
    for connection in data.values():
        for node in connection["nodes"]:
            prefixes.setdefault(node["__typename"], set()).add(node["id"].partition("_")[0])
    assert len(prefixes) == len(roots)
    assert len(set.union(*prefixes.values())) == len(roots)


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_second_request_of_the_page_gets_304(running: RunningServer, tmp_path: Path) -> None:
    """Its commands, in order; the last one prints the status that its comment says."""
    (script,) = (block for block in blocks("mobile.md", "sh") if "etag-save" in block)
    result = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script.replace("localhost:8000", f"127.0.0.1:{running.port}")],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.strip() == re.findall(r"# (\d+)$", script, re.MULTILINE)[0]
    assert json.loads((tmp_path / "latest.json").read_text())["data"]["latestNews"]["nodes"]


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("mobile.md", ["Bookmarks", "Bundle", "FrontPage", "Sync"]),
        ("apollo-kotlin.md", ["Article", "LiveNews"]),
        ("apollo-ios.md", ["Article", "LiveNews", "SectionPage"]),
    ],
)
def test_operations_of_the_apps_are_valid(page: str, names: list[str]) -> None:
    """Each file has the name of its operation."""
    texts = files(page, "graphql")
    assert sorted(texts) == [f"{name}.graphql" for name in names]
    schema = build_schema(SDL.read_text())
    for name in names:
        document = parse(texts[f"{name}.graphql"])
        assert validate(schema, document) == []
        (operation,) = document.definitions
        assert isinstance(operation, OperationDefinitionNode)
        assert operation.name
        assert operation.name.value == name


def test_cache_keys_and_scalars_of_the_apps_fit_the_schema() -> None:
    """Policies of Apollo Kotlin are valid, and each custom scalar is mapped."""
    policies = files("apollo-kotlin.md", "graphqls")["extra.graphqls"]
    extended = build_schema(f"{SDL.read_text()}\n{KOTLIN_DIRECTIVES}\n{policies}")
    assert extended.get_type("Node")
    mobile, kotlin = ((DOCS / page).read_text() for page in ("mobile.md", "apollo-kotlin.md"))
    for scalar in re.findall(r"^scalar (\w+)", SDL.read_text(), re.MULTILINE):
        assert re.search(rf"^\| `{scalar}` \|", mobile, re.MULTILINE)
        assert re.search(rf'mapScalar\w*\("{scalar}"', kotlin)
    for page in ("mobile.md", "apollo-kotlin.md", "apollo-ios.md"):
        for block in blocks(page, "json"):
            json.loads(block)


# docs/nextjs.md


def test_operations_of_the_next_page_are_valid_and_have_results(running: RunningServer) -> None:
    """Those in its server components, with the variables that the components send."""
    operations = re.findall(r"/\* GraphQL \*/ `([^`]*)`", (DOCS / "nextjs.md").read_text())
    variables = {
        "resolve": {"path": "/world/asia"},
        "latestNews": {"section": "world/asia"},
        "article": {"id": "art_701"},
    }
    assert len(operations) == len(variables)
    schema = build_schema(SDL.read_text())
    for operation in operations:
        assert validate(schema, parse(operation)) == []
        (field,) = (name for name in variables if f"{name}(" in operation)
        body = {"query": operation, "variables": variables[field]}
        answer = httpx2.post(running.address, json=body).json()
        assert answer["data"][field], answer
