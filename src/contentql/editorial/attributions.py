"""Attributions of a claim to its source and the sources in between: add, update, accept, reject, reorder.

They are saved with the article.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from contentql.content.derive import MAX_HOPS
from contentql.content.enums import AttributionKind, AttributionState
from contentql.content.ids import encode_id
from contentql.content.records import AttributionRecord, SpanRecord
from contentql.editorial import references, validation
from contentql.editorial.article_input import detach_unknown_attribution
from contentql.editorial.articles import ArticleState, load_for_update, save_version, status_after_edit
from contentql.editorial.completion import assign_attribution_ids
from contentql.editorial.context import EditContext, Input, WriteResult
from contentql.editorial.text_anchors import block_texts, make_span, occurrences
from contentql.editorial.user_errors import ErrorCollector, UserError, UserErrorCode, UserErrors, user_error
from contentql.store.models.articles import Article
from contentql.store.models.attributions import Attribution
from contentql.store.models.history import RevisionAction

ACCEPTED, EDITED, REJECTED = AttributionState.ACCEPTED, AttributionState.EDITED, AttributionState.REJECTED
Attributions = tuple[AttributionRecord, ...]


async def add_attribution(context: EditContext, input: Input) -> WriteResult:
    """Adds an accepted attribution. A span given by its words is located in the text."""
    place = validation.position_argument(input)
    article = await load_for_update(context, input["article"], "article")
    head = await _hop(context, article, {**input}, "", None)
    head = assign_attribution_ids(head.model_copy(update={"state": ACCEPTED}))
    heads = list(article.record.attributions)
    heads.insert(len(heads) if place is None else place, head)
    return await _saved(context, article, tuple(heads), head.id)


async def update_attribution(context: EditContext, input: Input) -> WriteResult:
    work, head, hop = await _find_attribution(context, input["id"])
    changed = await _hop(context, work, input, "", hop)
    changed = changed.model_copy(update={"id": hop.id})
    if "via" in input:
        changed = changed.model_copy(update={"via": changed.via and assign_attribution_ids(changed.via)})
    document = _with(head, hop, changed)
    assert document is not None
    if document.state is not REJECTED:
        document = document.model_copy(update={"state": EDITED})
    _check_chain(document)
    heads = tuple(document if one is head else one for one in work.record.attributions)
    return await _saved(context, work, heads, hop.id)


async def accept_attribution(context: EditContext, input: Input) -> WriteResult:
    return await _decided(context, input, ACCEPTED)


async def reject_attribution(context: EditContext, input: Input) -> WriteResult:
    return await _decided(context, input, REJECTED)


async def _decided(context: EditContext, input: Input, state: AttributionState) -> WriteResult:
    work, head, hop = await _find_attribution(context, input["id"])
    if head.state is state:
        raise user_error(
            UserErrorCode.INVALID_TRANSITION, f"The attribution is already {state.value.lower()}.", "id"
        )
    heads = tuple(
        one.model_copy(update={"state": state}) if one is head else one for one in work.record.attributions
    )
    return await _saved(context, work, heads, hop.id)


async def delete_attribution(context: EditContext, input: Input) -> WriteResult:
    """Deletes the chain of a head; of a relay only that hop, and its neighbours are joined."""
    work, head, hop = await _find_attribution(context, input["id"])
    shorter = None if hop is head else _with(head, hop, None)
    others = (shorter if one is head else one for one in work.record.attributions)
    heads = tuple(one for one in others if one is not None)
    return await _saved(context, work, heads, hop.id)


async def reorder_attributions(context: EditContext, input: Input) -> WriteResult:
    article = await load_for_update(context, input["id"])
    heads = {one.id: one for one in article.record.attributions}
    requested = [
        context.decode_id("attribution", text, f"attributions.{n}")
        for n, text in enumerate(input["attributions"])
    ]
    if sorted(requested) != sorted(number for number in heads if number):
        raise user_error(
            UserErrorCode.INVALID,
            "attributions must name every attribution of the article once.",
            "attributions",
            ", ".join(encode_id("attribution", number) for number in heads if number) or None,
        )
    status = status_after_edit(context, article)
    record = article.record.model_copy(update={"attributions": tuple(heads[number] for number in requested)})
    return await save_version(context, article, record, RevisionAction.UPDATED, status=status)


async def _saved(
    context: EditContext, article: ArticleState, heads: Attributions, number: int | None
) -> WriteResult:
    status = status_after_edit(context, article)
    existing = {hop.id for head in heads for hop in head.hops()}
    body = tuple(
        detach_unknown_attribution(context, number, block, existing)
        for number, block in enumerate(article.record.blocks)
    )
    record = article.record.model_copy(update={"attributions": heads, "blocks": body})
    done = await save_version(context, article, record, RevisionAction.UPDATED, status=status)
    return replace(done, table="attribution", row_id=number or 0, related_ids={"article": done.id})


async def _find_attribution(
    context: EditContext, text: Any
) -> tuple[ArticleState, AttributionRecord, AttributionRecord]:
    """Returns the article's latest state, the chain and the hop of an id. Raises UserErrors."""
    number = context.decode_id("attribution", text, "id")
    row = await Attribution.filter(id=number).first() or await Attribution.filter(working_of=number).first()
    article = await Article.get_or_none(id=row.article_id) if row else None  # type: ignore[attr-defined]
    if row is None or article is None:
        raise context.not_found("attribution", text, "id")
    try:
        article_state = await load_for_update(context, encode_id("article", article.working_of or article.id))
    except UserErrors as exc:
        code = exc.errors[0].code
        # Of another account's published article, only the accepted attributions are visible.
        out = article.working_of == 0 and row.state in (ACCEPTED, EDITED)
        if code is UserErrorCode.NOT_FOUND or (code is UserErrorCode.NOT_OWNER and not out):
            raise context.not_found("attribution", text, "id") from None
        raise
    for head in article_state.record.attributions:
        for hop in head.hops():
            if hop.id == number:
                return article_state, head, hop
    raise context.not_found("attribution", text, "id")  # deleted in the working copy


async def _hop(
    context: EditContext,
    article: ArticleState,
    data: Mapping[str, Any],
    path: str,
    before: AttributionRecord | None,
) -> AttributionRecord:
    """Record of a hop, and with `via` of the chain behind it: `before`, overridden by the input."""
    errors = ErrorCollector()
    own = ("id", "article", "position", "kind", "source", "via", "media", "span")
    values = validation.record_values(AttributionRecord, data, *own)
    if "verification" in values or "verification_note" in values:
        values |= {"verified_by": context.name[:200], "verified_at": context.now}
    if data.get("kind") is not None:
        values["kind"] = data["kind"]
    if "source" in data:
        whose = data["source"]
        source = (
            None
            if whose is None
            else await errors.run(references.find_by_reference(context, "source", whose, f"{path}source"))
        )
        values["source"] = source.slug if source else None
    if "media" in data:
        media = data["media"]
        values["media"] = (
            None
            if media is None
            else await errors.run(references.find_media_id(context, media, f"{path}media"))
        )
    if "span" in data:
        span = data["span"]
        values["span"] = None if span is None else await errors.run(_span(article, span, f"{path}span"))
    if "via" in data:
        depth = path.count("via.") + 1
        if depth > MAX_HOPS and data["via"]:
            raise _too_long(f"{path}via")
        values["via"] = data["via"] and await errors.run(
            _hop(context, article, data["via"], f"{path}via.", None)
        )
    errors.raise_if_any()
    stored = {name: getattr(before, name) for name in AttributionRecord.model_fields} if before else {}
    document = {"made_by": "editor", **stored, **values}
    kind = AttributionKind(document["kind"])
    if document.get("source") is None and kind is not AttributionKind.REPORTED_BY:
        raise user_error(
            UserErrorCode.REQUIRED,
            f"{path}source is required for this kind of attribution.",
            f"{path}source",
            "Send source, or the kind REPORTED_BY, which alone needs no source.",
        )
    record = validation.build_record(AttributionRecord, document)
    if not path:
        _check_chain(record)
    return record


def _check_chain(head: AttributionRecord) -> None:
    """Raises UserErrors (INVALID_ATTRIBUTION_CHAIN) if a source is repeated or the chain is too long."""
    hops = list(head.hops())
    named = [hop.source for hop in hops if hop.source]
    twice = next((name for n, name in enumerate(named) if name in named[:n]), None)
    if twice:
        raise user_error(
            UserErrorCode.INVALID_ATTRIBUTION_CHAIN,
            f"The chain names the source {twice!r} twice.",
            "via",
            "Name each source once in the chain.",
        )
    if len(hops) > MAX_HOPS + 1:
        raise _too_long("via")


def _too_long(where: str) -> UserErrors:
    return user_error(
        UserErrorCode.INVALID_ATTRIBUTION_CHAIN,
        f"A chain must have at most {MAX_HOPS} hops between source and reader.",
        where,
    )


async def _span(article: ArticleState, values: Mapping[str, Any], where: str) -> SpanRecord:
    """Returns the span of an input, located in the text. Raises UserErrors."""
    texts = block_texts(article.record.blocks)
    block, exact = values.get("blockId"), values.get("exact")
    start, end = values.get("start"), values.get("end")
    if block is not None and block not in texts:
        raise user_error(
            UserErrorCode.NOT_FOUND,
            f"The article has no block {block!r}.",
            f"{where}.blockId",
            "Send the id of a block of the article's body.",
        )
    if exact is None:
        if block is None or start is None or end is None or not 0 <= start < end <= len(texts[block]):
            raise UserErrors(
                UserError(
                    UserErrorCode.INVALID,
                    f"{where} does not name words of the article.",
                    tuple(where.split(".")),
                    "Send exact; or blockId, start and end within the block.",
                )
            )
        return make_span(block, texts[block], start, texts[block][start:end])
    results = [
        (name, at)
        for name, text in texts.items()
        if exact and block in (None, name)
        for at in occurrences(text, exact)
        if start is None or at == start
    ]
    if not results:
        raise user_error(
            UserErrorCode.NOT_FOUND,
            "The words of exact do not occur in the text.",
            f"{where}.exact",
            "Copy the words from the text.",
        )
    if len(results) > 1:
        raise user_error(
            UserErrorCode.INVALID,
            "The words of exact occur in the text more than once.",
            f"{where}.exact",
            f"Send blockId {results[0][0]!r} and start {results[0][1]} for the first occurrence.",
        )
    name, at = results[0]
    return make_span(name, texts[name], at, exact)


def _with(
    head: AttributionRecord, hop: AttributionRecord, changed: AttributionRecord | None
) -> AttributionRecord | None:
    """Returns the chain with one hop replaced by `changed`, or removed if `changed` is None."""
    if head is hop:
        return changed or hop.via
    assert head.via is not None
    return head.model_copy(update={"via": _with(head.via, hop, changed)})
