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

TIMES = 5


def count_statements(database: str, requests: Mapping[str, Sequence[bytes]]) -> dict[str, float]:
    """Statements per request for each name in `requests`, after every request was sent once."""
    with _watched(database) as (asker, seen):
        results = {}
        for name, bodies in requests.items():
            chosen = bodies[:TIMES]
            for body in chosen:
                asker.ask(body)
            before = seen()
            for body in chosen:
                asker.ask(body)
            results[name] = (seen() - before) / len(chosen)
        return results


@contextmanager
def _watched(database: str) -> Iterator[tuple[BenchClient, Callable[[], int]]]:
    if database.startswith("sqlite:"):
        reads, writes = os.pipe()
        os.set_blocking(reads, False)
        heard = 0

        def seen() -> int:
            nonlocal heard
            with suppress(BlockingIOError):
                while value := os.read(reads, 65_536):
                    heard += len(value)
            return heard

        try:
            with servers.traced_server(database, writes) as server, servers.open_client(server) as asker:
                yield asker, seen
        finally:
            os.close(reads)
            os.close(writes)
    else:
        with (
            PostgresProxy(database) as relay,
            servers.contentql_server(relay.url) as server,
            servers.open_client(server) as asker,
        ):
            yield asker, lambda: relay.statements


class PostgresProxy:
    """Forwards PostgreSQL messages without TLS and counts those that run a statement."""

    def __init__(self, database: str) -> None:
        parts = urlsplit(database)
        query = dict(parse_qsl(parts.query))
        host, port = query.pop("host", None) or parts.hostname or "127.0.0.1", parts.port or 5432
        self._upstream = (host, int(query.pop("port", port)))
        self._listener = socket.create_server(("127.0.0.1", 0))
        login, at, _ = parts.netloc.rpartition("@")
        here = f"{login}{at}127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = urlunsplit((parts.scheme, here, parts.path, urlencode(query), ""))
        self.statements = 0

    def __enter__(self) -> PostgresProxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        # Without the shutdown the waiting accept would hold the socket open.
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
            first = _receive(client, 8)
            if struct.unpack("!II", first) == (8, 80_877_103):  # "may I encrypt?" - no, this is read here
                client.sendall(b"N")
                first = _receive(client, 8)
            with self._connect() as upstream:
                upstream.sendall(first + _receive(client, struct.unpack("!I", first[:4])[0] - 8))
                threading.Thread(target=_pass_on, args=(upstream, client), daemon=True).start()
                while True:
                    kind, size = struct.unpack("!cI", head := _receive(client, 5))
                    if kind in (b"E", b"Q"):  # Execute of the extended protocol, Query of the simple one
                        self.statements += 1
                    upstream.sendall(head + _receive(client, size - 4))

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
        more = connection.recv(size - len(data))
        if not more:
            raise ConnectionError
        data += more
    return data


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
