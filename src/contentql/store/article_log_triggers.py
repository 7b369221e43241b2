"""Triggers that fill `article_log` from the change log, in the transaction of the change.

Each row of `row_change` that changes an article, or a row that articles show, adds one row for each of these
articles. Several changes of an article in one transaction are one row: on PostgreSQL the trigger updates the
row that its transaction has inserted; on SQLite `article_log.compact` merges the rows before the commit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

CREATE_POSTGRES = (
    "CREATE TABLE article_log (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
    " article_id bigint NOT NULL, at timestamptz NOT NULL, source text NOT NULL,"
    " public boolean NOT NULL, owner text, was_from timestamptz, was_until timestamptz,"
    " is_from timestamptz, is_until timestamptz, status text, columns text NOT NULL DEFAULT '')"
)
CREATE_SQLITE = (
    "CREATE TABLE article_log (seq INTEGER PRIMARY KEY AUTOINCREMENT, article_id INTEGER NOT NULL,"
    " at TEXT NOT NULL, source TEXT NOT NULL, public INTEGER NOT NULL, owner TEXT,"
    " was_from TEXT, was_until TEXT, is_from TEXT, is_until TEXT, status TEXT,"
    " columns TEXT NOT NULL DEFAULT '')"
)
INDEXES = (
    "CREATE INDEX article_log_article ON article_log (article_id, seq)",
    "CREATE INDEX article_log_public ON article_log (seq, article_id) WHERE public",
)

# Tables whose rows belong to one article: their change is a change of the article.
PART_TABLES = (
    "article_section",
    "article_tag",
    "article_author",
    "article_media",
    "article_related",
    "attribution",
    "correction",
    "external_id",
    "live_entry",
)


class Use(NamedTuple):
    """Rows that articles use another row by: a FROM clause, and its columns with the ids of both."""

    rows: str
    article: str
    used: str


_LIVE_ENTRIES = "live_entry_use l"
_IMAGES = "JOIN author u ON u.id = l.author_id"
AUTHOR_USES = (
    Use("article_author l", "l.article_id", "l.author_id"),
    Use(_LIVE_ENTRIES, "l.article_id", "l.author_id"),
)
MEDIA_USES = (
    Use("article_media l", "l.article_id", "l.media_id"),
    Use("article l", "l.id", "l.lead_media_id"),
    Use(f"article_author l {_IMAGES}", "l.article_id", "u.image_id"),
    Use(_LIVE_ENTRIES, "l.article_id", "l.media_id"),
    Use(f"{_LIVE_ENTRIES} {_IMAGES}", "l.article_id", "u.image_id"),
)


def _articles_using(uses: Sequence[Use]) -> str:
    return " UNION ".join(f"SELECT {use.article} FROM {use.rows} WHERE {use.used} = {{id}}" for use in uses)


# Articles that show a row of another table, by SQL with the id of the row. A tag is also shown by its
# narrower tags, a source by the sources that belong to it.
SHOWN_BY: Mapping[str, str] = {
    "category": "SELECT article_id FROM article_section WHERE category_id = {id}",
    "tag": "SELECT article_id FROM article_tag WHERE tag_id = {id} OR tag_id IN (SELECT n.id FROM tag n"
    " LEFT JOIN tag b ON b.id = n.broader_id WHERE {id} IN (n.broader_id, b.broader_id))",
    "author": _articles_using(AUTHOR_USES),
    "source": "SELECT article_id FROM attribution WHERE state IN ('ACCEPTED', 'EDITED') AND (source_id = {id}"
    " OR source_id IN (SELECT n.id FROM source n LEFT JOIN source b ON b.id = n.parent_id"
    " WHERE {id} IN (n.parent_id, b.parent_id)))",
    "story": "SELECT id FROM article WHERE story_id = {id}",
    "media": _articles_using(MEDIA_USES),
}
# Articles that show another article.
SHOWING_ARTICLE = (
    "SELECT article_id FROM article_related WHERE related_id = {id}"
    " UNION SELECT id FROM article WHERE translation_group IN ({groups}) AND id <> {id}"
)
# Columns of `article` that no reader sees. Of its translations, readers see those that are public.
INTERNAL_COLUMNS = ("modified_at", "owner", "working_of", "translation_group")
_INTERNAL_TEXTS = ("ed_note", "extra")
# The condition that one of the translations in `groups` is public.
_PUBLIC_TRANSLATION = (
    "EXISTS (SELECT 1 FROM article t WHERE t.translation_group IN ({groups}) AND t.id <> {id}"
    " AND t.working_of = 0 AND t.status IN ('PUBLISHED', 'SCHEDULED') AND t.deleted_at IS NULL"
    " AND t.published_at <= {now})"
)
_COLUMNS = "article_id, at, source, public, owner, was_from, was_until, is_from, is_until, status"


def _is_open(row: str) -> str:
    """The condition that a row of `article` can be visible to the public, now or later."""
    return (
        f"({row}.working_of = 0 AND {row}.status IN ('PUBLISHED', 'SCHEDULED') AND {row}.deleted_at IS NULL)"
    )


# PostgreSQL

_POSTGRES_FUNCTION = """
CREATE FUNCTION log_article_change() RETURNS trigger LANGUAGE plpgsql SET timezone TO 'UTC' AS $$
DECLARE
  was jsonb := NEW.before::jsonb;
  now jsonb := NEW.after::jsonb;
  was_open boolean;
  is_open boolean;
  is_public boolean;
BEGIN
  IF NEW.table_name = 'article' THEN
    was_open := coalesce((was ->> 'working_of')::bigint = 0 AND was ->> 'status' IN ('PUBLISHED', 'SCHEDULED')
                         AND was ->> 'deleted_at' IS NULL, false);
    is_open := coalesce((now ->> 'working_of')::bigint = 0 AND now ->> 'status' IN ('PUBLISHED', 'SCHEDULED')
                        AND now ->> 'deleted_at' IS NULL, false);
    is_public := (was_open OR is_open) AND (
      was - '{%(internal)s}'::text[] IS DISTINCT FROM now - '{%(internal)s}'::text[]
      OR array_remove(array_remove(string_to_array(NEW.changed_text_columns, ' '), 'ed_note'), 'extra')
        <> '{}'
      OR (was ->> 'translation_group' IS DISTINCT FROM now ->> 'translation_group' AND %(translated)s));
    IF (coalesce(now, was) ->> 'working_of')::bigint <> 0 THEN
      PERFORM log_article((coalesce(now, was) ->> 'working_of')::bigint, 'copy', false,
                          coalesce(now, was) ->> 'owner', NULL, NULL, NULL, NULL, NULL);
      PERFORM log_article_of(id, 'draft') FROM (%(showing_original)s) AS shown(id);
      RETURN NULL;
    END IF;
    PERFORM log_article(NEW.row_id, 'article', is_public, coalesce(now, was) ->> 'owner',
      CASE WHEN was_open THEN
        greatest((was ->> 'published_at')::timestamptz, (was ->> 'embargo_until')::timestamptz) END,
      CASE WHEN was_open THEN (was ->> 'expires_at')::timestamptz END,
      CASE WHEN is_open THEN
        greatest((now ->> 'published_at')::timestamptz, (now ->> 'embargo_until')::timestamptz) END,
      CASE WHEN is_open THEN (now ->> 'expires_at')::timestamptz END,
      CASE WHEN now ->> 'deleted_at' IS NULL THEN now ->> 'status' END);
    IF was IS NOT NULL AND now IS NOT NULL THEN
      UPDATE article_log l SET columns = concat_ws(' ', nullif(l.columns, ''), NEW.changed_text_columns, (
        SELECT string_agg(k, ' ') FROM jsonb_object_keys(now) k WHERE was -> k IS DISTINCT FROM now -> k))
      WHERE l.article_id = NEW.row_id AND l.xmin = pg_current_xact_id()::xid;
    END IF;
    PERFORM log_article_of(id, CASE WHEN is_public THEN 'related' ELSE 'draft' END)
    FROM (%(showing)s) AS shown(id);
  ELSIF NEW.table_name = 'article_body' THEN
    PERFORM log_article_of(NEW.row_id, 'article_body');
  ELSIF NEW.table_name IN (%(parts)s) THEN
    IF NEW.table_name = 'attribution' AND coalesce(was ->> 'state', '') NOT IN ('ACCEPTED', 'EDITED')
       AND coalesce(now ->> 'state', '') NOT IN ('ACCEPTED', 'EDITED') THEN
      PERFORM log_article_of((coalesce(now, was) ->> 'article_id')::bigint, 'suggestion');
    ELSE
      PERFORM log_article_of((coalesce(now, was) ->> 'article_id')::bigint, NEW.table_name);
      IF (was ->> 'article_id')::bigint <> (now ->> 'article_id')::bigint THEN
        PERFORM log_article_of((was ->> 'article_id')::bigint, NEW.table_name);
      END IF;
    END IF;
%(shown)s
  END IF;
  RETURN NULL;
END $$"""

# Adds a change to the row of the article that this transaction has inserted, or inserts one. The interval
# before the first change of the article itself is that before the transaction.
_POSTGRES_LOG = """
CREATE FUNCTION log_article(
  id bigint, cause text, is_public boolean, by text, from_before timestamptz, until_before timestamptz,
  from_after timestamptz, until_after timestamptz, status_after text
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  latest bigint;
  causes text[];
BEGIN
  SELECT l.seq, string_to_array(l.source, ' ') INTO latest, causes FROM article_log l
  WHERE l.article_id = id AND l.xmin = pg_current_xact_id()::xid ORDER BY l.seq DESC LIMIT 1;
  IF latest IS NULL THEN
    INSERT INTO article_log
      (article_id, at, source, public, owner, was_from, was_until, is_from, is_until, status)
    VALUES (id, date_trunc('second', clock_timestamp()), cause, is_public, by,
            from_before, until_before, from_after, until_after, status_after);
    RETURN;
  END IF;
  -- A change of a working copy has no intervals.
  IF cause = 'article' OR (causes = '{copy}' AND cause <> 'copy') THEN
    UPDATE article_log l SET owner = by, is_from = from_after, is_until = until_after, status = status_after
    WHERE l.seq = latest;
    IF NOT 'article' = ANY(causes) THEN
      UPDATE article_log l SET was_from = from_before, was_until = until_before WHERE l.seq = latest;
    END IF;
  END IF;
  UPDATE article_log l SET public = l.public OR is_public,
    source = CASE WHEN cause = ANY(causes) THEN l.source ELSE l.source || ' ' || cause END
  WHERE l.seq = latest AND NOT (cause = ANY(causes) AND (l.public OR NOT is_public));
END $$"""

_POSTGRES_LOG_OF = f"""
CREATE FUNCTION log_article_of(id bigint, cause text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  a article;
BEGIN
  SELECT * INTO a FROM article WHERE article.id = log_article_of.id;
  IF NOT FOUND THEN RETURN; END IF;
  IF a.working_of <> 0 THEN
    PERFORM log_article(a.working_of, 'copy', false, a.owner, NULL, NULL, NULL, NULL, NULL);
  ELSIF {_is_open("a")} THEN
    PERFORM log_article(id, cause, cause NOT IN ('suggestion', 'draft'), a.owner,
      greatest(a.published_at, a.embargo_until),
      a.expires_at, greatest(a.published_at, a.embargo_until), a.expires_at, a.status);
  ELSE
    PERFORM log_article(id, cause, false, a.owner, NULL, NULL, NULL, NULL,
      CASE WHEN a.deleted_at IS NULL THEN a.status END);
  END IF;
END $$"""


def _postgres_function() -> str:
    shown = "".join(
        f"  ELSIF NEW.table_name = '{table}' AND was IS NOT NULL AND now IS NOT NULL THEN\n"
        f"    PERFORM log_article_of(id, '{table}') FROM ({sql.format(id='NEW.row_id')}) AS shown(id);\n"
        for table, sql in SHOWN_BY.items()
    )
    groups = "(was ->> 'translation_group')::bigint, (now ->> 'translation_group')::bigint"
    return _POSTGRES_FUNCTION % {
        "internal": ",".join(INTERNAL_COLUMNS),
        "translated": _PUBLIC_TRANSLATION.format(groups=groups, id="NEW.row_id", now="clock_timestamp()"),
        "showing": SHOWING_ARTICLE.format(id="NEW.row_id", groups=groups),
        "showing_original": SHOWING_ARTICLE.format(
            id="(coalesce(now, was) ->> 'working_of')::bigint", groups=groups
        ),
        "parts": ", ".join(f"'{table}'" for table in PART_TABLES),
        "shown": shown.rstrip("\n"),
    }


def postgres_statements() -> list[str]:
    """Statements that create the table, its indexes, functions and trigger on PostgreSQL."""
    return [
        CREATE_POSTGRES,
        *INDEXES,
        _POSTGRES_LOG,
        _POSTGRES_LOG_OF,
        _postgres_function(),
        "CREATE TRIGGER row_change_article AFTER INSERT ON row_change FOR EACH ROW"
        " EXECUTE FUNCTION log_article_change()",
    ]


# SQLite

_NOW = "strftime('%Y-%m-%dT%H:%M:%SZ', 'now')"


def _value(row: str, column: str) -> str:
    return f"json_extract(NEW.{row}, '$.{column}')"


def _json_open(row: str) -> str:
    return (
        f"({_value(row, 'working_of')} = 0 AND {_value(row, 'status')} IN ('PUBLISHED', 'SCHEDULED')"
        f" AND {_value(row, 'deleted_at')} IS NULL)"
    )


def _json_from(row: str) -> str:
    published, embargo = _value(row, "published_at"), _value(row, "embargo_until")
    return f"iif({_json_open(row)}, max({published}, coalesce({embargo}, {published})), NULL)"


def _json_until(row: str) -> str:
    return f"iif({_json_open(row)}, {_value(row, 'expires_at')}, NULL)"


def _insert_for(articles: str, cause: str, public: str = "1") -> str:
    """Inserts a row for each article of a subquery, with its present window before and after."""
    window = f"iif({_is_open('a')}, max(a.published_at, coalesce(a.embargo_until, a.published_at)), NULL)"
    until = f"iif({_is_open('a')}, a.expires_at, NULL)"
    copy = "a.working_of <> 0"
    return (
        f"INSERT INTO article_log ({_COLUMNS})"
        f" SELECT iif({copy}, a.working_of, a.id), {_NOW}, iif({copy}, 'copy', {cause}),"
        f" {public} AND {_is_open('a')}, a.owner, {window}, {until}, {window}, {until},"
        f" iif(a.deleted_at IS NULL AND NOT {copy}, a.status, NULL)"
        f" FROM article a WHERE a.id IN ({articles})"
    )


def _trigger(name: str, condition: str, *statements: str) -> str:
    body = "; ".join(statements)
    return f"CREATE TRIGGER article_log_{name} AFTER INSERT ON row_change WHEN {condition} BEGIN {body}; END"


def translation_statements(dialect: str, articles: Sequence[int], is_public: bool) -> list[str]:
    """Statements that log a change of articles because of a new one in their translation group."""
    if not articles:
        return []
    ids = ", ".join(map(str, articles))
    cause = "related" if is_public else "draft"
    if dialect == "postgres":
        return [f"SELECT log_article_of(id, '{cause}') FROM unnest(ARRAY[{ids}]::bigint[]) AS shown(id)"]
    return [_insert_for(ids, f"'{cause}'", str(int(is_public)))]


def sqlite_statements() -> list[str]:
    """Statements that create the table, its indexes and triggers on SQLite.

    Without what live entries use: SQLite compiles a trigger with each statement that fires it, and their
    tables do not exist yet.
    """
    return [CREATE_SQLITE, *INDEXES, *_sqlite_article_triggers(), *_sqlite_part_triggers()]


def _sqlite_article_triggers() -> list[str]:
    """Triggers for changes of rows of `article`: of the article itself, and of those that show it."""
    groups = f"{_value('before', 'translation_group')}, {_value('after', 'translation_group')}"
    removed = ", ".join(f"'$.{column}'" for column in INTERNAL_COLUMNS)
    texts = "NEW.changed_text_columns"
    for column in _INTERNAL_TEXTS:
        texts = f"replace({texts}, '{column} ', '')"
    public = (
        f"((coalesce({_json_open('before')}, 0) OR coalesce({_json_open('after')}, 0))"
        f" AND (json_remove(NEW.before, {removed}) IS NOT json_remove(NEW.after, {removed})"
        f" OR trim({texts}) <> ''"
        f" OR ({_value('before', 'translation_group')} IS NOT {_value('after', 'translation_group')}"
        f" AND {_PUBLIC_TRANSLATION.format(groups=groups, id='NEW.row_id', now=_NOW)})))"
    )
    either = "coalesce(NEW.after, NEW.before)"
    copy_of = f"json_extract({either}, '$.working_of')"
    own = (
        f"INSERT INTO article_log ({_COLUMNS}, columns) SELECT NEW.row_id, {_NOW}, 'article', {public},"
        f" json_extract({either}, '$.owner'), {_json_from('before')}, {_json_until('before')},"
        f" {_json_from('after')}, {_json_until('after')},"
        f" iif({_value('after', 'deleted_at')} IS NULL, {_value('after', 'status')}, NULL),"
        f" iif(NEW.before IS NULL OR NEW.after IS NULL, '', NEW.changed_text_columns || coalesce(("
        "SELECT group_concat(k.key, ' ') FROM json_each(NEW.after) k"
        " WHERE k.value IS NOT json_extract(NEW.before, '$.' || k.key)), ''))"
    )
    copy = (
        f"INSERT INTO article_log ({_COLUMNS}) SELECT {copy_of}, {_NOW}, 'copy', 0,"
        f" json_extract({either}, '$.owner'), NULL, NULL, NULL, NULL, NULL"
    )
    showing = SHOWING_ARTICLE.format(id="NEW.row_id", groups=groups)
    showing_original = SHOWING_ARTICLE.format(id=copy_of, groups=groups)
    is_article = f"NEW.table_name = 'article' AND {copy_of} = 0"
    is_copy = f"NEW.table_name = 'article' AND {copy_of} <> 0"
    return [
        _trigger("article", is_article, own),
        _trigger("related", is_article, _insert_for(showing, f"iif({public}, 'related', 'draft')", public)),
        _trigger("copy", is_copy, copy),
        _trigger("draft", is_copy, _insert_for(showing_original, "'draft'", "0")),
    ]


def _sqlite_part_triggers() -> list[str]:
    """Triggers for changes of the parts of an article, and of other objects that articles show."""
    accepted = "IN ('ACCEPTED', 'EDITED')"
    suggestion = (
        f"(coalesce({_value('before', 'state')} {accepted}, 0) = 0"
        f" AND coalesce({_value('after', 'state')} {accepted}, 0) = 0)"
    )
    ids = f"{_value('before', 'article_id')}, {_value('after', 'article_id')}"
    parts = ", ".join(f"'{table}'" for table in PART_TABLES if table != "attribution")
    earlier = {
        "author": _articles_using([use for use in AUTHOR_USES if _LIVE_ENTRIES not in use.rows]),
        "media": _articles_using([use for use in MEDIA_USES if _LIVE_ENTRIES not in use.rows]),
    }
    return [
        _trigger("body", "NEW.table_name = 'article_body'", _insert_for("NEW.row_id", "'article_body'")),
        _trigger("part", f"NEW.table_name IN ({parts})", _insert_for(ids, "NEW.table_name")),
        _trigger(
            "attribution",
            "NEW.table_name = 'attribution'",
            _insert_for(ids, f"iif({suggestion}, 'suggestion', 'attribution')", f"NOT {suggestion}"),
        ),
        *(_shown_trigger(table, sql) for table, sql in {**SHOWN_BY, **earlier}.items()),
    ]


def _shown_trigger(table: str, articles: str) -> str:
    changed = f"NEW.table_name = '{table}' AND NEW.before IS NOT NULL AND NEW.after IS NOT NULL"
    return _trigger(table, changed, _insert_for(articles.format(id="NEW.row_id"), f"'{table}'"))


def sqlite_live_entry_statements() -> list[str]:
    """Statements by which the triggers also log what live entries use, once their tables exist."""
    return [
        statement
        for table in ("author", "media")
        for statement in (f"DROP TRIGGER article_log_{table}", _shown_trigger(table, SHOWN_BY[table]))
    ]
