"""An HTTP client for tests, and checks of error responses."""

from __future__ import annotations

import re
import socket
from typing import Any

import httpx2
import orjson

from contentql.app import build_admission_control
from contentql.auth.authenticator import Authenticator
from contentql.errors import ERROR_CODES
from contentql.execution.executor import Executor
from contentql.execution.request import GraphQLResponse
from contentql.settings import Settings
from contentql.store.trusted_documents import TrustedDocumentStore
from contentql.telemetry.observer import RequestObserver
from contentql.web.endpoint import GraphQLEndpoint

# Internal details that no response may contain: SQL, paths, names of code, driver messages.
INTERNAL = re.compile(
    r"""Traceback|\bFile\ "|\.py\b|site-packages|line\ \d+,\ in\b
    |\b(?:sqlite3?|asyncpg|postgres(?:ql)?|psycopg|tortoise|strawberry|graphql-core|orjson|starlette|uvicorn)\b
    |\bselect\b.+\bfrom\b|\bcoalesce\(|\bjson_|\bsyntax\ error\ (?:at|near)\b|\bno\ such\ (?:table|column)\b
    |\b(?:Operational|Programming|Database|Recursion|Value|Type|Key|Attribute|Assertion|Unicode\w*)Error\b
    |\bint\(\)|invalid\ literal|\bcodec\b|\bNoneType\b|\bobject\ at\ 0x|<class""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_ECHOED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`")


def free_port() -> int:
    """A free port of 127.0.0.1, chosen by the system: concurrent callers get different ones."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def make_endpoint(
    executor: Executor,
    *,
    body_seconds: float = 20.0,
    authenticator: Authenticator | None = None,
    **settings: Any,
) -> GraphQLEndpoint:
    """The endpoint of /graphql as `app.py` builds it, with the settings."""
    configuration = Settings(**settings)
    return GraphQLEndpoint(
        executor,
        configuration,
        authenticator=authenticator or Authenticator(executor.database, configuration),
        documents=TrustedDocumentStore(executor.database),
        observer=RequestObserver(configuration),
        admission=build_admission_control(configuration),
        body_seconds=body_seconds,
    )


def make_client(executor: Executor, **settings: Any) -> httpx2.AsyncClient:
    """An HTTP client of /graphql; an exception that leaves the endpoint fails the test."""
    return client_from(make_endpoint(executor, **settings))


def client_from(endpoint: GraphQLEndpoint, address: str = "127.0.0.1") -> httpx2.AsyncClient:
    """An HTTP client of the endpoint with the client address."""
    transport = httpx2.ASGITransport(endpoint, client=(address, 123))
    return httpx2.AsyncClient(transport=transport, base_url="http://newsroom.test")


def error_codes(status: int, body: bytes) -> list[str]:
    """The codes of an error response, whose errors must be complete and show nothing internal."""
    payload = orjson.loads(body)
    assert payload.keys() <= {"data", "errors", "extensions"}, payload
    errors = payload["errors"]
    assert errors
    for error in errors:
        assert error.keys() <= {"message", "locations", "path", "extensions"}, error
        extensions = error["extensions"]
        assert extensions["code"] in ERROR_CODES, error
        assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", extensions["requestId"]), error
        assert error["message"].strip(), error
        # Text of the client may be quoted in a message.
        own_text = _ECHOED.sub("", error["message"] + " " + extensions.get("hint", ""))
        assert not INTERNAL.search(own_text), error
    assert status < 500, payload
    return [error["extensions"]["code"] for error in errors]


def error_code(response: httpx2.Response) -> str:
    """The only error code of a response."""
    assert response.headers["content-type"].startswith(
        ("application/graphql-response+json", "application/json")
    )
    (code,) = set(error_codes(response.status_code, response.content))
    assert response.json()["errors"][0]["extensions"]["requestId"] == response.headers["x-request-id"]
    return code


def assert_no_server_error(response: GraphQLResponse) -> None:
    """The response has data, or errors with codes that show nothing internal."""
    if response.codes:
        error_codes(response.status, response.body)
    else:
        assert response.status == 200
        assert orjson.loads(response.body).keys() <= {"data", "extensions"}
