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

from contentql.auth.permissions import Permission
from contentql.content import blocks, derive
from contentql.content.ids import encode_id, new_id
from contentql.content.records import ArticleRecord, AttributionRecord
from contentql.editorial import references, revisions, validation
from contentql.editorial.context import EditContext, Input, WriteResult
from contentql.editorial.references import ErrorCollector, can_see, is_owner, is_public
from contentql.editorial.text_anchors import reanchor_attributions
from contentql.editorial.user_errors import UserErrorCode, user_error
from contentql.importing.importer import complete_record
from contentql.planner.catalog import to_snake
from contentql.store import article_records
from contentql.store.models.content import Article, Attribution, Media, Status
from contentql.store.models.history import RevisionAction

# How the API calls what records call otherwise.
API_FIELD_NAMES = {
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
DEFAULT_LANGUAGE = "en"  # unless told


@dataclass(frozen=True)
class ArticleState:
    """An article in hand. `record` is its latest state, under its own id; `public` what its own row says."""

    article_row: Article
    working_copy_row: Article | None
    record: ArticleRecord
    published_record: ArticleRecord

    @property
    def id(self) -> int:
        number: int = self.article_row.id
        return number

    @property
    def latest(self) -> Article:
        return self.working_copy_row or self.article_row

    def status_at(self, context: EditContext) -> Status:
        """Where it stands at this moment: its working copy, if there is one."""
        row = self.latest
        if row.status not in (Status.SCHEDULED, Status.PUBLISHED):
            return row.status
        if row.expires_at is not None and row.expires_at <= context.now:
            return Status.EXPIRED
        return Status.PUBLISHED if is_public(row, context.now) else Status.SCHEDULED


async def load_for_update(
    context: EditContext, text: Any, where: str = "id", *, deleted: bool = False
) -> ArticleState:
    """The article of an id, held until the transaction ends, in the version that was read (`ifVersion`).

    Raises Amiss: NOT_FOUND, WRONG_TYPE, NOT_OWNER, CONFLICT.
    """
    number = context.decode_id("article", text, where)
    await context.lock_sections()
    live = await context.first(Article.filter(id=number, working_of=0), hold=True)
    if live is None or not can_see(context, live) or (live.deleted_at is not None and not deleted):
        raise context.not_found("article", text, where)
    if not context.has_permission(Permission.EDIT_ALL) and not is_owner(context, live):
        raise user_error(
            UserErrorCode.NOT_OWNER, "This article is somebody else's.", where, "Ask an editor to change it."
        )
    copy = await Article.get_or_none(working_of=number)
    found = await article_records.load_articles([live, copy] if copy else [live])
    public = found[0]
    article = ArticleState(live, copy, _of_copy(found[1], public) if copy else public, public)
    version = article.latest.version
    if context.expected_version is not None and context.expected_version != version:
        said = await revisions.describe_changes_since(number, context.expected_version)
        raise user_error(
            UserErrorCode.VERSION_CONFLICT,
            f"You have read version {context.expected_version}, but it is version {version} by now."
            + (f" {said}." if said else ""),
            "ifVersion",
            f"Read it again, and send ifVersion: {version}.",
        )
    return article


def _of_copy(copy: ArticleRecord, public: ArticleRecord) -> ArticleRecord:
    """What only the article's own row has goes with every state of it."""
    own = ("id", "uri", "external_ids", "corrections", "slug_history")
    return copy.model_copy(update={name: getattr(public, name) for name in own})


async def create_article(context: EditContext, input: Input) -> WriteResult:
    await context.lock_sections()
    number = new_id()
    language = input.get("language") or DEFAULT_LANGUAGE
    errors = ErrorCollector()
    slug = await errors.run(
        references.available_slug(
            input.get("slug"),
            input["headline"],
            references.slug_taken_by_other_article(language, number),
            200,
        ),
        "x",
    )
    begun = {"id": number, "slug": slug, "language": language, "headline": "x"}
    values = await _values(context, input, None, errors)
    record = _checked(errors, {**begun, **values})
    record = complete_record(record, None, context.now).model_copy(update={"version": 1})
    missing = await article_records.save_article(
        context.connection, record, None, more={"owner": context.account}
    )
    assert not missing, missing
    await revisions.save_revision(context, number, record, RevisionAction.CREATED)
    return WriteResult("article", number, None, 1)


async def update_article(context: EditContext, input: Input) -> WriteResult:
    article = await load_for_update(context, input["id"])
    status = status_after_edit(context, article)
    errors = ErrorCollector()
    values = await _values(context, input, article.record, errors)
    language = values.get("language", article.record.language)
    if "slug" in input or language != article.record.language:
        wanted = article.record.slug if input.get("slug") is None else input["slug"]
        taken = references.slug_taken_by_other_article(language, article.id)
        values["slug"] = await errors.run(
            references.available_slug(wanted, wanted, taken, 200), article.record.slug
        )
    kept = {name: getattr(article.record, name) for name in ArticleRecord.model_fields}
    record = _checked(errors, {**kept, **values})
    if article.status_at(context) is Status.SCHEDULED:
        await require_publishable(record, record.published_at or context.now)
    return await save_version(context, article, record, RevisionAction.UPDATED, status=status)


def status_after_edit(context: EditContext, article: ArticleState) -> Status:
    """The status that an edit leaves it in. Raises Amiss where it may not be edited as it stands."""
    standing = article.status_at(context)
    if not context.has_permission(Permission.EDIT_ALL) and standing in (Status.IN_REVIEW, Status.APPROVED):
        raise user_error(
            UserErrorCode.INVALID_TRANSITION,
            "It is with a reviewer.",
            "id",
            "Ask for it to be sent back: returnArticle.",
        )
    match standing:
        case Status.PUBLISHED | Status.EXPIRED:
            return Status.DRAFT  # a working copy begins
        case Status.SCHEDULED:
            if not context.has_permission(Permission.PUBLISH):
                raise user_error(
                    UserErrorCode.INVALID_TRANSITION,
                    "It is scheduled: what is changed now would come out unseen.",
                    "id",
                    "Ask a publisher, or have it taken back first: unpublishArticle.",
                )
            return Status.SCHEDULED
        case Status.WITHDRAWN | Status.ARCHIVED:
            raise user_error(
                UserErrorCode.INVALID_TRANSITION,
                f"It is {standing.value.lower()} and is not changed any more.",
                "id",
                "Bring it back first: restoreArticle.",
            )
        case Status.APPROVED:  # what was approved is not what it is now
            return Status.APPROVED if context.has_permission(Permission.REVIEW) else Status.IN_REVIEW
    return standing


async def save_version(
    context: EditContext,
    article: ArticleState,
    record: ArticleRecord,
    action: RevisionAction,
    *,
    status: Status,
    minor: bool = False,
) -> WriteResult:
    """One more version: of a working copy if what is out stays as it is, else of the article itself."""
    out = (
        article.article_row.status in (Status.PUBLISHED, Status.SCHEDULED)
        and article.status_at(context) is not Status.SCHEDULED
    )
    if article.working_copy_row or (out and status not in (Status.PUBLISHED, Status.SCHEDULED)):
        return await _save_copy(context, article, record, action, status=status, minor=minor)
    return await save_published(context, article, record, action, status=status, minor=minor)


async def _save_copy(
    context: EditContext,
    article: ArticleState,
    record: ArticleRecord,
    action: RevisionAction,
    *,
    status: Status,
    minor: bool,
) -> WriteResult:
    record = _next(context, article, record, status)
    number: int = article.working_copy_row.id if article.working_copy_row else new_id()
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
    more = {"owner": article.article_row.owner, "working_of": article.id}
    await article_records.save_article(
        context.connection, apart, article.working_copy_row, more=more, stable=stable
    )
    return await _kept(context, article, record, action, minor)


async def save_published(
    context: EditContext,
    article: ArticleState,
    record: ArticleRecord,
    action: RevisionAction,
    *,
    status: Status,
    minor: bool = False,
    columns: Mapping[str, Any] | None = None,
) -> WriteResult:
    """One more version of the article itself, which takes in its working copy."""
    record = _next(context, article, record, status, base=article.published_record, columns=columns)
    if article.working_copy_row:
        await article.working_copy_row.delete()
    more = {"deleted_at": record.deleted_at}
    await article_records.save_article(context.connection, record, article.article_row, more=more)
    return await _kept(context, article, record, action, minor)


def _next(
    context: EditContext,
    article: ArticleState,
    record: ArticleRecord,
    status: Status,
    *,
    base: ArticleRecord | None = None,
    columns: Mapping[str, Any] | None = None,
) -> ArticleRecord:
    times = {name: getattr(record, name) for name in ("published_at", "first_published_at", "updated_at")}
    record = record.model_copy(update={"status": status, "modified_at": context.now})
    before = base or article.record
    record = complete_record(record, before.model_copy(update={"blocks": article.record.blocks}), context.now)
    version = max(article.article_row.version, article.latest.version) + 1
    return record.model_copy(
        update={**times, "version": version, "modified_at": context.now, **(columns or {})}
    )


async def _kept(
    context: EditContext, article: ArticleState, record: ArticleRecord, action: RevisionAction, minor: bool
) -> WriteResult:
    before = article.record.version  # the row has the new one already
    await revisions.ensure_base_revision(context, article.id, article.record)
    await revisions.save_revision(context, article.id, record, action, minor=minor)
    return WriteResult("article", article.id, before, record.version)


# What editors say, as values of a record


async def _values(
    context: EditContext, input: Input, before: ArticleRecord | None, errors: ErrorCollector
) -> dict[str, Any]:
    values = validation.record_values(ArticleRecord, input, *_SPECIAL)
    if values.get("language", "") is None:
        values["language"] = DEFAULT_LANGUAGE
    if "headline" in input and not (input["headline"] or "").strip():
        errors.add(UserErrorCode.REQUIRED, "An article needs a headline.", "headline")
        del values["headline"]
    for name, columns in (
        ("dateline", ("place", "text")),
        ("rights", ("syndicatable", "usageTerms", "copyrightNotice")),
    ):
        if name in input:
            inner = input[name] or {}
            for column in columns:
                key = f"dateline_{column}" if name == "dateline" else to_snake(column)
                if name == "dateline" or column in inner or input[name] is None:
                    values[key] = inner.get(column)
    if values.get("syndicatable", "") is None:
        values["syndicatable"] = True
    if "body" in input:
        values["blocks"] = await errors.run(_body(input["body"]), ())
        await _require_media(input["body"], values["blocks"], errors)
    values |= await _references(context, input, errors)
    if before is not None and "blocks" in values:
        values["blocks"] = derive.assign_block_ids(values["blocks"], before.blocks)
        values["attributions"] = reanchor_attributions(before.attributions, before.blocks, values["blocks"])
    if "blocks" in values:
        known = {hop.id for head in (before.attributions if before else ()) for hop in head.hops()}
        values["blocks"] = tuple(detach_unknown_attribution(block, known) for block in values["blocks"])
    return values


async def _body(said: Mapping[str, Any] | None) -> tuple[blocks.Block, ...]:
    # Elsewhere, because a long text takes long to read, and others are waiting.
    return await asyncio.to_thread(validation.parse_article_body, said) if said else ()


async def _require_media(
    said: Mapping[str, Any] | None, body: Sequence[blocks.Block], errors: ErrorCollector
) -> None:
    """That all that the body shows is here."""
    wanted = {number for block in body for number in blocks.block_media(block)}
    rows: Any = await Media.filter(id__in=wanted).values_list("id", flat=True) if wanted else []
    here = set(rows)
    for n, block in enumerate(body):
        for number in blocks.block_media(block):
            if number not in here:
                (form,) = said or ("",)
                where = f"body.blocks.{n}" if form == "blocks" else f"body.{form}"
                errors.add(
                    UserErrorCode.NOT_FOUND, f"There is no media {encode_id('media', number)!r}.", where
                )


def detach_unknown_attribution(block: blocks.Block, known: set[int | None]) -> blocks.Block:
    """A quotation whose attribution is not there stands for itself."""
    if isinstance(block, blocks.Quote) and block.attribution not in known:
        return block.model_copy(update={"attribution": None})
    return block


async def _references(context: EditContext, input: Input, errors: ErrorCollector) -> dict[str, Any]:
    values: dict[str, Any] = {}

    async def path(text: Any, where: str) -> str:
        return str((await references.find_by_reference(context, "category", text, where)).path)

    if "category" in input:
        main = input["category"]
        values["category"] = None if main is None else await errors.run(path(main, "category"))
    if "categories" in input:
        found = [
            await errors.run(path(one, f"categories.{n}")) for n, one in enumerate(input["categories"] or ())
        ]
        values["sections"] = tuple(filter(None, found))
    if "story" in input:
        told = input["story"]
        story = (
            None
            if told is None
            else await errors.run(references.find_by_reference(context, "story", told, "story"))
        )
        values["story"] = story.slug if story else None
    if "leadMedia" in input:
        lead = input["leadMedia"]
        values["lead_media"] = (
            None if lead is None else await errors.run(references.find_media_id(context, lead, "leadMedia"))
        )
    if "media" in input:
        placed = []
        for n, one in enumerate(input["media"] or ()):
            place = {name: value for name, value in one.items() if value is not None}
            place["media"] = await errors.run(
                references.find_media_id(context, one["media"], f"media.{n}.media"), 1
            )
            placed.append(place)
        values["media"] = tuple(placed)
    if "tags" in input:
        mentions = []
        for n, one in enumerate(input["tags"] or ()):
            found_tag = await errors.run(references.find_tag(context, one["tag"], f"tags.{n}.tag"))
            if found_tag:
                key = f"{found_tag.type.value}:{found_tag.slug}"
                mentions.append({**one, "tag": key})
        values["tags"] = tuple(mentions)
    if "authors" in input:
        credits = []
        for n, one in enumerate(input["authors"] or ()):
            author = await errors.run(
                references.find_by_reference(context, "author", one["author"], f"authors.{n}.author")
            )
            if author:
                credits.append({"author": author.slug, **({"role": one["role"]} if one.get("role") else {})})
        values["authors"] = tuple(credits)
    if "related" in input:
        beside = [
            await errors.run(references.find_article(context, one, f"related.{n}"))
            for n, one in enumerate(input["related"] or ())
        ]
        values["related"] = tuple(row.uri for row in beside if row)
    if "translationOf" in input:
        first = input["translationOf"]
        values["translation_group"] = (
            None if first is None else await errors.run(_translation_group(context, first))
        )
    return values


async def _translation_group(context: EditContext, text: Any) -> int:
    row = await references.find_article(context, text, "translationOf")
    if row.translation_group is None:
        # In its working copy as well, which would else take it away when it is published.
        rows = Article.filter(Q(id=row.id) | Q(working_of=row.id), translation_group=None)
        await rows.update(translation_group=row.id)
    group: int = row.translation_group or row.id
    return group


def _checked(errors: ErrorCollector, values: dict[str, Any]) -> ArticleRecord:
    record: ArticleRecord | None = None
    with errors.collecting():
        record = validation.build_record(ArticleRecord, values, API_FIELD_NAMES)
    if record and record.embargo_until and record.expires_at and record.embargo_until >= record.expires_at:
        errors.add(
            UserErrorCode.INVALID_TIME, "The embargo would end after the article is gone.", "embargoUntil"
        )
    errors.raise_if_any()
    assert record is not None
    return record


async def require_publishable(record: ArticleRecord, at: dt.datetime) -> None:
    """Raises Amiss with everything that keeps it from coming out `at` that moment."""
    errors = ErrorCollector()
    needed = (
        ("slug", record.slug, "It has no slug."),
        ("headline", record.headline, "It has no headline."),
        ("language", record.language, "It has no language."),
        ("category", record.category, "It stands in no section."),
        ("body", record.blocks, "It has no text."),
    )
    for field, there, message in needed:
        if not there:
            errors.add(UserErrorCode.REQUIRED, message, field, f"updateArticle(input: {{id: …, {field}: …}})")
    await _require_described(record, errors)
    if record.embargo_until and record.embargo_until > at:
        until = blocks.format_timestamp(record.embargo_until)
        errors.add(
            UserErrorCode.EMBARGOED,
            f"An embargo is open until {until}.",
            "embargoUntil",
            f'Schedule it for then: scheduleArticle(input: {{publishAt: "{until}"}}).',
        )
    if record.expires_at and record.expires_at <= at:
        errors.add(UserErrorCode.INVALID_TIME, "It would be gone before it came out.", "expiresAt")
    errors.raise_if_any()


async def _require_described(record: ArticleRecord, errors: ErrorCollector) -> None:
    """Every picture says what it shows, or that it need not; and its licence has not ended."""
    from_text = {number for block in record.blocks for number in blocks.block_media(block)}
    own = {placed.media: placed.alt for placed in record.media if placed.alt}
    wanted = {*from_text, *(placed.media for placed in record.media)}
    if record.lead_media:
        wanted.add(record.lead_media)
    for row in await Media.filter(id__in=sorted(wanted)).order_by("id"):
        field = "leadMedia" if row.id == record.lead_media else "body" if row.id in from_text else "media"
        name = encode_id("media", row.id)
        if row.kind.value == "IMAGE" and not row.decorative and not row.alt and row.id not in own:
            errors.add(
                UserErrorCode.REQUIRED,
                f"The picture {name} does not say what it shows.",
                field,
                f'updateMedia(input: {{id: "{name}", alt: "…"}}), or decorative: true.',
            )
