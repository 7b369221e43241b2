"""Constraints of a plan: values of variables that it was built for.

A plan is cached under the shape of its variables; it may be reused for a request only if every constraint
evaluates to the same value as when the plan was built.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from contentql.planner.operation import LeafValue


@dataclass(frozen=True, slots=True)
class ValueConstraint:
    """The plan holds for requests whose `leaf`, read by `convert`, has the value it had at build time."""

    leaf: LeafValue
    convert: Callable[[Any], Any]

    def evaluate(self, variables: Mapping[str, Any]) -> Any:
        return self.convert(self.leaf.value(variables))
