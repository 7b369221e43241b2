"""Replacement of words in the texts of an article: body, headline, summary, captions.

Words are compared without the differences that readers do not see: kinds of spaces and quotation marks, and
composed or decomposed accents.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from contentql.content import blocks
from contentql.content.blocks import TableRow
from contentql.content.records import ArticleRecord
from contentql.content.rich_text import Mark, RichTextModel
from contentql.editorial.article_input import checked
from contentql.editorial.text_anchors import occurrences, reanchor_attributions
from contentql.editorial.user_errors import ErrorCollector, UserErrorCode, user_error

# Texts outside of the body, by field, with the words for them in a sentence.
_ARTICLE_TEXTS: Final = {
    "headline": "headline",
    "kicker": "kicker",
    "short_headline": "short headline",
    "lede": "lede",
    "summary": "summary",
    "byline": "byline",
    "dateline_text": "dateline",
    "media": "captions of the media",
}
_BLOCK_TEXTS: Final = ("title", "text", "items", "rows", "caption", "fallback_text")
# By attribute of a text, the attribute of its marks.
_MARKS: Final = {"text": "marks", "caption": "caption_marks"}
_MEDIA_TEXTS: Final = ("caption", "alt")
_QUOTES: Final = str.maketrans({**dict.fromkeys("‘’‚‛′", "'"), **dict.fromkeys("“”„‟″", '"')})

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Occurrence:
    """Words in a text of a record; `path` leads to the text, `start` and `end` are code points."""

    path: Path
    start: int
    end: int

    @property
    def is_in_body(self) -> bool:
        return self.path[0] == "blocks"

    @property
    def place(self) -> str:
        return "body" if self.is_in_body else _ARTICLE_TEXTS[str(self.path[0])]


def find_words(record: ArticleRecord, words: str, block: str | None) -> list[Occurrence]:
    """Occurrences of words in the texts of an article, or of one block; exact ones, else similar ones."""
    matches = [
        Occurrence(path, start, end)
        for path, text in _texts(record)
        if block is None or _is_of(record, path, block)
        for start, end in _similar(text, words)
    ]
    exact = [match for match in matches if text_at(record, match.path)[match.start : match.end] == words]
    return exact or matches


def _texts(record: ArticleRecord) -> Iterator[tuple[Path, str]]:
    for n, block in enumerate(record.blocks):
        yield from _block_leaves(block, ("blocks", n))
    for field in _ARTICLE_TEXTS:
        if field != "media":
            yield from _leaves(getattr(record, field), (field,))
    for n, placed in enumerate(record.media):
        for name in _MEDIA_TEXTS:
            yield from _leaves(getattr(placed, name), ("media", n, name))


def _block_leaves(block: blocks.Block, path: Path) -> Iterator[tuple[Path, str]]:
    inner = block.blocks if isinstance(block, blocks.LiveEntry) else ()
    for name in _BLOCK_TEXTS:
        if name != "text" or not inner:  # the text of such an entry is that of its blocks
            yield from _leaves(getattr(block, name, None), (*path, name))
    for n, part in enumerate(inner):
        yield from _block_leaves(part, (*path, "blocks", n))


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, tuple):
        for n, item in enumerate(value):
            yield from _leaves(item, (*path, n))
    elif isinstance(value, TableRow):
        yield from _leaves(value.cells, (*path, "cells"))
    elif isinstance(value, RichTextModel):
        yield (*path, "text"), value.text


def _is_of(record: ArticleRecord, path: Path, block: str) -> bool:
    return path[0] == "blocks" and record.blocks[int(path[1])].id == block


def _folded(text: str) -> tuple[str, list[int]]:
    """The text with simple spaces and quotes and decomposed accents, and the place of each character."""
    characters, places = [], []
    for n, character in enumerate(text):
        plain = " " if character.isspace() else unicodedata.normalize("NFD", character.translate(_QUOTES))
        characters.append(plain)
        places += [n] * len(plain)
    return "".join(characters), places


def _similar(text: str, words: str) -> Iterator[tuple[int, int]]:
    """Ranges of the text that equal the words when both are folded; they never divide a character."""
    folded, places = _folded(text)
    needle = _folded(words)[0]
    for start in occurrences(folded, needle) if needle else ():
        end = start + len(needle)
        if start and places[start - 1] == places[start]:
            continue
        if end < len(folded) and (places[end] == places[end - 1] or unicodedata.combining(folded[end])):
            continue
        yield places[start], places[end - 1] + 1


def text_at(record: ArticleRecord, path: Path) -> str:
    return str(_value_at(record, path))


def _value_at(record: ArticleRecord, path: Path) -> Any:
    """The value at a path, None if an object there has no such attribute."""
    value: Any = record
    for step in path:
        value = value[step] if isinstance(step, int) else getattr(value, step, None)
    return value


def replace_words(record: ArticleRecord, occurrence: Occurrence, words: str) -> ArticleRecord:
    """Returns the record with the words in place of an occurrence; marks and attributions move along.

    Raises UserErrors if the new text is not valid for its field.
    """
    text = text_at(record, occurrence.path)
    new_text = text[: occurrence.start] + words + text[occurrence.end :]
    changed = _with(record, occurrence.path, new_text)
    marks_path = (*occurrence.path[:-1], _MARKS.get(str(occurrence.path[-1]), ""))
    if occurrence.is_in_body and marks_path[-1]:
        old = _value_at(record, marks_path)
        if old:
            changed = _with(changed, marks_path, _shifted(old, occurrence, len(words), len(new_text)))
    if blocks.body_length(changed.blocks) > blocks.MAX_BODY_LENGTH:
        raise user_error(
            UserErrorCode.TOO_LONG,
            f"The text must have at most {blocks.MAX_BODY_LENGTH:,} characters.",
            "after",
            "Send a shorter text.",
        )
    values = {name: getattr(changed, name) for name in ArticleRecord.model_fields}
    moved = reanchor_attributions(record.attributions, record.blocks, changed.blocks)
    return checked(ErrorCollector(), {**values, "attributions": moved}, record)


def _with(value: Any, path: Path, new: Any) -> Any:
    """Returns a copy of a record or tuple with another value at the path."""
    if not path:
        return new
    step, *rest = path
    if isinstance(step, int):
        return (*value[:step], _with(value[step], tuple(rest), new), *value[step + 1 :])
    return value.model_copy(update={step: _with(getattr(value, step), tuple(rest), new)})


def _shifted(
    marks: Sequence[Mark], occurrence: Occurrence, length: int, text_length: int
) -> tuple[Mark, ...]:
    """Returns the marks of a text, shifted or resized to match the replaced words."""
    at, end = occurrence.start, occurrence.end
    grown = length - (end - at)
    results = []
    for mark in marks:
        start = mark.start if mark.start <= at else max(at, mark.start + grown if mark.start >= end else at)
        stop = mark.end if mark.end <= at else max(at, mark.end + grown) if mark.end >= end else at
        if start < stop <= text_length:
            results.append(mark.model_copy(update={"start": start, "end": stop}))
    return tuple(results)
