"""Relay connections: pages of a list."""

from __future__ import annotations

from typing import Generic

import strawberry

from contentql.schema.fields import (
    envelope_field,
)
from contentql.schema.values import (
    ItemT,
    PageInfo,
)


@strawberry.type(description="An item of a connection with its cursor.")
class Edge(Generic[ItemT]):
    node: ItemT = envelope_field("The item.")
    cursor: str = envelope_field("Opaque cursor of the item, valid for the same filter and order.", '"3f0c…"')


@strawberry.type(description="A page of a list.")
class Connection(Generic[ItemT]):
    nodes: list[ItemT] = envelope_field("Items of this page.")
    edges: list[Edge[ItemT]] = envelope_field("Items of this page with their cursors.")
    page_info: PageInfo = envelope_field("Position of this page in the list.")
    total_count: int = envelope_field("Number of items in the whole list. Computed only if selected.", "128")
