"""SQL functions that SQLite lacks; every connection that runs statements of the planner has them."""

from __future__ import annotations

import math
import sqlite3
from decimal import Decimal
from fractions import Fraction

from contentql.content.folding import fold_text

_POSITIONAL_EXPONENTS = range(-4, 15)  # PostgreSQL writes other numbers with an exponent


def register_functions(connection: sqlite3.Connection) -> None:
    """Defines `float_text` and `fold_text`, which a migration defines in PostgreSQL, on a connection."""
    connection.create_function("float_text", 1, float_text, deterministic=True)
    connection.create_function("fold_text", 1, _fold_text, deterministic=True)


def _fold_text(text: str | None) -> str | None:
    return None if text is None else fold_text(text)


def float_text(value: float | None) -> str | None:
    """Returns the shortest decimal that reads back as the number, digit by digit as PostgreSQL writes it.

    SQLite's own text has 15 digits. Examples: `39.03`, `5`, `1e+15`, `1.5e-05`.
    """
    if value is None:
        return None
    number = _shortest(float(value)).normalize()
    if number.adjusted() in _POSITIONAL_EXPONENTS or not number:
        return f"{number:f}"
    sign, digits, _ = number.as_tuple()
    fraction = "".join(map(str, digits[1:]))
    mantissa = f"{digits[0]}.{fraction}" if fraction else str(digits[0])
    return f"{'-' if sign else ''}{mantissa}e{number.adjusted():+03}"


def _shortest(value: float) -> Decimal:
    """Returns the shortest decimal between the midpoints to the adjacent floats, exclusive.

    Python includes the midpoints, which round to a float with an even mantissa, and PostgreSQL does not.
    """
    number = Decimal(repr(value))
    digits = len(number.normalize().as_tuple().digits)
    below, above = math.nextafter(value, -math.inf), math.nextafter(value, math.inf)
    midpoints = [(Fraction(value) + Fraction(near)) / 2 for near in (below, above) if math.isfinite(near)]
    while Fraction(number) in midpoints:
        digits += 1
        number = Decimal(f"{value:.{digits - 1}e}")
    return number
