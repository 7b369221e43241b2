"""Delta sync: the articles that a client has to store or to remove since its last request.

The first requests list the visible articles that match the filter ("start", "listing"); those after them
read the article log from the position of the token, and what the clock has changed since its time ("delta").
An article is read in its present state, so it may be sent more often than it has changed, and never less.
"""

from __future__ import annotations

from collections.abc import Sequence

from graphql import FieldNode, SelectionSetNode

from contentql.content import ids
from contentql.errors import ApiError
from contentql.planner.builder.context import (
    BuildContext,
    RowSource,
)
from contentql.planner.builder.list_rows import apply_filter
from contentql.planner.builder.log_reader import LogReader
from contentql.planner.builder.nodes import selection_sets
from contentql.planner.builder.rows import order_sql, outer_order_sql, rows_sql, table_rows
from contentql.planner.builder.sync_filters import check_sync_filter, depends_on_time, filter_change_sql
from contentql.planner.filters import sql_and
from contentql.planner.operation import ArgumentValue, resolve_value
from contentql.planner.sql.nodes import (
    ArrayNode,
    CaseNode,
    ObjectNode,
    ResultNode,
    RowRef,
    ScalarNode,
    SortKey,
)
from contentql.planner.sync_tokens import (
    MAX_ID,
)
from contentql.planner.visibility import visible_so_far_sql
from contentql.store.article_log_triggers import MEDIA_USES

PLACEHOLDER = "sync "  # key of the object in place of a token, with the number of the page


def build_changes(
    context: BuildContext, arguments: dict[str, ArgumentValue], selections: Sequence[SelectionSetNode]
) -> ResultNode:
    """Builds a page of changes. Raises ApiError for a filter that cannot be followed."""
    if context.visibility.at_preview_time:
        raise ApiError(
            "BAD_USER_INPUT",
            "`changes` has no preview time.",
            "Leave out the header X-Preview-At, or use `articles`.",
        )
    check_sync_filter(resolve_value(arguments.get("filter"), context.operation.variables))
    context.totals.max_age = 0
    # The response is not cached: it would depend on every row of the log.
    return _ChangePageBuilder(context._copy(with_markers=False), arguments).build(selections)


class _ChangePageBuilder(LogReader):
    """Builds the common table expressions of one page, and the JSON that reads them."""

    def build(self, selections: Sequence[SelectionSetNode]) -> ResultNode:
        self.output, facts, more, valid = self._delta() if self.phase == "delta" else self._listing()
        context = self.context

        def field(key: str, group: list[FieldNode]) -> ResultNode:
            match group[0].name.value:
                case "__typename":
                    return '"ChangePage"'
                case "changes":
                    return self._changes(context.at_field(key), selection_sets(group))
                case "nextToken":
                    context.totals.sync_tokens += 1
                    return ObjectNode(((f"{PLACEHOLDER}{self.number}", ScalarNode(facts, "plain")),))
                case "hasMore":
                    return ScalarNode(f"({more} or not {valid})", "bool")
                case _:
                    return ScalarNode(f"(not {valid})", "bool")

        fields = context.operation.collect_fields(selections, frozenset({"ChangePage"}), context.included)
        return ObjectNode(tuple((key, field(key, group)) for key, group in fields.items()))

    # JSON

    def _changes(self, context: BuildContext, selections: Sequence[SelectionSetNode]) -> ResultNode:
        inner = context.inside_list(self.size)
        if self.phase != "delta":
            base = self._listed_articles(self.size)
            node = self._change(inner, selections, "Upserted", base.row, context.public_id(base.row))
            return ArrayNode(node, rows_sql(context, base), outer_order_sql(context, base))
        change, row = context.alias(), table_rows(context, "article").row
        cases = [
            (name, self._change(inner, selections, name, row, f"{change}.article_id", change))
            for name in ("Upserted", "Removed")
        ]
        rows = (
            f"(select * from {self.output} order by place limit {self.size}) {change}"
            f" left join article {row.alias} on {row.alias}.id = {change}.row_id{''.join(row.scope.joins)}"
        )
        return ArrayNode(CaseNode(f"{change}.kind", tuple(cases)), rows, f"{change}.place")

    def _change(
        self,
        context: BuildContext,
        selections: Sequence[SelectionSetNode],
        type_name: str,
        row: RowRef,
        article_id: str,
        change: str = "",
    ) -> ObjectNode:
        """The JSON of one change. `row` is the article to store, `change` the row with the removal."""

        def field(key: str, group: list[FieldNode]) -> ResultNode:
            match group[0].name.value:
                case "__typename":
                    return f'"{type_name}"'
                case "id":
                    return ScalarNode(article_id, "id", prefix=f"{ids.PREFIXES['article']}_")
                case "article":
                    return context.build_object(context.at_field(key), "Article", selection_sets(group), row)
                case "reason":
                    return ScalarNode(f"{change}.reason", "plain")
                case _:
                    return ScalarNode(f"{change}.changed_at", "time")

        types = frozenset({type_name, "ArticleChange"})
        fields = context.operation.collect_fields(selections, types, context.included)
        marks: list[tuple[str, ResultNode]] = [("__is", f'"{type_name}"')] if context.with_typename else []
        return ObjectNode((*marks, *((key, field(key, group)) for key, group in fields.items())))

    # SQL of a list of all articles

    def _listed_articles(self, size: int) -> RowSource:
        """The visible articles that match the filter, after the position of the token."""
        context, public = self.context, self.context.visibility.is_public
        base = table_rows(context, "article")
        base.where += context.visible(base.row, via_visible=False)
        apply_filter(context, base, "article", "Article", self.arguments)
        id_key = SortKey(context.public_id(base.row), "id", True)
        published = [SortKey(f"{base.row.alias}.published_at", "time", True)] if public else []
        base.keys, base.limit = [*published, id_key], str(size)
        if self.phase == "listing":
            keys = ", ".join(key.sql for key in base.keys)
            bounds = [*([self.token_value("key_time")] if public else []), self.token_value("key_id")]
            # First: of two bounds on a column, SQLite uses the first one for the index.
            base.where.insert(0, f"({keys}) < ({', '.join(bounds)})")
            base.where.append(self.is_valid())
        return base

    def _listing(self) -> tuple[str, str, str, str]:
        """Returns the table of the changes, and SQL of the facts of the next token, of whether there are more
        changes, and of whether the token is valid."""
        context, listing = self.context, self.phase == "listing"
        base = self._listed_articles(self.size + 1)
        order, keys = order_sql(context, base), [key.sql for key in base.keys]
        time = keys[0] if len(keys) == 2 else self.now
        items = self.table(
            f"select {keys[-1]} as article_id, {time} as changed_at from {base.source}"
            f" where {sql_and(base.where)} order by {order} limit {base.limit}"
        )
        more = f"((select count(*) from {items}) > {self.size})"
        last = self.table(
            f"select * from {items} order by changed_at desc, article_id desc limit 1 offset {self.size - 1}"
        )
        valid = self.is_valid() if listing else self.true()
        fresh = self.position(self.latest_row())
        position = [self.token_value(name) for name in ("seq", "at", "article", "time")] if listing else fresh
        key = [f"(select changed_at from {last})", f"(select article_id from {last})"]
        top = [self.latest_time(), str(MAX_ID)]
        facts = (
            f"case when not {valid} then {self.facts('listing', [*fresh, *top])}"
            f" when {more} then {self.facts('listing', [*position, *key])}"
            f" else {self.facts('delta', [*position, position[3], str(MAX_ID)])} end"
        )
        return items, facts, more, valid

    # SQL of the changes since a token

    def _delta(self) -> tuple[str, str, str, str]:
        """As `_listing`."""
        valid, seq = self.is_valid(), self.token_value("seq")
        later = (
            f"select 1 from article_log n where n.article_id = {{}} and n.seq > {{}}"
            f" and {self.is_relevant('n')}"
        )
        log = self.table(
            f"select l.seq, l.at, l.article_id from article_log l where l.seq > {seq}"
            f" and {self.is_relevant('l')} and {valid}"
            f" and not exists ({later.format('l.article_id', 'l.seq')}) order by l.seq limit {self.window}"
        )
        start, key_time = self.token_value("time"), self.token_value("key_time")
        clock = self.table(
            f"select t.article_id, max(t.time) as time from {self._clock_changes()} t"
            f" where {valid} and (t.time > {key_time} or t.article_id > {self.token_value('key_id')})"
            f" and not exists ({later.format('t.article_id', seq)})"
            f" group by t.article_id order by 2, 1 limit {self.window}"
        )
        candidates = self.table(
            "select c.*, row_number() over (order by c.part, c.seq, c.changed_at, c.article_id) as place"
            f" from (select 0 as part, seq, at, article_id, at as changed_at from {log}"
            f" union all select 1, null, null, article_id, time from {clock}"
            f" where (select count(*) from {log}) < {self.window}) c"
        )
        changes = self._verdicts(candidates)
        full = f"(select count(*) from {changes}) > {self.size}"
        more = f"({full} or (select count(*) from {candidates}) >= {self.window})"
        end = self.table(
            f"select c.part, c.changed_at, c.article_id, c.place from {candidates} c where c.place = case"
            f" when {full} then (select place from {changes} order by place limit 1 offset {self.size - 1})"
            f" else (select max(place) from {candidates}) end"
        )
        log_end = self.table(
            f"select seq, at, article_id from {candidates}"
            f" where part = 0 and place <= (select place from {end}) order by place desc limit 1"
        )
        position = [
            f"coalesce((select {column} from {log_end}), {self.token_value(name)})"
            for column, name in (("seq", "seq"), ("at", "at"), ("article_id", "article"))
        ]
        in_clock = f"(select part from {end}) = 1"
        times = [
            # Times before the token's are not read again while there are more changes.
            f"case when {more} then {start} else {self.now} end",
            f"case when not {more} then {self.now} when {in_clock} then (select changed_at from {end})"
            f" else {self.token_value('key_time')} end",
            f"case when not {more} then {MAX_ID} when {in_clock} then (select article_id from {end})"
            f" else {self.token_value('key_id')} end",
        ]
        begin = self.latest_row()
        facts = (
            f"case when not {valid} then"
            f" {self.facts('listing', [*self.position(begin), self.latest_time(), str(MAX_ID)])}"
            f" when not exists (select 1 from {candidates}) then ''"
            f" else {self.facts('delta', [*position, *times])} end"
        )
        return changes, facts, more, valid

    def _clock_changes(self) -> str:
        """Returns a subquery: articles, and times after the token's at which what they show has changed."""
        between = f"{{0}} >= {self.token_value('key_time')} and {{0}} <= {self.now}"
        moved = self.table(
            " union all ".join(
                f"select a.id, a.{column} as time from article a"
                f" where {between.format(f'a.{column}')} and {visible_so_far_sql('a', self.now)}"
                for column in ("published_at", "embargo_until", "expires_at")
            )
        )
        ended = between.format("m.expires_at")
        parts = [
            f"select id as article_id, time from {moved}",
            f"select r.article_id, v.time from {moved} v join article_related r on r.related_id = v.id",
            f"select o.id, v.time from {moved} v join article x on x.id = v.id"
            " join article o on o.translation_group = x.translation_group",
            *(
                f"select {use.article}, m.expires_at from media m, {use.rows}"
                f" where {use.used} = m.id and {ended}"
                for use in MEDIA_USES
            ),
        ]
        # A working copy has the id of the article that it copies.
        return (
            "(select case when x.working_of <> 0 then x.working_of else x.id end as article_id, t.time"
            f" from ({' union all '.join(parts)}) t join article x on x.id = t.article_id"
            + (f" where {visible_so_far_sql('x', self.now)}" if self.context.visibility.is_public else "")
            + ")"
        )

    def _verdicts(self, candidates: str) -> str:
        """Returns the table of the changes: articles to store, and those to remove with the reason.

        `own` is the row of the article itself, `seen` the row that the viewer sees, perhaps a working copy.
        """
        context = self.context
        base = table_rows(context, "article")
        seen = base.row.alias
        visible = context.visible(base.row, via_visible=False)
        apply_filter(context, base, "article", "Article", self.arguments)
        if context.visibility.is_public:  # then both are one row
            own, joins = seen, f"left join article {seen} on {seen}.id = c.article_id"
            is_seen = f"({sql_and(visible)})"
        else:
            own = context.alias()
            same = context.matches_public_id(base.row, "c.article_id")
            joins = (
                f"left join article {own} on {own}.id = c.article_id"
                f" left join article {seen} on {sql_and([same, *visible])}"
            )
            is_seen = f"({seen}.id is not null)"
        matches = f"({sql_and([is_seen, *base.where])})"
        removed = (
            f"case when {is_seen} then 'LEFT_FILTER'"
            f" when {own}.id is null or {own}.deleted_at is not null then 'DELETED'"
            f" when {own}.status = 'WITHDRAWN' then 'WITHDRAWN'"
            f" when {own}.expires_at <= {self.now} and {own}.status in ('PUBLISHED', 'SCHEDULED')"
            " then 'EXPIRED' else 'UNPUBLISHED' end"
        )
        return self.table(
            f"select c.*, {seen}.id as row_id,"
            f" case when {matches} then 'Upserted' else 'Removed' end as kind,"
            f" {removed} as reason from {candidates} c {joins}"
            f" where {matches} or {self._was_visible(is_seen, own)} order by c.place limit {self.size + 1}"
        )

    def _was_visible(self, is_seen: str, own: str) -> str:
        """The condition that the client may have stored the article of the candidate `c`."""
        seq, start = self.token_value("seq"), self.token_value("time")
        # Not the state at the token's position alone: an earlier page may have had a later state.
        public = (
            f"w.was_from <= w.at and w.was_from <= {self.now}"
            f" and (w.was_until is null or w.was_until > {start})"
        )
        rule = self.for_viewer(public, "w")
        logged = f"select 1 from article_log w where w.article_id = c.article_id and w.seq > {seq} and"
        filter_, with_copies = self.filter_value, not self.context.visibility.is_public
        left = f"exists ({logged} {filter_change_sql(filter_, 'w', with_copies=with_copies)})"
        was_stored = f"exists ({logged} {rule}) and (not {is_seen} or {left})"
        left_by_clock = is_seen if depends_on_time(filter_) else "(1 = 0)"
        by_clock = (
            f"({left_by_clock} or (not {is_seen} and {own}.status in ('PUBLISHED', 'SCHEDULED')"
            f" and {own}.deleted_at is null"
            f" and {own}.expires_at <= {self.now}))"
        )
        return f"case c.part when 0 then {was_stored} else {by_clock} end"
