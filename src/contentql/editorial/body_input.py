"""Parser of an article body in an input: text, Markdown, HTML or blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pydantic

from contentql.content import blocks
from contentql.content.blocks import MAX_BLOCKS, Block
from contentql.content.names import to_snake
from contentql.editorial.user_errors import UserErrorCode, UserErrors, user_error
from contentql.editorial.validation import MAX_TEXT_LENGTH, user_errors_from_pydantic
from contentql.formats import html, markdown
from contentql.formats.html_safety import OversizedContentError, UnsafeContentError

MAX_MARKUP_LENGTH = 250_000  # characters in a body that must be parsed (Markdown, HTML)
# The parser of Markdown takes up to 50 µs for each of these.
MAX_MARKDOWN_LINES = 20_000
MAX_MARKDOWN_BRACKETS = 20_000


def parse_article_body(
    values: Mapping[str, Any], path: str = "body", *, lost: Callable[[str, str], object]
) -> tuple[Block, ...]:
    """Parses a body in any of its forms.

    `lost` is called with the path of the input field and the address of each picture, video or link that no
    block can hold. Raises UserErrors: UNSAFE_CONTENT, TOO_LONG, INVALID.
    """
    if not values:
        raise user_error(
            UserErrorCode.REQUIRED, f"{path} must have one of text, markdown, html and blocks.", path
        )
    ((form, value),) = values.items()
    where = f"{path}.{form}"
    most = MAX_TEXT_LENGTH if form == "text" else MAX_MARKUP_LENGTH
    if isinstance(value, str) and len(value) > most:
        raise user_error(UserErrorCode.TOO_LONG, f"{where} must have at most {most:,} characters.", where)
    try:
        match form:
            case "html":
                return html.html_to_blocks(value, lost=partial(lost, where))
            case "markdown":
                _require_count(value.count("\n"), "lines", MAX_MARKDOWN_LINES, where)
                _require_count(value.count("["), "opening brackets", MAX_MARKDOWN_BRACKETS, where)
                return markdown.markdown_to_blocks(value, lost=partial(lost, where))
            case "text":
                lines = [line for line in map(str.strip, value.splitlines()) if line]
                _require_count(len(lines), "paragraphs", MAX_BLOCKS, where)
                return tuple(blocks.Paragraph(text=line) for line in lines)
            case _:
                return blocks.parse_blocks([_block(one) for one in value or ()])
    except OversizedContentError as exc:
        raise user_error(UserErrorCode.TOO_LONG, exc.message, where, exc.hint) from None
    except UnsafeContentError as exc:
        raise user_error(UserErrorCode.UNSAFE_CONTENT, exc.message, where, exc.hint) from None
    except pydantic.ValidationError as exc:
        raise UserErrors(*user_errors_from_pydantic(exc, {}, tuple(where.split(".")))) from None


def _require_count(count: int, noun: str, limit: int, where: str) -> None:
    if count > limit:
        message = f"{where} must have at most {limit:,} {noun}, not {count:,}."
        raise user_error(UserErrorCode.TOO_LONG, message, where, "Split the text into several articles.")


def _block(data: Mapping[str, Any]) -> dict[str, Any]:
    ((kind, values),) = data.items()
    values = {name: value for name, value in values.items() if value is not None}
    return {"type": to_snake(kind).upper(), **values}
