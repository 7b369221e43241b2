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


def named(text: str, version: int = 1) -> dict[str, Any]:
    return {"persistedQuery": {"version": version, "sha256Hash": sha256(text)}}


@pytest.fixture
async def http(demo_executor: Executor) -> AsyncIterator[httpx2.AsyncClient]:
    async with make_client(demo_executor) as http:
        yield http


async def test_a_text_is_sent_once_and_named_from_then_on(http: httpx2.AsyncClient) -> None:
    """A miss that no cache keeps, the text with its hash, and then the hash alone, by POST and by GET."""
    by_hash = {"extensions": orjson.dumps(named(TEXT)).decode()}
    missed = await http.get("/graphql", params=by_hash, headers={"accept": "*/*"})
    assert error_code(missed) == "PERSISTED_QUERY_NOT_FOUND"
    assert missed.json()["errors"][0]["message"] == "PersistedQueryNotFound"
    assert missed.headers["cache-control"] == "no-store"
    response = await http.post("/graphql", json={"query": TEXT, "extensions": named(TEXT)})
    assert response.status_code == 200
    again = await http.get("/graphql", params=by_hash, headers={"accept": "*/*"})
    assert (again.status_code, again.json()) == (200, response.json())
    assert "application/graphql-response+json" in again.headers["content-type"]
    assert (await http.post("/graphql", json={"extensions": named(TEXT)})).json() == response.json()


async def test_a_hash_must_be_its_texts_own(http: httpx2.AsyncClient) -> None:
    """A document cannot be registered under a hash that is not its own."""
    wrong = await http.post("/graphql", json={"query": OTHER, "extensions": named(TEXT + " ")})
    assert (wrong.status_code, error_code(wrong)) == (400, "BAD_REQUEST")
    after = await http.post("/graphql", json={"extensions": named(TEXT + " ")})
    assert error_code(after) == "PERSISTED_QUERY_NOT_FOUND"


@pytest.mark.parametrize(
    "value",
    [{"version": 2, "sha256Hash": "0" * 64}, {"sha256Hash": "0" * 64}, "nonsense", {"version": 1.5}],
)
async def test_other_protocols_are_refused(http: httpx2.AsyncClient, value: Any) -> None:
    """Only version 1 is spoken."""
    answer = await http.post("/graphql", json={"query": TEXT, "extensions": {"persistedQuery": value}})
    assert error_code(answer) == "PERSISTED_QUERY_NOT_SUPPORTED"


@pytest.mark.parametrize("hash", ["", "abc", "g" * 63, 7, None, "é" * 64])
async def test_invalid_hashes_are_rejected(http: httpx2.AsyncClient, hash: Any) -> None:
    """With a code, before anything is looked up."""
    fields = {"persistedQuery": {"version": 1, "sha256Hash": hash}}
    answer = await http.post("/graphql", json={"extensions": fields})
    assert (answer.status_code, error_code(answer)) == (400, "BAD_REQUEST")


async def test_what_is_no_document_is_not_remembered(http: httpx2.AsyncClient) -> None:
    """A text that does not parse, or asks for what there is not, takes no room."""
    for text in ("{", "{ nonsense }"):
        await http.post("/graphql", json={"query": text, "extensions": named(text)})
        answer = await http.post("/graphql", json={"extensions": named(text)})
        assert error_code(answer) == "PERSISTED_QUERY_NOT_FOUND"


@pytest.fixture
async def trusting(server: Server, demo_url: str) -> AsyncIterator[Database]:
    """A newsroom with one trusted document."""
    url = await server.migrated()
    database = Database(url)
    await add_documents(database, [NewTrustedDocument(sha256(TEXT), TEXT, "Sections", "web", 2)])
    async with database:
        yield database
    await server.drop(url)


def answers(database: Database) -> Executor:
    return build_executor(Settings(), database)


async def test_trusted_documents_are_executed_by_id(trusting: Database) -> None:
    """With the prefix or without, by POST and by GET; another id is not found, and never cached."""
    async with make_client(answers(trusting)) as http:
        for id in (f"sha256:{sha256(TEXT)}", sha256(TEXT)):
            by_post = await http.post("/graphql", json={"documentId": id})
            by_get = await http.get("/graphql", params={"documentId": id})
            assert by_post.json() == by_get.json() == {"data": {"categories": {"nodes": []}}}
        relay = await http.post("/graphql", json={"doc_id": sha256(TEXT)})
        assert relay.status_code == 200
        unknown = await http.post("/graphql", json={"documentId": f"sha256:{'0' * 64}"})
        assert (unknown.status_code, error_code(unknown)) == (404, "DOCUMENT_NOT_FOUND")
        assert unknown.headers["cache-control"] == "no-store"
        both_executors = await http.post("/graphql", json={"documentId": sha256(TEXT), "query": TEXT})
        assert (both_executors.status_code, error_code(both_executors)) == (400, "BAD_REQUEST")


async def test_only_trusted_documents_are_executed_when_required(trusting: Database) -> None:
    """In `trusted` mode any other text is refused, however it is sent, and no hash slips one in."""
    async with make_client(answers(trusting), trusted_documents="required") as http:
        assert (await http.post("/graphql", json={"query": TEXT})).status_code == 200
        assert (await http.post("/graphql", json={"documentId": sha256(TEXT)})).status_code == 200
        assert (await http.post("/graphql", json={"extensions": named(TEXT)})).status_code == 200
        for body in ({"query": OTHER}, {"query": OTHER, "extensions": named(OTHER)}, {"query": TEXT + " "}):
            answer = await http.post("/graphql", json=body)
            assert (answer.status_code, error_code(answer)) == (403, "DOCUMENT_NOT_TRUSTED")
        again = await http.post("/graphql", json={"extensions": named(OTHER)})
        assert error_code(again) == "PERSISTED_QUERY_NOT_FOUND"
        by_get = await http.get("/graphql", params={"query": OTHER})
        assert (by_get.status_code, error_code(by_get)) == (403, "DOCUMENT_NOT_TRUSTED")


async def test_removed_documents_are_rejected(trusting: Database) -> None:
    """However it is asked for: by id, by hash or as text, once its use has been written down."""
    async with make_client(answers(trusting), trusted_documents="required") as http:
        ways: list[dict[str, Any]] = [
            {"documentId": sha256(TEXT)},
            {"extensions": named(TEXT)},
            {"query": TEXT},
        ]
        for way in ways:
            assert (await http.post("/graphql", json=way)).status_code == 200
        await remove_documents(trusting, [sha256(TEXT)])
        documents = http._transport.app.persisted.documents  # type: ignore[attr-defined]
        for way in ways:
            await http.post("/graphql", json=way)
            await documents.flush_last_used()
            refused = await http.post("/graphql", json=way)
            assert error_code(refused) in (
                "DOCUMENT_NOT_FOUND", "PERSISTED_QUERY_NOT_FOUND", "DOCUMENT_NOT_TRUSTED",
            )  # fmt: skip
