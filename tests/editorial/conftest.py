"""Newsdesks that tests of one file share, and one that a test has for itself."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.conftest import NOW, Server
from tests.support.editorial_client import Newsdesk, fill, newsdesk


@pytest.fixture(scope="session")
async def small_url(server: Server) -> str:
    """The small newsroom, to be copied."""
    url = await server.migrated()
    await fill(url)
    return url


@pytest.fixture(scope="module")
async def desk(server: Server, small_url: str) -> AsyncIterator[Newsdesk]:
    """One that the tests of a file share: each works at articles of its own."""
    async with newsdesk(server, template=small_url) as desk:
        yield desk


@pytest.fixture
async def own_desk(server: Server, small_url: str) -> AsyncIterator[Newsdesk]:
    """One that a test has for itself."""
    async with newsdesk(server, template=small_url) as desk:
        yield desk


@pytest.fixture(autouse=True)
async def _at_eight(request: pytest.FixtureRequest) -> None:
    """Every test of a shared desk begins at the same moment."""
    if "desk" in request.fixturenames:
        request.getfixturevalue("desk").now = NOW
