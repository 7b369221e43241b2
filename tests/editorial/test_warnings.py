"""Warnings of mutations: what of an input is not in the result."""

from __future__ import annotations

from typing import Any

from tests.support.editorial_client import EditorialClient

SELECTION = "article { id } warnings { code message field place }"
LOST = '<p>A picture:</p><img src="file:///C:/kim.jpg">'


async def test_a_picture_that_no_block_can_hold_is_a_warning(newsroom: EditorialClient) -> None:
    """In every form of a body that is parsed, also without saving it."""
    for body in (
        {"html": LOST},
        {"markdown": "A picture:\n\n![Kim](file:///C:/kim.jpg)"},
    ):
        for validate_only in (True, False):
            payload = await newsroom.mutate_ok(
                "createArticle",
                selection=SELECTION,
                headline="Kim weeps",
                category="world/asia",
                body=body,
                validateOnly=validate_only,
            )
            (warning,) = payload["warnings"]
            assert warning["code"] == "DROPPED"
            assert warning["field"] == ["body", *body]
            assert warning["place"] == "file:///C:/kim.jpg"


async def test_an_input_that_is_kept_whole_has_no_warnings(newsroom: EditorialClient) -> None:
    payload = await newsroom.mutate_ok(
        "createArticle", selection=SELECTION, headline="Kim weeps", body={"html": "<p>All of it.</p>"}
    )
    assert payload["warnings"] == []


async def test_a_failed_mutation_has_errors_and_no_warnings(newsroom: EditorialClient) -> None:
    payload = await newsroom.mutate("createArticle", selection=SELECTION, headline="", body={"html": LOST})
    assert payload["userErrors"]
    assert payload["warnings"] == []


async def test_a_repeated_request_returns_its_warnings(newsroom: EditorialClient) -> None:
    """With the stored payload, and with another selection."""
    input: dict[str, Any] = {"headline": "Kim weeps", "body": {"html": LOST}, "idempotencyKey": "one"}
    first = await newsroom.mutate_ok("createArticle", selection=SELECTION, **input)
    assert first["warnings"]
    assert await newsroom.mutate_ok("createArticle", selection=SELECTION, **input) == first
    other = await newsroom.mutate_ok(
        "createArticle",
        selection="article { id slug } notes: warnings { __typename code what: message field place }",
        **input,
    )
    (note,) = other["notes"]
    (warning,) = first["warnings"]
    assert note == {
        "__typename": "Warning",
        "code": warning["code"],
        "what": warning["message"],
        "field": warning["field"],
        "place": warning["place"],
    }
