"""Rows of taxonomy and media: saving, slugs, checks that several nouns share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic.alias_generators import to_camel
from tortoise.models import Model

from contentql.content.frozen_model import FrozenModel
from contentql.content.ids import new_id
from contentql.editorial import validation
from contentql.editorial.context import EditContext, Input
from contentql.editorial.former_names import record_former_slug
from contentql.editorial.slugs import available_slug, slug_taken_by_other_row
from contentql.editorial.translations import normalize_language
from contentql.editorial.user_errors import ErrorCollector, UserErrorCode, user_error
from contentql.store.article_records import name_columns, record_columns


async def save_row(
    context: EditContext,
    kind: type[FrozenModel],
    model: type[Model],
    row: Any,
    values: Mapping[str, Any],
    *,
    foreign_keys: Mapping[str, Any],
    name: str | None = None,
    defaults: Mapping[str, Any] | None = None,
) -> Any:
    """Creates or updates a row from the values of a record.

    `foreign_keys` are the values of the foreign-key columns, `name` the field that the row is sorted by.
    Raises UserErrors with every invalid field.
    """
    before = _record_values_of(kind, row) if row is not None else {}
    # Names that the input does not change stay as they are: earlier versions stored other languages.
    before.pop("names", None)
    _warn_of_replaced_languages(context, values.get("names") or ())
    _check_pairs({**before, **values})
    record = validation.build_record(kind, {**before, **values})
    results = {**record_columns(record, model), **foreign_keys}
    if row is not None and "names" not in values:
        results.pop("names", None)
    if name is not None:
        stored = {} if row is None else {"names": getattr(row, "names", ())}
        results.update(name_columns(model, getattr(record, name), {**stored, **results}))
    if row is None:
        return await model.create(id=new_id(), **{**results, **(defaults or {})})
    results.pop("created_at", None)
    await record_former_slug(row, results.get("slug", ""), context.now)
    await row.update_from_dict(results).save()
    return row


def _warn_of_replaced_languages(context: EditContext, names: Sequence[Mapping[str, Any]]) -> None:
    for n, name in enumerate(names):
        normalize_language(context, name["language"], f"names.{n}.language")


def _check_pairs(values: Mapping[str, Any]) -> None:
    """Raises UserErrors where one of two coordinates is missing."""
    errors = ErrorCollector()
    for pair in (("focal_x", "focal_y"), ("latitude", "longitude")):
        for name, other in (pair, pair[::-1]):
            if values.get(name) is None and values.get(other) is not None:
                errors.add(
                    UserErrorCode.REQUIRED,
                    f"{to_camel(name)} is required together with {to_camel(other)}.",
                    to_camel(name),
                    "Send both, or null for both.",
                )
    errors.raise_if_any()


def _record_values_of(kind: type[FrozenModel], row: Any) -> dict[str, Any]:
    """The columns of a row that are fields of the record."""
    own = row._meta.fields_db_projection.keys() & kind.model_fields.keys()
    return {name: getattr(row, name) for name in own}


async def row_slug(input: Input, row: Any, model: type[Model], title: str, **same: Any) -> str:
    if row is not None and input.get("slug") in (None, row.slug):
        return str(row.slug)
    return await available_slug(
        input.get("slug"), title, slug_taken_by_other_row(model, row.id if row else None, **same)
    )


def required(input: Input, name: str, row: Any) -> None:
    if (row is None or name in input) and not (input.get(name) or "").strip():
        raise user_error(UserErrorCode.REQUIRED, f"{name} must not be empty.", name)


async def require_unused(name: str, **users: Any) -> None:
    """Raises UserErrors (IN_USE) with the number of objects of each kind that use the row."""
    results = {word.replace("_", " "): await rows.count() for word, rows in users.items()}
    values = [f"{count} {word if count > 1 else word[:-1]}" for word, count in results.items() if count]
    if values:
        raise user_error(
            UserErrorCode.IN_USE,
            f"{name!r} is used by {' and '.join(values)}.",
            "id",
            f"Remove {name!r} from these first.",
        )
