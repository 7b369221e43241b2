"""Change log with its triggers; indexes on the times at which an article's or media's visibility changes."""

from tortoise import migrations

from contentql.store.change_triggers import POSTGRES_CHANGE_FUNCTION
from contentql.store.ddl import ChangeTriggers, DialectSql

PUBLIC = "status IN ('PUBLISHED', 'SCHEDULED') AND deleted_at IS NULL"


class Migration(migrations.Migration):
    dependencies = [("content", "0002_rules_and_indexes")]

    operations = [
        DialectSql(
            both=[
                f"CREATE INDEX article_embargo ON article (embargo_until) WHERE embargo_until IS NOT NULL AND {PUBLIC}",
                f"CREATE INDEX article_expiry ON article (expires_at) WHERE expires_at IS NOT NULL AND {PUBLIC}",
                "CREATE INDEX media_expiry ON media (expires_at) WHERE expires_at IS NOT NULL",
            ],
            postgres=[
                "CREATE TABLE row_change (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
                " table_name text NOT NULL, row_id bigint NOT NULL, before text, after text, changed_text_columns text NOT NULL)",
                POSTGRES_CHANGE_FUNCTION,
            ],
            sqlite=[
                # AUTOINCREMENT: numbers are never reused, even after the newest rows were deleted.
                "CREATE TABLE row_change (seq INTEGER PRIMARY KEY AUTOINCREMENT,"
                " table_name TEXT NOT NULL, row_id INTEGER NOT NULL, before TEXT, after TEXT, changed_text_columns TEXT NOT NULL)",
            ],
        ),
        ChangeTriggers(
            "Category",
            "Source",
            "Media",
            "Story",
            "Tag",
            "Author",
            "Article",
            "ArticleBody",
            "ArticleSection",
            "ArticleTag",
            "ArticleAuthor",
            "ArticleMedia",
            "ArticleRelated",
            "Attribution",
            "Correction",
            "Collection",
            "CollectionItem",
            "SlugHistory",
        ),
    ]
