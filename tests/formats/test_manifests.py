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


def manifest_entries(value: Any, file: str = "m.json") -> list[ManifestEntry]:
    """The entries of a manifest with the JSON value."""
    return list(read_manifest(orjson.dumps(value), file))


def manifest_errors(value: Any) -> list[str]:
    """The error of each entry, or an empty string."""
    return [entry.error for entry in manifest_entries(value)]


def apollo_manifest(*operations: Any) -> dict[str, Any]:
    return {"format": "apollo-persisted-query-manifest", "version": 1, "operations": list(operations)}


def test_apollo_manifest_has_ids_texts_and_names() -> None:
    """The operation type is ignored."""
    assert manifest_entries(
        apollo_manifest(
            {"id": LATEST_SHA, "name": "Latest", "type": "query", "body": LATEST},
            {"id": "viewer-1", "name": "Viewer", "type": "query", "body": VIEWER},
        )
    ) == [
        ManifestEntry("m.json: operation 1", LATEST_SHA, LATEST, "Latest"),
        ManifestEntry("m.json: operation 2", "viewer-1", VIEWER, "Viewer"),
    ]


def test_relay_manifest_maps_md5_ids_to_texts() -> None:
    """The id is the one that clients send."""
    md5 = hashlib.md5(LATEST.encode()).hexdigest()
    assert manifest_entries({md5: LATEST}) == [ManifestEntry("m.json", md5, LATEST)]


def test_sha256_manifests_have_optional_prefixes() -> None:
    """The manifests of GraphQL Code Generator and gql.tada have the same ids."""
    assert [
        (e.id, e.text) for e in manifest_entries({LATEST_SHA: LATEST, f"sha256:{VIEWER_SHA}": VIEWER})
    ] == [
        (LATEST_SHA, LATEST),
        (VIEWER_SHA, VIEWER),
    ]


@pytest.mark.parametrize("file", ["latest.graphql", "latest.gql", "latest"])
def test_document_files_have_their_sha256_as_id(file: str) -> None:
    """The hash covers the whole file."""
    text = LATEST + "\r\n# é\n"
    sha = hashlib.sha256(text.encode()).hexdigest()
    assert list(read_manifest(text.encode(), file)) == [ManifestEntry(file, sha, text)]


def test_empty_manifests_have_no_entries() -> None:
    """They are not an error."""
    assert manifest_entries({}) == manifest_entries(apollo_manifest()) == []


def test_wrong_hashes_are_reported_per_entry() -> None:
    """The other entries are accepted."""
    documents = {LATEST_SHA: VIEWER, f"sha256:{VIEWER_SHA[:-1]}": VIEWER, VIEWER_SHA: VIEWER}
    assert manifest_errors(documents) == ["the id is not the SHA-256 of the text"] * 2 + [""]
    upper_case = {f"sha256:{VIEWER_SHA.upper()}": VIEWER}
    assert manifest_errors(upper_case) == ["the id is not the SHA-256 of the text"]


def test_invalid_ids_are_reported_per_entry() -> None:
    """Ids that are too long, empty, or have characters that cannot be sent in a URL."""
    documents = {"x" * 129: VIEWER, "": VIEWER, "a b": VIEWER, "web~1.0~abc": VIEWER, "x" * 128: VIEWER}
    assert [error.partition(" cannot")[2] != "" for error in manifest_errors(documents)] == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_invalid_apollo_operations_are_reported_per_entry() -> None:
    """An operation must be an object with id and text."""
    operations = ("x", {"body": VIEWER}, {"id": "a"}, {"id": "a", "body": 1}, {"id": "a", "body": VIEWER})
    errors = manifest_errors(apollo_manifest(*operations))
    assert errors[0] == "an operation must be an object with `id` and `body`"
    assert "the id 'None' cannot be used" in errors[1]
    assert errors[2:] == ["the text of the document is missing"] * 2 + [""]


@pytest.mark.parametrize(
    ("content", "error"),
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
def test_invalid_manifests_are_one_error(content: bytes, error: str) -> None:
    (entry,) = read_manifest(content, "m.json")
    assert (entry.where, entry.text) == ("m.json", "")
    assert entry.error.startswith(error)


def test_non_utf8_document_files_are_an_error() -> None:
    assert [e.error for e in read_manifest(b"\xff\xfe{", "x.graphql")] == ["the file is not UTF-8 text"]
