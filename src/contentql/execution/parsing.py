"""Fast parsing of executable documents, into the nodes that graphql-core's parser returns without locations.

One regular expression finds the tokens, so that parsing takes an eighth of the time of graphql-core's parser.
A text that is not parsed here goes to graphql-core, which parses it or reports its errors.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import MISSING, fields
from functools import cache
from typing import Any, TypeVar, cast

from graphql import (
    ArgumentNode,
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    EnumValueNode,
    FieldNode,
    FloatValueNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    IntValueNode,
    ListTypeNode,
    ListValueNode,
    NamedTypeNode,
    NameNode,
    NonNullTypeNode,
    NullValueNode,
    ObjectFieldNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    StringValueNode,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    parse_value,
)

_TOKENS = re.compile(
    r"(?:[ \t\n\r,\ufeff]++|#[^\n\r]*+)*+"  # ignored
    r"("
    r"[_A-Za-z][_0-9A-Za-z]*+|\.\.\.|[!$()\[\]{}:=@]"
    r"|[-0-9][-+.0-9A-Za-z_]*+"  # a number, valid or not
    r'|"""(?:[^"\\]|\\(?:""")?|"(?!""))*+"""'
    r'|"(?!"")(?:[^"\\\x00-\x08\x0a-\x1f\ud800-\udfff]|\\[ -~])*+"'
    r"|\Z|(?s:.)"
    r")"
)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?")
_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]*")
_MAX_NESTING = 100

N = TypeVar("N")


class _NotParsed(Exception):
    """The text has an error, or something that this parser does not know."""


def parse_executable(text: str, max_tokens: int) -> DocumentNode | None:
    """Parses a document of operations and fragments.

    Returns None for a text that graphql-core must parse; a text with more than `max_tokens` tokens and
    comments is one.
    """
    tokens = _TOKENS.findall(text)
    if len(tokens) + text.count("#") > max_tokens:
        return None
    try:
        return _Parser(tokens).document()
    except (_NotParsed, GraphQLError):
        return None


def _node(kind: type[N], **values: Any) -> N:
    """A node; its constructor, which sets each attribute of a frozen dataclass, would take twice as long."""
    node = object.__new__(kind)
    node.__dict__.update(_defaults(cast(Any, kind)), **values)
    return node


@cache
def _defaults(kind: type[Any]) -> dict[str, Any]:
    return {field.name: field.default for field in fields(kind) if field.default is not MISSING}


class _Parser:
    """Recursive descent over a list of tokens that ends with an empty one."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0
        self._nesting = 0
        # Equal names and fields without arguments are one node.
        self._names: dict[str, NameNode] = {}
        self._leaves: dict[str, FieldNode] = {}

    def document(self) -> DocumentNode:
        definitions: list[OperationDefinitionNode | FragmentDefinitionNode] = []
        while self._tokens[self._at] or not definitions:
            definitions.append(self._definition())
        document = _node(DocumentNode, definitions=tuple(definitions))
        return document

    def _definition(self) -> OperationDefinitionNode | FragmentDefinitionNode:
        keyword = self._tokens[self._at]
        if keyword == "{":
            return _node(
                OperationDefinitionNode, operation=OperationType.QUERY, selection_set=self._selection_set()
            )
        self._at += 1
        if keyword == "fragment":
            name = self._fragment_name()
            self._expect("on")
            return _node(
                FragmentDefinitionNode,
                name=name,
                variable_definitions=(),
                type_condition=self._named_type(),
                directives=self._directives(),
                selection_set=self._selection_set(),
            )
        if keyword not in ("query", "mutation", "subscription"):
            raise _NotParsed
        named = self._tokens[self._at] not in ("{", "(", "@")
        return _node(
            OperationDefinitionNode,
            operation=OperationType(keyword),
            name=self._name() if named else None,
            variable_definitions=self._optional("(", ")", self._variable_definition),
            directives=self._directives(),
            selection_set=self._selection_set(),
        )

    # Selections

    def _selection_set(self) -> SelectionSetNode:
        self._enter()
        self._expect("{")
        selections: list[Any] = []
        while self._tokens[self._at] != "}" or not selections:
            selections.append(self._fragment() if self._tokens[self._at] == "..." else self._field())
        self._at += 1
        self._nesting -= 1
        return _node(SelectionSetNode, selections=tuple(selections))

    def _field(self) -> FieldNode:
        tokens = self._tokens
        text = tokens[self._at]
        following = tokens[self._at + 1] if text else ""
        if following not in (":", "(", "@", "{"):
            leaf = self._leaves.get(text)
            if leaf is None:
                leaf = self._leaves[text] = _node(FieldNode, name=self._name())
            else:
                self._at += 1
            return leaf
        alias, name = None, self._name()
        if following == ":":
            self._at += 1
            alias, name = name, self._name()
        arguments = self._optional("(", ")", self._argument)
        directives = self._directives()
        selection_set = self._selection_set() if tokens[self._at] == "{" else None
        return _node(
            FieldNode,
            alias=alias,
            name=name,
            arguments=arguments,
            directives=directives,
            selection_set=selection_set,
        )

    def _fragment(self) -> FragmentSpreadNode | InlineFragmentNode:
        self._at += 1
        condition = None
        if self._tokens[self._at] == "on":
            self._at += 1
            condition = self._named_type()
        elif self._tokens[self._at] not in ("{", "@"):
            name = self._fragment_name()
            return _node(FragmentSpreadNode, name=name, directives=self._directives())
        return _node(
            InlineFragmentNode,
            type_condition=condition,
            directives=self._directives(),
            selection_set=self._selection_set(),
        )

    def _directives(self) -> tuple[DirectiveNode, ...] | None:
        if self._tokens[self._at] != "@":
            return None
        results = []
        while self._tokens[self._at] == "@":
            self._at += 1
            name = self._name()
            results.append(
                _node(DirectiveNode, name=name, arguments=self._optional("(", ")", self._argument))
            )
        return tuple(results)

    def _argument(self) -> ArgumentNode:
        name = self._name()
        self._expect(":")
        return _node(ArgumentNode, name=name, value=self._value(False))

    def _variable_definition(self) -> VariableDefinitionNode:
        variable = self._variable()
        self._expect(":")
        of = self._type()
        default: Any = None
        if self._tokens[self._at] == "=":
            self._at += 1
            default = self._value(True)
        if self._tokens[self._at] == "@":
            raise _NotParsed
        return VariableDefinitionNode(
            variable=variable, type=of, default_value=default, directives=None, description=None
        )

    def _type(self) -> Any:
        self._enter()
        if self._tokens[self._at] == "[":
            self._at += 1
            of: Any = ListTypeNode(type=self._type())
            self._expect("]")
        else:
            of = self._named_type()
        if self._tokens[self._at] == "!":
            self._at += 1
            of = NonNullTypeNode(type=of)
        self._nesting -= 1
        return of

    def _named_type(self) -> NamedTypeNode:
        return _node(NamedTypeNode, name=self._name())

    # Values

    def _value(self, constant: bool) -> ValueNode:
        token = self._tokens[self._at]
        if token == "$":
            if constant:
                raise _NotParsed
            return self._variable()
        if token == "[":
            return self._list(constant)
        if token == "{":
            return self._object(constant)
        self._at += 1
        if token in ("true", "false"):
            return BooleanValueNode(value=token == "true")
        if token == "null":
            return NullValueNode()
        if _NAME.match(token):
            return _node(EnumValueNode, value=token)
        if token[:1] == '"' and len(token) > 1:
            if "\\" in token or token.startswith('"""'):
                return parse_value(token, no_location=True)
            return _node(StringValueNode, value=token[1:-1], block=False)
        if _NUMBER.fullmatch(token):
            kind = FloatValueNode if "." in token or "e" in token or "E" in token else IntValueNode
            return _node(kind, value=token)
        raise _NotParsed

    def _list(self, constant: bool) -> ListValueNode:
        self._enter()
        self._at += 1
        values = []
        while self._tokens[self._at] != "]":
            values.append(self._value(constant))
        self._at += 1
        self._nesting -= 1
        return _node(ListValueNode, values=tuple(values))

    def _object(self, constant: bool) -> ObjectValueNode:
        self._enter()
        self._at += 1
        items = []
        while self._tokens[self._at] != "}":
            name = self._name()
            self._expect(":")
            items.append(_node(ObjectFieldNode, name=name, value=self._value(constant)))
        self._at += 1
        self._nesting -= 1
        return _node(ObjectValueNode, fields=tuple(items))

    def _variable(self) -> VariableNode:
        self._expect("$")
        return _node(VariableNode, name=self._name())

    # Tokens

    def _fragment_name(self) -> NameNode:
        if self._tokens[self._at] == "on":
            raise _NotParsed
        return self._name()

    def _name(self) -> NameNode:
        text = self._tokens[self._at]
        node = self._names.get(text)
        if node is None:
            if not _NAME.match(text):
                raise _NotParsed
            node = self._names[text] = _node(NameNode, value=text)
        self._at += 1
        return node

    def _expect(self, token: str) -> None:
        if self._tokens[self._at] != token:
            raise _NotParsed
        self._at += 1

    def _optional(self, opening: str, closing: str, item: Callable[[], N]) -> tuple[N, ...] | None:
        """Items between two tokens, at least one; None without the first token."""
        if self._tokens[self._at] != opening:
            return None
        self._at += 1
        items = [item()]
        while self._tokens[self._at] != closing:
            items.append(item())
        self._at += 1
        return tuple(items)

    def _enter(self) -> None:
        self._nesting += 1
        if self._nesting > _MAX_NESTING:
            raise _NotParsed
