"""Character encodings of files: detection by byte order mark, declaration and content, and decoding.

A file is often not in the encoding that it declares. The first of the possible encodings that decodes the
whole file is taken. Invariant: reads files in chunks, in time linear in their size.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

_CHUNK: Final = 1 << 18
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# The bytes of `<` and `{` with those of another ASCII character behind them.
_UNMARKED: Final = (
    (re.compile(rb"[<{]\0\0\0[\x09-\x7f]\0\0\0"), "utf-32-le"),
    (re.compile(rb"\0\0\0[<{]\0\0\0[\x09-\x7f]"), "utf-32-be"),
    (re.compile(rb"[<{]\0[\x09-\x7f]\0"), "utf-16-le"),
    (re.compile(rb"\0[<{]\0[\x09-\x7f]"), "utf-16-be"),
)
_EBCDIC_DECLARATION: Final = b"\x4c\x6f\xa7\x94\x93"  # <?xml
_DECLARATION: Final = re.compile(r"\s*<\?xml\b[^>]*?\bencoding\s*=\s*[\"']([\w.:-]+)[\"']")
# Encodings that programs declare for a larger one, as in https://encoding.spec.whatwg.org/#names-and-labels.
_SUPERSETS: Final = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "shift_jis": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
}
_ALIASES: Final = {"ebcdic-cp-ca": "cp037", "ebcdic-cp-us": "cp037", "x-sjis": "cp932", "x-gbk": "gb18030"}
# Codecs of Python that are no encodings of files.
_NO_ENCODINGS: Final = {"idna", "punycode", "unicode-escape", "raw-unicode-escape", "utf-7", "undefined"}
_KANA: Final = re.compile("[\u3041-\u30ff]")
_NOT_ASCII: Final = re.compile("[^\x00-\x7f]")


class Encoding(NamedTuple):
    """The encoding of a file, the length of its byte order mark, and what it declares if that is wrong."""

    name: str
    mark: int = 0
    wrong_declaration: str | None = None


def detect_encoding(file: BinaryIO) -> Encoding:
    """The encoding of a file by its byte order mark, else the encoding that it declares, else UTF-8,
    Japanese encodings and windows-1252.

    A file with a few bytes that are no text is still in its encoding. Leaves the file at any position.
    """
    file.seek(0)
    head = file.read(4_096)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return Encoding(name, len(mark))
    for pattern, name in _UNMARKED:
        if pattern.match(head):
            return Encoding(name)
    declared = _declaration(head)
    declared_encoding = encoding_name(declared) if declared else None
    names = [declared_encoding] if declared_encoding else []
    if names and declared and codecs.lookup(_declared_name(declared)).name == "ascii":
        names = []  # programs that declare ASCII rarely mean it
    sample = b""
    candidates = dict.fromkeys([*names, "utf-8"])
    for name in candidates:
        position = _first_error(file, name)
        if position is None:
            return Encoding(name, 0, declared if declared and name not in names and names else None)
        if not sample:
            file.seek(max(0, position - _CHUNK // 2))
            sample = file.read(_CHUNK)
    for name in candidates:
        if _is_mostly_text(sample, name):
            return Encoding(name, 0, declared or name)
    guess = _japanese(sample) or "cp1252"
    return Encoding(guess, 0, declared or "utf-8")


def encoding_name(label: str) -> str | None:
    """The name of the codec of a declared encoding, None for one that is not known."""
    try:
        codec = codecs.lookup(_declared_name(label))
    except LookupError:
        return None
    if not codec._is_text_encoding or codec.name in _NO_ENCODINGS:
        return None
    if codec.name in ("utf-16", "utf-32", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"):
        return "utf-8"  # those would have been recognised by their zeros
    return _SUPERSETS.get(codec.name, codec.name)


def _declared_name(label: str) -> str:
    return _ALIASES.get(label.strip().lower(), label.strip().lower())


def decode_chunks(file: BinaryIO, encoding: Encoding) -> Iterator[str]:
    """Yields the text of a file; bytes that are no text become U+FFFD."""
    decoder = codecs.getincrementaldecoder(encoding.name)(errors="replace")
    file.seek(encoding.mark)
    while data := file.read(_CHUNK):
        if text := decoder.decode(data):
            yield text
    if text := decoder.decode(b"", final=True):
        yield text


def decode_text(file: BinaryIO, limit: int) -> tuple[str, Encoding]:
    """The text of a file of at most `limit` bytes, which the caller checks, and its encoding."""
    encoding = detect_encoding(file)
    file.seek(encoding.mark)
    return file.read(limit).decode(encoding.name, errors="replace"), encoding


def _declaration(head: bytes) -> str | None:
    codec = "cp037" if head.startswith(_EBCDIC_DECLARATION) else "latin-1"
    match = _DECLARATION.match(head[:500].decode(codec))
    return match[1] if match else None


def _first_error(file: BinaryIO, name: str) -> int | None:
    """The position of the first bytes that are no text in an encoding, None if all are."""
    decoder = codecs.getincrementaldecoder(name)()
    file.seek(0)
    position = 0
    try:
        while data := file.read(_CHUNK):
            decoder.decode(data)
            position += len(data)
        # A character that the end of the file cuts off is no error.
    except UnicodeDecodeError as exc:
        return position + exc.start
    return None


def _is_mostly_text(sample: bytes, name: str) -> bool:
    """Whether at most one in twenty characters that are not ASCII cannot be decoded."""
    text = sample.decode(name, errors="replace")
    errors = text.count("\ufffd")
    return errors * 20 <= len(_NOT_ASCII.findall(text)) - errors


def _japanese(sample: bytes) -> str | None:
    """A Japanese encoding, if a fifth of what is not ASCII is Japanese in it."""
    for name in ("cp932", "euc_jp"):
        text = sample.decode(name, errors="replace")
        if "\ufffd" not in text[:-2] and len(_KANA.findall(text)) * 5 >= len(_NOT_ASCII.findall(text)) > 0:
            return name
    return None
