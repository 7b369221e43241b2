"""SQL statements per request, counted between the server and its database.

On PostgreSQL by a proxy that counts messages, on SQLite by the library's trace callback.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from contentql.bench import servers
from contentql.bench.servers import BenchClient

MAX_REQUESTS = 5  # counted per workload


def count_statements(database: str, requests: Mapping[str, Sequence[bytes]]) -> dict[str, float]:
    """Statements per request, by name of the workload. Every request is sent once before it is counted."""
    with _counting_server(database) as (client, count):
        results = {}
        for name, bodies in requests.items():
            counted = bodies[:MAX_REQUESTS]
            for body in counted:
                client.post(body)
            before = count()
            for body in counted:
                client.post(body)
            results[name] = (count() - before) / len(counted)
        return results


@contextmanager
def _counting_server(database: str) -> Iterator[tuple[BenchClient, Callable[[], int]]]:
    """A client of a running server, and a function that returns the number of statements so far."""
    if database.startswith("sqlite:"):
        read_end, write_end = os.pipe()
        os.set_blocking(read_end, False)
        total = 0

        def count() -> int:
            nonlocal total
            with suppress(BlockingIOError):
                while value := os.read(read_end, 65_536):
                    total += len(value)
            return total

        try:
            with servers.traced_server(database, write_end) as server, servers.open_client(server) as client:
                yield client, count
        finally:
            os.close(read_end)
            os.close(write_end)
    else:
        with (
            PostgresProxy(database) as proxy,
            servers.contentql_server(proxy.url) as server,
            servers.open_client(server) as client,
        ):
            yield client, lambda: proxy.statements


class PostgresProxy:
    """Forwards PostgreSQL messages without TLS and counts those that run a statement."""

    def __init__(self, database: str) -> None:
        parts = urlsplit(database)
        query = dict(parse_qsl(parts.query))
        host, port = query.pop("host", None) or parts.hostname or "127.0.0.1", parts.port or 5432
        self._upstream = (host, int(query.pop("port", port)))
        self._listener = socket.create_server(("127.0.0.1", 0))
        login, at, _ = parts.netloc.rpartition("@")
        netloc = f"{login}{at}127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = urlunsplit((parts.scheme, netloc, parts.path, urlencode(query), ""))
        self.statements = 0

    def __enter__(self) -> PostgresProxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        # Without the shutdown, the thread in `accept` would keep the socket open.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            header = _receive(client, 8)
            if struct.unpack("!II", header) == (8, 80_877_103):  # SSLRequest: refused, to read the messages
                client.sendall(b"N")
                header = _receive(client, 8)
            with self._connect() as upstream:
                upstream.sendall(header + _receive(client, struct.unpack("!I", header[:4])[0] - 8))
                threading.Thread(target=_forward, args=(upstream, client), daemon=True).start()
                while True:
                    kind, size = struct.unpack("!cI", message_header := _receive(client, 5))
                    if kind in (b"E", b"Q"):  # Execute of the extended protocol, Query of the simple one
                        self.statements += 1
                    upstream.sendall(message_header + _receive(client, size - 4))

    def _connect(self) -> socket.socket:
        host, port = self._upstream
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        upstream = socket.socket(socket.AF_UNIX)
        upstream.connect(f"{host}/.s.PGSQL.{port}")
        return upstream


def _receive(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        chunk = connection.recv(size - len(data))
        if not chunk:
            raise ConnectionError
        data += chunk
    return data


def _forward(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
