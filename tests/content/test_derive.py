"""Fields derived from content: renderings, counts, attribution chains, sections and search text."""

from __future__ import annotations

import datetime as dt
import html as entities
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from markdown_it import MarkdownIt
from tests.content.test_blocks import EVERY

from contentql.content import blocks, derive, render, search_terms
from contentql.content.blocks import Gallery, Image, Mark, Paragraph, RelatedLink, Rule
from contentql.content.derive import ChainRow, Placement, Section, TextLength
from contentql.content.enums import MediaRole
from contentql.store import search_index

# What Markdown and HTML give a meaning to, and some letters.
signs = some.text(some.sampled_from("ab1 2.\n#-+*_`[]()<>&;!=~\\|:\"'{}\t"), max_size=30).map(str.strip)
texts = signs.filter(bool)


class TextExtractor(HTMLParser):
    """The tags and the words of an HTML text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        self.words += "\n" if tag == "br" else ""

    def handle_data(self, data: str) -> None:
        self.words += data


def flat(text: str) -> str:
    return " ".join(text.split())


@settings(max_examples=150, deadline=None)
@given(texts)
def test_text_is_never_markup(text: str) -> None:
    """Whatever a paragraph looks like, HTML and Markdown show these words, and one paragraph."""
    result = TextExtractor(render.render_html([Paragraph(text=text)]))
    assert (set(result.tags) - {"br"}, result.words) == ({"p"}, text)
    visible = MarkdownIt("commonmark").render(render.render_markdown([Paragraph(text=text)]))
    inside = re.fullmatch(r"<p>([^<]*)</p>\n", visible.replace("<br />", ""))
    assert inside
    assert flat(entities.unescape(inside[1])) == flat(text)


@settings(max_examples=60, deadline=None)
@given(some.data())
def test_marks_may_overlap_and_tags_still_nest(data: some.DataObject) -> None:
    """The words stay, and every tag is closed in the order it was opened."""
    text = data.draw(texts)
    marks = []
    for kind in ("strong", "em", "mention"):
        start = data.draw(some.integers(0, len(text) - 1))
        end = data.draw(some.integers(start + 1, len(text)))
        marks.append(Mark.model_validate({"start": start, "end": end, "kind": kind}))
    html = render.render_html([Paragraph(text=text, marks=tuple(marks))])
    assert TextExtractor(html).words == text
    opened: list[str] = []
    for closing, tag in re.findall(r"<(/?)(p|strong|em|span)>", html):
        if not closing:
            opened.append(tag)
        else:
            assert opened.pop() == tag
    assert opened == []


def test_a_link_says_where_it_leads() -> None:
    """In HTML and in Markdown, with nothing in the address that could end it."""
    mark = Mark(start=4, end=8, kind="link", href='https://a.example.org/?q="<>')
    results = [Paragraph(text="See here.", marks=(mark,))]
    assert (
        render.render_html(results)
        == '<p>See <a href="https://a.example.org/?q=&quot;&lt;&gt;">here</a>.</p>'
    )
    assert render.render_markdown(results) == "See [here](<https://a.example.org/?q=&quot;&lt;&gt;>)."


def test_every_block_is_rendered() -> None:
    """HTML of every type, and of media only ids: a picture that expires lives on in no stored text."""
    assert render.render_html(blocks.parse_blocks(EVERY)).splitlines() == [
        "<p><em>a</em></p>",
        "<h3>a</h3>",
        "<blockquote><p>a</p></blockquote>",
        "<aside><p>a</p></aside>",
        "<ol><li>a</li><li>b</li></ol>",
        '<figure data-type="image" data-media="5"><figcaption>a</figcaption></figure>',
        '<figure data-type="video" data-media="5"></figure>',
        '<figure data-type="audio" data-media="5"></figure>',
        '<figure data-type="gallery" data-media="5 6"></figure>',
        '<p><a href="https://e.example.org/1">a</a></p>',
        "<table><tr><th>a</th><th>b</th></tr><tr><td>c</td><td>d</td></tr></table>",
        "<pre><code>a</code></pre>",
        "<hr>",
        '<section><time datetime="2026-06-30T08:00:00Z">2026-06-30T08:00:00Z</time>'
        "<h3>a</h3><p>b</p></section>",
        "<p><em>a</em></p>",
        '<p><a href="/a">a</a></p>',
        "<p>a</p>",
    ]
    assert render.render_markdown(blocks.parse_blocks(EVERY)).split("\n\n") == [
        "*a*",
        "### a",
        "> a",
        "> a",
        "1. a\n2. b",
        "*a*",
        "[a](<https://e.example.org/1>)",
        "| a | b |\n| --- | --- |\n| c | d |",
        "```sql\na\n```",
        "---",
        "**2026-06-30T08:00:00Z** a",
        "b",
        "*a*",
        "[a](</a>)",
        "a",
    ]


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("", TextLength(0, 1)),
        ("one two\nthree", TextLength(3, 1)),
        ("word " * 238, TextLength(238, 1)),
        ("word " * 239, TextLength(239, 2)),
        ("河口を渡る電車", TextLength(7, 1)),
        ("字" * 501, TextLength(501, 2)),
        ("Kim 김정은 cried", TextLength(5, 1)),
    ],
)
def test_lengths(text: str, length: TextLength) -> None:
    """238 words a minute, or 500 characters where no spaces are written; at least one minute."""
    assert length == derive.measure_text(text)


def test_sections_of_an_article() -> None:
    """Its own first, the primary at the head, then every one above those, each once."""
    assert derive.section_rows(["world/asia/east", "politics", "world/asia", "politics"]) == [
        Section("world/asia/east", True, 0),
        Section("politics", True, 1),
        Section("world/asia", True, 2),
        Section("world", False, 3),
    ]


def test_blocks_keep_their_ids_over_an_edit() -> None:
    """A block that says the same as before is the same block; a new one gets a new id."""
    before = derive.assign_block_ids([Paragraph(text="a"), Paragraph(text="a"), Rule()])
    ids = [block.id for block in before]
    assert len(set(ids)) == 3
    after = derive.assign_block_ids([Rule(), Paragraph(text="new"), Paragraph(text="a")], before)
    assert [after[0].id, after[2].id] == [ids[2], ids[0]]
    assert after[1].id not in ids
    assert derive.assign_block_ids(before, before) == before


def test_chains() -> None:
    """Every row knows its head, its origin and the next one; more than five relays are refused."""
    assert derive.attribution_chain_rows([1, 2, 3], [70, 80, None]) == [
        ChainRow(head=1, hop=0, origin=70, via=2),
        ChainRow(head=1, hop=1, origin=70, via=3),
        ChainRow(head=1, hop=2, origin=70, via=None),
    ]
    assert len(derive.attribution_chain_rows(range(1, 7), [None] * 6)) == 6
    with pytest.raises(ValueError, match="at most 5"):
        derive.attribution_chain_rows(range(1, 8), [None] * 7)
    with pytest.raises(ValueError, match="never comes back"):
        derive.attribution_chain_rows([1, 1], [None, None])


def test_placements() -> None:
    """The lead first, what was placed by hand as it was, then what the blocks show."""
    manual = Placement(6, MediaRole.INLINE, caption="by hand")
    result = derive.media_placements(5, [Image(media=6), Image(media=7), Gallery(media=(7, 8))], [manual])
    assert result == (
        Placement(5, MediaRole.LEAD),
        manual,
        Placement(7, MediaRole.INLINE),
        Placement(8, MediaRole.GALLERY),
    )
    assert (
        derive.media_placements(5, [Image(media=6), Image(media=7), Gallery(media=(7, 8))], result) == result
    )


def test_times_of_publication() -> None:
    """Going public sets the first time once; a draft gets none."""
    noon, later = (dt.datetime(2026, 6, 30, hour, 0, 0, 5, tzinfo=dt.UTC) for hour in (12, 13))
    document = noon.replace(microsecond=0)
    assert derive.publication_times(noon, public=False) == derive.Times(document, None, None)
    assert derive.publication_times(noon, public=True) == derive.Times(document, document, document)
    assert derive.publication_times(later, public=True, first=noon).first_published == document


def test_the_lede_is_the_first_paragraph() -> None:
    """Also where something else stands above it."""
    assert derive.lede([Rule(), Paragraph(text="a"), Paragraph(text="b")]) == "a"
    assert derive.lede([RelatedLink(url="/a", title="a")]) is None


def test_words_for_search() -> None:
    """Folded, stemmed, headline apart from body, so that no phrase crosses; PostgreSQL gets weights."""
    result = search_terms.search_terms("Élections won", ["A kicker", None], "They voted; it's over.", "en")
    assert (result.headline, result.body[1]) == (("elect", "won"), "vote")
    vector = search_index.tsvector(result)
    assert "'elect':1A" in vector
    assert "'vote':26C" in vector
    assert derive.sort_name("  Ünal") == "unal"


def test_a_book_is_indexed_to_its_limit() -> None:
    """A tsvector holds one megabyte: of a longer text the same beginning is known everywhere."""
    result = search_terms.search_terms("h", [], " ".join(f"word{n}" for n in range(200_000)), "und")
    assert 50_000 < len(result.body) < 100_000
    assert result.body[:2] == ("word0", "word1")


def test_paths() -> None:
    """A path is its parent's and its slug."""
    assert derive.path(None, "world") == "world"
    assert derive.path("world", "asia") == "world/asia"
    assert derive.ancestor_paths("world/asia/east") == ["world", "world/asia"]
