"""What the last import of an article read, by which a repeated one is recognised as unchanged or older."""

from contentql.store.models.fields import TimestampField
from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("content", "0015_webhooks")]

    operations = [
        ops.AddField("ExternalId", "content_hash", fields.CharField(max_length=64, null=True)),
        ops.AddField("ExternalId", "source_version", fields.BigIntField(null=True)),
        ops.AddField("ExternalId", "source_modified_at", TimestampField(null=True)),
    ]
