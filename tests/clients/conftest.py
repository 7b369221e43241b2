"""The demo newsroom on a running server, and Node.js with the packages of package-lock.json."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.support.http_client import free_port

HERE = Path(__file__).parent
SDL = HERE.parents[1] / "schema.graphql"
CLIENTS = HERE / "node_modules"
MIN_NODE_VERSION = 20
ENVIRONMENT = {
    **{
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CONTENTQL_", "NODE_OPTIONS"))
    },
    "NO_COLOR": "1",
}


@dataclass(frozen=True)
class RunningServer:
    """A running server with the demo newsroom."""

    address: str
    port: int
    database: str
    log: Path


@pytest.fixture(scope="session")
def node() -> str:
    """The path of Node.js; installs the clients of package-lock.json at the first run."""
    return install_packages(HERE)


def install_packages(folder: Path) -> str:
    """The path of Node.js, after the packages of the folder's package-lock.json are installed in it."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if program is None or npm is None:
        pytest.skip("Node.js and npm are not installed: the JavaScript clients were not tested.")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version[1:].partition(".")[0]) < MIN_NODE_VERSION:
        pytest.skip(
            f"Node.js is {version.strip()}, the clients need {MIN_NODE_VERSION}: they were not tested."
        )
    with (folder / "package-lock.json").open("rb") as packages:
        fcntl.flock(packages, fcntl.LOCK_EX)  # another worker may be installing
        _install(npm, folder, hashlib.sha256(packages.read()).hexdigest())
    return program


def _install(npm: str, folder: Path, manifest: str) -> None:
    """Installs the packages unless those of this manifest are installed."""
    stamp = folder / "node_modules/.manifest"
    if stamp.exists() and stamp.read_text() == manifest:
        return
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    result = subprocess.run(
        command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=300
    )
    if result.returncode and re.search(r"ENOTFOUND|EAI_AGAIN|ECONN\w+|ETIMEDOUT|network", result.stderr):
        pytest.skip("npm reaches no registry and the clients are not installed: they were not tested.")
    assert result.returncode == 0, result.stderr
    stamp.write_text(manifest)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """The demo newsroom, served by `contentql serve`."""
    with serve_demo(tmp_path_factory.mktemp("served"), free_port()) as running:
        yield running


@contextlib.contextmanager
def serve_demo(home: Path, port: int, *, seconds_ahead: float = 0) -> Iterator[RunningServer]:
    """Serves the demo newsroom with a database in the folder, which it creates at the first time.

    `seconds_ahead`: how far the clock of the server is ahead.
    """
    database = f"sqlite:///{home}/newsroom.sqlite3"
    log = home / "log"
    program = ["tests.support.wrong_clock", str(seconds_ahead)] if seconds_ahead else ["contentql"]
    command = ["serve", "--port", str(port), "--database", database, "--demo"]
    path = os.pathsep.join(filter(None, [str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")]))
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *program, *command],
            cwd=home,
            env={**ENVIRONMENT, "PYTHONPATH": path},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    address = f"http://127.0.0.1:{port}/graphql"
    try:
        for _ in range(600):
            assert process.poll() is None, log.read_text()
            try:
                httpx2.get(address, params={"query": "{ viewer { __typename } }"})
                break
            except httpx2.TransportError:
                time.sleep(0.1)
        else:
            pytest.fail(f"The server is not there after a minute: {log.read_text()}")
        yield RunningServer(address, port, database, log)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


@dataclass(frozen=True)
class Scripts:
    """Runs the scripts in this folder against the server."""

    node: str
    running: RunningServer

    def run(self, script: str, *arguments: str) -> Any:
        return json.loads(self.run_node(HERE, str(HERE / script), self.running.address, *arguments))

    def run_node(self, folder: Path, *arguments: str) -> str:
        """The output of a Node.js program, which must succeed."""
        result = subprocess.run(
            [self.node, *arguments],
            cwd=folder,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def copy_project(self, name: str, folder: Path) -> Path:
        """A copy of a project in this folder, with our schema and access to the clients."""
        copied = folder / name
        shutil.copytree(HERE / name, copied)
        shutil.copy(SDL, copied)
        (copied / "node_modules").symlink_to(CLIENTS, target_is_directory=True)
        return copied


@pytest.fixture(scope="module")
def scripts(node: str, running: RunningServer) -> Scripts:
    return Scripts(node, running)


def add_trusted_documents(running: RunningServer, manifest: Path) -> str:
    """Adds the manifest of a client while the server is running."""
    result = subprocess.run(
        [
            sys.executable,
            "-m",
            "contentql",
            "documents",
            "add",
            str(manifest),
            "--database",
            running.database,
        ],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout
