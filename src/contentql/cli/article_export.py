"""`contentql export --format`: articles in the formats of other systems.

The articles are read as the public reads them, through the GraphQL field `articles`.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, Final

import orjson
import typer

from contentql.app import build_executor
from contentql.auth.permissions import ROLE_PERMISSIONS, Role
from contentql.auth.viewer import ANONYMOUS, Actor, Viewer
from contentql.cli.output_files import replace_file
from contentql.cli.runtime import (
    exit_after_broken_pipe,
    exit_with_error,
    publish_due_changes,
    require_migrated,
    run_async,
    show_progress,
    stderr,
)
from contentql.content.ids import decode_id
from contentql.errors import OperatorError
from contentql.execution.executor import Executor
from contentql.execution.json_ld import publisher
from contentql.execution.request import GraphQLRequest
from contentql.formats.article_document import ARTICLE_FIELDS, ArticleDocument, FeedInfo
from contentql.formats.feeds.sitemap import NEWS_AGE
from contentql.formats.registry import Writer
from contentql.settings import Settings, load_settings
from contentql.store.clock import DatabaseClock
from contentql.store.database import Database, decode_text

_QUERY: Final = (
    """query Export($filter: ArticleFilter, $order: [ArticleOrder!], $after: String) {
  articles(filter: $filter, orderBy: $order, first: 50, after: $after) {
    nodes { ...ArticleDocument }
    pageInfo { hasNextPage endCursor }
  }
}"""
    + ARTICLE_FIELDS
)
_LAST_CHANGE: Final = """query LastChange($filter: ArticleFilter) {
  articles(filter: $filter, orderBy: [UPDATED_AT_DESC], first: 1) { nodes { updatedAt publishedAt } }
}"""
_NO_LIMIT: Final = 1_000_000_000  # of the cost: an export reads every part of an article
_TIMEOUT: Final = 120.0  # seconds for a page
_EDITOR: Final = Actor(
    Viewer("export", Role.EDITOR, "export", ROLE_PERMISSIONS[Role.EDITOR]), "127.0.0.1", "contentql export"
)
_MAX_NAME_BYTES: Final = 200


def export_articles(
    writer: Writer,
    output: Path | None,
    filter: str | None,
    order: str | None,
    *,
    drafts: bool,
    database: str | None,
) -> None:
    """Writes the articles of a filter to a file, a folder or standard output, and reports their number."""
    variables = {"filter": _parse_filter(filter), "order": order.upper().split(",") if order else None}
    try:
        settings = load_settings(database_url=database)
        with _open_target(writer, output) as target:
            count = run_async(_export(settings, writer, variables, target, _EDITOR if drafts else ANONYMOUS))
    except BrokenPipeError:
        raise exit_after_broken_pipe() from None
    except OperatorError as exc:
        raise exit_with_error(exc) from None
    stderr.print(f"{count:,} articles written{f' to {output}' if output else ''}.", markup=False)


def _parse_filter(text: str | None) -> dict[str, Any] | None:
    try:
        value = orjson.loads(text) if text else None
    except orjson.JSONDecodeError:
        raise typer.BadParameter(
            'is no JSON; write for example {"category": {"under": "world"}}', param_hint="--filter"
        ) from None
    if value is not None and not isinstance(value, dict):
        raise typer.BadParameter("must be a JSON object", param_hint="--filter")
    return value


# Called with the articles; writes them and returns nothing.
Target = Callable[[Iterable[ArticleDocument], FeedInfo], None]


async def _export(
    settings: Settings, writer: Writer, variables: Mapping[str, Any], target: Target, actor: Actor
) -> int:
    database = Database(settings.database_url)
    await require_migrated(database)
    await publish_due_changes(settings.database_url)
    async with database:
        clock = DatabaseClock(database)
        await clock.sync()
        now = clock.now()
        reader = _ArticleReader(_executor(settings, database, now), actor)
        if writer.name == "news-sitemap":
            since = {"publishedAt": {"gte": (now - NEWS_AGE).isoformat()}}
            variables = {**variables, "filter": {"and": [variables["filter"] or {}, since]}}
        with show_progress("Writing") as count:
            await reader.write(variables, _feed_info(settings), target, count)
    return reader.count


def _executor(settings: Settings, database: Database, now: dt.datetime) -> Executor:
    unlimited = settings.model_copy(
        update={
            "max_query_cost": _NO_LIMIT,
            "operation_timeout_seconds": _TIMEOUT,
            "response_cache_bytes": 0,
        }
    )
    return build_executor(unlimited, database, lambda: now)


def _feed_info(settings: Settings) -> FeedInfo:
    site = settings.site
    return replace(
        publisher(site),
        title=site.name or "Articles",
        home_url=site.base_url,
        language=next(iter(site.languages), ""),
        with_sources=settings.feed_sources,
    )


class _ArticleReader:
    """Reads articles page by page; `count` is their number so far."""

    def __init__(self, executor: Executor, actor: Actor) -> None:
        self.count = 0
        self._executor, self._actor = executor, actor

    async def write(
        self, variables: Mapping[str, Any], feed: FeedInfo, target: Target, progress: Callable[[], None]
    ) -> None:
        """Passes the articles to the target, which runs in a thread and gets each page when it needs it."""
        latest = (await self._query(_LAST_CHANGE, {"filter": variables["filter"]}))["articles"]["nodes"]
        times = [dt.datetime.fromisoformat(at) for at in latest[0].values() if at] if latest else []
        feed = replace(feed, updated=max(times, default=dt.datetime.fromtimestamp(0, dt.UTC)))
        first_page = await self._page(variables, None)  # before anything is written
        loop = asyncio.get_running_loop()

        def articles() -> Iterator[ArticleDocument]:
            page = first_page
            while True:
                for article in page["nodes"]:
                    self.count += 1
                    progress()
                    yield article
                if not page["pageInfo"]["hasNextPage"]:
                    return
                next_page = self._page(variables, page["pageInfo"]["endCursor"])
                page = asyncio.run_coroutine_threadsafe(next_page, loop).result()

        await asyncio.to_thread(target, articles(), feed)

    async def _page(self, variables: Mapping[str, Any], after: str | None) -> Any:
        page = (await self._query(_QUERY, {**variables, "after": after}))["articles"]
        extras = await self._extras([article["id"] for article in page["nodes"]])
        for article in page["nodes"]:
            article["extra"] = extras.get(article["id"]) or {}
        return page

    async def _extras(self, ids: list[str]) -> dict[str, Any]:
        """What imports could not store, by the ids of the articles."""
        numbers = {decoded[1]: id for id in ids if (decoded := decode_id(id))}
        if not numbers:
            return {}
        listed = ", ".join(str(int(number)) for number in numbers)
        rows = await self._executor.database.rows(f"SELECT id, extra FROM article WHERE id IN ({listed})")
        return {numbers[number]: _json(extra) for number, extra in rows}

    async def _query(self, query: str, variables: Mapping[str, Any]) -> Any:
        """The data of a query. Raises OperatorError with the first error."""
        request = GraphQLRequest(query, variables=variables, queries_only=True)
        response = orjson.loads((await self._executor.execute(request, actor=self._actor)).body)
        if errors := response.get("errors"):
            hint = errors[0]["extensions"].get("hint", "")
            raise OperatorError(f"The articles cannot be read: {errors[0]['message']} {hint}".strip())
        return response["data"]


def _json(value: Any) -> Any:
    value = decode_text(value)
    return orjson.loads(value) if isinstance(value, str) else value


# Targets


@contextlib.contextmanager
def _open_target(writer: Writer, output: Path | None) -> Iterator[Target]:
    """Opens the target of an export: standard output, a file, a folder or a ZIP archive."""
    if output is None:
        if writer.file_suffix:
            yield lambda articles, feed: _write_single(writer, articles, feed)
        else:
            yield lambda articles, feed: sys.stdout.buffer.writelines(writer.write(articles, feed))
        sys.stdout.buffer.flush()
    elif writer.file_suffix and output.suffix.lower() == ".zip":
        with replace_file(output) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            yield lambda articles, feed: _write_each(writer, articles, feed, archive.writestr)
    elif writer.file_suffix:
        yield lambda articles, feed: _write_folder(writer, articles, feed, output)
    else:
        with replace_file(output) as file:
            yield _to_file(writer, file)


def _to_file(writer: Writer, file: IO[bytes]) -> Target:
    return lambda articles, feed: file.writelines(writer.write(articles, feed))


def _write_single(writer: Writer, articles: Iterable[ArticleDocument], feed: FeedInfo) -> None:
    first = list(_head(articles, 2))
    if len(first) > 1:
        raise OperatorError(
            f"{writer.name} has one file for each article, and there are several. Name a folder or a .zip"
            " file with --output, or select one article with --filter."
        )
    sys.stdout.buffer.writelines(writer.write(first, feed))


def _head(articles: Iterable[ArticleDocument], number: int) -> Iterator[ArticleDocument]:
    for index, article in enumerate(articles, 1):
        yield article
        if index == number:
            return


def _write_folder(writer: Writer, articles: Iterable[ArticleDocument], feed: FeedInfo, folder: Path) -> None:
    def write(name: str, content: bytes) -> None:
        with replace_file(folder / name) as file:
            file.write(content)

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise OperatorError(f"{folder} cannot be written: {exc.strerror or exc}.") from None
    _write_each(writer, articles, feed, write)


def _write_each(
    writer: Writer,
    articles: Iterable[ArticleDocument],
    feed: FeedInfo,
    write: Callable[[str, bytes], None],
) -> None:
    """Writes a file for each article, named by its slug, and its id if another article has the slug."""
    names: set[str] = set()
    for article in articles:
        name = article["slug"].encode()[:_MAX_NAME_BYTES].decode(errors="ignore").strip(". ")
        # Some file systems make no difference between upper and lower case.
        if not name or name.casefold() in names:
            name = f"{name}-{article['id']}".lstrip("-")
        names.add(name.casefold())
        write(f"{name}{writer.file_suffix}", b"".join(writer.write([article], feed)))
