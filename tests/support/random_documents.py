"""Randomly generated valid GraphQL documents over the schema.

Every root field, field, argument, filter and order can occur, with aliases, fragments, directives and
variables. Values come from a pool: ids, slugs and words of the newsroom, and some that it does not have.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
)

TIMES = ("2025-07-01T06:00:00Z", "2016-01-01T00:00:00Z", "2026-06-01T12:00:00Z", "2099-01-01T00:00:00Z")

ABSENT = object()  # the value of a variable that is not sent


@dataclass(frozen=True)
class Document:
    """A request: the text and its variables."""

    text: str
    variables: Mapping[str, Any]


@dataclass
class Pool:
    """The values of documents, by the name of an argument or filter field, or by scalar type."""

    ids: Sequence[str]
    texts: Mapping[str, Sequence[str]]
    words: Sequence[str]


@dataclass
class RandomDocuments:
    """Generates documents with random selections, arguments and variables."""

    schema: GraphQLSchema
    pool: Pool
    random: Random
    depth: int = 4
    excluded_roots: frozenset[str] = frozenset()
    unset: float = 0.0  # probability that a variable is absent, null or has a default
    _variables: dict[str, tuple[str, Any]] = field(default_factory=dict)
    _fragments: list[str] = field(default_factory=list)
    _names: int = 0

    def document(self) -> Document:
        """One operation with one to three root fields."""
        self._variables, self._fragments, self._names = {}, [], 0
        fields = [
            name
            for name in self._object("Query").fields
            if name not in self.excluded_roots and (name != "viewer" or self.random.random() < 0.1)
        ]
        roots = [self._field("Query", name, self.depth) for name in self._sample(fields, 3)]
        body = f"{{ {' '.join(roots)} }} {' '.join(self._fragments)}"
        used = {name: self._variables[name] for name in re.findall(r"\$(v\d+)", body)}
        declared = ", ".join(f"${name}: {type_}" for name, (type_, _) in used.items())
        head = f"query Q({declared})" if declared else "query Q"
        values = {name: value for name, (_, value) in used.items() if value is not ABSENT}
        return Document(f"{head} {body}", values)

    # Selections

    def _object(self, name: str) -> GraphQLObjectType | GraphQLInterfaceType:
        type_ = self.schema.type_map[name]
        assert isinstance(type_, GraphQLObjectType | GraphQLInterfaceType)
        return type_

    def _sample(self, items: Sequence[str], max_count: int) -> list[str]:
        return self.random.sample(list(items), min(len(items), self.random.randint(1, max_count)))

    def _name(self, letter: str) -> str:
        self._names += 1
        return f"{letter}{self._names}"

    def _field(self, parent: str, name: str, depth: int, *, with_alias: bool = False) -> str:
        type_ = self._object(parent).fields[name]
        alias = f"{self._name('a')}: " if with_alias or self.random.random() < 0.15 else ""
        text = f"{alias}{name}{self._arguments(parent, name, type_)}{self._directive()}"
        target = get_named_type(type_.type)
        if is_leaf_type(target):
            return text
        return f"{text} {{ {self._selection(target.name, depth - 1)} }}"

    def _selection(self, name: str, depth: int) -> str:
        type_ = self._object(name)
        leaves = [f for f, g in type_.fields.items() if is_leaf_type(get_named_type(g.type))]
        objects = [f for f in type_.fields if f not in leaves]
        if name.endswith("Connection"):
            chosen = self._sample(["nodes", "nodes", "edges", "pageInfo", "totalCount"], 3)
        elif name.endswith("Edge"):
            chosen = self._sample(["node", "cursor"], 2)
        else:
            chosen = self._sample([*leaves, "__typename"], 4)
            if depth > 0 and objects:
                chosen += self._sample(objects, 2)
        chosen = list(dict.fromkeys(chosen))
        parts = []
        for name_ in chosen:
            part = "__typename" if name_ == "__typename" else self._field(name, name_, depth)
            parts.append(self._in_fragment(name, part) if self.random.random() < 0.12 else part)
        if isinstance(type_, GraphQLInterfaceType):
            for member in self._sample([t.name for t in self.schema.get_possible_types(type_)], 4):
                own_fields = [f for f in self._object(member).fields if f not in type_.fields]
                # With aliases, because other members may have the same key with another type.
                fields = [
                    self._field(member, f, min(depth, 1), with_alias=True)
                    for f in self._sample(own_fields, 2)
                ]
                if fields:
                    parts.append(f"... on {member} {{ {' '.join(fields)} }}")
        return " ".join(parts)

    def _in_fragment(self, name: str, part: str) -> str:
        if self.random.random() < 0.5:
            return f"... on {name}{self._directive()} {{ {part} }}"
        fragment = self._name("F")
        self._fragments.append(f"fragment {fragment} on {name} {{ {part} }}")
        return f"...{fragment}{self._directive()}"

    def _directive(self) -> str:
        if self.random.random() > 0.06:
            return ""
        word = self.random.choice(["skip", "include"])
        value = self.random.random() < 0.5
        if self.random.random() < 0.5:
            return f" @{word}(if: {str(value).lower()})"
        return f" @{word}(if: {self._variable('Boolean!', value, str(value).lower())})"

    # Arguments

    def _arguments(self, parent: str, name: str, type_: GraphQLField) -> str:
        arguments: dict[str, str] = {}
        for argument, definition in type_.args.items():
            required = isinstance(definition.type, GraphQLNonNull)
            probability = 0.6 if argument in ("filter", "first") else 0.2
            if required or self.random.random() < probability:
                arguments[argument] = self._value(definition.type, argument, 2)
        keys = [a for a in ("id", "slug", "path", "externalId") if a in type_.args and name != "node"]
        if parent == "Query" and keys and "first" not in type_.args:
            chosen = self.random.choice(keys)
            for other in (*keys, "type", "language", "languages"):
                arguments.pop(other, None)
            value = "null"
            while value == "null":  # which no lookup accepts
                value = self._value(type_.args[chosen].type, name if chosen == "id" else chosen, 2)
            arguments[chosen] = value
        if "first" in arguments and "last" in arguments:
            del arguments[self.random.choice(["first", "last"])]
        for cursor in ("after", "before"):
            arguments.pop(cursor, None)
        if "search" not in arguments and "RELEVANCE" in arguments.get("orderBy", "") + str(self._variables):
            arguments.pop("orderBy", None)
        return f"({', '.join(f'{k}: {v}' for k, v in arguments.items())})" if arguments else ""

    def _variable(self, type_: str, value: Any, literal: str) -> str:
        """A variable with the value, or sometimes with a default, with null or without a value."""
        name = self._name("v")
        if self.random.random() < self.unset:
            if type_.endswith("!"):
                type_ = f"{type_.removesuffix('!')} = {literal}"
            value = self.random.choice([value, None, ABSENT])
        self._variables[name] = (type_, value)
        return f"${name}"

    def _constant(self, type_: Any, value: Any) -> str:
        """A literal without variables."""
        if isinstance(value, dict):
            fields = get_named_type(type_).fields
            inner = (f"{name}: {self._constant(fields[name].type, v)}" for name, v in value.items())
            return f"{{{', '.join(inner)}}}"
        if isinstance(value, list):
            return f"[{', '.join(self._constant(type_, item) for item in value)}]"
        return self._literal(type_, value)

    def _value(self, type_: Any, name: str, depth: int) -> str:
        """A literal, or sometimes a variable with the value."""
        value = self._random_value(type_, name, depth)
        if self.random.random() < 0.3:
            return self._variable(str(type_), _as_json(value), self._constant(type_, value))
        return self._literal(type_, value)

    def _literal(self, type_: Any, value: Any) -> str:
        if isinstance(value, dict):
            fields = get_named_type(type_).fields
            return (
                "{"
                + ", ".join(f"{k}: {self._field_literal(fields[k].type, v)}" for k, v in value.items())
                + "}"
            )
        if isinstance(value, list):
            return "[" + ", ".join(self._literal(type_, item) for item in value) + "]"
        if isinstance(value, _EnumValue):
            return str(value)
        if isinstance(value, str):
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        return "null" if value is None else str(value).lower()

    def _field_literal(self, type_: Any, value: Any) -> str:
        if self.random.random() < 0.15:
            return self._variable(str(type_), _as_json(value), self._constant(type_, value))
        return self._literal(type_, value)

    def _random_value(self, type_: Any, name: str, depth: int) -> Any:
        if isinstance(type_, GraphQLNonNull):
            type_ = type_.of_type
        elif self.random.random() < 0.03 and name not in ("first", "last"):
            return None
        if isinstance(type_, GraphQLList):
            max_items = 1 if name == "orderBy" else 3
            item: Any = get_named_type(type_)
            return [
                self._random_value(GraphQLNonNull(item), name, depth - 1)
                for _ in range(self.random.randint(1, max_items))
            ]
        if isinstance(type_, GraphQLInputObjectType):
            if depth < 0:
                return {}
            leaves = [f for f, g in type_.fields.items() if is_leaf_type(get_named_type(g.type))]
            chosen = self._sample(leaves if leaves and depth <= 0 else list(type_.fields), 2)
            required = [f for f, g in type_.fields.items() if isinstance(g.type, GraphQLNonNull)]
            chosen = list(dict.fromkeys([*required, *chosen]))
            inner = depth - 1 if leaves else depth  # a quantifier such as `some` adds no depth
            return {
                f: self._random_value(
                    GraphQLNonNull(_nullable(type_.fields[f].type)),
                    type_.name if f == "id" else _pool_name(f, name),
                    inner,
                )
                for f in chosen
            }
        if isinstance(type_, GraphQLEnumType):
            words = [w for w in type_.values if w != "RELEVANCE"]
            return _EnumValue(self.random.choice(words))
        match type_.name:
            case "Int":
                if name == "widths":
                    return self.random.randint(1, 2_000)
                return self.random.randint(1, 4) if name in ("first", "last") else self.random.randint(0, 6)
            case "Boolean":
                return self.random.random() < 0.5
            case "DateTime":
                return self.random.choice(TIMES)
            case "ID":
                matching = [id_ for id_ in self.pool.ids if id_.startswith(_PREFIXES.get(name, ""))]
                return self.random.choice(
                    matching if matching and self.random.random() < 0.9 else self.pool.ids
                )
        if name.lower().endswith(("language", "languages")):
            return self.random.choice([*self.pool.texts.get("language", ()), "en", "de", "ko"])
        if name == "search":
            return " ".join(self.random.choice(self.pool.words) for _ in range(self.random.randint(1, 2)))
        return self.random.choice([*self.pool.texts.get(name, ()), self.random.choice(self.pool.words)])


_PREFIXES = {
    "excludeIds": "art_",
    "articleBundle": "art_",
    **{
        spelled: f"{word[:3]}_"
        for word in ("article", "category", "media", "attribution", "tag", "author", "story", "collection")
        for spelled in (word, f"{word.title()}Filter")
    },
    "source": "src_",
    "SourceFilter": "src_",
}


class _EnumValue(str):
    """The value of an enum: a name in a document, a string in variables."""


def _as_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _as_json(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_as_json(v) for v in value]
    return str(value) if isinstance(value, _EnumValue) else value


def _nullable(type_: Any) -> Any:
    return type_.of_type if isinstance(type_, GraphQLNonNull) else type_


def _pool_name(field: str, parent: str) -> str:
    """The name that selects values of the pool: operators such as `eq` use that of their parent."""
    return parent if field in ("eq", "ne", "in", "notIn", "contains", "startsWith") else field


def without_sync_tokens(body: bytes) -> bytes:
    """A response without the content of sync tokens, which are encrypted with a key of the database."""
    return re.sub(rb'"(cql[dl]_)[\w=-]+"', rb'"\1"', body)
