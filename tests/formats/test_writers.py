"""Writers of feeds, JSON-LD, Markdown and HTML: valid documents of any text, for other programs."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any
from xml.etree import ElementTree

import feedparser  # type: ignore[import-untyped]
import orjson
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from contentql.formats import markdown_writer
from contentql.formats.article_document import FeedInfo
from contentql.formats.feeds import atom_writer, jsonfeed_writer, rss_writer, sitemap
from contentql.formats.pages import html_writer, jsonld
from contentql.formats.registry import WRITER_NAMES, load_writer

# What XML 1.0 cannot have, and control characters that are never text.
FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
FEED = FeedInfo(title="The Times", home_url="https://example.org", feed_url="https://example.org/feed.rss")
ATOM = "{http://www.w3.org/2005/Atom}"
MEDIA = "{http://search.yahoo.com/mrss/}"
NASTY = st.one_of(
    st.text(min_size=1, max_size=40),
    st.sampled_from(
        [
            "]]>", "<![CDATA[", "&amp;lt;", "</script><script>", "<!--", "\x00\x08", "\ufffe", "\u2028",
            "---\ntitle: x", "a: b # c", "'\"", "\U0001f4f0\u202e\u05e9", "\r\n", "{{x}}", "\x85", "%YAML",
        ]
    ),
)  # fmt: skip


def make_article(**values: Any) -> dict[str, Any]:
    return {
        "id": "art_1",
        "uri": "urn:contentql:article:1",
        "slug": "one",
        "headline": "One",
        "language": "en",
        "contentType": "NEWS",
        "access": "FREE",
        "publishedAt": "2026-06-30T08:00:00Z",
        "updatedAt": "2026-06-30T09:00:00Z",
        "canonicalUrl": "https://example.org/one",
        "body": {"html": "<p>Text</p>", "markdown": "Text", "text": "Text"},
        **values,
    }


def make_media(**values: Any) -> dict[str, Any]:
    media = {"id": "med_7", "kind": "IMAGE", "url": "https://m.example.org/7.jpg", "mime": "image/jpeg"}
    return {**media, "width": 1600, "height": 900, "bytes": 5000, "renditions": [], **values}


def written(writer: Any, *articles: dict[str, Any], feed: FeedInfo = FEED) -> bytes:
    return b"".join(writer.write(articles, feed))


@settings(max_examples=150, deadline=None)
@given(headline=NASTY, summary=NASTY, name=NASTY, url=NASTY)
def test_any_text_gives_valid_documents(headline: str, summary: str, name: str, url: str) -> None:
    """Every text comes back, but for characters that the format cannot have."""
    article = make_article(
        headline=headline,
        summary=summary,
        authors=[{"role": "WRITER", "author": {"name": name, "sameAs": []}}],
        tags=[{"type": "TOPIC", "name": name, "slug": name}],
        leadMedia=make_media(url=f"https://m.example.org/{url}", caption=summary, credit=name),
        body={"html": f"<p>{summary.replace('<', '&lt;')}</p>", "markdown": summary, "text": summary},
    )
    rss = ElementTree.fromstring(written(rss_writer, article))
    assert rss.findtext("channel/item/title", "") == FORBIDDEN.sub("", headline)
    assert rss.findtext("channel/item/guid") == "urn:contentql:article:1"
    atom = ElementTree.fromstring(written(atom_writer, article))
    assert atom.findtext(f"{ATOM}entry/{ATOM}title", "") == FORBIDDEN.sub("", headline)
    item = orjson.loads(written(jsonfeed_writer, article))["items"][0]
    assert item["title"] == headline
    assert item.get("content_html") or item["content_text"]
    assert orjson.loads(written(jsonld, article))["@graph"][0]["headline"] == headline
    ElementTree.fromstring(written(sitemap, article))
    front = written(markdown_writer, article).decode().split("\n---\n")[0].removeprefix("---\n")
    assert yaml.safe_load(front)["title"] == headline
    page = LexborHTMLParser(written(html_writer, article).decode())
    (script,) = page.css("script")
    # JSON escapes the other control characters.
    assert orjson.loads(script.text())["headline"] == re.sub("[\x7f-\x9f\ufffe\uffff]", "", headline)


@pytest.mark.parametrize("writer", [rss_writer, atom_writer])
def test_feedparser_reads_feeds(writer: Any) -> None:
    """Media groups with all sizes, authors, tags, times, enclosures."""
    media = make_media(
        renditions=[
            {"url": "https://m.example.org/7-s.webp", "mime": "image/webp", "width": 300, "height": 169}
        ],
        licence="CC BY 4.0",
        licenceUrl="https://creativecommons.org/licenses/by/4.0/",
    )
    sound = make_media(
        id="med_8", kind="AUDIO", url="https://m.example.org/8.mp3", mime="audio/mpeg", bytes=9
    )
    article = make_article(
        leadMedia=media, media=[{"role": "INLINE", "position": 1, "media": sound}], byline="By Jane Doe"
    )
    result = feedparser.parse(BytesIO(written(writer, article)))
    assert not result.bozo
    (entry,) = result.entries
    assert entry.id == "urn:contentql:article:1"
    assert entry.author == "By Jane Doe"
    assert [(content["url"], content.get("width")) for content in entry.media_content] == [
        ("https://m.example.org/7.jpg", "1600"),
        ("https://m.example.org/7-s.webp", "300"),
        ("https://m.example.org/8.mp3", "1600"),
    ]
    assert "https://m.example.org/8.mp3" in [link["href"] for link in entry.enclosures]
    assert entry.media_thumbnail[0]["url"] == "https://m.example.org/7-s.webp"
    root = ElementTree.fromstring(written(writer, article))
    (group,) = root.iter(f"{MEDIA}group")
    assert len(group.findall(f"{MEDIA}content")) == 2


def test_empty_feeds_are_valid() -> None:
    for writer in (rss_writer, atom_writer):
        assert not feedparser.parse(BytesIO(written(writer))).bozo
    assert orjson.loads(written(jsonfeed_writer))["items"] == []
    assert ElementTree.fromstring(written(sitemap)).tag.endswith("urlset")
    assert orjson.loads(written(jsonld)) == {"@context": "https://schema.org", "@graph": []}


def test_news_sitemap_has_at_most_a_thousand_own_pages() -> None:
    """Articles without a page, or of other publishers, are left out."""
    articles = [
        make_article(canonicalUrl=None),
        make_article(canonicalElsewhere=True),
        *(make_article(canonicalUrl=f"https://example.org/{n}") for n in range(1_001)),
    ]
    root = ElementTree.fromstring(written(sitemap, *articles))
    assert len(root) == 1_000
    assert root[0][0].text == "https://example.org/0"


@pytest.mark.parametrize(
    ("content_type", "type_"),
    [
        ("NEWS", "NewsArticle"),
        ("ANALYSIS", "AnalysisNewsArticle"),
        ("OPINION", "OpinionNewsArticle"),
        ("EXPLAINER", "BackgroundNewsArticle"),
        ("REVIEW", "ReviewNewsArticle"),
        ("SPONSORED", "AdvertiserContentArticle"),
        ("OBITUARY", "NewsArticle"),
        ("LIVE", "LiveBlogPosting"),
    ],
)
def test_types_of_json_ld(content_type: str, type_: str) -> None:
    assert jsonld.json_ld(make_article(contentType=content_type), FEED)["@type"] == type_


def test_json_ld_of_sources_corrections_and_live_entries() -> None:
    """A chain is cited by its last relay, based on the others; a quotation is a Quotation."""
    chain = [
        {
            "kind": "CITING",
            "quote": "We are ready",
            "source": {"name": "Intelligence", "kind": "INTELLIGENCE"},
        },
        {
            "kind": "ACCORDING_TO",
            "url": "https://news.sky.com/1",
            "source": {"name": "Sky News", "kind": "BROADCASTER"},
        },
    ]
    article = make_article(
        contentType="LIVE",
        access="METERED",
        attributions=[{**chain[0], "chain": chain}, {"kind": "REPORTED_BY", "source": None, "chain": []}],
        corrections=[{"kind": "CORRECTION", "text": "It was 2024.", "correctedAt": "2026-07-01T08:00:00Z"}],
        liveEntries={
            "nodes": [
                {"id": "liv_1", "blockId": "b", "at": "2026-06-30T07:00:00Z", "title": "Off", "text": "Go"}
            ]
        },
    )  # fmt: skip
    document = jsonld.json_ld(article, FeedInfo(site="Times", logo="https://example.org/logo.svg"))
    (citation,) = document["citation"]
    assert (citation["name"], citation["url"]) == ("Sky News", "https://news.sky.com/1")
    assert (citation["isBasedOn"]["@type"], citation["isBasedOn"]["text"]) == ("Quotation", "We are ready")
    assert document["correction"][0]["@type"] == "CorrectionComment"
    assert document["coverageStartTime"] == "2026-06-30T07:00:00Z"
    (update,) = document["liveBlogUpdate"]
    assert (update["@type"], update["headline"]) == ("BlogPosting", "Off")
    assert document["isAccessibleForFree"] is False
    assert document["hasPart"]["cssSelector"] == ".paywall"
    assert "articleBody" not in document
    assert "articleBody" not in update
    assert document["publisher"]["logo"]["url"] == "https://example.org/logo.svg"


def test_writers_run_no_markup_of_the_content() -> None:
    """The HTML of a body is sanitised again, because another program may have written it."""
    article = make_article(
        body={"html": '<p onclick="x()">Hi<script>alert(1)</script></p>', "markdown": "Hi", "text": "Hi"}
    )
    for writer in (rss_writer, atom_writer, jsonfeed_writer):
        assert b"alert(1)" not in written(writer, article)
        assert b"onclick" not in written(writer, article)
    page = LexborHTMLParser(written(html_writer, article).decode())
    assert [script.attributes["type"] for script in page.css("script")] == ["application/ld+json"]


def test_media_without_a_licence_are_left_out_of_the_text() -> None:
    """A figure whose file is not in the article has gone with its caption."""
    html = '<p>A</p><figure data-type="image" data-media="7 8"><figcaption>Both</figcaption></figure>'
    body = {"html": html, "markdown": "", "text": ""}
    with_file = written(rss_writer, make_article(body=body, leadMedia=make_media())).decode()
    assert '<figure><img src="https://m.example.org/7.jpg"' in with_file
    assert "Both" in with_file
    assert "Both" not in written(rss_writer, make_article(body=body)).decode()


@pytest.mark.parametrize("name", [name for name in WRITER_NAMES if name not in ("ninjs", "newsml-g2")])
def test_each_writer_of_the_registry_writes(name: str) -> None:
    assert b"".join(load_writer(name).write([make_article()], FEED))
