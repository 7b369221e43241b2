"""What the last import of an article read, by which a repeated one is recognised as unchanged or older.

And triggers that leave out the inserts of many articles from the change log.
"""

from contentql.store.ddl import ChangeTriggers, DialectSql
from contentql.store.models.fields import TimestampField
from contentql.store.search_index import LARGER_HASH_SQLITE
from tortoise import fields, migrations
from tortoise.migrations import operations as ops


LOGGED = (
    "Category", "Source", "Media", "Story", "Tag", "Author", "PathHistory", "FormerSlug", "ExternalId", "Article",
    "ArticleBody", "ArticleSection", "ArticleTag", "ArticleAuthor", "ArticleMedia", "ArticleRelated",
    "SlugHistory", "Withdrawal", "Attribution", "Correction", "LiveEntry", "LiveEntryUse", "Collection",
    "CollectionItem", "Redirect",
)  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("content", "0015_webhooks")]

    operations = [
        ops.AddField("ExternalId", "content_hash", fields.CharField(max_length=64, null=True)),
        ops.AddField("ExternalId", "source_version", fields.BigIntField(null=True)),
        ops.AddField("ExternalId", "source_modified_at", TimestampField(null=True)),
        ChangeTriggers(*LOGGED),
        DialectSql(sqlite=[LARGER_HASH_SQLITE]),
    ]
