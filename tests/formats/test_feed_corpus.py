"""The test feeds of feedparser: what the comment at the head of each demands, as far as it is of articles."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.active_content import inert_markdown_text, inert_text
from tests.support.source_files import read_items

from contentql.content.blocks import block_text
from contentql.content.import_item import ImportItem
from contentql.content.records import ArticleRecord, AuthorRecord, TagRecord
from contentql.content.render import render_html
from contentql.content.render_markdown import render_markdown
from contentql.formats.encodings import decode_chunks, detect_encoding
from contentql.formats.feeds.feed_xml import FeedHead, read_head

FEEDS = Path(__file__).parents[2] / "fixtures/feeds"
FILES = sorted(path.relative_to(FEEDS).as_posix() for path in FEEDS.glob("*/*.xml"))
_ITEM = re.compile(r"<(item|entry)((?: [^>]*)?)>")


def read(name: str) -> ImportItem:
    """The item of a feed, which gets a title if it has none."""
    (item,) = read_items(name, with_title(name))
    return item


def with_title(name: str) -> bytes:
    content = (FEEDS / name).read_bytes()
    has_title = (
        re.search(rb"<(item|entry)\b(?s:.*)<(media:|dc:)?title", content) and "source_title" not in name
    )
    if has_title or not re.search(rb"<(item|entry)\b", content):
        return content
    return _ITEM.sub(r"<\1\2><title>Title</title>", content.decode(), count=1).encode()


def record(name: str) -> ArticleRecord:
    item = read(name)
    assert isinstance(item.record, ArticleRecord), item.error
    return item.record


def head(name: str) -> FeedHead:
    return read_head(io.BytesIO((FEEDS / name).read_bytes()))


def authors(name: str) -> list[AuthorRecord]:
    return [each for each in read(name).references if isinstance(each, AuthorRecord)]


def tags(name: str) -> list[str]:
    return [each.name for each in read(name).references if isinstance(each, TagRecord)]


def body(name: str) -> str:
    return "\n".join(map(block_text, record(name).blocks))


def external_id(name: str) -> str:
    return record(name).external_ids[0].value


def elements(name: str) -> str:
    """What is preserved of an item."""
    return repr(record(name).extra)


def head_text(name: str) -> str:
    return head(name).text("title", "atom:title")


def headline(name: str) -> str:
    return record(name).headline


def href(name: str) -> str:
    (match,) = re.findall(r'"href":"([^"]*)"', record(name).model_dump_json())
    return str(match)


EXPECTED: list[tuple[str, Callable[[str], Any], Any]] = [
    ("atom10/entry_author_name.xml", lambda name: authors(name)[0].name, "Example author"),
    ("atom10/entry_author_uri.xml", lambda name: authors(name)[0].same_as, ("http://example.com/",)),
    ("atom10/entry_category_label.xml", tags, ["Atom 1.0 tests"]),
    ("atom10/entry_category_term_non_ascii.xml", tags, ["Atom 1.0 tests"]),
    ("atom10/entry_content_application_xml.xml", body, "Example Atom"),
    ("atom10/entry_content_value.xml", body, "Example Atom"),
    ("atom10/entry_id_no_normalization_5.xml", external_id, "http://www.example.com/~bob"),
    ("atom10/entry_title.xml", headline, "Example Atom"),
    ("atom10/entry_title_base64.xml", headline, "Example Atom"),
    ("atom10/feed_title_escaped_markup.xml", head_text, "Example <b>Atom</b>"),
    ("base/entry_summary_xml_base_inherit_2.xml", href, "http://example.com/test/test.html"),
    ("base/entry_title_xml_base_inherit.xml", headline, "Example test"),
    ("encoding/x80_cspc775baltic.xml", head_text, "\u0106"),
    ("encoding/x80_ebcdic-cp-ca.xml", head_text, "\xd8"),
    ("encoding/x80_ebcdic_cp_be.xml", head_text, "\xd8"),
    ("encoding/x80_ibm855.xml", head_text, "\u0452"),
    ("encoding/x80_windows-1258.xml", head_text, "\u20ac"),
    ("entities/mu.xml", head_text, "testing \u03bc entity"),
    ("entities/oacute.xml", head_text, "testing \xf3 entity"),
    ("entities/upper_Aacute.xml", head_text, "testing \xc1 entity"),
    ("entities/upper_Egrave.xml", head_text, "testing \xc8 entity"),
    ("itunes/itunes_item_author_map_author.xml", lambda name: authors(name)[0].name, "Mark Pilgrim"),
    ("itunes/itunes_item_image.xml", lambda name: read(name).media[0].url, "http://example.com/logo.jpg"),
    ("lang/entry_content_xml_lang_underscore.xml", lambda name: record(name).language, "en-US"),
    ("lang/entry_title_xml_lang_inherit.xml", lambda name: record(name).language, "en"),
    ("lang/http_content_language_feed_language.xml", lambda name: head(name).text("language"), "fr"),
    ("media-rss/item_media_category_term.xml", tags, ["cat1"]),
    ("media-rss/item_media_title1.xml", headline, "bar"),
    ("media-rss/item_media_title3.xml", headline, "foo"),
    (
        "media-rss/item_media_title_type_plain.xml",
        headline,
        "plain means text/plain",
    ),
    ("namespace/rss2.0noNSwithModulesLocalNameClash.xml", body, "correct description"),
    ("rss/item_dc_description.xml", body, "Example description"),
    ("rss/item_dc_title.xml", headline, "Example title"),
    ("rss/item_dcterms_modified.xml", lambda name: str(record(name).published_at)[:10], "2003-12-31"),
    ("rss/item_description_escaped_markup.xml", body, "Example description"),
    (
        "rss/item_guid_isPermaLink_conflict_link_not_guidislink.xml",
        lambda name: read(name).addresses,
        ("http://link.example.com/",),
    ),
    ("sanitize/entry_content_applet.xml", body, "safe description"),
    ("sanitize/entry_summary_blink.xml", body, "safe description"),
    ("sanitize/entry_summary_embed.xml", body, "safe description"),
    ("sanitize/entry_title_embed.xml", headline, "safe description"),
    ("sanitize/item_description_object.xml", body, "safe description"),
    ("sanitize/item_xhtml_body_link.xml", body, "safe description"),
    ("sanitize/item_xhtml_body_script.xml", body, "safe description"),
]
PRESERVED = [
    ("atom10/entry_link_rel_other.xml", "http://feedparser.org/rel/test"),
    ("atom10/entry_source_authors_url.xml", "http://two.com/"),
    ("atom10/entry_source_category_term.xml", "atom10"),
    ("atom10/entry_source_contributor_email.xml", "Example contributor"),
    ("atom10/entry_source_id.xml", "http://example.com/"),
    ("atom10/entry_source_link_href.xml", "http://www.example.com/"),
    ("atom10/entry_source_link_rel_related.xml", "related"),
    ("atom10/entry_source_subittle_content_type_text.xml", "Example Atom"),
    ("atom10/entry_source_subtitle_content_value.xml", "Example Atom"),
    ("atom10/entry_source_title_inline_markup_2.xml", "History of the <blink> tag"),
    ("geo/georss_line.xml", "33.338611 52.566592"),
    ("geo/gml_polygon.xml", "30.966201 52.214678"),
    ("rss/item_comments.xml", "http://example.com/"),
    ("rss/item_source_url.xml", "Example source"),
]


@pytest.mark.parametrize(("name", "value", "expected"), EXPECTED)
def test_what_a_feed_must_give(name: str, value: Callable[[str], Any], expected: Any) -> None:
    """As a field of the article, its author, tag or picture, or of the head of the feed."""
    assert value(name) == expected


@pytest.mark.parametrize(("name", "text"), PRESERVED)
def test_what_no_field_holds_is_preserved(name: str, text: str) -> None:
    """Without e-mail addresses."""
    preserved = elements(name)
    assert text in preserved
    assert "@" not in preserved


@pytest.mark.parametrize("name", FILES)
def test_every_feed_is_read_and_nothing_active_is_left(name: str) -> None:
    """Its bodies and texts have no active content, in HTML and Markdown; no item has an e-mail address."""
    content = with_title(name)
    items = read_items(name, content)
    assert items
    file = io.BytesIO(content)
    is_cut = name.startswith("illformed/")
    for item in items:
        assert item.record or item.skipped or is_cut or "entry_title_onfocus" in name, item.error
        assert not re.search(r"\w@\w", repr(item.record) + repr(item.references))
        if isinstance(item.record, ArticleRecord):
            inert_text(render_html(item.record.blocks))
            inert_markdown_text(render_markdown(item.record.blocks))
            texts = f"{item.record.headline}{item.record.summary}"
            assert not re.search(r"<(script|embed|object|iframe|applet)|\bon\w+=", texts)
    assert "".join(decode_chunks(file, detect_encoding(file)))
