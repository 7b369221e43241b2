"""The printed schema: complete, described, and equal to the committed file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLNamedType,
    build_schema,
    is_scalar_type,
    is_specified_scalar_type,
    lexicographic_sort_schema,
    parse,
    print_schema,
    specified_directives,
    validate,
)
from tests.support.graphql_client import execute

from contentql.execution.executor import Executor
from contentql.schema.build import get_schema, sdl

COMMITTED = Path(__file__).parents[2] / "schema.graphql"
CORE = get_schema()._schema
TYPES = [type_ for name, type_ in CORE.type_map.items() if not name.startswith("__")]


def described_names() -> Iterator[tuple[str, str | None]]:
    """Coordinate and description of every field and argument."""
    for type_ in TYPES:
        for name, field in getattr(type_, "fields", {}).items():
            yield f"{type_.name}.{name}", field.description
            for argument, definition in getattr(field, "args", {}).items():
                yield f"{type_.name}.{name}({argument}:)", definition.description


def test_committed_schema_file_is_current() -> None:
    """Run `contentql schema > schema.graphql` after every change; its diff is the review of the API."""
    assert COMMITTED.read_text() == sdl()


def test_printed_schema_equals_introspection() -> None:
    """A schema built from the file has all elements of the original."""
    printed = lexicographic_sort_schema(build_schema(COMMITTED.read_text()))
    assert print_schema(printed) == print_schema(lexicographic_sort_schema(CORE))


async def test_schema_has_a_description(demo_executor: Executor) -> None:
    """In SDL and in introspection, with an example."""
    response = await execute(demo_executor, "{ __schema { description } }")
    assert orjson.loads(response.body)["data"]["__schema"]["description"] == CORE.description
    assert CORE.description
    assert build_schema(sdl()).description == CORE.description


def test_directives_of_the_specification_are_not_printed() -> None:
    """Linters and code generators know them, and refuse another definition."""
    defined = set(re.findall(r"^directive @(\w+)", sdl(), re.MULTILINE))
    assert defined == {"atomic", "cacheControl"}
    assert defined.isdisjoint(directive.name for directive in specified_directives)


def test_descriptions_of_fields_and_arguments_have_an_example() -> None:
    """The example shows the format of the values."""
    without = [
        coordinate
        for coordinate, text in described_names()
        if not re.search(r"Example: `[^`]+`\.$", text or "")
    ]
    assert without == []


@pytest.mark.parametrize("type_", TYPES, ids=lambda type_: type_.name)
def test_types_and_enum_values_are_described(type_: GraphQLNamedType) -> None:
    """Custom scalars name their specification."""
    assert type_.description
    if isinstance(type_, GraphQLEnumType):
        assert all(value.description for value in type_.values.values())
    if is_scalar_type(type_) and not is_specified_scalar_type(type_):
        assert getattr(type_, "specified_by_url", None)


def example(description: str) -> str:
    """The example in a description."""
    return description.rpartition("Example: `")[2].removesuffix("`.")


def example_requests() -> Iterator[Any]:
    """A request for each example of an argument or filter."""
    query: Any = CORE.query_type
    for name, field in query.fields.items():
        for argument, definition in field.args.items():
            value = example(definition.description)
            yield pytest.param(
                f"{{ {name}({argument}: {value}) {{ __typename }} }}", id=f"{name}({argument}:)"
            )
        if "{" in example(field.description):
            yield pytest.param(f"{{ {example(field.description)} }}", id=name)
    for type_ in TYPES:
        if type_.name.endswith("Filter") and type_.name in {f"{kind}Filter" for kind in ROOTS}:
            for name, field in getattr(type_, "fields", {}).items():
                condition = f"{{{name}: {example(field.description)}}}"
                root = ROOTS[type_.name.removesuffix("Filter")]
                yield pytest.param(
                    f"{{ {root}(filter: {condition}) {{ __typename }} }}", id=f"{type_.name}.{name}"
                )


ROOTS = {
    "Article": "articles",
    "Attribution": "attributions",
    "Author": "authors",
    "Category": "categories",
    "Collection": "collections",
    "Media": "mediaItems",
    "Source": "sources",
    "Story": "stories",
    "Tag": "tags",
}


@pytest.mark.parametrize("request_text", list(example_requests()))
def test_examples_of_arguments_and_filters_are_valid(request_text: str) -> None:
    """A request with the example passes the validation of graphql-core."""
    errors = [e.message for e in validate(CORE, parse(request_text)) if "is required" not in e.message]
    assert errors == []


# Examples that have no response for readers of the demo newsroom: what only editors see, cursors, which are
# those of an earlier response, and withdrawals, of which the demo has none.
EDITORIAL = {
    *("deletedArticles", "auditLog", "tokens", "redirects", "webhook", "webhooks"),
    *("ArticleFilter.status", "ArticleFilter.hasUnpublishedChanges"),
}
WITHOUT_RESPONSE = {"after", "before", "withdrawal"}


def demo_requests() -> Iterator[Any]:
    """A request for each example of a root field, of its arguments and of the filters."""
    query: Any = CORE.query_type
    yield pytest.param(example(CORE.description or ""), id="schema")
    for name, field in query.fields.items():
        if name in EDITORIAL | WITHOUT_RESPONSE:
            continue
        yield pytest.param(f"{{ {example(field.description)} }}", id=name)
        selection = "{ nodes { __typename } }" if "Connection" in str(field.type) else "{ __typename }"
        for argument, definition in field.args.items():
            if argument in WITHOUT_RESPONSE:
                continue
            # A second argument where the first needs one: which object, which language of it, which pages.
            needed = {
                "language": "slug",
                "languages": "slug",
                "type": "slug",
                "page": "first",
                "exact": "section",
                **dict.fromkeys(("device", "widths"), "slug" if "slug" in field.args else "collection"),
            }.get(argument)
            arguments = {argument: example(definition.description)}
            if needed:
                value = "1" if needed == "first" else example(field.args[needed].description)
                arguments[needed] = value
            text = ", ".join(f"{key}: {value}" for key, value in arguments.items())
            yield pytest.param(f"{{ {name}({text}) {selection} }}", id=f"{name}({argument}:)")
    for kind, root in {**ROOTS, "Correction": "corrections"}.items():
        filter_type: Any = CORE.type_map[f"{kind}Filter"]
        for name, field in filter_type.fields.items():
            if f"{kind}Filter.{name}" not in EDITORIAL:
                condition = f"{{{name}: {example(field.description)}}}"
                text = f"{{ {root}(filter: {condition}) {{ nodes {{ __typename }} }} }}"
                yield pytest.param(text, id=f"{kind}Filter.{name}")


def has_values(data: Any) -> bool:
    """Whether a response has anything but nulls and empty lists."""
    if isinstance(data, dict):
        return any(map(has_values, data.values()))
    return any(map(has_values, data)) if isinstance(data, list) else data is not None


@pytest.mark.parametrize("request_text", list(demo_requests()))
async def test_examples_return_something_on_the_demo(demo_executor: Executor, request_text: str) -> None:
    """A developer who pastes an example into GraphiQL sees a result."""
    response = orjson.loads((await execute(demo_executor, request_text)).body)
    assert "errors" not in response
    assert has_values(response["data"]), request_text
