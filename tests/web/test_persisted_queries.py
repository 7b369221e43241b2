"""Automatic persisted queries and trusted documents over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import orjson
import pytest
from tests.conftest import Server
from tests.support.http_client import error_code, make_client

from contentql.app import build_executor
from contentql.execution.executor import Executor
from contentql.settings import Settings
from contentql.store.database import Database
from contentql.store.trusted_documents import NewTrustedDocument, add_documents, remove_documents, sha256

TEXT = "query Sections { categories(first: 1) { nodes { path } } }"
OTHER = "{ categories(first: 2) { nodes { path } } }"


def hash_extensions(text: str, version: int = 1) -> dict[str, Any]:
    """The extensions that send a document by its hash."""
    return {"persistedQuery": {"version": version, "sha256Hash": sha256(text)}}


@pytest.fixture
async def http(demo_executor: Executor) -> AsyncIterator[httpx2.AsyncClient]:
    async with make_client(demo_executor) as http:
        yield http


async def test_persisted_query_is_registered_once_and_sent_by_hash(http: httpx2.AsyncClient) -> None:
    """An unknown hash is an error that is not stored; afterwards the hash alone is enough."""
    by_hash = {"extensions": orjson.dumps(hash_extensions(TEXT)).decode()}
    missed = await http.get("/graphql", params=by_hash, headers={"accept": "*/*"})
    assert error_code(missed) == "PERSISTED_QUERY_NOT_FOUND"
    assert missed.json()["errors"][0]["message"] == "PersistedQueryNotFound"
    assert missed.headers["cache-control"] == "no-store"
    response = await http.post("/graphql", json={"query": TEXT, "extensions": hash_extensions(TEXT)})
    assert response.status_code == 200
    again = await http.get("/graphql", params=by_hash, headers={"accept": "*/*"})
    assert (again.status_code, again.json()) == (200, response.json())
    assert "application/graphql-response+json" in again.headers["content-type"]
    assert (await http.post("/graphql", json={"extensions": hash_extensions(TEXT)})).json() == response.json()


async def test_hash_of_another_document_is_rejected(http: httpx2.AsyncClient) -> None:
    """A document cannot be registered under a different hash."""
    wrong = await http.post("/graphql", json={"query": OTHER, "extensions": hash_extensions(TEXT + " ")})
    assert (wrong.status_code, error_code(wrong)) == (400, "BAD_REQUEST")
    after = await http.post("/graphql", json={"extensions": hash_extensions(TEXT + " ")})
    assert error_code(after) == "PERSISTED_QUERY_NOT_FOUND"


@pytest.mark.parametrize(
    "value",
    [{"version": 2, "sha256Hash": "0" * 64}, {"sha256Hash": "0" * 64}, "nonsense", {"version": 1.5}],
)
async def test_other_persisted_query_versions_are_rejected(http: httpx2.AsyncClient, value: Any) -> None:
    """Only version 1 is supported."""
    response = await http.post("/graphql", json={"query": TEXT, "extensions": {"persistedQuery": value}})
    assert error_code(response) == "PERSISTED_QUERY_NOT_SUPPORTED"


@pytest.mark.parametrize("hash", ["", "abc", "g" * 63, 7, None, "é" * 64])
async def test_invalid_hashes_are_rejected(http: httpx2.AsyncClient, hash: Any) -> None:
    """The error is INVALID_REQUEST, without a lookup."""
    fields = {"persistedQuery": {"version": 1, "sha256Hash": hash}}
    response = await http.post("/graphql", json={"extensions": fields})
    assert (response.status_code, error_code(response)) == (422, "INVALID_REQUEST")


async def test_invalid_documents_are_not_registered(http: httpx2.AsyncClient) -> None:
    """A text with syntax or validation errors stays unknown."""
    for text in ("{", "{ nonsense }"):
        await http.post("/graphql", json={"query": text, "extensions": hash_extensions(text)})
        response = await http.post("/graphql", json={"extensions": hash_extensions(text)})
        assert error_code(response) == "PERSISTED_QUERY_NOT_FOUND"


@pytest.fixture
async def trusted_database(server: Server, demo_url: str) -> AsyncIterator[Database]:
    """A newsroom with one trusted document."""
    url = await server.migrated()
    database = Database(url)
    await add_documents(database, [NewTrustedDocument(sha256(TEXT), TEXT, "Sections", "web", 2)])
    async with database:
        yield database
    await server.drop(url)


def make_executor(database: Database) -> Executor:
    return build_executor(Settings(), database)


async def test_trusted_documents_are_executed_by_id(trusted_database: Database) -> None:
    """With or without the prefix, by POST and GET; an unknown id is 404 and not cached."""
    async with make_client(make_executor(trusted_database)) as http:
        for id in (f"sha256:{sha256(TEXT)}", sha256(TEXT)):
            by_post = await http.post("/graphql", json={"documentId": id})
            by_get = await http.get("/graphql", params={"documentId": id})
            assert by_post.json() == by_get.json() == {"data": {"categories": {"nodes": []}}}
        relay = await http.post("/graphql", json={"doc_id": sha256(TEXT)})
        assert relay.status_code == 200
        unknown = await http.post("/graphql", json={"documentId": f"sha256:{'0' * 64}"})
        assert (unknown.status_code, error_code(unknown)) == (404, "DOCUMENT_NOT_FOUND")
        assert unknown.headers["cache-control"] == "no-store"
        id_and_query = await http.post("/graphql", json={"documentId": sha256(TEXT), "query": TEXT})
        assert (id_and_query.status_code, error_code(id_and_query)) == (422, "INVALID_REQUEST")


async def test_only_trusted_documents_are_executed_when_required(trusted_database: Database) -> None:
    """Other texts are rejected by POST and GET, and cannot be registered by hash."""
    async with make_client(make_executor(trusted_database), trusted_documents="required") as http:
        assert (await http.post("/graphql", json={"query": TEXT})).status_code == 200
        assert (await http.post("/graphql", json={"documentId": sha256(TEXT)})).status_code == 200
        assert (await http.post("/graphql", json={"extensions": hash_extensions(TEXT)})).status_code == 200
        for body in (
            {"query": OTHER},
            {"query": OTHER, "extensions": hash_extensions(OTHER)},
            {"query": TEXT + " "},
        ):
            response = await http.post("/graphql", json=body)
            assert (response.status_code, error_code(response)) == (403, "DOCUMENT_NOT_TRUSTED")
        again = await http.post("/graphql", json={"extensions": hash_extensions(OTHER)})
        assert error_code(again) == "PERSISTED_QUERY_NOT_FOUND"
        by_get = await http.get("/graphql", params={"query": OTHER})
        assert (by_get.status_code, error_code(by_get)) == (403, "DOCUMENT_NOT_TRUSTED")


async def test_removed_documents_are_rejected(trusted_database: Database) -> None:
    """By id, by hash and as text, as soon as the last use is written."""
    async with make_client(make_executor(trusted_database), trusted_documents="required") as http:
        bodies: list[dict[str, Any]] = [
            {"documentId": sha256(TEXT)},
            {"extensions": hash_extensions(TEXT)},
            {"query": TEXT},
        ]
        for body in bodies:
            assert (await http.post("/graphql", json=body)).status_code == 200
        await remove_documents(trusted_database, [sha256(TEXT)])
        documents = http._transport.app.operations.persisted.documents  # type: ignore[attr-defined]
        for body in bodies:
            await http.post("/graphql", json=body)
            await documents.flush_last_used()
            response = await http.post("/graphql", json=body)
            assert error_code(response) in (
                "DOCUMENT_NOT_FOUND", "PERSISTED_QUERY_NOT_FOUND", "DOCUMENT_NOT_TRUSTED",
            )  # fmt: skip
