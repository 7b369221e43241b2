"""Parsed documents and prepared operations: what the executor keeps of a document between requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    FragmentDefinitionNode,
    OperationDefinitionNode,
)

from contentql.auth.viewer import Viewer
from contentql.lru import LRUCache
from contentql.planner.constraints import ValueConstraint
from contentql.planner.params import BoundParams
from contentql.planner.plan import Plan
from contentql.planner.variables import (
    VariableDefinition,
    Variables,
    variable_shape,
)

_SHAPES = 32


@dataclass(eq=False)
class _VariableShape:
    """Variables of one form, and the values that plans for them depend on: those only become more."""

    constraints: dict[ValueConstraint, None] = field(default_factory=dict)

    def key(self, variables: Variables) -> Any:
        return (self, *(constraint.evaluate(variables) for constraint in self.constraints))


@dataclass
class PreparedOperation:
    """One operation of a document, and the shapes its variables have come in."""

    node: OperationDefinitionNode
    name: str
    declared: Sequence[VariableDefinition]
    operation_type: str = field(init=False)
    shapes: LRUCache[Any, _VariableShape] = field(default_factory=lambda: LRUCache(_SHAPES, _SHAPES))

    def __post_init__(self) -> None:
        self.operation_type = self.node.operation.value

    def shape(self, variables: Variables) -> _VariableShape:
        form = variable_shape(variables) if variables else ()
        entry = self.shapes.get(form)
        if entry is None:
            entry = _VariableShape()
            self.shapes.set(form, entry, 1)
        return entry


@dataclass(eq=False)
class PreparedRequest:
    """All that can be known of a request before its answer. `key` is under which that is remembered."""

    plan: Plan
    prepared: PreparedOperation
    document: ParsedDocument
    variables: Variables
    key: str
    viewer: Viewer
    bound: BoundParams | None = None


@dataclass(frozen=True)
class ParsedDocument:
    hash: str
    fragments: Mapping[str, FragmentDefinitionNode]
    operations: Mapping[str | None, PreparedOperation]
