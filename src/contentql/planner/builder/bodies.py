"""Bodies of articles: the article's own text, followed by the entries of its live blog."""

from __future__ import annotations

from contentql.planner.builder.context import BuildContext
from contentql.planner.builder.rows import table_rows
from contentql.planner.field_plans import BodyText
from contentql.planner.read_set import ParentKey, Scan
from contentql.planner.sql.nodes import RowRef, ScalarNode

_ENTRY = "live_entry"
_ORDER = "{0}.position desc, {0}.at desc, {0}.id desc"


def build_body_text(context: BuildContext, plan: BodyText, row: RowRef) -> ScalarNode:
    """Builds a text of the body in `row`."""
    text, (entry, rows, order) = row.column(plan.column), _entries(context, row, f"body_{plan.column}")
    return ScalarNode(context.dialect.followed_by_texts(text, entry, rows, order, plan.separator), "text")


def body_blocks_sql(context: BuildContext, row: RowRef, column: str) -> str:
    """Returns SQL of the blocks of the body in `row`, as a JSON array."""
    blocks, (entry, rows, order) = row.column(column), _entries(context, row, "block")
    return context.dialect.followed_by_elements(blocks, entry, rows, order)


def _entries(context: BuildContext, row: RowRef, column: str) -> tuple[str, str, str]:
    """Returns SQL of a column of the entries of a body's article: the column, the rows and their order."""
    base = table_rows(context, _ENTRY)
    alias, article = base.row.alias, row.column("article_id")
    if not context.visibility.is_public:  # a working copy has the entries of its article
        own = context.alias()
        article = (
            f"(select coalesce(nullif({own}.working_of, 0), {own}.id) from article {own}"
            f" where {own}.id = {article})"
        )
    where = [f"{alias}.article_id = {article}", *context.visible(base.row, via_visible=True)]
    context.read_set.scan(
        Scan(
            _ENTRY,
            other_columns=frozenset({column}),
            order_columns=frozenset({"position", "at"}),
            parent_key=ParentKey("article_id", "article"),
        )
    )
    return f"{alias}.{column}", f"{base.source} where {' and '.join(where)}", _ORDER.replace("{0}", alias)
