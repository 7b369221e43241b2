"""What is remembered of documents, plans and requests: bounded in bytes, and remaining by use."""

from __future__ import annotations

import contextlib
import gc
import tracemalloc
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.random_documents import Pool, RandomDocuments

from contentql.errors import ApiError
from contentql.execution.executor import Executor
from contentql.execution.request import GraphQLRequest
from contentql.lru import SegmentedCache
from contentql.schema.build import get_catalog, get_schema
from contentql.store.database import Database

POOL = Pool(["art_701", "cat_1"], {"slug": ["a-slug"], "path": ["world"]}, ["kursk"])


@given(
    st.integers(1, 50),
    st.lists(st.tuples(st.sampled_from("gsr"), st.integers(0, 9), st.integers(0, 40)), max_size=60),
)
def test_a_segmented_cache_keeps_its_bound(bound: int, steps: list[tuple[str, int, int]]) -> None:
    cache = SegmentedCache(bound)
    stored: dict[int, tuple[int, int]] = {}
    for step, (kind, key, size) in enumerate(steps):
        if kind == "s":
            cache.set(key, (step, size), size)
            stored[key] = step, size
        elif kind == "r":
            cache.remove(key)
            stored.pop(key, None)
        else:
            value = cache.get(key)
            assert value is None or value == stored[key]
        assert 0 <= cache.size <= bound
    remaining = [value for key in stored if (value := cache.get(key)) is not None]
    assert cache.size == sum(size for _, size in remaining)


def test_values_used_once_do_not_evict_values_in_use() -> None:
    cache = SegmentedCache(1_000)
    for key in range(20):
        cache.set(("used", key), key, 10)
        cache.get(("used", key))
    for key in range(10_000):
        cache.set(("once", key), key, 10)
    assert [cache.get(("used", key)) for key in range(20)] == list(range(20))
    assert cache.get(("once", 0)) is None
    assert cache.get(("once", 9_999)) == 9_999


@pytest.fixture
def executor() -> Executor:
    """An executor that plans and does not read."""
    return Executor(Database("sqlite:///nowhere.sqlite3"), get_catalog(), memory_bytes=4_000_000)


def plan(executor: Executor, request: GraphQLRequest) -> None:
    with contextlib.suppress(ApiError):
        executor.explain(request)


def test_the_sizes_of_documents_and_plans_are_measured(executor: Executor) -> None:
    """The accounted size of what is remaining is near the memory that it takes, for generated documents."""
    requests = [
        GraphQLRequest(document.text, None, document.variables)
        for seed in range(120)
        for document in [RandomDocuments(get_schema()._schema, POOL, Random(seed)).document()]
    ]
    for request in requests[:20]:
        plan(executor, request)
    gc.collect()
    tracemalloc.start()
    try:
        before, accounted = tracemalloc.get_traced_memory()[0], executor.memory.size
        for request in requests[20:]:
            plan(executor, request)
        gc.collect()
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert executor.memory.size < 4_000_000, "nothing was evicted"
    assert 0.5 < (executor.memory.size - accounted) / taken < 2.5


def test_distinct_documents_leave_a_used_document_in_memory(executor: Executor) -> None:
    """A thousand documents that are executed once are forgotten; the plan in use is found again."""
    used = GraphQLRequest("{ articles(first: 5) { nodes { id headline } } }")
    first, _ = executor.explain(used)
    assert executor.explain(used)[0] is first
    for i in range(1_000):
        fields = " ".join(f"a{j}: headline" for j in range(i % 40))
        executor.explain(
            GraphQLRequest(f"query Q{i} {{ articles(first: {i % 90 + 1}) {{ nodes {{ id {fields} }} }} }}")
        )
        assert executor.memory.size <= executor.memory.max_size
    assert executor.explain(used)[0] is first
