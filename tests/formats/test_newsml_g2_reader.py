"""Reader of NewsML-G2: messages, codes, texts in XHTML and NITF, files, hostile input."""

from __future__ import annotations

import base64
import datetime as dt
import json
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from tests.support.linear_time import linear_time
from tests.support.source_files import (
    messages_of,
    read_items,
    record_of,
    tags_of,
    texts_of,
)

from contentql.content import blocks
from contentql.content.enums import ContentType, TagType
from contentql.content.import_item import ImportItem, SourceStatus
from contentql.content.records import AuthorRecord
from contentql.formats.agency.newsml_g2_reader import sniff

FIXTURES = Path(__file__).parents[2] / "fixtures"
NAMESPACE = "http://iptc.org/std/nar/2006-10-01/"
HEADLINE = "<headline>A</headline>"
XHTML = (
    '<inlineXML contenttype="application/xhtml+xml"><html xmlns="http://www.w3.org/1999/xhtml">'
    "<head><title>T</title></head><body>{}</body></html></inlineXML>"
)


def news_item(
    management: str = "", meta: str = HEADLINE, content: str = "", before: str = "", guid: str = "urn:a:1"
) -> str:
    """A news item with the children of its parts."""
    return (
        f'<newsItem xmlns="{NAMESPACE}" guid="{guid}" version="2" xml:lang="en">{before}'
        f"<itemMeta>{management}</itemMeta><contentMeta>{meta}</contentMeta>"
        f"<contentSet>{content}</contentSet></newsItem>"
    )


def message(*items: str) -> bytes:
    """A news message with items."""
    return f'<newsMessage xmlns="{NAMESPACE}"><itemSet>{"".join(items)}</itemSet></newsMessage>'.encode()


def read_one(*arguments: str, **options: str) -> ImportItem:
    (item,) = read_items("a.xml", news_item(*arguments, **options).encode())
    return item


def test_story_is_read_with_everything_that_the_format_carries() -> None:
    (item,) = read_items("a.xml", (FIXTURES / "stories/newsml-g2/tram-line-reopens.xml").read_bytes())
    (story,) = [
        story
        for story in json.loads((FIXTURES / "stories/stories.json").read_text())["stories"]
        if story["slug"] == "tram-line-reopens"
    ]
    record = record_of(item)
    assert (record.slug, record.headline, record.kicker) == (story["slug"], story["title"], story["kicker"])
    assert (record.summary, record.language, record.urgency) == (story["summary"], "en", 4)
    assert record.published_at == dt.datetime.fromisoformat(story["published"])
    assert record.updated_at == dt.datetime.fromisoformat(story["updated"])
    assert (item.source_version, item.source_status) == (2, SourceStatus.PUBLIC)
    assert record.category == "local/transport"
    assert [mention.tag for mention in record.tags] == ["TOPIC:trams", "PLACE:heron-city"]
    (author,) = [each for each in item.references if isinstance(each, AuthorRecord)]
    assert (author.name, author.same_as) == ("Lena Voss", (story["authors"][0]["url"],))
    assert (record.dateline_place, record.dateline_text) == ("Heron City", "HERON CITY, April 10")
    assert item.addresses == (story["url"],)
    (picture,) = item.media
    expected = story["media"][0]
    assert (picture.url, picture.alt, picture.credit) == (
        expected["href"],
        expected["alt"],
        expected["credit"],
    )
    assert (picture.width, picture.height, picture.caption) == (3000, 2000, expected["caption"])
    assert [block.type for block in record.blocks] == ["PARAGRAPH", "IMAGE", "PARAGRAPH", "HEADING", "LIST"]
    assert record.ed_note == "CORRECTION: An earlier version gave the day fare as 5.00."
    elements = [part["element"] for part in record.extra["newsml-g2"]["contentMeta"]]
    assert elements.count("infoSource") == len(story["sources"])


def test_withheld_story_is_hidden() -> None:
    (item,) = read_items("a.xml", (FIXTURES / "stories/newsml-g2/lab-closure.xml").read_bytes())
    assert item.source_status is SourceStatus.HIDDEN
    assert (record_of(item).published_at, record_of(item).category) == (None, "local")


def listing(number: str) -> list[ImportItem]:
    (path,) = (FIXTURES / "newsml-g2").glob(f"LISTING_{number}_*.xml")
    return read_items(path.name, path.read_bytes())


def test_listing_with_everything() -> None:
    """Embargo, note, genre, names in two languages, what no field has with the catalogs of its codes."""
    (item,) = listing("1")
    record = record_of(item)
    assert record.embargo_until == dt.datetime(2018, 10, 23, 12, tzinfo=dt.UTC)
    assert record.content_type is ContentType.INTERVIEW
    assert record.language == "en-GB"
    assert str(record.ed_note).startswith("Note to editors: STRICTLY EMBARGOED.")
    tag = tags_of(item)["labour market"]
    assert [(name.language, name.name) for name in tag.names] == [("de", "Arbeitsmarkt")]
    assert [(code.scheme, code.code) for code in tag.codes] == [("medtop", "20000523")]
    extra = record.extra["newsml-g2"]
    assert [part["element"] for part in extra["contentMeta"]] == ["contentModified", "located", "infoSource"]
    assert extra["slugline"]["text"] == "US-Finance-Fed"
    assert extra["catalogRef"] == ["http://www.example.com/newsml-g2/catalog.enews_2.xml"]


def test_listing_with_nitf() -> None:
    (item,) = listing("2")
    assert len(texts_of(item)) == 2
    assert record_of(item).byline == "By Meredith Jameson, Staff Reporter"
    (fragment,) = listing("25")
    assert record_of(fragment).headline.startswith("Arizona Diamondbacks (29-23)")
    assert str(record_of(fragment).summary).startswith("A pair of teams")
    assert len(texts_of(fragment)) == 1


def test_listing_of_a_package() -> None:
    """The package is reported with what it refers to; the items in the message are read by themselves."""
    (package,) = listing("6")
    assert str(package.skipped).startswith(
        "a package 'UK' of 2 items, which are read by themselves: urn:newsml"
    )
    items = listing("24")
    assert str(items[0].skipped).startswith("a package of 4 items")
    assert [item.error for item in items[1:]] == ["the item has neither a title nor a text"] * 4


def test_listing_of_a_picture() -> None:
    """Its files are beside the XML, so the article has none; everything else is read."""
    (item,) = listing("3")
    assert record_of(item).content_type is ContentType.GALLERY
    assert str(record_of(item).summary).startswith("A general view of part of downtown")
    assert tags_of(item)["Las Vegas"].type is TagType.PLACE
    assert messages_of(item).count("has no address on the web") == 3


def test_hop_history_is_kept() -> None:
    (path,) = (FIXTURES / "newsml-g2").glob("LISTING_29_*.xml")
    content = (
        path.read_bytes()
        .replace(b"<!-- metadata and content -->", b"", 2)
        .replace(b"<!-- metadata and content -->", f"<contentMeta>{HEADLINE}</contentMeta>".encode())
    )
    (item,) = read_items("a.xml", content)
    hops = record_of(item).extra["newsml-g2"]["hopHistory"]["children"]
    assert [hop["attributes"]["seq"] for hop in hops] == ["1", "2", "3", "4"]
    assert not record_of(item).attributions


@pytest.mark.parametrize(
    ("management", "expected"),
    [
        ("", SourceStatus.PUBLIC),
        ('<pubStatus qcode="stat:usable"/>', SourceStatus.PUBLIC),
        ('<pubStatus qcode="stat:withheld"/>', SourceStatus.HIDDEN),
        ('<pubStatus qcode="stat:canceled"/>', SourceStatus.CANCELED),
        ('<pubStatus uri="http://cv.iptc.org/newscodes/pubstatusg2/canceled"/>', SourceStatus.CANCELED),
        ('<pubStatus uri="https://cv.iptc.org/newscodes/pubstatusg2/usable"/>', SourceStatus.PUBLIC),
        ('<pubStatus qcode="stat:other"/>', SourceStatus.HIDDEN),
        ('<pubStatus qcode="unknown:usable"/>', SourceStatus.HIDDEN),
        ('<pubStatus qcode="stat:usable"/><edNote>KILL: see note</edNote>', SourceStatus.CANCELED),
        ("<embargoed/>", SourceStatus.HIDDEN),
        ("<embargoed>later</embargoed>", SourceStatus.HIDDEN),
        ("<embargoed>2099-01-01T00:00:00Z</embargoed>", SourceStatus.PUBLIC),
    ],
)
def test_status(management: str, expected: SourceStatus) -> None:
    """What is not known to be usable is hidden, also an embargo without an end."""
    assert read_one(management).source_status is expected


@pytest.mark.parametrize(
    ("scheme", "qcode", "expected"),
    [
        ('alias="ps" uri="http://cv.iptc.org/newscodes/pubstatusg2/"', "ps:canceled", SourceStatus.CANCELED),
        ('alias="stat" uri="https://example.org/statistics/"', "stat:usable", SourceStatus.HIDDEN),
    ],
)
def test_aliases_are_those_of_the_catalog_of_the_item(
    scheme: str, qcode: str, expected: SourceStatus
) -> None:
    """In a message the same alias may stand for something else in the next item."""
    catalog = f"<catalog><scheme {scheme}/></catalog>"
    first, second = read_items(
        "a.xml",
        message(
            news_item(f'<pubStatus qcode="{qcode}"/>', before=catalog),
            news_item('<pubStatus qcode="stat:usable"/>', guid="urn:a:2"),
        ),
    )
    assert first.source_status is expected
    assert second.source_status is SourceStatus.PUBLIC


def test_kill_needs_no_more_than_the_guid() -> None:
    """Nothing else of the stored article is changed."""
    content = (
        f'<newsItem xmlns="{NAMESPACE}" guid="urn:a:1" version="3"><itemMeta>'
        '<pubStatus qcode="stat:canceled"/></itemMeta></newsItem>'
    )
    (item,) = read_items("a.xml", content.encode())
    assert (item.source_status, item.source_version) == (SourceStatus.CANCELED, 3)
    assert record_of(item).model_fields_set - item.derived == {"uri", "external_ids"}


def test_headlines_by_role_and_language() -> None:
    meta = (
        '<language tag="de"/><headline xml:lang="en">English</headline>'
        '<headline xml:lang="de">Deutsch</headline>'
        '<headline role="x:kicker" xml:lang="de">Dach</headline><headline role="x:short" xml:lang="de">Kurz'
        '</headline><description role="drol:summary">Summe</description>'
    )
    record = record_of(read_one("", meta))
    assert (record.headline, record.kicker, record.short_headline) == ("Deutsch", "Dach", "Kurz")
    assert (record.language, record.summary) == ("de", "Summe")
    (other,) = record.extra["newsml-g2"]["descriptions"]
    assert other["text"] == "English"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (XHTML.format("<p>A</p><p>B <b>c</b> &lt;d&gt;</p>"), ["A", "B c <d>"]),
        ('<inlineXML><nitf><body><body.content><p>A</p><hl2>H</hl2></body.content></body></nitf></inlineXML>',
         ["A", "H"]),
        ('<inlineData contenttype="text/plain">A\n\nB</inlineData>', ["A", "B"]),
        ('<inlineData contenttype="text/html">&lt;p&gt;A&lt;/p&gt;</inlineData>', ["A"]),
        (
            f'<inlineData contenttype="text/html" encoding="enc:base64">'
            f'{base64.b64encode("<p>Ä</p>".encode()).decode()}</inlineData>',
            ["Ä"],
        ),
        ('<inlineData contenttype="text/plain">B</inlineData>' + XHTML.format("<p>A</p>"), ["A"]),
        (
            XHTML.format("<p>English</p>").replace("<inlineXML", '<inlineXML xml:lang="fr"', 1)
            + '<inlineData contenttype="text/plain" xml:lang="en">B</inlineData>',
            ["B"],
        ),
        ("<inlineXML><html><body><h1>A</h1><p>B</p></body></html></inlineXML>", ["B"]),
    ],
)  # fmt: skip
def test_texts(content: str, expected: list[str]) -> None:
    """XHTML before NITF before plain text, in the language of the item."""
    assert texts_of(read_one("", HEADLINE, content)) == expected


def test_nitf_with_media_tables_and_notes() -> None:
    """Notes to editors in the text are not public."""
    nitf = (
        '<inlineXML><nitf xmlns="http://iptc.org/std/NITF/2006-10-18/"><body><body.head>'
        "<note><p>Do not use.</p></note><byline>By Lena Voss</byline>"
        "<dateline><location>HERON CITY</location></dateline></body.head>"
        '<body.content><p>A <em>b</em> <person>Ada Rehn</person> <a href="https://e.org/">c</a></p>'
        '<media media-type="image"><media-reference source="https://e.org/s.jpg" width="10"/>'
        '<media-reference source="https://e.org/l.jpg" width="100" alternate-text="Alt"/>'
        "<media-caption>Caption.</media-caption></media><table><tr><td>1</td><td>2</td></tr></table>"
        "<ul><li>x</li></ul><bq><block><p>Quote</p></block></bq><note>Hidden</note></body.content>"
        "<body.end><tagline>Tag</tagline></body.end></body></nitf></inlineXML>"
    )
    item = read_one("", HEADLINE, nitf)
    record = record_of(item)
    assert [block.type for block in record.blocks] == [
        "PARAGRAPH", "IMAGE", "TABLE", "LIST", "QUOTE", "PARAGRAPH",
    ]  # fmt: skip
    assert texts_of(item)[0] == "A b Ada Rehn c"
    assert [(picture.url, picture.alt, picture.caption) for picture in item.media] == [
        ("https://e.org/l.jpg", "Alt", "Caption.")
    ]
    assert record.ed_note == "Do not use.\nHidden"
    assert (record.byline, record.dateline_place) == ("By Lena Voss", "HERON CITY")


def test_other_xml_is_no_text() -> None:
    item = read_one(
        "", HEADLINE, '<inlineXML contenttype="application/sportsml+xml"><sports-content/></inlineXML>'
    )
    assert texts_of(item) == []
    assert "the content in application/sportsml+xml cannot be read" in messages_of(item)


def test_picture_item_has_its_renditions() -> None:
    files = "".join(
        f'<remoteContent rendition="rnd:{name}" href="https://e.org/{name}.jpg" contenttype="image/jpeg"'
        f' width="{width}" height="{width}" size="{width * 10}"/>'
        for name, width in (("thumbnail", 10), ("highRes", 100), ("web", 50))
    )
    meta = (
        f'{HEADLINE}<creditline>Heron News</creditline><description role="drol:caption">A tram.</description>'
    )
    item = read_one('<itemClass qcode="ninat:picture"/>', meta, files)
    (picture,) = item.media
    assert (picture.url, picture.width, picture.bytes) == ("https://e.org/highRes.jpg", 100, 1000)
    assert (picture.credit, picture.caption) == ("Heron News", "A tram.")
    assert [rendition.name for rendition in picture.renditions] == ["thumbnail", "highRes", "web"]
    (image,) = record_of(item).blocks
    assert isinstance(image, blocks.Image)
    assert record_of(item).content_type is ContentType.GALLERY


def test_subjects_have_types_codes_and_positions() -> None:
    meta = HEADLINE + (
        '<subject type="cpnat:person" qcode="x:1" relevance="40" confidence="90"/>'
        '<subject type="cpnat:geoArea" uri="http://www.wikidata.org/entity/Q5"><name>Coast</name></subject>'
        '<subject typeuri="http://cv.iptc.org/newscodes/cpnature/organisation" literal="o"><name>Trams</name>'
        '<sameAs qcode="wikidata:Q9"/></subject>'
        '<subject qcode="x:2"/><keyword>bridge</keyword>'
        '<genre qcode="genre:Analysis"/>'
    )
    asserts = (
        '<assert qcode="x:1"><name>Ada Rehn</name></assert>'
        '<assert uri="http://www.wikidata.org/entity/Q5"><geoAreaDetails>'
        '<position latitude="57.5" longitude="18.25"/></geoAreaDetails></assert>'
    )
    item = read_one("", meta, before=asserts)
    tags = tags_of(item)
    assert {name: tag.type for name, tag in tags.items()} == {
        "Ada Rehn": TagType.PERSON,
        "Coast": TagType.PLACE,
        "Trams": TagType.ORGANISATION,
        "bridge": TagType.TOPIC,
    }
    assert (tags["Coast"].wikidata, tags["Coast"].latitude, tags["Coast"].longitude) == ("Q5", 57.5, 18.25)
    assert (tags["Trams"].wikidata, [code.code for code in tags["Trams"].codes]) == ("Q9", ["o"])
    assert (record_of(item).tags[0].relevance, record_of(item).tags[0].confidence) == (40, 90)
    assert record_of(item).content_type is ContentType.ANALYSIS
    assert "1 subjects without a name became no tags" in messages_of(item)


def test_creators_are_authors_unless_they_are_organisations() -> None:
    meta = HEADLINE + (
        '<creator type="cpnat:organisation"><name>Heron News</name></creator>'
        '<creator role="crol:photographer"><name>Emil Strand</name></creator>'
        '<contributor role="ctrol:descrWriter"><name>Sub Editor</name></contributor>'
        '<contributor role="x:translator"><name>Ada Rehn</name></contributor>'
    )
    record = record_of(read_one("", meta))
    assert [(credit.author, credit.role.value) for credit in record.authors] == [
        ("emil-strand", "PHOTOGRAPHER"),
        ("ada-rehn", "TRANSLATOR"),
    ]
    kept_elements = record.extra["newsml-g2"]["concepts"]
    assert [part["element"] for part in kept_elements] == ["creator", "contributor"]


def test_items_of_a_message_are_read_one_by_one() -> None:
    """Other kinds of items are skipped with the reason; an item without an id does not stop the others."""
    skipped = "".join(
        f"<{name}/>" for name in ("conceptItem", "knowledgeItem", "planningItem", "catalogItem")
    )
    items = read_items(
        "a.xml",
        message(news_item(guid="urn:a:1"), skipped, news_item(guid=""), news_item(guid="urn:a:2")),
    )
    assert [item.place for item in items] == [f"item {number}" for number in range(1, 8)]
    assert [item.skipped for item in items if item.skipped] == [
        "a concept, not an article",
        "a set of concepts, not an article",
        "a plan of coverage, not an article",
        "a catalog of vocabularies, not an article",
    ]
    assert items[5].error == "the item has no guid, which every item must have"
    assert record_of(items[6]).uri == "urn:a:2"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (message(news_item())[:-20], "not well-formed XML"),
        (message(news_item(), "<newsItem><itemMeta>"), "not well-formed XML"),
        (
            message(news_item(), news_item().replace("<contentSet>", "<contentSet>" + "<a>" * 1000)),
            "nested more than",
        ),
        (
            message(news_item(), news_item().replace("<contentSet>", "<contentSet>" + "<a/>" * 200_001)),
            "200,000",
        ),
    ],
)
def test_errors_of_the_file_keep_what_came_before(content: bytes, expected: str) -> None:
    items = read_items("a.xml", content)
    assert record_of(items[0]).headline == "A"
    assert len(items) == 2
    assert expected in str(items[1].error)


@pytest.mark.parametrize(
    "declaration",
    [
        '<!DOCTYPE newsItem [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE newsItem [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE newsItem SYSTEM "http://127.0.0.1/evil.dtd">',
    ],
)
def test_doctypes_are_refused(declaration: str) -> None:
    (item,) = read_items("a.xml", (declaration + news_item(meta="<headline>&b;&x;</headline>")).encode())
    assert item.error == "the file has a DOCTYPE or entities of its own, which are not allowed"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_encodings(encoding: str) -> None:
    content = f'<?xml version="1.0" encoding="{encoding}"?>' + news_item(meta="<headline>Zürich é</headline>")
    (item,) = read_items("a.xml", content.encode(encoding))
    assert record_of(item).headline == "Zürich é"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (message(), True),
        (b"<?xml version='1.0'?><!-- a <newsItem> --><n:newsItem xmlns:n='x' guid='a'/>", True),
        (b"<packageItem/>", True),
        (b"<rss><channel><item><newsItem/></item></channel></rss>", False),
        (b"<NewsML><NewsItem/></NewsML>", False),
        (b"newsItem", False),
    ],
)
def test_files_are_recognised_by_their_root(content: bytes, expected: bool) -> None:
    assert sniff(content, "a.xml") is expected


@pytest.mark.parametrize(
    "text",
    ["<!---->", "<?a?>", "<!DOCTYPE[", "<!DOCTYPE a [", "<!-- ", "<? ", " ", "<a:", "<!DOCTYPE x [] "],
)
def test_files_are_recognised_in_linear_time(text: str) -> None:
    with linear_time():
        sniff(text.encode() * (60_000 // len(text)), "a.xml")


_ELEMENTS = (
    "itemClass", "provider", "versionCreated", "embargoed", "pubStatus", "edNote", "link", "urgency",
    "located", "infoSource", "creator", "contributor", "language", "keyword", "genre", "subject", "slugline",
    "headline", "dateline", "by", "description", "icon", "inlineXML", "inlineData", "remoteContent", "name",
    "sameAs", "assert", "geoAreaDetails", "position", "html", "body", "p", "nitf", "body.content", "media",
    "media-reference", "hopHistory", "catalog", "scheme", "figure", "img",
)  # fmt: skip
_ATTRIBUTES = (
    "qcode", "uri", "literal", "role", "type", "href", "rendition", "contenttype", "width", "size",
    "xml:lang", "tag", "rel", "alias", "latitude", "longitude", "relevance", "source", "src", "encoding",
)  # fmt: skip
_TEXTS = some.one_of(
    some.sampled_from(
        [
            "stat:usable",
            "ninat:picture",
            "cpnat:person",
            "https://e.org/a.jpg",
            "image/jpeg",
            "nan",
            "http://[",
        ]
    ),
    some.text(some.characters(exclude_categories=["Cs", "Cc"]), max_size=8),
)


def _element(name: str, attributes: dict[str, str], text: str, children: list[str]) -> str:
    values = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<{name}{values}>{escape(text)}{''.join(children)}</{name}>"


def _elements(children: Any) -> some.SearchStrategy[str]:
    attributes = some.dictionaries(some.sampled_from(_ATTRIBUTES), _TEXTS, max_size=3)
    return some.builds(_element, some.sampled_from(_ELEMENTS), attributes, _TEXTS, children)


_TREES = some.recursive(
    _elements(some.just([])), lambda inner: _elements(some.lists(inner, max_size=6)), max_leaves=20
)
_PARTS = some.lists(_TREES, max_size=6).map("".join)


@given(_PARTS, _PARTS, _PARTS, _PARTS)
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=150)
def test_any_element_anywhere_is_read(management: str, meta: str, content: str, before: str) -> None:
    """Nothing raises; the item is an article, or has an error."""
    for item in read_items("a.xml", news_item(management, meta, content, before).encode()):
        assert item.record or item.error or item.skipped
