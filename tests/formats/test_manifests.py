"""Persisted document manifests of other tools: ids, texts, names and errors."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
import pytest

from contentql.formats.manifests import MAX_MANIFEST, ManifestEntry, read_manifest

LATEST = "query Latest {\n  latestNews {\n    nodes {\n      headline\n    }\n  }\n}"
VIEWER = "query Viewer { viewer { role } }"
LATEST_SHA = hashlib.sha256(LATEST.encode()).hexdigest()
VIEWER_SHA = hashlib.sha256(VIEWER.encode()).hexdigest()


def written(value: Any, file: str = "m.json") -> list[ManifestEntry]:
    return list(read_manifest(orjson.dumps(value), file))


def faults(value: Any) -> list[str]:
    return [entry.error for entry in written(value)]


def apollo(*operations: Any) -> dict[str, Any]:
    return {"format": "apollo-persisted-query-manifest", "version": 1, "operations": list(operations)}


def test_apollo() -> None:
    """Operations with id, name, type and body; names are kept."""
    assert written(
        apollo(
            {"id": LATEST_SHA, "name": "Latest", "type": "query", "body": LATEST},
            {"id": "viewer-1", "name": "Viewer", "type": "query", "body": VIEWER},
        )
    ) == [
        ManifestEntry("m.json: operation 1", LATEST_SHA, LATEST, "Latest"),
        ManifestEntry("m.json: operation 2", "viewer-1", VIEWER, "Viewer"),
    ]


def test_relay() -> None:
    """MD5 ids lead to texts; the id is the one the client sends."""
    md5 = hashlib.md5(LATEST.encode()).hexdigest()
    assert written({md5: LATEST}) == [ManifestEntry("m.json", md5, LATEST)]


def test_codegen_and_tada() -> None:
    """SHA-256 ids, bare or with their prefix, are one and the same id."""
    assert [(e.id, e.text) for e in written({LATEST_SHA: LATEST, f"sha256:{VIEWER_SHA}": VIEWER})] == [
        (LATEST_SHA, LATEST),
        (VIEWER_SHA, VIEWER),
    ]


@pytest.mark.parametrize("file", ["latest.graphql", "latest.gql", "latest"])
def test_a_plain_document(file: str) -> None:
    """Its id is the SHA-256 of the file, to the last byte."""
    text = LATEST + "\r\n# é\n"
    sha = hashlib.sha256(text.encode()).hexdigest()
    assert list(read_manifest(text.encode(), file)) == [ManifestEntry(file, sha, text)]


def test_an_empty_manifest_has_no_documents() -> None:
    """And that is no fault."""
    assert written({}) == written(apollo()) == []


def test_a_hash_that_is_not_the_texts() -> None:
    """Is named with its reason; the others go on."""
    fields = {LATEST_SHA: VIEWER, f"sha256:{VIEWER_SHA[:-1]}": VIEWER, VIEWER_SHA: VIEWER}
    assert faults(fields) == ["the id is not the SHA-256 of the text"] * 2 + [""]
    upper = {f"sha256:{VIEWER_SHA.upper()}": VIEWER}
    assert faults(upper) == ["the id is not the SHA-256 of the text"]


def test_ids_that_cannot_be_used() -> None:
    """Too long, empty, or with characters that no client could send everywhere."""
    fields = {"x" * 129: VIEWER, "": VIEWER, "a b": VIEWER, "web~1.0~abc": VIEWER, "x" * 128: VIEWER}
    assert [error.partition(" cannot")[2] != "" for error in faults(fields)] == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_operations_that_are_none() -> None:
    """No object, no id, no text."""
    operations = ("x", {"body": VIEWER}, {"id": "a"}, {"id": "a", "body": 1}, {"id": "a", "body": VIEWER})
    result = faults(apollo(*operations))
    assert result[0] == "an operation must be an object with `id` and `body`"
    assert "the id 'None' cannot be used" in result[1]
    assert result[2:] == ["the text of the document is missing"] * 2 + [""]


@pytest.mark.parametrize(
    ("content", "exc"),
    [
        (b"{", "not JSON: "),
        (b"", "not JSON: "),
        (b"[1]", "not a manifest: it must be a JSON object"),
        (b'"x"', "not a manifest: it must be a JSON object"),
        (
            b'{"format": "apollo-persisted-query-manifest", "version": 2, "operations": []}',
            "not a supported manifest",
        ),
        (b'{"format": "other", "version": 1, "operations": []}', "not a supported manifest"),
        (
            b'{"format": "apollo-persisted-query-manifest", "version": 1, "operations": 1}',
            "not a supported manifest",
        ),
        (b" " * (MAX_MANIFEST + 1), "the manifest is larger than 32 MiB"),
        (b"[" * 100_000, "not JSON: "),
    ],
)
def test_what_is_no_manifest(content: bytes, exc: str) -> None:
    """One sentence says why."""
    (entry,) = read_manifest(content, "m.json")
    assert (entry.where, entry.text) == ("m.json", "")
    assert entry.error.startswith(exc)


def test_a_file_that_is_no_text() -> None:
    """Is named too."""
    assert [e.error for e in read_manifest(b"\xff\xfe{", "x.graphql")] == ["the file is not UTF-8 text"]
