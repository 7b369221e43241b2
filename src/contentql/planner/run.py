"""A plan and its values in, the bytes of the answer out."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from typing import Any

from contentql.planner.params import bind
from contentql.planner.plan import Plan, Statement
from contentql.planner.operation import Variables
from contentql.planner.sql import Dialect
from contentql.store.database import Database

_MARK = re.compile(rb"\x01(\d+):(-?\d+)\x01")

Rows = Callable[[str, Sequence[Any]], list[Sequence[Any]]]


async def run(
    plan: Plan, dialect: Dialect, database: Database, variables: Variables, now: dt.datetime, seconds: float
) -> bytes:
    """The `data` object. Raises Refused for a value that cannot be used, before anything is read."""
    columns: Sequence[bytes] = ()
    if plan.statement is not None:
        values = bind(plan.statement.params, dialect, variables, now)
        if plan.statement.cuts:
            columns = await _with_cuts(plan.statement, values, dialect, database, variables, now, seconds)
        else:
            columns = await database.row(plan.statement.sql, values, seconds)
    read = iter(columns)
    said: list[bytes] = []
    for i, root in enumerate(plan.roots):
        said.append(b'%b"%b":' % (b"," if i else b"{", root.key.encode()))
        if root.json is not None:
            said.append(root.json)
        for part in root.parts:
            found = next(read) if part is None else part
            # A list may come as its items, so that nobody had to build one large text of them.
            said.append(found if isinstance(found, bytes) else b",".join(found))
    return b"".join(said) + b"}"


async def _with_cuts(
    statement: Statement,
    values: Sequence[Any],
    dialect: Dialect,
    database: Database,
    variables: Variables,
    now: dt.datetime,
    seconds: float,
) -> Sequence[bytes]:
    def work(rows: Rows) -> Sequence[bytes]:
        def filled(texts: Sequence[bytes], cuts: Sequence[Statement]) -> Sequence[bytes]:
            """The texts with every mark replaced by what its cut finds for that parent."""
            for number, cut in enumerate(cuts):
                mark = str(number).encode()
                keys = sorted({int(k) for text in texts for n, k in _MARK.findall(text) if n == mark})
                if not keys:
                    continue
                found = rows(cut.sql, bind(cut.params, dialect, variables, now, keys))
                lists = filled([row[1] for row in found], cut.cuts)
                by_key = {row[0]: text for row, text in zip(found, lists, strict=True)}
                texts = [
                    _MARK.sub(lambda m: by_key[int(m[2])] if m[1] == mark else m[0], text)  # noqa: B023
                    for text in texts
                ]
            return texts

        return filled(rows(statement.sql, values)[0], statement.cuts)

    return await database.snapshot(work, seconds)
