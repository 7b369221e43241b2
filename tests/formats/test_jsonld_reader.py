"""Documents of JSON-LD: one article, or several in a graph with what they refer to."""

from __future__ import annotations

import orjson
import pytest
from tests.support.source_files import read_items

from contentql.content import blocks, render
from contentql.content.records import ArticleRecord


def headlines(content: bytes) -> list[str]:
    items = read_items("articles.jsonld", content)
    return [str(getattr(item.record, "headline", None) or item.error) for item in items]


def article(headline: str, **fields: object) -> dict[str, object]:
    return {"@type": "NewsArticle", "headline": headline, "articleBody": f"Text of {headline}.", **fields}


def test_every_article_of_a_graph_is_read() -> None:
    """With the nodes that it refers to."""
    graph = [
        article("A", author={"@id": "#a"}),
        article("B"),
        {"@id": "#a", "@type": "Person", "name": "Ada"},
    ]
    items = read_items(
        "x.json",
        orjson.dumps({"@context": "https://schema.org", "@graph": graph}, option=orjson.OPT_INDENT_2),
    )
    records = [item.record for item in items]
    assert all(isinstance(record, ArticleRecord) for record in records)
    assert [item.place for item in items] == ["item 1", "item 2"]
    assert [credit.author for credit in items[0].record.authors] == ["ada"]  # type: ignore[union-attr]
    assert len({item.record.external_ids for item in items}) == 2  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "body", ["</script><script>alert(1)</script>x", "<img src=x onerror=alert(1)>x", "x &lt;b&gt;"]
)
def test_markup_in_values_is_not_markup(body: str) -> None:
    content = orjson.dumps({"@context": "https://schema.org", **article("A", articleBody=body)})
    (item,) = read_items("x.jsonld", content)
    assert isinstance(item.record, ArticleRecord)
    html = render.render_html(item.record.blocks)
    assert "script" not in html.replace("alert", "")
    assert "onerror" not in html or "&lt;" in html
    assert any(blocks.has_content(block) for block in item.record.blocks)


def test_documents_without_an_article_are_an_error() -> None:
    with pytest.raises(Exception, match=r"no article|none of the formats"):
        headlines(b'{"@context": "https://schema.org", "@type": "Person", "name": "Ada"}')
