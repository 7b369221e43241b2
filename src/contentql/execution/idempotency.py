"""Idempotency keys: a repeated mutation returns the stored result."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from graphql import (
    print_ast,
)

from contentql.editorial.context import EditContext, WriteResult
from contentql.editorial.user_errors import UserErrorCode, user_error
from contentql.editorial.warnings import Warning, WarningCode
from contentql.execution.payloads import MutationFieldCall
from contentql.store.models.history import IdempotencyRecord

IDEMPOTENCY_TTL = dt.timedelta(hours=24)


MAX_IDEMPOTENCY_KEY_LENGTH = 200


@dataclass(frozen=True)
class _ReplayedResult:
    """The stored result of a mutation: its payload, or what it saved if other fields are selected now."""

    answer: bytes
    result: WriteResult | None


def request_fingerprints(context: EditContext, field: MutationFieldCall) -> tuple[str, str]:
    """Hashes of the input, and of the selection with the viewer's visibility."""
    fields = {name: value for name, value in field.input.items() if name != "idempotencyKey"}
    what = orjson.dumps([field.name, fields], default=str, option=orjson.OPT_SORT_KEYS)
    text = "".join(key + "".join(map(print_ast, group)) for key, group in field.selected.items())
    text += repr(context.viewer.visibility)
    return hashlib.sha256(what).hexdigest(), hashlib.sha256(text.encode()).hexdigest()


async def find_replay(context: EditContext, key: str, field: MutationFieldCall) -> _ReplayedResult | None:
    await IdempotencyRecord.filter(at__lt=context.now - IDEMPOTENCY_TTL).delete()
    if context.is_postgres:  # two requests with one key: the second waits for the first
        lock = int.from_bytes(hashlib.sha256(f"{context.account}\n{key}".encode()).digest()[:8], signed=True)
        await context.connection.execute_query("SELECT pg_advisory_xact_lock($1)", [lock])
    done = await IdempotencyRecord.get_or_none(account=context.account, key=key)
    if done is None:
        return None
    what, visible = request_fingerprints(context, field)
    if done.request_hash != what:
        raise user_error(
            UserErrorCode.IDEMPOTENCY_KEY_REUSED,
            "The idempotency key was used before with a different input.",
            "idempotencyKey",
            "Use a new key for each mutation.",
        )
    payload = orjson.loads(done.response)
    if done.selection_hash == visible:
        return _ReplayedResult(payload["payload"].encode(), None)
    return _ReplayedResult(b"", _result_from_json(payload["result"]))


async def store_result(
    context: EditContext, key: str, field: MutationFieldCall, result: WriteResult, payload: bytes
) -> None:
    value = payload.decode()
    what, visible = request_fingerprints(context, field)
    saved = {name: value for name, value in asdict(result).items() if name != "secret"}
    stored = orjson.dumps({"payload": value, "result": saved}, default=str).decode()
    await IdempotencyRecord.create(
        account=context.account,
        key=key,
        request_hash=what,
        selection_hash=visible,
        response=redact_secret(stored, result),
        at=context.now,
    )


def _result_from_json(stored: dict[str, Any]) -> WriteResult:
    warnings = tuple(
        Warning(WarningCode(one["code"]), one["message"], tuple(one["field"]), one["place"])
        for one in stored.pop("warnings", ())
    )
    return WriteResult(**stored, warnings=warnings)


def redact_secret(text: str, result: WriteResult | None) -> str:
    """The text without the secret of a new token, which is returned once and stored nowhere."""
    return text.replace(result.secret, "") if result and result.secret else text
