"""Fields of the mutation type, with their permission and the function that executes them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, Optional

from contentql.auth.permissions import Permission
from contentql.planner.field_plans import MutationField
from contentql.schema.fields import argument_field

FIELD_NAME_PLACEHOLDER: Final = (
    "\N{PLACE OF INTEREST SIGN}"  # in examples; build.py puts the field's name there
)
ARTICLE_ID: Final = 'id: "art_90817263545"'
DELETED_ID: Final = "deletedId"


def mutation_field(
    description: str,
    *,
    input: type,
    payload: type,
    permission: Permission,
    resolver: Callable[..., Awaitable[Any]],
    example: str,
    selection: str = "",
) -> Any:
    """A field `(input: Input!): Payload`; `example` is an input, `selection` a selection of the payload."""
    noun = payload.__name__.removesuffix("Payload")
    fields = selection or f"{noun[0].lower()}{noun[1:]} {{ id }}"
    call = f"(input: {{{example}}}) {{ {fields} userErrors {{ message field hint }} }}"
    return argument_field(
        f"{description} Requires the permission {permission.value}."
        f" Example: `{FIELD_NAME_PLACEHOLDER}{call}`.",
        Optional[payload],  # noqa: UP045
        MutationField(permission.value, resolver),
        [("input", input, f"Input of the mutation. Example: `{{{example}}}`.")],
    )
