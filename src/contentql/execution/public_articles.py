"""What the public sees of one article now, for messages to other systems."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from contentql.content.ids import encode_id
from contentql.execution.executor import Executor
from contentql.execution.request import GraphQLRequest

_QUERY: Final = """query PublicArticle($id: ID!) {
  article(id: $id) {
    slug language headline contentType url: canonicalUrl publishedAt updatedAt categories { path }
  }
}"""


async def read_public_article(executor: Executor, article_id: int) -> Mapping[str, Any] | None:
    """The article as an anonymous client reads it: slug, language, headline, contentType, url, publishedAt,
    updatedAt and the paths of its sections. None if it is not public.

    Raises ApiError if the database cannot be read.
    """
    if executor.responses is not None:
        await executor.responses.apply_pending_changes()
    response = await executor.execute(
        GraphQLRequest(_QUERY, variables={"id": encode_id("article", article_id)}, queries_only=True)
    )
    content = orjson.loads(response.body)
    if content.get("errors"):
        raise OSError(content["errors"][0]["message"])
    article: dict[str, Any] | None = content["data"]["article"]
    if article is None:
        return None
    sections = [category["path"] for category in article.pop("categories")]
    return {**article, "sections": sections}
