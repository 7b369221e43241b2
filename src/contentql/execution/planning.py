"""Plans of operations: built by the planner, cached by operation, shape of variables and visibility."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import FieldNode, GraphQLField

from contentql.auth.signing_keys import get_signing_key
from contentql.auth.viewer import ANONYMOUS_VIEWER, Viewer
from contentql.cache.entry import content_hash
from contentql.errors import ApiError
from contentql.execution.article_count import ArticleCount
from contentql.execution.documents import ParsedDocument, PreparedOperation
from contentql.lru import SegmentedCache
from contentql.planner.builder import build_plan
from contentql.planner.builder.context import (
    REQUEST_TIME_VARIABLE,
    SHARED_ARTICLE_VARIABLE,
    VIEWER_ACCOUNT_VARIABLE,
)
from contentql.planner.catalog import Catalog
from contentql.planner.constraints import ValueConstraint
from contentql.planner.cost import check_cost_limit, list_size, operation_cost
from contentql.planner.limits import Limits
from contentql.planner.operation import Operation, resolve_value
from contentql.planner.params import BoundParams
from contentql.planner.plan import Plan
from contentql.planner.sql.nodes import Dialect
from contentql.planner.sync_tokens import SyncTokens
from contentql.planner.variables import Variables
from contentql.store.database import Database
from contentql.url_patterns import Site

_SYNC_KEY_ID = "sync"
MUTATION_FIELD_COST = 10  # of each mutation field, besides the cost of its selection


@dataclass(eq=False)
class PreparedRequest:
    """A request whose operation was planned: its keys in the response cache and the cache of plans.

    Plans may be evicted while requests are kept, so a prepared request has no plan itself.
    """

    key: str
    plan_key: Any
    operation_name: str
    operation_type: str
    document_hash: str
    variables: Variables
    viewer: Viewer
    bound: BoundParams | None = None


class Planner:
    """Plans operations for a viewer and keeps the most recently used plans."""

    def __init__(
        self,
        catalog: Catalog,
        dialect: Dialect,
        limits: Limits,
        *,
        with_markers: bool,
        memory: SegmentedCache,
        articles: ArticleCount,
        site: Site,
    ) -> None:
        """`with_markers`: responses to anonymous viewers name their rows, for the response cache. `memory`
        stores the plans. `articles` is the size of the newsroom."""
        self.catalog = catalog
        self.limits = limits
        self._dialect, self._with_markers = dialect, with_markers
        self._articles = articles
        self._memory = memory
        self.site = site
        self.sync_tokens = SyncTokens()
        self._site_values = {
            "name": site.name or None,
            "languages": list(site.languages),
            "baseUrl": site.base_url or None,
            "logo": site.logo or None,
            "urlPatterns": [{"type": pattern.type, "pattern": pattern.text} for pattern in site.patterns],
        }

    def prepare(
        self,
        document: ParsedDocument,
        prepared: PreparedOperation,
        variables: Variables,
        viewer: Viewer,
        now: dt.datetime,
    ) -> tuple[PreparedRequest, Plan, bool]:
        """The prepared request, its plan, and whether the plan is new."""
        variables = with_viewer_variables(variables, viewer, now)
        shape = prepared.shape(variables)

        def plan_key() -> Any:
            own = shape.key(variables)
            return own if viewer is ANONYMOUS_VIEWER else (viewer.visibility, own)

        plan: Plan | None = self._memory.get(plan_key())
        is_new = plan is None
        if plan is None:
            operation = self.operation(prepared, document, variables)
            plan, constraints = self.build(operation, {}, viewer=viewer)
            shape.constraints.update(dict.fromkeys(constraints))
            # A private plan holds the viewer's name; another account may have the same visibility.
            if viewer is ANONYMOUS_VIEWER or not plan.private:
                self._memory.set(plan_key(), plan, plan.size)
        ready = PreparedRequest(
            response_key(document, prepared, variables),
            plan_key(),
            prepared.name,
            prepared.operation_type,
            document.hash,
            variables,
            viewer,
        )
        return ready, plan, is_new

    def get_plan(self, ready: PreparedRequest) -> Plan | None:
        """The plan of a request, unless it was evicted."""
        plan: Plan | None = self._memory.get(ready.plan_key)
        return plan

    def replan(
        self,
        document: ParsedDocument,
        prepared: PreparedOperation,
        ready: PreparedRequest,
        failed_roots: Mapping[int, ApiError],
    ) -> Plan:
        """The plan of a request some of whose root fields failed when their parameters were bound."""
        operation = self.operation(prepared, document, ready.variables)
        return self.build(operation, failed_roots, viewer=ready.viewer)[0]

    def operation(
        self, prepared: PreparedOperation, document: ParsedDocument, variables: Variables
    ) -> Operation:
        return Operation(self.catalog.schema, prepared.node, document.fragments, variables)

    def build(
        self,
        operation: Operation,
        failed_roots: Mapping[int, ApiError],
        *,
        with_typename: bool = False,
        viewer: Viewer = ANONYMOUS_VIEWER,
        cacheable: bool = True,
    ) -> tuple[Plan, set[ValueConstraint]]:
        """A new plan and its constraints; `cacheable`: the response may go to the response cache."""
        return build_plan(
            operation,
            self.catalog,
            self._dialect,
            limits=self.limits,
            virtual_objects={"viewer": viewer.as_graphql, "site": self._site_values},
            site=self.site,
            sync_tokens=self.sync_tokens,
            failed_roots=failed_roots,
            with_typename=with_typename,
            with_markers=self._with_markers
            and cacheable
            and not with_typename
            and viewer is ANONYMOUS_VIEWER,
            visibility=viewer.visibility,
            rows=self._articles.value,
        )

    async def load_sync_key(self, database: Database) -> None:
        """Reads the key of sync tokens, once. Raises ApiError as `Database.transaction` does."""
        if not self.sync_tokens.key:
            self.sync_tokens.key = await get_signing_key(database, _SYNC_KEY_ID)

    def mutation_cost(self, operation: Operation) -> int:
        """Cost of the fields and of what their payloads select. Raises COST_LIMIT_EXCEEDED."""

        def size(node: FieldNode, field: GraphQLField) -> int:
            arguments = resolve_value(operation.arguments(node, field), operation.variables)
            first, last, ids = (arguments.get(name) for name in ("first", "last", "ids"))
            return list_size(field, first, last, None if ids is None else len(ids), self.limits)

        cost = operation_cost(self.catalog, operation.node, operation.fragments, size, operation.included)
        check_cost_limit(cost, self.limits)
        return cost + MUTATION_FIELD_COST * len(operation.node.selection_set.selections)


def with_viewer_variables(variables: Variables, viewer: Viewer, now: dt.datetime) -> Variables:
    """The variables, with those that plans for non-public visibilities read about the viewer."""
    if viewer.visibility.is_public:
        return variables
    return {
        **variables,
        VIEWER_ACCOUNT_VARIABLE: viewer.account or "",
        SHARED_ARTICLE_VARIABLE: viewer.shared_article_id or 0,
        REQUEST_TIME_VARIABLE: now.replace(microsecond=0),
    }


def response_key(document: ParsedDocument, prepared: PreparedOperation, variables: Variables) -> str:
    """The same for all anonymous requests that have the same response."""
    values = orjson.dumps(variables, default=str, option=orjson.OPT_SORT_KEYS)
    return f"{document.hash}:{prepared.name}:{content_hash(values)}"
