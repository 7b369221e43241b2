"""Server processes of the benchmark. Servers run on the first CPU, the load generator on the second."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import IO

import orjson

from contentql.bench.load import LoadResult, LoadSpec
from contentql.errors import OperatorError

PATH = "/graphql"
CONNECTIONS = 16
START_TIMEOUT = 30.0  # seconds
_WITHOUT_CACHE = {"CONTENTQL_RESPONSE_CACHE_BYTES": "0"}


@dataclass(frozen=True)
class Server:
    """A running server; `name` is for reports."""

    name: str
    port: int
    pid: int = 0


@contextmanager
def contentql_server(
    database: str, *, response_cache: bool = False, settings: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """contentql with one worker, as an operator starts it, with or without response cache."""
    port = _free_port()
    command = ["-m", "contentql", "serve", "--database", database, "--port", str(port), "--workers", "1"]
    with start_process(
        "contentql",
        command,
        port,
        settings={**({} if response_cache else _WITHOUT_CACHE), **(settings or {})},
    ) as server:
        yield server


@contextmanager
def static_server(headers: Sequence[tuple[str, str]], body: bytes) -> Iterator[Server]:
    """A server that returns the same bytes for every request."""
    port = _free_port()
    with tempfile.TemporaryFile() as stdin:
        stdin.write(orjson.dumps(headers) + b"\n" + body)
        stdin.seek(0)
        command = ["-m", "contentql.bench.static_server", "--port", str(port)]
        with start_process("the static server", command, port, stdin=stdin) as server:
            yield server


@contextmanager
def baseline_server(database: str) -> Iterator[Server]:
    """The baseline, which executes hand-written SQL."""
    port = _free_port()
    command = ["-m", "contentql.bench.baseline", "--database", database, "--port", str(port)]
    with start_process("the baseline", command, port) as server:
        yield server


@contextmanager
def traced_server(database: str, pipe: int) -> Iterator[Server]:
    """contentql on SQLite; writes one byte to the file descriptor `pipe` for every statement."""
    port = _free_port()
    command = [
        "-m",
        "contentql.bench.statement_tracer",
        "--database",
        database,
        "--port",
        str(port),
        "--pipe",
        str(pipe),
    ]
    with start_process(
        "contentql, traced", command, port, inherited_fds=(pipe,), settings=_WITHOUT_CACHE
    ) as server:
        yield server


@contextmanager
def start_process(
    name: str,
    command: Sequence[str],
    port: int,
    inherited_fds: Sequence[int] = (),
    *,
    stdin: IO[bytes] | int = subprocess.DEVNULL,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Starts a Python process that listens on `port`. Raises OperatorError if it does not listen within
    START_TIMEOUT seconds."""
    with tempfile.TemporaryFile() as output:
        with _pinned_to(_cores()[0]):
            process = subprocess.Popen(
                [sys.executable, *command],
                stdin=stdin,
                stdout=output,
                stderr=output,
                pass_fds=inherited_fds,
                env={**os.environ, "CONTENTQL_WORKERS": "1", **(settings or {})},
            )
        try:
            deadline = time.monotonic() + START_TIMEOUT
            while not _listens(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    output.seek(0)
                    raise OperatorError(
                        f"{name} did not start: {output.read().decode(errors='replace').strip()[-2_000:]}"
                    )
                time.sleep(0.05)
            yield Server(name, port, process.pid)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def open_client(server: Server) -> Iterator[BenchClient]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        yield BenchClient(server, connection)
    finally:
        connection.close()


class BenchClient:
    """Sends requests over one connection, one after the other."""

    def __init__(self, server: Server, connection: http.client.HTTPConnection) -> None:
        self._server = server
        self._connection = connection
        self.headers: Sequence[tuple[str, str]] = ()  # of the last response

    def post(self, body: bytes) -> bytes:
        """The body of the response. Raises OperatorError if the status is not 200."""
        return self._request("POST", PATH, body)

    def get(self, path: str) -> bytes:
        return self._request("GET", path, b"")

    def _request(self, method: str, path: str, body: bytes) -> bytes:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        try:
            self._connection.request(method, path, body or None, headers)
            response = self._connection.getresponse()
            content = response.read()
        except OSError as exc:
            raise OperatorError(f"{self._server.name} does not respond: {exc}") from exc
        # uvicorn adds Date by itself, so an application must not set it.
        self.headers = [pair for pair in response.getheaders() if pair[0].lower() != "date"]
        if response.status != 200:
            excerpt = content[:2_000].decode(errors="replace")
            raise OperatorError(
                f"{self._server.name} responds with {response.status} to {body.decode()}\n{excerpt}"
            )
        return content


def run_load(
    server: Server,
    bodies: Sequence[bytes],
    seconds: float,
    *,
    connections: int = CONNECTIONS,
    path: str = PATH,
    headers: Mapping[str, str] | None = None,
) -> LoadResult:
    """Generates load from a process on the second CPU; a GET if there are no bodies."""
    spec = LoadSpec(
        port=server.port,
        path=path,
        headers=dict(headers or {}),
        bodies=[body.decode() for body in bodies],
        seconds=seconds,
        warm_up_seconds=min(0.5, seconds / 4),
        connections=connections,
        core=_cores()[1],
    )
    process = subprocess.run(
        [sys.executable, "-m", "contentql.bench.load"],
        input=orjson.dumps(asdict(spec)),
        capture_output=True,
        check=False,
    )
    if process.returncode:
        raise OperatorError(f"{server.name}: {process.stderr.decode(errors='replace').strip()[-2_000:]}")
    return LoadResult(**orjson.loads(process.stdout))


def has_two_cores() -> bool:
    """True if server and load generator have a CPU each."""
    return _cores()[0] is not None


def _cores() -> tuple[int | None, int | None]:
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    cores = sorted(os.sched_getaffinity(0))
    return (cores[0], cores[1]) if len(cores) > 1 else (None, None)


@contextmanager
def _pinned_to(core: int | None) -> Iterator[None]:
    """Pins processes that are started in the block to one CPU."""
    if core is None:
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex(("127.0.0.1", port)) == 0
