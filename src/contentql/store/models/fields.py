"""Field types and CHECK constraints shared by the models."""

from __future__ import annotations

import datetime as dt
from enum import Enum
from typing import Any

from tortoise import fields
from tortoise.fields import OnDelete
from tortoise.migrations.constraints import CheckConstraint

from contentql.content.enums import Status
from contentql.content.ids import new_id
from contentql.content.timestamps import format_timestamp


class TimestampField(fields.DatetimeField[dt.datetime]):
    """UTC time in whole seconds: `timestamptz` on PostgreSQL, text like `2026-06-30T08:00:00Z` on SQLite.

    Whole seconds, so that both databases sort, compare and print a time alike.
    """

    def to_db_value(self, value: Any, instance: Any) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{self.model_field_name}: a time needs a zone, as in 2026-06-30T08:00:00Z")
        moment = value.astimezone(dt.UTC).replace(microsecond=0)
        # Tortoise passes no instance for an update of many rows.
        return moment if _speaks_postgres(instance or self.model) else format_timestamp(moment)


def _speaks_postgres(instance: Any) -> bool:
    model = instance if isinstance(instance, type) else type(instance)
    dialect: str = model._meta.db.capabilities.dialect  # type: ignore[attr-defined]
    return dialect == "postgres"


def one_of(column: str, closed: type[Enum]) -> CheckConstraint:
    words = ", ".join(f"'{member.value}'" for member in closed if member is not Status.EXPIRED)
    return CheckConstraint(check=f"{column} in ({words})", name=f"{column}_is_known")


def enum_check_sql(closed: type[Enum], *, besides: Enum) -> str:
    """The description that Tortoise gives an enum column, without `besides`, which is never stored."""
    return "\n".join(f"{member.value}: {member.value}" for member in closed if member is not besides)


def check_constraint(name: str, rule: str) -> CheckConstraint:
    return CheckConstraint(check=rule, name=name)


def id_field() -> Any:
    return fields.BigIntField(primary_key=True, generated=False, default=new_id)


def to(model: str, on_delete: OnDelete = OnDelete.RESTRICT, **options: Any) -> Any:
    return fields.ForeignKeyField(f"content.{model}", on_delete=on_delete, related_name=False, **options)


def maybe(model: str, on_delete: OnDelete = OnDelete.RESTRICT) -> Any:
    return to(model, on_delete, null=True)
