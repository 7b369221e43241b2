"""Validation of inputs against records; every error names its field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

import pydantic
from pydantic.alias_generators import to_camel

from contentql.content.characters import find_forbidden_character
from contentql.content.frozen_model import FrozenModel
from contentql.content.names import to_snake
from contentql.editorial.user_errors import UserError, UserErrorCode, UserErrors, user_error
from contentql.planner.variables import InvalidScalar

AnyShape = TypeVar("AnyShape", bound=FrozenModel)


MAX_TEXT_LENGTH = 1_000_000  # characters in one text


MAX_LIST_ITEMS = 5_000  # items in one list


# Inputs that may have several lines; those of blocks are in `content/blocks.py`.
_MANY_LINES = frozenset([
    "text", "markdown", "html", "lede", "summary", "notice", "description", "bio", "claim", "quote",
    "verificationNote", "edNote", "usageTerms", "caption", "alt", "describedAs", "reason",
])  # fmt: skip


def validate_texts(values: Mapping[str, Any]) -> None:
    """Raises UserErrors for control characters, overlong texts and lists, and unreadable times."""
    errors = list(islice(_value_errors(values, ()), MAX_ERRORS))
    if errors:
        raise UserErrors(*errors)


def _value_errors(value: Any, path: tuple[str, ...]) -> Iterator[UserError]:
    if isinstance(value, InvalidScalar):
        yield UserError(UserErrorCode.INVALID, value.reason, path)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _value_errors(inner, (*path, name))
    elif isinstance(value, list):
        if len(value) > MAX_LIST_ITEMS:
            yield UserError(
                UserErrorCode.TOO_LONG, f"{label(path)} must have at most {MAX_LIST_ITEMS:,} items.", path
            )
            return
        for n, inner in enumerate(value):
            yield from _value_errors(inner, (*path, str(n)))
    elif isinstance(value, str):
        yield from _text_errors(value, path)


def _text_errors(text: str, path: tuple[str, ...]) -> Iterator[UserError]:
    if len(text) > MAX_TEXT_LENGTH:
        yield UserError(
            UserErrorCode.TOO_LONG, f"{label(path)} must have at most {MAX_TEXT_LENGTH:,} characters.", path
        )
        return
    if path[:2] == ("body", "blocks"):
        return  # The types of blocks have the rule, so that all errors of blocks are reported together.
    name = next((part for part in reversed(path) if not part.isdecimal()), "")
    character = find_forbidden_character(text, multiline=name in _MANY_LINES)
    if character:
        message = f"{label(path)} has {character.name} at character {character.position}."
        yield UserError(UserErrorCode.INVALID, message, path, _character_hint(message))


def _character_hint(message: str) -> str:
    return "Send the text in one line." if "a line break" in message else "Remove the character."


def snake_keys(value: Any) -> Any:
    """Converts the names in a nested value from camelCase to snake_case."""
    if isinstance(value, Mapping):
        return {to_snake(name): snake_keys(inner) for name, inner in value.items()}
    return [snake_keys(inner) for inner in value] if isinstance(value, list) else value


def record_values(kind: type[FrozenModel], data: Mapping[str, Any], *without: str) -> dict[str, Any]:
    """The values of an input under the names of a record; null becomes the default of the field."""
    fields = kind.model_fields
    values = snake_keys({name: value for name, value in data.items() if name not in without})
    return {
        name: fields[name].default
        if value is None and name in fields and not fields[name].is_required()
        else value
        for name, value in values.items()
    }


def build_record(
    kind: type[AnyShape], values: Mapping[str, Any], renamed: Mapping[str, str] | None = None
) -> AnyShape:
    """Builds a record; `renamed` maps its fields to their API names. Raises UserErrors."""
    try:
        return kind(**values)
    except pydantic.ValidationError as exc:
        raise UserErrors(*user_errors_from_pydantic(exc, renamed or {})) from None


def user_errors_from_pydantic(
    exc: pydantic.ValidationError, renamed: Mapping[str, str], prefix: tuple[str, ...] = ()
) -> list[UserError]:
    """User errors of a record that does not validate, each at its path below `prefix`."""
    return [_describe_error(dict(error), renamed, prefix) for error in exc.errors(include_url=False)][
        :MAX_ERRORS
    ]


def _describe_error(
    error: Mapping[str, Any], renamed: Mapping[str, str], prefix: tuple[str, ...]
) -> UserError:
    first, *rest = error["loc"] or ("",)
    path = (renamed.get(str(first), _path_part(first)), *map(_path_part, rest))
    path = (*prefix, *(part for part in path if part))
    name = path[-1] if path else ""
    subject = label(path)
    what, limits = error["type"], error.get("ctx") or {}
    message = str(error["msg"]).removeprefix("Value error, ")
    if error.get("input", what) is None:
        return UserError(UserErrorCode.REQUIRED, f"{subject} is required.", path)
    match what:
        case "greater_than_equal" | "less_than_equal" | "less_than" if name in _RANGES:
            return UserError(UserErrorCode.INVALID, f"{subject} must be {_RANGES[name]}.", path)
        case "greater_than_equal":
            return UserError(UserErrorCode.INVALID, f"{subject} must be {limits['ge']:,g} or more.", path)
        case "less_than_equal" | "less_than":
            return UserError(UserErrorCode.INVALID, f"{subject} must be {_upper_bound(limits)}.", path)
        case "literal_error":
            choice = str(limits["expected"]).replace(" or ", ", ").replace("'", "")
            return UserError(UserErrorCode.INVALID, f"{subject} must be one of {choice}.", path)
        case "string_too_long":
            return UserError(
                UserErrorCode.TOO_LONG,
                f"{subject} must have at most {limits['max_length']:,} characters.",
                path,
            )
        case "string_too_short":
            return UserError(UserErrorCode.REQUIRED, f"{subject} must not be empty.", path)
        case "missing":
            return UserError(UserErrorCode.REQUIRED, f"{subject} is required.", path)
        case "string_pattern_mismatch":
            hint = _PATTERNS.get(name)
            return UserError(UserErrorCode.INVALID, f"{subject} has the wrong format.", path, hint)
    if code := _OWN_ERRORS.get(what):
        hint = _character_hint(message) if what == "forbidden_character" else limits.get("hint")
        return UserError(code, f"{subject} {message}.", path, hint)
    if message.startswith("a link must"):
        return UserError(UserErrorCode.UNSAFE_CONTENT, f"{message[0].upper()}{message[1:]}.", path)
    if what != "value_error":  # pydantic's own wording
        return UserError(UserErrorCode.INVALID, f"{subject} has the wrong format.", path)
    return UserError(UserErrorCode.INVALID, f"{message[:1].upper()}{message[1:].rstrip('.')}.", path)


def label(path: Sequence[str]) -> str:
    """Name of a field in a sentence: its path within the input, `tags.0.relevance`."""
    return ".".join(path) or "The input"


def _upper_bound(limits: Mapping[str, Any]) -> str:
    return f"{limits['le']:,} or less" if "le" in limits else f"less than {limits['lt']:,}"


def _path_part(part: int | str) -> str:
    """API name of a part of a path; the type of a block becomes the name of its input."""
    word = str(part)
    return to_camel(word.lower() if word.isupper() else word)


# Errors of the types in `content/field_types.py`; their messages begin with a verb.
_OWN_ERRORS = {
    "forbidden_character": UserErrorCode.INVALID,
    "code_language": UserErrorCode.INVALID,
    "language_tag": UserErrorCode.INVALID,
    "too_many_items": UserErrorCode.TOO_LONG,
}


_RANGES = {
    "urgency": "a whole number from 1 to 9",
    "relevance": "a number from 0 to 100",
    "confidence": "a number from 0 to 100",
    "latitude": "a number from -90 to 90",
    "longitude": "a number from -180 to 180",
    "focalX": "a number from 0 to 1",
    "focalY": "a number from 0 to 1",
    "level": "a whole number from 2 to 4",
}


_PATTERNS = {
    "country": "A country is two capital letters, as in GB.",
    "wikidata": "Example of a Wikidata item: Q423.",
    "colour": "Example of a colour: #7a6f5d.",
    "mime": "Example of a media type: image/jpeg.",
}


def position_argument(values: Mapping[str, Any]) -> int | None:
    """The argument `position`, counted from 0. Raises UserErrors."""
    result: int | None = values.get("position")
    if result is not None and result < 0:
        raise user_error(UserErrorCode.INVALID, "position must be 0 or more.", "position")
    return result


MAX_ERRORS = 20
