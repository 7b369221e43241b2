"""Parser of an article body in an input: text, Markdown, HTML or blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pydantic

from contentql.content import blocks
from contentql.content.blocks import MAX_BLOCKS, Block
from contentql.content.embeds import embed_provider
from contentql.content.names import to_snake
from contentql.editorial.user_errors import ErrorCollector, UserErrorCode, UserErrors, user_error
from contentql.editorial.validation import MAX_TEXT_LENGTH, user_errors_from_pydantic
from contentql.formats import html, markdown
from contentql.formats.body_callbacks import BodyCallbacks
from contentql.formats.html_safety import OversizedContentError, UnsafeContentError
from contentql.formats.text_buffer import ParsedText

MAX_MARKUP_LENGTH = 250_000  # characters in a body that must be parsed (Markdown, HTML)
# The parser of Markdown takes up to 50 µs for each of these.
MAX_MARKDOWN_LINES = 20_000
MAX_MARKDOWN_BRACKETS = 20_000


def parse_article_body(
    values: Mapping[str, Any], path: str, callbacks: Callable[[str], BodyCallbacks]
) -> tuple[Block, ...]:
    """Parses a body in any of its forms.

    `callbacks` are those of the parsers, for the path of the input field. Raises UserErrors: UNSAFE_CONTENT,
    TOO_LONG, INVALID.
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
                return html.html_to_blocks(value, callbacks(where))
            case "markdown":
                _require_count(value.count("\n"), "lines", MAX_MARKDOWN_LINES, where)
                _require_count(value.count("["), "opening brackets", MAX_MARKDOWN_BRACKETS, where)
                return markdown.markdown_to_blocks(value, callbacks(where))
            case "text":
                lines = [line for line in map(str.strip, value.splitlines()) if ParsedText(line)]
                _require_count(len(lines), "paragraphs", MAX_BLOCKS, where)
                return tuple(_text_block(line) for line in lines)
            case _:
                return blocks.parse_blocks([_block(one) for one in value or ()])
    except OversizedContentError as exc:
        raise _user_errors(UserErrorCode.TOO_LONG, exc, where) from None
    except UnsafeContentError as exc:
        raise _user_errors(UserErrorCode.UNSAFE_CONTENT, exc, where) from None
    except pydantic.ValidationError as exc:
        raise UserErrors(*user_errors_from_pydantic(exc, {}, tuple(where.split(".")))) from None


def _user_errors(code: UserErrorCode, exc: UnsafeContentError, where: str) -> UserErrors:
    errors = ErrorCollector()
    for problem in exc.problems:
        errors.add(code, problem.message, where, problem.hint)
    return UserErrors(*errors.errors)


def _text_block(line: str) -> Block:
    """A paragraph, or an embed for the URL of a video or post on a line of its own."""
    provider = embed_provider(line)
    return blocks.Embed(url=line, provider=provider) if provider else blocks.Paragraph(text=line)


def _require_count(count: int, noun: str, limit: int, where: str) -> None:
    if count > limit:
        message = f"{where} must have at most {limit:,} {noun}, not {count:,}."
        raise user_error(UserErrorCode.TOO_LONG, message, where, "Split the text into several articles.")


def _block(data: Mapping[str, Any]) -> dict[str, Any]:
    ((kind, values),) = data.items()
    return {"type": to_snake(kind).upper(), **_without_nulls(values)}


def _without_nulls(value: Any) -> Any:
    """The value without fields that are null, at any depth: null means that a field has its default."""
    if isinstance(value, Mapping):
        return {name: _without_nulls(inner) for name, inner in value.items() if inner is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value
