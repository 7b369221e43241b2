"""The printed schema: complete, described, and equal to the committed file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
    validate,
)

from contentql.schema.build import get_schema, sdl

COMMITTED = Path(__file__).parents[2] / "schema.graphql"
CORE = get_schema()._schema
TYPES = [type_ for name, type_ in CORE.type_map.items() if not name.startswith("__")]


def described_names() -> Iterator[tuple[str, str | None]]:
    """Everything that has a description, but for types and enum values, with its coordinate."""
    for match in TYPES:
        for name, field in getattr(match, "fields", {}).items():
            yield f"{match.name}.{name}", field.description
            for argument, definition in getattr(field, "args", {}).items():
                yield f"{match.name}.{name}({argument}:)", definition.description


def test_the_committed_schema_is_the_schema() -> None:
    """`contentql schema > schema.graphql` after every change; its diff is the review of the API."""
    assert COMMITTED.read_text() == sdl()


def test_the_printed_schema_is_whole() -> None:
    """Tools that read the SDL see exactly what introspection tells."""
    printed = lexicographic_sort_schema(build_schema(COMMITTED.read_text()))
    assert print_schema(printed) == print_schema(lexicographic_sort_schema(CORE))


def test_every_field_and_argument_has_an_example() -> None:
    """Descriptions of scalars show the format of their values."""
    without = [
        place for place, text in described_names() if not re.search(r"Example: `[^`]+`\.$", text or "")
    ]
    assert without == []


@pytest.mark.parametrize("expected", TYPES, ids=lambda expected: expected.name)
def test_every_type_and_enum_value_is_described(expected: GraphQLNamedType) -> None:
    """Own scalars say by which specification they go, too."""
    assert expected.description
    if isinstance(expected, GraphQLEnumType):
        assert all(value.description for value in expected.values.values())
    if is_scalar_type(expected) and not is_specified_scalar_type(expected):
        assert getattr(expected, "specified_by_url", None)


def example(description: str) -> str:
    return description.rpartition("Example: `")[2].removesuffix("`.")


def requests() -> Iterator[Any]:
    """The examples of arguments, each put to use in a request."""
    query: Any = CORE.query_type
    for name, field in query.fields.items():
        for argument, definition in field.args.items():
            value = example(definition.description)
            yield pytest.param(
                f"{{ {name}({argument}: {value}) {{ __typename }} }}", id=f"{name}({argument}:)"
            )
        if "{" in example(field.description):
            yield pytest.param(f"{{ {example(field.description)} }}", id=name)
    for match in TYPES:
        if match.name.endswith("Filter") and match.name in {f"{kind}Filter" for kind in ROOTS}:
            for name, field in getattr(match, "fields", {}).items():
                condition = f"{{{name}: {example(field.description)}}}"
                root = ROOTS[match.name.removesuffix("Filter")]
                yield pytest.param(
                    f"{{ {root}(filter: {condition}) {{ __typename }} }}", id=f"{match.name}.{name}"
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


@pytest.mark.parametrize("request_text", list(requests()))
def test_examples_can_be_used_as_they_are(request_text: str) -> None:
    """An example of an argument or a filter is itself valid."""
    errors = [e.message for e in validate(CORE, parse(request_text)) if "is required" not in e.message]
    assert errors == []
