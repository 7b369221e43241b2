"""Bodies of articles: what of each form is kept, in every place where text stands."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.editorial_client import EditorialClient

from contentql.store.models.taxonomy import Media

RUNS = "runs { text marks href language mention }"
BLOCKS = f"""article {{ id body {{ text html markdown blocks {{
  type id
  ... on ParagraphBlock {{ {RUNS} }}
  ... on HeadingBlock {{ level {RUNS} }}
  ... on QuoteBlock {{ {RUNS} }}
  ... on ListBlock {{ ordered items {{ text level ordered number {RUNS} }} }}
  ... on TableBlock {{ rows {{ cells {{ {RUNS} }} }} }}
  ... on ImageBlock {{ media {{ id url alt kind }} caption captionRuns {{ text marks }} }}
  ... on VideoBlock {{ media {{ url }} }}
  ... on EmbedBlock {{ provider url title html fallbackText }}
  ... on LiveEntryBlock {{ {RUNS} }}
}} }} }} warnings {{ code message field place }}"""


def run(text: str, *marks: str, **values: str) -> dict[str, Any]:
    return {"text": text, "marks": list(marks), "href": None, "language": None, "mention": None, **values}


async def create(newsroom: EditorialClient, **body: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The blocks of a new article with this body, without ids, and the warnings."""
    payload = await newsroom.mutate_ok("createArticle", selection=BLOCKS, headline="Bodies", body=body)
    blocks = payload["article"]["body"]["blocks"]
    for block in blocks:
        assert block.pop("id").startswith("blk_")
    return blocks, payload["warnings"]


@pytest.mark.parametrize("form", ["html", "markdown"])
async def test_marks_in_every_text(newsroom: EditorialClient, form: str) -> None:
    link = {"href": "https://e.org"}
    if form == "html":
        a = '<a href="https://e.org">the <b>report</b></a>'
        value = (
            f"<h2>See {a}</h2><blockquote>See {a}</blockquote><ul><li>See {a}</ul><table><td>See {a}</table>"
        )
    else:
        a = "[the **report**](https://e.org)"
        value = f"## See {a}\n\n> See {a}\n\n- See {a}\n\n| See {a} |\n| --- |"
    (heading, quote, list_, table), warnings = await create(newsroom, **{form: value})
    runs = [run("See "), run("the ", **link), run("report", "STRONG", **link)]
    assert heading["runs"] == quote["runs"] == list_["items"][0]["runs"] == runs
    assert table["rows"][0]["cells"][0]["runs"] == runs
    assert warnings == []


async def test_runs_need_no_offsets(newsroom: EditorialClient) -> None:
    """Characters outside of the basic plane, which programming languages count differently."""
    (paragraph,), _ = await create(newsroom, markdown="😀😀 hello **bold** x^2, H<sub>2</sub>O ~~no~~ `a*b`")
    assert paragraph["runs"] == [
        run("😀😀 hello "),
        run("bold", "STRONG"),
        run(" x^2, H"),
        run("2", "SUB"),
        run("O "),
        run("no", "STRIKE"),
        run(" "),
        run("a*b", "CODE"),
    ]


async def test_typed_runs_are_read_back(newsroom: EditorialClient) -> None:
    """From blocks, and from the HTML and Markdown that they become."""
    runs = [
        {"text": "The "},
        {"text": "대통령", "language": "ko"},
        {"text": " met "},
        {"text": "Kim", "marks": ["EM", "STRONG"], "mention": "art_701", "href": "/kim"},
    ]
    blocks = [
        {"paragraph": {"runs": runs}},
        {"quote": {"runs": runs}},
        {
            "list": {
                "ordered": True,
                "items": [
                    {"runs": runs, "number": 3},
                    {"text": "b", "level": 1},
                    {"text": "c", "level": 2, "ordered": True},
                    {"text": "d"},
                ],
            }
        },
        {"table": {"rows": [{"cells": [{"runs": runs}, {"text": "x"}]}]}},
        {"image": {"media": "med_301", "captionRuns": runs}},
        {"liveEntry": {"at": "2026-06-30T08:00:00Z", "runs": runs}},
    ]
    payload = await newsroom.mutate_ok(
        "createArticle", selection=BLOCKS, headline="x", body={"blocks": blocks}
    )
    article = payload["article"]
    paragraph, _, list_, *_ = article["body"]["blocks"]
    assert paragraph["runs"][1] == run("대통령", language="ko")
    assert paragraph["runs"][3] == run("Kim", "STRONG", "EM", mention="art_701", href="/kim")
    assert [(item["level"], item["number"]) for item in list_["items"]] == [(0, 3), (1, None), (2, 1), (0, 4)]
    for form in ("html", "markdown"):
        body = {form: article["body"][form]}
        again = await newsroom.mutate_ok("updateArticle", selection=BLOCKS, id=article["id"], body=body)
        assert again["article"]["body"] == article["body"], form
        assert again["warnings"] == []


@pytest.mark.parametrize(
    ("form", "value"),
    [
        ("markdown", "![Crowd](https://pictures.example/crowd-%.jpg)"),
        ("html", '<img src="//pictures.example/crowd-%.jpg" alt="Crowd">'),
        ("html", '<figure><img alt="Crowd" src="https://pictures.example/crowd-%.jpg"></figure>'),
        ("html", '<p><a href="/x"><img alt="Crowd" src="https://pictures.example/crowd-%.jpg"></a></p>'),
    ],
)
async def test_pictures_by_address_become_media(newsroom: EditorialClient, form: str, value: str) -> None:
    """Once for each address; a dry run creates none."""
    number = str(len(value))
    body = {form: value.replace("%", number)}
    url = f"https://pictures.example/crowd-{number}.jpg"
    await newsroom.mutate_ok("createArticle", headline="x", body=body, validateOnly=True)
    async with newsroom.database.orm():
        assert not await Media.filter(url=url).exists()
    (first,), (warning,) = await create(newsroom, **body)
    (second,), no_warnings = await create(newsroom, **body)
    assert first["media"] == second["media"]
    assert (first["media"]["url"], first["media"]["alt"], first["media"]["kind"]) == (url, "Crowd", "IMAGE")
    assert (warning["code"], warning["place"], no_warnings) == ("GUESSED", url, [])


async def test_pictures_by_id(newsroom: EditorialClient) -> None:
    """An unknown one is an error."""
    (image,), warnings = await create(newsroom, markdown="![The *crowd*](med_301)")
    assert image["captionRuns"] == [{"text": "The ", "marks": []}, {"text": "crowd", "marks": ["EM"]}]
    assert (image["media"]["id"], warnings) == ("med_301", [])
    for body in ({"markdown": "![x](med_999)"}, {"html": '<img src="med_999">'}):
        (error,) = await newsroom.mutate_errors("createArticle", headline="x", body=body)
        assert (error["code"], error["field"]) == ("NOT_FOUND", ["body", *body])


@pytest.mark.parametrize(
    ("body", "provider", "url", "text"),
    [
        ({"markdown": "https://x.com/a/status/1?s=2&t=3"}, "X", "https://x.com/a/status/1?s=2&t=3", ""),
        ({"text": "https://vimeo.com/123"}, "Vimeo", "https://vimeo.com/123", ""),
        ({"html": "<p>https://youtu.be/abc</p>"}, "YouTube", "https://youtu.be/abc", ""),
        (
            {"html": '<iframe src="https://player.vimeo.com/video/5" title="A film"></iframe>'},
            "Vimeo",
            "https://player.vimeo.com/video/5",
            "A film",
        ),
        (
            {
                "html": '<blockquote class="twitter-tweet"><p lang="en">It snows.</p>&mdash; A (@a)'
                ' <a href="https://twitter.com/a/status/12?ref=x">1 May</a></blockquote>'
                '<script async src="https://platform.twitter.com/widgets.js"></script>'
            },
            "X",
            "https://twitter.com/a/status/12?ref=x",
            "It snows.— A (@a) 1 May",
        ),
        (
            {
                "html": '<figure class="wp-block-embed is-type-video"><div class="wp-block-embed__wrapper">'
                "\nhttps://www.tiktok.com/@a/video/12\n</div><figcaption>A dance</figcaption></figure>"
            },
            "TikTok",
            "https://www.tiktok.com/@a/video/12",
            "A dance",
        ),
    ],
)  # fmt: skip
async def test_embeds(
    newsroom: EditorialClient, body: dict[str, str], provider: str, url: str, text: str
) -> None:
    """Their code, or their URL on a line of its own; nothing is fetched. The URL stands for a text."""
    (embed,), _ = await create(newsroom, **body)
    assert embed["type"] == "EMBED"
    assert (embed["provider"], embed["url"], embed["fallbackText"]) == (provider, url, text or url)


async def test_what_is_not_kept_as_it_is_has_a_warning(newsroom: EditorialClient) -> None:
    """Front matter, footnotes, definition lists, details."""
    blocks, warnings = await create(
        newsroom,
        markdown="---\ntitle: x\n---\n\nA claim.[^1]\n\nTerm\n: Meaning\n\n[^1]: The source.\n",
    )
    assert [block["runs"][0]["text"] for block in blocks] == ["A claim.", "Term", "Meaning", "1. The source."]
    assert blocks[0]["runs"][1] == run("1", "SUP")
    assert [warning["code"] for warning in warnings] == ["DROPPED", "CHANGED", "CHANGED"]
    _, (warning,) = await create(newsroom, html="<details><summary>More</summary>Text</details>")
    assert (warning["code"], warning["place"]) == ("CHANGED", "<details>")


async def test_lists_keep_levels_and_numbers(newsroom: EditorialClient) -> None:
    (list_,), _ = await create(newsroom, html='<ol start="3"><li>a<ul><li>b</ul><li>c</ol>')
    assert [(item["text"], item["level"], item["number"]) for item in list_["items"]] == [
        ("a", 0, 3),
        ("b", 1, None),
        ("c", 0, 4),
    ]
    (list_,), _ = await create(newsroom, markdown="2024. A year to forget.")
    assert list_["items"][0]["number"] == 2024


async def test_every_problem_is_named_with_its_line(newsroom: EditorialClient) -> None:
    html = "<p>a</p>\n<script>x</script>\n<p onclick=x>b</p>\n<form>c</form><a href='javascript:x'>d</a>"
    async with newsroom.unchanged():
        errors = await newsroom.mutate_errors("createArticle", headline="x", body={"html": html})
    assert [(error["code"], error["message"]) for error in errors] == [
        ("UNSAFE_CONTENT", "The text contains a <script> tag (line 2)."),
        ("UNSAFE_CONTENT", "The text contains an event handler: onclick on <p> (line 3)."),
        ("UNSAFE_CONTENT", "The text contains a <form> tag (line 4)."),
        ("UNSAFE_CONTENT", "The text contains a javascript: link (line 4)."),
    ]


async def test_edited_blocks_keep_their_ids(newsroom: EditorialClient) -> None:
    """HTML names them; ids of other articles are not taken over."""
    created = await newsroom.mutate_ok(
        "createArticle", selection=BLOCKS, headline="x", body={"text": "One.\nTwo."}
    )
    body, id = created["article"]["body"], created["article"]["id"]
    html = body["html"].replace("Two", "Three")
    changed = await newsroom.mutate_ok("updateArticle", selection=BLOCKS, id=id, body={"html": html})
    ids = [block["id"] for block in body["blocks"]]
    assert [block["id"] for block in changed["article"]["body"]["blocks"]] == ids
    other = await newsroom.mutate_ok("createArticle", selection=BLOCKS, headline="y", body={"html": html})
    assert not {block["id"] for block in other["article"]["body"]["blocks"]} & set(ids)


async def test_an_article_without_visible_text_is_not_published(newsroom: EditorialClient) -> None:
    """Spaces of any kind and invisible characters are no text."""
    for blocks in (
        [{"paragraph": {"text": "\u00a0"}}, {"heading": {"text": "\u200b\ufeff"}}, {"rule": {}}],
        [{"list": {"items": [{"text": " "}]}}],
    ):
        id = await newsroom.create_draft(body={"blocks": blocks})
        await newsroom.mutate("submitArticle", id=id)
        await newsroom.mutate("approveArticle", id=id)
        codes = await newsroom.mutate_codes("publishArticle", id=id)
        assert ("REQUIRED", "body") in codes, codes


async def test_mentioned_objects_exist(newsroom: EditorialClient) -> None:
    """Also in lists, tables and captions; one that was deleted later keeps the body editable."""
    run_ = [{"text": "x", "mention": "tag_99999"}]
    blocks = [
        {"paragraph": {"runs": run_}},
        {"list": {"items": [{"runs": run_}]}},
        {"table": {"rows": [{"cells": [{"runs": run_}]}]}},
        {"image": {"media": "med_301", "captionRuns": run_}},
    ]
    async with newsroom.unchanged():
        errors = await newsroom.mutate_errors("createArticle", headline="x", body={"blocks": blocks})
    assert [(error["code"], ".".join(error["field"])) for error in errors] == [
        ("NOT_FOUND", f"body.blocks.{n}") for n in range(4)
    ]
    tag = await newsroom.mutate_ok("createTag", type="TOPIC", name="Short-lived", selection="tag { id }")
    body = {"blocks": [{"paragraph": {"runs": [{"text": "x", "mention": tag["id"]}]}}]}
    article = await newsroom.mutate_ok("createArticle", selection=BLOCKS, headline="x", body=body)
    await newsroom.mutate_ok("deleteTag", id=tag["id"])
    html = article["article"]["body"]["html"]
    await newsroom.mutate_ok("updateArticle", id=article["article"]["id"], body={"html": html})
