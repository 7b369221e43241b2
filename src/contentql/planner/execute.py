"""Execution of plans: reads the rows and assembles the JSON of the response."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from contentql.planner.bundle_values import complete_bundle
from contentql.planner.params import BoundParams, bind_params
from contentql.planner.plan import Plan, Statement
from contentql.planner.sql.nodes import Dialect
from contentql.planner.variables import Variables

# Placeholder of a sub-statement's list. Content cannot contain it: JSON escapes quotation marks in strings.
_MARK = re.compile(rb'\{"cut (\d+)":(-?\d+)\}')
_TOKEN = re.compile(rb'\{"sync (\d+)":"([^"]*)"\}')

Rows = Callable[[str, Sequence[Any]], list[Sequence[Any]]]


class SnapshotReader(Protocol):
    """A database, or one of its transactions."""

    def row(self, sql: str, values: Sequence[Any], seconds: float) -> Coroutine[Any, Any, Sequence[Any]]: ...
    async def snapshot(self, work: Callable[[Rows], Any], seconds: float) -> Any: ...


@dataclass(frozen=True)
class PlanResult:
    """The `data` object as JSON, and a JSON value for each of the plan's `sections`."""

    data: bytes
    sections: Sequence[bytes]


async def execute_plan(
    plan: Plan,
    dialect: Dialect,
    database: SnapshotReader,
    variables: Variables,
    now: dt.datetime,
    seconds: float,
    bound: BoundParams | None = None,
) -> PlanResult:
    """Executes a plan.

    `now` is bound as the current time; `seconds` is the timeout. `bound` has the parameters of the plan if
    they were bound earlier for the same variables. Raises RootFieldError for an unusable parameter, before
    anything is read.
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
        start = len(messages)
        for part in root.parts:
            row = next(read) if part is None else part
            # A list may be returned as its items, so that the database need not build one large text.
            messages.append(row if isinstance(row, bytes) else ",".join(row).encode())
        if root.is_bundle:
            messages[start:] = [complete_bundle(b"".join(messages[start:]))]
    data = _with_tokens(plan, b"".join(messages) + b"}", variables, now)
    return PlanResult(data, [next(read) for _ in plan.sections])  # type: ignore[misc]


def _with_tokens(plan: Plan, data: bytes, variables: Variables, now: dt.datetime) -> bytes:
    """Returns the JSON with the next sync tokens in place of their placeholders."""
    for _ in range(plan.sync_tokens):
        # From the end, where clients usually select the token: the changes before it may be large.
        start = data.rfind(b'{"sync ')
        match = _TOKEN.match(data, start)
        assert match is not None
        page = plan.sync_pages[int(match[1])]
        token = page.next_token(match[2].decode(), variables, now).encode()
        data = b'%b"%b"%b' % (data[:start], token, data[match.end() :])
    return data


def _check(cuts: Sequence[Statement], dialect: Dialect, variables: Variables, now: dt.datetime) -> None:
    """Raises RootFieldError for an unusable parameter of a sub-statement, even if no row would need it."""
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
            """Returns the texts with each placeholder replaced by its list, read by its sub-statement."""
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
