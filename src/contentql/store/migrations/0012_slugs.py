"""Slugs and paths in Unicode NFC, the form in which they are looked up."""

from typing import Any

from contentql.content.slugs import normalize_slug
from tortoise import migrations
from tortoise.migrations import operations as ops

COLUMNS = (
    ("category", "id", "path"),
    ("category", "id", "slug"),
    ("path_history", "id", "path"),
    ("article", "id", "slug"),
    ("slug_history", "id", "slug"),
    ("withdrawal", "article_id", "slug"),
    ("tag", "id", "slug"),
    ("author", "id", "slug"),
    ("source", "id", "slug"),
    ("story", "id", "slug"),
    ("collection", "id", "slug"),
    ("former_slug", "id", "slug"),
)


async def normalize_slugs(apps: Any, editor: Any) -> None:
    """Writes the slugs and paths that earlier imports stored in NFD in NFC.

    One whose normal form another row has stays as it is: the row is found by its id.
    """
    client = editor.client
    postgres = client.capabilities.dialect == "postgres"
    one, two = ("$1", "$2") if postgres else ("?", "?")
    for table, key, column in COLUMNS:
        size = f"octet_length({column})" if postgres else f"length(cast({column} as blob))"
        select = f"SELECT {key} AS id, {column} AS name FROM {table} WHERE {size} <> length({column})"
        for row in await client.execute_query_dict(select):
            name = normalize_slug(row["name"])
            taken = f"SELECT {key} FROM {table} WHERE {column} = {one}"
            if name == row["name"] or await client.execute_query_dict(taken, [name]):
                continue
            await client.execute_query(
                f"UPDATE {table} SET {column} = {one} WHERE {key} = {two}", [name, row["id"]]
            )


class Migration(migrations.Migration):
    dependencies = [("content", "0011_search")]

    operations = [ops.RunPython(normalize_slugs)]
