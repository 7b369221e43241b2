"""Blocks with runs of text in place of ranges, and bodies rendered from them."""

from typing import Any

import orjson
from contentql.content.blocks import dump_blocks, load_blocks
from contentql.content.render import render_html
from contentql.content.render_markdown import render_markdown
from tortoise import migrations
from tortoise.migrations import operations as ops

BATCH_SIZE = 200


async def convert_bodies(apps: Any, editor: Any) -> None:
    """Writes the stored blocks of every body, and its HTML and Markdown, in their present form."""
    client = editor.client
    postgres = client.capabilities.dialect == "postgres"
    one, *values = ("$1", "$2", "$3", "$4") if postgres else ("?",) * 4
    select = f"SELECT article_id, CAST(blocks AS text) AS blocks FROM article_body WHERE article_id > {one}"
    update = "UPDATE article_body SET blocks = {}, html = {}, markdown = {} WHERE article_id = {}"
    if postgres:
        update = update.format(f"CAST({one} AS text)::jsonb", *values)
    else:
        update = update.format(one, *values)
    last = 0
    while rows := await client.execute_query_dict(f"{select} ORDER BY article_id LIMIT {BATCH_SIZE}", [last]):
        for row in rows:
            last = row["article_id"]
            blocks = load_blocks(orjson.loads(row["blocks"]))
            if not blocks:  # of another program, which wrote HTML only
                continue
            stored = orjson.dumps(dump_blocks(blocks)).decode()
            await client.execute_query(update, [stored, render_html(blocks), render_markdown(blocks), last])


class Migration(migrations.Migration):
    dependencies = [("content", "0007_undo")]

    operations = [ops.RunPython(convert_bodies)]
