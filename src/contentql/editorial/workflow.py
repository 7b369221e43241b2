"""The moves of an article: from draft to review, out, and back. Only these, only from where they begin."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from contentql.auth.permissions import Ability
from contentql.content import blocks
from contentql.content.ids import new_id, spell
from contentql.content.records import ArticleRecord, CorrectionRecord
from contentql.editorial import references, revisions, validation
from contentql.editorial.articles import (
    Work,
    editable,
    load,
    require_publishable,
    save,
    save_live,
)
from contentql.editorial.context import Desk, Input, Made
from contentql.editorial.text_anchors import anchored
from contentql.editorial.user_errors import Code, amiss
from contentql.store import article_records
from contentql.store.models.content import Article, Status, Withdrawal
from contentql.store.models.history import RevisionAction

DRAFT, IN_REVIEW, APPROVED = Status.DRAFT, Status.IN_REVIEW, Status.APPROVED
SCHEDULED, PUBLISHED, EXPIRED = Status.SCHEDULED, Status.PUBLISHED, Status.EXPIRED
WITHDRAWN, ARCHIVED = Status.WITHDRAWN, Status.ARCHIVED


@dataclass(frozen=True)
class Move:
    """From where a mutation may move an article, and where to."""

    starts: frozenset[Status]
    ends: Status
    action: RevisionAction


MOVES: Final[Mapping[str, Move]] = {
    "submitArticle": Move(frozenset({DRAFT}), IN_REVIEW, RevisionAction.SUBMITTED),
    "returnArticle": Move(frozenset({IN_REVIEW, APPROVED}), DRAFT, RevisionAction.RETURNED),
    "approveArticle": Move(frozenset({IN_REVIEW}), APPROVED, RevisionAction.APPROVED),
    "scheduleArticle": Move(frozenset({APPROVED, SCHEDULED}), SCHEDULED, RevisionAction.SCHEDULED),
    "publishArticle": Move(frozenset({APPROVED, SCHEDULED}), PUBLISHED, RevisionAction.PUBLISHED),
    "unpublishArticle": Move(frozenset({SCHEDULED, PUBLISHED, EXPIRED}), DRAFT, RevisionAction.UNPUBLISHED),
    "withdrawArticle": Move(frozenset({PUBLISHED, EXPIRED}), WITHDRAWN, RevisionAction.WITHDRAWN),
    "archiveArticle": Move(
        frozenset({DRAFT, IN_REVIEW, APPROVED, PUBLISHED, EXPIRED, WITHDRAWN}),
        ARCHIVED,
        RevisionAction.ARCHIVED,
    ),
    "restoreArticle": Move(frozenset({WITHDRAWN, ARCHIVED}), DRAFT, RevisionAction.RESTORED),
}
_HINTS: Final[Mapping[Status, str]] = {
    DRAFT: "Send it to review first: submitArticle.",
    IN_REVIEW: "It has to be approved first: approveArticle.",
    APPROVED: "It is approved: publishArticle or scheduleArticle.",
    SCHEDULED: "It is scheduled: unpublishArticle makes it a draft again.",
    PUBLISHED: "It is out: updateArticle begins a working copy, unpublishArticle takes it off.",
    EXPIRED: "Its time is over: unpublishArticle makes it a draft again.",
    WITHDRAWN: "It was taken back: restoreArticle makes it a draft again.",
    ARCHIVED: "It is put away: restoreArticle makes it a draft again.",
}


def _start(desk: Desk, work: Work, name: str, standing: Status | None = None) -> Move:
    """The move, if it may begin where the article stands. Raises Amiss: ILLEGAL_MOVE."""
    move = MOVES[name]
    stands = standing or work.standing(desk)
    if stands not in move.starts:
        begins = " or ".join(sorted(status.value for status in move.starts))
        whole = "It has" if work.copy else "It is"
        what = f" changes that are {stands.value}" if work.copy else f" {stands.value}"
        raise amiss(
            Code.ILLEGAL_MOVE,
            f"{whole}{what}; {name} begins from {begins}.",
            "id",
            _HINTS[stands],
        )
    return move


def _live(desk: Desk, work: Work) -> Status:
    """Where the article itself stands, whatever its working copy does."""
    return Work(work.live, None, work.public, work.public).standing(desk)


async def submit(desk: Desk, said: Input) -> Made:
    return await _simple(desk, said, "submitArticle")


async def send_back(desk: Desk, said: Input) -> Made:
    return await _simple(desk, said, "returnArticle")


async def approve(desk: Desk, said: Input) -> Made:
    return await _simple(desk, said, "approveArticle")


async def _simple(desk: Desk, said: Input, name: str) -> Made:
    work = await load(desk, said["id"])
    move = _start(desk, work, name)
    return await save(desk, work, work.record, move.action, status=move.ends)


async def schedule(desk: Desk, said: Input) -> Made:
    work = await load(desk, said["id"])
    if work.copy:
        raise amiss(
            Code.ILLEGAL_MOVE,
            "It is out already; its changes come out when they are published.",
            "id",
            "publishArticle, when the time has come.",
        )
    move = _start(desk, work, "scheduleArticle")
    at: dt.datetime = said["publishAt"]
    if at <= desk.now:
        raise amiss(
            Code.TIME_ORDER, "That moment has passed.", "publishAt", "To publish now: publishArticle."
        )
    await require_publishable(work.record, at)
    first = work.record.first_published_at
    columns = {
        "published_at": at,
        "first_published_at": first if first and first <= desk.now else at,
        "updated_at": at,
    }
    return await save_live(desk, work, work.record, move.action, status=move.ends, columns=columns)


async def publish(desk: Desk, said: Input) -> Made:
    """What is approved comes out now. An article that is out keeps its time, and gets its changes."""
    work = await load(desk, said["id"])
    move = _start(desk, work, "publishArticle")
    await require_publishable(work.record, desk.now)
    again = work.copy is not None
    wanted: dt.datetime | None = said.get("publishedAt")
    if wanted and wanted > desk.now:
        raise amiss(
            Code.TIME_ORDER, "That is in the future.", "publishedAt", "To publish then: scheduleArticle."
        )
    at = wanted or (work.public.published_at if again else desk.now)
    first = work.public.first_published_at
    columns = {
        "published_at": at,
        "first_published_at": first if first and first <= desk.now else at,
        "updated_at": work.public.updated_at if again and said.get("minor") else (desk.now if again else at),
    }
    minor = bool(said.get("minor"))
    return await save_live(
        desk, work, work.record, move.action, status=move.ends, minor=minor, columns=columns
    )


async def unpublish(desk: Desk, said: Input) -> Made:
    """A draft again, with the changes that were not out yet."""
    work = await load(desk, said["id"])
    move = _start(desk, work, "unpublishArticle", _live(desk, work))
    return await save_live(
        desk, work, work.record, move.action, status=move.ends, columns=_taken_off(desk, work)
    )


def _taken_off(desk: Desk, work: Work) -> dict[str, dt.datetime | None]:
    """The times of what is not out any more: when it first was, stays."""
    first = work.public.first_published_at
    stays = first if first and first <= desk.now else None
    return {
        "published_at": None,
        "first_published_at": stays,
        "updated_at": work.public.updated_at if stays else None,
    }


async def withdraw(desk: Desk, said: Input) -> Made:
    """Taken back: the text is gone from all answers, and a notice stands at its slug."""
    if not said["notice"].strip():
        raise amiss(Code.REQUIRED, "Readers must be told why it is gone.", "notice")
    work = await load(desk, said["id"])
    move = _start(desk, work, "withdrawArticle", _live(desk, work))
    await Withdrawal.filter(article_id=work.number).delete()
    await Withdrawal.create(
        article_id=work.number,
        language=work.public.language,
        slug=work.public.slug,
        notice=said["notice"].strip(),
        at=desk.now,
    )
    return await save_live(desk, work, work.record, move.action, status=move.ends)


async def archive(desk: Desk, said: Input) -> Made:
    work = await load(desk, said["id"])
    move = _start(desk, work, "archiveArticle", _live(desk, work))
    return await save_live(desk, work, work.record, move.action, status=move.ends)


async def delete(desk: Desk, said: Input) -> Made:
    """Gone for everybody; only restoreArticle brings it back. Without PUBLISH: drafts that never were out."""
    work = await load(desk, said["id"])
    untouched = work.standing(desk) is DRAFT and work.public.first_published_at is None and not work.copy
    if not desk.may(Ability.PUBLISH) and not untouched:
        raise amiss(
            Code.NOT_YOURS,
            "Only drafts that never were out may be deleted without the right to publish.",
            "id",
            "Ask a publisher.",
        )
    status = work.live.status if work.live.status not in (PUBLISHED, SCHEDULED) else DRAFT
    off = _taken_off(desk, work) if status is not work.live.status else {}
    columns = {"deleted_at": desk.now, **off}
    return await save_live(desk, work, work.record, RevisionAction.DELETED, status=status, columns=columns)


async def restore(desk: Desk, said: Input) -> Made:
    """From the archive, from where it was taken back to, or from among the deleted: a draft again."""
    work = await load(desk, said["id"], deleted=True)
    if work.live.deleted_at is None:
        _start(desk, work, "restoreArticle")
    await Withdrawal.filter(article_id=work.number).delete()
    return await save_live(
        desk,
        work,
        work.record,
        RevisionAction.RESTORED,
        status=DRAFT,
        columns={"deleted_at": None, **_taken_off(desk, work)},
    )


async def restore_revision(desk: Desk, said: Input) -> Made:
    """The content of an earlier version, as a new one: of a working copy where the article is out."""
    work = await load(desk, said["id"])
    status = editable(desk, work)
    earlier = await revisions.record_of(work.number, said["version"])
    own = {
        "id", "uri", "external_ids", "corrections", "slug_history", "status", "published_at",
        "first_published_at", "updated_at", "modified_at", "version", "deleted_at",
    }  # fmt: skip
    record = earlier.model_copy(update={name: getattr(work.record, name) for name in own})
    if record.slug != work.record.slug or record.language != work.record.language:
        taken = references.other_article(record.language, work.number)
        if await taken(record.slug):
            slug = await references.free_slug(None, record.slug, taken, 200)
            record = record.model_copy(update={"slug": slug})
    try:
        return await save(desk, work, record, RevisionAction.RESTORED, status=status)
    except article_records.Missing as fault:
        raise amiss(
            Code.NOT_FOUND, f"That version needs what is gone: {fault}.", "version", "Restore another."
        ) from None


# Corrections


async def correct(desk: Desk, said: Input) -> Made:
    """A public correction: of the text too, if it says which words are replaced."""
    if not said["text"].strip():
        raise amiss(Code.REQUIRED, "Readers must be told what was wrong.", "text")
    work = await load(desk, said["id"])
    if _live(desk, work) is not PUBLISHED:
        raise amiss(
            Code.ILLEGAL_MOVE, "Only what is out can be corrected.", "id", "Change it: updateArticle."
        )
    public, record = work.public, work.record
    if said.get("after") is not None and said.get("before") is None:
        raise amiss(Code.REQUIRED, "Say which words are replaced.", "before")
    block = said.get("block")
    if said.get("before") is not None and said.get("after") is not None:
        public, block = _replaced(public, said)
        record = _replaced(record, said, elsewhere=True)[0] if work.copy else public
    elif block is not None and block not in {one.id for one in public.blocks}:
        raise amiss(Code.NOT_FOUND, f"There is no block {block!r} in it.", "block")
    made = validation.shaped(
        CorrectionRecord,
        {
            "id": new_id(),
            "kind": said["kind"],
            "at": desk.now,
            "text": said["text"].strip(),
            "block": block,
            "before": said.get("before"),
            "after": said.get("after"),
        },
    )
    public = public.model_copy(update={"corrections": (*public.corrections, made)})
    times = {
        "published_at": public.published_at,
        "first_published_at": public.first_published_at,
        "updated_at": desk.now,
    }
    alone = Work(work.live, None, work.public, work.public)
    began = work.latest.version
    if work.copy:  # it goes on from the corrected text, under one number with the article
        await save(desk, work, record, RevisionAction.CORRECTED, status=work.copy.status)
        work.live.version = work.copy.version
    done = await save_live(
        desk, alone, public, RevisionAction.CORRECTED, status=work.live.status, columns=times
    )
    if work.copy:
        await Article.filter(id=work.copy.id).update(version=done.after)
    return Made(
        "article",
        work.number,
        began,
        done.after,
        also={"correction": spell("correction", made.id or 0)},
    )


def _replaced(
    record: ArticleRecord, said: Input, *, elsewhere: bool = False
) -> tuple[ArticleRecord, str | None]:
    """The record with those words in place of the others, and the block that they stand in.

    With `elsewhere`, a text in which they do not stand is left as it is.
    """
    before, after, block = said["before"], said["after"], said.get("block")
    found = [
        one
        for one in record.blocks
        if isinstance(one, blocks.Paragraph | blocks.Heading | blocks.Quote | blocks.Pullquote)
        and before
        and before in one.text
        and block in (None, one.id)
    ]
    if not found and elsewhere:
        return record, None
    if not found:
        raise amiss(Code.NOT_FOUND, "Those words do not stand in the text.", "before", "Copy them from it.")
    if len(found) > 1 or found[0].text.count(before) > 1:
        if elsewhere:
            return record, None
        raise amiss(
            Code.INVALID,
            "Those words stand in the text more than once.",
            "before",
            "Give more of what stands around them, or the block.",
        )
    if not found[0].text.replace(before, after).strip():
        raise amiss(
            Code.INVALID,
            "Nothing would be left of that paragraph.",
            "after",
            "Take it out with updateArticle, and correct without `before` and `after`.",
        )
    changed = tuple(_reworded(one, before, after) if one is found[0] else one for one in record.blocks)
    update = {"blocks": changed, "attributions": anchored(record.attributions, record.blocks, changed)}
    return record.model_copy(update=update), found[0].id


def _reworded(block: blocks.Block, before: str, after: str) -> blocks.Block:
    """The block with the words replaced; marks behind them move along, marks across them grow or shrink."""
    assert isinstance(block, blocks.Paragraph | blocks.Heading | blocks.Quote | blocks.Pullquote)
    at = block.text.index(before)
    end, grown = at + len(before), len(after) - len(before)
    text = block.text[:at] + after + block.text[end:]
    if not isinstance(block, blocks.Paragraph):
        return block.model_copy(update={"text": text})
    marks = []
    for mark in block.marks:
        start = mark.start if mark.start <= at else max(at, mark.start + grown if mark.start >= end else at)
        stop = mark.end if mark.end <= at else max(at, mark.end + grown) if mark.end >= end else at
        if start < stop <= len(text):
            marks.append(mark.model_copy(update={"start": start, "end": stop}))
    return block.model_copy(update={"text": text, "marks": tuple(marks)})
