"""Mutations of attributions, and their text spans after edits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.editorial_client import ANNA, PUBLIC, TEXT, EditorialClient

from contentql.content.blocks import Block, Paragraph
from contentql.content.derive import assign_block_ids
from contentql.content.enums import AttributionKind
from contentql.content.records import AttributionRecord, SpanRecord
from contentql.editorial.text_anchors import block_texts, make_span, reanchor_attributions

CHAIN = """query($i: ID!) { article(id: $i) { version attributions { id kind state position claim quote saidOn
  url verification verificationNote verifiedAt
  source { slug } origin { slug } chain { id kind hop source { slug } }
  span { blockId start end exact prefix suffix orphaned } } body { text } } }"""
CITING = {"exact": "citing South Korean intelligence"}


async def chains(newsroom: EditorialClient, id: str, who: Any = ANNA) -> list[Any]:
    data = (await newsroom.query(CHAIN, who, i=id))["article"]["attributions"]
    assert isinstance(data, list)
    return data


def way(chain: Any) -> list[tuple[str, str]]:
    """From the origin to the reader."""
    return [(hop["kind"], hop["source"] and hop["source"]["slug"]) for hop in chain["chain"]]


def via(*sources: str) -> dict[str, Any]:
    """A way through these, the nearest to the origin first."""
    hop: dict[str, Any] = {"kind": "ACCORDING_TO", "source": sources[0]}
    return {**hop, "via": via(*sources[1:])} if sources[1:] else hop


async def test_a_chain_is_entered_and_public_with_its_article(newsroom: EditorialClient) -> None:
    """Sky News, citing South Korean intelligence: what an editor enters is accepted, its words found."""
    id = await newsroom.create_draft()
    created = await newsroom.mutate_ok(
        "addAttribution",
        article=id,
        kind="CITING",
        source="south-korean-intelligence",
        claim="Russia may be preparing an offensive",
        quote="We think so",
        stance="ASSERTS",
        saidOn="2026-06-17",
        url="https://news.sky.com/story/1",
        accessedAt="2026-07-01T05:00:00Z",
        verification="VERIFIED",
        verificationNote="Satellite images",
        span=CITING,
        via={"kind": "ACCORDING_TO", "source": "sky-news"},
    )
    (chain,) = await chains(newsroom, id)
    assert chain["id"] == created["attribution"]["id"]
    assert (created["article"]["id"], created["article"]["version"]) == (id, 2)
    assert way(chain) == [("CITING", "south-korean-intelligence"), ("ACCORDING_TO", "sky-news")]
    assert (chain["state"], chain["verification"], chain["saidOn"]) == ("ACCEPTED", "VERIFIED", "2026-06-17")
    assert chain["verifiedAt"] == "2026-06-30T08:00:00Z"
    span = chain["span"]
    assert (span["exact"], span["orphaned"]) == (CITING["exact"], False)
    assert TEXT[1][span["start"] : span["end"]] == CITING["exact"]
    for move in ("submitArticle", "approveArticle", "publishArticle"):
        await newsroom.mutate_ok(move, id=id)
    assert await chains(newsroom, id, PUBLIC) == [chain]
    query = '{ source(slug: "sky-news") { attributions { nodes { id } } } }'
    heads = (await newsroom.query(query))["source"]["attributions"]["nodes"]
    assert heads


async def test_a_hop_is_edited_by_its_own_id(newsroom: EditorialClient) -> None:
    """Only that hop changes; the chain counts as edited; its id and those of the others stay."""
    id = await newsroom.create_draft()
    created = (
        await newsroom.mutate_ok(
            "addAttribution", article=id, kind="SAID", source="kctv", via=via("joongang", "sky-news")
        )
    )["attribution"]
    before = (await chains(newsroom, id))[0]
    hop = before["chain"][1]["id"]
    await newsroom.mutate_ok("updateAttribution", id=hop, kind="REPORTED_BY", source="agency-1")
    (after,) = await chains(newsroom, id)
    assert way(after) == [("SAID", "kctv"), ("REPORTED_BY", "agency-1"), ("ACCORDING_TO", "sky-news")]
    assert [one["id"] for one in after["chain"]] == [one["id"] for one in before["chain"]]
    assert (after["id"], after["state"]) == (created["id"], "EDITED")
    await newsroom.mutate_ok("updateAttribution", id=created["id"], via=via("agency-2"))
    (anew,) = await chains(newsroom, id)
    assert way(anew) == [("SAID", "kctv"), ("ACCORDING_TO", "agency-2")]
    await newsroom.mutate_ok("updateAttribution", id=created["id"], via=None, claim="x")
    assert way((await chains(newsroom, id))[0]) == [("SAID", "kctv")]


async def test_deleting_a_hop_closes_the_chain(newsroom: EditorialClient) -> None:
    """A relay goes alone, its neighbours close up; with the head goes all of it."""
    id = await newsroom.create_draft()
    created = (
        await newsroom.mutate_ok(
            "addAttribution", article=id, kind="SAID", source="kctv", via=via("joongang", "sky-news")
        )
    )["attribution"]
    chain = (await chains(newsroom, id))[0]["chain"]
    assert await newsroom.mutate_ok("deleteAttribution", id=chain[1]["id"]) == chain[1]["id"]
    assert way((await chains(newsroom, id))[0]) == [("SAID", "kctv"), ("ACCORDING_TO", "sky-news")]
    assert await newsroom.mutate_codes("updateAttribution", id=chain[1]["id"], kind="SAID") == {
        ("NOT_FOUND", "id")
    }
    assert await newsroom.mutate_ok("deleteAttribution", id=chain[2]["id"]) == chain[2]["id"]
    assert way((await chains(newsroom, id))[0]) == [("SAID", "kctv")]
    await newsroom.mutate_ok("deleteAttribution", id=created["id"])
    assert await chains(newsroom, id) == []


async def test_only_what_is_accepted_is_public(newsroom: EditorialClient) -> None:
    """Rejected it is gone from every public answer, accepted it is back; twice is told."""
    id = await newsroom.create_draft()
    created = (await newsroom.mutate_ok("addAttribution", article=id, kind="SAID", source="agency-3"))[
        "attribution"
    ]
    for move in ("submitArticle", "approveArticle", "publishArticle"):
        await newsroom.mutate_ok(move, id=id)
    rejected = (await newsroom.mutate_ok("rejectAttribution", id=created["id"]))["attribution"]
    assert (rejected["id"], rejected["state"]) == (created["id"], "REJECTED")
    assert len(await chains(newsroom, id, PUBLIC)) == 1, "what is out stays until it is published again"
    await newsroom.republish(id)
    query = 'query($a: ID!) { attribution(id: $a) { id } source(slug: "agency-3") { id } }'
    assert await newsroom.query(query, a=created["id"]) == {"attribution": None, "source": None}
    assert await chains(newsroom, id, PUBLIC) == []
    assert await newsroom.mutate_codes("rejectAttribution", id=created["id"]) == {
        ("INVALID_TRANSITION", "id")
    }
    await newsroom.mutate_ok("acceptAttribution", id=created["id"])
    assert await newsroom.mutate_codes("acceptAttribution", id=created["id"]) == {
        ("INVALID_TRANSITION", "id")
    }
    await newsroom.republish(id)
    assert [chain["id"] for chain in await chains(newsroom, id, PUBLIC)] == [created["id"]]


async def test_attributions_stand_in_the_order_that_editors_give(newsroom: EditorialClient) -> None:
    """All of them are named, each once; a new one goes to its place."""
    id = await newsroom.create_draft()
    ids = []
    for source in ("kctv", "joongang", "agency-1"):
        created = await newsroom.mutate_ok("addAttribution", article=id, kind="SAID", source=source)
        ids.append(created["attribution"]["id"])
    await newsroom.mutate_ok("reorderAttributions", id=id, attributions=[ids[2], ids[0], ids[1]])
    assert [chain["id"] for chain in await chains(newsroom, id)] == [ids[2], ids[0], ids[1]]
    for wrong in (ids[:2], [*ids, ids[0]], [], [*ids[:2], "att_1"]):
        assert await newsroom.mutate_codes("reorderAttributions", id=id, attributions=wrong) == {
            ("INVALID", "attributions")
        }
    assert await newsroom.mutate_codes("reorderAttributions", id=id, attributions=["art_701"]) == {
        ("WRONG_TYPE", "attributions.0")
    }
    first = await newsroom.mutate_ok("addAttribution", article=id, kind="SAID", source="agency-2", position=0)
    await newsroom.mutate_ok("addAttribution", article=id, kind="SAID", source="agency-4", position=99)
    order = [way(chain)[0][1] for chain in await chains(newsroom, id)]
    assert order == ["agency-2", "agency-1", "kctv", "joongang", "agency-4"]
    assert (await chains(newsroom, id))[0]["id"] == first["attribution"]["id"]


async def test_a_chain_does_not_come_back_to_itself(newsroom: EditorialClient) -> None:
    """No source stands in it twice, whether it is entered whole, changed at a hop, or led elsewhere."""
    id = await newsroom.create_draft()
    fields = {"article": id, "kind": "SAID", "source": "kctv"}
    assert await newsroom.mutate_codes("addAttribution", **fields, via=via("joongang", "kctv")) == {
        ("INVALID_ATTRIBUTION_CHAIN", "via")
    }
    created = (await newsroom.mutate_ok("addAttribution", **fields, via=via("joongang", "sky-news")))[
        "attribution"
    ]
    hops = (await chains(newsroom, id))[0]["chain"]
    assert await newsroom.mutate_codes("updateAttribution", id=hops[2]["id"], source="kctv") == {
        ("INVALID_ATTRIBUTION_CHAIN", "via")
    }
    assert await newsroom.mutate_codes("updateAttribution", id=hops[1]["id"], via=via("kctv")) == {
        ("INVALID_ATTRIBUTION_CHAIN", "via")
    }
    assert await newsroom.mutate_codes("updateAttribution", id=created["id"], source="sky-news") == {
        ("INVALID_ATTRIBUTION_CHAIN", "via")
    }


async def test_a_chain_has_five_hops_at_most(newsroom: EditorialClient) -> None:
    """Five between source and reader are entered; the sixth is refused, at the end or put in."""
    id = await newsroom.create_draft()
    fields = {"article": id, "kind": "SAID", "source": "kctv"}
    six = [f"agency-{n}" for n in range(6)]
    for way_too_long in (six, [*six, "agency-6", "agency-7"]):
        ((code, field),) = await newsroom.mutate_codes("addAttribution", **fields, via=via(*way_too_long))
        assert (code, field.split(".")[0]) == ("INVALID_ATTRIBUTION_CHAIN", "via")
    created = (await newsroom.mutate_ok("addAttribution", **fields, via=via(*six[:5])))["attribution"]
    hops = (await chains(newsroom, id))[0]["chain"]
    assert [hop["hop"] for hop in hops] == [0, 1, 2, 3, 4, 5]
    ((code, _),) = await newsroom.mutate_codes("updateAttribution", id=hops[5]["id"], via=via("agency-6"))
    assert code == "INVALID_ATTRIBUTION_CHAIN"
    ((code, _),) = await newsroom.mutate_codes("updateAttribution", id=created["id"], via=via(*six))
    assert code == "INVALID_ATTRIBUTION_CHAIN"


async def test_whose_words_they_are_must_be_said(newsroom: EditorialClient) -> None:
    """Only "it was reported" may leave it open."""
    id = await newsroom.create_draft()
    assert await newsroom.mutate_codes("addAttribution", article=id, kind="SAID") == {("REQUIRED", "source")}
    assert await newsroom.mutate_codes("addAttribution", article=id, kind="SAID", source="nobody") == {
        ("NOT_FOUND", "source")
    }
    fields = {"article": id, "kind": "SAID", "source": "kctv"}
    assert await newsroom.mutate_codes("addAttribution", **fields, via={"kind": "TOLD"}) == {
        ("REQUIRED", "via.source")
    }
    assert await newsroom.mutate_codes(
        "addAttribution", **fields, via={"kind": "TOLD", "source": "nobody"}
    ) == {("NOT_FOUND", "via.source")}
    assert await newsroom.mutate_codes("addAttribution", **fields, url="javascript:alert(1)") == {
        ("UNSAFE_CONTENT", "url")
    }
    assert await newsroom.mutate_codes("addAttribution", **{**fields, "article": "att_1"}) == {
        ("WRONG_TYPE", "article")
    }
    assert await newsroom.mutate_codes("addAttribution", **fields, position=-1) == {("INVALID", "position")}
    created = await newsroom.mutate_ok("addAttribution", article=id, kind="REPORTED_BY")
    assert created["attribution"]["source"] is None
    assert await newsroom.mutate_codes("updateAttribution", id=created["attribution"]["id"], kind="SAID") == {
        ("REQUIRED", "source")
    }


async def test_a_quotation_outlives_its_attribution(newsroom: EditorialClient) -> None:
    """When that is deleted the words stay, and the article is edited and published as before."""
    id = await newsroom.create_draft()
    created = await newsroom.mutate_ok("addAttribution", article=id, kind="SAID", source="kctv")
    quote = {"quote": {"text": "We are ready.", "attribution": created["attribution"]["id"]}}
    await newsroom.mutate_ok("updateArticle", id=id, body={"blocks": [quote]})
    query = """query($i: ID!) { article(id: $i) { headline
      body { blocks { ... on QuoteBlock { text attribution { id } } } } } }"""
    (block,) = (await newsroom.query(query, ANNA, i=id))["article"]["body"]["blocks"]
    assert block == {"text": "We are ready.", "attribution": {"id": created["attribution"]["id"]}}
    await newsroom.mutate_ok("deleteAttribution", id=created["attribution"]["id"])
    await newsroom.mutate_ok("updateArticle", id=id, headline="Ready")
    data = (await newsroom.query(query, ANNA, i=id))["article"]
    assert data == {
        "headline": "Ready",
        "body": {"blocks": [{"text": "We are ready.", "attribution": None}]},
    }


# Where the words stand


async def test_words_are_found_by_what_they_say(newsroom: EditorialClient) -> None:
    """Once: found. Twice: asked where. Not there: told. By place alone: taken from the text."""
    id = await newsroom.create_draft(body={"text": "He said it, he said.\nNobody said a thing."})
    fields = {"article": id, "kind": "SAID", "source": "kctv"}
    (error,) = await newsroom.mutate_errors("addAttribution", **fields, span={"exact": "said"})
    assert (error["code"], error["field"]) == ("INVALID", ["span", "exact"])
    assert "start 3" in error["hint"]
    assert await newsroom.mutate_codes("addAttribution", **fields, span={"exact": "sang"}) == {
        ("NOT_FOUND", "span.exact")
    }
    assert await newsroom.mutate_codes("addAttribution", **fields, span={"exact": ""}) == {
        ("NOT_FOUND", "span.exact")
    }
    for nothing in ({}, {"start": 1, "end": 2}, {"blockId": None}):
        assert await newsroom.mutate_codes("addAttribution", **fields, span=nothing) == {("INVALID", "span")}
    assert await newsroom.mutate_codes(
        "addAttribution", **fields, span={"blockId": "blk_no", "start": 0, "end": 1}
    ) == {("NOT_FOUND", "span.blockId")}
    created = await newsroom.mutate_ok("addAttribution", **fields, span={"exact": "Nobody said"})
    block = created["attribution"]["span"]["blockId"]
    created = await newsroom.mutate_ok("addAttribution", **fields, span={"exact": "said", "blockId": block})
    assert (created["attribution"]["span"]["blockId"], created["attribution"]["span"]["start"]) == (block, 7)
    created = await newsroom.mutate_ok(
        "addAttribution", **fields, span={"blockId": block, "start": 0, "end": 6}
    )
    assert created["attribution"]["span"]["exact"] == "Nobody"
    for start, end in ((-1, 3), (3, 3), (5, 2), (0, 999)):
        assert await newsroom.mutate_codes(
            "addAttribution", **fields, span={"blockId": block, "start": start, "end": end}
        ) == {("INVALID", "span")}


@pytest.mark.parametrize(
    ("body", "stands"),
    [
        ({"text": "\n".join(TEXT)}, True),
        ({"text": "\n".join(("First of all.", *TEXT))}, True),
        ({"text": f"{TEXT[1]}\n{TEXT[0]}"}, True),
        ({"text": f"😀 Now: {TEXT[1]}"}, True),
        ({"html": f"<p>{TEXT[0]}</p><h2>So</h2><p>It is <b>said</b>, {TEXT[1]}</p>"}, True),
        ({"markdown": f"> {TEXT[1]}\n\nWhoever *says* so."}, True),
        ({"text": TEXT[0]}, False),
        ({"text": "citing South Korean Intelligence"}, False),
        (None, False),
    ],
)
async def test_spans_are_relocated_after_an_edit(newsroom: EditorialClient, body: Any, stands: bool) -> None:
    """They stand on exactly what they say, or are marked. Brought back, they stand again."""
    id = await newsroom.create_draft()
    await newsroom.mutate_ok("addAttribution", article=id, kind="SAID", source="kctv", span=CITING)
    await newsroom.mutate_ok("updateArticle", id=id, body=body)
    query = (
        "query($i: ID!) { article(id: $i) { attributions { span { blockId start end exact orphaned } } %s } }"
    )
    data = (
        await newsroom.query(query % "body { blocks { id ... on ParagraphBlock { text } } }", ANNA, i=id)
    )["article"]
    span = data["attributions"][0]["span"]
    assert (span["exact"], span["orphaned"]) == (CITING["exact"], not stands)
    texts = {block["id"]: block.get("text") for block in data["body"]["blocks"]}
    if stands and texts[span["blockId"]]:
        assert texts[span["blockId"]][span["start"] : span["end"]] == CITING["exact"]
    await newsroom.mutate_ok("updateArticle", id=id, body={"text": "\n".join(TEXT)})
    again = (await chains(newsroom, id))[0]["span"]
    assert (again["exact"], again["orphaned"]) == (CITING["exact"], False)
    assert TEXT[1][again["start"] : again["end"]] == CITING["exact"]


async def test_an_orphan_keeps_nothing_from_being_published(newsroom: EditorialClient) -> None:
    """The editor sees that its words are gone; the article comes out all the same."""
    id = await newsroom.create_draft()
    created = await newsroom.mutate_ok("addAttribution", article=id, kind="SAID", source="kctv", span=CITING)
    await newsroom.mutate_ok("updateArticle", id=id, body={"text": "Something else."})
    for move in ("submitArticle", "approveArticle", "publishArticle"):
        await newsroom.mutate_ok(move, id=id)
    assert (await chains(newsroom, id))[0]["span"]["orphaned"]
    await newsroom.mutate_ok(
        "updateAttribution", id=created["attribution"]["id"], span={"exact": "Something"}
    )
    assert (await chains(newsroom, id))[0]["span"] == {
        **(await chains(newsroom, id))[0]["span"],
        "start": 0,
        "end": 9,
        "exact": "Something",
        "orphaned": False,
    }


WORDS = st.sampled_from(["Kim", "said", "said so", "😀", "é", "é", ",", " ", "citing", "\u200b", "a"])
PARAGRAPHS = st.lists(st.lists(WORDS, min_size=1, max_size=8).map("".join), min_size=1, max_size=4)


def paragraphs(texts: Sequence[str], before: Sequence[Block] = ()) -> tuple[Block, ...]:
    return assign_block_ids(tuple(Paragraph(text=text) for text in texts), tuple(before))


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(edits=st.lists(PARAGRAPHS, min_size=2, max_size=5), chance=st.randoms(use_true_random=False))
def test_after_any_edits_a_span_stands_on_its_words_or_is_marked(edits: list[list[str]], chance: Any) -> None:
    """Whatever becomes of the text: exactly its words, if they stand anywhere at all, else orphaned."""
    body = paragraphs(edits[0])
    block, text = chance.choice(list(block_texts(body).items()))
    start = chance.randrange(len(text))
    exact = text[start : chance.randint(start + 1, len(text))]
    hop = AttributionRecord(
        kind=AttributionKind.SAID, source="kctv", span=make_span(block, text, start, exact)
    )
    heads: tuple[AttributionRecord, ...] = (hop,)
    for texts in edits[1:]:
        after = paragraphs(texts, body)
        heads = reanchor_attributions(heads, body, after)
        span = heads[0].span
        assert isinstance(span, SpanRecord)
        now = block_texts(after)
        assert span.exact == exact
        if any(exact in one for one in now.values()):
            assert not span.orphaned
            assert now[span.block_id][span.start : span.end] == exact
        else:
            assert span.orphaned
        body = after
