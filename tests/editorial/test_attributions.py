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

ATTRIBUTIONS_QUERY = """query($i: ID!) { article(id: $i) { version attributions {
  id kind state position claim quote saidOn url verification verificationNote verifiedAt
  source { slug } origin { slug } chain { id kind hop source { slug } }
  span { blockId start end exact prefix suffix orphaned } } body { text } } }"""
CITING_SPAN = {"exact": "citing South Korean intelligence"}


async def chains(newsroom: EditorialClient, id: str, actor: Any = ANNA) -> list[Any]:
    """The attributions of an article as the actor sees them."""
    data = (await newsroom.query(ATTRIBUTIONS_QUERY, actor, i=id))["article"]["attributions"]
    assert isinstance(data, list)
    return data


def kinds_and_sources(chain: Any) -> list[tuple[str, str]]:
    """Kind and source slug of each hop, beginning with the origin."""
    return [(hop["kind"], hop["source"] and hop["source"]["slug"]) for hop in chain["chain"]]


def via_input(*sources: str) -> dict[str, Any]:
    """Input of a chain through the sources, beginning next to the origin."""
    hop: dict[str, Any] = {"kind": "ACCORDING_TO", "source": sources[0]}
    return {**hop, "via": via_input(*sources[1:])} if sources[1:] else hop


async def test_attribution_chain_is_public_when_its_article_is_published(newsroom: EditorialClient) -> None:
    """An attribution that an editor adds is accepted, and its span is located in the text."""
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
        span=CITING_SPAN,
        via={"kind": "ACCORDING_TO", "source": "sky-news"},
    )
    (chain,) = await chains(newsroom, id)
    assert chain["id"] == created["attribution"]["id"]
    assert (created["article"]["id"], created["article"]["version"]) == (id, 2)
    assert kinds_and_sources(chain) == [("CITING", "south-korean-intelligence"), ("ACCORDING_TO", "sky-news")]
    assert (chain["state"], chain["verification"], chain["saidOn"]) == ("ACCEPTED", "VERIFIED", "2026-06-17")
    assert chain["verifiedAt"] == "2026-06-30T08:00:00Z"
    span = chain["span"]
    assert (span["exact"], span["orphaned"]) == (CITING_SPAN["exact"], False)
    assert TEXT[1][span["start"] : span["end"]] == CITING_SPAN["exact"]
    for transition in ("submitArticle", "approveArticle", "publishArticle"):
        await newsroom.mutate_ok(transition, id=id)
    assert await chains(newsroom, id, PUBLIC) == [chain]
    query = '{ source(slug: "sky-news") { attributions { nodes { id } } } }'
    heads = (await newsroom.query(query))["source"]["attributions"]["nodes"]
    assert heads


async def test_update_attribution_changes_one_hop_and_keeps_all_ids(newsroom: EditorialClient) -> None:
    """The chain becomes EDITED, and the other hops stay the same."""
    id = await newsroom.create_draft()
    created = (
        await newsroom.mutate_ok(
            "addAttribution", article=id, kind="SAID", source="kctv", via=via_input("joongang", "sky-news")
        )
    )["attribution"]
    before = (await chains(newsroom, id))[0]
    hop = before["chain"][1]["id"]
    await newsroom.mutate_ok("updateAttribution", id=hop, kind="REPORTED_BY", source="agency-1")
    (after,) = await chains(newsroom, id)
    assert kinds_and_sources(after) == [
        ("SAID", "kctv"),
        ("REPORTED_BY", "agency-1"),
        ("ACCORDING_TO", "sky-news"),
    ]
    assert [hop_["id"] for hop_ in after["chain"]] == [hop_["id"] for hop_ in before["chain"]]
    assert (after["id"], after["state"]) == (created["id"], "EDITED")
    await newsroom.mutate_ok("updateAttribution", id=created["id"], via=via_input("agency-2"))
    (shortened,) = await chains(newsroom, id)
    assert kinds_and_sources(shortened) == [("SAID", "kctv"), ("ACCORDING_TO", "agency-2")]
    await newsroom.mutate_ok("updateAttribution", id=created["id"], via=None, claim="x")
    assert kinds_and_sources((await chains(newsroom, id))[0]) == [("SAID", "kctv")]


async def test_delete_attribution_removes_one_hop_or_the_whole_chain(newsroom: EditorialClient) -> None:
    """Deleting a relay joins its neighbours; deleting the head deletes all hops."""
    id = await newsroom.create_draft()
    created = (
        await newsroom.mutate_ok(
            "addAttribution", article=id, kind="SAID", source="kctv", via=via_input("joongang", "sky-news")
        )
    )["attribution"]
    chain = (await chains(newsroom, id))[0]["chain"]
    assert await newsroom.mutate_ok("deleteAttribution", id=chain[1]["id"]) == chain[1]["id"]
    assert kinds_and_sources((await chains(newsroom, id))[0]) == [
        ("SAID", "kctv"),
        ("ACCORDING_TO", "sky-news"),
    ]
    assert await newsroom.mutate_codes("updateAttribution", id=chain[1]["id"], kind="SAID") == {
        ("NOT_FOUND", "id")
    }
    assert await newsroom.mutate_ok("deleteAttribution", id=chain[2]["id"]) == chain[2]["id"]
    assert kinds_and_sources((await chains(newsroom, id))[0]) == [("SAID", "kctv")]
    await newsroom.mutate_ok("deleteAttribution", id=created["id"])
    assert await chains(newsroom, id) == []


async def test_rejected_attributions_are_not_public(newsroom: EditorialClient) -> None:
    """The change is public after the next publication; repeating it is INVALID_TRANSITION."""
    id = await newsroom.create_draft()
    created = (await newsroom.mutate_ok("addAttribution", article=id, kind="SAID", source="agency-3"))[
        "attribution"
    ]
    for transition in ("submitArticle", "approveArticle", "publishArticle"):
        await newsroom.mutate_ok(transition, id=id)
    rejected = (await newsroom.mutate_ok("rejectAttribution", id=created["id"]))["attribution"]
    assert (rejected["id"], rejected["state"]) == (created["id"], "REJECTED")
    assert len(await chains(newsroom, id, PUBLIC)) == 1, (
        "the published version stays until the next publication"
    )
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


async def test_reorder_attributions_sets_the_order(newsroom: EditorialClient) -> None:
    """The input lists every attribution once; a new attribution is inserted at its position."""
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
    order = [kinds_and_sources(chain)[0][1] for chain in await chains(newsroom, id)]
    assert order == ["agency-2", "agency-1", "kctv", "joongang", "agency-4"]
    assert (await chains(newsroom, id))[0]["id"] == first["attribution"]["id"]


async def test_a_source_occurs_only_once_in_a_chain(newsroom: EditorialClient) -> None:
    """Holds for a new chain, for a changed hop and for a replaced part of the chain."""
    id = await newsroom.create_draft()
    fields = {"article": id, "kind": "SAID", "source": "kctv"}
    assert await newsroom.mutate_codes("addAttribution", **fields, via=via_input("joongang", "kctv")) == {
        ("INVALID_ATTRIBUTION_CHAIN", "via")
    }
    created = (await newsroom.mutate_ok("addAttribution", **fields, via=via_input("joongang", "sky-news")))[
        "attribution"
    ]
    hops = (await chains(newsroom, id))[0]["chain"]
    assert await newsroom.mutate_codes("updateAttribution", id=hops[2]["id"], source="kctv") == {
        ("INVALID_ATTRIBUTION_CHAIN", "via")
    }
    assert await newsroom.mutate_codes("updateAttribution", id=hops[1]["id"], via=via_input("kctv")) == {
        ("INVALID_ATTRIBUTION_CHAIN", "via")
    }
    assert await newsroom.mutate_codes("updateAttribution", id=created["id"], source="sky-news") == {
        ("INVALID_ATTRIBUTION_CHAIN", "via")
    }


async def test_chains_are_limited_to_five_hops_after_the_origin(newsroom: EditorialClient) -> None:
    """A sixth hop is rejected, in a new chain and appended to an existing one."""
    id = await newsroom.create_draft()
    fields = {"article": id, "kind": "SAID", "source": "kctv"}
    six_sources = [f"agency-{n}" for n in range(6)]
    for sources in (six_sources, [*six_sources, "agency-6", "agency-7"]):
        ((code, field),) = await newsroom.mutate_codes("addAttribution", **fields, via=via_input(*sources))
        assert (code, field.split(".")[0]) == ("INVALID_ATTRIBUTION_CHAIN", "via")
    created = (await newsroom.mutate_ok("addAttribution", **fields, via=via_input(*six_sources[:5])))[
        "attribution"
    ]
    hops = (await chains(newsroom, id))[0]["chain"]
    assert [hop["hop"] for hop in hops] == [0, 1, 2, 3, 4, 5]
    ((code, _),) = await newsroom.mutate_codes(
        "updateAttribution", id=hops[5]["id"], via=via_input("agency-6")
    )
    assert code == "INVALID_ATTRIBUTION_CHAIN"
    ((code, _),) = await newsroom.mutate_codes(
        "updateAttribution", id=created["id"], via=via_input(*six_sources)
    )
    assert code == "INVALID_ATTRIBUTION_CHAIN"


async def test_attribution_source_is_required_unless_reported(newsroom: EditorialClient) -> None:
    """Only the kind REPORTED_BY has no source; invalid references and URLs are reported."""
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


async def test_deleting_an_attribution_keeps_quotes_that_refer_to_it(newsroom: EditorialClient) -> None:
    """The quote block stays without a reference, and the article can still be edited."""
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


# Spans


async def test_span_is_located_by_its_exact_text_or_its_offsets(newsroom: EditorialClient) -> None:
    """Missing or ambiguous words are an error; the hint for ambiguous words lists their offsets."""
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
    for incomplete in ({}, {"start": 1, "end": 2}, {"blockId": None}):
        assert await newsroom.mutate_codes("addAttribution", **fields, span=incomplete) == {
            ("INVALID", "span")
        }
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
    ("body", "is_located"),
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
async def test_spans_are_relocated_after_an_edit(
    newsroom: EditorialClient, body: Any, is_located: bool
) -> None:
    """A span whose words are removed is orphaned; when the words return, it is located again."""
    id = await newsroom.create_draft()
    await newsroom.mutate_ok("addAttribution", article=id, kind="SAID", source="kctv", span=CITING_SPAN)
    await newsroom.mutate_ok("updateArticle", id=id, body=body)
    query = (
        "query($i: ID!) { article(id: $i) { attributions { span { blockId start end exact orphaned } } %s } }"
    )
    data = (
        await newsroom.query(query % "body { blocks { id ... on ParagraphBlock { text } } }", ANNA, i=id)
    )["article"]
    span = data["attributions"][0]["span"]
    assert (span["exact"], span["orphaned"]) == (CITING_SPAN["exact"], not is_located)
    texts = {block["id"]: block.get("text") for block in data["body"]["blocks"]}
    if is_located and texts[span["blockId"]]:
        assert texts[span["blockId"]][span["start"] : span["end"]] == CITING_SPAN["exact"]
    await newsroom.mutate_ok("updateArticle", id=id, body={"text": "\n".join(TEXT)})
    again = (await chains(newsroom, id))[0]["span"]
    assert (again["exact"], again["orphaned"]) == (CITING_SPAN["exact"], False)
    assert TEXT[1][again["start"] : again["end"]] == CITING_SPAN["exact"]


async def test_articles_with_orphaned_spans_can_be_published(newsroom: EditorialClient) -> None:
    """Editors see that the span is orphaned and can set a new one."""
    id = await newsroom.create_draft()
    created = await newsroom.mutate_ok(
        "addAttribution", article=id, kind="SAID", source="kctv", span=CITING_SPAN
    )
    await newsroom.mutate_ok("updateArticle", id=id, body={"text": "Something else."})
    for transition in ("submitArticle", "approveArticle", "publishArticle"):
        await newsroom.mutate_ok(transition, id=id)
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
def test_reanchored_spans_match_their_text_or_are_orphaned(edits: list[list[str]], chance: Any) -> None:
    """After any edits a span is located exactly if its words occur in the body, else it is orphaned."""
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
        current_texts = block_texts(after)
        assert span.exact == exact
        if any(exact in block_text for block_text in current_texts.values()):
            assert not span.orphaned
            assert current_texts[span.block_id][span.start : span.end] == exact
        else:
            assert span.orphaned
        body = after
