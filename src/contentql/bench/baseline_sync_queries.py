"""Hand-written SQL of the baseline for delta sync, which reads positions in the log instead of tokens."""

from __future__ import annotations

from collections.abc import Mapping

from contentql.bench.baseline_queries import (
    CARD_COLUMNS,
    POSTGRES_BUNDLE,
    POSTGRES_BUNDLE_JOINS,
    SQLITE_BUNDLE,
    SQLITE_BUNDLE_COLUMNS,
    SQLITE_BUNDLE_JOINS,
    VISIBLE,
)


def _postgres(rows: str, order: str, position: str) -> str:
    return f"""
    select json_build_object('data', json_build_object('changes', json_build_object('changes', coalesce(
      json_agg(json_build_object('__typename', 'Upserted', 'article', {POSTGRES_BUNDLE})
        order by {order}), '[]'),
      'nextToken', {position}, 'hasMore', true)))
    from ({rows}) a
    {POSTGRES_BUNDLE_JOINS}"""


POSTGRES_SYNC: Mapping[str, str] = {
    "S1": _postgres(
        f"""
      select {CARD_COLUMNS} from article a
      where {VISIBLE.format(now="now()")}
      order by a.published_at desc, a.id desc limit 50""",
        "a.published_at desc, a.id desc",
        "(select max(seq) from article_log)",
    ),
    "S2": _postgres(
        f"""
      select {CARD_COLUMNS}, l.seq from (
        select article_id, seq from article_log l where public and seq > $1::text::bigint
          and not exists (
            select 1 from article_log n where n.article_id = l.article_id and n.seq > l.seq and n.public)
        order by seq limit 50) l
      join article a on a.id = l.article_id
      where {VISIBLE.format(now="now()")}""",
        "a.seq",
        "max(a.seq)",
    ),
}


def _sqlite(rows: str, position: str) -> str:
    return f"""
    select json_object('data', json_object('changes', json_object('changes', (
      select json_group_array(json_object('__typename', 'Upserted', 'article', {SQLITE_BUNDLE}))
      from ({rows}) a), 'nextToken', {position}, 'hasMore', json('true'))))"""


SQLITE_SYNC: Mapping[str, str] = {
    "S1": _sqlite(
        f"""
        select {SQLITE_BUNDLE_COLUMNS}
        from article a {SQLITE_BUNDLE_JOINS}
        where {VISIBLE.format(now=":now")}
        order by a.published_at desc, a.id desc limit 50""",
        "(select max(seq) from article_log)",
    ),
    "S2": _sqlite(
        f"""
        select {SQLITE_BUNDLE_COLUMNS} from (
          select article_id, seq from article_log l where public and seq > cast(:since as integer)
            and not exists (
            select 1 from article_log n where n.article_id = l.article_id and n.seq > l.seq and n.public)
          order by seq limit 50) l
        join article a on a.id = l.article_id {SQLITE_BUNDLE_JOINS}
        where {VISIBLE.format(now=":now")} order by l.seq limit 50""",
        "(select max(seq) from article_log)",
    ),
}
