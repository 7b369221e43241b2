"""Filters, compared with a reference implementation in Python."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from graphql import (
    ListValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
    parse_value,
    value_from_ast_untyped,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.graphql_client import query_data

from contentql.execution.executor import Executor

Article = dict[str, Any]
Predicate = Callable[[Article], bool]
Filter = tuple[dict[str, Any], Predicate]

FILTERED_FIELDS = """{ articles(first: 34) { nodes {
    id headline summary language urgency contentType publishedAt wordCount
    category { path } categories { path } tags { slug } authors { author { slug } } story { slug }
    attributions { kind source { slug kind } chain { source { slug } hop } }
    media { media { kind } }
} } }"""


@pytest.fixture(scope="module")
async def articles(demo_executor: Executor) -> list[Article]:
    data: list[Article] = (await query_data(demo_executor, FILTERED_FIELDS))["articles"]["nodes"]
    return data


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 1 << 32))
async def test_filters_return_the_same_articles_as_the_reference_implementation(
    demo_executor: Executor, articles: list[Article], seed: int
) -> None:
    """Any combination of and, or, not, some, every and none selects the same articles in the same order."""
    requested, is_match = random_filter(Random(seed), articles, 3)
    query = (
        "query($wanted: ArticleFilter) { articles(filter: $wanted, first: 100) { totalCount nodes { id } } }"
    )
    data = (await query_data(demo_executor, query, {"wanted": requested}))["articles"]
    expected = [article["id"] for article in articles if is_match(article)]
    assert [node["id"] for node in data["nodes"]] == expected
    assert data["totalCount"] == len(expected)


def random_filter(random: Random, articles: list[Article], depth: int) -> Filter:
    """A random filter of at most `depth` nested conditions, and its predicate in Python."""
    sample = random.choice(articles)
    kind = random.randrange(14 if depth else 8)
    match kind:
        case 0:
            number = sample["urgency"]
            op, compare = random.choice(COMPARISONS)
            return {"urgency": {op: number}}, lambda a: compare(a["urgency"], number)
        case 1:
            time = sample["publishedAt"]
            op, compare = random.choice(COMPARISONS)
            return {"publishedAt": {op: time}}, lambda a: compare(a["publishedAt"], time)
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
            return quantified_filter(random, "tags", {"slug": {"eq": slug}}, lambda t: t["slug"] == slug)
        case 10:
            slug = random.choice(
                [value["source"]["slug"] for a in articles for value in a["attributions"] if value["source"]]
            )
            has_hop = has_hop_of_source(slug)
            return {"source": {"slug": {"eq": slug}}}, lambda a: any(
                has_hop(hop) for hop in a["attributions"]
            )
        case 11:
            inner, is_match = random_filter(random, articles, depth - 1)
            return {"not": inner}, lambda a: not is_match(a)
        case _:
            word = "and" if kind == 12 else "or"
            operands = [random_filter(random, articles, depth - 1) for _ in range(random.randint(0, 3))]
            combine = all if word == "and" else any
            return {word: [filter_ for filter_, _ in operands]}, lambda a: combine(
                is_match_each(a) for _, is_match_each in operands
            )


COMPARISONS: list[tuple[str, Callable[[Any, Any], bool]]] = [
    ("eq", lambda a, b: a == b),
    ("ne", lambda a, b: a != b),
    ("lt", lambda a, b: a < b),
    ("lte", lambda a, b: a <= b),
    ("gt", lambda a, b: a > b),
    ("gte", lambda a, b: a >= b),
]


def quantified_filter(
    random: Random, name: str, inner: dict[str, Any], is_match: Callable[[Any], bool]
) -> Filter:
    """A random quantifier over the list `name`, and its predicate in Python."""
    quantifier = random.choice(["some", "every", "none"])
    predicates: dict[str, Predicate] = {
        "some": lambda a: any(map(is_match, a[name])),
        "every": lambda a: all(map(is_match, a[name])),
        "none": lambda a: not any(map(is_match, a[name])),
    }
    return {name: {quantifier: inner}}, predicates[quantifier]


def has_hop_of_source(slug: str) -> Callable[[Any], bool]:
    """A predicate: whether the chain of an attribution has a hop of the source."""
    return lambda attribution: any(
        hop["source"] and hop["source"]["slug"] == slug for hop in attribution["chain"]
    )


# A filter with the absent variable `$a`, a string, or `$f`, a filter, and the filter that it must equal.
ABSENT = [
    ("{story: {slug: {eq: $a}}}", "{}"),
    ('{story: {slug: {eq: $a}}, language: {eq: "en"}}', '{language: {eq: "en"}}'),
    ("{story: {slug: $f}}", "{}"),
    ("{tags: {some: {slug: {eq: $a}}}}", "{}"),
    ("{tags: {some: {slug: $f}}}", "{}"),
    ("{tags: {none: {slug: {in: $l}}}}", "{}"),
    ("{tags: {every: {slug: {startsWith: $a}}}, urgency: {lte: 3}}", "{urgency: {lte: 3}}"),
    ('{tags: {some: {slug: {eq: $a}, name: {ne: "x"}}}}', '{tags: {some: {name: {ne: "x"}}}}'),
    ("{attributions: {some: {origin: {slug: {eq: $a}}}}}", "{}"),
    ("{source: {slug: {eq: $a}}}", "{}"),
    ("{not: {category: {under: $a}}}", "{}"),
    ("{not: {not: {slug: {eq: $a}}}}", "{}"),
    ('{or: [{slug: {eq: $a}}, {language: {eq: "de"}}]}', '{language: {eq: "de"}}'),
    ("{or: [{slug: {eq: $a}}, {story: {slug: {eq: $a}}}]}", "{}"),
    ("{and: [{slug: {eq: $a}}]}", "{}"),
    ("{story: {isNull: $b}}", "{}"),
    ("{publishedAt: {gte: $t, lt: $t}}", "{}"),
    ("{search: $a}", "{}"),
    ("{story: {}}", "{}"),
    # Written out, `{}` is a condition of a quantifier, and an empty `or` holds for nothing.
    ("{tags: {some: {}}}", "{not: {tags: {none: {}}}}"),
    ("{or: []}", "{not: {}}"),
]


@pytest.mark.parametrize(("requested", "equal"), ABSENT)
async def test_conditions_with_absent_variables_are_left_out(
    demo_executor: Executor, requested: str, equal: str
) -> None:
    """In the document, and as the object that a client serialises without its undefined values."""
    types = {"$a": "String", "$f": "StringFilter", "$l": "[String!]", "$b": "Boolean", "$t": "DateTime"}
    declared = ", ".join(f"{name}: {type_}" for name, type_ in types.items() if name in requested)
    operation = f"query ({declared})" if declared else "query"
    page = "totalCount nodes { id } pageInfo { hasNextPage }"
    query = f"{operation} {{ articles(filter: {requested}, first: 30) {{ {page} }} }}"
    expected = await query_data(demo_executor, f"{{ articles(filter: {equal}, first: 30) {{ {page} }} }}")
    assert await query_data(demo_executor, query) == expected
    if requested == "{tags: {some: {slug: $f}}}":  # as JSON not distinct from `{tags: {some: {}}}`
        return
    serialised = _without_variables(requested)
    by_variable = "query ($filter: ArticleFilter) { articles(filter: $filter, first: 30) { totalCount } }"
    data = await query_data(demo_executor, by_variable, {"filter": serialised})
    assert data["articles"]["totalCount"] == expected["articles"]["totalCount"]


async def test_an_absent_condition_leaves_the_cursor_valid(demo_executor: Executor) -> None:
    query = """query ($s: String, $c: String) {
        articles(filter: {story: {slug: {eq: $s}}}, first: 2, after: $c) { pageInfo { endCursor } }
    }"""
    cursor = (await query_data(demo_executor, query))["articles"]["pageInfo"]["endCursor"]
    data = await query_data(
        demo_executor, "query ($c: String) { articles(first: 2, after: $c) { nodes { id } } }", {"c": cursor}
    )
    assert len(data["articles"]["nodes"]) == 2


def _without_variables(text: str) -> dict[str, Any]:
    """The filter as JSON, without the fields and items whose value is a variable."""

    def plain(node: ValueNode) -> Any:
        match node:
            case ObjectValueNode():
                fields = ((field.name.value, field.value) for field in node.fields)
                return {name: plain(value) for name, value in fields if not isinstance(value, VariableNode)}
            case ListValueNode():
                return [plain(value) for value in node.values]
        return value_from_ast_untyped(node)

    result: dict[str, Any] = plain(parse_value(text))
    return result
