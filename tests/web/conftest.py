"""A server with the demo newsroom, and GraphiQL in the browser."""

from __future__ import annotations

import datetime as dt
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.support.browser import Page, open_page
from tests.support.graphiql import open_graphiql
from tests.support.http_client import free_port

from contentql.auth import api_tokens
from contentql.auth.permissions import Role
from contentql.store.database import Database


@pytest.fixture(scope="module")
def newsroom_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """URL of the database that the server creates."""
    return f"sqlite:///{tmp_path_factory.mktemp('graphiql') / 'newsroom.sqlite3'}"


@pytest.fixture(scope="module")
def server_url(tmp_path_factory: pytest.TempPathFactory, newsroom_url: str) -> Iterator[str]:
    """URL of a running `contentql serve --demo`."""
    folder, url = tmp_path_factory.mktemp("served"), newsroom_url
    port = free_port()
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "contentql", "serve", "--demo", "--port", str(port), "--database", url],
            stdout=log,
            stderr=log,
        )
        try:
            _await_port(server, port, folder / "log")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(20)


@pytest.fixture(scope="module")
async def token(server_url: str, newsroom_url: str) -> str:
    """A token of an editor."""
    async with Database(newsroom_url).orm():
        now = dt.datetime.now(dt.UTC)
        _, secret = await api_tokens.issue_token(
            name="Jane Doe", role=Role.EDITOR, created_by="tests", now=now
        )
    return secret


@pytest.fixture
async def page(browser: str, server_url: str) -> AsyncIterator[Page]:
    """GraphiQL in a new browser profile; the test must cause no console error and no external request."""
    async with open_page(browser) as page:
        await open_graphiql(page, f"{server_url}/graphiql")
        yield page
        assert page.console_errors == []
        assert page.external_requests(server_url) == []


def _await_port(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Waits until the server accepts connections."""
    end = time.monotonic() + 30
    while time.monotonic() < end and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"the server does not serve: {log.read_text()}")
