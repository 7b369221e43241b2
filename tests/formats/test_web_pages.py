"""Web pages: JSON-LD, meta elements, the readable text, encodings and hostile pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.support.linear_time import linear_time
from tests.support.source_files import read_items

from contentql.content.blocks import Image, LiveEntry
from contentql.content.enums import Access, ContentType
from contentql.content.import_item import ImportItem, SourceStatus
from contentql.content.records import ArticleRecord

FIXTURES = Path(__file__).parents[2] / "fixtures"
TEXT = "The council met on Monday and agreed on a plan for the harbour, officials said. " * 2
TEASER = '<article class="teaser"><h3><a href="/x">Other story</a></h3><p>Short teaser text.</p></article>'


def page(body: str, head: str = "", language: str = ' lang="en"') -> str:
    return f"<!doctype html><html{language}><head>{head}</head><body>{body}</body></html>"


def json_ld(*nodes: Any) -> str:
    return "".join(
        f'<script type="application/ld+json">{node if isinstance(node, str) else orjson.dumps(node).decode()}'
        "</script>"
        for node in nodes
    )


def read(html: str | bytes, name: str = "page.html", **options: Any) -> ImportItem:
    (read_item,) = read_items(name, html if isinstance(html, bytes) else html.encode(), **options)
    return read_item


def article(read_item: ImportItem) -> ArticleRecord:
    assert isinstance(read_item.record, ArticleRecord), read_item.error
    return read_item.record


def texts(read_item: ImportItem) -> list[str]:
    return [getattr(block, "text", type(block).__name__) for block in article(read_item).blocks]


def messages(read_item: ImportItem) -> str:
    return "\n".join(warning.message for warning in read_item.warnings)


def test_a_page_with_json_ld_arrives_with_everything_that_it_has() -> None:
    read_item = read((FIXTURES / "html" / "tram-line-reopens.html").read_bytes())
    record = article(read_item)
    assert (record.slug, record.kicker) == ("tram-line-reopens", "Transport")
    assert record.headline == "Heron City tram line to reopen on Monday"
    assert str(record.published_at) == "2026-04-10 08:00:00+00:00"
    assert str(record.updated_at) == "2026-04-10 11:30:00+00:00"
    assert (record.category, record.dateline_place) == ("local/transport", "HERON CITY")
    assert [mention.tag for mention in record.tags] == ["TOPIC:trams", "TOPIC:heron-city"]
    assert [credit.author for credit in record.authors] == ["lena-voss"]
    assert [type(block).__name__ for block in record.blocks] == [
        "Paragraph", "Image", "Paragraph", "Heading", "List",
    ]  # fmt: skip
    assert record.access is Access.FREE
    assert [correction.text for correction in record.corrections] == [
        "An earlier version gave the day fare as 5.00."
    ]
    assert [attribution.source for attribution in record.attributions] == ["mayors-office", "emil-strand"]
    (picture,) = read_item.media
    assert (picture.credit, picture.caption) == ("Emil Strand/Heron News", "A tram on test runs last week.")
    assert (picture.alt, picture.width) == ("An empty tram on a new bridge", 3000)
    assert read_item.addresses == ("https://news.example.org/local/tram-line-reopens",)
    assert record.external_ids[0].value == "https://news.example.org/local/tram-line-reopens"
    assert not read_item.warnings


def test_a_graph_has_the_article() -> None:
    read_item = read((FIXTURES / "html" / "graph.html").read_bytes())
    assert article(read_item).headline == "G"
    assert [credit.author for credit in article(read_item).authors] == ["lena-voss"]
    assert texts(read_item) == ["One"]


@pytest.mark.parametrize("name", ["eg-0245", "eg-0266"])
def test_examples_of_schema_org_are_read(name: str) -> None:
    text = (FIXTURES / "schema-org" / f"{name}.jsonld").read_text()
    node = orjson.loads(text)
    read_item = read(page("<article><p>Text.</p></article>", json_ld(text)))
    assert article(read_item).headline == node["headline"]
    assert str(article(read_item).published_at)[:10] == node["datePublished"][:10]
    assert len(article(read_item).corrections) == ("correction" in node)


def test_updates_of_a_live_blog_are_entries() -> None:
    text = (FIXTURES / "schema-org" / "eg-0424.jsonld").read_text()
    record = article(read(page("<p>x</p>", json_ld(text))))
    assert record.content_type is ContentType.LIVE
    assert all(isinstance(block, LiveEntry) for block in record.blocks)
    first = record.blocks[0]
    assert isinstance(first, LiveEntry)
    assert str(first.at) == "2015-03-09 20:08:00+00:00"
    assert (first.title or "").startswith("Coming this April")


@pytest.mark.parametrize(
    ("author", "slugs"),
    [
        ("Lena Voss", ["lena-voss"]),
        ("By Lena Voss and Ada Rehn", ["lena-voss", "ada-rehn"]),
        (["Lena Voss", {"@type": "Person", "name": "Ada Rehn"}], ["lena-voss", "ada-rehn"]),
        ({"@type": "Organization", "name": "Heron News"}, ["heron-news"]),
        ({"name": ["Lena Voss", "Ada Rehn"]}, ["lena-voss", "ada-rehn"]),
        ([{"@id": "#p"}], ["emil-strand"]),
        ("lena@example.org (Lena Voss)", ["lena-voss"]),
        ([{"name": None}, 7, {}], []),
    ],
)
def test_authors_in_every_form(author: Any, slugs: list[str]) -> None:
    nodes = [{"@type": ["Thing", "NewsArticle"], "headline": "H", "author": author},
             {"@type": "Person", "@id": "#p", "name": "Emil Strand"}]  # fmt: skip
    read_item = read(page("<article><p>Text</p></article>", json_ld(nodes)))
    assert [credit.author for credit in article(read_item).authors] == slugs
    assert "@example" not in str(read_item)


def test_a_breadcrumb_is_the_path_of_the_section() -> None:
    """Without the front page and the page itself, ordered by position."""
    crumbs = {
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"position": 3, "item": {"@id": "https://n.example.org/world/asia", "name": "Asia"}},
            {"position": "1", "name": "Home", "item": "https://n.example.org/"},
            {"position": 2, "name": "World", "item": "https://n.example.org/world"},
            {"position": 4, "name": "Quake hits"},
        ],
    }
    head = json_ld({"@type": "NewsArticle", "headline": "Quake hits", "articleSection": "Other"}, crumbs)
    assert article(read(page("<article><p>Text</p></article>", head))).category == "world/asia"


@pytest.mark.parametrize(
    ("node", "head", "access"),
    [
        ({"isAccessibleForFree": True}, "", Access.FREE),
        ({"isAccessibleForFree": "False"}, "", Access.SUBSCRIBER),
        ({"hasPart": {"isAccessibleForFree": False, "cssSelector": ".paywall"}}, "", Access.SUBSCRIBER),
        ({}, '<meta property="article:content_tier" content="metered">', Access.METERED),
    ],
)
def test_paywalls_are_access(node: dict[str, Any], head: str, access: Access) -> None:
    markup = json_ld({"@type": "NewsArticle", "headline": "H", **node}) + head
    assert article(read(page("<article><p>Text</p></article>", markup))).access is access


def test_broken_json_ld_is_repaired_or_reported() -> None:
    """A comma too many, line ends in strings and comments around are repaired."""
    good = '<!--\n{"@type":"http://schema.org/NewsArticle","headline":"A\nB","keywords":"a, b",}\n-->'
    read_item = read(page("<article><p>Text</p></article>", json_ld('{"@type": broken', good)))
    assert article(read_item).headline == "A B"
    assert len(article(read_item).tags) == 2
    assert "1 block of JSON-LD" in messages(read_item)


def test_a_list_of_other_articles_is_not_the_article() -> None:
    teasers = {"@type": "ItemList", "itemListElement": [{"item": {"@type": "NewsArticle", "headline": "T"}}]}
    other = {"@type": "NewsArticle", "headline": "Other", "url": "https://n.example.org/other"}
    own = {"@type": "NewsArticle", "headline": "Own", "url": "https://n.example.org/own"}
    link = '<link rel="canonical" href="https://n.example.org/own">'
    body = "<article><h1>Own</h1><p>Text</p></article>"
    assert article(read(page(body, json_ld(teasers)))).headline == "Own"
    assert article(read(page(body, json_ld(other, own) + link))).headline == "Own"


def test_meta_elements_are_read_without_json_ld() -> None:
    head = """<base href="/news/"><link rel="canonical" href="https://n.example.org/politik/rat-12.html">
        <meta property="og:title" content="Rat beschlie&szlig;t | Zeitung">
        <meta name="author" content="Von Lena Voss">
        <meta property="og:site_name" content="Zeitung"><meta name="description" content="Kurz">
        <meta property="article:published_time" content="2026-04-01T10:00:00+02:00">
        <meta property="article:section" content="Politik"><meta property="article:tag" content="Rat">
        <meta property="article:tag" content="Stadt"><meta property="og:image" content="/i.jpg">
        <meta property="og:image:alt" content="Bild"><title>x</title>"""
    body = '<article><p>Ein <a href="/x">Link</a> und <a href="rel">noch einer</a>.</p></article>'
    read_item = read(page(body, head, ' lang="de-AT"'))
    record = article(read_item)
    assert (record.headline, record.summary, record.language) == ("Rat beschließt", "Kurz", "de-AT")
    assert (record.category, record.slug) == ("politik", "rat-12")
    assert str(record.published_at) == "2026-04-01 08:00:00+00:00"
    assert [credit.author for credit in record.authors] == ["lena-voss"]
    assert len(record.tags) == 2
    assert (read_item.media[0].url, read_item.media[0].alt) == ("https://n.example.org/i.jpg", "Bild")
    marks = getattr(record.blocks[0], "marks", ())
    assert [mark.value for mark in marks] == ["https://n.example.org/x", "https://n.example.org/news/rel"]


def test_a_canonical_address_on_another_host_is_kept() -> None:
    head = (
        '<link rel="canonical" href="https://agency.example.com/a">'
        '<meta property="og:url" content="https://n.example.org/b">'
    )
    read_item = read(page("<article><h1>T</h1><p>Text</p></article>", head))
    assert article(read_item).canonical_elsewhere
    assert read_item.addresses == ("https://n.example.org/b",)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (f'<div class="nav"><a href="/">Home</a></div><div class="cookie-banner"><p>{TEXT}</p></div>'
         f'<div class="c"><h1>T</h1><p>{TEXT}1</p><div class="share-buttons">Share</div><p>{TEXT}2</p></div>'
         f'<div id="comments"><p>{TEXT}</p></div>', [f"{TEXT}1", f"{TEXT}2"]),
        (f"<main><div><h1>T</h1><p>{TEXT}1</p></div><section>{TEASER * 6}</section></main>", [f"{TEXT}1"]),
        (f"<article><h1>T</h1><p>{TEXT}1</p>{TEASER}</article>{TEASER * 3}", [f"{TEXT}1"]),
        (f'<article><h1>T</h1><div itemprop="articleBody"><p>A</p></div><div class="ad">Ad</div>'
         f'<div itemprop="articleBody"><p>B</p></div><p>{TEXT}</p></article>', ["A", "B"]),
        (f'<article><header><p class="kicker">K</p><h1>T</h1><p class="byline">By A</p></header>'
         f'<div class="article-body"><p>{TEXT}1</p><aside class="related"><a href="/r">R</a></aside>'
         '<div class="newsletter-signup"><p>Sign up</p></div></div></article>', [f"{TEXT}1"]),
        (f'<main><h1>T</h1><time datetime="2026-01-01">1 January</time><p>{TEXT}1</p>'
         '<ul role="navigation"><li>Next</li></ul></main>', [f"{TEXT}1"]),
    ],
)  # fmt: skip
def test_the_text_of_the_article_is_found(body: str, expected: list[str]) -> None:
    read_item = read(page(body))
    assert article(read_item).headline == "T"
    assert texts(read_item) == expected


@pytest.mark.parametrize("is_installed", [True, False])
def test_a_page_that_marks_no_article_is_read(is_installed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the extra `html`, and without it."""
    if not is_installed:
        monkeypatch.setattr("contentql.formats.pages.html_reader.find_spec", lambda name: None)
    body = (
        f'<div id="menu"><ul><li><a href="/">Home</a></li></ul></div><div><div><h1>T</h1><p>{TEXT}1</p>'
        f'<p>{TEXT}2</p></div></div><div class="sidebar"><p>{TEXT}</p></div>'
    )
    assert texts(read(page(body))) == [f"{TEXT}1", f"{TEXT}2"]


def test_the_picture_above_the_body_stays() -> None:
    """With its credit; one that is the lead picture is not shown twice."""
    body = (
        f'<article><header><h1>T</h1><figure><img src="https://n.example.org/h.jpg" width="800" height="600">'
        '<figcaption>Caption <span class="credit">(Foto: X)</span></figcaption></figure></header>'
        f'<div class="article-body"><p>{TEXT}</p></div></article>'
    )
    read_item = read(page(body))
    first = article(read_item).blocks[0]
    assert isinstance(first, Image)
    assert first.caption == "Caption"
    assert (read_item.media[0].credit, read_item.media[0].width) == ("Foto: X", 800)
    lead = '<meta property="og:image" content="https://n.example.org/h.jpg">'
    again = article(read(page(body, lead)))
    assert again.lead_media == again.media[0].media
    assert again.media[0].caption == "Caption"
    assert not any(isinstance(block, Image) for block in again.blocks)


def test_the_article_of_the_metadata_is_read_where_the_page_shows_none() -> None:
    node = {"@type": "NewsArticle", "headline": "H", "articleBody": "One.\nTwo."}
    assert texts(read(page("<div>Loading</div>", json_ld(node)))) == ["One.", "Two."]


@pytest.mark.parametrize(
    ("text", "encoding", "head", "warned"),
    [
        ("東京で地震がありました。これはテストです。", "cp932", '<meta charset="shift_jis">', False),
        ("東京で地震がありました。これはテストです。", "cp932", "", True),
        ("東京で地震がありました。これはテストです。", "euc_jp", "", True),
        ("서울에서 지진이 일어났습니다", "cp949", "", True),
        ("Le café – déjà vu “x” €5", "cp1252", "", True),
        ("Le café – déjà vu “x” €5", "cp1252", '<meta charset="iso-8859-1">', False),
        ("Le café “x”", "cp1252", '<meta charset="utf-8">', True),
        ("Le café “x”", "utf-8", '<meta charset="iso-8859-1">', True),
        (
            "Привет мир",
            "koi8-r",
            '<meta http-equiv="Content-Type" content="text/html; charset=koi8-r">',
            False,
        ),
        ("Zażółć gęślą jaźń", "utf-16", "", False),
    ],
)
def test_encodings_are_found(text: str, encoding: str, head: str, warned: bool) -> None:
    read_item = read(page(f"<article><h1>T</h1><p>{text}</p></article>", head).encode(encoding))
    assert texts(read_item) == [text]
    assert ("encoding" in messages(read_item)) is warned


def test_the_language_decides_where_bytes_do_not() -> None:
    html = page("<article><h1>T</h1><p>Привет</p></article>", language=' lang="ru"')
    assert texts(read(html.encode("cp1251"))) == ["Привет"]


@pytest.mark.parametrize("status", ["Draft", "Private"])
def test_unpublished_pages_are_hidden(status: str) -> None:
    node = {"@type": "NewsArticle", "headline": "H", "creativeWorkStatus": status}
    read_item = read(page("<article><p>Text</p></article>", json_ld(node)))
    assert read_item.source_status is SourceStatus.HIDDEN


def test_scripts_hide_nowhere() -> None:
    node = {
        "@type": "NewsArticle", "headline": "<b>H</b><script>alert(1)<\\/script>",
        "image": "javascript:alert(2)",
        "articleBody": "<p onclick=alert(3)>Text of it</p><img src=x onerror=alert(4)>",
        "author": {"name": "<img src=x onerror=alert(5)>Lena Voss", "url": "javascript:alert(6)"},
        "correction": {"text": "<script>alert(7)<\\/script>Fixed", "datePublished": "2026-01-01T00:00:00Z"},
    }  # fmt: skip
    head = json_ld(orjson.dumps(node).decode().replace("\\\\/", "\\/"))
    read_item = read(page('<p onclick="alert(8)"><a href="javascript:alert(9)">x</a></p>', head))
    record = article(read_item)
    assert [credit.author for credit in record.authors] == ["lena-voss"]
    shown = str((record.headline, record.blocks, record.corrections, read_item.media, read_item.references))
    for sign in ("javascript:", "onerror", "onclick", "<script", "<img"):
        assert sign not in shown


def test_a_doctype_with_entities_is_inert() -> None:
    html = '<!DOCTYPE html [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + page("<h1>T</h1><p>a &x; b</p>")
    assert "root:" not in str(read(html))


@pytest.mark.parametrize(
    "body",
    [
        "<article>" + "<div>" * 50_000 + "x",
        "<article>" + "<article><p>x y</p>" * 15_000,
        "<article>" + "<header><p>x<figure><img src=a.jpg>" * 10_000,
        "<article>" + "<aside><p class=kicker>x" * 20_000,
        "<p>word word word word word</p>" * 20_000,
        "<div itemprop=articleBody><p>x y" * 15_000,
        "<table><tr><td>" * 20_000,
        '<script type="application/ld+json">' + "[" * 100_000 + "</script><p>x</p>",
        '<script type="application/ld+json">' + '{"@graph":' * 100_000 + "</script><p>x</p>",
        '<script type="application/ld+json">[' + '{"@type":"NewsArticle"},' * 20_000 + "1]</script><p>x</p>",
    ],
)
def test_hostile_pages_end(body: str) -> None:
    with linear_time():
        read(page(body))


def test_a_page_is_told_by_its_content() -> None:
    assert article(read("<article><h1>T</h1><p>a</p></article>", "a.html")).headline == "T"
    assert article(read(page("<h1>T</h1><p>abc</p>"), "unnamed")).headline == "T"
