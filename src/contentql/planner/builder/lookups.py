"""Conditions on a single object: that it has a name, had it formerly, or is the best translation of that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from contentql.errors import ApiError
from contentql.planner.builder.context import BuildContext, RowSource
from contentql.planner.builder.history import RENAME_HISTORY, RenameHistory
from contentql.planner.builder.nodes import leaf_value
from contentql.planner.builder.rows import table_rows
from contentql.planner.filters import language_rank_sql, sql_and
from contentql.planner.operation import ArgumentValue
from contentql.planner.params import IdParam, LanguageRangesParam, SlugParam, TextParam, passthrough
from contentql.planner.read_set import PRIMARY_KEYS, TRANSLATION_TABLE, RowCondition, Scan
from contentql.planner.sql.nodes import RowRef
from contentql.planner.visibility import WORKING_COPY_TABLES

# Columns by which an article is one of several translations.
_TRANSLATION_COLUMNS = ("language", "translation_group")


class _Lookup(NamedTuple):
    """A FROM clause in which `row` meets the conditions if a name leads to it."""

    source: str
    row: RowRef
    where: list[str]


def find_by_name(
    context: BuildContext, base: RowSource, former: RenameHistory, arguments: dict[str, ArgumentValue]
) -> None:
    """Restricts `base` to the row with this name or, if there is none, to the row that had it formerly.

    With non-public visibility, a working copy also matches by the name of its published article. Of several
    rows whose languages match, one with the least specific language.
    """
    table, name = base.row.table, former.column
    key = PRIMARY_KEYS.get(table, "id")
    result = context.param(arguments[name], "text", SlugParam(context.limits.text))
    base.conditions = (RowCondition(name, "eq", leaf_value(arguments[name]), SlugParam(context.limits.text)),)
    context.read_set.scan(Scan(former.table, base.conditions))
    qualifier = former.qualifier
    is_qualified = bool(qualifier) and arguments.get(qualifier) is not None
    requested, order = _qualified(context, qualifier, arguments) if is_qualified else (None, "")
    if is_qualified:
        value = leaf_value(arguments[qualifier])
        if qualifier == "type":
            base.conditions += (RowCondition(qualifier, "eq", value, passthrough),)
        else:
            base.conditions += (RowCondition(qualifier, qualifier, value, LanguageRangesParam(qualifier)),)
            # Which of several rows is the least specific depends on the column, too.
            context.read_set.scan(Scan(table, base.conditions, other_columns=frozenset((qualifier,))))
        base.row.column(qualifier)  # the result depends on this column of the row
    if table == "withdrawal":  # by a former slug of its article; withdrawals are rare
        context.read_set.scan(Scan(table))
    ways = []
    for source, row, where in _lookups(context, table, former, result):
        where += [requested(row)] if requested else []
        number = f"{row.alias}.{key}"
        first = order.replace("{row}", row.alias)
        ways.append(
            f"(select {number} from {source} where {sql_and(where)} order by {first}{number} limit 1)"
        )
    base.where.append(f"{base.row.alias}.{key} = coalesce({', '.join(ways)})")


def _qualified(
    context: BuildContext, qualifier: str, arguments: dict[str, ArgumentValue]
) -> tuple[Callable[[RowRef], str], str]:
    """The condition that a row has the requested type or language, and the order of several such rows."""
    if qualifier == "type":  # a value of an enum
        type_ = context.param(arguments[qualifier], "plain", passthrough)
        return lambda row: f"{row.alias}.{qualifier} = {type_}", ""
    ranges = context.param(arguments[qualifier], "texts", LanguageRangesParam(qualifier))

    def has_language(row: RowRef) -> str:
        rank = language_rank_sql(context.dialect, f"{row.alias}.{qualifier}", ranges, row.alias)
        return f"{rank} is not null"

    return has_language, f"length({{row}}.{qualifier}), "


def _lookups(context: BuildContext, table: str, former: RenameHistory, value: str) -> list[_Lookup]:
    """The ways from a name to a visible row, the best first; `value` is SQL of the name."""
    key, name = PRIMARY_KEYS.get(table, "id"), former.column
    now, before, way = table_rows(context, table).row, table_rows(context, table).row, context.alias()
    former_owner = (
        f"{before.alias}.{key} = {way}.{former.owner}"
        if key != "id"
        else context.matches_public_id(before, f"{way}.{former.owner}")
    )
    lookups = [
        _Lookup(f"{table} {now.alias}", now, [f"{now.alias}.{name} = {value}"]),
        _Lookup(
            f"{former.table} {way} cross join {table} {before.alias}",
            before,
            [f"{way}.{name} = {value}", former_owner],
        ),
    ]
    if not context.visibility.is_public and table in WORKING_COPY_TABLES:
        # The published article's name, for its working copy.
        copy, out = table_rows(context, table).row, context.alias()
        lookups.append(
            _Lookup(
                f"{table} {out} cross join {table} {copy.alias}",
                copy,
                [f"{out}.{name} = {value}", f"{copy.alias}.working_of = {out}.id"],
            )
        )
    for lookup in lookups:
        lookup.where.extend(context.visible(lookup.row, via_visible=False))
    return lookups


def find_best_translation(
    context: BuildContext, base: RowSource, name: str, arguments: dict[str, ArgumentValue]
) -> None:
    """Restricts `base` to the best translation of the article that the argument `name`, id or slug, leads to.

    Candidates are that article and its translation group, as far as the viewer sees both. An earlier language
    wins, then the slug itself over a former one and over a translation, then the less specific language.
    Raises ApiError if a language is requested besides the list of languages, or for an external id.
    """
    if name == "externalId":
        raise ApiError(
            "BAD_USER_INPUT",
            "article takes languages with id or slug, not with externalId.",
            "Read the `id` by its externalId first.",
        )
    if arguments.get("language") is not None:
        raise ApiError(
            "BAD_USER_INPUT",
            "article takes language or languages, not both.",
            'Send one of them, such as languages: ["de", "en"].',
        )
    convert: Any = IdParam("article") if name == "id" else SlugParam(context.limits.text)
    value = context.param(arguments[name], "id" if name == "id" else "text", convert)
    if name == "id":
        row = table_rows(context, "article").row
        where = [context.matches_public_id(row, value), *context.visible(row, via_visible=False)]
        lookups = [_Lookup(f"article {row.alias}", row, where)]
    else:
        lookups = _lookups(context, "article", RENAME_HISTORY["article"], value)
    base.where.append(f"{base.row.alias}.id = {_best_of(context, lookups, arguments['languages'])}")
    languages = leaf_value(arguments["languages"])
    by_name = RowCondition(name, "eq", leaf_value(arguments[name]), convert)
    of_name = replace(by_name, column="article_id") if name == "id" else by_name
    by_language = RowCondition("language", "language", languages, LanguageRangesParam("languages"))
    base.conditions = (by_name,)
    context.read_set.scan(Scan("article", (by_name,), other_columns=frozenset(_TRANSLATION_COLUMNS)))
    context.read_set.scan(Scan(TRANSLATION_TABLE, (of_name, by_language)))
    if name != "id":
        context.read_set.scan(Scan(RENAME_HISTORY["article"].table, (by_name,)))


def find_by_external_id(context: BuildContext, base: RowSource, value: ArgumentValue) -> str:
    """Restricts `base` to the article with this id in another system, `{system, value}`.

    Returns SQL of its public id, also if it is hidden.
    """
    assert isinstance(value, Mapping)
    convert = TextParam(context.limits.text)
    parts = {name: leaf_value(value[name]) for name in ("system", "value")}
    alias = context.alias()
    where = [f"{alias}.{name} = {context.param(part, 'text', convert)}" for name, part in parts.items()]
    number = f"(select {alias}.article_id from external_id {alias} where {sql_and(where)})"
    base.where.append(context.matches_public_id(base.row, number))
    conditions = tuple(RowCondition(name, "eq", part, convert) for name, part in parts.items())
    context.read_set.scan(Scan("external_id", conditions))
    return number


def _best_of(context: BuildContext, lookups: list[_Lookup], languages: ArgumentValue) -> str:
    """Subquery of the id of the best of the rows that are looked up and their translations."""
    named, candidate, ranked = context.alias(), context.alias(), context.alias()
    rows = [
        f"select {row.alias}.id, {row.alias}.language, {row.alias}.translation_group, {way} as way"
        f" from {source} where {sql_and(where)}"
        for way, (source, row, where) in enumerate(lookups)
    ]
    context.statement.ctes.append(f"{named} as ({' union all '.join(rows)})")
    other = table_rows(context, "article").row
    where = [
        f"{other.alias}.translation_group in (select translation_group from {named})",
        *context.visible(other, via_visible=False),
    ]
    candidates = (
        f"select id, language, way from {named} union all select {other.alias}.id, {other.alias}.language,"
        f" {len(lookups)} from article {other.alias} where {sql_and(where)}"
    )
    ranges = context.param(languages, "texts", LanguageRangesParam("languages"))
    rank = language_rank_sql(context.dialect, f"{candidate}.language", ranges, candidate)
    order = f"{ranked}.language_rank, {ranked}.way, length({ranked}.language), {ranked}.id"
    return (
        f"(select {ranked}.id from (select {candidate}.*, {rank} as language_rank from ({candidates})"
        f" {candidate}) {ranked} where {ranked}.language_rank is not null order by {order} limit 1)"
    )
