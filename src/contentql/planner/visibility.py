"""What may be seen: one predicate for every table, put into every scan of every plan.

A row is visible when its own state allows it (`own`) and something visible uses it (`used`): a tag of
which only an embargoed article knows is as hidden as the article. `used` may be left out where the row
was reached from the very thing that makes it visible; `own` never may.

Who asks is, so far, always the public.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Any

from contentql.planner.catalog import One

# Rows of which each is seen exactly when the row that it leads to is.
DECIDED_BY: Mapping[str, One] = {
    "article_media": One("media", "media_id", witnessed=True),
    "collection_item": One("article", "article_id"),
}

# The first line is, word for word, the condition of the partial indexes.
_ARTICLE = (
    "{0}.status in ('PUBLISHED', 'SCHEDULED') and {0}.deleted_at is null"
    " and {0}.published_at <= {now} and ({0}.embargo_until is null or {0}.embargo_until <= {now})"
    " and ({0}.expires_at is null or {0}.expires_at > {now})"
)
_ACCEPTED = "{0}.state in ('ACCEPTED', 'EDITED')"
_UNEXPIRED = "({0}.expires_at is null or {0}.expires_at > {now})"


def _seen(row: str) -> str:
    return _ARTICLE.replace("{0}", row)


_OWN = {
    "article": _ARTICLE,
    "attribution": _ACCEPTED,
    "media": _UNEXPIRED,
    "article_media": "exists (select 1 from media vm where vm.id = {0}.media_id and "
    + _UNEXPIRED.replace("{0}", "vm")
    + ")",
    "collection_item": f"exists (select 1 from article va where va.id = {{0}}.article_id and {_seen('va')})",
}


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
    "tag": _linked("article_tag", "tag_id"),
    "author": _linked("article_author", "author_id"),
    "collection": _linked("collection_item", "collection_id"),
    "source": _attributed("source_id"),
    "story": f"exists (select 1 from article va where va.story_id = {{0}}.id and {_seen('va')})",
    "media": "("
    + " or ".join(
        [
            _linked("article_media", "media_id"),
            f"exists (select 1 from article va where va.lead_media_id = {{0}}.id and {_seen('va')})",
            "exists (select 1 from collection_item vl join article va on va.id = vl.article_id"
            f" where vl.media_id = {{0}}.id and {_seen('va')})",
            "exists (select 1 from author vu join article_author vl on vl.author_id = vu.id"
            f" join article va on va.id = vl.article_id where vu.image_id = {{0}}.id and {_seen('va')})",
        ]
    )
    + ")",
}

# What `_OWN` asks of a row: the columns, and the moments from which on its answer may be another.
OWN_COLUMNS: Mapping[str, frozenset[str]] = {
    "article": frozenset({"status", "deleted_at", "published_at", "embargo_until", "expires_at"}),
    "attribution": frozenset({"state"}),
    "media": frozenset({"expires_at"}),
}
MOMENTS: Mapping[str, tuple[str, ...]] = {
    "article": ("published_at", "embargo_until", "expires_at"),
    "media": ("expires_at",),
}


def can_be_seen(table: str, row: Mapping[str, Any], now: dt.datetime) -> bool:
    """What `_OWN` says of a row that is at hand: its columns, times as instants."""
    if table == "article":
        return (
            row["status"] in ("PUBLISHED", "SCHEDULED")
            and row["deleted_at"] is None
            and row["published_at"] is not None
            and row["published_at"] <= now
            and (row["embargo_until"] is None or row["embargo_until"] <= now)
            and (row["expires_at"] is None or row["expires_at"] > now)
        )
    if table == "attribution":
        return row["state"] in ("ACCEPTED", "EDITED")
    if table == "media":
        return row["expires_at"] is None or row["expires_at"] > now
    return True


def used_besides(table: str, row: str, now: str, besides: Callable[[str], str] | None = None) -> str | None:
    """Whether something visible uses the row, leaving out of account all rows whose id meets `besides`.

    None for tables whose rows need nobody to use them.
    """
    rule = _USED.get(table)
    if rule is None:
        return None

    def without(found: re.Match[str]) -> str:
        names = re.findall(r"(?:from|join) \w+ (v\w)\b", found[0])
        return found[0] + "".join(f"not {besides(f'{name}.id')} and " for name in names if besides)

    rule = re.sub(r"exists \(select 1 from .*? where ", without, rule)
    return rule.replace("{0}", row).replace("{now}", now)


def visible(table: str, row: str, now: Callable[[], str], *, witnessed: bool) -> list[str]:
    """The conditions under which `row` of `table` may be seen at `now`."""
    rules = [_OWN.get(table), None if witnessed else _USED.get(table)]
    said = [rule.replace("{0}", row) for rule in rules if rule]
    return [rule.replace("{now}", now()) if "{now}" in rule else rule for rule in said]
