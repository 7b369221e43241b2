"""JSON Lines format of this package: one record a line, without loss on export and import.

A line is an object with its type in `record` first, camelCase names and global ids. Empty fields are omitted,
so that the same content always gives the same bytes. Invariant: independent of database, network and clock.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
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
            yield ImportItem(name, record, warnings=warnings, place=place)
        except ValidationError as exc:
            yield ImportItem(name, error=describe_validation_error(exc), place=place)
        except ValueError as exc:
            yield ImportItem(name, error=str(exc), place=place)


def _sniff(head: bytes, name: str) -> bool:
    """Whether a file has records: by its name, or an object at its beginning."""
    return name.lower().endswith((".jsonl", ".ndjson")) or head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(
        b"{"
    )


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
    _require_storable(payload, "", 0)
    # Not `kind` or `type`: sources, media and tags have such a field of their own.
    kind = payload.pop("record", None)
    if not isinstance(kind, str) or kind not in _TYPES:
        raise ValueError(f"record must be one of {', '.join(RECORD_TYPES)}, not {kind!r}")
    _require_known_fields(kind, payload)
    record: Record | HistoryRecord = _TYPES[kind].model_validate(payload)
    return record, (*_time_warnings(payload), *_language_warnings(payload))


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


def _require_storable(value: Any, place: str, depth: int) -> None:
    if depth > MAX_JSON_DEPTH:
        raise ValueError(f"{place} is nested more than {MAX_JSON_DEPTH} levels deep")
    if isinstance(value, str):
        if character := find_forbidden_character(value, multiline=True):
            sign = value[character.position - 1]
            raise ValueError(f"{place or 'a name'} has the control character U+{ord(sign):04X}")
    elif isinstance(value, list):
        for item in value:
            _require_storable(item, place, depth + 1)
    elif isinstance(value, dict):
        for name, item in value.items():
            _require_storable(name, "", depth)
            _require_storable(item, f"{place}.{name}" if place else name, depth + 1)


def _read(source: SourceFile, options: ReadOptions) -> Iterator[ImportItem]:
    if options.slug or options.paragraphs != "line":
        raise FormatError("the options --slug and --paragraphs are only for plain pages")
    return read_records(source.file, source.name)


FORMAT = Format("jsonl", _sniff, _read)
