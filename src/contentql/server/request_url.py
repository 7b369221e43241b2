"""URL of this server as the client of a request knows it, for links in responses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from starlette.types import Scope

from contentql.server.client_address import ClientAddressResolver

_NETLOC: Final = re.compile(r"([A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
_SCHEMES: Final = {"http": "http", "https": "https", "ws": "http", "wss": "https"}


def request_base_url(scope: Scope, addresses: ClientAddressResolver) -> str:
    """Scheme, host and path prefix of the request, such as `https://example.org`, without a slash at the end.

    `X-Forwarded-Proto` and `X-Forwarded-Host`, or else `Forwarded`, are those of the client if the peer is a
    trusted proxy, and are ignored otherwise. Empty if neither the request nor its socket names a host.
    """
    headers: Sequence[tuple[bytes, bytes]] = scope["headers"]
    scheme = _SCHEMES.get(scope.get("scheme", "http"), "http")
    host = _valid_host(_header(headers, b"host"))
    peer = scope.get("client")
    if peer is not None and addresses.is_trusted_proxy(peer[0]):
        forwarded = dict(_forwarded_parameters(headers))
        protocol = _header(headers, b"x-forwarded-proto") or forwarded.get("proto", "")
        scheme = _SCHEMES.get(protocol.lower(), scheme)
        host = _valid_host(_header(headers, b"x-forwarded-host") or forwarded.get("host", "")) or host
    host = host or _socket_name(scope)
    return f"{scheme}://{host}{scope.get('root_path', '')}".rstrip("/") if host else ""


def _header(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> str:
    """The first element of a header: that of the proxy which the client is connected to. Empty without."""
    value = next((value for key, value in headers if key == name), b"")
    return value.decode("latin-1").partition(",")[0].strip()


def _forwarded_parameters(headers: Sequence[tuple[bytes, bytes]]) -> Iterator[tuple[str, str]]:
    """The parameters of the first element of `Forwarded` (RFC 7239): `for=192.0.2.1;proto=https;host=a.b`."""
    for pair in _header(headers, b"forwarded").split(";"):
        name, _, value = pair.partition("=")
        yield name.strip().lower(), value.strip().strip('"')


def _valid_host(text: str) -> str:
    return text if _NETLOC.fullmatch(text) else ""


def _socket_name(scope: Scope) -> str:
    """Address and port that the server listens on; empty for a Unix socket."""
    name, port = scope.get("server") or ("", None)
    if not name or port is None:
        return ""
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
