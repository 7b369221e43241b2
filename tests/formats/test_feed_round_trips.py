"""Feeds that we write and read again give the same articles."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.article_documents import document_of
from tests.support.source_files import read_items

from contentql.content.blocks import block_text
from contentql.content.import_item import ImportItem
from contentql.content.records import ArticleRecord, AuthorRecord, CategoryRecord, TagRecord
from contentql.formats.article_document import FeedInfo
from contentql.formats.registry import load_writer

FIXTURES = Path(__file__).parents[2] / "fixtures"
FEED = FeedInfo(
    title="Heron News", home_url="https://news.example.org/", feed_url="https://news.example.org/f"
)
BODY = (
    "<p>A &amp;amp; <b>b</b> ]]&gt; <a href='https://e.org/?a=1&amp;b=2'>link</a></p><h2>Head</h2>"
    "<ul><li>One</li></ul><blockquote>Quote</blockquote><table><tr><td>1</td></tr></table><pre>x &lt; y</pre>"
)
ITEM = (
    "<item><title>A &lt;b&gt; &amp;amp; “c”</title><guid>urn:x</guid><link>https://news.example.org/a-b</link>"
    "<pubDate>Fri, 10 Apr 2026 08:00:00 +0200</pubDate><description>Short &amp;lt; one</description>"
    "<dc:creator>Lena Voss</dc:creator>"
    f"<body><![CDATA[{BODY.replace(']]&gt;', ']] &gt;')}]]></body>"
    '<category domain="sections">Local/Transport</category><category>Trams &amp;amp; co</category></item>'
)


def facts(item: ImportItem) -> dict[str, object]:
    """What every feed can carry."""
    record = item.record
    assert isinstance(record, ArticleRecord), item.error
    return {
        "headline": record.headline,
        "summary": record.summary,
        "published": record.published_at,
        "language": record.language,
        "blocks": [(block.type, block_text(block)) for block in record.blocks],
        "authors": [each.name for each in item.references if isinstance(each, AuthorRecord)],
        "media": [(media.url, media.credit) for media in item.media],
        "addresses": item.addresses,
        "slug": record.slug,
    }


def sections(item: ImportItem) -> list[str]:
    return [each.path for each in item.references if isinstance(each, CategoryRecord)]


def tags(item: ImportItem) -> set[str]:
    return {each.name for each in item.references if isinstance(each, TagRecord)}


@pytest.mark.parametrize("format", ["rss", "atom", "jsonfeed"])
@pytest.mark.parametrize("source", ["story", "markup"])
def test_an_article_survives_a_feed(format: str, source: str) -> None:
    """Its texts, people, tags, pictures and address."""
    content = (FIXTURES / "stories/feed.atom.xml").read_bytes()
    if source == "markup":
        content = f"<rss><channel><language>en</language>{ITEM}</channel></rss>".encode()
    (item,) = read_items("feed.xml", content)
    document = {**document_of(item), "uri": "urn:1"}
    written = b"".join(load_writer(format).write([document], FEED))
    (again,) = read_items("feed", written)
    assert facts(again) == facts(item)
    if format == "jsonfeed":
        assert tags(item) < tags(again)  # it has tags only
    else:
        assert (sections(again), tags(again)) == (sections(item), tags(item))
