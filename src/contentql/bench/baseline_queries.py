"""Hand-written SQL of the baseline: one statement per workload that builds the JSON in the database."""

from __future__ import annotations

from collections.abc import Mapping

CARD_COLUMNS = "a.id, a.slug, a.headline, a.summary, a.published_at, a.category_id, a.lead_media_id"


VISIBLE = """
    a.status in ('PUBLISHED', 'SCHEDULED') and a.deleted_at is null and a.published_at <= {now}
    and (a.embargo_until is null or a.embargo_until <= {now})
    and (a.expires_at is null or a.expires_at > {now})"""


POSTGRES_CARD = """
    json_build_object(
      'id', 'art_' || a.id, 'slug', a.slug, 'headline', a.headline, 'summary', a.summary,
      'publishedAt', to_char(a.published_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
      'category', json_build_object('slug', c.slug, 'name', c.name),
      'leadMedia', case when l.id is not null then
        json_build_object('url', l.url, 'alt', l.alt, 'width', l.width, 'height', l.height) end)"""


POSTGRES_CARD_JOINS = """
    join category c on c.id = a.category_id
    left join media l on l.id = a.lead_media_id and (l.expires_at is null or l.expires_at > now())"""


POSTGRES_BUNDLE = """
    json_build_object(
      'id', 'art_' || a.id, 'slug', a.slug, 'headline', a.headline, 'summary', a.summary,
      'body', json_build_object('html', b.html),
      'publishedAt', to_char(a.published_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
      'category', json_build_object('slug', c.slug, 'name', c.name, 'parent',
        case when p.id is not null then json_build_object('slug', p.slug, 'name', p.name) end),
      'leadMedia', case when l.id is not null then json_build_object(
        'url', l.url, 'alt', l.alt, 'width', l.width, 'height', l.height, 'credit', l.credit) end,
      'media', coalesce((
        select json_agg(json_build_object('position', m.place, 'media', json_build_object(
          'url', m.url, 'alt', m.alt, 'mime', m.mime, 'width', m.width, 'height', m.height,
          'credit', m.credit)) order by m.place)
        from (
          select m.url, m.alt, m.mime, m.width, m.height, m.credit,
            row_number() over (order by am.position) - 1 as place
          from article_media am
          join media m on m.id = am.media_id and (m.expires_at is null or m.expires_at > now())
          where am.article_id = a.id) m), '[]'),
      'attributions', coalesce((
        select json_agg(json_build_object(
          'kind', t.kind, 'claim', t.claim, 'position', t.position,
          'source', case when s.id is not null then json_build_object(
            'name', s.name, 'slug', s.slug, 'kind', s.kind, 'homepage', s.homepage) end,
          'via', case when v.id is not null then json_build_object('kind', v.kind, 'source',
            case when vs.id is not null then json_build_object('name', vs.name) end) end)
          order by t.position, t.id)
        from attribution t
        left join source s on s.id = t.source_id
        left join attribution v on v.id = t.via_id
        left join source vs on vs.id = v.source_id
        where t.article_id = a.id and t.hop = 0 and t.state in ('ACCEPTED', 'EDITED')), '[]'),
      'tags', coalesce((
        select json_agg(json_build_object('slug', g.slug, 'name', g.name) order by at.position)
        from article_tag at join tag g on g.id = at.tag_id
        where at.article_id = a.id), '[]'))"""


POSTGRES_BUNDLE_JOINS = """
    join article_body b on b.article_id = a.id
    join category c on c.id = a.category_id
    left join category p on p.id = c.parent_id
    left join media l on l.id = a.lead_media_id and (l.expires_at is null or l.expires_at > now())"""


POSTGRES: Mapping[str, str] = {
    "W1": f"""
    select json_build_object('data', json_build_object('latestNews', json_build_object('nodes', coalesce(
      json_agg({POSTGRES_CARD} order by a.published_at desc, a.id desc), '[]'))))
    from (
      select {CARD_COLUMNS} from article_section s join article a on a.id = s.article_id
      where s.category_id = (select id from category where path = $1) and s.direct
        and s.published_at <= now() and {VISIBLE.format(now="now()")}
      order by s.published_at desc, s.article_id desc limit 20) a
    {POSTGRES_CARD_JOINS}""",
    "W2": f"""
    select json_build_object('data', json_build_object('article', (
      select {POSTGRES_BUNDLE}
      from article a {POSTGRES_BUNDLE_JOINS}
      where a.slug = $1 and {VISIBLE.format(now="now()")}
      limit 1)))""",
    "W3": f"""
    select json_build_object('data', json_build_object('categories', json_build_object('nodes', coalesce(
      json_agg(json_build_object('slug', c.slug, 'name', c.name, 'articles',
        json_build_object('nodes', coalesce((
        select json_agg(json_build_object(
          'slug', a.slug, 'headline', a.headline, 'summary', a.summary,
          'publishedAt', to_char(a.published_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
          'leadMedia', case when l.id is not null then json_build_object('url', l.url, 'alt', l.alt) end,
          'attributions', coalesce((
            select json_agg(json_build_object('kind', t.kind, 'source',
              case when s.id is not null then json_build_object('name', s.name) end)
              order by t.position, t.id)
            from attribution t left join source s on s.id = t.source_id
            where t.article_id = a.id and t.hop = 0 and t.state in ('ACCEPTED', 'EDITED')), '[]'))
          order by a.published_at desc, a.id desc)
        from (
          select {CARD_COLUMNS} from article_section s join article a on a.id = s.article_id
          where s.category_id = c.id and s.published_at <= now() and {VISIBLE.format(now="now()")}
          order by s.published_at desc, s.article_id desc limit 5) a
        left join media l on l.id = a.lead_media_id and (l.expires_at is null or l.expires_at > now())
      ), '[]'))) order by c.position, c.id), '[]'))))
    from (select * from category where parent_id is null order by position, id limit 8) c""",
    "W4": f"""
    select json_build_object('data', json_build_object('latestNews', json_build_object('nodes', coalesce(
      json_agg({POSTGRES_BUNDLE} order by a.published_at desc, a.id desc), '[]'))))
    from (
      select {CARD_COLUMNS} from article a
      where {VISIBLE.format(now="now()")}
      order by a.published_at desc, a.id desc limit 50) a
    {POSTGRES_BUNDLE_JOINS}""",
    "W5": f"""
    select json_build_object('data', json_build_object('latestNews', json_build_object('nodes', coalesce(
      json_agg({POSTGRES_CARD} order by a.published_at desc, a.id desc), '[]'))))
    from (
      select {CARD_COLUMNS} from article a
      where {VISIBLE.format(now="now()")} and (a.published_at, a.id) < ($1, $2)
      order by a.published_at desc, a.id desc limit 20) a
    {POSTGRES_CARD_JOINS}""",
}


# One ordered, limited subquery with its to-one joins, so that the rows come from the index in order and need
# no sort. json_group_array aggregates them in the order of the subquery.
SQLITE_CARD_COLUMNS = """
          a.id, a.slug, a.headline, a.summary, a.published_at, c.slug as category_slug,
          c.name as category_name, l.id as lead_id, l.url, l.alt, l.width, l.height, l.credit"""


SQLITE_CARD_JOINS = """
        left join category c on c.id = a.category_id
        left join media l on l.id = a.lead_media_id and (l.expires_at is null or l.expires_at > :now)"""


SQLITE_CARD = """
    json_object(
      'id', 'art_' || a.id, 'slug', a.slug, 'headline', a.headline, 'summary', a.summary,
      'publishedAt', a.published_at,
      'category', json_object('slug', a.category_slug, 'name', a.category_name),
      'leadMedia', case when a.lead_id is not null then
        json_object('url', a.url, 'alt', a.alt, 'width', a.width, 'height', a.height) end)"""


SQLITE_BUNDLE_COLUMNS = f"""{SQLITE_CARD_COLUMNS}, b.html, p.id as parent_id, p.slug as parent_slug,
          p.name as parent_name"""


SQLITE_BUNDLE_JOINS = f"""{SQLITE_CARD_JOINS}
        left join category p on p.id = c.parent_id
        left join article_body b on b.article_id = a.id"""


SQLITE_BUNDLE = """
    json_object(
      'id', 'art_' || a.id, 'slug', a.slug, 'headline', a.headline, 'summary', a.summary,
      'body', json_object('html', a.html),
      'publishedAt', a.published_at,
      'category', json_object('slug', a.category_slug, 'name', a.category_name, 'parent',
        case when a.parent_id is not null then json_object('slug', a.parent_slug, 'name', a.parent_name) end),
      'leadMedia', case when a.lead_id is not null then json_object(
        'url', a.url, 'alt', a.alt, 'width', a.width, 'height', a.height, 'credit', a.credit) end,
      'media', (
        select json_group_array(json_object('position', place, 'media', json_object(
          'url', url, 'alt', alt, 'mime', mime, 'width', width, 'height', height, 'credit', credit)))
        from (
          select row_number() over (order by am.position) - 1 as place, m.url, m.alt, m.mime, m.width,
            m.height, m.credit
          from article_media am
          join media m on m.id = am.media_id and (m.expires_at is null or m.expires_at > :now)
          where am.article_id = a.id order by am.position)),
      'attributions', (
        select json_group_array(json_object(
          'kind', kind, 'claim', claim, 'position', position,
          'source', case when source_id is not null then json_object(
            'name', source_name, 'slug', source_slug, 'kind', source_kind, 'homepage', homepage) end,
          'via', case when via_id is not null then json_object('kind', via_kind, 'source',
            case when via_source_id is not null then json_object('name', via_source_name) end) end))
        from (
          select t.kind, t.claim, t.position, s.id as source_id, s.name as source_name,
            s.slug as source_slug, s.kind as source_kind, s.homepage, v.id as via_id, v.kind as via_kind,
            vs.id as via_source_id, vs.name as via_source_name
          from attribution t
          left join source s on s.id = t.source_id
          left join attribution v on v.id = t.via_id
          left join source vs on vs.id = v.source_id
          where t.article_id = a.id and t.hop = 0 and t.state in ('ACCEPTED', 'EDITED')
          order by t.position, t.id)),
      'tags', (
        select json_group_array(json_object('slug', slug, 'name', name))
        from (
          select g.slug, g.name from article_tag at join tag g on g.id = at.tag_id
          where at.article_id = a.id order by at.position)))"""


SQLITE: Mapping[str, str] = {
    "W1": f"""
    select json_object('data', json_object('latestNews', json_object('nodes', (
      select json_group_array({SQLITE_CARD})
      from (
        select {SQLITE_CARD_COLUMNS}
        from article_section s join article a on a.id = s.article_id {SQLITE_CARD_JOINS}
        where s.category_id = (select id from category where path = :section) and s.direct
          and s.published_at <= :now and {VISIBLE.format(now=":now")}
        order by s.published_at desc, s.article_id desc limit 20) a))))""",
    "W2": f"""
    select json_object('data', json_object('article', (
      select {SQLITE_BUNDLE}
      from (
        select {SQLITE_BUNDLE_COLUMNS}
        from article a {SQLITE_BUNDLE_JOINS}
        where a.slug = :slug and {VISIBLE.format(now=":now")}
        limit 1) a)))""",
    "W3": f"""
    select json_object('data', json_object('categories', json_object('nodes', (
      select json_group_array(json_object('slug', c.slug, 'name', c.name, 'articles', json_object('nodes', (
        select json_group_array(json_object(
          'slug', a.slug, 'headline', a.headline, 'summary', a.summary, 'publishedAt', a.published_at,
          'leadMedia', case when a.lead_id is not null then json_object('url', a.url, 'alt', a.alt) end,
          'attributions', (
            select json_group_array(json_object('kind', kind, 'source',
              case when source_id is not null then json_object('name', name) end))
            from (
              select t.kind, s.id as source_id, s.name
              from attribution t left join source s on s.id = t.source_id
              where t.article_id = a.id and t.hop = 0 and t.state in ('ACCEPTED', 'EDITED')
              order by t.position, t.id))))
        from (
          select a.id, a.slug, a.headline, a.summary, a.published_at, l.id as lead_id, l.url, l.alt
          from article_section s join article a on a.id = s.article_id
          left join media l on l.id = a.lead_media_id and (l.expires_at is null or l.expires_at > :now)
          where s.category_id = c.id and s.published_at <= :now and {VISIBLE.format(now=":now")}
          order by s.published_at desc, s.article_id desc limit 5) a))))
      from (
        select id, slug, name from category where parent_id is null order by position, id limit 8) c))))""",
    "W4": f"""
    select json_object('data', json_object('latestNews', json_object('nodes', (
      select json_group_array({SQLITE_BUNDLE})
      from (
        select {SQLITE_BUNDLE_COLUMNS}
        from article a {SQLITE_BUNDLE_JOINS}
        where {VISIBLE.format(now=":now")}
        order by a.published_at desc, a.id desc limit 50) a))))""",
    # SQLite seeks with one bound only; the unary plus keeps it from seeking with the current time.
    "W5": f"""
    select json_object('data', json_object('latestNews', json_object('nodes', (
      select json_group_array({SQLITE_CARD})
      from (
        select {SQLITE_CARD_COLUMNS}
        from article a {SQLITE_CARD_JOINS}
        where {VISIBLE.format(now=":now").replace("a.published_at <=", "+a.published_at <=")}
          and (a.published_at, a.id) < (:published_at, :id)
        order by a.published_at desc, a.id desc limit 20) a))))""",
}
