"""The demo newsroom of `contentql serve --demo`."""

from __future__ import annotations

from tortoise.transactions import in_transaction

from contentql.cli.runtime import stderr
from contentql.fixtures import DEMO_CONTENT
from contentql.fixtures.demo_media import DEMO_MEDIA_PATH, demo_media_name
from contentql.importing.importer import import_file
from contentql.store.database import Database
from contentql.store.models.taxonomy import Media


async def load_demo(database: Database, base_url: str) -> None:
    """Imports the demo newsroom once. The URLs of its pictures become those of the server at `base_url`, at
    each start, because host and port may be others than before."""
    async with database.orm() as connection:
        # Collections are imported last: if there are any, the import was completed.
        rows = await connection.execute_query_dict("SELECT count(*) AS n FROM collection")
    if rows[0]["n"] == 0:
        stderr.print("Loading the demo newsroom …")
        report = await import_file(database, DEMO_CONTENT)
        stderr.print(f"  {report}", markup=False)
    async with database.orm(), in_transaction():
        for media in await Media.all():
            url = _served_url(media.url, base_url)
            renditions = [{**item, "url": _served_url(item["url"], base_url)} for item in media.renditions]
            if (url, renditions) != (media.url, media.renditions):
                await Media.filter(id=media.id).update(url=url, renditions=renditions)


def _served_url(url: str, base_url: str) -> str:
    """The URL of a picture of the demo newsroom at `base_url`; any other URL as it is."""
    name = demo_media_name(url)
    return f"{base_url}{DEMO_MEDIA_PATH}{name}" if name else url
