"""HTTP client for receivers that other people name.

A name is resolved once for each connection, each of its addresses is checked, and the connection goes to one
of those addresses, so that a name cannot lead elsewhere afterwards. Redirects are not followed. Of a response
only the status and two headers are used, and at most MAX_BODY_BYTES of the body are read.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

import httpcore2

from contentql.public_addresses import Network, is_allowed_address, is_in_networks

ATTEMPT_SECONDS: Final = 15.0  # for everything up to the headers of the response
MAX_BODY_BYTES: Final = 16_384  # read of a response, so that its connection can be used again
_BODY_SECONDS: Final = 1.0
_CONNECT_SECONDS: Final = 5.0  # for each address of a name
_IDLE_SECONDS: Final = 30.0
_RESOLVER_THREADS: Final = 64  # names that do not resolve hold one for as long as the system waits


class RefusedAddressError(Exception):
    """The name of a receiver leads to an address that requests must not go to."""


@dataclass(frozen=True)
class AttemptResult:
    """Result of a request. `status` is None without a response, `error` then states why.

    `retry_after`: the header of that name, empty if it is missing.
    """

    status: int | None
    error: str = ""
    retry_after: str = ""

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class PinnedBackend(httpcore2.AsyncNetworkBackend):
    """Network backend that connects only to checked addresses; the client does TLS with the name itself."""

    def __init__(self, networks: Sequence[Network], resolver: ThreadPoolExecutor, *, plain: bool) -> None:
        """`plain`: for http, which only receivers in `networks` may use."""
        self._networks, self._resolver, self._plain = tuple(networks), resolver, plain
        self._backend = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the method of the library
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connects to the first address that accepts. Raises RefusedAddressError, httpcore2.ConnectError."""
        error: Exception = httpcore2.ConnectError("The name of the receiver has no address.")
        for address in await self._checked_addresses(host, port):
            try:
                return await self._backend.connect_tcp(address, port, _CONNECT_SECONDS)
            except (httpcore2.NetworkError, httpcore2.TimeoutException) as exc:
                error = exc
        raise error

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore2.AsyncNetworkStream:
        raise RefusedAddressError("Requests to sockets of this machine are not sent.")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _checked_addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a name, all of them allowed. Raises RefusedAddressError if one is not."""
        try:
            addresses = await asyncio.get_running_loop().run_in_executor(
                self._resolver, _resolve, host.strip("[]"), port
            )
        except (OSError, UnicodeError):
            raise httpcore2.ConnectError("The name of the receiver cannot be resolved.") from None
        for text in addresses:
            address = ip_address(text)
            if not is_allowed_address(address, self._networks):
                raise RefusedAddressError("The receiver has a private address.")
            if self._plain and not is_in_networks(address, self._networks):
                raise RefusedAddressError("The URL must begin with https://.")
        return addresses


def _resolve(host: str, port: int) -> list[str]:
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in addresses))


class ReceiverClient:
    """Sends single requests to receivers; an asynchronous context manager."""

    def __init__(self, networks: Sequence[Network] = (), *, seconds: float = ATTEMPT_SECONDS) -> None:
        """`networks`: private networks that requests may go to. `seconds`: time limit of a request."""
        self._resolver = ThreadPoolExecutor(_RESOLVER_THREADS, "contentql-resolver")
        self._seconds = seconds
        self._pools = {
            scheme: httpcore2.AsyncConnectionPool(
                ssl_context=ssl.create_default_context() if scheme == "https" else None,
                max_connections=None,  # the worker limits the requests
                max_keepalive_connections=20,
                keepalive_expiry=_IDLE_SECONDS,
                network_backend=PinnedBackend(networks, self._resolver, plain=scheme == "http"),
            )
            for scheme in ("https", "http")
        }

    async def __aenter__(self) -> ReceiverClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        for pool in self._pools.values():
            await pool.aclose()
        self._resolver.shutdown(wait=False, cancel_futures=True)

    async def send(
        self, url: str, headers: Mapping[str, str], body: bytes, method: str = "POST"
    ) -> AttemptResult:
        """Sends a request. Every failure is a result; nothing is raised."""
        pool = self._pools.get(urlsplit(url).scheme)
        if pool is None:
            return AttemptResult(None, "The URL must begin with https://.")
        try:
            async with asyncio.timeout(self._seconds):
                return await _exchange(pool, url, headers, body, method)
        except TimeoutError:
            return AttemptResult(None, f"The receiver did not respond within {self._seconds:g} seconds.")
        except RefusedAddressError as exc:
            return AttemptResult(None, str(exc))
        except httpcore2.ConnectTimeout:
            return AttemptResult(None, "The receiver did not accept the connection in time.")
        except httpcore2.ConnectError as exc:
            return AttemptResult(None, _connect_error(exc))
        except (httpcore2.ProtocolError, httpcore2.UnsupportedProtocol, UnicodeError, ValueError):
            return AttemptResult(None, "The receiver did not respond with valid HTTP.")
        except (httpcore2.NetworkError, httpcore2.TimeoutException, OSError):
            return AttemptResult(None, "The connection to the receiver was lost.")


async def _exchange(
    pool: httpcore2.AsyncConnectionPool, url: str, headers: Mapping[str, str], body: bytes, method: str
) -> AttemptResult:
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    async with contextlib.AsyncExitStack() as stack:
        response = await stack.enter_async_context(
            pool.stream(method, url, headers=[*pairs, (b"content-length", b"%d" % len(body))], content=body)
        )
        result = AttemptResult(
            response.status, _status_error(response.status), _retry_after(response.headers)
        )
        # The result is known: what happens to the rest of the response changes nothing.
        with contextlib.suppress(TimeoutError, OSError, httpcore2.NetworkError, httpcore2.ProtocolError):
            async with asyncio.timeout(_BODY_SECONDS):
                await _read_some(response.aiter_stream())
    return result


async def _read_some(chunks: AsyncIterable[bytes]) -> None:
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            return  # the connection is closed with the rest of the response unread


def _status_error(status: int) -> str:
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return f"The receiver responded with status {status}; redirects are not followed."
    return f"The receiver responded with status {status}."


def _retry_after(headers: Iterable[tuple[bytes, bytes]]) -> str:
    return next((value.decode("latin-1") for name, value in headers if name.lower() == b"retry-after"), "")


def _connect_error(exc: BaseException) -> str:
    cause: BaseException | None = exc
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"The certificate of the receiver is not valid: {cause.verify_message}."
        if isinstance(cause, ssl.SSLError):
            return "The receiver did not complete the TLS handshake."
        cause = cause.__cause__ or cause.__context__
    message = str(exc)
    return message if message.startswith("The name") else "The receiver does not accept connections."
