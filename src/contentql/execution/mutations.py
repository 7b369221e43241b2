"""Executes mutations: each field in one transaction, its payload read before the commit.

The planner reads the payload through the connection of the transaction: so a dry run (`validateOnly`)
returns the result that a commit would have. Authorization, audit log and idempotency are here, the same for
every mutation.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import orjson
from graphql import FieldNode, OperationDefinitionNode, OperationType, SelectionSetNode
from tortoise.exceptions import IntegrityError, ValidationError

from contentql.auth.permissions import ROLE_PERMISSIONS, Permission, Role
from contentql.auth.viewer import Actor, Viewer
from contentql.cache.response_cache import ResponseCache
from contentql.editorial import validation
from contentql.editorial.context import EditContext, WriteResult
from contentql.editorial.user_errors import UserError, UserErrorCode, UserErrors, user_error
from contentql.errors import ApiError
from contentql.execution.documents import ParsedDocument, PreparedOperation
from contentql.execution.idempotency import (
    MAX_IDEMPOTENCY_KEY_LENGTH,
    find_replay,
    redact_secret,
    store_result,
)
from contentql.execution.payloads import (
    MutationFieldCall,
    collect_mutation_fields,
    message_value,
    payload_node_field,
    payload_value,
)
from contentql.execution.planning import Planner, with_viewer_variables
from contentql.execution.request import ChargeCost, GraphQLResponse
from contentql.execution.responses import build_response
from contentql.planner import field_plans
from contentql.planner.catalog import Catalog, named_type
from contentql.planner.execute import SnapshotReader, execute_plan
from contentql.planner.operation import Operation
from contentql.planner.plan import Plan
from contentql.planner.sql.nodes import Dialect
from contentql.planner.variables import Variables
from contentql.store import change_log
from contentql.store.article_records import ReferenceNotFound
from contentql.store.database import Database, TransactionReader
from contentql.store.models.history import AuditEntry
from contentql.telemetry.trace import RequestTrace

PRUNE_EVERY = 1_000  # changes between two looks at what can go


# Reads one field of Query, as JSON, through a transaction.
ReadPayload = Callable[[FieldNode, TransactionReader], Awaitable[bytes]]
SignPreviewToken = Callable[[int, dt.datetime], Awaitable[str]]


class _DryRunComplete(Exception):
    """Ends the transaction of a dry run."""

    def __init__(self, payload: bytes) -> None:
        super().__init__()
        self.payload = payload


def authorize(fields: Sequence[MutationFieldCall], actor: Actor) -> None:
    """Checks the permissions for all fields before any is executed. Raises UNAUTHENTICATED, FORBIDDEN."""
    for field in fields:
        permission = Permission(field.field_plan.permission)
        if not actor.viewer.has_permission(permission):
            if actor.viewer.is_public:
                raise ApiError(
                    "UNAUTHENTICATED",
                    f"`{field.name}` needs a token.",
                    "Send `Authorization: Bearer …`; an administrator makes tokens.",
                )
            raise ApiError(
                "FORBIDDEN",
                f"`{field.name}` needs the permission {permission.value}, which your token does not have.",
                _missing_permission_hint(permission, actor.viewer),
            )


def _missing_permission_hint(permission: Permission, viewer: Viewer) -> str:
    if permission in ROLE_PERMISSIONS[viewer.role]:
        return f"Your role, {viewer.role.value}, has the permission; the scopes of your token leave it out."
    roles = ", ".join(role.value for role in Role if permission in ROLE_PERMISSIONS[role])
    return f"Your role is {viewer.role.value}; roles with the permission: {roles}."


class MutationExecutor:
    """Executes the mutations of one database."""

    def __init__(
        self,
        database: Database,
        catalog: Catalog,
        planner: Planner,
        dialect: Dialect,
        seconds: float,
        responses: ResponseCache | None,
        *,
        sign_preview_token: SignPreviewToken | None,
        preview_url: str,
    ) -> None:
        """`seconds`: time limit of all fields of an operation together."""
        self._database, self._catalog, self._planner = database, catalog, planner
        self._dialect, self._seconds, self._responses = dialect, seconds, responses
        self.sign_preview_token, self.preview_url = sign_preview_token, preview_url
        self._changes = 0

    async def execute(
        self,
        document: ParsedDocument,
        prepared: PreparedOperation,
        variables: Variables,
        actor: Actor,
        now: dt.datetime,
        trace: RequestTrace,
        charge: ChargeCost | None,
    ) -> GraphQLResponse:
        """Executes the fields of a mutation in order; each is committed or rolled back by itself."""
        trace.operation, trace.document, trace.cache = prepared.name, document.hash, "off"
        trace.operation_type = prepared.operation_type
        operation = self._planner.operation(prepared, document, variables)
        cost = self._planner.mutation_cost(operation)
        fields = collect_mutation_fields(operation, self._catalog, operation.included)
        authorize(fields, actor)
        trace.cost = cost
        if charge:
            await charge(trace.cost)
        trace.start_stage("execute")
        parts = [_member(key, orjson.dumps(name)) for key, name in operation.typenames(operation.included)]
        errors: list[tuple[str, ApiError]] = []
        deadline = time.monotonic() + self._seconds
        read = partial(self._read_object, operation, actor.viewer, now)
        for field in fields:
            seconds = max(0.0, deadline - time.monotonic())
            try:
                payload = await self.execute_field(field, actor, now, trace.request_id, read, seconds)
            except ApiError as exc:
                if len(fields) == 1:
                    raise
                errors.append((field.key, exc))
                payload = b"null"
            parts.append(_member(field.key, payload))
        if self._responses:
            # The client finds its own writes. They are committed: if the database is away now, the cache
            # returns nothing until it has applied them.
            with contextlib.suppress(ApiError):
                await self._responses.apply_pending_changes()
        trace.start_stage("response")
        plan = Plan((), None, trace.cost, tuple(errors))
        return build_response(b"{" + b",".join(parts) + b"}", plan, trace.request_id)

    async def _read_object(
        self,
        operation: Operation,
        viewer: Viewer,
        now: dt.datetime,
        node: FieldNode,
        within: SnapshotReader,
    ) -> bytes:
        """The selected object of a payload as JSON, read before the transaction ends."""
        alone = OperationDefinitionNode(
            operation=OperationType.QUERY,
            variable_definitions=operation.node.variable_definitions,
            selection_set=SelectionSetNode(selections=(node,)),
            directives=(),
        )
        variables = with_viewer_variables(operation.variables, viewer, now)
        query = Operation(self._catalog.schema, alone, operation.fragments, variables)
        plan, _ = self._planner.build(query, {}, viewer=viewer, cacheable=False)
        data = await execute_plan(plan, self._dialect, within, variables, now, self._seconds)
        return data[data.index(b":") + 1 : -1]

    async def execute_field(
        self,
        field: MutationFieldCall,
        actor: Actor,
        now: dt.datetime,
        request_id: str,
        read: ReadPayload,
        seconds: float,
    ) -> bytes:
        """The payload as JSON. Raises as `Database.transaction` does."""
        fields = dict(field.input)
        rehearsal = bool(fields.pop("validateOnly", None))
        key = fields.pop("idempotencyKey", None)
        context = EditContext(
            None,
            actor.viewer,
            now,
            reason=fields.pop("reason", None),
            expected_version=fields.pop("ifVersion", None),
            preview_url=self.preview_url,
            sign_preview_token=self.sign_preview_token,
        )
        try:
            validation.validate_texts(field.input)
            _check(key, context.reason)
            async with self._database.transaction(seconds) as connection:
                context = replace(context, connection=connection)
                within = TransactionReader(connection, self._database.dialect)
                value = await find_replay(context, key, field) if key else None
                if value is not None and value.result is None:
                    return value.answer
                created = (
                    value.result
                    if value and value.result
                    else await field.field_plan.resolver(context, fields)
                )
                if context.warnings:
                    created = replace(created, warnings=tuple(context.warnings))
                payload = await self._payload(field, created, (), read, within)
                if rehearsal:
                    raise _DryRunComplete(redact_secret(payload.decode(), created).encode())
                if value is None:
                    await write_audit_entry(context, field, created, actor, request_id)
                    if key:
                        await store_result(context, key, field, created, payload)
                    await self.prune_change_log(connection)
            return payload
        except _DryRunComplete as rehearsed:
            return rehearsed.payload
        except (UserErrors, IntegrityError, ValidationError, ReferenceNotFound) as exc:
            return await self._payload(field, None, user_errors_from(exc), read, None)

    async def prune_change_log(self, connection: Any) -> None:
        """Deletes old rows of the change log, once per PRUNE_EVERY mutations."""
        self._changes += 1
        if self._changes % PRUNE_EVERY == 0:
            await change_log.prune(connection)

    async def _payload(
        self,
        field: MutationFieldCall,
        result: WriteResult | None,
        errors: Sequence[UserError],
        read: ReadPayload,
        within: TransactionReader | None,
    ) -> bytes:
        fields = self._catalog.types[field.payload].fields
        parts = []
        for key, group in field.selected.items():
            name = group[0].name.value
            if name == "__typename":
                value = orjson.dumps(field.payload)
            elif name in ("userErrors", "warnings"):
                messages = errors if name == "userErrors" else result.warnings if result else ()
                value = orjson.dumps(
                    [message_value(message, field.message_fields[key]) for message in messages]
                )
            elif result is None or within is None:
                value = b"null"
            elif isinstance(plan := fields[name], field_plans.PayloadObject):
                thing = result.related_ids[plan.extra_key] if plan.extra_key else result.id
                kind = named_type(self._catalog.field_type(field.payload, name).type)
                value = await read(payload_node_field(key, group, thing, kind), within)
            else:
                value = orjson.dumps(payload_value(result, name))
            parts.append(b'"%b":%b' % (key.encode(), value))
        return b"{" + b",".join(parts) + b"}"


async def write_audit_entry(
    context: EditContext, field: MutationFieldCall, result: WriteResult, actor: Actor, request_id: str
) -> None:
    await AuditEntry.create(
        at=context.now,
        account=context.account,
        by=context.name,
        role=context.viewer.role.value,
        action=field.name,
        target_id=result.id,
        before=result.version_before,
        after=result.version_after,
        reason=context.reason,
        address=actor.address,
        client=actor.client,
        request_id=request_id[:64],
    )


def _check(key: Any, reason: Any) -> None:
    if key is not None and not 0 < len(key) <= MAX_IDEMPOTENCY_KEY_LENGTH:
        raise user_error(
            UserErrorCode.INVALID,
            f"idempotencyKey must have 1 to {MAX_IDEMPOTENCY_KEY_LENGTH} characters.",
            "idempotencyKey",
        )
    if reason is not None and len(reason) > 1_000:
        raise user_error(UserErrorCode.TOO_LONG, "reason must have at most 1,000 characters.", "reason")


def user_errors_from(exc: Exception) -> Sequence[UserError]:
    if isinstance(exc, UserErrors):
        return exc.errors
    if isinstance(exc, IntegrityError):
        return (integrity_error_to_user_error(exc),)
    message = str(exc).partition("\n")[0]
    if isinstance(exc, ReferenceNotFound):  # somebody renamed or deleted it at the same moment
        return (UserError(UserErrorCode.NOT_FOUND, f"{message[:1].upper()}{message[1:]}."),)
    return (UserError(UserErrorCode.INVALID, message),)


def integrity_error_to_user_error(exc: IntegrityError) -> UserError:
    """The user error for a violated database constraint, for example of two concurrent writers."""
    message = str(exc)
    if same := re.search(r"UNIQUE constraint failed: (\w+)\.(.*)|Key \((.*?)\)=", message):
        columns = re.sub(r"\b\w+\.", "", same[2] or same[3]).replace("_id", "")
        if "version" in columns:
            return UserError(
                UserErrorCode.VERSION_CONFLICT,
                "Another request saved the article at the same moment.",
                (),
                "Read the article again and repeat the request.",
            )
        names = [name for name in columns.split(", ") if name not in ("working_of", "id")]
        if "slug" in names:  # as `editorial.slugs`: without a word about what has it
            return UserError(
                UserErrorCode.TAKEN, "The slug is not available.", ("slug",), "Send another slug."
            )
        return UserError(
            UserErrorCode.TAKEN,
            f"Another object has the same {' and '.join(names)}.",
            tuple(names[-1:]),
            "Send another value.",
        )
    if "FOREIGN KEY" in message or "foreign key" in message:
        return UserError(
            UserErrorCode.IN_USE,
            "Another request deleted the object, or refers to it, at the same moment.",
            hint="Read the object again and repeat the request.",
        )
    return UserError(
        UserErrorCode.INVALID,
        "The input violates a constraint of the database.",
        hint="Check that the fields of the input agree with each other.",
    )


def _member(key: str, value: bytes) -> bytes:
    return orjson.dumps(key) + b":" + value
