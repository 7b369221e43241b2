"""Sections that do not exist: a warning in `extensions.warnings`, also from the response cache."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.conftest import Server
from tests.support.editorial_client import ANNA, ROOT, EditorialClient, open_editorial_client

from contentql.content.records import CategoryRecord

QUERY = "query($section: String) { latestNews(section: $section) { totalCount nodes { headline } } }"


@pytest.fixture
async def newsroom(server: Server) -> AsyncIterator[EditorialClient]:
    secret = CategoryRecord(id=190, path="secret", name="Secret", hidden=True)
    async with open_editorial_client(server, secret, with_cache=True) as newsroom:
        yield newsroom


async def warnings(newsroom: EditorialClient, section: str, query: str = QUERY) -> list[dict[str, Any]]:
    """The warnings of a response with an empty page, which is the same when it is cached."""
    responses = [await newsroom.execute(query, section=section) for _ in range(2)]
    assert responses[0] == responses[1]
    assert "errors" not in responses[0]
    extensions: dict[str, list[dict[str, Any]]] = responses[0].get("extensions", {})
    if extensions:
        assert responses[0]["data"] == {"latestNews": {"totalCount": 0, "nodes": []}}
    return extensions.get("warnings", [])


@pytest.mark.parametrize(
    ("section", "suggestion"),
    [
        ("wrold", "world"),
        ("World", "world"),
        ("world/aisa", "world/asia"),
        ("asia", "world/asia"),
        ("/world/asia/", "world/asia"),
        ("politcs", "politics"),
        ("world%2Faisa", "world/asia"),
        ("secre", None),
        ("zzz", None),
        ("", None),
        ("x" * 5_000, None),
    ],
)
async def test_a_section_that_does_not_exist_is_reported(
    newsroom: EditorialClient, section: str, suggestion: str | None
) -> None:
    (warning,) = await warnings(newsroom, section)
    assert warning["code"] == "UNKNOWN_SECTION"
    assert warning["path"] == ["latestNews"]
    assert warning.get("suggestion") == suggestion
    assert warning["message"].startswith('There is no section "')
    assert ("Did you mean" in warning["message"]) is (suggestion is not None)
    assert len(warning["message"]) < 200


@pytest.mark.parametrize("section", ["world", "world/asia", "politics", "secret", "world%2Fasia"])
async def test_an_existing_section_is_no_warning(newsroom: EditorialClient, section: str) -> None:
    assert await warnings(newsroom, section) == []


async def test_every_field_has_its_own_warning(newsroom: EditorialClient) -> None:
    query = """{
        one: latestNews(section: "wrold") { nodes { id } }
        viewer { role }
        two: latestNews(section: "world") { edges { cursor } }
        three: latestNews(section: "polticis", first: 0) { pageInfo { hasNextPage } }
        all: latestNews { totalCount }
    }"""
    response = await newsroom.execute(query)
    found_paths = [(w["path"], w["suggestion"]) for w in response["extensions"]["warnings"]]
    assert found_paths == [(["one"], "world"), (["three"], "politics")]
    assert response["data"]["all"] == {"totalCount": 1}


async def test_a_cached_warning_ends_when_the_section_appears(newsroom: EditorialClient) -> None:
    assert len(await warnings(newsroom, "sport")) == 1
    await newsroom.mutate_ok("createCategory", name="Sport", slug="sport")
    assert await warnings(newsroom, "sport") == []


async def test_suggestions_have_the_present_names_of_sections(newsroom: EditorialClient) -> None:
    assert (await warnings(newsroom, "politcs"))[0]["suggestion"] == "politics"
    await newsroom.mutate_ok("updateCategory", id="politics", slug="home-politcs-desk")
    assert (await warnings(newsroom, "home-politcs-des"))[0]["suggestion"] == "home-politcs-desk"
    assert (await warnings(newsroom, "politcs"))[0].get("suggestion") != "politics"
    assert await warnings(newsroom, "politics") == []  # a former path


async def test_a_section_that_becomes_hidden_is_no_longer_suggested(newsroom: EditorialClient) -> None:
    assert (await warnings(newsroom, "politcs"))[0]["suggestion"] == "politics"
    await newsroom.mutate_ok("updateCategory", id="politics", hidden=True)
    assert "suggestion" not in (await warnings(newsroom, "politcs"))[0]


@pytest.mark.parametrize("actor", [ANNA, ROOT])
async def test_signed_in_viewers_get_the_warning(newsroom: EditorialClient, actor: Any) -> None:
    response = await newsroom.execute(QUERY, actor, section="wrold")
    assert response["extensions"]["warnings"][0]["suggestion"] == "world"


async def test_other_errors_and_extensions_stay_beside_the_warning(newsroom: EditorialClient) -> None:
    query = '{ latestNews(section: "wrold") { totalCount } article(id: "nonsense") { id } }'
    response = await newsroom.execute(query)
    assert [error["extensions"]["code"] for error in response["errors"]] == ["INVALID_ID"]
    assert [w["code"] for w in response["extensions"]["warnings"]] == ["UNKNOWN_SECTION"]
