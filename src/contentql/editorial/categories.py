"""Categories (sections): create, update, move, delete."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contentql.content import derive
from contentql.content.records import (
    CategoryRecord,
)
from contentql.editorial import references, trash, validation
from contentql.editorial.context import EditContext, Input, WriteResult
from contentql.editorial.rows import require_unused, required, save_row
from contentql.editorial.slugs import available_slug, slug_taken_by_other_row
from contentql.editorial.user_errors import UserErrorCode, user_error
from contentql.store.article_writer import replace_rows
from contentql.store.models.articles import ArticleSection
from contentql.store.models.taxonomy import Category, PathHistory

# Media types that a browser may execute when it opens the file by itself.


_AT_ONCE = 500  # articles per batch when section rows are rewritten


async def create_category(context: EditContext, input: Input) -> WriteResult:
    await context.lock_sections(moving=True)
    required(input, "name", None)
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
    required(input, "name", row)
    parent = await parent_of(row)
    slug = row.slug
    if input.get("slug") not in (None, slug):
        used = slug_taken_by_other_row(Category, row.id, parent_id=row.parent_id)
        slug = await available_slug(input["slug"], "", used, 120)
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
            UserErrorCode.INVALID,
            f"Sections must be nested at most {derive.MAX_SECTION_DEPTH + 1} levels deep.",
            "parent",
        )
    if len(path) > 1000:
        raise user_error(
            UserErrorCode.TOO_LONG, "The path of the section must have at most 1,000 characters.", "slug"
        )


async def move_category(context: EditContext, input: Input) -> WriteResult:
    """Moves a section and its descendants below another one; the old paths redirect."""
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
        raise user_error(UserErrorCode.INVALID, "A section cannot be its own ancestor.", "parent")
    if await Category.filter(path=path).exclude(id=row.id).exists():
        raise user_error(
            UserErrorCode.TAKEN,
            f"The path {path!r} belongs to another section.",
            "slug",
            "Send another slug or parent.",
        )
    below = await Category.filter(path__startswith=f"{before}/").order_by("depth")
    below = [one for one in below if one.path.startswith(f"{before}/")]  # SQLite's LIKE ignores case
    deepest = max((one.path.count("/") for one in below), default=before.count("/")) - before.count("/")
    _check_path(path + "/x" * deepest)
    moved = [row, *below]
    old = {one.id: one.path for one in moved}
    for one in moved:
        one.path = path + one.path[len(before) :]
        one.depth = one.path.count("/")
    row.parent_id, row.slug = (parent.id if parent else None), slug
    await PathHistory.filter(path__in=[one.path for one in moved]).delete()
    # None of the new paths exists yet, so the unique index holds in any order of saving.
    for one in moved:
        await one.save(update_fields=["path", "depth", "parent_id", "slug"])
        await PathHistory.filter(path=old[one.id]).delete()
        await PathHistory.create(category_id=one.id, path=old[one.id], until=context.now)
    await rebuild_article_sections([one.id for one in moved])


async def rebuild_article_sections(categories: Sequence[int]) -> None:
    """Rebuilds the section rows of all articles in the categories, after their ancestors have changed."""
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
        row = ArticleSection.filter(article_id__in=some, direct=True).order_by("position")
        for article, category, published in await row.values_list(
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
        articles=ArticleSection.filter(category_id=row.id, **trash.OF_LIVE_ARTICLE),
    )
    await trash.release_section(row.id)
    await row.delete()
    return WriteResult("category", row.id)
