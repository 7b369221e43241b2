"""Detection of the encoding of a file."""

from __future__ import annotations

import io

import pytest

from contentql.formats.encodings import decode_chunks, detect_encoding, encoding_name

TEXT = "Größe — “quoted” café"
JAPANESE = "ニュースの見出しです。これは日本語の文章です。"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (TEXT.encode(), TEXT),
        (TEXT.encode("utf-8-sig"), TEXT),
        (TEXT.encode("utf-16"), TEXT),
        (TEXT.encode("utf-32"), TEXT),
        (f"<?xml version='1.0'?>{TEXT}".encode("utf-16-le"), f"<?xml version='1.0'?>{TEXT}"),
        (f"<?xml version='1.0'?>{TEXT}".encode("utf-16-be"), f"<?xml version='1.0'?>{TEXT}"),
        (f"<?xml version='1.0'?>{TEXT}".encode("utf-32-be"), f"<?xml version='1.0'?>{TEXT}"),
        (TEXT.encode("cp1252"), TEXT),
        (JAPANESE.encode("cp932"), JAPANESE),
        (JAPANESE.encode("euc_jp"), JAPANESE),
        (b"", ""),
        (b"plain", "plain"),
    ],
)
def test_an_encoding_that_is_not_declared_is_detected(content: bytes, text: str) -> None:
    """By the byte order mark, by zeros, and by what the text would be."""
    file = io.BytesIO(content)
    assert "".join(decode_chunks(file, detect_encoding(file))) == text


@pytest.mark.parametrize(
    ("label", "codec", "text"),
    [
        ("utf-8", "utf-8", TEXT),
        ("UTF8", "utf-8", TEXT),
        ("iso-8859-1", "cp1252", TEXT),
        ("windows-1252", "cp1252", TEXT),
        ("iso-8859-15", "iso-8859-15", "10 €"),
        ("windows-1251", "cp1251", "Новости"),
        ("koi8-r", "koi8-r", "Новости"),
        ("Shift_JIS", "cp932", "①" + JAPANESE),
        ("euc-jp", "euc_jp", JAPANESE),
        ("gb2312", "gb18030", "新闻镕"),
        ("big5", "big5", "新聞"),
        ("euc-kr", "cp949", "뉴스"),
        ("us-ascii", "utf-8", TEXT),
        ("utf-16", "utf-8", TEXT),
        ("no-such-encoding", "utf-8", TEXT),
        ("utf-7", "utf-8", TEXT),
        ("unicode_escape", "utf-8", TEXT),
        ("base64", "utf-8", TEXT),
        ("ebcdic-cp-ca", "cp037", "cafe"),
    ],
)
def test_a_declared_encoding_is_used(label: str, codec: str, text: str) -> None:
    """The larger one that programs mean by its name; one that is none is ignored."""
    content = f'<?xml version="1.0" encoding="{label}"?>{text}'
    file = io.BytesIO(content.encode(codec))
    encoding = detect_encoding(file)
    assert "".join(decode_chunks(file, encoding)) == content
    assert encoding.wrong_declaration is None


@pytest.mark.parametrize(
    ("label", "codec"), [("utf-8", "cp1252"), ("ascii", "cp1252"), ("shift_jis", "utf-8")]
)
def test_a_wrong_declaration_is_noticed(label: str, codec: str) -> None:
    """The file is read in the encoding that it is in."""
    file = io.BytesIO(f'<?xml version="1.0" encoding="{label}"?>{TEXT}'.encode(codec))
    encoding = detect_encoding(file)
    assert encoding.wrong_declaration == label
    assert "".join(decode_chunks(file, encoding)).endswith(TEXT)


@pytest.mark.parametrize("name", ["utf-8", "cp932"])
def test_a_few_broken_bytes_do_not_change_the_encoding(name: str) -> None:
    """In the middle of a text, and at its end, where a file is cut off."""
    declaration = f'<?xml version="1.0" encoding="{name}"?>'.encode()
    text = (JAPANESE * 20).encode(name)
    for content in (declaration + text + b"\xff" + text, declaration + text[:-1]):
        file = io.BytesIO(content)
        encoding = detect_encoding(file)
        assert encoding.name == name
        assert JAPANESE in "".join(decode_chunks(file, encoding))


def test_codecs_that_are_no_encodings_of_files_are_not_used() -> None:
    """Such as those that run over escapes or decode other formats."""
    for name in ("utf-7", "idna", "punycode", "unicode_escape", "raw_unicode_escape", "hex", "zip", "rot13"):
        assert encoding_name(name) is None, name
