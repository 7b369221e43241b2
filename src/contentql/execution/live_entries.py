"""The subscription `liveEntries`: the field of that name of one article, sent again when it has changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import orjson
from graphql import ArgumentNode

from contentql.execution.query_documents import make_field, make_name, query_request, selections_of
from contentql.execution.request import GraphQLRequest, GraphQLResponse
from contentql.planner.operation import Operation

LIVE_ENTRIES: Final = "liveEntries"


@dataclass(frozen=True)
class LiveEntriesRequest:
    """A subscription of live entries as a query of the article; `key` is its response key."""

    key: str
    request: GraphQLRequest

    def path(self, path: Sequence[str | int]) -> tuple[str | int, ...]:
        """The path in the subscription's result of a path in the result of the query."""
        return (self.key, *path[2:]) if path else ()

    def result(self, response: GraphQLResponse) -> bytes:
        """The result of the subscription; null if the article is not visible."""
        article = orjson.loads(response.body)["data"]["article"] or {}
        return orjson.dumps({"data": {self.key: article.get(LIVE_ENTRIES)}})


def live_entries_request(operation: Operation, request: GraphQLRequest) -> LiveEntriesRequest | None:
    """The query for a subscription of `liveEntries`; None for other subscriptions."""
    root_types = frozenset({operation.root_type})
    fields = operation.collect_fields([operation.node.selection_set], root_types, operation.included)
    for key, group in fields.items():
        if group[0].name.value == LIVE_ENTRIES:
            arguments = group[0].arguments or ()
            article = next(each for each in arguments if each.name.value == "article")
            others = [each for each in arguments if each is not article]
            entries = make_field(LIVE_ENTRIES, selections=selections_of(group), arguments=others)
            by_id = ArgumentNode(name=make_name("id"), value=article.value)
            root = make_field("article", selections=[entries], arguments=[by_id])
            return LiveEntriesRequest(key, query_request(operation, request, root))
    return None
