"""Reader of a plain text page: menu lines, a headline, then a paragraph a line.

What the page does not print stays unset: no date, section or source is invented. Invariant: independent of
database, network and clock.
"""

from __future__ import annotations

import codecs
import datetime as dt
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

from pydantic import ValidationError
from slugify import slugify

from contentql.content.blocks import MAX_BLOCKS, Paragraph
from contentql.content.characters import find_forbidden_character
from contentql.content.import_item import ImportItem
from contentql.content.records import (
    ArticleRecord,
    ExternalIdRecord,
    FormatError,
    describe_validation_error,
)
from contentql.content.warnings import Warning, WarningCode
from contentql.formats.detection import detect_markup
from contentql.formats.pages.page_charset import decode_page
from contentql.formats.registry import Format
from contentql.formats.source_file import Paragraphs, ReadOptions, SourceFile
from contentql.language_tags import LanguageTagError, parse_language_tag, replacement_message

IMPORTER = "plain-pages"  # system of the external ids of pages
DEFAULT_LANGUAGE = "en"
MAX_PAGE = 4 * 1024 * 1024


def read_page(
    page: bytes,
    name: str,
    *,
    external_id: str | None = None,
    language: str | None = None,
    slug: str | None = None,
    paragraphs: Paragraphs = "line",
    markup: bool = False,
) -> ImportItem:
    """Reads the article of a page as a partial record: what a page cannot contain stays unset.

    `external_id` identifies the page in later imports; by default its name. `paragraphs`: each line is a
    paragraph (`line`), or each group of lines between blank lines (`blank`). A page in another format than
    plain text is refused unless `markup` is True, which stores its markup as text.
    """
    warnings: list[Warning] = []
    try:
        text = _decoded(page, warnings)
        if (format := detect_markup(name, text)) and not markup:
            raise FormatError(
                f"the page looks like {format}, which cannot be imported; save it as plain text, or"
                " use --format text to import it with its markup"
            )
        if format:
            message = f"the page looks like {format}; its markup is imported as text"
            warnings.append(Warning(WarningCode.GUESSED, message, ("blocks",)))
        lines = [line.strip() for line in text.splitlines()]
        headline, start = _headline(lines, warnings)
        byline, day, start = _signed(lines, start, warnings)
        rest = lines[start:]
        texts = _joined(rest) if paragraphs == "blank" else [line for line in rest if line]
        if not texts:
            raise FormatError("the page has a headline but no text below it")
        if len(texts) > MAX_BLOCKS:
            raise FormatError(
                f"the page has {len(texts):,} paragraphs; an article may have at most {MAX_BLOCKS:,}"
            )
        derived = {name for name, value in (("slug", slug), ("language", language)) if not value}
        slug = slug or slugify(headline, max_length=200, word_boundary=True)
        if not slug:
            raise FormatError("no slug can be made of the headline: give one with --slug")
        if not language:
            language = DEFAULT_LANGUAGE
            message = f"the page does not name its language, {language} is assumed: --language"
            warnings.append(Warning(WarningCode.GUESSED, message, ("language",)))
        tag = parse_language_tag(language)
        if tag.is_replaced:
            message = replacement_message(language, tag.text)
            warnings.append(Warning(WarningCode.CHANGED, message, ("language",)))
        if paragraphs == "line" and _looks_cut(rest):
            message = "the lines look cut to a fixed width: --paragraphs blank joins them"
            warnings.append(Warning(WarningCode.GUESSED, message, ("blocks",)))
        printed: dict[str, Any] = {"byline": byline} if byline else {}
        if day:
            derived.add("published_at")
            printed["published_at"] = dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)
        record = ArticleRecord(
            external_ids=(ExternalIdRecord(system=IMPORTER, value=external_id or name),),
            headline=headline,
            slug=slug,
            language=tag.text,
            blocks=tuple(Paragraph(text=text) for text in texts),
            **printed,
        )
    except FormatError as exc:
        return ImportItem(name, error=str(exc))
    except LanguageTagError as exc:
        return ImportItem(name, error=f"language: {exc}")
    except ValidationError as exc:
        return ImportItem(name, error=describe_validation_error(exc))
    return ImportItem(name, record, warnings=tuple(warnings), partial=True, derived=frozenset(derived))


_MENU = re.compile(r"[-–•*·]\s+\S.{0,39}")
_BYLINE = re.compile(r"By (\S.{0,98}\w)")
_DAY = re.compile(r"(?:[A-Z][a-z]+day,? )?(?:(\d{1,2}) ([A-Z][a-z]+)|([A-Z][a-z]+) (\d{1,2}),) (\d{4})")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
_WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def _decoded(page: bytes, warnings: list[Warning]) -> str:
    if len(page) > MAX_PAGE:
        raise FormatError(f"the page is larger than {MAX_PAGE // 1024 // 1024} MiB")
    if b"\0" in page and not page.startswith(_WIDE_MARKS):
        raise FormatError("the file is not text")
    decoded = decode_page(page)
    if "\ufffd" in decoded.text and b"\xef\xbf\xbd" not in page:
        raise FormatError(f"the page has bytes that are no text in {decoded.encoding}")
    if decoded.message:
        warnings.append(Warning(WarningCode.GUESSED, decoded.message))
    text = decoded.text
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n")
    if character := find_forbidden_character(text, multiline=True):
        at = character.position - 1
        number = text.count("\n", 0, at) + 1
        raise FormatError(f"line {number} has the control character U+{ord(text[at]):04X}")
    if not text.strip():
        raise FormatError("the page is empty")
    return text


def _headline(lines: list[str], warnings: list[Warning]) -> tuple[str, int]:
    """The first line that is not a menu label, and the index of the line below it."""
    for index, line in enumerate(lines):
        if line and not _MENU.fullmatch(line):
            headline = " ".join(line.split())
            if len(headline) > 300:
                raise FormatError("the first line is longer than a headline may be (300 characters)")
            return headline, index + 1
        if line:
            message = f"the menu line {line!r} above the headline is not imported"
            warnings.append(Warning(WarningCode.DROPPED, message, ("headline",), f"line {index + 1}"))
    raise FormatError("the page has menu lines only and no headline")


def _signed(lines: list[str], start: int, warnings: list[Warning]) -> tuple[str | None, dt.date | None, int]:
    """Byline and day between headline and text, if printed, and the index of the first line of the text."""
    byline: str | None = None
    day: dt.date | None = None
    for index, line in enumerate(lines[start:], start):
        if not line:
            continue
        place = f"line {index + 1}"
        if byline is None and (by := _BYLINE.fullmatch(line)):
            byline = by[1]
            message = f"the line {line!r} is taken for the byline"
            warnings.append(Warning(WarningCode.GUESSED, message, ("byline",), place))
        elif day is None and (printed := _day(line)):
            day = printed
            message = f"the page prints the day {day}, taken as midnight UTC"
            warnings.append(Warning(WarningCode.GUESSED, message, ("publishedAt",), place))
        else:
            return byline, day, index
    return byline, day, len(lines)


def _day(line: str) -> dt.date | None:
    match = _DAY.fullmatch(line)
    if not match:
        return None
    month, number = match[2] or match[3], int(match[1] or match[4])
    try:
        return dt.date(int(match[5]), _MONTHS.index(month) + 1, number)
    except ValueError:
        return None


def _joined(lines: Iterable[str]) -> list[str]:
    texts: list[list[str]] = [[]]
    for line in lines:
        if line:
            texts[-1].append(line)
        elif texts[-1]:
            texts.append([])
    return [" ".join(text) for text in texts if text]


def _looks_cut(lines: list[str]) -> bool:
    """Whether a line ends in the middle of a sentence."""
    return any(above[-1:].isalnum() and below[:1].islower() for above, below in pairwise(lines))


def _sniff(head: bytes, name: str) -> bool:
    return True  # any other file; the reader refuses what is not text


def _read(source: SourceFile, options: ReadOptions) -> Iterator[ImportItem]:
    yield read_page(
        source.read(MAX_PAGE),
        source.name,
        external_id=source.identity,
        language=options.language,
        slug=options.slug,
        paragraphs=options.paragraphs,
        markup=options.markup,
    )


FORMAT = Format("text", _sniff, _read)
