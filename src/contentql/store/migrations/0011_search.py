"""Full-text index of words as they stand and of their stems, words of names, sort keys with the original text."""

from typing import Any

from contentql.content.derive import sort_key
from contentql.content.folding import postgres_fold_function
from contentql.content.search_terms import author_term, name_words, search_terms, source_term
from contentql.store.ddl import ChangeTriggers, DialectSql
from contentql.store.search_index import (
    CREATE_POSTGRES,
    CREATE_SQLITE,
    INSERT_POSTGRES,
    INSERT_SQLITE,
    postgres_row,
    sqlite_row,
)
from orjson import loads
from tortoise import fields, migrations
from tortoise.migrations import operations as ops

BATCH_SIZE = 200
NAMES = {
    "category": "name",
    "source": "name",
    "tag": "name",
    "author": "name",
    "story": "title",
    "collection": "title",
}
SUMMARY = ("kicker", "short_headline", "summary", "lede", "byline")


class Client:
    """The database's connection, with `?` for the values of statements."""

    def __init__(self, editor: Any) -> None:
        self.client = editor.client
        self.postgres = self.client.capabilities.dialect == "postgres"

    def _sql(self, sql: str) -> str:
        first, *rest = sql.split("?")
        return first + "".join(f"${n}{text}" for n, text in enumerate(rest, 1)) if self.postgres else sql

    async def run(self, sql: str, *values: Any) -> None:
        await self.client.execute_query(self._sql(sql), list(values))

    async def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = await self.client.execute_query_dict(self._sql(sql), list(values))
        return rows


async def create_fold_function(apps: Any, editor: Any) -> None:
    """Creates `fold_text` on PostgreSQL, with the best collation for lower case that the server has."""
    client = Client(editor)
    if client.postgres:
        names = {row["collname"] for row in await client.rows("SELECT collname FROM pg_collation")}
        collation = next((name for name in ("pg_c_utf8", "und-x-icu", "C.utf8") if name in names), "default")
        await client.client.execute_query(postgres_fold_function(collation))


async def write_name_columns(apps: Any, editor: Any) -> None:
    """Writes the sort keys and the words of all names."""
    client = Client(editor)
    for table, name in NAMES.items():
        for row in await client.rows(f"SELECT * FROM {table}"):
            columns = {"sort_name": sort_key(row[name])}
            if "search_words" in row:
                local_names = [local["name"] for local in loads(row.get("names") or "[]")]
                columns["search_words"] = name_words(
                    [row[name], *local_names, *loads(row.get("aliases") or "[]")]
                )
            assignments = ", ".join(f"{column} = ?" for column in columns)
            await client.run(f"UPDATE {table} SET {assignments} WHERE id = ?", *columns.values(), row["id"])


async def index_articles(apps: Any, editor: Any) -> None:
    """Writes the search row and the sort key of every article."""
    client = Client(editor)
    insert, values_of = (INSERT_POSTGRES, postgres_row) if client.postgres else (INSERT_SQLITE, sqlite_row)
    last = 0
    while rows := await client.rows(
        f"SELECT a.id, a.headline, {', '.join(f'a.{column}' for column in SUMMARY)}, a.language, b.text"
        " FROM article a JOIN article_body b ON b.article_id = a.id WHERE a.id > ? ORDER BY a.id"
        f" LIMIT {BATCH_SIZE}",
        last,
    ):
        first, last = rows[0]["id"], rows[-1]["id"]
        named: dict[int, list[str]] = {row["id"]: [] for row in rows}
        among = "WHERE article_id BETWEEN ? AND ?"
        for row in await client.rows(
            f"SELECT DISTINCT article_id, author_id FROM article_author {among} ORDER BY 1, 2", first, last
        ):
            named[row["article_id"]].append(author_term(row["author_id"]))
        for row in await client.rows(
            f"SELECT DISTINCT article_id, source_id FROM attribution {among} AND source_id IS NOT NULL"
            " AND state IN ('ACCEPTED', 'EDITED') ORDER BY 1, 2",
            first,
            last,
        ):
            named[row["article_id"]].append(source_term(row["source_id"]))
        for row in rows:
            about = [row[column] for column in SUMMARY]
            terms = search_terms(row["headline"], about, row["text"], row["language"], named[row["id"]])
            await client.client.execute_query(insert, list(values_of(row["id"], terms)))
            await client.run(
                "UPDATE article SET sort_headline = ? WHERE id = ?", sort_key(row["headline"]), row["id"]
            )


class Migration(migrations.Migration):
    dependencies = [("content", "0010_site")]

    operations = [
        ops.AddField(
            model_name="Article",
            name="sort_headline",
            field=fields.CharField(max_length=200, default="", db_default=""),
        ),
        *(
            ops.AddField(
                model_name=model,
                name="search_words",
                field=fields.TextField(default="", db_default="", unique=False),
            )
            for model in ("Source", "Tag", "Author")
        ),
        DialectSql(
            both=["DROP TABLE article_search"],
            postgres=CREATE_POSTGRES,
            sqlite=CREATE_SQLITE,
        ),
        ops.RunPython(create_fold_function),
        ops.RunPython(write_name_columns),
        ops.RunPython(index_articles),
        ChangeTriggers("Source", "Tag", "Author"),
        # Cached responses may have the former order and matches.
        DialectSql(
            both=["INSERT INTO row_change (table_name, row_id, changed_text_columns) VALUES ('*', 0, '')"]
        ),
    ]
