"""What the database knows of the items of an import, read for some hundred items at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from contentql.store.models.articles import Article
from contentql.store.models.taxonomy import ExternalId

_AT_ONCE = 500  # values in one statement


class StoredSource(NamedTuple):
    """An imported article, and what the last import knew of it; None if it knew nothing."""

    article_id: int
    content_hash: str | None
    source_version: int | None
    source_modified_at: dt.datetime | None


async def find_articles_by_external_ids(
    keys: Collection[tuple[str, str]],
) -> dict[tuple[str, str], StoredSource]:
    """Finds articles by external ids, each a system and a value. Those that do not exist are missing."""
    values_by_system: dict[str, list[str]] = {}
    for system, value in dict.fromkeys(keys):
        values_by_system.setdefault(system, []).append(value)
    found: dict[tuple[str, str], StoredSource] = {}
    for system, values in values_by_system.items():
        for part in _parts(values):
            rows = await ExternalId.filter(system=system, value__in=part).values_list(
                "value", "article_id", "content_hash", "source_version", "source_modified_at"
            )
            found |= {(system, value): StoredSource(*columns) for value, *columns in rows}
    return found


async def find_taken_slugs(keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Finds the articles that have one of these slugs, each a language and a slug, by both.

    Deleted articles and working copies have no claim to their slugs.
    """
    wanted = set(keys)
    taken: dict[tuple[str, str], int] = {}
    for part in _parts(sorted({slug for _, slug in wanted})):
        rows: Any = Article.filter(slug__in=part, working_of=0, deleted_at=None)
        for language, slug, id in await rows.values_list("language", "slug", "id"):
            if (language, slug) in wanted:
                taken[language, slug] = id
    return taken


async def find_articles_by_ids(ids: Collection[int]) -> set[int]:
    """Finds which of these ids are those of articles."""
    found: set[int] = set()
    for part in _parts(sorted(ids)):
        rows: Any = Article.filter(id__in=part, working_of=0)
        found |= set(await rows.values_list("id", flat=True))
    return found


async def find_articles_by_uris(uris: Collection[str]) -> dict[str, int]:
    """Finds the articles with these URIs, by URI."""
    found: dict[str, int] = {}
    for part in _parts(sorted(uris)):
        rows: Any = Article.filter(uri__in=part, working_of=0)
        found |= dict(await rows.values_list("uri", "id"))
    return found


async def save_source_states(connection: Any, states: Mapping[tuple[str, str], Mapping[str, Any]]) -> None:
    """Writes what an import knows of articles, by their external ids: the columns of StoredSource."""
    for (system, value), columns in states.items():
        await ExternalId.filter(system=system, value=value).using_db(connection).update(**columns)


def _parts(values: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]
