"""Request headers by name, and the host that a request names.

A request with two credentials, or two hosts, is refused: a proxy, a cache and this server could each take
another one for valid. Host names are checked against DNS rebinding, by which a page of another site gets its
own name to resolve to this server.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from ipaddress import ip_address
from typing import Final

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from contentql.errors import ApiError
from contentql.execution.errors import error_response
from contentql.telemetry.request_id import new_request_id

Headers = Sequence[tuple[bytes, bytes]]

# RFC 9110, section 5.3: only the lines of a list may be repeated.
_SINGLE: Final = frozenset({
    b"authorization",
    b"content-encoding",
    b"content-length",
    b"content-type",
    b"host",
    b"origin",
    b"x-preview-at",
})  # fmt: skip
_HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[^\[\]:]+)(:[0-9]*)?")


def combine_headers(pairs: Headers) -> dict[bytes, bytes]:
    """The headers by name; the lines of a repeated list are joined.

    Raises ApiError BAD_REQUEST for a repeated header that is not a list, such as Authorization.
    """
    headers = dict(pairs)
    if len(headers) == len(pairs):
        return headers
    headers = {}
    for name, value in pairs:
        if name in headers and name in _SINGLE:
            raise ApiError(
                "BAD_REQUEST",
                f"The request has more than one {name.decode().title()} header.",
                "Send it once.",
            )
        headers[name] = headers[name] + b", " + value if name in headers else value
    return headers


def host_name(host: str) -> str:
    """The name in a Host header, without port, brackets and final dot; empty if the header is not valid."""
    match = _HOST.fullmatch(host.strip().lower())
    return match[1].strip("[]").removesuffix(".") if match else ""


def is_local_name(name: str) -> bool:
    """Whether a host name is that of the machine itself: no DNS server can make it another one."""
    try:
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


class HostPolicy:
    """The host names that requests may name, without ports: `*`, `example.org`, `*.example.org`."""

    def __init__(self, allowed: Sequence[str] = ("*",)) -> None:
        names = [host_name(name) for name in allowed]
        self._any = "*" in names
        self._names = frozenset(names)
        self._suffixes = tuple(name[1:] for name in names if name.startswith("*."))

    def allows(self, name: str) -> bool:
        return self._any or name in self._names or name.endswith(self._suffixes)

    def check(self, headers: Mapping[bytes, bytes]) -> None:
        """Raises ApiError HOST_NOT_ALLOWED."""
        if self._any:
            return
        if not self.allows(host_name(headers.get(b"host", b"").decode("latin-1"))):
            raise ApiError(
                "HOST_NOT_ALLOWED",
                "This server has no such host name.",
                "Its operator lists the names in CONTENTQL_ALLOWED_HOSTS.",
            )


class CheckedApp:
    """ASGI application that refuses HTTP requests with repeated headers or with a host that is not allowed.

    /graphql has the same checks in its own endpoints, whose errors are logged and counted.
    """

    def __init__(self, app: ASGIApp, hosts: HostPolicy, *, any_host: Collection[str]) -> None:
        """`any_host`: paths of which the host is not checked."""
        self._app = app
        self._hosts = hosts
        self._any_host = frozenset(any_host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if scope["type"] == "http":
            try:
                headers = combine_headers(scope["headers"])
                if scope["path"] not in self._any_host:
                    self._hosts.check(headers)
            except ApiError as error:
                request_id = new_request_id()
                fields = {"cache-control": "no-store", "x-request-id": request_id}
                body = b"" if scope["method"] == "HEAD" else error_response(error, request_id).body
                app = Response(body, error.status, fields, "application/json")
        await app(scope, receive, send)
