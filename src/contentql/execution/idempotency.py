"""Idempotency keys: a repeated mutation returns the stored result."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass

import orjson
from graphql import (
    print_ast,
)

from contentql.editorial.context import EditContext, WriteResult
from contentql.editorial.user_errors import UserErrorCode, user_error
from contentql.execution.payloads import MutationFieldCall
from contentql.store.models.history import IdempotencyRecord

IDEMPOTENCY_TTL = dt.timedelta(hours=24)


MAX_IDEMPOTENCY_KEY_LENGTH = 200


@dataclass(frozen=True)
class _ReplayedResult:
    """What was told before: the very answer, or what was made, where other fields of it are wanted now."""

    answer: bytes
    made: WriteResult | None


def request_fingerprints(context: EditContext, field: MutationFieldCall) -> tuple[str, str]:
    """What was asked, and what was selected of the answer, by whom who sees how much."""
    said = {name: value for name, value in field.input.items() if name != "idempotencyKey"}
    what = orjson.dumps([field.name, said], default=str, option=orjson.OPT_SORT_KEYS)
    shown = "".join(key + "".join(map(print_ast, group)) for key, group in field.selected.items())
    shown += repr(context.viewer.visibility)
    return hashlib.sha256(what).hexdigest(), hashlib.sha256(shown.encode()).hexdigest()


async def find_replay(context: EditContext, key: str, field: MutationFieldCall) -> _ReplayedResult | None:
    await IdempotencyRecord.filter(at__lt=context.now - IDEMPOTENCY_TTL).delete()
    if context.is_postgres:  # two requests with one key: the second waits for the first
        lock = int.from_bytes(hashlib.sha256(f"{context.account}\n{key}".encode()).digest()[:8], signed=True)
        await context.connection.execute_query("SELECT pg_advisory_xact_lock($1)", [lock])
    done = await IdempotencyRecord.get_or_none(account=context.account, key=key)
    if done is None:
        return None
    what, shown = request_fingerprints(context, field)
    if done.request_hash != what:
        raise user_error(
            UserErrorCode.IDEMPOTENCY_KEY_REUSED,
            "This idempotency key was sent before, with another request.",
            "idempotencyKey",
            "Make a new key for each thing that you want done.",
        )
    kept = orjson.loads(done.response)
    if done.selection_hash == shown:
        return _ReplayedResult(kept["payload"].encode(), None)
    return _ReplayedResult(b"", WriteResult(**kept["made"]))


async def store_result(
    context: EditContext, key: str, field: MutationFieldCall, made: WriteResult, payload: bytes
) -> None:
    told = payload.decode()
    what, shown = request_fingerprints(context, field)
    plain = {
        "table": made.table,
        "number": made.row_id,
        "before": made.version_before,
        "after": made.version_after,
    }
    answer = orjson.dumps(
        {"payload": told, "made": {**plain, "said": made.payload, "also": made.related_ids}}, default=str
    ).decode()
    answer = redact_secret(answer, made)
    await IdempotencyRecord.create(
        account=context.account,
        key=key,
        request_hash=what,
        selection_hash=shown,
        response=answer,
        at=context.now,
    )


def redact_secret(text: str, made: WriteResult | None) -> str:
    """It is told once, to whoever had it made, and is kept nowhere."""
    return text.replace(made.secret, "") if made and made.secret else text
