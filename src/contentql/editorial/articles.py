"""Articles as editors write them: begun, changed, kept with a revision for every save.

What is out is changed in a working copy beside it, which nobody outside sees until it is published.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tortoise.expressions import Q

from contentql.auth.permissions import Ability
from contentql.content import blocks, derive
from contentql.content.ids import new_id, spell
from contentql.content.records import ArticleRecord, AttributionRecord
from contentql.editorial import references, revisions, validation
from contentql.editorial.context import Desk, Input, Made
from contentql.editorial.references import Gathered, is_out, owns, sees
from contentql.editorial.text_anchors import anchored
from contentql.editorial.user_errors import Code, amiss
from contentql.importing.importer import completed
from contentql.planner.catalog import snake
from contentql.store import article_records
from contentql.store.models.content import Article, Attribution, Media, Status
from contentql.store.models.history import RevisionAction

# How the API calls what records call otherwise.
RENAMED = {
    "blocks": "body",
    "sections": "categories",
    "dateline_place": "dateline",
    "translation_group": "translationOf",
}
_REFERRED = (
    "category",
    "categories",
    "tags",
    "authors",
    "leadMedia",
    "media",
    "story",
    "related",
    "translationOf",
)
_SPECIAL = (*_REFERRED, "body", "slug", "dateline", "rights", "id")
LANGUAGE = "en"  # unless told


@dataclass(frozen=True)
class Work:
    """An article in hand. `record` is its latest state, under its own id; `public` what its own row says."""

    live: Article
    copy: Article | None
    record: ArticleRecord
    public: ArticleRecord

    @property
    def number(self) -> int:
        number: int = self.live.id
        return number

    @property
    def latest(self) -> Article:
        return self.copy or self.live

    def standing(self, desk: Desk) -> Status:
        """Where it stands at this moment: its working copy, if there is one."""
        row = self.latest
        if row.status not in (Status.SCHEDULED, Status.PUBLISHED):
            return row.status
        if row.expires_at is not None and row.expires_at <= desk.now:
            return Status.EXPIRED
        return Status.PUBLISHED if is_out(row, desk.now) else Status.SCHEDULED


async def load(desk: Desk, text: Any, where: str = "id", *, deleted: bool = False) -> Work:
    """The article of an id, held until the transaction ends, in the version that was read (`ifVersion`).

    Raises Amiss: NOT_FOUND, WRONG_KIND, NOT_YOURS, CONFLICT.
    """
    number = desk.number("article", text, where)
    await desk.sections_stand()
    live = await desk.first(Article.filter(id=number, working_of=0), hold=True)
    if live is None or not sees(desk, live) or (live.deleted_at is not None and not deleted):
        raise desk.missing("article", text, where)
    if not desk.may(Ability.WRITE_ALL) and not owns(desk, live):
        raise amiss(Code.NOT_YOURS, "This article is somebody else's.", where, "Ask an editor to change it.")
    copy = await Article.get_or_none(working_of=number)
    found = await article_records.articles([live, copy] if copy else [live])
    public = found[0]
    work = Work(live, copy, _of_copy(found[1], public) if copy else public, public)
    version = work.latest.version
    if desk.if_version is not None and desk.if_version != version:
        said = await revisions.since(number, desk.if_version)
        raise amiss(
            Code.CONFLICT,
            f"You have read version {desk.if_version}, but it is version {version} by now."
            + (f" {said}." if said else ""),
            "ifVersion",
            f"Read it again, and send ifVersion: {version}.",
        )
    return work


def _of_copy(copy: ArticleRecord, public: ArticleRecord) -> ArticleRecord:
    """What only the article's own row has goes with every state of it."""
    own = ("id", "uri", "external_ids", "corrections", "slug_history")
    return copy.model_copy(update={name: getattr(public, name) for name in own})


async def create(desk: Desk, said: Input) -> Made:
    await desk.sections_stand()
    number = new_id()
    language = said.get("language") or LANGUAGE
    gathered = Gathered()
    slug = await gathered.of(
        references.free_slug(
            said.get("slug"), said["headline"], references.other_article(language, number), 200
        ),
        "x",
    )
    begun = {"id": number, "slug": slug, "language": language, "headline": "x"}
    values = await _values(desk, said, None, gathered)
    record = _checked(gathered, {**begun, **values})
    record = completed(record, None, desk.now).model_copy(update={"version": 1})
    missing = await article_records.write(desk.connection, record, None, more={"owner": desk.account})
    assert not missing, missing
    await revisions.keep(desk, number, record, RevisionAction.CREATED)
    return Made("article", number, None, 1)


async def update(desk: Desk, said: Input) -> Made:
    work = await load(desk, said["id"])
    status = editable(desk, work)
    gathered = Gathered()
    values = await _values(desk, said, work.record, gathered)
    language = values.get("language", work.record.language)
    if "slug" in said or language != work.record.language:
        wanted = work.record.slug if said.get("slug") is None else said["slug"]
        taken = references.other_article(language, work.number)
        values["slug"] = await gathered.of(references.free_slug(wanted, wanted, taken, 200), work.record.slug)
    kept = {name: getattr(work.record, name) for name in ArticleRecord.model_fields}
    record = _checked(gathered, {**kept, **values})
    if work.standing(desk) is Status.SCHEDULED:
        await require_publishable(record, record.published_at or desk.now)
    return await save(desk, work, record, RevisionAction.UPDATED, status=status)


def editable(desk: Desk, work: Work) -> Status:
    """The status that an edit leaves it in. Raises Amiss where it may not be edited as it stands."""
    standing = work.standing(desk)
    if not desk.may(Ability.WRITE_ALL) and standing in (Status.IN_REVIEW, Status.APPROVED):
        raise amiss(
            Code.ILLEGAL_MOVE, "It is with a reviewer.", "id", "Ask for it to be sent back: returnArticle."
        )
    match standing:
        case Status.PUBLISHED | Status.EXPIRED:
            return Status.DRAFT  # a working copy begins
        case Status.SCHEDULED:
            if not desk.may(Ability.PUBLISH):
                raise amiss(
                    Code.ILLEGAL_MOVE,
                    "It is scheduled: what is changed now would come out unseen.",
                    "id",
                    "Ask a publisher, or have it taken back first: unpublishArticle.",
                )
            return Status.SCHEDULED
        case Status.WITHDRAWN | Status.ARCHIVED:
            raise amiss(
                Code.ILLEGAL_MOVE,
                f"It is {standing.value.lower()} and is not changed any more.",
                "id",
                "Bring it back first: restoreArticle.",
            )
        case Status.APPROVED:  # what was approved is not what it is now
            return Status.APPROVED if desk.may(Ability.REVIEW) else Status.IN_REVIEW
    return standing


async def save(
    desk: Desk,
    work: Work,
    record: ArticleRecord,
    action: RevisionAction,
    *,
    status: Status,
    minor: bool = False,
) -> Made:
    """One more version: of a working copy if what is out stays as it is, else of the article itself."""
    out = (
        work.live.status in (Status.PUBLISHED, Status.SCHEDULED)
        and work.standing(desk) is not Status.SCHEDULED
    )
    if work.copy or (out and status not in (Status.PUBLISHED, Status.SCHEDULED)):
        return await _save_copy(desk, work, record, action, status=status, minor=minor)
    return await save_live(desk, work, record, action, status=status, minor=minor)


async def _save_copy(
    desk: Desk, work: Work, record: ArticleRecord, action: RevisionAction, *, status: Status, minor: bool
) -> Made:
    record = _next(desk, work, record, status)
    number: int = work.copy.id if work.copy else new_id()
    rows = await Attribution.filter(article_id=number).values_list("working_of", "id")
    known: dict[int, int] = dict(rows)
    stable: dict[int, int] = {}

    def renumbered(said: AttributionRecord) -> AttributionRecord:
        assert said.id is not None
        own = known.get(said.id) or new_id()
        stable[own] = said.id
        return said.model_copy(update={"id": own, "via": said.via and renumbered(said.via)})

    apart = record.model_copy(
        update={
            "id": number,
            "attributions": tuple(map(renumbered, record.attributions)),
            "corrections": (),
            "slug_history": (),
            "external_ids": (),
        }
    )
    more = {"owner": work.live.owner, "working_of": work.number}
    await article_records.write(desk.connection, apart, work.copy, more=more, stable=stable)
    return await _kept(desk, work, record, action, minor)


async def save_live(
    desk: Desk,
    work: Work,
    record: ArticleRecord,
    action: RevisionAction,
    *,
    status: Status,
    minor: bool = False,
    columns: Mapping[str, Any] | None = None,
) -> Made:
    """One more version of the article itself, which takes in its working copy."""
    record = _next(desk, work, record, status, base=work.public, columns=columns)
    if work.copy:
        await work.copy.delete()
    more = {"deleted_at": record.deleted_at}
    await article_records.write(desk.connection, record, work.live, more=more)
    return await _kept(desk, work, record, action, minor)


def _next(
    desk: Desk,
    work: Work,
    record: ArticleRecord,
    status: Status,
    *,
    base: ArticleRecord | None = None,
    columns: Mapping[str, Any] | None = None,
) -> ArticleRecord:
    times = {name: getattr(record, name) for name in ("published_at", "first_published_at", "updated_at")}
    record = record.model_copy(update={"status": status, "modified_at": desk.now})
    before = base or work.record
    record = completed(record, before.model_copy(update={"blocks": work.record.blocks}), desk.now)
    version = max(work.live.version, work.latest.version) + 1
    return record.model_copy(update={**times, "version": version, "modified_at": desk.now, **(columns or {})})


async def _kept(desk: Desk, work: Work, record: ArticleRecord, action: RevisionAction, minor: bool) -> Made:
    before = work.record.version  # the row has the new one already
    await revisions.keep_base(desk, work.number, work.record)
    await revisions.keep(desk, work.number, record, action, minor=minor)
    return Made("article", work.number, before, record.version)


# What editors say, as values of a record


async def _values(
    desk: Desk, said: Input, before: ArticleRecord | None, gathered: Gathered
) -> dict[str, Any]:
    values = validation.plain(ArticleRecord, said, *_SPECIAL)
    if values.get("language", "") is None:
        values["language"] = LANGUAGE
    if "headline" in said and not (said["headline"] or "").strip():
        gathered.add(Code.REQUIRED, "An article needs a headline.", "headline")
        del values["headline"]
    for name, columns in (
        ("dateline", ("place", "text")),
        ("rights", ("syndicatable", "usageTerms", "copyrightNotice")),
    ):
        if name in said:
            inner = said[name] or {}
            for column in columns:
                key = f"dateline_{column}" if name == "dateline" else snake(column)
                if name == "dateline" or column in inner or said[name] is None:
                    values[key] = inner.get(column)
    if values.get("syndicatable", "") is None:
        values["syndicatable"] = True
    if "body" in said:
        values["blocks"] = await gathered.of(_body(said["body"]), ())
        await _require_media(said["body"], values["blocks"], gathered)
    values |= await _references(desk, said, gathered)
    if before is not None and "blocks" in values:
        values["blocks"] = derive.identified(values["blocks"], before.blocks)
        values["attributions"] = anchored(before.attributions, before.blocks, values["blocks"])
    if "blocks" in values:
        known = {hop.id for head in (before.attributions if before else ()) for hop in head.hops()}
        values["blocks"] = tuple(quoted(block, known) for block in values["blocks"])
    return values


async def _body(said: Mapping[str, Any] | None) -> tuple[blocks.Block, ...]:
    # Elsewhere, because a long text takes long to read, and others are waiting.
    return await asyncio.to_thread(validation.body, said) if said else ()


async def _require_media(
    said: Mapping[str, Any] | None, body: Sequence[blocks.Block], gathered: Gathered
) -> None:
    """That all that the body shows is here."""
    wanted = {number for block in body for number in blocks.media(block)}
    rows: Any = await Media.filter(id__in=wanted).values_list("id", flat=True) if wanted else []
    here = set(rows)
    for n, block in enumerate(body):
        for number in blocks.media(block):
            if number not in here:
                (form,) = said or ("",)
                where = f"body.blocks.{n}" if form == "blocks" else f"body.{form}"
                gathered.add(Code.NOT_FOUND, f"There is no media {spell('media', number)!r}.", where)


def quoted(block: blocks.Block, known: set[int | None]) -> blocks.Block:
    """A quotation whose attribution is not there stands for itself."""
    if isinstance(block, blocks.Quote) and block.attribution not in known:
        return block.model_copy(update={"attribution": None})
    return block


async def _references(desk: Desk, said: Input, gathered: Gathered) -> dict[str, Any]:
    values: dict[str, Any] = {}

    async def path(text: Any, where: str) -> str:
        return str((await references.named(desk, "category", text, where)).path)

    if "category" in said:
        main = said["category"]
        values["category"] = None if main is None else await gathered.of(path(main, "category"))
    if "categories" in said:
        found = [
            await gathered.of(path(one, f"categories.{n}")) for n, one in enumerate(said["categories"] or ())
        ]
        values["sections"] = tuple(filter(None, found))
    if "story" in said:
        told = said["story"]
        story = None if told is None else await gathered.of(references.named(desk, "story", told, "story"))
        values["story"] = story.slug if story else None
    if "leadMedia" in said:
        lead = said["leadMedia"]
        values["lead_media"] = (
            None if lead is None else await gathered.of(references.media(desk, lead, "leadMedia"))
        )
    if "media" in said:
        placed = []
        for n, one in enumerate(said["media"] or ()):
            place = {name: value for name, value in one.items() if value is not None}
            place["media"] = await gathered.of(references.media(desk, one["media"], f"media.{n}.media"), 1)
            placed.append(place)
        values["media"] = tuple(placed)
    if "tags" in said:
        mentions = []
        for n, one in enumerate(said["tags"] or ()):
            found_tag = await gathered.of(references.tag(desk, one["tag"], f"tags.{n}.tag"))
            if found_tag:
                key = f"{found_tag.type.value}:{found_tag.slug}"
                mentions.append({**one, "tag": key})
        values["tags"] = tuple(mentions)
    if "authors" in said:
        credits = []
        for n, one in enumerate(said["authors"] or ()):
            author = await gathered.of(references.named(desk, "author", one["author"], f"authors.{n}.author"))
            if author:
                credits.append({"author": author.slug, **({"role": one["role"]} if one.get("role") else {})})
        values["authors"] = tuple(credits)
    if "related" in said:
        beside = [
            await gathered.of(references.article(desk, one, f"related.{n}"))
            for n, one in enumerate(said["related"] or ())
        ]
        values["related"] = tuple(row.uri for row in beside if row)
    if "translationOf" in said:
        first = said["translationOf"]
        values["translation_group"] = (
            None if first is None else await gathered.of(_translation_group(desk, first))
        )
    return values


async def _translation_group(desk: Desk, text: Any) -> int:
    row = await references.article(desk, text, "translationOf")
    if row.translation_group is None:
        # In its working copy as well, which would else take it away when it is published.
        rows = Article.filter(Q(id=row.id) | Q(working_of=row.id), translation_group=None)
        await rows.update(translation_group=row.id)
    group: int = row.translation_group or row.id
    return group


def _checked(gathered: Gathered, values: dict[str, Any]) -> ArticleRecord:
    record: ArticleRecord | None = None
    with gathered.taking():
        record = validation.shaped(ArticleRecord, values, RENAMED)
    if record and record.embargo_until and record.expires_at and record.embargo_until >= record.expires_at:
        gathered.add(Code.TIME_ORDER, "The embargo would end after the article is gone.", "embargoUntil")
    gathered.settle()
    assert record is not None
    return record


async def require_publishable(record: ArticleRecord, at: dt.datetime) -> None:
    """Raises Amiss with everything that keeps it from coming out `at` that moment."""
    gathered = Gathered()
    needed = (
        ("slug", record.slug, "It has no slug."),
        ("headline", record.headline, "It has no headline."),
        ("language", record.language, "It has no language."),
        ("category", record.category, "It stands in no section."),
        ("body", record.blocks, "It has no text."),
    )
    for field, there, message in needed:
        if not there:
            gathered.add(Code.REQUIRED, message, field, f"updateArticle(input: {{id: …, {field}: …}})")
    await _require_described(record, gathered)
    if record.embargo_until and record.embargo_until > at:
        until = blocks.spell_time(record.embargo_until)
        gathered.add(
            Code.EMBARGOED,
            f"An embargo is open until {until}.",
            "embargoUntil",
            f'Schedule it for then: scheduleArticle(input: {{publishAt: "{until}"}}).',
        )
    if record.expires_at and record.expires_at <= at:
        gathered.add(Code.TIME_ORDER, "It would be gone before it came out.", "expiresAt")
    gathered.settle()


async def _require_described(record: ArticleRecord, gathered: Gathered) -> None:
    """Every picture says what it shows, or that it need not; and its licence has not ended."""
    from_text = {number for block in record.blocks for number in blocks.media(block)}
    own = {placed.media: placed.alt for placed in record.media if placed.alt}
    wanted = {*from_text, *(placed.media for placed in record.media)}
    if record.lead_media:
        wanted.add(record.lead_media)
    for row in await Media.filter(id__in=sorted(wanted)).order_by("id"):
        field = "leadMedia" if row.id == record.lead_media else "body" if row.id in from_text else "media"
        name = spell("media", row.id)
        if row.kind.value == "IMAGE" and not row.decorative and not row.alt and row.id not in own:
            gathered.add(
                Code.REQUIRED,
                f"The picture {name} does not say what it shows.",
                field,
                f'updateMedia(input: {{id: "{name}", alt: "…"}}), or decorative: true.',
            )
