"""Ghost exports: visibility, bodies of every generation, and files that are broken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.support.source_files import read_items

from contentql.content.blocks import Audio, CodeText, Gallery, Image, Paragraph, RelatedLink
from contentql.content.enums import Access
from contentql.content.import_item import ImportItem, SourceStatus
from contentql.content.records import ArticleRecord, FormatError

EXPORT = Path(__file__).parents[2] / "fixtures" / "ghost" / "export.json"
SITE = "https://news.example.org"


def article(read_item: ImportItem) -> ArticleRecord:
    assert isinstance(read_item.record, ArticleRecord), read_item.error
    return read_item.record


def read(*posts: dict[str, Any], base_url: str | None = SITE, **tables: Any) -> list[ImportItem]:
    full = [{"id": str(n), "title": "T", "status": "published", **post} for n, post in enumerate(posts, 1)]
    content = orjson.dumps({"db": [{"meta": {"version": "5"}, "data": {"posts": full, **tables}}]})
    return read_items("ghost.json", content, base_url=base_url)


def messages(read_item: ImportItem) -> str:
    return "\n".join(warning.message for warning in read_item.warnings)


def test_an_export_arrives_with_everything_that_it_has() -> None:
    tram, page, scheduled = read_items("ghost.json", EXPORT.read_bytes(), base_url=SITE)
    record = article(tram)
    assert (record.headline, record.slug, record.summary) == ("Tram & bus", "tram-bus", "Ex")
    assert [credit.author for credit in record.authors] == ["lena-voss"]
    assert [mention.tag for mention in record.tags] == ["TOPIC:news", "TOPIC:city"]
    assert record.extra["ghost"]["internalTags"] == ["#hidden"]
    assert (record.canonical_url, record.canonical_elsewhere) == ("https://other.example/tram", True)
    assert tram.addresses == (f"{SITE}/tram-bus/",)
    assert tram.media[0].url == f"{SITE}/content/images/f.jpg"
    assert tram.media[0].credit == "Photo by X / Unsplash"
    assert [type(block).__name__ for block in record.blocks] == [
        "Paragraph", "Paragraph", "Image", "Gallery", "Paragraph", "RelatedLink", "Paragraph", "Audio",
        "Paragraph", "Embed",
    ]  # fmt: skip
    kinds = {type(block): block for block in record.blocks}
    image, audio = kinds[Image], kinds[Audio]
    assert isinstance(image, Image)
    assert isinstance(audio, Audio)
    assert (image.caption, audio.caption) == ("Cap", "Song")
    assert isinstance(kinds[Gallery], Gallery)
    assert kinds[RelatedLink] == RelatedLink(url="https://x.example/y", title="Title Y")
    assert "__GHOST_URL__" not in str((tram, page, scheduled))
    assert "lena@" not in str(tram)
    assert "$2a$" not in str(tram)
    assert "codeinjection_head" in messages(tram)
    assert "signup" in messages(page)


def test_lexical_and_mobiledoc_are_read_where_there_is_no_html() -> None:
    _, lexical, mobiledoc = (article(each) for each in read_items("ghost.json", EXPORT.read_bytes()))
    assert [type(block).__name__ for block in lexical.blocks] == [
        "Paragraph", "Image", "List", "Heading", "List", "CodeText",
    ]  # fmt: skip
    first = lexical.blocks[0]
    assert isinstance(first, Paragraph)
    assert first.text == "Bold <x>lnk"
    assert [mark.kind for mark in first.marks] == ["strong", "link"]
    assert lexical.blocks[-1] == CodeText(text="x<1", language="js")
    assert [getattr(block, "text", "") for block in mobiledoc.blocks] == ["a b\nlink", "", "", "", "H"]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("published", SourceStatus.PUBLIC),
        ("draft", SourceStatus.HIDDEN),
        ("scheduled", SourceStatus.HIDDEN),
        ("sent", SourceStatus.HIDDEN),
        ("", SourceStatus.HIDDEN),
        ("new-one", SourceStatus.HIDDEN),
    ],
)
def test_only_published_posts_are_public(status: str, expected: SourceStatus) -> None:
    (read_item,) = read({"status": status, "published_at": "2026-05-01T10:00:00.000Z"})
    assert read_item.source_status is expected
    assert (article(read_item).published_at is None) is (status not in ("published", "sent"))


@pytest.mark.parametrize(
    ("visibility", "access"),
    [
        ("public", Access.FREE),
        (None, Access.FREE),
        ("members", Access.METERED),
        ("paid", Access.SUBSCRIBER),
        ("tiers", Access.SUBSCRIBER),
        ("product:gold", Access.SUBSCRIBER),
    ],
)
def test_visibility_is_access(visibility: str | None, access: Access) -> None:
    (read_item,) = read({"visibility": visibility})
    assert article(read_item).access is access


def test_files_keep_their_paths_where_the_site_is_not_named() -> None:
    """The address may follow from links; else the report asks for it."""
    picture = '<p>Text</p><img src="__GHOST_URL__/content/images/a.jpg">'
    (unnamed,) = read({"html": picture}, base_url=None)
    assert [media.url for media in unnamed.media] == ["/content/images/a.jpg"]
    assert "--base-url" in messages(unnamed)
    old = f'<p>Text</p><img src="{SITE}/content/images/b.jpg">'
    guessed, _ = read({"html": picture}, {"html": old}, base_url=None)
    assert [media.url for media in guessed.media] == [f"{SITE}/content/images/a.jpg"]


def test_old_versions_and_the_content_api_are_read() -> None:
    """Numbers as ids and times, `page`, `image` and Markdown; tags and authors within posts."""
    old = {
        "posts": [
            {"id": 5, "title": "Old", "slug": "old", "markdown": "# H\n\nText", "image": f"{SITE}/i.jpg",
             "page": 1, "status": "published", "author_id": 1, "published_at": 1388577600000}
        ],
        "users": [{"id": 1, "name": "Ada Rehn"}], "posts_tags": [], "meta": {},
    }  # fmt: skip
    (read_item,) = read_items("old.json", orjson.dumps({"meta": {"exported_on": 1}, "data": old}))
    record = article(read_item)
    assert str(record.published_at) == "2014-01-01 12:00:00+00:00"
    assert [credit.author for credit in record.authors] == ["ada-rehn"]
    assert [type(block).__name__ for block in record.blocks] == ["Heading", "Paragraph"]
    assert (read_item.place, len(read_item.media)) == ("page old", 1)
    post = {"id": "x", "title": "T", "feature_image": None, "html": "<p>a</p>", "tags": [{"name": "City"}],
            "authors": [{"name": "Lena Voss"}], "status": "published"}  # fmt: skip
    (answer,) = read_items("api.json", orjson.dumps({"posts": [post]}))
    assert [mention.tag for mention in article(answer).tags] == ["TOPIC:city"]
    assert [credit.author for credit in article(answer).authors] == ["lena-voss"]


@pytest.mark.parametrize(
    "content",
    [
        b'{"db":[{"meta":{},"data":{"posts":[{"title":"cut',
        b'{"db":[{"meta":{},"data":{"posts":{}}}]}',
        b'{"db":[],"meta":1}',
        b'{"db":[{"meta":' + b"[" * 100_000,
    ],
)
def test_a_broken_file_is_an_error(content: bytes) -> None:
    with pytest.raises(FormatError):
        read_items("ghost.json", content)


@pytest.mark.parametrize(
    "post",
    [
        {"lexical": "{", "html": None},
        {"lexical": orjson.dumps({"root": {"children": [1, {"type": 3}, {"type": "image"}]}}).decode()},
        {"mobiledoc": '{"sections":[[1],[10,99],[3,"ul",[[[0,[7],9,"x"]]]],7],"cards":{},"markups":5}'},
        {"lexical": '{"root":' + '{"children":[' * 200 + "]}" * 200 + "}"},
        {"title": 5, "slug": ["a"], "html": {"a": 1}, "published_at": [], "visibility": 3, "tags": "x"},
        {"published_at": "no date", "updated_at": 10**18},
    ],
)
def test_values_of_the_wrong_shape_stop_nothing(post: dict[str, Any]) -> None:
    items = read(post, {"html": "<p>Next</p>"}, posts_tags=[{"post_id": "1", "tag_id": "9"}], users="x")
    assert getattr(article(items[-1]).blocks[0], "text", "") == "Next"


def test_scripts_are_left_out() -> None:
    (read_item,) = read(
        {"html": '<script>alert(1)</script><p onclick="x()">a</p><a href="javascript:x">b</a>'}
    )
    assert "script:" not in str(article(read_item).blocks)
    assert "alert" not in str(read_item)
