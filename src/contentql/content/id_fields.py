"""Types of the ids and times in blocks and records: plain values in the database, texts in files."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, BeforeValidator, GetCoreSchemaHandler, PlainSerializer, StringConstraints
from pydantic_core import CoreSchema, core_schema

from contentql.content import ids
from contentql.content.timestamps import format_timestamp


@dataclass(frozen=True)
class IdField:
    """Annotation of an int as an id of a table: `5` in Python and in the database, `"art_5"` in a file."""

    table: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(
            self._validate,
            core_schema.int_schema(gt=0, lt=1 << 63),
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda number: ids.encode_id(self.table, number), when_used="json"
            ),
        )

    def _validate(self, value: object) -> object:
        if not isinstance(value, str):
            return value
        result = ids.decode_id(value)
        if result is None or result[0] != self.table:
            raise ValueError(f"the id must look like {ids.encode_id(self.table, 123)}")
        return result[1]


def _instant(value: object) -> object:
    if not isinstance(value, str | dt.datetime):
        raise ValueError("a time must look like 2026-06-30T08:00:00Z")
    return value


def _without_fraction(value: dt.datetime) -> dt.datetime:
    if value.tzinfo is None:
        raise ValueError("a time must have a time zone, as in 2026-06-30T08:00:00Z")
    return value.astimezone(dt.UTC).replace(microsecond=0)


Timestamp: TypeAlias = Annotated[
    dt.datetime,
    BeforeValidator(_instant),
    AfterValidator(_without_fraction),
    PlainSerializer(format_timestamp),
]
# The column has forty characters; none of these characters needs escaping in HTML, JSON or URLs.
BlockId: TypeAlias = Annotated[str, StringConstraints(pattern=r"^blk_[A-Za-z0-9_-]{1,36}$")]
MediaId: TypeAlias = Annotated[int, IdField("media")]
AttributionId: TypeAlias = Annotated[int, IdField("attribution")]
AuthorId: TypeAlias = Annotated[int, IdField("author")]
LiveEntryId: TypeAlias = Annotated[int, IdField("live_entry")]
