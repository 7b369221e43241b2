"""Constraints of a plan: values of variables that it was built for.

Plans are cached by the shape of the variables. A plan is reused for a request only if each constraint has the
value that it had when the plan was built.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from contentql.planner.operation import LeafValue


@dataclass(frozen=True, slots=True)
class ValueConstraint:
    """A condition of a plan: `leaf`, converted by `convert`, has the value that it had at build time."""

    leaf: LeafValue
    convert: Callable[[Any], Any]

    def evaluate(self, variables: Mapping[str, Any]) -> Any:
        return self.convert(self.leaf.value(variables))
