"""Live entries in the body of an article, and the blocks of an entry in an input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contentql.content import blocks, derive
from contentql.content.blocks import Block, LiveEntry
from contentql.content.entries import complete_entries, keep_hidden_fields
from contentql.content.records import ArticleRecord
from contentql.content.render import anonymous
from contentql.editorial import article_input
from contentql.editorial.context import EditContext
from contentql.editorial.publishing_checks import require_references
from contentql.editorial.text_anchors import reanchor, reanchor_attributions
from contentql.editorial.user_errors import ErrorCollector, UserErrorCode, user_error
from contentql.editorial.warnings import WarningCode
from contentql.store import live_entries
from contentql.store.article_records import span_of
from contentql.store.models.articles import Article
from contentql.store.models.attributions import Attribution
from contentql.store.models.taxonomy import Author, Media


def replaced_body(
    context: EditContext, body: Sequence[Block], before: Sequence[Block], *, published: bool
) -> tuple[Block, ...]:
    """Returns the new body of an article with the entries that it will have.

    An entry that the body lacks is removed, with a warning; not if the article is `published`: its entries
    stay as they are. Raises UserErrors if the body adds entries to a published article or changes them.
    """
    result = complete_entries(keep_hidden_fields(body, before), before)
    stored = {entry.id: entry for entry in blocks.live_entries(before)}
    requested = {entry.id: entry for entry in blocks.live_entries(result)}
    lacking = [entry for name, entry in stored.items() if name not in requested]
    changed = [entry for name, entry in requested.items() if stored.get(name) != entry]
    if published and changed:
        raise user_error(
            UserErrorCode.INVALID,
            f"The body changes or adds {_count(len(changed))}, which would be public at once, not with the"
            " working copy.",
            "body",
            "Send the entries as they are or omit them; change them with addLiveEntry and editLiveEntry.",
        )
    if lacking:
        undo = "were removed; restoreLiveEntry brings them back"
        done = "stay; removeLiveEntry removes one" if published else undo
        message = f"The body lacks {_count(len(lacking))} of the article, which {done}."
        context.warn(WarningCode.CHANGED, message, "body", lacking[0].id)
    return complete_entries((*result, *lacking)) if published else result


def _count(number: int) -> str:
    return f"{number:,} live {'entry' if number == 1 else 'entries'}"


def with_entries_of(record: ArticleRecord, current: ArticleRecord) -> ArticleRecord:
    """Returns an earlier record with the present entries of its article in place of its own ones."""
    entries = blocks.live_entries(current.blocks)
    if blocks.live_entries(record.blocks) == entries:
        return record
    body = (*blocks.own_blocks(record.blocks), *entries)
    attributions = reanchor_attributions(record.attributions, record.blocks, body)
    return record.model_copy(update={"blocks": body, "attributions": attributions})


async def entry_blocks(
    context: EditContext, article: int, values: Mapping[str, Any] | None, before: LiveEntry | None
) -> tuple[Block, ...]:
    """Returns the blocks of an entry's input, in any of the forms of a body. Raises UserErrors."""
    body = await article_input.parse_body(context, values)
    if blocks.live_entries(body):
        raise user_error(
            UserErrorCode.INVALID,
            "An entry of a live blog cannot contain another one.",
            "body",
            "Add each entry with addLiveEntry.",
        )
    former = before.blocks if before else ()
    errors = ErrorCollector()
    await require_references(values, body, former, errors)
    errors.raise_if_any()
    if "html" in (values or ()):
        own = {block.id for block in former}
        body = tuple(block if block.id in own else anonymous(block) for block in body)
    requested = [block.attribution for block in body if isinstance(block, blocks.Quote) and block.attribution]
    rows: Any = Attribution.filter(id__in=requested, article_id=article).values_list("id", flat=True)
    existing = set(await rows) if requested else set()
    return tuple(
        article_input.detach_unknown_attribution(context, number, block, existing)
        for number, block in enumerate(derive.assign_block_ids(body, former))
    )


async def present_entry(context: EditContext, block: Mapping[str, Any], number: int) -> LiveEntry:
    """Returns the entry of an earlier version, without an author or media files that no longer exist."""
    author, media = block.get("author"), block.get("media")
    entry = live_entries.block_of({"id": number, "block": block, "author_id": author, "media_id": media})
    requested = set(blocks.block_media(entry))
    rows: Any = Media.filter(id__in=requested).values_list("id", flat=True)
    here = set(await rows) if requested else set()
    if entry.author and not await Author.exists(id=entry.author):
        context.warn(WarningCode.DROPPED, "The author no longer exists and was left out.", "version")
        entry = entry.model_copy(update={"author": None})
    if requested - here:
        context.warn(WarningCode.DROPPED, "A media file no longer exists and was left out.", "version")
        inner = tuple(part for part in entry.blocks if here.issuperset(blocks.block_media(part)))
        picture = entry.media if entry.media in here else None
        entry = LiveEntry.model_validate({**dict(entry), "media": picture, "blocks": inner})
    return entry


async def move_spans(article: int, block: str, before: LiveEntry | None, after: LiveEntry | None) -> None:
    """Relocates the spans of attributions that refer to an entry, also those of the working copy."""
    was = {block: blocks.block_text(before)} if before else {}
    now = {block: blocks.block_text(after)} if after else {}
    if was == now:
        return
    copies: Any = Article.filter(working_of=article).values_list("id", flat=True)
    for row in await Attribution.filter(article_id__in=[article, *await copies], span_block=block):
        span = span_of(row)
        assert span is not None, "only attributions with this block were read"
        moved = reanchor(span, was, now)
        values = {f"span_{name}": getattr(moved, name) for name in _SPAN_COLUMNS}
        lesser = {name: None for name in ("cue_span", "source_span") if _is_in(getattr(row, name), block)}
        await row.update_from_dict({**values, **lesser}).save()


_SPAN_COLUMNS = ("start", "end", "exact", "prefix", "suffix", "orphaned")


def _is_in(span: Mapping[str, Any] | None, block: str) -> bool:
    return bool(span) and (span or {}).get("blockId") == block
