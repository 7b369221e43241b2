"""SQL that reads the article log from the position of a sync token."""

from __future__ import annotations

from collections.abc import Sequence

from contentql.errors import LimitError
from contentql.planner.builder.context import (
    SHARED_ARTICLE_VARIABLE,
    VIEWER_ACCOUNT_VARIABLE,
    BuildContext,
)
from contentql.planner.builder.nodes import leaf_value
from contentql.planner.builder.paging import first_argument
from contentql.planner.cursors import ListFingerprint
from contentql.planner.operation import ArgumentValue, resolve_value
from contentql.planner.params import passthrough
from contentql.planner.sql.nodes import ParamKind
from contentql.planner.sync_tokens import SyncBinding, SyncPage, SyncTokenValue, token_phase

_FILTERED_WINDOW = 500  # rows of the log that a page reads at most, with a filter that few of them may match
_TIMES: dict[str, ParamKind] = {"at": "time", "time": "time", "key_time": "time", "expires_at": "time"}


class LogReader:
    """The arguments of one page of changes, the values of its token, and conditions on rows of the log."""

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
        self.filter_value = resolve_value(arguments.get("filter"), context.operation.variables)
        # Without a filter, nearly every row of the log is a change.
        self.window = _FILTERED_WINDOW if arguments.get("filter") is not None else self.size + 1
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

    def table(self, select: str) -> str:
        """Adds a common table expression, which is evaluated once, and returns its name."""
        name = self.context.alias()
        self.context.statement.ctes.append(f"{name} as materialized ({select})")
        return name

    def is_relevant(self, row: str) -> str:
        """The condition that a row of the log can concern the viewer."""
        start = self.token_value("time") if self.phase == "delta" else self.now
        # Hidden writes, such as those of articles that are not published yet, change no token.
        intervals = " or ".join(
            f"({row}.{interval}_from <= {self.now}"
            f" and ({row}.{interval}_until is null or {row}.{interval}_until > {start}))"
            for interval in ("was", "is")
        )
        return self.for_viewer(f"({row}.public and ({intervals}))", row)

    def for_viewer(self, public: str, row: str) -> str:
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
                return self.true()

    def is_valid(self) -> str:
        """The condition that the token is not too old, and a position of this log."""
        row = (
            f"select 1 from article_log f where f.seq = {self.token_value('seq')}"
            f" and f.article_id = {self.token_value('article')} and f.at = {self.token_value('at')}"
        )
        return f"({self.token_value('expires_at')} > {self.now} and exists ({row}))"

    def latest_row(self) -> str:
        """Returns a table: the last row of the log that can concern the viewer, or else the first row."""
        row = "select {} as rank, l.seq, l.at, l.article_id from article_log l"
        last = f"{row.format(0)} where {self.is_relevant('l')} order by l.seq desc limit 1"
        first = f"{row.format(1)} order by l.seq limit 1"
        return self.table(
            f"select * from (select * from ({last}) r union all select * from ({first}) s) u"
            " order by rank limit 1"
        )

    def position(self, table: str) -> list[str]:
        columns = [f"(select {column} from {table})" for column in ("seq", "at", "article_id")]
        return [*columns, self.now]

    def facts(self, phase: str, values: Sequence[str]) -> str:
        """SQL of the facts for `SyncPage.next_token`."""
        dialect = self.context.dialect
        kinds = ("int", "time", "int", "time", "time", "int")
        texts = [
            dialect.text_of(value, "time") if kind == "time" else dialect.as_text(value)
            for value, kind in zip(values, kinds, strict=True)
        ]
        return dialect.join_with_dots([f"'{phase}'", *texts])

    def token_value(self, name: str) -> str:
        assert self.token is not None
        if name not in self._params:
            source = SyncTokenValue(self.page.tokens, self.token, self.page.binding, name)
            self._params[name] = self.context.param(source, _TIMES.get(name, "id"), passthrough)
        return self._params[name]

    def latest_time(self) -> str:
        return self.context.dialect.max_timestamp

    def true(self) -> str:
        return "(1 = 1)"
