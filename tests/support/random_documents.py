"""Randomly generated valid GraphQL documents over the schema.

Every root, field, argument, filter and order can come up, with aliases, fragments, directives and
variables in any place. Values come from a pool: ids, slugs and words that the newsroom knows, and some
that it does not.
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


@dataclass(frozen=True)
class Document:
    """A request: the text and its variables."""

    text: str
    variables: Mapping[str, Any]


@dataclass
class Pool:
    """What values are drawn from, by the name of the argument or filter field, or by the scalar's type."""

    ids: Sequence[str]
    texts: Mapping[str, Sequence[str]]
    words: Sequence[str]


@dataclass
class RandomDocuments:
    schema: GraphQLSchema
    pool: Pool
    random: Random
    depth: int = 4
    _variables: dict[str, tuple[str, Any]] = field(default_factory=dict)
    _fragments: list[str] = field(default_factory=list)
    _names: int = 0

    def document(self) -> Document:
        """One operation with one to three root fields."""
        self._variables, self._fragments, self._names = {}, [], 0
        fields = [
            name for name in self._object("Query").fields if name != "viewer" or self.random.random() < 0.1
        ]
        roots = [self._field("Query", name, self.depth) for name in self._some(fields, 3)]
        body = f"{{ {' '.join(roots)} }} {' '.join(self._fragments)}"
        used = {name: self._variables[name] for name in re.findall(r"\$(v\d+)", body)}
        declared = ", ".join(f"${name}: {of}" for name, (of, _) in used.items())
        head = f"query Q({declared})" if declared else "query Q"
        return Document(f"{head} {body}", {name: value for name, (_, value) in used.items()})

    # Selections

    def _object(self, name: str) -> GraphQLObjectType | GraphQLInterfaceType:
        type_ = self.schema.type_map[name]
        assert isinstance(type_, GraphQLObjectType | GraphQLInterfaceType)
        return type_

    def _some(self, items: Sequence[str], most: int) -> list[str]:
        return self.random.sample(list(items), min(len(items), self.random.randint(1, most)))

    def _name(self, letter: str) -> str:
        self._names += 1
        return f"{letter}{self._names}"

    def _field(self, parent: str, name: str, depth: int, *, named: bool = False) -> str:
        of = self._object(parent).fields[name]
        alias = f"{self._name('a')}: " if named or self.random.random() < 0.15 else ""
        text = f"{alias}{name}{self._arguments(parent, name, of)}{self._directive()}"
        target = get_named_type(of.type)
        if is_leaf_type(target):
            return text
        return f"{text} {{ {self._selection(target.name, depth - 1)} }}"

    def _selection(self, name: str, depth: int) -> str:
        of = self._object(name)
        leaves = [f for f, g in of.fields.items() if is_leaf_type(get_named_type(g.type))]
        objects = [f for f in of.fields if f not in leaves]
        if name.endswith("Connection"):
            chosen = self._some(["nodes", "nodes", "edges", "pageInfo", "totalCount"], 3)
        elif name.endswith("Edge"):
            chosen = self._some(["node", "cursor"], 2)
        else:
            chosen = self._some([*leaves, "__typename"], 4)
            if depth > 0 and objects:
                chosen += self._some(objects, 2)
        chosen = list(dict.fromkeys(chosen))
        parts = []
        for one in chosen:
            part = "__typename" if one == "__typename" else self._field(name, one, depth)
            parts.append(self._wrapped(name, part) if self.random.random() < 0.12 else part)
        if isinstance(of, GraphQLInterfaceType):
            for member in self._some([t.name for t in self.schema.get_possible_types(of)], 4):
                own = [f for f in self._object(member).fields if f not in of.fields]
                # With aliases, because other members may have the same key with another type.
                fields = [self._field(member, f, min(depth, 1), named=True) for f in self._some(own, 2)]
                if fields:
                    parts.append(f"... on {member} {{ {' '.join(fields)} }}")
        return " ".join(parts)

    def _wrapped(self, name: str, part: str) -> str:
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
        return f" @{word}(if: {self._variable('Boolean!', value)})"

    # Arguments

    def _arguments(self, parent: str, name: str, of: GraphQLField) -> str:
        arguments: dict[str, str] = {}
        for argument, definition in of.args.items():
            required = isinstance(definition.type, GraphQLNonNull)
            often = 0.6 if argument in ("filter", "first") else 0.2
            if required or self.random.random() < often:
                arguments[argument] = self._value(definition.type, argument, 2)
        one = [a for a in ("id", "slug", "path") if a in of.args and name != "node"]
        if parent == "Query" and one and "first" not in of.args:
            chosen = self.random.choice(one)
            for other in (*one, "type", "language"):
                arguments.pop(other, None)
            arguments[chosen] = self._value(of.args[chosen].type, name if chosen == "id" else chosen, 2)
        if "first" in arguments and "last" in arguments:
            del arguments[self.random.choice(["first", "last"])]
        for cursor in ("after", "before"):
            arguments.pop(cursor, None)
        if "search" not in arguments and "RELEVANCE" in arguments.get("orderBy", "") + str(self._variables):
            arguments.pop("orderBy", None)
        return f"({', '.join(f'{k}: {v}' for k, v in arguments.items())})" if arguments else ""

    def _variable(self, of: str, value: Any) -> str:
        name = self._name("v")
        self._variables[name] = (of, value)
        return f"${name}"

    def _value(self, of: Any, name: str, depth: int) -> str:
        """A literal, or now and then a variable that holds as much."""
        value = self._plain(of, name, depth)
        if self.random.random() < 0.3:
            return self._variable(str(of), _as_json(value))
        return self._literal(of, value)

    def _literal(self, of: Any, value: Any) -> str:
        if isinstance(value, dict):
            fields = get_named_type(of).fields
            return "{" + ", ".join(f"{k}: {self._inner(fields[k].type, v)}" for k, v in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(self._literal(of, item) for item in value) + "]"
        if isinstance(value, _Word):
            return str(value)
        if isinstance(value, str):
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        return "null" if value is None else str(value).lower()

    def _inner(self, of: Any, value: Any) -> str:
        if self.random.random() < 0.15:
            return self._variable(str(of), _as_json(value))
        return self._literal(of, value)

    def _plain(self, of: Any, name: str, depth: int) -> Any:
        if isinstance(of, GraphQLNonNull):
            of = of.of_type
        elif self.random.random() < 0.03 and name not in ("first", "last"):
            return None
        if isinstance(of, GraphQLList):
            most = 1 if name == "orderBy" else 3
            item: Any = get_named_type(of)
            return [
                self._plain(GraphQLNonNull(item), name, depth - 1)
                for _ in range(self.random.randint(1, most))
            ]
        if isinstance(of, GraphQLInputObjectType):
            if depth < 0:
                return {}
            leaves = [f for f, g in of.fields.items() if is_leaf_type(get_named_type(g.type))]
            chosen = self._some(leaves if leaves and depth <= 0 else list(of.fields), 2)
            inner = depth - 1 if leaves else depth  # `some: {…}` leads on to what it is about
            return {
                f: self._plain(
                    GraphQLNonNull(_nullable(of.fields[f].type)),
                    of.name if f == "id" else _inherited(f, name),
                    inner,
                )
                for f in chosen
            }
        if isinstance(of, GraphQLEnumType):
            words = [w for w in of.values if w != "RELEVANCE"]
            return _Word(self.random.choice(words))
        match of.name:
            case "Int":
                return self.random.randint(1, 4) if name in ("first", "last") else self.random.randint(0, 6)
            case "Boolean":
                return self.random.random() < 0.5
            case "DateTime":
                return self.random.choice(TIMES)
            case "ID":
                fitting = [one for one in self.pool.ids if one.startswith(_PREFIXES.get(name, ""))]
                return self.random.choice(
                    fitting if fitting and self.random.random() < 0.9 else self.pool.ids
                )
        if name == "search":
            return " ".join(self.random.choice(self.pool.words) for _ in range(self.random.randint(1, 2)))
        return self.random.choice([*self.pool.texts.get(name, ()), self.random.choice(self.pool.words)])


_PREFIXES = {
    "excludeIds": "art_",
    **{
        spelled: f"{word[:3]}_"
        for word in ("article", "category", "media", "attribution", "tag", "author", "story", "collection")
        for spelled in (word, f"{word.title()}Filter")
    },
    "source": "src_",
    "SourceFilter": "src_",
}


class _Word(str):
    """An enum's value: a bare word in a document, a text in variables."""


def _as_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _as_json(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_as_json(v) for v in value]
    return str(value) if isinstance(value, _Word) else value


def _nullable(of: Any) -> Any:
    return of.of_type if isinstance(of, GraphQLNonNull) else of


def _inherited(field: str, parent: str) -> str:
    """`path: {eq: …}` draws from the paths."""
    return parent if field in ("eq", "ne", "in", "notIn", "contains", "startsWith") else field
