"""WordPress exports: what of a site arrives, what stays hidden, and files that are broken."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some
from tests.support.linear_time import linear_time
from tests.support.source_files import count_items, read_items

from contentql.content.blocks import (
    Block,
    CodeText,
    Embed,
    Gallery,
    Heading,
    Image,
    Paragraph,
    Pullquote,
    Quote,
    Rule,
    Table,
    Video,
)
from contentql.content.import_item import ImportItem, SourceStatus
from contentql.content.media_placeholders import FIRST_PLACEHOLDER
from contentql.content.records import ArticleRecord, CategoryRecord
from contentql.formats.wordpress.shortcodes import replace_shortcodes
from contentql.formats.wordpress.wpautop import add_paragraphs
from contentql.formats.wordpress.wxr_items import read_parts

FOLDER = Path(__file__).parents[2] / "fixtures" / "wordpress"
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0"'
    ' xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/"'
    ' xmlns:content="http://purl.org/rss/1.0/modules/content/"'
    ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:wp="http://wordpress.org/export/1.2/"><channel>'
    "<title>Site</title><link>https://news.example.org</link><language>en-GB</language>"
    "<wp:wxr_version>1.2</wp:wxr_version><wp:base_blog_url>https://news.example.org</wp:base_blog_url>"
)
END = "</channel></rss>"


def item(number: int = 1, body: str = "Text", more: str = "", **values: Any) -> str:
    """An item of an export; `values` replace elements of `wp:` by name, without their prefix."""
    fields = {
        "post_id": str(number),
        "post_name": f"post-{number}",
        "post_date": "2026-05-01 10:00:00",
        "post_date_gmt": "2026-05-01 08:00:00",
        "status": "publish",
        "post_type": "post",
        **{name: value for name, value in values.items() if name not in ("title", "link")},
    }
    texts = "".join(f"<wp:{name}><![CDATA[{value}]]></wp:{name}>" for name, value in fields.items())
    title = values.get("title", f"Post {number}")
    link = values.get("link", f"https://news.example.org/2026/05/post-{number}/")
    return (
        f"<item><title>{title}</title><link>{link}</link>"
        f"<content:encoded><![CDATA[{body}]]></content:encoded>{texts}{more}</item>"
    )


def meta(key: str, value: str) -> str:
    return (
        f"<wp:postmeta><wp:meta_key>{key}</wp:meta_key>"
        f"<wp:meta_value><![CDATA[{value}]]></wp:meta_value></wp:postmeta>"
    )


def attachment(number: int, url: str, *, parent: int = 1, more: str = "", description: str = "") -> str:
    return item(
        number, description, title=f"File {number}", link=f"https://news.example.org/post-1/file-{number}/",
        post_type="attachment", status="inherit", attachment_url=url, post_parent=str(parent), more=more,
    )  # fmt: skip


def read(*items: str, head: str = HEAD, end: str = END, **options: Any) -> list[ImportItem]:
    return read_items("export.xml", (head + "".join(items) + end).encode(), **options)


def article(read_item: ImportItem) -> ArticleRecord:
    assert isinstance(read_item.record, ArticleRecord), read_item.error or read_item.skipped
    return read_item.record


def blocks_of(body: str, *others: str) -> tuple[Block, ...]:
    return article(read(item(1, body), *others)[0]).blocks


def messages(read_item: ImportItem) -> str:
    return "\n".join(warning.message for warning in read_item.warnings)


def test_stories_arrive_with_everything_that_the_format_has() -> None:
    """Sections by their parents, a picture with its credit, a draft without a date."""
    first, second, files = read_items("a.xml", (FOLDER / "stories.xml").read_bytes())
    tram, lab = article(first), article(second)
    assert (tram.slug, tram.headline) == ("tram-line-reopens", "Heron City tram line to reopen on Monday")
    assert (tram.summary or "").startswith("The tram that links Heron City")
    assert (tram.category, tram.sections) == ("local/transport", ())
    assert [tag.tag for tag in tram.tags] == ["TOPIC:trams", "TOPIC:heron-city"]
    assert [author.author for author in tram.authors] == ["lena-voss"]
    assert [type(block).__name__ for block in tram.blocks] == ["Paragraph", "Paragraph", "Heading", "List"]
    assert str(tram.published_at) == "2026-04-10 08:00:00+00:00"
    assert str(tram.updated_at) == "2026-04-10 11:30:00+00:00"
    assert first.source_modified_at == dt.datetime(2026, 4, 10, 11, 30, tzinfo=dt.UTC)
    assert first.source_status is SourceStatus.PUBLIC
    (picture,) = first.media
    assert tram.lead_media == FIRST_PLACEHOLDER
    assert picture.model_dump(include={"url", "alt", "caption", "credit"}) == {
        "url": "https://media.example.org/201/orig.jpg",
        "alt": "An empty tram on a new bridge",
        "caption": "A tram on test runs last week.",
        "credit": "Emil Strand/Heron News",
    }
    assert first.addresses == (
        "https://news.example.org/local/tram-line-reopens",
        "https://news.example.org/?p=110",
    )
    assert "@" not in str(first)
    assert (lab.published_at, second.source_status) == (None, SourceStatus.HIDDEN)
    assert lab.headline == "Coast laboratory “to close in the spring”"
    assert files.skipped is not None


def test_an_old_export_is_read_whole() -> None:
    """That of nikola's tests: captions, source code, lists and umlauts."""
    items = read_items("a.xml", (FOLDER / "nikola.xml").read_bytes())
    by_slug = {article(each).slug: article(each) for each in items if each.record}
    assert set(by_slug) == {
        "hoert", "arzt-und-pfusch-s-i-c-k", "kontakt", "python-borg-pattern", "image-link-rewriting",
    }  # fmt: skip
    shown = by_slug["hoert"].blocks
    assert [type(block).__name__ for block in shown] == [
        "Paragraph", "Image", "Paragraph", "CodeText", "Paragraph",
    ]  # fmt: skip
    assert isinstance(shown[1], Image)
    assert shown[1].caption == "caption test"
    assert shown[3] == CodeText(text="import sys\nprint sys.version", language="python")
    assert by_slug["hoert"].language == "de-DE"
    assert not any(each.error for each in items)
    assert "[" not in "".join(str(getattr(block, "text", "")) for block in shown)


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"status": "publish"}, SourceStatus.PUBLIC),
        ({"status": "publish", "post_password": "secret-word"}, SourceStatus.HIDDEN),
        ({"status": "future"}, SourceStatus.HIDDEN),
        ({"status": "draft"}, SourceStatus.HIDDEN),
        ({"status": "pending"}, SourceStatus.HIDDEN),
        ({"status": "private"}, SourceStatus.HIDDEN),
        ({"status": "trash"}, SourceStatus.HIDDEN),
        ({"status": "auto-draft"}, SourceStatus.HIDDEN),
        ({"status": "inherit"}, SourceStatus.HIDDEN),
        ({"status": "of-a-plugin"}, SourceStatus.HIDDEN),
        ({"status": ""}, SourceStatus.HIDDEN),
        ({"status": "publish", "post_type": "page"}, SourceStatus.PUBLIC),
    ],
)
def test_only_what_the_site_shows_is_public(values: dict[str, Any], status: SourceStatus) -> None:
    (read_item,) = read(item(**values))
    assert read_item.source_status is status
    assert "secret-word" not in str(read_item)


def test_what_is_no_article_is_counted_once_for_each_type() -> None:
    revisions = [item(n, post_type="revision", status="inherit") for n in range(2, 40)]
    comment = "<wp:comment><wp:comment_author_email>a@example.org</wp:comment_author_email></wp:comment>"
    items = read(item(1, more=comment * 3), *revisions, item(50, post_type="nav_menu_item"))
    assert article(items[0]).slug == "post-1"
    skipped = {each.place: each.skipped or "" for each in items[1:]}
    assert set(skipped) == {"comment", "revision", "nav_menu_item"}
    assert "38" in skipped["revision"]
    assert "3" in skipped["comment"]


def test_other_types_are_articles_only_with_a_text() -> None:
    recipe, empty = read(item(1, post_type="recipe"), item(2, "", post_type="product"))
    assert "'recipe'" in messages(recipe)
    assert "product" in (empty.skipped or "")


def test_times_of_the_site_are_in_the_zone_of_the_options() -> None:
    """Where the export has no time in UTC; drafts have none at all."""
    values: dict[str, Any] = {"post_date_gmt": "0000-00-00 00:00:00", "post_date": "2026-07-01 10:00:00"}
    (read_item,) = read(item(**values), timezone=ZoneInfo("Europe/Berlin"))
    assert str(article(read_item).published_at) == "2026-07-01 08:00:00+00:00"
    assert "Europe/Berlin" in messages(read_item)
    (draft,) = read(item(status="draft", **values))
    assert article(draft).published_at is None
    assert not messages(draft)
    (nonsense,) = read(item(post_date_gmt="yesterday", post_date=""))
    assert article(nonsense).published_at is None
    assert "no date or time" in messages(nonsense)


def test_slugs_are_decoded_or_made_of_the_title() -> None:
    arabic, none, trashed = read(
        item(1, post_name="%d8%a3%d8%ae%d8%a8%d8%a7%d8%b1"),
        item(2, post_name="", title="Über die Brücke"),
        item(3, post_name="gone__trashed", status="trash"),
    )
    assert [article(each).slug for each in (arabic, none, trashed)] == ["أخبار", "uber-die-brucke", "gone"]


def test_sections_follow_their_parents_in_any_order() -> None:
    """A child may come before its parent; a circle of parents ends; the primary one comes first."""
    categories = "".join(
        f"<wp:category><wp:term_id>{number}</wp:term_id><wp:category_nicename>{slug}</wp:category_nicename>"
        f"<wp:category_parent>{parent}</wp:category_parent><wp:cat_name>{name}</wp:cat_name></wp:category>"
        for number, slug, parent, name in (
            (1, "trams", "transport", "Trams"), (2, "transport", "local", "Transport &amp; roads"),
            (3, "local", "", "Local"), (4, "a", "b", "A"), (5, "b", "a", "B"),
        )
    )  # fmt: skip

    def category(slug: str) -> str:
        return f'<category domain="category" nicename="{slug}">x</category>'

    more = category("a") + category("local") + category("trams") + meta("_yoast_wpseo_primary_category", "1")
    (read_item,) = read(item(more=more), head=HEAD + categories)
    record = article(read_item)
    assert (record.category, record.sections) == ("local/transport/trams", ("b/a",))
    names = [one.name for one in read_item.references if isinstance(one, CategoryRecord)]
    assert "Transport & roads" in names


def test_every_permalink_leads_to_the_article() -> None:
    more = (
        meta("_wp_old_slug", "old-name")
        + meta("_wp_old_slug", "older-name")
        + meta("_wp_old_date", "2020-12-24")
        + '<guid isPermaLink="false">http://old.example.org/?p=1</guid>'
    )
    read_item = read(item(1, more=more), attachment(7, "https://news.example.org/wp-content/uploads/a.jpg"))[
        0
    ]
    base = "https://news.example.org"
    assert set(read_item.addresses) == {
        f"{base}/2026/05/post-1/", f"{base}/?p=1", "http://old.example.org/?p=1",
        f"{base}/2026/05/old-name/", f"{base}/2026/05/older-name/", f"{base}/2020/12/post-1/",
        f"{base}/post-1/file-7/", f"{base}/?attachment_id=7",
    }  # fmt: skip


def test_custom_fields_are_kept_as_text_but_secrets_are_not() -> None:
    """Serialised PHP stays the text that it is."""
    fields = {
        "subtitle": "A subtitle",
        "layout": 'O:8:"Evil":1:{s:1:"x";s:2:"id";}',
        "_edit_lock": "1:2",
        "api_key": "k-123",
        "notify": "desk@example.org",
        "from_ip": "192.0.2.1",
        "huge": "x" * 100_000,
    }
    (read_item,) = read(item(more="".join(meta(*pair) for pair in fields.items())))
    kept_fields = article(read_item).extra["wordpress"]["meta"]
    assert kept_fields == {"subtitle": "A subtitle", "layout": fields["layout"]}
    for secret in ("k-123", "desk@", "192.0.2.1"):
        assert secret not in str(read_item)
    for key in ("api_key", "notify", "from_ip", "huge"):
        assert repr(key) in messages(read_item)


def test_authors_are_named_and_never_by_address() -> None:
    """Also several authors of the plug-in Co-Authors Plus."""
    head = HEAD + (
        "<wp:author><wp:author_login>lv</wp:author_login><wp:author_email>lv@example.org</wp:author_email>"
        "<wp:author_display_name>Lena Voss</wp:author_display_name></wp:author>"
        "<wp:author><wp:author_login>er</wp:author_login>"
        "<wp:author_display_name>er@example.org</wp:author_display_name>"
        "<wp:author_first_name>Emil</wp:author_first_name><wp:author_last_name>Strand</wp:author_last_name>"
        "</wp:author>"
    )
    both = "".join(f'<category domain="author" nicename="cap-{n}">{n}</category>' for n in ("er", "lv"))
    one, two, unknown = read(
        item(1, more="<dc:creator>lv</dc:creator>"),
        item(2, more=f"<dc:creator>lv</dc:creator>{both}"),
        item(3, more="<dc:creator>x@example.org</dc:creator>"),
        head=head,
    )
    assert [c.author for c in article(one).authors] == ["lena-voss"]
    assert [c.author for c in article(two).authors] == ["emil-strand", "lena-voss"]
    assert article(unknown).authors == ()
    assert "@" not in str((one, two, unknown))


def test_a_canonical_address_elsewhere_is_kept() -> None:
    own = meta("_yoast_wpseo_canonical", "https://www.news.example.org/2026/05/post-1")
    other = meta("_yoast_wpseo_canonical", "https://agency.example.com/story")
    first, second = (article(each) for each in read(item(1, more=own), item(2, more=other)))
    assert (first.canonical_url, first.canonical_elsewhere) == (None, False)
    assert (second.canonical_url, second.canonical_elsewhere) == ("https://agency.example.com/story", True)


# Bodies


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        ("One\nline\n\nTwo", ["One\nline", "Two"]),
        ("One<!--more-->\nTwo", ["One", "Two"]),
        ("<p>One</p>\n\n<p>Two</p>", ["One", "Two"]),
        ("<strong>One\n\nTwo</strong>", ["One", "Two"]),
        ("a &amp; b &#8211; c", ["a & b – c"]),
        ("An [sic] remark [Editor's note: x]", ["An [sic] remark [Editor's note: x]"]),
        ("[[gallery]] is a shortcode", ["[gallery] is a shortcode"]),
        ("<!-- wp:paragraph -->\n<p>One</p>\n<!-- /wp:paragraph -->\nfree\n\ntext", ["One", "free", "text"]),
        ('<!-- wp:columns --><div><!-- wp:column --><div><p>A</p></div><!-- /wp:column --></div>', ["A"]),
        ("[vc_row][vc_column][vc_text]One\n\nTwo[/vc_text][/vc_column][/vc_row]", ["One", "Two"]),
    ],
)  # fmt: skip
def test_paragraphs_of_both_editors(body: str, texts: list[str]) -> None:
    assert [getattr(block, "text", block) for block in blocks_of(body)] == texts


def test_blocks_of_the_editor_become_blocks() -> None:
    body = """
<!-- wp:heading {"level":3} --><h3 class="wp-block-heading">Head</h3><!-- /wp:heading -->
<!-- wp:quote --><blockquote class="wp-block-quote"><p>Words</p><cite>Ada Rehn</cite></blockquote>
<!-- /wp:quote -->
<!-- wp:pullquote --><figure class="wp-block-pullquote"><blockquote><p>Pull</p></blockquote></figure>
<!-- /wp:pullquote -->
<!-- wp:table --><figure class="wp-block-table"><table><tbody><tr><td>1</td></tr></tbody></table></figure>
<!-- /wp:table -->
<!-- wp:separator --><hr class="wp-block-separator"/><!-- /wp:separator -->
<!-- wp:embed {"url":"https://maps.example.com/x"} --><figure class="wp-block-embed"><div
 class="wp-block-embed__wrapper">https://maps.example.com/x</div></figure><!-- /wp:embed -->
<!-- wp:video --><figure class="wp-block-video"><video src="/v.mp4"></video></figure><!-- /wp:video -->
<!-- wp:code --><pre class="wp-block-code"><code>x &lt; 1</code></pre><!-- /wp:code -->
<!-- wp:file --><div class="wp-block-file"><a href="https://news.example.org/r.pdf">Report</a><a
 class="wp-block-file__button" href="https://news.example.org/r.pdf">Download</a></div><!-- /wp:file -->
<!-- wp:html --><p>Own <b>HTML</b></p><!-- /wp:html -->
<!-- wp:more --><!--more--><!-- /wp:more -->
"""
    shown = blocks_of(body)
    assert [type(block) for block in shown] == [
        Heading, Quote, Pullquote, Table, Rule, Embed, Video, CodeText, Paragraph, Paragraph,
    ]  # fmt: skip
    assert isinstance(shown[1], Quote)
    assert shown[1].text == "Words\n— Ada Rehn"
    assert isinstance(shown[8], Paragraph)
    assert shown[8].text == "Report"
    assert isinstance(shown[5], Embed)
    assert shown[5].url == "https://maps.example.com/x"


def test_blocks_that_readers_do_not_see_are_left_out() -> None:
    """A hidden block, one made by a program, and a reusable one that is not in the export."""
    body = (
        '<!-- wp:group {"metadata":{"blockVisibility":false}} --><div><!-- wp:group --><p>Secret</p>'
        "<!-- /wp:group --></div><!-- /wp:group --><!-- wp:paragraph --><p>Shown</p><!-- /wp:paragraph -->"
        '<!-- wp:latest-posts /--><!-- wp:block {"ref":9} /--><!-- wp:block {"ref":8} /-->'
    )
    items = read(item(1, body), item(8, "<!-- wp:paragraph --><p>Again</p>", post_type="wp_block"))
    assert [getattr(block, "text", "") for block in article(items[0]).blocks] == ["Shown", "Again"]
    for part in ("hidden from readers", "'latest-posts'", "reusable block 9"):
        assert part in messages(items[0])


def test_shortcodes_show_the_files_of_the_export() -> None:
    base = "https://news.example.org/wp-content/uploads"
    body = (
        f'[caption id="attachment_7" width="300"]<img class="wp-image-7" src="{base}/a-300x200.jpg" /> On'
        ' the <em>bridge</em>[/caption]\n\n[gallery ids="7,8"]\n\n[gallery]\n\n'
        f'[audio mp3="{base}/s.mp3"][/audio]\n\n[playlist ids="9"]\n\n'
        "[embed]https://maps.example.com/x[/embed]\n\n[unknown_code a='1']"
    )
    items = read(
        item(1, body),
        attachment(
            7, f"{base}/a.jpg", more=meta("_wp_attachment_image_alt", "Bridge"), description="Foto: X"
        ),
        attachment(8, f"{base}/b.jpg"),
        attachment(9, f"{base}/t.mp3"),
    )
    shown = article(items[0]).blocks
    assert [type(block).__name__ for block in shown] == [
        "Image", "Gallery", "Gallery", "Audio", "Audio", "Embed", "Paragraph",
    ]  # fmt: skip
    image, gallery, attached = shown[0], shown[1], shown[2]
    assert isinstance(image, Image)
    assert image.caption == "On the bridge"
    assert image.caption_marks
    assert isinstance(gallery, Gallery)
    assert isinstance(attached, Gallery)
    assert gallery.media == attached.media == (FIRST_PLACEHOLDER, FIRST_PLACEHOLDER + 1)
    first = items[0].media[0]
    assert (first.url, first.alt, first.credit) == (f"{base}/a.jpg", "Bridge", "Foto: X")
    assert isinstance(shown[6], Paragraph)
    assert shown[6].text == "[unknown_code a='1']"
    assert "[unknown_code]" in messages(items[0])


def test_relative_links_and_late_pictures_are_resolved() -> None:
    body = (
        '<p><a href="/about/">About</a></p><img src="data:image/gif;base64,R0" data-src="/a.jpg">'
        '<p>Good <img class="emoji" alt="🎉" src="https://s.w.org/x.png"></p>'
    )
    (read_item,) = read(item(1, body))
    paragraph, _, last = article(read_item).blocks
    assert isinstance(paragraph, Paragraph)
    assert paragraph.marks[0].value == "https://news.example.org/about/"
    assert [media.url for media in read_item.media] == ["https://news.example.org/a.jpg"]
    assert isinstance(last, Paragraph)
    assert last.text == "Good 🎉"


def test_scripts_are_left_out() -> None:
    body = (
        '<script>alert(1)</script><p onclick="x()">Text</p><a href="java&#10;script:x">link</a>'
        '<iframe src="javascript:x"></iframe><svg onload="x"><p>in</p></svg><style>p{}</style>'
    )
    (read_item,) = read(item(1, body))
    assert "script:" not in str(article(read_item).blocks)
    assert "alert" not in str(read_item)
    assert messages(read_item)


# Broken files


def test_a_broken_item_costs_only_itself() -> None:
    items = read(
        item(1), "<item><title>x</titel></item>", item(3), "<item><title>no end</title>", item(5),
        "<item><!DOCTYPE x [<!ENTITY a 'b'>]><title>&a;</title></item>", item(7),
    )  # fmt: skip
    assert [article(each).slug for each in items if each.record] == ["post-1", "post-3", "post-5", "post-7"]
    assert [each.place for each in items if each.error] == ["item 2", "item 4", "item 6"]


@pytest.mark.parametrize("cut", [30, 300])
def test_a_file_that_is_cut_off_gives_its_items_and_an_error(cut: int) -> None:
    content = (HEAD + item(1) + item(2)).encode()[:-cut]
    first, last = read_items("export.xml", content)
    assert article(first).slug == "post-1"
    assert "cut off" in (last.error or "")
    assert last.place == "after item 1"


@pytest.mark.parametrize(
    "declaration",
    [
        '<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;">]>',
        '<!DOCTYPE x SYSTEM "file:///etc/passwd">',
        "<!doctype rss>",
    ],
)
def test_a_doctype_is_refused(declaration: str) -> None:
    head = HEAD.replace("<rss", f"{declaration}<rss", 1)
    (refused,) = read(item(1, "&lol2;"), head=head)
    assert refused.record is None
    assert "DOCTYPE" in (refused.error or "")


def test_characters_that_xml_forbids_are_repaired() -> None:
    title = "A & B &nbsp;&#8;&#x1F600; &amp;amp; C"
    control, cdata, undeclared, wrong = read_items(
        "export.xml",
        (
            HEAD
            + item(1, "a\x08b\x0bc", title=title)
            + item(2, "a ]]]]><![CDATA[> b")
            + item(3, more='<foo:bar x:y="1">z</foo:bar>')
            + item(4, "caf#")
            + END
        )
        .encode()
        .replace(b"caf#", b"caf\xe9 \x93q\x94"),
    )
    assert article(control).headline == "A & B 😀 & C"
    texts = [getattr(article(each).blocks[0], "text", "") for each in (control, cdata, undeclared, wrong)]
    assert texts == ["abc", "a ]]> b", "Text", "café “q”"]
    assert "control characters" in messages(control)


def test_other_encodings_are_read() -> None:
    content = (HEAD + item(1, "žluťoučký kůň") + END).replace('"UTF-8"', '"UTF-16"').encode("utf-16")
    latin = (HEAD + item(1, "Möwe") + END).replace('"UTF-8"', '"ISO-8859-1"').encode("latin-1")
    for data, text in ((content, "žluťoučký kůň"), (latin, "Möwe")):
        (read_item,) = read_items("export.xml", data)
        assert getattr(article(read_item).blocks[0], "text", "") == text


def test_large_and_deep_items_end() -> None:
    """10 MB in one post, tags without an end, an item without an end in sight."""
    with linear_time():
        items = read(
            item(1, "<p>word word</p>\n" * 300_000),
            item(2, "w " * 5_000_000),
            item(3, "<div>" * 150_000),
            item(4, more="<a>" * 100_000 + "</a>" * 100_000),
            f"<item><!-- {'x' * 30_000_000} --></item>",
            item(6, "[caption][gallery " * 50_000),
            item(7),
        )
    assert article(items[-1]).slug == "post-7"
    oversized = next(each for each in items if each.place == "item 5")
    assert "larger than 24 MiB" in (oversized.error or "")


def test_chunks_do_not_change_what_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Marks of structure may be cut anywhere."""
    content = (HEAD + item(1, "a ]]]]><![CDATA[> <item> b") + "<!-- </item> -->" + item(2) + END).encode()
    expected = [part.values for part in read_parts(io.BytesIO(content))]
    for size in (1, 2, 3, 7, 64):
        monkeypatch.setattr("contentql.formats.wordpress.wxr_items.CHUNK_BYTES", size)
        assert [part.values for part in read_parts(io.BytesIO(content))] == expected


@given(some.text(alphabet=some.sampled_from("[]/=\"' ab\n<>"), max_size=60))
def test_shortcodes_never_lose_text(text: str) -> None:
    """Where none is known, the text stays as it is."""
    assert replace_shortcodes(text, {"gallery"}, lambda shortcode: "") == text


@given(some.lists(some.text(alphabet="abc \n", min_size=1, max_size=20), max_size=6))
def test_paragraphs_keep_every_word(parts: list[str]) -> None:
    words = "\n\n".join(parts).split()
    html = add_paragraphs("\n\n".join(parts))
    assert html.replace("<p>", " ").replace("</p>", " ").replace("<br>", " ").split() == words


def test_an_export_is_read_item_by_item() -> None:
    """Memory for one item at a time: a thousand posts of 100 kB take less than ten of them."""
    posts = "".join(item(number, "word " * 20_000) for number in range(1, 1_001))
    count, peak = count_items("export.xml", f"{HEAD}{posts}{END}".encode())
    assert count == 1_000
    assert peak < 10_000_000
