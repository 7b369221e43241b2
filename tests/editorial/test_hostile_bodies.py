"""Bodies of mutations and of stored rows whose values try to become markup, and bodies that are too large."""

# ruff: noqa: E501 - lists of odd things read best in rows

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson
import pytest
from tests.conftest import Server
from tests.support.active_content import inert_markdown_text, inert_text, squeeze
from tests.support.editorial_client import (
    ANNA,
    ROOT,
    EditorialClient,
    mutation_document,
    open_editorial_client,
)
from tests.support.linear_time import linear_time

from contentql.content.ids import decode_id
from contentql.execution.request import GraphQLRequest
from contentql.importing.exporter import export_records
from contentql.store.models.articles import ArticleBody

BODY = "article { body { html markdown text } }"
AT = "2026-06-30T08:00:00Z"

# Every text of a block, and the path at which its errors are reported.
TEXTS: dict[str, Callable[[str], dict[str, Any]]] = {
    "paragraph.text": lambda value: {"paragraph": {"text": value}},
    "heading.text": lambda value: {"heading": {"text": value}},
    "quote.text": lambda value: {"quote": {"text": value}},
    "pullquote.text": lambda value: {"pullquote": {"text": value}},
    "list.items.1.text": lambda value: {"list": {"items": [{"text": "x"}, {"text": value}]}},
    "image.caption": lambda value: {"image": {"media": "med_301", "caption": value}},
    "video.caption": lambda value: {"video": {"media": "med_301", "caption": value}},
    "audio.caption": lambda value: {"audio": {"media": "med_301", "caption": value}},
    "embed.fallbackText": lambda value: {"embed": {"url": "https://x.example.org", "fallbackText": value}},
    "table.rows.0.cells.1.text": lambda value: {
        "table": {
            "rows": [{"cells": [{"text": "x"}, {"text": value}]}, {"cells": [{"text": "y"}, {"text": "z"}]}]
        }
    },
    "code.text": lambda value: {"code": {"text": value}},
    "liveEntry.text": lambda value: {"liveEntry": {"at": AT, "text": value}},
    "correction.text": lambda value: {"correction": {"text": value}},
}
LINES: dict[str, Callable[[str], dict[str, Any]]] = {
    "code.language": lambda value: {"code": {"text": "x", "language": value}},
    "embed.provider": lambda value: {"embed": {"url": "https://x.example.org", "provider": value}},
    "liveEntry.title": lambda value: {"liveEntry": {"at": AT, "text": "x", "title": value}},
    "relatedLink.title": lambda value: {"relatedLink": {"url": "/x", "title": value}},
}
URLS: dict[str, Callable[[str], dict[str, Any]]] = {
    "embed.url": lambda value: {"embed": {"url": value}},
    "relatedLink.url": lambda value: {"relatedLink": {"url": value, "title": "x"}},
    "paragraph.runs.1.href": lambda value: {
        "paragraph": {"runs": [{"text": "x"}, {"text": "y", "href": value}]}
    },
}
IDS: dict[str, Callable[[str], dict[str, Any]]] = {
    "paragraph.id": lambda value: {"paragraph": {"text": "x", "id": value}},
    "rule.id": lambda value: {"rule": {"id": value}},
    "paragraph.runs.0.mention": lambda value: {"paragraph": {"runs": [{"text": "x", "mention": value}]}},
    "paragraph.runs.0.language": lambda value: {"paragraph": {"runs": [{"text": "x", "language": value}]}},
    "quote.attribution": lambda value: {"quote": {"text": "x", "attribution": value}},
    "image.media": lambda value: {"image": {"media": value}},
    "gallery.media.1": lambda value: {"gallery": {"media": ["med_301", value]}},
}
HOSTILE = [
    "js\n```\n<img src=x onerror=alert(1)>\n",
    "x\n\n<script>alert(1)</script>\n\n[click](javascript:alert(1))",
    "</p></li></td></code></pre></main><iframe src=//x></iframe><!-- ",
    "https://x>)<img src=x onerror=alert(1)>",
    "![x](javascript:x) [x]: javascript:x\n[x]: javascript:x\n<javascript:x> &lt;script&gt; &#60;b&#62;",
    "a | b\n:--|--:\n| c | <b onclick=x>d</b> |\\| \\\\| e",
    "# a\r## b\r\r- c\r\n1. d\n> e\n    f\n\tg\n===\n---\n~~~\n```",
    "*a* **b** _c_ `d` ~~e~~ \\ \\* \\<b> \\\\<script>",
    "a\u2028# b\u2029<b>\u202ec\u200fd",
    "x" * 20_000 + "<b>",
]


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
async def test_texts_are_shown_and_never_run(newsroom: EditorialClient, value: str) -> None:
    """A text is accepted as it is: in every block, all of it can be read in HTML and in Markdown."""
    body = {"blocks": [make(value) for make in TEXTS.values()]}
    async with newsroom.unchanged():
        article = await newsroom.mutate_ok(
            "createArticle", selection=BODY, headline="x", body=body, validateOnly=True
        )
    for text in (inert_text(article["body"]["html"]), inert_markdown_text(article["body"]["markdown"])):
        shown = squeeze(text)
        for field in TEXTS:
            before, value_here, shown = shown.partition(squeeze(value))
            assert value_here, (field, before[:200])


@pytest.mark.parametrize("field", [*LINES, *URLS, *IDS])
async def test_one_line_values_are_refused_or_harmless(newsroom: EditorialClient, field: str) -> None:
    """A line end or control character in them is refused with the field; what is accepted never runs."""
    make = {**LINES, **URLS, **IDS}[field]
    ends = [f"https://x.example.org/{end}y" for end in ("\n", "\r", "\r\n", "\v", "\f", "\x85", "\u2028", "\u2029", "\x00", "\x1b", "\t")]  # fmt: skip
    async with newsroom.unchanged():
        for value in [*ends, *HOSTILE, "javascript:alert(1)", "`", "<", "https://u:p@x.example.org"]:
            payload = await newsroom.mutate(
                "createArticle",
                selection=BODY,
                headline="x",
                body={"blocks": [{"rule": {}}, make(value)]},
                validateOnly=True,
            )
            if payload["article"]:
                assert value not in ends
                inert_text(payload["article"]["body"]["html"])
                inert_markdown_text(payload["article"]["body"]["markdown"])
                continue
            (error,) = payload["userErrors"]
            # A mention or language, or an id that is none, is reported at its block or its own field.
            assert ".".join(error["field"]).startswith("body.blocks.1"), error
            if field in LINES or field in URLS:
                assert ".".join(error["field"]) == f"body.blocks.1.{field}", error
                expected = "UNSAFE_CONTENT" if field in URLS else "INVALID"
                assert error["code"] == ("TOO_LONG" if len(value) > 4_000 and field in URLS else expected)


@pytest.mark.parametrize(
    ("block", "code", "field", "message"),
    [
        (
            {"code": {"text": "x", "language": "js\n```\n<img onerror=alert(1)>"}},
            "INVALID",
            "code.language",
            "body.blocks.0.code.language has a line break at character 3.",
        ),
        (
            {"relatedLink": {"title": "x", "url": "https://x\n\n[click](javascript:alert(1))"}},
            "UNSAFE_CONTENT",
            "relatedLink.url",
            "A link must not have white space or control characters (character 10).",
        ),
        (
            {"embed": {"url": "https://x\n\n[click](javascript:alert(1))"}},
            "UNSAFE_CONTENT",
            "embed.url",
            "A link must not have white space or control characters (character 10).",
        ),
        (
            {"code": {"text": "x", "language": "a b"}},
            "INVALID",
            "code.language",
            "body.blocks.0.code.language must be letters, digits and the signs + # . / _ -, at most 50 characters.",
        ),
        (
            {"table": {"rows": [{"cells": [{"text": "x"}, {"text": "a\x00"}]}]}},
            "INVALID",
            "table.rows.0.cells.1.text",
            "body.blocks.0.table.rows.0.cells.1.text has a control character at character 2.",
        ),
        ({"embed": {"url": "/x"}}, "UNSAFE_CONTENT", "embed.url", "A link must begin with http: or https:."),
    ],
)
async def test_refused_values_of_blocks(
    newsroom: EditorialClient, block: dict[str, Any], code: str, field: str, message: str
) -> None:
    """In plain words, at their field, in a new article and in a changed one, and nothing is saved."""
    async with newsroom.unchanged():
        for mutation, fields in (("createArticle", {"headline": "x"}), ("updateArticle", {"id": "art_701"})):
            (error,) = await newsroom.mutate_errors(mutation, **fields, body={"blocks": [block]})
            assert (error["code"], ".".join(error["field"]), error["message"]) == (
                code,
                f"body.blocks.0.{field}",
                message,
            )


async def test_all_errors_of_a_body_are_reported_at_once(newsroom: EditorialClient) -> None:
    """With those of the other fields."""
    blocks = [
        {"code": {"text": "a\x07", "language": "js\nx"}},
        {"relatedLink": {"title": "a\u2028b", "url": "javascript:x"}},
        {"paragraph": {"text": "fine"}},
        {"list": {"items": [{"text": "a"}, {"text": "b\x00"}, {"text": "c\x1b"}]}},
    ]
    async with newsroom.unchanged():
        codes = await newsroom.mutate_codes(
            "createArticle", headline="x", category="nowhere", body={"blocks": blocks}
        )
    assert codes == {
        ("INVALID", "body.blocks.0.code.text"),
        ("INVALID", "body.blocks.0.code.language"),
        ("INVALID", "body.blocks.1.relatedLink.title"),
        ("UNSAFE_CONTENT", "body.blocks.1.relatedLink.url"),
        ("INVALID", "body.blocks.3.list.items.1.text"),
        ("INVALID", "body.blocks.3.list.items.2.text"),
        ("NOT_FOUND", "category"),
    }


ONE_LINE: list[tuple[str, str, dict[str, Any]]] = [
    ("createArticle", "headline", {}),
    ("createArticle", "kicker", {"headline": "x"}),
    ("createArticle", "shortHeadline", {"headline": "x"}),
    ("createArticle", "byline", {"headline": "x"}),
    ("createArticle", "canonicalUrl", {"headline": "x"}),
    ("createMedia", "credit", {"kind": "IMAGE", "url": "https://x.example.org/one-line.png"}),
    ("createMedia", "creator", {"kind": "IMAGE", "url": "https://x.example.org/one-line.png"}),
    ("createMedia", "copyright", {"kind": "IMAGE", "url": "https://x.example.org/one-line.png"}),
    ("createMedia", "url", {"kind": "IMAGE", "mime": "image/png"}),
    ("createMedia", "licenceUrl", {"kind": "IMAGE", "url": "https://x.example.org/one-line.png"}),
    ("createSource", "name", {"kind": "OTHER"}),
    ("createSource", "homepage", {"name": "x", "kind": "OTHER"}),
    ("createAuthor", "name", {}),
    ("createTag", "name", {"type": "TOPIC"}),
    ("createStory", "title", {}),
    ("createCollection", "title", {}),
]


@pytest.mark.parametrize("end", ["\n", "\r", "\v", "\f", "\x85", "\u2028", "\u2029"], ids=ascii)
async def test_one_line_fields_have_one_rule(newsroom: EditorialClient, end: str) -> None:
    """Every character that ends a line in some standard is refused, with its position."""
    async with newsroom.unchanged():
        for mutation, field, fields in ONE_LINE:
            (error,) = await newsroom.mutate_errors(mutation, ROOT, **fields, **{field: f"https:{end}x"})
            assert (error["code"], error["field"]) == ("INVALID", [field]), (mutation, error)
            assert error["message"] == f"{field} has a line break at character 7."


async def test_media_are_on_the_web(newsroom: EditorialClient) -> None:
    """A picture has no mail address, and a link no hidden user name."""
    async with newsroom.unchanged():
        for url in ("mailto:a@example.org", "tel:1", "https://u@example.org/a.png", "https:///a.png"):
            codes = await newsroom.mutate_codes("createMedia", kind="IMAGE", url=url, mime="image/png")
            assert codes == {("UNSAFE_CONTENT", "url")}, url


STORED: list[dict[str, Any]] = [
    {"type": "CODE", "text": "code", "language": "js\n```\n<img src=x onerror=alert(1)>"},
    {"type": "RELATED_LINK", "title": "title\n# <b>", "url": "https://x\n\n[click](javascript:alert(1))"},
    {"type": "RELATED_LINK", "title": "run", "url": "javascript:alert(1)"},
    {"type": "RELATED_LINK", "title": "entity", "url": "javascript&colon;alert(1)"},
    {"type": "EMBED", "url": "https://x>)<img src=x onerror=alert(1)>", "fallbackText": "embed"},
    {
        "type": "EMBED",
        "url": "https://x.example.org",
        "html": "<script>alert(1)</script><b onclick=x>safe</b>",
    },
    {"type": "LIVE_ENTRY", "at": AT, "title": "entry\n\n<script>", "text": "text\r# <b>"},
    {
        "type": "PARAGRAPH",
        "text": "See here",
        "marks": [{"start": 4, "end": 8, "kind": "link", "href": "https://x\n<img src=x onerror=y>"}],
    },
    {"type": "IMAGE", "media": 301, "caption": "caption</figcaption><script>x</script>"},
    {"type": "UNKNOWN", "originalType": "a\nb", "fallbackText": "fallback <iframe src=x>"},
]


async def test_stored_rows_are_rendered_without_active_content(newsroom: EditorialClient) -> None:
    """Blocks that another program wrote can be read, edited, previewed and exported, and never run."""
    id = await newsroom.create_draft()
    decoded = decode_id(id)
    assert decoded
    rows = [{"id": f"blk_stored{n}", **block} for n, block in enumerate(STORED)]
    async with newsroom.database.transaction():
        await ArticleBody.filter(article_id=decoded[1]).update(blocks=rows)
    article = await newsroom.mutate_ok("updateArticle", id=id, headline="Changed", selection=BODY)
    html, markdown = article["body"]["html"], article["body"]["markdown"]
    assert re.findall('href="([^"]*)"', html) == ["javascript&amp;colon;alert(1)"]
    shown = inert_text(html.replace("<b>safe</b>", "safe"))
    written = inert_markdown_text(markdown.replace("<b>safe</b>", "safe"))
    for text in ("code", "title# <b>", "run", "entity", "embed", "entry<script>", "text# <b>", "See here",
                 "caption</figcaption><script>x</script>", "fallback <iframe src=x>"):  # fmt: skip
        assert squeeze(text) in squeeze(written)
        assert squeeze(text) in squeeze(shown)
    exported = [record async for record in export_records(newsroom.database)]
    assert any(getattr(record, "id", None) == decoded[1] for record in exported)
    await newsroom.mutate_ok("deleteArticle", id=id)


TOO_MANY: list[tuple[dict[str, Any], str, str]] = [
    ({"text": "ab\n" * 300_000}, "body.text", "body.text must have at most 5,000 paragraphs, not 300,000."),
    ({"text": "a\u2028" * 400_000}, "body.text", "body.text must have at most 5,000 paragraphs, not 400,000."),
    ({"html": "<hr>" * 62_500}, "body.html", "The text has 62,500 blocks; at most 5,000 are allowed."),
    ({"html": "<p>a" * 62_500}, "body.html", "The text has 62,500 blocks; at most 5,000 are allowed."),
    ({"markdown": "a\n\n" * 6_000}, "body.markdown", "The text has 6,000 blocks; at most 5,000 are allowed."),
    ({"markdown": "a\n\n" * 83_000}, "body.markdown", "body.markdown must have at most 20,000 lines, not 166,000."),
    ({"markdown": "![" * 125_000}, "body.markdown", "body.markdown must have at most 20,000 opening brackets, not 125,000."),
    ({"blocks": [{"rule": {}}] * 5_001}, "body.blocks", "body.blocks must have at most 5,000 items."),
    ({"html": "<b>a</b>b" * 27_000}, "body.html", "A paragraph has 27,000 marks; at most 5,000 are allowed."),
    ({"html": f"<table>{'<td>' * 62_000}"}, "body.html", "A table has 62,000 columns; at most 5,000 are allowed."),
]  # fmt: skip


@pytest.mark.parametrize(("body", "field", "message"), TOO_MANY, ids=[case[2] for case in TOO_MANY])
async def test_bodies_have_a_limited_number_of_blocks(
    newsroom: EditorialClient, body: dict[str, Any], field: str, message: str
) -> None:
    """The number and the limit in a sentence, within seconds, and nothing is saved."""
    with linear_time():
        async with newsroom.unchanged():
            (error,) = await newsroom.mutate_errors("createArticle", headline="x", body=body)
    assert (error["code"], ".".join(error["field"]), error["message"]) == ("TOO_LONG", field, message)


LARGE: dict[str, dict[str, Any]] = {
    "text": {"text": ("a" * 199 + "\n") * 5_000},
    "one paragraph": {"text": "a *b* " * 160_000},
    "spaces": {"blocks": [{"paragraph": {"text": "a" + " " * 900_000 + "b"}}]},
    "line ends": {"blocks": [{"quote": {"text": "a" + "\n" * 900_000 + "b"}}]},
    "html": {"html": "<p>a<b>b</b></p>" * 5_000},
    "markdown": {"markdown": "- a **b**\n" * 4_500},
    "brackets": {"markdown": "![" * 20_000},
    "emphasis": {"markdown": "**a**" * 50_000},
    "table": {"markdown": "|" + "a|" * 1000 + "\n|" + "-|" * 1000 + "\n" + "|\n" * 19_000},
    "list": {"blocks": [{"list": {"items": [{"text": "a"}] * 5_000}}] * 4},
    "marks": {
        "blocks": [
            {"paragraph": {"runs": [{"text": "ab", "marks": ["EM"] if n % 2 else ["STRONG", "SUB"]} for n in range(5_000)]}}
        ]
        * 4
    },
}  # fmt: skip


@pytest.fixture
async def patient_newsroom(server: Server, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[EditorialClient]:
    """One that waits for a busy machine."""
    monkeypatch.setenv("CONTENTQL_OPERATION_TIMEOUT_SECONDS", "60")
    async with open_editorial_client(server) as newsroom:
        yield newsroom


@pytest.mark.parametrize("name", LARGE)
async def test_the_largest_bodies_are_read_in_seconds(patient_newsroom: EditorialClient, name: str) -> None:
    """A request of a megabyte is answered, whatever its body repeats."""
    request = GraphQLRequest(
        mutation_document("createArticle", BODY),
        None,
        {"input": {"headline": "x", "body": LARGE[name], "validateOnly": True}},
    )
    with linear_time():
        response = await patient_newsroom.executor.execute(request, None, None, ANNA)
    assert not response.codes, response.body[:500]
    assert orjson.loads(response.body)["data"]["createArticle"]["userErrors"] == []
