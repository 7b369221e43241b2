"""Processes that compute functions, so that an import uses more than one processor.

A process is started with pipes and reads pickled calls from its standard input, so it ends when this process
ends, however that happens. Without processes, callers compute by themselves.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import sys
from collections import deque
from collections.abc import Callable
from typing import Any, BinaryIO, Final

_HEADER: Final = 8  # bytes of the length before each message
_MAX_PENDING: Final = 64  # calls that a process has not answered
_BUFFER: Final = 1 << 20  # bytes of answers that a process can write before they are read


class WorkerFailed(Exception):
    """A process did not compute a call: it has ended, or the call has raised. Compute it yourself."""


class WorkerPool:
    """Processes, by default one less than there are processors, which begin to start with `start`."""

    def __init__(self, processes: int | None = None) -> None:
        self._count = max(0, _processors() - 1) if processes is None else processes
        self._workers: list[_Worker] = []

    def start(self) -> None:
        """Begins to start the processes, unless they were started."""
        if not self._workers:
            self._workers = [_Worker() for _ in range(self._count)]

    def submit(self, function: Callable[..., Any], *arguments: Any) -> asyncio.Future[Any] | None:
        """Begins a call, or returns None if no process is free for it.

        The future raises WorkerFailed. The function must be one that can be imported.
        """
        worker = self._free_worker()
        if worker is None:
            return None
        return worker.call(pickle.dumps((function, arguments), pickle.HIGHEST_PROTOCOL))

    @property
    def is_ready(self) -> bool:
        """Whether a process would take a call."""
        return self._free_worker() is not None

    def _free_worker(self) -> _Worker | None:
        ready = [worker for worker in self._workers if worker.is_ready]
        worker = min(ready, key=lambda one: len(one.pending), default=None)
        return worker if worker and len(worker.pending) < _MAX_PENDING else None

    async def wait_until_ready(self) -> None:
        """Starts the processes and waits until they take calls, or have failed to start."""
        self.start()
        for worker in self._workers:
            await worker.started.wait()

    async def close(self) -> None:
        """Ends the processes."""
        for worker in self._workers:
            await worker.close()


class _Worker:
    """A process, its calls without an answer, and the task that reads its answers."""

    def __init__(self) -> None:
        self.pending: deque[asyncio.Future[Any]] = deque()
        self.is_ready = False
        self.started = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self._task = asyncio.create_task(self._run())

    def call(self, message: bytes) -> asyncio.Future[Any]:
        assert self._process is not None
        assert self._process.stdin is not None
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.pending.append(future)
        self._process.stdin.write(len(message).to_bytes(_HEADER) + message)
        return future

    async def close(self) -> None:
        self.is_ready = False
        if self._process is None:
            self._task.cancel()
        elif self._process.stdin is not None:
            self._process.stdin.close()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        try:
            # With a session of its own, so that an interrupt from the keyboard reaches this process alone.
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                __name__,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                start_new_session=True,
                limit=_BUFFER,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
            stdout = self._process.stdout
            assert stdout is not None
            while True:
                size = int.from_bytes(await stdout.readexactly(_HEADER))
                answer = await stdout.readexactly(size)
                if not self.started.is_set():  # the first message says that the process has started
                    self.is_ready = True
                    self.started.set()
                    continue
                succeeded, value = pickle.loads(answer)
                future = self.pending.popleft()
                if not future.done():
                    future.set_result(value) if succeeded else future.set_exception(WorkerFailed(value))
        except (OSError, ValueError, asyncio.IncompleteReadError):
            pass  # the process has ended, or has not started
        finally:
            self.is_ready = False
            self.started.set()
            for future in self.pending:
                if not future.done():
                    future.set_exception(WorkerFailed("the process has ended"))
            if self._process is not None:
                await self._process.wait()


def _processors() -> int:
    """The number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _serve(calls: BinaryIO, answers: BinaryIO) -> None:
    """Computes the calls until there are no more. The first answer says that the process has started."""

    def write(value: Any) -> None:
        message = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
        answers.write(len(message).to_bytes(_HEADER) + message)
        answers.flush()

    write((True, None))
    while header := calls.read(_HEADER):
        try:
            function, arguments = pickle.loads(calls.read(int.from_bytes(header)))
            answer = True, function(*arguments)
        except Exception as exc:
            answer = False, repr(exc)
        write(answer)


if __name__ == "__main__":
    # What the functions print must not get between the answers.
    pipe = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with contextlib.suppress(ImportError, AttributeError, OSError):
        import fcntl  # not on every system

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _BUFFER)
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        _serve(sys.stdin.buffer, pipe)
