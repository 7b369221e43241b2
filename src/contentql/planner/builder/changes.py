"""Delta sync: the articles that a client has to store or to remove since its last request.

The first requests list the visible articles that match the filter ("start", "listing"); those after them
read the article log from the position of the token, and what the clock has changed since its time ("delta").
An article is read in its present state, so it may be sent more often than it has changed, and never less.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphql import FieldNode, SelectionSetNode

from contentql.content import ids
from contentql.errors import ApiError, LimitError
from contentql.planner.builder.context import (
    SHARED_ARTICLE_VARIABLE,
    VIEWER_ACCOUNT_VARIABLE,
    BuildContext,
)
from contentql.planner.builder.list_rows import apply_filter
from contentql.planner.builder.nodes import leaf_value, selection_sets
from contentql.planner.builder.paging import first_argument
from contentql.planner.builder.rows import table_rows
from contentql.planner.cursors import ListFingerprint
from contentql.planner.filters import sql_and
from contentql.planner.operation import ArgumentValue, resolve_value
from contentql.planner.params import passthrough
from contentql.planner.sql.nodes import (
    ArrayNode,
    CaseNode,
    ObjectNode,
    ParamKind,
    ResultNode,
    ScalarNode,
)
from contentql.planner.sync_tokens import (
    MAX_ID,
    SyncBinding,
    SyncPage,
    SyncTokenValue,
    token_phase,
)

PLACEHOLDER = "sync "  # key of the object in place of a token, with the number of the page
_WINDOW = 500  # rows of the log and changes by the clock that one page reads at most
# Filters through which an article would match or not because of other articles, whose changes do not log it.
_OTHER_ARTICLES = frozenset({"articles", "related", "translations", "children"})
_PUBLIC = "{0}.status IN ('PUBLISHED', 'SCHEDULED') AND {0}.deleted_at IS NULL"

_TIMES: dict[str, ParamKind] = {"at": "time", "time": "time", "key_time": "time", "expires_at": "time"}


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


def check_sync_filter(value: Any) -> None:
    """Raises ApiError BAD_USER_INPUT for conditions on other articles."""
    if isinstance(value, list):
        for item in value:
            check_sync_filter(item)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name in _OTHER_ARTICLES and inner is not None:
                raise ApiError(
                    "BAD_USER_INPUT",
                    f"`changes` cannot follow the condition `{name}`, which depends on other objects than"
                    " those that the article shows.",
                    "Use conditions on the article itself, or on its sections, tags, authors, sources,"
                    " story and media.",
                )
            check_sync_filter(inner)


class _ChangePageBuilder:
    """Builds the common table expressions of one page, and the JSON that reads them."""

    def __init__(self, context: BuildContext, arguments: dict[str, ArgumentValue]) -> None:
        self.context, self.arguments = context, arguments
        self.size = first_argument(context, arguments)
        if self.size < 1:
            raise LimitError(
                "INVALID_PAGE_SIZE",
                "`first` must be at least 1.",
                "Ask for 50 changes, for example.",
                count=self.size,
                limit=context.limits.page,
            )
        since = arguments.get("since")
        token = None if since is None else leaf_value(since)
        self.phase = "start" if token is None else context.constrain(token, token_phase)
        self.token = None if self.phase == "start" else token
        fingerprint = ListFingerprint("Query.changes", {"filter": arguments.get("filter")})
        names = (VIEWER_ACCOUNT_VARIABLE, SHARED_ARTICLE_VARIABLE)
        self.page = SyncPage(
            context.sync_tokens, self.token, SyncBinding(fingerprint, context.visibility, names)
        )
        self.number = len(context.totals.sync_pages)
        context.totals.sync_pages.append(self.page)
        self.now = context.now()
        self._params: dict[str, str] = {}

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
                    return ObjectNode(((f"{PLACEHOLDER}{self.number}", ScalarNode(facts, "plain")),))
                case "hasMore":
                    return ScalarNode(f"({more} or not {valid})", "bool")
                case _:
                    return ScalarNode(f"(not {valid})", "bool")

        fields = context.operation.collect_fields(selections, frozenset({"ChangePage"}), context.included)
        return ObjectNode(tuple((key, field(key, group)) for key, group in fields.items()))

    # JSON

    def _changes(self, context: BuildContext, selections: Sequence[SelectionSetNode]) -> ResultNode:
        change, base = context.alias(), table_rows(context, "article")
        context = context.inside_list(self.size)

        def field(key: str, group: list[FieldNode], type_name: str) -> ResultNode:
            match group[0].name.value:
                case "__typename":
                    return f'"{type_name}"'
                case "id":
                    return ScalarNode(f"{change}.article_id", "id", prefix=f"{ids.PREFIXES['article']}_")
                case "article":
                    inner = selection_sets(group)
                    return context.build_object(context.at_field(key), "Article", inner, base.row)
                case "reason":
                    return ScalarNode(f"{change}.reason", "plain")
                case _:
                    return ScalarNode(f"{change}.changed_at", "time")

        def item(type_name: str) -> ResultNode:
            fields = context.operation.collect_fields(
                selections, frozenset({type_name, "ArticleChange"}), context.included
            )
            own = [(key, field(key, group, type_name)) for key, group in fields.items()]
            marks: list[tuple[str, ResultNode]] = (
                [("__is", f'"{type_name}"')] if context.with_typename else []
            )
            return ObjectNode((*marks, *own))

        types = ("Upserted", "Removed") if self.phase == "delta" else ("Upserted",)
        node = CaseNode(f"{change}.kind", tuple((name, item(name)) for name in types))
        rows = (
            f"(select * from {self.output} order by place limit {self.size}) {change}"
            f" left join article {base.row.alias} on {base.row.alias}.id = {change}.row_id"
            f"{''.join(base.row.scope.joins)}"
        )
        return ArrayNode(node, rows, f"{change}.place")

    # SQL of a list of all articles

    def _listing(self) -> tuple[str, str, str, str]:
        """Returns the table of the changes, and SQL of the facts of the next token, of whether there are more
        changes, and of whether the token is valid."""
        context, listing = self.context, self.phase == "listing"
        base = table_rows(context, "article")
        row = base.row.alias
        base.where += context.visible(base.row, via_visible=False)
        apply_filter(context, base, "article", "Article", self.arguments)
        id_, public = context.public_id(base.row), context.visibility.is_public
        keys = (f"{row}.published_at", id_) if public else (id_,)
        time = keys[0] if public else self.now
        if listing:
            bounds = (*((self._token("key_time"),) if public else ()), self._token("key_id"))
            base.where.append(f"({', '.join(keys)}) < ({', '.join(bounds)})")
            base.where.append(self._is_valid())
        order = ", ".join(f"{key} desc" for key in keys)
        # The window function is over the limited rows: SQLite would evaluate it for all.
        items = self._table(
            "select l.*, 'Upserted' as kind, row_number() over (order by"
            f" {'l.changed_at desc, ' if public else ''}l.article_id desc) as place"
            f" from (select {id_} as article_id, {row}.id as row_id, {time} as changed_at"
            f" from {base.source} where {sql_and(base.where)} order by {order} limit {self.size + 1}) l"
        )
        more = f"((select count(*) from {items}) > {self.size})"
        last = self._table(f"select * from {items} where place = {self.size}")
        valid = self._is_valid() if listing else self._true()
        fresh = self._position(self._latest_row())
        position = [self._token(name) for name in ("seq", "at", "article", "time")] if listing else fresh
        key = [f"(select changed_at from {last})", f"(select article_id from {last})"]
        top = [self._latest(), str(MAX_ID)]
        facts = (
            f"case when not {valid} then {self._facts('listing', [*fresh, *top])}"
            f" when {more} then {self._facts('listing', [*position, *key])}"
            f" else {self._facts('delta', [*position, position[3], str(MAX_ID)])} end"
        )
        return items, facts, more, valid

    # SQL of the changes since a token

    def _delta(self) -> tuple[str, str, str, str]:
        """As `_listing`."""
        valid, seq = self._is_valid(), self._token("seq")
        later = (
            f"select 1 from article_log n where n.article_id = {{}} and n.seq > {{}}"
            f" and {self._is_relevant('n')}"
        )
        log = self._table(
            f"select l.seq, l.at, l.article_id from article_log l where l.seq > {seq}"
            f" and {self._is_relevant('l')} and {valid}"
            f" and not exists ({later.format('l.article_id', 'l.seq')}) order by l.seq limit {_WINDOW}"
        )
        start, key_time = self._token("time"), self._token("key_time")
        clock = self._table(
            f"select t.article_id, max(t.time) as time from {self._clock_changes()} t"
            f" where {valid} and (t.time > {key_time} or t.article_id > {self._token('key_id')})"
            f" and not exists ({later.format('t.article_id', seq)})"
            f" group by t.article_id order by 2, 1 limit {_WINDOW}"
        )
        candidates = self._table(
            "select c.*, row_number() over (order by c.part, c.seq, c.changed_at, c.article_id) as place"
            f" from (select 0 as part, seq, at, article_id, at as changed_at from {log}"
            f" union all select 1, null, null, article_id, time from {clock}"
            f" where (select count(*) from {log}) < {_WINDOW}) c"
        )
        changes = self._verdicts(candidates)
        full = f"(select count(*) from {changes}) > {self.size}"
        more = f"({full} or (select count(*) from {candidates}) >= {_WINDOW})"
        end = self._table(
            f"select c.part, c.changed_at, c.article_id, c.place from {candidates} c where c.place = case"
            f" when {full} then (select place from {changes} order by place limit 1 offset {self.size - 1})"
            f" else (select max(place) from {candidates}) end"
        )
        log_end = self._table(
            f"select seq, at, article_id from {candidates}"
            f" where part = 0 and place <= (select place from {end}) order by place desc limit 1"
        )
        position = [
            f"coalesce((select {column} from {log_end}), {self._token(name)})"
            for column, name in (("seq", "seq"), ("at", "at"), ("article_id", "article"))
        ]
        in_clock = f"(select part from {end}) = 1"
        times = [
            # Times before the token's are not read again while there are more changes.
            f"case when {more} then {start} else {self.now} end",
            f"case when not {more} then {self.now} when {in_clock} then (select changed_at from {end})"
            f" else {self._token('key_time')} end",
            f"case when not {more} then {MAX_ID} when {in_clock} then (select article_id from {end})"
            f" else {self._token('key_id')} end",
        ]
        begin = self._latest_row()
        facts = (
            f"case when not {valid} then"
            f" {self._facts('listing', [*self._position(begin), self._latest(), str(MAX_ID)])}"
            f" when not exists (select 1 from {candidates}) then ''"
            f" else {self._facts('delta', [*position, *times])} end"
        )
        return changes, facts, more, valid

    def _clock_changes(self) -> str:
        """Returns a subquery: articles, and times after the token's at which what they show has changed."""
        between = f"{{0}} >= {self._token('key_time')} and {{0}} <= {self.now}"
        # The public has seen the article, or sees it now.
        released = (
            _PUBLIC + f" and {{0}}.published_at <= {self.now}"
            f" and ({{0}}.embargo_until is null or {{0}}.embargo_until <= {self.now})"
            " and ({0}.expires_at is null or ({0}.expires_at > {0}.published_at"
            " and ({0}.embargo_until is null or {0}.expires_at > {0}.embargo_until)))"
        )
        moved = self._table(
            " union all ".join(
                f"select a.id, a.{column} as time from article a"
                f" where {between.format(f'a.{column}')} and {released.replace('{0}', 'a')}"
                for column in ("published_at", "embargo_until", "expires_at")
            )
        )
        ended = between.format("m.expires_at")
        parts = [
            f"select id as article_id, time from {moved}",
            f"select r.article_id, v.time from {moved} v join article_related r on r.related_id = v.id",
            f"select o.id, v.time from {moved} v join article x on x.id = v.id"
            " join article o on o.translation_group = x.translation_group",
            "select l.article_id, m.expires_at from media m join article_media l on l.media_id = m.id"
            f" where {ended}",
            f"select x.id, m.expires_at from media m join article x on x.lead_media_id = m.id where {ended}",
            "select l.article_id, m.expires_at from media m join author u on u.image_id = m.id"
            f" join article_author l on l.author_id = u.id where {ended}",
        ]
        # A working copy has the id of the article that it copies.
        return (
            "(select case when x.working_of <> 0 then x.working_of else x.id end as article_id, t.time"
            f" from ({' union all '.join(parts)}) t join article x on x.id = t.article_id"
            + (f" where {released.replace('{0}', 'x')}" if self.context.visibility.is_public else "")
            + ")"
        )

    def _verdicts(self, candidates: str) -> str:
        """Returns the table of the changes: articles to store, and those to remove with the reason."""
        context = self.context
        base = table_rows(context, "article")
        same = context.matches_public_id(base.row, "c.article_id")
        visible = context.visible(base.row, via_visible=False)
        apply_filter(context, base, "article", "Article", self.arguments)
        seen = self._table(
            f"select c.article_id, {base.row.alias}.id as row_id,"
            f" case when {sql_and(base.where) if base.where else self._true()} then 1 else 0 end as matches"
            f" from {candidates} c join article {base.row.alias} on {same} where {sql_and(visible)}"
        )
        removed = (
            "case when s.row_id is not null then 'LEFT_FILTER'"
            " when r.id is null or r.deleted_at is not null then 'DELETED'"
            " when r.status = 'WITHDRAWN' then 'WITHDRAWN'"
            f" when r.expires_at <= {self.now} and r.status in ('PUBLISHED', 'SCHEDULED') then 'EXPIRED'"
            " else 'UNPUBLISHED' end"
        )
        return self._table(
            "select c.*, s.row_id, case when s.matches = 1 then 'Upserted' else 'Removed' end as kind,"
            f" {removed} as reason from {candidates} c left join {seen} s on s.article_id = c.article_id"
            " left join article r on r.id = c.article_id"
            f" where s.matches = 1 or {self._was_visible()}"
            f" order by c.place limit {self.size + 1}"
        )

    def _was_visible(self) -> str:
        """The condition that the client may have stored the article of the candidate `c`."""
        seq, start = self._token("seq"), self._token("time")
        # Not the state at the token's position alone: an earlier page may have had a later state.
        public = (
            f"w.was_from <= w.at and w.was_from <= {self.now}"
            f" and (w.was_until is null or w.was_until > {start})"
        )
        rule = self._for_viewer(public, "w")
        logged = (
            f"exists (select 1 from article_log w where w.article_id = c.article_id and w.seq > {seq}"
            f" and {rule})"
        )
        by_clock = (
            f"(s.row_id is not null or (r.status in ('PUBLISHED', 'SCHEDULED') and r.deleted_at is null"
            f" and r.expires_at <= {self.now}))"
        )
        return f"case c.part when 0 then {logged} else {by_clock} end"

    # Parts

    def _table(self, select: str) -> str:
        """Adds a common table expression, which is evaluated once, and returns its name."""
        name = self.context.alias()
        self.context.statement.ctes.append(f"{name} as materialized ({select})")
        return name

    def _is_relevant(self, row: str) -> str:
        """The condition that a row of the log can concern the viewer."""
        start = self._token("time") if self.phase == "delta" else self.now
        # Hidden writes, such as those of articles that are not published yet, change no token.
        intervals = " or ".join(
            f"({row}.{interval}_from <= {self.now}"
            f" and ({row}.{interval}_until is null or {row}.{interval}_until > {start}))"
            for interval in ("was", "is")
        )
        return self._for_viewer(f"({row}.public and ({intervals}))", row)

    def _for_viewer(self, public: str, row: str) -> str:
        """A condition on a row of the log: `public`, or that the row concerns an unpublished article that the
        viewer sees."""
        match self.context.visibility.articles:
            case "public":
                return public
            case "linked":
                return f"({public} or {row}.article_id = {self.context.shared_article()})"
            case "own":
                return f"({public} or {row}.owner = {self.context.viewer_account()})"
            case "all":
                return self._true()

    def _is_valid(self) -> str:
        """The condition that the token is not too old, and a position of this log."""
        row = (
            f"select 1 from article_log f where f.seq = {self._token('seq')}"
            f" and f.article_id = {self._token('article')} and f.at = {self._token('at')}"
        )
        return f"({self._token('expires_at')} > {self.now} and exists ({row}))"

    def _latest_row(self) -> str:
        """Returns a table: the last row of the log that can concern the viewer, or else the first row."""
        return self._table(
            f"select l.seq, l.at, l.article_id from article_log l where {self._is_relevant('l')}"
            " or l.seq = (select min(seq) from article_log) order by l.seq desc limit 1"
        )

    def _position(self, table: str) -> list[str]:
        columns = [f"(select {column} from {table})" for column in ("seq", "at", "article_id")]
        return [*columns, self.now]

    def _facts(self, phase: str, values: Sequence[str]) -> str:
        """SQL of the facts for `SyncPage.next_token`, in the order of `sync_tokens.FACTS`."""
        dialect = self.context.dialect
        kinds = ("int", "time", "int", "time", "time", "int")
        texts = [
            dialect.text_of(value, "time") if kind == "time" else dialect.as_text(value)
            for value, kind in zip(values, kinds, strict=True)
        ]
        return dialect.join_with_dots([f"'{phase}'", *texts])

    def _token(self, name: str) -> str:
        assert self.token is not None
        if name not in self._params:
            source = SyncTokenValue(self.page.tokens, self.token, self.page.binding, name)
            self._params[name] = self.context.param(source, _TIMES.get(name, "id"), passthrough)
        return self._params[name]

    def _latest(self) -> str:
        return self.context.dialect.max_timestamp

    def _true(self) -> str:
        return "(1 = 1)"
