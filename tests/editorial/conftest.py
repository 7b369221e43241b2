"""Newsroom fixtures: one shared by the tests of a file, and one per test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.conftest import NOW, Server
from tests.support.editorial_client import EditorialClient, load_small_newsroom, open_editorial_client


@pytest.fixture(scope="session")
async def small_newsroom_url(server: Server) -> str:
    """URL of the small newsroom, a template to be copied."""
    url = await server.migrated()
    await load_small_newsroom(url)
    return url


@pytest.fixture(scope="module")
async def newsroom(server: Server, small_newsroom_url: str) -> AsyncIterator[EditorialClient]:
    """A newsroom shared by the tests of a file, each of which writes to its own articles."""
    async with open_editorial_client(server, template=small_newsroom_url) as newsroom:
        yield newsroom


@pytest.fixture
async def own_newsroom(server: Server, small_newsroom_url: str) -> AsyncIterator[EditorialClient]:
    """A newsroom for one test."""
    async with open_editorial_client(server, template=small_newsroom_url) as newsroom:
        yield newsroom


@pytest.fixture(autouse=True)
async def _reset_clock(request: pytest.FixtureRequest) -> None:
    """Sets the clock of the shared newsroom back to NOW before each test."""
    if "newsroom" in request.fixturenames:
        request.getfixturevalue("newsroom").now = NOW
