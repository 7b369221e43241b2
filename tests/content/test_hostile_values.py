"""Rendering of blocks whose values try to become markup: no active content, and readable text."""

# ruff: noqa: E501 - lists of odd things read best in rows

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from pydantic import ValidationError
from tests.support.active_content import inert_markdown_text, inert_text, squeeze
from tests.support.linear_time import linear_time
from tests.support.text_marks import make_table

from contentql.content import blocks, render
from contentql.content.blocks import CodeText, Embed, Paragraph, RelatedLink
from contentql.content.characters import replace_control_characters
from contentql.content.field_types import STORED
from contentql.content.render_markdown import render_markdown
from contentql.content.rich_text import Mark

FRAGMENTS = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<iframe src=//x>", "</p>", "</code></pre>",
    "<!--", "-->", "<![CDATA[", "<a href='javascript:x'>", "<svg/onload=x>", "<style>", "</main>", "<?php",
    "javascript:alert(1)", "JaVaScRiPt:x", "javascript&colon;x", "javascript&#58;x", "java\tscript:x",
    "javascript\\:x", "data:text/html,x", "vbscript:x", "https://x.example.org/", "mailto:a@x.example.org",
    "[click](javascript:x)", "![x](https://x.example.org/a.png)", "[x]: javascript:x", "[x][y]", "<https://x>",
    "](", "](<", ">)", ")", "\n```\n", "\n~~~\n", "```", "````", "`", "~~~", "|", "\\|", "\n| a |\n|---|\n",
    "\n:--|--:\n", "\n---\n", "\n===\n", "\n# ", "\n- ", "\n1. ", "\n1) ", "\n> ", "\n    ", "\n\t", "\n\n",
    "*", "**", "_", "__", "~~", "\\", "\\\n", "!", "&", "&lt;", "&#60;", "&amp;lt;", "&NewLine;", "#", " ##",
    "\r", "\r\n", "\v", "\f", "\x85", "\u2028", "\u2029", "\x00", "\x1b", "\u202e", "\u200f", "\u200b", "\ufeff",
    "\u00a0", "'", '"', "onerror=x", " ", "  \n", "word", "é", "😀", "<", ">", "{{x}}", "${x}",
]  # fmt: skip
hostile = some.lists(
    some.sampled_from(FRAGMENTS) | some.text(some.characters(exclude_categories=["Cs"]), max_size=4),
    min_size=1,
    max_size=8,
).map("".join)
urls = hostile.filter(bool)


@some.composite
def paragraphs(draw: some.DrawFn) -> dict[str, Any]:
    text = draw(urls)
    kinds = some.sampled_from(["strong", "em", "link", "mention"])
    marks = []
    for _ in range(draw(some.integers(0, 5))):
        start = draw(some.integers(0, len(text) - 1))
        end = draw(some.integers(start + 1, len(text)))
        marks.append({"start": start, "end": end, "kind": draw(kinds), "href": draw(some.none() | urls)})
    return {"type": "PARAGRAPH", "text": text, "marks": marks}


def of(type: str, **fields: Any) -> some.SearchStrategy[dict[str, Any]]:
    return some.fixed_dictionaries({"type": some.just(type), **fields})


optional = some.none() | hostile
several = some.lists(hostile, min_size=1, max_size=3)
EVERY: dict[str, some.SearchStrategy[dict[str, Any]]] = {
    "PARAGRAPH": paragraphs(),
    "HEADING": of("HEADING", text=hostile, level=some.integers(2, 4)),
    "QUOTE": of("QUOTE", text=hostile),
    "PULLQUOTE": of("PULLQUOTE", text=hostile),
    "LIST": of("LIST", items=several, ordered=some.booleans()),
    "IMAGE": of("IMAGE", media=some.just(5), caption=optional),
    "VIDEO": of("VIDEO", media=some.just(5), caption=optional),
    "AUDIO": of("AUDIO", media=some.just(5), caption=optional),
    "GALLERY": of("GALLERY", media=some.just([5, 6])),
    "EMBED": of("EMBED", url=urls, provider=optional, fallbackText=optional),
    "TABLE": some.integers(1, 3).flatmap(
        lambda width: of("TABLE", rows=some.lists(some.lists(hostile, min_size=width, max_size=width), min_size=1, max_size=3))
    ),
    "CODE": of("CODE", text=hostile, language=optional),
    "RULE": of("RULE"),
    "LIVE_ENTRY": of("LIVE_ENTRY", at=some.just("2026-06-30T08:00:00Z"), title=optional, text=hostile),
    "CORRECTION": of("CORRECTION", text=hostile),
    "RELATED_LINK": of("RELATED_LINK", url=urls, title=hostile),
    "UNKNOWN": of("UNKNOWN", originalType=hostile, fallbackText=optional),
    "HOLOGRAM": of("HOLOGRAM", text=hostile),
}  # fmt: skip


def test_every_type_of_block_is_tried() -> None:
    """A new type needs a strategy here."""
    assert set(EVERY) - {"HOLOGRAM"} == blocks.BLOCK_TYPES


def assert_inert(block: blocks.Block) -> None:
    """Both renderings have no active content and show the text of the block."""
    text = replace_control_characters(blocks.block_text(block))
    text = text if text.strip() else replace_control_characters(getattr(block, "url", ""))
    time_ = "2026-06-30T08:00:00Z" if block.type == "LIVE_ENTRY" else ""
    expected = squeeze(time_ + text)
    html = render.render_html([block])
    assert squeeze(inert_text(html)) == expected, html
    markdown = render_markdown([block])
    visible = squeeze(inert_markdown_text(markdown))
    assert visible == expected, markdown


@pytest.mark.parametrize("type", EVERY)
@settings(max_examples=60, deadline=None)
@given(data=some.data())
def test_stored_values_never_become_markup(type: str, data: some.DataObject) -> None:
    """Whatever another program or an earlier version wrote to the database."""
    raw = data.draw(EVERY[type])
    for block in blocks.load_blocks([raw]):
        assert_inert(block)


@pytest.mark.parametrize("type", EVERY)
@settings(max_examples=60, deadline=None)
@given(data=some.data())
def test_accepted_values_never_become_markup(type: str, data: some.DataObject) -> None:
    """A block is refused, or it renders without active content and can be stored and read."""
    raw = data.draw(EVERY[type])
    try:
        accepted = blocks.parse_blocks([raw])
    except ValidationError:
        return
    assert blocks.load_blocks(blocks.dump_blocks(accepted)) == accepted
    for block in accepted:
        assert_inert(block)


@settings(max_examples=100, deadline=None)
@given(some.lists(some.one_of(list(EVERY.values())), min_size=2, max_size=4))
def test_blocks_do_not_run_into_each_other(raw: list[dict[str, Any]]) -> None:
    """A body of several hostile blocks is as inert as each of them."""
    body = blocks.load_blocks(raw)
    inert_text(render.render_html(body))
    inert_markdown_text(render_markdown(body))


@pytest.mark.parametrize(
    ("raw", "location", "message"),
    [
        (
            {"type": "CODE", "text": "x", "language": "js\n```\n<img onerror=alert(1)>"},
            "language",
            "has a line break at character 3",
        ),
        ({"type": "CODE", "text": "x", "language": "js\u2028x"}, "language", "has a line break at character 3"),
        ({"type": "CODE", "text": "x", "language": "js`"}, "language", "must be letters, digits"),
        ({"type": "CODE", "text": "x", "language": "a b"}, "language", "must be letters, digits"),
        ({"type": "CODE", "text": "x", "language": "x" * 51}, "language", "must be letters, digits"),
        (
            {"type": "RELATED_LINK", "title": "x", "url": "https://x\n\n[click](javascript:alert(1))"},
            "url",
            "a link must not have white space or control characters (character 10)",
        ),
        ({"type": "RELATED_LINK", "title": "x\r# y", "url": "/x"}, "title", "has a line break at character 2"),
        ({"type": "RELATED_LINK", "title": "x\x00", "url": "/x"}, "title", "has a control character at character 2"),
        ({"type": "EMBED", "url": "/x"}, "url", "a link must begin with http: or https:"),
        ({"type": "EMBED", "url": "mailto:a@example.org"}, "url", "a link must begin with http: or https:"),
        ({"type": "EMBED", "url": "https://x", "provider": "a\x85b"}, "provider", "has a line break at character 2"),
        ({"type": "LIVE_ENTRY", "at": "2026-06-30T08:00:00Z", "text": "x", "title": "a\vb"}, "title", "has a line break at character 2"),
        ({"type": "PARAGRAPH", "text": "a\x00"}, "text", "has a control character at character 2"),
        ({"type": "PARAGRAPH", "text": "a\u0085"}, "text", "has a control character at character 2"),
        ({"type": "UNKNOWN", "originalType": "a\nb"}, "originalType", "has a line break at character 2"),
    ],
)  # fmt: skip
def test_refused_values(raw: dict[str, Any], location: str, message: str) -> None:
    """Each with its field and a sentence."""
    with pytest.raises(ValidationError) as refused:
        blocks.parse_blocks([raw])
    (error,) = refused.value.errors()
    assert (error["loc"][-1], error["msg"].removeprefix("Value error, ")[: len(message)]) == (
        location,
        message,
    )


@pytest.mark.parametrize(
    ("block", "markdown", "html"),
    [
        (
            {"type": "CODE", "text": "x", "language": "js\n```\n<img onerror=alert(1)>"},
            "```\nx\n```",
            "<pre><code>x</code></pre>",
        ),
        (
            {"type": "RELATED_LINK", "title": "x", "url": "https://x\n\n[click](javascript:alert(1))"},
            '<p data-type="related_link">x</p>',
            '<p data-type="related_link">x</p>',
        ),
        (
            {"type": "EMBED", "url": "https://x>)<img/onerror=a>"},
            '<figure data-type="embed">https://x&gt;)&lt;img/onerror=a&gt;</figure>',
            '<figure data-type="embed">https://x&gt;)&lt;img/onerror=a&gt;</figure>',
        ),
        (
            {"type": "RELATED_LINK", "title": "x", "url": "javascript&colon;alert(1)"},
            '<p data-type="related_link"><a href="javascript&amp;colon;alert(1)">x</a></p>',
            '<p data-type="related_link"><a href="javascript&amp;colon;alert(1)">x</a></p>',
        ),
        (
            {"type": "PARAGRAPH", "text": "Look!here", "marks": [{"start": 5, "end": 9, "kind": "link", "href": "/x"}]},
            r"Look\![here](</x>)",
            '<p>Look!<a href="/x">here</a></p>',
        ),
        ({"type": "PARAGRAPH", "text": "a\r# b\r\r- c"}, "a\\\n\\# b<br><br>\\- c", "<p>a<br># b<br><br>- c</p>"),
        ({"type": "HEADING", "text": "The C #"}, r"## The C \#", "<h2>The C #</h2>"),
        ({"type": "PARAGRAPH", "text": "a | b\n:--|--:"}, "a \\| b\\\n\\:--\\|--:", "<p>a | b<br>:--|--:</p>"),
        ({"type": "QUOTE", "text": "a\n    <b>"}, "> a\\\n> &#32;&#32;&#32;&#32;\\<b\\>", "<blockquote><p>a<br>&#32;&#32;&#32;&#32;&lt;b&gt;</p></blockquote>"),
        ({"type": "CORRECTION", "text": " a"}, '<p data-type="correction">&#32;a</p>', '<p data-type="correction">&#32;a</p>'),
    ],
)  # fmt: skip
def test_escaping_by_position(block: dict[str, Any], markdown: str, html: str) -> None:
    """In a fence, a link, a picture, a heading, a table, a quote."""
    body = blocks.load_blocks([block])
    assert (render_markdown(body), render.render_html(body)) == (markdown, html)


def test_marks_nest_with_the_longest_outside() -> None:
    """A link in a bold sentence, and a bold word in a link, are each written once."""

    def mark(start: int, end: int, kind: str, href: str | None = None) -> Mark:
        return Mark.model_validate({"start": start, "end": end, "kind": kind, "href": href})

    text = "See the page now"
    sentence = Paragraph(text=text, marks=(mark(8, 12, "link", "/a"), mark(0, 16, "strong")))
    word = Paragraph(text=text, marks=(mark(4, 12, "link", "/a"), mark(8, 12, "strong")))
    assert render_markdown([sentence]) == "**See the [page](</a>) now**"
    assert render_markdown([word]) == "See [the **page**](</a>) now"
    crossing = Paragraph(text=text, marks=(mark(0, 7, "strong"), mark(4, 12, "link", "/a")))
    assert render.render_html([crossing]) == (
        '<p><strong>See <a href="/a">the</a></strong><a href="/a"> page</a> now</p>'
    )


@pytest.mark.parametrize("url", [
    "https://example.org/a?b=c#d", "HTTP://example.org:8080", "https://[2001:db8::1]/", "https://bücher.example/ü",
    "https://उदाहरण.example/", "mailto:a@example.org?subject=b", "tel:+44-20-7946-0000", "//cdn.example.org/a", "/a:b",
    "#top", "a/b", "?q=a:b", "/a?b=\"'<>`{}|^",
])  # fmt: skip
def test_links_that_are_accepted(url: str) -> None:
    """Web, mail and phone addresses, and relative ones."""
    assert RelatedLink(url=url, title="a").url == url


@pytest.mark.parametrize(("url", "message"), [
    ("javascript:alert(1)", "must begin with"), ("JavaScript:x", "must begin with"), ("data:text/html,x", "must begin with"),
    ("file:///etc/passwd", "must begin with"), ("ftp://example.org", "must begin with"), (":x", "must begin with"),
    ("blob:https://example.org/x", "must begin with"), ("view-source:https://x", "must begin with"),
    (" javascript:x", "must not have white space"), ("java\tscript:x", "must not have white space"),
    ("\x01javascript:x", "must not have white space"), ("https://x\u2028y", "must not have white space"),
    ("https://x\u00a0y", "must not have white space"), ("https://x/\u202egpj", "must not have white space"),
    ("https://x/ y", "must not have white space"), ("https:\\\\x", "must not have a backslash"),
    ("/\\x", "must not have a backslash"), ("https:", "valid host"), ("https://", "valid host"), ("https:/x", "valid host"),
    ("https:x", "valid host"), ("https:///x", "valid host"), ("///x", "valid host"), ("https://:80/", "valid host"),
    ("https://[::1", "valid host"), ("https://x:99999/", "valid host"), ("https://x:y/", "valid host"),
    ("https://<img>/", "valid host"), ("https://x%2e/", "valid host"), ("https://example.org@evil.example/", "user name"),
    ("https://a:b@evil.example/", "user name"), ("//a@evil.example/", "user name"), ("mailto:", "address after mailto:"),
    ("tel:", "address after tel:"),
])  # fmt: skip
def test_links_that_are_refused(url: str, message: str) -> None:
    """Other schemes, characters that browsers remove or rewrite, and addresses that show another host."""
    with pytest.raises(ValidationError, match=message):
        RelatedLink(url=url, title="a")


def test_stored_blocks_of_an_earlier_version_are_read() -> None:
    """The rules for input do not make stored content unreadable."""
    raw = [
        {"type": "CODE", "text": "a\x00", "language": "a\nb"},
        {"type": "RELATED_LINK", "title": "a\nb", "url": "https://a b"},
        *[{"type": "RULE"}] * blocks.MAX_BLOCKS,
    ]
    body = blocks.load_blocks(raw)
    assert body[:2] == (
        CodeText.model_validate(raw[0], context=STORED),
        RelatedLink.model_validate(raw[1], context=STORED),
    )
    assert len(body) == blocks.MAX_BLOCKS + 2


def test_foreign_html_is_only_that_of_embeds() -> None:
    """It keeps text and harmless tags, and no scheme that is not allowed elsewhere."""
    html = '<a href="ftp://x">a</a><a href="https://x" onclick="y">b</a><form><p style="x">c</p></form><img src="data:x">'
    embed = Embed(url="https://x", html=html)
    assert (
        embed.html
        == '<a rel="noopener noreferrer">a</a><a href="https://x" rel="noopener noreferrer">b</a><p>c</p><img>'
    )
    with pytest.raises(ValidationError, match="at most 20,000 characters, not 20,001"):
        Embed(url="https://x", html="x" * 20_001)


@pytest.mark.parametrize(("raw", "message"), [
    ({"type": "LIST", "items": ["x"] * 5_001}, "must have at most 5,000 items, not 5,001"),
    ({"type": "TABLE", "rows": [["x"]] * 5_001}, "must have at most 5,000 rows, not 5,001"),
    ({"type": "TABLE", "rows": [["x"] * 5_001]}, "must have at most 5,000 cells, not 5,001"),
    ({"type": "GALLERY", "media": [5] * 5_001}, "must have at most 5,000 media files, not 5,001"),
    ({"type": "PARAGRAPH", "text": "x", "marks": [{"start": 0, "end": 1, "kind": "em"}] * 5_001}, "must have at most 5,000 marks, not 5,001"),
])  # fmt: skip
def test_lists_are_limited(raw: dict[str, Any], message: str) -> None:
    """Before anything is created for their items."""
    with pytest.raises(ValidationError, match=message):
        blocks.parse_blocks([raw])


def test_bodies_are_limited() -> None:
    """In the number of blocks and in the characters of all of them."""
    with pytest.raises(ValidationError, match="must have at most 5,000 blocks, not 5,001"):
        blocks.parse_blocks([{"type": "RULE"}] * 5_001)
    with pytest.raises(ValidationError, match="must have at most 4,000,000 characters, not 4,000,001"):
        blocks.parse_blocks(
            [{"type": "PARAGRAPH", "text": "x" * 2_000_000}] * 2 + [{"type": "HEADING", "text": "x"}]
        )


@pytest.mark.parametrize("sign", [" ", "\n", " \n", "\t", "a ", "*", "&", "&a", "#", " #", "|", "[", "]", "`", "` ", "\u2028", "1. ", "\n1. ", "\r", "\\", "<"])  # fmt: skip
def test_a_million_characters_of_anything(sign: str) -> None:
    """Are rendered in time and size linear in the text, also with marks all over it."""
    text = (f"a{sign * 500_000}")[:499_999] + "b"
    marks = tuple(
        Mark(start=n * 80, end=n * 80 + 120, kind=kind) for n in range(2_500) for kind in ("em", "strong")
    )
    body = [Paragraph(text=text), Paragraph(text=text, marks=marks)]
    with linear_time():
        result = render_markdown(body), render.render_html(body)
    assert all(len(rendering) < 10_000_000 for rendering in result)


def test_a_long_link_is_written_a_few_times_at_most() -> None:
    """However many marks lie within it."""
    href = "https://example.org/" + "x" * 3_900
    inside = tuple(Mark(start=n, end=n + 1, kind="strong") for n in range(0, 9_998, 2))
    block = Paragraph(text="y" * 10_000, marks=(Mark(start=0, end=10_000, kind="link", value=href), *inside))
    assert render.render_html([block]).count(href) == render_markdown([block]).count(href) == 1


def test_code_fences_are_longer_than_any_in_the_code() -> None:
    """Also than one of thousands of signs."""
    code = CodeText(text="a\n" + "`" * 5_000 + "\n```\n<script>")
    assert squeeze(inert_markdown_text(render_markdown([code]))) == squeeze(code.text)


def test_table_cells_stay_in_their_column() -> None:
    """With pipes and backslashes of any number before them."""
    row = ("a|b", "a\\|b", "a\\\\|", "\\", "|")
    html = inert_markdown_text(render_markdown([make_table(rows=(row, row))]))
    assert re.split(r"\n+", html.strip()) == [*row, *row]
