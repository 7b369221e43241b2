"""Import of Markdown bodies as typed blocks, with the HTML rules for embedded HTML."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from tests.support.collected_warnings import collect_warnings
from tests.support.text_marks import em, link, make_list, make_table, strong

from contentql.content import render
from contentql.content.blocks import (
    Block,
    CodeText,
    Heading,
    Image,
    Paragraph,
    Pullquote,
    Quote,
    Rule,
    Table,
    TableCell,
)
from contentql.content.list_items import ListItem
from contentql.content.render_markdown import render_markdown
from contentql.content.rich_text import Mark
from contentql.formats.html_safety import UnsafeContentError
from contentql.formats.markdown import markdown_to_blocks


@pytest.mark.parametrize(
    ("markdown", "blocks"),
    [
        (
            "One\ntwo  \nthree\\\nfour\n\nfive",
            [Paragraph(text="One two\nthree\nfour"), Paragraph(text="five")],
        ),
        ("# a #\n\nb\n---\n\n##### c", [Heading(text="a"), Heading(text="b"), Heading(text="c", level=4)]),
        ("> a\n>\n> b\n\n> c", [Quote(text="a\nb"), Quote(text="c")]),
        (
            "- a\n  1. b\n     - c\n\n- d",
            [
                make_list(
                    items=(
                        "a",
                        ListItem(text="b", level=1, ordered=True),
                        ListItem(text="c", level=2),
                        "d",
                    )
                )
            ],
        ),
        ("3) a\n\n   b\n4) c", [make_list(ordered=True, items=(ListItem(text="a\nb", number=3), "c"))]),
        (
            "| a | b |\n|:-:|---|\n| *c* | `d` \\| |",
            [
                make_table(
                    rows=(
                        ("a", "b"),
                        (
                            TableCell(text="c", marks=(em(0, 1),)),
                            TableCell(text="d |", marks=(Mark(start=0, end=1, kind="code"),)),
                        ),
                    )
                )
            ],
        ),
        ("```sql x\na\n\n b\n```", [CodeText(text="a\n\n b", language="sql")]),
        ("    a\n\n    b <script>", [CodeText(text="a\n\nb <script>")]),
        ("a\n\n* * *\n\nb", [Paragraph(text="a"), Rule(), Paragraph(text="b")]),
        (
            "~~a~~ `b` &copy; \\* <c",
            [
                Paragraph(
                    text="a b © * <c",
                    marks=(Mark(start=0, end=1, kind="strike"), Mark(start=2, end=3, kind="code")),
                )
            ],
        ),
        ("a<br>b <u>c</u><!-- d -->", [Paragraph(text="a\nb c")]),
        ("<div>\n\n# a\n\n</div>\n<p>b</p>", [Heading(text="a"), Paragraph(text="b")]),
        ('<aside>a</aside>\n\n<img data-media="med_5">', [Pullquote(text="a"), Image(media=5)]),
        ("a\r\nb", [Paragraph(text="a b")]),
        ("[a]: /b", []),
        ("", []),
    ],
)
def test_markdown_becomes_blocks(markdown: str, blocks: list[Block]) -> None:
    """Nested lists become items of one list, and safe HTML is converted like in HTML bodies."""
    assert markdown_to_blocks(markdown) == tuple(blocks)


def test_inline_markdown_becomes_marks() -> None:
    """Offsets count code points of the resulting text."""
    (result,) = markdown_to_blocks(
        "😀 **a _b_** [c **d**](</é?e&amp;f> 'g') <https://h.example.org>\n\n[c]: /c"
    )
    assert result == Paragraph(
        text="😀 a b c d https://h.example.org",
        marks=(
            strong(2, 5),
            em(4, 5),
            link(6, 9, "/é?e&f"),
            strong(8, 9),
            link(10, 31, "https://h.example.org"),
        ),
    )


def test_external_pictures_are_dropped_and_reported() -> None:
    warnings, callbacks = collect_warnings()
    assert markdown_to_blocks("a ![b](/b.jpg) c\n\n[d](ftp://d)", callbacks) == (
        Paragraph(text="a c"),
        Paragraph(text="d"),
    )
    assert [warning.place for warning in warnings] == ["/b.jpg", "ftp://d"]


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("a <script>b</script>", "The text contains a <script> tag."),
        ("<iframe\nsrc=x></iframe>", "The text contains an <iframe> tag."),
        ("- a\n\n  <p onclick=b>", "The text contains an event handler: onclick on <p>."),
        ("[a](javascript:b)", "The text contains a javascript: link."),
        ("[a](<JAVA&Tab;script&colon;b>)", "The text contains a javascript: link."),
        ("[a]\n\n[a]: vbscript:b", "The text contains a vbscript: link."),
        ("<javascript:b>", "The text contains a javascript: link."),
        ("a\x00b", "The text contains the control character U+0000."),
        ("a\x1bb", "The text contains the control character U+001B."),
        ("a&#13;b", "The text contains the control character U+000D."),
        ("<!-- a", "The text contains a tag or a comment without an end: <!-- a"),
        ("- " * 10 + "a", "The lists or quotes in the text are nested too deep."),
        (">" * 10_000 + "a", "The lists or quotes in the text are nested too deep."),
    ],
)
def test_unsafe_markdown_is_rejected(markdown: str, expected: str) -> None:
    """The rules of HTML apply, also to content that the Markdown parser would drop."""
    with pytest.raises(UnsafeContentError) as exc_info:
        markdown_to_blocks(markdown)
    message, line = re.fullmatch(r"(.*?)(?: \(line (\d)\)\.)?", exc_info.value.message, re.DOTALL).groups()  # type: ignore[union-attr]
    assert message.removesuffix(".") == expected.removesuffix(".")
    assert line in (None, "1", "3")


def test_lists_may_be_nested_nine_levels_deep() -> None:
    assert markdown_to_blocks("- " * 9 + "a") == (make_list(items=("a",)),)


letters = some.characters(exclude_categories=["Cc", "Cs"]) | some.sampled_from(
    "ab1 2.\n#-+*_`[]()<>&;!=~\\|:\"'{}😀"
)
words = (
    some.text(letters, min_size=1, max_size=30)
    .map(lambda text: re.sub(r"\s*\n\s*", "\n", re.sub(" +", " ", text)).strip())
    .filter(bool)
)
lines = words.map(lambda text: text.replace("\n", " "))
languages = some.none() | some.sampled_from(["sql", "c++", "objective-c"])
codes = some.text(letters | some.just("\t"), min_size=1, max_size=20)


@some.composite
def paragraphs(draw: some.DrawFn) -> Paragraph:
    """Plain paragraphs, or paragraphs whose marks cover whole words."""
    if draw(some.booleans()):
        return Paragraph(text=draw(words))
    text, marks = "", []
    for word in draw(some.lists(some.from_regex("[a-zé😀]+([*_<&][a-z]+)?", fullmatch=True), min_size=1)):
        start, end = len(text), len(text) + len(word)
        text += word + " "
        make_mark = draw(
            some.sampled_from([None, strong, em, lambda start, end: link(start, end, "/a?b=\"'&<>")])
        )
        marks += [make_mark(start, end)] if make_mark else []
    return Paragraph(text=text.rstrip(), marks=tuple(marks))


@some.composite
def tables(draw: some.DrawFn) -> Table:
    width = draw(some.integers(1, 3))
    row = some.lists(some.just("") | lines, min_size=width, max_size=width).map(tuple)
    return make_table(rows=tuple(draw(some.lists(row, min_size=1, max_size=3))))


bodies = some.lists(
    paragraphs()
    | some.builds(Heading, text=lines, level=some.integers(2, 4))
    | some.builds(Quote, text=words, attribution=some.none())
    | some.builds(
        make_list, items=some.lists(lines, min_size=1, max_size=3).map(tuple), ordered=some.booleans()
    )
    | tables()
    | some.builds(CodeText, text=codes, language=languages)
    | some.builds(Rule),
    max_size=4,
).filter(lambda blocks: not any(above.type == below.type == "LIST" for above, below in pairwise(blocks)))


@settings(max_examples=200, deadline=None)
@given(bodies)
def test_rendered_markdown_round_trips(blocks: list[Block]) -> None:
    """Paragraphs with marks on whole words, headings, quotes, lists, tables, code and rules."""
    assert markdown_to_blocks(render_markdown(blocks)) == tuple(blocks)


@settings(max_examples=200, deadline=None)
@given(some.text(some.characters(exclude_categories=["Cs"]) | letters, max_size=60))
def test_any_markdown_is_converted_or_rejected(markdown: str) -> None:
    """No other exception is raised."""
    try:
        blocks = markdown_to_blocks(markdown)
    except UnsafeContentError:
        return
    assert all(render.render_html([block]) for block in blocks)
