"""Errors of one item of an import, as results of the report."""

from __future__ import annotations

import re
from typing import Final

import pydantic
from tortoise.exceptions import IntegrityError, ValidationError

from contentql.content.records import describe_validation_error
from contentql.importing.publishing import ImportConflict, RecordRejected
from contentql.importing.report import SaveResult
from contentql.store.article_records import ReferenceNotFound

# They leave the other items of the batch alone.
ITEM_ERRORS: Final = (
    ImportConflict, pydantic.ValidationError, IntegrityError, ReferenceNotFound, RecordRejected,
    ValidationError, ValueError,
)  # fmt: skip


def failure_of(exc: Exception) -> SaveResult:
    """The result of an item that one of ITEM_ERRORS has stopped."""
    match exc:
        case ImportConflict():
            return SaveResult("conflict", str(exc))
        case pydantic.ValidationError():
            return SaveResult("failed", describe_validation_error(exc))
        case IntegrityError():
            return SaveResult("failed", describe_integrity_error(exc))
        case _:
            return SaveResult("failed", str(exc).partition("\n")[0])


def describe_integrity_error(exc: IntegrityError) -> str:
    """Description of a violated database constraint."""
    message = str(exc)
    if unique := re.search(r"UNIQUE constraint failed: (\w+)\.(.*)|Key \((.*?)\)=", message):
        columns = re.sub(r"\b\w+\.", "", unique[2] or unique[3])
        return f"another row has the same {columns.replace('_id', '')}"
    if check := re.search(r"CHECK constraint failed: (\w+)|check constraint \"(\w+)\"", message):
        return f"the record violates the constraint: {(check[1] or check[2]).replace('_', ' ')}"
    return "the record conflicts with stored content"
