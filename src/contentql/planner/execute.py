"""A plan and its values in, the bytes of the answer out."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from contentql.planner.params import BoundParams, bind_params
from contentql.planner.plan import Plan, Statement
from contentql.planner.sql.nodes import Dialect
from contentql.planner.variables import Variables

# No text that anybody wrote can look like this: its quotation marks would be escaped.
_MARK = re.compile(rb'\{"cut (\d+)":(-?\d+)\}')

Rows = Callable[[str, Sequence[Any]], list[Sequence[Any]]]


class SnapshotReader(Protocol):
    """A database, or a transaction of it."""

    def row(self, sql: str, values: Sequence[Any], seconds: float) -> Coroutine[Any, Any, Sequence[Any]]: ...
    async def snapshot(self, work: Callable[[Rows], Any], seconds: float) -> Any: ...


async def execute_plan(
    plan: Plan,
    dialect: Dialect,
    database: SnapshotReader,
    variables: Variables,
    now: dt.datetime,
    seconds: float,
    bound: BoundParams | None = None,
) -> bytes:
    """The `data` object. Raises Refused for a value that cannot be used, before anything is read.

    `bound` are the plan's values for these variables, where they are known from an earlier time.
    """
    columns: Sequence[bytes | list[str]] = ()
    if plan.statement is not None:
        values = (bound or BoundParams(plan.statement.params, dialect, variables)).at(now)
        if plan.statement.sub_statements:
            _check(plan.statement.sub_statements, dialect, variables, now)
            columns = await _with_cuts(plan.statement, values, dialect, database, variables, now, seconds)
        else:
            columns = await database.row(plan.statement.sql, values, seconds)
    read = iter(columns)
    messages: list[bytes] = [b"{"]
    for i, root in enumerate(plan.roots):
        messages.append(b'%b"%b":' % (b"," if i else b"", root.key.encode()))
        if root.json is not None:
            messages.append(root.json)
        for part in root.parts:
            row = next(read) if part is None else part
            # A list may come as its items, so that no database had to build one large text of them.
            messages.append(row if isinstance(row, bytes) else ",".join(row).encode())
    return b"".join(messages) + b"}"


def _check(cuts: Sequence[Statement], dialect: Dialect, variables: Variables, now: dt.datetime) -> None:
    """Raises RootRefused for a bad value even where no row would ever need it."""
    for cut in cuts:
        bind_params(cut.params, dialect, variables, now)
        _check(cut.sub_statements, dialect, variables, now)


async def _with_cuts(
    statement: Statement,
    values: Sequence[Any],
    dialect: Dialect,
    database: SnapshotReader,
    variables: Variables,
    now: dt.datetime,
    seconds: float,
) -> Sequence[bytes]:
    def work(rows: Rows) -> Sequence[bytes]:
        def filled(texts: Sequence[bytes], cuts: Sequence[Statement]) -> Sequence[bytes]:
            """The texts with every mark replaced by what its cut finds for that parent."""
            marks = {mark for text in texts for mark in _MARK.findall(text)}
            results: dict[tuple[bytes, bytes], bytes] = {}
            for number, cut in enumerate(cuts):
                name = str(number).encode()
                keys = sorted(int(key) for which, key in marks if which == name)
                if keys:
                    records = rows(cut.sql, bind_params(cut.params, dialect, variables, now, keys))
                    lists = filled([row[1] for row in records], cut.sub_statements)
                    results |= {
                        (name, str(row[0]).encode()): text for row, text in zip(records, lists, strict=True)
                    }
            return [_MARK.sub(lambda mark: results[mark[1], mark[2]], text) for text in texts]

        return filled(rows(statement.sql, values)[0], statement.sub_statements)

    columns: Sequence[bytes] = await database.snapshot(work, seconds)
    return columns
