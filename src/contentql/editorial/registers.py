"""Sections, media, sources, tags, authors, stories and collections: what articles lean on.

What is in use is not deleted; who uses it is said.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic.alias_generators import to_camel
from tortoise.models import Model

from contentql.content import derive
from contentql.content.blocks import FrozenModel
from contentql.content.ids import encode_id, new_id
from contentql.content.records import (
    AuthorRecord,
    CategoryRecord,
    CollectionItemRecord,
    MediaRecord,
    SourceRecord,
    StoryRecord,
    TagRecord,
)
from contentql.editorial import references, validation
from contentql.editorial.context import EditContext, Input, WriteResult
from contentql.editorial.references import ErrorCollector, available_slug, slug_taken_by_other_row
from contentql.editorial.user_errors import UserErrorCode, user_error
from contentql.store.article_records import record_columns, replace_rows
from contentql.store.models.content import (
    Article,
    ArticleAuthor,
    ArticleMedia,
    ArticleSection,
    ArticleTag,
    Attribution,
    Author,
    Category,
    Collection,
    CollectionItem,
    Media,
    PathHistory,
    Source,
    Story,
    Tag,
)

# What a browser may run when it is opened by itself.
_RUNS = re.compile(r"image/svg|text/html|text/xml|application/(xml|xhtml)|\w+/[\w.-]*(java|ecma)script", re.I)
_MIME = re.compile(r"[\w.+-]+/[\w.+-]+(\s*;\s*[\w.+-]+=[\w.+-]+)*", re.ASCII)
_AT_ONCE = 500  # articles whose sections are written together


async def save_row(
    context: EditContext,
    kind: type[FrozenModel],
    model: type[Model],
    row: Any,
    values: Mapping[str, Any],
    *,
    foreign_keys: Mapping[str, Any],
    name: str | None = None,
    made: Mapping[str, Any] | None = None,
) -> Any:
    """The row, new or changed, of what a record says.

    `foreign_keys`: values of the foreign-key columns, `name` what it is sorted by.
    Raises Amiss with every field that does not fit.
    """
    before = _said_by(kind, row) if row is not None else {}
    _check_pairs({**before, **values})
    record = validation.build_record(kind, {**before, **values})
    found = {**record_columns(record, model), **foreign_keys}
    if name is not None:
        found["sort_name"] = derive.sort_name(getattr(record, name))
    if row is None:
        return await model.create(id=new_id(), **{**found, **(made or {})})
    found.pop("created_at", None)
    await row.update_from_dict(found).save()
    return row


def _check_pairs(values: Mapping[str, Any]) -> None:
    """Raises Amiss where one of two that only mean something together is missing."""
    for pair in (("focal_x", "focal_y"), ("latitude", "longitude")):
        for name, other in (pair, pair[::-1]):
            if values.get(name) is None and values.get(other) is not None:
                raise user_error(
                    UserErrorCode.REQUIRED,
                    f"It goes together with {to_camel(other)}.",
                    to_camel(name),
                    "Send both.",
                )


def _said_by(kind: type[FrozenModel], row: Any) -> dict[str, Any]:
    """The fields of a record that a row has by themselves."""
    own = row._meta.fields_db_projection.keys() & kind.model_fields.keys()
    return {name: getattr(row, name) for name in own}


async def _slug(input: Input, row: Any, model: type[Model], title: str, **same: Any) -> str:
    if row is not None and input.get("slug") in (None, row.slug):
        return str(row.slug)
    return await available_slug(
        input.get("slug"), title, slug_taken_by_other_row(model, row.id if row else None, **same)
    )


def _required(input: Input, name: str, row: Any) -> None:
    if (row is None or name in input) and not (input.get(name) or "").strip():
        raise user_error(UserErrorCode.REQUIRED, "It needs a name.", name)


# Sections


async def create_category(context: EditContext, input: Input) -> WriteResult:
    await context.lock_sections(moving=True)
    _required(input, "name", None)
    parent = await _parent(context, input.get("parent"))
    slug = await available_slug(
        input.get("slug"),
        input["name"],
        slug_taken_by_other_row(Category, None, parent_id=parent.id if parent else None),
        120,
    )
    return await _category(context, input, None, parent, slug)


async def update_category(context: EditContext, input: Input) -> WriteResult:
    await context.lock_sections(moving=True)
    row = await references.find_by_reference(context, "category", input["id"], "id", hold=True)
    _required(input, "name", row)
    parent = await parent_of(row)
    slug = row.slug
    if input.get("slug") not in (None, slug):
        taken = slug_taken_by_other_row(Category, row.id, parent_id=row.parent_id)
        slug = await available_slug(input["slug"], "", taken, 120)
    return await _category(context, input, row, parent, slug)


async def _category(
    context: EditContext, input: Input, row: Any, parent: Category | None, slug: str
) -> WriteResult:
    path = derive.path(parent.path if parent else None, slug)
    values = validation.record_values(CategoryRecord, input, "id", "parent", "slug")
    if row is not None:
        await _move(context, row, parent, slug)
    _check_path(path)
    foreign_keys = {"parent_id": parent.id if parent else None, "slug": slug, "depth": path.count("/")}
    own = {"path": path, **values}
    if row is None:
        await PathHistory.filter(path=path).delete()
    row = await save_row(context, CategoryRecord, Category, row, own, foreign_keys=foreign_keys, name="name")
    return WriteResult("category", row.id)


async def _parent(context: EditContext, text: Any) -> Category | None:
    return None if text is None else await references.find_by_reference(context, "category", text, "parent")


async def parent_of(row: Any) -> Category | None:
    return await Category.get(id=row.parent_id) if row.parent_id else None


def _check_path(path: str) -> None:
    if path.count("/") > derive.MAX_SECTION_DEPTH:
        raise user_error(
            UserErrorCode.INVALID, f"Sections lie at most {derive.MAX_SECTION_DEPTH + 1} deep.", "parent"
        )
    if len(path) > 1000:
        raise user_error(UserErrorCode.TOO_LONG, "The path has at most 1,000 characters.", "slug")


async def move_category(context: EditContext, input: Input) -> WriteResult:
    """Under another section, with all below it; old paths lead to the new ones."""
    await context.lock_sections(moving=True)
    row = await references.find_by_reference(context, "category", input["id"], "id", hold=True)
    parent = await _parent(context, input["parent"]) if "parent" in input else await parent_of(row)
    place = validation.position_argument(input)
    if place is not None:
        row.position = place
        await row.save(update_fields=["position"])
    await _move(context, row, parent, row.slug)
    return WriteResult("category", row.id)


async def _move(context: EditContext, row: Category, parent: Category | None, slug: str) -> None:
    path = derive.path(parent.path if parent else None, slug)
    before = row.path
    if path == before:
        return
    if parent is not None and (parent.id == row.id or parent.path.startswith(f"{before}/")):
        raise user_error(UserErrorCode.INVALID, "A section cannot lie below itself.", "parent")
    if await Category.filter(path=path).exclude(id=row.id).exists():
        raise user_error(UserErrorCode.TAKEN, f"There is a section {path!r} already.", "slug")
    below = await Category.filter(path__startswith=f"{before}/").order_by("depth")
    below = [one for one in below if one.path.startswith(f"{before}/")]  # LIKE does not tell case from case
    deepest = max((one.path.count("/") for one in below), default=before.count("/")) - before.count("/")
    _check_path(path + "/x" * deepest)
    moved = [row, *below]
    old = {one.id: one.path for one in moved}
    for one in moved:
        one.path = path + one.path[len(before) :]
        one.depth = one.path.count("/")
    row.parent_id, row.slug = (parent.id if parent else None), slug
    await PathHistory.filter(path__in=[one.path for one in moved]).delete()
    # From the deepest up or from the top down, no two ever have one path: all of them are new.
    for one in moved:
        await one.save(update_fields=["path", "depth", "parent_id", "slug"])
        await PathHistory.filter(path=old[one.id]).delete()
        await PathHistory.create(category_id=one.id, path=old[one.id], until=context.now)
    await rebuild_article_sections([one.id for one in moved])


async def rebuild_article_sections(categories: Sequence[int]) -> None:
    """The section rows of all articles that stand in these, now that other sections lie above them."""
    paths: dict[int, str] = dict(await Category.all().values_list("id", "path"))
    numbers = {path: number for number, path in paths.items()}
    rows = await ArticleSection.filter(category_id__in=categories, direct=True).values_list(
        "article_id", flat=True
    )
    articles = sorted(set(rows))
    for start in range(0, len(articles), _AT_ONCE):
        some = articles[start : start + _AT_ONCE]
        own: dict[int, list[str]] = {}
        at: dict[int, Any] = {}
        found = ArticleSection.filter(article_id__in=some, direct=True).order_by("position")
        for article, category, published in await found.values_list(
            "article_id", "category_id", "published_at"
        ):
            own.setdefault(article, []).append(paths[category])
            at[article] = published
        for article, direct in own.items():
            await replace_rows(
                ArticleSection,
                {"article_id": article},
                [
                    {
                        "category_id": numbers[one.path],
                        "direct": one.direct,
                        "position": one.position,
                        "published_at": at[article],
                    }
                    for one in derive.section_rows(direct)
                ],
            )


async def delete_category(context: EditContext, input: Input) -> WriteResult:
    await context.lock_sections(moving=True)
    row = await references.find_by_reference(context, "category", input["id"], "id", hold=True)
    await require_unused(
        row.path,
        sections=Category.filter(parent_id=row.id),
        articles=ArticleSection.filter(category_id=row.id),
    )
    await row.delete()
    return WriteResult("category", row.id)


async def require_unused(name: str, **users: Any) -> None:
    """Raises Amiss: IN_USE, with what uses it and how many of each."""
    found = {word.replace("_", " "): await rows.count() for word, rows in users.items()}
    said = [f"{count} {word if count > 1 else word[:-1]}" for word, count in found.items() if count]
    if said:
        raise user_error(
            UserErrorCode.IN_USE,
            f"{name!r} is used by {' and '.join(said)}.",
            "id",
            "Take it out of those first.",
        )


# Media


async def create_media(context: EditContext, input: Input) -> WriteResult:
    if known := await Media.filter(url=input["url"]).first():
        number = encode_id("media", known.id)
        raise user_error(
            UserErrorCode.TAKEN, "There is a media file of this address already.", "url", f"It is {number}."
        )
    mime = input.get("mime") or references.guess_media_type(input["url"])
    if mime is None:
        raise user_error(
            UserErrorCode.REQUIRED,
            "Its media type cannot be told from the address.",
            "mime",
            "As in image/jpeg.",
        )
    return await _media(context, {**input, "mime": mime}, None)


async def update_media(context: EditContext, input: Input) -> WriteResult:
    return await _media(context, input, await context.get_row("media", input["id"], hold=True))


async def _media(context: EditContext, input: Input, row: Any) -> WriteResult:
    values = validation.record_values(MediaRecord, input, "id")
    for name in ("url", "mime"):
        if name in values and values[name] is None:
            raise user_error(UserErrorCode.REQUIRED, "It is missing.", name)
    mime = values.get("mime", row.mime if row else "").strip()
    if _RUNS.match(mime):
        raise user_error(
            UserErrorCode.UNSAFE_CONTENT,
            f"Files of the type {mime[:60]} can run code.",
            "mime",
            "Use PNG, JPEG or WebP.",
        )
    if not _MIME.fullmatch(mime):
        raise user_error(UserErrorCode.INVALID, "That is no media type.", "mime", "As in image/jpeg.")
    values["mime"] = mime
    row = await save_row(
        context, MediaRecord, Media, row, values, foreign_keys={}, made={"created_at": context.now}
    )
    return WriteResult("media", row.id)


async def delete_media(context: EditContext, input: Input) -> WriteResult:
    row = await context.get_row("media", input["id"], hold=True)
    placed = ArticleMedia.filter(media_id=row.id)
    await require_unused(
        encode_id("media", row.id),
        articles=placed,
        lead_pictures=Article.filter(lead_media_id=row.id),
        attributions=Attribution.filter(media_id=row.id),
        authors=Author.filter(image_id=row.id),
        collections=CollectionItem.filter(media_id=row.id),
    )
    await row.delete()
    return WriteResult("media", row.id)


# Sources


async def create_source(context: EditContext, input: Input) -> WriteResult:
    return await _source(context, input, None)


async def update_source(context: EditContext, input: Input) -> WriteResult:
    return await _source(
        context, input, await references.find_by_reference(context, "source", input["id"], "id", hold=True)
    )


async def _source(context: EditContext, input: Input, row: Any) -> WriteResult:
    _required(input, "name", row)
    slug = await _slug(input, row, Source, input.get("name", ""))
    foreign_keys = {}
    if "parent" in input:
        parent = (
            None
            if input["parent"] is None
            else await references.find_by_reference(context, "source", input["parent"], "parent")
        )
        await require_no_cycle(Source, "parent_id", row, parent, "parent")
        foreign_keys = {"parent_id": parent.id if parent else None}
    values = {**validation.record_values(SourceRecord, input, "id", "parent", "slug"), "slug": slug}
    row = await save_row(context, SourceRecord, Source, row, values, foreign_keys=foreign_keys, name="name")
    return WriteResult("source", row.id)


async def require_no_cycle(model: type[Model], column: str, row: Any, above: Any, field: str) -> None:
    seen = 0
    while row is not None and above is not None and seen < 100:
        if above.id == row.id:
            raise user_error(UserErrorCode.INVALID, "It would lie below itself.", field)
        number = getattr(above, column)
        above = await model.get_or_none(id=number) if number else None
        seen += 1


async def merge_sources(context: EditContext, input: Input) -> WriteResult:
    """One source of several: what was ascribed to the others is ascribed to it; their names become its."""
    errors = ErrorCollector()
    into = await errors.run(references.find_by_reference(context, "source", input["into"], "into", hold=True))
    others = [
        await errors.run(references.find_by_reference(context, "source", one, f"sources.{n}"))
        for n, one in enumerate(input["sources"])
    ]
    errors.raise_if_any()
    if not others:
        raise user_error(UserErrorCode.REQUIRED, "Say which sources go into it.", "sources")
    numbers = sorted({one.id for one in others})
    if into.id in numbers:
        raise user_error(UserErrorCode.INVALID, "A source does not go into itself.", "sources")
    if any(one.described_as for one in (into, *others)):
        raise user_error(
            UserErrorCode.INVALID, "Unnamed sources are not one and the same: they are not merged.", "sources"
        )
    await require_mergeable(into.id, numbers)
    await Attribution.filter(source_id__in=numbers).update(source_id=into.id)
    await Attribution.filter(origin_id__in=numbers).update(origin_id=into.id)
    await Source.filter(parent_id__in=numbers).exclude(id=into.id).update(parent_id=into.id)
    if into.parent_id in numbers:
        into.parent_id = None
    names = [name for one in others for name in (one.name, *one.aliases)]
    into.aliases = [name for name in dict.fromkeys([*into.aliases, *names]) if name != into.name]
    await into.save()
    await Source.filter(id__in=numbers).delete()
    return WriteResult("source", into.id)


async def require_mergeable(into: int, others: Sequence[int]) -> None:
    """Merging must not make a chain that comes back to itself."""
    rows: Any = Attribution.filter(source_id__in=[into, *others]).values_list("head_id", flat=True)
    twice = [head for head, count in Counter(await rows).items() if count > 1]
    if twice:
        row = await Attribution.get(id=twice[0])
        name = encode_id("attribution", row.working_of or row.id)
        raise user_error(
            UserErrorCode.INVALID_ATTRIBUTION_CHAIN,
            f"Two of them stand in one chain: {name}.",
            "sources",
            "Mend that attribution first.",
        )


async def delete_source(context: EditContext, input: Input) -> WriteResult:
    row = await references.find_by_reference(context, "source", input["id"], "id", hold=True)
    await require_unused(
        row.slug,
        attributions=Attribution.filter(source_id=row.id),
        sources=Source.filter(parent_id=row.id),
    )
    await row.delete()
    return WriteResult("source", row.id)


# Tags


async def create_tag(context: EditContext, input: Input) -> WriteResult:
    return await _tag(context, input, None)


async def update_tag(context: EditContext, input: Input) -> WriteResult:
    return await _tag(context, input, await references.find_tag(context, input["id"], "id"))


async def _tag(context: EditContext, input: Input, row: Any) -> WriteResult:
    _required(input, "name", row)
    kind = row.type if row else input["type"]
    slug = await _slug(input, row, Tag, input.get("name", ""), type=kind)
    foreign_keys = {}
    if "broader" in input:
        broader = (
            None
            if input["broader"] is None
            else await references.find_tag(context, input["broader"], "broader")
        )
        await require_no_cycle(Tag, "broader_id", row, broader, "broader")
        foreign_keys = {"broader_id": broader.id if broader else None}
    values = {**validation.record_values(TagRecord, input, "id", "broader", "slug"), "slug": slug}
    wikidata = values.get("wikidata")
    others = Tag.filter(wikidata=wikidata).exclude(id=row.id if row else 0)
    if wikidata and (other := await others.first()):
        raise user_error(
            UserErrorCode.TAKEN,
            f"Another tag stands for {wikidata}.",
            "wikidata",
            f"It is {other.type.value}:{other.slug}.",
        )
    row = await save_row(context, TagRecord, Tag, row, values, foreign_keys=foreign_keys, name="name")
    return WriteResult("tag", row.id)


async def delete_tag(context: EditContext, input: Input) -> WriteResult:
    row = await references.find_tag(context, input["id"], "id")
    await require_unused(
        f"{row.type.value}:{row.slug}",
        articles=ArticleTag.filter(tag_id=row.id),
        tags=Tag.filter(broader_id=row.id),
    )
    await row.delete()
    return WriteResult("tag", row.id)


# Authors and stories


async def create_author(context: EditContext, input: Input) -> WriteResult:
    return await _author(context, input, None)


async def update_author(context: EditContext, input: Input) -> WriteResult:
    return await _author(
        context, input, await references.find_by_reference(context, "author", input["id"], "id", hold=True)
    )


async def _author(context: EditContext, input: Input, row: Any) -> WriteResult:
    _required(input, "name", row)
    slug = await _slug(input, row, Author, input.get("name", ""))
    values = {**validation.record_values(AuthorRecord, input, "id", "image", "slug"), "slug": slug}
    foreign_keys = {}
    if "image" in input:
        image = (
            None
            if input["image"] is None
            else await references.find_media_id(context, input["image"], "image")
        )
        foreign_keys = {"image_id": image}
    row = await save_row(context, AuthorRecord, Author, row, values, foreign_keys=foreign_keys, name="name")
    return WriteResult("author", row.id)


async def delete_author(context: EditContext, input: Input) -> WriteResult:
    row = await references.find_by_reference(context, "author", input["id"], "id", hold=True)
    await require_unused(row.slug, articles=ArticleAuthor.filter(author_id=row.id))
    await row.delete()
    return WriteResult("author", row.id)


async def create_story(context: EditContext, input: Input) -> WriteResult:
    return await _story(context, input, None)


async def update_story(context: EditContext, input: Input) -> WriteResult:
    return await _story(
        context, input, await references.find_by_reference(context, "story", input["id"], "id", hold=True)
    )


async def _story(context: EditContext, input: Input, row: Any) -> WriteResult:
    _required(input, "title", row)
    slug = await _slug(input, row, Story, input.get("title", ""))
    values = {**validation.record_values(StoryRecord, input, "id", "slug"), "slug": slug}
    row = await save_row(context, StoryRecord, Story, row, values, foreign_keys={}, name="title")
    return WriteResult("story", row.id)


async def delete_story(context: EditContext, input: Input) -> WriteResult:
    row = await references.find_by_reference(context, "story", input["id"], "id", hold=True)
    await require_unused(row.slug, articles=Article.filter(story_id=row.id))
    await row.delete()
    return WriteResult("story", row.id)


# Collections


async def create_collection(context: EditContext, input: Input) -> WriteResult:
    return await _collection(context, input, None)


async def update_collection(context: EditContext, input: Input) -> WriteResult:
    return await _collection(
        context,
        input,
        await references.find_by_reference(context, "collection", input["id"], "id", hold=True),
    )


async def _collection(context: EditContext, input: Input, row: Any) -> WriteResult:
    _required(input, "title", row)
    slug = await _slug(input, row, Collection, input.get("title", ""))
    most = input.get("maxItems", row.max_items if row else None)
    if most is not None and not 1 <= most < 1 << 15:
        raise user_error(UserErrorCode.INVALID, "It holds 1 to 32,767 articles.", "maxItems")
    title = input.get("title", row.title if row else "")
    story = validation.build_record(
        StoryRecord, {"slug": slug, "title": title, "description": None}
    )  # the same rules
    values = {
        "slug": story.slug,
        "title": story.title,
        "sort_name": derive.sort_name(story.title),
        "description": input.get("description", row.description if row else None),
        "max_items": most,
    }
    if row is None:
        row = await Collection.create(id=new_id(), **values)
    else:
        await row.update_from_dict(values).save()
    if input.get("items") is None and most is not None:
        count = await CollectionItem.filter(collection_id=row.id).count()
        if count > most:
            raise user_error(
                UserErrorCode.TOO_LONG,
                f"It has {count} articles by now.",
                "maxItems",
                "Send with it the `items` that stay.",
            )
    if input.get("items") is not None:
        await _items(context, row, input["items"])
    return WriteResult("collection", row.id)


async def _items(context: EditContext, row: Collection, said: Sequence[Mapping[str, Any]]) -> None:
    errors = ErrorCollector()
    items: list[dict[str, Any]] = []
    for n, one in enumerate(said):
        where = f"items.{n}"
        article = await errors.run(references.find_article(context, one["article"], f"{where}.article"))
        media = one.get("media")
        number = (
            None
            if media is None
            else await errors.run(references.find_media_id(context, media, f"{where}.media"))
        )
        if article is None:
            continue
        if any(known["article_id"] == article.id for known in items):
            errors.add(UserErrorCode.TAKEN, "This article stands in the list already.", f"{where}.article")
            continue
        values = {
            "article": article.uri,
            "pinned_until": one.get("pinnedUntil"),
            "headline": one.get("headline"),
            "media": number,
        }
        with errors.collecting(where):
            shaped = validation.build_record(CollectionItemRecord, values)
            items.append(
                {
                    **record_columns(shaped, CollectionItem),
                    "article_id": article.id,
                    "media_id": number,
                    "position": n,
                }
            )
    errors.raise_if_any()
    if row.max_items is not None and len(items) > row.max_items:
        raise user_error(UserErrorCode.TOO_LONG, f"It holds at most {row.max_items} articles.", "items")
    await replace_rows(CollectionItem, {"collection_id": row.id}, items)


async def pin_article(context: EditContext, input: Input) -> WriteResult:
    """At its place in the collection, until then; the others close up behind it."""
    row = await references.find_by_reference(context, "collection", input["id"], "id", hold=True)
    article = await references.find_article(context, input["article"], "article")
    until = input.get("until")
    if until is not None and until <= context.now:
        raise user_error(UserErrorCode.INVALID_TIME, "That moment has passed.", "until")
    known = await CollectionItem.filter(collection_id=row.id).order_by("position", "id")
    mine = next((one for one in known if one.article_id == article.id), None)  # type: ignore[attr-defined]
    others = [one for one in known if one is not mine]
    items: list[Any] = list(others)
    mine = mine or CollectionItem(collection_id=row.id, article_id=article.id)
    mine.pinned_until = until  # type: ignore[assignment]
    items.insert(validation.position_argument(input) or 0, mine)
    if row.max_items is not None:
        items = items[: row.max_items]
    rows = [
        {
            "article_id": one.article_id,
            "media_id": one.media_id,
            "headline": one.headline,
            "pinned_until": one.pinned_until,
            "position": n,
        }
        for n, one in enumerate(items)
    ]
    await replace_rows(CollectionItem, {"collection_id": row.id}, rows)
    return WriteResult("collection", row.id)


async def delete_collection(context: EditContext, input: Input) -> WriteResult:
    row = await references.find_by_reference(context, "collection", input["id"], "id", hold=True)
    await row.delete()
    return WriteResult("collection", row.id)
