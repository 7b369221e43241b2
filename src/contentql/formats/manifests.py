"""Manifests of trusted documents (id, text, name), as written by client tools.

Apollo lists operations; Relay, graphql-codegen and gql.tada map ids to texts; anything else is one plain
document. Invariant: independent of schema and database; the caller validates that a text is GraphQL.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from contentql.store.trusted_documents import claims_sha256, normalize_document_id, sha256

MAX_MANIFEST = 32 * 1024 * 1024
APOLLO = "apollo-persisted-query-manifest"


@dataclass(frozen=True)
class ManifestEntry:
    """Document of a manifest, or the `error` that makes it invalid, at its location `where`."""

    where: str
    id: str = ""
    text: str = ""
    name: str | None = None
    error: str = ""


def read_manifest(content: bytes, file: str) -> Iterator[ManifestEntry]:
    """Reads the documents of a file. An invalid document becomes a ManifestEntry with its error."""
    if len(content) > MAX_MANIFEST:
        yield ManifestEntry(file, error=f"the manifest is larger than {MAX_MANIFEST // 1024 // 1024} MiB")
        return
    try:
        payload: Any = orjson.loads(content.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as exc:
        if file.endswith(".json"):
            yield ManifestEntry(file, error=f"not JSON: {exc.msg} at line {exc.lineno}")
        else:
            yield _plain(content, file)
        return
    if not isinstance(payload, dict):
        yield ManifestEntry(file, error="not a manifest: it must be a JSON object, or one GraphQL document")
    elif isinstance(payload.get("format"), str) and "operations" in payload:
        yield from _apollo(payload, file)
    else:
        for id, text in payload.items():
            yield _entry(file, id, text, None)


def _plain(content: bytes, file: str) -> ManifestEntry:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return ManifestEntry(file, error="the file is not UTF-8 text")
    return _entry(file, sha256(text), text, None)


def _apollo(values: dict[str, Any], file: str) -> Iterator[ManifestEntry]:
    existing = values["format"] == APOLLO and values.get("version") == 1
    if not existing or not isinstance(values["operations"], list):
        yield ManifestEntry(
            file, error=f"not a supported manifest: {APOLLO} version 1 must have a list of operations"
        )
        return
    for number, operation in enumerate(values["operations"], 1):
        where = f"{file}: operation {number}"
        if not isinstance(operation, dict):
            yield ManifestEntry(where, error="an operation must be an object with `id` and `body`")
            continue
        name = operation.get("name")
        yield _entry(
            where, operation.get("id"), operation.get("body"), name if isinstance(name, str) else None
        )


def _entry(where: str, id: Any, text: Any, name: str | None) -> ManifestEntry:
    if not isinstance(id, str) or (stored := normalize_document_id(id)) is None:
        rule = "an id is 1 to 128 of A-Z a-z 0-9 . _ : ~ -"
        return ManifestEntry(where, name=name, error=f"the id {str(id)[:_SHOWN]!r} cannot be used: {rule}")
    if not isinstance(text, str):
        return ManifestEntry(where, stored, name=name, error="the text of the document is missing")
    if claims_sha256(id) and stored != sha256(text):
        return ManifestEntry(where, stored, text, name, "the id is not the SHA-256 of the text")
    return ManifestEntry(where, stored, text, name)


_SHOWN = 40
