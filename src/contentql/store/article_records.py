"""Between rows and records: what the tables say about an article, told as one value, and the way back.

Everything derived is made here on the way in, so a record never has to carry it. Whoever calls opens the
transaction. Knows no file format.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from tortoise.models import Model

from contentql.content import blocks, derive
from contentql.content.blocks import Block, FrozenModel
from contentql.content.ids import encode_id
from contentql.content.records import (
    ArticleRecord,
    AttributionRecord,
    CorrectionRecord,
    CreditRecord,
    ExternalIdRecord,
    MentionRecord,
    PlacementRecord,
    SlugRecord,
    SpanRecord,
    TagKey,
)
from contentql.store.models.content import (
    Article,
    ArticleAuthor,
    ArticleBody,
    ArticleMedia,
    ArticleRelated,
    ArticleSection,
    ArticleTag,
    Attribution,
    AttributionState,
    Author,
    Category,
    Correction,
    ExternalId,
    Media,
    SlugHistory,
    Source,
    Story,
    Tag,
)

AnyRecord = TypeVar("AnyRecord", bound=FrozenModel)


class ReferenceNotFound(Exception):
    """A record refers to what is not here: one plain sentence."""


def record_columns(record: FrozenModel, model: type[Model]) -> dict[str, Any]:
    """The columns that a record says by itself; its references and its id are left to the caller."""
    own = type(record).model_fields.keys() & model._meta.fields_db_projection.keys() - {"id"}
    return {name: _stored(getattr(record, name)) for name in sorted(own)}


def foreign_key(row: Model, name: str) -> Any:
    """The id that a row's foreign key holds, which Tortoise adds without telling the type checker."""
    return getattr(row, f"{name}_id")


def record_from_row(kind: type[AnyRecord], row: Model, **references: Any) -> AnyRecord:
    """A row as a record, with its references as natural keys."""
    known = row._meta.fields_db_projection
    said = {name: getattr(row, name) for name in kind.model_fields if name in known}
    return kind(**{**said, **references})


async def load_articles(rows: Sequence[Article]) -> list[ArticleRecord]:
    """Articles with all that hangs on them, in so many statements however many they are."""
    ids = [row.id for row in rows]
    bodies = {
        foreign_key(row, "article"): blocks.parse_blocks(row.blocks)
        for row in await ArticleBody.filter(article_id__in=ids)
    }
    paths: dict[int, str] = dict(
        await Category.filter(id__in={foreign_key(row, "category") for row in rows}).values_list("id", "path")
    )
    stories: dict[int, str] = dict(
        await Story.filter(id__in={foreign_key(row, "story") for row in rows}).values_list("id", "slug")
    )
    sections = await _of(ids, ArticleSection.filter(direct=True), "position", "category__path")
    credits = await _of(ids, ArticleAuthor.all(), "position", "role", author="author__slug")
    mentions = await _of(
        ids, ArticleTag.all(), "position", "tag__type", "tag__slug", "relevance", "confidence"
    )
    placed = await _of(ids, ArticleMedia.all(), "position", "role", "caption", "alt", media="media_id")
    related = await _of(ids, ArticleRelated.all(), "position", "related__uri")
    corrections = await _of(ids, Correction.all(), "id", "kind", "at", "text", "block", "before", "after")
    history = await _of(ids, SlugHistory.all(), "until", "language", "slug")
    external = await _of(ids, ExternalId.all(), "system", "value")
    chains = await _chains(ids)
    return [
        record_from_row(
            ArticleRecord,
            row,
            lede=_own_lede(row.lede, bodies.get(row.id, ())),
            category=paths.get(foreign_key(row, "category")),
            story=stories.get(foreign_key(row, "story")),
            lead_media=foreign_key(row, "lead_media"),
            sections=[
                found["category__path"]
                for found in sections.get(row.id, [])
                if found["category__path"] != paths.get(foreign_key(row, "category"))
            ],
            blocks=bodies.get(row.id, ()),
            authors=[_fit(CreditRecord, found) for found in credits.get(row.id, [])],
            media=[_fit(PlacementRecord, found) for found in placed.get(row.id, [])],
            tags=[
                _fit(MentionRecord, found, tag=f"{found['tag__type'].value}:{found['tag__slug']}")
                for found in mentions.get(row.id, [])
            ],
            attributions=chains.get(row.id, []),
            corrections=sorted(
                (_fit(CorrectionRecord, found) for found in corrections.get(row.id, [])),
                key=lambda correction: (correction.at, correction.id or 0),
            ),
            related=[found["related__uri"] for found in related.get(row.id, [])],
            slug_history=sorted(
                (_fit(SlugRecord, found) for found in history.get(row.id, [])),
                key=lambda old: (old.until, old.language, old.slug),
            ),
            external_ids=sorted(
                (_fit(ExternalIdRecord, found) for found in external.get(row.id, [])),
                key=lambda known: (known.system, known.value),
            ),
        )
        for row in rows
    ]


async def save_article(
    connection: Any,
    record: ArticleRecord,
    row: Article | None,
    *,
    more: Mapping[str, Any] | None = None,
    stable: Mapping[int, int] | None = None,
) -> list[str]:
    """Puts a whole article into its tables, new or over `row`.

    Every id must be made. `more` are columns that no record says; in a working copy `stable` tells by which
    id each row of an attribution goes. Returns the related articles that are not here (yet); raises Missing
    for anything else that is not.
    """
    assert record.id is not None
    refers = await _references(record)
    text = derive.plain_text(record.blocks)
    length = derive.measure_text(text)
    opening = record.lede or derive.lede(record.blocks)
    values = {
        **record_columns(record, Article),
        **refers,
        "lede": opening,
        "word_count": length.words,
        "reading_minutes": length.minutes,
        **(more or {}),
    }
    if row is None:
        await Article.create(id=record.id, **values)
        await ArticleBody.create(article_id=record.id, **_body(record, text))
    else:
        await row.update_from_dict(values).save()
        await ArticleBody.filter(article_id=record.id).update(**_body(record, text))
    await _write_sections(record)
    await _write_links(record)
    await _write_chains(record, stable or {})
    about = (record.kicker, record.short_headline, record.summary, opening, record.byline)
    words = derive.search_terms(record.headline, about, text, record.language)
    await derive.write_search_row(connection, record.id, words)
    return await save_related_articles(record)


async def save_related_articles(record: ArticleRecord) -> list[str]:
    """Writes what the editors put beside the article, and returns the uris that are not here."""
    rows = Article.filter(uri__in=record.related, working_of=0)
    here = dict(await rows.values_list("uri", "id") if record.related else [])
    await replace_rows(
        ArticleRelated,
        {"article_id": record.id},
        [
            {"related_id": here[uri], "position": n}
            for n, uri in enumerate(dict.fromkeys(record.related))
            if uri in here
        ],
    )
    return [uri for uri in record.related if uri not in here]


async def tag_ids(keys: Iterable[TagKey]) -> dict[TagKey, int]:
    """The ids of tags by `TYPE:slug`. Raises Missing."""
    wanted = dict.fromkeys(keys)
    slugs = [key.partition(":")[2] for key in wanted]
    rows = await Tag.filter(slug__in=slugs).values_list("type", "slug", "id") if slugs else []
    return _all_of(wanted, {f"{kind.value}:{slug}": number for kind, slug, number in rows}, "tag")


async def ids_by_key(model: type[Model], field: str, keys: Iterable[Any], word: str) -> dict[Any, int]:
    """The ids of the rows whose `field` is one of `keys`. Raises Missing."""
    wanted = dict.fromkeys(keys)
    only = {"working_of": 0} if model is Article else {}
    found = model.filter(**{f"{field}__in": list(wanted)}, **only)
    rows = await found.values_list(field, "id") if wanted else []
    return _all_of(wanted, dict(rows), word)


async def require_media(numbers: Iterable[int | None]) -> None:
    """Raises Missing unless all these media are here."""
    wanted = {number for number in numbers if number is not None}
    here = set(await Media.filter(id__in=wanted).values_list("id", flat=True)) if wanted else set()
    for number in sorted(wanted - here):
        raise ReferenceNotFound(f"there is no media {encode_id('media', number)}")


def _own_lede(lede: str | None, blocks: Iterable[Block]) -> str | None:
    return None if lede == derive.lede(blocks) else lede


def _stored(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_stored(item) for item in value]
    return value.model_dump(by_alias=True) if isinstance(value, FrozenModel) else value


def _all_of(wanted: Iterable[Any], here: dict[Any, int], word: str) -> dict[Any, int]:
    for key in wanted:
        if key not in here:
            raise ReferenceNotFound(f"there is no {word} {key!r}")
    return here


async def _of(ids: Sequence[int], rows: Any, *names: str, **renamed: str) -> dict[int, list[dict[str, Any]]]:
    """The values of the rows of these articles by article, in the order of the first name."""
    found: dict[int, list[dict[str, Any]]] = {}
    for row in (
        await rows.filter(article_id__in=ids).order_by(names[0]).values("article_id", *names, **renamed)
    ):
        found.setdefault(row["article_id"], []).append(row)
    return found


def _fit(kind: type[AnyRecord], found: dict[str, Any], **more: Any) -> AnyRecord:
    return kind(**{name: found[name] for name in kind.model_fields if name in found}, **more)


async def _chains(ids: Sequence[int]) -> dict[int, list[AttributionRecord]]:
    # The far end of a chain first, so that every hop finds the one it leads to.
    rows = await Attribution.filter(article_id__in=ids).order_by("article_id", "position", "-hop", "id")
    slugs: dict[int, str] = dict(
        await Source.filter(id__in={foreign_key(row, "source") for row in rows}).values_list("id", "slug")
    )
    hops: dict[int, AttributionRecord] = {}
    owners: dict[int, list[AttributionRecord]] = {}
    for row in rows:
        span = None
        if row.span_block is not None:
            span = SpanRecord(
                block_id=row.span_block,
                start=row.span_start or 0,
                end=row.span_end or 0,
                exact=row.span_exact,
                prefix=row.span_prefix,
                suffix=row.span_suffix,
                orphaned=row.span_orphaned,
            )
        record = record_from_row(
            AttributionRecord,
            row,
            id=row.working_of or row.id,
            source=slugs.get(foreign_key(row, "source")),
            media=foreign_key(row, "media"),
            span=span,
            via=hops.pop(foreign_key(row, "via"), None),
        )
        if row.hop:
            hops[row.id] = record.model_copy(update={"state": AttributionState.SUGGESTED})
        else:
            owners.setdefault(foreign_key(row, "article"), []).append(record)
    return owners


async def _references(record: ArticleRecord) -> dict[str, int | None]:
    paths = await ids_by_key(Category, "path", [record.category] if record.category else [], "category")
    stories = await ids_by_key(Story, "slug", [record.story] if record.story else [], "story")
    shown = [number for block in record.blocks for number in blocks.block_media(block)]
    told = [hop.media for attribution in record.attributions for hop in attribution.hops()]
    await require_media([record.lead_media, *shown, *told, *(placed.media for placed in record.media)])
    return {
        "category_id": paths.get(record.category),
        "story_id": stories.get(record.story),
        "lead_media_id": record.lead_media,
    }


def _body(record: ArticleRecord, text: str) -> dict[str, Any]:
    return {
        "blocks": blocks.dump_blocks(record.blocks),
        "html": derive.render_html(record.blocks),
        "markdown": derive.render_markdown(record.blocks),
        "text": text,
    }


async def _write_sections(record: ArticleRecord) -> None:
    own = [record.category, *record.sections] if record.category else list(record.sections)
    rows = derive.section_rows(own)
    ids = await ids_by_key(Category, "path", [row.path for row in rows], "category")
    await replace_rows(
        ArticleSection,
        {"article_id": record.id},
        [
            {
                "category_id": ids[row.path],
                "direct": row.direct,
                "position": row.position,
                "published_at": record.published_at,
            }
            for row in rows
        ],
    )


async def _write_links(record: ArticleRecord) -> None:
    of = {"article_id": record.id}
    tags = await tag_ids(mention.tag for mention in record.tags)
    at = record.published_at
    await replace_rows(
        ArticleTag,
        of,
        [
            {**record_columns(said, ArticleTag), "tag_id": tags[said.tag], "position": n, "published_at": at}
            for n, said in enumerate(record.tags)
        ],
    )
    authors = await ids_by_key(Author, "slug", [credit.author for credit in record.authors], "author")
    await replace_rows(
        ArticleAuthor,
        of,
        [
            {"author_id": authors[credit.author], "role": credit.role, "position": n}
            for n, credit in enumerate(record.authors)
        ],
    )
    await replace_rows(
        ArticleMedia,
        of,
        [
            {**record_columns(placed, ArticleMedia), "media_id": placed.media, "position": n}
            for n, placed in enumerate(record.media)
        ],
    )
    await replace_rows(
        Correction, of, [{"id": one.id, **record_columns(one, Correction)} for one in record.corrections]
    )
    await replace_rows(SlugHistory, of, [record_columns(old, SlugHistory) for old in record.slug_history])
    await replace_rows(ExternalId, of, [record_columns(known, ExternalId) for known in record.external_ids])


async def replace_rows(
    model: type[Model], of: dict[str, Any], rows: Sequence[dict[str, Any]], *, leads: str = ""
) -> None:
    """Makes `rows` the only ones that belong to `of`. Those that are there already are not touched.

    Whoever follows the changes would otherwise be told of many that are none. `leads`: the column by which
    rows lead to each other. One that leads to a row that is made anew is so too: the database empties that
    column when the other goes.
    """
    names = sorted({name for row in rows for name in row})
    missing = list(rows)
    gone: list[Any] = []
    kept: list[tuple[Any, dict[str, Any]]] = []
    for row in await model.filter(**of):
        same = {name: getattr(row, name) for name in names}
        if same in missing:
            missing.remove(same)
            kept.append((row.pk, same))
        else:
            gone.append(row.pk)
    while leads and (torn := [one for one in kept if one[1][leads] in gone]):
        kept = [one for one in kept if one not in torn]
        gone += [pk for pk, _ in torn]
        missing += [same for _, same in torn]
        missing.sort(key=rows.index)
    if gone:
        await model.filter(pk__in=gone).delete()
    await model.bulk_create(model(**of, **row) for row in missing)


async def _write_chains(record: ArticleRecord, stable: Mapping[int, int]) -> None:
    named = [hop.source for head in record.attributions for hop in head.hops() if hop.source]
    sources = await ids_by_key(Source, "slug", named, "source")
    rows: list[dict[str, Any]] = []
    for position, head in enumerate(record.attributions):
        hops = list(head.hops())
        whose = [sources[hop.source] if hop.source else None for hop in hops]
        chain = derive.attribution_chain_rows([hop.id or 0 for hop in hops], whose)
        for hop, source, place in zip(hops, whose, chain, strict=True):
            values = record_columns(hop, Attribution)
            if hop.span is not None:
                values["span_block"] = hop.span.block_id
                for name in ("start", "end", "exact", "prefix", "suffix", "orphaned"):
                    values[f"span_{name}"] = getattr(hop.span, name)
            rows.append(
                {
                    "id": hop.id,
                    **values,
                    "state": head.state,
                    "source_id": source,
                    "media_id": hop.media,
                    "via_id": place.via,
                    "head_id": place.head,
                    "hop": place.hop,
                    "origin_id": place.origin,
                    "position": position,
                    "working_of": stable.get(hop.id or 0, 0),
                }
            )
    for row in rows:
        row.setdefault("span_orphaned", False)
        for name in ("span_block", "span_start", "span_end", "span_exact", "span_prefix", "span_suffix"):
            row.setdefault(name, None)
    # A hop refers to the next one, which therefore has to be there before it.
    rows.sort(key=lambda row: -row["hop"])
    await replace_rows(Attribution, {"article_id": record.id}, rows, leads="via_id")
