"""Compilation of GraphQL filters to SQL conditions.

A comparison with NULL counts as false, also under `not`; `ne` and `notIn` are true for NULL.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from contentql.auth.viewer import Visibility
from contentql.errors import ApiError
from contentql.language_tags import ANY_LANGUAGE
from contentql.planner.catalog import Catalog, named_type
from contentql.planner.field_plans import (
    AnyFilter,
    Column,
    Computed,
    FullTextFilter,
    LanguageRangeFilter,
    PathPrefixFilter,
    ToMany,
    ToOne,
    ValueKind,
)
from contentql.planner.limits import Limits
from contentql.planner.operation import ArgumentValue, Constant, ListValue, VariableRef
from contentql.planner.params import (
    FoldedTextParam,
    IdParam,
    LanguageParam,
    LanguageRangesParam,
    ListParam,
    SlugParam,
    TextParam,
    passthrough,
)
from contentql.planner.read_set import SEARCH_COLUMNS, SEARCH_SCANS, ReadSetBuilder, RowCondition
from contentql.planner.scans import (
    LIGHT_WEIGHT,
    RELATION_WEIGHT,
    condition_weight,
    is_indexed,
    search_weights,
)
from contentql.planner.search import (
    MAX_SEARCH_LENGTH,
    SearchQuery,
    is_blank,
    name_search,
    parse_search_query,
)
from contentql.planner.sql.nodes import Dialect, ParamKind, RowRef

# An `eq` filter on one of these columns alone matches at most one row.
UNIQUE_COLUMNS = {
    "category": {"id", "path"},
    "source": {"id", "slug"},
    "author": {"id", "slug"},
    "story": {"id", "slug"},
    "collection": {"id", "slug"},
    "media": {"id"},
    "article": {"id", "uri"},
}

# Columns whose values stand in URLs; conditions on them take the forms that URLs have.
SLUG_COLUMNS = frozenset({"slug", "path"})

_COMPARISONS = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_LISTS: Mapping[ValueKind, ParamKind] = {"id": "ids", "int": "ints", "time": "times"}


class FilterContext(Protocol):
    """The part of the build context that filters use."""

    @property
    def catalog(self) -> Catalog: ...
    @property
    def dialect(self) -> Dialect: ...
    @property
    def limits(self) -> Limits: ...
    @property
    def visibility(self) -> Visibility: ...
    @property
    def read_set(self) -> ReadSetBuilder: ...

    def param(self, source: Any, kind: ParamKind, convert: Callable[[Any], Any]) -> str: ...
    def constrain(self, value: ArgumentValue, read: Callable[[Any], Any] = passthrough) -> Any: ...
    def charge_scan(self, weight: float, limited: Sequence[object] = ()) -> None:
        """Adds the weight of conditions to the plan; `limited` are those that are limited in number."""

    def new_row(self, table: str) -> RowRef: ...
    def visible(self, row: RowRef, *, via_visible: bool) -> list[str]: ...
    def uncorrelated_subquery(self, select: str) -> str:
        """Returns the SQL of a subquery without references to outer rows, for the right side of `in`."""

    def public_id(self, row: RowRef) -> str: ...
    def computed(self, plan: Computed, row: RowRef) -> str: ...
    def relation_source(
        self, relation: ToMany, here: RowRef, there: RowRef
    ) -> tuple[str, list[str], str]: ...


@dataclass(frozen=True)
class SearchParam:
    """Conversion of a search text to a `SearchQuery`. `parts`: the parts of the article, see `PARTS`."""

    parts: str

    def __call__(self, text: Any) -> tuple[SearchQuery, str]:
        return parse_search_query(TextParam(MAX_SEARCH_LENGTH)(text)), self.parts


def name_search_param(text: Any) -> str:
    """Converts a search text to the JSON of `name_search`."""
    return name_search(parse_search_query(TextParam(MAX_SEARCH_LENGTH)(text)))


def compile_filter(writer: FilterContext, filter_type: str, value: ArgumentValue, row: RowRef) -> list[str]:
    """Returns SQL conditions, all of which must hold. `filter_type` names the input type of `value`."""
    if value is None:
        return []
    assert isinstance(value, Mapping)
    out: list[str] = []
    plans = writer.catalog.filters[filter_type]
    fields: Any = writer.catalog.schema.type_map[filter_type]
    for name in sorted(value):
        arguments = value[name]
        if name in ("and", "or"):
            if arguments is not None:
                each = [sql_and(compile_filter(writer, filter_type, one, row)) for one in arguments]
                empty = "true" if name == "and" else "false"
                out.append("(" + f" {name} ".join(each) + ")" if each else empty)
        elif arguments is None:
            continue
        elif name == "not":
            out.append(sql_not(sql_and(compile_filter(writer, filter_type, arguments, row))))
        elif name == "isNull":
            out.append(_null(writer, row.column("id"), arguments))
        else:
            plan, inner = plans[name], named_type(fields.fields[name].type)
            out.extend(_field(writer, plan, inner, arguments, row))
    return out


_OPERATORS = {"eq", "ne", "in", "notIn", "lt", "lte", "gt", "gte"}


def row_conditions(
    writer: FilterContext, filter_type: str, value: ArgumentValue, table: str
) -> tuple[tuple[RowCondition, ...], bool]:
    """Returns the conditions that need the row alone, and whether they are the whole filter."""
    if value is None:
        return (), True
    assert isinstance(value, Mapping)
    results: list[RowCondition] = []
    document = True
    plans = writer.catalog.filters[filter_type]
    for name, arguments in value.items():
        plan = plans.get(name)
        if arguments is None:
            continue
        if name == "and":
            for one in arguments:
                inner, all_told = row_conditions(writer, filter_type, one, table)
                results += inner
                document &= all_told
        elif isinstance(plan, Column) and plan.kind != "float":
            kind = plan.kind or "text"
            for op, slot in arguments.items():
                if (
                    op in _OPERATORS
                    and slot is not None
                    and not (op == "eq" and _is_path(table, plan.name))  # a former path matches as well
                    and (kind != "text" or op in ("eq", "ne", "in", "notIn"))
                ):
                    convert = _convert(writer, kind, table, plan.name)
                    if op in ("in", "notIn"):
                        convert = ListParam(convert, writer.limits.input_items)
                    results.append(RowCondition(plan.name, op, slot, convert))
                else:
                    document = False
        else:
            document = False
    return tuple(results), document


def sql_and(items: list[str]) -> str:
    return "(" + " and ".join(items) + ")" if items else "true"


def sql_not(condition: str) -> str:
    return f"not coalesce({condition}, false)"


def is_searched(writer: FilterContext, value: ArgumentValue) -> bool:
    """True if a search text is a condition: neither missing nor blank."""
    return value is not None and not writer.constrain(value, is_blank)


def compile_search(writer: FilterContext, value: ArgumentValue, row: RowRef) -> str:
    """Returns the SQL condition that the row matches the search text, and notes what it depends on."""
    count, weight = writer.constrain(value, search_weights)
    writer.charge_scan(weight, [value] if count else ())
    if row.table != "article":
        row.column("search_words")
        return writer.dialect.matches_names(row.alias, writer.param(value, "text", name_search_param))
    row.used_columns.update(dict.fromkeys(SEARCH_COLUMNS))
    for scan in SEARCH_SCANS:
        writer.read_set.scan(scan)
    articles = writer.dialect.matching_articles(bind_search(writer, value, ""))
    return f"{row.alias}.id in {writer.uncorrelated_subquery(articles)}"


def bind_search(writer: FilterContext, value: ArgumentValue, parts: str) -> str:
    return writer.param(value, "search", SearchParam(parts))


def _field(writer: FilterContext, plan: Any, inner: str, value: Any, row: RowRef) -> list[str]:
    match plan:
        case Column():
            sql = writer.public_id(row) if plan.name == "id" else row.column(plan.name)
            return _column(writer, sql, plan.kind or "text", value, row.table, plan.name)
        case Computed(or_published=True) if not writer.visibility.is_public:
            return _computed_of_both(writer, plan, value, row)
        case Computed():
            return _column(writer, f"({writer.computed(plan, row)})", plan.kind, value, row.table, "")
        case FullTextFilter():
            return [compile_search(writer, value, row)] if is_searched(writer, value) else []
        case PathPrefixFilter():
            path = _present_path(writer, writer.param(value, "text", SlugParam(writer.limits.text)))
            column = row.column(plan.column)
            below = writer.dialect.starts_with(column, f"({path} || '/')")
            return [f"({column} = {path} or {below})"]
        case LanguageRangeFilter():
            writer.charge_scan(LIGHT_WEIGHT)
            ranges = writer.param(value, "texts", LanguageRangesParam("inLanguages"))
            column = row.column(plan.column)
            return [f"{language_rank_sql(writer.dialect, column, ranges, row.alias)} is not null"]
        case ToOne():
            return _one(writer, plan, inner, value, row)
        case ToMany():
            items: Any = writer.catalog.schema.type_map[inner]
            return [
                _quantified(writer, plan, name, named_type(items.fields[name].type), value[name], row)
                for name in sorted(value)
                if value[name] is not None
            ]
        case AnyFilter():
            return [_quantified(writer, plan.edge, "some", inner, value, row)]
    raise LookupError(f"no filter: {plan}")


def _computed_of_both(
    writer: FilterContext, plan: Computed, value: Mapping[str, ArgumentValue], row: RowRef
) -> list[str]:
    """Conditions on a computed value of an article or, if it is a working copy, of its published article.

    One of the two values must equal; both must differ.
    """
    out = []
    for op in sorted(value):
        sides = []
        published = writer.new_row(row.table)
        for side in (row, published):
            computed = f"({writer.computed(plan, side)})"
            sides.append(sql_and(_column(writer, computed, plan.kind, {op: value[op]}, row.table, "")))
        same = f"{published.column('id')} = {row.column('working_of')}"
        rows = f"select 1 from {row.table} {published.alias} where {same} and"
        if op in ("ne", "notIn"):
            out.append(f"({sides[0]} and not exists ({rows} {sql_not(sides[1])}))")
        else:
            out.append(f"({sides[0]} or exists ({rows} {sides[1]}))")
    return out


def _column(
    writer: FilterContext,
    sql: str,
    kind: ValueKind,
    arguments: Mapping[str, ArgumentValue],
    table: str,
    column: str,
) -> list[str]:
    out = []
    for op in sorted(arguments):
        value = arguments[op]
        weight = condition_weight(table, column, op)
        writer.charge_scan(weight, [value] if weight >= 1 else ())
        if op == "isNull":
            if value is not None:
                out.append(_null(writer, sql, value))
        elif value is None:
            if op not in ("eq", "ne"):
                raise ApiError(
                    "BAD_USER_INPUT",
                    f"`{op}: null` compares with nothing.",
                    "Use `isNull: true` or leave it out.",
                )
            out.append(f"{sql} is {'not ' if op == 'ne' else ''}null")
        elif op in ("in", "notIn"):
            param = writer.param(
                value,
                _LISTS.get(kind, "texts"),
                ListParam(_convert(writer, kind, table, column), writer.limits.input_items),
            )
            result = writer.dialect.in_list(sql, param)
            out.append(result if op == "in" else sql_not(result))
        else:
            comparable = op in ("eq", "ne")
            if op.endswith("Fold"):
                param = writer.param(value, kind, FoldedTextParam(writer.limits.text))
                out.append(_text_condition(writer, op.removesuffix("Fold"), writer.dialect.fold(sql), param))
                continue
            convert = _convert(writer, kind, table, column if comparable or column in SLUG_COLUMNS else "")
            param = writer.param(value, kind, convert)
            if op == "eq" and _is_path(table, column):
                param = _present_path(writer, param)
            match op:
                case "eq" | "startsWith" | "contains":
                    out.append(_text_condition(writer, op, sql, param))
                case "ne":
                    out.append(f"coalesce({sql} <> {param}, true)")
                case _:
                    out.append(f"{writer.dialect.sortable(sql, kind)} {_COMPARISONS[op]} {param}")
    return out


def _text_condition(writer: FilterContext, op: str, sql: str, param: str) -> str:
    match op:
        case "startsWith":
            return writer.dialect.starts_with(sql, param)
        case "contains":
            return writer.dialect.contains(sql, param)
        case _:
            return f"{sql} = {param}"


def _is_path(table: str, column: str) -> bool:
    return (table, column) == ("category", "path")


def _present_path(writer: FilterContext, path: str) -> str:
    """SQL of the path that a section has now, by SQL of its present or a former path."""
    present, former, moved = (writer.new_row(table) for table in ("category", "path_history", "category"))
    by_path = (
        f"select {present.column('path')} from category {present.alias} where {present.alias}.path = {path}"
    )
    by_former = (
        f"select {moved.column('path')} from path_history {former.alias} join category {moved.alias}"
        f" on {moved.alias}.id = {former.column('category_id')} where {former.column('path')} = {path}"
    )
    return f"coalesce(({by_path}), ({by_former}), {path})"


def language_rank_sql(dialect: Dialect, column: str, ranges: str, name: str) -> str:
    """SQL of the position of the first range that matches a language, NULL if none does (RFC 4647, 3.3.1).

    `ranges` is a parameter of `LanguageRangesParam`; `name` makes the names in the SQL unique.
    """
    language, item = f"lower({dialect.sortable(column, 'text')})", f"l{name}"
    more_specific = dialect.starts_with(language, f"{item}.t || '-'")
    matches = f"{item}.t = '{ANY_LANGUAGE}' or {language} = {item}.t or {more_specific}"
    return f"(select min({item}.n) from {dialect.unnest_texts(ranges, item)} where {matches})"


def _convert(writer: FilterContext, kind: ValueKind, table: str, column: str) -> Callable[[Any], Any]:
    if kind == "id":
        return IdParam(table)
    if (table, column) == ("article", "language"):
        return LanguageParam(writer.limits.text)
    if column in SLUG_COLUMNS:
        return SlugParam(writer.limits.text)
    return TextParam(writer.limits.text) if kind in ("text", "plain") else passthrough


def _null(writer: FilterContext, sql: str, value: ArgumentValue) -> str:
    return f"{sql} is {'' if writer.constrain(value) else 'not '}null"


def _one(
    writer: FilterContext, relation: ToOne, inner: str, arguments: Mapping[str, ArgumentValue], row: RowRef
) -> list[str]:
    there = writer.new_row(relation.table)
    seen = writer.visible(there, via_visible=relation.visible_with_source)
    writer.charge_scan(LIGHT_WEIGHT)
    request = {name: value for name, value in arguments.items() if name != "isNull"}
    here = row.column(relation.column)
    key = writer.public_id(there) if relation.by_public_id else f"{there.alias}.{relation.key}"
    out: list[str] = []
    if arguments.get("isNull") is not None:
        missing = bool(writer.constrain(arguments["isNull"]))
        if seen:  # an invisible row counts as missing
            rows = f"{relation.table} {there.alias} where {sql_and(seen)}"
            result = f"{here} in {writer.uncorrelated_subquery(f'select {key} from {rows}')}"
            out.append(sql_not(result) if missing else result)
        else:
            out.append(f"{here} is {'' if missing else 'not '}null")
    if request:
        where = sql_and(seen + compile_filter(writer, inner, request, there))
        rows = f"select {key} from {relation.table} {there.alias} where {where}"
        one = _leads_to_one(relation.table, request)
        out.append(f"{here} = ({rows})" if one else f"{here} in {writer.uncorrelated_subquery(rows)}")
    return out


def _leads_to_one(table: str, conditions: Mapping[str, ArgumentValue]) -> bool:
    if len(conditions) != 1:
        return False
    ((name, ops),) = conditions.items()
    return (
        name in UNIQUE_COLUMNS.get(table, ())
        and isinstance(ops, Mapping)
        and list(ops) == ["eq"]
        and isinstance(ops["eq"], Constant | VariableRef | ListValue)
    )


def _starts_from_index(relation: ToMany, value: Any) -> bool:
    """True if the related rows are few: one of the conditions compares an indexed column with values."""
    if not isinstance(value, Mapping):
        return False
    return any(
        (isinstance(ops, Mapping) and ops.keys() & {"eq", "in"} and is_indexed(relation.table, name))
        or (name == "and" and any(_starts_from_index(relation, one) for one in ops or ()))
        for name, ops in value.items()
    )


def _quantified(
    writer: FilterContext, relation: ToMany, quantifier: str, inner: str, value: ArgumentValue, row: RowRef
) -> str:
    if quantifier == "every" or not _starts_from_index(relation, value):
        writer.charge_scan(RELATION_WEIGHT, [value])
    there = writer.new_row(relation.table)
    source, where, back = writer.relation_source(relation, row, there)
    request = compile_filter(writer, inner, value, there)
    here = writer.public_id(row) if relation.by_public_id else row.column(relation.column)
    unmet = [sql_not(sql_and(request))] if quantifier == "every" else request
    if "{here}" in relation.where:
        rows = f"select 1 from {source} where {sql_and([f'{back} = {here}', *where, *unmet])}"
        return f"{'' if quantifier == 'some' else 'not '}exists ({rows})"
    # As a set, so that the database can start from the smaller side.
    select = f"select {back} from {source} where {sql_and(where + unmet)}"
    text = f"{here} in {writer.uncorrelated_subquery(select)}"
    return text if quantifier == "some" else sql_not(text)
