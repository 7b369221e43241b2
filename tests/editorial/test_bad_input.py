"""Mutations with invalid or random input: error codes, messages and no partial writes."""

# ruff: noqa: E501 - one case per line

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from graphql import GraphQLInputObjectType, GraphQLList, GraphQLNonNull, get_named_type
from tests.end_to_end.test_abuse import PROBES
from tests.support.editorial_client import ANNA, CORE, MUTATIONS, ROOT, EditorialClient, mutation_document
from tests.support.http_client import INTERNAL, assert_no_server_error

from contentql.errors import ERROR_CODES
from contentql.execution.request import GraphQLRequest
from contentql.settings import Settings

HTML_WITH_SCRIPTS = [
    "<script>alert(1)</script>",
    "<p onclick='alert(1)'>x</p>",
    "<img src=x onerror=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='JaVaScRiPt&#58;alert(1)'>x</a>",
    "<a href=' java\tscript:alert(1)'>x</a>",
    "<a href='data:text/html,x'>x</a>",
    "<iframe src='https://example.org'></iframe>",
    "<svg onload=alert(1)></svg>",
    "<svg><script>alert(1)</script></svg>",
    "<object data=x></object>",
    "<form action=x><input></form>",
    "<math><mi xlink:href='javascript:x'>x</mi></math>",
]
UNSAFE_URLS = [
    "javascript:alert(1)",
    "JAVASCRIPT:x",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "\tjavascript:x",
]


@pytest.mark.parametrize("html", HTML_WITH_SCRIPTS)
async def test_article_bodies_with_scripts_are_rejected(newsroom: EditorialClient, html: str) -> None:
    """HTML is rejected as UNSAFE_CONTENT; Markdown is rejected or becomes harmless text."""
    async with newsroom.unchanged():
        for error in await newsroom.mutate_errors("createArticle", headline="x", body={"html": html}):
            assert (error["code"], error["field"]) == ("UNSAFE_CONTENT", ["body", "html"]), error
            assert error["hint"]
        payload = await newsroom.mutate(
            "createArticle",
            selection="article { body { html } }",
            headline="x",
            body={"markdown": f"Text\n\n{html}\n\nand {html}"},
            validateOnly=True,
        )
    if payload["article"]:
        html_text = payload["article"]["body"]["html"]
        assert not re.search(
            r"<(script|iframe|svg|object|style|form|math|img)\b|javascript:|\son\w+=", html_text, re.I
        )
    else:
        assert {error["code"] for error in payload["userErrors"]} == {"UNSAFE_CONTENT"}


@pytest.mark.parametrize("url", UNSAFE_URLS)
async def test_unsafe_urls_are_rejected_in_every_url_field(newsroom: EditorialClient, url: str) -> None:
    """Marks, blocks, Markdown, and the URLs of media, sources, authors, articles and attributions."""
    run = {"text": "x", "href": url}
    block_path = "body.blocks.0"
    cases: list[tuple[str, dict[str, Any]]] = [
        (
            "createArticle",
            {"headline": "x", "body": {"blocks": [{"paragraph": {"runs": [run]}}]}},
        ),
        ("createArticle", {"headline": "x", "body": {"blocks": [{"embed": {"url": url}}]}}),
        (
            "createArticle",
            {"headline": "x", "body": {"blocks": [{"relatedLink": {"url": url, "title": "x"}}]}},
        ),
        ("createArticle", {"headline": "x", "canonicalUrl": url}),
        ("createMedia", {"kind": "IMAGE", "url": url, "mime": "image/png"}),
        ("updateMedia", {"id": "med_301", "url": url}),
        ("updateMedia", {"id": "med_301", "licenceUrl": url}),
        ("createSource", {"name": "x", "kind": "OTHER", "homepage": url}),
        ("createAuthor", {"name": "x", "sameAs": ["https://example.org", url]}),
    ]
    id = await newsroom.create_draft()
    cases += [
        ("addAttribution", {"article": id, "kind": "SAID", "source": "kctv", "url": url}),
        ("addAttribution", {"article": id, "kind": "SAID", "source": "kctv", "archivedUrl": url}),
    ]
    async with newsroom.unchanged():
        for mutation, input in cases:
            errors = await newsroom.mutate_errors(mutation, **input)
            assert {error["code"] for error in errors} <= {"UNSAFE_CONTENT", "INVALID"}, (mutation, errors)
            fields = [".".join(error["field"]) for error in errors]
            expected_field = (
                block_path
                if "body" in input
                else next((name for name in input if url in str(input[name])), "")
            )
            assert all(field.startswith(expected_field) for field in fields), (expected_field, fields)
        payload = await newsroom.mutate(
            "createArticle",
            selection="article { body { html } }",
            headline="x",
            body={"markdown": f"[x](<{url.strip()}>)"},
            validateOnly=True,
        )
    if payload["article"]:
        assert "href" not in payload["article"]["body"]["html"]


@pytest.mark.parametrize(
    "value",
    [
        {"url": "https://example.org/a.svg"},
        {"url": "https://example.org/a", "mime": "image/svg+xml"},
        {"url": "https://example.org/a.png", "mime": "IMAGE/SVG+XML; charset=utf-8"},
        {"url": "https://example.org/a.png", "mime": " image/svg+xml"},
        {"url": "https://example.org/a.html"},
        {"url": "https://example.org/a", "mime": "text/html"},
        {"url": "https://example.org/a", "mime": "application/xhtml+xml"},
        {"url": "https://example.org/a", "mime": "text/javascript"},
        {"url": "https://example.org/a", "mime": "application/javascript"},
    ],
)
async def test_media_of_executable_types_are_rejected(
    newsroom: EditorialClient, value: dict[str, Any]
) -> None:
    """SVG, HTML and scripts are recognised by URL and by media type."""
    async with newsroom.unchanged():
        assert await newsroom.mutate_codes("createMedia", kind="IMAGE", **value) == {
            ("UNSAFE_CONTENT", "mime")
        }
        if "mime" in value:
            assert await newsroom.mutate_codes("updateMedia", id="med_301", mime=value["mime"]) == {
                ("UNSAFE_CONTENT", "mime")
            }


TEN_MEGABYTES = "x" * 10_000_000


async def test_too_long_values_are_reported(newsroom: EditorialClient) -> None:
    """A headline of 10 MB, a body of a million characters or 5,001 tags is TOO_LONG within seconds."""
    cases: list[tuple[dict[str, Any], tuple[str, str]]] = [
        ({"headline": TEN_MEGABYTES}, ("TOO_LONG", "headline")),
        ({"headline": "x" * 301}, ("TOO_LONG", "headline")),
        ({"headline": "x", "kicker": "x" * 201}, ("TOO_LONG", "kicker")),
        ({"headline": "x", "slug": "x" * 201}, ("TOO_LONG", "slug")),
        ({"headline": "x", "body": {"text": "x" * 1_000_001}}, ("TOO_LONG", "body.text")),
        ({"headline": "x", "body": {"html": TEN_MEGABYTES}}, ("TOO_LONG", "body.html")),
        ({"headline": "x", "body": {"markdown": TEN_MEGABYTES}}, ("TOO_LONG", "body.markdown")),
        (
            {"headline": "x", "body": {"blocks": [{"paragraph": {"text": TEN_MEGABYTES}}]}},
            ("TOO_LONG", "body.blocks.0.paragraph.text"),
        ),
        ({"headline": "x", "summary": TEN_MEGABYTES}, ("TOO_LONG", "summary")),
        ({"headline": "x", "edNote": TEN_MEGABYTES}, ("TOO_LONG", "edNote")),
        ({"headline": "x", "reason": "x" * 1_001}, ("TOO_LONG", "reason")),
        ({"headline": "x", "tags": [{"tag": f"t{n}"} for n in range(5_001)]}, ("TOO_LONG", "tags")),
    ]
    async with newsroom.unchanged():
        for input, expected in cases:
            async with asyncio.timeout(10):
                assert expected in await newsroom.mutate_codes("createArticle", **input), (
                    expected,
                    str(input)[:80],
                )


@pytest.mark.parametrize("mutation", ["archiveArticle", "submitArticle", "acceptAttribution", "deleteSource"])
@pytest.mark.parametrize("field", ["reason", "idempotencyKey", "id"])
async def test_null_characters_are_invalid_in_common_input_fields(
    newsroom: EditorialClient, mutation: str, field: str
) -> None:
    """Fields that every mutation has are checked like those of articles."""
    async with newsroom.unchanged():
        (error,) = await newsroom.mutate_errors(mutation, **{"id": "art_1", field: "a\x00b"})
    assert (error["code"], error["field"]) == ("INVALID", [field])


@pytest.mark.parametrize(
    ("value", "code", "field", "message"),
    [
        ({"headline": ""}, "REQUIRED", "headline", "headline must not be empty."),
        ({"headline": "  "}, "REQUIRED", "headline", None),
        ({"headline": "One\nTwo"}, "INVALID", "headline", "headline has a line break at character 4."),
        (
            {"headline": "a\x00b"},
            "INVALID",
            "headline",
            "headline has a control character at character 2.",
        ),
        ({"headline": "a\x1bb"}, "INVALID", "headline", None),
        ({"headline": "\ud800"}, "INVALID", "headline", None),
        ({"body": {"text": "a\x00b"}}, "INVALID", "body.text", None),
        (
            {"body": {"blocks": [{"paragraph": {"text": "a\x07"}}]}},
            "INVALID",
            "body.blocks.0.paragraph.text",
            None,
        ),
        ({"slug": ""}, "INVALID", "slug", "slug must be letters and digits, with hyphens between them."),
        (
            {"slug": "a\u202eb"},
            "INVALID",
            "slug",
            "slug must be letters and digits, with hyphens between them.",
        ),
        ({"slug": "a/b"}, "INVALID", "slug", None),
        ({"slug": "a b"}, "INVALID", "slug", None),
        ({"slug": "../x"}, "INVALID", "slug", None),
        ({"slug": "a\u200bb"}, "INVALID", "slug", None),
        ({"slug": "😀"}, "INVALID", "slug", None),
        ({"slug": "the-first"}, "TAKEN", "slug", "The slug 'the-first' is not available."),
        ({"urgency": 0}, "INVALID", "urgency", "urgency must be a whole number from 1 to 9."),
        ({"urgency": -1}, "INVALID", "urgency", "urgency must be a whole number from 1 to 9."),
        ({"urgency": 10}, "INVALID", "urgency", "urgency must be a whole number from 1 to 9."),
        ({"urgency": 2**31 - 1}, "INVALID", "urgency", "urgency must be a whole number from 1 to 9."),
        (
            {"language": "english!"},
            "INVALID",
            "language",
            "language must be a language tag such as en, de-CH or zh-Hans; 'english!' is not one.",
        ),
        ({"language": ""}, "INVALID", "language", None),
        ({"category": "nowhere"}, "NOT_FOUND", "category", None),
        ({"category": ""}, "NOT_FOUND", "category", None),
        ({"category": "art_701"}, "WRONG_TYPE", "category", None),
        ({"category": "cat_999"}, "NOT_FOUND", "category", None),
        ({"categories": ["world", "x"]}, "NOT_FOUND", "categories.1", None),
        ({"tags": [{"tag": "x"}]}, "NOT_FOUND", "tags.0.tag", None),
        ({"tags": [{"tag": "PLACE:x"}]}, "NOT_FOUND", "tags.0.tag", None),
        (
            {"tags": [{"tag": "tears", "relevance": 101}]},
            "INVALID",
            "tags.0.relevance",
            "tags.0.relevance must be a number from 0 to 100.",
        ),
        (
            {"tags": [{"tag": "tears", "confidence": -1}]},
            "INVALID",
            "tags.0.confidence",
            "tags.0.confidence must be a number from 0 to 100.",
        ),
        ({"authors": [{"author": "x"}]}, "NOT_FOUND", "authors.0.author", None),
        ({"leadMedia": "med_1"}, "NOT_FOUND", "leadMedia", None),
        ({"leadMedia": "a.jpg"}, "NOT_FOUND", "leadMedia", None),
        ({"media": [{"media": "med_301"}, {"media": "src_201"}]}, "WRONG_TYPE", "media.1.media", None),
        ({"story": "x"}, "NOT_FOUND", "story", None),
        ({"related": ["art_1"]}, "NOT_FOUND", "related.0", None),
        ({"translationOf": "art_1"}, "NOT_FOUND", "translationOf", None),
        ({"embargoUntil": "2026-07-01"}, "INVALID", "embargoUntil", None),
        ({"embargoUntil": "2026-07-01T00:00:00"}, "INVALID", "embargoUntil", None),
        ({"embargoUntil": "tomorrow"}, "INVALID", "embargoUntil", None),
        ({"expiresAt": "2026-02-30T00:00:00Z"}, "INVALID", "expiresAt", None),
        ({"expiresAt": "9999-12-31T23:59:59-23:59"}, "INVALID", "expiresAt", None),
        (
            {"embargoUntil": "2026-08-01T00:00:00Z", "expiresAt": "2026-07-01T00:00:00Z"},
            "INVALID_TIME",
            "embargoUntil",
            None,
        ),
        ({"dateline": {"place": ""}}, "REQUIRED", "dateline", None),
        (
            {"body": {"blocks": [{"heading": {"text": "x", "level": 1}}]}},
            "INVALID",
            "body.blocks.0.heading.level",
            "body.blocks.0.heading.level must be a whole number from 2 to 4.",
        ),
        ({"body": {"blocks": [{"image": {"media": "med_1"}}]}}, "NOT_FOUND", "body.blocks.0", None),
        ({"body": {"blocks": [{"image": {"media": "src_201"}}]}}, None, "body.blocks.0.image.media", None),
        ({"body": {"html": '<figure data-media="med_1"><img></figure>'}}, "NOT_FOUND", "body.html", None),
        (
            {"body": {"blocks": [{"paragraph": {"text": "x", "runs": [{"text": "y"}]}}]}},
            "INVALID",
            "body.blocks.0.paragraph",
            "Text must be the text of the runs; send only one of the two.",
        ),
        ({"body": {"blocks": [{"paragraph": {}}]}}, "REQUIRED", "body.blocks.0.paragraph.text", None),
        (
            {"body": {"blocks": [{"paragraph": {"runs": [{"text": "x", "language": "a b"}]}}]}},
            "INVALID",
            "body.blocks.0.paragraph.runs.0.language",
            None,
        ),
        (
            {
                "body": {
                    "blocks": [
                        {"image": {"media": "med_301", "captionRuns": [{"text": "x", "mention": "5"}]}}
                    ]
                }
            },
            "INVALID",
            "body.blocks.0.image.captionRuns.0.mention",
            None,
        ),
        (
            {"body": {"blocks": [{"list": {"items": [{"text": "x"}, {"text": "y", "level": 2}]}}]}},
            "INVALID",
            "body.blocks.0.list",
            "Item 2 is more than one level below the item before it.",
        ),
        (
            {"body": {"blocks": [{"paragraph": {"text": "x", "id": "a b"}}]}},
            "INVALID",
            "body.blocks.0.paragraph.id",
            None,
        ),
        (
            {
                "body": {
                    "blocks": [
                        {"paragraph": {"text": "x", "id": "blk_1"}},
                        {"paragraph": {"text": "y", "id": "blk_1"}},
                    ]
                }
            },
            "INVALID",
            None,
            "Two blocks have the same id.",
        ),
        (
            {"body": {"blocks": [{"quote": {"text": "x", "attribution": "nobody"}}]}},
            None,
            "body.blocks.0.quote.attribution",
            None,
        ),
    ],
    ids=str,
)
async def test_invalid_values_are_reported_with_their_field(
    newsroom: EditorialClient, value: dict[str, Any], code: str | None, field: str | None, message: str | None
) -> None:
    """Creating and updating return the same single error, and nothing is written."""
    async with newsroom.unchanged():
        for mutation, required in (
            ("createArticle", {"headline": "x"}),
            ("updateArticle", {"id": "art_701"}),
        ):
            if mutation == "updateArticle" and value.get("slug") == "the-first":
                continue
            errors = await newsroom.mutate_errors(mutation, **{**required, **value})
            assert len(errors) == 1, errors
            if code:
                assert errors[0]["code"] == code, errors
            if field:
                assert ".".join(errors[0]["field"]) == field, errors
            if message:
                assert errors[0]["message"] == message, errors


@pytest.mark.parametrize(
    ("mutation", "value", "expected", "message"),
    [
        ("createSource", {"name": "", "kind": "OTHER"}, ("REQUIRED", "name"), None),
        ("createSource", {"name": "x" * 301, "kind": "OTHER"}, ("TOO_LONG", "name"), None),
        ("createSource", {"name": "x", "kind": "OTHER", "country": "gb"}, ("INVALID", "country"), None),
        ("createSource", {"name": "x", "kind": "OTHER", "wikidata": "423"}, ("INVALID", "wikidata"), None),
        ("createSource", {"name": "x", "kind": "OTHER", "aliases": [""]}, ("REQUIRED", "aliases.0"), None),
        ("updateSource", {"id": "kctv", "name": None}, ("REQUIRED", "name"), None),
        ("updateSource", {"id": "kctv", "kind": None}, ("REQUIRED", "kind"), None),
        ("updateSource", {"id": "", "name": "x"}, ("NOT_FOUND", "id"), None),
        ("updateSource", {"id": "src_99999999999999999999", "name": "x"}, ("NOT_FOUND", "id"), None),
        ("updateSource", {"id": "src_٢٠١", "name": "x"}, ("NOT_FOUND", "id"), None),
        ("createTag", {"type": "PLACE", "name": "x", "latitude": 91, "longitude": 0}, ("INVALID", "latitude"), "latitude must be a number from -90 to 90."),
        ("createTag", {"type": "PLACE", "name": "x", "names": [{"language": "?", "name": "x"}]}, ("INVALID", "names.0.language"), None),
        ("createTag", {"type": "PLACE", "name": "x", "codes": [{"scheme": "", "code": "1"}]}, ("REQUIRED", "codes.0.scheme"), None),
        ("createMedia", {"kind": "IMAGE", "url": "", "mime": "image/png"}, ("REQUIRED", "url"), None),
        ("createMedia", {"kind": "IMAGE", "url": "/a.png", "width": -1}, ("INVALID", "width"), "width must be 0 or more."),
        ("createMedia", {"kind": "IMAGE", "url": "/a.png", "bytes": -5}, ("INVALID", "bytes"), None),
        ("createMedia", {"kind": "IMAGE", "url": "/a.png", "duration": -1.5}, ("INVALID", "duration"), "duration must be 0 or more."),
        ("createMedia", {"kind": "IMAGE", "url": "/a.png", "focalX": 1.01, "focalY": 1}, ("INVALID", "focalX"), "focalX must be a number from 0 to 1."),
        ("createMedia", {"kind": "IMAGE", "url": "/a.png", "colour": "red"}, ("INVALID", "colour"), None),
        ("createMedia", {"kind": "IMAGE", "url": "/a.png", "expiresAt": "soon"}, ("INVALID", "expiresAt"), None),
        ("updateMedia", {"id": "med_301", "url": None}, ("REQUIRED", "url"), None),
        ("updateMedia", {"id": "med_301", "mime": None}, ("REQUIRED", "mime"), None),
        ("createCategory", {"name": " "}, ("REQUIRED", "name"), None),
        ("createCategory", {"name": "x", "position": -1}, ("INVALID", "position"), "position must be 0 or more."),
        ("createCategory", {"name": "x", "slug": "a/b"}, ("INVALID", "slug"), None),
        ("createCategory", {"name": "x", "slug": "x" * 121}, ("TOO_LONG", "slug"), None),
        ("updateCategory", {"id": "world", "name": None}, ("REQUIRED", "name"), None),
        ("createStory", {"title": ""}, ("REQUIRED", "title"), None),
        ("createStory", {"title": "x\u00a0y" * 101}, ("TOO_LONG", "title"), None),
        ("createAuthor", {"name": "x", "desk": "x" * 101}, ("TOO_LONG", "desk"), None),
        ("createCollection", {"title": "x", "maxItems": -1}, ("INVALID", "maxItems"), None),
        ("createCollection", {"title": "x", "maxItems": 2**31 - 1}, ("INVALID", "maxItems"), None),
        ("createToken", {"name": " ", "role": "READER"}, ("REQUIRED", "name"), None),
        ("createToken", {"name": "x" * 201, "role": "READER"}, ("TOO_LONG", "name"), None),
        ("createToken", {"name": "x", "role": "READER", "expiresAt": "2026-06-30T08:00:00Z"}, ("INVALID_TIME", "expiresAt"), None),
        ("createToken", {"name": "x", "role": "READER", "scopes": ["PUBLISH"]}, ("INVALID", "scopes"), None),
        ("createToken", {"name": "x", "role": "EDITOR", "scopes": []}, ("INVALID", "scopes"), None),
        ("createToken", {"name": "x", "role": "READER", "account": ""}, ("INVALID", "account"), None),
        ("createPreviewLink", {"id": "art_701", "expiresAt": "2026-08-30T08:00:00Z"}, ("INVALID_TIME", "expiresAt"), None),
        ("createPreviewLink", {"id": "art_701", "expiresAt": "2026-06-30T08:00:00Z"}, ("INVALID_TIME", "expiresAt"), None),
        ("scheduleArticle", {"id": "art_701", "publishAt": "2026-07-01"}, ("INVALID", "publishAt"), None),
        ("correctArticle", {"id": "art_701", "kind": "CORRECTION", "text": "a\x00"}, ("INVALID", "text"), None),
    ],
    ids=str,
)  # fmt: skip
async def test_invalid_values_of_taxonomy_and_tokens_are_reported_with_their_field(
    newsroom: EditorialClient,
    mutation: str,
    value: dict[str, Any],
    expected: tuple[str, str],
    message: str | None,
) -> None:
    """Names, numbers, codes and URLs; nothing is written."""
    async with newsroom.unchanged():
        (error,) = await newsroom.mutate_errors(mutation, ROOT, **value)
    assert (error["code"], ".".join(error["field"])) == expected, error
    if message:
        assert error["message"] == message


INVALID_GRAPHQL_INPUTS: list[tuple[str, dict[str, Any]]] = [
    ("createArticle", {}),
    ("createArticle", {"headline": None}),
    ("createArticle", {"headline": 5}),
    ("createArticle", {"headline": ["x"]}),
    ("createArticle", {"headline": "x", "urgency": 2**31}),
    ("createArticle", {"headline": "x", "urgency": -(2**31) - 1}),
    ("createArticle", {"headline": "x", "urgency": 1.5}),
    ("createArticle", {"headline": "x", "urgency": "5"}),
    ("createArticle", {"headline": "x", "urgency": True}),
    ("createArticle", {"headline": "x", "contentType": "news"}),
    ("createArticle", {"headline": "x", "embargoUntil": 5}),
    ("createArticle", {"headline": "x", "body": {}}),
    ("createArticle", {"headline": "x", "body": {"text": "x", "html": "x"}}),
    ("createArticle", {"headline": "x", "body": {"text": None}}),
    ("createArticle", {"headline": "x", "body": {"blocks": [None]}}),
    ("createArticle", {"headline": "x", "body": {"blocks": [{}]}}),
    ("createArticle", {"headline": "x", "body": {"blocks": [{"paragraph": None}]}}),
    ("createArticle", {"headline": "x", "body": {"blocks": [{"code": {"text": None}}]}}),
    (
        "createArticle",
        {"headline": "x", "body": {"blocks": [{"table": {"rows": [{"cells": [{"text": "x"}, None]}]}}]}},
    ),
    ("createArticle", {"headline": "x", "tags": [None]}),
    ("createArticle", {"headline": "x", "status": "PUBLISHED"}),
    ("createArticle", {"headline": "x", "owner": "root"}),
    ("updateArticle", {"id": None}),
    ("updateArticle", {"id": {"x": 1}}),
    ("updateArticle", {"id": "art_701", "ifVersion": "1"}),
    ("mergeSources", {"into": "kctv", "sources": None}),
    ("createMedia", {"kind": "IMAGE", "url": "/a.png", "focalX": "NaN"}),
    ("createToken", {"name": "x", "role": "GOD"}),
]


@pytest.mark.parametrize(("mutation", "value"), INVALID_GRAPHQL_INPUTS, ids=str)
async def test_input_outside_the_schema_is_rejected(
    newsroom: EditorialClient, mutation: str, value: dict[str, Any]
) -> None:
    """The request gets an error with a code, and nothing is written."""
    async with newsroom.unchanged():
        response = await newsroom.executor.execute(
            GraphQLRequest(mutation_document(mutation), None, {"input": value}), None, None, ROOT
        )
    assert_no_server_error(response)
    assert set(response.codes) == {"BAD_USER_INPUT"}, response.body


async def test_too_deeply_nested_input_is_rejected(newsroom: EditorialClient) -> None:
    """Ten thousand levels of hops, lists or markup cause no internal error and no timeout."""
    chain: dict[str, Any] = {"kind": "SAID", "source": "kctv"}
    for _ in range(10_000):
        chain = {"kind": "SAID", "source": "kctv", "via": chain}
    rows: Any = "x"
    for _ in range(10_000):
        rows = [rows]
    async with newsroom.unchanged():
        for mutation, value in (
            ("addAttribution", {"article": "art_701", **chain}),
            ("createArticle", {"headline": "x", "body": {"blocks": [{"table": {"rows": rows}}]}}),
            ("createArticle", {"headline": "x", "body": {"html": "<b>" * 100_000 + "x"}}),
            ("createArticle", {"headline": "x", "body": {"markdown": "> " * 100_000 + "x"}}),
            ("createArticle", {"headline": "x", "body": {"markdown": "[" * 100_000}}),
        ):
            async with asyncio.timeout(20):
                response = await newsroom.executor.execute(
                    GraphQLRequest(
                        mutation_document(mutation), None, {"input": {**value, "validateOnly": True}}
                    ),
                    None,
                    None,
                    ANNA,
                )
            assert_no_server_error(response)


TEXTS = [
    "😀 emoji 👩‍👩‍👧",
    "עברית ואنگليسي",
    "\u202eright to left",
    "é é ﬁ ﷺ",
    "한국어 日本語",
    "𝒳",
    "İı",
    "a" * 300,
]


@pytest.mark.parametrize("text", TEXTS)
async def test_text_is_stored_unchanged(newsroom: EditorialClient, text: str) -> None:
    """Emoji, right-to-left scripts and combining characters, in names and texts, on both databases."""
    id = await newsroom.create_draft(headline=text, body={"text": f"{text} said.\n{text}"}, kicker=text[:200])
    query = "query($i: ID!) { article(id: $i) { headline kicker slug body { text } } }"
    article = (await newsroom.query(query, ANNA, i=id))["article"]
    assert (article["headline"], article["kicker"]) == (text, text[:200])
    assert article["body"]["text"] == f"{text} said.\n{text}"
    assert "\u202e" not in article["slug"]
    assert article["slug"]
    source = await newsroom.mutate_ok("createSource", name=text, kind="OTHER", aliases=[text])
    assert (source["name"], source["aliases"]) == (text, [text])
    await newsroom.mutate_ok("deleteSource", id=source["id"])


# Injection


def text_paths(type_: Any, max_depth: int = 4) -> Iterator[list[Any]]:
    """The paths of all texts and ids of an input type, through lists and one-of inputs."""
    if isinstance(type_, GraphQLNonNull):
        yield from text_paths(type_.of_type, max_depth)
    elif isinstance(type_, GraphQLList):
        yield from ([0, *path] for path in text_paths(type_.of_type, max_depth))
    elif isinstance(type_, GraphQLInputObjectType):
        for name, field in type_.fields.items():
            if max_depth:
                yield from ([name, *path] for path in text_paths(field.type, max_depth - 1))
    elif get_named_type(type_).name in ("String", "ID", "DateTime", "Date"):
        yield []


def minimal_value(type_: Any, text: str) -> Any:
    """A value of the type with only its required fields."""
    if isinstance(type_, GraphQLNonNull):
        return minimal_value(type_.of_type, text)
    if isinstance(type_, GraphQLList):
        return [minimal_value(type_.of_type, text)]
    if isinstance(type_, GraphQLInputObjectType):
        required = {name: f for name, f in type_.fields.items() if isinstance(f.type, GraphQLNonNull)}
        if type_.is_one_of:
            name, field = next(iter(type_.fields.items()))
            required = {name: field}
        return {name: minimal_value(f.type, text) for name, f in required.items()}
    values = getattr(type_, "values", None)
    if values:
        return next(iter(values))
    by_name = {
        "Int": 1,
        "Float": 0.5,
        "Boolean": True,
        "DateTime": "2026-07-01T00:00:00Z",
        "Date": "2026-07-01",
    }
    return by_name.get(type_.name, text)


def with_probe(type_: Any, value: Any, path: list[Any], probe: str) -> Any:
    """The value with the probe at the path."""
    if isinstance(type_, GraphQLNonNull):
        return with_probe(type_.of_type, value, path, probe)
    if not path:
        return probe
    step, *rest = path
    if isinstance(type_, GraphQLList):
        return [with_probe(type_.of_type, (value or [minimal_value(type_.of_type, "x")])[0], rest, probe)]
    fields = {} if type_.is_one_of else dict(value or minimal_value(type_, "x"))
    field = type_.fields[step].type
    fields[step] = with_probe(field, fields.get(step, minimal_value(field, "x")), rest, probe)
    return fields


def probe_cases() -> Iterator[tuple[str, dict[str, Any], str]]:
    """Mutation, input and probe of every case: two probes for each text of each mutation."""
    index = 0
    for mutation, field in MUTATIONS.items():
        type_ = field.args["input"].type
        for path in text_paths(type_):
            for _ in range(2):
                index += 1
                probe = PROBES[1 + index * 7 % (len(PROBES) - 1)]
                value = with_probe(type_, minimal_value(type_, "x"), path, probe)
                yield mutation, value, probe


PROBE_CASES = list(probe_cases())
# Ids of existing rows, so that the fields beside them are processed too.
EXISTING_IDS = {
    "Article": "art_701", "Category": "world", "Media": "med_301", "Source": "kctv", "Tag": "tears",
    "Author": "jane-doe", "Story": "north-korea-russia", "Collection": "front-page",
}  # fmt: skip


def test_probe_cases_cover_every_text_of_every_mutation() -> None:
    """All fields with a text, an id or a time, including those of blocks and hops."""
    assert {mutation for mutation, _, _ in PROBE_CASES} == set(MUTATIONS)
    assert len(PROBE_CASES) > 900


async def test_mutation_values_are_never_interpreted_as_sql(own_newsroom: EditorialClient) -> None:
    """No error contains a message of the database, and no table is added or removed."""
    newsroom = own_newsroom
    offset = 0 if newsroom.server.dialect == "sqlite" else 1
    tables = set(await newsroom.rows())
    for mutation, value, probe in PROBE_CASES[offset::2]:
        type_name = re.sub(r"^[a-z]+", "", mutation)
        if value.get("id") == "x":
            value["id"] = EXISTING_IDS.get(type_name, "art_701")
        if value.get("article") == "x":
            value["article"] = "art_701"
        if mutation == "mergeSources" or mutation.startswith("delete"):
            value["validateOnly"] = True
        response = await newsroom.executor.execute(
            GraphQLRequest(mutation_document(mutation), None, {"input": value}), None, None, ROOT
        )
        assert_no_server_error(response)
        assert "INTERNAL_SERVER_ERROR" not in response.codes
        assert set(response.codes) <= ERROR_CODES.keys()
        if response.codes:
            assert response.codes == ("BAD_USER_INPUT",), (mutation, value, response.body)
            continue
        for error in orjson.loads(response.body)["data"][mutation]["userErrors"]:
            message = (
                (error["message"] + " " + (error["hint"] or "")).replace(probe, "").replace(repr(probe), "")
            )
            message = re.sub(r"'[^']*'|\"[^\"]*\"", "", message)
            assert not INTERNAL.search(message), (mutation, value, error)
    assert set(await newsroom.rows()) == tables
    assert Settings().max_root_fields  # The limits of the schema did not reject the probes.
    assert CORE.query_type is not None
