"""Spans of attributions after an edit of the text, located by their words and surroundings.

A span is never moved silently to other words: a span that is not located is marked as orphaned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from contentql.content import blocks
from contentql.content.blocks import Block
from contentql.content.records import AttributionRecord, SpanRecord

CONTEXT_LENGTH = 32


def block_texts(body: Sequence[Block]) -> dict[str, str]:
    return {block.id: blocks.block_text(block) for block in body if block.id}


def reanchor_attributions(
    attributions: Sequence[AttributionRecord], before: Sequence[Block], after: Sequence[Block]
) -> tuple[AttributionRecord, ...]:
    """Relocates the spans of attributions from the body `before` to the body `after`."""
    was, now = block_texts(before), block_texts(after)
    return tuple(_hop(value, was, now) for value in attributions)


def _hop(attribution: AttributionRecord, was: Mapping[str, str], now: Mapping[str, str]) -> AttributionRecord:
    def moved(span: SpanRecord | None) -> SpanRecord | None:
        return span and reanchor(span, was, now)

    lesser = [moved(span) for span in (attribution.cue_span, attribution.source_span)]
    cue, source = (span if span and not span.orphaned else None for span in lesser)
    return attribution.model_copy(
        update={
            "span": moved(attribution.span),
            "cue_span": cue,
            "source_span": source,
            "via": attribution.via and _hop(attribution.via, was, now),
        }
    )


def reanchor(span: SpanRecord, was: Mapping[str, str], now: Mapping[str, str]) -> SpanRecord:
    """Relocates a span to the same words: at the old position, else where the surroundings match best."""
    exact = span.exact or was.get(span.block_id, "")[span.start : span.end]
    if not exact:
        return span.model_copy(update={"orphaned": True})
    here = now.get(span.block_id, "")
    if here[span.start : span.end] == exact:
        return make_span(span.block_id, here, span.start, exact)
    stood = make_span(span.block_id, was.get(span.block_id, ""), span.start, exact)
    prefix = stood.prefix if span.prefix is None else span.prefix
    suffix = stood.suffix if span.suffix is None else span.suffix
    best: tuple[tuple[int, int, int], str, int] | None = None
    for block, text in now.items():
        for start in occurrences(text, exact):
            alike = _alike(text[:start][::-1], (prefix or "")[::-1])
            alike += _alike(text[start + len(exact) :], suffix or "")
            same = int(block == span.block_id)
            near = -abs(start - span.start) if same else -(1 << 30)
            score = (alike + 8 * same, same, near)
            if best is None or score > best[0]:
                best = (score, block, start)
    if best is None:
        return span.model_copy(update={"exact": exact, "orphaned": True})
    return make_span(best[1], now[best[1]], best[2], exact)


def make_span(block: str, text: str, start: int, exact: str) -> SpanRecord:
    """Creates a span with the words around it."""
    end = start + len(exact)
    return SpanRecord(
        block_id=block,
        start=start,
        end=end,
        exact=exact,
        prefix=text[max(0, start - CONTEXT_LENGTH) : start],
        suffix=text[end : end + CONTEXT_LENGTH],
    )


def occurrences(text: str, exact: str) -> list[int]:
    """Start positions of words in a text, at most 1,000."""
    results: list[int] = []
    at = text.find(exact)
    while at >= 0 and len(results) < 1_000:
        results.append(at)
        at = text.find(exact, at + 1)
    return results


def _alike(a: str, b: str) -> int:
    """Length of the common prefix of two texts."""
    return next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
