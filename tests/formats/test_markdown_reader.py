"""Reader of Markdown with front matter, as the usual programs write it."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.linear_time import linear_time
from tests.support.source_files import (
    messages_of,
    names_of,
    read_items,
    record_of,
    texts_of,
)

from contentql.content.import_item import ImportItem, SourceStatus
from contentql.content.media_placeholders import FIRST_PLACEHOLDER
from contentql.content.records import ArticleRecord, AuthorRecord, CategoryRecord, FormatError, TagRecord
from contentql.formats.front_matter import split_front_matter

FIXTURES = Path(__file__).parents[2] / "fixtures"


def read(text: str, name: str = "a.md", **options: Any) -> ImportItem:
    (item,) = read_items(name, text.encode(), **options)
    return item


def page(front_matter: str, body: str = "Body", name: str = "a.md") -> ImportItem:
    return read(f"---\ntitle: T\n{front_matter}\n---\n{body}", name)


@pytest.mark.parametrize("index", [0, 1])
def test_the_stories_come_out_of_their_files_as_they_are(index: int) -> None:
    """All that the format can carry."""
    story = json.loads((FIXTURES / "stories/stories.json").read_text())["stories"][index]
    item = read((FIXTURES / f"stories/markdown/{story['slug']}.md").read_text(), f"{story['slug']}.md")
    record = record_of(item)
    assert (record.headline, record.slug, record.kicker) == (story["title"], story["slug"], story["kicker"])
    assert (record.summary, record.urgency) == (story["summary"], story["urgency"])
    assert record.dateline_place == story["dateline"]
    assert names_of(item, CategoryRecord) == story["category"]
    assert names_of(item, TagRecord) == [tag["name"] for tag in story["tags"]]
    assert names_of(item, AuthorRecord) == [author["name"] for author in story["authors"]]
    assert (record.published_at and record.published_at.isoformat()) == story["published"]
    assert record.updated_at == dt.datetime.fromisoformat(story["updated"])
    assert [block.type.lower() for block in record.blocks] == [block["type"] for block in story["blocks"]]
    assert item.source_status is (SourceStatus.HIDDEN if story["status"] == "draft" else SourceStatus.PUBLIC)
    assert item.addresses == (story["url"],)
    for media, expected in zip(item.media, story["media"], strict=True):
        assert (media.url, media.alt, media.credit) == (expected["href"], expected["alt"], expected["credit"])
        assert record.lead_media == FIRST_PLACEHOLDER


def test_yaml_is_read_as_it_is_typed() -> None:
    """`no` is Norwegian, not false."""
    item = read((FIXTURES / "edge/markdown/yaml_traps.md").read_text())
    assert record_of(item).language == "no"
    assert names_of(item, TagRecord) == ["one", "two"]
    assert item.source_status is SourceStatus.HIDDEN


def test_numbers_and_dates_of_yaml_stay_texts() -> None:
    """What is not known is preserved as it is typed."""
    item = page(
        "slug: 007\nversion: 1.10\nphone: 0123\nweight: 5\nok: true\nday: 2026-05-01\non: off\nnone: ~"
    )
    assert record_of(item).slug == "007"
    assert record_of(item).extra["frontMatter"] == {
        "version": "1.10",
        "phone": "0123",
        "weight": 5,
        "ok": True,
        "day": "2026-05-01",
        "on": "off",
    }


@pytest.mark.parametrize(
    "text",
    [
        "---\ntitle: T\ntags: [a, b]\n---\nBody",
        "---\r\ntitle: T\r\ntags:\r\n  - a\r\n  - b\r\n---\r\nBody",
        '\ufeff---\ntitle: "T"\ntags: a, b\n...\nBody',
        '+++\ntitle = "T"\ntags = ["a", "b"]\n+++\nBody',
        '---toml\ntitle = "T"\ntags = ["a", "b"]\n---\nBody',
        '{"title": "T", "tags": ["a", "b"]}\n\nBody',
        '---json\n{"title": "T", "tags": ["a", "b"]}\n---\nBody',
        ';;;\n{"title": "T", "tags": ["a", "b"]}\n;;;\nBody',
        "---\ntitle: T\ntags:\n\t- a\n\t- b\n---\nBody",
    ],
)
def test_forms_of_front_matter(text: str) -> None:
    """YAML, TOML and JSON, as the usual programs mark them."""
    item = read(text)
    assert (record_of(item).headline, names_of(item, TagRecord), texts_of(item)) == (
        "T",
        ["a", "b"],
        ["Body"],
    )


@pytest.mark.parametrize(
    ("text", "headline", "body"),
    [
        ("# Head\n\nBody", "Head", ["Body"]),
        ("Intro\n\n## Head\n\nBody", "Head", ["Intro", "Body"]),
        ("Head\n====\n\nBody", "Head", ["Body"]),
        ("---\ntitle: Head\n---\n# Head\n\nBody", "Head", ["Body"]),
        ("---\ntitle: Head\n---\n# Other\n\nBody", "Head", ["Other", "Body"]),
        ("---\n---\n# Head\n\nBody", "Head", ["Body"]),
        ("---\ntitle: Head\n---\nOne\n\n---\n\nTwo\n\n---\n\nThree", "Head", ["One", "", "Two", "", "Three"]),
        ("---\ntitle: Head\n---\n---\n\nOne\n\n---\n\nTwo", "Head", ["", "One", "", "Two"]),
    ],
)
def test_the_headline(text: str, headline: str, body: list[str]) -> None:
    """Of the front matter, else the first heading; rules in the body are no front matter."""
    item = read(text)
    assert (record_of(item).headline, texts_of(item)) == (headline, body)


@pytest.mark.parametrize(
    ("front_matter", "status"),
    [
        ("", SourceStatus.PUBLIC),
        ("draft: false", SourceStatus.PUBLIC),
        ("draft: true", SourceStatus.HIDDEN),
        ("draft: yes", SourceStatus.HIDDEN),
        ("published: false", SourceStatus.HIDDEN),
        ("published: true", SourceStatus.PUBLIC),
        ("published: 2026-05-01", SourceStatus.PUBLIC),
        ("publish: false", SourceStatus.HIDDEN),
        ("status: published", SourceStatus.PUBLIC),
        ("status: draft", SourceStatus.HIDDEN),
        ("status: waiting for the lawyer", SourceStatus.HIDDEN),
        ("status: withdrawn", SourceStatus.CANCELED),
        ("private: true", SourceStatus.HIDDEN),
        ("visibility: private", SourceStatus.HIDDEN),
        ("password: secret", SourceStatus.HIDDEN),
    ],
)
def test_what_readers_do_not_see_is_hidden(front_matter: str, status: SourceStatus) -> None:
    """Whatever the program calls it. A password is not stored."""
    item = page(front_matter)
    assert item.source_status is status
    assert "secret" not in repr(item)


def test_a_file_in_a_folder_of_drafts_is_hidden() -> None:
    """As with Jekyll."""
    assert page("", name="site/_drafts/a.md").source_status is SourceStatus.HIDDEN


@pytest.mark.parametrize(
    ("front_matter", "field", "expected"),
    [
        ("date: 2026-05-01T10:00:00+02:00", "published_at", "2026-05-01T08:00"),
        ("date: 2026-05-01 10:00", "published_at", "2026-05-01T10:00"),
        ("publishDate: 2026-05-01", "published_at", "2026-05-01T00:00"),
        ("pubDate: May 1, 2026", "published_at", "2026-05-01T00:00"),
        ("published: 2026-05-01T10:00:00Z", "published_at", "2026-05-01T10:00"),
        ("date: 2026-04-01\npublishDate: 2026-05-01", "published_at", "2026-05-01T00:00"),
        ("lastmod: 2026-05-01T10:00:00Z", "updated_at", "2026-05-01T10:00"),
        ("updated: 2026-05-01T10:00:00Z", "updated_at", "2026-05-01T10:00"),
        ("expiryDate: 2026-05-01T10:00:00Z", "expires_at", "2026-05-01T10:00"),
        ("embargo: 2026-05-01T10:00:00Z", "embargo_until", "2026-05-01T10:00"),
    ],
)
def test_times(front_matter: str, field: str, expected: str) -> None:
    """Under all usual names; one without a zone is in that of the options, with a warning."""
    item = page(front_matter)
    assert getattr(record_of(item), field).isoformat()[:16] == expected
    assert ("--timezone" in messages_of(item)) is ("Z" not in front_matter and "+" not in front_matter)


def test_a_time_that_is_none_stays_unset() -> None:
    """With a warning."""
    item = page("date: soon")
    assert record_of(item).published_at is None
    assert "'soon' is no date or time" in messages_of(item)


@pytest.mark.parametrize(
    ("name", "front_matter", "slug"),
    [
        ("2026-05-01-tram-line.md", "", "tram-line"),
        ("content/news/tram-line/index.md", "", "tram-line"),
        ("tram-line.fr.md", "", "tram-line"),
        ("Note about trams.md", "", "t"),
        ("tram-line.md", "slug: other", "other"),
        ("tram-line.md", "permalink: /2026/05/from-permalink/", "from-permalink"),
        ("tram-line.md", "url: https://e.org/from-url.html", "from-url"),
        ("tram-line.md", "permalink: /:year/:title/", "tram-line"),
        ("tram-line.md", "slug: news/deep/last", "last"),
    ],
)
def test_slugs(name: str, front_matter: str, slug: str) -> None:
    """Of the front matter, an address in it, or the name of the file; else of the headline."""
    assert record_of(page(front_matter, name=name)).slug == slug


def test_what_the_name_of_a_file_says() -> None:
    """Its day, its language, and a headline for a text without one."""
    item = page("", name="2026-05-01-tram-line.fr.md")
    assert record_of(item).published_at == dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
    assert record_of(item).language == "fr"
    assert "published_at" in item.derived
    assert record_of(read("Just text.", "Note about trams.md")).headline == "Note about trams"
    assert record_of(read("Just text. And more.", "index.md")).headline == "Just text."


def test_addresses() -> None:
    """Former ones become redirects; the other names of a note are none."""
    item = page("permalink: /new/\naliases: [/old/, https://e.org/older/]\nredirect_from: /oldest/")
    assert item.addresses == ("/new/", "/old/", "https://e.org/older/", "/oldest/")
    note = page("aliases: [Tram, Line 5]")
    assert (note.addresses, record_of(note).extra["frontMatter"]) == ((), {"aliases": ["Tram", "Line 5"]})


def test_a_canonical_address_on_another_site() -> None:
    """That of the same site is a former address."""
    item = page("url: https://e.org/a\ncanonical_url: https://other.org/b")
    assert (record_of(item).canonical_url, record_of(item).canonical_elsewhere) == (
        "https://other.org/b",
        True,
    )
    item = page("canonical_url: https://e.org/b")
    assert (record_of(item).canonical_url, item.addresses) == (None, ("https://e.org/b",))


@pytest.mark.parametrize(
    ("front_matter", "expected"),
    [
        ("author: Lena Voss", ["Lena Voss"]),
        ("authors: [Lena Voss, Emil Strand]", ["Lena Voss", "Emil Strand"]),
        ("author:\n  name: Lena Voss\n  email: lena@e.org\n  url: https://e.org/lena", ["Lena Voss"]),
        ("authors:\n  - name: A\n  - B", ["A", "B"]),
        ("author: lena@e.org", []),
    ],
)
def test_authors(front_matter: str, expected: list[str]) -> None:
    """As texts and objects, without their e-mail addresses."""
    item = page(front_matter)
    assert names_of(item, AuthorRecord) == expected
    assert "@e.org" not in repr(item)


def test_sections_and_tags() -> None:
    """Sections are paths; tags a list, or words with commas."""
    item = page('categories: [News/World, Sport]\ntags: "a, b c, #d"\nkeywords: [x]')
    assert (record_of(item).category, record_of(item).sections) == ("news/world", ("sport",))
    assert names_of(item, TagRecord) == ["a", "b c", "d"]
    assert record_of(item).extra["frontMatter"] == {"keywords": ["x"]}


@pytest.mark.parametrize(
    "front_matter",
    [
        "image: https://e.org/a.jpg",
        "cover:\n  image: https://e.org/a.jpg",
        "featured_image: https://e.org/a.jpg",
        "heroImage: {src: https://e.org/a.jpg, alt: x}",
        "images: [https://e.org/a.jpg, https://e.org/b.jpg]",
        "url: https://e.org/x/\nimage: ../a.jpg",
    ],
)
def test_the_lead_picture(front_matter: str) -> None:
    """Of the names that programs use."""
    item = page(front_matter)
    assert item.media[0].url == "https://e.org/a.jpg"
    assert record_of(item).lead_media == FIRST_PLACEHOLDER


def test_relative_pictures_without_a_site_are_named() -> None:
    """In a warning and in what is preserved."""
    item = page("image: /lead.jpg", "![A](images/b.png)\n\n![[c.png]]\n\n`![x](d.png)`")
    assert item.media == ()
    assert record_of(item).extra["markdown"] == {"missingMedia": ["/lead.jpg", "images/b.png", "c.png"]}
    assert "images/b.png" in messages_of(item)


def test_other_fields() -> None:
    """With hyphens, underscores or capitals in their names."""
    item = page(
        "description: S\nkicker: K\nbyline: By A\ndateline: CITY\nurgency: 2\ncontent_type: opinion\n"
        "access: subscriber\nShort-Headline: Short\ncopyright: © E\nusageTerms: U\nedNote: N"
    )
    record = record_of(item)
    assert (record.summary, record.kicker, record.byline, record.dateline_place) == ("S", "K", "By A", "CITY")
    assert (record.urgency, record.content_type.value, record.access.value) == (2, "OPINION", "SUBSCRIBER")
    assert (record.short_headline, record.copyright_notice, record.usage_terms) == ("Short", "© E", "U")
    assert (record.ed_note, record.extra) == ("N", {})


def test_corrections() -> None:
    """As the export writes them; a list with another form is preserved."""
    item = page("corrections:\n  - {date: 2026-05-01T10:00:00Z, kind: clarification, text: C}")
    (correction,) = record_of(item).corrections
    assert (correction.kind.value, correction.text) == ("CLARIFICATION", "C")
    item = page("corrections: [words]")
    assert record_of(item).extra["frontMatter"] == {"corrections": ["words"]}


@pytest.mark.parametrize(
    ("front_matter", "error"),
    [
        ('a: !!python/object/apply:os.system ["echo"]', "could not determine a constructor for the tag"),
        ("a: !!python/name:os.system", "could not determine a constructor for the tag"),
        ("a: &a [x]\nb: [*a, *a]", "refers to the list or object 'a'"),
        ("a: &a [*a]", "refers to the list or object 'a'"),
        ("a: {<<: &a {b: c}, d: *a}", "refers to the list or object 'a'"),
        ("a: " + "[" * 100, "nested more than 20 levels deep"),
        ("subtitle: Breaking: news", "put values with a colon or a quote into quotes"),
        ('a: "b', "not valid YAML"),
        ("x: " + "y" * 300_000, "larger than 256 KiB"),
    ],
)
def test_front_matter_that_cannot_be_read(front_matter: str, error: str) -> None:
    """Is an error: without it, it is not known whether readers may see the text. Nothing is executed."""
    item = page(front_matter)
    assert item.record is None
    assert error in str(item.error)


def test_names_that_stand_twice_are_reported() -> None:
    """The last value counts."""
    item = page("tags: a\ntags: b")
    assert names_of(item, TagRecord) == ["b"]
    assert "'tags' twice" in messages_of(item)


@pytest.mark.parametrize(
    ("body", "expected", "warning"),
    [
        ("{{< youtube abcdefghijk >}}", ["EMBED"], ""),
        ("{% youtube abcdefghijk %}", ["EMBED"], ""),
        ('{{< figure src="https://e.org/a.jpg" alt="x" caption="C" >}}', ["IMAGE"], ""),
        ('{{< gallery dir="x" >}}', ["PARAGRAPH"], "shortcode 'gallery'"),
        ("See [[Other note|this]].", ["PARAGRAPH"], "link to the note 'Other note'"),
        ("a %%hidden%% b", ["PARAGRAPH"], "comment '%%hidden%%'"),
        ("```\n{{< youtube abcdefghijk >}}\n[[x]]\n```", ["CODE"], ""),
        ("| a | b |\n|---|---|\n| 1 | 2 |", ["TABLE"], ""),
        ("Text[^1]\n\n[^1]: Note", ["PARAGRAPH", "PARAGRAPH"], "Footnotes became paragraphs"),
        ("[a][r]\n\n[r]: https://e.org/x", ["PARAGRAPH"], ""),
        ("<script>alert(1)</script>\n\nx", ["PARAGRAPH"], "script"),
        ("> quote\n\n1. one\n2. two", ["QUOTE", "LIST"], ""),
    ],
)
def test_bodies(body: str, expected: list[str], warning: str) -> None:
    """Shortcodes and links between notes are resolved or stay as text, with a warning."""
    item = page("", body)
    assert [block.type for block in record_of(item).blocks] == expected
    assert warning in messages_of(item)
    assert "<script" not in record_of(item).model_dump_json()


def test_code_of_mdx_is_left_out() -> None:
    """Lines that import and export; components leave their text."""
    body = "import X from './x.js'\nexport const a = 1\n\n# T\n\n<X a={1}>Inside</X>"
    item = page("", body, name="a.mdx")
    assert texts_of(item) == ["Inside"]
    assert "import X" in messages_of(item)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.txt", b"---\ntitle: T\n---\nx", "T"),
        ("a", b"# Head\n\n**bold** text", "Head"),
        ("a.md", "Größe\n\nx".encode("cp1252"), "A"),
        ("a.markdown", "# Größe\n\nx".encode("utf-16"), "Größe"),
    ],
)
def test_markdown_is_recognised(name: str, content: bytes, expected: str) -> None:
    """By its name, its front matter, or its marks."""
    (item,) = read_items(name, content)
    assert isinstance(item.record, ArticleRecord), item.error
    assert item.record.headline in (expected, "Größe")


@pytest.mark.parametrize("content", [b"", b" \n", b"---\n---\n", b"\0\1\2"])
def test_files_without_a_text(content: bytes) -> None:
    """Are errors."""
    (item,) = read_items("index.md", content)
    assert item.error


@given(st.text(st.sampled_from("-+;{}:[]&*!\n\t ab\"'#|>%")))
def test_any_front_matter_is_read_or_refused(text: str) -> None:
    """Never another exception."""
    for frame in ("---\n{}\n---\nx", "+++\n{}\n+++\nx", "{}"):
        try:
            values = split_front_matter(frame.replace("{}", text)).values
        except FormatError:
            continue
        assert isinstance(values, dict)


@pytest.mark.parametrize("piece", ["a: b\n", "\n", "- ", "{{< ", "[[", "%%", "`", "![", "&a ", "k: [", "|"])
def test_time_is_linear(piece: str) -> None:
    """For text that looks like the beginning of something again and again."""
    text = piece * (200_000 // len(piece))
    with linear_time():
        read(f"---\n{text[:100_000]}\n---\nx")
        read(f"# T\n\n{text}")
