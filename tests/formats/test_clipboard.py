"""HTML of clipboards: what a reader sees of it, without what the program added."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.collected_warnings import collect_warnings

from contentql.content.render_markdown import render_markdown
from contentql.formats.html import html_to_blocks
from contentql.formats.html_safety import UnsafeContentError

CLIPBOARDS = Path(__file__).parents[2] / "fixtures" / "clipboard"

WORD = """\
## Harbour fees rise

The **council** voted *on Monday*.

- First point
  - Nested point
- Second **point**

1. Step one
2. Step two

acquitted, he said.

Shown

| **Year** | Troops |
| --- | --- |
| 2025 | 10 |"""
GOOGLE_DOCS = """\
Plain <strong>bold</strong><em> italic</em><sup>2</sup>

- One
  - Nested
- Two"""
APPLE_NOTES = """\
## Harbour fees

**Who pays** and *when*

Two\\
lines

- Boats
- Ferries
  1. Large ones

See [the list](<https://example.org/fees>)"""
OUTLOOK = """\
Dear desk,

**From:** The port

Fees **rise**."""
WEB_PAGE = """\
## **Fees rise**

The council [voted](<https://example.org/vote>) on **Monday**.

![The *port*](med_5)

10<sup>9</sup> euros, ~~not~~ fewer."""

LEFT_OUT: dict[str, list[str]] = {
    "word": [
        "guilty",
        "[A1]",
        "secret",
        "file:///C:/Users/a/clip_image001.png",
        "check this!",
    ],
    "google-docs": [],
    "apple-notes": [],
    "outlook": ["cid:image001.png@01DC0000.00000000"],
    "web-page": ["Advertisement"],
}


@pytest.mark.parametrize(
    ("name", "markdown"),
    [
        ("word", WORD),
        ("google-docs", GOOGLE_DOCS),
        ("apple-notes", APPLE_NOTES),
        ("outlook", OUTLOOK),
        ("web-page", WEB_PAGE),
    ],
)
def test_clipboards(name: str, markdown: str) -> None:
    warnings, callbacks = collect_warnings(external=lambda media: 5)
    blocks = html_to_blocks((CLIPBOARDS / f"{name}.html").read_text(), callbacks)
    assert render_markdown(blocks).replace("\u00a0", " ") == markdown
    assert [warning.place for warning in warnings] == LEFT_OUT[name]


@pytest.mark.parametrize(
    ("html", "markdown"),
    [
        ('<b style="font-weight:400">a</b>', "a"),
        ("<B STYLE='FONT-WEIGHT: NORMAL'>a</B>", "a"),
        ('<span style="font-weight:600">a</span>', "**a**"),
        ('<span style="font: italic bold 12px/30px Georgia">a</span>', "<strong><em>a</em></strong>"),
        ('<i style="font-style:normal">a</i>', "a"),
        ('<span style="text-decoration: line-through">a</span>', "~~a~~"),
        ('10<span style="vertical-align:super">9</span>', "10<sup>9</sup>"),
        ("<span></span><span> </span>a", "a"),
        ("<p>\u00a0</p><p>\u200b\ufeff</p><p>a</p>", "a"),
        ("a<style>b</style><title>c</title><script src='//platform.twitter.com/widgets.js'></script>", "a"),
        ("<p>a</p><p class='MsoCommentText'>b<p>c", "a\n\nc"),
        ("a<span hidden>b</span><span style='VISIBILITY: hidden'>c</span>", "a"),
        ("<ins>a</ins><del>b</del>", "a"),
        ("<p class=MsoListParagraph>\u2022\u00a0 a</p><p class=MsoListParagraph>\u2022 b</p>", "- a\n- b"),
        ("<p class=MsoListParagraph>4) a</p><p class=MsoListParagraph>5) b</p>", "4. a\n5. b"),
        ("<p class=MsoListParagraph>b. a</p>", "1. a"),
        ("<p class=MsoListParagraph>(iv) a</p><p>b</p>", "1. a\n\nb"),
        ("<p class=MsoListParagraph>no marker</p>", "- no marker"),
    ],
)  # fmt: skip
def test_styles_and_lists_of_word_processors(html: str, markdown: str) -> None:
    assert render_markdown(html_to_blocks(html)) == markdown


def test_all_active_content_is_named_with_its_line() -> None:
    html = (
        "<p>a</p><script>x</script>\n<img src=x onerror=y><form action=z><input name=q></form>\n"
        '<a href="javascript:x">b</a><object data=q></object><del><iframe src=x></iframe></del>'
    )
    with pytest.raises(UnsafeContentError) as exc_info:
        html_to_blocks(html)
    assert [problem.message for problem in exc_info.value.problems] == [
        "The text contains a <script> tag (line 1).",
        "The text contains an event handler: onerror on <img> (line 2).",
        "The text contains a <form> tag (line 2).",
        "The text contains an <input> tag (line 2).",
        "The text contains a javascript: link (line 3).",
        "The text contains an <object> tag (line 3).",
        "The text contains an <iframe> tag (line 3).",
    ]
