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
from tests.content.test_blocks import ALL_BLOCKS

from contentql.content import blocks, derive, render, search_terms
from contentql.content.blocks import Gallery, Image, Paragraph, RelatedLink, Rule
from contentql.content.derive import ChainRow, Placement, Section, TextLength
from contentql.content.enums import MediaRole
from contentql.content.render_markdown import render_markdown
from contentql.content.rich_text import Mark
from contentql.store import search_index

# Letters and the characters with a meaning in Markdown or HTML.
markup_characters = some.text(some.sampled_from("ab1 2.\n#-+*_`[]()<>&;!=~\\|:\"'{}\t"), max_size=30).map(
    str.strip
)
texts = markup_characters.filter(bool)


class TextExtractor(HTMLParser):
    """The tags and the text of an HTML document."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        self.text += "\n" if tag == "br" else ""

    def handle_data(self, data: str) -> None:
        self.text += data


def normalize_space(text: str) -> str:
    return " ".join(text.split())


@settings(max_examples=150, deadline=None)
@given(texts)
def test_rendering_escapes_text(text: str) -> None:
    """HTML and Markdown of a paragraph show its text as one paragraph."""
    extractor = TextExtractor(render.render_html([Paragraph(text=text)]))
    assert (set(extractor.tags) - {"br"}, extractor.text) == ({"p"}, text)
    markdown_html = MarkdownIt("commonmark").render(render_markdown([Paragraph(text=text)]))
    match = re.fullmatch(r"<p>([^<]*)</p>\n", markdown_html.replace("<br />", "").replace("<br>", "\n"))
    assert match
    assert normalize_space(entities.unescape(match[1])) == normalize_space(text)


@settings(max_examples=60, deadline=None)
@given(some.data())
def test_overlapping_marks_are_rendered_as_nested_tags(data: some.DataObject) -> None:
    """The text is unchanged, and every tag is closed in the order of opening."""
    text = data.draw(texts)
    marks = []
    for kind in ("strong", "em", "mention"):
        start = data.draw(some.integers(0, len(text) - 1))
        end = data.draw(some.integers(start + 1, len(text)))
        marks.append(Mark.model_validate({"start": start, "end": end, "kind": kind}))
    html = render.render_html([Paragraph(text=text, marks=tuple(marks))])
    assert TextExtractor(html).text == text
    open_tags: list[str] = []
    for closing, tag in re.findall(r"<(/?)(p|strong|em|span)>", html):
        if not closing:
            open_tags.append(tag)
        else:
            assert open_tags.pop() == tag
    assert open_tags == []


def test_link_marks_are_rendered_with_escaped_urls() -> None:
    """In HTML and in Markdown, the URL contains no character that could end it."""
    mark = Mark(start=4, end=8, kind="link", value='https://a.example.org/?q="<>')
    blocks_ = [Paragraph(text="See here.", marks=(mark,))]
    assert (
        render.render_html(blocks_)
        == '<p>See <a href="https://a.example.org/?q=&quot;&lt;&gt;">here</a>.</p>'
    )
    assert render_markdown(blocks_) == "See [here](<https://a.example.org/?q=&quot;&lt;&gt;>)."


def test_blocks_of_every_type_are_rendered() -> None:
    """Media are rendered as ids only, because stored HTML must not contain URLs of expired media."""
    assert render.render_html(blocks.parse_blocks(ALL_BLOCKS)).splitlines() == [
        "<p><em>a</em></p>",
        "<h3>a</h3>",
        "<blockquote><p>a</p></blockquote>",
        "<aside><p>a</p></aside>",
        "<ol><li>a</li><li>b</li></ol>",
        '<figure data-type="image" data-media="5"><figcaption>a</figcaption></figure>',
        '<figure data-type="video" data-media="5"></figure>',
        '<figure data-type="audio" data-media="5"></figure>',
        '<figure data-type="gallery" data-media="5 6"></figure>',
        '<figure data-type="embed" data-url="https://e.example.org/1" data-fallback="a">'
        '<a href="https://e.example.org/1">a</a></figure>',
        "<table><tr><th>a</th><th>b</th></tr><tr><td>c</td><td>d</td></tr></table>",
        '<pre><code class="language-sql">a</code></pre>',
        "<hr>",
        '<section data-type="live_entry"><time datetime="2026-06-30T08:00:00Z">2026-06-30T08:00:00Z</time>'
        "<h3>a</h3><p>b</p></section>",
        '<p data-type="correction">a</p>',
        '<p data-type="related_link"><a href="/a">a</a></p>',
        '<figure data-type="unknown" data-original-type="MAP"><figcaption>a</figcaption></figure>',
    ]
    assert render_markdown(blocks.parse_blocks(ALL_BLOCKS)).split("\n\n") == [
        "*a*",
        "### a",
        "> a",
        "<aside><p>a</p></aside>",
        "1. a\n2. b",
        "![a](med_5)",
        '![](med_5 "video")',
        '![](med_5 "audio")',
        '![](med_5 "gallery") ![](med_6 "gallery")',
        '<figure data-type="embed" data-url="https://e.example.org/1" data-fallback="a">'
        '<a href="https://e.example.org/1">a</a></figure>',
        "| a | b |\n| --- | --- |\n| c | d |",
        "```sql\na\n```",
        "---",
        '<section data-type="live_entry"><time datetime="2026-06-30T08:00:00Z">2026-06-30T08:00:00Z</time>'
        "<h3>a</h3><p>b</p></section>",
        '<p data-type="correction">a</p>',
        '<p data-type="related_link"><a href="/a">a</a></p>',
        '<figure data-type="unknown" data-original-type="MAP"><figcaption>a</figcaption></figure>',
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
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
def test_measure_text_counts_words_and_minutes(text: str, expected: TextLength) -> None:
    """238 words a minute, or 500 characters in scripts without spaces; at least one minute."""
    assert expected == derive.measure_text(text)


def test_section_rows_are_the_sections_and_their_ancestors() -> None:
    """The primary section is first, ancestors are last, and each section occurs once."""
    assert derive.section_rows(["world/asia/east", "politics", "world/asia", "politics"]) == [
        Section("world/asia/east", True, 0),
        Section("politics", True, 1),
        Section("world/asia", True, 2),
        Section("world", False, 3),
    ]


def test_assign_block_ids_keeps_ids_of_equal_blocks() -> None:
    """A block that is equal to a previous one keeps its id; a new block gets a new id."""
    before = derive.assign_block_ids([Paragraph(text="a"), Paragraph(text="a"), Rule()])
    ids = [block.id for block in before]
    assert len(set(ids)) == 3
    after = derive.assign_block_ids([Rule(), Paragraph(text="new"), Paragraph(text="a")], before)
    assert [after[0].id, after[2].id] == [ids[2], ids[0]]
    assert after[1].id not in ids
    assert derive.assign_block_ids(before, before) == before


def test_attribution_chain_rows_have_head_origin_and_next_hop() -> None:
    """More than five relays and repeated ids are rejected."""
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


def test_media_placements_are_lead_manual_and_block_media() -> None:
    """The lead is first, manual placements are unchanged, then follow the media of blocks."""
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


def test_publication_times_set_the_first_publication_once() -> None:
    """A draft has no publication time."""
    noon, later = (dt.datetime(2026, 6, 30, hour, 0, 0, 5, tzinfo=dt.UTC) for hour in (12, 13))
    noon_second = noon.replace(microsecond=0)
    assert derive.publication_times(noon, public=False) == derive.Times(noon_second, None, None)
    assert derive.publication_times(noon, public=True) == derive.Times(noon_second, noon_second, noon_second)
    assert derive.publication_times(later, public=True, first=noon).first_published == noon_second


def test_lede_is_the_first_paragraph() -> None:
    """Blocks of other types before it are skipped."""
    assert derive.lede([Rule(), Paragraph(text="a"), Paragraph(text="b")]) == "a"
    assert derive.lede([RelatedLink(url="/a", title="a")]) is None


def test_search_terms_are_words_as_they_stand_and_stems() -> None:
    """The stems follow the words, with the language; scripts without spaces become pairs of characters."""
    result = search_terms.search_terms("Élections won", ["A kicker", None], "Voted: 東京だ", "en-GB", ["a/7"])
    assert result.headline == ("/", "elections", "won", "en/elect", "en/won")
    assert result.summary == ("a/7", "a", "kicker", "en/a", "en/kicker")
    pairs = ("東京", "京だ", "だ")
    assert result.body == ("voted", *pairs, "en/vote", *(f"en/{pair}" for pair in pairs))
    _, document, lead, long_text = search_index.postgres_row(1, result)
    assert "'en/vote':" in document
    assert "'en/elect':1A" in lead
    assert long_text is None
    repeated = search_terms.search_terms("Élections won", [], "again " * 300, "en-GB")
    _, document, _, long_text = search_index.postgres_row(1, repeated)
    assert "'again'" in document  # without positions, of which a tsvector keeps 255
    assert long_text.startswith(" / elections won en/elect en/won ")


def test_names_are_sorted_without_case_and_accents() -> None:
    """Names that differ in nothing else are in the order of their code points."""
    names = ["Zola", "emile", "Ångström", "Émile", "Łódź", "Emile", "Ørsted", "Lodz", "Æsop"]
    expected = ["Æsop", "Ångström", "Emile", "emile", "Émile", "Lodz", "Łódź", "Ørsted", "Zola"]
    assert sorted(names, key=derive.sort_key) == expected


def test_search_terms_are_limited_in_size() -> None:
    """A tsvector holds one megabyte; longer texts are indexed from the beginning on both databases."""
    result = search_terms.search_terms("h", [], " ".join(f"word{n}" for n in range(200_000)), "und")
    assert 40_000 < len(result.body) < 100_000
    assert result.body[:2] == ("word0", "word1")


def test_paths_consist_of_the_parent_path_and_the_slug() -> None:
    assert derive.path(None, "world") == "world"
    assert derive.path("world", "asia") == "world/asia"
    assert derive.ancestor_paths("world/asia/east") == ["world", "world/asia"]
