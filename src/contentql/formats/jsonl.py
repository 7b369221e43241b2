"""JSON Lines format of this package: one record a line, without loss on export and import.

A line is an object with its type in `record` first, camelCase names and global ids. Empty fields are omitted,
so that the same content always gives the same bytes. Invariant: independent of database, network and clock.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any, BinaryIO

import orjson
from pydantic import ValidationError

from contentql.content.characters import find_forbidden_character
from contentql.content.history_records import HISTORY_TYPES
from contentql.content.import_item import ImportItem
from contentql.content.records import (
    RECORD_TYPES,
    FormatError,
    HistoryRecord,
    Record,
    describe_validation_error,
)
from contentql.content.warnings import Warning, WarningCode
from contentql.formats.registry import Format
from contentql.formats.source_file import ReadOptions, SourceFile
from contentql.language_tags import parse_language_tag, replacement_message

IMPORTER = "json-lines"  # system of the external ids of records without an id of their own
MAX_LINE = 8 * 1024 * 1024
MAX_JSON_DEPTH = 64


def read_records(file: BinaryIO, name: str) -> Iterator[ImportItem]:
    """Reads the records of a file, line by line. An invalid line becomes an ImportItem with its error."""
    for number, line in enumerate(_lines(file), 1):
        line = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        if not line.strip():
            continue
        place = str(number)
        try:
            record, warnings = _record(line)
            fingerprint = sha256(line.strip()).hexdigest()
            yield ImportItem(name, record, warnings=warnings, place=place, fingerprint=fingerprint)
        except ValidationError as exc:
            yield ImportItem(name, error=describe_validation_error(exc), place=place)
        except ValueError as exc:
            yield ImportItem(name, error=str(exc), place=place)


def _sniff(head: bytes, name: str) -> bool:
    """Whether a file has records: by its name, or an object with a type in its first line."""
    line = head.lstrip(b"\xef\xbb\xbf \t\r\n").partition(b"\n")[0]
    is_record = line.startswith(b"{") and b'"record"' in line
    return is_record or name.lower().endswith((".jsonl", ".ndjson"))


def write_records(records: Iterable[Record | HistoryRecord]) -> Iterator[bytes]:
    """Writes a line for each record, with its newline."""
    for record in records:
        result = record.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        yield orjson.dumps({"record": _NAMES[type(record)], **result}, option=orjson.OPT_APPEND_NEWLINE)


_TYPES: dict[str, Any] = {**RECORD_TYPES, **HISTORY_TYPES}
_NAMES: dict[type, str] = {record: kind for kind, record in _TYPES.items()}


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Yields lines, with at most MAX_LINE + 1 bytes of each in memory."""
    while line := file.readline(MAX_LINE + 1):
        rest = line
        while len(rest) > MAX_LINE and not rest.endswith(b"\n"):
            rest = file.readline(MAX_LINE + 1)
        yield line


def _record(line: bytes) -> tuple[Record | HistoryRecord, tuple[Warning, ...]]:
    if len(line) > MAX_LINE:
        raise ValueError(f"the line is longer than {MAX_LINE // 1024 // 1024} MiB")
    try:
        payload = orjson.loads(line)
    except orjson.JSONDecodeError as exc:
        raise ValueError(f"not JSON: {exc.msg} at column {exc.colno}") from None
    if not isinstance(payload, dict):
        raise ValueError('a line must be an object, as in {"record": "article", …}')
    is_plain = not _may_have_control_characters(line)
    _require_storable(payload, "", 0, check_texts=not is_plain)
    # Not `kind` or `type`: sources, media and tags have such a field of their own.
    kind = payload.pop("record", None)
    if not isinstance(kind, str) or kind not in _TYPES:
        raise ValueError(f"record must be one of {', '.join(RECORD_TYPES)}, not {kind!r}")
    _require_known_fields(kind, payload)
    record: Record | HistoryRecord = _TYPES[kind].model_validate(payload)
    has_fractions = not is_plain or _POSSIBLE_FRACTION.search(line) is not None
    return record, (*(_time_warnings(payload) if has_fractions else ()), *_language_warnings(payload))


def _require_known_fields(kind: str, values: dict[str, Any]) -> None:
    """Raises ValueError with every field that the record type does not have."""
    names = {field.alias or name for name, field in _TYPES[kind].model_fields.items()}
    unknown = []
    for name in values.keys() - names:
        similar = difflib.get_close_matches(name, names, 1)
        unknown.append(f"{name!r}" + (f" (did you mean {similar[0]!r}?)" if similar else ""))
    if unknown:
        fields = (
            f"{'an unknown field' if len(unknown) == 1 else 'unknown fields'}: {', '.join(sorted(unknown))}"
        )
        hint = "; the text of an article is in 'blocks', values of your own in 'extra'"
        raise ValueError(f"the {kind} has {fields}{hint if kind == 'article' else ''}")


def _time_warnings(value: Any, path: tuple[str, ...] = ()) -> Iterator[Warning]:
    """Warnings for times with fractions of a second, which are not stored."""
    if isinstance(value, dict):
        for name, item in value.items():
            if path or name != "extra":
                yield from _time_warnings(item, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _time_warnings(item, (*path, str(index)))
    elif isinstance(value, str) and _FRACTION.fullmatch(value):
        message = f"the fraction of a second of {value} is not stored"
        yield Warning(WarningCode.CHANGED, message, path)


def _language_warnings(value: Any, path: tuple[str, ...] = ()) -> Iterator[Warning]:
    """Warnings for language tags, not those of code, that are stored in another form than case alone."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name == "language" and isinstance(item, str):
                tag = parse_language_tag(item)
                if tag.is_replaced:
                    message = replacement_message(item, tag.text)
                    yield Warning(WarningCode.CHANGED, message, (*path, name))
            elif name in ("names", "slugHistory", "article"):
                yield from _language_warnings(item, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _language_warnings(item, (*path, str(index)))


_FRACTION = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d[.,]0*[1-9]\d*([Zz]|[+-]\d\d:?\d\d)")


_POSSIBLE_FRACTION = re.compile(rb":\d\d[.,]\d")
# Escaped or as they are, in UTF-8; `u00` is also the beginning of other escaped characters.
_CONTROL_CHARACTER = re.compile(rb"\\[bf]|\\u00|\\u[dD][89a-fA-F]|\x7f|\xc2[\x80-\x9f]")


def _may_have_control_characters(line: bytes) -> bool:
    """Whether a line of JSON may have a character that no text may have. Most have none."""
    if b"\\" in line or b"\x7f" in line or b"\xc2" in line:
        return _CONTROL_CHARACTER.search(line) is not None
    return False


def _require_storable(value: Any, place: str, depth: int, *, check_texts: bool) -> None:
    """Raises ValueError for a value that is nested too deeply, and for control characters in texts."""
    if depth > MAX_JSON_DEPTH or (depth == MAX_JSON_DEPTH and value and isinstance(value, list | dict)):
        raise ValueError(f"{place} is nested more than {MAX_JSON_DEPTH} levels deep")
    if isinstance(value, str):
        if check_texts and (character := find_forbidden_character(value, multiline=True)):
            sign = value[character.position - 1]
            raise ValueError(f"{place or 'a name'} has the control character U+{ord(sign):04X}")
    elif isinstance(value, list):
        for item in value:
            if check_texts or isinstance(item, list | dict):
                _require_storable(item, place, depth + 1, check_texts=check_texts)
    elif isinstance(value, dict):
        for name, item in value.items():
            if check_texts or isinstance(item, list | dict):
                _require_storable(name, "", depth, check_texts=check_texts)
                inner = f"{place}.{name}" if place else name
                _require_storable(item, inner, depth + 1, check_texts=check_texts)


def _read(source: SourceFile, options: ReadOptions) -> Iterator[ImportItem]:
    if options.slug or options.paragraphs != "line":
        raise FormatError("the options --slug and --paragraphs are only for plain pages")
    return read_records(source.file, source.name)


FORMAT = Format("jsonl", _sniff, _read)
