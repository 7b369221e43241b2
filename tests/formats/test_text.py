"""Import of plain text as articles."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from tests.support.linear_time import linear_time

from contentql.content import blocks, derive, render
from contentql.content.records import ArticleRecord
from contentql.fixtures import SEED_PAGE
from contentql.formats import text
from contentql.formats.source_file import Paragraphs
from contentql.formats.text import read_page

PAGES = Path(__file__).parents[2] / "fixtures" / "pages"


def article(page: bytes, **options: str) -> ArticleRecord:
    item = text.read_page(page, "page.txt", **options)  # type: ignore[arg-type]
    assert isinstance(item.record, ArticleRecord), item.error
    return item.record


def text_of(record: ArticleRecord) -> list[str]:
    return [blocks.block_text(block) for block in record.blocks]


def test_seed_page_is_imported() -> None:
    """Headline, slug and eight paragraphs; menu lines are ignored and no other field is set."""
    record = article(SEED_PAGE.read_bytes())
    lines = SEED_PAGE.read_text("utf-8").splitlines()
    assert record.headline == (
        "Kim Jong-un Sheds a Tear Before Coffin of North Korean Soldier Killed in Russia"
    )
    assert record.slug == "kim-jong-un-sheds-a-tear-before-coffin-of-north-korean-soldier-killed-in-russia"
    assert text_of(record) == [line for line in lines[3:] if line]
    assert len(record.blocks) == 8
    assert derive.measure_text(render.plain_text(record.blocks)) == derive.TextLength(words=365, minutes=2)
    assert (derive.lede(record.blocks) or "").startswith("North Korean state media on June 30 released")
    assert record.model_fields_set == {"external_ids", "headline", "slug", "language", "blocks"}


@pytest.mark.parametrize(("page", "paragraphs"), [("s1_like_seed", "line"), ("s2_hardwrap", "blank")])
def test_pages_match_their_golden_files(page: str, paragraphs: Paragraphs) -> None:
    """Headline, paragraphs, byline and date of each page in `fixtures/pages`."""
    golden = orjson.loads((PAGES / f"{page}.golden.json").read_bytes())
    record = article((PAGES / f"{page}.txt").read_bytes(), paragraphs=paragraphs)
    assert golden["title"] == record.headline
    assert [block["text"] for block in golden["blocks"]] == text_of(record)
    assert golden["lede"] == derive.lede(record.blocks)
    assert record.category is None
    expected = golden["expect"]
    assert (expected["byline"] or [None])[0] == record.byline
    assert expected["published"] == (record.published_at.date().isoformat() if record.published_at else None)


def warnings_of(page: bytes) -> list[str]:
    """The messages of the warnings of the page."""
    return [warning.message for warning in text.read_page(page, "page.txt").warnings]


def test_what_a_page_loses_or_leaves_open_is_a_warning() -> None:
    """With the field and the line."""
    item = text.read_page(b"- Latest news\n\nHead\nBy Lena Voss\n10 April 2023\nText.", "page.txt")
    assert [(warning.code, warning.field, warning.place) for warning in item.warnings] == [
        ("DROPPED", ("headline",), "line 1"),
        ("GUESSED", ("byline",), "line 4"),
        ("GUESSED", ("publishedAt",), "line 5"),
        ("GUESSED", ("language",), None),
    ]


@pytest.mark.parametrize(
    ("name", "page", "format"),
    [
        ("page.html", "Head\nText.", "HTML"),
        ("page.md", "Head\nText.", "Markdown"),
        ("page.CSV", "Head\nText.", "CSV"),
        ("-", "<!DOCTYPE html>\n<title>Head</title>\nText.", "HTML"),
        ("-", "\n<p>Head</p>\n<p>Text.</p>", "HTML"),
        ("page.txt", "Head\nText with <b>two</b> kinds of <em>tags</em>.", "HTML"),
        ("page.txt", "# Head\n\nText.", "Markdown"),
        ("page.txt", "Head\n====\n\nText.", "Markdown"),
        ("page.txt", "+++\ntitle = 1\n+++\n\nText.", "Markdown"),
        ("page.txt", "Head\nA [link](https://example.org).", "Markdown"),
        ("page.txt", "Head\nA **strong** word.", "Markdown"),
        ("page.txt", "slug,headline,body\na,Head,Text.", "CSV"),
        ("page.txt", 'slug;headline\na;"Head; with a semicolon"\nb;Other', "CSV"),
        ("page.txt", "slug\theadline\na\tHead", "CSV"),
        ("page.txt", "{\\rtf1\\ansi Head\nText.}", "RTF"),
        ("page.txt", "%PDF-1.4\n1 0 obj <<>> endobj", "PDF"),
        ("page.txt", "%!PS-Adobe-3.0\nshowpage", "PostScript"),
    ],
)
def test_pages_in_other_formats_are_refused(name: str, page: str, format: str) -> None:
    """With a sentence that names the format; on request they are imported with their markup."""
    item = text.read_page(page.encode(), name)
    assert item.record is None
    assert (item.error or "").startswith(f"the page looks like {format}, which cannot be imported; save")
    item = text.read_page(page.encode(), name, markup=True, slug="a")
    assert item.record is not None
    assert item.warnings[0].message == f"the page looks like {format}; its markup is imported as text"


@pytest.mark.parametrize(
    "page",
    [
        "Five < six, says minister\nText > 5.",
        "Head, with a comma\nText, with a comma.",
        "1,000 dead\nAbout 2,000 people fled.",
        "Head\nThe tag <b> makes bold text.",
        "Head\nIssue #5 * 3 [sic] (see there)\n- A list\n1. Another",
    ],
)
def test_plain_pages_with_similar_signs_are_imported(page: str) -> None:
    assert text_of(article(page.encode()))


def test_hard_wrapped_pages_have_a_note() -> None:
    """Each line is a paragraph, and the note names the option that joins lines."""
    page = (PAGES / "s2_hardwrap.txt").read_bytes()
    assert any("--paragraphs blank" in message for message in warnings_of(page))
    assert not any("--paragraphs blank" in message for message in warnings_of(SEED_PAGE.read_bytes()))


def test_printed_date_becomes_midnight_with_a_note() -> None:
    """An impossible date is ignored."""
    page = b"Head\nBy Lena Voss\nMonday, April 10, 2023\nText."
    assert "the page prints the day 2023-04-10, taken as midnight UTC" in warnings_of(page)
    assert article(b"Head\n31 February 2023\nText.").published_at is None


def test_dashes_below_the_headline_are_content() -> None:
    """Lines with a dash above the headline are menu lines."""
    assert text_of(article(b"- Category\n- Latest news\nHead\nText.\n- Category")) == ["Text.", "- Category"]


@pytest.mark.parametrize(
    "page",
    [
        "Head\n\nText é.".encode(),
        "\ufeffHead\r\n\r\nText é.\r\n".encode(),
        "\ufeffHead\n\nText é.".encode("utf-16-le"),
        "\ufeffHead\n\nText é.".encode("utf-16-be"),
    ],
)
def test_utf8_and_utf16_pages_are_decoded(page: bytes) -> None:
    """UTF-8 with or without a byte order mark, UTF-16 with one, and any line ends."""
    record = article(page)
    assert (record.headline, text_of(record)) == ("Head", ["Text é."])


@pytest.mark.parametrize(
    ("page", "error"),
    [
        (b"", "the page is empty"),
        (b" \n\t\n", "the page is empty"),
        (b"\xef\xbb\xbf", "the page is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00", "the file is not text"),
        ("\ufeffHead\nText".encode("utf-16-le") + b"x", "the page has bytes that are no text in utf-16-le"),
        ("\ufeffHead\nText".encode("utf-32-le"), "line 1 has the control character U+0000"),
        (b"Head\nText \x07 bell", "line 2 has the control character U+0007"),
        (b"- Category\n- Latest news\n", "the page has menu lines only and no headline"),
        (b"Head\n\n", "the page has a headline but no text below it"),
        (b"H" * 301 + b"\nText", "the first line is longer than a headline may be (300 characters)"),
        (b"?!\nText", "no slug can be made of the headline: give one with --slug"),
        (b"x" * (text.MAX_PAGE + 1), "the page is larger than 4 MiB"),
    ],
)
def test_invalid_pages_are_an_error(page: bytes, error: str) -> None:
    """There is no record, and the error is one sentence."""
    item = text.read_page(page, "page.txt")
    assert (item.record, item.error) == (None, error)


def test_slugs_of_other_scripts_are_transliterated() -> None:
    """A slug that is set is used as it is."""
    page = "標題\n\n本文です。".encode()
    assert article(page, language="ja").slug == "biao-ti"
    assert article(page, language="ja", slug="標題").slug == "標題"


@pytest.mark.parametrize("line", [b"abcd\n", b"x\n"])
@pytest.mark.parametrize("paragraphs", ["line", "blank"])
def test_page_with_too_many_paragraphs_is_refused(line: bytes, paragraphs: Paragraphs) -> None:
    """The sentence has the number and the limit; no block is created."""
    page = b"Head\n" + (line if paragraphs == "line" else line + b"\n") * 400_000
    with linear_time():
        item = text.read_page(page, "page.txt", paragraphs=paragraphs)
    assert item.record is None
    assert item.error == "the page has 400,000 paragraphs; an article may have at most 5,000"


def test_page_may_have_5000_paragraphs() -> None:
    """Blank lines between them do not count."""
    record = article(b"Head\n" + b"\n\n\nx" * 5_000)
    assert len(record.blocks) == 5_000


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Head\n“Café” costs 5 €", "cp1252"),
        ("東京で地震がありました\nこれは記事の本文です。", "cp932"),
        ("Head\n“Café”", "utf-16"),
    ],
)
def test_other_encodings_are_recognised(text: str, encoding: str) -> None:
    """With a warning, unless a byte order mark names the encoding."""
    item = read_page(text.encode(encoding), "page.txt", slug="head")
    assert isinstance(item.record, ArticleRecord), item.error
    texts = [block.text for block in item.record.blocks if isinstance(block, blocks.Paragraph)]
    assert [item.record.headline, *texts] == text.splitlines()
    messages = [warning.message for warning in item.warnings]
    expected = f"the page does not name its encoding and is read as {encoding}"
    assert (expected in messages) is (encoding != "utf-16")
