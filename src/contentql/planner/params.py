"""Parameters of a statement: the source of each value and its conversion before binding.

Values are bound, never interpolated into SQL, except page sizes (checked integers). An invalid value raises
an error with a code when it is bound.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from contentql.content import ids
from contentql.content.folding import fold_text
from contentql.content.slugs import normalize_slug
from contentql.errors import ApiError, LimitError
from contentql.language_tags import LanguageTagError, normal_form, parse_language_range
from contentql.planner.cursors import ANY_TIME, CursorValue, ListFingerprint
from contentql.planner.operation import LeafValue, VariableRef
from contentql.planner.sql.nodes import Dialect, ParamKind
from contentql.planner.sync_tokens import SyncTokenValue
from contentql.planner.variables import Variables

NOW = "now"
MAX_LANGUAGES = 20  # language ranges of one argument
_PLACEHOLDER = re.compile(r"[?$](\d+)")


ParamSource = LeafValue | ListFingerprint | CursorValue | SyncTokenValue


@dataclass(frozen=True)
class Param:
    source: (
        ParamSource | str
    )  # a str names a value set at execution: the time, or the parent ids of a sub-statement
    kind: ParamKind
    convert: Callable[[Any], Any]
    root: int
    path: tuple[str, ...]  # response keys of the field that it belongs to


@dataclass
class ParamList:
    """Parameters of one statement while it is built."""

    dialect: Dialect
    params: list[Param] = field(default_factory=list)

    def add(
        self,
        source: ParamSource | str,
        kind: ParamKind,
        convert: Callable[[Any], Any],
        root: int,
        path: tuple[str, ...],
    ) -> str:
        for number, existing in enumerate(self.params, 1):
            same = existing.source is source or (
                isinstance(source, str | VariableRef) and existing.source == source
            )
            if (
                same
                and existing.kind == kind
                and existing.convert == convert
                and (existing.root == root or source == NOW)
            ):
                return self.dialect.param(number, kind)
        self.params.append(Param(source, kind, convert, root, path))
        return self.dialect.param(len(self.params), kind)

    def unused(self, sql: str) -> list[str]:
        """Returns the placeholders missing in the SQL; databases reject statements with unused parameters."""
        used = set(_PLACEHOLDER.findall(sql))
        return [
            self.dialect.param(number, param.kind)
            for number, param in enumerate(self.params, 1)
            if str(number) not in used
        ]


class RootFieldError(Exception):
    """An unusable parameter of the root field with index `root`; the others can still be executed."""

    def __init__(self, root: int, refusal: ApiError) -> None:
        super().__init__(refusal.message)
        self.root = root
        self.refusal = refusal


class BoundParams:
    """Bound parameters of one request, reusable for executions at different times."""

    __slots__ = ("_dialect", "_moments", "_values")

    def __init__(self, params: Sequence[Param], dialect: Dialect, variables: Variables) -> None:
        """Binds all parameters but the time. Raises RootFieldError for an unusable value."""
        self._values = bind_params(params, dialect, variables, ANY_TIME)
        self._moments = [i for i, param in enumerate(params) if param.source is NOW]
        self._dialect = dialect

    def at(self, now: dt.datetime) -> list[Any]:
        values = self._values.copy()
        for i in self._moments:
            values[i] = self._dialect.bind("time", now)
        return values


def bind_params(
    params: Sequence[Param],
    dialect: Dialect,
    variables: Variables,
    now: dt.datetime,
    keys: Sequence[int] = (),
) -> list[Any]:
    """Returns the parameters in the form that the driver takes.

    `keys` are the parent ids of a sub-statement. Raises RootFieldError for an unusable value.
    """
    bound = []
    for param in params:
        if param.source is NOW:
            value: Any = now
        elif isinstance(param.source, str):
            value = keys
        else:
            try:
                value = param.convert(param.source.value(variables))
            except ApiError as refusal:
                refusal.path = param.path
                raise RootFieldError(param.root, refusal) from None
        bound.append(dialect.bind(param.kind, value))
    return bound


def passthrough(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class IdParam:
    """Conversion of a global ID to an integer id. `table` is the only accepted table; "" accepts all.

    Raises ApiError INVALID_ID.
    """

    table: str

    def __call__(self, text: Any) -> int:
        result = ids.decode_id(str(text))
        if result is None:
            raise ApiError(
                "INVALID_ID", f"{_short(text)} is not an id.", "Use an `id` from an earlier answer as it is."
            )
        if self.table and result[0] != self.table:
            raise ApiError(
                "INVALID_ID", f"{_short(text)} is the id of a {result[0]}, and a {self.table} was asked for."
            )
        return result[1]


ANY_ID = IdParam("")


@dataclass(frozen=True)
class ListParam:
    """Conversion of the items of a list by `convert`; nulls are dropped.

    Raises ApiError INPUT_LIMIT_EXCEEDED for more than `max_items` items.
    """

    convert: Callable[[Any], Any]
    max_items: int

    def __call__(self, items: Any) -> list[Any]:
        result = items if isinstance(items, list) else [items]
        if len(result) > self.max_items:
            raise LimitError(
                "INPUT_LIMIT_EXCEEDED",
                f"A list has {len(result):,} values; {self.max_items:,} are allowed.",
                "Send the values in several operations.",
                count=len(result),
                limit=self.max_items,
            )
        return [self.convert(item) for item in result if item is not None]


@dataclass(frozen=True)
class TextParam:
    """Conversion of a text to one that both databases accept.

    NUL, which PostgreSQL cannot store, becomes U+FFFD; lone surrogates become `?`.
    Raises ApiError INPUT_LIMIT_EXCEEDED for more than `max_length` characters.
    """

    max_length: int

    def __call__(self, text: Any) -> str:
        if len(text) > self.max_length:
            raise LimitError(
                "INPUT_LIMIT_EXCEEDED",
                f"A text has {len(text):,} characters; {self.max_length:,} are allowed.",
                "Send a shorter text.",
                count=len(text),
                limit=self.max_length,
            )
        return str(text).replace("\0", "\ufffd").encode("utf-8", "replace").decode()


@dataclass(frozen=True)
class SlugParam:
    """Conversion of a slug or path, percent-encoded or not, to the form in which it is stored."""

    max_length: int

    def __call__(self, text: Any) -> str:
        return normalize_slug(TextParam(self.max_length)(text))


@dataclass(frozen=True)
class FoldedTextParam:
    """Conversion of a text as by `TextParam`, folded as `Dialect.fold` folds the other side."""

    max_length: int

    def __call__(self, text: Any) -> str:
        return fold_text(TextParam(self.max_length)(text))


@dataclass(frozen=True)
class LanguageParam:
    """Conversion of a language tag to its normal form; another text, which no tag equals, stays as it is."""

    max_length: int

    def __call__(self, text: Any) -> str:
        return normal_form(TextParam(self.max_length)(text))


@dataclass(frozen=True)
class LanguageRangesParam:
    """Conversion of a basic language range, or a list of them in order, to lower case.

    A range whose tag is replaced by its preferred form is followed by the one that was sent, as an earlier
    version may have stored. Raises ApiError BAD_USER_INPUT for a text that is no language range or an empty
    list, and INPUT_LIMIT_EXCEEDED for more than MAX_LANGUAGES items; `argument` is named in the messages.
    """

    argument: str

    def __call__(self, value: Any) -> list[str]:
        ranges = ListParam(self._spellings, MAX_LANGUAGES)(value)
        if not ranges:
            raise ApiError(
                "BAD_USER_INPUT",
                f"{self.argument} must have at least one language.",
                'Send a list such as ["de", "en"], or leave it out.',
            )
        return list(dict.fromkeys(spelling for spellings in ranges for spelling in spellings))

    def _spellings(self, text: str) -> tuple[str, str]:
        try:
            return parse_language_range(text).lower(), text.lower()
        except LanguageTagError as exc:
            raise ApiError("BAD_USER_INPUT", f"{self.argument} {exc}.", exc.hint) from None


def _short(text: Any) -> str:
    message = str(text)
    return repr(message if len(message) <= 60 else message[:57] + "…")
