"""Descriptions of the schema: every element has one, and all follow the same form."""

from __future__ import annotations

import re
from collections.abc import Iterator

from graphql import GraphQLEnumType, GraphQLNonNull, GraphQLObjectType, is_specified_scalar_type

from contentql.schema.build import get_schema

SCHEMA = get_schema()._schema
NON_STANDARD_WORDS = re.compile(
    r"\b(whoever|nobody|somebody|anybody|everybody|told|says|asked|answered|It is|It was)\b"
)


def descriptions() -> Iterator[tuple[str, str]]:
    """Every described element as its path and its description without the example."""
    for name, type_ in SCHEMA.type_map.items():
        if name.startswith("__") or is_specified_scalar_type(type_):
            continue
        yield name, type_.description or ""
        for field_name, field in getattr(type_, "fields", {}).items():
            yield f"{name}.{field_name}", field.description or ""
            for argument_name, argument in getattr(field, "args", {}).items():
                yield f"{name}.{field_name}({argument_name})", argument.description or ""
        if isinstance(type_, GraphQLEnumType):
            for value_name, value in type_.values.items():
                yield f"{name}.{value_name}", value.description or ""


def without_example(text: str) -> str:
    return re.sub(r" ?Example: .*$", "", text, flags=re.DOTALL)


def test_descriptions_are_sentences_or_noun_phrases() -> None:
    """Each begins with a capital letter or a code span and ends with a full stop."""
    texts = [(path, without_example(text)) for path, text in descriptions()]
    assert [path for path, text in texts if not re.fullmatch(r"[A-Z`].*\.", text, re.DOTALL)] == []


def test_descriptions_use_standard_words() -> None:
    """They contain no pronoun for the described element and no personification."""
    texts = [(path, without_example(text)) for path, text in descriptions()]
    assert [(path, text) for path, text in texts if NON_STANDARD_WORDS.search(text)] == []


def test_descriptions_of_nullable_fields_explain_null() -> None:
    for type_ in SCHEMA.type_map.values():
        if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__"):
            for name, field in type_.fields.items():
                if not isinstance(field.type, GraphQLNonNull):
                    assert "null" in (field.description or "").lower(), f"{type_.name}.{name}"
