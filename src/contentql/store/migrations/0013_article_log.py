"""Log of the changes of articles, by which clients synchronise and webhooks are sent."""

from typing import Any

from contentql.store.article_log_triggers import postgres_statements, sqlite_statements
from contentql.store.article_log import first_row_sql
from contentql.store.ddl import DialectSql
from tortoise import migrations
from tortoise.migrations import operations as ops


async def begin(apps: Any, editor: Any) -> None:
    await editor.client.execute_query(first_row_sql("article_log", editor.client.capabilities.dialect))


class Migration(migrations.Migration):
    dependencies = [("content", "0012_slugs")]

    operations = [
        DialectSql(postgres=postgres_statements(), sqlite=sqlite_statements()),
        ops.RunPython(begin),
    ]
