"""Types of the text fields of blocks and records, with their rules.

The rules apply to input. They do not apply to stored rows, which an earlier version or another program may
have written: such rows can still be read, exported and edited, and the renderer makes their values
harmless.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sized
from typing import Annotated, Any, Final, TypeAlias

from pydantic import AfterValidator, BeforeValidator, StringConstraints, ValidationInfo
from pydantic_core import PydanticCustomError

from contentql.content.characters import find_forbidden_character
from contentql.content.links import LINK_SCHEMES, WEB_SCHEMES, require_link
from contentql.language_tags import LanguageTagError, normalize_language_tag

# Validation context for values that are read from the database.
STORED: Final = {"stored": True}

MAX_LINK_LENGTH = 4_000
MAX_ITEMS = 5_000  # marks of a paragraph, items of a list, rows of a table, cells of a row
MAX_LANGUAGE_LENGTH = 50

# Names such as `c++`, `c#`, `objective-c`, `text/x-java`.
CODE_LANGUAGE: Final = re.compile(r"[\w.+#/-]*")


def is_input(info: ValidationInfo) -> bool:
    """Whether a value comes from outside, not from the database."""
    return not info.context or not info.context.get("stored")


def at_most(limit: int, noun: str, size: Callable[[Any], int] = len) -> BeforeValidator:
    """Validator of the length of a list, before an object is created for any of its items.

    `size` returns the number of items that count.
    """

    def check(value: Any, info: ValidationInfo) -> Any:
        if is_input(info) and isinstance(value, Sized) and len(value) > limit and size(value) > limit:
            raise PydanticCustomError(
                "too_many_items",
                "must have at most {limit} {noun}, not {count}",
                {"limit": f"{limit:,}", "noun": noun, "count": f"{size(value):,}"},
            )
        return value

    return BeforeValidator(check)


def _require_text(value: str, info: ValidationInfo) -> str:
    return _require_characters(value, info, multiline=True)


def _require_line(value: str, info: ValidationInfo) -> str:
    return _require_characters(value, info, multiline=False)


def _require_characters(value: str, info: ValidationInfo, *, multiline: bool) -> str:
    character = find_forbidden_character(value, multiline=multiline) if is_input(info) else None
    if character:
        raise PydanticCustomError(
            "forbidden_character",
            "has {name} at character {position}",
            {"name": character.name, "position": character.position},
        )
    return value


def _require_language(value: str, info: ValidationInfo) -> str:
    if is_input(info) and (len(value) > MAX_LANGUAGE_LENGTH or not CODE_LANGUAGE.fullmatch(value)):
        raise PydanticCustomError(
            "code_language",
            "must be letters, digits and the signs + # . / _ -, at most {limit} characters",
            {"limit": MAX_LANGUAGE_LENGTH},
        )
    return value


def _require_language_tag(value: str, info: ValidationInfo) -> str:
    if not is_input(info):
        return value
    try:
        return normalize_language_tag(value)
    except LanguageTagError as exc:
        raise PydanticCustomError(
            "language_tag", "{reason}", {"reason": str(exc), "hint": exc.hint}
        ) from None


def _link(schemes: Collection[str], *, relative: bool) -> Callable[[str, ValidationInfo], str]:
    def check(value: str, info: ValidationInfo) -> str:
        return require_link(value, schemes, relative=relative) if is_input(info) else value

    return check


_LINK_LENGTH: Final = StringConstraints(min_length=1, max_length=MAX_LINK_LENGTH)

ONE_LINE: Final = AfterValidator(_require_line)

Text: TypeAlias = Annotated[str, AfterValidator(_require_text)]
Line: TypeAlias = Annotated[str, ONE_LINE]
CodeLanguage: TypeAlias = Annotated[str, ONE_LINE, AfterValidator(_require_language)]
# Of a text, BCP 47; not of code.
Language: TypeAlias = Annotated[str, AfterValidator(_require_language_tag)]
Link: TypeAlias = Annotated[str, _LINK_LENGTH, AfterValidator(_link(LINK_SCHEMES, relative=True))]
# Of media, which readers' browsers load.
MediaUrl: TypeAlias = Annotated[str, _LINK_LENGTH, AfterValidator(_link(WEB_SCHEMES, relative=True))]
# Of content on another site.
EmbedUrl: TypeAlias = Annotated[str, _LINK_LENGTH, AfterValidator(_link(WEB_SCHEMES, relative=False))]
