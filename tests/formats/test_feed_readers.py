"""Readers of RSS and Atom: what of a feed becomes which part of an article."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.source_files import (
    count_items,
    messages_of,
    names_of,
    read_items,
    record_of,
    texts_of,
)

from contentql.content.import_item import ImportItem, SourceStatus
from contentql.content.media_placeholders import FIRST_PLACEHOLDER
from contentql.content.records import AuthorRecord, CategoryRecord, TagRecord

FIXTURES = Path(__file__).parents[2] / "fixtures"
NAMESPACES = (
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns:media="http://search.yahoo.com/mrss/" xmlns:atom="http://www.w3.org/2005/Atom"'
    ' xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:dcterms="http://purl.org/dc/terms/"'
    ' xmlns:georss="http://www.georss.org/georss" xmlns:x="urn:x"'
)
ATOM = (
    'xmlns="http://www.w3.org/2005/Atom" xmlns:at="http://purl.org/atompub/tombstones/1.0"'
    ' xmlns:app="http://www.w3.org/2007/app" xmlns:thr="http://purl.org/syndication/thread/1.0"'
)


def rss(*items: str, head: str = "<language>en</language>", **options: Any) -> list[ImportItem]:
    text = "".join(f"<item>{item}</item>" for item in items)
    feed = f'<rss version="2.0" {NAMESPACES}><channel><link>https://e.org/</link>{head}{text}</channel></rss>'
    return read_items("feed.xml", feed.encode(), **options)


def atom(*entries: str, head: str = "", attributes: str = 'xml:lang="en"') -> list[ImportItem]:
    text = "".join(entry if entry.startswith("<at:") else f"<entry>{entry}</entry>" for entry in entries)
    feed = f"<feed {ATOM} {attributes}><id>urn:feed</id>{head}{text}</feed>"
    return read_items("feed.xml", feed.encode())


def external_id(item: ImportItem) -> str:
    (value,) = record_of(item).external_ids
    assert value.system == "feed"
    return value.value


@pytest.mark.parametrize("name", ["feed.rss.xml", "feed.atom.xml"])
def test_the_story_comes_out_of_a_feed_as_it_is(name: str) -> None:
    """All that the format can carry."""
    story = json.loads((FIXTURES / "stories/stories.json").read_text())["stories"][0]
    (item,) = read_items(name, (FIXTURES / "stories" / name).read_bytes())
    record = record_of(item)
    assert (record.headline, record.slug, record.summary) == (story["title"], story["slug"], story["summary"])
    assert record.published_at == dt.datetime.fromisoformat(story["published"])
    assert record.category == "local/transport"
    assert names_of(item, CategoryRecord) == story["category"]
    assert names_of(item, TagRecord) == [tag["name"] for tag in story["tags"]]
    assert names_of(item, AuthorRecord) == ["Lena Voss"]
    assert [block.type for block in record.blocks] == ["PARAGRAPH", "IMAGE", "PARAGRAPH", "HEADING", "LIST"]
    assert texts_of(item)[0] == story["blocks"][0]["text"]
    (media,) = item.media
    expected = story["media"][0]
    assert (media.url, media.width, media.height) == (expected["href"], expected["width"], expected["height"])
    assert (media.alt, media.caption, media.credit) == tuple(
        expected[n] for n in ("alt", "caption", "credit")
    )
    assert record.lead_media == record.blocks[1].media == FIRST_PLACEHOLDER  # type: ignore[union-attr]
    assert record.blocks[1].caption == expected["caption"]  # type: ignore[union-attr]
    assert item.addresses == (story["url"],)
    assert item.source_status is SourceStatus.PUBLIC
    assert messages_of(item) == ""


def test_atom_has_the_time_of_the_update() -> None:
    """It decides which version is newer."""
    (item,) = read_items("feed.xml", (FIXTURES / "stories/feed.atom.xml").read_bytes())
    updated = dt.datetime(2026, 4, 10, 11, 30, tzinfo=dt.UTC)
    assert record_of(item).updated_at == item.source_modified_at == updated


def test_a_time_that_is_none_stays_unset() -> None:
    """And a time with a zone is converted."""
    first, second = read_items("dates.xml", (FIXTURES / "edge/rss/dates.xml").read_bytes())
    assert record_of(first).published_at == dt.datetime(2026, 4, 10, 6, tzinfo=dt.UTC)
    assert record_of(second).published_at is None
    assert "'soon' is no date or time" in messages_of(second)


def test_entries_with_the_same_id_have_the_times_by_which_the_newest_wins() -> None:
    """Whichever stands first."""
    old, new = read_items("same_id.xml", (FIXTURES / "edge/atom/same_id.xml").read_bytes())
    assert external_id(old) == external_id(new) == "urn:1"
    assert (record_of(new).headline, names_of(new, AuthorRecord)) == ("New", ["Desk"])
    assert old.source_modified_at
    assert new.source_modified_at
    assert old.source_modified_at < new.source_modified_at


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fri, 10 Apr 2026 08:00:00 +0200", "2026-04-10T06:00"),
        ("Fri, 10 Apr 26 08:00 EST", "2026-04-10T13:00"),
        ("10 Apr 2026 08:00:00 GMT", "2026-04-10T08:00"),
        ("Fri, 10 April 2026 08:00:00 PDT", "2026-04-10T15:00"),
        ("Fri, 10 Apr 2026 08:00:00 CEST", "2026-04-10T06:00"),
        ("Fri, 10 Apr 2026 08:00:00 BST", "2026-04-10T07:00"),
        ("Fri, 10 Apr 2026 08:00:00 +10:00", "2026-04-09T22:00"),
        ("Wrong, 10 Apr 2026 08:00:00 Z", "2026-04-10T08:00"),
        ("2026-04-10T08:00:00-03:30", "2026-04-10T11:30"),
        ("2026-04-10 08:00:00 UTC", "2026-04-10T08:00"),
        ("Fri, 10 Apr 2026", "2026-04-10T00:00"),
        ("Sun Jan  4 16:29:06 PST 2004", "2004-01-05T00:29"),
        ("Fri, 31 Apr 2026 08:00:00 GMT", None),
        ("Apr 10, 2026 8:00 PM", None),
        ("0000-00-00 00:00:00", None),
        ("99999-01-01T00:00:00Z", None),
    ],
)
def test_times_of_feeds(text: str, expected: str | None) -> None:
    """With the zones of RFC 822 and names of zones that have one meaning."""
    (item,) = rss(f"<title>A</title><pubDate>{text}</pubDate>")
    at = record_of(item).published_at
    assert (at and at.isoformat()[:16]) == expected
    assert ("is no date or time" in messages_of(item)) is (expected is None)


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ("<guid>https://e.org/a</guid><link>https://e.org/b</link>", "https://e.org/a"),
        ('<guid isPermaLink="false">tag:e.org,2026:1</guid>', "tag:e.org,2026:1"),
        ('<guid isPermaLink="false">17</guid>', "https://e.org/ 17"),
        ("<link>https://e.org/b?id=1</link>", "https://e.org/b?id=1"),
        ("<link>/relative/b</link>", "https://e.org/relative/b"),
        ('<atom:link href="https://e.org/c"/>', "https://e.org/c"),
        ("<guid> 5 </guid><link>https://e.org/b</link>", "https://e.org/ 5"),
    ],
)
def test_identity_of_an_item(item: str, expected: str) -> None:
    """The guid, with the address of the feed if it is not unique in the world, else the link."""
    (result,) = rss(f"<title>A</title>{item}")
    assert external_id(result) == expected


def test_an_item_without_id_and_link_is_recognised_by_its_title_and_time() -> None:
    """With a warning; two such items are two articles."""
    first, again, other = rss(
        "<title>A</title><description>x</description>",
        "<title>A</title><description>y</description>",
        "<title>B</title>",
    )
    assert external_id(first) == external_id(again) != external_id(other)
    assert "neither an id nor a link" in messages_of(first)


def test_a_very_long_id_stays_unique() -> None:
    """An external id has at most 500 characters."""
    first, second = rss(*(f"<title>A</title><link>https://e.org/{'x' * 600}{n}</link>" for n in (1, 2)))
    assert len(external_id(first)) <= 500
    assert external_id(first) != external_id(second)


@pytest.mark.parametrize(
    ("link", "slug"),
    [
        ("https://e.org/2026/04/tram-line-reopens/", "tram-line-reopens"),
        ("https://e.org/news/Tram-Line.html", "Tram-Line"),
        ("https://e.org/%D0%BD%D0%BE%D0%B2%D0%BE%D1%81%D1%82%D1%8C", "новость"),
        ("https://e.org/article?id=5", "the-headline"),
        ("https://e.org/index.php", "the-headline"),
        ("https://e.org/12345", "the-headline"),
        ("https://e.org/changes.html#v2", "the-headline"),
    ],
)
def test_slug_of_an_item(link: str, slug: str) -> None:
    """That of its address, if that names the article, else of its headline."""
    (item,) = rss(f"<title>The headline</title><link>{link}</link>")
    assert record_of(item).slug == slug
    assert item.addresses == (link,)
    assert ("slug" in item.derived) is (slug == "the-headline")


@pytest.mark.parametrize(
    ("title", "headline"),
    [
        ("A &amp;amp; B", "A & B"),
        ("Caf&amp;eacute; &amp;#8217;s", "Café ’s"),
        ("<![CDATA[A <b>bold</b> word]]>", "A bold word"),
        ("&lt;em&gt;Read&lt;/em&gt; this", "Read this"),
        ("2 &lt; 3", "2 < 3"),
        ("AT&T & friends", "AT&T & friends"),
        ("A\n  line", "A line"),
        ("A <b>nested</b> one", "A nested one"),
        ("x" * 400, "x" * 299 + "…"),
    ],
)
def test_titles_are_plain_text(title: str, headline: str) -> None:
    """Markup is left out, characters that were escaped twice are resolved."""
    assert record_of(rss(f"<title>{title}</title>")[0]).headline == headline


@pytest.mark.parametrize(
    ("item", "headline"),
    [
        ("<description>First sentence. Second one.</description>", "First sentence."),
        (
            '<media:content url="https://e.org/a.jpg"><media:description>A tram</media:description>'
            "</media:content>",
            "A tram",
        ),
        ("<media:title>Media</media:title>", "Media"),
        ("<dc:title>Core</dc:title>", "Core"),
    ],
)
def test_an_item_without_a_title_gets_a_headline(item: str, headline: str) -> None:
    """Of another title, its text, or its picture."""
    assert record_of(rss(item)[0]).headline == headline


def test_an_item_without_anything_is_an_error_and_the_others_are_read() -> None:
    """With its place."""
    first, second = rss("<guid>1</guid>", "<title>B</title>")
    assert (first.error, first.place) == ("the item has neither a title nor a text", "item 1")
    assert record_of(second).headline == "B"


def test_the_full_text_is_the_body_and_the_description_the_summary() -> None:
    """In whatever order they stand."""
    content = "<content:encoded><![CDATA[<p>One</p><p>Two</p>]]></content:encoded>"
    for text in (f"{content}<description>Short</description>", f"<description>Short</description>{content}"):
        (item,) = rss(f"<title>A</title>{text}")
        assert (texts_of(item), record_of(item).summary) == (["One", "Two"], "Short")


def test_a_short_description_alone_is_summary_and_body() -> None:
    """A long one is the body only."""
    (short,) = rss("<title>A</title><description>Short &lt;b&gt;one&lt;/b&gt;</description>")
    assert (texts_of(short), record_of(short).summary) == (["Short one"], "Short one")
    (long,) = rss("<title>A</title><description>&lt;p&gt;One&lt;/p&gt;&lt;p&gt;Two&lt;/p&gt;</description>")
    assert (texts_of(long), record_of(long).summary) == (["One", "Two"], None)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("<![CDATA[<p>Caf&amp;eacute; &amp;amp; bar</p>]]>", ["Café & bar"]),
        ("&amp;lt;p&amp;gt;One&amp;lt;/p&amp;gt;&amp;lt;p&amp;gt;Two&amp;lt;/p&amp;gt;", ["One", "Two"]),
        ("Plain &amp;amp; simple\n\nSecond", ["Plain & simple", "Second"]),
        ("<![CDATA[<p>a ]]]]><![CDATA[> b</p>]]>", ["a ]]> b"]),
        ("<p>as <i>elements</i></p>", ["as elements"]),
        (
            "<![CDATA[<p>not escaped &amp;nbsp; in <code>&amp;amp;</code></p>]]>",
            ["not escaped &nbsp; in &amp;"],
        ),
    ],
)
def test_bodies_have_no_leftover_markup(content: str, expected: list[str]) -> None:
    """However often it was escaped; code stays as it is."""
    (item,) = rss(f"<title>A</title><content:encoded>{content}</content:encoded>")
    assert texts_of(item) == expected


def test_relative_addresses_are_resolved() -> None:
    """By xml:base, else the link of the item."""
    content = "<content:encoded><![CDATA[<p><a href='b'>x</a></p><img src='/c.jpg'>]]></content:encoded>"
    (item,) = rss(f"<title>A</title><link>https://e.org/news/a</link>{content}")
    assert item.media[0].url == "https://e.org/c.jpg"
    assert "https://e.org/news/b" in record_of(item).model_dump_json()
    (item,) = atom(
        '<title>A</title><content type="xhtml" xml:base="d/"><div xmlns="http://www.w3.org/1999/xhtml">'
        '<p><a href="f">x</a></p><div xml:base="http://other.org/"><p><a href="g">y</a></p></div></div>'
        "</content>",
        attributes='xml:base="https://e.org/x/"',
    )
    assert "https://e.org/x/d/f" in record_of(item).model_dump_json()
    assert "http://other.org/g" in record_of(item).model_dump_json()


@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        ("<author>lena@e.org (Lena Voss)</author>", ["Lena Voss"]),
        ("<author>Lena Voss &lt;lena@e.org&gt;</author>", ["Lena Voss"]),
        ("<author>lena@e.org</author>", []),
        (
            "<dc:creator>Lena Voss</dc:creator><dc:creator>Emil Strand</dc:creator>",
            ["Lena Voss", "Emil Strand"],
        ),
        ("<dc:creator>A</dc:creator><author>b@e.org (B)</author>", ["A"]),
        ("<itunes:author>Show</itunes:author>", ["Show"]),
        ("<atom:author><atom:name>A</atom:name><atom:email>a@e.org</atom:email></atom:author>", ["A"]),
        ("<dc:publisher>desk@e.org</dc:publisher><managingEditor>me@e.org</managingEditor>", []),
        ("<x:contact>write to me@e.org</x:contact>", []),
    ],
)
def test_authors_without_their_e_mail_addresses(xml: str, expected: list[str]) -> None:
    """An address is nowhere in the item, not in its warnings and preserved elements either."""
    (item,) = rss(f"<title>A</title>{xml}")
    assert names_of(item, AuthorRecord) == expected
    assert "@e.org" not in repr(item)


def test_categories_with_a_vocabulary_of_sections_are_sections() -> None:
    """Paths with their parents; the others are tags."""
    (item,) = rss(
        '<title>A</title><category domain="https://e.org/sections">News/World</category>'
        '<category domain="https://e.org/sections">Sport</category><category>News/World</category>'
        "<category>Trams</category><media:keywords>a, b</media:keywords><dc:subject>Trams</dc:subject>"
    )
    record = record_of(item)
    assert (record.category, record.sections) == ("news/world", ("sport",))
    assert names_of(item, CategoryRecord) == ["News", "World", "Sport"]
    assert names_of(item, TagRecord) == ["News/World", "Trams", "a", "b"]


def test_many_categories_are_bounded() -> None:
    """With a warning."""
    (item,) = rss("<title>A</title>" + "".join(f"<category>c{n}</category>" for n in range(2_000)))
    assert len(record_of(item).tags) == 500
    assert "2,000 categories" in messages_of(item)


def test_a_media_group_is_one_file_with_renditions() -> None:
    """The default is the file; caption, credit and rights of the group are its own."""
    (item,) = rss(
        "<title>A</title><media:group><media:credit>Emil Strand</media:credit>"
        '<media:content url="https://e.org/s.jpg" width="100" height="50" type="image/jpeg"/>'
        '<media:content url="https://e.org/l.jpg" width="1000" height="500" fileSize="9" isDefault="true"/>'
        '<media:description type="html">A &lt;b&gt;tram&lt;/b&gt;</media:description>'
        "<media:copyright>© E</media:copyright></media:group>"
        '<media:content url="https://e.org/film.mp4" medium="video" duration="61">'
        '<media:thumbnail url="https://e.org/poster.jpg"/></media:content>'
        '<media:content url="https://secure.gravatar.com/avatar/x" medium="image"/>'
    )
    picture, film, poster = item.media
    assert (picture.url, picture.width, picture.bytes) == ("https://e.org/l.jpg", 1000, 9)
    assert (picture.caption, picture.credit, picture.copyright) == ("A tram", "Emil Strand", "© E")
    assert [(file.url, file.width) for file in picture.renditions] == [("https://e.org/s.jpg", 100)]
    assert (film.duration, poster.url) == (61, "https://e.org/poster.jpg")
    record = record_of(item)
    assert record.lead_media == FIRST_PLACEHOLDER
    assert [block.type for block in record.blocks] == ["VIDEO"]
    assert [placement.media for placement in record.media] == [FIRST_PLACEHOLDER + 2]


@pytest.mark.parametrize(
    ("xml", "kinds"),
    [
        ('<enclosure url="https://e.org/a.mp3" type="audio/mpeg" length="5"/>', ["AUDIO"]),
        ('<enclosure url="https://e.org/a.jpg" type="image/jpeg" length="0"/>', ["IMAGE"]),
        ('<media:thumbnail url="https://e.org/a.jpg" width="5"/>', ["IMAGE"]),
        ('<itunes:image href="https://e.org/a.jpg"/>', ["IMAGE"]),
        ("<image><url>https://e.org/a.jpg</url></image>", ["IMAGE"]),
        ('<media:content url="javascript:alert(1)" type="image/png"/>', []),
        ('<media:content url="https://e.org/a.svg" type="image/svg+xml"/>', []),
        ('<enclosure url="https://e.org/a.html" type="text/html"/>', []),
        ('<enclosure url="https://e.org/a.pdf" type="application/pdf"/>', ["DOCUMENT"]),
        ('<enclosure url="" type=""/>', []),
    ],
)
def test_media_of_an_item(xml: str, kinds: list[str]) -> None:
    """A file that can run code is left out with a warning."""
    (item,) = rss(f"<title>A</title>{xml}")
    assert [media.kind.value for media in item.media] == kinds
    assert record_of(item).headline == "A"


def test_a_video_of_a_known_site_is_an_embed() -> None:
    """As media or as the player of some."""
    url = "https://www.youtube.com/watch?v=abcdefghijk"
    (item,) = rss(f'<title>A</title><media:content><media:player url="{url}"/></media:content>')
    assert [(block.type, getattr(block, "url", "")) for block in record_of(item).blocks] == [("EMBED", url)]


def test_unknown_elements_are_preserved() -> None:
    """With their namespace, attributes and content."""
    (item,) = rss(
        '<title>A</title><x:rating of="5">4<x:by>B</x:by></x:rating><comments>https://e.org/c</comments>'
    )
    assert record_of(item).extra == {
        "rss": {
            "elements": [
                {
                    "name": "{urn:x}rating",
                    "attributes": {"of": "5"},
                    "text": "4",
                    "elements": [{"name": "{urn:x}by", "text": "B"}],
                },
                {"name": "comments", "text": "https://e.org/c"},
            ]
        }
    }


def test_expiry_and_embargo() -> None:
    """Those of the Dublin Core."""
    (item,) = rss(
        "<title>A</title><dcterms:valid>start=2026-05-01T00:00Z;end=2026-06-01T00:00Z;scheme=W3C-DTF</dcterms:valid>"
    )
    assert record_of(item).embargo_until == dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
    assert record_of(item).expires_at == dt.datetime(2026, 6, 1, tzinfo=dt.UTC)


def test_a_named_point_is_a_place() -> None:
    """Another one is preserved."""
    (item,) = rss(
        "<title>A</title><georss:featurename>Heron City</georss:featurename>"
        "<georss:point>45.2 -71.9</georss:point>"
    )
    (place,) = [record for record in item.references if isinstance(record, TagRecord)]
    assert (place.name, place.type.value, place.latitude, place.longitude) == (
        "Heron City",
        "PLACE",
        45.2,
        -71.9,
    )


def test_the_head_of_a_feed_may_stand_behind_its_items() -> None:
    """Language, authors and rights are those of all items."""
    feed = (
        f"<feed {ATOM}><entry><id>urn:1</id><title>A</title></entry><author><name>Desk</name></author>"
        "<rights>© E</rights></feed>"
    )
    (item,) = read_items("feed.xml", feed.encode())
    assert names_of(item, AuthorRecord) == ["Desk"]
    assert record_of(item).copyright_notice == "© E"
    (item,) = read_items(
        "feed.xml", b"<rss><channel><item><title>A</title></item><language>de</language></channel></rss>"
    )
    assert record_of(item).language == "de"


@pytest.mark.parametrize(
    ("title", "headline"),
    [
        ("<title>A &lt; B</title>", "A < B"),
        ('<title type="text">A &amp;amp; B</title>', "A & B"),
        ('<title type="html">A &lt;b&gt;B&lt;/b&gt; &amp;amp; C</title>', "A B & C"),
        (
            '<title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">The &lt;b&gt; <em>tag</em></div>'
            "</title>",
            "The <b> tag",
        ),
        ('<title mode="base64" type="text/html">QSA8Yj5CPC9iPg==</title>', "A B"),
        ('<title mode="escaped" type="text/html">A &lt;i&gt;B&lt;/i&gt;</title>', "A B"),
    ],
)
def test_titles_of_atom(title: str, headline: str) -> None:
    """By their type, also those of Atom 0.3."""
    assert record_of(atom(title)[0]).headline == headline


def test_an_entry_inherits_its_authors() -> None:
    """From its source, else from the feed; its own come first."""
    feed = "<author><name>Feed</name></author>"
    own, source, none = atom(
        "<title>A</title><author><name>Own</name><email>o@e.org</email></author>",
        "<title>B</title><source><title>S</title><author><name>Source</name></author></source>",
        "<title>C</title>",
        head=feed,
    )
    assert [names_of(item, AuthorRecord) for item in (own, source, none)] == [["Own"], ["Source"], ["Feed"]]
    assert record_of(source).extra["atom"]["elements"][0]["name"] == "atom:source"
    assert "@" not in repr(own)


def test_a_removed_entry_is_canceled() -> None:
    """With its id and the time; nothing of it replaces what is stored."""
    (item,) = atom(
        '<at:deleted-entry ref="urn:1" when="2026-05-01T00:00:00Z"><at:comment>x</at:comment>'
        "</at:deleted-entry>"
    )
    assert external_id(item) == "urn:1"
    assert item.source_status is SourceStatus.CANCELED
    assert item.source_modified_at == dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
    assert item.derived == record_of(item).model_fields_set - {"external_ids"}
    (item,) = atom("<at:deleted-entry/>")
    assert item.error


def test_a_draft_is_hidden() -> None:
    """As the publishing protocol of Atom says it."""
    (item,) = atom("<title>A</title><app:control><app:draft>yes</app:draft></app:control>")
    assert item.source_status is SourceStatus.HIDDEN


def test_content_outside_of_the_feed_is_a_link() -> None:
    """With a warning; a picture is shown."""
    (item,) = atom(
        '<title>A</title><summary>Short</summary><content type="application/pdf" src="https://e.org/a.pdf"/>'
    )
    assert [block.type for block in record_of(item).blocks] == ["PARAGRAPH", "RELATED_LINK"]
    assert "https://e.org/a.pdf" in messages_of(item)
    (item,) = atom('<title>A</title><content type="image/jpeg" src="https://e.org/a.jpg"/>')
    assert item.media[0].url == "https://e.org/a.jpg"
    assert record_of(item).lead_media == FIRST_PLACEHOLDER


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("<content>One\n\nTwo</content>", ["One", "Two"]),
        ('<content type="html">&lt;p&gt;One&lt;/p&gt;</content>', ["One"]),
        ('<content type="text">a &lt; b</content>', ["a < b"]),
        ('<summary type="html">&lt;p&gt;S&lt;/p&gt;</summary>', ["S"]),
        ('<content type="text/plain">Plain</content>', ["Plain"]),
    ],
)
def test_content_of_atom(content: str, expected: list[str]) -> None:
    """By its type."""
    assert texts_of(atom(f"<title>A</title>{content}")[0]) == expected


@pytest.mark.parametrize(
    "feed",
    [
        '<rss version="0.91"><channel><item><title>A</title></item></channel></rss>',
        '<rss version="0.92"><channel><item><title>A</title></item></channel></rss>',
        "<rss><item><title>A</title></item></rss>",
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">'
        '<channel rdf:about="https://e.org/"/><item rdf:about="https://e.org/1"><title>A</title></item></rdf:RDF>',
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
        ' xmlns="http://my.netscape.com/rdf/simple/0.9/"><item><title>A</title></item></rdf:RDF>',
        '<rss xmlns="http://backend.userland.com/rss2"><channel><item><title>A</title></item></channel></rss>',
        '<feed version="0.3" xmlns="http://purl.org/atom/ns#"><entry><title>A</title></entry></feed>',
        "<feed><entry><title>A</title></entry></feed>",
        '<a:feed xmlns:a="http://www.w3.org/2005/Atom"><a:entry><a:title>A</a:title></a:entry></a:feed>',
        f"<entry {ATOM}><title>A</title></entry>",
    ],
)
@pytest.mark.parametrize("before", ["", "\ufeff", '<?xml version="1.0"?>\n', "\n <!-- c -->\n<!DOCTYPE x>"])
def test_all_versions_are_recognised(feed: str, before: str) -> None:
    """With and without what may stand before the root element."""
    (item,) = read_items("feed.xml", f"{before}{feed}".encode())
    assert record_of(item).headline == "A"


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8", "utf-8"),
        ("cp1252", "iso-8859-1"),
        ("cp1252", "utf-8"),
        ("utf-16", "utf-16"),
        ("utf-32", "utf-32"),
        ("iso-8859-15", "iso-8859-15"),
    ],
)
def test_encodings(encoding: str, declared: str) -> None:
    """Declared, marked, or wrong; then there is a warning."""
    declaration = f'<?xml version="1.0" encoding="{declared}"?>'
    feed = f"{declaration}<rss><channel><item><title>Größe é</title></item></channel></rss>"
    (item,) = read_items("feed.xml", feed.encode(encoding))
    assert record_of(item).headline == "Größe é"
    assert ("read as" in messages_of(item)) is (encoding == "cp1252" and declared == "utf-8")


@pytest.mark.parametrize(
    ("feed", "headlines", "error"),
    [
        (
            "<rss><channel><item><title>A</title></item><item><title>B",
            ["A"],
            "in the middle of an element <item>",
        ),
        ("<rss><channel><item><title>A</title></item>", ["A"], "before its last end tag"),
        ("<rss><channel>", [], "before its last end tag"),
    ],
)
def test_a_feed_that_is_cut_off(feed: str, headlines: list[str], error: str) -> None:
    """The items before the end are read; the one that is not whole is not imported in part."""
    *items, last = read_items("feed.xml", feed.encode())
    assert [record_of(item).headline for item in items] == headlines
    assert error in str(last.error)


def test_a_feed_without_items_is_reported() -> None:
    """As skipped, not as an error."""
    (item,) = read_items("feed.xml", b"<rss><channel><title>T</title></channel></rss>")
    assert item.skipped == "the feed has no items"


def test_an_entity_bomb_is_harmless() -> None:
    """Entities stay as they are written, and no file is read."""
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 30))
    feed = (
        f'<!DOCTYPE rss [<!ENTITY e0 "x">{entities}<!ENTITY f SYSTEM "file:///etc/passwd">]>'
        "<rss><channel><item><title>&e29; &f;</title></item></channel></rss>"
    )
    (item,) = read_items("feed.xml", feed.encode())
    assert record_of(item).headline == "&e29; &f;"


def test_an_item_with_a_huge_text_is_an_error_and_the_others_are_read() -> None:
    """Above the largest text of an article, and above the largest item."""
    large, huge, small = rss(
        *(f"<title>A</title><description>{'x' * size}</description>" for size in (5 << 20, 20 << 20, 1))
    )
    assert (large.error, huge.error) == (
        "its text is larger than 4 MiB",
        "the item cannot be read: it is larger than 16 MiB",
    )
    assert texts_of(small) == ["x"]


def test_a_feed_is_read_item_by_item() -> None:
    """Memory for one item at a time: a thousand items of 100 kB take less than ten of them."""

    item = f"<item><title>A</title><description>{'word ' * 20_000}</description></item>"
    feed = f"<rss><channel>{item * 1_000}</channel></rss>".encode()
    count, peak = count_items("feed.xml", feed)
    assert count == 1_000
    assert peak < 10_000_000
