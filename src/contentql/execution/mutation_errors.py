"""Errors of mutations: missing permissions, and user errors from exceptions of the database."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tortoise.exceptions import IntegrityError, ValidationError

from contentql.auth.permissions import ROLE_PERMISSIONS, Permission, Role
from contentql.auth.viewer import Actor, Viewer
from contentql.editorial.user_errors import UserError, UserErrorCode, UserErrors
from contentql.errors import ApiError
from contentql.execution.payloads import MutationFieldCall
from contentql.store.article_records import ReferenceNotFound

# What `user_errors_from` converts.
USER_ERROR_EXCEPTIONS = (UserErrors, IntegrityError, ValidationError, ReferenceNotFound)


def authorize(fields: Sequence[MutationFieldCall], actor: Actor) -> None:
    """Checks the permissions for all fields before any is executed. Raises UNAUTHENTICATED, FORBIDDEN."""
    for field in fields:
        permission = Permission(field.field_plan.permission)
        if not actor.viewer.has_permission(permission):
            if actor.viewer.is_public:
                raise ApiError(
                    "UNAUTHENTICATED",
                    f"`{field.name}` needs a token.",
                    "Send `Authorization: Bearer …`; an administrator makes tokens.",
                )
            raise ApiError(
                "FORBIDDEN",
                f"`{field.name}` needs the permission {permission.value}, which your token does not have.",
                _missing_permission_hint(permission, actor.viewer),
            )


def _missing_permission_hint(permission: Permission, viewer: Viewer) -> str:
    if permission in ROLE_PERMISSIONS[viewer.role]:
        return f"Your role, {viewer.role.value}, has the permission; the scopes of your token leave it out."
    roles = ", ".join(role.value for role in Role if permission in ROLE_PERMISSIONS[role])
    return f"Your role is {viewer.role.value}; roles with the permission: {roles}."


def user_errors_from(exc: Exception) -> Sequence[UserError]:
    if isinstance(exc, UserErrors):
        return exc.errors
    if isinstance(exc, IntegrityError):
        return (integrity_error_to_user_error(exc),)
    message = str(exc).partition("\n")[0]
    if isinstance(exc, ReferenceNotFound):  # somebody renamed or deleted it at the same moment
        return (UserError(UserErrorCode.NOT_FOUND, f"{message[:1].upper()}{message[1:]}."),)
    return (UserError(UserErrorCode.INVALID, message),)


def integrity_error_to_user_error(exc: IntegrityError) -> UserError:
    """The user error for a violated database constraint, for example of two concurrent writers."""
    message = str(exc)
    if same := re.search(r"UNIQUE constraint failed: (\w+)\.(.*)|Key \((.*?)\)=", message):
        columns = re.sub(r"\b\w+\.", "", same[2] or same[3]).replace("_id", "")
        if "version" in columns:
            return UserError(
                UserErrorCode.VERSION_CONFLICT,
                "Another request saved the article at the same moment.",
                (),
                "Read the article again and repeat the request.",
            )
        names = [name for name in columns.split(", ") if name not in ("working_of", "id")]
        if "slug" in names:  # as `editorial.slugs`: without a word about what has it
            return UserError(
                UserErrorCode.TAKEN, "The slug is not available.", ("slug",), "Send another slug."
            )
        return UserError(
            UserErrorCode.TAKEN,
            f"Another object has the same {' and '.join(names)}.",
            tuple(names[-1:]),
            "Send another value.",
        )
    if "FOREIGN KEY" in message or "foreign key" in message:
        return UserError(
            UserErrorCode.IN_USE,
            "Another request deleted the object, or refers to it, at the same moment.",
            hint="Read the object again and repeat the request.",
        )
    return UserError(
        UserErrorCode.INVALID,
        "The input violates a constraint of the database.",
        hint="Check that the fields of the input agree with each other.",
    )


def atomic_failure_error(failed_key: str, *, executed: bool) -> UserError:
    """The user error of a field that was rolled back, or not executed, because another field failed."""
    hint = f"Correct the error of `{failed_key}` and send the whole operation again."
    if executed:
        message = f"Nothing was saved: the operation is atomic, and its field `{failed_key}` failed."
        return UserError(UserErrorCode.ROLLED_BACK, message, (), hint)
    message = f"Not executed: the operation is atomic, and its field `{failed_key}` failed."
    return UserError(UserErrorCode.NOT_EXECUTED, message, (), hint)
