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
        time = value.astimezone(dt.UTC).replace(microsecond=0)
        # Tortoise passes no instance for an update of many rows.
        return time if _is_postgres(instance or self.model) else format_timestamp(time)


def _is_postgres(instance: Any) -> bool:
    model = instance if isinstance(instance, type) else type(instance)
    dialect: str = model._meta.db.capabilities.dialect  # type: ignore[attr-defined]
    return dialect == "postgres"


def enum_constraint(column: str, enum_type: type[Enum]) -> CheckConstraint:
    """CHECK that a column has a value of the enum; EXPIRED is derived, and never stored."""
    values = ", ".join(f"'{member.value}'" for member in enum_type if member is not Status.EXPIRED)
    return CheckConstraint(check=f"{column} in ({values})", name=f"{column}_is_known")


def enum_description(enum_type: type[Enum], *, excluded: Enum) -> str:
    """The description that Tortoise gives an enum column, without `excluded`, which is never stored."""
    return "\n".join(f"{member.value}: {member.value}" for member in enum_type if member is not excluded)


def check_constraint(name: str, condition: str) -> CheckConstraint:
    return CheckConstraint(check=condition, name=name)


def id_field() -> Any:
    """Primary key with an id from `new_id`."""
    return fields.BigIntField(primary_key=True, generated=False, default=new_id)


def foreign_key_field(model: str, on_delete: OnDelete = OnDelete.RESTRICT, **options: Any) -> Any:
    return fields.ForeignKeyField(f"content.{model}", on_delete=on_delete, related_name=False, **options)


def optional_foreign_key_field(model: str, on_delete: OnDelete = OnDelete.RESTRICT) -> Any:
    return foreign_key_field(model, on_delete, null=True)
