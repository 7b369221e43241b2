"""Bundles: an article, or the articles of a collection, with all that they show, each object once.

A bundle is an object on the row of its article or collection. What its articles show is selected by the ids
of their rows (`_article_ids`); the dependencies are the links from these articles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from graphql import SelectionSetNode

from contentql.errors import ApiError, LimitError
from contentql.planner.builder.context import BuildContext, RowSource, WidthsArgument
from contentql.planner.builder.list_rows import record_scan
from contentql.planner.builder.nodes import leaf_value
from contentql.planner.builder.ordering import apply_default_order
from contentql.planner.builder.rows import outer_order_sql, relation_rows, rows_sql
from contentql.planner.builder.subplans import nested_list
from contentql.planner.bundle_values import placeholder
from contentql.planner.cost import ASSUMED_LIST_SIZE
from contentql.planner.field_plans import COLLECTION_ITEMS, BundleRows, BundleValue, FittingRenditions
from contentql.planner.filters import sql_and
from contentql.planner.operation import ArgumentValue, Constant
from contentql.planner.params import ListParam, passthrough
from contentql.planner.read_set import MARKER_CODES, LinkPath, ParentKey, Scan
from contentql.planner.sql.nodes import (
    ArrayNode,
    FromClause,
    ResultNode,
    RowRef,
    ScalarNode,
    SortKey,
)

# Widths in pixels by class of devices: the width in CSS pixels, with two pixels for each.
DEVICE_WIDTHS = {"PHONE": 750, "TABLET": 1_480, "TABLET_LARGE": 1_960, "TABLET_XLARGE": 2_280}
MAX_WIDTHS = 10
MAX_WIDTH = 10_000  # pixels
_MAX_ROWS = 10_000
_OF_ARTICLE = ParentKey("article_id", "article")


def for_device(context: BuildContext, arguments: dict[str, ArgumentValue]) -> BuildContext:
    """Returns the context of a bundle for the device or the widths in its arguments, which are removed."""
    widths, device = arguments.pop("widths", None), arguments.pop("device", None)
    if widths is None:
        value = Constant("PHONE") if device is None else leaf_value(device)
        return context.with_widths(WidthsArgument(value, device_widths))
    context = context.with_widths(WidthsArgument(leaf_value(widths), check_widths))
    _widths(context)  # is checked even if no rendition is selected
    return context


def device_widths(device: Any) -> list[int]:
    return [DEVICE_WIDTHS[device]]


def check_widths(widths: Any) -> list[int]:
    """Returns the widths, each once. Raises ApiError BAD_USER_INPUT and INPUT_LIMIT_EXCEEDED."""
    result = sorted(set(ListParam(passthrough, MAX_WIDTHS)(widths)))
    if not result:
        raise ApiError(
            "BAD_USER_INPUT",
            "widths must have at least one width.",
            "Send a list such as [750], or leave it out.",
        )
    for width in result:
        if not 1 <= width <= MAX_WIDTH:
            raise LimitError(
                "BAD_USER_INPUT",
                f"widths has {width}; a width is 1 to {MAX_WIDTH:,} pixels.",
                "Send the width of the picture on the screen in pixels of the device.",
                count=width,
                limit=MAX_WIDTH,
            )
    return result


def bundle_markers(context: BuildContext, bundle: RowRef) -> Iterator[ResultNode]:
    """Yields the markers of the articles of an edition; links lead from them to what it shows."""
    if bundle.table == "collection":
        article = RowRef(context.alias(), "article", FromClause(""))
        number = f"{article.alias}.id"
        rows = f"article {article.alias} where {_is_of_bundle(context, bundle, number)}"
        yield ArrayNode(ScalarNode(number, "id", prefix=f"{MARKER_CODES['article']}."), rows, number)


def build_bundle_field(
    context: BuildContext,
    plan: BundleValue | BundleRows | FittingRenditions,
    row: RowRef,
    target: str,
    selections: Sequence[SelectionSetNode],
) -> ResultNode:
    """Builds a field of a bundle, or of a media file in it."""
    match plan:
        case BundleValue(name="expiresAt"):
            context.totals.bundles.add(context.root)
            return placeholder(plan.name, ScalarNode(_expiry(context, row), "time", False))
        case BundleValue():
            context.totals.bundles.add(context.root)
            return placeholder(plan.name)
        case BundleRows():
            return nested_list(
                context, row, lambda inner, here: _build_rows(inner, plan.table, here, target, selections)
            )
        case FittingRenditions():
            return _build_renditions(context, row, target, selections)


def _build_rows(
    context: BuildContext, table: str, bundle: RowRef, target: str, selections: Sequence[SelectionSetNode]
) -> ResultNode:
    """Builds the list of the rows of a table that the articles of a bundle show, by id."""
    base = _shown_rows(context, table, bundle)
    base.keys.append(SortKey(f"{base.row.alias}.id", "id", False))
    base.limit = str(_MAX_ROWS)
    item = context.build_object(context.inside_list(ASSUMED_LIST_SIZE), target, selections, base.row)
    return ArrayNode(item, rows_sql(context, base), outer_order_sql(context, base))


def _build_renditions(
    context: BuildContext, media: RowRef, target: str, selections: Sequence[SelectionSetNode]
) -> ResultNode:
    """Builds the smallest file of a media row, stored or original, that is wide enough for each width.

    If none is, the original without a width or the widest file.
    """
    dialect = context.dialect
    element, width, file, ranked, alias = (context.alias() for _ in range(5))
    texts = [f"{dialect.element_text(element, key)} as {key}" for key in ("name", "url", "mime")]
    numbers = [f"{dialect.element_number(element, key)} as {key}" for key in ("width", "height", "bytes")]
    own = [media.column(name) for name in ("url", "mime", "width", "height", "bytes")]
    files = (
        f"select {', '.join([*texts, *numbers])}, 0 as is_original"
        f" from {dialect.elements(media.column('renditions'), element)}"
        f" union all select null, {', '.join(own)}, 1"
    )
    wide, needed = f"{file}.width", f"{width}.value"
    order = (
        f"case when {wide} >= {needed} then 0 when {file}.is_original = 1 and {wide} is null then 1"
        f" when {wide} is null then 3 else 2 end,"
        f" case when {wide} >= {needed} then {wide} else -{wide} end,"
        f" case when {file}.bytes is null then 1 else 0 end, {file}.bytes, {file}.is_original, {file}.url"
    )
    columns = ("name", "url", "mime", "width", "height", "bytes")
    best = (
        f"select {', '.join(f'{file}.{column}' for column in columns)},"
        f" row_number() over (partition by {needed} order by {order}) as file_rank"
        f" from ({files}) {file} cross join {dialect.unnest_ints(_widths(context), width)}"
    )
    rows = (
        f"(select distinct {', '.join(f'{ranked}.{column}' for column in columns)} from ({best}) {ranked}"
        f" where {ranked}.file_rank = 1 order by {ranked}.width, {ranked}.url limit {MAX_WIDTHS}) {alias}"
    )
    item = context.build_object(context, target, selections, RowRef(alias, "", FromClause("")))
    return ArrayNode(item, rows, f"{alias}.width, {alias}.url")


def _widths(context: BuildContext) -> str:
    assert context.widths is not None
    return context.param(context.widths.value, "ints", context.widths.convert)


def _is_of_bundle(context: BuildContext, bundle: RowRef, article_id: str) -> str:
    """SQL condition that the id of an article row is that of an article of the bundle."""
    if bundle.table == "article":
        return f"{article_id} = {bundle.column('id')}"
    items = _items(context, bundle)
    number, more = f"{items.row.alias}.article_id", ""
    if not context.visibility.is_public:  # the id of a working copy is not the public id in the item
        article = RowRef(context.alias(), "article", FromClause(""))
        same = context.matches_public_id(article, number)
        where = [same, *context.visible(article, via_visible=False)]
        number, more = f"{article.alias}.id", f" join article {article.alias} on {sql_and(where)}"
    return f"{article_id} in (select {number} from {items.source}{more} where {sql_and(items.where)})"


def _items(context: BuildContext, collection: RowRef) -> RowSource:
    """The items that a collection shows."""
    base = relation_rows(context, COLLECTION_ITEMS, collection)
    apply_default_order(context, base, COLLECTION_ITEMS)
    record_scan(context, base)
    return base


def _shown_rows(context: BuildContext, table: str, bundle: RowRef) -> RowSource:
    """The visible rows of a table that the articles of a bundle show, each once."""
    ids, alias = context.alias(), context.alias()
    row = RowRef(alias, table, FromClause(alias))
    select = {
        "article": _related_ids,
        "author": _linked_ids("author_id", "article_author", "live_entry_use"),
        "media": _media_ids,
        "source": _source_ids,
        "tag": _linked_ids("tag_id", "article_tag"),
    }[table](context, bundle)
    base = RowSource(row, f"({select}) {ids} cross join {table} {row.alias}")
    base.where.append(context.matches_public_id(row, f"{ids}.id"))
    base.where += context.visible(row, via_visible=table != "article")
    return base


def _scan_linked(context: BuildContext, link: str, column: str, table: str, *columns: str) -> None:
    """Records that a bundle depends on the rows that its articles are linked with, and on columns of them."""
    way = LinkPath(link, column, _OF_ARTICLE)
    context.read_set.scan(Scan(table, other_columns=frozenset(columns), link_path=way))


def _linked_ids(column: str, *links: str) -> Callable[[BuildContext, RowRef], str]:
    """Returns a function that returns the select of the ids in a column of junction tables."""

    def select(context: BuildContext, bundle: RowRef, link: str) -> str:
        _scan_linked(context, link, column, column.removesuffix("_id"))
        way = context.alias()
        where = _is_of_bundle(context, bundle, f"{way}.article_id")
        return f"select distinct {way}.{column} as id from {link} {way} where {where}"

    return lambda context, bundle: " union ".join(select(context, bundle, link) for link in links)


def _source_ids(context: BuildContext, bundle: RowRef) -> str:
    _scan_linked(context, "attribution", "source_id", "source")
    row = RowRef(context.alias(), "attribution", FromClause(""))
    where = [
        _is_of_bundle(context, bundle, f"{row.alias}.article_id"),
        *context.visible(row, via_visible=True),
    ]
    return f"select distinct {row.alias}.source_id as id from attribution {row.alias} where {sql_and(where)}"


def _related_ids(context: BuildContext, edition: RowRef) -> str:
    """Select of the public ids of the articles that are related to those of an edition and not in it."""
    _scan_linked(context, "article_related", "related_id", "article")
    way, items = context.alias(), _items(context, edition)
    where = _is_of_bundle(context, edition, f"{way}.article_id")
    return (
        f"select {way}.related_id as id from article_related {way} where {where}"
        f" except select {items.row.alias}.article_id from {items.source} where {sql_and(items.where)}"
    )


class _Values(NamedTuple):
    """A column of the rows of a FROM clause with its conditions."""

    column: str
    rows: str

    @property
    def select(self) -> str:
        return f"select {self.column} as id from {self.rows}"


def _related_articles(context: BuildContext, bundle: RowRef, column: str) -> _Values:
    """A column of the visible articles that are related to those of the bundle."""
    _scan_linked(context, "article_related", "related_id", "article", column)
    way, row = context.alias(), RowRef(context.alias(), "article", FromClause(""))
    where = [
        _is_of_bundle(context, bundle, f"{way}.article_id"),
        context.matches_public_id(row, f"{way}.related_id"),
        *context.visible(row, via_visible=False),
    ]
    source = f"article_related {way} cross join article {row.alias}"
    return _Values(f"{row.alias}.{column}", f"{source} where {sql_and(where)}")


def _own_articles(context: BuildContext, bundle: RowRef, column: str) -> _Values:
    """A column of the articles of the bundle."""
    context.read_set.displayed.append(("article", {column: None}))
    row = context.alias()
    where = _is_of_bundle(context, bundle, f"{row}.id")
    return _Values(f"{row}.{column}", f"article {row} where {where}")


def _media_ids(context: BuildContext, bundle: RowRef) -> str:
    """Select of the ids of the media in the articles, of their authors, attributions and related articles."""
    return f"{_article_media_ids(context, bundle)} union {_attribution_media(context, bundle, 'id').select}"


def _article_media_ids(context: BuildContext, bundle: RowRef) -> str:
    """As `_media_ids`, without those of attributions."""
    context.read_set.scan(Scan("media", visibility_changes_only=True))
    selects = [
        _linked_ids("media_id", "article_media", "live_entry_use")(context, bundle),
        _own_articles(context, bundle, "lead_media_id").select,
        _author_images(context, bundle, "article_author"),
        _author_images(context, bundle, "live_entry_use"),
        _related_articles(context, bundle, "lead_media_id").select,
    ]
    if bundle.table == "collection":
        items = _items(context, bundle)
        context.read_set.scan(
            Scan(
                "collection_item",
                other_columns=frozenset({"media_id"}),
                parent_key=ParentKey("collection_id", "collection"),
            )
        )
        selects.append(f"select {items.row.alias}.media_id from {items.source} where {sql_and(items.where)}")
    return " union ".join(selects)


def _author_images(context: BuildContext, bundle: RowRef, link: str) -> str:
    """Select of the ids of the portraits of the authors in a junction table."""
    _scan_linked(context, link, "author_id", "author", "image_id")
    credit, author = context.alias(), context.alias()
    return (
        f"select {author}.image_id from {link} {credit}"
        f" join author {author} on {author}.id = {credit}.author_id"
        f" where {_is_of_bundle(context, bundle, f'{credit}.article_id')}"
    )


def _attribution_media(context: BuildContext, bundle: RowRef, column: str) -> _Values:
    """A column of the visible media that attributions of the articles refer to."""
    context.read_set.scan(Scan("attribution", other_columns=frozenset({"media_id"}), parent_key=_OF_ARTICLE))
    row = RowRef(context.alias(), "attribution", FromClause(""))
    media = context.alias()
    where = [
        _is_of_bundle(context, bundle, f"{row.alias}.article_id"),
        *context.visible(row, via_visible=True),
        f"{media}.id = {row.alias}.media_id",
        *context.visible(RowRef(media, "media", FromClause("")), via_visible=False),
    ]
    rows = f"attribution {row.alias}, media {media} where {sql_and(where)}"
    return _Values(f"{media}.{column}", rows)


def _expiry(context: BuildContext, bundle: RowRef) -> str:
    """SQL of the next time at which something that the bundle shows ends.

    What is still hidden has no part in it: its publication must not be known before.
    """
    context.read_set.scan(Scan("media", other_columns=frozenset({"expires_at"})))
    ids, media = context.alias(), RowRef(context.alias(), "media", FromClause(""))
    usable = [f"{media.alias}.id = {ids}.id", *context.visible(media, via_visible=True)]
    used = f"({_article_media_ids(context, bundle)}) {ids} cross join media {media.alias}"
    times = [
        _own_articles(context, bundle, "expires_at"),
        _related_articles(context, bundle, "expires_at"),
        _Values(f"{media.alias}.expires_at", f"{used} where {sql_and(usable)}"),
        _attribution_media(context, bundle, "expires_at"),
    ]
    if bundle.table == "collection":
        items = _items(context, bundle)
        rows = f"{items.source} where {sql_and(items.where)}"
        times.append(_Values(f"{items.row.alias}.pinned_until", rows))
    # Not a condition on the time: PostgreSQL would read all articles to find the few that meet it.
    # Not one union: SQLite before 3.46 cannot parse it with the rules of visibility for previewers.
    return context.dialect.earliest(
        [
            f"(select min(case when {time.column} > {context.now()} then {time.column} end) from {time.rows})"
            for time in times
        ]
    )
