"""Types of the numbers in records: every value fits its column and the GraphQL type of its field."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field

NonNegativeInt: TypeAlias = Annotated[int, Field(ge=0, lt=1 << 31)]
Percentage: TypeAlias = Annotated[int, Field(ge=0, le=100)]
# Numbers of bytes, exact in JavaScript. The scalar Long has more.
ByteCount: TypeAlias = Annotated[int, Field(ge=0, lt=1 << 53)]
# Below the limit of the column and of Int, so that later versions have numbers, too.
Version: TypeAlias = Annotated[int, Field(ge=1, le=1_000_000_000)]
# SQLite has no negative zero.
_ZERO = AfterValidator(lambda number: number + 0.0)
Fraction: TypeAlias = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False), _ZERO]
NonNegativeFloat: TypeAlias = Annotated[float, Field(ge=0, allow_inf_nan=False), _ZERO]
Latitude: TypeAlias = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False), _ZERO]
Longitude: TypeAlias = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False), _ZERO]
