"""Visibility rules: one SQL predicate for each table, part of every scan of every plan.

A row is visible if its own state allows it (`_OWN`) and a visible row uses it (`_USED`): a tag used only by
an embargoed article is hidden like the article. `_USED` may be omitted where the row was reached from the row
that makes it visible; `_OWN` never.

A collection has only the first `max_items` of its visible items (`shown_items_sql`): hidden items take no
place. What is beyond them is hidden, too, with the pictures that only such items use.

The rules for the public come first, those for other visibilities after them. Viewers who can see a working
copy see it in place of its article.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol

from contentql.auth.viewer import Visibility
from contentql.content.enums import Status
from contentql.planner.field_plans import ToOne

# Tables whose rows are visible exactly when the row that they reference is.
VISIBLE_THROUGH: Mapping[str, ToOne] = {
    "article_media": ToOne("media", "media_id", visible_with_source=True),
    "collection_item": ToOne("article", "article_id", by_public_id=True),
}

# Tables with working copies, which have the public id of the row that they copy.
WORKING_COPY_TABLES = frozenset({"article", "attribution"})

_UNEXPIRED = "({0}.expires_at is null or {0}.expires_at > {now})"
_RELEASED = "{0}.published_at <= {now} and ({0}.embargo_until is null or {0}.embargo_until <= {now})"
# Must be identical to the condition of the partial indexes.
_PUBLIC = "{0}.status in ('PUBLISHED', 'SCHEDULED') and {0}.deleted_at is null"
_ARTICLE = f"{_PUBLIC} and {_RELEASED} and {_UNEXPIRED}"
_ARTICLE_SO_FAR = (
    f"{_PUBLIC} and {_RELEASED} and ({{0}}.expires_at is null or ({{0}}.expires_at > {{0}}.published_at"
    " and ({0}.embargo_until is null or {0}.expires_at > {0}.embargo_until)))"
)
_NOT_REMOVED = "{0}.removed_at is null"
_ACCEPTED = "{0}.state in ('ACCEPTED', 'EDITED')"

# Changes between SCHEDULED, PUBLISHED and EXPIRED follow from the time alone: no row is written for them.
# A scheduled article is visible to the public only when it is published.
PUBLIC_ARTICLE_STATUS_SQL = "case {row}.status when 'SCHEDULED' then 'PUBLISHED' else {row}.status end"
ARTICLE_STATUS_SQL = (
    "case when {row}.status not in ('SCHEDULED', 'PUBLISHED') then {row}.status"
    " when {row}.expires_at <= {now} then 'EXPIRED' when "
    + _RELEASED.replace("{0}", "{row}")
    + " then 'PUBLISHED' else 'SCHEDULED' end"
)


def _seen(row: str) -> str:
    return _ARTICLE.replace("{0}", row)


def _placed(media: str) -> str:
    return f"exists (select 1 from media vm where vm.id = {{0}}.media_id and {media.replace('{0}', 'vm')})"


_OWN = {
    "article": _ARTICLE,
    "attribution": _ACCEPTED,
    "media": _UNEXPIRED,
    "article_media": _placed(_UNEXPIRED),
    "live_entry": _NOT_REMOVED,
    "collection_item": f"exists (select 1 from article va where va.id = {{0}}.article_id and {_seen('va')})",
    "revision": "false",
    "scheduled_change": "false",
    "audit_entry": "false",
    "token": "false",
    "webhook": "false",
    "webhook_delivery": "false",
    "redirect": "false",
}


def _item_order(item: str) -> str:
    return f"case when {item}.pinned_until <= {{now}} then 1 else 0 end, {item}.position, {item}.id"


def _shown(item: str, article: str = _ARTICLE, same: str = "vq.id = vp.article_id") -> str:
    """Returns the condition that a visible item is one of the first `max_items` of its collection.

    `article` is the rule by which the other items' articles are visible.
    """
    before = (
        f"select count(*) from collection_item vp join article vq on {same}"
        f" where vp.collection_id = {item}.collection_id and {article.replace('{0}', 'vq')}"
        f" and ({_item_order('vp')}) < ({_item_order(item)})"
    )
    return (
        f"exists (select 1 from collection vset where vset.id = {item}.collection_id"
        f" and (vset.max_items is null or vset.max_items > ({before})))"
    )


def _linked(link: str, column: str) -> str:
    return (
        f"exists (select 1 from {link} vl join article va on va.id = vl.article_id"
        f" where vl.{column} = {{0}}.id and {_seen('va')})"
    )


def _attributed(column: str) -> str:
    return (
        f"exists (select 1 from attribution vt join article va on va.id = vt.article_id where vt.{column} ="
        f" {{0}}.id and {_ACCEPTED.replace('{0}', 'vt')} and {_seen('va')})"
    )


_USED = {
    "attribution": f"exists (select 1 from article va where va.id = {{0}}.article_id and {_seen('va')})",
    "correction": f"exists (select 1 from article va where va.id = {{0}}.article_id and {_seen('va')})",
    "live_entry": f"exists (select 1 from article va where va.id = {{0}}.article_id and {_seen('va')})",
    "tag": _linked("article_tag", "tag_id"),
    "author": f"({_linked('article_author', 'author_id')} or {_linked('live_entry_use', 'author_id')})",
    "collection": _linked("collection_item", "collection_id"),
    "source": _attributed("source_id"),
    "story": f"exists (select 1 from article va where va.story_id = {{0}}.id and {_seen('va')})",
    "media": "("
    + " or ".join(
        [
            _linked("article_media", "media_id"),
            _linked("live_entry_use", "media_id"),
            f"exists (select 1 from article va where va.lead_media_id = {{0}}.id and {_seen('va')})",
            "exists (select 1 from collection_item vl join article va on va.id = vl.article_id"
            f" where vl.media_id = {{0}}.id and {_seen('va')} and {_shown('vl')})",
            *(
                f"exists (select 1 from author vu join {link} vl on vl.author_id = vu.id"
                f" join article va on va.id = vl.article_id where vu.image_id = {{0}}.id and {_seen('va')})"
                for link in ("article_author", "live_entry_use")
            ),
        ]
    )
    + ")",
}

# Whether the public sees an item of a collection.
PUBLIC_ITEM_SQL = (
    f"exists (select 1 from article va where va.id = {{row}}.article_id and {_seen('va')})"
    f" and {_shown('{row}')}"
)

# Tables whose rows are visible to the public only while a visible row uses them.
TABLES_VISIBLE_BY_USE = frozenset(_USED)

# Columns that `_OWN` reads, and those whose time changes its result when it passes.
VISIBILITY_COLUMNS: Mapping[str, frozenset[str]] = {
    "article": frozenset({"status", "deleted_at", "published_at", "embargo_until", "expires_at"}),
    "attribution": frozenset({"state"}),
    "live_entry": frozenset({"removed_at"}),
    "media": frozenset({"expires_at"}),
}
VISIBILITY_TIME_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "article": ("published_at", "embargo_until", "expires_at"),
    "media": ("expires_at",),
    "collection_item": ("pinned_until",),  # a time that changes the order, not the visibility
}
# Tables whose rows can appear in or leave a response by the passage of time alone, their own or that of a
# row that makes them visible.
TIME_DEPENDENT_TABLES = frozenset({*VISIBILITY_TIME_COLUMNS, *VISIBLE_THROUGH, *TABLES_VISIBLE_BY_USE})


def own_visibility_sql(table: str, row: str, now: str) -> str:
    """Returns the condition on the row's own state under which it is visible to the public."""
    rule = _OWN.get(table)
    return rule.replace("{0}", row).replace("{now}", now) if rule else "true"


def visible_so_far_sql(row: str, now: str) -> str:
    """Returns the condition that an article is visible to the public, or was until it expired."""
    return _ARTICLE_SO_FAR.replace("{0}", row).replace("{now}", now)


def is_publicly_visible(table: str, row: Mapping[str, Any], now: dt.datetime) -> bool:
    """Evaluates the `_OWN` rule of an article, attribution, live entry or media row; True for other tables.

    `row` has the columns of VISIBILITY_COLUMNS, times as `datetime`.
    """
    if table == "article":
        return (
            row["status"] in ("PUBLISHED", "SCHEDULED")
            and row["deleted_at"] is None
            and _is_released(row, now)
            and _is_unexpired(row, now)
        )
    if table == "attribution":
        return row["state"] in ("ACCEPTED", "EDITED")
    if table == "live_entry":
        return row["removed_at"] is None
    if table == "media":
        return _is_unexpired(row, now)
    return True


def article_status_at(row: Mapping[str, Any], now: dt.datetime) -> Status:
    """The status of an article at a time, as ARTICLE_STATUS_SQL computes it; deletion does not change it."""
    status = Status(row["status"])
    if status not in (Status.SCHEDULED, Status.PUBLISHED):
        return status
    if not _is_unexpired(row, now):
        return Status.EXPIRED
    return Status.PUBLISHED if _is_released(row, now) else Status.SCHEDULED


def _is_released(row: Mapping[str, Any], now: dt.datetime) -> bool:
    published_at, embargo_until = row["published_at"], row["embargo_until"]
    return (
        published_at is not None and published_at <= now and (embargo_until is None or embargo_until <= now)
    )


def _is_unexpired(row: Mapping[str, Any], now: dt.datetime) -> bool:
    return row["expires_at"] is None or row["expires_at"] > now


def referenced_visibility_sql(
    table: str, row: str, now: str, besides: Callable[[str], str] | None = None
) -> str | None:
    """Returns the condition that a visible row uses `row`; rows whose id meets `besides` are ignored.

    None for tables whose rows are visible without use.
    """
    rule = _USED.get(table)
    if rule is None:
        return None

    def without(match: re.Match[str]) -> str:
        names = re.findall(r"(?:from|join) \w+ (v\w)\b", match[0])
        return match[0] + "".join(f"not {besides(f'{name}.id')} and " for name in names if besides)

    rule = re.sub(r"exists \(select 1 from .*? where ", without, rule)
    return rule.replace("{0}", row).replace("{now}", now)


class VisibilityParams(Protocol):
    """SQL parameters of visibility rules: the viewer and the time."""

    def now(self) -> str: ...
    def request_time(self) -> str:
        """SQL of the time of the request; `now` may be a preview time."""

    def viewer_account(self) -> str: ...
    def shared_article(self) -> str: ...


def visibility_sql(
    table: str, row: str, params: VisibilityParams, *, via_visible: bool, visibility: Visibility
) -> list[str]:
    """Returns the conditions under which `row` of `table` is visible.

    `via_visible`: reached from the row that makes it visible, so `_USED` is omitted.
    """
    rules = _rules(table, via_visible, visibility)
    return _bind([rule.replace("{0}", row) for rule in rules if rule], params)


def shown_items_sql(collection: str, most: str, params: VisibilityParams, visibility: Visibility) -> str:
    """Returns a subquery: the first `most` visible items of a collection, or all if `most` is null (SQL)."""
    rule = _rules("collection_item", True, visibility)[0]
    assert rule is not None
    items = (
        f"select vl.*, row_number() over (order by {_item_order('vl')}) as row_rank from collection_item vl"
        f" where vl.collection_id = {collection} and {rule.replace('{0}', 'vl')}"
    )
    (sql,) = _bind([f"(select * from ({items}) vi where {most} is null or vi.row_rank <= {most})"], params)
    return sql


def shown_item_sql(item: str, params: VisibilityParams, visibility: Visibility) -> str:
    """Returns the condition that a visible item is one of those that `shown_items_sql` returns."""
    if visibility.is_public:
        rule = _shown(item)
    else:
        same = matches_public_id_sql("article", "vq", "vp.article_id", visibility)
        rule = _shown(item, _inside(visibility)[0], same)
    (sql,) = _bind([rule], params)
    return sql


def _bind(values: Sequence[str], params: VisibilityParams) -> list[str]:
    """Returns the rules with SQL of the parameters in place of their names."""
    for place, value in (
        ("{now}", params.now),
        ("{present}", params.request_time),
        ("{me}", params.viewer_account),
        ("{linked}", params.shared_article),
    ):
        values = [rule.replace(place, value()) if place in rule else rule for rule in values]
    return list(values)


def deleted_articles_sql(row: str, params: VisibilityParams, visibility: Visibility) -> list[str]:
    """Returns the conditions of the deleted articles that a viewer of drafts may see."""
    own = [] if visibility.articles == "all" else [f"{row}.owner = {params.viewer_account()}"]
    return [f"{row}.deleted_at is not null", f"{row}.working_of = 0", *own]


def public_id_sql(table: str, row: str, visibility: Visibility) -> str:
    """Returns SQL of a row's public id: that of a working copy is the id of the row that it copies."""
    if visibility.is_public or table not in WORKING_COPY_TABLES:
        return f"{row}.id"
    return f"coalesce(nullif({row}.working_of, 0), {row}.id)"


def matches_public_id_sql(table: str, row: str, value: str, visibility: Visibility) -> str:
    """Returns the condition that a row has a public id.

    A row and its working copy have the same public id; at most one of them is visible.
    """
    if visibility.is_public or table not in WORKING_COPY_TABLES:
        return f"{row}.id = {value}"
    return f"({row}.id = {value} or ({row}.working_of = {value} and {row}.working_of <> 0))"


@lru_cache(maxsize=1_000)
def _rules(table: str, via_visible: bool, visibility: Visibility) -> tuple[str | None, ...]:
    if visibility.is_public:
        return _OWN.get(table), None if via_visible else _USED.get(table)
    article, rules = _inside(visibility)
    used = None if via_visible else _used_inside(table, visibility, article)
    return rules.get(table), used


def _inside(visibility: Visibility) -> tuple[str, Mapping[str, str | None]]:
    """Returns the rules of a non-public visibility: for articles, and by table those in place of `_OWN`."""
    latest = (
        "{0}.deleted_at is null"
        " and not exists (select 1 from article vw where vw.working_of = {0}.id and vw.working_of <> 0)"
    )
    if visibility.at_preview_time:
        latest += (
            " and {0}.status not in ('WITHDRAWN', 'ARCHIVED')"
            " and ({0}.published_at is null or {0}.published_at <= {now})"
            " and ({0}.embargo_until is null or {0}.embargo_until <= {now}) and " + _UNEXPIRED
        )
    # A preview time reveals no articles of others: they must be public at the time of the request as well.
    public = _both(_ARTICLE) if visibility.at_preview_time else _ARTICLE
    mine = "exists (select 1 from article va where va.id = {0}.article_id and va.owner = {me})"
    article = {
        "all": latest,
        "own": f"(({{0}}.owner = {{me}} and {latest})"
        f" or (({{0}}.owner is null or {{0}}.owner <> {{me}}) and {public}))",
        "linked": f"((({{0}}.id = {{linked}} or {{0}}.working_of = {{linked}}) and {latest})"
        f" or ({{0}}.id <> {{linked}} and {public}))",
        "public": public,
    }[visibility.articles]
    suggestions = {"all": None, "own": f"({_ACCEPTED} or {mine})"}.get(visibility.articles, _ACCEPTED)
    revisions = {"all": None, "own": mine}.get(visibility.articles, "false")
    document = (
        visibility.articles in ("all", "own") and not visibility.at_preview_time
    )  # then media are visible after their licence has ended
    ahead = visibility.at_preview_time and visibility.articles == "linked"
    unexpired = _both(_UNEXPIRED) if ahead else _UNEXPIRED
    here, seen = (
        matches_public_id_sql("article", "va", "{0}.article_id", visibility),
        article.replace("{0}", "va"),
    )
    return article, {
        "article": article,
        "attribution": suggestions if visibility.internal_fields else _ACCEPTED,
        "media": None if document else unexpired,
        "article_media": None if document else _placed(unexpired),
        "live_entry": _NOT_REMOVED,
        "collection_item": f"exists (select 1 from article va where {here} and {seen})",
        "revision": revisions if visibility.internal_fields else "false",
        "scheduled_change": revisions if visibility.internal_fields else "false",
        "audit_entry": None if visibility.admin else "false",
        "token": None if visibility.admin else "false",
        "webhook": None if visibility.admin else "false",
        "webhook_delivery": None if visibility.admin else "false",
        "redirect": None if visibility.articles == "all" else "false",
    }


def _both(rule: str) -> str:
    """Returns the rule evaluated both at the preview time and at the time of the request."""
    return f"{rule} and {rule.replace('{now}', '{present}')}"


def _used_inside(table: str, visibility: Visibility, article: str) -> str | None:
    """Returns the rule in place of `_USED`.

    Parts of an article are visible with the article. Rows of other tables are visible without use to viewers
    of drafts (None); for others, `_USED` applies with the articles visible to them.
    """
    seen = article.replace("{0}", "va")
    if table in ("attribution", "correction", "live_entry", "revision", "scheduled_change"):
        own = table == "attribution"  # copies have their own attributions; other parts use the public id
        here = (
            "va.id = {0}.article_id"
            if own
            else matches_public_id_sql("article", "va", "{0}.article_id", visibility)
        )
        return f"exists (select 1 from article va where {here} and {seen})"
    if visibility.articles in ("all", "own"):
        return None
    rule = _USED.get(table)
    if rule is None:
        return None
    for alias, item in (("va", "vl"), ("vq", "vp")):
        same = matches_public_id_sql("article", alias, f"{item}.article_id", visibility)
        rule = rule.replace(_seen(alias), article.replace("{0}", alias))
        for table_name in ("collection_item", "live_entry_use"):
            rule = rule.replace(
                f"{table_name} {item} join article {alias} on {alias}.id = {item}.article_id",
                f"{table_name} {item} join article {alias} on {same}",
            )
    return rule
