"""Reader of JSON Feed, and of large JSON objects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.linear_time import linear_time
from tests.support.source_files import count_items, read_items

from contentql.content.blocks import block_text
from contentql.content.import_item import ImportItem
from contentql.content.media_placeholders import FIRST_PLACEHOLDER
from contentql.content.records import ArticleRecord, AuthorRecord, TagRecord
from contentql.formats.feeds.json_stream import JsonError, read_members

FIXTURES = Path(__file__).parents[2] / "fixtures"
VERSION = "https://jsonfeed.org/version/1.1"


def feed(*items: Any, **head: Any) -> list[ImportItem]:
    values = {"version": VERSION, "home_page_url": "https://e.org/", "language": "en", **head}
    return read_items("feed.json", json.dumps({**values, "items": items}).encode())


def article(item: ImportItem) -> ArticleRecord:
    assert isinstance(item.record, ArticleRecord), item.error
    return item.record


def texts(item: ImportItem) -> list[str]:
    return [block_text(block) for block in article(item).blocks]


def authors(item: ImportItem) -> list[str]:
    return [record.name for record in item.references if isinstance(record, AuthorRecord)]


def test_the_story_comes_out_of_a_feed_as_it_is() -> None:
    """All that the format can carry; the extension is preserved."""
    story = json.loads((FIXTURES / "stories/stories.json").read_text())["stories"][0]
    (item,) = read_items("feed.json", (FIXTURES / "stories/feed.json").read_bytes())
    record = article(item)
    assert (record.headline, record.slug, record.summary) == (story["title"], story["slug"], story["summary"])
    assert [block.type for block in record.blocks] == ["PARAGRAPH", "IMAGE", "PARAGRAPH", "HEADING", "LIST"]
    assert (authors(item), item.addresses) == (["Lena Voss"], (story["url"],))
    assert item.media[0].credit == story["media"][0]["credit"]
    assert record.lead_media == FIRST_PLACEHOLDER
    assert str(record.updated_at) == "2026-04-10 11:30:00+00:00"
    assert record.extra == {"jsonFeed": {"_example": {"category": ["Local", "Transport"], "urgency": 4}}}


def test_version_1_has_one_author() -> None:
    """Of the feed, for items without one; plain text becomes paragraphs."""
    (item,) = read_items("v1.json", (FIXTURES / "edge/jsonfeed/v1.json").read_bytes())
    assert (texts(item), authors(item)) == (["One", "Two"], ["Desk"])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, "https://e.org/ 5"),
        (5.5, "https://e.org/ 5.5"),
        ("a", "https://e.org/ a"),
        ("https://e.org/a", "https://e.org/a"),
        ("urn:uuid:x", "urn:uuid:x"),
        (0, "https://e.org/ 0"),
    ],
)
def test_ids(value: Any, expected: str) -> None:
    """A number is an id too; one that is not unique in the world has the address of the feed."""
    (item,) = feed({"id": value, "content_text": "x"})
    assert article(item).external_ids[0].value == expected


@pytest.mark.parametrize("value", [None, "", "  ", True, [], {}])
def test_an_item_without_an_id_is_an_error_and_the_others_are_read(value: Any) -> None:
    """As the specification demands."""
    bad, good = feed({"id": value, "title": "A"}, {"id": 1, "title": "B"})
    assert (bad.place, bad.error) == ("item 1", "the item has no id, by which it could be found again")
    assert article(good).headline == "B"


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"content_html": "<p>H</p>", "content_text": "T"}, ["H"]),
        ({"content_html": " ", "content_text": "T & <b>"}, ["T & <b>"]),
        ({"summary": "S < 5"}, ["S < 5"]),
        ({"content_html": "<p>a</p><script>b</script>"}, ["a"]),
    ],
)
def test_the_body(item: dict[str, str], expected: list[str]) -> None:
    """HTML before text before summary."""
    (result,) = feed({"id": 1, "title": "A", **item})
    assert texts(result) == expected


@pytest.mark.parametrize(
    ("head", "item", "expected"),
    [
        ({}, {"authors": [{"name": "A"}, {"name": "B", "url": "https://e.org/b"}]}, ["A", "B"]),
        ({}, {"author": {"name": "A"}}, ["A"]),
        ({"authors": [{"name": "F"}]}, {"author": {"name": "A"}}, ["A"]),
        ({"author": {"name": "F"}}, {}, ["F"]),
        ({}, {"authors": [{"url": "mailto:a@e.org"}, {"name": "a@e.org"}, "B", 5, None]}, ["B", "5"]),
    ],
)
def test_authors(head: dict[str, Any], item: dict[str, Any], expected: list[str]) -> None:
    """Of both versions; an e-mail address is no name and is stored nowhere."""
    (result,) = feed({"id": 1, "title": "A", **item}, **head)
    assert authors(result) == expected
    assert "@" not in repr(result)


def test_pictures_and_attachments() -> None:
    """`image` is the lead; a recording is in the body."""
    (item,) = feed(
        {
            "id": 1,
            "title": "A",
            "image": "/a.jpg",
            "banner_image": "https://e.org/b.jpg",
            "attachments": [
                {
                    "url": "https://e.org/c.mp3",
                    "mime_type": "audio/mpeg",
                    "duration_in_seconds": 61,
                    "size_in_bytes": 9,
                },
                {"url": "javascript:alert(1)", "mime_type": "audio/mpeg"},
                {"mime_type": "audio/mpeg"},
                "x",
            ],
        }
    )
    assert [media.url for media in item.media] == [
        f"https://e.org/{name}" for name in ("a.jpg", "b.jpg", "c.mp3")
    ]
    assert (item.media[2].duration, item.media[2].bytes) == (61, 9)
    assert article(item).lead_media == FIRST_PLACEHOLDER
    assert [block.type for block in article(item).blocks] == ["AUDIO"]


def test_other_members_are_preserved() -> None:
    """An external address is not that of the article."""
    (item,) = feed(
        {
            "id": 1,
            "title": "A",
            "external_url": "https://x.org/y",
            "_x": {"mail": "a@e.org", "n": 1},
            "tags": ["T", 5],
        }
    )
    assert article(item).extra == {
        "jsonFeed": {"_x": {"mail": "", "n": 1}, "external_url": "https://x.org/y"}
    }
    assert (article(item).canonical_url, item.addresses) == (None, ())
    assert [record.name for record in item.references if isinstance(record, TagRecord)] == ["T"]


def test_the_head_may_stand_behind_the_items() -> None:
    """JSON has no order of members."""
    text = f'{{"items": [{{"id": 1, "title": "A"}}], "language": "de", "version": "{VERSION}"}}'
    (item,) = read_items("feed.json", text.encode())
    assert article(item).language == "de"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_encodings(encoding: str) -> None:
    """With a byte order mark, and without one."""
    text = json.dumps({"version": VERSION, "items": [{"id": 1, "title": "é"}]}, ensure_ascii=False)
    (item,) = read_items("feed.json", text.encode(encoding))
    assert article(item).headline == "é"


@pytest.mark.parametrize(
    ("text", "headlines", "error"),
    [
        ('{"id": 1, "title": "A"}, {"id": 2, "ti', ["A"], "ends in the middle"),
        ('{"id": 1, "title": "A"}]', ["A"], "ends in the middle"),
        ('{"id": 1, "title": "A"}, {"id" 2}, {"id": 3, "title": "C"}]}', ["A", None, "C"], None),
        ('{"id": 1, "title": "A"}, 5, null, {"id": 3, "title": "C"}]}', ["A", None, None, "C"], None),
        ('{"id": ' + "9" * 5_000 + '}, {"id": 3, "title": "C"}]}', [None, "C"], None),
        ("[" * 200 + "]" * 200 + ', {"id": 3, "title": "C"}]}', [None, "C"], None),
        ('{"id": 3, "title": "C"} x}', ["C"], None),
    ],
)
def test_json_that_is_broken(text: str, headlines: list[str | None], error: str | None) -> None:
    """What can be read is read; each error has its place."""
    items = read_items("feed.json", f'{{"version": "{VERSION}", "items": [{text}'.encode())
    if error:
        assert error in str(items.pop().error)
    titles = [item.record and article(item).headline for item in items]
    assert titles[: len(headlines)] == headlines
    assert all(item.record or item.error for item in items)


def test_a_feed_is_read_item_by_item() -> None:
    """Memory for one item at a time: a thousand items of 100 kB take less than ten of them."""
    text = json.dumps({"id": 1, "title": "A", "content_text": "word " * 20_000})
    content = f'{{"version": "{VERSION}", "items": [{", ".join([text] * 1_000)}]}}'.encode()
    count, peak = count_items("feed.json", content)
    assert count == 1_000
    assert peak < 10_000_000


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.text(), _JSON, max_size=4),
    st.lists(_JSON, max_size=4),
    st.integers(1, 20),
    st.booleans(),
)
def test_members_are_those_of_the_document(
    head: dict[str, Any], items: list[Any], size: int, indented: bool
) -> None:
    """Whatever it contains, and whatever the size of the chunks."""
    head.pop("items", None)
    text = json.dumps({**head, "items": items}, indent=2 if indented else None)
    members = list(read_members((text[at : at + size] for at in range(0, len(text), size)), "items"))
    assert {member.name: member.value for member in members if member.position is None} == head
    assert [member.value for member in members if member.position] == items
    assert not any(member.error for member in members)


@pytest.mark.parametrize("piece", ["[", '"\\"', "{}", "a ", '{"a":', '"'])
def test_time_is_linear(piece: str) -> None:
    """For text that looks like the beginning of a value again and again."""
    with linear_time():
        try:
            list(read_members([f'{{"items": [{piece * (500_000 // len(piece))}'], "items"))
        except JsonError:
            return
    pytest.fail("the document has no end")
