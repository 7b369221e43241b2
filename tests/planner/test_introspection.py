"""Introspection: its answers, compared with graphql-core, its cost and its limit."""

from __future__ import annotations

from random import Random
from typing import Any

import orjson
import pytest
from graphql import execute_sync, get_introspection_query, introspection_types, parse, validate
from hypothesis import given, settings
from hypothesis import strategies as st

from contentql.execution.executor import Executor
from contentql.execution.request import GraphQLRequest
from contentql.planner.limits import Limits
from contentql.schema.build import get_catalog, get_schema
from contentql.store.database import Database

SCHEMA = get_schema()._schema
TYPE_REF = "fragment R on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }"


@pytest.fixture
def executor() -> Executor:
    """An executor whose database is not open: introspection reads nothing."""
    return Executor(Database("sqlite:///nowhere.sqlite3"), get_catalog())


async def execute(executor: Executor, query: str, variables: dict[str, Any] | None = None) -> Any:
    request = GraphQLRequest(query, None, variables or {}, {"cost": True})
    return orjson.loads((await executor.execute(request)).body)


def count_objects(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + sum(map(count_objects, value.values()))
    return sum(map(count_objects, value)) if isinstance(value, list) else 0


def random_selection(random: Random, type_name: str, depth: int) -> str:
    """A selection of an introspection type, with aliases, arguments and directives."""
    parts = []
    for name, field in introspection_types[type_name].fields.items():  # type: ignore[attr-defined]
        if random.random() < 0.5:
            continue
        inner = str(field.type).strip("[]!")
        text = f"a{random.randrange(9)}_{name}: {name}" if random.random() < 0.2 else name
        if "includeDeprecated" in field.args and random.random() < 0.7:
            text += random.choice(["(includeDeprecated: true)", "(includeDeprecated: $deprecated)"])
        if random.random() < 0.1:
            text += random.choice([" @skip(if: true)", " @include(if: $deprecated)"])
        if inner in ("__Type", "__Field", "__InputValue", "__EnumValue", "__Directive"):
            if not depth:
                continue
            text += random_selection(random, inner, depth - 1)
        parts.append(text)
    return "{ " + " ".join(parts or ["__typename"]) + " }"


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 1 << 32))
async def test_generated_introspection_is_answered_like_by_graphql_core(seed: int) -> None:
    random = Random(seed)
    root = random.choice(["__schema", '__type(name: "Article")', "__type(name: $name)"])
    kind = "__Schema" if root == "__schema" else "__Type"
    selection = f"{{ {root} {random_selection(random, kind, random.randint(1, 4))} }}"
    query = f"query($deprecated: Boolean! = {random.choice(['true', 'false'])}, $name: String!) {selection}"
    query = query.replace("query(", "query Q(").replace(
        "$name: String!) {",
        "$name: String!) { v: __type(name: $name) { name } w: __typename @include(if: $deprecated)",
        1,
    )
    document = parse(query)
    if validate(SCHEMA, document):
        return
    variables = {"name": random.choice(["ArticleFilter", "ContentType", "Node", "DateTime", "Nothing"])}
    executor = Executor(
        Database("sqlite:///nowhere.sqlite3"), get_catalog(), limits=Limits(cost=10**9, aliases=10**6)
    )
    response = await execute(executor, query, variables)
    assert response["data"] == execute_sync(SCHEMA, document, variable_values=variables).data
    assert response["extensions"]["cost"]["requested"] >= count_objects(response["data"]) - 1


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"descriptions": False},
        {"specified_by_url": True, "directive_is_repeatable": True, "schema_description": True},
        {"input_value_deprecation": True, "specified_by_url": True},
    ],
)
async def test_queries_of_tools_are_allowed(executor: Executor, options: dict[str, bool]) -> None:
    """GraphiQL, code generators and schema registries send the query of graphql-js with some options."""
    response = await execute(executor, get_introspection_query(**options))
    cost = response["extensions"]["cost"]
    assert count_objects(response["data"]) - 1 <= cost["requested"] <= cost["limit"] * 3 // 4


@pytest.mark.parametrize(
    "query",
    [
        "{ __schema { "
        + " ".join(f"a{i}: types {{ ...T }}" for i in range(45))
        + " } } fragment T on __Type { name fields { ...F } }"
        + " fragment F on __Field { name args { ...A } type { ...R } }"
        + " fragment A on __InputValue { name type { ...R } } "
        + TYPE_REF,
        "{ " + " ".join(f"a{i}: __schema {{ types {{ name fields {{ name }} }} }}" for i in range(20)) + " }",
        "{ __schema { types { possibleTypes { possibleTypes { name } interfaces { name } } } "
        + " ".join(f"a{i}: types {{ fields {{ args {{ name type {{ ...R }} }} }} }}" for i in range(9))
        + " } } "
        + TYPE_REF,
        "{ __schema { types { "
        + " ".join(f"d{i}: description n{i}: name k{i}: kind" for i in range(16))
        + " fields { "
        + " ".join(f"d{i}: description" for i in range(60))
        + " args { "
        + " ".join(f"d{i}: description" for i in range(60))
        + " } } } } }",
    ],
)
async def test_multiplied_introspection_is_refused(executor: Executor, query: str) -> None:
    """It is counted while it is resolved, so no more than the limit is ever resolved."""
    response = await execute(Executor(executor.database, get_catalog(), limits=Limits(aliases=1_000)), query)
    assert {error["extensions"]["code"] for error in response["errors"]} == {"COST_LIMIT_EXCEEDED"}
    assert "data" not in response


async def test_introspection_follows_its_variables(executor: Executor) -> None:
    """The plan of one name is not used for another."""
    query = "query($name: String!, $all: Boolean!) { __type(name: $name) { name @include(if: $all) kind } }"
    for _ in range(2):
        for name, kind in (("Article", "OBJECT"), ("ArticleFilter", "INPUT_OBJECT")):
            for everything in (True, False):
                response = await execute(executor, query, {"name": name, "all": everything})
                expected = {"name": name, "kind": kind} if everything else {"kind": kind}
                assert response["data"]["__type"] == expected


async def test_introspection_and_content_share_the_limit(executor: Executor) -> None:
    query = "{ __schema { types { name fields { name } } } articles(first: 100) { nodes { tags { name } } } }"
    alone = "{ articles(first: 100) { nodes { tags { name } } } }"
    limits = Limits(cost=1_500)
    limited = Executor(executor.database, get_catalog(), limits=limits)
    (error,) = (await execute(limited, query))["errors"]
    assert error["extensions"]["code"] == "COST_LIMIT_EXCEEDED"
    plan, _ = limited.explain(GraphQLRequest(alone))
    assert plan.cost <= limits.cost
