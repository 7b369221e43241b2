"""Plans: SQL statements of an operation, and the assembly of their columns into the response."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from contentql.errors import ApiError
from contentql.planner.operation import LeafValue
from contentql.planner.params import ANY_ID, Param
from contentql.planner.read_set import ReadSet
from contentql.planner.sync_tokens import SyncPage
from contentql.planner.variables import Variables

_PLAN_BYTES = 4_000  # that every plan takes


@dataclass(frozen=True)
class Statement:
    """An SQL statement; `sub_statements` are for lists nested too deeply for the dialect.

    In place of such a list, the JSON has a placeholder with the parent's id. The sub-statement takes the
    parent ids as its first parameter and returns one row (id, JSON) for each.
    """

    sql: str
    params: tuple[Param, ...]
    sub_statements: tuple[Statement, ...] = ()

    @property
    def count(self) -> int:
        return 1 + sum(cut.count for cut in self.sub_statements)

    @property
    def size(self) -> int:
        """Length of the SQL in characters, with sub-statements."""
        return len(self.sql) + sum(cut.size for cut in self.sub_statements)


@dataclass(frozen=True)
class RootFieldPlan:
    """A root field of the response: constant JSON, or parts, where None stands for the next SQL column.

    `is_bundle`: its JSON has placeholders of values that are computed from it, see `planner.bundle_values`.
    """

    key: str
    json: bytes | None = None
    parts: tuple[bytes | None, ...] = ()
    is_bundle: bool = False


@dataclass(frozen=True)
class IdList:
    """Ids of objects that are returned in a list with this path; those that are no ids are null there."""

    path: tuple[str, ...]
    ids: LeafValue

    def errors(self, variables: Variables) -> Iterator[ApiError]:
        """Yields the error INVALID_ID of each that is no id, with the path of its item."""
        values = self.ids.value(variables)
        for index, value in enumerate(values if isinstance(values, list) else [values]):
            try:
                ANY_ID(value)
            except ApiError as error:
                error.path = (*self.path, index)
                yield error


@dataclass(frozen=True)
class RequestedSection:
    """The section of the list with this path, which is empty if there is no such section."""

    path: tuple[str, ...]
    section: LeafValue


@dataclass(frozen=True)
class Plan:
    """Plan of an operation.

    `statement` is None if nothing has to be read. `root_errors` are the errors of root fields that are null.
    After the columns of the root fields, the statement has one for each of `sections`: null in JSON, or the
    list of the paths that may be suggested if the section does not exist.
    """

    roots: tuple[RootFieldPlan, ...]
    statement: Statement | None
    cost: int
    root_errors: tuple[ApiError, ...] = ()
    read_set: ReadSet = field(default_factory=ReadSet)
    max_age: int = 0  # HTTP max-age in seconds: the minimum of all types in the response
    private: bool = False  # the response has data about the viewer
    scan_cost: int = 0  # the part of the cost for conditions that no index serves
    id_lists: tuple[IdList, ...] = ()
    sections: tuple[RequestedSection, ...] = ()
    sync_pages: tuple[SyncPage, ...] = ()
    sync_tokens: int = 0  # placeholders of sync tokens in the JSON
    has_json_ld: bool = False  # the JSON has placeholders of `planner.json_ld`

    def item_errors(self, variables: Variables) -> list[ApiError]:
        """Returns the errors of single items of lists, which are null."""
        return [error for ids in self.id_lists for error in ids.errors(variables)]

    @cached_property
    def statements(self) -> int:
        return self.statement.count if self.statement else 0

    @property
    def size(self) -> int:
        """Approximate size in bytes, for the plan cache: about as much as the SQL for everything else."""
        constant = sum(len(root.json or b"") for root in self.roots)
        return _PLAN_BYTES + constant + 2 * (self.statement.size if self.statement else 0)
