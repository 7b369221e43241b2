"""Operators of filters: conditions on ids, strings, numbers, booleans, times, enums and lists."""

from __future__ import annotations

from typing import Generic, TypeVar

import strawberry

from contentql.schema.fields import filter_operator
from contentql.schema.scalars import DateTime

ItemT = TypeVar("ItemT")


EnumT = TypeVar("EnumT")


@strawberry.input(description="Conditions on an id, combined with AND.")
class IDFilter:
    eq: strawberry.ID | None = filter_operator('Equals this id. Example: `"art_90817263545"`.')
    ne: strawberry.ID | None = filter_operator('Does not equal this id. Example: `"art_90817263545"`.')
    in_: list[strawberry.ID] | None = filter_operator(
        'Is one of these, at most 250. Example: `["art_1", "art_2"]`.'
    )
    not_in: list[strawberry.ID] | None = filter_operator(
        'Is none of these, at most 250. Example: `["art_1"]`.'
    )
    is_null: bool | None = filter_operator(
        "True: the value is null. False: the value is not null. Example: `false`."
    )


@strawberry.input(
    description="Conditions on a string, combined with AND; case-sensitive, except those that end in Fold."
)
class StringFilter:
    eq: str | None = filter_operator('Equals this value. Example: `"asia"`.')
    ne: str | None = filter_operator('Does not equal this value, or is null. Example: `"asia"`.')
    in_: list[str] | None = filter_operator('Is one of these, at most 250. Example: `["asia", "europe"]`.')
    not_in: list[str] | None = filter_operator('Is none of these, at most 250. Example: `["asia"]`.')
    lt: str | None = filter_operator('Is less than this string, in code point order. Example: `"m"`.')
    lte: str | None = filter_operator(
        'Is less than or equal to this string, in code point order. Example: `"m"`.'
    )
    gt: str | None = filter_operator('Is greater than this string, in code point order. Example: `"m"`.')
    gte: str | None = filter_operator(
        'Is greater than or equal to this string, in code point order. Example: `"m"`.'
    )
    starts_with: str | None = filter_operator('Starts with this string. Example: `"Kim"`.')
    contains: str | None = filter_operator(
        'Contains this string. To search for words, use `search`. Example: `"coffin"`.'
    )
    eq_fold: str | None = filter_operator(
        'Equals this value; case and accents do not count: "zurich" equals "Zürich". Example: `"asia"`.'
    )
    starts_with_fold: str | None = filter_operator(
        'Starts with this string; case and accents do not count. Example: `"kim"`.'
    )
    contains_fold: str | None = filter_operator(
        'Contains this string; case and accents do not count: "lodz" is in "Łódź votes". To search for words,'
        ' use `search`. Example: `"coffin"`.'
    )
    is_null: bool | None = filter_operator(
        "True: the value is null. False: the value is not null. Example: `true`."
    )


@strawberry.input(description="Conditions on an integer, combined with AND.")
class IntFilter:
    eq: int | None = filter_operator("Equals this value. Example: `1`.")
    ne: int | None = filter_operator("Does not equal this value, or is null. Example: `1`.")
    in_: list[int] | None = filter_operator("Is one of these, at most 250. Example: `[1, 2]`.")
    not_in: list[int] | None = filter_operator("Is none of these, at most 250. Example: `[9]`.")
    lt: int | None = filter_operator("Is less than this value. Example: `5`.")
    lte: int | None = filter_operator("Is less than or equal to this value. Example: `5`.")
    gt: int | None = filter_operator("Is greater than this value. Example: `5`.")
    gte: int | None = filter_operator("Is greater than or equal to this value. Example: `5`.")
    is_null: bool | None = filter_operator(
        "True: the value is null. False: the value is not null. Example: `true`."
    )


@strawberry.input(description="Conditions on a boolean, combined with AND.")
class BooleanFilter:
    eq: bool | None = filter_operator("Equals this value. Example: `true`.")
    ne: bool | None = filter_operator("Does not equal this value. Example: `true`.")


@strawberry.input(description="Conditions on a time, combined with AND.")
class DateTimeFilter:
    eq: DateTime | None = filter_operator(
        'Equals this time; no time with a fraction of a second is equal. Example: `"2026-06-30T08:00:00Z"`.'
    )
    ne: DateTime | None = filter_operator(
        'Does not equal this time, or is null. Example: `"2026-06-30T08:00:00Z"`.'
    )
    in_: list[DateTime] | None = filter_operator(
        'Is one of these, at most 250. Example: `["2026-06-30T08:00:00Z"]`.'
    )
    not_in: list[DateTime] | None = filter_operator(
        'Is none of these, at most 250. Example: `["2026-06-30T08:00:00Z"]`.'
    )
    lt: DateTime | None = filter_operator('Is before this time. Example: `"2026-07-01T00:00:00Z"`.')
    lte: DateTime | None = filter_operator('Is at or before this time. Example: `"2026-07-01T00:00:00Z"`.')
    gt: DateTime | None = filter_operator('Is after this time. Example: `"2026-06-01T00:00:00Z"`.')
    gte: DateTime | None = filter_operator('Is at or after this time. Example: `"2026-06-01T00:00:00Z"`.')
    is_null: bool | None = filter_operator(
        "True: the value is null. False: the value is not null. Example: `true`."
    )


@strawberry.input(description="Conditions on an enum value, combined with AND.", name="Filter")
class EnumFilter(Generic[EnumT]):
    eq: EnumT | None = filter_operator("Equals this value.")
    ne: EnumT | None = filter_operator("Does not equal this value, or is null.")
    in_: list[EnumT] | None = filter_operator("Is one of these values.")
    not_in: list[EnumT] | None = filter_operator("Is none of these values.")
    is_null: bool | None = filter_operator(
        "True: the value is null. False: the value is not null. Example: `true`."
    )


@strawberry.input(description="Conditions on the items of a list, combined with AND.", name="ListFilter")
class ListFilter(Generic[ItemT]):
    some: ItemT | None = filter_operator(
        "At least one item matches; `{}` matches a list that is not empty. Example: `{}`."
    )
    every: ItemT | None = filter_operator("All items match. Example: `{}`.")
    none: ItemT | None = filter_operator("No item matches; `{}` matches an empty list. Example: `{}`.")
