"""The extensions that the HTTP protocol class offers an application."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.types import Receive, Scope, Send
from tests.support.threaded_server import HOST, ThreadedServer

from contentql.app import create_app
from contentql.server.extensions import RAW_RESPONSE_EXTENSION, TRY_CACHED_RESPONSE
from contentql.server.options import uvicorn_options
from contentql.settings import Settings

HEADERS = b"content-type: text/plain\r\ncontent-length: 6\r\n"


class CountingApp:
    """An application with a cached response for /cached; records the paths it is called for."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.raw = False

    def try_cached_response(self, scope: Scope, sent: bytes) -> tuple[int, bytes, bytes] | None:
        return (200, HEADERS, b"cached") if scope["path"] == "/cached" else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.calls.append(scope["path"])
        write: Any = scope.get("extensions", {}).get(RAW_RESPONSE_EXTENSION)
        self.raw = write is not None and write(200, HEADERS, b"staged")
        if not self.raw:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"staged"})


@pytest.fixture(params=["contentql", "uvicorn"])
def server(request: pytest.FixtureRequest) -> Iterator[tuple[str, CountingApp, str]]:
    """Protocol, application and URL of a running server."""
    app = CountingApp()
    options = uvicorn_options(Settings(http_protocol=request.param))
    with ThreadedServer(app, **{**options, "lifespan": "off"}) as server:
        yield request.param, app, f"http://{HOST}:{server.port}"


async def test_cached_responses_start_no_task(server: tuple[str, CountingApp, str]) -> None:
    """Holds for our protocol class; uvicorn's own class calls the application."""
    protocol, app, url = server
    async with httpx2.AsyncClient(base_url=url) as http:
        response = await http.get("/cached")
        assert response.text == ("cached" if protocol == "contentql" else "staged")
        assert app.calls == ([] if protocol == "contentql" else ["/cached"])
        assert (await http.get("/other")).text == "staged"
        assert app.calls[-1] == "/other"
        assert app.raw == (protocol == "contentql")


def test_application_provides_cached_responses(tmp_path: Path) -> None:
    """The application has the attribute that the protocol class looks up."""
    app = create_app(Settings(database_url=f"sqlite:///{tmp_path}/news.sqlite3"))
    assert callable(getattr(app, TRY_CACHED_RESPONSE))
