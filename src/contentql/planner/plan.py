"""What the planner makes of an operation: finished statements, and how their columns become the answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from contentql.errors import ApiError
from contentql.planner.params import Param
from contentql.planner.read_set import ReadSet


@dataclass(frozen=True)
class Statement:
    """One SQL text. `cuts` are statements for lists that lie too deep for the dialect to nest.

    Where a cut's list belongs, the answer holds a mark with the parent's id; the cut takes the ids as its
    first parameter and gives one row (id, JSON) for each.
    """

    sql: str
    params: tuple[Param, ...]
    sub_statements: tuple[Statement, ...] = ()

    @property
    def count(self) -> int:
        return 1 + sum(cut.count for cut in self.sub_statements)

    @property
    def size(self) -> int:
        """In characters of SQL."""
        return len(self.sql) + sum(cut.size for cut in self.sub_statements)


@dataclass(frozen=True)
class RootFieldPlan:
    """One field of the answer: JSON known already, or parts of it; None stands for the next column."""

    key: str
    json: bytes | None = None
    parts: tuple[bytes | None, ...] = ()


@dataclass(frozen=True)
class Plan:
    """`statement` is None when nothing has to be read. `refused` are root fields that are null, and why."""

    roots: tuple[RootFieldPlan, ...]
    statement: Statement | None
    cost: int
    root_errors: tuple[tuple[str, ApiError], ...] = ()
    read_set: ReadSet = field(default_factory=ReadSet)
    max_age: int = 0  # seconds for which what was selected may be kept by others: the least of it all
    private: bool = False  # it tells something about who asks

    @cached_property
    def statements(self) -> int:
        return self.statement.count if self.statement else 0

    @property
    def size(self) -> int:
        """How much there is to remember, in characters."""
        existing = sum(len(root.json or b"") for root in self.roots)
        return existing + (self.statement.size if self.statement else 0)
