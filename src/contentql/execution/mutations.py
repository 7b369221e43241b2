"""The journey of a mutation: one transaction for each of its fields, and the answer read inside it.

What the payload shows is read by the planner before the commit, through the same connection: so a rehearsal
(`validateOnly`) shows what would be, and a request that comes twice is told what it was told first. Rights,
the audit log and idempotency are seen to here, for every mutation alike.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from graphql import (
    ArgumentNode,
    FieldNode,
    InlineFragmentNode,
    NamedTypeNode,
    NameNode,
    SelectionSetNode,
    StringValueNode,
    print_ast,
)
from tortoise.exceptions import IntegrityError, ValidationError

from contentql.auth.permissions import Ability
from contentql.auth.viewer import Caller
from contentql.editorial import validation
from contentql.editorial.context import Desk, Made
from contentql.editorial.user_errors import Amiss, Code, UserError, amiss
from contentql.errors import Refused
from contentql.planner import catalog as plans
from contentql.planner.catalog import Catalog, item_type
from contentql.planner.operation import Operation
from contentql.planner.params import given
from contentql.store import change_log
from contentql.store.article_records import Missing
from contentql.store.database import Database, Within
from contentql.store.models.history import AuditEntry, Done

REPLAYED = dt.timedelta(hours=24)
MOST_KEY = 200
TIDY = 1_000  # changes between two looks at what can go

# The planner's answer to one field of Query, as bytes, read through a transaction.
Read = Callable[[FieldNode, Within], Awaitable[bytes]]


class _Rehearsed(Exception):
    """Ends the transaction of a rehearsal."""

    def __init__(self, payload: bytes) -> None:
        super().__init__()
        self.payload = payload


@dataclass(frozen=True)
class ChangeAsked:
    """One field of a mutation: its key in the answer, and what was said with it."""

    key: str
    name: str
    plan: plans.Change
    payload: str
    input: Mapping[str, Any]
    selected: Mapping[str, list[FieldNode]]
    errors: Mapping[str, Sequence[FieldNode]]  # of each key that shows userErrors, the fields of one


def fields_of(operation: Operation, catalog: Catalog, included: Callable[[Any], bool]) -> list[ChangeAsked]:
    """The fields of the mutation, in order."""
    found = []
    fields = operation.fields([operation.node.selection_set], frozenset({"Mutation"}), included)
    for key, group in fields.items():
        name = group[0].name.value
        if name.startswith("__"):
            continue
        of = catalog.field_type("Mutation", name)
        plan = catalog.types["Mutation"].fields[name]
        assert isinstance(plan, plans.Change), name
        payload = item_type(of.type)
        arguments = given(operation.arguments(group[0], of), operation.variables)
        selections = [node.selection_set for node in group if node.selection_set]
        selected = operation.fields(selections, frozenset({payload}), included)
        errors = {}
        for shown, nodes in selected.items():
            inner = [node.selection_set for node in nodes if node.selection_set]
            if nodes[0].name.value == "userErrors":
                each = operation.fields(inner, frozenset({"UserError"}), included)
                errors[shown] = [some[0] for some in each.values()]
        found.append(ChangeAsked(key, name, plan, payload, arguments.get("input") or {}, selected, errors))
    return found


def check_rights(fields: Sequence[ChangeAsked], caller: Caller) -> None:
    """Before anything is done: whoever may not do all of it does none. Raises Refused."""
    for field in fields:
        if not caller.viewer.may(Ability(field.plan.needs)):
            if caller.viewer.is_public:
                raise Refused(
                    "UNAUTHENTICATED",
                    f"`{field.name}` needs a token.",
                    "Send `Authorization: Bearer …`; an administrator makes tokens.",
                )
            raise Refused(
                "FORBIDDEN",
                f"Your role, {caller.viewer.role.value}, may not use `{field.name}`.",
                f"It needs {field.plan.needs}.",
            )


class Changing:
    """Carries out mutations on one database."""

    def __init__(self, database: Database, catalog: Catalog) -> None:
        self._database, self._catalog = database, catalog
        self.preview_url = ""
        self.sign: Callable[[int, dt.datetime], Awaitable[str]] | None = None
        self._changes = 0

    async def carry_out(
        self,
        field: ChangeAsked,
        caller: Caller,
        now: dt.datetime,
        request_id: str,
        read: Read,
        seconds: float,
    ) -> bytes:
        """The payload as JSON. Refused as `Database.writing` refuses."""
        said = dict(field.input)
        rehearsal = bool(said.pop("validateOnly", None))
        key = said.pop("idempotencyKey", None)
        desk = Desk(
            None,
            caller.viewer,
            now,
            reason=said.pop("reason", None),
            if_version=said.pop("ifVersion", None),
            preview_url=self.preview_url,
            sign=self.sign,
        )
        try:
            validation.check_texts(field.input)
            _check(key, desk.reason)
            async with self._database.writing(seconds) as connection:
                desk = replace(desk, connection=connection)
                within = Within(connection, self._database.dialect)
                told = await _told_before(desk, key, field) if key else None
                if told is not None and told.made is None:
                    return told.answer
                made = told.made if told and told.made else await field.plan.does(desk, said)
                payload = await self._payload(field, made, (), read, within)
                if rehearsal:
                    raise _Rehearsed(_without_secret(payload.decode(), made).encode())
                if told is None:
                    await _noted(desk, field, made, caller, request_id)
                    if key:
                        await _kept(desk, key, field, made, payload)
                    await self._tidied(connection)
            return payload
        except _Rehearsed as rehearsed:
            return rehearsed.payload
        except (Amiss, IntegrityError, ValidationError, Missing) as fault:
            return await self._payload(field, None, _errors_of(fault), read, None)

    async def _tidied(self, connection: Any) -> None:
        """Lines of the journal that nobody is to read any more go now and then."""
        self._changes += 1
        if self._changes % TIDY == 0:
            await change_log.clear_away(connection)

    async def _payload(
        self,
        field: ChangeAsked,
        made: Made | None,
        errors: Sequence[UserError],
        read: Read,
        within: Within | None,
    ) -> bytes:
        fields = self._catalog.types[field.payload].fields
        parts = []
        for key, group in field.selected.items():
            name = group[0].name.value
            if name == "__typename":
                value = orjson.dumps(field.payload)
            elif name == "userErrors":
                value = orjson.dumps([_error(error, field.errors[key]) for error in errors])
            elif made is None or within is None:
                value = b"null"
            elif isinstance(plan := fields[name], plans.Made):
                thing = made.also[plan.also] if plan.also else made.id
                kind = item_type(self._catalog.field_type(field.payload, name).type)
                value = await read(_node(key, group, thing, kind), within)
            else:
                value = orjson.dumps(_value(made, name))
            parts.append(b'"%b":%b' % (key.encode(), value))
        return b"{" + b",".join(parts) + b"}"


def _value(made: Made, name: str) -> Any:
    if name == "secret":
        return made.secret
    return made.id if name == "deletedId" else made.said.get(name)


def _node(key: str, group: Sequence[FieldNode], thing: str, kind: str) -> FieldNode:
    """`node(id: …)` under the payload's key, with all that was selected of it."""
    selections = [
        InlineFragmentNode(
            type_condition=NamedTypeNode(name=NameNode(value=kind)),
            directives=(),
            selection_set=node.selection_set,
        )
        for node in group
        if node.selection_set
    ]
    return FieldNode(
        name=NameNode(value="node"),
        alias=NameNode(value=key),
        arguments=(ArgumentNode(name=NameNode(value="id"), value=StringValueNode(value=thing)),),
        directives=(),
        selection_set=SelectionSetNode(selections=tuple(selections)),
    )


def _error(error: UserError, shown: Sequence[FieldNode]) -> dict[str, Any]:
    values = {
        "__typename": "UserError",
        "code": error.code.value,
        "message": error.message,
        "field": list(error.field) or None,
        "hint": error.hint,
    }
    return {(node.alias or node.name).value: values[node.name.value] for node in shown}


# Idempotency


@dataclass(frozen=True)
class _Told:
    """What was told before: the very answer, or what was made, where other fields of it are wanted now."""

    answer: bytes
    made: Made | None


def _prints(desk: Desk, field: ChangeAsked) -> tuple[str, str]:
    """What was asked, and what was selected of the answer, by whom who sees how much."""
    said = {name: value for name, value in field.input.items() if name != "idempotencyKey"}
    what = orjson.dumps([field.name, said], default=str, option=orjson.OPT_SORT_KEYS)
    shown = "".join(key + "".join(map(print_ast, group)) for key, group in field.selected.items())
    shown += repr(desk.viewer.sight)
    return hashlib.sha256(what).hexdigest(), hashlib.sha256(shown.encode()).hexdigest()


async def _told_before(desk: Desk, key: str, field: ChangeAsked) -> _Told | None:
    await Done.filter(at__lt=desk.now - REPLAYED).delete()
    if desk.postgres:  # two requests with one key: the second waits for the first
        lock = int.from_bytes(hashlib.sha256(f"{desk.account}\n{key}".encode()).digest()[:8], signed=True)
        await desk.connection.execute_query("SELECT pg_advisory_xact_lock($1)", [lock])
    done = await Done.get_or_none(account=desk.account, key=key)
    if done is None:
        return None
    what, shown = _prints(desk, field)
    if done.asked != what:
        raise amiss(
            Code.KEY_REUSED,
            "This idempotency key was sent before, with another request.",
            "idempotencyKey",
            "Make a new key for each thing that you want done.",
        )
    kept = orjson.loads(done.answer)
    if done.selected == shown:
        return _Told(kept["payload"].encode(), None)
    return _Told(b"", Made(**kept["made"]))


async def _kept(desk: Desk, key: str, field: ChangeAsked, made: Made, payload: bytes) -> None:
    told = payload.decode()
    what, shown = _prints(desk, field)
    plain = {"table": made.table, "number": made.number, "before": made.before, "after": made.after}
    answer = orjson.dumps(
        {"payload": told, "made": {**plain, "said": made.said, "also": made.also}}, default=str
    ).decode()
    answer = _without_secret(answer, made)
    await Done.create(account=desk.account, key=key, asked=what, selected=shown, answer=answer, at=desk.now)


def _without_secret(text: str, made: Made | None) -> str:
    """It is told once, to whoever had it made, and is kept nowhere."""
    return text.replace(made.secret, "") if made and made.secret else text


async def _noted(desk: Desk, field: ChangeAsked, made: Made, caller: Caller, request_id: str) -> None:
    await AuditEntry.create(
        at=desk.now,
        account=desk.account,
        by=desk.name,
        role=desk.viewer.role.value,
        action=field.name,
        thing=made.id,
        before=made.before,
        after=made.after,
        reason=desk.reason,
        address=caller.address,
        client=caller.client,
        request=request_id[:64],
    )


def _check(key: Any, reason: Any) -> None:
    if key is not None and not 0 < len(key) <= MOST_KEY:
        raise amiss(Code.INVALID, f"An idempotency key has 1 to {MOST_KEY} characters.", "idempotencyKey")
    if reason is not None and len(reason) > 1_000:
        raise amiss(Code.TOO_LONG, "A reason has at most 1,000 characters.", "reason")


def _errors_of(fault: Exception) -> Sequence[UserError]:
    if isinstance(fault, Amiss):
        return fault.errors
    if isinstance(fault, IntegrityError):
        return (_collision(fault),)
    said = str(fault).partition("\n")[0]
    if isinstance(fault, Missing):  # somebody renamed or deleted it at the same moment
        return (UserError(Code.NOT_FOUND, f"{said[:1].upper()}{said[1:]}."),)
    return (UserError(Code.INVALID, said),)


def _collision(fault: IntegrityError) -> UserError:
    """Two writers at once: what the database's own rules say against the second."""
    said = str(fault)
    if same := re.search(r"UNIQUE constraint failed: (\w+)\.(.*)|Key \((.*?)\)=", said):
        columns = re.sub(r"\b\w+\.", "", same[2] or same[3]).replace("_id", "")
        if "version" in columns:
            return UserError(
                Code.CONFLICT, "Somebody else saved it at the same moment.", (), "Load it again."
            )
        names = [name for name in columns.split(", ") if name not in ("working_of", "id")]
        return UserError(
            Code.TAKEN, f"Something else here has the same {' and '.join(names)}.", tuple(names[-1:])
        )
    if "FOREIGN KEY" in said or "foreign key" in said:
        return UserError(Code.IN_USE, "Something that was just written uses it, or it is gone.")
    return UserError(Code.INVALID, "It breaks a rule of the store.")
