"""Who said it, and via whom it reached us, as editors enter it: part of the article, saved with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from contentql.content.derive import MAX_HOPS
from contentql.content.ids import spell
from contentql.content.records import AttributionRecord, SpanRecord
from contentql.editorial import references, validation
from contentql.editorial.articles import Work, editable, load, quoted, save
from contentql.editorial.context import Desk, Input, Made
from contentql.editorial.references import Gathered
from contentql.editorial.text_anchors import places, span_on, texts_of
from contentql.editorial.user_errors import Amiss, Code, UserError, amiss
from contentql.importing.importer import named
from contentql.store.models.content import Article, Attribution, AttributionKind, AttributionState
from contentql.store.models.history import RevisionAction

ACCEPTED, EDITED, REJECTED = AttributionState.ACCEPTED, AttributionState.EDITED, AttributionState.REJECTED
Heads = tuple[AttributionRecord, ...]


async def add(desk: Desk, said: Input) -> Made:
    """What an editor enters is accepted. Its words in the text are looked for if it says them."""
    place = validation.place(said)
    work = await load(desk, said["article"], "article")
    head = await _hop(desk, work, {**said}, "", None)
    head = named(head.model_copy(update={"state": ACCEPTED}))
    heads = list(work.record.attributions)
    heads.insert(len(heads) if place is None else place, head)
    return await _saved(desk, work, tuple(heads), head.id)


async def update(desk: Desk, said: Input) -> Made:
    work, head, hop = await _found(desk, said["id"])
    changed = await _hop(desk, work, said, "", hop)
    changed = changed.model_copy(update={"id": hop.id})
    if "via" in said:
        changed = changed.model_copy(update={"via": changed.via and named(changed.via)})
    whole = _with(head, hop, changed)
    assert whole is not None
    if whole.state is not REJECTED:
        whole = whole.model_copy(update={"state": EDITED})
    _check_chain(whole)
    heads = tuple(whole if one is head else one for one in work.record.attributions)
    return await _saved(desk, work, heads, hop.id)


async def accept(desk: Desk, said: Input) -> Made:
    return await _decided(desk, said, ACCEPTED)


async def reject(desk: Desk, said: Input) -> Made:
    return await _decided(desk, said, REJECTED)


async def _decided(desk: Desk, said: Input, state: AttributionState) -> Made:
    work, head, hop = await _found(desk, said["id"])
    if head.state is state:
        raise amiss(Code.ILLEGAL_MOVE, f"It is {state.value} already.", "id")
    heads = tuple(
        one.model_copy(update={"state": state}) if one is head else one for one in work.record.attributions
    )
    return await _saved(desk, work, heads, hop.id)


async def delete(desk: Desk, said: Input) -> Made:
    """The whole chain of a head; of a relay, only that hop: its neighbours close up."""
    work, head, hop = await _found(desk, said["id"])
    shorter = None if hop is head else _with(head, hop, None)
    others = (shorter if one is head else one for one in work.record.attributions)
    heads = tuple(one for one in others if one is not None)
    return await _saved(desk, work, heads, hop.id)


async def reorder(desk: Desk, said: Input) -> Made:
    work = await load(desk, said["id"])
    heads = {one.id: one for one in work.record.attributions}
    wanted = [
        desk.number("attribution", text, f"attributions.{n}") for n, text in enumerate(said["attributions"])
    ]
    if sorted(wanted) != sorted(number for number in heads if number):
        raise amiss(
            Code.INVALID,
            "The list must name every attribution of the article, each once.",
            "attributions",
            ", ".join(spell("attribution", number) for number in heads if number) or None,
        )
    status = editable(desk, work)
    record = work.record.model_copy(update={"attributions": tuple(heads[number] for number in wanted)})
    return await save(desk, work, record, RevisionAction.UPDATED, status=status)


async def _saved(desk: Desk, work: Work, heads: Heads, number: int | None) -> Made:
    status = editable(desk, work)
    known = {hop.id for head in heads for hop in head.hops()}
    body = tuple(quoted(block, known) for block in work.record.blocks)
    record = work.record.model_copy(update={"attributions": heads, "blocks": body})
    done = await save(desk, work, record, RevisionAction.UPDATED, status=status)
    return replace(done, table="attribution", number=number or 0, also={"article": done.id})


async def _found(desk: Desk, text: Any) -> tuple[Work, AttributionRecord, AttributionRecord]:
    """The article's latest state, the chain, and the hop of an id. Raises Amiss."""
    number = desk.number("attribution", text, "id")
    row = await Attribution.filter(id=number).first() or await Attribution.filter(working_of=number).first()
    article = await Article.get_or_none(id=row.article_id) if row else None  # type: ignore[attr-defined]
    if row is None or article is None:
        raise desk.missing("attribution", text, "id")
    try:
        work = await load(desk, spell("article", article.working_of or article.id))
    except Amiss as fault:
        code = fault.errors[0].code
        # What is out of an article of somebody else's are the attributions that are accepted.
        out = article.working_of == 0 and row.state in (ACCEPTED, EDITED)
        if code is Code.NOT_FOUND or (code is Code.NOT_YOURS and not out):
            raise desk.missing("attribution", text, "id") from None
        raise
    for head in work.record.attributions:
        for hop in head.hops():
            if hop.id == number:
                return work, head, hop
    raise desk.missing("attribution", text, "id")  # it has gone in the working copy


async def _hop(
    desk: Desk, work: Work, said: Mapping[str, Any], path: str, before: AttributionRecord | None
) -> AttributionRecord:
    """One hop, and with `via` the whole way from there, as a record: `before` with what is said over it."""
    gathered = Gathered()
    own = ("id", "article", "position", "kind", "source", "via", "media", "span")
    values = validation.plain(AttributionRecord, said, *own)
    if "verification" in values or "verification_note" in values:
        values |= {"verified_by": desk.name[:200], "verified_at": desk.now}
    if said.get("kind") is not None:
        values["kind"] = said["kind"]
    if "source" in said:
        whose = said["source"]
        source = (
            None
            if whose is None
            else await gathered.of(references.named(desk, "source", whose, f"{path}source"))
        )
        values["source"] = source.slug if source else None
    if "media" in said:
        media = said["media"]
        values["media"] = (
            None if media is None else await gathered.of(references.media(desk, media, f"{path}media"))
        )
    if "span" in said:
        span = said["span"]
        values["span"] = None if span is None else await gathered.of(_span(work, span, f"{path}span"))
    if "via" in said:
        depth = path.count("via.") + 1
        if depth > MAX_HOPS and said["via"]:
            raise _too_long(f"{path}via")
        values["via"] = said["via"] and await gathered.of(_hop(desk, work, said["via"], f"{path}via.", None))
    gathered.settle()
    kept = {name: getattr(before, name) for name in AttributionRecord.model_fields} if before else {}
    whole = {"made_by": "editor", **kept, **values}
    kind = AttributionKind(whole["kind"])
    if whole.get("source") is None and kind is not AttributionKind.REPORTED_BY:
        raise amiss(
            Code.REQUIRED,
            "It does not say whose words they are.",
            f"{path}source",
            "Only REPORTED_BY may leave that open.",
        )
    record = validation.shaped(AttributionRecord, whole)
    if not path:
        _check_chain(record)
    return record


def _check_chain(head: AttributionRecord) -> None:
    """Nobody stands in a chain twice, and it has no more hops than may be. Raises Amiss: CHAIN."""
    hops = list(head.hops())
    named = [hop.source for hop in hops if hop.source]
    twice = next((name for n, name in enumerate(named) if name in named[:n]), None)
    if twice:
        raise amiss(
            Code.CHAIN, f"The chain comes back to {twice!r}.", "via", "Each source stands in it once."
        )
    if len(hops) > MAX_HOPS + 1:
        raise _too_long("via")


def _too_long(where: str) -> Amiss:
    return amiss(Code.CHAIN, f"A chain has at most {MAX_HOPS} hops between source and reader.", where)


async def _span(work: Work, said: Mapping[str, Any], where: str) -> SpanRecord:
    """The words that a span names, found in the text. Raises Amiss."""
    texts = texts_of(work.record.blocks)
    block, exact = said.get("blockId"), said.get("exact")
    start, end = said.get("start"), said.get("end")
    if block is not None and block not in texts:
        raise amiss(Code.NOT_FOUND, f"There is no block {block!r} in the article.", f"{where}.blockId")
    if exact is None:
        if block is None or start is None or end is None or not 0 <= start < end <= len(texts[block]):
            raise Amiss(
                UserError(
                    Code.INVALID,
                    "It does not say which words of the article.",
                    tuple(where.split(".")),
                    "Give `exact`; or `blockId`, `start` and `end`.",
                )
            )
        return span_on(block, texts[block], start, texts[block][start:end])
    found = [
        (name, at)
        for name, text in texts.items()
        if exact and block in (None, name)
        for at in places(text, exact)
        if start is None or at == start
    ]
    if not found:
        raise amiss(
            Code.NOT_FOUND, "Those words do not stand in the text.", f"{where}.exact", "Copy them from it."
        )
    if len(found) > 1:
        raise amiss(
            Code.INVALID,
            "Those words stand in the text more than once.",
            f"{where}.exact",
            f"Say where: blockId {found[0][0]!r} and start {found[0][1]} for the first.",
        )
    name, at = found[0]
    return span_on(name, texts[name], at, exact)


def _with(
    head: AttributionRecord, hop: AttributionRecord, changed: AttributionRecord | None
) -> AttributionRecord | None:
    """The chain with one hop as it is `changed`, or without it: then its neighbours close up."""
    if head is hop:
        return changed or hop.via
    assert head.via is not None
    return head.model_copy(update={"via": _with(head.via, hop, changed)})
