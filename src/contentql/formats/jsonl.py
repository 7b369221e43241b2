"""JSON Lines format of this package: one record a line, without loss on export and import.

A line is an object with its type in `record` first, camelCase names and global ids. Empty fields are omitted,
so that the same content always gives the same bytes. Invariant: independent of database, network and clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import orjson
from pydantic import ValidationError

from contentql.content.characters import find_forbidden_character
from contentql.content.records import (
    RECORD_TYPES,
    ArticleRecord,
    ImportItem,
    Record,
    RecordKind,
    describe_validation_error,
)

MAX_LINE = 8 * 1024 * 1024
MAX_JSON_DEPTH = 64


def read_records(file: BinaryIO, name: str) -> Iterator[ImportItem]:
    """Reads the records of a file, line by line. An invalid line becomes an ImportItem with its error."""
    for number, line in enumerate(_lines(file), 1):
        line = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        if not line.strip():
            continue
        where = f"{name}:{number}"
        try:
            yield ImportItem(where, _record(line))
        except ValidationError as exc:
            yield ImportItem(where, error=describe_validation_error(exc))
        except ValueError as exc:
            yield ImportItem(where, error=str(exc))


def write_records(records: Iterable[Record]) -> Iterator[bytes]:
    """Writes a line for each record, with its newline."""
    for record in records:
        result = record.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        yield orjson.dumps({"record": _NAMES[type(record)], **result}, option=orjson.OPT_APPEND_NEWLINE)


_NAMES: dict[type[Record], RecordKind] = {record: kind for kind, record in RECORD_TYPES.items()}
_ARTICLE = {field.alias or name for name, field in ArticleRecord.model_fields.items()}


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Yields lines, with at most MAX_LINE + 1 bytes of each in memory."""
    while line := file.readline(MAX_LINE + 1):
        rest = line
        while len(rest) > MAX_LINE and not rest.endswith(b"\n"):
            rest = file.readline(MAX_LINE + 1)
        yield line


def _record(line: bytes) -> Record:
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
    if not isinstance(kind, str) or kind not in RECORD_TYPES:
        raise ValueError(f"record must be one of {', '.join(RECORD_TYPES)}, not {kind!r}")
    if kind == "article":
        payload = _with_extra(payload)
    return RECORD_TYPES[kind].model_validate(payload)


def _with_extra(values: dict[str, Any]) -> dict[str, Any]:
    """Moves unknown fields to `extra`, so that they are exported again."""
    unknown = {name: value for name, value in values.items() if name not in _ARTICLE}
    if not unknown:
        return values
    extra = values.get("extra", {})
    if not isinstance(extra, dict):
        raise ValueError("extra must be an object")
    existing = {name: value for name, value in values.items() if name in _ARTICLE}
    return {**existing, "extra": {**extra, **unknown}}


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
