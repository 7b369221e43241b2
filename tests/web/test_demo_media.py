"""The pictures of the demo newsroom: files, URLs and their route."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import httpx2
import orjson
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from tests.conftest import Server
from tests.support.browser import open_page
from tests.support.page_audit import low_contrast_texts

from contentql.app import build_executor, create_app
from contentql.cli.demo import load_demo
from contentql.execution.request import GraphQLRequest
from contentql.fixtures import DEMO_CONTENT
from contentql.fixtures.demo_media import demo_media_files, demo_media_name
from contentql.settings import Settings
from contentql.store.database import Database
from contentql.web.demo_media import demo_media_routes

MEDIA_QUERY = "{ media: mediaItems(first: 100) { nodes { kind url renditions { url } } } }"


def pictures() -> Iterator[dict[str, Any]]:
    """Every picture of the demo content and each of its renditions: url, mime, width, height."""
    for line in DEMO_CONTENT.read_bytes().splitlines():
        record = orjson.loads(line)
        if record["record"] == "media" and record["kind"] == "IMAGE":
            yield record
            yield from record.get("renditions", ())


def image_size(data: bytes) -> tuple[str, int, int]:
    """Media type, width and height of a PNG, WebP or JPEG."""
    if data.startswith(b"\x89PNG"):
        return "image/png", *struct.unpack(">II", data[16:24])
    if data[:4] == b"RIFF":
        assert data[12:16] == b"VP8 "
        width, height = struct.unpack("<HH", data[26:30])
        return "image/webp", width & 0x3FFF, height & 0x3FFF
    assert data.startswith(b"\xff\xd8")
    place = 2
    while data[place + 1] not in (0xC0, 0xC2):  # start of frame
        place += 2 + int.from_bytes(data[place + 2 : place + 4])
    height, width = struct.unpack(">HH", data[place + 5 : place + 9])
    return "image/jpeg", width, height


@pytest.fixture
def client() -> TestClient:
    return TestClient(Starlette(routes=demo_media_routes()))


def test_every_picture_of_the_demo_newsroom_is_served(client: TestClient) -> None:
    """With the type and size of its record, small, and each one different."""
    names = []
    for picture in pictures():
        name = demo_media_name(picture["url"])
        assert name, picture["url"]
        names.append(name)
        response = client.get(f"/demo/media/{name}")
        assert response.status_code == 200
        assert response.headers["content-type"] == picture["mime"]
        assert response.headers["cache-control"] == "public, max-age=86400"
        assert image_size(response.content) == (picture["mime"], picture["width"], picture["height"])
        assert len(response.content) < 45_000
    assert sorted(names) == sorted(demo_media_files())
    assert len({path.read_bytes() for path in demo_media_files().values()}) == len(names)


@pytest.mark.parametrize("path", ["", "nothing.jpg", "../newsroom.jsonl", "%2e%2e/newsroom.jsonl", "marrow"])
def test_only_pictures_are_served(client: TestClient, path: str) -> None:
    assert client.get(f"/demo/media/{path}").status_code == 404


def test_pictures_are_served_only_with_the_demo(database_url: str) -> None:
    for demo, status in ((False, 404), (True, 200)):
        client = TestClient(create_app(Settings(database_url=database_url, demo=demo)))
        assert client.get("/demo/media/marrow/comet.jpg").status_code == status


async def test_urls_of_the_pictures_are_those_of_the_server(server: Server) -> None:
    """At each start, whatever host and port were before; other URLs stay as they are."""
    url = await server.demo()
    for base_url in ("http://127.0.0.1:8000", "https://example.org/cms"):
        await load_demo(Database(url), base_url)
        async with Database(url) as database:
            executor = build_executor(Settings(response_cache_bytes=0), database)
            response = await executor.execute(GraphQLRequest(MEDIA_QUERY))
        for media in orjson.loads(response.body)["data"]["media"]["nodes"]:
            for value in (media["url"], *(rendition["url"] for rendition in media["renditions"])):
                if media["kind"] == "IMAGE":
                    assert value.startswith(f"{base_url}/demo/media/")
                    assert demo_media_name(value)
                else:
                    assert value.startswith("https://media.example.org/")


def test_other_urls_are_no_pictures_of_the_demo() -> None:
    for url in (
        "https://media.example.org/a.jpg",
        "https://example.org/marrow/comet.jpg",
        "https://example.org/?u=https://media.example.org/marrow/comet.jpg",
        "http://[/demo/media/",
        "marrow/comet.jpg",
    ):
        assert demo_media_name(url) is None


CREATE_LINK = "mutation ($id: ID!) { createPreviewLink(input: {id: $id}) { url } }"
SHOWN_PICTURES_JS = "[...document.images].map(image => image.naturalWidth > 0)"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    ("article", "pictures", "words"),
    [
        ("art_719", 1, "Key event 21 June 2025, 09:02 UTC They are off"),
        ("art_730", 4, "Section"),
        ("art_715", 1, "Audio The bell of the first car."),
    ],
)
async def test_previews_show_pictures_in_readable_pages(
    browser: str, server_url: str, token: str, article: str, pictures: int, words: str, theme: str
) -> None:
    """On a phone, in both themes, without a request to another host."""
    async with httpx2.AsyncClient(headers={"authorization": f"Bearer {token}"}) as client:
        payload = {"query": CREATE_LINK, "variables": {"id": article}}
        response = await client.post(f"{server_url}/graphql", json=payload)
    url = response.json()["data"]["createPreviewLink"]["url"]
    assert url.startswith(f"{server_url}/preview/cqlp_")
    async with open_page(browser) as page:
        await page.resize(390, 844)
        await page.set_color_scheme(theme)
        for address in (url, f"{url}/"):
            await page.open(address)
            assert await page.evaluate(SHOWN_PICTURES_JS) == [True] * pictures
        assert words in await page.evaluate("document.body.innerText.replace(/\\s+/g, ' ')")
        root = "document.documentElement"
        assert await page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth")
        assert await low_contrast_texts(page) == []
        assert page.console_errors == []
        assert page.external_requests(server_url) == []
