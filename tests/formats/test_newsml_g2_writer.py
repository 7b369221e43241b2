"""Writer of NewsML-G2 2.35: valid by the standard's schema, and the same fields again when it is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from lxml import etree
from NewsMLG2 import NewsMLG2Document
from tests.support.article_documents import document_of, public_documents
from tests.support.generated_bodies import BODIES
from tests.support.source_files import (
    read_items,
    values_of,
)

from contentql.content.import_item import ImportItem
from contentql.content.records import ArticleRecord
from contentql.content.render import render_html
from contentql.execution.executor import Executor
from contentql.formats.agency.newsml_g2_writer import write
from contentql.formats.article_document import FeedInfo

FIXTURES = Path(__file__).parents[2] / "fixtures"
FEED = FeedInfo(title="News", site="Heron News", home_url="https://news.example.org/")
SCHEMA = etree.XMLSchema(etree.parse(FIXTURES / "newsml-g2/schema/NewsML-G2_2.35-spec-All-Power.xsd"))


def message_of(*documents: dict[str, Any]) -> bytes:
    """The message that the writer makes of documents, checked against the schema."""
    content = b"".join(write(documents, FEED))
    root = etree.fromstring(content)
    assert SCHEMA.validate(root), SCHEMA.error_log
    return content


def read_again(item: ImportItem) -> ImportItem:
    """The import item after it was written and read."""
    (again,) = read_items("a.xml", message_of(document_of(item)))
    return again


async def test_demo_newsroom_is_valid(demo_executor: Executor) -> None:
    """Every public article is a valid item, and can be read by us and by the library of the IPTC."""
    documents = await public_documents(demo_executor)
    content = message_of(*documents)
    read = read_items("a.xml", content)
    assert [item.error for item in read] == [None] * len(documents)
    for document, item in zip(documents, read, strict=True):
        assert isinstance(item.record, ArticleRecord)
        assert (item.record.uri, item.record.headline) == (document["uri"], document["headline"])
        assert item.record.language == document["language"]
    elements = [NewsMLG2Document(etree.tostring(element)) for element in etree.fromstring(content)[1]]
    by_library = [(each.get_item().guid, str(each.get_item().contentmeta.headline[0])) for each in elements]
    assert by_library == [(each["uri"], each["headline"]) for each in documents]


def imported_items() -> Iterator[Any]:
    paths = (
        *(FIXTURES / "stories").glob("n*/*"),
        *(FIXTURES / "newsml-g2").glob("*.xml"),
        *(FIXTURES / "ninjs").glob("0*.json"),
    )
    for path in sorted(paths):
        for item in read_items(path.name, path.read_bytes(), language="en"):
            if item.record:
                yield pytest.param(item, id=path.stem)


@pytest.mark.parametrize("item", list(imported_items()))
def test_items_are_the_same_after_export_and_import(item: ImportItem) -> None:
    """The second export has the same items as the first; what other formats kept is not written."""
    again = read_again(item)
    assert values_of(read_again(again)) == values_of(again)
    expected, actual = values_of(item), values_of(again)
    names = [
        "headline", "kicker", "summary", "blocks", "tags", "category", "language", "urgency", "embargo_until",
        "expires_at", "uri", "slug", "usage_terms", "copyright_notice", "dateline_place", "authors",
        "content_type",
    ]  # fmt: skip
    # The standard requires a time, which an item without one gets.
    names += ["published_at", "updated_at"] if item.source_modified_at else []
    for name in names:
        assert actual["record"][name] == expected["record"][name], name
    for before, after in zip(expected["media"], actual["media"], strict=True):
        assert {name: before[name] for name in ("url", "alt", "credit")} == {
            name: after[name] for name in ("url", "alt", "credit")
        }
    assert (actual["status"], actual["addresses"]) == (expected["status"], expected["addresses"])


def test_what_an_import_kept_is_written_again() -> None:
    """With the catalogs of its codes."""
    path = next((FIXTURES / "newsml-g2").glob("LISTING_1_*.xml"))
    (item,) = read_items(path.name, path.read_bytes())
    content = message_of(document_of(item)).decode()
    for text in (
        '<service qcode="svc:uknews"><name>UK News Service</name></service>',
        '<signal qcode="sig:update"></signal>',
        '<infoSource uri="http://www.example.com"></infoSource>',
        '<broader qcode="iso3166-1a2:DE" type="cptype:country">',
        '<catalogRef href="http://www.example.com/newsml-g2/catalog.enews_2.xml"/>',
        "<slugline>US-Finance-Fed</slugline>",
        '<provider qcode="nprov:REUTERS"></provider>',
    ):
        assert text in content, text
    again = read_again(item)
    assert isinstance(item.record, ArticleRecord)
    assert isinstance(again.record, ArticleRecord)
    assert again.record.extra == item.record.extra


@given(BODIES)
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=50)
def test_any_body_gives_a_valid_item(body: Any) -> None:
    """Bodies with blocks and marks of every kind are well-formed XHTML."""
    message_of({"uri": "urn:a:1", "headline": "A", "body": {"html": render_html(body)}})


@pytest.mark.parametrize("text", ["a\x00b\x0b", "\ufffe", "]]>", "<b>", "&amp;", '"', "\r\n", "  a  "])
def test_any_text_is_well_formed(text: str) -> None:
    rights = {"copyrightNotice": text, "usageTerms": text}
    document = {"uri": "urn:a:1", "headline": f"A{text}", "summary": text, "byline": text, "rights": rights}
    extra = {
        "newsml-g2": {"itemMeta": [{"element": text, "attributes": {text: text}, "text": text}, text, 5]}
    }
    message_of({**document, "extra": extra, "slug": "a", "language": "en"})


def test_main_picture_that_the_body_does_not_show() -> None:
    """Its files are the icon of the item; it is shown with its caption and credit above the text, and is not
    repeated in the body when the item is read."""
    picture = {
        "id": "med_1",
        "kind": "IMAGE",
        "url": "https://e.org/a.jpg",
        "mime": "image/jpeg",
        "width": 100,
        "height": 50,
        "caption": "A tram.",
        "credit": "Emil Strand",
        "renditions": [{"url": "https://e.org/s.jpg", "mime": "image/jpeg", "width": 10, "height": 5}],
    }
    content = message_of(
        {"uri": "urn:a:1", "headline": "A", "leadMedia": picture, "body": {"html": "<p>Text.</p>"}}
    )
    (item,) = read_items("a.xml", content)
    assert isinstance(item.record, ArticleRecord)
    (media,) = item.media
    assert (media.url, media.caption, media.credit) == ("https://e.org/a.jpg", "A tram.", "Emil Strand")
    assert "https://e.org/s.jpg" in [rendition.url for rendition in media.renditions]
    assert item.record.lead_media
    assert [block.type for block in item.record.blocks] == ["PARAGRAPH"]


def test_empty_export_is_a_message_without_items() -> None:
    (item,) = read_items("a.xml", b"".join(write([], FEED)))
    assert item.skipped == "a message without items"
