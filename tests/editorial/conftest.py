"""Newsroom fixtures, one shared by a file's tests and one per test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.conftest import NOW, Server
from tests.support.editorial_client import EditorialClient, load_small_newsroom, open_editorial_client


@pytest.fixture(scope="session")
async def small_url(server: Server) -> str:
    """The small newsroom, to be copied."""
    url = await server.migrated()
    await load_small_newsroom(url)
    return url


@pytest.fixture(scope="module")
async def newsroom(server: Server, small_url: str) -> AsyncIterator[EditorialClient]:
    """One that the tests of a file share: each works at articles of its own."""
    async with open_editorial_client(server, template=small_url) as newsroom:
        yield newsroom


@pytest.fixture
async def own_desk(server: Server, small_url: str) -> AsyncIterator[EditorialClient]:
    """One that a test has for itself."""
    async with open_editorial_client(server, template=small_url) as newsroom:
        yield newsroom


@pytest.fixture(autouse=True)
async def _at_eight(request: pytest.FixtureRequest) -> None:
    """Every test of a shared desk begins at the same moment."""
    if "newsroom" in request.fixturenames:
        request.getfixturevalue("newsroom").now = NOW
