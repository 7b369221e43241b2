"""Filters, compared with a reference implementation in Python."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.graphql_client import query_data

from contentql.execution.executor import Executor

Article = dict[str, Any]
Meaning = Callable[[Article], bool]
Filter = tuple[dict[str, Any], Meaning]

EVERYTHING = """{ articles(first: 34) { nodes {
    id headline summary language urgency contentType publishedAt wordCount
    category { path } categories { path } tags { slug } authors { author { slug } } story { slug }
    attributions { kind source { slug kind } chain { source { slug } hop } }
    media { media { kind } }
} } }"""


@pytest.fixture(scope="module")
async def articles(demo_executor: Executor) -> list[Article]:
    data: list[Article] = (await query_data(demo_executor, EVERYTHING))["articles"]["nodes"]
    return data


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 1 << 32))
async def test_filters_mean_what_they_say(
    demo_executor: Executor, articles: list[Article], seed: int
) -> None:
    """Whatever and, or, not, some, every and none are put together, exactly the right articles are found."""
    requested, meaning = drawn(Random(seed), articles, 3)
    query = (
        "query($wanted: ArticleFilter) { articles(filter: $wanted, first: 100) { totalCount nodes { id } } }"
    )
    data = (await query_data(demo_executor, query, {"wanted": requested}))["articles"]
    expected = [article["id"] for article in articles if meaning(article)]
    assert [node["id"] for node in data["nodes"]] == expected
    assert data["totalCount"] == len(expected)


def drawn(random: Random, articles: list[Article], depth: int) -> Filter:
    sample = random.choice(articles)
    kind = random.randrange(14 if depth else 8)
    match kind:
        case 0:
            number = sample["urgency"]
            op, test = random.choice(COMPARED)
            return {"urgency": {op: number}}, lambda a: test(a["urgency"], number)
        case 1:
            time = sample["publishedAt"]
            op, test = random.choice(COMPARED)
            return {"publishedAt": {op: time}}, lambda a: test(a["publishedAt"], time)
        case 2:
            text = sample["headline"][2:8]
            return {"headline": {"contains": text}}, lambda a: text in a["headline"]
        case 3:
            text = sample["headline"][:3]
            return {"headline": {"startsWith": text}}, lambda a: a["headline"].startswith(text)
        case 4:
            kinds = [random.choice(articles)["contentType"] for _ in range(2)]
            if random.random() < 0.5:
                return {"contentType": {"notIn": kinds}}, lambda a: a["contentType"] not in kinds
            return {"contentType": {"in": kinds}}, lambda a: a["contentType"] in kinds
        case 5:
            missing = random.random() < 0.5
            return {"summary": {"isNull": missing}}, lambda a: (a["summary"] is None) is missing
        case 6:
            other = sample["summary"]
            return {"summary": {"ne": other}}, lambda a: a["summary"] != other
        case 7:
            path = sample["category"]["path"]
            if random.random() < 0.5:
                return {"category": {"path": {"eq": path}}}, lambda a: a["category"]["path"] == path
            root = path.partition("/")[0]
            return {"category": {"under": root}}, lambda a: f"{a['category']['path']}/".startswith(f"{root}/")
        case 8 | 9:
            slug = random.choice([tag["slug"] for a in articles for tag in a["tags"]])
            return quantified(random, "tags", {"slug": {"eq": slug}}, lambda t: t["slug"] == slug)
        case 10:
            slug = random.choice(
                [value["source"]["slug"] for a in articles for value in a["attributions"] if value["source"]]
            )
            relay = any_hop(slug)
            return {"source": {"slug": {"eq": slug}}}, lambda a: any(relay(hop) for hop in a["attributions"])
        case 11:
            expected, meaning = drawn(random, articles, depth - 1)
            return {"not": expected}, lambda a: not meaning(a)
        case _:
            word = "and" if kind == 12 else "or"
            several = [drawn(random, articles, depth - 1) for _ in range(random.randint(0, 3))]
            together = all if word == "and" else any
            return {word: [one for one, _ in several]}, lambda a: together(means(a) for _, means in several)


COMPARED: list[tuple[str, Callable[[Any, Any], bool]]] = [
    ("eq", lambda a, b: a == b),
    ("ne", lambda a, b: a != b),
    ("lt", lambda a, b: a < b),
    ("lte", lambda a, b: a <= b),
    ("gt", lambda a, b: a > b),
    ("gte", lambda a, b: a >= b),
]


def quantified(random: Random, name: str, expected: dict[str, Any], meaning: Callable[[Any], bool]) -> Filter:
    quantifier = random.choice(["some", "every", "none"])
    tests: dict[str, Meaning] = {
        "some": lambda a: any(map(meaning, a[name])),
        "every": lambda a: all(map(meaning, a[name])),
        "none": lambda a: not any(map(meaning, a[name])),
    }
    return {name: {quantifier: expected}}, tests[quantifier]


def any_hop(slug: str) -> Callable[[Any], bool]:
    return lambda attribution: any(
        hop["source"] and hop["source"]["slug"] == slug for hop in attribution["chain"]
    )
