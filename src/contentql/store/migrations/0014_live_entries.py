"""Entries of live blogs as rows of their own, moved out of the bodies of articles."""

from dataclasses import replace
from typing import Any

from contentql.content import blocks, derive, render
from contentql.content.entries import complete_entries, count_uses, entry_columns
from contentql.content.ids import new_id
from contentql.content.render_markdown import render_markdown
from contentql.content.search_terms import search_terms
from contentql.store.article_log_triggers import sqlite_live_entry_statements
from contentql.store.ddl import ChangeTriggers, DialectSql
from contentql.store.models.fields import TimestampField
from contentql.store.search_index import (
    CREATE_ENTRIES_POSTGRES,
    CREATE_ENTRIES_SQLITE,
    write_entry_rows,
    write_search_row,
)
from orjson import dumps, loads
from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise.migrations import operations as ops

SUMMARY = ("kicker", "short_headline", "summary", "lede", "byline")


def to(model: str, on_delete: OnDelete, **options: Any) -> Any:
    return fields.ForeignKeyField(
        f"content.{model}",
        source_field=f"{'entry' if model == 'LiveEntry' else model.lower()}_id",
        **options,
        db_constraint=True,
        to_field="id",
        related_name=False,
        on_delete=on_delete,
    )


def time(**options: Any) -> Any:
    return TimestampField(auto_now=False, auto_now_add=False, **options)


def number() -> Any:
    return ("id", fields.BigIntField(primary_key=True, default=new_id, unique=True, db_index=True))


def json(**options: Any) -> Any:
    return fields.JSONField(encoder=JSON_DUMPS, decoder=loads, **options)


def text(null: bool = False) -> Any:
    return fields.TextField(null=null, unique=False)


def options(table: str, description: str, *unique: tuple[str, ...]) -> dict[str, Any]:
    return {
        "table": table,
        "app": "content",
        "unique_together": unique,
        "pk_attr": "id",
        "table_description": description,
    }


class Client:
    """The database's connection, with `?` for the values of statements."""

    def __init__(self, editor: Any) -> None:
        self.client = editor.client
        self.postgres = self.client.capabilities.dialect == "postgres"

    def _sql(self, sql: str) -> str:
        first, *rest = sql.split("?")
        return first + "".join(f"${n}{part}" for n, part in enumerate(rest, 1)) if self.postgres else sql

    async def run(self, sql: str, *values: Any) -> None:
        await self.client.execute_query(self._sql(sql), list(values))

    async def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in await self.client.execute_query_dict(self._sql(sql), list(values))]

    async def insert(self, table: str, values: dict[str, Any]) -> None:
        marks = ", ".join("?" * len(values))
        encoded = [dumps(one).decode() if isinstance(one, dict | list) else one for one in values.values()]
        await self.run(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", *encoded)


async def move_entries(apps: Any, editor: Any) -> None:
    """Moves the entries in the bodies of articles to rows.

    The entries of a working copy that its article does not have become removed ones, because adding them
    would publish them. Revisions stay as they are.
    """
    client = Client(editor)
    bodies = await client.rows(
        "SELECT b.article_id AS id FROM article_body b JOIN article a ON a.id = b.article_id"
        " WHERE cast(b.blocks AS text) LIKE '%LIVE_ENTRY%' ORDER BY a.working_of, a.id"
    )
    for row in bodies:
        await _move(client, row["id"])


async def _move(client: Client, number: int) -> None:
    (row,) = await client.rows(
        f"SELECT a.id, a.working_of, a.headline, {', '.join(f'a.{column}' for column in SUMMARY)}, a.language,"
        " a.modified_at, b.blocks FROM article a JOIN article_body b ON b.article_id = a.id WHERE a.id = ?",
        number,
    )
    stored = row["blocks"]
    body = blocks.load_blocks(loads(stored) if isinstance(stored, str) else stored)
    entries = blocks.live_entries(complete_entries(derive.assign_block_ids(body)))
    if not entries:
        return
    own = blocks.own_blocks(body)
    article = row["working_of"] or row["id"]
    existing = {
        one["block_id"]
        for one in await client.rows("SELECT block_id FROM live_entry WHERE article_id = ?", article)
    }
    about = [row[column] for column in SUMMARY]
    plain = render.plain_text(own)
    size = derive.measure_text(plain)
    await client.run(
        "UPDATE article_body SET blocks = ?, html = ?, markdown = ?, text = ? WHERE article_id = ?",
        dumps(blocks.dump_blocks(own)).decode(),
        render.render_html(own),
        render_markdown(own),
        plain,
        number,
    )
    await client.run(
        "UPDATE article SET word_count = ?, reading_minutes = ? WHERE id = ?",
        size.words,
        size.minutes,
        number,
    )
    terms = search_terms(row["headline"], about, plain, row["language"], await _named(client, number))
    await write_search_row(client.client, number, terms)
    added = [entry for entry in entries if entry.id not in existing]
    indexed = {}
    for entry in added:
        at = row["modified_at"]
        columns = entry_columns(entry)
        if not client.postgres:
            columns["at"] = entry.model_dump(mode="json")["at"]
        removed = at if row["working_of"] else None
        times = {"created_at": at, "changed_at": at, "removed_at": removed}
        await client.insert("live_entry", {"id": entry.entry, "article_id": article, **columns, **times})
        if not removed:
            words = search_terms("", (), blocks.block_text(entry), row["language"])
            indexed[entry.entry or 0] = replace(terms, body=words.body, language=words.language)
    await write_entry_rows(client.client, article, indexed)
    for (column, used), count in count_uses([] if row["working_of"] else added).items():
        values = {"id": new_id(), "article_id": article, column: used, "entries": count}
        await client.insert("live_entry_use", values)


async def _named(client: Client, number: int) -> list[str]:
    authors = await client.rows(
        "SELECT DISTINCT author_id AS id FROM article_author WHERE article_id = ? ORDER BY 1", number
    )
    sources = await client.rows(
        "SELECT DISTINCT source_id AS id FROM attribution WHERE article_id = ? AND source_id IS NOT NULL"
        " AND state IN ('ACCEPTED', 'EDITED') ORDER BY 1",
        number,
    )
    return [*(f"a/{row['id']}" for row in authors), *(f"s/{row['id']}" for row in sources)]


class Migration(migrations.Migration):
    dependencies = [("content", "0013_article_log")]

    operations = [
        ops.CreateModel(
            name="LiveEntry",
            fields=[
                number(),
                ("article", to("Article", OnDelete.CASCADE)),
                ("block_id", fields.CharField(max_length=40)),
                ("at", time()),
                ("position", fields.SmallIntField(db_default=0)),
                ("title", text(null=True)),
                ("key_event", fields.BooleanField(db_default=False)),
                ("summary", fields.BooleanField(db_default=False)),
                ("author", to("Author", OnDelete.SET_NULL, null=True)),
                ("media", to("Media", OnDelete.SET_NULL, null=True)),
                ("block", json()),
                ("blocks", json()),
                ("corrections", json(default=list)),
                *((name, text()) for name in ("html", "markdown", "text")),
                *((f"body_{name}", text()) for name in ("html", "markdown", "text")),
                ("version", fields.IntField(db_default=1)),
                ("created_at", time()),
                ("changed_at", time()),
                ("removed_at", time(null=True)),
            ],
            options=options("live_entry", "Entry of a live blog.", ("article", "block_id")),
            bases=["Model"],
        ),
        ops.CreateModel(
            name="LiveEntryUse",
            fields=[
                number(),
                ("article", to("Article", OnDelete.CASCADE)),
                ("author", to("Author", OnDelete.CASCADE, null=True)),
                ("media", to("Media", OnDelete.CASCADE, null=True)),
                ("entries", fields.IntField()),
            ],
            options=options(
                "live_entry_use",
                "Author or media file that entries of an article use, with the number of these entries.",
                ("article", "author"),
                ("article", "media"),
            ),
            bases=["Model"],
        ),
        ops.CreateModel(
            name="LiveEntryVersion",
            fields=[
                number(),
                ("entry", to("LiveEntry", OnDelete.CASCADE)),
                ("version", fields.IntField()),
                ("at", time()),
                ("account", fields.CharField(max_length=200)),
                ("by", fields.CharField(max_length=200)),
                ("reason", text(null=True)),
                ("block", json(null=True)),
            ],
            options=options(
                "live_entry_version",
                "Saved state of an entry of a live blog: its block, or null of a removed one.",
                ("entry", "version"),
            ),
            bases=["Model"],
        ),
        DialectSql(
            both=[
                "CREATE INDEX live_entry_order ON live_entry (article_id, position, at, id)"
                " WHERE removed_at IS NULL",
                "CREATE INDEX live_entry_key_events ON live_entry (article_id, position, at, id)"
                " WHERE removed_at IS NULL AND key_event",
                "CREATE INDEX live_entry_changes ON live_entry (article_id, changed_at, id)",
                *(
                    f"CREATE INDEX {table}_{name} ON {table} ({name}_id) WHERE {name}_id IS NOT NULL"
                    for table in ("live_entry", "live_entry_use")
                    for name in ("author", "media")
                ),
            ],
            postgres=CREATE_ENTRIES_POSTGRES,
            sqlite=[*CREATE_ENTRIES_SQLITE, *sqlite_live_entry_statements()],
        ),
        ops.RunPython(move_entries),
        ChangeTriggers("LiveEntry", "LiveEntryUse"),
        # Cached responses may have the entries where they were in the body.
        DialectSql(
            both=["INSERT INTO row_change (table_name, row_id, changed_text_columns) VALUES ('*', 0, '')"]
        ),
    ]
