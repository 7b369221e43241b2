"""Import of HTML bodies as typed blocks, without unsafe content."""

from __future__ import annotations

import contextlib
import re

import nh3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from tests.support.collected_warnings import collect_warnings
from tests.support.linear_time import linear_time
from tests.support.text_marks import em, link, make_list, make_table, strong

from contentql.content import render
from contentql.content.blocks import (
    Audio,
    Block,
    CodeText,
    Gallery,
    Heading,
    Image,
    Paragraph,
    Pullquote,
    Quote,
    Rule,
    Table,
    Video,
)
from contentql.content.characters import is_visible
from contentql.content.list_items import ListItem
from contentql.content.rich_text import Mark
from contentql.formats.html import html_to_blocks
from contentql.formats.html_safety import UnsafeContentError


def rejection_message(html: str) -> str:
    """The message of the UnsafeContentError for the HTML, which must have a hint."""
    with pytest.raises(UnsafeContentError) as exc_info:
        html_to_blocks(html)
    assert all(problem.hint.endswith(".") for problem in exc_info.value.problems)
    return exc_info.value.message


@pytest.mark.parametrize(
    ("html", "blocks"),
    [
        ("<p>One</p><p>two", [Paragraph(text="One"), Paragraph(text="two")]),
        (
            "<h1>a</h1><h3>b</h3><h6>c</h6>",
            [Heading(text="a"), Heading(text="b", level=3), Heading(text="c", level=4)],
        ),
        ("<h2>a<h3>b</h4>c", [Heading(text="a"), Heading(text="b", level=3), Paragraph(text="c")]),
        ("<blockquote><p>a</p><p>b</p></blockquote>", [Quote(text="a\nb")]),
        ("<aside><p>a</p></aside>", [Pullquote(text="a")]),
        ("<ul><li>a<li><p>b</p><p>c</p></ul>", [make_list(items=("a", "b\nc"))]),
        (
            "<ol><li>a<ul><li>b</li></ul>c</li><li></li></ol>",
            [make_list(ordered=True, items=("a", ListItem(text="b", level=1), "c"))],
        ),
        ("<table><tr><th>a<th>b<tr><td>c<td></table>", [make_table(rows=(("a", "b"), ("c", "")))]),
        (
            "<table><caption>a</caption><td><p>b</p>c</table>",
            [Paragraph(text="a"), make_table(rows=(("b\nc",),))],
        ),
        ("<pre>\n a\n\tb </pre>", [CodeText(text=" a\n\tb ")]),
        ('<pre><code class="x language-sql">a<b>b</b></code></pre>', [CodeText(text="ab", language="sql")]),
        ("<ul><li>a<pre>\n b\n  c </pre></ul>", [make_list(items=("a\nb\nc",))]),
        ("<p>a<hr>b", [Paragraph(text="a"), Rule(), Paragraph(text="b")]),
        ("a<div>b<section>c</section>d</div>e", [Paragraph(text=text) for text in "abcde"]),
        ("<p></p> <div> <br> </div><ul></ul><table></table><pre></pre><h2> </h2><a href=x></a>", []),
        ("", []),
    ],
)
def test_html_elements_become_blocks(html: str, blocks: list[Block]) -> None:
    """With or without end tags; elements without text are dropped."""
    assert html_to_blocks(html) == tuple(blocks)


@pytest.mark.parametrize(
    ("html", "text", "marks"),
    [
        ("<b>a</b> <i>b</i>", "a b", [strong(0, 1), em(2, 3)]),
        ("a<strong> <em>b</strong> c</em>", "a b c", [strong(1, 3), em(2, 5)]),
        ("<b>a<b>b</b>c</b>d", "abcd", [strong(0, 3)]),
        ("<em>a</em><em>b</em>", "ab", [em(0, 2)]),
        ("😀<b>é</b>", "😀é", [strong(1, 2)]),
        (" \n a \t<b> b </b>\n", "a b", [strong(2, 3)]),
        ("a <br> b<br><br>c<br>", "a\nb\n\nc", []),
        ("a\u00a0 \u00a0b&nbsp;", "a\u00a0 \u00a0b\u00a0", []),
        ("<u>a</u><x-y>b</x-y><q>c</q>", "abc", []),
        ("1 < 2 &lt;b&gt; &amp;amp; <3", "1 < 2 <b> &amp; <3", []),
        ("a<!-- <p> -->b<!-->c<?x?>d</>e", "abcde", []),
        ("\u202eabc\u202c \u2067d\u2069", "\u202eabc\u202c \u2067d\u2069", []),
        ("&#0;&#x110000;&#" + "9" * 5000 + ";&#00000000000065;", "\ufffd\ufffd\ufffdA", []),
        ('<a href="https://a.example.org/?a=1&copy=2&amp;b">a</a>', "a", [link(0, 1, "https://a.example.org/?a=1&copy=2&b")]),
        ("<a href=' /\na '>a<a href=b>b</a>c</a>", "abc", [link(0, 1, "/a"), link(1, 2, "b")]),
        ("<a>a</a><a href>b</a><a href='ftp://c'>c</a>", "abc", []),
        ("<p STYLE='background:url(javascript:x)' class=onclick>a", "a", []),
    ],
)  # fmt: skip
def test_inline_html_becomes_text_and_marks(html: str, text: str, marks: list[Mark]) -> None:
    """White space collapses, <br> is a newline, and offsets of marks count code points of the result."""
    assert html_to_blocks(html) == (Paragraph(text=text, marks=tuple(marks)),)


def test_unclosed_marks_continue_in_the_next_paragraph() -> None:
    """As in browsers, until the mark is closed."""
    assert html_to_blocks("<p><b>a<p>b</b>c") == (
        Paragraph(text="a", marks=(strong(0, 1),)),
        Paragraph(text="bc", marks=(strong(0, 1),)),
    )


def test_media_are_referenced_by_id_and_others_reported() -> None:
    """The caption is that of the same figure; dropped pictures and links are reported."""
    html = """
        <figure data-type="image" data-media="123"><figcaption>a</figcaption></figure>
        <figure><img data-media="med_5" src="https://b.example.org/b.jpg"><figcaption>b</figcaption></figure>
        <p>c <img data-media="5"> d</p>
        <figure><img src="https://e.example.org/e.jpg"><figcaption>e</figcaption></figure>
        <img data-media="art_5"><img data-media="med_404" src="/f.jpg"><img>
        <figure data-type="gallery" data-media="5 404"></figure><figure data-type="f" data-media="5"></figure>
        <a href="ftp://g.example.org">g</a>
    """
    existing = {"123": 123, "med_5": 5, "5": 5}
    warnings, callbacks = collect_warnings(media=existing.get)
    assert html_to_blocks(html, callbacks) == (
        Image(media=123, caption="a"),
        Image(media=5, caption="b"),
        Paragraph(text="c d"),
        Image(media=5),
        Paragraph(text="e"),
        Paragraph(text="g"),
    )
    assert [warning.place for warning in warnings] == [
        "https://e.example.org/e.jpg", "art_5", "/f.jpg", "<img>", "5 404", "5", "ftp://g.example.org"
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["", "0", "med_0", "-5", "٥", "art_5", "med_" + "9" * 30, "5.jpg"])
def test_invalid_media_ids_are_dropped(name: str) -> None:
    assert html_to_blocks(f'<img data-media="{name}"><figure data-media="{name}"></figure>') == ()


@pytest.mark.parametrize(
    "block",
    [
        Image(media=5, caption="a\nb"),
        Video(media=5),
        Audio(media=5, caption="a"),
        Gallery(media=(5, 6)),
    ],
)
def test_rendered_media_blocks_round_trip(block: Block) -> None:
    assert html_to_blocks(render.render_html([block])) == (block,)


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<script>alert(1)</script>", "The text contains a <script> tag."),
        ("<p>a<ScRiPt\n/x", "The text contains a <script> tag."),
        ("<b <iframe>><iframe src=x>", "The text contains an <iframe> tag."),
        ("<svg/onload=alert(1)>", "The text contains an event handler: onload on <svg>."),
        ("<object data=x>", "The text contains an <object> tag."),
        ("<embed src=x>", "The text contains an <embed> tag."),
        ("<form><input>", "The text contains a <form> tag."),
        ("<button>a", "The text contains a <button> tag."),
        ("<textarea></p>", "The text contains a <textarea> tag."),
        (
            "<noscript><p title='</noscript><img src=x onerror=a>'>",
            "The text contains an event handler: onerror on <img>.",
        ),
        ("<p onclick=a>", "The text contains an event handler: onclick on <p>."),
        ("<p/ONmouseover='a'>", "The text contains an event handler: onmouseover on <p>."),
        ("<img src=x onerror=alert(1)", "The text contains an event handler: onerror on <img>."),
        ("<x-y title='>'onfocus=a>", "The text contains an event handler: onfocus on <x-y>."),
        ("<a href='javascript:alert(1)'>a", "The text contains a javascript: link."),
        ("<a href=' &#1;JaVa&Tab;s&#10;cript&colon;a'>a", "The text contains a javascript: link."),
        ("<a href='&#x6A&#0000097;vas\n\tcript:a'>a", "The text contains a javascript: link."),
        ("<a href=vbscript:a>a", "The text contains a vbscript: link."),
        ("<a href=data:text/html,a>a", "The text contains a data: link."),
        ("<b xlink:href=javascript:a>", "The text contains a javascript: link."),
        ("a\x07b", "The text contains the control character U+0007."),
        ("a\x00<script>", "The text contains the control character U+0000."),
        ("a\x85", "The text contains the control character U+0085."),
        ("a&#12;b", "The text contains the control character U+000C."),
        ("<a href='/&#x81;'>", "The text contains the control character U+0081."),
        ("a\ud800", "The text contains the control character U+D800."),
        ("a <b", "The text contains a tag or a comment without an end: <b"),
        ("a <!-- b", "The text contains a tag or a comment without an end: <!-- b"),
    ],
)
def test_unsafe_html_is_rejected(html: str, expected: str) -> None:
    """The message names the unsafe part, in any spelling."""
    message = re.sub(r" \(line \d\)", "", rejection_message(html))
    assert message.removesuffix(".") == expected.removesuffix(".")


@pytest.mark.parametrize(
    "html",
    [
        "<p>&lt;script&gt; javascript:alert(1) onclick=a</p>",
        "<!-- <script> --><p>a</p>",
        "<p title='data: a' alt='javascript:'>a</p>",
        "<a href='/javascript:a'>a</a>",
        "a\r\nb\tc",
    ],
)
def test_harmless_html_is_accepted(html: str) -> None:
    """Unsafe words in text, in comments and in attributes without effect."""
    assert len(html_to_blocks(html)) == 1


letters = some.characters(exclude_categories=["Cc", "Cs"]) | some.sampled_from("ab <>&\"'\n\u00a0\u202e😀")
codes = some.text(letters | some.just("\t"), min_size=1, max_size=20)


def normalized(text: str) -> str:
    """The text as a browser shows it: no space at the edge of a line, and no two in a row."""
    lines = (" ".join(filter(None, line.split(" "))) for line in text.split("\n"))
    return "\n".join(lines).strip("\n")


texts = some.text(letters, min_size=1, max_size=30).map(normalized)
words = texts.filter(is_visible)  # a block without visible text is none
hrefs = some.sampled_from(["/a", "https://a.example.org/?b=1&copy=2#'\"<é>", "mailto:a@example.org"])


@some.composite
def paragraphs(draw: some.DrawFn) -> Paragraph:
    """Paragraphs with marks that overlap, except with marks of the same kind."""
    text = draw(words)
    marks = []
    for make_mark in (strong, em, lambda start, end: link(start, end, draw(hrefs))):
        ends = sorted(draw(some.sets(some.integers(0, len(text)), max_size=6)))
        marks += [make_mark(start, end) for start, end in zip(ends[::2], ends[1::2], strict=False)]
    return Paragraph(
        text=text, marks=tuple(sorted(marks, key=lambda mark: (mark.start, mark.end, mark.kind)))
    )


bodies = some.lists(
    paragraphs()
    | some.builds(Heading, text=words, level=some.integers(2, 4))
    | some.builds(Quote, text=words, attribution=some.none())
    | some.builds(Pullquote, text=words)
    | some.builds(
        make_list, items=some.lists(words, min_size=1, max_size=3).map(tuple), ordered=some.booleans()
    )
    | some.builds(
        Table, rows=some.lists(some.lists(texts, min_size=1, max_size=3).map(tuple), min_size=1).map(tuple)
    )
    | some.builds(CodeText, text=codes, language=some.none())
    | some.builds(Rule),
    max_size=4,
)


@settings(max_examples=150, deadline=None)
@given(bodies)
def test_rendered_html_round_trips(blocks: list[Block]) -> None:
    """Paragraphs with marks, headings, quotes, lists, tables, code and rules."""
    assert html_to_blocks(render.render_html(blocks)) == tuple(blocks)


SOUP = [
    "<p", "</p>", "<b>", "</b>", "<i>", "</em>", "<a href=x>", "</a>", "<a href='j",
    "&#106;avascript:", "<ul>", "</ul>", "<li>", "<ol>", "<table>", "</table>", "<tr>", "<td>",
    "<caption>", "<blockquote>", "</blockquote>", "<aside>", "<pre>", "</pre>",
    "<code class=language-a>", "<h1>", "</h2>", "<hr>", "<br>", "<div>", "<figure>",
    "<figure data-media=1 data-type=image>", "</figure>", "<figcaption>", "</figcaption>",
    "<img data-media=2>", "<img src=x>", "<!--", "-->", "<!", "<?", "</", "<", ">", "'", '"', "=",
    "/", "&", "&#", ";", "a", " ", "\n",
]  # fmt: skip
tag_soup = some.lists(
    some.sampled_from(SOUP) | some.text(max_size=3),
    max_size=25,
).map("".join)


@settings(max_examples=150, deadline=None)
@given(tag_soup)
def test_any_html_is_converted_or_rejected(html: str) -> None:
    """Rendering the result and reading it again, also after a sanitizer, gives the same blocks."""
    try:
        blocks = html_to_blocks(html)
    except UnsafeContentError:
        return
    expected = tuple(
        block.model_copy(update={"language": None}) if isinstance(block, CodeText) else block
        for block in blocks
    )
    rendered = render.render_html(blocks)
    assert html_to_blocks(rendered) == expected
    assert (
        html_to_blocks(nh3.clean(rendered, link_rel=None, generic_attribute_prefixes={"data-"})) == expected
    )


@pytest.mark.parametrize(
    "part",
    [
        "<b>", "<b>a", "<div>", "<ul><li>", "</ul>", "<table><tr><td>", "<h2>", "<a ",
        '<a b="', "<a b='>", "<p a=", "<!--", "<!-- >", "</", "<?", "<!", "<a href=x>a", "<i><b>a</i>",
        "&#0", "&am", "<br>", "<pre> ", " ", "<",
    ],
)  # fmt: skip
def test_one_megabyte_of_repeated_markup_takes_linear_time(part: str) -> None:
    """For any depth of nesting, and with or without an end."""
    html = part * (1_000_000 // len(part))
    with linear_time(), contextlib.suppress(UnsafeContentError):
        html_to_blocks(html)


def test_unmatched_tags_take_linear_time() -> None:
    with linear_time():
        assert html_to_blocks("<ul>" * 100_000 + "</ol>" * 100_000 + "a") == (make_list(items=("a",)),)
        last = html_to_blocks("<b>" * 100_000 + "<p>a" * 1000)[-1]
    assert last == Paragraph(text="a", marks=(strong(0, 1),))
