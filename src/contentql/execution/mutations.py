"""Executes mutations: each field in one transaction, or all with `@atomic`, payloads read before the commit.

The planner reads the payload through the connection of the transaction: so a dry run (`validateOnly`)
returns the result that a commit would have. Authorization, audit log and idempotency are here, the same for
every mutation.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import orjson
from graphql import FieldNode, OperationDefinitionNode, OperationType, SelectionSetNode

from contentql.auth.viewer import Actor, Viewer
from contentql.cache.response_cache import ResponseCache
from contentql.editorial import validation
from contentql.editorial.context import EditContext, WriteResult
from contentql.editorial.user_errors import UserError, UserErrorCode, user_error
from contentql.errors import ApiError
from contentql.execution.documents import ParsedDocument, PreparedOperation
from contentql.execution.idempotency import (
    MAX_IDEMPOTENCY_KEY_LENGTH,
    find_replay,
    redact_secret,
    store_result,
)
from contentql.execution.json_ld import with_json_ld
from contentql.execution.mutation_errors import (
    USER_ERROR_EXCEPTIONS,
    atomic_failure_error,
    authorize,
    user_errors_from,
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
from contentql.planner.params import RootFieldError
from contentql.planner.sql.nodes import Dialect
from contentql.planner.variables import Variables
from contentql.public_addresses import Network
from contentql.store import article_log, change_log
from contentql.store.database import Database, TransactionReader
from contentql.store.models.history import AuditEntry
from contentql.telemetry.trace import RequestTrace
from contentql.url_patterns import Site

ATOMIC_DIRECTIVE = "atomic"
PRUNE_EVERY = 1_000  # changes between two looks at what can go


# Reads one field of Query, as JSON, through a transaction.
ReadPayload = Callable[[FieldNode, TransactionReader], Awaitable[bytes]]
SignPreviewToken = Callable[[int, dt.datetime], Awaitable[str]]


class _DryRunComplete(Exception):
    """Ends the transaction of a dry run."""


class _FieldFailed(Exception):
    """Ends the transaction of an atomic operation of which one field has an error."""

    def __init__(self, error: ApiError) -> None:
        super().__init__()
        self.error = error


@dataclass(frozen=True)
class _Execution:
    """What the fields of one operation share; `deadline` is a time of the monotonic clock."""

    actor: Actor
    now: dt.datetime
    request_id: str
    read: ReadPayload
    deadline: float

    def seconds_left(self) -> float:
        return max(0.0, self.deadline - time.monotonic())


# The payloads of the fields as JSON, and the errors of fields.
_FieldResults = tuple[list[bytes], list[ApiError]]

# Returns the locations in the document of the fields with these paths.
Locate = Callable[[Sequence[Sequence[str | int]]], Sequence[Sequence[Mapping[str, int]]]]


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
        four_eyes: bool,
        site: Site,
        webhook_networks: Sequence[Network],
    ) -> None:
        """`seconds`: time limit of all fields of an operation together. `four_eyes`: whether the writers of
        an article may not approve it."""
        self._database, self._catalog, self._planner = database, catalog, planner
        self._dialect, self._seconds, self._responses = dialect, seconds, responses
        self.sign_preview_token, self.preview_url, self._site = sign_preview_token, preview_url, site
        self._four_eyes, self._webhook_networks = four_eyes, webhook_networks
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
        locate: Locate,
    ) -> GraphQLResponse:
        """Executes the fields of a mutation in order; each is committed or rolled back by itself, or with
        `@atomic` all together."""
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
        execution = _Execution(
            actor,
            now,
            trace.request_id,
            partial(self._read_object, operation, actor.viewer, now),
            time.monotonic() + self._seconds,
        )
        run = self._execute_together if _is_atomic(prepared) else self._execute_each
        payloads, errors = await run(fields, execution)
        parts += [_member(field.key, payload) for field, payload in zip(fields, payloads, strict=True)]
        if self._responses:
            # The client finds its own writes. They are committed: if the database is away now, the cache
            # returns nothing until it has applied them.
            with contextlib.suppress(ApiError):
                await self._responses.apply_pending_changes()
        trace.start_stage("response")
        locations = locate([error.path for error in errors])
        return build_response(b"{" + b",".join(parts) + b"}", errors, trace.request_id, locations, None)

    async def _read_object(
        self,
        operation: Operation,
        viewer: Viewer,
        now: dt.datetime,
        node: FieldNode,
        within: SnapshotReader,
    ) -> bytes:
        """The selected object of a payload as JSON, read before the transaction ends.

        Raises ApiError for a selection that cannot be read, so that nothing is saved without a result.
        """
        alone = OperationDefinitionNode(
            operation=OperationType.QUERY,
            variable_definitions=operation.node.variable_definitions,
            selection_set=SelectionSetNode(selections=(node,)),
            directives=(),
        )
        variables = with_viewer_variables(operation.variables, viewer, now)
        query = Operation(self._catalog.schema, alone, operation.fragments, variables)
        plan, _ = self._planner.build(query, {}, viewer=viewer, cacheable=False)
        for error in plan.root_errors:
            raise error
        try:
            result = await execute_plan(plan, self._dialect, within, variables, now, self._seconds)
        except RootFieldError as exc:
            raise exc.refusal from None
        data = with_json_ld(result.data, plan, self._planner.site)
        return data[data.index(b":") + 1 : -1]

    async def _execute_each(
        self, fields: Sequence[MutationFieldCall], execution: _Execution
    ) -> _FieldResults:
        """Executes each field in a transaction of its own. Raises ApiError if the only field fails."""
        payloads: list[bytes] = []
        errors: list[ApiError] = []
        for field in fields:
            try:
                payload = await self._execute_alone(field, execution)
            except ApiError as exc:
                exc.path = (field.key, *exc.path)
                if len(fields) == 1:
                    raise
                errors.append(exc)
                payload = b"null"
            payloads.append(payload)
        return payloads, errors

    async def _execute_alone(self, field: MutationFieldCall, execution: _Execution) -> bytes:
        """The payload as JSON. Raises as `Database.transaction` does."""
        payload = b"null"
        try:
            _check_input(field)
            async with self._database.transaction(execution.seconds_left()) as connection:
                payload = await self._execute_field(field, execution, connection)
                if _is_dry_run(field):
                    raise _DryRunComplete
        except _DryRunComplete:
            pass
        except USER_ERROR_EXCEPTIONS as exc:
            return await self._payload(field, None, user_errors_from(exc), execution.read, None)
        return payload

    async def _execute_together(
        self, fields: Sequence[MutationFieldCall], execution: _Execution
    ) -> _FieldResults:
        """Executes all fields in one transaction, which the first field that fails rolls back.

        Raises BAD_USER_INPUT if only some of the fields are dry runs, and as `Database.transaction` does.
        """
        if len({_is_dry_run(field) for field in fields}) > 1:
            raise ApiError(
                "BAD_USER_INPUT",
                "An operation with @atomic has validateOnly in all of its fields or in none.",
                "Send the same value of validateOnly in every field.",
            )
        payloads: list[bytes] = []
        failed: MutationFieldCall | None = None
        try:
            for failed in fields:
                _check_input(failed)
            async with self._database.transaction(execution.seconds_left()) as connection:
                for failed in fields:
                    try:
                        payloads.append(await self._execute_field(failed, execution, connection))
                    except ApiError as exc:
                        raise _FieldFailed(exc) from exc
                if any(map(_is_dry_run, fields)):
                    raise _DryRunComplete
        except _DryRunComplete:
            pass
        except _FieldFailed as exc:
            assert failed is not None
            exc.error.path = (failed.key, *exc.error.path)
            if len(fields) == 1:
                raise exc.error from None
            unsaved = await self._unsaved_payloads(fields, len(payloads), failed, (), execution)
            return unsaved, [exc.error]
        except USER_ERROR_EXCEPTIONS as exc:
            assert failed is not None
            user_errors = user_errors_from(exc)
            return await self._unsaved_payloads(fields, len(payloads), failed, user_errors, execution), []
        return payloads, []

    async def _unsaved_payloads(
        self,
        fields: Sequence[MutationFieldCall],
        executed: int,
        failed: MutationFieldCall,
        user_errors: Sequence[UserError],
        execution: _Execution,
    ) -> list[bytes]:
        """The payloads of an atomic operation that was rolled back: null for a field that failed without
        user errors; each other field states why nothing was saved. `executed`: number of executed fields.
        """
        payloads = []
        for number, field in enumerate(fields):
            if field is not failed:
                errors: Sequence[UserError] = (atomic_failure_error(failed.key, executed=number < executed),)
            elif user_errors:
                errors = user_errors
            else:
                payloads.append(b"null")
                continue
            payloads.append(await self._payload(field, None, errors, execution.read, None))
        return payloads

    async def _execute_field(self, field: MutationFieldCall, execution: _Execution, connection: Any) -> bytes:
        """Executes one field within a transaction. Returns its payload as JSON."""
        fields = dict(field.input)
        is_dry_run = bool(fields.pop("validateOnly", None))
        key = fields.pop("idempotencyKey", None)
        actor = execution.actor
        context = EditContext(
            connection,
            actor.viewer,
            execution.now,
            reason=fields.pop("reason", None),
            expected_version=fields.pop("ifVersion", None),
            preview_url=f"{actor.base_url if self.preview_url.startswith('/') else ''}{self.preview_url}",
            four_eyes=self._four_eyes,
            site=self._site,
            webhook_networks=self._webhook_networks,
            sign_preview_token=self.sign_preview_token,
        )
        within = TransactionReader(connection, self._database.dialect)
        value = await find_replay(context, key, field) if key else None
        if value is not None and value.result is None:
            return value.answer
        created = value.result if value and value.result else await field.field_plan.resolver(context, fields)
        if context.warnings:
            created = replace(created, warnings=tuple(context.warnings))
        payload = await self._payload(field, created, (), execution.read, within)
        if is_dry_run:
            return redact_secret(payload.decode(), created).encode()
        if value is None:
            await write_audit_entry(context, field, created, actor, execution.request_id)
            if key:
                await store_result(context, key, field, created, payload)
            await self.prune_change_log(connection)
        return payload

    async def prune_change_log(self, connection: Any) -> None:
        """Deletes old rows of the change log, once per PRUNE_EVERY mutations."""
        self._changes += 1
        if self._changes % PRUNE_EVERY == 0:
            await change_log.prune(connection)
            await article_log.prune(connection)

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


def _is_atomic(prepared: PreparedOperation) -> bool:
    return any(node.name.value == ATOMIC_DIRECTIVE for node in prepared.node.directives or ())


def _is_dry_run(field: MutationFieldCall) -> bool:
    return bool(field.input.get("validateOnly"))


def _check_input(field: MutationFieldCall) -> None:
    """Raises UserErrors for texts, idempotency keys and reasons that no mutation accepts."""
    validation.validate_texts(field.input)
    key, reason = field.input.get("idempotencyKey"), field.input.get("reason")
    if key is not None and not 0 < len(key) <= MAX_IDEMPOTENCY_KEY_LENGTH:
        raise user_error(
            UserErrorCode.INVALID,
            f"idempotencyKey must have 1 to {MAX_IDEMPOTENCY_KEY_LENGTH} characters.",
            "idempotencyKey",
        )
    if reason is not None and len(reason) > 1_000:
        raise user_error(UserErrorCode.TOO_LONG, "reason must have at most 1,000 characters.", "reason")


def _member(key: str, value: bytes) -> bytes:
    return orjson.dumps(key) + b":" + value
