"""The command `contentql documents`."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner, Result

from contentql.cli import app
from contentql.store.database import Database
from contentql.store.trusted_documents import TrustedDocumentStore

LATEST = "query Latest { latestNews(first: 20) { nodes { headline } } }"
ARTICLE = "query Bundle($slug: String!) { article(slug: $slug) { related { nodes { headline } } } }"


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def operation(name: str, text: str, id: str = "") -> dict[str, str]:
    return {"id": id or sha(text), "name": name, "type": "query", "body": text}


def manifest(*operations: dict[str, str]) -> bytes:
    fields = {"format": "apollo-persisted-query-manifest", "version": 1, "operations": operations}
    return orjson.dumps(fields)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test runs in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CONTENTQL_DATABASE_URL", raising=False)


def run(*arguments: str, code: int = 0, url: str = "", stdin: bytes | None = None) -> Result:
    """The result of `contentql documents` with the arguments, which must have the exit code."""
    environment = {"CONTENTQL_DATABASE_URL": url} if url else {}
    result = CliRunner().invoke(app, ["documents", *arguments], input=stdin, env=environment)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


@pytest.fixture
def database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The database that all commands of a test work on."""
    monkeypatch.setenv("CONTENTQL_DATABASE_URL", database_url)
    return database_url


async def output_of(*arguments: str, code: int = 0, stdin: bytes | None = None) -> list[str]:
    """The lines on stdout of the command."""
    result = await asyncio.to_thread(run, *arguments, code=code, stdin=stdin)
    return result.stdout.splitlines()


async def stored_documents() -> dict[str, dict[str, Any]]:
    """The listed documents by id."""
    rows = orjson.loads("\n".join(await output_of("--json")))
    return {row["id"]: row for row in rows}


async def test_manifests_are_added_and_listed(database: str) -> None:
    """With names, clients and costs; a cost that depends on variables is left open."""
    assert await output_of() == [
        "There are no trusted documents. Add some with: contentql documents add MANIFEST"
    ]
    Path("m.json").write_bytes(manifest(operation("Latest", LATEST), operation("Bundle", ARTICLE, "b-1")))
    assert await output_of("add", "m.json", "--client", "web") == [
        f"m.json: operation 1: added Latest {sha(LATEST)[:12]}",
        "m.json: operation 2: added Bundle b-1",
        "2 documents: 2 added, 0 unchanged, 0 failed.",
    ]
    assert await output_of() == [
        "id            name    client  cost  uses  last used",
        "b-1           Bundle  web              0  never",
        f"{sha(LATEST)[:12]}  Latest  web       21     0  never",
    ]
    assert (await stored_documents())["b-1"] == {
        **(await stored_documents())["b-1"],
        "sha256": sha(ARTICLE),
        "name": "Bundle",
        "client": "web",
        "cost": None,
        "uses": 0,
        "lastUsedAt": None,
        "text": ARTICLE,
    }


async def test_adding_the_same_manifest_again_changes_nothing(database: str) -> None:
    """Holds for dry runs and for another client with the same document."""
    Path("m.json").write_bytes(manifest(operation("Latest", LATEST)))
    assert (await output_of("add", "m.json", "--dry-run"))[-1] == (
        "1 documents: 1 added, 0 unchanged, 0 failed. Dry run: nothing was changed."
    )
    assert await stored_documents() == {}
    await output_of("add", "m.json", "--client", "web")
    before = await stored_documents()
    for client in ("web", "ios"):
        last = (await output_of("add", "m.json", "--client", client))[-1]
        assert last == "1 documents: 0 added, 1 unchanged, 0 failed."
    assert await stored_documents() == before


async def test_invalid_documents_are_reported_and_the_others_added(database: str) -> None:
    """Wrong hashes, syntax errors, unknown fields and exceeded limits, each with its reason."""
    inner = "related(first: 100) { nodes { related { nodes { id } } } }"
    wide = f"query Wide {{ articles(first: 100) {{ nodes {{ {inner} }} }} }}"
    Path("m.json").write_bytes(
        manifest(
            operation("Hash", LATEST, sha(ARTICLE)),
            operation("Broken", "query Broken {"),
            operation("Unknown", "query Unknown { nothing }"),
            operation("Other", LATEST),
            operation("Wide", wide),
            operation("Page", "query Page { latestNews(first: 500) { nodes { id } } }"),
            operation("Latest", LATEST),
        )
    )
    lines = await output_of("add", "m.json", code=3)
    reasons = [
        "the id is not the SHA-256 of the text",
        "Syntax Error: Expected Name, found <EOF>.",
        "Cannot query field 'nothing' on type 'Query'.",
        "The document has no operation named 'Other'.",
        "10,000 are allowed",
        "0 to 100",
    ]
    for number, reason in enumerate(reasons, 1):
        assert lines[number - 1].startswith(f"m.json: operation {number}: failed ")
        assert reason in lines[number - 1]
    assert lines[-1] == "7 documents: 1 added, 0 unchanged, 6 failed."
    assert list(await stored_documents()) == [sha(LATEST)]


async def test_files_without_valid_documents_are_exit_code_1(database: str) -> None:
    """A missing file does not prevent the others from being added."""
    Path("m.json").write_bytes(b"[]")
    assert (await output_of("add", "m.json", code=1))[0].startswith("m.json: failed: not a manifest")
    Path("latest.graphql").write_text(LATEST)
    lines = await output_of("add", "missing.json", "latest.graphql", code=3)
    assert lines[0] == "missing.json: failed: cannot be read: No such file or directory"
    assert lines[1] == f"latest.graphql: added Latest {sha(LATEST)[:12]}"


async def test_document_ids_cannot_be_reused(database: str) -> None:
    """Another text under the same id is rejected until the first document is removed."""
    await output_of("add", "-", stdin=manifest(operation("Latest", LATEST, "one")))
    other = manifest(operation("Bundle", ARTICLE, "one"))
    assert await output_of("add", "-", stdin=other, code=1) == [
        "standard input: operation 1: failed Bundle one: another document has this id; remove it first",
        "1 documents: 0 added, 0 unchanged, 1 failed.",
    ]
    assert await output_of("remove", "one") == ["1 documents removed."]
    await output_of("add", "-", stdin=other)
    assert (await stored_documents())["one"]["text"] == ARTICLE


async def test_documents_with_several_operations_have_no_cost(database: str) -> None:
    """The selected operation is not known; a document without an operation is rejected."""
    several = "query A { viewer { role } } query B { viewer { accessDescription } }"
    Path("several.graphql").write_text(several)
    Path("none.graphql").write_text("fragment F on Article { id }")
    lines = await output_of("add", "several.graphql", "none.graphql", code=3)
    assert lines[0] == f"several.graphql: added {sha(several)[:12]}"
    assert lines[1].startswith("none.graphql: failed ")
    assert (await stored_documents())[sha(several)]["cost"] is None


async def test_documents_are_removed_by_id_prefix_or_client(database: str) -> None:
    """Unknown ids are reported."""
    texts = [f"query Q{n} {{ viewer {{ role }} }}" for n in range(3)]
    await output_of(
        "add", "-", "--client", "web", stdin=manifest(*(operation(f"Q{n}", t) for n, t in enumerate(texts)))
    )
    await output_of(
        "add", "-", "--client", "ios", stdin=orjson.dumps({"shared-a": LATEST, "shared-b": LATEST})
    )
    assert await output_of("remove", sha(texts[0])[:12], "shared-", "unknown", code=3) == [
        "shared-: no document has this id",
        "unknown: no document has this id",
        "1 documents removed.",
    ]
    assert await output_of("remove", "shared-a", f"sha256:{sha(texts[1])}") == ["2 documents removed."]
    assert await output_of("remove", "--client", "web") == ["1 documents removed."]
    assert list(await stored_documents()) == ["shared-b"]
    assert await output_of("remove", "--client", "web", code=1) == ["0 documents removed."]


async def test_ambiguous_id_prefixes_remove_nothing(database: str) -> None:
    await output_of("add", "-", stdin=orjson.dumps({"checkout-a": LATEST, "checkout-b": LATEST}))
    assert await output_of("remove", "checkout-", code=1) == [
        "checkout-: several document ids begin with this",
        "0 documents removed.",
    ]


async def test_list_shows_uses_and_last_use(database: str) -> None:
    """With the cost of the last execution."""
    await output_of("add", "-", stdin=manifest(operation("Bundle", ARTICLE)))
    async with Database(database) as newsroom:
        documents = TrustedDocumentStore(newsroom)
        assert await documents.text(f"sha256:{sha(ARTICLE)}") == ARTICLE
        for _ in range(1234):
            documents.count_use(sha(ARTICLE), 11)
        await documents.flush_last_used()
    heading, line = await output_of()
    assert heading.split() == ["id", "name", "client", "cost", "uses", "last", "used"]
    assert line.split()[:4] == [sha(ARTICLE)[:12], "Bundle", "11", "1,234"]
    assert line.endswith("Z")


def test_missing_database_is_reported() -> None:
    """The message names the command that creates it."""
    for arguments in ((), ("add", "m.json"), ("remove", "x")):
        result = run(*arguments, code=1)
        assert result.stdout == ""
        assert "Make one with: contentql migrate" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("add",), "Missing argument"),
        (("add", "m.json", "--client", ""), "1 to 100 printable characters"),
        (("add", "m.json", "--client", "a\nb"), "1 to 100 printable characters"),
        (("remove",), "use either ids or --client"),
        (("remove", "x", "--client", "web"), "use either ids or --client"),
        (("forget",), "No such command"),
    ],
)
def test_wrong_usage_is_exit_code_2(arguments: tuple[str, ...], message: str) -> None:
    """The message says what is expected."""
    assert message in " ".join(run(*arguments, code=2).stderr.replace("│", " ").split())


@pytest.mark.parametrize("command", [(), ("add",), ("remove",)])
def test_help_has_exit_codes_and_examples(command: tuple[str, ...]) -> None:
    output = run(*command, "--help").stdout
    assert "Exit codes: 0" in output
    assert "contentql documents" in output.partition("Examples:")[2]
