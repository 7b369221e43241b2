"""Database URLs, and errors of the database drivers as messages without secrets.

Invariant: knows the drivers' exceptions; opens no connection.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from tortoise.exceptions import BaseORMException, DBConnectionError

from contentql.errors import ApiError, LimitError, OperatorError

DatabaseKind = Literal["postgres", "sqlite"]

# The exceptions of the drivers and of Tortoise when a statement or a connection fails.
DRIVER_ERRORS = (BaseORMException, sqlite3.Error, asyncpg.PostgresError, asyncpg.InterfaceError, OSError)


def sqlite_path(url: str) -> Path:
    """The path of the file in `sqlite:///relative.db` or `sqlite:////absolute.db`."""
    return Path(url.partition("?")[0].removeprefix("sqlite://").removeprefix("/") or "/")


def postgres_dsn(url: str) -> str:
    """The URL in the form that asyncpg accepts, whichever driver its scheme names."""
    parts = urlsplit(url)
    return urlunsplit(("postgresql", parts.netloc, parts.path, parts.query, ""))


def database_kind(url: str) -> DatabaseKind:
    scheme = url.partition("://")[0]
    if scheme in ("postgres", "postgresql", "asyncpg"):
        return "postgres"
    if scheme == "sqlite" and url.startswith("sqlite:///") and len(url) > len("sqlite:///"):
        return "sqlite"
    raise OperatorError(
        "The database URL must look like sqlite:///newsroom.sqlite3 or postgresql://user:password@host/name."
    )


@contextlib.contextmanager
def as_operator_error(url: str) -> Iterator[None]:
    """Converts driver errors of an unusable database to OperatorError, without secrets."""
    try:
        yield
    except DRIVER_ERRORS as exc:
        raise OperatorError(describe_error(url, exc)) from exc


def describe_error(url: str, exc: BaseException) -> str:
    """Describes an error of the database at `url` in one sentence, without the password."""
    messages = _all_messages(exc)
    location = (
        str(sqlite_path(url))
        if database_kind(url) == "sqlite"
        else f"{urlsplit(url).hostname or 'the local socket'}"
    )
    if "readonly" in messages or "read-only" in messages:
        return f"The database at {location} is read-only: contentql may not write there."
    if "locked" in messages or "busy" in messages:
        return f"The database at {location} is locked by another program; stop that program or try again."
    if "not a database" in messages or "malformed" in messages:
        return f"The file at {location} is not a SQLite database, or it is damaged."
    if "unable to open" in messages:
        return f"The database at {location} cannot be opened: is the folder there, and may contentql read it?"
    if "password" in messages or "authentication" in messages:
        return f"The database at {location} refuses the user or password of the URL."
    if "role" in messages and "does not exist" in messages:
        return f"The database at {location} refuses the user or password of the URL."
    if "database" in messages and "does not exist" in messages:
        return f"The server at {location} has no such database: create it first (createdb)."
    if isinstance(exc, OSError):
        return f"No PostgreSQL server responds at {location}: is it running, and is the URL correct?"
    return f"The database at {location} cannot be used ({type(exc).__name__})."


def _all_messages(exc: BaseException) -> str:
    """The lower-case messages of an exception and its causes, since Tortoise's own omit the reason."""
    cause = exc.__cause__ or exc.__context__
    return str(exc).lower() + (f" {_all_messages(cause)}" if cause else "")


def describe_lock(url: str, wait_seconds: float) -> str:
    """Describes a write that waited in vain for the other writers of the database at `url`."""
    location = sqlite_path(url) if database_kind(url) == "sqlite" else urlsplit(url).hostname
    return (
        f"The database at {location} is locked by another program, and has been for {wait_seconds:g} seconds;"
        " stop that program or try again."
    )


def unavailable_error(exc: BaseException) -> ApiError:
    return ApiError(
        "DATABASE_UNAVAILABLE",
        "The database does not respond.",
        "Send the same request again shortly.",
    )


def write_failed_error(exc: BaseException) -> ApiError:
    """Error for a write that the database rejected: nothing was written."""
    messages = _all_messages(exc)
    if "full" in messages or "no space" in messages or "disk i/o" in messages:
        return ApiError(
            "DATABASE_UNAVAILABLE",
            "The database's disk is full or failing: nothing was written.",
            "Queries still work. Inform the operator, and send the same request again later.",
        )
    return ApiError(
        "DATABASE_UNAVAILABLE",
        "The database does not accept writes at the moment: nothing was written.",
        "Send the same request again shortly.",
    )


def write_timeout_error(seconds: float) -> ApiError:
    """Error for a write that was cancelled after its timeout: nothing was written."""
    return LimitError(
        "TIMEOUT",
        f"The write did not finish within {seconds:.2g} seconds: nothing was written.",
        "Send the same request again shortly.",
        limit=float(f"{seconds:.2g}"),
    )


def commit_unknown_error() -> ApiError:
    """Error for a connection that was lost during COMMIT: the outcome is unknown."""
    return ApiError(
        "DATABASE_UNAVAILABLE",
        "The connection was lost during the commit: it is not known whether the change was written.",
        "Send the same request again with its idempotencyKey, or check first.",
    )


def is_connection_lost(exc: BaseException) -> bool:
    """Whether the connection ended, so that the outcome of its last statement is unknown."""
    return isinstance(
        exc,
        asyncpg.PostgresConnectionError
        | asyncpg.OperatorInterventionError
        | asyncpg.InterfaceError
        | OSError,
    )


def is_programming_error(exc: BaseException) -> bool:
    """Whether the cause is a wrong statement or a wrong value, and not the state of the database."""
    if isinstance(exc, DBConnectionError):
        return False
    if isinstance(exc, BaseORMException):
        cause = exc.args[0] if exc.args else None
        return is_programming_error(cause) if isinstance(cause, Exception) else True
    if isinstance(exc, sqlite3.OperationalError):
        return getattr(exc, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR
    if isinstance(exc, asyncpg.InsufficientPrivilegeError):
        return False
    error_types = (
        sqlite3.ProgrammingError | sqlite3.DataError | asyncpg.SyntaxOrAccessError | asyncpg.DataError
    )
    return isinstance(exc, error_types)


def query_timeout_error(seconds: float) -> ApiError:
    return LimitError(
        "TIMEOUT",
        f"The operation ran longer than {seconds:g} seconds and was cancelled.",
        "Request fewer objects per page, or narrow the filter.",
        limit=seconds,
    )
