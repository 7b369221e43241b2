"""Processes that compute functions for an import."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator

import pytest

from contentql.importing.worker_pool import WorkerFailed, WorkerPool

# Starts a process, prints its number and waits to be killed.
PARENT = """
import asyncio, os
from contentql.importing.worker_pool import WorkerPool

async def main():
    pool = WorkerPool(1)
    await pool.wait_until_ready()
    print(await pool.submit(os.getpid), flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.fixture
async def pool() -> AsyncIterator[WorkerPool]:
    result = WorkerPool(1)
    await result.wait_until_ready()
    yield result
    await result.close()


async def test_calls_are_computed_in_another_process_in_their_order(pool: WorkerPool) -> None:
    futures = [pool.submit(pow, 2, n) for n in range(200)]
    accepted = [future for future in futures if future]
    assert [await future for future in accepted] == [2**n for n in range(len(accepted))]
    assert 0 < len(accepted) < len(futures)  # a busy process takes no more
    process = pool.submit(os.getpid)
    assert process is not None
    assert await process != os.getpid()


async def test_what_a_function_prints_is_no_answer(pool: WorkerPool) -> None:
    futures = [pool.submit(print, "text"), pool.submit(pow, 2, 3)]
    assert [await future for future in futures if future] == [None, 8]


async def test_a_failed_call_leaves_others_alone(pool: WorkerPool) -> None:
    failed, other = pool.submit(int, "x"), pool.submit(int, "5")
    assert failed is not None
    assert other is not None
    with pytest.raises(WorkerFailed, match="ValueError"):
        await failed
    assert await other == 5


async def test_calls_of_a_process_that_was_killed_fail(pool: WorkerPool) -> None:
    """And no further calls are taken."""
    number = pool.submit(os.getpid)
    assert number is not None
    process = await number
    lost = pool.submit(time.sleep, 60)
    os.kill(process, signal.SIGKILL)
    assert lost is not None
    with pytest.raises(WorkerFailed):
        await lost
    assert pool.submit(int) is None


async def test_without_processes_no_call_is_taken() -> None:
    pool = WorkerPool(0)
    await pool.wait_until_ready()
    assert pool.submit(int) is None
    await pool.close()


async def test_a_process_that_cannot_start_takes_no_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    pool = WorkerPool(1)
    await pool.wait_until_ready()
    assert pool.submit(int) is None
    await pool.close()


def test_a_process_ends_with_a_parent_that_was_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        process = int(parent.stdout.readline())
        os.kill(process, 0)
        parent.kill()
    for _ in range(1_000):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return
        # Without a parent that waits for it, it may remain as a zombie of the first process.
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, check=False)
        if state.stdout.strip().startswith(b"Z"):
            return
    pytest.fail(f"process {process} is still running")
