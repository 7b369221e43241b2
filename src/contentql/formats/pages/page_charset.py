"""Character encoding of a web page without its HTTP header: byte order mark, declaration, else its bytes."""

from __future__ import annotations

import codecs
import re
from typing import Final, NamedTuple

from contentql.formats.encodings import encoding_name

_META: Final = re.compile(rb"<meta\b[^<>]{0,500}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
_XML: Final = re.compile(rb"<\?xml[^<>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{1,40})", re.IGNORECASE)
_LANGUAGE: Final = re.compile(rb"<html\b[^<>]{0,500}?\blang\s*=\s*[\"']?([a-z]{2})\b", re.IGNORECASE)
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
)  # fmt: skip
_BY_LANGUAGE: Final = {
    **dict.fromkeys(("ru", "uk", "be", "bg", "sr", "mk"), "cp1251"),
    **dict.fromkeys(("pl", "cs", "sk", "hu", "sl", "hr", "ro", "sq"), "cp1250"),
    "el": "cp1253", "tr": "cp1254", "he": "cp1255", "ar": "cp1256", "fa": "cp1256", "et": "cp1257",
    "lv": "cp1257", "lt": "cp1257", "vi": "cp1258", "th": "cp874",
}  # fmt: skip
# Encodings of two bytes a character, with the characters that are frequent in their languages.
_EAST_ASIAN: Final = (
    ("cp932", re.compile("[\u3040-\u30ff]")),
    ("euc_jp", re.compile("[\u3040-\u30ff]")),
    ("cp949", re.compile("[\uac00-\ud7a3]")),
    ("gb18030", re.compile("[的一是在不了有和人这中大为上个国我以要他]")),
    ("big5hkscs", re.compile("[的一是在不了有和人這中大為上個國我以要他]")),
)


class DecodedPage(NamedTuple):
    """The text of a page; `message` says what was guessed, None if the page was as it says."""

    text: str
    encoding: str
    message: str | None = None


def decode_page(content: bytes) -> DecodedPage:
    """Decodes a page. Bytes that are not valid in the encoding become U+FFFD, with a message."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return DecodedPage(content[len(mark) :].decode(encoding, "replace"), encoding)
    head = content[:8_192]
    if head[:200].count(b"\0") > 20:
        encoding = "utf-16-le" if head[1:200:2].count(b"\0") > head[:200:2].count(b"\0") else "utf-16-be"
        return DecodedPage(content.decode(encoding, "replace"), encoding, f"the page is read as {encoding}")
    declared = _declared(head)
    if b"\x1b$" in content and (japanese := _decoded(content, "iso2022_jp")) is not None:
        return DecodedPage(japanese, "iso2022_jp")
    if (text := _decoded(content, "utf-8")) is not None:
        wrong = declared not in (None, "utf-8") and not text.isascii()
        message = f"the page names the encoding {declared}, but is UTF-8" if wrong else None
        return DecodedPage(text, "utf-8", message)
    if declared and declared != "utf-8" and (own := _decoded(content, declared)) is not None:
        return DecodedPage(own, declared)
    encoding = _guess(content, head)
    named = f"names the encoding {declared}, but" if declared else "does not name its encoding and"
    message = f"the page {named} is read as {encoding}"
    return DecodedPage(content.decode(encoding, "replace"), encoding, message)


def _declared(head: bytes) -> str | None:
    match = _XML.match(head) or _META.search(head)
    return encoding_name(match[1].decode("ascii")) if match else None


def _guess(content: bytes, head: bytes) -> str:
    """The encoding of bytes that are not UTF-8."""
    if _mostly_utf8(content):
        return "utf-8"
    for encoding, frequent in _EAST_ASIAN:
        decoded = _decoded(content, encoding) or ""
        foreign = sum(1 for sign in decoded[:200_000] if sign > "\x7f")
        if foreign >= 4 and len(frequent.findall(decoded[:200_000])) > foreign * 0.1:
            return encoding
    language = _LANGUAGE.search(head)
    return _BY_LANGUAGE.get(language[1].decode("ascii").lower(), "cp1252") if language else "cp1252"


def _mostly_utf8(content: bytes) -> bool:
    """Whether a few broken bytes are in a text that is UTF-8 otherwise."""
    text = content.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    return broken * 20 < sum(1 for sign in text[:500_000] if sign > "\x7f" and sign != "\ufffd")


def _decoded(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except (UnicodeError, LookupError):
        return None
